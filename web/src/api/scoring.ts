import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, query } from "./client";

export type AssetMark = "critical" | "privileged" | "honeytoken" | "vip";

/** How many points each reason for urgency gives at most; all are 0 to 100. */
export interface Scoring {
  severity: Record<string, number>;
  progress: number;
  tactics: number;
  sources: number;
  alerts: number;
  spread: number;
  threat: number;
  duration: number;
  waiting: number;
  marks: Record<string, number>;
  tags: Record<string, number>;
  marksMost: number;
  high: number;
  low: number;
}

export interface ScoringPreview {
  incidents: number;
  changed: number;
  red: [number, number];
  most: { id: number; displayName: string; before: number; after: number }[];
}

export interface MarkedAsset {
  name: string;
  mark: AssetMark;
  reason: string;
  by: string;
  at: string;
}

const path = "/api/v1/scoring";
const marksPath = "/api/v1/assets/marks";

const reading = {
  queryKey: ["scoring"],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    call<{ scoring: Scoring; defaults: Scoring }>("GET", path, { signal }),
};

export function useScoring() {
  return useQuery(reading);
}

/** From where on a score is orange, and above what it is red. */
export function useScoreBands(): { high: number; low: number } {
  // Every badge asks. Who is limited to device groups gets no answer and need not ask again with each badge.
  const { data } = useQuery({ ...reading, staleTime: 60_000, retry: false, retryOnMount: false });
  // Until the bands are known they are those that nobody changed.
  return data?.scoring ?? { high: 85, low: 15 };
}

/** Saves points; undefined goes back to the program's own. */
export function useSaveScoring() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (scoring: Scoring | undefined) =>
      scoring ? call("PUT", path, { body: scoring }) : call("DELETE", path),
    onSettled: () => client.invalidateQueries({ queryKey: ["scoring"] }),
  });
}

export function usePreviewScoring() {
  return useMutation({
    mutationFn: (scoring: Scoring) => call<ScoringPreview>("POST", `${path}/preview`, { body: scoring }),
  });
}

export function useAssetMarks() {
  return useQuery({
    queryKey: ["assetMarks"],
    queryFn: ({ signal }) => call<{ value: MarkedAsset[] }>("GET", marksPath, { signal }),
    select: (page) => page.value,
  });
}

export function useMarkAsset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; mark: AssetMark; reason: string }) => call("POST", marksPath, { body }),
    onSettled: () => client.invalidateQueries({ queryKey: ["assetMarks"] }),
  });
}

export function useUnmarkAsset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, mark }: { name: string; mark: AssetMark }) =>
      call("DELETE", marksPath + query({ name, mark })),
    onSettled: () => client.invalidateQueries({ queryKey: ["assetMarks"] }),
  });
}
