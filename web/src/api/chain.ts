import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, query } from "./client";
import type { Feedback } from "./rearrange";
import type { Incident, Page, Severity } from "./types";

export interface ChainAlert {
  id: string;
  title: string;
  severity: Severity;
  category?: string;
  firstActivityDateTime: string;
}

export interface ChainLink {
  from: ChainAlert;
  to: ChainAlert;
  signal?: string;
  reasons: string[];
  sentence: string;
  /** What the evidence weighs; the answer's joinWeight is what joins by itself. */
  weight: number;
  strength: number;
  entities: { type: string; name: string; key: string; signal?: string; weight?: number }[];
  /** Nothing else holds its two sides together. */
  alone: boolean;
}

export interface ChainStep {
  alert: ChainAlert;
  came: "opened" | "linked" | "merged" | "moved" | "byHand";
  fromIncidentId?: number;
  by?: { kind: string; name: string };
  held?: ChainLink;
  also?: ChainLink[];
  part: number;
}

export interface ChainSide {
  count: number;
  alerts: ChainAlert[];
}

export interface Chain {
  incidentId: string;
  version: number;
  alerts: number;
  links: number;
  parts: number;
  unlinked: number;
  joinWeight: number;
  weakest?: { link: ChainLink; stay: ChainSide; go: ChainSide; also?: ChainLink[] };
  value: ChainStep[];
  path?: ChainStep[];
  next?: number;
}

const pageSize = 100;

const path = (id: string) => `/api/v1/incidents/${encodeURIComponent(id)}`;

/** Why the alerts of an incident are together, page by page. */
export function useChain(id: string) {
  return useInfiniteQuery({
    queryKey: ["chain", id],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      call<Chain>("GET", `${path(id)}/chain${query({ skip: pageParam, top: pageSize })}`, { signal }),
    getNextPageParam: (last) => last.next,
  });
}

/** The way from an incident's first alert to this one. */
export function useWayTo(id: string, alert: string) {
  return useQuery({
    queryKey: ["chain", id, alert],
    queryFn: ({ signal }) => call<Chain>("GET", `${path(id)}/chain${query({ alert })}`, { signal }),
    enabled: alert !== "",
  });
}

export interface SplitPlan {
  version: number;
  cut: ChainLink[];
  cutCount: number;
  stay: ChainSide;
  go: ChainSide;
  newName: string;
}

/** What cutting a link would do. */
export function useSplitPlan(id: string, link: { from: ChainAlert; to: ChainAlert }) {
  return useQuery({
    queryKey: ["chain", id, "plan", link.from.id, link.to.id],
    queryFn: ({ signal }) =>
      call<SplitPlan>("POST", `${path(id)}/split`, {
        body: { preview: true, fromAlertId: link.from.id, toAlertId: link.to.id },
        signal,
      }),
    staleTime: 0,
    retry: false,
  });
}

export function useSplit(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { fromAlertId: string; toAlertId: string; version: number; comment: string } & Feedback) =>
      call<{ targetIncidentId: string; tocsin: { rearrangements: number[] } }>("POST", `${path(id)}/split`, { body }),
    onSettled: () =>
      Promise.all(
        ["incident", "incidents", "activities", "rearrangements", "chain"].map((key) =>
          client.invalidateQueries({ queryKey: [key] }),
        ),
      ),
  });
}

type Named = Pick<Incident, "id" | "displayName">;

/** Open incidents whose name, number or entities contain a text, for picking one; the one of this number comes first. */
export function useIncidentSearch(text: string) {
  return useQuery({
    queryKey: ["incidents", "search", text],
    queryFn: async ({ signal }) => {
      const open = "status ne 'resolved' and status ne 'redirected'";
      const find = async (filter: string, $search?: string) =>
        (
          await call<Page<Named>>(
            "GET",
            `/v1.0/security/incidents${query({ $search, $filter: filter, $top: 12, $select: "id,displayName" })}`,
            { signal },
          )
        ).value ?? [];
      const wanted = text.trim();
      const [exact, found] = await Promise.all([
        /^\d{1,15}$/.test(wanted) ? find(`id eq '${wanted}' and ${open}`) : [],
        find(open, wanted),
      ]);
      return [...exact, ...found.filter(({ id }) => exact.every((one) => one.id !== id))];
    },
    staleTime: 10_000,
    placeholderData: keepPreviousData,
  });
}
