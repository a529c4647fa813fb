import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Dropdown,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Option,
  OverlayDrawer,
  Tab,
  TabList,
  Tooltip,
  tokens,
} from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import {
  type Cell,
  check,
  type Diagnostic,
  type HuntingColumn,
  type HuntingTable,
  type ResultTable,
  type SavedQuery,
  useDeleteQuery,
  useHuntingSchema,
  useSaveQuery,
} from "../../api/hunting";
import { useCan } from "../../api/session";
import {
  AddRegular,
  DismissRegular,
  PanelLeftRegular,
  PlayRegular,
  RecordStopRegular,
  SaveRegular,
  ShareRegular,
} from "../../parts/icons";
import { Pane } from "../../parts/Pane";
import { linkOf, readLink } from "../../parts/queryLink";
import { messageOf } from "../../parts/states";
import { own } from "../../parts/theme";
import { usePhone } from "../../parts/useMedia";
import { useTitle } from "../../parts/useTitle";
import { blockAt } from "./blocks";
import { CustomRange } from "./CustomRange";
import { columnName, type FilterOperator, filterStep } from "./cells";
import { Divider } from "./Divider";
import { GettingStarted } from "./GettingStarted";
import { HistoryList } from "./HistoryList";
import { Inspect } from "./Inspect";
import KqlEditor, { type EditorHandle } from "./KqlEditor";
import { LinkWizard } from "./LinkWizard";
import { ResultsPane } from "./ResultsPane";
import { SaveDialog } from "./SaveDialog";
import { ShareDialog } from "./ShareDialog";
import { SidePane, TableReference } from "./SidePane";
import { useTabs } from "./tabs";
import { useHunt } from "./useHunt";

const useStyles = makeStyles({
  page: { display: "grid", gridTemplateColumns: "280px minmax(0, 1fr)", height: "100%", minHeight: 0 },
  wide: { gridTemplateColumns: "minmax(0, 1fr)" },
  work: { display: "flex", flexDirection: "column", minWidth: 0, minHeight: 0, height: "100%" },
  tabs: {
    display: "flex",
    alignItems: "center",
    minWidth: 0,
    padding: "4px 8px 0",
    gap: "2px",
    backgroundColor: tokens.colorNeutralBackground3,
    overflowX: "auto",
    flexShrink: 0,
  },
  tab: {
    display: "flex",
    alignItems: "center",
    maxWidth: "220px",
    flexShrink: 0,
    borderRadius: "6px 6px 0 0",
    color: tokens.colorNeutralForeground2,
  },
  tabOpen: {
    backgroundColor: own("surface"),
    color: tokens.colorNeutralForeground1,
    fontWeight: tokens.fontWeightSemibold,
  },
  tabName: {
    padding: "6px 4px 6px 12px",
    border: "none",
    background: "none",
    color: "inherit",
    font: "inherit",
    cursor: "pointer",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
  bar: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "6px",
    padding: "8px 12px",
    backgroundColor: own("surface"),
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    flexShrink: 0,
  },
  run: { minWidth: "104px" },
  range: { minWidth: "150px" },
  back: {
    marginInlineStart: "4px",
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorBrandForegroundLink,
    textDecoration: "none",
    ":hover": { textDecoration: "underline" },
  },
  editor: { minHeight: "96px", flexShrink: 0, backgroundColor: own("surface") },
  lower: { display: "flex", flexDirection: "column", flexGrow: 1, minHeight: 0, backgroundColor: own("surface") },
  lowerBody: { flexGrow: 1, minHeight: 0, overflow: "auto" },
  said: { fontSize: tokens.fontSizeBase200, color: own("good") },
});

const ranges = [
  ["PT1H", "Last hour", 3600],
  ["P1D", "Last 24 hours", 86_400],
  ["P7D", "Last 7 days", 7 * 86_400],
  ["P30D", "Last 30 days", 30 * 86_400],
  ["query", "Set in the query", 0],
] as const;

const timelineKey = "tocsin.hunting.timeline";

export default function HuntingPage() {
  const styles = useStyles();
  useTitle("Advanced hunting");
  const phone = usePhone();
  const client = useQueryClient();
  const mayLink = useCan("alert.write");
  const mayManage = useCan("rule.manage");
  const schema = useHuntingSchema();
  const tabs = useTabs();
  const saveQuery = useSaveQuery();
  const deleteQuery = useDeleteQuery();
  const [params, setParams] = useSearchParams();
  const editor = useRef<EditorHandle>(null);
  const [range, setRange] = useState("P30D");
  const [custom, setCustom] = useState<{ from: string; to: string }>();
  const [asking, setAsking] = useState(false);
  const [lower, setLower] = useState("start");
  const [height, setHeight] = useState(() => Math.max(150, Math.round(window.innerHeight * 0.3)));
  const [sideOpen, setSideOpen] = useState(true);
  const [drawer, setDrawer] = useState(false);
  const [reference, setReference] = useState<HuntingTable>();
  const [inspected, setInspected] = useState<{ table: ResultTable; row: number }>();
  const [selected, setSelected] = useState<Set<number>>(new Set());
  const [linking, setLinking] = useState<ResultTable>();
  const [sharing, setSharing] = useState<string>();
  const [saving, setSaving] = useState<"query" | "function">();
  const [removing, setRemoving] = useState<SavedQuery>();
  const [badLink, setBadLink] = useState(false);
  const [said, setSaid] = useState("");
  const [checked, setChecked] = useState<{ base: number; list: Diagnostic[] }>({ base: 0, list: [] });
  const [hideTimeline, setHideTimeline] = useState(() => localStorage.getItem(timelineKey) === "hidden");
  const [cursor, setCursor] = useState(0);

  const refreshHistory = useCallback(
    () => void client.invalidateQueries({ queryKey: ["hunting", "history"] }),
    [client],
  );
  const { hunt, start, cancel } = useHunt(refreshHistory);
  const { current, update, add } = tabs;

  const say = (text: string) => {
    setSaid(text);
    setTimeout(() => setSaid((before) => (before === text ? "" : before)), 4000);
  };

  const runText = useCallback(
    (text: string, base: number) => {
      setLower("results");
      setSelected(new Set());
      setInspected(undefined);
      const now = Date.now();
      const chosen = ranges.find(([key]) => key === range);
      const from =
        custom?.from ?? (chosen && chosen[2] > 0 ? new Date(now - chosen[2] * 1000).toISOString() : undefined);
      void start(text, base, range === "query" ? undefined : from, range === "query" ? undefined : custom?.to);
    },
    [range, custom, start],
  );

  const runCurrent = useCallback(() => {
    const block = editor.current?.current() ?? blockAt(current.text, 0);
    editor.current?.settle();
    if (block && block.text.trim() !== "") runText(block.text, block.start);
  }, [current.text, runText]);

  const open = useCallback(
    (part: { title?: string; text: string; saved?: string; incident?: string }, run?: boolean) => {
      const empty = current.text.trim() === "" && !current.saved;
      if (empty) update(current.id, part);
      // What is hunted for an incident stays with it from one query to the next.
      else add({ incident: current.incident, ...part });
      setDrawer(false);
      setReference(undefined);
      setInspected(undefined);
      const first = blockAt(part.text, 0);
      if (run && first) runText(first.text, first.start);
    },
    [current, update, add, runText],
  );

  // A link from elsewhere brings a query along; it opens once and leaves the address clean.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new address counts
  useEffect(() => {
    const shared = params.get("query");
    if (shared === null) return;
    const runIt = params.get("runQuery") === "true";
    setParams({}, { replace: true });
    void readLink(shared).then((text) => {
      if (text === undefined) return setBadLink(true);
      const title = params.get("title");
      const incident = params.get("incident") ?? "";
      open({ text, ...(title && { title }), ...(/^\d+$/.test(incident) && { incident }) }, runIt);
    });
  }, [params]);

  // What is wrong is said while typing: by the server, which knows what would run.
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(() => {
      const block = blockAt(current.text, cursor);
      if (!block) return setChecked({ base: 0, list: [] });
      check(block.text, control.signal).then(
        (found) => setChecked({ base: block.start, list: found.diagnostics ?? [] }),
        () => {}, // the run says what is wrong; a check that could not be made is no news
      );
    }, 500);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [current.text, cursor]);

  const addFilter = useCallback(
    (column: HuntingColumn, operator: FilterOperator, value: Cell) =>
      editor.current?.appendStep(filterStep(column, operator, value)),
    [],
  );
  const addRange = useCallback(
    (column: HuntingColumn, from: number, to: number) =>
      editor.current?.appendStep(
        `where ${columnName(column.name)} between (datetime(${new Date(from).toISOString()}) .. datetime(${new Date(to).toISOString()}))`,
      ),
    [],
  );
  const extend = useCallback(
    (column: HuntingColumn) => editor.current?.appendStep(`evaluate bag_unpack(${columnName(column.name)})`),
    [],
  );
  const inspect = useCallback((table: ResultTable, row: number) => setInspected({ table, row }), []);

  const save = () => {
    if (!current.saved) return setSaving("query");
    saveQuery.mutate(
      { id: current.saved, text: current.text },
      { onSuccess: () => say("Saved"), onError: () => setSaving("query") },
    );
  };

  const share = async () => {
    const link = await linkOf(editor.current?.current()?.text ?? current.text);
    try {
      await navigator.clipboard.writeText(link);
      say("Link copied");
    } catch {
      setSharing(link); // without HTTPS, or when it was refused, the clipboard is not ours to write
    }
  };

  const diagnostics = useMemo(
    () =>
      hunt.state === "failed" && hunt.diagnostics.length > 0 ? { base: hunt.base, list: hunt.diagnostics } : checked,
    [hunt, checked],
  );

  const side = (
    <SidePane
      schema={schema.data}
      error={schema.error}
      retry={() => void schema.refetch()}
      insert={(text) => {
        setDrawer(false);
        editor.current?.insert(text);
      }}
      open={open}
      reference={setReference}
      remove={(query) => {
        setDrawer(false);
        setRemoving(query);
      }}
      mayRemove={(query) => query.mine || (query.shared && mayManage)}
    />
  );
  const running = hunt.state === "running";
  const rangeName = custom ? "Custom range" : (ranges.find(([key]) => key === range)?.[1] ?? "");

  return (
    <div className={`${styles.page} ${phone || !sideOpen ? styles.wide : ""}`}>
      {!phone && sideOpen && side}
      <div className={styles.work}>
        <h1 className="unseen">Advanced hunting</h1>
        <div className={styles.tabs}>
          <Tooltip
            content={phone ? "Show the schema" : sideOpen ? "Hide the schema" : "Show the schema"}
            relationship="label"
          >
            <Button
              size="small"
              appearance="subtle"
              icon={<PanelLeftRegular />}
              onClick={() => (phone ? setDrawer(true) : setSideOpen(!sideOpen))}
            />
          </Tooltip>
          {tabs.list.map((tab) => (
            <div key={tab.id} className={`${styles.tab} ${tab.id === current.id ? styles.tabOpen : ""}`}>
              <button
                type="button"
                className={styles.tabName}
                aria-current={tab.id === current.id ? "page" : undefined}
                title={tab.title}
                onClick={() => tabs.choose(tab.id)}
              >
                {tab.title}
              </button>
              <Button
                size="small"
                appearance="transparent"
                icon={<DismissRegular />}
                aria-label={`Close ${tab.title}`}
                onClick={() => tabs.close(tab.id)}
              />
            </div>
          ))}
          <Tooltip content="New query" relationship="label">
            <Button size="small" appearance="subtle" icon={<AddRegular />} disabled={tabs.full} onClick={() => add()} />
          </Tooltip>
        </div>
        <div className={styles.bar}>
          {running ? (
            <Button size="small" className={styles.run} icon={<RecordStopRegular />} onClick={cancel}>
              Cancel
            </Button>
          ) : (
            <Tooltip content="Shift+Enter" relationship="description">
              <Button
                size="small"
                className={styles.run}
                appearance="primary"
                icon={<PlayRegular />}
                onClick={runCurrent}
              >
                Run query
              </Button>
            </Tooltip>
          )}
          <Dropdown
            size="small"
            className={styles.range}
            aria-label="Time range"
            value={rangeName}
            selectedOptions={[custom ? "custom" : range]}
            onOptionSelect={(_, data) => {
              if (data.optionValue === "custom") return setAsking(true);
              setCustom(undefined);
              setRange(data.optionValue ?? range);
            }}
          >
            {ranges.map(([key, label]) => (
              <Option key={key} value={key}>
                {label}
              </Option>
            ))}
            <Option value="custom">Custom range</Option>
          </Dropdown>
          <Menu>
            <MenuTrigger disableButtonEnhancement>
              <Button
                size="small"
                appearance="subtle"
                icon={<SaveRegular />}
                aria-label="Save"
                title={phone ? "Save" : undefined}
              >
                {phone ? undefined : "Save"}
              </Button>
            </MenuTrigger>
            <MenuPopover>
              <MenuList>
                <MenuItem secondaryContent="Ctrl+S" onClick={save}>
                  Save
                </MenuItem>
                <MenuItem onClick={() => setSaving("query")}>Save as</MenuItem>
                <MenuItem onClick={() => setSaving("function")}>Save as function</MenuItem>
              </MenuList>
            </MenuPopover>
          </Menu>
          <Button
            size="small"
            appearance="subtle"
            icon={<ShareRegular />}
            aria-label="Share link"
            title={phone ? "Share link" : undefined}
            onClick={() => void share()}
          >
            {phone ? undefined : "Share link"}
          </Button>
          {current.incident && (
            <Link className={styles.back} to={`/incidents/${current.incident}/alerts`}>
              {phone ? `Incident ${current.incident}` : `Back to incident ${current.incident}`}
            </Link>
          )}
          <span className={styles.said} role="status">
            {said}
          </span>
        </div>
        <div className={styles.editor} style={{ height }}>
          <KqlEditor
            key={current.id}
            value={current.text}
            schema={schema.data}
            diagnostics={diagnostics}
            onChange={(text) => update(current.id, { text })}
            onRun={runCurrent}
            onSave={save}
            onCursor={setCursor}
            handle={editor}
          />
        </div>
        <Divider height={height} setHeight={setHeight} />
        <div className={styles.lower}>
          <TabList size="small" selectedValue={lower} onTabSelect={(_, data) => setLower(String(data.value))}>
            <Tab value="start">Getting started</Tab>
            <Tab value="results">Results</Tab>
            <Tab value="history">Query history</Tab>
          </TabList>
          <div className={styles.lowerBody}>
            {lower === "start" ? (
              <GettingStarted open={open} />
            ) : lower === "history" ? (
              <HistoryList open={open} />
            ) : (
              <ResultsPane
                hunt={hunt}
                selected={selected}
                select={setSelected}
                inspected={inspected?.row}
                inspect={inspect}
                runAgain={runCurrent}
                addFilter={addFilter}
                addRange={addRange}
                extend={extend}
                link={mayLink ? setLinking : undefined}
                reveal={(offset) => editor.current?.reveal(offset)}
                hideTimeline={hideTimeline}
                setHideTimeline={(hide) => {
                  localStorage.setItem(timelineKey, hide ? "hidden" : "shown");
                  setHideTimeline(hide);
                }}
              />
            )}
          </div>
        </div>
      </div>
      <OverlayDrawer
        open={phone && drawer}
        position="start"
        aria-label="Schema, functions and queries"
        onOpenChange={(_, data) => setDrawer(data.open)}
      >
        {side}
      </OverlayDrawer>
      {reference && (
        <Pane open onClose={() => setReference(undefined)} title={reference.name} label={`About ${reference.name}`}>
          <TableReference table={reference} ask={(text) => open({ title: reference.name, text }, true)} />
        </Pane>
      )}
      {inspected && (
        <Inspect
          table={inspected.table}
          row={inspected.row}
          onClose={() => setInspected(undefined)}
          addFilter={addFilter}
          open={open}
        />
      )}
      {linking && (
        <LinkWizard
          table={linking}
          incident={current.incident}
          rows={[...selected].sort((a, b) => a - b)}
          query={hunt.query}
          onClose={() => setLinking(undefined)}
        />
      )}
      {saving && (
        <SaveDialog
          kind={saving}
          text={saving === "query" ? current.text : (editor.current?.current()?.text ?? current.text)}
          name={/^Query \d+$/.test(current.title) ? "" : current.title}
          onClose={() => setSaving(undefined)}
          onSaved={(saved) => {
            if (saving === "query") update(current.id, { title: saved.name, saved: saved.id });
            setSaving(undefined);
            say("Saved");
          }}
        />
      )}
      {removing && (
        <Dialog
          open
          onOpenChange={(_, data) => {
            if (data.open) return;
            deleteQuery.reset();
            setRemoving(undefined);
          }}
        >
          <DialogSurface>
            <DialogBody>
              <DialogTitle>Delete {removing.name}?</DialogTitle>
              <DialogContent>
                <p>
                  The saved {removing.kind} is deleted for good
                  {removing.shared ? ", for everybody who uses it" : ""}.
                </p>
                {deleteQuery.error && (
                  <MessageBar intent="error" role="alert">
                    <MessageBarBody>{messageOf(deleteQuery.error)}</MessageBarBody>
                  </MessageBar>
                )}
              </DialogContent>
              <DialogActions>
                <Button
                  appearance="primary"
                  disabledFocusable={deleteQuery.isPending}
                  onClick={() => deleteQuery.mutate(removing.id, { onSuccess: () => setRemoving(undefined) })}
                >
                  Delete
                </Button>
                <Button onClick={() => setRemoving(undefined)}>Cancel</Button>
              </DialogActions>
            </DialogBody>
          </DialogSurface>
        </Dialog>
      )}
      {asking && (
        <CustomRange
          onClose={() => setAsking(false)}
          onChoose={(chosen) => {
            setCustom(chosen);
            setRange("custom");
            setAsking(false);
          }}
        />
      )}
      {sharing && <ShareDialog link={sharing} onClose={() => setSharing(undefined)} />}
      {badLink && (
        <Dialog open onOpenChange={() => setBadLink(false)}>
          <DialogSurface>
            <DialogBody>
              <DialogTitle>The link holds no query</DialogTitle>
              <DialogContent>It was cut short or changed on its way. Ask for it again.</DialogContent>
              <DialogActions>
                <Button appearance="primary" onClick={() => setBadLink(false)}>
                  Close
                </Button>
              </DialogActions>
            </DialogBody>
          </DialogSurface>
        </Dialog>
      )}
    </div>
  );
}
