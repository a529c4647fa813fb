import type { Cell, HuntingColumn, ResultTable } from "../../api/hunting";
import { cellText, numeric, ticks } from "./cells";

export const chartKinds = [
  ["columnchart", "Column"],
  ["barchart", "Bar"],
  ["piechart", "Pie"],
  ["linechart", "Line"],
  ["timechart", "Time"],
  ["scatterchart", "Scatter"],
  ["areachart", "Area"],
  ["stackedareachart", "Stacked area"],
] as const;
export type ChartKind = (typeof chartKinds)[number][0];

export const isChartKind = (name: string): name is ChartKind => chartKinds.some(([kind]) => kind === name);

/** The chart that a render step asks for; anomaly charts draw as lines. */
export function kindOfRender(chart: string): ChartKind | undefined {
  if (isChartKind(chart)) return chart;
  if (chart === "anomalychart") return "timechart";
  if (chart === "stackedareachart") return "stackedareachart";
  return undefined;
}

export interface ChartModel {
  time: boolean;
  numericX: boolean;
  stacked: boolean;
  xTitle: string;
  yTitle: string;
  categories?: string[];
  series: { name: string; data: (number | null | [number | string, number | null])[] }[];
  slices: { name: string; value: number }[];
  note: string;
  summary: string;
}

const mostSeries = 12;
const mostSlices = 20;
const mostPoints = 20_000;

const asNumber = (value: Cell, type: string): number | null => {
  if (value === null || value === undefined || value === "") return null;
  const number =
    type === "timespan" ? ticks(String(value)) : type === "datetime" ? Date.parse(String(value)) : Number(value);
  return Number.isFinite(number) ? number : null;
};

const list = (text: string | undefined) =>
  (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

/**
 * Takes x, y and series from the columns as Kusto's render does: the first time or text column is x, numbers are y, a
 * second text column splits them. xcolumn, ycolumns and series of render say otherwise. make-series' arrays are
 * unrolled along the first array of times.
 */
export function chartModel(table: ResultTable, kind: ChartKind): ChartModel | { problem: string } {
  const unrolled = unroll(table);
  const { columns, rows } = unrolled;
  if (rows.length === 0) return { problem: "There is nothing to draw." };
  const props = table.render?.props ?? {};
  const index = (name: string) => columns.findIndex((column) => column.name === name);
  const isNumber = (column?: HuntingColumn) =>
    column !== undefined && (numeric(column.type) || column.type === "timespan");
  const wantsTime = kind === "timechart";
  let x = props.xcolumn ? index(props.xcolumn) : -1;
  if (x < 0) x = columns.findIndex(({ type }) => type === "datetime");
  if (x < 0 && wantsTime) return { problem: "A time chart needs a column of type datetime." };
  if (x < 0 || (kind === "piechart" && !props.xcolumn)) {
    const text = columns.findIndex(
      (column) => !isNumber(column) && column.type !== "dynamic" && column.type !== "datetime",
    );
    if (text >= 0) x = text;
    else if (x < 0) x = kind === "piechart" ? -1 : 0;
  }
  const named = list(props.ycolumns)
    .map(index)
    .filter((at) => at >= 0);
  const ys = named.length > 0 ? named : columns.flatMap((column, at) => (at !== x && isNumber(column) ? [at] : []));
  if (x < 0 || ys.length === 0)
    return { problem: "A chart needs a column to name the points and a column of numbers." };
  const splitNames = list(props.series)
    .map(index)
    .filter((at) => at >= 0);
  const split =
    splitNames.length > 0
      ? splitNames
      : kind === "piechart"
        ? []
        : columns
            .flatMap((column, at) =>
              at !== x && !ys.includes(at) && column.type !== "dynamic" && column.type !== "datetime" ? [at] : [],
            )
            .slice(0, 1);
  const xType = columns[x]?.type ?? "string";
  const time = xType === "datetime" && kind !== "piechart";
  const numericX =
    !time && isNumber(columns[x]) && (kind === "linechart" || kind === "scatterchart" || kind === "areachart");

  const named_ = new Map<string, Map<string, [Cell, number | null]>>();
  let left = 0;
  for (const row of rows.slice(0, mostPoints)) {
    for (const y of ys) {
      const parts = split.map((at) => cellText(row[at]) || "(empty)");
      const name = [...parts, ...(ys.length > 1 || parts.length === 0 ? [columns[y]?.name ?? ""] : [])].join(" · ");
      let points = named_.get(name);
      if (!points) {
        if (named_.size >= mostSeries && kind !== "piechart") {
          left++;
          continue;
        }
        points = new Map();
        named_.set(name, points);
      }
      const value = asNumber(row[y], columns[y]?.type ?? "real");
      const key = cellText(row[x]);
      const before = points.get(key);
      points.set(kind === "scatterchart" ? `${key}\u0000${points.size}` : key, [
        row[x],
        kind !== "scatterchart" && before ? (before[1] ?? 0) + (value ?? 0) : value,
      ]);
    }
  }
  const slices: ChartModel["slices"] = [];
  if (kind === "piechart") {
    const sums = new Map<string, number>();
    for (const row of rows) {
      const name = cellText(row[x]) || "(empty)";
      sums.set(name, (sums.get(name) ?? 0) + (asNumber(row[ys[0] ?? 0], columns[ys[0] ?? 0]?.type ?? "real") ?? 0));
    }
    const sorted = [...sums].sort((a, b) => b[1] - a[1]);
    for (const [name, value] of sorted.slice(0, mostSlices)) slices.push({ name, value });
    const rest = sorted.slice(mostSlices).reduce((sum, [, value]) => sum + value, 0);
    if (rest > 0) slices.push({ name: "Others", value: rest });
  }
  const categories =
    time || numericX
      ? undefined
      : [...new Set([...named_.values()].flatMap((points) => [...points.values()].map(([at]) => cellText(at))))];
  const series = [...named_].map(([name, points]) => {
    if (categories) {
      const byName = new Map([...points.values()].map(([at, value]) => [cellText(at), value]));
      return { name, data: categories.map((category) => byName.get(category) ?? null) };
    }
    const data = [...points.values()]
      .map(([at, value]): [number, number | null] => [asNumber(at, xType) ?? 0, value])
      .sort((a, b) => a[0] - b[0]);
    return { name, data };
  });
  const notes = [];
  if (left > 0) notes.push(`Only the first ${mostSeries} series are drawn.`);
  if (rows.length > mostPoints) notes.push(`Only the first ${mostPoints.toLocaleString()} rows are drawn.`);
  const stackedKind = (kind === "columnchart" || kind === "barchart") && split.length > 0;
  return {
    time,
    numericX,
    stacked: props.kind ? props.kind.startsWith("stacked") : kind === "stackedareachart" || stackedKind,
    xTitle: props.xtitle ?? columns[x]?.name ?? "",
    yTitle: props.ytitle ?? (ys.length === 1 ? (columns[ys[0] ?? 0]?.name ?? "") : ""),
    categories,
    series,
    slices,
    note: [props.title, ...notes].filter(Boolean).join(" "),
    summary: `Chart of ${ys.map((y) => columns[y]?.name).join(", ")} by ${columns[x]?.name}; ${
      kind === "piechart" ? slices.length : series.length
    } ${kind === "piechart" ? "slices" : "series"}. The table holds the same values.`,
  };
}

/** Rows of arrays, as make-series gives them, become one row for each point. */
function unroll(table: ResultTable): { columns: HuntingColumn[]; rows: Cell[][] } {
  const first = table.rows[0];
  const arrays = table.columns.flatMap(({ type }, at) =>
    type === "dynamic" && Array.isArray(first?.[at]) ? [at] : [],
  );
  if (!first || arrays.length < 2) return table;
  const kindOf = (values: unknown[]) => {
    const some = values.find((value) => value !== null);
    if (typeof some === "number") return "real";
    return typeof some === "string" && !Number.isNaN(Date.parse(some)) && /^\d{4}-/.test(some) ? "datetime" : "string";
  };
  const columns = table.columns.map((column, at) =>
    arrays.includes(at) ? { ...column, type: kindOf(first[at] as unknown[]) } : column,
  );
  const rows: Cell[][] = [];
  for (const row of table.rows) {
    const length = Math.max(...arrays.map((at) => (Array.isArray(row[at]) ? (row[at] as unknown[]).length : 0)));
    for (let i = 0; i < length && rows.length < mostPoints; i++) {
      rows.push(row.map((cell, at) => (arrays.includes(at) ? ((cell as unknown[] | null)?.[i] ?? null) : cell)));
    }
  }
  return { columns, rows };
}

/** Counts per step of time, for the strip above the results; undefined when there is too little to show. */
export function timeline(table: ResultTable, at: number, by: number | undefined): ResultTable | undefined {
  const times: number[] = [];
  for (const row of table.rows) {
    const ms = Date.parse(String(row[at]));
    if (!Number.isNaN(ms)) times.push(ms);
  }
  if (times.length <= 40) return undefined;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const ms of times) {
    least = Math.min(least, ms);
    most = Math.max(most, ms);
  }
  const steps = [1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 30 * 86_400].map(
    (s) => s * 1000,
  );
  const step = steps.find((each) => (most - least) / each <= 90) ?? 90 * 86_400_000;
  const counts = new Map<string, Map<number, number>>();
  for (const row of table.rows) {
    const ms = Date.parse(String(row[at]));
    if (Number.isNaN(ms)) continue;
    const name = by === undefined ? "Rows" : cellText(row[by]) || "(empty)";
    const series = counts.get(name) ?? new Map<number, number>();
    counts.set(name, series);
    const bin = Math.floor(ms / step) * step;
    series.set(bin, (series.get(bin) ?? 0) + 1);
  }
  const rows: Cell[][] = [];
  for (const [name, series] of counts) {
    for (let bin = Math.floor(least / step) * step; bin <= most; bin += step)
      rows.push([new Date(bin).toISOString(), name, series.get(bin) ?? 0]);
  }
  return {
    name: "timeline",
    columns: [
      { name: "Time", type: "datetime" },
      { name: "By", type: "string" },
      { name: "Rows", type: "long" },
    ],
    rows,
  };
}

/** The columns that the strip can be split by: those with a few values. */
export function splits(table: ResultTable): number[] {
  return table.columns.flatMap(({ type }, at) => {
    if (type === "dynamic" || type === "datetime" || type === "real") return [];
    const values = new Set<string>();
    for (const row of table.rows) {
      values.add(cellText(row[at]));
      if (values.size > 49) return [];
    }
    return values.size >= 2 ? [at] : [];
  });
}
