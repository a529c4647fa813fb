package api

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// deadlineWriter records the deadlines that a handler sets, so that no test
// has to wait for one.
type deadlineWriter struct {
	http.ResponseWriter
	reads, writes []time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error {
	w.reads = append(w.reads, t)
	return nil
}

func (w *deadlineWriter) SetWriteDeadline(t time.Time) error {
	w.writes = append(w.writes, t)
	return nil
}
func (w *deadlineWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestEveryRequestHasDeadlines(t *testing.T) {
	h := open(t, nil)
	token := h.token(tocsin.RoleAdministrator)
	ask := func(method, path, body string) *deadlineWriter {
		req, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.RemoteAddr = "127.0.0.1:1"
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		w := &deadlineWriter{ResponseWriter: discard{http.Header{}}}
		h.api.ServeHTTP(w, req)
		return w
	}
	for what, w := range map[string]*deadlineWriter{
		"with a body":      ask("POST", "/api/v1/tokens", `{"name":"x","roles":["securityReader"]}`),
		"body not read":    ask("POST", "/api/v1/nothing", `{}`),
		"telemetry":        ask("POST", "/api/v1/events", "{}\n"),
		"to the portal":    ask("POST", "/", `x`),
		"body, bad method": ask("DELETE", graphIncidents, `x`),
	} {
		if len(w.reads) == 0 || w.reads[0].IsZero() || len(w.writes) == 0 || w.writes[0].IsZero() {
			t.Errorf("%s: reads %v, writes %v", what, w.reads, w.writes)
		}
	}
	w := ask("POST", "/api/v1/events", "{}\n")
	if last := w.reads[len(w.reads)-1]; !last.IsZero() {
		t.Error("the read deadline outlives the body: the server would cancel a long import")
	}
	if last := w.writes[len(w.writes)-1]; !last.IsZero() {
		t.Error("a stream has the deadline of a short exchange")
	}
	if w := ask("GET", "/healthz", ""); len(w.reads) != 0 {
		t.Error("a read deadline without a body")
	}
}

// TestSilentBodyDoesNotBlockOthers holds a connection open with a body that
// never comes, as slow attacks do, and asks on another.
func TestSilentBodyDoesNotBlockOthers(t *testing.T) {
	h := open(t, nil)
	for range 20 {
		c, err := net.Dial("tcp", strings.TrimPrefix(h.server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	}
	if a := h.call("", "GET", "/healthz", ""); a.StatusCode != 200 {
		t.Errorf("%d", a.StatusCode)
	}
	// An unauthenticated sender of telemetry is answered before its body.
	c, err := net.Dial("tcp", strings.TrimPrefix(h.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "401") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestIdempotencyKey(t *testing.T) {
	h := open(t, nil)
	one, two := h.token(tocsin.RoleSender), h.token(tocsin.RoleSender)
	h.call(one, "POST", "/api/v1/events/T", "{}\n", "Idempotency-Key", "batch-7")
	h.call(two, "POST", "/api/v1/events/T", "{}\n", "Idempotency-Key", "batch-7")
	h.call(one, "POST", "/api/v1/events/T", "{}\n")
	if len(h.intake.seen) != 3 || !strings.Contains(h.intake.seen[0], "/batch-7") || h.intake.seen[0] == h.intake.seen[1] || strings.Contains(h.intake.seen[2], "/") {
		t.Errorf("deliveries: %q", h.intake.seen)
	}
	for _, bad := range []string{"a b", strings.Repeat("x", 129), "../x"} {
		if a := h.call(one, "POST", "/api/v1/events/T", "{}\n", "Idempotency-Key", bad); a.StatusCode != 400 {
			t.Errorf("%q: %d", bad, a.StatusCode)
		}
	}
}
