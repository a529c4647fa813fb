import { makeStyles, tokens } from "@fluentui/react-components";
import { useId, useMemo, useState } from "react";
import { type ChainLink, type ChainSide, useSplit, useSplitPlan } from "../../api/chain";
import { Choices } from "../../parts/Choices";
import { LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { count } from "../../parts/words";
import { Ask } from "./ask";
import { given, offered } from "./feedback";
import type { Done } from "./Outcome";

const useStyles = makeStyles({
  sides: {
    display: "grid",
    gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
    gap: "12px",
    "@media (max-width: 560px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  side: { padding: "10px 12px", borderRadius: "6px", backgroundColor: own("page"), minWidth: 0 },
  list: {
    margin: "6px 0 0",
    paddingInlineStart: "18px",
    fontSize: tokens.fontSizeBase200,
    overflowWrap: "anywhere",
  },
  links: { margin: 0, paddingInlineStart: "18px", overflowWrap: "anywhere" },
});

interface Props {
  incidentId: string;
  link: ChainLink;
  onClose: () => void;
  onDone: (done: Done) => void;
}

/** Shows what cutting a link would part, and which other links must go with it, and cuts. */
export function CutDialog({ incidentId, link, onClose, onDone }: Props) {
  const styles = useStyles();
  const plan = useSplitPlan(incidentId, link);
  const split = useSplit(incidentId);
  const [why, setWhy] = useState("");
  const [wrong, setWrong] = useState<string[]>([]);
  const [irrelevant, setIrrelevant] = useState<string[]>([]);
  const { reasons, entities } = useMemo(() => offered(plan.data?.cut ?? []), [plan.data]);
  const others = plan.data?.cut.slice(1, 1 + mostNamed) ?? [];
  const unnamed = (plan.data?.cutCount ?? 1) - 1 - others.length;
  return (
    <Ask
      title="Cut this link"
      verb="Cut and split"
      doing="Splitting…"
      busy={split.isPending}
      ready={plan.data !== undefined}
      error={split.error ?? plan.error}
      why={why}
      onWhy={setWhy}
      onClose={onClose}
      onSubmit={() =>
        split.mutate(
          {
            fromAlertId: link.from.id,
            toAlertId: link.to.id,
            version: plan.data?.version ?? 0,
            comment: why,
            ...given(wrong, irrelevant, entities),
          },
          {
            onSuccess: (done) =>
              onDone({
                text: `Split off ${count(plan.data?.go.count ?? 0, "alert")} into`,
                target: done.targetIncidentId,
                undo: done.tocsin.rearrangements,
              }),
            // What was shown is no longer what would happen.
            onError: () => void plan.refetch(),
          },
        )
      }
    >
      <p>
        <Untrusted text={link.sentence} />
      </p>
      {plan.isPending && <LoadingLines rows={3} height={20} label="Looking at what would be split" />}
      {plan.data && (
        <>
          {others.length > 0 && (
            <div>
              <p>
                {count(others.length + unnamed, "other link holds", "other links hold")} the same alerts together and{" "}
                {others.length + unnamed === 1 ? "is" : "are"} cut with it:
              </p>
              <ul className={styles.links}>
                {others.map((other) => (
                  <li key={other.from.id + other.to.id}>
                    <Untrusted text={other.sentence} />
                  </li>
                ))}
                {unnamed > 0 && <li>and {unnamed} more</li>}
              </ul>
            </div>
          )}
          <div className={styles.sides}>
            <Side heading="Stay here" side={plan.data.stay} />
            <Side heading="Become a new incident" name={plan.data.newName} side={plan.data.go} />
          </div>
          <Choices legend="Which reasons are wrong?" options={reasons} chosen={wrong} onChange={setWrong} />
          {Object.keys(entities).length > 0 && (
            <Choices
              legend="What means nothing here?"
              options={entities}
              chosen={irrelevant}
              onChange={setIrrelevant}
            />
          )}
        </>
      )}
    </Ask>
  );
}

const mostNamed = 6;

function Side({ heading, name, side }: { heading: string; name?: string; side: ChainSide }) {
  const styles = useStyles();
  const surface = useSurface();
  const id = useId();
  const named = side.alerts.slice(0, mostNamed);
  return (
    <section className={styles.side} aria-labelledby={id}>
      <h3 className={surface.heading} id={id}>
        {heading}: {count(side.count, "alert")}
      </h3>
      {name && (
        <div className={surface.muted}>
          <Untrusted text={name} />
        </div>
      )}
      <ul className={styles.list}>
        {named.map((alert) => (
          <li key={alert.id}>
            <Untrusted text={alert.title} />
          </li>
        ))}
        {side.count > named.length && <li>and {(side.count - named.length).toLocaleString()} more</li>}
      </ul>
    </section>
  );
}
