package sqlgen

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// expr is an expression in SQL, and what is known of its values.
type expr struct {
	sql  string
	t    kql.Type
	rep  Rep
	null bool // SQL NULL may come out
	// json: the SQL type is the engine's JSON, which is text of another name.
	json bool
	// array: a dynamic that is an array or null.
	array bool
	// atom: a name or a parameter, so that writing it twice costs nothing.
	atom bool
	// bits bound an integer: its absolute value is less than 2^bits. Above 63 the
	// SQL type is the wide one (128 bits) when wide is set.
	bits  int
	wide  bool
	konst *kql.Value
	// picked: a field of a row that an aggregate picks.
	picked bool
	// weight of a column is how many nodes its name stands for, beside itself.
	weight int
}

// mode tells what a condition's reader makes of SQL NULL, which lets the writer
// choose the cheaper form. A condition that KQL holds for null may come out as
// null or as what the mode says.
type mode uint8

const (
	exact  mode = iota // null is null
	falsy              // null counts as false: filters, branches
	truthy             // null counts as true: below a not() in a filter
)

func (m mode) not() mode {
	switch m {
	case falsy:
		return truthy
	case truthy:
		return falsy
	}
	return exact
}

const (
	datetimeBits = 62 // 3155378975999999999 < 2^62
	longBits     = 64 // nothing is known; also the least long
	countBits    = 48 // of counts of rows and lengths
)

func bitsOf(t kql.Type) int {
	switch t {
	case kql.Bool:
		return 1
	case kql.Int:
		return 32
	case kql.DateTime:
		return datetimeBits
	case kql.Long, kql.TimeSpan:
		return longBits
	}
	return 0
}

// constant writes a value as a parameter in its natural form.
func (g *gen) constant(v kql.Value) expr {
	e := expr{t: v.Type(), konst: &v, atom: true}
	if v.IsNull() {
		e.null = true
		e.sql = g.f("cast", "NULL", g.d.types[v.Type()])
		return e
	}
	switch v.Type() {
	case kql.Bool:
		e.bits = 1
		e.sql = "FALSE"
		if v.Bool() {
			e.sql = "TRUE"
		}
	case kql.Int:
		e.bits = bitLen(v.Int())
		e.sql = g.param(int32(v.Int()), kql.Int)
	case kql.Long, kql.DateTime, kql.TimeSpan:
		e.bits = bitLen(v.Int())
		e.sql = g.param(v.Int(), v.Type())
	case kql.Real:
		e.sql = g.param(v.Real(), kql.Real)
	case kql.Dynamic:
		e.sql = g.param(jsonText(v), kql.Dynamic)
	case kql.Unknown:
		e.sql = "NULL"
	default:
		// The engine takes no other text.
		e.sql = g.param(strings.ToValidUTF8(v.Str(), "\uFFFD"), v.Type())
	}
	return e
}

// constantAs is constant with the type of a column.
func (g *gen) constantAs(v kql.Value, t kql.Type) expr {
	switch {
	case v.Type() == t:
	case v.IsNull():
		v = kql.Null(t)
	case t == kql.Long && v.Type() == kql.Int:
		v = kql.LongOf(v.Int())
	case t == kql.Real && (v.Type() == kql.Int || v.Type() == kql.Long):
		v = kql.RealOf(float64(v.Int()))
	}
	return g.constant(v)
}

func bitLen(n int64) int {
	if n == math.MinInt64 {
		return longBits
	}
	return bits.Len64(uint64(max(n, -n)))
}

// value writes a scalar in whatever form is cheapest.
func (g *gen) value(s scope, x kql.Scalar) expr { return g.narrow(g.valueIn(s, x, exact)) }

// pred writes a condition for a reader that takes null as m says.
func (g *gen) pred(s scope, x kql.Scalar, m mode) string {
	e := g.valueIn(s, x, m)
	if e.t != kql.Bool {
		e = g.convert(e, kql.Bool, x.Pos())
	}
	return e.sql
}

func (g *gen) valueIn(s scope, x kql.Scalar, m mode) expr {
	switch x := x.(type) {
	case *kql.ColRef:
		if e := s[x.Col.ID]; e != nil {
			return *e
		}
		g.fail(x.Span, "the column %s cannot be reached here", x.Col.Name)
	case *kql.Const:
		return g.constant(x.Value)
	case *kql.Call:
		return g.call(s, x, m)
	case *kql.ScalarQuery:
		return g.scalarQuery(x)
	case *kql.InQuery:
		return g.inQuery(s, x, m)
	case nil:
		g.fail(kql.Span{}, "an expression is missing")
	default:
		g.fail(x.Pos(), "this expression cannot be run here (%T)", x)
	}
	return expr{sql: "NULL", null: true}
}

// natural gives a value its natural form.
func (g *gen) natural(e expr) expr {
	switch {
	case e.rep == Micros:
		e.sql, e.rep, e.atom = g.f("micros.ticks", e.sql), Natural, false
		e.bits = datetimeBits
	case e.rep == MaybeNull:
		e.sql, e.rep, e.null, e.atom = g.f("or.empty", e.sql), Natural, false, false
	case e.json:
		e.sql, e.json = g.f("json.text", e.sql), false
	}
	return g.narrow(e)
}

func (g *gen) naturalOf(s scope, x kql.Scalar) expr { return g.natural(g.value(s, x)) }

// convert changes a value's type where Kusto does so by itself: to a wider
// number, and null to the null of another type.
func (g *gen) convert(e expr, t kql.Type, at kql.Span) expr {
	if e.t == t {
		return e
	}
	if e.konst != nil && (e.konst.IsNull() || t == kql.Long || t == kql.Real) {
		if c := g.constantAs(*e.konst, t); c.t == t {
			return c
		}
	}
	e = g.natural(e)
	switch {
	case t == kql.Long && e.t == kql.Int, t == kql.Real && (e.t == kql.Int || e.t == kql.Long), t == kql.Long && (e.t == kql.TimeSpan || e.t == kql.DateTime):
		e.sql = g.f("cast", e.sql, g.d.types[t])
	case t == kql.Int && e.t == kql.Long:
		e.sql = g.f("wrap32", e.sql)
	case e.t == kql.Unknown:
		e.sql, e.null = g.f("cast", e.sql, g.d.types[t]), true
	default:
		conv, ok := map[kql.Type]string{kql.Bool: "tobool", kql.Int: "toint", kql.Long: "tolong", kql.Real: "todouble", kql.String: "tostring", kql.DateTime: "todatetime", kql.TimeSpan: "totimespan", kql.Guid: "toguid", kql.Decimal: "todecimal", kql.Dynamic: "todynamic"}[t]
		f := kql.LookupFunc(conv)
		if !ok || f == nil || f.Eval == nil {
			g.fail(at, "a value of type %s cannot be used as %s", e.t, t)
			return expr{sql: "NULL", t: t, null: true}
		}
		return g.siteOn(&kql.Call{Span: at, Func: f, T: t, Eval: f.Eval}, []expr{e})
	}
	e.t, e.atom, e.konst = t, false, nil
	return e
}

// narrow brings a wide integer back to 64 or 32 bits, as Kusto's arithmetic
// wraps.
func (g *gen) narrow(e expr) expr {
	if !e.wide {
		return e
	}
	if e.t == kql.Int {
		e.sql, e.bits = g.f("wrap32", e.sql), 32
	} else {
		e.sql, e.bits = g.f("wrap64", e.sql), longBits
	}
	e.wide, e.atom = false, false
	return e
}

func (g *gen) scalarQuery(x *kql.ScalarQuery) expr {
	cols := x.Rel.Columns()
	if len(cols) == 0 {
		return g.constant(kql.Null(x.T))
	}
	frames := g.frames
	g.frames = nil // it reads nothing of an outer row
	defer func() { g.frames = frames }()
	r := g.rel(x.Rel)
	if r.limit != "" || r.closed {
		g.wrap(r)
	}
	if len(r.cols) == 0 {
		return g.constant(kql.Null(x.T))
	}
	r.cols, r.hidden = r.cols[:1], nil
	r.limit = "1"
	e := r.cols[0].x
	e.sql, e.null, e.atom, e.konst = "("+r.sql()+")", true, false, nil
	if e.t == kql.String {
		e.rep = MaybeNull
	}
	e = g.narrow(e)
	if e.t != x.T && x.T != kql.Unknown {
		e = g.convert(e, x.T, x.Span)
	}
	return e
}

// addSite makes the call of a Go function.
func (g *gen) addSite(s *Site, args ...string) string {
	h := g.next()
	g.st.Sites[h] = s
	all := strconv.FormatInt(h, 10)
	for _, a := range args {
		all += ", " + a
	}
	return g.f("site", s.Shape, all)
}

// siteOn leaves a call to Go, over arguments that are written already.
func (g *gen) siteOn(c *kql.Call, args []expr) expr {
	s := &Site{Call: c, Result: c.T}
	shape := []byte{Letter(c.T), '_'}
	var sqls []string
	for _, a := range args {
		if a.rep == MaybeNull {
			a.rep = Natural // NULL is taken as ""
		}
		a = g.natural(a)
		if a.t == kql.Unknown {
			a.t = kql.Dynamic
			a.sql = g.f("cast", a.sql, g.d.types[kql.Dynamic])
		}
		shape = append(shape, Letter(a.t))
		s.Types = append(s.Types, a.t)
		sqls = append(sqls, a.sql)
	}
	s.Shape = string(shape)
	return expr{sql: g.addSite(s, sqls...), t: c.T, null: c.T != kql.String, bits: bitsOf(c.T)}
}

// site leaves a call to Go.
func (g *gen) site(s scope, c *kql.Call) expr {
	if c.Func.Special || c.Func.Window || (c.Eval == nil && c.Func.Eval == nil) {
		g.fail(c.Span, "%s cannot be used here", c.Func.Name)
		return expr{sql: "NULL", t: c.T, null: true}
	}
	args := make([]expr, len(c.Args))
	for i, a := range c.Args {
		args[i] = g.value(s, a)
	}
	return g.siteOn(c, args)
}

// call writes a call by its rule, or leaves it to Go.
func (g *gen) call(s scope, c *kql.Call, m mode) expr {
	if rule := rules[c.Func.Name]; rule != nil {
		if e, ok := rule(g, s, c, m); ok {
			if e.t != c.T && c.T != kql.Unknown {
				e = g.convert(e, c.T, c.Span)
			}
			return e
		}
	}
	return g.site(s, c)
}

// A rule writes a call in SQL, where that means exactly what the function does;
// false leaves this call to Go.
type rule func(g *gen, s scope, c *kql.Call, m mode) (expr, bool)

var rules = map[string]rule{}

// on adds a rule for functions.
func on(r rule, names ...string) {
	for _, n := range names {
		rules[n] = r
	}
}

// constOf is the value of an argument that is a constant.
func constOf(x kql.Scalar) *kql.Value {
	if c, ok := x.(*kql.Const); ok {
		return &c.Value
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
