package detect

import (
	"strings"
	"unicode/utf8"
)

// maxPattern bounds a single pattern, in bytes; the longest public one has
// some hundreds.
const maxPattern = 8 << 10

// pattern is a Sigma value with its wildcards: literal pieces between `*`
// (any text) and `?` (any one character).
type pattern struct {
	toks []token
}

type token struct {
	kind tokenKind
	lit  string
}

type tokenKind uint8

const (
	tokLit  tokenKind = iota
	tokStar           // *
	tokAny            // ?
)

// parsePattern reads a value as Sigma writes it: a backslash takes away the
// meaning of a following `*`, `?` or backslash, and is itself otherwise.
func parsePattern(s string) pattern {
	var p pattern
	var lit []byte
	flush := func() {
		if len(lit) > 0 {
			p.toks = append(p.toks, token{tokLit, string(lit)})
			lit = lit[:0]
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				i++
			}
			lit = append(lit, s[i])
		case '*':
			flush()
			p.star()
		case '?':
			flush()
			p.toks = append(p.toks, token{kind: tokAny})
		default:
			lit = append(lit, c)
		}
	}
	flush()
	return p
}

// literalPattern is a pattern that stands for exactly s.
func literalPattern(s string) pattern {
	if s == "" {
		return pattern{}
	}
	return pattern{[]token{{tokLit, s}}}
}

func (p *pattern) star() {
	if n := len(p.toks); n == 0 || p.toks[n-1].kind != tokStar {
		p.toks = append(p.toks, token{kind: tokStar})
	}
}

// anyBefore and anyAfter open an end of the pattern, as contains, startswith
// and endswith do.
func (p pattern) anyBefore() pattern {
	if len(p.toks) > 0 && p.toks[0].kind == tokStar {
		return p
	}
	return pattern{append([]token{{kind: tokStar}}, p.toks...)}
}

func (p pattern) anyAfter() pattern {
	q := pattern{append([]token(nil), p.toks...)}
	q.star()
	return q
}

// plain is the pattern's text when it has no wildcard.
func (p pattern) plain() (string, bool) {
	switch {
	case len(p.toks) == 0:
		return "", true
	case len(p.toks) == 1 && p.toks[0].kind == tokLit:
		return p.toks[0].lit, true
	}
	return "", false
}

// mapLit is the pattern with each literal piece replaced.
func (p pattern) mapLit(f func(string) string) pattern {
	q := pattern{make([]token, len(p.toks))}
	for i, t := range p.toks {
		if t.kind == tokLit {
			t.lit = f(t.lit)
		}
		q.toks[i] = t
	}
	return q
}

// String writes the pattern back in Sigma's notation.
func (p pattern) String() string {
	var b strings.Builder
	for _, t := range p.toks {
		switch t.kind {
		case tokStar:
			b.WriteByte('*')
		case tokAny:
			b.WriteByte('?')
		default:
			for i := 0; i < len(t.lit); i++ {
				if c := t.lit[i]; c == '*' || c == '?' || c == '\\' {
					b.WriteByte('\\')
				}
				b.WriteByte(t.lit[i])
			}
		}
	}
	return b.String()
}

// match reports whether the pattern covers all of s. Pattern and s are both
// folded, or both not. Each run between two stars is placed as far left as it
// goes, which is enough: time is at most len(s) times the longest run, and
// linear for runs without `?`.
func (p pattern) match(s string) bool {
	toks := p.toks
	// The run before the first star is bound to the start.
	for len(toks) > 0 && toks[0].kind != tokStar {
		n, ok := eat(toks[0], s)
		if !ok {
			return false
		}
		s, toks = s[n:], toks[1:]
	}
	if len(toks) == 0 {
		return s == ""
	}
	for {
		toks = toks[1:] // the star
		end := 0
		for end < len(toks) && toks[end].kind != tokStar {
			end++
		}
		run := toks[:end]
		toks = toks[end:]
		if len(toks) == 0 {
			return endsWithRun(run, s)
		}
		n, ok := findRun(run, s)
		if !ok {
			return false
		}
		s = s[n:]
	}
}

// eat matches one token at the start of s and says how long it is.
func eat(t token, s string) (int, bool) {
	if t.kind == tokLit {
		return len(t.lit), strings.HasPrefix(s, t.lit)
	}
	if s == "" {
		return 0, false
	}
	_, n := utf8.DecodeRuneInString(s)
	return n, true
}

func eatRun(run []token, s string) (int, bool) {
	total := 0
	for _, t := range run {
		n, ok := eat(t, s)
		if !ok {
			return 0, false
		}
		s, total = s[n:], total+n
	}
	return total, true
}

// findRun finds the first place where run matches and returns its end.
func findRun(run []token, s string) (int, bool) {
	if len(run) == 0 {
		return 0, true
	}
	at := 0
	for {
		if run[0].kind == tokLit {
			i := strings.Index(s[at:], run[0].lit)
			if i < 0 {
				return 0, false
			}
			at += i
		}
		if n, ok := eatRun(run, s[at:]); ok {
			return at + n, true
		}
		if at >= len(s) {
			return 0, false
		}
		_, n := utf8.DecodeRuneInString(s[at:])
		at += n
	}
}

// endsWithRun reports whether run matches a tail of s exactly. It is matched
// backwards, since that is the only place where it may stand.
func endsWithRun(run []token, s string) bool {
	for i := len(run) - 1; i >= 0; i-- {
		if t := run[i]; t.kind == tokLit {
			if !strings.HasSuffix(s, t.lit) {
				return false
			}
			s = s[:len(s)-len(t.lit)]
			continue
		}
		if s == "" {
			return false
		}
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return true
}
