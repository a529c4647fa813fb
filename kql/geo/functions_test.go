package geo

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
)

var update = flag.Bool("update", false, "write the results of testdata/functions.txt")

// plain is a value as encoding/json has it.
func plain(d kql.Dyn) any {
	switch x := d.(type) {
	case *kql.Bag:
		m := make(map[string]any)
		for _, k := range x.Keys {
			m[k] = plain(x.Values[k])
		}
		return m
	case []kql.Dyn:
		list := make([]any, len(x))
		for i, y := range x {
			list[i] = plain(y)
		}
		return list
	case int64:
		return float64(x)
	}
	return d
}

func plainValue(v kql.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Type() == kql.Dynamic:
		return plain(v.Dynamic())
	case v.Type() == kql.String:
		return v.Str()
	case v.Type() == kql.Bool:
		return v.Bool()
	}
	return v.Float()
}

// alike compares numbers to one part in a thousand million.
func alike(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && math.Abs(x-y) <= 1e-9*max(1, math.Abs(x))
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !alike(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if !alike(x[k], y[k]) {
				return false
			}
		}
		return true
	}
	return a == b
}

// Each line of testdata/functions.txt is a shape with a name, or a function, its
// arguments as a JSON array, and its result as JSON. "@name" is the shape of
// that name. A function with Prepare must give the same when it is prepared.
func TestFunctions(t *testing.T) {
	const path = "testdata/functions.txt"
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	shapes := make(map[string]any)
	var named func(v any) any
	named = func(v any) any {
		switch x := v.(type) {
		case string:
			if shape, ok := shapes[strings.TrimPrefix(x, "@")]; ok && x[0] == '@' {
				return shape
			}
		case []any:
			for i := range x {
				x[i] = named(x[i])
			}
		}
		return v
	}
	tested := make(map[string]bool)
	for line := range strings.Lines(string(file)) {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			out.WriteString(line)
			continue
		}
		if name, shape, ok := strings.Cut(text, " = "); ok {
			var v any
			if err := json.Unmarshal([]byte(shape), &v); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			shapes[name] = v
			out.WriteString(line)
			continue
		}
		call, want, _ := strings.Cut(text, " => ")
		name, rest, _ := strings.Cut(call, " ")
		f := kql.LookupFunc(name)
		if f == nil {
			t.Fatalf("no function %s", name)
		}
		tested[name] = true
		var list []any
		if err := json.Unmarshal([]byte(rest), &list); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		args := make([]kql.Value, len(list))
		consts := make([]*kql.Value, len(list))
		for i, x := range list {
			x = named(x)
			switch y := x.(type) {
			case float64:
				args[i] = kql.RealOf(y)
			case string:
				args[i] = kql.StringOf(y)
			case bool:
				args[i] = kql.BoolOf(y)
			default:
				args[i] = kql.DynamicOf(dynFrom(x))
			}
			consts[i] = &args[i]
			if !f.Sigs[0].Params[i].Types.Has(args[i].Type()) {
				t.Errorf("%s: argument %d is not of a type that it takes", call, i+1)
			}
		}
		result := f.Eval(args)
		if result.Type() != f.Sigs[0].Result(nil) {
			t.Errorf("%s is a %v", call, result.Type())
		}
		got := plainValue(result)
		if f.Prepare != nil {
			eval, err := f.Prepare(consts)
			if err != nil || !alike(got, plainValue(eval(args))) {
				t.Errorf("%s: another result when it is prepared (%v)", call, err)
			}
		}
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(call + " => " + string(encoded) + "\n")
		if *update {
			continue
		}
		var wanted any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !alike(wanted, got) {
			t.Errorf("%s:\n got %s\nwant %s", call, encoded, want)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range functions() {
		if !tested[f.Name] && f.Name != "geo_info_from_ip_address" {
			t.Errorf("%s is not in %s", f.Name, path)
		}
	}
}
