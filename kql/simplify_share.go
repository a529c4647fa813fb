package kql

// settleShares puts each shared table into the plan that uses it: one that is
// named once becomes a part of the plan, and where the first use has gone (a let
// that only an unused let names, another branch of fork) a later use takes the
// table in.
func settleShares(b *binder, root Rel) Rel {
	if len(b.shares) == 0 {
		return root
	}
	present := map[int]bool{}
	walkPlan(root, func(r Rel) {
		if s, ok := r.(*Shared); ok {
			present[s.ID] = true
		}
	})
	byID := make(map[int]*Shared, len(b.shares))
	for _, s := range b.shares {
		byID[s.ID] = s
	}
	var take func(r Rel) Rel
	take = func(r Rel) Rel {
		if ref, ok := r.(*SharedRef); ok && !present[ref.ID] {
			s := byID[ref.ID]
			present[ref.ID] = true
			in := take(s.In)
			// What the table itself shares is in the plan now.
			walkPlan(in, func(r Rel) {
				if s, ok := r.(*Shared); ok {
					present[s.ID] = true
				}
			})
			items := make([]Item, len(ref.Cols))
			for i, c := range s.In.Columns() {
				items[i] = Item{Out: ref.Cols[i], X: &ColRef{Col: c}}
			}
			return &Project{In: &Shared{ID: s.ID, In: in}, Items: items}
		}
		r = rewriteInputs(r, take)
		return rewriteScalars(r, func(x Scalar) Scalar { return rewriteQueries(x, take) })
	}
	root = take(root)

	refs := map[int]int{}
	walkPlan(root, func(r Rel) {
		if s, ok := r.(*SharedRef); ok {
			refs[s.ID]++
		}
	})
	var drop func(r Rel) Rel
	drop = func(r Rel) Rel {
		if s, ok := r.(*Shared); ok && refs[s.ID] == 0 {
			return drop(s.In)
		}
		r = rewriteInputs(r, drop)
		return rewriteScalars(r, func(x Scalar) Scalar { return rewriteQueries(x, drop) })
	}
	return drop(root)
}
