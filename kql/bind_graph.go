package kql

// graphTable is a graph while it is bound: a table whose rows are not asked for
// yet.
type graphTable struct {
	spec  GraphSpec
	ins   []Rel    // edges, then node tables
	nodes []Column // of a node
	edges []Column
	// degrees are the columns that stand behind those of a node.
	in, out Column
}

// nodeRow is the layout of a node as functions over it see it.
func (g *graphTable) nodeRow() []Column {
	return append(append([]Column(nil), g.nodes...), g.in, g.out)
}

// clone is a graph that can be changed.
func (g *graphTable) clone() *graphTable {
	c := *g
	c.nodes = append([]Column(nil), g.nodes...)
	c.spec.NodeTypes = append([]Type(nil), g.spec.NodeTypes...)
	c.spec.Steps = append([]GraphTransform(nil), g.spec.Steps...)
	return &c
}

// addNodeColumn adds a property to the nodes.
func (g *graphTable) addNodeColumn(c Column) int {
	g.nodes = append(g.nodes, c)
	g.spec.NodeTypes = append(g.spec.NodeTypes, c.Type)
	return len(g.nodes) - 1
}

// makeGraph is make-graph: the rows of in are the edges.
func (b *binder) makeGraph(o *MakeGraphOp, in *table) *table {
	at := o.Pos()
	g := &graphTable{edges: in.cols, in: b.column("$in", Long), out: b.column("$out", Long)}
	g.spec.IDColumn = -1
	g.spec.Undirected = o.Dir == "--"
	for _, c := range in.cols {
		g.spec.EdgeTypes = append(g.spec.EdgeTypes, c.Type)
	}
	var from, to, part Scalar
	b.inRow(in, func() {
		from, to = b.rowExpr(b.scalar(o.From)), b.rowExpr(b.scalar(o.To))
		if o.PartitionBy != nil {
			part = b.rowExpr(b.scalar(o.PartitionBy))
		}
	})
	id := from.Type()
	if t := to.Type(); id != t && id != Unknown && t != Unknown {
		b.errorf(o.To.Pos(), "KS141", "make-graph: the source and the target of an edge must be of one type, not %s and %s.", id, t)
	}
	g.spec.From, g.spec.To = compute(from, in.cols), compute(to, in.cols)
	if part != nil {
		g.spec.Partition = compute(part, in.cols)
	}
	g.ins = []Rel{b.exact(in)}
	if o.WithNodeID != nil {
		g.spec.IDColumn = g.addNodeColumn(b.column(o.WithNodeID.Text, id))
	}
	for i := range o.Nodes {
		b.graphNodes(g, &o.Nodes[i], id, o.PartitionBy)
	}
	t := &table{span: at, rel: &Values{}, graph: g}
	if o.Sub == nil {
		return t
	}
	return b.pipe(o.Sub, t)
}

// graphNodes adds a table of nodes. Tables that have a column of one name share
// it; of different types it becomes dynamic.
func (b *binder) graphNodes(g *graphTable, n *GraphNodes, id Type, part Expr) {
	t := b.tabular(n.Table)
	if t.graph != nil {
		b.errorf(n.Table.Pos(), "KS219", "make-graph: nodes must be a table.")
		return
	}
	spec := GraphNodeTable{IDColumn: -1}
	var on, key Scalar
	b.inRow(t, func() {
		on = b.rowExpr(b.scalar(n.On))
		if part != nil {
			key = b.rowExpr(b.scalar(part))
		}
	})
	if x := on.Type(); x != id && x != Unknown && id != Unknown {
		b.errorf(n.On.Pos(), "KS141", "make-graph: nodes are found by a value of type %s, not %s.", id, x)
	}
	spec.ID = compute(on, t.cols)
	if key != nil {
		spec.Partition = compute(key, t.cols)
	}
	ref, _ := on.(*ColRef)
	for _, c := range t.cols {
		i := find(g.nodes, c.Name)
		if i < 0 {
			i = g.addNodeColumn(b.column(c.Name, c.Type))
		} else if g.nodes[i].Type != c.Type {
			g.nodes[i].Type, g.spec.NodeTypes[i] = Dynamic, Dynamic
		}
		spec.Columns = append(spec.Columns, i)
		if ref != nil && ref.Col.ID == c.ID {
			spec.IDColumn = i
		}
	}
	g.spec.Nodes = append(g.spec.Nodes, spec)
	g.ins = append(g.ins, b.exact(t))
}

// graphOperator is a step on a graph.
func (b *binder) graphOperator(o Operator, in *table) *table {
	at := o.Pos()
	switch o := o.(type) {
	case *GraphMatchOp:
		return b.graphMatch(o, in)
	case *GraphMarkComponentsOp:
		g := in.graph.clone()
		name, kind := "ComponentId", "weak"
		if p := prop(o.Props, "with_component_id"); p != nil {
			name = b.propText(p)
		}
		if p := prop(o.Props, "kind"); p != nil {
			kind = b.propText(p)
		}
		if kind != "weak" && kind != "strong" {
			b.errorf(at, "KS006", "graph-mark-components: kind is weak or strong.")
		}
		if find(g.nodes, name) >= 0 {
			b.errorf(at, "KS171", "graph-mark-components: the nodes have a property '%s' already.", name)
		}
		c := g.addNodeColumn(b.column(name, Long))
		g.spec.Steps = append(g.spec.Steps, GraphTransform{Components: true, Strong: kind == "strong", Column: c})
		return &table{span: at, rel: in.rel, graph: g}
	case *GraphWhereOp:
		g := in.graph.clone()
		row, t := g.edges, GraphTransform{}
		if o.Nodes {
			row = g.nodeRow()
		}
		saved, agg := b.row, b.agg
		b.row, b.agg = &rowScope{cols: row, graph: &graphRow{inner: &pathScope{graph: g, inner: o.Nodes}}}, nil
		x := compute(b.rowExpr(b.predicate(o.X)), row)
		b.row, b.agg = saved, agg
		if o.Nodes {
			t.Nodes = x
		} else {
			t.Edges = x
		}
		g.spec.Steps = append(g.spec.Steps, t)
		return &table{span: at, rel: in.rel, graph: g}
	case *GraphToTableOp:
		return b.graphToTable(o, in)
	case *AsOp:
		return b.as(o, in)
	}
	b.errorf(at, "KS219", "The operator '%s' cannot read a graph. Use graph-match or graph-to-table.", b.op)
	return b.openTable(at)
}

// graphToTable gives the nodes, the edges, or both as two results.
// graphResult shows a graph that nothing follows: its edges and its nodes.
func graphResult(at Span) *GraphToTableOp {
	named := func(entity string) GraphOutput {
		return GraphOutput{Span: at, Entity: entity, As: &Name{Span: at, Text: entity}}
	}
	return &GraphToTableOp{Span: at, Outputs: []GraphOutput{named("edges"), named("nodes")}}
}

func (b *binder) graphToTable(o *GraphToTableOp, in *table) *table {
	var out []*table
	for i := range o.Outputs {
		entity := &o.Outputs[i]
		g := in.graph
		var spec GraphTableSpec
		var cols []Column
		hash := func(name string) bool {
			p := prop(entity.Props, name)
			if p != nil {
				cols = append(cols, b.column(b.propText(p), Long))
			}
			return p != nil
		}
		from := g.nodes
		if spec.Edges = entity.Entity == "edges"; spec.Edges {
			spec.SourceHash, spec.TargetHash = hash("with_source_id"), hash("with_target_id")
			from = g.edges
		} else {
			spec.NodeHash = hash("with_node_id")
		}
		for _, c := range from {
			cols = append(cols, b.column(c.Name, c.Type))
		}
		t := &table{span: entity.Span, cols: cols, rel: &RowOp{Ins: g.ins, Name: "graph-to-table", Cols: cols, Op: NewGraphToTable(g.spec, spec)}}
		if entity.As != nil {
			t.name = entity.As.Text
		}
		out = append(out, t)
	}
	switch len(out) {
	case 0:
		return b.openTable(o.Pos())
	case 1:
		return out[0]
	}
	return &table{span: o.Pos(), rel: &Values{}, group: out}
}
