package api

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

func TestSignInAndOut(t *testing.T) {
	h := open(t, nil)
	b := h.signIn(auth.FirstUser, h.password)
	if !b.cookie.HttpOnly || b.cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie: %+v", b.cookie)
	}
	s := b.call("GET", "/api/v1/session", "").json(t)
	user := s["user"].(map[string]any)
	if user["userName"] != "admin" || s["csrfToken"] != b.csrf || len(user["permissions"].([]any)) != len(tocsin.Verbs) || s["tenant"].(map[string]any)["name"] != "Example" {
		t.Errorf("session: %v", s)
	}
	if a := h.call("", "GET", "/api/v1/session", ""); a.StatusCode != 401 || a.errorOf(t) != "unauthenticated" {
		t.Errorf("nobody's session: %d %s", a.StatusCode, a.body)
	}
	out := b.call("DELETE", "/api/v1/session", "")
	if out.StatusCode != http.StatusNoContent || len(out.Cookies()) != 1 || out.Cookies()[0].MaxAge >= 0 {
		t.Errorf("sign out: %d %v", out.StatusCode, out.Cookies())
	}
	if a := b.call("GET", "/api/v1/session", ""); a.StatusCode != 401 {
		t.Errorf("after sign out: %d", a.StatusCode)
	}
	for _, body := range []string{`{"userName":"admin","password":"wrong"}`, `{"userName":"nobody","password":"wrong"}`} {
		a := h.call("", "POST", "/api/v1/session", body)
		if a.StatusCode != 401 || !strings.Contains(a.body, "the user name or the password is wrong") || len(a.Cookies()) != 0 {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	for _, body := range []string{`{"userName":"admin"}x`, `{"userName":5,"password":"x"}`, `{"user":"x"}`, ``} {
		if a := h.call("", "POST", "/api/v1/session", body); a.StatusCode != 400 {
			t.Errorf("%q: %d %s", body, a.StatusCode, a.body)
		}
	}
	if strings.Contains(h.log.String(), h.password.Reveal()) || strings.Contains(h.log.String(), b.cookie.Value) {
		t.Error("a secret is in the log")
	}
}

func TestSignInThrottle(t *testing.T) {
	h := open(t, nil)
	for range 5 {
		h.call("", "POST", "/api/v1/session", `{"userName":"admin","password":"wrong"}`)
	}
	a := h.call("", "POST", "/api/v1/session", fmt.Sprintf(`{"userName":"admin","password":%q}`, h.password.Reveal()))
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "30" || a.errorOf(t) != "activityLimitReached" {
		t.Errorf("locked: %d %q %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
	}
	h.clock.forward(30 * time.Second)
	h.signIn(auth.FirstUser, h.password)
}

func TestCSRF(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "A", h.clock.now()))[0]
	b := h.signIn(auth.FirstUser, h.password)
	path := fmt.Sprintf("%s/%d", graphIncidents, id)
	good := `{"assignedTo":"ann"}`
	for what, headers := range map[string][]string{
		"no token":            {"X-CSRF-Token", ""},
		"wrong token":         {"X-CSRF-Token", "x"},
		"another site":        {"Sec-Fetch-Site", "cross-site"},
		"another sub-domain":  {"Sec-Fetch-Site", "same-site"},
		"another port":        {"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", ""},
		"origin null":         {"Origin", "null", "Sec-Fetch-Site", ""},
		"another scheme":      {"Origin", strings.Replace(h.server.URL, "http:", "https:", 1), "Sec-Fetch-Site", ""},
		"host with a trailer": {"Origin", h.server.URL + ".evil.example", "Sec-Fetch-Site", ""},
	} {
		if a := b.call("PATCH", path, good, headers...); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	if a := b.call("PATCH", path, good); a.StatusCode != http.StatusOK {
		t.Errorf("the portal itself: %d %s", a.StatusCode, a.body)
	}
	if a := b.call("PATCH", path, good, "Origin", "https://name.at.the.proxy"); a.StatusCode != http.StatusOK {
		t.Errorf("the portal behind a proxy: %d %s", a.StatusCode, a.body)
	}
	if a := b.call("PATCH", path, good, "Sec-Fetch-Site", ""); a.StatusCode != http.StatusOK {
		t.Errorf("the portal in a browser without fetch metadata: %d %s", a.StatusCode, a.body)
	}
	// Every changing route wants the token of a session, whatever it does.
	for i := range routes {
		rt := &routes[i]
		if rt.public != "" || rt.method == "GET" {
			continue
		}
		if a := b.call(rt.method, sample(rt), "{}", "X-CSRF-Token", ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s without a CSRF token: %d", rt.method, rt.path, a.StatusCode)
		}
	}
	for _, path := range []string{graphIncidents, "/api/v1/changes", "/api/v1/session"} {
		if a := b.call("GET", path, "", "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
			t.Errorf("reading %s from another site: %d", path, a.StatusCode)
		}
	}
	// A foreign page cannot sign a browser in either.
	body := fmt.Sprintf(`{"userName":"admin","password":%q}`, h.password.Reveal())
	if a := h.call("", "POST", "/api/v1/session", body, "Origin", "https://evil.example"); a.StatusCode != http.StatusForbidden || len(a.Cookies()) != 0 {
		t.Errorf("sign-in from another origin: %d", a.StatusCode)
	}
	if a := h.call("", "POST", "/api/v1/session", body, "Content-Type", "text/plain"); a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("sign-in as text/plain: %d", a.StatusCode)
	}
	// A token has no cookie and needs none of this.
	if a := h.call(h.token(tocsin.RoleOperator), "PATCH", path, good, "Origin", "https://tool.example"); a.StatusCode != http.StatusOK {
		t.Errorf("token: %d %s", a.StatusCode, a.body)
	}
	for _, a := range []answer{h.call("", "OPTIONS", graphIncidents, "", "Origin", "https://evil.example", "Access-Control-Request-Method", "PATCH"), h.call("", "GET", graphIncidents, "", "Origin", "null")} {
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("another origin is allowed to read")
		}
	}
}

func TestChangePassword(t *testing.T) {
	h := open(t, nil)
	other := h.signIn(auth.FirstUser, h.password)
	b := h.signIn(auth.FirstUser, h.password)
	body := func(cur, next string) string {
		raw, _ := json.Marshal(map[string]string{"current": cur, "new": next})
		return string(raw)
	}
	if a := b.call("POST", "/api/v1/session/password", body("wrong", "a much better passphrase")); a.StatusCode != 400 {
		t.Errorf("wrong current: %d", a.StatusCode)
	}
	a := b.call("POST", "/api/v1/session/password", body(h.password.Reveal(), "a much better passphrase"))
	if a.StatusCode != http.StatusNoContent || len(a.Cookies()) != 1 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := other.call("GET", "/api/v1/session", ""); a.StatusCode != 401 {
		t.Errorf("other session: %d", a.StatusCode)
	}
	if a := b.call("GET", "/api/v1/session", ""); a.StatusCode != 401 {
		t.Errorf("old cookie: %d", a.StatusCode)
	}
	b.cookie = a.Cookies()[0]
	if s := b.call("GET", "/api/v1/session", "").json(t); s["csrfToken"] != b.csrf {
		t.Error("the renewed session has another CSRF token, which the page does not know")
	}
	if a := h.call(h.token(tocsin.RoleAdministrator), "POST", "/api/v1/session/password", body("x", "a much better passphrase")); a.StatusCode != 403 {
		t.Errorf("a token changes a password: %d", a.StatusCode)
	}
}

func TestTokenEndpoint(t *testing.T) {
	h := open(t, nil)
	admin := h.signIn(auth.FirstUser, h.password)
	made := admin.call("POST", "/api/v1/tokens", `{"name":"soar","kind":"client","roles":["securityOperator"]}`).json(t)
	id, secret := made["token"].(map[string]any)["clientId"].(string), made["secret"].(string)
	form := func(more string) string {
		return "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret + more
	}
	post := func(path, body string, headers ...string) answer {
		return h.call("", "POST", path, body, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
	}
	a := post("/default/oauth2/v2.0/token", form("&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"))
	tok := a.json(t)
	if a.StatusCode != 200 || tok["token_type"] != "Bearer" || tok["expires_in"] != 3600.0 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(tok["access_token"].(string), "GET", graphIncidents, ""); a.StatusCode != 200 {
		t.Errorf("with the access token: %d %s", a.StatusCode, a.body)
	}
	if a := post("/default/oauth2/v2.0/token", "grant_type=client_credentials", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret))); a.StatusCode != 200 {
		t.Errorf("client_secret_basic: %d %s", a.StatusCode, a.body)
	}
	for _, tc := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/default/oauth2/v2.0/token", strings.Replace(form(""), secret, "tcc_wrong", 1), 401, "invalid_client"},
		{"/default/oauth2/v2.0/token", "grant_type=client_credentials&client_id=nobody&client_secret=x", 401, "invalid_client"},
		{"/default/oauth2/v2.0/token", strings.Replace(form(""), "client_credentials", "password", 1), 400, "unsupported_grant_type"},
		{"/default/oauth2/v2.0/token", form("&scope=User.Read"), 400, "invalid_scope"},
		{"/default/oauth2/v2.0/token", form("&client_id=x"), 400, "invalid_request"},
		{"/other/oauth2/v2.0/token", form(""), 400, "invalid_request"},
	} {
		a := post(tc.path, tc.body)
		if a.StatusCode != tc.status || a.json(t)["error"] != tc.code {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, a.StatusCode, a.body)
		}
	}
	if a := h.call("", "POST", "/default/oauth2/v2.0/token", `{"grant_type":"client_credentials"}`); a.StatusCode != 400 {
		t.Errorf("JSON: %d", a.StatusCode)
	}
	if a := h.call("", "GET", "/default/oauth2/v2.0/token?"+form(""), ""); a.StatusCode != 405 {
		t.Errorf("secret in the address: %d", a.StatusCode)
	}
}

func TestAdministration(t *testing.T) {
	h := open(t, nil)
	b := h.signIn(auth.FirstUser, h.password)
	made := b.call("POST", "/api/v1/tokens", `{"name":"shipper","roles":["telemetrySender"],"expires":"2026-12-01T00:00:00Z"}`)
	if made.StatusCode != 201 {
		t.Fatal(made.body)
	}
	tok := made.json(t)
	secret, id := tok["secret"].(string), tok["token"].(map[string]any)["id"].(string)
	if a := h.call(secret, "POST", "/api/v1/events/DeviceEvents", "{}\n"); a.StatusCode != 200 {
		t.Errorf("with the token: %d %s", a.StatusCode, a.body)
	}
	if list := b.call("GET", "/api/v1/tokens", ""); strings.Contains(list.body, secret[8:]) || len(value(t, list)) != 1 {
		t.Errorf("tokens: %s", list.body)
	}
	if a := b.call("DELETE", "/api/v1/tokens/"+id, ""); a.StatusCode != 204 {
		t.Errorf("revoke: %d", a.StatusCode)
	}
	if a := h.call(secret, "POST", "/api/v1/events/DeviceEvents", "{}\n"); a.StatusCode != 401 {
		t.Errorf("revoked token: %d", a.StatusCode)
	}
	for _, body := range []string{`{"name":"x","roles":["system"]}`, `{"name":"x","roles":[]}`, `{"name":"","roles":["securityReader"]}`, `{"name":"x","roles":["securityReader"],"scopes":["everything"]}`,
		`{"name":"x","roles":["securityReader"],"expires":"2020-01-01T00:00:00Z"}`, `{"name":"x","roles":["securityReader"],"kind":"root"}`, `{"name":"x","roles":["securityReader"],"id":"mine"}`} {
		if a := b.call("POST", "/api/v1/tokens", body); a.StatusCode != 400 {
			t.Errorf("%s: %d", body, a.StatusCode)
		}
	}

	u := b.call("POST", "/api/v1/admin/users", `{"userName":"Ann","displayName":"Ann Lee","roles":["securityOperator"]}`)
	if u.StatusCode != 201 {
		t.Fatal(u.body)
	}
	user, password := u.json(t)["user"].(map[string]any), u.json(t)["password"].(string)
	ann := h.signIn("ann", tocsin.Secret(password))
	if a := ann.call("GET", "/api/v1/admin/users", ""); a.StatusCode != 403 || a.errorOf(t) != "accessDenied" {
		t.Errorf("operator lists accounts: %d", a.StatusCode)
	}
	if p := value(t, ann.call("GET", "/api/v1/users?q=lee", "")); len(p) != 1 || p[0]["userName"] != "ann" {
		t.Errorf("people: %v", p)
	}
	if a := b.call("PATCH", "/api/v1/admin/users/"+user["id"].(string), `{"disabled":true}`); a.StatusCode != 200 || a.json(t)["password"] != nil {
		t.Errorf("disable: %d %s", a.StatusCode, a.body)
	}
	if a := ann.call("GET", "/api/v1/session", ""); a.StatusCode != 401 {
		t.Errorf("session of a disabled account: %d", a.StatusCode)
	}
	if a := b.call("PATCH", "/api/v1/admin/users/"+user["id"].(string), `{"userName":"root"}`); a.StatusCode != 400 {
		t.Errorf("rename: %d", a.StatusCode)
	}
	if n := len(value(t, b.call("GET", "/api/v1/admin/users", ""))); n != 2 {
		t.Errorf("%d accounts", n)
	}
	audit := b.call("GET", "/api/v1/audit", "")
	if lines := value(t, audit); len(lines) < 7 || lines[1]["prev"] != lines[0]["hash"] || strings.Contains(audit.body, password) {
		t.Errorf("audit: %s", audit.body)
	}
	if r := value(t, b.call("GET", "/api/v1/rules", "")); len(r) != 1 {
		t.Errorf("rules: %v", r)
	}
	if a := b.call("PATCH", "/api/v1/rules/r1", `{"enabled":false}`).json(t); a["enabled"] != false {
		t.Errorf("rule: %v", a)
	}
	if a := b.call("PATCH", "/api/v1/rules/none", `{"enabled":false}`); a.StatusCode != 404 {
		t.Errorf("unknown rule: %d", a.StatusCode)
	}
	if a := b.call("PATCH", "/api/v1/rules/r1", `{}`); a.StatusCode != 400 {
		t.Errorf("empty patch: %d", a.StatusCode)
	}
	if a := b.call("POST", "/api/v1/rules/import", "PK", "Content-Type", "application/zip"); a.StatusCode != 200 {
		t.Errorf("import: %d %s", a.StatusCode, a.body)
	}
}

func TestReads(t *testing.T) {
	h := open(t, nil)
	id := h.accept(alertOn(1, "A", h.clock.now()))[0]
	token := h.token(tocsin.RoleOperator)
	s := h.call(token, "GET", "/api/v1/incidents/summary", "").json(t)
	if len(s["hours"].([]any)) != 24 || s["open"].(map[string]any)["high"] != 1.0 || s["open"].(map[string]any)["low"] != 0.0 {
		t.Errorf("summary: %v", s)
	}
	h.call(token, "PATCH", fmt.Sprintf("%s/%d", graphIncidents, id), `{"customTags":["vip","vault"]}`)
	raw := h.call(token, "GET", "/api/v1/tags?q=vi", "")
	if raw.body != "{\"value\":[\"vip\"]}\n" {
		t.Errorf("tags: %s", raw.body)
	}
	in := h.call(token, "GET", "/api/v1/intake", "").json(t)
	if in["rows"] != 7.0 || in["quarantined"] != 2.0 || in["tables"].([]any)[0].(map[string]any)["name"] != "DeviceEvents" {
		t.Errorf("intake: %v", in)
	}
	q := h.call(token, "GET", "/api/v1/quarantine", "")
	if q.json(t)["total"] != 2.0 || strings.Contains(q.body, "never shown") {
		t.Errorf("quarantine: %s", q.body)
	}
	if r := h.call(token, "GET", "/api/v1/rows?table=DeviceEvents&ts=2026-11-20T09:00:00Z&deviceId=x&reportId=7", "").json(t); r["row"].(map[string]any)["ActionType"] != "ProcessCreated" {
		t.Errorf("row: %v", r)
	}
	for path, want := range map[string]int{"/api/v1/rows?table=DeviceEvents&reportId=8": 404, "/api/v1/rows": 400, "/api/v1/rows?table=x&ts=never": 400,
		"/api/v1/incidents/999/activities": 404, fmt.Sprintf("/api/v1/incidents/%d/activities?after=x", id): 400, "/api/v1/audit": 403, "/api/v1/openapi.json": 200} {
		if a := h.call(token, "GET", path, ""); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
	m := h.call(token, "GET", "/metrics", "")
	if m.StatusCode != 200 || !strings.Contains(m.body, `tocsin_http_requests_total{route="getIntake",status="200"} 1`) {
		t.Errorf("metrics: %d %s", m.StatusCode, m.body)
	}
}

func TestAddresses(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleAdministrator)
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200}, {"GET", "/incidents/17", 200}, {"GET", "/anything.js", 200}, // the portal's
		{"GET", "/healthz", 200}, {"HEAD", "/healthz", 200}, {"HEAD", graphIncidents, 200},
		{"GET", "/api", 404}, {"GET", "/api/", 404}, {"GET", "/api/v1/nothing", 404}, {"GET", "/v1.0/", 404}, {"GET", "/beta/security/incidents", 404}, {"GET", "/elastic", 200},
		{"GET", "/metrics/x", 404}, {"GET", "/debug/pprof/", 200}, // is the portal's answer and not a profile
		{"GET", "//api/v1/session", 404}, {"GET", "/api//v1/session", 404}, {"GET", "/api/v1/../v1/session", 404}, {"GET", "/api/v1/session/", 404},
		{"GET", "/api/v1/%2e%2e/v1/session", 404}, {"GET", "/api/v1%2fsession", 404}, {"GET", "/v1.0/security/incidents/..%2f..%2fapi", 404},
		{"DELETE", graphIncidents + "/1", 405}, {"POST", graphIncidents, 405}, {"PUT", "/api/v1/session", 405}, {"TRACE", "/healthz", 405},
	} {
		a := h.call(token, tc.method, tc.path, "")
		if a.StatusCode != tc.status {
			t.Errorf("%s %s: %d, want %d: %.100s", tc.method, tc.path, a.StatusCode, tc.status, a.body)
		}
		if tc.status >= 400 {
			a.errorOf(t)
		}
		if tc.status == 405 && a.Header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tc.method, tc.path)
		}
	}
	if a := h.call(token, "POST", graphIncidents, ""); a.Header.Get("Allow") != "GET, HEAD" || a.errorOf(t) != "notAllowed" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	if a := h.call(token, "HEAD", graphIncidents, ""); a.body != "" {
		t.Error("HEAD has a body")
	}
}

func TestHeaders(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleReader)
	for _, path := range []string{"/", graphIncidents, "/api/v1/nothing", "/healthz"} {
		a := h.call(token, "GET", path, "", "client-request-id", "abc-1")
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "client-request-id": "abc-1"} {
			if a.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, a.Header.Get(name))
			}
		}
		csp := a.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy lacks %s: %s", path, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy is unsafe: %s", path, csp)
		}
		if path != "/" && a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control is %q", path, a.Header.Get("Cache-Control"))
		}
		if a.Header.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS without TLS")
		}
		if a.Header.Get("request-id") == "" {
			t.Error("no request-id")
		}
	}
	if a := h.call("", "GET", graphIncidents, "", "client-request-id", "x y<z>"); strings.Contains(a.body, "x y") || a.Header.Get("client-request-id") != a.Header.Get("request-id") {
		t.Errorf("a hostile client-request-id came back: %s", a.body)
	}
}

func TestPanicIsA500(t *testing.T) {
	h := open(t, func(c *Config) {
		c.Portal = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				_, _ = io.WriteString(w, "half")
			}
			panic("secret detail")
		})
	})
	a := h.call("", "GET", "/boom", "")
	if a.StatusCode != 500 || a.errorOf(t) != "generalException" || strings.Contains(a.body, "secret detail") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if !strings.Contains(h.log.String(), "secret detail") || !strings.Contains(h.log.String(), a.Header.Get("request-id")) {
		t.Error("the log does not say what happened")
	}
	res, err := http.Get(h.server.URL + "/late")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks whole")
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	h := open(t, nil)
	h.intake.err = errors.New("open /var/lib/secret: permission denied")
	a := h.call(h.token(tocsin.RoleSender), "POST", "/api/v1/events", "{}\n")
	if a.StatusCode != 500 || strings.Contains(a.body, "secret") || !strings.Contains(h.log.String(), "/var/lib/secret") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// P03.
func TestRateLimit(t *testing.T) {
	h := open(t, func(c *Config) { c.RatePerSecond, c.RateBurst = 0.001, 5 })
	token, other := h.token(tocsin.RoleReader), h.token(tocsin.RoleReader)
	for range 5 {
		if a := h.call(token, "GET", graphIncidents, ""); a.StatusCode != 200 {
			t.Fatal(a.StatusCode)
		}
	}
	a := h.call(token, "GET", graphIncidents, "")
	if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || a.errorOf(t) != "activityLimitReached" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a := h.call(other, "GET", graphIncidents, ""); a.StatusCode != 200 {
		t.Errorf("another token is limited too: %d", a.StatusCode)
	}
}

func TestMissingParts(t *testing.T) {
	h := open(t, func(c *Config) { c.Lake, c.Intake, c.Rules, c.Portal = nil, nil, nil, nil })
	token := h.token(tocsin.RoleAdministrator)
	for path, want := range map[string]int{"/api/v1/intake": 503, "/api/v1/quarantine": 503, "/api/v1/rules": 503, "/api/v1/rows?table=x": 503, "/": 404} {
		if a := h.call(token, "GET", path, ""); a.StatusCode != want {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := h.call(token, "POST", "/api/v1/events", "{}"); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("events: %d", a.StatusCode)
	}
}

func zipped(s string) string {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = io.WriteString(zw, s)
	_ = zw.Close()
	return b.String()
}

func TestTelemetryDoors(t *testing.T) {
	h := open(t, func(c *Config) { c.MaxEventsBytes = 1 << 20 })
	token := h.token(tocsin.RoleSender)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("beats:"+token))
	for _, tc := range []struct {
		method, path, body string
		headers            []string
		status             int
		has                string
	}{
		{"POST", "/api/v1/events/EmailEvents", "{}\n{}\n", nil, 200, `"accepted":2`},
		{"POST", "/api/v1/events", zipped("{}\n"), []string{"Content-Encoding", "gzip"}, 200, `"accepted":1`},
		{"POST", "/api/v1/events", "not gzip", []string{"Content-Encoding", "gzip"}, 400, "not gzip"},
		{"POST", "/api/v1/events", "x", []string{"Content-Encoding", "br"}, 415, "content encoding"},
		{"POST", "/api/v1/events", zipped(strings.Repeat("a", 2<<20)), []string{"Content-Encoding", "gzip"}, 413, "larger than"},
		{"POST", "/api/v1/events", strings.Repeat("a", 2<<20), nil, 413, "larger than"},
		{"POST", "/services/collector", "{}", []string{"Authorization", "Splunk " + token}, 200, `{"text":"Success","code":0}`},
		{"POST", "/services/collector/event", "bad", []string{"Authorization", "Splunk " + token}, 400, `"code":6,"invalid-event-number":0`},
		{"POST", "/services/collector/raw?channel=x&token=" + token, "a line", []string{"Authorization", "Splunk " + token}, 200, `"code":0`},
		{"POST", "/services/collector/raw?token=" + token, "a line", []string{"Authorization", ""}, 401, `"code":3`},
		{"POST", "/services/collector", "{}", []string{"Authorization", "Splunk tcs_no"}, 401, `"code":3`},
		{"POST", "/services/collector", "", []string{"Authorization", "Splunk " + token}, 400, `"code":5`},
		{"GET", "/services/collector/health", "", []string{"Authorization", ""}, 200, `"code":17`},
		{"GET", "/elastic/", "", []string{"Authorization", basic}, 200, `"number"`},
		{"HEAD", "/elastic/_template/winlogbeat", "", []string{"Authorization", basic}, 200, ""},
		{"PUT", "/elastic/_ilm/policy/filebeat", "{}", []string{"Authorization", basic}, 200, "acknowledged"},
		{"GET", "/elastic/_license", "", []string{"Authorization", basic}, 200, "basic"},
		{"POST", "/elastic/logs/_bulk", "{}\n", []string{"Authorization", basic, "Content-Type", "application/x-ndjson"}, 200, `"errors":true`},
		{"POST", "/elastic/_bulk", "{}\n", []string{"Authorization", "Bearer no"}, 401, "security_exception"},
	} {
		a := h.call(token, tc.method, tc.path, tc.body, tc.headers...)
		if a.StatusCode != tc.status || !strings.Contains(a.body, tc.has) {
			t.Errorf("%s %s: %d %s, want %d with %s", tc.method, tc.path, a.StatusCode, a.body, tc.status, tc.has)
		}
		if strings.HasPrefix(tc.path, "/elastic") && a.StatusCode == 200 && a.Header.Get("X-Elastic-Product") != "Elasticsearch" {
			t.Errorf("%s: no product header", tc.path)
		}
	}
	if strings.Contains(h.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// TestChunkedBodyIsBounded sends without a length.
func TestChunkedBodyIsBounded(t *testing.T) {
	h := open(t, func(c *Config) { c.MaxEventsBytes = 1 << 20 })
	token := h.token(tocsin.RoleAdministrator)
	for path, want := range map[string]int{"/api/v1/events": 413, "/api/v1/tokens": 413} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", h.server.URL+path, io.LimitReader(endless{}, 8<<20))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := noRedirects.Do(req)
		if err != nil {
			continue // the server closed the connection in the face of the rest
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
