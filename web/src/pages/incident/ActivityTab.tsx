import { Button, makeStyles, mergeClasses, Select, Spinner, tokens } from "@fluentui/react-components";
import { type ComponentType, useMemo, useState } from "react";
import { Link } from "react-router";
import { useActivities } from "../../api/incidents";
import type { Activity, Incident } from "../../api/types";
import { BotRegular, FlowRegular, HistoryRegular, PersonRegular, PlugConnectedRegular } from "../../parts/icons";
import { EmptyState, ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { activityWord, count } from "../../parts/words";
import { differences, headline } from "./differences";
import { Rearrangements } from "./Rearrangements";

const useStyles = makeStyles({
  bar: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px 12px", marginBottom: "12px" },
  item: {
    display: "grid",
    gridTemplateColumns: "32px minmax(0, 1fr) auto",
    gap: "4px 12px",
    padding: "12px 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
    "@media (max-width: 720px)": { gridTemplateColumns: "32px minmax(0, 1fr)" },
  },
  icon: {
    display: "grid",
    placeItems: "center",
    width: "32px",
    height: "32px",
    borderRadius: "50%",
    fontSize: "18px",
    color: tokens.colorNeutralForeground2,
    backgroundColor: tokens.colorNeutralBackground4,
  },
  person: { color: tokens.colorBrandForeground1, backgroundColor: tokens.colorBrandBackground2 },
  when: {
    fontSize: tokens.fontSizeBase200,
    whiteSpace: "nowrap",
    "@media (max-width: 720px)": { gridColumn: 2 },
  },
  rest: { gridColumn: "2 / -1", display: "grid", gap: "4px", fontSize: tokens.fontSizeBase200 },
  change: { display: "flex", flexWrap: "wrap", alignItems: "baseline", gap: "2px 6px" },
  before: { textDecorationLine: "line-through", color: tokens.colorNeutralForeground3 },
  quote: {
    padding: "8px 12px",
    borderLeft: `3px solid ${tokens.colorNeutralStroke1}`,
    fontSize: tokens.fontSizeBase300,
  },
  link: { color: tokens.colorBrandForegroundLink, textDecoration: "none", ":hover": { textDecoration: "underline" } },
  more: { padding: "12px", textAlign: "center" },
});

const actorIcons: Record<string, ComponentType> = {
  user: PersonRegular,
  engine: BotRegular,
  rule: FlowRegular,
  integration: PlugConnectedRegular,
};

const actorWords: Record<string, string> = {
  user: "People",
  engine: "Tocsin",
  rule: "Rules",
  integration: "Connected programs",
};

/** Everything that people and the system did to the incident, newest first. */
export function ActivityTab({ incident }: { incident: Incident }) {
  const styles = useStyles();
  const surface = useSurface();
  const { data, isPending, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useActivities(
    incident.id,
  );
  const [actor, setActor] = useState("");
  const [kind, setKind] = useState("");
  const all = useMemo(() => (data?.pages.flatMap((page) => page.value) ?? []).toReversed(), [data]);
  if (isPending) return <LoadingLines rows={6} height={32} label="Loading the activity log" />;
  if (error && all.length === 0) return <ErrorState error={error} retry={() => void refetch()} />;
  const kinds = [...new Set(all.map((activity) => activity.kind))].sort((a, b) =>
    activityWord(a).localeCompare(activityWord(b)),
  );
  const actors = [...new Set(all.map((activity) => activity.actor.kind))];
  const shown = all.filter((a) => (!actor || a.actor.kind === actor) && (!kind || a.kind === kind));
  return (
    <>
      <Rearrangements id={incident.id} />
      <div className={styles.bar}>
        <Select aria-label="Who did it" value={actor} onChange={(_, choice) => setActor(choice.value)}>
          <option value="">By anybody</option>
          {actors.map((each) => (
            <option key={each} value={each}>
              {actorWords[each] ?? each}
            </option>
          ))}
        </Select>
        <Select aria-label="What was done" value={kind} onChange={(_, choice) => setKind(choice.value)}>
          <option value="">Anything</option>
          {kinds.map((each) => (
            <option key={each} value={each}>
              {activityWord(each)}
            </option>
          ))}
        </Select>
        <span className={surface.muted} role="status">
          {count(shown.length, "entry", "entries")}
        </span>
      </div>
      {shown.length === 0 ? (
        <EmptyState icon={HistoryRegular} title={all.length === 0 ? "Nothing has happened yet" : "No entries match"} />
      ) : (
        <ol className={surface.card}>
          {shown.map((activity) => (
            <Entry key={activity.seq} activity={activity} incidentId={incident.id} />
          ))}
          {hasNextPage && (
            <li className={styles.more}>
              {isFetchingNextPage ? (
                <Spinner size="tiny" label="Loading more" />
              ) : (
                <Button appearance="subtle" onClick={() => void fetchNextPage()}>
                  Load newer entries
                </Button>
              )}
            </li>
          )}
        </ol>
      )}
    </>
  );
}

function Entry({ activity, incidentId }: { activity: Activity; incidentId: string }) {
  const styles = useStyles();
  const surface = useSurface();
  const Icon = actorIcons[activity.actor.kind] ?? BotRegular;
  const changes = differences(activity.before, activity.after);
  const name = activity.actor.kind === "engine" ? "Tocsin" : activity.actor.name;
  return (
    <li className={styles.item}>
      <span
        className={mergeClasses(styles.icon, activity.actor.kind === "user" && styles.person)}
        title={actorWords[activity.actor.kind]}
      >
        <Icon />
      </span>
      <div>
        <Untrusted text={headline(activity, changes)} />
        <div className={surface.muted}>
          <Untrusted text={name} />
        </div>
      </div>
      <span className={mergeClasses(styles.when, surface.muted)}>
        <When at={activity.at} />
      </span>
      {(changes.length > 0 || activity.comment || activity.alertId) && (
        <div className={styles.rest}>
          {changes.map(({ field, before, after }) => (
            <div key={field} className={styles.change}>
              {field && <span className={surface.muted}>{field}:</span>}
              {before && (
                <span className={styles.before}>
                  <Untrusted text={before} />
                </span>
              )}
              {before && after && <span aria-hidden="true">→</span>}
              {after && <Untrusted text={after} />}
            </div>
          ))}
          {activity.comment && (
            <blockquote className={styles.quote}>
              <Untrusted text={activity.comment} lines />
            </blockquote>
          )}
          {activity.alertId && (
            <Link
              className={styles.link}
              to={`/incidents/${incidentId}/alerts?alert=${encodeURIComponent(activity.alertId)}`}
            >
              Show the alert
            </Link>
          )}
        </div>
      )}
    </li>
  );
}
