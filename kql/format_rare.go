package kql

// rare prints the operators that few queries have.
func (f *formatter) rare(op Operator) {
	switch op := op.(type) {
	case *ParseOp:
		f.put("parse")
		if op.Where {
			f.put("-where")
		}
		f.props(op.Props)
		f.clause("", op.X)
		f.put(" with")
		for _, p := range op.Pattern {
			f.put(" ")
			switch {
			case p.Star:
				f.put("*")
			case p.Column != nil:
				f.column(*p.Column)
			default:
				f.expr(p.Text)
			}
		}
	case *ParseKvOp:
		f.put("parse-kv")
		f.clause("", op.X)
		f.put(" as ")
		f.columns(op.Columns)
		f.with(op.Props)
	case *MakeSeriesOp:
		f.makeSeries(op)
	case *SearchOp:
		f.put("search")
		f.props(op.Props)
		f.in(op.Tables)
		f.clause("", op.X)
	case *FindOp:
		f.find(op)
	case *RenderOp:
		f.render(op)
	case *ReduceOp:
		f.put("reduce")
		f.props(op.Props)
		f.clause("by", op.X)
		if len(op.With) > 0 {
			f.put(" with ")
			f.propList(op.With)
		}
	case *ForkOp:
		f.put("fork")
		for _, b := range op.Branches {
			f.put(" ")
			if b.Name != nil {
				f.name(*b.Name)
				f.put("=")
			}
			f.sub(b.Sub)
		}
	case *FacetOp:
		f.put("facet")
		f.list("by", op.By)
		if op.With != nil {
			f.put(" with ")
			f.sub(op.With)
		}
	case *PartitionOp:
		f.put("partition")
		f.props(op.Props)
		f.clause("by", op.By)
		f.clause("in", op.Scope)
		f.put(" ")
		if op.Braces {
			f.block("{", long(op.Sub), func() { f.pipe(op.Sub) }, "}")
		} else {
			f.sub(op.Sub)
		}
	case *ScanOp:
		f.scan(op)
	default:
		f.graph(op)
	}
}

func (f *formatter) with(props []Property) {
	if len(props) > 0 {
		f.put(" with (")
		f.propList(props)
		f.put(")")
	}
}

func (f *formatter) in(tables []Expr) {
	if len(tables) > 0 {
		f.put(" in (")
		f.entities(tables)
		f.put(")")
	}
}

func (f *formatter) makeSeries(op *MakeSeriesOp) {
	f.put("make-series")
	f.props(op.Props)
	for i, s := range op.Series {
		if i > 0 {
			f.put(",")
		}
		f.clause("", s.X)
		f.clause("default =", s.Default)
	}
	f.clause("on", op.On)
	f.clause("from", op.From)
	f.clause("to", op.To)
	f.clause("step", op.Step)
	if op.Range != nil {
		f.put(" in range(")
		f.exprs(op.Range)
		f.put(")")
	}
	f.list("by", op.By)
}

func (f *formatter) find(op *FindOp) {
	f.put("find")
	f.props(op.Props)
	f.in(op.Tables)
	f.clause("where", op.X)
	if op.Smart {
		f.put(" project-smart")
	}
	f.findColumns("project", op.Project)
	f.findColumns("__projectAway", op.Away)
}

func (f *formatter) findColumns(word string, list []Expr) {
	if len(list) == 0 {
		return
	}
	f.put(" ", word, " ")
	for i, x := range list {
		if i > 0 {
			f.put(", ")
		}
		if n, ok := x.(*Named); ok {
			if t, ok := n.X.(*TypeOf); ok && len(n.Names) == 1 {
				f.column(ColumnDecl{Name: n.Names[0], Type: t.Type})
				continue
			}
		}
		f.expr(x)
	}
}

func (f *formatter) render(op *RenderOp) {
	f.put("render ", op.Chart)
	var with []Property
	for _, p := range op.Props {
		switch p.Name.Text {
		case "with", "by":
			f.put(" ", p.Name.Text, " ")
			f.propValue(p)
		default:
			with = append(with, p)
		}
	}
	f.with(with)
}

func (f *formatter) scan(op *ScanOp) {
	f.put("scan")
	f.props(op.Props)
	if len(op.OrderBy) > 0 {
		f.put(" order by ")
		f.keys(op.OrderBy)
	}
	f.list("partition by", op.PartitionBy)
	if len(op.Declare) > 0 {
		f.put(" declare (")
		f.params(op.Declare)
		f.put(")")
	}
	f.block(" with (", true, func() {
		for i, s := range op.Steps {
			if i > 0 {
				f.line()
			}
			f.put("step ")
			f.name(s.Name)
			if s.Optional {
				f.put(" optional")
			}
			if s.Output != "" {
				f.put(" output=", s.Output)
			}
			f.put(": ")
			f.expr(s.Cond)
			f.list("=>", s.Assign)
			f.put(";")
		}
	}, ")")
}

// graph prints the operators on graphs.
func (f *formatter) graph(op Operator) {
	switch op := op.(type) {
	case *MakeGraphOp:
		f.put("make-graph")
		f.props(op.Props)
		f.clause("", op.From)
		f.clause(op.Dir, op.To)
		for i, n := range op.Nodes {
			if i == 0 {
				f.put(" with ")
			} else {
				f.put(", ")
			}
			f.expr(n.Table)
			f.clause("on", n.On)
		}
		if op.WithNodeID != nil {
			f.put(" with_node_id=")
			f.name(*op.WithNodeID)
		}
		if op.PartitionBy != nil {
			f.clause("partitioned-by", op.PartitionBy)
			f.put(" ")
			f.sub(op.Sub)
		}
	case *GraphMatchOp:
		if op.Shortest {
			f.put("graph-shortest-paths")
		} else {
			f.put("graph-match")
		}
		f.props(op.Props)
		for i, p := range op.Patterns {
			if i > 0 {
				f.put(",")
			}
			f.put(" ")
			for _, s := range p {
				f.step(s)
			}
		}
		f.clause("where", op.Where)
		f.list("project", op.Project)
	case *GraphMarkComponentsOp:
		f.put("graph-mark-components")
		f.props(op.Props)
	case *GraphToTableOp:
		f.put("graph-to-table")
		for i, o := range op.Outputs {
			if i > 0 {
				f.put(",")
			}
			f.put(" ", o.Entity)
			f.as(o.As)
			f.props(o.Props)
		}
	case *GraphWhereOp:
		f.put("graph-where-")
		if op.Nodes {
			f.put("nodes")
		} else {
			f.put("edges")
		}
		f.clause("", op.X)
	}
}

func (f *formatter) step(s GraphStep) {
	name := func() {
		if s.Name != nil {
			f.name(*s.Name)
		}
	}
	if !s.Edge {
		f.put("(")
		name()
		f.put(")")
		return
	}
	if s.Name == nil && !s.Var {
		switch s.Dir {
		case "->":
			f.put("-->")
		case "<-":
			f.put("<--")
		default:
			f.put("--")
		}
		return
	}
	if s.Dir == "<-" {
		f.put("<")
	}
	f.put("-[")
	name()
	if s.Var {
		f.put("*")
		f.expr(s.Min)
		f.put("..")
		f.expr(s.Max)
	}
	f.put("]-")
	if s.Dir == "->" {
		f.put(">")
	}
}
