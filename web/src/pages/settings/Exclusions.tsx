import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Select,
} from "@fluentui/react-components";
import { useId, useRef, useState } from "react";
import {
  type Exclusion,
  type ExclusionSuggestion,
  useAddExclusion,
  useExclusions,
  useRemoveExclusion,
  useRules,
} from "../../api/correlation";
import { useCan } from "../../api/session";
import { AddRegular, DeleteRegular } from "../../parts/icons";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { useFormRow } from "./formRow";

const useStyles = makeStyles({
  card: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "12px", padding: "16px 20px" },
  form: { gridTemplateColumns: "140px minmax(0, 1fr) minmax(0, 1fr) 150px auto" },
  value: { overflowWrap: "anywhere" },
});

const types: [string, string][] = [
  ["ip", "IP address"],
  ["user", "User"],
  ["device", "Device"],
  ["file", "File hash"],
  ["domain", "Host name"],
  ["url", "Web address"],
];
const typeWords = new Map(types);

const ends: [string, string][] = [
  ["", "Never"],
  ["7", "In a week"],
  ["30", "In a month"],
  ["365", "In a year"],
];

/** Values that never join alerts, and those that people's cuts suggest. */
export function Exclusions() {
  const styles = useStyles();
  const surface = useSurface();
  const heading = useId();
  const may = useCan("correlation.manage");
  const { data, isPending, error, refetch } = useExclusions();
  const remove = useRemoveExclusion();
  const [draft, setDraft] = useState<ExclusionSuggestion>();
  return (
    <section className={`${surface.card} ${styles.card}`} aria-labelledby={heading}>
      <div>
        <h2 id={heading} className={surface.heading}>
          Never join on these values
        </h2>
        <p className={surface.muted}>
          Alerts that arrive from now on are not put together because they share one of these. Incidents that are there
          stay as they are.
        </p>
      </div>
      {data?.suggestions.map((s) => (
        <MessageBar key={`${s.type} ${s.value}`} layout="multiline">
          <MessageBarBody>
            People took incidents apart {s.cuts} times because of {typeWords.get(s.type) ?? s.type}{" "}
            <Untrusted text={s.value} />. Until you decide, it counts less.
          </MessageBarBody>
          {may && (
            <MessageBarActions>
              <Button size="small" onClick={() => setDraft(s)}>
                Use it below
              </Button>
            </MessageBarActions>
          )}
        </MessageBar>
      ))}
      {may && (
        <Form key={draft ? `${draft.type} ${draft.value}` : ""} draft={draft} onDone={() => setDraft(undefined)} />
      )}
      {remove.error && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(remove.error)}</MessageBarBody>
        </MessageBar>
      )}
      {isPending && <LoadingLines label="Loading exclusions" />}
      {error && <ErrorState error={error} retry={() => void refetch()} />}
      {data?.value.length === 0 && <p className={surface.muted}>No value is excluded.</p>}
      {data && data.value.length > 0 && (
        <List exclusions={data.value} onRemove={may ? (id) => remove.mutate(id) : undefined} />
      )}
    </section>
  );
}

function List({ exclusions, onRemove }: { exclusions: Exclusion[]; onRemove?: (id: string) => void }) {
  const styles = useStyles();
  const surface = useSurface();
  const rules = new Map(useRules().data?.map((rule) => [rule.id, rule.title]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={surface.scroller} tabIndex={0} aria-label="Excluded values">
      <table className={surface.table}>
        <thead>
          <tr>
            <th scope="col">Value</th>
            <th scope="col">Reason</th>
            <th scope="col">Holds for</th>
            <th scope="col">Until</th>
            <th scope="col">By</th>
            {onRemove && <th scope="col">Remove</th>}
          </tr>
        </thead>
        <tbody>
          {exclusions.map((x) => (
            <tr key={x.id}>
              <td className={styles.value}>
                <span className={surface.muted}>{typeWords.get(x.type) ?? x.type}</span> <Untrusted text={x.value} />
              </td>
              <td>
                <Untrusted text={x.reason} />
              </td>
              <td>{scope(x, rules)}</td>
              <td>{x.expires ? <When at={x.expires} exact /> : "For ever"}</td>
              <td>
                {x.createdBy}, <When at={x.created} />
              </td>
              {onRemove && (
                <td>
                  <Button
                    appearance="subtle"
                    size="small"
                    icon={<DeleteRegular />}
                    aria-label={`Let ${x.value} join again`}
                    onClick={() => onRemove(x.id)}
                  />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function scope(x: Exclusion, rules: Map<string, string>): string {
  const parts = [
    x.detectorId && `the rule ${rules.get(x.detectorId) ?? x.detectorId}`,
    x.deviceGroup && `devices of ${x.deviceGroup}`,
    x.tactic && `the tactic ${x.tactic}`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : "All alerts";
}

function Form({ draft, onDone }: { draft?: ExclusionSuggestion; onDone: () => void }) {
  const styles = useStyles();
  const row = useFormRow();
  const add = useAddExclusion();
  const [type, setType] = useState(draft && typeWords.has(draft.type) ? draft.type : "ip");
  const [value, setValue] = useState(draft?.value ?? "");
  const [reason, setReason] = useState("");
  const [days, setDays] = useState("");
  const first = useRef<HTMLInputElement>(null);
  return (
    <form
      className={mergeClasses(row.row, styles.form)}
      onSubmit={(event) => {
        event.preventDefault();
        const expires = days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : undefined;
        add.mutate(
          { type, value, reason, expires },
          {
            onSuccess: () => {
              setValue("");
              setReason("");
              onDone();
              first.current?.focus();
            },
          },
        );
      }}
    >
      <Field label="Kind">
        <Select value={type} onChange={(_, d) => setType(d.value)}>
          {types.map(([key, word]) => (
            <option key={key} value={key}>
              {word}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Value" required validationMessage={add.error ? messageOf(add.error) : undefined}>
        <Input ref={first} value={value} maxLength={1000} onChange={(_, d) => setValue(d.value)} />
      </Field>
      <Field label="Reason" required>
        <Input value={reason} maxLength={1000} onChange={(_, d) => setReason(d.value)} />
      </Field>
      <Field label="Ends">
        <Select value={days} onChange={(_, d) => setDays(d.value)}>
          {ends.map(([key, word]) => (
            <option key={key} value={key}>
              {word}
            </option>
          ))}
        </Select>
      </Field>
      <Button type="submit" icon={<AddRegular />} disabled={!value.trim() || !reason.trim() || add.isPending}>
        Exclude
      </Button>
    </form>
  );
}
