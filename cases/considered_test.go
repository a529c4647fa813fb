package cases

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// C04: an alert is weighed again without itself, against its own incident and
// against those that it did not join, with the reason; nothing changes.
func TestReconsider(t *testing.T) {
	w := newWorld(t)
	got := w.accept(t,
		alert("1", "A", day.Add(-time.Hour), device("ws-1"), process("ws-1", "{a}", "a.exe")),
		alert("far", "Far", day.Add(-9*time.Hour), device("ws-2"), user("ann@corp.example")),
		alert("2", "B", day.Add(-50*time.Minute), device("ws-1"), process("ws-1", "{a}", "a.exe"), user("ann@corp.example")))
	if got[0].IncidentID != got[2].IncidentID || got[1].IncidentID == got[0].IncidentID {
		t.Fatalf("%+v", got)
	}
	head, _ := w.st.Head(anna(t))
	r, err := w.Reconsider(anna(t), got[2].AlertID)
	if err != nil || len(r.Candidates) != 2 || r.Decision.IncidentID != got[0].IncidentID {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, c := range r.Candidates {
		own := c.IncidentID == got[0].IncidentID
		if c.Chosen != own || (own && (c.Alerts != 1 || c.Weight < r.Join || c.Links[0].ToAlertID != got[0].AlertID)) ||
			(!own && (!strings.Contains(c.Why, "too weak") || c.Weight == 0 || c.Weight >= r.Join)) || r.Names[c.IncidentID] == "" {
			t.Errorf("%+v", c)
		}
	}
	// The one that opened its incident alone finds nothing but the other now.
	if r, err := w.Reconsider(anna(t), got[1].AlertID); err != nil || len(r.Candidates) != 1 || r.Candidates[0].Chosen {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/Far", Correlation: tocsin.CorrelationDisabled}); err != nil {
		t.Fatal(err)
	}
	if r, err := w.Reconsider(anna(t), got[1].AlertID); err != nil || r.Off == "" || r.Candidates != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := w.Reconsider(anna(t), "nope"); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Error(err)
	}
	if lines, _ := w.st.Changes(anna(t), head, 0); len(lines) != 1 {
		t.Errorf("%d lines of the record, where one setting changed", len(lines))
	}
	w.sound(t)
}
