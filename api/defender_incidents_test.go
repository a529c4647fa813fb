package api

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

// P03: the older interface of Defender, in its own shape and within its limits.
func TestDefenderIncidents(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleOperator)
	id := h.accept(alertOn(1, "Credential dumping", h.clock.now()))[0]
	h.clock.forward(time.Hour)
	other := h.accept(alertOn(2, "Phishing", h.clock.now()))[0]
	graph := fmt.Sprintf("%s/%d", graphIncidents, id)
	h.call(token, "PATCH", graph, `{"status":"inProgress","assignedTo":"ann","classification":"falsePositive","determination":"notMalicious","customTags":["vip"]}`)
	h.call(token, "POST", graph+"/comments", `{"comment":"looked"}`)

	one := h.call(token, "GET", fmt.Sprintf("/api/incidents/%d", id), "").json(t)
	for name, want := range map[string]any{"incidentId": float64(id), "status": "InProgress", "severity": "High", "assignedTo": "ann", "classification": "FalsePositive",
		"determination": "Clean", "redirectIncidentId": nil} {
		if one[name] != want {
			t.Errorf("%s is %v, want %v", name, one[name], want)
		}
	}
	if c := one["comments"].([]any)[0].(map[string]any); c["comment"] != "looked" || c["createdBy"] != "test securityOperator" || c["createdTime"] == nil {
		t.Errorf("comment: %v", c)
	}
	alert := one["alerts"].([]any)[0].(map[string]any)
	if alert["status"] != "New" || alert["incidentId"] != float64(id) || alert["serviceSource"] != "MicrosoftDefenderForEndpoint" || alert["severity"] != "High" {
		t.Errorf("alert: %v", alert)
	}
	if d := alert["devices"].([]any)[0].(map[string]any); d["deviceDnsName"] == nil {
		t.Errorf("device: %v", d)
	}
	kinds := map[any]map[string]any{}
	for _, e := range alert["entities"].([]any) {
		kinds[e.(map[string]any)["entityType"]] = e.(map[string]any)
	}
	if kinds["Process"]["processId"] != 4711.0 || kinds["User"] == nil || kinds["Device"] != nil {
		t.Errorf("entities: %v", kinds)
	}
	for q, want := range map[string][]int64{
		"": {other, id}, "$top=1": {other}, "$skip=1": {id}, "$filter=" + url.QueryEscape("status eq 'Active'"): {other},
		"$filter=" + url.QueryEscape("assignedTo eq 'ann' and createdTime lt 2026-11-20T09:30:00Z"): {id},
		"$filter=" + url.QueryEscape("lastUpdateTime ge 2026-11-21T00:00:00Z"):                      {},
	} {
		var got []int64
		for _, i := range value(t, h.call(token, "GET", "/api/incidents?"+q, "")) {
			got = append(got, int64(i["incidentId"].(float64)))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
	alerts := value(t, h.call(token, "GET", "/api/alerts?$filter="+url.QueryEscape(fmt.Sprintf("incidentId eq %d and severity eq 'High'", id)), ""))
	if len(alerts) != 1 || alerts[0]["alertId"] != alert["alertId"] {
		t.Errorf("alerts: %v", alerts)
	}
	for path, want := range map[string]int{"/api/incidents?$top=101": 400, "/api/incidents?$filter=severity%20eq%20%27High%27": 400, "/api/incidents?$expand=alerts": 400,
		"/api/incidents?$orderby=status": 400, "/api/incidents/999": 404, "/api/incidents/x": 404, "/api/alerts?$top=0": 400} {
		a := h.call(token, "GET", path, "")
		if a.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", path, a.StatusCode, a.body, want)
		}
		if e, _ := a.json(t)["error"].(map[string]any); want >= 400 && (e["code"] == nil || e["target"] == nil) {
			t.Errorf("%s: no error of Defender's: %s", path, a.body)
		}
	}
	if code := h.call(token, "GET", "/api/incidents?$top=101", "").json(t)["error"].(map[string]any)["code"]; code != "ODataError" {
		t.Errorf("code %v", code)
	}
	if a := h.call(h.scoped(tocsin.RoleReader, tocsin.VerbIncidentRead), "GET", "/api/incidents", ""); a.StatusCode != 403 {
		t.Errorf("alerts without their permission: %d", a.StatusCode)
	}
	if a := h.call(token, "PATCH", fmt.Sprintf("/api/incidents/%d", id), "{}"); a.StatusCode != 405 {
		t.Errorf("writing: %d", a.StatusCode)
	}
}

// P03: a client that asks too often gets 429 with the time to wait, and may go
// on after it; the portal's own sessions and other clients are not held up.
func TestPace(t *testing.T) {
	h := open(t, func(c *Config) {
		c.Clients = Pace{PerMinute: 20, PerHour: 30}
		c.Defender = Pace{PerMinute: 5, PerHour: 8}
	})
	one, other := h.token(tocsin.RoleOperator), h.token(tocsin.RoleOperator)
	b := h.signIn(auth.FirstUser, h.password)
	until429 := func(path string, most int) (n int, wait string) {
		for n = range most {
			if a := h.call(one, "GET", path, ""); a.StatusCode == http.StatusTooManyRequests {
				return n, a.Header.Get("Retry-After")
			} else if a.StatusCode != 200 {
				t.Fatal(a.StatusCode, a.body)
			}
		}
		return most, ""
	}
	if n, wait := until429("/api/incidents", 10); n != 5 || wait != "12" {
		t.Errorf("the older interface: %d calls, wait %s", n, wait)
	}
	h.clock.forward(12 * time.Second)
	if n, _ := until429("/api/incidents", 10); n != 1 {
		t.Errorf("after the wait: %d calls", n)
	}
	h.clock.forward(time.Minute)
	if n, wait := until429("/api/alerts", 10); n != 2 || wait == "" || wait == "12" {
		t.Errorf("of the hour's eight two were left: %d, wait %s", n, wait)
	}
	h.clock.forward(time.Minute)
	n, wait := until429(graphIncidents, 40)
	if n == 0 || n > 20 || wait == "" {
		t.Errorf("Graph: %d calls, wait %s", n, wait)
	}
	// Every route of the client's is held to it, also those that merge, move and
	// change many.
	for i := range routes {
		rt := &routes[i]
		if rt.verb == "" || rt.verb == tocsin.VerbIntakeWrite || rt.method == http.MethodHead {
			continue
		}
		if a := h.call(one, rt.method, sample(rt), "{}"); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d", rt.method, rt.path, a.StatusCode)
		}
	}
	for range 25 {
		if a := b.call("GET", graphIncidents, ""); a.StatusCode != 200 {
			t.Fatalf("the portal: %d", a.StatusCode)
		}
	}
	if a := h.call(other, "GET", graphIncidents, ""); a.StatusCode != 200 {
		t.Errorf("another client: %d", a.StatusCode)
	}
	h.clock.forward(time.Hour)
	if a := h.call(one, "GET", graphIncidents, ""); a.StatusCode != 200 {
		t.Errorf("after an hour: %d", a.StatusCode)
	}
}

// groups are permissions as Defender bundles them, in the verbs of this system.
var groups = map[string][]tocsin.Verb{
	"read":   {tocsin.VerbIncidentRead, tocsin.VerbAlertRead, tocsin.VerbEventRead, tocsin.VerbHunt, tocsin.VerbIntakeRead, tocsin.VerbRuleRead, tocsin.VerbUserRead},
	"alerts": {tocsin.VerbIncidentWrite, tocsin.VerbAlertWrite},
	"tuning": {tocsin.VerbRuleManage, tocsin.VerbCorrelation},
	"audit":  {tocsin.VerbAuditRead},
	"access": {tocsin.VerbUserManage, tocsin.VerbTokenManage},
	"intake": {tocsin.VerbIntakeWrite},
}

// TestPermissionSplit (P02): a token that has one bundle of permissions alone is
// refused by every route of the others, and by none of its own for want of
// permission; and a reader changes nothing on the way.
func TestPermissionSplit(t *testing.T) {
	h := open(t, nil)
	known := map[tocsin.Verb]string{tocsin.VerbSession: "everybody"}
	for name, verbs := range groups {
		for _, v := range verbs {
			known[v] = name
		}
	}
	for i := range routes {
		if rt := &routes[i]; rt.verb != "" && known[rt.verb] == "" {
			known[rt.verb] = string(rt.verb)
			groups[string(rt.verb)] = []tocsin.Verb{rt.verb}
		}
	}
	for name, verbs := range groups {
		token := h.scoped(tocsin.RoleAdministrator, verbs...)
		for i := range routes {
			rt := &routes[i]
			if rt.public != "" || rt.verb == tocsin.VerbSession || rt.stream {
				continue
			}
			own := known[rt.verb] == name
			head, err := h.store.Head(h.system())
			if err != nil {
				t.Fatal(err)
			}
			if own {
				continue // that the verb of a route lets in is Allow's, and tested with each route
			}
			if a := h.call(token, rt.method, sample(rt), "{}"); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s with %s alone: %d, want 403", rt.method, rt.path, name, a.StatusCode)
			}
			if now, _ := h.store.Head(h.system()); now != head {
				t.Errorf("%s %s with %s alone changed something", rt.method, rt.path, name)
			}
		}
		for _, v := range verbs {
			p := tocsin.Principal{Tenant: "t", ID: "x", Roles: []tocsin.Role{tocsin.RoleAdministrator}, Scopes: verbs}
			if !tocsin.Can(p, v) {
				t.Errorf("%s may not %s", name, v)
			}
		}
	}
	// What may be read and not changed, and the other way round, over HTTP.
	id := h.accept(alertOn(1, "A", h.clock.now()))[0]
	path := fmt.Sprintf("%s/%d", graphIncidents, id)
	read, write := h.scoped(tocsin.RoleAdministrator, groups["read"]...), h.scoped(tocsin.RoleAdministrator, groups["alerts"]...)
	tune := h.scoped(tocsin.RoleAdministrator, groups["tuning"]...)
	for _, tt := range []struct {
		who, token, method, path, body string
		status                         int
	}{
		{"read", read, "GET", path, "", 200}, {"read", read, "PATCH", path, `{"status":"resolved"}`, 403},
		{"alerts", write, "PATCH", path, `{"status":"inProgress"}`, 200}, {"alerts", write, "GET", path, "", 403}, {"alerts", write, "PATCH", "/api/v1/rules/r1", `{"enabled":false}`, 403},
		{"tuning", tune, "PATCH", "/api/v1/rules/r1", `{"enabled":false}`, 200}, {"tuning", tune, "PATCH", path, `{"status":"resolved"}`, 403}, {"tuning", tune, "GET", path, "", 403},
	} {
		if a := h.call(tt.token, tt.method, tt.path, tt.body); a.StatusCode != tt.status {
			t.Errorf("%s: %s %s: %d, want %d: %s", tt.who, tt.method, tt.path, a.StatusCode, tt.status, a.body)
		}
	}
}
