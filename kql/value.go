package kql

import (
	"math"
	"time"
)

// Value is one scalar. The zero Value is the null of an unknown type. Values of
// type String are never null. Values are immutable; the slices and maps inside
// a dynamic one must not be changed.
type Value struct {
	t    Type
	null bool
	n    int64  // Bool, Int, Long, DateTime and TimeSpan ticks, bits of Real
	s    string // String, Guid (canonical, lower case), Decimal (canonical text)
	d    Dyn
}

// Dyn is what a dynamic holds: nil, bool, int64, float64, string, []Dyn, *Bag.
type Dyn any

// Bag is a property bag. Keys keep the order in which they were first set.
type Bag struct {
	Keys   []string
	Values map[string]Dyn
}

// NewBag is an empty bag.
func NewBag() *Bag { return &Bag{Values: make(map[string]Dyn)} }

// Set sets a key; a key that is there keeps its place.
func (b *Bag) Set(key string, v Dyn) {
	if _, ok := b.Values[key]; !ok {
		b.Keys = append(b.Keys, key)
	}
	b.Values[key] = v
}

// Get is the value under key; nil when there is none.
func (b *Bag) Get(key string) (Dyn, bool) {
	v, ok := b.Values[key]
	return v, ok
}

// Null is the null of a type; for String the empty string, which has no null.
func Null(t Type) Value { return Value{t: t, null: t != String} }

// BoolOf and the functions below make values. IntOf wraps to 32 bits.
func BoolOf(b bool) Value {
	if b {
		return Value{t: Bool, n: 1}
	}
	return Value{t: Bool}
}

func IntOf(n int64) Value      { return Value{t: Int, n: int64(int32(n))} }
func LongOf(n int64) Value     { return Value{t: Long, n: n} }
func RealOf(f float64) Value   { return Value{t: Real, n: int64(math.Float64bits(f))} }
func StringOf(s string) Value  { return Value{t: String, s: s} }
func GuidOf(s string) Value    { return Value{t: Guid, s: s} }    // s is canonical
func DecimalOf(s string) Value { return Value{t: Decimal, s: s} } // s is canonical

// DateTimeOf takes ticks since 0001-01-01, TimeSpanOf ticks.
func DateTimeOf(ticks int64) Value { return Value{t: DateTime, n: ticks} }
func TimeSpanOf(ticks int64) Value { return Value{t: TimeSpan, n: ticks} }

// DynamicOf wraps d; nil gives the null.
func DynamicOf(d Dyn) Value { return Value{t: Dynamic, null: d == nil, d: d} }

// DynamicText is a dynamic that is there as JSON text and is taken apart when
// somebody asks for it: most of what a query gives is only printed. The text
// must be valid and not be null.
func DynamicText(json string) Value { return Value{t: Dynamic, s: json} }

// JSONText is the text of a value that DynamicText made; false for others.
func (v Value) JSONText() (string, bool) {
	return v.s, v.t == Dynamic && v.d == nil && !v.null && v.s != ""
}

// Ticks of Kusto's and .NET's clock.
const (
	TicksPerMicrosecond = 10
	TicksPerMillisecond = 10_000
	TicksPerSecond      = 10_000_000
	TicksPerMinute      = 60 * TicksPerSecond
	TicksPerHour        = 60 * TicksPerMinute
	TicksPerDay         = 24 * TicksPerHour
	UnixEpochTicks      = 621_355_968_000_000_000 // 1970-01-01
	MaxDateTimeTicks    = 3_155_378_975_999_999_999
)

// TimeOf is the value of a Go time, cut to ticks.
func TimeOf(t time.Time) Value {
	return DateTimeOf(t.Unix()*TicksPerSecond + int64(t.Nanosecond())/100 + UnixEpochTicks)
}

// Time is the Go time of a datetime.
func (v Value) Time() time.Time {
	t := v.n - UnixEpochTicks
	sec, rest := t/TicksPerSecond, t%TicksPerSecond
	return time.Unix(sec, rest*100).UTC()
}

func (v Value) Type() Type    { return v.t }
func (v Value) IsNull() bool  { return v.null || v.t == Unknown }
func (v Value) Bool() bool    { return !v.null && v.n != 0 }
func (v Value) Int() int64    { return v.n } // of Int, Long, Bool, DateTime, TimeSpan
func (v Value) Real() float64 { return math.Float64frombits(uint64(v.n)) }
func (v Value) Str() string   { return v.s } // of String, Guid, Decimal
func (v Value) Dynamic() Dyn {
	if text, ok := v.JSONText(); ok {
		if d, ok := ParseJSON(text); ok {
			return d
		}
		return text
	}
	return v.d
}
func (v Value) Float() float64 { // of any number but Decimal
	if v.t == Real {
		return v.Real()
	}
	return float64(v.n)
}

// dynOf is a value inside a dynamic. JSON has no datetimes, timespans, GUIDs and
// decimals: they are there as their text.
func dynOf(v Value) Dyn {
	if v.IsNull() {
		return nil
	}
	switch v.Type() {
	case Bool:
		return v.Bool()
	case Int, Long:
		return v.Int()
	case Real:
		return v.Real()
	case Dynamic:
		return v.Dynamic()
	case String:
		return v.Str()
	}
	return TextOf(v)
}
