package sqlgen

import (
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

func init() {
	on(ruleToNumber, "toint", "tolong", "todouble", "toreal")
	on(ruleSame(kql.Bool), "tobool", "toboolean")
	on(ruleSame(kql.DateTime), "todatetime")
	on(ruleSame(kql.TimeSpan), "totimespan", "totime")
	on(ruleSame(kql.Guid), "toguid")
	on(ruleRandom, "rand", "new_guid")
	on(ruleReal, "isnan", "isinf", "isfinite")
	on(ruleReplace, "replace_string", "replace_strings")
}

// ruleToNumber converts between numbers; texts and dynamics are read by Go.
func ruleToNumber(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 {
		return expr{}, false
	}
	from := c.Args[0].Type()
	switch {
	case from == c.T:
		return g.value(s, c.Args[0]), true
	case from == kql.Bool && c.T != kql.Real || from == kql.Int && c.T == kql.Long, (from == kql.Int || from == kql.Long) && c.T == kql.Real:
		x := g.naturalOf(s, c.Args[0])
		return expr{sql: g.f("cast", x.sql, g.d.types[c.T]), t: c.T, null: x.null, bits: x.bits}, true
	case from == kql.Long && c.T == kql.Int:
		x := g.naturalOf(s, c.Args[0])
		if x.bits <= 31 {
			return expr{sql: g.f("cast", x.sql, g.d.types[kql.Int]), t: kql.Int, null: x.null, bits: x.bits}, true
		}
		x.sql = g.f("wide", x.sql)
		return expr{sql: g.f("wrap32", x.sql), t: kql.Int, null: x.null, bits: 32}, true
	case (from == kql.DateTime || from == kql.TimeSpan) && c.T == kql.Long:
		x := g.naturalOf(s, c.Args[0])
		x.t, x.konst = kql.Long, nil
		return x, true
	}
	return expr{}, false
}

// ruleSame: what is of the type already stays as it is.
func ruleSame(t kql.Type) rule {
	return func(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
		if len(c.Args) != 1 || c.Args[0].Type() != t {
			return expr{}, false
		}
		return g.value(s, c.Args[0]), true
	}
}

// ruleRandom: a Go function would be called once for all rows.
func ruleRandom(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	switch {
	case c.Func.Name == "new_guid":
		return expr{sql: g.f("guid.new"), t: kql.Guid}, true
	case len(c.Args) == 0:
		return expr{sql: g.f("random"), t: kql.Real}, true
	}
	k := constOf(c.Args[0])
	if k == nil || k.IsNull() || k.Type() != kql.Int && k.Type() != kql.Long || k.Int() < 2 {
		return expr{sql: g.f("random"), t: kql.Real}, true
	}
	return expr{sql: g.f("random.below", g.param(k.Int(), kql.Long)), t: kql.Real}, true
}

func ruleReal(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.Real {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	return boolean(g.f(map[string]string{"isnan": "is.nan", "isinf": "is.inf", "isfinite": "is.finite"}[c.Func.Name], x.sql), x.null), true
}

// ruleReplace replaces a constant text by another.
func ruleReplace(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 3 || c.Func.Name != "replace_string" || c.Args[0].Type() != kql.String {
		return expr{}, false
	}
	from, to := constOf(c.Args[1]), constOf(c.Args[2])
	if from == nil || to == nil || from.Type() != kql.String || to.Type() != kql.String || from.Str() == "" {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	x.sql, x.atom, x.konst = g.f("replace", x.sql, g.param(from.Str(), kql.String), g.param(to.Str(), kql.String)), false, nil
	return x, true
}

// wordlike tells that no number, time or truth value is written like this, so
// that a dynamic equals the text only when it holds the text itself, whose JSON
// is the text in quotes.
func wordlike(text string) bool {
	if text == "" {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '/' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	first := text[0] | 0x20
	if first < 'a' || first > 'z' {
		return false
	}
	switch strings.ToLower(text) {
	case "true", "false", "nan", "inf", "infinity", "null":
		return false
	}
	return true
}
