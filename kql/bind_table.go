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

// pipe binds operators one behind the other; in is the rows that the first one
// reads when there is no source.
func (b *binder) pipe(e *Pipe, in *table) *table {
	t := in
	op := b.op
	row, agg := b.row, b.agg
	if e.Source != nil {
		b.row, b.agg = nil, nil
		t = b.tabular(e.Source)
	}
	for i, o := range e.Ops {
		b.row, b.agg = nil, nil
		if t == nil && i > 0 {
			t = b.openTable(o.Pos())
		}
		if t != nil && (len(t.group) > 0 || t.void) {
			if _, isAs := o.(*AsOp); !isAs {
				b.errorf(o.Pos(), "KS177", "No operator can follow fork, facet or consume.")
			}
			break
		}
		t = b.operator(o, t)
	}
	b.row, b.agg, b.op = row, agg, op
	if t == nil {
		t = b.openTable(e.Pos())
	}
	return t
}

// operator binds one step. in is nil at the start of a query.
func (b *binder) operator(o Operator, in *table) *table {
	at := o.Pos()
	if !b.enter(at) {
		b.leave()
		return b.openTable(at)
	}
	defer b.leave()
	b.count(at)
	b.op = operatorName(o)
	switch o.(type) {
	case *PrintOp, *RangeOp, *FindOp:
		if in != nil {
			b.errorf(at, "KS175", "'%s' operator: the operator must be the first operator in the query.", b.op)
			return b.openTable(at)
		}
	case *UnionOp, *SearchOp, *EvaluateOp:
	default:
		if in == nil {
			b.errorf(at, "KS174", "'%s' operator: the operator cannot be the first operator in a query.", b.op)
			in = b.openTable(at)
		}
	}
	if in != nil && in.graph != nil {
		return b.graphOperator(o, in)
	}
	t := b.apply(o, in)
	if t != nil {
		if b.countColumns(at, len(t.cols)); len(t.cols) > maxColumns {
			b.tooMuch(at, "A table has more than %d columns.", maxColumns)
		}
	}
	if t != nil && t.span == (Span{}) {
		t.span = at
	}
	return t
}

func (b *binder) apply(o Operator, in *table) *table {
	switch o := o.(type) {
	case *WhereOp:
		return b.where(o, in)
	case *ExtendOp:
		return b.extend(o.Cols, in)
	case *SerializeOp:
		return b.serialize(o, in)
	case *ProjectOp:
		return b.project(o, in)
	case *ReorderOp:
		return b.reorder(o, in)
	case *SummarizeOp:
		return b.summarize(o, in)
	case *DistinctOp:
		return b.distinct(o, in)
	case *SortOp:
		return b.sort(o, in)
	case *TakeOp:
		return b.take(o, in)
	case *SampleOp:
		return b.sample(o, in)
	case *TopOp:
		return b.top(o, in)
	case *TopNestedOp:
		return b.topNested(o, in)
	case *TopHittersOp:
		return b.topHitters(o, in)
	case *CountOp:
		return b.countRows(o, in)
	case *JoinOp:
		return b.join(o, in)
	case *UnionOp:
		return b.union(o, in)
	case *MvExpandOp:
		return b.mvExpand(o, in)
	case *MvApplyOp:
		return b.mvApply(o, in)
	case *ParseOp:
		return b.parse(o, in)
	case *ParseKvOp:
		return b.parseKv(o, in)
	case *MakeSeriesOp:
		return b.makeSeries(o, in)
	case *RangeOp:
		return b.rangeOf(o)
	case *PrintOp:
		return b.print(o)
	case *SearchOp:
		return b.search(o, in)
	case *FindOp:
		return b.find(o)
	case *RenderOp:
		return b.renderAs(o, in)
	case *EvaluateOp:
		return b.evaluate(o, in)
	case *InvokeOp:
		return b.invoke(o, in)
	case *AsOp:
		return b.as(o, in)
	case *GetSchemaOp:
		return b.getSchema(o, in)
	case *ConsumeOp:
		return &table{span: o.Pos(), void: true, rel: &Values{}}
	case *ReduceOp:
		return b.reduce(o, in)
	case *ForkOp:
		return b.fork(o, in)
	case *FacetOp:
		return b.facet(o, in)
	case *PartitionOp:
		return b.partition(o, in)
	case *ScanOp:
		return b.scanRows(o, in)
	case *AssertSchemaOp:
		return b.assertSchema(o, in)
	case *MakeGraphOp:
		return b.makeGraph(o, in)
	case *GraphMatchOp, *GraphMarkComponentsOp, *GraphToTableOp, *GraphWhereOp:
		b.errorf(o.Pos(), "KS219", "The query operator requires an input graph.")
		return b.openTable(o.Pos())
	}
	b.errorf(o.Pos(), "KS176", "The '%s' operator is not supported.", b.op)
	return b.openTable(o.Pos())
}

// operatorName is what messages call an operator.
func operatorName(o Operator) string {
	switch o := o.(type) {
	case *WhereOp:
		return "where"
	case *ExtendOp:
		return "extend"
	case *SerializeOp:
		return "serialize"
	case *ProjectOp:
		if o.Kind != "" {
			return "project-" + o.Kind
		}
		return "project"
	case *ReorderOp:
		return "project-reorder"
	case *SummarizeOp:
		return "summarize"
	case *DistinctOp:
		return "distinct"
	case *SortOp:
		return "sort"
	case *TakeOp:
		return "take"
	case *SampleOp:
		if o.Distinct != nil {
			return "sample-distinct"
		}
		return "sample"
	case *TopOp:
		return "top"
	case *TopNestedOp:
		return "top-nested"
	case *TopHittersOp:
		return "top-hitters"
	case *CountOp:
		return "count"
	case *JoinOp:
		if o.Lookup {
			return "lookup"
		}
		return "join"
	case *UnionOp:
		return "union"
	case *MvExpandOp:
		return "mv-expand"
	case *MvApplyOp:
		return "mv-apply"
	case *ParseOp:
		if o.Where {
			return "parse-where"
		}
		return "parse"
	case *ParseKvOp:
		return "parse-kv"
	case *MakeSeriesOp:
		return "make-series"
	case *RangeOp:
		return "range"
	case *PrintOp:
		return "print"
	case *SearchOp:
		return "search"
	case *FindOp:
		return "find"
	case *RenderOp:
		return "render"
	case *EvaluateOp:
		return "evaluate"
	case *InvokeOp:
		return "invoke"
	case *AsOp:
		return "as"
	case *GetSchemaOp:
		return "getschema"
	case *ConsumeOp:
		return "consume"
	case *ReduceOp:
		return "reduce"
	case *ForkOp:
		return "fork"
	case *FacetOp:
		return "facet"
	case *PartitionOp:
		return "partition"
	case *ScanOp:
		return "scan"
	case *AssertSchemaOp:
		return "assert-schema"
	case *MakeGraphOp:
		return "make-graph"
	case *GraphMatchOp:
		if o.Shortest {
			return "graph-shortest-paths"
		}
		return "graph-match"
	case *GraphMarkComponentsOp:
		return "graph-mark-components"
	case *GraphToTableOp:
		return "graph-to-table"
	case *GraphWhereOp:
		return "graph-where"
	}
	return ""
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

// getSchema is the columns of the table as rows.
func (b *binder) getSchema(o *GetSchemaOp, in *table) *table {
	if o.Kind == "csl" {
		text := ""
		for i, c := range in.cols {
			if i > 0 {
				text += ", "
			}
			text += bracketed(c.Name) + ":" + c.Type.String()
		}
		cols := []Column{b.column("Schema", String)}
		return &table{rel: &Values{Cols: cols, Rows: [][]Value{{StringOf(text)}}}, cols: cols, serialized: true}
	}
	cols := []Column{b.column("ColumnName", String), b.column("ColumnOrdinal", Long), b.column("DataType", String), b.column("ColumnType", String)}
	v := &Values{Cols: cols}
	for i, c := range in.cols {
		v.Rows = append(v.Rows, []Value{StringOf(c.Name), LongOf(int64(i)), StringOf(clrType(c.Type)), StringOf(c.Type.String())})
	}
	return &table{rel: v, cols: cols, serialized: true, open: false}
}

// clrType is the name of a type in .NET, as getschema tells it.
func clrType(t Type) string {
	switch t {
	case Bool:
		return "System.SByte"
	case Int:
		return "System.Int32"
	case Long:
		return "System.Int64"
	case Real:
		return "System.Double"
	case Decimal:
		return "System.Data.SqlTypes.SqlDecimal"
	case String:
		return "System.String"
	case DateTime:
		return "System.DateTime"
	case TimeSpan:
		return "System.TimeSpan"
	case Guid:
		return "System.Guid"
	}
	return "System.Object"
}

// bracketed is a name as it has to be written.
func bracketed(name string) string {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return "['" + name + "']"
		}
	}
	if name == "" {
		return "['']"
	}
	return name
}

// assertSchema checks the columns.
func (b *binder) assertSchema(o *AssertSchemaOp, in *table) *table {
	for i := range o.Columns {
		d := &o.Columns[i]
		t, _ := ParseType(d.Type.Text)
		found := false
		for _, c := range in.cols {
			if c.Name == d.Name.Text {
				found = true
				if t != Unknown && c.Type != Unknown && c.Type != t {
					b.errorf(d.Span, "", "assert-schema: the column '%s' is of type %s, not %s.", c.Name, c.Type, t)
				}
			}
		}
		if !found && !in.open {
			b.errorf(d.Span, "", "assert-schema: there is no column '%s'.", d.Name.Text)
		}
	}
	return in
}
