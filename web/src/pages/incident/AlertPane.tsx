import { Button, Field, MessageBar, MessageBarBody, makeStyles, Select, tokens } from "@fluentui/react-components";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useUpdateAlert } from "../../api/incidents";
import { useCan } from "../../api/session";
import type { Alert, AlertPatch, AlertStatus, Classification } from "../../api/types";
import { Chips, Owner, SeverityBadge, StatusLabel } from "../../parts/badges";
import { collectEntities, inOrderOfInterest } from "../../parts/entities";
import { plainText } from "../../parts/hidden";
import { ArrowDownRegular, ArrowUpRegular, DocumentSearchRegular } from "../../parts/icons";
import { ClassificationFields } from "../../parts/ManagePanel";
import { Pane } from "../../parts/Pane";
import { pathOf } from "../../parts/queryLink";
import { messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import {
  alertStatusWord,
  categoryWord,
  classificationWord,
  count,
  detectionSourceWord,
  determinationWord,
  sourceWord,
} from "../../parts/words";
import { AlertComments } from "./AlertComments";
import { Why } from "./AlertsTab";
import { EntityList } from "./EntityList";
import { EventRows } from "./EventRows";
import { SimilarAlerts } from "./SimilarAlerts";

const useStyles = makeStyles({
  badges: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px 14px", marginBottom: "14px" },
  steps: { display: "inline-flex", flexShrink: 0 },
  form: {
    display: "grid",
    gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
    "& .fui-Field": { gridTemplateColumns: "minmax(0, 1fr)" },
    "& select": { minWidth: 0 },
    gap: "12px",
    alignItems: "end",
  },
  whole: { gridColumn: "1 / -1" },
  query: {
    margin: 0,
    maxHeight: "240px",
    overflow: "auto",
    padding: "10px 12px",
    borderRadius: "6px",
    backgroundColor: tokens.colorNeutralBackground3,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: "12px",
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
  },
  text: { lineHeight: tokens.lineHeightBase300 },
});

interface Props {
  alert: Alert;
  previous?: string;
  next?: string;
  onShow: (id: string | undefined) => void;
}

export function AlertPane({ alert, previous, next, onShow }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const mayWrite = useCan("alert.write");
  const mayReadEvents = useCan("event.read");
  const extra = alert.tocsin;
  const rows = extra?.rows ?? [];
  const query = alert.detectionSource === "manual" ? alert.customDetails?.query : undefined;
  const categories = alert.categories?.length ? alert.categories : alert.category ? [alert.category] : [];
  return (
    <Pane
      open
      wide
      onClose={() => onShow(undefined)}
      label="Alert"
      title={<Untrusted text={alert.title} />}
      actions={
        <span className={styles.steps}>
          {/* No Tooltip here: it would take the Escape that is meant for the pane. */}
          <Button
            appearance="subtle"
            aria-label="Previous alert"
            title="Previous alert"
            icon={<ArrowUpRegular />}
            disabledFocusable={!previous}
            onClick={() => previous && onShow(previous)}
          />

          <Button
            appearance="subtle"
            aria-label="Next alert"
            title="Next alert"
            icon={<ArrowDownRegular />}
            disabledFocusable={!next}
            onClick={() => next && onShow(next)}
          />
        </span>
      }
    >
      <div className={styles.badges}>
        <SeverityBadge severity={alert.severity} />
        <StatusLabel status={alert.status} ofAlert />
        <Owner name={alert.assignedTo} />
      </div>
      {alert.description && (
        <section className={surface.section}>
          <h3 className={surface.heading}>What happened</h3>
          <p className={styles.text}>
            <Untrusted text={alert.description} lines />
          </p>
        </section>
      )}
      <section className={surface.section}>
        <Why alert={alert} first={!previous} all />
      </section>
      <section className={surface.section}>
        <h3 className={surface.heading}>Details</h3>
        <dl className={surface.facts}>
          <dt>Found by</dt>
          <dd>
            {sourceWord(alert.serviceSource)}
            {alert.detectionSource !== alert.serviceSource &&
              ` (${detectionSourceWord(alert.detectionSource).toLowerCase()})`}
          </dd>
          {extra?.ruleTitle && (
            <>
              <dt>Rule</dt>
              <dd title={extra.ruleId}>
                <Untrusted text={extra.ruleTitle} />
              </dd>
            </>
          )}
          <dt>Category</dt>
          <dd>
            <Chips items={categories.map(categoryWord)} />
          </dd>
          <dt>Techniques</dt>
          <dd>
            <Chips items={alert.mitreTechniques ?? []} />
          </dd>
          <dt>First activity</dt>
          <dd>
            <When at={alert.firstActivityDateTime} exact />
          </dd>
          <dt>Last activity</dt>
          <dd>
            <When at={alert.lastActivityDateTime} exact />
          </dd>
          <dt>Received</dt>
          <dd>
            <When at={alert.createdDateTime} exact />
          </dd>
          <dt>Seen</dt>
          <dd>{count(extra?.count ?? 1, "time")}</dd>
          <dt>Classification</dt>
          <dd>
            {classificationWord(alert.classification)}
            {alert.determination !== "unknown" && ` – ${determinationWord(alert.determination)}`}
          </dd>
        </dl>
      </section>
      {mayWrite && <ManageAlert key={alert.id} alert={alert} />}
      {alert.recommendedActions && (
        <section className={surface.section}>
          <h3 className={surface.heading}>Recommended actions</h3>
          <p className={styles.text}>
            <Untrusted text={alert.recommendedActions} lines />
          </p>
        </section>
      )}
      <section className={surface.section}>
        <h3 className={surface.heading}>Evidence</h3>
        <EntityList entities={inOrderOfInterest(collectEntities([alert]))} incident={alert.incidentId} />
      </section>
      {typeof query === "string" && query !== "" && <QueryBehind query={query} alert={alert} />}
      {rows.length > 0 && (
        <section className={surface.section}>
          <h3 className={surface.heading}>Events behind this alert</h3>
          {mayReadEvents ? (
            <EventRows rows={rows} />
          ) : (
            <p className={surface.muted}>Your role does not include reading events.</p>
          )}
        </section>
      )}
      <SimilarAlerts key={`similar ${alert.id}`} alert={alert} />
      <AlertComments key={`comments ${alert.id}`} alert={alert} />
    </Pane>
  );
}

/** The query whose rows somebody made an alert of. */
function QueryBehind({ query, alert }: { query: string; alert: Alert }) {
  const styles = useStyles();
  const surface = useSurface();
  const navigate = useNavigate();
  const mayHunt = useCan("hunt.run");
  return (
    <section className={surface.section}>
      <h3 className={surface.heading}>Query behind this alert</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <pre className={styles.query} tabIndex={0}>
        <Untrusted text={query} lines />
      </pre>
      {mayHunt && (
        <div>
          <Button
            size="small"
            icon={<DocumentSearchRegular />}
            onClick={async () =>
              navigate(await pathOf(query, { title: plainText(alert.title), incident: alert.incidentId }))
            }
          >
            Open in advanced hunting
          </Button>
        </div>
      )}
    </section>
  );
}

const statuses: AlertStatus[] = ["new", "inProgress", "resolved"];

/** Status and classification of one alert, saved as they are chosen. */
function ManageAlert({ alert }: { alert: Alert }) {
  const styles = useStyles();
  const surface = useSurface();
  const update = useUpdateAlert(alert);
  // What was chosen shows at once; the server's word replaces it when the alert is read again.
  const [pending, setPending] = useState<AlertPatch>({});
  const send = (patch: AlertPatch) => {
    setPending((before) => ({ ...before, ...patch }));
    update.mutate(patch, { onSettled: () => setPending({}) });
  };
  return (
    <section className={surface.section}>
      <h3 className={surface.heading}>Manage alert</h3>
      <div className={styles.form}>
        <Field label="Alert status" className={styles.whole}>
          <Select
            value={pending.status ?? alert.status}
            onChange={(_, data) => send({ status: data.value as AlertStatus })}
          >
            {statuses.map((status) => (
              <option key={status} value={status}>
                {alertStatusWord(status)}
              </option>
            ))}
          </Select>
        </Field>
        <ClassificationFields
          classification={(pending.classification ?? alert.classification) as Classification}
          determination={pending.determination ?? alert.determination}
          onChange={send}
        />
        {update.isError && (
          <MessageBar intent="error" layout="multiline" className={styles.whole}>
            <MessageBarBody>{messageOf(update.error)}</MessageBarBody>
          </MessageBar>
        )}
      </div>
    </section>
  );
}
