package correlate

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Every candidate is heard: the chosen one, the weaker, the unrelated, the one
// that people's decisions keep out of a merge, and that of other device groups.
func TestConsider(t *testing.T) {
	one := func(m *made) Facts { return FactsOf(&m.a) }
	f := one(alert("n", "New", noon).on("ws-1").process("ws-1", "a.exe", "{a}", 7).by("ann@corp.example"))
	f.Groups = []int64{1}
	old := noon.Add(-10 * time.Minute)
	cands := []Candidate{
		{IncidentID: 1, Created: old, AlertCount: 9, AssignedTo: "anna", Groups: []int64{1}, Members: []Facts{one(alert("1", "A", old).on("ws-1").process("ws-1", "a.exe", "{a}", 7))}},
		{IncidentID: 2, Created: old.Add(time.Minute), AlertCount: 9, AssignedTo: "bert", Groups: []int64{1}, Members: []Facts{one(alert("2", "B", old).on("ws-1").process("ws-1", "a.exe", "{a}", 7))}},
		{IncidentID: 3, Created: old, AlertCount: 1, Groups: []int64{1}, Members: []Facts{one(alert("3", "C", old.Add(-20*time.Hour)).by("ann@corp.example"))}},
		{IncidentID: 4, Created: old, AlertCount: 1, Groups: []int64{1}, Members: []Facts{one(alert("4", "D", old.Add(-90*24*time.Hour)).by("ann@corp.example"))}},
		{IncidentID: 5, Created: old, AlertCount: 1, Groups: []int64{2}, Members: []Facts{one(alert("5", "E", old).on("ws-1"))}},
	}
	p := DefaultPolicy()
	p.GroupsApart = true
	d, out := Consider(f, cands, Prevalence{Keys: map[tocsin.EntityKey]Known{}}, p)
	if d.IncidentID != 1 || len(out) != len(cands) {
		t.Fatalf("%+v %+v", d, out)
	}
	for i, say := range []string{"chosen", "assigned to", "too weak", "too long ago", "other device groups"} {
		if x := out[i]; x.IncidentID != cands[i].IncidentID || !strings.Contains(x.Why, say) || x.Chosen != (i == 0) || (x.Weight > 0) != (i < 3) || (len(x.Links) > 0) != (i < 3) {
			t.Errorf("%d: %+v", i, x)
		}
	}
	if plain := Decide(f, cands, Prevalence{Keys: map[tocsin.EntityKey]Known{}}, p); plain.IncidentID != d.IncidentID || plain.Why != d.Why {
		t.Errorf("decides %+v, Decide %+v", d, plain)
	}
}

// A large incident takes no more on evidence of place and person, and is near
// all the same; one that is joined is not, nor one with less than half the weight.
func TestNear(t *testing.T) {
	f := FactsOf(&alert("n", "New", noon).on("ws-1").by("ann@corp.example").a)
	old := noon.Add(-2 * time.Minute)
	member := func(id string, at time.Time) []Facts {
		return []Facts{FactsOf(&alert(id, "Old "+id, at).on("ws-1").by("ann@corp.example").a)}
	}
	p := DefaultPolicy()
	cands := []Candidate{{IncidentID: 1, Created: old, AlertCount: p.MaxAlerts, Members: member("1", old)}, {IncidentID: 2, Created: old, AlertCount: 1, Members: member("2", noon.Add(-40*time.Hour))}}
	d := Decide(f, cands, Prevalence{Keys: map[tocsin.EntityKey]Known{}}, p)
	if d.Kind != Open || len(d.Near) != 1 || d.Near[0].IncidentID != 1 || !d.Near[0].Forbidden || d.Near[0].Weight < p.Join {
		t.Fatalf("%+v", d)
	}
	if why, link := d.Near[0].Say(); !strings.Contains(why, "500 alerts") || link.ToAlertID != "1" || !strings.Contains(link.Sentence, "ws-1") {
		t.Errorf("%q %+v", why, link)
	}
	cands[0].AlertCount--
	if d = Decide(f, cands, Prevalence{Keys: map[tocsin.EntityKey]Known{}}, p); d.IncidentID != 1 || len(d.Near) != 0 {
		t.Errorf("%+v", d)
	}
}
