import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
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

/** The incident without its alerts: what a pane or a header needs. */
export function useIncidentHead(id: string) {
  return useQuery({
    queryKey: ["incident", id],
    queryFn: ({ signal }) => readIncident(id, signal),
    placeholderData: (previous) => (previous?.id === id ? previous : undefined),
  });
}

// The first page is on the screen at once; the rest of a large incident comes behind it in larger ones.
const firstAlerts = 100;
const furtherAlerts = 1000;

/** The alerts of an incident in order of happening, a page at a time. */
export function useIncidentAlerts(id: string) {
  return useInfiniteQuery({
    queryKey: ["incident", id, "alerts"],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      call<Page<Alert>>(
        "GET",
        alerts +
          query({
            $filter: `incidentId eq '${id.replaceAll("'", "''")}'`,
            $orderby: "firstActivityDateTime asc",
            $skip: pageParam,
            $top: pageParam === 0 ? firstAlerts : furtherAlerts,
          }),
        { signal },
      ),
    getNextPageParam: (last, _, skipped) => (last["@odata.nextLink"] ? skipped + last.value.length : undefined),
    enabled: /^\d+$/.test(id),
  });
}

/** The incident with its alerts as far as they are there; the rest is read on. */
export function useIncident(id: string) {
  const head = useIncidentHead(id);
  const pages = useIncidentAlerts(id);
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = pages;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  const data = useMemo(
    () => head.data && pages.data && { ...head.data, alerts: pages.data.pages.flatMap((page) => page.value) },
    [head.data, pages.data],
  );
  return {
    data,
    head: head.data,
    reading: Boolean(hasNextPage) && !isError,
    error: head.error ?? pages.error,
    isPending: head.isPending || (pages.isPending && !head.error),
    refetch: () => Promise.all([head.refetch(), pages.refetch()]),
  };
}

export function readIncident(id: string, signal?: AbortSignal) {
  return call<Incident>("GET", `${incidents}/${encodeURIComponent(id)}`, { signal });
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

export function useAddAlertComment(alert: Alert) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (comment: string) =>
      call<{ value: GraphComment[] }>("POST", `${alerts}/${encodeURIComponent(alert.id)}/comments`, {
        body: { "@odata.type": "microsoft.graph.security.alertComment", comment },
      }),
    onSuccess: () => refreshIncident(client, alert.incidentId),
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
