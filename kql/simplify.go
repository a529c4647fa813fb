package kql

// simplifyPlan makes a plan cheaper and keeps its meaning: tables that are named
// once are no longer shared, filters go down to where rows come from, sort with
// take becomes top, and columns that nobody reads are not made.
func simplifyPlan(b *binder, root Rel) Rel {
	root = settleShares(b, root)
	root = push(root, nil)
	return pruneColumns(root)
}

// colSet is a set of columns.
type colSet []uint64

func (s colSet) has(id ColID) bool {
	return id >= 0 && int(id>>6) < len(s) && s[id>>6]&(1<<(id&63)) != 0
}

func (s *colSet) add(id ColID) {
	if id < 0 {
		return
	}
	for int(id>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[id>>6] |= 1 << (id & 63)
}

func (s *colSet) addAll(t colSet) {
	for len(*s) < len(t) {
		*s = append(*s, 0)
	}
	for i, w := range t {
		(*s)[i] |= w
	}
}

func (s colSet) clone() colSet { return append(colSet(nil), s...) }

// reads adds the columns that an expression reads.
func (s *colSet) reads(xs ...Scalar) {
	for _, x := range xs {
		switch x := x.(type) {
		case *ColRef:
			s.add(x.Col.ID)
		case *Call:
			s.reads(x.Args...)
		case *InQuery:
			s.reads(x.X)
		}
	}
}

// readsItems adds the columns that items read.
func (s *colSet) readsItems(items []Item) {
	for _, it := range items {
		s.reads(it.X)
	}
}

// within tells whether every column that x reads is in the set.
func (s colSet) within(x Scalar) bool {
	switch x := x.(type) {
	case *ColRef:
		return s.has(x.Col.ID)
	case *Call:
		for _, a := range x.Args {
			if !s.within(a) {
				return false
			}
		}
	case *InQuery:
		return s.within(x.X)
	}
	return true
}

func setOfColumns(cols []Column) colSet {
	var s colSet
	for _, c := range cols {
		s.add(c.ID)
	}
	return s
}

// anyCall tells whether a call in x is one that the test tells.
func anyCall(x Scalar, test func(*Call) bool) bool {
	switch x := x.(type) {
	case *Call:
		if test(x) {
			return true
		}
		for _, a := range x.Args {
			if anyCall(a, test) {
				return true
			}
		}
	case *InQuery:
		return anyCall(x.X, test)
	}
	return false
}

func isVolatile(c *Call) bool { return c.Func.Volatile }
func isWindow(c *Call) bool   { return c.Func.Window }

func windowItems(items []Item) bool {
	for _, it := range items {
		if anyCall(it.X, isWindow) {
			return true
		}
	}
	return false
}

// inputs are the tables that a node reads. Sub-plans and subqueries of
// expressions are not among them.
func inputs(r Rel) []Rel {
	switch r := r.(type) {
	case *Filter:
		return []Rel{r.In}
	case *Project:
		return []Rel{r.In}
	case *Aggregated:
		return []Rel{r.In}
	case *Sort:
		return []Rel{r.In}
	case *Take:
		return []Rel{r.In}
	case *Sample:
		return []Rel{r.In}
	case *Top:
		return []Rel{r.In}
	case *Join:
		return []Rel{r.Left, r.Right}
	case *Union:
		return r.Ins
	case *MvExpand:
		return []Rel{r.In}
	case *Apply:
		return []Rel{r.In, r.Sub}
	case *Partition:
		return []Rel{r.In, r.Sub}
	case *ParseRel:
		return []Rel{r.In}
	case *MakeSeries:
		return []Rel{r.In}
	case *RowOp:
		return r.Ins
	case *Shared:
		return []Rel{r.In}
	}
	return nil
}

// scalars are the expressions of a node.
func scalarsOf(r Rel, do func(Scalar)) {
	items := func(items []Item) {
		for _, it := range items {
			do(it.X)
		}
	}
	keys := func(keys []SortKey) {
		for _, k := range keys {
			do(k.X)
		}
	}
	some := func(xs ...Scalar) {
		for _, x := range xs {
			if x != nil {
				do(x)
			}
		}
	}
	switch r := r.(type) {
	case *Range:
		some(r.From, r.To, r.Step)
	case *Filter:
		do(r.Pred)
	case *Project:
		items(r.Items)
	case *Aggregated:
		items(r.By)
		for _, a := range r.Aggs {
			some(a.Args...)
		}
	case *Sort:
		keys(r.Keys)
	case *Take:
		do(r.N)
	case *Sample:
		do(r.N)
	case *Top:
		do(r.N)
		keys(r.Keys)
	case *Join:
		for _, k := range r.On {
			some(k.Left, k.Right)
		}
	case *MvExpand:
		for _, it := range r.Items {
			do(it.X)
		}
	case *Apply:
		for _, it := range r.Items {
			do(it.X)
		}
	case *Partition:
		do(r.By)
	case *ParseRel:
		do(r.X)
	case *MakeSeries:
		some(r.Axis, r.From, r.To, r.Step)
		items(r.By)
		for _, a := range r.Aggs {
			some(a.Args...)
		}
	}
}

// queriesOf are the subqueries of an expression.
func queriesOf(x Scalar, do func(Rel)) {
	switch x := x.(type) {
	case *Call:
		for _, a := range x.Args {
			queriesOf(a, do)
		}
	case *ScalarQuery:
		do(x.Rel)
	case *InQuery:
		queriesOf(x.X, do)
		do(x.Rel)
	}
}

// walkPlan calls do for every node, of subqueries too, those that read before
// those that are read.
func walkPlan(r Rel, do func(Rel)) {
	do(r)
	for _, in := range inputs(r) {
		walkPlan(in, do)
	}
	scalarsOf(r, func(x Scalar) {
		queriesOf(x, func(q Rel) { walkPlan(q, do) })
	})
}

// scanned are the stored tables that a plan reads, each once.
func scanned(root Rel) []string {
	var names []string
	seen := map[string]bool{}
	walkPlan(root, func(r Rel) {
		if s, ok := r.(*Scan); ok && !seen[s.Table] {
			seen[s.Table] = true
			names = append(names, s.Table)
		}
	})
	return names
}

// rewriteInputs is a copy of a node with other inputs.
func rewriteInputs(r Rel, do func(Rel) Rel) Rel {
	switch r := r.(type) {
	case *Filter:
		c := *r
		c.In = do(r.In)
		return &c
	case *Project:
		c := *r
		c.In = do(r.In)
		return &c
	case *Aggregated:
		c := *r
		c.In = do(r.In)
		return &c
	case *Sort:
		c := *r
		c.In = do(r.In)
		return &c
	case *Take:
		c := *r
		c.In = do(r.In)
		return &c
	case *Sample:
		c := *r
		c.In = do(r.In)
		return &c
	case *Top:
		c := *r
		c.In = do(r.In)
		return &c
	case *Join:
		c := *r
		c.Left, c.Right = do(r.Left), do(r.Right)
		return &c
	case *Union:
		c := *r
		c.Ins = make([]Rel, len(r.Ins))
		for i, in := range r.Ins {
			c.Ins[i] = do(in)
		}
		return &c
	case *MvExpand:
		c := *r
		c.In = do(r.In)
		return &c
	case *Apply:
		c := *r
		c.In, c.Sub = do(r.In), do(r.Sub)
		return &c
	case *Partition:
		c := *r
		c.In, c.Sub = do(r.In), do(r.Sub)
		return &c
	case *ParseRel:
		c := *r
		c.In = do(r.In)
		return &c
	case *MakeSeries:
		c := *r
		c.In = do(r.In)
		return &c
	case *RowOp:
		c := *r
		c.Ins = make([]Rel, len(r.Ins))
		for i, in := range r.Ins {
			c.Ins[i] = do(in)
		}
		return &c
	case *Shared:
		c := *r
		c.In = do(r.In)
		return &c
	}
	return r
}

// rewriteScalars is a copy of a node with other expressions; the node itself
// when do changes none.
func rewriteScalars(r Rel, do func(Scalar) Scalar) Rel {
	changed := false
	one := func(x Scalar) Scalar {
		if x == nil {
			return nil
		}
		y := do(x)
		changed = changed || y != x
		return y
	}
	items := func(items []Item) []Item {
		out := make([]Item, len(items))
		for i, it := range items {
			out[i] = Item{Out: it.Out, X: one(it.X)}
		}
		return out
	}
	keys := func(keys []SortKey) []SortKey {
		out := append([]SortKey(nil), keys...)
		for i := range out {
			out[i].X = one(out[i].X)
		}
		return out
	}
	many := func(xs []Scalar) []Scalar {
		out := make([]Scalar, len(xs))
		for i, x := range xs {
			out[i] = one(x)
		}
		return out
	}
	mv := func(items []MvItem) []MvItem {
		out := append([]MvItem(nil), items...)
		for i := range out {
			out[i].X = one(out[i].X)
		}
		return out
	}
	var c Rel
	switch r := r.(type) {
	case *Range:
		c = &Range{Col: r.Col, From: one(r.From), To: one(r.To), Step: one(r.Step)}
	case *Filter:
		c = &Filter{In: r.In, Pred: one(r.Pred)}
	case *Project:
		c = &Project{In: r.In, Items: items(r.Items)}
	case *Aggregated:
		a := &Aggregated{In: r.In, By: items(r.By), Aggs: append([]AggItem(nil), r.Aggs...)}
		for i := range a.Aggs {
			a.Aggs[i].Args = many(a.Aggs[i].Args)
		}
		c = a
	case *Sort:
		c = &Sort{In: r.In, Keys: keys(r.Keys)}
	case *Take:
		c = &Take{In: r.In, N: one(r.N)}
	case *Sample:
		c = &Sample{In: r.In, N: one(r.N)}
	case *Top:
		c = &Top{In: r.In, N: one(r.N), Keys: keys(r.Keys)}
	case *Join:
		j := *r
		j.On = append([]JoinKey(nil), r.On...)
		for i := range j.On {
			j.On[i] = JoinKey{Left: one(j.On[i].Left), Right: one(j.On[i].Right)}
		}
		c = &j
	case *MvExpand:
		m := *r
		m.Items = mv(r.Items)
		c = &m
	case *Apply:
		a := *r
		a.Items = mv(r.Items)
		c = &a
	case *Partition:
		p := *r
		p.By = one(r.By)
		c = &p
	case *ParseRel:
		p := *r
		p.X = one(r.X)
		c = &p
	case *MakeSeries:
		m := *r
		m.Axis, m.From, m.To, m.Step = one(r.Axis), one(r.From), one(r.To), one(r.Step)
		m.By = items(r.By)
		m.Aggs = append([]SeriesAgg(nil), r.Aggs...)
		for i := range m.Aggs {
			m.Aggs[i].Args = many(m.Aggs[i].Args)
		}
		c = &m
	default:
		return r
	}
	if !changed {
		return r
	}
	return c
}

// rewriteQueries is x with other subqueries; x itself when there are none.
func rewriteQueries(x Scalar, do func(Rel) Rel) Scalar {
	switch x := x.(type) {
	case *Call:
		for i, a := range x.Args {
			y := rewriteQueries(a, do)
			if y == a {
				continue
			}
			c := *x
			c.Args = append([]Scalar(nil), x.Args...)
			c.Args[i] = y
			for j := i + 1; j < len(c.Args); j++ {
				c.Args[j] = rewriteQueries(c.Args[j], do)
			}
			return &c
		}
	case *ScalarQuery:
		c := *x
		c.Rel = do(x.Rel)
		return &c
	case *InQuery:
		c := *x
		c.X, c.Rel = rewriteQueries(x.X, do), do(x.Rel)
		return &c
	}
	return x
}
