package kql

import (
	"slices"
	"strings"
)

func (p *parser) search() Operator {
	start := p.start()
	p.next()
	op := &SearchOp{Props: p.props(nil, true)}
	p.dataScope()
	op.Tables = p.inTables()
	x := p.unnamed()
	if x == nil && p.kind() == tStar {
		x = p.star()
		if p.kind() == kwAnd {
			at := p.here()
			p.next()
			y := p.required()
			x = &Binary{Span: p.from(x.Pos().Start), Op: "and", OpSpan: at, X: x, Y: y}
		}
	}
	if x == nil {
		x = p.missing("expression")
	}
	op.X = x
	op.Span = p.from(start)
	return op
}

// inTables is in (T, Device*, ...) of search and find; nil when it is not there.
func (p *parser) inTables() []Expr {
	if p.kind() != kwIn {
		return nil
	}
	p.next()
	if !p.expect(tOpenParen) {
		return nil
	}
	list := p.exprList(func() Expr {
		start := p.start()
		x := p.entity()
		if x != nil && p.kind() == tBar { // T | as Name
			p.next()
			pipe := &Pipe{Source: x}
			if p.kind() == kwAs {
				pipe.Ops = append(pipe.Ops, p.as())
			} else {
				p.report("KS176", "Query operator expected.")
			}
			pipe.Span = p.from(start)
			return pipe
		}
		return x
	}, true)
	p.closing(tCloseParen)
	return list
}

func (p *parser) find() Operator {
	start := p.start()
	p.next()
	p.dataScope()
	op := &FindOp{Props: p.props(nil, false)}
	op.Tables = p.inTables()
	if len(op.Props) > 0 || op.Tables != nil {
		p.expect(kwWhere)
	} else {
		p.accept(kwWhere)
	}
	op.X = p.required()
	switch p.kind() {
	case kwProject:
		p.next()
		op.Project = p.exprList(p.findColumn, true)
	case kwProjectSmart:
		p.next()
		op.Smart = true
	}
	if p.kind() == kwReserved && p.text(p.tok()) == "__projectAway" {
		p.next()
		op.Away = p.exprList(p.findColumn, true)
	}
	op.Span = p.from(start)
	return op
}

// findColumn is a column, name:type, * or pack(*).
func (p *parser) findColumn() Expr {
	start := p.start()
	switch {
	case p.kind() == kwPack:
		c := &CallExpr{Name: p.name()}
		p.expect(tOpenParen)
		if p.kind() == tStar {
			c.Args = []Expr{p.star()}
		} else {
			p.expect(tStar)
		}
		p.expect(tCloseParen)
		c.Span = p.from(start)
		return c
	case p.kind() == tStar:
		return p.star()
	case p.nameLen(0, canIdent) == 0:
		return nil
	}
	n := p.name()
	if !p.accept(tColon) {
		return &NameRef{n}
	}
	at := p.start()
	t := p.typeName(true)
	return &Named{Span: p.from(start), Names: []Name{n}, X: &TypeOf{Span: p.from(at), Type: t}}
}

// parse is parse and parse-where.
func (p *parser) parse() Operator {
	start := p.start()
	op := &ParseOp{Where: p.kind() == kwParseWhere}
	p.next()
	op.Props = p.props([]string{"flags"}, true)
	op.X = p.required()
	p.expect(kwWith)
	for {
		part := ParsePart{Span: p.here()}
		switch {
		case p.kind() == tStar:
			p.next()
			part.Star = true
		case p.kind() == tString:
			part.Text = p.literal()
		case p.kind() == tColon || p.nameLen(0, canIdent|canExtended) > 0:
			c := ColumnDecl{Name: p.declName(canIdent | canExtended)}
			if p.accept(tColon) {
				c.Type = p.typeName(false)
			}
			c.Span = p.from(part.Start)
			part.Column = &c
		default:
			if len(op.Pattern) == 0 {
				p.report("KS006", "Missing pattern%s", p.hint())
			}
			op.Span = p.from(start)
			return op
		}
		part.Span = p.from(part.Start)
		op.Pattern = append(op.Pattern, part)
	}
}

func (p *parser) parseKv() Operator {
	start := p.start()
	p.next()
	op := &ParseKvOp{X: p.required()}
	p.expect(kwAs)
	op.Columns = p.columns(false)
	if p.accept(kwWith) && p.expect(tOpenParen) {
		op.Props = p.propList(func(name string) bool {
			switch name {
			case "pair_delimiter", "kv_delimiter", "regex", "quote", "escape", "greedy":
				return true
			}
			return false
		})
		p.closing(tCloseParen)
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) makeSeries() Operator {
	start := p.start()
	p.next()
	op := &MakeSeriesOp{Props: p.props(nil, true)}
	op.Series = commaList(p, p.seriesAgg, func() MakeSeriesAgg {
		return MakeSeriesAgg{Span: Span{p.end(), p.end()}, X: p.missing("expression")}
	}, false)
	if len(op.Series) == 0 {
		p.missing("expression")
	}
	p.expect(kwOn)
	op.On = p.requiredNamed()
	switch p.kind() {
	case kwFrom, kwTo, kwStep:
		if p.accept(kwFrom) {
			op.From = p.required()
		}
		if p.accept(kwTo) {
			op.To = p.required()
		}
		p.expect(kwStep)
		op.Step = p.required()
	case kwIn:
		p.next()
		p.expect(kwRange)
		if p.expect(tOpenParen) {
			op.Range = p.namedList(true)
			p.closing(tCloseParen)
		}
	default:
		p.expect(kwStep)
	}
	if p.accept(kwBy) {
		op.By = p.namedList(true)
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) seriesAgg() (MakeSeriesAgg, bool) {
	a := MakeSeriesAgg{Span: p.here()}
	switch p.kind() {
	case kwOn, kwFrom, kwIn:
		return a, false
	}
	if a.X = p.named(); a.X == nil {
		return a, false
	}
	if p.accept(kwDefault) {
		p.expect(tEqual)
		a.Default = p.requiredNamed()
	}
	a.Span = p.from(a.Start)
	return a, true
}

func (p *parser) reduce() Operator {
	start := p.start()
	p.next()
	more := []string{"threshold", "characters"}
	op := &ReduceOp{Props: p.props(more, false)}
	p.expect(kwBy)
	op.X = p.requiredNamed()
	if p.accept(kwWith) {
		op.With = p.propList(func(name string) bool { return name == more[0] || name == more[1] || knownProperty(name) })
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) fork() Operator {
	start := p.start()
	p.next()
	op := &ForkOp{}
	for {
		b := ForkBranch{Span: p.here()}
		if n := p.nameLen(0, canIdent); n > 0 && p.peek(n).kind == tEqual {
			name := p.name()
			b.Name = &name
			p.next()
		} else if p.kind() != tOpenParen {
			break
		}
		b.Sub = p.branch(false)
		b.Span = p.from(b.Start)
		op.Branches = append(op.Branches, b)
	}
	if len(op.Branches) == 0 {
		p.expect(tOpenParen)
	}
	op.Span = p.from(start)
	return op
}

// branch is ( operators ), or ( query ) when no operator begins it.
func (p *parser) branch(bad bool) *Pipe {
	if !p.expect(tOpenParen) {
		return &Pipe{Span: Span{p.end(), p.end()}}
	}
	defer p.closing(tCloseParen)
	if p.beginsOperator() || bad && p.kind() == tIdent {
		return p.subPipe()
	}
	start := p.start()
	switch x := p.pipe().(type) {
	case *Pipe:
		return x
	case nil:
		p.report("KS176", "Query operator expected%s", p.hint())
		return &Pipe{Span: p.from(start)}
	default:
		return &Pipe{Span: x.Pos(), Source: x}
	}
}

// beginsOperator tells whether operator would find one here.
func (p *parser) beginsOperator() bool {
	switch k := p.kind(); k {
	case kwCount, kwRange:
		return p.peek(1).kind != tOpenParen
	case kwWhere, kwFilter, kwExtend, kwSerialize, kwProject, kwProjectAway, kwProjectKeep, kwProjectRename, kwProjectByNames, kwProjectReorder, kwSummarize, kwDistinct,
		kwSort, kwOrder, kwTake, kwLimit, kwSample, kwSampleDistinct, kwTop, kwTopNested, kwTopHitters, kwJoin, kwLookup, kwUnion, kwMvExpand, kwMvexpand,
		kwMvApply, kwMvapply, kwParse, kwParseWhere, kwParseKv, kwMakeSeries, kwPrint, kwSearch, kwFind, kwRender, kwEvaluate, kwInvoke, kwAs, kwGetschema,
		kwConsume, kwReduce, kwFork, kwFacet, kwPartition, kwScan, kwAssertSchema, kwMakeGraph, kwGraphMatch, kwGraphShortestPaths, kwGraphMarkComponents,
		kwGraphToTable, kwGraphWhereNodes, kwGraphWhereEdges, kwMacroExpand:
		return true
	}
	return false
}

func (p *parser) facet() Operator {
	start := p.start()
	p.next()
	p.expect(kwBy)
	op := &FacetOp{By: p.exprList(p.columnPath, true)}
	if p.accept(kwWith) {
		if p.kind() == tOpenParen {
			op.With = p.subQuery()
		} else {
			at := p.start()
			op.With = &Pipe{}
			if x := p.requiredOperator(); x != nil {
				op.With.Ops = []Operator{x}
			}
			op.With.Span = p.from(at)
		}
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) partition() Operator {
	start := p.start()
	p.next()
	op := &PartitionOp{Props: p.props(nil, false)}
	p.expect(kwBy)
	if op.By = p.columnPath(); op.By == nil {
		op.By = p.missing("name")
	}
	if p.accept(kwIn) {
		if n := p.nameLen(0, canIdent); n > 0 && p.peek(n).kind == tOpenParen {
			op.Scope = p.call(p.start(), nil, p.name())
		} else if p.kind() == kwDynamic && p.peek(1).kind == tOpenParen {
			op.Scope = p.dynamic()
		} else {
			op.Scope = p.missing("expression")
		}
	}
	if p.kind() == tOpenBrace {
		p.next()
		at := p.start()
		switch x := p.pipe().(type) {
		case *Pipe:
			op.Sub = x
		case nil:
			p.missing("expression")
			op.Sub = &Pipe{Span: p.from(at)}
		default:
			op.Sub = &Pipe{Span: x.Pos(), Source: x}
		}
		op.Braces = true
		p.closing(tCloseBrace)
	} else {
		op.Sub = p.branch(true)
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) render() Operator {
	start := p.start()
	p.next()
	op := &RenderOp{}
	switch t := p.tok(); {
	case (t.kind == tIdent || t.kind == kwReserved) && isChart(p.text(t)):
		op.Chart = p.text(p.next())
	case t.kind == tIdent:
		p.report("KS005", "Unknown chart type '%s'. Expected one of: %s", p.text(t), strings.Join(charts, ", "))
		op.Chart = p.text(p.next())
	default:
		p.report("KS005", "Expected: a chart type%s", p.hint())
	}
	for {
		t := p.tok()
		word := p.text(t)
		if (word == "kind" || word == "title" || word == "accumulate") && p.peek(1).kind == tEqual {
			op.Props = append(op.Props, p.prop(1))
			continue
		}
		// Older forms: with "text" and by columns, without an equals sign.
		if t.kind == kwWith && p.peek(1).kind != tOpenParen || t.kind == kwBy {
			prop := Property{Name: Name{Span: p.here(), Text: word}}
			p.next()
			if t.kind == kwBy {
				p.propColumns(&prop)
			} else {
				p.propValue(&prop)
			}
			prop.Span = p.from(int(t.start))
			op.Props = append(op.Props, prop)
			continue
		}
		break
	}
	if p.accept(kwWith) && p.expect(tOpenParen) {
		p.accept(tComma)
		op.Props = append(op.Props, p.propList(isRenderProperty)...)
		p.closing(tCloseParen)
	}
	op.Span = p.from(start)
	return op
}

// charts are what render can be told to draw.
var charts = []string{"table", "list", "barchart", "piechart", "ladderchart", "timechart", "linechart", "anomalychart", "pivotchart", "areachart", "stackedareachart",
	"scatterchart", "timepivot", "columnchart", "timeline", "3Dchart", "card", "treemap", "plotly", "graph", "sankey"}

func isChart(word string) bool { return slices.Contains(charts, word) }

func isRenderProperty(word string) bool {
	switch word {
	case "kind", "title", "accumulate", "xcolumn", "ycolumns", "anomalycolumns", "series", "xtitle", "ytitle", "xaxis", "yaxis", "legend", "ysplit",
		"ymin", "ymax", "xmin", "xmax":
		return true
	}
	return false
}

func (p *parser) scan() Operator {
	start := p.start()
	p.next()
	op := &ScanOp{Props: p.props(nil, false)}
	if p.accept(kwOrder) {
		p.expect(kwBy)
		op.OrderBy = p.orderKeys()
	}
	if p.accept(kwPartition) {
		p.expect(kwBy)
		op.PartitionBy = p.exprList(p.unnamed, true)
	}
	if p.accept(kwDeclare) {
		p.expect(tOpenParen)
		op.Declare = p.params(false)
		p.closing(tCloseParen)
	}
	p.expect(kwWith)
	if p.expect(tOpenParen) {
		for p.kind() == kwStep {
			op.Steps = append(op.Steps, p.scanStep())
		}
		p.closing(tCloseParen)
	}
	op.Span = p.from(start)
	return op
}

// scanStep is step name [optional] [output=all|last|none]: condition [=> a = x, ...];
func (p *parser) scanStep() ScanStep {
	start := p.start()
	p.next()
	s := ScanStep{Name: p.declName(canIdent | canExtended)}
	s.Optional = p.accept(kwOptional)
	if p.accept(kwOutput) {
		p.expect(tEqual)
		switch word := p.text(p.tok()); word {
		case "all", "last", "none":
			s.Output = word
			p.next()
		default:
			p.report("KS005", "Expected one of: all, last, none")
		}
	}
	p.expect(tColon)
	s.Cond = p.required()
	if p.accept(tArrow) {
		s.Assign = p.exprList(p.assignment, true)
	}
	p.expect(tSemicolon)
	s.Span = p.from(start)
	return s
}

func (p *parser) assignment() Expr {
	start := p.start()
	if p.nameLen(0, canIdent|canExtended) == 0 {
		return nil
	}
	x := &Named{Names: []Name{p.name()}}
	p.expect(tEqual)
	return p.namedRest(x, start)
}
