import { Button, makeStyles } from "@fluentui/react-components";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useIncidentHead } from "../../api/incidents";
import { useCan } from "../../api/session";
import type { Incident } from "../../api/types";
import { plainText } from "../../parts/hidden";
import { IncidentFacts } from "../../parts/IncidentFacts";
import { ArrowDownRegular, ArrowUpRegular, EditRegular, OpenRegular } from "../../parts/icons";
import { ManagePanel } from "../../parts/ManagePanel";
import { Pane } from "../../parts/Pane";
import { ErrorState, LoadingLines } from "../../parts/states";
import { Untrusted } from "../../parts/Untrusted";

const useStyles = makeStyles({ steps: { display: "inline-flex", flexShrink: 0 } });

interface Props {
  id: string;
  /** The incident as the list has it, to show something at once. */
  known?: Incident;
  /** All listed incidents in order, for the arrows. */
  ids: string[];
  onShow: (id: string | undefined) => void;
}

export function IncidentPane({ id, known, ids, onShow }: Props) {
  const styles = useStyles();
  const navigate = useNavigate();
  const mayWrite = useCan("incident.write");
  const [managing, setManaging] = useState(false);
  const { data, error, refetch } = useIncidentHead(id);
  const incident = data ?? known;
  const at = ids.indexOf(id);
  const previous = at > 0 ? ids[at - 1] : undefined;
  const next = at >= 0 ? ids[at + 1] : undefined;
  return (
    <>
      <Pane
        open
        onClose={() => onShow(undefined)}
        label={`Incident ${id}`}
        title={
          incident ? (
            <span title={plainText(incident.displayName)}>
              <Untrusted text={incident.displayName} />
            </span>
          ) : (
            `Incident ${id}`
          )
        }
        actions={
          <span className={styles.steps}>
            {/* No Tooltip here: it would take the Escape that is meant for the pane. */}
            <Button
              appearance="subtle"
              aria-label="Previous incident"
              title="Previous incident"
              icon={<ArrowUpRegular />}
              disabledFocusable={!previous}
              onClick={() => previous && onShow(previous)}
            />

            <Button
              appearance="subtle"
              aria-label="Next incident"
              title="Next incident"
              icon={<ArrowDownRegular />}
              disabledFocusable={!next}
              onClick={() => next && onShow(next)}
            />
          </span>
        }
        footer={
          <>
            <Button
              appearance="primary"
              icon={<OpenRegular />}
              onClick={() => navigate(`/incidents/${encodeURIComponent(id)}`)}
            >
              Open incident page
            </Button>
            {mayWrite && (
              <Button icon={<EditRegular />} disabled={!data} onClick={() => setManaging(true)}>
                Manage incident
              </Button>
            )}
          </>
        }
      >
        {incident ? (
          <IncidentFacts incident={incident} />
        ) : error ? (
          <ErrorState error={error} retry={() => void refetch()} />
        ) : (
          <LoadingLines rows={8} label="Loading the incident" />
        )}
      </Pane>
      {managing && data && <ManagePanel incident={data} onClose={() => setManaging(false)} />}
    </>
  );
}
