import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { Link, useNavigate } from "react-router";
import { useAlert } from "../../api/incidents";
import type { Alert } from "../../api/types";
import { Chips, Owner, SeverityBadge, StatusLabel, Tags } from "../../parts/badges";
import { plainText } from "../../parts/hidden";
import { ArrowDownRegular, ArrowUpRegular, OpenRegular } from "../../parts/icons";
import { Pane } from "../../parts/Pane";
import { ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import {
  categoryWord,
  classificationWord,
  count,
  detectionSourceWord,
  determinationWord,
  sourceWord,
} from "../../parts/words";
import { assetNames } from "./columns";

const useStyles = makeStyles({
  steps: { display: "inline-flex", flexShrink: 0 },
  link: {
    color: tokens.colorBrandForegroundLink,
    textDecoration: "none",
    ":hover": { textDecoration: "underline" },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  text: { lineHeight: tokens.lineHeightBase300 },
});

interface Props {
  id: string;
  /** The alert as the list has it. */
  known?: Alert;
  /** The ids of the list, for the arrows. */
  ids: string[];
  onShow: (id: string | undefined) => void;
}

/** What an alert is about, beside the queue. Its story, its evidence and work on it are at its incident. */
export function AlertSummary({ id, known, ids, onShow }: Props) {
  const styles = useStyles();
  const surface = useSurface();
  const navigate = useNavigate();
  const { data, error, refetch } = useAlert(id, known !== undefined);
  const alert = known ?? data;
  const at = ids.indexOf(id);
  const previous = at > 0 ? ids[at - 1] : undefined;
  const next = at >= 0 ? ids[at + 1] : undefined;
  return (
    <Pane
      open
      onClose={() => onShow(undefined)}
      label="Alert"
      title={alert ? <Untrusted text={alert.title} /> : "Alert"}
      actions={
        <span className={styles.steps}>
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
      footer={
        alert && (
          <Button
            appearance="primary"
            icon={<OpenRegular />}
            onClick={() =>
              navigate(
                `/incidents/${encodeURIComponent(alert.incidentId)}/alerts?alert=${encodeURIComponent(alert.id)}`,
              )
            }
          >
            Open in its incident
          </Button>
        )
      }
    >
      {!alert ? (
        error ? (
          <ErrorState error={error} retry={() => void refetch()} />
        ) : (
          <LoadingLines rows={8} label="Loading the alert" />
        )
      ) : (
        <>
          {alert.description && (
            <section className={surface.section}>
              <h3 className={surface.heading}>What happened</h3>
              <p className={styles.text}>
                <Untrusted text={alert.description} lines />
              </p>
            </section>
          )}
          <section className={surface.section}>
            <h3 className={surface.heading}>Details</h3>
            <dl className={surface.facts}>
              <Fact name="Severity">
                <SeverityBadge severity={alert.severity} />
              </Fact>
              <Fact name="Status">
                <StatusLabel status={alert.status} ofAlert />
              </Fact>
              <Fact name="Assigned to">
                <Owner name={alert.assignedTo} />
              </Fact>
              <Fact name="Incident">
                <Link className={styles.link} to={`/incidents/${encodeURIComponent(alert.incidentId)}`}>
                  <Untrusted text={alert.tocsin?.incidentName || `Incident ${alert.incidentId}`} />
                </Link>
              </Fact>
              <Fact name="Classification">
                {classificationWord(alert.classification)}
                {alert.determination !== "unknown" && ` – ${determinationWord(alert.determination)}`}
              </Fact>
              <Fact name="Category">
                <Chips items={(alert.categories ?? []).map(categoryWord)} />
              </Fact>
              <Fact name="Impacted assets">
                <Chips items={assetNames(alert).map(plainText)} />
              </Fact>
              <Fact name="Found by">
                {sourceWord(alert.serviceSource)}
                {alert.detectionSource !== alert.serviceSource &&
                  ` (${detectionSourceWord(alert.detectionSource).toLowerCase()})`}
              </Fact>
              {alert.tocsin?.ruleTitle && (
                <Fact name="Rule">
                  <Untrusted text={alert.tocsin.ruleTitle} />
                </Fact>
              )}
              {(alert.systemTags?.length ?? 0) > 0 && (
                <Fact name="Tags">
                  <Tags system={alert.systemTags} />
                </Fact>
              )}
              <Fact name="First activity">
                <When at={alert.firstActivityDateTime} exact />
              </Fact>
              <Fact name="Last activity">
                <When at={alert.lastActivityDateTime} exact />
              </Fact>
              <Fact name="Received">
                <When at={alert.createdDateTime} exact />
              </Fact>
              <Fact name="Seen">{count(alert.tocsin?.count ?? 1, "time")}</Fact>
            </dl>
          </section>
          {alert.recommendedActions && (
            <section className={surface.section}>
              <h3 className={surface.heading}>Recommended actions</h3>
              <p className={styles.text}>
                <Untrusted text={alert.recommendedActions} lines />
              </p>
            </section>
          )}
        </>
      )}
    </Pane>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
