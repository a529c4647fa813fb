import { Button, Combobox, Field, makeStyles, Option } from "@fluentui/react-components";
import { useState } from "react";
import { usePeople } from "../api/incidents";
import { useSession } from "../api/session";
import { plainText } from "./hidden";

const useStyles = makeStyles({
  row: { display: "flex", flexWrap: "wrap", gap: "8px" },
  box: { flexGrow: 1, flexBasis: "200px", minWidth: 0, "& input": { minWidth: 0 } },
  me: { flexShrink: 0, whiteSpace: "nowrap" },
});

interface Props {
  /** User name of the owner; "" when nobody is. */
  value: string;
  onChange: (userName: string) => void;
}

/** Picks one person by typing a part of the name. Only people who exist can be picked. */
export function PersonPicker({ value, onChange }: Props) {
  const styles = useStyles();
  const [text, setText] = useState<string>();
  const me = useSession().data?.user;
  const { data: people = [], isFetching } = usePeople(text ?? "");
  const known = people.find((person) => person.userName === value);
  const label = known ? known.displayName || known.userName : value;
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
          {people.length === 0 && (
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
