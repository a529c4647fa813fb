import {
  Badge,
  Button,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { type ChainLink, type ChainStep, useChain, useWayTo } from "../../api/chain";
import { useCan } from "../../api/session";
import type { Incident } from "../../api/types";
import { Chips, severityColor } from "../../parts/badges";
import { LinkRegular } from "../../parts/icons";
import { EmptyState, ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { count, reasonWord } from "../../parts/words";
import { CutDialog } from "./CutDialog";
import { cameWords, holdsTogether, strengthWords } from "./connections";
import type { Done } from "./Outcome";
import { RelatedIncidents } from "./RelatedIncidents";

const useStyles = makeStyles({
  stack: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "16px" },
  card: { padding: "14px 16px 16px", display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "10px" },
  head: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px 12px" },
  grow: { flex: "1 1 180px", minWidth: 0, overflowWrap: "anywhere" },
  weak: { borderLeft: `3px solid ${own("severityMedium")}` },
  list: { listStyle: "none", margin: 0, padding: 0 },
  step: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: "8px",
    padding: "12px 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
  },
  title: {
    color: "inherit",
    fontWeight: tokens.fontWeightSemibold,
    textDecoration: "none",
    ":hover": { textDecoration: "underline" },
  },
  dot: { flexShrink: 0, width: "10px", height: "10px", borderRadius: "50%" },
  link: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "flex-start",
    gap: "8px 12px",
    padding: "9px 12px",
    borderRadius: "6px",
    fontSize: tokens.fontSizeBase200,
    backgroundColor: own("page"),
  },
  text: { display: "grid", gap: "6px", flex: "1 1 260px", minWidth: 0, overflowWrap: "anywhere" },
  to: { color: tokens.colorBrandForegroundLink, textDecoration: "none", ":hover": { textDecoration: "underline" } },
  more: { padding: "12px 16px", textAlign: "center" },
  also: { fontSize: tokens.fontSizeBase200, "& summary": { cursor: "pointer", padding: "2px 0 6px" } },
  links: { display: "grid", gap: "8px" },
});

interface Props {
  incident: Incident;
  onDone: (done: Done) => void;
}

/** Why the alerts of the incident are together: each with the link that holds it, and the link that parts them most easily. */
export function ConnectionsTab({ incident, onDone }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const [params, setParams] = useSearchParams();
  const asked = params.get("alert") ?? "";
  const chain = useChain(incident.id);
  const [cut, setCut] = useState<ChainLink>();
  const mayCut = useCan("incident.write") && incident.status !== "redirected";
  const first = chain.data?.pages[0];
  if (chain.isPending) return <LoadingLines rows={6} height={48} label="Loading the connections" />;
  if (!first) return <ErrorState error={chain.error} retry={() => void chain.refetch()} />;
  if (first.alerts === 0) return <EmptyState icon={LinkRegular} title="No alerts, so nothing to connect" />;
  const steps = (chain.data?.pages ?? []).flatMap((page) => page.value);
  const weakest = first.weakest;
  const onCut = mayCut ? setCut : undefined;
  const shared = { incidentId: incident.id, join: first.joinWeight, weakest: weakest?.link, onCut };
  return (
    <div className={styles.stack}>
      <p>{holdsTogether(first)}</p>
      {asked && <WayTo {...shared} alert={asked} onAll={() => setParams({}, { replace: true })} />}
      {weakest && !asked && (
        <section className={mergeClasses(surface.card, styles.card, styles.weak)} aria-labelledby="weakest">
          <h2 id="weakest" className={surface.heading}>
            The weakest link
          </h2>
          <p>
            {weakest.also?.length
              ? `No single link holds the incident. Cut here, and ${count(weakest.also.length, "further link")} with it, and ${count(weakest.go.count, "alert")} would become an incident of ${weakest.go.count === 1 ? "its" : "their"} own.`
              : `Only this link holds the two sides together. Without it, ${count(weakest.go.count, "alert")} would become an incident of ${weakest.go.count === 1 ? "its" : "their"} own and ${count(weakest.stay.count, "alert")} would stay.`}
          </p>
          <LinkBox {...shared} link={weakest.link} both />
        </section>
      )}
      <section aria-labelledby="chain">
        <h2 id="chain" className={surface.heading} style={{ marginBottom: "8px" }}>
          How each alert came here
        </h2>
        <ol className={mergeClasses(surface.card, styles.list)}>
          {steps.map((step, at) => (
            <Step key={step.alert.id} {...shared} step={step} first={at === 0} />
          ))}
          {chain.hasNextPage && (
            <li className={styles.more}>
              <Button
                appearance="subtle"
                disabledFocusable={chain.isFetchingNextPage}
                onClick={() => void chain.fetchNextPage()}
              >
                {chain.isFetchingNextPage
                  ? "Loading…"
                  : `Show more (${steps.length.toLocaleString()} of ${first.alerts.toLocaleString()})`}
              </Button>
            </li>
          )}
        </ol>
      </section>
      <RelatedIncidents incident={incident} />
      {chain.isError && (
        <MessageBar intent="warning">
          <MessageBarBody>This may be out of date. {messageOf(chain.error)}</MessageBarBody>
        </MessageBar>
      )}
      {cut && (
        <CutDialog
          incidentId={incident.id}
          link={cut}
          onClose={() => setCut(undefined)}
          onDone={(done) => {
            setCut(undefined);
            onDone(done);
          }}
        />
      )}
    </div>
  );
}

interface Shared {
  incidentId: string;
  join: number;
  weakest?: ChainLink;
  onCut?: (link: ChainLink) => void;
}

const same = (a: ChainLink | undefined, b: ChainLink) => a?.from.id === b.from.id && a.to.id === b.to.id;

/** The way from the first alert to the one that was asked about. */
function WayTo({ alert, onAll, ...shared }: Shared & { alert: string; onAll: () => void }) {
  const styles = useStyles();
  const surface = useSurface();
  const way = useWayTo(shared.incidentId, alert);
  const steps = way.data?.path ?? [];
  return (
    <section className={mergeClasses(surface.card, styles.card)} aria-labelledby="way">
      <div className={styles.head}>
        <h2 id="way" className={mergeClasses(surface.heading, styles.grow)}>
          Why is <Untrusted text={steps.at(-1)?.alert.title ?? "this alert"} /> here?
        </h2>
        <Button size="small" onClick={onAll}>
          Close
        </Button>
      </div>
      {way.isPending && <LoadingLines rows={2} height={32} label="Looking for the way to this alert" />}
      {way.error && <p role="alert">{messageOf(way.error)}</p>}
      {steps.length > 0 && (
        <ol className={styles.list}>
          {steps.map((step, at) => (
            <Step key={step.alert.id} {...shared} step={step} first={at === 0} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Step({ step, first, ...shared }: Shared & { step: ChainStep; first: boolean }) {
  const styles = useStyles();
  const surface = useSurface();
  const also = step.also ?? [];
  return (
    <li className={styles.step}>
      <div className={styles.head}>
        <span
          className={styles.dot}
          style={{ backgroundColor: severityColor(step.alert.severity) }}
          aria-hidden="true"
        />
        <AlertLink
          className={mergeClasses(styles.title, styles.grow)}
          incidentId={shared.incidentId}
          id={step.alert.id}
        >
          <Untrusted text={step.alert.title} />
        </AlertLink>
        <span className={surface.muted}>
          <When at={step.alert.firstActivityDateTime} />
        </span>
      </div>
      {step.held ? <LinkBox {...shared} link={step.held} of={step.alert.id} /> : <p>{cameWords(step, first)}</p>}
      {also.length > 0 && (
        <details className={styles.also}>
          <summary>{count(also.length, "more link")}</summary>
          <div className={styles.links}>
            {also.map((link) => (
              <LinkBox key={link.from.id + link.to.id} {...shared} link={link} of={step.alert.id} />
            ))}
          </div>
        </details>
      )}
    </li>
  );
}

/** One link: what it says, how strong it is, the alert at its other end, and the way to cut it. */
function LinkBox({ link, of, both, ...shared }: Shared & { link: ChainLink; of?: string; both?: boolean }) {
  const styles = useStyles();
  const other = of === link.from.id ? link.to : link.from;
  return (
    <div className={styles.link}>
      <div className={styles.text}>
        <Untrusted text={link.sentence} />
        <span>
          {both ? "Between " : "With "}
          <AlertLink className={styles.to} incidentId={shared.incidentId} id={both ? link.from.id : other.id}>
            <Untrusted text={both ? link.from.title : other.title} />
          </AlertLink>
          {both && (
            <>
              {" and "}
              <AlertLink className={styles.to} incidentId={shared.incidentId} id={link.to.id}>
                <Untrusted text={link.to.title} />
              </AlertLink>
            </>
          )}
          {`. ${strengthWords(link.weight, shared.join)}`}
        </span>
        <span className={styles.head}>
          <Chips items={link.reasons.map(reasonWord)} />
          {!both && same(shared.weakest, link) && (
            <Badge appearance="tint" color="warning">
              Weakest link
            </Badge>
          )}
        </span>
      </div>
      {shared.onCut && (
        <Button
          size="small"
          aria-label={`Cut the link between ${link.from.title} and ${link.to.title}`}
          onClick={() => shared.onCut?.(link)}
        >
          Cut
        </Button>
      )}
    </div>
  );
}

interface AlertLinkProps {
  className: string;
  incidentId: string;
  id: string;
  children: ReactNode;
}

function AlertLink({ className, incidentId, id, children }: AlertLinkProps) {
  return (
    <Link className={className} to={`/incidents/${incidentId}/alerts?alert=${encodeURIComponent(id)}`}>
      {children}
    </Link>
  );
}
