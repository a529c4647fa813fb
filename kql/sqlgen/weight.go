package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// An engine that moves a condition below a computed column writes the column's
// expression wherever the condition names it. Where each of a chain of columns
// names the one before it twice, that doubles the condition with every step, in
// the engine's planner, which neither counts its memory nor can be stopped
// there. So columns have a weight, and a table whose columns have become too
// heavy is read through a limit that no table reaches and no condition passes.

const (
	maxWeight = 2000
	noLimit   = 1 << 60
)

// weight is how many nodes x has, and how many more it has with the columns in
// it written out; both are bounded.
func (s scope) weight(x kql.Scalar) (size, more int) {
	size = 1
	switch x := x.(type) {
	case *kql.ColRef:
		if e := s[x.Col.ID]; e != nil {
			more = e.weight
		}
	case *kql.Call:
		for _, a := range x.Args {
			n, m := s.weight(a)
			size, more = size+n, more+m
		}
	case *kql.InQuery:
		n, m := s.weight(x.X)
		size, more = size+n, more+m
	}
	return size, min(more, noLimit)
}

// lighten keeps the engine from writing out the columns in xs when they are too
// heavy.
func (g *gen) lighten(r *rel, xs ...kql.Scalar) {
	s := r.scope()
	for _, x := range xs {
		if _, more := s.weight(x); more > maxWeight {
			if r.limit != "" {
				g.wrap(r)
			}
			r.limit = g.param(int64(noLimit), kql.Long)
			g.wrap(r)
			for _, cols := range [][]column{r.cols, r.hidden} {
				for i := range cols {
					cols[i].x.weight = 0
				}
			}
			return
		}
	}
}
