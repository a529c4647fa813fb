import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Alert } from "../../api/types";
import { Chips, Owner, SeverityBadge, StatusLabel, Tags } from "../../parts/badges";
import { type AssetKind, collectEntities } from "../../parts/entities";
import { plainText } from "../../parts/hidden";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import {
  categoryWord,
  classificationWord,
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
  cell: (alert: Alert) => ReactNode;
}

/** Names of the assets among the evidence, of one kind or of all. */
export function assetNames(alert: Alert, kind?: AssetKind): string[] {
  const assets = collectEntities([alert]).filter((entity) => entity.kind && (!kind || entity.kind === kind));
  return [...new Set(assets.map((entity) => entity.name))];
}

const chips = (id: string, label: string, width: number, of: (alert: Alert) => string[]): Column => ({
  id,
  label,
  width,
  cell: (alert) => <Chips items={of(alert).map(plainText)} limit={2} />,
});

const given = (...values: (string | null | undefined)[]) => values.filter((value): value is string => !!value);

/** Every column but the name, which always comes first. */
export const columns: Column[] = [
  {
    id: "severity",
    label: "Severity",
    sort: "severity",
    width: 124,
    cell: (a) => <SeverityBadge severity={a.severity} />,
  },
  { id: "status", label: "Status", sort: "status", width: 124, cell: (a) => <StatusLabel status={a.status} ofAlert /> },
  {
    id: "incident",
    label: "Incident name",
    width: 260,
    cell: (a) => (
      <Link to={`/incidents/${encodeURIComponent(a.incidentId)}`}>
        <Untrusted text={a.tocsin?.incidentName || `Incident ${a.incidentId}`} />
      </Link>
    ),
  },
  { id: "incidentId", label: "Incident ID", sort: "incidentId", width: 108, cell: (a) => a.incidentId },
  chips("category", "Category", 200, (a) => (a.categories ?? given(a.category)).map(categoryWord)),
  chips("assets", "Impacted assets", 240, (a) => assetNames(a)),
  chips("user", "User", 180, (a) => assetNames(a, "users")),
  { id: "source", label: "Service source", sort: "source", width: 180, cell: (a) => sourceWord(a.serviceSource) },
  {
    id: "detection",
    label: "Detection source",
    sort: "detection",
    width: 180,
    cell: (a) => detectionSourceWord(a.detectionSource),
  },
  { id: "created", label: "Received", sort: "created", width: 128, cell: (a) => <When at={a.createdDateTime} /> },
  {
    id: "first",
    label: "First activity",
    sort: "first",
    width: 128,
    cell: (a) => <When at={a.firstActivityDateTime} />,
  },
  { id: "last", label: "Last activity", sort: "last", width: 128, cell: (a) => <When at={a.lastActivityDateTime} /> },
  { id: "owner", label: "Assigned to", sort: "owner", width: 176, cell: (a) => <Owner name={a.assignedTo} /> },
  {
    id: "classification",
    label: "Classification",
    sort: "classification",
    width: 156,
    cell: (a) => classificationWord(a.classification),
  },
  {
    id: "determination",
    label: "Determination",
    sort: "determination",
    width: 168,
    cell: (a) => determinationWord(a.determination),
  },
  {
    id: "investigation",
    label: "Investigation state",
    width: 168,
    cell: (a) => (a.investigationState && a.investigationState !== "unknown" ? spellOut(a.investigationState) : "–"),
  },
  { id: "tags", label: "Tags", width: 180, cell: (a) => <Tags system={a.systemTags ?? []} limit={2} /> },
  chips("product", "Product name", 160, (a) => given(a.productName)),
  chips("policy", "Policy or rule", 240, (a) => given(a.tocsin?.ruleTitle, a.alertPolicyId)),
  chips("threats", "Associated threats", 200, (a) =>
    given(a.threatDisplayName, a.threatFamilyName, a.actorDisplayName),
  ),
  chips("subscriptions", "Subscription IDs", 200, (a) => a.tocsin?.subscriptionIds ?? []),
  chips("stream", "Data stream", 160, (a) => given(a.tocsin?.dataStream)),
  chips("workspace", "Workspace", 160, (a) => given(a.tocsin?.workspace)),
  chips("sensitivity", "Data sensitivity", 180, (a) => a.tocsin?.sensitivityLabels ?? []),
  { id: "id", label: "Alert ID", width: 300, cell: (a) => a.id },
];

export const defaultColumns = [
  "severity",
  "status",
  "incident",
  "category",
  "assets",
  "source",
  "created",
  "last",
  "owner",
  "classification",
];
