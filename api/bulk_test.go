package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/work"
)

// runJobs does every job that is due, as the running server would.
func (h *house) runJobs() {
	h.t.Helper()
	r := work.New(h.store)
	r.Handle(cases.BulkKind, h.cases.RunBulk)
	if _, err := r.RunOnce(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// M12, A04: over HTTP: all that match, progress, items with reasons, undo.
func TestM12BulkOverHTTP(t *testing.T) {
	h := open(t, nil)
	now := h.clock.now()
	ids := h.accept(alertOn(1, "Credential dumping", now), alertOn(2, "Phishing", now), alertOn(3, "Beacon", now))
	token := h.token(tocsin.RoleOperator)
	for body, code := range map[string]int{
		`{"change":{"comment":"x"}}`: 400, `{"ids":["1"],"all":true,"change":{"comment":"x"}}`: 400, `{"filter":"","change":{"comment":"x"}}`: 400,
		`{"filter":"nonsense eq 1","change":{"comment":"x"}}`: 400, `{"ids":["1"],"change":{}}`: 400, `{"ids":["1"],"change":{"nonsense":1}}`: 400,
		`{"ids":["1"],"change":{"status":"redirected"}}`: 400, `{"ids":["1"],"change":{"classification":"falsePositive","determination":"malware"}}`: 400,
	} {
		if a := h.call(token, "POST", "/api/v1/incidents/bulk", body); a.StatusCode != code {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	a := h.call(token, "POST", "/api/v1/incidents/bulk", `{"filter":"status eq 'active'","change":{"status":"Resolved","resolvingComment":"storm","classification":"falsePositive","addTags":["storm"]}}`)
	if a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	at := a.Header.Get("Location")
	if got := h.call(token, "GET", at, "").json(t); got["state"] != "running" || got["total"] != 3.0 || got["done"] != 0.0 || got["canUndo"] != false {
		t.Errorf("%v", got)
	}
	if a := h.call(h.token(tocsin.RoleOperator), "GET", at, ""); a.StatusCode != 404 {
		t.Errorf("another's job: %d", a.StatusCode)
	}
	h.runJobs()
	if got := h.call(token, "GET", at, "").json(t); got["state"] != "done" || got["changed"] != 3.0 || got["canUndo"] != true || got["finishedDateTime"] == nil {
		t.Errorf("%v", got)
	}
	one := fmt.Sprintf("%s/%d", graphIncidents, ids[0])
	if inc := h.call(token, "GET", one, "").json(t); inc["status"] != "resolved" || inc["resolvingComment"] != "storm" {
		t.Errorf("%v", inc)
	}
	items := value(t, h.call(token, "GET", at+"/items?state=changed&top=2", ""))
	if len(items) != 2 || items[0]["state"] != "changed" {
		t.Errorf("%v", items)
	}
	if rest := value(t, h.call(token, "GET", fmt.Sprintf("%s/items?after=%v", at, items[1]["position"]), "")); len(rest) != 1 {
		t.Errorf("%v", rest)
	}
	if a := h.call(token, "GET", at+"/items?state=odd", ""); a.StatusCode != 400 {
		t.Errorf("%d", a.StatusCode)
	}
	u := h.call(token, "POST", at+"/undo", "")
	if u.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", u.StatusCode, u.body)
	}
	h.runJobs()
	if inc := h.call(token, "GET", one, "").json(t); inc["status"] != "active" || inc["classification"] != "unknown" || len(inc["customTags"].([]any)) != 0 {
		t.Errorf("%v", inc)
	}
	if a := h.call(token, "POST", at+"/undo", ""); a.StatusCode != 409 {
		t.Errorf("undone twice: %d", a.StatusCode)
	}
	if a := h.call(token, "POST", at+"/cancel", ""); a.StatusCode != 409 {
		t.Errorf("cancelled after its end: %d", a.StatusCode)
	}
	if all := value(t, h.call(token, "GET", "/api/v1/bulk", "")); len(all) != 2 {
		t.Errorf("%v", all)
	}
	alert := value(t, h.call(token, "GET", graphAlerts, ""))[0]["id"].(string)
	a = h.call(token, "POST", "/api/v1/alerts/bulk", fmt.Sprintf(`{"ids":[%q,"none"],"change":{"status":"inProgress","assignedTo":"ann","comment":"looking"}}`, alert))
	if a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	h.runJobs()
	items = value(t, h.call(token, "GET", a.Header.Get("Location")+"/items?state=refused", ""))
	if len(items) != 1 || items[0]["id"] != "none" || !strings.Contains(items[0]["reason"].(string), "there is no alert") {
		t.Errorf("%v", items)
	}
	if al := h.call(token, "GET", graphAlerts+"/"+alert, "").json(t); al["status"] != "inProgress" || al["assignedTo"] != "ann" || len(al["comments"].([]any)) != 1 {
		t.Errorf("%v", al)
	}
}

// M02: incidents are assigned to a person or to a group; a second assignment
// replaces the first.
func TestM02OwnerGroups(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "Phishing", h.clock.now()))[0]
	admin, token := h.token(tocsin.RoleAdministrator), h.token(tocsin.RoleOperator)
	a := h.call(admin, "POST", "/api/v1/groups", `{"name":"Tier 1 desk","description":"First line","members":["admin"]}`)
	if a.StatusCode != http.StatusCreated || a.json(t)["owner"] != "group:tier-1-desk" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for body, code := range map[string]int{`{"name":""}`: 400, `{"name":"tier 1 DESK"}`: 409, `{"name":"x","members":["nobody"]}`: 400, `{"name":"` + strings.Repeat("x", 101) + `"}`: 400} {
		if a := h.call(admin, "POST", "/api/v1/groups", body); a.StatusCode != code {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := h.call(token, "POST", "/api/v1/groups", `{"name":"mine"}`); a.StatusCode != 403 {
		t.Errorf("an operator makes a group: %d", a.StatusCode)
	}
	one := fmt.Sprintf("%s/%d", graphIncidents, id)
	h.call(token, "PATCH", one, `{"assignedTo":"ann"}`)
	if a := h.call(token, "PATCH", one, `{"assignedTo":"group:tier-1-desk"}`); a.StatusCode != 200 || a.json(t)["assignedTo"] != "group:tier-1-desk" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(token, "PATCH", one, `{"assignedTo":"group:none"}`); a.StatusCode != 400 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if got := value(t, h.call(token, "GET", "/api/v1/groups?q=TIER", "")); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := value(t, h.call(token, "GET", "/api/v1/groups?mine=true", "")); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if a := h.call(admin, "DELETE", "/api/v1/groups/tier-1-desk", ""); a.StatusCode != 409 {
		t.Errorf("a group that owns is deleted: %d", a.StatusCode)
	}
	if a := h.call(admin, "PUT", "/api/v1/groups/tier-1-desk", `{"name":"Front desk"}`); a.StatusCode != 200 || a.json(t)["id"] != "tier-1-desk" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	h.call(token, "PATCH", one, `{"assignedTo":null}`)
	if a := h.call(admin, "DELETE", "/api/v1/groups/tier-1-desk", ""); a.StatusCode != 204 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
