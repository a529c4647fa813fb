import type { Cell, HuntingColumn } from "../../api/hunting";

/** How a cell reads in one line of the grid, in a file and as the value of a filter. */
export function cellText(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** A cell as the grid shows it: times with a space for the T, and without the digits that are zero. */
export function shownText(value: Cell, type: string): string {
  const text = cellText(value);
  if (type !== "datetime") return text;
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/.exec(text);
  if (!match) return text;
  const fraction = (match[3] ?? "").replace(/0+$/, "");
  return `${match[1]} ${match[2]}${fraction ? `.${fraction.padEnd(3, "0")}` : ""}`;
}

export function isEmptyCell(value: Cell): boolean {
  return value === null || value === undefined || value === "";
}

const plainName = /^[A-Za-z_]\w*$/;

/** A column name as KQL writes it. */
export function columnName(name: string): string {
  return plainName.test(name) ? name : `['${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}']`;
}

function quoted(text: string): string {
  return `"${text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")}"`;
}

/** A value as a KQL literal of the column's type. */
export function literal(value: Cell, type: string): string {
  const text = cellText(value);
  switch (type) {
    case "bool":
      return text.toLowerCase();
    case "int":
    case "long":
    case "real":
    case "decimal":
      return type === "real" || type === "decimal" ? `${type}(${text})` : text;
    case "datetime":
    case "timespan":
    case "guid":
      return `${type}(${text})`;
    default:
      return quoted(text);
  }
}

export const filterOperators = [
  "==",
  "!=",
  "contains",
  "!contains",
  "startswith",
  "endswith",
  "has",
  ">=",
  "<=",
] as const;
export type FilterOperator = (typeof filterOperators)[number];

/** The operators that make sense for a column. */
export function operatorsFor(type: string): FilterOperator[] {
  if (type === "string") return ["==", "!=", "contains", "!contains", "startswith", "endswith", "has"];
  if (type === "dynamic") return ["contains", "!contains", "has"];
  if (type === "bool" || type === "guid") return ["==", "!="];
  return ["==", "!=", ">=", "<="];
}

/** The step that keeps or drops rows by a cell's value. */
export function filterStep(column: HuntingColumn, operator: FilterOperator, value: Cell): string {
  const name = columnName(column.name);
  if (isEmptyCell(value) && column.type !== "string") {
    return `where ${operator === "!=" ? "isnotnull" : "isnull"}(${name})`;
  }
  if (column.type === "dynamic") return `where tostring(${name}) ${operator} ${quoted(cellText(value))}`;
  return `where ${name} ${operator} ${literal(value, column.type)}`;
}

/** Order of two cells of one column: empty ones last, numbers and times by size, the rest as text. */
export function compareCells(a: Cell, b: Cell, type: string): number {
  const emptyA = isEmptyCell(a);
  const emptyB = isEmptyCell(b);
  if (emptyA || emptyB) return Number(emptyA) - Number(emptyB);
  if (type === "int" || type === "long" || type === "real" || type === "decimal") return Number(a) - Number(b);
  if (type === "timespan") return ticks(String(a)) - ticks(String(b));
  const x = cellText(a);
  const y = cellText(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A timespan's text as seconds. */
export function ticks(text: string): number {
  const match = /^(-)?(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (!match) return 0;
  const [, minus, days, hours, minutes, seconds] = match;
  const total = Number(days ?? 0) * 86400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return minus ? -total : total;
}

export const timeColumn = (columns: HuntingColumn[]) =>
  columns.find(({ name, type }) => type === "datetime" && (name === "Timestamp" || name === "TimeGenerated"));

export const numeric = (type: string) => type === "int" || type === "long" || type === "real" || type === "decimal";
