package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

// event is one server-sent event; a comment has only text.
type event struct {
	id, name, data, comment string
}

// reader follows one stream.
type reader struct {
	t      testing.TB
	res    *http.Response
	scan   *bufio.Scanner
	cancel context.CancelFunc
}

// follow opens a stream. The deadline only ends a test that would hang.
func (h *house) follow(headers map[string]string, query string) *reader {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	h.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", h.server.URL+"/api/v1/changes"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := noRedirects.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { res.Body.Close() })
	return &reader{h.t, res, bufio.NewScanner(res.Body), cancel}
}

// next reads one event or comment; ok is false at the end of the stream.
func (r *reader) next() (e event, ok bool) {
	for r.scan.Scan() {
		line := r.scan.Text()
		name, v, _ := strings.Cut(line, ":")
		v = strings.TrimPrefix(v, " ")
		switch name {
		case "id":
			e.id = v
		case "event":
			e.name = v
		case "data":
			e.data = v
		case "":
			if line == "" {
				if e != (event{}) {
					return e, true
				}
				continue
			}
			e.comment = v
		}
	}
	return e, false
}

// change reads on to the next change.
func (r *reader) change() changeEvent {
	r.t.Helper()
	for {
		e, ok := r.next()
		if !ok {
			r.t.Fatal("the stream ended")
		}
		if e.name != "change" {
			continue
		}
		var c changeEvent
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			r.t.Fatalf("%v: %s", err, e.data)
		}
		if e.id != strconv.FormatInt(c.Seq, 10) {
			r.t.Errorf("id %s, seq %d", e.id, c.Seq)
		}
		return c
	}
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

func TestStreamTellsAndResumes(t *testing.T) {
	h := open(t, nil)
	h.accept(alertOn(1, "Before", h.clock.now()))
	token := h.token(tocsin.RoleReader)
	r := h.follow(bearer(token), "")
	if ct := r.res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
		t.Fatalf("%d %s", r.res.StatusCode, ct)
	}
	r.next() // the stream stands: whatever comes from now on is told
	id := h.accept(alertOn(2, "After", h.clock.now()))[0]
	c := r.change()
	if c.Noun != "incident" || c.ID != fmt.Sprint(id) || c.Version == 0 {
		t.Errorf("change: %+v", c)
	}
	first := c.Seq
	r.cancel()

	operator := h.token(tocsin.RoleOperator)
	h.call(operator, "PATCH", fmt.Sprintf("%s/%d", graphIncidents, id), `{"displayName":"Renamed"}`)
	for what, again := range map[string]*reader{
		"header": h.follow(map[string]string{"Authorization": "Bearer " + token, "Last-Event-ID": fmt.Sprint(first)}, "?after=0"),
		"query":  h.follow(bearer(token), fmt.Sprintf("?after=%d", first)),
	} {
		for {
			c := again.change()
			if c.Seq <= first {
				t.Errorf("%s: told again about %d", what, c.Seq)
			}
			if c.Kind == "renamed" {
				break
			}
		}
	}
	if a := h.call(token, "GET", "/api/v1/changes?after=x", ""); a.StatusCode != 400 {
		t.Errorf("after=x: %d", a.StatusCode)
	}
}

// TestStreamHidesWhatIsNotAllowed holds that a reader without the audit log
// does not learn who signs in and which tokens are made.
func TestStreamHidesWhatIsNotAllowed(t *testing.T) {
	h := open(t, nil)
	reader := h.follow(bearer(h.token(tocsin.RoleReader)), "?after=0")
	auditor := h.follow(bearer(h.token(tocsin.RoleAdministrator)), "?after=0")
	h.signIn(auth.FirstUser, h.password)
	h.token(tocsin.RoleSender)
	h.accept(alertOn(1, "A", h.clock.now()))
	for {
		c := reader.change()
		if c.Noun == "session" || c.Noun == "token" || c.Noun == "user" {
			t.Errorf("a reader is told of %s %s", c.Noun, c.Kind)
		}
		if c.Noun == "incident" {
			break
		}
	}
	seen := map[string]bool{}
	for !seen["incident"] {
		seen[auditor.change().Noun] = true
	}
	if !seen["session"] || !seen["token"] || !seen["user"] {
		t.Errorf("the auditor is told of %v only", seen)
	}
}

func TestStreamResetsAfterAGap(t *testing.T) {
	h := open(t, nil)
	r := h.follow(bearer(h.token(tocsin.RoleReader)), "?after=999999")
	for {
		e, ok := r.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if e.name == "reset" {
			if n, err := strconv.Atoi(e.id); err != nil || n >= 999999 {
				t.Errorf("reset to %q", e.id)
			}
			return
		}
	}
}

// TestStreamEndsWithTheRight holds that a stream does not outlive the session,
// token or role that opened it.
func TestStreamEndsWithTheRight(t *testing.T) {
	h := open(t, func(c *Config) { c.Heartbeat = 20 * time.Millisecond })
	admin := h.signIn(auth.FirstUser, h.password)
	u := admin.call("POST", "/api/v1/admin/users", `{"userName":"ann","roles":["securityReader"]}`).json(t)
	userPath := "/api/v1/admin/users/" + u["user"].(map[string]any)["id"].(string)
	ann := h.signIn("ann", tocsin.Secret(u["password"].(string)))
	made := admin.call("POST", "/api/v1/tokens", `{"name":"t","roles":["securityReader"]}`).json(t)
	streams := map[string]*reader{
		"role taken":    h.follow(map[string]string{"Cookie": ann.cookie.Name + "=" + ann.cookie.Value}, ""),
		"token revoked": h.follow(bearer(made["secret"].(string)), ""),
	}
	for _, r := range streams {
		if r.res.StatusCode != 200 {
			t.Fatal(r.res.StatusCode)
		}
		for range 3 { // it lives, and says so
			if _, ok := r.next(); !ok {
				t.Fatal("ended early")
			}
		}
	}
	if a := admin.call("PATCH", userPath, `{"roles":["telemetrySender"]}`); a.StatusCode != 200 {
		t.Fatal(a.body)
	}
	if a := admin.call("DELETE", "/api/v1/tokens/"+made["token"].(map[string]any)["id"].(string), ""); a.StatusCode != 204 {
		t.Fatal(a.body)
	}
	mine := h.follow(map[string]string{"Cookie": admin.cookie.Name + "=" + admin.cookie.Value}, "")
	mine.next()
	admin.call("DELETE", "/api/v1/session", "")
	streams["signed out"] = mine
	for what, r := range streams {
		for {
			if _, ok := r.next(); !ok {
				break
			}
		}
		if err := r.scan.Err(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	h := open(t, func(c *Config) { c.MaxStreams = 3 })
	token := h.token(tocsin.RoleReader)
	var open []*reader
	for range 3 {
		open = append(open, h.follow(bearer(token), ""))
	}
	if a := h.call(token, "GET", "/api/v1/changes", ""); a.StatusCode != 429 {
		t.Errorf("fourth stream: %d", a.StatusCode)
	}
	if n := newStreams(100); func() bool {
		for range streamsEach {
			n.enter("a")
		}
		return n.enter("a") || !n.enter("b")
	}() {
		t.Error("one principal can take all streams")
	}
	open[0].cancel()
	for deadline := time.Now().Add(10 * time.Second); ; { // until the server has noticed
		r := h.follow(bearer(token), "")
		if r.res.StatusCode == 200 {
			return
		}
		r.res.Body.Close()
		if time.Now().After(deadline) {
			t.Fatal("a closed stream is still counted")
		}
	}
}
