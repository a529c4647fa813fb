package api

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

var manualRoutes = []route{
	{id: "createAlert", method: "POST", path: "/api/v1/alerts/manual", verb: tocsin.VerbAlertWrite, tag: "cases", status: http.StatusCreated,
		doc: "Makes an alert by hand: in the incident that is named, or where correlation puts it when it may, or in a new incident",
		in:  is[manualBody](), out: is[manualAnswer](), handle: (*API).createAlert, limit: maxManualBody},
}

const maxManualBody = 1 << 20

type manualBody struct {
	Title              string         `json:"title"`
	Severity           string         `json:"severity" one:"informational,low,medium,high"`
	Category           string         `json:"category"`
	Description        string         `json:"description"`
	RecommendedActions string         `json:"recommendedActions,omitempty"`
	Techniques         []string       `json:"mitreTechniques,omitempty"`
	Assets             []manualEntity `json:"assets"` // one at least
	Evidence           []manualEntity `json:"evidence,omitempty"`
	IncidentID         string         `json:"incidentId,omitempty"`
	Correlate          bool           `json:"correlate,omitempty"`
}

// manualEntity is a kind of entity, as linkHunt has it, and what it is called.
type manualEntity struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type manualAnswer struct {
	IncidentID string `json:"incidentId"`
	AlertID    string `json:"alertId"`
}

func (a *API) createAlert(w http.ResponseWriter, r *http.Request) error {
	// It changes an incident, or opens one.
	if err := tocsin.Allow(whoIs(r), tocsin.VerbIncidentWrite); err != nil {
		return err
	}
	var b manualBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	m := cases.Manual{Title: b.Title, Description: b.Description, RecommendedActions: b.RecommendedActions, Severity: tocsin.Severity(strings.ToLower(b.Severity)),
		Category: b.Category, Techniques: b.Techniques, Assets: namedEntities(b.Assets), Evidence: namedEntities(b.Evidence), Correlate: b.Correlate,
		ExternalID: strings.ToLower(rand.Text())}
	if b.IncidentID != "" {
		id, err := strconv.ParseInt(b.IncidentID, 10, 64)
		if err != nil || id <= 0 {
			return tocsin.Errorf(tocsin.CodeInvalid, "incidentId is the number of an incident")
		}
		m.IncidentID = id
	}
	into, alert, err := a.cfg.Cases.CreateAlert(r.Context(), m)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, manualAnswer{strconv.FormatInt(into, 10), alert})
}

func namedEntities(in []manualEntity) (out []cases.NamedEntity) {
	for _, e := range in {
		out = append(out, cases.NamedEntity{Kind: e.Type, Name: e.Name})
	}
	return out
}
