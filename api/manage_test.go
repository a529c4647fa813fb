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
