package cases

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func ptr[T any](v T) *T { return &v }

// L01, M03, M04, M05, M07, M08.
func TestUpdateIncident(t *testing.T) {
	tests := []struct {
		name  string
		first IncidentUpdate // before, if any
		u     IncidentUpdate
		code  tocsin.Code
		kinds string // of the lines, in order
		check func(inc tocsin.Incident) bool
	}{
		{name: "rename", u: IncidentUpdate{DisplayName: ptr("  My case ")}, kinds: "renamed",
			check: func(i tocsin.Incident) bool { return i.DisplayName == "My case" && i.Renamed }},
		{name: "no name", u: IncidentUpdate{DisplayName: ptr(" ")}, code: tocsin.CodeInvalid},
		{name: "long name", u: IncidentUpdate{DisplayName: ptr(strings.Repeat("é", 501))}, code: tocsin.CodeLimit},
		{name: "nothing", u: IncidentUpdate{Status: ptr(tocsin.IncidentActive), AssignedTo: ptr("")}, kinds: ""},
		{name: "assign", u: IncidentUpdate{AssignedTo: ptr("ben")}, kinds: "assigned",
			check: func(i tocsin.Incident) bool { return i.AssignedTo == "ben" && i.Alerts[0].AssignedTo == "ben" }},
		{name: "unassign", first: IncidentUpdate{AssignedTo: ptr("ben")}, u: IncidentUpdate{AssignedTo: ptr(" ")}, kinds: "assigned",
			check: func(i tocsin.Incident) bool { return i.AssignedTo == "" && i.Alerts[1].AssignedTo == "" }},
		{name: "severity", u: IncidentUpdate{Severity: ptr(tocsin.SeverityLow)}, kinds: "severityChanged",
			check: func(i tocsin.Incident) bool { return i.Severity == tocsin.SeverityLow && i.SeverityManual }},
		{name: "severity back", first: IncidentUpdate{Severity: ptr(tocsin.SeverityLow)}, u: IncidentUpdate{Severity: ptr(tocsin.SeverityUnknown)},
			kinds: "severityChanged", check: func(i tocsin.Incident) bool { return i.Severity == tocsin.SeverityMedium && !i.SeverityManual }},
		{name: "severity, no such", u: IncidentUpdate{Severity: ptr(tocsin.Severity("grave"))}, code: tocsin.CodeInvalid},
		{name: "resolve", u: IncidentUpdate{Status: ptr(tocsin.IncidentResolved), ResolvingComment: ptr("all well"),
			Classification: ptr(tocsin.ClassFalsePositive), Determination: ptr(tocsin.DetNotMalicious)}, kinds: "classified resolvingCommentChanged statusChanged",
			check: func(i tocsin.Incident) bool {
				return i.Status == tocsin.IncidentResolved && i.ActiveAlerts == 0 && i.Alerts[0].Status == tocsin.AlertResolved && i.Alerts[0].Resolved.Equal(day)
			}},
		{name: "reopen", first: IncidentUpdate{Status: ptr(tocsin.IncidentResolved)}, u: IncidentUpdate{Status: ptr(tocsin.IncidentInProgress)}, kinds: "statusChanged",
			check: func(i tocsin.Incident) bool { return i.Status == tocsin.IncidentInProgress && i.ActiveAlerts == 0 }},
		{name: "redirect", u: IncidentUpdate{Status: ptr(tocsin.IncidentRedirected)}, code: tocsin.CodeInvalid},
		{name: "status, no such", u: IncidentUpdate{Status: ptr(tocsin.IncidentStatus("done"))}, code: tocsin.CodeInvalid},
		{name: "determination alone", u: IncidentUpdate{Determination: ptr(tocsin.DetMalware)}, code: tocsin.CodeInvalid},
		{name: "determination that fits", first: IncidentUpdate{Classification: ptr(tocsin.ClassTruePositive)}, u: IncidentUpdate{Determination: ptr(tocsin.DetMalware)},
			kinds: "classified", check: func(i tocsin.Incident) bool { return i.Determination == tocsin.DetMalware }},
		{name: "illegal pair", u: IncidentUpdate{Classification: ptr(tocsin.ClassFalsePositive), Determination: ptr(tocsin.DetMalware)}, code: tocsin.CodeInvalid},
		{name: "classification resets", first: IncidentUpdate{Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetMalware)},
			u: IncidentUpdate{Classification: ptr(tocsin.ClassInformational)}, kinds: "classified",
			check: func(i tocsin.Incident) bool { return i.Determination == tocsin.DetUnknown }},
		{name: "classification keeps", first: IncidentUpdate{Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetOther)},
			u: IncidentUpdate{Classification: ptr(tocsin.ClassInformational)}, kinds: "classified",
			check: func(i tocsin.Incident) bool { return i.Determination == tocsin.DetOther }},
		{name: "tags", u: IncidentUpdate{CustomTags: &[]string{" VIP ", "vip", "", "two\n words"}}, kinds: "tagsChanged",
			check: func(i tocsin.Incident) bool { return slices.Equal(i.CustomTags, []string{"VIP", "two words"}) }},
		{name: "tags away", first: IncidentUpdate{CustomTags: &[]string{"a"}}, u: IncidentUpdate{CustomTags: &[]string{}}, kinds: "tagsChanged",
			check: func(i tocsin.Incident) bool { return len(i.CustomTags) == 0 }},
		{name: "too many tags", u: IncidentUpdate{CustomTags: ptr(strings.Fields(numbers(51)))}, code: tocsin.CodeLimit},
		{name: "long tag", u: IncidentUpdate{CustomTags: &[]string{strings.Repeat("x", 101)}}, code: tocsin.CodeLimit},
		{name: "late", first: IncidentUpdate{DisplayName: ptr("x")}, u: IncidentUpdate{DisplayName: ptr("y"), IfVersion: 2}, code: tocsin.CodeConflict},
		{name: "in time", u: IncidentUpdate{Description: ptr("y"), Summary: ptr("z"), IfVersion: 3}, kinds: "descriptionChanged summaryChanged",
			check: func(i tocsin.Incident) bool { return i.Description == "y" && i.Summary == "z" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ev := []tocsin.Evidence{device("ws-1.corp.example"), process("ws-1", "{a}", "powershell.exe")}
			id := w.accept(t, alert("1", "A", day, ev...), alert("2", "A", day, ev...))[0].IncidentID
			if tt.first != (IncidentUpdate{}) {
				if _, err := w.UpdateIncident(anna(t), id, tt.first); err != nil {
					t.Fatal(err)
				}
			}
			before := w.incident(t, id)
			if tt.u.IfVersion == 3 {
				tt.u.IfVersion = before.Version
			}
			head, _ := w.st.Head(anna(t))
			got, err := w.UpdateIncident(anna(t), id, tt.u)
			if tocsin.CodeOf(err) != tt.code {
				t.Fatalf("error %v, want code %q", err, tt.code)
			}
			inc := w.incident(t, id)
			lines, _ := w.st.Changes(anna(t), head, 0)
			var kinds []string
			for _, l := range lines {
				kinds = append(kinds, l.Kind)
				if l.Actor.Name != "anna" || l.Actor.Kind != tocsin.ActorUser || l.Before == nil || l.After == nil {
					t.Errorf("line %+v", l)
				}
			}
			if strings.Join(kinds, " ") != tt.kinds {
				t.Errorf("lines %v, want %s", kinds, tt.kinds)
			}
			if inc.Version != before.Version+int64(len(kinds)) {
				t.Errorf("version went from %d to %d with %d lines", before.Version, inc.Version, len(kinds))
			}
			if tt.code == tocsin.CodeConflict {
				if c := AsConflict(err); c == nil || c.Incident == nil || c.Incident.DisplayName != "x" {
					t.Errorf("the conflict is %+v", c)
				}
			}
			if tt.code != "" {
				if !reflect.DeepEqual(before, inc) {
					t.Errorf("a refused update changed the incident")
				}
				return
			}
			if tt.check != nil && !tt.check(inc) {
				t.Errorf("the incident is %+v", inc)
			}
			inc.Alerts = nil
			if !reflect.DeepEqual(got, inc) {
				t.Errorf("returned\n%+v\nstored\n%+v", got, inc)
			}
		})
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d ", i)
	}
	return b.String()
}

func TestManualSeverityAndNameSurviveNewAlerts(t *testing.T) {
	w := newWorld(t)
	ev := []tocsin.Evidence{device("ws-1.corp.example"), process("ws-1", "{a}", "powershell.exe")}
	id := w.accept(t, alert("1", "A", day, ev...))[0].IncidentID
	if _, err := w.UpdateIncident(anna(t), id, IncidentUpdate{Severity: ptr(tocsin.SeverityLow), DisplayName: ptr("Mine")}); err != nil {
		t.Fatal(err)
	}
	b := alert("2", "B", day, ev...)
	b.Severity = tocsin.SeverityHigh
	w.accept(t, b)
	if inc := w.incident(t, id); inc.AlertCount != 2 || inc.Severity != tocsin.SeverityLow || inc.DisplayName != "Mine" {
		t.Errorf("the incident is %+v", inc)
	}
}

func TestUpdateAlert(t *testing.T) {
	w := newWorld(t)
	ev := []tocsin.Evidence{device("ws-1.corp.example"), process("ws-1", "{a}", "powershell.exe")}
	got := w.accept(t, alert("1", "A", day, ev...), alert("2", "B", day, ev...))
	id, inc := got[0].AlertID, got[0].IncidentID
	head, _ := w.st.Head(anna(t))
	w.clock.forward(time.Hour)
	a, err := w.UpdateAlert(anna(t), id, AlertUpdate{Status: ptr(tocsin.AlertResolved), Severity: ptr(tocsin.SeverityHigh), AssignedTo: ptr("ben"),
		Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetPhishing), CustomDetails: &map[string]any{"ticket": "T-1"}})
	if err != nil {
		t.Fatal(err)
	}
	have, err := w.Alert(anna(t), id)
	if err != nil || !reflect.DeepEqual(a, have) {
		t.Errorf("returned\n%+v\nstored\n%+v\n%v", a, have, err)
	}
	if have.Version != 6 || !have.Resolved.Equal(day.Add(time.Hour)) || have.CustomDetails["ticket"] != "T-1" || have.Determination != tocsin.DetPhishing {
		t.Errorf("the alert is %+v", have)
	}
	if i := w.incident(t, inc); i.ActiveAlerts != 1 || i.AlertCount != 2 || i.Severity != tocsin.SeverityHigh {
		t.Errorf("the incident is %+v", i)
	}
	lines, _ := w.st.Changes(anna(t), head, 0)
	n := map[string]int{}
	for _, l := range lines {
		n[l.Noun]++
		if l.AlertID != id {
			t.Errorf("line %+v", l)
		}
	}
	if n["alert"] != 5 || n["incident"] != 5 {
		t.Errorf("lines %v", n)
	}
	for name, u := range map[string]AlertUpdate{
		"status": {Status: ptr(tocsin.AlertStatus("gone"))}, "severity": {Severity: ptr(tocsin.Severity("x"))}, "pair": {Determination: ptr(tocsin.DetNotMalicious)},
	} {
		if _, err := w.UpdateAlert(anna(t), id, u); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.UpdateAlert(anna(t), id, AlertUpdate{Status: ptr(tocsin.AlertNew), IfVersion: 1}); AsConflict(err) == nil {
		t.Errorf("late: %v", err)
	}
	if _, err := w.UpdateAlert(anna(t), "da00", AlertUpdate{}); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("unknown: %v", err)
	}
	w.sound(t)
}

// M13.
func TestComments(t *testing.T) {
	w := newWorld(t)
	got := w.accept(t, alert("1", "A", day))[0]
	for text, code := range map[string]tocsin.Code{"": tocsin.CodeInvalid, " \n": tocsin.CodeInvalid, strings.Repeat("é", 30_000): "", strings.Repeat("é", 30_001): tocsin.CodeLimit} {
		if _, err := w.CommentIncident(anna(t), got.IncidentID, text); tocsin.CodeOf(err) != code {
			t.Errorf("%d bytes: %v, want %q", len(text), err, code)
		}
	}
	cs, err := w.CommentAlert(anna(t), got.AlertID, " look ")
	if err != nil || len(cs) != 1 || cs[0].Text != "look" || cs[0].CreatedBy != "The anna" || !cs[0].Created.Equal(day) {
		t.Errorf("comments of the alert: %+v, %v", cs, err)
	}
	inc := w.incident(t, got.IncidentID)
	if len(inc.Comments) != 1 || len(inc.Alerts[0].Comments) != 1 {
		t.Errorf("the incident has %d comments, its alert %d", len(inc.Comments), len(inc.Alerts[0].Comments))
	}
	w.sound(t)
}

// Q04.
func TestTagsAndHours(t *testing.T) {
	w := newWorld(t)
	a := w.accept(t, alert("1", "A", day))[0].IncidentID
	w.clock.forward(2 * time.Hour)
	b := w.accept(t, alert("2", "B", day))[0].IncidentID
	for id, tags := range map[int64][]string{a: {"Finance", "vip"}, b: {"finance", "100%"}} {
		if _, err := w.UpdateIncident(anna(t), id, IncidentUpdate{CustomTags: &tags}); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string]int{"": 3, "FIN": 1, "v": 1, "%": 0, "100%": 1, "_": 0} {
		tags, err := w.Tags(anna(t), prefix)
		if err != nil || len(tags) != want {
			t.Errorf("tags that begin with %q: %v, %v", prefix, tags, err)
		}
	}
	if tags, _ := w.Tags(anna(t), ""); !strings.EqualFold(tags[0], "finance") {
		t.Errorf("the tag used most does not come first: %v", tags)
	}
	if _, err := w.UpdateIncident(anna(t), a, IncidentUpdate{Status: ptr(tocsin.IncidentResolved)}); err != nil {
		t.Fatal(err)
	}
	hours, open, err := w.Hours(anna(t), day.Add(2*time.Hour+30*time.Minute))
	if err != nil || len(hours) != 24 || !hours[23].At.Equal(day.Add(2*time.Hour)) {
		t.Fatalf("hours %+v, %v", hours, err)
	}
	if hours[23].Alerts != 1 || hours[21].Incidents != 1 || hours[22].Alerts != 0 || open[tocsin.SeverityMedium] != 1 {
		t.Errorf("hours %+v, open %v", hours[20:], open)
	}
}

// TestTally: in whatever portions alerts are added, repeated and merged, the
// tally says what Incident.Recount says of all of them.
func TestTally(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		var all []tocsin.Alert
		parts := []*tally{newTally(), newTally()}
		for i := range 1 + r.IntN(12) {
			a := alert(fmt.Sprint(i), fmt.Sprintf("T%d", r.IntN(3)), day.Add(time.Duration(r.IntN(1e6))*time.Second))
			a.Severity = tocsin.Severities[r.IntN(5)]
			a.ServiceSource = tocsin.ServiceSources[r.IntN(3)]
			a.Category, a.Categories = "", nil
			if r.IntN(3) > 0 {
				a.Category = tocsin.Tactics()[r.IntN(14)]
			}
			if r.IntN(4) == 0 {
				a.Status = tocsin.AlertResolved
			}
			for range r.IntN(4) {
				a.Evidence = append(a.Evidence, []tocsin.Evidence{device(fmt.Sprintf("h%d.corp.example", r.IntN(4))), device(fmt.Sprintf("H%d", r.IntN(4))),
					user(fmt.Sprintf("u%d@corp.example", r.IntN(3))), process("h1", "{x}", "x.exe"),
					{Type: tocsin.EvMailbox, Props: map[string]any{"primaryAddress": fmt.Sprintf("u%d@corp.example", r.IntN(3))}}}[r.IntN(5)])
			}
			a.Normalize()
			p := parts[r.IntN(2)]
			p.add(digestOf(&a), a.Active())
			if r.IntN(3) == 0 {
				b := alert("", "", day.Add(time.Duration(r.IntN(1e6))*time.Second), device(fmt.Sprintf("h%d", r.IntN(6))))
				a.Repeat(&b)
				p.widen(digestOf(&a))
			}
			all = append(all, a)
		}
		parts[0].merge(parts[1])
		var got, want tocsin.Incident
		parts[0].apply(&got)
		want.Recount(all)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: the tally gives\n%+v\nrecounting gives\n%+v", seed, got, want)
		}
	}
}
