package kql

import (
	"math"
	"strconv"
	"strings"
)

// longFromText reads the digits of a long literal, decimal or 0x, without a
// sign. What does not fit is not ok, but 2^63, which is there for a minus
// before it, wraps to the least long.
func longFromText(s string) (int64, bool) {
	base := 10
	if len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x' {
		s, base = s[2:], 16
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil || base == 10 && n > 1<<63 {
		return 0, false
	}
	return int64(n), true
}

// realFromText reads a real as literals have it. Overflow is infinite.
func realFromText(s string) (float64, bool) {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}

// spanFromText reads a number with a unit: 1d, 2.5 hours. Ticks are rounded.
func spanFromText(s string) (int64, bool) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	whole, fraction, _ := strings.Cut(s[:i], ".")
	unit := timeUnit(strings.TrimLeft(s[i:], " \t"))
	if unit == 0 || whole == "" {
		return 0, false
	}
	if unit < 0 { // nanoseconds
		n, err := strconv.ParseFloat(s[:i], 64)
		ticks := math.Trunc(n / 100)
		if neg {
			ticks = -ticks
		}
		return int64(ticks), err == nil && math.Abs(ticks) < 1<<63
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, false
	}
	ticks := n * unit
	if fraction != "" {
		f, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return 0, false
		}
		ticks += int64(math.Round(f * float64(unit)))
	}
	if neg {
		ticks = -ticks
	}
	return ticks, ticks>>63 == 0 || neg
}

// clockFromText reads [-][d.]hh:mm[:ss[.fffffff]], and d:hh:mm:ss.
func clockFromText(s string) (int64, bool) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 4 {
		return 0, false
	}
	var days, hours, minutes, seconds, fraction int64
	ok := true
	number := func(s string, most int64) int64 {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || int64(n) > most || len(s) > 8 {
			ok = false
		}
		return int64(n)
	}
	if len(parts) == 4 {
		days = number(parts[0], 10_675_199)
		parts = parts[1:]
	} else if d, h, cut := strings.Cut(parts[0], "."); cut {
		days = number(d, 10_675_199)
		parts[0] = h
	}
	hours = number(parts[0], 23)
	minutes = number(parts[1], 59)
	if len(parts) == 3 {
		sec, frac, cut := strings.Cut(parts[2], ".")
		seconds = number(sec, 59)
		if cut {
			fraction, ok = fractionTicks(frac, ok)
		}
	}
	ticks := days*TicksPerDay + hours*TicksPerHour + minutes*TicksPerMinute + seconds*TicksPerSecond + fraction
	if neg {
		ticks = -ticks
	}
	return ticks, ok && ticks>>63 == 0 || ok && neg
}

// fractionTicks reads the digits of a second's fraction, up to seven of them.
func fractionTicks(s string, ok bool) (int64, bool) {
	if s == "" || len(s) > 7 {
		return 0, false
	}
	var n int64
	for i := range 7 {
		n *= 10
		if i < len(s) {
			if !isDigit(s[i]) {
				return 0, false
			}
			n += int64(s[i] - '0')
		}
	}
	return n, ok
}

// decimalText is the canonical text of a decimal: no needless zeros, no
// exponent, at most 34 significant digits.
func decimalText(s string) (string, bool) {
	sign := ""
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = "-", s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > 64 || n < -64 {
			return "", false
		}
		exp, s = n, s[:i]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	if digits == "" || len(digits) > 128 {
		return "", false
	}
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return "", false
		}
	}
	point := len(whole) + exp
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole = strings.TrimLeft(digits[:point], "0")
	fraction = strings.TrimRight(digits[point:], "0")
	if len(whole)+len(fraction) > 34 && len(strings.TrimLeft(fraction, "0")) > 34-len(whole) || len(whole) > 34 {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		return sign + whole + "." + fraction, true
	}
	if whole == "0" {
		sign = ""
	}
	return sign + whole, true
}

// typedValue is the value of a literal such as int(text). What stands between
// the parentheses may be a quoted string.
func typedValue(t Type, text string) (Value, bool) {
	text = strings.TrimFunc(text, isSpace)
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		text = strings.TrimFunc(text[1:len(text)-1], isSpace)
	}
	if text == "null" {
		return Null(t), true
	}
	switch t {
	case Bool:
		switch strings.ToLower(text) {
		case "true", "1":
			return BoolOf(true), true
		case "false", "0":
			return BoolOf(false), true
		}
	case Int, Long:
		digits := strings.TrimLeft(text, "+-")
		neg := strings.HasPrefix(text, "-")
		if len(text)-len(digits) > 1 {
			return Value{}, false
		}
		n, ok := longFromText(strings.TrimFunc(digits, isSpace))
		if !ok || n == math.MinInt64 && !neg && digits[0] != '0' {
			return Value{}, false
		}
		if neg {
			n = -n
		}
		if t == Int {
			hex := len(digits) > 1 && digits[1]|0x20 == 'x' && n == int64(uint32(n))
			return IntOf(n), n == int64(int32(n)) || hex
		}
		return LongOf(n), true
	case Real:
		switch strings.ToLower(text) {
		case "nan":
			return RealOf(math.NaN()), true
		case "inf", "+inf":
			return RealOf(math.Inf(1)), true
		case "-inf":
			return RealOf(math.Inf(-1)), true
		}
		f, ok := realFromText(text)
		return RealOf(f), ok
	case Decimal:
		s, ok := decimalText(text)
		return DecimalOf(s), ok
	case DateTime:
		ticks, ok := dateTimeFromText(text)
		return DateTimeOf(ticks), ok
	case TimeSpan:
		ticks, ok := timeSpanLiteral(text)
		return TimeSpanOf(ticks), ok
	case Guid:
		s := strings.ToLower(strings.Trim(text, "{}"))
		if len(s) == 32 && allHex(s) {
			s = s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
		}
		return GuidOf(s), isGuid(s)
	}
	return Value{}, false
}

// timeSpanLiteral reads what timespan(...) may hold: 1.02:03:04.5, 15 seconds,
// 2d, and 2, which is days.
func timeSpanLiteral(s string) (int64, bool) {
	if ticks, ok := spanFromText(s); ok {
		return ticks, true
	}
	if ticks, ok := clockFromText(s); ok {
		return ticks, true
	}
	return spanFromText(s + "d")
}
