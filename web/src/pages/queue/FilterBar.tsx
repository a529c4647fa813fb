import {
  Button,
  Field,
  Input,
  Menu,
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
import { useKnownTags, usePeople } from "../../api/incidents";
import { useSession } from "../../api/session";
import { plainText } from "../../parts/hidden";
import { ArrowResetRegular, ChevronDownRegular, DismissRegular } from "../../parts/icons";
import { own } from "../../parts/theme";
import { dateTime } from "../../parts/when";
import { editableStatuses, serviceSources, severities, severityWord, sourceWord, statusWord } from "../../parts/words";
import { defaultFilter, isDefaultView, type QueueFilter, type Range, ranges } from "./filter";

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
  custom: { display: "grid", gap: "12px", width: "260px" },
});

interface Props {
  filter: QueueFilter;
  onChange: (change: Partial<QueueFilter>) => void;
}

export function FilterBar({ filter, onChange }: Props) {
  const styles = useStyles();
  const me = useSession().data?.user;
  const { data: people = [] } = usePeople("");
  const { data: tags = [] } = useKnownTags();
  const owners = [
    { value: "@me", label: "Me" },
    { value: "@none", label: "Nobody" },
    ...people
      .filter((person) => person.userName !== me?.userName)
      .map((person) => ({ value: person.userName, label: plainText(person.displayName || person.userName) })),
  ];
  return (
    <div className={styles.bar}>
      <Search text={filter.search} onSearch={(search) => onChange({ search })} />
      <section className={styles.pills} aria-label="Filters">
        <RangePill filter={filter} onChange={onChange} />
        <ListPill
          name="Status"
          chosen={filter.status}
          usual={defaultFilter.status}
          options={editableStatuses.map((value) => ({ value, label: statusWord(value) }))}
          onChange={(status) => onChange({ status })}
        />
        <ListPill
          name="Severity"
          chosen={filter.severity}
          usual={defaultFilter.severity}
          options={severities.map((value) => ({ value, label: severityWord(value) }))}
          onChange={(severity) => onChange({ severity })}
        />
        <ListPill
          name="Assigned to"
          chosen={filter.owner}
          usual={[]}
          options={owners}
          onChange={(owner) => onChange({ owner })}
        />
        <ListPill
          name="Source"
          chosen={filter.sources}
          usual={[]}
          options={serviceSources.map((value) => ({ value, label: sourceWord(value) }))}
          onChange={(sources) => onChange({ sources })}
        />
        <ListPill
          name="Tags"
          chosen={filter.tags}
          usual={[]}
          options={[...new Set([...tags, ...filter.tags])].map((value) => ({ value, label: plainText(value) }))}
          onChange={(next) => onChange({ tags: next })}
        />
        {!isDefaultView(filter) && (
          <Button
            appearance="subtle"
            icon={<ArrowResetRegular />}
            onClick={() => onChange({ ...defaultFilter, from: undefined, to: undefined, sort: filter.sort })}
          >
            Reset all
          </Button>
        )}
      </section>
    </div>
  );
}

const typingPause = 350;

function Search({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
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
      placeholder="Name, ID or asset"
      aria-label="Search incidents"
      value={typed}
      onChange={(_, data) => setTyped(data.value)}
      onKeyDown={(event) => event.key === "Enter" && onSearch(typed.trim())}
    />
  );
}

interface ListPillProps {
  name: string;
  chosen: string[];
  /** The choice of the default view. Another one shows as set and gets a button that takes it back. */
  usual: string[];
  options: { value: string; label: string }[];
  onChange: (values: string[]) => void;
}

function ListPill({ name, chosen, usual, options, onChange }: ListPillProps) {
  const styles = useStyles();
  const changed = chosen.length !== usual.length || chosen.some((value) => !usual.includes(value));
  const labels = chosen.map((value) => options.find((option) => option.value === value)?.label ?? plainText(value));
  const text = labels.length === 0 ? "Any" : labels.length > 3 ? `${labels.length} chosen` : labels.join(", ");
  return (
    <span className={styles.pill}>
      <Menu
        persistOnItemClick
        checkedValues={{ [name]: chosen }}
        onCheckedValueChange={(_, data) => onChange(data.checkedItems)}
      >
        <MenuTrigger disableButtonEnhancement>
          <Button
            className={mergeClasses(styles.pillButton, changed && styles.set, changed && styles.withClear)}
            icon={<ChevronDownRegular fontSize={16} />}
            iconPosition="after"
          >
            {name}:<b>{text}</b>
          </Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList className={styles.list}>
            {options.map((option) => (
              <MenuItemCheckbox key={option.value} name={name} value={option.value}>
                {option.label}
              </MenuItemCheckbox>
            ))}
            {options.length === 0 && (
              <MenuItemCheckbox name={name} value="" disabled>
                None used yet
              </MenuItemCheckbox>
            )}
          </MenuList>
        </MenuPopover>
      </Menu>
      {changed && (
        <Button
          className={styles.clear}
          icon={<DismissRegular fontSize={14} />}
          aria-label={`Remove filter ${name}`}
          onClick={() => onChange(usual)}
        />
      )}
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

function rangeLabel(filter: QueueFilter): string {
  if (filter.range !== "custom") return ranges.find(({ value }) => value === filter.range)?.label ?? "";
  const from = filter.from ? dateTime(Date.parse(filter.from)) : "the beginning";
  const to = filter.to ? dateTime(Date.parse(filter.to)) : "now";
  return `${from} to ${to}`;
}

function RangePill({ filter, onChange }: Props) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const changed = filter.range !== defaultFilter.range;
  return (
    <span className={styles.pill}>
      <Popover open={open} onOpenChange={(_, data) => setOpen(data.open)} positioning="below-start" trapFocus>
        <PopoverTrigger disableButtonEnhancement>
          <Button
            className={mergeClasses(styles.pillButton, changed && styles.set, changed && styles.withClear)}
            icon={<ChevronDownRegular fontSize={16} />}
            iconPosition="after"
          >
            Updated:<b>{rangeLabel(filter)}</b>
          </Button>
        </PopoverTrigger>
        <PopoverSurface className={styles.custom} aria-label="Time of the last update">
          <RadioGroup
            aria-label="Time of the last update"
            value={filter.range}
            onChange={(_, data) => {
              const range = data.value as Range;
              onChange({ range, from: undefined, to: undefined });
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
                  onChange={(_, data) => onChange({ from: fromField(data.value) })}
                />
              </Field>
              <Field label="To">
                <Input
                  type="datetime-local"
                  value={toField(filter.to)}
                  min={toField(filter.from)}
                  onChange={(_, data) => onChange({ to: fromField(data.value) })}
                />
              </Field>
            </>
          )}
        </PopoverSurface>
      </Popover>
      {changed && (
        <Button
          className={styles.clear}
          icon={<DismissRegular fontSize={14} />}
          aria-label="Remove filter time range"
          onClick={() => onChange({ range: defaultFilter.range, from: undefined, to: undefined })}
        />
      )}
    </span>
  );
}
