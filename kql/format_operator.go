package kql

// long tells whether x is a query that is printed on several lines: one of more
// than a source and an operator.
func long(x Expr) bool {
	p, ok := x.(*Pipe)
	if !ok {
		return false
	}
	n := len(p.Ops)
	if p.Source != nil {
		n++
	}
	return n > 2 || n == 2 && p.Source == nil
}

func (f *formatter) pipe(p *Pipe) {
	if p.Source != nil {
		f.operand(p.Source, precOr)
	}
	inline := f.inline && !long(p)
	for i, op := range p.Ops {
		if p.Source != nil || i > 0 {
			if inline {
				f.put(" ")
			} else {
				f.line()
			}
			f.put("| ")
		}
		f.operator(op)
	}
}

// sub is a query in parentheses.
func (f *formatter) sub(p *Pipe) {
	f.block("(", long(p), func() { f.pipe(p) }, ")")
}

func (f *formatter) props(list []Property) {
	for _, p := range list {
		f.put(" ")
		f.prop(p)
	}
}

// propList is properties between commas.
func (f *formatter) propList(list []Property) {
	for i, p := range list {
		if i > 0 {
			f.put(", ")
		}
		f.prop(p)
	}
}

func (f *formatter) prop(p Property) {
	f.put(p.Name.Text, "=")
	f.propValue(p)
}

func (f *formatter) propValue(p Property) {
	if len(p.List) == 0 {
		f.expr(p.Value)
		return
	}
	for i, n := range p.List {
		if i > 0 {
			f.put(", ")
		}
		f.name(n)
	}
}

// list prints a word and expressions behind it, if there are any.
func (f *formatter) list(word string, list []Expr) {
	if len(list) == 0 {
		return
	}
	f.put(" ")
	if word != "" {
		f.put(word, " ")
	}
	f.exprs(list)
}

// clause prints a word and an expression behind it, if there is one.
func (f *formatter) clause(word string, x Expr) {
	if x == nil {
		return
	}
	f.put(" ")
	if word != "" {
		f.put(word, " ")
	}
	f.expr(x)
}

func (f *formatter) keys(list []OrderKey) {
	for i, k := range list {
		if i > 0 {
			f.put(", ")
		}
		f.entity(k.X)
		f.direction(k.Dir, k.Nulls)
	}
}

func (f *formatter) direction(dir, nulls string) {
	if dir != "" {
		f.put(" ", dir)
	}
	if nulls != "" {
		f.put(" nulls ", nulls)
	}
}

func (f *formatter) operator(op Operator) {
	switch op := op.(type) {
	case *WhereOp:
		f.put("where")
		f.props(op.Props)
		f.put(" ")
		f.expr(op.X)
	case *ExtendOp:
		f.put("extend")
		f.list("", op.Cols)
	case *ProjectOp:
		f.put("project")
		if op.Kind != "" {
			f.put("-", op.Kind)
		}
		if len(op.Cols) > 0 {
			f.put(" ")
			f.entities(op.Cols)
		}
	case *ReorderOp:
		f.put("project-reorder ")
		f.keys(op.Keys)
	case *SummarizeOp:
		f.put("summarize")
		f.props(op.Props)
		f.list("", op.Aggs)
		f.list("by", op.By)
	case *DistinctOp:
		f.put("distinct")
		f.props(op.Props)
		f.list("", op.Cols)
	case *SortOp:
		f.put("sort")
		f.props(op.Props)
		f.put(" by ")
		f.keys(op.Keys)
	case *TakeOp:
		f.put("take")
		f.props(op.Props)
		f.clause("", op.N)
	case *SampleOp:
		f.put("sample")
		if op.Distinct != nil {
			f.put("-distinct")
		}
		f.clause("", op.N)
		f.clause("of", op.Distinct)
	case *TopOp:
		f.put("top")
		f.props(op.Props)
		f.clause("", op.N)
		f.put(" by ")
		f.keys(op.Keys)
	case *TopNestedOp:
		for i, l := range op.Levels {
			if i > 0 {
				f.put(", ")
			}
			f.put("top-nested")
			f.clause("", l.N)
			f.clause("of", l.Of)
			f.clause("with others =", l.Others)
			f.clause("by", l.By)
			f.direction(l.Dir, l.Nulls)
		}
	case *TopHittersOp:
		f.put("top-hitters")
		f.clause("", op.N)
		f.clause("of", op.Of)
		f.clause("by", op.By)
	case *CountOp:
		f.put("count")
		f.as(op.As)
	case *JoinOp:
		if op.Lookup {
			f.put("lookup")
		} else {
			f.put("join")
		}
		f.props(op.Props)
		f.clause("", op.Right)
		f.list("on", op.On)
	case *UnionOp:
		f.put("union")
		f.props(op.Props)
		f.put(" ")
		f.entities(op.Tables)
	case *MvExpandOp:
		f.put("mv-expand")
		f.props(op.Props)
		f.put(" ")
		f.mvColumns(op.Cols)
		f.clause("limit", op.Limit)
	case *MvApplyOp:
		f.put("mv-apply")
		f.props(op.Props)
		f.put(" ")
		f.mvColumns(op.Cols)
		f.clause("limit", op.Limit)
		if op.ID != nil {
			f.put(" id ")
			f.name(*op.ID)
		}
		f.put(" on ")
		f.sub(op.Sub)
	case *SerializeOp:
		f.put("serialize")
		f.list("", op.Cols)
	case *RangeOp:
		f.put("range ")
		f.name(op.Name)
		f.clause("from", op.From)
		f.clause("to", op.To)
		f.clause("step", op.Step)
	case *PrintOp:
		f.put("print")
		f.list("", op.Cols)
	case *AsOp:
		f.put("as")
		f.props(op.Props)
		f.put(" ")
		f.name(op.Name)
	case *GetSchemaOp:
		f.put("getschema")
		if op.Kind != "" {
			f.put(" kind=", op.Kind)
		}
	case *ConsumeOp:
		f.put("consume")
		f.props(op.Props)
	case *InvokeOp:
		f.put("invoke ")
		f.expr(op.Call)
	case *EvaluateOp:
		f.put("evaluate")
		f.props(op.Props)
		f.put(" ")
		f.expr(op.Call)
		if op.Schema != nil {
			f.put(" : ")
			f.schema(op.Schema)
		}
	case *AssertSchemaOp:
		f.put("assert-schema ")
		f.columns(op.Columns)
	default:
		f.rare(op)
	}
}

func (f *formatter) as(n *Name) {
	if n != nil {
		f.put(" as ")
		f.name(*n)
	}
}

func (f *formatter) mvColumns(list []MvColumn) {
	for i, c := range list {
		if i > 0 {
			f.put(", ")
		}
		f.expr(c.X)
		if c.To != nil {
			f.put(" to ")
			f.expr(c.To)
		}
	}
}
