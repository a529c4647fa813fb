package correlate

import (
	"cmp"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Placement is where Replay put one alert.
type Placement struct {
	AlertID    string
	IncidentID int64
	Why        string
	Links      []tocsin.Link
}

// Replay runs alerts, in the order given, through Decide against incidents kept
// in memory, as the case list would: the same candidates, bounds and counts.
// Incident ids are numbered from 1 in order of opening; after a merge all
// placements name the incident that stayed.
func Replay(alerts []tocsin.Alert, p Policy) []Placement {
	m := newMemory()
	out := make([]Placement, len(alerts))
	where := make([]int64, len(alerts))
	for i := range alerts {
		f := FactsOf(&alerts[i])
		keys := f.LookupKeys()
		d := Decide(f, m.candidates(keys), m.prevalence(keys), p)
		where[i] = m.place(i, f, keys, d)
		out[i] = Placement{AlertID: alerts[i].ID, Why: d.Why, Links: d.Links}
	}
	for i := range out {
		out[i].IncidentID = m.find(where[i])
	}
	return out
}

// memory is the case list of a replay.
type memory struct {
	facts     []Facts
	incidents map[int64]*memoryIncident
	of        []int64 // alert -> incident as opened
	redirect  map[int64]int64
	keys      map[tocsin.EntityKey]*memoryKey
	total     memoryKey
}

type memoryIncident struct {
	created time.Time
	updated int // the last alert's index
	alerts  []int
}

type memoryKey struct {
	alerts                []int
	rules, devices, users map[string]struct{}
}

func (k *memoryKey) known() Known {
	return Known{len(k.alerts), len(k.rules), len(k.devices), len(k.users)}
}

func (k *memoryKey) add(i int, f *Facts) {
	if k.rules == nil {
		k.rules, k.devices, k.users = map[string]struct{}{}, map[string]struct{}{}, map[string]struct{}{}
	}
	k.alerts = append(k.alerts, i)
	k.rules[f.Rule] = struct{}{}
	for j := range f.Things {
		switch t := &f.Things[j]; {
		case t.Common:
		case t.Part == PartDevice:
			k.devices[t.Keys[0].ID] = struct{}{}
		case t.Part == PartUser:
			k.users[t.Keys[0].ID] = struct{}{}
		}
	}
}

func newMemory() *memory {
	return &memory{incidents: map[int64]*memoryIncident{}, redirect: map[int64]int64{}, keys: map[tocsin.EntityKey]*memoryKey{}}
}

func (m *memory) find(id int64) int64 {
	for m.redirect[id] != 0 {
		id = m.redirect[id]
	}
	return id
}

// candidates are the incidents that share a key, those last added to first.
// Per key only the newest alerts are followed, until they name enough incidents,
// so that a key of every alert costs no more than one of a few.
func (m *memory) candidates(keys []tocsin.EntityKey) []Candidate {
	const newest = 400
	members := map[int64]map[int]bool{}
	for _, k := range keys {
		mk := m.keys[k]
		if mk == nil {
			continue
		}
		seen, last := 0, int64(0)
		for n := len(mk.alerts) - 1; n >= max(0, len(mk.alerts)-newest) && seen < MaxCandidates; n-- {
			a := mk.alerts[n]
			id := m.find(m.of[a])
			if id != last {
				seen, last = seen+1, id
			}
			if members[id] == nil {
				members[id] = map[int]bool{}
			}
			members[id][a] = true
		}
	}
	ids := make([]int64, 0, len(members))
	for id := range members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(cmp.Compare(m.incidents[b].updated, m.incidents[a].updated), cmp.Compare(b, a))
	})
	ids = ids[:min(len(ids), MaxCandidates)]
	out := make([]Candidate, 0, len(ids))
	for _, id := range ids {
		in := m.incidents[id]
		c := Candidate{IncidentID: id, Created: in.created, AlertCount: len(in.alerts)}
		at := make([]int, 0, len(members[id]))
		for a := range members[id] {
			at = append(at, a)
		}
		slices.SortFunc(at, func(a, b int) int {
			return cmp.Or(m.facts[b].Last.Compare(m.facts[a].Last), cmp.Compare(b, a))
		})
		for _, a := range at[:min(len(at), MaxMembers)] {
			c.Members = append(c.Members, m.facts[a])
		}
		out = append(out, c)
	}
	return out
}

func (m *memory) prevalence(keys []tocsin.EntityKey) Prevalence {
	p := Prevalence{Total: m.total.known(), Keys: make(map[tocsin.EntityKey]Known, len(keys))}
	for _, k := range keys {
		if mk := m.keys[k]; mk != nil {
			p.Keys[k] = mk.known()
		}
	}
	return p
}

func (m *memory) place(i int, f Facts, keys []tocsin.EntityKey, d Decision) int64 {
	id := d.IncidentID
	if d.Kind == Open {
		id = int64(len(m.incidents) + len(m.redirect) + 1)
		m.incidents[id] = &memoryIncident{created: f.First}
	}
	in := m.incidents[id]
	for _, from := range d.From {
		in.alerts = append(in.alerts, m.incidents[from].alerts...)
		delete(m.incidents, from)
		m.redirect[from] = id
	}
	in.alerts, in.updated = append(in.alerts, i), i
	m.facts, m.of = append(m.facts, f), append(m.of, id)
	m.total.add(i, &f)
	for _, k := range keys {
		mk := m.keys[k]
		if mk == nil {
			mk = &memoryKey{}
			m.keys[k] = mk
		}
		mk.add(i, &f)
	}
	return id
}
