package intake

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

// BulkReply is an answer of Elasticsearch's bulk API, with its HTTP status.
// When Error is set the request as a whole was refused.
type BulkReply struct {
	HTTP   int                   `json:"-"`
	Took   int64                 `json:"took"` // milliseconds
	Errors bool                  `json:"errors"`
	Items  []map[string]BulkItem `json:"items"`
	Error  *BulkError            `json:"-"`
}

// MarshalJSON writes the form that belongs to the outcome.
func (r BulkReply) MarshalJSON() ([]byte, error) {
	if r.Error != nil {
		return json.Marshal(map[string]any{"error": r.Error, "status": r.HTTP})
	}
	type plain BulkReply
	p := plain(r)
	if p.Items == nil {
		p.Items = []map[string]BulkItem{}
	}
	return json.Marshal(p)
}

// BulkItem is the outcome of one action.
type BulkItem struct {
	Index   string         `json:"_index"`
	ID      string         `json:"_id"`
	Version int            `json:"_version,omitempty"`
	Result  string         `json:"result,omitempty"`
	Shards  map[string]int `json:"_shards,omitempty"`
	SeqNo   *int64         `json:"_seq_no,omitempty"`
	Term    int            `json:"_primary_term,omitempty"`
	Status  int            `json:"status"`
	Error   *BulkError     `json:"error,omitempty"`
}

// BulkError is the reason of a refusal in Elasticsearch's words.
type BulkError struct {
	Type   string      `json:"type"`
	Reason string      `json:"reason"`
	Root   []BulkError `json:"root_cause,omitempty"`
}

// BulkOptions goes with a request to the bulk API.
type BulkOptions struct {
	Gzip  bool
	Index string // from the path: for actions that name none
}

const (
	// MaxBulkBody is the largest bulk request, unpacked: Elasticsearch's own.
	MaxBulkBody = 100 << 20
	maxBulk     = 100_000 // actions of one request
)

// Bulk stores a body of the bulk API: lines of action and document in turn.
// create and index are the same here, since telemetry is never overwritten;
// delete and update are refused one by one. A document whose index is named
// like a hunting table, in any case, is a row of it; any other is recognised by
// its content. A document that no table takes is stored in the quarantine and
// counts as created: to send it again would help nobody. The error, if any, is
// for the log; the reply is right in any case.
func (in *Intake) Bulk(ctx context.Context, r io.Reader, opts BulkOptions) (BulkReply, error) {
	start := in.cfg.Now()
	body, err := in.readBody(ctx, r, opts.Gzip, MaxBulkBody)
	if err != nil {
		return bulkFailure(err), err
	}
	f := in.newFeed("bulk "+opts.Index, body)
	reply := BulkReply{HTTP: 200}
	stored := map[int64]int{} // number of the record in the feed -> its item
	if refusal := f.bulk(body, opts, &reply, stored); refusal != nil {
		return *refusal, nil
	}
	refused, err := f.store(ctx)
	if err != nil {
		return bulkFailure(err), err
	}
	for at, why := range refused {
		if i, ok := stored[at]; ok {
			for action, item := range reply.Items[i] {
				reply.Items[i][action] = item.refuse(400, "document_parsing_exception", why)
			}
			reply.Errors = true
		}
	}
	reply.Took = in.cfg.Now().Sub(start).Milliseconds()
	return reply, nil
}

// bulk goes through the lines. It gives back a reply when the request is wrong
// as a whole, in which case nothing of it is stored, as in Elasticsearch.
func (f *feed) bulk(body []byte, opts BulkOptions, reply *BulkReply, stored map[int64]int) *BulkReply {
	lines := &lineCursor{rest: body}
	for lines.next() {
		if len(lines.line) == 0 {
			continue
		}
		action, meta, err := bulkAction(lines.line)
		if err != nil {
			return bulkMalformed(fmt.Sprintf("Malformed action/metadata line [%d], %v", lines.n, err))
		}
		if len(reply.Items) >= maxBulk {
			return bulkMalformed(fmt.Sprintf("more than %d actions in one request", maxBulk))
		}
		item := BulkItem{Index: meta.Index, ID: meta.ID}
		if item.Index == "" {
			item.Index = opts.Index
		}
		if item.ID == "" {
			item.ID = f.documentID()
		}
		if action == "delete" {
			f.at++
			reply.put(action, item.refuse(400, "illegal_argument_exception", "telemetry is only added: delete is not supported"))
			continue
		}
		if !lines.next() {
			return bulkMalformed("The bulk request must be terminated by a newline [\\n]")
		}
		switch {
		case action == "update":
			f.at++
			reply.put(action, item.refuse(400, "illegal_argument_exception", "telemetry is only added: update is not supported"))
		case item.Index == "":
			f.at++
			reply.put(action, item.refuse(400, "action_request_validation_exception", "an index is required"))
		default:
			stored[f.at] = len(reply.Items)
			reply.put(action, f.document(item, lines.line))
		}
	}
	if len(reply.Items) == 0 {
		return bulkMalformed("request body is required")
	}
	return nil
}

// document takes one document.
func (f *feed) document(item BulkItem, line []byte) BulkItem {
	if len(line) > f.in.cfg.Limits.Record {
		f.refuse(line[:keepOfBroken], tooLong(f.in.cfg.Limits.Record))
		return item.refuse(400, "document_parsing_exception", tooLong(f.in.cfg.Limits.Record))
	}
	if !json.Valid(line) {
		f.refuse(line[:min(len(line), keepOfBroken)], "document is no valid JSON")
		return item.refuse(400, "document_parsing_exception", "failed to parse: the document is no valid JSON")
	}
	seq := f.at
	f.add(line, tableNamed(item.Index))
	item.Version, item.Result, item.Term, item.Status, item.SeqNo = 1, "created", 1, 201, &seq
	item.Shards = map[string]int{"total": 1, "successful": 1, "failed": 0}
	return item
}

// tableNamed finds a hunting table by a name in any case, because index names
// are in lower case.
func tableNamed(index string) string {
	if t, ok := lake.Catalog().Table(index); ok {
		return t.Name
	}
	for _, t := range lake.Catalog().Tables() {
		if strings.EqualFold(t.Name, index) {
			return t.Name
		}
	}
	return ""
}

// documentID makes the id that Elasticsearch would, but the same one when the
// same request comes again.
func (f *feed) documentID() string {
	var b [15]byte
	binary.BigEndian.PutUint64(b[:], uint64(f.leaf.ids))
	binary.BigEndian.PutUint64(b[7:], uint64(f.leaf.ids.id(f.at, 1)))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (i BulkItem) refuse(status int, kind, reason string) BulkItem {
	return BulkItem{Index: i.Index, ID: i.ID, Status: status, Error: &BulkError{Type: kind, Reason: reason}}
}

func (r *BulkReply) put(action string, item BulkItem) {
	r.Items = append(r.Items, map[string]BulkItem{action: item})
	r.Errors = r.Errors || item.Error != nil
}

type bulkMeta struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
}

// bulkAction reads {"create":{"_index":...}}.
func bulkAction(line []byte) (string, bulkMeta, error) {
	var m map[string]bulkMeta
	if len(line) == 0 || line[0] != '{' {
		return "", bulkMeta{}, fmt.Errorf("expected START_OBJECT")
	}
	if err := json.Unmarshal(line, &m); err != nil || len(m) != 1 {
		return "", bulkMeta{}, fmt.Errorf("expected one action with its metadata")
	}
	for action, meta := range m {
		switch action {
		case "create", "index", "delete", "update":
			return action, meta, nil
		}
	}
	return "", bulkMeta{}, fmt.Errorf("expected field [create], [delete], [index] or [update]")
}

func bulkMalformed(reason string) *BulkReply {
	e := BulkError{Type: "illegal_argument_exception", Reason: reason}
	e.Root = []BulkError{e}
	return &BulkReply{HTTP: 400, Error: &e}
}

func bulkFailure(err error) BulkReply {
	status, kind := 500, "exception"
	switch tocsin.CodeOf(err) {
	case tocsin.CodeLimit:
		status, kind = 413, "content_too_long_exception"
	case tocsin.CodeInvalid:
		status, kind = 400, "illegal_argument_exception"
	case tocsin.CodeUnavailable:
		status, kind = 429, "es_rejected_execution_exception" // shippers wait and send again
	}
	return BulkReply{HTTP: status, Error: &BulkError{Type: kind, Reason: tocsin.Message(err)}}
}

// lineCursor goes through the lines of a body.
type lineCursor struct {
	rest []byte
	line []byte
	n    int
}

func (c *lineCursor) next() bool {
	if len(c.rest) == 0 {
		return false
	}
	line, rest, _ := bytes.Cut(c.rest, []byte{'\n'})
	c.line, c.rest = bytes.TrimRight(line, "\r"), rest
	c.n++
	return true
}
