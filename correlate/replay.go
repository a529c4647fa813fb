package correlate

import (
	"cmp"
	"maps"
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
	r := NewReplayer(p, nil)
	out := make([]Placement, len(alerts))
	for i := range alerts {
		d := r.Take(FactsOf(&alerts[i]), nil)
		out[i] = Placement{AlertID: alerts[i].ID, Why: d.Why, Links: d.Links}
	}
	for i, id := range r.Placed() {
		out[i].IncidentID = id
	}
	return out
}

// Replayer is a Replay that is given one alert after another. It keeps the
// digests of all: some kilobytes for each alert. It is not for several
// goroutines at a time.
type Replayer struct {
	p       Policy
	doubted map[tocsin.EntityKey]int
	m       *memory
}

// NewReplayer begins a replay without incidents; doubted is as in Prevalence.
func NewReplayer(p Policy, doubted map[tocsin.EntityKey]int) *Replayer {
	return &Replayer{p: p, doubted: doubted, m: newMemory()}
}

// Take puts the next alert into an incident. The names of its assets count
// towards Policy.MaxEntities.
func (r *Replayer) Take(f Facts, assets []string) Decision {
	keys := f.LookupKeys()
	prev := r.m.prevalence(keys)
	prev.Doubted = r.doubted
	d := Decide(f, r.m.candidates(keys), prev, r.p)
	if d.Kind == Merge {
		r.m.bound(&d, r.p.MaxEntities)
	}
	r.m.place(len(r.m.of), f, keys, assets, d)
	return d
}

// Placed are the incidents of all alerts so far, in the order in which they
// were taken.
func (r *Replayer) Placed() []int64 {
	out := make([]int64, len(r.m.of))
	for i, id := range r.m.of {
		out[i] = r.m.find(id)
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
	groups  []int64
	assets  map[string]struct{}
}

type memoryKey struct {
	alerts                []int
	rules, devices, users distinct
}

// distinct is a set of texts; most have one or two.
type distinct struct {
	few  []string
	many map[string]struct{}
}

func (d *distinct) add(s string) {
	switch {
	case d.many != nil:
		d.many[s] = struct{}{}
	case slices.Contains(d.few, s):
	case len(d.few) < 8:
		d.few = append(d.few, s)
	default:
		d.many = map[string]struct{}{s: {}}
		for _, have := range d.few {
			d.many[have] = struct{}{}
		}
		d.few = nil
	}
}

func (d *distinct) len() int { return len(d.few) + len(d.many) }

func (k *memoryKey) known() Known {
	return Known{len(k.alerts), k.rules.len(), k.devices.len(), k.users.len()}
}

func (k *memoryKey) add(i int, f *Facts) {
	k.alerts = append(k.alerts, i)
	k.rules.add(f.Rule)
	for j := range f.Things {
		switch t := &f.Things[j]; {
		case t.Common:
		case t.Part == PartDevice:
			k.devices.add(t.Keys[0].ID)
		case t.Part == PartUser:
			k.users.add(t.Keys[0].ID)
		}
	}
}

func newMemory() *memory {
	return &memory{incidents: map[int64]*memoryIncident{}, redirect: map[int64]int64{}, keys: map[tocsin.EntityKey]*memoryKey{}}
}

// bound leaves out of a merge what would give the incident too many assets.
func (m *memory) bound(d *Decision, most int) {
	all := maps.Clone(m.incidents[d.IncidentID].assets)
	if all == nil {
		all = map[string]struct{}{}
	}
	var from []int64
	for _, id := range d.From {
		n := len(all)
		for a := range m.incidents[id].assets {
			if _, ok := all[a]; !ok {
				n++
			}
		}
		if n > most {
			d.TooMany(id, n, most)
			continue
		}
		maps.Copy(all, m.incidents[id].assets)
		from = append(from, id)
	}
	d.Narrow(from)
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
		c := Candidate{IncidentID: id, Created: in.created, AlertCount: len(in.alerts), Groups: in.groups}
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

func (m *memory) place(i int, f Facts, keys []tocsin.EntityKey, assets []string, d Decision) {
	id := d.IncidentID
	if d.Kind == Open {
		id = int64(len(m.incidents) + len(m.redirect) + 1)
		m.incidents[id] = &memoryIncident{created: f.First}
	}
	in := m.incidents[id]
	for _, from := range d.From {
		src := m.incidents[from]
		in.alerts = append(in.alerts, src.alerts...)
		in.widen(src.groups, slices.Collect(maps.Keys(src.assets)))
		delete(m.incidents, from)
		m.redirect[from] = id
	}
	in.alerts, in.updated = append(in.alerts, i), i
	in.widen(f.Groups, assets)
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
}

func (in *memoryIncident) widen(groups []int64, assets []string) {
	for _, g := range groups {
		if !slices.Contains(in.groups, g) {
			in.groups = append(in.groups, g)
		}
	}
	for _, a := range assets {
		if in.assets == nil {
			in.assets = map[string]struct{}{}
		}
		in.assets[a] = struct{}{}
	}
}
