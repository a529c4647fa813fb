import { makeStyles, tokens } from "@fluentui/react-components";

const useStyles = makeStyles({
  grip: {
    height: "7px",
    flexShrink: 0,
    cursor: "row-resize",
    touchAction: "none",
    backgroundColor: tokens.colorNeutralBackground3,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
});

/** The line between editor and results: dragged, or moved with the arrow keys. */
export function Divider({ height, setHeight }: { height: number; setHeight: (height: number) => void }) {
  const styles = useStyles();
  const set = (next: number) => setHeight(Math.max(96, Math.min(window.innerHeight - 260, next)));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be dragged; the role says what this is
    <div
      className={styles.grip}
      role="separator"
      aria-label="Height of the editor"
      aria-orientation="horizontal"
      aria-valuenow={height}
      aria-valuemin={96}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") set(height + 24);
        else if (event.key === "ArrowUp") set(height - 24);
        else return;
        event.preventDefault();
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) set(height + event.movementY);
      }}
    />
  );
}
