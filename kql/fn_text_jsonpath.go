package kql

import (
	"strconv"
	"strings"
)

// maxJSONPath bounds a path of extract_json, in bytes.
const maxJSONPath = 4096

// readJSONPath takes $.a['b'][0] apart: keys are strings, indexes int64.
func readJSONPath(path string) (steps []Dyn, ok bool) {
	path, ok = strings.CutPrefix(strings.TrimSpace(path), "$")
	if !ok || len(path) > maxJSONPath {
		return nil, false
	}
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
			n := strings.IndexAny(path, ".[")
			if n < 0 {
				n = len(path)
			}
			if n == 0 {
				return nil, false
			}
			steps, path = append(steps, path[:n]), path[n:]
		case '[':
			path = strings.TrimLeft(path[1:], " ")
			if path == "" {
				return nil, false
			}
			if q := path[0]; q == '\'' || q == '"' {
				n := strings.IndexByte(path[1:], q)
				if n < 0 {
					return nil, false
				}
				steps, path = append(steps, path[1:n+1]), path[n+2:]
			} else {
				n := strings.IndexByte(path, ']')
				if n < 0 {
					return nil, false
				}
				i, err := strconv.ParseInt(strings.TrimSpace(path[:n]), 10, 32)
				if err != nil {
					return nil, false
				}
				steps, path = append(steps, i), path[n:]
			}
			path = strings.TrimLeft(path, " ")
			if path, ok = strings.CutPrefix(path, "]"); !ok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return steps, true
}

// followJSONPath is what a path leads to; nil when there is nothing.
func followJSONPath(d Dyn, steps []Dyn) Dyn {
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			d = dynElement(d, StringOf(s))
		case int64:
			d = dynElement(d, LongOf(s))
		}
		if d == nil {
			return nil
		}
	}
	return d
}

func init() {
	for _, name := range []string{"extract_json", "extractjson"} {
		Register(extractJSON(name, name == "extractjson"))
	}
}

func extractJSON(name string, hidden bool) Func {
	path, source := P("jsonPath", onlyString), P("dataSource", onlyString|onlyDynamic)
	f := Func{Name: name, Hidden: hidden, Doc: "The element of a JSON text that a path such as $.a[0].b leads to.",
		Sigs: []Sig{
			Of(String, path, source),
			{Params: []Param{path, source, P("typeLiteral", onlyString)}, Result: Always(String), TypeArg: 3},
		}}
	get := func(steps []Dyn, ok bool, t Type, v Value) Value {
		var d Dyn
		if ok {
			if v.Type() == Dynamic {
				d = v.Dynamic()
			} else {
				d, _ = ParseJSON(v.Str())
			}
			d = followJSONPath(d, steps)
		}
		return convertTo(t, DynamicOf(d))
	}
	typeOf := func(name string) Type {
		if t, ok := ParseType(name); ok {
			return t
		}
		return String
	}
	f.Eval = func(args []Value) Value {
		steps, ok := readJSONPath(TextOf(args[0]))
		t := String
		if len(args) > 2 {
			t = typeOf(args[2].Str())
		}
		return get(steps, ok, t, args[1])
	}
	f.Prepare = func(consts []*Value) (func([]Value) Value, error) {
		if len(consts) == 0 || consts[0] == nil {
			return nil, nil
		}
		t := String
		if len(consts) > 2 && consts[2] != nil {
			t = typeOf(consts[2].Str())
		}
		steps, ok := readJSONPath(TextOf(*consts[0]))
		return func(args []Value) Value { return get(steps, ok, t, args[1]) }, nil
	}
	return f
}
