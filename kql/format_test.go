package kql

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// sameTree compares two trees but for spans and for how strings were quoted. It
// gives the path to the first difference.
func sameTree(a, b reflect.Value, path string) string {
	switch {
	case a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type():
		return fmt.Sprintf("%s: %v and %v", path, a, b)
	case !a.IsValid():
		return ""
	}
	switch a.Interface().(type) {
	case Span:
		return ""
	case Value:
		x, y := a.Interface().(Value), b.Interface().(Value)
		if x.Type() != y.Type() || x.IsNull() != y.IsNull() || TextOf(x) != TextOf(y) {
			return fmt.Sprintf("%s: %s and %s", path, TextOf(x), TextOf(y))
		}
		return ""
	case Literal:
		x, y := a.Interface().(Literal), b.Interface().(Literal)
		if x.Value.Type() != String && strings.TrimSpace(x.Text) != strings.TrimSpace(y.Text) {
			return fmt.Sprintf("%s: %q and %q", path, x.Text, y.Text)
		}
		return sameTree(reflect.ValueOf(x.Value), reflect.ValueOf(y.Value), path)
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() != b.IsNil() {
			return fmt.Sprintf("%s: %v and %v", path, a, b)
		}
		if a.IsNil() {
			return ""
		}
		return sameTree(a.Elem(), b.Elem(), path)
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d and %d", path, a.Len(), b.Len())
		}
		for i := range a.Len() {
			if d := sameTree(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			name := a.Type().Field(i).Name
			if name == "Source" && a.Type() == reflect.TypeFor[Query]() {
				continue
			}
			if name == "OpSpan" {
				continue
			}
			if d := sameTree(a.Field(i), b.Field(i), path+"."+name); d != "" {
				return d
			}
		}
	default:
		if a.Interface() != b.Interface() {
			return fmt.Sprintf("%s: %v and %v", path, a, b)
		}
	}
	return ""
}

// roundTrip prints a tree and compares what is read from the text with it.
func roundTrip(q *Query) string {
	text := Format(q)
	again, err := Parse(text)
	if d := syntaxError(err); d != nil {
		return fmt.Sprintf("the printed text is not accepted: %v\n%s", err, text)
	}
	if d := sameTree(reflect.ValueOf(q), reflect.ValueOf(again), ""); d != "" {
		return fmt.Sprintf("the printed text is another tree: %s\n%s", d, text)
	}
	if twice := Format(again); twice != text {
		return fmt.Sprintf("printed twice it differs:\n%s\n%s", text, twice)
	}
	return ""
}

func TestFormatRecorded(t *testing.T) {
	for _, c := range recordedQueries(t) {
		q, err := Parse(c.query)
		if err != nil {
			continue
		}
		if d := roundTrip(q); d != "" {
			t.Errorf("%s: %s\n%s", c.name, d, c.query)
		}
	}
}
