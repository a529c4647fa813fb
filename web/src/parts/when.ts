// Points in time as people say them. Everything is shown in the reader's own time zone and language.

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Milliseconds since 1970, or undefined for nothing, nonsense and the zero time of the server. */
export function parseTime(value: string | null | undefined): number | undefined {
  if (!value || value.startsWith("0001-")) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });

/** "3 minutes ago", "yesterday", and from a week on the date itself. */
export function relativeTime(ms: number, now: number): string {
  const past = now - ms;
  const size = Math.abs(past);
  if (size < 45_000) return past >= 0 ? "just now" : "in a moment";
  if (size < 60 * minute) return relative.format(-Math.round(past / minute), "minute");
  if (size < day) return relative.format(-Math.round(past / hour), "hour");
  if (size < 7 * day) return relative.format(-Math.round(past / day), "day");
  return shortDate(ms, now);
}

export function shortDate(ms: number, now: number): string {
  const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat("en", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(ms);
}

/** Date and time to the second with the zone's name: what stands in the tooltip and in details. */
export function absoluteTime(ms: number): string {
  return new Intl.DateTimeFormat("en", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).format(ms);
}

export function dateTime(ms: number): string {
  return new Intl.DateTimeFormat("en", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(ms);
}

export function clockTime(ms: number, seconds = true): string {
  return new Intl.DateTimeFormat("en", {
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
    hourCycle: "h23",
  }).format(ms);
}

export function dayName(ms: number): string {
  return new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(ms);
}

/** How long something lasted, in at most two units: "2 days 3 hours". */
export function duration(ms: number): string {
  if (ms < minute) return "less than a minute";
  const units: [number, string][] = [
    [day, "day"],
    [hour, "hour"],
    [minute, "minute"],
  ];
  const parts: string[] = [];
  let rest = ms;
  for (const [size, name] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n} ${name}${n === 1 ? "" : "s"}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}
