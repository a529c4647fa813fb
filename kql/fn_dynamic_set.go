package kql

func registerSets() {
	set := P("set", onlyDynamic)
	many := func() []Sig {
		return []Sig{{Params: []Param{set, set}, Repeat: 1, Result: Always(Dynamic)}}
	}
	Register(
		Func{Name: "set_union", Doc: "The elements that are in one of the arrays, each once.", Sigs: many(), Eval: setUnion},
		Func{Name: "set_intersect", Doc: "The elements that are in all the arrays, each once.", Sigs: many(), Eval: setIntersect},
		Func{Name: "set_difference", Doc: "The elements of the first array that are in no other, each once.", Sigs: many(), Eval: setDifference},
		Func{Name: "set_has_element", Doc: "Whether the value is in the array.", Sigs: []Sig{Of(Bool, set, P("value", AnyScalar))}, Eval: setHas},
		Func{Name: "set_equals", Doc: "Whether two arrays have the same elements.", Sigs: []Sig{Of(Bool, P("set1", onlyDynamic), P("set2", onlyDynamic))}, Eval: setEquals},
		Func{Name: "jaccard_index", Doc: "The size of the intersection by the size of the union.", Sigs: []Sig{Of(Dynamic, P("set1", onlyDynamic), P("set2", onlyDynamic))}, Eval: jaccard},
	)
}

// keyOf is equal for elements that are.
func keyOf(d Dyn) string {
	if f, ok := d.(float64); ok && f == float64(int64(f)) {
		d = int64(f)
	}
	return string(appendDynKey(nil, d))
}

// keysOf are the keys of an array's elements; nil for what is no array.
func keysOf(v Value) map[string]bool {
	list, ok := elements(v)
	if !ok {
		return nil
	}
	keys := make(map[string]bool, len(list))
	for _, d := range list {
		keys[keyOf(d)] = true
	}
	return keys
}

func setUnion(args []Value) Value {
	seen := map[string]bool{}
	out := []Dyn{}
	for _, a := range args {
		list, _ := elements(a)
		for _, d := range list {
			if k := keyOf(d); !seen[k] {
				seen[k] = true
				out = append(out, d)
			}
		}
	}
	return DynamicOf(out)
}

// setFilter keeps the elements of the first array for which keep holds.
func setFilter(args []Value, keep func(key string, others []map[string]bool) bool) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Dynamic)
	}
	others := make([]map[string]bool, 0, len(args)-1)
	for _, a := range args[1:] {
		others = append(others, keysOf(a))
	}
	seen := map[string]bool{}
	out := []Dyn{}
	for _, d := range list {
		if k := keyOf(d); !seen[k] && keep(k, others) {
			seen[k] = true
			out = append(out, d)
		}
	}
	return DynamicOf(out)
}

func setIntersect(args []Value) Value {
	return setFilter(args, func(key string, others []map[string]bool) bool {
		for _, o := range others {
			if !o[key] {
				return false
			}
		}
		return true
	})
}

func setDifference(args []Value) Value {
	return setFilter(args, func(key string, others []map[string]bool) bool {
		for _, o := range others {
			if o[key] {
				return false
			}
		}
		return true
	})
}

func setHas(args []Value) Value {
	list, ok := elements(args[0])
	if !ok {
		return Null(Bool)
	}
	want := keyOf(dynOf(args[1]))
	for _, d := range list {
		if keyOf(d) == want {
			return BoolOf(true)
		}
	}
	return BoolOf(false)
}

func setEquals(args []Value) Value {
	a, b := keysOf(args[0]), keysOf(args[1])
	if a == nil || b == nil {
		return Null(Bool)
	}
	if len(a) != len(b) {
		return BoolOf(false)
	}
	for k := range a {
		if !b[k] {
			return BoolOf(false)
		}
	}
	return BoolOf(true)
}

func jaccard(args []Value) Value {
	a, b := keysOf(args[0]), keysOf(args[1])
	if a == nil || b == nil {
		return Null(Dynamic)
	}
	common := 0
	for k := range a {
		if b[k] {
			common++
		}
	}
	all := len(a) + len(b) - common
	if all == 0 {
		return Null(Dynamic)
	}
	return DynamicOf(float64(common) / float64(all))
}
