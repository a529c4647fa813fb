package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// M14.
func TestM14CreateAlertOverHTTP(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleOperator)
	body := func(more string) string {
		return `{"title":"Called in","severity":"High","category":"InitialAccess","description":"why","mitreTechniques":["T1566"],"assets":[{"type":"user","name":"ann@corp.example"}],
			"evidence":[{"type":"url","name":"https://bad.example/x"}]` + more + `}`
	}
	a := h.call(token, "POST", "/api/v1/alerts/manual", body(""))
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	made := a.json(t)
	al := h.call(token, "GET", graphAlerts+"/"+fmt.Sprint(made["alertId"]), "").json(t)
	if al["detectionSource"] != "manual" || al["serviceSource"] != "microsoft365Defender" || al["severity"] != "high" || al["incidentId"] != made["incidentId"] ||
		al["category"] != "InitialAccess" || len(al["evidence"].([]any)) != 2 || fmt.Sprint(al["mitreTechniques"]) != "[T1566]" {
		t.Errorf("%v", al)
	}
	again := h.call(token, "POST", "/api/v1/alerts/manual", body(fmt.Sprintf(`,"incidentId":%q`, made["incidentId"]))).json(t)
	if again["incidentId"] != made["incidentId"] || again["alertId"] == made["alertId"] {
		t.Errorf("%v after %v", again, made)
	}
	for what, c := range map[string]struct {
		token, body string
		status      int
	}{
		"no number":    {token, body(`,"incidentId":"x"`), 400},
		"no incident":  {token, body(`,"incidentId":"99999"`), 404},
		"no assets":    {token, strings.Replace(body(""), `"assets":[{"type":"user","name":"ann@corp.example"}]`, `"assets":[]`, 1), 400},
		"a reader":     {h.token(tocsin.RoleReader), body(""), 403},
		"alerts alone": {h.scoped(tocsin.RoleOperator, tocsin.VerbAlertWrite), body(""), 403},
		"large":        {token, body(`,"recommendedActions":"` + strings.Repeat("x", maxManualBody) + `"`), 413},
	} {
		if a := h.call(c.token, "POST", "/api/v1/alerts/manual", c.body); a.StatusCode != c.status {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
}
