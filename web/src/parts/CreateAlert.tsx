import {
  Button,
  Checkbox,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Radio,
  RadioGroup,
  Select,
  Spinner,
  Textarea,
} from "@fluentui/react-components";
import { useState } from "react";
import { type NamedEntity, useCreateAlert } from "../api/manage";
import { alertCategories, entityTypes } from "./entityTypes";
import { IncidentPicker } from "./IncidentPicker";
import { AddRegular, DismissRegular } from "./icons";
import { Pane } from "./Pane";
import { messageOf } from "./states";
import { useSurface } from "./surface";
import { categoryWord, severities, severityWord } from "./words";

const useStyles = makeStyles({
  form: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: "16px",
    "& .fui-Field": { gridTemplateColumns: "minmax(0, 1fr)" },
    "& select": { minWidth: 0 },
  },
  pair: { display: "grid", gridTemplateColumns: "repeat(2, minmax(0, 1fr))", gap: "12px" },
  entity: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 2fr) minmax(0, 3fr) auto",
    gap: "6px",
    alignItems: "center",
    "& .fui-Input": { minWidth: 0 },
  },
});

const hints: Record<string, string> = {
  device: "Host name",
  user: "name@example.com or DOMAIN\\name",
  mailbox: "name@example.com",
  ip: "Address",
  file: "Name, path or hash",
};

interface Row extends NamedEntity {
  key: number;
}

let rows = 0;
const row = (type: string): Row => ({ key: ++rows, type, name: "" });
const filled = (list: Row[]) =>
  list.filter(({ name }) => name.trim()).map(({ type, name }) => ({ type, name: name.trim() }));

interface Props {
  onClose: () => void;
  onCreated: (incident: string, alert: string) => void;
}

/** Makes an alert by hand: what a person saw or was told. */
export function CreateAlert({ onClose, onCreated }: Props) {
  const styles = useStyles();
  const create = useCreateAlert();
  const [into, setInto] = useState<"new" | "existing">("new");
  const [incident, setIncident] = useState("");
  const [correlate, setCorrelate] = useState(false);
  const [title, setTitle] = useState("");
  const [severity, setSeverity] = useState("medium");
  const [category, setCategory] = useState(alertCategories[0] ?? "");
  const [techniques, setTechniques] = useState("");
  const [description, setDescription] = useState("");
  const [recommended, setRecommended] = useState("");
  const [assets, setAssets] = useState(() => [row("device")]);
  const [evidence, setEvidence] = useState<Row[]>([]);
  const [tried, setTried] = useState(false);
  const missing = (what: string, is: boolean) => (tried && is ? what : undefined);
  const noAsset = filled(assets).length === 0;
  const noIncident = into === "existing" && incident === "";
  const incomplete = !title.trim() || !description.trim() || noAsset || noIncident;
  const send = () => {
    setTried(true);
    if (incomplete || create.isPending) return;
    create.mutate(
      {
        title: title.trim(),
        severity,
        category,
        description: description.trim(),
        recommendedActions: recommended.trim() || undefined,
        mitreTechniques: techniques.split(/[\s,;]+/).filter(Boolean),
        assets: filled(assets),
        evidence: filled(evidence),
        incidentId: into === "existing" ? incident : undefined,
        correlate,
      },
      { onSuccess: ({ incidentId, alertId }) => onCreated(incidentId, alertId) },
    );
  };
  return (
    <Pane
      open
      modal
      wide
      onClose={onClose}
      label="Create an incident or alert"
      title="Create an incident or alert"
      footer={
        <>
          <Button appearance="primary" disabledFocusable={create.isPending} onClick={send}>
            {create.isPending ? <Spinner size="tiny" label="Creating" /> : "Create"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <Field label="Incident">
          <RadioGroup value={into} onChange={(_, data) => setInto(data.value as "new" | "existing")}>
            <Radio value="new" label="A new incident" />
            <Radio value="existing" label="Add an alert to an open incident" />
          </RadioGroup>
        </Field>
        {into === "existing" && (
          <div>
            <IncidentPicker label="Which incident" value={incident} without={[]} onChange={setIncident} />
            {missing("Choose an incident", noIncident) && <Problem text="Choose an incident" />}
          </div>
        )}
        <Field
          hint={
            into === "new"
              ? "It may then join an open incident that it belongs to, and later alerts may join it."
              : "Later alerts may then join the incident because of it."
          }
        >
          <Checkbox
            label="Enable correlation"
            checked={correlate}
            onChange={(_, data) => setCorrelate(data.checked === true)}
          />
        </Field>
        <Field label="Title" required validationMessage={missing("Give it a title", !title.trim())}>
          <Input value={title} maxLength={500} onChange={(_, data) => setTitle(data.value)} />
        </Field>
        <div className={styles.pair}>
          <Field label="Severity" required>
            <Select value={severity} onChange={(_, data) => setSeverity(data.value)}>
              {severities.map((each) => (
                <option key={each} value={each}>
                  {severityWord(each)}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="Category" required>
            <Select value={category} onChange={(_, data) => setCategory(data.value)}>
              {alertCategories.map((each) => (
                <option key={each} value={each}>
                  {categoryWord(each)}
                </option>
              ))}
            </Select>
          </Field>
        </div>
        <Field label="MITRE techniques" hint="For instance T1566, T1059.001">
          <Input value={techniques} onChange={(_, data) => setTechniques(data.value)} />
        </Field>
        <Field label="Description" required validationMessage={missing("Say what happened", !description.trim())}>
          <Textarea
            value={description}
            rows={3}
            maxLength={30_000}
            resize="vertical"
            onChange={(_, data) => setDescription(data.value)}
          />
        </Field>
        <Field label="Recommended actions">
          <Textarea
            value={recommended}
            rows={2}
            maxLength={30_000}
            resize="vertical"
            onChange={(_, data) => setRecommended(data.value)}
          />
        </Field>
        <Entities
          legend="Impacted assets, at least one"
          part="impacted"
          rows={assets}
          onChange={setAssets}
          problem={missing("Name at least one asset", noAsset)}
        />
        <Entities legend="Evidence" part="evidence" rows={evidence} onChange={setEvidence} />
        {create.isError && (
          <MessageBar intent="error" layout="multiline" role="alert">
            <MessageBarBody>{messageOf(create.error)}</MessageBarBody>
          </MessageBar>
        )}
        {/* Lets Enter in a field create it. */}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Pane>
  );
}

function Problem({ text }: { text: string }) {
  return (
    <MessageBar intent="error">
      <MessageBarBody>{text}</MessageBarBody>
    </MessageBar>
  );
}

interface EntitiesProps {
  legend: string;
  part: "impacted" | "evidence";
  rows: Row[];
  onChange: (rows: Row[]) => void;
  problem?: string;
}

function Entities({ legend, part, rows: list, onChange, problem }: EntitiesProps) {
  const styles = useStyles();
  const surface = useSurface();
  const kinds = entityTypes.filter((each) => each.role === part);
  const labelOf = (type: string) => kinds.find((each) => each.type === type)?.label ?? type;
  return (
    <section className={surface.section} aria-label={legend}>
      <h3 className={surface.heading}>{legend}</h3>
      {list.map((entity, at) => (
        <div key={entity.key} className={styles.entity}>
          <Select
            aria-label="Kind"
            value={entity.type}
            onChange={(_, data) => onChange(list.with(at, { ...entity, type: data.value }))}
          >
            {kinds.map(({ type, label }) => (
              <option key={type} value={type}>
                {label}
              </option>
            ))}
          </Select>
          <Input
            aria-label={`Name of the ${labelOf(entity.type).toLowerCase()}`}
            placeholder={hints[entity.type] ?? "Name or ID"}
            value={entity.name}
            maxLength={1000}
            onChange={(_, data) => onChange(list.with(at, { ...entity, name: data.value }))}
          />
          <Button
            appearance="subtle"
            icon={<DismissRegular />}
            aria-label={`Leave out ${entity.name || labelOf(entity.type)}`}
            onClick={() => onChange(list.toSpliced(at, 1))}
          />
        </div>
      ))}
      {problem && <Problem text={problem} />}
      <div>
        <Button
          size="small"
          icon={<AddRegular />}
          disabled={list.length >= 50}
          onClick={() => onChange([...list, row(kinds[0]?.type ?? "")])}
        >
          {part === "impacted" ? "Add an asset" : "Add evidence"}
        </Button>
      </div>
    </section>
  );
}
