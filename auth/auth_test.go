package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

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

// house is a door with a real store behind it and one administrator.
type house struct {
	*Auth
	st       *store.Store
	clock    *clock
	password tocsin.Secret
	t        *testing.T
}

var cheap = Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func open(t *testing.T, change func(*Config)) *house {
	t.Helper()
	c := &clock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "store.db"), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	cfg := Config{Store: st, Now: c.now, Cost: cheap}
	if change != nil {
		change(&cfg)
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	name, password, created, err := a.Bootstrap(t.Context())
	if err != nil || !created || name != FirstUser {
		t.Fatalf("Bootstrap = %q, %v, %v", name, created, err)
	}
	return &house{a, st, c, password, t}
}

func request(method string) *http.Request {
	r := httptest.NewRequest(method, "http://portal.test/api", nil)
	r.RemoteAddr = "198.51.100.7:40000"
	return r
}

func (h *house) signIn(name string, password tocsin.Secret) SignedIn {
	h.t.Helper()
	in, err := h.Login(request("POST"), name, password)
	if err != nil {
		h.t.Fatalf("Login(%s): %v", name, err)
	}
	return in
}

func withCookie(c *http.Cookie) *http.Request {
	r := request("GET")
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	return r
}

func withHeader(v string) *http.Request {
	r := request("GET")
	r.Header.Set("Authorization", v)
	return r
}

func (h *house) admin() context.Context {
	return tocsin.WithPrincipal(h.t.Context(), h.signIn(FirstUser, h.password).Principal)
}

func (h *house) wantCode(err error, code tocsin.Code, what string) {
	h.t.Helper()
	if tocsin.CodeOf(err) != code {
		h.t.Errorf("%s: got %q (%v), want %q", what, tocsin.CodeOf(err), err, code)
	}
}

func (h *house) kinds() map[string]int {
	h.t.Helper()
	cs, err := h.st.Changes(tocsin.WithPrincipal(h.t.Context(), tocsin.System(tocsin.DefaultTenant, "test")), 0, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]int{}
	for _, c := range cs {
		out[c.Noun+"."+c.Kind]++
		if strings.Contains(c.Summary+string(c.After)+string(c.Before), h.password.Reveal()) {
			h.t.Errorf("the record holds the password: %s", c.Summary)
		}
	}
	return out
}

func TestBootstrapOnce(t *testing.T) {
	h := open(t, nil)
	if len(h.password) < 24 {
		t.Errorf("generated password %d characters long", len(h.password))
	}
	if _, _, created, err := h.Bootstrap(t.Context()); created || err != nil {
		t.Errorf("second Bootstrap: created %v, err %v", created, err)
	}
	in := h.signIn("  ADMIN ", h.password)
	if !tocsin.Can(in.Principal, tocsin.VerbUserManage) {
		t.Error("the first user is no administrator")
	}
}

func TestSameAnswerForUnknownDisabledAndWrong(t *testing.T) {
	h := open(t, func(c *Config) { c.AccountTries, c.SourceTries = 100, 100 })
	ctx := h.admin()
	u, pw, err := h.CreateUser(ctx, NewUser{UserName: "gone", Roles: []tocsin.Role{tocsin.RoleReader}})
	if err != nil {
		t.Fatal(err)
	}
	off := true
	if _, _, err := h.UpdateUser(ctx, u.ID, UserUpdate{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	var answers []string
	for _, try := range []struct {
		name string
		pw   tocsin.Secret
	}{{"nobody", "x"}, {"gone", pw}, {FirstUser, "wrong"}, {"b\u0430d name", "x"}, {FirstUser, tocsin.Secret(strings.Repeat("x", 5000))}, {"nobody", ""}} {
		before := h.hasher.runs.Load()
		_, err := h.Login(request("POST"), try.name, try.pw)
		h.wantCode(err, tocsin.CodeUnauthenticated, try.name)
		answers = append(answers, err.Error())
		if n := h.hasher.runs.Load() - before; n != 1 {
			t.Errorf("%s: %d hashes computed, want 1 as for everybody", try.name, n)
		}
	}
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("answers differ: %q and %q", a, answers[0])
		}
	}
}

func TestSessionLife(t *testing.T) {
	h := open(t, nil)
	in := h.signIn(FirstUser, h.password)
	if !in.Cookie.HttpOnly || in.Cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %+v is not HttpOnly and Strict", in.Cookie)
	}
	id, err := h.Identify(withCookie(in.Cookie))
	if err != nil || id.Method != MethodSession || id.Principal.UserName != FirstUser {
		t.Fatalf("Identify = %+v, %v", id, err)
	}
	if !id.CheckCSRF(in.CSRF) || id.CheckCSRF("") || id.CheckCSRF(in.CSRF+"x") {
		t.Error("CSRF token check is wrong")
	}
	if (Identity{}).CheckCSRF("") {
		t.Error("an identity without a session accepts the empty CSRF token")
	}

	t.Run("idle", func(t *testing.T) {
		in := h.signIn(FirstUser, h.password)
		for range 5 { // use keeps it alive beyond the idle time
			h.clock.forward(90 * time.Minute)
			if _, _, err := h.Authenticate(withCookie(in.Cookie)); err != nil {
				t.Fatal(err)
			}
		}
		h.clock.forward(time.Hour)
		if _, err := h.Recheck(withCookie(in.Cookie)); err != nil {
			t.Fatal(err)
		}
		h.clock.forward(time.Hour) // the recheck was no sign of life
		_, _, err := h.Authenticate(withCookie(in.Cookie))
		h.wantCode(err, tocsin.CodeUnauthenticated, "idle session")
	})
	t.Run("absolute", func(t *testing.T) {
		in := h.signIn(FirstUser, h.password)
		var err error
		for range 13 {
			h.clock.forward(time.Hour)
			_, _, err = h.Authenticate(withCookie(in.Cookie))
		}
		h.wantCode(err, tocsin.CodeUnauthenticated, "session of 13 hours")
	})
	t.Run("logout", func(t *testing.T) {
		in := h.signIn(FirstUser, h.password)
		id, err := h.Identify(withCookie(in.Cookie))
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.Logout(request("DELETE"), id)
		if err != nil || c.MaxAge >= 0 {
			t.Fatalf("Logout = %+v, %v", c, err)
		}
		_, _, err = h.Authenticate(withCookie(in.Cookie))
		h.wantCode(err, tocsin.CodeUnauthenticated, "after logout")
	})
	t.Run("rotation", func(t *testing.T) {
		old := h.signIn(FirstUser, h.password)
		r := withCookie(old.Cookie)
		in, err := h.Login(r, FirstUser, h.password)
		if err != nil {
			t.Fatal(err)
		}
		if in.Cookie.Value == old.Cookie.Value || in.CSRF == old.CSRF {
			t.Error("sign-in kept the old session's secrets")
		}
		_, _, err = h.Authenticate(withCookie(old.Cookie))
		h.wantCode(err, tocsin.CodeUnauthenticated, "the session before")
	})
	t.Run("fixation", func(t *testing.T) {
		r := request("POST")
		r.AddCookie(&http.Cookie{Name: "tocsin", Value: "chosen-by-somebody-else"})
		in, err := h.Login(r, FirstUser, h.password)
		if err != nil || in.Cookie.Value == "chosen-by-somebody-else" {
			t.Fatalf("Login took over a session id: %v, %v", in.Cookie, err)
		}
	})
}

func TestCookieIsBoundToTLS(t *testing.T) {
	h := open(t, nil)
	r := httptest.NewRequest("POST", "https://portal.test/api", nil)
	in, err := h.Login(r, FirstUser, h.password)
	if err != nil {
		t.Fatal(err)
	}
	if !in.Cookie.Secure || in.Cookie.Name != "__Host-tocsin" {
		t.Errorf("cookie over TLS is %+v", in.Cookie)
	}
}

func TestChangePasswordEndsAllSessions(t *testing.T) {
	h := open(t, nil)
	other := h.signIn(FirstUser, h.password)
	mine := h.signIn(FirstUser, h.password)
	id, err := h.Identify(withCookie(mine.Cookie))
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.ChangePassword(withCookie(mine.Cookie), id, "not it", "a much better passphrase")
	h.wantCode(err, tocsin.CodeInvalid, "wrong current password")
	_, err = h.ChangePassword(withCookie(mine.Cookie), id, h.password, "short")
	h.wantCode(err, tocsin.CodeInvalid, "short password")
	_, err = h.ChangePassword(withCookie(mine.Cookie), id, h.password, "aaaaaaaaaaaaaaaa")
	h.wantCode(err, tocsin.CodeInvalid, "repeated letter")
	next, err := h.ChangePassword(withCookie(mine.Cookie), id, h.password, "a much better passphrase")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]*http.Cookie{"other": other.Cookie, "old": mine.Cookie} {
		_, _, err := h.Authenticate(withCookie(c))
		h.wantCode(err, tocsin.CodeUnauthenticated, what+" session after the change")
	}
	if now, err := h.Identify(withCookie(next.Cookie)); err != nil || !now.CheckCSRF(mine.CSRF) {
		t.Errorf("the renewed session: %v", err)
	}
	_, err = h.Login(request("POST"), FirstUser, h.password)
	h.wantCode(err, tocsin.CodeUnauthenticated, "old password")
	h.signIn(FirstUser, "a much better passphrase")
	if k := h.kinds(); k["user.passwordChanged"] != 1 || k["session.signInFailed"] == 0 {
		t.Errorf("record: %v", k)
	}
}

func TestThrottleAccount(t *testing.T) {
	h := open(t, nil)
	from := func(n int) *http.Request {
		r := request("POST")
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), 1).String()
		return r
	}
	// Both an account that exists and one that does not: a lock must not tell.
	for _, name := range []string{FirstUser, "nobody"} {
		for i := range 5 {
			_, err := h.Login(from(i), name, "wrong")
			h.wantCode(err, tocsin.CodeUnauthenticated, name)
		}
		_, err := h.Login(from(9), name, h.password)
		h.wantCode(err, tocsin.CodeLimit, name+", locked")
		var locked *LockedError
		if !errors.As(err, &locked) || locked.RetryAfter() != 30*time.Second {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.clock.forward(30 * time.Second)
	_, err := h.Login(from(9), FirstUser, "wrong")
	h.wantCode(err, tocsin.CodeUnauthenticated, "one more after the lock")
	_, err = h.Login(from(9), FirstUser, h.password)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Wait != time.Minute {
		t.Errorf("second lock: %v, want a minute", err)
	}
	h.clock.forward(time.Minute)
	h.signIn(FirstUser, h.password)
	_, err = h.Login(from(9), FirstUser, "wrong") // success took the count back
	h.wantCode(err, tocsin.CodeUnauthenticated, "after success")
	_, err = h.Login(from(9), FirstUser, h.password)
	if err != nil {
		t.Errorf("after one more failure: %v", err)
	}
}

func TestThrottleSource(t *testing.T) {
	h := open(t, nil)
	for i := range 20 {
		_, err := h.Login(request("POST"), "user"+string(rune('a'+i)), "wrong")
		h.wantCode(err, tocsin.CodeUnauthenticated, "spray")
	}
	_, err := h.Login(request("POST"), FirstUser, h.password)
	h.wantCode(err, tocsin.CodeLimit, "spraying address")
	r := request("POST")
	r.RemoteAddr = "192.0.2.1:9"
	if _, err := h.Login(r, FirstUser, h.password); err != nil {
		t.Errorf("another address is locked too: %v", err)
	}
	if n := h.kinds()["session.signInFailed"]; n != 20 {
		t.Errorf("%d lines about failed sign-ins, want 20 (distinct accounts)", n)
	}
}

func TestFailureLinesAreBounded(t *testing.T) {
	h := open(t, func(c *Config) { c.AccountTries, c.SourceTries = 10_000, 10_000 })
	for i := range 200 {
		_, _ = h.Login(request("POST"), "user"+string(rune('a'+i%26))+string(rune('a'+i/26)), "wrong")
	}
	if n := h.kinds()["session.signInFailed"]; n != 30 {
		t.Errorf("%d lines for 200 failures within a minute, want 30", n)
	}
}

func TestParallelGuessesAreCounted(t *testing.T) {
	h := open(t, nil)
	var wg sync.WaitGroup
	codes := make([]tocsin.Code, 40)
	for i := range codes {
		wg.Go(func() {
			_, err := h.Login(request("POST"), FirstUser, "wrong")
			codes[i] = tocsin.CodeOf(err)
		})
	}
	wg.Wait()
	tried := 0
	for _, c := range codes {
		if c == tocsin.CodeUnauthenticated {
			tried++
		}
	}
	if tried != 5 {
		t.Errorf("%d of 40 parallel guesses were tried, want 5", tried)
	}
}

func TestSourceBehindProxies(t *testing.T) {
	h := open(t, func(c *Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, tc := range []struct{ remote, forwarded, want string }{
		{"198.51.100.7:1", "1.1.1.1", "198.51.100.7"}, // not a proxy: not believed
		{"10.0.0.1:1", "1.1.1.1", "1.1.1.1"},
		{"10.0.0.1:1", "6.6.6.6, 1.1.1.1, 10.9.9.9", "1.1.1.1"}, // the left is the client's own claim
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "nonsense", "10.0.0.1"},
		{"[2001:db8:1:2:3::4]:1", "", "2001:db8:1:2::/64"},
		{"[::ffff:198.51.100.7]:1", "", "198.51.100.7"},
		{"@", "", "unknown"},
	} {
		r := request("GET")
		r.RemoteAddr = tc.remote
		if tc.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tc.forwarded)
		}
		if got := h.Source(r); got != tc.want {
			t.Errorf("Source(%s, %q) = %s, want %s", tc.remote, tc.forwarded, got, tc.want)
		}
	}
	r := request("GET")
	r.Header.Set("X-Forwarded-Proto", "https")
	if h.Secure(r) {
		t.Error("a stranger's X-Forwarded-Proto is believed")
	}
	r.RemoteAddr = "10.0.0.1:1"
	if !h.Secure(r) {
		t.Error("the proxy's X-Forwarded-Proto is not believed")
	}
	if open(t, nil).Source(r) != "10.0.0.1" {
		t.Error("without configured proxies a header is believed")
	}
}

func TestTouchDoesNotReviveASession(t *testing.T) {
	h := open(t, nil)
	in := h.signIn(FirstUser, h.password)
	h.clock.forward(5 * time.Minute)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _, _ = h.Authenticate(withCookie(in.Cookie)) })
	}
	id := Identity{Principal: in.Principal, Method: MethodSession, session: digest(in.Cookie.Value)}
	if _, err := h.Logout(request("DELETE"), id); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	_, _, err := h.Authenticate(withCookie(in.Cookie))
	h.wantCode(err, tocsin.CodeUnauthenticated, "a session that ended while it was used")
}

func TestCostMovesWithConfig(t *testing.T) {
	h := open(t, nil)
	dearer := Cost{MemoryKiB: 128, Passes: 2, Lanes: 1}
	a, err := New(Config{Store: h.st, Now: h.clock.now, Cost: dearer})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Login(request("POST"), FirstUser, h.password); err != nil {
		t.Fatal(err)
	}
	err = h.st.View(tocsin.WithPrincipal(t.Context(), tocsin.System(tocsin.DefaultTenant, "test")), func(tx *store.Tx) error {
		u, err := tx.UserByName(FirstUser)
		if err == nil && !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=128,t=2,p=1$") {
			t.Errorf("hash is still %.40s", u.PasswordHash)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.signIn(FirstUser, h.password) // and the older door still reads it
}

func TestHashesWait(t *testing.T) {
	h := open(t, func(c *Config) { c.Hashes = 1 })
	h.hasher.slots <- struct{}{} // somebody is at it
	h.hasher.wait = time.Millisecond
	_, err := h.Login(request("POST"), FirstUser, h.password)
	h.wantCode(err, tocsin.CodeUnavailable, "no slot")
	<-h.hasher.slots
	h.signIn(FirstUser, h.password)
}

func FuzzParseHash(f *testing.F) {
	h, err := newHasher(cheap, 1, strings.NewReader(strings.Repeat("0123456789abcdef", 8)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h.decoy)
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseHash(s)
		if err != nil {
			return
		}
		if p.cost.MemoryKiB > maxCostMemoryKiB || p.cost.Passes > maxCostPasses || p.cost.Lanes < 1 || len(p.key) < 16 {
			t.Errorf("accepted %q as %+v", s, p)
		}
	})
}

func FuzzCredential(f *testing.F) {
	f.Add("Bearer x")
	f.Add("ApiKey aWQ6a2V5")
	f.Fuzz(func(t *testing.T, s string) {
		token, id, err := credential(s)
		if err != nil && (token != "" || id != "") {
			t.Errorf("%q: an error and a token", s)
		}
	})
}
