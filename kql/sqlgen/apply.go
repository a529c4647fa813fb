package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// mv-apply and partition run a sub-plan over the rows of each partition by
// itself. All partitions run at once: a hidden column tells them apart, every
// group is made by it too, and the first rows are counted within it. Columns of
// the outer row travel along hidden.

// frame is the partitioned table that an Input of a sub-plan reads.
type frame struct {
	id   int
	make func() *rel
	// name and made are of the CTE that Input reads where it does so twice.
	name string
	made *rel
	uses int
}

// subPlan runs sub with a frame and gives the columns that come out.
func (g *gen) subPlan(sub kql.Rel, make func() *rel, cols []kql.Column) *rel {
	f := &frame{id: len(g.frames) + 1, make: make}
	walk(sub, func(n kql.Rel) {
		if _, ok := n.(*kql.Input); ok {
			f.uses++
		}
	})
	g.frames = append(g.frames, f)
	r := g.rel(sub)
	g.frames = g.frames[:len(g.frames)-1]
	have := r.scope()
	var out []column
	for _, c := range cols {
		x := have[c.ID]
		if x == nil {
			g.fail(kql.Span{}, "the column %s does not come out of the sub-query", c.Name)
			continue
		}
		out = append(out, column{Column: c, name: colName(c.ID), x: *x})
	}
	r.cols = out
	var hidden []column
	for _, h := range r.hidden {
		if h.frame != f.id {
			hidden = append(hidden, h)
		}
	}
	r.hidden = hidden
	r.unique, r.ordered = nil, r.ordered && r.small
	return r
}

// input is the partitioned table.
func (g *gen) input(n *kql.Input) *rel {
	if len(g.frames) == 0 {
		g.fail(kql.Span{}, "there are no rows of a partition here")
		return g.nothing(n.Cols)
	}
	f := g.frames[len(g.frames)-1]
	var r *rel
	if f.uses > 1 {
		if f.made == nil {
			f.made = g.inFrame(f)
			f.name = g.name("s")
			g.ctes = append(g.ctes, g.f("cte", f.name, f.made.sql()))
			f.made.become(f.name)
		}
		copied := *f.made
		copied.cols, copied.hidden = append([]column(nil), copied.cols...), append([]column(nil), copied.hidden...)
		r = &copied
	} else {
		r = g.inFrame(f)
	}
	have := r.scope()
	var cols []column
	for _, c := range n.Cols {
		x := have[c.ID]
		if x == nil {
			g.fail(kql.Span{}, "the column %s is not among the rows of the partition", c.Name)
			continue
		}
		cols = append(cols, column{Column: c, name: colName(c.ID), x: *x})
	}
	r.cols = cols
	return r
}

// inFrame makes the table of a frame, which is outside of it.
func (g *gen) inFrame(f *frame) *rel {
	frames := g.frames
	g.frames = g.frames[:f.id-1]
	r := f.make()
	g.frames = frames
	return r
}

func (g *gen) apply(n *kql.Apply) *rel {
	id := len(g.frames) + 1
	make := func() *rel {
		r := g.rel(n.In)
		if r.closed || r.limit != "" || len(r.order) > 0 {
			g.wrap(r)
		}
		r.hidden = append(r.hidden, column{name: g.name("p"), part: true, frame: id, x: expr{t: kql.Long, sql: "row_number() OVER ()"}})
		g.wrap(r)
		// An outer column under its own number, hidden, so that what the sub-plan
		// makes of its input does not lose it.
		for _, c := range n.Keep {
			for _, have := range r.cols {
				if have.ID == c.ID {
					r.hidden = append(r.hidden, column{Column: c, name: g.name("k"), frame: id, x: have.x})
				}
			}
		}
		g.expand(r, n.Items, n.Index, n.Limit, false)
		return r
	}
	return g.subPlan(n.Sub, make, n.Cols)
}

func (g *gen) partition(n *kql.Partition) *rel {
	id := len(g.frames) + 1
	make := func() *rel {
		r := g.rel(n.In)
		g.open(r, n.By)
		x := g.value(r.scope(), n.By)
		if x.rep == MaybeNull || x.json {
			x = g.natural(x)
		}
		r.hidden = append(r.hidden, column{name: g.name("p"), part: true, frame: id, x: x})
		return r
	}
	return g.subPlan(n.Sub, make, n.Cols)
}
