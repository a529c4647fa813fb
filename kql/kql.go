// Package kql is the Kusto Query Language: its grammar, its types and
// functions, what a query means, and what an expression's value is. It serves
// any program, not Tocsin alone; it needs the standard library only, and nothing
// in it reads a file or a network.
//
// Parse makes a tree of a text and tells every mistake in it, with its place:
//
//	query, err := kql.Parse(`Logs | where Bytes > 10 | summarize sum(Bytes) by Device`)
//
// Bind resolves the tree against a Catalog, which says what tables there are,
// into plans: one for each result, with numbered columns, types, and functions
// looked up:
//
//	bound, err := kql.Bind(query, kql.BindOptions{Catalog: catalog})
//	for _, column := range bound.Plans[0].Root.Columns() { ... }
//
// What runs a plan is another matter. Package kql/sqlgen writes one as a SQL
// statement with bound parameters; where SQL has no equivalent the statement
// calls functions (Site) and reads tables (Stage) that the caller registers with
// its engine. Eval computes a scalar of a plan without any engine and is what
// every function means.
//
// Func and Aggregate are the registries of functions; Register adds to them, as
// package kql/geo does with the geospatial functions when it is imported.
package kql

import "time"

// TableDef is a table of the catalog.
type TableDef struct {
	Name    string
	Columns []ColumnDef
	// Time is the column that a time range of the request bounds; "" for none.
	Time string
	// RowFilter is a predicate in KQL that is put on every read of the table, for
	// the principal who asks; "" for none.
	RowFilter string
}

// ColumnDef is a column of a table. An alias such as TimeGenerated names its
// Source column; Source is the Name when it is "".
type ColumnDef struct {
	Name   string
	Type   Type
	Source string
	// Hidden columns are not part of the table's schema: those whose name begins
	// with _ can be read by functions only, others (old spellings) by their name.
	Hidden bool
	Doc    string
}

// FunctionDef is a stored function: Text is "(a:string, T:(x:long)) { body }".
type FunctionDef struct {
	Name string
	Text string
	Doc  string
}

// Catalog is what names outside a query mean.
type Catalog interface {
	Table(name string) *TableDef // nil when there is none
	Tables() []string            // sorted, for wildcards, search, find and completion
	Function(name string) *FunctionDef
	Functions() []string
}

// BindOptions are what a query is bound with.
type BindOptions struct {
	Catalog Catalog
	// Database is the name that database("...") may use for the catalog.
	Database string
	Now      time.Time        // the one now() of the query
	Params   map[string]Value // values of declare query_parameters
	// From and To bound the Time column of every table that is read; zero for
	// none. A query's own bounds narrow them further.
	From, To time.Time
	// Probe runs a small plan during binding, for operators whose columns only
	// the data knows (bag_unpack, pivot, narrow). nil leaves such a schema open:
	// names that it may have bind as Unknown, and the plan cannot be run.
	Probe func(Rel) ([][]Value, error)
	// MaxDepth of nesting and MaxNodes of the plan; 0 for the defaults.
	MaxDepth, MaxNodes int
}

// Bound is what a query means: one plan for each result table.
type Bound struct {
	Plans    []*Plan
	Warnings []Diagnostic
	Uses     []string // stored tables that are read, sorted
	Open     bool     // a schema was left open (Probe was nil)
}
