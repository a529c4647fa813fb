// The only place that calls fetch. Everything above it sees parsed JSON or an ApiError whose message is written for
// the person at the screen.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds to wait before trying again, when the server says so. */
    readonly retryAfter?: number,
    /** What the server said beside code and message, such as the diagnostics of a query. */
    readonly details?: Record<string, unknown>,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

let csrfToken = "";
let onSignedOut: () => void = () => {};

/** Remembers the token that every changing call must carry beside the cookie. */
export function setCsrfToken(token: string) {
  csrfToken = token;
}

/** Registers what happens when the server says that the session has ended. */
export function whenSignedOut(callback: () => void) {
  onSignedOut = callback;
}

interface Options {
  body?: unknown;
  ifMatch?: number;
  signal?: AbortSignal;
  /** A 401 is an answer here and not the end of the session. */
  expectSignedOut?: boolean;
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  // Without Prefer, Graph hides the newer members of its enums behind "unknownFutureValue".
  const headers: Record<string, string> = { Accept: "application/json", Prefer: "include-unknown-enum-members" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  if (options.ifMatch !== undefined) headers["If-Match"] = `"${options.ifMatch}"`;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError(0, "unreachable", "Tocsin cannot be reached. Check your connection and try again.");
  }
  if (!response.ok) {
    const error = await readError(response);
    if (response.status === 401 && !options.expectSignedOut) onSignedOut();
    throw error;
  }
  if (response.status === 204 || response.headers.get("Content-Length") === "0") return undefined as T;
  return (await response.json()) as T;
}

async function readError(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  let code = "";
  let message = "";
  let details: Record<string, unknown> | undefined;
  try {
    const body = (await response.json()) as { error?: { code?: string; message?: string } & Record<string, unknown> };
    code = body.error?.code ?? "";
    message = body.error?.message ?? "";
    details = body.error;
  } catch {
    // A proxy in between may answer with HTML; the status still says enough.
  }
  return new ApiError(
    response.status,
    code,
    message ? sentence(message) : fallback(response.status),
    retryAfter,
    details,
  );
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const start = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

function fallback(status: number): string {
  if (status === 403) return "You do not have permission to do this.";
  if (status === 404) return "This does not exist, or no longer does.";
  if (status === 429) return "Too many attempts. Wait a moment and try again.";
  return `The server answered with an error (${status}). Try again in a moment.`;
}

/** Path and query of a link that the server made. Its host is not ours to follow: a proxy may have changed the name. */
export function localPath(link: string): string {
  const url = new URL(link, "http://host.invalid");
  return url.pathname + url.search;
}

export function query(params: Record<string, string | number | boolean | undefined>): string {
  const parts = Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${encodeURIComponent(name).replaceAll("%24", "$")}=${encodeURIComponent(String(value))}`);
  return parts.length ? `?${parts.join("&")}` : "";
}

/** Posts and hands over each line of a streamed NDJSON answer as it comes. */
export async function stream(path: string, body: unknown, signal: AbortSignal, line: (item: unknown) => void) {
  const headers: Record<string, string> = { Accept: "application/x-ndjson", "Content-Type": "application/json" };
  if (csrfToken) headers["X-CSRF-Token"] = csrfToken;
  let response: Response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ApiError(0, "unreachable", "Tocsin cannot be reached. Check your connection and try again.");
  }
  if (!response.ok || !response.body) {
    const error = await readError(response);
    if (response.status === 401) onSignedOut();
    throw error;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    for (const text of lines) if (text.trim() !== "") line(JSON.parse(text));
    if (done) return;
  }
}
