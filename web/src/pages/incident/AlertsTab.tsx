import { Button, Checkbox, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useCan } from "../../api/session";
import type { Alert, AlertLink, Evidence, Incident } from "../../api/types";
import { entityIcon } from "../../parts/assetIcons";
import { Chips, SeverityBadge, StatusLabel, severityColor } from "../../parts/badges";
import { bestNames, collectEntities, inOrderOfInterest, typeWord } from "../../parts/entities";
import { plainText } from "../../parts/hidden";
import { ArrowRightRegular, ShieldRegular } from "../../parts/icons";
import { EmptyState } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { absoluteTime, clockTime, dayName, parseTime } from "../../parts/when";
import { categoryWord, count, reasonWord, sourceWord } from "../../parts/words";
import { AlertPane } from "./AlertPane";
import { MoveDialog } from "./MoveDialog";
import type { Done } from "./Outcome";

const useStyles = makeStyles({
  day: {
    padding: "4px 0 8px 92px",
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2,
    "@media (max-width: 720px)": { paddingInlineStart: "20px" },
  },
  item: {
    position: "relative",
    display: "grid",
    gridTemplateColumns: "60px 20px minmax(0, 1fr)",
    columnGap: "6px",
    paddingBottom: "12px",
    "@media (max-width: 720px)": { gridTemplateColumns: "14px minmax(0, 1fr)" },
  },
  clock: {
    paddingTop: "15px",
    textAlign: "end",
    fontSize: tokens.fontSizeBase200,
    fontVariantNumeric: "tabular-nums",
    color: tokens.colorNeutralForeground3,
    "@media (max-width: 720px)": { display: "none" },
  },
  rail: {
    position: "relative",
    "::before": {
      content: '""',
      position: "absolute",
      left: "9px",
      top: 0,
      bottom: "-12px",
      width: "2px",
      backgroundColor: tokens.colorNeutralStroke2,
      "@media (max-width: 720px)": { left: "4px" },
    },
  },
  dot: {
    position: "absolute",
    left: "4px",
    top: "18px",
    width: "12px",
    height: "12px",
    borderRadius: "50%",
    border: `2px solid ${own("page")}`,
    "@media (max-width: 720px)": { left: "-1px" },
  },
  card: {
    position: "relative",
    display: "grid",
    gap: "10px",
    padding: "12px 16px 14px",
    ":hover": { border: `1px solid ${tokens.colorNeutralStroke1Hover}` },
  },
  open: { border: `1px solid ${tokens.colorBrandStroke1}`, boxShadow: `inset 3px 0 0 ${tokens.colorBrandStroke1}` },
  head: { display: "flex", flexWrap: "wrap", alignItems: "baseline", gap: "4px 12px" },
  title: {
    flexGrow: 1,
    minWidth: "min(240px, 100%)",
    padding: 0,
    border: "none",
    background: "none",
    font: "inherit",
    fontWeight: tokens.fontWeightSemibold,
    color: "inherit",
    textAlign: "start",
    cursor: "pointer",
    // The whole card is the button, and text on it can still be read out as usual.
    "::after": { content: '""', position: "absolute", inset: 0, borderRadius: "8px" },
    ":hover": { color: tokens.colorBrandForegroundLink },
    ":focus-visible": { outline: "none" },
    ":focus-visible::after": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
  line: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "6px 14px",
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
  },
  entities: { display: "flex", flexWrap: "wrap", gap: "6px" },
  entity: {
    display: "inline-flex",
    alignItems: "center",
    gap: "5px",
    maxWidth: "280px",
    height: "24px",
    paddingInline: "7px 9px",
    borderRadius: "12px",
    fontSize: tokens.fontSizeBase200,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    "& svg": { flexShrink: 0, fontSize: "14px", color: tokens.colorNeutralForeground3 },
    "& bdi": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  },
  why: {
    display: "grid",
    gap: "6px",
    padding: "9px 12px",
    borderRadius: "6px",
    fontSize: tokens.fontSizeBase200,
    backgroundColor: own("page"),
  },
  link: { color: tokens.colorBrandForegroundLink, textDecoration: "none", ":hover": { textDecoration: "underline" } },
  // Above the button that the whole card is.
  ask: { position: "relative", zIndex: 1, justifySelf: "start" },
  pick: { position: "relative", zIndex: 1, margin: "-6px -8px -6px -8px", alignSelf: "center" },
  bar: {
    position: "sticky",
    top: "8px",
    zIndex: 2,
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "8px 12px",
    marginBottom: "12px",
    padding: "8px 16px",
    boxShadow: tokens.shadow8,
  },
  whyHead: { fontWeight: tokens.fontWeightSemibold, color: tokens.colorNeutralForeground2 },
});

interface Props {
  incident: Incident;
  alerts: Alert[];
  onDone: (done: Done) => void;
}

/** The incident's alerts in the order in which things happened, each with the reason why it belongs here. */
export function AlertsTab({ incident, alerts, onDone }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const [params, setParams] = useSearchParams();
  const openId = params.get("alert") ?? undefined;
  const nameOf = useMemo(() => bestNames(alerts), [alerts]);
  const open = alerts.find(({ id }) => id === openId);
  const mayMove = useCan("alert.write") && incident.status !== "redirected";
  const [picked, setPicked] = useState<string[]>([]);
  const [moving, setMoving] = useState(false);
  const chosen = alerts.filter(({ id }) => picked.includes(id));
  const show = (id: string | undefined) => setParams(id ? { alert: id } : {}, { replace: true });
  if (alerts.length === 0) {
    return (
      <EmptyState icon={ShieldRegular} title="No alerts">
        {incident.redirectIncidentId
          ? "They moved to the incident that this one was merged into."
          : "This incident has no alerts."}
      </EmptyState>
    );
  }
  return (
    <>
      {chosen.length > 0 && (
        <div className={mergeClasses(surface.card, styles.bar)} role="toolbar" aria-label="What to do with the alerts">
          <span role="status">{count(chosen.length, "alert")} selected</span>
          <Button icon={<ArrowRightRegular />} disabled={chosen.length > mostMoved} onClick={() => setMoving(true)}>
            Move…
          </Button>
          <Button appearance="subtle" onClick={() => setPicked([])}>
            Clear
          </Button>
          {chosen.length > mostMoved && <span>At most {mostMoved.toLocaleString()} can be moved at once.</span>}
        </div>
      )}
      {moving && (
        <MoveDialog
          incident={incident}
          alerts={chosen}
          onClose={() => setMoving(false)}
          onDone={(done) => {
            setMoving(false);
            setPicked([]);
            onDone(done);
          }}
        />
      )}
      <AlertList
        alerts={alerts}
        row={(alert, at, ms) => (
          <AlertCard
            alert={alert}
            nameOf={nameOf}
            first={at === 0}
            open={alert.id === openId}
            at={ms}
            onShow={() => show(alert.id)}
            picked={picked.includes(alert.id)}
            onPick={
              mayMove
                ? (yes) => setPicked(yes ? [...picked, alert.id] : picked.filter((each) => each !== alert.id))
                : undefined
            }
          />
        )}
      />
      {open && (
        <AlertPane
          alert={open}
          previous={alerts[alerts.indexOf(open) - 1]?.id}
          next={alerts[alerts.indexOf(open) + 1]?.id}
          onShow={show}
        />
      )}
    </>
  );
}

const mostMoved = 1000;
const shownEntities = 6;

// A list of up to this many stands on the page as a whole, so that the browser's own search finds all of it.
const wholeList = 200;

interface ListProps {
  alerts: Alert[];
  row: (alert: Alert, at: number, ms: number) => ReactNode;
}

function AlertList({ alerts, row }: ListProps) {
  const styles = useStyles();
  const list = useRef<HTMLOListElement>(null);
  const [top, setTop] = useState(0);
  const days = useMemo(() => alerts.map((alert) => dayName(timeOf(alert))), [alerts]);
  const few = alerts.length <= wholeList;
  const virtual = useVirtualizer({
    count: few ? 0 : alerts.length,
    getScrollElement: () => document.getElementById("main"),
    estimateSize: () => 170,
    getItemKey: (at) => alerts[at]?.id ?? at,
    overscan: 6,
    scrollMargin: top,
  });
  useLayoutEffect(() => {
    const main = document.getElementById("main");
    if (!few && main && list.current)
      setTop(list.current.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop);
  }, [few]);
  const item = (alert: Alert, at: number) => {
    const ms = timeOf(alert);
    return (
      <>
        {days[at] !== days[at - 1] && <h2 className={styles.day}>{days[at]}</h2>}
        <div className={styles.item}>
          <time className={styles.clock} dateTime={new Date(ms).toISOString()} title={absoluteTime(ms)}>
            {clockTime(ms)}
          </time>
          <span className={styles.rail}>
            <span className={styles.dot} style={{ backgroundColor: severityColor(alert.severity) }} />
          </span>
          {row(alert, at, ms)}
        </div>
      </>
    );
  };
  if (few) {
    return (
      <ol aria-label="Alerts in order of time">
        {alerts.map((alert, at) => (
          <li key={alert.id}>{item(alert, at)}</li>
        ))}
      </ol>
    );
  }
  return (
    <ol
      ref={list}
      aria-label="Alerts in order of time"
      style={{ position: "relative", height: `${virtual.getTotalSize()}px` }}
    >
      {virtual.getVirtualItems().map(({ index, key, start }) => {
        const alert = alerts[index];
        return (
          alert && (
            <li
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              aria-setsize={alerts.length}
              aria-posinset={index + 1}
              style={{ position: "absolute", insetInline: 0, transform: `translateY(${start - top}px)` }}
            >
              {item(alert, index)}
            </li>
          )
        );
      })}
    </ol>
  );
}

const timeOf = (alert: Alert) => parseTime(alert.firstActivityDateTime) ?? Date.parse(alert.createdDateTime);

interface CardProps {
  alert: Alert;
  nameOf: (e: Evidence) => string;
  first: boolean;
  open: boolean;
  at: number;
  onShow: () => void;
  picked: boolean;
  /** Missing for who may not move alerts. */
  onPick?: (yes: boolean) => void;
}

function AlertCard({ alert, nameOf, first, open, at, onShow, picked, onPick }: CardProps) {
  const styles = useStyles();
  const surface = useSurface();
  const entities = inOrderOfInterest(collectEntities([alert])).map((row) => ({ ...row, name: nameOf(row.evidence) }));
  const rest = entities.slice(shownEntities);
  const times = alert.tocsin?.count ?? 1;
  return (
    <article className={mergeClasses(surface.card, styles.card, open && styles.open)}>
      <div className={styles.head}>
        {onPick && (
          <Checkbox
            className={styles.pick}
            checked={picked}
            aria-label={`Select ${plainText(alert.title)}`}
            onChange={(_, data) => onPick(data.checked === true)}
          />
        )}
        <button type="button" className={styles.title} aria-expanded={open} onClick={onShow}>
          <Untrusted text={alert.title} />
        </button>
        <SeverityBadge severity={alert.severity} />
      </div>
      <div className={styles.line}>
        <time className="onlyPhone" dateTime={new Date(at).toISOString()} title={absoluteTime(at)}>
          {clockTime(at)}
        </time>
        <StatusLabel status={alert.status} ofAlert />
        <span>{sourceWord(alert.serviceSource)}</span>
        {alert.category && <span>{categoryWord(alert.category)}</span>}
        {times > 1 && <span>seen {count(times, "time")}</span>}
      </div>
      {entities.length > 0 && (
        <ul className={styles.entities} aria-label="Entities">
          {entities.slice(0, shownEntities).map((entity) => {
            const Icon = entityIcon(entity.type);
            return (
              <li
                key={entity.key}
                className={styles.entity}
                title={`${typeWord(entity.type)}: ${plainText(entity.name)}`}
              >
                <Icon />
                <Untrusted text={entity.name} />
              </li>
            );
          })}
          {rest.length > 0 && (
            <li className={styles.entity} title={rest.map(({ name }) => plainText(name)).join(", ")}>
              {rest.length} more
            </li>
          )}
        </ul>
      )}
      <Why alert={alert} first={first} />
    </article>
  );
}

/** Why the alert is part of this incident, strongest reason first. */
export function Why({ alert, first, all }: { alert: Alert; first: boolean; all?: boolean }) {
  const styles = useStyles();
  const surface = useSurface();
  const links: AlertLink[] = alert.tocsin?.links ?? [];
  const strongest = [...links].sort((a, b) => b.strength - a.strength);
  const shown = all ? strongest : strongest.slice(0, 1);
  if (links.length === 0) {
    if (!first && !all) return null;
    return (
      <div className={styles.why}>
        {first ? "The incident began with this alert." : "This alert was not linked to another one."}
      </div>
    );
  }
  return (
    <div className={styles.why}>
      <span className={styles.whyHead}>Why it is part of this incident</span>
      {shown.map((link) => (
        <div key={link.toAlertId + link.sentence}>
          <Untrusted text={link.sentence} />
          {all && link.toAlertTitle && (
            <div className={surface.muted}>
              {"with "}
              <Link
                className={styles.link}
                to={`/incidents/${alert.incidentId}/alerts?alert=${encodeURIComponent(link.toAlertId)}`}
              >
                <Untrusted text={link.toAlertTitle} />
              </Link>
            </div>
          )}
        </div>
      ))}
      <Chips items={[...new Set(shown.flatMap(({ reasons }) => reasons))].map(reasonWord)} />
      {!all && links.length > 1 && <span>and {count(links.length - 1, "more link")}</span>}
      <Link
        className={mergeClasses(styles.link, styles.ask)}
        to={`/incidents/${alert.incidentId}/connections?alert=${encodeURIComponent(alert.id)}`}
      >
        Why is this here?
      </Link>
    </div>
  );
}
