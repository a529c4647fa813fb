package kql

// Operators. Their names are their spellings. What types they take and what
// they convert to each other is told by the binder; the meaning on values is
// here, so values of different types may come together where Kusto compares
// them.

const (
	onlyString   = TypeSet(1 << String)
	onlyInt      = TypeSet(1 << Int)
	onlyLong     = TypeSet(1 << Long)
	onlyReal     = TypeSet(1 << Real)
	onlyDecimal  = TypeSet(1 << Decimal)
	onlyDateTime = TypeSet(1 << DateTime)
	onlyTimeSpan = TypeSet(1 << TimeSpan)
	onlyGuid     = TypeSet(1 << Guid)
	// numberOrTime is what arithmetic takes, besides a dynamic that holds it.
	numberOrTime = Summable | onlyDynamic
)

func init() {
	number := AnyNumber | onlyDynamic
	logic := onlyBool | onlyDynamic
	xy := func(result func([]Type) Type, left, right TypeSet) Sig {
		return Sig{Params: []Param{P("left", left), P("right", right)}, Result: result}
	}
	arithmetic := func(op string, doc string, eval func(a, b Value) Value) Func {
		result := func(args []Type) Type {
			if len(args) < 2 {
				return Unknown
			}
			return arithmeticType(op, args[0], args[1])
		}
		sigs := []Sig{xy(result, number, number)}
		switch op {
		case "+", "-":
			times := onlyDateTime | onlyTimeSpan | onlyDynamic
			sigs = append(sigs, xy(result, times, times))
		case "*":
			sigs = append(sigs, xy(result, onlyDateTime|onlyTimeSpan, AnyNumber), xy(result, AnyNumber, onlyDateTime|onlyTimeSpan),
				xy(result, onlyTimeSpan, onlyTimeSpan))
		default:
			sigs = append(sigs, xy(result, onlyDateTime|onlyTimeSpan, AnyNumber|onlyTimeSpan), xy(result, onlyDateTime, onlyDateTime))
		}
		return Func{Name: op, Sigs: sigs, NullIn: true, Eval: func(args []Value) Value {
			if len(args) == 1 {
				return negate(args[0])
			}
			return eval(args[0], args[1])
		}, Doc: doc}
	}
	minus := arithmetic("-", "Difference; of one operand its negative.", func(a, b Value) Value { return arith('-', a, b) })
	minus.Sigs = append(minus.Sigs, Sig{Params: []Param{P("value", numberOrTime)}, Result: promotedType})
	compare := func(op, doc string, holds func(c int) bool) Func {
		return Func{Name: op, Doc: doc, NullIn: true, Sigs: []Sig{xy(Always(Bool), AnyScalar, AnyScalar)}, Eval: func(args []Value) Value {
			return orderHolds(args[0], args[1], holds)
		}}
	}
	three := []Sig{Of(Bool, P("value", AnyScalar), P("low", AnyScalar), P("high", AnyScalar))}
	Register(
		arithmetic("+", "Sum.", func(a, b Value) Value { return arith('+', a, b) }),
		minus,
		arithmetic("*", "Product.", func(a, b Value) Value { return arith('*', a, b) }),
		arithmetic("/", "Quotient; of integers cut to an integer.", func(a, b Value) Value { return arith('/', a, b) }),
		arithmetic("%", "Remainder, which is never negative.", func(a, b Value) Value { return arith('%', a, b) }),
		Func{Name: "==", Doc: "Equal.", Sigs: []Sig{xy(Always(Bool), AnyScalar, AnyScalar)}, Eval: func(args []Value) Value {
			return equality(args[0], args[1], false)
		}},
		Func{Name: "!=", Doc: "Not equal; true when one side is null.", Sigs: []Sig{xy(Always(Bool), AnyScalar, AnyScalar)}, Eval: func(args []Value) Value {
			return equality(args[0], args[1], true)
		}},
		compare("<", "Less.", func(c int) bool { return c < 0 }),
		compare("<=", "Less or equal.", func(c int) bool { return c <= 0 }),
		compare(">", "Greater.", func(c int) bool { return c > 0 }),
		compare(">=", "Greater or equal.", func(c int) bool { return c >= 0 }),
		Func{Name: "between", Doc: "Within a range, its ends included.", Sigs: three, NullIn: true, Eval: func(args []Value) Value {
			return within(args, false)
		}},
		Func{Name: "!between", Doc: "Outside of a range.", Sigs: three, NullIn: true, Eval: func(args []Value) Value {
			return within(args, true)
		}},
		Func{Name: "and", Doc: "True when both are.", Sigs: []Sig{xy(Always(Bool), logic, logic)}, Eval: func(args []Value) Value {
			return junction(args, false)
		}},
		Func{Name: "or", Doc: "True when one is.", Sigs: []Sig{xy(Always(Bool), logic, logic)}, Eval: func(args []Value) Value {
			return junction(args, true)
		}},
		Func{Name: "not", Doc: "The opposite of a bool.", Sigs: []Sig{Of(Bool, P("expression", onlyBool))}, NullIn: true, Eval: func(args []Value) Value {
			return BoolOf(!args[0].Bool())
		}},
		Func{Name: "[]", Doc: "An element of an array, by its number, or of a bag, by its key; null when there is none.",
			Sigs: []Sig{Of(Dynamic, P("dynamic", onlyDynamic), P("index", onlyString|AnyInteger|onlyDynamic))},
			Eval: func(args []Value) Value { return DynamicOf(dynElement(args[0].Dynamic(), args[1])) }},
	)
}

// arithmeticType is the type of an operation on operands of two types; Unknown
// where Kusto has none.
func arithmeticType(op string, l, r Type) Type {
	switch {
	case l == Unknown || r == Unknown:
		return Unknown
	case l.Numeric() && r.Numeric():
		return promotedType([]Type{Widest(l, r)})
	case l == Dynamic && r == Dynamic:
		return Dynamic
	case l == Dynamic && r.Numeric():
		return promotedType([]Type{r})
	case r == Dynamic && l.Numeric():
		return promotedType([]Type{l})
	}
	if l == Dynamic {
		l = r
	} else if r == Dynamic {
		r = l
	}
	switch op {
	case "+":
		if l == TimeSpan && r == TimeSpan {
			return TimeSpan
		}
		return DateTime
	case "-":
		if l == r {
			return TimeSpan
		}
		return DateTime
	case "*":
		if l.Numeric() {
			return r
		}
		return l
	case "/":
		if r.Numeric() {
			return l
		}
		return Real
	}
	if r.Numeric() {
		return l
	}
	return TimeSpan
}

// junction is and, or with any: Kusto's three-valued logic.
func junction(args []Value, any bool) Value {
	null := false
	for _, a := range args {
		b, ok := truth(a)
		switch {
		case !ok:
			null = true
		case b == any:
			return BoolOf(any)
		}
	}
	if null {
		return Null(Bool)
	}
	return BoolOf(!any)
}

// truth is the bool that a value stands for; ok is false for null.
func truth(v Value) (b, ok bool) {
	if v.Type() == Dynamic {
		v = toBool(v)
	}
	return v.Bool(), !v.IsNull()
}

// within is X between (Lo .. Hi).
func within(args []Value, not bool) Value {
	lo := orderHolds(args[0], args[1], func(c int) bool { return c >= 0 })
	hi := orderHolds(args[0], args[2], func(c int) bool { return c <= 0 })
	in := junction([]Value{lo, hi}, false)
	if not && !in.IsNull() {
		return BoolOf(!in.Bool())
	}
	return in
}

// dynElement is d[index]. An index below zero counts from the end. An array
// takes the digits of a text as a number, a bag takes no number.
func dynElement(d Dyn, index Value) Dyn {
	var key Dyn = index.Str()
	switch index.Type() {
	case Int, Long:
		key = index.Int()
	case Dynamic:
		key = index.Dynamic()
	}
	if index.IsNull() {
		return nil
	}
	switch d := d.(type) {
	case []Dyn:
		var i int64
		switch k := key.(type) {
		case int64:
			i = k
		case string:
			n, ok := parseInteger(k)
			if !ok {
				return nil
			}
			i = n
		default:
			return nil
		}
		if i < 0 {
			i += int64(len(d))
		}
		if i >= 0 && i < int64(len(d)) {
			return d[i]
		}
	case *Bag:
		if k, ok := key.(string); ok {
			return d.Values[k]
		}
	}
	return nil
}
