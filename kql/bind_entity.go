package kql

import "strings"

// entity binds calls that stand for a table or a part of a path to one:
// table("T"), database("d"), workspace("w").
func (b *binder) entity(e *CallExpr) value {
	at := e.Pos()
	switch e.Name.Text {
	case "table":
		if len(e.Args) < 1 {
			b.argumentCount("table", at, 1, 2)
			return value{tab: b.openTable(at)}
		}
		v := b.constantOf(e.Args[0])
		if v == nil {
			return value{tab: b.openTable(at)}
		}
		return value{tab: b.tableByName(v.Str(), e.Args[0].Pos())}
	case "view":
		if len(e.Args) == 1 {
			if v := b.constantOf(e.Args[0]); v != nil {
				return value{tab: b.tableByName(v.Str(), e.Args[0].Pos())}
			}
		}
		return value{tab: b.openTable(at)}
	case "external_table", "materialized_view":
		b.errorf(at, "KS209", "%s() is not available: there are no external tables and no materialized views.", e.Name.Text)
		return value{tab: b.openTable(at)}
	}
	b.errorf(at, "KS108", "%s() is the start of a path to a table: %s(\"name\").Table.", e.Name.Text, e.Name.Text)
	return value{tab: b.openTable(at)}
}

// tableByName is a stored table, or a function without arguments.
func (b *binder) tableByName(name string, at Span) *table {
	def := b.cat.Table(name)
	if v, ok := b.storedNoArgs(name, at, def); ok && v.tab != nil {
		return v.tab
	}
	if def != nil {
		return b.scan(def, at)
	}
	b.unresolvedTable(at, name)
	return b.openTable(at)
}

// entityPath binds database("d").T and longer paths. ok is false for other
// expressions.
func (b *binder) entityPath(e *Path) (*table, bool) {
	own, ok := b.place(e.X)
	if !ok {
		return nil, false
	}
	if !own {
		return b.openTable(e.Pos()), true
	}
	if e.Name.Wild {
		s := b.wildcard(&NameRef{e.Name}, false, nil)
		if len(s) == 0 {
			return b.openTable(e.Pos()), true
		}
		return b.unite(e.Pos(), s, "", false), true
	}
	return b.tableByName(e.Name.Text, e.Name.Span), true
}

// entityCall binds database("d").f(...) and .table("T"), and a pattern's path.
func (b *binder) entityCall(e *CallExpr) value {
	own, ok := b.place(e.X)
	if !ok {
		b.errorf(e.X.Pos(), "KS216", "Cluster, Database or Table expected.")
		return value{tab: b.openTable(e.Pos())}
	}
	if !own {
		return value{tab: b.openTable(e.Pos())}
	}
	inner := *e
	inner.X = nil
	if e.Name.Text == "table" {
		return b.entity(&inner)
	}
	if fn := b.storedFunction(e.Name.Text, e.Pos()); fn != nil {
		return b.callFunction(fn, &inner, nil)
	}
	b.unknownFunction(&inner)
	return value{tab: b.openTable(e.Pos())}
}

// place tells whether an expression is a path to a database, and whether that is
// this one. Where it is not, the mistake is told.
func (b *binder) place(e Expr) (own, ok bool) {
	if ref, isName := unparen(e).(*NameRef); isName {
		if d := b.env.find(ref.Text); d != nil && d.alias != nil {
			return b.place(d.alias)
		}
		return false, false
	}
	call, isCall := unparen(e).(*CallExpr)
	if !isCall {
		return false, false
	}
	what := call.Name.Text
	switch what {
	case "database", "cluster", "workspace", "adx", "app", "arg":
	default:
		return false, false
	}
	if b.env.find(what) != nil {
		return false, false
	}
	if call.X != nil {
		if _, ok := b.place(call.X); !ok {
			return false, false
		}
	}
	name := ""
	if len(call.Args) > 0 {
		v := b.constantOf(call.Args[0])
		if v == nil {
			return false, true
		}
		name = v.Str()
	}
	switch {
	case what == "arg":
		b.errorf(call.Pos(), "KS208", "arg(): Azure Resource Graph cannot be reached from here.")
		return false, true
	case name == "", what == "database" && b.opts.Database != "" && strings.EqualFold(name, b.opts.Database):
		return true, true
	}
	code := "KS208"
	if what == "cluster" {
		code = "KS207"
	}
	b.errorf(call.Pos(), code, "%s(\"%s\"): only the tables of this database can be read here.", what, name)
	return false, true
}
