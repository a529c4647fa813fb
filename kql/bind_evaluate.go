package kql

import (
	"fmt"
	"slices"
	"sort"
)

// pluginNames are Kusto's plugins, those that are not run here among them.
var pluginNames = []string{
	"active_users_count", "activity_counts_metrics", "activity_engagement", "activity_metrics", "ai_chat_completion",
	"ai_chat_completion_prompt", "ai_embed_text", "ai_embeddings", "autocluster", "azure_digital_twins_query_request",
	"bag_unpack", "basket", "cosmosdb_sql_request", "csharp", "dax_request", "dcount_intersect", "diffpatterns",
	"diffpatterns_text", "estimate_rows_count", "execute_query", "execute_show_command", "external_datatable",
	"funnel_sequence", "funnel_sequence_completion", "geo_line_lookup", "geo_polygon_lookup", "http_request",
	"http_request_post", "identity", "identity_v3", "infer_storage_schema", "infer_storage_schema_with_suggestions",
	"ipv4_lookup", "ipv6_lookup", "mysql_request", "narrow", "new_activity_metrics", "pivot", "postgresql_request",
	"preview", "python", "r", "rolling_percentile", "rows_near", "schema_merge", "sequence_detect", "session_count",
	"sliding_window_counts", "sql_request",
}

func isPlugin(name string) bool { return slices.Contains(pluginNames, name) }

// evaluate binds a call of a plugin.
func (b *binder) evaluate(o *EvaluateOp, in *table) *table {
	call := o.Call
	name := call.Name.Text
	at := o.Pos()
	if in == nil {
		b.errorf(call.Name.Span, "KS174", "The plug-in function '%s' needs rows to work on.", name)
		return b.openTable(at)
	}
	b.op = "evaluate"
	t, ok := b.rowPlugin(call, in)
	if !ok {
		switch name {
		case "bag_unpack":
			t = b.bagUnpack(call, in, o.Schema)
		case "pivot":
			t = b.pivot(call, in, o.Schema)
		case "narrow":
			t = b.narrow(call, in)
		case "identity", "identity_v3":
			t = in
		case "preview":
			t = b.preview(call, in)
		case "estimate_rows_count":
			t = b.countAs("EstimatedRowsCount", at, in)
		default:
			if isPlugin(name) {
				b.errorf(call.Name.Span, "KS126", "The plug-in function '%s' is not enabled here: it reaches outside of this system or needs a sandbox.", name)
			} else {
				b.errorf(call.Name.Span, "KS211", "Unknown plug-in function: '%s'", name)
			}
			return b.openTable(at)
		}
	}
	if o.Schema != nil && name != "bag_unpack" && name != "pivot" {
		t = b.toSchema(t, in, o.Schema)
	}
	t.span = at
	return t
}

// schemaColumns is a written output schema: the columns of the input where it
// starts with *, then the declared ones.
func (b *binder) schemaColumns(schema *TypeOf, in *table) (cols []Column) {
	if schema.Star {
		cols = append(cols, in.cols...)
	}
	return append(cols, b.declared(schema.Columns)...)
}

// toSchema gives a result the columns that were written, by name.
func (b *binder) toSchema(t, in *table, schema *TypeOf) *table {
	if t.open && len(t.cols) == 0 {
		return t
	}
	var items []Item
	for _, want := range b.schemaColumns(schema, in) {
		i := find(t.cols, want.Name)
		var x Scalar = constant(schema.Pos(), Null(want.Type))
		if i >= 0 {
			ref := &ColRef{Col: t.cols[i]}
			if t.cols[i].Type == want.Type {
				items = append(items, Item{Out: t.cols[i], X: ref})
				continue
			}
			x = b.convert(ref, want.Type)
		}
		items = append(items, Item{Out: b.column(want.Name, want.Type), X: x})
	}
	cols := outs(nil, items)
	return &table{cols: cols, rel: &Project{In: t.rel, Items: items}}
}

// narrow makes a row of each cell: the number of the row, and the column's name
// and value as text.
func (b *binder) narrow(call *CallExpr, in *table) *table {
	b.argCount(call, 0, 0)
	names := make([]Value, len(in.cols))
	for i, c := range in.cols {
		names[i] = StringOf(c.Name)
	}
	cols := []Column{b.column("Row", Long), b.column("Column", String), b.column("Value", String)}
	op := rowFunc(func(ins []func() ([]Value, error), emit func([]Value) error) error {
		n := int64(0)
		return eachRow(ins[0], func(row []Value) error {
			for i, v := range row {
				if err := emit([]Value{LongOf(n), names[i], StringOf(TextOf(v))}); err != nil {
					return err
				}
			}
			n++
			return nil
		})
	})
	return &table{cols: cols, rel: &RowOp{Ins: []Rel{b.exact(in)}, Name: "narrow", Cols: cols, Op: op, Order: in.sorted}}
}

// rowFunc is a row operator that is only a function.
type rowFunc func(ins []func() ([]Value, error), emit func([]Value) error) error

func (f rowFunc) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	return f(ins, emit)
}

// preview gives the first rows and, as a second result, how many there are.
func (b *binder) preview(call *CallExpr, in *table) *table {
	if !b.argCount(call, 1, 1) {
		return b.openTable(call.Pos())
	}
	n := b.constantOf(call.Args[0])
	if n == nil || !AnyInteger.Has(n.Type()) {
		return b.openTable(call.Pos())
	}
	use := b.sharer(in)
	first := use()
	first = first.with(&Take{In: first.rel, N: constant(call.Pos(), LongOf(n.Int()))})
	return &table{span: call.Pos(), group: []*table{first, b.countAs("Count", call.Pos(), use())}}
}

func (b *binder) countAs(name string, at Span, in *table) *table {
	col := b.column(name, Long)
	return &table{cols: []Column{col}, rel: &Aggregated{In: in.rel, Aggs: []AggItem{{Outs: []Column{col}, Func: LookupAggregate("count"), Pos: at}}}}
}

// probe reads a small table while the query is bound; ok is false when that
// cannot be, which leaves the schema open.
func (b *binder) probe(r Rel, at Span) (rows [][]Value, ok bool) {
	if b.opts.Probe == nil || b.failed() {
		b.open = true
		return nil, false
	}
	// What was bound so far has tables that are shared with what comes; a copy
	// is simplified for the probe alone.
	rows, err := b.opts.Probe(simplifyPlan(b, r))
	if err != nil {
		b.errorf(at, "", "The columns of the result cannot be told: %s", err)
		return nil, false
	}
	return rows, true
}

// bagUnpack makes a column of each key of the bags in a column.
func (b *binder) bagUnpack(call *CallExpr, in *table, schema *TypeOf) *table {
	p := &pluginCall{b: b, name: "bag_unpack", at: call.Pos(), in: in}
	p.args, p.named = namedArgs(call, "columnsConflict", "ignoredProperties", "OutputColumnPrefix")
	if len(p.args) < 1 || len(p.args) > 4 {
		b.argumentCount("bag_unpack", call.Pos(), 1, 4)
		return b.openTable(call.Pos())
	}
	bag, _ := p.column(p.args[0])
	if bag.ID == 0 {
		return b.openTable(call.Pos())
	}
	if bag.Type != Dynamic {
		b.errorf(p.args[0].Pos(), "KS106", "bag_unpack: a column of type dynamic is expected.")
		return b.openTable(call.Pos())
	}
	option := func(i int, name string) (Value, Expr, bool) {
		e := p.named[name]
		if e == nil && i < len(p.args) {
			e = p.args[i]
		}
		if e == nil {
			return Value{}, nil, false
		}
		v := b.constantOf(e)
		if v == nil || v.IsNull() || v.Type() == String && v.Str() == "~" {
			return Value{}, e, false
		}
		return *v, e, true
	}
	prefix := ""
	if v, _, ok := option(1, "OutputColumnPrefix"); ok {
		prefix = TextOf(v)
	}
	conflict := "error"
	if v, e, ok := option(2, "columnsConflict"); ok {
		conflict = TextOf(v)
		if !slices.Contains([]string{"error", "replace_source", "keep_source"}, conflict) {
			b.errorf(e.Pos(), "KS141", "bag_unpack: columnsConflict is 'error', 'replace_source' or 'keep_source'.")
		}
	}
	ignored := map[string]bool{}
	if v, _, ok := option(3, "ignoredProperties"); ok {
		list, _ := v.Dynamic().([]Dyn)
		for _, d := range list {
			if s, ok := d.(string); ok {
				ignored[s] = true
			}
		}
	}
	type prop struct {
		key  string
		name string
		t    Type
	}
	var props []prop
	if schema != nil {
		for _, c := range b.declared(schema.Columns) {
			key := c.Name
			if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
				key = key[len(prefix):]
			}
			if schema.Star && find(in.cols, c.Name) >= 0 && c.Name != bag.Name {
				continue
			}
			props = append(props, prop{key, c.Name, c.Type})
		}
	} else {
		rows, ok := b.probe(&RowOp{Ins: []Rel{b.pick(in.rel, []Column{bag})}, Name: "bag_unpack", Cols: []Column{b.column("key", String), b.column("type", Long)}, Op: rowFunc(keysOfBags)}, call.Pos())
		if !ok {
			t := b.openTable(call.Pos())
			for _, c := range in.cols {
				if c.ID != bag.ID {
					t.cols = append(t.cols, c)
				}
			}
			return t
		}
		for _, r := range rows {
			if key := r[0].Str(); key != "" && !ignored[key] {
				props = append(props, prop{key, prefix + key, Type(r[1].Int())})
			}
		}
		b.blank = b.blank || len(props) == 0
		sort.Slice(props, func(i, j int) bool { return props[i].key < props[j].key })
	}
	get := func(pr prop) Scalar {
		ref := &ColRef{Span: call.Pos(), Col: bag}
		x := b.callFunc(call.Pos(), "[]", Dynamic, ref, constant(call.Pos(), StringOf(pr.key)))
		return b.convert(x, pr.t)
	}
	names := projection{b: b}
	used := make([]bool, len(props))
	// With a written schema the columns are those, in that order; * is the input.
	if schema == nil || schema.Star {
		for _, c := range in.cols {
			i := slices.IndexFunc(props, func(pr prop) bool { return pr.name == c.Name })
			switch {
			case c.ID == bag.ID && i < 0:
			case i < 0:
				names.add(c.Name, &ColRef{Col: c}, false)
			case c.ID == bag.ID || conflict == "replace_source":
				names.cols = append(names.cols, outColumn{col: b.column(c.Name, props[i].t), x: get(props[i])})
				used[i] = true
			case conflict == "keep_source":
				names.add(c.Name, &ColRef{Col: c}, false)
				used[i] = true
			default:
				b.errorf(call.Pos(), "", "evaluate bag_unpack(): the column '%s' of the input has the name of a property. Use columnsConflict or a prefix.", c.Name)
				return b.openTable(call.Pos())
			}
		}
	} else if i := slices.IndexFunc(b.schemaColumns(schema, in), func(c Column) bool { return find(in.cols, c.Name) >= 0 && c.Name != bag.Name }); i >= 0 {
		// A declared column that the input has is the input's.
		for i, pr := range props {
			if k := find(in.cols, pr.name); k >= 0 && in.cols[k].ID != bag.ID {
				x := b.convert(&ColRef{Col: in.cols[k]}, pr.t)
				names.cols = append(names.cols, outColumn{col: b.column(pr.name, pr.t), x: x})
			} else {
				names.cols = append(names.cols, outColumn{col: b.column(pr.name, pr.t), x: get(pr)})
			}
			used[i] = true
		}
	}
	for i, pr := range props {
		if !used[i] {
			names.cols = append(names.cols, outColumn{col: b.column(pr.name, pr.t), x: get(pr)})
		}
	}
	t := names.table(in, call.Pos())
	t.open = b.blank && schema == nil && len(props) == 0
	return t
}

// maxUnpacked is how many columns the data may make.
const maxUnpacked = 1000

// keysOfBags gives the keys of all bags with the type that holds all their values.
func keysOfBags(ins []func() ([]Value, error), emit func([]Value) error) error {
	types := make(map[string]Type)
	err := eachRow(ins[0], func(row []Value) error {
		bag, _ := row[0].Dynamic().(*Bag)
		if bag == nil {
			return nil
		}
		for _, k := range bag.Keys {
			t := typeOfDyn(bag.Values[k])
			have, ok := types[k]
			switch {
			case !ok:
				if len(types) == maxUnpacked {
					return fmt.Errorf("the bags have more than %d keys", maxUnpacked)
				}
				types[k] = t
			case have == t || t == Unknown:
			case have == Unknown:
				types[k] = t
			case have.Numeric() && t.Numeric():
				types[k] = Real
			default:
				types[k] = Dynamic
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for k, t := range types {
		if t == Unknown {
			t = Dynamic // null in all rows
		}
		if err := emit([]Value{StringOf(k), LongOf(int64(t))}); err != nil {
			return err
		}
	}
	return nil
}

func typeOfDyn(d Dyn) Type {
	switch d := d.(type) {
	case nil:
		return Unknown
	case string:
		return String
	case bool:
		return Bool
	case int64:
		return Long
	case float64:
		return Real
	case Value:
		return d.Type()
	}
	return Dynamic
}

// namedArgs splits name = value from the other arguments.
func namedArgs(call *CallExpr, names ...string) (args []Expr, named map[string]Expr) {
	named = make(map[string]Expr)
	for _, a := range call.Args {
		switch n := a.(type) {
		case *Named:
			if len(n.Names) == 1 && slices.Contains(names, n.Names[0].Text) {
				named[n.Names[0].Text] = n.X
				continue
			}
		case *Binary:
			if ref, ok := n.X.(*NameRef); ok && n.Op == "=" && slices.Contains(names, ref.Text) {
				named[ref.Text] = n.Y
				continue
			}
		}
		args = append(args, a)
	}
	return args, named
}

// pivot turns the values of a column into columns: pivot(column, aggregate, by...).
// It is summarize by the rows' keys and the column, and then one cell of each.
func (b *binder) pivot(call *CallExpr, in *table, schema *TypeOf) *table {
	at := call.Pos()
	if !b.argCount(call, 1, -1) {
		return b.openTable(at)
	}
	p := &pluginCall{b: b, name: "pivot", at: at, in: in, args: call.Args}
	over, _ := p.column(call.Args[0])
	if over.ID == 0 {
		return b.openTable(at)
	}
	var agg Expr = &CallExpr{Span: at, Name: Name{Span: at, Text: "count"}}
	if len(call.Args) > 1 {
		agg = call.Args[1]
	}
	keyNames := make(map[string]bool)
	var by []Expr
	addKey := func(name string) {
		keyNames[name] = true
		by = append(by, &NameRef{Name{Span: at, Text: name}})
	}
	if len(call.Args) > 2 {
		for _, e := range call.Args[2:] {
			if c, _ := p.column(e); c.ID != 0 {
				addKey(c.Name)
			}
		}
	} else {
		read := p.columnsRead(agg)
		for _, c := range in.cols {
			if c.ID != over.ID && !read.has(c.ID) {
				addKey(c.Name)
			}
		}
	}
	named := func(name string, x Expr) Expr {
		return &Named{Span: at, Names: []Name{{Span: at, Text: name}}, X: x}
	}
	const cell, column = "$cell", "$column"
	inner := &SummarizeOp{Span: at, HasBy: true, Aggs: []Expr{named(cell, agg)},
		By: append(slices.Clone(by), named(column, &CallExpr{Span: at, Name: Name{Span: at, Text: "tostring"}, Args: call.Args[:1]}))}
	cells := b.operator(inner, in)
	b.op = "evaluate"
	if b.failed() {
		return b.openTable(at)
	}
	var values []string
	if schema != nil {
		for _, c := range b.declared(schema.Columns) {
			if !keyNames[c.Name] {
				values = append(values, c.Name)
			}
		}
	} else {
		name := cells.cols[find(cells.cols, column)]
		out := b.column(name.Name, String)
		rows, ok := b.probe(&Take{In: &Aggregated{In: cells.rel, By: []Item{{Out: out, X: &ColRef{Col: name}}}}, N: constant(at, LongOf(maxUnpacked+1))}, at)
		if !ok {
			t := b.openTable(at)
			t.cols = append(t.cols, cells.cols[:len(by)]...)
			return t
		}
		if len(rows) > maxUnpacked {
			b.errorf(at, "", "pivot: the column '%s' has more than %d values.", over.Name, maxUnpacked)
			return b.openTable(at)
		}
		for _, r := range rows {
			values = append(values, r[0].Str())
		}
		sort.Strings(values)
		b.blank = b.blank || len(values) == 0
	}
	cellCol, nameCol := cells.cols[find(cells.cols, cell)], cells.cols[find(cells.cols, column)]
	rel := &Aggregated{In: cells.rel}
	for _, c := range cells.cols {
		if c.ID != cellCol.ID && c.ID != nameCol.ID {
			rel.By = append(rel.By, Item{Out: b.column(c.Name, c.Type), X: &ColRef{Col: c}})
		}
	}
	first := LookupAggregate("take_anyif")
	t := &table{rel: rel}
	var items []Item
	for _, it := range rel.By {
		items = append(items, Item{Out: it.Out, X: &ColRef{Col: it.Out}})
	}
	empty := b.emptyOf(agg, cellCol.Type)
	for _, v := range values {
		out := b.column(v, cellCol.Type)
		is := b.callFunc(at, "==", Bool, &ColRef{Col: nameCol}, constant(at, StringOf(v)))
		rel.Aggs = append(rel.Aggs, AggItem{Outs: []Column{out}, Func: first, Args: []Scalar{&ColRef{Col: cellCol}, is}, Pos: at})
		var x Scalar = &ColRef{Col: out}
		if !empty.IsNull() {
			x = b.callFunc(at, "coalesce", cellCol.Type, x, constant(at, empty))
		}
		items = append(items, Item{Out: b.column(out.Name, out.Type), X: x})
	}
	t.rel = &Project{In: rel, Items: items}
	t.cols = outs(nil, items)
	uniqueColumns(t.cols)
	for i := range items {
		items[i].Out = t.cols[i]
	}
	if schema != nil {
		return b.toSchema(t, in, schema)
	}
	t.open = len(values) == 0
	return t
}

// emptyOf is what an aggregate gives of no rows.
func (b *binder) emptyOf(agg Expr, t Type) Value {
	call, ok := unparen(agg).(*CallExpr)
	if !ok {
		return Null(t)
	}
	switch call.Name.Text {
	case "count", "countif", "dcount", "dcountif", "sum", "sumif", "count_distinct", "count_distinctif":
		switch t {
		case Long, Int:
			return ofNumber(t, 0)
		case Real:
			return RealOf(0)
		}
	}
	return Null(t)
}

// columnsRead are the columns of in that the arguments of an aggregate read.
func (p *pluginCall) columnsRead(agg Expr) (read colSet) {
	call, ok := unparen(agg).(*CallExpr)
	if !ok {
		return nil
	}
	for _, a := range call.Args {
		if _, star := a.(*Star); !star {
			read.reads(p.expr(a))
		}
	}
	return read
}
