package sqlgen

import (
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

func init() {
	on(ruleElement, "[]")
	on(ruleToString, "tostring")
	on(ruleToJSON, "parse_json", "parsejson", "todynamic", "toobject")
	on(ruleLength, "array_length")
}

func jsonText(v kql.Value) string { return kql.JSONOf(v.Dynamic()) }

// path takes d.a.b[0] apart into the value it starts from and a JSON path. Only
// constant keys and positions make a path.
func path(x kql.Scalar) (root kql.Scalar, p string) {
	c, ok := x.(*kql.Call)
	if !ok || c.Func.Name != "[]" || len(c.Args) != 2 {
		return x, ""
	}
	k := constOf(c.Args[1])
	if k == nil || k.IsNull() {
		return x, ""
	}
	var step string
	switch k.Type() {
	case kql.String:
		step, ok = key(k.Str())
		if !ok {
			return x, ""
		}
	case kql.Int, kql.Long:
		if n := k.Int(); n >= 0 {
			step = "[" + strconv.FormatInt(n, 10) + "]"
		} else {
			step = "[#" + strconv.FormatInt(n, 10) + "]"
		}
	default:
		return x, ""
	}
	root, p = path(c.Args[0])
	if root.Type() != kql.Dynamic {
		return x, ""
	}
	if p == "" {
		p = "$"
	}
	return root, p + step
}

// key writes a key as a step. Quotes hold everything but what the engine's
// paths cannot say.
func key(k string) (string, bool) {
	if k == "" || strings.ContainsAny(k, "\"\\*\x00") {
		return "", false
	}
	return `."` + k + `"`, true
}

// ruleElement is d.key and d[i]: null where there is none.
func ruleElement(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	root, p := path(c)
	if p == "" {
		return expr{}, false
	}
	x := g.value(s, root)
	return expr{sql: g.f("json.get", x.sql, g.param(p, kql.String)), t: kql.Dynamic, null: true}, true
}

// dynamicText is tostring() of a dynamic: a string is itself, null "".
func (g *gen) dynamicText(s scope, a kql.Scalar) (expr, bool) {
	if e, ok := g.splitPart(s, a); ok {
		return e, true
	}
	root, p := path(a)
	if p == "" {
		p = "$"
		if a.Type() != kql.Dynamic {
			return expr{}, false
		}
		root = a
	}
	x := g.value(s, root)
	return expr{sql: g.f("json.string", x.sql, g.param(p, kql.String)), t: kql.String, rep: MaybeNull, null: true}, true
}

// splitPart is tostring(split(x, ",")[i]): the array need not be made.
func (g *gen) splitPart(s scope, a kql.Scalar) (expr, bool) {
	c, ok := a.(*kql.Call)
	if !ok || c.Func.Name != "[]" || len(c.Args) != 2 {
		return expr{}, false
	}
	split, ok := c.Args[0].(*kql.Call)
	if !ok || split.Func.Name != "split" || len(split.Args) != 2 || split.Args[0].Type() != kql.String {
		return expr{}, false
	}
	sep, at := constOf(split.Args[1]), constOf(c.Args[1])
	if sep == nil || at == nil || sep.Type() != kql.String || sep.Str() == "" || at.IsNull() || at.Type() != kql.Int && at.Type() != kql.Long {
		return expr{}, false
	}
	n := at.Int()
	if n >= 0 {
		n++
	}
	if int64(int32(n)) != n {
		return expr{}, false
	}
	x := g.value(s, split.Args[0])
	x.sql, x.atom, x.konst = g.f("split.part", x.sql, g.param(sep.Str(), kql.String), g.param(n, kql.Long)), false, nil
	return x, true
}

func ruleToString(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 {
		return expr{}, false
	}
	switch c.Args[0].Type() {
	case kql.String, kql.Int, kql.Long, kql.Guid, kql.Bool, kql.Dynamic, kql.Decimal:
		return g.text(s, c.Args[0])
	}
	return expr{}, false
}

// ruleToJSON: what is dynamic already is so; a text is parsed by Go, which
// knows what Kusto takes for JSON.
func ruleToJSON(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 {
		return expr{}, false
	}
	switch c.Args[0].Type() {
	case kql.Dynamic:
		return g.value(s, c.Args[0]), true
	case kql.String:
		x := g.value(s, c.Args[0])
		if len(x.sql) > longest {
			return expr{}, false
		}
		other := g.siteOn(c, []expr{x})
		return expr{sql: g.f("json.parse", x.sql, other.sql), t: kql.Dynamic, null: true}, true
	}
	return expr{}, false
}

// longest is how long an expression may be, in bytes, that is written twice.
const longest = 600

func ruleLength(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.Dynamic {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	if len(x.sql) > longest {
		return expr{}, false
	}
	if x.array {
		return expr{sql: g.f("json.length", x.sql), t: c.T, null: true, bits: 32}, true
	}
	return expr{sql: "(CASE WHEN " + g.f("json.type", x.sql) + " = 'ARRAY' THEN " + g.f("json.length", x.sql) + " END)", t: c.T, null: true, bits: 32}, true
}
