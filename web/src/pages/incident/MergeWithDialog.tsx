import { useState } from "react";
import { useMergeIncidents } from "../../api/rearrange";
import type { Incident } from "../../api/types";
import { Choices } from "../../parts/Choices";
import { IncidentPicker } from "../../parts/IncidentPicker";
import { mergeReasons } from "../../parts/words";
import { Ask } from "./ask";
import type { Done } from "./Outcome";

interface Props {
  incident: Incident;
  onClose: () => void;
  onDone: (done: Done) => void;
}

/** Merges this incident with another one. Which of them stays is the server's choice. */
export function MergeWithDialog({ incident, onClose, onDone }: Props) {
  const merge = useMergeIncidents();
  const [other, setOther] = useState("");
  const [why, setWhy] = useState("");
  const [reasons, setReasons] = useState<string[]>([]);
  return (
    <Ask
      title={`Merge incident ${incident.id} with another`}
      verb="Merge"
      doing="Merging…"
      busy={merge.isPending}
      ready={other !== ""}
      error={merge.error}
      why={why}
      onWhy={setWhy}
      onClose={onClose}
      onSubmit={() =>
        merge.mutate(
          { incidentIds: [incident.id, other], incidentComment: why, mergeReasons: reasons },
          {
            onSuccess: ({ targetIncidentId, tocsin }) =>
              onDone({
                text: `Merged incident ${targetIncidentId === incident.id ? other : incident.id} into`,
                target: targetIncidentId,
                undo: tocsin.rearrangements,
              }),
          },
        )
      }
    >
      <IncidentPicker label="Other incident" value={other} without={[incident.id]} onChange={setOther} />
      <p>
        Alerts, comments and tags move into one of them: the one with an owner, else the one with most alerts. The other
        leads there. You can undo it.
      </p>
      <Choices legend="What they have in common" options={mergeReasons} chosen={reasons} onChange={setReasons} />
    </Ask>
  );
}
