package detect

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	maxCondition      = 16 << 10 // bytes
	maxConditionDepth = 64       // parentheses and nots
)

// expr is a condition over predicates. A rule's condition becomes one tree in
// which search identifiers are replaced by what they stand for.
type expr struct {
	op   exprOp
	kids []*expr
	n    int        // exprAtLeast: how many kids must hold
	pred *predicate // exprPred
}

type exprOp uint8

const (
	exprAnd exprOp = iota
	exprOr
	exprNot
	exprAtLeast
	exprPred
	exprConst // n is 1 for true, 0 for false
)

func andOf(kids []*expr) *expr { return joined(exprAnd, kids) }
func orOf(kids []*expr) *expr  { return joined(exprOr, kids) }

func joined(op exprOp, kids []*expr) *expr {
	if len(kids) == 1 {
		return kids[0]
	}
	flat := make([]*expr, 0, len(kids))
	for _, k := range kids {
		if k.op == op {
			flat = append(flat, k.kids...)
		} else {
			flat = append(flat, k)
		}
	}
	return &expr{op: op, kids: flat}
}

// conditionParser reads `sel and not 1 of filter_*`. Precedence, tightest
// first: `x of y`, not, and, or.
type conditionParser struct {
	toks  []string
	at    int
	depth int
	// names are the search identifiers in file order, defs what they mean.
	names []string
	defs  map[string]*expr
	// left is how much more the condition may grow: naming a large search a
	// thousand times must not make a thousand copies of it.
	left int
}

const maxConditionSize = 200_000 // predicates, each as often as it is named

func (p *conditionParser) use(name string) (*expr, error) {
	d, ok := p.defs[name]
	if !ok {
		return nil, fmt.Errorf("condition names %q, which the detection does not have", name)
	}
	if p.left -= 1 + len(d.kids); p.left < 0 {
		return nil, fmt.Errorf("condition is too large")
	}
	return d, nil
}

// parseCondition makes the tree of a condition. Its errors name the word that
// is wrong; they are unsupported when the condition is an old aggregation.
func parseCondition(text string, names []string, defs map[string]*expr) (*expr, error) {
	if len(text) > maxCondition {
		return nil, fmt.Errorf("condition is longer than %d bytes", maxCondition)
	}
	toks, err := conditionTokens(text)
	if err != nil {
		return nil, err
	}
	p := &conditionParser{toks: toks, names: names, defs: defs, left: maxConditionSize}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.toks) {
		return nil, fmt.Errorf("condition: unexpected %q", p.toks[p.at])
	}
	return e, nil
}

func conditionTokens(text string) ([]string, error) {
	var toks []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')':
			toks = append(toks, text[i:i+1])
			i++
		case c == '|':
			return nil, &unsupportedError{"aggregation in the condition"}
		case identByte(c):
			j := i
			for j < len(text) && identByte(text[j]) {
				j++
			}
			toks = append(toks, text[i:j])
			i = j
		default:
			return nil, fmt.Errorf("condition: unexpected %q", c)
		}
	}
	if len(toks) == 0 {
		return nil, fmt.Errorf("condition is empty")
	}
	return toks, nil
}

func identByte(c byte) bool {
	return c == '_' || c == '*' || c == '-' || c == '.' || c == '?' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// word is the next token in lower case when it is a keyword candidate.
func (p *conditionParser) word() string {
	if p.at >= len(p.toks) {
		return ""
	}
	return strings.ToLower(p.toks[p.at])
}

func (p *conditionParser) or() (*expr, error) { return p.chain("or", exprOr, p.and) }

func (p *conditionParser) and() (*expr, error) { return p.chain("and", exprAnd, p.not) }

func (p *conditionParser) chain(word string, op exprOp, next func() (*expr, error)) (*expr, error) {
	e, err := next()
	if err != nil {
		return nil, err
	}
	kids := []*expr{e}
	for p.word() == word {
		p.at++
		if e, err = next(); err != nil {
			return nil, err
		}
		kids = append(kids, e)
	}
	return joined(op, kids), nil
}

func (p *conditionParser) not() (*expr, error) {
	if p.depth++; p.depth > maxConditionDepth {
		return nil, fmt.Errorf("condition is nested deeper than %d", maxConditionDepth)
	}
	defer func() { p.depth-- }()
	if p.word() == "not" {
		p.at++
		e, err := p.not()
		if err != nil {
			return nil, err
		}
		return &expr{op: exprNot, kids: []*expr{e}}, nil
	}
	return p.primary()
}

func (p *conditionParser) primary() (*expr, error) {
	if p.at >= len(p.toks) {
		return nil, fmt.Errorf("condition ends too early")
	}
	tok := p.toks[p.at]
	p.at++
	switch {
	case tok == "(":
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.at >= len(p.toks) || p.toks[p.at] != ")" {
			return nil, fmt.Errorf("condition: a parenthesis is not closed")
		}
		p.at++
		return e, nil
	case tok == ")":
		return nil, fmt.Errorf("condition: unexpected %q", tok)
	case p.word() == "of":
		return p.of(tok)
	}
	return p.use(tok)
}

// of reads what follows `1`, `all` or a number.
func (p *conditionParser) of(count string) (*expr, error) {
	p.at++ // of
	if p.at >= len(p.toks) {
		return nil, fmt.Errorf("condition ends after %q of", count)
	}
	what := p.toks[p.at]
	p.at++
	var kids []*expr
	for _, name := range p.names {
		if strings.EqualFold(what, "them") {
			if strings.HasPrefix(name, "_") {
				continue
			}
		} else if !parsePattern(what).match(name) {
			continue
		}
		d, err := p.use(name)
		if err != nil {
			return nil, err
		}
		kids = append(kids, d)
	}
	if len(kids) == 0 {
		return nil, fmt.Errorf("condition: %q matches no part of the detection", what)
	}
	switch strings.ToLower(count) {
	case "all":
		return andOf(kids), nil
	case "1", "any":
		return orOf(kids), nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("condition: %q is no number", count)
	}
	switch {
	case n == 0:
		// "0 of" says that none may hold.
		return &expr{op: exprNot, kids: []*expr{orOf(kids)}}, nil
	case n > len(kids):
		return &expr{op: exprConst}, nil
	}
	return &expr{op: exprAtLeast, n: n, kids: kids}, nil
}
