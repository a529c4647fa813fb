package kql

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{`\d+`, "ＡＢ１２", "１２"},
		{`[\d]+`, "ＡＢ12", "12"},
		{`\bпривет\b`, "ой привет!", "привет"},
		{`\b{start}foo\>`, "xfoo foo", "foo"},
		{`\b{start-half}-\d`, "a-1 -2", "-2"},
		{`\d-\b{end-half}`, "1-a 2- ", "2-"},
		{`\<\w+\b{end}`, " über.", "über"},
		{`(?-u:\b)é`, "aé", "é"},
		{`(?i)[^a]`, "Aab", "b"},
		{`(?i)\p{Lu}+`, "1aB", "aB"},
		{`[a-z&&[^aeiou]]+`, "aeixyz", "xyz"},
		{`[0-9--4]+`, "4123", "123"},
		{`[a-g~~b-h]+`, "bcdahb", "ah"},
		{`[x[^xyz]]+`, "yzxab", "xab"},
		{`[[:^alpha:]]+`, "ab12", "12"},
		{`[]a]+`, "b]a]", "]a]"},
		{`[^]a]`, "]ab", "b"},
		{`[a\-z]+`, "b-az", "-az"},
		{`[\w-]+`, "!a-b", "a-b"},
		{`[\w.-]+@[\w-]+`, "to: a.b-c@d-e.f", "a.b-c@d-e"},
		{`[[a]`, "[", "["},
		{`[\[\]]+`, "a[]", "[]"},
		{`[a&&b]|c`, "abc", "c"},
		{`a**`, "baaa", ""},
		{`(?:ab)+{2}`, "ababab", "ababab"},
		{`a{2`, "a{2", "a{2"},
		{"(?x) a b # c\n c [ d e ]", "abcd", "abcd"},
		{`(?x)a\ b`, "a b", "a b"},
		{`(?i)straße`, "xSTRASSE STRAẞE", "STRAẞE"},
		{`(?m)^b$`, "a\nb\nc", "b"},
		{`^b`, "a\nb", "none"},
		{`(?s)a.b`, "a\nb", "a\nb"},
		{`(?R)a.+`, "ab\r\nc", "ab"},
		{`(?U)a+`, "aaa", "a"},
		{`\w+`, "¿é\u0301ção", "é\u0301ção"},
		{`(a|ab)(c|bcd)(d*)`, "abcd", "abcd"},
		{`\u0041\x{42}\103\U00000044`, "ABCD", "ABCD"},
		{`\p{Greek}+`, "aβγ", "βγ"},
		{`\pL+\PL`, "1ab2", "ab2"},
		{`\p{Letter}\p{script=Latn}\p{gc=Nd}`, "aa1", "aa1"},
		{`[\p{Greek}&&\pL]+`, "aβ", "β"},
		{`\Q.*\E+`, "a.**", ".**"},
		{`(?P<a>x)(?<b>y)`, "xy", "xy"},
		{`\s`, "a\u00a0b", "\u00a0"},
		{`a\.b\/c\-d\"e`, `a.b/c-d"e`, `a.b/c-d"e`},
		{`é+$`, "cafééé", "ééé"},
		{`x*`, "", ""},
	} {
		p, err := compilePattern(c.pattern, "")
		if err != nil {
			t.Error(err)
			continue
		}
		got := "none"
		if m := p.first(c.text); m != nil {
			got = group(c.text, m, 0)
		}
		if got != c.want {
			t.Errorf("%q in %q: %q, not %q", c.pattern, c.text, got, c.want)
		}
		if p.match([]byte(c.text)) != (c.want != "none") {
			t.Errorf("%q in %q: match and first differ", c.pattern, c.text)
		}
	}
}

func TestPatternMistakes(t *testing.T) {
	for pattern, want := range map[string]string{
		"(":                               "not closed",
		")":                               "closes nothing",
		"[a":                              "not closed",
		"*":                               "nothing to repeat",
		"a|*":                             "nothing to repeat",
		`\`:                               "backslash",
		`\y`:                              "no escape",
		`(?=a)`:                           "look-around",
		`(?<!a)b`:                         "look-around",
		`(?z)`:                            "no flag",
		`\p{Nothing}`:                     "no class of characters",
		`[z-a]`:                           "backwards",
		`\x{110000}`:                      "no number",
		`(?<1a>x)`:                        "no name",
		`a{1001}`:                         "invalid repeat count",
		`((a{100}){100}){100}`:            "repeat",
		strings.Repeat("a", maxPattern+1): "longer",
	} {
		_, err := compilePattern(pattern, "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", pattern, err)
		}
	}
}

func TestPatternFlags(t *testing.T) {
	p, err := compilePattern("a+B", "iU")
	if err != nil {
		t.Fatal(err)
	}
	if m := p.first("xAAB"); !slices.Equal(m, []int{1, 4}) {
		t.Error(m)
	}
	if _, err := compilePattern("a", "q"); err == nil {
		t.Error("the flag q was accepted")
	}
}

func TestPatternAll(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{`a*`, "baac", "[][aa][]"},
		{`\bа*`, "баа ааб", "[][][аа][]"},
		{`\d`, "１2", "[１][2]"},
		{`\B`, "ёж", "[]"},
		{`\b`, "ёж", "[][]"},
		{`b`, "aaa", ""},
	} {
		p, err := compilePattern(c.pattern, "")
		if err != nil {
			t.Error(err)
			continue
		}
		var got strings.Builder
		for _, m := range p.all(c.text, -1) {
			fmt.Fprintf(&got, "[%s]", group(c.text, m, 0))
		}
		if got.String() != c.want {
			t.Errorf("%q in %q: %s, not %s", c.pattern, c.text, got.String(), c.want)
		}
	}
}

// randomPattern writes a pattern that package regexp reads the same way.
func randomPattern(rnd *rand.Rand, depth int) string {
	atoms := []string{"a", "b", "ab", ".", "[ab]", "[^a]", `\d`, `\w`, `\s`, "^", "$", `\b`, `\B`, "c", "(?i)B", "ba"}
	switch n := rnd.IntN(8); {
	case depth == 0 || n < 3:
		return atoms[rnd.IntN(len(atoms))]
	case n < 5:
		return randomPattern(rnd, depth-1) + randomPattern(rnd, depth-1)
	case n == 5:
		return "(" + randomPattern(rnd, depth-1) + "|" + randomPattern(rnd, depth-1) + ")"
	case n == 6:
		return "(?:" + randomPattern(rnd, depth-1) + ")" + []string{"*", "+", "?", "*?", "{2}", "{1,3}"}[rnd.IntN(6)]
	}
	return "(" + randomPattern(rnd, depth-1) + ")"
}

// On ASCII all engines must say the same.
func TestPatternEngines(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	letters := []rune("abAB c1\n")
	for range 4000 {
		src := randomPattern(rnd, 4)
		p, err := compilePattern(src, "")
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		re := regexp.MustCompile(src)
		for range 12 {
			text := randomText(rnd, letters, 12)
			want := re.FindStringSubmatchIndex(text)
			for name, g := range map[string]*program{"ascii": p.narrow, "unicode": p.wide()} {
				if got := g.match([]byte(text)); got != (want != nil) {
					t.Fatalf("%q in %q: %s says %v", src, text, name, got)
				}
				if got := g.vm.find(text, 0); !slices.Equal(got, want) {
					t.Fatalf("%q in %q: the %s machine finds %v, not %v", src, text, name, got, want)
				}
			}
		}
	}
}

// An automaton whose states are too many must give way to the other engines.
func TestPatternGivesUp(t *testing.T) {
	p, err := compilePattern(`(x|y)*x(x|y){14}z`, "")
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 40 {
		text := randomText(rnd, []rune("xy"), 3000)
		if p.match([]byte(text)) {
			t.Fatal("a text without z matches")
		}
	}
	if !p.narrow.dfa.off.Load() {
		t.Error("the automaton never gave up")
	}
	if !p.match([]byte("yxxyyxyxyxyxyxyxz")) {
		t.Error("no match after giving up")
	}
}

func FuzzPattern(f *testing.F) {
	f.Add(`(?i)a[b-d&&c]+\b`, "xACc")
	f.Add(`\b{start}é|(?x) a # b`, "é a")
	f.Add(`(?m)^\s*$|\p{Greek}{2,}?`, "\n\nαβ")
	f.Fuzz(func(t *testing.T, src, text string) {
		if len(src) > 200 || len(text) > 200 || !utf8.ValidString(text) {
			return
		}
		p, err := compilePattern(src, "")
		if err != nil {
			return
		}
		matched := p.match([]byte(text))
		m := p.first(text)
		if matched != (m != nil) {
			t.Fatalf("match says %v, first %v", matched, m)
		}
		if m != nil && len(m) != 2*len(p.groups) {
			t.Fatalf("%d bounds for %d groups", len(m), len(p.groups))
		}
		g := p.program([]byte(text))
		if vm := g.vm.find(text, 0); (vm != nil) != matched {
			t.Fatalf("the machine says %v, the automaton %v", vm, matched)
		}
		p.all(text, 10)
	})
}
