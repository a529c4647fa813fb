package kql

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Func is one scalar function or operator of the language. Operators are
// functions whose name is their spelling: "+", "==", "has", "!in~", "and",
// "[]" for element and member access. There is nothing callable that is not in
// this registry.
type Func struct {
	Name string
	// Sigs are tried in order; the first whose parameters take the arguments is
	// chosen, one that needs no conversion before one that does.
	Sigs []Sig
	// Eval is the meaning of the function on values. The arguments are as many
	// and of the types that a signature allows; it checks nulls itself, except
	// that with NullIn it is never called with a null argument that is not a
	// string or dynamic. It must not fail: what cannot be computed is null. It
	// is called from several goroutines.
	Eval func(args []Value) Value
	// NullIn: any null argument makes the result the null of the result type,
	// without calling Eval.
	NullIn bool
	// Prepare, when set, is called once per call site with the constant
	// arguments (others nil) and gives an Eval specialised to them, such as with
	// a compiled regex; nil falls back to Eval. An error is a diagnostic.
	Prepare func(consts []*Value) (func(args []Value) Value, error)
	// Volatile functions are not folded: rand, new_guid.
	Volatile bool
	// Window functions need a serialized row set: prev, next, row_number ...
	Window bool
	// Special functions have no Eval: the binder or the generator knows them
	// (iff, case, now, toscalar, column_ifexists, ...).
	Special bool
	// Naming says how an unnamed result column is called.
	Naming Naming
	// NamePrefix is used by PrefixAndFirst, PrefixOnly.
	NamePrefix string
	// Multi tells a function that gives several columns when it stands alone as
	// a column: extend series_stats(s) makes series_stats_s_min ... Its Eval
	// gives a dynamic array with one element for each of Multi, in order; the
	// column of an element is named by MultiName. Used in a larger expression it
	// is a mistake.
	Multi []MultiOut
	// PerArray tells a function that gives an array for each of its arrays when
	// there are several; the column of an array x is called x_sorted.
	PerArray bool
	// Hidden functions (legacy spellings, internal ones) are not completed.
	Hidden bool
	Doc    string // one line for the editor
}

// MultiOut is one column of a function that gives several. An unnamed call
// f(x) names it f_x_Suffix; (a, b) = f(x) names them in order, and one name
// alone, a = f(x), names the first, the others keep theirs.
type MultiOut struct {
	Suffix string
	Type   Type
}

// Naming is how a result column of a call gets its name, as Kusto's language
// service has it (ResultNameKind).
type Naming uint8

const (
	NameDefault       Naming = iota // Column1, print_0
	NameFuncFirst                   // name_arg, the function's name and first argument's column
	NameFuncOnly                    // the same when there is only one argument
	NamePrefixFirst                 // prefix_arg
	NamePrefixOnlyArg               // prefix_arg when there is only one argument
	NameFirstValue                  // the first argument's value, if it names a column
	NamePrefix                      // prefix
	NameFirst                       // the first argument's name: tostring(x) is x
	NameOnlyArg                     // the same when there is only one argument
)

// Sig is one overload.
type Sig struct {
	Params []Param
	// Repeat: the last N parameters may repeat together (strcat: 1, case: 2).
	Repeat int
	// Result gives the type of the result from the types of the arguments.
	Result func(args []Type) Type
	// TypeArg is the number, counted from 1, of a parameter that takes
	// typeof(...); 0 for none. Its argument reaches Prepare as a constant string
	// with the type's canonical name, and the result is of that type whatever
	// Result says.
	TypeArg int
	// Common: the arguments must have one type that all of them widen to.
	Common bool
}

// Param is one parameter of an overload.
type Param struct {
	Name     string
	Types    TypeSet
	Optional bool
	Const    bool // must be a constant
	// Default is the value of an optional one that was not given; when nil Eval
	// sees fewer arguments.
	Default *Value
}

// Always and SameAs are result rules.
func Always(t Type) func([]Type) Type { return func([]Type) Type { return t } }

// SameAs is the type of argument i.
func SameAs(i int) func([]Type) Type {
	return func(args []Type) Type {
		if i < len(args) {
			return args[i]
		}
		return Unknown
	}
}

// WidestArg is the widest numeric type of all arguments.
func WidestArg(args []Type) Type {
	t := Unknown
	for _, a := range args {
		t = Widest(t, a)
	}
	return t
}

// P makes a required parameter, Opt an optional one, Fixed a parameter that
// must be a constant.
func P(name string, types TypeSet) Param     { return Param{Name: name, Types: types} }
func Opt(name string, types TypeSet) Param   { return Param{Name: name, Types: types, Optional: true} }
func Fixed(name string, types TypeSet) Param { return Param{Name: name, Types: types, Const: true} }

// Of is a signature with a fixed result type: Of(Long, P("s", S)).
func Of(result Type, params ...Param) Sig { return Sig{Params: params, Result: Always(result)} }

// Aggregate is one aggregate function.
type Aggregate struct {
	Name string
	Sigs []Sig
	// Naming as of Func; most are NamePrefixFirst with NamePrefix ("count_",
	// "sum_x", "list_x", "set_x").
	Naming     Naming
	NamePrefix string
	// New gives a fresh accumulator for one group; the meaning of the function.
	// consts are the constant arguments (others nil).
	New func(types []Type, consts []*Value) Accumulator
	// Special aggregates give several columns or are known to the binder by
	// name: arg_max, arg_min, take_any with *, percentiles, buildschema.
	Special bool
	Hidden  bool
	Doc     string
}

// Accumulator gathers the rows of one group.
type Accumulator interface {
	Add(args []Value)
	Result() Value
}

// MultiAccumulator is that of an aggregate with several output columns:
// Results gives one value for each of AggItem.Outs. Result is the first.
type MultiAccumulator interface {
	Accumulator
	Results() []Value
}

var registry struct {
	sync.RWMutex
	funcs map[string]*Func
	aggs  map[string]*Aggregate
}

// Register adds functions to the language; a package such as kql/geo calls it
// when it is initialised. A name twice is a mistake of the program and panics.
func Register(funcs ...Func) {
	registry.Lock()
	defer registry.Unlock()
	if registry.funcs == nil {
		registry.funcs = make(map[string]*Func)
	}
	for i := range funcs {
		f := &funcs[i]
		if registry.funcs[f.Name] != nil {
			panic(fmt.Sprintf("kql: function %s is registered twice", f.Name))
		}
		registry.funcs[f.Name] = f
	}
}

// RegisterAggregates is Register for aggregates.
func RegisterAggregates(aggs ...Aggregate) {
	registry.Lock()
	defer registry.Unlock()
	if registry.aggs == nil {
		registry.aggs = make(map[string]*Aggregate)
	}
	for i := range aggs {
		a := &aggs[i]
		if registry.aggs[a.Name] != nil {
			panic(fmt.Sprintf("kql: aggregate %s is registered twice", a.Name))
		}
		registry.aggs[a.Name] = a
	}
}

// LookupFunc finds a function; nil when there is none. Names are case-sensitive.
func LookupFunc(name string) *Func {
	registry.RLock()
	defer registry.RUnlock()
	return registry.funcs[name]
}

// LookupAggregate finds an aggregate; nil when there is none.
func LookupAggregate(name string) *Aggregate {
	registry.RLock()
	defer registry.RUnlock()
	return registry.aggs[name]
}

// Funcs lists the functions of the language by name, operators and hidden ones
// too.
func Funcs() []*Func {
	registry.RLock()
	defer registry.RUnlock()
	names := slices.Sorted(maps.Keys(registry.funcs))
	all := make([]*Func, len(names))
	for i, n := range names {
		all[i] = registry.funcs[n]
	}
	return all
}
