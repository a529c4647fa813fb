package store

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/tocsinhq/tocsin"
)

// sortKey is one key of an order: a column, or idColumn.
type sortKey struct {
	col  int
	desc bool
}

const idColumn = -1

// sortKeys reads an order; ok is false when it names what the index has not.
func sortKeys(by []tocsin.Order) (keys []sortKey, ok bool) {
	if len(by) == 0 {
		return []sortKey{{colCreated, true}, {idColumn, true}}, true
	}
	desc := false
	for _, o := range by {
		f := incidents.fields[o.Field]
		desc = o.Desc
		if f.expr == "i.id" {
			keys = append(keys, sortKey{idColumn, desc})
			continue
		}
		col, ok := columnOf[f.expr]
		if !ok {
			return nil, false
		}
		keys = append(keys, sortKey{col, desc})
	}
	return append(keys, sortKey{idColumn, desc}), true
}

func (x *index) compare(keys []sortKey, a, b uint32) int {
	for _, k := range keys {
		c := cmp.Compare(a, b)
		if k.col != idColumn {
			c = cmp.Compare(x.col(k.col, a), x.col(k.col, b))
		}
		if c != 0 {
			if k.desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// maxHeap is up to how many incidents are looked at one by one for a page; of
// more the tables give it quicker by their own order.
const maxHeap = 100_000

// first are the first n incidents of a set in an order; ok is false when the
// tables are the better place to ask.
func (x *index) first(set *roaring.Bitmap, keys []sortKey, n int) (ids []uint32, ok bool) {
	field := map[int]string{colPriority: "i.priority", colSeverity: "i.severity"}[keys[0].col]
	if field == "" {
		if set.GetCardinality() > maxHeap {
			return nil, false
		}
		return x.pick(set, keys, n), true
	}
	// Few values: from the first of them on, until there are enough.
	values := slices.Clone(x.fields[field])
	slices.SortFunc(values, func(a, b uint32) int {
		c := cmp.Compare(x.values[a].num, x.values[b].num)
		if keys[0].desc {
			return -c
		}
		return c
	})
	for _, v := range values {
		if len(ids) >= n {
			break
		}
		part := roaring.And(set, x.values[v].bits)
		if part.IsEmpty() {
			continue
		}
		if len(keys) > 2 && part.GetCardinality() > maxHeap {
			return nil, false
		}
		ids = append(ids, x.pick(part, keys[1:], n-len(ids))...)
	}
	return ids, true
}

// pick sorts no more than the n that are wanted.
func (x *index) pick(set *roaring.Bitmap, keys []sortKey, n int) []uint32 {
	if keys[0].col == idColumn {
		out := make([]uint32, 0, min(n, int(set.GetCardinality())))
		it := set.Iterator()
		if keys[0].desc {
			back := set.ReverseIterator()
			for len(out) < n && back.HasNext() {
				out = append(out, back.Next())
			}
			return out
		}
		for len(out) < n && it.HasNext() {
			out = append(out, it.Next())
		}
		return out
	}
	h := worst{x: x, keys: keys}
	for it := set.Iterator(); it.HasNext(); {
		id := it.Next()
		switch {
		case len(h.ids) < n:
			heap.Push(&h, id)
		case n > 0 && x.compare(keys, id, h.ids[0]) < 0:
			h.ids[0] = id
			heap.Fix(&h, 0)
		}
	}
	slices.SortFunc(h.ids, func(a, b uint32) int { return x.compare(keys, a, b) })
	return h.ids
}

// worst is a heap with the last of its incidents on top.
type worst struct {
	x    *index
	keys []sortKey
	ids  []uint32
}

func (h *worst) Len() int           { return len(h.ids) }
func (h *worst) Less(i, j int) bool { return h.x.compare(h.keys, h.ids[i], h.ids[j]) > 0 }
func (h *worst) Swap(i, j int)      { h.ids[i], h.ids[j] = h.ids[j], h.ids[i] }
func (h *worst) Push(v any)         { h.ids = append(h.ids, v.(uint32)) }
func (h *worst) Pop() any {
	v := h.ids[len(h.ids)-1]
	h.ids = h.ids[:len(h.ids)-1]
	return v
}
