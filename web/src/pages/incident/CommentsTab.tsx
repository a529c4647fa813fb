import { makeStyles } from "@fluentui/react-components";
import { useAddComment } from "../../api/incidents";
import { useCan } from "../../api/session";
import type { Incident } from "../../api/types";
import { CommentForm, CommentList } from "../../parts/Comments";
import { CommentRegular } from "../../parts/icons";
import { EmptyState } from "../../parts/states";

const useStyles = makeStyles({
  stack: { display: "grid", gap: "12px" },
});

export function CommentsTab({ incident }: { incident: Incident }) {
  const styles = useStyles();
  const mayWrite = useCan("incident.write") && incident.status !== "redirected";
  const add = useAddComment(incident.id);
  const comments = incident.comments ?? [];
  return (
    <div className={styles.stack}>
      {comments.length === 0 && !mayWrite && <EmptyState icon={CommentRegular} title="No comments" />}
      <CommentList comments={comments} />
      {mayWrite && <CommentForm label="Add a comment" add={add} />}
    </div>
  );
}
