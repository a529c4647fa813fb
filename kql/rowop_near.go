package kql

import (
	"fmt"
	"net/netip"
	"slices"
)

// NewRowsNear is rows_near: rows that are at most before rows before, or after
// rows after, one for which the condition is true; in their order.
func NewRowsNear(cond Compute, before, after int64) (RowOperator, error) {
	if before < 0 || after < 0 {
		return nil, fmt.Errorf("the number of rows must not be negative")
	}
	return &rowsNear{cond, before, after}, nil
}

type rowsNear struct {
	cond          Compute
	before, after int64
}

func (o *rowsNear) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper("rows_near")
	var held [][]Value // the last rows that were not emitted
	left := int64(0)
	return eachRow(ins[0], func(row []Value) error {
		if o.cond(row).Bool() {
			for _, h := range held {
				if err := emit(h); err != nil {
					return err
				}
				keep.left += int64(rowBytes(h))
			}
			held, left = held[:0], o.after
			return emit(row)
		}
		if left > 0 {
			left--
			return emit(row)
		}
		if o.before == 0 {
			return nil
		}
		if int64(len(held)) == o.before {
			keep.left += int64(rowBytes(held[0]))
			held = held[1:]
		}
		kept, err := keep.row(row)
		held = append(held, kept)
		return err
	})
}

// RollingSpec is rolling_percentile: the percentile, by nearest rank, of Value
// over the Bins bins that end with each bin of Index. Its output is the bin, the
// Dims and the percentile.
type RollingSpec struct {
	Value, Index         Compute
	ValueType, IndexType Type
	Percentile           float64
	Size, Bins           int64
	Dims                 []Compute
}

// NewRollingPercentile makes the operator.
func NewRollingPercentile(spec RollingSpec) (RowOperator, error) {
	if spec.Size <= 0 || spec.Bins <= 0 || spec.Bins > maxBins {
		return nil, fmt.Errorf("the size of a bin must be positive, and a window has from 1 to %d bins", maxBins)
	}
	return &rollingOp{spec}, nil
}

type rollingOp struct{ RollingSpec }

func (o *rollingOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper("rolling_percentile")
	type group struct {
		dims []Value
		bins map[int64][]Value
	}
	groups := make(map[string]*group)
	var order []*group
	var key []byte
	dims := make([]Value, len(o.Dims))
	err := eachRow(ins[0], func(row []Value) error {
		at, v := o.Index(row), o.Value(row)
		if at.IsNull() {
			return nil
		}
		for i, d := range o.Dims {
			dims[i] = d(row)
		}
		key = appendRowKey(key[:0], dims)
		g := groups[string(key)]
		if g == nil {
			g = &group{slices.Clone(dims), make(map[int64][]Value)}
			groups[string(key)] = g
			order = append(order, g)
		}
		b := binStart(at.Int(), o.Size)
		g.bins[b] = append(g.bins[b], v)
		return keep.add(valueBytes(v) + 8)
	})
	if err != nil {
		return err
	}
	for _, g := range order {
		bins := make([]int64, 0, len(g.bins))
		for b := range g.bins {
			bins = append(bins, b)
		}
		slices.Sort(bins)
		for i, b := range bins {
			var window weightedValues
			for j := i; j >= 0 && bins[j] > b-o.Size*o.Bins; j-- {
				for _, v := range g.bins[bins[j]] {
					window.add(v, 1)
				}
			}
			row := append([]Value{ofTicks(o.IndexType, b)}, g.dims...)
			if err := emit(append(row, window.at(o.Percentile, o.ValueType))); err != nil {
				return err
			}
		}
	}
	return nil
}

func ofTicks(t Type, n int64) Value {
	switch t {
	case DateTime:
		return DateTimeOf(n)
	case TimeSpan:
		return TimeSpanOf(n)
	case Int:
		return IntOf(n)
	}
	return LongOf(n)
}

// NewDcountIntersect is dcount_intersect: it appends, for hlls h0, h1 ..., the
// number of values in h0, in h0 and h1, and so on.
func NewDcountIntersect(hlls []Compute) (RowOperator, error) {
	if len(hlls) < 2 || len(hlls) > 16 {
		return nil, fmt.Errorf("there must be from 2 to 16 hlls")
	}
	return &dcountIntersect{hlls}, nil
}

type dcountIntersect struct{ hlls []Compute }

func (o *dcountIntersect) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	return eachRow(ins[0], func(row []Value) error {
		out := slices.Clone(row)
		var states []*hyperLogLog
		valid := true
		for _, h := range o.hlls {
			s := hllOfState(h(row).Dynamic())
			valid = valid && s != nil
			states = append(states, s)
			if !valid {
				out = append(out, Null(Long))
				continue
			}
			out = append(out, LongOf(intersection(states)))
		}
		return emit(out)
	})
}

// intersection counts common values: one by one while the states hold them, else
// by inclusion and exclusion of the estimates of all unions.
func intersection(states []*hyperLogLog) int64 {
	exact := true
	for _, s := range states {
		exact = exact && s.regs == nil
	}
	if exact {
		n := int64(0)
		for hash := range states[0].sparse {
			all := true
			for _, s := range states[1:] {
				_, ok := s.sparse[hash]
				all = all && ok
			}
			n += int64(oneIf(all))
		}
		return n
	}
	n := int64(0)
	for set := 1; set < 1<<len(states); set++ {
		union, members := newHyperLogLog(18), 0
		for i, s := range states {
			if set>>i&1 == 1 {
				union.merge(s)
				members++
			}
		}
		if members%2 == 1 {
			n += union.estimate()
		} else {
			n -= union.estimate()
		}
	}
	return max(0, n)
}

// IPLookupSpec is ipv4_lookup and ipv6_lookup: rows of input 0 with the rows of
// input 1 whose network holds their address, and whose Extra keys are equal.
type IPLookupSpec struct {
	Key, Network       Compute // texts; either may have a prefix
	Extra, ExtraLookup []Compute
	V6                 bool // IPv4 is taken as mapped
	LookupTypes        []Type
	// LookupOut are the columns of input 1 that come out, after those of input 0.
	LookupOut []int
	// Unmatched keeps rows that match nothing, with nulls.
	Unmatched bool
}

// NewIPLookup makes the operator.
func NewIPLookup(spec IPLookupSpec) RowOperator { return &ipLookup{spec} }

type ipLookup struct{ IPLookupSpec }

func (o *ipLookup) parse(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return p, false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	a, bits := p.Addr(), p.Bits()
	switch {
	case o.V6 && a.Is4():
		a, bits = netip.AddrFrom16(a.As16()), bits+96
	case !o.V6 && !a.Is4():
		return p, false
	}
	m, err := a.WithZone("").Prefix(bits)
	return m, err == nil
}

func (o *ipLookup) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper("ip_lookup")
	networks := make(map[netip.Prefix][][]Value)
	lengths := make(map[int]bool)
	err := eachRow(ins[1], func(row []Value) error {
		if p, ok := o.parse(o.Network(row).Str()); ok {
			kept, err := keep.row(row)
			networks[p] = append(networks[p], kept)
			lengths[p.Bits()] = true
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	var order []int
	for n := range lengths {
		order = append(order, n)
	}
	slices.Sort(order)
	slices.Reverse(order)
	var out []Value
	return eachRow(ins[0], func(row []Value) error {
		matched := false
		if p, ok := o.parse(o.Key(row).Str()); ok {
			for _, n := range order {
				// Of two networks the wider one decides.
				net, err := p.Addr().Prefix(min(n, p.Bits()))
				if err != nil || n > p.Bits() {
					continue
				}
				for _, found := range networks[net] {
					if !o.equalKeys(row, found) {
						continue
					}
					matched = true
					out = append(out[:0], row...)
					for _, c := range o.LookupOut {
						out = append(out, found[c])
					}
					if err := emit(out); err != nil {
						return err
					}
				}
			}
		}
		if matched || !o.Unmatched {
			return nil
		}
		out = append(out[:0], row...)
		for _, c := range o.LookupOut {
			out = append(out, Null(o.LookupTypes[c]))
		}
		return emit(out)
	})
}

func (o *ipLookup) equalKeys(row, found []Value) bool {
	for i, x := range o.Extra {
		if orderOf(x(row), o.ExtraLookup[i](found)) != 0 {
			return false
		}
	}
	return true
}
