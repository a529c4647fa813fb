import {
  Button,
  Field,
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
import { type BulkChange, type Noun, useAskBulk } from "../api/manage";
import type { Classification } from "../api/types";
import { ClassificationFields } from "./ManagePanel";
import { Pane } from "./Pane";
import { PersonPicker } from "./PersonPicker";
import { messageOf } from "./states";
import { TagEditor } from "./TagEditor";
import { alertStatusWord, count, editableStatuses, severities, severityWord, statusWord } from "./words";

const useStyles = makeStyles({
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
  noun: Noun;
  /** The checked ones. */
  ids: string[];
  /** What the list shows, and how many that are. */
  matching: { filter: string; search: string; total: number | undefined };
  onClose: () => void;
  onAsked: () => void;
}

const keep = "";

/** Changes many incidents or alerts at once: the checked ones, or all that the list's filter matches. */
export function BulkPanel({ noun, ids, matching, onClose, onAsked }: Props) {
  const styles = useStyles();
  const ask = useAskBulk(noun);
  const [which, setWhich] = useState<"checked" | "all">(ids.length > 0 ? "checked" : "all");
  const [change, setChange] = useState<BulkChange>({});
  const [owner, setOwner] = useState<"keep" | "set">("keep");
  const [verdict, setVerdict] = useState<{ classification: Classification; determination: string } | undefined>();
  const set = (part: BulkChange) => setChange((before) => ({ ...before, ...part }));
  const asked: BulkChange = { ...change, ...verdict };
  if (owner === "set") asked.assignedTo = change.assignedTo ?? "";
  else delete asked.assignedTo;
  if (asked.status !== "resolved") delete asked.resolvingComment;
  for (const key of Object.keys(asked) as (keyof BulkChange)[]) {
    const value = asked[key];
    if (value === undefined || (key !== "assignedTo" && value.length === 0)) delete asked[key];
  }
  const many = which === "checked" ? ids.length : matching.total;
  const nothing = Object.keys(asked).length === 0;
  const save = () => {
    if (nothing || ask.isPending) return;
    const choice = which === "checked" ? { ids } : { filter: matching.filter, search: matching.search };
    ask.mutate({ choice, change: asked }, { onSuccess: onAsked });
  };
  const title = `Manage ${many === undefined ? `all matching ${noun}s` : count(many, noun)}`;
  const statuses: string[] = noun === "incident" ? editableStatuses : ["new", "inProgress", "resolved"];
  return (
    <Pane
      open
      modal
      onClose={onClose}
      title={title}
      label={`Manage ${noun}s`}
      footer={
        <>
          <Button appearance="primary" disabled={nothing} disabledFocusable={ask.isPending} onClick={save}>
            {ask.isPending ? (
              <Spinner size="tiny" label="Starting" />
            ) : many === undefined ? (
              "Change all"
            ) : (
              `Change ${count(many, noun)}`
            )}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        {ask.isError && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{messageOf(ask.error)}</MessageBarBody>
          </MessageBar>
        )}
        <Field label="Which ones">
          <RadioGroup value={which} onChange={(_, data) => setWhich(data.value as "checked" | "all")}>
            <Radio value="checked" disabled={ids.length === 0} label={`The ${ids.length} selected`} />
            <Radio
              value="all"
              label={
                matching.total === undefined
                  ? "All that match the filter"
                  : `All ${matching.total.toLocaleString()} that match the filter`
              }
            />
          </RadioGroup>
        </Field>
        <div className={styles.pair}>
          <Field label="Status">
            <Select value={change.status ?? keep} onChange={(_, data) => set({ status: data.value || undefined })}>
              <option value={keep}>Leave as it is</option>
              {statuses.map((status) => (
                <option key={status} value={status}>
                  {noun === "incident" ? statusWord(status) : alertStatusWord(status)}
                </option>
              ))}
            </Select>
          </Field>
          {noun === "incident" && (
            <Field label="Severity">
              <Select
                value={change.severity ?? keep}
                onChange={(_, data) => set({ severity: data.value || undefined })}
              >
                <option value={keep}>Leave as it is</option>
                {severities.map((severity) => (
                  <option key={severity} value={severity}>
                    {severityWord(severity)}
                  </option>
                ))}
              </Select>
            </Field>
          )}
        </div>
        {noun === "incident" && change.status === "resolved" && (
          <Field label="Resolution note" hint="Resolving an incident also resolves its active alerts.">
            <Textarea
              value={change.resolvingComment ?? ""}
              maxLength={30_000}
              rows={3}
              resize="vertical"
              onChange={(_, data) => set({ resolvingComment: data.value })}
            />
          </Field>
        )}
        <Field label="Owner">
          <RadioGroup layout="horizontal" value={owner} onChange={(_, data) => setOwner(data.value as "keep" | "set")}>
            <Radio value="keep" label="Leave as it is" />
            <Radio value="set" label="Assign" />
          </RadioGroup>
        </Field>
        {owner === "set" && (
          <PersonPicker value={change.assignedTo ?? ""} onChange={(assignedTo) => set({ assignedTo })} />
        )}
        <Field label="Classify">
          <RadioGroup
            layout="horizontal"
            value={verdict ? "set" : "keep"}
            onChange={(_, data) =>
              setVerdict(
                data.value === "set" ? { classification: "truePositive", determination: "unknown" } : undefined,
              )
            }
          >
            <Radio value="keep" label="Leave as it is" />
            <Radio value="set" label="Set" />
          </RadioGroup>
        </Field>
        {verdict && (
          <div className={styles.pair}>
            <ClassificationFields
              classification={verdict.classification}
              determination={verdict.determination}
              onChange={setVerdict}
            />
          </div>
        )}
        {noun === "incident" && (
          <>
            <TagEditor label="Add tags" tags={change.addTags ?? []} onChange={(addTags) => set({ addTags })} />
            <TagEditor
              label="Remove tags"
              tags={change.removeTags ?? []}
              onChange={(removeTags) => set({ removeTags })}
            />
          </>
        )}
        <Field label="Comment" hint="It is added to each and cannot be taken back.">
          <Textarea
            value={change.comment ?? ""}
            maxLength={30_000}
            rows={3}
            resize="vertical"
            onChange={(_, data) => set({ comment: data.value })}
          />
        </Field>
      </form>
    </Pane>
  );
}
