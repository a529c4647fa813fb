package cases

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// maxOpenAlerts is how many alerts of open incidents one tenant's index holds;
// of more, those that came first are no candidates. An alert takes about 600
// bytes.
const maxOpenAlerts = 100_000

// maxKeptFacts is how many digests of them are held beside it; others are read
// when they are looked at.
const maxKeptFacts = 16_000

// openAlert is an alert of an open incident in the index.
type openAlert struct {
	id       string
	incident int64
	last     int64 // its last activity, microseconds since 1970
	keys     []int64
	facts    *correlate.Facts // nil: not read yet, or forgotten
	met      uint64           // by which search
	kept     bool             // the place is in openIndex.kept
}

// openIndex finds alerts of open incidents by their keys. It is made from the
// store and follows it, batch by batch; what it says is true of the transaction
// that it serves.
type openIndex struct {
	slab   []openAlert
	free   []uint32
	byID   map[string]uint32
	byKey  map[int64][]uint32 // in the order of last and id
	of     map[int64][]uint32 // by incident
	stands map[int64]store.Standing
	came   []string // ids in the order of coming, of those gone again too
	kept   []uint32 // whose facts are held, oldest first
	search uint64
	most   int // alerts; maxOpenAlerts
	facts  int // of them; maxKeptFacts
}

func newOpenIndex() *openIndex {
	return &openIndex{byID: map[string]uint32{}, byKey: map[int64][]uint32{}, of: map[int64][]uint32{}, stands: map[int64]store.Standing{},
		most: maxOpenAlerts, facts: maxKeptFacts}
}

// order is that of the lists of byKey.
func (x *openIndex) order(a, b uint32) int {
	p, q := &x.slab[a], &x.slab[b]
	return cmp.Or(cmp.Compare(p.last, q.last), strings.Compare(p.id, q.id))
}

// add takes in an alert, or a known one anew.
func (x *openIndex) add(a openAlert) uint32 {
	if have, ok := x.byID[a.id]; ok {
		x.remove(have)
	}
	var n uint32
	if last := len(x.free) - 1; last >= 0 {
		n, x.free = x.free[last], x.free[:last]
		a.kept = x.slab[n].kept
		x.slab[n] = a
	} else {
		n = uint32(len(x.slab))
		x.slab = append(x.slab, a)
	}
	x.byID[a.id] = n
	x.of[a.incident] = append(x.of[a.incident], n)
	for _, k := range a.keys {
		list := x.byKey[k]
		at := len(list)
		if at > 0 && x.order(list[at-1], n) > 0 {
			at, _ = slices.BinarySearchFunc(list, n, x.order)
		}
		x.byKey[k] = slices.Insert(list, at, n)
	}
	x.came = append(x.came, a.id)
	x.shrink()
	return n
}

// shrink keeps the index within its bounds.
func (x *openIndex) shrink() {
	for len(x.byID) > x.most {
		if n, ok := x.byID[x.came[0]]; ok {
			x.remove(n)
		}
		x.came = x.came[1:]
	}
	if len(x.came) > 2*x.most {
		x.came = slices.DeleteFunc(x.came, func(id string) bool { _, ok := x.byID[id]; return !ok })
	}
}

func (x *openIndex) remove(n uint32) {
	a := &x.slab[n]
	for _, k := range a.keys {
		list := x.byKey[k]
		if at, ok := slices.BinarySearchFunc(list, n, x.order); ok {
			list = slices.Delete(list, at, at+1)
		}
		if len(list) == 0 {
			delete(x.byKey, k)
		} else {
			x.byKey[k] = list
		}
	}
	of := x.of[a.incident]
	if at := slices.Index(of, n); at >= 0 {
		of = slices.Delete(of, at, at+1)
	}
	if len(of) == 0 {
		delete(x.of, a.incident)
		delete(x.stands, a.incident)
	} else {
		x.of[a.incident] = of
	}
	delete(x.byID, a.id)
	x.slab[n] = openAlert{kept: a.kept}
	x.free = append(x.free, n)
}

// replace makes the alerts of an incident what the store says they are.
func (x *openIndex) replace(incident int64, alerts []store.OpenAlert, stands map[int64]store.Standing) {
	facts := map[string]*correlate.Facts{}
	for _, n := range slices.Clone(x.of[incident]) {
		facts[x.slab[n].id] = x.slab[n].facts
		x.remove(n)
	}
	for _, a := range alerts {
		n := x.add(openAlert{id: a.ID, incident: a.IncidentID, last: a.Last.UnixMicro(), keys: a.Keys})
		if f := facts[a.ID]; f != nil && f.Last.UnixMicro() == x.slab[n].last {
			x.keep(n, f)
		}
	}
	for id, st := range stands {
		x.stands[id] = st
	}
}

// move puts all alerts of one incident into another.
func (x *openIndex) move(from, to int64) {
	for _, n := range x.of[from] {
		x.slab[n].incident = to
	}
	x.of[to] = append(x.of[to], x.of[from]...)
	delete(x.of, from)
	delete(x.stands, from)
}

// keep holds the facts of an alert, and lets those go that are held longest.
func (x *openIndex) keep(n uint32, f *correlate.Facts) {
	a := &x.slab[n]
	a.facts = f
	if a.kept {
		return
	}
	a.kept = true
	x.kept = append(x.kept, n)
	if len(x.kept) > x.facts {
		old := &x.slab[x.kept[0]]
		old.facts, old.kept = nil, false
		x.kept = x.kept[1:]
	}
}

// reach is how far a search looks.
type reach struct {
	at     time.Time
	window time.Duration // on either side of at
	// Of a busy key the near nearest alerts before at count, and near more of
	// other incidents out of the looked nearest, so that a large incident does
	// not hide the small ones beside it. After at it is a quarter of that.
	near, looked int
	limit        int // of all sightings
}

// sightings are the alerts that carry one of the keys: of a rare key all within
// the window, of a busy one those nearest in time, until there are r.limit. An
// alert that carries several keys counts several times and comes once. The
// newest come first.
func (x *openIndex) sightings(rare, busy []int64, r reach) []uint32 {
	x.search++
	var out []uint32
	n := 0
	see := func(refs ...uint32) {
		for _, ref := range refs {
			if n++; n > r.limit {
				return
			}
			if a := &x.slab[ref]; a.met != x.search {
				a.met = x.search
				out = append(out, ref)
			}
		}
	}
	from, at, to := r.at.Add(-r.window).UnixMicro(), r.at.UnixMicro(), r.at.Add(r.window).UnixMicro()
	for _, k := range rare {
		list := x.byKey[k]
		see(list[x.first(list, from):x.first(list, to+1)]...)
	}
	for _, k := range busy {
		if n >= r.limit {
			break
		}
		list := x.byKey[k]
		now := x.first(list, at+1)
		before := slices.Clone(list[max(x.first(list, from), now-r.looked):now])
		slices.Reverse(before)
		see(x.nearest(before, r.near)...)
		after := list[now:x.first(list, to+1)]
		see(x.nearest(after[:min(len(after), max(1, r.looked/4))], max(1, r.near/4))...)
	}
	slices.SortFunc(out, func(a, b uint32) int {
		p, q := &x.slab[a], &x.slab[b]
		return cmp.Or(cmp.Compare(q.last, p.last), strings.Compare(p.id, q.id))
	})
	return out
}

// first is the place in a list of the first alert at a time or later.
func (x *openIndex) first(list []uint32, at int64) int {
	n, _ := slices.BinarySearchFunc(list, at, func(ref uint32, at int64) int { return cmp.Compare(x.slab[ref].last, at) })
	return n
}

// otherIncidents is how many incidents the second look leaves out.
const otherIncidents = 8

// nearest are the near first of the list, and near more of other incidents than
// those that fill it.
func (x *openIndex) nearest(list []uint32, near int) []uint32 {
	if len(list) < near {
		return list
	}
	out := slices.Clone(list[:near])
	count := map[int64]int{}
	for _, n := range out {
		count[x.slab[n].incident]++
	}
	large := make([]int64, 0, len(count))
	for id := range count {
		large = append(large, id)
	}
	slices.SortFunc(large, func(a, b int64) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	large = large[:min(len(large), otherIncidents)]
	for _, n := range list {
		if len(out) >= 2*near {
			break
		}
		if !slices.Contains(large, x.slab[n].incident) {
			out = append(out, n)
		}
	}
	return out
}
