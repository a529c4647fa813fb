package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func TestRelatedIncidents(t *testing.T) {
	h := open(t, nil)
	operator, reader := h.token(tocsin.RoleOperator), h.token(tocsin.RoleReader)
	h.accept(alertOn(1, "One", time.Now().Add(-time.Hour)), alertOn(2, "Two", time.Now().Add(-time.Hour)))
	list := value(t, h.call(operator, "GET", "/v1.0/security/incidents?$top=2", ""))
	if len(list) < 2 {
		t.Fatalf("%d incidents", len(list))
	}
	a, b := fmt.Sprint(list[0]["id"]), fmt.Sprint(list[1]["id"])
	at := "/api/v1/incidents/" + a + "/related"
	body := `{"incidentId":"` + b + `","reason":"one campaign"}`
	for _, tt := range []struct {
		token, method, path, body string
		status                    int
	}{
		{reader, "POST", at, body, 403}, {operator, "POST", at, `{"incidentId":"` + b + `"}`, 400}, {operator, "POST", at, `{"incidentId":"x","reason":"r"}`, 400},
		{operator, "POST", at, body, 204}, {operator, "POST", at, body, 409}, {reader, "DELETE", at + "/" + b, "", 403},
		{operator, "DELETE", at + "/" + b, "", 204}, {operator, "DELETE", at + "/" + b, "", 404}, {operator, "POST", at, body, 204},
	} {
		if got := h.call(tt.token, tt.method, tt.path, tt.body); got.StatusCode != tt.status {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, got.StatusCode, got.body)
		}
	}
	got := value(t, h.call(reader, "GET", "/api/v1/incidents/"+b+"/related", ""))
	if len(got) != 1 || got[0]["id"] != a || got[0]["basis"] != "people" || got[0]["reason"] != "one campaign" || got[0]["displayName"] != list[0]["displayName"] {
		t.Errorf("%v", got)
	}
}
