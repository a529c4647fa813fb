package kql

import (
	"sort"
	"strconv"
	"strings"
)

// outColumn is one column of a projection that is being built.
type outColumn struct {
	col      Column
	x        Scalar
	declared bool // its name was written
}

// projection gathers the columns of an operator and gives them names: a name
// that is written counts, the others get a number behind when they are taken.
type projection struct {
	b    *binder
	cols []outColumn
	// skip holds columns of the input that are in already and are not added again.
	skip map[ColID]bool
	all  bool // every column of the input is in
	// pre are computed below, for columns that share a computation.
	pre []Item
}

func (p *projection) find(name string) int {
	for i := range p.cols {
		if p.cols[i].col.Name == name {
			return i
		}
	}
	return -1
}

// pass adds columns of the input, which have different names.
func (p *projection) pass(cols []Column) {
	refs := make([]ColRef, len(cols))
	if p.cols == nil {
		p.cols = make([]outColumn, 0, len(cols)+4)
	}
	for i, c := range cols {
		refs[i].Col = c
		p.cols = append(p.cols, outColumn{col: c, x: &refs[i]})
	}
}

func (p *projection) skips(x Scalar) bool {
	ref, ok := x.(*ColRef)
	if !ok || ref.Col.ID == 0 {
		return false
	}
	return p.skip[ref.Col.ID] || p.all
}

// add adds a column under a name that was not written; it is changed when it is
// taken, unless replace lets it take the place.
func (p *projection) add(name string, x Scalar, replace bool) {
	if i := p.find(name); i >= 0 {
		if replace {
			p.cols[i] = outColumn{col: p.out(name, x), x: x}
			return
		}
		name = p.unique(name)
	}
	p.cols = append(p.cols, outColumn{col: p.out(name, x), x: x})
}

func (p *projection) unique(name string) string {
	for n := 1; ; n++ {
		if s := name + strconv.Itoa(n); p.find(s) < 0 {
			return s
		}
	}
}

// out is the column for an expression: a column of the input that passes
// through under its own name is itself.
func (p *projection) out(name string, x Scalar) Column {
	if ref, ok := x.(*ColRef); ok && ref.Col.Name == name && ref.Col.ID != 0 {
		taken := false
		for i := range p.cols {
			if p.cols[i].col.ID == ref.Col.ID {
				taken = true
			}
		}
		if !taken {
			return ref.Col
		}
	}
	return p.b.column(name, x.Type())
}

// declare adds a column under a name that was written.
func (p *projection) declare(name string, at Span, x Scalar, replace bool) {
	i := p.find(name)
	if i >= 0 && p.cols[i].declared {
		p.b.errorf(at, "KS171", "A column with the name '%s' is already declared.", name)
		return
	}
	if i >= 0 && replace {
		p.cols[i] = outColumn{col: p.out(name, x), x: x, declared: true}
		return
	}
	if i >= 0 {
		name = p.unique(name)
	}
	p.cols = append(p.cols, outColumn{col: p.out(name, x), x: x, declared: true})
}

// style is how the columns of an operator replace each other.
type style uint8

const (
	styleProject style = iota
	styleExtend
	stylePrint
)

// exprs adds the columns of expressions, bound over the rows in scope.
func (p *projection) exprs(es []Expr, s style) {
	for i, e := range es {
		given := ""
		if s == stylePrint {
			given = "print_" + strconv.Itoa(i)
		}
		if p.expr(e, s, given); len(p.cols) > maxColumns {
			p.b.tooMuch(e.Pos(), "A table has more than %d columns.", maxColumns)
			return
		}
	}
}

// expr adds the columns of one expression; given is its name when it gives none.
func (p *projection) expr(e Expr, s style, given string) {
	b := p.b
	switch e := e.(type) {
	case *Star:
		if b.row == nil {
			b.errorf(e.Pos(), "KS199", "No columns are currently in scope.")
			return
		}
		for _, c := range b.row.cols {
			p.add(c.Name, &ColRef{Span: e.Pos(), Col: c}, true)
		}
		return
	case *Named:
		p.named(e, s)
		return
	case *NameRef:
		if e.Wild {
			b.errorf(e.Pos(), "KS268", "Wildcarded names not allowed in this context.")
			return
		}
	}
	if call, f := b.multiCall(e); f != nil {
		if s == stylePrint && given != "" && len(f.Multi) == 1 {
			p.add(given, b.multiElement(e.Pos(), b.callBuiltin(f, call), f, 0), false)
			return
		}
		p.multi(call, f, nil, s)
		return
	}
	if name := b.perArrayName(e); name != "" && s != stylePrint {
		p.add(name, b.scalar(e), false)
		return
	}
	x := b.scalar(e)
	if ref, ok := noConversion(e, x); ok {
		if p.skips(ref) {
			if i := p.find(ref.Col.Name); i >= 0 && s == styleExtend {
				p.cols[i].declared = true
			}
			return
		}
		p.declare(ref.Col.Name, e.Pos(), ref, false)
		return
	}
	if s == stylePrint && given != "" {
		if ref, isCol := x.(*ColRef); !isCol || ref.Col.ID == 0 {
			p.add(given, x, false)
			return
		}
	}
	name, ok := b.resultName(e)
	if !ok || name == "" {
		if given != "" {
			name = given
		} else {
			name = b.anonymous()
		}
	}
	p.add(name, x, s == styleExtend)
}

// named adds Name = X and (a, b) = X.
func (p *projection) named(e *Named, s style) {
	b := p.b
	if call, f := b.multiCall(e.X); f != nil {
		p.multi(call, f, e, s)
		return
	}
	x := b.scalar(e.X)
	if len(e.Names) != 1 {
		if !isUnknown(x) {
			b.errorf(e.Pos(), "KS149", "The expression does not have multiple named values.")
		}
		for _, n := range e.Names {
			p.declare(n.Text, n.Span, unknown(n.Span), true)
		}
		return
	}
	n := e.Names[0]
	_, isCol := x.(*ColRef)
	p.declare(n.Text, n.Span, x, s == styleExtend || isCol)
}

// multiCall tells a call of a function that gives several columns.
func (b *binder) multiCall(e Expr) (*CallExpr, *Func) {
	call, ok := unparen(e).(*CallExpr)
	if !ok || call.X != nil || b.env.find(call.Name.Text) != nil {
		return nil, nil
	}
	f := LookupFunc(call.Name.Text)
	if f != nil && f.PerArray {
		f = b.perArray(call, f)
	}
	if f == nil || len(f.Multi) == 0 {
		return nil, nil
	}
	return call, f
}

// perArray is a function with one column for each array of a call; one array is
// an array and no column of several.
func (b *binder) perArray(call *CallExpr, f *Func) *Func {
	names := b.perArrayNames(call)
	if len(names) < 2 {
		return nil
	}
	g := *f
	for _, name := range names {
		g.Multi = append(g.Multi, MultiOut{name, Dynamic})
	}
	return &g
}

// perArrayNames are the names of the columns of such a call.
func (b *binder) perArrayNames(call *CallExpr) (names []string) {
	for i, a := range call.Args {
		if lit, ok := unparen(a).(*Literal); ok && lit.Value.Type() == Bool {
			continue
		}
		name, ok := b.resultName(a)
		if !ok || name == "" {
			name = "array" + strconv.Itoa(i)
		}
		names = append(names, name+"_sorted")
	}
	return names
}

// perArrayName is the name of the one column of such a call with one array.
func (b *binder) perArrayName(e Expr) string {
	call, ok := unparen(e).(*CallExpr)
	if !ok || call.X != nil || b.env.find(call.Name.Text) != nil {
		return ""
	}
	if f := LookupFunc(call.Name.Text); f == nil || !f.PerArray {
		return ""
	}
	if names := b.perArrayNames(call); len(names) == 1 {
		return names[0]
	}
	return ""
}

// multi adds the columns of a function that gives several. They share one
// computation, in a column of its own below.
func (p *projection) multi(call *CallExpr, f *Func, names *Named, s style) {
	b := p.b
	x := b.callBuiltin(f, call)
	if constOf(x) == nil && !isUnknown(x) {
		tmp := b.column("$"+f.Name, Dynamic)
		p.pre = append(p.pre, Item{Out: tmp, X: x})
		x = &ColRef{Span: call.Pos(), Col: tmp}
	}
	arg := ""
	if len(call.Args) > 0 {
		arg, _ = b.resultName(call.Args[0])
	}
	prefix := f.NamePrefix
	if prefix == "" {
		prefix = f.Name
	}
	if names != nil && len(names.Names) > len(f.Multi) {
		b.errorf(names.Names[len(f.Multi)].Span, "KS150", "The name does not have a corresponding expression.")
	}
	for i, m := range f.Multi {
		part := b.multiElement(call.Pos(), x, f, i)
		if names != nil && i < len(names.Names) {
			n := names.Names[i]
			p.declare(n.Text, n.Span, part, s == styleExtend || !names.Tuple)
			continue
		}
		if s == stylePrint && names != nil {
			break
		}
		name := prefix + "_" + arg + "_" + m.Suffix
		if f.PerArray {
			name = m.Suffix
		}
		p.add(name, part, false)
	}
}

// multiElement is one column of a function that gives several.
func (b *binder) multiElement(at Span, x Scalar, f *Func, i int) Scalar {
	if isUnknown(x) {
		return unknown(at)
	}
	return b.convert(b.callFunc(at, "[]", Dynamic, x, constant(at, LongOf(int64(i)))), f.Multi[i].Type)
}

// elementOfMulti is f(x)[1] of a function that gives several columns; nil for
// other calls.
func (b *binder) elementOfMulti(at Span, call *CallExpr, index Expr) Scalar {
	_, f := b.multiCall(call)
	if f == nil {
		return nil
	}
	v := b.constantOf(index)
	if v == nil || !AnyInteger.Has(v.Type()) || v.Int() < 0 || v.Int() >= int64(len(f.Multi)) {
		if v != nil {
			b.errorf(index.Pos(), "KS141", "The function '%s' gives %d values.", f.Name, len(f.Multi))
		}
		return unknown(at)
	}
	return b.multiElement(at, b.callBuiltin(f, call), f, int(v.Int()))
}

// table is the projection over in; the hidden columns of in go along.
func (p *projection) table(in *table, at Span) *table {
	t := *in
	t.span = at
	t.cols = make([]Column, len(p.cols))
	items := make([]Item, 0, len(p.cols)+len(in.hidden))
	for i := range p.cols {
		t.cols[i] = p.cols[i].col
		items = append(items, Item{Out: p.cols[i].col, X: p.cols[i].x})
	}
	items = passItems(items, in.hidden)
	t.rel = &Project{In: p.below(in), Items: items}
	return &t
}

// below is what the projection reads: in, with the shared computations.
func (p *projection) below(in *table) Rel {
	if len(p.pre) == 0 {
		return in.rel
	}
	return &Project{In: in.rel, Items: append(passItems(passItems(nil, in.cols), in.hidden), p.pre...)}
}

func (b *binder) extend(cols []Expr, in *table) *table {
	p := projection{b: b, all: true}
	p.pass(in.cols)
	b.inRow(in, func() { p.exprs(cols, styleExtend) })
	return p.table(in, Span{})
}

// serialize is extend over rows whose order counts from here on.
func (b *binder) serialize(o *SerializeOp, in *table) *table {
	t := *in
	t.serialized, t.sorted = true, true
	p := projection{b: b, all: true}
	p.pass(in.cols)
	b.inRow(&t, func() {
		for _, e := range o.Cols {
			p.expr(e, styleExtend, "")
		}
	})
	return p.table(&t, o.Pos())
}

func (b *binder) project(o *ProjectOp, in *table) *table {
	switch o.Kind {
	case "away", "keep":
		return b.projectNames(o, in)
	case "rename":
		return b.projectRename(o, in)
	case "by-names":
		return b.projectByNames(o, in)
	}
	p := projection{b: b, cols: make([]outColumn, 0, len(o.Cols))}
	b.inRow(in, func() { p.exprs(o.Cols, styleProject) })
	t := p.table(in, o.Pos())
	t.open = false
	return t
}

// projectNames is project-away and project-keep.
func (b *binder) projectNames(o *ProjectOp, in *table) *table {
	named := make(map[ColID]bool, len(o.Cols))
	for _, e := range o.Cols {
		ref, ok := unparen(e).(*NameRef)
		switch {
		case !ok:
			if _, star := e.(*Star); star {
				for _, c := range in.cols {
					named[c.ID] = true
				}
				continue
			}
			b.errorf(e.Pos(), "KS109", "Column name expected.")
		case ref.Wild:
			for _, c := range in.cols {
				if matchWild(ref.Text, c.Name) {
					named[c.ID] = true
				}
			}
		default:
			c, found := in.scope().find(ref.Text)
			if !found && !in.open {
				b.inRow(in, func() { b.unresolved(ref.Pos(), ref.Text) })
			}
			named[c.ID] = true
		}
	}
	t := *in
	t.span = o.Pos()
	t.cols = make([]Column, 0, len(in.cols))
	for _, c := range in.cols {
		if named[c.ID] == (o.Kind == "keep") {
			t.cols = append(t.cols, c)
		}
	}
	t.rel = &Project{In: in.rel, Items: passItems(passItems(nil, t.cols), in.hidden)}
	return &t
}

func (b *binder) projectRename(o *ProjectOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	t.cols = append([]Column(nil), in.cols...)
	renamed := make([]bool, len(t.cols))
	for _, e := range o.Cols {
		n, ok := e.(*Named)
		if !ok || len(n.Names) != 1 {
			b.errorf(e.Pos(), "KS110", "Column rename assignment expected.")
			continue
		}
		ref, ok := unparen(n.X).(*NameRef)
		if !ok {
			b.errorf(n.X.Pos(), "KS109", "Column name expected.")
			continue
		}
		from := -1
		for i, c := range in.cols {
			if c.Name == ref.Text {
				from = i
			}
		}
		if from < 0 {
			if !in.open {
				b.inRow(in, func() { b.unresolved(ref.Pos(), ref.Text) })
			}
			continue
		}
		t.cols[from].Name = n.Names[0].Text
		renamed[from] = true
	}
	for i, c := range t.cols {
		for j := range t.cols {
			if i != j && renamed[i] && t.cols[j].Name == c.Name && (!renamed[j] || j < i) {
				b.errorf(o.Pos(), "KS171", "A column with the name '%s' is already declared.", c.Name)
			}
		}
	}
	items := make([]Item, 0, len(t.cols)+len(in.hidden))
	for i, c := range t.cols {
		items = append(items, Item{Out: c, X: &ColRef{Col: in.cols[i]}})
	}
	t.rel = &Project{In: in.rel, Items: passItems(items, in.hidden)}
	return &t
}

// projectByNames takes names from texts, arrays of texts and column_names_of.
func (b *binder) projectByNames(o *ProjectOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	t.cols = nil
	have := map[ColID]bool{}
	take := func(pattern string) {
		for _, c := range in.cols {
			if !have[c.ID] && matchWild(pattern, c.Name) {
				have[c.ID] = true
				t.cols = append(t.cols, c)
			}
		}
	}
	for _, e := range o.Cols {
		if call, ok := unparen(e).(*CallExpr); ok && call.Name.Text == "column_names_of" && len(call.Args) == 1 {
			for _, c := range b.tabular(call.Args[0]).cols {
				take(c.Name)
			}
			continue
		}
		v := b.constantOf(e)
		if v == nil {
			continue
		}
		switch v.Type() {
		case String:
			take(v.Str())
		case Dynamic:
			switch d := v.Dynamic().(type) {
			case string:
				take(d)
			case []Dyn:
				for _, x := range d {
					if s, ok := x.(string); ok {
						take(s)
					}
				}
			}
		default:
			b.errorf(e.Pos(), "KS107", "A value of type string or dynamic expected.")
		}
	}
	t.rel = &Project{In: in.rel, Items: passItems(passItems(nil, t.cols), in.hidden)}
	return &t
}

// reorder is project-reorder: the named columns first, then the others.
func (b *binder) reorder(o *ReorderOp, in *table) *table {
	t := *in
	t.span = o.Pos()
	t.cols = make([]Column, 0, len(in.cols))
	have := make(map[ColID]bool, len(in.cols))
	add := func(cols ...Column) {
		for _, c := range cols {
			if !have[c.ID] {
				have[c.ID] = true
				t.cols = append(t.cols, c)
			}
		}
	}
	for _, k := range o.Keys {
		if _, star := unparen(k.X).(*Star); star {
			add(orderColumns(in.cols, k.Dir)...)
			continue
		}
		ref, ok := unparen(k.X).(*NameRef)
		if !ok {
			b.errorf(k.X.Pos(), "KS109", "Column name expected.")
			continue
		}
		if ref.Wild {
			var match []Column
			for _, c := range in.cols {
				if matchWild(ref.Text, c.Name) {
					match = append(match, c)
				}
			}
			add(orderColumns(match, k.Dir)...)
			continue
		}
		c, found := in.scope().find(ref.Text)
		if found {
			add(c)
		} else if !in.open {
			b.inRow(in, func() { b.unresolved(ref.Pos(), ref.Text) })
		}
	}
	add(in.cols...)
	t.rel = &Project{In: in.rel, Items: passItems(passItems(nil, t.cols), in.hidden)}
	return &t
}

// orderColumns sorts columns by name without case; granny counts runs of digits
// as numbers.
func orderColumns(cols []Column, dir string) []Column {
	if dir == "" {
		return cols
	}
	cols = append([]Column(nil), cols...)
	less := func(a, b string) bool { return strings.ToLower(a) < strings.ToLower(b) }
	if strings.HasPrefix(dir, "granny") {
		less = grannyLess
	}
	desc := strings.HasSuffix(dir, "desc")
	sort.SliceStable(cols, func(i, j int) bool {
		if desc {
			i, j = j, i
		}
		return less(cols[i].Name, cols[j].Name)
	})
	return cols
}

// grannyLess orders a2 before a10.
func grannyLess(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(x) != len(y) {
				return len(x) < len(y)
			}
			if x != y {
				return x < y
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// print is a row of expressions.
func (b *binder) print(o *PrintOp) *table {
	p := projection{b: b}
	p.exprs(o.Cols, stylePrint)
	in := &table{span: o.Pos(), rel: &Values{Rows: [][]Value{{}}}, serialized: true, sorted: true}
	t := p.table(in, o.Pos())
	// A row of constants is a table of them.
	row := make([]Value, len(p.cols))
	for i, c := range p.cols {
		v := constOf(c.x)
		if v == nil {
			return t
		}
		row[i] = *v
	}
	t.rel = &Values{Cols: t.cols, Rows: [][]Value{row}}
	return t
}
