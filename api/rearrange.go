package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

type mergeBody struct {
	IncidentIDs     []string `json:"incidentIds"`
	IncidentComment string   `json:"incidentComment,omitempty"`
	MergeReasons    []string `json:"mergeReasons,omitempty"`
}

type moveBody struct {
	AlertIDs     []string `json:"alertIds"`
	IncidentID   *string  `json:"incidentId,omitempty"`
	AlertComment string   `json:"alertComment,omitempty"`
	// What the alerts have to do with the incident that they go to.
	NewCorrelationReasons []string `json:"newCorrelationReasons,omitempty"`
	feedback
}

// feedback is what a person says about why alerts had been together.
type feedback struct {
	WrongReasons []string      `json:"wrongCorrelationReasons,omitempty"`
	Irrelevant   []entityNamed `json:"irrelevantEntities,omitempty"`
}

type entityNamed struct {
	Type string `json:"type,omitempty"`
	Name string `json:"name,omitempty"`
	Key  string `json:"key"`
}

func (f *feedback) things() (out []tocsin.LinkedThing) {
	for _, e := range f.Irrelevant {
		out = append(out, tocsin.LinkedThing{Type: tocsin.ParseEntityKey(e.Key).Type, Name: e.Name, Key: e.Key})
	}
	return out
}

func (f *feedback) reasons() (out []tocsin.CorrelationReason) {
	for _, r := range f.WrongReasons {
		out = append(out, tocsin.CorrelationReason(r))
	}
	return out
}

// targetAnswer is Graph's answer, and in our own property what undoes it.
type targetAnswer struct {
	Context string       `json:"@odata.context,omitempty"`
	Target  string       `json:"targetIncidentId"`
	Tocsin  targetDetail `json:"tocsin"`
}

type targetDetail struct {
	// Rearrangements are the numbers that undo takes, the last first.
	Rearrangements []int64 `json:"rearrangements"`
}

func targetOf(id int64, done []tocsin.Rearrangement) targetAnswer {
	a := targetAnswer{Target: strconv.FormatInt(id, 10)}
	for i := len(done) - 1; i >= 0; i-- {
		a.Tocsin.Rearrangements = append(a.Tocsin.Rearrangements, done[i].ID)
	}
	return a
}

func parseIncidentID(text string) (int64, error) {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || id <= 0 {
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "%q is no number of an incident", text)
	}
	return id, nil
}

func (a *API) mergeIncidents(w http.ResponseWriter, r *http.Request) error {
	var in mergeBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	var ids []int64
	for _, text := range in.IncidentIDs {
		id, err := parseIncidentID(text)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	to, done, err := a.cfg.Cases.MergeIncidents(r.Context(), ids, in.IncidentComment, in.MergeReasons)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, targetOf(to, done))
}

func (a *API) moveAlerts(w http.ResponseWriter, r *http.Request) error {
	var in moveBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	to := int64(0)
	if in.IncidentID != nil && *in.IncidentID != "" {
		var err error
		if to, err = parseIncidentID(*in.IncidentID); err != nil {
			return err
		}
	}
	into, done, err := a.cfg.Cases.Move(r.Context(), cases.Move{Alerts: in.AlertIDs, To: to, Why: in.AlertComment,
		Reasons: in.NewCorrelationReasons, WrongReasons: in.reasons(), Irrelevant: in.things()})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, targetOf(into, done))
}

// rearrangement is a merge or a move as the incident page shows it.
type rearrangement struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Actor   actor     `json:"actor"`
	From    int64     `json:"fromIncidentId"`
	To      int64     `json:"toIncidentId"`
	Name    string    `json:"fromName"`
	Alerts  int       `json:"alerts"`
	Why     string    `json:"why,omitempty"`
	Reasons []string  `json:"reasons,omitempty"`
	Undone  time.Time `json:"undone,omitzero"`
	// What was cut, of a split.
	Cut          *tocsin.CutLink            `json:"cut,omitempty"`
	WrongReasons []tocsin.CorrelationReason `json:"wrongCorrelationReasons,omitempty"`
	Irrelevant   []entityNamed              `json:"irrelevantEntities,omitempty"`
}

func (a *API) rearrangements(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	list, err := a.cfg.Cases.Rearrangements(r.Context(), id)
	if err != nil {
		return err
	}
	out := valueOf[rearrangement]{Value: []rearrangement{}}
	for i := range list {
		out.Value = append(out.Value, rearrangementOf(&list[i]))
	}
	return writeJSON(w, http.StatusOK, out)
}

func rearrangementOf(r *tocsin.Rearrangement) rearrangement {
	out := rearrangement{ID: r.ID, At: r.At, Kind: string(r.Kind), Actor: actor{string(r.Actor.Kind), r.Actor.Name}, From: r.From, To: r.To,
		Alerts: len(r.Alerts), Why: r.Why, Reasons: r.Reasons, Undone: r.Undone,
		Cut: r.Cut, WrongReasons: r.WrongReasons}
	for _, t := range r.Irrelevant {
		out.Irrelevant = append(out.Irrelevant, entityNamed{string(t.Type), t.Name, t.Key})
	}
	if r.FromBefore != nil {
		out.Name = r.FromBefore.DisplayName
	}
	return out
}

func (a *API) undoRearrangement(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return tocsin.Errorf(tocsin.CodeNotFound, "there is no merge or move %s", r.PathValue("id"))
	}
	done, err := a.cfg.Cases.Undo(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, rearrangementOf(&done))
}

func (a *API) partIncidents(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	other, err := parseIncidentID(r.PathValue("other"))
	if err != nil {
		return err
	}
	if err := a.cfg.Cases.Part(r.Context(), id, other, r.Method == http.MethodPut); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

var rearrangeRoutes = []route{
	{id: "mergeIncidents", method: "POST", path: "/v1.0/security/incidents/mergeIncidents", verb: tocsin.VerbIncidentWrite, tag: "graph",
		doc: "Merges two to five incidents; which of them stays is chosen", in: is[mergeBody](), out: is[targetAnswer](), handle: (*API).mergeIncidents},
	{id: "moveAlerts", method: "POST", path: "/v1.0/security/alerts_v2/moveAlerts", verb: tocsin.VerbAlertWrite, tag: "graph",
		doc: "Moves alerts into another incident, or without one into a new one", in: is[moveBody](), out: is[targetAnswer](), handle: (*API).moveAlerts},
	{id: "listRearrangements", method: "GET", path: "/api/v1/incidents/{id}/rearrangements", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "Merges and moves into and out of an incident, newest first", out: is[valueOf[rearrangement]](), handle: (*API).rearrangements},
	{id: "undoRearrangement", method: "POST", path: "/api/v1/rearrangements/{id}/undo", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Takes a merge or a move back", out: is[rearrangement](), handle: (*API).undoRearrangement},
	{id: "partIncidents", method: "PUT", path: "/api/v1/incidents/{id}/apart/{other}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Keeps two incidents apart, whatever correlation finds", status: http.StatusNoContent, handle: (*API).partIncidents},
	{id: "unpartIncidents", method: "DELETE", path: "/api/v1/incidents/{id}/apart/{other}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Leaves it to correlation again whether two incidents belong together", status: http.StatusNoContent, handle: (*API).partIncidents},
}
