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
