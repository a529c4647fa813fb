package kql

import (
	"math"
	"slices"
	"sort"
)

// centroids is how many distinct values a t-digest keeps apart; up to it
// everything it says is exact, above it errors are a few tenths of a percent in
// the middle and less towards the ends.
const centroids = 1000

// digest is a merging t-digest: means of neighbouring values with their weights.
type digest struct {
	done []centroid // sorted by mean, distinct
	buf  []centroid
	n    float64
}

type centroid struct {
	mean, weight float64
	single       bool // all values are the mean
}

func newDigest() *digest { return new(digest) }

func (d *digest) add(x, weight float64) {
	if x != x || !(weight > 0) || math.IsInf(weight, 0) {
		return
	}
	d.n += weight
	if d.buf = append(d.buf, centroid{x, weight, true}); len(d.buf) >= 8*centroids {
		d.compress()
	}
}

func (d *digest) merge(o *digest) {
	o.compress()
	d.buf = append(d.buf, o.done...)
	d.n += o.n
	d.compress()
}

func (d *digest) compress() {
	if len(d.buf) == 0 {
		return
	}
	all := append(d.buf, d.done...)
	sort.Slice(all, func(i, j int) bool { return all[i].mean < all[j].mean })
	merged := all[:1]
	for _, c := range all[1:] {
		if last := &merged[len(merged)-1]; last.mean == c.mean {
			last.weight += c.weight
			last.single = last.single && c.single
			continue
		}
		merged = append(merged, c)
	}
	if len(merged) > centroids {
		merged = d.squeeze(merged)
	}
	d.done, d.buf = slices.Clone(merged), d.buf[:0]
}

// squeeze joins neighbours as long as their weight stays under a bound that is
// narrow at the ends.
func (d *digest) squeeze(in []centroid) []centroid {
	out, before := in[:1], 0.0
	for _, c := range in[1:] {
		last := &out[len(out)-1]
		sum := last.weight + c.weight
		q := (before + sum/2) / d.n
		if sum <= 4*d.n*q*(1-q)/centroids && !math.IsInf(c.mean, 0) && !math.IsInf(last.mean, 0) {
			last.mean += (c.mean - last.mean) * c.weight / sum
			last.weight, last.single = sum, false
			continue
		}
		before += last.weight
		out = append(out, c)
	}
	return out
}

// quantile is the value at 0 <= q <= 1; NaN when there is none. Values that are
// kept apart are found by nearest rank, others are interpolated.
func (d *digest) quantile(q float64) float64 {
	d.compress()
	if len(d.done) == 0 {
		return math.NaN()
	}
	rank := math.Max(0, math.Min(1, q)) * d.n
	rank -= rank * 1e-12
	sum := 0.0
	for i, c := range d.done {
		if sum+c.weight < rank {
			sum += c.weight
			continue
		}
		if c.single {
			return c.mean
		}
		lo, hi := d.bounds(i)
		return lo + (hi-lo)*(rank-sum)/c.weight
	}
	return d.done[len(d.done)-1].mean
}

// bounds is the range that the values of a joined centroid spread over.
func (d *digest) bounds(i int) (lo, hi float64) {
	c := d.done[i]
	lo, hi = c.mean, c.mean
	if i > 0 && !math.IsInf(d.done[i-1].mean, 0) {
		lo = (d.done[i-1].mean + c.mean) / 2
	}
	if i+1 < len(d.done) && !math.IsInf(d.done[i+1].mean, 0) {
		hi = (d.done[i+1].mean + c.mean) / 2
	}
	return lo, hi
}

// rank is how much weight is at or below x.
func (d *digest) rank(x float64) float64 {
	d.compress()
	sum := 0.0
	for i, c := range d.done {
		if c.single {
			if c.mean > x {
				return sum
			}
			sum += c.weight
			continue
		}
		lo, hi := d.bounds(i)
		switch {
		case x >= hi:
			sum += c.weight
		case x <= lo:
			return sum
		default:
			return sum + c.weight*(x-lo)/(hi-lo)
		}
	}
	return sum
}

func (d *digest) state(t Type) Dyn {
	d.compress()
	means, weights := make([]Dyn, len(d.done)), make([]Dyn, len(d.done))
	for i, c := range d.done {
		means[i] = c.mean
		// A negative weight marks values that were joined.
		if weights[i] = c.weight; !c.single {
			weights[i] = -c.weight
		}
	}
	return []Dyn{"tdigest", t.String(), means, weights}
}

// digestOfState reads a state and the type of its values; nil when it is none.
func digestOfState(s Dyn) (*digest, Type) {
	parts, ok := s.([]Dyn)
	if !ok || len(parts) != 4 || parts[0] != "tdigest" {
		return nil, Unknown
	}
	name, _ := parts[1].(string)
	t, _ := ParseType(name)
	means, ok1 := parts[2].([]Dyn)
	weights, ok2 := parts[3].([]Dyn)
	if !ok1 || !ok2 || len(means) != len(weights) || len(means) > 16*centroids {
		return nil, Unknown
	}
	d := newDigest()
	for i := range means {
		m, w := floatOf(means[i]), floatOf(weights[i])
		if m != m || w != w || w == 0 || math.IsInf(w, 0) {
			return nil, Unknown
		}
		d.buf = append(d.buf, centroid{m, math.Abs(w), w > 0})
		d.n += math.Abs(w)
	}
	return d, t
}
