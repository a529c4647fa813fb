package kql

import (
	"slices"
	"strings"
)

// binary binds X Op Y. A chain of one operator, such as a long or, is bound
// along its left spine without recursion, and of and and or a balanced tree is
// made, so that thousands of operands are no deep nesting for anyone behind.
func (b *binder) binary(e *Binary) Scalar {
	spine := []*Binary{e}
	for {
		x, ok := spine[len(spine)-1].X.(*Binary)
		if !ok {
			break
		}
		spine = append(spine, x)
	}
	slices.Reverse(spine)
	left := spine[0].X
	var acc Scalar
	if _, star := left.(*Star); !star {
		acc = b.scalar(left)
	}
	for i := 0; i < len(spine); {
		op := spine[i]
		if op.Op != "and" && op.Op != "or" {
			if i == 0 && acc == nil {
				y := b.scalar(op.Y)
				acc = b.starText(op, y)
			} else {
				acc = b.binaryCall(op, acc, b.scalar(op.Y))
			}
			i++
			continue
		}
		if acc == nil {
			b.errorf(left.Pos(), "KS191", "The * syntax is not allowed here.")
			acc = unknown(left.Pos())
		}
		j := i
		operands := []Scalar{acc}
		for ; j < len(spine) && spine[j].Op == op.Op; j++ {
			operands = append(operands, b.scalar(spine[j].Y))
		}
		acc = b.logic(spine[i:j], operands)
		i = j
	}
	return acc
}

// logic is a chain of and or of or.
func (b *binder) logic(ops []*Binary, operands []Scalar) Scalar {
	for i := 1; i < len(operands); i++ {
		// The operators left of operand i have made a bool of what is left of it.
		l := Bool
		if i == 1 {
			l = operands[0].Type()
		}
		r := operands[i].Type()
		bad := func(t Type) bool { return t != Bool && t != Unknown && t != Dynamic }
		if bad(l) || bad(r) {
			b.operatorError(ops[i-1].OpSpan, ops[i-1].Op, l, r)
			return unknown(ops[i-1].Pos())
		}
	}
	for i, x := range operands {
		if isUnknown(x) {
			return unknown(ops[0].Pos())
		}
		operands[i] = b.convert(x, Bool)
	}
	var build func(lo, hi int) Scalar
	build = func(lo, hi int) Scalar {
		if hi-lo == 1 {
			return operands[lo]
		}
		mid := (lo + hi + 1) / 2
		at := ops[hi-2].Pos()
		if lo > 0 {
			at = Span{operands[lo].Pos().Start, operands[hi-1].Pos().End}
		}
		return b.callFunc(at, ops[0].Op, Bool, build(lo, mid), build(mid, hi))
	}
	if len(operands) <= 8 {
		// As written: left to right.
		acc := operands[0]
		for i, y := range operands[1:] {
			acc = b.callFunc(ops[i].Pos(), ops[i].Op, Bool, acc, y)
		}
		return acc
	}
	return build(0, len(operands))
}

// starText is * Op text: a column of which it holds, or for !Op none of which Op
// holds.
func (b *binder) starText(op *Binary, y Scalar) Scalar {
	name, not := strings.CutPrefix(op.Op, "!")
	if not && name != "=" && name != "~" {
		yes := *op
		yes.Op = name
		any := b.anyColumn(op.Pos(), func(c Scalar) Scalar { return b.compareText(&yes, c, y) })
		if isUnknown(any) {
			return any
		}
		return b.callFunc(op.Pos(), "not", Bool, any)
	}
	return b.anyColumn(op.Pos(), func(c Scalar) Scalar { return b.compareText(op, c, y) })
}

// compareText is one column under * Op text: only columns whose text can hold
// it take part.
func (b *binder) compareText(op *Binary, c, y Scalar) Scalar {
	switch op.Op {
	case "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%":
		if c.Type() != y.Type() && !(c.Type().Numeric() && y.Type().Numeric()) && y.Type() != Unknown {
			return nil
		}
	default:
		c = b.convert(c, String)
	}
	return b.binaryCall(op, c, y)
}

// anyColumn is an or over all columns in scope; nil results are left out.
func (b *binder) anyColumn(at Span, test func(Scalar) Scalar) Scalar {
	if b.row == nil {
		b.errorf(at, "KS199", "No columns are currently in scope.")
		return unknown(at)
	}
	var tests []Scalar
	for _, c := range b.row.cols {
		if x := test(&ColRef{Span: at, Col: c}); x != nil {
			if isUnknown(x) {
				return x
			}
			tests = append(tests, x)
		}
	}
	if len(tests) == 0 {
		return constant(at, BoolOf(false))
	}
	return b.fold2("or", at, tests)
}

// fold2 joins operands by an operator in a balanced tree.
func (b *binder) fold2(op string, at Span, xs []Scalar) Scalar {
	switch len(xs) {
	case 1:
		return xs[0]
	}
	mid := (len(xs) + 1) / 2
	return b.callFunc(at, op, Bool, b.fold2(op, at, xs[:mid]), b.fold2(op, at, xs[mid:]))
}

func (b *binder) binaryCall(e *Binary, x, y Scalar) Scalar {
	return b.operatorCall(e.Pos(), e.OpSpan, e.Op, x, y)
}

// operatorCall is an operator on bound operands: the type rules of Kusto, and
// the conversions that they imply.
func (b *binder) operatorCall(at, opAt Span, op string, args ...Scalar) Scalar {
	for _, x := range args {
		if isUnknown(x) {
			return unknown(at)
		}
	}
	if len(args) == 1 {
		t, ok := unaryType(args[0].Type())
		if !ok {
			b.operatorError(opAt, op, args[0].Type())
			return unknown(at)
		}
		return b.callFunc(at, op, t, args...)
	}
	x, y := args[0], args[1]
	l, r := x.Type(), y.Type()
	var t Type
	ok := true
	switch op {
	case "+", "-", "*", "/", "%":
		t, ok = arithType(op, l, r)
		if ok && t != Unknown {
			x, y = b.arithOperands(op, t, x, y)
		}
	case "==", "!=":
		t = Bool
		x, y, ok = b.equalOperands(x, y)
	case "<", "<=", ">", ">=":
		t, ok = Bool, orderedTypes(l, r)
		if ok {
			x, y = b.orderOperands(x, y)
		}
	case "and", "or":
		t, ok = Bool, true
	default: // of strings
		t = Bool
		text := SetOf(String, Dynamic)
		ok = text.Has(l) && text.Has(r)
		if ok && op == ":" {
			return b.searchTerm(at, x, y)
		}
		x, y = b.convert(x, String), b.convert(y, String)
	}
	if !ok {
		b.operatorError(opAt, op, l, r)
		return unknown(at)
	}
	return b.callFunc(at, op, t, x, y)
}

func (b *binder) operatorError(at Span, op string, types ...Type) {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	if len(names) == 1 {
		b.errorf(at, "KS106", "The operator '%s' is not defined for the operand type %s.", op, names[0])
		return
	}
	if names[0] == "string" && names[1] == "string" && op == "+" {
		b.errorf(at, "KS106", "The operator '+' is not defined for the operand types string and string. Use strcat().")
		return
	}
	b.errorf(at, "KS106", "The operator '%s' is not defined for the operand types %s.", op, strings.Join(names, " and "))
}

func unaryType(t Type) (Type, bool) {
	return t, t == Unknown || t == Dynamic || Summable.Has(t)
}

// promote is the type of arithmetic: int grows to long.
func promote(t Type) Type {
	if t == Int {
		return Long
	}
	return t
}

// arithType is the type of l op r; ok false where the operator is not defined.
func arithType(op string, l, r Type) (t Type, ok bool) {
	if l == Unknown || r == Unknown {
		return Unknown, true
	}
	isTime := func(t Type) bool { return t == DateTime || t == TimeSpan }
	switch {
	case l.Numeric() && r.Numeric():
		return promote(Widest(l, r)), true
	case l == Dynamic && r == Dynamic:
		return Dynamic, true
	case l == Dynamic && r.Numeric():
		return promote(r), true
	case r == Dynamic && l.Numeric():
		return promote(l), true
	}
	switch op {
	case "+":
		switch {
		case isTime(l) && isTime(r):
			if l == TimeSpan && r == TimeSpan {
				return TimeSpan, true
			}
			return DateTime, true
		case l == Dynamic && isTime(r):
			return r, true
		case r == Dynamic && isTime(l):
			return l, true
		}
	case "-":
		switch {
		case l == r && isTime(l):
			return TimeSpan, true
		case isTime(l) && isTime(r):
			return DateTime, true
		case l == Dynamic && isTime(r), r == Dynamic && isTime(l):
			return TimeSpan, true
		}
	case "*":
		switch {
		case isTime(l) && r.Numeric():
			return l, true
		case isTime(r) && l.Numeric():
			return r, true
		case l == TimeSpan && r == TimeSpan:
			return TimeSpan, true
		}
	case "/":
		switch {
		case isTime(l) && r.Numeric():
			return l, true
		case isTime(l) && r == TimeSpan, l == DateTime && r == DateTime:
			return Real, true
		}
	case "%":
		switch {
		case isTime(l) && r.Numeric():
			return l, true
		case isTime(l) && r == TimeSpan, l == DateTime && r == DateTime:
			return TimeSpan, true
		}
	}
	return Unknown, false
}

// arithOperands brings numbers to the type of the result, and a dynamic beside a
// number or a date to its type.
func (b *binder) arithOperands(op string, t Type, x, y Scalar) (Scalar, Scalar) {
	l, r := x.Type(), y.Type()
	switch {
	case t.Numeric() && !(l == DateTime || l == TimeSpan || r == DateTime || r == TimeSpan):
		return b.convert(x, t), b.convert(y, t)
	case l == Dynamic && r != Dynamic:
		return b.convert(x, r), y
	case r == Dynamic && l != Dynamic:
		return x, b.convert(y, l)
	}
	return x, y
}

// equalOperands brings the sides of == to one type. Kusto compares values of any
// two types; those that have nothing in common are compared as text.
func (b *binder) equalOperands(x, y Scalar) (Scalar, Scalar, bool) {
	l, r := x.Type(), y.Type()
	switch {
	case l == r || l == Unknown || r == Unknown:
		return x, y, true
	case l.Numeric() && r.Numeric():
		t := Widest(l, r)
		return b.convert(x, t), b.convert(y, t), true
	case l == Dynamic || r == Dynamic:
		// The function knows how a dynamic equals a value of another type.
		return x, y, true
	}
	// A literal text that stands for a value of the other side's type: "2020-01-01".
	if v := constOf(y); v != nil && r == String {
		return x, b.convert(y, l), true
	}
	if v := constOf(x); v != nil && l == String {
		return b.convert(x, r), y, true
	}
	if l == Bool && r.Numeric() {
		return b.convert(x, r), y, true
	}
	if r == Bool && l.Numeric() {
		return x, b.convert(y, l), true
	}
	return b.convert(x, String), b.convert(y, String), true
}

func orderedTypes(l, r Type) bool {
	number := func(t Type) bool { return t.Numeric() || t == Bool }
	switch {
	case l == Unknown || r == Unknown:
		return true
	case number(l) && number(r):
		return true
	case l == r:
		return l == DateTime || l == TimeSpan || l == Dynamic
	case l == Dynamic:
		return r.Numeric()
	case r == Dynamic:
		return l.Numeric()
	}
	return false
}

func (b *binder) orderOperands(x, y Scalar) (Scalar, Scalar) {
	l, r := x.Type(), y.Type()
	switch {
	case l == r || l == Unknown || r == Unknown:
		return x, y
	case l.Numeric() && r.Numeric():
		t := Widest(l, r)
		return b.convert(x, t), b.convert(y, t)
	case l == Bool && r.Numeric():
		return b.convert(x, r), y
	case r == Bool && l.Numeric():
		return x, b.convert(y, l)
	case l == Dynamic:
		// A number in a dynamic may have a fraction that the other side's type has
		// not: d.x > 1 of 1.5.
		return b.convert(x, dynamicNumber(r)), b.convert(y, dynamicNumber(r))
	case r == Dynamic:
		return b.convert(x, dynamicNumber(l)), b.convert(y, dynamicNumber(l))
	}
	return x, y
}

func dynamicNumber(t Type) Type {
	if t == Int || t == Long {
		return Real
	}
	return t
}
