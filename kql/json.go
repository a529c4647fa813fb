package kql

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth is how deeply arrays and bags of a dynamic may nest. Deeper text
// is taken as no JSON, so that it stays a string.
const maxJSONDepth = 512

// ParseJSON reads one JSON value. It is strict, as Kusto is: no comments, no
// raw control characters in strings, nothing after the value. A number without
// fraction and exponent is an int64 when it fits, every other one a float64; of
// a key that comes twice the last value counts.
func ParseJSON(text string) (Dyn, bool) {
	r := jsonReader{s: text}
	r.space()
	d, ok := r.value(0)
	if !ok {
		return nil, false
	}
	r.space()
	if r.i != len(r.s) {
		return nil, false
	}
	return d, true
}

type jsonReader struct {
	s string
	i int
}

func (r *jsonReader) space() {
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

func (r *jsonReader) word(w string, d Dyn) (Dyn, bool) {
	if strings.HasPrefix(r.s[r.i:], w) {
		r.i += len(w)
		return d, true
	}
	return nil, false
}

func (r *jsonReader) value(depth int) (Dyn, bool) {
	if r.i >= len(r.s) || depth > maxJSONDepth {
		return nil, false
	}
	switch c := r.s[r.i]; c {
	case '{':
		return r.bag(depth)
	case '[':
		return r.list(depth)
	case '"':
		s, ok := r.text()
		return s, ok
	case 't':
		return r.word("true", true)
	case 'f':
		return r.word("false", false)
	case 'n':
		return r.word("null", nil)
	}
	return r.number()
}

func (r *jsonReader) list(depth int) (Dyn, bool) {
	r.i++
	r.space()
	list := []Dyn{}
	if r.take(']') {
		return list, true
	}
	for {
		r.space()
		d, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, d)
		r.space()
		if r.take(',') {
			continue
		}
		return list, r.take(']')
	}
}

func (r *jsonReader) bag(depth int) (Dyn, bool) {
	r.i++
	r.space()
	bag := NewBag()
	if r.take('}') {
		return bag, true
	}
	for {
		r.space()
		if r.i >= len(r.s) || r.s[r.i] != '"' {
			return nil, false
		}
		key, ok := r.text()
		if !ok {
			return nil, false
		}
		r.space()
		if !r.take(':') {
			return nil, false
		}
		r.space()
		d, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		bag.Set(key, d)
		r.space()
		if r.take(',') {
			continue
		}
		return bag, r.take('}')
	}
}

func (r *jsonReader) take(c byte) bool {
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

// text reads a string; one without escapes shares the memory of the whole.
func (r *jsonReader) text() (string, bool) {
	r.i++
	start := r.i
	for r.i < len(r.s) {
		switch c := r.s[r.i]; {
		case c == '"':
			s := r.s[start:r.i]
			r.i++
			return s, true
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			return "", false
		}
		r.i++
	}
	return "", false
}

func (r *jsonReader) escaped(start int) (string, bool) {
	b := append(make([]byte, 0, r.i-start+16), r.s[start:r.i]...)
	for r.i < len(r.s) {
		c := r.s[r.i]
		r.i++
		switch {
		case c == '"':
			return string(b), true
		case c < ' ':
			return "", false
		case c != '\\':
			b = append(b, c)
			continue
		}
		if r.i >= len(r.s) {
			return "", false
		}
		c = r.s[r.i]
		r.i++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			u, ok := r.hex4()
			if !ok {
				return "", false
			}
			if utf16.IsSurrogate(u) {
				low := rune(-1)
				if at := r.i; strings.HasPrefix(r.s[at:], `\u`) {
					r.i += 2
					if low, ok = r.hex4(); !ok {
						return "", false
					}
					if utf16.DecodeRune(u, low) == utf8.RuneError {
						r.i = at // half of a pair, and the next stands for itself
					}
				}
				u = utf16.DecodeRune(u, low)
			}
			b = utf8.AppendRune(b, u)
		default:
			return "", false
		}
	}
	return "", false
}

func (r *jsonReader) hex4() (rune, bool) {
	if len(r.s)-r.i < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(r.s[r.i:r.i+4], 16, 16)
	if err != nil || strings.ContainsAny(r.s[r.i:r.i+4], "_+-") {
		return 0, false
	}
	r.i += 4
	return rune(n), true
}

func (r *jsonReader) digits() bool {
	start := r.i
	for r.i < len(r.s) && r.s[r.i]-'0' < 10 {
		r.i++
	}
	return r.i > start
}

func (r *jsonReader) number() (Dyn, bool) {
	start := r.i
	r.take('-')
	if !r.take('0') && !r.digits() {
		return nil, false
	}
	whole := true
	if r.take('.') {
		whole = false
		if !r.digits() {
			return nil, false
		}
	}
	if r.take('e') || r.take('E') {
		whole = false
		if !r.take('+') {
			r.take('-')
		}
		if !r.digits() {
			return nil, false
		}
	}
	text := r.s[start:r.i]
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, false // too great for a double
	}
	return f, true
}

// JSONOf is compact JSON. A real without a fraction keeps ".0", so that reading
// it gives a real again; NaN and the infinities, which JSON lacks, are strings.
func JSONOf(d Dyn) string { return string(appendJSON(nil, d)) }

func appendJSON(b []byte, d Dyn) []byte {
	switch d := d.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, d)
	case int64:
		return strconv.AppendInt(b, d, 10)
	case float64:
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return append(append(append(b, '"'), realText(d)...), '"')
		}
		return appendReal(b, d)
	case string:
		return appendJSONString(b, d)
	case []Dyn:
		b = append(b, '[')
		for i, e := range d {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case *Bag:
		b = append(b, '{')
		for i, k := range d.Keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, k), ':')
			b = appendJSON(b, d.Values[k])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

const hexDigits = "0123456789abcdef"

func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(append(b, s[start:i]...), "\uFFFD"...)
			i++
			start = i
			continue
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}
