package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func init() {
	regex := P("regex", onlyString)
	str := func(name string) Param { return P(name, onlyString) }
	any := func(name string) Param { return P(name, AnyScalar) }
	// withPattern is a function of a regular expression that mostly is constant.
	withPattern := func(f Func, at int, eval func(p *pattern, args []Value) Value) Func {
		f.Eval = func(args []Value) Value {
			p := patterns.get(TextOf(args[at]))
			if p == nil {
				return Null(f.Sigs[0].Result(nil))
			}
			return eval(p, args)
		}
		f.Prepare = func(consts []*Value) (func([]Value) Value, error) {
			if at >= len(consts) || consts[at] == nil {
				return nil, nil
			}
			p, err := compilePattern(TextOf(*consts[at]), "")
			if err != nil {
				return nil, err
			}
			return func(args []Value) Value { return eval(p, args) }, nil
		}
		return f
	}
	all := func(name string, hidden bool) Func {
		f := withPattern(Func{Name: name, Hidden: hidden, Doc: "All matches of a regular expression, as an array.",
			Sigs: []Sig{Of(Dynamic, regex, str("source")), Of(Dynamic, regex, P("captureGroups", onlyDynamic), str("source"))}},
			0, extractAll)
		prepare := f.Prepare
		f.Prepare = func(consts []*Value) (func([]Value) Value, error) {
			eval, err := prepare(consts)
			if eval != nil {
				p, _ := compilePattern(TextOf(*consts[0]), "")
				if p != nil && len(p.groups) < 2 {
					return nil, fmt.Errorf("%s: the regular expression must have a group, in parentheses", name)
				}
			}
			return eval, err
		}
		return f
	}
	replaced := func(f Func, regex, rewrite, text int) Func {
		return withPattern(f, regex, func(p *pattern, args []Value) Value {
			return StringOf(p.replace(TextOf(args[text]), readRewrite(TextOf(args[rewrite]))))
		})
	}
	trimmed := func(name, doc string, start, end bool) Func {
		return trimFunc(Func{Name: name, Doc: doc, Sigs: []Sig{Of(String, regex, any("source"))}}, start, end)
	}
	Register(
		extractFunc(),
		all("extract_all", false), all("extractall", true),
		replaced(Func{Name: "replace_regex", Doc: "Puts a text in the place of every match of a regular expression.",
			Sigs: []Sig{Of(String, str("source"), str("regex"), str("rewrite"))}}, 1, 2, 0),
		replaced(Func{Name: "replace", Hidden: true, Doc: "Puts a text in the place of every match of a regular expression.",
			Sigs: []Sig{Of(String, str("regex"), str("rewrite"), str("source"))}}, 0, 1, 2),
		trimmed("trim", "Cuts a match of a regular expression off both ends.", true, true),
		trimmed("trim_start", "Cuts a match of a regular expression off the start.", true, false),
		trimmed("trim_end", "Cuts a match of a regular expression off the end.", false, true),
		withPattern(Func{Name: "indexof_regex", Doc: "Where a regular expression matches, counted from 0; -1 when it does not.",
			Sigs: []Sig{Of(Long, any("string"), any("match"), Opt("start", AnyInteger), Opt("length", AnyInteger), Opt("occurrence", AnyInteger))}},
			1, indexOfRegex),
		Func{Name: "countof", Doc: "How often a text occurs; kind \"regex\" counts matches of a regular expression.", Eval: countOf,
			Sigs: []Sig{Of(Long, str("source"), str("search"), Opt("kind", onlyString))}},
	)
}

// trimFunc cuts one match off an end: "x" takes one x of "xx" away, "x+" both.
func trimFunc(f Func, start, end bool) Func {
	trim := func(head, tail *pattern, text string) Value {
		if start {
			if m := head.first(text); m != nil {
				text = text[m[1]:]
			}
		}
		if end {
			if m := tail.first(text); m != nil {
				text = text[:m[0]]
			}
		}
		return StringOf(text)
	}
	compile := func(src string) (head, tail *pattern, err error) {
		if _, err = compilePattern(src, ""); err != nil {
			return nil, nil, err
		}
		if head, err = compilePattern(`\A(?:`+src+`)`, ""); err == nil {
			tail, err = compilePattern(`(?:`+src+`)\z`, "")
		}
		return head, tail, err
	}
	f.Eval = func(args []Value) Value {
		head, tail, err := compile(TextOf(args[0]))
		if err != nil {
			return StringOf(TextOf(args[1]))
		}
		return trim(head, tail, TextOf(args[1]))
	}
	f.Prepare = func(consts []*Value) (func([]Value) Value, error) {
		if len(consts) == 0 || consts[0] == nil {
			return nil, nil
		}
		head, tail, err := compile(TextOf(*consts[0]))
		if err != nil {
			return nil, err
		}
		return func(args []Value) Value { return trim(head, tail, TextOf(args[1])) }, nil
	}
	return f
}

// extractFunc is extract, whose type may be given.
func extractFunc() Func {
	f := Func{Name: "extract", Doc: "A group of the first match of a regular expression.",
		Sigs: []Sig{
			Of(String, P("regex", onlyString), P("captureGroup", AnyInteger), P("source", onlyString)),
			{Params: []Param{P("regex", onlyString), P("captureGroup", AnyInteger), P("source", onlyString), P("typeLiteral", onlyString)}, Result: Always(String), TypeArg: 4},
		}}
	get := func(p *pattern, t Type, args []Value) Value {
		n, ok := wholeOf(args[1])
		found := ""
		if ok && p != nil && n >= 0 && n < 1<<16 {
			text := TextOf(args[2])
			if m := p.first(text); m != nil {
				found = group(text, m, int(n))
			}
		}
		if t == String {
			return StringOf(found)
		}
		if found == "" {
			return Null(t)
		}
		return convertTo(t, StringOf(found))
	}
	typeOf := func(v Value) Type {
		if t, ok := ParseType(v.Str()); ok {
			return t
		}
		return String
	}
	f.Eval = func(args []Value) Value {
		t := String
		if len(args) > 3 {
			t = typeOf(args[3])
		}
		return get(patterns.get(TextOf(args[0])), t, args)
	}
	f.Prepare = func(consts []*Value) (func([]Value) Value, error) {
		t := String
		if len(consts) > 3 && consts[3] != nil {
			t = typeOf(*consts[3])
		}
		p, err := constPattern(consts, 0)
		if p == nil {
			return nil, err
		}
		return func(args []Value) Value { return get(p, t, args) }, nil
	}
	return f
}

// extractAll gives the group of each match, or an array of its groups when
// there are several.
func extractAll(p *pattern, args []Value) Value {
	text := TextOf(args[len(args)-1])
	var groups []int
	if len(args) > 2 {
		list, ok := args[1].Dynamic().([]Dyn)
		if !ok {
			return Null(Dynamic)
		}
		for _, d := range list {
			switch d := d.(type) {
			case int64:
				if d < 0 || d >= int64(len(p.groups)) {
					return Null(Dynamic)
				}
				groups = append(groups, int(d))
			case string:
				n := -1
				for i, name := range p.groups {
					if i > 0 && name == d {
						n = i
					}
				}
				if n < 0 {
					return Null(Dynamic)
				}
				groups = append(groups, n)
			default:
				return Null(Dynamic)
			}
		}
	} else {
		for i := 1; i < len(p.groups); i++ {
			groups = append(groups, i)
		}
	}
	ms := p.all(text, -1)
	if len(ms) == 0 || len(groups) == 0 {
		return Null(Dynamic)
	}
	out := make([]Dyn, len(ms))
	for i, m := range ms {
		if len(groups) == 1 {
			out[i] = group(text, m, groups[0])
			continue
		}
		row := make([]Dyn, len(groups))
		for j, g := range groups {
			row[j] = group(text, m, g)
		}
		out[i] = row
	}
	return DynamicOf(out)
}

func indexOfRegex(p *pattern, args []Value) Value {
	part, offset, occurrence, ok := searchRange(TextOf(args[0]), args[2:])
	if len(args) > 2 { // unlike indexof, it does not count from the end
		start, whole := wholeOf(args[2])
		ok = ok && whole && start >= 0
	}
	if !ok || p.src == "" {
		return Null(Long)
	}
	ms := p.all(part, -1)
	if occurrence > int64(len(ms)) {
		return LongOf(-1)
	}
	return LongOf(offset + int64(utf8.RuneCountInString(part[:ms[occurrence-1][0]])))
}

// countOf counts a plain text's occurrences, which may overlap, or matches of a
// regular expression, which do not.
func countOf(args []Value) Value {
	text, search := TextOf(args[0]), TextOf(args[1])
	kind := "normal"
	if len(args) > 2 {
		kind = TextOf(args[2])
	}
	if search == "" {
		return LongOf(0)
	}
	switch kind {
	case "regex":
		p := patterns.get(search)
		if p == nil {
			return Null(Long)
		}
		return LongOf(int64(len(p.all(text, -1))))
	case "normal":
		n, at := int64(0), 0
		for {
			i := strings.Index(text[at:], search)
			if i < 0 {
				return LongOf(n)
			}
			n++
			_, size := utf8.DecodeRuneInString(text[at+i:])
			at += i + size
		}
	}
	return Null(Long)
}
