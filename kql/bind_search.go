package kql

import (
	"regexp"
	"strings"
)

// search is search: a source over tables, or a step over rows.
func (b *binder) search(o *SearchOp, in *table) *table {
	cs := false
	if p := prop(o.Props, "kind"); p != nil {
		switch kind := b.propText(p); kind {
		case "default", "case_insensitive":
		case "case_sensitive":
			cs = true
		default:
			b.errorf(p.Value.Pos(), "KS005", "'search' operator: unknown kind '%s'.", kind)
		}
	}
	var tables []source
	op := b.op
	switch {
	case len(o.Tables) > 0:
		if in != nil {
			b.errorf(o.Pos(), "KS175", "'search' operator: with in (tables) the operator must be the first operator in the query.")
		}
		tables = b.sources(o.Tables, "search_arg", false, nil)
	case in != nil:
		s := source{"search_arg0", in}
		if in.name != "" && isScan(in.rel) {
			s.name = in.name
		}
		tables = []source{s}
	default:
		tables = b.everyTable(o.Pos())
	}
	b.op = op
	if len(tables) == 0 {
		b.errorf(o.Pos(), "KS204", "'search' operator: there is no table to search in.")
		return b.openTable(o.Pos())
	}
	all := unify(tables, false)
	for i := range tables {
		s := *tables[i].tab
		saved, agg := b.row, b.agg
		b.row, b.agg = b.searchScope(&s, all), nil
		s.rel = &Filter{In: s.rel, Pred: b.searchPredicate(o.X, cs)}
		b.row, b.agg = saved, agg
		tables[i].tab = &s
	}
	return b.unite(o.Pos(), tables, "$table", false)
}

// everyTable is all stored tables and views.
func (b *binder) everyTable(at Span) []source {
	return b.wildcard(&NameRef{Name{Span: at, Text: "*", Wild: true}}, false, nil)
}

// searchScope is a table's columns; those that only other tables have are null.
func (b *binder) searchScope(t *table, all []united) *rowScope {
	row := t.scope()
	row.absent = map[string]Type{}
	for _, u := range all {
		name := u.name
		for _, c := range u.from {
			if c.ID != 0 {
				name = c.Name
			}
		}
		if _, ok := row.find(name); !ok {
			row.absent[name] = u.t
		}
	}
	return row
}

// searchPredicate binds a predicate in which a text that stands alone is looked
// for in every column.
func (b *binder) searchPredicate(e Expr, cs bool) Scalar {
	if !b.enter(e.Pos()) {
		b.leave()
		return unknown(e.Pos())
	}
	defer b.leave()
	switch e := e.(type) {
	case *Paren:
		return b.searchPredicate(e.X, cs)
	case *Literal:
		return b.searchText(e.Pos(), constant(e.Pos(), e.Value), cs)
	case *Star:
		return constant(e.Pos(), BoolOf(true))
	case *Binary:
		switch e.Op {
		case "and", "or":
			return b.searchChain(e, cs)
		case ":":
			if _, star := e.X.(*Star); star {
				return b.searchPredicate(e.Y, cs)
			}
			x, y := b.scalar(e.X), b.scalar(e.Y)
			if isUnknown(x) || isUnknown(y) {
				return unknown(e.Pos())
			}
			return b.searchColumn(e.Pos(), x, y, cs)
		}
	case *CallExpr:
		if e.Name.Text == "not" && len(e.Args) == 1 && e.X == nil {
			x := b.searchPredicate(e.Args[0], cs)
			if isUnknown(x) {
				return x
			}
			return b.callFunc(e.Pos(), "not", Bool, x)
		}
	case *NameRef:
		// A let-bound text is a term as well.
		if d := b.env.find(e.Text); d != nil && d.x != nil && d.x.Type() == String {
			if _, isColumn := b.row.find(e.Text); !isColumn {
				return b.searchText(e.Pos(), b.useDefinition(d, e.Pos()).x, cs)
			}
		}
	}
	return b.predicate(e)
}

// searchChain is a chain of and or of or, along its left spine.
func (b *binder) searchChain(e *Binary, cs bool) Scalar {
	var parts []Scalar
	x := Expr(e)
	for {
		c, ok := x.(*Binary)
		if !ok || c.Op != e.Op {
			break
		}
		parts = append(parts, b.searchPredicate(c.Y, cs))
		x = c.X
	}
	parts = append(parts, b.searchPredicate(x, cs))
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	for _, p := range parts {
		if isUnknown(p) {
			return p
		}
	}
	return b.fold2(e.Op, e.Pos(), parts)
}

// searchText looks for a term in every column in scope.
func (b *binder) searchText(at Span, term Scalar, cs bool) Scalar {
	if v := constOf(term); v != nil && v.Type() == Bool {
		return term
	}
	return b.anyColumn(at, func(c Scalar) Scalar {
		v := constOf(term)
		switch c.Type() {
		case String, Dynamic, Unknown:
		case Guid:
		case Int, Long, Real, Decimal:
			// A term without a digit is not in a number.
			if v != nil && !strings.ContainsAny(TextOf(*v), "0123456789*") {
				return nil
			}
		default:
			return nil
		}
		return b.searchColumn(at, c, term, cs)
	})
}

// searchTerm is column:"term" outside search.
func (b *binder) searchTerm(at Span, x, y Scalar) Scalar { return b.searchColumn(at, x, y, false) }

// searchColumn looks for a term in one column: a whole term, or with * at an end
// a part of one.
func (b *binder) searchColumn(at Span, x, term Scalar, cs bool) Scalar {
	x = b.convert(x, String)
	op := "has"
	if v := constOf(term); v != nil {
		text := TextOf(*v)
		term = constant(term.Pos(), StringOf(text))
		bare := strings.Trim(text, "*")
		front, back := strings.HasPrefix(text, "*"), strings.HasSuffix(text, "*")
		switch {
		case strings.Contains(bare, "*"):
			return b.callFunc(at, "matches regex", Bool, x, constant(term.Pos(), StringOf(wildRegex(text, cs))))
		case bare == "" && text != "":
			return constant(at, BoolOf(true))
		case front && back:
			op = "contains"
		case front:
			op = "hassuffix"
		case back:
			op = "hasprefix"
		}
		if front || back {
			term = constant(term.Pos(), StringOf(bare))
		}
	} else {
		term = b.convert(term, String)
	}
	if cs {
		op += "_cs"
	}
	return b.callFunc(at, op, Bool, x, term)
}

// wildRegex is the regex of a term with * inside.
func wildRegex(term string, cs bool) string {
	var s strings.Builder
	if !cs {
		s.WriteString("(?i)")
	}
	if !strings.HasPrefix(term, "*") {
		s.WriteString(`\b`)
	}
	for i, part := range strings.Split(strings.Trim(term, "*"), "*") {
		if i > 0 {
			s.WriteString(".*")
		}
		s.WriteString(regexp.QuoteMeta(part))
	}
	if !strings.HasSuffix(term, "*") {
		s.WriteString(`\b`)
	}
	return s.String()
}

// find is find: rows of several tables with the columns that matter.
func (b *binder) find(o *FindOp) *table {
	at := o.Pos()
	with := "source_"
	if p := prop(o.Props, "withsource"); p != nil {
		with = b.renderProp(p.Value)
	}
	var tables []source
	op := b.op
	if len(o.Tables) > 0 {
		tables = b.sources(o.Tables, "find_arg", false, nil)
	} else {
		tables = b.everyTable(at)
	}
	b.op = op
	if len(tables) == 0 {
		b.errorf(at, "KS204", "'find' operator: there is no table to look in.")
		return b.openTable(at)
	}
	all := unify(tables, false)
	named, term := findNames(o.X)
	// Tables without any of the columns that the predicate names have no rows.
	var kept []source
	for _, s := range tables {
		row := s.tab.scope()
		use := term || len(tables) == 1 || s.tab.open
		for _, n := range named {
			if _, ok := row.find(n); ok {
				use = true
			}
		}
		if !use && len(tables) > 1 {
			continue
		}
		t := *s.tab
		saved, agg := b.row, b.agg
		b.row, b.agg = b.searchScope(&t, all), nil
		t.rel = &Filter{In: t.rel, Pred: b.searchPredicate(o.X, false)}
		b.row, b.agg = saved, agg
		kept = append(kept, source{s.name, &t})
	}
	if len(kept) == 0 {
		// Told for the names that no table has.
		t := *tables[0].tab
		b.inRow(&t, func() { b.searchPredicate(o.X, false) })
		return b.openTable(at)
	}
	return b.findColumns(o, kept, named, with)
}

// findNames are the columns that a predicate of find names, and whether it has
// a term that is looked for in all columns.
func findNames(e Expr) (names []string, term bool) {
	var walk func(e Expr, alone bool)
	walk = func(e Expr, alone bool) {
		switch e := e.(type) {
		case *Paren:
			walk(e.X, alone)
		case *Literal:
			term = term || alone
		case *Star:
			term = true
		case *NameRef:
			names = append(names, e.Text)
		case *Path:
			walk(e.X, false)
		case *Element:
			walk(e.X, false)
		case *Binary:
			logic := e.Op == "and" || e.Op == "or"
			walk(e.X, logic && alone)
			walk(e.Y, logic && alone)
		case *Unary:
			walk(e.X, false)
		case *In:
			walk(e.X, false)
		case *Between:
			walk(e.X, false)
			walk(e.Lo, false)
			walk(e.Hi, false)
		case *CallExpr:
			for _, a := range e.Args {
				walk(a, e.Name.Text == "not" && alone)
			}
		}
	}
	walk(e, true)
	return names, term
}

// findColumns is the output of find: source_, then the columns that project
// names, or those that all tables share or the predicate names; pack_ holds the
// others.
func (b *binder) findColumns(o *FindOp, tables []source, named []string, with string) *table {
	at := o.Pos()
	all := unify(tables, false)
	var cols []united
	pack := false
	if o.Project == nil || o.Smart {
		pick := func(u united) bool {
			n := 0
			name := u.name
			for _, c := range u.from {
				if c.ID != 0 {
					n++
					name = c.Name
				}
			}
			if n == len(tables) {
				return true
			}
			for _, x := range named {
				if x == name {
					return true
				}
			}
			return false
		}
		for _, u := range all {
			if pick(u) {
				cols = append(cols, u)
			} else {
				pack = true
			}
		}
	} else {
		for i, e := range o.Project {
			c, isPack := b.findProject(e, all, len(tables))
			switch {
			case isPack && i < len(o.Project)-1:
				b.errorf(e.Pos(), "KS185", "The pack(*) expression must be the last item in the list.")
			case isPack:
				pack = true
			default:
				cols = append(cols, c...)
			}
		}
	}
	away := map[string]bool{}
	for _, e := range o.Away {
		if _, star := e.(*Star); star {
			cols, pack = nil, pack && o.Project != nil
			break
		}
		if ref, ok := unparen(e).(*NameRef); ok {
			away[ref.Text] = true
		}
	}
	t := &table{span: at}
	if !away[with] {
		t.cols = append(t.cols, b.column(with, String))
	}
	var outs []united
	for _, c := range cols {
		if !away[c.name] {
			outs = append(outs, c)
			t.cols = append(t.cols, b.column(c.name, c.t))
		}
	}
	if pack = pack && !away["pack_"]; pack {
		t.cols = append(t.cols, b.column("pack_", Dynamic))
	}
	u := &Union{Cols: t.cols}
	for i, s := range tables {
		var items []Item
		if !away[with] {
			items = append(items, Item{Out: b.column(with, String), X: constant(at, StringOf(s.name))})
		}
		out := map[ColID]bool{}
		for _, c := range outs {
			items = append(items, b.unionItem(at, c.name, c.t, c.from[i]))
			out[c.from[i].ID] = true
		}
		if pack {
			var rest []Column
			for _, c := range s.tab.cols {
				if !out[c.ID] && !away[c.Name] {
					rest = append(rest, c)
				}
			}
			items = append(items, Item{Out: b.column("pack_", Dynamic), X: b.packColumns(at, rest, true)})
		}
		u.Ins = append(u.Ins, &Project{In: s.tab.rel, Items: items})
	}
	t.rel = u
	return t
}

// findProject is one item of find ... project: a column, with a type or
// without, or pack(*).
func (b *binder) findProject(e Expr, all []united, n int) (cols []united, pack bool) {
	to := Unknown
	inner := e
	if named, ok := e.(*Named); ok && len(named.Names) == 1 {
		// Column:type.
		if of, ok := named.X.(*TypeOf); ok {
			to, _ = ParseType(of.Type.Text)
			inner = &NameRef{named.Names[0]}
		}
	}
	switch x := unparen(inner).(type) {
	case *CallExpr:
		if x.Name.Text == "pack" || x.Name.Text == "pack_all" {
			return nil, true
		}
	case *NameRef:
		merged := united{name: x.Text, t: to, from: make([]Column, n)}
		for _, u := range all {
			match := false
			for i, c := range u.from {
				if c.ID != 0 && c.Name == x.Text {
					match = true
					merged.from[i] = c
				}
			}
			if match && to == Unknown {
				cols = append(cols, u)
			}
			if match {
				pack = true
			}
		}
		if !pack {
			b.unresolved(x.Pos(), x.Text)
			return nil, false
		}
		if to != Unknown {
			cols = []united{merged}
		}
		return cols, false
	}
	b.errorf(e.Pos(), "KS109", "Column name expected.")
	return nil, false
}
