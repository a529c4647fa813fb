package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin/cases"
)

// dryRunBody is a change of correlation to be tried out.
type dryRunBody struct {
	// Days is how far back the alerts go that it is tried on, 1 to 365.
	Days             int               `json:"days"`
	Policy           correlationPolicy `json:"policy,omitempty"`
	AddExclusions    []exclusionBody   `json:"addExclusions,omitempty"`
	RemoveExclusions []string          `json:"removeExclusions,omitempty"`
}

// dryRunAnswer says what would differ from the same alerts as correlation is
// set now.
type dryRunAnswer struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Alerts int       `json:"alerts"`
	// More: that time has more alerts than were looked at.
	More          bool `json:"more,omitempty"`
	NotCorrelated int  `json:"notCorrelated"`
	Present       int  `json:"presentIncidents"`
	Changed       int  `json:"changedIncidents"`
	Split         int  `json:"split"`
	Merged        int  `json:"merged"`
	// Pairs are the first 50 pairs, by name.
	Pairs []dryRunPair `json:"pairs"`
}

type dryRunPair struct {
	// Change is split or merged.
	Change   string     `json:"change"`
	Main     dryRunSide `json:"main"`
	Piece    dryRunSide `json:"piece"`
	Weight   float64    `json:"weight,omitempty"`
	Sentence string     `json:"sentence,omitempty"`
}

type dryRunSide struct {
	Alerts       int    `json:"alerts"`
	FirstAlertID string `json:"firstAlertId"`
	FirstAlert   string `json:"firstAlertTitle"`
	IncidentID   int64  `json:"incidentId"`
	Name         string `json:"displayName"`
}

func dryRunSideOf(s cases.DryRunSide) dryRunSide {
	return dryRunSide{s.Alerts, s.AlertID, s.Title, s.IncidentID, s.Name}
}

func (a *API) dryRun(w http.ResponseWriter, r *http.Request) error {
	var in dryRunBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	ask := cases.DryRunAsk{Days: in.Days, RemoveExclusions: in.RemoveExclusions}
	for i := range in.AddExclusions {
		ask.AddExclusions = append(ask.AddExclusions, in.AddExclusions[i].exclusion())
	}
	if in.Policy != nil {
		var err error
		if ask.Policy, err = json.Marshal(in.Policy); err != nil {
			return err
		}
	}
	d, err := a.cfg.Cases.DryRun(r.Context(), ask)
	if err != nil {
		return err
	}
	out := dryRunAnswer{From: d.From, To: d.To, Alerts: d.Alerts, More: d.More, NotCorrelated: d.Apart, Present: d.Present, Changed: d.Changed,
		Split: d.Split, Merged: d.Merged, Pairs: []dryRunPair{}}
	for _, p := range d.Pairs {
		change := "merged"
		if p.Split {
			change = "split"
		}
		out.Pairs = append(out.Pairs, dryRunPair{change, dryRunSideOf(p.Main), dryRunSideOf(p.Piece), p.Weight, p.Sentence})
	}
	return writeJSON(w, http.StatusOK, out)
}
