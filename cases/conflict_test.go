package cases

import (
	"strings"
	"sync"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// M15: two people who change different properties of one incident lose nothing;
// the same property is a conflict that says who changed what, and nothing is
// written.
func TestM15ConflictByField(t *testing.T) {
	ben := as(t.Context(), "default", "ben")
	for _, tt := range []struct {
		name   string
		theirs IncidentUpdate
		mine   IncidentUpdate
		fields string
	}{
		{"different", IncidentUpdate{AssignedTo: ptr("ben"), CustomTags: &[]string{"x"}}, IncidentUpdate{DisplayName: ptr("Mine"), Severity: ptr(tocsin.SeverityHigh)}, ""},
		{"same", IncidentUpdate{AssignedTo: ptr("ben"), DisplayName: ptr("Theirs")}, IncidentUpdate{DisplayName: ptr("Mine"), Severity: ptr(tocsin.SeverityHigh)}, "displayName"},
		{"same value", IncidentUpdate{AssignedTo: ptr("carol")}, IncidentUpdate{AssignedTo: ptr("carol")}, ""},
		{"two", IncidentUpdate{Status: ptr(tocsin.IncidentInProgress), CustomTags: &[]string{"x"}},
			IncidentUpdate{Status: ptr(tocsin.IncidentResolved), CustomTags: &[]string{"y"}, Summary: ptr("s")}, "customTags status"},
		{"pair", IncidentUpdate{Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetMalware)},
			IncidentUpdate{Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetPhishing)}, "determination"},
		{"details", IncidentUpdate{CustomDetails: &map[string]any{"ticket": "1"}}, IncidentUpdate{CustomDetails: &map[string]any{"ticket": "2"}}, "customDetails"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			id := number(t, w.apart(t, 1)[0])
			base := w.incident(t, id)
			if _, err := w.UpdateIncident(ben, id, tt.theirs); err != nil {
				t.Fatal(err)
			}
			now := w.incident(t, id)
			tt.mine.IfVersion = base.Version
			got, err := w.UpdateIncident(anna(t), id, tt.mine)
			if tt.fields == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got.AssignedTo != now.AssignedTo || len(got.CustomTags) != len(now.CustomTags) {
					t.Errorf("their change is lost: %+v", got)
				}
				if tt.mine.DisplayName != nil && got.DisplayName != *tt.mine.DisplayName {
					t.Errorf("mine is lost: %+v", got)
				}
				return
			}
			c := AsConflict(err)
			if c == nil || tocsin.CodeOf(err) != tocsin.CodeConflict {
				t.Fatalf("%v", err)
			}
			var names []string
			for _, f := range c.Fields {
				names = append(names, f.Field)
				if f.By.Name != "ben" || f.At.IsZero() || len(f.Mine) == 0 || len(f.Theirs) == 0 || len(f.Base) == 0 || string(f.Mine) == string(f.Theirs) {
					t.Errorf("%+v", f)
				}
			}
			if strings.Join(names, " ") != tt.fields {
				t.Errorf("in dispute: %v, want %s", names, tt.fields)
			}
			if after := w.incident(t, id); after.Version != now.Version {
				t.Error("a refused update was written in part")
			}
			// Whoever has seen the other's change and says so again, has their way.
			tt.mine.IfVersion = now.Version
			if _, err := w.UpdateIncident(anna(t), id, tt.mine); err != nil {
				t.Error(err)
			}
		})
	}
}

// M15: an alert's status is also in dispute when its incident changed it.
func TestM15ConflictOfAlert(t *testing.T) {
	w := newWorld(t)
	a := w.accept(t, alert("1", "A", day, device("ws-1.corp.example")))[0]
	base, _ := w.Alert(anna(t), a.AlertID)
	if _, err := w.UpdateIncident(anna(t), a.IncidentID, IncidentUpdate{Status: ptr(tocsin.IncidentResolved)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateAlert(anna(t), a.AlertID, AlertUpdate{Classification: ptr(tocsin.ClassFalsePositive), IfVersion: base.Version}); err != nil {
		t.Errorf("another property: %v", err)
	}
	_, err := w.UpdateAlert(anna(t), a.AlertID, AlertUpdate{Status: ptr(tocsin.AlertInProgress), IfVersion: base.Version})
	if c := AsConflict(err); c == nil || len(c.Fields) != 1 || c.Fields[0].Field != "status" || string(c.Fields[0].Theirs) != `"resolved"` {
		t.Errorf("%+v, %v", c, err)
	}
}

// M15: many writers at once, each with the version that it read: every change of
// a property of its own arrives.
func TestM15NothingIsLost(t *testing.T) {
	w := newWorld(t)
	id := number(t, w.apart(t, 1)[0])
	v := w.incident(t, id).Version
	var wg sync.WaitGroup
	for _, u := range []IncidentUpdate{{DisplayName: ptr("n")}, {Description: ptr("d")}, {Summary: ptr("s")}, {AssignedTo: ptr("a")}, {CustomTags: &[]string{"t"}},
		{Severity: ptr(tocsin.SeverityHigh)}, {Classification: ptr(tocsin.ClassTruePositive)}, {Status: ptr(tocsin.IncidentInProgress)}} {
		u.IfVersion = v
		wg.Go(func() {
			if _, err := w.UpdateIncident(anna(t), id, u); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	i := w.incident(t, id)
	if i.DisplayName != "n" || i.Description != "d" || i.Summary != "s" || i.AssignedTo != "a" || len(i.CustomTags) != 1 || i.Severity != tocsin.SeverityHigh ||
		i.Classification != tocsin.ClassTruePositive || i.Status != tocsin.IncidentInProgress {
		t.Errorf("%+v", i)
	}
}

// M11: a name given by hand survives new alerts, is replaced by an automatic one
// when another incident is merged in, and comes back when that is undone.
func TestM11RenameAndMerge(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	ctx := anna(t)
	if _, err := w.UpdateIncident(ctx, ids[2], IncidentUpdate{DisplayName: ptr("Printer again")}); err != nil {
		t.Fatal(err)
	}
	w.accept(t, alert("more", "Found 3 again", day.Add(304*60e9), device("h3"), process("h3", "gh3", "h3.exe"), user("h3@corp.example")))
	if inc := w.incident(t, ids[2]); inc.DisplayName != "Printer again" || inc.AlertCount != 4 {
		t.Fatalf("after a new alert: %q, %d alerts", inc.DisplayName, inc.AlertCount)
	}
	to, done, err := w.MergeIncidents(ctx, []int64{ids[1], ids[2]}, "", nil)
	if err != nil || to != ids[2] {
		t.Fatal(to, err)
	}
	inc := w.incident(t, to)
	if inc.Renamed || inc.DisplayName != inc.AutoName(inc.Alerts) {
		t.Errorf("after the merge: %q", inc.DisplayName)
	}
	if _, err := w.Undo(ctx, done[0].ID); err != nil {
		t.Fatal(err)
	}
	if inc := w.incident(t, to); !inc.Renamed || inc.DisplayName != "Printer again" {
		t.Errorf("after the undo: %q", inc.DisplayName)
	}
	w.sound(t)
}
