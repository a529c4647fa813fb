import {
  Button,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import { useNavigate } from "react-router";
import { usePrepared } from "../api/hunting";
import { useCan } from "../api/session";
import { DocumentSearchRegular } from "./icons";
import { pathOf } from "./queryLink";
import { messageOf } from "./states";

const useStyles = makeStyles({
  note: { padding: "6px 10px", color: tokens.colorNeutralForeground3, maxWidth: "280px" },
});

export interface Prey {
  /** The kind of entity, in the server's words for prepared queries. */
  type: string;
  value: string;
}

interface Props {
  prey: Prey;
  /** What people call the entity. */
  name: string;
  /** When the entity was active, ISO. */
  from?: string;
  to?: string;
  /** The incident that is left for the hunt. */
  incident?: string;
  /** Opens a query on the page that this is on; without it, the hunting page is gone to. */
  open?: (part: { title: string; text: string }, run: boolean) => void;
  /** Only the icon, where there is little room. */
  compact?: boolean;
}

/** A menu of queries that are ready to run for an entity; nothing for people who may not hunt. */
export function GoHunt({ prey, name, from, to, incident, open, compact }: Props) {
  const styles = useStyles();
  const navigate = useNavigate();
  const mayHunt = useCan("hunt.run");
  const [shown, setShown] = useState(false);
  const prepared = usePrepared(prey.type, prey.value, from, to, shown);
  if (!mayHunt || prey.value === "") return null;
  const go = async (title: string, text: string) => {
    if (open) open({ title, text }, true);
    else navigate(await pathOf(text, { title, run: true, incident }));
  };
  const queries = prepared.data?.queries ?? [];
  return (
    <Menu open={shown} onOpenChange={(_, data) => setShown(data.open)} positioning="below-end">
      <MenuTrigger disableButtonEnhancement>
        <Button
          size="small"
          appearance={compact ? "subtle" : "secondary"}
          icon={<DocumentSearchRegular />}
          aria-label={`Go hunt for ${name}`}
          title={compact ? "Go hunt" : undefined}
        >
          {compact ? undefined : "Go hunt"}
        </Button>
      </MenuTrigger>
      <MenuPopover>
        {prepared.isPending ? (
          <Spinner size="tiny" label="Loading queries" className={styles.note} />
        ) : prepared.error ? (
          <p className={styles.note} role="alert">
            {messageOf(prepared.error)}
          </p>
        ) : queries.length === 0 ? (
          <p className={styles.note}>No query is ready for this.</p>
        ) : (
          <MenuList>
            {queries.map((query) => (
              <MenuItem key={query.name} onClick={() => void go(query.name, query.text)}>
                {query.name}
              </MenuItem>
            ))}
          </MenuList>
        )}
      </MenuPopover>
    </Menu>
  );
}
