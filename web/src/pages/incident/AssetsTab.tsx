import { makeStyles, mergeClasses, Tab, TabList, tokens } from "@fluentui/react-components";
import { useSearchParams } from "react-router";
import { assetIcons } from "../../parts/assetIcons";
import { severityColor } from "../../parts/badges";
import { type AssetKind, assetKinds, type EntityRow, typeWord } from "../../parts/entities";
import { DesktopRegular } from "../../parts/icons";
import { EmptyState } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { usePhone } from "../../parts/useMedia";
import { When } from "../../parts/When";
import { count, roleWord, severities, severityWord } from "../../parts/words";
import { HuntFor } from "./HuntFor";

const useStyles = makeStyles({
  kinds: { margin: "0 0 8px -8px", overflowX: "auto", scrollbarWidth: "none" },
  number: { marginInlineStart: "6px", color: tokens.colorNeutralForeground3 },
  name: {
    display: "flex",
    gap: "10px",
    minWidth: "140px",
    overflowWrap: "anywhere",
    "& svg": { flexShrink: 0, fontSize: "20px", color: tokens.colorNeutralForeground3 },
  },
  strong: { fontWeight: tokens.fontWeightSemibold },
  small: { display: "block", fontSize: tokens.fontSizeBase200 },
  severity: { display: "inline-flex", alignItems: "center", gap: "6px", whiteSpace: "nowrap" },
  hunt: { textAlign: "end", whiteSpace: "nowrap" },
  dot: { width: "8px", height: "8px", borderRadius: "50%" },
});

/** The things that the attack touched. The numbers of the kinds add up to the number of the tab. */
export function AssetsTab({ assets, incident }: { assets: EntityRow[]; incident: string }) {
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  const [params, setParams] = useSearchParams();
  const asked = assetKinds.find(({ kind }) => kind === params.get("kind"))?.kind;
  const kind: AssetKind | "all" = asked ?? "all";
  const shown = kind === "all" ? assets : assets.filter((asset) => asset.kind === kind);
  if (assets.length === 0) {
    return (
      <EmptyState icon={DesktopRegular} title="No assets">
        The alerts of this incident name no device, user, mailbox, app or cloud resource.
      </EmptyState>
    );
  }
  return (
    <>
      <TabList
        size="small"
        className={styles.kinds}
        selectedValue={kind}
        aria-label="Kinds of assets"
        onTabSelect={(_, data) =>
          setParams(data.value === "all" ? {} : { kind: String(data.value) }, { replace: true })
        }
      >
        <Tab value="all">
          All<span className={styles.number}>{assets.length}</span>
        </Tab>
        {assetKinds.map(({ kind: each, label }) => (
          <Tab key={each} value={each}>
            {label}
            <span className={styles.number}>{assets.filter((asset) => asset.kind === each).length}</span>
          </Tab>
        ))}
      </TabList>
      {shown.length === 0 ? (
        <EmptyState icon={DesktopRegular} title="None of this kind" />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls must be reachable by keyboard
        <section className={mergeClasses(surface.card, surface.scroller)} tabIndex={0} aria-label="Assets">
          <table className={surface.table}>
            <thead>
              <tr>
                <th scope="col">Asset</th>
                {!phone && <th scope="col">Role</th>}
                <th scope="col">Worst alert</th>
                {!phone && (
                  <th scope="col" className="number">
                    Alerts
                  </th>
                )}
                {!phone && <th scope="col">Last seen</th>}
                <th scope="col">
                  <span className="unseen">Hunting</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((asset) => (
                <AssetRow key={asset.key} asset={asset} phone={phone} incident={incident} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

function AssetRow({ asset, phone, incident }: { asset: EntityRow; phone: boolean; incident: string }) {
  const styles = useStyles();
  const surface = useSurface();
  const Icon = asset.kind ? assetIcons[asset.kind] : DesktopRegular;
  const worst = severities.find((severity) => asset.alerts.some((alert) => alert.severity === severity)) ?? "unknown";
  const active = asset.alerts.filter((alert) => alert.status !== "resolved").length;
  return (
    <tr>
      <td>
        <span className={styles.name}>
          <Icon />
          <span>
            <span className={styles.strong}>
              <Untrusted text={asset.name} />
            </span>
            <span className={mergeClasses(styles.small, surface.muted)}>
              {typeWord(asset.type)}
              {asset.detail && asset.detail !== asset.name && (
                <>
                  {" · "}
                  <Untrusted text={asset.detail} />
                </>
              )}
            </span>
          </span>
        </span>
      </td>
      {!phone && <td>{asset.roles.map(roleWord).join(", ") || "–"}</td>}
      <td>
        <span className={styles.severity}>
          <span className={styles.dot} style={{ backgroundColor: severityColor(worst) }} />
          {severityWord(worst)}
        </span>
        {phone && (
          <span className={mergeClasses(styles.small, surface.muted)}>{count(asset.alerts.length, "alert")}</span>
        )}
      </td>
      {!phone && (
        <td className="number" title={`${active} of ${count(asset.alerts.length, "alert")} active`}>
          {asset.alerts.length}
        </td>
      )}
      {!phone && (
        <td>
          <When at={asset.lastSeen} />
        </td>
      )}
      <td className={styles.hunt}>
        <HuntFor entity={asset} incident={incident} compact={phone} />
      </td>
    </tr>
  );
}
