import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "./client";
import type { ActorKind } from "./types";

/** A merge of an incident into another, a move of alerts, or a split of an incident in two. */
export interface Rearrangement {
  id: number;
  at: string;
  kind: "merge" | "move" | "split";
  actor: { kind: ActorKind; name: string };
  fromIncidentId: number;
  toIncidentId: number;
  fromName: string;
  alerts: number;
  why?: string;
  reasons?: string[];
  undone?: string;
}

/** What a person says about why alerts had been together. */
export interface Feedback {
  wrongCorrelationReasons?: string[];
  irrelevantEntities?: { type: string; name: string; key: string }[];
}

interface Target {
  targetIncidentId: string;
  tocsin: { rearrangements: number[] };
}

/** What a change of one incident's alerts may have touched: anything in the queue. */
function useEverythingAgain() {
  const client = useQueryClient();
  return () =>
    Promise.all(
      ["incident", "incidents", "activities", "rearrangements", "chain"].map((key) =>
        client.invalidateQueries({ queryKey: [key] }),
      ),
    );
}

export function useMergeIncidents() {
  const again = useEverythingAgain();
  return useMutation({
    mutationFn: (body: { incidentIds: string[]; incidentComment: string; mergeReasons: string[] }) =>
      call<Target>("POST", "/v1.0/security/incidents/mergeIncidents", { body }),
    onSettled: again,
  });
}

export function useMoveAlerts() {
  const again = useEverythingAgain();
  return useMutation({
    mutationFn: (body: { alertIds: string[]; incidentId: string | null; alertComment: string } & Feedback) =>
      call<Target>("POST", "/v1.0/security/alerts_v2/moveAlerts", { body }),
    onSettled: again,
  });
}

export function useRearrangements(id: string) {
  return useQuery({
    queryKey: ["rearrangements", id],
    queryFn: ({ signal }) =>
      call<{ value: Rearrangement[] }>("GET", `/api/v1/incidents/${encodeURIComponent(id)}/rearrangements`, { signal }),
    select: (page) => page.value ?? [],
  });
}

export function useUndo() {
  const again = useEverythingAgain();
  return useMutation({
    mutationFn: async (ids: number[]) => {
      // The last first: what came later was built on what came before.
      for (const id of ids) await call("POST", `/api/v1/rearrangements/${id}/undo`);
    },
    onSettled: again,
  });
}
