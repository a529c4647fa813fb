package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Keeper is what people keep for themselves and each other; *store.Store is
// one.
type Keeper interface {
	FilterSets(ctx context.Context, noun string) ([]tocsin.FilterSet, error)
	SaveFilterSet(ctx context.Context, id string, manage bool, change func(f *tocsin.FilterSet)) (tocsin.FilterSet, error)
	DeleteFilterSet(ctx context.Context, id string, manage bool) error
	Preference(ctx context.Context, key string) (json.RawMessage, error)
	PutPreference(ctx context.Context, key string, value json.RawMessage) error
}

var keptRoutes = []route{
	{id: "listFilterSets", method: "GET", path: "/api/v1/filtersets", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "The named filters that one keeps and those that are shared", params: []param{query("noun", "string", "incident or alert")},
		out: is[valueOf[filterSet]](), handle: (*API).listFilterSets},
	{id: "createFilterSet", method: "POST", path: "/api/v1/filtersets", verb: tocsin.VerbSession, tag: "cases", status: http.StatusCreated,
		doc: "Keeps a named filter, for oneself or for everybody", in: is[filterSetBody](), out: is[filterSet](), handle: (*API).createFilterSet, limit: 64 << 10},
	{id: "updateFilterSet", method: "PATCH", path: "/api/v1/filtersets/{id}", verb: tocsin.VerbSession, tag: "cases",
		doc: "Changes the properties that are given; what others share takes the permission user.manage",
		in:  is[filterSetPatch](), out: is[filterSet](), handle: (*API).updateFilterSet, limit: 64 << 10},
	{id: "deleteFilterSet", method: "DELETE", path: "/api/v1/filtersets/{id}", verb: tocsin.VerbSession, tag: "cases", status: http.StatusNoContent,
		doc: "Deletes a named filter for good; what others share takes the permission user.manage", handle: (*API).deleteFilterSet},
	{id: "getPreference", method: "GET", path: "/api/v1/preferences/{key}", verb: tocsin.VerbSession, tag: "session",
		doc: "What one keeps under a key; value is null when that is nothing", out: is[preference](), handle: (*API).getPreference},
	{id: "putPreference", method: "PUT", path: "/api/v1/preferences/{key}", verb: tocsin.VerbSession, tag: "session", status: http.StatusNoContent,
		doc: "Keeps a value of at most 16 KB under a key, for oneself; null forgets it", in: is[preference](), handle: (*API).putPreference, limit: 32 << 10},
}

type filterSet struct {
	ID      string    `json:"id"`
	Noun    string    `json:"noun" one:"incident,alert"`
	Name    string    `json:"name"`
	Query   string    `json:"query"`
	Shared  bool      `json:"shared"`
	Owner   string    `json:"owner"`
	Mine    bool      `json:"mine"` // it belongs to the one who asks
	Updated time.Time `json:"updated"`
}

type filterSetBody struct {
	Noun   string `json:"noun" one:"incident,alert"`
	Name   string `json:"name"`
	Query  string `json:"query"` // the query part of the queue's address
	Shared bool   `json:"shared,omitempty"`
}

type filterSetPatch struct {
	Name   *string `json:"name,omitempty"`
	Query  *string `json:"query,omitempty"`
	Shared *bool   `json:"shared,omitempty"`
}

type preference struct {
	Value json.RawMessage `json:"value"`
}

// mayRule reports whether somebody may change what others share.
func mayRule(p tocsin.Principal) bool { return tocsin.Can(p, tocsin.VerbUserManage) }

func filterSetOf(f *tocsin.FilterSet, me string) filterSet {
	return filterSet{ID: f.ID, Noun: f.Noun, Name: f.Name, Query: f.Query, Shared: f.Shared, Owner: f.Owner, Mine: f.OwnerID == me, Updated: f.Updated}
}

func (a *API) kept() (Keeper, error) {
	if a.cfg.Kept == nil {
		return nil, missing("keeping filters and preferences")
	}
	return a.cfg.Kept, nil
}

// keeping is kept for who may see the queue that a filter is of.
func (a *API) keeping(r *http.Request) (Keeper, error) {
	if err := tocsin.Allow(whoIs(r), tocsin.VerbIncidentRead); err != nil {
		return nil, err
	}
	return a.kept()
}

func (a *API) listFilterSets(w http.ResponseWriter, r *http.Request) error {
	k, err := a.kept()
	if err != nil {
		return err
	}
	noun := r.URL.Query().Get("noun")
	if noun != "incident" && noun != "alert" {
		return tocsin.Errorf(tocsin.CodeInvalid, "noun is incident or alert")
	}
	sets, err := k.FilterSets(r.Context(), noun)
	if err != nil {
		return err
	}
	out := valueOf[filterSet]{Value: []filterSet{}}
	for i := range sets {
		out.Value = append(out.Value, filterSetOf(&sets[i], whoIs(r).ID))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) createFilterSet(w http.ResponseWriter, r *http.Request) error {
	k, err := a.keeping(r)
	if err != nil {
		return err
	}
	var b filterSetBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	f, err := k.SaveFilterSet(r.Context(), "", mayRule(whoIs(r)), func(f *tocsin.FilterSet) {
		f.Noun, f.Name, f.Query, f.Shared = b.Noun, b.Name, b.Query, b.Shared
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, filterSetOf(&f, whoIs(r).ID))
}

func (a *API) updateFilterSet(w http.ResponseWriter, r *http.Request) error {
	k, err := a.keeping(r)
	if err != nil {
		return err
	}
	var b filterSetPatch
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	f, err := k.SaveFilterSet(r.Context(), r.PathValue("id"), mayRule(whoIs(r)), func(f *tocsin.FilterSet) {
		change(&f.Name, b.Name)
		change(&f.Query, b.Query)
		change(&f.Shared, b.Shared)
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, filterSetOf(&f, whoIs(r).ID))
}

func (a *API) deleteFilterSet(w http.ResponseWriter, r *http.Request) error {
	k, err := a.keeping(r)
	if err == nil {
		err = k.DeleteFilterSet(r.Context(), r.PathValue("id"), mayRule(whoIs(r)))
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) getPreference(w http.ResponseWriter, r *http.Request) error {
	k, err := a.kept()
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	if !tocsin.ValidPreferenceKey(key) {
		return tocsin.Errorf(tocsin.CodeInvalid, "the key of a preference has 1 to 64 of a to z, 0 to 9, dot and hyphen")
	}
	v, err := k.Preference(r.Context(), key)
	if err != nil {
		return err
	}
	if v == nil {
		v = json.RawMessage("null")
	}
	return writeJSON(w, http.StatusOK, preference{v})
}

func (a *API) putPreference(w http.ResponseWriter, r *http.Request) error {
	k, err := a.kept()
	if err != nil {
		return err
	}
	var b preference
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	if string(b.Value) == "null" {
		b.Value = nil
	}
	if err := k.PutPreference(r.Context(), r.PathValue("key"), b.Value); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
