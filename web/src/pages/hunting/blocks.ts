export interface TextBlock {
  start: number;
  end: number;
  text: string;
}

// Several queries share a tab, separated by blank lines. A blank line inside a string or a comment that spans lines,
// or between the statements of a let, still separates, as it does in the portal that hunters come from.

/** The queries of a text, in order. */
export function blocks(text: string): TextBlock[] {
  const found: TextBlock[] = [];
  const separator = /\r?\n[^\S\n]*(?:\r?\n[^\S\n]*)+/g;
  let start = 0;
  const add = (end: number) => {
    const raw = text.slice(start, end);
    if (raw.trim() !== "") found.push({ start, end, text: raw });
  };
  for (let match = separator.exec(text); match; match = separator.exec(text)) {
    add(match.index);
    start = match.index + match[0].length;
  }
  add(text.length);
  return found;
}

/** The query at an offset; between two, the one before. */
export function blockAt(text: string, offset: number): TextBlock | undefined {
  const all = blocks(text);
  return all.findLast(({ start }) => start <= offset) ?? all[0];
}
