package detect

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// predicate is one test of one field against one value, the smallest thing a
// condition is made of. A field with several values passes when one of them
// does. field is folded; "" means any value of the event (keywords).
type predicate struct {
	field string
	op    predOp
	cased bool
	pat   pattern // opPattern; folded unless cased
	re    *regexp.Regexp
	least int       // opRegex: bytes that a match takes at least
	run   *classRun // opRegex: what a match must have, nil without
	cidr  netip.Prefix
	num   float64
	part  timePart // opNumber with a part of a date as its left side
	cmp   cmpOp
	want  bool   // opExists
	other string // opFieldRef: the other field, folded
	// before and after open the reference's ends (contains, startswith, endswith).
	before, after bool
}

type predOp uint8

const (
	opPattern predOp = iota
	opRegex
	opCIDR
	opNumber
	opNull // absent or empty
	opExists
	opFieldRef
)

type cmpOp uint8

const (
	cmpEQ cmpOp = iota
	cmpLT
	cmpLE
	cmpGT
	cmpGE
)

type timePart uint8

const (
	noPart timePart = iota
	partMinute
	partHour
	partDay
	partWeek
	partMonth
	partYear
)

// unsupportedError is a feature of Sigma that this reader knows and does not
// do. The name is what Report counts by.
type unsupportedError struct{ feature string }

func (e *unsupportedError) Error() string { return "unsupported: " + e.feature }

// key tells predicates apart: equal keys test the same thing.
func (p *predicate) key() string {
	var b strings.Builder
	b.WriteString(p.field)
	b.WriteByte(0)
	fmt.Fprintf(&b, "%d%t", p.op, p.cased)
	switch p.op {
	case opPattern:
		b.WriteString(p.pat.String())
	case opRegex:
		b.WriteString(p.re.String())
	case opCIDR:
		b.WriteString(p.cidr.String())
	case opNumber:
		fmt.Fprintf(&b, "%d%d%g", p.part, p.cmp, p.num)
	case opExists:
		fmt.Fprint(&b, p.want)
	case opFieldRef:
		fmt.Fprintf(&b, "%s%t%t", p.other, p.before, p.after)
	}
	return b.String()
}

// test applies the predicate to one value; folded is the value folded. It is
// not for opNull, opExists and opFieldRef, which are about the field.
func (p *predicate) test(raw, folded string) bool {
	switch p.op {
	case opPattern:
		if p.cased {
			return p.pat.match(raw)
		}
		return p.pat.match(folded)
	case opRegex:
		return len(raw) >= p.least && (p.run == nil || p.run.find(raw)) && p.re.MatchString(raw)
	case opCIDR:
		a, err := netip.ParseAddr(raw)
		return err == nil && p.cidr.Contains(a.Unmap().WithZone(""))
	case opNumber:
		return p.compare(raw)
	}
	return false
}

func (p *predicate) compare(raw string) bool {
	var v float64
	if p.part != noPart {
		t, ok := parseTime(raw)
		if !ok {
			return false
		}
		v = p.part.of(t)
	} else {
		f, err := strconv.ParseFloat(strings.TrimSpace(raw), 64)
		if err != nil || math.IsNaN(f) {
			return false
		}
		v = f
	}
	switch p.cmp {
	case cmpLT:
		return v < p.num
	case cmpLE:
		return v <= p.num
	case cmpGT:
		return v > p.num
	case cmpGE:
		return v >= p.num
	}
	return v == p.num
}

func (t timePart) of(at time.Time) float64 {
	switch t {
	case partMinute:
		return float64(at.Minute())
	case partHour:
		return float64(at.Hour())
	case partDay:
		return float64(at.Day())
	case partWeek:
		_, w := at.ISOWeek()
		return float64(w)
	case partMonth:
		return float64(at.Month())
	}
	return float64(at.Year())
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// ref tests a field reference: value against the other field's value, both
// folded unless cased.
func (p *predicate) ref(value, other string) bool {
	switch {
	case p.before && p.after:
		return strings.Contains(value, other)
	case p.before:
		return strings.HasSuffix(value, other)
	case p.after:
		return strings.HasPrefix(value, other)
	}
	return value == other
}

// modifiers is what the part of a key after the field asks for.
type modifiers struct {
	all, neg, cased                         bool
	contains, starts, ends                  bool
	re                                      bool
	reFlags                                 string
	cidr, exists, fieldref, windash, expand bool
	cmp                                     cmpOp
	number                                  bool
	part                                    timePart
	encode                                  []string // in order: wide, utf16, utf16be, base64, base64offset
}

var timeParts = map[string]timePart{"minute": partMinute, "hour": partHour, "day": partDay, "week": partWeek, "month": partMonth, "year": partYear}

func parseModifiers(names []string) (m modifiers, err error) {
	for _, name := range names {
		switch name {
		case "all":
			m.all = true
		case "neq":
			m.neg = true
		case "cased":
			m.cased = true
		case "contains":
			m.contains = true
		case "startswith":
			m.starts = true
		case "endswith":
			m.ends = true
		case "re":
			m.re = true
		case "i", "m", "s", "ignorecase", "multiline", "dotall":
			if !m.re {
				return m, fmt.Errorf("modifier %q without re", name)
			}
			m.reFlags += map[string]string{"ignorecase": "i", "multiline": "m", "dotall": "s"}[name]
			if len(name) == 1 {
				m.reFlags += name
			}
		case "cidr":
			m.cidr = true
		case "exists":
			m.exists = true
		case "fieldref":
			m.fieldref = true
		case "windash":
			m.windash = true
		case "lt", "lte", "gt", "gte":
			m.number, m.cmp = true, map[string]cmpOp{"lt": cmpLT, "lte": cmpLE, "gt": cmpGT, "gte": cmpGE}[name]
		case "minute", "hour", "day", "week", "month", "year":
			m.part = timeParts[name]
		case "wide", "utf16le":
			m.encode = append(m.encode, "utf16le")
		case "utf16", "utf16be", "base64", "base64offset":
			m.encode = append(m.encode, name)
		case "expand":
			m.expand = true
		default:
			return m, &unsupportedError{"modifier " + name}
		}
	}
	if m.expand {
		return m, &unsupportedError{"modifier expand"}
	}
	return m, nil
}

// predicatesOf makes the predicates of one value; several stand for "any of".
// isText is false for YAML numbers and booleans, which know no wildcards.
func (m modifiers) predicatesOf(field, value string, isText bool) ([]*predicate, error) {
	p := &predicate{field: field, cased: m.cased}
	switch {
	case m.exists:
		want, ok := map[string]bool{"true": true, "yes": true, "false": false, "no": false}[strings.ToLower(value)]
		if !ok {
			return nil, fmt.Errorf("exists wants yes or no, not %q", value)
		}
		p.op, p.want = opExists, want
		return []*predicate{p}, nil
	case m.re:
		return m.regex(p, value)
	case m.cidr:
		pre, err := netip.ParsePrefix(value)
		if err != nil {
			a, err2 := netip.ParseAddr(value)
			if err2 != nil {
				return nil, fmt.Errorf("%q is no address range", value)
			}
			pre = netip.PrefixFrom(a, a.BitLen())
		}
		p.op, p.cidr = opCIDR, pre.Masked()
		return []*predicate{p}, nil
	case m.number || m.part != noPart:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(n) {
			return nil, fmt.Errorf("%q is no number", value)
		}
		p.op, p.num, p.cmp, p.part = opNumber, n, m.cmp, m.part
		return []*predicate{p}, nil
	case m.fieldref:
		p.op, p.other = opFieldRef, fold(value)
		p.before, p.after = m.contains || m.ends, m.contains || m.starts
		return []*predicate{p}, nil
	}
	return m.patterns(p, value, isText)
}

// patterns makes the predicates that compare with text.
func (m modifiers) patterns(p *predicate, value string, isText bool) ([]*predicate, error) {
	if len(value) > maxPattern {
		return nil, fmt.Errorf("a value is longer than %d bytes", maxPattern)
	}
	pats := []pattern{literalPattern(value)}
	if isText && len(m.encode) == 0 {
		pats[0] = parsePattern(value)
	}
	for _, enc := range m.encode {
		var err error
		if pats, err = encodePatterns(pats, enc); err != nil {
			return nil, err
		}
	}
	if m.windash {
		pats = windash(pats)
	}
	out := make([]*predicate, 0, len(pats))
	for _, pat := range pats {
		// An empty needle is in every string; Sigma tools agree that it says
		// "has a value".
		if m.contains || m.ends {
			pat = pat.anyBefore()
		}
		if m.contains || m.starts {
			pat = pat.anyAfter()
		}
		q := *p
		if !m.cased {
			pat = pat.mapLit(fold)
		}
		q.pat = pat
		if p.field == "" { // keywords are searched for, not compared
			q.pat = pat.anyBefore().anyAfter()
		}
		out = append(out, &q)
	}
	return out, nil
}

func (m modifiers) regex(p *predicate, text string) ([]*predicate, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("a regular expression is longer than %d bytes", maxPattern)
	}
	src := text
	if m.reFlags != "" {
		src = "(?" + m.reFlags + ")" + src
	}
	re, err := regexp.Compile(src)
	if err != nil {
		if f := pcreFeature(text); f != "" {
			return nil, &unsupportedError{"regular expression with " + f}
		}
		var se *syntax.Error
		if errors.As(err, &se) && se.Code == syntax.ErrInvalidRepeatSize {
			return nil, &unsupportedError{"regular expression with a repeat above 1000"}
		}
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	p.op, p.re, p.cased, p.least, p.run = opRegex, re, true, minLength(src), regexRun(src)
	return []*predicate{p}, nil
}

// pcreFeature names what a Perl expression has and linear-time matching
// cannot do.
func pcreFeature(s string) string {
	for _, f := range []struct{ mark, name string }{
		{"(?=", "lookahead"}, {"(?!", "lookahead"}, {"(?<=", "lookbehind"}, {"(?<!", "lookbehind"},
		{"(?>", "atomic group"}, {"(?(", "conditional group"}, {"(?R", "recursion"}, {`\K`, `\K`},
		{"*+", "possessive quantifier"}, {"++", "possessive quantifier"}, {"?+", "possessive quantifier"},
		{`\1`, "backreference"}, {`\2`, "backreference"}, {`\k<`, "backreference"},
	} {
		if strings.Contains(s, f.mark) {
			return f.name
		}
	}
	return ""
}

func encodePatterns(pats []pattern, enc string) ([]pattern, error) {
	var out []pattern
	for _, p := range pats {
		s, ok := p.plain()
		if !ok {
			return nil, fmt.Errorf("modifier %s on a value with wildcards", enc)
		}
		switch enc {
		case "utf16le":
			out = append(out, literalPattern(utf16Bytes(s, false)))
		case "utf16be":
			out = append(out, literalPattern(utf16Bytes(s, true)))
		case "utf16":
			out = append(out, literalPattern("\xff\xfe"+utf16Bytes(s, false)))
		case "base64":
			out = append(out, literalPattern(base64.StdEncoding.EncodeToString([]byte(s))))
		case "base64offset":
			for off := range 3 {
				out = append(out, literalPattern(base64At(s, off)))
			}
		}
	}
	return out, nil
}

// base64At is the part of the encoding of any text with s at position off
// (modulo 3) that depends on s alone.
func base64At(s string, off int) string {
	enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", off) + s))
	from := [3]int{0, 2, 3}[off]
	cut := [3]int{0, 3, 2}[(len(s)+off)%3]
	return enc[from : len(enc)-cut]
}

func utf16Bytes(s string, big bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// dashes are the signs that Windows programs take for a parameter mark.
var dashes = []string{"-", "/", "–", "—", "―"}

// windash gives each pattern with every dash variant. A dash counts when it
// opens a word, as in ` -enc`. Three dashes in one value are varied together:
// all combinations would be too many and nobody mixes them.
func windash(pats []pattern) []pattern {
	var out []pattern
	for _, p := range pats {
		places := 0
		for _, t := range p.toks {
			places += len(dashPlaces(t.lit))
		}
		switch {
		case places == 0:
			out = append(out, p)
		case places > 2:
			for _, d := range dashes {
				out = append(out, replaceDashes(p, func(int) string { return d }))
			}
		default:
			for _, d1 := range dashes {
				for _, d2 := range dashes[:1+(places-1)*(len(dashes)-1)] {
					out = append(out, replaceDashes(p, func(i int) string {
						if i == 0 {
							return d1
						}
						return d2
					}))
				}
			}
		}
	}
	return out
}

func replaceDashes(p pattern, with func(i int) string) pattern {
	n := 0
	return p.mapLit(func(lit string) string {
		var b strings.Builder
		last := 0
		for _, at := range dashPlaces(lit) {
			b.WriteString(lit[last:at])
			b.WriteString(with(n))
			n++
			last = at + 1
		}
		return b.String() + lit[last:]
	})
}

// dashPlaces are the bytes `-` or `/` with a word after them and none before.
func dashPlaces(s string) []int {
	var at []int
	for i := 0; i+1 < len(s); i++ {
		if (s[i] == '-' || s[i] == '/') && wordByte(s[i+1]) && (i == 0 || !wordByte(s[i-1])) {
			at = append(at, i)
		}
	}
	return at
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
