// What a queue shows, as one value: read from the address, written to it, and turned into the server's query. An
// address without parameters means the default view; only what differs from it is written.

export const ranges = [
  { value: "24h", label: "Last day", hours: 24 },
  { value: "3d", label: "Last 3 days", hours: 72 },
  { value: "7d", label: "Last 7 days", hours: 168 },
  { value: "30d", label: "Last 30 days", hours: 720 },
  { value: "180d", label: "Last 6 months", hours: 4320 },
  { value: "all", label: "Any time", hours: undefined },
  { value: "custom", label: "Custom range", hours: undefined },
] as const;

export type Range = (typeof ranges)[number]["value"];

export interface FilterDef {
  /** Its name in the address. */
  id: string;
  label: string;
  /** The server's property, for the counts beside the values. */
  property?: string;
  /** How chosen values become a condition. */
  condition: (values: string[], me: string) => string;
  /** Values that are offered even when nothing has them. */
  options?: string[];
  word?: (value: string) => string;
  /** The choice of the default view. */
  usual?: string[];
  /** Shown without being added first. */
  always?: boolean;
  /** Values are typed and not chosen. */
  typed?: boolean;
}

export interface ListSpec {
  defs: FilterDef[];
  /** What the time range is about: the server's property and its name for people. */
  time: { property: string; label: string };
  range: Range;
  /** Columns that the server can sort by, with its names for them. */
  sorts: Record<string, string>;
  sort: Sort;
  /** What decides among equals. */
  tie: string;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface ListFilter {
  /** Chosen values by filter; without an entry the filter's usual ones. */
  values: Record<string, string[]>;
  range: Range;
  /** Ends of a custom range in UTC, to the minute. */
  from?: string;
  to?: string;
  search: string;
  sort: Sort;
}

/** Stands for "no restriction" where the default restricts. */
const any = "any";

const sameList = (a: string[], b: string[]) => a.length === b.length && a.every((value) => b.includes(value));

export function defaultFilter(spec: ListSpec): ListFilter {
  return { values: {}, range: spec.range, search: "", sort: spec.sort };
}

export function chosen(filter: ListFilter, def: FilterDef): string[] {
  return filter.values[def.id] ?? def.usual ?? [];
}

/** The filter with other values of one filter; the usual ones leave no trace. */
export function choose(filter: ListFilter, def: FilterDef, values: string[]): ListFilter {
  const rest = { ...filter.values };
  delete rest[def.id];
  return { ...filter, values: sameList(values, def.usual ?? []) ? rest : { ...rest, [def.id]: values } };
}

export function toParams(spec: ListSpec, filter: ListFilter): URLSearchParams {
  const params = new URLSearchParams();
  for (const def of spec.defs) {
    const values = chosen(filter, def);
    if (sameList(values, def.usual ?? [])) continue;
    for (const value of values.length === 0 ? [any] : values) params.append(def.id, value);
  }
  if (filter.range === "custom") {
    if (filter.from) params.set("from", filter.from);
    if (filter.to) params.set("to", filter.to);
    if (!filter.from && !filter.to) params.set("range", "custom");
  } else if (filter.range !== spec.range) params.set("range", filter.range);
  if (filter.search) params.set("q", filter.search);
  const { column, descending } = filter.sort;
  if (column !== spec.sort.column || descending !== spec.sort.descending) {
    params.set("sort", `${descending ? "-" : ""}${column}`);
  }
  return params;
}

export function fromParams(spec: ListSpec, params: URLSearchParams): ListFilter {
  let filter = defaultFilter(spec);
  for (const def of spec.defs) {
    const values = params.getAll(def.id).filter(Boolean);
    if (values.length > 0) filter = choose(filter, def, values.includes(any) ? [] : [...new Set(values)]);
  }
  const from = minuteOf(params.get("from"));
  const to = minuteOf(params.get("to"));
  const range = ranges.find(({ value }) => value === params.get("range"))?.value;
  if (from || to) Object.assign(filter, { range: "custom", from, to });
  else if (range) filter.range = range;
  filter.search = params.get("q") ?? "";
  filter.sort = sortOf(spec, params.get("sort")) ?? spec.sort;
  return filter;
}

function minuteOf(text: string | null): string | undefined {
  if (!text) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace(/:\d\d\.\d{3}Z$/, "Z");
}

function sortOf(spec: ListSpec, text: string | null): Sort | undefined {
  const descending = text?.startsWith("-") ?? false;
  const column = descending ? text?.slice(1) : text;
  return column && Object.hasOwn(spec.sorts, column) ? { column, descending } : undefined;
}

export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

const either = (tests: string[]) => (tests.length < 2 ? (tests[0] ?? "") : `(${tests.join(" or ")})`);

/** The property is one of the values; the empty one stands for none. */
export const oneOf = (property: string) => (values: string[]) =>
  either(values.map((value) => `${property} eq ${value === "" ? "null" : quoted(value)}`));

/** One of the collections holds one of the values. */
export const anyOf =
  (...collections: string[]) =>
  (values: string[]) =>
    either(values.flatMap((value) => collections.map((c) => `${c}/any(x:x eq ${quoted(value)})`)));

/** One element of the collection has one of the texts in it. */
export const holds = (collection: string) => (values: string[]) =>
  either(values.map((value) => `${collection}/any(x:contains(x,${quoted(value)}))`));

/** Yes or no to one condition; both is no restriction. */
export const yesNo = (condition: string) => (values: string[]) =>
  values.length === 1 ? (values[0] === "yes" ? condition : `not ${condition}`) : "";

/** User names; "@me" and "@none" stand for the signed-in person and nobody. */
export const assignedTo = (values: string[], me: string) =>
  oneOf("assignedTo")(values.map((value) => (value === "@me" ? me : value === "@none" ? "" : value)));

function time(iso: string): string {
  return new Date(iso).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The server's $filter. `now` is in milliseconds and is rounded down to the minute, so that pages fit together. */
export function toOData(spec: ListSpec, filter: ListFilter, me: string, now: number): string {
  const clauses: string[] = [];
  for (const def of spec.defs) {
    const values = chosen(filter, def);
    if (values.length > 0) clauses.push(def.condition(values, me));
  }
  const { property } = spec.time;
  if (filter.range === "custom") {
    if (filter.from) clauses.push(`${property} ge ${time(filter.from)}`);
    if (filter.to) clauses.push(`${property} le ${time(filter.to)}`);
  } else {
    const hours = ranges.find(({ value }) => value === filter.range)?.hours;
    const start = Math.floor(now / 60_000) * 60_000 - (hours ?? 0) * 3_600_000;
    if (hours) clauses.push(`${property} ge ${time(new Date(start).toISOString())}`);
  }
  return clauses.filter(Boolean).join(" and ");
}

export function toOrderBy(spec: ListSpec, { column, descending }: Sort): string {
  const first = `${spec.sorts[column]} ${descending ? "desc" : "asc"}`;
  return spec.sorts[column] === spec.tie ? first : `${first},${spec.tie} desc`;
}

/** True when nothing but the order differs from the default view. */
export function isDefaultView(spec: ListSpec, filter: ListFilter): boolean {
  return toParams(spec, { ...filter, sort: spec.sort }).size === 0;
}
