package kql

import (
	"fmt"
	"slices"
)

// SequenceSpec is sequence_detect: rows that meet the conditions one after
// another, each at most MaxStep after the one before and all within MaxSpan.
// The output is Dims, the time of each step, and the duration.
type SequenceSpec struct {
	Time             Compute
	TimeType         Type
	MaxStep, MaxSpan int64
	Steps            []Compute
	Dims             []Compute
}

// NewSequenceDetect makes the operator.
func NewSequenceDetect(spec SequenceSpec) (RowOperator, error) {
	if len(spec.Steps) == 0 || len(spec.Steps) > 64 {
		return nil, fmt.Errorf("there must be from 1 to 64 conditions")
	}
	return &sequenceOp{spec}, nil
}

type sequenceOp struct{ SequenceSpec }

// stepRow is a row with the steps that it meets.
type stepRow struct {
	t     int64
	steps uint64
}

func (o *sequenceOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper("sequence_detect")
	type group struct {
		dims []Value
		rows []stepRow
	}
	groups := make(map[string]*group)
	var order []*group
	var key []byte
	dims := make([]Value, len(o.Dims))
	err := eachRow(ins[0], func(row []Value) error {
		at := o.Time(row)
		if at.IsNull() {
			return nil
		}
		r := stepRow{t: at.Int()}
		for i, s := range o.Steps {
			if s(row).Bool() {
				r.steps |= 1 << i
			}
		}
		if r.steps == 0 {
			return nil
		}
		for i, d := range o.Dims {
			dims[i] = d(row)
		}
		key = appendRowKey(key[:0], dims)
		g := groups[string(key)]
		if g == nil {
			g = &group{dims: slices.Clone(dims)}
			groups[string(key)] = g
			order = append(order, g)
			if err := keep.add(len(key) + rowBytes(dims) + 96); err != nil {
				return err
			}
		}
		g.rows = append(g.rows, r)
		return keep.add(16)
	})
	if err != nil {
		return err
	}
	tries := 0
	for _, g := range order {
		slices.SortStableFunc(g.rows, func(a, b stepRow) int { return orderOf(LongOf(a.t), LongOf(b.t)) })
		times := make([]int64, len(o.Steps))
		var follow func(step, from int) error
		follow = func(step, from int) error {
			if step == len(o.Steps) {
				row := slices.Clone(g.dims)
				for _, t := range times {
					row = append(row, ofTicks(o.TimeType, t))
				}
				span := times[step-1] - times[0]
				if o.TimeType == DateTime || o.TimeType == TimeSpan {
					return emit(append(row, TimeSpanOf(span)))
				}
				return emit(append(row, ofTicks(o.TimeType, span)))
			}
			for i := from; i < len(g.rows); i++ {
				r := &g.rows[i]
				if step > 0 && (r.t-times[step-1] > o.MaxStep || r.t-times[0] > o.MaxSpan) {
					break
				}
				if tries++; tries > maxSteps {
					return fmt.Errorf("sequence_detect: there are too many sequences; narrow the windows: %w", ErrTooLarge)
				}
				if r.steps>>step&1 == 0 {
					continue
				}
				times[step] = r.t
				if err := follow(step+1, i+1); err != nil {
					return err
				}
			}
			return nil
		}
		if err := follow(0, 0); err != nil {
			return err
		}
	}
	return nil
}

// FunnelSpec is funnel_sequence and funnel_sequence_completion: the states that
// ids go through. Bins are Step wide from Start on.
type FunnelSpec struct {
	ID, Time, State     Compute
	IDType              Type
	TimeType, StateType Type
	Start, End, Step    int64
	Sequence            []Value // of StateType
	MaxStep             int64   // funnel_sequence: between two rows that follow each other
	Periods             []int64 // funnel_sequence_completion: from the first step on
}

// maxSamples is how many ids funnel_sequence shows for a row.
const maxSamples = 128

// NewFunnel makes the operator. Without Periods it is funnel_sequence: its rows
// are the bin, the states just before and just after the sequence, how many ids
// went that way, and some of them. With Periods they are the bin, a state of the
// sequence, a period, and how many ids came to the state within it.
func NewFunnel(spec FunnelSpec) (RowOperator, error) {
	if len(spec.Sequence) == 0 || spec.Step <= 0 || spec.End < spec.Start || (spec.End-spec.Start)/spec.Step >= maxBins {
		return nil, fmt.Errorf("the sequence must not be empty, the step positive, and there are at most %d bins", maxBins)
	}
	return &funnelOp{spec}, nil
}

type funnelOp struct{ FunnelSpec }

type funnelRow struct {
	t     int64
	state Value
}

type funnelID struct {
	id   Value
	rows []funnelRow
}

func (o *funnelOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper("funnel_sequence")
	people := make(map[string]*funnelID)
	var order []*funnelID
	var key []byte
	err := eachRow(ins[0], func(row []Value) error {
		at := o.Time(row)
		if at.IsNull() || at.Int() < o.Start || at.Int() > o.End {
			return nil
		}
		id := o.ID(row)
		key = appendKey(key[:0], id)
		p := people[string(key)]
		if p == nil {
			p = &funnelID{id: id}
			people[string(key)] = p
			order = append(order, p)
			if err := keep.add(2*len(key) + 160); err != nil {
				return err
			}
		}
		state := o.State(row)
		p.rows = append(p.rows, funnelRow{at.Int(), state})
		return keep.add(valueBytes(state) + 8)
	})
	if err != nil {
		return err
	}
	for _, p := range order {
		slices.SortStableFunc(p.rows, func(a, b funnelRow) int { return orderOf(LongOf(a.t), LongOf(b.t)) })
	}
	if o.Periods != nil {
		return o.completion(order, emit)
	}
	return o.around(order, emit)
}

func (o *funnelOp) bin(t int64) int64 { return o.Start + binStart(t-o.Start, o.Step) }

func (o *funnelOp) around(people []*funnelID, emit func([]Value) error) error {
	type way struct {
		bin        int64
		prev, next Value
		ids        []Dyn
		count      int64
		last       *funnelID
	}
	ways := make(map[string]*way)
	var order []*way
	for _, p := range people {
		for i := 0; i+len(o.Sequence) <= len(p.rows); i++ {
			if !o.starts(p.rows[i:]) {
				continue
			}
			end := i + len(o.Sequence)
			prev, next := Null(o.StateType), Null(o.StateType)
			if i > 0 && p.rows[i].t-p.rows[i-1].t <= o.MaxStep {
				prev = p.rows[i-1].state
			}
			if end < len(p.rows) && p.rows[end].t-p.rows[end-1].t <= o.MaxStep {
				next = p.rows[end].state
			}
			b := o.bin(p.rows[i].t)
			key := string(appendRowKey(nil, []Value{LongOf(b), prev, next}))
			w := ways[key]
			if w == nil {
				w = &way{bin: b, prev: prev, next: next, ids: []Dyn{}}
				ways[key] = w
				order = append(order, w)
			}
			if w.last != p {
				w.last = p
				if w.count++; len(w.ids) < maxSamples {
					w.ids = append(w.ids, dynOf(p.id))
				}
			}
		}
	}
	for _, w := range order {
		if err := emit([]Value{ofTicks(o.TimeType, w.bin), w.prev, w.next, LongOf(w.count), DynamicOf(w.ids)}); err != nil {
			return err
		}
	}
	return nil
}

// starts tells whether rows begin with the sequence.
func (o *funnelOp) starts(rows []funnelRow) bool {
	for k, s := range o.Sequence {
		if orderOf(rows[k].state, s) != 0 || k > 0 && rows[k].t-rows[k-1].t > o.MaxStep {
			return false
		}
	}
	return true
}

func (o *funnelOp) completion(people []*funnelID, emit func([]Value) error) error {
	type cell struct {
		bin          int64
		period, step int
	}
	counts := make(map[cell]int64)
	bins := make(map[int64]bool)
	for _, p := range people {
		reached := make(map[cell]bool)
		for i, r := range p.rows {
			if orderOf(r.state, o.Sequence[0]) != 0 {
				continue
			}
			b := o.bin(r.t)
			bins[b] = true
			for n, period := range o.Periods {
				step := 0
				for _, next := range p.rows[i:] {
					if next.t-r.t > period || step == len(o.Sequence) {
						break
					}
					if orderOf(next.state, o.Sequence[step]) == 0 {
						reached[cell{b, n, step}] = true
						step++
					}
				}
			}
		}
		for c := range reached {
			counts[c]++
		}
	}
	sorted := make([]int64, 0, len(bins))
	for b := range bins {
		sorted = append(sorted, b)
	}
	slices.Sort(sorted)
	for _, b := range sorted {
		for n, period := range o.Periods {
			for step, s := range o.Sequence {
				if err := emit([]Value{ofTicks(o.TimeType, b), s, TimeSpanOf(period), LongOf(counts[cell{b, n, step}])}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
