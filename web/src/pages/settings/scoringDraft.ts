import type { Scoring } from "../../api/scoring";

/** The points as they are being typed: by name, those of severities, marks and tags with their kind in front. */
export type Draft = Record<string, string>;

const maps = ["severity", "marks", "tags"] as const;
const singles = [
  "progress",
  "tactics",
  "sources",
  "alerts",
  "spread",
  "threat",
  "duration",
  "waiting",
  "marksMost",
  "high",
  "low",
] as const;

export function draftOf(scoring: Scoring): Draft {
  const draft: Draft = {};
  for (const name of singles) draft[name] = String(scoring[name]);
  for (const kind of maps) {
    for (const [name, points] of Object.entries(scoring[kind] ?? {})) draft[`${kind}.${name}`] = String(points);
  }
  return draft;
}

/** The other way round; call it only when there is no problem. */
export function scoringOf(draft: Draft): Scoring {
  const scoring: Scoring = { severity: {}, marks: {}, tags: {} } as Scoring;
  for (const name of singles) scoring[name] = Number(draft[name] ?? 0);
  for (const [key, text] of Object.entries(draft)) {
    const kind = maps.find((each) => key.startsWith(`${each}.`));
    if (kind) scoring[kind][key.slice(kind.length + 1)] = Number(text);
  }
  return scoring;
}

/** What is wrong, by the name of the field. */
export function problemsOf(draft: Draft): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [key, text] of Object.entries(draft)) {
    if (!/^\d{1,3}$/.test(text.trim()) || Number(text) > 100) problems[key] = "A whole number from 0 to 100.";
  }
  if (!problems.low && !problems.high && Number(draft.low) >= Number(draft.high)) {
    problems.low = "Orange must begin below red.";
  }
  return problems;
}

export function same(a: Draft, b: Draft): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && Number(a[key]) === Number(b[key]));
}

export function tagsOf(draft: Draft): string[] {
  return Object.keys(draft)
    .filter((key) => key.startsWith("tags."))
    .map((key) => key.slice(5))
    .sort((a, b) => a.localeCompare(b));
}

export const mostTags = 50;

/** Why a tag cannot be added; undefined if it can. Tags are the same in any case. */
export function tagProblem(draft: Draft, tag: string): string | undefined {
  const tags = tagsOf(draft);
  if (tags.some((each) => each.toLowerCase() === tag.trim().toLowerCase())) return "This tag has points already.";
  if (tags.length >= mostTags) return `Points are given for at most ${mostTags} tags.`;
  return undefined;
}
