package kql

import "strings"

// Operators on text. What a constant right side makes of them is a
// TextPredicate; the same matchers serve when it is data.

func init() {
	text := onlyString | onlyDynamic
	sig := []Sig{Of(Bool, P("left", text), P("right", text))}
	for _, op := range []struct{ name, doc string }{
		{"=~", "Equal without regard to case."},
		{"has", "Holds the right side as a whole term, without regard to case."},
		{"has_cs", "Holds the right side as a whole term."},
		{"hasprefix", "A term begins with the right side, without regard to case."},
		{"hasprefix_cs", "A term begins with the right side."},
		{"hassuffix", "A term ends with the right side, without regard to case."},
		{"hassuffix_cs", "A term ends with the right side."},
		{"contains", "Holds the right side, without regard to case."},
		{"contains_cs", "Holds the right side."},
		{"startswith", "Begins with the right side, without regard to case."},
		{"startswith_cs", "Begins with the right side."},
		{"endswith", "Ends with the right side, without regard to case."},
		{"endswith_cs", "Ends with the right side."},
	} {
		not := "!" + op.name
		if op.name == "=~" {
			not = "!~"
		}
		Register(
			Func{Name: op.name, Sigs: sig, Eval: textOperator(op.name), Prepare: prepareText(op.name), Doc: op.doc},
			Func{Name: not, Sigs: sig, Eval: textOperator(not), Prepare: prepareText(not), Doc: "Not: " + op.doc},
		)
	}
	Register(Func{Name: "matches regex", Sigs: sig, Eval: func(args []Value) Value {
		p := patterns.get(TextOf(args[1]))
		return BoolOf(p != nil && p.match(bytesOf(TextOf(args[0]))))
	}, Prepare: func(consts []*Value) (func([]Value) Value, error) {
		p, err := constPattern(consts, 1)
		if p == nil {
			return nil, err
		}
		return func(args []Value) Value { return BoolOf(p.match(bytesOf(TextOf(args[0])))) }, nil
	}, Doc: "A regular expression matches somewhere."})

	items := []Sig{{Params: []Param{P("value", AnyScalar), P("item", AnyScalar)}, Repeat: 1, Result: Always(Bool)}}
	list := func(name, doc string, eval func(args []Value) bool, words bool) Func {
		f := Func{Name: name, Sigs: items, Doc: doc, Eval: func(args []Value) Value { return BoolOf(eval(args)) }}
		f.Prepare = prepareItems(name, words)
		return f
	}
	Register(
		list("in", "Equal to one of the items.", func(args []Value) bool { return isIn(args, false) }, false),
		list("!in", "Equal to none of the items.", func(args []Value) bool { return !isIn(args, false) }, false),
		list("in~", "Equal to one of the items without regard to case.", func(args []Value) bool { return isIn(args, true) }, false),
		list("!in~", "Equal to none of the items without regard to case.", func(args []Value) bool { return !isIn(args, true) }, false),
		list("has_any", "Holds one of the items as a whole term, without regard to case.", func(args []Value) bool {
			return hasAny(itemTexts(args[1:]))(bytesOf(TextOf(args[0])))
		}, true),
		list("has_all", "Holds all of the items as whole terms, without regard to case.", func(args []Value) bool {
			return hasAll(itemTexts(args[1:]))(bytesOf(TextOf(args[0])))
		}, true),
	)
}

// textOperator is an operator on two texts that are both data.
func textOperator(op string) func(args []Value) Value {
	return func(args []Value) Value {
		match, ok := TextPredicate(op, []string{TextOf(args[1])})
		return BoolOf(ok && match(bytesOf(TextOf(args[0]))))
	}
}

func prepareText(op string) func(consts []*Value) (func([]Value) Value, error) {
	return func(consts []*Value) (func([]Value) Value, error) {
		if len(consts) != 2 || consts[1] == nil {
			return nil, nil
		}
		match, ok := TextPredicate(op, []string{TextOf(*consts[1])})
		if !ok {
			return nil, nil
		}
		return func(args []Value) Value { return BoolOf(match(bytesOf(TextOf(args[0])))) }, nil
	}
}

// constPattern compiles a constant regular expression; nil when the argument is
// no constant.
func constPattern(consts []*Value, at int) (*pattern, error) {
	if at >= len(consts) || consts[at] == nil {
		return nil, nil
	}
	return compilePattern(TextOf(*consts[at]), "")
}

// eachItem hands the items of a list operator over: an array stands for its
// elements.
func eachItem(items []Value, do func(v Value) bool) {
	for _, v := range items {
		if v.Type() == Dynamic {
			if list, ok := v.Dynamic().([]Dyn); ok {
				for _, d := range list {
					if !do(DynamicOf(d)) {
						return
					}
				}
				continue
			}
		}
		if !do(v) {
			return
		}
	}
}

func itemTexts(items []Value) (texts []string) {
	eachItem(items, func(v Value) bool {
		texts = append(texts, TextOf(v))
		return true
	})
	return texts
}

// isIn tells whether args[0] equals an item. A null equals none.
func isIn(args []Value, fold bool) (found bool) {
	x := args[0]
	eachItem(args[1:], func(v Value) bool {
		if fold {
			found = equals(TextOf(v))(bytesOf(TextOf(x)))
		} else {
			found = !x.IsNull() && !v.IsNull() && equalValues(x, v)
		}
		return !found
	})
	return found
}

// prepareItems makes a predicate of constant texts.
func prepareItems(op string, words bool) func(consts []*Value) (func([]Value) Value, error) {
	fold := strings.HasSuffix(op, "~")
	return func(consts []*Value) (func([]Value) Value, error) {
		var items []Value
		for _, c := range consts[min(1, len(consts)):] {
			if c == nil {
				return nil, nil
			}
			items = append(items, *c)
		}
		plain := true
		eachItem(items, func(v Value) bool {
			plain = v.Type() == String
			if v.Type() == Dynamic {
				_, plain = v.Dynamic().(string)
			}
			return plain
		})
		if !plain && !words && !fold {
			return nil, nil
		}
		match, ok := TextPredicate(op, itemTexts(items))
		if !ok {
			return nil, nil
		}
		generic := LookupFunc(op).Eval
		return func(args []Value) Value {
			if x := args[0]; x.Type() == String || words || fold {
				return BoolOf(match(bytesOf(TextOf(x))))
			}
			return generic(args)
		}, nil
	}
}
