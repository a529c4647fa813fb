package kql

import (
	"math"
	"slices"
	"time"
)

// The series_ functions work on dynamic arrays of numbers. An element that is
// no number is missing: element by element it gives null, and where a function
// needs every number the whole result is null, unless said otherwise. A value
// that is no array gives null.

var paramSeries = P("series", onlyDynamic)

func init() {
	dyn, real := Always(Dynamic), Always(Real)
	one := []Sig{{Params: []Param{paramSeries}, Result: dyn}}
	unary := func(name string, f func(x float64) float64, doc string) Func {
		return Func{Name: name, Sigs: one, Eval: eachReal(f), Doc: doc}
	}
	pair := func(name string, result func([]Type) Type, eval func(x, y Dyn) Dyn, doc string) Func {
		return Func{Name: name, Sigs: pairSigs(result), Doc: doc, Eval: func(args []Value) Value {
			return DynamicOf(zipSeries(args[0], args[1], eval))
		}}
	}
	whole := func(name string, f func(xs []float64) float64, doc string) Func {
		return Func{Name: name, Sigs: []Sig{{Params: []Param{paramSeries}, Result: real}}, Doc: doc, Eval: func(args []Value) Value {
			a, ok := args[0].Dynamic().([]Dyn)
			if !ok {
				return Null(Real)
			}
			return RealOf(f(onlyNumbers(a)))
		}}
	}

	Register(
		pair("series_add", dyn, arithElements(func(a, b int64) int64 { return a + b }, func(a, b float64) float64 { return a + b }), "Sum of two series, element by element."),
		pair("series_subtract", dyn, arithElements(func(a, b int64) int64 { return a - b }, func(a, b float64) float64 { return a - b }), "Difference of two series, element by element."),
		pair("series_multiply", dyn, arithElements(func(a, b int64) int64 { return a * b }, func(a, b float64) float64 { return a * b }), "Product of two series, element by element."),
		pair("series_divide", dyn, arithElements(nil, func(a, b float64) float64 { return a / b }), "Quotient of two series, element by element; real."),
		pair("series_pow", dyn, arithElements(nil, math.Pow), "Power of two series, element by element; real."),
		pair("series_equals", dyn, compareElements(func(c int) bool { return c == 0 }), "Whether elements are equal."),
		pair("series_not_equals", dyn, compareElements(func(c int) bool { return c != 0 }), "Whether elements are not equal."),
		pair("series_less", dyn, compareElements(func(c int) bool { return c < 0 }), "Whether elements of the first are less."),
		pair("series_less_equals", dyn, compareElements(func(c int) bool { return c <= 0 }), "Whether elements of the first are less or equal."),
		pair("series_greater", dyn, compareElements(func(c int) bool { return c > 0 }), "Whether elements of the first are greater."),
		pair("series_greater_equals", dyn, compareElements(func(c int) bool { return c >= 0 }), "Whether elements of the first are greater or equal."),

		Func{Name: "series_abs", Sigs: one, Doc: "Absolute values.", Eval: eachElement(func(d Dyn) Dyn {
			if n, ok := d.(int64); ok {
				return max(n, -n)
			}
			return realElement(math.Abs(floatOf(d)))
		})},
		Func{Name: "series_sign", Sigs: one, Doc: "Signs: -1, 0 or 1.", Eval: eachElement(func(d Dyn) Dyn {
			switch f := floatOf(d); {
			case f < 0:
				return int64(-1)
			case f > 0:
				return int64(1)
			case f == 0:
				return int64(0)
			}
			return nil
		})},
		unary("series_exp", math.Exp, "e to the power of each element."),
		unary("series_log", math.Log, "Natural logarithms."),
		unary("series_floor", math.Floor, "Elements rounded down."),
		unary("series_ceiling", math.Ceil, "Elements rounded up."),
		unary("series_sin", math.Sin, "Sines."),
		unary("series_cos", math.Cos, "Cosines."),
		unary("series_tan", math.Tan, "Tangents."),
		unary("series_asin", math.Asin, "Arc sines."),
		unary("series_acos", math.Acos, "Arc cosines."),
		unary("series_atan", math.Atan, "Arc tangents."),

		whole("series_sum", func(xs []float64) float64 { return sumOf(xs) }, "Sum of the numbers."),
		whole("series_product", func(xs []float64) float64 {
			p := 1.0
			for _, x := range xs {
				p *= x
			}
			return p
		}, "Product of the numbers."),
		whole("series_magnitude", func(xs []float64) float64 { return math.Sqrt(dotOf(xs, xs)) }, "Length of the vector."),
		Func{Name: "series_dot_product", Sigs: pairSigs(real), Eval: seriesDot, Doc: "Scalar product of two series."},
		Func{Name: "series_cosine_similarity", Sigs: []Sig{{
			Params: []Param{P("series1", onlyDynamic), P("series2", onlyDynamic), Opt("series1_magnitude", AnyNumber), Opt("series2_magnitude", AnyNumber)},
			Result: real,
		}}, Eval: seriesCosine, Doc: "Cosine of the angle between two vectors."},
		Func{Name: "series_pearson_correlation", Sigs: []Sig{{
			Params: []Param{P("series1", onlyDynamic), P("series2", onlyDynamic)},
			Result: real,
		}}, Eval: seriesPearson, Doc: "Pearson's correlation of two series of equal length."},
	)
}

// pairSigs takes two series, or a series and a number in either order.
func pairSigs(result func([]Type) Type) []Sig {
	a, b := P("series1", onlyDynamic), P("series2", onlyDynamic)
	return []Sig{
		{Params: []Param{a, b}, Result: result},
		{Params: []Param{a, P("series2", AnyNumber)}, Result: result},
		{Params: []Param{P("series1", AnyNumber), b}, Result: result},
	}
}

// zip calls f on elements side by side; nil stands for what is missing. A
// scalar is the same beside each.
func zipSeries(x, y Value, f func(x, y Dyn) Dyn) Dyn {
	a, aok := x.Dynamic().([]Dyn)
	b, bok := y.Dynamic().([]Dyn)
	n := max(len(a), len(b))
	at := func(v Value, s []Dyn, ok bool, i int) Dyn {
		switch {
		case !ok:
			return scalarElement(v)
		case i < len(s):
			return s[i]
		}
		return nil
	}
	if !aok && !bok || !aok && x.Type() == Dynamic && !isNumber(x.Dynamic()) || !bok && y.Type() == Dynamic && !isNumber(y.Dynamic()) {
		return nil
	}
	out := make([]Dyn, n)
	for i := range out {
		out[i] = f(at(x, a, aok, i), at(y, b, bok, i))
	}
	return out
}

// scalarElement is a number as an element; decimals become real.
func scalarElement(v Value) Dyn {
	switch {
	case v.IsNull():
		return nil
	case v.Type() == Decimal:
		return numberOf(v)
	case v.Type() == Int || v.Type() == Long:
		return v.Int()
	case v.Type() == Real:
		return v.Real()
	}
	return v.Dynamic()
}

func isNumber(d Dyn) bool {
	switch d.(type) {
	case int64, float64:
		return true
	}
	return false
}

func arithElements(ints func(a, b int64) int64, fractions func(a, b float64) float64) func(x, y Dyn) Dyn {
	return func(x, y Dyn) Dyn {
		x, y = ticksElement(x), ticksElement(y)
		a, aok := x.(int64)
		b, bok := y.(int64)
		switch {
		case aok && bok && ints != nil:
			return ints(a, b)
		case !isNumber(x) || !isNumber(y):
			return nil
		}
		return fractions(floatOf(x), floatOf(y))
	}
}

func compareElements(f func(c int) bool) func(x, y Dyn) Dyn {
	return func(x, y Dyn) Dyn {
		x, y = ticksElement(x), ticksElement(y)
		a, aok := x.(int64)
		b, bok := y.(int64)
		switch {
		case aok && bok:
			return f(orderOf(LongOf(a), LongOf(b)))
		case !isNumber(x) || !isNumber(y):
			return nil
		}
		p, q := floatOf(x), floatOf(y)
		if p != p || q != q {
			return nil
		}
		return f(orderFloat(p, q))
	}
}

// each maps the elements of a series.
func eachElement(f func(Dyn) Dyn) func([]Value) Value {
	return func(args []Value) Value {
		a, ok := args[0].Dynamic().([]Dyn)
		if !ok {
			return Null(Dynamic)
		}
		out := make([]Dyn, len(a))
		for i, d := range a {
			if isNumber(d) {
				out[i] = f(d)
			}
		}
		return DynamicOf(out)
	}
}

func eachReal(f func(float64) float64) func([]Value) Value {
	return eachElement(func(d Dyn) Dyn { return f(floatOf(d)) })
}

func realElement(f float64) Dyn {
	if f != f {
		return nil
	}
	return f
}

// numbers are the elements of a series; ok is false when v is no array or one
// of them is no number.
func seriesNumbers(v Value) (xs []float64, ok bool) {
	xs, ok = seriesGaps(v)
	return xs, ok && !anyNaN(xs)
}

// gaps are the elements of a series with NaN for what is no number.
func seriesGaps(v Value) ([]float64, bool) {
	a, ok := v.Dynamic().([]Dyn)
	if !ok {
		return nil, false
	}
	xs := make([]float64, len(a))
	for i, d := range a {
		xs[i] = floatOf(ticksElement(d))
	}
	return xs, true
}

// ticksElement turns the text of a datetime, which is what an array holds of
// one, into its ticks; anything else stays.
func ticksElement(d Dyn) Dyn {
	s, ok := d.(string)
	if !ok || len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[10] != 'T' {
		return d
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return TimeOf(t).Int()
	}
	return d
}

func onlyNumbers(a []Dyn) []float64 {
	xs := make([]float64, 0, len(a))
	for _, d := range a {
		if isNumber(d) {
			xs = append(xs, floatOf(d))
		}
	}
	return xs
}

// reals makes an array; NaN becomes null.
func realArray(xs []float64) []Dyn {
	out := make([]Dyn, len(xs))
	for i, x := range xs {
		out[i] = realElement(x)
	}
	return out
}

func sumOf(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}

func meanOf(xs []float64) float64 { return sumOf(xs) / float64(len(xs)) }

// dot is the scalar product over the common length.
func dotOf(a, b []float64) float64 {
	s := 0.0
	for i := range min(len(a), len(b)) {
		s += a[i] * b[i]
	}
	return s
}

// variance of a sample; 0 of fewer than two numbers.
func varianceOf(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m, s := meanOf(xs), 0.0
	for _, x := range xs {
		s += (x - m) * (x - m)
	}
	return s / float64(len(xs)-1)
}

func medianOf(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	if n := len(s); n%2 == 1 {
		return s[n/2]
	} else if n > 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return math.NaN()
}

// seriesDot ignores places where either element is no number.
func seriesDot(args []Value) Value {
	prod, ok := zipSeries(args[0], args[1], arithElements(nil, func(a, b float64) float64 { return a * b })).([]Dyn)
	if !ok {
		return Null(Real)
	}
	return RealOf(sumOf(onlyNumbers(prod)))
}

// seriesCosine cuts the longer series and ignores what is no number.
func seriesCosine(args []Value) Value {
	a, ok1 := args[0].Dynamic().([]Dyn)
	b, ok2 := args[1].Dynamic().([]Dyn)
	n := min(len(a), len(b))
	if !ok1 || !ok2 || n == 0 {
		return Null(Real)
	}
	var xs, ys []float64
	for i := range n {
		if isNumber(a[i]) && isNumber(b[i]) {
			xs, ys = append(xs, floatOf(a[i])), append(ys, floatOf(b[i]))
		}
	}
	length := func(i int, v []float64) float64 {
		if i < len(args) && !args[i].IsNull() {
			return numberOf(args[i])
		}
		return math.Sqrt(dotOf(v, v))
	}
	return RealOf(dotOf(xs, ys) / (length(2, xs) * length(3, ys)))
}

func seriesPearson(args []Value) Value {
	xs, ok1 := seriesNumbers(args[0])
	ys, ok2 := seriesNumbers(args[1])
	if !ok1 || !ok2 || len(xs) != len(ys) || len(xs) == 0 {
		return Null(Real)
	}
	mx, my := meanOf(xs), meanOf(ys)
	var sxy, sxx, syy float64
	for i := range xs {
		dx, dy := xs[i]-mx, ys[i]-my
		sxy, sxx, syy = sxy+dx*dy, sxx+dx*dx, syy+dy*dy
	}
	return RealOf(sxy / math.Sqrt(sxx*syy))
}
