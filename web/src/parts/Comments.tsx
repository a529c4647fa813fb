import {
  Avatar,
  Button,
  Field,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import type { GraphComment } from "../api/types";
import { Markdown } from "./Markdown";
import { messageOf } from "./states";
import { useSurface } from "./surface";
import { Untrusted } from "./Untrusted";
import { When } from "./When";

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px", padding: "16px" },
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px" },
  comment: { display: "grid", gridTemplateColumns: "32px minmax(0, 1fr)", gap: "4px 12px", padding: "14px 16px" },
  head: { display: "flex", flexWrap: "wrap", alignItems: "baseline", gap: "2px 10px" },
  who: { fontWeight: tokens.fontWeightSemibold },
  text: { gridColumn: 2, lineHeight: tokens.lineHeightBase300 },
});

const longest = 30_000;

/** What people said about an incident or an alert, oldest first. */
export function CommentList({ comments }: { comments: GraphComment[] }) {
  const styles = useStyles();
  const surface = useSurface();
  return comments.map((comment) => (
    <article
      key={comment.createdDateTime + comment.createdByDisplayName}
      className={mergeClasses(surface.card, styles.comment)}
    >
      <Avatar size={32} name={comment.createdByDisplayName} color="colorful" aria-hidden="true" />
      <div className={styles.head}>
        <span className={styles.who}>
          <Untrusted text={comment.createdByDisplayName} />
        </span>
        <span className={surface.muted}>
          <When at={comment.createdDateTime} />
        </span>
      </div>
      <div className={styles.text}>
        <Markdown text={comment.comment} />
      </div>
    </article>
  ));
}

interface FormProps {
  label: string;
  /** Posts a comment; what useMutation gives. */
  add: {
    mutate: (text: string, options: { onSuccess: () => void }) => void;
    isPending: boolean;
    isError: boolean;
    error: Error | null;
  };
}

/** Writes a comment in Markdown, with a preview. */
export function CommentForm({ label, add }: FormProps) {
  const styles = useStyles();
  const surface = useSurface();
  const [text, setText] = useState("");
  const [preview, setPreview] = useState(false);
  // As the server counts: characters without the blanks at the ends.
  const tooLong = [...text.trim()].length > longest;
  const clear = () => {
    setText("");
    setPreview(false);
  };
  const send = () => {
    if (text.trim() && !tooLong && !add.isPending) add.mutate(text, { onSuccess: clear });
  };
  return (
    <form
      className={mergeClasses(surface.card, styles.form)}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Field
        label={label}
        hint="Markdown: **bold**, lists, [links](https://…), `code`, pictures. It becomes part of the history and cannot be taken back."
        validationMessage={tooLong ? `At most ${longest.toLocaleString()} characters` : undefined}
      >
        <Textarea
          rows={4}
          resize="vertical"
          value={text}
          onChange={(_, data) => setText(data.value)}
          onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send()}
        />
      </Field>
      {preview && text.trim() && (
        <section className={mergeClasses(surface.card, styles.form)} aria-label="Preview">
          <Markdown text={text.trim()} />
        </section>
      )}
      {add.isError && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(add.error)}</MessageBarBody>
        </MessageBar>
      )}
      <div className={styles.buttons}>
        <Button appearance="primary" type="submit" disabled={!text.trim() || tooLong} disabledFocusable={add.isPending}>
          Post comment
        </Button>
        <Button aria-pressed={preview} disabled={!text.trim()} onClick={() => setPreview(!preview)}>
          {preview ? "Hide preview" : "Preview"}
        </Button>
      </div>
    </form>
  );
}
