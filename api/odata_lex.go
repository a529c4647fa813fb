package api

import (
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

// tokenKind is the kind of one token of a $filter text.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // a property path, operator, function or keyword
	tokString           // 'text', quotes removed, '' made '
	tokNumber           // also the beginning of a date
	tokOpen
	tokClose
	tokComma
	tokColon
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset, for messages
}

// lexFilter cuts a $filter into tokens. It is strict: a character that OData
// does not know outside of a string is an error.
func lexFilter(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')' || c == ',' || c == ':':
			out = append(out, token{map[byte]tokenKind{'(': tokOpen, ')': tokClose, ',': tokComma, ':': tokColon}[c], string(c), i})
			i++
		case c == '\'':
			text, n, ok := lexString(s[i:])
			if !ok {
				return nil, filterError(i, "a string has no closing quote")
			}
			out = append(out, token{tokString, text, i})
			i += n
		case isWordStart(c):
			n := 1
			for i+n < len(s) && isWordByte(s[i+n]) {
				n++
			}
			out = append(out, token{tokWord, s[i : i+n], i})
			i += n
		case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
			n := 1
			// A date may hold ':' (a time or an offset), which is a token of
			// its own elsewhere; after a digit it belongs to the date.
			for i+n < len(s) && (isWordByte(s[i+n]) || strings.IndexByte("-+.:", s[i+n]) >= 0) {
				n++
			}
			out = append(out, token{tokNumber, s[i : i+n], i})
			i += n
		default:
			r, _ := utf8.DecodeRuneInString(s[i:])
			return nil, filterError(i, "unexpected character %q", r)
		}
	}
	return append(out, token{kind: tokEnd, pos: len(s)}), nil
}

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '@'
}

func isWordByte(c byte) bool {
	return isWordStart(c) || c >= '0' && c <= '9' || c == '/' || c == '.'
}

// lexString reads 'it”s' at the start of s and returns it's and its length.
func lexString(s string) (string, int, bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func filterError(pos int, format string, args ...any) error {
	return tocsin.Errorf(tocsin.CodeInvalid, "$filter, character %d: "+format, append([]any{pos + 1}, args...)...)
}
