package kql

import "math"

func init() {
	dyn := Always(Dynamic)
	one := []Sig{{Params: []Param{paramSeries}, Result: dyn}}
	line := []MultiOut{{"rsquare", Real}, {"slope", Real}, {"variance", Real}, {"rvariance", Real}, {"interception", Real}, {"line_fit", Dynamic}}
	lines := []MultiOut{{"rsquare", Real}, {"split_idx", Long}, {"variance", Real}, {"rvariance", Real}, {"line_fit", Dynamic},
		{"right_rsquare", Real}, {"right_slope", Real}, {"right_interception", Real}, {"right_variance", Real}, {"right_rvariance", Real},
		{"left_rsquare", Real}, {"left_slope", Real}, {"left_interception", Real}, {"left_variance", Real}, {"left_rvariance", Real}}
	poly := []MultiOut{{"rsquare", Real}, {"coefficients", Dynamic}, {"variance", Real}, {"rvariance", Real}, {"poly_fit", Dynamic}}
	stats := []MultiOut{{"min", Real}, {"min_idx", Long}, {"max", Real}, {"max_idx", Long}, {"avg", Real}, {"stdev", Real}, {"variance", Real}}
	ignore := Opt("ignore_nonfinite", onlyBool)
	ignore.Const = true
	statSig := []Sig{{Params: []Param{paramSeries, ignore}, Result: dyn}}

	Register(
		Func{Name: "series_stats", Sigs: statSig, Multi: stats, Doc: "Statistics of a series, in columns.", Eval: func(args []Value) Value {
			s, ok := statsOf(args)
			if !ok {
				return DynamicOf(make([]Dyn, len(stats)))
			}
			return DynamicOf([]Dyn{s.min, s.minAt, s.max, s.maxAt, s.avg, math.Sqrt(s.variance), s.variance})
		}},
		Func{Name: "series_stats_dynamic", Sigs: statSig, Doc: "Statistics of a series, in a bag.", Eval: func(args []Value) Value {
			s, ok := statsOf(args)
			if !ok {
				return Null(Dynamic)
			}
			return DynamicOf(bagOfPairs("min", s.min, "min_idx", s.minAt, "max", s.max, "max_idx", s.maxAt, "avg", s.avg,
				"stdev", math.Sqrt(s.variance), "variance", s.variance, "sum", s.sum, "len", s.n))
		}},
		Func{Name: "series_fit_line", Sigs: one, Multi: line, Doc: "Fits a line, in columns.", Eval: func(args []Value) Value {
			f, ok := fitLineOf(args[0])
			if !ok {
				return DynamicOf(make([]Dyn, len(line)))
			}
			return DynamicOf([]Dyn{f.rsquare(), f.slope, f.variance, f.rvariance, f.intercept, f.values()})
		}},
		Func{Name: "series_fit_line_dynamic", Sigs: one, Doc: "Fits a line, in a bag.", Eval: func(args []Value) Value {
			f, ok := fitLineOf(args[0])
			if !ok {
				return Null(Dynamic)
			}
			return DynamicOf(bagOfPairs("rsquare", f.rsquare(), "slope", f.slope, "variance", f.variance, "rvariance", f.rvariance,
				"interception", f.intercept, "line_fit", f.values()))
		}},
		Func{Name: "series_fit_2lines", Sigs: one, Multi: lines, Doc: "Fits two lines, in columns.", Eval: func(args []Value) Value {
			f, ok := fitTwoLines(args[0])
			if !ok {
				return DynamicOf(make([]Dyn, len(lines)))
			}
			r, l := f.right, f.left
			return DynamicOf([]Dyn{f.rsquare(), f.split, f.variance, f.rvariance, f.values(),
				r.rsquare(), r.slope, r.intercept, r.variance, r.rvariance,
				l.rsquare(), l.slope, l.intercept, l.variance, l.rvariance})
		}},
		Func{Name: "series_fit_2lines_dynamic", Sigs: one, Doc: "Fits two lines, in a bag.", Eval: func(args []Value) Value {
			f, ok := fitTwoLines(args[0])
			if !ok {
				return Null(Dynamic)
			}
			side := func(s lineFit) Dyn {
				return bagOfPairs("rsquare", s.rsquare(), "slope", s.slope, "interception", s.intercept, "variance", s.variance, "rvariance", s.rvariance)
			}
			return DynamicOf(bagOfPairs("rsquare", f.rsquare(), "split_idx", f.split, "variance", f.variance, "rvariance", f.rvariance,
				"line_fit", f.values(), "right", side(f.right), "left", side(f.left)))
		}},
		Func{Name: "series_fit_poly", Multi: poly, Doc: "Fits a polynomial, in columns.", Eval: seriesFitPoly, Sigs: []Sig{{
			Params: []Param{P("y_series", onlyDynamic), Opt("x_series", onlyDynamic), Opt("degree", AnyInteger)}, Result: dyn}}},
	)
}

// bagOfPairs makes a bag of keys and values in turn; NaN becomes null.
func bagOfPairs(pairs ...any) *Bag {
	b := NewBag()
	for i := 0; i+1 < len(pairs); i += 2 {
		v := pairs[i+1]
		if f, ok := v.(float64); ok {
			v = realElement(f)
		}
		b.Set(pairs[i].(string), v)
	}
	return b
}

type seriesStats struct {
	min, max, avg, variance, sum float64
	minAt, maxAt, n              int64
}

// statsOf is false when an element is not finite and that is not to be ignored,
// and of an empty series.
func statsOf(args []Value) (s seriesStats, ok bool) {
	all, ok := seriesGaps(args[0])
	ignore := len(args) > 1 && args[1].Bool()
	var xs []float64
	for i, x := range all {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			if !ignore {
				return s, false
			}
			continue
		}
		if len(xs) == 0 || x < s.min {
			s.min, s.minAt = x, int64(i)
		}
		if len(xs) == 0 || x > s.max {
			s.max, s.maxAt = x, int64(i)
		}
		xs = append(xs, x)
	}
	if !ok || len(xs) == 0 {
		return s, false
	}
	s.sum, s.avg, s.variance, s.n = sumOf(xs), meanOf(xs), varianceOf(xs), int64(len(xs))
	return s, true
}

// lineFit is the line of least squares through points at 0, 1, 2 ...; variances
// are those of samples.
type lineFit struct {
	slope, intercept    float64
	variance, rvariance float64
	n                   int
}

func (f lineFit) rsquare() float64 {
	if f.variance == 0 {
		return oneOrZero(f.rvariance == 0)
	}
	return 1 - f.rvariance/f.variance
}

func oneOrZero(b bool) float64 { return float64(oneIf(b)) }

func (f lineFit) at(i int) float64 { return f.intercept + f.slope*float64(i) }

func (f lineFit) values() []Dyn {
	out := make([]Dyn, f.n)
	for i := range out {
		out[i] = f.at(i)
	}
	return out
}

func fitLineOf(v Value) (lineFit, bool) {
	ys, ok := seriesNumbers(v)
	if !ok || len(ys) == 0 {
		return lineFit{}, false
	}
	return fitLine(ys), true
}

func fitLine(ys []float64) lineFit {
	n := float64(len(ys))
	f := lineFit{n: len(ys), variance: varianceOf(ys)}
	mx, my := (n-1)/2, meanOf(ys)
	var sxy float64
	for i, y := range ys {
		sxy += (float64(i) - mx) * (y - my)
	}
	if sxx := n * (n*n - 1) / 12; sxx > 0 {
		f.slope = sxy / sxx
	}
	f.intercept = my - f.slope*mx
	if n > 1 {
		for i, y := range ys {
			d := y - f.at(i)
			f.rvariance += d * d / (n - 1)
		}
	}
	return f
}

// twoLines are the two lines that meet between split-1 and split. The right one
// counts from its own start.
type twoLines struct {
	left, right         lineFit
	split               int64
	variance, rvariance float64
}

func (f twoLines) rsquare() float64 {
	return lineFit{variance: f.variance, rvariance: f.rvariance}.rsquare()
}

func (f twoLines) values() []Dyn { return append(f.left.values(), f.right.values()...) }

// fitTwoLines tries every split that leaves each side at least two points, and
// takes the one that leaves the least squares. Sums make it linear in time.
func fitTwoLines(v Value) (twoLines, bool) {
	ys, ok := seriesNumbers(v)
	n := len(ys)
	if !ok || n == 0 {
		return twoLines{}, false
	}
	best, split := math.Inf(1), min(n, max(1, n/2))
	left, right := squaresLeft(ys), squaresRight(ys)
	for k := 2; k <= n-2; k++ {
		if s := left[k] + right[k]; s < best {
			best, split = s, k
		}
	}
	f := twoLines{split: int64(split), variance: varianceOf(ys), left: fitLine(ys[:split])}
	if split < n {
		f.right = fitLine(ys[split:])
	}
	for i, y := range ys {
		d := y
		if i < split {
			d -= f.left.at(i)
		} else {
			d -= f.right.at(i - split)
		}
		if n > 1 {
			f.rvariance += d * d / float64(n-1)
		}
	}
	return f, true
}

// squaresLeft[k] is what a line leaves of the first k numbers.
func squaresLeft(ys []float64) []float64 {
	out := make([]float64, len(ys)+1)
	shift := ys[0]
	var sy, syy, sxy float64
	for i, y := range ys {
		y -= shift
		x := float64(i)
		sy, syy, sxy = sy+y, syy+y*y, sxy+x*y
		n := x + 1
		cxy, cyy, cxx := sxy-sy*x/2, syy-sy*sy/n, n*(n*n-1)/12
		if out[i+1] = cyy; cxx > 0 {
			out[i+1] = math.Max(0, cyy-cxy*cxy/cxx)
		}
	}
	return out
}

// squaresRight[k] is what a line leaves of the numbers from k on.
func squaresRight(ys []float64) []float64 {
	rev := make([]float64, len(ys))
	for i, y := range ys {
		rev[len(ys)-1-i] = y
	}
	left := squaresLeft(rev)
	out := make([]float64, len(ys)+1)
	for k := range out {
		out[k] = left[len(ys)-k]
	}
	return out
}

// maxDegree is the highest degree of series_fit_poly; a series of doubles bears
// no more.
const maxDegree = 30

// seriesFitPoly fits by least squares over an orthogonal basis, so that high
// degrees keep their digits. Without an x series x is 1, 2, 3 ...
func seriesFitPoly(args []Value) Value {
	none := DynamicOf(make([]Dyn, 5))
	ys, ok := seriesNumbers(args[0])
	xs := make([]float64, len(ys))
	for i := range xs {
		xs[i] = float64(i + 1)
	}
	if len(args) > 1 && !args[1].IsNull() {
		var ok2 bool
		if xs, ok2 = seriesNumbers(args[1]); !ok2 || len(xs) != len(ys) {
			return none
		}
	}
	degree := int64(1)
	if len(args) > 2 && !args[2].IsNull() {
		degree = args[2].Int()
	}
	if !ok || len(ys) == 0 || degree < 0 || degree > maxDegree {
		return none
	}
	coef := fitPoly(xs, ys, int(degree))
	fit := make([]float64, len(ys))
	rv := 0.0
	for i, x := range xs {
		for _, c := range coef {
			fit[i] = fit[i]*x + c
		}
		if d := ys[i] - fit[i]; len(ys) > 1 {
			rv += d * d / float64(len(ys)-1)
		}
	}
	l := lineFit{variance: varianceOf(ys), rvariance: rv}
	return DynamicOf([]Dyn{realElement(l.rsquare()), realArray(coef), l.variance, realElement(rv), realArray(fit)})
}

// fitPoly gives the coefficients, highest power first. The basis polynomials are
// made orthogonal over the points by Forsythe's recurrence.
func fitPoly(xs, ys []float64, degree int) []float64 {
	n := len(xs)
	coef := make([]float64, degree+1) // by power
	prev, cur := make([]float64, n), make([]float64, n)
	prevC, curC := make([]float64, degree+1), make([]float64, degree+1)
	for i := range cur {
		cur[i] = 1
	}
	curC[0] = 1
	prevNorm := 1.0
	for k := 0; k <= degree; k++ {
		norm := dotOf(cur, cur)
		if norm <= 1e-300 {
			break // fewer distinct points than coefficients
		}
		c, alpha := dotOf(cur, ys)/norm, 0.0
		for i, x := range xs {
			alpha += x * cur[i] * cur[i]
		}
		alpha /= norm
		for p := range coef {
			coef[p] += c * curC[p]
		}
		beta := 0.0
		if k > 0 {
			beta = norm / prevNorm
		}
		next, nextC := make([]float64, n), make([]float64, degree+1)
		for i, x := range xs {
			next[i] = (x-alpha)*cur[i] - beta*prev[i]
		}
		for p := range nextC {
			nextC[p] = -alpha*curC[p] - beta*prevC[p]
			if p > 0 {
				nextC[p] += curC[p-1]
			}
		}
		if k+1 >= n {
			break
		}
		prev, cur, prevC, curC, prevNorm = cur, next, curC, nextC, norm
	}
	for i, j := 0, degree; i < j; i, j = i+1, j-1 {
		coef[i], coef[j] = coef[j], coef[i]
	}
	return coef
}
