package kql

import "slices"

// statements binds a whole query and gives its result tables.
func (b *binder) statements(list []Statement) []*table {
	var out []*table
	for _, s := range list {
		e, ok := s.(*ExprStatement)
		if !ok {
			b.statement(s)
			continue
		}
		b.op = ""
		v := b.value(e.X)
		switch {
		case v.tab != nil:
			out = append(out, v.tab)
		case isUnknown(v.x):
			out = append(out, b.openTable(e.Pos()))
		default:
			// A scalar is a table of one value, as print makes it.
			c := b.column("print_0", v.x.Type())
			out = append(out, &table{span: e.Pos(), cols: []Column{c}, rel: &Project{In: &Values{Rows: [][]Value{{}}}, Items: []Item{{Out: c, X: v.x}}}})
		}
	}
	b.checkUncalled(b.env)
	return out
}

// statement binds what is no result.
func (b *binder) statement(s Statement) {
	b.op = ""
	switch s := s.(type) {
	case *Let:
		b.let(s)
	case *SetOption:
		// Options steer Kusto's engine; none changes what a query means.
	case *DeclareParameters:
		for i := range s.Params {
			b.parameter(&s.Params[i])
		}
	case *DeclarePattern:
		if len(s.Matches) == 0 {
			b.errorf(s.Pos(), "", "The pattern '%s' is declared without matches: whoever runs the query has to fill it in.", s.Name.Text)
		}
		b.define(&definition{name: s.Name.Text, span: s.Name.Span, pattern: s, penv: b.env})
	case *Alias:
		b.define(&definition{name: s.Name.Text, span: s.Name.Span, alias: s.X})
	case *Restrict:
		b.restrict(s)
	case *ExprStatement:
		b.value(s.X)
	}
}

// let defines a name.
func (b *binder) let(s *Let) {
	d := &definition{name: s.Name.Text, span: s.Name.Span, inside: b.inside}
	if decl, ok := s.Value.(*FuncDecl); ok {
		d.fn = &function{name: s.Name.Text, decl: decl, env: b.env, view: decl.View, inside: b.inside}
		b.checkParams(decl)
		b.define(d)
		return
	}
	row, agg := b.row, b.agg
	b.row, b.agg = nil, nil
	before := b.queries
	saved, seen := b.diags, b.seen
	b.diags, b.seen = nil, nil
	v := b.value(s.Value)
	b.row, b.agg = row, agg
	mine := b.diags
	b.diags, b.seen = saved, seen
	if v.tab != nil && slices.ContainsFunc(mine, noTable) {
		d.missing = mine
	} else {
		b.tellAll(mine)
	}
	if v.tab != nil {
		if len(v.tab.group) > 0 {
			b.errorf(s.Value.Pos(), "KS111", "fork and facet give several tables; they cannot be defined by let.")
		}
		t := *v.tab
		t.name = ""
		d.isTable, d.expr, d.env, d.tab = true, s.Value, b.env, &t
		if call, ok := unparen(s.Value).(*CallExpr); ok && call.Name.Text == "materialize" {
			d.shared = true
		}
		if p, ok := unparen(s.Value).(*Pipe); ok && len(p.Ops) == 0 && p.Source != nil {
			if call, ok := unparen(p.Source).(*CallExpr); ok && call.Name.Text == "materialize" {
				d.shared = true
			}
		}
	} else {
		d.x, d.queries = v.x, b.queries > before
	}
	b.define(d)
}

// checkParams checks what a function declares.
func (b *binder) checkParams(decl *FuncDecl) {
	scalar := false
	for i := range decl.Params {
		p := &decl.Params[i]
		if slices.ContainsFunc(decl.Params[:i], func(q ParamDecl) bool { return q.Name.Text == p.Name.Text }) {
			b.errorf(p.Name.Span, "KS201", "A parameter with the name '%s' has already been declared.", p.Name.Text)
		}
		switch {
		case p.Table && scalar:
			b.errorf(p.Span, "KS226", "Tabular parameters must be declared first.")
		case !p.Table:
			scalar = true
			if _, ok := ParseType(p.Type.Text); !ok && p.Type.Text != "" {
				b.errorf(p.Type.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", p.Type.Text)
			}
		}
	}
}

// checkUncalled binds the bodies of functions that nothing called, so that their
// mistakes are told.
func (b *binder) checkUncalled(env *scope) {
	for s := env; s != nil; s = s.up {
		if s.def.uses == 0 {
			b.tellAll(s.def.missing)
		}
		fn := s.def.fn
		if fn == nil || fn.called || fn.stored != nil {
			continue
		}
		fn.called = true
		saved := *b
		b.env, b.row, b.agg, b.op, b.inside = fn.env, nil, nil, "", fn.inside
		for i := range fn.decl.Params {
			p := &fn.decl.Params[i]
			d := &definition{name: p.Name.Text, span: p.Name.Span}
			if p.Table {
				d.isTable = true
				cols := b.declared(p.Columns)
				d.tab = &table{rel: &Values{Cols: cols}, cols: cols, open: p.Star, serialized: true}
			} else {
				t, _ := ParseType(p.Type.Text)
				d.x = &ColRef{Span: p.Span, Col: Column{ID: -1, Name: p.Name.Text, Type: t}}
			}
			b.define(d)
		}
		if b.enter(fn.decl.Span) {
			b.body(fn.decl.Body)
		}
		// What it read is not read.
		uses := saved.uses
		b.env, b.row, b.agg, b.op, b.inside, b.depth, b.uses, b.open = saved.env, saved.row, saved.agg, saved.op, saved.inside, saved.depth, uses, saved.open
	}
}

// parameter is one of declare query_parameters: the value given, or its default.
func (b *binder) parameter(p *ParamDecl) {
	t, ok := ParseType(p.Type.Text)
	if !ok {
		b.errorf(p.Type.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", p.Type.Text)
	}
	d := &definition{name: p.Name.Text, span: p.Name.Span}
	v, given := b.opts.Params[p.Name.Text]
	switch {
	case given:
		d.x = b.convert(constant(p.Span, v), t)
	case p.Default != nil:
		d.x = b.convert(b.scalar(p.Default), t)
	default:
		b.errorf(p.Span, "KS189", "The query parameter '%s' has no value.", p.Name.Text)
		d.x = unknown(p.Span)
	}
	b.define(d)
}

// restrict leaves only the named tables and definitions to what follows.
func (b *binder) restrict(s *Restrict) {
	allowed := map[string]bool{}
	var env *scope
	for _, e := range s.Names {
		ref, ok := unparen(e).(*NameRef)
		if !ok {
			if p, isPath := unparen(e).(*Path); isPath {
				if own, ok := b.place(p.X); ok && own {
					ref = &NameRef{p.Name}
				}
			}
			if ref == nil {
				b.errorf(e.Pos(), "KS111", "The name of a table expected.")
				continue
			}
		}
		if d := b.env.find(ref.Text); d != nil && !ref.Wild {
			env = &scope{up: env, def: d}
			continue
		}
		for _, name := range b.cat.Tables() {
			if matchWild(ref.Text, name) {
				allowed[name] = true
			}
		}
		for sc := b.env; sc != nil && ref.Wild; sc = sc.up {
			if matchWild(ref.Text, sc.def.name) {
				env = &scope{up: env, def: sc.def}
			}
		}
	}
	b.env = env
	b.cat = restricted{b.cat, allowed}
}

// restricted is a catalog of which some tables are left.
type restricted struct {
	Catalog
	allowed map[string]bool
}

func (r restricted) Table(name string) *TableDef {
	if !r.allowed[name] {
		return nil
	}
	return r.Catalog.Table(name)
}

func (r restricted) Tables() []string {
	return slices.DeleteFunc(slices.Clone(r.Catalog.Tables()), func(n string) bool { return !r.allowed[n] })
}

func (r restricted) Function(string) *FunctionDef { return nil }
func (r restricted) Functions() []string          { return nil }
