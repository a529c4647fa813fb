package sqlgen

import (
	"errors"
	"math"

	"github.com/tocsinhq/tocsin/kql"
)

func (g *gen) external(n *kql.External) *rel {
	return g.stage(&Stage{Handle: g.next(), Name: "externaldata", Cols: n.Cols, External: n}, n.Cols)
}

// rowOp is an operator in Go over whole inputs. Inside a sub-plan it runs over
// each partition by itself.
func (g *gen) rowOp(n *kql.RowOp) *rel {
	var inside bool
	for _, in := range n.Ins {
		inside = inside || len(g.frames) > 0 && readsInput(in)
	}
	s := &Stage{Handle: g.next(), Name: n.Name, Cols: n.Cols, Op: n.Op}
	if !inside {
		for _, in := range n.Ins {
			s.Inputs = append(s.Inputs, g.statement(in, 0))
		}
		return g.stage(s, n.Cols)
	}
	if len(n.Ins) != 1 {
		g.fail(kql.Span{}, "%s of several tables cannot be run inside the sub-query", n.Name)
		return g.nothing(n.Cols)
	}
	st, hidden := g.partitioned(n.Ins[0])
	op := &perPartition{op: n.Op, keys: len(hidden)}
	s.Inputs, s.Op = []*Statement{st}, op
	s.Cols = append([]kql.Column(nil), n.Cols...)
	for _, h := range hidden {
		s.Cols = append(s.Cols, kql.Column{Name: h.name, Type: h.x.t})
	}
	r := g.stage(s, s.Cols)
	for i, h := range hidden {
		h.x = r.cols[len(n.Cols)+i].x
		h.name = g.name("h")
		r.hidden = append(r.hidden, h)
	}
	r.cols = r.cols[:len(n.Cols)]
	r.ordered = false
	return r
}

// partitioned is a statement of its own that gives the rows of a sub-plan with
// their hidden columns behind, partition by partition.
func (g *gen) partitioned(in kql.Rel) (*Statement, []column) {
	outer := *g
	g.st = &Statement{Sites: map[int64]*Site{}}
	g.params, g.ctes = map[any]int{}, nil
	frames := make([]*frame, len(outer.frames))
	for i, f := range outer.frames {
		frames[i] = &frame{id: f.id, make: f.make, uses: f.uses}
	}
	g.frames = frames
	uses := make(map[int]*shared, len(g.shared))
	for id, s := range g.shared {
		uses[id] = &shared{in: s.in, uses: s.uses}
	}
	g.shared = uses

	r := g.rel(in)
	order := ""
	if r.ordered {
		order = g.ordinal(r)
	}
	if r.closed || r.limit != "" || len(r.order) > 0 {
		g.wrap(r)
	}
	var hidden []column
	for _, h := range r.hidden {
		if h.x.t == kql.Unknown {
			h.x.t = kql.Long
		}
		h.x = g.natural(h.x)
		hidden = append(hidden, h)
		if h.part {
			r.order = append(r.order, orderKey{h.x.sql, ""})
		}
	}
	if order != "" {
		r.order = append(r.order, orderKey{order, ""})
	}
	for _, h := range hidden {
		r.cols = append(r.cols, column{Column: kql.Column{ID: h.ID, Name: h.name, Type: h.x.t}, name: h.name, x: h.x})
	}
	r.hidden = nil
	st := g.finish(r)
	errs, names := g.errs, g.names
	*g = outer
	g.errs, g.names = errs, names
	for i := range hidden {
		hidden[i].x.rep = Natural
	}
	return st, hidden
}

// perPartition runs an operator over each run of rows that agree in the columns
// behind, which it puts behind the rows that come out.
type perPartition struct {
	op   kql.RowOperator
	keys int
}

func (p *perPartition) Run(ins []func() ([]kql.Value, error), emit func([]kql.Value) error) error {
	if len(ins) != 1 {
		return errors.New("one input is wanted")
	}
	row, err := ins[0]()
	for err == nil && row != nil {
		width := len(row) - p.keys
		key := append([]kql.Value(nil), row[width:]...)
		first := true
		next := func() ([]kql.Value, error) {
			if !first {
				if row == nil || err != nil {
					return nil, err
				}
				if row, err = ins[0](); row == nil || err != nil {
					return nil, err
				}
			}
			if !same(row[width:], key) {
				return nil, nil
			}
			first = false
			return row[:width], nil
		}
		var out []kql.Value
		if e := p.op.Run([]func() ([]kql.Value, error){next}, func(r []kql.Value) error {
			out = append(append(out[:0], r...), key...)
			return emit(out)
		}); e != nil {
			return e
		}
		// What the operator did not read of its partition.
		for err == nil && row != nil && same(row[width:], key) {
			row, err = ins[0]()
		}
	}
	return err
}

func same(a, b []kql.Value) bool {
	for i := range a {
		if a[i].IsNull() != b[i].IsNull() {
			return false
		}
		if a[i].IsNull() {
			continue
		}
		switch a[i].Type() {
		case kql.Dynamic:
			if kql.JSONOf(a[i].Dynamic()) != kql.JSONOf(b[i].Dynamic()) {
				return false
			}
		default:
			if a[i].Int() != b[i].Int() || a[i].Str() != b[i].Str() {
				return false
			}
		}
	}
	return true
}

// sessions is row_window_session: the last columns of a row are the value and
// whether a session begins anew; in their place comes the value with which the
// row's session began.
type sessions struct {
	t          kql.Type
	first, gap kql.Value // the longest session, the longest gap within one
	restart    bool
}

func (s *sessions) Run(ins []func() ([]kql.Value, error), emit func([]kql.Value) error) error {
	var begin, last kql.Value
	started := false
	behind := 1
	if s.restart {
		behind = 2
	}
	var out []kql.Value
	for {
		row, err := ins[0]()
		if err != nil || row == nil {
			return err
		}
		width := len(row) - behind
		v := row[width]
		again := s.restart && row[width+1].Bool()
		switch {
		case v.IsNull():
			out = append(append(out[:0], row[:width]...), kql.Null(s.t))
			if err := emit(out); err != nil {
				return err
			}
			continue
		case !started || again || s.apart(begin, v, s.first) || s.apart(last, v, s.gap):
			begin, started = v, true
		}
		last = v
		out = append(append(out[:0], row[:width]...), begin)
		if err := emit(out); err != nil {
			return err
		}
	}
}

// apart tells that v is farther from a than the limit.
func (s *sessions) apart(a, v, limit kql.Value) bool {
	if limit.IsNull() {
		return false
	}
	if s.t == kql.Real {
		return math.Abs(v.Real()-a.Real()) > limit.Float()
	}
	d := v.Int() - a.Int()
	if d < 0 {
		d = -d
	}
	return d > limit.Int()
}
