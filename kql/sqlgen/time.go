package sqlgen

import (
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

func init() {
	on(ruleStartOf, "startofday", "startofweek", "startofmonth", "startofyear", "endofday", "endofweek")
	on(rulePart, "getyear", "getmonth", "monthofyear", "dayofmonth", "dayofyear", "hourofday", "week_of_year", "weekofyear")
	on(ruleDayOfWeek, "dayofweek")
	on(ruleDatetimePart, "datetime_part", "datepart")
	on(ruleDatetimeDiff, "datetime_diff")
}

// instant is a datetime as a TIMESTAMP, for the engine's calendar: what is below
// a microsecond is cut, which no part of a date sees.
func (g *gen) instant(x expr) string {
	if x.rep == Micros {
		return x.sql
	}
	return g.f("micros.of.ticks", x.sql)
}

// ruleStartOf: the units of a calendar without an offset.
func ruleStartOf(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.DateTime {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	e := expr{t: kql.DateTime, rep: Micros, null: x.null, bits: datetimeBits}
	name := c.Func.Name
	switch name {
	case "startofday", "endofday":
		if x.rep != Micros {
			e = expr{t: kql.DateTime, null: x.null, bits: datetimeBits}
			e.sql = "(" + x.sql + " - " + g.f("rem", x.sql, g.param(int64(kql.TicksPerDay), kql.Long)) + ")"
			break
		}
		e.sql = g.f("date.day", x.sql)
	case "startofweek", "endofweek":
		// Weeks begin on Sunday, the engine's on Monday. 0001-01-01 is a Monday,
		// so its week has no start.
		e.sql, e.null = g.f("date.week", g.instant(x)), true
	case "startofmonth":
		e.sql = g.f("date.month", g.instant(x))
	case "startofyear":
		e.sql = g.f("date.year", g.instant(x))
	}
	if strings.HasPrefix(name, "end") {
		length := int64(kql.TicksPerDay)
		if name == "endofweek" {
			// Outside of the calendar at both ends: left to Go.
			return expr{}, false
		}
		e = g.natural(e)
		e.sql = "(" + e.sql + " + " + g.param(length-1, kql.Long) + ")"
	}
	return e, true
}

var partTemplates = map[string]string{
	"getyear": "date.part.year", "getmonth": "date.part.month", "monthofyear": "date.part.month", "dayofmonth": "date.part.day",
	"dayofyear": "date.part.dayofyear", "hourofday": "date.part.hour", "week_of_year": "date.part.week", "weekofyear": "date.part.week",
}

func (g *gen) part(template string, x expr, t kql.Type) expr {
	return expr{sql: g.f("cast", g.f(template, g.instant(x)), g.d.types[t]), t: t, null: x.null, bits: 16}
}

func rulePart(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.DateTime {
		return expr{}, false
	}
	return g.part(partTemplates[c.Func.Name], g.value(s, c.Args[0]), c.T), true
}

// ruleDayOfWeek is the span of time since Sunday.
func ruleDayOfWeek(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 1 || c.Args[0].Type() != kql.DateTime {
		return expr{}, false
	}
	x := g.value(s, c.Args[0])
	if x.rep != Micros {
		return expr{}, false // the last day of the calendar has none
	}
	return expr{sql: "(" + g.f("date.part.dayofweek", x.sql) + " * " + g.param(int64(kql.TicksPerDay), kql.Long) + ")", t: kql.TimeSpan, null: true, bits: 43}, true
}

func ruleDatetimePart(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 2 || c.Args[1].Type() != kql.DateTime {
		return expr{}, false
	}
	k := constOf(c.Args[0])
	if k == nil || k.Type() != kql.String {
		return expr{}, false
	}
	switch unit := strings.ToLower(k.Str()); unit {
	case "year", "month", "day", "dayofyear", "hour", "minute", "second", "quarter":
		return g.part("date.part."+unit, g.value(s, c.Args[1]), c.T), true
	}
	return expr{}, false
}

// unitTicks are the units of datetime_diff that are as long everywhere.
var unitTicks = map[string]int64{
	"day": kql.TicksPerDay, "hour": kql.TicksPerHour, "minute": kql.TicksPerMinute, "second": kql.TicksPerSecond,
	"millisecond": kql.TicksPerMillisecond, "microsecond": kql.TicksPerMicrosecond,
}

// ruleDatetimeDiff counts the boundaries of a unit between two datetimes.
func ruleDatetimeDiff(g *gen, s scope, c *kql.Call, m mode) (expr, bool) {
	if len(c.Args) != 3 || c.Args[1].Type() != kql.DateTime || c.Args[2].Type() != kql.DateTime {
		return expr{}, false
	}
	k := constOf(c.Args[0])
	if k == nil || k.Type() != kql.String {
		return expr{}, false
	}
	a, b := g.value(s, c.Args[1]), g.value(s, c.Args[2])
	null := a.null || b.null
	unit := strings.ToLower(k.Str())
	if ticks, ok := unitTicks[unit]; ok {
		n := g.param(ticks, kql.Long)
		a, b = g.natural(a), g.natural(b)
		return expr{sql: "(" + g.f("quotient", a.sql, n) + " - " + g.f("quotient", b.sql, n) + ")", t: kql.Long, null: null, bits: datetimeBits}, true
	}
	months := int64(0)
	switch unit {
	case "year":
	case "month":
		months = 12
	default:
		return expr{}, false
	}
	year := g.part("date.part.year", a, kql.Long).sql + " - " + g.part("date.part.year", b, kql.Long).sql
	if months == 0 {
		return expr{sql: "(" + year + ")", t: kql.Long, null: null, bits: 16}, true
	}
	month := g.part("date.part.month", a, kql.Long).sql + " - " + g.part("date.part.month", b, kql.Long).sql
	return expr{sql: "((" + year + ") * 12 + " + month + ")", t: kql.Long, null: null, bits: 20}, true
}
