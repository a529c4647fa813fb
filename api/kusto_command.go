package api

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// A command of Kusto's begins with a dot: .show tables | where ... What is
// behind the bar is a query over its result.

// isCommand reports a text whose first word begins with a dot.
func isCommand(src string) bool { return strings.HasPrefix(skipBlank(src), ".") }

// skipBlank leaves out blanks and comments at the beginning.
func skipBlank(src string) string {
	for {
		src = strings.TrimLeft(src, " \t\r\n\ufeff")
		if !strings.HasPrefix(src, "//") {
			return src
		}
		end := strings.IndexByte(src, '\n')
		if end < 0 {
			return ""
		}
		src = src[end:]
	}
}

// commandToken is a word, a name in quotes or a sign of a command.
type commandToken struct {
	text   string
	quoted bool
}

// commandTokens takes a command apart; rest is what follows its first bar.
func commandTokens(src string) (tokens []commandToken, rest string, err error) {
	for {
		src = skipBlank(src)
		if src == "" {
			return tokens, "", nil
		}
		switch c := src[0]; {
		case c == '|':
			return tokens, src[1:], nil
		case c == '"' || c == '\'':
			text, n := commandText(src)
			if n < 0 {
				return nil, "", commandError("a name in quotes does not end")
			}
			tokens, src = append(tokens, commandToken{text, true}), src[n:]
		case strings.HasPrefix(src, "['") || strings.HasPrefix(src, `["`):
			text, n := commandText(src[1:])
			if n < 0 || len(src) <= n+1 || src[n+1] != ']' {
				return nil, "", commandError("a name in brackets does not end")
			}
			tokens, src = append(tokens, commandToken{text, true}), src[n+2:]
		case wordByte(c):
			n := 1
			for n < len(src) && wordByte(src[n]) {
				n++
			}
			tokens, src = append(tokens, commandToken{src[:n], false}), src[n:]
		default:
			tokens, src = append(tokens, commandToken{src[:1], false}), src[1:]
		}
	}
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '*' || c >= 0x80
}

// commandText reads a text in quotes and how many bytes it takes; -1 when it
// does not end.
func commandText(src string) (string, int) {
	var b strings.Builder
	for i := 1; i < len(src); i++ {
		switch src[i] {
		case src[0]:
			return b.String(), i + 1
		case '\\':
			if i++; i < len(src) {
				b.WriteByte(src[i])
			}
		default:
			b.WriteByte(src[i])
		}
	}
	return "", -1
}

func commandError(msg string) error {
	return tocsin.Errorf(tocsin.CodeInvalid, "Syntax error: the command cannot be read: %s", msg)
}

// command reads tokens one by one. Words are of any case.
type command struct{ tokens []commandToken }

// words takes the words if they are next, all of them.
func (c *command) words(words ...string) bool {
	if len(c.tokens) < len(words) {
		return false
	}
	for i, w := range words {
		if c.tokens[i].quoted || !strings.EqualFold(c.tokens[i].text, w) {
			return false
		}
	}
	c.tokens = c.tokens[len(words):]
	return true
}

// name takes a name if one is next.
func (c *command) name() (string, bool) {
	if len(c.tokens) == 0 || !c.tokens[0].quoted && !wordByte(c.tokens[0].text[0]) {
		return "", false
	}
	name := c.tokens[0].text
	c.tokens = c.tokens[1:]
	return name, true
}

// names takes a list in parentheses if one is next; nil for none.
func (c *command) names() []string {
	if !c.words("(") {
		return nil
	}
	names := []string{}
	for len(c.tokens) > 0 && !c.words(")") {
		if name, ok := c.name(); ok {
			names = append(names, name)
			continue
		}
		c.tokens = c.tokens[1:]
	}
	return names
}

// end reports that nothing is left but properties, which say how much to tell
// and change nothing here.
func (c *command) end() bool {
	if c.words("with") {
		c.names()
	}
	return len(c.tokens) == 0
}
