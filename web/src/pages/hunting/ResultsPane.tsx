import {
  Button,
  Checkbox,
  Dropdown,
  Input,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  mergeClasses,
  Option,
  Popover,
  PopoverSurface,
  PopoverTrigger,
  Spinner,
  Switch,
  Tooltip,
  tokens,
} from "@fluentui/react-components";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import type { Cell, HuntingColumn, ResultTable } from "../../api/hunting";
import {
  ArrowDownloadRegular,
  ChartMultipleRegular,
  ColumnEditRegular,
  DocumentSearchRegular,
  LinkAddRegular,
  SearchRegular,
  TableRegular,
} from "../../parts/icons";
import { EmptyState, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { usePhone } from "../../parts/useMedia";
import { count } from "../../parts/words";
import { type FilterOperator, isEmptyCell, timeColumn } from "./cells";
import { type ChartKind, chartKinds, kindOfRender, splits, timeline } from "./chartModel";
import { saveCsv, saveExcel } from "./exporting";
import { ResultGrid } from "./ResultGrid";
import type { Hunt } from "./useHunt";

const Chart = lazy(() => import("./Chart"));

const useStyles = makeStyles({
  pane: { display: "flex", flexDirection: "column", height: "100%", minHeight: 0, backgroundColor: own("surface") },
  bar: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 8px",
    padding: "6px 12px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  facts: { display: "flex", flexWrap: "wrap", gap: "2px 14px", fontSize: tokens.fontSizeBase200 },
  push: { marginInlineStart: "auto" },
  search: { width: "140px", "@media (max-width: 720px)": { width: "92px" } },
  kind: { minWidth: "116px", "@media (max-width: 720px)": { minWidth: "92px" } },
  notice: { margin: "8px 12px 0" },
  timeline: { height: "118px", flexShrink: 0, borderBottom: `1px solid ${tokens.colorNeutralStroke3}` },
  timelineBar: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    padding: "4px 12px 0",
    fontSize: tokens.fontSizeBase200,
  },
  timelineBox: { flexShrink: 0 },
  split: { minWidth: "150px", maxWidth: "240px" },
  body: { position: "relative", flexGrow: 1, minHeight: 0 },
  fill: { position: "absolute", inset: 0 },
  columns: {
    display: "flex",
    flexDirection: "column",
    width: "300px",
    maxHeight: "50vh",
    overflowY: "auto",
    padding: "8px",
  },
  wait: { display: "grid", placeItems: "center", height: "100%" },
});

interface Props {
  hunt: Hunt;
  selected: Set<number>;
  select: (rows: Set<number>) => void;
  inspected?: number;
  inspect: (table: ResultTable, row: number) => void;
  addFilter: (column: HuntingColumn, operator: FilterOperator, value: Cell) => void;
  addRange: (column: HuntingColumn, from: number, to: number) => void;
  extend: (column: HuntingColumn) => void;
  link?: (table: ResultTable) => void;
  runAgain: () => void;
  reveal: (offset: number) => void;
  hideTimeline: boolean;
  setHideTimeline: (hide: boolean) => void;
}

/** What a query found: as a table or a chart, with what can be done with it. */
export function ResultsPane(props: Props) {
  const {
    hunt,
    selected,
    select,
    inspected,
    inspect,
    addFilter,
    addRange,
    extend,
    link,
    hideTimeline,
    setHideTimeline,
  } = props;
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  const [tableAt, setTableAt] = useState(0);
  const [search, setSearch] = useState("");
  const [view, setView] = useState<"table" | ChartKind>("table");
  const [hidden, setHidden] = useState<Set<string>>(new Set());
  const [empties, setEmpties] = useState(false);
  const [by, setBy] = useState<number>();
  /** "running", or why the last one failed. */
  const [exporting, setExporting] = useState<string>();
  const table = hunt.tables[Math.min(tableAt, hunt.tables.length - 1)];
  const chart = table?.render ? kindOfRender(table.render.chart) : undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run starts as its render step says
  useEffect(() => {
    setTableAt(0);
    setSearch("");
    setHidden(new Set());
    setBy(undefined);
  }, [hunt.started]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the render step comes with the table
  useEffect(() => setView(chart ?? "table"), [hunt.started, chart]);

  const done = hunt.state !== "running";
  // Columns without a single value only take room; they can be shown.
  const filled = useMemo(
    () =>
      table
        ? table.columns.map(
            (_, index) => !done || table.rows.length === 0 || table.rows.some((row) => !isEmptyCell(row[index])),
          )
        : [],
    [table, done],
  );
  const shown = useMemo(
    () =>
      table
        ? table.columns.flatMap(({ name }, index) => (!hidden.has(name) && (empties || filled[index]) ? [index] : []))
        : [],
    [table, hidden, empties, filled],
  );
  const emptyCount = filled.filter((each) => !each).length;
  const time = table ? timeColumn(table.columns) : undefined;
  const timeAt = table && time ? table.columns.indexOf(time) : -1;
  const strip = useMemo(
    () =>
      // A phone has no room for it, and a chart is one already.
      table && done && timeAt >= 0 && view === "table" && !hideTimeline && !phone
        ? timeline(table, timeAt, by)
        : undefined,
    [table, done, timeAt, by, view, hideTimeline, phone],
  );
  const splitters = useMemo(() => (table && strip ? splits(table) : []), [table, strip]);
  const onRange = useCallback((from: number, to: number) => time && addRange(time, from, to), [time, addRange]);
  const inspectRow = useCallback((row: number) => table && inspect(table, row), [table, inspect]);

  if (hunt.state === "idle")
    return (
      <EmptyState icon={DocumentSearchRegular} title="Nothing has run yet">
        Write a query and press Run query, or Shift+Enter in the editor. The query under the cursor runs.
      </EmptyState>
    );

  return (
    <section className={styles.pane} aria-label="Results">
      <div className={styles.bar}>
        <Facts hunt={hunt} table={table} shown={selected.size} />
        <span className={styles.push} />
        {hunt.tables.length > 1 && (
          <Dropdown
            size="small"
            aria-label="Result table"
            value={nameOf(hunt.tables, tableAt)}
            selectedOptions={[String(tableAt)]}
            onOptionSelect={(_, data) => {
              setTableAt(Number(data.optionValue));
              select(new Set());
            }}
          >
            {hunt.tables.map((_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: tables come in order and stay
              <Option key={index} value={String(index)}>
                {nameOf(hunt.tables, index)}
              </Option>
            ))}
          </Dropdown>
        )}
        {table && (
          <>
            {link && (
              <Tooltip
                content={selected.size === 0 ? "Select rows first" : "Make alerts of the selected rows"}
                relationship="description"
              >
                <Button
                  size="small"
                  icon={<LinkAddRegular />}
                  aria-label="Link to incident"
                  disabledFocusable={selected.size === 0}
                  onClick={() => link(table)}
                >
                  {phone ? "Link" : "Link to incident"}
                </Button>
              </Tooltip>
            )}
            {view === "table" && (
              <Input
                className={styles.search}
                size="small"
                contentBefore={<SearchRegular />}
                aria-label="Search in the results"
                placeholder="Search"
                value={search}
                onChange={(_, data) => setSearch(data.value)}
              />
            )}
            <Dropdown
              size="small"
              className={styles.kind}
              aria-label="Show as"
              value={view === "table" ? "Table" : `${chartKinds.find(([kind]) => kind === view)?.[1]} chart`}
              selectedOptions={[view]}
              onOptionSelect={(_, data) => setView((data.optionValue ?? "table") as "table" | ChartKind)}
            >
              <Option value="table" text="Table">
                <TableRegular /> Table
              </Option>
              {chartKinds.map(([kind, label]) => (
                <Option key={kind} value={kind} text={`${label} chart`}>
                  <ChartMultipleRegular /> {label} chart
                </Option>
              ))}
            </Dropdown>
            <Popover
              positioning={{ position: "below", align: "end", overflowBoundaryPadding: 8, autoSize: "height" }}
              trapFocus
            >
              <PopoverTrigger disableButtonEnhancement>
                <Button size="small" appearance="subtle" icon={<ColumnEditRegular />} aria-label="Columns">
                  {phone ? undefined : "Columns"}
                </Button>
              </PopoverTrigger>
              <PopoverSurface className={styles.columns} aria-label="Choose columns">
                {emptyCount > 0 && (
                  <Switch
                    label={`Show ${count(emptyCount, "empty column")}`}
                    checked={empties}
                    onChange={(_, data) => setEmpties(data.checked)}
                  />
                )}
                {timeAt >= 0 && !phone && (
                  <Switch
                    label="Show the timeline"
                    checked={!hideTimeline}
                    onChange={(_, data) => setHideTimeline(!data.checked)}
                  />
                )}
                {table.columns.map(
                  ({ name }, index) =>
                    (empties || filled[index]) && (
                      <Checkbox
                        key={name}
                        label={name}
                        checked={!hidden.has(name)}
                        onChange={() => {
                          const next = new Set(hidden);
                          if (!next.delete(name)) next.add(name);
                          setHidden(next);
                        }}
                      />
                    ),
                )}
              </PopoverSurface>
            </Popover>
            <Menu positioning="below-end">
              <MenuTrigger disableButtonEnhancement>
                <Button
                  size="small"
                  appearance="subtle"
                  icon={<ArrowDownloadRegular />}
                  aria-label="Export"
                  disabled={!done || table.rows.length === 0 || exporting === "running"}
                >
                  {phone ? undefined : exporting === "running" ? "Exporting" : "Export"}
                </Button>
              </MenuTrigger>
              <MenuPopover>
                <MenuList>
                  <MenuItem onClick={() => saveCsv(table, shown)}>CSV file</MenuItem>
                  <MenuItem
                    onClick={() => {
                      setExporting("running");
                      saveExcel(table, shown).then(
                        () => setExporting(undefined),
                        (cause: unknown) => setExporting(cause instanceof Error ? cause.message : String(cause)),
                      );
                    }}
                  >
                    Excel workbook
                  </MenuItem>
                </MenuList>
              </MenuPopover>
            </Menu>
          </>
        )}
      </div>
      {exporting && exporting !== "running" && (
        <MessageBar intent="error" className={styles.notice} role="alert">
          <MessageBarBody>{exporting}</MessageBarBody>
        </MessageBar>
      )}
      {hunt.stats?.partial && (
        <MessageBar intent="warning" className={styles.notice}>
          <MessageBarBody>
            <MessageBarTitle>These are not all rows.</MessageBarTitle> {hunt.stats.partial}
          </MessageBarBody>
        </MessageBar>
      )}
      {hunt.state === "cancelled" && (
        <MessageBar className={styles.notice}>
          <MessageBarBody>
            <MessageBarTitle>Cancelled.</MessageBarTitle>{" "}
            {table && table.rows.length > 0 ? "These rows had come by then." : "No row had come by then."}
          </MessageBarBody>
        </MessageBar>
      )}
      {(hunt.stats?.warnings?.length ?? 0) > 0 && (
        <MessageBar intent="warning" layout="multiline" className={styles.notice}>
          <MessageBarBody>
            {hunt.stats?.warnings?.slice(0, 5).map((each) => (
              <div key={`${each.start}${each.message}`}>{each.message}</div>
            ))}
          </MessageBarBody>
        </MessageBar>
      )}
      {hunt.state === "failed" && <Failure hunt={hunt} reveal={props.reveal} runAgain={props.runAgain} />}
      {strip && (
        <div className={styles.timelineBox}>
          <div className={styles.timelineBar}>
            <span className={surface.muted}>Drag over the timeline to narrow the query to that time.</span>
            {splitters.length > 0 && table && (
              <Dropdown
                size="small"
                appearance="filled-lighter"
                className={mergeClasses(styles.push, styles.split)}
                aria-label="Split the timeline by"
                value={by === undefined ? "Not split" : `By ${table.columns[by]?.name}`}
                selectedOptions={[String(by ?? "")]}
                onOptionSelect={(_, data) => setBy(data.optionValue ? Number(data.optionValue) : undefined)}
              >
                <Option value="">Not split</Option>
                {splitters.map((index) => (
                  <Option key={index} value={String(index)}>{`By ${table.columns[index]?.name}`}</Option>
                ))}
              </Dropdown>
            )}
          </div>
          <div className={styles.timeline}>
            <Suspense fallback={<div />}>
              <Chart table={strip} kind="columnchart" version={0} compact onRange={onRange} />
            </Suspense>
          </div>
        </div>
      )}
      <div className={styles.body}>
        {hunt.state === "running" && (!table || table.rows.length === 0) ? (
          <div className={styles.wait}>
            <Spinner size="small" label="The query is running" />
          </div>
        ) : table && table.rows.length === 0 && done && hunt.state === "done" ? (
          <EmptyState icon={SearchRegular} title="No rows">
            Nothing in the chosen time range matches. Look further back, or loosen a condition.
          </EmptyState>
        ) : table && table.rows.length > 0 ? (
          <div className={styles.fill}>
            {view === "table" ? (
              <ResultGrid
                columns={table.columns}
                shown={shown}
                rows={table.rows}
                version={hunt.version}
                filter={search}
                selected={selected}
                select={select}
                inspect={inspectRow}
                inspected={inspected}
                addFilter={addFilter}
                extend={extend}
                selectable={link !== undefined}
              />
            ) : (
              <Suspense
                fallback={
                  <div className={styles.wait}>
                    <Spinner size="small" label="Loading the chart" delay={200} />
                  </div>
                }
              >
                <Chart table={table} kind={view} version={done ? -1 : hunt.version} />
              </Suspense>
            )}
          </div>
        ) : null}
      </div>
    </section>
  );
}

const nameOf = (tables: ResultTable[], at: number) => tables[at]?.name || `Result ${at + 1}`;

function Facts({ hunt, table, shown }: { hunt: Hunt; table?: ResultTable; shown: number }) {
  const styles = useStyles();
  const surface = useSurface();
  const [now, setNow] = useState(Date.now());
  const running = hunt.state === "running";
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, [running]);
  const { stats } = hunt;
  const elapsed = stats ? stats.elapsedMs : Math.max(0, now - hunt.started);
  return (
    <div className={styles.facts} role="status">
      {table && <strong>{count(table.rows.length, "row")}</strong>}
      {shown > 0 && <span>{shown.toLocaleString()} selected</span>}
      <span className={surface.muted}>{running ? `Running, ${seconds(elapsed)}` : stats ? seconds(elapsed) : ""}</span>
      {stats && (
        <Tooltip
          relationship="description"
          content={`${(stats.cpuMs / 1000).toFixed(2)} s of processor time, ${(stats.bytes / 1024).toFixed(0)} kB, from ${
            stats.tables?.join(", ") || "no table"
          }`}
        >
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what the tooltip says must be reachable by keyboard */}
          <span className={surface.muted} tabIndex={0}>
            Resource use: {stats.resource.toLowerCase()}
          </span>
        </Tooltip>
      )}
    </div>
  );
}

const seconds = (ms: number) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function Failure({ hunt, reveal, runAgain }: { hunt: Hunt; reveal: (offset: number) => void; runAgain: () => void }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <MessageBar intent="error" layout="multiline" className={styles.notice} role="alert">
      <MessageBarBody>
        {hunt.diagnostics.length === 0 ? (
          <>
            {messageOf(hunt.error)}{" "}
            <Button size="small" onClick={runAgain}>
              Run again
            </Button>
          </>
        ) : (
          <>
            <MessageBarTitle>The query cannot run.</MessageBarTitle>
            <ul style={{ display: "grid", gap: "2px", marginTop: "4px" }}>
              {hunt.diagnostics.slice(0, 12).map((each) => (
                <li key={`${each.start}${each.message}`}>
                  <Button size="small" appearance="transparent" onClick={() => reveal(hunt.base + each.start)}>
                    Line {each.line}, column {each.column}
                  </Button>
                  <span className={surface.mono}>{each.message}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </MessageBarBody>
    </MessageBar>
  );
}
