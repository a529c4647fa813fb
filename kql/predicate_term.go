package kql

import (
	"unicode"
	"unicode/utf8"
)

// A term is a run of letters and digits; everything else, the underscore too,
// is between terms. Letters outside ASCII count.

var termByte = func() (t [256]bool) {
	for c := range utf8.RuneSelf {
		t[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	return t
}()

func isTermRune(r rune) bool {
	if r < utf8.RuneSelf {
		return termByte[r]
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// termBefore tells whether the character that ends at i belongs to a term.
func termBefore(text []byte, i int) bool {
	if i == 0 {
		return false
	}
	if c := text[i-1]; c < utf8.RuneSelf {
		return termByte[c]
	}
	r, _ := utf8.DecodeLastRune(text[:i])
	return isTermRune(r)
}

// termAfter tells whether the character that begins at i belongs to a term.
func termAfter(text []byte, i int) bool {
	if i == len(text) {
		return false
	}
	if c := text[i]; c < utf8.RuneSelf {
		return termByte[c]
	}
	r, _ := utf8.DecodeRune(text[i:])
	return isTermRune(r)
}

// termMatcher finds a pattern that must begin where a term begins and end where
// one ends. A pattern that begins with something else than a letter or digit is
// at a boundary anyhow, and so at its end.
type termMatcher struct {
	finder
	start, end bool // the text must not continue the pattern's first, last term
}

func newTermMatcher(pattern string, fold, start, end bool) termMatcher {
	return termMatcher{
		finder: newFinder(pattern, fold),
		start:  start && termAfter(bytesOf(pattern), 0),
		end:    end && termBefore(bytesOf(pattern), len(pattern)),
	}
}

func (m termMatcher) match(text []byte) bool {
	for from := 0; ; {
		start, end := m.find(text, from)
		if start < 0 {
			return false
		}
		if !(m.start && termBefore(text, start)) && !(m.end && termAfter(text, end)) {
			return true
		}
		_, size := utf8.DecodeRune(text[start:])
		from = start + size
	}
}

// termSet tells whether one of many patterns is there, each as termMatcher has
// it with both boundaries. It takes the terms of the text one after the other
// and looks the term up by hash, so that its time does not depend on how many
// patterns there are. A pattern of several terms is known by its longest; what
// is around it is then compared.
type termSet struct {
	fold  bool
	slots []termSlot // open addressing; the length is a power of two
	any   bool       // a pattern is empty: everything matches
	rest  []termMatcher
	// Of the keys that begin with a byte, bit n: there is one of n bytes; bit 63
	// for longer ones.
	first [256]uint64
}

type termSlot struct {
	hash    uint64
	pattern []byte // in lower case with fold; nil for a free slot
	at, n   int    // the key's place in pattern
	start   bool
	end     bool
}

func newTermSet(patterns []string, fold bool) *termSet {
	s := &termSet{fold: fold}
	size := 16
	for size < 2*len(patterns) {
		size *= 2
	}
	s.slots = make([]termSlot, size)
	seen := make(map[string]bool, len(patterns))
	for _, p := range patterns {
		if p == "" {
			s.any = true
			continue
		}
		key := p
		if fold {
			key = string(foldedRunes(p))
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		at, n := longestTerm(p)
		if n == 0 || !isASCII(bytesOf(p)) {
			s.rest = append(s.rest, newTermMatcher(p, fold, true, true))
			continue
		}
		pattern := []byte(p)
		if fold {
			pattern = foldedASCII(p)
		}
		bit := uint64(1) << min(n, 63)
		s.first[pattern[at]] |= bit
		if c := pattern[at]; fold && 'a' <= c && c <= 'z' {
			s.first[c-'a'+'A'] |= bit
		}
		h := hashFold(pattern[at : at+n])
		i := int(h) & (size - 1)
		for s.slots[i].pattern != nil {
			i = (i + 1) & (size - 1)
		}
		s.slots[i] = termSlot{hash: h, pattern: pattern, at: at, n: n,
			start: termAfter(pattern, 0), end: termBefore(pattern, len(pattern))}
	}
	return s
}

// longestTerm is the place of the longest term of an ASCII text.
func longestTerm(p string) (at, n int) {
	for i := 0; i < len(p); {
		if !termByte[p[i]] {
			i++
			continue
		}
		j := i
		for j < len(p) && termByte[p[j]] {
			j++
		}
		if j-i > n {
			at, n = i, j-i
		}
		i = j
	}
	return at, n
}

func (s *termSet) match(text []byte) bool {
	if s.any {
		return true
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf && !termByte[c] {
			i++
			continue
		}
		j := i
		for j < len(text) && termByte[text[j]] {
			j++
		}
		wide := false
		for j < len(text) {
			if c := text[j]; c < utf8.RuneSelf {
				if !termByte[c] {
					break
				}
				j++
				continue
			}
			r, size := utf8.DecodeRune(text[j:])
			if !isTermRune(r) {
				break
			}
			wide = true
			j += size
		}
		if j == i { // a character outside ASCII that is in no term
			_, size := utf8.DecodeRune(text[i:])
			i += size
			continue
		}
		if !wide && s.first[text[i]]>>min(j-i, 63)&1 != 0 && s.lookup(text, i, j) {
			return true
		}
		i = j
	}
	for _, m := range s.rest {
		if m.match(text) {
			return true
		}
	}
	return false
}

// lookup tells whether a pattern has the term text[i:j] as its key and is there
// as a whole.
func (s *termSet) lookup(text []byte, i, j int) bool {
	h := hashFold(text[i:j])
	for k := int(h) & (len(s.slots) - 1); s.slots[k].pattern != nil; k = (k + 1) & (len(s.slots) - 1) {
		slot := &s.slots[k]
		if slot.hash != h || slot.n != j-i {
			continue
		}
		start := i - slot.at
		end := start + len(slot.pattern)
		if start < 0 || end > len(text) {
			continue
		}
		if s.fold {
			if !equalFoldASCII(text[start:end], slot.pattern) {
				continue
			}
		} else if string(text[start:end]) != string(slot.pattern) {
			continue
		}
		if !(slot.start && termBefore(text, start)) && !(slot.end && termAfter(text, end)) {
			return true
		}
	}
	return false
}
