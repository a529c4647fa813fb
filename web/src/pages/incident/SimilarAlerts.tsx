import {
  Button,
  Checkbox,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import { Link } from "react-router";
import {
  type Bulk,
  type SimilarAlerts as Similar,
  useAskBulk,
  useBulkAction,
  useBulks,
  useSimilarAlerts,
} from "../../api/manage";
import { useCan } from "../../api/session";
import type { Alert, Classification } from "../../api/types";
import { plainText } from "../../parts/hidden";
import { ClassificationFields } from "../../parts/ManagePanel";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { alertStatusWord, classificationWord, count, determinationWord, listWords } from "../../parts/words";

const useStyles = makeStyles({
  list: { listStyleType: "none", margin: 0, padding: 0, maxHeight: "320px", overflowY: "auto" },
  item: {
    display: "grid",
    gridTemplateColumns: "auto minmax(0, 1fr)",
    alignItems: "center",
    gap: "0 4px",
    padding: "4px 8px 4px 0",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ":last-child": { borderBottom: "none" },
  },
  bare: { paddingInlineStart: "12px" },
  link: {
    color: tokens.colorBrandForegroundLink,
    textDecoration: "none",
    overflowWrap: "anywhere",
    ":hover": { textDecoration: "underline" },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  facts: { fontSize: tokens.fontSizeBase200 },
  form: {
    display: "grid",
    gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
    gap: "12px",
    padding: "12px",
    alignItems: "end",
    "& .fui-Field": { gridTemplateColumns: "minmax(0, 1fr)" },
    "& select": { minWidth: 0 },
  },
  whole: { gridColumn: "1 / -1" },
});

function verdicts({ verdicts: of }: Similar): string {
  return listWords(
    of.map(({ classification, determination, count: n }) => {
      const why = determination === "unknown" ? "" : ` – ${determinationWord(determination)}`;
      return `${n.toLocaleString()} as ${classificationWord(classification)}${why}`;
    }),
  );
}

/** The other alerts of the same rule, or of the same name, of the last 30 days, to be judged together. */
export function SimilarAlerts({ alert }: { alert: Alert }) {
  const styles = useStyles();
  const surface = useSurface();
  const mayWrite = useCan("alert.write");
  const { data, isPending, error, refetch } = useSimilarAlerts(alert.id, true);
  // Nothing said: all of them.
  const [left, setLeft] = useState<Set<string>>(new Set());
  const all = data?.value ?? [];
  const chosen = all.filter(({ id }) => !left.has(id)).map(({ id }) => id);
  return (
    <section className={surface.section} aria-label="Similar alerts">
      <h3 className={surface.heading}>Similar alerts</h3>
      {isPending ? (
        <LoadingLines rows={2} label="Loading similar alerts" />
      ) : error ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : all.length === 0 ? (
        <p className={surface.muted}>No other alert of the same rule or name in the last 30 days.</p>
      ) : (
        <>
          <p className={surface.muted}>
            {data.more ? `The latest ${all.length}` : all.length.toLocaleString()} of the same rule or name in the last
            30 days{data.verdicts.length > 0 && `, classified: ${verdicts(data)}`}.
          </p>
          {mayWrite && (
            <Checkbox
              label="All of them"
              checked={chosen.length === all.length ? true : chosen.length === 0 ? false : "mixed"}
              onChange={() => setLeft(chosen.length === all.length ? new Set(all.map(({ id }) => id)) : new Set())}
            />
          )}
          <ul className={mergeClasses(surface.card, styles.list)}>
            {all.map((each) => (
              <li key={each.id} className={mergeClasses(styles.item, !mayWrite && styles.bare)}>
                {mayWrite && (
                  <Checkbox
                    aria-label={`${plainText(each.title)} in incident ${each.incidentId}`}
                    checked={!left.has(each.id)}
                    onChange={(_, { checked }) => {
                      const next = new Set(left);
                      if (checked) next.delete(each.id);
                      else next.add(each.id);
                      setLeft(next);
                    }}
                  />
                )}
                <div>
                  <Link
                    className={styles.link}
                    to={`/incidents/${each.incidentId}/alerts?alert=${encodeURIComponent(each.id)}`}
                  >
                    <Untrusted text={each.title} />
                  </Link>
                  <div className={mergeClasses(surface.muted, styles.facts)}>
                    Incident {each.incidentId} · <When at={each.createdDateTime} /> · {alertStatusWord(each.status)}
                    {each.classification !== "unknown" && ` · ${classificationWord(each.classification)}`}
                  </div>
                </div>
              </li>
            ))}
          </ul>
          {mayWrite && <ClassifyAll alert={alert} ids={chosen} />}
        </>
      )}
    </section>
  );
}

function told(job: Bulk | undefined): string {
  if (!job || job.state === "running") return "They are being changed.";
  if (job.undoneBy) return "Taken back, where nobody changed them since.";
  const parts = [`${count(job.changed, "alert")} changed`];
  if (job.unchanged) parts.push(`${job.unchanged.toLocaleString()} were so already`);
  if (job.refused) parts.push(`${job.refused.toLocaleString()} refused`);
  return `${listWords(parts)}.`;
}

function ClassifyAll({ alert, ids }: { alert: Alert; ids: string[] }) {
  const styles = useStyles();
  const surface = useSurface();
  const ask = useAskBulk("alert");
  const [verdict, setVerdict] = useState<{ classification: Classification; determination: string }>({
    classification: alert.classification,
    determination: alert.determination,
  });
  const [own, setOwn] = useState(true);
  const [resolve, setResolve] = useState(false);
  // The page's bar of such changes lies behind the pane.
  const { data: bulks = [] } = useBulks(ask.isSuccess);
  const job = bulks.find(({ id }) => id === ask.data?.id) ?? ask.data;
  const undo = useBulkAction("undo");
  const which = own ? [alert.id, ...ids] : ids;
  return (
    <form
      className={mergeClasses(surface.card, styles.form)}
      aria-label="Classify similar alerts"
      onSubmit={(event) => {
        event.preventDefault();
        if (which.length === 0 || ask.isPending) return;
        ask.mutate({ choice: { ids: which }, change: { ...verdict, status: resolve ? "resolved" : undefined } });
      }}
    >
      <ClassificationFields
        classification={verdict.classification}
        determination={verdict.determination}
        onChange={setVerdict}
      />
      <div className={styles.whole}>
        <Checkbox label="This alert, too" checked={own} onChange={(_, data) => setOwn(data.checked === true)} />
        <Checkbox label="Resolve them" checked={resolve} onChange={(_, data) => setResolve(data.checked === true)} />
      </div>
      {(ask.isError || ask.isSuccess) && (
        <MessageBar className={styles.whole} intent={ask.isError ? "error" : "success"} layout="multiline">
          <MessageBarBody>{ask.isError ? messageOf(ask.error) : told(job)}</MessageBarBody>
          {job?.canUndo && (
            <MessageBarActions>
              <Button size="small" disabledFocusable={undo.isPending} onClick={() => undo.mutate(job.id)}>
                Undo
              </Button>
            </MessageBarActions>
          )}
        </MessageBar>
      )}
      <div className={styles.whole}>
        <Button
          type="submit"
          appearance="primary"
          disabled={which.length === 0 || verdict.classification === "unknown"}
          disabledFocusable={ask.isPending}
        >
          {ask.isPending ? <Spinner size="tiny" label="Starting" /> : `Classify ${count(which.length, "alert")}`}
        </Button>
      </div>
    </form>
  );
}
