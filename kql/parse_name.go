package kql

// nameLen is the number of tokens of a name that is n tokens from here: 1 for a
// word, more for ['a name'], 0 for no name. can tells which keywords may be one.
func (p *parser) nameLen(n int, can uint8) int {
	t := p.peek(n)
	switch t.kind {
	case tIdent:
		return 1
	case tOpenBracket:
		l := 1
		for p.peek(n+l).kind == tString {
			l++
		}
		if l > 1 && p.peek(n+l).kind == tCloseBracket {
			return l + 1
		}
		return 0
	}
	if t.kind >= firstKeyword && nameClass[t.kind]&can != 0 {
		return 1
	}
	return 0
}

// isName tells whether a word that is a name is n tokens from here.
func (p *parser) isName(n int, can uint8) bool {
	return p.nameLen(n, can) == 1
}

// name reads a name that is known to be here.
func (p *parser) name() Name {
	start := p.start()
	if p.kind() != tOpenBracket {
		n := Name{Span: p.here(), Text: p.text(p.tok())}
		p.next()
		return n
	}
	p.next()
	n := Name{Text: p.stringTokens(), Quoted: true}
	p.next()
	n.Span = p.from(start)
	return n
}

// declName reads a name where one must be.
func (p *parser) declName(can uint8) Name {
	if p.nameLen(0, can) > 0 {
		return p.name()
	}
	at := Span{p.end(), p.end()}
	t := p.tok()
	if p.kind() == tOpenBrace && p.isClientParameter() {
		p.clientParameter()
		return Name{Span: at}
	}
	if !t.keyword() {
		p.report("KS006", "Missing name%s", p.hint())
		return Name{Span: at}
	}
	word := p.text(t)
	p.report("KS006", "Missing name: if the keyword '%s' is meant as a name, it is written ['%s'].", word, word)
	if next := p.peek(1).kind; next == tEqual || next == tColon || next == tComma || next == tCloseParen || p.keywordAsName() {
		p.next()
		return Name{Span: p.from(int(t.start)), Text: word}
	}
	return Name{Span: at}
}

// wildName reads a name with a star in it: Device*, *x*.
func (p *parser) wildName() (Name, bool) {
	n := p.wildLen(0)
	if n == 0 {
		return Name{}, false
	}
	at := Span{p.start(), int(p.peek(n - 1).end)}
	p.pos += n
	return Name{Span: at, Text: p.src[at.Start:at.End], Wild: true}, true
}

// wildLen is the number of tokens of a name with a star, n tokens from here.
func (p *parser) wildLen(n int) int {
	part := func(t token) bool { return t.kind == tIdent || nameClass[t.kind]&canExtended != 0 }
	from := n
	if t := p.peek(n); t.kind == tStar {
		n++
	} else if next := p.peek(n + 1); part(t) && next.kind == tStar && !next.space {
		n += 2
	} else {
		return 0
	}
	for t := p.peek(n); !t.space && (part(t) || t.kind == tLong || t.kind == tStar); t = p.peek(n) {
		n++
	}
	return n - from
}

// bracketedWildName reads [Device*].
func (p *parser) bracketedWildName() (Name, bool) {
	if p.kind() != tOpenBracket || p.wildLen(1) == 0 {
		return Name{}, false
	}
	start := p.start()
	p.next()
	n, _ := p.wildName()
	p.closing(tCloseBracket)
	n.Span = p.from(start)
	return n, true
}

// entity is a table or a path to one, with wildcards: T, Device*,
// database("d").T*, ['a table'].
func (p *parser) entity() Expr {
	start := p.start()
	if p.kind() == tOpenBracket {
		if n, ok := p.bracketedWildName(); ok {
			return &NameRef{n}
		}
	}
	if n, ok := p.wildName(); ok {
		return &NameRef{n}
	}
	n := p.nameLen(0, canIdent|canSpecial)
	if n == 0 {
		return nil
	}
	callable := p.nameLen(0, canIdent) > 0
	name := p.name()
	var x Expr = &NameRef{name}
	if callable && p.kind() == tOpenParen {
		x = p.call(start, nil, name)
	}
	return p.path(start, x, true)
}

// columnPath is a column or a path into one, without operators and calls.
func (p *parser) columnPath() Expr {
	start := p.start()
	if p.nameLen(0, canIdent|canSpecial) == 0 {
		return nil
	}
	var x Expr = &NameRef{p.name()}
	for steps := 0; !p.tooLong(steps); steps++ {
		switch {
		case p.kind() == tOpenBracket, p.kind() == tDot && p.peek(1).kind == tOpenBracket && p.nameLen(1, 0) == 0:
			p.accept(tDot)
			p.next()
			i := p.required()
			p.closing(tCloseBracket)
			x = &Element{p.from(start), x, i}
		case p.kind() == tDot:
			p.next()
			n := p.declName(canIdent | canSpecial)
			x = &Path{p.from(start), x, n}
		default:
			return x
		}
	}
	return x
}
