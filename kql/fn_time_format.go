package kql

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

func init() {
	checked := func(letters map[byte]int) func(consts []*Value) (func([]Value) Value, error) {
		return func(consts []*Value) (func([]Value) Value, error) {
			if consts[1] == nil {
				return nil, nil
			}
			return nil, checkFormat(consts[1].Str(), letters)
		}
	}
	// How often a letter may stand in a row.
	date := checked(map[byte]int{'d': 2, 'M': 2, 'y': 4, 'h': 2, 'H': 2, 'm': 2, 's': 2, 'f': 7, 'F': 7, 't': 2})
	span := checked(map[byte]int{'d': 8, 'h': 2, 'H': 2, 'm': 2, 's': 2, 'f': 7, 'F': 7})
	Register(
		Func{Name: "format_datetime", Naming: NameFirst, NullIn: true, Doc: "The datetime in a format of d, dd, M, MM, yy, yyyy, h, hh, H, HH, m, mm, s, ss, f..., F..., tt.",
			Sigs: []Sig{Of(String, P("date", onlyDateTime), P("format", onlyString))}, Prepare: date,
			Eval: func(args []Value) Value { return StringOf(formatDateTime(args[0].Int(), args[1].Str())) }},
		Func{Name: "format_timespan", Naming: NameFirst, NullIn: true, Doc: "The timespan in a format of d, dd..., h, hh, H, HH, m, mm, s, ss, f..., F....",
			Sigs: []Sig{Of(String, P("timespan", onlyTimeSpan), P("format", onlyString))}, Prepare: span,
			Eval: func(args []Value) Value { return StringOf(formatTimeSpan(args[0].Int(), args[1].Str())) }},
		Func{Name: "format_bytes", Naming: NameFirst, NullIn: true, Doc: "A number of bytes as text, in KB, MB and so on.",
			Sigs: []Sig{Of(String, P("size", AnyNumber), Opt("precision", AnyNumber), Opt("units", onlyString))}, Eval: formatBytes},
	)
}

// checkFormat tells what is wrong with a format: only its letters and these
// delimiters may be in it.
func checkFormat(format string, letters map[byte]int) (err error) {
	if format == "" {
		return errors.New("the format must not be empty")
	}
	eachRun(format, func(letter byte, n int) {
		most, ok := letters[letter]
		switch {
		case ok && n > most:
			err = fmt.Errorf("the format '%s' has %d times '%c' in a row, which has no meaning", format, n, letter)
		case !ok && !strings.ContainsRune(" /-:,._[]", rune(letter)):
			err = fmt.Errorf("the format '%s' holds '%c', which is neither a part of it nor a delimiter", format, letter)
		}
	})
	return err
}

// eachRun takes a format apart into runs of one letter and what is between.
func eachRun(format string, run func(letter byte, n int)) {
	for i := 0; i < len(format); {
		j := i + 1
		for j < len(format) && format[j] == format[i] {
			j++
		}
		run(format[i], j-i)
		i = j
	}
}

// appendFraction writes n digits of a second's fraction; with trim without the
// zeros at its end.
func appendFraction(b []byte, clock int64, n int, trim bool) []byte {
	n = min(n, 7)
	f := clock % TicksPerSecond
	for i := n; i < 7; i++ {
		f /= 10
	}
	text := string(appendPadded(nil, f, n))
	if trim {
		text = strings.TrimRight(text, "0")
	}
	return append(b, text...)
}

// appendClockPart writes a part of the time of day; false for a letter that is
// none of its.
func appendClockPart(b []byte, letter byte, n int, clock int64) ([]byte, bool) {
	width := min(n, 2)
	switch letter {
	case 'H':
		return appendPadded(b, clock/TicksPerHour, width), true
	case 'm':
		return appendPadded(b, clock/TicksPerMinute%60, width), true
	case 's':
		return appendPadded(b, clock/TicksPerSecond%60, width), true
	case 'f', 'F':
		return appendFraction(b, clock, n, letter == 'F'), true
	}
	return b, false
}

// formatDateTime writes a datetime in a format. Letters that mean nothing and
// marks between stand for themselves.
func formatDateTime(ticks int64, format string) string {
	year, month, day := dateOfTicks(ticks)
	clock := ticks % TicksPerDay
	hour := clock / TicksPerHour
	b := make([]byte, 0, len(format)+8)
	eachRun(format, func(letter byte, n int) {
		var ok bool
		if b, ok = appendClockPart(b, letter, n, clock); ok {
			return
		}
		switch letter {
		case 'd':
			b = appendPadded(b, int64(day), min(n, 2))
		case 'M':
			b = appendPadded(b, int64(month), min(n, 2))
		case 'y':
			if n <= 2 {
				b = appendPadded(b, int64(year%100), n)
			} else {
				b = appendPadded(b, int64(year), n)
			}
		case 'h':
			b = appendPadded(b, (hour+11)%12+1, min(n, 2))
		case 't':
			half := "AM"
			if hour >= 12 {
				half = "PM"
			}
			b = append(b, half[:min(n, 2)]...)
		default:
			for range n {
				b = append(b, letter)
			}
		}
	})
	return string(b)
}

// formatTimeSpan writes a timespan in a format. The sign stands before it all.
func formatTimeSpan(ticks int64, format string) string {
	b := make([]byte, 0, len(format)+8)
	u := uint64(ticks)
	if ticks < 0 {
		b = append(b, '-')
		u = -u
	}
	days, clock := int64(u/TicksPerDay), int64(u%TicksPerDay)
	eachRun(format, func(letter byte, n int) {
		if letter == 'h' {
			letter = 'H'
		}
		var ok bool
		if b, ok = appendClockPart(b, letter, n, clock); ok {
			return
		}
		if letter == 'd' {
			b = appendPadded(b, days, min(n, 8))
			return
		}
		for range n {
			b = append(b, letter)
		}
	})
	return string(b)
}

// byteUnits are the units of format_bytes, each 1024 times the one before.
var byteUnits = []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"}

func formatBytes(args []Value) Value {
	size := numberOf(args[0])
	precision := 0
	if len(args) > 1 {
		precision = int(max(0, min(15, toLong(args[1]).Int())))
	}
	unit := -1
	if len(args) > 2 && args[2].Str() != "" {
		for i, u := range byteUnits {
			if strings.EqualFold(u, args[2].Str()) {
				unit = i
			}
		}
		if unit < 0 {
			return StringOf("")
		}
	}
	if math.IsNaN(size) || math.IsInf(size, 0) {
		return StringOf("")
	}
	if unit < 0 {
		unit = 0
		for x := math.Abs(size); x >= 1024 && unit < len(byteUnits)-1; x /= 1024 {
			unit++
		}
	}
	n := roundReal(size/math.Pow(1024, float64(unit)), precision)
	return StringOf(strconv.FormatFloat(n, 'f', -1, 64) + " " + byteUnits[unit])
}
