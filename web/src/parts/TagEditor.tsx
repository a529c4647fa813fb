import {
  Field,
  Tag,
  TagPicker,
  TagPickerControl,
  TagPickerGroup,
  TagPickerInput,
  TagPickerList,
  TagPickerOption,
} from "@fluentui/react-components";
import { useState } from "react";
import { useKnownTags } from "../api/incidents";
import { plainText } from "./hidden";

const longest = 100;
const most = 50;

interface Props {
  label?: string;
  tags: string[];
  onChange: (tags: string[]) => void;
}

/** Edits a person's tags: suggests those used before and offers to create a new one from what was typed. */
export function TagEditor({ label = "Tags", tags, onChange }: Props) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const typed = text.trim();
  const { data: known = [] } = useKnownTags(typed);
  const options = known
    .filter((tag) => !tags.includes(tag) && tag.toLowerCase().includes(typed.toLowerCase()))
    .slice(0, 20);
  const isNew =
    typed !== "" && !tags.includes(typed) && !known.some((tag) => tag.toLowerCase() === typed.toLowerCase());
  const add = (tag: string) => {
    if (tag && !tags.includes(tag) && tags.length < most) onChange([...tags, tag]);
    setText("");
    setOpen(false);
  };
  return (
    <Field
      label={label}
      validationState="none"
      validationMessage={tags.length >= most ? `At most ${most} tags` : undefined}
    >
      <TagPicker
        open={open}
        onOpenChange={(_, data) => setOpen(data.open)}
        selectedOptions={tags}
        onOptionSelect={(_, data) => {
          setText("");
          if (data.selectedOptions.length <= most) onChange(data.selectedOptions);
        }}
      >
        <TagPickerControl>
          <TagPickerGroup aria-label="Chosen tags">
            {tags.map((tag) => (
              <Tag key={tag} value={tag} shape="rounded" size="small">
                {plainText(tag)}
              </Tag>
            ))}
          </TagPickerGroup>
          <TagPickerInput
            aria-label={label === "Tags" ? "Add a tag" : label}
            placeholder={tags.length ? undefined : "Type to find or create a tag"}
            maxLength={longest}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setOpen(true);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" && isNew && options.length === 0) {
                event.preventDefault();
                add(typed);
              }
            }}
          />
        </TagPickerControl>
        <TagPickerList>
          {options.map((tag) => (
            <TagPickerOption key={tag} value={tag} text={tag}>
              {plainText(tag)}
            </TagPickerOption>
          ))}
          {isNew && (
            <TagPickerOption value={typed} text={typed}>
              {plainText(typed)} (create new)
            </TagPickerOption>
          )}
          {options.length === 0 && !isNew && (
            <TagPickerOption value="" text="" aria-disabled="true">
              {tags.length ? "No other tags yet" : "No tags yet: type to create one"}
            </TagPickerOption>
          )}
        </TagPickerList>
      </TagPicker>
    </Field>
  );
}
