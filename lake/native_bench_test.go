package lake

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// BenchmarkText filters a column by a word in Go, and beside it as DuckDB does
// by itself: a search in the lowered text, ILIKE, a regular expression. Columns: long texts
// that hardly repeat, and names of which there are few.
func BenchmarkText(b *testing.B) {
	n := benchRows(b)
	l, err := Open(context.Background(), Config{Dir: b.TempDir(), Threads: 2})
	must0(b, err)
	b.Cleanup(func() { l.Close() })
	conn, err := l.db.Conn(context.Background())
	must0(b, err)
	defer conn.Close()
	must0(b, run(conn, fmt.Sprintf(`CREATE TABLE texts AS SELECT
		'"C:\Program Files\Vendor\Suite\Application\tool' || i %% 64 || '.exe" --type=renderer --lang=en-GB -NoProfile -ExecutionPolicy Bypass --field-trial-handle=1718,i,' || hash(i) || ' --enable-features=NetworkService /prefetch:' || i %% 9 AS long,
		'tool number ' || (hash(i) %% 64) || '.exe' AS few, ('t' || (hash(i) %% 64)) AS short FROM range(%d) r(i)`, n)))
	must0(b, run(conn, "CHECKPOINT lake"))
	site := func(word string) *sqlgen.Site {
		lower, upper := []byte(strings.ToLower(word)), []byte(strings.ToUpper(word))
		return &sqlgen.Site{Shape: "b_s", Text: func(text []byte) bool { return containsFold(text, lower, upper) }}
	}
	for _, c := range []struct{ column, word string }{{"long", "12345"}, {"long", "executionpolicy"}, {"few", "number 12"}, {"short", "t12"}, {"filtered", "number 12"}} {
		where := ""
		if c.column == "filtered" {
			// Rows that another condition has picked; few of them in each vector.
			c.column, where = "few", "length(long) % 10 < 5 AND "
		}
		for _, way := range []string{"go", "lower", "ilike", "regexp"} {
			pred := map[string]string{"go": "kql_b_s($1, " + c.column + ")", "lower": "contains(lower(" + c.column + "), '" + c.word + "')",
				"ilike": c.column + " ILIKE '%" + c.word + "%'", "regexp": "regexp_matches(" + c.column + ", '" + c.word + "', 'i')"}[way]
			b.Run(c.column+where[:min(len(where), 6)]+"/"+strings.ReplaceAll(c.word, " ", "_")+"/"+way, func(b *testing.B) {
				for b.Loop() {
					_, cpu := rate(n, func() {
						_, err := natively(b, l, "SELECT count(*) FROM texts WHERE "+where+pred, site(c.word))
						must0(b, err)
					})
					b.ReportMetric(cpu*1e3, "cpu-ns/row")
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(n), "ns/row")
			})
		}
	}
}

// containsFold is what a predicate of the language does at its fastest: it
// looks for either case of a first byte and compares from there.
func containsFold(text, lower, upper []byte) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], lower[0])
		if upper[0] != lower[0] {
			if j := bytes.IndexByte(text[at:], upper[0]); j >= 0 && (i < 0 || j < i) {
				i = j
			}
		}
		if i < 0 || at+i+len(lower) > len(text) {
			return false
		}
		at += i
		k := 0
		for k < len(lower) && (text[at+k] == lower[k] || text[at+k] == upper[k]) {
			k++
		}
		if k == len(lower) {
			return true
		}
	}
}
