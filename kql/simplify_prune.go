package kql

import "sort"

// pruneColumns leaves out what nobody reads.
func pruneColumns(root Rel) Rel {
	p := pruner{shared: map[int]*sharedUse{}}
	out := p.exact(root)
	// A shared table holds those that were shared before it, so the last goes
	// first: when its turn comes, all its uses are known.
	for len(p.pending) > 0 {
		sort.Ints(p.pending)
		id := p.pending[len(p.pending)-1]
		p.pending = p.pending[:len(p.pending)-1]
		p.settle(p.shared[id])
	}
	return out
}

// pruner walks a plan from its result down.
type pruner struct {
	shared  map[int]*sharedUse
	pending []int
	// reads of the Inputs of the sub-plan that is walked.
	input *colSet
}

// sharedUse is a shared table and what its uses read, by position.
type sharedUse struct {
	in   Rel
	need []bool
	node *Shared
	refs []*SharedRef
	full map[*SharedRef][]Column
}

func (p *pruner) use(id, width int) *sharedUse {
	u := p.shared[id]
	if u == nil {
		u = &sharedUse{need: make([]bool, width), full: map[*SharedRef][]Column{}}
		p.shared[id] = u
		p.pending = append(p.pending, id)
	}
	return u
}

// settle prunes a shared table to what its uses read.
func (p *pruner) settle(u *sharedUse) {
	if u.in == nil {
		// It stands in a sub-plan and has all its columns.
		return
	}
	cols := u.in.Columns()
	var keep []Column
	for i, c := range cols {
		if u.need[i] {
			keep = append(keep, c)
		}
	}
	if len(keep) == 0 && len(cols) > 0 {
		u.need[0] = true
		keep = cols[:1]
	}
	for _, ref := range u.refs {
		ref.Cols = nil
		for i, c := range u.full[ref] {
			if u.need[i] {
				ref.Cols = append(ref.Cols, c)
			}
		}
	}
	u.node.In = p.picked(u.in, keep)
}

// exact keeps all columns of a plan, in their order.
func (p *pruner) exact(r Rel) Rel { return p.picked(r, r.Columns()) }

// picked is a plan with exactly these of its columns.
func (p *pruner) picked(r Rel, cols []Column) Rel {
	n := p.prune(r, setOfColumns(cols))
	if sameCols(n.Columns(), cols) {
		return n
	}
	return &Project{In: n, Items: passItems(make([]Item, 0, len(cols)), cols)}
}

// prune is r with at least the columns that are needed.
func (p *pruner) prune(r Rel, need colSet) Rel {
	if p.input == nil {
		r = p.queries(r)
	} else {
		// Subqueries read nothing of the sub-plan's rows.
		saved := p.input
		p.input = nil
		r = p.queries(r)
		p.input = saved
	}
	switch r := r.(type) {
	case *Scan:
		return pruneScan(r, need)
	case *Values:
		return pruneValues(r, need)
	case *Input:
		c := &Input{}
		for _, col := range r.Cols {
			if need.has(col.ID) {
				c.Cols = append(c.Cols, col)
			}
		}
		if p.input != nil {
			p.input.addAll(setOfColumns(c.Cols))
		}
		return c
	case *Filter:
		in := need.clone()
		in.reads(r.Pred)
		return &Filter{In: p.prune(r.In, in), Pred: r.Pred}
	case *Project:
		return p.project(r, need)
	case *Aggregated:
		return p.groups(r, need)
	case *Sort:
		in := need.clone()
		readKeys(&in, r.Keys)
		return &Sort{In: p.prune(r.In, in), Keys: r.Keys}
	case *Top:
		in := need.clone()
		readKeys(&in, r.Keys)
		return &Top{In: p.prune(r.In, in), N: r.N, Keys: r.Keys}
	case *Take:
		return &Take{In: p.prune(r.In, need), N: r.N}
	case *Sample:
		return &Sample{In: p.prune(r.In, need), N: r.N}
	case *Join:
		in := need.clone()
		for _, k := range r.On {
			in.reads(k.Left, k.Right)
		}
		c := *r
		c.Left, c.Right = p.prune(r.Left, in), p.prune(r.Right, in)
		return &c
	case *Union:
		return p.union(r, need)
	case *MvExpand:
		in := need.clone()
		for _, it := range r.Items {
			in.reads(it.X)
		}
		c := *r
		c.In = p.prune(r.In, in)
		return &c
	case *ParseRel:
		return p.parse(r, need)
	case *MakeSeries:
		return p.series(r, need)
	case *Apply:
		return p.apply(r, need)
	case *Partition:
		return p.partition(r, need)
	case *RowOp:
		c := *r
		c.Ins = make([]Rel, len(r.Ins))
		for i, in := range r.Ins {
			c.Ins[i] = p.exact(in)
		}
		return &c
	case *Shared:
		u := p.use(r.ID, len(r.In.Columns()))
		if p.input != nil {
			// It may read the Input, whose columns have to be known now.
			for i := range u.need {
				u.need[i] = true
			}
			return &Shared{ID: r.ID, In: p.exact(r.In)}
		}
		for i, c := range r.In.Columns() {
			u.need[i] = u.need[i] || need.has(c.ID)
		}
		u.in = r.In
		u.node = &Shared{ID: r.ID, In: r.In}
		return u.node
	case *SharedRef:
		u := p.use(r.ID, len(r.Cols))
		for i, c := range r.Cols {
			u.need[i] = u.need[i] || need.has(c.ID)
		}
		c := &SharedRef{ID: r.ID, Cols: r.Cols}
		u.refs = append(u.refs, c)
		u.full[c] = r.Cols
		return c
	}
	return r
}

// queries prunes the subqueries of a node's expressions.
func (p *pruner) queries(r Rel) Rel {
	return rewriteScalars(r, func(x Scalar) Scalar { return rewriteQueries(x, p.exact) })
}

func readKeys(s *colSet, keys []SortKey) {
	for _, k := range keys {
		s.reads(k.X)
	}
}

func pruneScan(r *Scan, need colSet) Rel {
	n := 0
	for _, c := range r.Cols {
		if need.has(c.ID) {
			n++
		}
	}
	if n == len(r.Cols) {
		return r
	}
	c := &Scan{Table: r.Table, Cols: make([]Column, 0, n), Source: make([]string, 0, n)}
	for i, col := range r.Cols {
		if need.has(col.ID) {
			c.Cols = append(c.Cols, col)
			c.Source = append(c.Source, r.Source[i])
		}
	}
	return c
}

func pruneValues(r *Values, need colSet) Rel {
	var at []int
	for i, c := range r.Cols {
		if need.has(c.ID) {
			at = append(at, i)
		}
	}
	if len(at) == len(r.Cols) {
		return r
	}
	c := &Values{Cols: make([]Column, len(at)), Rows: make([][]Value, len(r.Rows))}
	for j, i := range at {
		c.Cols[j] = r.Cols[i]
	}
	for k, row := range r.Rows {
		out := make([]Value, len(at))
		for j, i := range at {
			out[j] = row[i]
		}
		c.Rows[k] = out
	}
	return c
}

func (p *pruner) project(r *Project, need colSet) Rel {
	c := &Project{Items: make([]Item, 0, len(r.Items))}
	pass := true
	for _, it := range r.Items {
		if !need.has(it.Out.ID) {
			continue
		}
		c.Items = append(c.Items, it)
		ref, ok := it.X.(*ColRef)
		pass = pass && ok && ref.Col.ID == it.Out.ID && ref.Col.Name == it.Out.Name
	}
	var in colSet
	in.readsItems(c.Items)
	c.In = p.prune(r.In, in)
	// A projection that only leaves columns out is not needed for that: whoever
	// reads the rows takes what it wants.
	if pass && len(c.Items) > 0 {
		return c.In
	}
	return c
}

func (p *pruner) groups(r *Aggregated, need colSet) Rel {
	c := &Aggregated{By: r.By}
	for _, a := range r.Aggs {
		used := false
		for _, o := range a.Outs {
			used = used || need.has(o.ID)
		}
		if used {
			c.Aggs = append(c.Aggs, a)
		}
	}
	if len(c.By) == 0 && len(c.Aggs) == 0 && len(r.Aggs) > 0 {
		c.Aggs = r.Aggs[:1]
	}
	var in colSet
	in.readsItems(c.By)
	for _, a := range c.Aggs {
		in.reads(a.Args...)
	}
	c.In = p.prune(r.In, in)
	return c
}

func (p *pruner) union(r *Union, need colSet) Rel {
	var at []int
	for i, c := range r.Cols {
		if need.has(c.ID) {
			at = append(at, i)
		}
	}
	if len(at) == 0 && len(r.Cols) > 0 {
		at = []int{0}
	}
	c := &Union{}
	for _, i := range at {
		c.Cols = append(c.Cols, r.Cols[i])
	}
	for _, in := range r.Ins {
		cols := in.Columns()
		keep := make([]Column, len(at))
		for j, i := range at {
			keep[j] = cols[i]
		}
		c.Ins = append(c.Ins, p.picked(in, keep))
	}
	return c
}

func (p *pruner) parse(r *ParseRel, need colSet) Rel {
	c := *r
	c.Pass = nil
	var in colSet
	in.reads(r.X)
	for _, col := range r.Pass {
		if need.has(col.ID) {
			c.Pass = append(c.Pass, col)
			in.add(col.ID)
		}
	}
	c.In = p.prune(r.In, in)
	return &c
}

func (p *pruner) series(r *MakeSeries, need colSet) Rel {
	c := *r
	c.Aggs = nil
	for _, a := range r.Aggs {
		if need.has(a.Out.ID) {
			c.Aggs = append(c.Aggs, a)
		}
	}
	if len(c.Aggs) == 0 && len(r.Aggs) > 0 {
		c.Aggs = r.Aggs[:1]
	}
	var in colSet
	in.reads(r.Axis)
	in.readsItems(r.By)
	for _, a := range c.Aggs {
		in.reads(a.Args...)
	}
	c.In = p.prune(r.In, in)
	return &c
}

// subPlan prunes a sub-plan and tells what its Inputs read.
func (p *pruner) subPlan(sub Rel, need colSet) (Rel, colSet) {
	var keep []Column
	for _, c := range sub.Columns() {
		if need.has(c.ID) {
			keep = append(keep, c)
		}
	}
	saved := p.input
	var reads colSet
	p.input = &reads
	out := p.picked(sub, keep)
	p.input = saved
	return out, reads
}

func (p *pruner) apply(r *Apply, need colSet) Rel {
	c := *r
	sub, reads := p.subPlan(r.Sub, need)
	c.Sub = sub
	c.Keep = nil
	in := reads.clone()
	for _, col := range r.Keep {
		if need.has(col.ID) {
			c.Keep = append(c.Keep, col)
			in.add(col.ID)
		}
	}
	for _, it := range r.Items {
		in.reads(it.X)
	}
	c.In = p.prune(r.In, in)
	c.Cols = append(append([]Column(nil), c.Keep...), sub.Columns()...)
	return &c
}

func (p *pruner) partition(r *Partition, need colSet) Rel {
	c := *r
	sub, reads := p.subPlan(r.Sub, need)
	c.Sub = sub
	in := reads.clone()
	in.reads(r.By)
	c.In = p.prune(r.In, in)
	c.Cols = sub.Columns()
	return &c
}
