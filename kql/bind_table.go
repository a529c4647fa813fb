package kql

import "slices"

// tabular binds an expression that has to be a table. The result is never nil.
func (b *binder) tabular(e Expr) *table {
	if ref, ok := unparen(e).(*NameRef); ok && !ref.Wild {
		if t := b.tableNamed(ref); t != nil {
			return t
		}
		b.unresolvedTable(ref.Pos(), ref.Text)
		return b.openTable(ref.Pos())
	}
	v := b.value(e)
	if v.tab == nil {
		if !isUnknown(v.x) {
			b.errorf(e.Pos(), "KS111", "Tabular value expected.")
		}
		return b.openTable(e.Pos())
	}
	return v.tab
}

// tableNamed is the table that a name means where a table is asked for; nil
// when it means none.
func (b *binder) tableNamed(ref *NameRef) *table {
	if d := b.env.find(ref.Text); d != nil && (d.isTable || d.fn != nil) {
		v := b.useDefinition(d, ref.Pos())
		if v.tab != nil {
			return v.tab
		}
		b.errorf(ref.Pos(), "KS111", "Tabular value expected.")
		return b.openTable(ref.Pos())
	}
	def := b.cat.Table(ref.Text)
	if v, ok := b.storedNoArgs(ref.Text, ref.Pos(), def); ok && v.tab != nil {
		return v.tab
	}
	if def != nil {
		return b.scan(def, ref.Pos())
	}
	return nil
}

// openTable stands for a table that did not bind: every name in it is unknown.
func (b *binder) openTable(at Span) *table {
	return &table{span: at, rel: &Values{}, open: true, serialized: true}
}

// scan reads a stored table, within the time of the request and with the rows
// that the asker may see.
func (b *binder) scan(def *TableDef, at Span) *table {
	b.countColumns(at, 4*len(def.Columns))
	b.use(def.Name)
	cols := make([]Column, len(def.Columns))
	source := make([]string, len(def.Columns))
	t := &table{span: at, name: def.Name, cols: make([]Column, 0, len(cols))}
	var clock Column
	for i := range def.Columns {
		d := &def.Columns[i]
		cols[i] = b.column(d.Name, d.Type)
		source[i] = d.Source
		if d.Source == "" {
			source[i] = d.Name
		}
		if d.Hidden {
			t.hidden = append(t.hidden, cols[i])
		} else {
			t.cols = append(t.cols, cols[i])
		}
		if def.Time != "" && d.Name == def.Time {
			clock = cols[i]
		}
	}
	t.rel = &Scan{Table: def.Name, Cols: cols, Source: source}
	if clock.ID != 0 {
		b.bound(t, clock, ">=", b.opts.From.IsZero(), TimeOf(b.opts.From))
		b.bound(t, clock, "<", b.opts.To.IsZero(), TimeOf(b.opts.To))
	}
	if def.RowFilter != "" {
		b.rowFilter(t, def, cols)
	}
	return t
}

// bound keeps the rows whose clock is on one side of a time.
func (b *binder) bound(t *table, clock Column, op string, none bool, v Value) {
	if none {
		return
	}
	t.rel = &Filter{In: t.rel, Pred: b.callFunc(t.span, op, Bool, &ColRef{Span: t.span, Col: clock}, constant(t.span, v))}
}

// rowFilter puts the catalog's predicate on a table. The predicate sees all
// columns and no name of the query.
func (b *binder) rowFilter(t *table, def *TableDef, cols []Column) {
	saved := *b
	b.inside = &storedCall{name: "row filter of " + def.Name, at: t.span}
	b.env, b.agg, b.op = nil, nil, "where"
	b.row = &rowScope{cols: cols}
	q, err := Parse(def.RowFilter)
	switch {
	case err != nil:
		b.errorf(t.span, "", "%s", err)
	case len(q.Statements) != 1:
		b.errorf(t.span, "", "one predicate expected")
	default:
		if s, ok := q.Statements[0].(*ExprStatement); ok {
			t.rel = &Filter{In: t.rel, Pred: b.predicate(s.X)}
		} else {
			b.errorf(t.span, "", "one predicate expected")
		}
	}
	b.inside, b.env, b.agg, b.op, b.row = saved.inside, saved.env, saved.agg, saved.op, saved.row
}

// where keeps the rows for which the predicate is true.
func (b *binder) where(o *WhereOp, in *table) *table {
	t := *in
	b.inRow(in, func() {
		t.rel = &Filter{In: in.rel, Pred: b.predicate(o.X)}
	})
	t.span = o.Pos()
	return &t
}

// declared makes the columns of a schema.
func (b *binder) declared(decls []ColumnDecl) []Column {
	cols := make([]Column, 0, len(decls))
	for i := range decls {
		d := &decls[i]
		t, ok := ParseType(d.Type.Text)
		if !ok && d.Type.Text != "" {
			b.errorf(d.Type.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", d.Type.Text)
		}
		if d.Type.Text == "" {
			t = String
		}
		if slices.ContainsFunc(cols, func(c Column) bool { return c.Name == d.Name.Text }) {
			b.errorf(d.Name.Span, "KS171", "A column with the name '%s' is already declared.", d.Name.Text)
			continue
		}
		cols = append(cols, b.column(d.Name.Text, t))
	}
	return cols
}

// dataTable is datatable(...)[...].
func (b *binder) dataTable(e *DataTable) *table {
	cols := b.declared(e.Columns)
	t := &table{span: e.Pos(), cols: cols}
	n := len(e.Columns)
	if n == 0 {
		if len(e.Values) > 0 {
			b.errorf(e.Pos(), "KS173", "Incorrect number of data values. The table has no columns.")
		}
		t.rel = &Values{Cols: cols}
		return t
	}
	if len(e.Values)%n != 0 {
		b.errorf(e.Pos(), "KS173", "Incorrect number of data values. The values should appear in multiples of %d.", n)
	}
	row, agg := b.row, b.agg
	b.row, b.agg = nil, nil
	values := make([]Value, 0, len(e.Values))
	if len(cols) == n {
		for i, x := range e.Values {
			values = append(values, b.dataValue(x, cols[i%n].Type))
		}
	}
	b.row, b.agg = row, agg
	rows := make([][]Value, 0, len(values)/n)
	for len(values) >= n {
		rows = append(rows, values[:n:n])
		values = values[n:]
	}
	t.rel = &Values{Cols: cols, Rows: rows}
	return t
}

// dataValue is one value of a datatable, as one of the column's type.
func (b *binder) dataValue(e Expr, t Type) Value {
	var v Value
	if lit, ok := e.(*Literal); ok {
		v = lit.Value
	} else {
		c := b.constantOf(e)
		if c == nil {
			return Null(t)
		}
		v = *c
	}
	if v.Type() == t || t == Unknown {
		return v
	}
	if v.IsNull() {
		return Null(t)
	}
	x := b.convert(constant(e.Pos(), v), t)
	if c := constOf(x); c != nil {
		return *c
	}
	return Null(t)
}

// externalData is externaldata(...)[...].
func (b *binder) externalData(e *ExternalData) *table {
	cols := b.declared(e.Columns)
	x := &External{Cols: cols, Pos: e.Pos()}
	for _, u := range e.URIs {
		if v := b.constantOf(u); v != nil {
			if v.Type() != String {
				b.errorf(u.Pos(), "KS222", "String literal expected.")
				continue
			}
			x.URIs = append(x.URIs, v.Str())
		}
	}
	for i := range e.Props {
		p := &e.Props[i]
		switch p.Name.Text {
		case "format":
			x.Format = b.propText(p)
		case "ignoreFirstRecord", "ignorefirstrecord", "IgnoreFirstRecord":
			x.IgnoreFirst = b.propBool(p)
		}
	}
	return &table{span: e.Pos(), rel: x, cols: cols}
}

// propText is a property's value as text: a name, a string or a number.
func (b *binder) propText(p *Property) string {
	switch v := unparen(p.Value).(type) {
	case *NameRef:
		if d := b.env.find(v.Text); d != nil && d.x != nil {
			if c := constOf(d.x); c != nil && c.Type() == String {
				return c.Str()
			}
		}
		return v.Text
	case *Literal:
		if v.Value.Type() == String {
			return v.Value.Str()
		}
		return TextOf(v.Value)
	case nil, *Missing:
		return ""
	}
	if c := b.constantOf(p.Value); c != nil {
		return TextOf(*c)
	}
	return ""
}

func (b *binder) propBool(p *Property) bool {
	switch b.propText(p) {
	case "true", "True", "TRUE", "1":
		return true
	}
	return false
}

// prop is the property of a name; nil when it was not said.
func prop(props []Property, name string) *Property {
	for i := range props {
		if props[i].Name.Text == name {
			return &props[i]
		}
	}
	return nil
}

// rangeOf is range X from A to B step C.
func (b *binder) rangeOf(o *RangeOp) *table {
	from, to, step := b.scalar(o.From), b.scalar(o.To), b.scalar(o.Step)
	ok := true
	for _, x := range []Scalar{from, to, step} {
		if x.Type() != Dynamic && !Summable.Has(x.Type()) {
			b.errorf(x.Pos(), "KS138", "The argument value must be summable: a number, timespan or datetime.")
			ok = false
		}
		ok = ok && !isUnknown(x)
	}
	t := Unknown
	if ok {
		var common bool
		t, common = commonType([]Type{from.Type(), to.Type()}, true)
		switch st := step.Type(); {
		case !common:
			b.errorf(o.Pos(), "KS106", "range: from and to are of different types: %s and %s.", from.Type(), to.Type())
			t, ok = Unknown, false
		case t == Int && st == Int:
		case t == Dynamic || st == Dynamic:
			t = Long
		default:
			var fits bool
			if t, fits = arithType("+", t, st); !fits {
				b.errorf(o.Step.Pos(), "KS178", "The type '%s' is not an appropriate interval type for '%s'", st, from.Type())
				t, ok = Unknown, false
			}
		}
	}
	if v := constOf(step); v != nil && ok && !v.IsNull() && v.Type() != Decimal && v.Float() == 0 {
		b.errorf(o.Step.Pos(), "KS140", "range: the step must not be zero.")
		ok = false
	}
	c := b.column(o.Name.Text, t)
	if !ok {
		return &table{span: o.Pos(), rel: &Values{Cols: []Column{c}}, cols: []Column{c}, serialized: true}
	}
	st := t
	if t == DateTime {
		st = TimeSpan
	}
	if t == Decimal {
		return b.decimalRange(o.Pos(), c, from, to, step)
	}
	r := &Range{Col: c, From: b.convert(from, t), To: b.convert(to, t), Step: b.convert(step, st)}
	return &table{span: o.Pos(), rel: r, cols: []Column{c}, sorted: true, serialized: true}
}

// decimalRange is a range of decimals, whose values are counted as reals.
func (b *binder) decimalRange(at Span, c Column, from, to, step Scalar) *table {
	real := b.column(c.Name, Real)
	r := &Range{Col: real, From: b.convert(from, Real), To: b.convert(to, Real), Step: b.convert(step, Real)}
	x := b.convert(&ColRef{Span: at, Col: real}, Decimal)
	return &table{span: at, rel: &Project{In: r, Items: []Item{{Out: c, X: x}}}, cols: []Column{c}, sorted: true, serialized: true}
}

// renderAs notes how the rows are to be shown.
func (b *binder) renderAs(o *RenderOp, in *table) *table {
	t := *in
	r := &Render{Chart: o.Chart, Props: map[string]string{}}
	for i := range o.Props {
		r.Props[o.Props[i].Name.Text] = b.renderProp(o.Props[i].Value)
	}
	t.render = r
	t.span = o.Pos()
	return &t
}

// renderProp is a value of render: names are names, whatever they mean elsewhere.
func (b *binder) renderProp(e Expr) string {
	switch e := unparen(e).(type) {
	case *NameRef:
		return e.Text
	case *Literal:
		if e.Value.Type() == String {
			return e.Value.Str()
		}
		return TextOf(e.Value)
	case nil, *Missing:
		return ""
	}
	row := b.row
	b.row = nil
	defer func() { b.row = row }()
	if v := constOf(b.scalar(e)); v != nil {
		return TextOf(*v)
	}
	return ""
}
