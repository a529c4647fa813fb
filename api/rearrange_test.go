package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// C10, C12.
func TestMergeMoveUndo(t *testing.T) {
	h := open(t, nil)
	now := h.clock.now()
	one, two := h.accept(alertOn(1, "Credential dumping", now))[0], h.accept(alertOn(2, "Phishing", now))[0]
	if one == two {
		t.Fatal("they are one incident")
	}
	token := h.token(tocsin.RoleOperator)
	merge := graphIncidents + "/mergeIncidents"
	a := h.call(token, "POST", merge, fmt.Sprintf(`{"incidentIds":["%d","%d"],"incidentComment":"one campaign","mergeReasons":["sameActor"]}`, one, two))
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	to := a.json(t)["targetIncidentId"].(string)
	done := a.json(t)["tocsin"].(map[string]any)["rearrangements"].([]any)
	source := fmt.Sprint(two)
	if to == source {
		source = fmt.Sprint(one)
	}
	if inc := h.call(token, "GET", graphIncidents+"/"+source, "").json(t); inc["status"] != "redirected" || inc["redirectIncidentId"] != to {
		t.Errorf("%v", inc)
	}
	list := value(t, h.call(token, "GET", "/api/v1/incidents/"+to+"/rearrangements", ""))
	if len(list) != 1 || list[0]["why"] != "one campaign" || list[0]["alerts"] != 1.0 || fmt.Sprint(list[0]["fromIncidentId"]) != source {
		t.Errorf("%v", list)
	}
	undo := fmt.Sprintf("/api/v1/rearrangements/%v/undo", done[0])
	if a := h.call(token, "POST", undo, ""); a.StatusCode != http.StatusOK || a.json(t)["undone"] == nil {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(token, "POST", undo, ""); a.StatusCode != http.StatusConflict {
		t.Errorf("undone twice: %d %s", a.StatusCode, a.body)
	}
	if inc := h.call(token, "GET", graphIncidents+"/"+source, "").json(t); inc["status"] != "active" || inc["redirectIncidentId"] != nil {
		t.Errorf("%v", inc)
	}
	alert := value(t, h.call(token, "GET", graphAlerts+"?$filter="+url.QueryEscape("incidentId eq '"+source+"'"), ""))[0]["id"].(string)
	a = h.call(token, "POST", graphAlerts+"/moveAlerts", fmt.Sprintf(`{"alertIds":["%s"],"incidentId":"%s","alertComment":"belongs there"}`, alert, to))
	if a.StatusCode != http.StatusOK || a.json(t)["targetIncidentId"] != to {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	a = h.call(token, "POST", graphAlerts+"/moveAlerts", fmt.Sprintf(`{"alertIds":["%s"],"incidentId":null}`, alert))
	if fresh, _ := a.json(t)["targetIncidentId"].(string); a.StatusCode != http.StatusOK || fresh == to || fresh == source {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for body, code := range map[string]int{
		`{"incidentIds":["1"]}`: 400, `{"incidentIds":["x","y"]}`: 400, `{"incidentIds":["1","99"]}`: 404, `{`: 400,
		fmt.Sprintf(`{"incidentIds":["%s","%s"],"mergeReasons":["whim"]}`, to, source): 400, `{"incidentIds":` + strings.Repeat("[", 300): 400,
	} {
		if a := h.call(token, "POST", merge, body); a.StatusCode != code {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := h.call(h.token(tocsin.RoleReader), "POST", merge, fmt.Sprintf(`{"incidentIds":["%d","%d"]}`, one, two)); a.StatusCode != http.StatusForbidden {
		t.Errorf("a reader: %d", a.StatusCode)
	}
	if a := h.call(token, "PUT", fmt.Sprintf("/api/v1/incidents/%s/apart/%s", to, to), ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("from itself: %d", a.StatusCode)
	}
}
