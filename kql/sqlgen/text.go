package sqlgen

import (
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

func init() {
	on(ruleTextEqual, "=~", "!~")
	for _, op := range []string{
		"has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains", "contains_cs",
		"startswith", "startswith_cs", "endswith", "endswith_cs",
	} {
		on(ruleTextOp, op, "!"+op)
	}
	on(ruleTextOp, "matches regex", "has_any", "has_all")
	on(ruleLower, "tolower", "toupper")
	on(ruleStrlen, "strlen", "string_size")
	on(ruleStrcat, "strcat")
	on(ruleSubstring, "substring")
}

// Text predicates with constant patterns are Go's: reading the column takes
// most of the time, and a search that folds case while it looks is two to three
// times as fast as the engine's, which writes each text in lower case first.

// ruleTextEqual compares without regard to case.
func ruleTextEqual(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 || c.Args[0].Type() != kql.String || c.Args[1].Type() != kql.String {
		return expr{}, false
	}
	x, k := c.Args[0], constOf(c.Args[1])
	if k == nil {
		x, k = c.Args[1], constOf(c.Args[0])
	}
	if k == nil {
		return expr{}, false
	}
	return g.textPredicate(s, x, c.Func.Name, []string{k.Str()})
}

func ruleTextOp(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) < 2 || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	vals, ok := constItems(c.Args[1:], kql.String)
	if !ok {
		return expr{}, false
	}
	var patterns []string
	for _, v := range vals {
		patterns = append(patterns, v.Str())
	}
	return g.textPredicate(s, c.Args[0], c.Func.Name, patterns)
}

// textPredicate is x op patterns. The column's NULL is taken as "".
func (g *gen) textPredicate(s scope, x kql.Scalar, op string, patterns []string) (expr, bool) {
	match, ok := kql.TextPredicate(op, patterns)
	if !ok {
		return expr{}, false
	}
	site := &Site{Shape: "b_s", Text: match, Types: []kql.Type{kql.String}, Result: kql.Bool}
	return boolean(g.addSite(site, g.value(s, x).sql), false), true
}

// ruleLower: the engine's cases are Kusto's in ASCII; texts with other letters,
// which have more bytes than letters, are Go's.
func ruleLower(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	if len(x.sql) > longest {
		return expr{}, false
	}
	form := map[string]string{"tolower": "lower", "toupper": "upper"}[c.Func.Name]
	other := g.siteOn(c, []expr{x})
	x.sql = "(CASE WHEN " + g.f("bytes", x.sql) + " <> " + g.f("length", x.sql) + " THEN " + other.sql + " ELSE " + g.f(form, x.sql) + " END)"
	x.atom, x.konst = false, nil
	return x, true
}

// ruleStrlen: strlen counts code points, string_size bytes.
func ruleStrlen(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	sql := g.f(map[string]string{"strlen": "length", "string_size": "bytes"}[c.Func.Name], x.sql)
	if x.null {
		sql = "coalesce(" + sql + ", 0)"
	}
	return expr{sql: sql, t: kql.Long, bits: 32}, true
}

func ruleStrcat(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	var parts []string
	for _, a := range c.Args {
		x, ok := g.text(s, a)
		if !ok {
			return expr{}, false
		}
		parts = append(parts, g.natural(x).sql)
	}
	return expr{sql: "(" + strings.Join(parts, " || ") + ")", t: kql.String}, true
}

// ruleSubstring: positions from 0, in code points; only constants that are not
// negative are the engine's.
func ruleSubstring(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) < 2 || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	var args []string
	for i, a := range c.Args[1:] {
		k := constOf(a)
		if k == nil || k.IsNull() || (k.Type() != kql.Int && k.Type() != kql.Long) || k.Int() < 0 || k.Int() > 1<<31-2 {
			return expr{}, false
		}
		n := k.Int()
		if i == 0 {
			n++
		}
		args = append(args, g.param(n, kql.Long))
	}
	x := g.value(s, c.Args[0])
	x.sql, x.atom, x.konst = "substring("+x.sql+", "+strings.Join(args, ", ")+")", false, nil
	return x, true
}

// text is tostring() of a value, where the engine's text is Kusto's.
func (g *gen) text(s scope, a kql.Scalar) (expr, bool) {
	if k := constOf(a); k != nil {
		return g.constant(kql.StringOf(kql.TextOf(*k))), true
	}
	switch a.Type() {
	case kql.String:
		return g.value(s, a), true
	case kql.Int, kql.Long, kql.Guid, kql.Decimal:
		x := g.naturalOf(s, a)
		e := expr{t: kql.String, sql: x.sql, atom: x.atom}
		if integer(x.t) {
			e.sql, e.atom = g.f("text.of.int", x.sql), false
		}
		if x.null {
			e.rep, e.null = MaybeNull, true
		}
		return e, true
	case kql.Bool:
		x := g.value(s, a)
		return expr{t: kql.String, sql: "(CASE " + x.sql + " WHEN TRUE THEN 'True' WHEN FALSE THEN 'False' ELSE '' END)"}, true
	case kql.Dynamic:
		return g.dynamicText(s, a)
	}
	if c, ok := a.(*kql.Call); ok || a != nil {
		_ = c
		f := kql.LookupFunc("tostring")
		if f == nil || f.Eval == nil {
			return expr{}, false
		}
		return g.siteOn(&kql.Call{Span: a.Pos(), Func: f, T: kql.String, Eval: f.Eval, Args: []kql.Scalar{a}}, []expr{g.value(s, a)}), true
	}
	return expr{}, false
}
