import {
  Button,
  Field,
  Input,
  Menu,
  MenuItem,
  MenuItemCheckbox,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  mergeClasses,
  Popover,
  PopoverSurface,
  PopoverTrigger,
  Radio,
  RadioGroup,
  SearchBox,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { usePeople } from "../api/incidents";
import { type Noun, useFacet } from "../api/kept";
import { useSession } from "../api/session";
import { plainText } from "./hidden";
import { ArrowResetRegular, ChevronDownRegular, DismissRegular, FilterAddRegular } from "./icons";
import {
  choose,
  chosen,
  defaultFilter,
  type FilterDef,
  isDefaultView,
  type ListFilter,
  type ListSpec,
  type Range,
  ranges,
} from "./listFilter";
import { own } from "./theme";
import { dateTime } from "./when";

const useStyles = makeStyles({
  bar: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px" },
  search: { width: "280px", maxWidth: "100%", "@media (max-width: 720px)": { width: "100%", maxWidth: "none" } },
  pills: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "8px",
    "@media (max-width: 720px)": {
      flexWrap: "nowrap",
      overflowX: "auto",
      margin: "0 -16px",
      padding: "2px 16px",
      scrollbarWidth: "none",
    },
  },
  pill: { display: "inline-flex", flexShrink: 0, alignItems: "stretch", borderRadius: "16px" },
  pillButton: {
    minWidth: 0,
    height: "32px",
    paddingInline: "12px 8px",
    borderRadius: "16px",
    fontWeight: tokens.fontWeightRegular,
    backgroundColor: own("surface"),
    whiteSpace: "nowrap",
    "& b": { fontWeight: tokens.fontWeightSemibold, marginInlineStart: "4px" },
  },
  set: { backgroundColor: tokens.colorBrandBackground2, border: `1px solid ${tokens.colorBrandStroke2}` },
  withClear: { borderStartEndRadius: 0, borderEndEndRadius: 0, borderInlineEndWidth: 0, paddingInlineEnd: "4px" },
  clear: {
    minWidth: "28px",
    height: "32px",
    padding: 0,
    borderStartStartRadius: 0,
    borderEndStartRadius: 0,
    borderStartEndRadius: "16px",
    borderEndEndRadius: "16px",
    border: `1px solid ${tokens.colorBrandStroke2}`,
    borderInlineStartWidth: 0,
    backgroundColor: tokens.colorBrandBackground2,
  },
  list: { maxHeight: "60vh", overflowY: "auto" },
  hits: { marginInlineStart: "16px", color: tokens.colorNeutralForeground3, fontVariantNumeric: "tabular-nums" },
  option: { display: "flex", justifyContent: "space-between" },
  custom: { display: "grid", gap: "12px", width: "260px" },
});

interface Props {
  noun: Noun;
  spec: ListSpec;
  filter: ListFilter;
  /** The filter as the server has it, for the counts beside the values. */
  query: { filter: string; search: string };
  placeholder: string;
  onChange: (filter: ListFilter) => void;
}

/** Search, time range and filters of a queue. Filters that are not always there are added from a menu. */
export function FilterBar({ noun, spec, filter, query, placeholder, onChange }: Props) {
  const styles = useStyles();
  // A filter that was added and has no value yet is not in the address.
  const [added, setAdded] = useState<string[]>([]);
  const set = spec.defs.filter((def) => def.always || filter.values[def.id] !== undefined || added.includes(def.id));
  const rest = spec.defs.filter((def) => !set.includes(def));
  const remove = (def: FilterDef) => {
    setAdded(added.filter((id) => id !== def.id));
    onChange(choose(filter, def, def.usual ?? []));
  };
  return (
    <div className={styles.bar}>
      <Search
        text={filter.search}
        label={`Search ${noun}s`}
        placeholder={placeholder}
        onSearch={(search) => onChange({ ...filter, search })}
      />
      <section className={styles.pills} aria-label="Filters">
        <RangePill spec={spec} filter={filter} onChange={onChange} />
        {set.map((def) => {
          const props = {
            def,
            values: chosen(filter, def),
            changed: filter.values[def.id] !== undefined || added.includes(def.id),
            onRemove: () => remove(def),
            onChange: (values: string[]) => onChange(choose(filter, def, values)),
          };
          return def.typed ? (
            <TextPill key={def.id} {...props} />
          ) : (
            <ListPill key={def.id} {...props} noun={noun} query={query} />
          );
        })}
        {rest.length > 0 && (
          <Menu>
            <MenuTrigger disableButtonEnhancement>
              <Button appearance="subtle" icon={<FilterAddRegular />} style={{ flexShrink: 0 }}>
                Add filter
              </Button>
            </MenuTrigger>
            <MenuPopover>
              <MenuList className={styles.list}>
                {rest.map((def) => (
                  <MenuItem key={def.id} onClick={() => setAdded([...added, def.id])}>
                    {def.label}
                  </MenuItem>
                ))}
              </MenuList>
            </MenuPopover>
          </Menu>
        )}
        {(!isDefaultView(spec, filter) || added.length > 0) && (
          <Button
            appearance="subtle"
            icon={<ArrowResetRegular />}
            style={{ flexShrink: 0 }}
            onClick={() => {
              setAdded([]);
              onChange({ ...defaultFilter(spec), sort: filter.sort });
            }}
          >
            Reset all
          </Button>
        )}
      </section>
    </div>
  );
}

const typingPause = 350;

interface SearchProps {
  text: string;
  label: string;
  placeholder: string;
  onSearch: (text: string) => void;
}

function Search({ text, label, placeholder, onSearch }: SearchProps) {
  const styles = useStyles();
  const [typed, setTyped] = useState(text);
  const [known, setKnown] = useState(text);
  if (known !== text) {
    // Somebody else changed it: the reset button, or going back. What is being typed stays.
    setKnown(text);
    if (typed.trim() !== text) setTyped(text);
  }
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = setTimeout(() => onSearch(typed.trim()), typingPause);
    return () => clearTimeout(timer);
  });
  return (
    <SearchBox
      className={styles.search}
      placeholder={placeholder}
      aria-label={label}
      value={typed}
      onChange={(_, data) => setTyped(data.value)}
      onKeyDown={(event) => event.key === "Enter" && onSearch(typed.trim())}
    />
  );
}

interface PillProps {
  def: FilterDef;
  values: string[];
  /** Shows as set and has a button that takes it back. */
  changed: boolean;
  onRemove: () => void;
  onChange: (values: string[]) => void;
}

/** The values that a list offers: those that are always offered, those that things have, and those that are chosen. */
function useOptions(def: FilterDef, values: string[], noun: Noun, query: Props["query"], open: boolean) {
  const me = useSession().data?.user;
  const { data: people = [] } = usePeople("");
  const property = def.id === "owner" ? "assignedTo" : (def.property ?? "");
  const { data: counts, isPending } = useFacet(noun, query, property, open && property !== "");
  const hits = new Map<string, number>();
  for (const { value, count } of counts ?? []) {
    if (def.id !== "owner") hits.set(value, count);
    else if (value === "") hits.set("@none", count);
    else hits.set(value === me?.userName ? "@me" : value, count);
  }
  const names = new Map(people.map((person) => [person.userName, plainText(person.displayName || person.userName)]));
  const offered =
    def.id === "owner"
      ? ["@me", "@none", ...people.map(({ userName }) => userName).filter((name) => name !== me?.userName)]
      : (def.options ?? []);
  const word = (value: string) => {
    if (value === "@me") return "Me";
    if (value === "@none") return "Nobody";
    return names.get(value) ?? def.word?.(value) ?? plainText(value);
  };
  const folded = new Set<string>();
  const all = [...offered, ...hits.keys(), ...values].filter((value) => {
    const fold = value.toLowerCase();
    if (value === "" || folded.has(fold)) return false;
    folded.add(fold);
    return true;
  });
  return {
    loading: open && property !== "" && isPending,
    word,
    options: all.map((value) => ({ value, label: word(value), hits: counts ? (hits.get(value) ?? 0) : undefined })),
  };
}

function ListPill({
  def,
  values,
  changed,
  onRemove,
  onChange,
  noun,
  query,
}: PillProps & Pick<Props, "noun" | "query">) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const { options, word, loading } = useOptions(def, values, noun, query, open);
  const labels = values.map(word);
  const text = labels.length === 0 ? "Any" : labels.length > 3 ? `${labels.length} chosen` : labels.join(", ");
  return (
    <span className={styles.pill}>
      <Menu
        open={open}
        onOpenChange={(_, data) => setOpen(data.open)}
        persistOnItemClick
        checkedValues={{ [def.id]: values }}
        onCheckedValueChange={(_, data) => onChange(data.checkedItems)}
      >
        <MenuTrigger disableButtonEnhancement>
          <Button
            className={mergeClasses(styles.pillButton, changed && styles.set, changed && styles.withClear)}
            icon={<ChevronDownRegular fontSize={16} />}
            iconPosition="after"
          >
            {def.label}:<b>{text}</b>
          </Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList className={styles.list}>
            {options.map((option) => (
              <MenuItemCheckbox key={option.value} name={def.id} value={option.value}>
                <span className={styles.option}>
                  {option.label}
                  {option.hits !== undefined && (
                    <span className={styles.hits}>
                      {option.hits.toLocaleString()}
                      <span className="unseen"> {noun}s</span>
                    </span>
                  )}
                </span>
              </MenuItemCheckbox>
            ))}
            {options.length === 0 && (
              <MenuItemCheckbox name={def.id} value="" disabled>
                {loading ? "Loading" : "None in this list"}
              </MenuItemCheckbox>
            )}
          </MenuList>
        </MenuPopover>
      </Menu>
      {changed && <Clear label={def.label} onClick={onRemove} />}
    </span>
  );
}

function Clear({ label, onClick }: { label: string; onClick: () => void }) {
  const styles = useStyles();
  return (
    <Button
      className={styles.clear}
      icon={<DismissRegular fontSize={14} />}
      aria-label={`Remove filter ${label}`}
      onClick={onClick}
    />
  );
}

/** A filter whose value is typed. */
function TextPill({ def, values, changed, onRemove, onChange }: PillProps) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const apply = () => {
    onChange(typed.trim() === "" ? [] : [typed.trim()]);
    setOpen(false);
  };
  return (
    <span className={styles.pill}>
      <Popover
        open={open}
        onOpenChange={(_, data) => {
          if (data.open) setTyped(values[0] ?? "");
          setOpen(data.open);
        }}
        positioning="below-start"
        trapFocus
      >
        <PopoverTrigger disableButtonEnhancement>
          <Button
            className={mergeClasses(styles.pillButton, changed && styles.set, changed && styles.withClear)}
            icon={<ChevronDownRegular fontSize={16} />}
            iconPosition="after"
          >
            {def.label}:<b>{values.length === 0 ? "Any" : values.map(plainText).join(", ")}</b>
          </Button>
        </PopoverTrigger>
        <PopoverSurface className={styles.custom} aria-label={def.label}>
          <Field label={`${def.label} contains`}>
            <Input
              value={typed}
              maxLength={200}
              onChange={(_, data) => setTyped(data.value)}
              onKeyDown={(event) => event.key === "Enter" && apply()}
            />
          </Field>
          <Button appearance="primary" onClick={apply}>
            Apply
          </Button>
        </PopoverSurface>
      </Popover>
      {changed && <Clear label={def.label} onClick={onRemove} />}
    </span>
  );
}

/** A moment as the browser's own date and time field writes it: local time without a zone. */
function toField(iso: string | undefined): string {
  if (!iso) return "";
  const ms = Date.parse(iso);
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function fromField(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace(/:\d\d\.\d{3}Z$/, "Z");
}

function rangeLabel(filter: ListFilter): string {
  if (filter.range !== "custom") return ranges.find(({ value }) => value === filter.range)?.label ?? "";
  const from = filter.from ? dateTime(Date.parse(filter.from)) : "the beginning";
  const to = filter.to ? dateTime(Date.parse(filter.to)) : "now";
  return `${from} to ${to}`;
}

function RangePill({ spec, filter, onChange }: Pick<Props, "spec" | "filter" | "onChange">) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const changed = filter.range !== spec.range;
  return (
    <span className={styles.pill}>
      <Popover open={open} onOpenChange={(_, data) => setOpen(data.open)} positioning="below-start" trapFocus>
        <PopoverTrigger disableButtonEnhancement>
          <Button
            className={mergeClasses(styles.pillButton, changed && styles.set, changed && styles.withClear)}
            icon={<ChevronDownRegular fontSize={16} />}
            iconPosition="after"
          >
            {spec.time.label}:<b>{rangeLabel(filter)}</b>
          </Button>
        </PopoverTrigger>
        <PopoverSurface className={styles.custom} aria-label={`${spec.time.label}: time range`}>
          <RadioGroup
            aria-label={`${spec.time.label}: time range`}
            value={filter.range}
            onChange={(_, data) => {
              const range = data.value as Range;
              onChange({ ...filter, range, from: undefined, to: undefined });
              if (range !== "custom") setOpen(false);
            }}
          >
            {ranges.map(({ value, label }) => (
              <Radio key={value} value={value} label={label} />
            ))}
          </RadioGroup>
          {filter.range === "custom" && (
            <>
              <Field label="From">
                <Input
                  type="datetime-local"
                  value={toField(filter.from)}
                  max={toField(filter.to)}
                  onChange={(_, data) => onChange({ ...filter, from: fromField(data.value) })}
                />
              </Field>
              <Field label="To">
                <Input
                  type="datetime-local"
                  value={toField(filter.to)}
                  min={toField(filter.from)}
                  onChange={(_, data) => onChange({ ...filter, to: fromField(data.value) })}
                />
              </Field>
            </>
          )}
        </PopoverSurface>
      </Popover>
      {changed && (
        <Clear
          label="time range"
          onClick={() => onChange({ ...filter, range: spec.range, from: undefined, to: undefined })}
        />
      )}
    </span>
  );
}
