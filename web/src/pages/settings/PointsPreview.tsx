import { makeStyles, tokens } from "@fluentui/react-components";
import { Link } from "react-router";
import type { ScoringPreview } from "../../api/scoring";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";

const useStyles = makeStyles({
  stack: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "8px" },
  name: { minWidth: "110px" },
  link: { color: tokens.colorBrandForegroundLink, textDecoration: "none", ":hover": { textDecoration: "underline" } },
});

/** What other points would make of the open incidents. Nothing is changed yet. */
export function PointsPreview({ preview }: { preview: ScoringPreview }) {
  const styles = useStyles();
  const surface = useSurface();
  const { incidents, changed, red, most } = preview;
  return (
    <section className={styles.stack} aria-label="What would change">
      <p role="status">
        <b>
          {changed} of {incidents} open incidents
        </b>{" "}
        would get another score.{" "}
        {red[0] === red[1] ? `${red[0]} stay red.` : `Red would be ${red[1]} instead of ${red[0]}.`}
      </p>
      {most.length > 0 && (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section className={surface.scroller} tabIndex={0} aria-label="Incidents that change most">
            <table className={surface.table}>
              <thead>
                <tr>
                  <th scope="col">Incident</th>
                  <th scope="col" className="number">
                    Now
                  </th>
                  <th scope="col" className="number">
                    Then
                  </th>
                  <th scope="col" className="number">
                    Difference
                  </th>
                </tr>
              </thead>
              <tbody>
                {most.map(({ id, displayName, before, after }) => (
                  <tr key={id}>
                    <td className={styles.name}>
                      <Link className={styles.link} to={`/incidents/${id}`}>
                        {id}: <Untrusted text={displayName} />
                      </Link>
                    </td>
                    <td className="number">{before}</td>
                    <td className="number">{after}</td>
                    <td className="number">{after > before ? `+${after - before}` : `−${before - after}`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          {changed > most.length && <p className={surface.muted}>The {most.length} that change most are shown.</p>}
        </>
      )}
    </section>
  );
}
