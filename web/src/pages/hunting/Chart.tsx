import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { BarChart, LineChart, PieChart, ScatterChart } from "echarts/charts";
import { BrushComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useMemo, useRef } from "react";
import type { ResultTable } from "../../api/hunting";
import { useTheme } from "../../parts/theme";
import { type ChartKind, chartModel } from "./chartModel";

use([
  BarChart,
  LineChart,
  PieChart,
  ScatterChart,
  BrushComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  CanvasRenderer,
]);

const useStyles = makeStyles({
  frame: { display: "flex", flexDirection: "column", height: "100%", minHeight: "220px" },
  low: { minHeight: 0 },
  note: { padding: "4px 12px", fontSize: tokens.fontSizeBase200, color: tokens.colorNeutralForeground3 },
  host: { flexGrow: 1, minHeight: 0, minWidth: 0 },
});

// Twelve colors that stay apart from each other on both backgrounds.
const palette = [
  "#0089ad",
  "#c4552d",
  "#7a5af0",
  "#2b8a3e",
  "#b5871b",
  "#c0398f",
  "#4b6bdc",
  "#8a5a2b",
  "#00857a",
  "#a33d4b",
  "#5f7a1f",
  "#6b7480",
];

interface Props {
  table: ResultTable;
  kind: ChartKind;
  version: number;
  /** Called with the part of the time axis that was dragged over. */
  onRange?: (from: number, to: number) => void;
  compact?: boolean;
}

export default function Chart({ table, kind, version, onRange, compact }: Props) {
  const styles = useStyles();
  const { dark } = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(undefined);
  const range = useRef(onRange);
  range.current = onRange;
  // biome-ignore lint/correctness/useExhaustiveDependencies: version says that the table has grown
  const model = useMemo(() => chartModel(table, kind), [table, kind, version]);

  useEffect(() => {
    if (!host.current) return;
    const made = init(host.current, undefined, { renderer: "canvas" });
    chart.current = made;
    made.on("brushEnd", (event) => {
      const [from, to] = (event as { areas?: { coordRange?: number[] }[] }).areas?.[0]?.coordRange ?? [];
      if (from === undefined || to === undefined) return;
      made.dispatchAction({ type: "brush", areas: [] });
      if (to > from) range.current?.(from, to);
    });
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(host.current);
    return () => {
      observer.disconnect();
      made.dispose();
      chart.current = undefined;
    };
  }, []);

  useEffect(() => {
    const made = chart.current;
    if (!made || "problem" in model) return;
    const text = dark ? "#d6dce2" : "#3b444c";
    const line = dark ? "#343b42" : "#e1e6ea";
    const axis = {
      axisLabel: { color: text, hideOverlap: true },
      axisLine: { lineStyle: { color: line } },
      splitLine: { lineStyle: { color: line } },
      nameTextStyle: { color: text },
    };
    const pie = kind === "piechart";
    const narrows = model.time && onRange !== undefined;
    made.setOption(
      {
        animation: false,
        color: palette,
        // Results are in UTC, and so is the axis below them.
        useUTC: true,
        textStyle: { fontFamily: getComputedStyle(made.getDom()).fontFamily },
        tooltip: { trigger: pie || kind === "scatterchart" ? "item" : "axis", confine: true, appendTo: "body" },
        legend:
          compact && model.series.length < 2
            ? undefined
            : { type: "scroll", top: 0, textStyle: { color: text }, pageTextStyle: { color: text } },
        grid: pie
          ? undefined
          : {
              left: 12,
              right: 20,
              top: compact && model.series.length < 2 ? 10 : 34,
              bottom: compact ? 4 : 8,
              containLabel: true,
            },
        brush: narrows
          ? {
              xAxisIndex: 0,
              toolbox: [],
              throttleType: "debounce",
              brushStyle: { borderWidth: 1, color: "rgba(0,137,173,0.18)", borderColor: "#0089ad" },
            }
          : undefined,
        ...(pie
          ? {
              series: [
                {
                  type: "pie",
                  radius: ["34%", "68%"],
                  center: ["50%", "56%"],
                  minShowLabelAngle: 4,
                  label: { color: text, formatter: "{b}: {d}%" },
                  itemStyle: { borderColor: dark ? "#1d2227" : "#ffffff", borderWidth: 2 },
                  data: model.slices,
                },
              ],
            }
          : {
              [kind === "barchart" ? "yAxis" : "xAxis"]: {
                ...axis,
                type: model.time ? "time" : model.numericX ? "value" : "category",
                data: model.categories,
                name: compact ? undefined : model.xTitle,
                nameLocation: "middle",
                nameGap: 26,
                inverse: kind === "barchart",
              },
              [kind === "barchart" ? "xAxis" : "yAxis"]: {
                ...axis,
                type: "value",
                name: compact ? undefined : model.yTitle,
              },
              series: model.series.map((each) => ({
                name: each.name,
                type:
                  kind === "scatterchart" ? "scatter" : kind === "columnchart" || kind === "barchart" ? "bar" : "line",
                stack: model.stacked ? "all" : undefined,
                areaStyle: kind === "areachart" || kind === "stackedareachart" ? { opacity: 0.35 } : undefined,
                showSymbol: each.data.length < 40,
                symbolSize: kind === "scatterchart" ? 7 : 5,
                barMaxWidth: 48,
                data: each.data,
              })),
            }),
      },
      { notMerge: true },
    );
    if (narrows)
      made.dispatchAction({
        type: "takeGlobalCursor",
        key: "brush",
        brushOption: { brushType: "lineX", brushMode: "single" },
      });
  }, [model, kind, dark, compact, onRange]);

  return (
    <div className={mergeClasses(styles.frame, compact && styles.low)}>
      {!compact && (
        <p className={styles.note} role="status">
          {"problem" in model ? model.problem : model.note}
        </p>
      )}
      <div
        ref={host}
        className={styles.host}
        role="img"
        aria-label={"problem" in model ? model.problem : model.summary}
        style={"problem" in model ? { visibility: "hidden" } : undefined}
      />
    </div>
  );
}
