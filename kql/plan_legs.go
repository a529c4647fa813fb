package kql

// wideUnion is from how many columns in all inputs on a union is better read
// one input after the other: engines plan wide unions much slower than in
// proportion to their width.
const wideUnion = 4000

// Legs takes a plan apart whose rows are those of a wide union, such as search
// over all tables: the rows of root are those of the legs, one after the other,
// of which no more than limit are wanted (-1 for all). A plan that cannot be
// taken apart is its own only leg. Columns are the same in every leg.
func Legs(root Rel) (legs []Rel, limit int64) {
	limit = -1
	u := legsUnion(root, &limit)
	if u == nil || len(u.Ins) < 2 || len(u.Ins)*len(u.Cols) < wideUnion {
		return []Rel{root}, -1
	}
	shared := false
	walkPlan(root, func(r Rel) {
		switch r.(type) {
		case *Shared, *SharedRef, *Input:
			shared = true
		}
	})
	if shared {
		return []Rel{root}, -1
	}
	for _, in := range u.Ins {
		var leg func(Rel) Rel
		leg = func(r Rel) Rel {
			if r == Rel(u) {
				return &Union{Ins: []Rel{in}, Cols: u.Cols}
			}
			return rewriteInputs(r, leg)
		}
		legs = append(legs, leg(root))
	}
	return legs, limit
}

// legsUnion is the union at the bottom of root; nil when something on the way
// looks at more than one row at a time. No filter may stand above a take.
func legsUnion(root Rel, limit *int64) *Union {
	filtered := false
	for {
		switch r := root.(type) {
		case *Union:
			return r
		case *Project:
			if windowItems(r.Items) {
				return nil
			}
			root = r.In
		case *Filter:
			filtered = true
			root = r.In
		case *Take:
			c := constOf(r.N)
			if c == nil || c.IsNull() || *limit >= 0 || filtered {
				return nil
			}
			*limit = max(0, c.Int())
			root = r.In
		default:
			return nil
		}
	}
}
