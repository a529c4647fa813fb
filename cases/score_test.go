package cases

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
)

// labelled is a stream of alerts of which it is known what belongs together.
type labelled struct {
	alerts []tocsin.Alert
	truths []string
}

func readLabelled(t testing.TB, path string) labelled {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := correlate.ReadBenchmark(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	truths, err := correlate.ReadLabels(bytes.NewReader(raw))
	if err != nil || len(truths) != len(alerts) {
		t.Fatalf("%d labels for %d alerts, %v", len(truths), len(alerts), err)
	}
	return labelled{alerts, truths}
}

// benchmarkFile is the correlation benchmark, which the project does not carry.
func benchmarkFile(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("TOCSIN_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(dir, "conformance", "correlation", "alerts.jsonl")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared reference data is not here (%v); set TOCSIN_SHARED to its folder", err)
	}
	return path
}

// late has each alert arrive up to most later than it happened.
func (l labelled) late(seed uint64, most time.Duration) labelled {
	r := rand.New(rand.NewPCG(seed, 11))
	at, order := make([]time.Time, len(l.alerts)), make([]int, len(l.alerts))
	for i := range l.alerts {
		at[i], order[i] = l.alerts[i].LastActivity.Add(time.Duration(r.Int64N(int64(most)))), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return at[a].Compare(at[b]) })
	out := labelled{make([]tocsin.Alert, len(order)), make([]string, len(order))}
	for i, n := range order {
		out.alerts[i], out.truths[i] = l.alerts[n], l.truths[n]
	}
	return out
}

// group takes the alerts, so many at once, into a store of its own and tells
// where each has ended.
func (l labelled) group(t testing.TB, atOnce int) (w *world, placed []int64) {
	t.Helper()
	w = newWorld(t)
	var ids []string
	for part := range slices.Chunk(l.alerts, atOnce) {
		for _, a := range w.accept(t, part...) {
			ids = append(ids, a.AlertID)
		}
	}
	where := w.whereAll(t)
	if len(where) != len(ids) {
		t.Fatalf("%d alerts are there after %d were taken", len(where), len(ids))
	}
	placed = make([]int64, len(ids))
	for i, id := range ids {
		placed[i] = where[id].IncidentID
	}
	return w, placed
}

// whereAll is every alert of the tenant, by its id.
func (w *world) whereAll(t testing.TB) map[string]tocsin.Alert {
	t.Helper()
	out := map[string]tocsin.Alert{}
	for skip := 0; ; skip += 1000 {
		p, err := w.Alerts(anna(t), tocsin.Query{Top: 1000, Skip: skip, OrderBy: []tocsin.Order{{Field: "createdDateTime"}, {Field: "id"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Alerts {
			out[a.ID] = a
		}
		if !p.More {
			return out
		}
	}
}

func (l labelled) scores(placed []int64) (attack, all correlate.Score) {
	return correlate.ScoreOf(l.truths, placed, correlate.IsAttack), correlate.ScoreOf(l.truths, placed, nil)
}

// fall is by how much the worst of the four figures fell.
func fall(a, b [2]correlate.Score) float64 {
	worst := 0.0
	for i := range a {
		worst = max(worst, a[i].F1-b[i].F1, a[i].B3-b[i].B3)
	}
	return worst
}

// lateSeeds are how often the arrival is shuffled.
var lateSeeds = []uint64{1, 2, 3, 4, 5}

// TestCorrelationThroughStore runs the correlation benchmark the way that alerts
// take in production. C02 and C03: what belongs together joins, whatever the
// source; what does not stays apart.
func TestCorrelationThroughStore(t *testing.T) {
	l := readLabelled(t, benchmarkFile(t))
	w, placed := l.group(t, 1)
	w.sound(t)
	attack, all := l.scores(placed)
	t.Logf("attack %v\nall    %v", attack, all)
	if attack.F1 < 0.85 || attack.B3 < 0.90 || all.F1 < 0.75 {
		t.Errorf("want at least attack F1 0.85 and B3 0.90, all F1 0.75")
	}
	for _, seed := range lateSeeds[:3] {
		m := l.late(seed, time.Hour)
		_, placed := m.group(t, 100)
		a, b := m.scores(placed)
		f := fall([2]correlate.Score{attack, all}, [2]correlate.Score{a, b})
		t.Logf("late, seed %d: attack F1 %.3f B3 %.3f, all F1 %.3f B3 %.3f, fall %.3f", seed, a.F1, a.B3, b.F1, b.B3, f)
		if f > 0.03 {
			t.Errorf("seed %d: alerts that arrive up to an hour late make it worse by %.3f", seed, f)
		}
	}
}

// TestScoreFile is `make score-correlation ALERTS=FILE`.
func TestScoreFile(t *testing.T) {
	path := os.Getenv("CORRELATION_ALERTS")
	if path == "" {
		t.Skip("CORRELATION_ALERTS names no file")
	}
	l := readLabelled(t, path)
	w, placed := l.group(t, 1)
	attack, all := l.scores(placed)
	fmt.Printf("attack  %v\nall     %v\n", attack, all)
	if os.Getenv("CORRELATION_VERBOSE") != "" {
		l.explain(t, w, placed)
	}
	worst := 0.0
	for _, seed := range lateSeeds {
		m := l.late(seed, time.Hour)
		_, placed := m.group(t, 1)
		a, b := m.scores(placed)
		f := fall([2]correlate.Score{attack, all}, [2]correlate.Score{a, b})
		worst = max(worst, f)
		fmt.Printf("up to an hour late, seed %d: attack F1 %.3f (%+.3f) B3 %.3f (%+.3f)  all F1 %.3f (%+.3f) B3 %.3f (%+.3f)\n", seed,
			a.F1, a.F1-attack.F1, a.B3, a.B3-attack.B3, b.F1, b.F1-all.F1, b.B3, b.B3-all.B3)
	}
	fmt.Printf("worst fall %.3f\n", worst)
	if worst > 0.03 {
		t.Errorf("late alerts cost %.3f, more than 0.03", worst)
	}
}

// mistake is one story that was torn, or two that were joined.
type mistake struct {
	pairs int // of alerts, that are wrong by it
	text  string
}

// explain prints the five mistakes that cost most pairs, with the links.
func (l labelled) explain(t testing.TB, w *world, placed []int64) {
	type cell struct {
		truth  string
		placed int64
	}
	cells := map[cell][]int{}
	of := map[string]map[int64]int{}
	in := map[int64]map[string]int{}
	for i, truth := range l.truths {
		cells[cell{truth, placed[i]}] = append(cells[cell{truth, placed[i]}], i)
		if of[truth] == nil {
			of[truth] = map[int64]int{}
		}
		if in[placed[i]] == nil {
			in[placed[i]] = map[string]int{}
		}
		of[truth][placed[i]]++
		in[placed[i]][truth]++
	}
	var all []mistake
	for truth, ids := range of {
		m := mistake{text: fmt.Sprintf("TORN %s:", truth)}
		for _, a := range slices.Sorted(maps.Keys(ids)) {
			m.text += fmt.Sprintf("\n    incident %d has %d", a, ids[a])
			x := l.alerts[cells[cell{truth, a}][0]]
			m.text += fmt.Sprintf(", first %s %q %s %s", x.ID, x.Title, x.FirstActivity.Format("02 15:04"), strings.Join(things(&x), ", "))
			for b, n := range ids {
				if b < a {
					m.pairs += n * ids[a]
				}
			}
		}
		all = append(all, m)
	}
	stored := w.whereAll(t)
	truthOf := map[string]string{}
	for id, a := range stored {
		i := slices.IndexFunc(l.alerts, func(x tocsin.Alert) bool { return x.ExternalID == a.ExternalID })
		truthOf[id] = l.truths[i]
	}
	for id, truths := range in {
		m := mistake{text: fmt.Sprintf("JOINED in incident %d:", id)}
		for _, a := range slices.Sorted(maps.Keys(truths)) {
			m.text += fmt.Sprintf("\n    %d of %s", truths[a], a)
			for b, n := range truths {
				if b < a {
					m.pairs += n * truths[a]
				}
			}
		}
		shown := 0
		for _, at := range slices.Sorted(maps.Keys(stored)) {
			a := stored[at]
			for _, link := range a.Links {
				if a.IncidentID == id && truthOf[a.ID] != truthOf[link.ToAlertID] {
					if shown++; shown > 4 {
						continue
					}
					m.text += fmt.Sprintf("\n      link %s: %q (%s) to %q (%s) %.2f: %s", a.ExternalID, a.Title, truthOf[a.ID], link.ToAlertTitle, truthOf[link.ToAlertID], link.Strength, link.Sentence)
				}
			}
		}
		if shown > 4 {
			m.text += fmt.Sprintf("\n      and %d more such links", shown-4)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b mistake) int { return cmp.Or(b.pairs-a.pairs, strings.Compare(a.text, b.text)) })
	fmt.Println("The mistakes that cost most:")
	for _, m := range all[:min(5, len(all))] {
		fmt.Printf("%d pairs: %s\n", m.pairs, m.text)
	}
}

func things(a *tocsin.Alert) (out []string) {
	for i := range a.Evidence {
		out = append(out, a.Evidence[i].Name())
	}
	return out
}
