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
  Radio,
  RadioGroup,
} from "@fluentui/react-components";
import { useState } from "react";
import { type SavedQuery, useSaveQuery } from "../../api/hunting";
import { messageOf } from "../../parts/states";

const useStyles = makeStyles({ form: { display: "grid", gap: "12px" } });

interface Props {
  kind: "query" | "function";
  text: string;
  name: string;
  onClose: () => void;
  onSaved: (saved: SavedQuery) => void;
}

/** Asks what a query or a function shall be called and who may see it. */
export function SaveDialog({ kind, text, name: first, onClose, onSaved }: Props) {
  const styles = useStyles();
  const save = useSaveQuery();
  const [name, setName] = useState(kind === "function" ? "" : first);
  const [folder, setFolder] = useState("");
  const [shared, setShared] = useState("mine");
  const [description, setDescription] = useState("");
  const [parameters, setParameters] = useState("");
  const badName =
    name.trim() === ""
      ? "Give it a name."
      : kind === "function" && !/^[A-Z_][A-Za-z0-9_]*$/.test(name.trim())
        ? "A function's name starts with a capital letter or an underscore and has letters, digits and underscores only."
        : undefined;
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (badName) return;
            save.mutate(
              {
                kind,
                name: name.trim(),
                folder: folder.trim(),
                shared: shared === "shared",
                description,
                parameters,
                text,
              },
              { onSuccess: onSaved },
            );
          }}
        >
          <DialogBody>
            <DialogTitle>{kind === "function" ? "Save as function" : "Save query"}</DialogTitle>
            <DialogContent className={styles.form}>
              <Field
                label="Name"
                required
                validationState={name !== "" && badName ? "error" : "none"}
                validationMessage={name === "" ? undefined : badName}
              >
                <Input value={name} maxLength={120} autoFocus onChange={(_, data) => setName(data.value)} />
              </Field>
              {kind === "query" ? (
                <Field label="Folder">
                  <Input value={folder} maxLength={120} onChange={(_, data) => setFolder(data.value)} />
                </Field>
              ) : (
                <Field label="Parameters" hint="As in a let: device:string, since:timespan=7d">
                  <Input value={parameters} onChange={(_, data) => setParameters(data.value)} />
                </Field>
              )}
              <Field label="Description">
                <Input value={description} maxLength={1000} onChange={(_, data) => setDescription(data.value)} />
              </Field>
              <Field label="Who sees it">
                <RadioGroup layout="horizontal" value={shared} onChange={(_, data) => setShared(data.value)}>
                  <Radio value="mine" label="Only me" />
                  <Radio value="shared" label="Everybody here" />
                </RadioGroup>
              </Field>
              {save.error && (
                <MessageBar intent="error" role="alert">
                  <MessageBarBody>{messageOf(save.error)}</MessageBarBody>
                </MessageBar>
              )}
            </DialogContent>
            <DialogActions>
              <Button type="submit" appearance="primary" disabled={badName !== undefined || save.isPending}>
                Save
              </Button>
              <Button onClick={onClose}>Cancel</Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
