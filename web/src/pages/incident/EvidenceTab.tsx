import { makeStyles, mergeClasses, Select, tokens } from "@fluentui/react-components";
import { Link, useSearchParams } from "react-router";
import { entityIcon } from "../../parts/assetIcons";
import { VerdictBadge } from "../../parts/badges";
import { type EntityRow, typeWord } from "../../parts/entities";
import { plainText } from "../../parts/hidden";
import { DocumentRegular } from "../../parts/icons";
import { EmptyState } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { usePhone } from "../../parts/useMedia";
import { When } from "../../parts/When";
import { count, remediationWord, roleWord } from "../../parts/words";
import { EntityList } from "./EntityList";
import { HuntFor } from "./HuntFor";

const useStyles = makeStyles({
  bar: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px 12px", marginBottom: "12px" },
  padded: { padding: "4px 16px" },
  name: {
    display: "flex",
    gap: "10px",
    minWidth: "290px",
    maxWidth: "460px",
    "& svg": { flexShrink: 0, fontSize: "20px", color: tokens.colorNeutralForeground3 },
  },
  hunt: { marginInlineStart: "auto", flexShrink: 0 },
  strong: { fontWeight: tokens.fontWeightSemibold },
  small: { display: "block" },
  link: {
    display: "block",
    maxWidth: "190px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    color: tokens.colorBrandForegroundLink,
    textDecoration: "none",
    ":hover": { textDecoration: "underline" },
  },
  nowrap: { whiteSpace: "nowrap" },
});

/** Everything that the alerts name, each once. The numbers of the types add up to the number of the tab. */
export function EvidenceTab({ entities, incident }: { entities: EntityRow[]; incident: string }) {
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  const [params, setParams] = useSearchParams();
  const types = [...new Set(entities.map(({ type }) => type))].sort((a, b) => typeWord(a).localeCompare(typeWord(b)));
  const type = types.find((each) => each === params.get("type")) ?? "";
  const shown = type ? entities.filter((entity) => entity.type === type) : entities;
  if (entities.length === 0) {
    return (
      <EmptyState icon={DocumentRegular} title="No evidence">
        The alerts of this incident name nothing.
      </EmptyState>
    );
  }
  return (
    <>
      <div className={styles.bar}>
        <Select
          aria-label="Type of evidence"
          value={type}
          onChange={(_, data) => setParams(data.value ? { type: data.value } : {}, { replace: true })}
        >
          <option value="">All types ({entities.length})</option>
          {types.map((each) => (
            <option key={each} value={each}>
              {typeWord(each)} ({entities.filter((entity) => entity.type === each).length})
            </option>
          ))}
        </Select>
        <span className={surface.muted} role="status">
          {count(shown.length, "item")}
        </span>
      </div>
      {phone ? (
        <div className={mergeClasses(surface.card, styles.padded)}>
          <EntityList entities={shown} incident={incident} />
        </div>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls must be reachable by keyboard
        <section className={mergeClasses(surface.card, surface.scroller)} tabIndex={0} aria-label="Evidence">
          <table className={surface.table}>
            <thead>
              <tr>
                <th scope="col">First seen</th>
                <th scope="col">Entity</th>
                <th scope="col">Type</th>
                <th scope="col">Verdict</th>
                <th scope="col">Remediation</th>
                <th scope="col">Role</th>
                <th scope="col">Found in</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((entity) => (
                <EvidenceRow key={entity.key} entity={entity} incident={incident} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

function EvidenceRow({ entity, incident }: { entity: EntityRow; incident: string }) {
  const styles = useStyles();
  const surface = useSurface();
  const Icon = entityIcon(entity.type);
  const origin = entity.alerts[0];
  const code = entity.type === "process" || entity.type === "file" || entity.type.startsWith("registry");
  return (
    <tr>
      <td className={styles.nowrap}>
        <When at={entity.firstSeen} exact />
      </td>
      <td>
        <span className={styles.name}>
          <Icon />
          <span>
            <span className={styles.strong}>
              <Untrusted text={entity.name} />
            </span>
            {entity.detail && entity.detail !== entity.name && (
              <span className={mergeClasses(styles.small, surface.muted, code && surface.mono)}>
                <Untrusted text={entity.detail} />
              </span>
            )}
          </span>
          <span className={styles.hunt}>
            <HuntFor entity={entity} incident={incident} compact />
          </span>
        </span>
      </td>
      <td className={styles.nowrap}>{typeWord(entity.type)}</td>
      <td>
        <VerdictBadge verdict={entity.verdict} />
      </td>
      <td className={styles.nowrap}>{remediationWord(entity.remediation)}</td>
      <td>{entity.roles.map(roleWord).join(", ") || "–"}</td>
      <td>
        {origin && (
          <Link
            className={styles.link}
            to={`/incidents/${origin.incidentId}/alerts?alert=${encodeURIComponent(origin.id)}`}
            title={plainText(origin.title)}
          >
            <Untrusted text={origin.title} />
          </Link>
        )}
        {entity.alerts.length > 1 && (
          <span className={surface.muted} title={entity.alerts.map(({ title }) => plainText(title)).join("\n")}>
            and {count(entity.alerts.length - 1, "more alert")}
          </span>
        )}
      </td>
    </tr>
  );
}
