// Which entity a column of the hunting tables names, for linking rows to an incident and for hunting on.
import type { HuntingColumn } from "../../api/hunting";

export interface EntityChoice {
  role: "impacted" | "evidence";
  type: string;
  column: string;
}

const known: [RegExp, EntityChoice["role"], string][] = [
  [/^(DeviceId|DeviceName)$/, "impacted", "device"],
  [/^(AccountObjectId|AccountUpn|AccountSid|UserPrincipalName|AccountName)$/, "impacted", "user"],
  [/^(RecipientEmailAddress)$/, "impacted", "mailbox"],
  [/^(RemoteIP|IPAddress|SenderIPv4|LocalIP|FileOriginIP|DestinationIPAddress)$/, "evidence", "ip"],
  [/^(SHA256|SHA1)$/, "evidence", "file"],
  [/^(RemoteUrl|Url|FileOriginUrl)$/, "evidence", "url"],
  [/^(NetworkMessageId)$/, "evidence", "mailMessage"],
  [/^(OAuthApplicationId|ApplicationId)$/, "evidence", "oauthApplication"],
];

export const entityTypes: { type: string; label: string; role: EntityChoice["role"] }[] = [
  { type: "device", label: "Device", role: "impacted" },
  { type: "user", label: "User", role: "impacted" },
  { type: "mailbox", label: "Mailbox", role: "impacted" },
  { type: "cloudApplication", label: "Cloud application", role: "impacted" },
  { type: "ip", label: "IP address", role: "evidence" },
  { type: "file", label: "File", role: "evidence" },
  { type: "process", label: "Process", role: "evidence" },
  { type: "url", label: "URL", role: "evidence" },
  { type: "mailMessage", label: "Mail message", role: "evidence" },
  { type: "oauthApplication", label: "OAuth application", role: "evidence" },
];

/** The entity that a column's name tells, if any. */
export function entityOf(column: string): EntityChoice | undefined {
  const hit = known.find(([pattern]) => pattern.test(column));
  return hit && { role: hit[1], type: hit[2], column };
}

/** One column for each type, the first pattern's first name before others. */
export function guessEntities(columns: HuntingColumn[]): EntityChoice[] {
  const found = new Map<string, EntityChoice>();
  for (const [pattern, role, type] of known) {
    const hit = columns.find(({ name }) => pattern.test(name));
    if (hit && !found.has(type)) found.set(type, { role, type, column: hit.name });
  }
  return [...found.values()];
}
