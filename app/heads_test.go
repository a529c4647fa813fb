package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
	"github.com/tocsinhq/tocsin/work"
)

// heads opens a publisher over a record of n lines.
func heads(t *testing.T, dir string, cfg Heads, n int) (*publisher, *store.Store) {
	t.Helper()
	keep(t, dir, n)
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "tocsin.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	p, err := newPublisher(cfg, dir, st, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p, st
}

func publish(t *testing.T, p *publisher) error {
	t.Helper()
	return p.run(tocsin.WithPrincipal(t.Context(), tocsin.System(tocsin.DefaultTenant, "test")), store.Claim{Tenant: tocsin.DefaultTenant})
}

// TestHeadsSeeACutTail (L05): heads go to a file, a syslog over UDP and over
// TCP, and a webhook, once each; with what they hold a cut tail and a record
// that was written anew are named, which the record alone does not show.
func TestHeadsSeeACutTail(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	var posted []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		posted = append(posted, string(b))
	}))
	defer hook.Close()
	dir, out := t.TempDir(), t.TempDir()
	file := filepath.Join(out, "heads.ndjson")
	p, st := heads(t, dir, Heads{File: file, Syslog: "udp://" + udp.LocalAddr().String(), Webhook: hook.URL}, 6)
	for range 2 { // the second time nothing is new
		if err := publish(t, p); err != nil {
			t.Fatal(err)
		}
	}
	m, _, err := st.ChainHead(t.Context())
	if err != nil || m.Seq != 6 {
		t.Fatal(m, err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 1 || len(posted) != 1 || strings.TrimSpace(string(text)) != posted[0] {
		t.Fatalf("%s, %v, %v", text, posted, err)
	}
	var h publishedHead
	if err := json.Unmarshal(text, &h); err != nil || h.Seq != 6 || h.Hash != m.Hash || !h.valid() {
		t.Errorf("%+v, %v", h, err)
	}
	buf := make([]byte, 4096)
	_ = udp.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := udp.ReadFrom(buf)
	if msg := string(buf[:n]); err != nil || !strings.HasPrefix(msg, "<109>1 ") || !strings.Contains(msg, " tocsin - recordHead - {") || !strings.HasSuffix(msg, posted[0]) {
		t.Fatalf("%s, %v", msg, err)
	}
	logged := filepath.Join(out, "syslog")
	if err := os.WriteFile(logged, append(buf[:n], '\n'), 0o600); err != nil {
		t.Fatal(err)
	}

	// Over TCP the length stands in front.
	p.cfg.Syslog, p.cfg.File, p.cfg.Webhook = "tcp://"+tcp.Addr().String(), "", ""
	got := make(chan string, 1)
	go func() {
		conn, err := tcp.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		length, _ := r.ReadString(' ')
		size, _ := strconv.Atoi(strings.TrimSpace(length))
		msg, _ := io.ReadAll(r)
		got <- fmt.Sprintf("%t %s", size == len(msg), msg)
	}()
	keep(t, dir, 1)
	if err := publish(t, p); err != nil {
		t.Fatal(err)
	}
	if msg := <-got; !strings.HasPrefix(msg, "true <109>1 ") || !strings.Contains(msg, `"seq":7`) {
		t.Errorf("%s", msg)
	}
	st.Close()

	for _, head := range []string{file, logged} {
		if rep, err := VerifyAudit(t.Context(), dir, head); err != nil || !rep.OK {
			t.Fatal(rep, err)
		}
	}
	by(t, dir, `DELETE FROM change WHERE seq > 4`)
	if rep, err := VerifyAudit(t.Context(), dir, ""); err != nil || !rep.OK {
		t.Errorf("a cut tail shows without a head: %+v, %v", rep, err)
	}
	for _, head := range []string{file, logged} {
		if rep, err := VerifyAudit(t.Context(), dir, head); err != nil || rep.OK || !strings.Contains(rep.Detail, "line 6, published as head, is missing") {
			t.Errorf("%+v, %v", rep, err)
		}
	}
	// Two other lines in their place: the chain is sound, and not the one that was published.
	keepMore(t, dir, 3)
	if rep, err := VerifyAudit(t.Context(), dir, file); err != nil || rep.OK || !strings.Contains(rep.Detail, "line 6 is not the one that was published") {
		t.Errorf("%+v, %v", rep, err)
	}
	// A head that somebody forged is none.
	forged := strings.Replace(string(text), `"seq":6`, `"seq":4`, 1)
	if err := os.WriteFile(file, []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyAudit(t.Context(), dir, file); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Errorf("a forged head: %v", err)
	}
}

// keepMore writes lines of another content.
func keepMore(t *testing.T, dir string, n int) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "tocsin.db"), Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for range n {
		err := st.Update(tocsin.WithPrincipal(t.Context(), tocsin.System(tocsin.DefaultTenant, "eve")), func(tx *store.Tx) error {
			_, err := tx.Append(tocsin.Change{Noun: "incident", ID: "2", Kind: "k", Summary: "nothing happened"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What one place does not take is tried again, and the others do not get it
// twice; a redirect is not followed.
func TestHeadsRetry(t *testing.T) {
	calls, elsewhere := 0, 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		switch calls {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "heads")
	p, _ := heads(t, t.TempDir(), Heads{File: file, Webhook: hook.URL}, 1)
	for i, want := range []string{"503", "307", ""} {
		err := publish(t, p)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("try %d: %v", i, err)
		}
	}
	if text, _ := os.ReadFile(file); strings.Count(string(text), "\n") != 1 || elsewhere != 0 || calls != 3 {
		t.Errorf("%s, %d, %d", text, elsewhere, calls)
	}
	if err := p.run(t.Context(), store.Claim{Tenant: "another"}); err != nil {
		t.Error(err)
	}
}

// The job comes by the clock, and earlier when enough changed; it is in the
// store, and so outlives the process.
func TestHeadsAfterChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "heads")
	dir := t.TempDir()
	p, st := heads(t, dir, Heads{File: file, Every: time.Hour, After: 3}, 1)
	r := work.New(st)
	r.Every(headsKind, p.cfg.Every, p.run)
	lines := func() int {
		if _, err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
	ctx := tocsin.WithPrincipal(t.Context(), tocsin.System(tocsin.DefaultTenant, "test"))
	if _, err := p.due(ctx, -2); err != nil || lines() != 1 {
		t.Fatal("no head of the first line", err)
	}
	asked, err := p.due(ctx, 1)
	if err != nil || asked != 1 || lines() != 1 {
		t.Fatalf("nothing changed: %d, %v", asked, err)
	}
	keep(t, dir, 3)
	if asked, err = p.due(ctx, asked); err != nil || asked != 4 || lines() != 2 {
		t.Errorf("after three changes: %d, %v", asked, err)
	}
}

func TestHeadsCheck(t *testing.T) {
	for _, bad := range []Heads{{Syslog: "localhost:514"}, {Syslog: "udp://host"}, {Syslog: "http://host:1"}, {Webhook: "http://soc.example/x"}, {Webhook: "ftp://x"},
		{Webhook: "file:///etc/passwd"}, {File: "x", Every: time.Millisecond}, {File: "x", After: -1}} {
		if err := bad.Check(); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, good := range []Heads{{}, {Syslog: "tls://logs.example:6514"}, {Webhook: "https://soc.example/x"}, {Webhook: "http://127.0.0.1:9/x"}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}
