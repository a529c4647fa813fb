import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useMemo, useState } from "react";
import { useAlertQueue } from "../../api/incidents";
import { useCan, useSession } from "../../api/session";
import type { Alert } from "../../api/types";
import { BulkPanel } from "../../parts/BulkPanel";
import { Chips, Owner, SeverityBadge, StatusLabel, severityColor } from "../../parts/badges";
import { ColumnMenu } from "../../parts/ColumnMenu";
import { FilterBar } from "../../parts/FilterBar";
import { FilterSets } from "../../parts/FilterSets";
import { AlertRegular, EditRegular } from "../../parts/icons";
import { CopyLink, ExportButton, More, Notice } from "../../parts/ListTools";
import { defaultFilter, isDefaultView, toOData, toOrderBy, toParams } from "../../parts/listFilter";
import { useListAddress, useOpening, useOwnView } from "../../parts/queueView";
import { useSelection } from "../../parts/selection";
import { EmptyState, ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { usePhone } from "../../parts/useMedia";
import { useTitle } from "../../parts/useTitle";
import { When } from "../../parts/When";
import { count, sourceWord } from "../../parts/words";
import { AlertSummary } from "./AlertSummary";
import { AlertTable } from "./AlertTable";
import { columns, defaultColumns } from "./columns";
import { alertList } from "./filter";

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
  cards: { display: "grid", gap: "8px" },
  card: {
    position: "relative",
    display: "grid",
    gap: "8px",
    width: "100%",
    padding: "12px 16px 12px 18px",
    overflow: "hidden",
    font: "inherit",
    color: "inherit",
    textAlign: "start",
    cursor: "pointer",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  edge: { position: "absolute", insetBlock: 0, insetInlineStart: 0, width: "4px" },
  name: { fontSize: tokens.fontSizeBase300, fontWeight: tokens.fontWeightSemibold },
  line: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px 12px", fontSize: tokens.fontSizeBase200 },
  end: { marginInlineStart: "auto" },
});

export default function AlertsPage() {
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  useTitle("Alerts");
  const me = useSession().data?.user.userName ?? "";
  const { filter, change, paneId, showPane, empty, apply } = useListAddress(alertList);
  const view = useOwnView("alert", columns, defaultColumns);
  useOpening("alert", empty, view.opensWith, apply);
  const address = toParams(alertList, filter).toString();
  // The end of "last 7 days" moves on when the filter changes and not with every redraw.
  const query = useMemo(
    () => ({
      filter: toOData(alertList, filter, me, Date.now()),
      search: filter.search,
      orderBy: toOrderBy(alertList, filter.sort),
    }),
    [filter, me],
  );
  const queue = useAlertQueue(query);
  const alerts = useMemo(
    () => [...new Map(queue.data?.pages.flatMap((page) => page.value).map((alert) => [alert.id, alert])).values()],
    [queue.data],
  );
  const total = queue.data?.pages[0]?.["@odata.count"];
  const selection = useSelection();
  const mayWrite = useCan("alert.write");
  const [managing, setManaging] = useState(false);
  const [notice, setNotice] = useState<Parameters<typeof Notice>[0]["notice"]>();
  const filtered = !isDefaultView(alertList, filter);

  const list = queue.isPending ? (
    <LoadingLines rows={10} height={phone ? 48 : 32} label="Loading alerts" />
  ) : queue.error && alerts.length === 0 ? (
    <ErrorState error={queue.error} retry={() => void queue.refetch()} />
  ) : alerts.length === 0 ? (
    <EmptyState
      icon={AlertRegular}
      title={filtered ? "No alerts match" : "No open alerts in the last 7 days"}
      action={
        filtered ? <Button onClick={() => change(defaultFilter(alertList))}>Show the usual view</Button> : undefined
      }
    >
      {filtered
        ? "Nothing fits the search and the filters together."
        : "When alerts come in, they appear here by themselves. Resolved and older ones are hidden; change the filters to see them."}
    </EmptyState>
  ) : phone ? (
    <>
      <Cards alerts={alerts} onOpen={showPane} />
      <More queue={queue} />
    </>
  ) : (
    <AlertTable
      alerts={alerts}
      columnIds={view.columns}
      sort={filter.sort}
      onSort={(sort) => change({ ...filter, sort })}
      openId={paneId}
      onOpen={showPane}
      selection={selection}
      end={<More queue={queue} />}
    />
  );

  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <h1 className={styles.title}>Alerts</h1>
        <span className={styles.total} role="status">
          {total !== undefined && count(total, "alert")}
          {selection.size > 0 && `, ${selection.size} selected`}
        </span>
        <div className={styles.tools}>
          {mayWrite && alerts.length > 0 && (
            <Button icon={<EditRegular />} onClick={() => setManaging(true)}>
              {selection.size > 0 ? "Manage" : "Manage all"}
            </Button>
          )}
          <FilterSets
            noun="alert"
            query={address}
            opensWith={view.opensWith}
            onApply={apply}
            onOpenWith={view.openWith}
          />
          {!phone && <ColumnMenu columns={columns} chosen={view.columns} choose={view.choose} reset={view.reset} />}
          <ExportButton noun="alert" query={query} columns={["name", ...view.columns]} onDone={setNotice} />
          <CopyLink path="/alerts" query={address} />
        </div>
      </div>
      <Notice notice={notice} onClose={() => setNotice(undefined)} />
      {managing && (
        <BulkPanel
          noun="alert"
          ids={selection.ids}
          matching={{ filter: query.filter, search: query.search, total }}
          onClose={() => setManaging(false)}
          onAsked={() => {
            setManaging(false);
            selection.set(selection.ids, false);
          }}
        />
      )}
      <FilterBar
        noun="alert"
        spec={alertList}
        filter={filter}
        query={query}
        placeholder="Title, ID or entity"
        onChange={change}
      />
      <div className={mergeClasses(surface.card, styles.list, queue.isPlaceholderData && styles.stale)}>{list}</div>
      {paneId && (
        <AlertSummary
          id={paneId}
          known={alerts.find(({ id }) => id === paneId)}
          ids={alerts.map(({ id }) => id)}
          onShow={showPane}
        />
      )}
    </div>
  );
}

/** The queue on a phone. */
function Cards({ alerts, onOpen }: { alerts: Alert[]; onOpen: (id: string) => void }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    <ul className={styles.cards} aria-label="Alerts">
      {alerts.map((alert) => (
        <li key={alert.id}>
          <button
            type="button"
            className={mergeClasses(surface.card, styles.card)}
            data-id={alert.id}
            onClick={() => onOpen(alert.id)}
          >
            <span className={styles.edge} style={{ backgroundColor: severityColor(alert.severity) }} />
            <span className={styles.line}>
              <SeverityBadge severity={alert.severity} />
              <StatusLabel status={alert.status} ofAlert />
              <span className={mergeClasses(surface.muted, styles.end)}>incident {alert.incidentId}</span>
            </span>
            <span className={styles.name}>
              <Untrusted text={alert.title} />
            </span>
            <Chips items={[sourceWord(alert.serviceSource)]} />
            <span className={styles.line}>
              <Owner name={alert.assignedTo} />
              <span className={mergeClasses(surface.muted, styles.end)}>
                <When at={alert.createdDateTime} />
              </span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
