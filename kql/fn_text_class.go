package kql

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// classReader reads one bracketed class of a pattern.
type classReader struct {
	p   *patternReader
	src string
	pos int
}

// class reads the class that s begins with and gives its length.
func (p *patternReader) class(s string) (runeSet, int, error) {
	c := classReader{p: p, src: s}
	set, err := c.set()
	return set, c.pos, err
}

var errOpenClass = errors.New("a class of characters is not closed")

// set reads from "[" to "]". Items beside each other are united; &&, -- and ~~
// bind weaker and go from left to right; ^ binds weakest.
func (c *classReader) set() (runeSet, error) {
	c.pos++
	not := c.accept("^")
	var left, items runeSet
	op := ""
	combine := func() {
		// Cases come before negation and the operations, so that [^a] with the
		// flag i takes no A.
		items = items.normalize()
		if c.p.flags.fold {
			items = items.withCases()
		}
		switch op {
		case "":
			left = items
		case "&&":
			left = left.intersect(items)
		case "--":
			left = left.subtract(items)
		case "~~":
			left = left.union(items).subtract(left.intersect(items))
		}
		items = nil
	}
	for first := true; ; first = false {
		c.skipSpace()
		rest := c.src[c.pos:]
		switch {
		case rest == "":
			return nil, errOpenClass
		case rest[0] == ']' && !first:
			c.pos++
			combine()
			if not {
				left = left.negate()
			}
			return left, nil
		case !c.p.flat && !first && (strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "~~") ||
			strings.HasPrefix(rest, "--") && !strings.HasPrefix(rest, "--]")):
			combine()
			op = rest[:2]
			c.pos += 2
		default:
			set, err := c.item(rest)
			if err != nil {
				return nil, err
			}
			items = append(items, set...)
		}
	}
}

func (c *classReader) accept(s string) bool {
	if strings.HasPrefix(c.src[c.pos:], s) {
		c.pos += len(s)
		return true
	}
	return false
}

func (c *classReader) skipSpace() {
	for c.p.flags.verbose && c.pos < len(c.src) {
		r, size := utf8.DecodeRuneInString(c.src[c.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		c.pos += size
	}
}

// item reads a character, a range, a named class or a class within.
func (c *classReader) item(rest string) (runeSet, error) {
	switch {
	case strings.HasPrefix(rest, "[:"):
		if end := strings.Index(rest, ":]"); end >= 2 {
			name, not := strings.CutPrefix(rest[2:end], "^")
			if set, ok := asciiClasses[name]; ok {
				c.pos += end + 2
				if not {
					set = set.negate()
				}
				return set, nil
			}
		}
	case rest[0] == '\\' && len(rest) > 1:
		set, n, ok, err := c.p.escapedSet(rest)
		if ok || err != nil {
			c.pos += n
			return set, err
		}
	}
	if rest[0] == '[' && !c.p.flat {
		return c.set()
	}
	lo, err := c.char()
	if err != nil {
		return nil, err
	}
	hi := lo
	// A hyphen makes a range unless it is last or another operator.
	rest = c.src[c.pos:]
	if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' && (rest[1] != '-' || c.p.flat) && !c.setFollows(rest[1:]) {
		c.pos++
		if hi, err = c.char(); err != nil {
			return nil, err
		}
		if hi < lo {
			return nil, fmt.Errorf("the range %c-%c goes backwards", lo, hi)
		}
	}
	return runeSet{lo, hi}, nil
}

// setFollows tells whether s begins with something that cannot end a range, as
// in [a-\d], where the hyphen stands for itself.
func (c *classReader) setFollows(s string) bool {
	if strings.HasPrefix(s, "[") && !c.p.flat {
		return true
	}
	return len(s) > 1 && s[0] == '\\' && strings.IndexByte("dDsSwWpP", s[1]) >= 0
}

// char reads one character of a class.
func (c *classReader) char() (rune, error) {
	c.skipSpace()
	rest := c.src[c.pos:]
	if rest == "" {
		return 0, errOpenClass
	}
	if rest[0] != '\\' {
		r, size := utf8.DecodeRuneInString(rest)
		c.pos += size
		return r, nil
	}
	if len(rest) < 2 {
		return 0, errOpenClass
	}
	if rest[1] == 'b' { // a backspace, as in other dialects
		c.pos += 2
		return '\b', nil
	}
	r, n, err := c.p.escapedRune(rest)
	c.pos += n
	return r, err
}
