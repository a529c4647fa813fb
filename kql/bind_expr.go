package kql

import "strings"

// value is what an expression means: a table, or a scalar.
type value struct {
	tab *table
	x   Scalar
}

// unknown stands for an expression that did not bind; its mistake was told.
func unknown(at Span) Scalar { return &Const{Span: at} }

func constant(at Span, v Value) Scalar { return &Const{Span: at, Value: v} }

// isUnknown tells the result of unknown.
func isUnknown(x Scalar) bool {
	c, ok := x.(*Const)
	return ok && c.Value.Type() == Unknown
}

// constOf is the value of a constant; nil for other expressions.
func constOf(x Scalar) *Value {
	if c, ok := x.(*Const); ok && c.Value.Type() != Unknown {
		return &c.Value
	}
	return nil
}

// scalar binds an expression that has to be a scalar. The result is never nil.
func (b *binder) scalar(e Expr) Scalar {
	v := b.value(e)
	if v.tab != nil {
		b.errorf(e.Pos(), "KS108", "Scalar value expected.")
		return unknown(e.Pos())
	}
	return v.x
}

// typed is scalar with a check of the type; what names the thing in messages.
func (b *binder) typed(e Expr, set TypeSet, code, msg string) Scalar {
	x := b.scalar(e)
	if !set.Has(x.Type()) {
		b.errorf(e.Pos(), code, "%s", msg)
		return unknown(e.Pos())
	}
	return x
}

// predicate binds a condition. A dynamic one is rejected, as Kusto does.
func (b *binder) predicate(e Expr) Scalar {
	return b.typed(e, 1<<Bool, "KS141", "The expression must have the type bool.")
}

// constantOf binds an expression that has to be a constant; nil with a mistake
// told when it is none. A constant that only the run knows (toscalar) gives nil
// without a mistake and ok.
func (b *binder) constantOf(e Expr) *Value {
	x := b.scalar(e)
	if v := constOf(x); v != nil {
		return v
	}
	if !isUnknown(x) {
		b.errorf(e.Pos(), "KS129", "The expression must be a constant.")
	}
	return nil
}

// value binds an expression of either kind.
func (b *binder) value(e Expr) value {
	if !b.enter(e.Pos()) {
		b.leave()
		return value{x: unknown(e.Pos())}
	}
	v := b.valueOf(e)
	b.leave()
	return v
}

func (b *binder) valueOf(e Expr) value {
	b.count(e.Pos())
	at := e.Pos()
	switch e := e.(type) {
	case *Literal:
		return value{x: constant(at, e.Value)}
	case *NameRef:
		return b.name(e)
	case *Path:
		return b.path(e)
	case *Element:
		return value{x: b.element(e)}
	case *CallExpr:
		return b.call(e)
	case *Unary:
		x := b.scalar(e.X)
		if e.Op == "+" {
			t, ok := unaryType(x.Type())
			if !ok {
				b.operatorError(at, "+", t, x.Type())
				return value{x: unknown(at)}
			}
			return value{x: x}
		}
		return value{x: b.operatorCall(at, at, e.Op, x)}
	case *Binary:
		return value{x: b.binary(e)}
	case *In:
		return value{x: b.in(e)}
	case *Between:
		return value{x: b.between(e)}
	case *Paren:
		return b.value(e.X)
	case *Named:
		// A name in front of an argument has no meaning for most calls.
		return b.value(e.X)
	case *Pipe:
		if e.Source != nil && len(e.Ops) == 0 {
			return b.value(e.Source)
		}
		return value{tab: b.pipe(e, nil)}
	case *DataTable:
		return value{tab: b.dataTable(e)}
	case *ExternalData:
		return value{tab: b.externalData(e)}
	case *FuncDecl:
		b.errorf(at, "KS112", "A function is not allowed here: a tabular or scalar value is expected.")
	case *Star:
		b.errorf(at, "KS191", "The * syntax is not allowed here.")
	case *TypeOf:
		b.errorf(at, "KS108", "Scalar value expected.")
	case *Missing:
		// The parser told.
	default:
		b.errorf(at, "KS108", "Scalar value expected.")
	}
	return value{x: unknown(at)}
}

// name binds a name that stands alone: a column first, then what let defines,
// then functions without arguments, then tables.
func (b *binder) name(e *NameRef) value {
	at := e.Pos()
	if e.Wild {
		b.errorf(at, "KS268", "Wildcarded names not allowed in this context.")
		return value{x: unknown(at)}
	}
	if b.agg == nil || b.agg.inArgs {
		if x := b.columnNamed(e.Text, at); x != nil {
			return value{x: x}
		}
	} else if b.row != nil {
		if _, ok := b.row.find(e.Text); ok {
			b.errorf(at, "KS236", "The name '%s' is not an aggregate or scalar function.", e.Text)
			return value{x: unknown(at)}
		}
	}
	if d := b.env.find(e.Text); d != nil {
		return b.useDefinition(d, at)
	}
	if def := b.cat.Table(e.Text); def != nil {
		if v, ok := b.storedNoArgs(e.Text, at, def); ok {
			return v
		}
		return value{tab: b.scan(def, at)}
	}
	if v, ok := b.storedNoArgs(e.Text, at, nil); ok {
		return v
	}
	if b.row != nil && b.row.open {
		return value{x: b.openColumn(at, e.Text)}
	}
	b.unresolved(at, e.Text)
	return value{x: unknown(at)}
}

// columnNamed is a reference to a column in scope; nil when there is none.
func (b *binder) columnNamed(name string, at Span) Scalar {
	if b.row == nil {
		return nil
	}
	c, ok := b.row.find(name)
	if !ok && b.row.right != nil {
		c, ok = b.row.right.find(name)
	}
	if !ok {
		if t, absent := b.row.absent[name]; absent {
			return constant(at, Null(t))
		}
		for _, h := range b.row.hidden { // other spellings of columns
			if h.Name == name && !strings.HasPrefix(name, "_") {
				return &ColRef{Span: at, Col: h}
			}
		}
		return nil
	}
	return &ColRef{Span: at, Col: c}
}

// openColumn is a column that only the data knows. When there is no data that
// could tell, it is null.
func (b *binder) openColumn(at Span, name string) Scalar {
	if b.blank {
		return constant(at, Null(Dynamic))
	}
	b.open = true
	return &ColRef{Span: at, Col: Column{Name: name}}
}

// unresolved tells that a name means nothing here.
func (b *binder) unresolved(at Span, name string) {
	hint := b.similar(name)
	if b.op == "" {
		b.errorf(at, "KS142", "Failed to resolve scalar expression named '%s'%s", name, hint)
		return
	}
	b.errorf(at, "KS142", "'%s' operator: Failed to resolve scalar expression named '%s'%s", b.op, name, hint)
}

func (b *binder) unresolvedTable(at Span, name string) {
	hint := b.similarTable(name)
	if b.op == "" {
		b.errorf(at, "KS204", "Failed to resolve table expression named '%s'%s", name, hint)
		return
	}
	b.errorf(at, "KS204", "'%s' operator: Failed to resolve table expression named '%s'%s", b.op, name, hint)
}

// path binds X.Name.
func (b *binder) path(e *Path) value {
	at := e.Pos()
	if ref, ok := unparen(e.X).(*NameRef); ok {
		if row := b.record(ref.Text); row != nil {
			return value{x: b.member(row, ref.Text, e.Name)}
		}
		if ref.Text == "$left" || ref.Text == "$right" {
			b.errorf(at, "KS142", "'%s' is known in the condition of a join only.", ref.Text)
			return value{x: unknown(at)}
		}
	}
	if call, ok := unparen(e.X).(*CallExpr); ok && call.X == nil {
		if d := b.env.find(call.Name.Text); d != nil && d.pattern != nil {
			return b.callPattern(d, call, e.Name.Text)
		}
	}
	if tab, ok := b.entityPath(e); ok {
		return value{tab: tab}
	}
	v := b.value(e.X)
	if v.tab != nil {
		b.errorf(e.Name.Span, "KS142", "The name '%s' does not refer to any known column, table, variable or function.", e.Name.Text)
		return value{x: unknown(at)}
	}
	return value{x: b.access(at, v.x, e.Name)}
}

// access is x.name of a dynamic.
func (b *binder) access(at Span, x Scalar, name Name) Scalar {
	switch x.Type() {
	case Unknown:
		return unknownLike(at, x)
	case Dynamic:
		return b.elementCall(at, x, constant(name.Span, StringOf(name.Text)))
	}
	b.errorf(name.Span, "KS142", "A value of type %s has no member '%s'; only a dynamic has.", x.Type(), name.Text)
	return unknown(at)
}

// unknownLike keeps an open column's expression open.
func unknownLike(at Span, x Scalar) Scalar {
	if isUnknown(x) {
		return x
	}
	return &ColRef{Span: at}
}

// record is the columns behind a name such as $left or a state of scan.
func (b *binder) record(name string) *rowScope {
	if b.row == nil {
		return nil
	}
	switch name {
	case "$left":
		if b.row.right != nil {
			return b.row
		}
	case "$right":
		if b.row.right != nil {
			return b.row.right
		}
	}
	if r := b.row.records[name]; r != nil {
		if _, isColumn := b.row.find(name); !isColumn || b.row.recordsFirst {
			return r
		}
	}
	return nil
}

func (b *binder) member(row *rowScope, of string, name Name) Scalar {
	if c, ok := row.find(name.Text); ok {
		c.Name = row.prefix + c.Name
		return &ColRef{Span: name.Span, Col: c}
	}
	if row.open {
		return b.openColumn(name.Span, name.Text)
	}
	b.errorf(name.Span, "KS142", "Failed to resolve scalar expression named '%s.%s'", of, name.Text)
	return unknown(name.Span)
}

// element binds X[Index].
func (b *binder) element(e *Element) Scalar {
	at := e.Pos()
	if call, ok := unparen(e.X).(*CallExpr); ok {
		if x := b.elementOfMulti(at, call, e.Index); x != nil {
			return x
		}
	}
	if _, ok := e.X.(*Missing); ok {
		b.errorf(e.Index.Pos(), "KS141", "A name in brackets is a text: ['name'].")
		return unknown(at)
	}
	x := b.scalar(e.X)
	i := b.scalar(e.Index)
	switch x.Type() {
	case Unknown:
		return unknownLike(at, x)
	case Dynamic:
	default:
		b.errorf(e.Index.Pos(), "KS147", "The element access operator [] is not allowed in this context: the value is of type %s, not dynamic.", x.Type())
		return unknown(at)
	}
	if !SetOf(Int, Long, String, Dynamic).Has(i.Type()) {
		b.errorf(e.Index.Pos(), "KS141", "The expression must have one of the types: string, int, long or dynamic.")
		return unknown(at)
	}
	return b.elementCall(at, x, i)
}

// elementCall is x[i]. A dynamic index becomes text: an array takes the text of
// an integer as well.
func (b *binder) elementCall(at Span, x, i Scalar) Scalar {
	switch i.Type() {
	case Int:
		i = b.convert(i, Long)
	}
	return b.callFunc(at, "[]", Dynamic, x, i)
}

// in binds X in (...).
func (b *binder) in(e *In) Scalar {
	at := e.Pos()
	if _, ok := e.X.(*Star); ok {
		return b.anyColumn(at, func(c Scalar) Scalar { return b.inList(e, c) })
	}
	return b.inList(e, b.scalar(e.X))
}

func (b *binder) inList(e *In, x Scalar) Scalar {
	at := e.Pos()
	switch e.Op {
	case "in", "!in":
	default:
		if !SetOf(String, Dynamic).Has(x.Type()) {
			b.errorf(e.X.Pos(), "KS107", "A value of type string or dynamic expected.")
			return unknown(at)
		}
	}
	if len(e.List) == 1 {
		before := b.queries
		v := b.value(e.List[0])
		if v.tab != nil {
			return b.inTable(e, x, v.tab)
		}
		b.queries = max(before, b.queries)
		return b.inArgs(e, x, []Scalar{v.x})
	}
	items := make([]Scalar, 0, len(e.List))
	for _, item := range e.List {
		items = append(items, b.scalar(item))
	}
	return b.inArgs(e, x, items)
}

func (b *binder) inArgs(e *In, x Scalar, items []Scalar) Scalar {
	args := make([]Scalar, 1, len(items)+1)
	args[0] = x
	for _, it := range items {
		if isUnknown(it) {
			return unknown(e.Pos())
		}
		args = b.inItem(args, x.Type(), it)
	}
	return b.callFunc(e.Pos(), e.Op, Bool, args...)
}

// inItem appends an item of a list. A constant comes to the type of what it is
// compared with where that loses nothing, and the elements of a constant array
// become items of their own when they are all of that type.
func (b *binder) inItem(args []Scalar, want Type, item Scalar) []Scalar {
	v := constOf(item)
	if v == nil || v.IsNull() {
		return append(args, item)
	}
	array, ok := v.Dynamic().([]Dyn)
	if v.Type() != Dynamic || !ok || want == Dynamic {
		if c, ok := exactly(*v, want); ok {
			return append(args, constant(item.Pos(), c))
		}
		return append(args, item)
	}
	start := len(args)
	for _, el := range array {
		c, ok := dynExactly(el, want)
		if !ok {
			return append(args[:start], item)
		}
		args = append(args, constant(item.Pos(), c))
	}
	if len(args) == start {
		return append(args, item)
	}
	return args
}

// exactly is v as a value of type t when that is the same value.
func exactly(v Value, t Type) (Value, bool) {
	switch {
	case v.Type() == t:
		return v, true
	case t == Long && v.Type() == Int:
		return LongOf(v.Int()), true
	case t == Real && (v.Type() == Int || v.Type() == Long && v.Int() == int64(float64(v.Int()))):
		return RealOf(float64(v.Int())), true
	case t == Int && v.Type() == Long && v.Int() == int64(int32(v.Int())):
		return IntOf(v.Int()), true
	}
	return Value{}, false
}

// dynExactly is exactly of an element of a dynamic.
func dynExactly(d Dyn, t Type) (Value, bool) {
	switch d := d.(type) {
	case string:
		return StringOf(d), t == String
	case int64:
		return exactly(LongOf(d), t)
	case float64:
		return RealOf(d), t == Real
	case bool:
		return BoolOf(d), t == Bool
	}
	return Value{}, false
}

// inTable is X in (query): the query's first column counts.
func (b *binder) inTable(e *In, x Scalar, t *table) Scalar {
	if len(t.cols) == 0 {
		if !t.open {
			b.errorf(e.List[0].Pos(), "KS113", "A tabular value with only one column expected.")
		}
		return unknown(e.Pos())
	}
	b.queries++
	c := t.cols[0]
	rel := b.pick(t.rel, t.cols[:1])
	ref := Scalar(&ColRef{Span: e.List[0].Pos(), Col: c})
	want := x.Type()
	if want == Unknown {
		want = c.Type
	}
	// Both sides have to be of one type for the engine to compare them.
	to := want
	switch {
	case c.Type == want || c.Type == Unknown:
		to = c.Type
	case want.Numeric() && c.Type.Numeric():
		to = Widest(want, c.Type)
	case e.Op != "in" && e.Op != "!in", want == Dynamic, c.Type == Dynamic:
		to = String
	default:
		to = String // Kusto takes it; only equal texts are equal
	}
	if to != c.Type {
		rel = &Project{In: rel, Items: []Item{{Out: b.column(c.Name, to), X: b.convert(ref, to)}}}
	}
	return &InQuery{Span: e.Pos(), Op: e.Op, X: b.convert(x, to), Rel: rel}
}

// between binds X between (Lo .. Hi).
func (b *binder) between(e *Between) Scalar {
	at := e.Pos()
	x, lo, hi := b.scalar(e.X), b.scalar(e.Lo), b.scalar(e.Hi)
	op := "between"
	if e.Not {
		op = "!between"
	}
	tx, tl, th := x.Type(), lo.Type(), hi.Type()
	// X between (from .. span) of dates is from .. from+span.
	if tx == DateTime && tl == DateTime && th == TimeSpan {
		hi = b.operatorCall(e.Hi.Pos(), e.Hi.Pos(), "+", lo, hi)
		th = DateTime
	}
	ok := func(t Type) bool { return t == Unknown || t.Numeric() || t == Dynamic }
	switch {
	case tx == Unknown || tl == Unknown || th == Unknown:
	case ok(tx) && ok(tl) && ok(th):
	case tx == tl && tl == th && (tx == DateTime || tx == TimeSpan):
	case tx == Dynamic && tl == th && (tl == DateTime || tl == TimeSpan):
		x = b.convert(x, tl)
	case tx == TimeSpan && tl == DateTime, tx == DateTime && tl == TimeSpan:
		fallthrough
	default:
		b.errorf(at, "KS127", "The operator '%s' is not defined for the operand types %s, %s and %s.", op, tx, tl, th)
		return unknown(at)
	}
	if isUnknown(x) || isUnknown(lo) || isUnknown(hi) {
		return unknown(at)
	}
	return b.callFunc(at, op, Bool, x, lo, hi)
}

// unparen looks through parentheses.
func unparen(e Expr) Expr {
	for {
		p, ok := e.(*Paren)
		if !ok {
			return e
		}
		e = p.X
	}
}
