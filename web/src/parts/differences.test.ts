import { expect, it } from "vitest";
import { differences, headline } from "./differences";

it("names the fields that changed, in words", () => {
  expect(differences({ status: "active", severity: "low" }, { status: "resolved", severity: "low" })).toEqual([
    { field: "Status", before: "Active", after: "Resolved" },
  ]);
});

it("says when somebody is assigned and when nobody is", () => {
  expect(differences({ assignedTo: null }, { assignedTo: "ada" })).toEqual([
    { field: "Assigned to", before: "Unassigned", after: "ada" },
  ]);
});

it("lists collections, and takes plain values and nothing at all", () => {
  expect(differences({ customTags: ["a"] }, { customTags: ["a", "b"] })).toEqual([
    { field: "Tags", before: "a", after: "a, b" },
  ]);
  expect(differences("old", "new")).toEqual([{ field: "", before: "old", after: "new" }]);
  expect(differences(undefined, undefined)).toEqual([]);
  expect(differences(undefined, { displayName: "x" })).toEqual([{ field: "Name", before: "", after: "x" }]);
});

it("speaks in the portal's words where the fields tell everything", () => {
  const changes = differences({ status: "active" }, { status: "inProgress" });
  const summary = "Status changed from active to inProgress";
  expect(headline({ kind: "statusChanged", summary }, changes)).toBe("Status changed");
  expect(headline({ kind: "statusChanged", summary }, [])).toBe(summary);
  expect(headline({ kind: "statusChanged", summary, alertId: "a" }, changes)).toBe(summary);
  expect(headline({ kind: "merged", summary: "Took in incident 4" }, changes)).toBe("Took in incident 4");
});

it("leaves out bookkeeping", () => {
  expect(differences({ version: 1 }, { version: 2 })).toEqual([]);
});
