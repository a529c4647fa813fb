package kql

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// Limits of a bound query when BindOptions say nothing.
const (
	defaultMaxDepth = 400
	defaultMaxNodes = 200_000
	// maxColumns is how many columns a table may have, as Kusto has it.
	maxColumns = 10_000
	// maxDiagnostics is how many mistakes are told; more of them are the echo of
	// the first ones.
	maxDiagnostics = 100
)

// Bind says what a query means: names are resolved against the catalog and the
// query's own let statements, every expression gets a type, operators become a
// plan, and the plan is simplified. The error is a *Diagnostics with everything
// that is wrong; binding goes on behind a mistake with columns of an unknown
// type. A query that Parse complained about should not be bound, but its tree
// may be.
//
// Bind reads BindOptions.Catalog from this goroutine only and keeps nothing.
func Bind(q *Query, opts BindOptions) (*Bound, error) {
	b := newBinder(q.Source, opts)
	tables := b.statements(q.Statements)
	if len(b.diags) == 0 && len(tables) == 0 {
		b.errorf(q.Span, "KS006", "The query has no tabular expression statement.")
	}
	var out Bound
	for _, t := range tables {
		b.addPlans(&out, t)
	}
	if d := b.problems(); d != nil {
		return nil, d
	}
	for _, p := range out.Plans {
		b.finish(p)
	}
	out.Warnings = b.warnings()
	out.Uses = b.uses
	sort.Strings(out.Uses)
	out.Open = b.open
	return &out, nil
}

// binder is the state of one Bind.
type binder struct {
	opts BindOptions
	cat  Catalog
	src  string

	diags []Diagnostic
	seen  map[diagKey]bool // of mistakes told; made at the first one
	// inside is set while the text of a stored function is bound: its spans are
	// of another source, so mistakes are told at the call.
	inside *storedCall

	env *scope    // names of let, parameters and as
	row *rowScope // columns; nil outside an operator
	agg *aggScope // set where aggregates may be called
	op  string    // the operator, for messages

	nextCol ColID
	nextID  int // of Shared
	anon    int // the next number of ColumnN
	depth   int
	nodes   int
	calls   []*function // that are being expanded
	uses    []string
	open    bool
	// blank: the data was asked for columns and had none to tell.
	blank   bool
	queries int // subqueries in scalars so far
	shares  []*Shared
	stored  map[string]*function
	tooBig  bool
}

type diagKey struct {
	Span
	msg string
}

type storedCall struct {
	name string
	at   Span
}

func newBinder(src string, opts BindOptions) *binder {
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	if opts.MaxDepth <= 0 {
		opts.MaxDepth = defaultMaxDepth
	}
	if opts.MaxNodes <= 0 {
		opts.MaxNodes = defaultMaxNodes
	}
	b := &binder{opts: opts, cat: opts.Catalog, src: src, nextCol: 1, nextID: 1, anon: 1}
	if b.cat == nil {
		b.cat = noCatalog{}
	}
	return b
}

// noCatalog has nothing.
type noCatalog struct{}

func (noCatalog) Table(string) *TableDef       { return nil }
func (noCatalog) Tables() []string             { return nil }
func (noCatalog) Function(string) *FunctionDef { return nil }
func (noCatalog) Functions() []string          { return nil }

// column makes a new column.
func (b *binder) column(name string, t Type) Column {
	id := b.nextCol
	b.nextCol++
	return Column{ID: id, Name: name, Type: t}
}

// errorf tells a mistake at a span; code is Kusto's number for it, "" for none.
func (b *binder) errorf(at Span, code, format string, args ...any) {
	b.tell(Diagnostic{Span: at, Code: code, Msg: fmt.Sprintf(format, args...)})
}

// warnf is errorf for what does not stop the query.
func (b *binder) warnf(at Span, code, format string, args ...any) {
	b.tell(Diagnostic{Span: at, Code: code, Msg: fmt.Sprintf(format, args...), Warning: true})
}

func (b *binder) tell(d Diagnostic) {
	if b.inside != nil {
		d.Span = b.inside.at
		d.Msg = fmt.Sprintf("In function '%s': %s", b.inside.name, d.Msg)
	}
	if d.End < d.Start {
		d.End = d.Start
	}
	// A let that is used twice is bound twice, and so are its mistakes.
	key := diagKey{d.Span, d.Msg}
	if b.seen[key] || len(b.diags) >= maxDiagnostics {
		return
	}
	if b.seen == nil {
		b.seen = make(map[diagKey]bool)
	}
	b.seen[key] = true
	b.diags = append(b.diags, d)
}

// failed tells whether there was a mistake so far.
func (b *binder) failed() bool {
	return slices.ContainsFunc(b.diags, func(d Diagnostic) bool { return !d.Warning })
}

func (b *binder) problems() error {
	if !b.failed() {
		return nil
	}
	d := &Diagnostics{Source: b.src, List: b.diags}
	sort.SliceStable(d.List, func(i, j int) bool { return d.List[i].Start < d.List[j].Start })
	d.place()
	return d
}

func (b *binder) warnings() []Diagnostic {
	if len(b.diags) == 0 {
		return nil
	}
	d := Diagnostics{Source: b.src, List: b.diags}
	d.place()
	return d.List
}

// enter counts a level of nesting; leave undoes it. It is false, once with a
// mistake, when the query is nested too deeply or has grown too big.
func (b *binder) enter(at Span) bool {
	b.depth++
	if b.depth > b.opts.MaxDepth {
		b.tooMuch(at, "The query is nested too deeply: more than %d levels.", b.opts.MaxDepth)
		return false
	}
	return !b.tooBig
}

func (b *binder) leave() { b.depth-- }

// count adds a node of the plan.
func (b *binder) count(at Span) { b.countColumns(at, 0) }

// countColumns adds a node that has columns: those of all the steps of a long
// query together are many even where each step is short.
func (b *binder) countColumns(at Span, columns int) {
	b.nodes += 1 + columns/4
	if b.nodes > b.opts.MaxNodes {
		b.tooMuch(at, "The query is too big when its functions and let statements are put in: more than %d expressions.", b.opts.MaxNodes)
	}
}

func (b *binder) tooMuch(at Span, format string, args ...any) {
	if !b.tooBig {
		b.tooBig = true
		b.errorf(at, "", "The query cannot run because it exceeds the allowed size limit when processed. "+format, args...)
	}
}

// use notes that a stored table is read.
func (b *binder) use(name string) {
	if !slices.Contains(b.uses, name) {
		b.uses = append(b.uses, name)
	}
}

// addPlans adds the result tables of t: one, or several after fork and facet.
func (b *binder) addPlans(out *Bound, t *table) {
	if len(t.group) > 0 {
		for _, g := range t.group {
			b.addPlans(out, g)
		}
		return
	}
	if t.graph != nil {
		b.addPlans(out, b.graphToTable(graphResult(t.span), t))
		return
	}
	if t.void {
		return
	}
	out.Plans = append(out.Plans, &Plan{Name: t.name, Root: b.exact(t), Sorted: t.sorted, Render: t.render})
}

// finish simplifies a plan and says what it reads.
func (b *binder) finish(p *Plan) {
	p.Root = simplifyPlan(b, p.Root)
	p.Uses = scanned(p.Root)
}
