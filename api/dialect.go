package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
)

// dialect is whose error bodies a client reads: log shippers and OAuth
// libraries decide by them whether to try again.
type dialect uint8

const (
	graphDialect dialect = iota
	oauthDialect
	hecDialect
	elasticDialect
	kustoDialect
	defenderDialect
)

// oauthFailure is an error of RFC 6749, section 5.2.
type oauthFailure struct {
	code string
	err  error
}

func (e *oauthFailure) Error() string { return e.err.Error() }
func (e *oauthFailure) Unwrap() error { return e.err }

func oauthError(code, msg string) error {
	return &oauthFailure{code, tocsin.Errorf(tocsin.CodeInvalid, "%s", msg)}
}

func (d dialect) writeError(a *API, w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		w.WriteHeader(499) // as with Graph's: the client left
		return
	}
	status, _ := statusOf(err)
	var body any
	switch d {
	case oauthDialect:
		status, body = oauthBody(status, err)
	case hecDialect:
		status, body = hecBody(status, err)
	case elasticDialect:
		body = elasticBody(status, err)
	case kustoDialect:
		kustoHeaders(w, r)
		status, body = a.kustoError(r, err)
	case defenderDialect:
		body = defenderBody(r, status, err)
	default:
		a.writeError(w, r, err)
		return
	}
	h := w.Header()
	var ra retryAfter
	wait := 5 * time.Second
	if errors.As(err, &ra) {
		wait = ra.RetryAfter()
	}
	var he *httpError
	if errors.As(err, &he) && he.retryAfter > 0 {
		wait = he.retryAfter
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	if status >= 500 {
		a.log.Error("request failed", "requestId", requestID(r), "path", r.URL.Path, "err", unwrapAll(err))
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(body)
	}
}

func oauthBody(status int, err error) (int, any) {
	code := "server_error"
	var f *oauthFailure
	switch {
	case errors.As(err, &f):
		code = f.code
	case status == http.StatusUnauthorized:
		code = "invalid_client"
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		code = "temporarily_unavailable"
	case status < 500:
		code = "invalid_request"
	}
	return status, map[string]string{"error": code, "error_description": tocsin.Message(err)}
}

// hecBody is the answer of Splunk's HTTP event collector, with its own codes:
// shippers drop what was answered with 400 and 403 and keep what was answered
// with 503.
func hecBody(status int, err error) (int, any) {
	text, code := "Internal server error", 8
	switch status {
	case http.StatusUnauthorized:
		text, code = "Invalid authorization", 3
	case http.StatusForbidden:
		text, code = "Invalid token", 4
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
		text, code = tocsin.Message(err), 6
		if status != http.StatusRequestEntityTooLarge {
			status = http.StatusBadRequest
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		text, code, status = "Server is busy", 9, http.StatusServiceUnavailable
	}
	return status, map[string]any{"text": text, "code": code}
}

func elasticBody(status int, err error) any {
	kind := "exception"
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind = "security_exception"
	case status == http.StatusTooManyRequests:
		kind = "es_rejected_execution_exception"
	case status < 500:
		kind = "illegal_argument_exception"
	}
	cause := map[string]any{"type": kind, "reason": tocsin.Message(err)}
	return map[string]any{"status": status, "error": map[string]any{"type": kind, "reason": tocsin.Message(err), "root_cause": []any{cause}}}
}
