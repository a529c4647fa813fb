package api

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/intake"
	"github.com/tocsinhq/tocsin/lake"
	"github.com/tocsinhq/tocsin/store"
)

var update = flag.Bool("update", false, "rewrite openapi.json and the golden files")

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// house is the whole of store, cases, auth and API behind a real server.
type house struct {
	t        testing.TB
	api      *API
	auth     *auth.Auth
	cases    *cases.Cases
	store    *store.Store
	clock    *clock
	server   *httptest.Server
	password tocsin.Secret
	log      *bytes.Buffer
	intake   *fakeReceiver
}

type lockedWriter struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func open(t testing.TB, change func(*Config)) *house {
	t.Helper()
	h := &house{t: t, clock: &clock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}, log: &bytes.Buffer{}, intake: &fakeReceiver{}}
	var err error
	h.store, err = store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "store.db"), Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	h.auth, err = auth.New(auth.Config{Store: h.store, Now: h.clock.now, Cost: auth.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, h.password, _, err = h.auth.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.cases = cases.New(h.store, correlate.DefaultPolicy())
	cfg := Config{Auth: h.auth, Cases: h.cases, Feed: h.store, Kept: h.store, Lake: fakeLake{}, Intake: h.intake, Rules: &fakeRules{}, Now: h.clock.now,
		Version: "test", TenantName: "Example", Log: slog.New(slog.NewTextHandler(&lockedWriter{b: h.log}, nil)),
		Portal: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "portal") })}
	if change != nil {
		change(&cfg)
	}
	h.api = New(cfg)
	h.server = httptest.NewServer(h.api)
	t.Cleanup(h.server.Close)
	return h
}

func (h *house) system() context.Context {
	return tocsin.WithPrincipal(h.t.Context(), tocsin.System(tocsin.DefaultTenant, "test"))
}

// token is an API token with these roles.
func (h *house) token(roles ...tocsin.Role) string {
	h.t.Helper()
	_, secret, err := h.auth.CreateToken(h.system(), auth.NewToken{Name: "test " + string(roles[0]), Roles: roles})
	if err != nil {
		h.t.Fatal(err)
	}
	return secret.Reveal()
}

// scoped is an API token that may do only the verbs.
func (h *house) scoped(role tocsin.Role, verbs ...tocsin.Verb) string {
	h.t.Helper()
	_, secret, err := h.auth.CreateToken(h.system(), auth.NewToken{Name: "scoped", Roles: []tocsin.Role{role}, Scopes: verbs})
	if err != nil {
		h.t.Fatal(err)
	}
	return secret.Reveal()
}

// answer is one answer, read whole.
type answer struct {
	*http.Response
	body string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%s %s: %d, not JSON: %v: %s", a.Request.Method, a.Request.URL, a.StatusCode, err, a.body)
	}
	return m
}

// errorOf is the code of a Graph error body, after checking its shape.
func (a answer) errorOf(t testing.TB) string {
	t.Helper()
	e, ok := a.json(t)["error"].(map[string]any)
	if !ok {
		t.Fatalf("no error body: %s", a.body)
	}
	inner, _ := e["innerError"].(map[string]any)
	if e["message"] == "" || inner["request-id"] == "" || inner["client-request-id"] == "" || inner["date"] == "" {
		t.Errorf("error body lacks something: %s", a.body)
	}
	return e["code"].(string)
}

// call sends a request; headers are given as name, value pairs. token "" sends
// no credential.
func (h *house) call(token, method, path, body string, headers ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return h.do(req)
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (h *house) do(req *http.Request) answer {
	h.t.Helper()
	res, err := noRedirects.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{res, string(raw)}
	h.conforms(a)
	return a
}

// browser is a signed-in person.
type browser struct {
	h      *house
	cookie *http.Cookie
	csrf   string
}

func (h *house) signIn(name string, password tocsin.Secret) *browser {
	h.t.Helper()
	body, _ := json.Marshal(map[string]string{"userName": name, "password": password.Reveal()})
	a := h.call("", "POST", "/api/v1/session", string(body), "Origin", h.server.URL, "Sec-Fetch-Site", "same-origin")
	if a.StatusCode != http.StatusOK || len(a.Cookies()) != 1 {
		h.t.Fatalf("sign in: %d %s", a.StatusCode, a.body)
	}
	return &browser{h, a.Cookies()[0], a.json(h.t)["csrfToken"].(string)}
}

func (b *browser) call(method, path, body string, headers ...string) answer {
	b.h.t.Helper()
	return b.h.call("", method, path, body, append([]string{"Cookie", b.cookie.Name + "=" + b.cookie.Value, "Origin", b.h.server.URL,
		"Sec-Fetch-Site", "same-origin", "X-CSRF-Token", b.csrf}, headers...)...)
}

// fakeReceiver stands in for the intake: what it does with telemetry is tested
// there, how it is reached is tested here.
type fakeReceiver struct {
	mu   sync.Mutex
	seen []string
	err  error
}

func (f *fakeReceiver) take(what string, body io.Reader) (string, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, what+" "+string(raw))
	return string(raw), f.err
}

func (f *fakeReceiver) Events(_ context.Context, table string, body io.Reader, opts intake.EventsOptions) (intake.EventsResult, error) {
	raw, err := f.take("events "+table+opts.Once, body)
	if err != nil {
		return intake.EventsResult{}, err
	}
	return intake.EventsResult{Accepted: int64(strings.Count(raw, "\n"))}, nil
}

func (f *fakeReceiver) EventsMixed(ctx context.Context, body io.Reader, opts intake.EventsOptions) (intake.EventsResult, error) {
	return f.Events(ctx, "", body, opts)
}

func (f *fakeReceiver) HEC(_ context.Context, body io.Reader, _ intake.HECOptions) (intake.HECReply, error) {
	return f.hec("hec", body)
}

func (f *fakeReceiver) HECRaw(_ context.Context, body io.Reader, _ intake.HECOptions) (intake.HECReply, error) {
	return f.hec("raw", body)
}

func (f *fakeReceiver) hec(what string, body io.Reader) (intake.HECReply, error) {
	text, err := f.take(what, body)
	switch {
	case err != nil:
		return intake.HECInternal, err
	case text == "bad":
		first := 0
		return intake.HECReply{Status: 400, Text: "Invalid data format", Code: 6, Invalid: &first}, nil
	case text == "":
		return intake.HECNoData, nil
	}
	return intake.HECSuccess, nil
}

func (f *fakeReceiver) Bulk(_ context.Context, body io.Reader, opts intake.BulkOptions) (intake.BulkReply, error) {
	if _, err := f.take("bulk "+opts.Index, body); err != nil {
		return intake.BulkReply{HTTP: 500, Error: &intake.BulkError{Type: "internal_error", Reason: "not stored"}}, err
	}
	return intake.BulkReply{HTTP: 200, Errors: true, Items: []map[string]intake.BulkItem{
		{"create": {Index: opts.Index, ID: "1", Status: 201, Result: "created"}},
		{"index": {Index: opts.Index, Status: 400, Error: &intake.BulkError{Type: "document_parsing_exception", Reason: "no table takes it"}}},
	}}, nil
}

type fakeLake struct{}

func (fakeLake) Counts(context.Context) (map[string]int64, error) {
	return map[string]int64{"EmailEvents": 3, "DeviceEvents": 4}, nil
}
func (fakeLake) QuarantineSummary(context.Context) ([]lake.ReasonCount, error) {
	return []lake.ReasonCount{{Reason: "no table", Count: 2}}, nil
}
func (fakeLake) Quarantine(context.Context, int) ([]lake.Quarantined, error) {
	return []lake.Quarantined{{At: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Source: "x.zip", Item: "a.json", Reason: "no table", Raw: "never shown"}}, nil
}
func (fakeLake) Rows(_ context.Context, refs []tocsin.RowRef) ([]map[string]any, error) {
	if refs[0].ReportID != "7" {
		return []map[string]any{nil}, nil
	}
	return []map[string]any{{"ReportId": 7, "ActionType": "ProcessCreated"}}, nil
}

type fakeRules struct {
	mu  sync.Mutex
	off bool
}

func (f *fakeRules) rule() RuleInfo {
	return RuleInfo{ID: "r1", Title: "A rule", Level: "high", Enabled: !f.off}
}
func (f *fakeRules) Counts(context.Context) (RuleCounts, error) {
	return RuleCounts{Enabled: 1, Loaded: 1}, nil
}
func (f *fakeRules) List(context.Context) ([]RuleInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []RuleInfo{f.rule()}, nil
}
func (f *fakeRules) SetEnabled(_ context.Context, id string, on bool) (RuleInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != "r1" {
		return RuleInfo{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no rule %q", id)
	}
	f.off = !on
	return f.rule(), nil
}
func (f *fakeRules) Import(context.Context, io.ReaderAt, int64) (RulesImported, error) {
	return RulesImported{Loaded: 1}, nil
}
