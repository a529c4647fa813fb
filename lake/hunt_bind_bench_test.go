package lake

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin/kql"
)

// BenchmarkBindCorpus reads and binds hunting queries that people published and
// tells the median and the 95th percentile of the time for one, of those that
// bind: text to plan, catalog included, nothing run.
func BenchmarkBindCorpus(b *testing.B) {
	l := conformanceLake(b)
	ctx := analyst(context.Background())
	var queries []string
	for _, c := range readCases(b, sharedFile(b, "conformance/kql/corpus.json")) {
		_, err := l.CheckHunt(ctx, c.Query, conformanceOptions)
		if d := (*kql.Diagnostics)(nil); !errors.As(err, &d) {
			queries = append(queries, c.Query)
		}
	}
	best := make([]time.Duration, len(queries))
	for b.Loop() {
		for i, q := range queries {
			start := time.Now()
			if _, err := l.CheckHunt(ctx, q, conformanceOptions); err != nil {
				b.Fatal(err)
			}
			if took := time.Since(start); best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	slices.Sort(best)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(best[len(best)/2])/1e3, "µs/median")
	b.ReportMetric(float64(best[len(best)*95/100])/1e3, "µs/p95")
	b.ReportMetric(float64(len(queries)), "queries")
}
