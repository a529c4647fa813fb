import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Radio,
  RadioGroup,
  Select,
  Spinner,
  Textarea,
} from "@fluentui/react-components";
import { useState } from "react";
import { useUpdateIncident } from "../api/incidents";
import type { Classification, Incident, IncidentPatch, IncidentStatus, Severity } from "../api/types";
import { classifications, fittingDetermination, legalDeterminations } from "./classification";
import { type Conflict, changesOf, disputeOf, type Field as FieldName } from "./conflict";
import { plainText } from "./hidden";
import { Pane } from "./Pane";
import { PersonPicker } from "./PersonPicker";
import { messageOf } from "./states";
import { TagEditor } from "./TagEditor";
import { When } from "./When";
import { classificationWord, determinationWord, editableStatuses, severities, severityWord, statusWord } from "./words";

const useStyles = makeStyles({
  // Fields would otherwise grow with the longest choice in them.
  form: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: "16px",
    "& .fui-Field": { gridTemplateColumns: "minmax(0, 1fr)" },
    "& select": { minWidth: 0 },
  },
  pair: { display: "grid", gridTemplateColumns: "repeat(2, minmax(0, 1fr))", gap: "12px" },
});

interface Props {
  incident: Incident;
  onClose: () => void;
  onSaved?: () => void;
}

const longestNote = 30_000;

/** The form that changes an incident. Mount it to open it: the draft starts from the incident as it is then. */
export function ManagePanel({ incident, onClose, onSaved }: Props) {
  const styles = useStyles();
  const form = useManageForm(incident, onClose, onSaved);
  const { draft, set } = form;
  const resolves = draft.status === "resolved";
  return (
    <Pane
      open
      modal
      onClose={onClose}
      title="Manage incident"
      label="Manage incident"
      footer={
        <>
          <Button appearance="primary" onClick={form.save} disabled={form.busy || draft.displayName?.trim() === ""}>
            {form.busy ? <Spinner size="tiny" label="Saving" /> : form.clashes ? "Save my choices" : "Save"}
          </Button>
          <Button onClick={onClose} disabled={form.busy}>
            Cancel
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          form.save();
        }}
      >
        {form.error !== undefined && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>
              <MessageBarTitle>Not saved</MessageBarTitle>
              {messageOf(form.error)}
            </MessageBarBody>
          </MessageBar>
        )}
        {form.clashes && <Clashes clashes={form.clashes} keep={form.keep} onKeep={form.setKeep} />}
        <Field
          label="Incident name"
          required
          validationMessage={draft.displayName?.trim() === "" ? "An incident needs a name" : undefined}
        >
          <Input
            value={draft.displayName ?? ""}
            maxLength={500}
            onChange={(_, data) => set({ displayName: data.value })}
          />
        </Field>
        <div className={styles.pair}>
          <Field label="Severity">
            <Select
              value={draft.severity ?? "unknown"}
              onChange={(_, data) => set({ severity: data.value as Severity })}
            >
              {incident.severity === "unknown" && <option value="unknown">{severityWord("unknown")}</option>}
              {severities.map((severity) => (
                <option key={severity} value={severity}>
                  {severityWord(severity)}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="Status">
            <Select value={draft.status} onChange={(_, data) => set({ status: data.value as IncidentStatus })}>
              {!editableStatuses.includes(incident.status) && (
                <option value={incident.status}>{statusWord(incident.status)}</option>
              )}
              {editableStatuses.map((status) => (
                <option key={status} value={status}>
                  {statusWord(status)}
                </option>
              ))}
            </Select>
          </Field>
        </div>
        {resolves && (
          <Field
            label="Resolution note"
            hint={
              incident.status === "resolved" ? undefined : "Resolving the incident also resolves its active alerts."
            }
          >
            <Textarea
              value={draft.resolvingComment ?? ""}
              maxLength={longestNote}
              rows={4}
              resize="vertical"
              placeholder="What was found, and what was done about it"
              onChange={(_, data) => set({ resolvingComment: data.value })}
            />
          </Field>
        )}
        <PersonPicker value={draft.assignedTo ?? ""} onChange={(userName) => set({ assignedTo: userName || null })} />
        <TagEditor tags={draft.customTags ?? []} onChange={(customTags) => set({ customTags })} />
        <div className={styles.pair}>
          <ClassificationFields
            classification={draft.classification ?? "unknown"}
            determination={draft.determination ?? "unknown"}
            onChange={set}
          />
        </div>
        {/* Lets Enter in the name field save. */}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Pane>
  );
}

interface ClassificationProps {
  classification: Classification;
  determination: string;
  onChange: (pair: { classification: Classification; determination: string }) => void;
}

/** Two linked choices: the second offers only what is legal with the first. */
export function ClassificationFields({ classification, determination, onChange }: ClassificationProps) {
  return (
    <>
      <Field label="Classification">
        <Select
          value={classification}
          onChange={(_, data) => {
            const next = data.value as Classification;
            onChange({ classification: next, determination: fittingDetermination(next, determination) });
          }}
        >
          {classifications.map((each) => (
            <option key={each} value={each}>
              {classificationWord(each)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Determination">
        <Select
          value={determination}
          disabled={classification === "unknown"}
          onChange={(_, data) => onChange({ classification, determination: data.value })}
        >
          {legalDeterminations(classification).map((each) => (
            <option key={each} value={each}>
              {determinationWord(each)}
            </option>
          ))}
        </Select>
      </Field>
    </>
  );
}

const fieldWords: Record<FieldName, string> = {
  displayName: "Name",
  severity: "Severity",
  status: "Status",
  assignedTo: "Assigned to",
  classification: "Classification",
  determination: "Determination",
  customTags: "Tags",
  resolvingComment: "Resolution note",
  description: "Description",
};

function valueWord(field: FieldName, value: unknown): string {
  if (Array.isArray(value)) return value.length ? value.map((each) => plainText(String(each))).join(", ") : "None";
  const text = String(value ?? "");
  if (field === "severity") return severityWord(text);
  if (field === "status") return statusWord(text);
  if (field === "classification") return classificationWord(text);
  if (field === "determination") return determinationWord(text);
  if (field === "assignedTo" && text === "") return "Unassigned";
  return text === "" ? "Empty" : plainText(text);
}

type Keep = Partial<Record<FieldName, "mine" | "theirs">>;

function Clashes({ clashes, keep, onKeep }: { clashes: Conflict[]; keep: Keep; onKeep: (keep: Keep) => void }) {
  return (
    <>
      <MessageBar intent="warning" layout="multiline">
        <MessageBarBody>
          <MessageBarTitle>Somebody else changed this incident</MessageBarTitle>
          Nothing is saved yet. Choose what each of these should be, then save again.
        </MessageBarBody>
      </MessageBar>
      {clashes.map(({ field, mine, theirs, by, at }) => (
        <Field key={field} label={`${fieldWords[field]}: which one?`}>
          <RadioGroup
            value={keep[field] ?? "mine"}
            onChange={(_, data) => onKeep({ ...keep, [field]: data.value as "mine" | "theirs" })}
          >
            <Radio value="mine" label={`Yours: ${valueWord(field, mine)}`} />
            <Radio
              value="theirs"
              label={
                <>
                  Theirs: {valueWord(field, theirs)}
                  {by && ` (${plainText(by.name)}, `}
                  {by && <When at={at} />}
                  {by && ")"}
                </>
              }
            />
          </RadioGroup>
        </Field>
      ))}
    </>
  );
}

function draftOf(incident: Incident): IncidentPatch {
  return {
    displayName: incident.displayName,
    severity: incident.severity,
    status: incident.status,
    assignedTo: incident.assignedTo || null,
    customTags: incident.customTags ?? [],
    classification: incident.classification,
    determination: incident.determination,
    resolvingComment: incident.resolvingComment ?? "",
  };
}

function useManageForm(incident: Incident, onClose: () => void, onSaved?: () => void) {
  const [opened] = useState(incident);
  const [draft, setDraft] = useState(() => draftOf(incident));
  const [clash, setClash] = useState<{ version: number; clashes: Conflict[] }>();
  const [keep, setKeep] = useState<Keep>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const update = useUpdateIncident(incident.id);

  const patchToSend = (): IncidentPatch => {
    const patch = changesOf(opened, { ...draft, displayName: draft.displayName?.trim() });
    if (draft.status !== "resolved") delete patch.resolvingComment;
    // The pair is judged as a whole, so both halves go together.
    if (patch.classification !== undefined || patch.determination !== undefined) {
      patch.classification = draft.classification;
      patch.determination = draft.determination;
    }
    for (const { field } of clash?.clashes ?? []) if (keep[field] === "theirs") delete patch[field];
    return patch;
  };

  const save = async () => {
    const patch = patchToSend();
    if (Object.keys(patch).length === 0) return onClose();
    setBusy(true);
    setError(undefined);
    try {
      // What others changed meanwhile stays; the server refuses only where both changed the same field.
      await update.mutateAsync({ patch, version: clash?.version ?? opened.tocsin.version });
      onSaved?.();
      onClose();
    } catch (failure) {
      const dispute = disputeOf(failure);
      if (dispute) {
        setKeep({});
        setClash(dispute);
      } else setError(failure);
    } finally {
      setBusy(false);
    }
  };

  return {
    draft,
    set: (change: IncidentPatch) => setDraft((before) => ({ ...before, ...change })),
    clashes: clash?.clashes,
    keep,
    setKeep,
    busy,
    error,
    save: () => void save(),
  };
}
