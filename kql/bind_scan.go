package kql

// scanRows is scan: the rows of a serialized table go through steps that
// remember what matched them.
func (b *binder) scanRows(o *ScanOp, in *table) *table {
	at := o.Pos()
	if len(o.OrderBy) > 0 {
		var keys []SortKey
		b.inRow(in, func() { keys = b.sortKeys(o.OrderBy) })
		sorted := in.with(&Sort{In: in.rel, Keys: keys})
		sorted.sorted, sorted.serialized = true, true
		in = sorted
	}
	if !in.serialized {
		b.errorf(at, "KS204", "scan: the input must be serialized. Use sort or serialize before it.")
	}
	spec := ScanSpec{}
	for _, c := range in.cols {
		spec.Types = append(spec.Types, c.Type)
	}
	declared, defaults := b.scanDeclare(o)
	spec.Declare = defaults
	for _, e := range o.PartitionBy {
		var x Scalar
		b.inRow(in, func() { x = b.rowExpr(b.scalar(e)) })
		spec.Partition = append(spec.Partition, compute(x, in.cols))
	}

	// record is what a condition sees: the row, and the state of each step.
	// A declared column hides one of the input.
	visible := make([]Column, 0, len(in.cols)+len(declared))
	for _, c := range in.cols {
		if find(declared, c.Name) < 0 {
			visible = append(visible, c)
		}
	}
	visible = append(visible, declared...)
	record := append(append([]Column(nil), in.cols...), declared...)
	row := &rowScope{cols: visible, open: in.open, records: make(map[string]*rowScope)}
	layout := append([]Column(nil), record...)
	for i := range o.Steps {
		s := &o.Steps[i]
		state := make([]Column, len(record))
		for j, c := range record {
			state[j] = b.column(c.Name, c.Type)
		}
		layout = append(layout, state...)
		if row.records[s.Name.Text] != nil {
			b.errorf(s.Name.Span, "KS171", "A step with the name '%s' is already declared.", s.Name.Text)
		}
		// Declared columns are found first.
		names := append(append([]Column(nil), state[len(in.cols):]...), state[:len(in.cols)]...)
		row.records[s.Name.Text] = &rowScope{cols: names, open: in.open}
	}
	saved, agg := b.row, b.agg
	b.row, b.agg = row, nil
	for i := range o.Steps {
		spec.Steps = append(spec.Steps, b.scanStep(&o.Steps[i], declared, layout))
	}
	b.row, b.agg = saved, agg

	// Columns that a declared one hides do not come out.
	out := append([]Column(nil), record...)
	if p := prop(o.Props, "with_match_id"); p != nil {
		spec.MatchID = true
		out = append(out, b.column(b.propText(p), Long))
	}
	for i := range out {
		if i < len(in.cols) {
			out[i] = b.column(out[i].Name, out[i].Type)
		}
	}
	rel := Rel(&RowOp{Ins: []Rel{b.exact(in)}, Name: "scan", Cols: out, Op: NewScan(spec), Order: true})
	t := *in
	t.span, t.rel, t.hidden, t.sorted, t.serialized = at, rel, nil, true, true
	t.cols = nil
	for i, c := range out {
		if i >= len(in.cols) || find(declared, c.Name) < 0 {
			t.cols = append(t.cols, c)
		}
	}
	return &t
}

func find(cols []Column, name string) int {
	for i := range cols {
		if cols[i].Name == name {
			return i
		}
	}
	return -1
}

// scanDeclare makes the declared columns and their defaults.
func (b *binder) scanDeclare(o *ScanOp) ([]Column, []Value) {
	var cols []Column
	var defaults []Value
	saved := b.row
	b.row = nil
	for i := range o.Declare {
		d := &o.Declare[i]
		t, ok := ParseType(d.Type.Text)
		if !ok {
			b.errorf(d.Type.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", d.Type.Text)
		}
		if find(cols, d.Name.Text) >= 0 {
			b.errorf(d.Name.Span, "KS171", "A column with the name '%s' is already declared.", d.Name.Text)
			continue
		}
		def := Null(t)
		if d.Default != nil {
			if v := constOf(b.convert(b.scalar(d.Default), t)); v != nil {
				def = *v
			} else if v := b.constantOf(d.Default); v != nil {
				if x, ok := b.convert(constant(d.Default.Pos(), *v), t).(*Call); ok {
					def = Eval(x, func(ColID) Value { return Value{} })
				}
			}
		}
		cols, defaults = append(cols, b.column(d.Name.Text, t)), append(defaults, def)
	}
	b.row = saved
	return cols, defaults
}

// scanStep binds one step, with the record and all states in scope.
func (b *binder) scanStep(s *ScanStep, declared, layout []Column) ScanStepSpec {
	out := ScanStepSpec{Optional: s.Optional, Output: s.Output}
	out.Cond = compute(b.rowExpr(b.predicate(s.Cond)), layout)
	for _, e := range s.Assign {
		n, ok := e.(*Named)
		if !ok || len(n.Names) != 1 {
			b.errorf(e.Pos(), "KS006", "An assignment of the form Column = Expression is expected.")
			continue
		}
		i := find(declared, n.Names[0].Text)
		x := b.rowExpr(b.scalar(n.X))
		if i < 0 {
			b.errorf(n.Names[0].Span, "KS142", "The name '%s' does not refer to any declared column of scan.", n.Names[0].Text)
			continue
		}
		out.Assign = append(out.Assign, ScanAssign{Col: i, X: compute(b.convert(x, declared[i].Type), layout)})
	}
	return out
}
