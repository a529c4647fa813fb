import {
  Button,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  Switch,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import type { Cell, HuntingColumn, ResultTable } from "../../api/hunting";
import { entityTypes } from "../../parts/entityTypes";
import { GoHunt } from "../../parts/GoHunt";
import { FilterAddRegular } from "../../parts/icons";
import { Pane } from "../../parts/Pane";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { cellText, type FilterOperator, isEmptyCell, operatorsFor, timeColumn } from "./cells";
import { entitiesOf } from "./entityColumns";
import { pretty } from "./ResultGrid";

const useStyles = makeStyles({
  field: {
    display: "grid",
    gridTemplateColumns: "minmax(120px, 36%) minmax(0, 1fr)",
    gap: "8px",
    alignItems: "start",
    padding: "5px 0",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    fontSize: tokens.fontSizeBase200,
    "& dt": { color: tokens.colorNeutralForeground3, overflowWrap: "anywhere", paddingTop: "4px" },
    "& dd": { display: "flex", alignItems: "flex-start", gap: "8px", minWidth: 0 },
  },
  text: {
    flexGrow: 1,
    minWidth: 0,
    paddingTop: "4px",
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: "12px",
    overflowWrap: "anywhere",
  },
  asset: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto",
    alignItems: "center",
    gap: "0 8px",
    padding: "8px 12px",
    borderRadius: "6px",
    border: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  value: { gridRow: 2, overflowWrap: "anywhere" },
});

interface Props {
  table: ResultTable;
  row: number;
  onClose: () => void;
  addFilter: (column: HuntingColumn, operator: FilterOperator, value: Cell) => void;
  open: (part: { title: string; text: string }, run?: boolean) => void;
}

/** One record whole: whom it is about, and every value with the filters it can become. */
export function Inspect({ table, row, onClose, addFilter, open }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const [empties, setEmpties] = useState(false);
  const cells = table.rows[row] ?? [];
  const assets = entitiesOf(table.columns, [cells]).map((entity) => ({
    ...entity,
    value: cellText(cells[table.columns.findIndex(({ name }) => name === entity.column)]),
  }));
  return (
    <Pane open onClose={onClose} title="Inspect record" label="Inspect record">
      {assets.length > 0 && (
        <section className={surface.section}>
          <h3 className={surface.heading}>Assets and evidence</h3>
          {assets.map((asset) => (
            <div key={asset.column} className={styles.asset}>
              <span className={surface.muted}>
                {entityTypes.find(({ type }) => type === asset.type)?.label ?? asset.type}
              </span>
              <span className={styles.value}>
                <Untrusted text={asset.value} />
              </span>
              <GoHunt prey={asset} name={asset.value} open={open} {...around(table, cells)} />
            </div>
          ))}
        </section>
      )}
      <section className={surface.section}>
        <h3 className={surface.heading}>All details</h3>
        <Switch label="Show empty fields" checked={empties} onChange={(_, data) => setEmpties(data.checked)} />
        <dl>
          {table.columns.map(
            (column, index) =>
              (empties || !isEmptyCell(cells[index])) && (
                <div key={column.name} className={styles.field}>
                  <dt>{column.name}</dt>
                  <dd>
                    <span className={styles.text}>
                      <Untrusted text={pretty(cells[index])} lines />
                    </span>
                    <Menu positioning="below-end">
                      <MenuTrigger disableButtonEnhancement>
                        <Button
                          size="small"
                          appearance="subtle"
                          icon={<FilterAddRegular />}
                          aria-label={`Filter by ${column.name}`}
                        />
                      </MenuTrigger>
                      <MenuPopover>
                        <MenuList>
                          {operatorsFor(column.type).map((operator) => (
                            <MenuItem key={operator} onClick={() => addFilter(column, operator, cells[index])}>
                              {operator} this value
                            </MenuItem>
                          ))}
                        </MenuList>
                      </MenuPopover>
                    </Menu>
                  </dd>
                </div>
              ),
          )}
        </dl>
      </section>
    </Pane>
  );
}

/** The moment of a record, to hunt around it. */
function around(table: ResultTable, cells: Cell[]) {
  const time = timeColumn(table.columns);
  const at = time ? cellText(cells[table.columns.indexOf(time)]) : "";
  return at ? { from: at, to: at } : {};
}
