package kql

import (
	"bytes"
	"slices"
	"strings"
)

// TextPredicate compiles a string operator whose right side is constant into a
// predicate over the UTF-8 bytes of its left side. op is the operator's
// spelling, such as "has", "!contains_cs", "matches regex" or "in~"; the list
// operators take several patterns, every other takes one. The predicate
// allocates nothing, keeps nothing of the text, and may be called from several
// goroutines. ok is false for an operator that is no text predicate, a wrong
// number of patterns, and a regular expression that is not valid.
//
// Equality of a null is not decided here: a null reads as the empty text.
func TextPredicate(op string, patterns []string) (match func(text []byte) bool, ok bool) {
	if op == "!~" {
		match, ok = TextPredicate("=~", patterns)
		return negated(match), ok
	}
	if name, not := strings.CutPrefix(op, "!"); not {
		if name == "=" {
			name = "=="
		}
		match, ok = TextPredicate(name, patterns)
		return negated(match), ok
	}
	switch op {
	case "in":
		return inSet(patterns), true
	case "in~":
		return inFoldSet(patterns), true
	case "has_any":
		return hasAny(patterns), true
	case "has_all":
		return hasAll(patterns), true
	}
	if len(patterns) != 1 {
		return nil, false
	}
	p := patterns[0]
	if op == "matches regex" {
		re, err := compilePattern(p, "")
		if err != nil {
			return nil, false
		}
		return re.matcher(), true
	}
	name, exact := strings.CutSuffix(op, "_cs")
	switch {
	case op == "==":
		return func(text []byte) bool { return string(text) == p }, true
	case op == "=~":
		return equals(p), true
	case op == ":":
		name = "has"
	}
	return textMatcher(name, p, !exact)
}

func negated(match func([]byte) bool) func([]byte) bool {
	if match == nil {
		return nil
	}
	return func(text []byte) bool { return !match(text) }
}

func always([]byte) bool { return true }

// textMatcher is the matcher of an operator with a cased and an uncased form.
func textMatcher(op, p string, fold bool) (func([]byte) bool, bool) {
	switch op {
	case "contains", "has", "hasprefix", "hassuffix", "startswith", "endswith":
	default:
		return nil, false
	}
	if p == "" {
		return always, true
	}
	switch op {
	case "contains":
		return containsMatcher(p, fold), true
	case "startswith", "endswith":
		return edgeMatcher(p, fold, op == "startswith"), true
	}
	m := newTermMatcher(p, fold, op != "hassuffix", op != "hasprefix")
	return m.match, true
}

func containsMatcher(p string, fold bool) func([]byte) bool {
	switch f := newFinder(p, fold).(type) {
	case exactFinder:
		if len(f) == 1 {
			c := f[0]
			return func(text []byte) bool { return bytes.IndexByte(text, c) >= 0 }
		}
		return func(text []byte) bool { return bytes.Contains(text, f) }
	case *asciiFinder:
		return func(text []byte) bool { i, _ := f.find(text, 0); return i >= 0 }
	default:
		return func(text []byte) bool { i, _ := f.find(text, 0); return i >= 0 }
	}
}

func edgeMatcher(p string, fold, start bool) func([]byte) bool {
	if !fold || !hasCase(p) {
		b := []byte(p)
		if start {
			return func(text []byte) bool { return bytes.HasPrefix(text, b) }
		}
		return func(text []byte) bool { return bytes.HasSuffix(text, b) }
	}
	if isASCII(bytesOf(p)) {
		b := foldedASCII(p)
		if start {
			return func(text []byte) bool {
				return len(text) >= len(b) && equalFoldASCII(text[:len(b)], b)
			}
		}
		return func(text []byte) bool {
			return len(text) >= len(b) && equalFoldASCII(text[len(text)-len(b):], b)
		}
	}
	runes := foldedRunes(p)
	if start {
		return func(text []byte) bool { return prefixFold(text, runes) >= 0 }
	}
	return func(text []byte) bool { return suffixFold(text, runes) >= 0 }
}

func equals(p string) func([]byte) bool {
	if !hasCase(p) {
		return func(text []byte) bool { return string(text) == p }
	}
	if isASCII(bytesOf(p)) {
		b := foldedASCII(p)
		return func(text []byte) bool { return equalFoldASCII(text, b) }
	}
	runes := foldedRunes(p)
	return func(text []byte) bool { return prefixFold(text, runes) == len(text) }
}

// fewPatterns is up to where trying one pattern after the other is faster than
// taking the text apart.
const fewPatterns = 4

func hasAny(patterns []string) func([]byte) bool {
	if slices.Contains(patterns, "") {
		return always
	}
	patterns = withoutRepeats(patterns)
	if len(patterns) > fewPatterns {
		return newTermSet(patterns, true).match
	}
	ms := make([]termMatcher, len(patterns))
	for i, p := range patterns {
		ms[i] = newTermMatcher(p, true, true, true)
	}
	return func(text []byte) bool {
		for i := range ms {
			if ms[i].match(text) {
				return true
			}
		}
		return false
	}
}

// hasAll tries the longest pattern first: it is the likeliest to be missing.
func hasAll(patterns []string) func([]byte) bool {
	patterns = withoutRepeats(patterns)
	slices.SortStableFunc(patterns, func(a, b string) int { return len(b) - len(a) })
	var ms []termMatcher
	for _, p := range patterns {
		if p != "" {
			ms = append(ms, newTermMatcher(p, true, true, true))
		}
	}
	return func(text []byte) bool {
		for i := range ms {
			if !ms[i].match(text) {
				return false
			}
		}
		return true
	}
}

// withoutRepeats copies patterns and leaves out those that are there already.
func withoutRepeats(patterns []string) []string {
	seen := make(map[string]bool, len(patterns))
	var out []string
	for _, p := range patterns {
		if key := foldText(p); !seen[key] {
			seen[key] = true
			out = append(out, p)
		}
	}
	return out
}

// foldText is a text that is the same for all texts that are equal without
// regard to case.
func foldText(s string) string { return strings.Map(foldRune, s) }

func inSet(items []string) func([]byte) bool {
	if len(items) == 1 {
		item := items[0]
		return func(text []byte) bool { return string(text) == item }
	}
	set := make(map[string]struct{}, len(items))
	var sizes sizeSet
	for _, item := range items {
		set[item] = struct{}{}
		sizes.add(len(item))
	}
	return func(text []byte) bool {
		if !sizes.has(len(text)) {
			return false
		}
		_, ok := set[string(text)]
		return ok
	}
}

// sizeSet is a set of lengths; all of 63 and more are one.
type sizeSet uint64

func (s *sizeSet) add(n int)     { *s |= 1 << min(n, 63) }
func (s sizeSet) has(n int) bool { return s>>min(n, 63)&1 != 0 }

// inFoldSet keeps ASCII items by their hash; the others are compared one by one,
// with texts that are not ASCII only.
func inFoldSet(items []string) func([]byte) bool {
	ascii := make(map[uint64][][]byte, len(items))
	var wide [][]rune
	var sizes sizeSet
	for _, item := range items {
		if !isASCII(bytesOf(item)) {
			wide = append(wide, foldedRunes(item))
			continue
		}
		b := foldedASCII(item)
		h := hashFold(b)
		if !slices.ContainsFunc(ascii[h], func(x []byte) bool { return bytes.Equal(x, b) }) {
			ascii[h] = append(ascii[h], b)
		}
		sizes.add(len(b))
	}
	return func(text []byte) bool {
		if sizes.has(len(text)) {
			for _, b := range ascii[hashFold(text)] {
				if equalFoldASCII(text, b) {
					return true
				}
			}
		}
		if len(wide) > 0 && !isASCII(text) {
			for _, runes := range wide {
				if prefixFold(text, runes) == len(text) {
					return true
				}
			}
		}
		return false
	}
}
