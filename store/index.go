package store

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/tocsinhq/tocsin"
)

// An index holds in memory what the queue of one tenant filters, sorts, counts
// and searches by, so that facets are exact and a page is quick whatever the
// combination of filters: for each value of a property the set of incidents
// that have it, and the times and counts as columns. It takes about 200 MB for a
// million incidents. It is made from the tables when it is first needed, follows
// every commit before Update returns, and is never the truth: bodies come from
// the tables, and what it cannot answer they answer (docs/decisions/0011).
type index struct {
	mu      sync.RWMutex
	all     *roaring.Bitmap
	values  []*indexValue
	ids     map[valueKey]uint32 // number of a value in values
	fields  map[string][]uint32 // the values of a field
	blocks  []*block            // by incident number / blockSize; nil where none is
	names   dictionary
	ready   bool
	pending []indexChange // commits while it is being made
}

// valueKey is a value of a field: the column, or labelKey of the kind of label.
type valueKey struct{ field, text string }

type indexValue struct {
	valueKey
	num  int64 // of a rank or score
	bits *roaring.Bitmap
}

func labelKey(kind string) string { return "label " + kind }

// blockSize is how many incident numbers share a block of columns.
const blockSize = 1024

// The columns of numbers.
const (
	colCreated = iota
	colUpdate
	colFirst
	colLast
	colAlerts
	colActive
	colPriority
	colSeverity
	cols
)

var columnOf = map[string]int{"i.created": colCreated, "i.last_update": colUpdate, "i.first_activity": colFirst, "i.last_activity": colLast,
	"i.alert_count": colAlerts, "i.active_alerts": colActive, "i.priority": colPriority, "i.severity": colSeverity}

// block holds the columns of blockSize incidents.
type block struct {
	cols  [cols][blockSize]int64
	least [cols]int64 // of all that ever stood here: bounds for skipping
	most  [cols]int64
	title [blockSize]uint32 // ordinal of the name + 1
	value lists             // numbers of values
	part  lists             // ordinals of names of alerts and entities
	used  bool
}

// lists holds one short list for each row of a block, all in one piece of
// memory: a million separate ones would cost more than what is in them.
type lists struct {
	from [blockSize + 1]uint32
	data []uint32
}

func (l *lists) of(row int) []uint32 { return l.data[l.from[row]:l.from[row+1]] }

func (l *lists) set(row int, want []uint32) {
	have := l.of(row)
	if d := len(want) - len(have); d != 0 {
		at, end := int(l.from[row]), int(l.from[row+1])
		l.data = slices.Replace(l.data, at, end, want...)
		for i := row + 1; i <= blockSize; i++ {
			l.from[i] = uint32(int(l.from[i]) + d)
		}
		return
	}
	copy(have, want)
}

// indexChange is what one commit means for the index.
type indexChange struct {
	rows   []indexRow
	titles map[int64]int64   // incident -> name
	add    map[int64][]int64 // names that came to incidents
	set    map[int64][]int64 // all names of these incidents
	names  []indexName       // new ones
}

type indexRow struct {
	id     int64
	cols   [cols]int64
	values []indexValue // without bits
}

type indexName struct {
	id   int64
	text string
}

func newIndex() *index {
	return &index{all: roaring.New(), ids: map[valueKey]uint32{}, fields: map[string][]uint32{}}
}

// indexRowOf is what the index holds of an incident.
func indexRowOf(inc *tocsin.Incident, labels map[string][]string) indexRow {
	r := indexRow{id: inc.ID, cols: [cols]int64{micros(inc.Created), micros(inc.LastUpdate), micros(inc.FirstActivity), micros(inc.LastActivity),
		int64(inc.AlertCount), int64(inc.ActiveAlerts), int64(inc.Score), int64(inc.Severity.Rank())}}
	r.fixed(string(inc.Status), inc.AssignedTo, string(inc.Classification), string(inc.Determination))
	for kind, vs := range labels {
		for _, v := range vs[:min(len(vs), tocsin.MaxLabels)] {
			r.label(kind, strings.ToLower(v))
		}
	}
	return r
}

func (r *indexRow) fixed(status, assigned, class, det string) {
	for _, v := range []valueKey{{"i.status", status}, {"i.assigned_to", assigned}, {"i.classification", class}, {"i.determination", det}} {
		r.values = append(r.values, indexValue{valueKey: v})
	}
	for _, c := range []string{"i.severity", "i.priority"} {
		n := r.cols[columnOf[c]]
		r.values = append(r.values, indexValue{valueKey: valueKey{c, strconv.FormatInt(n, 10)}, num: n})
	}
}

func (r *indexRow) label(kind, folded string) {
	r.values = append(r.values, indexValue{valueKey: valueKey{labelKey(kind), folded}})
}

// apply brings the index up to a commit. Commits come in order.
func (x *index) apply(ch indexChange) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ready {
		x.pending = append(x.pending, ch)
		return
	}
	x.applyLocked(ch)
}

func (x *index) applyLocked(ch indexChange) {
	for _, n := range ch.names {
		x.names.add(n.id, n.text)
	}
	for i := range ch.rows {
		x.put(&ch.rows[i])
	}
	for id, name := range ch.titles {
		if b, row := x.block(id); b != nil {
			b.title[row] = x.names.ordinal(name) + 1
		}
	}
	for id, names := range ch.set {
		if b, row := x.block(id); b != nil {
			b.part.set(row, x.ordinals(nil, names))
		}
	}
	for id, names := range ch.add {
		if b, row := x.block(id); b != nil {
			if have := b.part.of(row); true {
				if all := x.ordinals(have, names); len(all) != len(have) {
					b.part.set(row, all)
				}
			}
		}
	}
}

// ordinals is have with the ordinals of further names.
func (x *index) ordinals(have []uint32, names []int64) []uint32 {
	out := slices.Clone(have)
	for _, n := range names {
		if o := x.names.ordinal(n); !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// block finds the columns of an incident and its place in them, making room.
// It is nil for a number that the sets cannot hold.
func (x *index) block(id int64) (*block, int) {
	if id < 0 || id >= 1<<31 {
		return nil, 0
	}
	n := int(id / blockSize)
	for len(x.blocks) <= n {
		x.blocks = append(x.blocks, nil)
	}
	if x.blocks[n] == nil {
		x.blocks[n] = &block{}
	}
	return x.blocks[n], int(id % blockSize)
}

func (x *index) put(r *indexRow) {
	b, row := x.block(r.id)
	if b == nil {
		return
	}
	id := uint32(r.id)
	want := make([]uint32, 0, len(r.values))
	for i := range r.values {
		if n := x.value(&r.values[i]); !slices.Contains(want, n) {
			want = append(want, n)
		}
	}
	have := b.value.of(row)
	for _, n := range have {
		if !slices.Contains(want, n) {
			x.values[n].bits.Remove(id)
		}
	}
	for _, n := range want {
		if !slices.Contains(have, n) {
			x.values[n].bits.Add(id)
		}
	}
	b.value.set(row, want)
	for c, v := range r.cols {
		b.cols[c][row] = v
		if !b.used || v < b.least[c] {
			b.least[c] = v
		}
		if !b.used || v > b.most[c] {
			b.most[c] = v
		}
	}
	b.used = true
	x.all.Add(id)
}

// value is the number of a value, given when it is new.
func (x *index) value(v *indexValue) uint32 {
	if n, ok := x.ids[v.valueKey]; ok {
		return n
	}
	n := uint32(len(x.values))
	// The text may be part of a larger one that would be kept alive by it.
	k := valueKey{v.field, strings.Clone(v.text)}
	x.values = append(x.values, &indexValue{valueKey: k, num: v.num, bits: roaring.New()})
	x.ids[k] = n
	x.fields[k.field] = append(x.fields[k.field], n)
	return n
}

// col is a number of an incident that is in the index.
func (x *index) col(c int, id uint32) int64 {
	return x.blocks[id/blockSize].cols[c][id%blockSize]
}
