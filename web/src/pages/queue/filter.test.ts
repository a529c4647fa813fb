import { describe, expect, it } from "vitest";
import { defaultFilter, fromParams, isDefaultView, type QueueFilter, toOData, toOrderBy, toParams } from "./filter";

const now = Date.parse("2026-03-05T10:20:30.456Z");
const filter = (change: Partial<QueueFilter>): QueueFilter => ({ ...defaultFilter, ...change });
const read = (query: string) => fromParams(new URLSearchParams(query));

describe("the address", () => {
  it("is empty for the default view", () => {
    expect(toParams(defaultFilter).toString()).toBe("");
    expect(read("")).toEqual(defaultFilter);
  });

  it.each<[string, Partial<QueueFilter>]>([
    ["statuses", { status: ["resolved"] }],
    ["no restriction where the default restricts", { status: [], severity: [] }],
    ["owners", { owner: ["@me", "@none", "ada.berg"] }],
    ["sources", { sources: ["microsoftDefenderForEndpoint"] }],
    ["tags with commas, ampersands and quotes", { tags: ["a,b", "c&d=e", "it's"] }],
    ["a time range", { range: "24h" }],
    ["any time", { range: "all" }],
    ["a custom range", { range: "custom", from: "2026-03-01T08:15Z", to: "2026-03-02T09:00Z" }],
    ["a custom range not filled in yet", { range: "custom" }],
    ["a search", { search: "ws-0412 & more" }],
    ["an order", { sort: { column: "updated", descending: false } }],
  ])("keeps %s", (_, change) => {
    const wanted = filter(change);
    expect(read(toParams(wanted).toString())).toEqual(wanted);
  });

  it("takes the same values in another order as the default", () => {
    expect(toParams(filter({ status: ["inProgress", "active"] })).toString()).toBe("");
  });

  it("ignores what it does not know", () => {
    expect(read("range=century&sort=-nothing&from=yesterday&other=1")).toEqual(defaultFilter);
    expect(read("sort=constructor").sort).toEqual(defaultFilter.sort);
  });

  it("drops doubles", () => {
    expect(read("tag=a&tag=a&tag=b").tags).toEqual(["a", "b"]);
  });
});

describe("the server's filter", () => {
  it("asks for the default view", () => {
    expect(toOData(filter({ range: "all" }), "ada", now)).toBe(
      "(status eq 'active' or status eq 'inProgress') and (severity eq 'high' or severity eq 'medium' or severity eq 'low')",
    );
  });

  it("begins relative ranges at a whole minute", () => {
    expect(toOData(filter({ status: [], severity: [], range: "24h" }), "ada", now)).toBe(
      "lastUpdateDateTime ge 2026-03-04T10:20:00Z",
    );
  });

  it("knows me, nobody and others, and quotes what people chose", () => {
    const text = toOData(
      filter({ status: [], severity: [], range: "all", owner: ["@me", "@none", "o'hara"], tags: ["it's"] }),
      "ada",
      now,
    );
    expect(text).toBe(
      "(assignedTo eq 'ada' or assignedTo eq null or assignedTo eq 'o''hara') and customTags/any(x:x eq 'it''s')",
    );
  });

  it("takes one end of a custom range", () => {
    const open = { status: [], severity: [], range: "custom" as const };
    expect(toOData(filter({ ...open, from: "2026-03-01T08:15Z" }), "", now)).toBe(
      "lastUpdateDateTime ge 2026-03-01T08:15:00Z",
    );
    expect(toOData(filter({ ...open, to: "2026-03-01T08:15Z" }), "", now)).toBe(
      "lastUpdateDateTime le 2026-03-01T08:15:00Z",
    );
    expect(toOData(filter(open), "", now)).toBe("");
  });

  it("orders", () => {
    expect(toOrderBy({ column: "updated", descending: true })).toBe("lastUpdateDateTime desc");
    expect(toOrderBy({ column: "name", descending: false })).toBe("displayName asc,lastUpdateDateTime desc");
  });
});

it("an order alone is still the default view", () => {
  expect(isDefaultView(filter({ sort: { column: "id", descending: true } }))).toBe(true);
  expect(isDefaultView(filter({ search: "x" }))).toBe(false);
});
