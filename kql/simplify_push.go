package kql

import "slices"

// push gives r with predicates on its rows, as far down as they keep their
// meaning.
func push(r Rel, preds []Scalar) Rel {
	switch r := r.(type) {
	case *Filter:
		own := conjunctsOf(r.Pred, nil)
		var stay, down []Scalar
		for _, p := range own {
			if v := constOf(p); v != nil && v.Bool() {
				continue
			}
			if anyCall(p, isVolatile) {
				stay = append(stay, p)
			} else {
				down = append(down, pushQueries(p))
			}
		}
		return filterBy(push(r.In, append(down, preds...)), stay)
	case *Project:
		return pushProject(r, preds)
	case *Sort:
		return &Sort{In: push(r.In, preds), Keys: r.Keys}
	case *Take:
		return filterBy(pushTake(r), preds)
	case *Aggregated:
		return pushGroups(r, preds)
	case *MakeSeries:
		down, stay := byKeys(r.By, preds)
		c := *r
		c.In = push(r.In, down)
		return filterBy(withQueries(&c), stay)
	case *Join:
		return pushJoin(r, preds)
	case *Union:
		return pushUnion(r, preds)
	case *MvExpand:
		down, stay := split(setOfColumns(r.In.Columns()), preds)
		c := *r
		c.In = push(r.In, down)
		return filterBy(withQueries(&c), stay)
	case *ParseRel:
		down, stay := split(setOfColumns(r.Pass), preds)
		c := *r
		c.In = push(r.In, down)
		return filterBy(withQueries(&c), stay)
	case *Apply:
		down, stay := split(setOfColumns(r.Keep), preds)
		c := *r
		c.In, c.Sub = push(r.In, down), push(r.Sub, nil)
		return filterBy(withQueries(&c), stay)
	}
	r = rewriteInputs(r, func(in Rel) Rel { return push(in, nil) })
	return filterBy(withQueries(r), preds)
}

// withQueries pushes filters inside the subqueries of a node's expressions.
func withQueries(r Rel) Rel { return rewriteScalars(r, pushQueries) }

func pushQueries(x Scalar) Scalar {
	return rewriteQueries(x, func(q Rel) Rel { return push(q, nil) })
}

// conjunctsOf takes a predicate apart at its ands.
func conjunctsOf(x Scalar, out []Scalar) []Scalar {
	if c, ok := x.(*Call); ok && c.Func.Name == "and" && len(c.Args) == 2 {
		return conjunctsOf(c.Args[1], conjunctsOf(c.Args[0], out))
	}
	return append(out, x)
}

// filterBy puts predicates on a plan, one Filter for each.
func filterBy(r Rel, preds []Scalar) Rel {
	for _, p := range preds {
		if v := constOf(p); v != nil {
			if v.Bool() {
				continue
			}
			// No row passes.
			return &Values{Cols: r.Columns()}
		}
		r = &Filter{In: r, Pred: p}
	}
	return r
}

// split tells predicates on the given columns from the others.
func split(cols colSet, preds []Scalar) (down, stay []Scalar) {
	for _, p := range preds {
		if cols.within(p) {
			down = append(down, p)
		} else {
			stay = append(stay, p)
		}
	}
	return down, stay
}

// pushProject takes predicates below a projection when they read columns that
// only pass through it.
func pushProject(r *Project, preds []Scalar) Rel {
	if windowItems(r.Items) {
		c := &Project{In: push(r.In, nil), Items: r.Items}
		return filterBy(withQueries(c), preds)
	}
	down, stay := byKeys(r.Items, preds)
	c := &Project{In: push(r.In, down), Items: r.Items}
	return filterBy(withQueries(c), stay)
}

// byKeys rewrites predicates that read only columns which are columns or
// constants below; the others stay.
func byKeys(items []Item, preds []Scalar) (down, stay []Scalar) {
	if len(preds) == 0 {
		return nil, nil
	}
	simple := make(map[ColID]Scalar, len(items))
	for _, it := range items {
		switch it.X.(type) {
		case *ColRef, *Const:
			simple[it.Out.ID] = it.X
		}
	}
	for _, p := range preds {
		if q, ok := substitute(p, simple); ok {
			down = append(down, q)
		} else {
			stay = append(stay, p)
		}
	}
	return down, stay
}

// substitute is x over other columns; ok is false when one is not known.
func substitute(x Scalar, by map[ColID]Scalar) (Scalar, bool) {
	switch x := x.(type) {
	case *ColRef:
		y, ok := by[x.Col.ID]
		if !ok {
			return nil, false
		}
		if ref, isRef := y.(*ColRef); isRef && ref.Col.ID == x.Col.ID {
			return x, true
		}
		return y, true
	case *Call:
		var args []Scalar
		for i, a := range x.Args {
			y, ok := substitute(a, by)
			if !ok {
				return nil, false
			}
			if y != a && args == nil {
				args = append(make([]Scalar, 0, len(x.Args)), x.Args[:i]...)
			}
			if args != nil {
				args = append(args, y)
			}
		}
		if args == nil {
			return x, true
		}
		c := *x
		c.Args = args
		if folded := foldConst(&c); folded != nil {
			return folded, true
		}
		return &c, true
	case *InQuery:
		y, ok := substitute(x.X, by)
		if !ok {
			return nil, false
		}
		c := *x
		c.X = y
		return &c, true
	}
	return x, true
}

// pushTake makes top of take behind sort, also with a projection between.
func pushTake(r *Take) Rel {
	switch in := r.In.(type) {
	case *Sort:
		return &Top{In: push(in.In, nil), N: r.N, Keys: in.Keys}
	case *Project:
		if _, ok := in.In.(*Sort); ok && !windowItems(in.Items) {
			return withQueries(&Project{In: pushTake(&Take{In: in.In, N: r.N}), Items: in.Items})
		}
	}
	return &Take{In: push(r.In, nil), N: r.N}
}

// pushGroups takes predicates on keys below the groups. Without keys there is
// one group whatever the rows, so nothing goes below.
func pushGroups(r *Aggregated, preds []Scalar) Rel {
	var down []Scalar
	stay := preds
	if len(r.By) > 0 {
		down, stay = byKeys(r.By, preds)
	}
	c := *r
	c.In = push(r.In, down)
	return filterBy(withQueries(&c), stay)
}

// pushJoin takes predicates on one side to that side, where the kind of join
// lets it.
func pushJoin(r *Join, preds []Scalar) Rel {
	left, right := setOfColumns(r.Left.Columns()), setOfColumns(r.Right.Columns())
	var toLeft, toRight, stay []Scalar
	// innerunique takes one of the left rows with a key: predicates on the key
	// alone choose before as they do behind.
	keys := colSet{}
	for _, k := range r.On {
		if ref, ok := k.Left.(*ColRef); ok {
			keys.add(ref.Col.ID)
		}
	}
	for _, p := range preds {
		l, rt := left.within(p), right.within(p)
		switch {
		case l && rt: // reads no column
			stay = append(stay, p)
		case l && slices.Contains([]JoinKind{Inner, LeftOuter, LeftSemi, LeftAnti}, r.Kind),
			l && r.Kind == InnerUnique && keys.within(p):
			toLeft = append(toLeft, p)
		case rt && slices.Contains([]JoinKind{Inner, InnerUnique, RightOuter, RightSemi, RightAnti}, r.Kind):
			toRight = append(toRight, p)
		default:
			stay = append(stay, p)
		}
	}
	c := *r
	c.Left, c.Right = push(r.Left, toLeft), push(r.Right, toRight)
	return filterBy(withQueries(&c), stay)
}

// pushUnion takes predicates into each input. Those with subqueries stay, which
// would be computed for each input.
func pushUnion(r *Union, preds []Scalar) Rel {
	var down, stay []Scalar
	for _, p := range preds {
		query := false
		queriesOf(p, func(Rel) { query = true })
		if query {
			stay = append(stay, p)
		} else {
			down = append(down, p)
		}
	}
	c := &Union{Cols: r.Cols}
	for _, in := range r.Ins {
		by := make(map[ColID]Scalar, len(r.Cols))
		refs := make([]ColRef, len(r.Cols))
		for i, col := range in.Columns() {
			refs[i].Col = col
			by[r.Cols[i].ID] = &refs[i]
		}
		var mine []Scalar
		for _, p := range down {
			q, ok := substitute(p, by)
			if !ok {
				q = p
			}
			mine = append(mine, q)
		}
		n := push(in, mine)
		if v, ok := n.(*Values); ok && len(v.Rows) == 0 && len(mine) > 0 {
			continue
		}
		c.Ins = append(c.Ins, n)
	}
	if len(c.Ins) == 0 {
		return filterBy(&Values{Cols: r.Cols}, stay)
	}
	return filterBy(c, stay)
}
