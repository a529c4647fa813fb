package kql

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The cases of testdata/scalar are lines "expression => text", where text is
// what tostring() gives, null for a null. An expression that is no constant of
// one line's length is none for them.

// evalText computes an expression without columns. It chooses functions by name
// only: types are the business of the binder and its tests.
func evalText(src string) (v Value, err error) {
	q, err := Parse("print " + src)
	if err != nil {
		return Value{}, err
	}
	pipe, ok := q.Statements[0].(*ExprStatement).X.(*Pipe)
	if !ok || len(pipe.Ops) != 1 {
		return Value{}, fmt.Errorf("no expression")
	}
	return evalTree(pipe.Ops[0].(*PrintOp).Cols[0], nil)
}

func evalTree(e Expr, names map[string]Value) (Value, error) {
	call := func(name string, xs ...Expr) (Value, error) {
		args := make([]Value, len(xs))
		for i, x := range xs {
			if to, ok := x.(*TypeOf); ok {
				args[i] = StringOf(to.Type.Text)
				continue
			}
			var err error
			if args[i], err = evalTree(x, names); err != nil {
				return Value{}, err
			}
		}
		return callNamed(name, args)
	}
	switch e := e.(type) {
	case *Literal:
		return e.Value, nil
	case *Paren:
		return evalTree(e.X, names)
	case *Named:
		return evalTree(e.X, names)
	case *NameRef:
		if v, ok := names[e.Text]; ok {
			return v, nil
		}
		return Value{}, fmt.Errorf("no column %s", e.Text)
	case *Unary:
		return call(e.Op, e.X)
	case *Binary:
		return call(e.Op, e.X, e.Y)
	case *Between:
		if e.Not {
			return call("!between", e.X, e.Lo, e.Hi)
		}
		return call("between", e.X, e.Lo, e.Hi)
	case *CallExpr:
		return call(e.Name.Text, e.Args...)
	case *Element:
		return call("[]", e.X, e.Index)
	case *Path:
		x, err := evalTree(e.X, names)
		if err != nil {
			return Value{}, err
		}
		return callNamed("[]", []Value{x, StringOf(e.Name.Text)})
	}
	return Value{}, fmt.Errorf("%T is not computed here", e)
}

func callNamed(name string, args []Value) (Value, error) {
	f := LookupFunc(name)
	if f == nil || f.Eval == nil {
		return Value{}, fmt.Errorf("no function %s", name)
	}
	eval := f.Eval
	if f.Prepare != nil {
		consts := make([]*Value, len(args))
		for i := range args {
			consts[i] = &args[i]
		}
		prepared, err := f.Prepare(consts)
		if err != nil {
			return Value{}, err
		}
		if prepared != nil {
			eval = prepared
		}
	}
	types := make([]Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
		if f.NullIn && a.IsNull() && a.Type() != Dynamic {
			for _, s := range f.Sigs {
				if s.Result != nil {
					return Null(s.Result(types[:i+1])), nil
				}
			}
			return Null(Unknown), nil
		}
	}
	return eval(args), nil
}

func TestScalarFunctions(t *testing.T) {
	files, err := filepath.Glob("testdata/scalar/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("testdata/scalar holds no cases")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			lines := bufio.NewScanner(f)
			for n := 1; lines.Scan(); n++ {
				line := strings.TrimSpace(lines.Text())
				if line == "" || strings.HasPrefix(line, "//") {
					continue
				}
				at := strings.LastIndex(line, " =>")
				if at < 0 {
					t.Fatalf("%s:%d: no =>", file, n)
				}
				src, want := line[:at], strings.TrimSpace(line[at+3:])
				v, err := evalText(src)
				got := TextOf(v)
				switch {
				case err != nil:
					got = "error: " + err.Error()
				case v.IsNull():
					got = "null"
				}
				if got != want {
					t.Errorf("%s:%d: %s is %s, want %s", file, n, src, got, want)
				}
			}
		})
	}
}
