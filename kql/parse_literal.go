package kql

import "strings"

// literal reads a constant; nil when there is none here.
func (p *parser) literal() Expr {
	t := p.tok()
	switch t.kind {
	case tString:
		start := p.start()
		v := StringOf(p.stringTokens())
		s := p.from(start)
		return &Literal{Span: s, Value: v, Text: p.src[s.Start:s.End]}
	case tLong, tReal, tTimeSpan, tBool:
		p.next()
		return p.number(t, "")
	case tTyped:
		return p.typedLiteral()
	case tRawGuid:
		p.report("KS004", "A GUID is written guid(%s).", p.text(t))
		text := p.text(t)
		v, _ := typedValue(Guid, text)
		p.next()
		return &Literal{Span: p.from(int(t.start)), Value: v, Text: text}
	case kwDynamic:
		if p.peek(1).kind == tOpenParen {
			return p.dynamic()
		}
	case tPlus, tMinus:
		n := p.peek(1)
		if n.space || n.kind != tLong && n.kind != tReal && n.kind != tTimeSpan {
			return nil
		}
		p.next()
		p.next()
		return p.number(n, p.text(t))
	case kwTypeof:
		if p.peek(1).kind == tOpenParen {
			return p.typeOf()
		}
	case tOpenBrace:
		if p.isClientParameter() {
			return p.clientParameter()
		}
	}
	return nil
}

// stringTokens is the value of the adjacent string literals here.
func (p *parser) stringTokens() string {
	s := stringValue(p.text(p.next()))
	if p.kind() != tString {
		return s
	}
	var b strings.Builder
	b.WriteString(s)
	for p.kind() == tString {
		b.WriteString(stringValue(p.text(p.next())))
	}
	return b.String()
}

// number is the value of a token that was read, with the sign before it.
func (p *parser) number(t token, sign string) Expr {
	text := p.text(t)
	start := int(t.start) - len(sign)
	lit := &Literal{Span: Span{start, int(t.end)}, Text: sign + text}
	neg := sign == "-"
	ok := true
	switch t.kind {
	case tBool:
		lit.Value = BoolOf(text[0]|0x20 == 't')
	case tLong:
		var n int64
		n, ok = longFromText(text)
		if n == -1<<63 && text[0] != '0' && !neg {
			ok = false
		}
		if neg {
			n = -n
		}
		lit.Value = LongOf(n)
		if !ok {
			p.malformed(lit, "a long")
		}
	case tReal:
		f, fine := realFromText(text)
		if neg {
			f = -f
		}
		if lit.Value, ok = RealOf(f), fine; !ok {
			p.malformed(lit, "a real")
		}
	case tTimeSpan:
		n, fine := spanFromText(text)
		if neg {
			n = -n
		}
		if lit.Value, ok = TimeSpanOf(n), fine; !ok {
			p.malformed(lit, "a timespan")
		}
	}
	return lit
}

// malformed tells that a literal has no value. It is well-formed as far as the
// grammar goes.
func (p *parser) malformed(lit *Literal, what string) {
	p.add(Diagnostic{Span: lit.Span, Code: "KS004", Msg: "Malformed literal: " + short(lit.Text) + " is not " + what + "."})
}

func (p *parser) typedLiteral() Expr {
	t := p.next()
	text := p.text(t)
	i := 0
	for text[i] != '(' {
		i++
	}
	inner := text[i+1:]
	if n := len(inner); n > 0 && inner[n-1] == ')' {
		inner = inner[:n-1]
	}
	lit := &Literal{Span: p.from(int(t.start)), Text: inner}
	var ok bool
	if lit.Value, ok = typedValue(t.typ, inner); !ok {
		lit.Value = Null(t.typ)
		what := "a " + t.typ.String()
		if t.typ == Int {
			what = "an int"
		}
		p.malformed(lit, what)
	}
	return lit
}

// dynamic reads dynamic(...): JSON that may hold literals of KQL.
func (p *parser) dynamic() Expr {
	start := p.start()
	p.next()
	p.next()
	inner := p.start()
	var d Dyn
	if p.enter() {
		d = p.json()
	}
	p.leave()
	lit := &Literal{Value: DynamicOf(d), Text: p.src[min(inner, p.end()):p.end()]}
	p.closing(tCloseParen)
	lit.Span = p.from(start)
	return lit
}

// json reads a value of a dynamic literal.
func (p *parser) json() Dyn {
	switch t := p.tok(); t.kind {
	case tLong, tReal, tBool, tTimeSpan, tTyped, tString, kwDynamic, tRawGuid:
		if t.kind == tTyped && t.typ == Int {
			break
		}
		if lit, ok := p.literal().(*Literal); ok {
			return dynOf(lit.Value)
		}
	case tMinus:
		n := p.peek(1)
		if n.kind == tLong || n.kind == tReal || n.kind == tTyped && (n.typ == Long || n.typ == Real) {
			p.next()
			if lit, ok := p.literal().(*Literal); ok {
				switch d := dynOf(lit.Value).(type) {
				case int64:
					return -d
				case float64:
					return -d
				}
			}
			return nil
		}
	case kwNull:
		p.next()
		return nil
	case tOpenBracket, tOpenBrace:
		if t.kind == tOpenBrace && p.isClientParameter() {
			p.clientParameter()
			return nil
		}
		if !p.enter() {
			p.leave()
			return nil
		}
		defer p.leave()
		if t.kind == tOpenBracket {
			return p.jsonArray()
		}
		return p.jsonObject()
	}
	p.report("KS006", "Missing JSON value%s", p.hint())
	return nil
}

func (p *parser) jsonArray() Dyn {
	p.next()
	list := []Dyn{}
	if p.kind() != tCloseBracket {
		for {
			list = append(list, p.json())
			if !p.accept(tComma) {
				break
			}
		}
	}
	p.closing(tCloseBracket)
	return list
}

func (p *parser) jsonObject() Dyn {
	p.next()
	bag := NewBag()
	for p.kind() != tCloseBrace {
		if p.kind() != tString {
			p.report("KS006", "Missing JSON pair%s; names are strings: \"name\": value", p.hint())
			break
		}
		name := stringValue(p.text(p.next()))
		p.expect(tColon)
		bag.Set(name, p.json())
		if !p.accept(tComma) {
			break
		}
		if p.kind() == tCloseBrace {
			p.report("KS006", "Missing JSON pair")
		}
	}
	p.closing(tCloseBrace)
	return bag
}

// typeOf is typeof(type) or typeof(name:type, *).
func (p *parser) typeOf() *TypeOf {
	start := p.start()
	p.next()
	t := &TypeOf{}
	if !p.expect(tOpenParen) {
		t.Span = p.from(start)
		return t
	}
	if p.peek(1).kind == tCloseParen && p.kind() != tStar || p.kind() == kwType || p.kind() == kwDynamic {
		t.Type = p.typeName(true)
	} else {
		for p.kind() != tCloseParen {
			if p.kind() == tStar {
				p.next()
				t.Star = true
			} else if c, ok := p.column(); ok {
				t.Columns = append(t.Columns, c)
			} else {
				p.report("KS006", "Missing type")
				break
			}
			if !p.accept(tComma) {
				break
			}
		}
	}
	p.closing(tCloseParen)
	t.Span = p.from(start)
	return t
}

// dataTable is datatable (columns) [values].
func (p *parser) dataTable() Expr {
	start := p.start()
	p.next()
	d := &DataTable{}
	p.refuse(p.props(nil, false))
	d.Columns = p.columns(false)
	if p.expect(tOpenBracket) {
		p.accept(tComma)
		for !p.ends() {
			x := p.literal()
			if x == nil {
				p.report("KS006", "Missing value%s", p.hint())
				break
			}
			d.Values = append(d.Values, x)
			if !p.accept(tComma) {
				break
			}
		}
		p.closing(tCloseBracket)
	}
	d.Span = p.from(start)
	return d
}

// externalData is externaldata (columns) [uris] with (properties).
func (p *parser) externalData() Expr {
	start := p.start()
	p.next()
	d := &ExternalData{}
	p.refuse(p.props(nil, false))
	d.Columns = p.columns(false)
	if p.expect(tOpenBracket) {
		for !p.ends() {
			x := p.pipe()
			if x == nil {
				x = p.missing("value")
			}
			d.URIs = append(d.URIs, x)
			if !p.accept(tComma) {
				break
			}
		}
		p.closing(tCloseBracket)
	}
	if p.accept(kwWith) {
		if p.expect(tOpenParen) {
			d.Props = p.withProps()
			p.closing(tCloseParen)
		}
	}
	d.Span = p.from(start)
	return d
}

// withProps is name = value, ... of any names.
func (p *parser) withProps() []Property {
	var list []Property
	for !p.ends() {
		start := p.start()
		if p.nameLen(0, canIdent|canExtended) == 0 {
			p.report("KS006", "Missing parameter%s", p.hint())
			return list
		}
		prop := Property{Name: p.name()}
		p.expect(tEqual)
		if p.nameLen(0, canIdent|canExtended) > 0 {
			prop.Value = &NameRef{p.name()}
		} else if prop.Value = p.literal(); prop.Value == nil {
			prop.Value = p.missing("value")
		}
		prop.Span = p.from(start)
		list = append(list, prop)
		if !p.accept(tComma) {
			return list
		}
	}
	return list
}

// refuse tells that parameters mean nothing where they are.
func (p *parser) refuse(props []Property) {
	for _, prop := range props {
		p.unsupported(prop.Span, "The parameter "+prop.Name.Text)
	}
}
