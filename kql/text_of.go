package kql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// TextOf is the text that tostring() gives: of null the empty string, of a
// dynamic string the string itself, of other dynamics their JSON.
func TextOf(v Value) string {
	if v.IsNull() {
		return ""
	}
	switch v.t {
	case Bool:
		if v.n != 0 {
			return "True"
		}
		return "False"
	case Int, Long:
		return strconv.FormatInt(v.n, 10)
	case Real:
		return realText(v.Real())
	case DateTime:
		return dateTimeText(v.n)
	case TimeSpan:
		return timeSpanText(v.n)
	case Dynamic:
		d := v.Dynamic()
		if s, ok := d.(string); ok {
			return s
		}
		return JSONOf(d)
	}
	return v.s
}

// realText is the shortest text that reads back as f, with a fraction also for
// whole numbers; from 1e15 on and below 1e-5 with an exponent, as .NET writes it.
func realText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if size := math.Abs(f); size != 0 && (size >= 1e15 || size < 1e-5) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
		return mantissa + "E" + exponent
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// dateTimeText is ISO 8601 with seven digits of a second, in UTC.
func dateTimeText(ticks int64) string {
	t := DateTimeOf(ticks).Time()
	rest := ticks % TicksPerSecond
	if rest < 0 {
		rest += TicksPerSecond
	}
	return fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), rest)
}

// timeSpanText is [-][d.]hh:mm:ss[.fffffff].
func timeSpanText(ticks int64) string {
	var b strings.Builder
	n := uint64(ticks)
	if ticks < 0 {
		b.WriteByte('-')
		n = -n
	}
	if days := n / TicksPerDay; days > 0 {
		fmt.Fprintf(&b, "%d.", days)
	}
	fmt.Fprintf(&b, "%02d:%02d:%02d", n/TicksPerHour%24, n/TicksPerMinute%60, n/TicksPerSecond%60)
	if rest := n % TicksPerSecond; rest > 0 {
		fmt.Fprintf(&b, ".%07d", rest)
	}
	return b.String()
}

// ValueFromText reads the text of a value as SQL holds it: the ticks of a
// datetime or timespan as digits, true or false, the JSON of a dynamic. Text
// that is none gives null.
func ValueFromText(t Type, text string) Value {
	switch t {
	case String:
		return StringOf(text)
	case Guid:
		return GuidOf(text)
	case Decimal:
		return DecimalOf(text)
	case Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return BoolOf(b)
		}
	case Int, Long, DateTime, TimeSpan:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			v := Value{t: t, n: n}
			if t == Int {
				v.n = int64(int32(n))
			}
			return v
		}
	case Real:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return RealOf(f)
		}
	case Dynamic:
		if d, ok := ParseJSON(text); ok {
			return DynamicOf(d)
		}
	}
	return Null(t)
}
