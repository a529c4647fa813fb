package cases

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// ruled is an alert of one rule on one host, by one process that is the same in
// all of them: correlation would join them at once.
func ruled(ext, host, who string, when time.Time) tocsin.Alert {
	a := alert(ext, "Ruled", when, device(host), process(host, "{one}", "one.exe"), user(who))
	a.DetectorID, a.CustomDetails = "rule/ruled", map[string]any{"queue": ext[:1]}
	return a
}

// C20: the alerts of a rule that does not correlate never join by what they
// share, nor does anything join them; the rule's own grouping still holds.
func TestC20OptOut(t *testing.T) {
	for _, mode := range []tocsin.GroupingMode{tocsin.GroupNone, tocsin.GroupRule} {
		w := newWorld(t)
		_, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/ruled", Correlation: tocsin.CorrelationDisabled, Grouping: tocsin.RuleGrouping{Mode: mode}})
		w.do(t, err)
		other := ruled("x", "h1", "ann@corp.example", day)
		other.DetectorID, other.Title = "rule/other", "Other"
		got := w.accept(t, other, ruled("a", "h1", "ann@corp.example", day.Add(time.Minute)), ruled("b", "h1", "ann@corp.example", day.Add(2*time.Minute)))
		after := ruled("y", "h1", "ann@corp.example", day.Add(3*time.Minute))
		after.DetectorID, after.Title = "rule/other", "Other too"
		got = append(got, w.accept(t, after)...)
		if got[1].IncidentID == got[0].IncidentID || got[2].IncidentID == got[0].IncidentID || got[3].IncidentID != got[0].IncidentID {
			t.Errorf("%s: %+v", mode, got)
		}
		if together := got[1].IncidentID == got[2].IncidentID; together != (mode == tocsin.GroupRule) {
			t.Errorf("%s: together %v", mode, together)
		}
		// The state is stamped: a later change does not touch it.
		_, err = w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/ruled", Correlation: tocsin.CorrelationEnabled})
		w.do(t, err)
		all := w.whereAll(t)
		if a, b := all[got[1].AlertID], all[got[0].AlertID]; a.Correlation != tocsin.CorrelationDisabled || b.Correlation != tocsin.CorrelationEnabled || len(a.Links) != 0 {
			t.Errorf("%+v %+v", a.Correlation, b.Correlation)
		}
		if late := w.accept(t, ruled("c", "h1", "ann@corp.example", day.Add(4*time.Minute)))[0]; late.IncidentID != got[0].IncidentID {
			t.Errorf("%s: enabled again, it does not join: %+v", mode, late)
		}
		w.sound(t)
	}
}

// C21: a description that begins with a mark sets the state; elsewhere the mark
// means nothing. A setting of the rule wins, and the tenant's default is last.
func TestC21Marks(t *testing.T) {
	for n, tt := range []struct {
		description string
		setting     tocsin.CorrelationChoice
		off         bool
		want        tocsin.CorrelationChoice
	}{
		{"", "", false, tocsin.CorrelationEnabled},
		{"", "", true, tocsin.CorrelationDisabled},
		{"#dont_corr# noisy", "", false, tocsin.CorrelationDisabled},
		{"#DONT_CORR#", "", false, tocsin.CorrelationDisabled},
		{"#Inc_Corr#x", "", true, tocsin.CorrelationEnabled},
		{" #DONT_CORR#", "", false, tocsin.CorrelationEnabled},
		{"noisy #DONT_CORR#", "", false, tocsin.CorrelationEnabled},
		{"#DONT_CORR", "", false, tocsin.CorrelationEnabled},
		{"text #INC_CORR#", "", true, tocsin.CorrelationDisabled},
		{"#DONT_CORR#", tocsin.CorrelationEnabled, false, tocsin.CorrelationEnabled},
		{"#DONT_CORR#", tocsin.CorrelationDefault, false, tocsin.CorrelationDisabled},
		{"", tocsin.CorrelationDisabled, false, tocsin.CorrelationDisabled},
	} {
		w := newWorld(t)
		if tt.off {
			w.do(t, w.SetCorrelationDefault(anna(t), tocsin.CorrelationDisabled))
		}
		if tt.setting != "" {
			_, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/ruled", Correlation: tt.setting})
			w.do(t, err)
		}
		var got []Accepted
		for i := range 2 {
			a := ruled(fmt.Sprint(i), "h1", "ann@corp.example", day.Add(time.Duration(i)*time.Minute))
			a.Description = tt.description
			got = append(got, w.accept(t, a)...)
		}
		together, state := got[0].IncidentID == got[1].IncidentID, w.whereAll(t)[got[0].AlertID].Correlation
		if state != tt.want || together != (tt.want == tocsin.CorrelationEnabled) {
			t.Errorf("%d %q, %q, off %v: %s, together %v", n, tt.description, tt.setting, tt.off, state, together)
		}
	}
}

// C22: grouping puts together what is equal, within its time frame, and the
// 151st alert begins another incident.
func TestC22Grouping(t *testing.T) {
	type in struct {
		ext, host, who string
		minute         int
	}
	stream := []in{{"a1", "h1", "ann@x.example", 0}, {"a2", "h1", "ann@x.example", 1}, {"b3", "h1", "bob@x.example", 2}, {"a4", "h2", "ann@x.example", 3}, {"a5", "h1", "ann@x.example", 40}, {"b6", "h1", "bob@x.example", 200}}
	for _, tt := range []struct {
		name string
		g    tocsin.RuleGrouping
		want []int // which of the stream's incidents each is in, by first alert
	}{
		{"off", tocsin.RuleGrouping{}, []int{0, 1, 2, 3, 4, 5}},
		{"all entities", tocsin.RuleGrouping{Mode: tocsin.GroupEntities, Minutes: 60}, []int{0, 0, 2, 3, 0, 5}},
		{"the rule", tocsin.RuleGrouping{Mode: tocsin.GroupRule, Minutes: 60}, []int{0, 0, 0, 0, 0, 5}},
		{"the rule, shortly", tocsin.RuleGrouping{Mode: tocsin.GroupRule, Minutes: 5}, []int{0, 0, 0, 0, 4, 5}},
		{"the device", tocsin.RuleGrouping{Mode: tocsin.GroupChosen, Entities: []tocsin.EntityType{tocsin.EntityDevice}, Minutes: 300}, []int{0, 0, 0, 3, 0, 0}},
		{"a detail", tocsin.RuleGrouping{Mode: tocsin.GroupChosen, Details: []string{"queue"}, Minutes: 300}, []int{0, 0, 2, 0, 0, 2}},
		{"device and detail", tocsin.RuleGrouping{Mode: tocsin.GroupChosen, Entities: []tocsin.EntityType{tocsin.EntityDevice}, Details: []string{"queue"}, Minutes: 300}, []int{0, 0, 2, 3, 0, 2}},
	} {
		w := newWorld(t)
		_, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/ruled", Correlation: tocsin.CorrelationDisabled, Grouping: tt.g})
		w.do(t, err)
		var ids []int64
		for _, s := range stream {
			ids = append(ids, w.accept(t, ruled(s.ext, s.host, s.who, day.Add(time.Duration(s.minute)*time.Minute)))[0].IncidentID)
		}
		var got []int
		for _, id := range ids {
			got = append(got, slices.Index(ids, id))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		w.sound(t)
	}
	w := newWorld(t)
	_, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/ruled", Correlation: tocsin.CorrelationDisabled, Grouping: tocsin.RuleGrouping{Mode: tocsin.GroupRule}})
	w.do(t, err)
	count := map[int64]int{}
	for n := range 2*tocsin.MaxGroupedAlerts + 1 {
		count[w.accept(t, ruled(fmt.Sprint("a", n), "h1", "ann@x.example", day.Add(time.Duration(n)*time.Second)))[0].IncidentID]++
	}
	if count[1] != 150 || count[2] != 150 || count[3] != 1 {
		t.Errorf("%v", count)
	}
	if a, b := w.incident(t, 1), w.incident(t, 2); a.DisplayName != b.DisplayName || a.Severity != b.Severity {
		t.Errorf("%q and %q", a.DisplayName, b.DisplayName)
	}
}

// C23: a late alert opens its closed incident again where the rule wants it, and
// begins a new one where it does not.
func TestC23Reopen(t *testing.T) {
	for _, reopen := range []bool{true, false} {
		w := newWorld(t)
		_, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/ruled", Correlation: tocsin.CorrelationDisabled, Grouping: tocsin.RuleGrouping{Mode: tocsin.GroupRule, Reopen: reopen}})
		w.do(t, err)
		first := w.accept(t, ruled("a", "h1", "ann@x.example", day))[0]
		_, err = w.UpdateIncident(anna(t), first.IncidentID, IncidentUpdate{Status: ptr(tocsin.IncidentResolved)})
		w.do(t, err)
		late := w.accept(t, ruled("b", "h1", "ann@x.example", day.Add(time.Minute)))[0]
		inc := w.incident(t, first.IncidentID)
		if (late.IncidentID == first.IncidentID) != reopen || (inc.Status == tocsin.IncidentActive) != reopen {
			t.Errorf("reopen %v: into %d, first is %s", reopen, late.IncidentID, inc.Status)
		}
		w.sound(t)
	}
}

func TestRuleCorrelationRefused(t *testing.T) {
	w := newWorld(t)
	for _, r := range []tocsin.RuleCorrelation{{}, {DetectorID: "r", Correlation: "maybe"}, {DetectorID: "r", Grouping: tocsin.RuleGrouping{Mode: "luck"}},
		{DetectorID: "r", Grouping: tocsin.RuleGrouping{Minutes: 4}}, {DetectorID: "r", Grouping: tocsin.RuleGrouping{Minutes: 7*24*60 + 1}},
		{DetectorID: "r", Grouping: tocsin.RuleGrouping{Mode: tocsin.GroupChosen}}, {DetectorID: "r", Grouping: tocsin.RuleGrouping{Mode: tocsin.GroupChosen, Entities: []tocsin.EntityType{"hat"}}},
		{DetectorID: "r", Grouping: tocsin.RuleGrouping{Mode: tocsin.GroupRule, Details: []string{"x"}}}} {
		if _, err := w.SetRuleCorrelation(anna(t), r); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if err := w.SetCorrelationDefault(anna(t), tocsin.CorrelationDefault); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Error(err)
	}
}
