package kql

// sort keys of an operator, bound over the rows in scope.
func (b *binder) sortKeys(keys []OrderKey) []SortKey {
	out := make([]SortKey, 0, len(keys))
	for i := range keys {
		k := &keys[i]
		e := k.X
		if n, ok := e.(*Named); ok {
			e = n.X
		}
		x := b.scalar(e)
		if x.Type() == Dynamic {
			b.errorf(e.Pos(), "KS116", "'%s' operator: the key is of a 'dynamic' type. Please use an explicit cast, such as tostring(), as ordering by a 'dynamic' type is not supported.", b.op)
			x = unknown(e.Pos())
		}
		if isUnknown(x) {
			continue
		}
		out = append(out, sortKey(x, k.Dir != "asc", k.Nulls))
	}
	return out
}

// sortKey places nulls as Kusto does when it was not said: they are the least.
func sortKey(x Scalar, desc bool, nulls string) SortKey {
	first := !desc
	switch nulls {
	case "first":
		first = true
	case "last":
		first = false
	}
	return SortKey{X: x, Desc: desc, NullsFirst: first}
}

func (b *binder) sort(o *SortOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	t.sorted, t.serialized = true, true
	var keys []SortKey
	b.inRow(in, func() { keys = b.sortKeys(o.Keys) })
	t.rel = &Sort{In: in.rel, Keys: keys}
	return &t
}

// rowCount binds the number of rows of take, top and the like.
func (b *binder) rowCount(e Expr) Scalar {
	row := b.row
	b.row = nil
	x := b.typed(e, AnyInteger|1<<Dynamic, "KS134", "The expression value must be an integer.")
	b.row = row
	if isUnknown(x) {
		return x
	}
	if !isConstant(x) {
		b.errorf(e.Pos(), "KS129", "The expression must be a constant.")
		return unknown(e.Pos())
	}
	return b.convert(x, Long)
}

func (b *binder) take(o *TakeOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	t.rel = &Take{In: in.rel, N: b.rowCount(o.N)}
	return &t
}

func (b *binder) sample(o *SampleOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	n := b.rowCount(o.N)
	if o.Distinct == nil {
		t.sorted, t.serialized = false, false
		t.rel = &Sample{In: in.rel, N: n}
		return &t
	}
	p := projection{b: b}
	b.inRow(in, func() {
		p.expr(o.Distinct, styleProject, "")
		for i := range p.cols {
			b.groupKey(&p.cols[i], o.Distinct)
		}
	})
	d := b.distinctRows(o.Pos(), in, &p)
	d.rel = &Take{In: d.rel, N: n}
	return d
}

func (b *binder) top(o *TopOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	t.sorted, t.serialized = true, true
	n := b.rowCount(o.N)
	var keys []SortKey
	b.inRow(in, func() { keys = b.sortKeys(o.Keys) })
	t.rel = &Top{In: in.rel, N: n, Keys: keys}
	return &t
}

func (b *binder) distinct(o *DistinctOp, in *table) *table {
	p := projection{b: b}
	b.inRow(in, func() {
		for _, e := range o.Cols {
			before := len(p.cols)
			p.expr(e, styleProject, "")
			for i := before; i < len(p.cols); i++ {
				b.groupKey(&p.cols[i], e)
			}
		}
	})
	return b.distinctRows(o.Pos(), in, &p)
}

// distinctRows is an Aggregated with keys only.
func (b *binder) distinctRows(at Span, in *table, p *projection) *table {
	a := &Aggregated{In: p.below(in)}
	t := &table{span: at, rel: a, open: in.open && len(p.cols) == 0}
	for i := range p.cols {
		a.By = append(a.By, Item{Out: p.cols[i].col, X: p.cols[i].x})
		t.cols = append(t.cols, p.cols[i].col)
	}
	return t
}

// countRows is count.
func (b *binder) countRows(o *CountOp, in *table) *table {
	name := "Count"
	if o.As != nil {
		name = o.As.Text
	}
	c := b.column(name, Long)
	return &table{span: o.Pos(), cols: []Column{c}, rel: &Aggregated{In: in.rel, Aggs: []AggItem{b.countItem(c, o.Pos())}}}
}

// countItem counts rows.
func (b *binder) countItem(c Column, at Span) AggItem {
	return AggItem{Outs: []Column{c}, Func: b.builtinAggregate("count", at), Pos: at}
}

// builtinAggregate is an aggregate that the binder itself calls.
func (b *binder) builtinAggregate(name string, at Span) *Aggregate {
	a := LookupAggregate(name)
	if a == nil {
		b.errorf(at, "KS123", "The aggregate function '%s' is not defined.", name)
	}
	return a
}

// topHitters is the values with the most rows, or the greatest sum, exactly.
func (b *binder) topHitters(o *TopHittersOp, in *table) *table {
	n := b.rowCount(o.N)
	p := projection{b: b}
	item := AggItem{Pos: o.Pos()}
	b.inRow(in, func() {
		p.expr(o.Of, styleProject, "")
		for i := range p.cols {
			b.groupKey(&p.cols[i], o.Of)
		}
		if o.By == nil {
			name, _ := b.resultName(o.Of)
			item = b.countItem(b.column("approximate_count_"+name, Long), o.Pos())
			return
		}
		x := b.typed(o.By, AnyNumber|1<<Dynamic, "KS137", "The expression value must be a number.")
		name, _ := b.resultName(o.By)
		item.Func = b.builtinAggregate("sum", o.Pos())
		item.Args = []Scalar{x}
		item.Outs = []Column{b.column("approximate_sum_"+name, promote(x.Type()))}
	})
	t := b.distinctRows(o.Pos(), in, &p)
	a := t.rel.(*Aggregated)
	a.Aggs = []AggItem{item}
	out := item.Outs[0]
	t.cols = append(t.cols, out)
	t.rel = &Top{In: a, N: n, Keys: []SortKey{sortKey(&ColRef{Span: o.Pos(), Col: out}, true, "")}}
	t.sorted, t.serialized = true, true
	return t
}
