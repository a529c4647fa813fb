package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// hasWindow tells whether an expression calls a window function.
func hasWindow(x kql.Scalar) bool {
	c, ok := x.(*kql.Call)
	if !ok {
		return false
	}
	if c.Func.Window {
		return true
	}
	for _, a := range c.Args {
		if hasWindow(a) {
			return true
		}
	}
	return false
}

func (g *gen) windowed(r *rel, n *kql.Project) *rel {
	for _, it := range n.Items {
		if hasWindow(it.X) {
			g.fail(it.X.Pos(), "window functions cannot be run here")
		}
	}
	return r
}
