package detect

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// The naive matcher tries every rule's condition as it was written: no
// automaton, no candidates, nothing remembered but the folded values. It is
// the meaning that the engine must keep.

type naiveRow struct {
	s      *Scratch // placed on the row
	values map[string]*naiveValues
	all    *naiveValues
}

type naiveValues struct{ raw, folded []string }

func (v *naiveValues) add(raw []string) *naiveValues {
	for _, r := range raw {
		r = strings.Clone(r)
		v.raw, v.folded = append(v.raw, r), append(v.folded, fold(r))
	}
	return v
}

// field is the values of a field by its folded name.
func (r *naiveRow) field(name string) *naiveValues {
	v := r.values[name]
	if v == nil {
		v = &naiveValues{}
		if r.s != nil {
			v.add(r.s.value(r.s.eng.fields[name]).raw)
		}
		r.values[name] = v
	}
	return v
}

func (s *Scratch) naiveRow() *naiveRow {
	return &naiveRow{s: s, values: map[string]*naiveValues{}, all: (&naiveValues{}).add(s.allValues().raw)}
}

func (e *expr) naive(row *naiveRow) bool {
	switch e.op {
	case exprAnd:
		for _, k := range e.kids {
			if !k.naive(row) {
				return false
			}
		}
		return true
	case exprOr:
		for _, k := range e.kids {
			if k.naive(row) {
				return true
			}
		}
		return false
	case exprNot:
		return !e.kids[0].naive(row)
	case exprAtLeast:
		n := 0
		for _, k := range e.kids {
			if k.naive(row) {
				n++
			}
		}
		return n >= e.n
	case exprConst:
		return e.n == 1
	}
	p := e.pred
	vals := row.all
	if p.field != "" {
		vals = row.field(p.field)
	}
	switch p.op {
	case opNull:
		return strings.Join(vals.raw, "") == ""
	case opExists:
		return (len(vals.raw) > 0) == p.want
	case opFieldRef:
		other := row.field(p.other)
		for i := range vals.raw {
			for j := range other.raw {
				if p.cased && p.ref(vals.raw[i], other.raw[j]) || !p.cased && p.ref(vals.folded[i], other.folded[j]) {
					return true
				}
			}
		}
		return false
	}
	for i, v := range vals.raw {
		if p.test(v, vals.folded[i]) {
			return true
		}
	}
	return false
}

// naiveEvent gathers the fields that rules see in a source event, through the
// same translation as the engine's.
func naiveEvent(e *Engine, ev *tocsin.Event, s *Scratch) (*naiveRow, []*program) {
	s.fit(e)
	r := s.route(ev)
	s.begin(ev, r)
	return s.naiveRow(), r.programs
}
