package kql

import (
	"errors"
	"strings"
)

func init() {
	date := P("date", onlyDateTime)
	offset := Opt("offset", AnyInteger)
	whole := func(name, doc string, hidden bool, f func(ticks int64) int) Func {
		return Func{Name: name, Hidden: hidden, NullIn: true, Doc: doc, Sigs: []Sig{Of(Int, date)}, Eval: func(args []Value) Value {
			return IntOf(int64(f(args[0].Int())))
		}}
	}
	year := func(ticks int64) int { y, _, _ := dateOfTicks(ticks); return y }
	month := func(ticks int64) int { _, m, _ := dateOfTicks(ticks); return m }
	// start and end round to a calendar unit, offset units away.
	start := func(name, doc, unit string) Func {
		return Func{Name: name, NullIn: true, Doc: doc, Sigs: []Sig{Of(DateTime, date, offset)}, Eval: func(args []Value) Value {
			return startOf(unit, args, 0)
		}}
	}
	end := func(name, doc, unit string) Func {
		return Func{Name: name, NullIn: true, Doc: doc, Sigs: []Sig{Of(DateTime, date, offset)}, Eval: func(args []Value) Value {
			v := startOf(unit, args, 1)
			if v.IsNull() {
				return v
			}
			return DateTimeOf(v.Int() - 1)
		}}
	}
	named := func(f Func) Func {
		f.Naming = NameFirst
		return f
	}
	Register(
		named(start("startofday", "The start of the day.", "day")),
		start("startofweek", "The start of the week, on Sunday.", "week"),
		start("startofmonth", "The start of the month.", "month"),
		start("startofyear", "The start of the year.", "year"),
		end("endofday", "The last tick of the day.", "day"),
		end("endofweek", "The last tick of the week, on Saturday.", "week"),
		end("endofmonth", "The last tick of the month.", "month"),
		end("endofyear", "The last tick of the year.", "year"),
		whole("getyear", "The year.", false, year),
		whole("getmonth", "The month, 1 to 12.", false, month),
		whole("monthofyear", "The month, 1 to 12.", false, month),
		whole("dayofmonth", "The day of the month, from 1.", false, func(ticks int64) int { _, _, d := dateOfTicks(ticks); return d }),
		whole("dayofyear", "The day of the year, from 1.", false, dayOfYear),
		whole("hourofday", "The hour, 0 to 23.", false, func(ticks int64) int { return int(ticks / TicksPerHour % 24) }),
		whole("week_of_year", "The ISO 8601 week of the year.", false, isoWeek),
		whole("weekofyear", "The ISO 8601 week of the year.", true, isoWeek),
		Func{Name: "dayofweek", NullIn: true, Doc: "The time since Sunday, in whole days.", Sigs: []Sig{Of(TimeSpan, date)}, Eval: func(args []Value) Value {
			// The calendar starts on a Monday; its last day has no day after it.
			next := args[0].Int() + TicksPerDay
			if next > MaxDateTimeTicks {
				return Null(TimeSpan)
			}
			return TimeSpanOf(next / TicksPerDay % 7 * TicksPerDay)
		}},
		datePartFunc("datetime_part", false),
		datePartFunc("datepart", true),
		Func{Name: "datetime_add", NullIn: true, Doc: "The datetime with so many units added.", Prepare: knownPart(0, addUnits),
			Sigs: []Sig{Of(DateTime, P("part", onlyString), P("value", AnyInteger), P("datetime", onlyDateTime))}, Eval: func(args []Value) Value {
				return addUnit(strings.ToLower(args[0].Str()), args[1].Int(), args[2].Int())
			}},
		Func{Name: "datetime_diff", NullIn: true, Doc: "The number of unit boundaries between two datetimes.", Prepare: knownPart(0, addUnits),
			Sigs: []Sig{Of(Long, P("part", onlyString), P("datetime1", onlyDateTime), P("datetime2", onlyDateTime))}, Eval: func(args []Value) Value {
				unit := strings.ToLower(args[0].Str())
				a, ok := unitNumber(unit, args[1].Int())
				if !ok {
					return Null(Long)
				}
				b, _ := unitNumber(unit, args[2].Int())
				return LongOf(a - b)
			}},
	)
	registerUnixTimes()
	registerMakeTimes()
}

func datePartFunc(name string, hidden bool) Func {
	return Func{Name: name, Hidden: hidden, NullIn: true, Doc: "A part of the datetime as a number.", Prepare: knownPart(0, partUnits),
		Sigs: []Sig{Of(Int, P("part", onlyString), P("date", onlyDateTime))}, Eval: func(args []Value) Value {
			return datePart(strings.ToLower(args[0].Str()), args[1].Int())
		}}
}

// Names of parts of a datetime; case does not matter.
var (
	addUnits  = []string{"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond"}
	partUnits = []string{"year", "quarter", "month", "week_of_year", "day", "dayofyear", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond"}
)

// knownPart refuses a constant that is none of the names.
func knownPart(at int, names []string) func([]*Value) (func([]Value) Value, error) {
	return func(consts []*Value) (func([]Value) Value, error) {
		if consts[at] == nil {
			return nil, nil
		}
		for _, n := range names {
			if strings.EqualFold(n, consts[at].Str()) {
				return nil, nil
			}
		}
		return nil, errors.New("The expression must be one of the values: " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1])
	}
}

// dayOfYear counts from 1.
func dayOfYear(ticks int64) int {
	y, _, _ := dateOfTicks(ticks)
	return int(ticks/TicksPerDay-dayOfDate(y, 1, 1)) + 1
}

// isoWeek is the week of ISO 8601: weeks start on Monday, the first has the
// year's first Thursday.
func isoWeek(ticks int64) int {
	day := ticks / TicksPerDay
	thursday := day - day%7 + 3 // day 0 is a Monday
	y, _, _ := dateOfDay(thursday)
	return int(thursday-dayOfDate(y, 1, 1))/7 + 1
}

// startOf is the start of the unit that the datetime is in, and of the one as
// many units away as the second argument and plus say; null outside of the
// calendar.
func startOf(unit string, args []Value, plus int64) Value {
	n := plus
	if len(args) > 1 {
		n += args[1].Int()
	}
	const far = 10_000 * 366
	if n > far || n < -far {
		return Null(DateTime)
	}
	day := args[0].Int() / TicksPerDay
	year, month, _ := dateOfDay(day)
	switch unit {
	case "day":
		day += n
	case "week":
		day = day - (day+1)%7 + 7*n
	case "month":
		day = dayOfDate(year, month+int(n), 1)
	case "year":
		day = dayOfDate(year+int(n), 1, 1)
	}
	ticks := day * TicksPerDay
	// The end of the calendar's last unit is the tick before a date that is not.
	if ticks < 0 || ticks > MaxDateTimeTicks+plus {
		return Null(DateTime)
	}
	return DateTimeOf(ticks)
}

// unitTicks is the length of a unit that is the same everywhere in the calendar.
func unitTicks(unit string) int64 {
	switch unit {
	case "week":
		return 7 * TicksPerDay
	case "day":
		return TicksPerDay
	case "hour":
		return TicksPerHour
	case "minute":
		return TicksPerMinute
	case "second":
		return TicksPerSecond
	case "millisecond":
		return TicksPerMillisecond
	case "microsecond":
		return TicksPerMicrosecond
	}
	return 0
}

// addUnit is a datetime with n units added. A day that the month has not becomes
// the month's last.
func addUnit(unit string, n, ticks int64) Value {
	months := int64(0)
	switch unit {
	case "year":
		months = 12
	case "quarter":
		months = 3
	case "month":
		months = 1
	case "nanosecond":
		return ticksToDateTime(ticks + n/100)
	default:
		size := unitTicks(unit)
		if size == 0 || n > MaxDateTimeTicks/size || n < -MaxDateTimeTicks/size {
			return Null(DateTime)
		}
		return ticksToDateTime(ticks + n*size)
	}
	if n > 120_000 || n < -120_000 {
		return Null(DateTime)
	}
	year, month, day := dateOfTicks(ticks)
	m := int64(year)*12 + int64(month-1) + n*months
	if m < 12 || m >= 10_000*12 {
		return Null(DateTime)
	}
	y, mo := int(m/12), int(m%12)+1
	day = min(day, daysIn(y, mo))
	return ticksToDateTime(dayOfDate(y, mo, day)*TicksPerDay + ticks%TicksPerDay)
}

// unitNumber numbers the units of the calendar, so that the difference of two
// numbers is the number of boundaries between.
func unitNumber(unit string, ticks int64) (int64, bool) {
	year, month, _ := dateOfTicks(ticks)
	switch unit {
	case "year":
		return int64(year), true
	case "quarter":
		return int64(year)*4 + int64(month-1)/3, true
	case "month":
		return int64(year)*12 + int64(month), true
	case "week": // from Sunday on
		return (ticks/TicksPerDay + 1) / 7, true
	case "nanosecond":
		return ticks * 100, true
	}
	size := unitTicks(unit)
	if size == 0 {
		return 0, false
	}
	return ticks / size, true
}

func datePart(part string, ticks int64) Value {
	year, month, day := dateOfTicks(ticks)
	n := int64(0)
	switch part {
	case "year":
		n = int64(year)
	case "quarter":
		n = int64(month-1)/3 + 1
	case "month":
		n = int64(month)
	case "week_of_year", "weekofyear":
		n = int64(isoWeek(ticks))
	case "day":
		n = int64(day)
	case "dayofyear":
		n = int64(dayOfYear(ticks))
	case "hour":
		n = ticks / TicksPerHour % 24
	case "minute":
		n = ticks / TicksPerMinute % 60
	case "second":
		n = ticks / TicksPerSecond % 60
	case "millisecond":
		n = ticks % TicksPerSecond / TicksPerMillisecond
	case "microsecond":
		n = ticks % TicksPerSecond / TicksPerMicrosecond
	case "nanosecond":
		n = ticks % TicksPerSecond * 100
	default:
		return Null(Int)
	}
	return IntOf(n)
}
