package kql

// Aggregates are registered here; what each of them means is in the agg_*.go
// files. Signatures and naming of results are those of Kusto's language
// service.
//
// Accumulators keep what they gather in memory. What could grow without end is
// bounded: make_list, make_set and make_bag by their maxSize (1,048,576 when not
// said, as Kusto has it), dcount and percentile by going over from exact to
// estimated, see distinctExact and digestExact.

// maxElements is the most that make_list, make_set and make_bag keep, and the
// default of their maxSize.
const maxElements = 1 << 20

// notDynamic and notRealOrBool are parameter types of Kusto's language service.
const (
	notDynamic    = AnyScalar &^ (1 << Dynamic)
	notRealOrBool = AnyScalar &^ (1<<Real | 1<<Bool)
	onlyDynamic   = TypeSet(1 << Dynamic)
	onlyBool      = TypeSet(1 << Bool)
)

// promotedType is the type of a sum: int grows to long.
func promotedType(args []Type) Type {
	if len(args) == 0 {
		return Unknown
	}
	if args[0] == Int {
		return Long
	}
	return args[0]
}

// averagedType is the type of an average.
func averagedType(args []Type) Type {
	if len(args) == 0 {
		return Unknown
	}
	switch args[0] {
	case Int, Long:
		return Real
	}
	return args[0]
}

// many marks the last parameter as one that repeats.
func repeatLast(s Sig) []Sig {
	s.Repeat = 1
	return []Sig{s}
}

func init() {
	x := func(set TypeSet) Param { return P("expr", set) }
	pred := P("predicate", onlyBool)
	size := Opt("maxSize", AnyInteger)
	accuracy := Opt("accuracy", notDynamic)
	one := func(result func([]Type) Type, params ...Param) []Sig {
		return []Sig{{Params: params, Result: result}}
	}
	agg := func(name, prefix string, sigs []Sig, newAcc func([]Type, []*Value) Accumulator, doc string) Aggregate {
		return Aggregate{Name: name, Sigs: sigs, Naming: NamePrefixFirst, NamePrefix: prefix, New: newAcc, Doc: doc}
	}
	long, real, dyn := Always(Long), Always(Real), Always(Dynamic)
	averageable := TypeSet(AnyNumber | 1<<TimeSpan | 1<<DateTime)
	hidden := func(a Aggregate) Aggregate { a.Hidden = true; return a }
	special := func(name string, naming Naming, prefix string, sigs []Sig, newAcc func([]Type, []*Value) Accumulator, doc string) Aggregate {
		return Aggregate{Name: name, Sigs: sigs, Naming: naming, NamePrefix: prefix, New: newAcc, Special: true, Doc: doc}
	}

	RegisterAggregates(
		// Counts. count(x) counts rows whose x is null as well.
		agg("count", "count", []Sig{Of(Long), Of(Long, P("expr", AnyScalar))}, newCountAcc, "Number of rows."),
		hidden(agg("cnt", "cnt", []Sig{Of(Long)}, newCountAcc, "Number of rows.")),
		agg("countif", "countif", one(long, pred), newCountIf, "Number of rows for which the predicate is true."),
		agg("dcount", "dcount", one(long, x(AnyScalar), accuracy), newDistinct, "Number of distinct values, exact up to 65,536 of them and estimated above."),
		agg("dcountif", "dcountif", one(long, x(AnyScalar), pred, accuracy), onlyIf(1, newDistinct), "dcount over the rows for which the predicate is true."),
		agg("count_distinct", "count_distinct", one(long, x(notDynamic)), newCountDistinct, "Number of distinct values."),
		agg("count_distinctif", "count_distinctif", one(long, x(notDynamic), pred), onlyIf(1, newCountDistinct), "count_distinct over the rows for which the predicate is true."),

		// Sums and moments.
		agg("sum", "sum", one(promotedType, x(Summable)), newSum, "Sum; 0 when there is no value."),
		agg("sumif", "sumif", one(promotedType, x(Summable), pred), onlyIf(1, newSum), "sum over the rows for which the predicate is true."),
		agg("avg", "avg", one(averagedType, x(averageable)), newAvg, "Mean; NaN when there is no value."),
		agg("avgif", "avgif", one(averagedType, x(averageable), pred), onlyIf(1, newAvg), "avg over the rows for which the predicate is true."),
		agg("stdev", "stdev", one(real, x(Summable)), newMoment(true, true), "Standard deviation of a sample."),
		agg("stdevif", "stdevif", one(real, x(Summable), pred), onlyIf(1, newMoment(true, true)), "stdev over the rows for which the predicate is true."),
		agg("stdevp", "stdevp", one(real, x(Summable)), newMoment(true, false), "Standard deviation of a population."),
		agg("variance", "variance", one(real, x(Summable)), newMoment(false, true), "Variance of a sample."),
		agg("varianceif", "varianceif", one(real, x(Summable), pred), onlyIf(1, newMoment(false, true)), "variance over the rows for which the predicate is true."),
		agg("variancep", "variancep", one(real, x(Summable)), newMoment(false, false), "Variance of a population."),
		agg("variancepif", "variancepif", one(real, x(Summable), pred), onlyIf(1, newMoment(false, false)), "variancep over the rows for which the predicate is true."),
		agg("covariance", "covariance", one(real, x(Summable), x(Summable)), newCovariance(true), "Covariance of a sample."),
		agg("covarianceif", "covarianceif", one(real, x(Summable), x(Summable), pred), onlyIf(2, newCovariance(true)), "covariance over the rows for which the predicate is true."),
		agg("covariancep", "covariancep", one(real, x(Summable), x(Summable)), newCovariance(false), "Covariance of a population."),
		agg("covariancepif", "covariancepif", one(real, x(Summable), x(Summable), pred), onlyIf(2, newCovariance(false)), "covariancep over the rows for which the predicate is true."),
		Aggregate{Name: "binary_all_and", Sigs: one(SameAs(0), x(Summable)), Naming: NameFirst, New: newBinary('&'), Doc: "Binary and of all values."},
		Aggregate{Name: "binary_all_or", Sigs: one(SameAs(0), x(Summable)), Naming: NameFirst, New: newBinary('|'), Doc: "Binary or of all values."},
		Aggregate{Name: "binary_all_xor", Sigs: one(SameAs(0), x(Summable)), Naming: NameFirst, New: newBinary('^'), Doc: "Binary exclusive or of all values."},

		// Picks.
		agg("min", "min", one(SameAs(0), x(Orderable)), newExtreme(false), "Least value."),
		agg("minif", "minif", one(SameAs(0), x(Orderable), pred), onlyIf(1, newExtreme(false)), "Least value of the rows for which the predicate is true."),
		agg("max", "max", one(SameAs(0), x(Orderable)), newExtreme(true), "Greatest value."),
		agg("maxif", "maxif", one(SameAs(0), x(Orderable), pred), onlyIf(1, newExtreme(true)), "Greatest value of the rows for which the predicate is true."),
		special("arg_max", NameDefault, "", repeatLast(Sig{Params: []Param{P("maximized", Orderable), Opt("returned", AnyScalar)}, Result: SameAs(0)}), newArg(true), "The row with the greatest value."),
		special("arg_min", NameDefault, "", repeatLast(Sig{Params: []Param{P("minimized", Orderable), Opt("returned", AnyScalar)}, Result: SameAs(0)}), newArg(false), "The row with the least value."),
		hidden(special("argmax", NameDefault, "max", repeatLast(Sig{Params: []Param{P("maximized", Orderable), Opt("returned", AnyScalar)}, Result: SameAs(0)}), newArg(true), "Older form of arg_max.")),
		hidden(special("argmin", NameDefault, "min", repeatLast(Sig{Params: []Param{P("minimized", Orderable), Opt("returned", AnyScalar)}, Result: SameAs(0)}), newArg(false), "Older form of arg_min.")),
		special("take_any", NameDefault, "", repeatLast(Sig{Params: []Param{x(AnyScalar)}, Result: SameAs(0)}), newAny, "Any row's values, one that is not null when there is."),
		hidden(special("any", NamePrefixFirst, "any", repeatLast(Sig{Params: []Param{x(AnyScalar)}, Result: SameAs(0)}), newAny, "Older form of take_any.")),
		Aggregate{Name: "take_anyif", Sigs: one(SameAs(0), x(AnyScalar), pred), Naming: NameFirst, New: onlyIf(1, newAny), Doc: "take_any over the rows for which the predicate is true."},
		hidden(agg("anyif", "anyif", one(SameAs(0), x(AnyScalar), pred), onlyIf(1, newAny), "Older form of take_anyif.")),
		hidden(Aggregate{Name: "passthrough", Sigs: one(SameAs(0), x(AnyScalar)), Naming: NameFirst, New: newAny}),

		// Collections.
		agg("make_list", "list", one(dyn, x(AnyScalar), size), newList(false), "Array of all values that are not null."),
		agg("make_list_if", "list", one(dyn, x(AnyScalar), pred, size), onlyIf(1, newList(false)), "make_list over the rows for which the predicate is true."),
		agg("make_list_with_nulls", "list", one(dyn, x(AnyScalar)), newList(true), "Array of all values, nulls too."),
		hidden(agg("makelist", "list", one(dyn, x(AnyScalar), size), newOldList, "Older form of make_list, of 128 values when no size is given.")),
		agg("make_set", "set", one(dyn, x(AnyScalar), size), newSet(maxElements), "Array of the distinct values that are not null."),
		agg("make_set_if", "set", one(dyn, x(AnyScalar), pred, size), onlyIf(1, newSet(maxElements)), "make_set over the rows for which the predicate is true."),
		hidden(agg("makeset", "set", one(dyn, x(AnyScalar), size), newSet(oldElements), "Older form of make_set, of 128 values when no size is given.")),
		agg("make_bag", "bag", one(dyn, x(onlyDynamic), size), newBagOf, "Bag of all keys of the bags; the first value of a key stays."),
		agg("make_bag_if", "bag", one(dyn, x(onlyDynamic), pred, size), onlyIf(1, newBagOf), "make_bag over the rows for which the predicate is true."),
		hidden(agg("make_dictionary", "dictionary", one(dyn, x(onlyDynamic), size), newBagOf, "Older form of make_bag.")),
		agg("buildschema", "schema", one(dyn, x(onlyDynamic)), newSchema, "Least schema that admits all values."),

		// Percentiles. The names of their columns hold the percentile.
		special("percentile", NameDefault, "percentile", one(SameAs(0), x(AnyScalar), P("percentile", AnyNumber)), newPercentiles(false, false), "Value at a percentile, by nearest rank."),
		special("percentiles", NameDefault, "percentile", repeatLast(Sig{Params: []Param{x(AnyScalar), P("percentile", AnyNumber)}, Result: SameAs(0)}), newPercentiles(false, false), "Values at several percentiles."),
		special("percentilew", NameDefault, "percentile", one(SameAs(0), x(AnyScalar), P("weight", AnyInteger), P("percentile", AnyNumber)), newPercentiles(true, false), "Value at a percentile of weighted values."),
		special("percentilesw", NameDefault, "percentile", repeatLast(Sig{Params: []Param{x(AnyScalar), P("weight", AnyInteger), P("percentile", AnyNumber)}, Result: SameAs(0)}), newPercentiles(true, false), "Values at several percentiles of weighted values."),
		special("percentiles_array", NameDefault, "percentiles", append(
			repeatLast(Sig{Params: []Param{x(AnyScalar), P("percentile", AnyNumber)}, Result: dyn}),
			Of(Dynamic, x(AnyScalar), P("percentiles", onlyDynamic))), newPercentiles(false, true), "Array of the values at several percentiles."),
		special("percentilesw_array", NameDefault, "percentiles", append(
			repeatLast(Sig{Params: []Param{x(AnyScalar), P("weight", AnyInteger), P("percentile", AnyNumber)}, Result: dyn}),
			Of(Dynamic, x(AnyScalar), P("weight", AnyInteger), P("percentiles", onlyDynamic))), newPercentiles(true, true), "Array of the values at several percentiles of weighted values."),

		// Sketches.
		agg("hll", "hll", one(dyn, x(notRealOrBool), Opt("accuracy", AnyInteger)), newHLL, "State of a distinct count, for dcount_hll and hll_merge."),
		agg("hll_if", "hll_if", one(dyn, x(notRealOrBool), pred, Opt("accuracy", AnyInteger)), onlyIf(1, newHLL), "hll over the rows for which the predicate is true."),
		agg("hll_merge", "hll_merge", one(dyn, P("hll", onlyDynamic)), newHLLMerge, "Merges states of hll."),
		agg("tdigest", "tdigest", one(dyn, x(Summable), Opt("weight", AnyInteger)), newTDigest, "State of percentiles, for percentile_tdigest and tdigest_merge."),
		agg("tdigest_merge", "merge_tdigests", one(dyn, P("tdigest", onlyDynamic)), newTDigestMerge, "Merges states of tdigest."),
		hidden(agg("merge_tdigest", "merge_tdigests", one(dyn, P("tdigest", onlyDynamic)), newTDigestMerge, "tdigest_merge.")),
	)
}

// onlyIf makes the if-form of an aggregate: the predicate is argument at, and
// rows for which it is not true are not seen.
func onlyIf(at int, newAcc func([]Type, []*Value) Accumulator) func([]Type, []*Value) Accumulator {
	return func(types []Type, consts []*Value) Accumulator {
		return &filtered{at: at, acc: newAcc(withoutAt(types, at), withoutAt(consts, at))}
	}
}

func withoutAt[T any](s []T, at int) []T {
	if at >= len(s) {
		return s
	}
	return append(append(make([]T, 0, len(s)-1), s[:at]...), s[at+1:]...)
}

type filtered struct {
	at   int
	acc  Accumulator
	args []Value
}

func (f *filtered) Add(args []Value) {
	if f.at < len(args) && args[f.at].Bool() {
		f.args = append(append(f.args[:0], args[:f.at]...), args[f.at+1:]...)
		f.acc.Add(f.args)
	}
}

func (f *filtered) Result() Value { return f.acc.Result() }

// constInt is the integer constant at position i; def when there is none.
func constInt(consts []*Value, i int, def int64) int64 {
	if i >= len(consts) || consts[i] == nil || consts[i].IsNull() {
		return def
	}
	switch v := consts[i]; v.Type() {
	case Int, Long:
		return v.Int()
	case Real:
		return int64(v.Real())
	}
	return def
}

// typeAt is types[i], Unknown when there is none.
func typeAt(types []Type, i int) Type {
	if i < len(types) {
		return types[i]
	}
	return Unknown
}
