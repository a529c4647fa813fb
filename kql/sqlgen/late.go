package sqlgen

import "strings"

// Rows of a stored table are wide, and most of a hunt's work is to find the few
// that are shown: the newest hundred, the last one of each device. Reading
// nothing but the keys, choosing rows by their ids and reading those in full
// afterwards is many times faster.

// lateColumns is how many columns more than the keys make it worth while.
const lateColumns = 3

// lateRows makes the first rows of an order ones that are read late.
func (g *gen) lateRows(r *rel) {
	if r.table == nil || len(r.order) == 0 || len(r.cols) < lateColumns+len(r.order) || len(r.hidden) > 0 {
		return
	}
	id := g.f("rowid", r.table.alias)
	ids := "SELECT " + id + r.tail()
	r.where, r.limit, r.table = []string{id + " IN (" + ids + ")"}, "", nil
}

// pickLate picks a row of each group by its id.
func (c aggCall) pickLate(pick func(row string) string, xs []expr) ([]expr, bool) {
	a := c.aggregation
	if a.r.table == nil || a.late != "" || !a.grouped || len(a.r.hidden) > 0 || len(xs) < 2 {
		return nil, false
	}
	a.late, a.lateID = c.g.name("r"), pick(c.g.f("rowid", a.r.table.alias))
	out := make([]expr, len(xs))
	for i, x := range xs {
		x.atom, x.picked = false, true
		out[i] = x
	}
	return out, true
}

// uniqueLate keeps one row for each value of the keys of a stored table.
func (g *gen) uniqueLate(r *rel, keys []string) bool {
	if r.table == nil || len(r.order) > 0 || len(r.hidden) > 0 || len(r.cols) < lateColumns {
		return false
	}
	id := g.f("rowid", r.table.alias)
	ids := "SELECT " + g.f("first", id) + r.tail() + " GROUP BY " + strings.Join(keys, ", ")
	r.where, r.table = []string{id + " IN (" + ids + ")"}, nil
	return true
}
