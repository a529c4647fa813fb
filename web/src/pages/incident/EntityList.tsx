import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { entityIcon } from "../../parts/assetIcons";
import { VerdictBadge } from "../../parts/badges";
import { type EntityRow, typeWord } from "../../parts/entities";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { roleWord } from "../../parts/words";
import { HuntFor } from "./HuntFor";

const useStyles = makeStyles({
  item: {
    display: "grid",
    gridTemplateColumns: "24px minmax(0, 1fr) auto",
    gap: "2px 10px",
    padding: "10px 0",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
    "& > svg": { fontSize: "20px", color: tokens.colorNeutralForeground3 },
  },
  small: { gridColumn: "2 / -1", fontSize: tokens.fontSizeBase200 },
  end: { display: "flex", alignItems: "center", gap: "4px" },
  name: { fontWeight: tokens.fontWeightSemibold },
});

/** Entities below each other: what, which, and how it was judged. */
export function EntityList({ entities, incident }: { entities: EntityRow[]; incident: string }) {
  const styles = useStyles();
  const surface = useSurface();
  if (entities.length === 0) return <p className={surface.muted}>This alert names no evidence.</p>;
  return (
    <ul>
      {entities.map((entity) => {
        const Icon = entityIcon(entity.type);
        const words = [typeWord(entity.type), ...entity.roles.map(roleWord)].join(" · ");
        return (
          <li key={entity.key} className={styles.item}>
            <Icon />
            <span className={styles.name}>
              <Untrusted text={entity.name} />
            </span>
            <span className={styles.end}>
              {entity.verdict !== "unknown" && <VerdictBadge verdict={entity.verdict} />}
              <HuntFor entity={entity} incident={incident} compact />
            </span>
            <span className={mergeClasses(styles.small, surface.muted)}>{words}</span>
            {entity.detail && entity.detail !== entity.name && (
              <span
                className={mergeClasses(
                  styles.small,
                  (entity.type === "process" || entity.type === "file") && surface.mono,
                )}
              >
                <Untrusted text={entity.detail} />
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
