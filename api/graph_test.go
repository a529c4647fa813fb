package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// alertOn is an alert about one user and one device of its own, so that two of
// them belong together only when they share n.
func alertOn(n int, title string, at time.Time) tocsin.Alert {
	host := fmt.Sprintf("ws-%04d.corp.example", n)
	a := tocsin.Alert{
		Source: "test", ExternalID: fmt.Sprintf("%s-%d", title, n), Title: title, Description: "Seen on " + host,
		Severity: tocsin.SeverityHigh, ServiceSource: tocsin.SourceEndpoint, DetectionSource: tocsin.DetectionCustom,
		Category: "CredentialAccess", Techniques: []string{"T1003.001"}, DetectorID: "rule-1", RuleTitle: title,
		FirstActivity: at, LastActivity: at, Count: 2,
		Rows: []tocsin.RowRef{{Table: "DeviceProcessEvents", Time: at, DeviceID: tocsin.DeviceID(host), ReportID: "42"}},
		Evidence: []tocsin.Evidence{
			{Type: tocsin.EvDevice, Roles: []tocsin.EvidenceRole{tocsin.RoleAttacked}, Verdict: tocsin.VerdictSuspicious, RemediationStatus: tocsin.RemediationActive,
				Props: map[string]any{"deviceDnsName": host, "mdeDeviceId": tocsin.DeviceID(host)}},
			{Type: tocsin.EvUser, Roles: []tocsin.EvidenceRole{tocsin.RoleCompromised}, Verdict: tocsin.VerdictSuspicious,
				Props: map[string]any{"userAccount": map[string]any{"userPrincipalName": fmt.Sprintf("user%04d@corp.example", n), "accountName": fmt.Sprintf("user%04d", n)}}},
			{Type: tocsin.EvProcess, Verdict: tocsin.VerdictMalicious, UniqueID: fmt.Sprintf("proc-%d", n), Device: host,
				Props: map[string]any{"processId": int64(4711), "processCommandLine": "<img src=x onerror=alert(1)>", "imageFile": map[string]any{"fileName": "mimi.exe"}}},
		},
	}
	return a
}

// accept takes alerts in and returns the numbers of their incidents.
func (h *house) accept(alerts ...tocsin.Alert) []int64 {
	h.t.Helper()
	out, err := h.cases.Accept(h.system(), alerts)
	if err != nil {
		h.t.Fatal(err)
	}
	var ids []int64
	for _, a := range out {
		if a.Err != nil {
			h.t.Fatal(a.Err)
		}
		ids = append(ids, a.IncidentID)
	}
	return ids
}

func value(t *testing.T, a answer) []map[string]any {
	t.Helper()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
	}
	var out []map[string]any
	for _, v := range a.json(t)["value"].([]any) {
		out = append(out, v.(map[string]any))
	}
	return out
}

const graphIncidents, graphAlerts = "/v1.0/security/incidents", "/v1.0/security/alerts_v2"

func TestIncidentShape(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "Credential dumping", h.clock.now().Add(-time.Hour)))[0]
	token := h.token(tocsin.RoleReader)
	a := h.call(token, "GET", fmt.Sprintf("%s/%d?$expand=alerts", graphIncidents, id), "")
	inc := a.json(t)
	if inc["@odata.context"] != h.server.URL+"/v1.0/$metadata#security/incidents/$entity" || inc["id"] != fmt.Sprint(id) || inc["severity"] != "high" || inc["status"] != "active" ||
		inc["tenantId"] != "default" || inc["assignedTo"] != nil || inc["classification"] != "unknown" || inc["incidentWebUrl"] != h.server.URL+fmt.Sprintf("/incidents/%d", id) {
		t.Errorf("incident: %s", a.body)
	}
	if a.Header.Get("ETag") != inc["@odata.etag"] || a.Header.Get("ETag") == "" {
		t.Errorf("ETag %q, @odata.etag %v", a.Header.Get("ETag"), inc["@odata.etag"])
	}
	own := inc["tocsin"].(map[string]any)
	assets := own["impactedAssets"].(map[string]any)
	if own["alertCount"] != 1.0 || assets["devices"] != 1.0 || assets["users"] != 1.0 || own["autoNamed"] != true || len(assets["names"].([]any)) != 2 {
		t.Errorf("own part: %v", own)
	}
	alert := inc["alerts"].([]any)[0].(map[string]any)
	if alert["incidentId"] != fmt.Sprint(id) || alert["serviceSource"] != "microsoftDefenderForEndpoint" || alert["mitreTechniques"].([]any)[0] != "T1003.001" ||
		alert["customDetails"] != nil || alert["providerAlertId"] != "Credential dumping-1" {
		t.Errorf("alert: %v", alert)
	}
	types := map[string]map[string]any{}
	for _, e := range alert["evidence"].([]any) {
		m := e.(map[string]any)
		types[m["@odata.type"].(string)] = m
	}
	for _, want := range []string{"device", "user", "process"} {
		if types["#microsoft.graph.security."+want+"Evidence"] == nil {
			t.Errorf("no %s among %v", want, types)
		}
	}
	if p := types["#microsoft.graph.security.processEvidence"]; p["processId"] != 4711.0 || p["processCommandLine"] != "<img src=x onerror=alert(1)>" || p["verdict"] != "malicious" {
		t.Errorf("process: %v", p)
	}
	if strings.Contains(a.body, "<img") {
		t.Error("markup is not escaped in the JSON")
	}
	rows := alert["tocsin"].(map[string]any)["rows"].([]any)
	if r := rows[0].(map[string]any); r["table"] != "DeviceProcessEvents" || r["reportId"] != "42" {
		t.Errorf("rows: %v", rows)
	}

	one := h.call(token, "GET", fmt.Sprintf("%s('%d')", graphIncidents, id), "").json(t)
	if one["id"] != fmt.Sprint(id) || one["alerts"] != nil {
		t.Errorf("incidents('%d'): %v", id, one)
	}
	few := h.call(token, "GET", graphIncidents+"?$expand=alerts&$select=displayName", "")
	if got := value(t, few)[0]; got["displayName"] == nil || got["id"] == nil || got["severity"] != nil || got["alerts"] == nil {
		t.Errorf("$select: %s", few.body)
	}
	byKey := h.call(token, "GET", graphAlerts+"('"+alert["id"].(string)+"')", "").json(t)
	if byKey["id"] != alert["id"] {
		t.Errorf("alerts_v2('..'): %v", byKey)
	}
	for _, path := range []string{graphIncidents + "/999999", graphIncidents + "/abc", graphIncidents + "/-1", graphIncidents + "/1e3", graphAlerts + "/nothing", graphIncidents + "('999')"} {
		if a := h.call(token, "GET", path, ""); a.StatusCode != http.StatusNotFound || a.errorOf(t) != "itemNotFound" {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
}

// P03.
func TestListPagesAndCounts(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleReader)
	for i := range 25 {
		h.clock.forward(time.Minute)
		h.accept(alertOn(i, fmt.Sprintf("Alert %02d", i), h.clock.now().Add(-time.Minute)))
	}
	seen, pages, link := map[string]bool{}, 0, h.server.URL+graphIncidents+"?$top=10&$count=true&$orderby="+url.QueryEscape("createdDateTime desc")
	last := ""
	for link != "" {
		pages++
		if !strings.HasPrefix(link, h.server.URL) {
			t.Fatalf("link leads to %s", link)
		}
		a := h.call(token, "GET", strings.TrimPrefix(link, h.server.URL), "")
		for _, inc := range value(t, a) {
			if seen[inc["id"].(string)] {
				t.Errorf("incident %v on two pages", inc["id"])
			}
			seen[inc["id"].(string)] = true
			if created := inc["createdDateTime"].(string); last != "" && created > last {
				t.Errorf("%s after %s", created, last)
			} else {
				last = created
			}
		}
		if n := a.json(t)["@odata.count"]; n != 25.0 {
			t.Errorf("@odata.count = %v", n)
		}
		link, _ = a.json(t)["@odata.nextLink"].(string)
	}
	if len(seen) != 25 || pages != 3 {
		t.Errorf("%d incidents on %d pages", len(seen), pages)
	}
	if a := h.call(token, "GET", graphIncidents, "").json(t); a["@odata.count"] != nil {
		t.Error("counted without being asked")
	}
	alerts := value(t, h.call(token, "GET", graphAlerts+"?$top=5&$filter="+url.QueryEscape("serviceSource eq 'microsoftDefenderForEndpoint' and severity ge 'medium'"), ""))
	if len(alerts) != 5 {
		t.Errorf("%d alerts", len(alerts))
	}
	found := value(t, h.call(token, "GET", graphIncidents+"?$search=ws-0007", ""))
	if len(found) != 1 {
		t.Errorf("search found %d", len(found))
	}
	some := value(t, h.call(token, "GET", graphIncidents+"?$top=1&$expand=alerts", ""))
	if len(some[0]["alerts"].([]any)) != 1 {
		t.Errorf("expanded: %v", some)
	}
}

// TestHostHeader holds that links lead where the client came from, or where the
// operator said, and never into markup.
func TestHostHeader(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleReader)
	h.accept(alertOn(1, "A", h.clock.now()), alertOn(2, "B", h.clock.now()))
	link := func(h *house, headers ...string) string {
		s, _ := h.call(token, "GET", graphIncidents+"?$top=1", "", headers...).json(t)["@odata.nextLink"].(string)
		return s
	}
	if l := link(h, "Host", "soc.example:8443"); !strings.HasPrefix(l, "http://soc.example:8443/v1.0/") {
		t.Errorf("link is %s", l)
	}
	if l := link(h, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https"); !strings.HasPrefix(l, h.server.URL+"/") {
		t.Errorf("a stranger's header is believed: %s", l)
	}
	fixed := open(t, func(c *Config) { c.PublicURL = "https://soc.example/" })
	token = fixed.token(tocsin.RoleReader)
	fixed.accept(alertOn(1, "A", h.clock.now()), alertOn(2, "B", h.clock.now()))
	if l := link(fixed, "Host", "evil.example"); !strings.HasPrefix(l, "https://soc.example/v1.0/") {
		t.Errorf("configured link is %s", l)
	}
}

func TestFilterErrorsReachTheClient(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleReader)
	for _, q := range []string{"$filter=" + url.QueryEscape("severity eq 'enormous'"), "$filter=tenant", "$foo=1", "$orderby=secret", "$expand=everything", "$top=-5"} {
		a := h.call(token, "GET", graphIncidents+"?"+q, "")
		if a.StatusCode != http.StatusBadRequest || a.errorOf(t) != "invalidRequest" {
			t.Errorf("%s: %d %s", q, a.StatusCode, a.body)
		}
	}
	// Everything on the allowlist is known to the store.
	for noun, list := range map[string]properties{graphIncidents: incidentProperties, graphAlerts: alertProperties} {
		for _, p := range list {
			test := map[valueKind]string{kindText: "%s eq 'x'", kindTime: "%s ge 2026-01-01", kindNumber: "%s eq 5", kindTexts: "%s/any(x:x eq 'x')"}[p.kind]
			v := ""
			if p.enum != "" {
				v = enums[p.enum][1]
				if p.enum == "alertDetermination" {
					v = "malware" // Graph's first ones go with no classification
				}
				test = "%s eq '" + v + "'"
				if p.kind == kindTexts {
					test = "%s/any(x:x eq '" + v + "')"
				}
			}
			if a := h.call(token, "GET", noun+"?$filter="+url.QueryEscape(fmt.Sprintf(test, p.name)), ""); a.StatusCode != http.StatusOK {
				t.Errorf("%s: filter by %s: %d %s", noun, p.name, a.StatusCode, a.body)
			}
			if p.null {
				if a := h.call(token, "GET", noun+"?$filter="+url.QueryEscape(p.name+" eq null"), ""); a.StatusCode != http.StatusOK {
					t.Errorf("%s: %s eq null: %d %s", noun, p.name, a.StatusCode, a.body)
				}
			}
			if p.sort {
				if a := h.call(token, "GET", noun+"?$orderby="+url.QueryEscape(p.name+" desc"), ""); a.StatusCode != http.StatusOK {
					t.Errorf("%s: order by %s: %d %s", noun, p.name, a.StatusCode, a.body)
				}
			}
		}
	}
}

func TestPatchIncident(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "Credential dumping", h.clock.now()))[0]
	path := fmt.Sprintf("%s/%d", graphIncidents, id)
	token := h.token(tocsin.RoleOperator)
	a := h.call(token, "PATCH", path, `{"@odata.type":"#microsoft.graph.security.incident","displayName":"Dumped","severity":"Medium","status":"InProgress","assignedTo":"ann",
		"classification":"TruePositive","determination":"CompromisedUser","customTags":["vip","vip"," x "],"description":"d","summary":"s","resolvingComment":"r"}`)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	inc := a.json(t)
	for name, want := range map[string]any{"displayName": "Dumped", "severity": "medium", "status": "inProgress", "assignedTo": "ann", "classification": "truePositive",
		"determination": "compromisedAccount", "description": "d", "summary": "s", "resolvingComment": "r"} {
		if inc[name] != want {
			t.Errorf("%s = %v, want %v", name, inc[name], want)
		}
	}
	if tags := inc["customTags"].([]any); len(tags) != 2 {
		t.Errorf("tags = %v", tags)
	}
	version := inc["tocsin"].(map[string]any)["version"].(float64)

	for body, names := range map[string]string{
		`{"id":"5"}`: "id", `{"tenantId":"x"}`: "tenantId", `{"createdDateTime":"2026-01-01T00:00:00Z"}`: "createdDateTime", `{"tocsin":{}}`: "tocsin",
		`{"lastModifiedBy":"me"}`: "lastModifiedBy", `{"nonsense":1}`: "nonsense", `{"DisplayName":"x"}`: "displayName", `{"redirectIncidentId":"3"}`: "redirectIncidentId",
		`{"severity":"enormous"}`: "severity", `{"severity":null}`: "severity", `{"status":5}`: "status", `{"customTags":"x"}`: "customTags", `{"customTags":[null]}`: "customTags",
		`{"determination":"phishing","classification":"falsePositive"}`: "phishing", `{"status":"active","status":"resolved"}`: "twice", `{"status":"redirected"}`: "redirected",
		`{"displayName":""}`: "name", `[]`: "object", `{"a":1} {}`: "a", `{"displayName":"\ud800"}`: "surrogate", "{\"displayName\":\"\xff\"}": "UTF-8", `{`: "JSON",
		`{"summary":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`: "deeper",
	} {
		a := h.call(token, "PATCH", path, body)
		if a.StatusCode != http.StatusBadRequest || a.errorOf(t) != "invalidRequest" || !strings.Contains(a.body, names) {
			t.Errorf("%.60s: %d %s, want a 400 that names %q", body, a.StatusCode, a.body, names)
		}
	}
	if now := h.call(token, "GET", path, "").json(t)["tocsin"].(map[string]any)["version"]; now != version {
		t.Errorf("refused requests changed the version from %v to %v", version, now)
	}

	for header, want := range map[string]int{fmt.Sprintf(`W/"%d"`, int(version)+1): 412, `"1"`: 409, `3`: 400, `"x"`: 400, `"1","2"`: 400} {
		if a := h.call(token, "PATCH", path, `{"assignedTo":"bob"}`, "If-Match", header); a.StatusCode != want {
			t.Errorf("If-Match %s: %d, want %d: %s", header, a.StatusCode, want, a.body)
		}
	}
	// M15: the answer names what is in dispute.
	a = h.call(token, "PATCH", path, `{"assignedTo":"bob"}`, "If-Match", `"1"`)
	dispute, _ := a.json(t)["error"].(map[string]any)["conflicts"].([]any)
	if len(dispute) != 1 || dispute[0].(map[string]any)["field"] != "assignedTo" || dispute[0].(map[string]any)["mine"] != "bob" || dispute[0].(map[string]any)["by"] == nil {
		t.Errorf("conflicts: %s", a.body)
	}
	a = h.call(token, "PATCH", path, `{"assignedTo":null}`, "If-Match", fmt.Sprintf(`"%d"`, int(version)))
	if a.StatusCode != http.StatusOK || a.json(t)["assignedTo"] != nil {
		t.Errorf("If-Match with the version: %d %s", a.StatusCode, a.body)
	}
	if a := h.call(token, "PATCH", graphIncidents+"/99999", `{"assignedTo":"x"}`); a.StatusCode != http.StatusNotFound {
		t.Errorf("patch of nothing: %d", a.StatusCode)
	}
	if a := h.call(token, "PATCH", path, `{"assignedTo":"x"}`, "Content-Type", "text/plain"); a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", a.StatusCode)
	}
	if a := h.call(token, "PATCH", path, `{"description":"`+strings.Repeat("x", maxBody)+`"}`); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("large body: %d", a.StatusCode)
	}
}

func TestComments(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "Credential dumping", h.clock.now()))[0]
	token := h.token(tocsin.RoleOperator)
	path := fmt.Sprintf("%s/%d", graphIncidents, id)
	a := h.call(token, "POST", path+"/comments", `{"@odata.type":"microsoft.graph.security.alertComment","comment":"looked at <b>it</b>"}`)
	all := value(t, a)
	if len(all) != 1 || all[0]["comment"] != "looked at <b>it</b>" || all[0]["createdByDisplayName"] != "test securityOperator" || all[0]["createdDateTime"] == nil {
		t.Errorf("comments: %s", a.body)
	}
	if a := h.call(token, "POST", fmt.Sprintf("%s('%d')/comments", graphIncidents, id), `{"comment":"two"}`); len(value(t, a)) != 2 {
		t.Errorf("second comment: %s", a.body)
	}
	alert := value(t, h.call(token, "GET", graphAlerts, ""))[0]["id"].(string)
	if a := h.call(token, "POST", graphAlerts+"/"+alert+"/comments", `{"comment":"three"}`); len(value(t, a)) != 1 {
		t.Errorf("alert comment: %s", a.body)
	}
	for _, body := range []string{`{}`, `{"comment":""}`, `{"comment":"  "}`, `{"comment":5}`, `{"comment":null}`, `{"comment":"x","createdByDisplayName":"boss"}`, `{"@odata.type":"microsoft.graph.security.incident","comment":"x"}`} {
		if a := h.call(token, "POST", path+"/comments", body); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	acts := value(t, h.call(token, "GET", fmt.Sprintf("/api/v1/incidents/%d/activities", id), ""))
	texts := map[any]bool{}
	for _, act := range acts {
		if act["kind"] == "commented" {
			texts[act["comment"]] = true
			if act["actor"].(map[string]any)["kind"] != "integration" {
				t.Errorf("actor of a token: %v", act["actor"])
			}
		}
	}
	if !texts["looked at <b>it</b>"] || !texts["two"] {
		t.Errorf("activities: %v", acts)
	}
	rest := value(t, h.call(token, "GET", fmt.Sprintf("/api/v1/incidents/%d/activities?after=%v&top=1", id, acts[0]["seq"]), ""))
	if len(rest) != 1 || rest[0]["seq"] != acts[1]["seq"] {
		t.Errorf("after the first: %v", rest)
	}
}

func TestPatchAlert(t *testing.T) {
	h := open(t, nil)
	h.accept(alertOn(1, "Credential dumping", h.clock.now()))
	token := h.token(tocsin.RoleOperator)
	id := value(t, h.call(token, "GET", graphAlerts, ""))[0]["id"].(string)
	a := h.call(token, "PATCH", graphAlerts+"/"+id, `{"status":"resolved","classification":"falsePositive","determination":"Clean","assignedTo":"ann"}`)
	al := a.json(t)
	if a.StatusCode != 200 || al["status"] != "resolved" || al["determination"] != "notMalicious" || al["resolvedDateTime"] == nil {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for _, body := range []string{`{"title":"x"}`, `{"severity":"low"}`, `{"incidentId":"9"}`, `{"evidence":[]}`} {
		if a := h.call(token, "PATCH", graphAlerts+"/"+id, body); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", body, a.StatusCode)
		}
	}
	if a := h.call(token, "PATCH", graphAlerts+"/"+id, `{"status":"new"}`, "If-Match", `"99"`); a.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("stale alert: %d %s", a.StatusCode, a.body)
	}
}

func TestNewerEnumMembers(t *testing.T) {
	h := open(t, nil)
	al := alertOn(1, "Cloud", h.clock.now())
	al.ServiceSource = tocsin.SourceCloud
	al.Evidence[0].RemediationStatus = tocsin.RemediationActive
	id := h.accept(al)[0]
	token := h.token(tocsin.RoleOperator)
	path := fmt.Sprintf("%s/%d?$expand=alerts", graphIncidents, id)
	if a := h.call(token, "PATCH", strings.TrimSuffix(path, "?$expand=alerts"), `{"status":"awaitingAction"}`); a.StatusCode != 200 {
		t.Fatal(a.body)
	}
	for prefer, want := range map[string][3]string{
		"":                             {"unknownFutureValue", "unknownFutureValue", "unknownFutureValue"},
		"include-unknown-enum-members": {"awaitingAction", "microsoftDefenderForCloud", "active"},
	} {
		inc := h.call(token, "GET", path, "", "Prefer", prefer).json(t)
		alert := inc["alerts"].([]any)[0].(map[string]any)
		got := [3]string{inc["status"].(string), alert["serviceSource"].(string), alert["evidence"].([]any)[0].(map[string]any)["remediationStatus"].(string)}
		if got != want {
			t.Errorf("Prefer %q: %v, want %v", prefer, got, want)
		}
	}
}

func TestExpandNeedsTheAlertsPermission(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "A", h.clock.now()))[0]
	token := h.scoped(tocsin.RoleReader, tocsin.VerbIncidentRead)
	for _, path := range []string{fmt.Sprintf("%s/%d", graphIncidents, id), graphIncidents} {
		if a := h.call(token, "GET", path, ""); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
		if a := h.call(token, "GET", path+"?$expand=alerts", ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s with alerts: %d", path, a.StatusCode)
		}
	}
}

// TestEvidenceTypesAreAllWritable holds that a source cannot overwrite the base
// of its evidence.
func TestEvidenceTypesAreAllWritable(t *testing.T) {
	v := view{base: "http://x", all: true}
	for _, et := range tocsin.EvidenceTypes() {
		e := v.evidence(&tocsin.Evidence{Type: et, Props: map[string]any{"verdict": "forged", "@odata.type": "forged"}})
		if e["@odata.type"] != "#microsoft.graph.security."+string(et)+"Evidence" || e["verdict"] == "forged" {
			t.Errorf("%s: %v", et, e)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("%s: %v", et, err)
		}
	}
	if n := len(tocsin.EvidenceTypes()); n != 48 {
		t.Errorf("%d evidence types, want 48", n)
	}
}
