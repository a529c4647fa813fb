package detect

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

func ruleOf(detection string) string {
	return "title: test\nid: 1\nlogsource:\n  product: test\ndetection:\n" + detection
}

// testEngine compiles one detection; fires says whether it matches an event
// given as Name=value pairs, by the engine and, checked, by the naive matcher.
func testEngine(t testing.TB, detection string) (*Engine, *RuleSet) {
	t.Helper()
	set, rep := LoadFiles([]RuleFile{{"test.yml", []byte(ruleOf(detection))}})
	if rep.Loaded != 1 {
		t.Fatalf("%s\n%s", rep.String(), detection)
	}
	return NewEngine(set), set
}

func fires(t testing.TB, detection string, fields ...string) bool {
	t.Helper()
	e, set := testEngine(t, detection)
	ev := &tocsin.Event{Product: "test"}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		ev.Fields = append(ev.Fields, tocsin.Field{Name: k, Value: v})
	}
	s := NewScratch()
	got := len(e.MatchEvent(ev, s)) == 1
	row, _ := naiveEvent(e, ev, s)
	if want := set.Rules[0].cond.naive(row); want != got {
		t.Errorf("engine says %v, naive matcher %v:\n%s\n%q", got, want, detection, fields)
	}
	return got
}

func TestDetections(t *testing.T) {
	for _, c := range []struct {
		name      string
		detection string
		fires     [][]string
		silent    [][]string
	}{
		{"equal, any case", "  s: {A: Foo}\n  condition: s", [][]string{{"A=foo"}, {"a=FOO"}, {"A=x", "A=foo"}}, [][]string{{"A=foobar"}, {"B=foo"}, {}}},
		{"list is any", "  s: {A: [x, y]}\n  condition: s", [][]string{{"A=y"}}, [][]string{{"A=z"}}},
		{"map is all", "  s: {A: x, B: y}\n  condition: s", [][]string{{"A=x", "B=y"}}, [][]string{{"A=x"}, {"B=y"}}},
		{"list of maps is any", "  s:\n    - A: x\n    - B: y\n  condition: s", [][]string{{"A=x"}, {"B=y"}}, [][]string{{"C=x"}}},
		{"contains", "  s: {A|contains: mid}\n  condition: s", [][]string{{"A=xMIDx"}, {"A=mid"}}, [][]string{{"A=mi"}}},
		{"contains all", "  s: {A|contains|all: [one, two]}\n  condition: s", [][]string{{"A=two one"}}, [][]string{{"A=one"}}},
		{"startswith, endswith", "  s: {A|startswith: ab, A|endswith: cd}\n  condition: s", [][]string{{"A=abcd"}, {"A=ab cd"}}, [][]string{{"A=xabcd"}, {"A=abcdx"}}},
		{"overlap of start and end", "  s: {A|startswith: aba, A|endswith: aba}\n  condition: s", [][]string{{"A=aba"}, {"A=ababa"}}, [][]string{{"A=ab"}}},
		{"wildcards", `  s: {A: 'C:\\*\a?c.exe'}` + "\n  condition: s", [][]string{{`A=c:\x\y\abc.EXE`}, {`A=c:\\aäc.exe`}}, [][]string{{`A=c:\x\abbc.exe`}, {`A=c:\ac.exe`}}},
		{"escaped wildcards", `  s: {A: 'a\*b\?c\\d'}` + "\n  condition: s", [][]string{{`A=a*b?c\d`}}, [][]string{{`A=axbxc\d`}}},
		{"backslash before a letter", `  s: {A|endswith: '\cmd.exe'}` + "\n  condition: s", [][]string{{`A=c:\cmd.exe`}}, [][]string{{`A=xcmd.exe`}}},
		{"case folding beyond ASCII", "  s: {A|contains: ПРИВЕТ}\n  condition: s", [][]string{{"A=xx привет"}}, [][]string{{"A=приве"}}},
		{"Kelvin and long s", "  s: {A: kiss}\n  condition: s", [][]string{{"A=\u212ai\u017fs"}}, [][]string{{"A=miss"}}},
		{"not UTF-8", "  s: {A|endswith: .exe}\n  condition: s", [][]string{{"A=\xff\xfe.EXE"}}, [][]string{{"A=\xff"}}},
		{"null", "  s: {A: null}\n  condition: s", [][]string{{}, {"A="}}, [][]string{{"A=x"}}},
		{"empty", "  s: {A: ''}\n  condition: s", [][]string{{"A="}}, [][]string{{"A=x"}, {}}},
		{"exists", "  s: {A|exists: true, B|exists: no}\n  condition: s", [][]string{{"A=x"}}, [][]string{{"A=x", "B=y"}, {}}},
		{"number", "  s: {A: 5}\n  condition: s", [][]string{{"A=5"}}, [][]string{{"A=55"}}},
		{"bounds", "  s: {A|gte: 5, A|lt: 10}\n  condition: s", [][]string{{"A=5"}, {"A=9.5"}}, [][]string{{"A=10"}, {"A=x"}, {"A=NaN"}}},
		{"cidr", "  s: {A|cidr: [10.0.0.0/8, 'fe80::/10']}\n  condition: s", [][]string{{"A=10.1.2.3"}, {"A=::ffff:10.1.2.3"}, {"A=fe80::1%eth0"}}, [][]string{{"A=11.0.0.1"}, {"A=text"}}},
		{"regex, with case", "  s: {A|re: 'a[bc]+d$'}\n  condition: s", [][]string{{"A=xabcd"}}, [][]string{{"A=XABCD"}, {"A=abcde"}}},
		{"regex flags", "  s: {A|re|i: '^a.c$'}\n  condition: s", [][]string{{"A=ABC"}}, [][]string{{"A=ABBC"}}},
		{"regex multiline, dot all", "  s: {A|re|m|s: '^x.y$'}\n  condition: s", [][]string{{"A=a\nx\ny\nb"}}, [][]string{{"A=axyb"}}},
		{"regex of rare signs", "  s: {A|re: '\\w`\\w'}\n  condition: s", [][]string{{"A=a`b"}}, [][]string{{"A=ab"}}},
		{"regex, class product", `  s: {A|re: '\.[a-z]\.[ "]'}` + "\n  condition: s", [][]string{{`A=.a. `}, {`A=.b."`}}, [][]string{{"A=.a.x"}}},
		{"regex of a long class", `  s: {A|re: '\s[a-f0-9]{10}\s'}` + "\n  condition: s", [][]string{{"A=zz 0123456789 zz"}, {"A=0123456789 abcdef0123 "}}, [][]string{{"A=zz 012345678 zz"}, {"A= 0123456789"}, {"A=é 01234é6789 "}}},
		{"cased", "  s: {A|contains|cased: Foo}\n  condition: s", [][]string{{"A=xFoo"}}, [][]string{{"A=xfoo"}}},
		{"base64", "  s: {A|base64|contains: hello}\n  condition: s", [][]string{{"A=x aGVsbG8= y"}}, [][]string{{"A=hello"}}},
		{"base64offset", "  s: {A|base64offset|contains: 'foobar'}\n  condition: s", [][]string{{"A=Zm9vYmFy"}, {"A=eGZvb2Jhcg=="}, {"A=eHhmb29iYXI="}}, [][]string{{"A=foobar"}}},
		{"wide base64offset", "  s: {A|wide|base64offset|contains: 'IEX'}\n  condition: s", [][]string{{"A=SQBFAFgA"}}, [][]string{{"A=SUVY"}}},
		{"utf16be", "  s: {A|utf16be|base64|contains: 'ab'}\n  condition: s", [][]string{{"A=AGEAYg=="}}, [][]string{{"A=YWI="}}},
		{"windash", "  s: {A|windash|contains: ' -f '}\n  condition: s", [][]string{{"A=x -f y"}, {"A=x /F y"}, {"A=x \u2013f y"}, {"A=x \u2015f y"}}, [][]string{{"A=x +f y"}}},
		{"windash, twice", "  s: {A|windash|contains: '-a -b'}\n  condition: s", [][]string{{"A=/a -b"}, {"A=-a /b"}}, [][]string{{"A=a b"}}},
		{"fieldref", "  s: {A|fieldref: B}\n  condition: s", [][]string{{"A=x", "B=X"}}, [][]string{{"A=x", "B=y"}, {"A=x"}}},
		{"fieldref endswith", "  s: {A|fieldref|endswith: B}\n  condition: s", [][]string{{"A=yx", "B=x"}}, [][]string{{"A=xy", "B=x"}}},
		{"neq", "  s: {A|neq: x, B: y}\n  condition: s", [][]string{{"A=z", "B=y"}, {"B=y"}}, [][]string{{"A=X", "B=y"}}},
		{"hour", "  s: {A|hour|gte: 20}\n  condition: s", [][]string{{"A=2026-01-02T21:00:00Z"}}, [][]string{{"A=2026-01-02T09:00:00Z"}, {"A=x"}}},
		{"keywords", "  keywords: [alpha, 'be*ta']\n  condition: keywords", [][]string{{"X=an Alpha male"}, {"Y=be or beta"}}, [][]string{{"X=gamma"}}},
		{"keywords all", "  keywords:\n    '|all': [alpha, beta]\n  condition: keywords", [][]string{{"X=alpha", "Y=beta"}}, [][]string{{"X=alpha"}}},
		{"number keyword", "  keywords: [200]\n  condition: keywords", [][]string{{"X=code 200 ok"}}, [][]string{{"X=201"}}},
		{"and or not", "  a: {A: x}\n  b: {B: y}\n  c: {C: z}\n  condition: a and not b or c", [][]string{{"A=x"}, {"C=z", "B=y"}}, [][]string{{"A=x", "B=y"}}},
		{"parentheses", "  a: {A: x}\n  b: {B: y}\n  c: {C: z}\n  condition: a and not (b or c)", [][]string{{"A=x"}}, [][]string{{"A=x", "C=z"}, {"A=x", "B=y"}}},
		{"1 of", "  s_a: {A: x}\n  s_b: {B: y}\n  f: {C: z}\n  condition: 1 of s_* and not f", [][]string{{"B=y"}}, [][]string{{"B=y", "C=z"}, {}}},
		{"all of", "  s_a: {A: x}\n  s_b: {B: y}\n  condition: all of s_*", [][]string{{"A=x", "B=y"}}, [][]string{{"B=y"}}},
		{"2 of them", "  a: {A: x}\n  b: {B: y}\n  c: {C: z}\n  _d: {D: d}\n  condition: 2 of them", [][]string{{"A=x", "C=z"}, {"A=x", "B=y", "C=z"}}, [][]string{{"A=x", "D=d"}}},
		{"only a negation", "  a: {A: x}\n  condition: not a", [][]string{{"A=y"}, {}}, [][]string{{"A=x"}}},
		{"any value of a big list", "  a: {A|endswith: [a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3, b4, b5]}\n  condition: a", [][]string{{"A=xb3"}}, [][]string{{"A=xb6"}}},
		{"many conditions", "  a: {A: x}\n  b: {B: y}\n  condition: [a, b]", [][]string{{"A=x"}, {"B=y"}}, [][]string{{"A=y"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range c.fires {
				if !fires(t, c.detection, f...) {
					t.Errorf("silent on %q", f)
				}
			}
			for _, f := range c.silent {
				if fires(t, c.detection, f...) {
					t.Errorf("fires on %q", f)
				}
			}
		})
	}
}

func TestRuleErrors(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for _, c := range []struct{ name, src, feature, want string }{
		{"expand", ruleOf("  s: {A|expand: '%x%'}\n  condition: s"), "modifier expand", "expand"},
		{"unknown modifier", ruleOf("  s: {A|nosuch: x}\n  condition: s"), "modifier nosuch", "nosuch"},
		{"lookahead", ruleOf("  s: {A|re: 'a(?=b)'}\n  condition: s"), "regular expression with lookahead", ""},
		{"backreference", ruleOf("  s: {A|re: '(a)\\1'}\n  condition: s"), "regular expression with backreference", ""},
		{"aggregation", ruleOf("  s: {A: b}\n  condition: s | count() > 5"), "aggregation in the condition", ""},
		{"bad regex", ruleOf("  s: {A|re: '(a'}\n  condition: s"), "", "test.yml:6"},
		{"unknown name", ruleOf("  s: {A: b}\n  condition: t"), "", `"t"`},
		{"of nothing", ruleOf("  s: {A: b}\n  condition: 1 of x*"), "", `"x*"`},
		{"open parenthesis", ruleOf("  s: {A: b}\n  condition: (s"), "", "parenthesis"},
		{"no condition", ruleOf("  s: {A: b}"), "", "no condition"},
		{"double key", ruleOf("  s: {A: b, A: c}\n  condition: s"), "", "twice"},
		{"no logsource", "title: t\nid: 1\ndetection: {s: {A: b}, condition: s}", "", "logsource"},
		{"no title", "id: 1", "", "title"},
		{"not YAML", "title: [", "", "not YAML"},
		{"alias bomb", bomb, "", "more than"},
		{"deep", "title: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), "", "deeper"},
		{"deep condition", ruleOf("  s: {A: b}\n  condition: " + strings.Repeat("not ", 100) + "s"), "", "nested"},
		{"large", strings.Repeat("#", MaxRuleFile+1), "", "larger"},
		{"correlation of nothing", "title: t\nid: 1\ncorrelation: {type: event_count, rules: [nosuch], timespan: 1h, condition: {gte: 2}}", "", "nosuch"},
		{"fewer than", "title: t\nid: 1\ncorrelation: {type: event_count, rules: [x], timespan: 1h, condition: {lt: 2}}", "correlation condition lt", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, rep := LoadFiles([]RuleFile{{"test.yml", []byte(c.src)}})
			if rep.Loaded != 0 {
				t.Fatal("the rule loads")
			}
			if c.feature != "" {
				if len(rep.Unsupported[c.feature]) != 1 {
					t.Errorf("not reported as %q: %s", c.feature, rep.String())
				}
				return
			}
			if len(rep.Failed) != 1 || !strings.Contains(rep.Failed[0].Error(), c.want) {
				t.Errorf("want an error with %q: %s", c.want, rep.String())
			}
		})
	}
}

// patternRegexp is a pattern as a regular expression, the oracle of match.
func patternRegexp(p pattern) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`^(?s:`)
	for _, t := range p.toks {
		switch t.kind {
		case tokStar:
			b.WriteString(".*")
		case tokAny:
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(t.lit))
		}
	}
	b.WriteString(`)$`)
	return regexp.MustCompile(b.String())
}

func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{{"a*b?c", "axxbyc"}, {`\*x\\*`, `*x\`}, {"*?*", ""}, {"?*a", "äa"}, {"a*?a", "aa"}, {"*ab*ab", "abab"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, src, text string) {
		p := parsePattern(src)
		if again := parsePattern(p.String()); again.String() != p.String() {
			t.Errorf("%q prints as %q and reads back as %q", src, p.String(), again.String())
		}
		if strings.ToValidUTF8(src, "") != src || strings.ToValidUTF8(text, "") != text {
			p.match(text) // must end; the oracle is for text only
			return
		}
		if got, want := p.match(text), patternRegexp(p).MatchString(text); got != want {
			t.Errorf("pattern %q on %q: %v, regexp says %v", src, text, got, want)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and not (b or 1 of a*)", "all of them", "2 of *", "not not a", "a or b and b", "1 of a", ") a (", "of of of"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		defs := map[string]*expr{}
		for i, n := range []string{"a", "ab", "b"} {
			defs[n] = &expr{op: exprConst, n: i % 2}
		}
		if e, err := parseCondition(src, []string{"a", "ab", "b"}, defs); err == nil {
			e.naive(&naiveRow{})
		}
	})
}

// FuzzRule reads arbitrary files, and holds the engine to the naive matcher
// for those that load.
func FuzzRule(f *testing.F) {
	f.Add(ruleOf("  s: {A|contains: [x, 'y*z'], B|re: 'a+b'}\n  f: {C: null}\n  condition: s and not f"), "xyz", "aab")
	f.Add(ruleOf("  s:\n    - k1\n    - A|windash|contains|all: ['-a', '/b']\n  condition: 1 of them"), "k1", "-a -b")
	f.Add(ruleOf("  s: {A|base64offset|contains: foo, B|cidr: 10.0.0.0/8, C|gt: 4}\n  condition: s"), "Zm9v", "10.0.0.1")
	f.Fuzz(func(t *testing.T, src, v1, v2 string) {
		set, rep := LoadFiles([]RuleFile{{"f.yml", []byte(src)}})
		if rep.Loaded == 0 {
			return
		}
		e := NewEngine(set)
		s := NewScratch()
		for _, p := range e.programs {
			ev := &tocsin.Event{Product: p.source.Product, Category: p.source.Category, Service: p.source.Service,
				Fields: []tocsin.Field{{Name: "A", Value: v1}, {Name: "B", Value: v2}, {Name: "C", Value: v1 + v2}}}
			if p.source.Product == "windows" || p.source.Product == HuntingProduct {
				continue // other names and tables apply
			}
			got := map[string]bool{}
			for _, r := range e.MatchEvent(ev, s) {
				got[r.ID] = true
			}
			row, programs := naiveEvent(e, ev, s)
			for _, p := range programs {
				for _, r := range p.rules {
					if want := r.cond.naive(row); want != got[r.ID] {
						t.Errorf("rule %s: engine %v, naive %v", r.ID, got[r.ID], want)
					}
				}
			}
		}
	})
}
