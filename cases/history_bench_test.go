package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// history is a store of many alerts of a company whose queue is worked: what is
// older than eight hours is resolved, but for one incident in fifty that stays.
type history struct {
	*world
	dir  string
	mark historyMark
	last map[int64]time.Time // of open incidents
}

// historyMark is where the history ends; it is kept beside it.
type historyMark struct {
	Alerts int       `json:"alerts"`
	Seed   uint64    `json:"seed"` // of the last stretch
	At     time.Time `json:"at"`
}

// worked is the age from which on incidents are resolved.
const worked = 8 * time.Hour

// openHistory makes a history of n alerts, or goes on with the one that is kept
// in the folder that TOCSIN_BENCH_DIR names.
func openHistory(b *testing.B, n int) *history {
	b.Helper()
	dir := os.Getenv("TOCSIN_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	h := &history{dir: filepath.Join(dir, fmt.Sprint("history-", n)), last: map[int64]time.Time{}}
	h.mark.At = day
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		b.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(h.dir, "mark.json")); err == nil {
		if err := json.Unmarshal(text, &h.mark); err != nil {
			b.Fatal(err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	h.world = &world{clock: &clock{t: h.mark.At}, path: filepath.Join(h.dir, "cases.db")}
	st, err := store.Open(b.Context(), store.Config{Path: h.path, Now: h.clock.now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	h.st, h.Cases = st, New(st, correlate.DefaultPolicy())
	for h.mark.Alerts < n {
		h.grow(b, min(20_000, n-h.mark.Alerts), 2000, true)
		h.save(b)
	}
	return h
}

func (h *history) save(b *testing.B) {
	text, err := json.Marshal(h.mark)
	if err == nil {
		err = os.WriteFile(filepath.Join(h.dir, "mark.json"), text, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// grow takes n further alerts, size in each transaction.
func (h *history) grow(b *testing.B, n, size int, work bool) {
	b.Helper()
	h.mark.Seed++
	c := newCompany(h.mark.Seed, h.mark.At)
	in := make([]tocsin.Alert, 0, size)
	for left := n; left > 0; left -= len(in) {
		in = in[:0]
		for range min(size, left) {
			in = append(in, c.next())
		}
		h.clock.forward(c.at.Sub(h.clock.now()))
		got, err := h.acceptBatch(engine(b), arrive("default", in))
		if err != nil {
			b.Fatal(err)
		}
		for i, a := range got {
			if !a.New {
				b.Fatalf("alert %s was not new: %+v", in[i].ExternalID, a)
			}
			h.last[a.IncidentID] = in[i].LastActivity
		}
		if work {
			h.work(b)
		}
	}
	h.mark.Alerts, h.mark.At = h.mark.Alerts+n, c.at
}

// work resolves what nothing was added to for a while.
func (h *history) work(b *testing.B) {
	now := h.clock.now()
	err := h.st.Update(anna(b), func(tx *store.Tx) error {
		var rows []store.IncidentRow
		for id, last := range h.last {
			if now.Sub(last) < worked {
				continue
			}
			delete(h.last, id)
			if id%50 == 0 {
				continue
			}
			inc, err := tx.Incident(id)
			if err != nil {
				return err
			}
			if !inc.Open() {
				continue // merged
			}
			before := inc
			if _, err := tx.ResolveAlerts(id); err != nil {
				return err
			}
			inc.Status, inc.ActiveAlerts = tocsin.IncidentResolved, 0
			inc.Version++
			rows = append(rows, store.IncidentRow{Incident: &inc, Before: &before})
			_, err = tx.Append(tocsin.Change{Noun: "incident", ID: fmt.Sprint(id), Version: inc.Version, Kind: "statusChanged",
				Before: object("status", before.Status), After: object("status", inc.Status), Summary: "Status changed from active to resolved"})
			if err != nil {
				return err
			}
		}
		// As the daily cleaning does.
		if _, err := tx.DeleteExpired(now, now.Add(-7*24*time.Hour)); err != nil {
			return err
		}
		return tx.PutIncidents(rows)
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAcceptHistory takes alerts in calls of 100, each durable before the
// next begins, with histories of different length. Beside it stands what plain
// inserts of the same JSON cost, with as many commits.
func BenchmarkAcceptHistory(b *testing.B) {
	const measured, stretch, size = 10_000, 1000, 100
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := openHistory(b, n)
			h.grow(b, 3000, size, true) // what stands in memory
			used, alerts := time.Duration(0), 0
			b.ResetTimer()
			for b.Loop() {
				for range measured / stretch {
					was := cpu(b)
					h.grow(b, stretch, size, false)
					used, alerts = used+cpu(b)-was, alerts+stretch
					b.StopTimer() // people work
					h.work(b)
					h.save(b)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(alerts)/b.Elapsed().Seconds(), "alerts/s")
			b.ReportMetric(float64(used.Microseconds())/float64(alerts), "cpu-µs/alert")
		})
	}
	b.Run("plain", func(b *testing.B) { plainInserts(b, measured, size) })
}

// plainInserts writes the JSON of alerts into one table, and nothing else.
func plainInserts(b *testing.B, measured, size int) {
	st, err := store.Open(b.Context(), store.Config{Path: filepath.Join(b.TempDir(), "plain.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	in := traffic(measured, 7)
	for n := 0; b.Loop(); n++ {
		for i := 0; i < len(in); i += size {
			err := st.Update(engine(b), func(tx *store.Tx) error {
				for j := i; j < i+size; j++ {
					text, err := json.Marshal(in[j])
					if err == nil {
						err = tx.PutMeta(fmt.Sprintf("plain/%d/%s", n, alertID(&in[j])), string(text))
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(measured*b.N)/b.Elapsed().Seconds(), "alerts/s")
}

// cpu is the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
