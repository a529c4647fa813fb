import { Button, MessageBar, MessageBarBody, makeStyles, tokens } from "@fluentui/react-components";
import { Link } from "react-router";
import { useRearrangements, useUndo } from "../../api/rearrange";
import { useCan } from "../../api/session";
import { messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { count } from "../../parts/words";

const useStyles = makeStyles({
  list: { listStyle: "none", margin: 0, padding: 0 },
  item: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 12px",
    padding: "10px 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
  },
  text: { flex: "1 1 280px", minWidth: 0 },
  note: { fontSize: tokens.fontSizeBase200, color: tokens.colorNeutralForeground3 },
  head: { margin: "0 0 8px" },
  card: { marginBottom: "16px" },
});

/** Merges, moves and splits into and out of the incident, each of which can be undone. */
export function Rearrangements({ id }: { id: string }) {
  const styles = useStyles();
  const surface = useSurface();
  const list = useRearrangements(id).data ?? [];
  const undo = useUndo();
  const mayWrite = useCan("incident.write");
  if (list.length === 0) return null;
  return (
    <section aria-labelledby="rearranged">
      <h2 id="rearranged" className={`${surface.heading} ${styles.head}`}>
        Merged, moved and split
      </h2>
      {undo.error && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(undo.error)}</MessageBarBody>
        </MessageBar>
      )}
      <div className={`${surface.card} ${styles.card}`}>
        <ul className={styles.list}>
          {list.map((r) => {
            const here = String(r.toIncidentId) === id;
            const other = here ? r.fromIncidentId : r.toIncidentId;
            return (
              <li key={r.id} className={styles.item}>
                <span className={styles.text}>
                  {r.kind === "merge"
                    ? here
                      ? "Incident "
                      : "Merged into incident "
                    : `${count(r.alerts, "alert")} ${r.kind === "split" ? "split off" : "moved"} ${here ? "here from" : "to"} incident `}
                  <Link to={`/incidents/${other}`}>{other}</Link>
                  {r.kind === "merge" && here && (
                    <>
                      {" "}
                      (<Untrusted text={r.fromName} />) was merged into this one, with {count(r.alerts, "alert")}
                    </>
                  )}
                  <span className={styles.note}>
                    {" "}
                    by {r.actor.name}, <When at={r.at} />
                    {r.why && (
                      <>
                        : <Untrusted text={r.why} />
                      </>
                    )}
                  </span>
                </span>
                {r.undone ? (
                  <span className={styles.note}>
                    undone <When at={r.undone} />
                  </span>
                ) : (
                  mayWrite && (
                    <Button size="small" disabled={undo.isPending} onClick={() => undo.mutate([r.id])}>
                      Undo
                    </Button>
                  )
                )}
              </li>
            );
          })}
        </ul>
      </div>
    </section>
  );
}
