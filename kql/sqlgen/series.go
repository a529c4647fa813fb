package sqlgen

import (
	"math"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// mostBins is the longest series, as Kusto has it.
const mostBins = 1 << 20

// makeSeries is make-series. Rows are grouped by their keys and the number of
// their bin, counted from the begin, or from zero where there is none; the
// arrays are put together in Go, so that bins without rows cost nothing in SQL.
func (g *gen) makeSeries(n *kql.MakeSeries) *rel {
	r := g.rel(n.In)
	read := []kql.Scalar{n.Axis}
	for _, it := range n.By {
		read = append(read, it.X)
	}
	for _, a := range n.Aggs {
		read = append(read, a.Args...)
	}
	if r.closed || r.limit != "" || len(r.order) > 0 || !r.plain(read...) {
		g.wrap(r)
	}
	t := n.Axis.Type()
	real := t == kql.Real || n.Step.Type() == kql.Real
	num := func(x kql.Scalar) expr {
		e := g.naturalOf(scope{}, x)
		if real {
			e = g.convert(e, kql.Real, x.Pos())
		}
		return e
	}
	if step := constOf(n.Step); step == nil || step.IsNull() || !(step.Type() == kql.Real && step.Real() > 0 || step.Type() != kql.Real && step.Int() > 0) {
		g.fail(n.Step.Pos(), "the step of make-series must be a constant greater than zero")
		return g.nothing(n.Columns())
	}
	if n.From != nil && n.To != nil {
		if from, to, step := constOf(n.From), constOf(n.To), constOf(n.Step); from != nil && to != nil {
			if count, ok := rangeCount(*from, *to, *step); ok && count > mostBins+1 {
				g.fail(n.Step.Pos(), "a series of more than %d values is too long", mostBins)
				return g.nothing(n.Columns())
			}
		}
	}
	step := num(n.Step)
	axis := g.naturalOf(r.scope(), n.Axis)
	if real {
		axis = g.convert(axis, kql.Real, n.Axis.Pos())
	}
	base := expr{sql: "0", t: axis.t}
	if real {
		base.sql = g.f("cast", "0", g.d.types[kql.Real])
	}
	if n.From != nil {
		base = num(n.From)
	}
	bin := g.f("bin.number", axis.sql, base.sql, step.sql)
	if real {
		bin = g.f("bin.number.real", axis.sql, base.sql, step.sql)
	}
	k := column{Column: kql.Column{ID: g.freshID(), Type: kql.Long}, x: expr{sql: bin, t: kql.Long, null: true, bits: longBits}}
	k.name = colName(k.ID)
	r.hidden = append(r.hidden, k)
	g.wrap(r) // the number stays among the hidden columns: grouping may wrap again
	r.where = append(r.where, k.name+" IS NOT NULL")
	last := g.f("cast", "NULL", g.d.types[kql.Long])
	begin := last
	if n.From != nil {
		begin = g.param(int64(0), kql.Long)
		r.where = append(r.where, k.name+" >= 0")
	}
	if n.To != nil {
		last = g.f("bin.last", num(n.To).sql, base.sql, step.sql)
		if real {
			last = g.f("bin.last.real", num(n.To).sql, base.sql, step.sql)
		}
		r.where = append(r.where, k.name+" <= "+last)
	}
	k.x = expr{sql: k.name, t: kql.Long, atom: true}

	// A series of a constant has no aggregate.
	var aggs []kql.AggItem
	values := make([]expr, len(n.Aggs))
	for i, a := range n.Aggs {
		if a.Func == nil {
			if len(a.Args) != 1 {
				g.fail(a.Pos, "this series has no aggregate")
				return g.nothing(n.Columns())
			}
			values[i] = g.naturalOf(scope{}, a.Args[0])
			continue
		}
		id := g.freshID()
		aggs = append(aggs, kql.AggItem{Outs: []kql.Column{{ID: id, Type: a.ArgType}}, Func: a.Func, Args: a.Args, Pos: a.Pos})
		values[i] = expr{sql: colName(id), t: a.ArgType}
	}
	keys := g.groupKeys(r.scope(), n.By)
	bins := g.group(r, func(s scope) []column {
		var cols []column
		cols = append(cols, g.groupKeys(s, n.By)...)
		kc := k
		return append(cols, kc)
	}, aggs)
	g.wrap(bins)
	have := bins.scope()

	out := &rel{g: g, small: bins.small}
	var by []string
	for _, key := range keys {
		x := *have[key.ID]
		out.cols = append(out.cols, column{Column: key.Column, name: key.name, x: x})
		by = append(by, x.sql)
	}
	for i, a := range n.Aggs {
		v := values[i]
		if e := have[idOf(v.sql)]; e != nil {
			v = *e
		}
		x := g.natural(v)
		if x.t == kql.Unknown {
			x.t = kql.Real
		}
		def := g.constantAs(a.Default, x.t)
		s := &Site{Agg: seriesAggregate, Result: kql.Dynamic, Types: []kql.Type{kql.Long, x.t, kql.Long, kql.Long, x.t}}
		c := string(Letter(x.t))
		s.Shape = "s_LlL" + c + "ll" + c
		s.AggConst = []*kql.Value{nil, nil, g.binConst(n, false), g.binConst(n, true), def.konst}
		sql := g.addSite(s, g.f("list.empty", g.f("list", k.name)), g.f("list.empty", g.f("list", x.sql)), begin, last, def.sql)
		out.cols = append(out.cols, column{Column: a.Out, name: colName(a.Out.ID), x: expr{sql: sql, t: kql.Dynamic}})
	}
	lo, hi := "min("+k.name+")", "max("+k.name+")"
	if n.From != nil {
		lo = begin
	}
	if n.To != nil {
		hi = last
	}
	axisFunc := &kql.Func{Name: "make-series", Eval: func(args []kql.Value) kql.Value { return axisValues(t, args) }}
	bt := base.t
	out.cols = append(out.cols, column{Column: n.AxisOut, name: colName(n.AxisOut.ID), x: g.siteOn(
		&kql.Call{Func: axisFunc, T: kql.Dynamic, Eval: axisFunc.Eval},
		[]expr{{sql: lo, t: kql.Long}, {sql: hi, t: kql.Long}, {sql: base.sql, t: bt}, {sql: step.sql, t: step.t}})})
	for _, h := range bins.hidden {
		if h.frame == 0 {
			continue // the number of the bin
		}
		if h.part {
			by = append(by, h.x.sql)
		} else {
			h.x.sql = g.f("first", h.x.sql)
		}
		out.hidden = append(out.hidden, h)
	}
	inner := *out
	inner.from = bins.from
	sql := "SELECT " + inner.list() + inner.tail()
	if len(by) > 0 {
		sql += " GROUP BY " + strings.Join(by, ", ")
	} else if !n.NonEmpty {
		sql += " HAVING count(*) > 0"
	}
	out.become("(" + sql + ") AS " + g.name("t"))
	return out
}

func idOf(name string) kql.ColID {
	if !strings.HasPrefix(name, "c") {
		return -1
	}
	n := 0
	for _, d := range name[1:] {
		if d < '0' || d > '9' {
			return -1
		}
		n = n*10 + int(d-'0')
	}
	return kql.ColID(n)
}

// binConst is the first or last bin where constants tell it.
func (g *gen) binConst(n *kql.MakeSeries, last bool) *kql.Value {
	if n.From == nil || constOf(n.From) == nil {
		return nil
	}
	zero := kql.LongOf(0)
	if !last {
		return &zero
	}
	if n.To == nil || constOf(n.To) == nil {
		return nil
	}
	from, to, step := *constOf(n.From), *constOf(n.To), *constOf(n.Step)
	if from.IsNull() || to.IsNull() {
		return nil
	}
	var k kql.Value
	if step.Type() == kql.Real || from.Type() == kql.Real || to.Type() == kql.Real {
		k = kql.LongOf(int64(math.Ceil((to.Float()-from.Float())/step.Float())) - 1)
	} else {
		d := to.Int() - from.Int()
		c := d / step.Int()
		if d%step.Int() > 0 {
			c++
		}
		k = kql.LongOf(c - 1)
	}
	return &k
}

// seriesAggregate puts the values of one series into their bins: the number of
// a bin, its value, the first and the last bin of the series (null: of the
// data), the value of a bin that has none.
var seriesAggregate = &kql.Aggregate{Name: "make-series", New: func(_ []kql.Type, consts []*kql.Value) kql.Accumulator {
	s := &series{values: map[int64]kql.Value{}}
	at := func(i int) kql.Value {
		if i < len(consts) && consts[i] != nil {
			return *consts[i]
		}
		return kql.Null(kql.Long)
	}
	s.begin, s.last, s.missing = at(2), at(3), at(4)
	return s
}}

type series struct {
	values               map[int64]kql.Value
	begin, last, missing kql.Value
	least, most          int64
}

func (s *series) Add(args []kql.Value) {
	k := args[0].Int()
	if len(s.values) == 0 {
		s.begin, s.last, s.missing = args[2], args[3], args[4]
		s.least, s.most = k, k
	}
	s.least, s.most = min(s.least, k), max(s.most, k)
	s.values[k] = args[1]
}

func (s *series) Result() kql.Value {
	lo, hi := s.least, s.most
	if !s.begin.IsNull() {
		lo = s.begin.Int()
	}
	if !s.last.IsNull() {
		hi = s.last.Int()
	}
	items := []kql.Dyn{}
	if len(s.values) == 0 && (s.begin.IsNull() || s.last.IsNull()) {
		return kql.DynamicOf(items)
	}
	for k := lo; k <= hi && len(items) < mostBins; k++ {
		v, ok := s.values[k]
		if !ok {
			v = s.missing
		}
		items = append(items, plain(v))
	}
	return kql.DynamicOf(items)
}

// plain is a value as an element of an array.
func plain(v kql.Value) kql.Dyn {
	if v.IsNull() {
		return nil
	}
	switch v.Type() {
	case kql.Bool:
		return v.Bool()
	case kql.Int, kql.Long:
		return v.Int()
	case kql.Real:
		return v.Real()
	case kql.Dynamic:
		return v.Dynamic()
	}
	return kql.TextOf(v)
}

// axisValues are the begins of the bins from args[0] to args[1], at args[2] plus
// as many times args[3].
func axisValues(t kql.Type, args []kql.Value) kql.Value {
	items := []kql.Dyn{}
	if args[0].IsNull() || args[1].IsNull() || args[2].IsNull() || args[3].IsNull() {
		return kql.DynamicOf(items)
	}
	for k := args[0].Int(); k <= args[1].Int() && len(items) < mostBins; k++ {
		var v kql.Value
		switch {
		case args[3].Type() == kql.Real || args[2].Type() == kql.Real:
			v = kql.RealOf(args[2].Float() + float64(k)*args[3].Float())
		case t == kql.DateTime:
			v = kql.DateTimeOf(args[2].Int() + k*args[3].Int())
		case t == kql.TimeSpan:
			v = kql.TimeSpanOf(args[2].Int() + k*args[3].Int())
		default:
			v = kql.LongOf(args[2].Int() + k*args[3].Int())
		}
		items = append(items, plain(v))
	}
	return kql.DynamicOf(items)
}
