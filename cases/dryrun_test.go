package cases

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// A dry run says what would differ, with names and the evidence, for each thing
// that can be changed; it says nothing where nothing would, and leaves the store
// as it was.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	hash := strings.Repeat("ab", 32)
	got := w.accept(t, visits("tool", day.Add(-2*time.Hour), hash)...) // a shared file joins them
	other := w.accept(t,
		alert("u1", "Sign-in", day.Add(-10*time.Hour), device("pc-1"), user("ann@corp.example")),
		alert("u2", "Mass download", day.Add(-6*time.Hour), device("pc-2"), user("ann@corp.example"))) // a person, hours apart, does not
	if got[0].IncidentID != got[1].IncidentID || other[0].IncidentID == other[1].IncidentID {
		t.Fatalf("%+v %+v", got, other)
	}
	head, err := w.st.Head(anna(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		ask           string
		split, merged int
		before, after int
		say           string
	}{
		"nothing":     {`{}`, 0, 0, 3, 3, ""},
		"the default": {`{"policy": {"join": 1}}`, 0, 0, 3, 3, ""},
		"threshold":   {`{"policy": {"join": 3, "merge": 3}}`, 1, 0, 3, 4, "x.exe"},
		"weight":      {`{"policy": {"weights": {"sameFile": {"full": 0}}}}`, 1, 0, 3, 4, "x.exe"},
		"lower":       {`{"policy": {"join": 0.4, "weights": {"sameUser": {"halfMinutes": 6000}}}}`, 0, 1, 3, 2, "ann@corp.example"},
		"exclusion":   {`{"addExclusions": [{"type": "file", "value": "` + strings.ToUpper(hash) + `"}]}`, 1, 0, 3, 4, "x.exe"},
	} {
		ask, err := ParseDryRun([]byte(tt.ask))
		if err != nil {
			t.Fatal(err)
		}
		ask.Days = 3
		d, err := w.DryRun(anna(t), ask)
		if err != nil || d.Alerts != 4 || d.Split != tt.split || d.Merged != tt.merged || d.Present != tt.before || d.Changed != tt.after || len(d.Pairs) != tt.split+tt.merged {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		for _, p := range d.Pairs {
			if p.Split != (tt.split == 1) || p.Weight == 0 || !strings.Contains(p.Sentence, tt.say) || p.Main.Name == "" || p.Piece.Name == "" ||
				p.Main.IncidentID == 0 || p.Main.Alerts != 1 || p.Piece.Alerts != 1 {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
	if after, err := w.st.Head(anna(t)); err != nil || after != head {
		t.Errorf("the record went from %v to %v, %v", head, after, err)
	}
	w.sound(t)
}

// A present exclusion counts in the replay of the present, and can be tried
// without; alerts before the days, and those of rules that do not correlate, are
// left out.
func TestDryRunOfWhatIsSet(t *testing.T) {
	w := newWorld(t)
	hash := strings.Repeat("cd", 32)
	w.accept(t, visits("tool", day, hash)...)
	w.clock.forward(5 * 24 * time.Hour)
	x, err := w.AddExclusion(anna(t), tocsin.Exclusion{Type: tocsin.EntityFile, Value: hash, Reason: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetRuleCorrelation(anna(t), tocsin.RuleCorrelation{DetectorID: "rule/Lone", Correlation: tocsin.CorrelationDisabled}); err != nil {
		t.Fatal(err)
	}
	w.accept(t, alert("l", "Lone", w.clock.now(), device("pc-9")))
	w.accept(t, alert("l2", "Not alone", w.clock.now(), device("pc-9")))
	d, err := w.DryRun(anna(t), DryRunAsk{Days: 30, RemoveExclusions: []string{x.ID}})
	if err != nil || d.Alerts != 4 || d.Apart != 1 || d.Present != 3 || d.Changed != 2 || d.Merged != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err = w.DryRun(anna(t), DryRunAsk{Days: 2, RemoveExclusions: []string{x.ID}}); err != nil || d.Alerts != 2 || d.Merged != 0 || d.Present != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDryRunRefuses(t *testing.T) {
	w := newWorld(t)
	for text, say := range map[string]string{
		`[]`: "what to try", `{"polcy": {}}`: "polcy", `{} {}`: "more after",
	} {
		if _, err := ParseDryRun([]byte(text)); tocsin.CodeOf(err) != tocsin.CodeInvalid || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ParseDryRun(make([]byte, MaxDryRunBytes+1)); tocsin.CodeOf(err) != tocsin.CodeLimit {
		t.Error(err)
	}
	for _, tt := range []struct {
		ask DryRunAsk
		say string
	}{
		{DryRunAsk{}, "days is 0"}, {DryRunAsk{Days: 366}, "days is 366"},
		{DryRunAsk{Days: 1, Policy: []byte(`{"join": 99}`)}, "join is 99"},
		{DryRunAsk{Days: 1, Policy: []byte(`{"weights": {"sameHat": {}}}`)}, "sameHat"},
		{DryRunAsk{Days: 1, RemoveExclusions: []string{"no"}}, `no exclusion "no"`},
		{DryRunAsk{Days: 1, AddExclusions: []tocsin.Exclusion{{Type: "ip", Value: "proxy"}}}, "exclusion 1: \"proxy\" is no ip"},
	} {
		if _, err := w.DryRun(anna(t), tt.ask); tocsin.CodeOf(err) != tocsin.CodeInvalid || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%+v: %v", tt.ask, err)
		}
	}
	w.trying.Lock()
	if _, err := w.DryRun(anna(t), DryRunAsk{Days: 1}); tocsin.CodeOf(err) != tocsin.CodeUnavailable {
		t.Error(err)
	}
	w.trying.Unlock()
	w.accept(t, alert("1", "A", day, device("a")))
	ctx, cancel := context.WithCancel(anna(t))
	cancel()
	if _, err := w.DryRun(ctx, DryRunAsk{Days: 1}); err == nil {
		t.Error("went on after its caller had gone")
	}
}

// Over several pages the dry run groups as a replay of the same alerts does.
func TestDryRunReplays(t *testing.T) {
	w := newWorld(t)
	in := traffic(1300, 3)
	w.accept(t, in...)
	var stored []tocsin.Alert
	if err := w.st.View(anna(t), func(tx *store.Tx) error {
		nos, err := tx.AlertNumbers(time.Time{}, MaxDryRunAlerts)
		for i := 0; i < len(nos) && err == nil; i += 100 {
			var page []tocsin.Alert
			page, _, err = tx.AlertsByNumber(nos[i:min(len(nos), i+100)], true)
			stored = append(stored, page...)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p := correlate.DefaultPolicy()
	p.Join, p.Merge = 1.15, 1.4
	count := func(p correlate.Policy) int {
		ids := map[int64]bool{}
		for _, x := range correlate.Replay(stored, p) {
			ids[x.IncidentID] = true
		}
		return len(ids)
	}
	d, err := w.DryRun(anna(t), DryRunAsk{Days: 365, Policy: p.File()})
	if err != nil || d.Alerts != len(stored) || d.Present != count(correlate.DefaultPolicy()) || d.Changed != count(p) || d.Split == 0 || len(d.Pairs) > MaxDryRunPairs {
		t.Errorf("%d stored; %+v, %v", len(stored), d, err)
	}
	for i := 1; i < len(d.Pairs); i++ {
		if d.Pairs[i-1].Main.Name > d.Pairs[i].Main.Name {
			t.Fatal("not by name: " + fmt.Sprint(i))
		}
	}
}
