import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Select,
} from "@fluentui/react-components";
import { useDeferredValue, useId, useRef, useState } from "react";
import { type AssetMark, type MarkedAsset, useAssetMarks, useMarkAsset, useUnmarkAsset } from "../../api/scoring";
import { AddRegular, DeleteRegular } from "../../parts/icons";
import { ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { When } from "../../parts/When";
import { useFormRow } from "./formRow";
import { marks, markWord } from "./marks";

const useStyles = makeStyles({
  card: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "12px", padding: "16px 20px" },
  form: { gridTemplateColumns: "minmax(0, 1fr) 160px minmax(0, 1fr) auto" },
  search: { maxWidth: "360px" },
  name: { minWidth: "160px", overflowWrap: "anywhere" },
});

const shown = 100;

/** The assets of which people said something, and the form to say more. */
export function Marks() {
  const styles = useStyles();
  const surface = useSurface();
  const heading = useId();
  const { data, isPending, error, refetch } = useAssetMarks();
  const remove = useUnmarkAsset();
  const [search, setSearch] = useState("");
  const text = useDeferredValue(search.trim().toLowerCase());
  const found = data?.filter((m) => m.name.toLowerCase().includes(text) || m.reason.toLowerCase().includes(text)) ?? [];
  return (
    <section className={`${surface.card} ${styles.card}`} aria-labelledby={heading}>
      <div>
        <h2 id={heading} className={surface.heading}>
          Marked assets
        </h2>
        <p className={surface.muted}>
          What alerts cannot know of a device, a person or another asset. Incidents that touch it get the points of its
          mark.
        </p>
      </div>
      <Form />
      {remove.error && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(remove.error)}</MessageBarBody>
        </MessageBar>
      )}
      {isPending && <LoadingLines rows={3} label="Loading marked assets" />}
      {error && <ErrorState error={error} retry={() => void refetch()} />}
      {data?.length === 0 && <p className={surface.muted}>No asset is marked.</p>}
      {data && data.length > 10 && (
        <Field label="Find an asset" className={styles.search}>
          <Input type="search" value={search} onChange={(_, d) => setSearch(d.value)} />
        </Field>
      )}
      {found.length > 0 && <List marked={found.slice(0, shown)} onRemove={remove.mutate} />}
      {data && data.length > 0 && (
        <p className={surface.muted} role="status">
          {found.length > shown
            ? `${shown} of ${found.length} marks are shown. Search for the others.`
            : found.length === 0 && "Nothing that is marked has such a name or reason."}
        </p>
      )}
    </section>
  );
}

function List({ marked, onRemove }: { marked: MarkedAsset[]; onRemove: (m: MarkedAsset) => void }) {
  const styles = useStyles();
  const surface = useSurface();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={surface.scroller} tabIndex={0} aria-label="List of marked assets">
      <table className={surface.table}>
        <thead>
          <tr>
            <th scope="col">Asset</th>
            <th scope="col">Mark</th>
            <th scope="col">Reason</th>
            <th scope="col">By</th>
            <th scope="col">Remove</th>
          </tr>
        </thead>
        <tbody>
          {marked.map((m) => (
            <tr key={`${m.mark} ${m.name}`}>
              <td className={styles.name}>
                <Untrusted text={m.name} />
              </td>
              <td>{markWord(m.mark)}</td>
              <td>{m.reason ? <Untrusted text={m.reason} /> : <span className={surface.muted}>None given</span>}</td>
              <td>
                {m.by}, <When at={m.at} />
              </td>
              <td>
                <Button
                  appearance="subtle"
                  size="small"
                  icon={<DeleteRegular />}
                  aria-label={`Remove the mark ${markWord(m.mark)} of ${m.name}`}
                  onClick={() => onRemove(m)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Form() {
  const styles = useStyles();
  const row = useFormRow();
  const add = useMarkAsset();
  const [name, setName] = useState("");
  const [mark, setMark] = useState<AssetMark>("critical");
  const [reason, setReason] = useState("");
  const first = useRef<HTMLInputElement>(null);
  return (
    <form
      className={mergeClasses(row.row, styles.form)}
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate(
          { name, mark, reason },
          {
            onSuccess: () => {
              setName("");
              setReason("");
              first.current?.focus();
            },
          },
        );
      }}
    >
      <Field
        label="Name of the asset"
        hint="As incidents show it"
        required
        validationMessage={add.error ? messageOf(add.error) : undefined}
      >
        <Input ref={first} value={name} maxLength={256} onChange={(_, d) => setName(d.value)} />
      </Field>
      <Field label="Mark" hint={marks.find((each) => each.mark === mark)?.meaning}>
        <Select value={mark} onChange={(_, d) => setMark(d.value as AssetMark)}>
          {marks.map((each) => (
            <option key={each.mark} value={each.mark}>
              {each.word}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Reason">
        <Input value={reason} maxLength={1000} onChange={(_, d) => setReason(d.value)} />
      </Field>
      <Button type="submit" icon={<AddRegular />} disabled={!name.trim() || add.isPending}>
        Mark
      </Button>
    </form>
  );
}
