import {
  Button,
  Checkbox,
  makeStyles,
  mergeClasses,
  Popover,
  PopoverSurface,
  PopoverTrigger,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import { ArrowDownRegular, ArrowUpRegular, ColumnEditRegular } from "./icons";

const useStyles = makeStyles({
  surface: { display: "flex", flexDirection: "column", width: "280px", maxHeight: "70vh", padding: "8px" },
  list: { overflowY: "auto" },
  row: {
    display: "flex",
    alignItems: "center",
    borderRadius: "4px",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  drag: { cursor: "grab" },
  over: { boxShadow: `inset 0 2px ${tokens.colorBrandStroke1}` },
  check: { marginInlineEnd: "auto" },
  foot: { paddingTop: "8px", borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
});

interface Props {
  columns: { id: string; label: string }[];
  /** Ids of those that are shown, in their order. */
  chosen: string[];
  choose: (ids: string[]) => void;
  reset: () => void;
}

/** Chooses which columns the table shows, and in which order: by dragging, or with the arrow buttons. */
export function ColumnMenu({ columns, chosen, choose, reset }: Props) {
  const styles = useStyles();
  const [dragged, setDragged] = useState<string>();
  const [over, setOver] = useState<string>();
  const drop = (before: string) => {
    if (dragged && dragged !== before) {
      const rest = chosen.filter((id) => id !== dragged);
      choose(rest.toSpliced(rest.indexOf(before), 0, dragged));
    }
    setDragged(undefined);
    setOver(undefined);
  };
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
            // biome-ignore lint/a11y/noStaticElementInteractions: the buttons beside it do the same for the keyboard
            <div
              key={id}
              className={mergeClasses(styles.row, styles.drag, over === id && dragged !== id && styles.over)}
              draggable
              onDragStart={(event) => {
                event.dataTransfer.effectAllowed = "move";
                event.dataTransfer.setData("text/plain", label);
                setDragged(id);
              }}
              onDragOver={(event) => {
                event.preventDefault();
                setOver(id);
              }}
              onDragEnd={() => {
                setDragged(undefined);
                setOver(undefined);
              }}
              onDrop={(event) => {
                event.preventDefault();
                drop(id);
              }}
            >
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
