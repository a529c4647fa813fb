package lake

import (
	"time"

	"github.com/tocsinhq/tocsin/kql"
	_ "github.com/tocsinhq/tocsin/kql/geo" // the geo_ functions of the language
)

// HuntDatabase is the name of the one database that queries see; database("...")
// may say it.
const HuntDatabase = "Tocsin"

// HuntOptions are what a query is run with, beside the principal in its ctx.
type HuntOptions struct {
	From, To  time.Time            // bounds of every table's time column; zero: the last 30 days
	AllTime   bool                 // no bounds but the query's own
	Params    map[string]kql.Value // of declare query_parameters
	Now       time.Time            // the query's now(); zero: the lake's clock
	MaxRows   int64                // 0: 100,000
	MaxBytes  int64                // of the result; 0: 64 MB
	Timeout   time.Duration        // 0: 10 minutes
	Interface string               // "portal", "api", "rule", "cli": for statistics and the quota
	Functions map[string]kql.FunctionDef
}

// HuntTable is one result table.
type HuntTable struct {
	Name    string
	Columns []kql.Column
	Render  *kql.Render
}

// HuntSink takes the result as it is read: each table, then its rows. A row is
// valid until Row returns.
type HuntSink interface {
	Table(t HuntTable) error
	Row(row []kql.Value) error
}

// HuntStats says what a query took.
type HuntStats struct {
	Rows, Bytes            int64
	Elapsed, CPU           time.Duration
	Parse, Bind, Plan, Run time.Duration
	Resource               string // "Low", "Medium", "High"
	Partial                string // why the result is not whole; "" when it is
	Tables                 []string
	Warnings               []kql.Diagnostic
}
