package kql

import (
	crand "crypto/rand"
	"encoding/hex"
	"math/rand/v2"
)

// Functions that are more than a computation on their arguments' values: those
// that choose among arguments, that know the row's neighbours or the query, and
// those of the place where a query runs.

func init() {
	branch := func(name string) Param { return P(name, AnyScalar) }
	chosen := []Sig{{Params: []Param{P("if", onlyBool), branch("then"), branch("else")}, Result: func(args []Type) Type { return commonOf(args, 1) }}}
	choose := func(args []Value) Value {
		for i := 0; i+1 < len(args); i += 2 {
			if b, ok := truth(args[i]); ok && b {
				return args[i+1]
			}
		}
		return args[len(args)-1]
	}
	nullTest := func(name string, want bool, hidden bool, doc string) Func {
		return Func{Name: name, Hidden: hidden, Doc: doc, Sigs: []Sig{Of(Bool, P("expression", AnyScalar))}, Eval: func(args []Value) Value {
			return BoolOf(args[0].IsNull() == want)
		}}
	}
	emptyTest := func(name string, want bool, hidden bool, doc string) Func {
		return Func{Name: name, Hidden: hidden, Doc: doc, Sigs: []Sig{Of(Bool, P("value", AnyScalar))}, Eval: func(args []Value) Value {
			return BoolOf(isEmpty(args[0]) == want)
		}}
	}
	Register(
		Func{Name: "iff", Special: true, Sigs: chosen, Eval: choose, Doc: "The second argument when the first is true, else the third."},
		Func{Name: "iif", Special: true, Sigs: chosen, Eval: choose, Doc: "The second argument when the first is true, else the third."},
		Func{Name: "case", Special: true, Eval: choose, Doc: "The value after the first condition that is true, else the last argument.",
			Sigs: []Sig{{Params: []Param{P("predicate", onlyBool), branch("then"), branch("else")}, Repeat: 2, Result: func(args []Type) Type {
				var types []Type
				for i, t := range args {
					if i%2 == 1 || i == len(args)-1 {
						types = append(types, t)
					}
				}
				return commonOf(types, 0)
			}}}},
		Func{Name: "coalesce", Special: true, Doc: "The first argument that is not null; of strings, that is not empty.",
			Sigs: []Sig{{Params: []Param{branch("arg"), branch("arg")}, Repeat: 1, Result: func(args []Type) Type { return commonOf(args, 0) }}},
			Eval: coalesceOf},
		nullTest("isnull", true, false, "Whether the value is null. A string never is."),
		nullTest("isnotnull", false, false, "Whether the value is not null."),
		nullTest("notnull", false, true, "Whether the value is not null."),
		emptyTest("isempty", true, false, "Whether the value is null or an empty string."),
		emptyTest("isnotempty", false, false, "Whether the value is neither null nor an empty string."),
		emptyTest("notempty", false, true, "Whether the value is neither null nor an empty string."),

		Func{Name: "max_of", Sigs: []Sig{ofOrderables()}, Doc: "The greatest argument; nulls do not count.", Eval: func(args []Value) Value { return extremeOf(args, 1) }},
		Func{Name: "min_of", Sigs: []Sig{ofOrderables()}, Doc: "The least argument; nulls do not count.", Eval: func(args []Value) Value { return extremeOf(args, -1) }},
		Func{Name: "around", Doc: "Whether a value is within a distance of another.", NullIn: true,
			Sigs: []Sig{Of(Bool, P("value", AnyScalar), P("center", AnyScalar), P("delta", AnyScalar))}, Eval: around},
		Func{Name: "assert", Doc: "Fails the query when the condition is false.", Sigs: []Sig{Of(Bool, P("predicate", onlyBool), P("message", onlyString))},
			Eval: func(args []Value) Value { return args[0] }, Prepare: prepareAssert},

		Func{Name: "rand", Volatile: true, Naming: NameFirst, Doc: "A random real from 0 up to 1, or a whole one below the argument.",
			Sigs: []Sig{Of(Real, Opt("number", AnyInteger))}, Eval: random},
		Func{Name: "new_guid", Volatile: true, Doc: "A random guid.", Sigs: []Sig{Of(Guid)}, Eval: func([]Value) Value { return GuidOf(newGuid()) }},
	)
	registerOfQuery()
	registerOfRows()
	registerOfPlace()
}

// registerOfQuery registers what the binder replaces.
func registerOfQuery() {
	known := func(name string, hidden bool, doc string, sigs ...Sig) Func {
		return Func{Name: name, Special: true, Hidden: hidden, Doc: doc, Sigs: sigs}
	}
	column := known("column_ifexists", false, "The column of that name, or the default when there is none.",
		Sig{Params: []Param{Fixed("column_name", onlyString), P("defaultValue", AnyScalar)}, Result: SameAs(1)})
	column.Naming = NameFirstValue
	older := column
	older.Name, older.Hidden = "columnifexists", true
	ingestion := known("ingestion_time", false, "When the row was stored.", Of(DateTime))
	ingestion.Naming, ingestion.NamePrefix = NamePrefix, "$IngestionTime"
	Register(
		known("now", false, "The time of the query, the same for all its rows; with an offset.", Of(DateTime, Opt("offset", onlyTimeSpan))),
		known("ago", false, "The time of the query less a timespan.", Of(DateTime, P("timespan", onlyTimeSpan))),
		known("toscalar", false, "The first column of the first row of a query."),
		known("materialize", false, "A table that is computed once."),
		known("iscolumnexists", true, "Whether there is a column of that name.", Of(Bool, Fixed("column_name", onlyString))),
		known("pack_all", false, "A bag of all columns.", Of(Dynamic, Opt("ignore_null_empty", AnyScalar))),
		known("bag_pack_columns", false, "A bag of the columns.", Sig{Params: []Param{P("value", AnyScalar)}, Repeat: 1, Result: Always(Dynamic)}),
		known("estimate_data_size", false, "The bytes that the columns' values take.", Sig{Params: []Param{P("column", AnyScalar)}, Repeat: 1, Result: Always(Long)}),
		known("column_names_of", false, "The names of a table's columns.", Sig{Params: []Param{P("table", AnyScalar)}, Result: Always(Dynamic)}),
		column, older, ingestion,
	)
}

// registerOfRows registers the functions of the order of rows.
func registerOfRows() {
	restart := Opt("restart", onlyBool)
	window := func(name, doc string, sigs ...Sig) Func {
		return Func{Name: name, Window: true, Doc: doc, Sigs: sigs}
	}
	neighbour := Sig{Params: []Param{P("column", AnyScalar), Opt("offset", AnyInteger), {Name: "default_value", Types: AnyScalar, Optional: true, Const: true}}, Result: SameAs(0)}
	rank := Of(Long, P("term", notDynamic), restart)
	older := window("row_rank", "The rank of the row's value.", Of(Long, P("column", notDynamic), Param{Name: "dense", Types: onlyBool, Optional: true, Const: true}))
	older.Hidden = true
	Register(
		window("row_number", "The number of the row, from 1 on.", Of(Long, Opt("startingIndex", AnyInteger), restart)),
		window("row_cumsum", "The sum up to the row.", Sig{Params: []Param{P("term", AnyNumber|onlyTimeSpan), restart}, Result: SameAs(0)}),
		window("row_rank_dense", "The number of different values up to the row.", rank),
		window("row_rank_min", "The number of the first row with the row's value.", rank),
		window("row_window_session", "The start of the session that the row is in.",
			Of(DateTime, P("expr", onlyDateTime), P("maxDistanceFromFirst", onlyTimeSpan), P("maxDistanceBetweenNeighbors", onlyTimeSpan), restart)),
		window("prev", "The value in a row before.", neighbour),
		window("next", "The value in a row after.", neighbour),
		older,
	)
}

// registerOfPlace registers what tells of the service that runs the query. There
// is one database and nothing like extents and cursors of a cluster's storage.
func registerOfPlace() {
	constant := func(name string, v Value, hidden bool, doc string) Func {
		return Func{Name: name, Hidden: hidden, Doc: doc, Sigs: []Sig{Of(v.Type())}, Eval: func([]Value) Value { return v }}
	}
	Register(
		constant("current_database", StringOf(databaseName), false, "The name of the database."),
		constant("current_cluster_endpoint", StringOf(""), false, "The address of the cluster; empty, there is none."),
		constant("current_principal", StringOf(""), false, "Who runs the query."),
		constant("current_principal_details", DynamicOf(NewBag()), false, "Who runs the query, in detail."),
		Func{Name: "current_principal_is_member_of", Doc: "Whether who runs the query is in one of the groups.",
			Sigs: []Sig{{Params: []Param{P("group", onlyString|onlyDynamic)}, Repeat: 1, Result: Always(Bool)}},
			Eval: func([]Value) Value { return BoolOf(false) }},
		constant("current_node_id", StringOf(""), true, "The node that runs the query."),
		constant("extent_id", Null(Guid), false, "The shard of the row; null, rows are in none."),
		constant("extentid", Null(Guid), true, "The shard of the row; null, rows are in none."),
		constant("extent_tags", DynamicOf([]Dyn{}), false, "The tags of the row's shard."),
		constant("row_id", StringOf(""), false, "The identity of the row; empty, rows have none."),
		constant("rowstore_ordinal_range", Null(Dynamic), true, "Where the row is stored; null."),
		constant("cursor_current", StringOf(""), false, "The database's cursor; empty, there is none."),
		constant("current_cursor", StringOf(""), true, "The database's cursor; empty, there is none."),
		Func{Name: "cursor_after", Doc: "Whether the row was stored after a cursor.", Sigs: []Sig{Of(Bool, P("cursor", onlyString))},
			Eval: func([]Value) Value { return BoolOf(true) }},
		Func{Name: "cursor_before_or_at", Doc: "Whether the row was stored up to a cursor.", Sigs: []Sig{Of(Bool, P("cursor", onlyString))},
			Eval: func([]Value) Value { return BoolOf(true) }},
	)
}

// databaseName is what current_database() says.
const databaseName = "tocsin"

// commonOf is the type that arguments from the given one on have in common.
func commonOf(args []Type, from int) Type {
	if from > len(args) {
		return Unknown
	}
	t := Unknown
	for _, a := range args[from:] {
		switch {
		case t == Unknown || t == Dynamic:
			t = a
		case a == Dynamic || a == Unknown:
		case t.Numeric() && a.Numeric():
			t = Widest(t, a)
		}
	}
	return t
}

// isEmpty tells whether a value is null or an empty string, also in a dynamic.
func isEmpty(v Value) bool {
	switch v.Type() {
	case String:
		return v.Str() == ""
	case Dynamic:
		s, ok := v.Dynamic().(string)
		return v.IsNull() || ok && s == ""
	}
	return v.IsNull()
}

func coalesceOf(args []Value) Value {
	for _, a := range args {
		if !a.IsNull() && (a.Type() != String || a.Str() != "") {
			return a
		}
	}
	return args[len(args)-1]
}

// ofOrderables takes any number of values of one type; numbers may differ.
func ofOrderables() Sig {
	return Sig{Params: []Param{P("arg", Orderable), P("arg", Orderable)}, Repeat: 1, Common: true, Result: func(args []Type) Type { return commonOf(args, 0) }}
}

// extremeOf is the greatest (sign 1) or the least (-1) of the arguments that are
// not null. A NaN that comes first stays, as nothing compares with it.
func extremeOf(args []Value, sign int) Value {
	types := make([]Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
	}
	t := commonOf(types, 0)
	best := Value{}
	for _, a := range args {
		if a.IsNull() {
			continue
		}
		if best.IsNull() {
			best = a
		} else if c, ok := compareValues(a, best); ok && c*sign > 0 {
			best = a
		}
	}
	return convertTo(t, best)
}

// around is value between (center-delta .. center+delta).
func around(args []Value) Value {
	low := arith('-', args[1], args[2])
	high := arith('+', args[1], args[2])
	return within([]Value{args[0], low, high}, false)
}

func random(args []Value) Value {
	if len(args) > 0 && !args[0].IsNull() && args[0].Int() > 1 {
		return RealOf(float64(rand.Int64N(args[0].Int())))
	}
	return RealOf(rand.Float64())
}

// newGuid is a random guid of version 4.
func newGuid() string {
	var b [16]byte
	crand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// assertError is a false condition of assert().
type assertError string

func (e assertError) Error() string { return "assert() has failed with message: '" + string(e) + "'" }

// prepareAssert fails a query whose condition is false from the start; only such
// conditions, of constants, are taken.
func prepareAssert(consts []*Value) (func([]Value) Value, error) {
	if consts[0] != nil && !consts[0].Bool() {
		message := ""
		if consts[1] != nil {
			message = consts[1].Str()
		}
		return nil, assertError(message)
	}
	return nil, nil
}
