import { expect, test } from "vitest";
import type { ChainStep } from "../../api/chain";
import { cameWords, holdsTogether, strengthWords } from "./connections";

const step = (came: ChainStep["came"], more: Partial<ChainStep> = {}): ChainStep => ({
  alert: { id: "a", title: "A", severity: "low", firstActivityDateTime: "2026-03-02T09:00:00Z" },
  came,
  part: 0,
  ...more,
});

test("C04: it is said how many links hold the alerts, and when none does", () => {
  expect(holdsTogether({ alerts: 1, links: 0, parts: 1 })).toMatch(/one alert/);
  expect(holdsTogether({ alerts: 3, links: 0, parts: 3 })).toMatch(/People put these 3 alerts/);
  expect(holdsTogether({ alerts: 2, links: 1, parts: 1 })).toBe("1 link holds 2 alerts together.");
  expect(holdsTogether({ alerts: 5, links: 3, parts: 2 })).toMatch(/2 parts/);
});

test("C04: an alert that no link holds says how it came", () => {
  expect(cameWords(step("opened"), true)).toMatch(/began/);
  expect(cameWords(step("opened"), false)).toMatch(/No link/);
  expect(cameWords(step("merged", { fromIncidentId: 7, by: { kind: "user", name: "anna" } }), false)).toBe(
    "It came with incident 7, which was merged into this one by anna.",
  );
  expect(cameWords(step("moved", { fromIncidentId: 7 }), false)).toBe("It was moved here from incident 7.");
  expect(cameWords(step("byHand"), false)).toMatch(/hunting/);
});

test("the strength of a link is said beside what joins", () => {
  expect([0.6, 1, 1.3, 2.4].map((weight) => strengthWords(weight, 1))).toEqual([
    "Not enough by itself; other links helped.",
    "Just enough evidence.",
    "Strong evidence.",
    "Very strong evidence.",
  ]);
  expect(strengthWords(2, 0)).toBe("Very strong evidence.");
});
