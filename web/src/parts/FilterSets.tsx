import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  Menu,
  MenuDivider,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  MessageBar,
  MessageBarBody,
  makeStyles,
} from "@fluentui/react-components";
import { useState } from "react";
import { type FilterSet, type Noun, useDeleteFilterSet, useFilterSets, useSaveFilterSet } from "../api/kept";
import { useCan } from "../api/session";
import { plainText } from "./hidden";
import { DeleteRegular, EditRegular, FilterRegular } from "./icons";
import { messageOf } from "./states";
import { Untrusted } from "./Untrusted";

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px" },
  list: { display: "grid", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  row: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 8px" },
  name: { flexGrow: 1, minWidth: "160px" },
});

interface Props {
  noun: Noun;
  /** The query part of the list's address as it is now. */
  query: string;
  opensWith?: string;
  onApply: (query: string) => void;
  onOpenWith: (id: string | undefined) => void;
}

/** Named filters: applied, saved, and looked after. */
export function FilterSets({ noun, query, opensWith, onApply, onOpenWith }: Props) {
  const { data: sets = [] } = useFilterSets(noun);
  const [dialog, setDialog] = useState<"save" | "manage">();
  return (
    <>
      <Menu>
        <MenuTrigger disableButtonEnhancement>
          <Button appearance="subtle" icon={<FilterRegular />}>
            Saved filters
          </Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            {sets.map((set) => (
              <MenuItem
                key={set.id}
                onClick={() => onApply(set.query)}
                secondaryContent={set.mine ? (set.shared ? "shared" : undefined) : plainText(set.owner)}
              >
                <Untrusted text={set.name} />
              </MenuItem>
            ))}
            {sets.length > 0 && <MenuDivider />}
            <MenuItem onClick={() => setDialog("save")}>Save these filters…</MenuItem>
            <MenuItem onClick={() => setDialog("manage")} disabled={sets.length === 0}>
              Manage saved filters…
            </MenuItem>
          </MenuList>
        </MenuPopover>
      </Menu>
      {dialog === "save" && <SaveDialog noun={noun} query={query} onClose={() => setDialog(undefined)} />}
      {dialog === "manage" && (
        <ManageDialog
          noun={noun}
          sets={sets}
          opensWith={opensWith}
          onOpenWith={onOpenWith}
          onClose={() => setDialog(undefined)}
        />
      )}
    </>
  );
}

function SaveDialog({ noun, query, onClose }: { noun: Noun; query: string; onClose: () => void }) {
  const styles = useStyles();
  const save = useSaveFilterSet(noun);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate({ name, query, shared }, { onSuccess: onClose });
          }}
        >
          <DialogBody>
            <DialogTitle>Save these filters</DialogTitle>
            <DialogContent className={styles.form}>
              <Field label="Name" required>
                <Input value={name} maxLength={80} onChange={(_, data) => setName(data.value)} />
              </Field>
              <Checkbox
                label="Everybody may use them"
                checked={shared}
                onChange={(_, data) => setShared(data.checked === true)}
              />
              <Failure error={save.error} />
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" appearance="primary" disabled={name.trim() === "" || save.isPending}>
                Save
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}

interface ManageProps {
  noun: Noun;
  sets: FilterSet[];
  opensWith?: string;
  onOpenWith: (id: string | undefined) => void;
  onClose: () => void;
}

function ManageDialog({ noun, sets, opensWith, onOpenWith, onClose }: ManageProps) {
  const styles = useStyles();
  const admin = useCan("user.manage");
  const save = useSaveFilterSet(noun);
  const remove = useDeleteFilterSet(noun);
  const [editing, setEditing] = useState<{ id: string; name: string }>();
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Saved filters</DialogTitle>
          <DialogContent className={styles.form}>
            <ul className={styles.list}>
              {sets.map((set) => {
                const may = set.mine || admin;
                const name = plainText(set.name);
                return (
                  <li key={set.id} className={styles.row}>
                    {editing?.id === set.id ? (
                      <Input
                        className={styles.name}
                        aria-label={`New name of ${name}`}
                        value={editing.name}
                        maxLength={80}
                        autoFocus
                        onChange={(_, data) => setEditing({ id: set.id, name: data.value })}
                        onKeyDown={(event) => {
                          if (event.key === "Escape") {
                            event.preventDefault();
                            event.stopPropagation();
                            setEditing(undefined);
                          }
                          if (event.key === "Enter" && editing.name.trim() !== "") {
                            save.mutate({ id: set.id, name: editing.name });
                            setEditing(undefined);
                          }
                        }}
                      />
                    ) : (
                      <span className={styles.name}>
                        <Untrusted text={set.name} />
                      </span>
                    )}
                    <Checkbox
                      label="Opens first"
                      aria-label={`${name} opens first`}
                      checked={opensWith === set.id}
                      onChange={(_, data) => onOpenWith(data.checked === true ? set.id : undefined)}
                    />
                    <Checkbox
                      label="Shared"
                      aria-label={`${name} is shared`}
                      disabled={!may}
                      checked={set.shared}
                      onChange={(_, data) => save.mutate({ id: set.id, shared: data.checked === true })}
                    />
                    <Button
                      appearance="subtle"
                      icon={<EditRegular />}
                      aria-label={`Rename ${name}`}
                      disabled={!may}
                      onClick={() => setEditing({ id: set.id, name: set.name })}
                    />
                    <Button
                      appearance="subtle"
                      icon={<DeleteRegular />}
                      aria-label={`Delete ${name}`}
                      disabled={!may}
                      onClick={() => remove.mutate(set.id)}
                    />
                  </li>
                );
              })}
            </ul>
            <Failure error={save.error ?? remove.error} />
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={onClose}>
              Done
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Failure({ error }: { error: Error | null }) {
  if (!error) return null;
  return (
    <MessageBar intent="error" layout="multiline">
      <MessageBarBody>{messageOf(error)}</MessageBarBody>
    </MessageBar>
  );
}
