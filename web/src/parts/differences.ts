// The change feed keeps what was before and after as JSON: a plain value, or an object of the fields that changed.
import type { Activity } from "../api/types";
import {
  activityWord,
  alertStatusWord,
  classificationWord,
  determinationWord,
  severityWord,
  spellOut,
  statusWord,
} from "./words";

export interface Difference {
  /** Name of the field, "" when the change is about one plain value. */
  field: string;
  before: string;
  after: string;
}

const wordOf: Record<string, (word: string) => string> = {
  severity: severityWord,
  status: (word) => (word === "new" ? alertStatusWord(word) : statusWord(word)),
  classification: classificationWord,
  determination: determinationWord,
};

const fieldWords: Record<string, string> = {
  displayName: "Name",
  assignedTo: "Assigned to",
  customTags: "Tags",
  resolvingComment: "Resolution note",
  alerts: "Alerts changed with it",
};

/** What the summary says already or what only machines want to know. */
const bookkeeping = new Set([
  "version",
  "lastUpdate",
  "lastUpdateDateTime",
  "lastModifiedBy",
  "links",
  "count",
  "alertCount",
  "comment",
]);

/** Kinds whose fields tell everything in the portal's own words, so that the record's sentence would only repeat it. */
const fieldChanges = new Set([
  "renamed",
  "descriptionChanged",
  "summaryChanged",
  "resolvingCommentChanged",
  "statusChanged",
  "severityChanged",
  "assigned",
  "classified",
  "tagsChanged",
]);

/** The line that stands for one entry of the log. */
export function headline(activity: Pick<Activity, "kind" | "summary" | "alertId">, changes: Difference[]): string {
  const told = fieldChanges.has(activity.kind) && changes.length > 0 && !activity.alertId;
  return told || !activity.summary ? activityWord(activity.kind) : activity.summary;
}

export function differences(before: unknown, after: unknown): Difference[] {
  if (!isObject(before) && !isObject(after)) {
    const [a, b] = [show("", before), show("", after)];
    return a === b ? [] : [{ field: "", before: a, after: b }];
  }
  const a = isObject(before) ? before : {};
  const b = isObject(after) ? after : {};
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((field) => !bookkeeping.has(field))
    .map((field) => ({
      field: fieldWords[field] ?? spellOut(field),
      before: show(field, a[field]),
      after: show(field, b[field]),
    }))
    .filter((difference) => difference.before !== difference.after);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(field: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return field === "assignedTo" ? "Unassigned" : "";
  if (Array.isArray(value)) return value.map((each) => show(field, each)).join(", ");
  if (isObject(value)) return JSON.stringify(value);
  return wordOf[field]?.(String(value)) ?? String(value);
}
