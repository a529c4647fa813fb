import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { Incident } from "../../api/types";
import { Chips, Owner, SeverityBadge, StatusLabel, severityColor, Tags } from "../../parts/badges";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { count, sourceWord } from "../../parts/words";
import { AssetCounts } from "./columns";

const useStyles = makeStyles({
  list: { display: "grid", gap: "8px" },
  card: {
    position: "relative",
    display: "grid",
    gap: "8px",
    width: "100%",
    padding: "12px 16px 12px 18px",
    overflow: "hidden",
    font: "inherit",
    color: "inherit",
    textAlign: "start",
    cursor: "pointer",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  edge: { position: "absolute", insetBlock: 0, insetInlineStart: 0, width: "4px" },
  name: {
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  line: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px 12px", fontSize: tokens.fontSizeBase200 },
  end: { marginInlineStart: "auto" },
});

/** The queue on a phone. A tap opens the pane, which leads on to the page. */
export function IncidentCards({ incidents, onOpen }: { incidents: Incident[]; onOpen: (id: string) => void }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <ul className={styles.list} aria-label="Incidents">
      {incidents.map((incident) => (
        <li key={incident.id}>
          <button
            type="button"
            className={mergeClasses(surface.card, styles.card)}
            data-id={incident.id}
            onClick={() => onOpen(incident.id)}
          >
            <span className={styles.edge} style={{ backgroundColor: severityColor(incident.severity) }} />
            <span className={styles.line}>
              <SeverityBadge severity={incident.severity} />
              <StatusLabel status={incident.status} />
              <span className={mergeClasses(surface.muted, styles.end)}>#{incident.id}</span>
            </span>
            <span className={styles.name}>
              <Untrusted text={incident.displayName} />
            </span>
            <span className={styles.line}>
              <AssetCounts incident={incident} />
              <span className={surface.muted}>{count(incident.tocsin.alertCount, "alert")}</span>
            </span>
            <Chips items={(incident.tocsin.serviceSources ?? []).map(sourceWord)} limit={3} />
            <Tags system={incident.systemTags} custom={incident.customTags} limit={3} />
            <span className={styles.line}>
              <Owner name={incident.assignedTo} />
              <span className={mergeClasses(surface.muted, styles.end)}>
                <When at={incident.lastUpdateDateTime} />
              </span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
