package detect

import (
	"strconv"

	"github.com/tocsinhq/tocsin"
)

// The naive matcher tries every rule's condition as it was written: no
// automaton, no candidates, nothing remembered. It is the meaning that the
// engine must keep.

type naiveRow struct {
	values map[string][]string // folded field name -> values
	all    []string
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
	vals := row.values[p.field]
	if p.field == "" {
		vals = row.all
	}
	switch p.op {
	case opNull:
		for _, v := range vals {
			if v != "" {
				return false
			}
		}
		return true
	case opExists:
		return (len(vals) > 0) == p.want
	case opFieldRef:
		for _, v := range vals {
			for _, o := range row.values[p.other] {
				if p.cased && p.ref(v, o) || !p.cased && p.ref(fold(v), fold(o)) {
					return true
				}
			}
		}
		return false
	}
	for _, v := range vals {
		if p.test(v, fold(v)) {
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
	row := s.naiveRow(e)
	s.event = nil
	return row, r.programs
}

func (s *Scratch) naiveRow(e *Engine) *naiveRow {
	row := &naiveRow{values: map[string][]string{}}
	for name, id := range e.fields {
		for _, v := range s.value(id).raw {
			row.values[name] = append(row.values[name], string(append([]byte(nil), v...)))
		}
	}
	for _, v := range s.allValues().raw {
		row.all = append(row.all, string(append([]byte(nil), v...)))
	}
	return row
}

func itoa(n int) string { return strconv.Itoa(n) }
