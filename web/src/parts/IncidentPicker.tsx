import { Combobox, Field, Option } from "@fluentui/react-components";
import { useState } from "react";
import { useIncidentSearch } from "../api/chain";
import { plainText } from "./hidden";

interface Props {
  label: string;
  /** Number of the incident; "" when none is picked. */
  value: string;
  /** Incidents that cannot be picked. */
  without: string[];
  onChange: (id: string) => void;
  autoFocus?: boolean;
}

/** Picks one open incident by typing a part of its name, its number or an entity in it. */
export function IncidentPicker({ label, value, without, onChange, autoFocus }: Props) {
  const [text, setText] = useState("");
  const [shown, setShown] = useState("");
  const { data = [], isFetching, isError } = useIncidentSearch(text);
  const found = data.filter((incident) => !without.includes(incident.id));
  return (
    <Field label={label} required hint="By name, number, or something in it. Only open incidents.">
      <Combobox
        freeform
        autoFocus={autoFocus}
        placeholder="Search incidents"
        value={shown}
        selectedOptions={value ? [value] : []}
        onChange={(event) => {
          setText(event.target.value);
          setShown(event.target.value);
          onChange("");
        }}
        onOptionSelect={(_, data) => {
          setShown(data.optionText ?? "");
          onChange(data.optionValue ?? "");
        }}
      >
        {found.map((incident) => (
          <Option
            key={incident.id}
            value={incident.id}
            text={`${incident.id} ${plainText(incident.displayName)}`}
          >{`${incident.id} ${plainText(incident.displayName)}`}</Option>
        ))}
        {found.length === 0 && (
          <Option disabled value="" text="">
            {isFetching ? "Searching…" : isError ? "The search did not work" : "No other open incident matches"}
          </Option>
        )}
      </Combobox>
    </Field>
  );
}
