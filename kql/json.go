package kql

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of a dynamic value.
const maxJSONDepth = 512

// ParseJSON reads JSON as Kusto's dynamic does: whole numbers that fit are
// int64, others float64, keys keep their order and of a key given twice the
// last value wins. false for anything that is not JSON, also for nesting
// deeper than 512.
func ParseJSON(text string) (Dyn, bool) {
	p := jsonParser{s: text}
	p.space()
	d, ok := p.value(0)
	p.space()
	if !ok || p.at != len(p.s) {
		return nil, false
	}
	return d, true
}

type jsonParser struct {
	s  string
	at int
}

func (p *jsonParser) space() {
	for p.at < len(p.s) {
		switch p.s[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *jsonParser) word(w string, d Dyn) (Dyn, bool) {
	if !strings.HasPrefix(p.s[p.at:], w) {
		return nil, false
	}
	p.at += len(w)
	return d, true
}

func (p *jsonParser) value(depth int) (Dyn, bool) {
	if p.at >= len(p.s) || depth > maxJSONDepth {
		return nil, false
	}
	switch c := p.s[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.text()
	case c == 't':
		return p.word("true", true)
	case c == 'f':
		return p.word("false", false)
	case c == 'n':
		return p.word("null", nil)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return nil, false
}

// closes steps over the mark that ends a list, or over a comma before another item.
func (p *jsonParser) closes(end byte) (done, ok bool) {
	p.space()
	if p.at >= len(p.s) {
		return false, false
	}
	c := p.s[p.at]
	p.at++
	if c == ',' {
		p.space()
	}
	return c == end, c == end || c == ','
}

func (p *jsonParser) array(depth int) (Dyn, bool) {
	p.at++
	list := []Dyn{}
	p.space()
	if p.at < len(p.s) && p.s[p.at] == ']' {
		p.at++
		return list, true
	}
	for {
		d, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, d)
		if done, ok := p.closes(']'); !ok {
			return nil, false
		} else if done {
			return list, true
		}
	}
}

func (p *jsonParser) object(depth int) (Dyn, bool) {
	p.at++
	bag := NewBag()
	p.space()
	if p.at < len(p.s) && p.s[p.at] == '}' {
		p.at++
		return bag, true
	}
	for {
		if p.at >= len(p.s) || p.s[p.at] != '"' {
			return nil, false
		}
		key, ok := p.text()
		if !ok {
			return nil, false
		}
		p.space()
		if p.at >= len(p.s) || p.s[p.at] != ':' {
			return nil, false
		}
		p.at++
		p.space()
		d, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		bag.Set(key.(string), d)
		if done, ok := p.closes('}'); !ok {
			return nil, false
		} else if done {
			return bag, true
		}
	}
}

func (p *jsonParser) number() (Dyn, bool) {
	start := p.at
	if p.s[p.at] == '-' {
		p.at++
	}
	digits := func() int {
		n := p.at
		for p.at < len(p.s) && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
			p.at++
		}
		return p.at - n
	}
	first := p.at
	if n := digits(); n == 0 || n > 1 && p.s[first] == '0' {
		return nil, false
	}
	whole := true
	if p.at < len(p.s) && p.s[p.at] == '.' {
		p.at++
		whole = false
		if digits() == 0 {
			return nil, false
		}
	}
	if p.at < len(p.s) && (p.s[p.at] == 'e' || p.s[p.at] == 'E') {
		p.at++
		whole = false
		if p.at < len(p.s) && (p.s[p.at] == '+' || p.s[p.at] == '-') {
			p.at++
		}
		if digits() == 0 {
			return nil, false
		}
	}
	text := p.s[start:p.at]
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil || math.IsInf(f, 0)
}

func (p *jsonParser) text() (Dyn, bool) {
	p.at++
	start := p.at
	for p.at < len(p.s) && p.s[p.at] != '"' && p.s[p.at] != '\\' && p.s[p.at] >= ' ' {
		p.at++
	}
	if p.at < len(p.s) && p.s[p.at] == '"' {
		p.at++
		return p.s[start : p.at-1], true
	}
	var b strings.Builder
	b.WriteString(p.s[start:p.at])
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), true
		case c < ' ':
			return nil, false
		case c != '\\':
			b.WriteByte(c)
		default:
			if !p.escape(&b) {
				return nil, false
			}
		}
	}
	return nil, false
}

func (p *jsonParser) escape(b *strings.Builder) bool {
	if p.at >= len(p.s) {
		return false
	}
	c := p.s[p.at]
	p.at++
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(from, c); i >= 0 {
		b.WriteByte(to[i])
		return true
	}
	if c != 'u' {
		return false
	}
	r, ok := p.hex()
	if !ok {
		return false
	}
	if r >= 0xD800 && r < 0xDC00 && strings.HasPrefix(p.s[p.at:], `\u`) {
		at := p.at
		p.at += 2
		low, ok := p.hex()
		if ok && low >= 0xDC00 && low < 0xE000 {
			b.WriteRune(0x10000 + (r-0xD800)<<10 + (low - 0xDC00))
			return true
		}
		p.at = at
	}
	b.WriteRune(r) // a lone surrogate becomes U+FFFD
	return true
}

func (p *jsonParser) hex() (rune, bool) {
	if p.at+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[p.at:p.at+4], 16, 32)
	p.at += 4
	return rune(n), err == nil
}

// JSONOf is the JSON text of a dynamic, without blanks. Reals keep a fraction
// (1.0), so that reading the text gives a real again.
func JSONOf(d Dyn) string { return string(appendJSON(nil, d)) }

func appendJSON(buf []byte, d Dyn) []byte {
	switch d := d.(type) {
	case nil:
		return append(buf, "null"...)
	case bool:
		return strconv.AppendBool(buf, d)
	case int64:
		return strconv.AppendInt(buf, d, 10)
	case float64:
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return append(append(append(buf, '"'), realText(d)...), '"')
		}
		return append(buf, realText(d)...)
	case string:
		return appendJSONText(buf, d)
	case []Dyn:
		buf = append(buf, '[')
		for i, e := range d {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = appendJSON(buf, e)
		}
		return append(buf, ']')
	case *Bag:
		buf = append(buf, '{')
		for i, k := range d.Keys {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = append(appendJSONText(buf, k), ':')
			buf = appendJSON(buf, d.Values[k])
		}
		return append(buf, '}')
	}
	return append(buf, "null"...)
}

func appendJSONText(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				buf = append(buf, "\uFFFD"...)
			} else {
				buf = append(buf, s[i:i+size]...)
			}
			i += size
			continue
		}
		i++
		switch {
		case c == '"' || c == '\\':
			buf = append(buf, '\\', c)
		case c == '\n':
			buf = append(buf, `\n`...)
		case c == '\r':
			buf = append(buf, `\r`...)
		case c == '\t':
			buf = append(buf, `\t`...)
		case c < ' ' || c == 0x7F:
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			buf = append(buf, c)
		}
	}
	return append(buf, '"')
}
