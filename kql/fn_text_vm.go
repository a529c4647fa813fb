package kql

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// threadVM runs a program over a text one character at a time with all
// possibilities side by side. It is slower than package regexp, and knows the
// assertions that package regexp does not: words of Unicode, and half
// boundaries.
type threadVM struct{ prog *syntax.Prog }

type vmThreads struct {
	sparse []uint32
	dense  []vmThread
	live   int
}

// vmThread is one possibility. Those that only lead to others are kept, without
// life, so that no instruction is followed twice at one place.
type vmThread struct {
	pc   uint32
	live bool
	caps []int
}

func (q *vmThreads) has(pc uint32) bool {
	j := q.sparse[pc]
	return j < uint32(len(q.dense)) && q.dense[j].pc == pc
}

// find gives the bounds of the groups of the first match at or after from, -1
// for a group that takes no part; nil when there is no match.
func (m threadVM) find(text string, from int) []int {
	n := len(m.prog.Inst)
	now := &vmThreads{sparse: make([]uint32, n)}
	then := &vmThreads{sparse: make([]uint32, n)}
	unset := make([]int, m.prog.NumCap)
	for i := range unset {
		unset[i] = -1
	}
	before := noRune
	if from > 0 {
		before, _ = utf8.DecodeLastRuneInString(text[:from])
	}
	var found []int
	for pos := from; ; {
		r, size := runeAt(text, pos)
		if found == nil {
			caps := slices.Clone(unset)
			caps[0] = pos
			m.add(now, uint32(m.prog.Start), pos, placeBetween(before, r), caps)
		}
		if now.live == 0 && found != nil {
			return found
		}
		next, _ := runeAt(text, pos+size)
		at := placeBetween(r, next)
		for _, t := range now.dense {
			if !t.live {
				continue
			}
			inst := &m.prog.Inst[t.pc]
			if inst.Op == syntax.InstMatch {
				found = slices.Clone(t.caps) // what comes after has a lower rank
				found[1] = pos
				break
			}
			if r != noRune && inst.MatchRune(r) {
				m.add(then, inst.Out, pos+size, at, t.caps)
			}
		}
		if r == noRune {
			return found
		}
		now, then = then, now
		then.dense, then.live = then.dense[:0], 0
		before, pos = r, pos+size
	}
}

func runeAt(text string, pos int) (rune, int) {
	if pos >= len(text) {
		return noRune, 0
	}
	return utf8.DecodeRuneInString(text[pos:])
}

// add puts pc, and what it leads to without reading, into the list in order of
// rank.
func (m threadVM) add(q *vmThreads, pc uint32, pos int, at place, caps []int) {
	if q.has(pc) {
		return
	}
	q.sparse[pc] = uint32(len(q.dense))
	q.dense = append(q.dense, vmThread{pc: pc})
	inst := &m.prog.Inst[pc]
	switch inst.Op {
	case syntax.InstFail:
	case syntax.InstAlt, syntax.InstAltMatch:
		m.add(q, inst.Out, pos, at, caps)
		m.add(q, inst.Arg, pos, at, caps)
	case syntax.InstNop:
		m.add(q, inst.Out, pos, at, caps)
	case syntax.InstEmptyWidth:
		if at.holds(inst.Arg) {
			m.add(q, inst.Out, pos, at, caps)
		}
	case syntax.InstCapture:
		if int(inst.Arg) < len(caps) {
			caps = slices.Clone(caps)
			caps[inst.Arg] = pos
		}
		m.add(q, inst.Out, pos, at, caps)
	default:
		t := &q.dense[q.sparse[pc]]
		t.live, t.caps = true, caps
		q.live++
	}
}
