import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Radio,
  RadioGroup,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { useUpdateIncident } from "../../api/incidents";
import type { Incident, IncidentPatch } from "../../api/types";
import { legalDeterminations } from "../../parts/classification";
import { messageOf } from "../../parts/states";
import { classificationWord, determinationWord, editableStatuses, statusWord } from "../../parts/words";

const useStyles = makeStyles({
  keys: { display: "grid", gridTemplateColumns: "auto 1fr", gap: "8px 20px", margin: 0, "& dd": { margin: 0 } },
  key: {
    display: "inline-block",
    minWidth: "24px",
    padding: "1px 6px",
    marginInlineEnd: "4px",
    textAlign: "center",
    borderRadius: "4px",
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
  },
  form: { display: "grid", gap: "12px" },
});

const shortcuts: [keys: string[], does: string][] = [
  [["j", "↓"], "Next incident"],
  [["k", "↑"], "Previous incident"],
  [["Enter"], "Open the incident's pane"],
  [["o"], "Open the incident's page"],
  [["→", "←"], "Show and hide its alerts"],
  [["Space", "x"], "Select it"],
  [["a"], "Assign it to me"],
  [["s"], "Change its status"],
  [["c"], "Classify it"],
  [["/"], "Search"],
  [["Esc"], "Close the pane"],
  [["?"], "Show these shortcuts"],
];

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const styles = useStyles();
  return (
    // Without motion: the next key may follow at once, and belongs to the list again.
    <Dialog open surfaceMotion={null} onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Keyboard shortcuts</DialogTitle>
          <DialogContent>
            <dl className={styles.keys}>
              {shortcuts.map(([keys, does]) => (
                <Line key={does} keys={keys} does={does} />
              ))}
            </dl>
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={onClose}>
              Close
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Line({ keys, does }: { keys: string[]; does: string }) {
  const styles = useStyles();
  return (
    <>
      <dt>
        {keys.map((key) => (
          <kbd key={key} className={styles.key}>
            {key}
          </kbd>
        ))}
      </dt>
      <dd>{does}</dd>
    </>
  );
}

/** True where a key belongs to what is being typed or to something that is open above the list. */
function busy(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest("input:not([type=checkbox]), textarea, select, [role=dialog], [role=menu], [role=listbox]") !==
      null ||
    document.querySelector('[role=dialog][aria-modal="true"], [role=menu]') !== null
  );
}

/** Calls the action of a key, wherever on the page the focus is, but never while somebody is typing. */
export function useShortcuts(actions: Record<string, () => void>) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || busy(event.target)) return;
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [actions]);
}

interface ChangeProps {
  incident: Incident;
  what: "status" | "classification";
  onClose: () => void;
}

/** A classification with its determination as one choice: "truePositive malware". */
const classes = (["truePositive", "informationalExpectedActivity", "falsePositive"] as const).flatMap((c) =>
  legalDeterminations(c).map((d) => ({
    value: `${c} ${d}`,
    label: d === "unknown" ? classificationWord(c) : `${classificationWord(c)} – ${determinationWord(d)}`,
  })),
);

/** One question, answered with the arrow keys and Enter. */
export function QuickChange({ incident, what, onClose }: ChangeProps) {
  const styles = useStyles();
  const update = useUpdateIncident(incident.id);
  const options =
    what === "status"
      ? editableStatuses.map((value) => ({ value: value as string, label: statusWord(value) }))
      : classes;
  const now = what === "status" ? incident.status : `${incident.classification} ${incident.determination}`;
  const [value, setValue] = useState(options.some((option) => option.value === now) ? now : (options[0]?.value ?? ""));
  const [first, second] = value.split(" ");
  const patch = (
    what === "status" ? { status: first } : { classification: first, determination: second }
  ) as IncidentPatch;
  return (
    // Without motion: the next key may follow at once, and belongs to the list again.
    <Dialog open surfaceMotion={null} onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            update.mutate({ patch, version: incident.tocsin.version }, { onSuccess: onClose });
          }}
        >
          <DialogBody>
            <DialogTitle>
              {what === "status" ? "Status" : "Classification"} of incident {incident.id}
            </DialogTitle>
            <DialogContent className={styles.form}>
              <RadioGroup
                aria-label={what === "status" ? "Status" : "Classification"}
                value={value}
                onChange={(_, data) => setValue(data.value)}
                onKeyDown={(event) => {
                  if (event.key !== "Enter") return;
                  event.preventDefault();
                  event.currentTarget.closest("form")?.requestSubmit();
                }}
              >
                {options.map((option) => (
                  <Radio
                    key={option.value}
                    value={option.value}
                    label={option.label}
                    autoFocus={option.value === value}
                  />
                ))}
              </RadioGroup>
              {update.error && (
                <MessageBar intent="error" layout="multiline">
                  <MessageBarBody>{messageOf(update.error)}</MessageBarBody>
                </MessageBar>
              )}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" appearance="primary" disabled={update.isPending}>
                Save
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
