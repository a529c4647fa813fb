// Names of files, senders and accounts are chosen by attackers. Characters that reorder text or take no room can make
// "gpj.exe" look like "exe.jpg"; they are cut out here so that the screen can show them as marks.

export type Piece = { text: string } | { code: string; name: string };

const names: Record<number, string> = {
  173: "soft hyphen",
  847: "joiner",
  1564: "right-to-left mark",
  4447: "blank letter",
  4448: "blank letter",
  6068: "blank letter",
  6069: "blank letter",
  6158: "separator without width",
  8203: "space without width",
  8204: "non-joiner",
  8205: "joiner",
  8206: "left-to-right mark",
  8207: "right-to-left mark",
  8234: "starts left-to-right text",
  8235: "starts right-to-left text",
  8236: "ends a direction",
  8237: "forces left-to-right",
  8238: "forces right-to-left",
  8288: "joiner without width",
  8294: "starts left-to-right text",
  8295: "starts right-to-left text",
  8296: "starts isolated text",
  8297: "ends isolated text",
  10240: "blank pattern",
  12644: "blank letter",
  65279: "space without width",
  65440: "blank letter",
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
