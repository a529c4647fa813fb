package kql

// reduce is reduce by X: texts that are alike become one pattern.
func (b *binder) reduce(o *ReduceOp, in *table) *table {
	spec := ReduceSpec{Threshold: 0.1}
	var x Scalar
	b.inRow(in, func() { x = b.rowExpr(b.typed(o.X, 1<<String, "KS234", "reduce: the expression must be a string.")) })
	spec.Text = compute(x, in.cols)
	if p := prop(o.Props, "kind"); p != nil {
		if spec.Source = b.propText(p) == "source"; !spec.Source {
			b.errorf(p.Span, "KS006", "reduce: the only kind is source.")
		}
	}
	if p := prop(o.With, "threshold"); p != nil {
		v := b.constantOf(p.Value)
		if v != nil && AnyNumber.Has(v.Type()) {
			spec.Threshold = numberOf(*v)
		}
		if v == nil || !(spec.Threshold >= 0 && spec.Threshold <= 1) {
			b.errorf(p.Span, "KS141", "reduce: the threshold is a number between 0 and 1.")
		}
	}
	if p := prop(o.With, "characters"); p != nil {
		spec.Characters = b.propText(p)
	}
	var cols []Column
	if spec.Source {
		for _, c := range in.cols {
			cols = append(cols, b.column(c.Name, c.Type))
		}
		cols = append(cols, b.column("Pattern", String))
	} else {
		cols = []Column{b.column("Pattern", String), b.column("Count", Long), b.column("Representative", String)}
	}
	return &table{span: o.Pos(), cols: cols, rel: &RowOp{Ins: []Rel{b.exact(in)}, Name: "reduce", Cols: cols, Op: NewReduce(spec)}}
}
