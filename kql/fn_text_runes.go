package kql

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// runeSet is a set of characters: pairs of a first and a last one, ascending,
// apart from each other.
type runeSet []rune

var (
	asciiRunes = runeSet{0, utf8.RuneSelf - 1}
	asciiDigit = runeSet{'0', '9'}
	asciiSpace = runeSet{'\t', '\r', ' ', ' '}
	asciiWord  = runeSet{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
)

// normalize sorts and joins pairs that are in any order.
func (s runeSet) normalize() runeSet {
	pairs := make([][2]rune, len(s)/2)
	for i := range pairs {
		pairs[i] = [2]rune{s[2*i], s[2*i+1]}
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0]) - int(b[0]) })
	var out runeSet
	for _, p := range pairs {
		if k := len(out); k > 0 && p[0] <= out[k-1]+1 {
			out[k-1] = max(out[k-1], p[1])
			continue
		}
		out = append(out, p[0], p[1])
	}
	return out
}

func (s runeSet) union(t runeSet) runeSet {
	return append(slices.Clip(s), t...).normalize()
}

func (s runeSet) negate() runeSet {
	var out runeSet
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

func (s runeSet) intersect(t runeSet) runeSet {
	var out runeSet
	for i, j := 0, 0; i < len(s) && j < len(t); {
		if lo, hi := max(s[i], t[j]), min(s[i+1], t[j+1]); lo <= hi {
			out = append(out, lo, hi)
		}
		if s[i+1] < t[j+1] {
			i += 2
		} else {
			j += 2
		}
	}
	return out
}

func (s runeSet) subtract(t runeSet) runeSet { return s.intersect(t.negate()) }

func (s runeSet) has(r rune) bool {
	i := sort.Search(len(s)/2, func(i int) bool { return s[2*i+1] >= r })
	return i < len(s)/2 && s[2*i] <= r
}

// withCases adds the other cases of every character, by simple folding as
// regular expressions have it.
func (s runeSet) withCases() runeSet {
	var more runeSet
	for _, r := range casedRunes() {
		if s.has(r) {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				more = append(more, f, f)
			}
		}
	}
	if more == nil {
		return s
	}
	return s.union(more)
}

// casedRunes are all characters that have another case.
var casedRunes = sync.OnceValue(func() []rune {
	var out []rune
	for r := rune(0); r <= 0x1ffff; r++ {
		if unicode.SimpleFold(r) != r {
			out = append(out, r)
		}
	}
	return out
})

// runeSetOf collects tables.
func runeSetOf(tables ...*unicode.RangeTable) runeSet {
	var s runeSet
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			s = append(s, lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			s = append(s, r, r)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return s.normalize()
}

var (
	unicodeDigit = sync.OnceValue(func() runeSet { return runeSetOf(unicode.Nd) })
	unicodeSpace = sync.OnceValue(func() runeSet { return runeSetOf(unicode.White_Space) })
	alphabetic   = sync.OnceValue(func() runeSet {
		return runeSetOf(unicode.L, unicode.Nl, unicode.Other_Alphabetic)
	})
	// unicodeWord is what \w takes.
	unicodeWord = sync.OnceValue(func() runeSet {
		return runeSetOf(unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd,
			unicode.Pc, unicode.Join_Control)
	})
)

// scriptCodes are the four-letter codes of the scripts that are met most.
var scriptCodes = map[string]string{
	"latn": "Latin", "grek": "Greek", "cyrl": "Cyrillic", "arab": "Arabic", "hebr": "Hebrew",
	"hani": "Han", "hira": "Hiragana", "kana": "Katakana", "hang": "Hangul", "thai": "Thai",
	"deva": "Devanagari", "armn": "Armenian", "geor": "Georgian", "zyyy": "Common", "zinh": "Inherited",
}

// namedRunes are the sets that \p{...} knows, by normalized name.
var namedRunes = sync.OnceValue(func() map[string]func() runeSet {
	m := make(map[string]func() runeSet)
	for name, t := range unicode.Properties {
		m[normalizeRuneName(name)] = func() runeSet { return runeSetOf(t) }
	}
	for name, t := range unicode.Scripts {
		m[normalizeRuneName(name)] = func() runeSet { return runeSetOf(t) }
	}
	for code, name := range scriptCodes {
		m[code] = func() runeSet { return runeSetOf(unicode.Scripts[name]) }
	}
	for name, t := range unicode.Categories {
		m[normalizeRuneName(name)] = func() runeSet { return runeSetOf(t) }
	}
	for name, short := range unicode.CategoryAliases {
		if t := unicode.Categories[short]; t != nil {
			m[normalizeRuneName(name)] = func() runeSet { return runeSetOf(t) }
		}
	}
	m["any"] = func() runeSet { return runeSet{0, unicode.MaxRune} }
	m["ascii"] = func() runeSet { return asciiRunes }
	m["assigned"] = func() runeSet { return runeSetOf(unicode.Cn).negate() }
	m["alphabetic"], m["alpha"] = alphabetic, alphabetic
	m["lowercase"] = func() runeSet { return runeSetOf(unicode.Ll, unicode.Other_Lowercase) }
	m["uppercase"] = func() runeSet { return runeSetOf(unicode.Lu, unicode.Other_Uppercase) }
	m["cased"] = func() runeSet {
		return runeSetOf(unicode.Ll, unicode.Other_Lowercase, unicode.Lu, unicode.Other_Uppercase, unicode.Lt)
	}
	return m
})

func normalizeRuneName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// runesNamed is what \p{name} stands for.
func runesNamed(name string) (runeSet, bool) {
	if i := strings.IndexAny(name, "=:"); i >= 0 {
		switch normalizeRuneName(name[:i]) {
		case "gc", "generalcategory", "sc", "script", "scx", "scriptextensions":
			name = name[i+1:]
		default:
			return nil, false
		}
	}
	f := namedRunes()[normalizeRuneName(name)]
	if f == nil {
		return nil, false
	}
	return f(), true
}

// asciiClasses are the classes [:name:].
var asciiClasses = map[string]runeSet{
	"alnum":  {'0', '9', 'A', 'Z', 'a', 'z'},
	"alpha":  {'A', 'Z', 'a', 'z'},
	"ascii":  {0, 0x7f},
	"blank":  {'\t', '\t', ' ', ' '},
	"cntrl":  {0, 0x1f, 0x7f, 0x7f},
	"digit":  {'0', '9'},
	"graph":  {'!', '~'},
	"lower":  {'a', 'z'},
	"print":  {' ', '~'},
	"punct":  {'!', '/', ':', '@', '[', '`', '{', '~'},
	"space":  {'\t', '\r', ' ', ' '},
	"upper":  {'A', 'Z'},
	"word":   {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'},
	"xdigit": {'0', '9', 'A', 'F', 'a', 'f'},
}
