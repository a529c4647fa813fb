package kql

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what Parse takes.
const (
	// MaxSource is the longest source, in bytes.
	MaxSource = 1 << 20
	// maxNesting is how deep expressions, subqueries and literals may nest. Long
	// chains of one operator do not nest: a or b or c ... is a tree that is deep
	// on its left only, which walks have to follow without recursion.
	maxNesting = 400
	// maxPath is how many names, indexes and calls a path such as a.b[0].c has.
	maxPath = 1000
	// maxErrors is how many errors are told of one source.
	maxErrors = 50
)

// Parse makes the tree of a text of statements. The error is nil or a
// *Diagnostics that holds everything wrong with the text's form; the tree is
// there even then, with Missing nodes where something was expected. A text
// longer than MaxSource is not looked at.
//
// What follows Kusto's grammar but is not supported here, such as macro-expand,
// is an error too, one whose Syntax is false.
func Parse(src string) (*Query, error) {
	q := &Query{Span: Span{0, len(src)}, Source: src}
	if len(src) > MaxSource {
		d := &Diagnostics{Source: src, List: []Diagnostic{{Syntax: true, Line: 1, Col: 1,
			Msg: fmt.Sprintf("The query has %d bytes; the limit is %d.", len(src), MaxSource)}}}
		return q, d
	}
	p := newParser(src)
	q.Statements = p.statements()
	return q, p.err()
}

// ParseFunction parses the text of a stored function: "(a:string) { body }".
func ParseFunction(src string) (*FuncDecl, error) {
	if len(src) > MaxSource {
		_, err := Parse(src)
		return &FuncDecl{Body: &FuncBody{}}, err
	}
	p := newParser(src)
	f := p.funcDecl()
	p.accept(tSemicolon)
	if p.kind() != tEOF {
		p.unexpected()
	}
	return f, p.err()
}

type parser struct {
	src   string
	toks  []token
	pos   int
	depth int
	diags []Diagnostic
	// told is the token at which the last error was told. One error at a token
	// is enough: those that follow from it say nothing new.
	told int
	deep bool // the rest is not looked at: nesting was too deep, errors too many
}

func newParser(src string) *parser {
	p := &parser{src: src, told: -1}
	l := lexer{src: src, report: func(start, end int, code, msg string) {
		p.add(Diagnostic{Span: Span{start, end}, Code: code, Msg: msg, Syntax: true})
	}}
	p.toks = l.tokens()
	return p
}

func (p *parser) add(d Diagnostic) {
	if len(p.diags) < maxErrors {
		p.diags = append(p.diags, d)
	}
}

func (p *parser) err() error {
	if len(p.diags) == 0 {
		return nil
	}
	slices.SortStableFunc(p.diags, func(a, b Diagnostic) int { return a.Start - b.Start })
	d := &Diagnostics{Source: p.src, List: p.diags}
	d.place()
	return d
}

// kind is the kind of the current token.
func (p *parser) kind() kind { return p.toks[p.pos].kind }

func (p *parser) tok() token { return p.toks[p.pos] }

// peek is the token n after the current one; the last one is tEOF.
func (p *parser) peek(n int) token {
	if p.pos+n < len(p.toks) {
		return p.toks[p.pos+n]
	}
	return p.toks[len(p.toks)-1]
}

func (p *parser) text(t token) string { return p.src[t.start:t.end] }

// next goes over the current token, never over the end.
func (p *parser) next() token {
	t := p.toks[p.pos]
	if t.kind != tEOF {
		p.pos++
	}
	return t
}

func (p *parser) accept(k kind) bool {
	if p.toks[p.pos].kind == k {
		p.next()
		return true
	}
	return false
}

// start is where the current token begins, end where the one before it ended.
func (p *parser) start() int { return int(p.toks[p.pos].start) }

func (p *parser) end() int {
	if p.pos == 0 {
		return 0
	}
	return int(p.toks[p.pos-1].end)
}

// from is the span from start to the last token that was read.
func (p *parser) from(start int) Span { return Span{start, max(start, p.end())} }

// here is where an error about the current token is shown.
func (p *parser) here() Span {
	t := p.tok()
	if t.kind == tEOF {
		return Span{p.end(), p.end()}
	}
	return Span{int(t.start), int(t.end)}
}

// report tells of an error in the text's form at the current token.
func (p *parser) report(code, format string, args ...any) {
	if p.told == p.pos || p.deep {
		return
	}
	p.told = p.pos
	p.add(Diagnostic{Span: p.here(), Code: code, Msg: fmt.Sprintf(format, args...), Syntax: true})
	if len(p.diags) == maxErrors {
		p.deep = true
		p.pos = len(p.toks) - 1
	}
}

// unsupported tells of what is Kusto but not here.
func (p *parser) unsupported(at Span, what string) {
	p.add(Diagnostic{Span: at, Msg: what + " is not supported here."})
}

// expect goes over a token or says that it is missing.
func (p *parser) expect(k kind) bool {
	if p.accept(k) {
		return true
	}
	p.report("KS005", "Expected: %s%s", kindText(k), p.hint())
	return false
}

// unexpected says that the current token cannot be here.
func (p *parser) unexpected() {
	if p.kind() == tEOF {
		p.report("KS198", "The query ends too early.")
		return
	}
	p.report("KS198", "Unexpected: %s%s", short(p.text(p.tok())), p.hint())
}

// missing says that an expression (what) should be here and stands for it.
func (p *parser) missing(what string) *Missing {
	if t := p.tok(); t.keyword() {
		word := p.text(t)
		p.report("KS006", "Missing %s: if the keyword '%s' is meant as a name, it is written ['%s'].", what, word, word)
	} else {
		p.report("KS006", "Missing %s%s", what, p.hint())
	}
	return &Missing{Span{p.end(), p.end()}}
}

// hint guesses what was meant at the current token.
func (p *parser) hint() string {
	t := p.tok()
	before := ""
	if p.pos > 0 {
		before = p.text(p.toks[p.pos-1])
	}
	switch {
	case before == "not":
		return "; not is a function: not(...)"
	case t.kind == tBang:
		return "; write not(...)"
	case t.kind == tIdent:
		word := p.text(t)
		if low := strings.ToLower(word); low != word && keyword(low) != tIdent {
			return fmt.Sprintf("; keywords are in lower case: %s", low)
		}
	case t.kind == tEqual:
		return "; values are compared with =="
	case t.kind == tBar && before == "|":
		return "; write or"
	case t.kind == tDot && p.pos == 0:
		return "; a command that begins with . is no query"
	case p.pos > 0 && t.keyword() && p.beginsOperator():
		return "; the | of an operator is before it"
	}
	return ""
}

// short cuts a word for a message.
func short(s string) string {
	const longest = 40
	if utf8.RuneCountInString(s) <= longest {
		return s
	}
	return string([]rune(s[:min(len(s), 4*longest)])[:longest]) + "..."
}

// kindText is a kind of token as messages name it.
func kindText(k kind) string {
	switch k {
	case tEOF:
		return "the end of the query"
	case tIdent:
		return "a name"
	case tString:
		return "a string"
	case tOpenParen:
		return "("
	case tCloseParen:
		return ")"
	case tOpenBracket:
		return "["
	case tCloseBracket:
		return "]"
	case tOpenBrace:
		return "{"
	case tCloseBrace:
		return "}"
	case tBar:
		return "|"
	case tDotDot:
		return ".."
	case tEqual:
		return "="
	case tColon:
		return ":"
	case tSemicolon:
		return ";"
	case tComma:
		return ","
	case tStar:
		return "*"
	}
	return keywordText[k]
}

// enter counts a level of nesting. When there are too many the rest of the text
// is given up: enter is false and the current token the last.
func (p *parser) enter() bool {
	p.depth++
	if p.depth <= maxNesting {
		return true
	}
	p.giveUp(fmt.Sprintf("The query nests more than %d levels deep.", maxNesting))
	return false
}

// giveUp tells why the rest of the text is not looked at.
func (p *parser) giveUp(msg string) {
	if !p.deep {
		p.add(Diagnostic{Span: p.here(), Syntax: true, Msg: msg})
		p.deep = true
	}
	p.pos = len(p.toks) - 1
}

// tooLong tells whether a path has had all the steps that it may have.
func (p *parser) tooLong(steps int) bool {
	if steps < maxPath {
		return false
	}
	p.giveUp(fmt.Sprintf("A path has more than %d steps.", maxPath))
	return true
}

func (p *parser) leave() { p.depth-- }

// ends tells whether the current token ends an operator or an expression.
func (p *parser) ends() bool {
	switch p.kind() {
	case tEOF, tBar, tSemicolon, tCloseParen, tCloseBracket, tCloseBrace:
		return true
	}
	return false
}

// skip goes to the token that ends the operator, over whatever is in brackets.
func (p *parser) skip() {
	for level := 0; ; p.next() {
		switch p.kind() {
		case tEOF:
			return
		case tOpenParen, tOpenBracket, tOpenBrace:
			level++
		case tCloseParen, tCloseBracket, tCloseBrace:
			if level == 0 {
				return
			}
			level--
		case tBar, tSemicolon:
			if level == 0 {
				return
			}
		case kwLet, kwDeclare, kwSet:
			if level == 0 && p.tok().newline {
				return
			}
		}
	}
}

// commaList reads elements between commas. An element that is missing is nil.
// trailing allows a comma after the last one.
func commaList[T any](p *parser, element func() (T, bool), missing func() T, trailing bool) []T {
	var list []T
	for {
		x, ok := element()
		if !ok {
			if p.kind() != tComma && (trailing || len(list) == 0) && p.told != p.pos {
				return list
			}
			x = missing()
		}
		list = append(list, x)
		if p.accept(tComma) {
			if trailing && p.ends() {
				return list
			}
			if p.ends() {
				return append(list, missing())
			}
			continue
		}
		return list
	}
}
