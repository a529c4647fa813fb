package api

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

// requestState travels with a request's context.
type requestState struct {
	id     string
	client string
	who    auth.Identity
	route  *route
	body   *patientBody // nil without a body
}

type stateKey struct{}

func stateOf(r *http.Request) *requestState {
	if s, ok := r.Context().Value(stateKey{}).(*requestState); ok {
		return s
	}
	return &requestState{}
}

func requestID(r *http.Request) string       { return stateOf(r).id }
func clientRequestID(r *http.Request) string { return stateOf(r).client }

// whoIs is the principal of a request that was admitted.
func whoIs(r *http.Request) tocsin.Principal { return stateOf(r).who.Principal }

// clientID is what a client may send as its own request id: it goes into logs
// and headers, so it is short and plain.
var clientID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// odataKey is the OData way to write a key: incidents('17').
var odataKey = regexp.MustCompile(`^(/v1\.0/security/(?:incidents|alerts_v2))\('?([^'()/]+)'?\)(/[a-z]+)?$`)

// ServeHTTP is the way of every request: named, counted, its panics caught,
// then to its route, or to the portal.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	st := &requestState{id: auth.NewRequestID()}
	if c := r.Header.Get("client-request-id"); clientID.MatchString(c) {
		st.client = c
	} else {
		st.client = st.id
	}
	r = r.WithContext(context.WithValue(r.Context(), stateKey{}, st))
	rec := &recorder{ResponseWriter: w}
	st.body = deadlines(rec, r)
	h := rec.Header()
	h.Set("request-id", st.id)
	h.Set("client-request-id", st.client)
	a.secure(h, r)
	defer func() { a.account(rec, r, st, time.Since(start)) }() // also when the next one panics on
	defer func() {
		if p := recover(); p != nil {
			a.panicked(rec, r, p)
		}
	}()
	a.dispatch(rec, r)
}

// secure sets the headers that every answer carries. The portal's pages replace
// the policy by one with a nonce for their styles.
func (a *API) secure(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if a.cfg.Auth.Secure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	if m := odataKey.FindStringSubmatch(p); m != nil {
		p = m[1] + "/" + m[2] + m[3]
	} else if p == "/elastic" {
		p = "/elastic/" // clients differ in how they join the base path
	}
	if p != r.URL.Path {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = p, ""
	}
	ours := isAPIPath(path.Clean(p))
	if ours && path.Clean(p) != strings.TrimSuffix(p, "/") {
		// The mux would redirect to the clean path. A client that means
		// something else than it says gets nothing.
		w.Header().Set("Cache-Control", "no-store")
		a.writeError(w, r, tocsin.Errorf(tocsin.CodeNotFound, "there is nothing at this address"))
		return
	}
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	if allow := allowed(h, r); allow != "" {
		w.Header().Set("Allow", allow)
		w.Header().Set("Cache-Control", "no-store")
		a.writeError(w, r, &httpError{status: http.StatusMethodNotAllowed, code: "notAllowed",
			err: tocsin.Errorf(tocsin.CodeInvalid, "this address takes %s", allow)})
		return
	}
	if ours || a.cfg.Portal == nil {
		w.Header().Set("Cache-Control", "no-store")
		a.writeError(w, r, tocsin.Errorf(tocsin.CodeNotFound, "there is nothing at this address"))
		return
	}
	a.cfg.Portal.ServeHTTP(w, r)
}

// isAPIPath reports a path that the portal must not answer for.
func isAPIPath(p string) bool {
	for _, prefix := range []string{"/api", "/v1.0", "/beta", "/v1", "/v2", "/services", "/elastic", "/healthz", "/metrics"} {
		if rest, ok := strings.CutPrefix(p, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return strings.Contains(p, "/oauth2/")
}

// allowed asks the mux's own answer for the methods that the path has.
func allowed(h http.Handler, r *http.Request) string {
	probe := &recorder{ResponseWriter: discard{http.Header{}}}
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		return probe.Header().Get("Allow")
	}
	return ""
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// serve is what stands between the mux and a handler.
func (a *API) serve(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stateOf(r).route = rt
		w.Header().Set("Cache-Control", "no-store")
		r, err := a.admit(rt, w, r)
		if err == nil {
			err = rt.handle(a, w, r)
		}
		if err == nil {
			return
		}
		if rec, ok := w.(*recorder); ok && rec.status != 0 {
			// The answer is under way: cutting the connection is the only way
			// left to tell the client that it is not whole.
			a.log.LogAttrs(r.Context(), slog.LevelWarn, "answer broken off", slog.String("requestId", requestID(r)),
				slog.String("path", r.URL.Path), slog.String("err", unwrapAll(err)))
			panic(http.ErrAbortHandler)
		}
		rt.dialect.writeError(a, w, r, err)
	})
}

// admit checks, in this order, who asks, from which page, how often, whether
// they may, and what they send.
func (a *API) admit(rt *route, w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if rt.public == "" {
		who, err := a.cfg.Auth.Identify(r)
		if err != nil {
			a.meter.refused.WithLabelValues("unauthenticated").Inc()
			return r, err
		}
		stateOf(r).who = who
		r = r.WithContext(tocsin.WithPrincipal(r.Context(), who.Principal))
		if who.Method == auth.MethodSession {
			if err := a.samePage(rt, r); err != nil {
				a.meter.refused.WithLabelValues("csrf").Inc()
				return r, err
			}
		}
		if wait := a.pace(rt, &who); wait > 0 {
			a.meter.refused.WithLabelValues("rate").Inc()
			return r, tooMany(wait, "too many requests; slow down")
		}
		if err := tocsin.Allow(who.Principal, rt.verb); err != nil {
			a.meter.refused.WithLabelValues("forbidden").Inc()
			return r, err
		}
		if rt.whole && who.Principal.Scoped() {
			a.meter.refused.WithLabelValues("forbidden").Inc()
			return r, tocsin.Errorf(tocsin.CodeForbidden, "this is for those who are not limited to device groups")
		}
	} else if err := foreignPage(r, a.base(r)); err != nil && r.Method != http.MethodGet {
		a.meter.refused.WithLabelValues("csrf").Inc()
		return r, err
	}
	return r, a.admitBody(rt, w, r)
}

// pace is how long who has to wait before the next call, 0 for not at all.
func (a *API) pace(rt *route, who *auth.Identity) time.Duration {
	key := who.Principal.Tenant + "/" + who.Principal.ID
	wait := a.limits.take(key, time.Now())
	if wait == 0 && who.Method != auth.MethodSession && rt.verb != tocsin.VerbIntakeWrite {
		wait = a.clients.take(key, a.now())
	}
	if wait == 0 && rt.slow {
		wait = a.slow.take(key, a.now())
	}
	return wait
}

// admitBody bounds the body and checks that it is what the route takes.
func (a *API) admitBody(rt *route, w http.ResponseWriter, r *http.Request) error {
	if rt.in != nil && !isJSON(r) {
		return &httpError{status: http.StatusUnsupportedMediaType, err: tocsin.Errorf(tocsin.CodeInvalid, "the body must be application/json")}
	}
	limit := rt.limit
	if limit == 0 {
		limit = maxBody
	}
	if rt.events {
		limit = a.cfg.MaxEventsBytes
	}
	if r.ContentLength > limit {
		return tocsin.Errorf(tocsin.CodeLimit, "the body is larger than %d bytes", limit)
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if rt.stream {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		if b := stateOf(r).body; b != nil {
			b.each = true
		}
	}
	switch enc := strings.ToLower(r.Header.Get("Content-Encoding")); {
	case enc == "" || enc == "identity":
	case enc == "gzip" && rt.events:
		r.Body = &gzipBody{src: r.Body, left: limit, limit: limit}
	default:
		return &httpError{status: http.StatusUnsupportedMediaType, err: tocsin.Errorf(tocsin.CodeInvalid, "this content encoding is not taken here")}
	}
	return nil
}

const (
	// bodyTime is how long a body may take, or for telemetry and other streams
	// how long the sender may be silent.
	bodyTime = 30 * time.Second
	// answerTime is how long a request may take that is no stream.
	answerTime = 2 * time.Minute
)

// deadlines keeps a client that is slow on purpose from holding a connection:
// the body, read or not, ends in time, and so does the answer. Streams get
// deadlines of their own when their route is known.
func deadlines(w http.ResponseWriter, r *http.Request) *patientBody {
	rc, now := http.NewResponseController(w), time.Now()
	_ = rc.SetWriteDeadline(now.Add(answerTime)) // a recorder in a test has no deadlines
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	_ = rc.SetReadDeadline(now.Add(bodyTime))
	b := &patientBody{ReadCloser: r.Body, rc: rc, set: now}
	r.Body = b
	return b
}

// patientBody is a body with a deadline, which each read moves on when each is
// set. At the end of the body the deadline goes: from there on the server
// watches the connection, and would take it for the client's leaving.
type patientBody struct {
	io.ReadCloser
	rc   *http.ResponseController
	each bool
	set  time.Time
}

func (b *patientBody) Read(p []byte) (int, error) {
	if now := time.Now(); b.each && now.Sub(b.set) > bodyTime/6 {
		_ = b.rc.SetReadDeadline(now.Add(bodyTime))
		b.set = now
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// gzipBody decompresses at most limit bytes: a bomb ends there.
type gzipBody struct {
	src   io.ReadCloser
	zr    *gzip.Reader
	left  int64
	limit int64
}

func (b *gzipBody) Read(p []byte) (int, error) {
	if b.zr == nil {
		zr, err := gzip.NewReader(b.src)
		if err != nil {
			return 0, &tocsin.Error{Code: tocsin.CodeInvalid, Msg: "the body is not gzip", Err: err}
		}
		b.zr = zr
	}
	if b.left <= 0 {
		return 0, &http.MaxBytesError{Limit: b.limit}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.zr.Read(p)
	b.left -= int64(n)
	return n, err
}

func (b *gzipBody) Close() error { return b.src.Close() }

// samePage refuses what another site, or another port of this host, made a
// signed-in browser send. Reading is refused too: such a request is never the
// portal's own.
func (a *API) samePage(rt *route, r *http.Request) error {
	if err := foreignPage(r, a.base(r)); err != nil {
		return err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || rt.noCSRF != "" {
		return nil
	}
	if !stateOf(r).who.CheckCSRF(r.Header.Get("X-CSRF-Token")) {
		return tocsin.Errorf(tocsin.CodeForbidden, "the X-CSRF-Token header is missing or wrong; reload the page")
	}
	return nil
}

// foreignPage reports a request that a browser made for another origin. What
// the browser itself says of the page wins: unlike the Origin header it needs
// no knowledge of the names that a proxy in front goes by. A program that is no
// browser sends neither.
func foreignPage(r *http.Request, base string) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
	default:
		return tocsin.Errorf(tocsin.CodeForbidden, "requests from other sites are refused")
	}
	if origin := r.Header.Get("Origin"); origin != "" && !strings.EqualFold(origin, base) {
		return tocsin.Errorf(tocsin.CodeForbidden, "requests from other origins are refused")
	}
	return nil
}

func (a *API) panicked(w *recorder, r *http.Request, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	a.meter.panics.Inc()
	a.log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("requestId", requestID(r)), slog.String("method", r.Method),
		slog.String("path", r.URL.Path), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	a.writeError(w, r, &tocsin.Error{Code: tocsin.CodeInternal, Msg: "internal error", Err: fmt.Errorf("panic: %v", p)})
}

// account writes the access line and counts the request. The query string stays
// out of it: searches hold names of people.
func (a *API) account(w *recorder, r *http.Request, st *requestState, took time.Duration) {
	name, level := "portal", slog.LevelInfo
	if st.route != nil {
		name = st.route.id
	} else if isAPIPath(r.URL.Path) {
		name = "none"
	}
	if name == "health" || name == "metrics" || name == "portal" {
		level = slog.LevelDebug
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	a.meter.requests.WithLabelValues(name, strconv.Itoa(status)).Inc()
	if st.route == nil || !st.route.stream {
		a.meter.seconds.WithLabelValues(name).Observe(took.Seconds())
	}
	a.log.LogAttrs(r.Context(), level, "request", slog.String("requestId", st.id), slog.String("method", r.Method),
		slog.String("path", r.URL.Path), slog.Int("status", status), slog.Int64("bytes", w.bytes),
		slog.Duration("took", took), slog.String("who", st.who.Principal.UserName), slog.String("from", a.cfg.Auth.Source(r)))
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
