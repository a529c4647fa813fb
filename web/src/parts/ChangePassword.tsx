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
  MessageBar,
  MessageBarBody,
  makeStyles,
} from "@fluentui/react-components";
import { useState } from "react";
import { useChangePassword } from "../api/session";
import { messageOf } from "./states";

const useStyles = makeStyles({ fields: { display: "grid", gap: "12px", paddingTop: "4px" } });

export function ChangePassword({ onClose }: { onClose: () => void }) {
  const styles = useStyles();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useChangePassword();
  const differs = again !== "" && next !== again;
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (next === again) change.mutate({ current, new: next });
          }}
        >
          <DialogBody>
            <DialogTitle>Change password</DialogTitle>
            <DialogContent className={styles.fields}>
              {change.isError && (
                <MessageBar intent="error" layout="multiline">
                  <MessageBarBody>{messageOf(change.error)}</MessageBarBody>
                </MessageBar>
              )}
              {change.isSuccess ? (
                <MessageBar intent="success">
                  <MessageBarBody>Your password is changed.</MessageBarBody>
                </MessageBar>
              ) : (
                <>
                  <Field label="Current password" required>
                    <Input
                      type="password"
                      autoComplete="current-password"
                      value={current}
                      onChange={(_, data) => setCurrent(data.value)}
                    />
                  </Field>
                  <Field label="New password" required>
                    <Input
                      type="password"
                      autoComplete="new-password"
                      value={next}
                      onChange={(_, data) => setNext(data.value)}
                    />
                  </Field>
                  <Field
                    label="New password again"
                    required
                    validationMessage={differs ? "The two new passwords differ" : undefined}
                  >
                    <Input
                      type="password"
                      autoComplete="new-password"
                      value={again}
                      onChange={(_, data) => setAgain(data.value)}
                    />
                  </Field>
                </>
              )}
            </DialogContent>
            <DialogActions>
              {!change.isSuccess && (
                <Button
                  appearance="primary"
                  type="submit"
                  disabled={!current || !next || next !== again || change.isPending}
                >
                  Change password
                </Button>
              )}
              <Button onClick={onClose}>Close</Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
