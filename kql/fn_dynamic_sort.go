package kql

import (
	"slices"
	"strings"
)

func init() {
	sorter := func(name string, desc bool) Func {
		return Func{Name: name, PerArray: true, Doc: "The arrays in the order of the first one's elements, sorted.", Eval: func(args []Value) Value { return sortArrays(args, desc) },
			Sigs: []Sig{{Params: []Param{P("array", onlyDynamic), Opt("arrays", onlyDynamic|onlyBool)}, Repeat: 1, Result: Always(Dynamic)}}}
	}
	Register(sorter("array_sort_asc", false), sorter("array_sort_desc", true))
}

// sortArrays sorts the first array and brings the others of its length into the
// same order; others become null. A bool as the last argument tells whether
// nulls come last, as they do when nothing is said. One array gives an array,
// several give an array of them.
func sortArrays(args []Value, desc bool) Value {
	nullsLast := true
	if last := args[len(args)-1]; len(args) > 1 && last.Type() == Bool {
		nullsLast = last.IsNull() || last.Bool()
		args = args[:len(args)-1]
	}
	first, ok := elements(args[0])
	order := make([]int, len(first))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := first[i], first[j]
		if a == nil || b == nil {
			c := oneIf(a == nil) - oneIf(b == nil)
			if !nullsLast {
				c = -c
			}
			return c
		}
		c := orderDyn(a, b)
		if desc {
			c = -c
		}
		return c
	})
	sorted := func(v Value) Dyn {
		list, isArray := elements(v)
		if !ok || !isArray || len(list) != len(first) {
			return nil
		}
		out := make([]Dyn, len(list))
		for i, at := range order {
			out[i] = list[at]
		}
		return out
	}
	if len(args) == 1 {
		return DynamicOf(sorted(args[0]))
	}
	out := make([]Dyn, len(args))
	for i, a := range args {
		out[i] = sorted(a)
	}
	return DynamicOf(out)
}

// orderDyn orders elements of an array: numbers, then texts, then bools, then
// what has no order among itself.
func orderDyn(a, b Dyn) int {
	rank := func(d Dyn) int {
		switch d.(type) {
		case int64, float64:
			return 0
		case string:
			return 1
		case bool:
			return 2
		}
		return 3
	}
	if c := rank(a) - rank(b); c != 0 {
		return c
	}
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
		return orderFloat(float64(x), floatOf(b))
	case float64:
		return orderFloat(x, floatOf(b))
	case string:
		return orderTexts(x, b.(string))
	case bool:
		return oneIf(x) - oneIf(b.(bool))
	}
	return 0
}

// orderTexts compares texts. Those that are both timespans, which are texts for
// want of a type in JSON, go by their length.
func orderTexts(a, b string) int {
	if x, ok := spanText(a); ok {
		if y, ok := spanText(b); ok {
			return oneIf(x > y) - oneIf(x < y)
		}
	}
	return strings.Compare(a, b)
}

// spanText reads a text that timeSpanText wrote.
func spanText(s string) (int64, bool) {
	if len(s) < 8 || s[len(s)-1]-'0' > 9 || strings.Count(s, ":") != 2 {
		return 0, false
	}
	n, ok := clockFromText(s)
	return n, ok && timeSpanText(n) == s
}
