// Two people may change one incident at the same time. Fields that only one of them touched are no conflict; the same
// field with two different values is, and a person decides.
import { ApiError } from "../api/client";
import type { Incident, IncidentPatch } from "../api/types";

export type Field = keyof IncidentPatch;

export interface Conflict {
  field: Field;
  mine: unknown;
  theirs: unknown;
  /** Who set theirs, and when. */
  by?: { kind: string; name: string };
  at?: string;
}

export function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && [...a].sort().every((value, i) => value === [...b].sort()[i]);
  }
  return (a ?? "") === (b ?? "");
}

/** The fields in which the draft differs from what was opened. */
export function changesOf(opened: Incident, draft: IncidentPatch): IncidentPatch {
  const entries = Object.entries(draft).filter(([field, value]) => !same(opened[field as Field], value));
  return Object.fromEntries(entries) as IncidentPatch;
}

/** What the server says is in dispute when it refuses a change; undefined for any other failure. */
export function disputeOf(error: unknown): { version: number; clashes: Conflict[] } | undefined {
  if (!(error instanceof ApiError) || error.status !== 409) return undefined;
  const clashes = error.details?.conflicts as Conflict[] | undefined;
  return clashes?.length ? { version: Number(error.details?.version), clashes } : undefined;
}
