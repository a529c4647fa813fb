package kql

import "slices"

// useDefinition is what a defined name means where it stands.
func (b *binder) useDefinition(d *definition, at Span) value {
	switch {
	case d.fn != nil:
		for _, p := range d.fn.decl.Params {
			if p.Default == nil {
				b.errorf(at, "KS117", "The function '%s' requires an argument list.", d.name)
				return value{x: unknown(at)}
			}
		}
		return b.callFunction(d.fn, &CallExpr{Span: at, Name: Name{Span: at, Text: d.name}}, nil)
	case d.pattern != nil:
		b.errorf(at, "KS117", "The pattern '%s' requires an argument list.", d.name)
		return value{x: unknown(at)}
	case d.isTable:
		return value{tab: b.useTable(d, at)}
	}
	d.uses++
	if d.uses > 1 && !b.countScalar(d.x, at) {
		return value{x: unknown(at)}
	}
	if d.queries && d.uses > 1 {
		return value{x: b.reuse(d.x)}
	}
	return value{x: respan(d.x, at)}
}

// useTable is one use of a defined table. The first takes the plan that was
// bound; a later one is bound again, so that each gets the filters and columns
// of its own, except where that would compute something costly again, or where
// Kusto promises one computation.
func (b *binder) useTable(d *definition, at Span) *table {
	b.count(at)
	d.uses++
	b.tellAll(d.missing)
	if d.uses == 1 {
		if d.shared || d.expr == nil || costly(d.tab.rel) {
			d.share = b.newShared(b.exact(d.tab))
			return d.tab.with(d.share)
		}
		return d.tab
	}
	if d.share != nil {
		return b.again(d.tab, d.share)
	}
	env, row, agg, op, inside := b.env, b.row, b.agg, b.op, b.inside
	b.env, b.row, b.agg, b.op, b.inside = d.env, nil, nil, "", d.inside
	t := b.openTable(at)
	if b.enter(at) {
		t = b.tabular(d.expr)
	}
	b.leave()
	b.env, b.row, b.agg, b.op, b.inside = env, row, agg, op, inside
	u := *t
	u.name = d.tab.name
	return &u
}

// costly tells plans that are better kept than computed again.
func costly(r Rel) bool {
	switch r := r.(type) {
	case *Aggregated, *Join, *External, *MakeSeries, *RowOp, *Apply, *Partition, *Sample, *Top, *Shared, *SharedRef:
		return true
	case *Filter:
		return costly(r.In)
	case *Project:
		return costly(r.In)
	case *Sort:
		return costly(r.In)
	case *Take:
		return true
	case *MvExpand:
		return costly(r.In)
	case *ParseRel:
		return costly(r.In)
	case *Union:
		return slices.ContainsFunc(r.Ins, costly)
	}
	return false
}

// callFunction expands a function of let or of the catalog. piped is the table
// that invoke gives to its first parameter.
func (b *binder) callFunction(fn *function, e *CallExpr, piped *table) value {
	at := e.Pos()
	fn.called = true
	if !b.enter(at) {
		b.leave()
		return value{x: unknown(at)}
	}
	defer b.leave()
	for _, f := range b.calls {
		if f == fn || fn.stored != nil && f.stored != nil && f.name == fn.name {
			b.errorf(e.Name.Span, "KS211", "The function '%s' calls itself; recursion is not supported.", fn.name)
			return value{x: unknown(at)}
		}
	}
	env, ok := b.bindArgs(fn, e, piped)
	if !ok {
		// The body still tells what kind of thing the call is.
		if isTabularBody(fn.decl.Body) {
			return value{tab: b.openTable(at)}
		}
		return value{x: unknown(at)}
	}
	saved := *b
	b.env, b.row, b.agg, b.op = env, nil, nil, ""
	b.calls = append(b.calls, fn)
	if fn.stored != nil && b.inside == nil {
		b.inside = &storedCall{name: fn.name, at: at}
	}
	v := b.body(fn.decl.Body)
	b.env, b.row, b.agg, b.op, b.calls, b.inside = saved.env, saved.row, saved.agg, saved.op, saved.calls, saved.inside
	if v.tab != nil {
		t := *v.tab
		t.name = ""
		v.tab = &t
	}
	return v
}

// isTabularBody guesses from the last statement.
func isTabularBody(body *FuncBody) bool {
	if body == nil || len(body.Statements) == 0 {
		return false
	}
	s, ok := body.Statements[len(body.Statements)-1].(*ExprStatement)
	if !ok {
		return false
	}
	switch e := unparen(s.X).(type) {
	case *Pipe:
		return len(e.Ops) > 0
	case *DataTable, *ExternalData:
		return true
	}
	return false
}

// body binds the statements of a function; the last one is its value.
func (b *binder) body(body *FuncBody) value {
	if body == nil || len(body.Statements) == 0 {
		return value{x: unknown(Span{})}
	}
	last := len(body.Statements) - 1
	for _, s := range body.Statements[:last] {
		b.statement(s)
	}
	s, ok := body.Statements[last].(*ExprStatement)
	if !ok {
		b.errorf(body.Span, "KS006", "The body of a function has to end with an expression.")
		return value{x: unknown(body.Span)}
	}
	v := b.value(s.X)
	b.checkUncalled(b.env)
	return v
}

// bindArgs is the names that the body of a function sees.
func (b *binder) bindArgs(fn *function, e *CallExpr, piped *table) (*scope, bool) {
	params := fn.decl.Params
	args := make([]Expr, len(params))
	n := 0
	if piped != nil {
		n = 1
		if len(params) == 0 || !params[0].Table {
			b.errorf(e.Name.Span, "KS111", "invoke: the first parameter of the function '%s' has to be a table.", fn.name)
			return nil, false
		}
	}
	for _, a := range e.Args {
		i := n
		if named, ok := a.(*Named); ok && len(named.Names) == 1 {
			i = slices.IndexFunc(params, func(p ParamDecl) bool { return p.Name.Text == named.Names[0].Text })
			if i < 0 {
				b.errorf(named.Names[0].Span, "KS196", "The argument name '%s' does not refer to a declared parameter of '%s'.", named.Names[0].Text, fn.name)
				return nil, false
			}
			a = named.X
		} else {
			n++
		}
		if i >= len(params) {
			least := 0
			for _, p := range params {
				if p.Default == nil {
					least++
				}
			}
			b.argumentCount(fn.name, e.Pos(), least, len(params))
			return nil, false
		}
		args[i] = a
	}
	env := fn.env
	ok := true
	for i := range params {
		p := &params[i]
		var d *definition
		switch {
		case i == 0 && piped != nil:
			d = b.tableArg(p, nil, piped, e.Pos())
		case args[i] != nil:
			d = b.bindArg(p, args[i])
		case p.Default != nil:
			saved := *b
			b.env, b.row, b.agg = fn.env, nil, nil
			d = b.bindArg(p, p.Default)
			b.env, b.row, b.agg = saved.env, saved.row, saved.agg
		default:
			least := 0
			for _, p := range params {
				if p.Default == nil {
					least++
				}
			}
			if least == len(params) {
				b.argumentCount(fn.name, e.Pos(), least, least)
			} else {
				b.errorf(e.Pos(), "KS197", "The function '%s' needs an argument for the parameter '%s'.", fn.name, p.Name.Text)
			}
			return nil, false
		}
		ok = ok && d != nil
		if d != nil {
			env = &scope{up: env, def: d}
		}
	}
	return env, ok
}

// bindArg is one argument as the parameter's definition.
func (b *binder) bindArg(p *ParamDecl, arg Expr) *definition {
	if p.Table {
		row, agg := b.row, b.agg
		b.row, b.agg = nil, nil
		t := b.tabular(arg)
		b.row, b.agg = row, agg
		return b.tableArg(p, arg, t, arg.Pos())
	}
	before := b.queries
	v := b.value(arg)
	if v.tab != nil {
		b.errorf(arg.Pos(), "KS108", "Scalar value expected for the parameter '%s'.", p.Name.Text)
		return nil
	}
	t, ok := ParseType(p.Type.Text)
	if !ok {
		b.errorf(p.Type.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", p.Type.Text)
		t = Unknown
	}
	return &definition{name: p.Name.Text, span: p.Name.Span, x: b.convert(v.x, t), queries: b.queries > before, inside: b.inside}
}

// tableArg checks that a table has the columns that a parameter asks for.
func (b *binder) tableArg(p *ParamDecl, arg Expr, t *table, at Span) *definition {
	row := t.scope()
	for i := range p.Columns {
		c := &p.Columns[i]
		have, ok := row.find(c.Name.Text)
		want, _ := ParseType(c.Type.Text)
		switch {
		case !ok && !t.open:
			b.errorf(at, "KS249", "The tabular value for the parameter '%s' does not have the required column '%s'.", p.Name.Text, c.Name.Text)
			return nil
		case ok && have.Type != want && want != Unknown && have.Type != Unknown && !(have.Type.Numeric() && want.Numeric()):
			b.errorf(at, "KS249", "The tabular value for the parameter '%s' has the column '%s' with type %s, not %s.", p.Name.Text, c.Name.Text, have.Type, want)
			return nil
		}
	}
	return &definition{name: p.Name.Text, span: p.Name.Span, isTable: true, expr: arg, env: b.env, tab: t, inside: b.inside}
}

// storedFunction is a function of the catalog; nil when there is none.
func (b *binder) storedFunction(name string, at Span) *function {
	if fn, ok := b.stored[name]; ok {
		return fn
	}
	def := b.cat.Function(name)
	if def == nil {
		return nil
	}
	if b.stored == nil {
		b.stored = map[string]*function{}
	}
	b.stored[name] = nil
	q, err := Parse("let f = " + def.Text)
	if err != nil {
		b.errorf(at, "", "The function '%s' has a mistake: %s", name, err)
		return nil
	}
	if len(q.Statements) == 1 {
		if let, ok := q.Statements[0].(*Let); ok {
			if decl, ok := let.Value.(*FuncDecl); ok {
				fn := &function{name: name, decl: decl, stored: &storedCall{name: name}, called: true}
				b.stored[name] = fn
				return fn
			}
		}
	}
	b.errorf(at, "", "The function '%s' has a mistake: (parameters) { body } expected.", name)
	return nil
}

// storedNoArgs is a function of the catalog that is named without arguments. One
// that has the name of a table hides it, but not from itself.
func (b *binder) storedNoArgs(name string, at Span, table *TableDef) (value, bool) {
	for _, f := range b.calls {
		if table != nil && f.stored != nil && f.name == name {
			return value{}, false
		}
	}
	fn := b.storedFunction(name, at)
	if fn == nil {
		return value{}, false
	}
	for _, p := range fn.decl.Params {
		if p.Default == nil {
			return value{}, false
		}
	}
	return b.callFunction(fn, &CallExpr{Span: at, Name: Name{Span: at, Text: name}}, nil), true
}

// invoke is invoke f(args): the rows are the function's first argument.
func (b *binder) invoke(o *InvokeOp, in *table) *table {
	at := o.Pos()
	name := o.Call.Name.Text
	var fn *function
	if d := b.env.find(name); d != nil {
		fn = d.fn
	}
	if fn == nil {
		fn = b.storedFunction(name, at)
	}
	if fn == nil {
		b.unknownFunction(o.Call)
		return b.openTable(at)
	}
	v := b.callFunction(fn, o.Call, in)
	if v.tab == nil {
		if !isUnknown(v.x) {
			b.errorf(at, "KS111", "Tabular value expected.")
		}
		return b.openTable(at)
	}
	return v.tab
}

// as gives the rows a name for what follows.
func (b *binder) as(o *AsOp, in *table) *table {
	d := &definition{name: o.Name.Text, span: o.Name.Span, isTable: true, tab: in, inside: b.inside}
	b.define(d)
	t := *b.useTable(d, o.Pos())
	t.name = o.Name.Text
	t.span = o.Pos()
	return &t
}

// callPattern is a call of a declared pattern, f("a").["b"] or f("a").b.
func (b *binder) callPattern(d *definition, e *CallExpr, path string) value {
	at := e.Pos()
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		v := b.constantOf(a)
		if v == nil {
			return value{tab: b.openTable(at)}
		}
		args[i] = TextOf(*v)
	}
	for i := range d.pattern.Matches {
		m := &d.pattern.Matches[i]
		if len(m.Args) != len(args) {
			continue
		}
		fits := true
		for j, x := range m.Args {
			v := b.constantOf(x)
			fits = fits && v != nil && TextOf(*v) == args[j]
		}
		if m.Path != nil {
			v := b.constantOf(m.Path)
			fits = fits && v != nil && TextOf(*v) == path
		} else {
			fits = fits && path == ""
		}
		if !fits {
			continue
		}
		saved := *b
		b.env, b.row, b.agg, b.op = d.penv, nil, nil, ""
		for j, p := range d.pattern.Params {
			if j < len(args) {
				b.define(&definition{name: p.Name.Text, x: constant(at, StringOf(args[j]))})
			}
		}
		v := value{tab: b.openTable(at)}
		if b.enter(at) {
			v = b.body(m.Body)
		}
		b.leave()
		b.env, b.row, b.agg, b.op = saved.env, saved.row, saved.agg, saved.op
		return v
	}
	b.errorf(at, "KS188", "No pattern matches the specified arguments.")
	return value{tab: b.openTable(at)}
}
