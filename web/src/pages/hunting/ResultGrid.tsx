// biome-ignore-all lint/a11y/useSemanticElements: rows of a table element cannot be placed freely, as a virtual grid needs; the roles say the same
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the active cell
import {
  Button,
  Checkbox,
  Menu,
  MenuDivider,
  MenuItem,
  MenuList,
  MenuPopover,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Cell, HuntingColumn } from "../../api/hunting";
import { ArrowDownRegular, ArrowUpRegular, ChevronDownRegular, ChevronRightRegular } from "../../parts/icons";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { cellText, compareCells, type FilterOperator, numeric, operatorsFor, shownText } from "./cells";

const rowHeight = 32;
const marginWidth = 76;

const useStyles = makeStyles({
  scroller: {
    position: "relative",
    height: "100%",
    overflow: "auto",
    outline: "none",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
  headGroup: { position: "sticky", top: 0, zIndex: 2, minWidth: "100%" },
  head: {
    display: "flex",
    minWidth: "100%",
    height: `${rowHeight}px`,
    backgroundColor: own("surface"),
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  headCell: {
    position: "relative",
    display: "flex",
    alignItems: "center",
    boxSizing: "border-box",
    flexShrink: 0,
    paddingInline: "8px",
  },
  headButton: {
    display: "flex",
    alignItems: "center",
    gap: "4px",
    minWidth: 0,
    width: "100%",
    padding: 0,
    border: "none",
    background: "none",
    color: tokens.colorNeutralForeground2,
    font: "inherit",
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    textAlign: "start",
    cursor: "pointer",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
    "& > span": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
    "& > svg": { flexShrink: 0 },
  },
  grip: {
    position: "absolute",
    insetInlineEnd: 0,
    top: "6px",
    bottom: "6px",
    width: "7px",
    cursor: "col-resize",
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    touchAction: "none",
  },
  row: {
    position: "absolute",
    insetInlineStart: 0,
    minWidth: "100%",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    fontSize: tokens.fontSizeBase200,
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  line: { display: "flex", height: `${rowHeight - 1}px` },
  active: { backgroundColor: tokens.colorSubtleBackgroundSelected },
  margin: { display: "flex", alignItems: "center", flexShrink: 0, width: `${marginWidth}px`, boxSizing: "border-box" },
  cell: {
    boxSizing: "border-box",
    flexShrink: 0,
    paddingInline: "8px",
    lineHeight: `${rowHeight - 1}px`,
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    cursor: "default",
    "& *": { whiteSpace: "nowrap" },
  },
  focused: { boxShadow: `inset 0 0 0 2px ${tokens.colorStrokeFocus2}` },
  number: { textAlign: "end", fontVariantNumeric: "tabular-nums" },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px" },
  detail: {
    display: "grid",
    gridTemplateColumns: "minmax(140px, max-content) minmax(0, 1fr)",
    columnGap: "16px",
    rowGap: "3px",
    padding: `4px 16px 12px ${marginWidth}px`,
    position: "sticky",
    insetInlineStart: 0,
    boxSizing: "border-box",
    "& dt": { color: tokens.colorNeutralForeground3 },
    "& dd": { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", overflowWrap: "anywhere" },
  },
});

export interface Sort {
  column: number;
  descending: boolean;
}

interface Props {
  columns: HuntingColumn[];
  /** Indexes of the columns that are shown, in order. */
  shown: number[];
  rows: Cell[][];
  /** Rises when rows were added to the same array. */
  version: number;
  filter: string;
  selected: Set<number>;
  select: (rows: Set<number>) => void;
  inspect: (row: number) => void;
  inspected?: number;
  addFilter: (column: HuntingColumn, operator: FilterOperator, value: Cell) => void;
  extend: (column: HuntingColumn) => void;
  selectable: boolean;
}

/** A table of any length: only the rows in sight are in the page. */
export function ResultGrid(props: Props) {
  const { columns, shown, rows, version, filter, selected, select, inspect, inspected, addFilter, selectable } = props;
  const styles = useStyles();
  const scroller = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<Sort>();
  const [open, setOpen] = useState<Set<number>>(new Set());
  const [widths, setWidths] = useState<Record<string, number>>({});
  const [at, setAt] = useState<{ row: number; column: number }>({ row: 0, column: 0 });
  const [menu, setMenu] = useState<{ x: number; y: number; row: number; column: number }>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: version says that rows, the same array, has grown
  const order = useMemo(() => {
    let list = rows.map((_, index) => index);
    const needle = filter.trim().toLowerCase();
    if (needle)
      list = list.filter((index) =>
        shown.some((column) => cellText(rows[index]?.[column]).toLowerCase().includes(needle)),
      );
    if (sort) {
      const type = columns[sort.column]?.type ?? "string";
      const sign = sort.descending ? -1 : 1;
      list.sort((a, b) => {
        const x = rows[a]?.[sort.column];
        const y = rows[b]?.[sort.column];
        const emptyX = x === null || x === "";
        const emptyY = y === null || y === "";
        if (emptyX !== emptyY) return emptyX ? 1 : -1;
        return sign * compareCells(x, y, type) || a - b;
      });
    }
    return list;
  }, [rows, version, filter, sort, columns, shown]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another result starts at its top
  useEffect(() => {
    setSort(undefined);
    setOpen(new Set());
    setAt({ row: 0, column: 0 });
    scroller.current?.scrollTo({ top: 0 });
  }, [columns]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: guessed once from the first rows of a result
  const guessed = useMemo(
    () =>
      columns.map((column, index) =>
        guessWidth(
          column,
          rows.slice(0, 40).map((row) => row[index]),
        ),
      ),
    [columns, rows.length > 0],
  );
  const width = (index: number) => widths[columns[index]?.name ?? ""] ?? guessed[index] ?? 120;
  const total = marginWidth + shown.reduce((sum, index) => sum + width(index), 0);

  const virtual = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => order[index] ?? index,
    overscan: 12,
    scrollPaddingStart: rowHeight,
  });

  const toggle = (set: Set<number>, item: number) => {
    const next = new Set(set);
    if (!next.delete(item)) next.add(item);
    return next;
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const move = (row: number, column: number) => {
      const next = {
        row: Math.max(0, Math.min(order.length - 1, row)),
        column: Math.max(0, Math.min(shown.length - 1, column)),
      };
      setAt(next);
      virtual.scrollToIndex(next.row);
      const left = marginWidth + shown.slice(0, next.column).reduce((sum, index) => sum + width(index), 0);
      const box = scroller.current;
      if (box) {
        const right = left + width(shown[next.column] ?? 0);
        if (left < box.scrollLeft + marginWidth) box.scrollLeft = Math.max(0, left - marginWidth);
        else if (right > box.scrollLeft + box.clientWidth) box.scrollLeft = right - box.clientWidth;
      }
    };
    const row = order[at.row];
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(at.row + 1, at.column),
      ArrowUp: () => move(at.row - 1, at.column),
      ArrowRight: () => move(at.row, at.column + 1),
      ArrowLeft: () => move(at.row, at.column - 1),
      PageDown: () => move(at.row + page, at.column),
      PageUp: () => move(at.row - page, at.column),
      Home: () => move(event.ctrlKey ? 0 : at.row, 0),
      End: () => move(event.ctrlKey ? order.length - 1 : at.row, shown.length - 1),
      Enter: () => row !== undefined && inspect(row),
      " ": () => row !== undefined && selectable && select(toggle(selected, row)),
      ContextMenu: () => openMenuAtCell(),
      c: () => event.ctrlKey && row !== undefined && copy(rows[row]?.[shown[at.column] ?? 0]),
    };
    const key = event.shiftKey && event.key === "F10" ? "ContextMenu" : event.key;
    if (key === "c" && !event.ctrlKey && !event.metaKey) return;
    const act = keys[key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  const openMenuAtCell = () => {
    const cell = scroller.current?.querySelector<HTMLElement>(`[data-cell="${at.row}:${at.column}"]`);
    const row = order[at.row];
    if (!cell || row === undefined) return;
    const box = cell.getBoundingClientRect();
    setMenu({ x: box.left + 12, y: box.bottom - 4, row, column: shown[at.column] ?? 0 });
  };

  const onContext = (event: MouseEvent, row: number, column: number) => {
    event.preventDefault();
    setMenu({ x: event.clientX, y: event.clientY, row, column });
  };

  const allSelected = order.length > 0 && order.every((row) => selected.has(row));
  const column = menu ? columns[menu.column] : undefined;
  const value = menu ? rows[menu.row]?.[menu.column] : undefined;

  return (
    <>
      <div
        ref={scroller}
        className={styles.scroller}
        role="grid"
        aria-label="Results"
        aria-rowcount={order.length + 1}
        aria-colcount={shown.length}
        aria-multiselectable={selectable}
        aria-activedescendant={order.length > 0 ? `cell-${at.row}-${at.column}` : undefined}
        tabIndex={0}
        onKeyDown={onKey}
      >
        <div role="rowgroup" className={styles.headGroup} style={{ width: total }}>
          <div className={styles.head} role="row" aria-rowindex={1} style={{ width: total }}>
            <div className={styles.margin} role="columnheader" aria-label="Row">
              {selectable && (
                <Checkbox
                  aria-label="Select all rows"
                  checked={allSelected ? true : selected.size > 0 ? "mixed" : false}
                  onChange={() => select(allSelected ? new Set() : new Set(order))}
                />
              )}
            </div>
            {shown.map((index) => {
              const each = columns[index] as HuntingColumn;
              const sorted = sort?.column === index;
              return (
                <div
                  key={index}
                  className={styles.headCell}
                  role="columnheader"
                  aria-sort={sorted ? (sort.descending ? "descending" : "ascending") : "none"}
                  style={{ width: width(index) }}
                >
                  <button
                    type="button"
                    className={styles.headButton}
                    title={`${each.name} (${each.type === "datetime" ? "datetime, UTC" : each.type})`}
                    onClick={() =>
                      setSort(
                        !sorted
                          ? { column: index, descending: false }
                          : sort.descending
                            ? undefined
                            : { column: index, descending: true },
                      )
                    }
                  >
                    <span>{each.name}</span>
                    {sorted && (sort.descending ? <ArrowDownRegular /> : <ArrowUpRegular />)}
                  </button>
                  <Grip onMove={(by) => setWidths({ ...widths, [each.name]: Math.max(56, width(index) + by) })} />
                </div>
              );
            })}
          </div>
        </div>
        <div
          role="rowgroup"
          style={{ height: virtual.getTotalSize(), width: total, minWidth: "100%", position: "relative" }}
        >
          {virtual.getVirtualItems().map((item) => {
            const index = order[item.index] ?? 0;
            const row = rows[index] ?? [];
            const isOpen = open.has(index);
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={mergeClasses(styles.row, (inspected === index || selected.has(index)) && styles.active)}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={selectable ? selected.has(index) : undefined}
                style={{ transform: `translateY(${item.start}px)`, width: total }}
              >
                <div className={styles.line}>
                  <div className={styles.margin} role="gridcell">
                    {selectable && (
                      <Checkbox
                        aria-label={`Select row ${item.index + 1}`}
                        checked={selected.has(index)}
                        onChange={() => select(toggle(selected, index))}
                      />
                    )}
                    <Button
                      size="small"
                      appearance="subtle"
                      icon={isOpen ? <ChevronDownRegular /> : <ChevronRightRegular />}
                      aria-label={`${isOpen ? "Close" : "Open"} row ${item.index + 1}`}
                      aria-expanded={isOpen}
                      onClick={() => setOpen(toggle(open, index))}
                    />
                  </div>
                  {shown.map((columnIndex, position) => {
                    const type = columns[columnIndex]?.type ?? "string";
                    const text = shownText(row[columnIndex], type);
                    return (
                      // biome-ignore lint/a11y/useKeyWithClickEvents: the grid answers Enter
                      <div
                        key={columnIndex}
                        id={`cell-${item.index}-${position}`}
                        data-cell={`${item.index}:${position}`}
                        role="gridcell"
                        aria-colindex={position + 1}
                        className={mergeClasses(
                          styles.cell,
                          numeric(type) && styles.number,
                          type === "dynamic" && styles.mono,
                          at.row === item.index && at.column === position && styles.focused,
                        )}
                        style={{ width: width(columnIndex) }}
                        title={text.length > 40 ? text.slice(0, 600) : undefined}
                        onClick={() => {
                          setAt({ row: item.index, column: position });
                          inspect(index);
                        }}
                        onContextMenu={(event) => onContext(event, index, columnIndex)}
                      >
                        <Untrusted text={text.length > 400 ? `${text.slice(0, 400)}…` : text} />
                      </div>
                    );
                  })}
                </div>
                {isOpen && (
                  <dl className={styles.detail} style={{ width: scroller.current?.clientWidth }}>
                    {columns.map(
                      (each, columnIndex) =>
                        cellText(row[columnIndex]) !== "" && (
                          <div key={each.name} style={{ display: "contents" }}>
                            <dt>{each.name}</dt>
                            <dd>
                              <Untrusted text={pretty(row[columnIndex])} lines />
                            </dd>
                          </div>
                        ),
                    )}
                  </dl>
                )}
              </div>
            );
          })}
        </div>
      </div>
      {menu && column && (
        <Menu
          open
          onOpenChange={(_, data) => !data.open && setMenu(undefined)}
          positioning={{
            target: { getBoundingClientRect: () => new DOMRect(menu.x, menu.y, 0, 0) },
            position: "below",
            align: "start",
          }}
        >
          <MenuPopover>
            <MenuList>
              {operatorsFor(column.type).map((operator) => (
                <MenuItem key={operator} onClick={() => addFilter(column, operator, value)}>
                  {column.name} {operator} {short(cellText(value))}
                </MenuItem>
              ))}
              <MenuDivider />
              {column.type === "dynamic" && (
                <MenuItem onClick={() => props.extend(column)}>Make columns of its fields</MenuItem>
              )}
              <MenuItem onClick={() => copy(value)}>Copy value</MenuItem>
              <MenuItem onClick={() => inspect(menu.row)}>Inspect record</MenuItem>
            </MenuList>
          </MenuPopover>
        </Menu>
      )}
    </>
  );
}

function Grip({ onMove }: { onMove: (by: number) => void }) {
  const styles = useStyles();
  const last = useRef(0);
  return (
    <span
      className={styles.grip}
      aria-hidden
      onPointerDown={(event) => {
        last.current = event.clientX;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        onMove(event.clientX - last.current);
        last.current = event.clientX;
      }}
    />
  );
}

function copy(value: Cell) {
  void navigator.clipboard?.writeText(cellText(value));
}

const short = (text: string) => (text === "" ? "(empty)" : text.length > 40 ? `${text.slice(0, 40)}…` : text);

export function pretty(value: Cell): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : cellText(value);
}

function guessWidth(column: HuntingColumn, sample: Cell[]): number {
  if (column.type === "datetime") return 190;
  const longest = Math.max(column.name.length + 3, ...sample.map((value) => cellText(value).length));
  return Math.max(72, Math.min(360, Math.round(longest * 7.2) + 20));
}
