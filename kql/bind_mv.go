package kql

// expanded is the columns of mv-expand and mv-apply while they are bound.
type expanded struct {
	items   []MvItem
	index   *Column
	limit   int64
	arrays  bool
	cols    []Column       // visible: In's, those that were replaced, and the new ones
	applied map[ColID]bool // columns of In that are expanded as they are
}

// expand binds what mv-expand and mv-apply have in common.
func (b *binder) expand(cols []MvColumn, props []Property, limit Expr, in *table) *expanded {
	x := &expanded{applied: map[ColID]bool{}}
	for i := range props {
		p := &props[i]
		switch p.Name.Text {
		case "bagexpansion", "kind":
			switch kind := b.propText(p); kind {
			case "array":
				x.arrays = true
			case "bag":
			default:
				b.errorf(p.Value.Pos(), "KS005", "'%s' operator: unknown kind '%s'.", b.op, kind)
			}
		}
	}
	p := projection{b: b, all: false}
	p.pass(in.cols)
	b.inRow(in, func() {
		for i := range cols {
			b.expandColumn(x, &p, &cols[i])
		}
	})
	if pr := prop(props, "with_itemindex"); pr != nil {
		c := b.column(b.renderProp(pr.Value), Long)
		p.add(c.Name, &ColRef{Col: c}, false)
		last := &p.cols[len(p.cols)-1]
		c.Name = last.col.Name
		last.col = c
		x.index = &c
	}
	if limit != nil {
		n := b.rowCount(limit)
		if v := constOf(n); v != nil {
			x.limit = v.Int()
		} else if !isUnknown(n) {
			b.errorf(limit.Pos(), "KS131", "The expression must be a literal.")
		}
	}
	for i := range p.cols {
		x.cols = append(x.cols, p.cols[i].col)
	}
	return x
}

// expandColumn is one column of mv-expand: a column, or Name = expression.
func (b *binder) expandColumn(x *expanded, p *projection, c *MvColumn) {
	e := c.X
	named, _ := e.(*Named)
	if named != nil {
		e = named.X
	}
	v := b.scalar(e)
	t := Dynamic
	if c.To != nil {
		var ok bool
		if t, ok = ParseType(c.To.Type.Text); !ok {
			b.errorf(c.To.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", c.To.Type.Text)
			t = Unknown
		}
	}
	switch v.Type() {
	case Dynamic, Unknown:
	default:
		b.errorf(e.Pos(), "KS141", "'%s' operator: the expression must have the type dynamic, not %s.", b.op, v.Type())
		v = unknown(e.Pos())
	}
	out := b.column("", t)
	ref := &ColRef{Span: e.Pos(), Col: out}
	switch {
	case named != nil:
		if len(named.Names) > 0 {
			p.declare(named.Names[0].Text, named.Names[0].Span, ref, true)
		}
	default:
		if col, ok := noConversion(e, v); ok {
			x.applied[col.Col.ID] = true
			p.declare(col.Col.Name, e.Pos(), ref, true)
			break
		}
		name, ok := b.resultName(e)
		if !ok || name == "" {
			name = b.anonymous()
		}
		p.add(name, ref, true)
	}
	// The projection made a column for the reference; it is out.
	for i := range p.cols {
		if r, ok := p.cols[i].x.(*ColRef); ok && r == ref {
			out.Name = p.cols[i].col.Name
			p.cols[i].col = out
		}
	}
	if isUnknown(v) {
		v = constant(e.Pos(), Null(Dynamic))
	}
	x.items = append(x.items, MvItem{X: v, Out: out})
}

func (b *binder) mvExpand(o *MvExpandOp, in *table) *table {
	x := b.expand(o.Cols, o.Props, o.Limit, in)
	t := *in
	t.span = o.Pos()
	t.cols = x.cols
	t.rel = &MvExpand{In: in.rel, Items: x.items, Index: x.index, Limit: x.limit, BagArrays: x.arrays}
	return &t
}

// mvApply runs a sub-query over the expanded rows of each row.
func (b *binder) mvApply(o *MvApplyOp, in *table) *table {
	x := b.expand(o.Cols, o.Props, o.Limit, in)
	input := append(append([]Column(nil), x.cols...), in.hidden...)
	src := &table{span: o.Pos(), rel: &Input{Cols: input}, cols: x.cols, hidden: in.hidden, open: in.open, serialized: true}
	if o.ID != nil {
		b.warnf(o.ID.Span, "", "mv-apply: the context id is not supported and is left out.")
	}
	op := b.op
	sub := b.pipe(o.Sub, src)
	b.op = op
	a := &Apply{In: b.exact(in), Items: x.items, Index: x.index, Limit: x.limit, Sub: b.exact(sub)}
	t := &table{span: o.Pos(), rel: a, open: in.open || sub.open}
	// A column of the sub-query takes the place of the row's of the same name.
	from := sub.scope()
	used := map[ColID]bool{}
	for _, c := range in.cols {
		if x.applied[c.ID] {
			continue
		}
		if s, ok := from.find(c.Name); ok {
			used[s.ID] = true
			t.cols = append(t.cols, s)
			continue
		}
		a.Keep = append(a.Keep, c)
		t.cols = append(t.cols, c)
	}
	for _, c := range sub.cols {
		if !used[c.ID] {
			t.cols = append(t.cols, c)
		}
	}
	a.Cols = append(append([]Column(nil), a.Keep...), sub.cols...)
	return t
}

// partition runs a sub-query over the rows of each value of a column.
func (b *binder) partition(o *PartitionOp, in *table) *table {
	var by Scalar
	b.inRow(in, func() {
		x := b.scalar(o.By)
		if _, ok := x.(*ColRef); !ok && !isUnknown(x) {
			b.errorf(o.By.Pos(), "KS109", "'partition' operator: column name expected.")
			x = unknown(o.By.Pos())
		}
		if x.Type() == Dynamic {
			b.errorf(o.By.Pos(), "KS116", "'partition' operator: the key is of a 'dynamic' type. Please use an explicit cast, such as tostring().")
			x = unknown(o.By.Pos())
		}
		by = x
	})
	if o.Scope != nil {
		b.errorf(o.Scope.Pos(), "KS177", "'partition' operator: by ... in (...) is not supported.")
	}
	src := &table{span: o.Pos(), rel: &Input{Cols: in.cols}, cols: in.cols, open: in.open, sorted: in.sorted, serialized: in.serialized}
	op := b.op
	var sub *table
	if o.Sub != nil && o.Sub.Source != nil {
		return b.partitionQueries(o, in, by)
	} else {
		sub = b.pipe(o.Sub, src)
	}
	b.op = op
	if isUnknown(by) {
		return b.openTable(o.Pos())
	}
	p := &Partition{In: b.exact(in), By: by, Sub: b.exact(sub), Cols: sub.cols}
	return &table{span: o.Pos(), rel: p, cols: sub.cols, open: sub.open}
}

// mostPartitions is Kusto's limit of the legacy form of partition.
const mostPartitions = 64

// partitionQueries is partition by X { query }: the query reads what it likes
// and is run once for each value of X, whose name stands for that value in it.
func (b *binder) partitionQueries(o *PartitionOp, in *table, by Scalar) *table {
	ref, ok := by.(*ColRef)
	if !ok {
		return b.openTable(o.Pos())
	}
	values := [][]Value{{Null(by.Type())}}
	key := b.column(ref.Col.Name, by.Type())
	n := constant(o.Pos(), LongOf(mostPartitions+1))
	if rows, ok := b.probe(&Take{In: &Aggregated{In: in.rel, By: []Item{{Out: key, X: by}}}, N: n}, o.Pos()); ok {
		values = rows
	}
	if len(values) > mostPartitions {
		b.errorf(o.By.Pos(), "", "partition operator: the number of values of the partition column must not be greater than %d.", mostPartitions)
		return b.openTable(o.Pos())
	}
	env, op := b.env, b.op
	defer func() { b.env, b.op = env, op }()
	u := &Union{}
	var first *table
	for _, v := range values {
		b.env = env
		b.define(&definition{name: ref.Col.Name, span: o.By.Pos(), x: constant(o.By.Pos(), v[0])})
		sub := b.pipe(o.Sub, nil)
		if first == nil {
			first = sub
			for _, c := range sub.cols {
				u.Cols = append(u.Cols, b.column(c.Name, c.Type))
			}
		}
		if len(sub.cols) != len(u.Cols) {
			b.errorf(o.Sub.Pos(), "", "partition operator: the query gives other columns for other values.")
			return b.openTable(o.Pos())
		}
		u.Ins = append(u.Ins, b.exact(sub))
	}
	if first == nil { // no values: the columns are those of any value
		b.define(&definition{name: ref.Col.Name, span: o.By.Pos(), x: constant(o.By.Pos(), Null(by.Type()))})
		sub := b.pipe(o.Sub, nil)
		return &table{span: o.Pos(), rel: &Filter{In: b.exact(sub), Pred: constant(o.Pos(), BoolOf(false))}, cols: sub.cols}
	}
	return &table{span: o.Pos(), rel: u, cols: u.Cols, open: first.open}
}

// fork gives several results of the same rows.
func (b *binder) fork(o *ForkOp, in *table) *table {
	rows := b.sharer(in)
	t := &table{span: o.Pos(), rel: &Values{}}
	op := b.op
	for i := range o.Branches {
		br := &o.Branches[i]
		sub := b.pipe(br.Sub, rows())
		g := *sub
		if br.Name != nil {
			g.name = br.Name.Text
		}
		t.group = append(t.group, &g)
	}
	b.op = op
	if len(t.group) == 0 {
		return b.openTable(o.Pos())
	}
	return t
}

// facet counts the values of each column, each in a result of its own.
func (b *binder) facet(o *FacetOp, in *table) *table {
	rows := b.sharer(in)
	t := &table{span: o.Pos(), rel: &Values{}}
	for _, e := range o.By {
		src := rows()
		p := projection{b: b}
		b.inRow(src, func() {
			p.expr(e, styleProject, "")
			for i := range p.cols {
				b.groupKey(&p.cols[i], e)
			}
		})
		d := b.distinctRows(e.Pos(), src, &p)
		a := d.rel.(*Aggregated)
		name := "count_"
		if len(p.cols) > 0 {
			name = "count_" + p.cols[0].col.Name
		}
		c := b.column(name, Long)
		a.Aggs = []AggItem{b.countItem(c, e.Pos())}
		d.cols = append(d.cols, c)
		if len(p.cols) > 0 {
			d.name = p.cols[0].col.Name
		}
		t.group = append(t.group, d)
	}
	if o.With != nil {
		op := b.op
		t.group = append(t.group, b.pipe(o.With, rows()))
		b.op = op
	}
	if len(t.group) == 0 {
		return b.openTable(o.Pos())
	}
	return t
}
