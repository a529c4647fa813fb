package sqlgen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// rel is one SELECT that is being put together. Operators that fit into it are
// added to it; one that does not makes a subquery of it first (wrap).
type rel struct {
	g    *gen
	cols []column
	// hidden columns travel along and are no part of the output: the partition
	// that a row is of inside mv-apply and partition, and outer columns.
	hidden []column
	from   string
	where  []string
	order  []orderKey
	limit  string
	// ordered rows come in an order that later operators may ask for.
	ordered bool
	// closed: columns hold windows or the like, so rows may not be filtered or
	// cut in the same SELECT.
	closed bool
	// small: all rows come from constants of the query. They keep their order
	// wherever Kusto shows it to: through groups, and among equals of a sort.
	small bool
	// unique columns: no two rows agree in all of them. nil when nothing is known.
	unique []kql.ColID
	// table is set while from is a stored table and nothing but filters, an
	// order and plain columns are on it.
	table *table
}

// column is a column of a rel: x is its expression over the rel's from.
type column struct {
	kql.Column
	name string
	x    expr
	part bool // of a hidden one: tells partitions apart
	// frame numbers the sub-plan that a hidden column is of.
	frame int
}

// orderKey is one key of ORDER BY, as an expression over from.
type orderKey struct{ sql, dir string }

// table is a stored table that is read as it is, under an alias.
type table struct{ name, alias string }

func (t *table) from() string { return t.name + " AS " + t.alias }

func keys(order []orderKey) string {
	parts := make([]string, len(order))
	for i, k := range order {
		parts[i] = k.sql + k.dir
	}
	return strings.Join(parts, ", ")
}

// list writes the select list.
func (r *rel) list() string {
	var parts []string
	for _, cols := range [][]column{r.cols, r.hidden} {
		for _, c := range cols {
			if c.x.sql == c.name {
				parts = append(parts, c.name)
			} else {
				parts = append(parts, c.x.sql+" AS "+c.name)
			}
		}
	}
	if len(parts) == 0 {
		return "1 AS c"
	}
	return strings.Join(parts, ", ")
}

// tail is everything behind the select list.
func (r *rel) tail() string {
	var b strings.Builder
	if r.from != "" {
		b.WriteString(" FROM " + r.from)
	}
	if len(r.where) > 0 {
		b.WriteString(" WHERE " + strings.Join(r.where, " AND "))
	}
	if len(r.order) > 0 {
		b.WriteString(" ORDER BY " + keys(r.order))
	}
	if r.limit != "" {
		b.WriteString(" LIMIT " + r.limit)
	}
	return b.String()
}

func (r *rel) sql() string { return "SELECT " + r.list() + r.tail() }

// wrap makes the SELECT a subquery, so that every column is a plain name.
func (g *gen) wrap(r *rel) {
	r.become("(" + r.sql() + ") AS " + g.name("t"))
}

// become reads the columns, by their names, from another source.
func (r *rel) become(from string) {
	r.from = from
	r.where, r.order, r.limit, r.closed, r.table = nil, nil, "", false, nil
	for _, cols := range [][]column{r.cols, r.hidden} {
		for i := range cols {
			cols[i].x.sql, cols[i].x.atom, cols[i].x.konst = cols[i].name, true, nil
		}
	}
}

// parts are the hidden columns that tell partitions apart.
func (r *rel) parts() []string {
	var names []string
	for _, c := range r.hidden {
		if c.part {
			names = append(names, c.x.sql)
		}
	}
	return names
}

// scope finds columns for expressions over the rel's from.
type scope map[kql.ColID]*expr

func (r *rel) scope() scope {
	s := make(scope, len(r.cols)+len(r.hidden))
	for i := range r.hidden {
		s[r.hidden[i].ID] = &r.hidden[i].x
	}
	for i := range r.cols {
		s[r.cols[i].ID] = &r.cols[i].x
	}
	return s
}

// open makes sure that rows may still be filtered and that the columns that the
// expressions read are plain names.
func (g *gen) open(r *rel, xs ...kql.Scalar) {
	if r.closed || r.limit != "" || !r.plain(xs...) {
		g.wrap(r)
	}
}

// plain tells whether the columns that the expressions read are plain names or
// constants, so that reading them twice costs nothing.
func (r *rel) plain(xs ...kql.Scalar) bool {
	s := r.scope()
	ok := true
	for _, x := range xs {
		eachColumn(x, func(c *kql.ColRef) {
			if e := s[c.Col.ID]; e != nil && !e.atom {
				ok = false
			}
		})
	}
	return ok
}

// eachColumn calls fn for each column that x reads.
func eachColumn(x kql.Scalar, fn func(*kql.ColRef)) {
	switch x := x.(type) {
	case *kql.ColRef:
		fn(x)
	case *kql.Call:
		for _, a := range x.Args {
			eachColumn(a, fn)
		}
	case *kql.InQuery:
		eachColumn(x.X, fn)
	}
}

func (g *gen) scan(n *kql.Scan) *rel {
	r := &rel{g: g}
	if g.opts.Live != nil && g.opts.Live(n.Table) {
		return g.live(n)
	}
	r.table = &table{name: g.d.quote(n.Table), alias: g.name("t")}
	r.from = r.table.from()
	for i, c := range n.Cols {
		source := c.Name
		if i < len(n.Source) && n.Source[i] != "" {
			source = n.Source[i]
		}
		x := expr{sql: r.table.alias + "." + g.d.quote(source), t: c.Type, atom: true, null: true, bits: bitsOf(c.Type)}
		switch c.Type {
		case kql.DateTime:
			x.rep = Micros
		case kql.String:
			x.rep = MaybeNull
			if g.opts.Nullable != nil && !g.opts.Nullable(n.Table, source) {
				x.rep, x.null = Natural, false
			}
		case kql.Dynamic:
			x.json = true
		}
		r.cols = append(r.cols, column{Column: c, name: colName(c.ID), x: x})
	}
	return r
}

// live reads a table of the catalog that is made at the time of the query.
func (g *gen) live(n *kql.Scan) *rel {
	s := &Stage{Handle: g.next(), Live: n.Table, Source: n.Source, Cols: n.Cols}
	return g.stage(s, n.Cols)
}

// stage reads a table that Go makes, whose columns are c0, c1 ... in natural form.
func (g *gen) stage(s *Stage, cols []kql.Column) *rel {
	g.st.Stages = append(g.st.Stages, s)
	alias := g.name("t")
	r := &rel{g: g, from: g.f("stage", strconv.FormatInt(s.Handle, 10)) + " AS " + alias, ordered: true}
	for i, c := range cols {
		r.cols = append(r.cols, column{Column: c, name: colName(c.ID), x: expr{sql: alias + "." + colName(kql.ColID(i)), t: c.Type, atom: true, null: c.Type != kql.String, bits: bitsOf(c.Type)}})
	}
	return r
}

func (g *gen) values(n *kql.Values) *rel {
	r := &rel{g: g, ordered: true, small: true}
	var names []string
	for i, c := range n.Cols {
		x := expr{t: c.Type, sql: colName(c.ID), atom: true}
		names = append(names, colName(c.ID))
		for _, row := range n.Rows {
			if row[i].IsNull() {
				x.null = c.Type != kql.String
			}
			x.bits = max(x.bits, g.constant(row[i]).bits)
		}
		r.cols = append(r.cols, column{Column: c, name: colName(c.ID), x: x})
	}
	if len(n.Rows) == 0 || len(n.Cols) == 0 {
		// No rows, or rows without columns: a SELECT of nulls that is cut.
		var parts []string
		for _, c := range n.Cols {
			parts = append(parts, g.f("cast", "NULL", g.d.types[c.Type])+" AS "+colName(c.ID))
		}
		if len(parts) == 0 {
			parts = []string{"1 AS c"}
		}
		r.from = "(SELECT " + strings.Join(parts, ", ") + ") AS " + g.name("t")
		switch len(n.Rows) {
		case 0:
			r.where = []string{"FALSE"}
		case 1:
		default:
			r.from = g.f("range", g.param(int64(len(n.Rows)), kql.Long)) + " AS " + g.name("t")
		}
		return r
	}
	var b strings.Builder
	b.WriteString("(VALUES ")
	for i, row := range n.Rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(g.constantAs(v, n.Cols[j].Type).sql)
		}
		b.WriteByte(')')
	}
	b.WriteString(") AS " + g.name("t") + "(" + strings.Join(names, ", ") + ")")
	r.from = b.String()
	return r
}

func (g *gen) filter(n *kql.Filter) *rel {
	if in, preds := filters(n); len(preds) > 0 {
		if join, ok := in.(*kql.Join); ok {
			if w := windowOf(join, preds); w != nil {
				r := g.join(join, w)
				g.open(r, preds...)
				for i := len(preds) - 1; i >= 0; i-- {
					g.where(r, preds[i])
				}
				return r
			}
		}
	}
	r := g.rel(n.In)
	g.lighten(r, n.Pred)
	g.open(r, n.Pred)
	g.where(r, n.Pred)
	return r
}

// where adds a predicate, taken apart at its ands.
func (g *gen) where(r *rel, p kql.Scalar) {
	if c, ok := p.(*kql.Call); ok && c.Func.Name == "and" {
		for _, a := range c.Args {
			g.where(r, a)
		}
		return
	}
	r.where = append(r.where, g.pred(r.scope(), p, falsy))
}

func (g *gen) project(n *kql.Project) *rel {
	for _, it := range n.Items {
		if hasWindow(it.X) {
			return g.windowed(n)
		}
	}
	r := g.rel(n.In)
	var computed []kql.Scalar
	for _, it := range n.Items {
		if _, ok := it.X.(*kql.ColRef); !ok {
			computed = append(computed, it.X)
		}
	}
	g.lighten(r, computed...)
	// What is computed behind an order or a limit is computed for fewer rows,
	// and the order does not carry it along. A stored table is read late anyway.
	if len(computed) > 0 && (len(r.order) > 0 && r.table == nil || r.limit != "" || !r.plain(computed...)) {
		g.wrap(r)
	}
	g.items(r, n.Items)
	return r
}

// items replaces the columns of r.
func (g *gen) items(r *rel, items []kql.Item) {
	s := r.scope()
	var cols []column
	for _, it := range items {
		x := g.value(s, it.X)
		if it.Out.Type != x.t && it.Out.Type != kql.Unknown {
			x = g.convert(x, it.Out.Type, it.X.Pos())
		}
		x = g.narrow(x)
		size, more := s.weight(it.X)
		x.weight = size + more - 1
		cols = append(cols, column{Column: it.Out, name: colName(it.Out.ID), x: x})
	}
	r.cols = cols
	for _, id := range r.unique {
		if !slices.ContainsFunc(cols, func(c column) bool { return c.ID == id }) {
			r.unique = nil
			break
		}
	}
}

func (g *gen) sort(n *kql.Sort) *rel {
	r := g.rel(n.In)
	if r.limit != "" || r.closed || !r.plain(sortScalars(n.Keys)...) {
		g.wrap(r)
	}
	g.orderBy(r, n.Keys)
	return r
}

func (g *gen) orderBy(r *rel, ks []kql.SortKey) {
	var last []orderKey
	if r.small && r.ordered {
		if len(r.order) > 0 {
			g.wrap(r)
		}
		last = []orderKey{{g.number(r), ""}}
	}
	r.order = append(g.sortKeys(r.scope(), ks), last...)
	r.ordered = true
}

// number gives the rows their numbers, in the order that they come in, and the
// name of the column that holds them until the next wrap.
func (g *gen) number(r *rel) string {
	if r.limit != "" || r.closed || len(r.order) > 0 {
		g.wrap(r)
	}
	num := column{name: g.name("o"), x: expr{t: kql.Long, sql: "row_number() OVER ()"}}
	r.hidden = append(r.hidden, num)
	g.wrap(r)
	r.hidden = r.hidden[:len(r.hidden)-1]
	return num.name
}

func sortScalars(keys []kql.SortKey) []kql.Scalar {
	xs := make([]kql.Scalar, len(keys))
	for i, k := range keys {
		xs[i] = k.X
	}
	return xs
}

// sortKeys writes keys. Strings have no null and "" is the least of them, so
// a stored NULL comes where "" does.
func (g *gen) sortKeys(s scope, ks []kql.SortKey) []orderKey {
	var out []orderKey
	for i, k := range ks {
		x := g.value(s, k.X)
		if x.konst != nil {
			continue // the engine would take a number for a position
		}
		if x.rep == MaybeNull && i < len(ks)-1 {
			x = g.natural(x) // equal to "", or the keys behind would not be asked
		}
		dir, first := " ASC", k.NullsFirst
		if k.Desc {
			dir = " DESC"
		}
		if x.t == kql.String {
			first = !k.Desc
		}
		if x.t == kql.Real {
			// The engine's NaN is the greatest number, Kusto's stands beside null.
			nan := orderKey{g.f("is.nan", x.sql), " ASC"}
			if first {
				nan.dir = " DESC"
			}
			if x.null {
				nan.dir += nullsAt(first)
			}
			out = append(out, nan)
		}
		if x.t == kql.Decimal {
			// The text of a decimal does not sort as the number does.
			null := orderKey{x.sql + " IS NULL", " ASC"}
			if first {
				null.dir = " DESC"
			}
			out = append(out, null, orderKey{g.decimalKey(x).sql, dir})
			continue
		}
		if x.null {
			dir += nullsAt(first)
		}
		out = append(out, orderKey{x.sql, dir})
	}
	return out
}

// decimalKey is a text that sorts as a decimal does; that of null is "".
func (g *gen) decimalKey(x expr) expr {
	f := kql.LookupFunc("__decimal_key")
	return g.siteOn(&kql.Call{Func: f, T: kql.String, Eval: f.Eval}, []expr{x})
}

func nullsAt(first bool) string {
	if first {
		return " NULLS FIRST"
	}
	return " NULLS LAST"
}

func (g *gen) take(n *kql.Take) *rel {
	r := g.rel(n.In)
	g.cut(r, n.N)
	return r
}

// cut keeps the first n rows, of each partition inside a sub-plan.
func (g *gen) cut(r *rel, n kql.Scalar) {
	if r.limit != "" || r.closed {
		g.wrap(r)
	}
	count := g.naturalOf(scope{}, n)
	if c := count.konst; c != nil && (c.IsNull() || c.Int() < 0) {
		g.fail(n.Pos(), "the number of rows must not be negative")
	}
	parts := r.parts()
	if len(parts) == 0 {
		r.limit = count.sql
		g.lateRows(r)
		return
	}
	if len(r.order) == 0 && r.ordered {
		r.order = []orderKey{{g.number(r), ""}}
	}
	parts = r.parts()
	num := column{name: g.name("n"), x: expr{t: kql.Long, sql: "row_number() OVER (" + window(parts, r.order) + ")"}}
	r.order = nil
	r.hidden = append(r.hidden, num)
	g.wrap(r)
	r.where = append(r.where, num.name+" <= "+count.sql)
	r.hidden = r.hidden[:len(r.hidden)-1]
	r.order = []orderKey{{num.name, ""}}
}

// window is the inside of OVER ().
func window(parts []string, order []orderKey) string {
	var s string
	if len(parts) > 0 {
		s = "PARTITION BY " + strings.Join(parts, ", ")
	}
	if len(order) > 0 {
		if s != "" {
			s += " "
		}
		s += "ORDER BY " + keys(order)
	}
	return s
}

func (g *gen) top(n *kql.Top) *rel {
	r := g.rel(n.In)
	if r.limit != "" || r.closed || !r.plain(sortScalars(n.Keys)...) {
		g.wrap(r)
	}
	g.orderBy(r, n.Keys)
	g.cut(r, n.N)
	return r
}
