package sqlgen

import (
	"github.com/tocsinhq/tocsin/kql"
)

// What happened on one device within minutes of something else: a join on the
// device and a condition on two times. A hash join would look at all pairs of a
// device's rows. Cutting time into slices as long as the window makes the slice
// another key: a row falls into one slice, and the window of a row of the other
// side into two, under both of which that row is put. A pair meets at most once,
// and the condition itself still decides.

// timeWindow says that left - right is from low to high, in ticks, for a
// datetime column of each side of a join.
type timeWindow struct {
	left, right *kql.ColRef
	low, high   int64
	// wide: the left side's rows are put under two slices, not the right's.
	wide bool
}

const (
	narrowestWindow = kql.TicksPerSecond
	widestWindow    = 2 * kql.TicksPerDay
)

// filters takes filters off a plan.
func filters(n kql.Rel) (in kql.Rel, preds []kql.Scalar) {
	for {
		f, ok := n.(*kql.Filter)
		if !ok {
			return n, preds
		}
		preds = append(preds, conjuncts(f.Pred, nil)...)
		n = f.In
	}
}

func conjuncts(x kql.Scalar, out []kql.Scalar) []kql.Scalar {
	if c, ok := x.(*kql.Call); ok && c.Func.Name == "and" {
		for _, a := range c.Args {
			out = conjuncts(a, out)
		}
		return out
	}
	return append(out, x)
}

// windowOf finds a window of time among conditions on the rows of a join.
func windowOf(n *kql.Join, preds []kql.Scalar) *timeWindow {
	if (n.Kind != kql.Inner && n.Kind != kql.InnerUnique) || len(n.On) == 0 {
		return nil
	}
	side := map[kql.ColID]int{}
	for _, c := range n.Left.Columns() {
		side[c.ID] = 1
	}
	for _, c := range n.Right.Columns() {
		side[c.ID] = -1
	}
	type pair struct{ left, right kql.ColID }
	found := map[pair]*timeWindow{}
	var lows, highs = map[pair]bool{}, map[pair]bool{}
	// bound notes that d >= 0, or d <= 0.
	bound := func(d distance, ok, least bool) {
		if !ok || d.plus == nil || d.minus == nil || side[d.plus.Col.ID]*side[d.minus.Col.ID] != -1 {
			return
		}
		// plus - minus >= -ticks
		limit := -d.ticks
		if side[d.plus.Col.ID] == -1 {
			d.plus, d.minus, limit, least = d.minus, d.plus, -limit, !least
		}
		p := pair{d.plus.Col.ID, d.minus.Col.ID}
		w := found[p]
		if w == nil {
			w = &timeWindow{left: d.plus, right: d.minus}
			found[p] = w
		}
		if least && (!lows[p] || limit > w.low) {
			w.low, lows[p] = limit, true
		}
		if !least && (!highs[p] || limit < w.high) {
			w.high, highs[p] = limit, true
		}
	}
	for _, x := range preds {
		c, ok := x.(*kql.Call)
		if !ok {
			continue
		}
		switch name := c.Func.Name; {
		case name == "between" && len(c.Args) == 3:
			d, ok := apart(c.Args[0], c.Args[1])
			bound(d, ok, true)
			d, ok = apart(c.Args[0], c.Args[2])
			bound(d, ok, false)
		case (name == ">" || name == ">=") && len(c.Args) == 2:
			d, ok := apart(c.Args[0], c.Args[1])
			bound(d, ok, true)
		case (name == "<" || name == "<=") && len(c.Args) == 2:
			d, ok := apart(c.Args[0], c.Args[1])
			bound(d, ok, false)
		}
	}
	var best *timeWindow
	for p, w := range found {
		width := w.high - w.low
		if lows[p] && highs[p] && width >= 0 && width <= widestWindow && (best == nil || width < best.high-best.low) {
			best = w
		}
	}
	if best != nil {
		// The side with more conditions has fewer rows, most likely.
		best.wide = conditions(n.Left) > conditions(n.Right)
	}
	return best
}

// conditions counts the conditions on the rows of a plan.
func conditions(n kql.Rel) int {
	switch n := n.(type) {
	case *kql.Filter:
		return conditions(n.In) + len(conjuncts(n.Pred, nil))
	case *kql.Project:
		return conditions(n.In)
	case *kql.Aggregated:
		return conditions(n.In) + 1
	case *kql.Values:
		return 100
	}
	return 0
}

// distance is plus - minus + ticks, of datetimes and timespans.
type distance struct {
	plus, minus *kql.ColRef
	ticks       int64
}

// apart is x - y as a distance.
func apart(x, y kql.Scalar) (distance, bool) {
	a, ok := linear(x)
	if !ok {
		return a, false
	}
	b, ok := linear(y)
	if !ok {
		return b, false
	}
	return a.sub(b)
}

// linear takes sums and differences of datetime columns and constants apart.
// Constants are bounded, so that nothing overflows.
func linear(x kql.Scalar) (distance, bool) {
	switch x := x.(type) {
	case *kql.ColRef:
		return distance{plus: x}, x.Col.Type == kql.DateTime
	case *kql.Const:
		v := x.Value
		if v.IsNull() || v.Type() != kql.TimeSpan || v.Int() > widestWindow || v.Int() < -widestWindow {
			return distance{}, false
		}
		return distance{ticks: v.Int()}, true
	case *kql.Call:
		if len(x.Args) != 2 || x.Func.Name != "+" && x.Func.Name != "-" {
			break
		}
		a, ok := linear(x.Args[0])
		if !ok {
			break
		}
		b, ok := linear(x.Args[1])
		if !ok {
			break
		}
		if x.Func.Name == "-" {
			return a.sub(b)
		}
		return a.sub(distance{plus: b.minus, minus: b.plus, ticks: -b.ticks})
	}
	return distance{}, false
}

func (a distance) sub(b distance) (distance, bool) {
	d := distance{plus: a.plus, minus: a.minus, ticks: a.ticks - b.ticks}
	if b.plus != nil {
		if d.minus != nil {
			return d, false
		}
		d.minus = b.plus
	}
	if b.minus != nil {
		if d.plus != nil {
			return d, false
		}
		d.plus = b.minus
	}
	const most = 8 * widestWindow
	return d, d.ticks <= most && d.ticks >= -most
}

// slice adds the number of a row's slice as a hidden column, the last one. With
// two, rows come under the slice that begins the window and the one behind it.
// offset is what the window begins later than the column.
func (g *gen) slice(r *rel, col *kql.ColRef, w *timeWindow, offset int64, two bool) {
	g.open(r, col)
	if len(r.order) > 0 {
		g.wrap(r)
	}
	x := g.naturalOf(r.scope(), col)
	width := g.param(max(w.high-w.low, narrowestWindow), kql.Long)
	sql := x.sql
	if offset != 0 {
		sql = "(" + sql + " + " + g.param(offset, kql.Long) + ")"
	}
	// Quotients are cut towards zero: no time is before year 1, where a window
	// may begin, so those that begin there still have slice 0 or lie before all.
	sql = g.f("quotient", sql, width)
	if two {
		sql = g.f("unnest", g.f("pair", sql, sql+" + 1"))
	}
	r.hidden = append(r.hidden, column{name: g.name("w"), x: expr{t: kql.Long, sql: sql}})
}

// sliceKeys adds the slices to both sides of a join.
func (g *gen) sliceKeys(left, right *rel, w *timeWindow) {
	if w.wide {
		// right is from left - high to left - low.
		g.slice(left, w.left, w, -w.high, true)
		g.slice(right, w.right, w, 0, false)
		return
	}
	g.slice(left, w.left, w, 0, false)
	g.slice(right, w.right, w, w.low, true)
}

// sliced takes the last hidden column of both sides of a join off and gives the
// condition on them.
func sliced(left, right *rel) string {
	i, j := len(left.hidden)-1, len(right.hidden)-1
	cond := left.hidden[i].x.sql + " = " + right.hidden[j].x.sql
	left.hidden, right.hidden = left.hidden[:i], right.hidden[:j]
	return cond
}
