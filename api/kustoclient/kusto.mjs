// Drives a running Tocsin with Microsoft's own Kusto client: queries with parameters and options, commands, and what an
// error looks like to it. Takes its settings from the environment and ends with 0 only if all went as Kusto would.
//
// The client trusts hosts of Microsoft's and loopback addresses; for another one, add it:
//   kustoTrustedEndpoints.addTrustedHosts([new MatchRule("soc.example", true)], false)
import assert from "node:assert/strict";
import { Client, ClientRequestProperties, KustoConnectionStringBuilder } from "azure-kusto-data";

const { TOCSIN_URL, TOCSIN_TOKEN, TOCSIN_ROWS } = process.env;
const expected = Number(TOCSIN_ROWS);
const client = new Client(KustoConnectionStringBuilder.withAccessToken(TOCSIN_URL, TOCSIN_TOKEN));

// A query in the newer form, the older one, and with its values apart.
const table = (await client.execute("Tocsin", "DeviceProcessEvents | project ReportId, Timestamp, IsInitiatingProcessRemoteSession, AdditionalFields = parse_json(AdditionalFields) | order by ReportId asc")).primaryResults[0];
assert.deepEqual(table.columns.map((c) => c.type), ["long", "datetime", "bool", "dynamic"]);
const rows = [...table.rows()];
assert.equal(rows.length, expected);
assert.equal(rows[3].ReportId, 3);
assert.equal(rows[3].Timestamp.toISOString(), "2026-11-20T08:00:03.500Z");
assert.equal(rows[3].IsInitiatingProcessRemoteSession, false);
assert.equal(rows[3].AdditionalFields.n, 3);
const older = await client.executeQueryV1("Tocsin", "DeviceProcessEvents | count");
assert.equal(older.primaryResults[0][0].Count, expected);

const properties = new ClientRequestProperties();
properties.setTimeout(60_000);
properties.setParameter("least", 95);
properties.setParameter("device", "device-1");
properties.setParameter("since", "datetime(2026-11-20T08:00:00Z)");
properties.clientRequestId = "test;1";
const some = await client.execute("Tocsin", "declare query_parameters(least:long, device:string, since:datetime); DeviceProcessEvents | where ReportId >= least and DeviceId == device and Timestamp > since | project ReportId", properties);
assert.deepEqual([...some.primaryResults[0].rows()].map((row) => row.ReportId), [96]);

// A chart.
const chart = await client.execute("Tocsin", "DeviceProcessEvents | summarize count() by DeviceId | render piechart");
const shown = chart.tables.find((t) => t.name === "@ExtendedProperties");
assert.equal([...shown.rows()][0].Value.Visualization, "piechart");

// Commands.
const tables = await client.execute("Tocsin", ".show tables");
assert.ok([...tables.primaryResults[0].rows()].some((row) => row.TableName === "DeviceProcessEvents"));
const schema = await client.execute("Tocsin", ".show database Tocsin schema as json");
const database = JSON.parse([...schema.primaryResults[0].rows()][0].DatabaseSchema).Databases.Tocsin;
assert.ok(database.Tables.DeviceProcessEvents.OrderedColumns.some((c) => c.Name === "Timestamp" && c.CslType === "datetime"));
const version = await client.executeMgmt("Tocsin", ".show version");
assert.equal([...version.primaryResults[0].rows()][0].ServiceType, "Engine");

// Errors.
const says = async (query, status, text, given) =>
  assert.rejects(client.execute("Tocsin", query, given), (error) => {
    assert.equal(error.response?.status, status, error);
    assert.match(error.response.data.error["@message"], text);
    return true;
  });
await says("DeviceProcessEvents | where Nonsense == 1", 400, /Semantic error: .*Nonsense/);
await says("DeviceProcessEvents | where", 400, /Syntax error: /);
await says(".drop table DeviceProcessEvents", 400, /read only/);
const few = new ClientRequestProperties();
few.setOption("truncationmaxrecords", 10);
await assert.rejects(client.execute("Tocsin", "DeviceProcessEvents", few), /Kusto request had errors.*E_QUERY_RESULT_SET_TOO_LARGE/);

client.close();
console.log(`kusto client: ${rows.length} rows, ${database.Name} with ${Object.keys(database.Tables).length} tables`);
