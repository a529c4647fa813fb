package api

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// A dry run over HTTP: for those who may tune correlation, strictly read.
func TestDryRun(t *testing.T) {
	h := open(t, nil)
	h.accept(alertOn(1, "One", time.Now().Add(-time.Hour)), alertOn(2, "Two", time.Now().Add(-time.Hour)))
	engineer := h.token(tocsin.RoleDetection)
	const at = "/api/v1/correlation/dryrun"
	a := h.call(engineer, "POST", at, `{"days": 30, "policy": {"join": 5, "merge": 5}}`)
	if a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	out := a.json(t)
	if out["alerts"] != 2.0 || out["presentIncidents"].(float64) > out["changedIncidents"].(float64) || out["pairs"] == nil {
		t.Errorf("%v", out)
	}
	for body, say := range map[string]string{
		`{"days": 30, "policy": {"jion": 5}}`: "jion", `{"days": 0}`: "days is 0", `{"days": 30, "polciy": {}}`: "polciy",
		`{"days": 3, "addExclusions": [{"type": "ip", "value": "x", "reason": "r"}]}`: "exclusion 1", `{"days": 3, "policy": {"join": "much"}}`: "no policy",
	} {
		if a := h.call(engineer, "POST", at, body); a.StatusCode != 400 || !strings.Contains(string(a.body), say) {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := h.call(h.token(tocsin.RoleOperator), "POST", at, `{"days": 30}`); a.StatusCode != 403 {
		t.Errorf("an operator: %d", a.StatusCode)
	}
}
