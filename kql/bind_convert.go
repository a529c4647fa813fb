package kql

// converters are the functions that turn a value into another type, by the type.
var converters = [...]string{
	Bool: "tobool", Int: "toint", Long: "tolong", Real: "toreal", Decimal: "todecimal",
	String: "tostring", DateTime: "todatetime", TimeSpan: "totimespan", Guid: "toguid",
	Dynamic: wrapFunc,
}

// wrapFunc makes a dynamic of any value as it is: a string becomes a dynamic
// string, where todynamic would read it as JSON.
const wrapFunc = "__wrap_dynamic"

func init() {
	Register(Func{
		Name: wrapFunc, Hidden: true, NullIn: true,
		Sigs: []Sig{Of(Dynamic, P("value", AnyScalar))},
		Eval: func(args []Value) Value { return DynamicOf(dynOf(args[0])) },
		Doc:  "The value as a dynamic.",
	})
}

// convert is x as a value of type t, by the function that does it; x itself when
// it is one, or when its type or t is not known.
func (b *binder) convert(x Scalar, t Type) Scalar {
	from := x.Type()
	if from == t || t == Unknown || from == Unknown {
		return x
	}
	if c := constOf(x); c != nil {
		switch {
		case c.IsNull() && t != String:
			return constant(x.Pos(), Null(t))
		case t == Long && from == Int:
			return constant(x.Pos(), LongOf(c.Int()))
		case t == Real && (from == Int || from == Long):
			return constant(x.Pos(), RealOf(float64(c.Int())))
		}
	}
	return b.callFunc(x.Pos(), converters[t], t, x)
}

// widened is the narrowest type of the set that from grows to.
func widened(from Type, set TypeSet) (Type, bool) {
	for t := from + 1; from.Numeric() && t <= Decimal; t++ {
		if set&(1<<t) != 0 {
			return t, true
		}
	}
	return Unknown, false
}

// commonType is the type that values of all the given types have as results of
// one expression, such as the branches of iff: the widest number; a type beside
// dynamic. ok is false when there is none.
func commonType(types []Type, preferScalar bool) (Type, bool) {
	t := Unknown
	dynamic := false
	for _, a := range types {
		switch {
		case a == Unknown || a == t:
		case a == Dynamic:
			dynamic = true
		case t == Unknown:
			t = a
		case t.Numeric() && a.Numeric():
			t = Widest(t, a)
		default:
			return Unknown, false
		}
	}
	if dynamic && (t == Unknown || !preferScalar) {
		return Dynamic, true
	}
	return t, true
}
