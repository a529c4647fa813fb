package kql

import "fmt"

// rowPlugin binds a plugin that runs in Go over the rows of in; ok is false when
// the call is none of them.
func (b *binder) rowPlugin(call *CallExpr, in *table) (t *table, ok bool) {
	bind, ok := rowPlugins[call.Name.Text]
	if !ok {
		return nil, false
	}
	p := &pluginCall{b: b, name: call.Name.Text, at: call.Pos(), in: in, ins: []Rel{b.exact(in)}}
	p.args, p.named = namedArgs(call, "return_unmatched", "return_lookup_key", "radius", "lookup_area_radius")
	failed := len(b.diags)
	op, err := bind(p)
	if err != nil {
		b.errorf(p.at, "KS006", "%s: %s.", p.name, err)
	}
	if op == nil || len(b.diags) > failed {
		return b.openTable(p.at), true
	}
	rel := &RowOp{Ins: p.ins, Name: p.name, Cols: p.out, Op: op, Order: p.ordered}
	return &table{span: p.at, cols: p.out, rel: rel, sorted: p.ordered, serialized: p.ordered}, true
}

// rowPlugins make the operator of a plugin and p.out. It is filled when the
// package starts because its functions look at it.
var rowPlugins map[string]func(p *pluginCall) (RowOperator, error)

func init() {
	rowPlugins = map[string]func(p *pluginCall) (RowOperator, error){
		"rows_near":          (*pluginCall).rowsNear,
		"rolling_percentile": (*pluginCall).rollingPercentile,
		"dcount_intersect":   (*pluginCall).dcountIntersect,
		"ipv4_lookup":        func(p *pluginCall) (RowOperator, error) { return p.ipLookup(false) },
		"ipv6_lookup":        func(p *pluginCall) (RowOperator, error) { return p.ipLookup(true) },
		"geo_polygon_lookup": func(p *pluginCall) (RowOperator, error) {
			return p.geoLookup("geo_point_in_polygon", "geo_distance_point_to_polygon", false)
		},
		"geo_line_lookup":            func(p *pluginCall) (RowOperator, error) { return p.geoLookup("", "geo_distance_point_to_line", true) },
		"autocluster":                (*pluginCall).autocluster,
		"basket":                     (*pluginCall).basket,
		"diffpatterns":               (*pluginCall).diffPatterns,
		"sequence_detect":            (*pluginCall).sequenceDetect,
		"funnel_sequence":            (*pluginCall).funnel,
		"funnel_sequence_completion": (*pluginCall).funnelCompletion,
		"activity_counts_metrics":    (*pluginCall).activity,
		"activity_metrics":           (*pluginCall).activity,
		"new_activity_metrics":       (*pluginCall).activity,
		"activity_engagement":        (*pluginCall).activity,
		"active_users_count":         (*pluginCall).activity,
		"session_count":              (*pluginCall).activity,
		"sliding_window_counts":      (*pluginCall).activity,
	}
}

// pluginCall is one call while it is bound.
type pluginCall struct {
	b       *binder
	name    string
	at      Span
	in      *table
	args    []Expr
	named   map[string]Expr // return_unmatched = true
	ins     []Rel
	out     []Column
	ordered bool
}

var errArguments = fmt.Errorf("the number of arguments is wrong")

// expr is an argument over the input's rows.
func (p *pluginCall) expr(e Expr) (x Scalar) {
	p.b.inRow(p.in, func() { x = p.b.rowExpr(p.b.scalar(e)) })
	return x
}

// column is an argument that names a column of the input.
func (p *pluginCall) column(e Expr) (Column, Compute) {
	x := p.expr(e)
	ref, ok := x.(*ColRef)
	if !ok && !isUnknown(x) {
		p.b.errorf(e.Pos(), "KS187", "%s: a column is expected.", p.name)
	}
	if ref == nil {
		return Column{}, compute(x, p.in.cols)
	}
	return ref.Col, compute(x, p.in.cols)
}

// dims are the arguments from i on, which slice the result.
func (p *pluginCall) dims(i int) (cols []Column, xs []Compute) {
	for _, e := range p.args[min(i, len(p.args)):] {
		c, x := p.column(e)
		cols, xs = append(cols, p.b.column(c.Name, c.Type)), append(xs, x)
	}
	return cols, xs
}

func (p *pluginCall) constant(i int) Value {
	if i < len(p.args) {
		if v := p.b.constantOf(p.args[i]); v != nil {
			return *v
		}
	}
	return Value{}
}

// given is a constant that "~" or nothing leaves at its default.
func (p *pluginCall) given(i int) (Value, bool) {
	v := p.constant(i)
	return v, !v.IsNull() && !(v.Type() == String && v.Str() == "~")
}

// ticks is a constant of the timeline.
func (p *pluginCall) ticks(i int) int64 {
	v := p.constant(i)
	switch v.Type() {
	case DateTime, TimeSpan, Int, Long:
		if !v.IsNull() {
			return v.Int()
		}
	case Unknown:
		return 0
	}
	p.b.errorf(p.args[i].Pos(), "KS141", "%s: a datetime, a timespan or an integer is expected.", p.name)
	return 0
}

// timeline is the column of times.
func (p *pluginCall) timeline(i int) (Column, Compute) {
	c, x := p.column(p.args[i])
	switch c.Type {
	case DateTime, TimeSpan, Int, Long, Unknown:
	default:
		p.b.errorf(p.args[i].Pos(), "KS141", "%s: the timeline must be a datetime, a timespan or an integer.", p.name)
	}
	return c, x
}

func (p *pluginCall) add(name string, t Type) { p.out = append(p.out, p.b.column(name, t)) }

// pass makes the output the input's columns.
func (p *pluginCall) pass() {
	for _, c := range p.in.cols {
		p.add(c.Name, c.Type)
	}
}

func (p *pluginCall) rowsNear() (RowOperator, error) {
	if len(p.args) < 2 || len(p.args) > 3 {
		return nil, errArguments
	}
	if !p.in.serialized {
		p.b.errorf(p.at, "KS204", "rows_near: the input must be serialized. Use sort or serialize before it.")
	}
	var cond Scalar
	p.b.inRow(p.in, func() { cond = p.b.rowExpr(p.b.predicate(p.args[0])) })
	before := p.ticks(1)
	after := before
	if len(p.args) > 2 {
		after = p.ticks(2)
	}
	p.pass()
	p.ordered = true
	return NewRowsNear(compute(cond, p.in.cols), before, after)
}

func (p *pluginCall) rollingPercentile() (RowOperator, error) {
	if len(p.args) < 5 {
		return nil, errArguments
	}
	value, v := p.column(p.args[0])
	index, t := p.timeline(2)
	pct := p.constant(1)
	spec := RollingSpec{Value: v, Index: t, ValueType: value.Type, IndexType: index.Type, Percentile: numberOf(pct), Size: p.ticks(3), Bins: p.ticks(4)}
	dims, xs := p.dims(5)
	spec.Dims = xs
	p.add(index.Name, index.Type)
	p.out = append(p.out, dims...)
	p.add(fmt.Sprintf("rolling_%d_percentile_%s_%s", spec.Bins, value.Name, percentileName(pct)), value.Type)
	return NewRollingPercentile(spec)
}

// percentileName is a percentile as part of a column's name: 99.9 is 99_9.
func percentileName(v Value) string {
	text := []byte(fmt.Sprint(numberOf(v)))
	for i := range text {
		if text[i] == '.' {
			text[i] = '_'
		}
	}
	return string(text)
}

func (p *pluginCall) dcountIntersect() (RowOperator, error) {
	var hlls []Compute
	p.pass()
	for i, e := range p.args {
		hlls = append(hlls, compute(p.expr(e), p.in.cols))
		p.add(fmt.Sprintf("s%d", i), Long)
	}
	return NewDcountIntersect(hlls)
}

// ipLookup has the columns of the lookup table but those that are keys in both.
func (p *pluginCall) ipLookup(v6 bool) (RowOperator, error) {
	if len(p.args) < 3 {
		return nil, errArguments
	}
	lookup := p.b.tabular(p.args[0])
	if lookup == nil {
		return nil, errArguments
	}
	spec := IPLookupSpec{V6: v6}
	_, spec.Key = p.column(p.args[1])
	p.ins = append(p.ins, p.b.exact(lookup))
	over := &pluginCall{b: p.b, name: p.name, in: lookup}
	_, spec.Network = over.column(p.args[2])
	extra := make(map[string]bool)
	args := p.args[3:]
	unmatched := p.named["return_unmatched"]
	if n := len(args); n > 0 && unmatched == nil {
		if lit, ok := unparen(args[n-1]).(*Literal); ok && lit.Value.Type() == Bool {
			unmatched, args = args[n-1], args[:n-1]
		}
	}
	for _, e := range args {
		c, x := p.column(e)
		_, y := over.column(e)
		spec.Extra, spec.ExtraLookup = append(spec.Extra, x), append(spec.ExtraLookup, y)
		extra[c.Name] = true
	}
	if unmatched != nil {
		if v := p.b.constantOf(unmatched); v != nil {
			spec.Unmatched = v.Bool()
		}
	}
	names := projection{b: p.b}
	for _, c := range p.in.cols {
		names.add(c.Name, &ColRef{Col: c}, false)
	}
	for i, c := range lookup.cols {
		spec.LookupTypes = append(spec.LookupTypes, c.Type)
		if extra[c.Name] {
			continue
		}
		spec.LookupOut = append(spec.LookupOut, i)
		names.add(c.Name, &ColRef{Col: c}, false)
	}
	for i := range names.cols {
		p.add(names.cols[i].col.Name, names.cols[i].col.Type)
	}
	return NewIPLookup(spec), nil
}

func (p *pluginCall) sequenceDetect() (RowOperator, error) {
	if len(p.args) < 4 {
		return nil, errArguments
	}
	when, t := p.timeline(0)
	spec := SequenceSpec{Time: t, TimeType: when.Type, MaxStep: p.ticks(1), MaxSpan: p.ticks(2)}
	i := 3
	var steps []Column
	for ; i < len(p.args); i++ {
		name := ""
		e := p.args[i]
		if n, ok := e.(*Named); ok && len(n.Names) == 1 {
			name, e = n.Names[0].Text, n.X
		}
		x := p.expr(e)
		if x.Type() != Bool {
			break
		}
		if name == "" {
			name = fmt.Sprintf("Expr%d", len(spec.Steps)+1)
		}
		spec.Steps = append(spec.Steps, compute(x, p.in.cols))
		steps = append(steps, p.b.column(name+"_"+when.Name, when.Type))
	}
	dims, xs := p.dims(i)
	spec.Dims = xs
	p.out = append(dims, steps...)
	duration := TimeSpan
	if when.Type == Int || when.Type == Long {
		duration = when.Type
	}
	p.add("Duration", duration)
	return NewSequenceDetect(spec)
}

// states are the elements of a constant array, as values of the state column.
func (p *pluginCall) states(i int, t Type) (out []Value) {
	list, _ := p.constant(i).Dynamic().([]Dyn)
	for _, d := range list {
		switch x := d.(type) {
		case string:
			if t == String || t == Guid {
				v := StringOf(x)
				if t == Guid {
					v = GuidOf(x)
				}
				out = append(out, v)
				continue
			}
		case int64:
			out = append(out, ofNumber(t, float64(x)))
			continue
		case float64:
			out = append(out, ofNumber(t, x))
			continue
		case bool:
			if t == Bool {
				out = append(out, BoolOf(x))
				continue
			}
		}
		p.b.errorf(p.args[i].Pos(), "KS141", "%s: the sequence must hold values of type %s.", p.name, t)
	}
	return out
}

func (p *pluginCall) funnelSpec(stateArg int) (FunnelSpec, Column, Column) {
	id, x := p.column(p.args[0])
	when, t := p.timeline(1)
	state, s := p.column(p.args[stateArg])
	return FunnelSpec{ID: x, IDType: id.Type, Time: t, TimeType: when.Type, State: s, StateType: state.Type,
		Start: p.ticks(2), End: p.ticks(3), Sequence: p.states(stateArg+1, state.Type)}, when, state
}

func (p *pluginCall) funnel() (RowOperator, error) {
	if len(p.args) != 8 {
		return nil, errArguments
	}
	spec, when, state := p.funnelSpec(6)
	spec.MaxStep, spec.Step = p.ticks(4), p.ticks(5)
	p.add(when.Name, when.Type)
	p.add("prev", state.Type)
	p.add("next", state.Type)
	p.add("dcount", Long)
	p.add("samples", Dynamic)
	return NewFunnel(spec)
}

func (p *pluginCall) funnelCompletion() (RowOperator, error) {
	if len(p.args) != 8 {
		return nil, errArguments
	}
	spec, when, state := p.funnelSpec(5)
	spec.Step, spec.Periods = p.ticks(4), []int64{}
	list, _ := p.constant(7).Dynamic().([]Dyn)
	for _, d := range list {
		text, _ := d.(string)
		ticks, ok := parseTimeSpan(text)
		if !ok {
			return nil, fmt.Errorf("the periods must be timespans")
		}
		spec.Periods = append(spec.Periods, ticks)
	}
	p.add(when.Name, when.Type)
	p.add(state.Name, state.Type)
	p.add("Period", TimeSpan)
	p.add("dcount", Long)
	return NewFunnel(spec)
}
