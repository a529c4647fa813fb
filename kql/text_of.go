package kql

import (
	"math"
	"strconv"
	"strings"
)

// TextOf is the text that tostring() gives. A null is "".
func TextOf(v Value) string {
	if v.IsNull() {
		return ""
	}
	switch v.Type() {
	case Bool:
		if v.Bool() {
			return "True"
		}
		return "False"
	case Int, Long:
		return strconv.FormatInt(v.Int(), 10)
	case Real:
		return engineRealText(v.Real())
	case DateTime:
		return dateTimeText(v.Int())
	case TimeSpan:
		return timeSpanText(v.Int())
	case Dynamic:
		if text, ok := v.JSONText(); ok && (text[0] == '{' || text[0] == '[') {
			if d, ok := ParseJSON(text); ok {
				return JSONOf(d)
			}
			return text
		}
		return dynText(v.Dynamic())
	}
	return v.Str()
}

// dynText is the text of what a dynamic holds: a string as it is, everything
// else as JSON.
func dynText(d Dyn) string {
	switch d := d.(type) {
	case nil:
		return ""
	case string:
		return d
	case float64:
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return realText(d) // a text in JSON
		}
	}
	return JSONOf(d)
}

// realText is the shortest text that reads as f, with at least one digit after
// the point, and an exponent where there would be too many zeros.
func realText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(appendReal(nil, f))
}

// engineRealText is the text that Kusto's engine gives a real. Where 17 digits are
// needed, several texts read as the same real, and it takes the greatest of them
// instead of the nearest: tostring(0.1 + 0.2) is 0.30000000000000007.
func engineRealText(f float64) string {
	text := realText(f)
	last, digits := -1, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == 'E':
			return text
		case c >= '1' && c <= '9', c == '0' && digits > 0:
			last, digits = i, digits+1
		}
	}
	if digits != 17 {
		return text
	}
	b := []byte(text)
	for b[last] < '9' {
		b[last]++
		if g, err := strconv.ParseFloat(string(b), 64); err != nil || g != f {
			b[last]--
			break
		}
	}
	return string(b)
}

// appendReal writes a finite real as realText does.
func appendReal(b []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e15) {
		var buf [32]byte
		e := strconv.AppendFloat(buf[:0], f, 'E', -1, 64)
		return append(b, e...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	for _, c := range b[start:] {
		if c == '.' {
			return b
		}
	}
	return append(b, '.', '0')
}

// dateTimeText is ISO 8601 with all seven digits of the second's fraction.
func dateTimeText(ticks int64) string {
	if ticks < 0 || ticks > MaxDateTimeTicks {
		return ""
	}
	year, month, day := dateOfTicks(ticks)
	clock := ticks % TicksPerDay
	b := make([]byte, 0, 28)
	b = appendPadded(b, int64(year), 4)
	b = appendPadded(append(b, '-'), int64(month), 2)
	b = appendPadded(append(b, '-'), int64(day), 2)
	b = appendClock(append(b, 'T'), clock)
	b = appendPadded(append(b, '.'), clock%TicksPerSecond, 7)
	return string(append(b, 'Z'))
}

// timeSpanText is [-][d.]hh:mm:ss[.fffffff].
func timeSpanText(ticks int64) string {
	b := make([]byte, 0, 26)
	u := uint64(ticks)
	if ticks < 0 {
		b = append(b, '-')
		u = -u
	}
	if days := u / TicksPerDay; days > 0 {
		b = append(strconv.AppendUint(b, days, 10), '.')
	}
	clock := int64(u % TicksPerDay)
	b = appendClock(b, clock)
	if f := clock % TicksPerSecond; f != 0 {
		b = appendPadded(append(b, '.'), f, 7)
	}
	return string(b)
}

// appendClock writes hh:mm:ss of ticks within a day.
func appendClock(b []byte, clock int64) []byte {
	b = appendPadded(b, clock/TicksPerHour, 2)
	b = appendPadded(append(b, ':'), clock/TicksPerMinute%60, 2)
	return appendPadded(append(b, ':'), clock/TicksPerSecond%60, 2)
}

// appendPadded writes n, which is not negative, with at least width digits.
func appendPadded(b []byte, n int64, width int) []byte {
	for limit := int64(math.Pow10(width - 1)); width > 1 && n < limit; width-- {
		b = append(b, '0')
		limit /= 10
	}
	return strconv.AppendInt(b, n, 10)
}

// ValueFromText reads the text of a value as SQL holds it in a list: ticks as
// digits, true and false, JSON for a dynamic. What cannot be read is null.
func ValueFromText(t Type, s string) Value {
	switch t {
	case Bool:
		switch s {
		case "true", "True", "1":
			return BoolOf(true)
		case "false", "False", "0":
			return BoolOf(false)
		}
	case Int, Long, DateTime, TimeSpan:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			switch t {
			case Int:
				return IntOf(n)
			case DateTime:
				return DateTimeOf(n)
			case TimeSpan:
				return TimeSpanOf(n)
			}
			return LongOf(n)
		}
	case Real:
		switch strings.ToLower(s) {
		case "infinity", "inf", "+inf":
			return RealOf(math.Inf(1))
		case "-infinity", "-inf":
			return RealOf(math.Inf(-1))
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil || math.IsInf(f, 0) {
			return RealOf(f)
		}
	case Decimal:
		if s != "" {
			return DecimalOf(s)
		}
	case String:
		return StringOf(s)
	case Guid:
		if s != "" {
			return GuidOf(s)
		}
	case Dynamic:
		if d, ok := ParseJSON(s); ok {
			return DynamicOf(d)
		}
	}
	return Null(t)
}
