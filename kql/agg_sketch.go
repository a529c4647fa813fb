package kql

import (
	"encoding/base64"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// The states of hll and tdigest are dynamic arrays of this program's own; those
// that a Kusto cluster wrote are not understood and read as null.
//
//	["hll", precision, [hashes]]        while there are few distinct values
//	["hll", precision, "registers"]     base64, one byte for each of 2^precision
//	["tdigest", type, [means], [weights]]

const (
	defaultAccuracy = 1
	// sparseHashes is how many distinct values a state holds one by one; counts
	// up to it are exact.
	sparseHashes = 4096
)

// precisionOf is the number of index bits for an accuracy of 0 to 4, which
// Kusto documents as errors of 1.6, 0.8, 0.4, 0.28 and 0.2 percent.
func precisionOf(accuracy int64) uint8 {
	switch {
	case accuracy <= 0:
		return 12
	case accuracy >= 4:
		return 18
	}
	return [...]uint8{12, 14, 16, 17}[accuracy]
}

// hyperLogLog estimates how many distinct hashes it was given.
type hyperLogLog struct {
	p      uint8
	sparse map[uint64]struct{} // nil once regs is used
	regs   []uint8
}

func newHyperLogLog(p uint8) *hyperLogLog {
	return &hyperLogLog{p: p, sparse: make(map[uint64]struct{})}
}

func (h *hyperLogLog) add(hash uint64) {
	if h.regs == nil {
		h.sparse[hash] = struct{}{}
		if len(h.sparse) > sparseHashes {
			h.densify()
		}
		return
	}
	i, rank := hash>>(64-h.p), uint8(bits.LeadingZeros64(hash<<h.p|1<<(h.p-1)))+1
	if h.regs[i] < rank {
		h.regs[i] = rank
	}
}

func (h *hyperLogLog) densify() {
	old := h.sparse
	h.sparse, h.regs = nil, make([]uint8, 1<<h.p)
	for hash := range old {
		h.add(hash)
	}
}

// merge adds what o has seen. Two of different precision meet at the lesser.
func (h *hyperLogLog) merge(o *hyperLogLog) {
	if o.regs == nil {
		for hash := range o.sparse {
			h.add(hash)
		}
		h.shrink(o.p)
		return
	}
	if h.regs == nil {
		h.densify()
	}
	h.shrink(o.p)
	if o.p > h.p {
		o = &hyperLogLog{p: o.p, regs: append([]uint8(nil), o.regs...)}
		o.shrink(h.p)
	}
	for i, r := range o.regs {
		h.regs[i] = max(h.regs[i], r)
	}
}

// shrink lowers the precision to p; registers fold onto the one that their
// index starts with.
func (h *hyperLogLog) shrink(p uint8) {
	if p >= h.p {
		return
	}
	if h.regs != nil {
		d := h.p - p
		regs := make([]uint8, 1<<p)
		for i, r := range h.regs {
			if r == 0 {
				continue
			}
			// The bits that leave the index stand before those that were counted.
			if low := uint64(i) & (1<<d - 1); low != 0 {
				r = uint8(bits.LeadingZeros64(low<<(64-d))) + 1
			} else {
				r += d
			}
			regs[i>>d] = max(regs[i>>d], r)
		}
		h.regs = regs
	}
	h.p = p
}

// estimate is Ertl's improved estimator, which needs no table of biases; exact
// while the hashes are kept.
func (h *hyperLogLog) estimate() int64 {
	if h.regs == nil {
		return int64(len(h.sparse))
	}
	m, q := float64(len(h.regs)), 64-int(h.p)
	counts := make([]float64, q+2)
	for _, r := range h.regs {
		counts[r]++
	}
	z := m * hllTau(1-counts[q+1]/m)
	for k := q; k >= 1; k-- {
		z = 0.5 * (z + counts[k])
	}
	z += m * hllSigma(counts[0]/m)
	return int64(math.Round(m * m / (2 * math.Ln2 * z)))
}

func hllSigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

func hllTau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}

func hashBytes(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return mix(h)
}

func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix spreads the bits of an FNV hash, whose high ones are weak.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

func (h *hyperLogLog) state() Dyn {
	if h.regs != nil {
		return []Dyn{"hll", int64(h.p), base64.StdEncoding.EncodeToString(h.regs)}
	}
	hashes := slices.Sorted(maps.Keys(h.sparse))
	items := make([]Dyn, len(hashes))
	for i, hash := range hashes {
		items[i] = int64(hash)
	}
	return []Dyn{"hll", int64(h.p), items}
}

// hllOfState reads a state; nil when it is none.
func hllOfState(d Dyn) *hyperLogLog {
	parts, ok := d.([]Dyn)
	if !ok || len(parts) != 3 || parts[0] != "hll" {
		return nil
	}
	p, ok := parts[1].(int64)
	if !ok || p < 4 || p > 18 {
		return nil
	}
	h := newHyperLogLog(uint8(p))
	switch x := parts[2].(type) {
	case []Dyn:
		if len(x) > sparseHashes {
			return nil
		}
		for _, e := range x {
			hash, ok := e.(int64)
			if !ok {
				return nil
			}
			h.add(uint64(hash))
		}
		return h
	case string:
		regs, err := base64.StdEncoding.DecodeString(x)
		if err != nil || len(regs) != 1<<p {
			return nil
		}
		for _, r := range regs {
			if int(r) > 65-int(p) {
				return nil
			}
		}
		h.sparse, h.regs = nil, regs
		return h
	}
	return nil
}

// hllAcc gathers the state of a distinct count.
type hllAcc struct {
	h   *hyperLogLog
	buf []byte
}

func newHLL(_ []Type, consts []*Value) Accumulator {
	return &hllAcc{h: newHyperLogLog(precisionOf(constInt(consts, 1, defaultAccuracy)))}
}

func (a *hllAcc) Add(args []Value) {
	if !args[0].IsNull() {
		a.buf = appendKey(a.buf[:0], args[0])
		a.h.add(hashBytes(a.buf))
	}
}
func (a *hllAcc) Result() Value { return DynamicOf(a.h.state()) }

// hllMerge merges states; what is no state is skipped. Null when there is none.
type hllMerge struct{ h *hyperLogLog }

func newHLLMerge([]Type, []*Value) Accumulator { return new(hllMerge) }

func (a *hllMerge) Add(args []Value) {
	h := hllOfState(args[0].Dynamic())
	switch {
	case h == nil:
	case a.h == nil:
		a.h = h
	default:
		a.h.merge(h)
	}
}

func (a *hllMerge) Result() Value {
	if a.h == nil {
		return Null(Dynamic)
	}
	return DynamicOf(a.h.state())
}

// tdigestAcc gathers the state of percentiles.
type tdigestAcc struct {
	t        Type
	weighted bool
	d        *digest
}

func newTDigest(types []Type, _ []*Value) Accumulator {
	return &tdigestAcc{t: typeAt(types, 0), weighted: len(types) > 1, d: newDigest()}
}

func (a *tdigestAcc) Add(args []Value) {
	w := 1.0
	if a.weighted && len(args) > 1 {
		w = numberOf(args[1])
	}
	if !args[0].IsNull() && w > 0 {
		a.d.add(numberOf(args[0]), w)
	}
}
func (a *tdigestAcc) Result() Value { return DynamicOf(a.d.state(a.t)) }

// tdigestMerge merges states; what is no state is skipped. Null when there is
// none.
type tdigestMerge struct {
	t Type
	d *digest
}

func newTDigestMerge([]Type, []*Value) Accumulator { return new(tdigestMerge) }

func (a *tdigestMerge) Add(args []Value) {
	d, t := digestOfState(args[0].Dynamic())
	switch {
	case d == nil:
	case a.d == nil:
		a.d, a.t = d, t
	default:
		a.d.merge(d)
		a.t = Widest(a.t, t)
	}
}

func (a *tdigestMerge) Result() Value {
	if a.d == nil {
		return Null(Dynamic)
	}
	return DynamicOf(a.d.state(a.t))
}
