package cases

import (
	"context"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// BenchmarkBulkClose closes all incidents of a full queue as one bulk change,
// and undoes it, while one person pages through the queue and another renames
// incidents. incidents/s is how fast it goes; read-p99-ms and write-p99-ms are
// what the two others wait.
//
//	TOCSIN_BENCH_INCIDENTS=100000 go test -run '^$' -bench '^BenchmarkBulkClose$' -benchtime 1x ./cases
func BenchmarkBulkClose(b *testing.B) {
	n := 5_000
	if s := os.Getenv("TOCSIN_BENCH_INCIDENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		for done := 0; done < n; done += 1000 {
			in := make([]tocsin.Alert, min(1000, n-done))
			for i := range in {
				k := strconv.Itoa(done + i)
				in[i] = alert("b"+k, "Rule "+strconv.Itoa((done+i)%40), day, device("host-"+k+".corp.example"))
			}
			w.accept(b, in...)
		}
		ctx := anna(b)
		b.StartTimer()
		stop, wait := w.others(b)
		job, err := w.AskBulk(ctx, BulkAsk{Noun: "incident", Query: &tocsin.Query{}, Change: tocsin.BulkChange{Status: ptr("resolved"),
			ResolvingComment: ptr("storm"), Classification: ptr(tocsin.ClassFalsePositive), Determination: ptr(tocsin.DetNotMalicious)}})
		if err != nil {
			b.Fatal(err)
		}
		at := time.Now()
		w.untilDone(b, ctx, job.ID)
		took := time.Since(at)
		stop()
		reads, writes := wait()
		b.ReportMetric(float64(job.Total)/took.Seconds(), "incidents/s")
		b.ReportMetric(p99(reads), "read-p99-ms")
		b.ReportMetric(p99(writes), "write-p99-ms")
		b.StopTimer()
		at = time.Now()
		u, err := w.UndoBulk(ctx, job.ID)
		if err != nil {
			b.Fatal(err)
		}
		w.untilDone(b, ctx, u.ID)
		b.ReportMetric(float64(u.Total)/time.Since(at).Seconds(), "undone/s")
		b.StartTimer()
	}
}

func (w *world) untilDone(b *testing.B, ctx context.Context, id int64) {
	b.Helper()
	for {
		if err := w.RunBulk(engine(b), store.Claim{Kind: BulkKind, Key: strconv.FormatInt(id, 10)}); err != nil {
			b.Fatal(err)
		}
		job, err := w.Bulk(ctx, id)
		if err != nil {
			b.Fatal(err)
		}
		if job.State == tocsin.BulkDone {
			if job.Changed != job.Total {
				b.Fatalf("%+v", job)
			}
			return
		}
	}
}

// others are the people who go on working meanwhile.
func (w *world) others(b *testing.B) (stop func(), wait func() (reads, writes []time.Duration)) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	var reads, writes []time.Duration
	every := func(pause time.Duration, into *[]time.Duration, do func(n int) error) {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				case <-time.After(pause):
				}
				at := time.Now()
				if err := do(n); err != nil {
					b.Error(err)
					return
				}
				*into = append(*into, time.Since(at))
			}
		})
	}
	ben := as(context.Background(), "default", "ben")
	every(50*time.Millisecond, &reads, func(int) error {
		_, err := w.Incidents(ben, tocsin.Query{Top: 50, Filter: tocsin.In{Field: "severity", Values: []any{"high", "medium"}}})
		return err
	})
	every(200*time.Millisecond, &writes, func(n int) error {
		_, err := w.UpdateIncident(ben, 1, IncidentUpdate{DisplayName: ptr("Name " + strconv.Itoa(n))})
		return err
	})
	return func() { close(end) }, func() ([]time.Duration, []time.Duration) { wg.Wait(); return reads, writes }
}

func p99(ds []time.Duration) float64 {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return float64(ds[len(ds)*99/100].Microseconds()) / 1000
}
