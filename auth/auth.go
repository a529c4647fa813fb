// Package auth knows who is asking: local accounts, browser sessions, API
// tokens and OAuth 2.0 clients.
//
// It owns password hashes (argon2id), the life of sessions and tokens, the
// throttling of guesses, and the line in the record for each of these. It
// promises that no secret is stored in a form that could be used, that an
// unknown account, a wrong password and a disabled account give one answer in
// one time, and that what was taken away (role, account, session, token) is
// gone with the next request. It does not decide what a principal may do; the
// glossary's policy table does, and api asks it.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// Config says how sign-in works.
type Config struct {
	Store *store.Store
	// Tenant is whose accounts sign in here; tocsin.DefaultTenant when "".
	Tenant string
	Now    func() time.Time // time.Now when nil
	Rand   io.Reader        // crypto/rand when nil
	Log    *slog.Logger
	// Cost of a password hash; DefaultCost when zero. Hashes is how many are
	// computed at once, and thereby the memory that sign-ins can take; as many
	// as there are cores, at most 4, when 0.
	Cost   Cost
	Hashes int
	// SessionAge and SessionIdle end a session: 12 h after sign-in, and 2 h
	// after its last request, when 0.
	SessionAge, SessionIdle time.Duration
	// Proxies are the addresses whose X-Forwarded-For and X-Forwarded-Proto are
	// believed. Empty: nobody's.
	Proxies []netip.Prefix
	// AccountTries and SourceTries are how many sign-ins may fail in a row for
	// one account and from one address before the lock; 5 and 20 when 0.
	AccountTries, SourceTries int
}

// Auth answers who is asking. Its methods may be called from any goroutine.
type Auth struct {
	cfg      Config
	hasher   *hasher
	accounts *throttle
	sources  *throttle
	clients  *throttle
	quiet    *quiet
}

// Method is how a request proved who it comes from.
type Method string

const (
	MethodNone    Method = ""
	MethodSession Method = "session" // the cookie of a browser
	MethodToken   Method = "token"   // an API token
	MethodOAuth   Method = "oauth"   // an access token of a client
)

// Identity is everything that a request proved.
type Identity struct {
	Principal tocsin.Principal
	Method    Method
	// CSRF is what changing requests of this session must show; "" for tokens.
	CSRF string
	// session is the hash of the session's id.
	session string
}

// New makes the door. The error is that of the random source.
func New(cfg Config) (*Auth, error) {
	if cfg.Tenant == "" {
		cfg.Tenant = tocsin.DefaultTenant
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Cost == (Cost{}) {
		cfg.Cost = DefaultCost
	}
	if cfg.Hashes <= 0 {
		cfg.Hashes = min(runtime.NumCPU(), 4)
	}
	if cfg.SessionAge == 0 {
		cfg.SessionAge = 12 * time.Hour
	}
	if cfg.SessionIdle == 0 {
		cfg.SessionIdle = 2 * time.Hour
	}
	if cfg.AccountTries == 0 {
		cfg.AccountTries = 5
	}
	if cfg.SourceTries == 0 {
		cfg.SourceTries = 20
	}
	h, err := newHasher(cfg.Cost, cfg.Hashes, cfg.Rand)
	if err != nil {
		return nil, err
	}
	return &Auth{cfg: cfg, hasher: h,
		accounts: newThrottle(cfg.AccountTries, 30*time.Second, 15*time.Minute, time.Hour),
		sources:  newThrottle(cfg.SourceTries, 30*time.Second, 15*time.Minute, time.Hour),
		clients:  newThrottle(cfg.AccountTries, 30*time.Second, 15*time.Minute, time.Hour),
		quiet:    newQuiet(time.Minute, 30)}, nil
}

// now is in whole microseconds, as the store keeps times.
func (a *Auth) now() time.Time { return a.cfg.Now().UTC().Truncate(time.Microsecond) }

// system is the context of work that the door does before anybody is known.
func (a *Auth) system(ctx context.Context, tenant string) context.Context {
	return tocsin.WithPrincipal(ctx, tocsin.System(tenant, "sign-in"))
}

// Authenticate is who sent r and how they proved it; an Error of
// CodeUnauthenticated when nobody did. An Authorization header wins over the
// cookie, and a wrong one is not made good by it.
func (a *Auth) Authenticate(r *http.Request) (tocsin.Principal, Method, error) {
	id, err := a.Identify(r)
	return id.Principal, id.Method, err
}

// Identify is Authenticate with the details of the session.
func (a *Auth) Identify(r *http.Request) (Identity, error) { return a.identify(r, true) }

// Recheck asks once more who sent a request that is still being answered. It
// does not count as a sign of life of the session.
func (a *Auth) Recheck(r *http.Request) (tocsin.Principal, error) {
	id, err := a.identify(r, false)
	return id.Principal, err
}

func errNobody(msg string) error { return &tocsin.Error{Code: tocsin.CodeUnauthenticated, Msg: msg} }

func (a *Auth) identify(r *http.Request, touch bool) (Identity, error) {
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
	case 1:
		token, keyID, err := credential(headers[0])
		if err != nil {
			return Identity{}, err
		}
		return a.byToken(r.Context(), token, keyID, touch)
	default:
		return Identity{}, errNobody("there is more than one Authorization header")
	}
	if c, err := r.Cookie(a.cookieName(r)); err == nil && c.Value != "" {
		return a.bySession(r.Context(), c.Value, touch)
	}
	return Identity{}, errNobody("sign in first")
}

// credential reads the token out of an Authorization header: Bearer, Splunk,
// Basic (any name, the token as password) or ApiKey (base64 of id:token).
func credential(header string) (token, keyID string, err error) {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer", "splunk":
		return rest, "", nil
	case "basic":
		if _, password, ok := decodePair(rest); ok {
			return password, "", nil
		}
	case "apikey":
		if id, key, ok := decodePair(rest); ok {
			return key, id, nil
		}
	}
	return "", "", errNobody("the Authorization header cannot be read")
}

func decodePair(s string) (first, second string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		if raw, err = base64.RawURLEncoding.DecodeString(s); err != nil {
			return "", "", false
		}
	}
	return strings.Cut(string(raw), ":")
}

// Source is the address that a request comes from, as the throttle counts it:
// an IPv4 address, or the /64 of an IPv6 one, since one person has all of that.
func (a *Auth) Source(r *http.Request) string {
	addr, ok := a.address(r)
	if !ok {
		return "unknown"
	}
	if addr.Is6() && !addr.Is4In6() {
		p, _ := addr.WithZone("").Prefix(64)
		return p.String()
	}
	return addr.Unmap().String()
}

func (a *Auth) address(r *http.Request) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr := ap.Addr()
	// The header grows to the right, and only proxies of ours wrote what stands
	// right of the first address that is not one of them.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.isProxy(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next
	}
	return addr, true
}

func (a *Auth) isProxy(addr netip.Addr) bool {
	for _, p := range a.cfg.Proxies {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// Secure reports whether the client speaks TLS, to this server or to a proxy
// that is believed.
func (a *Auth) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if len(a.cfg.Proxies) == 0 {
		return false
	}
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.isProxy(ap.Addr()) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// LockedError is how long a locked account or address has to wait.
type LockedError struct{ Wait time.Duration }

func (e *LockedError) Error() string             { return fmt.Sprintf("locked for %s", e.Wait) }
func (e *LockedError) RetryAfter() time.Duration { return e.Wait }

func errLocked(wait time.Duration) error {
	return &tocsin.Error{Code: tocsin.CodeLimit, Msg: "too many failed sign-ins; try again later", Err: &LockedError{wait}}
}

// secret is n random bytes in URL-safe base64.
func (a *Auth) secret(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(a.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("random secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// newID is a random id in the form of a GUID.
func (a *Auth) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(a.cfg.Rand, b[:]); err != nil {
		return "", fmt.Errorf("random id: %w", err)
	}
	return guid(b), nil
}

func guid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// NewRequestID is a random id for one request.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return guid(b)
}

// digest is how secrets of full entropy are stored. They need no slow hash: no
// dictionary has them.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func notFound(err error) bool { return tocsin.CodeOf(err) == tocsin.CodeNotFound }

// note logs what failed but does not decide the request.
func (a *Auth) note(ctx context.Context, msg string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		a.cfg.Log.LogAttrs(ctx, slog.LevelWarn, msg, slog.String("err", err.Error()))
	}
}
