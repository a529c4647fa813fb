package sqlgen

import "github.com/tocsinhq/tocsin/kql"

type shared struct {
	in   kql.Rel
	uses int
}

type frame struct{}

func (g *gen) countShared(n kql.Rel) {}

func (g *gen) inQuery(s scope, x *kql.InQuery, m mode) expr {
	g.fail(x.Span, "in (query) cannot be run here")
	return expr{sql: "NULL", t: kql.Bool, null: true}
}
