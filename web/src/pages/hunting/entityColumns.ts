// Which entity a column of the hunting tables names, for linking rows to an incident and for hunting on.
import type { Cell, HuntingColumn } from "../../api/hunting";
import { isEmptyCell } from "./cells";

export interface EntityChoice {
  role: "impacted" | "evidence";
  type: string;
  column: string;
}

/** The columns that name an entity, the one that people know it by first. */
const known: [string[], EntityChoice["role"], string][] = [
  [["DeviceName", "DeviceId"], "impacted", "device"],
  [["AccountUpn", "UserPrincipalName", "AccountName", "AccountObjectId", "AccountSid"], "impacted", "user"],
  [["RecipientEmailAddress"], "impacted", "mailbox"],
  [["RemoteIP", "IPAddress", "SenderIPv4", "DestinationIPAddress", "FileOriginIP", "LocalIP"], "evidence", "ip"],
  [["SHA256", "SHA1"], "evidence", "file"],
  [["RemoteUrl", "Url", "FileOriginUrl"], "evidence", "url"],
  [["NetworkMessageId"], "evidence", "mailMessage"],
  [["OAuthAppId", "OAuthApplicationId"], "evidence", "oauthApplication"],
];

export const entityTypes: { type: string; label: string; role: EntityChoice["role"] }[] = [
  { type: "device", label: "Device", role: "impacted" },
  { type: "user", label: "User", role: "impacted" },
  { type: "mailbox", label: "Mailbox", role: "impacted" },
  { type: "cloudApplication", label: "Cloud app", role: "impacted" },
  { type: "azureResource", label: "Azure resource", role: "impacted" },
  { type: "amazonResource", label: "AWS resource", role: "impacted" },
  { type: "googleCloudResource", label: "Google Cloud resource", role: "impacted" },
  { type: "ip", label: "IP address", role: "evidence" },
  { type: "file", label: "File", role: "evidence" },
  { type: "process", label: "Process", role: "evidence" },
  { type: "url", label: "URL", role: "evidence" },
  { type: "dns", label: "Domain", role: "evidence" },
  { type: "registryKey", label: "Registry key", role: "evidence" },
  { type: "registryValue", label: "Registry value", role: "evidence" },
  { type: "securityGroup", label: "Group", role: "evidence" },
  { type: "mailMessage", label: "Email", role: "evidence" },
  { type: "mailCluster", label: "Email cluster", role: "evidence" },
  { type: "oauthApplication", label: "OAuth app", role: "evidence" },
];

/** The entities that some of the rows name, each by the best of its columns. */
export function entitiesOf(columns: HuntingColumn[], rows: Cell[][]): EntityChoice[] {
  return known.flatMap(([names, role, type]) => {
    const column = names.find((name) => {
      const at = columns.findIndex((each) => each.name === name);
      return at >= 0 && rows.some((row) => !isEmptyCell(row[at]));
    });
    return column ? [{ role, type, column }] : [];
  });
}
