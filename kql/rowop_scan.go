package kql

import "slices"

// ScanSpec is the operator scan.
//
// Conditions and assignments are functions over a row of Width() values: first
// the record, that is Cols input columns and the declared ones, then the state
// of each step in the same layout, so that column c of step s is at
// Column(s, c). In the record a declared column has its default; in the state of
// a step without a match it has its default as well, and input columns are null.
type ScanSpec struct {
	Types   []Type  // of the input columns
	Declare []Value // defaults of the declared columns
	Steps   []ScanStepSpec
	// MatchID adds a long after the declared columns: the number, from 0, of the
	// sequence that the row belongs to.
	MatchID bool
	// Partition keeps a state for each combination of values; over an input row.
	Partition []Compute
}

// ScanStepSpec is one step.
type ScanStepSpec struct {
	Cond Compute
	// Assign gives declared columns their values; all see the record before.
	Assign []ScanAssign
	// Optional steps may be passed over in a sequence.
	Optional bool
	// Output is "all" (or ""), "last" or "none".
	Output string
}

// ScanAssign sets declared column number Col.
type ScanAssign struct {
	Col int
	X   Compute
}

// Span is the number of columns of a record.
func (s *ScanSpec) Span() int { return len(s.Types) + len(s.Declare) }

// Width is the number of values that conditions and assignments see.
func (s *ScanSpec) Width() int { return s.Span() * (len(s.Steps) + 1) }

// Column is where column c of a step's state is.
func (s *ScanSpec) Column(step, c int) int { return s.Span()*(step+1) + c }

// NewScan makes the operator. Its output is the input columns, the declared ones,
// and the match number when it is asked for.
func NewScan(spec ScanSpec) RowOperator { return &scanOp{spec} }

type scanOp struct{ ScanSpec }

// scanState is that of one partition. State k is that of step k: one record for
// each step up to it, nil for one that was passed over.
type scanState struct {
	states  []*scanSequence
	pending [][]Value // rows of steps with output=last that wait for a later one
}

type scanSequence struct {
	records [][]Value
	id      int64
}

func (o *scanOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	r := &scanRun{scanOp: o, keep: newKeeper("scan"), emit: emit, row: make([]Value, o.Width()), parts: make(map[string]*scanState)}
	r.empty = nulls(o.Types)
	r.empty = append(r.empty, o.Declare...)
	if err := eachRow(ins[0], r.record); err != nil {
		return err
	}
	for _, st := range r.order {
		for k := range o.Steps {
			if err := r.flush(st, k); err != nil {
				return err
			}
		}
	}
	return nil
}

type scanRun struct {
	*scanOp
	keep  *keeper
	emit  func([]Value) error
	row   []Value
	empty []Value
	key   []byte
	parts map[string]*scanState
	order []*scanState
	next  int64 // match number
}

func (r *scanRun) partition(in []Value) (*scanState, error) {
	r.key = r.key[:0]
	for _, p := range r.Partition {
		r.key = appendRowKey(r.key, []Value{p(in)})
	}
	st := r.parts[string(r.key)]
	if st == nil {
		st = &scanState{states: make([]*scanSequence, len(r.Steps)), pending: make([][]Value, len(r.Steps))}
		r.parts[string(r.key)] = st
		r.order = append(r.order, st)
		return st, r.keep.add(len(r.key) + len(r.Steps)*len(r.Steps)*r.Span()*bytesOfValue)
	}
	return st, nil
}

// record tries the steps from the last to the first.
func (r *scanRun) record(in []Value) error {
	st, err := r.partition(in)
	if err != nil {
		return err
	}
	copy(r.row, in)
	copy(r.row[len(r.Types):], r.Declare)
	for k := len(r.Steps) - 1; k >= 0; k-- {
		if err := r.try(st, k); err != nil {
			return err
		}
	}
	return nil
}

func (r *scanRun) try(st *scanState, k int) error {
	step := &r.Steps[k]
	// A sequence that stands at a step before moves on.
	first := true
	for j := k - 1; j >= 0; j-- {
		if seq := st.states[j]; seq != nil {
			if r.load(seq); step.Cond(r.row).Bool() {
				if err := r.flush(st, j); err != nil {
					return err
				}
				if err := r.flush(st, k); err != nil {
					return err
				}
				st.states[j] = nil
				for len(seq.records) < k {
					seq.records = append(seq.records, nil)
				}
				return r.match(st, k, &scanSequence{records: seq.records, id: seq.id})
			}
		}
		if !r.Steps[j].Optional {
			first = false
			break
		}
	}
	seq := st.states[k]
	if seq == nil && !first {
		return nil
	}
	r.load(seq)
	if !step.Cond(r.row).Bool() {
		return nil
	}
	if seq == nil {
		seq = &scanSequence{id: r.next, records: make([][]Value, k)}
		r.next++
	}
	return r.match(st, k, seq)
}

// load puts the records of a sequence where conditions look for them.
func (r *scanRun) load(seq *scanSequence) {
	for s := range r.Steps {
		record := r.empty
		if seq != nil && s < len(seq.records) && seq.records[s] != nil {
			record = seq.records[s]
		}
		copy(r.row[r.Column(s, 0):], record)
	}
}

// match makes the record that of step k of a sequence.
func (r *scanRun) match(st *scanState, k int, seq *scanSequence) error {
	record := slices.Clone(r.row[:r.Span()])
	for _, a := range r.Steps[k].Assign {
		record[len(r.Types)+a.Col] = a.X(r.row)
	}
	seq.records = append(seq.records[:k], record)
	st.states[k] = seq
	out := record
	if r.MatchID {
		out = append(slices.Clip(record), LongOf(seq.id))
	}
	switch r.Steps[k].Output {
	case "none":
		return nil
	case "last":
		st.pending[k] = out
		return nil
	}
	return r.emit(out)
}

func (r *scanRun) flush(st *scanState, k int) error {
	row := st.pending[k]
	if row == nil {
		return nil
	}
	st.pending[k] = nil
	return r.emit(row)
}
