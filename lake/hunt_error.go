package lake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// Kinds of failure of a hunt, for errors.Is: what people read is in the
// tocsin.Error around them.
var (
	ErrHuntTimeout   = errors.New("a query ran longer than it may")
	ErrHuntQuota     = errors.New("a tenant used up its processing time")
	ErrHuntBusy      = errors.New("too many queries are waiting")
	ErrHuntResources = errors.New("a query needs more memory than it may have")
	ErrHuntFailed    = errors.New("a query failed for a fault of ours")
	errRange         = errors.New("a number is out of range")
)

func huntError(kind error, code tocsin.Code, format string, args ...any) error {
	return &tocsin.Error{Code: code, Msg: fmt.Sprintf(format, args...), Err: kind}
}

func huntTimeout() error {
	return huntError(ErrHuntTimeout, tocsin.CodeLimit, "Query exceeded the timeout period.")
}

func huntResources() error {
	return huntError(ErrHuntResources, tocsin.CodeLimit, "Query stopped due to excessive resource consumption.")
}

func stageTooLarge(operator string) error {
	if operator == "" {
		return huntResources()
	}
	return huntError(ErrHuntResources, tocsin.CodeLimit, "Query stopped. Adjust use of the %s operator to avoid excessive resource consumption.", operator)
}

func huntQuota(wait time.Duration) error {
	wait = max(wait.Round(time.Second), time.Second)
	return huntError(ErrHuntQuota, tocsin.CodeLimit, "You have exceeded processing resources allocated to this tenant. You can run queries again in %s.", spoken(wait))
}

// spoken is a duration as people say it: 7 minutes 30 seconds.
func spoken(d time.Duration) string {
	part := func(n time.Duration, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	m, s := d/time.Minute, d%time.Minute/time.Second
	switch {
	case m == 0:
		return part(s, "second")
	case s == 0:
		return part(m, "minute")
	}
	return part(m, "minute") + " " + part(s, "second")
}

// sinkError is a failure of whoever takes the rows; it goes back as it came.
type sinkError struct{ error }

func (e sinkError) Unwrap() error { return e.error }

// explain turns whatever went wrong into what the caller may be told: a bad
// query's diagnostics, a limit in the words of the portal, or that it is our
// fault, with a number that the log has too. DuckDB's own words stay in the log.
func (h *hunt) explain(err error) error {
	var diags *kql.Diagnostics
	var known *tocsin.Error
	var sink sinkError
	var engine *engineError
	fault := h.native.failure.Load()
	switch {
	case errors.As(err, &sink):
		return sink.error
	case errors.As(err, &diags), errors.As(err, &known):
		return err
	case fault != nil:
		// DuckDB only knows that some function failed.
		err = fault
	case context.Cause(h.ctx) == ErrHuntTimeout:
		return huntTimeout()
	case h.ctx.Err() != nil:
		return h.ctx.Err()
	case h.native.full.Load(), errors.Is(err, kql.ErrTooLarge):
		return huntResources()
	case errors.As(err, &engine) && engine.kind == mapping.ErrorTypeOutOfMemory:
		return huntResources()
	case engine != nil && strings.Contains(engine.msg, "expression depth limit"):
		return huntError(ErrHuntResources, tocsin.CodeLimit, "Query stopped. Its expressions are nested too deeply when functions and let statements are put in.")
	case engine != nil && strings.HasPrefix(engine.msg, "Out of Range Error"):
		return huntError(errRange, tocsin.CodeInvalid, "A number that the query computes is out of range.")
	}
	id := rand.Text()[:12]
	args := []any{"request", id, "query", h.src, "error", err}
	var failure *nativeFailure
	if errors.As(err, &failure) {
		args = append(args, "stack", string(failure.stack))
	}
	h.l.cfg.Log.Error("a hunting query failed", args...)
	return &tocsin.Error{Code: tocsin.CodeInternal, Err: errors.Join(ErrHuntFailed, err),
		Msg: "An unexpected error occurred during query execution. Please try again in a few minutes. (Request " + id + ")"}
}
