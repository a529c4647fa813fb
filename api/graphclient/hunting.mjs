// Drives a running Tocsin with Microsoft's own Graph client: hunting queries, their time range, and what an error looks
// like to it. For the settings of the client see graph.mjs; this one takes an API token.
import assert from "node:assert/strict";
import { Client, ResponseType } from "@microsoft/microsoft-graph-client";

const { TOCSIN_URL, TOCSIN_TOKEN, TOCSIN_ROWS } = process.env;
const expected = Number(TOCSIN_ROWS);
const client = Client.initWithMiddleware({
  baseUrl: TOCSIN_URL,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(TOCSIN_URL).hostname]),
  authProvider: { getAccessToken: async () => TOCSIN_TOKEN },
});

const hunt = (body, version = "v1.0") => client.api("/security/runHuntingQuery").version(version).post(body);

// As Microsoft's samples write it.
const first = await hunt({ Query: "DeviceProcessEvents | project Timestamp, FileName, ReportId, IsInitiatingProcessRemoteSession | order by ReportId asc" });
assert.match(first["@odata.context"], /\/v1\.0\/\$metadata#microsoft\.graph\.security\.huntingQueryResults$/);
assert.deepEqual(first.schema, [
  { name: "Timestamp", type: "DateTime" },
  { name: "FileName", type: "String" },
  { name: "ReportId", type: "Int64" },
  { name: "IsInitiatingProcessRemoteSession", type: "SByte" },
]);
assert.equal(first.results.length, expected);
assert.deepEqual(first.results[3], { Timestamp: "2026-11-20T08:00:03.5000000Z", FileName: "program-3.exe", ReportId: 3, IsInitiatingProcessRemoteSession: false });

// A time range narrows what the query reads; beta answers alike.
const minute = await hunt({ query: "DeviceProcessEvents | count", timespan: "2026-11-20T08:00:00Z/PT1M" }, "beta");
assert.deepEqual(minute.results, [{ Count: 60 }]);
assert.match(minute["@odata.context"], /\/beta\/\$metadata#/);
const long = await hunt({ query: "DeviceProcessEvents | count", timespan: "P90D" });
assert.deepEqual(long.results, [{ Count: expected }]);

// Errors, as the client's GraphError has them.
const fails = (body, status, text) =>
  assert.rejects(hunt(body), (error) => {
    assert.equal(error.statusCode, status);
    assert.match(error.message, text);
    assert.ok(error.requestId);
    return true;
  });
await fails({ Query: "DeviceProcessEvents | where Nonsense == 1" }, 400, /Nonsense/);
await fails({ Query: "DeviceProcessEvents", Timespan: "a while" }, 400, /timespan/);
await fails({ Query: " " }, 400, /query/);

// Raw, for those who stream it.
const raw = await client.api("/security/microsoft.graph.security.runHuntingQuery").responseType(ResponseType.RAW).post({ query: "DeviceProcessEvents | take 1" });
assert.equal(raw.status, 200);
assert.equal((await raw.json()).results.length, 1);

console.log(`graph client: ${first.results.length} rows hunted`);
