// A small Markdown: what people write in comments, and no more. It makes a tree of plain data, never HTML, so that
// nothing in a comment can become anything but text, emphasis, lists, code, links and images.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em" | "strike"; parts: Inline[] }
  | { kind: "link"; href: string; parts: Inline[] }
  | { kind: "image"; src: string; alt: string };

export type Block =
  | { kind: "paragraph"; parts: Inline[] }
  | { kind: "heading"; level: number; parts: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "rule" };

/** A link leads to the web or to a mail program, never to a script. */
export function safeLink(href: string): string | undefined {
  // Browsers skip control characters and blanks in schemes.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const clean = href.replace(/[\u0000-\u0020\u007f-\u00a0]/g, "");
  return /^(https?:\/\/|mailto:)/i.test(clean) ? clean : undefined;
}

/** The longest picture that stands in a comment itself, in characters. */
const longestPicture = 25_000;

/** A picture is one of four kinds that hold no script, in the comment itself; any other address is a remote one. */
export function pictureIn(src: string): boolean {
  return src.length <= longestPicture && /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/.test(src);
}

const deepest = 8;
const inline =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|!\[([^\]\n]*)\]\(([^()\s]+)\)|\[([^\]\n]+)\]\(([^()\s]+)\)|\*\*(?=\S)([\s\S]*?\S)\*\*|~~(?=\S)([\s\S]*?\S)~~|\*(?=\S)([^*]*?[^\s*])\*|(?<![\w])_(?=\S)([^_]*?[^\s_])_(?!\w)|(https?:\/\/[^\s<>"'`]*[^\s<>"'`.,:;!?)\]}])/;

export function inlineOf(text: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let rest = text;
  while (rest !== "") {
    const found = depth < deepest ? inline.exec(rest) : null;
    if (!found) {
      out.push({ kind: "text", text: rest });
      break;
    }
    if (found.index > 0) out.push({ kind: "text", text: rest.slice(0, found.index) });
    out.push(partOf(found, depth));
    rest = rest.slice(found.index + found[0].length);
  }
  return out;
}

function partOf(found: RegExpExecArray, depth: number): Inline {
  const [whole, , code, alt, src, label, href, strong, strike, star, underscore, bare] = found;
  const inner = (text: string) => inlineOf(text, depth + 1);
  if (code !== undefined) return { kind: "code", text: code };
  if (src !== undefined) {
    const safe = pictureIn(src) ? src : /^https:\/\//i.test(src) ? safeLink(src) : undefined;
    return safe ? { kind: "image", src: safe, alt: alt ?? "" } : { kind: "text", text: whole };
  }
  if (label !== undefined && href !== undefined) {
    const safe = safeLink(href);
    return safe ? { kind: "link", href: safe, parts: inner(label) } : { kind: "text", text: whole };
  }
  if (strong !== undefined) return { kind: "strong", parts: inner(strong) };
  if (strike !== undefined) return { kind: "strike", parts: inner(strike) };
  const em = star ?? underscore;
  if (em !== undefined) return { kind: "em", parts: inner(em) };
  return { kind: "link", href: bare ?? "", parts: [{ kind: "text", text: bare ?? "" }] };
}

const item = /^\s{0,3}(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;

export function blocksOf(text: string, depth = 0): Block[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const out: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const upTo = (more: (each: string) => boolean) => {
      const from = at;
      while (at < lines.length && more(lines[at] ?? "")) at++;
      return lines.slice(from, at);
    };
    if (line.trim() === "") at++;
    else if (/^\s{0,3}```/.test(line)) {
      at++;
      out.push({ kind: "code", text: upTo((each) => !/^\s{0,3}```\s*$/.test(each)).join("\n") });
      at++;
    } else if (/^#{1,6}\s/.test(line)) {
      const level = line.indexOf(" ");
      out.push({ kind: "heading", level, parts: inlineOf(line.slice(level).trim()) });
      at++;
    } else if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.push({ kind: "rule" });
      at++;
    } else if (/^\s{0,3}>/.test(line) && depth < deepest) {
      const inner = upTo((each) => /^\s{0,3}>/.test(each)).map((each) => each.replace(/^\s{0,3}>\s?/, ""));
      out.push({ kind: "quote", blocks: blocksOf(inner.join("\n"), depth + 1) });
    } else if (item.test(line)) {
      const ordered = item.exec(line)?.[1] !== undefined;
      const own = (each: string) => item.test(each) && (item.exec(each)?.[1] !== undefined) === ordered;
      out.push({ kind: "list", ordered, items: upTo(own).map((each) => inlineOf(item.exec(each)?.[2] ?? "")) });
    } else {
      const first = at;
      const plain = (each: string) =>
        each.trim() !== "" && (at === first || !(/^\s{0,3}(```|>)|^#{1,6}\s/.test(each) || item.test(each)));
      out.push({ kind: "paragraph", parts: inlineOf(upTo(plain).join("\n")) });
    }
  }
  return out;
}
