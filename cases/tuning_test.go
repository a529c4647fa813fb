package cases

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// visits are two alerts on two devices that a shared file joins.
func visits(ext string, when time.Time, hash string) []tocsin.Alert {
	return visitsOf(ext, when, tocsin.Evidence{Type: tocsin.EvFile, Props: map[string]any{"fileDetails": map[string]any{"fileName": "x.exe", "filePath": `C:\Apps\x.exe`, "sha256": hash}}})
}

func visitsOf(ext string, when time.Time, shared tocsin.Evidence) []tocsin.Alert {
	var out []tocsin.Alert
	for i := range 2 {
		d := device(fmt.Sprintf("%s-%d", ext, i))
		d.Props["rbacGroupName"] = "Servers"
		out = append(out, alert(fmt.Sprintf("%s-%d", ext, i), "Tool "+ext, when.Add(time.Duration(i)*time.Minute), d, shared))
	}
	return out
}

func TestExclusions(t *testing.T) {
	hash := func(n int) string { return fmt.Sprintf("%064x", n+1) }
	w := newWorld(t)
	joined := func(n int) bool {
		t.Helper()
		got := w.accept(t, visits(fmt.Sprint("v", n), day.Add(time.Duration(n)*24*time.Hour), hash(n%100))...)
		return got[0].IncidentID == got[1].IncidentID
	}
	for n, tt := range []struct {
		name string
		x    *tocsin.Exclusion
		want bool
	}{
		{"none", nil, true},
		{"everywhere", &tocsin.Exclusion{}, false},
		{"of another rule", &tocsin.Exclusion{DetectorID: "rule/other"}, true},
		{"of the rule", &tocsin.Exclusion{DetectorID: "rule/Tool v3"}, false},
		{"of a tactic", &tocsin.Exclusion{Tactic: "Execution"}, false},
		{"of another tactic", &tocsin.Exclusion{Tactic: "Exfiltration"}, true},
		{"of a device group", &tocsin.Exclusion{DeviceGroup: "servers"}, false},
		{"of another device group", &tocsin.Exclusion{DeviceGroup: "Desks"}, true},
		{"expired", &tocsin.Exclusion{Expires: day.Add(time.Minute)}, true},
	} {
		if tt.x != nil {
			x := *tt.x
			x.Type, x.Value, x.Reason = tocsin.EntityFile, strings.ToUpper(hash(n)), "our own tool"
			got, err := w.AddExclusion(anna(t), x)
			if err != nil || got.CreatedBy != "anna" || got.ID == "" {
				t.Fatalf("%s: %+v, %v", tt.name, got, err)
			}
			if _, err := w.AddExclusion(anna(t), x); tocsin.CodeOf(err) != tocsin.CodeConflict {
				t.Errorf("%s: twice: %v", tt.name, err)
			}
			if tt.name == "expired" {
				w.clock.forward(2 * time.Minute)
			}
		}
		if got := joined(n); got != tt.want {
			t.Errorf("%s: joined %v", tt.name, got)
		}
	}
	have, _, err := w.Exclusions(anna(t))
	w.do(t, err)
	if len(have) != 8 {
		t.Errorf("%d exclusions", len(have))
	}
	x, err := w.AddExclusion(anna(t), tocsin.Exclusion{Type: tocsin.EntityFile, Value: hash(50), Reason: "for a moment"})
	w.do(t, err)
	w.do(t, w.RemoveExclusion(anna(t), x.ID))
	if !joined(50) {
		t.Error("a removed exclusion still holds")
	}
	if err := w.RemoveExclusion(anna(t), x.ID); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Error(err)
	}
	for _, x := range []tocsin.Exclusion{{}, {Type: tocsin.EntityIP, Value: "here", Reason: "r"}, {Type: tocsin.EntityIP, Value: "10.0.0.1"}, {Type: "hat", Value: "x", Reason: "r"},
		{Type: tocsin.EntityFile, Value: "x.exe", Reason: "r"}, {Type: tocsin.EntityIP, Value: "10.0.0.1", Reason: "r", Tactic: "Juggling"}, {Type: tocsin.EntityIP, Value: "10.0.0.1", Reason: "r", Expires: day}} {
		if _, err := w.AddExclusion(anna(t), x); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%+v: %v", x, err)
		}
	}
	// Another tenant has none of it.
	if other, _, err := w.Exclusions(as(t.Context(), "other", "olga")); err != nil || len(other) != 0 {
		t.Errorf("%+v, %v", other, err)
	}
	w.sound(t)
}

// Three times people say that a value is irrelevant: it is suggested as an
// exclusion, never applied, and weighs less meanwhile.
func TestSuggestedExclusion(t *testing.T) {
	w := newWorld(t)
	lure := tocsin.Evidence{Type: tocsin.EvURL, Props: map[string]any{"url": "https://bad.example/lure"}}
	weigh := func(n int) float64 {
		t.Helper()
		got := w.accept(t, visitsOf(fmt.Sprint("s", n), day.Add(time.Duration(n)*24*time.Hour), lure)...)
		a := w.whereAll(t)[got[1].AlertID]
		if len(a.Links) == 0 {
			return 0
		}
		return a.Links[0].Strength
	}
	if weigh(0) == 0 {
		t.Fatal("the file does not join to begin with")
	}
	for n := range 3 {
		if _, s, err := w.Exclusions(anna(t)); err != nil || len(s) != 0 {
			t.Fatalf("after %d cuts: %+v, %v", n, s, err)
		}
		got := w.accept(t, visitsOf(fmt.Sprint("cut", n), day.Add(time.Duration(n+10)*24*time.Hour), lure)...)
		if got[0].IncidentID != got[1].IncidentID {
			t.Fatalf("cut %d: not joined", n)
		}
		// Twice by cutting the link, once by moving and saying what is irrelevant.
		if n < 2 {
			_, _, err := w.Split(anna(t), got[0].IncidentID, Split{FromAlert: got[1].AlertID, ToAlert: got[0].AlertID})
			w.do(t, err)
			continue
		}
		_, _, err := w.Move(anna(t), Move{Alerts: []string{got[1].AlertID}, Irrelevant: []tocsin.LinkedThing{{Type: tocsin.EntityURL, Name: "lure", Key: "url:bad.example/lure"}}})
		w.do(t, err)
	}
	_, s, err := w.Exclusions(anna(t))
	if err != nil || len(s) != 1 || s[0].Cuts != 3 || s[0].Type != tocsin.EntityURL || len(s[0].Rearrangements) != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	w.clock.forward(2 * time.Minute)
	if have, _, _ := w.Exclusions(anna(t)); len(have) != 0 {
		t.Errorf("it was applied by itself: %+v", have)
	}
	if weigh(1) != 0 {
		t.Error("it joins as before")
	}
	w.clock.forward(suggestWithin + time.Hour)
	if _, s, _ := w.Exclusions(anna(t)); len(s) != 0 {
		t.Errorf("cuts are never forgotten: %+v", s)
	}
}

// C08: a merge that would have more entities than the policy allows is refused,
// and both incidents say so, once.
func TestC08EntityMaximum(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	w.do(t, w.SetPolicy(anna(t), []byte(`{"maxEntities": 3}`)))
	tie := func(n int) Accepted {
		return w.accept(t, alert(fmt.Sprint("tie", n), "Tie", day.Add(250*time.Minute), device("h2"), process("h2", "gh2", "h2.exe"), device("h3"), process("h3", "gh3", "h3.exe")))[0]
	}
	tie(0)
	tie(1)
	for i, id := range ids[1:] {
		if inc := w.incident(t, id); inc.Status != tocsin.IncidentActive {
			t.Errorf("%d is %s", id, inc.Status)
		}
		lines, err := w.Activities(anna(t), id, 0, 0)
		w.do(t, err)
		lines = slices.DeleteFunc(lines, func(c tocsin.Change) bool { return c.Kind != "mergeRefused" })
		if len(lines) != 1 || !strings.Contains(lines[0].Summary, "4 entities, more than 3") || !strings.Contains(lines[0].Summary, fmt.Sprint("incident ", ids[2-i])) {
			t.Errorf("incident %d: %+v", id, lines)
		}
	}
	w.sound(t)
	// With room they merge.
	w.do(t, w.SetPolicy(anna(t), nil))
	tie(2)
	if a, b := w.incident(t, ids[1]), w.incident(t, ids[2]); a.Status != tocsin.IncidentRedirected && b.Status != tocsin.IncidentRedirected {
		t.Error("not merged with room for all")
	}
	w.sound(t)
}

// C07: what people decided differently keeps two incidents apart, and both say so.
func TestC07RefusalIsSaid(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	for i, who := range []string{"ben", "cleo"} {
		_, err := w.UpdateIncident(anna(t), ids[1+i], IncidentUpdate{AssignedTo: ptr(who)})
		w.do(t, err)
	}
	w.accept(t, alert("tie", "Tie", day.Add(250*time.Minute), device("h2"), process("h2", "gh2", "h2.exe"), device("h3"), process("h3", "gh3", "h3.exe")))
	for _, id := range ids[1:] {
		lines, err := w.Activities(anna(t), id, 0, 0)
		w.do(t, err)
		if !slices.ContainsFunc(lines, func(c tocsin.Change) bool {
			return c.Kind == "mergeRefused" && strings.Contains(c.Summary, "they differ in assigned to")
		}) {
			t.Errorf("incident %d does not say why it was not merged", id)
		}
	}
	w.sound(t)
}

// The policy is the tenant's own, and a bad one changes nothing.
func TestPolicyOfTenant(t *testing.T) {
	w := newWorld(t)
	if err := w.SetPolicy(anna(t), []byte(`{"join": 99}`)); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Error(err)
	}
	w.do(t, w.SetPolicy(anna(t), []byte(`{"join": 9, "merge": 10}`)))
	first := func(tenant string) bool {
		ctx := tocsin.WithPrincipal(t.Context(), tocsin.System(tenant, "detect"))
		got, err := w.Accept(ctx, visits("p", day, strings.Repeat("d", 64)))
		w.do(t, err)
		return got[0].IncidentID == got[1].IncidentID
	}
	if first("default") || !first("other") {
		t.Error("the policy of one tenant is not its own")
	}
	s, err := w.CorrelationSettings(anna(t))
	if err != nil || !s.Own || s.Policy.Join != 9 || s.Default != tocsin.CorrelationEnabled {
		t.Errorf("%+v, %v", s, err)
	}
}

// C13: after a merge the target has the tags, the entities and the rules of both.
func TestC13UnionAfterMerge(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	for n, id := range ids[1:] {
		h := fmt.Sprint("h", n+2)
		a := alert("ruled "+h, "Ruled", day.Add(time.Duration(100*(n+2)+3)*time.Minute), device(h), process(h, "g"+h, h+".exe"))
		a.RuleTitle = "The rule of " + h
		if got := w.accept(t, a)[0].IncidentID; got != id {
			t.Fatalf("%s went into %d", h, got)
		}
		_, err := w.UpdateIncident(anna(t), id, IncidentUpdate{CustomTags: &[]string{fmt.Sprint("tag ", id), "both"}})
		w.do(t, err)
	}
	a, b := w.incident(t, ids[1]), w.incident(t, ids[2])
	w.accept(t, alert("tie", "Tie", day.Add(250*time.Minute), device("h2"), process("h2", "gh2", "h2.exe"), device("h3"), process("h3", "gh3", "h3.exe")))
	to := ids[1]
	if inc := w.incident(t, to); inc.Status == tocsin.IncidentRedirected {
		to = inc.RedirectID
	}
	inc := w.incident(t, to)
	for _, was := range []tocsin.Incident{a, b} {
		for _, tag := range was.CustomTags {
			if !slices.Contains(inc.CustomTags, tag) {
				t.Errorf("tag %q is lost: %q", tag, inc.CustomTags)
			}
		}
		for _, x := range was.Assets {
			if !slices.ContainsFunc(inc.Assets, func(y tocsin.Asset) bool { return y.Name == x.Name }) {
				t.Errorf("%s is lost", x.Name)
			}
		}
		if len(was.Labels[tocsin.LabelPolicies]) == 0 {
			t.Error("an incident names no rule")
		}
		for _, rule := range was.Labels[tocsin.LabelPolicies] {
			if !slices.Contains(inc.Labels[tocsin.LabelPolicies], rule) {
				t.Errorf("rule %q is lost: %q", rule, inc.Labels[tocsin.LabelPolicies])
			}
		}
	}
}
