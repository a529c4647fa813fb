// Package kql is the Kusto Query Language: its grammar, its types and
// functions, what a query means, and what an expression's value is.
//
// Parse makes a tree of a text, Bind resolves it against a catalog into plans,
// Eval computes a scalar of a plan. Package kql/sqlgen turns plans into SQL.
// Nothing here reads a file or a network.
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
