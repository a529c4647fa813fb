// Two people may change one incident at the same time. Fields that only one of them touched are no conflict; the same
// field with two different values is, and a person decides.
import type { Incident, IncidentPatch } from "../api/types";

export type Field = keyof IncidentPatch;

export interface Conflict {
  field: Field;
  mine: unknown;
  theirs: unknown;
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

/** The fields of the patch that somebody else has set to another value since the incident was opened. */
export function conflicts(opened: Incident, latest: Incident, patch: IncidentPatch): Conflict[] {
  return (Object.keys(patch) as Field[])
    .filter((field) => !same(opened[field], latest[field]) && !same(patch[field], latest[field]))
    .map((field) => ({ field, mine: patch[field], theirs: latest[field] }));
}
