package kql

import (
	"math"
	"math/big"
	"strings"
)

// arith is a op b of two values that are not null. A dynamic stands for the
// number or the time that it holds, or that its text is.
func arith(op byte, a, b Value) Value {
	if a.Type() == Dynamic || b.Type() == Dynamic {
		both := a.Type() == Dynamic && b.Type() == Dynamic
		var ok bool
		if a, b, ok = arithOperandsOf(a, b); !ok {
			return Null(Unknown)
		}
		v := arith(op, a, b)
		if both {
			return DynamicOf(dynOf(v))
		}
		return v
	}
	switch l, r := a.Type(), b.Type(); {
	case l.Numeric() && r.Numeric():
		switch Widest(l, r) {
		case Decimal:
			return arithDecimal(op, a, b)
		case Real:
			return RealOf(arithReal(op, a.Float(), b.Float()))
		}
		return arithLong(op, a.Int(), b.Int())
	case l.Numeric() && op == '*':
		return scaleTicks(op, b, a)
	case r.Numeric():
		return scaleTicks(op, a, b)
	case (l == DateTime || l == TimeSpan) && (r == DateTime || r == TimeSpan):
		return arithTicks(op, a, b)
	}
	return Null(Unknown)
}

// arithOperandsOf takes the values out of dynamics. Beside a number or a time
// the other side becomes one of its kind.
func arithOperandsOf(a, b Value) (Value, Value, bool) {
	a, b = plainOf(a), plainOf(b)
	for i := 0; i < 2; i++ {
		if a.Type() == String {
			switch t := b.Type(); {
			case t == DateTime || t == TimeSpan:
				if x := toDateTime(a); !x.IsNull() {
					a = x
				} else {
					a = toTimeSpan(a)
				}
			case t.Numeric():
				a = numberFromText(a.Str())
			}
		}
		a, b = b, a
	}
	return a, b, !a.IsNull() && !b.IsNull()
}

// numberFromText is the long or the real that a text says; null of others.
func numberFromText(s string) Value {
	if n, ok := parseInteger(s); ok {
		return LongOf(n)
	}
	if f, ok := parseReal(s); ok {
		return RealOf(f)
	}
	return Null(Real)
}

// plainOf is the scalar that a dynamic holds; other values are themselves.
func plainOf(v Value) Value {
	if v.Type() != Dynamic {
		return v
	}
	switch d := v.Dynamic().(type) {
	case bool:
		return BoolOf(d)
	case int64:
		return LongOf(d)
	case float64:
		return RealOf(d)
	case string:
		return StringOf(d)
	}
	return Null(Dynamic)
}

// arithLong wraps; dividing by zero gives null.
func arithLong(op byte, a, b int64) Value {
	switch op {
	case '+':
		return LongOf(a + b)
	case '-':
		return LongOf(a - b)
	case '*':
		return LongOf(a * b)
	}
	if b == 0 {
		return Null(Long)
	}
	if op == '/' {
		return LongOf(a / b)
	}
	return LongOf(modLong(a, b))
}

// modLong is a remainder that is never negative; b is not 0.
func modLong(a, b int64) int64 {
	m := a % b
	if m < 0 {
		if b < 0 {
			return m - b
		}
		return m + b
	}
	return m
}

func arithReal(op byte, a, b float64) float64 {
	switch op {
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	case '/':
		return a / b
	}
	m := math.Mod(a, b)
	if m < 0 {
		m += math.Abs(b)
	}
	return m
}

func arithDecimal(op byte, a, b Value) Value {
	x, y := decimalRat(a), decimalRat(b)
	if x == nil || y == nil {
		return Null(Decimal)
	}
	r := new(big.Rat)
	switch op {
	case '+':
		r.Add(x, y)
	case '-':
		r.Sub(x, y)
	case '*':
		r.Mul(x, y)
	default:
		if y.Sign() == 0 {
			return Null(Decimal)
		}
		r.Quo(x, y)
		if op == '%' {
			r.Mul(y, new(big.Rat).SetInt(truncRat(r)))
			if r.Sub(x, r); r.Sign() < 0 {
				r.Add(r, new(big.Rat).Abs(y))
			}
		}
	}
	return decimalOfRat(r)
}

// timeOf keeps a datetime within its calendar.
func ticksToDateTime(ticks int64) Value {
	if ticks < 0 || ticks > MaxDateTimeTicks {
		return Null(DateTime)
	}
	return DateTimeOf(ticks)
}

// arithTicks is the arithmetic of datetimes and timespans.
func arithTicks(op byte, a, b Value) Value {
	x, y := a.Int(), b.Int()
	l, r := a.Type(), b.Type()
	switch op {
	case '+':
		if l == TimeSpan && r == TimeSpan {
			return TimeSpanOf(x + y)
		}
		if y > 0 && x > math.MaxInt64-y {
			return Null(DateTime)
		}
		return ticksToDateTime(x + y)
	case '-':
		if l == r {
			return TimeSpanOf(x - y)
		}
		if y < 0 && x > math.MaxInt64+y {
			return Null(DateTime)
		}
		return ticksToDateTime(x - y)
	case '*':
		return TimeSpanOf(x * y)
	case '/':
		return RealOf(float64(x) / float64(y))
	}
	if y == 0 {
		return Null(TimeSpan)
	}
	return TimeSpanOf(modLong(x, y))
}

// scaleTicks is a time multiplied with or divided by a number.
func scaleTicks(op byte, time, by Value) Value {
	null := Null(time.Type())
	var ticks int64
	switch by.Type() {
	case Int, Long:
		v := arithLong(op, time.Int(), by.Int())
		if v.IsNull() {
			return null
		}
		ticks = v.Int()
	default:
		f := arithReal(op, float64(time.Int()), numberOf(by))
		var ok bool
		if ticks, ok = truncReal(f); !ok {
			return null
		}
	}
	if time.Type() == DateTime {
		return ticksToDateTime(ticks)
	}
	return TimeSpanOf(ticks)
}

// truncReal cuts a real to an int64; false when it does not fit.
func truncReal(f float64) (int64, bool) {
	if !(f > -0x1p63-1 && f < 0x1p63) {
		return 0, false
	}
	return int64(f), true
}

// negate is -v.
func negate(v Value) Value {
	switch v.Type() {
	case Int, Long:
		return LongOf(-v.Int())
	case Real:
		return RealOf(-v.Real())
	case TimeSpan:
		return TimeSpanOf(-v.Int())
	case DateTime:
		return ticksToDateTime(-v.Int())
	case Decimal:
		s := v.Str()
		switch {
		case strings.HasPrefix(s, "-"):
			return DecimalOf(s[1:])
		case s == "0":
			return v
		}
		return DecimalOf("-" + s)
	case Dynamic:
		if p := plainOf(v); p.Type() != Dynamic {
			return DynamicOf(dynOf(negate(p)))
		}
	}
	return Null(v.Type())
}
