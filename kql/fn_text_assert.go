package kql

import (
	"regexp/syntax"
	"strconv"
	"strings"
)

// What an instruction of a program may assert of the place between two
// characters. The first six are package syntax's; the others are ours. A
// program may hold several in one instruction: all must hold.
const (
	assertBeginLine    = uint32(syntax.EmptyBeginLine)
	assertEndLine      = uint32(syntax.EmptyEndLine)
	assertBeginText    = uint32(syntax.EmptyBeginText)
	assertEndText      = uint32(syntax.EmptyEndText)
	assertBoundary     = uint32(syntax.EmptyWordBoundary)
	assertNoBoundary   = uint32(syntax.EmptyNoWordBoundary)
	assertNoWordBefore = 1 << 6
	assertNoWordAfter  = 1 << 7
	assertASCII        = 1 << 8 // words of ASCII only
)

// noRune stands for what is before the first and after the last character.
const noRune = rune(-1)

func isWordRune(r rune) bool {
	if r < 0x80 {
		return isASCIIWord(r)
	}
	return unicodeWord().has(r)
}

func isASCIIWord(r rune) bool { return r == '_' || 0 <= r && r < 0x80 && termByte[r] }

// place is what holds between two characters: by Unicode's words in wide, by
// ASCII's in narrow.
type place struct{ wide, narrow uint32 }

func placeBetween(before, after rune) place {
	var lines uint32
	if before == noRune {
		lines |= assertBeginText | assertBeginLine
	} else if before == '\n' {
		lines |= assertBeginLine
	}
	if after == noRune {
		lines |= assertEndText | assertEndLine
	} else if after == '\n' {
		lines |= assertEndLine
	}
	words := func(before, after bool) (held uint32) {
		if before != after {
			held = assertBoundary
		} else {
			held = assertNoBoundary
		}
		if !before {
			held |= assertNoWordBefore
		}
		if !after {
			held |= assertNoWordAfter
		}
		return held
	}
	return place{
		wide:   lines | words(isWordRune(before), isWordRune(after)),
		narrow: lines | words(isASCIIWord(before), isASCIIWord(after)),
	}
}

func (p place) holds(assert uint32) bool {
	if assert&assertASCII != 0 {
		return assert&^assertASCII&^p.narrow == 0
	}
	return assert&^p.wide == 0
}

// putAssertions turns the groups that stand for assertions in a program into
// these, and numbers the other groups without them.
func putAssertions(prog *syntax.Prog, names []string, marks []uint32) {
	number := make([]uint32, len(names))
	kind := make([]uint32, len(names))
	next := uint32(0)
	for i, name := range names {
		if n, ok := strings.CutPrefix(name, markPrefix); ok {
			if k, err := strconv.Atoi(n); err == nil && k < len(marks) {
				kind[i] = marks[k]
				continue
			}
		}
		number[i] = next
		next++
	}
	for i := range prog.Inst {
		inst := &prog.Inst[i]
		if inst.Op != syntax.InstCapture {
			continue
		}
		group, end := inst.Arg/2, inst.Arg%2
		switch {
		case kind[group] == 0:
			inst.Arg = 2*number[group] + end
		case end == 0:
			inst.Op, inst.Arg = syntax.InstEmptyWidth, kind[group]
		default:
			inst.Op = syntax.InstNop
		}
	}
	prog.NumCap = int(2 * next)
}
