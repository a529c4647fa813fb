package sqlgen

import (
	"math"

	"github.com/tocsinhq/tocsin/kql"
)

func init() {
	on(ruleRing, "+", "-", "*")
	on(ruleDivide, "/")
	on(ruleModulo, "%")
	on(ruleBin, "bin", "floor")
	on(ruleAbs, "abs")
}

// integer tells whether a type is held as an integer in SQL.
func integer(t kql.Type) bool {
	return t == kql.Int || t == kql.Long || t == kql.DateTime || t == kql.TimeSpan
}

// ruleRing is addition, subtraction and multiplication. Integers wrap as
// Kusto's do: the engine, which would fail on overflow, computes in 128 bits
// where 64 might not do, and what comes out is brought back once, at the end.
func ruleRing(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	op := c.Func.Name
	if len(c.Args) == 1 {
		if op != "-" {
			return expr{}, false
		}
		x := g.wideValue(s, c.Args[0])
		switch {
		case x.t == kql.Real && c.T == kql.Real:
			x.sql = "(-" + x.sql + ")"
		case (x.t == kql.Int || x.t == kql.Long || x.t == kql.TimeSpan) && x.t == c.T:
			switch {
			case x.wide:
			case x.t == kql.Int: // of 64 bits; narrowed the same way
				x.sql, x.wide = g.f("cast", x.sql, g.d.types[kql.Long]), true
			case x.bits >= longBits:
				x.sql, x.wide = g.f("wide", x.sql), true
			}
			x.sql = "(-" + x.sql + ")"
		default:
			return expr{}, false
		}
		x.atom, x.konst = false, nil
		return x, true
	}
	if len(c.Args) != 2 {
		return expr{}, false
	}
	at, bt := c.Args[0].Type(), c.Args[1].Type()
	if c.T == kql.Real {
		if !numberArg(at) || !numberArg(bt) {
			return expr{}, false
		}
		a, b := g.convert(g.naturalOf(s, c.Args[0]), kql.Real, c.Span), g.convert(g.naturalOf(s, c.Args[1]), kql.Real, c.Span)
		return expr{sql: "(" + a.sql + " " + op + " " + b.sql + ")", t: kql.Real, null: a.null || b.null}, true
	}
	if !integer(c.T) || !integer(at) || !integer(bt) {
		return expr{}, false
	}
	if op == "*" && at != kql.Int && at != kql.Long && bt != kql.Int && bt != kql.Long {
		return expr{}, false
	}
	if e, ok := g.ringMicros(s, c, op); ok {
		return e, true
	}
	if c.T == kql.DateTime {
		return expr{}, false // beyond the years 1 to 9999 it is null
	}
	a, b := g.wideValue(s, c.Args[0]), g.wideValue(s, c.Args[1])
	n := max(a.bits, b.bits) + 1
	if op == "*" {
		n = a.bits + b.bits
	}
	if n > 126 {
		a, b = g.narrow(a), g.narrow(b)
		n = max(a.bits, b.bits) + 1
		if op == "*" {
			n = a.bits + b.bits
		}
	}
	e := expr{t: c.T, null: a.null || b.null, bits: n}
	if n >= longBits {
		if n > 126 {
			return expr{}, false // two least longs; Go wraps them
		}
		if !a.wide {
			a.sql = g.f("wide", a.sql)
		}
		e.wide = true
	} else {
		// The engine would compute int with int in 32 bits.
		if a.t == kql.Int || b.t == kql.Int {
			a.sql = g.f("cast", a.sql, g.d.types[kql.Long])
		}
		if c.T == kql.Int && n > 31 {
			e.wide = true // of 64 bits; narrowed the same way
		} else if c.T == kql.Int {
			e.sql = g.f("cast", "("+a.sql+" "+op+" "+b.sql+")", g.d.types[kql.Int])
			return e, true
		}
	}
	e.sql = "(" + a.sql + " " + op + " " + b.sql + ")"
	return e, true
}

func numberArg(t kql.Type) bool { return t == kql.Int || t == kql.Long || t == kql.Real }

// wideValue is a natural value that may still be wide.
func (g *gen) wideValue(s scope, x kql.Scalar) expr {
	if e := g.valueIn(s, x, exact); e.wide {
		return e
	} else {
		return g.natural(e)
	}
}

// ringMicros adds and subtracts without leaving microseconds where nothing is
// lost: a column of microseconds and a constant of whole ones.
func (g *gen) ringMicros(s scope, c *kql.Call, op string) (expr, bool) {
	if op == "*" {
		return expr{}, false
	}
	x, y := c.Args[0], c.Args[1]
	if op == "+" && y.Type() == kql.DateTime {
		x, y = y, x
	}
	if x.Type() != kql.DateTime {
		return expr{}, false
	}
	a := g.value(s, x)
	if a.rep != Micros {
		return expr{}, false
	}
	switch y.Type() {
	case kql.TimeSpan:
		k := constOf(y)
		if k == nil || k.IsNull() || k.Int()%kql.TicksPerMicrosecond != 0 || k.Int() == math.MinInt64 || bitLen(k.Int()) > 60 {
			return expr{}, false
		}
		by := k.Int() / kql.TicksPerMicrosecond
		if op == "-" {
			by = -by
		}
		us, n := g.f("micros.of", a.sql), g.param(by, kql.Long)
		least, most := int64(-microsOf0001), int64((kql.MaxDateTimeTicks-kql.UnixEpochTicks)/kql.TicksPerMicrosecond)
		inside := us + " <= " + g.param(most-by, kql.Long)
		if by < 0 {
			inside = us + " >= " + g.param(least-by, kql.Long)
		}
		return expr{sql: "(CASE WHEN " + inside + " THEN " + g.f("micros.make", us+" + "+n) + " END)", t: kql.DateTime, rep: Micros, null: true, bits: datetimeBits}, true
	case kql.DateTime:
		b := g.value(s, y)
		if op != "-" || b.rep != Micros {
			return expr{}, false
		}
		return expr{sql: "((" + g.f("micros.of", a.sql) + " - " + g.f("micros.of", b.sql) + ") * 10)", t: kql.TimeSpan, null: a.null || b.null, bits: datetimeBits + 1}, true
	}
	return expr{}, false
}

// ruleDivide: integers are cut towards zero and give null for zero, reals give
// Infinity and NaN.
func ruleDivide(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 {
		return expr{}, false
	}
	at, bt := c.Args[0].Type(), c.Args[1].Type()
	if c.T == kql.Real && (numberArg(at) && numberArg(bt) || at == kql.TimeSpan && bt == kql.TimeSpan) {
		a, b := g.realOf(s, c.Args[0]), g.realOf(s, c.Args[1])
		return expr{sql: "(" + a.sql + " / " + b.sql + ")", t: kql.Real, null: a.null || b.null}, true
	}
	k := constOf(c.Args[1])
	if (c.T != kql.Int && c.T != kql.Long) || !numberArg(at) || !numberArg(bt) || k == nil || k.IsNull() || k.Int() == 0 || k.Int() == -1 {
		if k != nil || c.T != kql.Long || at != kql.Long && at != kql.Int || bt != kql.Long && bt != kql.Int {
			return expr{}, false
		}
	}
	a, b := g.naturalOf(s, c.Args[0]), g.naturalOf(s, c.Args[1])
	if k == nil && a.bits >= longBits {
		return expr{}, false // the least long by -1
	}
	if a.t == kql.Int {
		a.sql = g.f("cast", a.sql, g.d.types[kql.Long])
	}
	e := expr{sql: g.f("quotient", a.sql, b.sql), t: kql.Long, null: true, bits: a.bits}
	if k != nil {
		e.null = a.null
	}
	if c.T == kql.Int {
		e.sql, e.t = g.f("cast", e.sql, g.d.types[kql.Int]), kql.Int
	}
	return e, true
}

// realOf is a number or a span of time as a real.
func (g *gen) realOf(s scope, x kql.Scalar) expr {
	e := g.naturalOf(s, x)
	if e.t == kql.Real {
		return e
	}
	if e.konst != nil && !e.konst.IsNull() {
		return g.constant(kql.RealOf(float64(e.konst.Int())))
	}
	return expr{sql: g.f("cast", e.sql, g.d.types[kql.Real]), t: kql.Real, null: e.null}
}

// ruleModulo: the remainder is never negative.
func ruleModulo(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	k := constOf(c.Args[1])
	if len(c.Args) != 2 || (c.T != kql.Long && c.T != kql.Int) || !numberArg(c.Args[0].Type()) || !numberArg(c.Args[1].Type()) || k == nil || k.IsNull() || k.Int() == 0 || bitLen(k.Int()) > 62 {
		return expr{}, false
	}
	a := g.naturalOf(s, c.Args[0])
	if a.t == kql.Int {
		a.sql = g.f("cast", a.sql, g.d.types[kql.Long])
	}
	n := max(k.Int(), -k.Int())
	e := expr{sql: g.f("floor.rem", a.sql, g.param(n, kql.Long)), t: kql.Long, null: a.null, bits: bitLen(n)}
	if c.T == kql.Int {
		e.sql, e.t = g.f("cast", e.sql, g.d.types[kql.Int]), kql.Int
	}
	return e, true
}

// ruleBin rounds down to a multiple of a constant; datetimes count from 0001.
func ruleBin(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 {
		return expr{}, false
	}
	k := constOf(c.Args[1])
	t := c.Args[0].Type()
	if k == nil || k.IsNull() {
		return expr{}, false
	}
	if c.T == kql.Real && numberArg(t) && numberArg(k.Type()) && k.Float() > 0 {
		x, size := g.realOf(s, c.Args[0]), g.constant(kql.RealOf(k.Float())).sql
		return expr{sql: "(floor(" + x.sql + " / " + size + ") * " + size + ")", t: kql.Real, null: x.null}, true
	}
	if !integer(t) || t != c.T && !(t == kql.Int && c.T == kql.Long) {
		return expr{}, false
	}
	switch t {
	case kql.DateTime, kql.TimeSpan:
		if k.Type() != kql.TimeSpan {
			return expr{}, false
		}
	default:
		if k.Type() != kql.Int && k.Type() != kql.Long {
			return expr{}, false
		}
	}
	size := k.Int()
	if size <= 0 || bitLen(size) > 62 {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	if x.rep == Micros {
		if size%kql.TicksPerMicrosecond == 0 {
			return g.binMicros(x, size/kql.TicksPerMicrosecond), true
		}
		x = g.natural(x)
	}
	x = g.natural(x)
	if t == kql.Int {
		if c.T != kql.Long {
			return expr{}, false
		}
		x, t = g.convert(x, kql.Long, c.Span), kql.Long
	}
	if size == 1 {
		return x, true
	}
	e := expr{t: t, null: x.null, bits: x.bits}
	n := g.param(size, kql.Long)
	if t == kql.DateTime {
		e.sql = "(" + x.sql + " - " + g.f("rem", x.sql, n) + ")" // never negative
		return e, true
	}
	if x.bits >= longBits {
		// The bin of the least longs would not fit.
		e.sql, e.wide = "("+g.f("wide", x.sql)+" - "+g.f("floor.rem", x.sql, n)+")", true
		e.bits = longBits + 1
		return e, true
	}
	e.sql, e.bits = "("+x.sql+" - "+g.f("floor.rem", x.sql, n)+")", x.bits+1
	return e, true
}

// microsOf0001 is 0001-01-01 in microseconds of 1970, negated.
const microsOf0001 = kql.UnixEpochTicks / kql.TicksPerMicrosecond

// binMicros keeps a column of microseconds one.
func (g *gen) binMicros(x expr, size int64) expr {
	us, n := g.f("micros.of", x.sql), g.param(size, kql.Long)
	rem := g.f("rem", "("+us+" + "+g.param(int64(microsOf0001), kql.Long)+")", n)
	return expr{sql: g.f("micros.make", us+" - "+rem), t: kql.DateTime, rep: Micros, null: x.null, bits: datetimeBits}
}

func ruleAbs(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	t := c.Args[0].Type()
	if len(c.Args) != 1 || t != c.T || t != kql.Real && t != kql.Long && t != kql.TimeSpan {
		return expr{}, false
	}
	x := g.naturalOf(s, c.Args[0])
	if t != kql.Real && x.bits >= longBits {
		x.sql, x.wide = g.f("wide", x.sql), true
	}
	x.sql, x.atom, x.konst = "abs("+x.sql+")", false, nil
	return x, true
}
