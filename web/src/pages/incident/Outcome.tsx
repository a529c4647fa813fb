import { Button, MessageBar, MessageBarActions, MessageBarBody } from "@fluentui/react-components";
import { Link } from "react-router";
import { useUndo } from "../../api/rearrange";
import { DismissRegular } from "../../parts/icons";
import { messageOf } from "../../parts/states";

/** What was done with the alerts of an incident, and how to take it back. */
export interface Done {
  /** Goes before the number of the target. */
  text: string;
  target: string;
  undo: number[];
}

export function Outcome({ done, onGone }: { done: Done; onGone: () => void }) {
  const undo = useUndo();
  return (
    <MessageBar intent={undo.error ? "error" : "success"} layout="multiline">
      <MessageBarBody>
        {undo.error ? (
          messageOf(undo.error)
        ) : (
          <>
            {done.text} <Link to={`/incidents/${done.target}`}>incident {done.target}</Link>.
          </>
        )}
      </MessageBarBody>
      <MessageBarActions
        containerAction={
          <Button appearance="transparent" icon={<DismissRegular />} aria-label="Close the message" onClick={onGone} />
        }
      >
        <Button disabled={undo.isPending} onClick={() => undo.mutate(done.undo, { onSuccess: onGone })}>
          Undo
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}
