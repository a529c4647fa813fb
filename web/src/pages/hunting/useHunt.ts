import { useCallback, useRef, useState } from "react";
import { type Diagnostic, diagnosticsOf, type ResultTable, run, type Stats } from "../../api/hunting";

export interface Hunt {
  state: "idle" | "running" | "done" | "failed" | "cancelled";
  /** The text that ran, and where it starts in the tab's text. */
  query: string;
  base: number;
  started: number;
  tables: ResultTable[];
  /** Rises with each batch: tables keep their identity while rows come in. */
  version: number;
  stats?: Stats;
  error?: unknown;
  diagnostics: Diagnostic[];
}

const idle: Hunt = { state: "idle", query: "", base: 0, started: 0, tables: [], version: 0, diagnostics: [] };

/** One query at a time and what has come of it. */
export function useHunt(onEnd: () => void) {
  const [hunt, setHunt] = useState<Hunt>(idle);
  const abort = useRef<AbortController>(undefined);
  const start = useCallback(
    async (query: string, base: number, from?: string, to?: string) => {
      abort.current?.abort();
      const control = new AbortController();
      abort.current = control;
      const tables: ResultTable[] = [];
      const current: Hunt = { ...idle, state: "running", query, base, started: Date.now(), tables };
      setHunt(current);
      const update = (change: Partial<Hunt>) => {
        if (abort.current === control) setHunt((before) => ({ ...before, ...change, version: before.version + 1 }));
      };
      // Batches come faster than a screen redraws.
      let waiting = false;
      const soon = () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          update({});
        });
      };
      try {
        await run({ query, from, to }, control.signal, {
          table(table) {
            tables.push({ ...table, rows: [] });
            soon();
          },
          rows(rows) {
            const last = tables.at(-1);
            if (last) for (const row of rows) last.rows.push(row);
            soon();
          },
          stats: (stats) => update({ stats }),
        });
        update({ state: "done" });
      } catch (error) {
        if (control.signal.aborted) update({ state: "cancelled" });
        else update({ state: "failed", error, diagnostics: diagnosticsOf(error) });
      } finally {
        if (abort.current === control) onEnd();
      }
    },
    [onEnd],
  );
  const cancel = useCallback(() => abort.current?.abort(), []);
  return { hunt, start, cancel };
}
