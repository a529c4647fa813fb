// The frame of the dialogs that rearrange alerts: a form with a reason, an error in words, and one thing to do.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Textarea,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { messageOf } from "../../parts/states";

const useStyles = makeStyles({ form: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "14px" } });

interface Props {
  title: string;
  /** The word on the button, and while it is being done. */
  verb: string;
  doing: string;
  busy: boolean;
  ready: boolean;
  error?: unknown;
  why: string;
  onWhy: (why: string) => void;
  onClose: () => void;
  onSubmit: () => void;
  children: ReactNode;
}

export function Ask({ title, verb, doing, busy, ready, error, why, onWhy, onClose, onSubmit, children }: Props) {
  const styles = useStyles();
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready && !busy) onSubmit();
          }}
        >
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent className={styles.form}>
              {children}
              <Field label="Why?" hint="Kept in the activity log.">
                <Textarea value={why} maxLength={2000} onChange={(_, data) => onWhy(data.value)} />
              </Field>
              {Boolean(error) && (
                <MessageBar intent="error" layout="multiline">
                  <MessageBarBody>{messageOf(error)}</MessageBarBody>
                </MessageBar>
              )}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>Cancel</Button>
              <Button appearance="primary" type="submit" disabled={!ready || busy}>
                {busy ? doing : verb}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
