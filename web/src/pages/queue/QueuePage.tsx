import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Spinner,
  ToggleButton,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useQueue } from "../../api/incidents";
import { useUndo } from "../../api/rearrange";
import { useCan, useSession } from "../../api/session";
import type { Incident } from "../../api/types";
import {
  CheckmarkRegular,
  DataBarVerticalRegular,
  DismissRegular,
  LinkRegular,
  MergeRegular,
  ShieldTaskRegular,
} from "../../parts/icons";
import { EmptyState, ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { usePhone } from "../../parts/useMedia";
import { useTitle } from "../../parts/useTitle";
import { count } from "../../parts/words";
import { ColumnMenu } from "./ColumnMenu";
import { useColumnChoice } from "./columns";
import { FilterBar } from "./FilterBar";
import { defaultFilter, fromParams, isDefaultView, type QueueFilter, toOData, toOrderBy, toParams } from "./filter";
import { IncidentCards } from "./IncidentCards";
import { IncidentPane } from "./IncidentPane";
import { IncidentTable } from "./IncidentTable";
import { MergeDialog } from "./MergeDialog";
import { Strip } from "./Strip";

const useStyles = makeStyles({
  page: {
    display: "flex",
    flexDirection: "column",
    gap: "12px",
    height: "100%",
    minHeight: "520px",
    padding: "20px 24px 16px",
    "@media (max-width: 720px)": { height: "auto", padding: "16px 16px 24px" },
  },
  head: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 12px" },
  title: {
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    fontWeight: tokens.fontWeightSemibold,
  },
  total: { color: tokens.colorNeutralForeground3, fontVariantNumeric: "tabular-nums" },
  tools: { display: "flex", flexWrap: "wrap", marginInlineStart: "auto", gap: "4px" },
  list: {
    display: "flex",
    flexDirection: "column",
    flexGrow: 1,
    minHeight: "200px",
    overflow: "hidden",
    "@media (max-width: 720px)": { overflow: "visible", border: "none", backgroundColor: "transparent" },
  },
  stale: { opacity: 0.6, transition: "opacity 120ms" },
});

const stripKey = "tocsin.queue.strip";

export default function QueuePage() {
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  useTitle("Incidents");
  const user = useSession().data?.user;
  const columnChoice = useColumnChoice(user?.id ?? "");
  const { filter, change, paneId, showPane } = useQueueAddress();
  const [strip, setStrip] = useState(() => localStorage.getItem(stripKey) === "1");
  const me = user?.userName ?? "";
  // The end of "last 7 days" moves on when the filter changes and not with every redraw.
  const query = useMemo(
    () => ({ filter: toOData(filter, me, Date.now()), search: filter.search, orderBy: toOrderBy(filter.sort) }),
    [filter, me],
  );
  const queue = useQueue(query);
  const incidents = useMemo(() => once(queue.data?.pages.flatMap((page) => page.value) ?? []), [queue.data]);
  const total = queue.data?.pages[0]?.["@odata.count"];
  const selection = useSelection();
  const mayWrite = useCan("incident.write");
  const undo = useUndo();
  const [merging, setMerging] = useState(false);
  const [merged, setMerged] = useState<{ target: string; rearrangements: number[] }>();

  const list = queue.isPending ? (
    <LoadingLines rows={10} height={phone ? 48 : 32} label="Loading incidents" />
  ) : queue.error && incidents.length === 0 ? (
    <ErrorState error={queue.error} retry={() => void queue.refetch()} />
  ) : incidents.length === 0 ? (
    <NothingFound filter={filter} onReset={() => change({ ...defaultFilter, from: undefined, to: undefined })} />
  ) : (
    <>
      {phone ? (
        <IncidentCards incidents={incidents} onOpen={showPane} />
      ) : (
        <IncidentTable
          incidents={incidents}
          columnIds={columnChoice.chosen}
          sort={filter.sort}
          onSort={(sort) => change({ sort })}
          openId={paneId}
          onOpen={showPane}
          selection={selection}
          end={<More queue={queue} />}
        />
      )}
      {phone && <More queue={queue} />}
    </>
  );

  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <h1 className={styles.title}>Incidents</h1>
        <span className={styles.total} role="status">
          {total !== undefined && count(total, "incident")}
          {selection.size > 0 && `, ${selection.size} selected`}
        </span>
        <div className={styles.tools}>
          {mayWrite && selection.size >= 2 && (
            <Button
              icon={<MergeRegular />}
              disabled={selection.size > 5}
              title={selection.size > 5 ? "At most five incidents are merged at once" : undefined}
              onClick={() => setMerging(true)}
            >
              Merge
            </Button>
          )}
          <ToggleButton
            appearance="subtle"
            icon={<DataBarVerticalRegular />}
            checked={strip}
            onClick={() => {
              localStorage.setItem(stripKey, strip ? "0" : "1");
              setStrip(!strip);
            }}
          >
            Last 24 hours
          </ToggleButton>
          {!phone && <ColumnMenu choice={columnChoice} />}
          <CopyLink filter={filter} />
        </div>
      </div>
      {merged && (
        <MessageBar intent={undo.error ? "error" : "success"}>
          <MessageBarBody>
            {undo.error ? (
              messageOf(undo.error)
            ) : (
              <>
                Merged into incident <Link to={`/incidents/${merged.target}`}>{merged.target}</Link>.
              </>
            )}
          </MessageBarBody>
          <MessageBarActions
            containerAction={
              <Button
                appearance="transparent"
                icon={<DismissRegular />}
                aria-label="Close"
                onClick={() => setMerged(undefined)}
              />
            }
          >
            <Button
              disabled={undo.isPending}
              onClick={() => undo.mutate(merged.rearrangements, { onSuccess: () => setMerged(undefined) })}
            >
              Undo
            </Button>
          </MessageBarActions>
        </MessageBar>
      )}
      {merging && (
        <MergeDialog
          ids={selection.ids}
          known={incidents}
          onClose={() => setMerging(false)}
          onMerged={(target, rearrangements) => {
            setMerging(false);
            setMerged({ target, rearrangements });
            selection.set(selection.ids, false);
          }}
        />
      )}
      {strip && <Strip onSeverity={(severity) => change({ severity: [severity] })} />}
      <FilterBar filter={filter} onChange={change} />
      <div className={mergeClasses(surface.card, styles.list, queue.isPlaceholderData && styles.stale)}>{list}</div>
      {paneId && (
        <IncidentPane
          id={paneId}
          known={incidents.find(({ id }) => id === paneId)}
          ids={incidents.map(({ id }) => id)}
          onShow={showPane}
        />
      )}
    </div>
  );
}

/** Rows can move to the next page while it is being fetched and would then come twice. */
function once(incidents: Incident[]): Incident[] {
  return [...new Map(incidents.map((incident) => [incident.id, incident])).values()];
}

/** The filter and the open pane, kept in the address. */
function useQueueAddress() {
  const [params, setParams] = useSearchParams();
  const text = params.toString();
  const filter = useMemo(() => fromParams(new URLSearchParams(text)), [text]);
  const paneId = params.get("show") ?? undefined;
  const change = (part: Partial<QueueFilter>) => {
    const next = toParams({ ...filter, ...part });
    setParams(next, { replace: true });
  };
  const showPane = (id: string | undefined) => {
    const next = toParams(filter);
    if (id) next.set("show", id);
    setParams(next, { replace: true });
  };
  return { filter, change, paneId, showPane };
}

export interface Selection {
  has: (id: string) => boolean;
  size: number;
  ids: string[];
  set: (ids: string[], on: boolean) => void;
}

/** Checked rows. They stay checked while the list is filtered, sorted and refreshed. */
function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  return {
    has: (id) => ids.has(id),
    size: ids.size,
    ids: [...ids],
    set: (changed, on) =>
      setIds((before) => {
        const after = new Set(before);
        for (const id of changed) on ? after.add(id) : after.delete(id);
        return after;
      }),
  };
}

function NothingFound({ filter, onReset }: { filter: QueueFilter; onReset: () => void }) {
  const filtered = !isDefaultView(filter);
  return (
    <EmptyState
      icon={ShieldTaskRegular}
      title={filtered ? "No incidents match" : "No open incidents"}
      action={filtered ? <Button onClick={onReset}>Show the usual view</Button> : undefined}
    >
      {filtered
        ? "Nothing fits the search and the filters together."
        : "When alerts come in, they appear here by themselves. Resolved and informational incidents are hidden; change the filters to see them."}
    </EmptyState>
  );
}

/** Fetches the next page when it comes into sight; the button is for those who do not scroll. */
function More({ queue }: { queue: ReturnType<typeof useQueue> }) {
  const mark = useRef<HTMLDivElement>(null);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = queue;
  useEffect(() => {
    const element = mark.current;
    if (!element || !hasNextPage || isFetchingNextPage) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void fetchNextPage(), {
      rootMargin: "300px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (!hasNextPage) return null;
  return (
    <div ref={mark} style={{ padding: "12px 16px", textAlign: "center" }}>
      {isFetchingNextPage ? (
        <Spinner size="tiny" label="Loading more" />
      ) : (
        <Button appearance="subtle" onClick={() => void fetchNextPage()}>
          Load more
        </Button>
      )}
    </div>
  );
}

function CopyLink({ filter }: { filter: QueueFilter }) {
  const [copied, setCopied] = useState(false);
  return (
    <Button
      appearance="subtle"
      icon={copied ? <CheckmarkRegular /> : <LinkRegular />}
      onClick={() => {
        const params = toParams(filter).toString();
        const link = `${location.origin}/incidents${params ? `?${params}` : ""}`;
        void navigator.clipboard?.writeText(link).then(() => {
          setCopied(true);
          setTimeout(() => setCopied(false), 2000);
        });
      }}
    >
      {copied ? "Copied" : "Copy link"}
    </Button>
  );
}
