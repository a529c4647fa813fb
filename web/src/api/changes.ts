import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Change } from "./types";

export type Liveness = "connecting" | "live" | "reconnecting";

const firstRetry = 1_000;
const longestRetry = 30_000;
/** Changes that come closer together than this are answered with one refresh: an import makes thousands a minute. */
const gather = 400;
const gatherInBurst = 2_000;

/**
 * Follows the server's change stream for as long as the caller is mounted and marks what it shows as out of date. The
 * stream only says which thing changed; reading it again goes the same way as the first time. After a break it resumes
 * behind the last change seen, so none is missed; when the server cannot resume, everything is read again.
 */
export function useChanges(enabled: boolean): Liveness {
  const client = useQueryClient();
  const [liveness, setLiveness] = useState<Liveness>("connecting");
  useEffect(() => (enabled ? follow(client, setLiveness) : undefined), [client, enabled]);
  return liveness;
}

function follow(client: QueryClient, report: (liveness: Liveness) => void): () => void {
  let source: EventSource | undefined;
  let lastSeq: string | undefined;
  let retry = firstRetry;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let brokeOff = false;
  const stale = new Gatherer(client);

  const connect = () => {
    if (stopped) return;
    source = new EventSource(lastSeq === undefined ? "/api/v1/changes" : `/api/v1/changes?after=${lastSeq}`);
    source.onopen = () => {
      retry = firstRetry;
      report("live");
      // Without a sequence to resume from, whatever happened during the break is unknown.
      if (brokeOff && lastSeq === undefined) stale.everything();
      brokeOff = false;
    };
    source.addEventListener("change", (event) => {
      const message = event as MessageEvent<string>;
      if (message.lastEventId) lastSeq = message.lastEventId;
      try {
        stale.add(JSON.parse(message.data) as Change);
      } catch {
        stale.everything();
      }
    });
    source.addEventListener("reset", (event) => {
      lastSeq = (event as MessageEvent<string>).lastEventId || undefined;
      stale.everything();
    });
    source.onerror = () => {
      brokeOff = true;
      report("reconnecting");
      // The browser reconnects by itself after a dropped connection, but gives up for good after an error answer.
      if (source?.readyState === EventSource.CLOSED) {
        source.close();
        timer = setTimeout(connect, retry * (0.75 + Math.random() / 2));
        retry = Math.min(retry * 2, longestRetry);
      }
    };
  };
  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stale.stop();
    source?.close();
  };
}

/** Query keys that one change puts out of date. Null: everything that may be on the screen. */
export function staleKeys(change: Pick<Change, "noun" | "id">): unknown[][] | null {
  switch (change.noun) {
    case "incident":
      return [["incidents"], ["incident", change.id], ["activities", change.id], ["tags"], ["alerts"]];
    case "alert":
      // The line names the alert and not its incident; only the incident that is being looked at is read again.
      return [["incidents"], ["incident"], ["activities"], ["alerts"], ["alert"]];
    case "rule":
    case "import":
    case "intake":
      return [["intake"], ["quarantine"]];
    case "filterSet":
      return [["filtersets"]];
    case "user":
      return [["people"]];
    case "bulk":
      return [["bulk"]];
    case "group":
      return [["groups"]];
    case "taskTemplate":
      return [["taskTemplates"]];
    case "session":
    case "token":
      return [];
    default:
      return null;
  }
}

class Gatherer {
  private keys = new Map<string, unknown[]>();
  private all = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastRun = 0;

  constructor(private readonly client: QueryClient) {}

  add(change: Change) {
    const keys = staleKeys(change);
    if (keys === null) this.all = true;
    else for (const key of keys) this.keys.set(JSON.stringify(key), key);
    this.schedule();
  }

  everything() {
    this.all = true;
    this.schedule();
  }

  stop() {
    clearTimeout(this.timer);
  }

  private schedule() {
    if (this.timer !== undefined) return;
    const wait = Date.now() - this.lastRun < 2 * gatherInBurst ? gatherInBurst : gather;
    this.timer = setTimeout(() => this.run(), wait);
  }

  private run() {
    this.timer = undefined;
    this.lastRun = Date.now();
    const all = this.all;
    const keys = this.keys;
    this.all = false;
    this.keys = new Map();
    if (all) {
      // The session is not a thing on the screen, and stored events never change.
      void this.client.invalidateQueries({
        predicate: ({ queryKey }) => !["session", "row"].includes(String(queryKey[0])),
      });
      return;
    }
    for (const queryKey of keys.values()) void this.client.invalidateQueries({ queryKey });
  }
}
