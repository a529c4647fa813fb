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
	"syscall"
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
		var ours, raw, cpu, rawCPU []float64
		for range 3 {
			r, c := rate(n, func() { readJSON(b, path) })
			raw, rawCPU = append(raw, r), append(rawCPU, c)
			r, c = rate(n, func() { ingest(b, path, n) })
			ours, cpu = append(ours, r), append(cpu, c)
		}
		b.ReportMetric(median(ours), "krows/s")
		b.ReportMetric(median(raw), "read_json-krows/s")
		b.ReportMetric(median(ours)/median(raw), "ratio")
		b.ReportMetric(median(cpu), "cpu-us/row")
		b.ReportMetric(median(rawCPU), "read_json-cpu-us/row")
	}
}

// rate is thousands of rows a second, and microseconds of processor time a row:
// the latter still tells something on a machine that others use too.
func rate(n int, fn func()) (krows, cpu float64) {
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	fn()
	wall := time.Since(start)
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	return float64(n) / wall.Seconds() / 1e3, float64(used) / 1e3 / float64(n)
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
	const perBatch, perWrite, inFlight = 4, 8, 20 // blocks of 4 MiB; batches
	type job struct {
		blocks [][]byte
		batch  *Batch
		done   chan struct{}
	}
	free := make(chan *Batch, inFlight)
	for range inFlight {
		batch, err := l.NewBatch("DeviceProcessEvents")
		if err != nil {
			b.Fatal(err)
		}
		free <- batch
	}
	jobs, order := make(chan *job), make(chan *job, inFlight)
	buffers := make(chan []byte, 4*perBatch)
	for range 2 {
		go func() {
			for j := range jobs {
				for _, block := range j.blocks {
					j.batch.AppendJSONBlock(block, func(_, _ int, err error) { b.Error(err) })
					select {
					case buffers <- block:
					default:
					}
				}
				close(j.done)
			}
		}()
	}
	go func() {
		defer close(order)
		defer close(jobs)
		for blocks := range readBlocks(f, perBatch, buffers) {
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

// readBlocks yields groups of per blocks of about 4 MiB of whole lines, in
// buffers taken from used where there are some.
func readBlocks(r io.Reader, per int, used <-chan []byte) func(func([][]byte) bool) {
	const size = 4 << 20
	return func(yield func([][]byte) bool) {
		var group [][]byte
		var rest []byte
		for {
			var block []byte
			select {
			case block = <-used:
				block = block[:cap(block)]
			default:
				block = make([]byte, size)
			}
			k := copy(block, rest)
			n, err := io.ReadFull(r, block[k:])
			block = block[:k+n]
			if err == nil {
				cut := bytes.LastIndexByte(block, '\n') + 1
				rest, block = append(rest[:0], block[cut:]...), block[:cut]
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
