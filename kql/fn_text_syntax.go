package kql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Regular expressions in Kusto are those of the Rust library of that name:
// Unicode throughout, classes with set operations, verbose mode, no look-around
// and no back references. patternReader rewrites one into the syntax of package
// regexp/syntax, which has the same matching rules (leftmost, first
// alternative), with every class written out as ranges.
//
// The rewriting is for texts of a kind: with ascii set only characters up to
// 0x7f are kept in classes, which makes a small and fast program for the texts
// that have no others.
type patternReader struct {
	src   string
	pos   int
	out   []byte
	ascii bool
	// flat takes "[" inside a class for itself, as RE2 does and as older queries
	// rely on.
	flat  bool
	flags patternFlags
	opens []openGroup
	names []string // of the groups; [0] is the whole match
	// atom is where the last thing that can be repeated begins in out, -1 for
	// none; repeated says that it has a repetition already.
	atom     int
	repeated bool
	// marks are the assertions that package syntax does not have. Each stands as
	// an empty group called markPrefix and its number.
	marks    []uint32
	boundary bool // has \b or \B
}

// patternFlags are the flags that the reader itself has to know.
type patternFlags struct{ fold, verbose, ascii, crlf, multi bool }

type openGroup struct {
	flags patternFlags
	atom  int
}

const markPrefix = "kql_assert_"

// rewrite reads the whole pattern into out.
func (p *patternReader) rewrite() error {
	p.names = []string{""}
	p.atom = -1
	for p.pos < len(p.src) {
		if err := p.next(); err != nil {
			return err
		}
	}
	if len(p.opens) > 0 {
		return errors.New("a group is not closed")
	}
	return nil
}

// next reads one element.
func (p *patternReader) next() error {
	rest := p.src[p.pos:]
	c := rest[0]
	if p.flags.verbose {
		if r, size := utf8.DecodeRuneInString(rest); unicode.IsSpace(r) {
			p.pos += size
			return nil
		}
		if c == '#' {
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			p.pos += n
			return nil
		}
	}
	switch c {
	case '\\':
		return p.escape()
	case '[':
		p.begin()
		set, n, err := p.class(rest)
		if err != nil {
			return err
		}
		p.pos += n
		p.emitSet(set)
		return nil
	case '(':
		return p.open(rest)
	case ')':
		if len(p.opens) == 0 {
			return errors.New("a parenthesis closes nothing")
		}
		last := p.opens[len(p.opens)-1]
		p.opens = p.opens[:len(p.opens)-1]
		p.flags, p.atom, p.repeated = last.flags, last.atom, false
		p.take(1)
	case '*', '+', '?':
		return p.repeat(rest[:1])
	case '{':
		if n := countLength(rest); n > 0 {
			return p.repeat(rest[:n])
		}
		p.begin()
		p.out = append(p.out, `\{`...)
		p.pos++
	case '|':
		p.take(1)
		p.atom = -1
	case '.':
		p.begin()
		p.pos++
		if p.flags.crlf {
			p.out = append(p.out, `(?-s:[^\r\n])`...)
			return nil
		}
		p.out = append(p.out, '.')
	case '^', '$':
		if p.flags.crlf && p.flags.multi {
			return errors.New("the flags m and R are not supported together")
		}
		p.begin()
		p.take(1)
	default:
		_, size := utf8.DecodeRuneInString(rest)
		p.begin()
		p.take(size)
	}
	return nil
}

// take copies n bytes.
func (p *patternReader) take(n int) {
	p.out = append(p.out, p.src[p.pos:p.pos+n]...)
	p.pos += n
}

// begin marks that an element that can be repeated begins in out.
func (p *patternReader) begin() { p.atom, p.repeated = len(p.out), false }

// countLength is the length of {n}, {n,} or {n,m} at the start of s, 0 when it
// is none.
func countLength(s string) int {
	end := strings.IndexByte(s, '}')
	if end < 2 {
		return 0
	}
	lo, hi, _ := strings.Cut(s[1:end], ",")
	for _, c := range lo + hi {
		if c < '0' || c > '9' {
			return 0
		}
	}
	if lo == "" {
		return 0
	}
	return end + 1
}

// repeat writes a repetition. Repeating what is repeated is allowed; package
// syntax wants a group around it then.
func (p *patternReader) repeat(op string) error {
	if p.atom < 0 {
		return errors.New("a repetition has nothing to repeat")
	}
	if p.repeated {
		inner := string(p.out[p.atom:])
		p.out = append(p.out[:p.atom], "(?:"+inner+")"...)
	}
	p.take(len(op))
	if p.pos < len(p.src) && p.src[p.pos] == '?' {
		p.take(1)
	}
	p.repeated = true
	return nil
}

// open reads the start of a group, or flags.
func (p *patternReader) open(rest string) error {
	group := openGroup{flags: p.flags, atom: len(p.out)}
	name, form := "", ""
	switch {
	case strings.HasPrefix(rest, "(?P<"):
		form = "(?P<"
	case strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!") ||
		strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
		return errors.New("look-around is not supported")
	case strings.HasPrefix(rest, "(?<"):
		form = "(?<"
	case strings.HasPrefix(rest, "(?"):
		return p.openFlags(rest, group)
	}
	if form != "" {
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return errors.New("the name of a group is not closed")
		}
		if name = rest[len(form):end]; !validGroupName(name) {
			return fmt.Errorf("%q is no name for a group", name)
		}
		p.pos += end + 1
	} else {
		p.pos++
	}
	p.out = append(p.out, '(')
	p.names = append(p.names, name)
	p.opens = append(p.opens, group)
	p.atom = -1
	return nil
}

func validGroupName(name string) bool {
	for i, r := range name {
		switch {
		case r == '_' || unicode.IsLetter(r):
		case i > 0 && (r == '.' || r == '[' || r == ']' || unicode.IsNumber(r)):
		default:
			return false
		}
	}
	return name != ""
}

// openFlags reads (?flags) and (?flags:.
func (p *patternReader) openFlags(rest string, group openGroup) error {
	end := strings.IndexAny(rest, ":)")
	if end < 0 {
		return errors.New("a group is not closed")
	}
	on, kept := true, ""
	for _, c := range rest[2:end] {
		switch c {
		case '-':
			if !on {
				return errors.New("flags are turned off twice")
			}
			on = false
			kept += "-"
			continue
		case 'i':
			p.flags.fold = on
			kept += "i"
		case 'm':
			p.flags.multi = on
			kept += "m"
		case 's', 'U':
			kept += string(c)
		case 'x':
			p.flags.verbose = on
		case 'u':
			p.flags.ascii = !on
		case 'R':
			p.flags.crlf = on
		default:
			return fmt.Errorf("%q is no flag", c)
		}
	}
	p.pos += end + 1
	kept = strings.TrimSuffix(kept, "-")
	if rest[end] == ':' {
		p.out = append(p.out, "(?"+kept+":"...)
		p.opens = append(p.opens, group)
	} else if kept != "" {
		p.out = append(p.out, "(?"+kept+")"...)
	}
	p.atom = -1
	return nil
}

// emitSet writes a class. Cases are in it already.
func (p *patternReader) emitSet(set runeSet) {
	if p.ascii {
		set = set.intersect(asciiRunes)
	}
	start, end := "", ""
	if p.flags.fold {
		start, end = "(?-i:", ")"
	}
	p.out = append(p.out, start...)
	if len(set) == 0 {
		p.out = append(p.out, `[^\x00-\x{10FFFF}]`...)
	} else {
		p.out = append(p.out, '[')
		for i := 0; i < len(set); i += 2 {
			p.out = fmt.Appendf(p.out, `\x{%x}`, set[i])
			if set[i+1] > set[i] {
				p.out = fmt.Appendf(p.out, `-\x{%x}`, set[i+1])
			}
		}
		p.out = append(p.out, ']')
	}
	p.out = append(p.out, end...)
}

// emitRune writes one character that may be special.
func (p *patternReader) emitRune(r rune) {
	p.out = fmt.Appendf(p.out, `\x{%x}`, r)
}

// mark writes an assertion of our own.
func (p *patternReader) mark(kind uint32) {
	p.out = fmt.Appendf(p.out, "(?P<%s%d>)", markPrefix, len(p.marks))
	p.marks = append(p.marks, kind)
}

// escape reads what begins with a backslash outside a class.
func (p *patternReader) escape() error {
	rest := p.src[p.pos:]
	if len(rest) < 2 {
		return errors.New("a backslash stands at the end")
	}
	p.begin()
	c := rest[1]
	switch c {
	case 'b', 'B':
		for _, b := range boundaries {
			if c == 'b' && strings.HasPrefix(rest[2:], b.name) {
				p.pos += 2 + len(b.name)
				p.mark(p.unicodeMark(b.kind))
				return nil
			}
		}
		p.boundary = true
		if p.flags.ascii && !p.ascii {
			p.pos += 2
			p.mark(map[byte]uint32{'b': assertBoundary, 'B': assertNoBoundary}[c] | assertASCII)
			return nil
		}
		p.take(2)
		return nil
	case '<', '>':
		p.pos += 2
		kind := uint32(assertBoundary | assertNoWordBefore)
		if c == '>' {
			kind = assertBoundary | assertNoWordAfter
		}
		p.mark(p.unicodeMark(kind))
		return nil
	case 'A', 'z':
		p.take(2)
		return nil
	case 'Q':
		text, _, closed := strings.Cut(rest[2:], `\E`)
		for _, r := range text {
			p.begin()
			p.emitRune(r)
		}
		p.pos += 2 + len(text)
		if closed {
			p.pos += 2
		}
		return nil
	}
	if set, n, ok, err := p.escapedSet(rest); ok || err != nil {
		p.pos += n
		if err == nil {
			p.emitSet(set)
		}
		return err
	}
	r, n, err := p.escapedRune(rest)
	if err != nil {
		return err
	}
	p.pos += n
	p.emitRune(r)
	return nil
}

var boundaries = []struct {
	name string
	kind uint32
}{
	{"{start-half}", assertNoWordBefore},
	{"{end-half}", assertNoWordAfter},
	{"{start}", assertBoundary | assertNoWordBefore},
	{"{end}", assertBoundary | assertNoWordAfter},
}

func (p *patternReader) unicodeMark(kind uint32) uint32 {
	p.boundary = true
	if p.flags.ascii {
		kind |= assertASCII
	}
	return kind
}

// escapedSet reads \d, \p{...} and their like; ok is false for something else.
func (p *patternReader) escapedSet(s string) (set runeSet, n int, ok bool, err error) {
	c := s[1]
	narrow := p.ascii || p.flags.ascii
	pick := func(ascii runeSet, wide func() runeSet) runeSet {
		if narrow {
			return ascii
		}
		return wide()
	}
	n = 2
	switch c | 0x20 {
	case 'd':
		set = pick(asciiDigit, unicodeDigit)
	case 's':
		set = pick(asciiSpace, unicodeSpace)
	case 'w':
		set = pick(asciiWord, unicodeWord)
	case 'p':
		name, not := "", false
		if len(s) > 2 && s[2] == '{' {
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return nil, 0, false, errors.New("the name of a class is not closed")
			}
			name, n = s[3:end], end+1
			name, not = strings.CutPrefix(name, "^")
		} else if len(s) > 2 {
			_, size := utf8.DecodeRuneInString(s[2:])
			name, n = s[2:2+size], 2+size
		}
		set, ok = runesNamed(name)
		if !ok {
			return nil, 0, false, fmt.Errorf("%q is no class of characters", name)
		}
		if p.flags.fold {
			set = set.withCases()
		}
		if not {
			set = set.negate()
		}
	default:
		return nil, 0, false, nil
	}
	if c < 'a' {
		set = set.negate()
	}
	return set, n, true, nil
}

// escapedRune reads an escape of one character.
func (p *patternReader) escapedRune(s string) (rune, int, error) {
	c, size := utf8.DecodeRuneInString(s[1:])
	hex := func(digits int) (rune, int, error) {
		text, n := "", 0
		if len(s) > 2 && s[2] == '{' {
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return 0, 0, errors.New("the number of a character is not closed")
			}
			text, n = s[3:end], end+1
		} else if len(s) >= 2+digits {
			text, n = s[2:2+digits], 2+digits
		}
		v, err := strconv.ParseUint(text, 16, 32)
		if err != nil || v > unicode.MaxRune || 0xd800 <= v && v < 0xe000 {
			return 0, 0, fmt.Errorf("%q is no number of a character", text)
		}
		return rune(v), n, nil
	}
	switch c {
	case 'a':
		return '\a', 2, nil
	case 'f':
		return '\f', 2, nil
	case 't':
		return '\t', 2, nil
	case 'n':
		return '\n', 2, nil
	case 'r':
		return '\r', 2, nil
	case 'v':
		return '\v', 2, nil
	case 'x':
		return hex(2)
	case 'u':
		return hex(4)
	case 'U':
		return hex(8)
	}
	if '0' <= c && c <= '7' {
		n, v := 1, rune(0)
		for n < 4 && n < len(s) && '0' <= s[n] && s[n] <= '7' {
			v = v*8 + rune(s[n]-'0')
			n++
		}
		return v, n, nil
	}
	if c < utf8.RuneSelf && !termByte[c] {
		return c, 1 + size, nil
	}
	return 0, 0, fmt.Errorf(`\%c is no escape`, c)
}
