package kql

import "math"

func registerUnixTimes() {
	unix := func(name string, ticks float64) Func {
		return Func{Name: name, NullIn: true, Doc: "The datetime of a number since 1970-01-01.", Sigs: []Sig{Of(DateTime, P("number", AnyNumber))},
			Eval: func(args []Value) Value { return fromUnix(args[0], ticks) }}
	}
	Register(
		unix("unixtime_seconds_todatetime", TicksPerSecond),
		unix("unixtime_milliseconds_todatetime", TicksPerMillisecond),
		unix("unixtime_microseconds_todatetime", TicksPerMicrosecond),
		unix("unixtime_nanoseconds_todatetime", 0.01),
	)
}

// fromUnix is the datetime of a number of units of so many ticks since 1970.
func fromUnix(v Value, ticks float64) Value {
	if v.Type() == Real || v.Type() == Decimal {
		n, ok := truncReal(math.Round(numberOf(v) * ticks))
		if !ok || n > MaxDateTimeTicks || n < -UnixEpochTicks {
			return Null(DateTime)
		}
		return ticksToDateTime(n + UnixEpochTicks)
	}
	n := v.Int()
	if ticks < 1 {
		return ticksToDateTime(n/int64(1/ticks) + UnixEpochTicks)
	}
	if n > MaxDateTimeTicks/int64(ticks) || n < -MaxDateTimeTicks/int64(ticks) {
		return Null(DateTime)
	}
	return ticksToDateTime(n*int64(ticks) + UnixEpochTicks)
}

func registerMakeTimes() {
	number := func(name string) Param { return P(name, AnyNumber) }
	Register(
		Func{Name: "make_datetime", Naming: NameOnlyArg, NullIn: true, Doc: "The datetime of its parts; null when there is no such date.",
			Sigs: []Sig{
				Of(DateTime, number("year"), number("month"), number("day"), Opt("hour", AnyNumber), Opt("minute", AnyNumber), Opt("second", AnyNumber)),
				Of(DateTime, P("value", AnyScalar)),
			}, Eval: makeDateTime},
		Func{Name: "make_timespan", Naming: NameOnlyArg, NullIn: true, Doc: "The timespan of days, hours, minutes and seconds; of two numbers they are hours and minutes.",
			Sigs: []Sig{
				Of(TimeSpan, number("hours"), number("minutes"), Opt("seconds", AnyNumber)),
				Of(TimeSpan, number("days"), number("hours"), number("minutes"), number("seconds")),
				Of(TimeSpan, P("value", AnyScalar)),
			}, Eval: makeTimeSpan},
	)
}

// wholePart cuts a number to an int within bounds.
func wholePart(v Value, least, most int64) (int64, bool) {
	n := toLong(v)
	return n.Int(), !n.IsNull() && n.Int() >= least && n.Int() <= most
}

// secondTicks is a number of seconds below 60, which may have a fraction.
func secondTicks(v Value) (int64, bool) {
	s := numberOf(v)
	if !(s >= 0 && s < 60) {
		return 0, false
	}
	return int64(math.Round(s * TicksPerSecond)), true
}

func makeDateTime(args []Value) Value {
	if len(args) == 1 {
		return toDateTime(args[0])
	}
	year, ok1 := wholePart(args[0], 1, 9999)
	month, ok2 := wholePart(args[1], 1, 12)
	if !ok1 || !ok2 {
		return Null(DateTime)
	}
	day, ok := wholePart(args[2], 1, int64(daysIn(int(year), int(month))))
	if !ok {
		return Null(DateTime)
	}
	clock, ok := clockTicks(args[3:])
	if !ok {
		return Null(DateTime)
	}
	return ticksToDateTime(dayOfDate(int(year), int(month), int(day))*TicksPerDay + clock)
}

// clockTicks is the time of an hour, a minute and a second, where given.
func clockTicks(parts []Value) (int64, bool) {
	var ticks int64
	for i, p := range parts {
		var n int64
		ok := false
		switch i {
		case 0:
			n, ok = wholePart(p, 0, 23)
			n *= TicksPerHour
		case 1:
			n, ok = wholePart(p, 0, 59)
			n *= TicksPerMinute
		case 2:
			n, ok = secondTicks(p)
		}
		if !ok {
			return 0, false
		}
		ticks += n
	}
	return ticks, true
}

func makeTimeSpan(args []Value) Value {
	if len(args) == 1 {
		return toTimeSpan(args[0])
	}
	days := int64(0)
	if len(args) == 4 {
		var ok bool
		if days, ok = wholePart(args[0], 0, math.MaxInt64/TicksPerDay-1); !ok {
			return Null(TimeSpan)
		}
		args = args[1:]
	}
	clock, ok := clockTicks(args)
	if !ok {
		return Null(TimeSpan)
	}
	return TimeSpanOf(days*TicksPerDay + clock)
}
