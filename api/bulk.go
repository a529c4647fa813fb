package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// bulkBody chooses incidents or alerts by ids, or all that match a filter and a
// search as the lists take them; {"all": true} stands for no filter at all.
type bulkBody struct {
	IDs    []string       `json:"ids,omitempty"`
	Filter *string        `json:"filter,omitempty"`
	Search *string        `json:"search,omitempty"`
	All    bool           `json:"all,omitempty"`
	Change bulkChangeBody `json:"change"`
}

type bulkChangeBody struct {
	Status           *string  `json:"status,omitempty"`
	Severity         *string  `json:"severity,omitempty"`
	AssignedTo       *string  `json:"assignedTo,omitempty"` // "" for nobody
	Classification   *string  `json:"classification,omitempty"`
	Determination    *string  `json:"determination,omitempty"`
	ResolvingComment *string  `json:"resolvingComment,omitempty"`
	AddTags          []string `json:"addTags,omitempty"`
	RemoveTags       []string `json:"removeTags,omitempty"`
	Comment          string   `json:"comment,omitempty"`
}

type bulkAnswer struct {
	ID        int64           `json:"id"`
	Noun      string          `json:"noun"`
	State     string          `json:"state"`
	UndoOf    int64           `json:"undoOf,omitempty"`
	UndoneBy  int64           `json:"undoneBy,omitempty"`
	AskedBy   string          `json:"askedBy"`
	Asked     string          `json:"asked,omitempty"`
	Change    *bulkChangeBody `json:"change,omitempty"`
	Total     int64           `json:"total"`
	Done      int64           `json:"done"`
	Changed   int64           `json:"changed"`
	Unchanged int64           `json:"unchanged"`
	Refused   int64           `json:"refused"`
	Created   time.Time       `json:"createdDateTime"`
	Finished  time.Time       `json:"finishedDateTime,omitzero"`
	CanUndo   bool            `json:"canUndo"`
}

type bulkItem struct {
	Position int64  `json:"position"`
	ID       string `json:"id"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
}

func bulkOf(b *tocsin.Bulk) bulkAnswer {
	out := bulkAnswer{ID: b.ID, Noun: b.Noun, State: string(b.State), UndoOf: b.UndoOf, UndoneBy: b.UndoneBy, AskedBy: b.Asker.UserName, Asked: b.Asked,
		Total: b.Total, Done: b.Done, Changed: b.Changed, Unchanged: b.Unchanged, Refused: b.Refused, Created: b.Created, Finished: b.Finished,
		CanUndo: b.State != tocsin.BulkRunning && b.UndoOf == 0 && b.UndoneBy == 0 && b.Changed > 0}
	if c := &b.Change; b.UndoOf == 0 {
		out.Change = &bulkChangeBody{Status: c.Status, Severity: (*string)(c.Severity), AssignedTo: c.AssignedTo, Classification: (*string)(c.Classification),
			Determination: (*string)(c.Determination), ResolvingComment: c.ResolvingComment, AddTags: c.AddTags, RemoveTags: c.RemoveTags, Comment: c.Comment}
	}
	return out
}

// named reads an enum in any case; nil stays nil.
func named[T ~string](name string, v *string, of string) (*T, error) {
	if v == nil {
		return nil, nil
	}
	s, err := enums[of].parse(name, *v)
	if err != nil {
		return nil, err
	}
	t := T(s)
	return &t, nil
}

func (b *bulkChangeBody) change(statuses string) (c tocsin.BulkChange, err error) {
	c = tocsin.BulkChange{AssignedTo: b.AssignedTo, ResolvingComment: b.ResolvingComment, AddTags: b.AddTags, RemoveTags: b.RemoveTags, Comment: b.Comment}
	if c.Status, err = named[string]("status", b.Status, statuses); err != nil {
		return c, err
	}
	if c.Severity, err = named[tocsin.Severity]("severity", b.Severity, "alertSeverity"); err != nil {
		return c, err
	}
	if c.Classification, err = named[tocsin.Classification]("classification", b.Classification, "alertClassification"); err != nil {
		return c, err
	}
	if b.Determination != nil {
		d, err := tocsin.ParseDetermination(*b.Determination)
		if err != nil {
			return c, err
		}
		c.Determination = &d
	}
	return c, nil
}

func (a *API) bulkIncidents(w http.ResponseWriter, r *http.Request) error {
	return a.askBulk(w, r, "incident", "incidentStatus", incidentProperties)
}

func (a *API) bulkAlerts(w http.ResponseWriter, r *http.Request) error {
	return a.askBulk(w, r, "alert", "alertStatus", alertProperties)
}

func (a *API) askBulk(w http.ResponseWriter, r *http.Request, noun, statuses string, allowed properties) error {
	var in bulkBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	ask := cases.BulkAsk{Noun: noun, IDs: in.IDs}
	matching := in.Filter != nil || in.Search != nil || in.All
	if matching == (len(in.IDs) > 0) {
		return tocsin.Errorf(tocsin.CodeInvalid, "say which: either ids, or a filter, a search or both, or all")
	}
	var err error
	if matching {
		if ask.Query, ask.Asked, err = in.query(allowed); err != nil {
			return err
		}
	}
	if ask.Change, err = in.Change.change(statuses); err != nil {
		return err
	}
	b, err := a.cfg.Cases.AskBulk(r.Context(), ask)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/bulk/"+strconv.FormatInt(b.ID, 10))
	return writeJSON(w, http.StatusAccepted, bulkOf(&b))
}

// query is what the list of the same filter and search asks.
func (b *bulkBody) query(allowed properties) (q *tocsin.Query, asked string, err error) {
	q = &tocsin.Query{}
	var words []string
	if b.Filter != nil && strings.TrimSpace(*b.Filter) != "" {
		if q.Filter, err = parseFilter(*b.Filter, allowed); err != nil {
			return nil, "", err
		}
		words = append(words, *b.Filter)
	}
	if b.Search != nil {
		if q.Search, err = parseSearch(*b.Search); err != nil {
			return nil, "", err
		}
		if q.Search != "" {
			words = append(words, "search: "+q.Search)
		}
	}
	if len(words) == 0 {
		if !b.All {
			// An empty filter is more likely a slip than the wish to change everything.
			return nil, "", tocsin.Errorf(tocsin.CodeInvalid, "the filter and the search are empty; to change everything, say \"all\": true")
		}
		words = []string{"all"}
	}
	return q, strings.Join(words, "; "), nil
}

func bulkID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, tocsin.Errorf(tocsin.CodeNotFound, "there is no bulk change %s", r.PathValue("id"))
	}
	return id, nil
}

func (a *API) getBulk(w http.ResponseWriter, r *http.Request) error {
	id, err := bulkID(r)
	if err != nil {
		return err
	}
	b, err := a.cfg.Cases.Bulk(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, bulkOf(&b))
}

func (a *API) listBulks(w http.ResponseWriter, r *http.Request) error {
	bs, err := a.cfg.Cases.Bulks(r.Context())
	if err != nil {
		return err
	}
	out := valueOf[bulkAnswer]{Value: []bulkAnswer{}}
	for i := range bs {
		out.Value = append(out.Value, bulkOf(&bs[i]))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) bulkItems(w http.ResponseWriter, r *http.Request) error {
	id, err := bulkID(r)
	if err != nil {
		return err
	}
	after, top := int64(-1), 100
	q := r.URL.Query()
	if v := q.Get("after"); v != "" {
		if after, err = strconv.ParseInt(v, 10, 64); err != nil {
			return tocsin.Errorf(tocsin.CodeInvalid, "after is the position of the last item seen")
		}
	}
	if v := q.Get("top"); v != "" {
		if top, err = parseCount("top", v, 1); err != nil {
			return err
		}
	}
	its, err := a.cfg.Cases.BulkItems(r.Context(), id, tocsin.BulkItemState(q.Get("state")), after, top)
	if err != nil {
		return err
	}
	out := valueOf[bulkItem]{Value: []bulkItem{}}
	for _, it := range its {
		out.Value = append(out.Value, bulkItem{it.Position, it.ItemID, string(it.State), it.Reason})
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) cancelBulk(w http.ResponseWriter, r *http.Request) error {
	id, err := bulkID(r)
	if err != nil {
		return err
	}
	b, err := a.cfg.Cases.CancelBulk(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, bulkOf(&b))
}

func (a *API) undoBulk(w http.ResponseWriter, r *http.Request) error {
	id, err := bulkID(r)
	if err != nil {
		return err
	}
	b, err := a.cfg.Cases.UndoBulk(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/bulk/"+strconv.FormatInt(b.ID, 10))
	return writeJSON(w, http.StatusAccepted, bulkOf(&b))
}

// Cancelling and undoing need no verb of their own: only who asked may, and
// each thing is changed with the rights that this person has then.
var bulkRoutes = []route{
	{id: "bulkIncidents", method: "POST", path: "/api/v1/incidents/bulk", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Changes many incidents, chosen by ids or as all that match, as a job", in: is[bulkBody](), out: is[bulkAnswer](), status: http.StatusAccepted, handle: (*API).bulkIncidents},
	{id: "bulkAlerts", method: "POST", path: "/api/v1/alerts/bulk", verb: tocsin.VerbAlertWrite, tag: "cases",
		doc: "Changes many alerts, chosen by ids or as all that match, as a job", in: is[bulkBody](), out: is[bulkAnswer](), status: http.StatusAccepted, handle: (*API).bulkAlerts},
	{id: "listBulks", method: "GET", path: "/api/v1/bulk", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "One's own latest bulk changes, newest first", out: is[valueOf[bulkAnswer]](), handle: (*API).listBulks},
	{id: "getBulk", method: "GET", path: "/api/v1/bulk/{id}", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "How far a bulk change is", out: is[bulkAnswer](), handle: (*API).getBulk},
	{id: "listBulkItems", method: "GET", path: "/api/v1/bulk/{id}/items", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "What became of each, in order", params: []param{query("state", "string", "changed, unchanged or refused; all when absent"),
			query("after", "integer", "position of the last one seen"), query("top", "integer", "100 when absent, at most 1000")},
		out: is[valueOf[bulkItem]](), handle: (*API).bulkItems},
	{id: "cancelBulk", method: "POST", path: "/api/v1/bulk/{id}/cancel", verb: tocsin.VerbSession, tag: "cases",
		doc: "Ends a running bulk change of one's own; what was changed stays changed", out: is[bulkAnswer](), handle: (*API).cancelBulk},
	{id: "undoBulk", method: "POST", path: "/api/v1/bulk/{id}/undo", verb: tocsin.VerbSession, tag: "cases",
		doc: "Gives each thing back what it had where nobody changed that since, as a job", out: is[bulkAnswer](), status: http.StatusAccepted, handle: (*API).undoBulk},
}
