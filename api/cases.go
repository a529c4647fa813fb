package api

import (
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin"
)

// valueOf is a list under the name that Graph gives lists.
type valueOf[T any] struct {
	Value []T `json:"value"`
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

const maxPeople = 50

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
