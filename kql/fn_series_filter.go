package kql

import (
	"math"
	"math/bits"
	"math/cmplx"
)

func init() {
	dyn := Always(Dynamic)
	complexOuts := []MultiOut{{"real", Dynamic}, {"imag", Dynamic}}
	Register(
		Func{Name: "series_fir", Naming: NameFirst, Doc: "Applies a finite impulse response filter.", Eval: seriesFIR, Sigs: []Sig{{
			Params: []Param{paramSeries, P("filter", onlyDynamic), Opt("normalize", onlyBool), Opt("center", onlyBool)}, Result: dyn}}},
		Func{Name: "series_iir", Naming: NameFirst, Doc: "Applies an infinite impulse response filter.", Eval: seriesIIR, Sigs: []Sig{{
			Params: []Param{paramSeries, P("numerators", onlyDynamic), P("denominators", onlyDynamic)}, Result: dyn}}},
		Func{Name: "series_fft", Multi: complexOuts, Doc: "Fast Fourier transform.", Eval: seriesFFT(false), Sigs: []Sig{{
			Params: []Param{paramSeries, Opt("series_imaginary", onlyDynamic)}, Result: dyn}}},
		Func{Name: "series_ifft", Multi: complexOuts, Doc: "Inverse fast Fourier transform.", Eval: seriesFFT(true), Sigs: []Sig{{
			Params: []Param{paramSeries, Opt("series_imaginary", onlyDynamic)}, Result: dyn}}},
	)
}

// maxFilter is the most coefficients of a filter.
const maxFilter = 10_000

// seriesFIR takes what is before the series as 0. The filter is normalised by
// its sum when none of its coefficients is negative, unless said otherwise;
// centred it is shifted by half its length.
func seriesFIR(args []Value) Value {
	xs, ok := seriesGaps(args[0])
	filter, ok2 := seriesNumbers(args[1])
	if !ok || !ok2 || len(filter) == 0 || len(filter) > maxFilter {
		return Null(Dynamic)
	}
	normalize, negative := true, false
	for _, f := range filter {
		negative = negative || f < 0
	}
	normalize = !negative
	if len(args) > 2 && !args[2].IsNull() {
		normalize = args[2].Bool()
		if normalize && negative {
			return Null(Dynamic)
		}
	}
	shift := 0
	if len(args) > 3 && args[3].Bool() {
		shift = (len(filter) - 1) / 2
	}
	div := 1.0
	if normalize {
		div = sumOf(filter)
	}
	ys := make([]float64, len(xs))
	for i := range ys {
		for j, f := range filter {
			if k := i + shift - j; k >= 0 && k < len(xs) && f != 0 {
				ys[i] += f * xs[k]
			}
		}
		ys[i] /= div
	}
	if !normalize && allInts(args[0]) && allInts(args[1]) {
		out := make([]Dyn, len(ys))
		for i, y := range ys {
			out[i] = int64(y)
		}
		return DynamicOf(out)
	}
	return DynamicOf(realArray(ys))
}

func allInts(v Value) bool {
	a, _ := v.Dynamic().([]Dyn)
	for _, d := range a {
		if _, ok := d.(int64); !ok {
			return false
		}
	}
	return true
}

func seriesIIR(args []Value) Value {
	xs, ok := seriesGaps(args[0])
	num, ok2 := seriesNumbers(args[1])
	den, ok3 := seriesNumbers(args[2])
	if !ok || !ok2 || !ok3 || len(den) == 0 || den[0] == 0 || len(num)+len(den) > maxFilter {
		return Null(Dynamic)
	}
	ys := make([]float64, len(xs))
	for i := range ys {
		y := 0.0
		for j := 0; j < len(num) && j <= i; j++ {
			y += num[j] * xs[i-j]
		}
		for j := 1; j < len(den) && j <= i; j++ {
			y -= den[j] * ys[i-j]
		}
		ys[i] = y / den[0]
	}
	return DynamicOf(realArray(ys))
}

func seriesFFT(inverse bool) func([]Value) Value {
	return func(args []Value) Value {
		re, ok := seriesNumbers(args[0])
		im := make([]float64, len(re))
		if len(args) > 1 {
			var ok2 bool
			if im, ok2 = seriesNumbers(args[1]); !ok2 || len(im) != len(re) {
				ok = false
			}
		}
		if !ok {
			return DynamicOf([]Dyn{nil, nil})
		}
		x := make([]complex128, len(re))
		for i := range x {
			x[i] = complex(re[i], im[i])
		}
		x = fourier(x, inverse)
		for i, c := range x {
			if inverse {
				c /= complex(float64(len(x)), 0)
			}
			re[i], im[i] = real(c), imag(c)
		}
		return DynamicOf([]Dyn{realArray(re), realArray(im)})
	}
}

// fourier is the discrete transform of any length: by halves when it is a power
// of two, else as a convolution (Bluestein). The inverse is not divided.
func fourier(x []complex128, inverse bool) []complex128 {
	n := len(x)
	if n <= 1 {
		return x
	}
	sign := -1.0
	if inverse {
		sign = 1
	}
	if n&(n-1) == 0 {
		out := append([]complex128(nil), x...)
		radix2(out, sign)
		return out
	}
	m := 1 << bits.Len(uint(2*n))
	a, b, chirp := make([]complex128, m), make([]complex128, m), make([]complex128, n)
	for i := range n {
		// i*i modulo 2n keeps the angle exact for long series.
		k := int64(i) * int64(i) % int64(2*n)
		chirp[i] = cmplx.Rect(1, sign*math.Pi*float64(k)/float64(n))
		a[i] = x[i] * chirp[i]
		c := cmplx.Conj(chirp[i])
		b[i] = c
		if i > 0 {
			b[m-i] = c
		}
	}
	radix2(a, -1)
	radix2(b, -1)
	for i := range a {
		a[i] *= b[i]
	}
	radix2(a, 1)
	out := make([]complex128, n)
	for i := range out {
		out[i] = a[i] / complex(float64(m), 0) * chirp[i]
	}
	return out
}

func radix2(x []complex128, sign float64) {
	n := len(x)
	shift := 64 - uint(bits.Len(uint(n))-1)
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		half := size / 2
		for k := range half {
			w := cmplx.Rect(1, sign*2*math.Pi*float64(k)/float64(size))
			for i := k; i < n; i += size {
				u, v := x[i], x[i+half]*w
				x[i], x[i+half] = u+v, u-v
			}
		}
	}
}
