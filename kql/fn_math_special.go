package kql

import "math"

func init() {
	number := func(name string) Param { return P(name, AnyNumber) }
	one := func(name, doc string, f func(float64) float64) Func {
		return Func{Name: name, Naming: NameFirst, NullIn: true, Doc: doc, Sigs: []Sig{Of(Real, number("number"))}, Eval: func(args []Value) Value {
			return RealOf(f(numberOf(args[0])))
		}}
	}
	beta := func(name, x, doc string, f func(x, a, b float64) float64) Func {
		return Func{Name: name, NullIn: true, Doc: doc, Sigs: []Sig{Of(Real, number(x), number("alpha"), number("beta"))}, Eval: func(args []Value) Value {
			return RealOf(f(numberOf(args[0]), numberOf(args[1]), numberOf(args[2])))
		}}
	}
	Register(
		one("gamma", "The gamma function.", math.Gamma),
		one("loggamma", "The logarithm of the absolute value of the gamma function.", logGamma),
		one("erf", "The error function.", math.Erf),
		one("erfc", "1 less the error function.", math.Erfc),
		beta("beta_cdf", "x", "The beta distribution's probability up to x.", betaCDF),
		beta("beta_inv", "probability", "The x up to which the beta distribution has the probability.", betaInverse),
		beta("beta_pdf", "x", "The beta distribution's density at x.", betaPDF),
		Func{Name: "welch_test", NullIn: true, Doc: "The p-value of Welch's t-test.",
			Sigs: []Sig{Of(Real, number("mean1"), number("variance1"), number("count1"), number("mean2"), number("variance2"), number("count2"))}, Eval: welchTest},
	)
}

// realOrNull is null where a function has no value.
func realOrNull(f float64) Value {
	if math.IsNaN(f) {
		return Null(Real)
	}
	return RealOf(f)
}

func logGamma(x float64) float64 {
	f, _ := math.Lgamma(x)
	return f
}

// logBeta is the logarithm of the beta function.
func logBeta(a, b float64) float64 { return logGamma(a) + logGamma(b) - logGamma(a+b) }

// betaShape tells whether the parameters are ones that Kusto computes with.
func betaShape(a, b float64) bool { return a > 0 && b > 0 && a <= 10_000 && b <= 10_000 }

// incompleteBeta is the regularized incomplete beta function.
func incompleteBeta(x, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	front := math.Exp(a*math.Log(x) + b*math.Log1p(-x) - logBeta(a, b))
	// The continued fraction converges fast on this side of the mean.
	if x < (a+1)/(a+b+2) {
		return front * betaFraction(x, a, b) / a
	}
	return 1 - front*betaFraction(1-x, b, a)/b
}

// betaFraction is the continued fraction of the incomplete beta function, by
// Lentz's method.
func betaFraction(x, a, b float64) float64 {
	const tiny = 1e-300
	guard := func(f float64) float64 {
		if math.Abs(f) < tiny {
			return tiny
		}
		return f
	}
	c := 1.0
	d := 1 / guard(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m <= 1000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / guard(1+even*d)
		c = guard(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / guard(1+odd*d)
		c = guard(1 + odd/c)
		step := d * c
		h *= step
		if math.Abs(step-1) < 1e-16 {
			break
		}
	}
	return h
}

func betaCDF(x, a, b float64) float64 {
	if !betaShape(a, b) || !(x >= 0 && x <= 1) {
		return math.NaN()
	}
	return incompleteBeta(x, a, b)
}

func betaPDF(x, a, b float64) float64 {
	if !betaShape(a, b) || !(x >= 0 && x <= 1) {
		return math.NaN()
	}
	return math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - logBeta(a, b))
}

// betaInverse halves the range until the doubles between are used up.
func betaInverse(p, a, b float64) float64 {
	if !betaShape(a, b) || !(p > 0 && p <= 1) {
		return math.NaN()
	}
	lo, hi := 0.0, 1.0
	for range 1100 {
		mid := (lo + hi) / 2
		if mid <= lo || mid >= hi {
			break
		}
		if incompleteBeta(mid, a, b) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// welchTest is the two-sided p-value that two samples have one mean.
func welchTest(args []Value) Value {
	m1, v1, n1 := numberOf(args[0]), numberOf(args[1]), numberOf(args[2])
	m2, v2, n2 := numberOf(args[3]), numberOf(args[4]), numberOf(args[5])
	if !(n1 > 1 && n2 > 1 && v1 >= 0 && v2 >= 0) {
		return Null(Real)
	}
	e1, e2 := v1/n1, v2/n2
	if e1+e2 == 0 {
		if m1 == m2 {
			return RealOf(1)
		}
		return RealOf(0)
	}
	t2 := (m1 - m2) * (m1 - m2) / (e1 + e2)
	free := (e1 + e2) * (e1 + e2) / (e1*e1/(n1-1) + e2*e2/(n2-1))
	return realOrNull(incompleteBeta(free/(free+t2), free/2, 0.5))
}
