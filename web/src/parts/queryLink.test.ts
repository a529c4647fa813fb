import { afterEach, expect, test, vi } from "vitest";
import { linkOf, pathOf, readLink } from "./queryLink";

afterEach(() => vi.unstubAllGlobals());

test("a query comes back from its link as it was", async () => {
  const text = 'DeviceEvents\n| where X == "ä €"\n\nprint 1';
  const params = new URLSearchParams((await pathOf(text, { title: "A & B", run: true, incident: "12" })).split("?")[1]);
  expect(await readLink(params.get("query") ?? "")).toBe(text);
  expect(params.get("title")).toBe("A & B");
  expect(params.get("runQuery")).toBe("true");
  expect(params.get("incident")).toBe("12");
});

test("a link for others holds the query and nothing that runs it", async () => {
  vi.stubGlobal("location", { origin: "https://soc.example" });
  const link = new URL(await linkOf("print 1"));
  expect(link.origin + link.pathname).toBe("https://soc.example/hunting");
  expect([...link.searchParams.keys()]).toEqual(["query"]);
});

test("what is no link, or unpacks to too much, holds no query", async () => {
  expect(await readLink("not base64 at all!")).toBeUndefined();
  expect(await readLink(btoa("not gzip"))).toBeUndefined();
  const bomb = new URLSearchParams((await pathOf("a".repeat((1 << 20) + 1))).split("?")[1]);
  expect(await readLink(bomb.get("query") ?? "")).toBeUndefined();
});
