package sqlgen

import (
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// aggregated is summarize and distinct.
func (g *gen) aggregated(n *kql.Aggregated) *rel {
	r := g.rel(n.In)
	var read []kql.Scalar
	for _, it := range n.By {
		read = append(read, it.X)
	}
	for _, a := range n.Aggs {
		read = append(read, a.Args...)
	}
	g.open(r, read...)
	return g.group(r, func(s scope) []column { return g.groupKeys(s, n.By) }, n.Aggs)
}

// groupKeys are the columns that rows are grouped by. Null and "" are one group
// of strings.
func (g *gen) groupKeys(s scope, by []kql.Item) []column {
	var keys []column
	for _, it := range by {
		x := g.value(s, it.X)
		if it.Out.Type != x.t && it.Out.Type != kql.Unknown {
			x = g.narrow(g.convert(x, it.Out.Type, it.X.Pos()))
		}
		if x.rep == MaybeNull || x.json {
			x = g.natural(x)
		}
		size, more := s.weight(it.X)
		x.weight = size + more - 1
		keys = append(keys, column{Column: it.Out, name: colName(it.Out.ID), x: x})
	}
	return keys
}

// group groups the rows of r, which may be filtered, by the keys that a scope
// gives; its columns are the keys and then those of the aggregates.
func (g *gen) group(r *rel, keysOf func(scope) []column, aggs []kql.AggItem) *rel {
	grouped := len(keysOf(r.scope())) > 0 || len(r.parts()) > 0
	a := &aggregation{g: g, r: r, grouped: grouped}
	// Groups of constant rows come in the order of their first rows.
	first := r.small && r.ordered && grouped
	switch {
	case first:
		a.order = g.number(r)
	case r.ordered && slices.ContainsFunc(aggs, func(a kql.AggItem) bool { return followsOrder[a.Func.Name] }):
		a.order = g.ordinal(r)
	}
	r.order = nil
	a.s = r.scope()

	// The inner SELECT groups; out reads its columns, and takes apart rows that
	// an aggregate picked whole.
	inner := &rel{g: g, from: r.from, where: r.where}
	out := &rel{g: g, small: r.small}
	var by []string
	add := func(c kql.Column, x expr) {
		x.atom = false
		inner.cols = append(inner.cols, column{Column: c, name: colName(c.ID), x: x})
		x.sql, x.atom, x.konst = colName(c.ID), true, nil
		out.cols = append(out.cols, column{Column: c, name: colName(c.ID), x: x})
	}
	for _, k := range keysOf(a.s) {
		add(k.Column, k.x)
		by = append(by, itoa(len(inner.cols)))
		out.unique = append(out.unique, k.ID)
	}
	for _, agg := range aggs {
		xs := a.aggregate(agg)
		for i, o := range agg.Outs {
			if i >= len(xs) {
				g.fail(agg.Pos, "%s gives %d columns here, not %d", agg.Func.Name, len(xs), len(agg.Outs))
				break
			}
			x := xs[i]
			if x.picked {
				out.cols = append(out.cols, column{Column: o, name: colName(o.ID), x: x})
				continue
			}
			if x.t != o.Type && o.Type != kql.Unknown {
				x = g.convert(x, o.Type, agg.Pos)
			}
			add(o, g.narrow(x))
		}
	}
	for _, h := range r.hidden {
		if h.part {
			by = append(by, h.x.sql)
		} else {
			h.x.sql = g.f("first", h.x.sql)
		}
		inner.hidden = append(inner.hidden, h)
	}
	out.hidden = append([]column(nil), inner.hidden...)
	inner.hidden = append(inner.hidden, a.rows...)
	if a.late != "" {
		inner.hidden = append(inner.hidden, column{name: a.late, x: expr{sql: a.lateID}})
	}
	if first {
		num := column{name: g.name("o"), x: expr{sql: "min(" + a.order + ")"}}
		inner.hidden = append(inner.hidden, num)
		out.order, out.ordered = []orderKey{{num.name, ""}}, true
	}
	if !grouped {
		out.ordered = out.small
		if len(inner.cols) == 0 && len(inner.hidden) == 0 {
			inner.hidden = []column{{name: "c", x: expr{sql: "count(*)"}}}
		}
	} else if len(out.unique) == 0 {
		out.unique = nil
	}
	sql := "SELECT " + inner.list() + inner.tail()
	if len(by) > 0 {
		sql += " GROUP BY " + strings.Join(by, ", ")
	}
	alias := g.name("t")
	out.from = "(" + sql + ") AS " + alias
	if a.late != "" {
		// Columns of the stored table may have any name.
		out.from += " JOIN " + r.table.from() + " ON " + g.f("rowid", r.table.alias) + " = " + alias + "." + a.late
	}
	for i := range out.hidden {
		out.hidden[i].x.sql, out.hidden[i].x.atom = alias+"."+out.hidden[i].name, true
	}
	for i := range out.cols {
		if !out.cols[i].x.picked {
			out.cols[i].x.sql = alias + "." + out.cols[i].name
		}
	}
	for i := range out.cols {
		if x := &out.cols[i].x; x.picked {
			x.picked = false
			if o := out.cols[i].Column; x.t != o.Type && o.Type != kql.Unknown {
				*x = g.convert(*x, o.Type, kql.Span{})
			}
		}
	}
	return out
}

// ordinal makes the order of the rows something that an aggregate can be told:
// the keys of the sort, or the number of the row.
func (g *gen) ordinal(r *rel) string {
	if len(r.order) > 0 {
		o := keys(r.order)
		r.order = nil
		return o
	}
	return g.number(r)
}

// followsOrder are the aggregates that see the rows in their order.
var followsOrder = map[string]bool{
	"make_list": true, "make_list_if": true, "make_list_with_nulls": true, "makelist": true,
	"make_set": true, "make_set_if": true, "makeset": true,
	"make_bag": true, "make_bag_if": true, "make_dictionary": true,
	"take_any": true, "take_anyif": true, "any": true, "anyif": true, "passthrough": true,
}

// filteredForms are the forms of aggregates with a predicate: the aggregate and
// the position of the predicate.
var filteredForms = map[string]struct {
	base string
	at   int
}{
	"countif": {"count", 0}, "dcountif": {"dcount", 1}, "count_distinctif": {"count_distinct", 1}, "sumif": {"sum", 1}, "avgif": {"avg", 1},
	"stdevif": {"stdev", 1}, "varianceif": {"variance", 1}, "variancepif": {"variancep", 1}, "covarianceif": {"covariance", 2}, "covariancepif": {"covariancep", 2},
	"minif": {"min", 1}, "maxif": {"max", 1}, "take_anyif": {"take_any", 1}, "anyif": {"take_any", 1},
	"make_list_if": {"make_list", 1}, "make_set_if": {"make_set", 1}, "make_bag_if": {"make_bag", 1}, "hll_if": {"hll", 1},
}

// aggregation writes the aggregates of one summarize.
type aggregation struct {
	g     *gen
	r     *rel
	s     scope
	order string   // ORDER BY of aggregates that follow the rows' order
	rows  []column // whole rows that were picked
	// late is the column with the ids of rows that were picked from a stored
	// table and are read once the groups are known.
	late    string
	lateID  string
	grouped bool
}

// aggregate writes one call, an expression for each of its columns.
func (a *aggregation) aggregate(agg kql.AggItem) []expr {
	name, args := agg.Func.Name, agg.Args
	fn, filter := agg.Func, ""
	if form, ok := filteredForms[name]; ok && form.at < len(args) {
		if base := kql.LookupAggregate(form.base); base != nil || form.base == "count" {
			filter = a.g.pred(a.s, args[form.at], falsy)
			args = append(append([]kql.Scalar(nil), args[:form.at]...), args[form.at+1:]...)
			name = form.base
			if base != nil {
				fn = base
			}
		}
	}
	c := aggCall{aggregation: a, fn: fn, args: args, filter: filter, agg: agg}
	if xs, ok := c.inSQL(name); ok {
		return xs
	}
	return c.inGo(name)
}

// aggCall is one call of an aggregate.
type aggCall struct {
	*aggregation
	fn     *kql.Aggregate
	args   []kql.Scalar
	filter string
	agg    kql.AggItem
}

// over applies the filter of an if-form, and another condition, to an aggregate.
func (c aggCall) over(sql string, more ...string) string {
	if c.filter != "" {
		more = append(more, c.filter)
	}
	if len(more) == 0 {
		return sql
	}
	return c.g.f("filtered", sql, strings.Join(more, " AND "))
}

func (c aggCall) inSQL(name string) ([]expr, bool) {
	g := c.g
	t := kql.Unknown
	if len(c.args) > 0 {
		t = c.args[0].Type()
	}
	one := func(e expr) ([]expr, bool) { return []expr{e}, true }
	switch name {
	case "count", "cnt":
		return one(expr{sql: c.over("count(*)"), t: kql.Long, bits: countBits})
	case "dcount", "count_distinct":
		if t == kql.Unknown {
			return nil, false
		}
		return one(expr{sql: c.over("count(DISTINCT " + c.whole(0).sql + ")"), t: kql.Long, bits: countBits})
	case "sum":
		return c.sum(t)
	case "avg":
		return c.avg(t)
	case "min", "max":
		return c.extreme(name, t)
	case "stdev", "stdevp", "variance", "variancep":
		if !numberArg(t) && t != kql.TimeSpan {
			return nil, false
		}
		x := c.value(0)
		sql := g.f(name, x.sql)
		if t != kql.Real {
			return one(expr{sql: "coalesce(" + c.over(sql) + ", 0)", t: kql.Real})
		}
		// The engine fails on what is not finite.
		finite := g.f("is.finite", x.sql)
		odd := "bool_or(NOT " + finite + ")"
		return one(expr{sql: "(CASE WHEN " + c.over(odd) + " THEN " + g.f("nan") + " ELSE coalesce(" + c.over(sql, finite) + ", 0) END)", t: kql.Real})
	case "binary_all_and", "binary_all_or", "binary_all_xor":
		if t != kql.Long && t != kql.Int && t != kql.TimeSpan {
			return nil, false
		}
		x := c.value(0)
		return one(expr{sql: c.over(g.f(strings.Replace(name, "binary_all_", "bit.", 1), x.sql)), t: t, null: true, bits: x.bits})
	case "percentile", "percentiles":
		return c.percentiles(t)
	case "make_list", "makelist":
		return c.list(t, name)
	case "make_set", "makeset":
		return c.set(t, name)
	case "arg_max", "arg_min", "argmax", "argmin":
		return c.arg(strings.HasSuffix(name, "max"))
	case "take_any", "any", "passthrough":
		return c.any()
	}
	return nil, false
}

// value is an argument in its natural form, whole in microseconds if it can be.
func (c aggCall) value(i int) expr { return c.g.naturalOf(c.s, c.args[i]) }

// whole is an argument of which only equality counts.
func (c aggCall) whole(i int) expr {
	x := c.g.narrow(c.g.value(c.s, c.args[i]))
	if x.rep == MaybeNull {
		x = c.g.natural(x)
	}
	return x
}

// sum of nothing is 0; integers wrap.
func (c aggCall) sum(t kql.Type) ([]expr, bool) {
	switch t {
	case kql.Int, kql.Long, kql.TimeSpan:
		x := c.value(0)
		out := t
		if t == kql.Int {
			out = kql.Long
		}
		e := expr{sql: "coalesce(" + c.over("sum("+x.sql+")") + ", 0)", t: out, bits: x.bits + countBits}
		if e.bits < longBits {
			e.sql = c.g.f("cast", e.sql, c.g.d.types[kql.Long])
			return []expr{e}, true
		}
		e.wide = true
		return []expr{c.g.narrow(e)}, true
	case kql.Real:
		return []expr{{sql: "coalesce(" + c.over("sum("+c.value(0).sql+")") + ", 0)", t: kql.Real}}, true
	}
	return nil, false
}

// avg of nothing is NaN for numbers, null for dates and spans.
func (c aggCall) avg(t kql.Type) ([]expr, bool) {
	switch t {
	case kql.Long:
		// The sum overflows as sum's does.
		x := c.value(0)
		if x.bits+countBits >= longBits {
			sum := c.g.narrow(expr{sql: c.over("sum(" + x.sql + ")"), t: kql.Long, wide: true, bits: x.bits + countBits})
			return []expr{{sql: "coalesce(" + c.g.f("cast", sum.sql, c.g.d.types[kql.Real]) + " / " + c.over("count("+x.sql+")") + ", " + c.g.f("nan") + ")", t: kql.Real}}, true
		}
		return []expr{{sql: "coalesce(" + c.over("avg("+x.sql+")") + ", " + c.g.f("nan") + ")", t: kql.Real}}, true
	case kql.Int, kql.Real:
		return []expr{{sql: "coalesce(" + c.over("avg("+c.value(0).sql+")") + ", " + c.g.f("nan") + ")", t: kql.Real}}, true
	case kql.TimeSpan, kql.DateTime:
		x := c.value(0)
		sql := c.g.f("quotient", c.over("sum("+x.sql+")"), c.over("count("+x.sql+")"))
		return []expr{{sql: c.g.f("cast", sql, c.g.d.types[kql.Long]), t: t, null: true, bits: x.bits}}, true
	}
	return nil, false
}

func (c aggCall) extreme(name string, t kql.Type) ([]expr, bool) {
	switch t {
	case kql.Real:
		// NaN beats every number; the engine's is the greatest.
		x := c.value(0)
		sql := c.over(name + "(" + x.sql + ")")
		if name == "min" {
			sql = "(CASE WHEN " + c.over("bool_or("+c.g.f("is.nan", x.sql)+")") + " THEN " + c.g.f("nan") + " ELSE " + sql + " END)"
		}
		return []expr{{sql: sql, t: t, null: true}}, true
	case kql.Bool, kql.Int, kql.Long, kql.TimeSpan, kql.DateTime:
		x := c.g.narrow(c.g.value(c.s, c.args[0]))
		e := x
		e.sql, e.null, e.atom, e.konst = c.over(name+"("+x.sql+")"), true, false, nil
		return []expr{e}, true
	case kql.String:
		x := c.value(0)
		return []expr{{sql: c.over(name + "(" + x.sql + ")"), t: t, rep: MaybeNull, null: true}}, true
	}
	return nil, false
}

// percentiles are of the nearest rank.
func (c aggCall) percentiles(t kql.Type) ([]expr, bool) {
	switch t {
	case kql.Int, kql.Long, kql.TimeSpan, kql.DateTime:
	default:
		return nil, false
	}
	x := c.g.narrow(c.g.value(c.s, c.args[0]))
	var out []expr
	for _, a := range c.args[1:] {
		k := constOf(a)
		if k == nil || k.IsNull() || !numberArg(k.Type()) || !(k.Float() >= 0 && k.Float() <= 100) {
			return nil, false
		}
		e := x
		e.sql = c.over(c.g.f("percentile", x.sql, c.g.param(k.Float()/100, kql.Real)))
		e.null, e.atom, e.konst = true, false, nil
		out = append(out, e)
	}
	return out, true
}

// limit is the size of a list or a set.
func (c aggCall) limit(old bool) (int64, bool) {
	const most, oldMost = 1 << 20, 128
	if len(c.args) < 2 {
		if old {
			return oldMost, true
		}
		return most, true
	}
	k := constOf(c.args[1])
	if k == nil || k.IsNull() || (k.Type() != kql.Int && k.Type() != kql.Long) {
		return 0, false
	}
	return max(0, min(k.Int(), most)), true
}

// jsonElement tells the types whose elements the engine writes as Kusto does.
func jsonElement(t kql.Type) bool {
	return t == kql.String || t == kql.Int || t == kql.Long || t == kql.Bool || t == kql.Guid
}

func (c aggCall) list(t kql.Type, name string) ([]expr, bool) {
	n, ok := c.limit(name == "makelist")
	if !ok || !jsonElement(t) {
		return nil, false
	}
	return []expr{c.jsonList(c.gathered(c.value(0), false), n)}, true
}

func (c aggCall) jsonList(list string, n int64) expr {
	g := c.g
	sliced := g.f("list.first", g.f("list.empty", list), g.param(n, kql.Long))
	return expr{sql: g.f("json.list", sliced), t: kql.Dynamic, array: true}
}

// gathered is the list of an argument's values that are not null.
func (c aggCall) gathered(x expr, all bool) string {
	sql := c.g.f("list", x.sql)
	if c.order != "" {
		sql = c.g.f("list.ordered", x.sql, c.order)
	}
	if x.null && !all {
		return c.over(sql, x.sql+" IS NOT NULL")
	}
	return c.over(sql)
}

// set keeps the order in which values were first seen where the rows have one.
func (c aggCall) set(t kql.Type, name string) ([]expr, bool) {
	n, ok := c.limit(name == "makeset")
	if !ok || c.order != "" || !jsonElement(t) {
		return nil, false
	}
	x := c.value(0)
	sql := c.g.f("list.set", x.sql)
	if x.null {
		sql = c.over(sql, x.sql+" IS NOT NULL")
	} else {
		sql = c.over(sql)
	}
	return []expr{c.jsonList(sql, n)}, true
}

// row packs arguments, so that an aggregate picks a whole row.
func (c aggCall) row(xs []expr) string {
	fields := make([]string, len(xs))
	for i, x := range xs {
		fields[i] = c.g.f("row.field", "v"+itoa(i), x.sql)
	}
	return c.g.f("row", fields...)
}

// pick adds a picked row and gives its columns.
func (c aggCall) pick(row string, xs []expr) []expr {
	name := c.g.name("r")
	c.aggregation.rows = append(c.aggregation.rows, column{name: name, x: expr{sql: row}})
	out := make([]expr, len(xs))
	for i, x := range xs {
		x.sql = c.g.f("row.get", name, "v"+itoa(i))
		x.null = x.null || x.t != kql.String
		if x.t == kql.String {
			x.rep, x.null = MaybeNull, true
		}
		x.atom, x.konst, x.picked = false, nil, true
		out[i] = x
	}
	return out
}

// arg is the row with the greatest or least first argument; where that is null
// in all rows, any row.
func (c aggCall) arg(greatest bool) ([]expr, bool) {
	form := "arg.min"
	if greatest {
		form = "arg.max"
	}
	xs := make([]expr, len(c.args))
	for i, a := range c.args {
		xs[i] = c.g.narrow(c.g.value(c.s, a))
	}
	switch xs[0].t {
	case kql.Dynamic, kql.Unknown:
		return nil, false
	}
	key := xs[0]
	if key.t == kql.Decimal {
		// Null, which no row is picked by, sorts outside of all numbers.
		null := key.sql + " IS NULL"
		key = c.g.decimalKey(key)
		key.sql = "(CASE WHEN " + null + " THEN NULL ELSE " + key.sql + " END)"
		key.null, key.rep = true, MaybeNull
	}
	if key.t == kql.String && xs[0].t == kql.String {
		key = c.g.natural(key)
	}
	ks := key.sql
	if key.t == kql.Real && !greatest {
		ks = "(CASE WHEN " + c.g.f("is.nan", ks) + " THEN -" + c.g.f("infinity") + " ELSE " + ks + " END)"
	}
	pick := func(row string) string {
		sql := c.over(c.g.f(form, row, ks))
		if key.null {
			sql = "coalesce(" + sql + ", " + c.over(c.g.f("first", row)) + ")"
		}
		return sql
	}
	if out, ok := c.pickLate(pick, xs); ok {
		return out, true
	}
	return c.pick(pick(c.row(xs)), xs), true
}

// any is the first row; of one column the first value that is not null.
func (c aggCall) any() ([]expr, bool) {
	xs := make([]expr, len(c.args))
	for i, a := range c.args {
		xs[i] = c.g.narrow(c.g.value(c.s, a))
	}
	first := func(sql string) string {
		if c.order != "" {
			return c.g.f("first.ordered", sql, c.order)
		}
		return c.g.f("first", sql)
	}
	if len(xs) == 1 {
		x := xs[0]
		var more []string
		if x.null && x.t != kql.String {
			more = []string{x.sql + " IS NOT NULL"}
		}
		x.sql = c.over(first(x.sql), more...)
		x.null, x.atom, x.konst = true, false, nil
		if x.t == kql.String {
			x.rep = MaybeNull
		}
		return []expr{x}, true
	}
	pick := func(row string) string { return c.over(first(row)) }
	if out, ok := c.pickLate(pick, xs); ok {
		return out, true
	}
	return c.pick(pick(c.row(xs)), xs), true
}

// inGo gathers the arguments in lists and leaves the rest to the aggregate.
func (c aggCall) inGo(name string) []expr {
	g := c.g
	if c.fn == nil || c.fn.New == nil {
		g.fail(c.agg.Pos, "%s cannot be computed here", name)
		return []expr{{sql: "NULL", null: true}}
	}
	if len(c.agg.Outs) > 1 && !strings.HasPrefix(name, "percentile") {
		g.fail(c.agg.Pos, "%s cannot give several columns here", name)
	}
	var out []expr
	for i, o := range c.agg.Outs {
		args := c.args
		if len(c.agg.Outs) > 1 {
			// One call for each percentile, over the same lists.
			fixed := len(c.args) - len(c.agg.Outs)
			args = append(append([]kql.Scalar(nil), c.args[:fixed]...), c.args[fixed+i])
		}
		s := &Site{Agg: c.fn, Result: o.Type}
		shape := []byte{Letter(o.Type), '_'}
		var sqls []string
		lists := 0
		for _, a := range args {
			x := c.value2(a)
			s.Types = append(s.Types, x.t)
			if k := constOf(a); k != nil {
				s.AggConst = append(s.AggConst, k)
				shape = append(shape, Letter(x.t))
				sqls = append(sqls, x.sql)
				continue
			}
			s.AggConst = append(s.AggConst, nil)
			shape = append(shape, 'L', Letter(x.t))
			list := g.f("list", x.sql)
			switch {
			case c.order != "":
				list = g.f("list.ordered", x.sql, c.order)
			case strings.HasPrefix(name, "make_set") || name == "makeset":
				list = g.f("list.set", x.sql)
			}
			sqls = append(sqls, g.f("list.empty", c.over(list)))
			lists++
		}
		if lists == 0 {
			// Of constants alone: the list of the first, for the number of rows.
			for i := range args {
				x := c.value2(args[i])
				shape = append(append(append([]byte(nil), shape[:2]...), 'L', Letter(x.t)), shape[3:]...)
				sqls[i] = g.f("list.empty", c.over(g.f("list", x.sql)))
				break
			}
		}
		s.Shape = string(shape)
		out = append(out, expr{sql: g.addSite(s, sqls...), t: o.Type, null: o.Type != kql.String, bits: bitsOf(o.Type)})
	}
	return out
}

func (c aggCall) value2(a kql.Scalar) expr { return c.g.naturalOf(c.s, a) }
