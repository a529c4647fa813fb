package kql

import (
	"bytes"
	"unicode/utf8"
)

// A finder gives the place of a pattern in a text at or after from, as start
// and end in bytes; start is -1 when there is none.
type finder interface {
	find(text []byte, from int) (start, end int)
}

// newFinder makes the finder for a pattern that is not empty.
func newFinder(pattern string, fold bool) finder {
	switch {
	case !fold || !hasCase(pattern):
		return exactFinder(pattern)
	case isASCII(bytesOf(pattern)):
		return newASCIIFinder(pattern)
	}
	return runeFinder(foldedRunes(pattern))
}

// hasCase tells whether folding may make pattern equal to another text.
func hasCase(pattern string) bool {
	for _, r := range pattern {
		if r >= utf8.RuneSelf || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return true
		}
	}
	return false
}

// exactFinder finds the bytes as they are.
type exactFinder []byte

func (f exactFinder) find(text []byte, from int) (int, int) {
	i := bytes.Index(text[from:], f)
	if i < 0 {
		return -1, -1
	}
	return from + i, from + i + len(f)
}

// asciiFinder finds an ASCII pattern without regard to case. It looks for the
// byte of the pattern that is rarest in command lines, paths and addresses, in
// both of its cases, with the searches of package bytes that the processor does
// a vector at a time, and compares around it.
type asciiFinder struct {
	pattern      []byte // in lower case
	at           int    // of the rare byte
	lower, upper byte   // the rare byte; the same for what is no letter
}

// commonBytes are bytes in lower case from the most to the least frequent in
// the texts that are hunted in; any other byte is rarer.
const commonBytes = `e\` + ` tirsnaoc."-dmlpu/h0123fgwb4567895:=yvx_k,;%&?jzq()[]{}@'` + "\n\r\t"

var byteRarity = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
	}
	for i := len(commonBytes) - 1; i >= 0; i-- {
		t[commonBytes[i]] = uint8(i)
	}
	return t
}()

func newASCIIFinder(pattern string) *asciiFinder {
	f := &asciiFinder{pattern: foldedASCII(pattern)}
	best := -1
	for i, c := range f.pattern {
		rarity := int(byteRarity[c])
		if 'a' <= c && c <= 'z' {
			rarity -= 8 // two searches instead of one
		}
		if rarity > best || i == 0 {
			best, f.at = rarity, i
		}
	}
	f.lower = f.pattern[f.at]
	f.upper = f.lower
	if 'a' <= f.lower && f.lower <= 'z' {
		f.upper -= 'a' - 'A'
	}
	return f
}

func (f *asciiFinder) find(text []byte, from int) (int, int) {
	n := len(f.pattern)
	if len(text)-from < n {
		return -1, -1
	}
	// The rare byte of an occurrence is in window.
	first := from + f.at
	window := text[first : len(text)-n+f.at+1]
	if f.lower == f.upper {
		for pos := 0; ; pos++ {
			i := bytes.IndexByte(window[pos:], f.lower)
			if i < 0 {
				return -1, -1
			}
			pos += i
			start := from + pos
			if equalFoldASCII(text[start:start+n], f.pattern) {
				return start, start + n
			}
		}
	}
	const none = int(^uint(0) >> 1)
	lo, up := 0, 0
	next := func(pos int, c byte) int {
		if i := bytes.IndexByte(window[pos:], c); i >= 0 {
			return pos + i
		}
		return none
	}
	lo, up = next(0, f.lower), next(0, f.upper)
	for {
		pos := min(lo, up)
		if pos == none {
			return -1, -1
		}
		start := from + pos
		if equalFoldASCII(text[start:start+n], f.pattern) {
			return start, start + n
		}
		if pos == lo {
			lo = next(pos+1, f.lower)
		} else {
			up = next(pos+1, f.upper)
		}
	}
}

// runeFinder finds a pattern with characters outside ASCII without regard to
// case. The pattern is folded.
type runeFinder []rune

func (f runeFinder) find(text []byte, from int) (int, int) {
	// A character outside ASCII only equals others outside.
	if isASCII(text[from:]) {
		return -1, -1
	}
	for i := from; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		if foldRune(r) == f[0] {
			if n := prefixFold(text[i:], f); n >= 0 {
				return i, i + n
			}
		}
		i += size
	}
	return -1, -1
}
