package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

// Kusto's interface: what clients of Azure Data Explorer speak. The hunting
// tables are the tables of its one database.

// kustoRoutes change nothing, though their method is POST.
var kustoRoutes = []route{
	{id: "kustoMetadata", method: "GET", path: "/v1/rest/auth/metadata", public: "clients ask it to learn where to get a token; it tells nothing but this server's address",
		tag: "kusto", doc: "Where Kusto's clients get their tokens", out: is[kustoMetadata](), handle: (*API).kustoMetadata, dialect: kustoDialect},
	{id: "kustoQueryV2", method: "POST", path: "/v2/rest/query", verb: tocsin.VerbHunt, tag: "kusto",
		doc: "Answers a query as frames, sent as they are found", in: is[kustoBody](), outIs: "application/json", handle: (*API).kustoQueryV2,
		limit: maxQueryBody, stream: true, dialect: kustoDialect},
	{id: "kustoQuery", method: "POST", path: "/v1/rest/query", verb: tocsin.VerbHunt, tag: "kusto",
		doc: "Answers a query as tables", in: is[kustoBody](), outIs: "application/json", handle: (*API).kustoQueryV1,
		limit: maxQueryBody, stream: true, dialect: kustoDialect},
	{id: "kustoQueryGet", method: "GET", path: "/v1/rest/query", verb: tocsin.VerbHunt, tag: "kusto",
		doc: "Answers a query as tables", params: []param{query("db", "string", "database"), query("csl", "string", "query"), query("properties", "string", "request properties, as JSON")},
		outIs: "application/json", handle: (*API).kustoQueryV1, stream: true, dialect: kustoDialect},
	{id: "kustoCommand", method: "POST", path: "/v1/rest/mgmt", verb: tocsin.VerbHunt, tag: "kusto",
		doc: "Answers the .show commands that tell what can be queried", in: is[kustoBody](), outIs: "application/json", handle: (*API).kustoMgmt,
		limit: maxQueryBody, stream: true, dialect: kustoDialect},
}

// kustoBody is a request. Properties is an object or, from some clients, its
// text.
type kustoBody struct {
	DB         string          `json:"db"`
	CSL        string          `json:"csl"`
	Properties json.RawMessage `json:"properties,omitempty"`
}

type kustoMetadata struct {
	AzureAD kustoAzureAD      `json:"AzureAD"`
	DSTS    map[string]string `json:"dSTS"`
}

type kustoAzureAD struct {
	LoginEndpoint          string `json:"LoginEndpoint"`
	LoginMfaRequired       bool   `json:"LoginMfaRequired"`
	KustoClientAppID       string `json:"KustoClientAppId"`
	KustoClientRedirectURI string `json:"KustoClientRedirectUri"`
	KustoServiceResourceID string `json:"KustoServiceResourceId"`
	FirstPartyAuthorityURL string `json:"FirstPartyAuthorityUrl"`
}

// kustoMetadata says that this server is where its clients sign in. Nobody can
// sign in interactively that way, so there is no id of an application for it.
func (a *API) kustoMetadata(w http.ResponseWriter, r *http.Request) error {
	base := a.base(r)
	return writeJSON(w, http.StatusOK, kustoMetadata{DSTS: map[string]string{}, AzureAD: kustoAzureAD{
		LoginEndpoint: base, KustoClientAppID: "00000000-0000-0000-0000-000000000000", KustoClientRedirectURI: base,
		KustoServiceResourceID: base, FirstPartyAuthorityURL: base + "/" + a.cfg.TenantID}})
}

// kustoClient is what clients name their requests: "KGC.execute;GUID".
var kustoClient = regexp.MustCompile(`^[A-Za-z0-9._:;|-]{1,200}$`)

// kustoClientID is the client's name of a request, or ours.
func kustoClientID(r *http.Request) string {
	if id := r.Header.Get("x-ms-client-request-id"); kustoClient.MatchString(id) {
		return id
	}
	return clientRequestID(r)
}

func kustoHeaders(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-ms-client-request-id", kustoClientID(r))
	w.Header().Set("x-ms-activity-id", requestID(r))
}

// kustoAsked is a request, read.
type kustoAsked struct {
	src     string
	options kustoOptions
	params  map[string]string
}

// kustoDatabase is the name of the one database.
const kustoDatabase = lake.HuntDatabase

// knownDatabase reports a name that clients may call the database by: its own,
// the tenant's, and what clients say who were told none.
func (a *API) knownDatabase(name string) bool {
	for _, known := range []string{"", kustoDatabase, "NetDefaultDB", a.cfg.TenantID, a.cfg.TenantName} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

func (a *API) kustoRead(r *http.Request) (*kustoAsked, error) {
	var b kustoBody
	if r.Method == http.MethodGet {
		q := r.URL.Query()
		b.DB, b.CSL = q.Get("db"), q.Get("csl")
		if text := q.Get("properties"); text != "" {
			b.Properties = json.RawMessage(text)
		}
	} else {
		raw, err := readBody(r)
		if err != nil {
			return nil, err
		}
		if err := checkJSON(raw); err != nil {
			return nil, err
		}
		// What else clients send is not an error: they are not ours.
		if err := json.Unmarshal(raw, &b); err != nil {
			return nil, syntaxError(err)
		}
	}
	if strings.TrimSpace(b.CSL) == "" {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "Syntax error: the request has no query in csl")
	}
	if !a.knownDatabase(b.DB) {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "Database '%.100s' was not found. The database here is '%s'.", b.DB, kustoDatabase)
	}
	ask := &kustoAsked{src: b.CSL}
	return ask, ask.properties(b.Properties)
}

func (k *kustoAsked) properties(raw json.RawMessage) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 {
		return nil
	}
	if err := checkJSON(raw); err != nil {
		return err
	}
	var p struct {
		Options    map[string]any
		Parameters map[string]json.RawMessage
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&p); err != nil {
		return tocsin.Errorf(tocsin.CodeInvalid, "the request properties are not an object with Options and Parameters")
	}
	k.options = p.Options
	k.params = make(map[string]string, len(p.Parameters))
	for name, v := range p.Parameters {
		if json.Unmarshal(v, &text) == nil {
			k.params[name] = text
		} else {
			k.params[name] = string(v) // a number, a bool: JSON writes them as the language does
		}
	}
	return nil
}

// kustoQueryV2 answers with frames.
func (a *API) kustoQueryV2(w http.ResponseWriter, r *http.Request) error {
	ask, err := a.kustoRead(r)
	if err != nil {
		return err
	}
	kustoHeaders(w, r)
	out := newKustoBody(w, r)
	frames := &kustoFrames{w: out, flush: out.flush, activity: requestID(r), client: kustoClientID(r), now: a.now,
		fragmented: ask.options.flag("results_v2_fragment_primary_tables")}
	if isCommand(ask.src) {
		ask.options = kustoOptions{"notruncation": true, "results_v2_fragment_primary_tables": frames.fragmented}
	}
	stats, err := a.kustoAnswer(r, ask, true, frames)
	var failure *oneAPIError
	if err != nil {
		if r.Context().Err() != nil || errors.Is(err, errReaderGone) || !frames.sent && !errors.Is(err, errTruncated) {
			return err
		}
		status, f := a.kustoError(r, err)
		if status >= 500 {
			a.log.Error("request failed", "requestId", requestID(r), "path", r.URL.Path, "err", unwrapAll(err))
		}
		failure = &f
	}
	if err := frames.end(stats, failure); err != nil {
		return err
	}
	return out.close()
}

// kustoQueryV1 answers with tables.
func (a *API) kustoQueryV1(w http.ResponseWriter, r *http.Request) error {
	ask, err := a.kustoRead(r)
	if err != nil {
		return err
	}
	return a.kustoTables(w, r, ask)
}

func (a *API) kustoTables(w http.ResponseWriter, r *http.Request, ask *kustoAsked) error {
	result := &kustoResult{}
	stats, err := a.kustoAnswer(r, ask, false, result)
	failure := ""
	if errors.Is(err, errTruncated) {
		failure, err = tocsin.Message(err), nil
	}
	if err != nil {
		return err
	}
	kustoHeaders(w, r)
	out := newKustoBody(w, r)
	if _, err := out.Write(result.v1(requestID(r), kustoClientID(r), a.now(), stats, failure)); err != nil {
		return err
	}
	return out.close()
}

// kustoMgmt answers commands.
func (a *API) kustoMgmt(w http.ResponseWriter, r *http.Request) error {
	ask, err := a.kustoRead(r)
	if err != nil {
		return err
	}
	if !isCommand(ask.src) {
		return tocsin.Errorf(tocsin.CodeInvalid, "Syntax error: a command begins with a dot. Queries go to /v2/rest/query.")
	}
	return a.kustoTables(w, r, ask)
}

// kustoAnswer runs a query or a command. A result that was cut is an error
// unless the client asked for no more; streamed results may be of any size.
func (a *API) kustoAnswer(r *http.Request, ask *kustoAsked, streamed bool, sink lake.HuntSink) (lake.HuntStats, error) {
	if isCommand(ask.src) {
		return a.kustoCommand(r, ask.src, sink)
	}
	opts, enough, err := ask.huntOptions(streamed)
	if err != nil {
		return lake.HuntStats{}, err
	}
	opts.Interface = huntDoor(r)
	stats, err := a.runHunt(r.Context(), ask.src, opts, sink)
	if err == nil && stats.Partial != "" && stats.Rows != enough {
		err = truncated(opts.MaxRows, stats.Partial)
	}
	return stats, err
}

// kustoAnswerBody is the body of an answer, compressed when the client takes that. Each
// write has a deadline of its own, as with huntStream.
type kustoAnswerBody struct {
	w  http.ResponseWriter
	rc *http.ResponseController
	zw *gzip.Writer // nil for plain
}

func newKustoBody(w http.ResponseWriter, r *http.Request) *kustoAnswerBody {
	b := &kustoAnswerBody{w: w, rc: http.NewResponseController(w)}
	if takesGzip(r) {
		b.zw, _ = gzip.NewWriterLevel(plainBody{b}, gzip.BestSpeed) // the level is valid
	}
	return b
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return !slices.Contains([]string{"q=0", "q=0.0", "q=0.00", "q=0.000"}, strings.TrimSpace(quality))
		}
	}
	return false
}

func (b *kustoAnswerBody) Write(p []byte) (int, error) {
	h := b.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if b.zw == nil {
		return plainBody{b}.Write(p)
	}
	h.Set("Content-Encoding", "gzip")
	return b.zw.Write(p)
}

// plainBody is the body below the compression.
type plainBody struct{ b *kustoAnswerBody }

func (p plainBody) Write(data []byte) (int, error) {
	_ = p.b.rc.SetWriteDeadline(time.Now().Add(answerPause)) // a recorder in a test has no deadlines
	return p.b.w.Write(data)
}

// flush sends what is written so far.
func (b *kustoAnswerBody) flush() error {
	if b.zw != nil {
		if err := b.zw.Flush(); err != nil {
			return err
		}
	}
	if err := b.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (b *kustoAnswerBody) close() error {
	if b.zw != nil {
		return b.zw.Close()
	}
	return nil
}

var _ io.Writer = (*kustoAnswerBody)(nil)

// huntPlain runs a query of our own making, which is not part of the history.
func (a *API) huntPlain(ctx context.Context, src string, opts lake.HuntOptions, sink lake.HuntSink) (lake.HuntStats, error) {
	if a.cfg.Hunting == nil {
		return lake.HuntStats{}, missing("hunting")
	}
	stats, err := a.cfg.Hunting.Engine.Hunt(ctx, src, opts, sink)
	return stats, a.cfg.Hunting.problem(ctx, err)
}
