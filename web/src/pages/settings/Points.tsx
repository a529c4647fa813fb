import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useId, useState } from "react";
import { type Scoring, usePreviewScoring, useSaveScoring, useScoring } from "../../api/scoring";
import { useCan } from "../../api/session";
import { AddRegular, ArrowResetRegular, DeleteRegular } from "../../parts/icons";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { useFormRow } from "./formRow";
import { marks } from "./marks";
import { PointsPreview } from "./PointsPreview";
import { type Draft, draftOf, problemsOf, same, scoringOf, tagProblem, tagsOf } from "./scoringDraft";

const useStyles = makeStyles({
  card: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "16px", padding: "16px 20px" },
  groups: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 360px), 1fr))",
    columnGap: "40px",
    rowGap: "20px",
    alignItems: "start",
  },
  group: { margin: 0, padding: 0, border: "none", minWidth: 0 },
  legend: { padding: 0, marginBottom: "4px", fontWeight: tokens.fontWeightSemibold },
  line: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto 84px",
    columnGap: "12px",
    alignItems: "start",
    paddingBlock: "8px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    "& .fui-Input": { width: "84px", minWidth: 0 },
    "& input": { textAlign: "end", fontVariantNumeric: "tabular-nums" },
    "& label": { overflowWrap: "anywhere" },
  },
  says: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200 },
  bare: { alignItems: "center" },
  problem: { color: tokens.colorPaletteRedForeground1 },
  tag: { marginTop: "8px", gridTemplateColumns: "minmax(0, 1fr) auto" },
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px", alignItems: "center" },
});

/** Key, name, and one sentence of what the points are for. */
type Line = [key: string, label: string, says: string];

const severities: Line[] = [
  ["severity.high", "High severity", "The incident's own severity is high."],
  ["severity.medium", "Medium severity", "The incident's own severity is medium."],
  ["severity.low", "Low severity", "The incident's own severity is low."],
  ["severity.informational", "Informational", "The incident's own severity is informational."],
];

const attack: Line[] = [
  ["progress", "Progress", "All points when the attack has come to the last of ATT&CK's tactics, fewer before."],
  ["tactics", "Tactics", "A quarter for each tactic beyond the first."],
  ["threat", "Known threat", "An alert names a known threat."],
  ["duration", "Duration", "The attack went on for more than a day."],
];

const extent: Line[] = [
  ["sources", "Products", "Half for each product beyond the first that saw it."],
  ["alerts", "Active alerts", "A quarter each time that the number of active alerts doubles."],
  ["spread", "Assets", "A quarter each time that the number of assets doubles."],
  ["waiting", "Waiting", "One point for each day on which nobody takes it, up to this many."],
];

const markLines: Line[] = [
  ...marks.map(({ mark, word, meaning }): Line => [`marks.${mark}`, word, meaning]),
  ["marksMost", "Together at most", "All marks and tags of an incident together give no more than this."],
];

const bands: Line[] = [
  ["high", "Red above", "A higher score than this is red: look at it first."],
  ["low", "Orange from", "From this score on it is orange, below it is grey."],
];

/** The points of each factor, with a look at what others would change. */
export function Points() {
  const styles = useStyles();
  const surface = useSurface();
  const heading = useId();
  const { data, isPending, error, refetch } = useScoring();
  return (
    <section className={`${surface.card} ${styles.card}`} aria-labelledby={heading}>
      <div>
        <h2 id={heading} className={surface.heading}>
          Points
        </h2>
        <p className={surface.muted}>
          The priority score of an incident is the sum of these points, 100 at most. Each number is the most that its
          factor gives.
        </p>
      </div>
      {isPending && <LoadingLines label="Loading the points" />}
      {error && <ErrorState error={error} retry={() => void refetch()} />}
      {data && <Form saved={data.scoring} defaults={data.defaults} />}
    </section>
  );
}

function Form({ saved, defaults }: { saved: Scoring; defaults: Scoring }) {
  const styles = useStyles();
  const surface = useSurface();
  const may = useCan("scoring.manage");
  const save = useSaveScoring();
  const preview = usePreviewScoring();
  const [typed, setTyped] = useState<Draft>();
  const is = draftOf(saved);
  const initial = draftOf(defaults);
  const draft = typed ?? is;
  const problems = problemsOf(draft);
  const sound = Object.keys(problems).length === 0;
  const changed = !same(draft, is);
  // What was shown or said of other points is no longer true of these.
  const change = (next: Draft) => {
    setTyped(next);
    preview.reset();
    save.reset();
  };
  const lines = (all: Line[]) =>
    all.map(([key, label, says]) => (
      <PointLine
        key={key}
        label={label}
        says={says}
        value={draft[key] ?? "0"}
        problem={problems[key]}
        readOnly={!may}
        onChange={(text) => change({ ...draft, [key]: text })}
      />
    ));
  return (
    <form
      className={styles.card}
      style={{ padding: 0 }}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!sound || !changed) return;
        // The program's own points are not kept as ours: they may become better with a later version.
        save.mutate(same(draft, initial) ? undefined : scoringOf(draft), {
          onSuccess: () => {
            setTyped(undefined);
            preview.reset();
          },
        });
      }}
    >
      {!may && <p className={surface.muted}>You may look at the points, but not change them.</p>}
      <div className={styles.groups}>
        <Group title="Severity">{lines(severities)}</Group>
        <Group title="The attack">{lines(attack)}</Group>
        <Group title="Its extent">{lines(extent)}</Group>
        <Group title="Marks of assets it touches">{lines(markLines)}</Group>
        <Group title="Tags of the incident">
          {tagsOf(draft).map((tag) => (
            <PointLine
              key={tag}
              label={tag}
              value={draft[`tags.${tag}`] ?? ""}
              problem={problems[`tags.${tag}`]}
              readOnly={!may}
              onChange={(text) => change({ ...draft, [`tags.${tag}`]: text })}
              onRemove={() => {
                const { [`tags.${tag}`]: _, ...rest } = draft;
                change(rest);
              }}
            />
          ))}
          {may && <AddTag draft={draft} onAdd={(tag) => change({ ...draft, [`tags.${tag}`]: "10" })} />}
        </Group>
        <Group title="Colours of the score">{lines(bands)}</Group>
      </div>
      {may && (
        <div className={styles.buttons}>
          <Button appearance="primary" type="submit" disabled={!sound || !changed || save.isPending}>
            Save
          </Button>
          <Button disabled={!sound || !changed || preview.isPending} onClick={() => preview.mutate(scoringOf(draft))}>
            What would change
          </Button>
          {changed && <Button onClick={() => change(is)}>Discard</Button>}
          <Button
            appearance="subtle"
            icon={<ArrowResetRegular />}
            disabled={same(draft, initial)}
            onClick={() => change(initial)}
          >
            Back to the defaults
          </Button>
          <span role="status">
            {save.isSuccess && !changed && "Saved. Open incidents get their new scores in a moment."}
            {preview.isPending && "Scoring the open incidents…"}
          </span>
        </div>
      )}
      {(save.error ?? preview.error) && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(save.error ?? preview.error)}</MessageBarBody>
        </MessageBar>
      )}
      {preview.data && <PointsPreview preview={preview.data} />}
    </form>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles();
  return (
    <fieldset className={styles.group}>
      <legend className={styles.legend}>{title}</legend>
      {children}
    </fieldset>
  );
}

interface PointLineProps {
  label: string;
  says?: string;
  value: string;
  problem?: string;
  readOnly: boolean;
  onChange: (text: string) => void;
  onRemove?: () => void;
}

function PointLine({ label, says, value, problem, readOnly, onChange, onRemove }: PointLineProps) {
  const styles = useStyles();
  const surface = useSurface();
  const id = useId();
  return (
    <div className={mergeClasses(styles.line, !says && styles.bare)}>
      <div>
        <label htmlFor={id}>{label}</label>
        <p id={`${id}-says`} className={mergeClasses(surface.muted, styles.says)}>
          {says}
          {problem && <span className={styles.problem}> {problem}</span>}
        </p>
      </div>
      {onRemove && !readOnly ? (
        <Button
          appearance="subtle"
          icon={<DeleteRegular />}
          aria-label={`No points for the tag ${label}`}
          onClick={onRemove}
        />
      ) : (
        <span />
      )}
      <Input
        id={id}
        type="number"
        min={0}
        max={100}
        step={1}
        value={value}
        readOnly={readOnly}
        aria-invalid={problem ? true : undefined}
        aria-describedby={`${id}-says`}
        onChange={(_, d) => onChange(d.value)}
      />
    </div>
  );
}

function AddTag({ draft, onAdd }: { draft: Draft; onAdd: (tag: string) => void }) {
  const styles = useStyles();
  const row = useFormRow();
  const [tag, setTag] = useState("");
  const problem = tag.trim() ? tagProblem(draft, tag) : undefined;
  const add = () => {
    if (!tag.trim() || problem) return;
    onAdd(tag.trim());
    setTag("");
  };
  return (
    <div className={mergeClasses(row.row, styles.tag)}>
      <Field label="Another tag" validationMessage={problem}>
        <Input
          value={tag}
          maxLength={100}
          onChange={(_, d) => setTag(d.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault(); // Enter saves the whole form otherwise
            add();
          }}
        />
      </Field>
      <Button icon={<AddRegular />} disabled={!tag.trim() || problem !== undefined} onClick={add}>
        Add
      </Button>
    </div>
  );
}
