import { Radio, RadioGroup } from "@fluentui/react-components";
import { useMemo, useState } from "react";
import { useMoveAlerts } from "../../api/rearrange";
import type { Alert, Incident } from "../../api/types";
import { Choices } from "../../parts/Choices";
import { IncidentPicker } from "../../parts/IncidentPicker";
import { Untrusted } from "../../parts/Untrusted";
import { count } from "../../parts/words";
import { Ask } from "./ask";
import { given, offered } from "./feedback";
import type { Done } from "./Outcome";

interface Props {
  incident: Incident;
  alerts: Alert[];
  onClose: () => void;
  onDone: (done: Done) => void;
}

const named = 5;

/** Moves alerts to another incident or to a new one, and asks what was wrong about their being here. */
export function MoveDialog({ incident, alerts, onClose, onDone }: Props) {
  const move = useMoveAlerts();
  const [where, setWhere] = useState<"new" | "other">("other");
  const [other, setOther] = useState("");
  const [why, setWhy] = useState("");
  const [wrong, setWrong] = useState<string[]>([]);
  const [irrelevant, setIrrelevant] = useState<string[]>([]);
  const { reasons, entities } = useMemo(() => offered(alerts.flatMap((alert) => alert.tocsin?.links ?? [])), [alerts]);
  return (
    <Ask
      title={`Move ${count(alerts.length, "alert")}`}
      verb="Move"
      doing="Moving…"
      busy={move.isPending}
      ready={where === "new" || other !== ""}
      error={move.error}
      why={why}
      onWhy={setWhy}
      onClose={onClose}
      onSubmit={() =>
        move.mutate(
          {
            alertIds: alerts.map(({ id }) => id),
            incidentId: where === "new" ? null : other,
            alertComment: why,
            ...given(wrong, irrelevant, entities),
          },
          {
            onSuccess: ({ targetIncidentId, tocsin }) =>
              onDone({
                text: `Moved ${count(alerts.length, "alert")} to`,
                target: targetIncidentId,
                undo: tocsin.rearrangements,
              }),
          },
        )
      }
    >
      <ul>
        {alerts.slice(0, named).map((alert) => (
          <li key={alert.id}>
            <Untrusted text={alert.title} />
          </li>
        ))}
        {alerts.length > named && <li>and {alerts.length - named} more</li>}
      </ul>
      <RadioGroup
        layout="horizontal"
        aria-label="Where to"
        value={where}
        onChange={(_, data) => setWhere(data.value === "new" ? "new" : "other")}
      >
        <Radio value="other" label="To another incident" />
        <Radio value="new" label="To a new incident" />
      </RadioGroup>
      {where === "other" && (
        <IncidentPicker label="Incident" value={other} without={[incident.id]} onChange={setOther} />
      )}
      {Object.keys(reasons).length > 0 && (
        <Choices
          legend="Which reasons for being here are wrong?"
          options={reasons}
          chosen={wrong}
          onChange={setWrong}
        />
      )}
      {Object.keys(entities).length > 0 && (
        <Choices legend="What means nothing here?" options={entities} chosen={irrelevant} onChange={setIrrelevant} />
      )}
    </Ask>
  );
}
