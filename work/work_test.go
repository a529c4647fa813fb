package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

type clock struct{ n atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_800_000_000, 0).Add(time.Duration(c.n.Load())) }
func (c *clock) forward(d time.Duration) { c.n.Add(int64(d)) }

func newRunner(t *testing.T) (*Runner, *store.Store, *clock) {
	t.Helper()
	c := &clock{}
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "x.db"), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return New(st), st, c
}

func enqueue(t *testing.T, st *store.Store, tenant string, jobs ...store.Job) {
	t.Helper()
	err := st.Update(tocsin.WithPrincipal(t.Context(), tocsin.System(tenant, "test")), func(tx *store.Tx) error {
		for _, j := range jobs {
			if err := tx.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func once(t *testing.T, r *Runner, want int) error {
	t.Helper()
	n, err := r.RunOnce(t.Context())
	if n != want {
		t.Errorf("%d jobs ran, want %d (%v)", n, want, err)
	}
	return err
}

func failures(t *testing.T, st *store.Store, tenant string) (out []store.Failure) {
	t.Helper()
	err := st.View(tocsin.WithPrincipal(t.Context(), tocsin.System(tenant, "test")), func(tx *store.Tx) (err error) {
		out, err = tx.FailedJobs()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJobsRunOncePerKeyInTheirTenant(t *testing.T) {
	r, st, _ := newRunner(t)
	var got []string
	r.Handle("count", func(ctx context.Context, job store.Claim) error {
		p, _ := tocsin.PrincipalFrom(ctx)
		var args map[string]int
		if err := json.Unmarshal(job.Args, &args); err != nil {
			return err
		}
		got = append(got, fmt.Sprint(job.Tenant, p.Tenant, job.Key, args["n"]))
		return nil
	})
	for n := range 50 {
		enqueue(t, st, "a", store.Job{Kind: "count", Key: "17", Args: map[string]int{"n": n}})
	}
	enqueue(t, st, "a", store.Job{Kind: "count", Key: "18", Args: map[string]int{"n": 1}})
	enqueue(t, st, "b", store.Job{Kind: "count", Key: "17", Args: map[string]int{"n": 2}})
	enqueue(t, st, "b", store.Job{Kind: "of another program", Key: "17"})
	if err := once(t, r, 3); err != nil {
		t.Fatal(err)
	}
	if want := "[aa1749 aa181 bb172]"; fmt.Sprint(got) != want {
		t.Errorf("ran %v, want %s", got, want)
	}
	if err := once(t, r, 0); err != nil {
		t.Fatal(err)
	}
}

func TestNothingRunsOfARolledBackChange(t *testing.T) {
	r, st, _ := newRunner(t)
	r.Handle("k", func(context.Context, store.Claim) error { return nil })
	st.Update(tocsin.WithPrincipal(t.Context(), tocsin.System("a", "test")), func(tx *store.Tx) error {
		if err := tx.Enqueue(store.Job{Kind: "k"}); err != nil {
			t.Error(err)
		}
		return errors.New("no")
	})
	once(t, r, 0)
}

// TestAskedForWhileRunning: what changes while a job runs is not lost in it.
func TestAskedForWhileRunning(t *testing.T) {
	r, st, _ := newRunner(t)
	runs := 0
	r.Handle("k", func(ctx context.Context, job store.Claim) error {
		if runs++; runs == 1 {
			enqueue(t, st, "a", store.Job{Kind: "k", Key: "1", Args: "newer"}, store.Job{Kind: "k", Key: "1", Args: "newest"})
			if _, found, err := st.ClaimJob(ctx, "another", []string{"k"}, lease); found || err != nil {
				t.Errorf("claimed a second time while it runs: %v", err)
			}
		} else if string(job.Args) != `"newest"` || job.Attempt != 1 {
			t.Errorf("the second run is %+v", job)
		}
		return nil
	})
	enqueue(t, st, "a", store.Job{Kind: "k", Key: "1"})
	if err := once(t, r, 2); err != nil {
		t.Fatal(err)
	}
}

func TestRetryAndGiveUp(t *testing.T) {
	r, st, c := newRunner(t)
	runs := 0
	r.Handle("k", func(context.Context, store.Claim) error {
		runs++
		if runs%2 == 0 {
			panic("oh no")
		}
		return errors.New("not today")
	})
	enqueue(t, st, "a", store.Job{Kind: "k", Key: "1"})
	for n := 1; n <= maxAttempts; n++ {
		if err := once(t, r, 1); err == nil {
			t.Error("no error")
		}
		once(t, r, 0) // not before its time
		if n < maxAttempts && len(failures(t, st, "a")) != 0 {
			t.Fatalf("given up after %d attempts", n)
		}
		c.forward(pause(n))
	}
	if f := failures(t, st, "a"); len(f) != 1 || f[0].Attempts != maxAttempts || !strings.Contains(f[0].Error, "oh no") {
		t.Errorf("failures %+v", f)
	}
	c.forward(100 * time.Hour)
	once(t, r, 0)
	// Asked for anew, it begins anew.
	enqueue(t, st, "a", store.Job{Kind: "k", Key: "1"})
	once(t, r, 1)
	if f := failures(t, st, "a"); len(f) != 0 {
		t.Errorf("failures %+v", f)
	}
}

func TestPermanent(t *testing.T) {
	r, st, _ := newRunner(t)
	r.Handle("k", func(context.Context, store.Claim) error { return fmt.Errorf("x: %w", Permanent(errors.New("never"))) })
	enqueue(t, st, "a", store.Job{Kind: "k"})
	once(t, r, 1)
	if f := failures(t, st, "a"); len(f) != 1 || f[0].Attempts != 1 {
		t.Errorf("failures %+v", f)
	}
}

// TestRunnerThatDied: its job is taken over when the lease ends, and its late
// report changes nothing.
func TestRunnerThatDied(t *testing.T) {
	r, st, c := newRunner(t)
	runs := 0
	r.Handle("k", func(context.Context, store.Claim) error { runs++; return nil })
	enqueue(t, st, "a", store.Job{Kind: "k", Key: "1"})
	dead, found, err := st.ClaimJob(t.Context(), "dead", []string{"k"}, lease)
	if !found || err != nil {
		t.Fatal(found, err)
	}
	c.forward(lease - time.Second)
	once(t, r, 0)
	if ok, err := st.ExtendJob(t.Context(), dead, lease); !ok || err != nil {
		t.Fatal(ok, err)
	}
	c.forward(lease - time.Second)
	once(t, r, 0)
	c.forward(time.Second)
	alive, found, err := st.ClaimJob(t.Context(), "alive", []string{"k"}, lease)
	if !found || err != nil || alive.Attempt != 2 {
		t.Fatal(alive, found, err)
	}
	for _, f := range []func() (bool, error){
		func() (bool, error) { return st.FinishJob(t.Context(), dead) },
		func() (bool, error) { return st.ExtendJob(t.Context(), dead, lease) },
		func() (bool, error) { return st.FailJob(t.Context(), dead, errors.New("x"), time.Time{}) },
	} {
		if ok, err := f(); ok || err != nil {
			t.Errorf("a lost claim: %v, %v", ok, err)
		}
	}
	if ok, err := st.FinishJob(t.Context(), alive); !ok || err != nil {
		t.Error(ok, err)
	}
	once(t, r, 0)
}

func TestEvery(t *testing.T) {
	r, st, c := newRunner(t)
	ran := map[string]int{}
	fail := false
	r.Every("tick", time.Hour, func(_ context.Context, job store.Claim) error {
		ran[job.Tenant]++
		if fail {
			return Permanent(errors.New("no"))
		}
		return nil
	})
	for _, tenant := range []string{"a", "b"} {
		err := st.Update(tocsin.WithPrincipal(t.Context(), tocsin.System(tenant, "test")), func(tx *store.Tx) error {
			return errors.Join(tx.PutUser(store.User{ID: "u", UserName: "u"}), tx.PutSession(store.Session{IDHash: tenant, UserID: "u", Expires: tx.Now().Add(time.Minute)}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	once(t, r, 4) // and the housekeeping, each in two tenants
	once(t, r, 0)
	c.forward(time.Hour - time.Second)
	once(t, r, 0)
	if _, _, err := st.FindSession(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	c.forward(time.Hour)
	fail = true
	once(t, r, 4)
	if _, _, err := st.FindSession(t.Context(), "a"); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("an expired session is there: %v", err)
	}
	once(t, r, 0)
	c.forward(time.Hour)
	once(t, r, 4) // a failure does not end the series
	if ran["a"] != 3 || ran["b"] != 3 {
		t.Errorf("ran %v", ran)
	}
}

// TestRun has two processes on one store work off a heap while it grows: every
// job runs, and never two of one key at a time.
func TestRun(t *testing.T) {
	r1, st, _ := newRunner(t)
	r2 := New(st)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	running, done := map[string]bool{}, map[string]string{}
	all := make(chan struct{})
	const n, rounds = 20, 5
	h := func(ctx context.Context, job store.Claim) error {
		mu.Lock()
		if running[job.Key] {
			t.Errorf("two of %s at a time", job.Key)
		}
		running[job.Key] = true
		mu.Unlock()
		var round string
		err := json.Unmarshal(job.Args, &round)
		mu.Lock()
		defer mu.Unlock()
		running[job.Key] = false
		done[job.Key] = round
		for k := range n {
			if done[fmt.Sprint(k)] != fmt.Sprint(rounds-1) {
				return err
			}
		}
		select {
		case <-all:
		default:
			close(all)
		}
		return err
	}
	r1.Handle("k", h)
	r2.Handle("k", h)
	var wg sync.WaitGroup
	for _, r := range []*Runner{r1, r2} {
		wg.Go(func() { r.Run(ctx) })
	}
	for round := range rounds {
		for k := range n {
			enqueue(t, st, "a", store.Job{Kind: "k", Key: fmt.Sprint(k), Args: fmt.Sprint(round)})
		}
	}
	select {
	case <-all:
	case <-time.After(time.Minute):
		t.Error("not all jobs ran")
	}
	cancel()
	wg.Wait()
}
