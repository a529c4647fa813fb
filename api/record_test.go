package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

// leavesNone are the routes that write nothing that the record tells of, and
// why. A line here is a decision.
var leavesNone = map[string]string{
	"token":                        "an access token is a short-lived proof of a client; the client is in the record",
	"batch":                        "its parts are requests of their own",
	"postEvents":                   "telemetry is no change by anybody; the lake counts it",
	"postTableEvents":              "telemetry",
	"hecDefault":                   "telemetry",
	"hecEvent":                     "telemetry",
	"hecEventVersion":              "telemetry",
	"hecRaw":                       "telemetry",
	"hecAck":                       "reads",
	"elasticBulk":                  "telemetry",
	"elasticIndexBulk":             "telemetry",
	"elasticSetup":                 "answers what shippers ask at their start; keeps nothing",
	"elasticBulkPut":               "telemetry",
	"elasticPutDataStream":         "answers what shippers ask at their start; keeps nothing",
	"elasticPutTemplate":           "as elasticPutDataStream",
	"elasticPutIndexTemplate":      "as elasticPutDataStream",
	"elasticPutPolicy":             "as elasticPutDataStream",
	"elasticPutIndex":              "as elasticPutDataStream",
	"undoBulk":                     "needs the jobs; its line is that of a bulk change",
	"saveHuntingQuery":             "needs a lake; TestSavedQueriesStayApart of package store holds its line",
	"updateHuntingQuery":           "as saveHuntingQuery",
	"deleteHuntingQuery":           "as saveHuntingQuery",
	"checkHunt":                    "reads",
	"prepareHunt":                  "reads",
	"kustoCommand":                 "reads",
	"dryRunCorrelation":            "changes nothing",
	"previewSplit":                 "changes nothing",
	"touchPresence":                "who looks at what now, forgotten after half a minute",
	"leavePresence":                "as touchPresence",
	"matchDevices":                 "reads",
	"previewScoring":               "reads",
	"putPreference":                "how one's own screen looks",
	"updateRule":                   "the rules of this test are no real ones; the line is written in package app (TestRulesLeaveALine)",
	"importRules":                  "as updateRule",
	"runHunt":                      "needs a lake; TestHuntHistory holds its line",
	"runHuntingQuery":              "as runHunt",
	"runHuntingQueryQualified":     "as runHunt",
	"runHuntingQueryBeta":          "as runHunt",
	"runHuntingQueryBetaQualified": "as runHunt",
	"advancedHunting":              "as runHunt",
	"advancedQueries":              "as runHunt",
	"kustoQuery":                   "as runHunt",
	"kustoQueryV2":                 "as runHunt",
	"linkHunt":                     "needs a lake; TestLinkHunt holds its lines",
}

// writer is one request of TestEveryWriteIsInTheRecord.
type writer struct {
	method, path, body string
	// new is true when there is nothing that the line could say was before.
	new bool
}

// TestEveryWriteIsInTheRecord (L01): each route that writes leaves a line with
// who did it and when, with what is after it and, where something was there,
// what was before. A new route must be added here, or to the list of those that
// leave none with its reason.
func TestEveryWriteIsInTheRecord(t *testing.T) {
	h := open(t, nil)
	admin := h.signIn(auth.FirstUser, h.password)
	now := h.clock.now()
	var ids []int64
	for i := range 10 {
		ids = append(ids, h.accept(alertOn(i, fmt.Sprintf("Alert %d", i), now))[0])
	}
	alertOf := func(i int) string {
		inc, err := h.cases.Incident(h.system(), ids[i], true)
		if err != nil || len(inc.Alerts) == 0 {
			t.Fatal(inc, err)
		}
		return inc.Alerts[0].ID
	}
	inc := func(i int) string { return strconv.FormatInt(ids[i], 10) }
	made := func(method, path, body string, field ...string) string {
		a := admin.call(method, path, body)
		if a.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.body)
		}
		v := a.json(t)
		for _, f := range field[:len(field)-1] {
			v = v[f].(map[string]any)
		}
		return fmt.Sprint(v[field[len(field)-1]])
	}
	merged := func() string {
		done := admin.call("POST", graphIncidents+"/mergeIncidents", fmt.Sprintf(`{"incidentIds":["%s","%s"]}`, inc(4), inc(5))).json(t)
		return fmt.Sprint(done["tocsin"].(map[string]any)["rearrangements"].([]any)[0])
	}
	group := func() string {
		return made("POST", "/api/v1/groups", `{"name":"Tier two","members":["`+auth.FirstUser+`"]}`, "id")
	}
	set := func(name string) string {
		return made("POST", "/api/v1/filtersets", `{"noun":"incident","name":"`+name+`","query":"severity=high"}`, "id")
	}
	task := func() string {
		return made("POST", "/api/v1/incidents/"+inc(0)+"/tasks", `{"title":"Look"}`, "id")
	}
	template := func(name string) string {
		return made("POST", "/api/v1/tasktemplates", `{"name":"`+name+`","tasks":[{"title":"Call"}]}`, "id")
	}
	deviceGroup := func(name string) string {
		return `{"name":"` + name + `","rule":{"conditions":[{"field":"name","operator":"startsWith","value":"` + name + `"}]}}`
	}
	token := func() string {
		return made("POST", "/api/v1/tokens", `{"name":"t","roles":["securityReader"]}`, "token", "id")
	}
	user := made("POST", "/api/v1/admin/users", `{"userName":"ben","roles":["securityReader"]}`, "user", "id")
	writes := map[string]func() writer{
		"updateIncident": func() writer { return writer{"PATCH", graphIncidents + "/" + inc(0), `{"status":"inProgress"}`, false} },
		"commentIncident": func() writer {
			return writer{"POST", graphIncidents + "/" + inc(0) + "/comments", `{"comment":"x"}`, true}
		},
		"updateAlert": func() writer {
			return writer{"PATCH", graphAlerts + "/" + alertOf(0), `{"status":"inProgress"}`, false}
		},
		"commentAlert": func() writer {
			return writer{"POST", graphAlerts + "/" + alertOf(0) + "/comments", `{"comment":"x"}`, true}
		},
		"mergeIncidents": func() writer {
			return writer{"POST", graphIncidents + "/mergeIncidents", fmt.Sprintf(`{"incidentIds":["%s","%s"]}`, inc(1), inc(2)), false}
		},
		"moveAlerts": func() writer {
			return writer{"POST", graphAlerts + "/moveAlerts", fmt.Sprintf(`{"alertIds":["%s"],"incidentId":"%s"}`, alertOf(3), inc(0)), false}
		},
		"splitIncident": func() writer {
			one := alertOf(8)
			to := made("POST", graphIncidents+"/mergeIncidents", fmt.Sprintf(`{"incidentIds":["%s","%s"]}`, inc(8), inc(9)), "targetIncidentId")
			return writer{"POST", "/api/v1/incidents/" + to + "/split", fmt.Sprintf(`{"alertIds":[%q]}`, one), false}
		},
		"cancelBulk": func() writer {
			return writer{"POST", "/api/v1/bulk/" + made("POST", "/api/v1/incidents/bulk", `{"ids":["`+inc(7)+`"],"change":{"severity":"low"}}`, "id") + "/cancel", ``, false}
		},
		"undoRearrangement": func() writer { return writer{"POST", "/api/v1/rearrangements/" + merged() + "/undo", ``, false} },
		"partIncidents":     func() writer { return writer{"PUT", "/api/v1/incidents/" + inc(6) + "/apart/" + inc(7), ``, false} },
		"unpartIncidents":   func() writer { return writer{"DELETE", "/api/v1/incidents/" + inc(6) + "/apart/" + inc(7), ``, false} },
		"createToken": func() writer {
			return writer{"POST", "/api/v1/tokens", `{"name":"n","roles":["securityReader"]}`, true}
		},
		"revokeToken": func() writer { return writer{"DELETE", "/api/v1/tokens/" + token(), ``, false} },
		"createUser": func() writer {
			return writer{"POST", "/api/v1/admin/users", `{"userName":"cleo","roles":["securityReader"]}`, true}
		},
		"updateUser":  func() writer { return writer{"PATCH", "/api/v1/admin/users/" + user, `{"disabled":true}`, false} },
		"createGroup": func() writer { return writer{"POST", "/api/v1/groups", `{"name":"Tier one"}`, true} },
		"updateGroup": func() writer { return writer{"PUT", "/api/v1/groups/" + group(), `{"name":"Tier three"}`, false} },
		"deleteGroup": func() writer { return writer{"DELETE", "/api/v1/groups/" + group(), ``, false} },
		"createFilterSet": func() writer {
			return writer{"POST", "/api/v1/filtersets", `{"noun":"incident","name":"a","query":"severity=low"}`, true}
		},
		"updateFilterSet": func() writer { return writer{"PATCH", "/api/v1/filtersets/" + set("b"), `{"name":"bb"}`, false} },
		"deleteFilterSet": func() writer { return writer{"DELETE", "/api/v1/filtersets/" + set("c"), ``, false} },
		"putCorrelationPolicy": func() writer {
			policy, err := json.Marshal(admin.call("GET", "/api/v1/correlation", "").json(t)["policy"])
			if err != nil {
				t.Fatal(err)
			}
			return writer{"PUT", "/api/v1/correlation/policy", string(policy), false}
		},
		"relateIncident": func() writer {
			return writer{"POST", "/api/v1/incidents/" + inc(7) + "/related", `{"incidentId":"` + inc(8) + `","reason":"the same campaign"}`, true}
		},
		"unrelateIncident": func() writer {
			admin.call("POST", "/api/v1/incidents/"+inc(7)+"/related", `{"incidentId":"`+inc(9)+`","reason":"the same campaign"}`)
			return writer{"DELETE", "/api/v1/incidents/" + inc(7) + "/related/" + inc(9), ``, false}
		},
		"putScoring": func() writer {
			points, err := json.Marshal(admin.call("GET", "/api/v1/scoring", "").json(t)["defaults"])
			if err != nil {
				t.Fatal(err)
			}
			return writer{"PUT", "/api/v1/scoring", strings.Replace(string(points), `"alerts":8`, `"alerts":9`, 1), false}
		},
		"resetScoring": func() writer { return writer{"DELETE", "/api/v1/scoring", ``, false} },
		"putAssetMark": func() writer {
			return writer{"POST", "/api/v1/assets/marks", `{"name":"dc01.corp.example","mark":"critical","reason":"domain controller"}`, true}
		},
		"removeAssetMark": func() writer {
			admin.call("POST", "/api/v1/assets/marks", `{"name":"dc02.corp.example","mark":"vip"}`)
			return writer{"DELETE", "/api/v1/assets/marks?name=dc02.corp.example&mark=vip", ``, false}
		},
		"resetCorrelationPolicy": func() writer { return writer{"DELETE", "/api/v1/correlation/policy", ``, false} },
		"updateCorrelation":      func() writer { return writer{"PATCH", "/api/v1/correlation", `{"default":"disabled"}`, false} },
		"setRuleCorrelation": func() writer {
			return writer{"PUT", "/api/v1/correlation/rules", `{"detectorId":"r1","correlation":"disabled"}`, true}
		},
		"createExclusion": func() writer {
			return writer{"POST", "/api/v1/correlation/exclusions", `{"type":"ip","value":"192.0.2.1","reason":"proxy"}`, true}
		},
		"deleteExclusion": func() writer {
			return writer{"DELETE", "/api/v1/correlation/exclusions/" + made("POST", "/api/v1/correlation/exclusions", `{"type":"ip","value":"192.0.2.2","reason":"proxy"}`, "id"), ``, false}
		},
		"addTask": func() writer {
			return writer{"POST", "/api/v1/incidents/" + inc(0) + "/tasks", `{"title":"Call"}`, true}
		},
		"updateTask": func() writer {
			return writer{"PATCH", "/api/v1/incidents/" + inc(0) + "/tasks/" + task(), `{"title":"Write"}`, false}
		},
		"deleteTask": func() writer { return writer{"DELETE", "/api/v1/incidents/" + inc(0) + "/tasks/" + task(), ``, false} },
		"applyTaskTemplate": func() writer {
			return writer{"POST", "/api/v1/incidents/" + inc(0) + "/tasks/template", `{"templateId":` + template("one") + `}`, true}
		},
		"createTaskTemplate": func() writer {
			return writer{"POST", "/api/v1/tasktemplates", `{"name":"two","tasks":[{"title":"Call"}]}`, true}
		},
		"updateTaskTemplate": func() writer {
			return writer{"PUT", "/api/v1/tasktemplates/" + template("three"), `{"name":"four","tasks":[{"title":"Call"}]}`, false}
		},
		"deleteTaskTemplate": func() writer { return writer{"DELETE", "/api/v1/tasktemplates/" + template("five"), ``, false} },
		"createDeviceGroup":  func() writer { return writer{"POST", "/api/v1/devicegroups", deviceGroup("A"), true} },
		"updateDeviceGroup": func() writer {
			return writer{"PUT", "/api/v1/devicegroups/" + made("POST", "/api/v1/devicegroups", deviceGroup("B"), "id"), deviceGroup("BB"), false}
		},
		"deleteDeviceGroup": func() writer {
			return writer{"DELETE", "/api/v1/devicegroups/" + made("POST", "/api/v1/devicegroups", deviceGroup("C"), "id"), ``, false}
		},
		"bulkIncidents": func() writer {
			return writer{"POST", "/api/v1/incidents/bulk", `{"ids":["` + inc(6) + `"],"change":{"severity":"low"}}`, true}
		},
		"createAlert": func() writer {
			return writer{"POST", "/api/v1/alerts/manual", `{"title":"x","description":"y","severity":"low","category":"Execution","assets":[{"type":"device","name":"h77"}]}`, true}
		},
		"bulkAlerts": func() writer {
			return writer{"POST", "/api/v1/alerts/bulk", `{"ids":["` + alertOf(6) + `"],"change":{"status":"inProgress"}}`, true}
		},
	}
	// At the end, since they end what the others need.
	last := map[string]func() writer{
		"changePassword": func() writer {
			return writer{"POST", "/api/v1/session/password", fmt.Sprintf(`{"current":%q,"new":"a long enough new one 77"}`, h.password.Reveal()), true}
		},
		"signIn": func() writer {
			return writer{"POST", "/api/v1/session", fmt.Sprintf(`{"userName":%q,"password":%q}`, auth.FirstUser, h.password.Reveal()), true}
		},
		"signOut": func() writer { return writer{"DELETE", "/api/v1/session", ``, true} },
	}
	for _, rt := range routes {
		if rt.method == http.MethodGet || rt.method == http.MethodHead || leavesNone[rt.id] != "" {
			continue
		}
		if writes[rt.id] == nil && last[rt.id] == nil {
			t.Errorf("%s %s (%s) writes, and nothing here shows that the record tells of it", rt.method, rt.path, rt.id)
		}
	}
	try := func(id string, prepare func() writer, b *browser) {
		if !hasRoute(id) {
			t.Errorf("there is no route %s", id)
			return
		}
		w := prepare()
		head, err := h.store.Head(h.system())
		if err != nil {
			t.Fatal(err)
		}
		if a := b.call(w.method, w.path, w.body); a.StatusCode >= 300 {
			t.Errorf("%s: %s %s: %d %s", id, w.method, w.path, a.StatusCode, a.body)
			return
		}
		lines, err := h.store.Changes(h.system(), head, 0)
		if err != nil {
			t.Fatal(err)
		}
		told := false
		for i := range lines {
			c := &lines[i]
			if c.Actor.Name == "" || c.Actor.Kind == "" || c.At.IsZero() || c.Summary == "" || c.Kind == "" || c.Noun == "" || c.ID == "" {
				t.Errorf("%s: a line lacks something: %+v", id, c)
			}
			if strings.Contains(string(c.Before)+string(c.After)+c.Summary, h.password.Reveal()) {
				t.Errorf("%s: the password is in the record", id)
			}
			told = told || c.Actor.Name == auth.FirstUser && (w.new || isValue(c.Before) || isValue(c.After) && strings.HasPrefix(c.Kind, "deleted"))
		}
		if !told {
			t.Errorf("%s: no line of the %d tells it: %+v", id, len(lines), lines)
		}
	}
	for _, rt := range routes { // in the table's order, so that runs are alike
		if f := writes[rt.id]; f != nil {
			try(rt.id, f, admin)
		}
	}
	try("signIn", last["signIn"], admin) // which ends this session
	try("changePassword", last["changePassword"], h.signIn(auth.FirstUser, h.password))
	try("signOut", last["signOut"], h.signIn(auth.FirstUser, "a long enough new one 77"))
	if n, bad, err := h.store.VerifyChain(t.Context()); bad != nil || err != nil || n == 0 {
		t.Errorf("the chain: %d, %v, %v", n, bad, err)
	}
}

func hasRoute(id string) bool {
	for i := range routes {
		if routes[i].id == id {
			return true
		}
	}
	return false
}

func isValue(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != "{}"
}

// TestLogFilters (L02, L03, C14): the log of an incident by every filter over
// HTTP, all that an entry holds, and the origin of what came with a merge.
func TestLogFilters(t *testing.T) {
	h := open(t, nil)
	now := h.clock.now()
	one, two := h.accept(alertOn(1, "Credential dumping", now))[0], h.accept(alertOn(2, "Phishing", now))[0]
	token := h.token(tocsin.RoleOperator)
	h.call(token, "PATCH", fmt.Sprintf("%s/%d", graphIncidents, one), `{"assignedTo":"ann"}`)
	h.call(token, "POST", fmt.Sprintf("%s/%d/comments", graphIncidents, two), `{"comment":"seen before"}`)
	to := h.call(token, "POST", graphIncidents+"/mergeIncidents", fmt.Sprintf(`{"incidentIds":["%d","%d"]}`, one, two)).json(t)["targetIncidentId"].(string)
	if to != fmt.Sprint(one) {
		t.Fatalf("merged into %s", to)
	}
	log := fmt.Sprintf("/api/v1/incidents/%d/activities", one)
	all := value(t, h.call(token, "GET", log, ""))
	for name, tt := range map[string]struct {
		query string
		keep  func(a map[string]any) bool
	}{
		"origin":   {fmt.Sprintf("origin=%d", two), func(a map[string]any) bool { return a["origin"] == float64(two) }},
		"category": {"category=comment&category=correlation", func(a map[string]any) bool { return a["category"] == "comment" || a["category"] == "correlation" }},
		"trigger":  {"trigger=manual", func(a map[string]any) bool { return a["actor"].(map[string]any)["kind"] == "integration" }},
		"provider": {"provider=correlation", func(a map[string]any) bool { return a["provider"] == "correlation" }},
		"status":   {"status=completed&type=assigned", func(a map[string]any) bool { return a["kind"] == "assigned" }},
		"type":     {"type=created&type=merged", func(a map[string]any) bool { return a["kind"] == "created" || a["kind"] == "merged" }},
		"target":   {"targetType=alert", func(a map[string]any) bool { return a["targetType"] == "alert" }},
		"text": {"target=CREDENTIAL", func(a map[string]any) bool {
			return strings.Contains(strings.ToLower(fmt.Sprint(a["summary"], a["target"])), "credential")
		}},
		"by": {"by=correlation&category=correlation", func(a map[string]any) bool {
			return a["actor"].(map[string]any)["name"] == "correlation" && a["category"] == "correlation"
		}},
		"time": {"to=2020-01-01T00:00:00Z", func(map[string]any) bool { return false }},
	} {
		var want []any
		for _, a := range all {
			if tt.keep(a) {
				want = append(want, a["seq"])
			}
		}
		var got []any
		for _, a := range value(t, h.call(token, "GET", log+"?"+tt.query, "")) {
			got = append(got, a["seq"])
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || name != "time" && (len(want) == 0 || len(want) == len(all)) {
			t.Errorf("%s: got %v, want %v of %d", name, got, want, len(all))
		}
	}
	for _, a := range all {
		for _, f := range []string{"seq", "at", "actor", "kind", "summary", "category", "provider", "trigger", "status", "targetType", "target", "noun", "id", "version", "prev", "hash"} {
			if a[f] == nil {
				t.Errorf("an entry has no %s: %v", f, a)
			}
		}
	}
	desc := h.call(token, "GET", log+"?order=desc&top=2&values=true", "").json(t)
	if v := desc["value"].([]any); v[0].(map[string]any)["seq"] != all[len(all)-1]["seq"] || desc["next"] != v[1].(map[string]any)["seq"] {
		t.Errorf("newest first: %v", desc)
	}
	if origins := desc["values"].(map[string]any)["origins"].([]any); len(origins) != 2 {
		t.Errorf("origins: %v", origins)
	}
	for _, bad := range []string{"category=x", "status=x", "trigger=x", "order=x", "origin=x", "from=yesterday", "before=-1", "top=0", "target=" + strings.Repeat("x", 300)} {
		if a := h.call(token, "GET", log+"?"+bad, ""); a.StatusCode != 400 && a.StatusCode != 413 {
			t.Errorf("%.30s: %d", bad, a.StatusCode)
		}
	}
}

// The export over HTTP is whole, says that it was made, and checks out; who may
// not audit gets none of it.
func TestExportAudit(t *testing.T) {
	h := open(t, nil)
	h.accept(alertOn(1, "<script>", h.clock.now()))
	token := h.token(tocsin.RoleAdministrator)
	a := h.call(token, "GET", "/api/v1/audit/export", "")
	head, chain, bad, err := tocsin.CheckExport(strings.NewReader(a.body))
	if err != nil || bad != nil || !head.Whole || chain.Lines < 4 || !strings.Contains(a.body, "recordExported") || !strings.Contains(a.Header.Get("Content-Disposition"), ".ndjson") {
		t.Fatalf("%+v %+v %v %v\n%s", head, chain, bad, err, a.body)
	}
	part := h.call(token, "GET", "/api/v1/audit/export?category=correlation", "")
	if head, chain, bad, err = tocsin.CheckExport(strings.NewReader(part.body)); err != nil || bad != nil || head.Whole || chain.Lines == 0 || strings.Contains(part.body, `"noun":"token"`) {
		t.Errorf("a part: %+v %+v %v %v", head, chain, bad, err)
	}
	v := h.call(token, "GET", "/api/v1/audit/verification", "").json(t)
	if v["ok"] != true || v["lines"].(float64) < 5 {
		t.Errorf("verification: %v", v)
	}
	reader := h.token(tocsin.RoleOperator)
	for _, path := range []string{"/api/v1/audit", "/api/v1/audit/export", "/api/v1/audit/verification"} {
		if a := h.call(reader, "GET", path, ""); a.StatusCode != 403 {
			t.Errorf("%s as operator: %d", path, a.StatusCode)
		}
	}
}

// TestRecordIsAppendOnly (L05): no route takes a change of a line away or makes
// one: under the addresses of the record there is nothing but reading.
func TestRecordIsAppendOnly(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleAdministrator)
	id := h.accept(alertOn(1, "A", h.clock.now()))[0]
	before, _ := h.store.Head(h.system())
	for _, path := range []string{"/api/v1/audit", "/api/v1/audit/1", "/api/v1/audit/export", fmt.Sprintf("/api/v1/incidents/%d/activities", id), fmt.Sprintf("/api/v1/incidents/%d/activities/1", id), "/api/v1/changes"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			if a := h.call(token, method, path, "{}"); a.StatusCode != 405 && a.StatusCode != 404 {
				t.Errorf("%s %s: %d", method, path, a.StatusCode)
			}
		}
	}
	if after, _ := h.store.Head(h.system()); after != before {
		t.Errorf("the record went from %d to %d", before, after)
	}
	for _, rt := range routes {
		if strings.Contains(rt.path, "audit") && rt.method != http.MethodGet {
			t.Errorf("%s %s", rt.method, rt.path)
		}
	}
}
