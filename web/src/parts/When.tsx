import { useSyncExternalStore } from "react";
import { absoluteTime, dateTime, parseTime, relativeTime } from "./when";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 20_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The present, moving on every 20 seconds: one clock for the whole screen. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

interface Props {
  at: string | number | null | undefined;
  /** Show date and time instead of "3 minutes ago". */
  exact?: boolean;
}

/** A point in time with the exact moment as its tooltip. */
export function When({ at, exact }: Props) {
  const current = useNow();
  const ms = typeof at === "number" ? at : parseTime(at);
  if (ms === undefined) return <span>–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={absoluteTime(ms)}>
      {exact ? dateTime(ms) : relativeTime(ms, Math.max(current, Date.now()))}
    </time>
  );
}
