// What the server's words are called on the screen. A word that is not listed (a newer server) is spelled out from its
// camel case instead of being hidden.
import type { Classification, IncidentStatus, Severity } from "../api/types";

export const severities: Severity[] = ["high", "medium", "low", "informational"];

const severityWords: Record<string, string> = {
  high: "High",
  medium: "Medium",
  low: "Low",
  informational: "Informational",
  unknown: "Not set",
};

const incidentStatusWords: Record<string, string> = {
  active: "Active",
  inProgress: "In progress",
  resolved: "Resolved",
  redirected: "Merged",
  awaitingAction: "Awaiting action",
};

export const editableStatuses: IncidentStatus[] = ["active", "inProgress", "resolved"];

const sourceWords: Record<string, string> = {
  microsoftDefenderForEndpoint: "Endpoint",
  microsoftDefenderForIdentity: "Identity",
  microsoftDefenderForCloudApps: "Cloud apps",
  microsoftDefenderForOffice365: "Email and collaboration",
  microsoft365Defender: "Cross-product",
  azureAdIdentityProtection: "Sign-in protection",
  microsoftAppGovernance: "App governance",
  dataLossPrevention: "Data loss prevention",
  microsoftDefenderForCloud: "Cloud",
  microsoftSentinel: "Sentinel",
  microsoftInsiderRiskManagement: "Insider risk",
  microsoftThreatIntelligence: "Threat intelligence",
  unknown: "Other",
};

/** The sources offered as a filter, most common first. */
export const serviceSources = [
  "microsoftDefenderForEndpoint",
  "microsoftDefenderForOffice365",
  "microsoftDefenderForIdentity",
  "azureAdIdentityProtection",
  "microsoftDefenderForCloudApps",
  "microsoftAppGovernance",
  "microsoftDefenderForCloud",
  "dataLossPrevention",
];

const classificationWords: Record<Classification, string> = {
  unknown: "Not set",
  truePositive: "True positive",
  informationalExpectedActivity: "Expected activity",
  falsePositive: "False positive",
};

const determinationWords: Record<string, string> = {
  unknown: "Not set",
  multiStagedAttack: "Multi-stage attack",
  maliciousUserActivity: "Malicious user activity",
  compromisedAccount: "Compromised account",
  malware: "Malware",
  phishing: "Phishing",
  unwantedSoftware: "Unwanted software",
  other: "Other",
  securityTesting: "Security test",
  lineOfBusinessApplication: "Line-of-business application",
  confirmedActivity: "Confirmed activity",
  notMalicious: "Not malicious",
  notEnoughDataToValidate: "Not enough data to tell",
};

const reasonWords: Record<string, string> = {
  repeatedAlertOccurrence: "Repeated alert",
  sameGeography: "Same place",
  similarArtifacts: "Similar files",
  sameTargetedAsset: "Same target",
  sameNetworkSegment: "Same network segment",
  eventSequence: "Sequence of events",
  timeFrame: "Same time frame",
  sameThreatSource: "Same origin",
  similarTTPsOrBehavior: "Similar behavior",
  sameActor: "Same actor",
  sameCampaign: "Same campaign",
  sharedIndicators: "Shared indicator",
  sameAsset: "Same asset",
  networkProximity: "Network contact",
  eventCasualSequence: "Cause and effect",
  temporalProximity: "Close in time",
  lateralMovementPath: "Movement between devices",
};

const verdictWords: Record<string, string> = {
  malicious: "Malicious",
  suspicious: "Suspicious",
  noThreatsFound: "No threats found",
  unknown: "Not judged",
};

const remediationWords: Record<string, string> = {
  none: "None",
  notFound: "Not found",
  pendingApproval: "Waiting for approval",
  partiallyRemediated: "Partly remediated",
};

const activityWords: Record<string, string> = {
  created: "Incident created",
  alertCorrelated: "Alert added",
  alertRepeated: "Alert seen again",
  alertUpdated: "Alert changed",
  renamed: "Name changed",
  descriptionChanged: "Description changed",
  summaryChanged: "Summary changed",
  resolvingCommentChanged: "Resolution note changed",
  statusChanged: "Status changed",
  severityChanged: "Severity changed",
  assigned: "Owner changed",
  classified: "Classified",
  tagsChanged: "Tags changed",
  commented: "Comment added",
  merged: "Incidents merged",
  unmerged: "Merge undone",
  moveUndone: "Move undone",
  split: "Incident split",
  splitOff: "Split off",
  splitUndone: "Split undone",
  alertsMovedIn: "Alerts moved in",
  alertsMovedOut: "Alerts moved out",
  parted: "Kept apart",
  redirected: "Merged into another incident",
};

/** What the log's entries are about. */
export const recordCategories: Record<string, string> = {
  management: "Status, owner, tags",
  comment: "Comments",
  correlation: "Correlation, merges",
  access: "Accounts and sign-in",
  detection: "Rules and tuning",
  hunting: "Hunting",
  settings: "Settings",
};

const roleWords: Record<string, string> = {
  commandAndControl: "Command and control",
  policyViolator: "Policy violator",
};

/** "temporalProximity" -> "Temporal proximity"; a run of capitals stays together. */
export function spellOut(word: string): string {
  const spaced = word.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ");
  const words = spaced.split(" ").map((w) => (/^[A-Z]{2,}$/.test(w) ? w : w.toLowerCase()));
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const named = (table: Record<string, string>) => (word: string | null | undefined) =>
  word ? (table[word] ?? spellOut(word)) : "";

export const severityWord = named(severityWords);
export const statusWord = named(incidentStatusWords);
export const sourceWord = named(sourceWords);
export const classificationWord = named(classificationWords);
export const determinationWord = named(determinationWords);
export const reasonWord = named(reasonWords);
export const verdictWord = named(verdictWords);
export const remediationWord = named(remediationWords);
export const activityWord = named(activityWords);
export const roleWord = named(roleWords);
export const categoryWord = named({});

export const alertStatusWord = named({
  new: "New",
  inProgress: "In progress",
  resolved: "Resolved",
  unknown: "Unknown",
});
export const detectionSourceWord = named({
  ...sourceWords,
  customDetection: "Detection rule",
  manual: "Made by a person",
});

/** 1 -> "1 alert", 2 -> "2 alerts". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}

/** ["a","b","c"] -> "a, b and c". */
export function listWords(items: string[]): string {
  if (items.length < 2) return items[0] ?? "";
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Why people merge incidents, as Defender lists it. */
export const mergeReasons: Record<string, string> = {
  sameThreatSource: "Same threat source",
  similarTechniques: "Similar techniques",
  sameActor: "Same actor",
  sameCampaign: "Same campaign",
  sharedIndicators: "Shared indicators",
  sameAsset: "Same asset",
  networkProximity: "Close in the network",
  eventSequence: "One follows from the other",
  temporalProximity: "Close in time",
  lateralMovement: "Lateral movement",
};
