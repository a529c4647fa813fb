package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' || c == '~' }

// str goes over a string literal: "..." or '...' with escapes, @"..." without,
// where a doubled quote is one, and the multi-line ```...``` and ~~~...~~~; h
// or H before any of them asks that logs hide it.
func (l *lexer) str() kind {
	start := l.pos
	if c := l.src[l.pos]; c == 'h' || c == 'H' {
		l.pos++
	}
	verbatim := false
	if l.at(0) == '@' {
		verbatim = true
		l.pos++
	}
	quote := l.at(0)
	if quote == '`' || quote == '~' {
		mark := l.src[l.pos:min(l.pos+3, len(l.src))]
		if mark != "```" && mark != "~~~" {
			l.report(start, l.pos+1, "KS002", "Unexpected: "+l.src[start:l.pos+1])
			l.pos++
			return tBad
		}
		l.pos += 3
		i := strings.Index(l.src[l.pos:], mark)
		if i < 0 {
			l.pos = len(l.src)
			l.report(l.pos, l.pos, "KS001", "Missing: "+mark)
			return tString
		}
		l.pos += i + 3
		return tString
	}
	l.pos++
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == quote:
			l.pos++
			if verbatim && l.at(0) == quote {
				l.pos++
				continue
			}
			return tString
		case c == '\r' || c == '\n':
			l.report(l.pos, l.pos, "KS001", fmt.Sprintf("Missing: %c", quote))
			return tString
		case c == '\\' && !verbatim:
			n := escape(l.src[l.pos:])
			if n == 0 {
				// The official parser ends the literal here. It is one error to
				// whoever wrote it, so the literal goes on.
				_, size := utf8.DecodeRuneInString(l.src[l.pos+1:])
				if next := l.at(1); next == '\r' || next == '\n' {
					size = 0
				}
				l.report(l.pos, l.pos+1+size, "KS002", fmt.Sprintf(`Unexpected: \ is no escape here; write \\ or @%c...%c`, quote, quote))
				n = 1 + size
			}
			l.pos += n
		default:
			l.pos++
		}
	}
	l.report(l.pos, l.pos, "KS001", fmt.Sprintf("Missing: %c", quote))
	return tString
}

// escape is the length of the escape sequence at the start of s, 0 for none.
func escape(s string) int {
	if len(s) < 2 {
		return 0
	}
	hex := func(n int) int {
		if len(s) < n+2 || !allHex(s[2:n+2]) {
			return 0
		}
		return n + 2
	}
	switch c := s[1]; c {
	case '\\', '\'', '"', 'a', 'b', 'f', 'n', 'r', 't', 'v':
		return 2
	case 'x':
		return hex(2)
	case 'u':
		return hex(4)
	case 'U':
		return hex(8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n := 2
		for n < len(s) && n < 4 && s[n]-'0' < 8 && (n < 3 || c <= '3') {
			n++
		}
		return n
	}
	return 0
}

// stringValue is the value of one string literal. What was reported as wrong
// in it stands for itself.
func stringValue(lit string) string {
	if lit != "" && (lit[0] == 'h' || lit[0] == 'H') {
		lit = lit[1:]
	}
	verbatim := strings.HasPrefix(lit, "@")
	if verbatim {
		lit = lit[1:]
	}
	if lit == "" {
		return ""
	}
	if q := lit[0]; q == '`' || q == '~' {
		mark := lit[:min(3, len(lit))]
		return strings.TrimSuffix(lit[len(mark):], mark)
	}
	quote := lit[:1]
	body := lit[1:]
	if verbatim {
		// The closing quote is the last of an odd number of them.
		if n := len(body) - len(strings.TrimRight(body, quote)); n%2 == 1 {
			body = body[:len(body)-1]
		}
		if !strings.Contains(body, quote) {
			return body
		}
		return strings.ReplaceAll(body, quote+quote, quote)
	}
	if strings.IndexByte(body, '\\') < 0 {
		return strings.TrimSuffix(body, quote)
	}
	return unescape(body, quote[0])
}

// unescape decodes the body of a literal up to its closing quote.
func unescape(s string, quote byte) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s) && s[i] != quote; {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		n := escape(s[i:])
		if n == 0 {
			b.WriteByte('\\')
			i++
			if i < len(s) && s[i] == quote {
				b.WriteByte(quote)
				i++
			}
			continue
		}
		switch e := s[i : i+n]; e[1] {
		case 'a':
			b.WriteByte('\a')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'v':
			b.WriteByte('\v')
		case '\\', '\'', '"':
			b.WriteByte(e[1])
		case 'x', 'u', 'U':
			r := digitsOf(e[2:], 16)
			// A pair of surrogates is one character, as in UTF-16.
			if r >= 0xD800 && r < 0xDC00 && escape(s[i+n:]) == 6 && s[i+n+1] == 'u' {
				if low := digitsOf(s[i+n+2:i+n+6], 16); low >= 0xDC00 && low < 0xE000 {
					r = (r-0xD800)<<10 | (low - 0xDC00) + 0x10000
					n += 6
				}
			}
			b.WriteRune(r)
		default:
			b.WriteRune(digitsOf(e[1:], 8))
		}
		i += n
	}
	return b.String()
}

func digitsOf(s string, base rune) rune {
	var r rune
	for i := range len(s) {
		d := rune(s[i] - '0')
		if s[i] > '9' {
			d = rune(s[i]|0x20-'a') + 10
		}
		r = r*base + d
		if r > utf8.MaxRune {
			return utf8.RuneError
		}
	}
	return r
}
