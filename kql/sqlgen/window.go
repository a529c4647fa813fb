package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// hasWindow tells whether an expression calls a window function.
func hasWindow(x kql.Scalar) bool {
	c, ok := x.(*kql.Call)
	if !ok {
		return false
	}
	if c.Func.Window {
		return true
	}
	for _, a := range c.Args {
		if hasWindow(a) {
			return true
		}
	}
	return false
}

// windowed is a Project with window functions: each call becomes a hidden
// column first, those inside others before them.
func (g *gen) windowed(n *kql.Project) *rel {
	if session := findSession(n.Items); session != nil {
		return g.sessioned(n, session)
	}
	r := g.rel(n.In)
	for _, it := range n.Items {
		g.lighten(r, it.X)
	}
	if r.closed || r.limit != "" || len(r.order) > 0 {
		g.wrap(r)
	}
	w := &windows{g: g, r: r}
	items := make([]kql.Item, len(n.Items))
	for i, it := range n.Items {
		items[i] = kql.Item{Out: it.Out, X: w.lift(it.X)}
	}
	g.wrap(r)
	g.items(r, items)
	var hidden []column
	for _, h := range r.hidden {
		if h.frame >= 0 {
			hidden = append(hidden, h)
		}
	}
	r.hidden = hidden
	r.table = nil
	if w.number != "" {
		r.order = []orderKey{{w.number, ""}}
	}
	return r
}

// windows turns the window functions of one Project into columns.
type windows struct {
	g *gen
	r *rel
	// number is the column with the rows' numbers.
	number string
}

// lift replaces the window functions in x by columns of r.
func (w *windows) lift(x kql.Scalar) kql.Scalar {
	c, ok := x.(*kql.Call)
	if !ok || !hasWindow(x) {
		return x
	}
	lifted := *c
	lifted.Args = make([]kql.Scalar, len(c.Args))
	for i, a := range c.Args {
		lifted.Args[i] = w.lift(a)
	}
	if !c.Func.Window {
		return &lifted
	}
	e := w.call(&lifted)
	return w.column(e, c.T, c.Span)
}

// column adds a hidden column, which expressions reach by a number of its own.
func (w *windows) column(e expr, t kql.Type, at kql.Span) kql.Scalar {
	id := w.g.freshID()
	if e.t != t && t != kql.Unknown {
		e = w.g.convert(e, t, at)
	}
	c := column{Column: kql.Column{ID: id, Type: t}, name: colName(id), x: w.g.narrow(e), frame: -1}
	w.r.hidden = append(w.r.hidden, c)
	w.g.wrap(w.r)
	return &kql.ColRef{Span: at, Col: c.Column}
}

// order is what OVER is told where the engine does not take the rows as they
// come: their numbers.
func (w *windows) order() string {
	if w.number == "" {
		id := w.g.freshID()
		c := column{Column: kql.Column{ID: id, Type: kql.Long}, name: colName(id), x: expr{t: kql.Long, sql: "row_number() OVER ()"}, frame: -1}
		w.r.hidden = append(w.r.hidden, c)
		w.g.wrap(w.r)
		w.number = c.name
	}
	return w.number
}

// over writes OVER for a function that the engine computes while rows stream
// by, in the order that they come in, unless there are partitions.
func (w *windows) over(streams bool, segment string, frame string) string {
	parts := w.r.parts()
	if segment != "" {
		parts = append(parts, segment)
	}
	var order []orderKey
	// Once rows were put into another order, numbers alone tell theirs.
	if !streams || len(parts) > 0 || w.number != "" {
		order = []orderKey{{w.order(), ""}}
		// A number that was just made moved the columns.
		parts = w.r.parts()
		if segment != "" {
			parts = append(parts, segment)
		}
	}
	s := window(parts, order)
	if frame != "" {
		if s != "" {
			s += " "
		}
		s += frame
	}
	return " OVER (" + s + ")"
}

const upToHere = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"

func (w *windows) fail(c *kql.Call) expr {
	w.g.fail(c.Span, "%s cannot be used like this", c.Func.Name)
	return expr{sql: "NULL", t: c.T, null: true}
}

// segment numbers the stretches of rows between restarts.
func (w *windows) segment(c *kql.Call, i int) string {
	if i >= len(c.Args) {
		return ""
	}
	if k := constOf(c.Args[i]); k != nil && !k.Bool() {
		return ""
	}
	over := w.over(true, "", upToHere)
	p := w.g.pred(w.r.scope(), c.Args[i], falsy)
	e := expr{t: kql.Long, sql: "sum(CASE WHEN " + p + " THEN 1 ELSE 0 END)" + over}
	ref := w.column(e, kql.Long, c.Span).(*kql.ColRef)
	return colName(ref.Col.ID)
}

func (w *windows) call(c *kql.Call) expr {
	g := w.g
	switch c.Func.Name {
	case "prev", "next":
		return w.shifted(c)
	case "row_number":
		start := int64(1)
		if len(c.Args) > 0 {
			k := constOf(c.Args[0])
			if k == nil || k.IsNull() {
				return w.fail(c)
			}
			start = k.Int()
		}
		seg := w.segment(c, 1)
		sql := "row_number()" + w.over(true, seg, "")
		if start != 1 {
			sql = "(" + sql + " + " + g.param(start-1, kql.Long) + ")"
		}
		return expr{sql: sql, t: kql.Long, bits: max(countBits, bitLen(start)+1)}
	case "row_cumsum":
		seg := w.segment(c, 1)
		over := w.over(true, seg, upToHere)
		x := g.naturalOf(w.r.scope(), c.Args[0])
		switch {
		case integer(x.t):
			if x.t == kql.Int {
				x.t = kql.Long
			}
			return expr{sql: "coalesce(sum(" + x.sql + ")" + over + ", 0)", t: x.t, wide: true, bits: 126}
		case x.t == kql.Real:
			return expr{sql: "coalesce(sum(" + x.sql + ")" + over + ", 0)", t: kql.Real}
		case x.t == kql.Decimal:
			x = g.natural(g.convert(x, kql.Real, c.Span))
			return g.convert(expr{sql: "coalesce(sum(" + x.sql + ")" + over + ", 0)", t: kql.Real}, kql.Decimal, c.Span)
		}
		return w.fail(c)
	case "row_rank_dense", "row_rank_min":
		return w.rank(c)
	}
	return w.fail(c)
}

// streamed is the farthest offset that the engine looks while rows stream by.
const streamed = 2000

// shifted is prev and next.
func (w *windows) shifted(c *kql.Call) expr {
	g := w.g
	name := map[string]string{"prev": "lag", "next": "lead"}[c.Func.Name]
	if len(c.Args) == 0 {
		return w.fail(c)
	}
	offset := int64(1)
	if len(c.Args) > 1 {
		k := constOf(c.Args[1])
		if k == nil || k.IsNull() || k.Int() < 0 {
			return w.fail(c)
		}
		offset = k.Int()
	}
	streams := offset <= streamed
	if len(c.Args) > 2 && constOf(c.Args[2]) == nil {
		streams = false
	}
	over := w.over(streams, "", "")
	s := w.r.scope()
	x := g.value(s, c.Args[0])
	sql := name + "(" + x.sql + ", " + g.param(offset, kql.Long)
	if len(c.Args) > 2 {
		d := g.value(s, c.Args[2])
		if d.t != x.t {
			d = g.convert(d, x.t, c.Span)
		}
		if x.rep == Micros || d.rep == Micros || x.json || d.json {
			x, d = g.natural(x), g.natural(d)
			sql = name + "(" + x.sql + ", " + g.param(offset, kql.Long)
		}
		sql += ", " + d.sql
	}
	e := x
	e.sql, e.null, e.atom, e.konst = sql+")"+over, true, false, nil
	e.bits = bitsOf(e.t)
	if e.t == kql.String {
		e.rep = MaybeNull
	}
	return e
}

// rank: a row has the rank of the one before when their values agree.
func (w *windows) rank(c *kql.Call) expr {
	if len(c.Args) == 0 {
		return w.fail(c)
	}
	seg := w.segment(c, 1)
	over := w.over(true, seg, "")
	x := w.g.natural(w.g.value(w.r.scope(), c.Args[0]))
	changed := w.column(expr{t: kql.Bool, sql: "(row_number()" + over + " = 1 OR " + w.g.f("distinct", x.sql, "lag("+x.sql+")"+over) + ")"}, kql.Bool, c.Span)
	flag := colName(changed.(*kql.ColRef).Col.ID)
	if c.Func.Name == "row_rank_dense" {
		over = w.over(true, seg, upToHere)
		return expr{sql: w.g.f("cast", "sum(CASE WHEN "+flag+" THEN 1 ELSE 0 END)"+over, w.g.d.types[kql.Long]), t: kql.Long, bits: countBits}
	}
	over = w.over(true, seg, "")
	num := w.column(expr{t: kql.Long, sql: "row_number()" + over, bits: countBits}, kql.Long, c.Span)
	over = w.over(true, seg, upToHere)
	return expr{sql: "max(CASE WHEN " + flag + " THEN " + colName(num.(*kql.ColRef).Col.ID) + " END)" + over, t: kql.Long, bits: countBits}
}

// findSession finds a call of row_window_session.
func findSession(items []kql.Item) *kql.Call {
	var find func(x kql.Scalar) *kql.Call
	find = func(x kql.Scalar) *kql.Call {
		c, ok := x.(*kql.Call)
		if !ok {
			return nil
		}
		for _, a := range c.Args {
			if f := find(a); f != nil {
				return f
			}
		}
		if c.Func.Name == "row_window_session" {
			return c
		}
		return nil
	}
	for _, it := range items {
		if c := find(it.X); c != nil {
			return c
		}
	}
	return nil
}

// sessioned lets Go compute a session's begin, which depends on where the one
// before began, as a column of the input.
func (g *gen) sessioned(n *kql.Project, call *kql.Call) *rel {
	if len(call.Args) < 3 || constOf(call.Args[1]) == nil || constOf(call.Args[2]) == nil {
		g.fail(call.Span, "the distances of %s must be constants", call.Func.Name)
		return g.nothing(n.Columns())
	}
	in := &kql.Project{In: n.In}
	out := append([]kql.Column(nil), n.In.Columns()...)
	for _, c := range out {
		in.Items = append(in.Items, kql.Item{Out: c, X: &kql.ColRef{Col: c}})
	}
	value := kql.Column{ID: g.freshID(), Name: "session_value", Type: call.T}
	in.Items = append(in.Items, kql.Item{Out: value, X: call.Args[0]})
	op := &sessions{t: call.T, first: *constOf(call.Args[1]), gap: *constOf(call.Args[2])}
	if len(call.Args) > 3 {
		op.restart = true
		in.Items = append(in.Items, kql.Item{Out: kql.Column{ID: g.freshID(), Name: "session_restart", Type: kql.Bool}, X: call.Args[3]})
	}
	begin := kql.Column{ID: g.freshID(), Name: "session_begin", Type: call.T}
	staged := &kql.RowOp{Ins: []kql.Rel{in}, Name: call.Func.Name, Cols: append(out, begin), Op: op, Order: true}
	items := make([]kql.Item, len(n.Items))
	for i, it := range n.Items {
		items[i] = kql.Item{Out: it.Out, X: replaceCall(it.X, call, &kql.ColRef{Span: call.Span, Col: begin})}
	}
	return g.project(&kql.Project{In: staged, Items: items})
}

func replaceCall(x kql.Scalar, call *kql.Call, by kql.Scalar) kql.Scalar {
	c, ok := x.(*kql.Call)
	if !ok {
		return x
	}
	if c == call {
		return by
	}
	copied := *c
	copied.Args = make([]kql.Scalar, len(c.Args))
	for i, a := range c.Args {
		copied.Args[i] = replaceCall(a, call, by)
	}
	return &copied
}

// freshID is a column number that no plan has.
func (g *gen) freshID() kql.ColID {
	g.names++
	return kql.ColID(1<<30 + g.names)
}
