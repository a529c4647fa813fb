package kql

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// badSpan is the path to a span that is not within the source, "" when all are.
func badSpan(v reflect.Value, length int, path string) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return badSpan(v.Elem(), length, path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if d := badSpan(v.Index(i), length, fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
	case reflect.Struct:
		switch s := v.Interface().(type) {
		case Span:
			if s.Start < 0 || s.End < s.Start || s.End > length {
				return fmt.Sprintf("%s: %v", path, s)
			}
			return ""
		case Value:
			return ""
		}
		for i := range v.NumField() {
			if d := badSpan(v.Field(i), length, path+"."+v.Type().Field(i).Name); d != "" {
				return d
			}
		}
	}
	return ""
}

// FuzzParse: no text makes the parser fail, errors point into the text, and a
// text without errors is the same after it was printed.
func FuzzParse(f *testing.F) {
	for _, s := range syntaxSamples {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		q, err := Parse(src)
		if q == nil {
			t.Fatal("no tree")
		}
		if d := badSpan(reflect.ValueOf(q), len(src), ""); d != "" {
			t.Fatalf("a span outside of the text: %s", d)
		}
		if err == nil {
			if d := roundTrip(q); d != "" {
				t.Fatal(d)
			}
			return
		}
		var d *Diagnostics
		if !errors.As(err, &d) || len(d.List) == 0 || d.Error() == "" {
			t.Fatalf("an error that says nothing: %v", err)
		}
		for _, e := range d.List {
			if e.Start < 0 || e.End < e.Start || e.End > len(src) && len(src) <= MaxSource || e.Line < 1 || e.Col < 1 || e.Msg == "" {
				t.Fatalf("a bad diagnostic: %+v", e)
			}
		}
		Format(q) // must not fail on what is missing
	})
}
