import { expect, test } from "vitest";
import { entitiesOf } from "./entityColumns";

const columns = ["Timestamp", "DeviceId", "DeviceName", "AccountUpn", "AccountName", "SHA1"].map((name) => ({
  name,
  type: "string",
}));

test("an entity is named by the best of its columns that has a value", () => {
  const row = ["2026-01-01", "id-1", "host", "", "ana", "abc"];
  expect(entitiesOf(columns, [row])).toEqual([
    { role: "impacted", type: "device", column: "DeviceName" },
    { role: "impacted", type: "user", column: "AccountName" },
    { role: "evidence", type: "file", column: "SHA1" },
  ]);
  expect(entitiesOf(columns, [["", "", "", null, "", ""]])).toEqual([]);
});
