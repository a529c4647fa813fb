package kql

// autocluster, basket and diffpatterns look for common values in the columns of
// rows. A weight column, and the column that splits rows, are no part of them.

// patternSpec takes the input's columns but the named ones, and the wildcards
// from argument i on.
func (p *pluginCall) patternSpec(wildcards int, weight, split *Column) PatternSpec {
	s := PatternSpec{Weight: -1, Wildcards: make(map[Type]Value)}
	for i, c := range p.in.cols {
		s.Types = append(s.Types, c.Type)
		switch {
		case weight != nil && c.ID == weight.ID:
			s.Weight = i
		case split != nil && c.ID == split.ID:
		default:
			s.Dims = append(s.Dims, i)
		}
	}
	for i := wildcards; i < len(p.args); i++ {
		if v, ok := p.given(i); ok {
			s.Wildcards[v.Type()] = v
		}
	}
	return s
}

// weight is an optional argument that names a column of numbers.
func (p *pluginCall) weight(i int) *Column {
	if i >= len(p.args) {
		return nil
	}
	if lit, ok := unparen(p.args[i]).(*Literal); ok && lit.Value.Type() == String {
		return nil // "~"
	}
	c, _ := p.column(p.args[i])
	if c.ID == 0 || !c.Type.Numeric() {
		p.b.errorf(p.args[i].Pos(), "KS141", "%s: the weight must be a column of numbers.", p.name)
		return nil
	}
	return &c
}

func (p *pluginCall) fraction(i int, def float64) float64 {
	v, ok := p.given(i)
	if !ok {
		return def
	}
	if f := numberOf(v); AnyNumber.Has(v.Type()) && f >= 0 && f <= 1 {
		return f
	}
	p.b.errorf(p.args[i].Pos(), "KS141", "%s: a number between 0 and 1 is expected.", p.name)
	return def
}

func (p *pluginCall) number(i int, def int) int {
	v, ok := p.given(i)
	if !ok {
		return def
	}
	if AnyInteger.Has(v.Type()) && v.Int() > 0 && v.Int() <= 10_000 {
		return int(v.Int())
	}
	p.b.errorf(p.args[i].Pos(), "KS141", "%s: an integer from 1 to 10000 is expected.", p.name)
	return def
}

func (p *pluginCall) addDims(s *PatternSpec) {
	for _, d := range s.Dims {
		p.add(p.in.cols[d].Name, p.in.cols[d].Type)
	}
}

func (p *pluginCall) autocluster() (RowOperator, error) {
	spec := AutoclusterSpec{PatternSpec: p.patternSpec(3, p.weight(1), nil), SizeWeight: p.fraction(0, 0.5), Seeds: p.number(2, 25)}
	p.add("SegmentId", Long)
	p.add("Count", Long)
	p.add("Percent", Real)
	p.addDims(&spec.PatternSpec)
	return NewAutocluster(spec), nil
}

func (p *pluginCall) basket() (RowOperator, error) {
	spec := BasketSpec{PatternSpec: p.patternSpec(3, p.weight(1), nil), Threshold: p.fraction(0, 0.05), MaxDims: p.number(2, 5)}
	p.add("SegmentId", Long)
	p.add("Count", Long)
	p.add("Percent", Real)
	p.addDims(&spec.PatternSpec)
	return NewBasket(spec), nil
}

func (p *pluginCall) diffPatterns() (RowOperator, error) {
	if len(p.args) < 3 {
		return nil, errArguments
	}
	split, x := p.column(p.args[0])
	a, b := TextOf(p.constant(1)), TextOf(p.constant(2))
	spec := DiffSpec{PatternSpec: p.patternSpec(6, p.weight(3), &split), Threshold: p.fraction(4, 0.05), MaxDims: p.number(5, 0),
		Split: func(row []Value) int {
			switch TextOf(x(row)) {
			case a:
				return 1
			case b:
				return 2
			}
			return 0
		}}
	for _, c := range []MultiOut{{"SegmentId", Long}, {"CountA", Long}, {"CountB", Long}, {"PercentA", Real}, {"PercentB", Real}, {"PercentDiffAB", Real}} {
		p.add(c.Suffix, c.Type)
	}
	p.addDims(&spec.PatternSpec)
	return NewDiffPatterns(spec), nil
}
