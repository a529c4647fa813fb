import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Select,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useId, useRef, useState } from "react";
import {
  type DeviceCondition,
  type DeviceGroup,
  type DeviceRule,
  useMatchDevices,
  usePutDeviceGroup,
} from "../../api/deviceGroups";
import { AddRegular, DeleteRegular } from "../../parts/icons";
import { Pane } from "../../parts/Pane";
import { messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { fields, levels, mostConditions, operators, ready } from "./deviceRule";

const useStyles = makeStyles({
  form: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: "14px",
    // A select is as wide as its longest word otherwise, which is wider than a phone.
    "& > *": { minWidth: 0 },
    "& .fui-Select, & select": { minWidth: 0, width: "100%", textOverflow: "ellipsis" },
  },
  rule: { display: "grid", gap: "8px", margin: 0, padding: 0, border: "none", minWidth: 0 },
  legend: { padding: 0, marginBottom: "8px", fontWeight: tokens.fontWeightSemibold },
  condition: {
    display: "grid",
    gridTemplateColumns: "150px 120px minmax(0, 1fr) auto",
    gap: "8px",
    "& .fui-Select, & .fui-Input": { minWidth: 0, width: "100%" },
    "@media (max-width: 720px)": {
      gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr) auto",
      paddingBottom: "8px",
      borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
      "& > :nth-child(3)": { gridColumn: "1 / span 2", gridRow: "2" },
      "& > :nth-child(4)": { gridColumn: "3", gridRow: "2" },
    },
  },
  start: { justifySelf: "start" },
  matches: { display: "grid", gap: "4px" },
  devices: { margin: 0, paddingInlineStart: "20px", columnWidth: "200px", overflowWrap: "anywhere" },
});

const fresh: DeviceCondition = { field: "name", operator: "startsWith", value: "" };

/** The form of one group, new or changed. */
export function DeviceGroupPane({ group, onClose }: { group?: DeviceGroup; onClose: () => void }) {
  const styles = useStyles();
  const form = useId();
  const put = usePutDeviceGroup();
  const match = useMatchDevices();
  const [name, setName] = useState(group?.name ?? "");
  const [description, setDescription] = useState(group?.description ?? "");
  const [level, setLevel] = useState(group?.remediationLevel ?? "full");
  const [rule, setRule] = useState<DeviceRule>(group?.rule ?? { any: false, conditions: [fresh] });
  const title = group ? `Edit ${group.name}` : "New device group";
  const change = (next: DeviceRule) => {
    setRule(next);
    match.reset(); // the devices were those of another rule
  };
  return (
    <Pane
      open
      modal
      wide
      onClose={onClose}
      title={title}
      label={title}
      footer={
        <>
          <Button
            appearance="primary"
            type="submit"
            form={form}
            disabled={!name.trim() || !ready(rule) || put.isPending}
          >
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <form
        id={form}
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!name.trim() || !ready(rule)) return;
          put.mutate(
            { id: group?.id, body: { name, description, rule, remediationLevel: level } },
            { onSuccess: onClose },
          );
        }}
      >
        {put.error && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{messageOf(put.error)}</MessageBarBody>
          </MessageBar>
        )}
        <Field label="Name" required>
          <Input value={name} maxLength={100} onChange={(_, d) => setName(d.value)} />
        </Field>
        <Field label="Description">
          <Textarea value={description} maxLength={1000} onChange={(_, d) => setDescription(d.value)} />
        </Field>
        <Field label="Remediation level" hint="How far automation may go on these devices.">
          <Select value={level} onChange={(_, d) => setLevel(d.value)}>
            {levels.map(([key, word]) => (
              <option key={key} value={key}>
                {word}
              </option>
            ))}
          </Select>
        </Field>
        <RuleFields rule={rule} onChange={change} />
        <Button className={styles.start} disabled={!ready(rule) || match.isPending} onClick={() => match.mutate(rule)}>
          Which devices match
        </Button>
        <Matches match={match} />
      </form>
    </Pane>
  );
}

function RuleFields({ rule, onChange }: { rule: DeviceRule; onChange: (rule: DeviceRule) => void }) {
  const styles = useStyles();
  const { any, conditions } = rule;
  const add = useRef<HTMLButtonElement>(null);
  const set = (at: number, change: Partial<DeviceCondition>) =>
    onChange({ any, conditions: conditions.map((c, i) => (i === at ? { ...c, ...change } : c)) });
  return (
    <fieldset className={styles.rule}>
      <legend className={styles.legend}>Rule</legend>
      <Field label="A device must meet">
        <Select value={any ? "any" : "all"} onChange={(_, d) => onChange({ any: d.value === "any", conditions })}>
          <option value="all">All of the conditions</option>
          <option value="any">Any of the conditions</option>
        </Select>
      </Field>
      {conditions.map((c, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: conditions have no other identity
        <div key={i} className={styles.condition}>
          <Select
            aria-label={`Property of condition ${i + 1}`}
            value={c.field}
            onChange={(_, d) => set(i, { field: d.value as DeviceCondition["field"] })}
          >
            {fields.map(([key, word]) => (
              <option key={key} value={key}>
                {word}
              </option>
            ))}
          </Select>
          <Select
            aria-label={`Comparison of condition ${i + 1}`}
            value={c.operator}
            onChange={(_, d) => set(i, { operator: d.value as DeviceCondition["operator"] })}
          >
            {operators.map(([key, word]) => (
              <option key={key} value={key}>
                {word}
              </option>
            ))}
          </Select>
          <Input
            aria-label={`Value of condition ${i + 1}`}
            value={c.value}
            maxLength={256}
            onChange={(_, d) => set(i, { value: d.value })}
          />
          <Button
            appearance="subtle"
            icon={<DeleteRegular />}
            aria-label={`Remove condition ${i + 1}`}
            disabled={conditions.length === 1}
            onClick={() => {
              onChange({ any, conditions: conditions.filter((_, at) => at !== i) });
              add.current?.focus();
            }}
          />
        </div>
      ))}
      <Button
        ref={add}
        className={styles.start}
        appearance="subtle"
        icon={<AddRegular />}
        disabled={conditions.length >= mostConditions}
        onClick={() => onChange({ any, conditions: [...conditions, fresh] })}
      >
        Add a condition
      </Button>
    </fieldset>
  );
}

function Matches({ match }: { match: ReturnType<typeof useMatchDevices> }) {
  const styles = useStyles();
  const surface = useSurface();
  if (match.error) {
    return (
      <MessageBar intent="error" layout="multiline">
        <MessageBarBody>{messageOf(match.error)}</MessageBarBody>
      </MessageBar>
    );
  }
  const { data } = match;
  return (
    <div className={styles.matches}>
      <p role="status">
        {match.isPending && "Asking all devices…"}
        {data && `${data.matching} of ${data.known} known devices match.`}
        {data && data.matching > 0 && " Groups that are asked earlier may take some of them."}
      </p>
      {data && data.value.length > 0 && (
        <ul className={styles.devices} aria-label="Devices that match">
          {data.value.map((device) => (
            <li key={device.id}>
              <Untrusted text={device.name} />
            </li>
          ))}
        </ul>
      )}
      {data && data.matching > data.value.length && (
        <p className={surface.muted}>The first {data.value.length} are listed.</p>
      )}
    </div>
  );
}
