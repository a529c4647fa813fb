package kql

import (
	"strconv"
	"strings"
)

// Names of result columns that were not said, as Kusto's language service makes
// them: see Naming.

// declaredName is the name in front of an expression.
func declaredName(e Expr) (Name, bool) {
	if n, ok := e.(*Named); ok && len(n.Names) > 0 {
		return n.Names[0], true
	}
	return Name{}, false
}

// resultName is the name that an expression gives a column; ok is false when it
// gives none, and the column is called ColumnN.
func (b *binder) resultName(e Expr) (name string, ok bool) {
	switch e := e.(type) {
	case *Paren:
		return b.resultName(e.X)
	case *NameRef:
		return e.Text, true
	case *Named:
		if len(e.Names) > 0 {
			return e.Names[0].Text, true
		}
	case *Path:
		if ref, isRef := unparen(e.X).(*NameRef); isRef && b.record(ref.Text) != nil {
			return e.Name.Text, true
		}
		return joinName(b, e.X, e.Name.Text), true
	case *Element:
		right := ""
		switch i := unparen(e.Index).(type) {
		case *Literal:
			switch i.Value.Type() {
			case String:
				right = i.Value.Str()
			case Int, Long:
				right = i.Text
			}
		}
		left, _ := b.resultName(e.X)
		if strings.TrimSpace(left) == "" {
			if right == "" {
				return "", false
			}
			return right, true
		}
		return left + "_" + right, true
	case *CallExpr:
		return b.callName(e)
	}
	return "", false
}

func joinName(b *binder, x Expr, right string) string {
	left, _ := b.resultName(x)
	if strings.TrimSpace(left) == "" {
		return right
	}
	return left + "_" + right
}

// callName is the name of a call's column.
func (b *binder) callName(e *CallExpr) (string, bool) {
	if e.X != nil || b.env.find(e.Name.Text) != nil {
		return "", false
	}
	name := e.Name.Text
	naming, prefix := NameDefault, ""
	if a := LookupAggregate(name); a != nil && (b.agg != nil || LookupFunc(name) == nil) {
		naming, prefix = a.Naming, a.NamePrefix
	} else if f := LookupFunc(name); f != nil {
		naming, prefix = f.Naming, f.NamePrefix
	}
	arg := func() (string, bool) {
		if len(e.Args) == 0 {
			return "", false
		}
		return b.resultName(e.Args[0])
	}
	switch naming {
	case NameFuncFirst, NameFuncOnly:
		prefix = name
	}
	switch naming {
	case NameFuncFirst, NamePrefixFirst:
		n, _ := arg()
		if prefix == "" {
			return n, n != ""
		}
		return prefix + "_" + n, true
	case NameFuncOnly, NamePrefixOnlyArg:
		if len(e.Args) == 1 {
			n, _ := arg()
			if prefix == "" {
				return n, n != ""
			}
			return prefix + "_" + n, true
		}
	case NameFirstValue:
		if len(e.Args) > 0 && b.row != nil {
			if lit, ok := unparen(e.Args[0]).(*Literal); ok && lit.Value.Type() == String {
				if _, found := b.row.find(lit.Value.Str()); found {
					return lit.Value.Str(), true
				}
			}
		}
	case NamePrefix:
		if prefix != "" {
			return prefix, true
		}
	case NameFirst:
		return arg()
	case NameOnlyArg:
		if len(e.Args) == 1 {
			return arg()
		}
	}
	return "", false
}

// noConversion is the column that a call such as tostring(s) of a string is: a
// conversion that does nothing counts as the column itself.
func noConversion(e Expr, x Scalar) (*ColRef, bool) {
	ref, ok := x.(*ColRef)
	if !ok || ref.Col.ID == 0 {
		return nil, false
	}
	switch e := unparen(e).(type) {
	case *NameRef, *Path, *Element:
		return ref, true
	case *CallExpr:
		switch e.Name.Text {
		case "tobool", "todatetime", "todecimal", "todouble", "todynamic", "toguid", "toint", "tolong",
			"toreal", "tostring", "totime", "totimespan":
			return ref, e.X == nil && len(e.Args) == 1
		case "column_ifexists", "columnifexists":
			return ref, false
		}
	}
	return nil, false
}

// anonymous is the next ColumnN that nothing in scope is called.
func (b *binder) anonymous() string {
	for {
		name := "Column" + strconv.Itoa(b.anon)
		b.anon++
		if b.row != nil {
			if _, taken := b.row.find(name); taken {
				continue
			}
		}
		if b.env.find(name) == nil {
			return name
		}
	}
}
