import { Button, Combobox, Field, makeStyles, Option, OptionGroup } from "@fluentui/react-components";
import { useState } from "react";
import { usePeople } from "../api/incidents";
import { useGroups } from "../api/manage";
import { useSession } from "../api/session";
import { plainText } from "./hidden";

const useStyles = makeStyles({
  row: { display: "flex", flexWrap: "wrap", gap: "8px" },
  box: { flexGrow: 1, flexBasis: "200px", minWidth: 0, "& input": { minWidth: 0 } },
  me: { flexShrink: 0, whiteSpace: "nowrap" },
});

interface Props {
  /** The owner: a user name, or "group:" and the id of a group; "" when nobody is. */
  value: string;
  onChange: (userName: string) => void;
}

/** Picks one person or group by typing a part of the name. Only those that exist can be picked. */
export function PersonPicker({ value, onChange }: Props) {
  const styles = useStyles();
  const [text, setText] = useState<string>();
  const me = useSession().data?.user;
  const { data: people = [], isFetching } = usePeople(text ?? "");
  const { data: allGroups = [] } = useGroups();
  const groups = allGroups.filter(({ name }) => name.toLowerCase().includes((text ?? "").trim().toLowerCase()));
  const known = people.find((person) => person.userName === value);
  const group = allGroups.find(({ owner }) => owner === value);
  const label = known ? known.displayName || known.userName : (group?.name ?? value);
  return (
    <Field label="Assigned to">
      <div className={styles.row}>
        <Combobox
          className={styles.box}
          freeform
          clearable
          placeholder="Unassigned"
          value={text ?? plainText(label)}
          selectedOptions={value ? [value] : []}
          onChange={(event) => setText(event.target.value)}
          onOptionSelect={(_, data) => {
            setText(undefined);
            onChange(data.optionValue ?? "");
          }}
          onBlur={() => setText(undefined)}
        >
          {people.map((person) => (
            <Option key={person.userName} value={person.userName} text={person.displayName || person.userName}>
              {plainText(person.displayName || person.userName)}
              {person.displayName && person.displayName !== person.userName ? ` (${plainText(person.userName)})` : ""}
            </Option>
          ))}
          {groups.length > 0 && (
            <OptionGroup label="Groups">
              {groups.map(({ owner, name, members }) => (
                <Option key={owner} value={owner} text={name}>
                  {plainText(name)} ({members.length === 1 ? "1 member" : `${members.length} members`})
                </Option>
              ))}
            </OptionGroup>
          )}
          {people.length === 0 && groups.length === 0 && (
            <Option disabled value="" text="">
              {isFetching ? "Searching…" : "Nobody has this name"}
            </Option>
          )}
        </Combobox>
        {me && value !== me.userName && (
          <Button className={styles.me} onClick={() => onChange(me.userName)}>
            Assign to me
          </Button>
        )}
      </div>
    </Field>
  );
}
