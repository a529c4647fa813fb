import {
  Button,
  Combobox,
  Dropdown,
  Field,
  Link as FluentLink,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Option,
  Radio,
  RadioGroup,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { type Cell, type ResultTable, useLink } from "../../api/hunting";
import { useQueue } from "../../api/incidents";
import { alertCategories, entityTypes } from "../../parts/entityTypes";
import { plainText } from "../../parts/hidden";
import { AddRegular, DismissRegular } from "../../parts/icons";
import { Pane } from "../../parts/Pane";
import { messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { count, severities, severityWord } from "../../parts/words";
import { cellText } from "./cells";
import { type EntityChoice, entitiesOf } from "./entityColumns";

const useStyles = makeStyles({
  form: { display: "grid", gap: "14px" },
  entity: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr) auto",
    gap: "6px",
    alignItems: "center",
  },
  select: { minWidth: 0 },
  link: { color: tokens.colorBrandForegroundLink, fontWeight: tokens.fontWeightSemibold },
  steps: { display: "flex", gap: "20px", marginBottom: "16px", fontSize: tokens.fontSizeBase200 },
  step: { color: tokens.colorNeutralForeground3 },
  current: { fontWeight: tokens.fontWeightSemibold, color: tokens.colorBrandForeground1 },
});

const words = (name: string) =>
  name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/ (\w)/g, (_, first: string) => ` ${first.toLowerCase()}`);

interface Props {
  table: ResultTable;
  rows: number[];
  query: string;
  /** The incident that the hunt was for. */
  incident?: string;
  onClose: () => void;
}

/** Makes alerts of chosen rows, in a new incident or in one that is there. */
export function LinkWizard({ table, rows, query, incident: from, onClose }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const link = useLink();
  const [step, setStep] = useState(0);
  const [into, setInto] = useState<"new" | "existing">(from ? "existing" : "new");
  const [incident, setIncident] = useState(from ?? "");
  const [title, setTitle] = useState("");
  const [severity, setSeverity] = useState("medium");
  const [category, setCategory] = useState("SuspiciousActivity");
  const [description, setDescription] = useState("");
  const [recommended, setRecommended] = useState("");
  const [entities, setEntities] = useState<EntityChoice[]>(() =>
    entitiesOf(
      table.columns,
      rows.map((row) => table.rows[row] ?? []),
    ),
  );
  const impacted = entities.filter(({ role }) => role === "impacted");
  const groups = useMemo(() => {
    const at = impacted.map(({ column }) => table.columns.findIndex(({ name }) => name === column));
    return new Set(rows.map((row) => JSON.stringify(at.map((index) => cellText(table.rows[row]?.[index]))))).size;
  }, [impacted, rows, table]);

  const problems = [
    title.trim() === "" && "Give the alert a title.",
    into === "existing" && !/^\d+$/.test(incident.trim()) && "Choose an incident.",
  ].filter((each) => each !== false);
  const entityProblem =
    entities.length === 0 ? "Choose at least one entity, so that the alert says whom it is about." : undefined;

  const submit = () =>
    link.mutate({
      query,
      title: title.trim(),
      severity,
      category,
      description,
      recommendedActions: recommended,
      incidentId: into === "existing" ? incident.trim() : undefined,
      entities,
      rows: rows.map((row) =>
        Object.fromEntries(
          table.columns.map(({ name }, index): [string, Cell] => [name, table.rows[row]?.[index] ?? null]),
        ),
      ),
    });

  const names = ["Alert", "Entities", "Summary"];
  return (
    <Pane
      open
      modal
      wide
      onClose={onClose}
      label="Link to incident"
      title="Link to incident"
      footer={
        link.isSuccess ? (
          <Button appearance="primary" onClick={onClose}>
            Close
          </Button>
        ) : (
          <>
            {step < 2 ? (
              <Button
                appearance="primary"
                disabled={step === 0 ? problems.length > 0 : entityProblem !== undefined}
                onClick={() => setStep(step + 1)}
              >
                Next
              </Button>
            ) : (
              <Button appearance="primary" disabled={link.isPending} onClick={submit}>
                {link.isPending ? "Creating" : groups === 1 ? "Create alert" : `Create ${groups} alerts`}
              </Button>
            )}
            {step > 0 && <Button onClick={() => setStep(step - 1)}>Back</Button>}
            <Button appearance="subtle" onClick={onClose}>
              Cancel
            </Button>
          </>
        )
      }
    >
      {!link.isSuccess && (
        <ol className={styles.steps} aria-label="Steps">
          {names.map((name, index) => (
            <li
              key={name}
              className={index === step ? styles.current : styles.step}
              aria-current={index === step ? "step" : undefined}
            >
              {index + 1}. {name}
            </li>
          ))}
        </ol>
      )}
      {link.isSuccess ? (
        <div className={styles.form}>
          <MessageBar intent="success">
            <MessageBarBody>
              {count(link.data.alertIds.length, "alert")} in incident {link.data.incidentId}.
            </MessageBarBody>
          </MessageBar>
          <Link className={styles.link} to={`/incidents/${link.data.incidentId}/alerts`}>
            Open incident {link.data.incidentId}
          </Link>
        </div>
      ) : step === 0 ? (
        <div className={styles.form}>
          <p className={surface.muted}>
            {rows.length === 1 ? "1 row becomes an alert" : `${count(rows.length, "row")} become alerts`} that carry the
            query and the rows.
          </p>
          <Field label="Incident">
            <RadioGroup value={into} onChange={(_, data) => setInto(data.value as "new" | "existing")}>
              <Radio value="new" label="A new incident" />
              <Radio value="existing" label="An existing incident" />
            </RadioGroup>
          </Field>
          {into === "existing" && (
            <Field label="Which incident" required>
              <IncidentPicker value={incident} choose={setIncident} />
            </Field>
          )}
          <Field label="Alert title" required>
            <Input value={title} maxLength={256} onChange={(_, data) => setTitle(data.value)} />
          </Field>
          <Field label="Severity">
            <Dropdown
              value={severityWord(severity)}
              selectedOptions={[severity]}
              onOptionSelect={(_, data) => setSeverity(data.optionValue ?? severity)}
            >
              {severities.map((each) => (
                <Option key={each} value={each}>
                  {severityWord(each)}
                </Option>
              ))}
            </Dropdown>
          </Field>
          <Field label="Category">
            <Dropdown
              value={words(category)}
              selectedOptions={[category]}
              onOptionSelect={(_, data) => setCategory(data.optionValue ?? category)}
            >
              {alertCategories.map((each) => (
                <Option key={each} value={each}>
                  {words(each)}
                </Option>
              ))}
            </Dropdown>
          </Field>
          <Field label="Description">
            <Textarea value={description} maxLength={8000} onChange={(_, data) => setDescription(data.value)} />
          </Field>
          <Field label="Recommended actions">
            <Textarea value={recommended} maxLength={8000} onChange={(_, data) => setRecommended(data.value)} />
          </Field>
        </div>
      ) : step === 1 ? (
        <div className={styles.form}>
          <p className={surface.muted}>
            Rows with the same impacted entities go into one alert. Evidence is added to the alert of its row.
          </p>
          {(["impacted", "evidence"] as const).map((role) => (
            <section key={role} className={surface.section}>
              <h3 className={surface.heading}>{role === "impacted" ? "Impacted assets" : "Related evidence"}</h3>
              {entities.map(
                (entity, index) =>
                  entity.role === role && (
                    // biome-ignore lint/suspicious/noArrayIndexKey: an entity has no other name
                    <div key={index} className={styles.entity}>
                      <Dropdown
                        className={styles.select}
                        aria-label="Kind of entity"
                        value={entityTypes.find(({ type }) => type === entity.type)?.label ?? entity.type}
                        selectedOptions={[entity.type]}
                        onOptionSelect={(_, data) =>
                          setEntities(entities.with(index, { ...entity, type: data.optionValue ?? entity.type }))
                        }
                      >
                        {entityTypes
                          .filter((each) => each.role === role)
                          .map(({ type, label }) => (
                            <Option key={type} value={type}>
                              {label}
                            </Option>
                          ))}
                      </Dropdown>
                      <Dropdown
                        className={styles.select}
                        aria-label="Column that names it"
                        value={entity.column}
                        selectedOptions={[entity.column]}
                        onOptionSelect={(_, data) =>
                          setEntities(entities.with(index, { ...entity, column: data.optionValue ?? entity.column }))
                        }
                      >
                        {table.columns.map(({ name }) => (
                          <Option key={name} value={name}>
                            {name}
                          </Option>
                        ))}
                      </Dropdown>
                      <Button
                        appearance="subtle"
                        icon={<DismissRegular />}
                        aria-label={`Leave out ${entity.column}`}
                        onClick={() => setEntities(entities.toSpliced(index, 1))}
                      />
                    </div>
                  ),
              )}
              <div>
                <Button
                  size="small"
                  icon={<AddRegular />}
                  onClick={() =>
                    setEntities([
                      ...entities,
                      {
                        role,
                        type: entityTypes.find((each) => each.role === role)?.type ?? "device",
                        column: table.columns[0]?.name ?? "",
                      },
                    ])
                  }
                >
                  Add
                </Button>
              </div>
            </section>
          ))}
          {entityProblem && (
            <MessageBar intent="warning">
              <MessageBarBody>{entityProblem}</MessageBarBody>
            </MessageBar>
          )}
        </div>
      ) : (
        <div className={styles.form}>
          <dl className={surface.facts}>
            <dt>Title</dt>
            <dd>{title}</dd>
            <dt>Severity</dt>
            <dd>{severityWord(severity)}</dd>
            <dt>Category</dt>
            <dd>{words(category)}</dd>
            <dt>Incident</dt>
            <dd>{into === "new" ? "New incident" : `Incident ${incident}`}</dd>
            <dt>Alerts</dt>
            <dd>
              {count(groups, "alert")}, from {count(rows.length, "row")}
            </dd>
            <dt>Entities</dt>
            <dd>
              {entities
                .map(
                  ({ type, column }) => `${entityTypes.find((each) => each.type === type)?.label ?? type} (${column})`,
                )
                .join(", ")}
            </dd>
          </dl>
          {link.error && (
            <MessageBar intent="error" role="alert">
              <MessageBarBody>
                {messageOf(link.error)} <FluentLink onClick={() => setStep(0)}>Change the details</FluentLink>
              </MessageBarBody>
            </MessageBar>
          )}
        </div>
      )}
    </Pane>
  );
}

/** An incident by its number or by words of its name. */
function IncidentPicker({ value, choose }: { value: string; choose: (id: string) => void }) {
  const [typed, setTyped] = useState(value);
  const queue = useQueue({ filter: "", search: "", orderBy: "lastUpdateDateTime desc" });
  const incidents = (queue.data?.pages ?? []).flatMap((page) => page.value);
  const needle = typed.trim().toLowerCase();
  const whole = incidents.find(({ id }) => id === value);
  const hits = incidents.filter(
    ({ id, displayName }) =>
      needle === "" || needle === value || id.startsWith(needle) || displayName.toLowerCase().includes(needle),
  );
  return (
    <Combobox
      freeform
      placeholder="Number or name"
      value={typed === value && whole ? `${whole.id}: ${plainText(whole.displayName)}` : typed}
      selectedOptions={value ? [value] : []}
      onChange={(event) => {
        setTyped(event.target.value);
        choose(/^\d+$/.test(event.target.value.trim()) ? event.target.value.trim() : "");
      }}
      onOptionSelect={(_, data) => {
        setTyped(data.optionValue ?? "");
        choose(data.optionValue ?? "");
      }}
    >
      {hits.slice(0, 20).map(({ id, displayName }) => (
        <Option key={id} value={id} text={id}>
          {id}: {plainText(displayName)}
        </Option>
      ))}
    </Combobox>
  );
}
