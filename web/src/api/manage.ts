import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call, query } from "./client";
import type { ActorKind } from "./types";

export type Noun = "incident" | "alert";

export interface BulkChange {
  status?: string;
  severity?: string;
  /** "" for nobody. */
  assignedTo?: string;
  classification?: string;
  determination?: string;
  resolvingComment?: string;
  addTags?: string[];
  removeTags?: string[];
  comment?: string;
}

/** One change that was asked of many incidents or alerts. */
export interface Bulk {
  id: number;
  noun: Noun;
  state: "running" | "done" | "cancelled";
  undoOf?: number;
  undoneBy?: number;
  total: number;
  done: number;
  changed: number;
  unchanged: number;
  refused: number;
  createdDateTime: string;
  finishedDateTime?: string;
  canUndo: boolean;
}

export interface BulkItem {
  position: number;
  id: string;
  state: "changed" | "unchanged" | "refused";
  reason?: string;
}

/** Which things: those with these ids, or all that match a filter and a search. */
export type Choice = { ids: string[] } | { filter: string; search: string };

function useBulkAgain() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["bulk"] });
}

export function useAskBulk(noun: Noun) {
  const again = useBulkAgain();
  return useMutation({
    mutationFn: ({ choice, change }: { choice: Choice; change: BulkChange }) => {
      const which = "ids" in choice || choice.filter || choice.search ? choice : { ...choice, all: true };
      return call<Bulk>("POST", `/api/v1/${noun}s/bulk`, { body: { ...which, change } });
    },
    onSuccess: again,
  });
}

/** One's own bulk changes, newest first; asked again every second while one is running. */
export function useBulks(enabled: boolean) {
  return useQuery({
    queryKey: ["bulk"],
    queryFn: ({ signal }) => call<{ value: Bulk[] }>("GET", "/api/v1/bulk", { signal }),
    select: (page) => page.value ?? [],
    enabled,
    refetchInterval: (asked) => (asked.state.data?.value?.some(({ state }) => state === "running") ? 1000 : false),
  });
}

export function useBulkItems(id: number, state: string, enabled: boolean) {
  return useQuery({
    queryKey: ["bulk", id, "items", state],
    queryFn: ({ signal }) =>
      call<{ value: BulkItem[] }>("GET", `/api/v1/bulk/${id}/items${query({ state, top: 200 })}`, { signal }),
    select: (page) => page.value ?? [],
    enabled,
  });
}

export function useBulkAction(action: "cancel" | "undo") {
  const again = useBulkAgain();
  return useMutation({
    mutationFn: (id: number) => call<Bulk>("POST", `/api/v1/bulk/${id}/${action}`),
    onSettled: again,
  });
}

/** A group of people that incidents can be assigned to; owner is what stands in assignedTo. */
export interface OwnerGroup {
  id: string;
  owner: string;
  name: string;
  description?: string;
  members: string[];
}

export function useGroups() {
  return useQuery({
    queryKey: ["groups"],
    queryFn: ({ signal }) => call<{ value: OwnerGroup[] }>("GET", "/api/v1/groups", { signal }),
    select: (page) => page.value ?? [],
    staleTime: 60_000,
  });
}

export interface Task {
  id: number;
  version: number;
  title: string;
  description: string;
  status: "new" | "inProgress" | "onHold" | "closed";
  priority: "low" | "medium" | "high";
  category: string;
  assignedTo: string;
  dueDateTime?: string | null;
  closingNotes: string;
  createdBy: { kind: ActorKind; name: string };
  createdDateTime: string;
  closedDateTime?: string;
}

export type TaskPatch = Partial<
  Pick<
    Task,
    | "title"
    | "description"
    | "status"
    | "priority"
    | "category"
    | "assignedTo"
    | "dueDateTime"
    | "closingNotes"
    | "version"
  >
>;

export interface TaskTemplate {
  id: number;
  name: string;
  tasks: { title: string }[];
}

const tasksOf = (incident: string) => `/api/v1/incidents/${encodeURIComponent(incident)}/tasks`;

export function useTasks(incident: string) {
  return useQuery({
    queryKey: ["incident", incident, "tasks"],
    queryFn: ({ signal }) => call<{ value: Task[] }>("GET", tasksOf(incident), { signal }),
    select: (page) => page.value ?? [],
  });
}

export function useTaskTemplates() {
  return useQuery({
    queryKey: ["taskTemplates"],
    queryFn: ({ signal }) => call<{ value: TaskTemplate[] }>("GET", "/api/v1/tasktemplates", { signal }),
    select: (page) => page.value ?? [],
  });
}

/** Adds, changes, deletes a task, or puts a template's tasks on the incident. */
export function useTaskAction(incident: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (
      act: { add: TaskPatch } | { change: number; patch: TaskPatch } | { remove: number } | { template: number },
    ): Promise<unknown> => {
      const base = tasksOf(incident);
      if ("add" in act) return call("POST", base, { body: act.add });
      if ("change" in act) return call("PATCH", `${base}/${act.change}`, { body: act.patch });
      if ("remove" in act) return call("DELETE", `${base}/${act.remove}`);
      return call("POST", `${base}/template`, { body: { templateId: act.template } });
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["incident", incident] }),
        client.invalidateQueries({ queryKey: ["activities", incident] }),
      ]),
  });
}

export interface SimilarAlerts {
  value: {
    id: string;
    incidentId: number;
    title: string;
    severity: string;
    status: string;
    classification: string;
    createdDateTime: string;
  }[];
  more: boolean;
  verdicts: { classification: string; determination: string; count: number }[];
}

export function useSimilarAlerts(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["alerts", "similar", id],
    queryFn: ({ signal }) => call<SimilarAlerts>("GET", `/api/v1/alerts/${encodeURIComponent(id)}/similar`, { signal }),
    enabled,
  });
}

export interface NamedEntity {
  /** A kind of parts/entityTypes. */
  type: string;
  name: string;
}

/** An alert that a person makes by hand. */
export interface ManualAlert {
  title: string;
  severity: string;
  category: string;
  description: string;
  recommendedActions?: string;
  mitreTechniques: string[];
  assets: NamedEntity[];
  evidence: NamedEntity[];
  /** The open incident that it belongs to; a new one when absent. */
  incidentId?: string;
  correlate: boolean;
}

export function useCreateAlert() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ManualAlert) =>
      call<{ incidentId: string; alertId: string }>("POST", "/api/v1/alerts/manual", { body }),
    onSuccess: () =>
      Promise.all(
        ["incidents", "incident", "alerts", "activities"].map((key) => client.invalidateQueries({ queryKey: [key] })),
      ),
  });
}

export interface Present {
  userName: string;
  displayName: string;
  editing: boolean;
  /** Another window of one's own. */
  self: boolean;
}

const thisWindow = Math.random().toString(36).slice(2);
const sign = 10_000;

/** Says every ten seconds that one looks at an incident, and tells who else does. */
export function usePresence(incident: string, editing: boolean): Present[] {
  const [others, setOthers] = useState<Present[]>([]);
  useEffect(() => {
    const path = `/api/v1/incidents/${encodeURIComponent(incident)}/presence`;
    let gone = false;
    const tell = async () => {
      if (document.visibilityState === "hidden") return;
      try {
        const { value } = await call<{ value: Present[] }>("PUT", path, { body: { client: thisWindow, editing } });
        if (!gone) setOthers(value);
      } catch {
        // Not knowing who else is there hinders nobody's work.
        if (!gone) setOthers([]);
      }
    };
    void tell();
    const timer = setInterval(() => void tell(), sign);
    return () => {
      gone = true;
      clearInterval(timer);
      void call("DELETE", `${path}?client=${thisWindow}`).catch(() => {});
    };
  }, [incident, editing]);
  return others;
}
