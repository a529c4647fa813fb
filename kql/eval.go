package kql

// Eval computes an expression over a row; row gives the value of a column.
// Subqueries have no value here and give null, and so do functions of the order
// of rows. Eval does not fail.
func Eval(s Scalar, row func(ColID) Value) Value {
	switch s := s.(type) {
	case *Const:
		return s.Value
	case *ColRef:
		return row(s.Col.ID)
	case *Call:
		if v, done := shortCircuit(s, row); done {
			return v
		}
		var buf [8]Value
		args := buf[:0]
		for _, a := range s.Args {
			args = append(args, Eval(a, row))
		}
		return evalCall(s, args)
	}
	return Null(s.Type())
}

// evalCall calls the function, with nulls as Func.NullIn says and the result as
// one of the call's type.
func evalCall(c *Call, args []Value) Value {
	if c.Eval == nil {
		return Null(c.T)
	}
	if c.Func.NullIn {
		for i := range args {
			if args[i].IsNull() && args[i].Type() != Dynamic {
				return Null(c.T)
			}
		}
	}
	v := c.Eval(args)
	if v.Type() != c.T && c.T != Unknown {
		return cast(v, c.T)
	}
	return v
}

// cast brings a value to the type that a call has: a number to a wider one, a
// null to the null of the type.
func cast(v Value, t Type) Value {
	switch {
	case v.Type() == t:
		return v
	case v.IsNull():
		return Null(t)
	}
	switch t {
	case Long:
		if v.Type() == Int {
			return LongOf(v.Int())
		}
	case Int:
		if v.Type() == Long {
			return IntOf(v.Int())
		}
	case Real:
		if v.Type() == Int || v.Type() == Long {
			return RealOf(float64(v.Int()))
		}
	case Dynamic:
		return DynamicOf(dynOf(v))
	}
	if f := LookupFunc(converters[t]); f != nil && f.Eval != nil {
		return f.Eval([]Value{v})
	}
	return v
}

// shortCircuit computes the functions that do not look at all their arguments.
func shortCircuit(c *Call, row func(ColID) Value) (Value, bool) {
	switch c.Func.Name {
	case "and", "or":
		if len(c.Args) != 2 {
			return Value{}, false
		}
		want := c.Func.Name == "or"
		x := Eval(c.Args[0], row)
		if b, ok := truth(x); ok && b == want {
			return BoolOf(want), true
		}
		return junction([]Value{x, Eval(c.Args[1], row)}, want), true
	case "iff", "iif", "case":
		n := len(c.Args)
		for i := 0; i+1 < n; i += 2 {
			if b, ok := truth(Eval(c.Args[i], row)); ok && b {
				return cast(Eval(c.Args[i+1], row), c.T), true
			}
		}
		return cast(Eval(c.Args[n-1], row), c.T), true
	case "coalesce":
		v := Value{}
		for _, a := range c.Args {
			v = Eval(a, row)
			if !v.IsNull() && (v.Type() != String || v.Str() != "") {
				break
			}
		}
		return cast(v, c.T), true
	}
	return Value{}, false
}

// Compile makes a function of an expression over rows whose columns stand at
// slots; a column without a slot is null. The function may be called from
// several goroutines.
func Compile(s Scalar, slots map[ColID]int) func(row []Value) Value {
	switch s := s.(type) {
	case *Const:
		v := s.Value
		return func([]Value) Value { return v }
	case *ColRef:
		i, ok := slots[s.Col.ID]
		if !ok {
			v := Null(s.Col.Type)
			return func([]Value) Value { return v }
		}
		return func(row []Value) Value { return row[i] }
	case *Call:
		return compileCall(s, slots)
	}
	v := Null(s.Type())
	return func([]Value) Value { return v }
}

func compileCall(c *Call, slots map[ColID]int) func(row []Value) Value {
	args := make([]func([]Value) Value, len(c.Args))
	for i, a := range c.Args {
		args[i] = Compile(a, slots)
	}
	switch name := c.Func.Name; name {
	case "and", "or":
		if len(args) == 2 {
			want := name == "or"
			return func(row []Value) Value {
				x := args[0](row)
				if b, ok := truth(x); ok && b == want {
					return BoolOf(want)
				}
				return junction([]Value{x, args[1](row)}, want)
			}
		}
	case "iff", "iif", "case":
		return func(row []Value) Value {
			n := len(args)
			for i := 0; i+1 < n; i += 2 {
				if b, ok := truth(args[i](row)); ok && b {
					return cast(args[i+1](row), c.T)
				}
			}
			return cast(args[n-1](row), c.T)
		}
	case "coalesce":
		return func(row []Value) Value {
			v := Value{}
			for _, a := range args {
				v = a(row)
				if !v.IsNull() && (v.Type() != String || v.Str() != "") {
					break
				}
			}
			return cast(v, c.T)
		}
	}
	return func(row []Value) Value {
		var buf [4]Value
		vals := buf[:0]
		for _, a := range args {
			vals = append(vals, a(row))
		}
		return evalCall(c, vals)
	}
}
