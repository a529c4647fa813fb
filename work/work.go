// Package work runs the jobs that follow changes: what was enqueued in the
// transaction of a change, and what is due from time to time.
//
// It owns claiming, leases, retries and the schedule. It promises that each job
// runs at least once, also after a crash; that no two run at a time for one
// tenant, kind and key; and that each ends in done or in a failure that can be
// seen. It does not promise once: a handler must stand being run twice. It
// knows nothing of what jobs do, apart from its own housekeeping.
package work

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// Handler does a job. Its context has the principal of the portal itself in
// the job's tenant, and ends when the claim on the job is lost.
type Handler func(ctx context.Context, job store.Claim) error

const (
	// workers is how many jobs run at a time in one process.
	workers = 2
	// lease is how long a claim holds without a sign of life; a third of it is
	// the time between signs.
	lease = 90 * time.Second
	// poll is how often a runner looks for what is due by the clock, or was
	// enqueued by another process; its own store wakes it at once.
	poll = time.Second
	// reschedule is how often it looks whether a new tenant lacks its periodic jobs.
	reschedule = time.Minute
	// maxAttempts is after how many tries a job is given up. With the pauses of
	// backoff the last comes about four hours after the first.
	maxAttempts = 12
	maxPause    = time.Hour
)

// Runner runs jobs. Handlers are registered before Run or RunOnce.
type Runner struct {
	st       *store.Store
	name     string
	handlers map[string]Handler
	periods  map[string]time.Duration
	log      *slog.Logger
}

// New makes a runner over an open store, with the store's own housekeeping
// registered.
func New(st *store.Store) *Runner {
	r := &Runner{st: st, name: rand.Text(), handlers: map[string]Handler{}, periods: map[string]time.Duration{}, log: slog.New(slog.DiscardHandler)}
	r.Every(ExpireKind, time.Hour, r.expire)
	return r
}

// Log has the runner report failures and given-up jobs there.
func (r *Runner) Log(l *slog.Logger) { r.log = l }

// Handle registers what does jobs of a kind. A second one for a kind is a bug.
func (r *Runner) Handle(kind string, h Handler) {
	if r.handlers[kind] != nil {
		panic("work: two handlers for " + kind)
	}
	r.handlers[kind] = h
}

// Every registers what is done in each tenant once a period, the first time at
// once. Its jobs have the key "every".
func (r *Runner) Every(kind string, period time.Duration, h Handler) {
	r.Handle(kind, h)
	r.periods[kind] = period
}

// Permanent marks an error that trying again will not mend: the job is given
// up at once.
func Permanent(err error) error { return permanent{err} }

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Run does jobs until ctx ends, and returns when the last has stopped. It is
// nil then; handlers' failures are logged and kept with their jobs.
func (r *Runner) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { r.loop(ctx) })
	}
	wg.Wait()
	return nil
}

func (r *Runner) loop(ctx context.Context) {
	wake, cancel := r.st.Watch()
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var scheduled time.Time
	for ctx.Err() == nil {
		if time.Since(scheduled) >= reschedule {
			scheduled = time.Now()
			if err := r.schedule(ctx); err != nil && ctx.Err() == nil {
				r.log.Error("work: schedule", "error", err)
			}
		}
		if _, err := r.drain(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("work: claim", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-tick.C:
		}
	}
}

// RunOnce does everything that is due, one job after the other, until nothing
// is. It returns how many ran and the errors of those that failed, which are
// due again later or given up.
func (r *Runner) RunOnce(ctx context.Context) (int, error) {
	if err := r.schedule(ctx); err != nil {
		return 0, err
	}
	return r.drain(ctx)
}

// drain runs what is due; the errors of handlers end nothing.
func (r *Runner) drain(ctx context.Context) (n int, err error) {
	kinds := make([]string, 0, len(r.handlers))
	for k := range r.handlers {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	var failed []error
	for ctx.Err() == nil {
		job, found, err := r.st.ClaimJob(ctx, r.name, kinds, lease)
		if err != nil {
			return n, errors.Join(append(failed, fmt.Errorf("claim a job: %w", err))...)
		}
		if !found {
			break
		}
		n++
		if err := r.do(ctx, job); err != nil {
			failed = append(failed, err)
		}
	}
	return n, errors.Join(failed...)
}

// schedule sees to it that each tenant has each periodic job.
func (r *Runner) schedule(ctx context.Context) error {
	if len(r.periods) == 0 {
		return nil
	}
	missing, err := r.st.MissingJobs(ctx, everyKey, keys(r.periods))
	if err != nil {
		return fmt.Errorf("look for periodic jobs: %w", err)
	}
	for _, m := range missing {
		err := r.st.Update(r.system(ctx, m.Tenant, m.Kind), func(tx *store.Tx) error {
			return tx.Enqueue(store.Job{Kind: m.Kind, Key: everyKey})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const everyKey = "every"

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (r *Runner) system(ctx context.Context, tenant, kind string) context.Context {
	return tocsin.WithPrincipal(ctx, tocsin.System(tenant, kind))
}

// do runs one claimed job to its end.
func (r *Runner) do(ctx context.Context, job store.Claim) error {
	log := r.log.With("kind", job.Kind, "key", job.Key, "tenant", job.Tenant, "attempt", job.Attempt)
	ctx, cancel := context.WithCancel(r.system(ctx, job.Tenant, job.Kind))
	defer cancel()
	var err error
	if job.Attempt > maxAttempts {
		// Only a handler that takes the process down with it gets here: every
		// other failure was given up before.
		err = Permanent(fmt.Errorf("given up after %d attempts that did not end", maxAttempts))
	} else {
		if period := r.periods[job.Kind]; period > 0 {
			// Asked for before it runs, so that a crash cannot end the series.
			err = r.st.Update(ctx, func(tx *store.Tx) error {
				return tx.Enqueue(store.Job{Kind: job.Kind, Key: job.Key, At: tx.Now().Add(period)})
			})
		}
		if err == nil {
			stop := r.holdOn(ctx, cancel, job)
			err = r.call(ctx, job)
			stop()
		}
	}
	// The end is written even when ctx has ended meanwhile: otherwise a job
	// that was done would be done again.
	end := context.WithoutCancel(ctx)
	if err == nil {
		_, err := r.st.FinishJob(end, job)
		return err
	}
	var retry time.Time
	var gone permanent
	if !errors.As(err, &gone) && job.Attempt < maxAttempts {
		retry = r.st.Now().Add(pause(job.Attempt))
	}
	if retry.IsZero() {
		log.Error("work: job given up", "error", err)
	} else {
		log.Warn("work: job failed", "error", err, "again", retry)
	}
	err = fmt.Errorf("job %s %s: %w", job.Kind, job.Key, err)
	if _, e := r.st.FailJob(end, job, err, retry); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// call runs the handler; a panic in it fails this one job.
func (r *Runner) call(ctx context.Context, job store.Claim) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.handlers[job.Kind](ctx, job)
}

// holdOn extends the claim while the handler runs, and ends its context when
// the claim is lost. The returned function ends that.
func (r *Runner) holdOn(ctx context.Context, cancel context.CancelFunc, job store.Claim) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(lease / 3)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-t.C:
				if ok, err := r.st.ExtendJob(ctx, job, lease); err == nil && !ok {
					cancel()
					return
				}
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// pause is how long to wait after the nth attempt: 2, 4, 8 seconds and so on, an
// hour at most.
func pause(attempt int) time.Duration {
	return min(maxPause, time.Second<<min(attempt, 20))
}
