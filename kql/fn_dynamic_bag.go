package kql

import "strings"

func registerBags() {
	bag := P("bag", onlyDynamic)
	object := P("object", onlyDynamic)
	pack := func(name string, hidden bool) Func {
		return Func{Name: name, Hidden: hidden, Doc: "A bag of keys and values.", Eval: bagPack,
			Sigs: []Sig{{Params: []Param{P("key", onlyString), P("value", AnyScalar)}, Repeat: 2, Result: Always(Dynamic)}}}
	}
	Register(
		pack("bag_pack", false), pack("pack", true), pack("pack_dictionary", true),
		Func{Name: "bag_keys", NullIn: true, Doc: "The keys of the bag.", Sigs: []Sig{Of(Dynamic, object)}, Eval: bagKeys},
		Func{Name: "bag_merge", Doc: "A bag with the keys of all the bags; the first value of a key counts.", Eval: bagMerge,
			Sigs: []Sig{{Params: []Param{bag, bag}, Repeat: 1, Result: Always(Dynamic)}}},
		Func{Name: "bag_remove_keys", Doc: "The bag without keys, which may be paths: $.a.b.", Sigs: []Sig{Of(Dynamic, bag, P("keys", onlyDynamic))}, Eval: bagRemoveKeys},
		Func{Name: "bag_has_key", Doc: "Whether the bag has the key, which may be a path: $.a.b.", Sigs: []Sig{Of(Bool, bag, P("key", onlyString))}, Eval: bagHasKey},
		Func{Name: "bag_set_key", Doc: "The bag with a key set, which may be a path: $.a.b.", Eval: bagSetKey,
			Sigs: []Sig{Of(Dynamic, bag, Fixed("key", onlyString), P("value", AnyScalar))}},
		Func{Name: "bag_zip", Doc: "A bag of an array of keys and one of values.", Sigs: []Sig{Of(Dynamic, P("keys", onlyDynamic), P("values", onlyDynamic))}, Eval: bagZip},
		Func{Name: "treepath", Naming: NamePrefixOnlyArg, NamePrefix: "tree", NullIn: true, Doc: "The paths of all that is in the bag.",
			Sigs: []Sig{Of(Dynamic, object)}, Eval: treePath},
	)
}

// bagOfValue is the bag that a value holds; nil for what is none.
func bagOfValue(v Value) *Bag {
	b, _ := v.Dynamic().(*Bag)
	return b
}

// bagPack takes keys and values in turn. A key without a value has null.
func bagPack(args []Value) Value {
	out := NewBag()
	for i := 0; i+1 < len(args); i += 2 {
		out.Set(args[i].Str(), dynOf(args[i+1]))
	}
	return DynamicOf(out)
}

func bagKeys(args []Value) Value {
	b := bagOfValue(args[0])
	if b == nil {
		return Null(Dynamic)
	}
	out := make([]Dyn, len(b.Keys))
	for i, k := range b.Keys {
		out[i] = k
	}
	return DynamicOf(out)
}

func bagMerge(args []Value) Value {
	out := NewBag()
	any := false
	for _, a := range args {
		b := bagOfValue(a)
		if b == nil {
			continue
		}
		any = true
		for _, k := range b.Keys {
			if _, ok := out.Values[k]; !ok {
				out.Set(k, b.Values[k])
			}
		}
	}
	if !any {
		return Null(Dynamic)
	}
	return DynamicOf(out)
}

// keyPath takes $.a.b and $['a'].b apart; a key that does not start like a path
// is a key.
func keyPath(key string) []string {
	rest, ok := strings.CutPrefix(key, "$")
	if !ok || rest == "" || rest[0] != '.' && rest[0] != '[' {
		return []string{key}
	}
	var path []string
	for rest != "" {
		if name, ok := strings.CutPrefix(rest, "."); ok {
			end := strings.IndexAny(name, ".[")
			if end < 0 {
				end = len(name)
			}
			path, rest = append(path, name[:end]), name[end:]
			continue
		}
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			return []string{key}
		}
		path, rest = append(path, strings.Trim(rest[1:end], `'"`)), rest[end+1:]
	}
	return path
}

func bagRemoveKeys(args []Value) Value {
	b := bagOfValue(args[0])
	if b == nil {
		return Null(Dynamic)
	}
	keys, _ := elements(args[1])
	for _, k := range keys {
		if key, ok := k.(string); ok {
			b = withoutPath(b, keyPath(key))
		}
	}
	return DynamicOf(b)
}

// withoutPath copies a bag without what a path leads to.
func withoutPath(b *Bag, path []string) *Bag {
	inner, ok := b.Values[path[0]]
	if !ok {
		return b
	}
	var below *Bag
	if len(path) > 1 {
		if below, ok = inner.(*Bag); !ok {
			return b
		}
		below = withoutPath(below, path[1:])
	}
	out := NewBag()
	for _, k := range b.Keys {
		switch {
		case k != path[0]:
			out.Set(k, b.Values[k])
		case below != nil:
			out.Set(k, below)
		}
	}
	return out
}

func bagHasKey(args []Value) Value {
	b := bagOfValue(args[0])
	if b == nil {
		return Null(Bool)
	}
	var d Dyn = b
	for _, k := range keyPath(args[1].Str()) {
		in, ok := d.(*Bag)
		if !ok {
			return BoolOf(false)
		}
		if d, ok = in.Values[k]; !ok {
			return BoolOf(false)
		}
	}
	return BoolOf(true)
}

func bagSetKey(args []Value) Value {
	b := bagOfValue(args[0])
	if b == nil {
		return Null(Dynamic)
	}
	return DynamicOf(withPath(b, keyPath(args[1].Str()), dynOf(args[2])))
}

// withPath copies a bag with what a path leads to set; bags on the way that are
// not there are made.
func withPath(b *Bag, path []string, d Dyn) *Bag {
	if len(path) > 1 {
		below, ok := b.Values[path[0]].(*Bag)
		if !ok {
			below = NewBag()
		}
		d = withPath(below, path[1:], d)
	}
	out := NewBag()
	for _, k := range b.Keys {
		out.Set(k, b.Values[k])
	}
	out.Set(path[0], d)
	return out
}

// bagZip leaves keys out that are no text; keys without a value have null.
func bagZip(args []Value) Value {
	keys, ok := elements(args[0])
	if !ok {
		return Null(Dynamic)
	}
	values, _ := elements(args[1])
	out := NewBag()
	for i, k := range keys {
		key, ok := k.(string)
		if !ok {
			continue
		}
		if _, twice := out.Values[key]; twice {
			continue
		}
		if i < len(values) {
			out.Set(key, values[i])
		} else {
			out.Set(key, nil)
		}
	}
	return DynamicOf(out)
}

// treePath names every path once: elements of an array all have its [0].
func treePath(args []Value) Value {
	out := []Dyn{}
	seen := map[string]bool{}
	var walk func(prefix string, d Dyn)
	visit := func(path string, d Dyn) {
		if !seen[path] {
			seen[path] = true
			out = append(out, path)
		}
		walk(path, d)
	}
	walk = func(prefix string, d Dyn) {
		switch d := d.(type) {
		case *Bag:
			for _, k := range d.Keys {
				visit(prefix+"['"+k+"']", d.Values[k])
			}
		case []Dyn:
			for _, e := range d {
				visit(prefix+"[0]", e)
			}
		}
	}
	switch d := args[0].Dynamic().(type) {
	case *Bag, []Dyn:
		walk("", d)
		return DynamicOf(out)
	}
	return Null(Dynamic)
}
