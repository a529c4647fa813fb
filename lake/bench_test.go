package lake

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func benchRows(b *testing.B) int {
	if s := os.Getenv("TOCSIN_BENCH_ROWS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal("TOCSIN_BENCH_ROWS: ", err)
		}
		return n
	}
	return 200_000
}

func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile(processEvents(b, 20_000))
	if err != nil {
		b.Fatal(err)
	}
	t, _ := Catalog().Table("DeviceProcessEvents")
	batch := newBatch(t, 0)
	b.SetBytes(int64(len(data)))
	rows := 0
	for b.Loop() {
		batch.Reset()
		rows += batch.AppendJSONBlock(data, func(line, off int, err error) { b.Fatal(line, off, err) })
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e3, "krows/s")
}

// BenchmarkIngest stores a file of generated events through two decoders and
// the committer, and beside it lets DuckDB read the same file by itself into a
// fresh file. The three runs take turns and the ratio is that of the medians.
func BenchmarkIngest(b *testing.B) {
	n := benchRows(b)
	path := processEvents(b, n)
	for b.Loop() {
		var ours, raw []float64
		for range 3 {
			raw = append(raw, rate(n, func() { readJSON(b, path) }))
			ours = append(ours, rate(n, func() { ingest(b, path, n) }))
		}
		o, r := median(ours), median(raw)
		b.ReportMetric(o, "krows/s")
		b.ReportMetric(r, "read_json-krows/s")
		b.ReportMetric(o/r, "ratio")
	}
}

func rate(n int, fn func()) float64 {
	start := time.Now()
	fn()
	return float64(n) / time.Since(start).Seconds() / 1e3
}

func median(v []float64) float64 {
	a, b, c := v[0], v[1], v[2]
	return max(min(a, b), min(max(a, b), c))
}

func readJSON(b *testing.B, path string) {
	db, err := sql.Open("duckdb", filepath.Join(b.TempDir(), "raw.duckdb")+"?threads=2")
	if err != nil {
		b.Fatal(err)
	}
	t, _ := Catalog().Table("DeviceProcessEvents")
	var cols bytes.Buffer
	for _, c := range t.Columns {
		fmt.Fprintf(&cols, "'%s': '%s', ", c.Name, c.Type.sql())
	}
	if _, err := db.Exec(fmt.Sprintf("CREATE TABLE t AS SELECT * FROM read_json('%s', columns={%s}, format='newline_delimited')", path, cols.Bytes())); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// ingest works as an import does: blocks of whole lines go to two decoders, the
// batches to the committer in order, and a few batches go round.
func ingest(b *testing.B, path string, n int) {
	ctx := context.Background()
	l, err := Open(ctx, Config{Dir: b.TempDir(), Threads: 2})
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const perBatch, perWrite = 8, 4 // blocks of 4 MiB; batches
	type job struct {
		blocks [][]byte
		batch  *Batch
		done   chan struct{}
	}
	free := make(chan *Batch, 12)
	for range cap(free) {
		batch, err := l.NewBatch("DeviceProcessEvents")
		if err != nil {
			b.Fatal(err)
		}
		free <- batch
	}
	jobs, order := make(chan *job), make(chan *job, cap(free))
	for range 2 {
		go func() {
			for j := range jobs {
				for _, block := range j.blocks {
					j.batch.AppendJSONBlock(block, func(_, _ int, err error) { b.Error(err) })
				}
				close(j.done)
			}
		}()
	}
	go func() {
		defer close(order)
		defer close(jobs)
		for blocks := range readBlocks(f, perBatch) {
			j := &job{blocks, <-free, make(chan struct{})}
			order <- j
			jobs <- j
		}
	}()
	var w Write
	store := func() {
		if _, err := l.Append(ctx, w); err != nil {
			b.Fatal(err)
		}
		for _, batch := range w.Batches {
			batch.Reset()
			free <- batch
		}
		w.Batches = nil
	}
	for j := range order {
		<-j.done
		if w.Batches = append(w.Batches, j.batch); len(w.Batches) == perWrite {
			store()
		}
	}
	store()
	if got, err := l.Count(ctx, "DeviceProcessEvents"); err != nil || got != int64(n) {
		b.Fatalf("stored %d rows of %d: %v", got, n, err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// readBlocks yields groups of per blocks of about 4 MiB of whole lines.
func readBlocks(r io.Reader, per int) func(func([][]byte) bool) {
	return func(yield func([][]byte) bool) {
		var group [][]byte
		var rest []byte
		for {
			block := make([]byte, len(rest)+4<<20)
			n, err := io.ReadFull(r, block[copy(block, rest):])
			block = block[:len(rest)+n]
			if err == nil {
				cut := bytes.LastIndexByte(block, '\n') + 1
				rest, block = append([]byte(nil), block[cut:]...), block[:cut]
			}
			group = append(group, block)
			if len(group) == per || err != nil {
				if !yield(group) {
					return
				}
				group = nil
			}
			if err != nil {
				return
			}
		}
	}
}
