package kql

import (
	"strings"
	"testing"
	"time"
)

// fill repeats s up to nearly the longest source.
func fill(before, s, after string) string {
	return before + strings.Repeat(s, (MaxSource-len(before)-len(after))/len(s)) + after
}

// TestParseHostile: texts as long as may be are parsed in linear time, whatever
// they nest.
func TestParseHostile(t *testing.T) {
	for _, c := range []struct {
		name, src string
		ok        bool
		want      string // of the error
	}{
		{"a chain of or", fill("T | where a", " or a", ""), true, ""},
		{"a chain of +", fill("print 1", "+1", ""), true, ""},
		{"a chain of and and or", fill("T | where a", " or a == 1 and b", ""), true, ""},
		{"a path", fill("print a", ".b", ""), false, "more than 1000 steps"},
		{"elements", fill("print a", "[0]", ""), false, "more than 1000 steps"},
		{"calls on calls", fill("T | invoke f()", ".f()", ""), false, "more than 1000 steps"},
		{"pipes", fill("T", "|count", ""), true, ""},
		{"values", fill("datatable(a:long)[", "1,", "]"), true, ""},
		{"statements", fill("", "T;", "T"), true, ""},
		{"lets", fill("", "let a=1;", "T"), true, ""},
		{"items", fill("T | where a in (1", ",1", ")"), true, ""},
		{"strings", fill("print ", `"a" `, ""), true, ""},
		{"comments", fill("print 1", "\n//", ""), true, ""},
		{"dynamic items", fill("print dynamic([1", ",1", "])"), true, ""},
		{"parentheses", fill("print ", "(", ""), false, "nests more than"},
		{"closed parentheses", "print " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000), false, "nests more than"},
		{"calls", fill("print ", "f(", ""), false, "nests more than"},
		{"subqueries", fill("", "union (", ""), false, "nests more than"},
		{"joins", fill("T", "|join(T", ""), false, "nests more than"},
		{"in", fill("T | where a", " in (a", ""), false, "nests more than"},
		{"between", fill("T | where a", " between (a", ""), false, "nests more than"},
		{"arrays", fill("print dynamic(", "[", ""), false, "nests more than"},
		{"bags", fill("print dynamic(", `{"a":`, ""), false, "nests more than"},
		{"index", fill("print a", "[a", ""), false, "nests more than"},
		{"functions", fill("", "let f=(){", ""), false, "nests more than"},
		{"mv-apply", fill("T|", "mv-apply a on (", ""), false, "nests more than"},
		{"forks", fill("T|", "fork (", ""), false, "nests more than"},
		{"named tuples", fill("print ", "(a,", ""), false, ""},
		{"toscalar", fill("print ", "toscalar(", ""), false, "nests more than"},
		{"minus", fill("print ", "-", ""), false, ""},
		{"brackets", fill("print ", "[", ""), false, "nests more than"},
		{"dynamic", fill("print ", "dynamic(", ""), false, "nests more than"},
		{"partition", fill("T|", "partition by a {T|", ""), false, "nests more than"},
		{"bars", fill("T", "|", ""), false, ""},
		{"closers", fill("", ")", ""), false, ""},
		{"quotes", fill("print ", "'\n", ""), false, ""},
		{"escapes", fill("print '", `\q`, "'"), false, ""},
		{"no text", fill("", "\x00", ""), false, ""},
		{"open strings", fill("", "\"a\n| where ", ""), false, ""},
		{"types", fill("let f=(a:", "(a:", ""), false, ""},
		{"hyphens", fill("print a", "-a", ""), true, ""},
		{"names with =", fill("print ", "a-", "a=1"), false, ""},
		{"typeof", fill("print ", "typeof(a:", ""), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			q, err := Parse(c.src)
			// A second is a hundred times what it takes; what is quadratic takes
			// minutes.
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if (err == nil) != c.ok {
				t.Errorf("accepted %v: %.500v", err == nil, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("want %q, got %.500v", c.want, err)
			}
			if text := Format(q); c.ok && len(text) < len(c.src)/4 && c.name != "comments" {
				t.Errorf("the printed text has only %d bytes", len(text))
			}
		})
	}
}
