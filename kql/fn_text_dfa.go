package kql

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// lazyDFA tells whether a program matches somewhere in a text. Its states are
// made when a text first leads to them and kept, so that a text costs one look
// into a table for each character. What is kept is bounded; a pattern whose
// states are too many is left to the slower engines.
type lazyDFA struct {
	prog     []syntax.Inst
	start    uint32
	anchored bool // the pattern begins with the start of the text
	asserts  uint32

	ascii   [utf8.RuneSelf]uint16 // the class of a character
	starts  []rune                // of the ranges above, ascending
	classes []uint16
	reps    []rune // a character of each class; the class after is the end

	mu     sync.Mutex
	states map[string]*dfaState
	bytes  int // of the states
	fresh  atomic.Pointer[dfaState]
	resets int
	off    atomic.Bool
}

// dfaState holds the way on for the first classes itself, which saves a look
// into memory for each character.
type dfaState struct {
	next  [dfaInline]atomic.Pointer[dfaState]
	more  []atomic.Pointer[dfaState] // of the classes from dfaInline on
	left  dfaLeft
	final bool // nothing that follows changes match
	match bool
	insts []uint32 // that read, or assert what is not yet known
}

func (s *dfaState) to(class uint16) *atomic.Pointer[dfaState] {
	if class < dfaInline {
		return &s.next[class]
	}
	return &s.more[class-dfaInline]
}

// dfaLeft is what a state knows of the character before.
type dfaLeft uint8

const (
	leftStart dfaLeft = 1 << iota
	leftNewline
	leftWord      // of Unicode
	leftASCIIWord // of ASCII
)

const (
	dfaInline     = 64
	dfaMaxBytes   = 1 << 20
	dfaMaxResets  = 16
	dfaMaxClasses = 1000
)

var (
	dfaMatch = &dfaState{final: true, match: true}
	dfaDead  = &dfaState{final: true}
)

// newLazyDFA is nil for a program with too many classes of characters.
// asciiOnly says that only texts without bytes above 0x7f will be asked about.
func newLazyDFA(prog *syntax.Prog, asciiOnly bool) *lazyDFA {
	d := &lazyDFA{prog: prog.Inst, start: uint32(prog.Start), states: make(map[string]*dfaState)}
	d.anchored = prog.StartCond()&syntax.EmptyBeginText != 0
	for _, inst := range d.prog {
		if inst.Op == syntax.InstEmptyWidth {
			d.asserts |= inst.Arg
		}
	}
	if !d.makeClasses(asciiOnly) {
		return nil
	}
	d.fresh.Store(d.first())
	return d
}

// match tells whether the program matches in text; ok is false when that is to
// be found out in another way.
func (d *lazyDFA) match(text []byte) (matched, ok bool) {
	s := d.fresh.Load()
	if s == nil {
		return false, false
	}
	if s.final {
		return s.match, true
	}
	for i := 0; i < len(text); {
		var class uint16
		if c := text[i]; c < utf8.RuneSelf {
			class = d.ascii[c]
			i++
		} else {
			r, size := utf8.DecodeRune(text[i:])
			class = d.class(r)
			i += size
		}
		n := s.to(class).Load()
		if n == nil {
			if n = d.step(s, class); n == nil {
				return false, false
			}
		}
		if n.final {
			return n.match, true
		}
		s = n
	}
	end := uint16(len(d.reps))
	n := s.to(end).Load()
	if n == nil {
		if n = d.step(s, end); n == nil {
			return false, false
		}
	}
	return n.match, true
}

// class of a character outside ASCII.
func (d *lazyDFA) class(r rune) uint16 {
	lo, hi := 0, len(d.starts)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; d.starts[mid] <= r {
			lo = mid
		} else {
			hi = mid
		}
	}
	if hi == 0 {
		return d.ascii[0] // a character that was not to come; any class will do
	}
	return d.classes[lo]
}

// makeClasses finds the characters that no instruction tells apart.
func (d *lazyDFA) makeClasses(asciiOnly bool) bool {
	var cuts []rune
	cut := func(lo, hi rune) { cuts = append(cuts, lo, hi+1) }
	var readers []*syntax.Inst
	for i := range d.prog {
		inst := &d.prog[i]
		switch inst.Op {
		case syntax.InstRuneAnyNotNL:
			cut('\n', '\n')
		case syntax.InstRune, syntax.InstRune1:
			if !slices.ContainsFunc(readers, func(r *syntax.Inst) bool {
				return r.Op == inst.Op && r.Arg == inst.Arg && slices.Equal(r.Rune, inst.Rune)
			}) {
				readers = append(readers, inst)
			}
			if len(inst.Rune) == 1 {
				r := inst.Rune[0]
				cut(r, r)
				if syntax.Flags(inst.Arg)&syntax.FoldCase != 0 {
					for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
						cut(f, f)
					}
				}
			}
			for j := 0; j+1 < len(inst.Rune); j += 2 {
				cut(inst.Rune[j], inst.Rune[j+1])
			}
		}
	}
	cut('\n', '\n')
	words := d.asserts&(assertBoundary|assertNoBoundary|assertNoWordBefore|assertNoWordAfter) != 0
	if words {
		set := asciiWord
		if !asciiOnly {
			set = unicodeWord()
		}
		for i := 0; i < len(set); i += 2 {
			cut(set[i], set[i+1])
		}
		for i := 0; i < len(asciiWord); i += 2 {
			cut(asciiWord[i], asciiWord[i+1])
		}
	}
	cuts = append(cuts, 0, utf8.RuneSelf)
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	known := make(map[string]uint16)
	sign := make([]byte, len(readers)+3)
	for i, lo := range cuts {
		if lo > unicode.MaxRune || asciiOnly && lo >= utf8.RuneSelf {
			break
		}
		for j, inst := range readers {
			sign[j] = b2i(inst.MatchRune(lo))
		}
		sign[len(readers)] = b2i(lo == '\n')
		sign[len(readers)+1] = b2i(words && isWordRune(lo))
		sign[len(readers)+2] = b2i(words && isASCIIWord(lo))
		class, ok := known[string(sign)]
		if !ok {
			if len(d.reps) == dfaMaxClasses {
				return false
			}
			class = uint16(len(d.reps))
			known[string(sign)] = class
			d.reps = append(d.reps, lo)
		}
		if lo < utf8.RuneSelf {
			for c := lo; c < utf8.RuneSelf && (i+1 == len(cuts) || c < cuts[i+1]); c++ {
				d.ascii[c] = class
			}
			continue
		}
		d.starts = append(d.starts, lo)
		d.classes = append(d.classes, class)
	}
	return true
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// first makes the state before the first character. mu is held, or d is new.
func (d *lazyDFA) first() *dfaState {
	w := newDFAWork(d)
	matched := w.follow(d.start, nil)
	return d.state(w, leftStart|leftNewline, matched)
}

// step makes the state that follows s by a character of the class. It is nil
// when there are too many states.
func (d *lazyDFA) step(s *dfaState, class uint16) *dfaState {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off.Load() {
		return nil
	}
	if n := s.to(class).Load(); n != nil {
		return n
	}
	r := noRune
	if int(class) < len(d.reps) {
		r = d.reps[class]
	}
	at := s.left.place(r)
	// What the next character allows to be passed.
	here := newDFAWork(d)
	matched := false
	for _, pc := range s.insts {
		if here.follow(pc, &at) {
			matched = true
			break
		}
	}
	next := dfaMatch
	if !matched && r == noRune {
		next = dfaDead
	} else if !matched {
		then := newDFAWork(d)
		for _, pc := range here.insts {
			inst := &d.prog[pc]
			if inst.Op != syntax.InstEmptyWidth && inst.MatchRune(r) && then.follow(inst.Out, nil) {
				matched = true
			}
		}
		if !d.anchored && then.follow(d.start, nil) {
			matched = true
		}
		next = d.state(then, d.leftOf(r), matched)
	}
	if next != nil {
		s.to(class).Store(next)
	}
	return next
}

// leftOf is what matters of a character for the place after it.
func (d *lazyDFA) leftOf(r rune) dfaLeft {
	var left dfaLeft
	if r == '\n' && d.asserts&assertBeginLine != 0 {
		left |= leftNewline
	}
	if d.asserts&(assertBoundary|assertNoBoundary|assertNoWordBefore|assertNoWordAfter) != 0 {
		if isWordRune(r) {
			left |= leftWord
		}
		if isASCIIWord(r) {
			left |= leftASCIIWord
		}
	}
	return left
}

// place is what holds before r when left is known of the character before.
func (left dfaLeft) place(r rune) place {
	before := func(word dfaLeft) rune {
		switch {
		case left&leftStart != 0:
			return noRune
		case left&leftNewline != 0:
			return '\n'
		case left&word != 0:
			return 'a'
		}
		return ' '
	}
	return place{
		wide:   placeBetween(before(leftWord), r).wide,
		narrow: placeBetween(before(leftASCIIWord), r).narrow,
	}
}

// state finds or makes the state of what w gathered.
func (d *lazyDFA) state(w *dfaWork, left dfaLeft, matched bool) *dfaState {
	switch {
	case matched:
		return dfaMatch
	case len(w.insts) == 0:
		return dfaDead
	}
	slices.Sort(w.insts)
	key := make([]byte, 0, 4*len(w.insts)+1)
	for _, pc := range w.insts {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	key = append(key, byte(left))
	if s := d.states[string(key)]; s != nil {
		return s
	}
	s := &dfaState{insts: w.insts, left: left}
	if more := len(d.reps) + 1 - dfaInline; more > 0 {
		s.more = make([]atomic.Pointer[dfaState], more)
	}
	cost := 2*len(key) + 8*(dfaInline+len(s.more)) + 128
	if d.bytes+cost > dfaMaxBytes {
		d.reset()
		return nil
	}
	d.bytes += cost
	d.states[string(key)] = s
	return s
}

// reset forgets all states; after some times the automaton gives up.
func (d *lazyDFA) reset() {
	d.resets++
	d.states = make(map[string]*dfaState)
	d.bytes = 0
	if d.resets > dfaMaxResets {
		d.off.Store(true)
		d.fresh.Store(nil)
		return
	}
	d.fresh.Store(d.first())
}

// dfaWork gathers instructions without order, each once.
type dfaWork struct {
	d     *lazyDFA
	seen  []bool
	insts []uint32
}

func newDFAWork(d *lazyDFA) *dfaWork { return &dfaWork{d: d, seen: make([]bool, len(d.prog))} }

// follow adds pc and what it leads to without reading. Assertions are passed
// when at is known and they hold, and kept when it is not. It tells whether the
// end of the pattern is reached.
func (w *dfaWork) follow(pc uint32, at *place) bool {
	stack := []uint32{pc}
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if w.seen[pc] {
			continue
		}
		w.seen[pc] = true
		inst := &w.d.prog[pc]
		switch inst.Op {
		case syntax.InstFail:
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, inst.Out, inst.Arg)
		case syntax.InstNop, syntax.InstCapture:
			stack = append(stack, inst.Out)
		case syntax.InstEmptyWidth:
			if at == nil {
				w.insts = append(w.insts, pc)
			} else if at.holds(inst.Arg) {
				stack = append(stack, inst.Out)
			}
		default:
			w.insts = append(w.insts, pc)
		}
	}
	return false
}
