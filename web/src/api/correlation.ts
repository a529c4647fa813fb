import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "./client";

/** A value on which alerts are never joined. */
export interface Exclusion {
  id: string;
  type: string;
  value: string;
  detectorId?: string;
  deviceGroup?: string;
  tactic?: string;
  reason: string;
  createdBy: string;
  created: string;
  expires?: string;
}

/** A value on which people have cut incidents apart again and again. */
export interface ExclusionSuggestion {
  type: string;
  value: string;
  cuts: number;
  incidents: number[];
  last: string;
}

export type Choice = "default" | "enabled" | "disabled";
export type GroupingMode = "alert" | "entities" | "rule" | "chosen";

export interface Grouping {
  mode: GroupingMode;
  entities?: string[];
  details?: string[];
  minutes?: number;
  reopen?: boolean;
}

export interface RuleCorrelation {
  detectorId: string;
  correlation: Choice;
  grouping: Grouping;
}

export interface Rule {
  id: string;
  title: string;
  level: string;
  enabled: boolean;
}

interface Correlation {
  default: "enabled" | "disabled";
  rules: RuleCorrelation[];
}

export function useExclusions() {
  return useQuery({
    queryKey: ["exclusions"],
    queryFn: ({ signal }) =>
      call<{ value: Exclusion[]; suggestions: ExclusionSuggestion[] }>("GET", "/api/v1/correlation/exclusions", {
        signal,
      }),
  });
}

export function useCorrelation() {
  return useQuery({
    queryKey: ["correlation"],
    queryFn: ({ signal }) => call<Correlation>("GET", "/api/v1/correlation", { signal }),
  });
}

export function useRules() {
  return useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => call<{ value: Rule[] }>("GET", "/api/v1/rules", { signal }),
    select: (page) => page.value ?? [],
  });
}

function useAgain(key: string) {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: [key] });
}

export function useAddExclusion() {
  const again = useAgain("exclusions");
  return useMutation({
    mutationFn: (body: { type: string; value: string; detectorId?: string; reason: string; expires?: string }) =>
      call<Exclusion>("POST", "/api/v1/correlation/exclusions", { body }),
    onSettled: again,
  });
}

export function useRemoveExclusion() {
  const again = useAgain("exclusions");
  return useMutation({
    mutationFn: (id: string) => call("DELETE", `/api/v1/correlation/exclusions/${encodeURIComponent(id)}`),
    onSettled: again,
  });
}

export function useSetDefault() {
  const again = useAgain("correlation");
  return useMutation({
    mutationFn: (choice: "enabled" | "disabled") => call("PATCH", "/api/v1/correlation", { body: { default: choice } }),
    onSettled: again,
  });
}

export function useSetRule() {
  const again = useAgain("correlation");
  return useMutation({
    // What was read says also who set it and when; that is not for us to say.
    mutationFn: ({ detectorId, correlation, grouping }: RuleCorrelation) =>
      call<RuleCorrelation>("PUT", "/api/v1/correlation/rules", { body: { detectorId, correlation, grouping } }),
    onSettled: again,
  });
}
