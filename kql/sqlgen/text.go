package sqlgen

import (
	"strings"
	"unicode"

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
	on(ruleStrlen, "strlen")
	on(ruleStrcat, "strcat")
	on(ruleSubstring, "substring")
}

// ruleTextEqual compares without regard to case.
func ruleTextEqual(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 || c.Args[0].Type() != kql.String || c.Args[1].Type() != kql.String {
		return expr{}, false
	}
	not := c.Func.Name == "!~"
	x, k := c.Args[0], constOf(c.Args[1])
	if k == nil {
		x, k = c.Args[1], constOf(c.Args[0])
	}
	if k == nil || k.Str() == "" || !ascii(k.Str()) {
		return expr{}, false
	}
	e := g.value(s, x)
	if not && m != falsy || !not && m == truthy || m == exact {
		e = g.natural(e)
	}
	lower := g.f("lower", e.sql)
	sql, ok := g.folded("("+lower+" = "+g.param(strings.ToLower(k.Str()), kql.String)+")", lower, e.sql, "=~", []string{k.Str()})
	if !ok {
		return expr{}, false
	}
	if !not {
		return boolean(sql, e.null), true
	}
	if e.null {
		sql = "coalesce(" + sql + ", FALSE)"
	}
	return boolean("(NOT "+sql+")", false), true
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// folded makes a condition on lower(x) exact. The engine's lower case knows a
// few letters beyond ASCII whose lower case is in it, which no comparison of
// Kusto's takes for the same; they are shorter in lower case, so that rows whose
// length changes are left to Go.
func (g *gen) folded(sql, lower, x, op string, patterns []string) (string, bool) {
	if !strings.ContainsAny(strings.ToLower(strings.Join(patterns, "")), "ik") {
		return sql, true
	}
	fn, ok := kql.TextPredicate(op, patterns)
	if !ok {
		return "", false
	}
	return "(" + sql + " AND (" + g.f("bytes", lower) + " = " + g.f("bytes", x) + " OR " + g.textSite(fn, x) + "))", true
}

// textStrategy says how a text predicate with constant patterns is computed.
type textStrategy uint8

const (
	byEngine textStrategy = iota // the engine alone
	byBoth                       // the engine throws most rows out, Go decides on the rest
	byGo                         // Go alone
)

// textStrategies is the one place that chooses, by measurement.
var textStrategies = map[string]textStrategy{
	"has": byBoth, "has_cs": byBoth, "hasprefix": byBoth, "hasprefix_cs": byBoth, "hassuffix": byBoth, "hassuffix_cs": byBoth,
	"contains": byEngine, "contains_cs": byEngine, "startswith": byEngine, "startswith_cs": byEngine, "endswith": byEngine, "endswith_cs": byEngine,
	"matches regex": byGo, "has_any": byGo, "has_all": byGo,
}

func ruleTextOp(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	op := c.Func.Name
	not := strings.HasPrefix(op, "!")
	base := strings.TrimPrefix(op, "!")
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
	x := g.value(s, c.Args[0])
	sql, nullable, ok := g.textPredicate(base, patterns, x, m, not)
	if !ok {
		return expr{}, false
	}
	if not {
		sql = "(NOT " + sql + ")"
	}
	return boolean(sql, nullable), true
}

// textPredicate writes x op patterns, without the not that goes around it. The
// column's NULL is "", which no pattern but "" is in; it may stay null where the
// reader does not mind.
func (g *gen) textPredicate(op string, patterns []string, x expr, m mode, not bool) (sql string, nullable, ok bool) {
	inner := m
	if not {
		inner = m.not()
	}
	how, known := textStrategies[op]
	if !known {
		return "", false, false
	}
	single := len(patterns) == 1
	if how != byGo && single && patterns[0] != "" {
		if sql, ok := g.engineText(op, patterns[0], x.sql, how == byEngine); ok {
			nullable := x.null
			if x.null && inner != falsy {
				sql, nullable = "coalesce("+sql+", FALSE)", false
			}
			if how == byEngine {
				return sql, nullable, true
			}
			if fn, ok := kql.TextPredicate(op, patterns); ok {
				return "(" + sql + " AND " + g.textSite(fn, x.sql) + ")", nullable, true
			}
			return "", false, false
		}
	}
	fn, ok := kql.TextPredicate(op, patterns)
	if !ok {
		return "", false, false
	}
	return g.textSite(fn, x.sql), false, true
}

func (g *gen) textSite(fn func([]byte) bool, sql string) string {
	return g.addSite(&Site{Shape: "b_s", Text: fn, Types: []kql.Type{kql.String}, Result: kql.Bool}, sql)
}

// engineText is a condition of the engine's that holds wherever op does, and
// for contains, startswith and endswith nowhere else.
func (g *gen) engineText(op, pattern, x string, alone bool) (string, bool) {
	base, cs := strings.CutSuffix(op, "_cs")
	form := "contains"
	switch base {
	case "startswith":
		form = "starts"
	case "endswith":
		form = "ends"
	}
	if cs {
		return g.f(form, x, g.param(pattern, kql.String)), true
	}
	// Letters beyond ASCII fold in more than one way.
	if !ascii(pattern) {
		return "", false
	}
	lower := g.f("lower", x)
	sql := g.f(form, lower, g.param(strings.ToLower(pattern), kql.String))
	if alone {
		return g.folded(sql, lower, x, op, []string{pattern})
	}
	return sql, true
}

func ruleLower(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	x.sql, x.atom, x.konst = g.f(map[string]string{"tolower": "lower", "toupper": "upper"}[c.Func.Name], x.sql), false, nil
	return x, true
}

// ruleStrlen counts code points.
func ruleStrlen(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	sql := g.f("length", x.sql)
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
