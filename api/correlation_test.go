package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// C20, C21, C22: exclusions and settings of rules over HTTP, each with a line of
// the record, and only for those who may.
func TestCorrelationSettings(t *testing.T) {
	h := open(t, nil)
	engineer, reader := h.token(tocsin.RoleDetection), h.token(tocsin.RoleOperator)
	const at = "/api/v1/correlation"
	must := func(token, method, path, body string, status int) map[string]any {
		t.Helper()
		a := h.call(token, method, path, body)
		if a.StatusCode != status {
			t.Fatalf("%s %s %s: %d %s", method, path, body, a.StatusCode, a.body)
		}
		if status == http.StatusNoContent || status >= 400 {
			return nil
		}
		return a.json(t)
	}
	x := must(engineer, "POST", at+"/exclusions", `{"type":"ip","value":"198.51.100.7:443","reason":"our proxy"}`, 201)
	if x["createdBy"] == "" || x["id"] == "" {
		t.Errorf("%v", x)
	}
	must(engineer, "POST", at+"/exclusions", `{"type":"ip","value":"198.51.100.7","reason":"again"}`, 409)
	must(engineer, "POST", at+"/exclusions", `{"type":"ip","value":"proxy","reason":"no address"}`, 400)
	must(engineer, "POST", at+"/exclusions", `{"type":"ip","value":"10.1.1.1"}`, 400)
	must(engineer, "POST", at+"/exclusions", `{"type":"ip","value":"10.1.1.1","reason":"r","colour":"red"}`, 400)
	must(reader, "POST", at+"/exclusions", `{"type":"ip","value":"10.1.1.1","reason":"r"}`, 403)
	if all := must(reader, "GET", at+"/exclusions", "", 200); len(all["value"].([]any)) != 1 || len(all["suggestions"].([]any)) != 0 {
		t.Errorf("%v", all)
	}
	must(reader, "DELETE", at+"/exclusions/"+fmt.Sprint(x["id"]), "", 403)
	must(engineer, "DELETE", at+"/exclusions/"+fmt.Sprint(x["id"]), "", 204)
	must(engineer, "DELETE", at+"/exclusions/"+fmt.Sprint(x["id"]), "", 404)

	must(engineer, "PUT", at+"/rules", `{"detectorId":"r/1","correlation":"disabled","grouping":{"mode":"chosen","entities":["user"],"minutes":60,"reopen":true}}`, 200)
	must(engineer, "PUT", at+"/rules", `{"detectorId":"r/1","correlation":"perhaps"}`, 400)
	must(reader, "PUT", at+"/rules", `{"detectorId":"r/1","correlation":"enabled"}`, 403)
	must(engineer, "PATCH", at, `{"default":"disabled"}`, 200)
	must(engineer, "PUT", at+"/policy", `{"join":1.1}`, 200)
	must(engineer, "PUT", at+"/policy", `{"join":"much"}`, 400)
	s := must(reader, "GET", at, "", 200)
	if s["default"] != "disabled" || s["ownPolicy"] != true || s["policy"].(map[string]any)["join"] != 1.1 || len(s["rules"].([]any)) != 1 {
		t.Errorf("%v", s)
	}
	if s = must(engineer, "DELETE", at+"/policy", "", 200); s["ownPolicy"] != false || s["policy"].(map[string]any)["join"] != 1.0 {
		t.Errorf("%v", s)
	}
	kinds := map[string]int{}
	for _, l := range value(t, h.call(h.token(tocsin.RoleAdministrator), "GET", "/api/v1/audit?top=1000", "")) {
		kinds[fmt.Sprint(l["kind"])]++
	}
	for kind, n := range map[string]int{"exclusionAdded": 1, "exclusionRemoved": 1, "ruleCorrelationChanged": 1, "correlationDefaultChanged": 1, "correlationPolicyChanged": 2} {
		if kinds[kind] != n {
			b, _ := json.Marshal(kinds)
			t.Errorf("%d lines of kind %s, want %d: %s", kinds[kind], kind, n, b)
		}
	}
}
