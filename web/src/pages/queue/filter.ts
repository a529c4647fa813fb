// The filters of the incident queue.
import { anyOf, assignedTo, type FilterDef, holds, type ListSpec, oneOf, yesNo } from "../../parts/listFilter";
import {
  categoryWord,
  classificationWord,
  detectionSourceWord,
  determinationWord,
  editableStatuses,
  serviceSources,
  severities,
  severityWord,
  sourceWord,
  spellOut,
  statusWord,
} from "../../parts/words";

const list = (id: string, label: string, property: string, more: Partial<FilterDef> = {}): FilterDef => ({
  id,
  label,
  property,
  condition: anyOf(property),
  ...more,
});

const yesOrNo = { options: ["yes", "no"], word: (value: string) => (value === "yes" ? "Yes" : "No") };

const bands: Record<string, string> = {
  top: "priorityScore gt 85",
  middle: "(priorityScore ge 15 and priorityScore le 85)",
  low: "priorityScore lt 15",
};

export const incidentList: ListSpec = {
  defs: [
    {
      id: "status",
      label: "Status",
      property: "status",
      condition: oneOf("status"),
      options: editableStatuses,
      word: statusWord,
      usual: ["active", "inProgress"],
      always: true,
    },
    {
      id: "severity",
      label: "Severity",
      property: "severity",
      condition: oneOf("severity"),
      options: severities,
      word: severityWord,
      usual: ["high", "medium", "low"],
      always: true,
    },
    { id: "owner", label: "Assigned to", condition: assignedTo, always: true },
    list("source", "Source", "tocsin/serviceSources", { options: serviceSources, word: sourceWord, always: true }),
    {
      id: "tag",
      label: "Tags",
      property: "customTags",
      condition: anyOf("customTags", "systemTags"),
      always: true,
    },
    list("detection", "Detection source", "tocsin/detectionSources", { word: detectionSourceWord }),
    {
      id: "sources",
      label: "Several service sources",
      condition: yesNo("tocsin/multiple/any(x:x eq 'serviceSources')"),
      ...yesOrNo,
    },
    list("category", "Category", "tocsin/categories", { word: categoryWord }),
    {
      id: "categories",
      label: "Several categories",
      condition: yesNo("tocsin/multiple/any(x:x eq 'categories')"),
      ...yesOrNo,
    },
    { id: "asset", label: "Asset name", condition: holds("tocsin/assets"), typed: true },
    list("assettype", "Asset type", "tocsin/assetTypes", { word: spellOut }),
    list("group", "Device group", "tocsin/deviceGroups"),
    list("os", "OS platform", "tocsin/osPlatforms"),
    list("sensitivity", "Sensitivity label", "tocsin/sensitivityLabels"),
    {
      id: "classification",
      label: "Classification",
      property: "classification",
      condition: oneOf("classification"),
      options: ["unknown", "truePositive", "informationalExpectedActivity", "falsePositive"],
      word: classificationWord,
    },
    {
      id: "determination",
      label: "Determination",
      property: "determination",
      condition: oneOf("determination"),
      word: determinationWord,
    },
    list("investigation", "Investigation state", "tocsin/investigationStates", { word: spellOut }),
    list("threat", "Associated threat", "tocsin/threats"),
    list("policy", "Policy or rule", "tocsin/alertPolicies"),
    list("product", "Product name", "tocsin/productNames"),
    list("stream", "Data stream", "tocsin/dataStreams"),
    list("subscription", "Subscription ID", "tocsin/subscriptionIds"),
    list("workspace", "Workspace", "tocsin/workspaces"),
    list("updatedby", "Last updated by", "tocsin/updatedBy"),
    {
      id: "priority",
      label: "Priority score",
      condition: (values) =>
        values.length === 0 ? "" : `(${values.map((value) => bands[value] ?? "priorityScore lt 0").join(" or ")})`,
      options: ["top", "middle", "low"],
      word: (value) => ({ top: "Above 85", middle: "15 to 85", low: "Below 15" })[value] ?? value,
    },
  ],
  time: { property: "lastUpdateDateTime", label: "Updated" },
  range: "180d",
  sorts: {
    priority: "priorityScore",
    severity: "severity",
    name: "displayName",
    id: "id",
    status: "status",
    created: "createdDateTime",
    updated: "lastUpdateDateTime",
    first: "tocsin/firstActivityDateTime",
    last: "tocsin/lastActivityDateTime",
    alerts: "tocsin/activeAlertCount",
    owner: "assignedTo",
    classification: "classification",
    determination: "determination",
  },
  sort: { column: "severity", descending: true },
  // Among equals, what moved last comes first.
  tie: "lastUpdateDateTime",
};
