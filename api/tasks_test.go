package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// T01, T02: tasks over HTTP, with the rights of reader and operator.
func TestT01TasksOverHTTP(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "Phishing", h.clock.now()))[0]
	token, reader := h.token(tocsin.RoleOperator), h.token(tocsin.RoleReader)
	at := fmt.Sprintf("/api/v1/incidents/%d/tasks", id)
	a := h.call(token, "POST", at, `{"title":"Purge the mail","description":"*now*","priority":"high","assignedTo":"ann","dueDateTime":"2026-12-01T12:00:00Z"}`)
	if a.StatusCode != http.StatusCreated || a.json(t)["dueDateTime"] != "2026-12-01T12:00:00Z" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	one := fmt.Sprintf("%s/%v", at, a.json(t)["id"])
	for body, code := range map[string]int{`{"status":"closed","closingNotes":"done"}`: 200, `{"dueDateTime":null}`: 200, `{"dueDateTime":"soon"}`: 400, `{"status":"x"}`: 400,
		`{"title":""}`: 400, `{"nonsense":1}`: 400} {
		if a := h.call(token, "PATCH", one, body); a.StatusCode != code {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := h.call(token, "PATCH", one, `{"title":"x","version":1}`); a.StatusCode != 409 {
		t.Errorf("a version of before: %d %s", a.StatusCode, a.body)
	}
	if ts := value(t, h.call(reader, "GET", at, "")); len(ts) != 1 || ts[0]["status"] != "closed" || ts[0]["closingNotes"] != "done" || ts[0]["dueDateTime"] != nil {
		t.Errorf("%v", ts)
	}
	for _, try := range [][2]string{{"POST", at}, {"PATCH", one}, {"DELETE", one}} {
		if a := h.call(reader, try[0], try[1], `{"title":"x"}`); a.StatusCode != 403 {
			t.Errorf("a reader: %s %d", try[0], a.StatusCode)
		}
	}
	tpl := h.call(token, "POST", "/api/v1/tasktemplates", `{"name":"Phishing","tasks":[{"title":"A"},{"title":"B","dueHours":2}]}`)
	if tpl.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", tpl.StatusCode, tpl.body)
	}
	if a := h.call(token, "POST", at+"/template", fmt.Sprintf(`{"templateId":%v}`, tpl.json(t)["id"])); a.StatusCode != 201 || len(a.json(t)["value"].([]any)) != 2 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(token, "DELETE", one, ""); a.StatusCode != 204 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(token, "GET", "/api/v1/incidents/999/tasks", ""); a.StatusCode != 404 {
		t.Errorf("%d", a.StatusCode)
	}
}

// M15: who else looks at an incident is told to those who may read it, and is
// forgotten after 30 seconds.
func TestM15Presence(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "Phishing", h.clock.now()))[0]
	at := fmt.Sprintf("/api/v1/incidents/%d/presence", id)
	ann, ben := h.token(tocsin.RoleOperator), h.token(tocsin.RoleReader)
	if got := value(t, h.call(ann, "PUT", at, `{"client":"1","editing":true}`)); len(got) != 0 {
		t.Errorf("%v", got)
	}
	got := value(t, h.call(ben, "PUT", at, `{"client":"2"}`))
	if len(got) != 1 || got[0]["editing"] != true || got[0]["self"] != false {
		t.Errorf("%v", got)
	}
	if got := value(t, h.call(ben, "PUT", at, `{"client":"3"}`)); len(got) != 2 || got[1]["self"] != true {
		t.Errorf("another window: %v", got)
	}
	h.clock.forward(20 * time.Second)
	h.call(ben, "DELETE", at+"?client=3", "")
	h.call(ben, "PUT", at, `{"client":"2"}`)
	h.clock.forward(15 * time.Second)
	if got := value(t, h.call(ben, "PUT", at, `{"client":"2"}`)); len(got) != 0 {
		t.Errorf("35 seconds later: %v", got)
	}
	if a := h.call(h.token(tocsin.RoleSender), "PUT", at, `{}`); a.StatusCode != 403 {
		t.Errorf("who may not read: %d", a.StatusCode)
	}
	if a := h.call(ann, "PUT", "/api/v1/incidents/999/presence", `{}`); a.StatusCode != 404 {
		t.Errorf("an incident that is not there: %d", a.StatusCode)
	}
}

// A05: similar alerts are listed with how they were judged, and classified at
// once through the bulk change.
func TestA05SimilarAlerts(t *testing.T) {
	h := open(t, nil)
	now := h.clock.now()
	other := alertOn(4, "Beacon", now)
	other.DetectorID = "rule-2"
	h.accept(alertOn(1, "Phishing", now), alertOn(2, "Phishing", now), alertOn(3, "Phishing", now), other)
	token := h.token(tocsin.RoleOperator)
	var ids []string
	for _, al := range value(t, h.call(token, "GET", graphAlerts+"?$filter=title%20eq%20'Phishing'", "")) {
		ids = append(ids, al["id"].(string))
	}
	if len(ids) != 3 {
		t.Fatalf("%v", ids)
	}
	at := "/api/v1/alerts/" + ids[0] + "/similar"
	if got := value(t, h.call(token, "GET", at, "")); len(got) != 2 || got[0]["title"] != "Phishing" {
		t.Errorf("%v", got)
	}
	a := h.call(token, "POST", "/api/v1/alerts/bulk", fmt.Sprintf(`{"ids":[%q,%q],"change":{"classification":"falsePositive","determination":"notMalicious","status":"resolved"}}`, ids[1], ids[2]))
	if a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	h.runJobs()
	got := h.call(token, "GET", at, "").json(t)
	if v := got["verdicts"].([]any); len(v) != 1 || v[0].(map[string]any)["count"] != 2.0 {
		t.Errorf("%v", got)
	}
	h.clock.forward(31 * 24 * time.Hour)
	if got := value(t, h.call(token, "GET", at, "")); len(got) != 0 {
		t.Errorf("after 31 days: %v", got)
	}
}
