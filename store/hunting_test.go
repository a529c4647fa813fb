package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func TestHuntHistory(t *testing.T) {
	s := newStore(t)
	record := func(tenant string, run tocsin.HuntRun) {
		t.Helper()
		if err := s.RecordHunt(as(t.Context(), tenant), run); err != nil {
			t.Fatal(err)
		}
	}
	full := tocsin.HuntRun{Time: s.Now().Add(-time.Hour), Query: "T | take 1", Elapsed: time.Second, CPU: time.Millisecond, State: tocsin.HuntCompleted, Resource: "Low",
		Rows: 1, Interface: "portal", User: "ann", UserID: "u1", Tables: []string{"T"}, From: s.Now().Add(-2 * time.Hour), To: s.Now()}
	record("a", full)
	record("a", tocsin.HuntRun{Time: s.Now(), Query: strings.Repeat("ü", tocsin.MaxKeptQuery), State: tocsin.HuntFailed, Error: "no", UserID: "u2"})
	record("b", tocsin.HuntRun{Time: s.Now(), Query: "other", State: tocsin.HuntCancelled, UserID: "u1"})
	runs, err := s.HuntHistory(as(t.Context(), "a"), "", 10)
	if err != nil || len(runs) != 2 || runs[0].Error != "no" || len(runs[0].Query) != tocsin.MaxKeptQuery || !strings.HasSuffix(runs[0].Query, "ü") {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	full.ID = runs[1].ID
	if got, want := fmt.Sprintf("%+v", runs[1]), fmt.Sprintf("%+v", full); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if runs, err := s.HuntHistory(as(t.Context(), "a"), "u1", 10); err != nil || len(runs) != 1 || runs[0].Query != "T | take 1" {
		t.Errorf("of one user: %+v, %v", runs, err)
	}
	lines, err := s.Changes(as(t.Context(), "a"), 0, 10)
	if err != nil || len(lines) != 2 || lines[0].Kind != "huntRun" || lines[0].Summary != "Ran a hunting query of T: 1 row" || len(lines[1].After) > 3*auditedQuery {
		t.Errorf("record %+v, %v", lines, err)
	}
	// The next one forgets what is older than 30 days, of its tenant.
	record("a", tocsin.HuntRun{Time: s.Now().Add(-huntsKept - time.Hour), Query: "old", State: tocsin.HuntCompleted})
	record("a", tocsin.HuntRun{Time: s.Now(), Query: "new", State: tocsin.HuntThrottled})
	var n int
	if err := s.w.QueryRow(`SELECT count(*) FROM hunt_run WHERE query = 'old'`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d old queries stayed, %v", n, err)
	}
	// And what is beyond the most that is kept.
	if _, err := s.w.Exec(`UPDATE counter SET value = value + ?1 WHERE name = 'hunt'`, huntsMost); err != nil {
		t.Fatal(err)
	}
	record("a", tocsin.HuntRun{Time: s.Now(), Query: "newest", State: tocsin.HuntCompleted})
	if runs, err := s.HuntHistory(as(t.Context(), "a"), "", 10); err != nil || len(runs) != 1 || runs[0].Query != "newest" {
		t.Errorf("%+v, %v", runs, err)
	}
	if runs, err := s.HuntHistory(as(t.Context(), "b"), "", 10); err != nil || len(runs) != 1 {
		t.Errorf("another tenant's: %+v, %v", runs, err)
	}
}

func TestSavedQueriesStayApart(t *testing.T) {
	s := newStore(t)
	a, b := as(t.Context(), "a"), as(t.Context(), "b")
	q, err := s.SaveQuery(a, tocsin.SavedQuery{Kind: tocsin.SavedFunctionKind, Name: "F", Text: "print 1", Shared: true}, false)
	if err != nil || q.ID == "" || q.OwnerID == "" || !q.Updated.Equal(s.Now()) {
		t.Fatalf("%+v, %v", q, err)
	}
	_, changed := s.SaveQuery(b, tocsin.SavedQuery{ID: q.ID, Name: "stolen"}, true)
	list, err := s.SavedQueries(b)
	if err != nil || len(list) != 0 || tocsin.CodeOf(changed) != tocsin.CodeNotFound || tocsin.CodeOf(s.DeleteSavedQuery(b, q.ID, true)) != tocsin.CodeNotFound {
		t.Errorf("another tenant reaches it: %+v, %v, %v", list, changed, err)
	}
	if _, err := s.SaveQuery(b, tocsin.SavedQuery{Kind: tocsin.SavedFunctionKind, Name: "F", Text: "print 2", Shared: true}, false); err != nil {
		t.Errorf("the same name in another tenant: %v", err)
	}
	if _, err := s.SaveQuery(a, tocsin.SavedQuery{Kind: tocsin.SavedFunctionKind, Name: "F", Text: "print 3"}, false); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("the same name twice: %v", err)
	}
	if err := s.DeleteSavedQuery(a, q.ID, false); err != nil {
		t.Error(err)
	}
	lines, err := s.Changes(a, 0, 10)
	if err != nil || len(lines) != 2 || lines[0].Noun != "huntingFunction" || lines[0].Kind != "created" || lines[1].Kind != "deleted" || lines[1].Summary != "The hunting function “F” was deleted" {
		t.Errorf("record %+v, %v", lines, err)
	}
}
