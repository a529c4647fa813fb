import { Button, makeStyles, mergeClasses, Spinner, tokens } from "@fluentui/react-components";
import { type ComponentType, useState } from "react";
import { Link } from "react-router";
import type { Activity } from "../api/types";
import { differences, headline } from "./differences";
import { BotRegular, FlowRegular, PersonRegular, PlugConnectedRegular } from "./icons";
import { Pane } from "./Pane";
import { useSurface } from "./surface";
import { Untrusted } from "./Untrusted";
import { When } from "./When";
import { activityWord, recordCategories, spellOut } from "./words";

const useStyles = makeStyles({
  item: {
    display: "grid",
    gridTemplateColumns: "32px minmax(0, 1fr) auto",
    gap: "4px 12px",
    padding: "12px 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
    "@media (max-width: 720px)": { gridTemplateColumns: "32px minmax(0, 1fr)" },
  },
  chosen: { backgroundColor: tokens.colorSubtleBackgroundSelected },
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
  open: {
    display: "block",
    width: "fit-content",
    maxWidth: "100%",
    padding: 0,
    border: "none",
    font: "inherit",
    textAlign: "start",
    color: "inherit",
    backgroundColor: "transparent",
    cursor: "pointer",
    borderRadius: "2px",
    ":hover": { textDecorationLine: "underline" },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "2px" },
  },
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
  sides: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    gap: "12px",
    "@media (max-width: 720px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  value: {
    margin: 0,
    padding: "8px 10px",
    minHeight: "20px",
    maxHeight: "320px",
    overflow: "auto",
    whiteSpace: "pre-wrap",
    borderRadius: "4px",
    backgroundColor: tokens.colorNeutralBackground3,
  },
});

const actorIcons: Record<string, ComponentType> = {
  user: PersonRegular,
  engine: BotRegular,
  rule: FlowRegular,
  integration: PlugConnectedRegular,
};

const actorWords: Record<string, string> = {
  user: "A person",
  engine: "Tocsin by itself",
  rule: "A rule",
  integration: "A connected program",
};

const outcomes = { completed: "Done", failed: "Refused", reverted: "Took something back" };

interface Props {
  entries: Activity[];
  /** The incident whose log it is, for links to its alerts. */
  incident?: string;
  more?: { loading: boolean; load: () => void };
}

/** Entries of the record, each with all that it holds in a pane. */
export function RecordEntries({ entries, incident, more }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const [chosen, setChosen] = useState<number>();
  const entry = entries.find(({ seq }) => seq === chosen);
  return (
    <>
      <ol className={surface.card}>
        {entries.map((activity) => (
          <Entry
            key={activity.seq}
            activity={activity}
            incident={incident}
            chosen={activity.seq === chosen}
            open={() => setChosen(activity.seq)}
          />
        ))}
        {more && (
          <li className={styles.more}>
            {more.loading ? (
              <Spinner size="tiny" label="Loading more" />
            ) : (
              <Button appearance="subtle" onClick={more.load}>
                Load older entries
              </Button>
            )}
          </li>
        )}
      </ol>
      <Pane
        open={entry !== undefined}
        onClose={() => setChosen(undefined)}
        title={entry ? activityWord(entry.kind) : ""}
        label="Entry"
        wide
      >
        {entry && <Details entry={entry} />}
      </Pane>
    </>
  );
}

interface EntryProps {
  activity: Activity;
  incident?: string;
  chosen: boolean;
  open: () => void;
}

function Entry({ activity, incident, chosen, open }: EntryProps) {
  const styles = useStyles();
  const surface = useSurface();
  const Icon = actorIcons[activity.actor.kind] ?? BotRegular;
  const changes = differences(activity.before, activity.after);
  const name = activity.actor.kind === "engine" ? "Tocsin" : activity.actor.name;
  const about = incident ?? (activity.noun === "incident" ? activity.id : undefined);
  return (
    <li className={mergeClasses(styles.item, chosen && styles.chosen)}>
      <span
        className={mergeClasses(styles.icon, activity.actor.kind === "user" && styles.person)}
        title={actorWords[activity.actor.kind]}
      >
        <Icon />
      </span>
      <div>
        <button type="button" className={styles.open} onClick={open} title="Show everything about this entry">
          <Untrusted text={headline(activity, changes)} />
        </button>
        <div className={surface.muted}>
          <Untrusted text={name} />
          {activity.origin ? ` · from incident ${activity.origin}, merged into this one` : ""}
        </div>
      </div>
      <span className={mergeClasses(styles.when, surface.muted)}>
        <When at={activity.at} />
      </span>
      {(changes.length > 0 || activity.comment || (activity.alertId && about)) && (
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
          {activity.alertId && about && (
            <Link
              className={styles.link}
              to={`/incidents/${about}/alerts?alert=${encodeURIComponent(activity.alertId)}`}
            >
              Show the alert
            </Link>
          )}
        </div>
      )}
    </li>
  );
}

function Details({ entry }: { entry: Activity }) {
  const styles = useStyles();
  const surface = useSurface();
  const facts: [string, string][] = [
    ["What happened", entry.summary],
    ["By", `${entry.actor.name} (${actorWords[entry.actor.kind] ?? entry.actor.kind})`],
    ["Came from", entry.provider],
    ["Outcome", outcomes[entry.status] ?? entry.status],
    ["About", recordCategories[entry.category] ?? spellOut(entry.category)],
    ["Kind", entry.kind],
    ["What was changed", `${spellOut(entry.targetType)} ${entry.target}`],
    [
      "Written in",
      entry.origin ? `the log of incident ${entry.origin}, since merged` : `${spellOut(entry.noun)} ${entry.id}`,
    ],
    ["Version after it", entry.version ? String(entry.version) : "–"],
  ];
  return (
    <>
      <dl className={surface.facts}>
        <dt>When</dt>
        <dd>
          <When at={entry.at} exact />
        </dd>
        {facts.map(([name, value]) => (
          <FactRow key={name} name={name} value={value} />
        ))}
      </dl>
      <div className={styles.sides} style={{ marginTop: 20 }}>
        <Side title="Before" value={entry.before} />
        <Side title="After" value={entry.after} />
      </div>
      <section style={{ marginTop: 20 }}>
        <h3 className={surface.heading}>Place in the record</h3>
        <dl className={surface.facts} style={{ marginTop: 8 }}>
          <dt>Number</dt>
          <dd>{entry.seq}</dd>
          <dt>Hash</dt>
          <dd className={surface.mono}>{entry.hash}</dd>
          <dt>Hash of the entry before</dt>
          <dd className={surface.mono}>{entry.prev || "none, it is the first"}</dd>
        </dl>
      </section>
    </>
  );
}

function FactRow({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <Untrusted text={value} />
      </dd>
    </>
  );
}

function Side({ title, value }: { title: string; value: unknown }) {
  const styles = useStyles();
  const surface = useSurface();
  const text = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <section>
      <h3 className={surface.heading}>{title}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <pre className={mergeClasses(styles.value, surface.mono)} tabIndex={0}>
        {text ? <Untrusted text={text} lines /> : <span className={surface.muted}>nothing</span>}
      </pre>
    </section>
  );
}
