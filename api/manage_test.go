package api

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// M07, M09, M10: resolving reaches no other incident's alerts, a tag that was
// given is suggested and filters the queue, and system tags are not for people.
func TestM07M09M10Manage(t *testing.T) {
	h := open(t, nil)
	now := h.clock.now()
	ids := h.accept(alertOn(1, "Phishing", now), alertOn(2, "Beacon", now))
	token := h.token(tocsin.RoleOperator)
	one := fmt.Sprintf("%s/%d", graphIncidents, ids[0])
	if a := h.call(token, "PATCH", one, `{"status":"resolved","customTags":["Crown jewels"]}`); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for _, al := range value(t, h.call(token, "GET", graphAlerts, "")) {
		if want := map[string]string{fmt.Sprint(ids[0]): "resolved", fmt.Sprint(ids[1]): "new"}[al["incidentId"].(string)]; al["status"] != want {
			t.Errorf("alert of incident %v is %v, want %s", al["incidentId"], al["status"], want)
		}
	}
	if a := h.call(token, "GET", "/api/v1/tags?q=crown", ""); len(a.json(t)["value"].([]any)) != 1 {
		t.Errorf("suggestions: %s", a.body)
	}
	for filter, n := range map[string]int{"customTags/any(t:t eq 'crown jewels')": 1, "customTags/any(t:t eq 'other')": 0} {
		if got := value(t, h.call(token, "GET", graphIncidents+"?$filter="+url.QueryEscape(filter), "")); len(got) != n {
			t.Errorf("%s: %v", filter, got)
		}
	}
	if a := h.call(token, "PATCH", one, `{"systemTags":[]}`); a.StatusCode != http.StatusBadRequest {
		t.Errorf("system tags by hand: %d %s", a.StatusCode, a.body)
	}
}

// M01: all that the manage pane has is saved by one request, as one change of
// the record's order, and read back.
func TestM01OneSave(t *testing.T) {
	h := open(t, nil)
	ids := h.accept(alertOn(1, "Phishing", h.clock.now()))
	token := h.token(tocsin.RoleOperator)
	one := fmt.Sprintf("%s/%d", graphIncidents, ids[0])
	was := h.call(token, "GET", one, "").json(t)
	a := h.call(token, "PATCH", one, `{"displayName":"Case of May","severity":"low","customTags":["VIP"],"assignedTo":"kim","status":"inProgress","classification":"truePositive","determination":"malware"}`)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	is := h.call(token, "GET", one, "").json(t)
	for field, want := range map[string]string{"displayName": "Case of May", "severity": "low", "customTags": "[VIP]", "assignedTo": "kim", "status": "inProgress",
		"classification": "truePositive", "determination": "malware"} {
		if got := fmt.Sprint(is[field]); got != want || fmt.Sprint(was[field]) == want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	// One of them that cannot be leaves all as they were.
	if a := h.call(token, "PATCH", one, `{"displayName":"Other","severity":"high","classification":"falsePositive","determination":"malware"}`); a.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if got := h.call(token, "GET", one, "").json(t); got["displayName"] != "Case of May" || got["severity"] != "low" {
		t.Errorf("a part of what was refused was saved: %v", got)
	}
}

// M06: the note that resolving asks for is on the incident and beside the entry
// of the log that says that it was resolved.
func TestM06ResolutionNote(t *testing.T) {
	h := open(t, nil)
	ids := h.accept(alertOn(1, "Phishing", h.clock.now()), alertOn(2, "Beacon", h.clock.now()), alertOn(3, "Worm", h.clock.now()))
	token := h.token(tocsin.RoleOperator)
	note := "Account locked, device reinstalled."
	for i, patches := range [][]string{
		{`{"status":"resolved","resolvingComment":"` + note + `"}`},
		{`{"resolvingComment":"` + note + `"}`, `{"status":"resolved"}`},
		{`{"status":"resolved"}`},
	} {
		one := fmt.Sprintf("%s/%d", graphIncidents, ids[i])
		for _, p := range patches {
			if a := h.call(token, "PATCH", one, p); a.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
		}
		want := note
		if i == 2 {
			want = ""
		}
		if got, _ := h.call(token, "GET", one, "").json(t)["resolvingComment"].(string); got != want {
			t.Errorf("the incident's note is %q, want %q", got, want)
		}
		found := false
		for _, l := range value(t, h.call(token, "GET", fmt.Sprintf("/api/v1/incidents/%d/activities", ids[i]), "")) {
			if l["kind"] == "statusChanged" {
				got, _ := l["comment"].(string)
				found = true
				if got != want {
					t.Errorf("beside the entry stands %q, want %q", got, want)
				}
			}
		}
		if !found {
			t.Error("the log does not say that it was resolved")
		}
	}
}
