package kql

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseKv is parse-kv: values of keys out of a text.
func (b *binder) parseKv(o *ParseKvOp, in *table) *table {
	at := o.Pos()
	var x Scalar
	b.inRow(in, func() { x = b.scalar(o.X) })
	outs := b.declared(o.Columns)
	kv := kvReader{keys: make(map[string]int, len(outs))}
	m := &Matcher{Name: "parse-kv"}
	var reads []func(string) Value
	for i, c := range outs {
		kv.keys[c.Name] = i
		m.Types = append(m.Types, c.Type)
		reads = append(reads, textReader(c.Type))
	}
	for i := range o.Props {
		p := &o.Props[i]
		switch p.Name.Text {
		case "pair_delimiter":
			kv.pair = b.propText(p)
		case "kv_delimiter":
			kv.kv = b.propText(p)
		case "quote":
			for _, r := range b.propText(p) {
				kv.quotes = append(kv.quotes, r)
			}
		case "escape":
			kv.escape, _ = utf8.DecodeRuneInString(b.propText(p))
		case "greedy":
			kv.greedy = b.propBool(p)
		case "regex":
			re, err := regexp.Compile(b.propText(p))
			switch {
			case err != nil:
				b.errorf(p.Span, "", "'parse-kv' operator: %s", err)
			case re.NumSubexp() != 2:
				b.errorf(p.Span, "", "'parse-kv' operator: the regex must have two groups, of the key and of the value.")
			default:
				kv.re = re
			}
		default:
			b.errorf(p.Span, "KS179", "'parse-kv' operator: the name '%s' is not a recognized parameter for this operator.", p.Name.Text)
		}
	}
	if kv.greedy && (kv.pair == "" || kv.kv == "") {
		b.errorf(at, "", "'parse-kv' operator: greedy needs pair_delimiter and kv_delimiter.")
	}
	m.Match = func(text string) ([]Value, bool) {
		out := make([]Value, len(outs))
		for i, t := range m.Types {
			out[i] = Null(t)
		}
		seen := make([]bool, len(outs))
		kv.read(text, func(i int, value string) {
			if !seen[i] {
				seen[i] = true
				out[i] = reads[i](value)
			}
		})
		return out, true
	}
	return b.parsed(at, in, x, m, outs, false)
}

// kvReader finds the values of keys in a text. The first of several values of a
// key counts.
type kvReader struct {
	keys     map[string]int
	pair, kv string
	quotes   []rune
	escape   rune
	greedy   bool
	re       *regexp.Regexp
}

func (k *kvReader) read(text string, found func(int, string)) {
	switch {
	case k.re != nil:
		for _, g := range k.re.FindAllStringSubmatch(text, -1) {
			if i, ok := k.keys[strings.TrimSpace(g[1])]; ok {
				found(i, g[2])
			}
		}
	case k.kv == "" || k.pair == "":
		k.words(text, found)
	default:
		k.pairs(text, found)
	}
}

// quoted reads a quoted text at the start of s.
func (k *kvReader) quoted(s string) (value, rest string, ok bool) {
	if len(k.quotes) == 0 {
		return "", s, false
	}
	r, size := utf8.DecodeRuneInString(s)
	if r != k.quotes[0] || size == 0 {
		return "", s, false
	}
	end := k.quotes[len(k.quotes)-1]
	var b strings.Builder
	escaped := false
	for i, r := range s[size:] {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case k.escape != 0 && r == k.escape:
			escaped = true
		case r == end:
			return b.String(), s[size+i+utf8.RuneLen(r):], true
		default:
			b.WriteRune(r)
		}
	}
	return "", s, false
}

// pairs reads key, delimiter, value, delimiter. Blanks around a key and a value
// do not count, even where the pair delimiter is one.
func (k *kvReader) pairs(s string, found func(int, string)) {
	for s != "" {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if strings.HasPrefix(s, k.pair) {
			s = s[len(k.pair):]
			continue
		}
		key, rest, ok := k.quoted(s)
		if ok {
			rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		} else {
			at := strings.Index(s, k.kv)
			if at < 0 {
				return
			}
			if p := strings.Index(s[:at], k.pair); p >= 0 {
				if blank := strings.TrimSpace(s[p:at]); blank != "" {
					s = s[p+len(k.pair):]
					continue
				}
			}
			key, rest = strings.TrimSpace(s[:at]), s[at:]
		}
		if !strings.HasPrefix(rest, k.kv) {
			s = after(rest, k.pair)
			continue
		}
		var value string
		value, s = k.value(rest[len(k.kv):])
		if i, wanted := k.keys[key]; wanted {
			found(i, value)
		}
	}
}

// value reads a value up to the delimiter of pairs; with greedy up to the last
// one before the next key.
func (k *kvReader) value(s string) (value, rest string) {
	trimmed := strings.TrimLeftFunc(s, unicode.IsSpace)
	if v, rest, ok := k.quoted(trimmed); ok {
		return v, after(rest, k.pair)
	}
	s = trimmed
	end := strings.Index(s, k.pair)
	if k.greedy {
		end = -1
		if next := strings.Index(s, k.kv); next >= 0 {
			end = strings.LastIndex(s[:next], k.pair)
		}
	}
	if end < 0 {
		return strings.TrimSpace(s), ""
	}
	return strings.TrimSpace(s[:end]), s[end+len(k.pair):]
}

// after is what stands behind the next delimiter.
func after(s, delimiter string) string {
	if i := strings.Index(s, delimiter); i >= 0 {
		return s[i+len(delimiter):]
	}
	return ""
}

// words reads without delimiters: everything that is no letter and no digit is
// one.
func (k *kvReader) words(s string, found func(int, string)) {
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	word := func(s string) (string, string) {
		n := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) })
		if n < 0 {
			n = len(s)
		}
		return s[:n], s[n:]
	}
	// gap skips delimiters, but not an opening quote.
	gap := func(s string) string {
		return strings.TrimLeftFunc(s, func(r rune) bool {
			return !isWord(r) && (len(k.quotes) == 0 || r != k.quotes[0])
		})
	}
	for s != "" {
		s = gap(s)
		key, rest, ok := k.quoted(s)
		if !ok {
			if key, rest = word(s); key == "" {
				_, size := utf8.DecodeRuneInString(s)
				s = s[min(size, len(s)):]
				continue
			}
		}
		i, wanted := k.keys[key]
		if !wanted {
			s = rest
			continue
		}
		rest = gap(rest)
		value, tail, ok := k.quoted(rest)
		if !ok {
			value, tail = word(rest)
		}
		found(i, value)
		s = tail
	}
}
