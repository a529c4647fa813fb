// Package sqlgen turns a bound plan into one SQL statement for an engine. It
// writes text only and knows no driver. Values travel as parameters, names of
// columns are numbers (c12), and what SQL cannot say is left to a Site: a Go
// function that the engine calls for a vector of rows.
package sqlgen

import "github.com/tocsinhq/tocsin/kql"

// Statement is one plan in SQL.
type Statement struct {
	SQL  string
	Args []any // of $1, $2 ...: bool, int32, int64, float64, string
	Cols []OutCol
	// Sites are the Go functions that SQL calls, by the handle that stands as
	// the first argument of the call. They must be known to the engine before
	// the statement runs, and may be forgotten after.
	Sites map[int64]*Site
	// Stages are tables that Go makes: FROM kql_stage(handle). Those of an
	// operator run their inputs first; order is that of dependency.
	Stages []*Stage
}

// OutCol is an output column: the plan's column and how SQL holds it.
type OutCol struct {
	kql.Column
	Rep Rep
}

// Rep is the physical form of a value in SQL.
type Rep uint8

const (
	// Natural is BOOLEAN, INTEGER, BIGINT, DOUBLE, VARCHAR by type: bool BOOLEAN,
	// int INTEGER, long BIGINT, real DOUBLE, string VARCHAR, datetime and
	// timespan BIGINT ticks, guid VARCHAR in lower case, decimal VARCHAR in
	// canonical text, dynamic VARCHAR with JSON text.
	Natural Rep = iota
	// Micros is a TIMESTAMP of microseconds, as the lake stores a datetime.
	Micros
	// MaybeNull is a string column as the lake stores it, in which NULL stands
	// for "".
	MaybeNull
)

// Site is one call of a Go function. Its SQL is kql_<ret>_<args>(handle, ...)
// with a code for each: b BOOLEAN, i INTEGER, l BIGINT, d DOUBLE, s VARCHAR; L
// before a code makes it a list (Ls is VARCHAR[]). kql_b_s(7, c3), kql_s_sl(8, c1, c2).
type Site struct {
	Shape string // "b_s", "s_sl", "Ls_s", "d_LdLd"
	// One of these is set.
	//
	// Call is for expressions: arguments become values of the given types.
	Call *kql.Call
	// Text is a predicate over the bytes of one string; the bytes must not be
	// kept. NULL is taken as "".
	Text func(text []byte) bool
	// Match gives Ls: the values as text (see TextOf), or NULL where the text
	// does not match and Where drops such rows.
	Match *kql.Matcher
	Where bool
	// Agg is a whole aggregate over lists: argument i is the list of its i-th
	// argument's values over the group, in row order.
	Agg      *kql.Aggregate
	AggConst []*kql.Value
	// Types are the KQL types of the arguments (after the handle) and Result of
	// the result; for list shapes of the elements.
	Types  []kql.Type
	Result kql.Type
}

// Stage is a table made by Go. Op runs over Inputs; with Rows nil and Op nil it
// is a table of the catalog that is not stored (Live).
type Stage struct {
	Handle int64
	Name   string       // of the operator, for messages
	Cols   []kql.Column // c-named by position: c0, c1 ... with Natural reps
	Op     kql.RowOperator
	Inputs []*Statement
	Live   string // name of a live table: AlertInfo, ...
	Source []string
	// Uris of externaldata.
	External *kql.External
}

// Dialect is the engine that the SQL is for.
type Dialect uint8

const (
	DuckDB Dialect = iota
	ClickHouse
)

// Options of Generate.
type Options struct {
	Dialect Dialect
	// Handle gives a number that no other running statement has; nil counts from 1.
	Handle func() int64
	// Limit adds an outermost LIMIT; 0 for none.
	Limit int64
	// Live tells tables that are made by Go instead of being stored.
	Live func(table string) bool
	// Nullable tells whether a stored string column may hold NULL.
	Nullable func(table, column string) bool
}

// Letter is how a shape spells what a type is in SQL: b BOOLEAN, i INTEGER, l
// BIGINT, d DOUBLE, s VARCHAR.
func Letter(t kql.Type) byte {
	switch t {
	case kql.Bool:
		return 'b'
	case kql.Int:
		return 'i'
	case kql.Long, kql.DateTime, kql.TimeSpan:
		return 'l'
	case kql.Real:
		return 'd'
	}
	return 's'
}
