package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// A11, C02, C04, L04.
func TestAcceptOpensAndJoins(t *testing.T) {
	w := newWorld(t)
	got := w.accept(t,
		alert("1", "Encoded command", day.Add(-time.Hour), device("WS-1.corp.example"), process("ws-1", "{a}", "powershell.exe"), user("ann@corp.example")),
		alert("2", "Credential dump", day.Add(-50*time.Minute), device("ws-1"), process("ws-1", "{a}", "powershell.exe")),
		alert("3", "Encoded command", day.Add(-time.Hour), device("ws-2.corp.example"), user("bob@corp.example")))
	if !got[0].New || !got[1].New || got[0].IncidentID != got[1].IncidentID || got[2].IncidentID == got[0].IncidentID {
		t.Fatalf("got %+v: want one and two in one incident, three in another", got)
	}
	inc := w.incident(t, got[0].IncidentID)
	if !inc.Created.Equal(day) || !inc.FirstActivity.Equal(day.Add(-time.Hour)) || inc.AlertCount != 2 || inc.ActiveAlerts != 2 {
		t.Errorf("incident is %+v", inc)
	}
	if len(inc.Alerts) != 2 || len(inc.Alerts[1].Links) == 0 || inc.Alerts[1].Links[0].ToAlertID != got[0].AlertID {
		t.Fatalf("alerts are %+v", inc.Alerts)
	}
	if !strings.HasPrefix(got[0].AlertID, "da") {
		t.Errorf("alert id %q does not tell its source", got[0].AlertID)
	}
	lines, err := w.Activities(anna(t), inc.ID, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, l := range lines {
		kinds = append(kinds, l.Kind)
		if l.Actor != correlation || l.Summary == "" || l.ID != fmt.Sprint(inc.ID) {
			t.Errorf("line %+v", l)
		}
	}
	if want := []string{"created", "alertCorrelated", "renamed"}; !slices.Equal(kinds, want) && !slices.Equal(kinds, want[:2]) {
		t.Errorf("lines are %v", kinds)
	}
	if !strings.Contains(lines[1].Summary, inc.Alerts[1].Links[0].Sentence) {
		t.Errorf("the line %q does not say why: %q", lines[1].Summary, inc.Alerts[1].Links[0].Sentence)
	}
	if last := lines[len(lines)-1]; last.Version != inc.Version {
		t.Errorf("last line is of version %d, the incident of %d", last.Version, inc.Version)
	}
	w.sound(t)
}

func TestAcceptRefusesOneAndTakesTheOthers(t *testing.T) {
	w := newWorld(t)
	bad := alert("2", "", day)
	got, err := w.Accept(engine(t), []tocsin.Alert{alert("1", "A", day), bad, alert("3", "B", day)})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Err != nil || got[2].Err != nil || tocsin.CodeOf(got[1].Err) != tocsin.CodeInvalid || !got[2].New {
		t.Fatalf("got %+v", got)
	}
	if _, err := w.Accept(context.Background(), []tocsin.Alert{bad}); tocsin.CodeOf(err) != tocsin.CodeUnauthenticated {
		t.Errorf("without a principal: %v", err)
	}
}

// A10.
func TestAcceptAgain(t *testing.T) {
	w := newWorld(t)
	a := alert("1", "Encoded command", day.Add(-time.Hour), device("ws-1.corp.example"))
	a.DeliveryID = "d1"
	first := w.accept(t, a)[0]
	w.clock.forward(time.Minute)
	if got := w.accept(t, a)[0]; !got.Duplicate || got.Repeat || got.AlertID != first.AlertID {
		t.Fatalf("the same delivery: %+v", got)
	}
	head, err := w.st.Head(anna(t))
	if err != nil {
		t.Fatal(err)
	}
	again := a
	again.DeliveryID, again.LastActivity, again.Severity = "d2", day, tocsin.SeverityHigh
	again.Evidence = append(slices.Clone(a.Evidence), user("ann@corp.example"))
	more := again
	more.DeliveryID = "d3"
	got := w.accept(t, again, more, a)
	if !got[0].Repeat || !got[1].Repeat || !got[2].Duplicate || got[0].AlertID != first.AlertID {
		t.Fatalf("further deliveries: %+v", got)
	}
	have, err := w.Alert(anna(t), first.AlertID)
	if err != nil {
		t.Fatal(err)
	}
	if have.Count != 3 || have.Version != 2 || !have.LastActivity.Equal(day) || have.Severity != tocsin.SeverityHigh || len(have.Evidence) != 2 {
		t.Errorf("the alert is %+v", have)
	}
	inc := w.incident(t, first.IncidentID)
	if inc.AlertCount != 1 || inc.Severity != tocsin.SeverityHigh || inc.AssetCounts.Users != 1 {
		t.Errorf("the incident is %+v", inc)
	}
	lines, _ := w.st.Changes(anna(t), head, 0)
	if len(lines) != 2 || lines[0].Kind != "alertRepeated" || lines[1].Kind != "severityChanged" || !strings.Contains(lines[0].Summary, "3 times") {
		t.Errorf("lines %+v", lines)
	}
	w.sound(t)
}

// TestAcceptTwice: whatever the batches, taking all alerts a second time with
// the same delivery ids changes nothing at all.
func TestAcceptTwice(t *testing.T) {
	w := newWorld(t)
	in := traffic(450, 7)
	w.accept(t, in...)
	head, _ := w.st.Head(anna(t))
	for _, got := range w.accept(t, in...) {
		if !got.Duplicate {
			t.Fatalf("got %+v", got)
		}
	}
	if now, _ := w.st.Head(anna(t)); now != head {
		t.Errorf("the record went from %d to %d", head, now)
	}
	w.sound(t)
}

// TestAcceptInAnyBatches: the split into calls does not change what comes out,
// also not when everything remembered is lost in between.
func TestAcceptInAnyBatches(t *testing.T) {
	in := traffic(300, 3)
	groups := func(w *world) string {
		var out []string
		p, err := w.Alerts(anna(t), tocsin.Query{Top: 1000, OrderBy: []tocsin.Order{{Field: "id"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Alerts {
			out = append(out, fmt.Sprintf("%s %d %d", a.ID, a.IncidentID, a.Count))
		}
		return strings.Join(out, "\n")
	}
	whole := newWorld(t)
	whole.accept(t, in...)
	single := newWorld(t)
	for i := range in {
		single.accept(t, in[i])
		if i%50 == 0 {
			single.Cases = New(single.st, correlate.DefaultPolicy())
		}
	}
	if a, b := groups(whole), groups(single); a != b {
		t.Errorf("one batch gives\n%s\none by one gives\n%s", a, b)
	}
	whole.sound(t)
	single.sound(t)
}

// C06.
func TestResolvedIncidentsStayUntouched(t *testing.T) {
	w := newWorld(t)
	ev := []tocsin.Evidence{device("ws-1.corp.example"), process("ws-1", "{a}", "powershell.exe")}
	one := w.accept(t, alert("1", "A", day.Add(-time.Hour), ev...))[0]
	resolved := tocsin.IncidentResolved
	if _, err := w.UpdateIncident(anna(t), one.IncidentID, IncidentUpdate{Status: &resolved}); err != nil {
		t.Fatal(err)
	}
	two := w.accept(t, alert("2", "B", day.Add(-50*time.Minute), ev...))[0]
	if two.IncidentID == one.IncidentID {
		t.Fatal("an alert joined a resolved incident")
	}
	if got := w.accept(t, alert("1", "A", day.Add(-40*time.Minute), ev...))[0]; !got.Repeat || got.IncidentID != one.IncidentID {
		t.Fatalf("a repeat: %+v", got)
	}
	inc := w.incident(t, one.IncidentID)
	if inc.Status != tocsin.IncidentResolved || inc.Alerts[0].Status != tocsin.AlertResolved || inc.Alerts[0].Count != 2 {
		t.Errorf("the incident is %+v", inc)
	}
	active := tocsin.IncidentActive
	if _, err := w.UpdateIncident(anna(t), one.IncidentID, IncidentUpdate{Status: &active}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateIncident(anna(t), two.IncidentID, IncidentUpdate{Status: &resolved}); err != nil {
		t.Fatal(err)
	}
	if got := w.accept(t, alert("3", "C", day.Add(-35*time.Minute), ev...))[0]; got.IncidentID != one.IncidentID {
		t.Errorf("after reopening the first and resolving the second, an alert joined %d", got.IncidentID)
	}
	w.sound(t)
}

// merged makes two incidents that the third alert shows to be one.
func merged(t *testing.T, w *world, between func(a, b int64)) (into, from int64) {
	t.Helper()
	at := day.Add(-time.Hour)
	one := w.accept(t, alert("1", "Lure opened", at, device("ws-1.corp.example"), process("ws-1", "{a}", "winword.exe"), user("ann@corp.example")))[0]
	two := w.accept(t, alert("2", "Ransom note", at.Add(time.Minute), device("srv-9.corp.example"), process("srv-9", "{b}", "locker.exe")))[0]
	if one.IncidentID == two.IncidentID {
		t.Fatal("two alerts without anything in common were joined")
	}
	if between != nil {
		between(one.IncidentID, two.IncidentID)
	}
	three := w.accept(t, alert("3", "Remote execution", at.Add(2*time.Minute), device("ws-1.corp.example"), process("ws-1", "{a}", "winword.exe"),
		device("srv-9.corp.example"), process("srv-9", "{b}", "locker.exe")))[0]
	into, from = three.IncidentID, one.IncidentID
	if into == one.IncidentID {
		from = two.IncidentID
	}
	return into, from
}

// C05, C12, C13.
func TestMerge(t *testing.T) {
	w := newWorld(t)
	into, from := merged(t, w, func(a, b int64) {
		for _, id := range []int64{a, b} {
			if _, err := w.CommentIncident(anna(t), id, fmt.Sprintf("seen %d", id)); err != nil {
				t.Fatal(err)
			}
			tags := []string{fmt.Sprintf("tag %d", id), "both"}
			if _, err := w.UpdateIncident(anna(t), id, IncidentUpdate{CustomTags: &tags}); err != nil {
				t.Fatal(err)
			}
		}
	})
	inc, src := w.incident(t, into), w.incident(t, from)
	if inc.AlertCount != 3 || len(inc.Alerts) != 3 || len(inc.Comments) != 2 || len(inc.CustomTags) != 3 {
		t.Errorf("the target is %+v", inc)
	}
	if src.Status != tocsin.IncidentRedirected || src.RedirectID != into || !slices.Contains(src.SystemTags, "Redirected") || len(src.Alerts) != 0 || len(src.Comments) != 0 {
		t.Errorf("the source is %+v", src)
	}
	lines, err := w.Activities(anna(t), into, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, l := range lines {
		counts[l.Kind]++
	}
	if counts["merged"] != 1 || counts["redirected"] != 1 || counts["created"] != 2 || counts["commented"] != 2 {
		t.Errorf("the target's log has %v", counts)
	}
	page, err := w.Incidents(anna(t), tocsin.Query{})
	if err != nil || len(page.Incidents) != 1 || page.Incidents[0].ID != into {
		t.Errorf("the queue has %+v, %v", page, err)
	}
	page, err = w.Incidents(anna(t), tocsin.Query{Filter: tocsin.Compare{Field: "status", Op: tocsin.Eq, Value: "redirected"}})
	if err != nil || len(page.Incidents) != 1 || page.Incidents[0].ID != from {
		t.Errorf("asked for redirected, the queue has %+v, %v", page, err)
	}
	name := "x"
	if _, err := w.UpdateIncident(anna(t), from, IncidentUpdate{DisplayName: &name}); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("changing the source: %v", err)
	}
	if _, err := w.CommentIncident(anna(t), from, "x"); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("commenting on the source: %v", err)
	}
	page, err = w.Incidents(anna(t), tocsin.Query{Search: "ws-1"})
	if err != nil || len(page.Incidents) != 1 || page.Incidents[0].ID != into {
		t.Errorf("a search for a device of the source finds %+v, %v", page.Incidents, err)
	}
	w.sound(t)
}

func TestMergeKeepsWhatPeopleDecided(t *testing.T) {
	w := newWorld(t)
	var owned int64
	into, _ := merged(t, w, func(a, _ int64) {
		owned = a
		to, class, det, name := "ben", tocsin.ClassTruePositive, tocsin.DetMalware, "Ann's lure"
		if _, err := w.UpdateIncident(anna(t), a, IncidentUpdate{AssignedTo: &to, Classification: &class, Determination: &det, DisplayName: &name}); err != nil {
			t.Fatal(err)
		}
	})
	inc := w.incident(t, into)
	if inc.AssignedTo != "ben" || inc.Classification != tocsin.ClassTruePositive || inc.Determination != tocsin.DetMalware || inc.Renamed || inc.DisplayName == "Ann's lure" {
		t.Errorf("the target (%d, owned %d) is %+v", into, owned, inc)
	}
	for _, a := range inc.Alerts {
		if a.AssignedTo != "ben" {
			t.Errorf("alert %s is assigned to %q", a.ID, a.AssignedTo)
		}
	}
}

// C07.
func TestNoMergeAgainstPeople(t *testing.T) {
	w := newWorld(t)
	into, from := merged(t, w, func(a, b int64) {
		for id, to := range map[int64]string{a: "ben", b: "cleo"} {
			if _, err := w.UpdateIncident(anna(t), id, IncidentUpdate{AssignedTo: &to}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if src := w.incident(t, from); src.Status != tocsin.IncidentActive || src.AlertCount != 1 {
		t.Errorf("incident %d of another person was merged into %d: %+v", from, into, src)
	}
}

// TestMergeInsideABatch does everything in one transaction: alerts of this very
// batch move too.
func TestMergeInsideABatch(t *testing.T) {
	w := newWorld(t)
	at := day.Add(-time.Hour)
	a := process("ws-1", "{a}", "winword.exe")
	b := process("srv-9", "{b}", "locker.exe")
	got := w.accept(t, alert("1", "One", at, a), alert("2", "Two", at, b), alert("1", "One", at, a), alert("3", "Three", at, a, b),
		alert("2", "Two", at, b), alert("4", "Four", at, b))
	into := got[3].IncidentID
	inc := w.incident(t, into)
	if inc.AlertCount != 4 || got[5].IncidentID != into || got[4].IncidentID != into {
		t.Fatalf("got %+v and %+v", got, inc)
	}
	for _, al := range inc.Alerts {
		if want := map[string]int64{"1": 2, "2": 2, "3": 1, "4": 1}[al.ExternalID]; al.Count != want {
			t.Errorf("alert %s counts %d, want %d", al.ExternalID, al.Count, want)
		}
	}
	w.sound(t)
}

func TestTenantsDoNotMeet(t *testing.T) {
	w := newWorld(t)
	ev := []tocsin.Evidence{device("ws-1.corp.example"), process("ws-1", "{a}", "powershell.exe")}
	mine := w.accept(t, alert("1", "A", day, ev...))[0]
	other := tocsin.WithPrincipal(t.Context(), tocsin.System("other", "detect"))
	got, err := w.Accept(other, []tocsin.Alert{alert("1", "A", day, ev...), alert("2", "B", day, ev...)})
	if err != nil || !got[0].New || got[0].IncidentID == mine.IncidentID || got[1].IncidentID != got[0].IncidentID {
		t.Fatalf("another tenant's alerts: %+v, %v", got, err)
	}
	name := "x"
	for what, err := range map[string]error{
		"read":    second(w.Incident(other, mine.IncidentID, true)),
		"update":  second(w.UpdateIncident(other, mine.IncidentID, IncidentUpdate{DisplayName: &name})),
		"comment": second(w.CommentIncident(other, mine.IncidentID, "x")),
		"log":     second(w.Activities(other, mine.IncidentID, 0, 0)),
	} {
		if tocsin.CodeOf(err) != tocsin.CodeNotFound {
			t.Errorf("%s another tenant's incident: %v", what, err)
		}
	}
	for ctx, want := range map[context.Context]int{anna(t): 1, as(t.Context(), "other", "eve"): 2} {
		p, err := w.Alerts(ctx, tocsin.Query{Count: true})
		if err != nil || p.Total != int64(want) || len(p.Alerts) != want {
			t.Errorf("alerts: %+v, %v, want %d", p, err, want)
		}
		lines, err := w.st.Changes(ctx, 0, 0)
		if err != nil || len(lines) != want {
			t.Errorf("%d lines of the record, %v, want %d", len(lines), err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAcceptRollsBackAsAWhole(t *testing.T) {
	w := newWorld(t)
	in := traffic(20, 5)
	w.accept(t, in[:10]...)
	head, _ := w.st.Head(anna(t))
	stop := errors.New("stop")
	err := w.st.Update(engine(t), func(tx *store.Tx) error {
		b, all := newBatch(w.Cases, tx), arrive(tx.Tenant(), in)
		if err := b.begin(all); err != nil {
			return err
		}
		for i := range all {
			if _, err := b.accept(&all[i]); err != nil {
				return err
			}
		}
		if err := b.finish(); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if now, _ := w.st.Head(anna(t)); now != head {
		t.Fatalf("the record went from %d to %d", head, now)
	}
	// What was remembered of the failed transaction must not show.
	w.accept(t, in...)
	w.sound(t)
}
