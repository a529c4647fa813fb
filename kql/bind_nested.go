package kql

// topNested is top-nested: a tree of the best values, level by level. A level
// groups the rows by its value and those of the levels before, keeps the best
// groups below each parent, and with others makes one more group of the rest.
func (b *binder) topNested(o *TopNestedOp, in *table) *table {
	at := o.Pos()
	rest := false
	for i := range o.Levels {
		rest = rest || o.Levels[i].Others != nil
	}
	n := topNest{b: b, o: o, names: projection{b: b}}
	var t *table
	if rest {
		t = n.labelled(in)
	} else {
		t = n.grouped(in)
	}
	if t == nil {
		return b.openTable(at)
	}
	var keys []SortKey
	for i := range o.Levels {
		keys = append(keys,
			sortKey(&ColRef{Col: t.cols[2*i+1]}, o.Levels[i].Dir != "asc", ""),
			sortKey(&ColRef{Col: t.cols[2*i]}, false, ""))
	}
	t.rel = &Sort{In: t.rel, Keys: keys}
	t.span, t.sorted, t.serialized = at, true, true
	return t
}

// topNest binds one top-nested. The columns of a level are its value and its
// aggregate, so that level i has columns 2i and 2i+1.
type topNest struct {
	b     *binder
	o     *TopNestedOp
	names projection // of the columns; only its names count
	made  []string
}

// level binds a level over src: parents are src's columns of the levels before;
// where there are none yet, the values of those levels are computed. The result
// is grouped, not cut.
func (n *topNest) level(i int, src *table, parents []Column) *table {
	b := n.b
	l := &n.o.Levels[i]
	by := projection{b: b}
	b.inRow(src, func() {
		for _, c := range parents {
			by.add(c.Name, &ColRef{Col: c}, false)
		}
		for j := range n.o.Levels[:i+1] {
			if len(parents) > 0 && j < i {
				continue
			}
			e := n.o.Levels[j].Of
			if named, ok := e.(*Named); ok {
				e = named.X
			}
			x := b.scalar(e)
			c := outColumn{col: b.column("", x.Type()), x: x}
			b.groupKey(&c, e)
			by.cols = append(by.cols, c)
		}
	})
	agg := b.newAggScope(src, &by)
	var value Scalar
	by0 := len(by.cols)
	b.aggregates(agg, src, func() {
		e := l.By
		if named, ok := e.(*Named); ok {
			e = named.X
		}
		value = b.scalar(e)
	})
	if i >= len(n.made)/2 {
		n.nameLevel(l, src)
	}
	out := projection{b: b, cols: by.cols}
	out.cols = append(out.cols, outColumn{col: b.column(n.made[2*i+1], value.Type()), x: value})
	for k := range by.cols {
		if by.cols[k].col.Name == "" {
			by.cols[k].col.Name = "$key"
		}
	}
	out.cols[by0-1].col.Name = n.made[2*i]
	return b.aggregated(n.o.Pos(), src, &by, agg, &out)
}

// nameLevel makes the names of a level's two columns.
func (n *topNest) nameLevel(l *TopNestedLevel, src *table) {
	b := n.b
	b.inRow(src, func() {
		of, ok := b.resultName(l.Of)
		if !ok {
			of = ""
		}
		n.names.add(of, unknown(l.Span), false)
		of = n.names.cols[len(n.names.cols)-1].col.Name
		by := "aggregated_" + of
		if name, ok := declaredName(l.By); ok {
			by = name.Text
		}
		n.names.add(by, unknown(l.Span), false)
		n.made = append(n.made, of, n.names.cols[len(n.names.cols)-1].col.Name)
	})
}

// best keeps the best groups below each parent; the last two columns are the
// value and the aggregate.
func (n *topNest) best(i int, t *table) *table {
	b := n.b
	l := &n.o.Levels[i]
	if l.N == nil {
		return t
	}
	count := b.rowCount(l.N)
	if isUnknown(count) {
		return t
	}
	value := t.cols[len(t.cols)-1]
	best := sortKey(&ColRef{Col: value}, l.Dir != "asc", "")
	parents := t.cols[:len(t.cols)-2]
	if len(parents) == 0 {
		t.rel = &Top{In: t.rel, N: count, Keys: []SortKey{best}}
		return t
	}
	at := n.o.Pos()
	var keys []SortKey
	var other []Scalar
	for _, c := range parents {
		ref := &ColRef{Span: at, Col: c}
		keys = append(keys, sortKey(ref, false, ""))
		other = append(other, b.callFunc(at, "!=", Bool, ref, b.callFunc(at, "prev", c.Type, ref)))
	}
	restart := b.fold2("or", at, other)
	rank := b.column("$rank", Long)
	items := append(passItems(nil, t.cols), Item{Out: rank, X: b.callFunc(at, "row_number", Long, constant(at, LongOf(1)), restart)})
	t.rel = &Filter{
		In:   &Project{In: &Sort{In: t.rel, Keys: append(keys, best)}, Items: items},
		Pred: b.callFunc(at, "<=", Bool, &ColRef{Span: at, Col: rank}, count),
	}
	t.rel = b.pick(t.rel, t.cols)
	return t
}

// grouped is the plan without others: the input is grouped once for each level
// and joined to the groups that the levels before have kept.
func (n *topNest) grouped(in *table) *table {
	b := n.b
	rows := b.sharer(in)
	var cur *table
	for i := range n.o.Levels {
		src := in
		if len(n.o.Levels) > 1 {
			src = rows()
		}
		t := n.level(i, src, nil)
		if cur != nil {
			var on []JoinKey
			for j := range i {
				on = append(on, JoinKey{Left: &ColRef{Col: cur.cols[2*j]}, Right: &ColRef{Col: t.cols[j]}})
			}
			j := &Join{Left: cur.rel, Right: t.rel, Kind: Inner, On: on}
			cols := append(append([]Column(nil), cur.cols...), t.cols[i:]...)
			t = &table{rel: b.pick(j, cols), cols: cols}
		}
		cur = n.best(i, t)
	}
	return cur
}

// labelled is the plan with others: every row of the input gets the values and
// aggregates of its groups, level by level, the rest those of the rest.
func (n *topNest) labelled(in *table) *table {
	b := n.b
	raw := in.cols
	rows := b.sharer(in)
	var labels []Column // of the rows: two for each level so far
	for i := range n.o.Levels {
		l := &n.o.Levels[i]
		last := i == len(n.o.Levels)-1
		// split takes a use of the rows apart.
		split := func() (*table, []Column) {
			t := rows()
			u := *t
			u.cols = t.cols[:len(raw)]
			return &u, t.cols[len(raw) : len(raw)+len(labels)]
		}
		src, parents := split()
		kept := n.best(i, n.level(i, src, parents))
		keptUse := b.sharer(kept)
		if last && l.Others == nil {
			return kept
		}
		// on matches rows and groups by the labels and the value.
		on := func(rows *table, parents []Column, groups *table, value bool) []JoinKey {
			var keys []JoinKey
			for j := 0; j < len(parents); j += 2 {
				keys = append(keys, JoinKey{Left: &ColRef{Col: parents[j]}, Right: &ColRef{Col: groups.cols[j]}})
			}
			if value {
				b.inRow(rows, func() {
					e := l.Of
					if named, ok := e.(*Named); ok {
						e = named.X
					}
					keys = append(keys, JoinKey{Left: b.scalar(e), Right: &ColRef{Col: groups.cols[len(groups.cols)-2]}})
				})
			}
			return keys
		}
		// takeIn is rows with the two columns of their group.
		takeIn := func(r *table, parents []Column, groups *table, keys []JoinKey) *table {
			j := &Join{Left: r.rel, Right: groups.rel, Kind: Inner, On: keys}
			cols := append(append([]Column(nil), r.cols...), parents...)
			cols = append(cols, groups.cols[len(groups.cols)-2:]...)
			return &table{rel: b.pick(j, cols), cols: cols}
		}
		groups := keptUse()
		var inputs []*table
		if !last {
			r, p := split()
			inputs = append(inputs, takeIn(r, p, groups, on(r, p, groups, true)))
			groups = keptUse()
		}
		if l.Others == nil {
			rows = b.sharer(inputs[0])
			labels = inputs[0].cols[len(raw):]
			continue
		}
		// What is left over.
		r, p := split()
		{
			anti := &Join{Left: r.rel, Right: groups.rel, Kind: LeftAnti, On: on(r, p, groups, true)}
			all := append(append([]Column(nil), r.cols...), p...)
			restUse := b.sharer(&table{rel: b.pick(anti, all), cols: all})
			part := func() (*table, []Column) {
				t := restUse()
				u := *t
				u.cols = t.cols[:len(raw)]
				return &u, t.cols[len(raw):]
			}
			r, p = part()
			rest := n.rest(i, r, p, kept.cols[len(kept.cols)-2])
			if last {
				return b.unionAll(n.o.Pos(), []*table{keptUse(), rest})
			}
			r, p = part()
			inputs = append(inputs, takeIn(r, p, rest, on(r, p, rest, false)))
		}
		u := b.unionAll(n.o.Pos(), inputs)
		rows = b.sharer(u)
		labels = u.cols[len(raw):]
	}
	return nil
}

// rest is the group of what is left over below each parent: one row, whose value
// is what others says.
func (n *topNest) rest(i int, src *table, parents []Column, key Column) *table {
	b := n.b
	l := &n.o.Levels[i]
	by := projection{b: b}
	b.inRow(src, func() {
		for _, c := range parents {
			by.add(c.Name, &ColRef{Col: c}, false)
		}
	})
	agg := b.newAggScope(src, &by)
	var value Scalar
	b.aggregates(agg, src, func() {
		e := l.By
		if named, ok := e.(*Named); ok {
			e = named.X
		}
		value = b.scalar(e)
	})
	row := b.row
	b.row = nil
	label := b.convert(b.scalar(l.Others), key.Type)
	b.row = row
	// A count tells whether there is anything left over at all.
	rows := b.column("$rows", Long)
	agg.items = append(agg.items, b.countItem(rows, l.Span))
	out := projection{b: b, cols: by.cols}
	out.cols = append(out.cols,
		outColumn{col: b.column(n.made[2*i], label.Type()), x: label},
		outColumn{col: b.column(n.made[2*i+1], value.Type()), x: value},
		outColumn{col: b.column("$rows", Long), x: &ColRef{Col: rows}})
	t := b.aggregated(n.o.Pos(), src, &by, agg, &out)
	last := t.cols[len(t.cols)-1]
	t.rel = &Filter{In: t.rel, Pred: b.callFunc(l.Span, ">", Bool, &ColRef{Col: last}, constant(l.Span, LongOf(0)))}
	t.cols = t.cols[:len(t.cols)-1]
	t.rel = b.pick(t.rel, t.cols)
	return t
}
