package api

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// errReaderGone is that whoever reads the rows of a query does not take them.
var errReaderGone = errors.New("the reader of a result is gone")

// quotaCycle is how often a tenant gets new processing time; the cycles begin
// on the quarters of the hour.
const quotaCycle = 15 * time.Minute

// problem gives a failed query its answer over HTTP. The chain keeps
// *kql.Diagnostics, the *tocsin.Error and the lake's kinds of failure.
func (h *Hunter) problem(ctx context.Context, err error) error {
	var diags *kql.Diagnostics
	switch {
	case err == nil:
		return nil
	case errors.As(err, &diags):
		return &httpError{status: http.StatusBadRequest, code: "invalidRequest", err: err}
	case errors.Is(err, lake.ErrHuntQuota):
		now := h.Now()
		return &httpError{status: http.StatusTooManyRequests, code: "activityLimitReached", retryAfter: now.Truncate(quotaCycle).Add(quotaCycle).Sub(now), err: err}
	case errors.Is(err, lake.ErrHuntTimeout):
		return &httpError{status: http.StatusGatewayTimeout, code: "timeout", err: err}
	case errors.Is(err, lake.ErrHuntResources):
		return &httpError{status: http.StatusBadRequest, code: "quotaLimitReached", err: err}
	}
	return err
}

// diagnostic is one mistake in a query. Start and end count UTF-16 units, as
// editors in browsers do, line and column count from 1.
type diagnostic struct {
	Start    int    `json:"start"`
	End      int    `json:"end"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Message  string `json:"message"`
	Code     string `json:"code,omitempty"`
	Severity string `json:"severity" one:"error,warning"`
}

// maxDiagnostics is how many mistakes of one query are told.
const maxDiagnostics = 100

func diagnosticsOf(src string, list []kql.Diagnostic) []diagnostic {
	out := []diagnostic{}
	for _, d := range list[:min(len(list), maxDiagnostics)] {
		severity := "error"
		if d.Warning {
			severity = "warning"
		}
		out = append(out, diagnostic{Start: utf16Offset(src, d.Start), End: utf16Offset(src, d.End), Line: max(d.Line, 1), Column: max(d.Col, 1),
			Message: d.Msg, Code: d.Code, Severity: severity})
	}
	return out
}

// utf16Offset is the offset in UTF-16 units of a byte of src.
func utf16Offset(src string, at int) int {
	n := 0
	for i := 0; i < min(at, len(src)); {
		r, size := utf8.DecodeRuneInString(src[i:])
		if r > 0xFFFF {
			n++
		}
		n++
		i += size
	}
	return n
}

// diagnosed are the mistakes that an error tells of, nil when it is about
// something else.
func diagnosed(err error) []diagnostic {
	var diags *kql.Diagnostics
	if !errors.As(err, &diags) {
		return nil
	}
	return diagnosticsOf(diags.Source, diags.List)
}

// huntFailure is a failure of a query whose rows are under way.
func huntFailure(err error) errorLine {
	_, code := statusOf(err)
	return errorLine{huntError{Code: code, Message: huntMessage(err), Diagnostics: diagnosed(err)}}
}

type errorLine struct {
	Error huntError `json:"error"`
}

type huntError struct {
	Code        string       `json:"code"`
	Message     string       `json:"message"`
	Diagnostics []diagnostic `json:"diagnostics,omitempty"`
}
