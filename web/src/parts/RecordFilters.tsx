import { Button, Input, makeStyles, Select } from "@fluentui/react-components";
import { type ReactNode, useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import type { ActivityPage } from "../api/types";
import { FilterRegular, SearchRegular } from "./icons";
import { filtered, type RecordField, ranges, withFilter, withoutFilters } from "./recordFilter";
import { activityWord, recordCategories, spellOut } from "./words";

const useStyles = makeStyles({
  bar: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px", marginBottom: "8px" },
  search: { width: "220px", "@media (max-width: 720px)": { width: "100%" } },
  select: { maxWidth: "220px", "@media (max-width: 720px)": { maxWidth: "none", flexGrow: 1, flexBasis: "40%" } },
  gap: { flexGrow: 1 },
});

const statuses: Record<string, string> = { completed: "Done", failed: "Refused", reverted: "Taken back" };

interface Props {
  /** What the log has: offered as choices. Without it, names and kinds are typed. */
  values?: ActivityPage["values"];
  /** The incident whose log it is; without it, it is the whole record. */
  incident?: string;
  children?: ReactNode;
}

/** The filters of the record. They live in the address, so that a link shows the same entries. */
export function RecordFilters({ values, incident, children }: Props) {
  const styles = useStyles();
  const [params, setParams] = useSearchParams();
  const hidden: RecordField[] = ["category", "provider", "status", "targetType", "origin", "since", "from", "to"];
  const [more, setMore] = useState(() => hidden.some((name) => params.get(name)));
  const set = (name: RecordField, value: string) => setParams((now) => withFilter(now, name, value), { replace: true });
  const select = (name: RecordField, label: string, any: string, choices: [string, string][]) => (
    <Select
      className={styles.select}
      aria-label={label}
      value={params.get(name) ?? ""}
      onChange={(_, choice) => set(name, choice.value)}
    >
      <option value="">{any}</option>
      {withCurrent(choices, params.get(name)).map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </Select>
  );
  const targets = incident
    ? ["incident", "alert"]
    : ["incident", "alert", "user", "token", "session", "rule", "huntingQuery", "audit"];
  return (
    <>
      <div className={styles.bar}>
        <Typed name="target" label="Text or number" set={set} icon={<SearchRegular />} />
        {select("trigger", "Who did it", "By anybody", [
          ["manual", "People"],
          ["automatic", "Tocsin by itself"],
        ])}
        {values ? (
          select(
            "by",
            "By name",
            "Any name",
            values.by.map(({ value, count }) => [value, `${value} (${count})`]),
          )
        ) : (
          <Typed name="by" label="User name" set={set} />
        )}
        {values
          ? select(
              "type",
              "What was done",
              "Anything",
              values.types.map(({ value, count }) => [value, `${activityWord(value)} (${count})`]),
            )
          : select("category", "About", "About anything", Object.entries(recordCategories))}
        <Button
          appearance="subtle"
          icon={<FilterRegular />}
          aria-expanded={more}
          onClick={() => setMore((shown) => !shown)}
        >
          {more ? "Fewer filters" : "More filters"}
        </Button>
        {filtered(params) && (
          <Button appearance="subtle" onClick={() => setParams((now) => withoutFilters(now), { replace: true })}>
            Reset all
          </Button>
        )}
        <span className={styles.gap} />
        {children}
      </div>
      {more && (
        <div className={styles.bar}>
          {values && select("category", "About", "About anything", Object.entries(recordCategories).slice(0, 3))}
          {values &&
            values.origins.length > 1 &&
            select(
              "origin",
              "Written in the log of",
              "Any incident's log",
              values.origins.map(({ value, count }) => [
                value,
                value === incident ? `This incident (${count})` : `Incident ${value}, merged (${count})`,
              ]),
            )}
          {select("status", "Outcome", "Any outcome", Object.entries(statuses))}
          {select("provider", "Came from", "From anywhere", [
            ["portal", "The portal"],
            ["api", "Connected programs"],
            ["correlation", "Correlation"],
          ])}
          {select(
            "targetType",
            "What was changed",
            "Any target",
            targets.map((each) => [each, spellOut(each)]),
          )}
          {!values && <Typed name="type" label="Kind, such as statusChanged" set={set} />}
          {select("since", "When", "At any time", [
            ...Object.entries(ranges).map(([value, [label]]): [string, string] => [value, label]),
            ["custom", "Custom range"],
          ])}
          {(params.get("since") === "custom" || params.get("from") || params.get("to")) && (
            <>
              <Moment name="from" label="Not before" set={set} />
              <Moment name="to" label="Not after" set={set} />
            </>
          )}
        </div>
      )}
    </>
  );
}

/** A value of the address that is not among the choices is shown all the same. */
function withCurrent(choices: [string, string][], current: string | null): [string, string][] {
  return !current || choices.some(([value]) => value === current) ? choices : [...choices, [current, current]];
}

interface FieldProps {
  name: RecordField;
  label: string;
  set: (name: RecordField, value: string) => void;
  icon?: React.JSX.Element;
}

/** A text that is asked for when typing pauses. */
function Typed({ name, label, set, icon }: FieldProps) {
  const styles = useStyles();
  const [params] = useSearchParams();
  const given = params.get(name) ?? "";
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  useEffect(() => {
    if (text === given) return;
    const timer = setTimeout(() => set(name, text.trim()), 400);
    return () => clearTimeout(timer);
  }, [text, given, name, set]);
  return (
    <Input
      className={styles.search}
      type="search"
      aria-label={label}
      placeholder={label}
      contentBefore={icon}
      maxLength={200}
      value={text}
      onChange={(_, input) => setText(input.value)}
    />
  );
}

function Moment({ name, label, set }: FieldProps) {
  const [params] = useSearchParams();
  return (
    <Input
      type="datetime-local"
      aria-label={label}
      title={label}
      value={params.get(name) ?? ""}
      onChange={(_, input) => set(name, input.value)}
    />
  );
}
