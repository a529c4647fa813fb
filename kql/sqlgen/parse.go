package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// parse takes a text apart by a matcher in Go, which gives a list of texts.
func (g *gen) parse(n *kql.ParseRel) *rel {
	r := g.rel(n.In)
	if len(r.order) > 0 {
		g.wrap(r)
	}
	g.open(r, n.X)
	x := g.value(r.scope(), n.X)
	if x.t != kql.String {
		x = g.convert(x, kql.String, n.X.Pos())
	}
	if x.rep == MaybeNull {
		x.rep = Natural // NULL is taken as ""
	}
	var cols []column
	have := r.scope()
	for _, c := range n.Pass {
		e := have[c.ID]
		if e == nil {
			g.fail(n.X.Pos(), "the column %s cannot be reached here", c.Name)
			continue
		}
		cols = append(cols, column{Column: c, name: colName(c.ID), x: *e})
	}
	site := g.addSite(&Site{Shape: "Ls_s", Match: n.Matcher, Where: n.Where, Types: []kql.Type{kql.String}, Result: kql.String}, x.sql)
	list := column{name: g.name("m"), x: expr{sql: site}}
	r.cols = cols
	r.hidden = append(r.hidden, list)
	g.wrap(r)
	r.hidden = r.hidden[:len(r.hidden)-1]
	if n.Where {
		r.where = append(r.where, list.name+" IS NOT NULL")
	}
	for i, c := range n.Outs {
		e := g.fromText(g.f("list.at", list.name, itoa(i+1)), c.Type)
		r.cols = append(r.cols, column{Column: c, name: colName(c.ID), x: e})
	}
	r.unique = nil
	return r
}

// fromText reads a value from its physical text, see kql.ValueFromText.
func (g *gen) fromText(sql string, t kql.Type) expr {
	e := expr{sql: sql, t: t, null: true, bits: bitsOf(t)}
	switch t {
	case kql.String:
		e.rep = MaybeNull
	case kql.Bool, kql.Int, kql.Long, kql.Real, kql.DateTime, kql.TimeSpan:
		e.sql = g.f("cast", sql, g.d.types[t])
	}
	return e
}
