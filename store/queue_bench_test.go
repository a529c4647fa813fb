package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// BenchmarkQueueMillion measures the queue at a million incidents (or as many as
// TOCSIN_BENCH_INCIDENTS says) beside hand-written SQL on the same file: a page
// of 50 with three filters sorted by score, the counts of all facets, and search.
// TOCSIN_BENCH_DIR keeps the file between runs. Figures are the 50th and the
// 99th of a hundred runs, in microseconds.
func BenchmarkQueueMillion(b *testing.B) {
	n := 1_000_000
	if v := os.Getenv("TOCSIN_BENCH_INCIDENTS"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	s := queueStore(b, n)
	begun := time.Now()
	for s.indexes.of("a") == nil || !made(s.indexes.of("a")) {
		if err := s.View(as(b.Context(), "a"), func(tx *Tx) error { tx.index(); return nil }); err != nil {
			b.Fatal(err)
		}
		if ti := s.indexes.of("a"); ti != nil {
			<-ti.done
		}
	}
	b.Logf("index of %d incidents made in %v", n, time.Since(begun).Round(time.Millisecond))
	three := tocsin.And{tocsin.In{Field: "status", Values: []any{"active", "inProgress"}}, tocsin.In{Field: "severity", Values: []any{"high", "medium"}},
		tocsin.Compare{Field: "assignedTo", Op: tocsin.Eq, Value: ""}}
	byScore := []tocsin.Order{{Field: "priorityScore", Desc: true}}
	page := tocsin.Query{Filter: three, OrderBy: byScore}
	rare := tocsin.Query{Filter: tocsin.And{three[0], tocsin.Any{Field: "customTags", Op: tocsin.Eq, Value: "tag7"}, tocsin.Compare{Field: "assignedTo", Op: tocsin.Eq, Value: "user7"}}, OrderBy: byScore}
	week := tocsin.Query{Filter: tocsin.And{three, tocsin.Compare{Field: "createdDateTime", Op: tocsin.Ge, Value: noon.Add(time.Duration(n-10_080) * time.Minute)}}, OrderBy: byScore, Count: true}
	properties := []string{"status", "severity", "assignedTo", "classification", "serviceSources", "categories", "customTags"}
	incidents := func(q tocsin.Query) func(tx *Tx) (int, error) {
		return func(tx *Tx) (int, error) {
			out, _, _, err := tx.Incidents(q)
			return len(out), err
		}
	}
	facets := func(q tocsin.Query) func(tx *Tx) (int, error) {
		return func(tx *Tx) (int, error) {
			out, err := tx.Facets(q, properties)
			return len(out), err
		}
	}
	hand := func(where, index string) func(tx *Tx) (int, error) {
		return func(tx *Tx) (int, error) { return byHand(tx, where, index) }
	}
	open := `i.status IN ('active', 'inProgress') AND i.severity IN (3, 4) AND i.assigned_to = ''`
	for _, c := range []struct {
		name string
		run  func(tx *Tx) (int, error)
	}{
		{"page/by hand", hand(open, "bench_priority")},
		{"page/tocsin", incidents(page)},
		{"rare/by hand", hand(`i.status IN ('active', 'inProgress') AND i.assigned_to = 'user7' AND EXISTS (SELECT 1 FROM incident_label AS l
			WHERE l.tenant = $1 AND l.incident_id = i.id AND l.kind = 'customTags' AND l.value = 'tag7')`, "bench_priority")},
		{"rare/tocsin", incidents(rare)},
		{"week counted/tocsin", incidents(week)},
		{"facets/of three filters", facets(page)},
		{"facets/of all", facets(tocsin.Query{})},
		{"search/host", incidents(tocsin.Query{Search: "host-4711.corp", OrderBy: byScore, Count: true})},
		{"search/in most", incidents(tocsin.Query{Search: "corp", OrderBy: byScore, Count: true})},
		{"search/in some, three filters", incidents(tocsin.Query{Search: "host-47", Filter: three, OrderBy: byScore, Count: true})},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			rows := 0
			for range 100 {
				start := time.Now()
				if err := s.View(as(b.Context(), "a"), func(tx *Tx) (err error) { rows, err = c.run(tx); return err }); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			for b.Loop() {
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[49].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[98].Microseconds()), "p99-µs")
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func made(ti *tenantIndex) bool {
	select {
	case <-ti.done:
		return true
	default:
		return false
	}
}

// byHand is the query that a person would write for this one page, with an
// index made for it, and the incidents read.
func byHand(tx *Tx, where, index string) (int, error) {
	n := 0
	rows, err := tx.query(`SELECT body.body FROM (SELECT i.id, i.priority FROM incident AS i INDEXED BY ` + index + ` WHERE i.tenant = $1 AND ` + where + `
		ORDER BY i.priority DESC, i.id DESC LIMIT 50) AS p JOIN incident_body AS body ON body.tenant = $1 AND body.id = p.id ORDER BY p.priority DESC, p.id DESC`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		n++
		var inc tocsin.Incident
		return json.Unmarshal(body, &inc)
	})
	return n, err
}

// queueStore is a store with n incidents in the queue of tenant a.
func queueStore(b *testing.B, n int) *Store {
	dir := os.Getenv("TOCSIN_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("queue-%d.db", n))
	if _, err := os.Stat(path); err == nil {
		return open(b, path)
	}
	s := open(b, path)
	typical := tocsin.Incident{Tenant: "a", Version: 3, DisplayName: "Multi-stage incident involving Execution and Lateral movement on one endpoint", Severity: tocsin.SeverityHigh,
		Status: tocsin.IncidentActive, Classification: tocsin.ClassUnknown, Determination: tocsin.DetUnknown, Created: noon, LastUpdate: noon, FirstActivity: noon, LastActivity: noon,
		AlertCount: 7, ActiveAlerts: 5, Categories: tocsin.Tactics()[2:6], Techniques: []string{"T1059.001", "T1021.002", "T1003"},
		ServiceSources: tocsin.ServiceSources[1:3], CustomTags: []string{"tag7"}}
	scoring := tocsin.DefaultScoring()
	typical.Score, typical.Factors = typical.Priority(&scoring, nil, noon)
	body, err := json.Marshal(typical)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO incident (tenant, id, version, display_name, severity, status, assigned_to, classification, determination, redirect_id, created, last_update, first_activity, last_activity, alert_count, active_alerts, priority)
			SELECT 'a', n, 1, 'Incident of kind ' || (n % 977), n / 3 % 5, CASE n / 7 % 10 WHEN 0 THEN 'active' WHEN 1 THEN 'inProgress' ELSE 'resolved' END,
			CASE n % 3 WHEN 0 THEN '' ELSE 'user' || (n % 20) END, 'unknown', 'unknown', 0, $2 + n * 60000000, $2 + (n * 7919 % $3) * 60000000, 0, 0, n % 30, 1, n * 7919 % 101 FROM seq`,
		`INSERT INTO incident_body SELECT 'a', n, json_set($2, '$.id', n) FROM seq WHERE $3 > 0`,
		`INSERT INTO incident_label SELECT 'a', n, 'categories', 'category' || (n % 14) FROM seq WHERE $2 <> '' AND $3 > 0`,
		`INSERT INTO incident_label SELECT 'a', n, 'customTags', 'tag' || (n % 300) FROM seq WHERE $2 <> '' AND $3 > 0`,
		`INSERT INTO incident_label SELECT 'a', n, 'serviceSources', 'source' || (n % 6) FROM seq WHERE $2 <> '' AND $3 > 0`,
		`INSERT INTO name SELECT 'a', n, 'host-' || n || '.corp.example' FROM seq WHERE $2 <> '' AND $3 > 0`,
		`INSERT INTO incident_name SELECT 'a', n, 'part', n FROM seq WHERE $2 <> '' AND $3 > 0`,
		`INSERT INTO incident_name SELECT 'a', n, 'part', 1 + (n * 31 % $3) FROM seq WHERE n > 0 AND $2 <> '' ON CONFLICT DO NOTHING`,
	} {
		var second any = string(body)
		if q[:40] == `INSERT INTO incident (tenant, id, version`[:40] {
			second = noon.UnixMicro()
		}
		if _, err := s.w.Exec(rebind(`WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < $3) `+q), "a", second, n); err != nil {
			b.Fatalf("%s: %v", q, err)
		}
	}
	if _, err := s.w.Exec(`CREATE INDEX bench_priority ON incident (tenant, priority, id, status, severity, assigned_to)`); err != nil {
		b.Fatal(err)
	}
	if err := s.Optimize(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}
