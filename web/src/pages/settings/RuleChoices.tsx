import {
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Select,
  Switch,
} from "@fluentui/react-components";
import { useDeferredValue, useId, useState } from "react";
import {
  type Choice,
  type GroupingMode,
  type Rule,
  type RuleCorrelation,
  useCorrelation,
  useRules,
  useSetDefault,
  useSetRule,
} from "../../api/correlation";
import { useCan } from "../../api/session";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";

const useStyles = makeStyles({
  card: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "12px", padding: "16px 20px" },
  choices: { display: "flex", gap: "8px", "@media (max-width: 1100px)": { flexWrap: "wrap" } },
  search: { maxWidth: "360px" },
  title: { minWidth: "180px" },
  // A line is as high as its selects: words stand beside them, not above.
  table: { "& tbody td": { verticalAlign: "middle" } },
});

const shown = 50;

const modes: [GroupingMode, string][] = [
  ["alert", "Each alert alone"],
  ["entities", "All entities equal"],
  ["rule", "All of the rule"],
];

const frames: [number, string][] = [
  [5, "5 minutes"],
  [60, "1 hour"],
  [300, "5 hours"],
  [1440, "1 day"],
  [10_080, "7 days"],
];

/** Which rules correlate, and how the alerts of the others are put together. */
export function RuleChoices() {
  const styles = useStyles();
  const surface = useSurface();
  const heading = useId();
  const may = useCan("correlation.manage");
  const settings = useCorrelation();
  const rules = useRules();
  const setDefault = useSetDefault();
  const setRule = useSetRule();
  const [search, setSearch] = useState("");
  const text = useDeferredValue(search.trim().toLowerCase());
  const failed = settings.error ?? rules.error;
  const mutation = setRule.error ?? setDefault.error;
  const found = (rules.data ?? []).filter((rule) => rule.title.toLowerCase().includes(text));
  const set = new Map(settings.data?.rules.map((r) => [r.detectorId, r]));
  // What was set comes first: that is what people look for.
  found.sort((a, b) => Number(set.has(b.id)) - Number(set.has(a.id)) || a.title.localeCompare(b.title));
  return (
    <section className={`${surface.card} ${styles.card}`} aria-labelledby={heading}>
      <div>
        <h2 id={heading} className={surface.heading}>
          Rules
        </h2>
        <p className={surface.muted}>
          Alerts of a rule that does not correlate are never put together with others because of what they share. The
          rule&apos;s own grouping decides.
        </p>
      </div>
      {failed && <ErrorState error={failed} retry={() => void Promise.all([settings.refetch(), rules.refetch()])} />}
      {(settings.isPending || rules.isPending) && !failed && <LoadingLines label="Loading rules" />}
      {mutation && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(mutation)}</MessageBarBody>
        </MessageBar>
      )}
      {settings.data && rules.data && (
        <>
          <Switch
            label="Rules correlate unless they say otherwise"
            checked={settings.data.default === "enabled"}
            disabled={!may || setDefault.isPending}
            onChange={(_, d) => setDefault.mutate(d.checked ? "enabled" : "disabled")}
          />
          <Field label="Find a rule" className={styles.search}>
            <Input type="search" value={search} onChange={(_, d) => setSearch(d.value)} />
          </Field>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section className={surface.scroller} tabIndex={0} aria-label="Rules and their correlation">
            <table className={mergeClasses(surface.table, styles.table)}>
              <thead>
                <tr>
                  <th scope="col">Rule</th>
                  <th scope="col">Correlation</th>
                  <th scope="col">Grouping</th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, shown).map((rule) => (
                  <Line
                    key={rule.id}
                    rule={rule}
                    now={set.get(rule.id)}
                    off={settings.data.default === "disabled"}
                    may={may}
                    onChange={(next) => setRule.mutate(next)}
                  />
                ))}
              </tbody>
            </table>
          </section>
          <p className={surface.muted} role="status">
            {found.length > shown
              ? `${shown} of ${found.length} rules are shown. Search for the others.`
              : found.length === 0 && "No rule has such a name."}
          </p>
        </>
      )}
    </section>
  );
}

interface LineProps {
  rule: Rule;
  now?: RuleCorrelation;
  off: boolean;
  may: boolean;
  onChange: (next: RuleCorrelation) => void;
}

function Line({ rule, now, off, may, onChange }: LineProps) {
  const styles = useStyles();
  const surface = useSurface();
  const is: RuleCorrelation = now ?? { detectorId: rule.id, correlation: "default", grouping: { mode: "alert" } };
  const grouped = is.correlation === "disabled" || (is.correlation === "default" && off);
  const { mode } = is.grouping;
  return (
    <tr>
      <td className={styles.title}>{rule.title}</td>
      <td>
        <Select
          aria-label={`Correlation of ${rule.title}`}
          value={is.correlation}
          disabled={!may}
          onChange={(_, d) => onChange({ ...is, correlation: d.value as Choice })}
        >
          <option value="default">Default ({off ? "off" : "on"})</option>
          <option value="enabled">On</option>
          <option value="disabled">Off</option>
        </Select>
      </td>
      <td>
        {grouped ? (
          <div className={styles.choices}>
            <Select
              aria-label={`Grouping of ${rule.title}`}
              value={mode}
              disabled={!may}
              onChange={(_, d) =>
                onChange({
                  ...is,
                  grouping: { minutes: is.grouping.minutes, reopen: is.grouping.reopen, mode: d.value as GroupingMode },
                })
              }
            >
              {modes.map(([key, word]) => (
                <option key={key} value={key}>
                  {word}
                </option>
              ))}
              {mode === "chosen" && <option value="chosen">Chosen entities and details</option>}
            </Select>
            {mode !== "alert" && (
              <>
                <Select
                  aria-label={`Time frame of ${rule.title}`}
                  value={String(is.grouping.minutes ?? 300)}
                  disabled={!may}
                  onChange={(_, d) => onChange({ ...is, grouping: { ...is.grouping, minutes: Number(d.value) } })}
                >
                  {withOwn(is.grouping.minutes ?? 300).map(([key, word]) => (
                    <option key={key} value={String(key)}>
                      {word}
                    </option>
                  ))}
                </Select>
                <Switch
                  label="Reopen"
                  aria-label={`Reopen closed incidents of ${rule.title}`}
                  checked={is.grouping.reopen ?? false}
                  disabled={!may}
                  onChange={(_, d) => onChange({ ...is, grouping: { ...is.grouping, reopen: d.checked } })}
                />
              </>
            )}
          </div>
        ) : (
          <span className={surface.muted}>By what alerts share</span>
        )}
      </td>
    </tr>
  );
}

/** The offered time frames, and the one in force if somebody set another. */
function withOwn(minutes: number): [number, string][] {
  return frames.some(([m]) => m === minutes) ? frames : [...frames, [minutes, `${minutes} minutes`]];
}
