// Reads Graph evidence: which entity it speaks of, what people call it, and when two pieces are one thing. The rules
// for "one thing" are those of the server's asset counts, so that a tab's numbers agree with the queue's.
import type { Alert, Evidence } from "../api/types";

export type AssetKind = "devices" | "users" | "mailboxes" | "apps" | "cloudResources";

export const assetKinds: { kind: AssetKind; label: string; one: string }[] = [
  { kind: "devices", label: "Devices", one: "device" },
  { kind: "users", label: "Users", one: "user" },
  { kind: "mailboxes", label: "Mailboxes", one: "mailbox" },
  { kind: "apps", label: "Apps", one: "app" },
  { kind: "cloudResources", label: "Cloud resources", one: "cloud resource" },
];

/** "#microsoft.graph.security.deviceEvidence" -> "device". */
export function evidenceType(e: Evidence): string {
  const last = e["@odata.type"]?.split(".").pop() ?? "";
  return last.replace(/Evidence$/, "") || "unknown";
}

const typeWords: Record<string, string> = {
  device: "Device",
  ioTDevice: "IoT device",
  user: "User",
  mailbox: "Mailbox",
  mailboxConfiguration: "Mailbox setting",
  process: "Process",
  file: "File",
  fileHash: "File",
  ip: "IP address",
  url: "URL",
  dns: "Domain",
  registryKey: "Registry key",
  registryValue: "Registry value",
  analyzedMessage: "Email",
  submissionMail: "Reported email",
  mailCluster: "Email cluster",
  oauthApplication: "OAuth app",
  servicePrincipal: "Service principal",
  cloudApplication: "Cloud app",
  cloudLogonSession: "Cloud session",
  cloudLogonRequest: "Cloud sign-in",
  hostLogonSession: "Logon session",
  azureResource: "Azure resource",
  amazonResource: "AWS resource",
  googleCloudResource: "Google Cloud resource",
  securityGroup: "Group",
  malware: "Malware",
};

export function typeWord(type: string): string {
  const known = typeWords[type];
  if (known) return known;
  const spaced = type.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** The text property at a dotted path, "" when absent. */
export function property(e: Evidence, path: string): string {
  let value: unknown = e;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null) return "";
    value = (value as Record<string, unknown>)[part];
  }
  return value === null || value === undefined || typeof value === "object" ? "" : String(value).trim();
}

function first(e: Evidence, ...paths: string[]): string {
  for (const path of paths) {
    const value = property(e, path);
    if (value) return value;
  }
  return "";
}

const namePaths: Record<string, string[]> = {
  device: ["deviceDnsName", "hostName", "mdeDeviceId"],
  mailbox: ["primaryAddress", "upn"],
  mailboxConfiguration: ["mailboxPrimaryAddress", "upn", "displayName"],
  process: ["imageFile.fileName", "processCommandLine"],
  file: ["fileDetails.fileName", "fileDetails.filePath", "fileDetails.sha256", "fileDetails.sha1"],
  ip: ["ipAddress"],
  url: ["url"],
  dns: ["domainName"],
  analyzedMessage: ["subject", "networkMessageId", "internetMessageId"],
  submissionMail: ["subject", "networkMessageId"],
  mailCluster: ["clusterBy", "urn", "query"],
  oauthApplication: ["displayName", "appId"],
  servicePrincipal: ["servicePrincipalName", "appId"],
  cloudApplication: ["displayName", "instanceName", "appId"],
  cloudLogonSession: ["sessionId", "account.userAccount.userPrincipalName"],
  hostLogonSession: ["sessionId"],
  azureResource: ["resourceName", "resourceId"],
  amazonResource: ["resourceName", "amazonResourceId"],
  googleCloudResource: ["resourceName", "fullResourceName"],
  securityGroup: ["displayName", "friendlyName", "sid"],
};

export function entityName(e: Evidence): string {
  const type = evidenceType(e);
  if (type === "user") {
    const account = property(e, "userAccount.accountName");
    const domain = property(e, "userAccount.domainName");
    return (
      property(e, "userAccount.userPrincipalName") ||
      (account && domain ? `${domain}\\${account}` : account) ||
      first(e, "userAccount.displayName", "userAccount.userSid", "userAccount.azureAdUserId") ||
      "User"
    );
  }
  if (type === "registryKey" || type === "registryValue") {
    const key = property(e, "registryKey");
    const hive = property(e, "registryHive");
    const path = hive && !key.toLowerCase().startsWith(hive.toLowerCase()) ? `${hive}\\${key}` : key;
    const value = property(e, "registryValueName");
    return value ? `${path}\\${value}` : path || typeWord(type);
  }
  return (
    first(e, ...(namePaths[type] ?? []), "displayName", "name", "resourceName", "url", "urn", "value") || typeWord(type)
  );
}

/** A second line that tells two entities of one name apart. */
export function entityDetail(e: Evidence): string {
  switch (evidenceType(e)) {
    case "device":
      return [property(e, "osPlatform"), property(e, "lastIpAddress")].filter(Boolean).join(" · ");
    case "user":
      return first(e, "userAccount.displayName", "userAccount.userSid");
    case "process":
      return property(e, "processCommandLine");
    case "file":
      return first(e, "fileDetails.filePath", "fileDetails.sha256", "fileDetails.sha1");
    case "analyzedMessage":
    case "submissionMail": {
      const from = first(e, "p2Sender.emailAddress", "p1Sender.emailAddress", "sender");
      const to = first(e, "recipientEmailAddress", "recipient");
      return [from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(" ");
    }
    case "mailbox":
      return property(e, "displayName");
    case "oauthApplication":
    case "servicePrincipal":
      return first(e, "publisher", "appId");
    case "registryValue":
      return property(e, "registryValue");
    case "ip":
      return first(e, "location.countryName", "countryLetterCode");
    case "azureResource":
    case "amazonResource":
    case "googleCloudResource":
      return first(e, "resourceType", "resourceId", "amazonResourceId", "fullResourceName");
    default:
      return "";
  }
}

const assetKindOf: Record<string, AssetKind> = {
  device: "devices",
  ioTDevice: "devices",
  user: "users",
  mailbox: "mailboxes",
  mailboxConfiguration: "mailboxes",
  oauthApplication: "apps",
  servicePrincipal: "apps",
  cloudApplication: "apps",
  azureResource: "cloudResources",
  amazonResource: "cloudResources",
  googleCloudResource: "cloudResources",
  blob: "cloudResources",
  blobContainer: "cloudResources",
  kubernetesCluster: "cloudResources",
  containerRegistry: "cloudResources",
};

const systemSids = new Set(["s-1-5-18", "s-1-5-19", "s-1-5-20", "s-1-5-7", "s-1-0-0", "s-1-1-0"]);
const systemNames = new Set([
  "",
  "system",
  "localsystem",
  "local system",
  "local service",
  "network service",
  "anonymous logon",
  "root",
  "système",
  "system@nt authority",
]);

function isSystemAccount(e: Evidence): boolean {
  if (systemSids.has(property(e, "userAccount.userSid").toLowerCase())) return true;
  const name = property(e, "userAccount.accountName").toLowerCase().split("\\").pop() ?? "";
  return systemNames.has(name) || /\$$|^dwm-|^umfd-|^font driver host/.test(name);
}

/** The kind of asset, or undefined for what is evidence only (and for accounts that every computer has). */
export function assetKind(e: Evidence): AssetKind | undefined {
  const type = evidenceType(e);
  if (type === "user" && isSystemAccount(e)) return undefined;
  return assetKindOf[type];
}

const firstLabel = (domain: string) => domain.split(".")[0] ?? "";

/** All names under which the entity is known; two pieces that share one are one thing. */
export function entityKeys(e: Evidence): string[] {
  const type = evidenceType(e);
  const lower = (path: string) => property(e, path).toLowerCase();
  const keys: string[] = [];
  const add = (kind: string, value: string) => value && keys.push(`${kind}:${value}`);
  const addFirst = (kind: string, ...paths: string[]) => add(kind, paths.map(lower).find(Boolean) ?? "");
  switch (type) {
    case "device":
      add("device", firstLabel(lower("deviceDnsName") || lower("hostName")));
      add("device", lower("mdeDeviceId"));
      break;
    case "user": {
      const upn = lower("userAccount.userPrincipalName");
      const domain = lower("userAccount.domainName");
      const account = lower("userAccount.accountName");
      const at = upn.indexOf("@");
      if (at > 0) add("user", `${upn.slice(0, at)}@${firstLabel(upn.slice(at + 1))}`);
      const sid = lower("userAccount.userSid");
      const object = lower("userAccount.azureAdUserId");
      if (account && (domain || (!sid && !object && keys.length === 0)))
        add("user", `${account}@${firstLabel(domain)}`);
      add("user", sid === "s-1-0-0" ? "" : sid);
      add("user", object);
      break;
    }
    case "mailbox":
      addFirst("mailbox", "primaryAddress", "upn");
      break;
    case "mailboxConfiguration":
      addFirst("mailbox", "mailboxPrimaryAddress", "upn");
      break;
    case "oauthApplication":
      addFirst("app", "appId", "objectId", "displayName");
      break;
    case "servicePrincipal":
      addFirst("app", "appId", "servicePrincipalObjectId", "servicePrincipalName");
      break;
    case "cloudApplication":
      addFirst("cloudApp", "saasAppId", "appId", "displayName");
      break;
    case "file":
      for (const hash of ["sha256", "sha1", "md5"]) {
        const value = lower(`fileDetails.${hash}`);
        if (/[^0]/.test(value)) add(hash, value);
      }
      if (keys.length === 0) add("path", lower("fileDetails.filePath") || lower("fileDetails.fileName"));
      break;
    case "analyzedMessage":
    case "submissionMail":
      addFirst("mail", "networkMessageId", "internetMessageId");
      break;
    case "process":
      add(
        "process",
        [lower("mdeDeviceId"), lower("processId"), lower("processCreationDateTime"), lower("processCommandLine")].join(
          "|",
        ),
      );
      break;
    case "azureResource":
      addFirst("cloud", "resourceId", "resourceName");
      break;
    case "amazonResource":
      addFirst("cloud", "amazonResourceId", "resourceName");
      break;
    case "googleCloudResource":
      addFirst("cloud", "fullResourceName", "resourceName");
      break;
  }
  if (keys.length === 0) add(type, entityName(e).toLowerCase());
  return keys;
}

export interface EntityRow {
  /** Identifies the row among the others. */
  key: string;
  /** All names under which the entity came. */
  keys: Set<string>;
  type: string;
  name: string;
  detail: string;
  kind?: AssetKind;
  verdict: string;
  remediation: string;
  roles: string[];
  firstSeen?: number;
  lastSeen?: number;
  alerts: Alert[];
  evidence: Evidence;
}

const verdictRank: Record<string, number> = { unknown: 0, noThreatsFound: 1, suspicious: 2, malicious: 3 };

/** Every entity of the alerts once, with all roles it played and the worst verdict it got, earliest first. */
export function collectEntities(alerts: Alert[], group: (e: Evidence) => string = evidenceType): EntityRow[] {
  const byKey = new Map<string, EntityRow>();
  const rows: EntityRow[] = [];
  for (const alert of alerts) {
    for (const e of alert.evidence ?? []) {
      const keys = entityKeys(e).map((key) => `${group(e)}/${key}`);
      let row = keys.map((key) => byKey.get(key)).find(Boolean);
      const seen = Date.parse(e.createdDateTime ?? alert.firstActivityDateTime ?? "");
      if (!row) {
        row = {
          key: keys[0] ?? "",
          keys: new Set(),
          type: evidenceType(e),
          name: entityName(e),
          detail: entityDetail(e),
          kind: assetKind(e),
          verdict: e.verdict ?? "unknown",
          remediation: e.remediationStatus ?? "none",
          roles: [],
          alerts: [],
          evidence: e,
        };
        rows.push(row);
      }
      for (const key of keys) byKey.set(key, row);
      absorb(row, e, alert, seen);
    }
  }
  return rows.sort((a, b) => (a.firstSeen ?? 0) - (b.firstSeen ?? 0) || a.name.localeCompare(b.name));
}

function absorb(row: EntityRow, e: Evidence, alert: Alert, seen: number) {
  for (const key of entityKeys(e)) row.keys.add(key);
  if (!Number.isNaN(seen)) {
    row.firstSeen = Math.min(row.firstSeen ?? seen, seen);
    const until = Date.parse(alert.lastActivityDateTime ?? "");
    row.lastSeen = Math.max(row.lastSeen ?? seen, seen, Number.isNaN(until) ? seen : until);
  }
  if ((verdictRank[e.verdict ?? "unknown"] ?? 0) > (verdictRank[row.verdict] ?? 0))
    row.verdict = e.verdict ?? "unknown";
  if (row.remediation === "none" && e.remediationStatus) row.remediation = e.remediationStatus;
  for (const role of e.roles ?? []) if (!row.roles.includes(role) && role !== "unknown") row.roles.push(role);
  // Alerts come one after the other, so one that is there already is the last.
  if (row.alerts.at(-1) !== alert) row.alerts.push(alert);
  if (fullness(entityName(e)) > fullness(row.name)) row.name = entityName(e);
  row.detail ||= entityDetail(e);
  row.kind ??= assetKind(e);
}

const machineMade = /^[0-9a-f]{8}-[0-9a-f]{4}-|^[0-9a-f]{32,}$/i;

/** The fuller spelling of one thing's name wins: FQDN over short name, UPN over account name, any name over an id. */
function fullness(name: string): number {
  if (machineMade.test(name)) return -1;
  return (name.match(/\./g)?.length ?? 0) + 2 * (name.match(/@/g)?.length ?? 0);
}

const interest = [
  ["user", "device", "ioTDevice"],
  ["analyzedMessage", "mailbox", "mailboxConfiguration", "oauthApplication", "servicePrincipal", "process", "file"],
  ["ip", "url", "dns", "azureResource", "amazonResource", "googleCloudResource", "registryKey", "registryValue"],
];

/** People and devices first, then what was used against them; sessions and clusters last. */
export function inOrderOfInterest(rows: EntityRow[]): EntityRow[] {
  const rank = ({ type }: EntityRow) => {
    const at = interest.findIndex((types) => types.includes(type));
    return at < 0 ? interest.length : at;
  };
  return [...rows].sort((a, b) => rank(a) - rank(b));
}

/** The best name of each entity in all alerts together: one alert may know an id where another knows the name. */
export function bestNames(alerts: Alert[]): (e: Evidence) => string {
  const names = new Map<string, string>();
  for (const row of collectEntities(alerts)) {
    for (const key of row.keys) names.set(`${row.type}/${key}`, row.name);
  }
  return (e) =>
    entityKeys(e)
      .map((key) => names.get(`${evidenceType(e)}/${key}`))
      .find(Boolean) ?? entityName(e);
}

/** The assets among the entities, each once per kind. */
export function collectAssets(alerts: Alert[]): EntityRow[] {
  return collectEntities(alerts, (e) => assetKindOf[evidenceType(e)] ?? evidenceType(e)).filter((row) => row.kind);
}

// By which properties a prepared query finds an entity again, the surest first; entities of other types have none.
const preyPaths: Record<string, string[]> = {
  device: ["deviceDnsName", "hostName", "mdeDeviceId"],
  user: [
    "userAccount.userPrincipalName",
    "userAccount.accountName",
    "userAccount.azureAdUserId",
    "userAccount.userSid",
  ],
  mailbox: ["primaryAddress", "upn"],
  ip: ["ipAddress"],
  file: ["fileDetails.sha256", "fileDetails.sha1", "fileDetails.md5", "fileDetails.fileName"],
  process: ["imageFile.fileName"],
  url: ["url"],
  dns: ["domainName"],
  analyzedMessage: ["networkMessageId", "internetMessageId"],
  mailCluster: ["networkMessageIds.0", "query"],
  oauthApplication: ["appId", "displayName"],
  servicePrincipal: ["appId", "servicePrincipalName"],
  cloudApplication: ["displayName", "saasAppId"],
  azureResource: ["resourceId", "resourceName"],
  amazonResource: ["resourceName", "amazonResourceId"],
  googleCloudResource: ["fullResourceName", "resourceName"],
  securityGroup: ["displayName", "securityGroupId"],
  registryKey: ["registryKey"],
  registryValue: ["registryKey", "registryValueName"],
};

/** What to hunt an entity by; undefined when hunting has no word for it. */
export function preyOf(e: Evidence): { type: string; value: string } | undefined {
  const type = evidenceType(e);
  const value = first(e, ...(preyPaths[type] ?? []));
  return value ? { type, value } : undefined;
}
