package kql

// pipe is a tabular expression: a source and the operators behind it, or an
// expression alone; nil when there is none here.
func (p *parser) pipe() Expr {
	if !p.enter() {
		p.leave()
		return &Missing{Span{p.end(), p.end()}}
	}
	defer p.leave()
	start := p.start()
	var source Expr
	var first Operator
	if p.startsOperator() {
		if first = p.operator(); first == nil {
			source = p.unnamed()
		}
	} else if source = p.unnamed(); source == nil {
		first = p.operator()
	}
	if source == nil && first == nil {
		return nil
	}
	if first == nil && p.kind() != tBar && !p.missedBar() {
		return source
	}
	x := &Pipe{Source: source}
	if first != nil {
		x.Ops = append(x.Ops, first)
		if !isSource(first) && p.told != p.pos {
			p.add(Diagnostic{Span: first.Pos(), Code: "KS174", Msg: "The operator cannot be the first of a query."})
		}
		p.opEnds()
	}
	p.ops(x)
	x.Span = p.from(start)
	return x
}

// subPipe is operators without a source: those of fork, mv-apply, partition.
func (p *parser) subPipe() *Pipe {
	start := p.start()
	x := &Pipe{}
	if !p.enter() {
		p.leave()
		return x
	}
	defer p.leave()
	if op := p.requiredOperator(); op != nil {
		x.Ops = append(x.Ops, op)
	}
	p.opEnds()
	p.ops(x)
	x.Span = p.from(start)
	return x
}

// ops reads | operator as often as it comes.
func (p *parser) ops(x *Pipe) {
	for p.kind() == tBar || p.missedBar() {
		if !p.accept(tBar) {
			p.report("KS005", "Expected: | before %s", p.text(p.tok()))
		}
		if op := p.requiredOperator(); op != nil {
			x.Ops = append(x.Ops, op)
		}
		p.opEnds()
	}
}

// requiredOperator is nil when there is none, which is told.
func (p *parser) requiredOperator() Operator {
	if op := p.operator(); op != nil {
		return op
	}
	if t := p.tok(); t.kind == tIdent {
		hint := p.hint()
		if hint == "" {
			if near := nearOperator(p.text(t)); near != "" {
				hint = "; did you mean " + near + "?"
			}
		}
		p.report("KS176", "Query operator expected, not %s%s", short(p.text(t)), hint)
		p.next()
		// The rest belongs to it.
		p.told = p.pos
	} else {
		p.report("KS176", "Query operator expected%s", p.hint())
	}
	p.skip()
	return nil
}

// opEnds goes over what is left of an operator that was not understood.
func (p *parser) opEnds() {
	if p.ends() || p.kind() == tComma || p.missedBar() || p.newStatement() {
		return
	}
	p.unexpected()
	p.skip()
}

// missedBar tells whether an operator begins a line here that has no pipe
// before it.
func (p *parser) missedBar() bool {
	switch t := p.tok(); t.kind {
	case kwWhere, kwExtend, kwProject, kwProjectAway, kwProjectKeep, kwProjectRename, kwProjectReorder, kwSummarize, kwMvExpand, kwMakeSeries:
		return p.pos > 0 && t.kind != kwExtend && t.kind != kwSummarize || p.pos > 0 && t.newline && p.nameLen(1, canIdent|canExtended) > 0
	}
	return false
}

// newStatement tells whether a statement begins a line here, which the list of
// statements will say needs a semicolon.
func (p *parser) newStatement() bool {
	switch t := p.tok(); t.kind {
	case kwLet, kwSet, kwDeclare:
		return t.newline
	}
	return false
}

// isSource tells whether an operator may be the first of a query.
func isSource(op Operator) bool {
	switch op.(type) {
	case *PrintOp, *RangeOp, *SearchOp, *FindOp, *UnionOp, *EvaluateOp, *badOp:
		return true
	}
	return false
}

// badOp stands for an operator that is not supported, until it is told.
type badOp struct{ Span }

func (*badOp) operator() {}

// startsOperator tells whether an operator, not a name that is spelt like one,
// is at the start of an expression.
func (p *parser) startsOperator() bool {
	next := p.peek(1)
	switch k := p.kind(); k {
	case kwEvaluate:
		return p.nameLen(1, canIdent) > 0 || knownProperty(p.text(next))
	case kwFacet:
		return next.kind == kwBy
	case kwPartition, kwReduce:
		return next.kind == kwBy || knownProperty(p.text(next))
	case kwRange:
		n := p.nameLen(1, canIdent)
		return n > 0 && p.peek(1+n).kind == kwFrom
	case kwInlineExternalTable:
		return next.kind == tOpenParen || next.kind == kwKind
	case kwRender:
		return next.kind == kwReserved || p.isName(1, canIdent)
	case kwAs, kwAssertSchema, kwFind, kwGraphMatch, kwGraphToTable, kwGraphMarkComponents, kwInvoke, kwMacroExpand, kwMakeGraph, kwMakeSeries, kwMvApply, kwMvExpand, kwParseWhere,
		kwParseKv, kwPrint, kwProject, kwProjectAway, kwProjectKeep, kwProjectRename, kwProjectByNames, kwProjectReorder, kwSample, kwSampleDistinct, kwSearch,
		kwTopHitters, kwTopNested, kwUnion, kwWhere:
		return true
	}
	return false
}

// operator reads one step; nil when there is none here.
func (p *parser) operator() Operator {
	switch p.kind() {
	case kwWhere, kwFilter:
		return p.where()
	case kwExtend, kwSerialize:
		return p.extend()
	case kwProject, kwProjectAway, kwProjectKeep, kwProjectRename, kwProjectByNames:
		return p.project()
	case kwProjectReorder:
		return p.reorder()
	case kwSummarize:
		return p.summarize()
	case kwDistinct:
		return p.distinct()
	case kwSort, kwOrder:
		return p.sort()
	case kwTake, kwLimit:
		return p.take()
	case kwSample, kwSampleDistinct:
		return p.sample()
	case kwTop:
		return p.top()
	case kwTopNested:
		return p.topNested()
	case kwTopHitters:
		return p.topHitters()
	case kwCount:
		if p.peek(1).kind != tOpenParen {
			return p.count()
		}
	case kwJoin, kwLookup:
		return p.join()
	case kwUnion:
		return p.union()
	case kwMvExpand, kwMvexpand:
		return p.mvExpand()
	case kwMvApply, kwMvapply:
		return p.mvApply()
	case kwParse, kwParseWhere:
		return p.parse()
	case kwParseKv:
		return p.parseKv()
	case kwMakeSeries:
		return p.makeSeries()
	case kwRange:
		if p.peek(1).kind != tOpenParen {
			return p.rangeOp()
		}
	case kwPrint:
		return p.print()
	case kwSearch:
		return p.search()
	case kwFind:
		return p.find()
	case kwRender:
		return p.render()
	case kwEvaluate:
		return p.evaluate()
	case kwInvoke:
		return p.invoke()
	case kwAs:
		return p.as()
	case kwGetschema:
		return p.getSchema()
	case kwConsume:
		return p.consume()
	case kwReduce:
		return p.reduce()
	case kwFork:
		return p.fork()
	case kwFacet:
		return p.facet()
	case kwPartition:
		return p.partition()
	case kwScan:
		return p.scan()
	case kwAssertSchema:
		return p.assertSchema()
	case kwMakeGraph:
		return p.makeGraph()
	case kwGraphMatch, kwGraphShortestPaths:
		return p.graphMatch()
	case kwGraphMarkComponents:
		return p.graphMarkComponents()
	case kwGraphToTable:
		return p.graphToTable()
	case kwGraphWhereNodes, kwGraphWhereEdges:
		return p.graphWhere()
	case kwMacroExpand, kwInlineExternalTable:
		op := &badOp{p.here()}
		what := p.text(p.tok())
		p.skipOver()
		p.unsupported(op.Span, what)
		return op
	}
	return nil
}

// operatorNames are the operators that may follow a pipe, in the order of how
// often hunting queries use them: of equally near ones the first is meant.
var operatorNames = []string{
	"where", "extend", "summarize", "project", "sort", "join", "distinct", "project-reorder", "render",
	"mv-expand", "top", "union", "take", "project-rename", "parse", "project-away", "evaluate", "invoke",
	"make-series", "search", "lookup", "mv-apply", "parse-where", "as", "count", "top-nested", "partition",
	"scan", "serialize", "project-keep", "parse-kv", "sample", "sample-distinct", "top-hitters", "getschema",
	"facet", "fork", "reduce", "limit", "order", "filter", "consume", "assert-schema", "make-graph",
	"graph-match", "graph-shortest-paths", "graph-to-table", "graph-mark-components", "graph-where-nodes",
	"graph-where-edges", "project-by-names",
}

// nearOperator is the operator that a word was probably meant to be, "" for
// none.
func nearOperator(word string) string {
	best, name := 3, ""
	for _, op := range operatorNames {
		if d := distance(word, op, best); d < best && d <= len(op)/3 {
			best, name = d, op
		}
	}
	return name
}

// distance is how many letters to add, take away, change or swap with the next
// make b of a; most when it is that or more.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	var rows [3][32]int
	if len(b) >= len(rows[0]) {
		return most
	}
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most)
}
