package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

// HECReply is the body of an answer of Splunk's HTTP event collector, with the
// status that goes with it.
type HECReply struct {
	Status  int    `json:"-"`
	Text    string `json:"text"`
	Code    int    `json:"code"`
	Invalid *int   `json:"invalid-event-number,omitempty"`
}

// The answers that shippers know. Those of the codes about tokens are the API's
// to give, which knows tokens.
var (
	HECSuccess      = HECReply{200, "Success", 0, nil}
	HECTokenMissing = HECReply{401, "Token is required", 2, nil}
	HECTokenInvalid = HECReply{403, "Invalid token", 4, nil}
	HECNoData       = HECReply{400, "No data", 5, nil}
	HECInternal     = HECReply{500, "Internal server error", 8, nil}
	HECBusy         = HECReply{503, "Server is busy", 9, nil}
	HECNoAck        = HECReply{400, "ACK is disabled", 14, nil}
	HECHealthy      = HECReply{200, "HEC is healthy", 17, nil}
)

func hecInvalid(n int) HECReply    { return HECReply{400, "Invalid data format", 6, &n} }
func hecNoEvent(n int) HECReply    { return HECReply{400, "Event field is required", 12, &n} }
func hecBlankEvent(n int) HECReply { return HECReply{400, "Event field cannot be blank", 13, &n} }

// MaxHECBody is the largest request to the event collector, unpacked.
const MaxHECBody = 32 << 20

// HECOptions goes with a request to the event collector. The strings are the
// query parameters of the same names, which hold where an event says nothing.
type HECOptions struct {
	Gzip                     bool
	Host, Source, Sourcetype string
}

// hecEvent is one object of a request. Event stays text: what it is decides
// the decoder.
type hecEvent struct {
	Time       json.RawMessage `json:"time"`
	Host       string          `json:"host"`
	Source     string          `json:"source"`
	Sourcetype string          `json:"sourcetype"`
	Event      json.RawMessage `json:"event"`
}

// HEC stores a body of /services/collector/event: JSON objects one after
// another. An event whose sourcetype, source or index is the name of a hunting
// table is a row of it; any other is recognised by its content. As with Splunk
// an object that is none ends the request, and the ones before it are stored.
// The error, if any, is for the log; the reply is right in any case.
func (in *Intake) HEC(ctx context.Context, r io.Reader, opts HECOptions) (HECReply, error) {
	body, err := in.readBody(ctx, r, opts.Gzip, MaxHECBody)
	if err != nil {
		return hecFailure(err), err
	}
	f := in.newFeed("hec "+opts.Source, body)
	reply := HECSuccess
	n := 0
	for rest := bytes.TrimLeft(body, " \t\r\n"); len(rest) > 0 && reply.Code == 0; n++ {
		end := -1
		if rest[0] == '{' {
			end = valueEnd(rest, 0)
		}
		var ev hecEvent
		if end < 0 || json.Unmarshal(rest[:end], &ev) != nil {
			reply = hecInvalid(n)
			break
		}
		if reply = hecCheck(ev, n); reply.Code == 0 {
			f.hec(ev, opts)
		}
		rest = bytes.TrimLeft(rest[end:], " \t\r\n,")
	}
	if n == 0 && reply.Code == 0 {
		return HECNoData, nil
	}
	if _, err := f.store(ctx); err != nil {
		return hecFailure(err), err
	}
	return reply, nil
}

func hecCheck(ev hecEvent, n int) HECReply {
	switch s := string(bytes.TrimSpace(ev.Event)); s {
	case "", "null":
		return hecNoEvent(n)
	case `""`:
		return hecBlankEvent(n)
	}
	return HECSuccess
}

func hecFailure(err error) HECReply {
	switch tocsin.CodeOf(err) {
	case tocsin.CodeLimit:
		return HECReply{413, "Content-Length of " + strconv.Itoa(MaxHECBody) + " too large", 27, nil}
	case tocsin.CodeInvalid:
		return HECReply{400, "Invalid data format", 6, nil}
	case tocsin.CodeUnavailable:
		return HECBusy
	}
	return HECInternal
}

// hec takes one event.
func (f *feed) hec(ev hecEvent, opts HECOptions) {
	table := ""
	for _, name := range []string{ev.Sourcetype, opts.Sourcetype, ev.Source, opts.Source} {
		if t, ok := lake.Catalog().Table(name); ok && name != "" {
			table = t.Name
			break
		}
	}
	raw := []byte(ev.Event)
	if raw[0] == '"' { // text, which may hold JSON
		var s string
		if json.Unmarshal(raw, &s) != nil {
			f.refuse(raw, "event text is no valid string")
			return
		}
		raw = []byte(strings.TrimSpace(s))
	}
	f.text(raw, table, hecTime(ev.Time))
}

// text takes one record that may be JSON or a line of a log.
func (f *feed) text(raw []byte, table string, at time.Time) {
	switch {
	case len(raw) > 0 && raw[0] == '{':
		if table != "" && !at.IsZero() {
			raw = withTime(raw, table, at)
		}
		f.add(raw, table)
	case bytes.Contains(raw, []byte("msg=audit(")):
		f.leaf.format = formatAudit
		f.add(raw, "")
		f.leaf.format = formatJSON
	default:
		f.refuse(raw, "text of no known source")
	}
}

// withTime puts the envelope's time in front of a row's own members, which win.
func withTime(raw []byte, table string, at time.Time) []byte {
	t, _ := lake.Catalog().Table(table)
	if t.Time < 0 || bytes.Contains(raw, []byte(`"Timestamp"`)) || bytes.Contains(raw, []byte(`"TimeGenerated"`)) {
		return raw
	}
	rest := raw[1+skipBlank(raw[1:], 0):]
	out := append([]byte{'{'}, `"`+t.TimeColumn()+`":"`+at.Format(time.RFC3339Nano)+`"`...)
	if len(rest) > 0 && rest[0] != '}' {
		out = append(out, ',')
	}
	return append(out, rest...)
}

// hecTime reads the envelope's time: seconds with a fraction, as number or text.
func hecTime(raw json.RawMessage) time.Time {
	s := strings.Trim(string(raw), `"`)
	if s == "" || s == "null" {
		return time.Time{}
	}
	sec, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || n <= 0 || n > 1e13 {
		return time.Time{}
	}
	if n > 1e11 { // some shippers send milliseconds
		return time.UnixMilli(n).UTC()
	}
	nanos, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if err != nil {
		nanos = 0
	}
	return time.Unix(n, nanos).UTC()
}

// HECRaw stores a body of /services/collector/raw: one record a line, or JSON
// objects one after another.
func (in *Intake) HECRaw(ctx context.Context, r io.Reader, opts HECOptions) (HECReply, error) {
	body, err := in.readBody(ctx, r, opts.Gzip, MaxHECBody)
	if err != nil {
		return hecFailure(err), err
	}
	table := ""
	for _, name := range []string{opts.Sourcetype, opts.Source} {
		if t, ok := lake.Catalog().Table(name); ok && name != "" {
			table = t.Name
			break
		}
	}
	f := in.newFeed("hec "+opts.Source, body)
	n := 0
	for line := range bytes.Lines(body) {
		if line = trimLine(line); len(line) == 0 {
			continue
		}
		n++
		if len(line) > in.cfg.Limits.Record {
			f.refuse(line[:keepOfBroken], tooLong(in.cfg.Limits.Record))
			continue
		}
		f.text(line, table, time.Time{})
	}
	if n == 0 {
		return HECNoData, nil
	}
	if _, err := f.store(ctx); err != nil {
		return hecFailure(err), err
	}
	return HECSuccess, nil
}
