package kql

func init() {
	placeholder := Opt("missing_value_placeholder", AnyScalar)
	fill := func(name string, eval func([]Value) Value, doc string, params ...Param) Func {
		return Func{Name: name, Naming: NameFirst, Eval: eval, Doc: doc,
			Sigs: []Sig{{Params: append([]Param{paramSeries}, params...), Result: SameAs(0)}}}
	}
	Register(
		fill("series_fill_const", fillConst, "Replaces missing elements by a value.", Opt("constant_value", AnyScalar), placeholder),
		fill("series_fill_forward", fillForward, "Replaces missing elements by the one before.", placeholder),
		fill("series_fill_backward", fillBackward, "Replaces missing elements by the one after.", placeholder),
		fill("series_fill_linear", fillLinear, "Interpolates missing elements.", placeholder, Opt("fill_edges", onlyBool), Opt("constant_value", AnyScalar)),
	)
}

// missing tells the elements that a fill function replaces: null by default, or
// what equals the placeholder at args[at].
func missingElements(args []Value, at int) func(Dyn) bool {
	if at >= len(args) || args[at].IsNull() {
		return func(d Dyn) bool {
			f, ok := d.(float64)
			return d == nil || ok && f != f
		}
	}
	p := dynOf(args[at])
	if args[at].Type() == Decimal {
		p = numberOf(args[at])
	}
	return func(d Dyn) bool {
		if isNumber(p) && isNumber(d) {
			return floatOf(p) == floatOf(d)
		}
		switch p.(type) {
		case bool, string:
			return p == d
		}
		return false
	}
}

func fillConst(args []Value) Value {
	a, ok := args[0].Dynamic().([]Dyn)
	if !ok {
		return args[0]
	}
	var fill Dyn = int64(0)
	if len(args) > 1 {
		fill = scalarElement(args[1])
		if fill == nil {
			fill = dynOf(args[1])
		}
	}
	gone := missingElements(args, 2)
	out := make([]Dyn, len(a))
	for i, d := range a {
		if out[i] = d; gone(d) {
			out[i] = fill
		}
	}
	return DynamicOf(out)
}

func fillForward(args []Value) Value {
	a, ok := args[0].Dynamic().([]Dyn)
	if !ok {
		return args[0]
	}
	gone := missingElements(args, 1)
	out := append([]Dyn{}, a...)
	for i := 1; i < len(out); i++ {
		if gone(out[i]) {
			out[i] = out[i-1]
		}
	}
	return DynamicOf(out)
}

func fillBackward(args []Value) Value {
	a, ok := args[0].Dynamic().([]Dyn)
	if !ok {
		return args[0]
	}
	gone := missingElements(args, 1)
	out := append([]Dyn{}, a...)
	for i := len(out) - 2; i >= 0; i-- {
		if gone(out[i]) {
			out[i] = out[i+1]
		}
	}
	return DynamicOf(out)
}

// fillLinear interpolates; of a series of integers the result is cut to
// integers. The ends take the nearest value unless fill_edges is false. A
// series of nothing but missing elements is filled with a constant, 0.0.
func fillLinear(args []Value) Value {
	a, ok := args[0].Dynamic().([]Dyn)
	if !ok {
		return args[0]
	}
	gone := missingElements(args, 1)
	edges := len(args) < 3 || args[2].IsNull() || args[2].Bool()
	var constant Dyn = 0.0
	if len(args) > 3 {
		constant = scalarElement(args[3])
	}
	out := append([]Dyn{}, a...)
	ints, last := true, -1
	for _, d := range out {
		if _, isInt := d.(int64); !isInt && !gone(d) {
			ints = false
		}
	}
	for i, d := range out {
		if gone(d) {
			continue
		}
		switch {
		case last >= 0:
			x, y := floatOf(out[last]), floatOf(d)
			for j := last + 1; j < i; j++ {
				v := x + (y-x)*float64(j-last)/float64(i-last)
				if out[j] = realElement(v); ints {
					out[j] = int64(v)
				}
			}
		case edges:
			for j := range i {
				out[j] = d
			}
		}
		last = i
	}
	switch {
	case last < 0:
		for i := range out {
			out[i] = constant
		}
	case edges:
		for j := last + 1; j < len(out); j++ {
			out[j] = out[last]
		}
	}
	return DynamicOf(out)
}
