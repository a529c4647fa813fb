package kql

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// The cases of aggregates and series functions are lines of text:
//
//	name types rows => result       an aggregate; =v is a constant argument
//	name args => result             a function
//
// with rows, args and results in JSON. Lines that start with # are remarks.
func caseLines(t *testing.T, file string) (lines []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		t.Fatalf("%s holds no case", file)
	}
	return lines
}

func testDyn(t *testing.T, text string) Dyn {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var conv func(v any) Dyn
	conv = func(v any) Dyn {
		switch x := v.(type) {
		case json.Number:
			if n, err := x.Int64(); err == nil {
				return n
			}
			f, _ := x.Float64()
			return f
		case []any:
			out := make([]Dyn, len(x))
			for i := range x {
				out[i] = conv(x[i])
			}
			return out
		case map[string]any:
			b := NewBag()
			for k := range x {
				b.Set(k, conv(x[k]))
			}
			return b
		}
		return v
	}
	return conv(v)
}

func testValue(t *testing.T, typ Type, d Dyn) Value {
	t.Helper()
	if d == nil {
		return Null(typ)
	}
	switch typ {
	case Bool:
		return BoolOf(d.(bool))
	case Int:
		return IntOf(d.(int64))
	case Long:
		return LongOf(d.(int64))
	case Real:
		if d == "nan" {
			return RealOf(math.NaN())
		}
		return RealOf(floatOf(d))
	case Decimal:
		return DecimalOf(d.(string))
	case String:
		return StringOf(d.(string))
	case DateTime:
		return DateTimeOf(d.(int64))
	case TimeSpan:
		return TimeSpanOf(d.(int64))
	case Guid:
		return GuidOf(d.(string))
	}
	return DynamicOf(d)
}

// plainDyn is a value as the files have it.
func plainDyn(v Value) Dyn {
	if v.IsNull() {
		return nil
	}
	switch v.Type() {
	case Bool:
		return v.Bool()
	case Real:
		return v.Real()
	case String, Guid, Decimal:
		return v.Str()
	case Dynamic:
		return v.Dynamic()
	}
	return v.Int()
}

// near compares numbers at six digits; kinds of numbers must agree.
func near(a, b Dyn) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		if !ok {
			return b == "nan" && x != x || b == "inf" && math.IsInf(x, 1)
		}
		return math.Abs(x-y) <= 1e-6*math.Max(1, math.Abs(y))
	case []Dyn:
		y, ok := b.([]Dyn)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !near(x[i], y[i]) {
				return false
			}
		}
		return true
	case *Bag:
		y, ok := b.(*Bag)
		if !ok || len(x.Keys) != len(y.Keys) {
			return false
		}
		for _, k := range x.Keys {
			if v, there := y.Get(k); !there || !near(x.Values[k], v) {
				return false
			}
		}
		return true
	}
	return a == b
}

func showDyn(d Dyn) string {
	switch x := d.(type) {
	case []Dyn:
		parts := make([]string, len(x))
		for i := range x {
			parts[i] = showDyn(x[i])
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *Bag:
		parts := make([]string, len(x.Keys))
		for i, k := range x.Keys {
			parts[i] = fmt.Sprintf("%q:%s", k, showDyn(x.Values[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case float64:
		if s := fmt.Sprint(x); !strings.ContainsAny(s, ".eNI") {
			return s + ".0"
		}
	case string:
		return fmt.Sprintf("%q", x)
	case nil:
		return "null"
	}
	return fmt.Sprint(d)
}

func TestAggregates(t *testing.T) {
	for _, line := range caseLines(t, "testdata/series/aggregates.txt") {
		left, want, ok := strings.Cut(line, " => ")
		parts := strings.SplitN(left, " ", 3)
		if !ok || len(parts) != 3 {
			t.Fatalf("bad case %s", line)
		}
		agg := LookupAggregate(parts[0])
		if agg == nil {
			t.Errorf("no aggregate %s", parts[0])
			continue
		}
		var types []Type
		var consts []*Value
		for _, p := range strings.Split(parts[1], ",") {
			if p == "-" {
				break
			}
			if c, isConst := strings.CutPrefix(p, "="); isConst {
				d := testDyn(t, strings.ReplaceAll(c, ";", ","))
				v := DynamicOf(d)
				switch d := d.(type) {
				case int64:
					v = LongOf(d)
				case float64:
					v = RealOf(d)
				}
				types, consts = append(types, v.Type()), append(consts, &v)
				continue
			}
			typ, ok := ParseType(p)
			if !ok {
				t.Fatalf("bad type in %s", line)
			}
			types, consts = append(types, typ), append(consts, nil)
		}
		acc := agg.New(types, consts)
		for _, row := range testDyn(t, parts[2]).([]Dyn) {
			var args []Value
			cells, _ := row.([]Dyn)
			at := 0
			for i, typ := range types {
				if consts[i] != nil {
					args = append(args, *consts[i])
					continue
				}
				args = append(args, testValue(t, typ, cells[at]))
				at++
			}
			acc.Add(args)
		}
		got := plainDyn(acc.Result())
		if m, ok := acc.(MultiAccumulator); ok && strings.HasPrefix(want, "(") {
			var all []Dyn
			for _, v := range m.Results() {
				all = append(all, plainDyn(v))
			}
			got, want = all, "["+strings.Trim(want, "()")+"]"
		}
		if !near(got, testDyn(t, want)) {
			t.Errorf("%s\n got %s", line, showDyn(got))
		}
	}
}

func TestSeriesFunctions(t *testing.T) {
	for _, line := range caseLines(t, "testdata/series/functions.txt") {
		left, want, ok := strings.Cut(line, " => ")
		name, args, ok2 := strings.Cut(left, " ")
		if !ok || !ok2 {
			t.Fatalf("bad case %s", line)
		}
		f := LookupFunc(name)
		if f == nil {
			t.Errorf("no function %s", name)
			continue
		}
		var values []Value
		for _, d := range testDyn(t, args).([]Dyn) {
			switch x := d.(type) {
			case nil:
				values = append(values, Null(Real))
			case bool:
				values = append(values, BoolOf(x))
			case int64:
				values = append(values, LongOf(x))
			case float64:
				values = append(values, RealOf(x))
			case string:
				values = append(values, StringOf(x))
			default:
				values = append(values, DynamicOf(d))
			}
		}
		if got := plainDyn(f.Eval(values)); !near(got, testDyn(t, want)) {
			t.Errorf("%s\n got %s", line, showDyn(got))
		}
	}
}

// Estimates must stay within a few of the errors that the precision promises.
func TestSketches(t *testing.T) {
	n := 200_000
	d, h := newDistinct(nil, nil), newHLL(nil, nil)
	half := newHLL(nil, nil)
	td := newTDigest([]Type{Long}, nil)
	for i := range n {
		row := []Value{LongOf(int64(i) * 7)}
		d.Add(row)
		h.Add(row)
		if i >= n/2 {
			half.Add([]Value{LongOf(int64(i+n/2) * 7)})
		}
		td.Add([]Value{LongOf(int64(i))})
	}
	within := func(what string, got, want, part float64) {
		t.Helper()
		if math.Abs(got-want) > part*want {
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	within("dcount", float64(d.Result().Int()), float64(n), 0.03)
	within("hll", float64(hllOfState(h.Result().Dynamic()).estimate()), float64(n), 0.03)
	merged := mergeStates(new(hllMerge), []Value{h.Result(), half.Result()})
	within("hll_merge", float64(hllOfState(merged.Dynamic()).estimate()), float64(n)*1.5, 0.03)
	low := newHyperLogLog(12)
	low.merge(hllOfState(h.Result().Dynamic()))
	within("merge of another precision", float64(low.estimate()), float64(n), 0.06)
	digest, typ := digestOfState(td.Result().Dynamic())
	if typ != Long || len(digest.done) > 4*centroids {
		t.Errorf("a digest of %d centroids of %s", len(digest.done), typ)
	}
	for _, q := range []float64{0.001, 0.01, 0.25, 0.5, 0.9, 0.999} {
		within(fmt.Sprint("quantile ", q), digest.quantile(q), q*float64(n), 0.01)
		within(fmt.Sprint("rank ", q), digest.rank(q*float64(n)), q*float64(n), 0.01)
	}
}

// A state that was tampered with is no state.
func TestSketchStatesAreChecked(t *testing.T) {
	for _, text := range []string{`null`, `[]`, `["hll",99,[]]`, `["hll",14,"AAAA"]`, `["hll",14,["x"]]`, `["hll",14]`,
		`["tdigest","long",[1],[]]`, `["tdigest","long",["x"],[1.0]]`, `["tdigest","long",[1.0],[0.0]]`, `[[1024,14],[1]]`} {
		d := testDyn(t, text)
		if hllOfState(d) != nil {
			t.Errorf("%s is taken as an hll", text)
		}
		if td, _ := digestOfState(d); td != nil {
			t.Errorf("%s is taken as a tdigest", text)
		}
	}
}
