// The filters of the alerts queue.
import { anyOf, assignedTo, type FilterDef, holds, type ListSpec, oneOf } from "../../parts/listFilter";
import {
  alertStatusWord,
  categoryWord,
  classificationWord,
  detectionSourceWord,
  serviceSources,
  severities,
  severityWord,
  sourceWord,
  spellOut,
} from "../../parts/words";

const one = (id: string, label: string, property: string, more: Partial<FilterDef> = {}): FilterDef => ({
  id,
  label,
  property,
  condition: oneOf(property),
  ...more,
});

const list = (id: string, label: string, property: string, more: Partial<FilterDef> = {}): FilterDef => ({
  id,
  label,
  property,
  condition: anyOf(property),
  ...more,
});

export const alertList: ListSpec = {
  defs: [
    one("status", "Status", "status", {
      options: ["new", "inProgress", "resolved"],
      word: alertStatusWord,
      usual: ["new", "inProgress"],
      always: true,
    }),
    one("severity", "Severity", "severity", { options: severities, word: severityWord, always: true }),
    list("category", "Category", "categories", { word: categoryWord, always: true }),
    one("source", "Service source", "serviceSource", { options: serviceSources, word: sourceWord, always: true }),
    one("detection", "Detection source", "detectionSource", { word: detectionSourceWord }),
    { id: "owner", label: "Assigned to", condition: assignedTo },
    { id: "tag", label: "Tags", property: "systemTags", condition: anyOf("systemTags", "tocsin/incidentTags") },
    list("policy", "Policy or rule", "tocsin/alertPolicies"),
    { id: "type", label: "Alert type", condition: (values) => oneOf("title")(values), typed: true },
    one("product", "Product name", "productName"),
    list("subscription", "Subscription ID", "tocsin/subscriptionIds"),
    { id: "entity", label: "Entity", condition: holds("tocsin/entities"), typed: true },
    list("investigation", "Investigation state", "tocsin/investigationStates", { word: spellOut }),
    list("workspace", "Workspace", "tocsin/workspaces"),
    list("stream", "Data stream", "tocsin/dataStreams"),
    list("sensitivity", "Sensitivity label", "tocsin/sensitivityLabels"),
    list("threat", "Associated threat", "tocsin/threats"),
    one("classification", "Classification", "classification", {
      options: ["unknown", "truePositive", "informationalExpectedActivity", "falsePositive"],
      word: classificationWord,
    }),
  ],
  time: { property: "createdDateTime", label: "Received" },
  range: "7d",
  sorts: {
    name: "title",
    severity: "severity",
    status: "status",
    category: "category",
    source: "serviceSource",
    detection: "detectionSource",
    incidentId: "incidentId",
    owner: "assignedTo",
    classification: "classification",
    determination: "determination",
    created: "createdDateTime",
    first: "firstActivityDateTime",
    last: "lastActivityDateTime",
  },
  sort: { column: "created", descending: true },
  tie: "createdDateTime",
};
