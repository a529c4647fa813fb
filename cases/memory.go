package cases

import (
	"slices"
	"sync"

	"github.com/tocsinhq/tocsin"
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

// engineMemory is what taking alerts remembers of one tenant: its open alerts
// and how common keys are. A transaction changes it as it goes; until that is
// committed it is not sure, and whoever finds it so begins anew from the store.
type engineMemory struct {
	sure  bool
	line  int64 // of the record, up to which it knows what happened
	open  *openIndex
	stale []int64 // incidents to be read again
	prev  *store.Prevalence
}

const (
	maxTenants      = 16   // whose memory is kept
	maxChangedLines = 5000 // of the record that are followed; after more it begins anew
)

// engineMemories are those of the tenants. Only one goroutine at a time takes
// alerts; see Cases.turn.
type engineMemories map[string]*engineMemory

// begin is the memory for a transaction, brought up to what others have changed
// since: every change of an incident is a line of the record.
func (ms engineMemories) begin(tx *store.Tx) (*engineMemory, error) {
	m := ms[tx.Tenant()]
	if m == nil {
		if len(ms) >= maxTenants {
			clear(ms)
		}
		m = &engineMemory{prev: &store.Prevalence{}}
		ms[tx.Tenant()] = m
	}
	if !m.sure {
		m.open = nil
		m.prev.Forget()
	}
	m.sure = false
	m.prev.Begin(tx)
	line, err := tx.Line()
	if err != nil {
		return nil, err
	}
	after := m.line
	m.line = line
	switch {
	case m.open == nil:
		return m, m.load(tx)
	case after == line && len(m.stale) == 0:
		return m, nil
	}
	ids, alerts, all, err := tx.ChangedIncidents(after, maxChangedLines)
	if err != nil {
		return nil, err
	}
	if alerts || !all {
		m.prev.Forget()
		m.prev.Begin(tx)
	}
	if !all {
		return m, m.load(tx)
	}
	for _, id := range append(ids, m.stale...) {
		found, stands, err := tx.OpenAlertsOf(id, maxOpenAlerts)
		if err != nil {
			return nil, err
		}
		m.open.replace(id, found, stands)
	}
	return m, nil
}

// settle makes the memory sure, once the transaction that changed it and the
// incidents is durable.
func (m *engineMemory) settle(changed []*openIncident, reopened []int64, line int64) {
	for _, oi := range changed {
		if inc := &oi.inc; inc.Open() && len(m.open.of[inc.ID]) > 0 {
			m.open.stands[inc.ID] = store.Standing{Status: inc.Status, AssignedTo: inc.AssignedTo, Classification: inc.Classification,
				Determination: inc.Determination, Created: inc.Created, AlertCount: inc.AlertCount}
		}
	}
	m.line, m.stale, m.sure = line, reopened, true
}

func (m *engineMemory) load(tx *store.Tx) error {
	found, stands, err := tx.OpenAlerts(maxOpenAlerts)
	if err != nil {
		return err
	}
	m.open = newOpenIndex()
	// Newest incidents come first, and what came first is forgotten first.
	slices.Reverse(found)
	for _, a := range found {
		m.open.add(openAlert{id: a.ID, incident: a.IncidentID, last: a.Last.UnixMicro(), keys: a.Keys})
	}
	m.open.stands = stands
	return nil
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
