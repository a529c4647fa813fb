package cases

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// company is what happens at a company of 500 devices and 400 people: three
// rules in four are common ones, activity moves on by a few seconds an alert.
type company struct {
	r    *rand.Rand
	seed uint64
	n    int
	at   time.Time
}

func newCompany(seed uint64, at time.Time) *company {
	return &company{r: rand.New(rand.NewPCG(seed, 1)), seed: seed, at: at}
}

// next is its next alert.
func (c *company) next() tocsin.Alert {
	r, i := c.r, c.n
	c.n++
	c.at = c.at.Add(time.Duration(r.IntN(20_000)) * time.Millisecond)
	host := fmt.Sprintf("ws-%03d.corp.example", r.IntN(500))
	ev := []tocsin.Evidence{device(host), user(fmt.Sprintf("user%03d@corp.example", r.IntN(400))),
		process(host, fmt.Sprintf("{%d-%d}", c.seed, i), "powershell.exe"),
		{Type: tocsin.EvIP, Props: map[string]any{"ipAddress": fmt.Sprintf("10.0.%d.%d", r.IntN(4), r.IntN(250))}},
		{Type: tocsin.EvFile, Device: host, Props: map[string]any{"fileDetails": map[string]any{
			"fileName": "tool.exe", "sha256": fmt.Sprintf("%064x", r.IntN(3000)+1)}}}}
	rule := r.IntN(40)
	if r.IntN(4) > 0 {
		rule = r.IntN(8)
	}
	a := alert(fmt.Sprintf("x%d-%d", c.seed, i), fmt.Sprintf("Rule number %d", rule), c.at, ev...)
	a.DetectorID, a.DeliveryID = fmt.Sprintf("r%d", rule), fmt.Sprintf("d%d-%d", c.seed, i)
	a.Category = tocsin.Tactics()[rule%14]
	a.Severity = tocsin.Severities[1+rule%4]
	return a
}

// traffic is n alerts of the company.
func traffic(n int, seed uint64) []tocsin.Alert {
	c := newCompany(seed, day.Add(-24*time.Hour))
	out := make([]tocsin.Alert, n)
	for i := range out {
		out[i] = c.next()
	}
	return out
}

// BenchmarkAccept takes alerts in one call, as an import does; alerts/s is the
// figure to read.
func BenchmarkAccept(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w, in := newWorld(b), traffic(n, 1)
				b.StartTimer()
				was := cpu(b)
				w.accept(b, in...)
				b.ReportMetric(float64((cpu(b)-was).Microseconds())/float64(n), "cpu-µs/alert")
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}

// BenchmarkAcceptOne takes alerts one by one, each durable by itself.
func BenchmarkAcceptOne(b *testing.B) {
	w := newWorld(b)
	in := traffic(20_000, 1)
	w.accept(b, in[:2000]...)
	i := 2000
	for b.Loop() {
		w.accept(b, in[i%len(in)])
		i++
	}
}

// BenchmarkAcceptBigIncident takes 5,000 alerts of one process: one incident.
func BenchmarkAcceptBigIncident(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		p := correlate.DefaultPolicy()
		p.MaxAlerts = 1 << 30
		w := newWorld(b)
		w.Cases = New(w.st, p)
		var in []tocsin.Alert
		for i := range 5000 {
			in = append(in, alert(fmt.Sprint(i), fmt.Sprintf("Rule %d", i%50), day.Add(time.Duration(i)*time.Second),
				device("one.corp.example"), process("one.corp.example", "{77}", "powershell.exe"), user(fmt.Sprintf("u%d@corp.example", i%300))))
		}
		b.StartTimer()
		got := w.accept(b, in...)
		if got[4999].IncidentID != got[0].IncidentID {
			b.Fatal("not one incident")
		}
	}
	b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}

// BenchmarkQueue reads pages of 50 of a queue of a few thousand incidents.
func BenchmarkQueue(b *testing.B) {
	w := newWorld(b)
	w.accept(b, traffic(10_000, 1)...)
	p, err := w.Incidents(anna(b), tocsin.Query{Count: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d incidents", p.Total)
	for _, c := range []struct {
		name string
		q    tocsin.Query
	}{
		{"newest", tocsin.Query{Top: 50}},
		{"filtered", tocsin.Query{Top: 50, Filter: tocsin.And{tocsin.Compare{Field: "status", Op: tocsin.Ne, Value: "resolved"},
			tocsin.In{Field: "severity", Values: []any{"high", "medium"}}}, OrderBy: []tocsin.Order{{Field: "severity", Desc: true}}}},
		{"search", tocsin.Query{Top: 50, Search: "ws-042"}},
		{"counted", tocsin.Query{Top: 50, Count: true}},
		{"page 20", tocsin.Query{Top: 50, Skip: 950}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Incidents(anna(b), c.q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	_ = store.MaxTop
}
