import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call, query, stream } from "./client";

export interface HuntingColumn {
  name: string;
  type: string;
  description?: string;
}

export interface HuntingTable {
  name: string;
  group: string;
  description: string;
  time: string;
  columns: HuntingColumn[];
  actionTypes?: string[];
}

export interface HuntingFunction {
  name: string;
  parameters: string;
  description: string;
  kind: "builtin" | "shared" | "mine";
  text?: string;
}

export interface HuntingSchema {
  tables: HuntingTable[];
  functions: HuntingFunction[];
}

export interface Diagnostic {
  start: number;
  end: number;
  line: number;
  column: number;
  message: string;
  code?: string;
  severity: "error" | "warning";
}

export interface Render {
  chart: string;
  props?: Record<string, string>;
}

export interface Stats {
  rows: number;
  bytes: number;
  elapsedMs: number;
  cpuMs: number;
  resource: "Low" | "Medium" | "High";
  /** Says why the result is not whole. */
  partial?: string;
  tables?: string[];
  warnings?: Diagnostic[];
}

export type Cell = unknown;

export interface ResultTable {
  name: string;
  columns: HuntingColumn[];
  render?: Render;
  rows: Cell[][];
}

export interface SavedQuery {
  id: string;
  name: string;
  folder: string;
  text: string;
  shared: boolean;
  kind: "query" | "function";
  description: string;
  parameters: string;
  owner: string;
  /** It belongs to the one who is signed in. */
  mine: boolean;
  updated: string;
}

export interface HistoryItem {
  id: string;
  time: string;
  query: string;
  elapsedMs: number;
  state: "completed" | "failed" | "throttled" | "cancelled";
  resource: string;
  rows: number;
  interface: string;
  user: string;
}

export interface LinkRequest {
  query: string;
  title: string;
  severity: string;
  category: string;
  description: string;
  recommendedActions: string;
  incidentId?: string;
  rows: Record<string, Cell>[];
  entities: { role: "impacted" | "evidence"; type: string; column: string }[];
}

export function useHuntingSchema() {
  return useQuery({
    queryKey: ["hunting", "schema"],
    queryFn: ({ signal }) => call<HuntingSchema>("GET", "/api/v1/hunting/schema", { signal }),
    staleTime: 300_000,
  });
}

export function useHistory(enabled: boolean) {
  return useQuery({
    queryKey: ["hunting", "history"],
    queryFn: ({ signal }) => call<{ items: HistoryItem[] }>("GET", "/api/v1/hunting/history", { signal }),
    enabled,
    staleTime: 0,
  });
}

export function useSavedQueries() {
  return useQuery({
    queryKey: ["hunting", "queries"],
    queryFn: ({ signal }) => call<{ items: SavedQuery[] }>("GET", "/api/v1/hunting/queries", { signal }),
  });
}

export function useSaveQuery() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: Partial<SavedQuery>) =>
      id
        ? call<SavedQuery>("PATCH", `/api/v1/hunting/queries/${id}`, { body })
        : call<SavedQuery>("POST", "/api/v1/hunting/queries", { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["hunting"] }),
  });
}

export function useDeleteQuery() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call<void>("DELETE", `/api/v1/hunting/queries/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ["hunting"] }),
  });
}

export function useLink() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: LinkRequest) =>
      call<{ incidentId: string; alertIds: string[] }>("POST", "/api/v1/hunting/link", { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["incidents"] }),
  });
}

export interface Prepared {
  name: string;
  text: string;
}

export function usePrepared(type: string, value: string, from?: string, to?: string, enabled = true) {
  return useQuery({
    queryKey: ["hunting", "prepared", type, value, from, to],
    queryFn: ({ signal }) =>
      call<{ queries: Prepared[] }>("GET", `/api/v1/hunting/prepared${query({ type, value, from, to })}`, { signal }),
    enabled: enabled && value !== "",
  });
}

export const check = (text: string, signal: AbortSignal) =>
  call<{ diagnostics: Diagnostic[]; columns?: HuntingColumn[] }>("POST", "/api/v1/hunting/check", {
    body: { query: text },
    signal,
  });

interface RunBody {
  query: string;
  from?: string;
  to?: string;
}

export interface RunEvents {
  table(table: Omit<ResultTable, "rows">): void;
  rows(rows: Cell[][]): void;
  stats(stats: Stats): void;
}

/** Runs a query; its rows come as they are read. Aborting the signal ends it on the server too. */
export async function run(body: RunBody, signal: AbortSignal, on: RunEvents) {
  await stream("/api/v1/hunting/run", body, signal, (item) => {
    const line = item as {
      table?: Omit<ResultTable, "rows">;
      rows?: Cell[][];
      stats?: Stats;
      error?: { code: string; message: string } & Record<string, unknown>;
    };
    if (line.table) on.table(line.table);
    else if (line.rows) on.rows(line.rows);
    else if (line.stats) on.stats(line.stats);
    else if (line.error) throw new ApiError(200, line.error.code, line.error.message, undefined, line.error);
  });
}

/** The diagnostics that a failed run or check came with. */
export function diagnosticsOf(error: unknown): Diagnostic[] {
  const list = error instanceof ApiError ? error.details?.diagnostics : undefined;
  return Array.isArray(list) ? (list as Diagnostic[]) : [];
}
