package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// maxQueryBody is the largest body with a query in it: the lake takes a query
// of 1 MiB, and JSON may write some characters of it as several.
const maxQueryBody = 3 << 20

var huntingRoutes = []route{
	{id: "huntingSchema", method: "GET", path: "/api/v1/hunting/schema", verb: tocsin.VerbHunt, tag: "hunting",
		doc: "The tables and functions that one's queries may name", out: is[huntingSchema](), handle: (*API).huntingSchema},
	{id: "runHunt", method: "POST", path: "/api/v1/hunting/run", verb: tocsin.VerbHunt, tag: "hunting",
		doc: "Answers a query with lines of JSON as its rows are found: table, rows, and at last stats or error; closing the request ends the query",
		in:  is[huntBody](), outIs: "application/x-ndjson", handle: (*API).runHuntRoute, limit: maxQueryBody, stream: true},
	{id: "checkHunt", method: "POST", path: "/api/v1/hunting/check", verb: tocsin.VerbHunt, tag: "hunting",
		doc: "What is wrong with a query, or the columns of its result, without running it", in: is[checkBody](), out: is[checkAnswer](),
		handle: (*API).checkHunt, limit: maxQueryBody},
}

type huntingSchema struct {
	Tables    []huntingTable    `json:"tables"`
	Functions []huntingFunction `json:"functions"`
}

type huntingTable struct {
	Name        string          `json:"name"`
	Group       string          `json:"group"`
	Description string          `json:"description"`
	Time        string          `json:"time"`
	Columns     []huntingColumn `json:"columns"`
	ActionTypes []string        `json:"actionTypes,omitempty"`
}

type huntingColumn struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
}

type huntingFunction struct {
	Name        string `json:"name"`
	Parameters  string `json:"parameters"`
	Description string `json:"description"`
	Kind        string `json:"kind" one:"builtin,shared,mine"`
	Text        string `json:"text,omitempty"`
}

func (a *API) huntingSchema(w http.ResponseWriter, r *http.Request) error {
	h := a.cfg.Hunting
	if h == nil {
		return missing("hunting")
	}
	saved, err := h.Store.SavedQueries(r.Context())
	if err != nil {
		return err
	}
	catalog, err := h.Catalog(r.Context())
	if err != nil {
		return err
	}
	out := huntingSchema{Tables: []huntingTable{}, Functions: huntingFunctions(catalog, saved, whoIs(r).ID)}
	for _, name := range catalog.Tables() {
		if def := catalog.Table(name); def != nil {
			out.Tables = append(out.Tables, huntingTableOf(def))
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func huntingTableOf(def *kql.TableDef) huntingTable {
	t := huntingTable{Name: def.Name, Time: def.Time, Columns: []huntingColumn{}}
	if known, ok := lake.Catalog().Table(def.Name); ok {
		t.Group, t.Description = known.Group, known.Description
	}
	for _, c := range def.Columns {
		if !c.Hidden {
			t.Columns = append(t.Columns, huntingColumn{c.Name, c.Type.String(), c.Doc})
		}
	}
	return t
}

// huntingFunctions lists the stored functions of a catalog; what is not in
// saved came with the program.
func huntingFunctions(catalog kql.Catalog, saved []tocsin.SavedQuery, me string) []huntingFunction {
	texts := map[string]tocsin.SavedQuery{}
	for _, q := range saved {
		if _, have := texts[q.Name]; q.Kind == tocsin.SavedFunctionKind && (!have || q.OwnerID == me) {
			texts[q.Name] = q
		}
	}
	out := []huntingFunction{}
	for _, name := range catalog.Functions() {
		def := catalog.Function(name)
		if def == nil {
			continue
		}
		f := huntingFunction{Name: def.Name, Description: def.Doc, Kind: "builtin"}
		if end := closing(def.Text); end > 0 {
			f.Parameters = strings.TrimSpace(def.Text[1:end])
		}
		if q, ok := texts[name]; ok && functionDef(q) == *def {
			f.Text, f.Kind = q.Text, "shared"
			if q.OwnerID == me {
				f.Kind = "mine"
			}
		}
		out = append(out, f)
	}
	return out
}

type huntBody struct {
	Query   string     `json:"query"`
	From    *time.Time `json:"from,omitempty"`
	To      *time.Time `json:"to,omitempty"`
	MaxRows int64      `json:"maxRows,omitempty"`
	ID      string     `json:"id,omitempty"` // the client's own name of the tab or query; not used
}

// huntMaxRows is the most that a request may ask for.
const huntMaxRows = 100_000

func (b *huntBody) options() (opts lake.HuntOptions, err error) {
	if strings.TrimSpace(b.Query) == "" {
		return opts, tocsin.Errorf(tocsin.CodeInvalid, "the query is empty")
	}
	if b.From != nil {
		opts.From = b.From.UTC()
	}
	if b.To != nil {
		opts.To = b.To.UTC()
	}
	if b.From != nil && b.To != nil && b.To.Before(*b.From) {
		return opts, tocsin.Errorf(tocsin.CodeInvalid, "from is later than to")
	}
	if b.MaxRows < 0 || b.MaxRows > huntMaxRows {
		return opts, tocsin.Errorf(tocsin.CodeInvalid, "maxRows is at most %d", huntMaxRows)
	}
	opts.MaxRows = b.MaxRows
	return opts, nil
}

// huntDoor is which door a request came by: people sit in the portal, programs
// hold tokens.
func huntDoor(r *http.Request) string {
	if stateOf(r).who.Method == auth.MethodSession {
		return "portal"
	}
	return "api"
}

func (a *API) runHuntRoute(w http.ResponseWriter, r *http.Request) error {
	var b huntBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	opts, err := b.options()
	if err != nil {
		return err
	}
	opts.Interface = huntDoor(r)
	out := newHuntStream(w)
	stats, err := a.runHunt(r.Context(), b.Query, opts, out)
	switch {
	case err == nil:
		return out.end(statsLine{statsOf(b.Query, stats)})
	case !out.begun || r.Context().Err() != nil:
		return err
	}
	if status, _ := statusOf(err); status >= 500 {
		a.log.Error("request failed", "requestId", requestID(r), "path", r.URL.Path, "err", unwrapAll(err))
	}
	return out.end(huntFailure(err))
}

type checkBody struct {
	Query string `json:"query"`
}

type checkAnswer struct {
	Diagnostics []diagnostic    `json:"diagnostics"`
	Columns     []huntingColumn `json:"columns,omitempty"`
}

func (a *API) checkHunt(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	var b checkBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	bound, err := a.cfg.Hunting.Check(r.Context(), b.Query, lake.HuntOptions{Interface: huntDoor(r)})
	if found := diagnosed(err); found != nil {
		return writeJSON(w, http.StatusOK, checkAnswer{Diagnostics: found})
	}
	if err != nil {
		return err
	}
	out := checkAnswer{Diagnostics: diagnosticsOf(b.Query, bound.Warnings)}
	if len(bound.Plans) > 0 && !bound.Open {
		for _, c := range bound.Plans[0].Root.Columns() {
			out.Columns = append(out.Columns, huntingColumn{Name: c.Name, Type: c.Type.String()})
		}
	}
	return writeJSON(w, http.StatusOK, out)
}
