package kql

import (
	"slices"
	"strconv"
)

// source is a table with the name that union, search and find know it by.
type source struct {
	name string
	tab  *table
}

// sources binds the tables of union, search and find. arg is what tables
// without a name are called by position; fuzzy leaves out what is not there.
func (b *binder) sources(es []Expr, arg string, fuzzy bool, out []source) []source {
	for _, e := range es {
		out = b.source(e, arg, fuzzy, out)
	}
	return out
}

func (b *binder) source(e Expr, arg string, fuzzy bool, out []source) []source {
	ref, isName := unparen(e).(*NameRef)
	if isName && ref.Wild {
		return b.wildcard(ref, fuzzy, out)
	}
	position := arg + strconv.Itoa(len(out))
	if fuzzy {
		t := b.fuzzyTable(e)
		if t == nil {
			return out
		}
		return append(out, b.nameSource(source{position, t}, ref, isName))
	}
	return append(out, b.nameSource(source{position, b.tabular(e)}, ref, isName))
}

// nameSource gives a stored table, or a view, its own name.
func (b *binder) nameSource(s source, ref *NameRef, isName bool) source {
	if !isName {
		if s.tab.name != "" && isScan(s.tab.rel) {
			s.name = s.tab.name
		}
		return s
	}
	d := b.env.find(ref.Text)
	if d == nil && s.tab.name != "" {
		s.name = s.tab.name
	}
	if d != nil && d.fn != nil && d.fn.view {
		s.name = d.name
	}
	return s
}

// isScan tells a stored table as it is.
func isScan(r Rel) bool {
	for {
		f, ok := r.(*Filter)
		if !ok {
			break
		}
		r = f.In
	}
	_, ok := r.(*Scan)
	return ok
}

// wildcard adds the stored tables and the views whose names fit.
func (b *binder) wildcard(ref *NameRef, fuzzy bool, out []source) []source {
	n := len(out)
	for s := b.env; s != nil; s = s.up {
		d := s.def
		if d.fn != nil && d.fn.view && matchWild(ref.Text, d.name) && b.env.find(d.name) == d {
			if v := b.useDefinition(d, ref.Pos()); v.tab != nil {
				out = append(out, source{d.name, v.tab})
			}
		}
	}
	// Views come in the order in which they were written.
	for i, j := n, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	for _, name := range b.cat.Tables() {
		if matchWild(ref.Text, name) && b.env.find(name) == nil {
			if def := b.cat.Table(name); def != nil {
				out = append(out, source{name, b.scan(def, ref.Pos())})
			}
		}
	}
	if len(out) == n {
		if fuzzy {
			b.warnf(ref.Pos(), "KS205", "The fuzzy name '%s' does not refer to any known or currently accessible table.", ref.Text)
		} else {
			b.errorf(ref.Pos(), "KS142", "'%s' operator: the name '%s' does not refer to any known table.", b.op, ref.Text)
		}
	}
	return out
}

// fuzzyTable is a table of union isfuzzy=true; nil, with a warning, when its
// tables are not there.
func (b *binder) fuzzyTable(e Expr) *table {
	saved := b.diags
	b.diags = nil
	seen := b.seen
	b.seen = nil
	t := b.tabular(e)
	mine := b.diags
	b.diags, b.seen = saved, seen
	if slices.ContainsFunc(mine, noTable) {
		for _, d := range mine {
			if noTable(d) {
				b.warnf(d.Span, "KS205", "The fuzzy expression does not refer to any known or currently accessible table: %s", d.Msg)
			}
		}
		return nil
	}
	b.tellAll(mine)
	return t
}

// noTable tells a mistake that is a table which is not there.
func noTable(d Diagnostic) bool {
	return d.Code == "KS204" || d.Code == "KS207" || d.Code == "KS208"
}

func (b *binder) tellAll(ds []Diagnostic) {
	for _, d := range ds {
		b.tell(d)
	}
}

func (b *binder) union(o *UnionOp, in *table) *table {
	var out []source
	if in != nil {
		out = append(out, source{"union_arg0", in})
		if in.name != "" && isScan(in.rel) {
			out[0].name = in.name
		}
	}
	fuzzy := false
	with, kind := "", "outer"
	for i := range o.Props {
		p := &o.Props[i]
		switch p.Name.Text {
		case "isfuzzy":
			fuzzy = b.propBool(p)
		case "withsource", "with_source":
			with = b.renderProp(p.Value)
		case "kind":
			kind = b.propText(p)
			if kind != "inner" && kind != "outer" {
				b.errorf(p.Value.Pos(), "KS005", "'union' operator: unknown kind '%s'.", kind)
			}
		}
	}
	op := b.op
	out = b.sources(o.Tables, "union_arg", fuzzy, out)
	b.op = op
	if len(out) == 0 {
		if fuzzy {
			b.errorf(o.Pos(), "KS204", "'union' operator: none of the tables is known.")
		}
		return b.openTable(o.Pos())
	}
	return b.unite(o.Pos(), out, with, kind == "inner")
}

// united is one column of a union: the column of each input that it takes; the
// zero Column where an input has none.
type united struct {
	name string
	t    Type
	from []Column
}

// unify joins the columns of several tables by name and type. A name with two
// types becomes two columns, name_type.
func unify(tables []source, inner bool) []united {
	type named struct {
		name  string
		types []Type
		cols  []united
	}
	var order []*named
	byName := map[string]*named{}
	for i := range tables {
		for _, c := range tables[i].tab.cols {
			n := byName[c.Name]
			if n == nil {
				n = &named{name: c.Name}
				byName[c.Name] = n
				order = append(order, n)
			}
			k := -1
			for j, t := range n.types {
				if t == c.Type || t == Unknown || c.Type == Unknown {
					k = j
				}
			}
			if k < 0 {
				k = len(n.types)
				n.types = append(n.types, c.Type)
				n.cols = append(n.cols, united{name: c.Name, t: c.Type, from: make([]Column, len(tables))})
			}
			n.cols[k].from[i] = c
		}
	}
	var out []united
	p := projection{}
	for _, n := range order {
		if inner {
			count := 0
			for i := range tables {
				for _, u := range n.cols {
					if u.from[i].ID != 0 {
						count++
					}
				}
			}
			if count < len(tables) {
				continue
			}
		}
		for _, u := range n.cols {
			if len(n.cols) > 1 {
				u.name += "_" + u.t.String()
			}
			if p.find(u.name) >= 0 {
				u.name = p.unique(u.name)
			}
			p.cols = append(p.cols, outColumn{col: Column{Name: u.name}})
			out = append(out, u)
		}
	}
	return out
}

// unite is the union of tables, with the name of each in a column when with is
// said.
func (b *binder) unite(at Span, tables []source, with string, inner bool) *table {
	cols := unify(tables, inner)
	t := &table{span: at}
	if with != "" {
		t.cols = append(t.cols, b.column(with, String))
	}
	for _, c := range cols {
		t.cols = append(t.cols, b.column(c.name, c.t))
	}
	if with != "" {
		uniqueColumns(t.cols[1:])
	}
	hidden := b.uniteHidden(tables)
	all := append(append([]Column(nil), t.cols...), hidden...)
	t.hidden = hidden
	u := &Union{Cols: all}
	for i, s := range tables {
		t.open = t.open || s.tab.open
		items := make([]Item, 0, len(all))
		if with != "" {
			items = append(items, Item{Out: b.column(with, String), X: constant(at, StringOf(s.name))})
		}
		for _, c := range cols {
			items = append(items, b.unionItem(at, c.name, c.t, c.from[i]))
		}
		for _, h := range hidden {
			for _, c := range s.tab.hidden {
				if c.Name == h.Name {
					items = append(items, b.unionItem(at, h.Name, h.Type, c))
				}
			}
		}
		u.Ins = append(u.Ins, &Project{In: s.tab.rel, Items: items})
	}
	t.rel = u
	return t
}

// unionItem is a column of one input of a union; null where it has none.
func (b *binder) unionItem(at Span, name string, t Type, c Column) Item {
	if c.ID == 0 {
		return Item{Out: b.column(name, t), X: constant(at, Null(t))}
	}
	if c.Name == name && c.Type == t {
		return Item{Out: c, X: &ColRef{Span: at, Col: c}}
	}
	return Item{Out: b.column(name, t), X: b.convert(&ColRef{Span: at, Col: c}, t)}
}

// uniteHidden are the hidden columns that all inputs have.
func (b *binder) uniteHidden(tables []source) []Column {
	var out []Column
	for _, c := range tables[0].tab.hidden {
		n := 0
		for _, s := range tables {
			for _, d := range s.tab.hidden {
				if d.Name == c.Name && d.Type == c.Type {
					n++
				}
			}
		}
		if n == len(tables) {
			out = append(out, b.column(c.Name, c.Type))
		}
	}
	return out
}

// unionAll concatenates tables with the same columns.
func (b *binder) unionAll(at Span, tables []*table) *table {
	if len(tables) == 1 {
		return tables[0]
	}
	t := &table{span: at}
	for _, c := range tables[0].cols {
		t.cols = append(t.cols, b.column(c.Name, c.Type))
	}
	u := &Union{Cols: t.cols}
	for _, in := range tables {
		u.Ins = append(u.Ins, b.exact(in))
	}
	t.rel = u
	return t
}
