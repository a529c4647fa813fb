package sqlgen_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// Every function that has a form in SQL is computed there over all values that
// are worth trying, and must give what its Eval gives.

var (
	longEdges  = []kql.Value{kql.Null(kql.Long), kql.LongOf(0), kql.LongOf(1), kql.LongOf(-1), kql.LongOf(7), kql.LongOf(-7), kql.LongOf(2), kql.LongOf(math.MaxInt64), kql.LongOf(math.MinInt64), kql.LongOf(math.MinInt64 + 1), kql.LongOf(1 << 32), kql.LongOf(3_000_000_000_000_000_000)}
	intEdges   = []kql.Value{kql.Null(kql.Int), kql.IntOf(0), kql.IntOf(1), kql.IntOf(-1), kql.IntOf(9), kql.IntOf(math.MaxInt32), kql.IntOf(math.MinInt32)}
	realEdges  = []kql.Value{kql.Null(kql.Real), kql.RealOf(0), kql.RealOf(1.5), kql.RealOf(-2.5), kql.RealOf(math.NaN()), kql.RealOf(math.Inf(1)), kql.RealOf(math.Inf(-1)), kql.RealOf(1e300)}
	boolEdges  = []kql.Value{kql.Null(kql.Bool), kql.BoolOf(true), kql.BoolOf(false)}
	textEdges  = []kql.Value{kql.StringOf(""), kql.StringOf("a"), kql.StringOf("A"), kql.StringOf("abc def"), kql.StringOf("ABC_DEF"), kql.StringOf("naïve Straße"), kql.StringOf("%_'\"\\"), kql.StringOf("😀b"), kql.StringOf("Def abc"), kql.StringOf("\u212aIk"), kql.StringOf("kik"), kql.StringOf("\u0130K")}
	spanEdges  = []kql.Value{kql.Null(kql.TimeSpan), kql.TimeSpanOf(0), kql.TimeSpanOf(1), kql.TimeSpanOf(-1), kql.TimeSpanOf(kql.TicksPerHour), kql.TimeSpanOf(-kql.TicksPerDay - 7), kql.TimeSpanOf(math.MaxInt64), kql.TimeSpanOf(math.MinInt64)}
	guidEdges  = []kql.Value{kql.Null(kql.Guid), kql.GuidOf("74be27de-1e4e-49d9-b579-fe0b331d3642"), kql.GuidOf("00000000-0000-0000-0000-000000000000")}
	dynEdges   = []kql.Value{kql.Null(kql.Dynamic), dyn(`{"a":{"b":[1,"x",null,2.5,true]},"k v":"q","":1}`), dyn(`[1,2,[3]]`), dyn(`"text"`), dyn(`5`), dyn(`""`), dyn(`[]`), dyn(`{}`), dyn(`true`), dyn(`-1.5`)}
	ticksEdges = []kql.Value{kql.Null(kql.DateTime), at("1601-01-01T00:00:00Z"), at("1969-12-31T23:59:59.9999995Z"), at("1970-01-01T00:00:00Z"), at("2024-02-29T12:34:56.1234567Z"), at("2024-12-31T23:59:59.999999Z"), at("2024-02-29T12:34:56.123456Z"), kql.DateTimeOf(0), kql.DateTimeOf(kql.MaxDateTimeTicks)}
)

func dyn(text string) kql.Value {
	d, ok := kql.ParseJSON(text)
	if !ok {
		panic(text)
	}
	return kql.DynamicOf(d)
}

func at(text string) kql.Value {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return kql.TimeOf(t)
}

func edges(t kql.Type) []kql.Value {
	switch t {
	case kql.Bool:
		return boolEdges
	case kql.Int:
		return intEdges
	case kql.Long:
		return longEdges
	case kql.Real:
		return realEdges
	case kql.String:
		return textEdges
	case kql.TimeSpan:
		return spanEdges
	case kql.DateTime:
		return ticksEdges
	case kql.Guid:
		return guidEdges
	case kql.Dynamic:
		return dynEdges
	}
	return nil
}

// trial is one function over all values of its arguments' types.
type trial struct {
	name   string
	result kql.Type
	args   []kql.Type
	consts bool // the arguments after the first are constants
}

const (
	b, i, l, r, s, d, g, dt, ts = kql.Bool, kql.Int, kql.Long, kql.Real, kql.String, kql.Dynamic, kql.Guid, kql.DateTime, kql.TimeSpan
)

func trials() (out []trial) {
	types := func(ts ...kql.Type) []kql.Type { return ts }
	both := func(name string, result kql.Type, args ...kql.Type) {
		out = append(out, trial{name, result, args, false})
		if len(args) > 1 {
			out = append(out, trial{name, result, args, true})
		}
	}
	for _, op := range []string{"==", "!=", "<", "<=", ">", ">="} {
		for _, t := range types(b, i, l, r, s, g, dt, ts) {
			if (t == b || t == g) && strings.ContainsAny(op, "<>") {
				continue
			}
			both(op, b, t, t)
		}
		both(op, b, i, l)
		both(op, b, l, r)
		both(op, b, r, i)
	}
	for _, op := range []string{"+", "-", "*"} {
		both(op, l, l, l)
		both(op, l, i, l)
		both(op, r, r, r)
		both(op, r, l, r)
	}
	both("+", ts, ts, ts)
	both("-", ts, ts, ts)
	both("-", ts, dt, dt)
	both("-", l, l)
	both("-", r, r)
	both("/", l, l, l)
	both("/", r, r, r)
	both("/", r, l, r)
	both("%", l, l, l)
	both("and", b, b, b)
	both("or", b, b, b)
	both("not", b, b)
	for _, t := range types(b, i, l, r, s, d, g, dt, ts) {
		both("isnull", b, t)
		both("isnotnull", b, t)
		both("isempty", b, t)
		both("isnotempty", b, t)
		both("iff", t, b, t, t)
		both("coalesce", t, t, t)
		both("tostring", s, t)
	}
	both("case", s, b, s, b, s, s)
	for _, t := range types(i, l, s, g, dt, ts) {
		both("in", b, t, t, t)
		both("!in", b, t, t, t)
	}
	both("in~", b, s, s, s)
	both("!in~", b, s, s, s)
	both("between", b, l, l, l)
	both("between", b, dt, dt, dt)
	both("!between", b, dt, dt, dt)
	both("bin", l, l, l)
	both("bin", dt, dt, ts)
	both("bin", ts, ts, ts)
	both("abs", l, l)
	both("abs", r, r)
	for _, op := range []string{"=~", "!~", "contains", "!contains", "contains_cs", "has", "!has", "has_cs", "hasprefix", "hassuffix", "startswith", "!startswith", "startswith_cs", "endswith", "endswith_cs", "!endswith"} {
		both(op, b, s, s)
	}
	both("bin", r, r, r)
	both("bin", r, l, r)
	both("bin", l, i, l)
	for _, f := range []string{"startofday", "startofweek", "startofmonth", "startofyear", "endofday"} {
		both(f, dt, dt)
	}
	for _, f := range []string{"getyear", "getmonth", "monthofyear", "dayofmonth", "dayofyear", "hourofday", "week_of_year"} {
		both(f, i, dt)
	}
	both("dayofweek", ts, dt)
	both("tolong", l, i)
	both("tolong", l, b)
	both("toint", i, l)
	both("todouble", r, l)
	both("todouble", r, i)
	both("tolong", l, dt)
	both("isnan", b, r)
	both("isinf", b, r)
	both("isfinite", b, r)
	both("replace_string", s, s, s, s)
	both("tolower", s, s)
	both("toupper", s, s)
	both("strlen", l, s)
	both("string_size", l, s)
	both("strcat", s, s, l, s)
	both("substring", s, s, l, l)
	both("[]", d, d, s)
	both("[]", d, d, l)
	both("array_length", l, d)
	both("==", b, d, s)
	both("!=", b, d, s)
	return out
}

func TestMeaning(t *testing.T) {
	db := newEngine(t, "")
	for _, tr := range trials() {
		f := kql.LookupFunc(tr.name)
		if f == nil {
			t.Logf("%s is not there yet", tr.name)
			continue
		}
		for _, stored := range []bool{false, true} {
			name := fmt.Sprintf("%s(%v) consts %v stored %v", tr.name, tr.args, tr.consts, stored)
			t.Run(name, func(t *testing.T) { try(t, db, f, tr, stored) })
		}
	}
}

// try runs a trial over every combination of values, or a sample of them where
// there are many.
func try(t *testing.T, db *engine, f *kql.Func, tr trial, stored bool) {
	var combos [][]kql.Value
	var build func(row []kql.Value)
	build = func(row []kql.Value) {
		if len(row) == len(tr.args) {
			combos = append(combos, append([]kql.Value(nil), row...))
			return
		}
		for _, v := range edges(tr.args[len(row)]) {
			build(append(row, v))
		}
	}
	build(nil)
	if len(tr.args) > 2 && len(combos) > 400 {
		var some [][]kql.Value
		for k := 0; k < len(combos); k += len(combos)/397 + 1 {
			some = append(some, combos[k])
		}
		combos = some
	}
	if !tr.consts {
		tryTable(t, db, f, tr, combos, nil, stored)
		return
	}
	// One table for each combination of constants.
	groups := map[string][][]kql.Value{}
	var order []string
	for _, c := range combos {
		var key string
		for _, v := range c[1:] {
			key += fmt.Sprint(v.Type(), v.IsNull(), kql.TextOf(v), "|")
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], c)
	}
	for _, key := range order {
		tryTable(t, db, f, tr, groups[key], groups[key][0][1:], stored)
	}
}

func tryTable(t *testing.T, db *engine, f *kql.Func, tr trial, rows [][]kql.Value, consts []kql.Value, stored bool) {
	t.Helper()
	cols := []kql.Column{col(1, "id", kql.Long)}
	values := &kql.Values{}
	for k, typ := range tr.args {
		if k > 0 && consts != nil {
			break
		}
		cols = append(cols, col(2+k, fmt.Sprintf("a%d", k), typ))
	}
	values.Cols = cols
	eval := f.Eval
	if f.Prepare != nil {
		ptrs := make([]*kql.Value, len(tr.args))
		for k := range consts {
			ptrs[k+1] = &consts[k]
		}
		if fn, err := f.Prepare(ptrs); err == nil && fn != nil {
			eval = fn
		}
	}
	for k, row := range rows {
		if stored {
			row = append([]kql.Value(nil), row...)
			for j, v := range row {
				if v.Type() == kql.DateTime && !v.IsNull() && (consts == nil || j == 0) {
					row[j] = kql.DateTimeOf(v.Int() - v.Int()%10) // a table holds microseconds
				}
			}
			rows[k] = row
		}
		values.Rows = append(values.Rows, append([]kql.Value{kql.LongOf(int64(k))}, row[:len(cols)-1]...))
	}
	var in kql.Rel = values
	if stored {
		scan := storedTable(t, db, values)
		in = scan
		cols = scan.Cols
	}
	args := make([]kql.Scalar, len(tr.args))
	for k := range args {
		if k > 0 && consts != nil {
			args[k] = konst(consts[k-1])
		} else {
			args[k] = ref(cols[k+1])
		}
	}
	x := &kql.Call{Func: f, Args: args, T: tr.result, Eval: eval}
	out := col(100, "out", tr.result)
	plan := &kql.Sort{In: &kql.Project{In: in, Items: []kql.Item{item(cols[0], ref(cols[0])), item(out, x)}}, Keys: []kql.SortKey{{X: ref(cols[0])}}}
	st, err := sqlgen.Generate(plan, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	want := func(row []kql.Value) kql.Value {
		for k, v := range row {
			if f.NullIn && v.IsNull() && tr.args[k] != kql.String && tr.args[k] != kql.Dynamic {
				return kql.Null(tr.result)
			}
		}
		return eval(row)
	}
	got := query(t, db, st)
	if len(got) != len(rows) {
		t.Fatalf("%d rows of %d", len(got), len(rows))
	}
	bad := 0
	for k, row := range rows {
		w := want(row)
		if text, g := show(w), show(got[k][1]); g != text {
			if bad++; bad < 6 {
				t.Errorf("%s(%s) is %s, SQL says %s\n%s", tr.name, shows(row), text, g, st.SQL)
			}
		}
	}
	if tr.result == kql.Bool {
		// As a filter, and below not().
		not := kql.LookupFunc("not")
		for _, neg := range []bool{false, true} {
			var p kql.Scalar = x
			if neg {
				p = &kql.Call{Func: not, Args: []kql.Scalar{x}, T: kql.Bool, Eval: not.Eval}
			}
			plan := &kql.Project{In: &kql.Filter{In: in, Pred: p}, Items: []kql.Item{item(cols[0], ref(cols[0]))}}
			st, err := sqlgen.Generate(plan, testOptions)
			if err != nil {
				t.Fatal(err)
			}
			kept := map[int64]bool{}
			for _, row := range query(t, db, st) {
				kept[row[0].Int()] = true
			}
			for k, row := range rows {
				w := want(row)
				if keep := !w.IsNull() && w.Bool() != neg; keep != kept[int64(k)] {
					if bad++; bad < 6 {
						t.Errorf("where %s(%s), not %v: kept %v, wanted %v\n%s", tr.name, shows(row), neg, kept[int64(k)], keep, st.SQL)
					}
				}
			}
		}
	}
}

func show(v kql.Value) string {
	if v.IsNull() {
		return "null"
	}
	if v.Type() == kql.Dynamic {
		return kql.JSONOf(v.Dynamic())
	}
	return kql.TextOf(v)
}

func shows(row []kql.Value) string {
	var parts []string
	for _, v := range row {
		parts = append(parts, show(v))
	}
	return strings.Join(parts, ", ")
}

// storedTable makes a table as the lake has it: TIMESTAMP, JSON, and NULL for
// every other "".
func storedTable(t *testing.T, db *engine, v *kql.Values) *kql.Scan {
	t.Helper()
	types := map[kql.Type]string{kql.Bool: "BOOLEAN", kql.Int: "INTEGER", kql.Long: "BIGINT", kql.Real: "DOUBLE", kql.String: "VARCHAR", kql.DateTime: "TIMESTAMP", kql.TimeSpan: "BIGINT", kql.Guid: "VARCHAR", kql.Dynamic: "JSON"}
	scan := &kql.Scan{Table: "Stored", Cols: v.Cols}
	var defs []string
	for _, c := range v.Cols {
		scan.Source = append(scan.Source, c.Name)
		defs = append(defs, fmt.Sprintf("%q %s", c.Name, types[c.Type]))
	}
	db.exec(`CREATE OR REPLACE TABLE "Stored" (` + strings.Join(defs, ", ") + ")")
	var all []string
	for k, row := range v.Rows {
		var cells []string
		for j, val := range row {
			switch {
			case val.IsNull(), val.Type() == kql.String && val.Str() == "" && (k+j)%2 == 0:
				cells = append(cells, "NULL")
			case val.Type() == kql.DateTime:
				us := (val.Int() - kql.UnixEpochTicks) / 10
				cells = append(cells, fmt.Sprintf("make_timestamp(%d)", us))
			case val.Type() == kql.Real:
				cells = append(cells, fmt.Sprintf("'%v'::DOUBLE", strings.Replace(fmt.Sprint(val.Real()), "+Inf", "inf", 1)))
			case val.Type() == kql.Dynamic:
				cells = append(cells, "'"+strings.ReplaceAll(kql.JSONOf(val.Dynamic()), "'", "''")+"'")
			case val.Type() == kql.String, val.Type() == kql.Guid:
				cells = append(cells, "'"+strings.ReplaceAll(val.Str(), "'", "''")+"'")
			case val.Type() == kql.Bool:
				cells = append(cells, fmt.Sprint(val.Bool()))
			case val.Int() == math.MinInt64:
				cells = append(cells, "(-9223372036854775807 - 1)")
			default:
				cells = append(cells, fmt.Sprint(val.Int()))
			}
		}
		all = append(all, "("+strings.Join(cells, ", ")+")")
	}
	db.exec(`INSERT INTO "Stored" VALUES ` + strings.Join(all, ", "))
	return scan
}

// query runs a statement.
func query(t *testing.T, db *engine, st *sqlgen.Statement) [][]kql.Value {
	t.Helper()
	rows, err := db.run(st)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
