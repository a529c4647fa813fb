// The shapes that the server answers with: Microsoft Graph's incident and alert, with what Tocsin adds under the key
// "tocsin". Unknown enum members may arrive from a newer server, so places that show them fall back to the raw word.

export type Severity = "unknown" | "informational" | "low" | "medium" | "high";
export type IncidentStatus = "active" | "inProgress" | "resolved" | "redirected" | "awaitingAction";
export type AlertStatus = "unknown" | "new" | "inProgress" | "resolved";
export type Classification = "unknown" | "truePositive" | "informationalExpectedActivity" | "falsePositive";
export type Verdict = "unknown" | "suspicious" | "malicious" | "noThreatsFound";

export interface GraphComment {
  comment: string;
  createdByDisplayName: string;
  createdDateTime: string;
}

export interface AssetSummary {
  devices: number;
  users: number;
  mailboxes: number;
  apps: number;
  cloudResources: number;
  names?: { type: string; name: string }[];
}

export interface Incident {
  id: string;
  displayName: string;
  description?: string | null;
  summary?: string | null;
  severity: Severity;
  status: IncidentStatus;
  assignedTo: string | null;
  classification: Classification;
  determination: string;
  customTags: string[];
  systemTags: string[];
  comments: GraphComment[];
  createdDateTime: string;
  lastUpdateDateTime: string;
  lastModifiedBy?: string | null;
  redirectIncidentId?: string | null;
  resolvingComment?: string | null;
  /** 0 to 100. */
  priorityScore?: number | null;
  alerts?: Alert[];
  tocsin: {
    version: number;
    alertCount: number;
    activeAlertCount: number;
    serviceSources: string[];
    detectionSources: string[];
    categories: string[];
    techniques: string[];
    impactedAssets: AssetSummary;
    firstActivityDateTime?: string | null;
    lastActivityDateTime?: string | null;
    autoNamed: boolean;
    productNames?: string[];
    alertPolicies?: string[];
    investigationStates?: string[];
    threats?: string[];
    osPlatforms?: string[];
    sensitivityLabels?: string[];
    dataStreams?: string[];
    workspaces?: string[];
    subscriptionIds?: string[];
    deviceGroups?: string[];
    /** Why the score is what it is; the points add up to it. */
    priorityFactors?: { name: string; points: number; text: string }[];
  };
}

export interface RowRef {
  table: string;
  timestamp: string;
  deviceId?: string;
  reportId?: string;
}

export interface AlertLink {
  reasons: string[];
  sentence: string;
  toAlertId: string;
  toAlertTitle?: string;
  strength: number;
  entities?: { type: string; name: string; key?: string }[];
}

/** One entity of an alert. The properties beyond the base depend on "@odata.type" and are read through parts/entities. */
export interface Evidence {
  "@odata.type": string;
  createdDateTime?: string;
  roles?: string[];
  detailedRoles?: string[];
  tags?: string[];
  verdict?: Verdict;
  remediationStatus?: string;
  remediationStatusDetails?: string | null;
  [property: string]: unknown;
}

export interface Alert {
  id: string;
  incidentId: string;
  title: string;
  description?: string | null;
  recommendedActions?: string | null;
  severity: Severity;
  status: AlertStatus;
  serviceSource: string;
  detectionSource: string;
  productName?: string | null;
  alertPolicyId?: string | null;
  investigationState?: string;
  threatDisplayName?: string | null;
  threatFamilyName?: string | null;
  actorDisplayName?: string | null;
  category?: string | null;
  categories?: string[];
  mitreTechniques: string[];
  classification: Classification;
  determination: string;
  assignedTo: string | null;
  createdDateTime: string;
  lastUpdateDateTime?: string;
  resolvedDateTime?: string | null;
  firstActivityDateTime?: string | null;
  lastActivityDateTime?: string | null;
  evidence: Evidence[];
  customDetails?: Record<string, unknown> | null;
  comments?: GraphComment[];
  systemTags?: string[];
  tocsin?: {
    count: number;
    ruleId?: string;
    ruleTitle?: string;
    incidentName?: string;
    dataStream?: string;
    workspace?: string;
    sensitivityLabels?: string[];
    subscriptionIds?: string[];
    rows?: RowRef[];
    links?: AlertLink[];
  };
}

export interface IncidentPatch {
  displayName?: string;
  severity?: Severity;
  status?: IncidentStatus;
  assignedTo?: string | null;
  classification?: Classification;
  determination?: string;
  customTags?: string[];
  resolvingComment?: string;
  description?: string;
}

export interface AlertPatch {
  status?: AlertStatus;
  classification?: Classification;
  determination?: string;
  assignedTo?: string | null;
}

export interface Page<T> {
  "@odata.count"?: number;
  "@odata.nextLink"?: string;
  value: T[];
}

export interface Session {
  user: { id: string; userName: string; displayName: string; roles: string[]; permissions: string[] };
  csrfToken: string;
  tenant: { id: string; name: string };
  version: string;
}

export type ActorKind = "user" | "engine" | "rule" | "integration";

export interface Activity {
  seq: number;
  at: string;
  actor: { kind: ActorKind; name: string };
  kind: string;
  summary: string;
  before?: unknown;
  after?: unknown;
  alertId?: string;
  comment?: string;
  /** The incident in whose log it was written, when a merge brought it here. */
  origin?: number;
  category: string;
  provider: string;
  trigger: "automatic" | "manual";
  status: "completed" | "failed" | "reverted";
  targetType: string;
  target: string;
  noun: string;
  id: string;
  version: number;
  prev: string;
  hash: string;
}

export interface ValueCount {
  value: string;
  count: number;
}

export interface ActivityPage {
  value: Activity[];
  /** What leads to the following page, 0 at the end. */
  next: number;
  values?: { types: ValueCount[]; by: ValueCount[]; origins: ValueCount[] };
}

export interface RecordVerification {
  ok: boolean;
  lines: number;
  head: string;
  fault?: string;
  badLine?: number;
  note?: string;
  checked: string;
}

export interface QueueSummary {
  hours: { at: string; alerts: number; incidents: number }[];
  open: Partial<Record<Severity, number>>;
}

export interface Person {
  userName: string;
  displayName: string;
}

export interface Quarantine {
  total: number;
  reasons: { reason: string; count: number }[];
  recent: { at: string; source: string; item: string; reason: string }[];
}

export interface Intake {
  tables: { name: string; rows: number }[];
  rows: number;
  quarantined: number;
  rules: { enabled: number; loaded: number; unsupported: number; failed: number };
}

export interface Change {
  seq: number;
  kind: string;
  noun: string;
  id: string;
  version: number;
  at: string;
}
