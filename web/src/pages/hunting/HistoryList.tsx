import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useHistory } from "../../api/hunting";
import { HistoryRegular } from "../../parts/icons";
import { EmptyState, ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { usePhone } from "../../parts/useMedia";
import { When } from "../../parts/When";
import { count } from "../../parts/words";

const useStyles = makeStyles({
  scroller: { height: "100%", overflow: "auto" },
  queryCell: { width: "100%", maxWidth: "0", minWidth: "180px" },
  nowrap: { whiteSpace: "nowrap" },
  query: {
    display: "-webkit-box",
    WebkitBoxOrient: "vertical",
    WebkitLineClamp: "2",
    overflow: "hidden",
    overflowWrap: "anywhere",
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: "12px",
  },
  card: {
    display: "grid",
    gap: "4px",
    padding: "10px 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    fontSize: tokens.fontSizeBase200,
  },
  actions: { display: "flex", gap: "4px", whiteSpace: "nowrap" },
});

const states = { completed: "Completed", failed: "Failed", throttled: "Throttled", cancelled: "Cancelled" } as const;

type Open = (part: { title?: string; text: string }, run?: boolean) => void;

/** The last queries of this person, to run again or to go on from. */
export function HistoryList({ open }: { open: Open }) {
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  const history = useHistory(true);
  if (history.isPending) return <LoadingLines rows={5} label="Loading the history" />;
  if (history.error) return <ErrorState error={history.error} retry={() => void history.refetch()} />;
  const items = history.data.items ?? [];
  if (items.length === 0)
    return (
      <EmptyState icon={HistoryRegular} title="No queries yet">
        What you run is listed here for 30 days.
      </EmptyState>
    );
  if (phone)
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      <section className={styles.scroller} aria-label="Query history" tabIndex={0}>
        <ul>
          {items.map((item) => (
            <li key={item.id} className={styles.card}>
              <div className={styles.query}>{item.query.replace(/\s+/g, " ")}</div>
              <span className={surface.muted}>
                <When at={item.time} /> · {states[item.state] ?? item.state} · {count(item.rows, "row")}
              </span>
              <Again text={item.query} open={open} />
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.scroller} aria-label="Query history" tabIndex={0}>
      <table className={surface.table}>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Query</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Rows
            </th>
            <th scope="col" className="number">
              Time
            </th>
            <th scope="col">Resource use</th>
            <th scope="col">
              <span className="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id}>
              <td className={styles.nowrap}>
                <When at={item.time} />
              </td>
              <td className={styles.queryCell}>
                <div className={styles.query} title={item.query}>
                  {item.query.replace(/\s+/g, " ")}
                </div>
              </td>
              <td>{states[item.state] ?? item.state}</td>
              <td className="number">{item.rows.toLocaleString()}</td>
              <td className={mergeClasses("number", styles.nowrap)}>
                {item.elapsedMs < 1000 ? `${item.elapsedMs} ms` : `${(item.elapsedMs / 1000).toFixed(1)} s`}
              </td>
              <td>{item.resource}</td>
              <td>
                <Again text={item.query} open={open} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What can be done with a query of before. */
function Again({ text, open }: { text: string; open: Open }) {
  const styles = useStyles();
  return (
    <div className={styles.actions}>
      <Button size="small" onClick={() => open({ text }, true)}>
        Run query
      </Button>
      <Button size="small" appearance="subtle" onClick={() => open({ text })}>
        Use in editor
      </Button>
    </div>
  );
}
