import { expect, test } from "vitest";
import { blockAt, blocks } from "./blocks";
import { compareCells, filterStep, ticks } from "./cells";

test("a filter is valid KQL whatever the value holds", () => {
  const text = { name: "Process Command", type: "string" };
  expect(filterStep(text, "==", 'a"b\\c\nd')).toBe(`where ['Process Command'] == "a\\"b\\\\c\\nd"`);
  expect(filterStep({ name: "N", type: "long" }, ">=", 5)).toBe("where N >= 5");
  expect(filterStep({ name: "T", type: "datetime" }, "<=", "2026-01-01T00:00:00Z")).toBe(
    "where T <= datetime(2026-01-01T00:00:00Z)",
  );
  expect(filterStep({ name: "N", type: "long" }, "==", null)).toBe("where isnull(N)");
  expect(filterStep({ name: "N", type: "long" }, "!=", null)).toBe("where isnotnull(N)");
  expect(filterStep({ name: "S", type: "string" }, "==", "")).toBe(`where S == ""`);
  expect(filterStep({ name: "D", type: "dynamic" }, "contains", { a: 1 })).toBe(
    `where tostring(D) contains "{\\"a\\":1}"`,
  );
});

test("cells sort by what they are", () => {
  const sorted = (cells: unknown[], type: string) => cells.toSorted((a, b) => compareCells(a, b, type));
  expect(sorted(["10", 9, null, 1], "long")).toEqual([1, 9, "10", null]);
  expect(sorted(["1.00:00:00", "-00:00:01", "00:10:00"], "timespan")).toEqual(["-00:00:01", "00:10:00", "1.00:00:00"]);
  expect(ticks("2.01:00:00.5")).toBe(2 * 86400 + 3600.5);
});

test("a blank line parts queries and the cursor picks one", () => {
  const text = "A\n| take 1\n\n  \nB\n";
  expect(blocks(text).map((block) => block.text.trim())).toEqual(["A\n| take 1", "B"]);
  expect(blockAt(text, 3)?.text).toBe("A\n| take 1");
  expect(blockAt(text, text.indexOf("B"))?.text.trim()).toBe("B");
  expect(blockAt(text, 11)?.text).toBe("A\n| take 1");
  expect(blockAt("", 0)).toBeUndefined();
});
