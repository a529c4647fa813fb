package kql

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Conversions. What cannot be converted is null. A real is cut, not rounded; a
// long wraps to an int; a time is its ticks; text is read as literals are.

func init() {
	all := P("value", AnyScalar)
	to := func(name string, t Type, eval func(Value) Value, doc string, hidden bool) Func {
		return Func{Name: name, Sigs: []Sig{Of(t, all)}, Naming: NameFirst, NullIn: true, Hidden: hidden, Doc: doc,
			Eval: func(args []Value) Value { return eval(args[0]) }}
	}
	json := func(name string, set TypeSet, doc string, hidden bool) Func {
		f := to(name, Dynamic, toDynamic, doc, hidden)
		f.Sigs = []Sig{Of(Dynamic, P("json_text", set))}
		return f
	}
	text := to("tostring", String, func(v Value) Value { return StringOf(TextOf(v)) }, "The value as text; null is an empty text.", false)
	text.NullIn = false
	guid := to("toguid", Guid, toGuid, "The text as a guid.", false)
	guid.Sigs = []Sig{Of(Guid, P("value", onlyString|onlyDynamic|onlyGuid))}
	Register(
		text,
		guid,
		to("tolong", Long, toLong, "The value as a long.", false),
		to("toint", Int, toInt, "The value as an int.", false),
		to("toreal", Real, toReal, "The value as a real.", false),
		to("todouble", Real, toReal, "The value as a real.", false),
		to("todecimal", Decimal, toDecimal, "The value as a decimal.", false),
		to("tobool", Bool, toBool, "The value as a bool.", false),
		to("toboolean", Bool, toBool, "The value as a bool.", false),
		to("todatetime", DateTime, toDateTime, "The value as a datetime.", false),
		to("totimespan", TimeSpan, toTimeSpan, "The value as a timespan.", false),
		to("totime", TimeSpan, toTimeSpan, "The value as a timespan.", true),
		json("todynamic", onlyString|onlyDynamic, "The JSON text as a dynamic; what is no JSON stays text.", false),
		json("toobject", onlyString|onlyDynamic, "The JSON text as a dynamic.", true),
		json("parse_json", onlyString|onlyDynamic, "The JSON text as a dynamic; what is no JSON stays text.", false),
		json("parsejson", onlyString|onlyDynamic, "The JSON text as a dynamic.", true),
		Func{Name: "tohex", Naming: NameFirst, NullIn: true, Doc: "The integer as hexadecimal text.",
			Sigs: []Sig{Of(String, P("value", AnyInteger), Opt("minLength", AnyInteger))}, Eval: toHex},
		Func{Name: "gettype", Naming: NamePrefixOnlyArg, NamePrefix: "type", Doc: "The name of the type of the value.",
			Sigs: []Sig{Of(String, all)}, Eval: func(args []Value) Value { return StringOf(typeNameOf(args[0])) }},
		Func{Name: "dynamic_to_json", NullIn: true, Doc: "JSON text with its keys in order.",
			Sigs: []Sig{Of(String, P("dynamic", AnyScalar))}, Eval: func(args []Value) Value { return StringOf(JSONOf(sortedKeys(dynOf(args[0])))) }},
		Func{Name: "__cast", Hidden: true, Doc: "The value as the type.",
			Sigs: []Sig{{Params: []Param{P("type", onlyString), P("value", AnyScalar)}, TypeArg: 1}},
			Prepare: func(consts []*Value) (func([]Value) Value, error) {
				if consts[0] == nil {
					return nil, nil
				}
				t, ok := ParseType(consts[0].Str())
				if !ok {
					return nil, nil
				}
				return func(args []Value) Value { return convertTo(t, args[1]) }, nil
			},
			Eval: func(args []Value) Value {
				t, _ := ParseType(args[0].Str())
				return convertTo(t, args[1])
			}},
	)
}

// convertTo is the value as another type, by the function of the language that
// does it.
func convertTo(t Type, v Value) Value {
	if v.Type() == t {
		return v
	}
	if v.IsNull() {
		return Null(t)
	}
	switch t {
	case Bool:
		return toBool(v)
	case Int:
		return toInt(v)
	case Long:
		return toLong(v)
	case Real:
		return toReal(v)
	case Decimal:
		return toDecimal(v)
	case String:
		return StringOf(TextOf(v))
	case DateTime:
		return toDateTime(v)
	case TimeSpan:
		return toTimeSpan(v)
	case Guid:
		return toGuid(v)
	case Dynamic:
		return toDynamic(v)
	}
	return v
}

// fromText reads a text as a value of a type.
func fromText(t Type, s string) Value { return convertTo(t, StringOf(s)) }

// parseInteger reads digits with a sign, or 0x and hexadecimal digits. Blanks
// around it are none of its business.
func parseInteger(s string) (int64, bool) {
	s = strings.TrimFunc(s, unicode.IsSpace)
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		if strings.ContainsAny(s[2:], "_+-") {
			return 0, false
		}
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return int64(n), err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// parseReal reads a real; what is too great is infinite.
func parseReal(s string) (float64, bool) {
	s = strings.TrimFunc(s, unicode.IsSpace)
	switch strings.ToLower(s) {
	case "nan":
		return math.NaN(), true
	case "inf", "+inf", "infinity", "+infinity":
		return math.Inf(1), true
	case "-inf", "-infinity":
		return math.Inf(-1), true
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}

func toBool(v Value) Value {
	switch v = plainOf(v); v.Type() {
	case Bool:
		return v
	case Int, Long:
		return BoolOf(v.Int() != 0)
	case Real:
		if math.IsNaN(v.Real()) {
			return Null(Bool)
		}
		return BoolOf(v.Real() != 0)
	case Decimal:
		return BoolOf(v.Str() != "0")
	case String:
		s := strings.TrimFunc(v.Str(), unicode.IsSpace)
		switch {
		case strings.EqualFold(s, "true"):
			return BoolOf(true)
		case strings.EqualFold(s, "false"):
			return BoolOf(false)
		}
		if n, ok := parseInteger(s); ok {
			return BoolOf(n != 0)
		}
	}
	return Null(Bool)
}

func toLong(v Value) Value {
	switch v = plainOf(v); v.Type() {
	case Bool, Int, Long, DateTime, TimeSpan:
		if !v.IsNull() {
			return LongOf(v.Int())
		}
	case Real:
		switch f := v.Real(); {
		case math.IsNaN(f) || math.IsInf(f, 0):
		case f >= 0x1p63 || f < -0x1p63:
			return LongOf(math.MinInt64)
		default:
			return LongOf(int64(f))
		}
	case Decimal:
		if r := decimalRat(v); r != nil {
			if n := truncRat(r); n.IsInt64() {
				return LongOf(n.Int64())
			}
		}
	case String:
		if n, ok := parseInteger(v.Str()); ok {
			return LongOf(n)
		}
	}
	return Null(Long)
}

func toInt(v Value) Value {
	v = plainOf(v)
	n := toLong(v)
	if n.IsNull() || v.Type() == String && n.Int() != int64(int32(n.Int())) {
		return Null(Int)
	}
	if v.Type() == Real && (n.Int() > math.MaxInt32 || n.Int() < math.MinInt32) {
		return IntOf(math.MinInt32)
	}
	return IntOf(n.Int())
}

func toReal(v Value) Value {
	switch v = plainOf(v); v.Type() {
	case Bool, Int, Long, DateTime, TimeSpan:
		if !v.IsNull() {
			return RealOf(float64(v.Int()))
		}
	case Real:
		return v
	case Decimal:
		if f, err := strconv.ParseFloat(v.Str(), 64); err == nil {
			return RealOf(f)
		}
	case String:
		if f, ok := parseReal(v.Str()); ok {
			return RealOf(f)
		}
	}
	return Null(Real)
}

func toDecimal(v Value) Value {
	switch v = plainOf(v); v.Type() {
	case Bool, Int, Long, DateTime, TimeSpan:
		if !v.IsNull() {
			return DecimalOf(strconv.FormatInt(v.Int(), 10))
		}
	case Real:
		return decimalOfFloat(v.Real())
	case Decimal:
		return v
	case String:
		if d, ok := parseDecimal(v.Str()); ok {
			return d
		}
	}
	return Null(Decimal)
}

func toDateTime(v Value) Value {
	switch v = plainOf(v); v.Type() {
	case DateTime:
		return v
	case Int, Long, TimeSpan:
		return ticksToDateTime(v.Int())
	case Real:
		if n, ok := truncReal(v.Real()); ok {
			return ticksToDateTime(n)
		}
	case Decimal:
		return toDateTime(toLong(v))
	case String:
		if n, ok := parseDateTime(v.Str()); ok {
			return DateTimeOf(n)
		}
	}
	return Null(DateTime)
}

func toTimeSpan(v Value) Value {
	switch v = plainOf(v); v.Type() {
	case TimeSpan:
		return v
	case Int, Long, DateTime:
		if !v.IsNull() {
			return TimeSpanOf(v.Int())
		}
	case Real:
		if n, ok := truncReal(v.Real()); ok {
			return TimeSpanOf(n)
		}
	case Decimal:
		return toTimeSpan(toLong(v))
	case String:
		if n, ok := parseTimeSpan(v.Str()); ok {
			return TimeSpanOf(n)
		}
	}
	return Null(TimeSpan)
}

// toGuid reads 32 hexadecimal digits; hyphens may stand between any of them, and
// braces around all.
func toGuid(v Value) Value {
	if v.Type() == Guid {
		return v
	}
	if v = plainOf(v); v.Type() != String {
		return Null(Guid)
	}
	s := strings.TrimFunc(v.Str(), unicode.IsSpace)
	if len(s) > 2 && (s[0] == '{' && s[len(s)-1] == '}' || s[0] == '(' && s[len(s)-1] == ')') {
		s = s[1 : len(s)-1]
	}
	b := make([]byte, 0, 36)
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '-':
			continue
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c |= 0x20
		case !isDigit(c):
			return Null(Guid)
		}
		if len(b) == 36 {
			return Null(Guid)
		}
		b = append(b, c)
		switch len(b) {
		case 8, 13, 18, 23:
			b = append(b, '-')
		}
	}
	if len(b) != 36 {
		return Null(Guid)
	}
	return GuidOf(string(b))
}

// toDynamic reads JSON; other text is a dynamic string. What is dynamic already
// stays as it is, also a text that holds JSON.
func toDynamic(v Value) Value {
	if v.Type() == Dynamic {
		return v
	}
	if v.Type() != String {
		return DynamicOf(dynOf(v))
	}
	if v.Str() == "" {
		return Null(Dynamic)
	}
	if d, ok := ParseJSON(v.Str()); ok {
		return DynamicOf(d)
	}
	return DynamicOf(v.Str())
}

func toHex(args []Value) Value {
	s := strconv.FormatUint(uint64(args[0].Int()), 16)
	if args[0].Type() == Int {
		s = strconv.FormatUint(uint64(uint32(args[0].Int())), 16)
	}
	if len(args) > 1 {
		if n := args[1].Int(); n > int64(len(s)) && n <= 64 {
			s = strings.Repeat("0", int(n)-len(s)) + s
		}
	}
	return StringOf(s)
}

// typeNameOf is what gettype() says: for a dynamic, of what it holds.
func typeNameOf(v Value) string {
	if v.Type() != Dynamic {
		return v.Type().String()
	}
	switch v.Dynamic().(type) {
	case bool:
		return "bool"
	case int64:
		return "long"
	case float64:
		return "double"
	case string:
		return "string"
	case []Dyn:
		return "array"
	case *Bag:
		return "dictionary"
	}
	return "null"
}

// sortedKeys is the dynamic with the keys of its bags in order.
func sortedKeys(d Dyn) Dyn {
	switch d := d.(type) {
	case []Dyn:
		out := make([]Dyn, len(d))
		for i, e := range d {
			out[i] = sortedKeys(e)
		}
		return out
	case *Bag:
		keys := slices.Clone(d.Keys)
		slices.Sort(keys)
		out := NewBag()
		for _, k := range keys {
			out.Set(k, sortedKeys(d.Values[k]))
		}
		return out
	}
	return d
}
