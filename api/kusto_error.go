package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// oneAPIError is the error of Kusto's interface. Clients show @message to
// people and decide by @permanent whether to try again.
type oneAPIError struct {
	Error oneAPIDetail `json:"error"`
}

type oneAPIDetail struct {
	Code        string        `json:"code"`
	Message     string        `json:"message"`
	Type        string        `json:"@type"`
	Description string        `json:"@message"`
	Context     oneAPIContext `json:"@context"`
	Permanent   bool          `json:"@permanent"`
	Inner       *oneAPIInner  `json:"innererror,omitempty"`
}

type oneAPIContext struct {
	Timestamp        string `json:"timestamp"`
	ServiceAlias     string `json:"serviceAlias"`
	ClientRequestID  string `json:"clientRequestId"`
	ActivityID       string `json:"activityId"`
	SubActivityID    string `json:"subActivityId"`
	ActivityType     string `json:"activityType"`
	ParentActivityID string `json:"parentActivityId"`
	ActivityStack    string `json:"activityStack"`
}

type oneAPIInner struct {
	Code        string `json:"code"`
	Message     string `json:"message"`
	Type        string `json:"@type"`
	Description string `json:"@message"`
	Permanent   bool   `json:"@permanent"`
}

// errTruncated is that a result has more rows or bytes than Kusto's clients get
// without asking for all of it.
var errTruncated = errors.New("a result was cut")

// truncated is the failure that Kusto reports behind the rows that fit.
func truncated(limit int64, why string) error {
	return &tocsin.Error{Code: tocsin.CodeLimit, Err: errTruncated, Msg: fmt.Sprintf(
		"Query execution has exceeded the allowed limits (80DA0003): The results of this query exceed the set limit of %d records or of its size, "+
			"so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). %s", limit, why)}
}

// kustoStatus is the HTTP status of an error and Kusto's code and class of it.
func kustoStatus(err error) (status int, code, class string) {
	status, _ = statusOf(err)
	var diags *kql.Diagnostics
	switch {
	case errors.As(err, &diags):
		return http.StatusBadRequest, "General_BadRequest", "Kusto.Data.Exceptions.KustoBadRequestException"
	case errors.Is(err, lake.ErrHuntTimeout):
		return http.StatusGatewayTimeout, "General_Timeout", "Kusto.Data.Exceptions.KustoServiceTimeoutException"
	case errors.Is(err, errTruncated), errors.Is(err, lake.ErrHuntResources):
		return http.StatusBadRequest, "LimitsExceeded", "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException"
	case errors.Is(err, lake.ErrHuntQuota):
		return http.StatusTooManyRequests, "General_TooManyRequests", "Kusto.Data.Exceptions.KustoRequestThrottledException"
	}
	switch status {
	case http.StatusUnauthorized:
		return status, "General_Unauthorized", "Kusto.Data.Exceptions.KustoRequestDeniedException"
	case http.StatusForbidden:
		return status, "General_AccessDenied", "Kusto.Data.Exceptions.KustoRequestDeniedException"
	case http.StatusNotFound:
		return status, "General_NotFound", "Kusto.Data.Exceptions.KustoBadRequestException"
	case http.StatusRequestEntityTooLarge:
		return status, "General_RequestTooLarge", "Kusto.Data.Exceptions.KustoBadRequestException"
	case http.StatusTooManyRequests:
		return status, "General_TooManyRequests", "Kusto.Data.Exceptions.KustoRequestThrottledException"
	case http.StatusServiceUnavailable:
		return status, "General_ServiceUnavailable", "Kusto.Data.Exceptions.KustoServiceException"
	}
	if status < 500 {
		return status, "General_BadRequest", "Kusto.Data.Exceptions.KustoBadRequestException"
	}
	return status, "General_InternalServerError", "Kusto.Data.Exceptions.KustoServiceException"
}

// kustoError is err as Kusto's clients read it, and its status.
func (a *API) kustoError(r *http.Request, err error) (int, oneAPIError) {
	status, code, class := kustoStatus(err)
	short := map[bool]string{true: "Request is invalid and cannot be executed.", false: "Request could not be executed."}[status < 500]
	d := oneAPIDetail{Code: code, Message: short, Type: class, Description: kustoMessage(err),
		Permanent: status < 500 && status != http.StatusTooManyRequests}
	if inner := kustoInner(err); inner != nil {
		d.Inner = inner
	}
	id := requestID(r)
	d.Context = oneAPIContext{Timestamp: a.now().UTC().Format(time.RFC3339Nano), ServiceAlias: "TOCSIN", ClientRequestID: kustoClientID(r),
		ActivityID: id, SubActivityID: id, ActivityType: "GW.Http.CallContext", ParentActivityID: id,
		ActivityStack: "(Activity stack: CRID=" + kustoClientID(r) + " ARID=" + id + ")"}
	return status, oneAPIError{d}
}

// maxToldMistakes is how many mistakes of one query the message of an error
// tells.
const maxToldMistakes = 5

// kustoMessage is what people read: of a bad query, what is wrong and where.
func kustoMessage(err error) string {
	var diags *kql.Diagnostics
	if !errors.As(err, &diags) {
		return tocsin.Message(err)
	}
	var b strings.Builder
	told := 0
	for _, d := range diags.List {
		if d.Warning {
			continue
		}
		if told == maxToldMistakes {
			break
		}
		if told++; told > 1 {
			b.WriteByte('\n')
		}
		b.WriteString(map[bool]string{true: "Syntax error: ", false: "Semantic error: "}[d.Syntax])
		if d.Code != "" {
			b.WriteString(d.Code + ": ")
		}
		fmt.Fprintf(&b, "%s [line:position=%d:%d]", d.Msg, max(d.Line, 1), max(d.Col, 1))
	}
	if told == 0 {
		return "Semantic error: the query is not valid"
	}
	return b.String()
}

func kustoInner(err error) *oneAPIInner {
	var diags *kql.Diagnostics
	if !errors.As(err, &diags) {
		return nil
	}
	for _, d := range diags.List {
		if d.Warning {
			continue
		}
		in := &oneAPIInner{Code: d.Code, Message: "Semantic error: " + d.Msg, Type: "Kusto.Data.Exceptions.SemanticException", Description: d.Msg, Permanent: true}
		if d.Syntax {
			in.Message, in.Type = "Syntax error: "+d.Msg, "Kusto.Data.Exceptions.SyntaxException"
		}
		if in.Code == "" {
			in.Code = map[bool]string{true: "SYN0002", false: "SEM0001"}[d.Syntax]
		}
		return in
	}
	return nil
}
