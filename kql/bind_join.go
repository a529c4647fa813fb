package kql

import "strconv"

// joinKindNames are the spellings of kind=.
var joinKindNames = map[string]JoinKind{
	"innerunique": InnerUnique, "inner": Inner,
	"leftouter": LeftOuter, "rightouter": RightOuter, "fullouter": FullOuter,
	"leftsemi": LeftSemi, "rightsemi": RightSemi,
	"leftanti": LeftAnti, "anti": LeftAnti, "leftantisemi": LeftAnti,
	"rightanti": RightAnti, "rightantisemi": RightAnti,
}

// join is join and lookup.
func (b *binder) join(o *JoinOp, in *table) *table {
	kind := InnerUnique
	if o.Lookup {
		kind = LeftOuter
	}
	if p := prop(o.Props, "kind"); p != nil {
		text := b.propText(p)
		k, ok := joinKindNames[text]
		if !ok || o.Lookup && k != LeftOuter && k != Inner {
			b.errorf(p.Value.Pos(), "KS005", "'%s' operator: unknown kind '%s'.", b.op, text)
		}
		kind = k
	}
	op := b.op
	right := b.tabular(o.Right)
	b.op = op
	j := &Join{Left: in.rel, Right: right.rel, Kind: kind}
	keys := joinBinder{b: b, left: in, right: right}
	if len(o.On) == 0 {
		b.errorf(o.Pos(), "KS006", "'%s' operator: the on clause is missing.", b.op)
	}
	for _, e := range o.On {
		keys.condition(e)
	}
	j.On = keys.on
	t := &table{span: o.Pos(), rel: j}
	leftOnly := kind == LeftSemi || kind == LeftAnti
	rightOnly := kind == RightSemi || kind == RightAnti
	if !rightOnly {
		t.cols = append(t.cols, in.cols...)
		t.open = in.open
	}
	if !leftOnly {
		t.open = t.open || right.open
		for _, c := range right.cols {
			if o.Lookup && keys.rightKeys[c.ID] {
				continue
			}
			t.cols = append(t.cols, c)
		}
	}
	if leftOnly {
		t.hidden = in.hidden
	}
	uniqueColumns(t.cols)
	return t
}

// uniqueColumns numbers names that are there already: c, c, c1 is c, c2, c1.
func uniqueColumns(cols []Column) {
	taken := make(map[string]bool, len(cols))
	double := false
	for _, c := range cols {
		double = double || taken[c.Name]
		taken[c.Name] = true
	}
	if !double {
		return
	}
	seen := make(map[string]bool, len(cols))
	last := make(map[string]int) // number that a name got
	for i := range cols {
		c := &cols[i]
		if name := c.Name; seen[name] {
			for taken[c.Name] {
				last[name]++
				c.Name = name + strconv.Itoa(last[name])
			}
			taken[c.Name] = true
			continue
		}
		seen[c.Name] = true
	}
}

// joinBinder binds the on clause of a join.
type joinBinder struct {
	b           *binder
	left, right *table
	on          []JoinKey
	rightKeys   map[ColID]bool
}

const joinCondition = "'%s' operator: the join condition must be either the name of a column common to both tables or in the form $left.<column> == $right.<column>."

func (j *joinBinder) condition(e Expr) {
	b := j.b
	switch e := unparen(e).(type) {
	case *NameRef:
		j.common(e)
		return
	case *Binary:
		switch e.Op {
		case "and":
			j.condition(e.X)
			j.condition(e.Y)
			return
		case "==":
			j.equality(e)
			return
		}
	case *Missing:
		return
	}
	b.errorf(e.Pos(), "KS182", joinCondition, b.op)
}

// common is on Name: a column of both sides.
func (j *joinBinder) common(e *NameRef) {
	b := j.b
	l, okL := j.left.scope().find(e.Text)
	r, okR := j.right.scope().find(e.Text)
	if !okL && !j.left.open || !okR && !j.right.open {
		if !okL && !okR {
			b.inRow(j.left, func() { b.unresolved(e.Pos(), e.Text) })
			return
		}
		side := "left"
		if okL {
			side = "right"
		}
		b.errorf(e.Pos(), "KS145", "'%s' operator: the column '%s' must exist on both sides of the join; the %s side has none.", b.op, e.Text, side)
		return
	}
	if !okL || !okR {
		if !b.blank {
			b.open = true
		}
		return
	}
	at := e.Pos()
	j.key(at, &ColRef{Span: at, Col: l}, &ColRef{Span: at, Col: r})
}

// key adds a pair of keys of one type.
func (j *joinBinder) key(at Span, l, r Scalar) {
	b := j.b
	if isUnknown(l) || isUnknown(r) {
		return
	}
	if ref, ok := r.(*ColRef); ok {
		if j.rightKeys == nil {
			j.rightKeys = map[ColID]bool{}
		}
		j.rightKeys[ref.Col.ID] = true
	}
	lt, rt := l.Type(), r.Type()
	switch {
	case lt == Dynamic && rt == Dynamic:
		l, r = b.convert(l, String), b.convert(r, String)
	case lt == rt || lt == Unknown || rt == Unknown:
	case lt.Numeric() && rt.Numeric():
		t := Widest(lt, rt)
		l, r = b.convert(l, t), b.convert(r, t)
	default:
		b.errorf(at, "KS242", "'%s' operator: inconsistent data types for join keys: (%s, %s)", b.op, lt, rt)
		return
	}
	j.on = append(j.on, JoinKey{Left: l, Right: r})
}

// equality is $left.a == $right.b, or the other way round.
func (j *joinBinder) equality(e *Binary) {
	b := j.b
	l, r := sideOf(e.X), sideOf(e.Y)
	x, y := e.X, e.Y
	switch {
	case l == "$left" && r == "$right":
	case l == "$right" && r == "$left":
		x, y = y, x
	case l != "$left":
		b.errorf(e.X.Pos(), "KS183", "'%s' operator: the join condition operand must be: $left.<column>", b.op)
		return
	default:
		b.errorf(e.Y.Pos(), "KS183", "'%s' operator: the join condition operand must be: $right.<column>", b.op)
		return
	}
	row, agg := b.row, b.agg
	b.agg = nil
	b.row = j.left.scope()
	b.row.right = j.right.scope()
	kx, ky := b.scalar(x), b.scalar(y)
	b.row, b.agg = row, agg
	for _, k := range []Scalar{kx, ky} {
		if k.Type() == Dynamic {
			b.errorf(k.Pos(), "KS241", "'%s' operator: join keys cannot be dynamic. Use an explicit cast, such as tostring(), in an extend before the join.", b.op)
			return
		}
	}
	j.key(e.Pos(), kx, ky)
}

// sideOf is $left or $right at the root of a path.
func sideOf(e Expr) string {
	for {
		p, ok := unparen(e).(*Path)
		if !ok {
			return ""
		}
		if ref, ok := unparen(p.X).(*NameRef); ok {
			return ref.Text
		}
		e = p.X
	}
}
