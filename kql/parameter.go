package kql

import (
	"fmt"
	"strings"
)

// ParseParameters makes values of what a client sent for the parameters that a
// query declares with declare query_parameters. A value is a literal of the
// language, such as datetime(2024-05-01) or dynamic([1,2]); a string may also
// be given as it is, without quotes, and so may what the to-function of the
// type (todatetime, toguid ...) reads. Values for names that the query does not
// declare are left out, as Kusto leaves them out.
//
// A query that does not parse has no parameters: whoever runs it next says
// what is wrong with it. The error is for people, and names the parameter.
func ParseParameters(src string, given map[string]string) (map[string]Value, error) {
	if len(given) == 0 {
		return nil, nil
	}
	q, err := Parse(src)
	if err != nil {
		return nil, nil
	}
	values := make(map[string]Value, len(given))
	for _, s := range q.Statements {
		d, ok := s.(*DeclareParameters)
		if !ok {
			continue
		}
		for _, p := range d.Params {
			text, ok := given[p.Name.Text]
			t, known := ParseType(p.Type.Text)
			if !ok || !known || p.Table {
				continue
			}
			v, ok := ParseValue(t, text)
			if !ok {
				return nil, fmt.Errorf("the value of the query parameter '%s' is no %s", p.Name.Text, t)
			}
			values[p.Name.Text] = v
		}
	}
	return values, nil
}

// ParseValue reads one value, as ParseParameters does; false when the text is no
// value of the type. A literal of another type is converted only where nothing
// can be lost or misread: a long for a real, never for a datetime.
func ParseValue(t Type, text string) (Value, bool) {
	v, ok := literalValue(text)
	if t == String {
		if ok && v.Type() == String {
			return v, true
		}
		return StringOf(text), true
	}
	text = strings.TrimSpace(text)
	switch {
	case ok && v.IsNull():
		return Null(t), true
	case ok && v.Type() == t:
		return v, true
	case ok && v.Type() == Long && t == Int:
		return IntOf(v.Int()), int64(int32(v.Int())) == v.Int()
	case ok && v.Type() == Long && (t == Real || t == Decimal):
		return converted(t, v)
	case ok && v.Type() == String && t != Dynamic:
		return converted(t, v)
	case ok && t == Dynamic:
		return DynamicOf(dynOf(v)), true
	case ok && t != DateTime && t != TimeSpan && t != Guid && t != Decimal:
		return Value{}, false
	}
	return converted(t, StringOf(text))
}

// converted is what the to-function of a type makes of a value; false for null.
func converted(t Type, v Value) (Value, bool) {
	if t == Dynamic {
		d, ok := ParseJSON(v.Str())
		return DynamicOf(d), ok
	}
	f := LookupFunc("to" + t.String())
	if f == nil || f.Eval == nil {
		return Value{}, false
	}
	out := f.Eval([]Value{v})
	return out, !out.IsNull()
}

// literalValue reads a text that is one literal and nothing else.
func literalValue(text string) (Value, bool) {
	if text == "" {
		return Value{}, false
	}
	p := newParser(text)
	negative := p.accept(tMinus)
	x := p.required()
	if p.kind() != tEOF || len(p.diags) > 0 {
		return Value{}, false
	}
	lit, ok := x.(*Literal)
	if !ok {
		return Value{}, false
	}
	v := lit.Value
	if !negative || v.IsNull() {
		return v, true
	}
	switch v.Type() {
	case Int:
		return IntOf(-v.Int()), true
	case Long:
		return LongOf(-v.Int()), true
	case Real:
		return RealOf(-v.Real()), true
	case TimeSpan:
		return TimeSpanOf(-v.Int()), true
	}
	return Value{}, false
}
