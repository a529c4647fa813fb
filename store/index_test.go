package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
)

// TestIndexSaysWhatTheTablesSay asks random questions of the index and of the
// tables while incidents come, change, are merged and renamed.
func TestIndexSaysWhatTheTablesSay(t *testing.T) {
	s := newStore(t)
	r := rand.New(rand.NewPCG(7, 11))
	var known []int64
	// The index is made in the middle of it, once from the tables and then only
	// from commits.
	for round := range 12 {
		w := queueWorld{r: r, known: &known}
		for range 6 {
			update(t, s, "a", w.step)
		}
		update(t, s, "b", func(tx *Tx) error { return (&queueWorld{r: r, known: &[]int64{}}).step(tx) })
		for range 60 {
			compareAnswers(t, s, randomQuery(r), round)
		}
	}
	if s.indexes.of("a").index.all.GetCardinality() == 0 {
		t.Fatal("the index is empty: nothing was compared")
	}
}

type queueWorld struct {
	r     *rand.Rand
	known *[]int64
}

var people = []string{"", "anna", "Bruno", "carla@corp.example"}

func (w *queueWorld) step(tx *Tx) error {
	r := w.r
	for range 20 {
		if len(*w.known) > 0 && r.IntN(3) == 0 {
			id := (*w.known)[r.IntN(len(*w.known))]
			inc, err := tx.Incident(id)
			if err != nil {
				return err
			}
			if r.IntN(8) == 0 {
				to := (*w.known)[r.IntN(len(*w.known))]
				if to != id {
					inc.Status, inc.RedirectID = tocsin.IncidentRedirected, to
					if _, err := tx.MoveAll(id, to); err != nil {
						return err
					}
				}
			}
			if r.IntN(3) == 0 {
				inc.DisplayName = "Renamed " + fmt.Sprint(r.IntN(50))
			}
			if err := w.put(tx, &inc); err != nil {
				return err
			}
			continue
		}
		inc := tocsin.Incident{DisplayName: fmt.Sprint("Incident on host ", r.IntN(40)), Status: tocsin.IncidentActive}
		inc.Created = noon.Add(-time.Duration(r.IntN(1000)) * time.Hour)
		if err := tx.CreateIncident(&inc); err != nil {
			return err
		}
		*w.known = append(*w.known, inc.ID)
		if err := w.put(tx, &inc); err != nil {
			return err
		}
		id := fmt.Sprint("alert-", inc.ID)
		a := tocsin.Alert{ID: id, Source: "s", ExternalID: id, IncidentID: inc.ID, Created: noon}
		if err := tx.PutAlert(AlertRow{Alert: &a, Fresh: true, Names: []string{fmt.Sprintf("ws-%03d.corp.example", r.IntN(60)), "Ünïcode " + fmt.Sprint(r.IntN(9)), "common"}}); err != nil {
			return err
		}
	}
	return nil
}

func (w *queueWorld) put(tx *Tx, inc *tocsin.Incident) error {
	r := w.r
	if inc.Status != tocsin.IncidentRedirected {
		inc.Status = tocsin.IncidentStatuses[r.IntN(3)]
	}
	inc.Version++
	inc.Severity = tocsin.Severities[r.IntN(len(tocsin.Severities))]
	inc.AssignedTo = people[r.IntN(len(people))]
	inc.Classification = tocsin.Classifications[r.IntN(len(tocsin.Classifications))]
	inc.Determination = tocsin.DetUnknown
	inc.LastUpdate = noon.Add(time.Duration(r.IntN(100)) * time.Minute)
	inc.FirstActivity = time.Time{}
	if r.IntN(4) > 0 {
		inc.FirstActivity = noon.Add(-time.Duration(r.IntN(100)) * time.Minute)
	}
	inc.AlertCount, inc.ActiveAlerts = r.IntN(30), r.IntN(10)
	inc.Categories, inc.CustomTags = nil, nil
	for range r.IntN(4) {
		inc.Categories = append(inc.Categories, tocsin.Tactics()[r.IntN(14)])
		inc.CustomTags = append(inc.CustomTags, fmt.Sprint("Tag ", r.IntN(20)))
	}
	slices.Sort(inc.Categories)
	inc.Categories = slices.Compact(inc.Categories)
	slices.Sort(inc.CustomTags)
	inc.CustomTags = slices.Compact(inc.CustomTags)
	return tx.PutIncident(inc)
}

func randomQuery(r *rand.Rand) tocsin.Query {
	q := tocsin.Query{Count: true, Top: 1 + r.IntN(30), Skip: r.IntN(3) * r.IntN(40)}
	if r.IntN(5) > 0 {
		q.Filter = randomTerm(r, 3)
	}
	switch r.IntN(6) {
	case 0:
		q.Search = []string{"ws-01", "corp", "COMMON", "ünïcode 3", "renamed 4", "host 7", "no such", "#12", "alert-3", "%"}[r.IntN(10)]
	}
	for _, f := range []string{"priorityScore", "severity", "createdDateTime", "lastUpdateDateTime", "alertCount", "displayName", "id", "firstActivityDateTime"} {
		if r.IntN(6) == 0 && len(q.OrderBy) < 3 {
			q.OrderBy = append(q.OrderBy, tocsin.Order{Field: f, Desc: r.IntN(2) == 0})
		}
	}
	return q
}

func randomTerm(r *rand.Rand, depth int) tocsin.Filter {
	ops := []tocsin.CompareOp{tocsin.Eq, tocsin.Ne, tocsin.Lt, tocsin.Le, tocsin.Gt, tocsin.Ge}
	texts := []tocsin.CompareOp{tocsin.Eq, tocsin.Ne, tocsin.Contains, tocsin.StartsWith, tocsin.EndsWith}
	some := func(of ...any) any { return of[r.IntN(len(of))] }
	if depth > 0 && r.IntN(2) == 0 {
		a, b := randomTerm(r, depth-1), randomTerm(r, depth-1)
		switch r.IntN(3) {
		case 0:
			return tocsin.And{a, b}
		case 1:
			return tocsin.Or{a, b}
		}
		return tocsin.Not{Filter: a}
	}
	switch r.IntN(9) {
	case 0:
		return tocsin.Compare{Field: "status", Op: ops[r.IntN(2)], Value: some("active", "RESOLVED", "inProgress", "redirected")}
	case 1:
		return tocsin.Compare{Field: "severity", Op: ops[r.IntN(6)], Value: some("low", "high", "medium", nil)}
	case 2:
		return tocsin.Compare{Field: "assignedTo", Op: texts[r.IntN(5)], Value: some("anna", "an", "BRUNO", "")}
	case 3:
		field := some("createdDateTime", "lastUpdateDateTime", "firstActivityDateTime").(string)
		return tocsin.Compare{Field: field, Op: ops[r.IntN(6)], Value: some(noon, noon.Add(-400*time.Hour), noon.Add(20*time.Minute), nil)}
	case 4:
		return tocsin.Compare{Field: some("priorityScore", "alertCount", "tocsin/activeAlertCount").(string), Op: ops[r.IntN(6)], Value: some(int64(5), int64(22), 9.5, "3")}
	case 5:
		return tocsin.Any{Field: some("customTags", "categories").(string), Op: texts[r.IntN(5)], Value: some("tag 3", "TAG 1", "execution", "tion", "none")}
	case 6:
		return tocsin.In{Field: "severity", Values: []any{"high", "low"}}
	case 7:
		return tocsin.Compare{Field: "id", Op: ops[r.IntN(6)], Value: some(int64(7), int64(40), "12")}
	}
	return tocsin.Compare{Field: "displayName", Op: texts[r.IntN(5)], Value: some("Renamed 3", "host", "INCIDENT")}
}

// answers are what a query gives, for comparing.
type answers struct {
	IDs    []int64
	Total  int64
	More   bool
	Facets map[string][]tocsin.FacetCount
}

func ask(t testing.TB, s *Store, q tocsin.Query) (out answers) {
	t.Helper()
	err := s.View(as(t.Context(), "a"), func(tx *Tx) error {
		incs, total, more, err := tx.Incidents(q)
		if err != nil {
			return err
		}
		for i := range incs {
			out.IDs = append(out.IDs, incs[i].ID)
		}
		out.Total, out.More = total, more
		out.Facets, err = tx.Facets(q, []string{"status", "severity", "assignedTo", "customTags", "categories", "classification"})
		return err
	})
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return out
}

func compareAnswers(t testing.TB, s *Store, q tocsin.Query, round int) {
	t.Helper()
	got := ask(t, s, q)
	s.cfg.NoIndex = true
	want := ask(t, s, q)
	s.cfg.NoIndex = false
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("round %d, %+v: the index (+) says other than the tables (-):\n%s", round, q, diff)
	}
}
