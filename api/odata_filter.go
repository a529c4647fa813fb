package api

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

const (
	maxFilterBytes = 4 << 10
	maxFilterDepth = 32
	maxFilterTerms = 200 // comparisons and list members together
)

// valueKind is what a property holds, and so what it may be compared with.
type valueKind uint8

const (
	kindText valueKind = iota + 1
	kindTime
	kindNumber
	kindBool
	kindEnum
	kindTexts // a collection: any(), never a plain comparison
)

// property is one property that a filter or an order may name.
type property struct {
	name string // as the store knows it
	kind valueKind
	enum string // name of the Graph enum, for kindEnum and collections of enums
	sort bool
	null bool // may be compared with null
}

// properties is the allowlist of one noun, keyed by Graph name in lower case:
// Graph takes any case.
type properties map[string]property

func newProperties(list ...property) properties {
	ps := make(properties, len(list))
	for _, p := range list {
		ps[strings.ToLower(p.name)] = p
	}
	return ps
}

func (ps properties) find(name string) (property, bool) {
	p, ok := ps[strings.ToLower(name)]
	return p, ok
}

// parseFilter reads a $filter into the filter tree of the glossary. Only
// properties of the allowlist pass, with values of their kind; every error is
// of CodeInvalid and names the place.
func parseFilter(src string, allowed properties) (tocsin.Filter, error) {
	if len(src) > maxFilterBytes {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "$filter is longer than %d bytes", maxFilterBytes)
	}
	if !utf8.ValidString(src) || strings.ContainsRune(src, 0) {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "$filter is not valid text")
	}
	tokens, err := lexFilter(src)
	if err != nil {
		return nil, err
	}
	p := &filterParser{tokens: tokens, allowed: allowed}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, filterError(t.pos, "expected and, or, or the end, found %q", t.text)
	}
	return f, nil
}

type filterParser struct {
	tokens  []token
	at      int
	depth   int
	terms   int
	allowed properties
}

func (p *filterParser) peek() token { return p.tokens[p.at] }

func (p *filterParser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

func (p *filterParser) word(w string) bool {
	if t := p.peek(); t.kind == tokWord && strings.EqualFold(t.text, w) {
		p.at++
		return true
	}
	return false
}

func (p *filterParser) expect(k tokenKind, what string) error {
	if t := p.next(); t.kind != k {
		return filterError(t.pos, "expected %s", what)
	}
	return nil
}

func (p *filterParser) enter() error {
	if p.depth++; p.depth > maxFilterDepth {
		return filterError(p.peek().pos, "nested deeper than %d", maxFilterDepth)
	}
	return nil
}

func (p *filterParser) term() error {
	if p.terms++; p.terms > maxFilterTerms {
		return filterError(p.peek().pos, "more than %d comparisons", maxFilterTerms)
	}
	return nil
}

func (p *filterParser) or() (tocsin.Filter, error) {
	first, err := p.and()
	if err != nil {
		return nil, err
	}
	all := tocsin.Or{first}
	for p.word("or") {
		f, err := p.and()
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return first, nil
	}
	return all, nil
}

func (p *filterParser) and() (tocsin.Filter, error) {
	first, err := p.unary()
	if err != nil {
		return nil, err
	}
	all := tocsin.And{first}
	for p.word("and") {
		f, err := p.unary()
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return first, nil
	}
	return all, nil
}

func (p *filterParser) unary() (tocsin.Filter, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	switch {
	case p.word("not"):
		f, err := p.unary()
		if err != nil {
			return nil, err
		}
		return tocsin.Not{Filter: f}, nil
	case p.peek().kind == tokOpen:
		p.next()
		f, err := p.or()
		if err != nil {
			return nil, err
		}
		return f, p.expect(tokClose, "a closing parenthesis")
	}
	return p.comparison()
}

var functions = map[string]tocsin.CompareOp{"contains": tocsin.Contains, "startswith": tocsin.StartsWith, "endswith": tocsin.EndsWith}

func (p *filterParser) comparison() (tocsin.Filter, error) {
	if err := p.term(); err != nil {
		return nil, err
	}
	t := p.next()
	if t.kind != tokWord {
		return nil, filterError(t.pos, "expected the name of a property")
	}
	if op, ok := functions[strings.ToLower(t.text)]; ok && p.peek().kind == tokOpen {
		return p.function(op)
	}
	if name, ok := strings.CutSuffix(t.text, "/any"); ok {
		return p.any(t, name)
	}
	prop, err := p.property(t)
	if err != nil {
		return nil, err
	}
	if prop.kind == kindTexts {
		return nil, filterError(t.pos, "%s is a collection; use %s/any(x:x eq '...')", prop.name, prop.name)
	}
	if p.word("in") {
		values, err := p.list(prop)
		return tocsin.In{Field: prop.name, Values: values}, err
	}
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	v, err := p.value(prop, op)
	if err != nil {
		return nil, err
	}
	if prop.enum == "alertSeverity" && op != tocsin.Eq && op != tocsin.Ne {
		return severities(prop, op, v.(string)), nil
	}
	return tocsin.Compare{Field: prop.name, Op: op, Value: v}, nil
}

// severities turns an order of severities, the one enum that has one, into a
// list: as texts, "high" would be below "low".
func severities(prop property, op tocsin.CompareOp, v string) tocsin.In {
	at := tocsin.Severity(v).Rank()
	in := tocsin.In{Field: prop.name, Values: []any{}}
	for i, s := range tocsin.Severities {
		if op == tocsin.Lt && i < at || op == tocsin.Le && i <= at || op == tocsin.Gt && i > at || op == tocsin.Ge && i >= at {
			in.Values = append(in.Values, string(s))
		}
	}
	return in
}

// property finds the property that t names; "tocsin/x" is our own x.
func (p *filterParser) property(t token) (property, error) {
	prop, ok := p.allowed.find(t.text)
	if !ok {
		return property{}, filterError(t.pos, "cannot filter by %q", t.text)
	}
	return prop, nil
}

func (p *filterParser) operator() (tocsin.CompareOp, error) {
	t := p.next()
	if t.kind == tokWord {
		switch op := tocsin.CompareOp(strings.ToLower(t.text)); op {
		case tocsin.Eq, tocsin.Ne, tocsin.Lt, tocsin.Le, tocsin.Gt, tocsin.Ge:
			return op, nil
		}
	}
	return "", filterError(t.pos, "expected eq, ne, gt, ge, lt, le or in")
}

// function reads contains(property,'text').
func (p *filterParser) function(op tocsin.CompareOp) (tocsin.Filter, error) {
	p.next() // the parenthesis
	t := p.next()
	prop, err := p.property(t)
	if err != nil {
		return nil, err
	}
	if prop.kind != kindText {
		return nil, filterError(t.pos, "%s takes a property that holds text", op)
	}
	if err := p.expect(tokComma, "a comma"); err != nil {
		return nil, err
	}
	v := p.next()
	if v.kind != tokString {
		return nil, filterError(v.pos, "expected a string in quotes")
	}
	if err := p.expect(tokClose, "a closing parenthesis"); err != nil {
		return nil, err
	}
	return tocsin.Compare{Field: prop.name, Op: op, Value: v.text}, nil
}

// any reads collection/any(x:x eq 'v'), also with a string function inside.
func (p *filterParser) any(t token, name string) (tocsin.Filter, error) {
	prop, ok := p.allowed.find(name)
	if !ok || prop.kind != kindTexts {
		return nil, filterError(t.pos, "%q is not a collection that can be filtered by", name)
	}
	if err := p.expect(tokOpen, "an opening parenthesis"); err != nil {
		return nil, err
	}
	v := p.next()
	if v.kind != tokWord || strings.ContainsAny(v.text, "/.@") {
		return nil, filterError(v.pos, "expected a variable")
	}
	if err := p.expect(tokColon, "a colon"); err != nil {
		return nil, err
	}
	f, err := p.anyBody(prop, v.text)
	if err != nil {
		return nil, err
	}
	return f, p.expect(tokClose, "a closing parenthesis")
}

func (p *filterParser) anyBody(prop property, variable string) (tocsin.Filter, error) {
	element := property{name: prop.name, kind: kindText}
	if prop.enum != "" {
		element.kind, element.enum = kindEnum, prop.enum
	}
	t := p.next()
	if op, ok := functions[strings.ToLower(t.text)]; ok && t.kind == tokWord && p.peek().kind == tokOpen {
		p.next()
		if t = p.next(); t.kind != tokWord || t.text != variable {
			return nil, filterError(t.pos, "expected the variable %s", variable)
		}
		if err := p.expect(tokComma, "a comma"); err != nil {
			return nil, err
		}
		v := p.next()
		if v.kind != tokString {
			return nil, filterError(v.pos, "expected a string in quotes")
		}
		return tocsin.Any{Field: prop.name, Op: op, Value: v.text}, p.expect(tokClose, "a closing parenthesis")
	}
	if t.kind != tokWord || t.text != variable {
		return nil, filterError(t.pos, "expected the variable %s", variable)
	}
	if p.word("in") {
		values, err := p.list(element)
		if err != nil {
			return nil, err
		}
		var all tocsin.Or
		for _, v := range values {
			all = append(all, tocsin.Any{Field: prop.name, Op: tocsin.Eq, Value: v})
		}
		return all, nil
	}
	pos := p.peek().pos
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	if op != tocsin.Eq && op != tocsin.Ne {
		return nil, filterError(pos, "elements of a collection compare with eq and ne only")
	}
	v, err := p.value(element, op)
	if err != nil {
		return nil, err
	}
	return tocsin.Any{Field: prop.name, Op: op, Value: v}, nil
}

func (p *filterParser) list(prop property) ([]any, error) {
	if err := p.expect(tokOpen, "an opening parenthesis"); err != nil {
		return nil, err
	}
	var values []any
	for {
		if err := p.term(); err != nil {
			return nil, err
		}
		v, err := p.value(prop, tocsin.Eq)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if t := p.next(); t.kind == tokClose {
			return values, nil
		} else if t.kind != tokComma {
			return nil, filterError(t.pos, "expected a comma or a closing parenthesis")
		}
	}
}

// value reads a literal that goes with the property.
func (p *filterParser) value(prop property, op tocsin.CompareOp) (any, error) {
	t := p.next()
	if t.kind == tokWord && strings.EqualFold(t.text, "null") {
		if !prop.null || (op != tocsin.Eq && op != tocsin.Ne) {
			return nil, filterError(t.pos, "%s does not compare with null here", prop.name)
		}
		return nil, nil
	}
	switch prop.kind {
	case kindText:
		if t.kind == tokString {
			return t.text, nil
		}
		return nil, filterError(t.pos, "%s compares with a string in quotes", prop.name)
	case kindEnum:
		return enumValue(prop, op, t)
	case kindTime:
		return timeValue(prop, t)
	case kindNumber:
		if t.kind == tokNumber || t.kind == tokString {
			if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
				return n, nil
			}
			if f, err := strconv.ParseFloat(t.text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) && t.kind == tokNumber {
				return f, nil
			}
		}
		return nil, filterError(t.pos, "%s compares with a number", prop.name)
	case kindBool:
		if t.kind == tokWord && (strings.EqualFold(t.text, "true") || strings.EqualFold(t.text, "false")) {
			return strings.EqualFold(t.text, "true"), nil
		}
		return nil, filterError(t.pos, "%s compares with true or false", prop.name)
	}
	return nil, filterError(t.pos, "%s cannot be compared", prop.name)
}

// enumValue reads 'high', 'High' or microsoft.graph.security.alertSeverity'high'.
func enumValue(prop property, op tocsin.CompareOp, t token) (any, error) {
	if t.kind != tokString {
		return nil, filterError(t.pos, "%s compares with a name in quotes", prop.name)
	}
	v, err := enums[prop.enum].parse(prop.name, t.text)
	if err != nil {
		return nil, filterError(t.pos, "%s", tocsin.Message(err))
	}
	if op != tocsin.Eq && op != tocsin.Ne && prop.enum != "alertSeverity" {
		return nil, filterError(t.pos, "%s compares with eq, ne and in only", prop.name)
	}
	return v, nil
}

// timeLayouts are the forms of Edm.DateTimeOffset and Edm.Date, and the form
// without an offset that scripts send; it is taken for UTC.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly}

// timeValue reads a time, with or without quotes: OData has none, but clients
// send them. A "+" of an offset that was not percent-encoded arrives as a blank
// and is a syntax error, as with Graph.
func timeValue(prop property, t token) (any, error) {
	if t.kind == tokNumber || t.kind == tokString {
		for _, layout := range timeLayouts {
			if v, err := time.Parse(layout, strings.ToUpper(t.text)); err == nil {
				return v.UTC(), nil
			}
		}
	}
	return nil, filterError(t.pos, "%s compares with a time such as 2026-11-05T08:30:00Z", prop.name)
}
