package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// tied makes one incident of three alerts on one device.
func tied(t *testing.T, h *house) (incident string) {
	t.Helper()
	now := h.clock.now()
	var id int64
	for i := range 3 {
		a := alertOn(1, fmt.Sprintf("Step %d", i), now.Add(time.Duration(i)*time.Minute))
		a.ExternalID = fmt.Sprintf("tied-%d", i)
		id = h.accept(a)[0]
	}
	return fmt.Sprint(id)
}

func TestChainAndSplit(t *testing.T) {
	h := open(t, nil)
	id := tied(t, h)
	token := h.token(tocsin.RoleOperator)
	path := "/api/v1/incidents/" + id
	a := h.call(token, "GET", path+"/chain", "")
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	chain := a.json(t)
	steps := chain["value"].([]any)
	if len(steps) != 3 || chain["parts"] != 1.0 || chain["weakest"] == nil {
		t.Fatalf("%s", a.body)
	}
	held := steps[2].(map[string]any)["held"].(map[string]any)
	entity := held["entities"].([]any)[0].(map[string]any)
	if held["sentence"] == "" || held["signal"] == "" || entity["key"] == "" || entity["signal"] == "" || entity["weight"].(float64) <= 0 {
		t.Errorf("%v", held)
	}
	ends := func(l map[string]any) string {
		return fmt.Sprintf(`"fromAlertId":"%s","toAlertId":"%s"`, l["from"].(map[string]any)["id"], l["to"].(map[string]any)["id"])
	}
	if one := h.call(token, "GET", path+"/chain?top=1", "").json(t); len(one["value"].([]any)) != 1 || one["next"] != 1.0 {
		t.Errorf("%v", one)
	}
	alert := steps[2].(map[string]any)["alert"].(map[string]any)["id"].(string)
	if why := h.call(token, "GET", path+"/chain?alert="+alert, "").json(t); len(why["path"].([]any)) < 2 {
		t.Errorf("%v", why)
	}
	p := h.call(token, "POST", path+"/split", `{"preview":true,`+ends(held)+`}`)
	plan := p.json(t)
	if p.StatusCode != http.StatusOK || plan["go"].(map[string]any)["count"].(float64) < 1 || plan["cutCount"].(float64) < 1 || plan["targetIncidentId"] != nil {
		t.Fatalf("%d %s", p.StatusCode, p.body)
	}
	body := fmt.Sprintf(`{%s,"version":%v,"comment":"not one story","wrongCorrelationReasons":["temporalProximity"],"irrelevantEntities":[{"key":"%s","name":"x"}]}`,
		ends(held), plan["version"], entity["key"])
	done := h.call(token, "POST", path+"/split", body)
	if done.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", done.StatusCode, done.body)
	}
	to := done.json(t)["targetIncidentId"].(string)
	list := value(t, h.call(token, "GET", path+"/rearrangements", ""))
	if len(list) != 1 || list[0]["kind"] != "split" || list[0]["cut"].(map[string]any)["signal"] == nil || list[0]["irrelevantEntities"] == nil || list[0]["wrongCorrelationReasons"] == nil {
		t.Errorf("%v", list)
	}
	if a := h.call(token, "POST", path+"/split", body); a.StatusCode != http.StatusConflict {
		t.Errorf("an old plan: %d %s", a.StatusCode, a.body)
	}
	undo := fmt.Sprintf("/api/v1/rearrangements/%v/undo", done.json(t)["tocsin"].(map[string]any)["rearrangements"].([]any)[0])
	if a := h.call(token, "POST", undo, ""); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if inc := h.call(token, "GET", graphIncidents+"/"+to, "").json(t); inc["status"] != "redirected" || inc["redirectIncidentId"] != id {
		t.Errorf("%v", inc)
	}
	for body, code := range map[string]int{`{}`: 400, `{"alertIds":["nope"]}`: 404, `{"fromAlertId":"a","toAlertId":"b"}`: 404, `{`: 400,
		`{"alertIds":["` + alert + `"],"wrongCorrelationReasons":["whim"]}`: 400, `{"alertIds":[` + strings.Repeat(`"x",`, 1200) + `"x"]}`: 400} {
		if a := h.call(token, "POST", path+"/split", body); a.StatusCode != code {
			t.Errorf("%.60s: %d %s", body, a.StatusCode, a.body)
		}
	}
	for query, code := range map[string]int{"?top=5000": 400, "?skip=-1": 400, "?alert=x": 404, "?top=x": 400} {
		if a := h.call(token, "GET", path+"/chain"+query, ""); a.StatusCode != code {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
	reader := h.token(tocsin.RoleReader)
	if a := h.call(reader, "GET", path+"/chain", ""); a.StatusCode != http.StatusOK {
		t.Errorf("a reader: %d", a.StatusCode)
	}
	if a := h.call(reader, "POST", path+"/split", `{"preview":true}`); a.StatusCode != http.StatusForbidden {
		t.Errorf("a reader splits: %d", a.StatusCode)
	}
}

// C14: lines that came with a merge name the incident that they are of.
func TestC14OriginOfActivities(t *testing.T) {
	h := open(t, nil)
	now := h.clock.now()
	one, two := h.accept(alertOn(1, "Credential dumping", now))[0], h.accept(alertOn(2, "Phishing", now))[0]
	token := h.token(tocsin.RoleOperator)
	to := h.call(token, "POST", graphIncidents+"/mergeIncidents", fmt.Sprintf(`{"incidentIds":["%d","%d"],"mergeReasons":["sameActor"]}`, one, two)).json(t)["targetIncidentId"].(string)
	source := float64(two)
	if to == fmt.Sprint(two) {
		source = float64(one)
	}
	own, from := 0, 0
	for _, l := range value(t, h.call(token, "GET", "/api/v1/incidents/"+to+"/activities", "")) {
		switch l["origin"] {
		case nil:
			own++
		case source:
			from++
		default:
			t.Errorf("%v", l)
		}
	}
	if own < 2 || from < 2 {
		t.Errorf("%d lines of its own, %d of the source", own, from)
	}
}
