package sqlgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// Generate writes a plan as one statement. The error is *kql.Diagnostics,
// without its Source: a node or a function that has no form in the dialect, a
// table of constants that would be too large.
func Generate(root kql.Rel, opts Options) (*Statement, error) {
	d := dialects[opts.Dialect]
	if d == nil {
		return nil, &kql.Diagnostics{List: []kql.Diagnostic{{Msg: "there is no SQL for this engine"}}}
	}
	next := opts.Handle
	if next == nil {
		var n int64
		next = func() int64 { n++; return n }
	}
	g := &gen{d: d, opts: opts, next: next, shared: map[int]*shared{}}
	g.countShared(root)
	st := g.statement(root, opts.Limit)
	if len(g.errs.List) > 0 {
		return nil, g.errs
	}
	return st, nil
}

// gen writes one statement.
type gen struct {
	d      *dialect
	opts   Options
	next   func() int64
	st     *Statement
	params map[any]int
	names  int
	ctes   []string
	shared map[int]*shared
	frames []*frame
	errs   *kql.Diagnostics
}

// statement starts a statement of its own: the whole one, or the input of a
// stage. Tables that are shared are written anew in each.
func (g *gen) statement(root kql.Rel, limit int64) *Statement {
	outer := *g
	if g.errs == nil {
		g.errs = &kql.Diagnostics{}
	}
	g.st = &Statement{Sites: map[int64]*Site{}}
	g.params, g.ctes, g.frames = map[any]int{}, nil, nil
	uses := make(map[int]*shared, len(g.shared))
	for id, s := range g.shared {
		uses[id] = &shared{in: s.in, uses: s.uses}
	}
	g.shared = uses

	r := g.rel(root)
	if limit > 0 {
		if r.limit != "" {
			g.wrap(r)
		}
		r.limit = g.param(limit, kql.Long)
	}
	r.hidden = nil
	st := g.finish(r)
	errs, names := g.errs, g.names
	*g = outer
	g.errs, g.names = errs, names
	return st
}

// finish writes the statement's text.
func (g *gen) finish(r *rel) *Statement {
	st := g.st
	for i := range r.cols {
		c := &r.cols[i]
		if c.x.json {
			c.x = g.natural(c.x)
		}
		st.Cols = append(st.Cols, OutCol{Column: c.Column, Rep: c.x.rep})
	}
	st.SQL = r.sql()
	if len(g.ctes) > 0 {
		st.SQL = "WITH " + strings.Join(g.ctes, ",\n") + "\n" + st.SQL
	}
	st.SQL, st.Args = renumber(st.SQL, st.Args)
	return st
}

// renumber numbers the parameters in the order of the text and drops those that
// did not get into it.
func renumber(sql string, args []any) (string, []any) {
	var b strings.Builder
	var used []any
	numbers := map[int]int{}
	for i := 0; i < len(sql); {
		switch c := sql[i]; {
		case c == '"' || c == '\'':
			end := strings.IndexByte(sql[i+1:], c)
			if end < 0 {
				end = len(sql) - i - 2
			}
			b.WriteString(sql[i : i+end+2])
			i += end + 2
		case c == '$' && i+1 < len(sql) && sql[i+1] >= '0' && sql[i+1] <= '9':
			j := i + 1
			for j < len(sql) && sql[j] >= '0' && sql[j] <= '9' {
				j++
			}
			old, _ := strconv.Atoi(sql[i+1 : j])
			n, ok := numbers[old]
			if !ok {
				used = append(used, args[old-1])
				n = len(used)
				numbers[old] = n
			}
			b.WriteString("$" + strconv.Itoa(n))
			i = j
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), used
}

func (g *gen) fail(at kql.Span, format string, args ...any) {
	if g.errs == nil {
		g.errs = &kql.Diagnostics{}
	}
	g.errs.List = append(g.errs.List, kql.Diagnostic{Span: at, Msg: fmt.Sprintf(format, args...)})
}

// param is a parameter for a Go value of a statement; equal values of a type
// share one.
func (g *gen) param(v any, t kql.Type) string {
	key := any(v)
	if f, ok := v.(float64); ok {
		key = "real " + strconv.FormatFloat(f, 'b', -1, 64)
	}
	n, ok := g.params[key]
	if !ok {
		g.st.Args = append(g.st.Args, v)
		n = len(g.st.Args)
		g.params[key] = n
	}
	return g.d.param(n, g.d.types[t])
}

// name makes an alias that nothing else in the statement has.
func (g *gen) name(prefix string) string {
	g.names++
	return prefix + strconv.Itoa(g.names)
}

func colName(id kql.ColID) string { return "c" + strconv.Itoa(int(id)) }

// rel writes a node. It always gives a rel; what is wrong is in g.errs.
func (g *gen) rel(n kql.Rel) *rel {
	switch n := n.(type) {
	case *kql.Scan:
		return g.scan(n)
	case *kql.Values:
		return g.values(n)
	case *kql.Filter:
		return g.filter(n)
	case *kql.Project:
		return g.project(n)
	case *kql.Aggregated:
		return g.aggregated(n)
	case *kql.Sort:
		return g.sort(n)
	case *kql.Take:
		return g.take(n)
	case *kql.Top:
		return g.top(n)
	case *kql.Sample:
		return g.sample(n)
	case *kql.Range:
		return g.rangeTable(n)
	case *kql.External:
		return g.external(n)
	case *kql.Input:
		return g.input(n)
	case *kql.Join:
		return g.join(n, nil)
	case *kql.Union:
		return g.union(n)
	case *kql.MvExpand:
		return g.mvExpand(n)
	case *kql.Apply:
		return g.apply(n)
	case *kql.Partition:
		return g.partition(n)
	case *kql.ParseRel:
		return g.parse(n)
	case *kql.MakeSeries:
		return g.makeSeries(n)
	case *kql.RowOp:
		return g.rowOp(n)
	case *kql.Shared:
		return g.sharedTable(n.ID, n.Columns())
	case *kql.SharedRef:
		return g.sharedTable(n.ID, n.Cols)
	}
	g.fail(kql.Span{}, "this operator cannot be run here (%T)", n)
	if n == nil {
		return g.nothing(nil)
	}
	return g.nothing(n.Columns())
}
