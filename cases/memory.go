package cases

import (
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// What is remembered here spares reading and counting; the store stays the
// truth. An entry is used only if the row is still the one it was made from,
// so another process that writes to the same store does no harm.

// recent is a map that forgets: when the younger half is full, the older goes.
type recent[K comparable, V any] struct {
	half       int
	young, old map[K]V
}

func (r *recent[K, V]) get(k K) (V, bool) {
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.put(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if r.young == nil || len(r.young) >= r.half {
		r.old, r.young = r.young, make(map[K]V, r.half)
	}
	r.young[k] = v
}

func (r *recent[K, V]) remove(k K) {
	delete(r.young, k)
	delete(r.old, k)
}

// factsMemory keeps the facts of alerts that were met lately.
type factsMemory struct {
	mu sync.Mutex
	m  recent[[2]string, datedFacts]
}

type datedFacts struct {
	last time.Time // of the alert when these were its facts
	f    correlate.Facts
}

func (m *factsMemory) get(tenant, id string, last time.Time) (correlate.Facts, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.m.get([2]string{tenant, id})
	return d.f, ok && d.last.Equal(last)
}

func (m *factsMemory) keep(tenant, id string, last time.Time, f correlate.Facts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m.put([2]string{tenant, id}, datedFacts{last, f})
}

// tallyMemory keeps the tallies of incidents that were counted lately.
type tallyMemory struct {
	mu sync.Mutex
	m  recent[tallyKey, versionedTally]
}

type tallyKey struct {
	tenant string
	id     int64
}

type versionedTally struct {
	version int64
	t       *tally
}

// take is the tally of the incident as the transaction sees it. It is removed
// from memory, since the caller changes it and its transaction may yet fail.
func (m *tallyMemory) take(tx *store.Tx, inc *tocsin.Incident) (*tally, error) {
	k := tallyKey{tx.Tenant(), inc.ID}
	m.mu.Lock()
	v, ok := m.m.get(k)
	m.m.remove(k)
	m.mu.Unlock()
	if ok && v.version == inc.Version {
		return v.t, nil
	}
	return loadTally(tx, inc.ID)
}

// put remembers a tally; the caller gives it away.
func (m *tallyMemory) put(inc *tocsin.Incident, t *tally) {
	if t == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m.put(tallyKey{inc.Tenant, inc.ID}, versionedTally{inc.Version, t})
}

// forget drops what is remembered of an incident.
func (m *tallyMemory) forget(inc *tocsin.Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m.remove(tallyKey{inc.Tenant, inc.ID})
}
