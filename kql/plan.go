package kql

import "errors"

// The plan is what a query means: names are resolved to column numbers, every
// expression has a type, let and functions are gone. A Rel is a table, a Scalar
// a typed expression over the columns of its input.

// ColID numbers a column within one bound query. No two columns that are made
// share one; a column that passes through an operator keeps its number.
type ColID int

// Column is one column of a Rel.
type Column struct {
	ID   ColID
	Name string
	Type Type
}

// Rel is a node of the plan. Columns gives its output, in order; names are
// unique within it.
type Rel interface{ Columns() []Column }

type (
	// Scan reads a stored table. Cols are the columns that are asked for; Source
	// names them in the table, in the same order.
	Scan struct {
		Table  string
		Cols   []Column
		Source []string
	}
	// Values is a constant table: datatable, print.
	Values struct {
		Cols []Column
		Rows [][]Value
	}
	// Range is range Name from From to To step Step; the three are expressions
	// without columns (constants after folding, or scalar subqueries).
	Range struct {
		Col            Column
		From, To, Step Scalar
	}
	// External is externaldata.
	External struct {
		Cols        []Column
		URIs        []string
		Format      string // "" is to be told from the URI
		IgnoreFirst bool
		Pos         Span
	}
	// Input stands for the rows of the partition in the sub-plan of Apply and
	// Partition. Its columns are those that the sub-plan reads.
	Input  struct{ Cols []Column }
	Filter struct {
		In   Rel
		Pred Scalar
	}
	// Project computes its columns from its input; an item whose X is a *ColRef
	// to the same ID passes the column through. Items may call window functions
	// (Func.Window) when In is serialized.
	Project struct {
		In    Rel
		Items []Item
	}
	// Aggregate is summarize and distinct. Its output is By then Aggs.
	Aggregated struct {
		In   Rel
		By   []Item
		Aggs []AggItem
	}
	Sort struct {
		In   Rel
		Keys []SortKey
	}
	// Take keeps the first N rows (any, when In is not sorted).
	Take struct {
		In Rel
		N  Scalar
	}
	// Sample is N random rows, or with Distinct sample-distinct (In has one column then).
	Sample struct {
		In Rel
		N  Scalar
	}
	// Top is sort and take in one.
	Top struct {
		In   Rel
		N    Scalar
		Keys []SortKey
	}
	// Join gives Left's columns and then Right's, with their IDs. For the sides
	// that an outer join may miss, Nullable tells that their values may be
	// absent: null, "" for strings. Semi and anti joins give one side.
	Join struct {
		Left, Right Rel
		Kind        JoinKind
		On          []JoinKey
	}
	// Union concatenates inputs of equal width and types, position by position;
	// Cols are fresh.
	Union struct {
		Ins  []Rel
		Cols []Column
	}
	// MvExpand gives a row for each element; In's columns pass through, Outs of
	// the items and Index come after.
	MvExpand struct {
		In        Rel
		Items     []MvItem
		Index     *Column // with_itemindex; long
		Limit     int64   // rows per input row; 0 without
		BagArrays bool    // bagexpansion=array / kind=array
	}
	// Apply is mv-apply: In's rows are expanded, and Sub runs over the rows of
	// each In row by itself. Sub reads an Input whose columns are In's and the
	// expanded ones. Output: In's columns (Keep), then Sub's.
	Apply struct {
		In    Rel
		Items []MvItem
		Index *Column
		Limit int64
		Sub   Rel
		Keep  []Column // of In, those that come out
		Cols  []Column // the output: Keep then Sub's
	}
	// Partition runs Sub over the rows of each value of By. Sub reads an Input.
	Partition struct {
		In   Rel
		By   Scalar
		Sub  Rel
		Cols []Column
	}
	// ParseRel is parse, parse-where and parse-kv, and anything else that makes
	// several columns out of one text by a compiled matcher.
	ParseRel struct {
		In      Rel
		X       Scalar
		Matcher *Matcher
		Outs    []Column // In's columns that are not replaced, then these
		Where   bool     // drops rows that do not match
		Pass    []Column // of In
	}
	// MakeSeries is make-series; output: By, one dynamic array for each Agg, the
	// axis array. Default fills bins without rows.
	MakeSeries struct {
		In       Rel
		Aggs     []SeriesAgg
		Axis     Scalar
		AxisOut  Column
		From, To Scalar // nil: least and greatest of the data
		Step     Scalar
		By       []Item
		NonEmpty bool // kind=nonempty
	}
	// RowOp is an operator that runs in Go over the rows of its input: scan,
	// autocluster, basket, reduce, graph operators and the like.
	RowOp struct {
		Ins  []Rel
		Name string // of the operator, for messages
		Cols []Column
		Op   RowOperator
		// Order: Op wants the rows in the order of In.
		Order bool
	}
	// Shared marks a table that is used more than once (materialize, as, let of
	// a table used twice): generators may compute it once. SharedRef is a later
	// use with fresh columns, by position.
	Shared struct {
		ID int
		In Rel
	}
	SharedRef struct {
		ID   int
		Cols []Column
	}
)

// RowOperator is an operator over whole inputs. Run reads each input by calling
// next until it gives nil and hands its rows to emit; it must stop on an error
// of either, and bounds what it keeps: beyond that it gives ErrTooLarge. A row
// is valid until the next call. An input that has ended gives nil again, or an
// error once the query was stopped: an operator that computes for long asks it
// now and then.
type RowOperator interface {
	Run(ins []func() ([]Value, error), emit func([]Value) error) error
}

// ErrTooLarge is what a RowOperator ends with that would have to keep more than
// it may.
var ErrTooLarge = errors.New("an operator needs more memory than it may have")

// Item is one computed column.
type Item struct {
	Out Column
	X   Scalar
}

// AggItem is one call of an aggregate. Most give one column; arg_max gives one
// for each argument after (and with) the first, percentiles one for each
// percentile, take_any one for each argument.
type AggItem struct {
	Outs []Column
	Func *Aggregate
	Args []Scalar
	Pos  Span
}

// SeriesAgg is one series.
type SeriesAgg struct {
	Out     Column // dynamic
	Func    *Aggregate
	Args    []Scalar
	ArgType Type // of the aggregate's result
	Default Value
	Pos     Span
}

// SortKey is one key. Where is null placed: NullsFirst.
type SortKey struct {
	X          Scalar
	Desc       bool
	NullsFirst bool
}

// JoinKind is how two tables are joined.
type JoinKind uint8

const (
	InnerUnique JoinKind = iota
	Inner
	LeftOuter
	RightOuter
	FullOuter
	LeftSemi
	LeftAnti
	RightSemi
	RightAnti
)

// JoinKey is Left == Right; nulls match each other.
type JoinKey struct{ Left, Right Scalar }

// MvItem is one expanded expression. To is Dynamic when not said. The column
// Out replaces one of the same name (In's passes no more).
type MvItem struct {
	X   Scalar
	Out Column
}

// Scalar is a typed expression.
type Scalar interface {
	Type() Type
	Pos() Span
}

type (
	// ColRef is a column of the input; inside a sub-plan also of an outer row.
	ColRef struct {
		Span
		Col Column
	}
	// Const is a value.
	Const struct {
		Span
		Value Value
	}
	// Call is a call of a function or operator of the registry.
	Call struct {
		Span
		Func *Func
		Args []Scalar
		T    Type
		// Eval is Func.Prepare's result for this site, or Func.Eval.
		Eval func([]Value) Value
	}
	// ScalarQuery is toscalar(query): the first column of the first row, null
	// when there is none. The query reads nothing of the outer row.
	ScalarQuery struct {
		Span
		Rel Rel
		T   Type
	}
	// InQuery is X in (query): X equals a value of the query's first column.
	// CI compares without case. has_any (query) is the same with Has.
	InQuery struct {
		Span
		Op  string // in !in in~ !in~ has_any has_all
		X   Scalar
		Rel Rel
	}
)

func (c *ColRef) Type() Type      { return c.Col.Type }
func (c *Const) Type() Type       { return c.Value.Type() }
func (c *Call) Type() Type        { return c.T }
func (c *ScalarQuery) Type() Type { return c.T }
func (c *InQuery) Type() Type     { return Bool }

// Plan is one result table of a query.
type Plan struct {
	Name   string // of fork branches, facets and "as"; "" mostly
	Root   Rel
	Sorted bool // the rows have an order to keep
	Render *Render
	// Uses are the stored tables that are read.
	Uses []string
}

// Render is what the render operator says. Only names and values that it had.
type Render struct {
	Chart string
	Props map[string]string
}

func (r *Scan) Columns() []Column     { return r.Cols }
func (r *Values) Columns() []Column   { return r.Cols }
func (r *Range) Columns() []Column    { return []Column{r.Col} }
func (r *External) Columns() []Column { return r.Cols }
func (r *Input) Columns() []Column    { return r.Cols }
func (r *Filter) Columns() []Column   { return r.In.Columns() }
func (r *Project) Columns() []Column  { return outs(nil, r.Items) }
func (r *Aggregated) Columns() []Column {
	cols := outs(nil, r.By)
	for _, a := range r.Aggs {
		cols = append(cols, a.Outs...)
	}
	return cols
}
func (r *Sort) Columns() []Column   { return r.In.Columns() }
func (r *Take) Columns() []Column   { return r.In.Columns() }
func (r *Sample) Columns() []Column { return r.In.Columns() }
func (r *Top) Columns() []Column    { return r.In.Columns() }
func (r *Join) Columns() []Column {
	switch r.Kind {
	case LeftSemi, LeftAnti:
		return r.Left.Columns()
	case RightSemi, RightAnti:
		return r.Right.Columns()
	}
	return append(append([]Column(nil), r.Left.Columns()...), r.Right.Columns()...)
}
func (r *Union) Columns() []Column { return r.Cols }
func (r *MvExpand) Columns() []Column {
	cols := append([]Column(nil), r.In.Columns()...)
	for _, it := range r.Items {
		cols = append(cols, it.Out)
	}
	if r.Index != nil {
		cols = append(cols, *r.Index)
	}
	return cols
}
func (r *Apply) Columns() []Column     { return r.Cols }
func (r *Partition) Columns() []Column { return r.Cols }
func (r *ParseRel) Columns() []Column {
	return append(append([]Column(nil), r.Pass...), r.Outs...)
}
func (r *MakeSeries) Columns() []Column {
	cols := outs(nil, r.By)
	for _, a := range r.Aggs {
		cols = append(cols, a.Out)
	}
	return append(cols, r.AxisOut)
}
func (r *RowOp) Columns() []Column     { return r.Cols }
func (r *Shared) Columns() []Column    { return r.In.Columns() }
func (r *SharedRef) Columns() []Column { return r.Cols }

func outs(cols []Column, items []Item) []Column {
	for _, it := range items {
		cols = append(cols, it.Out)
	}
	return cols
}

// Matcher takes one text apart into values. It is compiled at binding.
type Matcher struct {
	// Name tells matchers apart in messages and in generated SQL.
	Name string
	// Types are those of the values that Match gives.
	Types []Type
	// Match gives one value for each of Types; ok false when the text does not
	// match, with the values that are to be shown then. It is called from
	// several goroutines.
	Match func(text string) (values []Value, ok bool)
}
