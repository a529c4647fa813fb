package cases

import (
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// S02: marks of assets and the tenant's own points change the score of open
// incidents, with a line in the record, and a preview says it before.
func TestScoring(t *testing.T) {
	w := newWorld(t)
	got := w.accept(t, alert("1", "Odd logon", day, device("dc01.corp.example"), user("anna@corp.example")),
		alert("2", "Other odd logon", day, device("ws-7.corp.example"), user("bruno@corp.example")))
	ctx := anna(t)
	score := func(i int) (int, []tocsin.Factor) {
		t.Helper()
		inc, err := w.Incident(ctx, got[i].IncidentID, false)
		if err != nil {
			t.Fatal(err)
		}
		return inc.Score, inc.Factors
	}
	dc, _ := score(0)
	ws, _ := score(1)
	if dc != ws {
		t.Fatalf("alike incidents have %d and %d points", dc, ws)
	}
	if err := w.MarkAsset(ctx, "DC01.corp.example", tocsin.MarkCritical, "domain controller", true); err != nil {
		t.Fatal(err)
	}
	if err := w.Rescore(ctx, store.Claim{}); err != nil {
		t.Fatal(err)
	}
	marked, factors := score(0)
	if now, _ := score(1); marked != dc+15 || now != ws {
		t.Errorf("a critical asset: %d points after %d (%v), and the other %d after %d", marked, dc, factors, now, ws)
	}
	s := tocsin.DefaultScoring()
	s.Marks[tocsin.MarkCritical] = 20
	p, err := w.PreviewScoring(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	if p.Incidents != 2 || p.Changed != 1 || len(p.Most) != 1 || p.Most[0].After != dc+20 || p.Most[0].ID != got[0].IncidentID {
		t.Errorf("preview: %+v", p)
	}
	if now, _ := score(0); now != marked {
		t.Errorf("the preview changed the score to %d", now)
	}
	if err := w.PutScoring(ctx, &s); err != nil {
		t.Fatal(err)
	}
	if err := w.Rescore(ctx, store.Claim{}); err != nil {
		t.Fatal(err)
	}
	if now, _ := score(0); now != dc+20 {
		t.Errorf("with own points %d, not %d", now, dc+20)
	}
	// A new incident of that asset has it at once.
	more := w.accept(t, alert("3", "Quite another thing", day.AddDate(0, 0, 40), device("dc01.corp.example")))
	inc, err := w.Incident(ctx, more[0].IncidentID, false)
	if err != nil {
		t.Fatal(err)
	}
	if !hasFactor(inc.Factors, "mark") {
		t.Errorf("the new incident does not say that its asset is marked: %v", inc.Factors)
	}
	if err := w.MarkAsset(ctx, "dc01.corp.example", tocsin.MarkCritical, "", false); err != nil {
		t.Fatal(err)
	}
	if err := w.PutScoring(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Rescore(ctx, store.Claim{}); err != nil {
		t.Fatal(err)
	}
	if now, _ := score(0); now != dc {
		t.Errorf("after all was taken back %d, not %d", now, dc)
	}
	if err := w.MarkAsset(ctx, "dc01.corp.example", tocsin.MarkCritical, "", false); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("taking back what is not there: %v", err)
	}
	if err := w.MarkAsset(ctx, "x", "shiny", "", true); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Errorf("an unknown mark: %v", err)
	}
	w.sound(t)
}

func hasFactor(fs []tocsin.Factor, name string) bool {
	for _, f := range fs {
		if f.Name == name {
			return true
		}
	}
	return false
}
