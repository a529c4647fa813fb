package sqlgen_test

import (
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// Plans that are made by hand, where a query could not say them or where the
// SQL itself is the point.

func col(id int, name string, t kql.Type) kql.Column {
	return kql.Column{ID: kql.ColID(id), Name: name, Type: t}
}

func ref(c kql.Column) kql.Scalar              { return &kql.ColRef{Col: c} }
func konst(v kql.Value) kql.Scalar             { return &kql.Const{Value: v} }
func item(c kql.Column, x kql.Scalar) kql.Item { return kql.Item{Out: c, X: x} }

func call(t kql.Type, name string, args ...kql.Scalar) kql.Scalar {
	f := kql.LookupFunc(name)
	if f == nil {
		f = &kql.Func{Name: name}
	}
	return &kql.Call{Func: f, Args: args, T: t, Eval: f.Eval}
}

func agg(name string, out kql.Column, args ...kql.Scalar) kql.AggItem {
	return kql.AggItem{Outs: []kql.Column{out}, Func: kql.LookupAggregate(name), Args: args}
}

func longs(cols []kql.Column, rows ...[]int64) *kql.Values {
	v := &kql.Values{Cols: cols}
	for _, r := range rows {
		row := make([]kql.Value, len(r))
		for i, n := range r {
			row[i] = kql.LongOf(n)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// run executes a plan, each row as text.
func run(t *testing.T, root kql.Rel) (rows []string, st *sqlgen.Statement) {
	t.Helper()
	st, err := sqlgen.Generate(root, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	found, err := newEngine(t, "").run(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found {
		rows = append(rows, shows(r))
	}
	return rows, st
}

func check(t *testing.T, root kql.Rel, want ...string) {
	t.Helper()
	rows, st := run(t, root)
	if got := strings.Join(rows, "; "); got != strings.Join(want, "; ") {
		t.Errorf("got %s\nwant %s\n%s", got, strings.Join(want, "; "), st.SQL)
	}
}

func TestPlans(t *testing.T) {
	a, b, c := col(1, "a", kql.Long), col(2, "b", kql.Long), col(3, "c", kql.Long)
	table := longs([]kql.Column{a, b}, []int64{1, 10}, []int64{2, 20}, []int64{1, 30})
	t.Run("filter", func(t *testing.T) {
		check(t, &kql.Filter{In: table, Pred: call(kql.Bool, "and", call(kql.Bool, ">", ref(b), konst(kql.LongOf(10))), call(kql.Bool, "!=", ref(a), konst(kql.LongOf(2))))}, "1, 30")
	})
	t.Run("wrap", func(t *testing.T) {
		sum := &kql.Project{In: table, Items: []kql.Item{item(c, call(kql.Long, "+", ref(a), konst(kql.LongOf(1<<63-1))))}}
		check(t, sum, "-9223372036854775808", "-9223372036854775807", "-9223372036854775808")
	})
	t.Run("summarize", func(t *testing.T) {
		check(t, &kql.Sort{In: &kql.Aggregated{In: table, By: []kql.Item{item(a, ref(a))}, Aggs: []kql.AggItem{agg("count", col(4, "n", kql.Long)), agg("sum", col(5, "s", kql.Long), ref(b))}}, Keys: []kql.SortKey{{X: ref(a)}}},
			"1, 2, 40", "2, 1, 20")
	})
	t.Run("empty", func(t *testing.T) {
		check(t, &kql.Aggregated{In: &kql.Values{Cols: []kql.Column{a}}, Aggs: []kql.AggItem{agg("count", col(4, "n", kql.Long)), agg("sum", col(5, "s", kql.Long), ref(a)), agg("make_list", col(6, "l", kql.Dynamic), ref(a)), agg("max", col(7, "m", kql.Long), ref(a))}},
			"0, 0, [], null")
	})
	t.Run("top", func(t *testing.T) {
		check(t, &kql.Top{In: table, N: konst(kql.LongOf(2)), Keys: []kql.SortKey{{X: ref(b), Desc: true}}}, "1, 30", "2, 20")
	})
	t.Run("list follows order", func(t *testing.T) {
		check(t, &kql.Aggregated{In: &kql.Sort{In: table, Keys: []kql.SortKey{{X: ref(b), Desc: true}}}, Aggs: []kql.AggItem{agg("make_list", col(6, "l", kql.Dynamic), ref(a))}}, "[1,2,1]")
		check(t, &kql.Aggregated{In: table, Aggs: []kql.AggItem{agg("make_list", col(6, "l", kql.Dynamic), ref(b))}}, "[10,20,30]")
	})
	t.Run("arg_max", func(t *testing.T) {
		x := kql.AggItem{Outs: []kql.Column{col(8, "b", kql.Long), col(9, "a", kql.Long)}, Func: kql.LookupAggregate("arg_max"), Args: []kql.Scalar{ref(b), ref(a)}}
		check(t, &kql.Aggregated{In: table, Aggs: []kql.AggItem{x}}, "30, 1")
		check(t, &kql.Sort{In: &kql.Aggregated{In: table, By: []kql.Item{item(a, ref(a))}, Aggs: []kql.AggItem{agg("count", col(4, "n", kql.Long)), x}}, Keys: []kql.SortKey{{X: ref(a)}}}, "1, 2, 30, 1", "2, 1, 20, 2")
	})
}
