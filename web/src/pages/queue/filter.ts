// What the queue shows, as one value: read from the address, written to it, and turned into the server's query. An
// address without parameters means the default view; only what differs from it is written.

export const ranges = [
  { value: "24h", label: "Last 24 hours", hours: 24 },
  { value: "3d", label: "Last 3 days", hours: 72 },
  { value: "7d", label: "Last 7 days", hours: 168 },
  { value: "30d", label: "Last 30 days", hours: 720 },
  { value: "180d", label: "Last 6 months", hours: 4320 },
  { value: "all", label: "Any time", hours: undefined },
  { value: "custom", label: "Custom range", hours: undefined },
] as const;

export type Range = (typeof ranges)[number]["value"];

/** Columns that the server can sort by, with its names for them. */
export const sortFields = {
  priority: "priorityScore",
  severity: "severity",
  name: "displayName",
  id: "id",
  status: "status",
  created: "createdDateTime",
  updated: "lastUpdateDateTime",
  owner: "assignedTo",
  classification: "classification",
} as const;

export type SortColumn = keyof typeof sortFields;

export interface QueueFilter {
  status: string[];
  severity: string[];
  /** User names; "@me" and "@none" stand for the signed-in person and nobody. */
  owner: string[];
  sources: string[];
  tags: string[];
  range: Range;
  /** Ends of a custom range in UTC, to the minute. */
  from?: string;
  to?: string;
  search: string;
  sort: { column: SortColumn; descending: boolean };
}

export const defaultFilter: QueueFilter = {
  status: ["active", "inProgress"],
  severity: ["high", "medium", "low"],
  owner: [],
  sources: [],
  tags: [],
  range: "180d",
  search: "",
  sort: { column: "severity", descending: true },
};

const lists = { status: "status", severity: "severity", owner: "owner", sources: "source", tags: "tag" } as const;
type ListField = keyof typeof lists;
/** Stands for "no restriction" where the default restricts. */
const any = "any";

const sameList = (a: string[], b: string[]) => a.length === b.length && a.every((value) => b.includes(value));

export function toParams(filter: QueueFilter): URLSearchParams {
  const params = new URLSearchParams();
  for (const field of Object.keys(lists) as ListField[]) {
    if (sameList(filter[field], defaultFilter[field])) continue;
    const values = filter[field].length === 0 ? [any] : filter[field];
    for (const value of values) params.append(lists[field], value);
  }
  if (filter.range === "custom") {
    if (filter.from) params.set("from", filter.from);
    if (filter.to) params.set("to", filter.to);
    if (!filter.from && !filter.to) params.set("range", "custom");
  } else if (filter.range !== defaultFilter.range) params.set("range", filter.range);
  if (filter.search) params.set("q", filter.search);
  const { column, descending } = filter.sort;
  if (column !== defaultFilter.sort.column || descending !== defaultFilter.sort.descending) {
    params.set("sort", `${descending ? "-" : ""}${column}`);
  }
  return params;
}

export function fromParams(params: URLSearchParams): QueueFilter {
  const filter: QueueFilter = { ...defaultFilter };
  for (const field of Object.keys(lists) as ListField[]) {
    const values = params.getAll(lists[field]).filter(Boolean);
    if (values.length > 0) filter[field] = values.includes(any) ? [] : [...new Set(values)];
  }
  const from = minuteOf(params.get("from"));
  const to = minuteOf(params.get("to"));
  const range = ranges.find(({ value }) => value === params.get("range"))?.value;
  if (from || to) Object.assign(filter, { range: "custom", from, to });
  else if (range) filter.range = range;
  filter.search = params.get("q") ?? "";
  filter.sort = sortOf(params.get("sort")) ?? defaultFilter.sort;
  return filter;
}

function minuteOf(text: string | null): string | undefined {
  if (!text) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace(/:\d\d\.\d{3}Z$/, "Z");
}

function sortOf(text: string | null): QueueFilter["sort"] | undefined {
  const descending = text?.startsWith("-") ?? false;
  const column = descending ? text?.slice(1) : text;
  return column && Object.hasOwn(sortFields, column) ? { column: column as SortColumn, descending } : undefined;
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

function oneOf(property: string, values: string[]): string | undefined {
  if (values.length === 0) return undefined;
  const tests = values.map((value) => `${property} eq ${value === "" ? "null" : quoted(value)}`);
  return tests.length === 1 ? tests[0] : `(${tests.join(" or ")})`;
}

function anyOf(collection: string, values: string[]): string | undefined {
  if (values.length === 0) return undefined;
  const tests = values.map((value) => `${collection}/any(x:x eq ${quoted(value)})`);
  return tests.length === 1 ? tests[0] : `(${tests.join(" or ")})`;
}

function time(iso: string): string {
  return new Date(iso).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The server's $filter. `now` is in milliseconds and is rounded down to the minute, so that pages fit together. */
export function toOData(filter: QueueFilter, me: string, now: number): string {
  const owners = filter.owner.map((owner) => (owner === "@me" ? me : owner === "@none" ? "" : owner));
  const clauses = [
    oneOf("status", filter.status),
    oneOf("severity", filter.severity),
    oneOf("assignedTo", owners),
    anyOf("tocsin/serviceSources", filter.sources),
    anyOf("customTags", filter.tags),
  ];
  if (filter.range === "custom") {
    if (filter.from) clauses.push(`lastUpdateDateTime ge ${time(filter.from)}`);
    if (filter.to) clauses.push(`lastUpdateDateTime le ${time(filter.to)}`);
  } else {
    const hours = ranges.find(({ value }) => value === filter.range)?.hours;
    const start = Math.floor(now / 60_000) * 60_000 - (hours ?? 0) * 3_600_000;
    if (hours) clauses.push(`lastUpdateDateTime ge ${time(new Date(start).toISOString())}`);
  }
  return clauses.filter(Boolean).join(" and ");
}

export function toOrderBy({ column, descending }: QueueFilter["sort"]): string {
  const first = `${sortFields[column]} ${descending ? "desc" : "asc"}`;
  // Among equals, what moved last comes first.
  return column === "updated" ? first : `${first},lastUpdateDateTime desc`;
}

/** True when nothing but the order differs from the default view. */
export function isDefaultView(filter: QueueFilter): boolean {
  return toParams({ ...filter, sort: defaultFilter.sort }).size === 0;
}
