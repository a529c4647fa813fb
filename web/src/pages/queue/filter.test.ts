import { describe, expect, it } from "vitest";
import {
  choose,
  defaultFilter,
  fromParams,
  isDefaultView,
  type ListFilter,
  toOData,
  toOrderBy,
  toParams,
} from "../../parts/listFilter";
import { incidentList as spec } from "./filter";

const now = Date.parse("2026-03-05T10:20:30.456Z");
const usual = defaultFilter(spec);
const filter = (change: Partial<ListFilter>): ListFilter => ({ ...usual, ...change });
const read = (query: string) => fromParams(spec, new URLSearchParams(query));
const open = { status: [], severity: [] };
const def = (id: string) => {
  const found = spec.defs.find((each) => each.id === id);
  if (!found) throw new Error(id);
  return found;
};

describe("Q15 the address", () => {
  it("is empty for the default view", () => {
    expect(toParams(spec, usual).toString()).toBe("");
    expect(read("")).toEqual(usual);
  });

  it.each<[string, Partial<ListFilter>]>([
    ["statuses", { values: { status: ["resolved"] } }],
    ["no restriction where the default restricts", { values: open }],
    ["owners", { values: { owner: ["@me", "@none", "ada.berg"] } }],
    ["sources", { values: { source: ["microsoftDefenderForEndpoint"] } }],
    ["tags with commas, ampersands and quotes", { values: { tag: ["a,b", "c&d=e", "it's"] } }],
    ["every other filter", { values: { os: ["Linux"], threat: ["Emotet"], asset: ["ws-1"], sources: ["yes"] } }],
    ["a time range", { range: "24h" }],
    ["any time", { range: "all" }],
    ["a custom range", { range: "custom", from: "2026-03-01T08:15Z", to: "2026-03-02T09:00Z" }],
    ["a custom range not filled in yet", { range: "custom" }],
    ["a search", { search: "ws-0412 & more" }],
    ["an order", { sort: { column: "updated", descending: false } }],
  ])("keeps %s", (_, change) => {
    const wanted = filter(change);
    expect(read(toParams(spec, wanted).toString())).toEqual(wanted);
  });

  it("takes the same values in another order as the default", () => {
    expect(toParams(spec, filter({ values: { status: ["inProgress", "active"] } })).toString()).toBe("");
  });

  it("ignores what it does not know", () => {
    expect(read("range=century&sort=-nothing&from=yesterday&other=1")).toEqual(usual);
    expect(read("sort=constructor").sort).toEqual(usual.sort);
  });

  it("drops doubles", () => {
    expect(read("tag=a&tag=a&tag=b").values.tag).toEqual(["a", "b"]);
  });

  it("has no two filters of one name, nor one that means something else there", () => {
    const ids = spec.defs.map(({ id }) => id);
    expect(new Set([...ids, "from", "to", "range", "q", "sort", "show"]).size).toBe(ids.length + 6);
  });
});

it("Q14 removing one filter leaves the others", () => {
  const both = filter({ values: { tag: ["vip"], os: ["Linux"] } });
  expect(choose(both, def("tag"), []).values).toEqual({ os: ["Linux"] });
  const other = filter({ values: { status: ["resolved"] } });
  expect(choose(other, def("status"), ["inProgress", "active"]).values).toEqual({});
});

describe("the server's filter", () => {
  it("Q01 asks for the default view", () => {
    expect(toOData(spec, filter({ range: "all" }), "ada", now)).toBe(
      "(status eq 'active' or status eq 'inProgress') and (severity eq 'high' or severity eq 'medium' or severity eq 'low')",
    );
  });

  it("begins relative ranges at a whole minute", () => {
    expect(toOData(spec, filter({ values: open, range: "24h" }), "ada", now)).toBe(
      "lastUpdateDateTime ge 2026-03-04T10:20:00Z",
    );
  });

  it("knows me, nobody and others, and quotes what people chose", () => {
    const values = { ...open, owner: ["@me", "@none", "o'hara"], tag: ["it's"] };
    expect(toOData(spec, filter({ values, range: "all" }), "ada", now)).toBe(
      "(assignedTo eq 'ada' or assignedTo eq null or assignedTo eq 'o''hara') and (customTags/any(x:x eq 'it''s') or systemTags/any(x:x eq 'it''s'))",
    );
  });

  it.each<[string, string[], string]>([
    ["sources", ["no"], "not tocsin/multiple/any(x:x eq 'serviceSources')"],
    ["sources", ["yes", "no"], ""],
    ["asset", ["ws-1"], "tocsin/assets/any(x:contains(x,'ws-1'))"],
    ["os", ["Linux", "macOS"], "(tocsin/osPlatforms/any(x:x eq 'Linux') or tocsin/osPlatforms/any(x:x eq 'macOS'))"],
    ["priority", ["top", "low"], "(priorityScore gt 85 or priorityScore lt 15)"],
  ])("says %s %j", (id, values, want) => {
    expect(toOData(spec, filter({ values: { ...open, [id]: values }, range: "all" }), "", now)).toBe(want);
  });

  it("takes one end of a custom range", () => {
    const custom = { values: open, range: "custom" as const };
    expect(toOData(spec, filter({ ...custom, from: "2026-03-01T08:15Z" }), "", now)).toBe(
      "lastUpdateDateTime ge 2026-03-01T08:15:00Z",
    );
    expect(toOData(spec, filter({ ...custom, to: "2026-03-01T08:15Z" }), "", now)).toBe(
      "lastUpdateDateTime le 2026-03-01T08:15:00Z",
    );
    expect(toOData(spec, filter(custom), "", now)).toBe("");
  });

  it("orders", () => {
    expect(toOrderBy(spec, { column: "updated", descending: true })).toBe("lastUpdateDateTime desc");
    expect(toOrderBy(spec, { column: "name", descending: false })).toBe("displayName asc,lastUpdateDateTime desc");
  });
});

it("an order alone is still the default view", () => {
  expect(isDefaultView(spec, filter({ sort: { column: "id", descending: true } }))).toBe(true);
  expect(isDefaultView(spec, filter({ search: "x" }))).toBe(false);
});
