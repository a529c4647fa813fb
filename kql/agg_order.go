package kql

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// appendKey appends bytes that are equal for two values of one type if and only
// if the values are. Values of different types may collide.
func appendKey(b []byte, v Value) []byte {
	if v.IsNull() {
		return append(b, 0)
	}
	switch v.Type() {
	case String, Guid, Decimal:
		return append(append(b, 1), v.Str()...)
	case Real:
		return appendBits(append(b, 1), v.Real())
	case Dynamic:
		return appendDynKey(append(b, 1), v.Dynamic())
	}
	return binary.BigEndian.AppendUint64(append(b, 1), uint64(v.Int()))
}

// appendRowKey is appendKey of several values; lengths keep them apart.
func appendRowKey(b []byte, values []Value) []byte {
	for _, v := range values {
		at := len(b)
		b = append(b, 0, 0, 0, 0)
		b = appendKey(b, v)
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	}
	return b
}

// appendDynKey appends a form of a dynamic that tells two of them apart.
func appendDynKey(b []byte, d Dyn) []byte {
	switch x := d.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		if x {
			return append(b, 't')
		}
		return append(b, 'f')
	case int64:
		return append(strconv.AppendInt(append(b, 'i'), x, 10), ';')
	case float64:
		return appendBits(append(b, 'd'), x)
	case string:
		return append(append(strconv.AppendInt(append(b, 's'), int64(len(x)), 10), ':'), x...)
	case []Dyn:
		b = append(b, '[')
		for _, e := range x {
			b = appendDynKey(b, e)
		}
		return append(b, ']')
	case *Bag:
		b = append(b, '{')
		for _, k := range x.Keys {
			b = appendDynKey(appendDynKey(b, k), x.Values[k])
		}
		return append(b, '}')
	}
	return b
}

func appendBits(b []byte, f float64) []byte {
	switch {
	case f == 0:
		f = 0 // no negative zero
	case f != f:
		f = math.NaN()
	}
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

// orderOf compares two values of one type as sort does: null is the least, false
// before true, text by code unit, NaN before every other number.
func orderOf(a, b Value) int {
	if a.IsNull() || b.IsNull() {
		return oneIf(!a.IsNull()) - oneIf(!b.IsNull())
	}
	switch {
	case a.Type() == Real || b.Type() == Real:
		return orderFloat(numberOf(a), numberOf(b))
	case a.Type() == Decimal || b.Type() == Decimal:
		x, y := ratOf(a), ratOf(b)
		if x == nil || y == nil {
			return oneIf(x != nil) - oneIf(y != nil)
		}
		return x.Cmp(y)
	case a.Type() == String || a.Type() == Guid:
		return strings.Compare(a.Str(), b.Str())
	case a.Type() == Dynamic:
		return strings.Compare(string(appendDynKey(nil, a.Dynamic())), string(appendDynKey(nil, b.Dynamic())))
	}
	switch x, y := a.Int(), b.Int(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func orderFloat(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return oneIf(x == x) - oneIf(y == y)
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// numberOf is the float64 of anything that can be summed; NaN of null.
func numberOf(v Value) float64 {
	if v.IsNull() {
		return math.NaN()
	}
	if v.Type() == Decimal {
		f, err := strconv.ParseFloat(v.Str(), 64)
		if err != nil {
			return math.NaN()
		}
		return f
	}
	return v.Float()
}

// ratOf is the exact value of a decimal or an integer; nil of anything else.
func ratOf(v Value) *big.Rat {
	switch v.Type() {
	case Decimal:
		// An exponent of thousands would make a number of megabytes.
		if i := strings.IndexAny(v.Str(), "eE"); i >= 0 {
			if e, err := strconv.Atoi(v.Str()[i+1:]); err != nil || e > 7000 || e < -7000 {
				return nil
			}
		}
		if r, ok := new(big.Rat).SetString(v.Str()); ok {
			return r
		}
	case Int, Long, Bool, DateTime, TimeSpan:
		return new(big.Rat).SetInt64(v.Int())
	}
	return nil
}
