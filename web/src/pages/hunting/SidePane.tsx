import { Button, Input, makeStyles, mergeClasses, Tab, TabList, Tooltip, tokens } from "@fluentui/react-components";
import { useState } from "react";
import { type HuntingSchema, type HuntingTable, type SavedQuery, useSavedQueries } from "../../api/hunting";
import {
  ArrowRightRegular,
  ChevronDownRegular,
  ChevronRightRegular,
  CodeBlockRegular,
  DeleteRegular,
  InfoRegular,
  OpenRegular,
  PlayRegular,
  SearchRegular,
} from "../../parts/icons";
import { ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { own } from "../../parts/theme";
import { count } from "../../parts/words";

const useStyles = makeStyles({
  pane: {
    display: "flex",
    flexDirection: "column",
    alignSelf: "stretch",
    minWidth: 0,
    minHeight: 0,
    height: "100%",
    backgroundColor: own("surface"),
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  tabs: { minHeight: "36px", paddingInline: "4px" },
  search: { margin: "6px 12px 4px", minWidth: 0 },
  list: { flexGrow: 1, minHeight: 0, overflow: "auto", padding: "0 8px 12px", fontSize: tokens.fontSizeBase300 },
  group: {
    padding: "10px 8px 4px",
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3,
  },
  row: {
    display: "flex",
    alignItems: "center",
    gap: "2px",
    borderRadius: "4px",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":hover .row-actions, :focus-within .row-actions": { opacity: 1 },
  },
  name: {
    display: "flex",
    alignItems: "center",
    gap: "4px",
    flexGrow: 1,
    minWidth: 0,
    padding: "5px 4px",
    border: "none",
    background: "none",
    color: "inherit",
    font: "inherit",
    textAlign: "start",
    cursor: "pointer",
    borderRadius: "4px",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "& > span": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
    "& > svg": { flexShrink: 0 },
  },
  columns: { paddingInlineStart: "18px" },
  type: {
    marginInlineStart: "auto",
    paddingInlineStart: "8px",
    fontSize: "12px",
    color: tokens.colorNeutralForeground3,
  },
  actions: { display: "flex", opacity: 0, "@media (hover: none)": { opacity: 1 } },
  nothing: { padding: "12px 8px", color: tokens.colorNeutralForeground3 },
});

interface Props {
  schema?: HuntingSchema;
  error: unknown;
  retry: () => void;
  insert: (text: string) => void;
  /** Opens a text in a tab; run it at once when asked. */
  open: (part: { title: string; text: string; saved?: string }, run?: boolean) => void;
  reference: (table: HuntingTable) => void;
  remove: (query: SavedQuery) => void;
  mayRemove: (query: SavedQuery) => boolean;
}

/** What can be asked about: tables and columns, functions, saved queries. */
export function SidePane(props: Props) {
  const styles = useStyles();
  const [tab, setTab] = useState("schema");
  const [search, setSearch] = useState("");
  const needle = search.trim().toLowerCase();
  return (
    <aside className={styles.pane} aria-label="Schema, functions and queries">
      <TabList
        selectedValue={tab}
        onTabSelect={(_, data) => setTab(String(data.value))}
        size="small"
        className={styles.tabs}
      >
        <Tab value="schema">Schema</Tab>
        <Tab value="functions">Functions</Tab>
        <Tab value="queries">Queries</Tab>
      </TabList>
      <Input
        className={styles.search}
        size="small"
        contentBefore={<SearchRegular />}
        placeholder={tab === "schema" ? "Tables and columns" : tab === "functions" ? "Functions" : "Saved queries"}
        aria-label="Search this list"
        value={search}
        onChange={(_, data) => setSearch(data.value)}
      />
      <div className={styles.list}>
        {props.error ? (
          <ErrorState error={props.error} retry={props.retry} />
        ) : !props.schema ? (
          <LoadingLines rows={8} height={20} label="Loading the schema" />
        ) : tab === "schema" ? (
          <Tables {...props} schema={props.schema} needle={needle} />
        ) : tab === "functions" ? (
          <Functions {...props} schema={props.schema} needle={needle} />
        ) : (
          <Queries {...props} needle={needle} />
        )}
      </div>
    </aside>
  );
}

// The groups as hunters know them, in the order in which they look.
const groupWords: Record<string, string> = {
  alerts: "Alerts and behaviors",
  devices: "Devices",
  identity: "Identities",
  apps: "Apps",
  email: "Email and collaboration",
  cloud: "Cloud infrastructure",
  datasecurity: "Data security",
  exposure: "Exposure",
  tvm: "Vulnerability management",
  agents: "AI agents",
  response: "Automatic response",
  sentinel: "Microsoft Sentinel",
};
const groupOrder = Object.keys(groupWords);
const groupWord = (group: string) => groupWords[group] ?? (group || "Other tables");
const groupRank = (group: string) => (groupOrder.includes(group) ? groupOrder.indexOf(group) : groupOrder.length);

function Tables({ schema, needle, insert, reference }: Props & { schema: HuntingSchema; needle: string }) {
  const styles = useStyles();
  const [opened, setOpened] = useState<string[]>([]);
  const hits = schema.tables.filter(
    (table) =>
      needle === "" ||
      table.name.toLowerCase().includes(needle) ||
      table.columns.some(({ name }) => name.toLowerCase().includes(needle)),
  );
  if (hits.length === 0) return <p className={styles.nothing}>Nothing has that name.</p>;
  const groups = [...new Set(hits.map(({ group }) => group))].sort((a, b) => groupRank(a) - groupRank(b));
  return groups.map((group) => (
    <section key={group} aria-label={groupWord(group)}>
      <h2 className={styles.group}>{groupWord(group)}</h2>
      {hits
        .filter((table) => table.group === group)
        .map((table) => {
          const columnHits = needle
            ? table.columns.filter(({ name }) => name.toLowerCase().includes(needle))
            : table.columns;
          const open = opened.includes(table.name) || (needle !== "" && hits.length <= 6 && columnHits.length > 0);
          const columns = needle && columnHits.length > 0 ? columnHits : table.columns;
          return (
            <div key={table.name}>
              <div className={styles.row}>
                <button
                  type="button"
                  className={styles.name}
                  aria-expanded={open}
                  title={table.description}
                  onClick={() =>
                    setOpened(open ? opened.filter((each) => each !== table.name) : [...opened, table.name])
                  }
                  onDoubleClick={() => insert(table.name)}
                >
                  {open ? <ChevronDownRegular /> : <ChevronRightRegular />}
                  <span>{table.name}</span>
                </button>
                <span className={mergeClasses("row-actions", styles.actions)}>
                  <Action
                    label={`Insert ${table.name}`}
                    icon={<ArrowRightRegular />}
                    onClick={() => insert(table.name)}
                  />
                  <Action label={`About ${table.name}`} icon={<InfoRegular />} onClick={() => reference(table)} />
                </span>
              </div>
              {open && (
                <div className={styles.columns}>
                  {columns.map((column) => (
                    <div key={column.name} className={styles.row}>
                      <button
                        type="button"
                        className={styles.name}
                        title={column.description}
                        aria-label={`Insert column ${column.name}, ${column.type}`}
                        onClick={() => insert(column.name)}
                      >
                        <span>{column.name}</span>
                        <span className={styles.type}>{column.type}</span>
                      </button>
                    </div>
                  ))}
                </div>
              )}
            </div>
          );
        })}
    </section>
  ));
}

const functionGroups = { builtin: "Built in", shared: "Shared", mine: "Mine" } as const;

function Functions({
  schema,
  needle,
  insert,
  open,
  remove,
  mayRemove,
}: Props & { schema: HuntingSchema; needle: string }) {
  const saved = useSavedQueries().data?.items ?? [];
  const styles = useStyles();
  const surface = useSurface();
  const hits = schema.functions.filter(({ name }) => name.toLowerCase().includes(needle));
  if (hits.length === 0)
    return (
      <p className={styles.nothing}>
        {needle ? "Nothing has that name." : "Save a query as a function, and it stands here."}
      </p>
    );
  return (["builtin", "shared", "mine"] as const).map((kind) => {
    const list = hits.filter((each) => each.kind === kind);
    return (
      list.length > 0 && (
        <section key={kind} aria-label={functionGroups[kind]}>
          <h2 className={styles.group}>{functionGroups[kind]}</h2>
          {list.map((each) => {
            const stored = saved.find(
              ({ kind: of, name, text }) => of === "function" && name === each.name && text === each.text,
            );
            return (
              <div key={each.name} className={styles.row}>
                <button
                  type="button"
                  className={styles.name}
                  title={each.description}
                  onClick={() =>
                    insert(`${each.name}${each.parameters.startsWith("(") ? each.parameters : `(${each.parameters})`}`)
                  }
                >
                  <span>
                    {each.name}
                    <span className={surface.muted}>
                      {each.parameters.startsWith("(") ? each.parameters : `(${each.parameters})`}
                    </span>
                  </span>
                </button>
                {stored && (
                  <span className={mergeClasses("row-actions", styles.actions)}>
                    <Action
                      label={`Open ${each.name}`}
                      icon={<OpenRegular />}
                      onClick={() =>
                        open({ title: each.name, text: stored.text, ...(mayRemove(stored) && { saved: stored.id }) })
                      }
                    />
                    {mayRemove(stored) && (
                      <Action label={`Delete ${each.name}`} icon={<DeleteRegular />} onClick={() => remove(stored)} />
                    )}
                  </span>
                )}
              </div>
            );
          })}
        </section>
      )
    );
  });
}

function Queries({ needle, open, remove, mayRemove }: Props & { needle: string }) {
  const styles = useStyles();
  const saved = useSavedQueries();
  if (saved.isPending) return <LoadingLines rows={4} height={20} label="Loading saved queries" />;
  if (saved.error) return <ErrorState error={saved.error} retry={() => void saved.refetch()} />;
  const items = saved.data.items ?? [];
  // Saving what somebody else shares makes a query of one's own.
  const opened = (each: SavedQuery) => ({
    title: each.name,
    text: each.text,
    ...(mayRemove(each) && { saved: each.id }),
  });
  const hits = items.filter(
    (each) => each.kind === "query" && `${each.folder} ${each.name} ${each.description}`.toLowerCase().includes(needle),
  );
  if (hits.length === 0)
    return (
      <p className={styles.nothing}>
        {needle
          ? "No saved query has that name."
          : "Nothing is saved yet. Save a query with Ctrl+S, and it stands here."}
      </p>
    );
  const groups = [
    ...new Set(hits.map((each) => `${each.shared ? "Shared" : "Mine"}${each.folder ? ` / ${each.folder}` : ""}`)),
  ].sort();
  return groups.map((group) => (
    <section key={group} aria-label={group}>
      <h2 className={styles.group}>{group}</h2>
      {hits
        .filter((each) => `${each.shared ? "Shared" : "Mine"}${each.folder ? ` / ${each.folder}` : ""}` === group)
        .map((each) => (
          <div key={each.id} className={styles.row}>
            <button
              type="button"
              className={styles.name}
              title={each.description || each.text}
              onClick={() => open(opened(each))}
            >
              <CodeBlockRegular />
              <span>{each.name}</span>
            </button>
            <span className={mergeClasses("row-actions", styles.actions)}>
              <Action label={`Run ${each.name}`} icon={<PlayRegular />} onClick={() => open(opened(each), true)} />
              {mayRemove(each) && (
                <Action label={`Delete ${each.name}`} icon={<DeleteRegular />} onClick={() => remove(each)} />
              )}
            </span>
          </div>
        ))}
    </section>
  ));
}

function Action({ label, icon, onClick }: { label: string; icon: React.JSX.Element; onClick: () => void }) {
  return (
    <Tooltip content={label} relationship="label">
      <Button size="small" appearance="subtle" icon={icon} onClick={onClick} />
    </Tooltip>
  );
}

/** What a table is, in a pane beside the results. */
export function TableReference({ table, ask }: { table: HuntingTable; ask: (text: string) => void }) {
  const surface = useSurface();
  const [search, setSearch] = useState("");
  const columns = table.columns.filter(({ name, description }) =>
    `${name} ${description ?? ""}`.toLowerCase().includes(search.toLowerCase()),
  );
  const samples = [
    { label: "Ten rows", text: `${table.name}\n| take 10` },
    ...(table.columns.some(({ name }) => name === "ActionType")
      ? [
          {
            label: "How many of each action",
            text: `${table.name}\n| summarize Events = count() by ActionType\n| sort by Events`,
          },
        ]
      : []),
    ...(table.time
      ? [
          {
            label: "Events per hour",
            text: `${table.name}\n| summarize count() by bin(${table.time}, 1h)\n| render timechart`,
          },
        ]
      : []),
  ];
  return (
    <>
      <section className={surface.section}>
        <p>{table.description}</p>
      </section>
      <section className={surface.section}>
        <h3 className={surface.heading}>Sample queries</h3>
        <div style={{ display: "flex", flexWrap: "wrap", gap: "8px" }}>
          {samples.map(({ label, text }) => (
            <Button key={label} size="small" onClick={() => ask(text)}>
              {label}
            </Button>
          ))}
        </div>
      </section>
      {table.actionTypes && table.actionTypes.length > 0 && (
        <section className={surface.section}>
          <h3 className={surface.heading}>Action types</h3>
          <p className={surface.mono}>{table.actionTypes.join(", ")}</p>
        </section>
      )}
      <section className={surface.section}>
        <h3 className={surface.heading}>{count(table.columns.length, "column")}</h3>
        <Input
          size="small"
          contentBefore={<SearchRegular />}
          aria-label="Search the columns"
          placeholder="Search the columns"
          value={search}
          onChange={(_, data) => setSearch(data.value)}
        />
        <dl className={surface.facts}>
          {columns.map(({ name, type, description }) => (
            <div key={name} style={{ display: "contents" }}>
              <dt>
                <span className={surface.mono}>{name}</span>
              </dt>
              <dd>
                {description} <span className={surface.muted}>({type})</span>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  );
}
