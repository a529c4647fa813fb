import {
  Button,
  Checkbox,
  makeStyles,
  Popover,
  PopoverSurface,
  PopoverTrigger,
  tokens,
} from "@fluentui/react-components";
import { ArrowDownRegular, ArrowUpRegular, ColumnEditRegular } from "../../parts/icons";
import { columns, type useColumnChoice } from "./columns";

const useStyles = makeStyles({
  surface: { display: "flex", flexDirection: "column", width: "280px", maxHeight: "70vh", padding: "8px" },
  list: { overflowY: "auto" },
  row: {
    display: "flex",
    alignItems: "center",
    borderRadius: "4px",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  check: { marginInlineEnd: "auto" },
  foot: { paddingTop: "8px", borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
});

/** Chooses which columns the table shows, and in which order. */
export function ColumnMenu({ choice }: { choice: ReturnType<typeof useColumnChoice> }) {
  const styles = useStyles();
  const { chosen, choose, reset } = choice;
  const shown = chosen.map((id) => columns.find((column) => column.id === id)).filter((column) => column !== undefined);
  const hidden = columns.filter((column) => !chosen.includes(column.id));
  const move = (id: string, by: number) => {
    const at = chosen.indexOf(id);
    const next = chosen.toSpliced(at, 1);
    choose(next.toSpliced(at + by, 0, id));
  };
  return (
    <Popover positioning="below-end" trapFocus>
      <PopoverTrigger disableButtonEnhancement>
        <Button appearance="subtle" icon={<ColumnEditRegular />}>
          Columns
        </Button>
      </PopoverTrigger>
      <PopoverSurface className={styles.surface} aria-label="Choose columns">
        <div className={styles.list}>
          {shown.map(({ id, label }, at) => (
            <div key={id} className={styles.row}>
              <Checkbox
                className={styles.check}
                checked
                label={label}
                onChange={() => choose(chosen.filter((each) => each !== id))}
              />
              <Button
                size="small"
                appearance="subtle"
                icon={<ArrowUpRegular />}
                aria-label={`Move ${label} forward`}
                disabled={at === 0}
                onClick={() => move(id, -1)}
              />
              <Button
                size="small"
                appearance="subtle"
                icon={<ArrowDownRegular />}
                aria-label={`Move ${label} back`}
                disabled={at === shown.length - 1}
                onClick={() => move(id, 1)}
              />
            </div>
          ))}
          {hidden.map(({ id, label }) => (
            <div key={id} className={styles.row}>
              <Checkbox
                className={styles.check}
                checked={false}
                label={label}
                onChange={() => choose([...chosen, id])}
              />
            </div>
          ))}
        </div>
        <div className={styles.foot}>
          <Button appearance="subtle" size="small" onClick={reset}>
            Back to the usual columns
          </Button>
        </div>
      </PopoverSurface>
    </Popover>
  );
}
