import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  MessageBar,
  MessageBarBody,
  makeStyles,
  ProgressBar,
  Tab,
  TabList,
  tokens,
} from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { type Bulk, useBulkAction, useBulkItems, useBulks } from "../api/manage";
import { DismissRegular } from "./icons";
import { ErrorState, LoadingLines, messageOf } from "./states";
import { own } from "./theme";
import { count } from "./words";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "6px 12px",
    padding: "8px 24px",
    backgroundColor: own("surface"),
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": { padding: "8px 16px" },
  },
  text: { minWidth: 0, flexGrow: 1 },
  progress: { flexBasis: "100%" },
  list: { maxHeight: "50vh", overflowY: "auto", margin: 0, paddingInlineStart: "20px", lineHeight: "24px" },
});

const seenKey = "tocsin.bulk.seen";
const recent = 30 * 60_000;

function words(bulk: Bulk): string {
  const what = bulk.undoOf ? "Undo" : "Change";
  if (bulk.state === "running") {
    return `${what} of ${count(bulk.total, bulk.noun)}: ${bulk.done.toLocaleString()} done`;
  }
  const parts = [`${bulk.changed.toLocaleString()} changed`];
  if (bulk.unchanged) parts.push(`${bulk.unchanged.toLocaleString()} were so already`);
  if (bulk.refused) parts.push(`${bulk.refused.toLocaleString()} refused`);
  const end = bulk.state === "cancelled" ? `cancelled after ${bulk.done.toLocaleString()}` : "finished";
  return `${what} of ${count(bulk.total, bulk.noun)} ${end}: ${parts.join(", ")}.`;
}

/** How far one's latest change of many is. It stands above every page, so that it survives going elsewhere. */
export function BulkProgress({ enabled }: { enabled: boolean }) {
  const styles = useStyles();
  const client = useQueryClient();
  const { data: bulks = [] } = useBulks(enabled);
  const [seen, setSeen] = useState(() => Number(sessionStorage.getItem(seenKey)) || 0);
  const [details, setDetails] = useState<number>();
  const undo = useBulkAction("undo");
  const cancel = useBulkAction("cancel");
  const latest = bulks[0];
  const running = latest?.state === "running";
  const was = useRef(running);
  useEffect(() => {
    // What the lists show changed without a word from this window.
    if (was.current && !running) {
      for (const key of ["incidents", "incident", "alerts", "activities"])
        void client.invalidateQueries({ queryKey: [key] });
    }
    was.current = running;
  }, [running, client]);
  if (!latest || latest.id <= seen) return null;
  if (!running && Date.now() - Date.parse(latest.finishedDateTime ?? latest.createdDateTime) > recent) return null;
  const failure = undo.error ?? cancel.error;
  return (
    <section className={styles.bar} aria-label="Change of many">
      <span className={styles.text} role="status">
        {words(latest)}
      </span>
      {failure ? (
        <MessageBar intent="error">
          <MessageBarBody>{messageOf(failure)}</MessageBarBody>
        </MessageBar>
      ) : null}
      {running && (
        <Button size="small" disabledFocusable={cancel.isPending} onClick={() => cancel.mutate(latest.id)}>
          Cancel
        </Button>
      )}
      {!running && (
        <>
          <Button size="small" onClick={() => setDetails(latest.id)}>
            Details
          </Button>
          {latest.canUndo && (
            <Button size="small" disabledFocusable={undo.isPending} onClick={() => undo.mutate(latest.id)}>
              Undo
            </Button>
          )}
          <Button
            size="small"
            appearance="subtle"
            icon={<DismissRegular />}
            aria-label="Close this message"
            onClick={() => {
              sessionStorage.setItem(seenKey, String(latest.id));
              setSeen(latest.id);
            }}
          />
        </>
      )}
      {running && (
        <ProgressBar
          className={styles.progress}
          value={latest.total ? latest.done / latest.total : 0}
          aria-label={`${latest.done} of ${latest.total}`}
        />
      )}
      {details !== undefined && <Items id={details} noun={latest.noun} onClose={() => setDetails(undefined)} />}
    </section>
  );
}

function Items({ id, noun, onClose }: { id: number; noun: Bulk["noun"]; onClose: () => void }) {
  const styles = useStyles();
  const [state, setState] = useState("refused");
  const { data: items = [], isPending, error } = useBulkItems(id, state, true);
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>What became of each</DialogTitle>
          <DialogContent>
            <TabList selectedValue={state} onTabSelect={(_, data) => setState(String(data.value))}>
              <Tab value="refused">Refused</Tab>
              <Tab value="changed">Changed</Tab>
              <Tab value="unchanged">Were so already</Tab>
            </TabList>
            {isPending ? (
              <LoadingLines rows={4} height={20} label="Loading" />
            ) : error ? (
              <ErrorState error={error} />
            ) : items.length === 0 ? (
              <p>None</p>
            ) : (
              <ul className={styles.list}>
                {items.map((item) => (
                  <li key={item.position}>
                    {noun === "incident" ? (
                      <Link to={`/incidents/${item.id}`} onClick={onClose}>
                        Incident {item.id}
                      </Link>
                    ) : (
                      `Alert ${item.id}`
                    )}
                    {item.reason ? `: ${item.reason}` : ""}
                  </li>
                ))}
              </ul>
            )}
            {items.length >= 200 && <p>These are the first 200.</p>}
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>Close</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
