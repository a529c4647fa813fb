package kql

import "strings"

// scope is a chain of names, the innermost first. It is never changed, so that
// a definition keeps the names that were there when it was written.
type scope struct {
	up  *scope
	def *definition
}

// find is the definition of a name; nil when there is none.
func (s *scope) find(name string) *definition {
	for ; s != nil; s = s.up {
		if s.def.name == name {
			return s.def
		}
	}
	return nil
}

// definition is what a name of let, a parameter, or as means: one of a scalar,
// a table, a function and a pattern.
type definition struct {
	name string
	span Span

	x       Scalar // a scalar
	queries bool   // x holds subqueries, which later uses share

	isTable bool
	expr    Expr   // of a table: as written, to be bound again; nil when it was handed in
	env     *scope // where expr is bound
	tab     *table // bound, of the first use
	share   *Shared
	shared  bool // compute once however often it is used
	uses    int
	// missing is why the table cannot be had: it, or one that it reads, is not
	// there. A fuzzy union that is all that uses it leaves it out.
	missing []Diagnostic

	fn      *function
	pattern *DeclarePattern
	penv    *scope
	alias   Expr // a database

	inside *storedCall // of the text that it is written in
}

// function is a let function or a stored one.
type function struct {
	name   string
	decl   *FuncDecl
	env    *scope
	stored *storedCall // its text is of another source
	inside *storedCall // of the text that decl is in
	called bool
	view   bool
}

// define makes a name known to what follows.
func (b *binder) define(d *definition) { b.env = &scope{up: b.env, def: d} }

// rowScope is the columns that an expression can name.
type rowScope struct {
	cols   []Column
	hidden []Column // for functions such as ingestion_time
	open   bool     // there may be columns that only the data knows
	right  *rowScope
	// serialized tells that functions of the order of rows may be called.
	serialized bool
	// absent are columns that other tables of a search have: null here.
	absent  map[string]Type
	records map[string]*rowScope // names whose members are columns: states of scan, elements of a graph
	graph   *graphRow
	// recordsFirst: a name that is also a column is that of a record before a dot.
	recordsFirst bool
	// prefix is put before the names of the columns of a record.
	prefix string
}

// find is the column of a name.
func (r *rowScope) find(name string) (Column, bool) {
	for i := range r.cols {
		if r.cols[i].Name == name {
			return r.cols[i], true
		}
	}
	return Column{}, false
}

// inRow binds with the columns of a table in scope.
func (b *binder) inRow(t *table, do func()) {
	saved, agg := b.row, b.agg
	b.row, b.agg = t.scope(), nil
	do()
	b.row, b.agg = saved, agg
}

// table is a tabular value while it is bound.
type table struct {
	span   Span
	rel    Rel
	cols   []Column // the visible ones, in order; rel may have more
	hidden []Column // of rel's others, those that functions read
	open   bool
	// sorted: the rows have an order that the result keeps. serialized: functions
	// of the order may be called.
	sorted, serialized bool
	name               string
	render             *Render
	group              []*table
	graph              *graphTable
	void               bool // consume gives nothing
}

func (t *table) scope() *rowScope {
	return &rowScope{cols: t.cols, hidden: t.hidden, open: t.open, serialized: t.serialized}
}

// with is t's schema over another plan.
func (t *table) with(rel Rel) *table {
	u := *t
	u.rel = rel
	return &u
}

// matchWild tells whether a name fits a pattern with *.
func matchWild(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return len(name) >= len(last) && strings.HasSuffix(name, last)
}

// exact is t's plan with exactly its visible columns.
func (b *binder) exact(t *table) Rel {
	if sameCols(t.rel.Columns(), t.cols) {
		return t.rel
	}
	return b.pick(t.rel, t.cols)
}

// pick passes some columns through.
func (b *binder) pick(in Rel, cols []Column) Rel {
	return &Project{In: in, Items: passItems(make([]Item, 0, len(cols)), cols)}
}

// passItems appends items that pass columns through.
func passItems(items []Item, cols []Column) []Item {
	refs := make([]ColRef, len(cols))
	for i, c := range cols {
		refs[i].Col = c
		items = append(items, Item{Out: c, X: &refs[i]})
	}
	return items
}

func sameCols(a, b []Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}
