package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
)

// valueOf is a list under the name that Graph gives lists.
type valueOf[T any] struct {
	Value []T `json:"value"`
}

type activity struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Actor   actor           `json:"actor"`
	Kind    string          `json:"kind"`
	Summary string          `json:"summary"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	AlertID string          `json:"alertId,omitempty"`
	Comment string          `json:"comment,omitempty"`
	// Origin is the number of the incident that the line is of, when that one
	// was merged into the incident that was asked for.
	Origin int64 `json:"origin,omitempty"`
}

type actor struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type summaryAnswer struct {
	Hours []hourCount    `json:"hours"`
	Open  map[string]int `json:"open"`
}

type hourCount struct {
	At        time.Time `json:"at"`
	Alerts    int       `json:"alerts"`
	Incidents int       `json:"incidents"`
}

type person struct {
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
}

const (
	defaultActivities = 200
	maxActivities     = 1000
	maxPeople         = 50
)

// window reads after and top, the way through everything that has a sequence.
func window(r *http.Request) (after int64, top int, err error) {
	q := r.URL.Query()
	top = defaultActivities
	if v := q.Get("after"); v != "" {
		if after, err = strconv.ParseInt(v, 10, 64); err != nil || after < 0 {
			return 0, 0, tocsin.Errorf(tocsin.CodeInvalid, "after is the sequence number of the last line seen")
		}
	}
	if v := q.Get("top"); v != "" {
		if top, err = parseCount("top", v, 1); err != nil {
			return 0, 0, err
		}
	}
	return after, min(top, maxActivities), nil
}

func (a *API) activities(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	after, top, err := window(r)
	if err != nil {
		return err
	}
	lines, err := a.cfg.Cases.Activities(r.Context(), id, after, top)
	if err != nil {
		return err
	}
	out := valueOf[activity]{Value: make([]activity, 0, len(lines))}
	for i := range lines {
		act := activityOf(&lines[i])
		if from, err := strconv.ParseInt(lines[i].ID, 10, 64); err == nil && lines[i].Noun == "incident" && from != id {
			act.Origin = from
		}
		out.Value = append(out.Value, act)
	}
	return writeJSON(w, http.StatusOK, out)
}

func activityOf(c *tocsin.Change) activity {
	act := activity{Seq: c.Seq, At: c.At, Actor: actor{string(c.Actor.Kind), c.Actor.Name}, Kind: c.Kind, Summary: c.Summary,
		Before: c.Before, After: c.After, AlertID: c.AlertID}
	if act.AlertID == "" && c.Noun == "alert" {
		act.AlertID = c.ID
	}
	if c.Kind == "commented" {
		act.Comment = commentText(c.After)
	}
	return act
}

// commentText finds the text of a comment in what the line kept of it.
func commentText(after json.RawMessage) string {
	var text string
	if json.Unmarshal(after, &text) == nil {
		return text
	}
	var c struct {
		Comment string `json:"comment"`
	}
	_ = json.Unmarshal(after, &c) // a line without a text has none to show
	return c.Comment
}

func (a *API) summary(w http.ResponseWriter, r *http.Request) error {
	hours, open, err := a.cfg.Cases.Hours(r.Context(), a.now().UTC())
	if err != nil {
		return err
	}
	out := summaryAnswer{Hours: make([]hourCount, 0, len(hours)), Open: map[string]int{}}
	for _, h := range hours {
		out.Hours = append(out.Hours, hourCount{h.At.UTC(), h.Alerts, h.Incidents})
	}
	for _, s := range []tocsin.Severity{tocsin.SeverityHigh, tocsin.SeverityMedium, tocsin.SeverityLow, tocsin.SeverityInformational} {
		out.Open[string(s)] = int(open[s])
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) tags(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query().Get("q")
	if len([]rune(q)) > tocsin.MaxTagRunes {
		return tocsin.Errorf(tocsin.CodeInvalid, "q is longer than a tag")
	}
	tags, err := a.cfg.Cases.Tags(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, valueOf[string]{list(tags)})
}

func (a *API) people(w http.ResponseWriter, r *http.Request) error {
	users, err := a.cfg.Auth.People(r.Context(), r.URL.Query().Get("q"), maxPeople)
	if err != nil {
		return err
	}
	out := valueOf[person]{Value: make([]person, 0, len(users))}
	for _, u := range users {
		out.Value = append(out.Value, person{u.UserName, u.DisplayName})
	}
	return writeJSON(w, http.StatusOK, out)
}
