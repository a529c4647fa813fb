package sqlgen

import (
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

func init() {
	on(ruleAnd, "and")
	on(ruleOr, "or")
	on(ruleNot, "not")
	on(ruleEqual, "==", "!=")
	on(ruleOrder, "<", "<=", ">", ">=")
	on(ruleBetween, "between", "!between")
	on(ruleIn, "in", "!in", "in~", "!in~")
	on(ruleIsNull, "isnull", "isnotnull", "notnull")
	on(ruleIsEmpty, "isempty", "isnotempty", "notempty")
	on(ruleIff, "iff", "iif")
	on(ruleCase, "case")
	on(ruleCoalesce, "coalesce")
}

func boolean(sql string, null bool) expr { return expr{sql: sql, t: kql.Bool, null: null, bits: 1} }

func junction(sign string) rule {
	return func(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
		parts := make([]string, len(c.Args))
		for i, a := range c.Args {
			parts[i] = g.pred(s, a, m)
		}
		return boolean("("+strings.Join(parts, sign)+")", true), true
	}
}

func ruleAnd(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	return junction(" AND ")(g, s, c, m)
}

func ruleOr(g *gen, s scope, c *kql.Call, m mode) (expr, bool) { return junction(" OR ")(g, s, c, m) }

func ruleNot(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 {
		return expr{}, false
	}
	return boolean("(NOT "+g.pred(s, c.Args[0], m.not())+")", true), true
}

func comparable(x, y kql.Type) bool {
	if x == y {
		return x != kql.Dynamic && x != kql.Decimal && x != kql.Unknown
	}
	number := func(t kql.Type) bool { return t == kql.Int || t == kql.Long || t == kql.Real }
	return number(x) && number(y)
}

// level brings two operands of comparable types to one form.
func (g *gen) level(a, b expr) (expr, expr, bool) {
	a, b = g.narrow(a), g.narrow(b)
	if a.rep == Micros && b.rep != Micros || b.rep == Micros && a.rep != Micros {
		a, b = g.natural(a), g.natural(b)
	}
	if a.t == kql.Real && b.t != kql.Real {
		b = g.convert(b, kql.Real, kql.Span{})
	}
	if b.t == kql.Real && a.t != kql.Real {
		a = g.convert(a, kql.Real, kql.Span{})
	}
	return a, b, true
}

// ruleEqual: one null makes == false and != true; two nulls make null.
func ruleEqual(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 {
		return expr{}, false
	}
	if !comparable(c.Args[0].Type(), c.Args[1].Type()) {
		// A dynamic and a constant text: the text's JSON.
		x, k := c.Args[0], constOf(c.Args[1])
		if k == nil {
			x, k = c.Args[1], constOf(c.Args[0])
		}
		if k == nil || x.Type() != kql.Dynamic || k.Type() != kql.String || !wordlike(k.Str()) {
			return expr{}, false
		}
		a := g.naturalOf(s, x)
		return g.equalNulls(a.sql, g.param(kql.JSONOf(k.Str()), kql.Dynamic), a.null, false, c.Func.Name == "!=", m), true
	}
	a, b := g.value(s, c.Args[0]), g.value(s, c.Args[1])
	return g.equal(a, b, c.Func.Name == "!=", m), true
}

func (g *gen) equal(a, b expr, not bool, m mode) expr {
	if a.konst != nil && b.konst == nil {
		a, b = b, a
	}
	if a.rep == Micros && b.konst != nil && !b.konst.IsNull() {
		us, rest := micros(b.konst.Int())
		if rest != 0 {
			if not {
				return boolean("TRUE", false)
			}
			return boolean("FALSE", false)
		}
		b = g.microConst(us)
	}
	if a.t == kql.Real && b.t == kql.Real && (isNaNConst(a) || isNaNConst(b) || !finite(a) && !finite(b)) {
		return g.equalReal(a, b, not, m)
	}
	if a.t == kql.String {
		switch {
		case b.konst != nil && b.konst.Str() != "" && a.rep == MaybeNull:
			// NULL is "", which differs from the constant as null does.
		default:
			a, b = g.natural(a), g.natural(b)
		}
	}
	a, b, _ = g.level(a, b)
	return g.equalNulls(a.sql, b.sql, a.null, b.null, not, m)
}

func (g *gen) equalNulls(a, b string, aNull, bNull, not bool, m mode) expr {
	eq, ne := a+" = "+b, a+" <> "+b
	switch {
	case !aNull && !bNull:
		if not {
			return boolean("("+ne+")", false)
		}
		return boolean("("+eq+")", false)
	case not && m == truthy:
		return boolean("("+ne+")", true)
	case not && m == falsy, not && aNull != bNull:
		return boolean("("+g.f("distinct", a, b)+")", false)
	case not:
		return boolean("(CASE WHEN "+a+" IS NOT NULL OR "+b+" IS NOT NULL THEN "+g.f("distinct", a, b)+" END)", true)
	case m == falsy:
		return boolean("("+eq+")", true)
	case m == truthy, aNull != bNull:
		return boolean("("+g.f("same", a, b)+")", false)
	}
	return boolean("(CASE WHEN "+a+" IS NOT NULL OR "+b+" IS NOT NULL THEN "+g.f("same", a, b)+" END)", true)
}

func isNaNConst(e expr) bool {
	return e.konst != nil && e.t == kql.Real && !e.konst.IsNull() && e.konst.Real() != e.konst.Real()
}

// finite tells that a real cannot be NaN: a finite constant is enough to make a
// comparison with it safe.
func finite(e expr) bool {
	return e.konst != nil && !e.konst.IsNull() && (e.konst.Type() != kql.Real || e.konst.Real() == e.konst.Real())
}

// equalReal keeps NaN different from itself, which the engine does not.
func (g *gen) equalReal(a, b expr, not bool, m mode) expr {
	e := g.equalNulls(a.sql, b.sql, a.null, b.null, not, m)
	nan := g.f("is.nan", a.sql)
	if not {
		e.sql = "(" + e.sql + " OR coalesce(" + nan + ", FALSE))"
	} else {
		e.sql = "(" + e.sql + " AND NOT coalesce(" + nan + ", FALSE))"
	}
	return e
}

// ruleOrder: null on either side makes null.
func ruleOrder(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 || !comparable(c.Args[0].Type(), c.Args[1].Type()) {
		return expr{}, false
	}
	a, b := g.value(s, c.Args[0]), g.value(s, c.Args[1])
	return g.order(a, b, c.Func.Name), true
}

var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (g *gen) order(a, b expr, op string) expr {
	if b.rep == Micros && a.konst != nil {
		a, b, op = b, a, mirrored[op]
	}
	if a.rep == Micros && b.konst != nil && !b.konst.IsNull() {
		// A column of microseconds is compared as it is: the constant goes to the
		// next one on the side where that changes nothing.
		us, rest := micros(b.konst.Int())
		if rest != 0 && (op == "<" || op == ">=") {
			us++
		}
		b = g.microConst(us)
	}
	if a.t == kql.String {
		a, b = g.natural(a), g.natural(b)
	}
	a, b, _ = g.level(a, b)
	sql := a.sql + " " + op + " " + b.sql
	if a.t == kql.Real && (strings.HasPrefix(op, ">") && !finite(a) || strings.HasPrefix(op, "<") && !finite(b) || op[len(op)-1] == '=' && !finite(a) && !finite(b)) {
		// The engine holds NaN for the greatest number, and equal to itself; no
		// comparison with NaN holds in Kusto.
		for _, p := range [][2]expr{{a, b}, {b, a}} {
			if e, other := p[0], p[1]; !finite(e) {
				not := "NOT " + g.f("is.nan", e.sql)
				if other.null {
					not = "(" + not + " OR " + other.sql + " IS NULL)"
				}
				sql += " AND " + not
			}
		}
	}
	return boolean("("+sql+")", a.null || b.null)
}

// micros cuts ticks to microseconds of 1970, towards the past; rest are the
// ticks that it cut.
func micros(ticks int64) (us, rest int64) {
	t := ticks - kql.UnixEpochTicks
	us = t / kql.TicksPerMicrosecond
	rest = t % kql.TicksPerMicrosecond
	if rest < 0 {
		us--
		rest += kql.TicksPerMicrosecond
	}
	return us, rest
}

func (g *gen) microConst(us int64) expr {
	return expr{sql: g.f("micros.make", g.param(us, kql.Long)), t: kql.DateTime, rep: Micros}
}

func ruleBetween(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 3 || !comparable(c.Args[0].Type(), c.Args[1].Type()) || !comparable(c.Args[0].Type(), c.Args[2].Type()) {
		return expr{}, false
	}
	x, lo, hi := g.value(s, c.Args[0]), g.value(s, c.Args[1]), g.value(s, c.Args[2])
	a, b := g.order(x, lo, ">="), g.order(x, hi, "<=")
	e := boolean("("+a.sql+" AND "+b.sql+")", a.null || b.null)
	not := c.Func.Name == "!between"
	if not {
		m = m.not()
	}
	if (lo.null || hi.null) && m != falsy {
		// A bound that is null makes null, even where the other one decides.
		e.sql = "(CASE WHEN " + lo.sql + " IS NOT NULL AND " + hi.sql + " IS NOT NULL THEN " + e.sql + " END)"
	}
	if not {
		e.sql = "(NOT " + e.sql + ")"
	}
	return e, true
}

// items are the constants of an in-like list; an array stands for its elements.
// ok is false when one of them is no constant or of another type.
func constItems(args []kql.Scalar, t kql.Type) (vals []kql.Value, ok bool) {
	for _, a := range args {
		c := constOf(a)
		if c == nil {
			return nil, false
		}
		if c.Type() == kql.Dynamic {
			list, isList := c.Dynamic().([]kql.Dyn)
			if !isList || t != kql.String {
				return nil, false
			}
			for _, d := range list {
				text, isText := d.(string)
				if !isText {
					return nil, false
				}
				vals = append(vals, kql.StringOf(text))
			}
			continue
		}
		if c.Type() != t && !(t == kql.Long && c.Type() == kql.Int) && !(t == kql.Int && c.Type() == kql.Long) {
			return nil, false
		}
		vals = append(vals, *c)
	}
	return vals, true
}

func ruleIn(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	op := c.Func.Name
	not := strings.HasPrefix(op, "!")
	t := c.Args[0].Type()
	if t == kql.Dynamic || t == kql.Decimal || t == kql.Real || t == kql.Unknown || t == kql.Bool {
		return expr{}, false
	}
	vals, ok := constItems(c.Args[1:], t)
	if !ok {
		return expr{}, false
	}
	if strings.HasSuffix(op, "~") && t == kql.String {
		return ruleTextOp(g, s, c, m)
	}
	x := g.value(s, c.Args[0])
	if t == kql.Int {
		x = g.convert(x, kql.Long, c.Span)
	}
	empty, nulls := false, false
	seen := map[any]bool{}
	var list []string
	for _, v := range vals {
		if v.IsNull() {
			nulls = true
			continue
		}
		switch t {
		case kql.String, kql.Guid:
			text := v.Str()
			if t == kql.String && text == "" {
				empty = true
			}
			if !seen[text] {
				seen[text] = true
				list = append(list, g.param(text, kql.String))
			}
		case kql.DateTime:
			n := v.Int()
			if x.rep == Micros {
				us, rest := micros(n)
				if rest != 0 {
					continue
				}
				if !seen[us] {
					seen[us] = true
					list = append(list, g.microConst(us).sql)
				}
				continue
			}
			fallthrough
		default:
			if !seen[v.Int()] {
				seen[v.Int()] = true
				list = append(list, g.param(v.Int(), kql.Long))
			}
		}
	}
	if nulls && t != kql.String && x.null {
		return expr{}, false // what null in (null) is, Go knows
	}
	if x.t == kql.String && x.rep == MaybeNull && (empty || m != falsy || not) {
		x = g.natural(x)
	}
	x = g.narrow(x)
	if len(list) == 0 {
		if not {
			return boolean("TRUE", false), true
		}
		return boolean("FALSE", false), true
	}
	sql := "(" + g.f("in", x.sql, strings.Join(list, ", ")) + ")"
	if x.null && (m != falsy || not) {
		sql = "coalesce(" + sql + ", FALSE)"
	}
	if not {
		sql = "(NOT " + sql + ")"
	}
	return boolean(sql, x.null), true
}

func ruleIsNull(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	not := c.Func.Name != "isnull"
	if len(c.Args) != 1 {
		return expr{}, false
	}
	if c.Args[0].Type() == kql.String {
		return boolean(map[bool]string{false: "FALSE", true: "TRUE"}[not], false), true
	}
	x := g.value(s, c.Args[0])
	if not {
		return boolean("("+x.sql+" IS NOT NULL)", false), true
	}
	return boolean("("+x.sql+" IS NULL)", false), true
}

// ruleIsEmpty: a string that is "", a null of any other type; a dynamic that is
// null or "".
func ruleIsEmpty(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 {
		return expr{}, false
	}
	not := c.Func.Name != "isempty"
	t := c.Args[0].Type()
	x := g.value(s, c.Args[0])
	var empty string
	switch t {
	case kql.String:
		empty = g.f("empty.text")
	case kql.Dynamic:
		empty = g.f("empty.json")
		if x.json {
			x = g.natural(x)
		}
	case kql.Unknown:
		return expr{}, false
	default:
		return ruleIsNull(g, s, &kql.Call{Span: c.Span, Func: &kql.Func{Name: map[bool]string{false: "isnull", true: "isnotnull"}[not]}, Args: c.Args, T: kql.Bool}, m)
	}
	switch {
	case not && (m == falsy || !x.null):
		return boolean("("+x.sql+" <> "+empty+")", x.null), true
	case !not && (m == truthy || !x.null):
		return boolean("("+x.sql+" = "+empty+")", x.null), true
	case not:
		return boolean("coalesce("+x.sql+" <> "+empty+", FALSE)", false), true
	}
	return boolean("coalesce("+x.sql+" = "+empty+", TRUE)", false), true
}

// merge brings the branches of a choice to one type and form.
func (g *gen) merge(t kql.Type, xs []expr, at kql.Span) (out expr, sqls []string) {
	rep, json := Natural, true
	// Stored times stay as they are beside nulls, but nulls alone are no times.
	micro := t == kql.DateTime && slices.ContainsFunc(xs, func(x expr) bool { return x.rep == Micros })
	for i := range xs {
		if xs[i].t != t && t != kql.Unknown {
			xs[i] = g.convert(xs[i], t, at)
		}
		xs[i] = g.narrow(xs[i])
		if xs[i].rep == MaybeNull {
			rep = MaybeNull
		}
		if xs[i].rep != Micros && (xs[i].konst == nil || !xs[i].konst.IsNull()) {
			micro = false
		}
		if !xs[i].json {
			json = false
		}
	}
	for i := range xs {
		x := xs[i]
		switch {
		case micro && x.rep != Micros:
			x.sql = "NULL"
		case !micro && x.rep == Micros, !json && x.json:
			x = g.natural(x)
		}
		out.null = out.null || x.null
		out.bits = max(out.bits, x.bits)
		sqls = append(sqls, x.sql)
	}
	if micro {
		rep = Micros
	}
	out.t, out.rep, out.json = t, rep, json
	return out, sqls
}

func ruleIff(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 3 {
		return expr{}, false
	}
	return ruleCase(g, s, c, m)
}

// ruleCase: the branch of the first condition that is true; null is not.
func ruleCase(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) < 3 || len(c.Args)%2 == 0 {
		return expr{}, false
	}
	var conds []string
	var xs []expr
	for i := 0; i+1 < len(c.Args); i += 2 {
		conds = append(conds, g.pred(s, c.Args[i], falsy))
		xs = append(xs, g.value(s, c.Args[i+1]))
	}
	xs = append(xs, g.value(s, c.Args[len(c.Args)-1]))
	out, sqls := g.merge(c.T, xs, c.Span)
	var b strings.Builder
	b.WriteString("(CASE")
	for i, cond := range conds {
		b.WriteString(" WHEN " + cond + " THEN " + sqls[i])
	}
	b.WriteString(" ELSE " + sqls[len(sqls)-1] + " END)")
	out.sql = b.String()
	return out, true
}

// ruleCoalesce: the first that is not null; of strings the first that is not "".
func ruleCoalesce(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	xs := make([]expr, len(c.Args))
	for i, a := range c.Args {
		xs[i] = g.value(s, a)
	}
	out, sqls := g.merge(c.T, xs, c.Span)
	if c.T == kql.String {
		for i := range sqls {
			sqls[i] = g.f("null.if.empty", sqls[i])
		}
		out.rep, out.null = MaybeNull, true
	}
	out.sql = "coalesce(" + strings.Join(sqls, ", ") + ")"
	return out, true
}
