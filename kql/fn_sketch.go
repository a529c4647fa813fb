package kql

// Functions over the states that the aggregates hll and tdigest make. What is
// no state of this program gives null.

func init() {
	long, real, dyn, boolean := Always(Long), Always(Real), Always(Dynamic), Always(Bool)
	digest := P("tdigest", onlyDynamic)
	hllParam := P("hll", onlyDynamic)
	typeParam := P("type", AnyScalar)
	percentile := P("percentile", AnyNumber)
	merge := []Sig{{Params: []Param{digest, P("tdigest", onlyDynamic)}, Repeat: 1, Result: dyn}}

	Register(
		Func{Name: "dcount_hll", Naming: NameFuncFirst, Doc: "Distinct count of an hll.", Sigs: []Sig{{Params: []Param{hllParam}, Result: long}}, Eval: func(args []Value) Value {
			if h := hllOfState(args[0].Dynamic()); h != nil {
				return LongOf(h.estimate())
			}
			return Null(Long)
		}},
		Func{Name: "hll_merge", Naming: NamePrefix, NamePrefix: "hll_merged_result", Doc: "Merges hlls.", Sigs: []Sig{{Params: []Param{hllParam, P("hll", onlyDynamic)}, Repeat: 1, Result: dyn}}, Eval: func(args []Value) Value {
			return mergeStates(new(hllMerge), args)
		}},
		Func{Name: "__hll_normalize", Naming: NameFirst, Hidden: true, Sigs: []Sig{{Params: []Param{hllParam, P("hll", onlyDynamic)}, Repeat: 1, Result: dyn}}, Eval: func(args []Value) Value {
			return mergeStates(new(hllMerge), args)
		}},
		Func{Name: "hll_isvalid", Doc: "Whether a value is an hll.", Sigs: []Sig{{Params: []Param{hllParam, Opt("value", AnyScalar)}, Result: boolean}}, Eval: func(args []Value) Value {
			return BoolOf(hllOfState(args[0].Dynamic()) != nil)
		}},
		Func{Name: "tdigest_merge", Naming: NamePrefix, NamePrefix: "tdigests_merge_result", Doc: "Merges tdigests.", Sigs: merge, Eval: func(args []Value) Value {
			return mergeStates(new(tdigestMerge), args)
		}},
		Func{Name: "merge_tdigest", Naming: NamePrefix, NamePrefix: "tdigests_merge_result", Hidden: true, Doc: "tdigest_merge.", Sigs: merge, Eval: func(args []Value) Value {
			return mergeStates(new(tdigestMerge), args)
		}},
		Func{Name: "tdigest_isvalid", Doc: "Whether a value is a tdigest.", Sigs: []Sig{{Params: []Param{digest, Opt("value", AnyScalar)}, Result: boolean}}, Eval: func(args []Value) Value {
			d, _ := digestOfState(args[0].Dynamic())
			return BoolOf(d != nil)
		}},
		Func{Name: "percentile_tdigest", Naming: NameFuncFirst, Doc: "Value of a tdigest at a percentile.", Eval: percentileOfDigest, Sigs: []Sig{
			{Params: []Param{digest, percentile}, Result: dyn},
			{Params: []Param{digest, percentile, typeParam}, Result: dyn, TypeArg: 3},
		}},
		Func{Name: "percentiles_array_tdigest", Naming: NamePrefixFirst, NamePrefix: "percentile_tdigest", Doc: "Values of a tdigest at several percentiles.", Eval: percentilesOfDigest, Sigs: []Sig{
			{Params: []Param{digest, percentile}, Repeat: 1, Result: dyn},
			{Params: []Param{digest, P("percentiles", onlyDynamic)}, Result: dyn},
			{Params: []Param{digest, P("percentiles", onlyDynamic), P("type", TypeSet(1<<String))}, Result: dyn},
		}},
		Func{Name: "rank_tdigest", Doc: "How many values of a tdigest are at most a value.", Sigs: []Sig{{Params: []Param{digest, P("value", AnyScalar)}, Result: real}}, Eval: func(args []Value) Value {
			d, _ := digestOfState(args[0].Dynamic())
			if d == nil || args[1].IsNull() {
				return Null(Real)
			}
			return RealOf(d.rank(plainNumber(args[1])))
		}},
		Func{Name: "percentrank_tdigest", Doc: "Percentage of the values of a tdigest that are at most a value.", Sigs: []Sig{{Params: []Param{digest, P("value", AnyScalar)}, Result: real}}, Eval: func(args []Value) Value {
			d, _ := digestOfState(args[0].Dynamic())
			if d == nil || d.n == 0 || args[1].IsNull() {
				return Null(Real)
			}
			return RealOf(d.rank(plainNumber(args[1])) * 100 / d.n)
		}},
	)
}

// plainNumber is the number of a value that may also be a dynamic one.
func plainNumber(v Value) float64 {
	if v.Type() == Dynamic {
		return floatOf(ticksElement(v.Dynamic()))
	}
	return numberOf(v)
}

func mergeStates(acc Accumulator, args []Value) Value {
	for i := range args {
		acc.Add(args[i : i+1])
	}
	return acc.Result()
}

// percentileOfDigest gives the type that is asked for, else a dynamic of the
// type that the digest was made of.
func percentileOfDigest(args []Value) Value {
	want := Unknown
	if len(args) > 2 {
		want, _ = ParseType(args[2].Str())
	}
	d, t := digestOfState(args[0].Dynamic())
	p := numberOf(args[1])
	if d == nil || d.n == 0 || p != p {
		if want == Unknown {
			want = Dynamic
		}
		return Null(want)
	}
	f := d.quantile(p / 100)
	if want == Unknown || want == Dynamic {
		return DynamicOf(dynOf(ofNumber(t, f)))
	}
	return ofNumber(want, f)
}

func percentilesOfDigest(args []Value) Value {
	d, t := digestOfState(args[0].Dynamic())
	if d == nil {
		return Null(Dynamic)
	}
	if len(args) > 2 && args[2].Type() == String {
		if named, ok := ParseType(args[2].Str()); ok {
			t = named
		}
	}
	out := []Dyn{}
	add := func(p float64) {
		if d.n == 0 || p != p {
			out = append(out, nil)
			return
		}
		out = append(out, dynOf(ofNumber(t, d.quantile(p/100))))
	}
	for _, a := range args[1:] {
		if list, ok := a.Dynamic().([]Dyn); ok {
			for _, e := range list {
				add(floatOf(e))
			}
		} else if a.Type() != String {
			add(numberOf(a))
		}
	}
	return DynamicOf(out)
}
