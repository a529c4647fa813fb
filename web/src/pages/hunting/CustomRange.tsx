import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
} from "@fluentui/react-components";
import { useState } from "react";

const useStyles = makeStyles({ form: { display: "grid", gap: "12px" } });

/** Asks for a time range of one's own. */
export function CustomRange({
  onClose,
  onChoose,
}: {
  onClose: () => void;
  onChoose: (range: { from: string; to: string }) => void;
}) {
  const styles = useStyles();
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const bad =
    from === "" || to === "" ? "Say both ends." : from >= to ? "The start must come before the end." : undefined;
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Custom time range</DialogTitle>
          <DialogContent className={styles.form}>
            <Field label="From (UTC)">
              <Input type="datetime-local" value={from} onChange={(_, data) => setFrom(data.value)} />
            </Field>
            <Field
              label="To (UTC)"
              validationState={from && to && bad ? "error" : "none"}
              validationMessage={from && to ? bad : undefined}
            >
              <Input type="datetime-local" value={to} onChange={(_, data) => setTo(data.value)} />
            </Field>
          </DialogContent>
          <DialogActions>
            <Button
              appearance="primary"
              disabled={bad !== undefined}
              onClick={() => onChoose({ from: `${from}Z`, to: `${to}Z` })}
            >
              Use this range
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
