// A query in an address: its text through gzip and base64, as the portals and tools of Kusto write it.

async function pipe(bytes: Uint8Array, through: ReadableWritablePair<Uint8Array, BufferSource>): Promise<Uint8Array> {
  const source = new Blob([bytes as BlobPart]).stream().pipeThrough(through);
  return new Uint8Array(await new Response(source).arrayBuffer());
}

export async function encodeQuery(text: string): Promise<string> {
  const packed = await pipe(
    new TextEncoder().encode(text),
    new CompressionStream("gzip") as ReadableWritablePair<Uint8Array, BufferSource>,
  );
  let raw = "";
  for (const byte of packed) raw += String.fromCharCode(byte);
  return btoa(raw);
}

export interface LinkOptions {
  title?: string;
  /** Runs the query as soon as it is open. */
  run?: boolean;
  /** The incident that the hunt is for: the way back, and where rows are linked to. */
  incident?: string;
}

/** The address of the hunting page with a query, inside the portal. */
export async function pathOf(text: string, { title, run, incident }: LinkOptions = {}): Promise<string> {
  const params = new URLSearchParams({ query: await encodeQuery(text) });
  if (title) params.set("title", title);
  if (run) params.set("runQuery", "true");
  if (incident) params.set("incident", incident);
  return `/hunting?${params}`;
}

/** The whole address, for other people. */
export async function linkOf(text: string): Promise<string> {
  return `${location.origin}${await pathOf(text)}`;
}

/** The longest text that a link may unpack to. */
const longest = 1 << 20;

/** The query of a link; undefined when it holds none. */
export async function readLink(encoded: string): Promise<string | undefined> {
  try {
    const raw = atob(encoded.replaceAll(" ", "+").replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(raw, (char) => char.charCodeAt(0));
    const source = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
    const reader = source.getReader();
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > longest) {
        await reader.cancel();
        return undefined;
      }
      parts.push(value);
    }
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(whole);
  } catch {
    return undefined;
  }
}
