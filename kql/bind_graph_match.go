package kql

import "slices"

// graphRow is what an expression over a graph can name besides columns: a
// pattern's paths, or, inside of map(), all() and any(), the degree of a node.
type graphRow struct {
	match *matchScope
	inner *pathScope
}

// pathScope is the scope of an expression over the edges of a path, or over the
// nodes between them.
type pathScope struct {
	graph *graphTable
	inner bool // nodes
}

// matchScope is a pattern while it is bound.
type matchScope struct {
	graph *graphTable
	spec  GraphMatchSpec
	cols  []Column // of spec.Columns
	nodes map[string]int
	paths map[string]int // edges with a name
}

// add makes a column of the match row.
func (m *matchScope) add(b *binder, name string, t Type, c MatchColumn) Column {
	col := b.column(name, t)
	m.spec.Columns, m.cols = append(m.spec.Columns, c), append(m.cols, col)
	return col
}

// graphMatch is graph-match and graph-shortest-paths: an operator that gives a
// row with the properties that are asked for, and a projection of it.
func (b *binder) graphMatch(o *GraphMatchOp, in *table) *table {
	at := o.Pos()
	m := &matchScope{graph: in.graph, nodes: make(map[string]int), paths: make(map[string]int)}
	if !b.pattern(m, o) {
		return b.openTable(at)
	}
	row := b.patternScope(m)
	saved, agg := b.row, b.agg
	b.row, b.agg = row, nil

	// Conditions that hold a subquery are left to a filter behind.
	var later []Scalar
	var conds []Scalar
	if o.Where != nil {
		for _, e := range conjuncts(o.Where, nil) {
			if x := b.predicate(e); readsQuery(x) {
				later = append(later, x)
			} else {
				conds = append(conds, x)
			}
		}
	}
	p := projection{b: b}
	p.exprs(o.Project, styleProject)
	b.row, b.agg = saved, agg
	if len(o.Project) == 0 {
		b.errorf(at, "KS006", "%s: project is expected.", b.op)
		return b.openTable(at)
	}
	return b.matchPlan(o, m, conds, later, &p)
}

// matchPlan keeps the columns of the match row that are read.
func (b *binder) matchPlan(o *GraphMatchOp, m *matchScope, conds, later []Scalar, p *projection) *table {
	read := make(map[ColID]bool)
	for _, x := range slices.Concat(conds, later) {
		columnsOf(x, func(id ColID) { read[id] = true })
	}
	for i := range p.cols {
		columnsOf(p.cols[i].x, func(id ColID) { read[id] = true })
	}
	for i := range p.pre {
		columnsOf(p.pre[i].X, func(id ColID) { read[id] = true })
	}
	var cols []Column
	var specs []MatchColumn
	for i, c := range m.cols {
		if read[c.ID] {
			cols, specs = append(cols, c), append(specs, m.spec.Columns[i])
		}
	}
	m.spec.Columns = specs
	for _, x := range conds {
		c := MatchCondition{X: compute(x, cols)}
		columnsOf(x, func(id ColID) {
			if i := slices.IndexFunc(cols, func(c Column) bool { return c.ID == id }); i >= 0 && !slices.Contains(c.Uses, i) {
				c.Uses = append(c.Uses, i)
			}
		})
		_, c.Plain = x.(*ColRef)
		m.spec.Where = append(m.spec.Where, c)
	}
	for i := range cols {
		m.spec.Project = append(m.spec.Project, func(row []Value) Value { return row[i] })
	}
	op, err := NewGraphMatch(m.graph.spec, m.spec)
	if err != nil {
		b.errorf(o.Pos(), "KS006", "%s: %s.", b.op, err)
		return b.openTable(o.Pos())
	}
	t := &table{span: o.Pos(), cols: cols, rel: &RowOp{Ins: m.graph.ins, Name: b.op, Cols: cols, Op: op}}
	for _, x := range later {
		t.rel = &Filter{In: t.rel, Pred: x}
	}
	return p.table(t, o.Pos())
}

// pattern reads the steps of a pattern.
func (b *binder) pattern(m *matchScope, o *GraphMatchOp) bool {
	m.spec.Shortest = o.Shortest
	for i := range o.Props {
		pr := &o.Props[i]
		switch text := b.propText(pr); pr.Name.Text {
		case "cycles":
			m.spec.Cycles = text
		case "output":
			if text != "any" && text != "all" {
				b.errorf(pr.Span, "KS006", "output is any or all.")
			}
			m.spec.AllPaths = text == "all"
		}
	}
	if o.Shortest && len(o.Patterns) > 1 {
		b.errorf(o.Pos(), "KS006", "graph-shortest-paths: the pattern is one sequence.")
		return false
	}
	variable := false
	for _, steps := range o.Patterns {
		if len(steps)%2 == 0 || steps[0].Edge {
			b.errorf(o.Pos(), "KS006", "%s: a pattern starts and ends with a node, and there is an edge between two nodes.", b.op)
			return false
		}
		last := -1
		for i := range steps {
			s := &steps[i]
			if s.Edge != (i%2 == 1) {
				b.errorf(s.Span, "KS006", "%s: nodes and edges take turns in a pattern.", b.op)
				return false
			}
			if !s.Edge {
				n := b.patternNode(m, s)
				if i > 0 {
					m.spec.Edges[len(m.spec.Edges)-1].Right = n
				}
				last = n
				continue
			}
			if !b.patternEdge(m, s, last) {
				return false
			}
			variable = variable || s.Var
		}
	}
	if o.Shortest && !variable {
		b.errorf(o.Pos(), "KS006", "graph-shortest-paths: the pattern must include an edge of variable length.")
		return false
	}
	if !connected(&m.spec) {
		b.errorf(o.Pos(), "KS006", "%s: the sequences of the pattern must share nodes.", b.op)
		return false
	}
	return true
}

func (b *binder) patternNode(m *matchScope, s *GraphStep) int {
	if s.Name != nil {
		if n, ok := m.nodes[s.Name.Text]; ok {
			return n
		}
		if _, ok := m.paths[s.Name.Text]; ok {
			b.errorf(s.Name.Span, "KS171", "The name '%s' is one of an edge already.", s.Name.Text)
		}
		m.nodes[s.Name.Text] = m.spec.Nodes
	}
	m.spec.Nodes++
	return m.spec.Nodes - 1
}

func (b *binder) patternEdge(m *matchScope, s *GraphStep, left int) bool {
	e := PatternEdge{Left: left, Dir: s.Dir, Var: s.Var, Min: 1, Max: 1}
	if s.Var {
		lo, hi := b.constantOf(s.Min), b.constantOf(s.Max)
		if lo == nil || hi == nil {
			return false
		}
		if !AnyInteger.Has(lo.Type()) || !AnyInteger.Has(hi.Type()) || lo.Int() < 0 || hi.Int() < lo.Int() {
			b.errorf(s.Span, "KS006", "%s: an edge of variable length has a least and a greatest number of edges.", b.op)
			return false
		}
		e.Min, e.Max = lo.Int(), hi.Int()
	}
	if s.Name != nil {
		_, node := m.nodes[s.Name.Text]
		if _, edge := m.paths[s.Name.Text]; node || edge {
			b.errorf(s.Name.Span, "KS171", "The name '%s' stands twice in the pattern.", s.Name.Text)
			return false
		}
		m.paths[s.Name.Text] = len(m.spec.Edges)
	}
	m.spec.Edges = append(m.spec.Edges, e)
	return true
}

// connected tells whether every node of a pattern can be reached from the first.
func connected(m *GraphMatchSpec) bool {
	seen := make([]bool, m.Nodes)
	seen[0] = true
	for range m.Edges {
		for _, e := range m.Edges {
			if seen[e.Left] || seen[e.Right] {
				seen[e.Left], seen[e.Right] = true, true
			}
		}
	}
	return !slices.Contains(seen, false)
}

// patternScope makes the names of a pattern's nodes and edges known. A name that
// stands alone is a bag of the properties, of a path an array of bags.
func (b *binder) patternScope(m *matchScope) *rowScope {
	row := &rowScope{records: make(map[string]*rowScope), graph: &graphRow{match: m}}
	for _, name := range sortedNames(m.nodes) {
		n := m.nodes[name]
		r := &rowScope{prefix: name + "_"}
		for i, c := range m.graph.nodes {
			r.cols = append(r.cols, m.add(b, c.Name, c.Type, MatchColumn{Kind: MatchNode, Element: n, Column: i}))
		}
		row.records[name] = r
	}
	for _, name := range sortedNames(m.paths) {
		e := m.paths[name]
		variable := m.spec.Edges[e].Var
		r := &rowScope{prefix: name + "_"}
		for i, c := range m.graph.edges {
			mc, t := MatchColumn{Kind: MatchEdge, Element: e, Column: i}, c.Type
			if variable {
				mc.Kind, t = MatchMap, Dynamic
			}
			r.cols = append(r.cols, m.add(b, c.Name, t, mc))
		}
		row.records[name] = r
		if variable {
			row.cols = append(row.cols, m.add(b, name, Dynamic, MatchColumn{Kind: MatchMap, Element: e, X: bagOfRow(m.graph.edges)}))
		}
	}
	// A name that is a column as well is one of a record first.
	row.recordsFirst = true
	return row
}

func sortedNames(names map[string]int) []string {
	out := make([]string, 0, len(names))
	for n := range names {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b string) int { return names[a] - names[b] })
	return out
}

// bagOfRow packs a row.
func bagOfRow(cols []Column) Compute {
	return func(row []Value) Value {
		bag := NewBag()
		for i, c := range cols {
			bag.Set(c.Name, dynOf(row[i]))
		}
		return DynamicOf(bag)
	}
}

// graphCall binds a function of graphs; nil when e is none.
func (b *binder) graphCall(e *CallExpr) Scalar {
	g := b.row.graph
	switch e.Name.Text {
	case "map", "all", "any":
		if g.match == nil {
			return nil
		}
		return b.pathCall(e, g.match)
	case "node_degree_in", "node_degree_out":
		return b.degree(e, g)
	case "inner_nodes":
		b.errorf(e.Pos(), "KS211", "inner_nodes is an argument of map, all and any.")
		return unknown(e.Pos())
	}
	return nil
}

// pathCall is map(path, x), all(path, condition), any(path, condition).
func (b *binder) pathCall(e *CallExpr, m *matchScope) Scalar {
	at := e.Pos()
	if len(e.Args) != 2 {
		b.errorf(at, "KS119", "The function '%s' expects 2 arguments.", e.Name.Text)
		return unknown(at)
	}
	path, inner := unparen(e.Args[0]), false
	if call, ok := path.(*CallExpr); ok && call.Name.Text == "inner_nodes" && len(call.Args) == 1 {
		path, inner = unparen(call.Args[0]), true
	}
	ref, ok := path.(*NameRef)
	edge := -1
	if ok {
		if edge, ok = m.paths[ref.Text]; ok {
			ok = m.spec.Edges[edge].Var
		}
	}
	if !ok {
		b.errorf(e.Args[0].Pos(), "KS142", "The function '%s' expects an edge of variable length of the pattern.", e.Name.Text)
		return unknown(at)
	}
	row := m.graph.edges
	if inner {
		row = m.graph.nodeRow()
	}
	saved := b.row
	b.row = &rowScope{cols: row, graph: &graphRow{inner: &pathScope{graph: m.graph, inner: inner}}}
	var x Scalar
	t, kind := Bool, MatchAll
	switch e.Name.Text {
	case "map":
		x, t, kind = b.scalar(e.Args[1]), Dynamic, MatchMap
	case "any":
		x, kind = b.predicate(e.Args[1]), MatchAny
	default:
		x = b.predicate(e.Args[1])
	}
	b.row = saved
	col := m.add(b, e.Name.Text, t, MatchColumn{Kind: kind, Element: edge, Inner: inner, X: compute(b.rowExpr(x), row)})
	// A call has no name of its own in a projection.
	return &ColRef{Span: at, Col: col}
}

// degree is node_degree_in(node), or without an argument that of the node that
// map(inner_nodes(...), ...) is at.
func (b *binder) degree(e *CallExpr, g *graphRow) Scalar {
	at := e.Pos()
	in := e.Name.Text == "node_degree_in"
	if g.inner != nil {
		if len(e.Args) != 0 || !g.inner.inner {
			b.errorf(at, "KS119", "%s() is for nodes.", e.Name.Text)
			return unknown(at)
		}
		if in {
			return &ColRef{Span: at, Col: g.inner.graph.in}
		}
		return &ColRef{Span: at, Col: g.inner.graph.out}
	}
	if len(e.Args) == 1 {
		if ref, ok := unparen(e.Args[0]).(*NameRef); ok {
			if n, ok := g.match.nodes[ref.Text]; ok {
				c := len(g.match.graph.nodes)
				if !in {
					c++
				}
				return &ColRef{Span: at, Col: g.match.add(b, e.Name.Text, Long, MatchColumn{Kind: MatchNode, Element: n, Column: c})}
			}
		}
	}
	b.errorf(at, "KS142", "The function '%s' expects a node of the pattern.", e.Name.Text)
	return unknown(at)
}
