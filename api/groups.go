package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// ownerGroup is a group of people that incidents can be assigned to. Owner is
// what goes into assignedTo.
type ownerGroup struct {
	ID          string   `json:"id"`
	Owner       string   `json:"owner"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Members     []string `json:"members"`
}

type ownerGroupBody struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Members     []string `json:"members,omitempty"`
}

func ownerGroupOf(g *tocsin.OwnerGroup) ownerGroup {
	return ownerGroup{ID: g.ID, Owner: tocsin.GroupOwner(g.ID), Name: g.Name, Description: g.Description, Members: list(g.Members)}
}

func (a *API) listOwnerGroups(w http.ResponseWriter, r *http.Request) error {
	all, err := a.cfg.Cases.OwnerGroups(r.Context())
	if err != nil {
		return err
	}
	q := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	mine, me := strings.EqualFold(r.URL.Query().Get("mine"), "true"), whoIs(r).UserName
	out := valueOf[ownerGroup]{Value: []ownerGroup{}}
	for i := range all {
		if g := &all[i]; strings.Contains(strings.ToLower(g.Name), q) && (!mine || slices.Contains(g.Members, me)) {
			out.Value = append(out.Value, ownerGroupOf(g))
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) createOwnerGroup(w http.ResponseWriter, r *http.Request) error {
	return a.putOwnerGroup(w, r, "", http.StatusCreated)
}

func (a *API) updateOwnerGroup(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	all, err := a.cfg.Cases.OwnerGroups(r.Context())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(g tocsin.OwnerGroup) bool { return g.ID == id }) {
		return tocsin.Errorf(tocsin.CodeNotFound, "there is no group %q", id)
	}
	return a.putOwnerGroup(w, r, id, http.StatusOK)
}

func (a *API) putOwnerGroup(w http.ResponseWriter, r *http.Request, id string, status int) error {
	var in ownerGroupBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	g, err := a.cfg.Cases.PutOwnerGroup(r.Context(), tocsin.OwnerGroup{ID: id, Name: in.Name, Description: in.Description, Members: in.Members})
	if err != nil {
		return err
	}
	return writeJSON(w, status, ownerGroupOf(&g))
}

func (a *API) deleteOwnerGroup(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Cases.DeleteOwnerGroup(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

var groupRoutes = []route{
	{id: "listGroups", method: "GET", path: "/api/v1/groups", verb: tocsin.VerbUserRead, tag: "cases",
		doc: "Groups of people that incidents can be assigned to", params: []param{query("q", "string", "part of a name"), query("mine", "boolean", "only those that one is in")},
		out: is[valueOf[ownerGroup]](), handle: (*API).listOwnerGroups},
	{id: "createGroup", method: "POST", path: "/api/v1/groups", verb: tocsin.VerbUserManage, tag: "admin",
		doc: "Makes a group of people", in: is[ownerGroupBody](), out: is[ownerGroup](), status: http.StatusCreated, handle: (*API).createOwnerGroup},
	{id: "updateGroup", method: "PUT", path: "/api/v1/groups/{id}", verb: tocsin.VerbUserManage, tag: "admin",
		doc: "Changes name, description and members of a group", in: is[ownerGroupBody](), out: is[ownerGroup](), handle: (*API).updateOwnerGroup},
	{id: "deleteGroup", method: "DELETE", path: "/api/v1/groups/{id}", verb: tocsin.VerbUserManage, tag: "admin",
		doc: "Removes a group that owns no open incident", status: http.StatusNoContent, handle: (*API).deleteOwnerGroup},
}
