package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// Graph's runHuntingQuery. OData lets an action be called by its qualified name
// as well.
var graphHuntingRoutes = []route{
	{id: "runHuntingQuery", method: "POST", path: "/v1.0/security/runHuntingQuery", verb: tocsin.VerbHunt, tag: "graph",
		doc: "Answers a hunting query", in: is[graphHuntingBody](), out: is[graphHuntingResults](), handle: (*API).runHuntingQuery, limit: maxQueryBody, stream: true},
	{id: "runHuntingQueryQualified", method: "POST", path: "/v1.0/security/microsoft.graph.security.runHuntingQuery", verb: tocsin.VerbHunt, tag: "graph",
		doc: "Answers a hunting query", in: is[graphHuntingBody](), out: is[graphHuntingResults](), handle: (*API).runHuntingQuery, limit: maxQueryBody, stream: true},
	{id: "runHuntingQueryBeta", method: "POST", path: "/beta/security/runHuntingQuery", verb: tocsin.VerbHunt, tag: "graph",
		doc: "Answers a hunting query", in: is[graphHuntingBody](), out: is[graphHuntingResults](), handle: (*API).runHuntingQuery, limit: maxQueryBody, stream: true},
	{id: "runHuntingQueryBetaQualified", method: "POST", path: "/beta/security/microsoft.graph.security.runHuntingQuery", verb: tocsin.VerbHunt, tag: "graph",
		doc: "Answers a hunting query", in: is[graphHuntingBody](), out: is[graphHuntingResults](), handle: (*API).runHuntingQuery, limit: maxQueryBody, stream: true},
}

// graphHuntingBody is the action's parameters. Microsoft's samples write their
// names with a capital, and both are taken.
type graphHuntingBody struct {
	Query    string `json:"query"`
	Timespan string `json:"timespan,omitempty"`
}

type graphHuntingResults struct {
	ODataContext string           `json:"@odata.context"`
	Partial      string           `json:"@tocsin.partial,omitempty"`
	Schema       []graphColumn    `json:"schema"`
	Results      []map[string]any `json:"results"`
}

type graphColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

const (
	graphHuntTime = 3 * time.Minute
	// batchHuntBytes bounds a result that is a part of a batch, whose answers are
	// held until all are there.
	batchHuntBytes = 4 << 20
)

func (a *API) runHuntingQuery(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	b, err := parseHuntingBody(raw)
	if err != nil {
		return err
	}
	opts := lake.HuntOptions{Timeout: graphHuntTime, Interface: huntDoor(r)}
	if opts.From, opts.To, err = parseTimespan(b.Timespan, a.now()); err != nil {
		return err
	}
	if rec, ok := w.(*recorder); ok {
		if _, part := rec.ResponseWriter.(*partWriter); part {
			opts.MaxBytes = batchHuntBytes
		}
	}
	var rows objectRows
	stats, err := a.runHunt(r.Context(), b.Query, opts, &rows)
	if err != nil {
		return err
	}
	if rows.cutBySize(stats) {
		return tooLargeResult()
	}
	version := "/v1.0"
	if strings.HasPrefix(r.URL.Path, "/beta/") {
		version = "/beta"
	}
	buf := append([]byte(nil), `{"@odata.context":`...)
	buf = appendText(buf, a.base(r)+version+"/$metadata#microsoft.graph.security.huntingQueryResults")
	if stats.Partial != "" {
		buf = appendText(append(buf, `,"@tocsin.partial":`...), stats.Partial)
	}
	buf = append(buf, `,"schema":[`...)
	for i, c := range rows.columns {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendText(append(buf, `{"name":`...), c.Name)
		buf = appendText(append(buf, `,"type":`...), netType(c.Type))
		buf = append(buf, '}')
	}
	buf = append(buf, `],"results":[`...)
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.Header().Set("OData-Version", "4.0")
	return rows.write(w, buf)
}

func parseHuntingBody(raw []byte) (b graphHuntingBody, err error) {
	members, err := decodeObject(raw)
	if err != nil {
		return b, err
	}
	seen := map[string]bool{}
	for _, m := range members {
		if strings.HasPrefix(m.name, "@") {
			continue
		}
		name := strings.ToLower(m.name)
		if seen[name] {
			return b, tocsin.Errorf(tocsin.CodeInvalid, "the property %q is given twice", m.name)
		}
		seen[name] = true
		switch name {
		case "query":
			b.Query, err = textValue(m)
		case "timespan":
			b.Timespan, err = nullableText(m)
		default:
			err = tocsin.Errorf(tocsin.CodeInvalid, "there is no property %q", m.name)
		}
		if err != nil {
			return b, err
		}
	}
	if strings.TrimSpace(b.Query) == "" {
		return b, tocsin.Errorf(tocsin.CodeInvalid, "the property \"query\" is missing or empty")
	}
	return b, nil
}

// tooLargeResult is a result beyond the bytes that one call may give.
func tooLargeResult() error {
	return &httpError{status: http.StatusBadRequest, code: "quotaLimitReached", err: tocsin.Errorf(tocsin.CodeLimit,
		"Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again.")}
}

// objectRows gathers the rows of the first table as JSON objects.
type objectRows struct {
	columns []kql.Column
	names   [][]byte // `"Name":` of each
	tables  int
	rows    []byte
	count   int64
}

func (o *objectRows) Table(t lake.HuntTable) error {
	if o.tables++; o.tables > 1 {
		return nil
	}
	o.columns = append(o.columns, t.Columns...)
	for _, c := range t.Columns {
		o.names = append(o.names, append(appendText(nil, c.Name), ':'))
	}
	return nil
}

func (o *objectRows) Row(row []kql.Value) error {
	if o.tables > 1 {
		return nil
	}
	if o.count > 0 {
		o.rows = append(o.rows, ',')
	}
	o.rows = append(o.rows, '{')
	for i, v := range row {
		if i > 0 {
			o.rows = append(o.rows, ',')
		}
		o.rows = append(o.rows, o.names[i]...)
		o.rows = appendCell(o.rows, v)
	}
	o.rows = append(o.rows, '}')
	o.count++
	return nil
}

// cutBySize tells a result that is too large, which is an error, from one with
// too many rows, of which the first ones are given.
func (o *objectRows) cutBySize(stats lake.HuntStats) bool {
	return stats.Partial != "" && stats.Rows < huntMaxRows
}

// write sends what comes before the rows, the rows, and the end.
func (o *objectRows) write(w http.ResponseWriter, before []byte) error {
	rc := http.NewResponseController(w)
	for _, part := range [][]byte{before, o.rows, []byte("]}")} {
		for len(part) > 0 {
			n := min(len(part), sendBytes)
			_ = rc.SetWriteDeadline(time.Now().Add(answerPause)) // a recorder in a test has no deadlines
			if _, err := w.Write(part[:n]); err != nil {
				return err
			}
			part = part[n:]
		}
	}
	return nil
}

var errTimespan = errors.New("no timespan")

// parseTimespan reads the range that a request bounds its query to: start/end,
// duration/end, start/duration, a duration that ends now, or a start alone. The
// zero times, for an empty text, mean the default.
func parseTimespan(text string, now time.Time) (from, to time.Time, err error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return from, to, nil
	}
	first, second, two := strings.Cut(text, "/")
	switch {
	case !two && isDuration(first):
		to = now
		from, err = shift(now, first, -1)
	case !two:
		from, err = moment8601(first)
		to = now
	case isDuration(first):
		if to, err = moment8601(second); err == nil {
			from, err = shift(to, first, -1)
		}
	case isDuration(second):
		if from, err = moment8601(first); err == nil {
			to, err = shift(from, second, 1)
		}
	default:
		if from, err = moment8601(first); err == nil {
			to, err = moment8601(second)
		}
	}
	if err != nil {
		return from, to, tocsin.Errorf(tocsin.CodeInvalid, "the property \"timespan\" is an ISO 8601 range such as P7D, 2024-02-01T08:00:00Z/P1D or 2024-02-01/2024-02-15, not %.100q", text)
	}
	if to.Before(from) {
		return from, to, tocsin.Errorf(tocsin.CodeInvalid, "the property \"timespan\" ends before it begins")
	}
	return from.UTC(), to.UTC(), nil
}

func isDuration(s string) bool { return strings.HasPrefix(s, "P") || strings.HasPrefix(s, "p") }

// moment8601 reads a date, or a date and time; without a zone it is UTC.
func moment8601(s string) (time.Time, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errTimespan
}

// shift moves a time by an ISO 8601 duration: P1Y2M3W4DT5H6M7.5S.
func shift(t time.Time, s string, sign int) (time.Time, error) {
	s = strings.ToUpper(strings.TrimSpace(s))[1:]
	clock, any := false, false
	for s != "" {
		if s[0] == 'T' && !clock {
			clock, any, s = true, false, s[1:]
			continue
		}
		n := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 || n > 12 {
			return t, errTimespan
		}
		unit := s[n]
		var err error
		if t, err = shiftBy(t, s[:n], unit, clock, sign); err != nil {
			return t, err
		}
		any, s = true, s[n+1:]
	}
	if !any {
		return t, errTimespan
	}
	return t, nil
}

// longestShift is how many of a unit a duration may have: no table reaches
// further back.
const longestShift = 100_000

func shiftBy(t time.Time, number string, unit byte, clock bool, sign int) (time.Time, error) {
	if clock {
		length := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}[unit]
		d, err := time.ParseDuration(number + "s")
		if length == 0 || err != nil || d.Hours() > longestShift {
			return t, errTimespan
		}
		seconds := d.Seconds() * length.Seconds() * float64(sign)
		if seconds > 1e10 || seconds < -1e10 {
			return t, errTimespan
		}
		whole := int64(seconds)
		return t.AddDate(0, 0, int(whole/86400)).Add(time.Duration(whole%86400)*time.Second + time.Duration((seconds-float64(whole))*1e9)), nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n > longestShift {
		return t, errTimespan
	}
	n *= sign
	switch unit {
	case 'Y':
		t = t.AddDate(n, 0, 0)
	case 'M':
		t = t.AddDate(0, n, 0)
	case 'W':
		t = t.AddDate(0, 0, 7*n)
	case 'D':
		t = t.AddDate(0, 0, n)
	default:
		return t, errTimespan
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return t, errTimespan
	}
	return t, nil
}
