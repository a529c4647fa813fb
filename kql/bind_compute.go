package kql

// compute makes a function over rows of the given columns of an expression, for
// an operator that runs in Go.
func compute(x Scalar, cols []Column) Compute {
	switch x := x.(type) {
	case *Const:
		v := x.Value
		return func([]Value) Value { return v }
	case *ColRef:
		for i, c := range cols {
			if c.ID == x.Col.ID {
				return func(row []Value) Value { return row[i] }
			}
		}
	}
	at := make(map[ColID]int, len(cols))
	for i, c := range cols {
		at[c.ID] = i
	}
	return func(row []Value) Value {
		return Eval(x, func(id ColID) Value {
			if i, ok := at[id]; ok {
				return row[i]
			}
			return Value{}
		})
	}
}

// columnsOf calls add for each column that an expression reads.
func columnsOf(x Scalar, add func(ColID)) {
	switch x := x.(type) {
	case *ColRef:
		add(x.Col.ID)
	case *Call:
		for _, a := range x.Args {
			columnsOf(a, add)
		}
	case *InQuery:
		columnsOf(x.X, add)
	}
}

// readsQuery tells an expression that holds a subquery, which an operator in Go
// cannot run.
func readsQuery(x Scalar) bool {
	switch x := x.(type) {
	case *ScalarQuery, *InQuery:
		return true
	case *Call:
		for _, a := range x.Args {
			if readsQuery(a) {
				return true
			}
		}
	}
	return false
}

// rowExpr is an expression that an operator in Go computes: it must not hold a
// subquery.
func (b *binder) rowExpr(x Scalar) Scalar {
	if readsQuery(x) {
		b.errorf(x.Pos(), "KS141", "A subquery cannot be used inside '%s'. Compute it before, with let and toscalar or extend.", b.op)
		return unknown(x.Pos())
	}
	return x
}

// conjuncts are the conditions of a and b and c.
func conjuncts(e Expr, out []Expr) []Expr {
	switch x := unparen(e).(type) {
	case *Binary:
		if x.Op == "and" {
			return conjuncts(x.Y, conjuncts(x.X, out))
		}
	}
	return append(out, e)
}
