// Small labels that say one word: severity, status, verdict, tag. None says it by color alone.
import { Avatar, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useGroups } from "../api/manage";
import { useScoreBands } from "../api/scoring";
import { plainText } from "./hidden";
import { CheckmarkCircleRegular, CircleHalfFillRegular, CircleRegular } from "./icons";
import { own } from "./theme";
import { Untrusted } from "./Untrusted";
import { alertStatusWord, severityWord, statusWord, verdictWord } from "./words";

const useStyles = makeStyles({
  pill: {
    display: "inline-flex",
    verticalAlign: "middle",
    alignItems: "center",
    gap: "6px",
    paddingInline: "8px",
    height: "22px",
    borderRadius: "11px",
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    whiteSpace: "nowrap",
    flexShrink: 0,
  },
  high: { color: own("severityHighText"), backgroundColor: own("severityHighTint") },
  medium: { color: own("severityMediumText"), backgroundColor: own("severityMediumTint") },
  low: { color: own("severityLowText"), backgroundColor: own("severityLowTint") },
  info: { color: own("severityInfoText"), backgroundColor: own("severityInfoTint") },
  score: { minWidth: "38px", justifyContent: "center", fontVariantNumeric: "tabular-nums" },
  good: { color: own("good"), backgroundColor: own("goodTint") },
  status: {
    display: "inline-flex",
    verticalAlign: "middle",
    alignItems: "center",
    gap: "6px",
    whiteSpace: "nowrap",
    "& svg": { fontSize: "16px", flexShrink: 0 },
  },
  statusOpen: { color: tokens.colorBrandForeground1 },
  statusDone: { color: own("good") },
  statusGone: { color: tokens.colorNeutralForeground3 },
  tag: {
    display: "inline-flex",
    alignItems: "center",
    maxWidth: "220px",
    height: "22px",
    paddingInline: "8px",
    borderRadius: "4px",
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    fontSize: tokens.fontSizeBase200,
    backgroundColor: own("surface"),
    "& bdi": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  },
  systemTag: {
    color: own("severityHighText"),
    backgroundColor: own("severityHighTint"),
    border: "1px solid transparent",
    fontWeight: tokens.fontWeightSemibold,
  },
  chip: {
    display: "inline-flex",
    alignItems: "center",
    height: "22px",
    paddingInline: "8px",
    borderRadius: "4px",
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
    backgroundColor: own("chip"),
    whiteSpace: "nowrap",
  },
  row: { display: "flex", flexWrap: "wrap", gap: "4px", alignItems: "center" },
  oneLine: { flexWrap: "nowrap", overflow: "hidden" },
  owner: { display: "inline-flex", verticalAlign: "middle", alignItems: "center", gap: "6px", minWidth: 0 },
  nobody: { color: tokens.colorNeutralForeground3 },
});

const tone = { high: "high", medium: "medium", low: "low", informational: "info", unknown: "info" } as const;
const bars: Record<string, number> = { high: 3, medium: 2, low: 1, informational: 0, unknown: 0 };

/** Three rising bars, filled as far as the severity goes: readable without color. */
function SeverityBars({ severity }: { severity: string }) {
  const filled = bars[severity] ?? 0;
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      {[0, 1, 2].map((i) => (
        <rect
          key={i}
          x={i * 4.25}
          y={8 - i * 3.5}
          width="3"
          height={4 + i * 3.5}
          rx="1"
          fill="currentColor"
          opacity={i < filled ? 1 : 0.28}
        />
      ))}
    </svg>
  );
}

export function SeverityBadge({ severity }: { severity: string }) {
  const styles = useStyles();
  return (
    <span className={mergeClasses(styles.pill, styles[tone[severity as keyof typeof tone] ?? "info"])}>
      <SeverityBars severity={severity} />
      {severityWord(severity)}
    </span>
  );
}

/** The color of a severity for edges, dots and bars. */
export function severityColor(severity: string): string {
  if (severity === "high") return own("severityHigh");
  if (severity === "medium") return own("severityMedium");
  if (severity === "low") return own("severityLow");
  return own("severityInfo");
}

/** The priority score in the color of its band, as Defender has them: above 85, from 15, below. */
export function PriorityBadge({ score }: { score?: number | null }) {
  const styles = useStyles();
  const { high, low } = useScoreBands();
  if (score === undefined || score === null) return <span>–</span>;
  const look = score > high ? styles.high : score >= low ? styles.medium : styles.info;
  return <span className={mergeClasses(styles.pill, styles.score, look)}>{score}</span>;
}

export function StatusLabel({ status, ofAlert }: { status: string; ofAlert?: boolean }) {
  const styles = useStyles();
  const done = status === "resolved";
  const gone = status === "redirected";
  const Icon = done ? CheckmarkCircleRegular : status === "inProgress" ? CircleHalfFillRegular : CircleRegular;
  return (
    <span className={styles.status}>
      <Icon className={done ? styles.statusDone : gone ? styles.statusGone : styles.statusOpen} />
      {ofAlert ? alertStatusWord(status) : statusWord(status)}
    </span>
  );
}

export function VerdictBadge({ verdict }: { verdict: string }) {
  const styles = useStyles();
  const look =
    verdict === "malicious"
      ? styles.high
      : verdict === "suspicious"
        ? styles.medium
        : verdict === "noThreatsFound"
          ? styles.good
          : styles.info;
  return <span className={mergeClasses(styles.pill, look)}>{verdictWord(verdict)}</span>;
}

/** Tags that the system set come first and look different: they cannot be edited. */
export function Tags({ system = [], custom = [], limit }: { system?: string[]; custom?: string[]; limit?: number }) {
  const styles = useStyles();
  const all = [...system.map((tag) => ({ tag, own: false })), ...custom.map((tag) => ({ tag, own: true }))];
  const shown = limit === undefined ? all : all.slice(0, limit);
  const rest = all.slice(shown.length);
  if (all.length === 0) return null;
  return (
    <span className={mergeClasses(styles.row, limit !== undefined && styles.oneLine)}>
      {shown.map(({ tag, own: mine }) => (
        <span
          key={`${mine}${tag}`}
          className={mergeClasses(styles.tag, !mine && styles.systemTag)}
          title={mine ? plainText(tag) : `${plainText(tag)} (set by Tocsin)`}
        >
          <Untrusted text={tag} />
        </span>
      ))}
      {rest.length > 0 && (
        <span className={styles.chip} title={rest.map(({ tag }) => plainText(tag)).join(", ")}>
          +{rest.length}
        </span>
      )}
    </span>
  );
}

/** Plain words as chips on one line; those that do not fit the limit are counted and named in the tooltip. */
export function Chips({ items, limit }: { items: string[]; limit?: number }) {
  const styles = useStyles();
  if (items.length === 0) return <span>–</span>;
  const shown = limit === undefined ? items : items.slice(0, limit);
  const rest = items.slice(shown.length);
  return (
    <span className={mergeClasses(styles.row, limit !== undefined && styles.oneLine)}>
      {shown.map((item) => (
        <span key={item} className={styles.chip}>
          {item}
        </span>
      ))}
      {rest.length > 0 && (
        <span className={styles.chip} title={rest.join(", ")}>
          +{rest.length}
        </span>
      )}
    </span>
  );
}

export function Owner({ name: owner, size = 20 }: { name: string | null | undefined; size?: 20 | 24 }) {
  const styles = useStyles();
  const { data: groups = [] } = useGroups();
  const name = groups.find((group) => group.owner === owner)?.name ?? owner;
  if (!name) return <span className={styles.nobody}>Unassigned</span>;
  return (
    <span className={styles.owner} title={plainText(name)}>
      <Avatar size={size} name={name} color="colorful" aria-hidden="true" />
      <Untrusted text={name} />
    </span>
  );
}
