package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind uint8

const (
	tEOF kind = iota
	tBad
	tIdent
	tString
	tLong
	tReal
	tTimeSpan
	tBool
	tTyped // a literal with its type: datetime(...), int(...); token.typ tells
	tRawGuid
	tDirective // #connect ... to the end of the line
	tOpenParen
	tCloseParen
	tOpenBracket
	tCloseBracket
	tOpenBrace
	tCloseBrace
	tBar
	tDot
	tDotDot
	tPlus
	tMinus
	tStar
	tSlash
	tPercent
	tLess
	tLessEqual
	tLessGreater
	tLessBar
	tGreater
	tGreaterEqual
	tEqual
	tEqualEqual
	tEqualTilde
	tArrow // =>
	tBang
	tBangEqual
	tBangTilde
	tColon
	tSemicolon
	tComma
	tAt
	tQuestion
	kwNotHas // the operators that begin with ! are keywords
	kwNotHasCs
	kwNotHasPrefix
	kwNotHasPrefixCs
	kwNotHasSuffix
	kwNotHasSuffixCs
	kwBangContains
	kwBangContainsCs
	kwNotStartsWith
	kwNotStartsWithCs
	kwNotEndsWith
	kwNotEndsWithCs
	kwNotIn
	kwNotInCI
	kwNotBetween
	firstKeyword
)

// token is one word of the source.
type token struct {
	kind       kind
	typ        Type // of tTyped
	space      bool // white space or a comment is before it
	newline    bool // so is the end of a line
	start, end int32
}

// keyword tells whether the token is a keyword of any sort.
func (t token) keyword() bool { return t.kind >= kwNotHas }

// lexer cuts a text into tokens. It reports what is no token and goes on.
type lexer struct {
	src    string
	pos    int
	report func(start, end int, code, msg string)
}

// isSpace tells whether r is white space to Kusto. That includes the spaces
// that a web page or a text processor leaves in a query that is copied from it.
func isSpace(r rune) bool {
	switch r {
	case '\t', ' ', '\r', '\n', '\f', 0xA0, 0x1680, 0x180E, 0x202F, 0x205F, 0x3000, 0xFEFF:
		return true
	}
	return r >= 0x2000 && r <= 0x200B
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isHex(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 6 }

func isWordStart(c byte) bool { return c|0x20-'a' < 26 || c == '_' || c == '$' }

func isWord(c byte) bool { return c|0x20-'a' < 26 || c == '_' || c-'0' < 10 }

// tokens gives all tokens of the text and tEOF. What is no token is left out.
func (l *lexer) tokens() []token {
	toks := make([]token, 0, len(l.src)/5+8)
	for {
		t := l.next()
		if t.kind == tBad {
			continue // told
		}
		toks = append(toks, t)
		if t.kind == tEOF {
			return toks
		}
	}
}

// at is the byte at offset i from the position, 0 behind the end.
func (l *lexer) at(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

// skipSpace goes over white space and comments.
func (l *lexer) skipSpace() (space, newline bool) {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			l.pos++
		case c == '\n':
			newline = true
			l.pos++
		case c == '/' && l.at(1) == '/':
			l.skipComment()
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(l.src[l.pos:])
			if !isSpace(r) {
				return space, newline
			}
			l.pos += n
		default:
			return space, newline
		}
		space = true
	}
	return space, newline
}

// skipComment goes to the end of the line, which a carriage return and the
// line separators of Unicode end too.
func (l *lexer) skipComment() {
	rest := l.src[l.pos:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.IndexAny(rest, "\r\u2028\u2029"); i >= 0 {
		l.pos += i + 1
		if rest[i] != '\r' {
			l.pos += 2
		}
		return
	}
	l.pos += len(rest)
}

func (l *lexer) next() token {
	space, newline := l.skipSpace()
	t := token{start: int32(l.pos), space: space, newline: newline}
	if l.pos >= len(l.src) {
		t.end = t.start
		return t
	}
	c := l.src[l.pos]
	switch {
	case isWordStart(c):
		t.kind, t.typ = l.word()
	case isDigit(c):
		t.kind = l.number()
	default:
		t.kind = l.punctuation(c)
	}
	t.end = int32(l.pos)
	return t
}

// word reads a name, a keyword or a literal that begins with a letter.
func (l *lexer) word() (kind, Type) {
	src, start := l.src, l.pos
	i := start + 1
	for i < len(src) && isWord(src[i]) {
		i++
	}
	text := src[start:i]
	l.pos = i
	next := l.at(0)
	switch len(text) {
	case 1:
		if (text == "h" || text == "H") && (isQuote(next) || next == '@' && isQuote(l.at(1))) {
			l.pos = start
			return l.str(), 0
		}
		return tIdent, 0
	case 8:
		if next == '-' && l.rawGuid(start) {
			return tRawGuid, 0
		}
	}
	switch next {
	case '(':
		if typ := typedLiteral(text); typ != Unknown {
			l.typed()
			return tTyped, typ
		}
	case '-', '.':
		for _, c := range compounds(text) {
			if rest := src[i:]; strings.HasPrefix(rest, c.rest) && !(len(rest) > len(c.rest) && isWord(rest[len(c.rest)])) {
				l.pos += len(c.rest)
				return c.kind, 0
			}
		}
	case '~':
		if text == "in" && !isWord(l.at(1)) {
			l.pos++
			return kwInCi, 0
		}
	}
	switch text {
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return tBool, 0
	case "matches":
		if l.matchesRegex() {
			return kwMatchesRegex, 0
		}
		return tIdent, 0
	}
	return keyword(text), 0
}

// matchesRegex goes over the second word of "matches regex".
func (l *lexer) matchesRegex() bool {
	back := l.pos
	if space, _ := l.skipSpace(); space && strings.HasPrefix(l.src[l.pos:], "regex") && !isWord(l.at(5)) {
		l.pos += 5
		return true
	}
	l.pos = back
	return false
}

// typedLiteral is the type of a literal such as datetime(...) by its keyword.
func typedLiteral(word string) Type {
	switch word {
	case "bool":
		return Bool
	case "int", "int32":
		return Int
	case "long", "int64":
		return Long
	case "real", "double":
		return Real
	case "decimal":
		return Decimal
	case "datetime", "date":
		return DateTime
	case "timespan", "time":
		return TimeSpan
	case "guid":
		return Guid
	}
	return Unknown
}

// typed goes over the parentheses of a typed literal. Nothing nests in them.
func (l *lexer) typed() {
	rest := l.src[l.pos:]
	i := strings.IndexAny(rest, ")\r\n")
	switch {
	case i < 0:
		i = len(rest)
		fallthrough
	case rest[i] != ')':
		l.pos += i
		l.report(l.pos, l.pos, "KS001", "Missing: )")
	default:
		l.pos += i + 1
	}
}

// rawGuid goes over a GUID that stands without guid(...), from start.
func (l *lexer) rawGuid(start int) bool {
	s := l.src[start:]
	if len(s) < 36 || !isGuid(s[:36]) || len(s) > 36 && isWord(s[36]) {
		return false
	}
	l.pos = start + 36
	return true
}

func isGuid(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// number reads a number, a timespan such as 5m, or a name that begins with
// digits.
func (l *lexer) number() kind {
	src, start := l.src, l.pos
	if l.rawGuid(start) {
		return tRawGuid
	}
	i := start
	digits := func() {
		for i < len(src) && isDigit(src[i]) {
			i++
		}
	}
	ends := func() bool { return i >= len(src) || !isWord(src[i]) }
	digits()
	whole := i
	// A real has a fraction or an exponent. 1..2 is a range, 1. is a real.
	if i < len(src) && src[i] == '.' && !strings.HasPrefix(src[i:], "..") {
		i++
		digits()
	}
	number := i
	if i < len(src) && src[i]|0x20 == 'e' {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if exp := i; true {
			digits()
			if i == exp {
				i = number
			}
		}
	}
	if i > whole && ends() {
		l.pos = i
		return tReal
	}
	// A timespan needs digits behind the point.
	if i = number; i > whole+1 || i == whole {
		for i < len(src) && isWord(src[i]) {
			i++
		}
		if i > number && timeUnit(src[number:i]) != 0 {
			l.pos = i
			return tTimeSpan
		}
	}
	if i = whole; ends() {
		l.pos = i
		return tLong
	}
	for i < len(src) && isWord(src[i]) {
		i++
	}
	l.pos = i
	text := src[start:i]
	if len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x' && allHex(text[2:]) {
		return tLong
	}
	if text == "3Dchart" {
		return kwReserved
	}
	return tIdent
}

func allHex(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// timeUnit is how many ticks a suffix of a timespan stands for, 0 for no
// suffix. Nanoseconds are less than a tick: -100 of them make one.
func timeUnit(s string) int64 {
	switch s {
	case "d", "day", "days":
		return TicksPerDay
	case "h", "hr", "hrs", "hour", "hours":
		return TicksPerHour
	case "m", "min", "minute", "minutes":
		return TicksPerMinute
	case "s", "sec", "second", "seconds":
		return TicksPerSecond
	case "ms", "milli", "millis", "millisec", "millisecond", "milliseconds":
		return TicksPerMillisecond
	case "micro", "micros", "microsec", "microsecond", "microseconds":
		return TicksPerMicrosecond
	case "tick", "ticks":
		return 1
	case "nano", "nanos", "nanosec", "nanosecond", "nanoseconds":
		return -100
	}
	return 0
}

// punctuation reads a token that begins with neither a letter nor a digit.
func (l *lexer) punctuation(c byte) kind {
	one := func(k kind) kind { l.pos++; return k }
	two := func(k kind) kind { l.pos += 2; return k }
	next := l.at(1)
	switch c {
	case '(':
		return one(tOpenParen)
	case ')':
		return one(tCloseParen)
	case '[':
		return one(tOpenBracket)
	case ']':
		return one(tCloseBracket)
	case '{':
		return one(tOpenBrace)
	case '}':
		return one(tCloseBrace)
	case '|':
		return one(tBar)
	case '.':
		if next == '.' {
			return two(tDotDot)
		}
		return one(tDot)
	case '+':
		return one(tPlus)
	case '-':
		return one(tMinus)
	case '*':
		return one(tStar)
	case '/':
		return one(tSlash)
	case '%':
		return one(tPercent)
	case ':':
		return one(tColon)
	case ';':
		return one(tSemicolon)
	case ',':
		return one(tComma)
	case '?':
		return one(tQuestion)
	case '<':
		switch next {
		case '=':
			return two(tLessEqual)
		case '>':
			return two(tLessGreater)
		case '|':
			return two(tLessBar)
		}
		return one(tLess)
	case '>':
		if next == '=' {
			return two(tGreaterEqual)
		}
		return one(tGreater)
	case '=':
		switch next {
		case '=':
			return two(tEqualEqual)
		case '>':
			return two(tArrow)
		case '~':
			return two(tEqualTilde)
		}
		return one(tEqual)
	case '!':
		switch next {
		case '=':
			return two(tBangEqual)
		case '~':
			return two(tBangTilde)
		}
		return l.negated()
	case '"', '\'':
		return l.str()
	case '`', '~':
		if strings.HasPrefix(l.src[l.pos:], "```") || strings.HasPrefix(l.src[l.pos:], "~~~") {
			return l.str()
		}
	case '@':
		if isQuote(next) {
			return l.str()
		}
		return one(tAt)
	case '#':
		if i := strings.IndexAny(l.src[l.pos:], "\r\n"); i >= 0 {
			l.pos += i
		} else {
			l.pos = len(l.src)
		}
		return tDirective
	}
	r, n := utf8.DecodeRuneInString(l.src[l.pos:])
	start := l.pos
	l.pos += n
	if c == '&' && next == '&' {
		l.pos++
		l.report(start, l.pos, "KS002", "Unexpected: &&; write and")
		return kwAnd
	}
	l.report(start, l.pos, "KS002", unexpectedRune(r))
	return tBad
}

// unexpectedRune says what may have been meant by a character that no query has.
func unexpectedRune(r rune) string {
	hint := ""
	switch r {
	case '“', '”', '„', '«', '»', '‘', '’':
		hint = `; strings are written in straight quotes: "..."`
	case '–', '—', '−':
		hint = "; minus is -"
	case '&':
		hint = "; write and"
	case '^':
		hint = "; the power of a number is pow(x, y)"
	case '`':
		hint = "; names with spaces are written ['name']"
	}
	return fmt.Sprintf("Unexpected: %c%s", r, hint)
}

// negated reads an operator such as !has.
func (l *lexer) negated() kind {
	i := l.pos + 1
	for i < len(l.src) && isWord(l.src[i]) {
		i++
	}
	k := tBang
	switch l.src[l.pos+1 : i] {
	case "has":
		k = kwNotHas
	case "has_cs":
		k = kwNotHasCs
	case "hasprefix":
		k = kwNotHasPrefix
	case "hasprefix_cs":
		k = kwNotHasPrefixCs
	case "hassuffix":
		k = kwNotHasSuffix
	case "hassuffix_cs":
		k = kwNotHasSuffixCs
	case "contains":
		k = kwBangContains
	case "contains_cs":
		k = kwBangContainsCs
	case "startswith":
		k = kwNotStartsWith
	case "startswith_cs":
		k = kwNotStartsWithCs
	case "endswith":
		k = kwNotEndsWith
	case "endswith_cs":
		k = kwNotEndsWithCs
	case "between":
		k = kwNotBetween
	case "in":
		k = kwNotIn
		if i < len(l.src) && l.src[i] == '~' && !(i+1 < len(l.src) && isWord(l.src[i+1])) {
			k = kwNotInCI
			i++
		}
	}
	if k == tBang {
		i = l.pos + 1
	}
	l.pos = i
	return k
}
