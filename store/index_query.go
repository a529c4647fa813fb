package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/tocsinhq/tocsin"
)

// asker answers one query out of an index, which it holds for reading.
type asker struct {
	x    *index
	tx   *Tx
	fold func(string) string
	kept map[string]*roaring.Bitmap // searches already made
}

// asker holds the index for one query, until done; nil when there is none for
// these things, or none yet.
func (tx *Tx) asker(n noun) *asker {
	if n.name != incidents.name {
		return nil
	}
	x := tx.index()
	if x == nil {
		return nil
	}
	x.mu.RLock()
	return &asker{x: x, tx: tx, fold: tx.s.dialect.fold, kept: map[string]*roaring.Bitmap{}}
}

func (k *asker) done() { k.x.mu.RUnlock() }

// facet counts the values of one property; ok is false when the tables have to.
func (k *asker) facet(f field, q tocsin.Query) (out []tocsin.FacetCount, ok bool, err error) {
	name := f.expr
	if f.kind == labelField {
		name = labelKey(f.expr)
	}
	values, known := k.x.fields[name]
	set, ok, err := k.matches(q)
	if err != nil || !ok || f.from != "" || !known && f.kind != labelField {
		return nil, false, err
	}
	for _, v := range values {
		v := k.x.values[v]
		if c := set.AndCardinality(v.bits); c > 0 {
			fc := tocsin.FacetCount{Value: v.text, Count: int64(c)}
			if f.kind == rankField {
				fc.Value = string(severityOf(int(v.num)))
			}
			out = append(out, fc)
		}
	}
	rank := func(c tocsin.FacetCount) int {
		if f.kind == rankField {
			return tocsin.Severity(c.Value).Rank()
		}
		return 0
	}
	slices.SortFunc(out, func(a, b tocsin.FacetCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(len(out), maxFacetValues)], true, nil
}

// page are the numbers of one page, as Tx.page answers; ok is false when the
// tables have to.
func (k *asker) page(q tocsin.Query) (ids []int64, total int64, more, ok bool, err error) {
	set, ok, err := k.matches(q)
	if err != nil || !ok {
		return nil, 0, false, false, err
	}
	keys, ok := sortKeys(q.OrderBy)
	if !ok {
		return nil, 0, false, false, nil
	}
	top := pageSize(q)
	found, ok := k.x.first(set, keys, q.Skip+top+1)
	if !ok {
		return nil, 0, false, false, nil
	}
	found = found[min(q.Skip, len(found)):]
	for _, id := range found[:min(top, len(found))] {
		ids = append(ids, int64(id))
	}
	total = -1
	if q.Count {
		total = int64(set.GetCardinality())
	}
	return ids, total, len(found) > top, true, nil
}

// count is how many incidents match; ok is false when the tables have to say.
func (k *asker) count(q tocsin.Query) (n int64, ok bool, err error) {
	set, ok, err := k.matches(q)
	if !ok || err != nil {
		return 0, false, err
	}
	return int64(set.GetCardinality()), true, nil
}

// matches are the incidents that a query asks for; ok is false when the index
// cannot tell, which is no error: the tables can.
func (k *asker) matches(q tocsin.Query) (set *roaring.Bitmap, ok bool, err error) {
	set = k.x.all
	if q.Filter != nil {
		if set, ok = k.filter(q.Filter); !ok {
			return nil, false, nil
		}
	}
	if !namesRedirected(q.Filter) {
		if n, found := k.x.ids[valueKey{"i.status", string(tocsin.IncidentRedirected)}]; found {
			set = roaring.AndNot(set, k.x.values[n].bits)
		}
	}
	if s := strings.TrimSpace(q.Search); s != "" {
		found, ok, err := k.search(s)
		if err != nil || !ok {
			return nil, false, err
		}
		set = roaring.And(set, found)
	}
	return set, true, nil
}

func (k *asker) filter(f tocsin.Filter) (*roaring.Bitmap, bool) {
	switch f := f.(type) {
	case tocsin.And:
		out := k.x.all
		for _, t := range f {
			s, ok := k.filter(t)
			if !ok {
				return nil, false
			}
			out = roaring.And(out, s)
		}
		return out, true
	case tocsin.Or:
		out := roaring.New()
		for _, t := range f {
			s, ok := k.filter(t)
			if !ok {
				return nil, false
			}
			out.Or(s)
		}
		return out, true
	case tocsin.Not:
		s, ok := k.filter(f.Filter)
		if !ok {
			return nil, false
		}
		return roaring.AndNot(k.x.all, s), true
	case tocsin.Compare:
		return k.compare(f.Field, f.Op, f.Value)
	case tocsin.In:
		out := roaring.New()
		for _, v := range f.Values {
			s, ok := k.compare(f.Field, tocsin.Eq, v)
			if !ok {
				return nil, false
			}
			out.Or(s)
		}
		return out, true
	case tocsin.Any:
		return k.any(f)
	}
	return nil, false
}

// some is the union of the values of a field that pass a test.
func (k *asker) some(field string, pass func(v *indexValue) bool) *roaring.Bitmap {
	var sets []*roaring.Bitmap
	for _, n := range k.x.fields[field] {
		if v := k.x.values[n]; pass(v) {
			sets = append(sets, v.bits)
		}
	}
	if len(sets) == 1 {
		return sets[0]
	}
	return roaring.FastOr(sets...)
}

func holds[T int64 | float64 | string](op tocsin.CompareOp, a, b T) bool {
	switch op {
	case tocsin.Eq:
		return a == b
	case tocsin.Ne:
		return a != b
	case tocsin.Lt:
		return a < b
	case tocsin.Le:
		return a <= b
	case tocsin.Gt:
		return a > b
	case tocsin.Ge:
		return a >= b
	}
	return false
}

func textHolds(op tocsin.CompareOp, have, want string) bool {
	switch op {
	case tocsin.Contains:
		return strings.Contains(have, want)
	case tocsin.StartsWith:
		return strings.HasPrefix(have, want)
	case tocsin.EndsWith:
		return strings.HasSuffix(have, want)
	}
	return holds(op, have, want)
}

// compare has the rules of compiler.compare, which has already refused what is
// wrong with the query.
func (k *asker) compare(name string, op tocsin.CompareOp, value any) (*roaring.Bitmap, bool) {
	f := incidents.fields[name]
	v, err := f.value(name, value)
	if err != nil {
		return nil, false
	}
	switch f.kind {
	case enumField, textField:
		s, _ := v.(string)
		if _, known := k.x.fields[f.expr]; !known {
			return nil, false
		}
		switch op {
		case tocsin.Contains, tocsin.StartsWith, tocsin.EndsWith:
			return k.some(f.expr, func(v *indexValue) bool { return textHolds(op, k.fold(v.text), k.fold(s)) }), true
		case tocsin.Eq:
			return k.one(f.expr, s), true
		case tocsin.Ne:
			return roaring.AndNot(k.x.all, k.one(f.expr, s)), true
		}
		return k.some(f.expr, func(v *indexValue) bool { return holds(op, v.text, s) }), true
	case rankField, numberField, timeField:
		return k.number(f, op, v)
	}
	return nil, false
}

func (k *asker) one(field, text string) *roaring.Bitmap {
	if n, ok := k.x.ids[valueKey{field, text}]; ok {
		return k.x.values[n].bits
	}
	return roaring.New()
}

func (k *asker) number(f field, op tocsin.CompareOp, v any) (*roaring.Bitmap, bool) {
	var pass func(int64) bool
	switch n := v.(type) {
	case int:
		pass = func(have int64) bool { return holds(op, have, int64(n)) }
	case int64:
		pass = func(have int64) bool { return holds(op, have, n) }
	case float64:
		pass = func(have int64) bool { return holds(op, float64(have), n) }
	default:
		return nil, false
	}
	if f.expr == "i.id" {
		n, whole := v.(int64)
		if op != tocsin.Eq || !whole || n < 0 || n >= 1<<31 {
			return nil, false
		}
		if k.x.all.Contains(uint32(n)) {
			return roaring.BitmapOf(uint32(n)), true
		}
		return roaring.New(), true
	}
	col, ok := columnOf[f.expr]
	if !ok {
		return nil, false
	}
	if _, few := k.x.fields[f.expr]; few { // a rank or the score
		return k.some(f.expr, func(v *indexValue) bool { return pass(v.num) }), true
	}
	// A time that is not set is neither before nor after any other.
	if f.kind == timeField && op != tocsin.Eq && op != tocsin.Ne {
		inner := pass
		pass = func(have int64) bool { return have != 0 && inner(have) }
	}
	return k.scan(col, op, pass), true
}

// scan goes through a column. Blocks that lie wholly inside or outside are
// taken or left without a look, which for the times of a queue are most.
func (k *asker) scan(col int, op tocsin.CompareOp, pass func(int64) bool) *roaring.Bitmap {
	out := roaring.New()
	var found []uint32
	ordered := op != tocsin.Eq && op != tocsin.Ne
	for n, b := range k.x.blocks {
		if b == nil || !b.used {
			continue
		}
		first := uint32(n * blockSize)
		if ordered && b.least[col] != 0 {
			low, high := pass(b.least[col]), pass(b.most[col])
			if low && high {
				out.AddRange(uint64(first), uint64(first)+blockSize)
				continue
			}
			if !low && !high {
				continue
			}
		}
		found = found[:0]
		for i, v := range &b.cols[col] {
			if pass(v) {
				found = append(found, first+uint32(i))
			}
		}
		out.AddMany(found)
	}
	out.And(k.x.all)
	return out
}

func (k *asker) any(f tocsin.Any) (*roaring.Bitmap, bool) {
	fd := incidents.fields[f.Field]
	s, ok := f.Value.(string)
	if fd.kind != labelField || fd.from != "" || !ok {
		return nil, false
	}
	s = strings.ToLower(s)
	field := labelKey(fd.expr)
	if f.Op == tocsin.Eq {
		return k.one(field, s), true
	}
	return k.some(field, func(v *indexValue) bool { return textHolds(f.Op, v.text, s) }), true
}

// search finds incidents by number, by the id of one of their alerts, and by a
// part of a name.
func (k *asker) search(s string) (*roaring.Bitmap, bool, error) {
	if k.x.names.full() {
		return nil, false, nil
	}
	if have := k.kept[s]; have != nil {
		return have, true, nil // each facet asks the same
	}
	out := roaring.New()
	if set, any := k.x.names.match(foldName(s)); any {
		k.named(set, out)
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(s, "#"), 10, 64); err == nil && n >= 0 && n < 1<<31 && k.x.all.Contains(uint32(n)) {
		out.Add(uint32(n))
	}
	var incident int64
	found, err := k.tx.one(`SELECT incident_id FROM alert WHERE tenant = $1 AND id = $2`, []any{s}, &incident)
	if err != nil {
		return nil, false, err
	}
	if found && incident < 1<<31 {
		out.Add(uint32(incident))
	}
	k.kept[s] = out
	return out, true, nil
}

// named adds the incidents that have one of a set of names.
func (k *asker) named(set []uint64, out *roaring.Bitmap) {
	has := func(o uint32) bool { return int(o/64) < len(set) && set[o/64]&(1<<(o%64)) != 0 }
	var found []uint32
	for n, b := range k.x.blocks {
		if b == nil || !b.used {
			continue
		}
		found = found[:0]
		first := uint32(n * blockSize)
		for row := range blockSize {
			if t := b.title[row]; t > 0 && has(t-1) || slices.ContainsFunc(b.part.of(row), has) {
				found = append(found, first+uint32(row))
			}
		}
		out.AddMany(found)
	}
	out.And(k.x.all)
}
