package lake

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/tocsinhq/tocsin/kql"
)

// huntBench is one question in the languages of the engines that answer it.
type huntBench struct{ name, kql, duckdb string }

func huntBenches(tb testing.TB) []huntBench {
	tb.Helper()
	ar, err := txtar.ParseFile("testdata/hunt_bench.txtar")
	must0(tb, err)
	var out []huntBench
	only := os.Getenv("TOCSIN_BENCH_ONLY")
	for _, f := range ar.Files {
		name, language, _ := strings.Cut(f.Name, "/")
		if only != "" && !strings.Contains(name, only) {
			continue
		}
		if len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, huntBench{name: name})
		}
		q := &out[len(out)-1]
		switch language {
		case "kql":
			q.kql = string(f.Data)
		case "duckdb":
			q.duckdb = string(f.Data)
		}
	}
	return out
}

func benchThreads(tb testing.TB) int {
	if s := os.Getenv("TOCSIN_BENCH_THREADS"); s != "" {
		n, err := strconv.Atoi(s)
		must0(tb, err)
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// benchSink takes rows and, when it is to compare, adds up what they hold
// without regard to their order.
type benchSink struct {
	rows    int
	compare bool
	seed    maphash.Seed
	sum     uint64
	sample  string
}

func (s *benchSink) Table(HuntTable) error { return nil }

func (s *benchSink) Row(row []kql.Value) error {
	s.rows++
	if !s.compare {
		return nil
	}
	cells := make([]string, len(row))
	for i, v := range row {
		switch {
		case v.IsNull():
		case v.Type() == kql.Real:
			cells[i] = strconv.FormatFloat(v.Real(), 'g', 9, 64)
		case v.Type() == kql.DateTime:
			cells[i] = strconv.FormatInt((v.Int()-kql.UnixEpochTicks)/kql.TicksPerMicrosecond, 10)
		case v.Type() == kql.TimeSpan:
			cells[i] = strconv.FormatInt(v.Int()/kql.TicksPerMicrosecond, 10)
		default:
			cells[i] = kql.TextOf(v)
		}
	}
	s.add(cells)
	return nil
}

func (s *benchSink) add(cells []string) {
	line := strings.Join(cells, "\x00")
	s.sum += maphash.String(s.seed, line)
	if s.sample == "" || line < s.sample {
		s.sample = line
	}
}

// raw reads all rows of a query in SQL through database/sql.
func (s *benchSink) raw(db *sql.DB, query string) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		s.rows++
		if !s.compare {
			continue
		}
		cells := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case float64:
				cells[i] = strconv.FormatFloat(v, 'g', 9, 64)
			case time.Time:
				cells[i] = strconv.FormatInt(v.UnixMicro(), 10)
			case bool:
				cells[i] = map[bool]string{true: "True", false: "False"}[v]
			default:
				cells[i] = fmt.Sprint(v)
			}
		}
		s.add(cells)
	}
	return rows.Err()
}

// BenchmarkHunt asks every question both ways, in turn, on one open file: from
// the text to the last row. The ratio is that of the medians.
func BenchmarkHunt(b *testing.B) {
	n := 50_000
	if os.Getenv("TOCSIN_BENCH_ROWS") != "" {
		n = benchRows(b)
	}
	rounds := 5
	if s := os.Getenv("TOCSIN_BENCH_ROUNDS"); s != "" {
		var err error
		rounds, err = strconv.Atoi(s)
		must0(b, err)
	}
	l := benchLake(b, n)
	ctx := analyst(context.Background())
	opts := HuntOptions{AllTime: true, MaxRows: 1 << 40, MaxBytes: 1 << 50}
	hunt := func(q huntBench, s *benchSink) HuntStats {
		stats, err := l.Hunt(ctx, q.kql, opts, s)
		if err != nil {
			b.Fatalf("%s: %v\n%s", q.name, err, q.kql)
		}
		return stats
	}
	raw := func(q huntBench, s *benchSink) {
		if err := s.raw(l.db, q.duckdb); err != nil {
			b.Fatalf("%s: %v\n%s", q.name, err, q.duckdb)
		}
	}
	// Not b.Logf, which cuts long logs of benchmarks off.
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	for b.Loop() {
		var logs float64
		var worst float64
		var table strings.Builder
		queries := huntBenches(b)
		say("%d rows in each table, %d threads, medians of %d rounds in turn", n, benchThreads(b), rounds)
		say("%-28s %9s %9s %9s %6s %6s", "question", "rows", "ours ms", "SQL ms", "ratio", "least")
		for _, q := range queries {
			seed := maphash.MakeSeed()
			mine, theirs := benchSink{compare: true, seed: seed}, benchSink{compare: true, seed: seed}
			hunt(q, &mine)
			raw(q, &theirs)
			if mine.rows != theirs.rows || mine.sum != theirs.sum || mine.rows == 0 && n >= 1_000_000 {
				b.Errorf("%s: %d rows and %d in SQL, first %q and %q", q.name, mine.rows, theirs.rows, mine.sample, theirs.sample)
			}
			var ours, others []float64
			for range rounds {
				start := time.Now()
				hunt(q, &benchSink{})
				ours = append(ours, time.Since(start).Seconds()*1e3)
				start = time.Now()
				raw(q, &benchSink{})
				others = append(others, time.Since(start).Seconds()*1e3)
			}
			slices.Sort(ours)
			slices.Sort(others)
			ratio := ours[rounds/2] / others[rounds/2]
			fmt.Fprintf(&table, "%s\t%d\t%.3f\t%.3f\n", q.name, mine.rows, ours[rounds/2], others[rounds/2])
			logs += math.Log(ratio)
			worst = max(worst, ratio)
			say("%-28s %9d %9.1f %9.1f %6.2f %6.2f", q.name, mine.rows, ours[rounds/2], others[rounds/2], ratio, ours[0]/others[0])
		}
		if dir := os.Getenv("TOCSIN_BENCH_DIR"); dir != "" {
			must0(b, os.WriteFile(filepath.Join(dir, fmt.Sprint(n), "ours.tsv"), []byte(table.String()), 0o644))
		}
		mean := math.Exp(logs / float64(len(queries)))
		say("geometric mean %.3f, worst %.2f", mean, worst)
		b.ReportMetric(mean, "ratio")
		b.ReportMetric(worst, "worst-ratio")
	}
}
