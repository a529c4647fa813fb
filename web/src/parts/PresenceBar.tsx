import { Avatar, makeStyles, tokens } from "@fluentui/react-components";
import { usePresence } from "../api/manage";
import { plainText } from "./hidden";
import { listWords } from "./words";

const useStyles = makeStyles({
  row: { display: "inline-flex", alignItems: "center", gap: "6px", color: tokens.colorNeutralForeground2 },
});

/** Who else looks at the incident now, and whether they are changing it. */
export function PresenceBar({ incident, editing }: { incident: string; editing: boolean }) {
  const styles = useStyles();
  const others = usePresence(incident, editing);
  const byName = new Map<string, boolean>();
  for (const { displayName, self, editing: busy } of others) {
    const name = self ? "You, in another window" : plainText(displayName);
    byName.set(name, busy || (byName.get(name) ?? false));
  }
  const people = [...byName].map(([name, busy]) => ({ name, busy }));
  return (
    <span className={styles.row} role="status">
      {people.slice(0, 5).map(({ name }) => (
        <Avatar key={name} size={20} name={name} color="colorful" aria-hidden="true" />
      ))}
      {people.length > 0 &&
        `Here now: ${listWords(people.map(({ name, busy }) => (busy ? `${name} (making changes)` : name)))}`}
    </span>
  );
}
