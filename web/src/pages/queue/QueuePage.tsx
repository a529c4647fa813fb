import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  ToggleButton,
  tokens,
} from "@fluentui/react-components";
import { useMemo, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import { useQueue, useUpdateAny } from "../../api/incidents";
import { useUndo } from "../../api/rearrange";
import { useCan, useSession } from "../../api/session";
import type { Incident } from "../../api/types";
import { BulkPanel } from "../../parts/BulkPanel";
import { ColumnMenu } from "../../parts/ColumnMenu";
import { CreateAlert } from "../../parts/CreateAlert";
import { FilterBar } from "../../parts/FilterBar";
import { FilterSets } from "../../parts/FilterSets";
import {
  AddRegular,
  DataBarVerticalRegular,
  DismissRegular,
  EditRegular,
  KeyboardRegular,
  MergeRegular,
  ShieldTaskRegular,
} from "../../parts/icons";
import { CopyLink, ExportButton, More, Notice } from "../../parts/ListTools";
import { defaultFilter, isDefaultView, type ListFilter, toOData, toOrderBy, toParams } from "../../parts/listFilter";
import { useListAddress, useOpening, useOwnView } from "../../parts/queueView";
import { type Selection, useSelection } from "../../parts/selection";
import { EmptyState, ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { usePhone } from "../../parts/useMedia";
import { useTitle } from "../../parts/useTitle";
import { count } from "../../parts/words";
import { columns, defaultColumns } from "./columns";
import { incidentList } from "./filter";
import { IncidentCards } from "./IncidentCards";
import { IncidentPane } from "./IncidentPane";
import { IncidentTable } from "./IncidentTable";
import { MergeDialog } from "./MergeDialog";
import { QuickChange, ShortcutHelp, useShortcuts } from "./Shortcuts";
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
  const { filter, change, paneId, showPane, empty, apply } = useListAddress(incidentList);
  const view = useOwnView("incident", columns, defaultColumns);
  useOpening("incident", empty, view.opensWith, apply);
  const address = toParams(incidentList, filter).toString();
  const [strip, setStrip] = useState(() => localStorage.getItem(stripKey) === "1");
  const me = user?.userName ?? "";
  // The end of "last 7 days" moves on when the filter changes and not with every redraw.
  const query = useMemo(
    () => ({
      filter: toOData(incidentList, filter, me, Date.now()),
      search: filter.search,
      orderBy: toOrderBy(incidentList, filter.sort),
    }),
    [filter, me],
  );
  const queue = useQueue(query);
  const incidents = useMemo(() => once(queue.data?.pages.flatMap((page) => page.value) ?? []), [queue.data]);
  const total = queue.data?.pages[0]?.["@odata.count"];
  const selection = useSelection();
  const mayWrite = useCan("incident.write");
  const mayCreate = useCan("alert.write") && mayWrite;
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  const undo = useUndo();
  const [notice, setNotice] = useState<Parameters<typeof Notice>[0]["notice"]>();
  const alertSelection = useSelection();
  const keys = useTriage(incidents, paneId, showPane, selection, me, mayWrite, (text) =>
    setNotice({ intent: "error", text }),
  );
  const [merging, setMerging] = useState(false);
  const [managing, setManaging] = useState(false);
  const [merged, setMerged] = useState<{ target: string; rearrangements: number[] }>();

  const list = queue.isPending ? (
    <LoadingLines rows={10} height={phone ? 48 : 32} label="Loading incidents" />
  ) : queue.error && incidents.length === 0 ? (
    <ErrorState error={queue.error} retry={() => void queue.refetch()} />
  ) : incidents.length === 0 ? (
    <NothingFound filter={filter} onReset={() => change(defaultFilter(incidentList))} />
  ) : (
    <>
      {phone ? (
        <IncidentCards incidents={incidents} onOpen={showPane} />
      ) : (
        <IncidentTable
          incidents={incidents}
          columnIds={view.columns}
          sort={filter.sort}
          onSort={(sort) => change({ ...filter, sort })}
          openId={paneId}
          onOpen={showPane}
          selection={selection}
          alertSelection={alertSelection}
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
          {alertSelection.size > 0 && `, ${count(alertSelection.size, "alert")} selected`}
        </span>
        <div className={styles.tools}>
          {mayCreate && (
            <Button icon={<AddRegular />} onClick={() => setCreating(true)}>
              Create
            </Button>
          )}
          {mayWrite && incidents.length > 0 && (
            <Button icon={<EditRegular />} onClick={() => setManaging(true)}>
              {selection.size > 0 ? "Manage" : "Manage all"}
            </Button>
          )}
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
          <FilterSets
            noun="incident"
            query={address}
            opensWith={view.opensWith}
            onApply={apply}
            onOpenWith={view.openWith}
          />
          {!phone && <ColumnMenu columns={columns} chosen={view.columns} choose={view.choose} reset={view.reset} />}
          <ExportButton noun="incident" query={query} columns={["name", ...view.columns]} onDone={setNotice} />
          <CopyLink path="/incidents" query={address} />
          {!phone && (
            <Button appearance="subtle" icon={<KeyboardRegular />} onClick={() => keys.setDialog("help")}>
              Shortcuts
            </Button>
          )}
        </div>
      </div>
      <Notice notice={notice} onClose={() => setNotice(undefined)} />
      {keys.dialog === "help" && <ShortcutHelp onClose={keys.close} />}
      {(keys.dialog === "status" || keys.dialog === "classification") && keys.current && (
        <QuickChange what={keys.dialog} incident={keys.current} onClose={keys.close} />
      )}
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
      {creating && (
        <CreateAlert
          onClose={() => setCreating(false)}
          onCreated={(incident, alert) =>
            navigate(`/incidents/${encodeURIComponent(incident)}/alerts?alert=${encodeURIComponent(alert)}`)
          }
        />
      )}
      {managing && (
        <BulkPanel
          noun="incident"
          ids={selection.ids}
          matching={{ filter: query.filter, search: query.search, total }}
          onClose={() => setManaging(false)}
          onAsked={() => {
            setManaging(false);
            selection.set(selection.ids, false);
          }}
        />
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
      {strip && (
        <Strip onSeverity={(severity) => change({ ...filter, values: { ...filter.values, severity: [severity] } })} />
      )}
      <FilterBar
        noun="incident"
        spec={incidentList}
        filter={filter}
        query={query}
        placeholder="Name, ID or asset"
        onChange={change}
      />
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

const rowOf = (id: string | undefined) => document.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(id ?? "")}"]`);

/** Working through the queue with the keyboard alone. The current row is the one that had the focus last. */
function useTriage(
  incidents: Incident[],
  paneId: string | undefined,
  showPane: (id: string | undefined) => void,
  selection: Selection,
  me: string,
  mayWrite: boolean,
  onError: (text: string) => void,
) {
  const navigate = useNavigate();
  const update = useUpdateAny();
  const [dialog, setDialog] = useState<"help" | "status" | "classification">();
  const [currentId, setCurrentId] = useState<string>();
  // A row that a change has taken out of the list leaves its place to the one behind it.
  const place = useRef(0);
  const current = incidents.find(({ id }) => id === currentId);
  const find = () => {
    const focused = document.activeElement?.closest<HTMLElement>("tr[data-id]")?.dataset.id;
    return incidents.find(({ id }) => id === (focused ?? paneId ?? currentId));
  };
  const step = (by: number) => {
    const now = find();
    const at = now ? incidents.indexOf(now) + by : by > 0 && currentId ? place.current : 0;
    const next = incidents[Math.max(0, Math.min(incidents.length - 1, at))];
    if (!next) return;
    place.current = incidents.indexOf(next);
    setCurrentId(next.id);
    if (paneId) showPane(next.id);
    rowOf(next.id)?.focus();
  };
  const withCurrent = (act: (incident: Incident) => void) => () => {
    const now = find();
    if (!now) return;
    place.current = incidents.indexOf(now);
    setCurrentId(now.id);
    act(now);
  };
  const ask = (what: "status" | "classification") => withCurrent(() => mayWrite && setDialog(what));
  const actions = {
    j: () => step(1),
    k: () => step(-1),
    o: withCurrent(({ id }) => navigate(`/incidents/${encodeURIComponent(id)}`)),
    x: withCurrent(({ id }) => selection.set([id], !selection.has(id))),
    a: withCurrent((incident) => {
      if (!mayWrite) return;
      update.mutate(
        { id: incident.id, patch: { assignedTo: me }, version: incident.tocsin.version },
        { onError: (error) => onError(messageOf(error)) },
      );
    }),
    s: ask("status"),
    c: ask("classification"),
    "/": () => document.querySelector<HTMLElement>('input[aria-label="Search incidents"]')?.focus(),
    "?": () => setDialog("help"),
  };
  useShortcuts(actions);
  return {
    dialog,
    setDialog,
    current,
    close: () => {
      setDialog(undefined);
      // The focus goes back to the row, or to the one that took its place.
      if (!currentId) return;
      setTimeout(() => {
        if (!document.querySelector("[role=dialog]"))
          (rowOf(currentId) ?? rowOf(incidents[place.current]?.id))?.focus();
      }, 50);
    },
  };
}

function NothingFound({ filter, onReset }: { filter: ListFilter; onReset: () => void }) {
  const filtered = !isDefaultView(incidentList, filter);
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
