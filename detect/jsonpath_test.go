package detect

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func jsonAt(text, path string) []string {
	s := NewScratch()
	v := &fieldValue{}
	s.jsonValues(text, strings.Split(path, "."), v)
	var out []string
	for _, x := range v.raw {
		out = append(out, strings.Clone(x))
	}
	return out
}

func TestJSONValues(t *testing.T) {
	for _, c := range []struct {
		text, path string
		want       []string
	}{
		{`{"A": "x"}`, "a", []string{"x"}},
		{`{"a":{"b":{"c":5}}}`, "a.b.c", []string{"5"}},
		{`{"a":{"b":true}}`, "a.c", nil},
		{`{"a":null}`, "a", nil},
		{`{"a":"\u00e4\n\"\\\ud83d\ude00"}`, "a", []string{"ä\n\"\\😀"}},
		{`{"a":[1,"two",{"b":3}]}`, "a", []string{"1", "two", `{"b":3}`}},
		{`{"a":[{"b":1},{"c":0},{"b":2}]}`, "a.b", []string{"1", "2"}},
		{`{"p":[{"Name":"ForwardTo","Value":"x@y"},{"Name":"Other","Value":"z"}]}`, "p.forwardto", []string{"x@y"}},
		{`{"p":[{"Value":"z","Name":"other"}]}`, "p.other", []string{"z"}},
		{`{"a.b":"dotted"}`, "a.b", []string{"dotted"}},
		{`{"skip":{"a":"no"},"a":"yes"}`, "a", []string{"yes"}},
		{` [ {"a" : 1 } , {"a":2} ] `, "a", []string{"1", "2"}},
		{``, "a", nil},
		{`{"a":`, "a", nil},
		{`{"a":"x`, "a", nil},
		{`not json`, "a", nil},
		{`"text"`, "a", nil},
		{strings.Repeat("[", 1000), "a", nil},
	} {
		if got := jsonAt(c.text, c.path); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s at %s: %q, want %q", c.text, c.path, got, c.want)
		}
	}
}

// FuzzJSONValues: any text ends; a plain member of a real object is found.
func FuzzJSONValues(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":"x\u0041"}}`, `[{"name":"a","value":[1]}]`, `{"a":"\ud800"}`, `{"a" 1}`, `[[[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := jsonAt(text, "a")
		jsonAt(text, "a.b.c")
		var m map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &m) != nil || len(m) != 1 {
			return
		}
		raw, ok := m["a"]
		var want string
		if !ok || len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &want) != nil || strings.Contains(text, `\ud`) || strings.Contains(text, `\uD`) || strings.ToValidUTF8(text, "") != text {
			return
		}
		if strings.Count(text, `"a"`) == 1 && (len(got) != 1 || got[0] != want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	})
}
