package kql

import (
	"math"
	"math/big"
	"math/bits"
)

// Mathematical functions. What they compute is real; rounding and the absolute
// value keep the type of their argument.

func init() {
	number := func(name string) Param { return P(name, AnyNumber) }
	real := func(name, doc string, f func(float64) float64) Func {
		return Func{Name: name, Naming: NameFirst, NullIn: true, Doc: doc, Sigs: []Sig{Of(Real, number("number"))}, Eval: func(args []Value) Value {
			return RealOf(f(numberOf(args[0])))
		}}
	}
	// unnamed functions do not keep the name of their argument.
	unnamed := func(f Func) Func {
		f.Naming = NameDefault
		return f
	}
	logarithm := func(name, doc string, f func(float64) float64) Func {
		fn := real(name, doc, f)
		fn.Eval = func(args []Value) Value {
			x := numberOf(args[0])
			if x < 0 {
				return Null(Real)
			}
			return RealOf(f(x))
		}
		return fn
	}
	two := func(name, x, y, doc string, f func(x, y float64) float64) Func {
		return Func{Name: name, Naming: NameFirst, NullIn: true, Doc: doc, Sigs: []Sig{Of(Real, number(x), number(y))}, Eval: func(args []Value) Value {
			return RealOf(f(numberOf(args[0]), numberOf(args[1])))
		}}
	}
	test := func(name, doc string, f func(float64) bool) Func {
		return Func{Name: name, NullIn: true, Doc: doc, Sigs: []Sig{Of(Bool, P("number", onlyReal))}, Eval: func(args []Value) Value {
			return BoolOf(f(args[0].Real()))
		}}
	}
	Register(
		real("sqrt", "The square root.", math.Sqrt),
		real("exp", "e to the power of the number.", math.Exp),
		real("exp2", "2 to the power of the number.", math.Exp2),
		real("exp10", "10 to the power of the number.", func(x float64) float64 { return math.Pow(10, x) }),
		logarithm("log", "The natural logarithm; null below zero.", math.Log),
		logarithm("log2", "The logarithm to the base 2; null below zero.", math.Log2),
		logarithm("log10", "The logarithm to the base 10; null below zero.", math.Log10),
		real("sin", "The sine.", math.Sin),
		real("cos", "The cosine.", math.Cos),
		real("tan", "The tangent.", math.Tan),
		real("asin", "The angle whose sine the number is.", math.Asin),
		real("acos", "The angle whose cosine the number is.", math.Acos),
		real("atan", "The angle whose tangent the number is.", math.Atan),
		unnamed(real("cot", "The cotangent.", func(x float64) float64 { return 1 / math.Tan(x) })),
		unnamed(real("degrees", "An angle of radians in degrees.", func(x float64) float64 { return 180 / math.Pi * x })),
		unnamed(real("radians", "An angle of degrees in radians.", func(x float64) float64 { return math.Pi / 180 * x })),
		unnamed(real("sign", "-1, 0 or 1 as the number is negative, zero or positive.", signOf)),
		two("pow", "base", "exponent", "The base to the power of the exponent.", math.Pow),
		two("atan2", "y", "x", "The angle of the point.", math.Atan2),
		test("isnan", "Whether the real is no number.", math.IsNaN),
		test("isinf", "Whether the real is infinite.", func(f float64) bool { return math.IsInf(f, 0) }),
		test("isfinite", "Whether the real is a number and not infinite.", func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }),
		Func{Name: "pi", Doc: "The number pi.", Sigs: []Sig{Of(Real)}, Eval: func([]Value) Value { return RealOf(math.Pi) }},
		Func{Name: "abs", Naming: NameFirst, NullIn: true, Doc: "The absolute value.",
			Sigs: []Sig{Of(Long, P("number", AnyInteger)), {Params: []Param{number("number")}, Result: SameAs(0)}, Of(TimeSpan, P("number", onlyTimeSpan))}, Eval: absOf},
		Func{Name: "round", Naming: NameFirst, NullIn: true, Doc: "The nearest number with so many digits after the point; halves go away from zero.",
			Sigs: []Sig{{Params: []Param{number("number"), {Name: "precision", Types: AnyInteger, Optional: true, Const: true}}, Result: SameAs(0)}}, Eval: roundOf},
		Func{Name: "ceiling", Naming: NameFirst, NullIn: true, Doc: "The least whole number that is not less.",
			Sigs: []Sig{{Params: []Param{number("number")}, Result: SameAs(0)}}, Eval: ceilingOf},
	)
	registerBits()
}

func registerBits() {
	one := func(name, doc string, f func(int64) int64) Func {
		return Func{Name: name, Naming: NameFirst, NullIn: true, Doc: doc, Sigs: []Sig{Of(Long, P("value", AnyInteger))}, Eval: func(args []Value) Value {
			return LongOf(f(args[0].Int()))
		}}
	}
	two := func(name, second, doc string, f func(a, b int64) Value) Func {
		first := "value"
		if second == "value2" {
			first = "value1"
		}
		return Func{Name: name, Naming: NameFirst, NullIn: true, Doc: doc, Sigs: []Sig{Of(Long, P(first, AnyInteger), P(second, AnyInteger))}, Eval: func(args []Value) Value {
			return f(args[0].Int(), args[1].Int())
		}}
	}
	// A shift by 64 and more starts again from 0; one below 0 is null.
	shift := func(f func(a int64, n uint) int64) func(a, b int64) Value {
		return func(a, b int64) Value {
			if b < 0 {
				return Null(Long)
			}
			return LongOf(f(a, uint(b)%64))
		}
	}
	Register(
		two("binary_and", "value2", "The bits that both have.", func(a, b int64) Value { return LongOf(a & b) }),
		two("binary_or", "value2", "The bits that one of both has.", func(a, b int64) Value { return LongOf(a | b) }),
		two("binary_xor", "value2", "The bits that just one of both has.", func(a, b int64) Value { return LongOf(a ^ b) }),
		one("binary_not", "The opposite of every bit.", func(a int64) int64 { return ^a }),
		two("binary_shift_left", "shift", "The bits moved to the left.", shift(func(a int64, n uint) int64 { return a << n })),
		two("binary_shift_right", "shift", "The bits moved to the right.", shift(func(a int64, n uint) int64 { return a >> n })),
		one("bitset_count_ones", "The number of bits that are set.", func(a int64) int64 { return int64(bits.OnesCount64(uint64(a))) }),
	)
}

// signOf is the sign; 0 of what is no number.
func signOf(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func absOf(args []Value) Value {
	switch v := args[0]; v.Type() {
	case Int, Long:
		if v.Int() < 0 {
			return LongOf(-v.Int())
		}
		return LongOf(v.Int())
	case TimeSpan:
		if v.Int() < 0 {
			return negate(v)
		}
		return v
	case Real:
		return RealOf(math.Abs(v.Real()))
	default:
		if r := decimalRat(v); r != nil {
			return decimalOfRat(r.Abs(r))
		}
		return Null(Decimal)
	}
}

func ceilingOf(args []Value) Value {
	switch v := args[0]; v.Type() {
	case Real:
		return RealOf(math.Ceil(v.Real()))
	case Decimal:
		if r := decimalRat(v); r != nil {
			n := floorRat(r.Neg(r))
			return decimalOfRat(new(big.Rat).SetInt(n.Neg(n)))
		}
		return Null(Decimal)
	default:
		return v
	}
}

// roundOf is round(number, precision); a precision below zero rounds to tens,
// hundreds and so on.
func roundOf(args []Value) Value {
	digits := int64(0)
	if len(args) > 1 {
		digits = max(-40, min(40, args[1].Int()))
	}
	v := args[0]
	switch v.Type() {
	case Real:
		return RealOf(roundReal(v.Real(), int(digits)))
	case Decimal:
		r := decimalRat(v)
		if r == nil {
			return Null(Decimal)
		}
		return decimalOfRat(roundDigits(r, int(digits)))
	}
	if digits >= 0 {
		return v
	}
	r := roundDigits(new(big.Rat).SetInt64(v.Int()), int(digits))
	n := r.Num().Int64()
	if v.Type() == Int {
		return IntOf(n)
	}
	return LongOf(n)
}

// roundReal rounds halves away from zero, as the digits of the number are
// written: 2.675 to two digits is 2.68, though its double is a little less.
func roundReal(f float64, digits int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return f
	}
	if digits == 0 {
		return math.Round(f)
	}
	if digits < 0 {
		p := math.Pow10(-digits)
		return math.Round(f/p) * p
	}
	p := math.Pow10(digits)
	scaled := f * p
	if math.IsInf(scaled, 0) || math.Abs(scaled) >= 1<<52 {
		return f
	}
	return math.Round(scaled) / p
}

// roundDigits rounds to digits after the point, halves away from zero.
func roundDigits(r *big.Rat, digits int) *big.Rat {
	p := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(digits, -digits))), nil))
	if digits < 0 {
		p.Inv(p)
	}
	x := new(big.Rat).Mul(r, p)
	half := big.NewRat(1, 2)
	if x.Sign() < 0 {
		half.Neg(half)
	}
	n := truncRat(x.Add(x, half))
	return x.SetInt(n).Quo(x, p)
}
