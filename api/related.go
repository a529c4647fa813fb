package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
)

// relatedIncident is an incident that has to do with another one and stays
// apart.
type relatedIncident struct {
	ID         string    `json:"id"`
	Name       string    `json:"displayName"`
	Status     string    `json:"status"`
	Severity   string    `json:"severity"`
	AssignedTo string    `json:"assignedTo,omitempty"`
	LastUpdate time.Time `json:"lastUpdateDateTime"`
	// Basis is people, forbidden or weak.
	Basis    string    `json:"basis"`
	Reason   string    `json:"reason"`
	By       actor     `json:"by"`
	At       time.Time `json:"at"`
	Sentence string    `json:"sentence,omitempty"`
	Weight   float64   `json:"weight,omitempty"`
	AlertID  string    `json:"alertId,omitempty"`
}

type relateBody struct {
	IncidentID string `json:"incidentId"`
	Reason     string `json:"reason"`
}

func (a *API) related(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	all, err := a.cfg.Cases.RelatedIncidents(r.Context(), id)
	if err != nil {
		return err
	}
	out := make([]relatedIncident, 0, len(all))
	for _, x := range all {
		out = append(out, relatedIncident{ID: strconv.FormatInt(x.Incident.ID, 10), Name: x.Incident.DisplayName, Status: string(x.Incident.Status), Severity: string(x.Incident.Severity),
			AssignedTo: x.Incident.AssignedTo, LastUpdate: x.Incident.LastUpdate, Basis: string(x.Basis), Reason: x.Reason,
			By: actor{string(x.By.Kind), x.By.Name}, At: x.At, Sentence: x.Sentence, Weight: x.Weight, AlertID: x.AlertID})
	}
	return writeJSON(w, http.StatusOK, valueOf[relatedIncident]{Value: out})
}

func (a *API) relate(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	var in relateBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	other, err := parseIncidentID(in.IncidentID)
	if err == nil {
		err = a.cfg.Cases.Relate(r.Context(), id, other, in.Reason)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) unrelate(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	other, err := parseIncidentID(r.PathValue("other"))
	if err == nil {
		err = a.cfg.Cases.Unrelate(r.Context(), id, other)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

var relatedRoutes = []route{
	{id: "listRelatedIncidents", method: "GET", path: "/api/v1/incidents/{id}/related", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "Incidents that have to do with this one and stay apart, at most 50, with the reason", out: is[valueOf[relatedIncident]](), handle: (*API).related},
	{id: "relateIncident", method: "POST", path: "/api/v1/incidents/{id}/related", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Says that another incident has to do with this one, and why", in: is[relateBody](), status: http.StatusNoContent, handle: (*API).relate},
	{id: "unrelateIncident", method: "DELETE", path: "/api/v1/incidents/{id}/related/{other}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Takes a relation away; correlation does not bring it back", status: http.StatusNoContent, handle: (*API).unrelate},
}
