package api

import (
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin"
)

const (
	similarFor = 30 * 24 * time.Hour
	maxSimilar = 100
)

// similarAnswer are the alerts of the same rule, or else of the same title, of
// the last 30 days, newest first, and how those that people judged were judged.
type similarAnswer struct {
	Value    []similarAlert   `json:"value"`
	More     bool             `json:"more"`
	Verdicts []similarVerdict `json:"verdicts"`
}

type similarAlert struct {
	ID             string    `json:"id"`
	IncidentID     int64     `json:"incidentId"`
	Title          string    `json:"title"`
	Severity       string    `json:"severity"`
	Status         string    `json:"status"`
	AssignedTo     string    `json:"assignedTo"`
	Classification string    `json:"classification"`
	Determination  string    `json:"determination"`
	Created        time.Time `json:"createdDateTime"`
}

type similarVerdict struct {
	Classification string `json:"classification"`
	Determination  string `json:"determination"`
	Count          int    `json:"count"`
}

func (a *API) similarAlerts(w http.ResponseWriter, r *http.Request) error {
	al, err := a.cfg.Cases.Alert(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	same := tocsin.Compare{Field: "title", Op: tocsin.Eq, Value: al.Title}
	if al.DetectorID != "" {
		same = tocsin.Compare{Field: "detectorId", Op: tocsin.Eq, Value: al.DetectorID}
	}
	page, err := a.cfg.Cases.Alerts(r.Context(), tocsin.Query{Top: maxSimilar, Filter: tocsin.And{same,
		tocsin.Compare{Field: "createdDateTime", Op: tocsin.Ge, Value: a.now().UTC().Add(-similarFor)},
		tocsin.Compare{Field: "id", Op: tocsin.Ne, Value: al.ID}}})
	if err != nil {
		return err
	}
	out := similarAnswer{Value: []similarAlert{}, More: page.More, Verdicts: []similarVerdict{}}
	for i := range page.Alerts {
		x := &page.Alerts[i]
		out.Value = append(out.Value, similarAlert{x.ID, x.IncidentID, x.Title, string(x.Severity), string(x.Status), x.AssignedTo, string(x.Classification), string(x.Determination), x.Created})
		if x.Classification != tocsin.ClassUnknown {
			out.judge(string(x.Classification), string(x.Determination))
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *similarAnswer) judge(c, d string) {
	for i := range s.Verdicts {
		if v := &s.Verdicts[i]; v.Classification == c && v.Determination == d {
			v.Count++
			return
		}
	}
	s.Verdicts = append(s.Verdicts, similarVerdict{c, d, 1})
}

var similarRoutes = []route{
	{id: "similarAlerts", method: "GET", path: "/api/v1/alerts/{id}/similar", verb: tocsin.VerbAlertRead, tag: "cases",
		doc: "Alerts of the same rule or title of the last 30 days, and how they were judged", out: is[similarAnswer](), handle: (*API).similarAlerts},
}
