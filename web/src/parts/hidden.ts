// Names of files, senders and accounts are chosen by attackers. Characters that reorder text or take no room can make
// "gpj.exe" look like "exe.jpg"; they are cut out here so that the screen can show them as marks.

export type Piece = { text: string } | { code: string; name: string };

const names: Record<number, string> = {
  0x00ad: "soft hyphen",
  0x034f: "joiner",
  0x061c: "right-to-left mark",
  0x115f: "blank letter",
  0x1160: "blank letter",
  0x17b4: "blank letter",
  0x17b5: "blank letter",
  0x180e: "separator without width",
  0x200b: "space without width",
  0x200c: "non-joiner",
  0x200d: "joiner",
  0x200e: "left-to-right mark",
  0x200f: "right-to-left mark",
  0x202a: "starts left-to-right text",
  0x202b: "starts right-to-left text",
  0x202c: "ends a direction",
  0x202d: "forces left-to-right",
  0x202e: "forces right-to-left",
  0x2060: "joiner without width",
  0x2066: "starts left-to-right text",
  0x2067: "starts right-to-left text",
  0x2068: "starts isolated text",
  0x2069: "ends isolated text",
  0x2800: "blank pattern",
  0x3164: "blank letter",
  0xfeff: "space without width",
  0xffa0: "blank letter",
};

function hiddenName(code: number): string | undefined {
  const name = names[code];
  if (name) return name;
  // Line breaks and tabs are kept: command lines and comments are full of them.
  if ((code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) || (code >= 0x7f && code < 0xa0))
    return "control character";
  if (code >= 0x2061 && code <= 0x2064) return "invisible operator";
  if (code >= 0x206a && code <= 0x206f) return "text control";
  if (code >= 0xfff9 && code <= 0xfffb) return "annotation mark";
  if (code >= 0xe0000 && code <= 0xe0fff) return "invisible tag";
  if (code >= 0xd800 && code <= 0xdfff) return "broken character";
  return undefined;
}

/** The text cut into what can be shown as it is and what must be shown as a mark. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let plain = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const name = hiddenName(code);
    if (name === undefined) {
      plain += character;
      continue;
    }
    if (plain) out.push({ text: plain });
    plain = "";
    out.push({ code: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`, name });
  }
  if (plain || out.length === 0) out.push({ text: plain });
  return out;
}

/** The same as one string, for places that take no markup: titles, labels, the name of the window. */
export function plainText(text: string): string {
  return pieces(text)
    .map((piece) => ("text" in piece ? piece.text : `⟨${piece.code}⟩`))
    .join("");
}
