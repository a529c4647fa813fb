package cases

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func (w *world) related(t testing.TB, id int64) []RelatedIncident {
	t.Helper()
	out, err := w.RelatedIncidents(anna(t), id)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lone takes n alerts that share nothing.
func (w *world) lone(t testing.TB, n int) (ids []int64) {
	t.Helper()
	var in []tocsin.Alert
	for i := range n {
		in = append(in, alert(fmt.Sprintf("lone-%d", i), fmt.Sprintf("Lone %d", i), day, device(fmt.Sprintf("lone-%d", i))))
	}
	for _, got := range w.accept(t, in...) {
		ids = append(ids, got.IncidentID)
	}
	return ids
}

func TestRelateByPeople(t *testing.T) {
	w := newWorld(t)
	ids := w.lone(t, 53)
	a, b := ids[0], ids[1]
	if err := w.Relate(anna(t), a, b, " the same campaign "); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]int64{{a, b}, {b, a}} {
		got := w.related(t, pair[0])
		if len(got) != 1 || got[0].Incident.ID != pair[1] || got[0].Basis != tocsin.RelatedByPeople || got[0].Reason != "the same campaign" || got[0].By.Name != "anna" || !got[0].At.Equal(day) {
			t.Errorf("%+v", got)
		}
		lines, err := w.Activities(anna(t), pair[0], 0, 0)
		last := lines[len(lines)-1]
		if err != nil || last.Kind != "related" || last.Actor.Name != "anna" || !strings.Contains(string(last.After), fmt.Sprint(pair[1])) || !strings.Contains(last.Summary, "the same campaign") {
			t.Errorf("%+v, %v", last, err)
		}
		if inc := w.incident(t, pair[0]); inc.Version != last.Version {
			t.Errorf("version %d, the line says %d", inc.Version, last.Version)
		}
	}
	for _, tt := range []struct {
		a, b   int64
		reason string
		code   tocsin.Code
	}{
		{a, a, "r", tocsin.CodeInvalid}, {a, ids[2], " ", tocsin.CodeInvalid}, {a, b, "again", tocsin.CodeConflict}, {b, a, "again", tocsin.CodeConflict},
		{a, 9999, "r", tocsin.CodeNotFound}, {9999, a, "r", tocsin.CodeNotFound}, {a, ids[2], strings.Repeat("x", tocsin.MaxRelatedRunes+1), tocsin.CodeLimit},
	} {
		if err := w.Relate(anna(t), tt.a, tt.b, tt.reason); tocsin.CodeOf(err) != tt.code {
			t.Errorf("%d %d: %v", tt.a, tt.b, err)
		}
	}
	if err := w.Unrelate(anna(t), b, a); err != nil || len(w.related(t, a))+len(w.related(t, b)) != 0 {
		t.Errorf("%v, %+v", err, w.related(t, a))
	}
	if lines, _ := w.Activities(anna(t), a, 0, 0); lines[len(lines)-1].Kind != "unrelated" || !strings.Contains(string(lines[len(lines)-1].Before), "the same campaign") {
		t.Errorf("%+v", lines[len(lines)-1])
	}
	if err := w.Unrelate(anna(t), b, a); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Error(err)
	}
	for _, id := range ids[1:51] {
		if err := w.Relate(anna(t), a, id, "r"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Relate(anna(t), ids[51], a, "one too many"); tocsin.CodeOf(err) != tocsin.CodeLimit || len(w.related(t, a)) != tocsin.MaxRelated || len(w.related(t, ids[51])) != 0 {
		t.Errorf("%v, %d", err, len(w.related(t, a)))
	}
	w.sound(t)
}

// What an incident was related to goes with it into the one that it is merged
// into, and comes back with undo.
func TestRelatedFollowsMerges(t *testing.T) {
	w := newWorld(t)
	ids := w.lone(t, 3)
	if err := w.Relate(anna(t), ids[0], ids[1], "r"); err != nil {
		t.Fatal(err)
	}
	target, done, err := w.MergeIncidents(anna(t), []int64{ids[1], ids[2]}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.related(t, ids[0]); len(got) != 1 || got[0].Incident.ID != target {
		t.Errorf("%+v", got)
	}
	if got := w.related(t, target); len(got) != 1 || got[0].Incident.ID != ids[0] {
		t.Errorf("%+v", got)
	}
	if _, err := w.Undo(anna(t), done[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := w.related(t, ids[2]); len(got) != 0 || len(w.related(t, ids[1])) != 1 {
		t.Errorf("%+v", got)
	}
	if target, _, err = w.MergeIncidents(anna(t), []int64{ids[1], ids[2]}, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Unrelate(anna(t), ids[0], target); err != nil || len(w.related(t, ids[0])) != 0 {
		t.Errorf("%v %+v", err, w.related(t, ids[0]))
	}
}

// I21, in part: the engine relates what it does not join: evidence of half the weight and
// more, and what different owners forbid. It writes nothing into the record for
// it, does not do it twice, and not against people.
func TestEngineRelates(t *testing.T) {
	w := newWorld(t)
	got := w.accept(t,
		alert("1", "Sign-in", day.Add(-9*time.Hour), device("pc-1"), user("ann@corp.example")),
		alert("2", "Download", day.Add(-6*time.Hour), device("pc-2"), user("ann@corp.example")),
		alert("3", "Elsewhere", day, device("pc-3")))
	a, b := got[0].IncidentID, got[1].IncidentID
	near := w.related(t, a)
	if a == b || len(near) != 1 || near[0].Incident.ID != b || near[0].Basis != tocsin.RelatedWeak || near[0].Weight < 0.5 || near[0].Weight >= 1 ||
		!strings.Contains(near[0].Sentence, "ann@corp.example") || !strings.Contains(near[0].Reason, "too weak") || near[0].AlertID != got[1].AlertID || near[0].By != correlation {
		t.Fatalf("%+v", near)
	}
	if lines, _ := w.Activities(anna(t), a, 0, 0); len(lines) > 2 {
		t.Errorf("%+v", lines)
	}
	if err := w.Unrelate(anna(t), a, b); err != nil {
		t.Fatal(err)
	}
	w.accept(t, alert("4", "Download", day.Add(-6*time.Hour), device("pc-2"), user("ann@corp.example")))
	if n := w.related(t, a); len(n) != 0 {
		t.Errorf("came back: %+v", n)
	}
	if err := w.Relate(anna(t), a, b, "after all"); err != nil || w.related(t, b)[0].Reason != "after all" {
		t.Error(err)
	}
	w.sound(t)
}

// What people decided forbids a merge, and relates the two instead.
func TestEngineRelatesWhatItMustNotMerge(t *testing.T) {
	for name, tt := range map[string]struct {
		decide func(w *world, a, b int64) error
		say    string
	}{
		"owners": {func(w *world, a, b int64) error {
			for id, to := range map[int64]string{a: "ben", b: "cleo"} {
				if _, err := w.UpdateIncident(anna(t), id, IncidentUpdate{AssignedTo: &to}); err != nil {
					return err
				}
			}
			return nil
		}, "assigned to"},
		"parted": {func(w *world, a, b int64) error { return w.Part(anna(t), a, b, true) }, "parted"},
	} {
		w := newWorld(t)
		into, from := merged(t, w, func(a, b int64) {
			if err := tt.decide(w, a, b); err != nil {
				t.Fatal(err)
			}
		})
		for _, pair := range [][2]int64{{into, from}, {from, into}} {
			got := w.related(t, pair[0])
			if len(got) != 1 || got[0].Incident.ID != pair[1] || got[0].Basis != tocsin.RelatedForbidden || !strings.Contains(got[0].Reason, tt.say) || got[0].Weight < 1 || got[0].Sentence == "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		w.sound(t)
	}
}
