//go:build kqlbind

package kql

// graphTable is a graph while it is bound: a table whose rows are not asked for
// yet.
type graphTable struct {
	spec  GraphSpec
	ins   []Rel    // edges, then node tables
	nodes []Column // of a node
	edges []Column
}

// graphRow is what an expression over a pattern can name besides columns.
type graphRow struct {
	match *matchScope
	// inner is set in the expression of map(), all() and any().
	inner *pathScope
}
