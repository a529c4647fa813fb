package app

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the raw engine beside us

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
	"github.com/tocsinhq/tocsin/sim"
)

// BenchmarkImport compares, in one run and on one file, what DuckDB's own
// read_json reaches with what a sender reaches over HTTP until its rows are
// durable and readable: without rules, and with the public rule set. Rounds
// alternate, so that a slow minute of the machine meets all three.
//
//	TOCSIN_BENCH_ROWS=1000000 go test -run '^$' -bench '^BenchmarkImport$' -benchtime 1x ./app
func BenchmarkImport(b *testing.B) {
	rows, rounds := 100_000, 3
	if s := os.Getenv("TOCSIN_BENCH_ROWS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		rows = n
	}
	dir := b.TempDir()
	file := filepath.Join(dir, "rows.ndjson")
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := sim.Bulk(sim.Company(1), rows, 1, w); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	st, _ := os.Stat(file)
	rules := sharedFile(b, "data/sigma-rules.zip")

	var raw, plain, ruled []float64 // rows per second
	b.ResetTimer()
	for b.Loop() {
		raw, plain, ruled = nil, nil, nil
		for r := range rounds {
			raw = append(raw, float64(rows)/rawImport(b, file, filepath.Join(dir, fmt.Sprint("raw", r)), rows).Seconds())
			plain = append(plain, float64(rows)/httpImport(b, file, filepath.Join(dir, fmt.Sprint("plain", r)), "", rows).Seconds())
			if rules != "" {
				ruled = append(ruled, float64(rows)/httpImport(b, file, filepath.Join(dir, fmt.Sprint("ruled", r)), rules, rows).Seconds())
			}
		}
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(float64(st.Size())/float64(rows), "bytes/row")
	b.ReportMetric(median(raw), "read_json-rows/s")
	b.ReportMetric(median(plain), "http-rows/s")
	b.ReportMetric(median(plain)/median(raw), "http-ratio")
	if len(ruled) > 0 {
		b.ReportMetric(median(ruled), "http+rules-rows/s")
		b.ReportMetric(median(ruled)/median(raw), "http+rules-ratio")
	}
}

// rawImport is CREATE TABLE AS SELECT * FROM read_json over the table's
// declared columns, to disk, checkpoint included as closing does it.
func rawImport(b *testing.B, file, dir string, rows int) time.Duration {
	b.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("duckdb", filepath.Join(dir, "raw.duckdb")+"?threads=2")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	table, _ := lake.Catalog().Table("DeviceProcessEvents")
	cols := ""
	for _, c := range table.Columns {
		t := map[string]string{"long": "BIGINT", "int": "INTEGER", "bool": "BOOLEAN", "datetime": "TIMESTAMP", "real": "DOUBLE", "dynamic": "JSON", "guid": "VARCHAR"}[string(c.Type)]
		if t == "" {
			t = "VARCHAR"
		}
		cols += fmt.Sprintf("%q: '%s', ", c.Name, t)
	}
	start := time.Now()
	if _, err := db.Exec(fmt.Sprintf("CREATE TABLE t AS SELECT * FROM read_json('%s', format='newline_delimited', columns={%s})", file, cols[:len(cols)-2])); err != nil {
		b.Fatal(err)
	}
	d := time.Since(start)
	var n int
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != rows {
		b.Fatalf("read_json stored %d rows: %v", n, err)
	}
	return d
}

// httpImport posts the file to a fresh portal over loopback, as a shipper
// would, and measures until the answer, which comes after the commit.
func httpImport(b *testing.B, file, dir, rules string, rows int) time.Duration {
	b.Helper()
	ctx := context.Background()
	if rules != "" {
		rs, err := OpenRules(dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rs.Import(ctx, rules); err != nil {
			b.Fatal(err)
		}
	}
	a, err := New(ctx, Config{Data: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler), NoRules: rules == ""})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Stop(ctx)
	if err := a.Start(ctx); err != nil {
		b.Fatal(err)
	}
	tok, err := a.CreateToken(ctx, "bench", string(tocsin.RoleAdministrator), time.Hour, false)
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	req, err := http.NewRequest("POST", a.URL()+"/api/v1/events/DeviceProcessEvents", f)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tok.Secret.Reveal())
	req.Header.Set("Content-Type", "application/x-ndjson")
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	d := time.Since(start)
	var ans struct{ Accepted, Rejected int64 }
	if err != nil || res.StatusCode != 200 || json.Unmarshal(body, &ans) != nil || ans.Accepted != int64(rows) || ans.Rejected != 0 {
		b.Fatalf("%s: %.500s (%v)", res.Status, body, err)
	}
	if n, err := a.lake.Count(ctx, "DeviceProcessEvents"); err != nil || n != int64(rows) {
		b.Fatalf("%d rows readable: %v", n, err)
	}
	return d
}
