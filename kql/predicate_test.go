package kql

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestTextPredicate(t *testing.T) {
	for _, c := range []struct {
		op       string
		patterns string // separated by |
		yes, no  []string
	}{
		{"has", "hello", []string{"hello world", "hello-world", "HELLO", "a hello b", "x_hello"}, []string{"helloworld", "hi.world", "", "hellö"}},
		{"has", "", []string{"", "x"}, nil},
		{"has", "2.3", []string{"v1.2.3", "2.3", "1 2.3_"}, []string{"1_2_3", "12.3", "2.34"}},
		{"has", " ", []string{"a b", " "}, []string{"ab", "a\tb", "a\u200bb"}},
		{"has", "привет", []string{"Привет Мир", "МИР ПРИВЕТ", "(привет)"}, []string{"ПриветМир", "privet"}},
		{"has", "café", []string{"café résumé", "CAFÉ RÉSUMÉ"}, []string{"cafe resume", "cafés", "cafe\u0301"}},
		{"has", "\\temp\\", []string{`c:\temp\x`, `\TEMP\`}, []string{`c:\temps\x`}},
		{"has", ".exe", []string{"a.exe", ".EXE b"}, []string{"a.exes", "exe"}},
		{"has", "e", []string{"é e", "E"}, []string{"é", "éeé", "ée"}},
		{":", "bar", []string{"foo bar baz"}, []string{"foobar"}},
		{"!has", "hello", []string{"helloworld"}, []string{"hello", "HELLO you"}},
		{"has_cs", "hello", []string{"hello world"}, []string{"HELLO", "helloworld"}},
		{"hasprefix", "cat", []string{"cat", "category", "a CATS"}, []string{"scatter", "bobcat"}},
		{"hasprefix", "foo.b", []string{"x foo.bar"}, []string{"xfoo.bar"}},
		{"hassuffix", "a", []string{"alpha", "Beta x", "a"}, []string{"café", "ab"}},
		{"!hassuffix_cs", "A", []string{"alpha"}, []string{"ALPHA"}},
		{"contains", "%", []string{"100%done"}, []string{"plain"}},
		{"contains", "RUNDLL32", []string{`c:\windows\rundll32.exe`, "RunDLL32"}, []string{"rundll31", "rundl"}},
		{"contains", "straße", []string{"STRAßE 1", "Straße"}, []string{"STRASSE", "STRAẞE"}},
		{"contains", "k", []string{"K"}, []string{"\u212a"}},
		{"contains", "ſ", []string{"ſ"}, []string{"s", "S"}},
		{"contains_cs", "Ab", []string{"xAb"}, []string{"xab"}},
		{"!contains", "", nil, []string{"", "a"}},
		{"startswith", "МИР", []string{"мир да"}, []string{"да мир", "ми"}},
		{"startswith_cs", "pat", []string{"pattern"}, []string{"Pattern", "pa"}},
		{"endswith", ".EXE", []string{"a.exe"}, []string{"a.exe ", "exe"}},
		{"endswith", "É", []string{"café"}, []string{"cafe", ""}},
		{"!endswith_cs", "x", []string{"X"}, []string{"x"}},
		{"==", "a", []string{"a"}, []string{"A", "aa"}},
		{"!=", "a", []string{"A", ""}, []string{"a"}},
		{"=~", "café", []string{"CAFÉ"}, []string{"cafe\u0301", "cafe", "caféx"}},
		{"=~", "full", []string{"FULL"}, []string{"Ｆull", "ful"}},
		{"!~", "İ", []string{"i", "ı"}, []string{"İ"}},
		{"in", "a|b", []string{"a", "b"}, []string{"A", "", "ab"}},
		{"!in", "a|b", []string{"A", ""}, []string{"a"}},
		{"in~", "müller|mueller|", []string{"MÜLLER", "Mueller", ""}, []string{"muller"}},
		{"!in~", "a", []string{"b"}, []string{"A"}},
		{"has_any", "south|north", []string{"NORTH CAROLINA", "x south"}, []string{"southern", ""}},
		{"has_any", "", []string{"", "x"}, nil},
		{"has_all", "b|a", []string{"a b", "B-A"}, []string{"ab", "a"}},
		{"matches regex", `[a-z][0-9]`, []string{"a1", "9z9"}, []string{"abc", "Z9"}},
		{"matches regex", `^\d{1,3}(\.\d{1,3}){3}$`, []string{"10.0.0.255", "１.2.3.4"}, []string{"1.2.3", "a1.2.3.4"}},
		{"matches regex", `(?i)^(msedge|chrome|firefox)\.exe$`, []string{"Chrome.EXE"}, []string{"chrome.exe ", "xmsedge.exe"}},
		{"matches regex", "", []string{"", "a"}, nil},
		{"matches regex", `straße`, []string{"die straße"}, []string{"strasse"}},
	} {
		f, ok := TextPredicate(c.op, strings.Split(c.patterns, "|"))
		if c.op == "matches regex" {
			f, ok = TextPredicate(c.op, []string{c.patterns})
		}
		if !ok {
			t.Errorf("%s %q is no predicate", c.op, c.patterns)
			continue
		}
		for _, s := range c.yes {
			if !f([]byte(s)) {
				t.Errorf("%q %s %q is false", s, c.op, c.patterns)
			}
		}
		for _, s := range c.no {
			if f([]byte(s)) {
				t.Errorf("%q %s %q is true", s, c.op, c.patterns)
			}
		}
	}
}

func TestTextPredicateRefuses(t *testing.T) {
	for _, c := range []struct {
		op       string
		patterns []string
	}{{"+", []string{"a"}}, {"", []string{"a"}}, {"has", nil}, {"has", []string{"a", "b"}}, {"==_cs", []string{"a"}},
		{"in_cs", []string{"a"}}, {"matches regex", []string{"("}}, {"!matches", []string{"a"}}} {
		if f, ok := TextPredicate(c.op, c.patterns); ok || f != nil {
			t.Errorf("%s %q was accepted", c.op, c.patterns)
		}
	}
}

// slowPredicate says the same as TextPredicate in the plainest way.
func slowPredicate(op, text, p string) bool {
	op, exact := strings.CutSuffix(op, "_cs")
	var x, y []rune
	for _, r := range text {
		x = append(x, r)
	}
	for _, r := range p {
		y = append(y, r)
	}
	same := func(a, b []rune) bool {
		if exact {
			return slices.Equal(a, b)
		}
		return slices.EqualFunc(a, b, func(a, b rune) bool { return foldRune(a) == foldRune(b) })
	}
	term := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	switch op {
	case "=~":
		return same(x, y)
	case "startswith":
		return len(x) >= len(y) && same(x[:len(y)], y)
	case "endswith":
		return len(x) >= len(y) && same(x[len(x)-len(y):], y)
	}
	for i := 0; i+len(y) <= len(x); i++ {
		j := i + len(y)
		if !same(x[i:j], y) {
			continue
		}
		start := i == 0 || len(y) == 0 || !term(y[0]) || !term(x[i-1])
		end := j == len(x) || len(y) == 0 || !term(y[len(y)-1]) || !term(x[j])
		switch {
		case op == "contains", op == "has" && start && end, op == "hasprefix" && start, op == "hassuffix" && end:
			return true
		}
	}
	return false
}

var predicateOps = []string{"has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains",
	"contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs", "=~"}

func randomText(rnd *rand.Rand, letters []rune, most int) string {
	out := make([]rune, rnd.IntN(most+1))
	for i := range out {
		out[i] = letters[rnd.IntN(len(letters))]
	}
	return string(out)
}

func TestTextPredicateAgainstPlain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, letters := range [][]rune{[]rune("aAbB ._"), []rune("aAéÉ "), []rune("xéÉß日.-"), []rune("abcdefghij\\ ABCDEFGHIJ")} {
		for range 20000 {
			text, p := randomText(rnd, letters, 24), randomText(rnd, letters, 4)
			op := predicateOps[rnd.IntN(len(predicateOps))]
			f, ok := TextPredicate(op, []string{p})
			if !ok {
				t.Fatalf("%s %q is no predicate", op, p)
			}
			if got, want := f([]byte(text)), slowPredicate(op, text, p); got != want {
				t.Fatalf("%q %s %q is %v", text, op, p, got)
			}
		}
	}
}

func TestListPredicatesAgainstPlain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, letters := range [][]rune{[]rune("aAbB ._"), []rune("aAéÉ b")} {
		for n := range 4000 {
			text := randomText(rnd, letters, 16)
			items := make([]string, 1+rnd.IntN(1+n%30))
			for i := range items {
				items[i] = randomText(rnd, letters, 5)
			}
			count := func(test func(p string) bool) (n int) {
				for _, p := range items {
					if test(p) {
						n++
					}
				}
				return n
			}
			has := count(func(p string) bool { return slowPredicate("has", text, p) })
			for op, want := range map[string]bool{
				"has_any": has > 0,
				"has_all": has == len(items),
				"in":      slices.Contains(items, text),
				"in~":     count(func(p string) bool { return slowPredicate("=~", text, p) }) > 0,
			} {
				f, _ := TextPredicate(op, items)
				if got := f([]byte(text)); got != want {
					t.Fatalf("%q %s %q is %v", text, op, items, got)
				}
			}
		}
	}
}

// No character outside ASCII may fold to one inside: finders rely on it.
func TestFoldKeepsASCIIApart(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if foldRune(r) < 0x80 {
			t.Errorf("%q folds to %q", r, foldRune(r))
		}
	}
}

func TestPredicatesAllocateNothing(t *testing.T) {
	text := []byte(commandLines[3])
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprintf("tool%d.exe", i)
	}
	for op, patterns := range map[string][]string{
		"has": {"mimikatz"}, "contains": {"PROCESS"}, "=~": {"cmd.exe"}, "has_any": many, "has_all": {"process", "nothing"},
		"in~": many, "in": many, "matches regex": {`(?i)process\s+\|\s+nothing[0-9]`}, "endswith": {"É"}, "startswith": {"é"},
	} {
		f, _ := TextPredicate(op, patterns)
		f(text)
		if n := testing.AllocsPerRun(10, func() { f(text) }); n != 0 {
			t.Errorf("%s allocates %v times", op, n)
		}
	}
}
