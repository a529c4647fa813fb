import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useIntake, useQuarantine } from "../../api/data";
import type { Intake, Quarantine } from "../../api/types";
import { DatabaseRegular } from "../../parts/icons";
import { EmptyState, ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { Untrusted } from "../../parts/Untrusted";
import { useTitle } from "../../parts/useTitle";
import { When } from "../../parts/When";

const useStyles = makeStyles({
  page: {
    display: "grid",
    gap: "16px",
    padding: "20px 24px 32px",
    "@media (max-width: 720px)": { padding: "16px" },
  },
  title: {
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    fontWeight: tokens.fontWeightSemibold,
  },
  tiles: { display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(160px, 1fr))", gap: "12px" },
  tile: { display: "grid", gap: "2px", padding: "14px 18px" },
  number: {
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    fontWeight: tokens.fontWeightSemibold,
    fontVariantNumeric: "tabular-nums",
  },
  warn: { color: own("severityMediumText") },
  columns: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 3fr) minmax(0, 2fr)",
    gap: "16px",
    alignItems: "start",
    "@media (max-width: 1100px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  panel: { overflow: "hidden" },
  panelHead: { padding: "14px 12px 4px" },
  share: { width: "34%", minWidth: "80px", "@media (max-width: 720px)": { display: "none" } },
  track: { height: "6px", marginTop: "7px", borderRadius: "3px", backgroundColor: tokens.colorNeutralBackground4 },
  bar: { display: "block", height: "100%", minWidth: "2px", borderRadius: "3px", backgroundColor: own("chartFirst") },
  stack: { display: "grid", gap: "16px" },
  quiet: { padding: "8px 12px 16px" },
});

export default function DataPage() {
  const styles = useStyles();
  const surface = useSurface();
  useTitle("Data sources");
  const intake = useIntake();
  const quarantine = useQuarantine();
  return (
    <div className={styles.page}>
      <div>
        <h1 className={styles.title}>Data sources</h1>
        <p className={surface.muted}>What Tocsin has received, what it could not read, and the rules that watch it.</p>
      </div>
      {intake.isPending ? (
        <LoadingLines rows={6} height={32} label="Loading" />
      ) : intake.data === undefined ? (
        <ErrorState error={intake.error} retry={() => void intake.refetch()} />
      ) : (
        <>
          <Tiles intake={intake.data} />
          <div className={styles.columns}>
            <Tables tables={intake.data.tables ?? []} />
            <div className={styles.stack}>
              <Rules rules={intake.data.rules} />
              {quarantine.data && <SetAside quarantine={quarantine.data} />}
            </div>
          </div>
          {quarantine.error && <ErrorState error={quarantine.error} retry={() => void quarantine.refetch()} />}
          {quarantine.data && quarantine.data.recent?.length > 0 && <Recent quarantine={quarantine.data} />}
        </>
      )}
    </div>
  );
}

function Tile({ value, label, warn }: { value: number; label: string; warn?: boolean }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <div className={mergeClasses(surface.card, styles.tile)}>
      <span className={mergeClasses(styles.number, warn && styles.warn)}>{value.toLocaleString()}</span>
      <span className={surface.muted}>{label}</span>
    </div>
  );
}

function Tiles({ intake }: { intake: Intake }) {
  const styles = useStyles();
  return (
    <div className={styles.tiles}>
      <Tile value={intake.rows} label="Events stored" />
      <Tile value={(intake.tables ?? []).filter(({ rows }) => rows > 0).length} label="Tables with data" />
      <Tile value={intake.rules.enabled} label="Rules watching" />
      <Tile value={intake.quarantined} label="Records set aside" warn={intake.quarantined > 0} />
    </div>
  );
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <section className={mergeClasses(surface.card, styles.panel)}>
      <h2 className={mergeClasses(surface.heading, styles.panelHead)}>{title}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls must be reachable by keyboard */}
      <section className={surface.scroller} tabIndex={0} aria-label={title}>
        {children}
      </section>
    </section>
  );
}

function Tables({ tables }: { tables: Intake["tables"] }) {
  const styles = useStyles();
  const surface = useSurface();
  const filled = tables.filter(({ rows }) => rows > 0).sort((a, b) => b.rows - a.rows);
  const most = filled[0]?.rows ?? 1;
  if (filled.length === 0) {
    return (
      <Panel title="Events by table">
        <EmptyState icon={DatabaseRegular} title="No events yet">
          Send telemetry to Tocsin or import files, and the tables fill up here.
        </EmptyState>
      </Panel>
    );
  }
  return (
    <Panel title="Events by table">
      <table className={surface.table}>
        <thead>
          <tr>
            <th scope="col">Table</th>
            <th scope="col" className="number">
              Events
            </th>
            <th scope="col" className={styles.share}>
              <span className="unseen">Share</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {filled.map(({ name, rows }) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="number">{rows.toLocaleString()}</td>
              <td className={styles.share}>
                <div className={styles.track} aria-hidden="true">
                  <span className={styles.bar} style={{ width: `${(100 * rows) / most}%` }} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Rules({ rules }: { rules: Intake["rules"] }) {
  const surface = useSurface();
  const lines: [string, number][] = [
    ["Watching now", rules.enabled],
    ["Loaded", rules.loaded],
    ["Use something Tocsin cannot do", rules.unsupported],
    ["Could not be read", rules.failed],
  ];
  return (
    <Panel title="Detection rules">
      <table className={surface.table}>
        <tbody>
          {lines.map(([label, value]) => (
            <tr key={label}>
              <td>{label}</td>
              <td className="number">{value.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function SetAside({ quarantine }: { quarantine: Quarantine }) {
  const styles = useStyles();
  const surface = useSurface();
  const reasons = [...(quarantine.reasons ?? [])].sort((a, b) => b.count - a.count);
  return (
    <Panel title="Records set aside">
      {reasons.length === 0 ? (
        <p className={mergeClasses(surface.muted, styles.quiet)}>
          Every record found its table. Records that fit none are kept here with the reason.
        </p>
      ) : (
        <table className={surface.table}>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col" className="number">
                Records
              </th>
            </tr>
          </thead>
          <tbody>
            {reasons.map(({ reason, count }) => (
              <tr key={reason}>
                <td>
                  <Untrusted text={reason} />
                </td>
                <td className="number">{count.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Recent({ quarantine }: { quarantine: Quarantine }) {
  const surface = useSurface();
  return (
    <Panel title="Most recently set aside">
      <table className={surface.table}>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Source</th>
            <th scope="col">Record</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {quarantine.recent.map((item) => (
            <tr key={`${item.at}${item.source}${item.item}`}>
              <td>
                <When at={item.at} />
              </td>
              <td>
                <Untrusted text={item.source} />
              </td>
              <td className={surface.mono}>
                <Untrusted text={item.item} />
              </td>
              <td>
                <Untrusted text={item.reason} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
