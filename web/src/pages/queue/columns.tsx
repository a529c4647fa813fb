import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Incident } from "../../api/types";
import { assetIcons } from "../../parts/assetIcons";
import { Chips, Owner, PriorityBadge, SeverityBadge, StatusLabel, Tags } from "../../parts/badges";
import { assetKinds } from "../../parts/entities";
import { plainText } from "../../parts/hidden";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import {
  categoryWord,
  classificationWord,
  count,
  detectionSourceWord,
  determinationWord,
  sourceWord,
  spellOut,
} from "../../parts/words";

export interface Column {
  id: string;
  label: string;
  sort?: string;
  width: number;
  number?: boolean;
  cell: (incident: Incident) => ReactNode;
}

const useStyles = makeStyles({
  assets: { display: "inline-flex", verticalAlign: "middle", gap: "10px", whiteSpace: "nowrap" },
  asset: {
    display: "inline-flex",
    alignItems: "center",
    gap: "4px",
    fontVariantNumeric: "tabular-nums",
    "& svg": { fontSize: "16px", color: tokens.colorNeutralForeground3 },
  },
  alerts: {
    display: "inline-flex",
    verticalAlign: "middle",
    alignItems: "center",
    gap: "8px",
    fontVariantNumeric: "tabular-nums",
  },
  track: { width: "36px", height: "4px", borderRadius: "2px", backgroundColor: tokens.colorNeutralStroke2 },
  part: { display: "block", height: "100%", borderRadius: "2px", backgroundColor: tokens.colorBrandForeground1 },
});

/** How many assets of each kind, with the first names in the tooltip. */
export function AssetCounts({ incident }: { incident: Incident }) {
  const styles = useStyles();
  const assets = incident.tocsin.impactedAssets;
  const present = assetKinds.filter(({ kind }) => assets?.[kind] > 0);
  if (present.length === 0) return <span>–</span>;
  const names = (assets.names ?? []).map(({ name }) => plainText(name)).join(", ");
  return (
    <span className={styles.assets} title={names || undefined}>
      {present.map(({ kind, one, label }) => {
        const Icon = assetIcons[kind];
        return (
          <span key={kind} className={styles.asset}>
            <Icon />
            {assets[kind]}
            <span className="unseen">{assets[kind] === 1 ? one : label.toLowerCase()}</span>
          </span>
        );
      })}
    </span>
  );
}

export function AlertCounts({ incident }: { incident: Incident }) {
  const styles = useStyles();
  const { activeAlertCount: active, alertCount: all } = incident.tocsin;
  return (
    <span className={styles.alerts} title={`${active} of ${count(all, "alert")} active`}>
      {active}/{all}
      <span className={styles.track} aria-hidden="true">
        <span className={styles.part} style={{ width: `${all ? (100 * active) / all : 0}%` }} />
      </span>
    </span>
  );
}

/** Every column but the name, which always comes first. */
export const columns: Column[] = [
  { id: "id", label: "ID", sort: "id", width: 64, number: true, cell: (i) => i.id },
  {
    id: "priority",
    label: "Priority",
    sort: "priority",
    width: 92,
    cell: (i) => <PriorityBadge score={i.priorityScore} />,
  },
  {
    id: "severity",
    label: "Severity",
    sort: "severity",
    width: 124,
    cell: (i) => <SeverityBadge severity={i.severity} />,
  },
  { id: "status", label: "Status", sort: "status", width: 124, cell: (i) => <StatusLabel status={i.status} /> },
  {
    id: "alerts",
    label: "Active alerts",
    sort: "alerts",
    width: 120,
    cell: (i) => <AlertCounts incident={i} />,
  },
  { id: "assets", label: "Impacted assets", width: 196, cell: (i) => <AssetCounts incident={i} /> },
  {
    id: "categories",
    label: "Categories",
    width: 252,
    cell: (i) => <Chips items={(i.tocsin.categories ?? []).map(categoryWord)} limit={2} />,
  },
  {
    id: "sources",
    label: "Service sources",
    width: 224,
    cell: (i) => <Chips items={(i.tocsin.serviceSources ?? []).map(sourceWord)} limit={2} />,
  },
  {
    id: "tags",
    label: "Tags",
    width: 180,
    cell: (i) => <Tags system={i.systemTags} custom={i.customTags} limit={2} />,
  },
  {
    id: "first",
    label: "First activity",
    sort: "first",
    width: 128,
    cell: (i) => <When at={i.tocsin.firstActivityDateTime} />,
  },
  {
    id: "last",
    label: "Last activity",
    sort: "last",
    width: 128,
    cell: (i) => <When at={i.tocsin.lastActivityDateTime} />,
  },
  {
    id: "updated",
    label: "Last update",
    sort: "updated",
    width: 136,
    cell: (i) => <When at={i.lastUpdateDateTime} />,
  },
  { id: "created", label: "Created", sort: "created", width: 128, cell: (i) => <When at={i.createdDateTime} /> },
  { id: "owner", label: "Assigned to", sort: "owner", width: 176, cell: (i) => <Owner name={i.assignedTo} /> },
  {
    id: "classification",
    label: "Classification",
    sort: "classification",
    width: 156,
    cell: (i) => classificationWord(i.classification),
  },
  {
    id: "determination",
    label: "Determination",
    sort: "determination",
    width: 168,
    cell: (i) => determinationWord(i.determination),
  },
  words("investigation", "Investigation state", 168, (i) => (i.tocsin.investigationStates ?? []).map(spellOut)),
  words("detections", "Detection sources", 224, (i) => (i.tocsin.detectionSources ?? []).map(detectionSourceWord)),
  words("products", "Product names", 200, (i) => i.tocsin.productNames),
  words("sensitivity", "Data sensitivity", 180, (i) => i.tocsin.sensitivityLabels),
  words("groups", "Device groups", 180, (i) => i.tocsin.deviceGroups),
  words("os", "OS platforms", 160, (i) => i.tocsin.osPlatforms),
  words("threats", "Associated threats", 200, (i) => i.tocsin.threats),
  words("policies", "Alert policies", 240, (i) => i.tocsin.alertPolicies),
  words("streams", "Data streams", 180, (i) => i.tocsin.dataStreams),
  words("subscriptions", "Subscription IDs", 200, (i) => i.tocsin.subscriptionIds),
  words("workspaces", "Workspaces", 160, (i) => i.tocsin.workspaces),
  {
    id: "updatedBy",
    label: "Last updated by",
    width: 176,
    cell: (i) => (i.lastModifiedBy ? <Untrusted text={i.lastModifiedBy} /> : "–"),
  },
];

/** A column of values that come from the alerts, and so from outside. */
function words(id: string, label: string, width: number, of: (incident: Incident) => string[] | undefined): Column {
  return { id, label, width, cell: (incident) => <Chips items={(of(incident) ?? []).map(plainText)} limit={2} /> };
}

export const defaultColumns = [
  "id",
  "priority",
  "severity",
  "status",
  "alerts",
  "updated",
  "assets",
  "categories",
  "sources",
  "owner",
  "tags",
  "first",
  "last",
  "classification",
];
