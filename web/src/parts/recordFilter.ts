// The filters of the record live in the page's address; the server takes the same names, but for the time range.
import type { RecordFilter } from "../api/record";

export const recordFields = [
  "target",
  "trigger",
  "by",
  "type",
  "category",
  "provider",
  "status",
  "targetType",
  "origin",
] as const;

export type RecordField = (typeof recordFields)[number] | "since" | "from" | "to";

export const ranges: Record<string, [label: string, hours: number]> = {
  "1d": ["Last day", 24],
  "7d": ["Last 7 days", 7 * 24],
  "30d": ["Last 30 days", 30 * 24],
  "180d": ["Last 6 months", 180 * 24],
};

/** What the server is asked, out of an address. Relative times begin at a whole minute, so that they can be cached. */
export function filterOf(params: URLSearchParams, now = Date.now()): RecordFilter {
  const filter: RecordFilter = [];
  for (const name of recordFields) {
    for (const value of params.getAll(name)) {
      if (value.trim()) filter.push([name, value.trim()]);
    }
  }
  const range = ranges[params.get("since") ?? ""];
  if (range) {
    const minute = 60_000;
    filter.push(["from", new Date(Math.floor(now / minute) * minute - range[1] * 3_600_000).toISOString()]);
    return filter;
  }
  for (const name of ["from", "to"]) {
    const at = Date.parse(params.get(name) ?? "");
    if (!Number.isNaN(at)) filter.push([name, new Date(at).toISOString()]);
  }
  return filter;
}

/** The address with one filter set, or taken away with "". */
export function withFilter(params: URLSearchParams, name: RecordField, value: string): URLSearchParams {
  const next = new URLSearchParams(params);
  if (value) next.set(name, value);
  else next.delete(name);
  if (name === "since" && value !== "custom") {
    next.delete("from");
    next.delete("to");
  }
  return next;
}

/** The address without any filter of the record. */
export function withoutFilters(params: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const name of [...recordFields, "since", "from", "to"]) next.delete(name);
  return next;
}

export function filtered(params: URLSearchParams): boolean {
  return [...recordFields, "since", "from", "to"].some((name) => params.get(name));
}
