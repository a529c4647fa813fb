import { useAddAlertComment, useAlert } from "../../api/incidents";
import { useCan } from "../../api/session";
import type { Alert } from "../../api/types";
import { CommentForm, CommentList } from "../../parts/Comments";
import { ErrorState, LoadingLines } from "../../parts/states";
import { useSurface } from "../../parts/surface";

/** What people said about one alert, and a form to say more. */
export function AlertComments({ alert }: { alert: Alert }) {
  const surface = useSurface();
  const mayWrite = useCan("alert.write");
  // The list of an incident's alerts is without their comments.
  const { data, isPending, error, refetch } = useAlert(alert.id, false);
  const add = useAddAlertComment(alert);
  const comments = data?.comments ?? [];
  if (!mayWrite && !isPending && !error && comments.length === 0) return null;
  return (
    <section className={surface.section}>
      <h3 className={surface.heading}>Comments on this alert</h3>
      {isPending ? (
        <LoadingLines rows={2} label="Loading the comments" />
      ) : error ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <CommentList comments={comments} />
      )}
      {mayWrite && <CommentForm label="Comment on this alert" add={add} />}
    </section>
  );
}
