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
import { useState } from "react";
import { useMergeIncidents } from "../../api/rearrange";
import type { Incident } from "../../api/types";
import { Choices } from "../../parts/Choices";
import { messageOf } from "../../parts/states";
import { Untrusted } from "../../parts/Untrusted";
import { mergeReasons } from "../../parts/words";

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px" },
  list: { margin: 0, paddingInlineStart: "20px" },
});

interface Props {
  ids: string[];
  known: Incident[];
  onClose: () => void;
  onMerged: (target: string, rearrangements: number[]) => void;
}

/** Asks why incidents are one story, and merges them. Which of them stays is the server's choice. */
export function MergeDialog({ ids, known, onClose, onMerged }: Props) {
  const styles = useStyles();
  const merge = useMergeIncidents();
  const [comment, setComment] = useState("");
  const [reasons, setReasons] = useState<string[]>([]);
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            merge.mutate(
              { incidentIds: ids, incidentComment: comment, mergeReasons: reasons },
              { onSuccess: (done) => onMerged(done.targetIncidentId, done.tocsin.rearrangements) },
            );
          }}
        >
          <DialogBody>
            <DialogTitle>Merge {ids.length} incidents</DialogTitle>
            <DialogContent className={styles.form}>
              <ul className={styles.list}>
                {ids.map((id) => (
                  <li key={id}>
                    {id} <Untrusted text={known.find((incident) => incident.id === id)?.displayName ?? ""} />
                  </li>
                ))}
              </ul>
              <p>
                Alerts, comments and tags move into one of them: the one with an owner, else the one with most alerts.
                The others lead there. You can undo it.
              </p>
              <Field label="Why are they one story?">
                <Textarea value={comment} maxLength={2000} autoFocus onChange={(_, data) => setComment(data.value)} />
              </Field>
              <Choices
                legend="What they have in common"
                options={mergeReasons}
                chosen={reasons}
                onChange={setReasons}
              />
              {merge.error && (
                <MessageBar intent="error" layout="multiline">
                  <MessageBarBody>{messageOf(merge.error)}</MessageBarBody>
                </MessageBar>
              )}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>Cancel</Button>
              <Button appearance="primary" type="submit" disabled={merge.isPending}>
                {merge.isPending ? "Merging…" : "Merge"}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
