package kql

// pipe binds operators one behind the other; in is the rows that the first one
// reads when there is no source.
func (b *binder) pipe(e *Pipe, in *table) *table {
	t := in
	op := b.op
	row, agg := b.row, b.agg
	if e.Source != nil {
		b.row, b.agg = nil, nil
		t = b.tabular(e.Source)
	}
	for i, o := range e.Ops {
		b.row, b.agg = nil, nil
		if t == nil && i > 0 {
			t = b.openTable(o.Pos())
		}
		if t != nil && (len(t.group) > 0 || t.void) {
			if _, isAs := o.(*AsOp); !isAs {
				b.errorf(o.Pos(), "KS177", "No operator can follow fork, facet or consume.")
			}
			break
		}
		t = b.operator(o, t)
	}
	b.row, b.agg, b.op = row, agg, op
	if t == nil {
		t = b.openTable(e.Pos())
	}
	return t
}

// operator binds one step. in is nil at the start of a query.
func (b *binder) operator(o Operator, in *table) *table {
	at := o.Pos()
	if !b.enter(at) {
		b.leave()
		return b.openTable(at)
	}
	defer b.leave()
	b.count(at)
	b.op = operatorName(o)
	switch o.(type) {
	case *PrintOp, *RangeOp, *FindOp:
		if in != nil {
			b.errorf(at, "KS175", "'%s' operator: the operator must be the first operator in the query.", b.op)
			return b.openTable(at)
		}
	case *UnionOp, *SearchOp, *EvaluateOp:
	default:
		if in == nil {
			b.errorf(at, "KS174", "'%s' operator: the operator cannot be the first operator in a query.", b.op)
			in = b.openTable(at)
		}
	}
	if in != nil && in.graph != nil {
		return b.graphOperator(o, in)
	}
	t := b.apply(o, in)
	if t != nil {
		if b.countColumns(at, len(t.cols)); len(t.cols) > maxColumns {
			b.tooMuch(at, "A table has more than %d columns.", maxColumns)
		}
	}
	if t != nil && t.span == (Span{}) {
		t.span = at
	}
	return t
}

func (b *binder) apply(o Operator, in *table) *table {
	switch o := o.(type) {
	case *WhereOp:
		return b.where(o, in)
	case *ExtendOp:
		return b.extend(o.Cols, in)
	case *SerializeOp:
		return b.serialize(o, in)
	case *ProjectOp:
		return b.project(o, in)
	case *ReorderOp:
		return b.reorder(o, in)
	case *SummarizeOp:
		return b.summarize(o, in)
	case *DistinctOp:
		return b.distinct(o, in)
	case *SortOp:
		return b.sort(o, in)
	case *TakeOp:
		return b.take(o, in)
	case *SampleOp:
		return b.sample(o, in)
	case *TopOp:
		return b.top(o, in)
	case *TopNestedOp:
		return b.topNested(o, in)
	case *TopHittersOp:
		return b.topHitters(o, in)
	case *CountOp:
		return b.countRows(o, in)
	case *JoinOp:
		return b.join(o, in)
	case *UnionOp:
		return b.union(o, in)
	case *MvExpandOp:
		return b.mvExpand(o, in)
	case *MvApplyOp:
		return b.mvApply(o, in)
	case *ParseOp:
		return b.parse(o, in)
	case *ParseKvOp:
		return b.parseKv(o, in)
	case *MakeSeriesOp:
		return b.makeSeries(o, in)
	case *RangeOp:
		return b.rangeOf(o)
	case *PrintOp:
		return b.print(o)
	case *SearchOp:
		return b.search(o, in)
	case *FindOp:
		return b.find(o)
	case *RenderOp:
		return b.renderAs(o, in)
	case *EvaluateOp:
		return b.evaluate(o, in)
	case *InvokeOp:
		return b.invoke(o, in)
	case *AsOp:
		return b.as(o, in)
	case *GetSchemaOp:
		return b.getSchema(o, in)
	case *ConsumeOp:
		return &table{span: o.Pos(), void: true, rel: &Values{}}
	case *ReduceOp:
		return b.reduce(o, in)
	case *ForkOp:
		return b.fork(o, in)
	case *FacetOp:
		return b.facet(o, in)
	case *PartitionOp:
		return b.partition(o, in)
	case *ScanOp:
		return b.scanRows(o, in)
	case *AssertSchemaOp:
		return b.assertSchema(o, in)
	case *MakeGraphOp:
		return b.makeGraph(o, in)
	case *GraphMatchOp, *GraphMarkComponentsOp, *GraphToTableOp, *GraphWhereOp:
		b.errorf(o.Pos(), "KS219", "The query operator requires an input graph.")
		return b.openTable(o.Pos())
	}
	b.errorf(o.Pos(), "KS176", "The '%s' operator is not supported.", b.op)
	return b.openTable(o.Pos())
}

// operatorName is what messages call an operator.
func operatorName(o Operator) string {
	switch o := o.(type) {
	case *WhereOp:
		return "where"
	case *ExtendOp:
		return "extend"
	case *SerializeOp:
		return "serialize"
	case *ProjectOp:
		if o.Kind != "" {
			return "project-" + o.Kind
		}
		return "project"
	case *ReorderOp:
		return "project-reorder"
	case *SummarizeOp:
		return "summarize"
	case *DistinctOp:
		return "distinct"
	case *SortOp:
		return "sort"
	case *TakeOp:
		return "take"
	case *SampleOp:
		if o.Distinct != nil {
			return "sample-distinct"
		}
		return "sample"
	case *TopOp:
		return "top"
	case *TopNestedOp:
		return "top-nested"
	case *TopHittersOp:
		return "top-hitters"
	case *CountOp:
		return "count"
	case *JoinOp:
		if o.Lookup {
			return "lookup"
		}
		return "join"
	case *UnionOp:
		return "union"
	case *MvExpandOp:
		return "mv-expand"
	case *MvApplyOp:
		return "mv-apply"
	case *ParseOp:
		if o.Where {
			return "parse-where"
		}
		return "parse"
	case *ParseKvOp:
		return "parse-kv"
	case *MakeSeriesOp:
		return "make-series"
	case *RangeOp:
		return "range"
	case *PrintOp:
		return "print"
	case *SearchOp:
		return "search"
	case *FindOp:
		return "find"
	case *RenderOp:
		return "render"
	case *EvaluateOp:
		return "evaluate"
	case *InvokeOp:
		return "invoke"
	case *AsOp:
		return "as"
	case *GetSchemaOp:
		return "getschema"
	case *ConsumeOp:
		return "consume"
	case *ReduceOp:
		return "reduce"
	case *ForkOp:
		return "fork"
	case *FacetOp:
		return "facet"
	case *PartitionOp:
		return "partition"
	case *ScanOp:
		return "scan"
	case *AssertSchemaOp:
		return "assert-schema"
	case *MakeGraphOp:
		return "make-graph"
	case *GraphMatchOp:
		if o.Shortest {
			return "graph-shortest-paths"
		}
		return "graph-match"
	case *GraphMarkComponentsOp:
		return "graph-mark-components"
	case *GraphToTableOp:
		return "graph-to-table"
	case *GraphWhereOp:
		return "graph-where"
	}
	return ""
}
