package kql

import (
	"fmt"
	"strings"
)

// Format prints a tree in one layout: a statement ends with a semicolon and a
// line, each operator is on a line of its own behind its pipe, subqueries of
// more than one operator are indented. Comments are not part of a tree and are
// lost. Parse of the text gives the same tree.
func Format(q *Query) string {
	f := &formatter{}
	for i, s := range q.Statements {
		f.statement(s)
		if i < len(q.Statements)-1 {
			f.put(";")
			f.line()
		}
	}
	return f.b.String()
}

// FormatExpr prints one expression as Format does.
func FormatExpr(x Expr) string {
	f := &formatter{}
	f.expr(x)
	return f.b.String()
}

type formatter struct {
	b      strings.Builder
	indent int
	inline bool // inside brackets: a short query stays on the line
}

func (f *formatter) put(s ...string) {
	for _, s := range s {
		f.b.WriteString(s)
	}
}

// line begins a line at the current indentation.
func (f *formatter) line() {
	f.b.WriteByte('\n')
	for range f.indent {
		f.b.WriteString("    ")
	}
}

// block prints between two brackets, indented when it has several lines.
func (f *formatter) block(open string, lines bool, body func(), end string) {
	f.put(open)
	inline := f.inline
	defer func() { f.inline = inline }()
	if f.inline = !lines; f.inline {
		body()
		f.put(end)
		return
	}
	f.indent++
	f.line()
	body()
	f.indent--
	f.line()
	f.put(end)
}

func (f *formatter) statement(s Statement) {
	switch s := s.(type) {
	case *Let:
		f.put("let ")
		f.name(s.Name)
		f.put(" = ")
		f.expr(s.Value)
	case *ExprStatement:
		f.expr(s.X)
	case *SetOption:
		f.put("set ")
		f.name(s.Name)
		if s.Value != nil {
			f.put(" = ")
			f.expr(s.Value)
		}
	case *DeclareParameters:
		f.put("declare query_parameters(")
		f.params(s.Params)
		f.put(")")
	case *DeclarePattern:
		f.put("declare pattern ")
		f.name(s.Name)
		if s.Matches == nil && s.Params == nil {
			return
		}
		f.put(" = (")
		f.params(s.Params)
		f.put(")")
		if s.Path != nil {
			f.put("[")
			f.params([]ParamDecl{*s.Path})
			f.put("]")
		}
		f.block(" {", true, func() {
			for i, m := range s.Matches {
				if i > 0 {
					f.line()
				}
				f.put("(")
				f.exprs(m.Args)
				f.put(")")
				if m.Path != nil {
					f.put(".[")
					f.expr(m.Path)
					f.put("]")
				}
				f.put(" = ")
				f.body(m.Body)
				f.put(";")
			}
		}, "}")
	case *Alias:
		f.put("alias database ")
		f.name(s.Name)
		f.put(" = ")
		f.expr(s.X)
	case *Restrict:
		f.put("restrict access to (")
		f.entities(s.Names)
		f.put(")")
	}
}

func (f *formatter) body(b *FuncBody) {
	if b == nil {
		f.put("{ }")
		return
	}
	f.block("{", true, func() {
		for i, s := range b.Statements {
			if i > 0 {
				f.put(";")
				f.line()
			}
			f.statement(s)
		}
		if n := len(b.Statements); n > 0 {
			if _, ok := b.Statements[n-1].(*ExprStatement); !ok {
				f.put(";")
			}
		}
	}, "}")
}

func (f *formatter) params(list []ParamDecl) {
	for i, d := range list {
		if i > 0 {
			f.put(", ")
		}
		f.name(d.Name)
		f.put(": ")
		switch {
		case d.Star:
			f.put("(*)")
		case d.Table:
			f.columns(d.Columns)
		default:
			f.put(d.Type.Text)
		}
		if d.Default != nil {
			f.put(" = ")
			f.expr(d.Default)
		}
	}
}

// columns is (a: long, b: string).
func (f *formatter) columns(list []ColumnDecl) {
	f.put("(")
	for i, c := range list {
		if i > 0 {
			f.put(", ")
		}
		f.column(c)
	}
	f.put(")")
}

func (f *formatter) column(c ColumnDecl) {
	f.name(c.Name)
	if c.Type.Text != "" {
		f.put(": ", c.Type.Text)
	}
}

// name prints a name in brackets when it was so or has to be.
func (f *formatter) name(n Name) {
	if !n.Quoted && (n.Wild || isPlainName(n.Text)) {
		f.put(n.Text)
		return
	}
	f.put("[", quoteText(n.Text), "]")
}

// isPlainName tells whether a text is one word to the lexer. Where a keyword
// may be a name is for whoever made the tree to know: it was one in the source.
func isPlainName(s string) bool {
	l := lexer{src: s, report: func(int, int, string, string) {}}
	t := l.next()
	return (t.kind == tIdent || t.keyword() && t.kind >= firstKeyword) && int(t.start) == 0 && int(t.end) == len(s)
}

// quoteText is a string literal that means s.
func quoteText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7F:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// literal prints a constant as it was written, or from its value when it was
// not written or in several pieces.
func (f *formatter) literal(l *Literal) {
	v := l.Value
	if v.Type() == String {
		if k, ok := oneToken(l.Text); ok && k == tString {
			f.put(l.Text)
			return
		}
		f.put(quoteText(v.Str()))
		return
	}
	text := l.Text
	if text == "" {
		switch {
		case v.IsNull():
			text = "null"
		case v.Type() == Dynamic:
			text = JSONOf(v.Dynamic())
		default:
			text = TextOf(v)
		}
	} else if k, ok := oneToken(text); ok && literalType(k) == v.Type() && v.Type() != Unknown {
		f.put(text)
		return
	}
	f.put(v.Type().String(), "(", text, ")")
}

// oneToken is the kind of a text that is a single token.
func oneToken(s string) (kind, bool) {
	ok := s != ""
	l := lexer{src: s, report: func(int, int, string, string) { ok = false }}
	t := l.next()
	return t.kind, ok && t.start == 0 && int(t.end) == len(s)
}

// literalType is the type of a literal that is one token without its type's
// name.
func literalType(k kind) Type {
	switch k {
	case tLong:
		return Long
	case tReal:
		return Real
	case tBool:
		return Bool
	case tTimeSpan:
		return TimeSpan
	}
	return Unknown
}

func (f *formatter) exprs(list []Expr) {
	for i, x := range list {
		if i > 0 {
			f.put(", ")
		}
		f.expr(x)
	}
}

// entities prints names of tables, whose stars need no brackets.
func (f *formatter) entities(list []Expr) {
	for i, x := range list {
		if i > 0 {
			f.put(", ")
		}
		f.entity(x)
	}
}

func (f *formatter) entity(x Expr) {
	if n, ok := x.(*NameRef); ok {
		f.name(n.Name)
		return
	}
	f.expr(x)
}

// precedence is that of the operator at the top of x; operands bind tightest.
func precedence(x Expr) int {
	switch x := x.(type) {
	case *Binary:
		return opPrecedence(x.Op)
	case *In, *Between:
		return precEqual
	case *Named, *Pipe:
		return 0
	}
	return precString + 1
}

func opPrecedence(op string) int {
	switch op {
	case "or":
		return precOr
	case "and":
		return precAnd
	case "==", "!=":
		return precEqual
	case "<", "<=", ">", ">=":
		return precRelation
	case "+", "-":
		return precAdd
	case "*", "/", "%":
		return precMultiply
	}
	return precString
}

// operand prints x, in parentheses when it would not be read as the operand of
// an operator that binds as tightly as least.
func (f *formatter) operand(x Expr, least int) {
	if precedence(x) < least {
		f.put("(")
		f.expr(x)
		f.put(")")
		return
	}
	f.expr(x)
}

// binary prints a chain of operators along its left side, without recursion: it
// may be as long as the source.
func (f *formatter) binary(x *Binary) {
	var chain []*Binary
	left := Expr(x)
	for {
		b, ok := left.(*Binary)
		if !ok || len(chain) > 0 && !chains(b.Op, chain[len(chain)-1].Op) {
			break
		}
		chain = append(chain, b)
		left = b.X
	}
	last := chain[len(chain)-1]
	f.operand(left, leftLeast(last.Op))
	for i := len(chain) - 1; i >= 0; i-- {
		b := chain[i]
		f.put(" ", b.Op, " ")
		f.operand(b.Y, opPrecedence(b.Op)+1)
	}
}

// leftLeast is how tightly the left operand of op has to bind.
func leftLeast(op string) int {
	p := opPrecedence(op)
	if p == precEqual || p == precRelation || p == precString {
		return p + 1
	}
	return p
}

// chains tells whether left can stand before op without parentheses.
func chains(left, op string) bool { return opPrecedence(left) >= leftLeast(op) }

func (f *formatter) expr(x Expr) {
	switch x := x.(type) {
	case *Literal:
		f.literal(x)
	case *NameRef:
		if x.Wild {
			f.put("[", x.Text, "]")
			return
		}
		f.name(x.Name)
	case *Path:
		f.left(x.X)
		f.put(".")
		f.name(x.Name)
	case *Element:
		if _, ok := x.X.(*Missing); !ok {
			f.left(x.X)
		}
		f.put("[")
		f.expr(x.Index)
		f.put("]")
	case *CallExpr:
		if x.X != nil {
			f.left(x.X)
			f.put(".")
		}
		f.call(x)
	case *Unary:
		f.put(x.Op)
		if lit, ok := x.X.(*Literal); ok && strings.HasPrefix(lit.Text, "-") {
			f.put("(")
			f.expr(x.X)
			f.put(")")
			return
		}
		f.operand(x.X, precString+1)
	case *Binary:
		f.binary(x)
	case *In:
		f.operand(x.X, precEqual+1)
		f.put(" ", x.Op, " ")
		f.block("(", len(x.List) == 1 && long(x.List[0]), func() { f.exprs(x.List) }, ")")
	case *Between:
		f.operand(x.X, precEqual+1)
		if x.Not {
			f.put(" !between (")
		} else {
			f.put(" between (")
		}
		f.expr(x.Lo)
		f.put(" .. ")
		f.expr(x.Hi)
		f.put(")")
	case *Paren:
		f.block("(", long(x.X), func() { f.expr(x.X) }, ")")
	case *Named:
		f.named(x)
	case *Star:
		f.put("*")
	case *TypeOf:
		f.put("typeof")
		f.schema(x)
	case *Pipe:
		f.pipe(x)
	case *DataTable:
		f.put("datatable")
		f.columns(x.Columns)
		f.put("[")
		f.values(x)
		f.put("]")
	case *ExternalData:
		f.put("externaldata")
		f.columns(x.Columns)
		f.put("[")
		f.exprs(x.URIs)
		f.put("]")
		if len(x.Props) > 0 {
			f.put(" with (")
			f.propList(x.Props)
			f.put(")")
		}
	case *FuncDecl:
		if x.View {
			f.put("view ")
		}
		f.put("(")
		f.params(x.Params)
		f.put(") ")
		f.body(x.Body)
	}
}

// left prints what a path begins with.
func (f *formatter) left(x Expr) {
	if _, ok := x.(*Unary); ok || precedence(x) <= precString {
		f.put("(")
		f.expr(x)
		f.put(")")
		return
	}
	f.expr(x)
}

func (f *formatter) call(x *CallExpr) {
	f.name(x.Name)
	f.block("(", len(x.Args) == 1 && long(x.Args[0]), func() { f.exprs(x.Args) }, ")")
}

func (f *formatter) named(x *Named) {
	if x.Tuple {
		f.put("(")
	}
	for i, n := range x.Names {
		if i > 0 {
			f.put(", ")
		}
		f.name(n)
	}
	if x.Tuple {
		f.put(")")
	}
	f.put(" = ")
	f.expr(x.X)
}

// schema is (type) or (*, a: long).
func (f *formatter) schema(x *TypeOf) {
	if x.Type.Text != "" {
		f.put("(", x.Type.Text, ")")
		return
	}
	if !x.Star {
		f.columns(x.Columns)
		return
	}
	f.put("(*")
	for _, c := range x.Columns {
		f.put(", ")
		f.column(c)
	}
	f.put(")")
}

// values prints a row of a datatable on each line.
func (f *formatter) values(x *DataTable) {
	width := len(x.Columns)
	if len(x.Values) <= width {
		f.exprs(x.Values)
		return
	}
	f.indent++
	for i, v := range x.Values {
		if width == 0 || i%width == 0 {
			f.line()
		}
		f.expr(v)
		if i < len(x.Values)-1 {
			f.put(",")
			if width > 0 && i%width != width-1 {
				f.put(" ")
			}
		}
	}
	f.indent--
	f.line()
}
