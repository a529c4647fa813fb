package kql

import (
	"math"
	"sort"
)

// digestExact is how many distinct values percentile keeps in a group before it
// goes over to a t-digest, for numbers, dates and spans. Values of other types
// stay exact.
const digestExact = 1 << 20

// percentileAcc is percentile, percentiles, their weighted forms and the array
// forms. The value at percentile p of n values is the one of rank ceil(p*n/100),
// so it is always a value of the data. Nulls are skipped, and rows whose weight
// is not positive.
type percentileAcc struct {
	t        Type
	weighted bool
	array    bool
	ranks    []float64
	gather   weightedValues
}

func newPercentiles(weighted, array bool) func([]Type, []*Value) Accumulator {
	return func(types []Type, consts []*Value) Accumulator {
		p := &percentileAcc{t: typeAt(types, 0), weighted: weighted, array: array}
		if p.t == Decimal {
			p.t = Real // percentiles of decimals are reals
		}
		first := 1
		if weighted {
			first = 2
		}
		for i := first; i < len(consts); i++ {
			if consts[i] == nil {
				p.ranks = append(p.ranks, math.NaN())
				continue
			}
			if list, ok := consts[i].Dynamic().([]Dyn); ok {
				for _, e := range list {
					p.ranks = append(p.ranks, floatOf(e))
				}
				continue
			}
			p.ranks = append(p.ranks, numberOf(*consts[i]))
		}
		return p
	}
}

func (p *percentileAcc) Add(args []Value) {
	if p.ranks == nil || len(p.ranks) > 0 && anyNaN(p.ranks) {
		p.learn(args)
	}
	weight := 1.0
	if p.weighted {
		weight = numberOf(args[1])
	}
	x := args[0]
	if x.Type() == Decimal && !x.IsNull() {
		x = RealOf(numberOf(x))
	}
	p.gather.add(x, weight)
}

// learn takes percentiles that were no constants of the site from the first row.
func (p *percentileAcc) learn(args []Value) {
	first := 1
	if p.weighted {
		first = 2
	}
	var ranks []float64
	for _, a := range args[first:] {
		if list, ok := a.Dynamic().([]Dyn); ok {
			for _, e := range list {
				ranks = append(ranks, floatOf(e))
			}
			continue
		}
		ranks = append(ranks, numberOf(a))
	}
	p.ranks = ranks
}

func anyNaN(fs []float64) bool {
	for _, f := range fs {
		if f != f {
			return true
		}
	}
	return false
}

func (p *percentileAcc) Result() Value {
	if p.array {
		items := []Dyn{}
		for _, v := range p.values() {
			items = append(items, dynOf(v))
		}
		return DynamicOf(items)
	}
	if v := p.values(); len(v) > 0 {
		return v[0]
	}
	return Null(p.t)
}

func (p *percentileAcc) Results() []Value {
	if p.array {
		return []Value{p.Result()}
	}
	return p.values()
}

func (p *percentileAcc) values() []Value {
	out := make([]Value, len(p.ranks))
	for i, r := range p.ranks {
		out[i] = p.gather.at(r, p.t)
	}
	return out
}

// floatOf is a number of a dynamic; NaN of what is none.
func floatOf(d Dyn) float64 {
	switch x := d.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	}
	return math.NaN()
}

// weightedValues gathers values with weights and finds one by rank.
type weightedValues struct {
	items  []weightedValue
	sorted bool
	digest *digest
	total  float64
}

type weightedValue struct {
	v Value
	w float64
}

func (g *weightedValues) add(v Value, weight float64) {
	if v.IsNull() || !(weight > 0) {
		return
	}
	g.total += weight
	if g.digest != nil {
		g.digest.add(numberOf(v), weight)
		return
	}
	g.items = append(g.items, weightedValue{v, weight})
	g.sorted = false
	if len(g.items) <= digestExact {
		return
	}
	switch v.Type() {
	case Int, Long, Real, Decimal, DateTime, TimeSpan:
		g.digest = newDigest()
		for _, it := range g.items {
			g.digest.add(numberOf(it.v), it.w)
		}
		g.items = nil
	}
}

// at is the value at percentile p, which is cut to 0..100.
func (g *weightedValues) at(p float64, t Type) Value {
	if g.total == 0 || p != p {
		return Null(t)
	}
	p = math.Max(0, math.Min(100, p))
	if g.digest != nil {
		return ofNumber(t, g.digest.quantile(p/100))
	}
	if !g.sorted {
		sort.SliceStable(g.items, func(i, j int) bool { return orderOf(g.items[i].v, g.items[j].v) < 0 })
		g.sorted = true
	}
	// The multiplication must not lift an exact rank over its integer.
	rank := p * g.total / 100
	rank -= rank * 1e-12
	sum := 0.0
	for _, it := range g.items {
		if sum += it.w; sum >= rank {
			return it.v
		}
	}
	return g.items[len(g.items)-1].v
}

// ofNumber is a number as a value of a type that can be summed.
func ofNumber(t Type, f float64) Value {
	switch t {
	case Int:
		return IntOf(int64(math.Round(f)))
	case Long:
		return LongOf(int64(math.Round(f)))
	case DateTime:
		return DateTimeOf(int64(math.Round(f)))
	case TimeSpan:
		return TimeSpanOf(int64(math.Round(f)))
	case Decimal:
		return decimalOfFloat(f)
	}
	return RealOf(f)
}
