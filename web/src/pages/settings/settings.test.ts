import { describe, expect, test } from "vitest";
import type { Scoring } from "../../api/scoring";
import { conditionWords, levelWord, movedTo, ready } from "./deviceRule";
import { draftOf, mostTags, problemsOf, same, scoringOf, tagProblem, tagsOf } from "./scoringDraft";

const scoring: Scoring = {
  severity: { high: 40, medium: 22, low: 8, informational: 0 },
  progress: 15,
  tactics: 12,
  sources: 8,
  alerts: 8,
  spread: 8,
  threat: 8,
  duration: 3,
  waiting: 5,
  marks: { critical: 15, vip: 8 },
  tags: { VIP: 8, "Attack disruption": 15 },
  marksMost: 25,
  high: 85,
  low: 15,
};

describe("points of the priority score", () => {
  test("survive being typed", () => {
    expect(scoringOf(draftOf(scoring))).toEqual(scoring);
  });

  test("a tag may hold a dot and the name of a kind", () => {
    const odd = { ...scoring, tags: { "marks.vip": 3, "a.b": 4 } };
    expect(scoringOf(draftOf(odd))).toEqual(odd);
  });

  test.each(["", "-1", "101", "1.5", "1e1", "ten"])("%j is refused", (text) => {
    expect(problemsOf({ ...draftOf(scoring), progress: text })).toEqual({ progress: "A whole number from 0 to 100." });
  });

  test("0 and 100 are fine, and orange begins below red", () => {
    const draft = { ...draftOf(scoring), progress: "0", "severity.high": "100" };
    expect(problemsOf(draft)).toEqual({});
    expect(problemsOf({ ...draft, low: "85" })).toHaveProperty("low");
    expect(problemsOf({ ...draft, low: "84" })).toEqual({});
  });

  test("what was typed and taken back is no change; a removed tag is one", () => {
    const draft = draftOf(scoring);
    expect(same({ ...draft, progress: "015" }, draft)).toBe(true);
    expect(same({ ...draft, progress: "14" }, draft)).toBe(false);
    const { "tags.VIP": _, ...without } = draft;
    expect(same(without, draft)).toBe(false);
    expect(same({ ...without, "tags.Other": "8" }, draft)).toBe(false);
  });

  test("tags are the same in any case, and limited", () => {
    const draft = draftOf(scoring);
    expect(tagsOf(draft)).toEqual(["Attack disruption", "VIP"]);
    expect(tagProblem(draft, " vip ")).toBe("This tag has points already.");
    expect(tagProblem(draft, "Crown jewels")).toBeUndefined();
    for (let i = 0; i < mostTags; i++) draft[`tags.t${i}`] = "1";
    expect(tagProblem(draft, "Crown jewels")).toMatch(/at most 50/);
  });
});

describe("device groups", () => {
  test("a rule without a condition or with an empty value is not ready", () => {
    expect(ready({ any: false, conditions: [] })).toBe(false);
    expect(ready({ any: true, conditions: [{ field: "tag", operator: "equals", value: " " }] })).toBe(false);
    expect(ready({ any: true, conditions: [{ field: "tag", operator: "equals", value: "x" }] })).toBe(true);
  });

  test("says conditions and levels in words, and unknown ones as they are", () => {
    expect(conditionWords({ field: "osPlatform", operator: "startsWith", value: "Win" })).toBe(
      "Operating system starts with",
    );
    expect(levelWord("noAutomation")).toBe("No automated response");
    expect(levelWord("later")).toBe("later");
  });

  test("moves within the list only", () => {
    expect(movedTo(1, -1, 3)).toBeUndefined();
    expect(movedTo(3, 1, 3)).toBeUndefined();
    expect(movedTo(2, -1, 3)).toBe(1);
    expect(movedTo(2, 1, 3)).toBe(3);
  });
});
