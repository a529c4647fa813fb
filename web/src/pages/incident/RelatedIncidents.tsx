import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useState } from "react";
import { Link } from "react-router";
import { type RelatedIncident, useRelate, useRelated, useUnrelate } from "../../api/related";
import { useCan } from "../../api/session";
import type { Incident } from "../../api/types";
import { SeverityBadge, StatusLabel } from "../../parts/badges";
import { IncidentPicker } from "../../parts/IncidentPicker";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { Ask } from "./ask";

const useStyles = makeStyles({
  head: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px 12px", marginBottom: "8px" },
  grow: { flex: "1 1 180px", minWidth: 0, overflowWrap: "anywhere" },
  list: { listStyle: "none", margin: 0, padding: 0 },
  none: { padding: "12px 16px" },
  item: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "flex-start",
    gap: "8px 12px",
    padding: "12px 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
  },
  text: { display: "grid", gap: "4px", flex: "1 1 260px", minWidth: 0, overflowWrap: "anywhere" },
  facts: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 12px" },
  name: {
    color: "inherit",
    fontWeight: tokens.fontWeightSemibold,
    textDecoration: "none",
    ":hover": { textDecoration: "underline" },
  },
});

/** Incidents that have to do with this one and stay apart: said by people, or seen by correlation. */
export function RelatedIncidents({ incident }: { incident: Incident }) {
  const styles = useStyles();
  const surface = useSurface();
  const related = useRelated(incident.id);
  const remove = useUnrelate(incident.id);
  const [asking, setAsking] = useState(false);
  const may = useCan("incident.write") && incident.status !== "redirected";
  return (
    <section aria-labelledby="related">
      <div className={styles.head}>
        <h2 id="related" className={mergeClasses(surface.heading, styles.grow)}>
          Related incidents
        </h2>
        {may && (
          <Button size="small" onClick={() => setAsking(true)}>
            Relate an incident
          </Button>
        )}
      </div>
      {related.isPending ? (
        <LoadingLines rows={2} height={48} label="Loading related incidents" />
      ) : related.data === undefined ? (
        <ErrorState error={related.error} retry={() => void related.refetch()} />
      ) : related.data.length === 0 ? (
        <p className={mergeClasses(surface.card, styles.none)}>
          No other incident is known to have to do with this one.
        </p>
      ) : (
        <ul className={mergeClasses(surface.card, styles.list)}>
          {related.data.map((other) => (
            <Item
              key={other.id}
              other={other}
              onRemove={may ? () => remove.mutate(other.id) : undefined}
              busy={remove.isPending}
            />
          ))}
        </ul>
      )}
      {remove.error && <p role="alert">{messageOf(remove.error)}</p>}
      {asking && <RelateDialog incident={incident} onClose={() => setAsking(false)} />}
    </section>
  );
}

function Item({ other, onRemove, busy }: { other: RelatedIncident; onRemove?: () => void; busy: boolean }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <li className={styles.item}>
      <div className={styles.text}>
        <Link className={styles.name} to={`/incidents/${other.id}`}>
          {other.id} <Untrusted text={other.displayName} />
        </Link>
        <span className={styles.facts}>
          <SeverityBadge severity={other.severity} />
          <StatusLabel status={other.status} />
        </span>
        {other.basis === "people" ? (
          <>
            <Untrusted text={other.reason} />
            <span className={surface.muted}>
              Said by {other.by.name}, <When at={other.at} />
            </span>
          </>
        ) : (
          <>
            {other.sentence && <Untrusted text={other.sentence} />}
            <span className={surface.muted}>
              Seen by correlation, <When at={other.at} />. Why they are apart: <Untrusted text={other.reason} />.
            </span>
          </>
        )}
      </div>
      {onRemove && (
        <Button
          size="small"
          disabledFocusable={busy}
          aria-label={`Remove the relation to incident ${other.id}`}
          onClick={onRemove}
        >
          Remove
        </Button>
      )}
    </li>
  );
}

function RelateDialog({ incident, onClose }: { incident: Incident; onClose: () => void }) {
  const relate = useRelate(incident.id);
  const [other, setOther] = useState("");
  const [why, setWhy] = useState("");
  return (
    <Ask
      title={`Relate incident ${incident.id} to another`}
      verb="Relate"
      doing="Relating…"
      busy={relate.isPending}
      ready={other !== "" && why.trim() !== ""}
      error={relate.error}
      why={why}
      onWhy={setWhy}
      onClose={onClose}
      onSubmit={() => relate.mutate({ incidentId: other, reason: why }, { onSuccess: onClose })}
    >
      <IncidentPicker label="Other incident" value={other} without={[incident.id]} onChange={setOther} />
      <p>Both incidents stay as they are, and each shows the other with your reason.</p>
    </Ask>
  );
}
