import { Checkbox, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { Fragment, type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import { useIncidentAlerts } from "../../api/incidents";
import type { Incident } from "../../api/types";
import { SeverityBadge, StatusLabel, severityColor } from "../../parts/badges";
import { plainText } from "../../parts/hidden";
import { ArrowDownRegular, ArrowUpRegular, ChevronDownRegular, ChevronRightRegular } from "../../parts/icons";
import type { Sort } from "../../parts/listFilter";
import type { Selection } from "../../parts/selection";
import { LoadingLines, messageOf } from "../../parts/states";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { sourceWord } from "../../parts/words";
import { type Column, columns } from "./columns";

const checkWidth = 76;
const nameWidth = 348;

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
  stuck: { position: "sticky", zIndex: 1, backgroundColor: "inherit" },
  stuckHead: { zIndex: 3, backgroundColor: own("surface") },
  first: { left: 0, paddingInline: "4px 0", whiteSpace: "nowrap" },
  second: {
    left: `${checkWidth}px`,
    paddingInlineStart: "4px",
    "@media (max-width: 1000px)": { position: "static" },
  },
  secondHead: { "@media (max-width: 1000px)": { position: "sticky", left: "auto", zIndex: 2 } },
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
    // An outline of the row would end where its first cells stick.
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
    height: "46px",
    padding: "0 12px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  number: { fontVariantNumeric: "tabular-nums" },
  edge: { position: "absolute", insetBlock: "0", left: 0, width: "4px" },
  name: {
    display: "inline-block",
    maxWidth: "100%",
    verticalAlign: "middle",
    overflow: "hidden",
    textOverflow: "ellipsis",
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground1,
    textDecoration: "none",
    borderRadius: "2px",
    ":hover": { color: tokens.colorBrandForegroundLink, textDecoration: "underline" },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  expander: {
    display: "inline-grid",
    placeItems: "center",
    width: "28px",
    height: "28px",
    padding: 0,
    verticalAlign: "middle",
    border: "none",
    borderRadius: "4px",
    background: "none",
    color: tokens.colorNeutralForeground2,
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  check: { verticalAlign: "middle" },
  inner: {
    padding: 0,
    backgroundColor: own("page"),
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  innerList: { position: "sticky", left: 0, width: "min(1120px, 92vw)", padding: `4px 16px 8px ${checkWidth + 4}px` },
  alert: {
    display: "grid",
    gridTemplateColumns: "32px 120px minmax(0, 1fr) 112px 176px 104px",
    alignItems: "center",
    gap: "12px",
    minHeight: "40px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
    "& > :nth-child(2)": { justifySelf: "start" },
  },
  alertName: {
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    color: tokens.colorBrandForegroundLink,
    textDecoration: "none",
    ":hover": { textDecoration: "underline" },
  },
});

interface Props {
  incidents: Incident[];
  columnIds: string[];
  sort: Sort;
  onSort: (sort: Sort) => void;
  openId?: string;
  onOpen: (id: string | undefined) => void;
  selection: Selection;
  /** Checked alerts of opened rows. */
  alertSelection: Selection;
  /** What comes behind the last row. */
  end: ReactNode;
}

/**
 * The queue as a table. Arrow keys move between rows, Enter opens the pane, Space checks the row and the right and
 * left arrows open and close its alerts.
 */
export function IncidentTable(props: Props) {
  const { incidents, columnIds, sort, onSort, selection } = props;
  const styles = useStyles();
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string>();
  const body = useRef<HTMLTableSectionElement>(null);
  const shown = columnIds.map((id) => columns.find((column) => column.id === id)).filter((c) => c !== undefined);
  const ids = incidents.map(({ id }) => id);
  const checked = ids.filter(selection.has).length;
  const width = checkWidth + nameWidth + shown.reduce((sum, column) => sum + column.width, 0);
  const tabStop = active && ids.includes(active) ? active : ids[0];
  const expand = (id: string, on: boolean) =>
    setExpanded((before) => {
      const after = new Set(before);
      if (on) after.add(id);
      else after.delete(id);
      return after;
    });
  const focusRow = (at: number) => {
    const id = ids[Math.max(0, Math.min(ids.length - 1, at))];
    setActive(id);
    body.current?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(id ?? "")}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, id: string) => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = ids.indexOf(id);
    if (event.key === "ArrowDown") focusRow(at + 1);
    else if (event.key === "ArrowUp") focusRow(at - 1);
    else if (event.key === "Home") focusRow(0);
    else if (event.key === "End") focusRow(ids.length - 1);
    else if (event.key === "ArrowRight") expand(id, true);
    else if (event.key === "ArrowLeft") expand(id, false);
    else if (event.key === "Enter") props.onOpen(id);
    else if (event.key === " ") selection.set([id], !selection.has(id));
    else if (event.key === "Escape") props.onOpen(undefined);
    else return;
    event.preventDefault();
  };
  return (
    <div className={styles.scroller}>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the rows are what the keyboard moves through */}
      <table className={styles.table} style={{ width }} role="grid" aria-label="Incidents" aria-rowcount={-1}>
        <colgroup>
          <col style={{ width: checkWidth }} />
          <col style={{ width: nameWidth }} />
          {shown.map((column) => (
            <col key={column.id} style={{ width: column.width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th className={mergeClasses(styles.headCell, styles.stuckHead, styles.first)} scope="col">
              <Checkbox
                className={styles.check}
                aria-label="Select all rows"
                checked={checked === 0 ? false : checked === ids.length ? true : "mixed"}
                onChange={(_, data) => selection.set(ids, data.checked === true)}
              />
            </th>
            <HeadCell
              className={mergeClasses(styles.stuckHead, styles.second, styles.secondHead)}
              column={{ id: "name", label: "Incident name", sort: "name" }}
              sort={sort}
              onSort={onSort}
            />
            {shown.map((column) => (
              <HeadCell key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {incidents.map((incident) => (
            <Fragment key={incident.id}>
              <Row
                {...props}
                incident={incident}
                shown={shown}
                expanded={expanded.has(incident.id)}
                onExpand={(on) => expand(incident.id, on)}
                tabStop={incident.id === tabStop}
                onFocus={() => setActive(incident.id)}
                onKeyDown={(event) => onKeyDown(event, incident.id)}
              />
              {expanded.has(incident.id) && (
                <tr>
                  <td className={styles.inner} colSpan={shown.length + 2}>
                    <RowAlerts id={incident.id} selection={props.alertSelection} />
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
      {props.end}
    </div>
  );
}

interface HeadCellProps {
  column: { id: string; label: string; sort?: string };
  sort: Sort;
  onSort: (sort: Sort) => void;
  className?: string;
}

/** Columns whose first click should show the largest first. */
const largestFirst = new Set(["priority", "severity", "updated", "created", "first", "last", "alerts", "id"]);

function HeadCell({ column, sort, onSort, className }: HeadCellProps) {
  const styles = useStyles();
  const field = column.sort;
  const on = field !== undefined && sort.column === field;
  return (
    <th
      className={mergeClasses(styles.headCell, className)}
      scope="col"
      aria-sort={on ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      {field === undefined ? (
        column.label
      ) : (
        <button
          type="button"
          className={styles.sort}
          onClick={() => onSort({ column: field, descending: on ? !sort.descending : largestFirst.has(field) })}
        >
          {column.label}
          {on && (sort.descending ? <ArrowDownRegular /> : <ArrowUpRegular />)}
        </button>
      )}
    </th>
  );
}

interface RowProps extends Props {
  incident: Incident;
  shown: Column[];
  expanded: boolean;
  onExpand: (on: boolean) => void;
  tabStop: boolean;
  onFocus: () => void;
  onKeyDown: (event: KeyboardEvent<HTMLTableRowElement>) => void;
}

function Row({
  incident,
  shown,
  selection,
  openId,
  onOpen,
  expanded,
  onExpand,
  tabStop,
  onFocus,
  onKeyDown,
}: RowProps) {
  const styles = useStyles();
  const navigate = useNavigate();
  const name = plainText(incident.displayName);
  return (
    <tr
      data-id={incident.id}
      className={mergeClasses(styles.row, openId === incident.id && styles.open)}
      tabIndex={tabStop ? 0 : -1}
      aria-selected={selection.has(incident.id)}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        // Links, boxes and buttons inside the row do their own thing.
        if ((event.target as Element).closest("a, button, input, label")) return;
        onOpen(openId === incident.id ? undefined : incident.id);
      }}
      onDoubleClick={() => navigate(`/incidents/${incident.id}`)}
    >
      <td className={mergeClasses(styles.cell, styles.stuck, styles.first)}>
        <span className={styles.edge} style={{ backgroundColor: severityColor(incident.severity) }} />
        <Checkbox
          className={styles.check}
          aria-label={`Select incident ${incident.id}`}
          checked={selection.has(incident.id)}
          onChange={(_, data) => selection.set([incident.id], data.checked === true)}
        />
        <button
          type="button"
          className={styles.expander}
          aria-expanded={expanded}
          aria-label={`Alerts of incident ${incident.id}`}
          onClick={() => onExpand(!expanded)}
        >
          {expanded ? <ChevronDownRegular /> : <ChevronRightRegular />}
        </button>
      </td>
      <td className={mergeClasses(styles.cell, styles.stuck, styles.second)}>
        <Link to={`/incidents/${incident.id}`} className={styles.name} title={name}>
          <Untrusted text={incident.displayName} />
        </Link>
      </td>
      {shown.map((column) => (
        <td key={column.id} className={mergeClasses(styles.cell, column.number && styles.number)}>
          {column.cell(incident)}
        </td>
      ))}
    </tr>
  );
}

function RowAlerts({ id, selection }: { id: string; selection: Selection }) {
  const styles = useStyles();
  const { data, isPending, error, hasNextPage } = useIncidentAlerts(id);
  if (isPending) return <LoadingLines rows={2} height={16} label="Loading alerts" />;
  if (error) return <p className={styles.innerList}>{messageOf(error)}</p>;
  return (
    <ul className={styles.innerList} aria-label={`Alerts of incident ${id}`}>
      {data.pages
        .slice(0, 1)
        .flatMap((page) => page.value)
        .map((alert) => (
          <li key={alert.id} className={styles.alert}>
            <Checkbox
              aria-label={`Select alert ${plainText(alert.title)}`}
              checked={selection.has(alert.id)}
              onChange={(_, data) => selection.set([alert.id], data.checked === true)}
            />
            <SeverityBadge severity={alert.severity} />
            <Link
              className={styles.alertName}
              to={`/incidents/${id}/alerts?alert=${encodeURIComponent(alert.id)}`}
              title={plainText(alert.title)}
            >
              <Untrusted text={alert.title} />
            </Link>
            <StatusLabel status={alert.status} ofAlert />
            <span>{sourceWord(alert.serviceSource)}</span>
            <When at={alert.lastActivityDateTime} />
          </li>
        ))}
      {hasNextPage && (
        <li className={styles.alert}>
          <Link className={styles.alertName} to={`/incidents/${id}/alerts`}>
            All alerts are on the incident's page
          </Link>
        </li>
      )}
    </ul>
  );
}
