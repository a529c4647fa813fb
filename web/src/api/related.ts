import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "./client";
import type { ActorKind, IncidentStatus, Severity } from "./types";

/** An incident that has to do with another one and stays apart. */
export interface RelatedIncident {
  id: string;
  displayName: string;
  status: IncidentStatus;
  severity: Severity;
  assignedTo?: string;
  lastUpdateDateTime: string;
  basis: "people" | "forbidden" | "weak";
  reason: string;
  by: { kind: ActorKind; name: string };
  at: string;
  sentence?: string;
  weight?: number;
  alertId?: string;
}

const path = (id: string) => `/api/v1/incidents/${encodeURIComponent(id)}/related`;

export function useRelated(id: string) {
  return useQuery({
    queryKey: ["related", id],
    queryFn: ({ signal }) => call<{ value: RelatedIncident[] }>("GET", path(id), { signal }),
    select: (page) => page.value ?? [],
  });
}

function useAgain() {
  const client = useQueryClient();
  return () =>
    Promise.all(["related", "incident", "activities"].map((key) => client.invalidateQueries({ queryKey: [key] })));
}

export function useRelate(id: string) {
  return useMutation({
    mutationFn: (body: { incidentId: string; reason: string }) => call("POST", path(id), { body }),
    onSettled: useAgain(),
  });
}

export function useUnrelate(id: string) {
  return useMutation({
    mutationFn: (other: string) => call("DELETE", `${path(id)}/${encodeURIComponent(other)}`),
    onSettled: useAgain(),
  });
}
