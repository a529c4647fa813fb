package kql

import (
	"strconv"
	"strings"
	"unicode"
)

// aggScope is where aggregates may be called: their calls become columns of an
// Aggregated, and the expression around goes on with those columns.
type aggScope struct {
	b      *binder
	in     *rowScope // of the arguments
	by     map[ColID]bool
	inArgs bool // inside an aggregate: columns are in scope, aggregates are not
	items  []AggItem
	hidden []Column // other spellings of columns that * has picked
}

// summarize is summarize ... by ....
func (b *binder) summarize(o *SummarizeOp, in *table) *table {
	by := projection{b: b}
	b.inRow(in, func() {
		for _, e := range o.By {
			before := len(by.cols)
			by.expr(e, styleProject, "")
			for i := before; i < len(by.cols); i++ {
				b.groupKey(&by.cols[i], e)
			}
		}
	})
	agg := b.newAggScope(in, &by)
	out := projection{b: b, cols: by.cols, skip: agg.by}
	b.aggregates(agg, in, func() {
		for _, e := range o.Aggs {
			out.aggregate(e, false)
		}
	})
	if len(o.Aggs) == 0 && len(o.By) == 0 {
		b.errorf(o.Pos(), "KS006", "'summarize' operator: an aggregate or a by clause is missing.")
	}
	return b.aggregated(o.Pos(), in, &by, agg, &out)
}

// groupKey checks the type of a key.
func (b *binder) groupKey(c *outColumn, e Expr) {
	if c.x.Type() != Dynamic {
		return
	}
	b.errorf(e.Pos(), "KS116", "'%s' operator: the group key '%s' is of a 'dynamic' type. Please use an explicit cast (for example, '%s by tostring(%s)') as grouping by a 'dynamic' type is not supported.", b.op, c.col.Name, b.op, c.col.Name)
	c.x = unknown(e.Pos())
	c.col.Type = Unknown
}

// newAggScope is the scope of aggregates behind by.
func (b *binder) newAggScope(in *table, by *projection) *aggScope {
	agg := &aggScope{b: b, in: in.scope(), by: make(map[ColID]bool, len(by.cols))}
	for i := range by.cols {
		if ref, ok := by.cols[i].x.(*ColRef); ok && ref.Col.ID != 0 {
			agg.by[ref.Col.ID] = true
		}
	}
	return agg
}

// aggregates runs do with aggregates in scope.
func (b *binder) aggregates(agg *aggScope, in *table, do func()) {
	b.inRow(in, func() {
		b.agg = agg
		do()
	})
}

// aggregated is the plan of by and of what out computes over the aggregates.
func (b *binder) aggregated(at Span, in *table, by *projection, agg *aggScope, out *projection) *table {
	a := &Aggregated{In: by.below(in), Aggs: agg.items}
	t := &table{span: at, rel: a, cols: make([]Column, 0, len(out.cols))}
	items := make([]Item, 0, len(out.cols))
	for i := range out.cols {
		c := &out.cols[i]
		if i < len(by.cols) {
			// A key that was a column of the input is one with a number of its own
			// here: the input's rows are gone.
			a.By = append(a.By, Item{Out: c.col, X: c.x})
			items = append(items, Item{Out: c.col, X: &ColRef{Col: c.col}})
		} else {
			items = append(items, Item{Out: c.col, X: c.x})
		}
		t.cols = append(t.cols, c.col)
	}
	if len(agg.hidden) > 0 {
		t.hidden = agg.hidden
		t.rel = &Project{In: a, Items: passItems(items, t.hidden)}
		return t
	}
	// Columns that are aggregates themselves need no projection.
	if !b.renameAggs(a, items[len(by.cols):]) {
		t.rel = &Project{In: a, Items: items}
	}
	return t
}

// renameAggs gives the aggregates' columns the names of the items that are just
// them; ok is false when an item computes something, or the order differs.
func (b *binder) renameAggs(a *Aggregated, items []Item) bool {
	var outs []*Column
	for i := range a.Aggs {
		for j := range a.Aggs[i].Outs {
			outs = append(outs, &a.Aggs[i].Outs[j])
		}
	}
	if len(outs) != len(items) {
		return false
	}
	for i, it := range items {
		ref, ok := it.X.(*ColRef)
		if !ok || ref.Col.ID != outs[i].ID {
			return false
		}
	}
	for i, it := range items {
		*outs[i] = it.Out
	}
	return true
}

// aggregate adds the columns of one expression of summarize or make-series.
func (p *projection) aggregate(e Expr, series bool) {
	b := p.b
	named, _ := e.(*Named)
	x := e
	if named != nil {
		x = named.X
	}
	call, ok := unparen(x).(*CallExpr)
	if ok && call.X == nil && b.env.find(call.Name.Text) == nil {
		if a := LookupAggregate(call.Name.Text); a != nil {
			if outs := b.tuple(a, call); outs != nil {
				p.tuple(a, outs, named)
				return
			}
		}
	}
	if f, fn := b.multiCall(x); fn != nil {
		p.multi(f, fn, named, styleProject)
		return
	}
	s := b.scalar(x)
	if named != nil {
		if len(named.Names) != 1 {
			if !isUnknown(s) {
				b.errorf(named.Pos(), "KS149", "The expression does not have multiple named values.")
			}
			return
		}
		p.declare(named.Names[0].Text, named.Names[0].Span, s, false)
		return
	}
	name, ok := b.resultName(x)
	if !ok || name == "" {
		name = b.anonymous()
	}
	p.add(name, s, false)
}

// tupleOut is one column of an aggregate that gives several.
type tupleOut struct {
	name string
	x    Scalar
}

// tuple adds the columns of an aggregate that gives several.
func (p *projection) tuple(a *Aggregate, outs []tupleOut, named *Named) {
	b := p.b
	prefix := ""
	if a.Naming == NamePrefixFirst && a.NamePrefix != "" {
		prefix = a.NamePrefix + "_" // any
	}
	n := 0
	if named != nil {
		n = len(named.Names)
		if n > len(outs) {
			b.errorf(named.Names[len(outs)].Span, "KS150", "The name does not have a corresponding expression.")
			n = len(outs)
		}
	}
	for i, o := range outs {
		if i < n {
			p.declare(named.Names[i].Text, named.Names[i].Span, o.x, !named.Tuple)
			continue
		}
		p.add(prefix+o.name, o.x, false)
	}
}

// aggregate binds a call of an aggregate inside an expression: it gives the
// column of its first result.
func (b *binder) aggregate(a *Aggregate, e *CallExpr) Scalar {
	if outs := b.tuple(a, e); outs != nil {
		return outs[0].x
	}
	xs, sig, ok := b.aggArgs(a, e)
	if !ok {
		return unknown(e.Pos())
	}
	types := make([]Type, len(xs))
	for i, x := range xs {
		types[i] = x.Type()
	}
	t := Unknown
	if sig.Result != nil {
		t = sig.Result(types)
	}
	out := b.column("$"+a.Name, t)
	b.agg.items = append(b.agg.items, AggItem{Outs: []Column{out}, Func: a, Args: xs, Pos: e.Pos()})
	return &ColRef{Span: e.Pos(), Col: out}
}

// inAggArgs runs do with the columns of the input in scope.
func (b *binder) inAggArgs(do func()) {
	agg, row := b.agg, b.row
	inner := *agg
	inner.inArgs = true
	b.agg = &inner
	do()
	b.agg, b.row = agg, row
}

// aggArgs binds the arguments of an aggregate with one result.
func (b *binder) aggArgs(a *Aggregate, e *CallExpr) ([]Scalar, *Sig, bool) {
	var xs []Scalar
	b.inAggArgs(func() { xs = b.scalars(e.Args) })
	for _, x := range xs {
		if isUnknown(x) {
			return nil, nil, false
		}
	}
	sig, conv := matchSigs(a.Sigs, xs)
	if sig == nil {
		b.noOverload(a.Name, a.Sigs, e.Pos(), e.Args, xs)
		return nil, nil, false
	}
	for i := range xs {
		if i < len(conv) && conv[i] != Unknown {
			xs[i] = b.convert(xs[i], conv[i])
		}
		if p := sig.param(i, len(xs)); p != nil && p.Const && !isConstant(xs[i]) {
			b.errorf(xs[i].Pos(), "KS129", "The expression must be a constant.")
			return nil, nil, false
		}
	}
	return xs, sig, true
}

// tuple binds the aggregates that give several columns; nil for the others.
func (b *binder) tuple(a *Aggregate, e *CallExpr) []tupleOut {
	switch a.Name {
	case "arg_max":
		return b.argBest(a, e, "max")
	case "arg_min":
		return b.argBest(a, e, "min")
	case "argmax", "argmin":
		return b.argBestOld(a, e)
	case "take_any":
		return b.takeAny(a, e, "any_")
	case "any":
		if _, star := firstArg(e).(*Star); star || len(e.Args) > 1 {
			return b.takeAny(a, e, "")
		}
	case "percentile", "percentiles", "percentilew", "percentilesw":
		return b.percentiles(a, e)
	case "percentiles_array", "percentilesw_array":
		return b.percentilesArray(a, e)
	}
	return nil
}

func firstArg(e *CallExpr) Expr {
	if len(e.Args) == 0 {
		return nil
	}
	return e.Args[0]
}

// tupleItem makes the item of an aggregate whose results are its arguments.
func (b *binder) tupleItem(a *Aggregate, at Span, args []Scalar, names []string, star bool) []tupleOut {
	item := AggItem{Func: a, Args: args, Pos: at}
	outs := make([]tupleOut, len(args))
	for i, x := range args {
		c := b.column(names[i], x.Type())
		item.Outs = append(item.Outs, c)
		outs[i] = tupleOut{name: names[i], x: &ColRef{Span: at, Col: c}}
	}
	if star && len(b.agg.hidden) == 0 {
		for _, h := range b.row.hidden {
			if strings.HasPrefix(h.Name, "_") {
				continue
			}
			c := b.column(h.Name, h.Type)
			item.Args = append(item.Args, &ColRef{Span: at, Col: h})
			item.Outs = append(item.Outs, c)
			b.agg.hidden = append(b.agg.hidden, c)
		}
	}
	b.agg.items = append(b.agg.items, item)
	return outs
}

// failedTuple stands for an aggregate that did not bind.
func failedTuple(at Span, name string) []tupleOut {
	return []tupleOut{{name: name, x: unknown(at)}}
}

// pickArg is one argument of arg_max or take_any: a column, an expression with
// a name, or an expression.
type pickArg struct {
	x     Scalar
	name  string
	named bool
	col   ColID // when it is a column of the input
}

func (b *binder) pickArg(e Expr) pickArg {
	inner := e
	var a pickArg
	if n, ok := e.(*Named); ok && len(n.Names) == 1 {
		inner = n.X
		a.name, a.named = n.Names[0].Text, true
	}
	a.x = b.scalar(inner)
	if ref, ok := noConversion(inner, a.x); ok {
		a.col = ref.Col.ID
		if !a.named {
			a.name = ref.Col.Name
		}
		return a
	}
	if !a.named {
		a.name, _ = b.resultName(inner)
	}
	return a
}

// argBest is arg_max and arg_min: the row with the greatest or least first
// argument. A * stands for all columns that are not keys and not named before.
func (b *binder) argBest(a *Aggregate, e *CallExpr, prefix string) []tupleOut {
	at := e.Pos()
	if len(e.Args) == 0 {
		b.argumentCount(a.Name, at, 1, -1)
		return failedTuple(at, prefix+"_")
	}
	star := hasStar(e.Args)
	var args []Scalar
	var names []string
	have := map[ColID]bool{}
	primary := ""
	ok := true
	b.inAggArgs(func() {
		for i, x := range e.Args {
			if _, isStar := x.(*Star); isStar {
				if i == 0 {
					b.errorf(x.Pos(), "KS191", "The * syntax is not allowed here.")
					ok = false
					return
				}
				for _, c := range b.starColumns(have) {
					args, names = append(args, &ColRef{Span: x.Pos(), Col: c}), append(names, c.Name)
				}
				continue
			}
			p := b.pickArg(x)
			if isUnknown(p.x) {
				ok = false
				continue
			}
			if i == 0 {
				primary = p.name
				if p.x.Type() == Dynamic {
					b.errorf(x.Pos(), "KS206", "%s(): the argument value must be orderable: a number, timespan, datetime, string or boolean.", a.Name)
					ok = false
					continue
				}
			}
			if p.col != 0 {
				if i > 0 && star && (have[p.col] || b.agg.by[p.col]) {
					continue
				}
				have[p.col] = true
			}
			if p.name == "" {
				p.name = prefix + "_"
				if i > 0 {
					p.name = prefix + "_" + primary + "_arg" + strconv.Itoa(i)
					if prefix == a.NamePrefix {
						p.name = "arg" + strconv.Itoa(i) // the old names get their prefix later
					}
				}
			}
			args = append(args, p.x)
			names = append(names, p.name)
		}
	})
	if !ok {
		if len(names) == 0 {
			names = []string{prefix + "_"}
		}
		outs := make([]tupleOut, len(names))
		for i, n := range names {
			outs[i] = tupleOut{name: n, x: unknown(at)}
		}
		return outs
	}
	return b.tupleItem(a, at, args, names, star)
}

// argBestOld is argmax and argmin, whose columns are called max_x, max_x_y.
func (b *binder) argBestOld(a *Aggregate, e *CallExpr) []tupleOut {
	outs := b.argBest(a, e, a.NamePrefix)
	primary := outs[0].name
	if primary == a.NamePrefix+"_" {
		primary = "" // an expression without a name
	}
	for i := range outs {
		switch {
		case i == 0 && !strings.HasSuffix(outs[i].name, "_"):
			outs[i].name = a.NamePrefix + "_" + outs[i].name
		case i > 0:
			outs[i].name = a.NamePrefix + "_" + primary + "_" + outs[i].name
		}
	}
	// tuple() puts no prefix in front: Naming is NameDefault.
	return outs
}

// takeAny is take_any and any with several arguments or *.
func (b *binder) takeAny(a *Aggregate, e *CallExpr, prefix string) []tupleOut {
	at := e.Pos()
	if len(e.Args) == 0 {
		b.argumentCount(a.Name, at, 1, -1)
		return failedTuple(at, "any_")
	}
	star := hasStar(e.Args)
	var args []Scalar
	var names []string
	have := map[ColID]bool{}
	ok := true
	b.inAggArgs(func() {
		for i, x := range e.Args {
			if _, isStar := x.(*Star); isStar {
				for _, c := range b.starColumns(have) {
					args, names = append(args, &ColRef{Span: x.Pos(), Col: c}), append(names, c.Name)
				}
				continue
			}
			p := b.pickArg(x)
			if isUnknown(p.x) {
				ok = false
				continue
			}
			if p.col != 0 {
				if star && (have[p.col] || b.agg.by[p.col]) {
					continue
				}
				have[p.col] = true
			}
			if p.name == "" {
				p.name = prefix + "arg" + strconv.Itoa(i)
			}
			args = append(args, p.x)
			names = append(names, p.name)
		}
	})
	if !ok || len(args) == 0 {
		return failedTuple(at, prefix)
	}
	return b.tupleItem(a, at, args, names, star)
}

// starColumns are what * stands for in an aggregate: the columns that are no keys
// and were not named before. They are named now.
func (b *binder) starColumns(have map[ColID]bool) (cols []Column) {
	for _, c := range b.row.cols {
		if !have[c.ID] && !b.agg.by[c.ID] {
			have[c.ID] = true
			cols = append(cols, c)
		}
	}
	return cols
}

func hasStar(args []Expr) bool {
	for _, a := range args {
		if _, ok := a.(*Star); ok {
			return true
		}
	}
	return false
}

// percentiles names a column for each percentile: percentile_x_95.
func (b *binder) percentiles(a *Aggregate, e *CallExpr) []tupleOut {
	at := e.Pos()
	xs, _, ok := b.aggArgs(a, e)
	if !ok {
		return failedTuple(at, "percentile_")
	}
	first := 1
	if strings.HasPrefix(a.Name, "percentilew") || strings.HasPrefix(a.Name, "percentilesw") {
		first = 2
	}
	arg, _ := b.resultName(e.Args[0])
	t := xs[0].Type()
	switch t {
	case Int:
		t = Long
	case Decimal:
		t = Real
	}
	item := AggItem{Func: a, Args: xs, Pos: at}
	var outs []tupleOut
	for _, x := range xs[first:] {
		text := ""
		if v := constOf(x); v != nil {
			text = nameFragment(*v)
		} else if !isConstant(x) {
			b.errorf(x.Pos(), "KS129", "The expression must be a constant.")
			return failedTuple(at, "percentile_"+arg)
		}
		c := b.column("percentile_"+arg+"_"+text, t)
		item.Outs = append(item.Outs, c)
		outs = append(outs, tupleOut{name: c.Name, x: &ColRef{Span: at, Col: c}})
	}
	b.agg.items = append(b.agg.items, item)
	return outs
}

// nameFragment is a number as a part of a name: 99.9 is 99_9.
func nameFragment(v Value) string {
	var s string
	switch v.Type() {
	case Real:
		s = strconv.FormatFloat(v.Real(), 'f', -1, 64)
	case Int, Long:
		if v.Int() < 0 {
			return ""
		}
		s = strconv.FormatInt(v.Int(), 10)
	default:
		s = TextOf(v)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, s)
}

// percentilesArray is one column with an array.
func (b *binder) percentilesArray(a *Aggregate, e *CallExpr) []tupleOut {
	at := e.Pos()
	xs, _, ok := b.aggArgs(a, e)
	if !ok {
		return failedTuple(at, "percentiles_")
	}
	arg, _ := b.resultName(e.Args[0])
	c := b.column("percentiles_"+arg, Dynamic)
	b.agg.items = append(b.agg.items, AggItem{Outs: []Column{c}, Func: a, Args: xs, Pos: at})
	return []tupleOut{{name: c.Name, x: &ColRef{Span: at, Col: c}}}
}
