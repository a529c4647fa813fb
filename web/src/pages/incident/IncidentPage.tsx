import {
  Breadcrumb,
  BreadcrumbDivider,
  BreadcrumbItem,
  Button,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  ProgressBar,
  Tab,
  TabList,
  tokens,
} from "@fluentui/react-components";
import { useMemo, useState } from "react";
import { Link, Navigate, useLocation, useNavigate, useParams } from "react-router";
import { useIncident, useUpdateIncident } from "../../api/incidents";
import { useTasks } from "../../api/manage";
import { useCan, useSession } from "../../api/session";
import type { Incident } from "../../api/types";
import { Owner, SeverityBadge, StatusLabel, severityColor, Tags } from "../../parts/badges";
import { collectAssets, collectEntities } from "../../parts/entities";
import { IncidentFacts } from "../../parts/IncidentFacts";
import { EditRegular, MergeRegular, MoreHorizontalRegular, PersonAddRegular } from "../../parts/icons";
import { ManagePanel } from "../../parts/ManagePanel";
import { PresenceBar } from "../../parts/PresenceBar";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { usePhone } from "../../parts/useMedia";
import { useTitle } from "../../parts/useTitle";
import { When } from "../../parts/When";
import { dateTime, duration, parseTime } from "../../parts/when";
import { count } from "../../parts/words";
import { ActivityTab } from "./ActivityTab";
import { AlertsTab } from "./AlertsTab";
import { AssetsTab } from "./AssetsTab";
import { CommentsTab } from "./CommentsTab";
import { ConnectionsTab } from "./ConnectionsTab";
import { EvidenceTab } from "./EvidenceTab";
import { MergeWithDialog } from "./MergeWithDialog";
import { type Done, Outcome } from "./Outcome";
import { TasksPane } from "./TasksPane";

const useStyles = makeStyles({
  page: { padding: "16px 24px 32px", "@media (max-width: 720px)": { padding: "12px 16px 24px" } },
  crumb: { color: tokens.colorNeutralForeground2, textDecoration: "none", ":hover": { textDecoration: "underline" } },
  head: { display: "flex", flexWrap: "wrap", alignItems: "flex-start", gap: "12px 24px", margin: "4px 0 12px" },
  heading: { display: "flex", gap: "12px", flexGrow: 1, flexBasis: "480px", minWidth: 0 },
  edge: { width: "4px", flexShrink: 0, alignSelf: "stretch", borderRadius: "2px" },
  title: {
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    fontWeight: tokens.fontWeightSemibold,
    overflowWrap: "anywhere",
    "@media (max-width: 720px)": { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500 },
  },
  line: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px 16px", marginTop: "8px" },
  actions: { display: "flex", flexWrap: "wrap", gap: "8px" },
  tabs: {
    margin: "0 -24px 16px",
    padding: "0 16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      margin: "0 -16px 12px",
      padding: "0 8px",
      overflowX: "auto",
      scrollbarWidth: "none",
    },
  },
  columns: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) 340px",
    gap: "20px",
    alignItems: "start",
    "@media (max-width: 1180px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  facts: { padding: "18px 20px 20px" },
  number: {
    marginInlineStart: "6px",
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: "tabular-nums",
  },
  notices: { display: "grid", gap: "8px", marginBottom: "12px" },
});

const tabs = ["alerts", "connections", "assets", "evidence", "activity", "comments"] as const;
type TabName = (typeof tabs)[number];
const tabWords: Record<TabName, string> = {
  alerts: "Alerts",
  connections: "Connections",
  assets: "Assets",
  evidence: "Evidence",
  activity: "Activity",
  comments: "Comments",
};

export default function IncidentPage() {
  const styles = useStyles();
  const { id = "", tab = "" } = useParams();
  const { data, head, reading, isPending, error, refetch } = useIncident(id);
  // The head of a large incident does not wait for its alerts.
  const incident = data ?? head;
  useTitle(incident?.displayName);
  if (isPending && !incident) {
    return (
      <div className={styles.page}>
        <LoadingLines rows={8} height={32} label="Loading the incident" />
      </div>
    );
  }
  if (!incident) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!tabs.includes(tab as TabName)) return <Navigate to={`/incidents/${id}/alerts`} replace />;
  return (
    <Loaded key={incident.id} incident={incident} reading={reading || !data} tab={tab as TabName} failed={error} />
  );
}

interface LoadedProps {
  incident: Incident;
  /** Alerts are still coming. */
  reading: boolean;
  tab: TabName;
  failed: unknown;
}

function Loaded({ incident, reading, tab, failed }: LoadedProps) {
  const styles = useStyles();
  const surface = useSurface();
  const navigate = useNavigate();
  const phone = usePhone();
  const [managing, setManaging] = useState(false);
  const [merging, setMerging] = useState(false);
  const location = useLocation();
  // A merge may lead here from the page of its source, and brings what undoes it along.
  const [done, setDone] = useState<Done | undefined>((location.state as { done?: Done } | null)?.done);
  const [tasking, setTasking] = useState(false);
  const alerts = useMemo(() => inOrder(incident.alerts ?? none), [incident.alerts]);
  // What only numbers tabs waits until all alerts are there; what is looked at does not.
  const forAssets = reading && tab !== "assets" ? none : alerts;
  const forEntities = reading && tab !== "evidence" ? none : alerts;
  const assets = useMemo(() => collectAssets(forAssets), [forAssets]);
  const entities = useMemo(() => collectEntities(forEntities), [forEntities]);
  // Wide tables get the whole width, and on a phone the facts would push everything else far down.
  const withFacts = tab === "alerts" || (!phone && (tab === "activity" || tab === "comments"));
  const numbers: Partial<Record<TabName, number>> = {
    alerts: reading ? incident.tocsin.alertCount : alerts.length,
    assets: reading ? undefined : assets.length,
    evidence: reading ? undefined : entities.length,
    comments: incident.comments?.length ?? 0,
  };
  return (
    <div className={styles.page}>
      <Breadcrumb aria-label="Where you are" size="small">
        <BreadcrumbItem>
          <Link to="/incidents" className={styles.crumb}>
            Incidents
          </Link>
        </BreadcrumbItem>
        <BreadcrumbDivider />
        <BreadcrumbItem aria-current="page">{incident.id}</BreadcrumbItem>
      </Breadcrumb>
      <Header
        incident={incident}
        managing={managing}
        onManage={() => setManaging(true)}
        onMerge={() => setMerging(true)}
        onTasks={() => setTasking(true)}
      />
      {done && (
        <div className={styles.notices}>
          <Outcome
            done={done}
            onGone={() => {
              setDone(undefined);
              navigate(location.pathname + location.search, { replace: true, state: null });
            }}
          />
        </div>
      )}
      <Notices incident={incident} failed={failed} />
      <TabList
        className={styles.tabs}
        selectedValue={tab}
        onTabSelect={(_, data) => navigate(`/incidents/${incident.id}/${String(data.value)}`)}
        aria-label="Parts of the incident"
      >
        {tabs.map((each) => (
          <Tab key={each} value={each} id={`tab-${each}`}>
            {tabWords[each]}
            {numbers[each] !== undefined && <span className={styles.number}>{numbers[each].toLocaleString()}</span>}
          </Tab>
        ))}
      </TabList>
      <div className={withFacts ? styles.columns : undefined}>
        <div role="tabpanel" aria-labelledby={`tab-${tab}`}>
          {reading && readsAlerts.includes(tab) && (
            <ReadingAlerts read={alerts.length} all={incident.tocsin.alertCount} />
          )}
          {tab === "alerts" && (alerts.length > 0 || !reading) && (
            <AlertsTab incident={incident} alerts={alerts} onDone={setDone} />
          )}
          {tab === "connections" && <ConnectionsTab incident={incident} onDone={setDone} />}
          {tab === "assets" && <AssetsTab assets={assets} incident={incident.id} />}
          {tab === "evidence" && <EvidenceTab entities={entities} incident={incident.id} />}
          {tab === "activity" && <ActivityTab incident={incident} />}
          {tab === "comments" && <CommentsTab incident={incident} />}
        </div>
        {withFacts && (
          <aside className={mergeClasses(surface.card, styles.facts)} aria-label="Facts about the incident">
            <IncidentFacts incident={incident} />
          </aside>
        )}
      </div>
      {merging && (
        <MergeWithDialog
          incident={incident}
          onClose={() => setMerging(false)}
          onDone={(merged) => {
            setMerging(false);
            setDone(merged);
            if (merged.target !== incident.id)
              navigate(`/incidents/${merged.target}/${tab}`, { state: { done: merged } });
          }}
        />
      )}
      {tasking && <TasksPane incident={incident} onClose={() => setTasking(false)} />}
      {managing && <ManagePanel incident={incident} onClose={() => setManaging(false)} />}
    </div>
  );
}

const none: NonNullable<Incident["alerts"]> = [];
const readsAlerts: TabName[] = ["alerts", "assets", "evidence"];

/** How far the alerts of a large incident are read; what stands below is of those. */
function ReadingAlerts({ read, all }: { read: number; all: number }) {
  const styles = useStyles();
  if (read === 0) return <LoadingLines rows={6} height={48} label="Loading the alerts" />;
  return (
    <div className={styles.notices} role="status">
      <ProgressBar value={Math.min(1, read / Math.max(1, all))} aria-label="Alerts read" />
      {`Reading alerts: ${read.toLocaleString()} of ${all.toLocaleString()}`}
    </div>
  );
}

function inOrder(alerts: NonNullable<Incident["alerts"]>) {
  const at = (alert: (typeof alerts)[number]) => alert.firstActivityDateTime ?? alert.createdDateTime;
  return [...alerts].sort((a, b) => at(a).localeCompare(at(b)) || a.id.localeCompare(b.id));
}

interface HeaderProps {
  incident: Incident;
  managing: boolean;
  onManage: () => void;
  onMerge: () => void;
  onTasks: () => void;
}

function Header({ incident, managing, onManage, onMerge, onTasks }: HeaderProps) {
  const styles = useStyles();
  const surface = useSurface();
  const mayWrite = useCan("incident.write") && incident.status !== "redirected";
  const me = useSession().data?.user.userName;
  const update = useUpdateIncident(incident.id);
  const first = parseTime(incident.tocsin.firstActivityDateTime);
  const last = parseTime(incident.tocsin.lastActivityDateTime);
  return (
    <header className={styles.head}>
      <div className={styles.heading}>
        <span className={styles.edge} style={{ backgroundColor: severityColor(incident.severity) }} />
        <div>
          <h1 className={styles.title}>
            <Untrusted text={incident.displayName} />
          </h1>
          <div className={styles.line}>
            <SeverityBadge severity={incident.severity} />
            <StatusLabel status={incident.status} />
            <Owner name={incident.assignedTo} />
            <span className={surface.muted}>{count(incident.tocsin.alertCount, "alert")}</span>
            {first !== undefined && last !== undefined && (
              <span className={surface.muted} title={`${dateTime(first)} to ${dateTime(last)}`}>
                <When at={first} exact />
                {last - first >= 60_000 && ` · lasted ${duration(last - first)}`}
              </span>
            )}
            <Tags system={incident.systemTags} custom={incident.customTags} />
            <PresenceBar incident={incident.id} editing={managing} />
          </div>
        </div>
      </div>
      <div className={styles.actions}>
        <TasksButton incident={incident.id} onClick={onTasks} />
        {mayWrite && (
          <>
            {me && incident.assignedTo !== me && (
              <Button
                icon={<PersonAddRegular />}
                disabledFocusable={update.isPending}
                onClick={() => update.mutate({ patch: { assignedTo: me } })}
              >
                Assign to me
              </Button>
            )}
            <Button appearance="primary" icon={<EditRegular />} onClick={onManage}>
              Manage incident
            </Button>
            <Menu positioning="below-end">
              <MenuTrigger disableButtonEnhancement>
                <Button icon={<MoreHorizontalRegular />} aria-label="More actions" />
              </MenuTrigger>
              <MenuPopover>
                <MenuList>
                  <MenuItem icon={<MergeRegular />} disabled={incident.status === "resolved"} onClick={onMerge}>
                    Merge…
                  </MenuItem>
                </MenuList>
              </MenuPopover>
            </Menu>
          </>
        )}
      </div>
      {update.isError && (
        <MessageBar intent="error">
          <MessageBarBody>{messageOf(update.error)}</MessageBarBody>
        </MessageBar>
      )}
    </header>
  );
}

function TasksButton({ incident, onClick }: { incident: string; onClick: () => void }) {
  const { data: tasks = [] } = useTasks(incident);
  const closed = tasks.filter(({ status }) => status === "closed").length;
  return <Button onClick={onClick}>{tasks.length > 0 ? `Tasks: ${closed} of ${tasks.length}` : "Tasks"}</Button>;
}

function Notices({ incident, failed }: { incident: Incident; failed: unknown }) {
  const styles = useStyles();
  const merged = incident.redirectIncidentId;
  if (!failed && !merged) return null;
  return (
    <div className={styles.notices}>
      {Boolean(failed) && (
        <MessageBar intent="warning">
          <MessageBarBody>This may be out of date. {messageOf(failed)}</MessageBarBody>
        </MessageBar>
      )}
      {merged && (
        <MessageBar intent="info">
          <MessageBarBody>
            This incident was merged into <Link to={`/incidents/${merged}`}>incident {merged}</Link>. Work goes on
            there.
          </MessageBarBody>
        </MessageBar>
      )}
    </div>
  );
}
