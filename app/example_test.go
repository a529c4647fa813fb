package app

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func open(t *testing.T, dir string) *App {
	t.Helper()
	a, err := New(context.Background(), Config{Data: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}

// incidents are all open incidents with their alerts.
func incidents(t *testing.T, a *App) []tocsin.Incident {
	t.Helper()
	ctx := a.system(context.Background())
	page, err := a.cases.Incidents(ctx, tocsin.Query{Top: 1000, Count: true})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]tocsin.Incident, len(page.Incidents))
	for i, in := range page.Incidents {
		if out[i], err = a.cases.Incident(ctx, in.ID, true); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The example attack must arrive at the screen as what it is: one incident of
// high severity that crosses the services, with unrelated smaller ones beside
// it, each link explained and each alert proven by rows that can be read.
//
// C03.
func TestExampleAttackBecomesOneIncident(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	ctx := a.system(context.Background())
	ex, err := a.LoadExample(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows in %d tables, %d alerts, %d incidents", ex.Rows, ex.Tables, ex.Alerts, ex.Incidents)
	all := incidents(t, a)
	var high []tocsin.Incident
	for _, in := range all {
		t.Logf("#%d %-13s %2d alerts %v %s", in.ID, in.Severity, in.AlertCount, in.ServiceSources, in.DisplayName)
		if in.Severity == tocsin.SeverityHigh {
			high = append(high, in)
		}
	}
	if len(high) != 1 {
		t.Fatalf("%d incidents of high severity, want the attack alone", len(high))
	}
	attack := high[0]
	if n := len(attack.ServiceSources); n < 4 {
		t.Errorf("the attack has alerts of %d service sources, want at least 4: %v", n, attack.ServiceSources)
	}
	if len(all) < 4 {
		t.Errorf("%d incidents in all, want unrelated smaller ones beside the attack", len(all))
	}
	unexplained := 0
	for _, al := range attack.Alerts {
		t.Logf("  %s %-13s %-30s x%d %s", al.FirstActivity.Format("02 15:04"), al.Severity, al.ServiceSource, al.Count, al.Title)
		for _, l := range al.Links {
			t.Logf("      %.2f %v %s", l.Strength, l.Reasons, l.Sentence)
			if l.Sentence == "" || len(l.Reasons) == 0 {
				t.Errorf("alert %s: a link without a sentence or a reason: %+v", al.ID, l)
			}
		}
		if len(al.Links) == 0 {
			unexplained++
		}
		if len(al.Rows) == 0 {
			t.Errorf("alert %q names no row that proves it", al.Title)
		}
		rows, err := a.lake.Rows(ctx, al.Rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if r == nil {
				t.Errorf("alert %q: the row %+v is not in the lake", al.Title, al.Rows[i])
			}
		}
	}
	// Each alert but the one that opened an incident was linked; incidents that
	// were merged into this one bring their openers.
	merges := 0
	acts, err := a.cases.Activities(ctx, attack.ID, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range acts {
		if strings.Contains(strings.ToLower(c.Kind), "merge") {
			merges++
		}
	}
	if unexplained > 1+merges {
		t.Errorf("%d alerts of the attack have no reason, with %d merges", unexplained, merges)
	}
	for _, in := range all {
		for _, al := range in.Alerts {
			if al.IncidentID != in.ID {
				t.Errorf("alert %s lies in incident %d and says %d", al.ID, in.ID, al.IncidentID)
			}
		}
	}
	if again, err := a.LoadExample(ctx); err != nil || again.Rows != 0 {
		t.Errorf("loading the example again: %+v, %v", again, err)
	}
	if rep, err := VerifyAudit(ctx, dir, ""); err != nil || !rep.OK || rep.Changes == 0 {
		t.Errorf("the record: %+v, %v", rep, err)
	}
}

// The same attack at another time of another day is the same incident: nothing
// depends on when the demo is started.
func TestExampleAttackAtAnotherTime(t *testing.T) {
	shape := func(now time.Time) []string {
		a, err := New(context.Background(), Config{Data: t.TempDir(), Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Stop(context.Background())
		if _, err := a.LoadExample(context.Background()); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, in := range incidents(t, a) {
			titles := []string{string(in.Severity)}
			for _, al := range in.Alerts {
				titles = append(titles, al.Title)
			}
			slices.Sort(titles)
			out = append(out, strings.Join(titles, "; "))
		}
		slices.Sort(out)
		return out
	}
	a, b := shape(time.Date(2026, 3, 10, 4, 17, 0, 0, time.UTC)), shape(time.Date(2027, 1, 1, 17, 55, 0, 0, time.UTC))
	if !slices.Equal(a, b) {
		t.Errorf("two starts give different incidents:\n%s\n\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}
