package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// The record of changes: the log of one incident, and the whole of it for those
// who audit.

var recordParams = []param{
	query("after", "integer", "sequence number of the last line seen; leads on while the oldest come first"),
	query("before", "integer", "sequence number of the last line seen; leads on while the newest come first"),
	query("order", "string", "asc, oldest first, which is the default, or desc"),
	query("top", "integer", "page size, 200 when absent, at most 1000"),
	query("category", "string", "management, comment, correlation, access, detection, hunting, settings; like the others that are no times it may be given more than once"),
	query("provider", "string", "portal, api, or the part of Tocsin that made the change"),
	query("trigger", "string", "automatic or manual"),
	query("status", "string", "completed, failed or reverted"),
	query("type", "string", "kind of change"),
	query("target", "string", "text in the id or the sentence of what was changed"),
	query("targetType", "string", "incident, alert, user, token, rule, ..."),
	query("by", "string", "name of who did it"),
	query("from", "string", "not before this time"),
	query("to", "string", "not after this time"),
}

var recordRoutes = []route{
	{id: "listActivities", method: "GET", path: "/api/v1/incidents/{id}/activities", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "The incident's activity log, with those of incidents that were merged into it",
		params: with(recordParams, query("origin", "integer", "the incident in whose log the line was written"),
			query("values", "boolean", "also say what the filters can be set to")),
		out: is[activityPage](), handle: (*API).activities},
	{id: "listAudit", method: "GET", path: "/api/v1/audit", verb: tocsin.VerbAuditRead, tag: "admin",
		doc: "The record of changes", params: with(recordParams, query("origin", "integer", "the incident in whose log the line was written")),
		out: is[auditPage](), handle: (*API).audit},
	{id: "exportAudit", method: "GET", path: "/api/v1/audit/export", verb: tocsin.VerbAuditRead, tag: "admin",
		doc:    "The record of changes as NDJSON that tocsin audit verify checks; whole, or what the filters leave",
		params: with(recordParams, query("origin", "integer", "the incident in whose log the line was written")),
		outIs:  "application/x-ndjson", handle: (*API).exportAudit, stream: true},
	{id: "verifyAudit", method: "GET", path: "/api/v1/audit/verification", verb: tocsin.VerbAuditRead, tag: "admin",
		doc: "Recomputes the chain of the record; one at a time", out: is[verification](), handle: (*API).verifyAudit, stream: true},
}

type activity struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Actor   actor           `json:"actor"`
	Kind    string          `json:"kind"`
	Summary string          `json:"summary"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	AlertID string          `json:"alertId,omitempty"`
	Comment string          `json:"comment,omitempty"`

	// Origin is the incident in whose log the line was written, when another
	// incident's log shows it because of a merge.
	Origin     int64  `json:"origin,omitempty"`
	Category   string `json:"category"`
	Provider   string `json:"provider"`
	Trigger    string `json:"trigger" one:"automatic,manual"`
	Status     string `json:"status" one:"completed,failed,reverted"`
	TargetType string `json:"targetType"`
	Target     string `json:"target"`

	Noun    string `json:"noun"`
	ID      string `json:"id"`
	Version int64  `json:"version"`
	Prev    string `json:"prev"`
	Hash    string `json:"hash"`
}

type activityPage struct {
	Value []activity `json:"value"`
	// Next is what to give as after, or as before, for the following page; 0 at
	// the end. A page may be short and have one.
	Next   int64      `json:"next"`
	Values *logValues `json:"values,omitempty"`
}

type logValues struct {
	Types   []logValue `json:"types"`
	By      []logValue `json:"by"`
	Origins []logValue `json:"origins"`
}

type logValue struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

type auditPage struct {
	Value []activity `json:"value"`
	Next  int64      `json:"next"`
}

type verification struct {
	OK      bool   `json:"ok"`
	Lines   int64  `json:"lines"` // sound ones
	Head    string `json:"head"`  // of the last sound line, SEQ:HASH
	Fault   string `json:"fault,omitempty"`
	BadLine int64  `json:"badLine,omitempty"`
	Note    string `json:"note,omitempty"`

	Checked time.Time `json:"checked"`
}

const (
	defaultActivities = 200
	maxActivities     = tocsin.MaxRecordLines
)

// recordQuery reads the filters of the record out of an address.
func recordQuery(v url.Values) (q tocsin.RecordQuery, err error) {
	number := func(name string) (n int64) {
		if s := v.Get(name); s != "" && err == nil {
			if n, err = strconv.ParseInt(s, 10, 64); err != nil || n < 0 {
				err = tocsin.Errorf(tocsin.CodeInvalid, "%s is the sequence number of the last line seen", name)
			}
		}
		return n
	}
	when := func(name string) (t time.Time) {
		if s := v.Get(name); s != "" && err == nil {
			if t, err = time.Parse(time.RFC3339Nano, s); err != nil {
				err = tocsin.Errorf(tocsin.CodeInvalid, "%s is a time such as 2026-11-20T09:00:00Z", name)
			}
		}
		return t
	}
	q = tocsin.RecordQuery{After: number("after"), Before: number("before"), From: when("from"), To: when("to"), Limit: defaultActivities,
		Categories: typed[tocsin.RecordCategory](v["category"]), Providers: v["provider"], Trigger: v.Get("trigger"),
		Statuses: typed[tocsin.RecordStatus](v["status"]), Kinds: v["type"], Target: strings.TrimSpace(v.Get("target")), TargetTypes: v["targetType"], By: v["by"]}
	for _, s := range v["origin"] {
		n, e := strconv.ParseInt(s, 10, 64)
		if e != nil || n <= 0 {
			return q, tocsin.Errorf(tocsin.CodeInvalid, "origin is the number of an incident")
		}
		q.Origins = append(q.Origins, n)
	}
	switch v.Get("order") {
	case "", "asc":
	case "desc":
		q.Newest = true
	default:
		return q, tocsin.Errorf(tocsin.CodeInvalid, "order is asc or desc")
	}
	if s := v.Get("top"); s != "" && err == nil {
		q.Limit, err = parseCount("top", s, 1)
		q.Limit = min(q.Limit, maxActivities)
	}
	if err == nil {
		err = q.Check()
	}
	return q, err
}

func (a *API) activities(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	q, err := recordQuery(r.URL.Query())
	if err != nil {
		return err
	}
	lines, next, values, err := a.cfg.Cases.Log(r.Context(), id, q, r.URL.Query().Get("values") == "true")
	if err != nil {
		return err
	}
	out := activityPage{Value: activitiesOf(lines, strconv.FormatInt(id, 10)), Next: next}
	if r.URL.Query().Get("values") == "true" {
		out.Values = &logValues{logValuesOf(values.Kinds), logValuesOf(values.Actors), logValuesOf(values.Origins)}
	}
	return writeJSON(w, http.StatusOK, out)
}

func logValuesOf(in []cases.LogValue) []logValue {
	out := make([]logValue, 0, len(in))
	for _, c := range in {
		out = append(out, logValue{c.Value, c.Count})
	}
	return out
}

// activitiesOf is lines as answers; incident is whose log they are shown in.
func activitiesOf(lines []tocsin.Change, incident string) []activity {
	out := make([]activity, 0, len(lines))
	for i := range lines {
		act := activityOf(&lines[i])
		if incident != "" && lines[i].Noun == "incident" && lines[i].ID != incident {
			act.Origin, _ = strconv.ParseInt(lines[i].ID, 10, 64) // an incident has a number
		}
		out = append(out, act)
	}
	return out
}

func activityOf(c *tocsin.Change) activity {
	act := activity{Seq: c.Seq, At: c.At, Actor: actor{string(c.Actor.Kind), c.Actor.Name}, Kind: c.Kind, Summary: c.Summary,
		Before: validJSON(c.Before), After: validJSON(c.After), AlertID: c.AlertID,
		Category: string(c.Category()), Provider: c.Provider(), Trigger: c.Trigger(), Status: string(c.Status()),
		Noun: c.Noun, ID: c.ID, Version: c.Version, Prev: c.Prev, Hash: c.Hash}
	act.TargetType, act.Target = c.Target()
	if act.AlertID == "" && c.Noun == "alert" {
		act.AlertID = c.ID
	}
	if c.Kind == "commented" || c.Kind == "statusChanged" { // resolving, with its note
		act.Comment = commentText(c.After)
	}
	return act
}

// validJSON is raw, or its text where it is none: a damaged line is shown, too.
func validJSON(raw json.RawMessage) json.RawMessage {
	if raw == nil || json.Valid(raw) {
		return raw
	}
	text, _ := json.Marshal(string(raw)) // a text cannot fail
	return text
}

// commentText finds the text of a comment in what the line kept of it.
func commentText(after json.RawMessage) string {
	var text string
	if json.Unmarshal(after, &text) == nil {
		return text
	}
	var c struct {
		Comment string `json:"comment"`
	}
	_ = json.Unmarshal(after, &c) // a line without a text has none to show
	return c.Comment
}

func (a *API) audit(w http.ResponseWriter, r *http.Request) error {
	q, err := recordQuery(r.URL.Query())
	if err != nil {
		return err
	}
	lines, next, err := a.cfg.Feed.Record(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, auditPage{activitiesOf(lines, ""), next})
}

// exportAudit streams the record, and leaves a line about it.
func (a *API) exportAudit(w http.ResponseWriter, r *http.Request) error {
	q, err := recordQuery(r.URL.Query())
	if err != nil {
		return err
	}
	q.Newest, q.Limit = false, 0
	if r.Method != http.MethodHead {
		// First the line: an export that was broken off has told much already.
		if err = a.cfg.Feed.NoteExport(r.Context(), r.URL.RawQuery); err != nil {
			return err
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="tocsin-record-%s.ndjson"`, a.now().UTC().Format("20060102-150405")))
	if r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(&patientWriter{w: w, rc: http.NewResponseController(w)}, 256<<10)
	if _, err := a.cfg.Feed.ExportRecord(r.Context(), q, out); err != nil {
		return err
	}
	return out.Flush()
}

// patientWriter gives the reader of a long answer time for each piece of it,
// and no more.
type patientWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(writeTimeout * 3)) // not every connection has deadlines
	return p.w.Write(b)
}

// verifying keeps a second check of the chain from running beside the first.
var verifying sync.Mutex

func (a *API) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	if !verifying.TryLock() {
		return tooMany(10*time.Second, "the record is being checked already")
	}
	defer verifying.Unlock()
	chain, bad, err := a.cfg.Feed.CheckChain(r.Context())
	if err != nil {
		return err
	}
	out := verification{OK: bad == nil, Lines: chain.Lines, Checked: a.now().UTC()}
	if chain.Lines > 0 {
		out.Head = fmt.Sprintf("%d:%s", chain.Seq, chain.Hash)
	}
	if chain.Backwards > 0 {
		out.Note = fmt.Sprintf("The clock was set back before %d of the lines.", chain.Backwards)
	}
	if bad != nil {
		if bad.Line != nil && bad.Line.Tenant != whoIs(r).Tenant {
			bad.Line = nil // what it says is another tenant's
		}
		out.Fault, out.BadLine = bad.String(), bad.Seq
	}
	return writeJSON(w, http.StatusOK, out)
}
