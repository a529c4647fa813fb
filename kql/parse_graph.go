package kql

func (p *parser) makeGraph() Operator {
	start := p.start()
	p.next()
	op := &MakeGraphOp{Props: p.props(nil, true)}
	op.From = p.requiredColumn()
	switch {
	case p.glyph("-->"):
		op.Dir = "-->"
	case p.glyph("--"):
		op.Dir = "--"
	default:
		p.report("KS005", "Expected one of: -->, --")
	}
	op.To = p.requiredColumn()
	if p.accept(kwWithNodeId) {
		p.expect(tEqual)
		n := p.declName(canIdent)
		op.WithNodeID = &n
	} else if p.accept(kwWith) {
		op.Nodes = commaList(p, p.graphNodes, func() GraphNodes {
			return GraphNodes{Span: Span{p.end(), p.end()}, Table: p.missing("expression"), On: &Missing{Span{p.end(), p.end()}}}
		}, false)
		if len(op.Nodes) == 0 {
			p.missing("expression")
		}
	}
	if p.accept(kwPartitionedBy) {
		if op.PartitionBy = p.columnPath(); op.PartitionBy == nil {
			op.PartitionBy = p.missing("name")
		}
		op.Sub = p.subQuery()
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) requiredColumn() Expr {
	if p.nameLen(0, canIdent) > 0 {
		return &NameRef{p.name()}
	}
	return p.missing("name")
}

// graphNodes is T on key.
func (p *parser) graphNodes() (GraphNodes, bool) {
	g := GraphNodes{Span: p.here()}
	if p.kind() == kwPartitionedBy {
		return g, false
	}
	if g.Table = p.unary(); g.Table == nil {
		return g, false
	}
	p.expect(kwOn)
	g.On = p.requiredColumn()
	g.Span = p.from(g.Start)
	return g, true
}

// glyph goes over the tokens that together are s, with nothing between them.
func (p *parser) glyph(s string) bool {
	n, at := 0, p.start()
	for at < p.start()+len(s) {
		t := p.peek(n)
		if t.kind == tEOF || int(t.start) != at || int(t.end) > p.start()+len(s) {
			return false
		}
		at = int(t.end)
		n++
	}
	if p.src[p.start():at] != s {
		return false
	}
	p.pos += n
	return true
}

// graphMatch is graph-match and graph-shortest-paths.
func (p *parser) graphMatch() Operator {
	start := p.start()
	op := &GraphMatchOp{Shortest: p.kind() == kwGraphShortestPaths}
	p.next()
	op.Props = p.props([]string{"output"}, true)
	for {
		var pattern []GraphStep
		for {
			s, ok := p.graphStep()
			if !ok {
				break
			}
			pattern = append(pattern, s)
		}
		if len(pattern) == 0 {
			p.report("KS006", "Missing graph match pattern%s", p.hint())
		}
		op.Patterns = append(op.Patterns, pattern)
		if !p.accept(tComma) {
			break
		}
	}
	if p.accept(kwWhere) {
		op.Where = p.required()
	}
	if p.accept(kwProject) {
		op.Project = p.namedList(true)
	}
	op.Span = p.from(start)
	return op
}

// graphStep is a node (a) or an edge: -->, <--, --, -[e]->, <-[e*1..3]-, -[e]-.
func (p *parser) graphStep() (GraphStep, bool) {
	s := GraphStep{Span: p.here()}
	switch {
	case p.accept(tOpenParen):
		p.stepName(&s)
		p.closing(tCloseParen)
		s.Span = p.from(s.Start)
		return s, true
	case p.glyph("-->"):
		s.Dir = "->"
	case p.glyph("<--"):
		s.Dir = "<-"
	case p.glyph("--"):
		s.Dir = "--"
	case p.glyph("-["):
		s.Dir = "->"
	case p.glyph("<-["):
		s.Dir = "<-"
	default:
		return s, false
	}
	s.Edge = true
	if p.toks[p.pos-1].kind == tOpenBracket {
		p.stepName(&s)
		if p.accept(tStar) {
			s.Var = true
			if s.Min = p.unary(); s.Min == nil {
				s.Min = p.missing("value")
			}
			p.expect(tDotDot)
			if s.Max = p.unary(); s.Max == nil {
				s.Max = p.missing("expression")
			}
		}
		switch {
		case p.glyph("]->"):
			if s.Dir == "<-" {
				p.told = -1
				p.add(Diagnostic{Span: p.from(s.Start), Msg: "An edge has one direction.", Syntax: true})
			}
		case p.glyph("]-"):
			if s.Dir == "->" {
				s.Dir = "--"
			}
		default:
			p.report("KS005", "Expected one of: ]->, ]-")
			p.skip()
			p.accept(tCloseBracket)
		}
	}
	s.Span = p.from(s.Start)
	return s, true
}

func (p *parser) stepName(s *GraphStep) {
	if p.nameLen(0, canIdent) > 0 {
		n := p.name()
		s.Name = &n
	}
}

func (p *parser) graphMarkComponents() Operator {
	start := p.start()
	p.next()
	props := p.props([]string{"with_component_id"}, true)
	return &GraphMarkComponentsOp{p.from(start), props}
}

func (p *parser) graphToTable() Operator {
	start := p.start()
	p.next()
	op := &GraphToTableOp{}
	for {
		o := GraphOutput{Span: p.here()}
		switch p.kind() {
		case kwNodes, kwEdges:
			o.Entity = p.text(p.next())
		default:
			p.report("KS005", "Expected one of: nodes, edges")
			op.Span = p.from(start)
			return op
		}
		if p.accept(kwAs) {
			n := p.declName(canIdent)
			o.As = &n
		}
		if o.Entity == "nodes" {
			o.Props = p.props([]string{"with_node_id"}, true)
		} else {
			o.Props = p.props([]string{"with_source_id", "with_target_id"}, true)
		}
		o.Span = p.from(o.Start)
		op.Outputs = append(op.Outputs, o)
		if !p.accept(tComma) {
			break
		}
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) graphWhere() Operator {
	start := p.start()
	op := &GraphWhereOp{Nodes: p.kind() == kwGraphWhereNodes}
	p.next()
	op.X = p.required()
	op.Span = p.from(start)
	return op
}
