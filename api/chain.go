package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// chainAnswer is why the alerts of an incident are together.
type chainAnswer struct {
	IncidentID string `json:"incidentId"`
	Version    int64  `json:"version"`
	Alerts     int    `json:"alerts"`
	Links      int    `json:"links"`
	// Parts is how many groups of alerts there are that no link connects.
	Parts    int `json:"parts"`
	Unlinked int `json:"unlinked"`
	// Join is the weight from which evidence joins by itself.
	Join    float64     `json:"joinWeight"`
	Weakest *weakLink   `json:"weakest,omitempty"`
	Value   []chainStep `json:"value"`
	Path    []chainStep `json:"path,omitempty"`
	// Next is what to give as skip for the next page.
	Next int `json:"next,omitempty"`
}

type chainAlert struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Severity string    `json:"severity"`
	Category string    `json:"category,omitempty"`
	First    time.Time `json:"firstActivityDateTime"`
}

type chainLink struct {
	From     chainAlert    `json:"from"`
	To       chainAlert    `json:"to"`
	Signal   string        `json:"signal,omitempty"`
	Reasons  []string      `json:"reasons"`
	Sentence string        `json:"sentence"`
	Weight   float64       `json:"weight"`
	Strength float64       `json:"strength"`
	Entities []chainEntity `json:"entities"`
	// Alone: nothing else holds its two sides together.
	Alone bool `json:"alone"`
}

type chainEntity struct {
	Type   string  `json:"type"`
	Name   string  `json:"name"`
	Key    string  `json:"key"`
	Signal string  `json:"signal,omitempty"`
	Weight float64 `json:"weight,omitempty"`
}

type chainStep struct {
	Alert chainAlert  `json:"alert"`
	Came  string      `json:"came"`
	From  int64       `json:"fromIncidentId,omitempty"`
	By    *actor      `json:"by,omitempty"`
	Held  *chainLink  `json:"held,omitempty"`
	Also  []chainLink `json:"also,omitempty"`
	Part  int         `json:"part"`
}

type chainSide struct {
	Count  int          `json:"count"`
	Alerts []chainAlert `json:"alerts"`
}

type weakLink struct {
	Link chainLink   `json:"link"`
	Stay chainSide   `json:"stay"`
	Go   chainSide   `json:"go"`
	Also []chainLink `json:"also,omitempty"`
}

func chainAlertOf(a cases.ChainAlert) chainAlert {
	return chainAlert{a.ID, a.Title, string(a.Severity), a.Category, a.First}
}

func chainLinkOf(l cases.ChainLink) chainLink {
	out := chainLink{From: chainAlertOf(l.From), To: chainAlertOf(l.To), Reasons: list(l.Reasons), Sentence: l.Sentence,
		Weight: l.Weight, Strength: l.Strength, Entities: []chainEntity{}, Alone: l.Alone}
	best := 0.0
	for _, e := range l.Entities {
		out.Entities = append(out.Entities, chainEntity{string(e.Type), e.Name, e.Key, e.Signal, e.Weight})
		if e.Weight > best {
			best, out.Signal = e.Weight, e.Signal
		}
	}
	return out
}

func chainLinksOf(ls []cases.ChainLink) (out []chainLink) {
	for _, l := range ls {
		out = append(out, chainLinkOf(l))
	}
	return out
}

func chainSideOf(s cases.ChainSide) chainSide {
	out := chainSide{Count: s.Count, Alerts: []chainAlert{}}
	for _, a := range s.Alerts {
		out.Alerts = append(out.Alerts, chainAlertOf(a))
	}
	return out
}

func chainStepsOf(steps []cases.ChainStep) []chainStep {
	out := make([]chainStep, 0, len(steps))
	for _, s := range steps {
		step := chainStep{Alert: chainAlertOf(s.Alert), Came: s.Came, From: s.From, Also: chainLinksOf(s.Also), Part: s.Part}
		if s.Held != nil {
			l := chainLinkOf(*s.Held)
			step.Held = &l
		}
		if s.By.Name != "" {
			step.By = &actor{string(s.By.Kind), s.By.Name}
		}
		out = append(out, step)
	}
	return out
}

func (a *API) chain(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	var q cases.ChainQuery
	v := r.URL.Query()
	q.AlertID = v.Get("alert")
	if s := v.Get("skip"); s != "" {
		if q.Skip, err = parseCount("skip", s, 0); err != nil {
			return err
		}
	}
	if s := v.Get("top"); s != "" {
		if q.Top, err = parseCount("top", s, 1); err != nil {
			return err
		}
	}
	c, err := a.cfg.Cases.Chain(r.Context(), id, q)
	if err != nil {
		return err
	}
	out := chainAnswer{IncidentID: strconv.FormatInt(id, 10), Version: c.Incident.Version, Alerts: c.Incident.AlertCount, Links: c.Links,
		Parts: c.Parts, Unlinked: c.Unlinked, Join: c.Join, Value: chainStepsOf(c.Steps)}
	if len(c.Path) > 0 {
		out.Path = chainStepsOf(c.Path)
	}
	if c.Weakest != nil {
		out.Weakest = &weakLink{chainLinkOf(c.Weakest.ChainLink), chainSideOf(c.Weakest.Stay), chainSideOf(c.Weakest.Go), chainLinksOf(c.Weakest.Also)}
	}
	if c.More {
		out.Next = q.Skip + len(c.Steps)
	}
	return writeJSON(w, http.StatusOK, out)
}

type splitBody struct {
	// Either the two alerts of the link to cut, or the alerts that go.
	FromAlertID string   `json:"fromAlertId,omitempty"`
	ToAlertID   string   `json:"toAlertId,omitempty"`
	AlertIDs    []string `json:"alertIds,omitempty"`
	Comment     string   `json:"comment,omitempty"`
	// Version is of the incident that was seen; with it a split is refused when
	// the incident changed since.
	Version int64 `json:"version,omitempty"`
	// Preview says what would be done, and does nothing.
	Preview bool `json:"preview,omitempty"`
	feedback
}

type splitAnswer struct {
	Preview bool        `json:"preview"`
	Version int64       `json:"version,omitempty"`
	Cut     []chainLink `json:"cut,omitempty"`
	// CutCount is of all links that are cut; cut has the strongest hundred.
	CutCount int        `json:"cutCount,omitempty"`
	Stay     *chainSide `json:"stay,omitempty"`
	Go       *chainSide `json:"go,omitempty"`
	NewName  string     `json:"newName,omitempty"`
	// Of a split that was done:
	Target string        `json:"targetIncidentId,omitempty"`
	Tocsin *targetDetail `json:"tocsin,omitempty"`
}

func (a *API) split(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	var in splitBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	s := cases.Split{FromAlert: in.FromAlertID, ToAlert: in.ToAlertID, Alerts: in.AlertIDs, Why: in.Comment, IfVersion: in.Version,
		WrongReasons: in.reasons(), Irrelevant: in.things()}
	if in.Preview {
		p, err := a.cfg.Cases.PlanSplit(r.Context(), id, s)
		if err != nil {
			return err
		}
		stay, leave := chainSideOf(p.Stay), chainSideOf(p.Go)
		return writeJSON(w, http.StatusOK, splitAnswer{Preview: true, Version: p.Version, Cut: chainLinksOf(p.Cut), CutCount: p.CutCount,
			Stay: &stay, Go: &leave, NewName: p.NewName})
	}
	to, done, err := a.cfg.Cases.Split(r.Context(), id, s)
	if err != nil {
		return err
	}
	t := targetOf(to, []tocsin.Rearrangement{done})
	return writeJSON(w, http.StatusOK, splitAnswer{Target: t.Target, Tocsin: &t.Tocsin})
}

var chainRoutes = []route{
	{id: "getChain", method: "GET", path: "/api/v1/incidents/{id}/chain", verb: tocsin.VerbAlertRead, tag: "cases",
		doc: "Why the incident's alerts are together: the links that hold it, the weakest of them, and alerts that none holds",
		params: []param{query("skip", "integer", "alerts to leave out"), query("top", "integer", "alerts on a page, 200 when absent, at most 1000"),
			query("alert", "string", "only this alert, with the way from the first one to it")},
		out: is[chainAnswer](), handle: (*API).chain},
	{id: "splitIncident", method: "POST", path: "/api/v1/incidents/{id}/split", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Parts an incident by cutting a link, or by the alerts that go; with preview only says what would be done",
		in:  is[splitBody](), out: is[splitAnswer](), handle: (*API).split},
}
