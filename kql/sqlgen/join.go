package sqlgen

import (
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// side makes a subquery of a side of a join and gives its alias. Columns are
// qualified: inside a sub-plan both sides may carry the same hidden ones.
func (g *gen) side(r *rel) (from, alias string) {
	alias = g.name("t")
	from = "(" + r.sql() + ") AS " + alias
	r.become(from)
	for _, cols := range [][]column{r.cols, r.hidden} {
		for i := range cols {
			cols[i].x.sql = alias + "." + cols[i].name
		}
	}
	return from, alias
}

func (g *gen) join(n *kql.Join, window *timeWindow) *rel {
	left, right := g.rel(n.Left), g.rel(n.Right)
	kind := n.Kind
	if kind == kql.InnerUnique {
		left = g.uniqueBy(left, n.On)
		kind = kql.Inner
	}
	if len(left.hidden) > 0 && len(right.hidden) > 0 {
		for i := range right.hidden {
			right.hidden[i].name = g.name("h")
		}
	}
	if window != nil {
		g.sliceKeys(left, right, window)
	}
	lfrom, _ := g.side(left)
	rfrom, _ := g.side(right)
	var conds []string
	if window != nil {
		conds = append(conds, sliced(left, right))
	}
	ls, rs := left.scope(), right.scope()
	for _, k := range n.On {
		conds = append(conds, g.joinKey(ls, rs, k))
	}
	lp, rp := left.parts(), right.parts()
	for i := range min(len(lp), len(rp)) {
		conds = append(conds, g.f("same", lp[i], rp[i]))
	}
	if len(conds) == 0 {
		conds = []string{"TRUE"}
	}
	on := strings.Join(conds, " AND ")
	hidden := left.hidden
	if len(hidden) == 0 {
		hidden = right.hidden
	}
	out := &rel{g: g, hidden: hidden}
	switch kind {
	case kql.LeftSemi:
		out.from, out.cols, out.hidden = g.f("semi", lfrom, rfrom, on), left.cols, left.hidden
	case kql.LeftAnti:
		out.from, out.cols, out.hidden = g.f("anti", lfrom, rfrom, on), left.cols, left.hidden
	case kql.RightSemi:
		out.from, out.cols, out.hidden = g.f("semi", rfrom, lfrom, on), right.cols, right.hidden
	case kql.RightAnti:
		out.from, out.cols, out.hidden = g.f("anti", rfrom, lfrom, on), right.cols, right.hidden
	default:
		word := "JOIN"
		switch kind {
		case kql.LeftOuter:
			word = "LEFT JOIN"
			mayMiss(right.cols)
		case kql.RightOuter:
			word = "RIGHT JOIN"
			mayMiss(left.cols)
		case kql.FullOuter:
			word = "FULL JOIN"
			mayMiss(left.cols)
			mayMiss(right.cols)
		}
		if kind != kql.Inner && kind != kql.LeftOuter && len(lp) > 0 {
			// A row without a partner has no partition on the other side.
			if kind == kql.RightOuter && len(rp) > 0 {
				out.hidden = right.hidden
			} else if kind == kql.FullOuter && len(rp) > 0 {
				for i := range hidden {
					if i < len(right.hidden) {
						hidden[i].x.sql = "coalesce(" + hidden[i].x.sql + ", " + right.hidden[i].x.sql + ")"
					}
				}
			} else {
				g.fail(kql.Span{}, "this join cannot be run inside the sub-query")
			}
		}
		out.from = lfrom + " " + word + " " + rfrom + " ON " + on
		out.cols = append(append([]column(nil), left.cols...), right.cols...)
	}
	return out
}

// mayMiss marks the columns of a side whose rows may be absent: null, "" for
// strings.
func mayMiss(cols []column) {
	for i := range cols {
		x := &cols[i].x
		x.null = true
		if x.t == kql.String {
			x.rep = MaybeNull
		}
	}
}

// joinKey: nulls match each other. Where one side has none, the plain sign does
// the same and is faster.
func (g *gen) joinKey(ls, rs scope, k kql.JoinKey) string {
	a, b := g.value(ls, k.Left), g.value(rs, k.Right)
	if a.t != b.t {
		if t := kql.Widest(a.t, b.t); t != kql.Unknown && t != kql.Decimal {
			a, b = g.convert(a, t, k.Left.Pos()), g.convert(b, t, k.Right.Pos())
		} else {
			g.fail(k.Left.Pos(), "a key of type %s cannot be joined with one of type %s", a.t, b.t)
		}
	}
	if a.t == kql.String || a.json || b.json {
		a, b = g.natural(a), g.natural(b)
	}
	a, b, _ = g.level(a, b)
	if a.null && b.null {
		return g.f("same", a.sql, b.sql)
	}
	return a.sql + " = " + b.sql
}

// uniqueBy keeps one row for each value of the left keys.
func (g *gen) uniqueBy(r *rel, on []kql.JoinKey) *rel {
	var ids []kql.ColID
	var xs []kql.Scalar
	for _, k := range on {
		if c, ok := k.Left.(*kql.ColRef); ok {
			ids = append(ids, c.Col.ID)
		}
		xs = append(xs, k.Left)
	}
	if r.uniqueIn(ids) {
		return r
	}
	g.open(r, xs...)
	if len(r.order) > 0 {
		g.wrap(r)
	}
	var keys []string
	s := r.scope()
	for _, x := range xs {
		e := g.value(s, x)
		if e.rep == MaybeNull {
			e = g.natural(e)
		}
		if e.konst == nil {
			keys = append(keys, e.sql)
		}
	}
	keys = append(keys, r.parts()...)
	if len(keys) == 0 {
		r.limit = "1"
		return r
	}
	if g.uniqueLate(r, keys) {
		return r
	}
	body := r.list() + r.tail()
	r.become("(" + g.f("unique.by", strings.Join(keys, ", "), body) + ") AS " + g.name("t"))
	r.unique, r.ordered = nil, false
	return r
}

// uniqueIn tells that no two rows agree in all of the columns.
func (r *rel) uniqueIn(ids []kql.ColID) bool {
	if r.unique == nil {
		return false
	}
	for _, id := range r.unique {
		if !slices.Contains(ids, id) {
			return false
		}
	}
	return true
}

// inQuery: whether x is among the values of a query. A null among them matches
// nothing, so that its absence is certain where SQL would not be sure.
func (g *gen) inQuery(s scope, x *kql.InQuery, m mode) expr {
	op := strings.TrimPrefix(x.Op, "!")
	not := op != x.Op
	frames := g.frames
	g.frames = nil
	r := g.rel(x.Rel)
	g.frames = frames
	if len(r.cols) == 0 {
		g.fail(x.Span, "the query gives no column")
		return expr{sql: "NULL", t: kql.Bool, null: true}
	}
	r.cols, r.hidden = r.cols[:1], nil
	if op == "has_any" || op == "has_all" {
		return g.hasQuery(s, x, r, op)
	}
	if r.closed || r.limit != "" || len(r.order) > 0 {
		g.wrap(r)
	}
	a, b := g.value(s, x.X), r.cols[0].x
	if a.t != b.t && !comparable(a.t, b.t) {
		// Values of a dynamic column are compared by their text.
		switch {
		case b.t == kql.Dynamic:
			b, _ = g.textOfJSON(b)
		case a.t == kql.Dynamic:
			a, _ = g.textOfJSON(a)
		}
		if a.t != b.t && !comparable(a.t, b.t) {
			g.fail(x.Span, "a value of type %s cannot be among values of type %s", a.t, b.t)
		}
	}
	if a.t == kql.String || a.json || b.json {
		a, b = g.natural(a), g.natural(b)
	}
	a, b, _ = g.level(a, b)
	if op == "in~" && a.t == kql.String {
		a.sql, b.sql = g.f("lower", a.sql), g.f("lower", b.sql)
	}
	if b.null {
		if !b.atom {
			r.cols[0].x = b
			g.wrap(r)
			b = r.cols[0].x
		}
		r.where = append(r.where, b.sql+" IS NOT NULL")
	}
	r.cols[0].x = b
	sql := "(" + a.sql + " IN (" + r.sql() + "))"
	if a.null && (not || m != falsy) {
		sql = "coalesce(" + sql + ", FALSE)"
	}
	if not {
		sql = "(NOT " + sql + ")"
	}
	return boolean(sql, a.null && !not && m == falsy)
}

// hasQuery is has_any and has_all of the values of a query: they are gathered
// in an array for the function.
func (g *gen) hasQuery(s scope, x *kql.InQuery, r *rel, op string) expr {
	f := kql.LookupFunc(op)
	if f == nil || f.Eval == nil {
		g.fail(x.Span, "%s of a query cannot be run here", op)
		return expr{sql: "NULL", t: kql.Bool, null: true}
	}
	g.wrap(r)
	e := r.cols[0].x
	if e.t != kql.Dynamic {
		e = g.convert(e, kql.String, x.Span)
	}
	if e.t == kql.Dynamic {
		e, _ = g.textOfJSON(e)
	}
	e = g.natural(e)
	list := g.f("json.list", g.f("list.empty", g.f("list", e.sql)))
	terms := expr{sql: "(SELECT " + list + r.tail() + ")", t: kql.Dynamic}
	return g.siteOn(&kql.Call{Span: x.Span, Func: f, T: kql.Bool, Eval: f.Eval}, []expr{g.value(s, x.X), terms})
}

// textOfJSON is tostring() of a dynamic that is written already.
func (g *gen) textOfJSON(e expr) (expr, bool) {
	if e.t != kql.Dynamic {
		return e, false
	}
	return expr{sql: g.f("json.string", e.sql, g.param("$", kql.String)), t: kql.String, rep: MaybeNull, null: true}, true
}

// commonHidden leaves the inputs of a union those hidden columns that all of
// them have, in the order of the first: those of the sub-plans around it.
func commonHidden(ins []*rel) {
	same := func(h column) func(column) bool {
		return func(o column) bool { return o.frame == h.frame && o.part == h.part && o.ID == h.ID }
	}
	kept := make([][]column, len(ins))
	for _, h := range ins[0].hidden {
		if h.frame == 0 {
			continue
		}
		row := make([]column, 0, len(ins))
		for _, r := range ins {
			if i := slices.IndexFunc(r.hidden, same(h)); i >= 0 {
				row = append(row, r.hidden[i])
			}
		}
		if len(row) < len(ins) {
			continue
		}
		for i := range ins {
			kept[i] = append(kept[i], row[i])
		}
	}
	for i, r := range ins {
		r.hidden = kept[i]
	}
}

// union puts tables under one another, column by column.
func (g *gen) union(n *kql.Union) *rel {
	out := &rel{g: g, ordered: true, small: true}
	if len(n.Ins) == 0 {
		return g.nothing(n.Cols)
	}
	ins := make([]*rel, len(n.Ins))
	for i, in := range n.Ins {
		r := g.rel(in)
		if len(r.cols) != len(n.Cols) {
			g.fail(kql.Span{}, "a table of %d columns is put into a union of %d", len(r.cols), len(n.Cols))
			return g.nothing(n.Cols)
		}
		if i > 0 && len(r.parts()) != len(ins[0].parts()) {
			g.fail(kql.Span{}, "this union cannot be run inside the sub-query")
			return g.nothing(n.Cols)
		}
		ins[i] = r
	}
	commonHidden(ins)
	for _, r := range ins {
		out.ordered, out.small = out.ordered && r.ordered, out.small && r.small
	}
	for j, c := range n.Cols {
		xs := make([]expr, len(ins))
		for i, r := range ins {
			xs[i] = r.cols[j].x
		}
		x, sqls := g.merge(c.Type, xs, kql.Span{})
		for _, in := range xs {
			x.weight = max(x.weight, in.weight)
		}
		for i, r := range ins {
			r.cols[j] = column{Column: c, name: colName(c.ID), x: expr{sql: sqls[i]}}
		}
		out.cols = append(out.cols, column{Column: c, name: colName(c.ID), x: x})
	}
	for j, h := range ins[0].hidden {
		h.name = g.name("h")
		for _, r := range ins {
			r.hidden[j].name = h.name
		}
		out.hidden = append(out.hidden, h)
	}
	var parts []string
	for _, r := range ins {
		if len(ins) > 1 {
			parts = append(parts, "("+r.sql()+")")
		} else {
			parts = append(parts, r.sql())
		}
	}
	out.become("(" + strings.Join(parts, " UNION ALL ") + ") AS " + g.name("t"))
	return out
}
