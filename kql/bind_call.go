package kql

import (
	"fmt"
	"strings"
)

// call binds Name(Args...): what let defines, then what the binder knows itself,
// then stored functions, then the registry.
func (b *binder) call(e *CallExpr) value {
	at := e.Pos()
	name := e.Name.Text
	if e.X != nil {
		return b.entityCall(e)
	}
	if d := b.env.find(name); d != nil {
		switch {
		case d.fn != nil:
			return b.callFunction(d.fn, e, nil)
		case d.pattern != nil:
			return b.callPattern(d, e, "")
		}
		if len(e.Args) == 0 && d.isTable {
			return b.useDefinition(d, at)
		}
		b.errorf(e.Name.Span, "KS128", "The name '%s' does not refer to a function.", name)
		return value{x: unknown(at)}
	}
	if b.agg != nil && !b.agg.inArgs {
		if a := LookupAggregate(name); a != nil {
			return value{x: b.aggregate(a, e)}
		}
	}
	if v, ok := b.specialCall(e); ok {
		return v
	}
	if b.row != nil && b.row.graph != nil {
		if x := b.graphCall(e); x != nil {
			return value{x: x}
		}
	}
	if f := LookupFunc(name); f != nil && (!strings.HasPrefix(name, "__") || strings.HasPrefix(name, "__hash_")) {
		return value{x: b.callBuiltin(f, e)}
	}
	if fn := b.storedFunction(name, at); fn != nil {
		return b.callFunction(fn, e, nil)
	}
	b.unknownFunction(e)
	// The arguments may be wrong as well.
	if b.row != nil {
		for _, a := range e.Args {
			if _, star := a.(*Star); !star {
				b.value(a)
			}
		}
	}
	return value{x: unknown(at)}
}

func (b *binder) unknownFunction(e *CallExpr) {
	name := e.Name.Text
	switch {
	case LookupAggregate(name) != nil:
		b.errorf(e.Name.Span, "KS144", "The aggregate function '%s' is not allowed in this context.", name)
	case isPlugin(name):
		b.errorf(e.Name.Span, "KS126", "The plug-in function '%s' is not allowed in this context. Use evaluate.", name)
	default:
		b.errorf(e.Name.Span, "KS211", "Unknown function: '%s'%s", name, b.similarFunction(name))
	}
}

// scalars binds arguments.
func (b *binder) scalars(args []Expr) []Scalar {
	xs := make([]Scalar, len(args))
	for i, a := range args {
		xs[i] = b.scalar(a)
	}
	return xs
}

// callBuiltin binds a call of a function of the registry.
func (b *binder) callBuiltin(f *Func, e *CallExpr) Scalar {
	at := e.Pos()
	if f.Window && !b.windowAllowed(f, at) {
		return unknown(at)
	}
	if x, ok := b.typeArgCall(f, e); ok {
		return x
	}
	xs := b.scalars(e.Args)
	return b.resolveCall(f, at, e.Args, xs)
}

// windowAllowed tells whether functions of the order of rows may be called here.
func (b *binder) windowAllowed(f *Func, at Span) bool {
	switch {
	case b.row == nil:
		b.errorf(at, "", "The function '%s' needs the rows of a table.", f.Name)
	case b.op == "scan":
		b.errorf(at, "", "The function '%s' is not allowed in the scan operator.", f.Name)
	case !b.row.serialized && !b.row.open:
		b.errorf(at, "", "The function '%s' needs a serialized row set. Put sort by or serialize before it.", f.Name)
	default:
		return true
	}
	return false
}

// typeArgCall binds a call with typeof(...) among its arguments.
func (b *binder) typeArgCall(f *Func, e *CallExpr) (Scalar, bool) {
	for i, a := range e.Args {
		to, ok := unparen(a).(*TypeOf)
		if !ok {
			continue
		}
		t, known := ParseType(to.Type.Text)
		if !known || len(to.Columns) > 0 {
			b.errorf(to.Span, "KS160", "The name '%s' is not a valid type name that can be used here.", to.Type.Text)
			return unknown(e.Pos()), true
		}
		for k := range f.Sigs {
			if f.Sigs[k].TypeArg != i+1 {
				continue
			}
			xs := make([]Scalar, len(e.Args))
			for j, a := range e.Args {
				if j == i {
					xs[j] = constant(to.Span, StringOf(t.String()))
				} else {
					xs[j] = b.scalar(a)
				}
			}
			// Only overloads with the parameter take part.
			sigs := make([]Sig, 0, len(f.Sigs))
			for _, s := range f.Sigs {
				if s.TypeArg == i+1 {
					s.Result, s.TypeArg = Always(t), 0
					sigs = append(sigs, s)
				}
			}
			typed := *f
			typed.Sigs = sigs
			x := b.resolveCall(&typed, e.Pos(), e.Args, xs)
			if c, ok := x.(*Call); ok {
				c.Func = f
			}
			return x, true
		}
		b.errorf(to.Span, "KS108", "The function '%s' takes no type here.", f.Name)
		return unknown(e.Pos()), true
	}
	return nil, false
}

// resolveCall chooses the overload for bound arguments; exprs, where there are
// any, are what was written, for spans.
func (b *binder) resolveCall(f *Func, at Span, exprs []Expr, xs []Scalar) Scalar {
	for _, x := range xs {
		if isUnknown(x) {
			return unknown(at)
		}
	}
	sig, conv := matchSigs(f.Sigs, xs)
	if sig == nil {
		if f.Special && len(f.Sigs) == 0 {
			return b.makeCall(f, at, Unknown, xs)
		}
		b.noOverload(f.Name, f.Sigs, at, exprs, xs)
		return unknown(at)
	}
	types := make([]Type, len(xs))
	for i, x := range xs {
		types[i] = x.Type()
		if i < len(conv) && conv[i] != Unknown {
			xs[i] = b.convert(x, conv[i])
			types[i] = conv[i]
		}
	}
	for i, x := range xs {
		if p := sig.param(i, len(xs)); p != nil && p.Const && !isConstant(x) {
			b.errorf(x.Pos(), "KS129", "The expression must be a constant.")
			return unknown(at)
		}
	}
	for i := len(xs); i < len(sig.Params); i++ {
		d := sig.Params[i].Default
		if d == nil {
			break
		}
		xs = append(xs, constant(Span{at.End, at.End}, *d))
		types = append(types, d.Type())
	}
	if _, ok := commonType(types, true); sig.Common && !ok {
		b.errorf(at, "KS232", "%s(): no common type can be determined from the arguments; all have to be of one type.", f.Name)
		return unknown(at)
	}
	t := Unknown
	if sig.Result != nil {
		t = sig.Result(types)
	}
	return b.makeCall(f, at, t, xs)
}

// isConstant tells whether an expression has one value for the whole query.
func isConstant(x Scalar) bool {
	switch x := x.(type) {
	case *Const, *ScalarQuery:
		return true
	case *Call:
		if x.Func.Volatile || x.Func.Window {
			return false
		}
		for _, a := range x.Args {
			if !isConstant(a) {
				return false
			}
		}
		return true
	}
	return false
}

// param is the parameter that argument i of n goes to; nil when there are more
// arguments than parameters.
func (s *Sig) param(i, n int) *Param {
	if s.Repeat == 0 || n <= len(s.Params) {
		if i < len(s.Params) {
			return &s.Params[i]
		}
		return nil
	}
	// The repeated ones stand at the end of the list.
	fixed := len(s.Params) - s.Repeat
	if i < fixed {
		return &s.Params[i]
	}
	return &s.Params[fixed+(i-fixed)%s.Repeat]
}

// counts is the least and the greatest number of arguments; most is -1 for no end.
func (s *Sig) counts() (least, most int) {
	for i, p := range s.Params {
		if !p.Optional {
			least = i + 1
		}
	}
	if s.Repeat > 0 {
		return least, -1
	}
	return least, len(s.Params)
}

// fits tells whether a number of arguments is right.
func (s *Sig) fits(n int) bool {
	least, most := s.counts()
	if n < least || most >= 0 && n > most {
		return false
	}
	if s.Repeat > 1 && n > len(s.Params) {
		return (n-len(s.Params))%s.Repeat == 0
	}
	return true
}

// matchSigs is the overload that takes the arguments with the least conversion,
// the first of equals, with the types that arguments are to be converted to.
func matchSigs(sigs []Sig, xs []Scalar) (*Sig, []Type) {
	var best *Sig
	var bestConv []Type
	bestCost := -1
	for k := range sigs {
		s := &sigs[k]
		if !s.fits(len(xs)) || s.TypeArg > 0 && len(xs) >= s.TypeArg {
			continue // typeof(...) is no argument of these
		}
		cost := 0
		var conv []Type
		for i, x := range xs {
			p := s.param(i, len(xs))
			to, c := conversion(x, p.Types)
			if c < 0 {
				cost = -1
				break
			}
			if c > 0 && to != Unknown {
				if conv == nil {
					conv = make([]Type, len(xs))
				}
				conv[i] = to
			}
			cost += c
		}
		if cost < 0 {
			continue
		}
		if cost == 0 {
			return s, conv
		}
		if best == nil || cost < bestCost {
			best, bestConv, bestCost = s, conv, cost
		}
	}
	return best, bestConv
}

// conversion is the type that an argument becomes for a parameter, and what that
// costs: 0 nothing, below 0 impossible.
func conversion(x Scalar, set TypeSet) (Type, int) {
	t := x.Type()
	if set.Has(t) {
		return Unknown, 0
	}
	if to, ok := widened(t, set); ok {
		return to, 1 + int(to-t)
	}
	// Long to int, as Kusto does for arguments; a literal is a long.
	if t == Long && set.Has(Int) {
		return Int, 8
	}
	if t == Dynamic && set == onlyString {
		return String, 10
	}
	if v := constOf(x); v != nil {
		switch {
		case t == String && set.Has(Guid):
			return Guid, 9
		case v.IsNull() && t == Dynamic:
			for to := Bool; to <= Dynamic; to++ {
				if set.Has(to) {
					return to, 9
				}
			}
		}
	}
	return Unknown, -1
}

// noOverload tells why no overload takes the arguments.
func (b *binder) noOverload(name string, sigs []Sig, at Span, exprs []Expr, xs []Scalar) {
	least, most := -1, 0
	var only *Sig
	fitting := 0
	for i := range sigs {
		lo, hi := sigs[i].counts()
		if least < 0 || lo < least {
			least = lo
		}
		if hi < 0 || most < 0 {
			most = -1
		} else {
			most = max(most, hi)
		}
		if sigs[i].fits(len(xs)) {
			only = &sigs[i]
			fitting++
		}
	}
	if fitting == 0 {
		b.argumentCount(name, at, least, most)
		return
	}
	if fitting > 1 {
		// An argument that no overload takes is the one to tell of.
		for i, x := range xs {
			var set TypeSet
			cost := -1
			for k := range sigs {
				if s := &sigs[k]; s.fits(len(xs)) {
					p := s.param(i, len(xs))
					_, c := conversion(x, p.Types)
					set, cost = set|p.Types, max(cost, c)
				}
			}
			if cost < 0 {
				b.errorf(x.Pos(), "KS107", "%s(): argument #%d: a value of type %s expected, not %s.", name, i+1, orList(set), x.Type())
				return
			}
		}
	}
	if fitting == 1 {
		for i, x := range xs {
			if i == only.TypeArg-1 {
				b.errorf(x.Pos(), "KS107", "%s(): argument '%s' (#%d): a value of type type expected, such as typeof(long).", name, only.param(i, len(xs)).Name, i+1)
				return
			}
			p := only.param(i, len(xs))
			if _, cost := conversion(x, p.Types); cost < 0 {
				b.errorf(x.Pos(), "KS107", "%s(): argument '%s' (#%d): a value of type %s expected, not %s.", name, p.Name, i+1, orList(p.Types), x.Type())
				return
			}
		}
	}
	types := make([]string, len(xs))
	for i, x := range xs {
		types[i] = x.Type().String()
	}
	b.errorf(at, "KS127", "The function '%s' is not compatible with arguments (%s)", name, strings.Join(types, ", "))
}

func (b *binder) argumentCount(name string, at Span, least, most int) {
	switch {
	case least == most && most == 0:
		b.errorf(at, "KS119", "The function '%s' expects no arguments.", name)
	case least == most && most == 1:
		b.errorf(at, "KS119", "The function '%s' expects 1 argument.", name)
	case least == most:
		b.errorf(at, "KS119", "The function '%s' expects %d arguments.", name, least)
	case most < 0:
		b.errorf(at, "KS120", "The function '%s' expects at least %s.", name, plural(least, "argument"))
	default:
		b.errorf(at, "KS120", "The function '%s' expects between %d and %d arguments.", name, least, most)
	}
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// orList is "string or dynamic"; a long list is told by what is missing.
func orList(s TypeSet) string {
	switch s {
	case AnyScalar:
		return "any type"
	case AnyNumber:
		return "a number"
	case AnyInteger:
		return "an integer"
	}
	return s.String()
}

// callFunc calls a function or operator by name with the result type given; the
// arguments are known to be right.
func (b *binder) callFunc(at Span, name string, t Type, args ...Scalar) Scalar {
	f := LookupFunc(name)
	if f == nil {
		b.errorf(at, "KS211", "The function '%s' is not defined.", name)
		return unknown(at)
	}
	return b.makeCall(f, at, t, args)
}

// culprit is where the constant stands that a function will not take: its first
// text, such as a pattern, a format or the name of a part, else the call.
func culprit(at Span, args []Scalar) Span {
	for _, a := range args {
		if c, ok := a.(*Const); ok && c.Value.Type() == String && c.Span.End > c.Span.Start {
			return c.Span
		}
	}
	return at
}

// makeCall makes a call and computes it when it is constant.
func (b *binder) makeCall(f *Func, at Span, t Type, args []Scalar) Scalar {
	b.count(at)
	c := &Call{Span: at, Func: f, Args: args, T: t, Eval: f.Eval}
	constant := true
	for _, a := range args {
		if isUnknown(a) {
			return unknown(at)
		}
		if constOf(a) == nil {
			constant = false
		}
	}
	if f.Prepare != nil {
		consts := make([]*Value, len(args))
		for i, a := range args {
			consts[i] = constOf(a)
		}
		eval, err := f.Prepare(consts)
		if err != nil {
			b.errorf(culprit(at, args), "", "%s: %s", f.Name, strings.TrimPrefix(err.Error(), f.Name+": "))
			return &Const{Span: at}
		}
		if eval != nil {
			c.Eval = eval
		}
	}
	if constant {
		if x := foldCall(c); x != nil {
			return x
		}
	}
	return c
}
