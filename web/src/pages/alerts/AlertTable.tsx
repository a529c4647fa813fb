import { Checkbox, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import type { Alert } from "../../api/types";
import { severityColor } from "../../parts/badges";
import { plainText } from "../../parts/hidden";
import { ArrowDownRegular, ArrowUpRegular } from "../../parts/icons";
import type { Sort } from "../../parts/listFilter";
import type { Selection } from "../../parts/selection";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { columns } from "./columns";

const rowHeight = 46;
const checkWidth = 48;
const nameWidth = 340;

const useStyles = makeStyles({
  scroller: { flexGrow: 1, minHeight: 0, overflow: "auto", borderRadius: "8px" },
  table: { borderCollapse: "separate", borderSpacing: 0, tableLayout: "fixed", minWidth: "100%" },
  headCell: {
    position: "sticky",
    top: 0,
    zIndex: 2,
    height: "40px",
    padding: "0 12px",
    textAlign: "start",
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2,
    backgroundColor: own("surface"),
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    whiteSpace: "nowrap",
  },
  sort: {
    display: "inline-flex",
    alignItems: "center",
    gap: "4px",
    margin: "0 -8px",
    padding: "4px 8px",
    border: "none",
    borderRadius: "4px",
    background: "none",
    font: "inherit",
    color: "inherit",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  row: {
    backgroundColor: own("surface"),
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorNeutralBackground1Hover },
    ":focus-visible": { outline: "none" },
    ":focus-visible > td": {
      boxShadow: `inset 0 2px ${tokens.colorStrokeFocus2}, inset 0 -2px ${tokens.colorStrokeFocus2}`,
    },
  },
  open: {
    backgroundColor: tokens.colorNeutralBackground1Selected,
    ":hover": { backgroundColor: tokens.colorNeutralBackground1Selected },
  },
  cell: {
    height: `${rowHeight}px`,
    boxSizing: "border-box",
    padding: "0 12px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    "& a": { color: tokens.colorBrandForegroundLink, textDecoration: "none" },
    "& a:hover": { textDecoration: "underline" },
  },
  first: { position: "relative", paddingInline: "8px 0" },
  edge: { position: "absolute", insetBlock: 0, insetInlineStart: 0, width: "4px" },
  name: { fontWeight: tokens.fontWeightSemibold },
});

interface Props {
  alerts: Alert[];
  columnIds: string[];
  sort: Sort;
  onSort: (sort: Sort) => void;
  openId?: string;
  onOpen: (id: string | undefined) => void;
  selection: Selection;
  end: ReactNode;
}

const largestFirst = new Set(["severity", "created", "first", "last", "incidentId"]);

/** The alerts queue as a table. Only the rows in sight are drawn. Arrow keys move, Enter opens, Space checks. */
export function AlertTable({ alerts, columnIds, sort, onSort, openId, onOpen, selection, end }: Props) {
  const styles = useStyles();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string>();
  const shown = columnIds.map((id) => columns.find((column) => column.id === id)).filter((c) => c !== undefined);
  const ids = alerts.map(({ id }) => id);
  const checked = ids.filter(selection.has).length;
  const rows = useVirtualizer({
    count: alerts.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const drawn = rows.getVirtualItems();
  const before = drawn[0]?.start ?? 0;
  const after = rows.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  const tabStop = active && drawn.some(({ index }) => ids[index] === active) ? active : ids[drawn[0]?.index ?? 0];
  const focusRow = (at: number) => {
    const index = Math.max(0, Math.min(ids.length - 1, at));
    rows.scrollToIndex(index);
    setActive(ids[index]);
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(ids[index] ?? "")}"]`)?.focus(),
    );
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, id: string) => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = ids.indexOf(id);
    if (event.key === "ArrowDown" || event.key === "j") focusRow(at + 1);
    else if (event.key === "ArrowUp" || event.key === "k") focusRow(at - 1);
    else if (event.key === "Home") focusRow(0);
    else if (event.key === "End") focusRow(ids.length - 1);
    else if (event.key === "Enter") onOpen(id);
    else if (event.key === " ") selection.set([id], !selection.has(id));
    else if (event.key === "Escape") onOpen(undefined);
    else return;
    event.preventDefault();
  };
  const head = (id: string, label: string, field?: string) => (
    <th
      key={id}
      className={styles.headCell}
      scope="col"
      aria-sort={field && sort.column === field ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      {field === undefined ? (
        label
      ) : (
        <button
          type="button"
          className={styles.sort}
          onClick={() =>
            onSort({ column: field, descending: sort.column === field ? !sort.descending : largestFirst.has(field) })
          }
        >
          {label}
          {sort.column === field && (sort.descending ? <ArrowDownRegular /> : <ArrowUpRegular />)}
        </button>
      )}
    </th>
  );
  return (
    <div className={styles.scroller} ref={scroller}>
      <table
        className={styles.table}
        style={{ width: checkWidth + nameWidth + shown.reduce((sum, column) => sum + column.width, 0) }}
        aria-label="Alerts"
        aria-rowcount={-1}
      >
        <colgroup>
          <col style={{ width: checkWidth }} />
          <col style={{ width: nameWidth }} />
          {shown.map((column) => (
            <col key={column.id} style={{ width: column.width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th className={mergeClasses(styles.headCell, styles.first)} scope="col">
              <Checkbox
                aria-label="Select all rows"
                checked={checked === 0 ? false : checked === ids.length ? true : "mixed"}
                onChange={(_, data) => selection.set(ids, data.checked === true)}
              />
            </th>
            {head("name", "Alert name", "name")}
            {shown.map((column) => head(column.id, column.label, column.sort))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr style={{ height: before }} />}
          {drawn.map(({ index }) => {
            const alert = alerts[index];
            if (!alert) return null;
            return (
              <tr
                key={alert.id}
                data-id={alert.id}
                aria-rowindex={index + 2}
                className={mergeClasses(styles.row, openId === alert.id && styles.open)}
                tabIndex={alert.id === tabStop ? 0 : -1}
                aria-selected={selection.has(alert.id)}
                onFocus={() => setActive(alert.id)}
                onKeyDown={(event) => onKeyDown(event, alert.id)}
                onClick={(event) => {
                  if ((event.target as Element).closest("a, button, input, label")) return;
                  onOpen(openId === alert.id ? undefined : alert.id);
                }}
              >
                <td className={mergeClasses(styles.cell, styles.first)}>
                  <span className={styles.edge} style={{ backgroundColor: severityColor(alert.severity) }} />
                  <Checkbox
                    aria-label={`Select alert ${plainText(alert.title)}`}
                    checked={selection.has(alert.id)}
                    onChange={(_, data) => selection.set([alert.id], data.checked === true)}
                  />
                </td>
                <td className={mergeClasses(styles.cell, styles.name)} title={plainText(alert.title)}>
                  <Untrusted text={alert.title} />
                </td>
                {shown.map((column) => (
                  <td key={column.id} className={styles.cell}>
                    {column.cell(alert)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <tr style={{ height: after }} />}
        </tbody>
      </table>
      {end}
    </div>
  );
}
