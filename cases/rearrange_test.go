package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// three makes three incidents that share nothing, of one, two and three alerts.
func (w *world) three(t testing.TB) (ids []int64) {
	t.Helper()
	for n := 1; n <= 3; n++ {
		host := fmt.Sprintf("h%d", n)
		for i := range n {
			at := day.Add(time.Duration(100*n+i) * time.Minute)
			got := w.accept(t, alert(fmt.Sprintf("%s-%d", host, i), fmt.Sprintf("Found %d", n), at, device(host), process(host, "g"+host, host+".exe"), user(host+"@corp.example")))
			if i == 0 {
				ids = append(ids, got[0].IncidentID)
			} else if got[0].IncidentID != ids[n-1] {
				t.Fatalf("alert %d of %s went into %d", i, host, got[0].IncidentID)
			}
		}
	}
	return ids
}

// state is an incident as people see it, without what every change moves on.
func (w *world) state(t testing.TB, id int64) string {
	t.Helper()
	inc := w.incident(t, id)
	inc.Version, inc.LastUpdate, inc.LastModifiedBy = 0, time.Time{}, ""
	for i := range inc.Alerts {
		a := &inc.Alerts[i]
		a.Version, a.LastUpdate = 0, time.Time{}
	}
	slices.Sort(inc.SystemTags)
	b, err := json.Marshal(inc)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (w *world) do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// C10, C14, C16.
// C10: two to five incidents become one that holds all their alerts, with the
// reason. C16: one of the predefined reasons is kept with it.
func TestMergeAndUndo(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	_, err := w.UpdateIncident(anna(t), ids[0], IncidentUpdate{AssignedTo: ptr("ben"), CustomTags: &[]string{"VIP"}, DisplayName: ptr("Mine"),
		Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetMalware)})
	w.do(t, err)
	_, err = w.CommentIncident(anna(t), ids[1], "seen before")
	w.do(t, err)
	var before []string
	for _, id := range ids {
		before = append(before, w.state(t, id))
	}
	// The one with an owner is kept although it is the smallest.
	to, done, err := w.MergeIncidents(anna(t), ids, "one campaign", []string{"sameCampaign"})
	if err != nil || to != ids[0] || len(done) != 2 {
		t.Fatalf("%d, %+v, %v", to, done, err)
	}
	inc := w.incident(t, to)
	if len(inc.Alerts) != 6 || inc.AssignedTo != "ben" || inc.Alerts[5].AssignedTo != "ben" || inc.AssetCounts.Devices != 3 || len(inc.Comments) != 1 || inc.Renamed || inc.DisplayName == "Mine" {
		t.Errorf("%+v", inc)
	}
	src := w.incident(t, ids[1])
	if src.Status != tocsin.IncidentRedirected || src.RedirectID != to || !slices.Contains(src.SystemTags, "Redirected") {
		t.Errorf("%+v", src)
	}
	lines, err := w.Activities(anna(t), to, 0, 0)
	w.do(t, err)
	// The record of a source is part of the target's while they are one.
	merged := slices.DeleteFunc(slices.Clone(lines), func(c tocsin.Change) bool { return c.Kind != "merged" && c.Kind != "redirected" })
	if len(merged) != 4 || merged[0].Actor.Name != "anna" || !strings.Contains(merged[0].Summary, "one campaign") {
		t.Errorf("%+v", merged)
	}
	w.sound(t)
	got, err := w.Rearrangements(anna(t), to)
	if err != nil || len(got) != 2 || got[0].Why != "one campaign" || got[0].Reasons[0] != "sameCampaign" || got[0].Actor.Name != "anna" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, r := range []int64{done[1].ID, done[0].ID} {
		if back, err := w.Undo(anna(t), r); err != nil || back.Undone.IsZero() {
			t.Fatal(back, err)
		}
	}
	for i, id := range ids {
		if now := w.state(t, id); now != before[i] {
			t.Errorf("incident %d is\n%s\nand was\n%s", id, now, before[i])
		}
	}
	w.sound(t)
	if _, err := w.Undo(anna(t), done[0].ID); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("undone twice: %v", err)
	}
	if _, err := w.Undo(anna(t), 4711); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("%v", err)
	}
	// It can be found by its names again, and only by its own.
	for q, want := range map[string]int64{"h2": ids[1], "h3": ids[2]} {
		p, err := w.Incidents(anna(t), tocsin.Query{Search: q, Top: 10})
		if err != nil || len(p.Incidents) != 1 || p.Incidents[0].ID != want {
			t.Errorf("%s: %+v, %v", q, p, err)
		}
	}
}

// What people did between a merge and its undoing stays.
func TestUndoKeepsWork(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	to, done, err := w.MergeIncidents(anna(t), ids[1:], "", nil)
	if err != nil || to != ids[2] {
		t.Fatal(to, err)
	}
	_, err = w.UpdateIncident(anna(t), to, IncidentUpdate{CustomTags: &[]string{"new"}, AssignedTo: ptr("cleo"), Status: ptr(tocsin.IncidentInProgress)})
	w.do(t, err)
	_, err = w.CommentIncident(anna(t), to, "after the merge")
	w.do(t, err)
	w.clock.forward(time.Minute)
	late := w.accept(t, alert("late", "Late", day.Add(210*time.Minute), device("h2"), process("h2", "gh2", "h2.exe")))[0]
	if late.IncidentID != to {
		t.Fatalf("late went into %d", late.IncidentID)
	}
	_, err = w.Undo(anna(t), done[0].ID)
	w.do(t, err)
	inc, src := w.incident(t, to), w.incident(t, ids[1])
	if inc.AssignedTo != "cleo" || inc.Status != tocsin.IncidentInProgress || len(inc.CustomTags) != 1 || len(inc.Comments) != 1 || len(inc.Alerts) != 4 {
		t.Errorf("%+v", inc)
	}
	if src.Status != tocsin.IncidentActive || src.AssignedTo != "" || len(src.Alerts) != 2 || len(src.Comments) != 0 {
		t.Errorf("%+v", src)
	}
	w.sound(t)
	// The engine does not join them again, however good the reason.
	w.clock.forward(time.Minute)
	again := w.accept(t, alert("tie", "Tie", day.Add(215*time.Minute), device("h2"), process("h2", "gh2", "h2.exe"), device("h3"), process("h3", "gh3", "h3.exe"), user("h3@corp.example"), user("h2@corp.example")))[0]
	if a, b := w.incident(t, to), w.incident(t, ids[1]); a.Status == tocsin.IncidentRedirected || b.Status == tocsin.IncidentRedirected {
		t.Errorf("%d joined them again: %s, %s", again.IncidentID, a.Status, b.Status)
	}
	// A person may.
	if _, _, err := w.MergeIncidents(anna(t), []int64{to, ids[1]}, "I was wrong", nil); err != nil {
		t.Error(err)
	}
	w.sound(t)
}

// C11.
// C11: a refused merge names what differs, and changes nothing.
func TestMergeRefused(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	for _, tt := range []struct {
		name string
		prep func()
		ids  []int64
		code tocsin.Code
		say  string
	}{
		{name: "one", ids: ids[:1], code: tocsin.CodeInvalid, say: "2 to 5"},
		{name: "the same twice", ids: []int64{ids[0], ids[0]}, code: tocsin.CodeInvalid, say: "2 to 5"},
		{name: "not there", ids: []int64{ids[0], 999}, code: tocsin.CodeNotFound},
		{name: "two owners", ids: ids[:2], code: tocsin.CodeConflict, say: "assigned to, classification", prep: func() {
			_, err := w.UpdateIncident(anna(t), ids[0], IncidentUpdate{AssignedTo: ptr("ben"), Classification: ptr(tocsin.ClassTruePositive)})
			w.do(t, err)
			_, err = w.UpdateIncident(anna(t), ids[1], IncidentUpdate{AssignedTo: ptr("cleo"), Classification: ptr(tocsin.ClassFalsePositive)})
			w.do(t, err)
		}},
		{name: "resolved", ids: []int64{ids[0], ids[2]}, code: tocsin.CodeConflict, say: "resolved", prep: func() {
			_, err := w.UpdateIncident(anna(t), ids[2], IncidentUpdate{Status: ptr(tocsin.IncidentResolved)})
			w.do(t, err)
		}},
	} {
		if tt.prep != nil {
			tt.prep()
		}
		head, err := w.st.Head(anna(t))
		w.do(t, err)
		if _, _, err := w.MergeIncidents(anna(t), tt.ids, "", nil); tocsin.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if now, err := w.st.Head(anna(t)); err != nil || now != head {
			t.Errorf("%s: something was written", tt.name)
		}
	}
	if _, _, err := w.MergeIncidents(anna(t), ids[:2], "", []string{"whim"}); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Error(err)
	}
}

// C17, C18.
//
// L04: the log of the taker says what moved in.
func TestMoveAlerts(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	before := []string{w.state(t, ids[1]), w.state(t, ids[2])}
	third := w.incident(t, ids[2]).Alerts
	// Out into one of their own, which is named from them.
	to, done, err := w.MoveAlerts(anna(t), []string{third[0].ID, third[1].ID}, 0, "another story")
	if err != nil || len(done) != 1 || to == ids[2] {
		t.Fatal(to, done, err)
	}
	if a, b := w.incident(t, to), w.incident(t, ids[2]); len(a.Alerts) != 2 || len(b.Alerts) != 1 || !strings.Contains(a.DisplayName, "Found 3") || a.Status != tocsin.IncidentActive {
		t.Errorf("%+v\n%+v", a, b)
	}
	lines, err := w.Activities(anna(t), to, 0, 0)
	w.do(t, err)
	if !slices.ContainsFunc(lines, func(c tocsin.Change) bool {
		return c.Kind == "alertsMovedIn" && c.Actor.Name == "anna" && c.Before != nil && c.After != nil
	}) {
		t.Errorf("the taker's log: %+v", lines)
	}
	w.sound(t)
	// A further alert of the same process may join either, but does not join them.
	w.clock.forward(time.Minute)
	w.accept(t, alert("more", "Found 3", day.Add(305*time.Minute), device("h3"), process("h3", "gh3", "h3.exe")))
	if a, b := w.incident(t, to), w.incident(t, ids[2]); a.Status == tocsin.IncidentRedirected || b.Status == tocsin.IncidentRedirected {
		t.Error("what was split was joined again")
	}
	w.sound(t)
	// All of an incident into another leaves a signpost.
	var all []string
	for _, a := range w.incident(t, ids[1]).Alerts {
		all = append(all, a.ID)
	}
	_, done, err = w.MoveAlerts(anna(t), all, ids[0], "")
	w.do(t, err)
	if src := w.incident(t, ids[1]); src.Status != tocsin.IncidentRedirected || src.RedirectID != ids[0] {
		t.Errorf("%+v", src)
	}
	_, err = w.Undo(anna(t), done[0].ID)
	w.do(t, err)
	if now := w.state(t, ids[1]); now != before[0] {
		t.Errorf("is\n%s\nwas\n%s", now, before[0])
	}
	w.sound(t)
	for name, call := range map[string]func() error{
		"nothing":  func() error { _, _, err := w.MoveAlerts(anna(t), nil, 0, ""); return err },
		"no alert": func() error { _, _, err := w.MoveAlerts(anna(t), []string{"ra404"}, 0, ""); return err },
		"there":    func() error { _, _, err := w.MoveAlerts(anna(t), all, ids[1], ""); return err },
		"no place": func() error { _, _, err := w.MoveAlerts(anna(t), all, 999, ""); return err },
	} {
		if call() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// However people merge, move and undo, and whatever arrives meanwhile, every
// alert is in one incident that counts it, and undoing all in turn from the end
// brings every incident back.
//
// C01.
func TestRearrangeProperty(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for seed := range uint64(rounds) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t)
		for n := range 8 {
			host := fmt.Sprintf("host%d", n)
			for i := range 1 + rng.IntN(4) {
				w.accept(t, alert(fmt.Sprintf("%s-%d", host, i), "T"+host, day.Add(time.Duration(n*90+i)*time.Minute), device(host), process(host, "g"+host, host+".exe")))
			}
		}
		start := w.everything(t)
		var done []int64
		for range 12 {
			open := w.open(t)
			switch {
			case rng.IntN(3) == 0 && len(done) > 0:
				// Out of turn: it may be refused, and then nothing happens.
				i := rng.IntN(len(done))
				if _, err := w.Undo(anna(t), done[i]); err == nil {
					done = slices.Delete(done, i, i+1)
				} else if tocsin.CodeOf(err) != tocsin.CodeConflict {
					t.Fatal(err)
				}
			case rng.IntN(2) == 0 && len(open) > 2:
				rng.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
				_, rs, err := w.MergeIncidents(anna(t), open[:2+rng.IntN(min(3, len(open)-2))], "", nil)
				w.do(t, err)
				for _, r := range rs {
					done = append(done, r.ID)
				}
			default:
				inc := w.incident(t, open[rng.IntN(len(open))])
				var ids []string
				for _, a := range inc.Alerts {
					if rng.IntN(2) == 0 {
						ids = append(ids, a.ID)
					}
				}
				to := int64(0)
				if rng.IntN(2) == 0 {
					to = open[rng.IntN(len(open))]
				}
				if len(ids) == 0 || to == inc.ID {
					continue
				}
				_, rs, err := w.MoveAlerts(anna(t), ids, to, "")
				w.do(t, err)
				for _, r := range rs {
					done = append(done, r.ID)
				}
			}
			w.sound(t)
		}
		for left := len(done); left > 0; left-- {
			slices.Sort(done)
			undone := false
			for i := len(done) - 1; i >= 0 && !undone; i-- {
				if _, err := w.Undo(anna(t), done[i]); err == nil {
					done, undone = slices.Delete(done, i, i+1), true
				}
			}
			if !undone {
				t.Fatalf("seed %d: %d rearrangements cannot be undone in any order", seed, len(done))
			}
			w.sound(t)
		}
		if now := w.everything(t); now != start {
			t.Errorf("seed %d: is\n%s\nwas\n%s", seed, now, start)
		}
	}
}

// open are the numbers of the incidents that are neither resolved nor merged.
func (w *world) open(t testing.TB) (ids []int64) {
	t.Helper()
	p, err := w.Incidents(anna(t), tocsin.Query{Top: 100})
	w.do(t, err)
	for _, inc := range p.Incidents {
		if inc.Open() {
			ids = append(ids, inc.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// everything is which alert is in which incident, and how each stands.
func (w *world) everything(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, id := range w.open(t) {
		inc := w.incident(t, id)
		var alerts []string
		for _, a := range inc.Alerts {
			alerts = append(alerts, a.ExternalID)
		}
		slices.Sort(alerts)
		fmt.Fprintln(&b, id, inc.DisplayName, inc.Status, inc.AlertCount, alerts)
	}
	return b.String()
}

func TestPart(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	w.do(t, w.Part(anna(t), ids[1], ids[2], true))
	w.accept(t, alert("tie", "Tie", day.Add(250*time.Minute), device("h2"), process("h2", "gh2", "h2.exe"), device("h3"), process("h3", "gh3", "h3.exe")))
	for _, id := range ids {
		if inc := w.incident(t, id); inc.Status != tocsin.IncidentActive {
			t.Errorf("%+v", inc)
		}
	}
	if err := w.Part(context.WithoutCancel(anna(t)), ids[0], ids[0], true); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Error(err)
	}
}
