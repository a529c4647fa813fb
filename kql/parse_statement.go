package kql

import (
	"fmt"
	"strings"
)

// statements reads to the end of the text.
func (p *parser) statements() []Statement {
	var list []Statement
	for p.kind() == tDirective {
		// What a client is told on a line of its own; mostly a comment in a
		// wrong spelling. Only the one that asks for another server matters.
		if text := p.text(p.tok()); strings.HasPrefix(text, "#connect") {
			p.unsupported(p.here(), "#connect")
		}
		p.next()
	}
	for {
		if p.kind() == tEOF {
			return list
		}
		before := p.pos
		s := p.statement()
		if s != nil {
			list = append(list, s)
			if p.accept(tSemicolon) || p.kind() == tEOF {
				continue
			}
			if t := p.tok(); t.newline && (t.kind == tIdent || t.keyword()) && p.pos > before {
				// A statement follows without a semicolon.
				p.report("KS005", "Expected: ;%s", p.hint())
				continue
			}
		}
		p.unexpected()
		p.recover(before)
	}
}

// recover goes on behind what was not understood: with the next statement, or
// after a bracket that nobody opened.
func (p *parser) recover(before int) {
	for {
		if p.pos == before {
			p.next()
		}
		p.skip()
		switch p.kind() {
		case tCloseParen, tCloseBracket, tCloseBrace, tBar:
			p.next()
			before = -1
			continue
		case tSemicolon:
			p.next()
		}
		return
	}
}

// statement is nil when there is none here.
func (p *parser) statement() Statement {
	start := p.start()
	switch next := p.peek(1); p.kind() {
	case kwLet:
		if p.nameLen(1, canIdent) > 0 || next.keyword() {
			return p.let()
		}
	case kwSet:
		return p.setOption()
	case kwDeclare:
		switch next.kind {
		case kwPattern:
			return p.declarePattern()
		case kwQueryParameters:
			return p.declareParameters()
		}
	case kwAlias:
		if next.kind == kwDatabase {
			p.next()
			p.next()
			a := &Alias{Name: p.declName(canIdent)}
			p.expect(tEqual)
			a.X = p.required()
			a.Span = p.from(start)
			return a
		}
	case kwRestrict:
		if next.kind == kwAccess {
			return p.restrict()
		}
	}
	x := p.pipe()
	if x == nil {
		return nil
	}
	return &ExprStatement{p.from(start), x}
}

func (p *parser) let() Statement {
	start := p.start()
	p.next()
	s := &Let{Name: p.declName(canIdent)}
	p.expect(tEqual)
	switch {
	case p.kind() == kwEntityGroup:
		at := p.here()
		p.skipOver()
		p.unsupported(Span{at.Start, p.end()}, "entity_group")
		s.Value = &Missing{p.from(at.Start)}
	case p.kind() == kwMaterialize:
		s.Value = p.tableCall()
	case p.funcStarts():
		s.Value = p.funcDecl()
	default:
		if s.Value = p.pipe(); s.Value == nil {
			s.Value = p.missing("expression")
		}
	}
	s.Span = p.from(start)
	return s
}

// skipOver goes over the rest of an operator that is not supported.
func (p *parser) skipOver() {
	p.next()
	p.skip()
}

// funcStarts tells whether a function's declaration begins here: view, or a
// parenthesis that holds nothing or name:type.
func (p *parser) funcStarts() bool {
	n := 0
	if p.kind() == kwView {
		n = 1
	}
	if p.peek(n).kind != tOpenParen {
		return false
	}
	n++
	switch p.peek(n).kind {
	case tCloseParen, tStar:
		return true
	}
	l := p.nameLen(n, canIdent|canExtended)
	return l > 0 && p.peek(n+l).kind == tColon
}

func (p *parser) funcDecl() *FuncDecl {
	start := p.start()
	f := &FuncDecl{View: p.accept(kwView)}
	if !p.enter() {
		p.leave()
		f.Body = &FuncBody{}
		return f
	}
	defer p.leave()
	if p.expect(tOpenParen) {
		f.Params = p.params(false)
		p.expect(tCloseParen)
	}
	f.Body = p.funcBody(true)
	f.Span = p.from(start)
	return f
}

// funcBody is { statements; expression }. Statements are let and, in functions
// but not in patterns, declare query_parameters.
func (p *parser) funcBody(declare bool) *FuncBody {
	start := p.start()
	b := &FuncBody{}
	if !p.expect(tOpenBrace) {
		return b
	}
	for {
		if p.kind() == kwLet {
			b.Statements = append(b.Statements, p.let())
		} else if declare && p.kind() == kwDeclare && p.peek(1).kind == kwQueryParameters {
			b.Statements = append(b.Statements, p.declareParameters())
		} else {
			break
		}
		if !p.expect(tSemicolon) && !p.tok().newline {
			p.skip()
			p.accept(tSemicolon)
		}
	}
	at := p.start()
	if x := p.pipe(); x != nil {
		b.Statements = append(b.Statements, &ExprStatement{p.from(at), x})
	}
	p.accept(tSemicolon)
	p.closing(tCloseBrace)
	b.Span = p.from(start)
	return b
}

// closing expects a bracket; what is before it and was not understood is left
// out.
func (p *parser) closing(k kind) {
	if p.accept(k) {
		return
	}
	p.report("KS005", "Expected: %s%s", kindText(k), p.hint())
	pos := p.pos
	for {
		p.skip()
		if (p.kind() == tBar || p.kind() == tSemicolon && k == tCloseBrace) && p.pos >= pos {
			p.next()
			continue
		}
		break
	}
	p.accept(k)
}

// params are the parameters of a function or of declare query_parameters.
func (p *parser) params(required bool) []ParamDecl {
	if !required && p.kind() == tCloseParen {
		return nil
	}
	return commaList(p, p.param, func() ParamDecl {
		p.missing("parameter")
		return ParamDecl{Span: p.from(p.end()), Type: Name{Text: "string"}}
	}, false)
}

// param is name:type = default.
func (p *parser) param() (ParamDecl, bool) {
	start := p.start()
	d := ParamDecl{}
	if p.kind() == tStar { // (*) as the whole list: any arguments
		p.unexpected()
		p.next()
		return d, true
	}
	if p.nameLen(0, canIdent|canExtended) == 0 && p.kind() != tColon {
		return d, false
	}
	d.Name = p.declName(canIdent | canExtended)
	p.expect(tColon)
	if p.kind() == tOpenParen {
		d.Table = true
		if p.peek(1).kind == tStar {
			p.next()
			p.next()
			d.Star = true
			p.closing(tCloseParen)
		} else {
			d.Columns = p.columns(false)
		}
	} else {
		d.Type = p.typeName(false)
	}
	if p.accept(tEqual) {
		if d.Default = p.literal(); d.Default == nil {
			if p.isName(0, canIdent) {
				d.Default = &NameRef{p.name()}
			} else {
				d.Default = p.missing("expression")
			}
		}
	}
	d.Span = p.from(start)
	return d, true
}

// columns is (name:type, ...) of a schema.
func (p *parser) columns(required bool) []ColumnDecl {
	if p.kind() != tOpenParen {
		p.report("KS006", "Missing schema declaration%s", p.hint())
		return nil
	}
	p.next()
	p.accept(tComma)
	list := p.columnList()
	if required && len(list) == 0 {
		p.missing("column")
	}
	p.closing(tCloseParen)
	return list
}

func (p *parser) columnList() []ColumnDecl {
	return commaList(p, p.column, func() ColumnDecl {
		p.missing("column")
		return ColumnDecl{Span: p.from(p.end())}
	}, true)
}

func (p *parser) column() (ColumnDecl, bool) {
	start := p.start()
	if p.nameLen(0, canIdent|canExtended) == 0 && p.kind() != tColon {
		return ColumnDecl{}, false
	}
	c := ColumnDecl{Name: p.declName(canIdent | canExtended)}
	p.expect(tColon)
	c.Type = p.typeName(false)
	c.Span = p.from(start)
	return c, true
}

// typeName is the name of a type. Declarations do not take every spelling that
// typeof does; float and the unsigned ones are for typeof only.
func (p *parser) typeName(typeof bool) Name {
	t := p.tok()
	n := Name{Span: p.here(), Text: p.text(t)}
	switch t.kind {
	case kwType, kwTypeName, kwDynamic, tIdent:
	case tTyped: // a type name that is glued to a parenthesis
		p.report("KS006", "Missing type name")
		p.next()
		return n
	default:
		if nameClass[t.kind]&canIdent == 0 || t.kind == tEOF {
			p.report("KS006", "Missing type name%s", p.hint())
			return Name{Span: Span{p.end(), p.end()}}
		}
	}
	known := true
	switch n.Text {
	case "bool", "boolean", "date", "datetime", "decimal", "double", "dynamic", "guid", "int", "int64", "int8", "long", "real", "string", "time", "timespan", "uniqueid":
	case "float", "int16", "int32", "uint", "uint16", "uint32", "uint64", "uint8", "ulong":
		known = typeof
	default:
		known = false
	}
	if !known {
		// typeof takes any name as far as the grammar goes.
		p.add(Diagnostic{Span: n.Span, Code: "KS160", Msg: fmt.Sprintf("The name '%s' is not a type that can be used here.", short(n.Text)), Syntax: !typeof || t.kind != tIdent})
	}
	p.next()
	return n
}

func (p *parser) setOption() Statement {
	start := p.start()
	p.next()
	s := &SetOption{Name: p.declName(canIdent)}
	if p.accept(tEqual) {
		s.Value = p.required()
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) declareParameters() Statement {
	start := p.start()
	p.next()
	p.next()
	s := &DeclareParameters{}
	p.expect(tOpenParen)
	s.Params = p.params(true)
	if len(s.Params) == 0 {
		p.missing("parameter")
	}
	p.closing(tCloseParen)
	s.Span = p.from(start)
	return s
}

func (p *parser) restrict() Statement {
	start := p.start()
	p.next()
	p.next()
	p.expect(kwTo)
	p.expect(tOpenParen)
	s := &Restrict{Names: p.exprList(p.entity, true)}
	p.closing(tCloseParen)
	if p.kind() == kwWith && p.peek(1).kind == tOpenParen {
		at := p.start()
		p.next()
		p.next()
		p.skip()
		p.closing(tCloseParen)
		p.unsupported(p.from(at), "restrict access ... with")
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) declarePattern() Statement {
	start := p.start()
	p.next()
	p.next()
	s := &DeclarePattern{Name: p.declName(canIdent)}
	if p.accept(tEqual) {
		p.expect(tOpenParen)
		s.Params = p.params(false)
		p.closing(tCloseParen)
		if p.accept(tOpenBracket) {
			if d, ok := p.param(); ok {
				s.Path = &d
			} else {
				p.missing("parameter")
			}
			p.closing(tCloseBracket)
		}
		p.expect(tOpenBrace)
		for p.kind() == tOpenParen {
			s.Matches = append(s.Matches, p.patternMatch())
		}
		if len(s.Matches) == 0 {
			p.report("KS006", "Missing pattern match")
		}
		p.closing(tCloseBrace)
	}
	s.Span = p.from(start)
	return s
}

// patternMatch is ("a", "b").["path"] = { body };
func (p *parser) patternMatch() PatternMatch {
	start := p.start()
	p.next()
	m := PatternMatch{Args: p.exprList(p.unnamed, true)}
	p.closing(tCloseParen)
	if p.accept(tDot) {
		p.expect(tOpenBracket)
		if m.Path = p.literal(); m.Path == nil {
			m.Path = p.missing("string")
		}
		p.closing(tCloseBracket)
	}
	p.expect(tEqual)
	m.Body = p.funcBody(false)
	p.expect(tSemicolon)
	m.Span = p.from(start)
	return m
}
