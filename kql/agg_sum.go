package kql

import (
	"math"
	"math/big"
)

// newSum is sum: integers wrap as Kusto's do, nulls are skipped, nothing sums to
// zero.
func newSum(types []Type, _ []*Value) Accumulator {
	switch t := typeAt(types, 0); t {
	case Real, Unknown:
		return new(sumReal)
	case Decimal:
		return &sumDecimal{sum: new(big.Rat)}
	case Int, Long:
		return &sumTicks{t: Long}
	default:
		return &sumTicks{t: t}
	}
}

type sumTicks struct {
	t Type
	n int64
}

func (s *sumTicks) Add(args []Value) {
	if !args[0].IsNull() {
		s.n += args[0].Int()
	}
}

func (s *sumTicks) Result() Value {
	switch s.t {
	case TimeSpan:
		return TimeSpanOf(s.n)
	case DateTime:
		if s.n < 0 || s.n > MaxDateTimeTicks {
			return Null(DateTime)
		}
		return DateTimeOf(s.n)
	}
	return LongOf(s.n)
}

type sumReal struct{ f float64 }

func (s *sumReal) Add(args []Value) {
	if !args[0].IsNull() {
		s.f += numberOf(args[0])
	}
}
func (s *sumReal) Result() Value { return RealOf(s.f) }

type sumDecimal struct{ sum *big.Rat }

func (s *sumDecimal) Add(args []Value) {
	if r := ratOf(args[0]); r != nil && !args[0].IsNull() {
		s.sum.Add(s.sum, r)
	}
}
func (s *sumDecimal) Result() Value { return decimalOfRat(s.sum) }

// newAvg is avg: the mean of what is not null. Of nothing it is NaN for numbers
// and null for dates, spans and decimals.
func newAvg(types []Type, _ []*Value) Accumulator {
	switch t := typeAt(types, 0); t {
	case Decimal:
		return &avgDecimal{sum: new(big.Rat)}
	case DateTime, TimeSpan:
		return &avgTicks{t: t, sum: new(big.Int)}
	case Long:
		return new(avgLong)
	}
	return new(avgReal)
}

// avgLong overflows as sum does.
type avgLong struct{ sum, n int64 }

func (a *avgLong) Add(args []Value) {
	if !args[0].IsNull() {
		a.sum += args[0].Int()
		a.n++
	}
}
func (a *avgLong) Result() Value {
	if a.n == 0 {
		return RealOf(math.NaN())
	}
	return RealOf(float64(a.sum) / float64(a.n))
}

type avgReal struct {
	sum float64
	n   int64
}

func (a *avgReal) Add(args []Value) {
	if !args[0].IsNull() {
		a.sum += numberOf(args[0])
		a.n++
	}
}
func (a *avgReal) Result() Value {
	if a.n == 0 {
		return RealOf(math.NaN())
	}
	return RealOf(a.sum / float64(a.n))
}

// avgTicks sums without overflow, which dates reach with the 15th row.
type avgTicks struct {
	t    Type
	sum  *big.Int
	part int64 // not yet in sum
	n    int64
}

func (a *avgTicks) Add(args []Value) {
	v := args[0]
	if v.IsNull() {
		return
	}
	a.n++
	x := v.Int()
	if a.part > 0 && x > math.MaxInt64-a.part || a.part < 0 && x < math.MinInt64-a.part {
		a.sum.Add(a.sum, big.NewInt(a.part))
		a.part = 0
	}
	a.part += x
}

func (a *avgTicks) Result() Value {
	if a.n == 0 {
		return Null(a.t)
	}
	total := new(big.Int).Add(a.sum, big.NewInt(a.part))
	ticks := total.Quo(total, big.NewInt(a.n)).Int64()
	if a.t == DateTime {
		return DateTimeOf(ticks)
	}
	return TimeSpanOf(ticks)
}

type avgDecimal struct {
	sum *big.Rat
	n   int64
}

func (a *avgDecimal) Add(args []Value) {
	if r := ratOf(args[0]); r != nil && !args[0].IsNull() {
		a.sum.Add(a.sum, r)
		a.n++
	}
}
func (a *avgDecimal) Result() Value {
	if a.n == 0 {
		return Null(Decimal)
	}
	return decimalOfRat(new(big.Rat).Quo(a.sum, new(big.Rat).SetInt64(a.n)))
}

// momentAcc is variance and stdev, by Welford's recurrence. Fewer values than
// would make a denominator give 0.
type momentAcc struct {
	root, sample bool
	n            float64
	mean, m2     float64
}

func newMoment(root, sample bool) func([]Type, []*Value) Accumulator {
	return func([]Type, []*Value) Accumulator { return &momentAcc{root: root, sample: sample} }
}

func (m *momentAcc) Add(args []Value) {
	if args[0].IsNull() {
		return
	}
	x := numberOf(args[0])
	m.n++
	d := x - m.mean
	m.mean += d / m.n
	m.m2 += d * (x - m.mean)
}

func (m *momentAcc) Result() Value {
	n := m.n
	if m.sample {
		n--
	}
	if n <= 0 {
		return RealOf(0)
	}
	if v := m.m2 / n; m.root {
		return RealOf(math.Sqrt(v))
	} else {
		return RealOf(v)
	}
}

// covarianceAcc counts rows in which both values are there.
type covarianceAcc struct {
	sample       bool
	n            float64
	meanX, meanY float64
	c            float64
}

func newCovariance(sample bool) func([]Type, []*Value) Accumulator {
	return func([]Type, []*Value) Accumulator { return &covarianceAcc{sample: sample} }
}

func (c *covarianceAcc) Add(args []Value) {
	if args[0].IsNull() || args[1].IsNull() {
		return
	}
	x, y := numberOf(args[0]), numberOf(args[1])
	c.n++
	dx := x - c.meanX
	c.meanX += dx / c.n
	c.meanY += (y - c.meanY) / c.n
	c.c += dx * (y - c.meanY)
}

func (c *covarianceAcc) Result() Value {
	n := c.n
	if c.sample {
		n--
	}
	if n <= 0 {
		return RealOf(0)
	}
	return RealOf(c.c / n)
}

// binaryAll is binary_all_and, _or and _xor; null when there is no value.
type binaryAll struct {
	op  byte
	t   Type
	any bool
	n   int64
}

func newBinary(op byte) func([]Type, []*Value) Accumulator {
	return func(types []Type, _ []*Value) Accumulator { return &binaryAll{op: op, t: typeAt(types, 0)} }
}

func (b *binaryAll) Add(args []Value) {
	v := args[0]
	if v.IsNull() {
		return
	}
	n := v.Int()
	if v.Type() == Real || v.Type() == Decimal {
		n = int64(numberOf(v))
	}
	switch {
	case !b.any:
		b.n, b.any = n, true
	case b.op == '&':
		b.n &= n
	case b.op == '|':
		b.n |= n
	default:
		b.n ^= n
	}
}

func (b *binaryAll) Result() Value {
	if !b.any {
		return Null(b.t)
	}
	switch b.t {
	case Int:
		return IntOf(b.n)
	case Real:
		return RealOf(float64(b.n))
	case Decimal:
		return decimalOfRat(new(big.Rat).SetInt64(b.n))
	case DateTime:
		return DateTimeOf(b.n)
	case TimeSpan:
		return TimeSpanOf(b.n)
	}
	return LongOf(b.n)
}
