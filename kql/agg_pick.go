package kql

import "math"

// extremeAcc is min and max. Nulls are skipped; a NaN beats every number.
type extremeAcc struct {
	greatest bool
	t        Type
	any      bool
	v        Value
}

func newExtreme(greatest bool) func([]Type, []*Value) Accumulator {
	return func(types []Type, _ []*Value) Accumulator {
		return &extremeAcc{greatest: greatest, t: typeAt(types, 0)}
	}
}

func (e *extremeAcc) Add(args []Value) {
	if v := args[0]; !v.IsNull() && (!e.any || beats(v, e.v, e.greatest)) {
		e.v, e.any = v, true
	}
}

func (e *extremeAcc) Result() Value {
	if !e.any {
		return Null(e.t)
	}
	return e.v
}

// beats tells whether v takes the place of best in min or max.
func beats(v, best Value, greatest bool) bool {
	if v.Type() == Real {
		if math.IsNaN(best.Float()) {
			return false
		}
		if math.IsNaN(v.Real()) {
			return true
		}
	}
	if greatest {
		return orderOf(v, best) > 0
	}
	return orderOf(v, best) < 0
}

// argBest is arg_max and arg_min: the values of the row whose first argument is
// the greatest or least. The first of equals stays; when all are null the first
// row.
type argBest struct {
	greatest bool
	types    []Type
	row      []Value
}

func newArg(greatest bool) func([]Type, []*Value) Accumulator {
	return func(types []Type, _ []*Value) Accumulator {
		return &argBest{greatest: greatest, types: types}
	}
}

func (a *argBest) Add(args []Value) {
	switch {
	case a.row == nil:
	case args[0].IsNull():
		return
	case a.row[0].IsNull():
	case !beats(args[0], a.row[0], a.greatest):
		return
	}
	a.row = append(a.row[:0], args...)
}

func (a *argBest) Result() Value {
	if a.row == nil {
		return Null(typeAt(a.types, 0))
	}
	return a.row[0]
}

func (a *argBest) Results() []Value {
	if a.row == nil {
		return nulls(a.types)
	}
	return a.row
}

func nulls(types []Type) []Value {
	row := make([]Value, len(types))
	for i, t := range types {
		row[i] = Null(t)
	}
	return row
}

// anyRow is take_any: the first row. With one argument the first value that is
// not null.
type anyRow struct {
	types []Type
	row   []Value
}

func newAny(types []Type, _ []*Value) Accumulator { return &anyRow{types: types} }

func (a *anyRow) Add(args []Value) {
	if a.row == nil || len(a.types) == 1 && a.row[0].IsNull() && !args[0].IsNull() {
		a.row = append(a.row[:0], args...)
	}
}

func (a *anyRow) Result() Value { return a.Results()[0] }

func (a *anyRow) Results() []Value {
	switch {
	case a.row != nil:
		return a.row
	case len(a.types) > 0:
		return nulls(a.types)
	}
	return []Value{{}}
}
