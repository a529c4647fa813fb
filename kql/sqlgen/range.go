package sqlgen

import (
	"math"
	"math/big"

	"github.com/tocsinhq/tocsin/kql"
)

// mostRows is the longest range that is made. A longer one is refused rather
// than cut.
const mostRows = 100_000_000

// rangeTable is range x from a to b step c.
func (g *gen) rangeTable(n *kql.Range) *rel {
	t := n.Col.Type
	from, to, step := constOf(n.From), constOf(n.To), constOf(n.Step)
	alias := g.name("t")
	r := &rel{g: g, ordered: true, small: true}
	x := expr{t: t, bits: bitsOf(t), null: true}
	if from != nil && to != nil && step != nil {
		count, ok := rangeCount(*from, *to, *step)
		switch {
		case !ok:
			g.fail(n.Step.Pos(), "the step of a range must not be zero")
		case count > mostRows:
			g.fail(n.To.Pos(), "a range of more than %d rows is too long", mostRows)
		}
		if count == 0 {
			return g.nothing([]kql.Column{n.Col})
		}
		start, by := g.constantAs(*from, t), g.constantAs(kql.LongOf(step.Int()), kql.Long)
		if t == kql.Real {
			start, by = g.constant(kql.RealOf(from.Float())), g.constant(kql.RealOf(step.Float()))
		}
		x.sql = "(" + start.sql + " + " + alias + ".i * " + by.sql + ")"
		if t == kql.Int {
			x.sql = g.f("cast", x.sql, g.d.types[kql.Int])
		}
		x.null = false
		r.from = g.f("range", g.param(count, kql.Long)) + " AS " + alias + "(i)"
		r.small = count <= 1<<16
		r.cols = []column{{Column: n.Col, name: colName(n.Col.ID), x: x}}
		return r
	}
	// The count is known only when it runs.
	a, b, c := g.bound(n.From, t), g.bound(n.To, t), g.bound(n.Step, t)
	inner := g.name("t")
	count := g.f("range.count", "a", "b", "c")
	if t != kql.Real {
		count = g.f("range.count.int", "a", "b", "c")
	}
	rows := g.f("unnest", g.f("list.range", g.f("range.guard", count, g.param(int64(mostRows/10), kql.Long))))
	r.from = "(SELECT a, c, " + rows + " AS i FROM (SELECT " + a + " AS a, " + b + " AS b, " + c + " AS c) AS " + inner + ") AS " + alias
	x.sql = "(" + alias + ".a + " + alias + ".i * " + alias + ".c)"
	if t == kql.Int {
		x.sql = g.f("cast", x.sql, g.d.types[kql.Int])
	}
	r.cols = []column{{Column: n.Col, name: colName(n.Col.ID), x: x}}
	return r
}

// bound is a bound of a range, in its natural form.
func (g *gen) bound(x kql.Scalar, t kql.Type) string {
	e := g.naturalOf(scope{}, x)
	if t == kql.Real {
		e = g.convert(e, kql.Real, x.Pos())
	}
	return e.sql
}

// rangeCount is how many values lie from from to to, both included. false for
// a step of zero; null gives none.
func rangeCount(from, to, step kql.Value) (int64, bool) {
	if from.IsNull() || to.IsNull() || step.IsNull() {
		return 0, true
	}
	if from.Type() == kql.Real || to.Type() == kql.Real || step.Type() == kql.Real {
		c := step.Float()
		if c == 0 {
			return 0, false
		}
		n := math.Floor((to.Float()-from.Float())/c) + 1
		switch {
		case !(n > 0):
			return 0, true
		case n > math.MaxInt32:
			return math.MaxInt32, true
		}
		return int64(n), true
	}
	c := step.Int()
	if c == 0 {
		return 0, false
	}
	d := new(big.Int).Sub(big.NewInt(to.Int()), big.NewInt(from.Int()))
	if d.Sign()*big.NewInt(c).Sign() < 0 {
		return 0, true
	}
	d.Quo(d, big.NewInt(c))
	if !d.IsInt64() || d.Int64() == math.MaxInt64 {
		return math.MaxInt64, true
	}
	return d.Int64() + 1, true
}

// sample is some rows, any of them.
func (g *gen) sample(n *kql.Sample) *rel {
	r := g.rel(n.In)
	if r.limit != "" || r.closed || len(r.order) > 0 {
		g.wrap(r)
	}
	r.order = []orderKey{{g.f("random"), ""}}
	g.cut(r, n.N)
	r.ordered = false
	return r
}
