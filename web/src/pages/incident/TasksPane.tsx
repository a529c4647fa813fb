import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  ProgressBar,
  Select,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import { type Task, type TaskPatch, useTaskAction, useTasks, useTaskTemplates } from "../../api/manage";
import { useCan } from "../../api/session";
import type { Incident } from "../../api/types";
import { Owner } from "../../parts/badges";
import { Markdown } from "../../parts/Markdown";
import { Pane } from "../../parts/Pane";
import { PersonPicker } from "../../parts/PersonPicker";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";

const useStyles = makeStyles({
  stack: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "12px" },
  card: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "8px", padding: "12px 14px" },
  head: { display: "flex", alignItems: "center", gap: "8px" },
  title: { flexGrow: 1, minWidth: 0, fontWeight: tokens.fontWeightSemibold, overflowWrap: "anywhere" },
  closed: { textDecoration: "line-through", color: tokens.colorNeutralForeground3 },
  line: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 14px", fontSize: tokens.fontSizeBase200 },
  late: { color: tokens.colorPaletteRedForeground1, fontWeight: tokens.fontWeightSemibold },
  pair: { display: "grid", gridTemplateColumns: "repeat(2, minmax(0, 1fr))", gap: "12px", "& input": { minWidth: 0 } },
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px" },
});

const most = 40;
const statusWords: Record<Task["status"], string> = {
  new: "New",
  inProgress: "In progress",
  onHold: "On hold",
  closed: "Closed",
};
const priorityWords: Record<Task["priority"], string> = { low: "Low", medium: "Medium", high: "High" };

/** What is to be done about an incident, and how far that is. */
export function TasksPane({ incident, onClose }: { incident: Incident; onClose: () => void }) {
  const styles = useStyles();
  const mayWrite = useCan("incident.write") && incident.status !== "redirected";
  const { data: tasks = [], isPending, error, refetch } = useTasks(incident.id);
  const { data: templates = [] } = useTaskTemplates();
  const act = useTaskAction(incident.id);
  const [editing, setEditing] = useState<number | "new">();
  const closed = tasks.filter(({ status }) => status === "closed").length;
  return (
    <Pane open onClose={onClose} title="Tasks" label="Tasks">
      <div className={styles.stack}>
        {isPending && <LoadingLines rows={4} height={48} label="Loading tasks" />}
        {error && <ErrorState error={error} retry={() => void refetch()} />}
        {tasks.length > 0 && (
          <Field label={`${closed} of ${tasks.length} closed`}>
            <ProgressBar value={closed / tasks.length} thickness="large" />
          </Field>
        )}
        {!isPending && !error && tasks.length === 0 && <p>Nothing is to be done yet.</p>}
        {act.isError && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{messageOf(act.error)}</MessageBarBody>
          </MessageBar>
        )}
        {tasks.map((task) =>
          editing === task.id ? (
            <TaskForm
              key={task.id}
              task={task}
              busy={act.isPending}
              onCancel={() => setEditing(undefined)}
              onSave={(patch) => act.mutate({ change: task.id, patch }, { onSuccess: () => setEditing(undefined) })}
            />
          ) : (
            <Card
              key={task.id}
              task={task}
              mayWrite={mayWrite}
              onStatus={(status) =>
                status === "closed" ? setEditing(task.id) : act.mutate({ change: task.id, patch: { status } })
              }
              onEdit={() => setEditing(task.id)}
              onDelete={() => act.mutate({ remove: task.id })}
            />
          ),
        )}
        {mayWrite && editing === "new" && (
          <TaskForm
            busy={act.isPending}
            onCancel={() => setEditing(undefined)}
            onSave={(add) => act.mutate({ add }, { onSuccess: () => setEditing(undefined) })}
          />
        )}
        {mayWrite && editing !== "new" && (
          <div className={styles.buttons}>
            <Button appearance="primary" disabled={tasks.length >= most} onClick={() => setEditing("new")}>
              Add a task
            </Button>
            {templates.length > 0 && (
              <Select
                aria-label="Add the tasks of a template"
                value=""
                onChange={(_, data) => data.value && act.mutate({ template: Number(data.value) })}
              >
                <option value="">Add from a template</option>
                {templates.map(({ id, name, tasks: list }) => (
                  <option key={id} value={id}>
                    {name} ({list.length})
                  </option>
                ))}
              </Select>
            )}
            {tasks.length >= most && <span>An incident takes at most {most} tasks.</span>}
          </div>
        )}
      </div>
    </Pane>
  );
}

interface CardProps {
  task: Task;
  mayWrite: boolean;
  onStatus: (status: Task["status"]) => void;
  onEdit: () => void;
  onDelete: () => void;
}

function Card({ task, mayWrite, onStatus, onEdit, onDelete }: CardProps) {
  const styles = useStyles();
  const surface = useSurface();
  const [sure, setSure] = useState(false);
  const done = task.status === "closed";
  const late = !done && task.dueDateTime && Date.parse(task.dueDateTime) < Date.now();
  return (
    <article className={mergeClasses(surface.card, styles.card)} aria-label={task.title}>
      <div className={styles.head}>
        <span className={mergeClasses(styles.title, done && styles.closed)}>
          <Untrusted text={task.title} />
        </span>
        {mayWrite ? (
          <Select
            size="small"
            aria-label={`Status of ${task.title}`}
            value={task.status}
            onChange={(_, data) => onStatus(data.value as Task["status"])}
          >
            {Object.entries(statusWords).map(([status, word]) => (
              <option key={status} value={status}>
                {word}
              </option>
            ))}
          </Select>
        ) : (
          statusWords[task.status]
        )}
      </div>
      {task.description && <Markdown text={task.description} />}
      <div className={styles.line}>
        <Owner name={task.assignedTo} />
        <span>{priorityWords[task.priority]} priority</span>
        {task.category && <Untrusted text={task.category} />}
        {task.dueDateTime && (
          <span className={late ? styles.late : undefined}>
            {late ? "Overdue since " : "Due "}
            <When at={task.dueDateTime} exact />
          </span>
        )}
      </div>
      {done && task.closingNotes && <Markdown text={task.closingNotes} />}
      {mayWrite && (
        <div className={styles.buttons}>
          <Button size="small" onClick={onEdit}>
            Edit
          </Button>
          {sure ? (
            <>
              <Button size="small" appearance="primary" onClick={onDelete}>
                Delete this task
              </Button>
              <Button size="small" onClick={() => setSure(false)}>
                Keep it
              </Button>
            </>
          ) : (
            <Button size="small" appearance="subtle" onClick={() => setSure(true)}>
              Delete
            </Button>
          )}
        </div>
      )}
    </article>
  );
}

interface FormProps {
  task?: Task;
  busy: boolean;
  onSave: (patch: TaskPatch) => void;
  onCancel: () => void;
}

/** A moment as the browser's own field for it writes it: local time without seconds. */
function localTime(iso?: string | null): string {
  if (!iso) return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function TaskForm({ task, busy, onSave, onCancel }: FormProps) {
  const styles = useStyles();
  const surface = useSurface();
  const [draft, setDraft] = useState<TaskPatch>({
    title: task?.title ?? "",
    description: task?.description ?? "",
    status: task?.status ?? "new",
    priority: task?.priority ?? "medium",
    category: task?.category ?? "",
    assignedTo: task?.assignedTo ?? "",
    closingNotes: task?.closingNotes ?? "",
  });
  const [due, setDue] = useState(localTime(task?.dueDateTime));
  const set = (part: TaskPatch) => setDraft((before) => ({ ...before, ...part }));
  return (
    <form
      className={mergeClasses(surface.card, styles.card)}
      aria-label={task ? `Edit ${task.title}` : "New task"}
      onSubmit={(event) => {
        event.preventDefault();
        if (!draft.title?.trim() || busy) return;
        onSave({ ...draft, dueDateTime: due ? new Date(due).toISOString() : null, version: task?.version });
      }}
    >
      <Field label="Title" required>
        <Input value={draft.title} maxLength={200} onChange={(_, data) => set({ title: data.value })} />
      </Field>
      <Field label="Description" hint="Markdown: **bold**, lists, links, `code`">
        <Textarea
          rows={3}
          resize="vertical"
          maxLength={10_000}
          value={draft.description}
          onChange={(_, data) => set({ description: data.value })}
        />
      </Field>
      <div className={styles.pair}>
        <Field label="Status">
          <Select value={draft.status} onChange={(_, data) => set({ status: data.value as Task["status"] })}>
            {Object.entries(statusWords).map(([status, word]) => (
              <option key={status} value={status}>
                {word}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Priority">
          <Select value={draft.priority} onChange={(_, data) => set({ priority: data.value as Task["priority"] })}>
            {Object.entries(priorityWords).map(([priority, word]) => (
              <option key={priority} value={priority}>
                {word}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Category">
          <Input value={draft.category} maxLength={100} onChange={(_, data) => set({ category: data.value })} />
        </Field>
        <Field label="Due">
          <Input type="datetime-local" value={due} onChange={(_, data) => setDue(data.value)} />
        </Field>
      </div>
      <PersonPicker value={draft.assignedTo ?? ""} onChange={(assignedTo) => set({ assignedTo })} />
      {task && (
        <Field label="Closing notes" hint="What was done, for whoever closes the incident">
          <Textarea
            rows={2}
            resize="vertical"
            maxLength={10_000}
            value={draft.closingNotes}
            onChange={(_, data) => set({ closingNotes: data.value })}
          />
        </Field>
      )}
      <div className={styles.buttons}>
        <Button appearance="primary" type="submit" disabled={!draft.title?.trim()} disabledFocusable={busy}>
          {task ? "Save" : "Add"}
        </Button>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    </form>
  );
}
