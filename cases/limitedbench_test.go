package cases

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// BenchmarkLimitedQueue reads the first page of a queue of 100,000 incidents in
// the name of somebody who is limited to one of ten device groups, with one
// incident in fifty that concerns two groups: as the queue opens, sorted by what
// is counted from alerts, and searched; and for comparison without the limit.
func BenchmarkLimitedQueue(b *testing.B) {
	const incidents, groups = 100_000, 10
	w := newWorld(b)
	ctx := engine(b)
	var ids []int64
	for g := range groups {
		made, err := w.CreateDeviceGroup(ctx, tocsin.DeviceGroup{Name: fmt.Sprint("group ", g), Rule: nameRule(tocsin.DeviceStartsWith, fmt.Sprintf("g%d-", g))})
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, made.ID)
	}
	for from := 0; from < incidents; from += 1000 {
		var alerts []tocsin.Alert
		for i := from; i < from+1000; i++ {
			evidence := []tocsin.Evidence{device(fmt.Sprintf("g%d-%d.example", i%groups, i))}
			if i%50 == 0 {
				evidence = append(evidence, device(fmt.Sprintf("g%d-%d-b.example", (i+1)%groups, i)))
			}
			at := day.Add(time.Duration(i) * time.Minute)
			alerts = append(alerts, tocsin.Alert{Source: "s", ExternalID: fmt.Sprint(i), Title: fmt.Sprintf("Alert %d", i%40), Severity: tocsin.SeverityMedium,
				ServiceSource: tocsin.SourceEndpoint, Category: "Execution", DetectorID: fmt.Sprint(i), FirstActivity: at, LastActivity: at, Evidence: evidence})
		}
		if _, err := w.Accept(ctx, alerts); err != nil {
			b.Fatal(err)
		}
	}
	everybody := anna(b)
	p, _ := tocsin.PrincipalFrom(everybody)
	p.Groups = ids[:1]
	limited := tocsin.WithPrincipal(b.Context(), p)
	for _, q := range []struct {
		name string
		q    tocsin.Query
	}{
		{"open", tocsin.Query{Top: 50, Filter: tocsin.Compare{Field: "status", Op: tocsin.Eq, Value: "active"}}},
		{"severity+total", tocsin.Query{Top: 50, Count: true, Filter: tocsin.Compare{Field: "severity", Op: tocsin.Ge, Value: "low"}}},
		{"priority", tocsin.Query{Top: 50, OrderBy: []tocsin.Order{{Field: "priorityScore", Desc: true}}}},
		{"search", tocsin.Query{Top: 50, Search: "g0-777"}},
	} {
		b.Run(q.name+"/limited", func(b *testing.B) {
			for b.Loop() {
				if page, err := w.Incidents(limited, q.q); err != nil || len(page.Incidents) == 0 {
					b.Fatal(len(page.Incidents), err)
				}
			}
		})
		b.Run(q.name+"/everybody", func(b *testing.B) {
			for b.Loop() {
				if page, err := w.Incidents(everybody, q.q); err != nil || len(page.Incidents) == 0 {
					b.Fatal(len(page.Incidents), err)
				}
			}
		})
	}
}
