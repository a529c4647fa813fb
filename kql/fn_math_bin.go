package kql

import (
	"math"
	"math/big"
)

func init() {
	sizes := []Sig{
		{Params: []Param{P("value", AnyNumber), P("roundTo", AnyNumber)}, Result: promotedWidest},
		Of(TimeSpan, P("value", onlyTimeSpan), P("roundTo", onlyTimeSpan)),
		Of(DateTime, P("value", onlyDateTime), P("roundTo", onlyTimeSpan|onlyDateTime)),
	}
	bin := func(args []Value) Value { return binOf(args[0], args[1], Value{}) }
	Register(
		Func{Name: "bin", Naming: NameFirst, NullIn: true, Sigs: sizes, Eval: bin, Doc: "The greatest multiple of a size that is not above the value."},
		Func{Name: "floor", Naming: NameFirst, NullIn: true, Sigs: sizes, Eval: bin, Doc: "The greatest multiple of a size that is not above the value."},
		Func{Name: "bin_at", Naming: NameFirst, NullIn: true, Doc: "The start of the bin that the value is in, where one bin starts at a fixed point.",
			Sigs: []Sig{
				{Params: []Param{P("value", AnyNumber), P("bin_size", AnyNumber), P("fixed_point", AnyNumber)}, Result: promotedWidest},
				Of(TimeSpan, P("value", onlyTimeSpan), P("bin_size", AnyNumber|onlyTimeSpan), P("fixed_point", onlyTimeSpan)),
				Of(DateTime, P("value", onlyDateTime), P("bin_size", Summable), P("fixed_point", onlyDateTime)),
			},
			Eval: func(args []Value) Value { return binOf(args[0], args[1], args[2]) }},
		Func{Name: "bin_auto", Naming: NameFirst, NullIn: true, Hidden: true, Doc: "The bin of the value, of the size that the query's options say.",
			Sigs: []Sig{{Params: []Param{P("value", Summable)}, Result: SameAs(0)}},
			Eval: func(args []Value) Value { return args[0] }},
	)
}

// promotedWidest is the widest type of the arguments; int grows to long.
func promotedWidest(args []Type) Type { return promotedType([]Type{WidestArg(args)}) }

// binOf is the start of the bin of the value. Without a fixed point bins start
// at zero, those of datetimes at 0001-01-01. A size that is not positive has no
// bins.
func binOf(v, size, at Value) Value {
	t := v.Type()
	switch {
	case t == DateTime || t == TimeSpan:
		s := size.Int()
		if size.Type().Numeric() {
			n := toLong(size)
			if n.IsNull() {
				return Null(t)
			}
			s = n.Int()
		}
		start, ok := floorTo(v.Int(), s, at.Int())
		switch {
		case !ok:
			return Null(t)
		case t == DateTime:
			return ticksToDateTime(start)
		}
		return TimeSpanOf(start)
	case t == Decimal || size.Type() == Decimal || at.Type() == Decimal:
		x, s, from := decimalRat(v), decimalRat(size), new(big.Rat)
		if at.Type() != Unknown {
			from = decimalRat(at)
		}
		if x == nil || s == nil || from == nil || s.Sign() <= 0 {
			return Null(Decimal)
		}
		n := new(big.Rat).SetInt(floorRat(new(big.Rat).Quo(new(big.Rat).Sub(x, from), s)))
		return decimalOfRat(n.Mul(n, s).Add(n, from))
	case t == Real || size.Type() == Real || at.Type() == Real:
		x, s := v.Float(), size.Float()
		if !(s > 0) {
			return Null(Real)
		}
		if at.Type() == Unknown {
			return RealOf(math.Floor(x/s) * s)
		}
		return RealOf(math.Floor((x-at.Float())/s)*s + at.Float())
	}
	start, ok := floorTo(v.Int(), size.Int(), at.Int())
	if !ok {
		return Null(Long)
	}
	return LongOf(start)
}

// floorTo is the greatest at + k*size that is not above v.
func floorTo(v, size, at int64) (int64, bool) {
	if size <= 0 {
		return 0, false
	}
	return v - modLong(v-at, size), true
}
