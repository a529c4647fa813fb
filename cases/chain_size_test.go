package cases

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// A large incident is explained in pages and split within seconds. With
// TOCSIN_LARGE set it has as many alerts as an incident may have to be split.
func TestChainOfLargeIncident(t *testing.T) {
	n := 2000
	if os.Getenv("TOCSIN_LARGE") != "" {
		n = tocsin.MaxSplit // 8 seconds, most of them for taking the alerts in
	}
	w := newWorld(t)
	var all []tocsin.Alert
	for i := range n {
		// All of one process on one device: evidence that joins at any size.
		all = append(all, alert(fmt.Sprint(i), "Step", day.Add(time.Duration(i)*time.Second), device("h1"), process("h1", "g1", "a.exe")))
	}
	w.accept(t, all...)
	open := w.open(t)
	if len(open) != 1 {
		t.Fatalf("%d incidents", len(open))
	}
	began := time.Now()
	c := w.chain(t, open[0], ChainQuery{Top: 200})
	took := time.Since(began)
	t.Logf("%d alerts, %d links: a page in %v", n, c.Links, took)
	if len(c.Steps) != 200 || !c.More || c.Parts != 1 || c.Weakest == nil || took > 10*time.Second {
		t.Errorf("%d steps, %d parts, %v", len(c.Steps), c.Parts, took)
	}
	began = time.Now()
	to, done, err := w.Split(anna(t), open[0], Split{FromAlert: c.Weakest.From.ID, ToAlert: c.Weakest.To.ID})
	w.do(t, err)
	if kept, gone := w.chain(t, open[0], ChainQuery{Top: 1}).Incident.AlertCount, w.chain(t, to, ChainQuery{Top: 1}).Incident.AlertCount; kept+gone != n || gone != len(done.Alerts) {
		t.Errorf("%d and %d of %d", kept, gone, n)
	}
	t.Logf("split off %d alerts in %v", len(done.Alerts), time.Since(began))
}
