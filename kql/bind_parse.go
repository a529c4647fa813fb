package kql

import (
	"regexp"
	"strconv"
	"strings"
)

// parse is parse and parse-where.
func (b *binder) parse(o *ParseOp, in *table) *table {
	at := o.Pos()
	kind, flags, kindAt := "simple", "", at
	for i := range o.Props {
		p := &o.Props[i]
		switch p.Name.Text {
		case "kind":
			kind, kindAt = b.propText(p), p.Value.Pos()
		case "flags":
			flags = b.propText(p)
		}
	}
	switch kind {
	case "simple", "relaxed", "regex":
	default:
		b.errorf(kindAt, "KS005", "'%s' operator: unknown kind '%s'.", b.op, kind)
		kind = "simple"
	}
	var x Scalar
	b.inRow(in, func() { x = b.scalar(o.X) })
	pattern := parsePattern{kind: kind, flags: flags}
	var outs []Column
	for i := range o.Pattern {
		part := &o.Pattern[i]
		b.parsePart(&pattern, &outs, o.Pattern, i, part)
	}
	m, err := pattern.matcher()
	if err != nil {
		if !b.badPattern(o.Pattern, flags) {
			b.errorf(at, "", "'%s' operator: %s", b.op, err)
		}
		m = &Matcher{Name: "parse", Match: func(string) ([]Value, bool) { return nil, false }}
	}
	return b.parsed(at, in, x, m, outs, o.Where)
}

// badPattern reports the text of a pattern that is no regular expression by
// itself; false when all are.
func (b *binder) badPattern(parts []ParsePart, flags string) bool {
	for i := range parts {
		lit, ok := unparen(parts[i].Text).(*Literal)
		if !ok || lit.Value.Type() != String {
			continue
		}
		if _, err := compilePattern(lit.Value.Str(), flags); err != nil {
			b.errorf(lit.Span, "", "'%s' operator: not a valid regular expression: %s", b.op, err)
			return true
		}
	}
	return false
}

// parsePart checks one part of a pattern and adds it.
func (b *binder) parsePart(pattern *parsePattern, outs *[]Column, all []ParsePart, i int, part *ParsePart) {
	text := func(i int) bool { return i >= 0 && i < len(all) && all[i].Text != nil }
	switch {
	case part.Star:
		if i < len(all)-1 && !text(i+1) {
			b.errorf(part.Span, "KS102", "'%s' operator: a string literal must follow a *", b.op)
		}
		if i > 0 && all[i-1].Column != nil {
			if t, _ := ParseType(all[i-1].Column.Type.Text); t == String || all[i-1].Column.Type.Text == "" {
				b.errorf(part.Span, "KS103", "'%s' operator: using * after parsing a string column is ambiguous.", b.op)
			}
		}
		pattern.parts = append(pattern.parts, patternPart{star: true})
	case part.Text != nil:
		v := b.constantOf(part.Text)
		if v == nil {
			return
		}
		if v.Type() != String {
			b.errorf(part.Span, "KS222", "'%s' operator: string literal expected.", b.op)
			return
		}
		pattern.parts = append(pattern.parts, patternPart{text: v.Str()})
	case part.Column != nil:
		if i > 0 && !text(i-1) {
			b.errorf(part.Span, "KS101", "'%s' operator: the column name must follow a string literal", b.op)
		}
		d := part.Column
		t := String
		if d.Type.Text != "" {
			var ok bool
			if t, ok = ParseType(d.Type.Text); !ok {
				b.errorf(d.Type.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", d.Type.Text)
				t = String
			}
		}
		for _, c := range *outs {
			if c.Name == d.Name.Text {
				b.errorf(d.Name.Span, "KS171", "A column with the name '%s' is already declared.", d.Name.Text)
				return
			}
		}
		pattern.parts = append(pattern.parts, patternPart{column: true, t: t})
		*outs = append(*outs, b.column(d.Name.Text, t))
	}
}

// parsed is the plan of a matcher: its columns take the place of those of the
// same name.
func (b *binder) parsed(at Span, in *table, x Scalar, m *Matcher, outs []Column, where bool) *table {
	t := *in
	t.span = at
	p := projection{b: b}
	p.pass(in.cols)
	var pass []Column
	for _, o := range outs {
		if i := p.find(o.Name); i >= 0 {
			p.cols[i].col = o
		} else {
			p.cols = append(p.cols, outColumn{col: o})
		}
	}
	t.cols = nil
	for i := range p.cols {
		t.cols = append(t.cols, p.cols[i].col)
	}
	for _, c := range in.cols {
		if i := find(t.cols, c.Name); i >= 0 && t.cols[i].ID == c.ID {
			pass = append(pass, c)
		}
	}
	if isUnknown(x) || x.Type() == Unknown {
		x = constant(at, StringOf(""))
	}
	t.rel = &ParseRel{In: in.rel, X: b.convert(x, String), Matcher: m, Outs: outs, Where: where, Pass: append(pass, in.hidden...)}
	return &t
}

// parsePattern is a pattern of parse.
type parsePattern struct {
	kind, flags string
	parts       []patternPart
}

type patternPart struct {
	star, column bool
	text         string
	t            Type
}

// matcher compiles the pattern. One without numbers is a walk from literal to
// literal; others are a regex.
func (p *parsePattern) matcher() (*Matcher, error) {
	m := &Matcher{Name: "parse " + p.kind}
	plain := p.kind != "regex"
	for _, part := range p.parts {
		if part.column {
			m.Types = append(m.Types, part.t)
			if part.t.Numeric() || part.t == Bool {
				plain = false
			}
		}
	}
	empty := make([]Value, len(m.Types))
	for i, t := range m.Types {
		empty[i] = Null(t)
	}
	take := p.convert(m.Types, empty)
	if plain {
		parts := p.parts
		m.Match = func(text string) ([]Value, bool) {
			var buf [16]string
			found, ok := walkPattern(parts, text, buf[:0])
			if !ok {
				return empty, false
			}
			return take(found)
		}
		return m, nil
	}
	re, groups, err := p.regex()
	if err != nil {
		return nil, err
	}
	m.Match = func(text string) ([]Value, bool) {
		at := re.FindStringSubmatchIndex(text)
		if at == nil {
			return empty, false
		}
		var buf [16]string
		found := buf[:0]
		for _, g := range groups {
			if at[2*g] < 0 {
				found = append(found, "")
				continue
			}
			found = append(found, text[at[2*g]:at[2*g+1]])
		}
		return take(found)
	}
	return m, nil
}

// convert makes values of texts. One that is not of its column's type empties
// all columns, or with kind=relaxed only its own.
func (p *parsePattern) convert(types []Type, empty []Value) func([]string) ([]Value, bool) {
	reads := make([]func(string) Value, len(types))
	for i, t := range types {
		reads[i] = textReader(t)
	}
	relaxed := p.kind == "relaxed"
	return func(texts []string) ([]Value, bool) {
		out := make([]Value, len(types))
		for i, s := range texts {
			v := reads[i](s)
			if v.IsNull() && !relaxed {
				return empty, false
			}
			out[i] = v
		}
		return out, true
	}
}

// textReader reads a value of a type from text, as tolong and the like do.
func textReader(t Type) func(string) Value {
	if t == String {
		return StringOf
	}
	f := LookupFunc(converters[t])
	if t == Dynamic {
		f = LookupFunc("todynamic")
	}
	if f == nil || f.Eval == nil {
		return func(string) Value { return Null(t) }
	}
	return func(s string) Value { return cast(f.Eval([]Value{StringOf(strings.TrimSpace(s))}), t) }
}

// walkPattern goes from literal to literal, each where it comes first, so that
// a column holds as little as it can; the last part ends with the text.
func walkPattern(parts []patternPart, text string, found []string) ([]string, bool) {
	pos := 0
	open := false   // behind a column or a *: the next literal may be anywhere
	column := false // what is skipped is a column's text
	for i, part := range parts {
		switch {
		case part.star:
			if column {
				// A column that a * follows ends at once.
				found = append(found, "")
				column = false
			}
			open = true
		case part.column:
			if column {
				found = append(found, "")
			}
			open, column = true, true
		default:
			at := pos
			if open {
				n := strings.Index(text[pos:], part.text)
				if i == len(parts)-1 {
					// The last literal ends the text.
					if !strings.HasSuffix(text[pos:], part.text) {
						return nil, false
					}
					n = len(text) - pos - len(part.text)
				}
				if n < 0 {
					return nil, false
				}
				at = pos + n
			} else if !strings.HasPrefix(text[pos:], part.text) {
				return nil, false
			}
			if column {
				found = append(found, text[pos:at])
			}
			pos = at + len(part.text)
			open, column = false, false
		}
	}
	if column {
		found = append(found, text[pos:])
		return found, true
	}
	return found, open || pos == len(text)
}

// regex translates the pattern as Kusto does. Groups of the query's own regexes
// count too, so columns are found by name.
func (p *parsePattern) regex() (*regexp.Regexp, []int, error) {
	var s strings.Builder
	any := ".*?"
	switch {
	case p.kind == "regex":
		any = ".*"
		if p.flags != "" {
			s.WriteString("(?" + p.flags + ")")
		}
	default:
		s.WriteString("(?s)")
	}
	s.WriteString(`\A(?:`)
	n := 0
	for i, part := range p.parts {
		switch {
		case part.star:
			s.WriteString(any)
		case part.column:
			number := numberRegex(part.t)
			body := any
			switch {
			case number != "" && p.kind == "relaxed":
				body = number + "|" + any
			case number != "":
				body = number
			case i == len(p.parts)-1:
				body = ".*"
			}
			s.WriteString("(?P<kql" + strconv.Itoa(n) + ">" + body + ")")
			n++
		case p.kind == "regex":
			s.WriteString(part.text)
		default:
			s.WriteString(regexp.QuoteMeta(part.text))
		}
	}
	s.WriteString(`)\z`)
	re, err := regexp.Compile(s.String())
	if err != nil {
		return nil, nil, err
	}
	groups := make([]int, n)
	for i := range groups {
		groups[i] = re.SubexpIndex("kql" + strconv.Itoa(i))
	}
	return re, groups, nil
}

// numberRegex is what a number looks like inside a pattern.
func numberRegex(t Type) string {
	switch t {
	case Int, Long:
		return `[-+]?\d+`
	case Real, Decimal:
		return `[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?`
	case Bool:
		return `(?i:true|false)|[01]`
	}
	return ""
}
