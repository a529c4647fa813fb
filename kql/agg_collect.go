package kql

// oldElements is the size of makelist and makeset when none is given.
const oldElements = 128

// listAcc is make_list. An array is flattened; a null dynamic stays as null, a null
// of another type only with nulls.
type listAcc struct {
	nulls bool
	limit int
	items []Dyn
}

func newList(nulls bool) func([]Type, []*Value) Accumulator {
	return func(_ []Type, consts []*Value) Accumulator {
		return &listAcc{nulls: nulls, limit: sizeOf(consts, maxElements), items: []Dyn{}}
	}
}

func newOldList(_ []Type, consts []*Value) Accumulator {
	return &listAcc{limit: sizeOf(consts, oldElements), items: []Dyn{}}
}

func sizeOf(consts []*Value, def int) int {
	return int(max(0, min(constInt(consts, 1, int64(def)), maxElements)))
}

func (l *listAcc) Add(args []Value) {
	v := args[0]
	if v.IsNull() && v.Type() != Dynamic && !l.nulls || len(l.items) >= l.limit {
		return
	}
	if array, ok := v.Dynamic().([]Dyn); ok {
		l.items = append(l.items, array[:min(len(array), l.limit-len(l.items))]...)
		return
	}
	l.items = append(l.items, dynOf(v))
}

func (l *listAcc) Result() Value { return DynamicOf(l.items) }

// setAcc is make_set: distinct values in the order in which they were first seen.
type setAcc struct {
	limit int
	items []Dyn
	seen  map[string]struct{}
	buf   []byte
}

func newSet(def int) func([]Type, []*Value) Accumulator {
	return func(_ []Type, consts []*Value) Accumulator {
		return &setAcc{limit: sizeOf(consts, def), items: []Dyn{}, seen: make(map[string]struct{})}
	}
}

func (s *setAcc) Add(args []Value) {
	v := args[0]
	if v.IsNull() {
		return
	}
	if array, ok := v.Dynamic().([]Dyn); ok {
		for _, e := range array {
			s.add(e)
		}
		return
	}
	s.add(dynOf(v))
}

func (s *setAcc) add(d Dyn) {
	if d == nil || len(s.items) >= s.limit {
		return
	}
	s.buf = appendDynKey(s.buf[:0], d)
	if _, ok := s.seen[string(s.buf)]; !ok {
		s.seen[string(s.buf)] = struct{}{}
		s.items = append(s.items, d)
	}
}

func (s *setAcc) Result() Value { return DynamicOf(s.items) }

// bagOf is make_bag: all keys of all bags, each with the value that came first.
// What is no bag is skipped.
type bagOf struct {
	limit int
	bag   *Bag
}

func newBagOf(_ []Type, consts []*Value) Accumulator {
	return &bagOf{limit: sizeOf(consts, maxElements), bag: NewBag()}
}

func (b *bagOf) Add(args []Value) {
	bag, ok := args[0].Dynamic().(*Bag)
	if !ok {
		return
	}
	for _, k := range bag.Keys {
		if _, there := b.bag.Get(k); !there && len(b.bag.Keys) < b.limit {
			b.bag.Set(k, bag.Values[k])
		}
	}
}

func (b *bagOf) Result() Value { return DynamicOf(b.bag) }

// schemaAcc is buildschema: the names of types, one or several in an array; a bag
// of the schemas of a bag's values; for an array a bag with the schema of its
// elements under "indexer".
type schemaAcc struct{ node schemaNode }

type schemaNode struct {
	names   []string // of primitive types, in the order seen
	fields  *Bag     // of *schemaNode, when a bag was seen
	indexer *schemaNode
}

func newSchema([]Type, []*Value) Accumulator { return new(schemaAcc) }

func (s *schemaAcc) Add(args []Value) { s.node.add(args[0].Dynamic()) }

func (s *schemaAcc) Result() Value { return DynamicOf(s.node.dyn()) }

func (n *schemaNode) add(d Dyn) {
	name := ""
	switch x := d.(type) {
	case bool:
		name = "bool"
	case int64:
		name = "long"
	case float64:
		name = "double"
	case string:
		name = "string"
	case []Dyn:
		if n.indexer == nil {
			n.indexer = new(schemaNode)
		}
		for _, e := range x {
			n.indexer.add(e)
		}
	case *Bag:
		if n.fields == nil {
			n.fields = NewBag()
		}
		for _, k := range x.Keys {
			field, _ := n.fields.Get(k)
			child, ok := field.(*schemaNode)
			if !ok {
				if len(n.fields.Keys) >= maxElements {
					continue
				}
				child = new(schemaNode)
				n.fields.Set(k, child)
			}
			child.add(x.Values[k])
		}
	}
	if name == "" {
		return
	}
	for _, have := range n.names {
		if have == name {
			return
		}
	}
	n.names = append(n.names, name)
}

func (n *schemaNode) dyn() Dyn {
	var parts []Dyn
	for _, name := range n.names {
		parts = append(parts, name)
	}
	if n.indexer != nil || n.fields != nil {
		b := NewBag()
		if n.indexer != nil {
			b.Set("indexer", n.indexer.dyn())
		}
		if n.fields != nil {
			for _, k := range n.fields.Keys {
				b.Set(k, n.fields.Values[k].(*schemaNode).dyn())
			}
		}
		parts = append(parts, b)
	}
	switch len(parts) {
	case 0:
		return "null"
	case 1:
		return parts[0]
	}
	return parts
}
