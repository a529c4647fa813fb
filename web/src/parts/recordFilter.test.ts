import { expect, it } from "vitest";
import { filtered, filterOf, withFilter, withoutFilters } from "./recordFilter";

// L02: the filters of the log live in the address.

it("asks the server for what the address says, all of it together", () => {
  const params = new URLSearchParams(
    "type=merged&by=ann&trigger=manual&origin=7&category=correlation&alert=x&target=%20",
  );
  expect(filterOf(params)).toEqual([
    ["trigger", "manual"],
    ["by", "ann"],
    ["type", "merged"],
    ["category", "correlation"],
    ["origin", "7"],
  ]);
});

it("begins relative times at a whole minute, and takes them before fixed ones", () => {
  const now = Date.parse("2026-11-20T09:30:45.500Z");
  expect(filterOf(new URLSearchParams("since=1d&from=2026-01-01T00:00"), now)).toEqual([
    ["from", "2026-11-19T09:30:00.000Z"],
  ]);
  expect(filterOf(new URLSearchParams("from=2026-01-01T00:00:00Z&to=never"), now)).toEqual([
    ["from", "2026-01-01T00:00:00.000Z"],
  ]);
});

it("sets, replaces and takes away filters and leaves the rest of the address alone", () => {
  const params = withFilter(new URLSearchParams("alert=x&from=2026-01-01"), "since", "7d");
  expect(params.toString()).toBe("alert=x&since=7d");
  expect(filtered(params)).toBe(true);
  expect(withFilter(params, "since", "").toString()).toBe("alert=x");
  expect(withoutFilters(params).toString()).toBe("alert=x");
  expect(filtered(withoutFilters(params))).toBe(false);
});
