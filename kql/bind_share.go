package kql

// sharer makes a table that can be used several times and is computed once: each
// call gives a use, with columns of its own after the first.
func (b *binder) sharer(t *table) func() *table {
	s := b.newShared(b.exact(t))
	first := true
	return func() *table {
		if first {
			first = false
			return t.with(s)
		}
		return b.again(t, s)
	}
}

// again is a later use of a shared table.
func (b *binder) again(t *table, s *Shared) *table {
	b.count(t.span)
	u := *t
	u.hidden = nil
	u.cols = make([]Column, len(t.cols))
	for i, c := range t.cols {
		u.cols[i] = b.column(c.Name, c.Type)
	}
	u.rel = &SharedRef{ID: s.ID, Cols: u.cols}
	return &u
}

// reuse is a later use of a scalar that holds subqueries: they are shared with
// the first use.
func (b *binder) reuse(x Scalar) Scalar {
	switch x := x.(type) {
	case *ScalarQuery:
		s := b.sharedQuery(&x.Rel)
		return &ScalarQuery{Span: x.Span, Rel: b.sharedRef(s), T: x.T}
	case *InQuery:
		s := b.sharedQuery(&x.Rel)
		return &InQuery{Span: x.Span, Op: x.Op, X: b.reuse(x.X), Rel: b.sharedRef(s)}
	case *Call:
		c := *x
		c.Args = make([]Scalar, len(x.Args))
		for i, a := range x.Args {
			c.Args[i] = b.reuse(a)
		}
		return &c
	}
	return x
}

// sharedQuery makes a subquery one that is shared, if it is not yet.
func (b *binder) sharedQuery(query *Rel) *Shared {
	s, ok := (*query).(*Shared)
	if !ok {
		s = b.newShared(*query)
		*query = s
	}
	return s
}

func (b *binder) newShared(in Rel) *Shared {
	s := &Shared{ID: b.nextID, In: in}
	b.nextID++
	b.shares = append(b.shares, s)
	return s
}

func (b *binder) sharedRef(s *Shared) *SharedRef {
	in := s.In.Columns()
	cols := make([]Column, len(in))
	for i, c := range in {
		cols[i] = b.column(c.Name, c.Type)
	}
	return &SharedRef{ID: s.ID, Cols: cols}
}

// countScalar adds the nodes of an expression that is used once more: where x2 is
// x1 + x1 and x3 is x2 + x2, what is written is short and what it means is not.
// It is false when that is too much.
func (b *binder) countScalar(x Scalar, at Span) bool {
	b.count(at)
	switch x := x.(type) {
	case *Call:
		for _, a := range x.Args {
			if b.tooBig || !b.countScalar(a, at) {
				return false
			}
		}
	case *InQuery:
		return b.countScalar(x.X, at)
	}
	return !b.tooBig
}
