import { describe, expect, it } from "vitest";
import { blocksOf, inlineOf, pictureIn, safeLink } from "./markdownTree";

// M13
describe("Markdown of comments", () => {
  it("knows emphasis, code, links and lists", () => {
    expect(blocksOf("# Found\n\n**bad** and `x <b>`\n\n- one\n- [two](https://example.com/a)\n\n> said")).toEqual([
      { kind: "heading", level: 1, parts: [{ kind: "text", text: "Found" }] },
      {
        kind: "paragraph",
        parts: [
          { kind: "strong", parts: [{ kind: "text", text: "bad" }] },
          { kind: "text", text: " and " },
          { kind: "code", text: "x <b>" },
        ],
      },
      {
        kind: "list",
        ordered: false,
        items: [
          [{ kind: "text", text: "one" }],
          [{ kind: "link", href: "https://example.com/a", parts: [{ kind: "text", text: "two" }] }],
        ],
      },
      { kind: "quote", blocks: [{ kind: "paragraph", parts: [{ kind: "text", text: "said" }] }] },
    ]);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:x",
    "//evil.example",
    "file:///etc/passwd",
  ])("makes no link of %s", (href) => {
    expect(safeLink(href)).toBeUndefined();
    expect(JSON.stringify(inlineOf(`[click](${href.replace(/[\s()]/g, "")})`))).not.toContain('"link"');
  });

  it("takes pictures of safe kinds only, and remote ones only over https", () => {
    expect(pictureIn("data:image/png;base64,iVBORw0KGgo=")).toBe(true);
    expect(pictureIn("data:image/svg+xml;base64,PHN2Zz4=")).toBe(false);
    expect(pictureIn(`data:image/png;base64,${"A".repeat(26_000)}`)).toBe(false);
    expect(inlineOf("![a](data:image/svg+xml;base64,PHN2Zz4=)")[0]?.kind).toBe("text");
    expect(inlineOf("![a](http://tracker.example/x.png)")[0]?.kind).toBe("text");
    expect(inlineOf("![a](https://example.com/x.png)")[0]?.kind).toBe("image");
  });

  it("leaves HTML as text and ends on nonsense", () => {
    expect(inlineOf("<img src=x onerror=alert(1)>")).toEqual([{ kind: "text", text: "<img src=x onerror=alert(1)>" }]);
    for (const nonsense of [
      "*".repeat(3000),
      "[".repeat(3000),
      "`".repeat(3000),
      "> ".repeat(1000),
      "_a".repeat(3000),
    ]) {
      const begun = Date.now();
      expect(blocksOf(nonsense).length).toBeGreaterThan(0);
      expect(Date.now() - begun).toBeLessThan(2000);
    }
  });
});
