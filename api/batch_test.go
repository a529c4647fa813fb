package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

func TestBatch(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "A", h.clock.now()))[0]
	body := fmt.Sprintf(`{"requests":[
		{"id":"1","method":"GET","url":"/security/incidents/%[1]d?$expand=alerts"},
		{"id":"2","method":"PATCH","url":"/security/incidents/%[1]d","headers":{"Content-Type":"application/json"},"body":{"assignedTo":"ann"},"dependsOn":["1"]},
		{"id":"3","method":"GET","url":"/security/incidents/99999"},
		{"id":"4","method":"GET","url":"/security/incidents","dependsOn":["3"]},
		{"id":"5","method":"GET","url":"/../api/v1/tokens"},
		{"id":"6","method":"GET","url":"/security/../../api/v1/tokens"},
		{"id":"7","method":"POST","url":"/$batch","body":{}},
		{"id":"8","method":"GET","url":"/security/incidents","headers":{"Authorization":"Bearer somebody-else"}}]}`, id)
	statuses := func(a answer) string {
		var out []string
		for _, r := range a.json(t)["responses"].([]any) {
			out = append(out, fmt.Sprint(r.(map[string]any)["status"]))
		}
		return strings.Join(out, " ")
	}
	operator := h.token(tocsin.RoleOperator)
	if got := statuses(h.call(operator, "POST", "/v1.0/$batch", body)); got != "200 200 404 424 400 404 400 200" {
		t.Errorf("operator: %s", got)
	}
	// Each part needs its own permission, whatever the whole may.
	if got := statuses(h.call(h.token(tocsin.RoleReader), "POST", "/v1.0/$batch", body)); got != "200 403 404 424 400 404 400 200" {
		t.Errorf("reader: %s", got)
	}
	if got := statuses(h.call(h.token(tocsin.RoleSender), "POST", "/v1.0/$batch", body)); got != "403 424 403 424 400 404 400 403" {
		t.Errorf("sender: %s", got)
	}
	b := h.signIn(auth.FirstUser, h.password)
	if a := b.call("POST", "/v1.0/$batch", body, "X-CSRF-Token", ""); a.StatusCode != 403 {
		t.Errorf("without a CSRF token: %d", a.StatusCode)
	}
	if got := statuses(b.call("POST", "/v1.0/$batch", body)); got != "200 200 404 424 400 404 400 200" {
		t.Errorf("browser: %s", got)
	}
	for _, bad := range []string{`{"requests":[]}`, `{}`, `{"requests":[{"id":"1","method":"GET","url":"/security/incidents"},{"id":"1","method":"GET","url":"/security/incidents"}]}`,
		`{"requests":[` + strings.TrimSuffix(strings.Repeat(`{"id":"x","method":"GET","url":"/"},`, 21), ",") + `]}`} {
		if a := h.call(operator, "POST", "/v1.0/$batch", bad); a.StatusCode != 400 {
			t.Errorf("%.60s: %d", bad, a.StatusCode)
		}
	}
}
