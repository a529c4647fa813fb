package kql

import "strings"

// equality is == or, with not, !=. One null differs from everything that is not
// null; of two nulls nobody can tell.
func equality(a, b Value, not bool) Value {
	switch an, bn := a.IsNull(), b.IsNull(); {
	case an && bn:
		return Null(Bool)
	case an || bn:
		return BoolOf(not)
	}
	return BoolOf(equalValues(a, b) != not)
}

// equalValues tells whether two values that are not null are equal. Values of
// different types are when one can be taken as the other's type: a number and a
// bool, a text and what it says.
func equalValues(a, b Value) bool {
	if a.Type() == Dynamic && b.Type() == Dynamic {
		return equalDyn(a.Dynamic(), b.Dynamic())
	}
	a, b = plainOf(a), plainOf(b)
	if a.IsNull() || b.IsNull() {
		return false // an array or a bag beside a scalar
	}
	c, ok := compareValues(a, b)
	return ok && c == 0
}

// orderHolds is a comparison of order; null where the two have none.
func orderHolds(a, b Value, holds func(c int) bool) Value {
	a, b = plainOf(a), plainOf(b)
	if a.IsNull() || b.IsNull() {
		return Null(Bool)
	}
	c, ok := compareValues(a, b)
	if !ok {
		if a.Type() == Real || b.Type() == Real {
			return BoolOf(false) // NaN
		}
		return Null(Bool)
	}
	return BoolOf(holds(c))
}

// compareValues compares two scalars that are not null; ok is false when they
// have no order: NaN, and types that cannot be brought together.
func compareValues(a, b Value) (c int, ok bool) {
	l, r := a.Type(), b.Type()
	if l != r {
		switch {
		case (l.Numeric() || l == Bool) && (r.Numeric() || r == Bool):
		case l == String:
			a = fromText(r, a.Str())
			l = r
		case r == String:
			b = fromText(l, b.Str())
			r = l
		default:
			return 0, false
		}
		if a.IsNull() || b.IsNull() {
			return 0, false
		}
	}
	switch {
	case l == String, l == Guid:
		return strings.Compare(a.Str(), b.Str()), true
	case l == Decimal || r == Decimal:
		x, y := decimalRat(a), decimalRat(b)
		if x == nil || y == nil {
			return 0, false
		}
		return x.Cmp(y), true
	case l == Real || r == Real:
		switch x, y := a.Float(), b.Float(); {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		case x == y:
			return 0, true
		}
		return 0, false
	}
	switch x, y := a.Int(), b.Int(); {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// equalDyn compares two dynamics: numbers by value, arrays in order, bags
// without regard to the order of keys.
func equalDyn(a, b Dyn) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case []Dyn:
		y, ok := b.([]Dyn)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalDyn(x[i], y[i]) {
				return false
			}
		}
		return true
	case *Bag:
		y, ok := b.(*Bag)
		if !ok || len(x.Keys) != len(y.Keys) {
			return false
		}
		for k, v := range x.Values {
			w, ok := y.Values[k]
			if !ok || !equalDyn(v, w) {
				return false
			}
		}
		return true
	case int64:
		if f, ok := b.(float64); ok {
			return float64(x) == f
		}
	case float64:
		if n, ok := b.(int64); ok {
			return x == float64(n)
		}
	}
	switch b.(type) {
	case []Dyn, *Bag:
		return false // not comparable with ==
	}
	return a == b
}
