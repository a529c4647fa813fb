package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// shared is a table that the plan names more than once.
type shared struct {
	in   kql.Rel
	uses int
	// made is set once the statement has a CTE for it.
	name string
	made *rel
}

// inputsOf are the tables that a node reads, and scalarsOf its expressions.
func inputsOf(n kql.Rel) []kql.Rel {
	switch n := n.(type) {
	case *kql.Filter:
		return []kql.Rel{n.In}
	case *kql.Project:
		return []kql.Rel{n.In}
	case *kql.Aggregated:
		return []kql.Rel{n.In}
	case *kql.Sort:
		return []kql.Rel{n.In}
	case *kql.Take:
		return []kql.Rel{n.In}
	case *kql.Sample:
		return []kql.Rel{n.In}
	case *kql.Top:
		return []kql.Rel{n.In}
	case *kql.Join:
		return []kql.Rel{n.Left, n.Right}
	case *kql.Union:
		return n.Ins
	case *kql.MvExpand:
		return []kql.Rel{n.In}
	case *kql.Apply:
		return []kql.Rel{n.In, n.Sub}
	case *kql.Partition:
		return []kql.Rel{n.In, n.Sub}
	case *kql.ParseRel:
		return []kql.Rel{n.In}
	case *kql.MakeSeries:
		return []kql.Rel{n.In}
	case *kql.RowOp:
		return n.Ins
	case *kql.Shared:
		return []kql.Rel{n.In}
	}
	return nil
}

func scalarsOf(n kql.Rel) []kql.Scalar {
	var xs []kql.Scalar
	add := func(more ...kql.Scalar) {
		for _, x := range more {
			if x != nil {
				xs = append(xs, x)
			}
		}
	}
	items := func(items []kql.Item) {
		for _, it := range items {
			add(it.X)
		}
	}
	switch n := n.(type) {
	case *kql.Range:
		add(n.From, n.To, n.Step)
	case *kql.Filter:
		add(n.Pred)
	case *kql.Project:
		items(n.Items)
	case *kql.Aggregated:
		items(n.By)
		for _, a := range n.Aggs {
			add(a.Args...)
		}
	case *kql.Sort:
		add(sortScalars(n.Keys)...)
	case *kql.Take:
		add(n.N)
	case *kql.Sample:
		add(n.N)
	case *kql.Top:
		add(n.N)
		add(sortScalars(n.Keys)...)
	case *kql.Join:
		for _, k := range n.On {
			add(k.Left, k.Right)
		}
	case *kql.MvExpand:
		for _, it := range n.Items {
			add(it.X)
		}
	case *kql.Apply:
		for _, it := range n.Items {
			add(it.X)
		}
	case *kql.Partition:
		add(n.By)
	case *kql.ParseRel:
		add(n.X)
	case *kql.MakeSeries:
		add(n.Axis, n.From, n.To, n.Step)
		items(n.By)
		for _, a := range n.Aggs {
			add(a.Args...)
		}
	}
	return xs
}

// walk visits a plan and the plans inside its expressions.
func walk(n kql.Rel, visit func(kql.Rel)) {
	if n == nil {
		return
	}
	visit(n)
	for _, x := range scalarsOf(n) {
		walkScalar(x, visit)
	}
	for _, in := range inputsOf(n) {
		walk(in, visit)
	}
}

func walkScalar(x kql.Scalar, visit func(kql.Rel)) {
	switch x := x.(type) {
	case *kql.Call:
		for _, a := range x.Args {
			walkScalar(a, visit)
		}
	case *kql.ScalarQuery:
		walk(x.Rel, visit)
	case *kql.InQuery:
		walkScalar(x.X, visit)
		walk(x.Rel, visit)
	}
}

// countShared finds the shared tables and how often each is read. What is
// inside a shared table counts once, however often that is read.
func (g *gen) countShared(root kql.Rel) {
	seen := map[*kql.Shared]bool{}
	use := func(id int) *shared {
		s := g.shared[id]
		if s == nil {
			s = &shared{}
			g.shared[id] = s
		}
		s.uses++
		return s
	}
	var visit func(kql.Rel)
	var visitScalar func(kql.Scalar)
	visitScalar = func(x kql.Scalar) {
		switch x := x.(type) {
		case *kql.Call:
			for _, a := range x.Args {
				visitScalar(a)
			}
		case *kql.ScalarQuery:
			visit(x.Rel)
		case *kql.InQuery:
			visitScalar(x.X)
			visit(x.Rel)
		}
	}
	visit = func(n kql.Rel) {
		switch n := n.(type) {
		case nil:
			return
		case *kql.Shared:
			use(n.ID).in = n.In
			if seen[n] {
				return
			}
			seen[n] = true
		case *kql.SharedRef:
			use(n.ID)
		}
		for _, x := range scalarsOf(n) {
			visitScalar(x)
		}
		for _, in := range inputsOf(n) {
			visit(in)
		}
	}
	visit(root)
}

// readsInput tells whether a plan reads the rows of a partition of an outer
// operator, not one of its own.
func readsInput(n kql.Rel) bool {
	switch n := n.(type) {
	case *kql.Input:
		return true
	case *kql.Apply:
		return readsInput(n.In)
	case *kql.Partition:
		return readsInput(n.In)
	}
	for _, in := range inputsOf(n) {
		if readsInput(in) {
			return true
		}
	}
	return false
}

// sharedTable reads a shared table under the given columns.
func (g *gen) sharedTable(id int, cols []kql.Column) *rel {
	s := g.shared[id]
	if s == nil || s.in == nil {
		g.fail(kql.Span{}, "a table that is used twice cannot be found")
		return g.nothing(cols)
	}
	if s.uses <= 1 || readsInput(s.in) {
		r := g.rel(s.in)
		g.wrap(r)
		return g.relabel(r, cols)
	}
	if s.made == nil {
		frames := g.frames
		g.frames = nil
		r := g.rel(s.in)
		g.frames = frames
		s.name = g.name("s")
		g.ctes = append(g.ctes, g.f("cte", s.name, r.sql()))
		r.become(s.name)
		s.made = r
	}
	r := *s.made
	r.cols = append([]column(nil), r.cols...)
	r.become(s.name)
	return g.relabel(&r, cols)
}

// relabel gives the columns of r other numbers, by position.
func (g *gen) relabel(r *rel, cols []kql.Column) *rel {
	if len(cols) != len(r.cols) {
		g.fail(kql.Span{}, "a table of %d columns is read as one of %d", len(r.cols), len(cols))
		return g.nothing(cols)
	}
	for i, c := range cols {
		r.cols[i].Column, r.cols[i].name = c, colName(c.ID)
	}
	for i := range r.hidden {
		r.hidden[i].name = g.name("h")
	}
	r.unique = nil
	return r
}

// nothing is a table without rows.
func (g *gen) nothing(cols []kql.Column) *rel {
	return g.values(&kql.Values{Cols: cols})
}
