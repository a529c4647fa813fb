import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Incident } from "../api/types";
import { assetIcons } from "./assetIcons";
import { Chips, Owner, PriorityBadge, SeverityBadge, StatusLabel, Tags } from "./badges";
import { assetKinds } from "./entities";
import { useSurface } from "./surface";
import { tacticOrder } from "./tactics";
import { Untrusted } from "./Untrusted";
import { When } from "./When";
import { duration, parseTime } from "./when";
import { categoryWord, classificationWord, count, determinationWord, sourceWord } from "./words";

const useStyles = makeStyles({
  assets: { display: "grid", gap: "2px" },
  asset: {
    display: "flex",
    alignItems: "center",
    gap: "10px",
    padding: "6px 8px",
    marginInline: "-8px",
    borderRadius: "4px",
    color: "inherit",
    textDecoration: "none",
    "& svg": { fontSize: "20px", color: tokens.colorNeutralForeground3 },
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  number: { marginInlineStart: "auto", fontVariantNumeric: "tabular-nums", fontWeight: tokens.fontWeightSemibold },
  stages: { display: "grid", gap: "6px" },
  strip: { display: "flex", gap: "3px" },
  stage: { flexGrow: 1, height: "6px", borderRadius: "3px", backgroundColor: tokens.colorNeutralStroke2 },
  reached: { backgroundColor: tokens.colorBrandForeground1 },
});

/** The facts about an incident that are the same wherever it is shown. */
export function IncidentFacts({ incident, children }: { incident: Incident; children?: ReactNode }) {
  const surface = useSurface();
  const extra = incident.tocsin;
  const first = parseTime(extra.firstActivityDateTime);
  const last = parseTime(extra.lastActivityDateTime);
  return (
    <div>
      <section className={surface.section}>
        <h3 className={surface.heading}>Details</h3>
        <dl className={surface.facts}>
          <Fact name="Incident ID">{incident.id}</Fact>
          <Fact name="Severity">
            <SeverityBadge severity={incident.severity} />
          </Fact>
          <Fact name="Status">
            <StatusLabel status={incident.status} />
          </Fact>
          <Fact name="Assigned to">
            <Owner name={incident.assignedTo} />
          </Fact>
          <Fact name="Classification">
            {classificationWord(incident.classification)}
            {incident.determination !== "unknown" && ` – ${determinationWord(incident.determination)}`}
          </Fact>
          {(incident.systemTags?.length > 0 || incident.customTags?.length > 0) && (
            <Fact name="Tags">
              <Tags system={incident.systemTags} custom={incident.customTags} />
            </Fact>
          )}
          <Fact name="First activity">
            <When at={extra.firstActivityDateTime} exact />
          </Fact>
          <Fact name="Last activity">
            <When at={extra.lastActivityDateTime} exact />
          </Fact>
          {first !== undefined && last !== undefined && <Fact name="Lasted">{duration(last - first)}</Fact>}
          <Fact name="Created">
            <When at={incident.createdDateTime} exact />
          </Fact>
          <Fact name="Last update">
            <When at={incident.lastUpdateDateTime} exact />
          </Fact>
        </dl>
      </section>
      {incident.resolvingComment && incident.status === "resolved" && (
        <section className={surface.section}>
          <h3 className={surface.heading}>Resolution note</h3>
          <p>
            <Untrusted text={incident.resolvingComment} lines />
          </p>
        </section>
      )}
      {incident.description && (
        <section className={surface.section}>
          <h3 className={surface.heading}>Description</h3>
          <p>
            <Untrusted text={incident.description} lines />
          </p>
        </section>
      )}
      <Stages categories={extra.categories ?? []} />
      <Priority incident={incident} />
      <section className={surface.section}>
        <h3 className={surface.heading}>Alerts</h3>
        <dl className={surface.facts}>
          <Fact name="Active">
            {extra.activeAlertCount} of {count(extra.alertCount, "alert")}
          </Fact>
          <Fact name="Reported by">
            <Chips items={(extra.serviceSources ?? []).map(sourceWord)} />
          </Fact>
        </dl>
      </section>
      <ImpactedAssets incident={incident} />
      {children}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** Why the incident is as urgent as it is: the points add up to the score. */
function Priority({ incident }: { incident: Incident }) {
  const surface = useSurface();
  const factors = incident.tocsin.priorityFactors ?? [];
  if (incident.priorityScore === undefined || incident.priorityScore === null || factors.length === 0) return null;
  return (
    <section className={surface.section}>
      <h3 className={surface.heading}>
        Priority <PriorityBadge score={incident.priorityScore} />
      </h3>
      <dl className={surface.facts}>
        {factors.map(({ name, points, text }) => (
          <Fact key={`${name} ${text}`} name={`+${points}`}>
            {text}
          </Fact>
        ))}
      </dl>
    </section>
  );
}

/** How far along the usual course of an attack the incident reaches. */
function Stages({ categories }: { categories: string[] }) {
  const styles = useStyles();
  const surface = useSurface();
  if (categories.length === 0) return null;
  const known = tacticOrder.filter((tactic) => categories.includes(tactic));
  const others = categories.filter((category) => !tacticOrder.includes(category));
  return (
    <section className={surface.section}>
      <h3 className={surface.heading}>Attack stages</h3>
      <div className={styles.stages}>
        <div className={styles.strip} aria-hidden="true">
          {tacticOrder.map((tactic) => (
            <span
              key={tactic}
              title={categoryWord(tactic)}
              className={mergeClasses(styles.stage, categories.includes(tactic) && styles.reached)}
            />
          ))}
        </div>
        <Chips items={[...known, ...others].map(categoryWord)} />
      </div>
    </section>
  );
}

function ImpactedAssets({ incident }: { incident: Incident }) {
  const styles = useStyles();
  const surface = useSurface();
  const assets = incident.tocsin.impactedAssets;
  const present = assetKinds.filter(({ kind }) => assets?.[kind] > 0);
  return (
    <section className={surface.section}>
      <h3 className={surface.heading}>Impacted assets</h3>
      {present.length === 0 && <p className={surface.muted}>None known</p>}
      <div className={styles.assets}>
        {present.map(({ kind, label }) => {
          const Icon = assetIcons[kind];
          return (
            <Link key={kind} to={`/incidents/${incident.id}/assets?kind=${kind}`} className={styles.asset}>
              <Icon />
              {label}
              <span className={styles.number}>{assets[kind]}</span>
            </Link>
          );
        })}
      </div>
    </section>
  );
}
