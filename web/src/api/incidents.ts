import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, localPath, query } from "./client";
import type {
  Alert,
  AlertPatch,
  GraphComment,
  Incident,
  IncidentPatch,
  Page,
  Person,
  QueueSummary,
  RowRef,
} from "./types";

const incidents = "/v1.0/security/incidents";
const alerts = "/v1.0/security/alerts_v2";
const pageSize = 50;

export interface QueueQuery {
  filter: string;
  search: string;
  orderBy: string;
}

/** The queue, page by page. The server's nextLink is followed as it stands, as Graph asks. */
export function useQueue(q: QueueQuery) {
  return useInfiniteQuery({
    queryKey: ["incidents", q],
    initialPageParam:
      incidents + query({ $filter: q.filter, $search: q.search, $orderby: q.orderBy, $top: pageSize, $count: true }),
    queryFn: ({ pageParam, signal }) => call<Page<Incident>>("GET", pageParam, { signal }),
    getNextPageParam: (last) => (last["@odata.nextLink"] ? localPath(last["@odata.nextLink"]) : undefined),
    placeholderData: keepPreviousData,
  });
}

/** The alerts queue, page by page. */
export function useAlertQueue(q: QueueQuery) {
  return useInfiniteQuery({
    queryKey: ["alerts", q],
    initialPageParam:
      alerts + query({ $filter: q.filter, $search: q.search, $orderby: q.orderBy, $top: pageSize, $count: true }),
    queryFn: ({ pageParam, signal }) => call<Page<Alert>>("GET", pageParam, { signal }),
    getNextPageParam: (last) => (last["@odata.nextLink"] ? localPath(last["@odata.nextLink"]) : undefined),
    placeholderData: keepPreviousData,
  });
}

export function useAlert(id: string, known: boolean) {
  return useQuery({
    queryKey: ["alert", id],
    queryFn: ({ signal }) => call<Alert>("GET", `${alerts}/${encodeURIComponent(id)}`, { signal }),
    enabled: !known,
  });
}

export function useIncident(id: string) {
  return useQuery({
    queryKey: ["incident", id],
    queryFn: ({ signal }) => readIncident(id, signal),
    placeholderData: (previous) => (previous?.id === id ? previous : undefined),
  });
}

export function readIncident(id: string, signal?: AbortSignal) {
  return call<Incident>("GET", `${incidents}/${encodeURIComponent(id)}?$expand=alerts`, { signal });
}

export function useUpdateIncident(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ patch, version }: { patch: IncidentPatch; version?: number }) =>
      call<Incident>("PATCH", `${incidents}/${encodeURIComponent(id)}`, { body: patch, ifMatch: version }),
    onSettled: () => refreshIncident(client, id),
  });
}

/** Changes whichever incident is named: for lists, where the current one changes. */
export function useUpdateAny() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, patch, version }: { id: string; patch: IncidentPatch; version?: number }) =>
      call<Incident>("PATCH", `${incidents}/${encodeURIComponent(id)}`, { body: patch, ifMatch: version }),
    onSettled: (_, __, { id }) => refreshIncident(client, id),
  });
}

export function useAddComment(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (comment: string) =>
      call<{ value: GraphComment[] }>("POST", `${incidents}/${encodeURIComponent(id)}/comments`, {
        body: { "@odata.type": "microsoft.graph.security.alertComment", comment },
      }),
    onSuccess: () => refreshIncident(client, id),
  });
}

export function useUpdateAlert(alert: Alert) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (patch: AlertPatch) =>
      call<Alert>("PATCH", `${alerts}/${encodeURIComponent(alert.id)}`, { body: patch }),
    onSettled: () => refreshIncident(client, alert.incidentId),
  });
}

function refreshIncident(client: ReturnType<typeof useQueryClient>, id: string) {
  return Promise.all([
    client.invalidateQueries({ queryKey: ["incident", id] }),
    client.invalidateQueries({ queryKey: ["activities", id] }),
    client.invalidateQueries({ queryKey: ["incidents"] }),
    client.invalidateQueries({ queryKey: ["alerts"] }),
    client.invalidateQueries({ queryKey: ["alert"] }),
    client.invalidateQueries({ queryKey: ["tags"] }),
  ]);
}

export function useQueueSummary(enabled: boolean) {
  return useQuery({
    queryKey: ["incidents", "summary"],
    queryFn: ({ signal }) => call<QueueSummary>("GET", "/api/v1/incidents/summary", { signal }),
    enabled,
    refetchInterval: 60_000, // the hours move on even when nothing happens
  });
}

export function usePeople(text: string) {
  return useQuery({
    queryKey: ["people", text],
    queryFn: ({ signal }) => call<{ value: Person[] }>("GET", `/api/v1/users${query({ q: text })}`, { signal }),
    select: (page) => page.value ?? [],
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
}

export function useKnownTags(text = "") {
  return useQuery({
    queryKey: ["tags", text],
    queryFn: ({ signal }) => call<{ value: string[] }>("GET", `/api/v1/tags${query({ q: text })}`, { signal }),
    select: (page) => page.value ?? [],
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
}

/** The stored event behind an alert. Events never change, so one reading lasts. */
export function useEventRow(ref: RowRef, enabled: boolean) {
  return useQuery({
    queryKey: ["row", ref],
    queryFn: ({ signal }) =>
      call<{ row: Record<string, unknown> }>(
        "GET",
        `/api/v1/rows${query({ table: ref.table, ts: ref.timestamp, deviceId: ref.deviceId, reportId: ref.reportId })}`,
        { signal },
      ),
    select: (answer) => answer.row,
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
