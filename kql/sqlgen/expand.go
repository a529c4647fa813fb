package sqlgen

import (
	"github.com/tocsinhq/tocsin/kql"
)

// mvExpand gives a row for each element of an array, for each key of a bag; a
// null keeps its row, an empty array has none. Several columns go side by side,
// as far as the longest.
func (g *gen) mvExpand(n *kql.MvExpand) *rel {
	r := g.rel(n.In)
	g.expand(r, n.Items, n.Index, n.Limit, n.BagArrays)
	return r
}

func (g *gen) expand(r *rel, items []kql.MvItem, index *kql.Column, limit int64, bagArrays bool) {
	var xs []kql.Scalar
	for _, it := range items {
		xs = append(xs, it.X)
	}
	if r.closed || r.limit != "" || len(r.order) > 0 || !r.plain(xs...) {
		g.wrap(r)
	}
	hidden := len(r.hidden)
	// Most of what is expanded are arrays with something in them. What else it is,
	// is only asked where the engine finds no elements.
	s := r.scope()
	arrays := make([]string, len(items))
	for i, it := range items {
		if it.X.Type() == kql.Dynamic {
			arrays[i] = g.name("l")
			list := g.f("json.elements", g.natural(g.value(s, it.X)).sql)
			r.hidden = append(r.hidden, column{name: arrays[i], x: expr{sql: list}})
		}
	}
	if len(r.hidden) > hidden {
		g.wrap(r)
		r.hidden = r.hidden[:hidden]
		s = r.scope()
	}
	// The lists, so that each is made once.
	var lists []string
	for i, it := range items {
		x := g.value(s, it.X)
		if x.t != kql.Dynamic {
			x = g.convert(x, kql.Dynamic, it.X.Pos())
		}
		x = g.natural(x)
		list := g.elements(x, bagArrays)
		if arrays[i] != "" {
			list = "(CASE WHEN " + g.f("list.length", arrays[i]) + " > 0 THEN " + arrays[i] + " ELSE " + list + " END)"
		}
		if limit > 0 {
			list = g.f("list.first", list, g.param(limit, kql.Long))
		}
		name := g.name("l")
		lists = append(lists, name)
		r.hidden = append(r.hidden, column{name: name, x: expr{sql: list}})
	}
	g.wrap(r)
	r.hidden = r.hidden[:hidden]
	longest := "0"
	for i, it := range items {
		x := expr{sql: g.f("unnest", lists[i]), t: kql.Dynamic, null: true}
		r.cols = append(r.cols, column{Column: it.Out, name: colName(it.Out.ID), x: x})
		if i == 0 {
			longest = g.f("list.length", lists[i])
		} else {
			longest = "greatest(" + longest + ", " + g.f("list.length", lists[i]) + ")"
		}
	}
	if index != nil {
		x := expr{sql: g.f("unnest", g.f("list.range", longest)), t: kql.Long, bits: countBits}
		r.cols = append(r.cols, column{Column: *index, name: colName(index.ID), x: x})
	}
	r.unique = nil
	g.wrap(r)
	at := len(r.cols) - len(items)
	if index != nil {
		at--
	}
	for i, it := range items {
		c := &r.cols[at+i]
		c.x = g.element(c.x, it.Out.Type, it.X.Pos())
	}
}

// elements is the list of JSON texts of a dynamic's elements. Arrays are the
// engine's; bags, which become bags of one key, are taken apart by Go.
func (g *gen) elements(x expr, bagArrays bool) string {
	m := &kql.Matcher{Name: "mv-expand", Types: []kql.Type{kql.Dynamic}, Match: func(text string) ([]kql.Value, bool) {
		d, ok := kql.ParseJSON(text)
		if !ok {
			return []kql.Value{kql.Null(kql.Dynamic)}, true
		}
		return elementsOf(d, bagArrays), true
	}}
	other := g.addSite(&Site{Shape: "Ls_s", Match: m, Types: []kql.Type{kql.Dynamic}, Result: kql.Dynamic}, x.sql)
	return "(CASE " + g.f("json.type", x.sql) + " WHEN 'ARRAY' THEN " + g.f("json.elements", x.sql) + " ELSE " + other + " END)"
}

func elementsOf(d kql.Dyn, bagArrays bool) []kql.Value {
	switch d := d.(type) {
	case []kql.Dyn:
		vals := make([]kql.Value, len(d))
		for i, e := range d {
			vals[i] = kql.DynamicOf(e)
		}
		return vals
	case *kql.Bag:
		vals := make([]kql.Value, len(d.Keys))
		for i, k := range d.Keys {
			v := d.Values[k]
			if bagArrays {
				vals[i] = kql.DynamicOf([]kql.Dyn{k, v})
				continue
			}
			one := kql.NewBag()
			one.Set(k, v)
			vals[i] = kql.DynamicOf(one)
		}
		return vals
	}
	return []kql.Value{kql.DynamicOf(d)}
}

// element brings an expanded element, a JSON text, to its column's type: JSON
// null is null.
func (g *gen) element(x expr, t kql.Type, at kql.Span) expr {
	switch t {
	case kql.Dynamic, kql.Unknown:
		return expr{sql: g.f("json.null", x.sql), t: kql.Dynamic, null: true}
	case kql.String:
		return expr{sql: g.f("json.string", x.sql, g.param("$", kql.String)), t: kql.String, rep: MaybeNull, null: true}
	}
	return g.convert(expr{sql: g.f("json.null", x.sql), t: kql.Dynamic, null: true}, t, at)
}
