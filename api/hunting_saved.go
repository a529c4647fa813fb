package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// savedRoutes are what surrounds running a query.
var savedRoutes = concat(libraryRoutes, linkRoutes, preparedRoutes)

var libraryRoutes = []route{
	{id: "listHuntingQueries", method: "GET", path: "/api/v1/hunting/queries", verb: tocsin.VerbHunt, tag: "hunting",
		doc: "The queries and functions that one saved or that are shared", out: is[savedList](), handle: (*API).listSaved},
	{id: "saveHuntingQuery", method: "POST", path: "/api/v1/hunting/queries", verb: tocsin.VerbHunt, tag: "hunting", status: http.StatusCreated,
		doc: "Saves a query or a function, for oneself or for everybody", in: is[savedBody](), out: is[savedQuery](), handle: (*API).createSaved},
	{id: "updateHuntingQuery", method: "PATCH", path: "/api/v1/hunting/queries/{id}", verb: tocsin.VerbHunt, tag: "hunting",
		doc: "Changes the properties that are given; what others share takes the permission rule.manage",
		in:  is[savedPatch](), out: is[savedQuery](), handle: (*API).updateSaved},
	{id: "deleteHuntingQuery", method: "DELETE", path: "/api/v1/hunting/queries/{id}", verb: tocsin.VerbHunt, tag: "hunting", status: http.StatusNoContent,
		doc: "Deletes a saved query or function for good; what others share takes the permission rule.manage", handle: (*API).deleteSaved},
	{id: "huntingHistory", method: "GET", path: "/api/v1/hunting/history", verb: tocsin.VerbHunt, tag: "hunting",
		doc:    "The queries that one ran in the last 30 days, newest first; those of everybody take the permission audit.read",
		params: []param{query("everybody", "boolean", "also those of others"), query("top", "integer", "100 when absent, at most 1000")},
		out:    is[huntHistory](), handle: (*API).huntingHistory},
}

type savedList struct {
	Items []savedQuery `json:"items"`
}

type savedQuery struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Folder      string    `json:"folder"`
	Text        string    `json:"text"`
	Shared      bool      `json:"shared"`
	Kind        string    `json:"kind" one:"query,function"`
	Description string    `json:"description"`
	Parameters  string    `json:"parameters"`
	Owner       string    `json:"owner"`
	Mine        bool      `json:"mine"` // it belongs to the one who asks
	Updated     time.Time `json:"updated"`
}

type savedBody struct {
	Name        string `json:"name"`
	Folder      string `json:"folder,omitempty"`
	Text        string `json:"text"`
	Shared      bool   `json:"shared,omitempty"`
	Kind        string `json:"kind,omitempty" one:"query,function"`
	Description string `json:"description,omitempty"`
	Parameters  string `json:"parameters,omitempty"`
}

type savedPatch struct {
	Name        *string `json:"name,omitempty"`
	Folder      *string `json:"folder,omitempty"`
	Text        *string `json:"text,omitempty"`
	Shared      *bool   `json:"shared,omitempty"`
	Kind        *string `json:"kind,omitempty" one:"query,function"` // cannot change
	Description *string `json:"description,omitempty"`
	Parameters  *string `json:"parameters,omitempty"`
}

func savedOf(q tocsin.SavedQuery, me string) savedQuery {
	return savedQuery{ID: q.ID, Name: q.Name, Folder: q.Folder, Text: q.Text, Shared: q.Shared, Kind: string(q.Kind), Description: q.Description,
		Parameters: q.Parameters, Owner: q.Owner, Mine: q.OwnerID == me, Updated: q.Updated}
}

func (a *API) listSaved(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	saved, err := a.cfg.Hunting.Store.SavedQueries(r.Context())
	if err != nil {
		return err
	}
	out := savedList{Items: []savedQuery{}}
	for _, q := range saved {
		out.Items = append(out.Items, savedOf(q, whoIs(r).ID))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) createSaved(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	var b savedBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	q := tocsin.SavedQuery{Name: b.Name, Folder: b.Folder, Text: b.Text, Shared: b.Shared, Kind: tocsin.SavedKind(b.Kind), Description: b.Description, Parameters: b.Parameters}
	if q.Kind == "" {
		q.Kind = tocsin.SavedQueryKind
	}
	return a.save(w, r, http.StatusCreated, q)
}

func (a *API) updateSaved(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	var b savedPatch
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	saved, err := a.cfg.Hunting.Store.SavedQueries(r.Context())
	if err != nil {
		return err
	}
	for _, q := range saved {
		if q.ID != r.PathValue("id") {
			continue
		}
		if b.Kind != nil && *b.Kind != string(q.Kind) {
			return tocsin.Errorf(tocsin.CodeInvalid, "a saved %s stays one", q.Kind)
		}
		change(&q.Name, b.Name)
		change(&q.Folder, b.Folder)
		change(&q.Text, b.Text)
		change(&q.Shared, b.Shared)
		change(&q.Description, b.Description)
		change(&q.Parameters, b.Parameters)
		return a.save(w, r, http.StatusOK, q)
	}
	return tocsin.Errorf(tocsin.CodeNotFound, "there is no saved query %s", r.PathValue("id"))
}

func change[T any](have, want *T) {
	if want != nil {
		*have = *want
	}
}

func (a *API) save(w http.ResponseWriter, r *http.Request, status int, q tocsin.SavedQuery) error {
	h, who := a.cfg.Hunting, whoIs(r)
	if err := h.checkSaved(r.Context(), &q); err != nil {
		return h.problem(r.Context(), err)
	}
	q, err := h.Store.SaveQuery(r.Context(), q, mayManage(who))
	if err != nil {
		return err
	}
	return writeJSON(w, status, savedOf(q, who.ID))
}

// checkSaved brings what is to be saved into order. A function must be valid;
// a query need not be: people save what they have not finished.
func (h *Hunter) checkSaved(ctx context.Context, q *tocsin.SavedQuery) error {
	q.Name, q.Folder, q.Parameters = strings.TrimSpace(q.Name), strings.Trim(strings.TrimSpace(q.Folder), "/"), bareParameters(q.Parameters)
	switch {
	case q.Kind != tocsin.SavedQueryKind && q.Kind != tocsin.SavedFunctionKind:
		return tocsin.Errorf(tocsin.CodeInvalid, "kind is query or function")
	case q.Name == "":
		return tocsin.Errorf(tocsin.CodeInvalid, "a saved %s needs a name", q.Kind)
	case strings.TrimSpace(q.Text) == "":
		return tocsin.Errorf(tocsin.CodeInvalid, "a saved %s needs a text", q.Kind)
	case utf8.RuneCountInString(q.Name) > tocsin.MaxSavedRunes || utf8.RuneCountInString(q.Folder) > tocsin.MaxSavedRunes:
		return tocsin.Errorf(tocsin.CodeLimit, "a name or folder takes at most %d characters", tocsin.MaxSavedRunes)
	case utf8.RuneCountInString(q.Description) > tocsin.MaxSavedDoc || utf8.RuneCountInString(q.Parameters) > tocsin.MaxSavedDoc:
		return tocsin.Errorf(tocsin.CodeLimit, "a description or parameters take at most %d characters", tocsin.MaxSavedDoc)
	case len(q.Text) > tocsin.MaxSavedText:
		return tocsin.Errorf(tocsin.CodeLimit, "a saved query takes at most %d bytes", tocsin.MaxSavedText)
	case q.Kind == tocsin.SavedQueryKind && q.Parameters != "":
		return tocsin.Errorf(tocsin.CodeInvalid, "only a function has parameters")
	case q.Kind == tocsin.SavedQueryKind:
		return nil
	}
	q.Folder = "" // functions are called by their names alone
	if !tocsin.FunctionName.MatchString(q.Name) {
		return tocsin.Errorf(tocsin.CodeInvalid, "a function's name begins with a capital letter or an underscore and has letters, digits and underscores only")
	}
	who, _ := tocsin.PrincipalFrom(ctx)
	known := h.Engine.HuntCatalog(who, nil)
	_, table := lake.Catalog().Table(q.Name)
	if table || known.Function(q.Name) != nil || kql.LookupFunc(q.Name) != nil || kql.LookupAggregate(q.Name) != nil {
		return tocsin.Errorf(tocsin.CodeConflict, "%q is the name of a table or function that comes with hunting", q.Name)
	}
	return h.checkFunction(ctx, q)
}

// checkFunction binds a function as a let of its text would be. Its mistakes
// are told at their places in the body.
func (h *Hunter) checkFunction(ctx context.Context, q *tocsin.SavedQuery) error {
	before := "let " + q.Name + " = (" + q.Parameters + ") {\n"
	src := before + q.Text + "\n};\nprint 1"
	tree, err := kql.Parse(src)
	if err == nil {
		// A brace too many in the body would end the function there.
		if let, ok := tree.Statements[0].(*kql.Let); !ok || len(tree.Statements) != 2 || let.End != len(src)-len(";\nprint 1") {
			return tocsin.Errorf(tocsin.CodeInvalid, "the parameters or the body of the function hold more than one function")
		}
		_, err = h.Check(ctx, src, lake.HuntOptions{})
	}
	var diags *kql.Diagnostics
	if !errors.As(err, &diags) {
		return err
	}
	moved := &kql.Diagnostics{}
	for _, d := range diags.List {
		if d.Start < len(before) {
			return tocsin.Errorf(tocsin.CodeInvalid, "the parameters are not valid: %s", d.Msg)
		}
		d.Start, d.End = min(d.Start-len(before), len(q.Text)), min(d.End-len(before), len(q.Text))
		moved.List = append(moved.List, d)
	}
	moved.Place(q.Text)
	return moved
}

func (a *API) deleteSaved(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	if err := a.cfg.Hunting.Store.DeleteSavedQuery(r.Context(), r.PathValue("id"), mayManage(whoIs(r))); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type huntHistory struct {
	Items []huntItem `json:"items"`
}

type huntItem struct {
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	Query     string    `json:"query"`
	ElapsedMs int64     `json:"elapsedMs"`
	CPUMs     int64     `json:"cpuMs"`
	State     string    `json:"state" one:"completed,failed,throttled,cancelled"`
	Error     string    `json:"error,omitempty"`
	Resource  string    `json:"resource"`
	Rows      int64     `json:"rows"`
	Interface string    `json:"interface"`
	User      string    `json:"user"`
}

const (
	defaultHistory = 100
	maxHistory     = 1000
)

func (a *API) huntingHistory(w http.ResponseWriter, r *http.Request) (err error) {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	user, top := whoIs(r).ID, defaultHistory
	if v := r.URL.Query().Get("everybody"); v != "" {
		all, err := strconv.ParseBool(v)
		if err != nil {
			return tocsin.Errorf(tocsin.CodeInvalid, "everybody is true or false")
		}
		if all {
			if err := tocsin.Allow(whoIs(r), tocsin.VerbAuditRead); err != nil {
				return err
			}
			user = ""
		}
	}
	if v := r.URL.Query().Get("top"); v != "" {
		if top, err = parseCount("top", v, 1); err != nil {
			return err
		}
	}
	runs, err := a.cfg.Hunting.Store.HuntHistory(r.Context(), user, min(top, maxHistory))
	if err != nil {
		return err
	}
	out := huntHistory{Items: []huntItem{}}
	for _, run := range runs {
		out.Items = append(out.Items, huntItem{ID: fmt.Sprint(run.ID), Time: run.Time, Query: run.Query, ElapsedMs: run.Elapsed.Milliseconds(), CPUMs: run.CPU.Milliseconds(),
			State: string(run.State), Error: run.Error, Resource: run.Resource, Rows: run.Rows, Interface: run.Interface, User: run.User})
	}
	return writeJSON(w, http.StatusOK, out)
}
