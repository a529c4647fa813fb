package cases

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
)

// TestStoreCorrelatesAsReplayDoes takes the alerts of the correlation benchmark
// and compares where they end with what correlate says of the same alerts held
// in memory: looking candidates up in the store must lose nothing. (A candidate
// lost early can move a group or two, hence the slack.)
func TestStoreCorrelatesAsReplayDoes(t *testing.T) {
	dir := os.Getenv("TOCSIN_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "conformance", "correlation", "alerts.jsonl"))
	if err != nil {
		t.Skipf("the shared reference data is not here (%v); set TOCSIN_SHARED to its folder", err)
	}
	defer f.Close()
	alerts, err := correlate.ReadBenchmark(f)
	if err != nil {
		t.Fatal(err)
	}
	for i := range alerts {
		if alerts[i].Source == "" {
			alerts[i].Source, alerts[i].ExternalID = "benchmark", fmt.Sprint(i)
		}
	}
	w := newWorld(t)
	w.accept(t, alerts...)
	p, err := w.Alerts(anna(t), tocsin.Query{Top: 1000})
	if err != nil {
		t.Fatal(err)
	}
	q, err := w.Alerts(anna(t), tocsin.Query{Top: 1000, Skip: 1000})
	if err != nil {
		t.Fatal(err)
	}
	where := map[string]int64{}
	for _, a := range append(p.Alerts, q.Alerts...) {
		where[a.ExternalID] = a.IncidentID
	}
	// Pairs that both put together, over pairs that either does.
	both, either := 0, 0
	replay := correlate.Replay(alerts, correlate.DefaultPolicy())
	for i := range alerts {
		for j := range i {
			a := where[alerts[i].ExternalID] == where[alerts[j].ExternalID]
			b := replay[i].IncidentID == replay[j].IncidentID
			if a && b {
				both++
			}
			if a || b {
				either++
			}
		}
	}
	share := float64(both) / float64(either)
	t.Logf("%d alerts, %d pairs, %.4f of them alike", len(alerts), either, share)
	if len(where) != len(alerts) || share < 0.95 {
		t.Errorf("of %d pairs in one incident only %.4f are so both in the store and in memory", either, share)
	}
	w.sound(t)
}
