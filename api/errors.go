package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// errorBody is Graph's error body.
type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code       string     `json:"code"`
	Message    string     `json:"message"`
	InnerError innerError `json:"innerError"`
	// Diagnostics are the mistakes of a query in KQL.
	Diagnostics []diagnostic `json:"diagnostics,omitempty"`
	// Conflicts are the properties that somebody else changed meanwhile, Version
	// that of the thing as it is now.
	Conflicts []fieldConflict `json:"conflicts,omitempty"`
	Version   int64           `json:"version,omitempty"`
}

type innerError struct {
	Date            string `json:"date"`
	RequestID       string `json:"request-id"`
	ClientRequestID string `json:"client-request-id"`
}

// httpError is an error that knows its answer better than its Code says.
type httpError struct {
	status     int
	code       string // Graph's; "" for the usual one of err
	retryAfter time.Duration
	err        error
}

func (e *httpError) Error() string { return e.err.Error() }
func (e *httpError) Unwrap() error { return e.err }

// tooMany is the answer to who calls too often.
func tooMany(wait time.Duration, msg string) error {
	return &httpError{status: http.StatusTooManyRequests, code: "activityLimitReached", retryAfter: wait,
		err: tocsin.Errorf(tocsin.CodeLimit, "%s", msg)}
}

// RetryAfter is what an error from below tells about when to come back.
type retryAfter interface{ RetryAfter() time.Duration }

// statusOf is the one place that maps the glossary's codes to HTTP and to
// Graph's names.
func statusOf(err error) (status int, code string) {
	switch tocsin.CodeOf(err) {
	case tocsin.CodeInvalid:
		status, code = http.StatusBadRequest, "invalidRequest"
	case tocsin.CodeUnauthenticated:
		status, code = http.StatusUnauthorized, "unauthenticated"
	case tocsin.CodeForbidden:
		status, code = http.StatusForbidden, "accessDenied"
	case tocsin.CodeNotFound:
		status, code = http.StatusNotFound, "itemNotFound"
	case tocsin.CodeConflict:
		status, code = http.StatusConflict, "resourceModified"
	case tocsin.CodeLimit:
		status, code = http.StatusRequestEntityTooLarge, "quotaLimitReached"
		var ra retryAfter
		if errors.As(err, &ra) { // not too large but too often
			status, code = http.StatusTooManyRequests, "activityLimitReached"
		}
	case tocsin.CodeUnavailable:
		status, code = http.StatusServiceUnavailable, "serviceNotAvailable"
	default:
		status, code = http.StatusInternalServerError, "generalException"
	}
	var he *httpError
	if errors.As(err, &he) {
		status = he.status
		if he.code != "" {
			code = he.code
		}
	}
	return status, code
}

// writeError answers with err: its code and the part of it that was written
// for clients. What went wrong inside goes to the log, under the request's id.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		// The client left. Nobody reads the answer, and it is nobody's fault.
		w.WriteHeader(499)
		return
	}
	status, code := statusOf(err)
	if status >= 500 {
		a.log.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("requestId", requestID(r)),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("err", unwrapAll(err)))
	}
	h := w.Header()
	var he *httpError
	var ra retryAfter
	wait := time.Duration(0)
	if errors.As(err, &he) {
		wait = he.retryAfter
	}
	if wait == 0 && errors.As(err, &ra) {
		wait = ra.RetryAfter()
	}
	if wait == 0 && status == http.StatusServiceUnavailable {
		wait = 5 * time.Second
	}
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="tocsin"`)
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	detail := errorDetail{Code: code, Message: huntMessage(err), Diagnostics: diagnosed(err), InnerError: innerError{
		Date:      a.now().UTC().Format("2006-01-02T15:04:05"),
		RequestID: requestID(r), ClientRequestID: clientRequestID(r)}}
	detail.Conflicts, detail.Version = conflictsOf(err)
	_ = json.NewEncoder(w).Encode(errorBody{detail})
}

// fieldConflict is one property that two people changed.
type fieldConflict struct {
	Field  string          `json:"field"`
	Base   json.RawMessage `json:"base"`
	Mine   json.RawMessage `json:"mine"`
	Theirs json.RawMessage `json:"theirs"`
	By     actor           `json:"by"`
	At     time.Time       `json:"at,omitzero"`
}

func conflictsOf(err error) (out []fieldConflict, version int64) {
	c := cases.AsConflict(err)
	if c == nil {
		return nil, 0
	}
	for _, f := range c.Fields {
		out = append(out, fieldConflict{f.Field, f.Base, f.Mine, f.Theirs, actor{string(f.By.Kind), f.By.Name}, f.At})
	}
	if c.Incident != nil {
		return out, c.Incident.Version
	}
	return out, c.Alert.Version
}

// unwrapAll shows the log what an Error hides from clients.
func unwrapAll(err error) string {
	s := err.Error()
	for e := errors.Unwrap(err); e != nil; e = errors.Unwrap(e) {
		if m := e.Error(); m != s {
			s += ": " + m
		}
	}
	return s
}
