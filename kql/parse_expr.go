package kql

// How tightly operators bind, loosest first. Those from equality on do not
// chain: a == b == c and a < b < c are no expressions.
const (
	precOr = iota + 1
	precAnd
	precEqual
	precRelation
	precAdd
	precMultiply
	precString
)

// infix is the spelling and the precedence of a binary operator; 0 for none.
func infix(k kind) (string, int) {
	switch k {
	case kwOr:
		return "or", precOr
	case kwAnd:
		return "and", precAnd
	case tEqualEqual:
		return "==", precEqual
	case tBangEqual, tLessGreater:
		return "!=", precEqual
	case kwIn:
		return "in", precEqual
	case kwInCi:
		return "in~", precEqual
	case kwNotIn:
		return "!in", precEqual
	case kwNotInCI:
		return "!in~", precEqual
	case kwHasAny:
		return "has_any", precEqual
	case kwHasAll:
		return "has_all", precEqual
	case kwBetween:
		return "between", precEqual
	case kwNotBetween:
		return "!between", precEqual
	case tLess:
		return "<", precRelation
	case tLessEqual:
		return "<=", precRelation
	case tGreater:
		return ">", precRelation
	case tGreaterEqual:
		return ">=", precRelation
	case tPlus:
		return "+", precAdd
	case tMinus:
		return "-", precAdd
	case tStar:
		return "*", precMultiply
	case tSlash:
		return "/", precMultiply
	case tPercent:
		return "%", precMultiply
	}
	if op := stringOp(k); op != "" {
		return op, precString
	}
	return "", 0
}

// stringOp is the spelling of an operator on text, "" for any other token. The
// old spellings are folded to the new ones.
func stringOp(k kind) string {
	switch k {
	case tEqualTilde:
		return "=~"
	case tBangTilde:
		return "!~"
	case tColon:
		return ":"
	case kwHas:
		return "has"
	case kwNotHas:
		return "!has"
	case kwHasCs:
		return "has_cs"
	case kwNotHasCs:
		return "!has_cs"
	case kwHasprefix:
		return "hasprefix"
	case kwNotHasPrefix:
		return "!hasprefix"
	case kwHasprefixCs:
		return "hasprefix_cs"
	case kwNotHasPrefixCs:
		return "!hasprefix_cs"
	case kwHassuffix:
		return "hassuffix"
	case kwNotHasSuffix:
		return "!hassuffix"
	case kwHassuffixCs:
		return "hassuffix_cs"
	case kwNotHasSuffixCs:
		return "!hassuffix_cs"
	case kwContains:
		return "contains"
	case kwNotcontains, kwBangContains:
		return "!contains"
	case kwContainscs, kwContainsCs:
		return "contains_cs"
	case kwNotcontainscs, kwBangContainsCs:
		return "!contains_cs"
	case kwStartswith:
		return "startswith"
	case kwNotStartsWith:
		return "!startswith"
	case kwStartswithCs:
		return "startswith_cs"
	case kwNotStartsWithCs:
		return "!startswith_cs"
	case kwEndswith:
		return "endswith"
	case kwNotEndsWith:
		return "!endswith"
	case kwEndswithCs:
		return "endswith_cs"
	case kwNotEndsWithCs:
		return "!endswith_cs"
	case kwMatchesRegex:
		return "matches regex"
	case kwLike:
		return "like"
	case kwNotlike:
		return "notlike"
	case kwLikecs:
		return "likecs"
	case kwNotlikecs:
		return "notlikecs"
	}
	return ""
}

// unnamed is an expression without a pipe; nil when there is none here.
func (p *parser) unnamed() Expr {
	if !p.enter() {
		p.leave()
		return &Missing{Span{p.end(), p.end()}}
	}
	x := p.binary(precOr)
	p.leave()
	return x
}

// required is an expression that must be there.
func (p *parser) required() Expr {
	if x := p.unnamed(); x != nil {
		return x
	}
	return p.missing("expression")
}

// binary reads operands and the operators between them that bind as tightly as
// least or tighter.
func (p *parser) binary(least int) Expr {
	start := p.start()
	var x Expr
	if next := p.peek(1).kind; p.kind() == tStar && (stringOp(next) != "" || next == tEqualEqual && least <= precEqual) {
		x = &Star{p.here()} // * has "x": any column
		p.next()
	} else if x = p.unary(); x == nil {
		return nil
	}
	most := precString
	for {
		op, prec := infix(p.kind())
		if prec < least || prec > most || prec == 0 {
			return x
		}
		most = prec
		if prec == precEqual || prec == precRelation || prec == precString {
			most--
		}
		switch op {
		case "in", "!in", "in~", "!in~", "has_any", "has_all":
			if op == "in" && p.peek(1).kind == kwRange {
				return x // make-series ... in range(...)
			}
			x = p.in(start, op, x)
			continue
		case "between", "!between":
			x = p.between(start, op, x)
			continue
		}
		at := p.here()
		p.next()
		y := p.binary(prec + 1)
		if y == nil {
			y = p.missing("expression")
		}
		x = &Binary{Span: p.from(start), Op: op, OpSpan: at, X: x, Y: y}
	}
}

func (p *parser) in(start int, op string, x Expr) Expr {
	in := &In{Op: op, OpSpan: p.here(), X: x}
	p.next()
	if p.expect(tOpenParen) {
		if !p.enter() {
			p.leave()
			in.Span = p.from(start)
			return in
		}
		first := p.pipe()
		if _, query := first.(*Pipe); query {
			in.List = []Expr{first}
		} else {
			if first == nil {
				first = p.missing("expression")
			}
			in.List = append(in.List, first)
			if p.accept(tComma) {
				in.List = append(in.List, p.exprList(p.unnamed, true)...)
			}
		}
		p.closing(tCloseParen)
		p.leave()
	}
	in.Span = p.from(start)
	return in
}

func (p *parser) between(start int, op string, x Expr) Expr {
	b := &Between{Not: op[0] == '!', X: x}
	p.next()
	if p.expect(tOpenParen) {
		b.Lo = p.required()
		p.expect(tDotDot)
		b.Hi = p.required()
		p.closing(tCloseParen)
	} else {
		b.Lo, b.Hi = &Missing{Span{p.end(), p.end()}}, &Missing{Span{p.end(), p.end()}}
	}
	b.Span = p.from(start)
	return b
}

// unary is an operand with at most one sign.
func (p *parser) unary() Expr {
	k := p.kind()
	if k != tMinus && k != tPlus {
		return p.postfix()
	}
	start := p.start()
	op := "-"
	if k == tPlus {
		op = "+"
	}
	p.next()
	x := p.postfix()
	if x == nil {
		x = p.missing("expression")
	}
	return &Unary{Span: p.from(start), Op: op, X: x}
}

// postfix is an operand with the paths behind it: x.a['b'][0].f().
func (p *parser) postfix() Expr {
	start := p.start()
	x := p.primary()
	if x == nil {
		return nil
	}
	return p.path(start, x, false)
}

// path reads what is behind a point or in brackets. For an entity, a name may
// end in a wildcard.
func (p *parser) path(start int, x Expr, entity bool) Expr {
	for steps := 0; ; steps++ {
		switch k := p.kind(); {
		case (k == tDot || k == tOpenBracket) && p.tooLong(steps):
			return x
		case k == tDot:
			p.next()
			if entity {
				if n, ok := p.wildName(); ok {
					return &Path{p.from(start), x, n}
				}
			}
			x = p.selector(start, x)
		case k == tOpenBracket:
			p.next()
			i := p.required()
			p.closing(tCloseBracket)
			x = &Element{p.from(start), x, i}
		default:
			return x
		}
	}
}

// selector is what follows a point: a name, ['name'], [index] or a call.
func (p *parser) selector(start int, x Expr) Expr {
	if n := p.nameLen(0, canIdent); n > 0 && p.peek(n).kind == tOpenParen {
		name := p.name()
		return p.call(start, x, name)
	}
	switch {
	case p.nameLen(0, canIdent|canSpecial) > 0:
		return &Path{Name: p.name(), X: x, Span: p.from(start)}
	case p.kind() == tOpenBracket:
		p.next()
		i := p.required()
		p.closing(tCloseBracket)
		return &Element{p.from(start), x, i}
	}
	n := p.declName(0)
	return &Path{p.from(start), x, n}
}

// call reads the arguments of name(...).
func (p *parser) call(start int, x Expr, name Name) *CallExpr {
	c := &CallExpr{X: x, Name: name}
	if p.expect(tOpenParen) {
		if p.enter() {
			c.Args = p.exprList(p.argument, false)
			p.closing(tCloseParen)
		}
		p.leave()
	}
	c.Span = p.from(start)
	return c
}

// exprList reads expressions between commas.
func (p *parser) exprList(element func() Expr, required bool) []Expr {
	if !required && p.ends() {
		return nil
	}
	var list []Expr
	for {
		x := element()
		if x == nil {
			if len(list) == 0 && !required && p.kind() != tComma {
				return nil
			}
			x = p.missing("expression")
		}
		list = append(list, x)
		if !p.accept(tComma) {
			return list
		}
	}
}

// argument is one argument of a call: an expression, name = expression, or *.
func (p *parser) argument() Expr {
	if next := p.peek(1).kind; p.kind() == tStar && (next == tCloseParen || next == tComma) {
		return p.star()
	}
	return p.named()
}

func (p *parser) star() Expr {
	s := &Star{p.here()}
	p.next()
	return s
}

// named is an expression that may be given a name: a = x, (a, b) = x.
func (p *parser) named() Expr {
	start := p.start()
	if n := p.nameLen(0, canIdent|canExtended); n > 0 {
		if p.peek(n).kind == tEqual {
			names := []Name{p.name()}
			p.next()
			return p.namedRest(&Named{Names: names}, start)
		}
	} else if k := p.tok(); k.keyword() && p.peek(1).kind == tEqual {
		return p.namedRest(&Named{Names: []Name{p.bracketless()}}, start)
	}
	if p.kind() == tOpenParen {
		if n := p.tupleLen(); n > 0 && p.peek(n).kind == tEqual {
			x := &Named{Tuple: true}
			p.next()
			for p.kind() != tCloseParen {
				x.Names = append(x.Names, p.name())
				p.accept(tComma)
			}
			p.next()
			p.next()
			return p.namedRest(x, start)
		}
	}
	if n := p.dashedLen(); n > 0 {
		// A name with a hyphen, which needs brackets.
		t := p.tok()
		text := p.src[t.start:p.peek(n-1).end]
		p.report("KS228", "The name '%s' has to be written ['%s'] here.", text, text)
		x := &Named{Names: []Name{{Span: Span{int(t.start), int(p.peek(n - 1).end)}, Text: text}}}
		p.pos += n + 1
		return p.namedRest(x, start)
	}
	return p.unnamed()
}

func (p *parser) namedRest(x *Named, start int) Expr {
	x.X = p.required()
	x.Span = p.from(start)
	return x
}

// bracketless reads a keyword that stands for a name before = and tells that it
// needs brackets.
func (p *parser) bracketless() Name {
	word := p.text(p.tok())
	p.report("KS228", "The name '%s' has to be written ['%s'] here.", word, word)
	n := Name{Span: p.here(), Text: word}
	p.next()
	p.next()
	return n
}

// dashedLen is the number of tokens of a-b before =, 0 for anything else.
func (p *parser) dashedLen() int {
	if t := p.tok(); t.kind != tIdent && !t.keyword() {
		return 0
	}
	n := 1
	for {
		t := p.peek(n)
		if t.space || t.kind != tIdent && t.kind != tMinus && !t.keyword() {
			break
		}
		n++
	}
	if n < 3 || p.peek(n).kind != tEqual {
		return 0
	}
	return n
}

// tupleLen is the number of tokens of (a, b), 0 for anything else.
func (p *parser) tupleLen() int {
	n := 1
	for {
		l := p.nameLen(n, canIdent|canExtended)
		if l == 0 {
			return 0
		}
		n += l
		switch p.peek(n).kind {
		case tCloseParen:
			return n + 1
		case tComma:
			n++
		default:
			return 0
		}
	}
}

// primary is an operand without sign and path; nil when there is none here.
func (p *parser) primary() Expr {
	start := p.start()
	switch p.kind() {
	case tLong, tReal, tTimeSpan, tBool, tTyped, tString, tRawGuid, kwDynamic:
		return p.literal()
	case tIdent:
		if p.peek(1).kind == tOpenParen {
			return p.call(start, nil, p.name())
		}
	case tOpenParen:
		return p.paren()
	case kwDatatable:
		return p.dataTable()
	case kwExternaldata, kwExternalData:
		return p.externalData()
	case kwToscalar, kwTotable:
		return p.tableCall()
	case kwTypeof:
		if p.peek(1).kind == tOpenParen {
			return p.typeOf()
		}
	case kwMaterializedViewCombine, kwContextualDatatable:
		at := p.here()
		p.skipOver()
		p.unsupported(at, p.src[at.Start:at.End])
		return &Missing{p.from(start)}
	case tOpenBracket:
		if p.peek(1).kind != tString && p.peek(1).kind != tStar && p.peek(2).kind != tStar {
			// [x] where a name is asked for
			p.next()
			i := p.required()
			p.closing(tCloseBracket)
			return &Element{p.from(start), &Missing{Span{start, start}}, i}
		}
		if n, ok := p.bracketedWildName(); ok {
			return &NameRef{n}
		}
	case tOpenBrace:
		if p.isClientParameter() {
			return p.clientParameter()
		}
	}
	if n := p.nameLen(0, canIdent|canSpecial); n > 0 {
		callable := p.nameLen(0, canIdent) > 0
		name := p.name()
		if callable && p.kind() == tOpenParen {
			return p.call(start, nil, name)
		}
		x := &NameRef{name}
		p.dataScope()
		return x
	}
	if p.keywordAsName() {
		word := p.text(p.tok())
		p.report("KS228", "The name '%s' has to be written ['%s'] here.", word, word)
		p.next()
		return &NameRef{Name{Span: p.from(start), Text: word}}
	}
	return nil
}

// isClientParameter tells whether {name} or {name[1]} is here, which clients
// replace before they send a query.
func (p *parser) isClientParameter() bool {
	t := p.peek(1)
	if t.space || t.kind != tIdent && !t.keyword() {
		return false
	}
	end := p.peek(2)
	return !end.space && (end.kind == tCloseBrace || end.kind == tOpenBracket)
}

func (p *parser) clientParameter() Expr {
	start := p.start()
	for p.kind() != tCloseBrace && p.kind() != tEOF {
		p.next()
	}
	p.accept(tCloseBrace)
	p.unsupported(p.from(start), "A parameter that the client fills in")
	return &Missing{p.from(start)}
}

// keywordAsName tells whether the current keyword was meant as a name, by what
// follows it.
func (p *parser) keywordAsName() bool {
	if !p.tok().keyword() {
		return false
	}
	switch k := p.peek(1).kind; k {
	case kwAnd, kwOr, tEqualEqual, tBangEqual, tGreater, tGreaterEqual, tLess, tLessEqual, tStar, tSlash, tPercent, tCloseParen, tCloseBracket, tCloseBrace,
		tDot, tComma, tBar, kwIn, kwInCi, kwNotIn, kwNotInCI, kwHasAny, kwHasAll, kwBetween, kwNotBetween:
		return true
	default:
		return stringOp(k) != ""
	}
}

func (p *parser) paren() Expr {
	start := p.start()
	p.next()
	x := &Paren{}
	if p.enter() {
		if x.X = p.pipe(); x.X == nil {
			x.X = p.missing("expression")
		}
		p.closing(tCloseParen)
	} else {
		x.X = &Missing{Span{p.end(), p.end()}}
	}
	p.leave()
	x.Span = p.from(start)
	return x
}

// tableCall is toscalar(query) and totable(query), and materialize(query), which
// is only for let. A kind=nooptimization says nothing about the result and is
// dropped.
func (p *parser) tableCall() Expr {
	start := p.start()
	c := &CallExpr{Name: Name{Span: p.here(), Text: p.text(p.tok())}}
	p.next()
	if p.kind() == kwKind && p.peek(1).kind == tEqual {
		p.next()
		p.next()
		if t := p.tok(); t.kind == tIdent || t.keyword() {
			p.next()
		} else {
			p.missing("value")
		}
	}
	if p.expect(tOpenParen) {
		if p.enter() {
			x := p.pipe()
			if x == nil {
				x = p.missing("expression")
			}
			c.Args = []Expr{x}
			p.closing(tCloseParen)
		}
		p.leave()
	}
	c.Span = p.from(start)
	return c
}

// dataScope goes over datascope = all|hotcache behind a table. It tells Kusto
// which of its storage to read; all data here is in one.
func (p *parser) dataScope() {
	if p.kind() != kwDatascope {
		return
	}
	p.next()
	p.expect(tEqual)
	if t := p.tok(); t.keyword() || t.kind == tIdent {
		if w := p.text(t); w == "all" || w == "hotcache" {
			p.next()
			return
		}
	}
	p.report("KS005", "Expected one of: all, hotcache")
}
