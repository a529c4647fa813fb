package cases

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// restless does one random thing after another to a store: what arrives, what
// correlation makes of it, and what people do. An operation that is refused
// changes nothing; of the errors only what is not a refusal is returned.
type restless struct {
	*Cases
	rng  *rand.Rand
	next int
}

func (r *restless) step(ctx context.Context) error {
	p, err := r.Incidents(ctx, tocsin.Query{Top: 30, Expand: []string{"alerts"}})
	if err != nil {
		return err
	}
	pick := func() tocsin.Incident {
		if len(p.Incidents) == 0 {
			return tocsin.Incident{}
		}
		return p.Incidents[r.rng.IntN(len(p.Incidents))]
	}
	switch what := r.rng.IntN(10); {
	case what < 4:
		var as []tocsin.Alert
		for range 1 + r.rng.IntN(4) {
			r.next++
			n, m := r.rng.IntN(6), r.rng.IntN(6)
			h, g := fmt.Sprint("host", n), fmt.Sprint("host", m)
			// Some tie two hosts together, so that correlation merges.
			ev := []tocsin.Evidence{device(h), process(h, "g"+h, h+".exe"), user(fmt.Sprintf("u%d@corp.example", n))}
			if r.rng.IntN(3) == 0 {
				ev = append(ev, device(g), process(g, "g"+g, g+".exe"))
			}
			as = append(as, alert(fmt.Sprint("r", r.next), fmt.Sprint("T", n), day.Add(time.Duration(r.rng.IntN(3000))*time.Minute), ev...))
		}
		_, err = r.Accept(ctx, as)
	case what == 4:
		_, _, err = r.MergeIncidents(ctx, []int64{pick().ID, pick().ID}, "", nil)
	case what == 5:
		inc := pick()
		if len(inc.Alerts) > 0 {
			_, _, err = r.MoveAlerts(ctx, []string{inc.Alerts[r.rng.IntN(len(inc.Alerts))].ID}, []int64{0, pick().ID}[r.rng.IntN(2)], "")
		}
	case what == 6:
		inc := pick()
		if len(inc.Alerts) > 1 {
			_, _, err = r.Split(ctx, inc.ID, Split{Alerts: []string{inc.Alerts[1].ID}})
		}
	case what == 7:
		rs, e := r.Rearrangements(ctx, pick().ID)
		if err = e; err == nil && len(rs) > 0 {
			_, err = r.Undo(ctx, rs[r.rng.IntN(len(rs))].ID)
		}
	default:
		to := []tocsin.IncidentStatus{tocsin.IncidentResolved, tocsin.IncidentActive, tocsin.IncidentInProgress}[r.rng.IntN(3)]
		_, err = r.UpdateIncident(ctx, pick().ID, IncidentUpdate{Status: &to})
	}
	switch tocsin.CodeOf(err) {
	case tocsin.CodeInvalid, tocsin.CodeConflict, tocsin.CodeNotFound, tocsin.CodeLimit:
		return nil
	}
	return err
}

var errCut = errors.New("the power went")

// C01, C15: whatever statement of whatever change the power goes at, the change
// is there as a whole or not at all, also for the process that goes on.
func TestCrashAtEveryWrite(t *testing.T) {
	for seed := range uint64(2) {
		left := -1 // statements until the fault; negative: none
		faults := 0
		w := &world{clock: &clock{t: day}, path: filepath.Join(t.TempDir(), "cases.db")}
		open := func() {
			st, err := store.Open(t.Context(), store.Config{Path: w.path, Now: w.clock.now, Fault: func() error {
				if left < 0 {
					return nil
				}
				if left--; left < 0 {
					faults++
					return errCut
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			w.st, w.Cases = st, New(st, correlate.DefaultPolicy())
		}
		open()
		rng := rand.New(rand.NewPCG(seed, 3))
		r := &restless{Cases: w.Cases, rng: rng}
		for n := range 90 {
			w.clock.forward(time.Second)
			left = -1
			if n > 10 {
				left = rng.IntN(40)
			}
			err := r.step(anna(t))
			left = -1
			if err != nil && !errors.Is(err, errCut) {
				t.Fatalf("seed %d, step %d: %v", seed, n, err)
			}
			if err == nil && n%5 > 0 {
				continue
			}
			if n%3 == 0 { // a new process finds the same
				w.do(t, w.st.Close())
				open()
				r.Cases = w.Cases
			}
			w.sound(t)
			if t.Failed() {
				t.Fatalf("seed %d, step %d, after %v", seed, n, err)
			}
		}
		if faults < 20 {
			t.Errorf("seed %d: only %d faults", seed, faults)
		}
		w.do(t, w.st.Close())
	}
}

// C15: the same with a process that is killed while it writes.
func TestCrashKill(t *testing.T) {
	if path := os.Getenv("TOCSIN_CRASH_CHILD"); path != "" {
		st, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		r := &restless{Cases: New(st, correlate.DefaultPolicy()), rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)), next: int(time.Now().UnixMilli())}
		if err := os.WriteFile(path+".ready", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for { // until it is killed
			if err := r.step(anna(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rng := rand.New(rand.NewPCG(8, 9))
	path := filepath.Join(t.TempDir(), "killed.db")
	for n := range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrashKill$")
		cmd.Env = append(os.Environ(), "TOCSIN_CRASH_CHILD="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 600 {
			if _, err := os.Stat(path + ".ready"); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Duration(300+rng.IntN(900)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says that it was killed
		must(t, os.Remove(path+".ready"))
		st, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		k := &world{Cases: New(st, correlate.DefaultPolicy()), st: st, path: path}
		k.sound(t)
		t.Logf("killed %d: %d alerts", n, len(k.whereAll(t)))
		if len(k.whereAll(t)) == 0 {
			t.Error("nothing was written before the process was killed")
		}
		must(t, st.Close())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
