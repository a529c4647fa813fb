import { Button, MessageBar, MessageBarActions, MessageBarBody, Spinner } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import { exportList, type Noun } from "../api/kept";
import { ArrowDownloadRegular, CheckmarkRegular, DismissRegular, LinkRegular } from "./icons";
import { messageOf } from "./states";
import { count } from "./words";

/** Copies the address of the list with its filters, without what is open beside it. */
export function CopyLink({ path, query }: { path: string; query: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <Button
      appearance="subtle"
      icon={copied ? <CheckmarkRegular /> : <LinkRegular />}
      onClick={() => {
        void navigator.clipboard?.writeText(`${location.origin}${path}${query ? `?${query}` : ""}`).then(() => {
          setCopied(true);
          setTimeout(() => setCopied(false), 2000);
        });
      }}
    >
      {copied ? "Copied" : "Copy link"}
    </Button>
  );
}

interface ExportProps {
  noun: Noun;
  query: { filter: string; search: string; orderBy: string };
  columns: string[];
  onDone: (message: { intent: "success" | "warning" | "error"; text: string }) => void;
}

/** Saves what the list shows as CSV. */
export function ExportButton({ noun, query, columns, onDone }: ExportProps) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      const { total, rows } = await exportList(noun, query, columns);
      onDone(
        rows < total
          ? {
              intent: "warning",
              text: `The file has the first ${count(rows, noun)} of ${total.toLocaleString()}. Narrow the filters to export the others.`,
            }
          : { intent: "success", text: `Exported ${count(rows, noun)}.` },
      );
    } catch (error) {
      onDone({ intent: "error", text: messageOf(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button
      appearance="subtle"
      icon={busy ? <Spinner size="tiny" /> : <ArrowDownloadRegular />}
      disabledFocusable={busy}
      onClick={() => void run()}
    >
      Export
    </Button>
  );
}

interface NoticeProps {
  notice?: { intent: "success" | "warning" | "error"; text: string };
  onClose: () => void;
}

export function Notice({ notice, onClose }: NoticeProps) {
  if (!notice) return null;
  return (
    <MessageBar intent={notice.intent} layout="multiline">
      <MessageBarBody>{notice.text}</MessageBarBody>
      <MessageBarActions
        containerAction={
          <Button appearance="transparent" icon={<DismissRegular />} aria-label="Close" onClick={onClose} />
        }
      />
    </MessageBar>
  );
}

interface Paged {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

/** Fetches the next page when it comes into sight; the button is for those who do not scroll. */
export function More({ queue }: { queue: Paged }) {
  const mark = useRef<HTMLDivElement>(null);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = queue;
  useEffect(() => {
    const element = mark.current;
    if (!element || !hasNextPage || isFetchingNextPage) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void fetchNextPage(), {
      rootMargin: "300px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (!hasNextPage) return null;
  return (
    <div ref={mark} style={{ padding: "12px 16px", textAlign: "center" }}>
      {isFetchingNextPage ? (
        <Spinner size="tiny" label="Loading more" />
      ) : (
        <Button appearance="subtle" onClick={() => void fetchNextPage()}>
          Load more
        </Button>
      )}
    </div>
  );
}
