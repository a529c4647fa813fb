package kql

import (
	"math"
	"slices"
)

func init() {
	dyn := Always(Dynamic)
	parts := []MultiOut{{"baseline", Dynamic}, {"seasonal", Dynamic}, {"trend", Dynamic}, {"residual", Dynamic}}
	found := []MultiOut{{"periods", Dynamic}, {"scores", Dynamic}}
	period, trend := Opt("period", AnyInteger), Opt("trend", TypeSet(1<<String))
	test, threshold := Opt("test_points", AnyInteger), Opt("seasonality_threshold", AnyNumber)
	sig := func(params ...Param) []Sig {
		return []Sig{{Params: append([]Param{paramSeries}, params...), Result: dyn}}
	}
	validate := Sig{Params: []Param{paramSeries, P("period", AnyNumber)}, Repeat: 1, Result: dyn}

	Register(
		Func{Name: "series_outliers", Naming: NameFirst, Doc: "Scores anomalies by Tukey's test.", Eval: seriesOutliers, Sigs: sig(
			Opt("kind", TypeSet(1<<String)), Opt("ignore_val", AnyNumber), Opt("min_percentile", AnyNumber), Opt("max_percentile", AnyNumber), test)},
		Func{Name: "series_periods_detect", Multi: found, Doc: "Finds the most significant periods.", Eval: seriesPeriodsDetect, Sigs: sig(
			P("min_period", AnyNumber), P("max_period", AnyNumber), P("num_periods", AnyInteger))},
		Func{Name: "series_periods_validate", Multi: found, Doc: "Scores given periods.", Eval: seriesPeriodsValidate, Sigs: []Sig{validate}},
		Func{Name: "series_seasonal", Doc: "Seasonal component of a series.", Eval: seriesSeasonal, Sigs: sig(period, test)},
		Func{Name: "series_decompose", Multi: parts, Doc: "Decomposes a series into season, trend and residual.", Sigs: sig(period, trend, test, threshold),
			Eval: func(args []Value) Value {
				d, ok := decompose(args[0], argInt(args, 1, -1), argText(args, 2, "avg"), argInt(args, 3, 0), argReal(args, 4, 0.6))
				if !ok {
					return DynamicOf(make([]Dyn, 4))
				}
				return DynamicOf([]Dyn{realArray(d.baseline), realArray(d.seasonal), realArray(d.trend), realArray(d.residual)})
			}},
		Func{Name: "series_decompose_forecast", Multi: parts, Doc: "Forecasts the last points of a series.", Sigs: sig(P("test_points", AnyInteger), period, trend, threshold),
			Eval: func(args []Value) Value {
				d, ok := decompose(args[0], argInt(args, 2, -1), argText(args, 3, "avg"), argInt(args, 1, 0), argReal(args, 4, 0.6))
				if !ok {
					return DynamicOf(make([]Dyn, 4))
				}
				return DynamicOf([]Dyn{realArray(d.baseline), realArray(d.seasonal), realArray(d.trend), realArray(d.residual)})
			}},
		Func{Name: "series_decompose_anomalies", Multi: []MultiOut{{"ad_flag", Dynamic}, {"ad_score", Dynamic}, {"baseline", Dynamic}},
			Doc: "Finds anomalies of a series against its season and trend.", Eval: seriesAnomalies,
			Sigs: sig(Opt("threshold", AnyNumber), period, trend, test, Opt("method", TypeSet(1<<String)), threshold)},
	)
}

func argInt(args []Value, i int, def int64) int64 {
	if i >= len(args) || args[i].IsNull() {
		return def
	}
	return int64(numberOf(args[i]))
}

func argReal(args []Value, i int, def float64) float64 {
	if i >= len(args) || args[i].IsNull() {
		return def
	}
	return numberOf(args[i])
}

func argText(args []Value, i int, def string) string {
	if i >= len(args) || args[i].Str() == "" {
		return def
	}
	return args[i].Str()
}

// decomposition is a series taken apart: baseline = seasonal + trend, series =
// baseline + residual.
type decomposition struct{ baseline, seasonal, trend, residual []float64 }

// decompose learns from all but the last test points. The season is found first
// and taken off before the trend; a period of -1 is to be detected, 0 is none.
// Missing elements are left out of the learning and have no residual.
func decompose(v Value, period int64, trend string, test int64, threshold float64) (d decomposition, ok bool) {
	xs, ok := seriesGaps(v)
	n := len(xs)
	if !ok || n == 0 || test < 0 || int(test) >= n {
		return d, false
	}
	known := n - int(test)
	d = decomposition{seasonal: seasonOf(xs, known, period, threshold), trend: make([]float64, n),
		baseline: make([]float64, n), residual: make([]float64, n)}
	rest := make([]float64, known)
	for i := range rest {
		rest[i] = xs[i] - d.seasonal[i]
	}
	switch trend {
	case "avg":
		if m := meanOf(withoutNaN(rest)); m == m {
			for i := range d.trend {
				d.trend[i] = m
			}
		}
	case "linefit":
		l := fitLine(bridge(rest))
		for i := range d.trend {
			d.trend[i] = l.at(i)
		}
	case "none":
	default:
		return d, false
	}
	for i, x := range xs {
		d.baseline[i] = d.seasonal[i] + d.trend[i]
		d.residual[i] = x - d.baseline[i]
	}
	return d, true
}

// withoutNaN drops NaN.
func withoutNaN(xs []float64) []float64 {
	out := make([]float64, 0, len(xs))
	for _, x := range xs {
		if x == x {
			out = append(out, x)
		}
	}
	return out
}

// bridge replaces NaN by a line between its neighbours, 0 when there is none.
func bridge(xs []float64) []float64 {
	if !anyNaN(xs) {
		return xs
	}
	filled := fillLinear([]Value{DynamicOf(realArray(xs))}).Dynamic().([]Dyn)
	out := make([]float64, len(xs))
	for i, d := range filled {
		out[i] = floatOf(d)
	}
	return out
}

// seasonOf is the median of all learned points in the same place of the period,
// repeated over the series; zeros when there is no period.
func seasonOf(xs []float64, known int, period int64, threshold float64) []float64 {
	out := make([]float64, len(xs))
	if period < 0 {
		period = 0
		if p, score := bestPeriod(bridge(xs[:known])); score >= threshold {
			period = int64(p)
		}
	}
	if period == 0 || period > int64(known) {
		return out
	}
	for phase := range int(period) {
		var same []float64
		for i := phase; i < known; i += int(period) {
			if xs[i] == xs[i] {
				same = append(same, xs[i])
			}
		}
		m := medianOf(same)
		if m != m {
			m = 0
		}
		for i := phase; i < len(out); i += int(period) {
			out[i] = m
		}
	}
	return out
}

func seriesSeasonal(args []Value) Value {
	xs, ok := seriesGaps(args[0])
	test := argInt(args, 2, 0)
	if !ok || test < 0 || int(test) > len(xs) {
		return Null(Dynamic)
	}
	return DynamicOf(realArray(seasonOf(xs, len(xs)-int(test), argInt(args, 1, -1), 0.7)))
}

// Periods are found in the autocorrelation of the series. The score of a period
// is the least autocorrelation at its multiples, up to half the series: a
// period holds at each of them.
const (
	leastPeriod = 4
	// leastScore is the score below which there is no period.
	leastScore = 0.3
	// scoreNoise is how much better a multiple of a period must be to be taken
	// for a period of its own.
	scoreNoise = 0.04
)

type scoredPeriod struct {
	p     int
	score float64
}

func bestPeriod(xs []float64) (int, float64) {
	if found := periodsOf(xs, leastPeriod, float64(len(xs)), 1); len(found) > 0 {
		return found[0].p, found[0].score
	}
	return 0, 0
}

// periodsOf finds up to n periods, the best first.
func periodsOf(xs []float64, least, most float64, n int) []scoredPeriod {
	acf := autocorrelation(xs)
	var peaks []scoredPeriod
	for k := leastPeriod; k+1 < len(acf); k++ {
		if float64(k) < least || float64(k) > most || acf[k] < acf[k-1] || acf[k] <= acf[k+1] {
			continue
		}
		if s := periodScore(acf, k); s >= leastScore {
			peaks = append(peaks, scoredPeriod{k, s})
		}
	}
	slices.SortStableFunc(peaks, func(a, b scoredPeriod) int { return orderFloat(b.score, a.score) })
	var found []scoredPeriod
	for len(peaks) > 0 && len(found) < n {
		best := peaks[0]
		for _, q := range peaks[1:] {
			if best.p%q.p == 0 && q.score >= best.score-scoreNoise {
				best = q
			}
		}
		found = append(found, best)
		// Multiples of it say nothing new, nor do peaks on its flanks.
		peaks = slices.DeleteFunc(peaks, func(q scoredPeriod) bool {
			off := q.p % best.p
			return q.p >= best.p-best.p/4 && min(off, best.p-off)*4 <= best.p
		})
	}
	return found
}

func periodScore(acf []float64, k int) float64 {
	s := 1.0
	for m := k; m < len(acf); m += k {
		s = math.Min(s, acf[m])
	}
	return s
}

// autocorrelation is that of lags 0 to half the series, each divided by its
// number of pairs.
func autocorrelation(xs []float64) []float64 {
	n := len(xs)
	if n == 0 {
		return nil
	}
	m := meanOf(xs)
	size := 1
	for size < 2*n {
		size *= 2
	}
	x := make([]complex128, size)
	scale := 0.0
	for i, v := range xs {
		x[i] = complex(v-m, 0)
		scale = math.Max(scale, math.Abs(v))
	}
	radix2(x, -1)
	for i, c := range x {
		x[i] = complex(real(c)*real(c)+imag(c)*imag(c), 0)
	}
	radix2(x, 1)
	out := make([]float64, n/2+1)
	total := real(x[0])
	if total <= 1e-18*scale*scale*float64(size)*float64(n) {
		return out // constant
	}
	for k := range out {
		out[k] = real(x[k]) / total * float64(n) / float64(n-k)
	}
	return out
}

func seriesPeriodsDetect(args []Value) Value {
	xs, ok := seriesGaps(args[0])
	n := argInt(args, 3, 1)
	if !ok || n < 0 || n > 1000 {
		return DynamicOf([]Dyn{nil, nil})
	}
	periods, scores := make([]float64, n), make([]float64, n)
	for i, f := range periodsOf(bridge(xs), argReal(args, 1, 0), argReal(args, 2, math.Inf(1)), int(n)) {
		periods[i], scores[i] = float64(f.p), f.score
	}
	return DynamicOf([]Dyn{realArray(periods), realArray(scores)})
}

// seriesPeriodsValidate scores 0 what is shorter than 4 or longer than half the
// series.
func seriesPeriodsValidate(args []Value) Value {
	xs, ok := seriesGaps(args[0])
	if !ok {
		return DynamicOf([]Dyn{nil, nil})
	}
	acf := autocorrelation(bridge(xs))
	periods, scores := make([]float64, len(args)-1), make([]float64, len(args)-1)
	for i, a := range args[1:] {
		periods[i] = numberOf(a)
		k := int(math.Round(periods[i]))
		if k < leastPeriod || k >= len(acf) {
			continue
		}
		if s := periodScore(acf, k); s >= leastScore {
			scores[i] = s
		}
	}
	return DynamicOf([]Dyn{realArray(periods), realArray(scores)})
}

func seriesAnomalies(args []Value) Value {
	test := argInt(args, 4, 0)
	d, ok := decompose(args[0], argInt(args, 2, -1), argText(args, 3, "avg"), test, argReal(args, 6, 0.6))
	if !ok {
		return DynamicOf(make([]Dyn, 3))
	}
	scores, ok := outlierScores(d.residual, argText(args, 5, "ctukey"), 10, 90, len(d.residual)-int(test))
	if !ok {
		return DynamicOf(make([]Dyn, 3))
	}
	threshold := argReal(args, 1, 1.5)
	flags := make([]Dyn, len(scores))
	for i, s := range scores {
		flags[i] = int64(oneIf(s > threshold) - oneIf(s < -threshold))
	}
	return DynamicOf([]Dyn{flags, realArray(scores), realArray(d.baseline)})
}

func seriesOutliers(args []Value) Value {
	xs, ok := seriesGaps(args[0])
	if !ok {
		return Null(Dynamic)
	}
	if len(args) > 2 && !args[2].IsNull() {
		ignore := numberOf(args[2])
		for i, x := range xs {
			if x == ignore {
				xs[i] = math.NaN()
			}
		}
	}
	test := argInt(args, 5, 0)
	if test < 0 || int(test) > len(xs) {
		return Null(Dynamic)
	}
	scores, ok := outlierScores(xs, argText(args, 1, "ctukey"), argReal(args, 3, 10), argReal(args, 4, 90), len(xs)-int(test))
	if !ok {
		return Null(Dynamic)
	}
	return DynamicOf(realArray(scores))
}

// outlierScores says how far each number is outside of the range between two
// percentiles of the first known ones, in units of the range. Scores of another
// range than the quarters are scaled so that 1.5 is as rare, of a normal
// distribution, as it is for the quarters. What is missing scores 0.
func outlierScores(xs []float64, kind string, lo, hi float64, known int) ([]float64, bool) {
	switch kind {
	case "tukey":
		lo, hi = 25, 75
	case "ctukey":
		if !(lo >= 2 && lo < hi && hi <= 98) {
			return nil, false
		}
	default:
		return nil, false
	}
	scores := make([]float64, len(xs))
	sorted := slices.Sorted(slices.Values(withoutNaN(xs[:known])))
	if len(sorted) == 0 {
		return scores, true
	}
	low, high := percentileBetween(sorted, lo), percentileBetween(sorted, hi)
	span := high - low
	zlo, zhi := normalQuantile(lo/100), normalQuantile(hi/100)
	// 1.5 ranges of the quarters end at four times their quantile.
	fence := 4 * normalQuantile(0.75)
	up, down := 1.5*(zhi-zlo)/(fence-zhi), 1.5*(zhi-zlo)/(fence+zlo)
	// What rounding leaves is no outlier.
	noise := 1e-10 * math.Max(math.Abs(sorted[0]), math.Abs(sorted[len(sorted)-1]))
	for i, x := range xs {
		switch {
		case x > high+noise:
			scores[i] = (x - high) / span * up
		case x < low-noise:
			scores[i] = (x - low) / span * down
		}
	}
	return scores, true
}

// percentileBetween interpolates between neighbours.
func percentileBetween(sorted []float64, p float64) float64 {
	at := p / 100 * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (sorted[i+1]-sorted[i])*(at-float64(i))
}

// normalQuantile is the quantile of the normal distribution as Kusto has it: a
// little wide, 0.675 at the quarters and 1.29681 at 90 percent.
func normalQuantile(p float64) float64 {
	const at75, at90, is75, is90 = 0.6744897501960817, 1.2815515655446004, 0.675, 1.2968208200000002
	z := math.Sqrt2 * math.Erfinv(2*p-1)
	wide := is75/at75 + (math.Abs(z)-at75)/(at90-at75)*(is90/at90-is75/at75)
	return z * wide
}
