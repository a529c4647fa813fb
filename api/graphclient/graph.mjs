// Drives a running Tocsin with Microsoft's own Graph client: list, count, page, expand, patch, comment, and what an
// error looks like to it. Takes its settings from the environment and ends with 0 only if all went as Graph would.
//
// Two settings of the client make it talk to another host than Microsoft's: baseUrl, and customHosts, without which
// it drops the Authorization header. It sends the header over https only, so a server on plain http cannot be used
// with it: put TLS in front.
import assert from "node:assert/strict";
import { Client, PageIterator } from "@microsoft/microsoft-graph-client";

const { TOCSIN_URL, TOCSIN_TENANT = "default", TOCSIN_CLIENT_ID, TOCSIN_CLIENT_SECRET, TOCSIN_INCIDENTS } = process.env;
const expected = Number(TOCSIN_INCIDENTS);

const answer = await fetch(`${TOCSIN_URL}/${TOCSIN_TENANT}/oauth2/v2.0/token`, {
  method: "POST",
  body: new URLSearchParams({
    grant_type: "client_credentials",
    client_id: TOCSIN_CLIENT_ID,
    client_secret: TOCSIN_CLIENT_SECRET,
    scope: "https://graph.microsoft.com/.default",
  }),
});
assert.equal(answer.status, 200, await answer.clone().text());
const { access_token, token_type, expires_in } = await answer.json();
assert.equal(token_type, "Bearer");
assert.equal(expires_in, 3600);

const client = Client.initWithMiddleware({
  baseUrl: TOCSIN_URL,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(TOCSIN_URL).hostname]),
  authProvider: { getAccessToken: async () => access_token },
});

// List and count.
const first = await client.api("/security/incidents").top(3).count(true).filter("status eq 'active'").orderby("createdDateTime desc").get();
assert.equal(first["@odata.count"], expected);
assert.equal(first.value.length, 3);
assert.match(first["@odata.context"], /\/v1\.0\/\$metadata#security\/incidents$/);
assert.ok(first["@odata.nextLink"].startsWith(`${TOCSIN_URL}/v1.0/`), first["@odata.nextLink"]);

// Page by the client's own iterator.
const ids = [];
const iterator = new PageIterator(client, first, (incident) => ids.push(incident.id) > 0);
await iterator.iterate();
assert.ok(iterator.isComplete());
assert.equal(new Set(ids).size, expected);
assert.equal(ids.length, expected);

// Expand.
const id = ids[0];
const whole = await client.api(`/security/incidents/${id}`).expand("alerts").get();
assert.equal(whole.id, id);
assert.ok(whole.alerts.length > 0);
for (const alert of whole.alerts) {
  assert.equal(alert.incidentId, id);
  for (const evidence of alert.evidence) assert.match(evidence["@odata.type"], /^#microsoft\.graph\.security\.\w+Evidence$/);
}
const expandedPage = await client.api("/security/incidents").top(2).expand("alerts").get();
assert.ok(expandedPage.value.every((incident) => incident.alerts.length > 0));

// Patch, in the case that Microsoft's samples use.
const patched = await client.api(`/security/incidents/${id}`).patch({
  "@odata.type": "#microsoft.graph.security.incident",
  status: "InProgress",
  classification: "TruePositive",
  determination: "MultiStagedAttack",
  assignedTo: "analyst@corp.example",
  customTags: ["from-graph"],
});
assert.equal(patched.status, "inProgress");
assert.equal(patched.determination, "multiStagedAttack");
assert.deepEqual(patched.customTags, ["from-graph"]);
const tagged = await client.api("/security/incidents").filter("customTags/any(t:t eq 'from-graph')").select("id,customTags").get();
assert.deepEqual(tagged.value.map((incident) => incident.id), [id]);

// Comment.
const comments = await client.api(`/security/incidents/${id}/comments`).post({
  "@odata.type": "microsoft.graph.security.alertComment",
  comment: "Isolated the host.",
});
assert.equal(comments.value.at(-1).comment, "Isolated the host.");

// Alerts.
const alerts = await client.api("/security/alerts_v2").filter("severity eq 'high'").top(1).get();
const alert = await client.api(`/security/alerts_v2/${alerts.value[0].id}`).patch({ status: "resolved", classification: "falsePositive", determination: "clean" });
assert.equal(alert.determination, "notMalicious");
assert.equal((await client.api(`/security/alerts_v2/${alert.id}/comments`).post({ comment: "noted" })).value.length, 1);

// Errors, as the client's GraphError has them.
await assert.rejects(client.api("/security/incidents/999999").get(), (error) => {
  assert.equal(error.statusCode, 404);
  assert.equal(error.code, "itemNotFound");
  assert.ok(error.requestId);
  return true;
});
await assert.rejects(client.api(`/security/incidents/${id}`).patch({ createdDateTime: "2026-01-01T00:00:00Z" }), (error) => {
  assert.equal(error.statusCode, 400);
  assert.equal(error.code, "invalidRequest");
  assert.match(error.message, /createdDateTime/);
  return true;
});

console.log(`graph client: ${ids.length} incidents paged, ${whole.alerts.length} alerts expanded, patched, commented`);
