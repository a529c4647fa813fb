package kql

// Functions of dynamic values. What is no array where one is asked for gives
// null, except where a function takes many: there it does not count.

// maxRangeElements is the length at which range() and repeat() stop.
const maxRangeElements = 1 << 20

func init() {
	array := P("array", onlyDynamic)
	value := P("value", AnyScalar)
	whole := func(name string) Param { return P(name, AnyInteger) }
	many := func(result Type, params ...Param) []Sig {
		s := Of(result, params...)
		s.Repeat = 1
		return []Sig{s}
	}
	Register(
		Func{Name: "array_length", NullIn: true, Doc: "The number of elements.", Sigs: []Sig{Of(Long, array)}, Eval: arrayLength},
		Func{Name: "arraylength", NullIn: true, Hidden: true, Doc: "The number of elements.", Sigs: []Sig{Of(Long, array)}, Eval: arrayLength},
		Func{Name: "array_concat", Doc: "The elements of all the arrays.", Sigs: many(Dynamic, array), Eval: arrayConcat},
		Func{Name: "array_reverse", NullIn: true, Doc: "The elements from the last to the first.", Sigs: []Sig{Of(Dynamic, P("value", onlyDynamic))}, Eval: arrayReverse},
		Func{Name: "array_slice", NullIn: true, Doc: "The elements from one index to another, which is included; below zero they count from the end.",
			Sigs: []Sig{Of(Dynamic, array, whole("start"), whole("end"))}, Eval: arraySlice},
		Func{Name: "array_split", NullIn: true, Doc: "The arrays between the indices.",
			Sigs: []Sig{Of(Dynamic, array, P("index", AnyInteger|onlyDynamic))}, Eval: arraySplit},
		Func{Name: "array_shift_left", Doc: "The elements moved to the left; the places that come free take the default.",
			Sigs: []Sig{Of(Dynamic, array, whole("shift_count"), Opt("default_value", AnyScalar))}, Eval: func(args []Value) Value { return arrayShift(args, 1) }},
		Func{Name: "array_shift_right", Doc: "The elements moved to the right; the places that come free take the default.",
			Sigs: []Sig{Of(Dynamic, array, whole("shift_count"), Opt("default_value", AnyScalar))}, Eval: func(args []Value) Value { return arrayShift(args, -1) }},
		Func{Name: "array_rotate_left", NullIn: true, Doc: "The elements moved to the left; those that fall out come in again.",
			Sigs: []Sig{Of(Dynamic, array, whole("rotate_count"))}, Eval: func(args []Value) Value { return arrayRotate(args, 1) }},
		Func{Name: "array_rotate_right", NullIn: true, Doc: "The elements moved to the right; those that fall out come in again.",
			Sigs: []Sig{Of(Dynamic, array, whole("rotate_count"))}, Eval: func(args []Value) Value { return arrayRotate(args, -1) }},
		Func{Name: "array_index_of", Doc: "The index of a value in the array, -1 when it is not there.",
			Sigs: []Sig{Of(Long, array, value, Opt("start", AnyInteger), Opt("length", AnyInteger), Opt("occurrence", AnyInteger))}, Eval: arrayIndexOf},
		arrayIff("array_iff", false),
		arrayIff("array_iif", true),
		Func{Name: "array_sum", NullIn: true, Doc: "The sum of the numbers.", Sigs: []Sig{Of(Real, array)}, Eval: arraySum, Hidden: true},
		Func{Name: "zip", Doc: "An array of arrays, each with one element of every array.", Sigs: many(Dynamic, array, array), Eval: arrayZip},
		Func{Name: "pack_array", Doc: "An array of the values.", Sigs: many(Dynamic, value), Eval: packArray},
		Func{Name: "repeat", Naming: NamePrefixFirst, NamePrefix: "repeat", Doc: "An array with the value so many times.",
			Sigs: []Sig{Of(Dynamic, P("value", AnyScalar&^onlyDynamic), whole("count"))}, Eval: repeatValue},
		Func{Name: "range", NullIn: true, Doc: "An array of values from start to stop, a step apart.",
			Sigs: []Sig{Of(Dynamic, P("start", Summable), P("stop", Summable), Opt("step", Summable))}, Eval: rangeOf},
	)
	registerSets()
	registerBags()
}

// elements are those of an array; ok is false for what is none.
func elements(v Value) (list []Dyn, ok bool) {
	list, ok = v.Dynamic().([]Dyn)
	return list, ok
}

func arrayLength(args []Value) Value {
	if list, ok := elements(args[0]); ok {
		return LongOf(int64(len(list)))
	}
	return Null(Long)
}

func arrayConcat(args []Value) Value {
	out := []Dyn{}
	for _, a := range args {
		list, _ := elements(a)
		out = append(out, list...)
	}
	return DynamicOf(out)
}

func arrayReverse(args []Value) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Dynamic)
	}
	out := make([]Dyn, len(list))
	for i, d := range list {
		out[len(list)-1-i] = d
	}
	return DynamicOf(out)
}

func arraySlice(args []Value) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Dynamic)
	}
	n := int64(len(list))
	start, end := args[1].Int(), args[2].Int()
	if start < 0 {
		start = max(0, start+n)
	}
	if end < 0 {
		end += n
	}
	end = min(end, n-1)
	if start > end {
		return DynamicOf([]Dyn{})
	}
	return DynamicOf(list[start : end+1 : end+1])
}

// arraySplit cuts before each index. Indices below zero count from the end.
func arraySplit(args []Value) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Dynamic)
	}
	indices := []Dyn{args[1].Int()}
	if args[1].Type() == Dynamic {
		switch d := args[1].Dynamic().(type) {
		case []Dyn:
			indices = d
		case int64:
			indices = []Dyn{d}
		default:
			return Null(Dynamic)
		}
	}
	n, from := int64(len(list)), int64(0)
	out := make([]Dyn, 0, len(indices)+1)
	for _, d := range indices {
		i, ok := d.(int64)
		if !ok {
			return Null(Dynamic)
		}
		if i < 0 {
			i += n
		}
		i = max(from, min(n, i))
		out = append(out, append([]Dyn{}, list[from:i]...))
		from = i
	}
	return DynamicOf(append(out, append([]Dyn{}, list[from:]...)))
}

// arrayShift moves to the left, with sign -1 to the right.
func arrayShift(args []Value, sign int64) Value {
	list, ok := elements(args[0])
	if !ok || args[1].IsNull() {
		return Null(Dynamic)
	}
	var fill Dyn
	if len(args) > 2 {
		fill = dynOf(args[2])
	}
	n := int64(len(list))
	by := sign * max(-n, min(n, args[1].Int()))
	out := make([]Dyn, n)
	for i := range n {
		if j := i + by; j >= 0 && j < n {
			out[i] = list[j]
		} else {
			out[i] = fill
		}
	}
	return DynamicOf(out)
}

// arrayRotate moves to the left, with sign -1 to the right.
func arrayRotate(args []Value, sign int64) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Dynamic)
	}
	n := int64(len(list))
	if n == 0 {
		return args[0]
	}
	by := modLong(sign*(args[1].Int()%n), n)
	return DynamicOf(append(append(make([]Dyn, 0, n), list[by:]...), list[:by]...))
}

// arrayIndexOf looks from start (below zero from the end) at length elements (-1
// for all) and takes the occurrence that is asked for.
func arrayIndexOf(args []Value) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Long)
	}
	arg := func(i int, def int64) int64 {
		if i < len(args) && !args[i].IsNull() {
			return args[i].Int()
		}
		return def
	}
	n := int64(len(list))
	start, length, nth := arg(2, 0), arg(3, -1), arg(4, 1)
	if start < 0 {
		start = max(0, start+n)
	}
	end := n
	if length >= 0 && length < n-start {
		end = start + length
	}
	if nth < 1 {
		return Null(Long)
	}
	want := dynOf(args[1])
	for i := start; i < end; i++ {
		if equalDyn(list[i], want) {
			if nth--; nth == 0 {
				return LongOf(i)
			}
		}
	}
	return LongOf(-1)
}

// arrayIff chooses element by element. A number that is not zero holds; what is
// neither a bool nor a number gives null.
func arrayIff(name string, hidden bool) Func {
	return Func{Name: name, Hidden: hidden, Doc: "For each condition an element of the one or the other.",
		Sigs: []Sig{Of(Dynamic, P("condition_array", onlyDynamic), P("when_true", AnyScalar), P("when_false", AnyScalar))},
		Eval: func(args []Value) Value {
			conditions, ok := elements(args[0])
			if !ok {
				return Null(Dynamic)
			}
			pick := func(v Value, i int) Dyn {
				if list, ok := elements(v); ok {
					if i < len(list) {
						return list[i]
					}
					return nil
				}
				return dynOf(v)
			}
			out := make([]Dyn, len(conditions))
			for i, c := range conditions {
				var holds bool
				switch c := c.(type) {
				case bool:
					holds = c
				case int64:
					holds = c != 0
				case float64:
					holds = c != 0
				default:
					continue
				}
				if holds {
					out[i] = pick(args[1], i)
				} else {
					out[i] = pick(args[2], i)
				}
			}
			return DynamicOf(out)
		}}
}

// arraySum leaves nulls out; another element that is no number makes it null.
func arraySum(args []Value) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Real)
	}
	sum := 0.0
	for _, d := range list {
		switch d := d.(type) {
		case nil:
		case int64:
			sum += float64(d)
		case float64:
			sum += d
		default:
			return Null(Real)
		}
	}
	return RealOf(sum)
}

// arrayZip fills what shorter arrays lack with null.
func arrayZip(args []Value) Value {
	longest := 0
	lists := make([][]Dyn, len(args))
	for i, a := range args {
		list, ok := elements(a)
		if !ok {
			return Null(Dynamic)
		}
		lists[i] = list
		longest = max(longest, len(list))
	}
	out := make([]Dyn, longest)
	for i := range out {
		row := make([]Dyn, len(lists))
		for j, list := range lists {
			if i < len(list) {
				row[j] = list[i]
			}
		}
		out[i] = row
	}
	return DynamicOf(out)
}

func packArray(args []Value) Value {
	out := make([]Dyn, len(args))
	for i, a := range args {
		out[i] = dynOf(a)
	}
	return DynamicOf(out)
}

func repeatValue(args []Value) Value {
	if args[1].IsNull() || args[1].Int() < 0 {
		return Null(Dynamic)
	}
	out := make([]Dyn, min(args[1].Int(), maxRangeElements))
	d := dynOf(args[0])
	for i := range out {
		out[i] = d
	}
	return DynamicOf(out)
}

// rangeOf counts in the type of its start: by 1, or by an hour for times. A step
// of zero and a stop on the other side give null and nothing.
func rangeOf(args []Value) Value {
	start, stop := args[0], args[1]
	t := start.Type()
	var step Value
	switch {
	case len(args) > 2:
		step = args[2]
	case t == DateTime || t == TimeSpan:
		step = TimeSpanOf(TicksPerHour)
	default:
		step = LongOf(1)
	}
	switch {
	case t == DateTime || t == TimeSpan:
		if stop.Type() != t || step.Type() == DateTime {
			return Null(Dynamic)
		}
		by := step.Int()
		if step.Type().Numeric() {
			by = toLong(step).Int()
		}
		return countUp(start.Int(), stop.Int(), by, func(n int64) Dyn {
			if t == DateTime {
				return dateTimeText(n)
			}
			return timeSpanText(n)
		})
	case WidestArg([]Type{t, stop.Type(), step.Type()}) > Long:
		from, to, by := numberOf(start), numberOf(stop), numberOf(step)
		if !(by > 0 || by < 0) {
			return Null(Dynamic)
		}
		out := []Dyn{}
		for i := 0; i < maxRangeElements; i++ {
			x := from + float64(i)*by
			if by > 0 && !(x <= to) || by < 0 && !(x >= to) {
				break
			}
			out = append(out, x)
		}
		return DynamicOf(out)
	}
	return countUp(start.Int(), stop.Int(), step.Int(), func(n int64) Dyn { return n })
}

// countUp counts integers; overflow ends it.
func countUp(from, to, by int64, element func(int64) Dyn) Value {
	if by == 0 {
		return Null(Dynamic)
	}
	out := []Dyn{}
	for n := from; len(out) < maxRangeElements && (by > 0 && n <= to || by < 0 && n >= to); {
		out = append(out, element(n))
		next := n + by
		if (next > n) != (by > 0) {
			break
		}
		n = next
	}
	return DynamicOf(out)
}
