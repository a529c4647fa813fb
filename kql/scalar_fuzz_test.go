package kql

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// FuzzTimeTexts holds that what is read as a datetime or a timespan is within
// its bounds and prints as a text that reads as the same.
func FuzzTimeTexts(f *testing.F) {
	for _, s := range []string{"2020-01-01T13:45:00.1234567Z", "2020-01-01 13:45", "Sat, 08 Nov 2014 15:05:02 GMT", "12/31/9999 11:59 PM", "1.02:03:04.5", "-13:00", "2.5h",
		"15 seconds", "10675199.02:48:05.4775807", "20141108", "2014-11-08T15:55:55+14:00", "9999-12-31T23:59:59.99999999Z", "0001-01-01T00:00+01:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseDateTime(s); ok {
			if n < 0 || n > MaxDateTimeTicks {
				t.Fatalf("%q is %d ticks, which no datetime has", s, n)
			}
			if again, ok := parseDateTime(dateTimeText(n)); !ok || again != n {
				t.Fatalf("%q is %d, which prints as %s and reads as %d", s, n, dateTimeText(n), again)
			}
		}
		if n, ok := parseTimeSpan(s); ok && n != math.MinInt64 {
			if again, ok := parseTimeSpan(timeSpanText(n)); !ok || again != n {
				t.Fatalf("%q is %d, which prints as %s and reads as %d", s, n, timeSpanText(n), again)
			}
		}
	})
}

// FuzzDecimal holds that a decimal is canonical: it reads as itself, and has at
// most 34 digits.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.10", "1e-6144", "12345678901234567890123456789012345678.5", "9.9999999999999999999999999999999995", ".5", "1e6144"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := parseDecimal(s)
		if !ok {
			return
		}
		text := v.Str()
		again, ok := parseDecimal(text)
		if !ok || again.Str() != text {
			t.Fatalf("%q is %s, which reads as %s", s, text, again.Str())
		}
		digits := strings.Trim(strings.Replace(strings.TrimPrefix(text, "-"), ".", "", 1), "0")
		if len(digits) > decimalDigits {
			t.Fatalf("%q is %s, which has %d digits", s, text, len(digits))
		}
		if len(text) > 100 {
			return
		}
		for _, op := range "+-*/%" {
			arith(byte(op), v, DecimalOf("3"))
		}
	})
}

// TestFunctionsTakeAnything calls every function with values of the types that
// it takes: none may panic.
func TestFunctionsTakeAnything(t *testing.T) {
	pool := map[Type][]Value{
		Bool:     {Null(Bool), BoolOf(true), BoolOf(false)},
		Int:      {Null(Int), IntOf(0), IntOf(-1), IntOf(7), IntOf(math.MaxInt32)},
		Long:     {Null(Long), LongOf(0), LongOf(-1), LongOf(3), LongOf(math.MaxInt64), LongOf(math.MinInt64)},
		Real:     {Null(Real), RealOf(0), RealOf(-1.5), RealOf(2), RealOf(math.NaN()), RealOf(math.Inf(1)), RealOf(math.Inf(-1)), RealOf(1e300)},
		Decimal:  {Null(Decimal), DecimalOf("0"), DecimalOf("-1.5"), DecimalOf("12345678901234567890")},
		String:   {StringOf(""), StringOf("a"), StringOf("day"), StringOf("2020-01-01"), StringOf("-1"), StringOf("$.a"), StringOf("\xff"), StringOf("[0]"), StringOf("1.1.1.1")},
		DateTime: {Null(DateTime), DateTimeOf(0), DateTimeOf(MaxDateTimeTicks), DateTimeOf(UnixEpochTicks + 12345)},
		TimeSpan: {Null(TimeSpan), TimeSpanOf(0), TimeSpanOf(-1), TimeSpanOf(TicksPerDay), TimeSpanOf(math.MinInt64), TimeSpanOf(math.MaxInt64)},
		Guid:     {Null(Guid), GuidOf("74be27de-1e4e-49d9-b579-fe0b331d3642")},
	}
	bag := NewBag()
	bag.Set("a", int64(1))
	bag.Set("b", []Dyn{nil, "x"})
	pool[Dynamic] = []Value{Null(Dynamic), DynamicOf([]Dyn{}), DynamicOf([]Dyn{int64(1), nil, "2", 3.5, true, bag}), DynamicOf(bag), DynamicOf("text"), DynamicOf(int64(5)), DynamicOf(true),
		DynamicOf([]Dyn{int64(math.MaxInt64), int64(math.MinInt64)}), DynamicText(`{"a":[1]}`)}

	rnd := rand.New(rand.NewPCG(1, 2))
	registry.RLock()
	defer registry.RUnlock()
	for name, f := range registry.funcs {
		if f.Eval == nil || name == "repeat" || name == "range" || strings.HasPrefix(name, "series_") || strings.HasPrefix(name, "geo_") {
			continue // those that make much of a great number, and those with tests of their own
		}
		for _, s := range f.Sigs {
			for range 300 {
				n := len(s.Params)
				least, _ := s.span()
				n = least + rnd.IntN(n-least+1)
				if s.Repeat > 0 {
					n = len(s.Params) + s.Repeat*rnd.IntN(3)
				}
				args := make([]Value, n)
				null := false
				for i := range args {
					p := s.Params[min(i, len(s.Params)-1)]
					if s.Repeat > 0 && i >= len(s.Params) {
						p = s.Params[len(s.Params)-s.Repeat+(i-len(s.Params))%s.Repeat]
					}
					var of []Type
					for ty := Bool; ty <= Dynamic; ty++ {
						if p.Types.Has(ty) {
							of = append(of, ty)
						}
					}
					values := pool[of[rnd.IntN(len(of))]]
					args[i] = values[rnd.IntN(len(values))]
					null = null || args[i].IsNull() && args[i].Type() != Dynamic
				}
				if null && f.NullIn {
					continue
				}
				func() {
					defer func() {
						if r := recover(); r != nil {
							t.Errorf("%s(%v) panics: %v", name, args, r)
						}
					}()
					f.Eval(args)
				}()
			}
		}
	}
}

// span is the least and the greatest number of arguments without repeating.
func (s *Sig) span() (least, most int) {
	for i, p := range s.Params {
		if !p.Optional {
			least = i + 1
		}
	}
	return least, len(s.Params)
}
