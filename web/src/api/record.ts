// The record of changes: the log of one incident, and all of it.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { call } from "./client";
import type { Activity, ActivityPage, RecordVerification } from "./types";

const pageSize = 100;

/** The filters of the record as the server takes them, in an order that does not change. */
export type RecordFilter = [name: string, value: string][];

function address(path: string, filter: RecordFilter, before: number, more: Record<string, string> = {}): string {
  const params = new URLSearchParams(filter);
  params.set("order", "desc");
  params.set("top", String(pageSize));
  if (before > 0) params.set("before", String(before));
  for (const [name, value] of Object.entries(more)) params.set(name, value);
  return `${path}?${params}`;
}

/** The incident's history, newest first. */
export function useActivities(id: string, filter: RecordFilter) {
  const path = `/api/v1/incidents/${encodeURIComponent(id)}/activities`;
  return useInfiniteQuery({
    queryKey: ["activities", id, filter],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      call<ActivityPage>("GET", address(path, filter, pageParam, pageParam ? {} : { values: "true" }), { signal }),
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
}

/** The whole record, newest first. */
export function useAudit(filter: RecordFilter) {
  return useInfiniteQuery({
    queryKey: ["audit", filter],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      call<{ value: Activity[]; next: number }>("GET", address("/api/v1/audit", filter, pageParam), { signal }),
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
}

/** Checks the chain when it is asked to. */
export function useVerification() {
  return useQuery({
    queryKey: ["verification"],
    queryFn: ({ signal }) => call<RecordVerification>("GET", "/api/v1/audit/verification", { signal }),
    enabled: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Where the record is downloaded from. */
export function exportAddress(filter: RecordFilter): string {
  return `/api/v1/audit/export${filter.length > 0 ? `?${new URLSearchParams(filter)}` : ""}`;
}
