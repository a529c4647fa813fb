package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// BenchmarkQueue reads pages of 50 of a queue of 100,000 incidents with four
// labels and three names each.
func BenchmarkQueue(b *testing.B) {
	s := newStore(b)
	const n = 100_000
	for _, q := range []string{
		`INSERT INTO incident SELECT 'a', n, 1, 'Incident of kind ' || (n %% 977), n %% 5, CASE n %% 4 WHEN 0 THEN 'active' WHEN 1 THEN 'inProgress' ELSE 'resolved' END,
			CASE n %% 3 WHEN 0 THEN '' ELSE 'user' || (n %% 20) END, 'unknown', 'unknown', 0, %[2]d + n * 60000000, %[2]d + (n * 7919 %% %[1]d) * 60000000, 0, 0, n %% 30, 1 FROM seq`,
		`INSERT INTO incident_body SELECT 'a', n, json_object('id', n, 'displayName', 'Incident of kind ' || (n %% 977), 'pad', printf('%%.1200c', 'x')) FROM seq`,
		`INSERT INTO incident_label SELECT 'a', n, 'categories', 'category' || (n %% 14) FROM seq`,
		`INSERT INTO incident_label SELECT 'a', n, 'customTags', 'tag' || (n %% 300) FROM seq`,
		`INSERT INTO incident_label SELECT 'a', n, 'serviceSources', 'source' || (n %% 6) FROM seq`,
		`INSERT INTO name SELECT 'a', n, 'host-' || n || '.corp.example' FROM seq`,
		`INSERT INTO incident_name SELECT 'a', n, 'part', n FROM seq`,
		`INSERT INTO incident_name SELECT 'a', n, 'part', 1 + (n * 31 %% %[1]d) FROM seq WHERE n > 0 ON CONFLICT DO NOTHING`,
	} {
		q = fmt.Sprintf(`WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < %[1]d) `+q, n, noon.UnixMicro())
		if _, err := s.w.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Optimize(b.Context()); err != nil {
		b.Fatal(err)
	}
	eq := func(f string, v any) tocsin.Filter { return tocsin.Compare{Field: f, Op: tocsin.Eq, Value: v} }
	open := tocsin.Or{eq("status", "active"), eq("status", "inProgress")}
	updated := []tocsin.Order{{Field: "lastUpdateDateTime", Desc: true}}
	for _, c := range []struct {
		name string
		q    tocsin.Query
	}{
		{"newest", tocsin.Query{}},
		{"open by update", tocsin.Query{Filter: open, OrderBy: updated}},
		{"open by severity", tocsin.Query{Filter: open, OrderBy: append([]tocsin.Order{{Field: "severity", Desc: true}}, updated...)}},
		{"open, severe, mine, tagged", tocsin.Query{Filter: tocsin.And{open, tocsin.In{Field: "severity", Values: []any{"high", "medium"}},
			eq("assignedTo", "user7"), tocsin.Any{Field: "customTags", Op: tocsin.Eq, Value: "tag7"}}, OrderBy: updated}},
		{"changed since", tocsin.Query{Filter: tocsin.Compare{Field: "lastUpdateDateTime", Op: tocsin.Ge, Value: noon.Add((n - 5000) * time.Minute)}, OrderBy: updated}},
		{"search host", tocsin.Query{Search: "host-4711.corp", OrderBy: updated}},
		{"search in most", tocsin.Query{Search: "corp", OrderBy: updated}},
		{"open, counted", tocsin.Query{Filter: open, OrderBy: updated, Count: true}},
		{"page 200", tocsin.Query{OrderBy: updated, Skip: 10_000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				err := s.View(as(b.Context(), "a"), func(tx *Tx) error { _, _, _, err := tx.Incidents(c.q); return err })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
