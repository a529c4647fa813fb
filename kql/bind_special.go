package kql

// specialCall binds the functions that are not computed from their arguments'
// values alone. ok is false for a name that is not one of them.
func (b *binder) specialCall(e *CallExpr) (v value, ok bool) {
	at := e.Pos()
	switch e.Name.Text {
	case "iff", "iif":
		return value{x: b.iff(e)}, true
	case "case":
		return value{x: b.caseOf(e)}, true
	case "coalesce":
		return value{x: b.coalesce(e)}, true
	case "now":
		return value{x: b.nowCall(e)}, true
	case "ago":
		return value{x: b.ago(e)}, true
	case "toscalar":
		return value{x: b.toScalar(e)}, true
	case "materialize":
		return b.materialize(e), true
	case "column_ifexists", "columnifexists":
		return value{x: b.columnIfExists(e)}, true
	case "pack_all":
		return value{x: b.packAll(e)}, true
	case "bag_pack_columns":
		return value{x: b.bagPackColumns(e)}, true
	case "ingestion_time":
		return value{x: b.ingestionTime(e)}, true
	case "pack_array":
		if hasStar(e.Args) {
			return value{x: b.packArrayOfRow(e)}, true
		}
	case "iscolumnexists":
		if b.row != nil && b.argCount(e, 1, 1) {
			return value{x: b.isColumnExists(e)}, true
		}
	case "column_names_of":
		return value{x: b.columnNamesOf(e)}, true
	case "estimate_data_size":
		return value{x: b.estimateDataSize(e)}, true
	case "table", "database", "cluster", "workspace", "adx", "arg", "external_table", "materialized_view", "view", "app":
		return b.entity(e), true
	case "typeof":
		b.errorf(at, "KS108", "Scalar value expected.")
		return value{x: unknown(at)}, true
	}
	return value{}, false
}

// argCount checks the number of arguments.
func (b *binder) argCount(e *CallExpr, least, most int) bool {
	if n := len(e.Args); n < least || most >= 0 && n > most {
		b.argumentCount(e.Name.Text, e.Pos(), least, most)
		return false
	}
	return true
}

// iff is iff(if, then, else). Branches are brought to one type.
func (b *binder) iff(e *CallExpr) Scalar {
	if !b.argCount(e, 3, 3) {
		return unknown(e.Pos())
	}
	cond := b.condition(e.Args[0])
	xs := b.scalars(e.Args[1:])
	return b.choose(e, []Scalar{cond}, xs)
}

// condition is a bool, or a dynamic that is taken as one.
func (b *binder) condition(e Expr) Scalar {
	return b.typed(e, 1<<Bool, "KS107", "A value of type bool expected.")
}

// caseOf is case(if1, then1, ..., else).
func (b *binder) caseOf(e *CallExpr) Scalar {
	if !b.argCount(e, 3, -1) {
		return unknown(e.Pos())
	}
	if len(e.Args)%2 == 0 {
		b.errorf(e.Pos(), "KS121", "The function 'case' expects pairs of a condition and a value, and a value for else.")
		return unknown(e.Pos())
	}
	var conds, xs []Scalar
	for i, a := range e.Args {
		if i%2 == 0 && i < len(e.Args)-1 {
			conds = append(conds, b.condition(a))
		} else {
			xs = append(xs, b.scalar(a))
		}
	}
	return b.choose(e, conds, xs)
}

// choose makes the call of iff and case: xs has one more than conds. Constant
// conditions choose now.
func (b *binder) choose(e *CallExpr, conds, xs []Scalar) Scalar {
	at := e.Pos()
	types := make([]Type, len(xs))
	for i, x := range xs {
		types[i] = x.Type()
	}
	t, ok := commonType(types, true)
	if !ok {
		t = Dynamic
	}
	if b.mixesReals(e.Name.Text, xs) {
		return unknown(at)
	}
	args := make([]Scalar, 0, len(conds)+len(xs))
	for i, x := range xs {
		if isUnknown(x) {
			return unknown(at)
		}
		if i < len(conds) {
			if isUnknown(conds[i]) {
				return unknown(at)
			}
		}
		xs[i] = b.convert(x, t)
	}
	for i, c := range conds {
		v := constOf(c)
		switch {
		case v == nil:
			args = append(args, c, xs[i])
			continue
		case !v.Bool():
			continue
		}
		// A condition that always holds is the last.
		if len(args) == 0 {
			return respan(xs[i], at)
		}
		return b.chooseCall(at, t, append(args, xs[i]))
	}
	last := xs[len(xs)-1]
	if len(args) == 0 {
		return respan(last, at)
	}
	return b.chooseCall(at, t, append(args, last))
}

func (b *binder) chooseCall(at Span, t Type, args []Scalar) Scalar {
	if len(args) == 3 {
		return b.callFunc(at, "iff", t, args...)
	}
	return b.callFunc(at, "case", t, args...)
}

// respan gives a constant the span of what it stands for.
func respan(x Scalar, at Span) Scalar {
	if c, ok := x.(*Const); ok {
		return &Const{Span: at, Value: c.Value}
	}
	return x
}

// coalesce is the first argument that is not null, or not empty for strings.
func (b *binder) coalesce(e *CallExpr) Scalar {
	if !b.argCount(e, 1, 64) {
		return unknown(e.Pos())
	}
	xs := b.scalars(e.Args)
	types := make([]Type, len(xs))
	dynamics := 0
	for i, x := range xs {
		if isUnknown(x) {
			return unknown(e.Pos())
		}
		types[i] = x.Type()
		if types[i] == Dynamic {
			dynamics++
		}
	}
	t, ok := commonType(types, false)
	if !ok || dynamics > 0 && t == Dynamic && dynamics < len(xs) && !allConstNull(xs) {
		b.errorf(e.Pos(), "KS232", "coalesce(): no common type can be determined from the arguments; all have to be of one type.")
		return unknown(e.Pos())
	}
	if b.mixesReals("coalesce", xs) {
		return unknown(e.Pos())
	}
	for i := range xs {
		xs[i] = b.convert(xs[i], t)
	}
	if len(xs) == 1 {
		return xs[0]
	}
	return b.callFunc(e.Pos(), "coalesce", t, xs...)
}

// mixesReals reports values among which one is chosen that are partly whole
// numbers and partly not. Kusto widens an int beside a long, but wants a
// conversion to be written between those and real or decimal.
func (b *binder) mixesReals(name string, xs []Scalar) bool {
	first := Unknown
	for _, x := range xs {
		t := x.Type()
		if v := constOf(x); !t.Numeric() || v != nil && v.IsNull() {
			continue
		}
		if t == Int {
			t = Long
		}
		if first == Unknown {
			first = t
		}
		if t != first {
			b.errorf(x.Pos(), "", "%s(): a value of type %s beside one of type %s. Convert one of them, such as by todouble().", name, x.Type(), first)
			return true
		}
	}
	return false
}

// allConstNull tells whether every argument that is no dynamic is a null.
func allConstNull(xs []Scalar) bool {
	for _, x := range xs {
		if v := constOf(x); x.Type() != Dynamic && (v == nil || !v.IsNull()) {
			return false
		}
	}
	return true
}

// nowCall is now() and now(offset): one time for the whole query.
func (b *binder) nowCall(e *CallExpr) Scalar {
	at := e.Pos()
	if !b.argCount(e, 0, 1) {
		return unknown(at)
	}
	now := constant(at, TimeOf(b.opts.Now))
	if len(e.Args) == 0 {
		return now
	}
	x := b.typed(e.Args[0], 1<<TimeSpan, "KS107", "A value of type timespan expected.")
	return b.operatorCall(at, at, "+", now, x)
}

// ago is now() - x. A literal text is taken as a timespan.
func (b *binder) ago(e *CallExpr) Scalar {
	at := e.Pos()
	if !b.argCount(e, 1, 1) {
		return unknown(at)
	}
	x := b.typed(e.Args[0], 1<<TimeSpan, "KS107", "ago(): a value of type timespan expected.")
	return b.operatorCall(at, at, "-", constant(at, TimeOf(b.opts.Now)), x)
}

// toScalar is toscalar(query): the first column of the first row.
func (b *binder) toScalar(e *CallExpr) Scalar {
	at := e.Pos()
	if !b.argCount(e, 1, 1) {
		return unknown(at)
	}
	// The query sees no columns of the row it stands in.
	row, agg := b.row, b.agg
	b.row, b.agg = nil, nil
	v := b.value(e.Args[0])
	b.row, b.agg = row, agg
	if v.tab == nil {
		return v.x // of a scalar that is itself
	}
	if len(v.tab.cols) == 0 {
		if !v.tab.open && !v.tab.void {
			b.errorf(e.Args[0].Pos(), "KS190", "The table has no columns")
		}
		if v.tab.open {
			return &ColRef{Span: at}
		}
		return unknown(at)
	}
	b.queries++
	c := v.tab.cols[0]
	return &ScalarQuery{Span: at, Rel: b.pick(v.tab.rel, v.tab.cols[:1]), T: c.Type}
}

// materialize is a table that is computed once.
func (b *binder) materialize(e *CallExpr) value {
	if len(e.Args) < 1 {
		b.argumentCount("materialize", e.Pos(), 1, 1)
		return value{tab: b.openTable(e.Pos())}
	}
	v := b.value(e.Args[0])
	if v.tab == nil {
		// materialize of a scalar is the scalar.
		return v
	}
	return v
}

// columnIfExists is the column of a name, or the default when there is none.
func (b *binder) columnIfExists(e *CallExpr) Scalar {
	at := e.Pos()
	if !b.argCount(e, 2, 2) {
		return unknown(at)
	}
	// The name may be written as a column as well.
	var name string
	if ref, ok := unparen(e.Args[0]).(*NameRef); ok && b.env.find(ref.Text) == nil {
		name = ref.Text
	} else {
		v := b.constantOf(e.Args[0])
		if v == nil {
			return unknown(at)
		}
		if v.Type() != String {
			b.errorf(e.Args[0].Pos(), "KS107", "A value of type string expected.")
			return unknown(at)
		}
		name = v.Str()
	}
	if b.row == nil {
		return b.scalar(e.Args[1])
	}
	if c, ok := b.row.find(name); ok {
		return &ColRef{Span: at, Col: c}
	}
	if b.row.open && !b.blank {
		b.open = true
		return &ColRef{Span: at, Col: Column{Name: name}}
	}
	return b.scalar(e.Args[1])
}

// packAll is a bag of all columns in scope; pack_all(true) leaves out those that
// are null or empty.
func (b *binder) packAll(e *CallExpr) Scalar {
	at := e.Pos()
	if !b.argCount(e, 0, 1) {
		return unknown(at)
	}
	if b.row == nil {
		b.errorf(at, "KS199", "No columns are currently in scope.")
		return unknown(at)
	}
	skip := false
	if len(e.Args) == 1 {
		v := b.constantOf(e.Args[0])
		if v == nil {
			return unknown(at)
		}
		skip = v.Bool()
	}
	return b.packColumns(at, b.row.cols, skip)
}

// packArrayOfRow is pack_array(*): the row's values.
func (b *binder) packArrayOfRow(e *CallExpr) Scalar {
	at := e.Pos()
	var args []Scalar
	for _, a := range e.Args {
		if _, star := a.(*Star); !star {
			args = append(args, b.scalar(a))
			continue
		}
		if b.row == nil {
			b.errorf(a.Pos(), "KS199", "No columns are currently in scope.")
			return unknown(at)
		}
		for _, c := range b.row.cols {
			args = append(args, &ColRef{Span: a.Pos(), Col: c})
		}
	}
	for _, x := range args {
		if isUnknown(x) {
			return unknown(at)
		}
	}
	return b.callFunc(at, "pack_array", Dynamic, args...)
}

// isColumnExists tells whether the row has a column of a name.
func (b *binder) isColumnExists(e *CallExpr) Scalar {
	v := b.constantOf(e.Args[0])
	if v == nil {
		return unknown(e.Pos())
	}
	if v.Type() != String {
		b.errorf(e.Args[0].Pos(), "KS107", "A value of type string expected.")
		return unknown(e.Pos())
	}
	_, found := b.row.find(v.Str())
	return constant(e.Pos(), BoolOf(found))
}

// columnNamesOf is the names of a table's columns, as an array.
func (b *binder) columnNamesOf(e *CallExpr) Scalar {
	at := e.Pos()
	if !b.argCount(e, 1, 1) {
		return unknown(at)
	}
	row, agg := b.row, b.agg
	b.row, b.agg = nil, nil
	t := b.tabular(e.Args[0])
	b.row, b.agg = row, agg
	names := make([]Dyn, len(t.cols))
	for i, c := range t.cols {
		names[i] = c.Name
	}
	return constant(at, DynamicOf(names))
}

// packColumns is a bag of columns.
func (b *binder) packColumns(at Span, cols []Column, skipEmpty bool) Scalar {
	name := "bag_pack"
	if skipEmpty {
		name = packFilledFunc
	}
	args := make([]Scalar, 0, 2*len(cols))
	for _, c := range cols {
		args = append(args, constant(at, StringOf(c.Name)), &ColRef{Span: at, Col: c})
	}
	return b.callFunc(at, name, Dynamic, args...)
}

// bagPackColumns is a bag of the named columns.
func (b *binder) bagPackColumns(e *CallExpr) Scalar {
	var cols []Column
	for _, a := range e.Args {
		x := b.scalar(a)
		ref, ok := x.(*ColRef)
		if !ok {
			if !isUnknown(x) {
				b.errorf(a.Pos(), "KS109", "Column name expected.")
			}
			return unknown(e.Pos())
		}
		cols = append(cols, ref.Col)
	}
	return b.packColumns(e.Pos(), cols, false)
}

// packFilledFunc is bag_pack that leaves out nulls and empty strings.
const packFilledFunc = "__bag_pack_filled"

func init() {
	Register(Func{
		Name: packFilledFunc, Hidden: true,
		Sigs: []Sig{{Params: []Param{Opt("key", 1<<String), Opt("value", AnyScalar)}, Repeat: 2, Result: Always(Dynamic)}},
		Eval: func(args []Value) Value {
			bag := NewBag()
			for i := 0; i+1 < len(args); i += 2 {
				v := args[i+1]
				if v.IsNull() || v.Type() == String && v.Str() == "" {
					continue
				}
				bag.Set(args[i].Str(), dynOf(v))
			}
			return DynamicOf(bag)
		},
		Doc: "A bag of keys and values, without null and empty values.",
	})
}

// hiddenTime is the column that ingestion_time() reads.
const hiddenTime = "_ingested"

// ingestionTime is when the row came in; null where the table does not tell or
// an operator has lost it.
func (b *binder) ingestionTime(e *CallExpr) Scalar {
	if !b.argCount(e, 0, 0) {
		return unknown(e.Pos())
	}
	if b.row != nil {
		for _, c := range b.row.hidden {
			if c.Name == hiddenTime {
				return &ColRef{Span: e.Pos(), Col: c}
			}
		}
	}
	return constant(e.Pos(), Null(DateTime))
}

// estimateDataSize is the number of bytes of the columns in their text form.
func (b *binder) estimateDataSize(e *CallExpr) Scalar {
	at := e.Pos()
	var xs []Scalar
	for _, a := range e.Args {
		if _, star := a.(*Star); star {
			if b.row != nil {
				for _, c := range b.row.cols {
					xs = append(xs, &ColRef{Span: at, Col: c})
				}
			}
			continue
		}
		x := b.scalar(a)
		if _, col := x.(*ColRef); !col && !isUnknown(x) {
			b.errorf(a.Pos(), "KS109", "Column name expected.")
			return unknown(at)
		}
		xs = append(xs, x)
	}
	sum := constant(at, LongOf(0))
	for _, x := range xs {
		var size Scalar
		switch x.Type() {
		case Unknown:
			return unknown(at)
		case Bool:
			size = constant(at, LongOf(1))
		case Int:
			size = constant(at, LongOf(4))
		case Guid, Decimal:
			size = constant(at, LongOf(16))
		case String, Dynamic:
			size = b.callFunc(at, "string_size", Long, b.convert(x, String))
		default:
			size = constant(at, LongOf(8))
		}
		sum = b.callFunc(at, "+", Long, sum, size)
	}
	return sum
}
