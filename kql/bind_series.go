package kql

import (
	"math"
	"time"
)

// makeSeries is make-series: an array for each aggregate, with a value for each
// bin of the axis.
func (b *binder) makeSeries(o *MakeSeriesOp, in *table) *table {
	at := o.Pos()
	by := projection{b: b}
	m := &MakeSeries{In: in.rel}
	if p := prop(o.Props, "kind"); p != nil {
		switch kind := b.propText(p); kind {
		case "nonempty":
			m.NonEmpty = true
		default:
			b.errorf(p.Value.Pos(), "KS005", "'make-series' operator: unknown kind '%s'.", kind)
		}
	}
	b.inRow(in, func() {
		for _, e := range o.By {
			before := len(by.cols)
			by.expr(e, styleProject, "")
			for i := before; i < len(by.cols); i++ {
				b.groupKey(&by.cols[i], e)
			}
		}
	})
	for i := range by.cols {
		m.By = append(m.By, Item{Out: by.cols[i].col, X: by.cols[i].x})
	}
	out := projection{b: b, cols: by.cols}
	for i := range o.Series {
		b.seriesOf(m, &out, &o.Series[i], in)
	}
	b.inRow(in, func() { b.seriesAxis(m, &out, o) })
	if m.Step == nil || isUnknown(m.Axis) {
		t := b.openTable(at)
		for i := range out.cols {
			t.cols = append(t.cols, out.cols[i].col)
		}
		t.open = false
		return t
	}
	m.In = by.below(in)
	t := &table{span: at, rel: m}
	for i := range out.cols {
		t.cols = append(t.cols, out.cols[i].col)
	}
	return t
}

// seriesOf is one series: an aggregate, with the value of empty bins. What
// computes over aggregates cannot be one series, as Kusto has it.
func (b *binder) seriesOf(m *MakeSeries, out *projection, s *MakeSeriesAgg, in *table) {
	agg := b.newAggScope(in, &projection{b: b})
	p := projection{b: b, cols: append([]outColumn(nil), out.cols...)}
	b.aggregates(agg, in, func() { p.aggregate(s.X, true) })
	added := p.cols[len(out.cols):]
	if len(added) == 0 {
		return
	}
	c := added[0]
	col := b.column(c.col.Name, Dynamic)
	ref, direct := c.x.(*ColRef)
	series := SeriesAgg{Out: col, Pos: s.Pos(), ArgType: c.x.Type()}
	switch {
	case isUnknown(c.x):
	case direct && len(agg.items) == 1 && len(agg.items[0].Outs) > 0 && agg.items[0].Outs[0].ID == ref.Col.ID:
		series.Func, series.Args = agg.items[0].Func, agg.items[0].Args
	case len(agg.items) == 0:
		series.Args = []Scalar{c.x}
	default:
		b.errorf(s.X.Pos(), "", "'make-series' operator: an aggregate alone expected; compute with the series behind.")
	}
	// An empty bin counts 0 when nothing is said.
	x := constant(s.Pos(), zeroOf(series.ArgType))
	if s.Default != nil {
		v := b.constantOf(s.Default)
		if v == nil {
			v = &Value{}
		}
		x = b.convert(constant(s.Default.Pos(), *v), series.ArgType)
	}
	if v := constOf(x); v != nil {
		series.Default = *v
	} else {
		series.Default = Null(series.ArgType)
	}
	m.Aggs = append(m.Aggs, series)
	out.cols = append(out.cols, outColumn{col: col, x: &ColRef{Col: col}, declared: c.declared})
}

// zeroOf is 0 as a value of a type, or what comes nearest.
func zeroOf(t Type) Value {
	switch t {
	case Bool:
		return BoolOf(false)
	case Int:
		return IntOf(0)
	case Real:
		return RealOf(0)
	case Decimal:
		return DecimalOf("0")
	case String:
		return StringOf("")
	case DateTime:
		return TimeOf(time.Time{})
	case TimeSpan:
		return TimeSpanOf(0)
	case Guid:
		return Null(Guid)
	case Dynamic:
		return DynamicOf(int64(0))
	}
	return LongOf(0)
}

// seriesAxis binds on, from, to and step.
func (b *binder) seriesAxis(m *MakeSeries, out *projection, o *MakeSeriesOp) {
	if o.On == nil {
		b.errorf(o.Pos(), "KS006", "'make-series' operator: the on clause is missing.")
		m.Axis = unknown(o.Pos())
		return
	}
	e := o.On
	named, _ := e.(*Named)
	if named != nil {
		e = named.X
	}
	m.Axis = b.scalar(e)
	t := m.Axis.Type()
	if t != Unknown && !Summable.Has(t) {
		b.errorf(e.Pos(), "KS138", "'make-series' operator: the axis must be a number, timespan or datetime, not %s.", t)
		m.Axis = unknown(e.Pos())
	}
	if t == Decimal {
		t = Real // the bins are counted as reals
		m.Axis = b.convert(m.Axis, t)
	}
	axis := b.column("", Dynamic)
	ref := &ColRef{Span: e.Pos(), Col: axis}
	switch {
	case named != nil && len(named.Names) > 0:
		out.declare(named.Names[0].Text, named.Names[0].Span, ref, false)
	default:
		if col, ok := noConversion(e, m.Axis); ok {
			out.declare(col.Col.Name, e.Pos(), ref, false)
			break
		}
		name, ok := b.resultName(e)
		if !ok || name == "" {
			name = b.anonymous()
		}
		out.add(name, ref, false)
	}
	for i := range out.cols {
		if r, ok := out.cols[i].x.(*ColRef); ok && r == ref {
			axis.Name = out.cols[i].col.Name
			out.cols[i].col = axis
		}
	}
	m.AxisOut = axis
	row := b.row
	b.row = nil
	defer func() { b.row = row }()
	from, to, step := o.From, o.To, o.Step
	if len(o.Range) == 3 {
		from, to, step = o.Range[0], o.Range[1], o.Range[2]
	}
	bound := func(e Expr) Scalar {
		if e == nil {
			return nil
		}
		x := b.scalar(e)
		switch {
		case isUnknown(x) || t == Unknown || x.Type() == t:
		case x.Type().Numeric() && t.Numeric(), x.Type() == Dynamic, x.Type() == String && constOf(x) != nil:
			x = b.convert(x, t)
		default:
			b.errorf(e.Pos(), "KS141", "'make-series' operator: the expression must have the type %s of the axis, not %s.", t, x.Type())
			return unknown(e.Pos())
		}
		if isUnknown(x) {
			m.Axis = x
		}
		return x
	}
	m.From, m.To = bound(from), bound(to)
	if step == nil {
		b.errorf(o.Pos(), "KS006", "'make-series' operator: the step is missing.")
		return
	}
	s := b.scalar(step)
	want := t
	if t == DateTime {
		want = TimeSpan
	}
	switch {
	case isUnknown(s) || t == Unknown:
		m.Axis = unknown(step.Pos())
	case s.Type() == want:
	case s.Type().Numeric() && want.Numeric():
		if s.Type() == Real {
			want = Real
		}
		s = b.convert(s, want)
	default:
		b.errorf(step.Pos(), "KS178", "'make-series' operator: the type '%s' is not an appropriate interval type for '%s'", s.Type(), t)
		return
	}
	m.Step = s
	if len(o.Range) == 3 && m.To != nil && !isUnknown(m.To) {
		// The older form includes its end.
		m.To = b.includeEnd(m.To, s)
	}
}

// includeEnd moves an excluded end just behind the value.
func (b *binder) includeEnd(to, step Scalar) Scalar {
	at := to.Pos()
	v := constOf(to)
	switch to.Type() {
	case DateTime:
		return b.callFunc(at, "+", DateTime, to, constant(at, TimeSpanOf(1)))
	case TimeSpan:
		return b.callFunc(at, "+", TimeSpan, to, constant(at, TimeSpanOf(1)))
	case Real:
		if v != nil {
			return constant(at, RealOf(math.Nextafter(v.Real(), math.Inf(1))))
		}
		return to
	}
	return b.convert(b.callFunc(at, "+", Long, to, constant(at, LongOf(1))), to.Type())
}
