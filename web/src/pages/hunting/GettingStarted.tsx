import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useSurface } from "../../parts/surface";

const useStyles = makeStyles({
  page: { display: "grid", gap: "14px", padding: "16px 20px 24px" },
  cards: { display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(260px, 1fr))", gap: "12px" },
  card: { display: "flex", flexDirection: "column", alignItems: "flex-start", gap: "8px", padding: "14px 16px" },
  actions: { display: "flex", gap: "8px", marginTop: "auto" },
  keys: { display: "flex", flexWrap: "wrap", gap: "6px 20px", fontSize: tokens.fontSizeBase200 },
});

const samples = [
  {
    title: "What has been seen",
    about: "How many events each table of the devices holds, hour by hour.",
    text: "union withsource=Table Device*\n| summarize Events = count() by Table, bin(Timestamp, 1h)\n| render timechart",
  },
  {
    title: "PowerShell that hides",
    about: "Encoded or hidden PowerShell, with the process that started it.",
    text: 'DeviceProcessEvents\n| where FileName in~ ("powershell.exe", "pwsh.exe")\n| where ProcessCommandLine has_any ("-enc", "-EncodedCommand", "hidden", "FromBase64String")\n| project Timestamp, DeviceName, AccountName, ProcessCommandLine, InitiatingProcessFileName\n| sort by Timestamp desc',
  },
  {
    title: "Rare outside addresses",
    about: "Public addresses that one device alone speaks to.",
    text: "DeviceNetworkEvents\n| where isnotempty(RemoteIP) and not(ipv4_is_private(RemoteIP))\n| summarize Devices = dcount(DeviceId), Connections = count(), Names = make_set(DeviceName, 5) by RemoteIP\n| where Devices == 1\n| top 50 by Connections",
  },
  {
    title: "Sign-ins that failed, then worked",
    about: "Accounts with many failures and a success soon after.",
    text: "DeviceLogonEvents\n| summarize Failed = countif(ActionType == 'LogonFailed'), Worked = countif(ActionType == 'LogonSuccess') by AccountName, DeviceName, bin(Timestamp, 1h)\n| where Failed > 5 and Worked > 0\n| sort by Failed",
  },
  {
    title: "Alerts and whom they are about",
    about: "The portal's own alerts, joined with the devices and users in them.",
    text: "AlertInfo\n| join kind=inner AlertEvidence on AlertId\n| summarize Alerts = dcount(AlertId), Titles = make_set(Title, 5) by EntityType, DeviceName, AccountUpn\n| sort by Alerts",
  },
];

/** Something to begin with, for a page without results. */
export function GettingStarted({ open }: { open: (part: { title: string; text: string }, run?: boolean) => void }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <div className={styles.page}>
      <div>
        <h2 className={surface.heading}>Ask your telemetry anything, in KQL</h2>
        <p className={surface.muted}>
          Queries that you have from Microsoft Defender or Sentinel run as they are. Begin with one of these, or with a
          table of the schema.
        </p>
      </div>
      <div className={styles.cards}>
        {samples.map(({ title, about, text }) => (
          <article key={title} className={`${surface.card} ${styles.card}`}>
            <h3 className={surface.heading}>{title}</h3>
            <p className={surface.muted}>{about}</p>
            <div className={styles.actions}>
              <Button size="small" appearance="primary" onClick={() => open({ title, text }, true)}>
                Run query
              </Button>
              <Button size="small" onClick={() => open({ title, text })}>
                Open
              </Button>
            </div>
          </article>
        ))}
      </div>
      <p className={`${surface.muted} ${styles.keys}`}>
        <span>Shift+Enter runs the query under the cursor</span>
        <span>A blank line parts two queries</span>
        <span>Ctrl+Space completes</span>
        <span>Ctrl+S saves</span>
        <span>Ctrl+M lets Tab leave the editor</span>
      </p>
    </div>
  );
}
