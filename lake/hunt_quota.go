package lake

import (
	"context"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// quotaCycle is how long a tenant's processing time is to last.
const quotaCycle = 15 * time.Minute

// huntQuotas counts the processor time that hunts take, by tenant and door, in
// cycles that begin on the quarter of an hour. Doors do not compete: what rules
// use is not missing in the portal.
//
// The time is that of the whole process while a hunt runs, shared among the
// hunts that run at once, and never more than DuckDB's threads could have
// worked. What intake does meanwhile is counted with it: there is no way to
// tell whose work a thread of DuckDB's does.
type huntQuotas struct {
	mu      sync.Mutex
	now     func() time.Time             // tells the cycles
	clock   func() time.Time             // measures
	cpu     func() (time.Duration, bool) // of the process; false where it is not known
	threads int
	budget  time.Duration // in a cycle

	running map[*huntMeter]bool
	last    time.Duration
	lastAt  time.Time
	cycles  map[quotaKey]*quotaState
}

type quotaKey struct{ tenant, door string }

type quotaState struct {
	since time.Time
	used  time.Duration
}

// huntMeter counts for one hunt.
type huntMeter struct {
	q    *huntQuotas
	key  quotaKey
	used time.Duration
}

// start begins to count, or says how long the tenant must wait.
func (q *huntQuotas) start(tenant, door string) (*huntMeter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch door {
	case "api", "rule":
	default:
		door = "portal"
	}
	m := &huntMeter{q: q, key: quotaKey{tenant, door}}
	s := q.state(m.key)
	if s.used >= q.budget {
		return nil, huntQuota(s.since.Add(quotaCycle).Sub(q.now()))
	}
	q.advance()
	if q.running == nil {
		q.running = make(map[*huntMeter]bool)
	}
	q.running[m] = true
	return m, nil
}

func (q *huntQuotas) state(key quotaKey) *quotaState {
	since := q.now().Truncate(quotaCycle)
	s := q.cycles[key]
	if s == nil || !s.since.Equal(since) {
		if q.cycles == nil {
			q.cycles = make(map[quotaKey]*quotaState)
		}
		s = &quotaState{since: since}
		q.cycles[key] = s
	}
	return s
}

// advance gives the running hunts what the process used since the last time.
func (q *huntQuotas) advance() {
	at := q.clock()
	cpu, known := q.cpu()
	spent, wall := cpu-q.last, at.Sub(q.lastAt)
	if most := wall * time.Duration(q.threads); !known || spent > most {
		spent = most
	}
	q.last, q.lastAt = cpu, at
	if n := len(q.running); n > 0 {
		for m := range q.running {
			m.used += spent / time.Duration(n)
		}
	}
}

// stop ends the counting and gives the time used and its share of the budget.
func (m *huntMeter) stop(elapsed time.Duration) (used time.Duration, share float64) {
	q := m.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.advance()
	delete(q.running, m)
	m.used = min(m.used, elapsed*time.Duration(q.threads))
	q.state(m.key).used += m.used
	return m.used, float64(m.used) / float64(q.budget)
}

// huntSlots bounds how many hunts run at once, and how many wait for that.
type huntSlots struct {
	slots   chan struct{}
	waiting chan struct{}
}

func newHuntSlots(n int) huntSlots {
	return huntSlots{make(chan struct{}, n), make(chan struct{}, 16*n)}
}

func (s *huntSlots) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-s.slots }
	select {
	case s.slots <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return nil, huntError(ErrHuntBusy, tocsin.CodeUnavailable, "Too many queries are waiting to run. Please try again in a few minutes.")
	}
	select {
	case s.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
