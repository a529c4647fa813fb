package intake

import (
	"strconv"
	"strings"
)

// eachData calls f for each <Data Name="...">...</Data> of an event's XML. It
// is no XML parser: it reads what the event log's own writer writes, and passes
// over what it does not know.
func eachData(s string, f func(name, value string)) {
	for {
		i := strings.Index(s, "<Data")
		if i < 0 {
			return
		}
		s = s[i+len("<Data"):]
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return
		}
		tag := s[:end]
		if tag != "" && tag[0] != ' ' && tag[0] != '/' && tag[0] != '\t' {
			continue // another element whose name begins so
		}
		name := "Data"
		if v, ok := xmlAttr(tag, "Name"); ok {
			name = xmlText(v)
		}
		s = s[end+1:]
		if strings.HasSuffix(tag, "/") {
			f(name, "")
			continue
		}
		stop := strings.Index(s, "</Data>")
		if stop < 0 {
			return
		}
		f(name, xmlText(s[:stop]))
		s = s[stop+len("</Data>"):]
	}
}

func xmlAttr(tag, name string) (string, bool) {
	for _, q := range [...]string{`"`, `'`} {
		if _, rest, ok := strings.Cut(tag, name+"="+q); ok {
			v, _, ok := strings.Cut(rest, q)
			return v, ok
		}
	}
	return "", false
}

// xmlElement is the text of the first element with the name.
func xmlElement(s, name string) string {
	i := strings.Index(s, "<"+name)
	if i < 0 {
		return ""
	}
	s = s[i:]
	_, s, ok := strings.Cut(s, ">")
	if !ok {
		return ""
	}
	s, _, ok = strings.Cut(s, "</"+name+">")
	if !ok {
		return ""
	}
	return xmlText(s)
}

// xmlText resolves the five entities and character references.
func xmlText(s string) string {
	i := strings.IndexByte(s, '&')
	if i < 0 {
		return s
	}
	var b strings.Builder
	for {
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s[:min(len(s), 12)], ';')
		r, ok := rune(0), false
		if end > 0 && end <= 10 {
			r, ok = xmlEntity(s[1:end])
		}
		if ok {
			b.WriteRune(r)
			s = s[end+1:]
		} else {
			b.WriteByte('&')
			s = s[1:]
		}
		if i = strings.IndexByte(s, '&'); i < 0 {
			b.WriteString(s)
			return b.String()
		}
	}
}

func xmlEntity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) > 1 && name[0] == '#' {
		base, num := 10, name[1:]
		if num[0] == 'x' || num[0] == 'X' {
			base, num = 16, num[1:]
		}
		n, err := strconv.ParseUint(num, base, 21)
		if err == nil && n > 0 && n <= 0x10ffff && (n < 0xd800 || n > 0xdfff) {
			return rune(n), true
		}
	}
	return 0, false
}
