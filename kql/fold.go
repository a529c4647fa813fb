package kql

// foldedBytes is about the most that a computed constant may take. What is
// longer, such as the array of range(1, 1000000), is computed when the query
// runs.
const foldedBytes = 1 << 16

// foldCall computes a call whose arguments are constants; nil when it has to
// wait for the query to run.
func foldCall(c *Call) Scalar {
	f := c.Func
	if f.Volatile || f.Window || c.Eval == nil {
		return nil
	}
	args := make([]Value, len(c.Args))
	size := 0
	for i, a := range c.Args {
		args[i] = a.(*Const).Value
		size += valueBytes(args[i])
	}
	v := evalCall(c, args)
	if n := valueBytes(v); n > foldedBytes && n > 2*size || n > 128*foldedBytes {
		return nil
	}
	if v.Type() != c.T {
		switch {
		case v.IsNull():
			v = Null(c.T)
		case c.T == Unknown:
		default:
			// The function gave another type than it says; leave it as a call, whose
			// result is brought to its type where it is used.
			return nil
		}
	}
	return &Const{Span: c.Span, Value: v}
}

// foldConst is foldCall where the arguments may be other than constants.
func foldConst(c *Call) Scalar {
	for _, a := range c.Args {
		if constOf(a) == nil {
			return nil
		}
	}
	return foldCall(c)
}
