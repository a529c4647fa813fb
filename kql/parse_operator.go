package kql

// named expressions, at least one when required.
func (p *parser) namedList(required bool) []Expr { return p.exprList(p.named, required) }

// requiredNamed is an expression that may have a name and must be there.
func (p *parser) requiredNamed() Expr {
	if x := p.named(); x != nil {
		return x
	}
	return p.missing("expression")
}

func (p *parser) where() Operator {
	start := p.start()
	p.next()
	op := &WhereOp{Props: p.props(nil, true)}
	op.X = p.requiredNamed()
	op.Span = p.from(start)
	return op
}

// extend is extend and serialize, which are alike but for whether columns must
// be said.
func (p *parser) extend() Operator {
	start := p.start()
	if p.next(); p.toks[p.pos-1].kind == kwSerialize {
		p.refuse(p.props(nil, true))
		cols := p.namedList(false)
		return &SerializeOp{p.from(start), cols}
	}
	cols := p.namedList(true)
	return &ExtendOp{p.from(start), cols}
}

func (p *parser) project() Operator {
	start := p.start()
	op := &ProjectOp{}
	switch p.next(); p.toks[p.pos-1].kind {
	case kwProject:
		op.Cols = p.namedList(false)
	case kwProjectRename:
		op.Kind = "rename"
		op.Cols = p.namedList(false)
	case kwProjectByNames:
		op.Kind = "by-names"
		op.Cols = p.exprList(p.unnamed, false)
	case kwProjectAway:
		op.Kind = "away"
		op.Cols = p.exprList(p.wildColumn, false)
	case kwProjectKeep:
		op.Kind = "keep"
		op.Cols = p.exprList(p.wildColumn, false)
	}
	op.Span = p.from(start)
	return op
}

// wildColumn is a column or a name with a star.
func (p *parser) wildColumn() Expr {
	if n, ok := p.wildName(); ok {
		return &NameRef{n}
	}
	if p.nameLen(0, canIdent) == 0 {
		return nil
	}
	return &NameRef{p.name()}
}

func (p *parser) reorder() Operator {
	start := p.start()
	p.next()
	op := &ReorderOp{}
	for !p.ends() {
		k := OrderKey{Span: p.here(), X: p.wildColumn()}
		if k.X == nil {
			k.X = p.missing("expression")
		}
		k.Dir = p.direction()
		k.Span = p.from(k.Start)
		op.Keys = append(op.Keys, k)
		if !p.accept(tComma) {
			break
		}
		if p.ends() {
			p.missing("expression")
		}
	}
	op.Span = p.from(start)
	return op
}

// direction reads asc, desc, granny-asc or granny-desc.
func (p *parser) direction() string {
	switch p.kind() {
	case kwAsc, kwDesc, kwGrannyAsc, kwGrannyDesc:
		return p.text(p.next())
	}
	return ""
}

// orderKey is an expression with asc, desc, nulls first, nulls last.
func (p *parser) orderKey() (OrderKey, bool) {
	k := OrderKey{Span: p.here(), X: p.named()}
	if k.X == nil {
		return k, false
	}
	k.Dir = p.direction()
	if p.accept(kwNulls) {
		switch p.kind() {
		case kwFirst, kwLast:
			k.Nulls = p.text(p.next())
		default:
			p.report("KS005", "Expected one of: first, last")
		}
	}
	k.Span = p.from(k.Start)
	return k, true
}

func (p *parser) orderKeys() []OrderKey {
	return commaList(p, p.orderKey, p.missingKey, false)
}

func (p *parser) missingKey() OrderKey {
	return OrderKey{Span: Span{p.end(), p.end()}, X: p.missing("expression")}
}

func (p *parser) summarize() Operator {
	start := p.start()
	p.next()
	op := &SummarizeOp{Props: p.props(nil, true)}
	if p.kind() != kwBy {
		op.Aggs = p.namedList(false)
	}
	if p.accept(kwBy) {
		op.HasBy = true
		op.By = p.namedList(true)
		if p.kind() == kwBin && p.peek(1).kind == tEqual {
			at := p.start()
			p.next()
			p.next()
			p.required()
			p.unsupported(p.from(at), "bin= behind by, which bin(x, size) replaced,")
		}
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) distinct() Operator {
	start := p.start()
	p.next()
	op := &DistinctOp{Props: p.props(nil, true)}
	op.Cols = p.exprList(func() Expr {
		if p.kind() == tStar && !p.starCompares() {
			return p.star()
		}
		return p.named()
	}, true)
	op.Span = p.from(start)
	return op
}

// starCompares tells whether the star here is the left side of an operator.
func (p *parser) starCompares() bool {
	next := p.peek(1).kind
	return next == tEqualEqual || stringOp(next) != ""
}

func (p *parser) sort() Operator {
	start := p.start()
	p.next()
	op := &SortOp{Props: p.props(nil, false)}
	p.expect(kwBy)
	if op.Keys = p.orderKeys(); len(op.Keys) == 0 {
		op.Keys = []OrderKey{p.missingKey()}
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) take() Operator {
	start := p.start()
	p.next()
	op := &TakeOp{Props: p.props(nil, true)}
	op.N = p.requiredNamed()
	op.Span = p.from(start)
	return op
}

func (p *parser) sample() Operator {
	start := p.start()
	distinct := p.kind() == kwSampleDistinct
	p.next()
	p.refuse(p.props(nil, true))
	op := &SampleOp{N: p.requiredNamed()}
	if distinct {
		p.expect(kwOf)
		op.Distinct = p.requiredNamed()
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) top() Operator {
	start := p.start()
	p.next()
	op := &TopOp{Props: p.props(nil, true)}
	op.N = p.requiredNamed()
	p.expect(kwBy)
	k, ok := p.orderKey()
	if !ok {
		k = p.missingKey()
	}
	op.Keys = []OrderKey{k}
	op.Span = p.from(start)
	return op
}

func (p *parser) topNested() Operator {
	start := p.start()
	op := &TopNestedOp{}
	for {
		at := p.start()
		if !p.expect(kwTopNested) {
			break
		}
		var l TopNestedLevel
		if p.kind() != kwOf {
			l.N = p.named()
		}
		p.expect(kwOf)
		l.Of = p.requiredNamed()
		if p.accept(kwWith) {
			p.expect(kwOthers)
			p.expect(tEqual)
			if l.Others = p.literal(); l.Others == nil {
				l.Others = p.required()
			}
		}
		p.expect(kwBy)
		k, ok := p.orderKey()
		if !ok {
			k = p.missingKey()
		}
		l.By, l.Dir, l.Nulls = k.X, k.Dir, k.Nulls
		l.Span = p.from(at)
		op.Levels = append(op.Levels, l)
		if !p.accept(tComma) {
			break
		}
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) topHitters() Operator {
	start := p.start()
	p.next()
	op := &TopHittersOp{N: p.requiredNamed()}
	p.expect(kwOf)
	op.Of = p.requiredNamed()
	if p.accept(kwBy) {
		op.By = p.requiredNamed()
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) count() Operator {
	start := p.start()
	p.next()
	op := &CountOp{}
	if p.accept(kwAs) {
		n := p.declName(canIdent)
		op.As = &n
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) join() Operator {
	start := p.start()
	op := &JoinOp{Lookup: p.kind() == kwLookup}
	p.next()
	op.Props = p.props(nil, true)
	op.Right = p.required()
	switch {
	case p.accept(kwOn):
		op.On = p.exprList(p.unnamed, true)
	case p.kind() == kwWhere && !op.Lookup:
		at := p.here()
		p.next()
		p.required()
		p.unsupported(at, "join ... where")
	case op.Lookup:
		p.report("KS006", "Missing join 'on' clause%s", p.hint())
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) union() Operator {
	start := p.start()
	p.next()
	op := &UnionOp{Props: p.props([]string{"best_effort"}, true)}
	op.Tables = p.exprList(func() Expr {
		if p.kind() == tOpenParen {
			return p.paren()
		}
		return p.entity()
	}, true)
	op.Span = p.from(start)
	return op
}

func (p *parser) mvColumn() (MvColumn, bool) {
	c := MvColumn{Span: p.here()}
	if p.kind() == kwTo {
		c.X = p.missing("expression")
	} else if c.X = p.named(); c.X == nil {
		return c, false
	}
	if p.accept(kwTo) {
		if p.kind() == kwTypeof {
			c.To = p.typeOf()
		} else {
			p.report("KS006", "Missing typeof literal")
		}
	}
	c.Span = p.from(c.Start)
	return c, true
}

func (p *parser) missingMvColumn() MvColumn {
	return MvColumn{Span: Span{p.end(), p.end()}, X: p.missing("expression")}
}

// mvColumns reads the columns of mv-expand and mv-apply up to a word that ends
// them.
func (p *parser) mvColumns(ends func() bool) []MvColumn {
	list := commaList(p, func() (MvColumn, bool) {
		if ends() {
			return MvColumn{}, false
		}
		return p.mvColumn()
	}, p.missingMvColumn, false)
	if len(list) == 0 {
		list = []MvColumn{p.missingMvColumn()}
	}
	return list
}

func (p *parser) mvExpand() Operator {
	start := p.start()
	p.next()
	op := &MvExpandOp{Props: p.props(nil, true)}
	op.Cols = p.mvColumns(func() bool { return p.kind() == kwLimit })
	if p.accept(kwLimit) {
		op.Limit = p.required()
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) mvApply() Operator {
	start := p.start()
	p.next()
	op := &MvApplyOp{Props: p.props(nil, true)}
	op.Cols = p.mvColumns(func() bool {
		switch p.kind() {
		case kwLimit, kwId, kwOn:
			// Any of them may be a column, when what follows says so.
			switch p.peek(1).kind {
			case tComma, kwTo, tEqual:
				return false
			}
			return true
		}
		return false
	})
	if p.accept(kwLimit) {
		op.Limit = p.required()
	}
	if p.accept(kwId) {
		// The docs have a name here, the grammar an expression.
		if x := p.required(); op.ID == nil {
			if ref, ok := x.(*NameRef); ok {
				op.ID = &ref.Name
			} else {
				p.unsupported(x.Pos(), "mv-apply id with an expression")
			}
		}
	}
	p.expect(kwOn)
	op.Sub = p.subQuery()
	op.Span = p.from(start)
	return op
}

// subQuery is ( operator | operator ... ).
func (p *parser) subQuery() *Pipe {
	if !p.expect(tOpenParen) {
		return &Pipe{Span: Span{p.end(), p.end()}}
	}
	if p.kind() == kwContextualDatatable {
		p.primary()
	}
	x := p.subPipe()
	p.closing(tCloseParen)
	return x
}

func (p *parser) rangeOp() Operator {
	start := p.start()
	p.next()
	op := &RangeOp{Name: p.declName(canIdent)}
	p.expect(kwFrom)
	op.From = p.required()
	p.expect(kwTo)
	op.To = p.required()
	p.expect(kwStep)
	op.Step = p.required()
	op.Span = p.from(start)
	return op
}

func (p *parser) print() Operator {
	start := p.start()
	p.next()
	cols := p.namedList(true)
	return &PrintOp{p.from(start), cols}
}

func (p *parser) as() Operator {
	start := p.start()
	p.next()
	op := &AsOp{Props: p.props(nil, true)}
	op.Name = p.declName(canIdent)
	op.Span = p.from(start)
	return op
}

func (p *parser) getSchema() Operator {
	start := p.start()
	p.next()
	op := &GetSchemaOp{}
	if p.kind() == kwKind && p.peek(1).kind == tEqual {
		prop := p.prop(1)
		switch v := prop.Value.(type) {
		case *NameRef:
			op.Kind = v.Text
		case *Literal:
			op.Kind = v.Value.Str()
		}
	}
	op.Span = p.from(start)
	return op
}

func (p *parser) consume() Operator {
	start := p.start()
	p.next()
	props := p.props(nil, false)
	return &ConsumeOp{p.from(start), props}
}

func (p *parser) assertSchema() Operator {
	start := p.start()
	p.next()
	cols := p.columns(false)
	return &AssertSchemaOp{p.from(start), cols}
}

func (p *parser) invoke() Operator {
	start := p.start()
	p.next()
	op := &InvokeOp{Call: p.requiredCall()}
	for steps := 0; p.kind() == tDot && !p.tooLong(steps); steps++ {
		p.next()
		n := p.nameLen(0, canIdent)
		if n == 0 || p.peek(n).kind != tOpenParen {
			p.missing("function call")
			break
		}
		op.Call = p.call(op.Call.Start, op.Call, p.name())
	}
	op.Span = p.from(start)
	return op
}

// requiredCall is name(...) without a path.
func (p *parser) requiredCall() *CallExpr {
	start := p.start()
	if p.nameLen(0, canIdent) == 0 {
		p.report("KS006", "Missing function call%s", p.hint())
		return &CallExpr{Span: Span{p.end(), p.end()}}
	}
	return p.call(start, nil, p.name())
}

func (p *parser) evaluate() Operator {
	start := p.start()
	p.next()
	op := &EvaluateOp{Props: p.props(nil, false)}
	op.Call = p.requiredCall()
	if p.kind() == tColon {
		at := p.start()
		p.next()
		op.Schema = p.evaluateSchema(at)
	}
	op.Span = p.from(start)
	return op
}

// evaluateSchema is (*, name:type, ...) behind the colon.
func (p *parser) evaluateSchema(start int) *TypeOf {
	t := &TypeOf{}
	if p.kind() != tOpenParen {
		p.report("KS006", "Missing schema declaration")
		return t
	}
	p.next()
	p.accept(tComma)
	t.Star = p.accept(tStar)
	p.accept(tComma)
	t.Columns = p.columnList()
	p.closing(tCloseParen)
	t.Span = p.from(start)
	return t
}
