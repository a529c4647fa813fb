import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useQueueSummary } from "../../api/incidents";
import type { QueueSummary } from "../../api/types";
import { severityColor } from "../../parts/badges";
import { ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { clockTime, dateTime } from "../../parts/when";
import { count, severities, severityWord } from "../../parts/words";

const useStyles = makeStyles({
  strip: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr) minmax(280px, auto)",
    "@media (max-width: 1100px)": { gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)" },
    "@media (max-width: 720px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  part: {
    padding: "14px 20px 12px",
    "& + &": { borderLeft: `1px solid ${tokens.colorNeutralStroke3}` },
    "@media (max-width: 720px)": {
      "& + &": { borderLeft: "none", borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
    },
  },
  wideOnMedium: {
    "@media (max-width: 1100px)": { gridColumn: "1 / -1", borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
  },
  head: { display: "flex", alignItems: "baseline", gap: "8px", marginBottom: "10px" },
  total: { fontSize: tokens.fontSizeBase600, lineHeight: 1, fontWeight: tokens.fontWeightSemibold },
  chart: { display: "block", width: "100%", height: "56px" },
  axis: {
    display: "flex",
    justifyContent: "space-between",
    marginTop: "4px",
    fontSize: tokens.fontSizeBase100,
    color: tokens.colorNeutralForeground3,
  },
  open: {
    display: "grid",
    gridTemplateColumns: "repeat(4, auto)",
    justifyContent: "space-between",
    gap: "4px",
    "@media (min-width: 1101px)": { gap: "16px" },
  },
  tile: {
    display: "grid",
    gap: "4px",
    padding: "6px 8px",
    margin: "-6px -8px",
    border: "none",
    borderRadius: "6px",
    background: "none",
    font: "inherit",
    color: "inherit",
    textAlign: "start",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  label: {
    display: "flex",
    alignItems: "center",
    gap: "6px",
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
  },
  swatch: { width: "8px", height: "8px", borderRadius: "2px" },
});

/** The last 24 hours at a glance, and how many incidents of each severity are open. */
export function Strip({ onSeverity }: { onSeverity: (severity: string) => void }) {
  const styles = useStyles();
  const surface = useSurface();
  const { data, isPending, error, refetch } = useQueueSummary(true);
  if (isPending) return <LoadingLines rows={2} height={32} label="Loading the last 24 hours" />;
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <section className={mergeClasses(surface.card, styles.strip)} aria-label="Most recent incidents and alerts">
      <Hours name="Alerts received" hours={data.hours} field="alerts" color={own("chartFirst")} />
      <Hours name="Incidents created" hours={data.hours} field="incidents" color={own("chartSecond")} />
      <div className={mergeClasses(styles.part, styles.wideOnMedium)}>
        <div className={styles.head}>
          <h2 className={surface.heading}>Open incidents</h2>
        </div>
        <div className={styles.open}>
          {severities.map((severity) => (
            <button
              key={severity}
              type="button"
              className={styles.tile}
              title={`Show only severity ${severityWord(severity).toLowerCase()}`}
              onClick={() => onSeverity(severity)}
            >
              <span className={styles.total}>{(data.open?.[severity] ?? 0).toLocaleString()}</span>
              <span className={styles.label}>
                <span className={styles.swatch} style={{ backgroundColor: severityColor(severity) }} />
                {severityWord(severity)}
              </span>
            </button>
          ))}
        </div>
      </div>
    </section>
  );
}

interface HoursProps {
  name: string;
  hours: QueueSummary["hours"];
  field: "alerts" | "incidents";
  color: string;
}

function Hours({ name, hours, field, color }: HoursProps) {
  const styles = useStyles();
  const surface = useSurface();
  const most = Math.max(1, ...hours.map((hour) => hour[field]));
  const total = hours.reduce((sum, hour) => sum + hour[field], 0);
  const step = 240 / Math.max(1, hours.length);
  const first = hours[0];
  return (
    <div className={styles.part}>
      <div className={styles.head}>
        <span className={styles.total}>{total.toLocaleString()}</span>
        <h2 className={surface.heading}>{name}</h2>
        <span className={surface.muted}>in 24 hours</span>
      </div>
      <svg
        className={styles.chart}
        viewBox="0 0 240 56"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name} per hour: ${count(total, "in all", "in all")}, at most ${most} in one hour`}
      >
        {hours.map((hour, i) => {
          const height = hour[field] === 0 ? 1.5 : Math.max(4, (54 * hour[field]) / most);
          const at = Date.parse(hour.at);
          return (
            <g key={hour.at}>
              <title>{`${dateTime(at)}: ${hour[field].toLocaleString()}`}</title>
              <rect x={i * step} y="0" width={step} height="56" fill="transparent" />
              <rect
                x={i * step + 1}
                y={56 - height}
                width={step - 2}
                height={height}
                fill={hour[field] === 0 ? tokens.colorNeutralStroke2 : color}
              />
            </g>
          );
        })}
      </svg>
      <div className={styles.axis} aria-hidden="true">
        <span>{first ? clockTime(Date.parse(first.at), false) : ""}</span>
        <span>now</span>
      </div>
    </div>
  );
}
