package detect

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// minLiteral is the shortest literal, in bytes, that is worth looking for
// ahead of a pattern or regular expression.
const minLiteral = 2

// patternLiteral is the longest literal that every match of p contains,
// folded; "" when there is none of use.
func patternLiteral(p pattern) string {
	best := ""
	for _, t := range p.toks {
		if t.kind == tokLit && len(t.lit) > len(best) {
			best = t.lit
		}
	}
	if best = fold(best); len(best) < minLiteral {
		return ""
	}
	return best
}

// regexLiterals are literals of which every match of the expression contains
// at least one, folded; nil when there are no such.
func regexLiterals(src string) []string {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return nil
	}
	lits := requiredLiterals(re.Simplify(), 0)
	if len(lits) > 200 {
		return nil
	}
	return lits
}

// requiredLiterals looks for literals, and for short runs of literals and
// small character classes, which are multiplied out: `\.[ "]` needs one of
// two texts.
func requiredLiterals(re *syntax.Regexp, depth int) []string {
	if depth > 100 {
		return nil
	}
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass:
		return useful(exact(re))
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiterals(re.Sub[0], depth+1)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredLiterals(re.Sub[0], depth+1)
		}
	case syntax.OpConcat:
		var best, run []string
		take := func(lits []string) {
			if lits != nil && (best == nil || weight(lits) > weight(best)) {
				best = lits
			}
		}
		for _, sub := range re.Sub {
			if x := exact(sub); x != nil && len(run)*len(x) <= maxProduct {
				run = product(run, x)
				continue
			}
			take(useful(run))
			run = exact(sub)
			if run == nil {
				take(requiredLiterals(sub, depth+1))
			}
		}
		take(useful(run))
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			lits := requiredLiterals(sub, depth+1)
			if lits == nil {
				return nil
			}
			all = append(all, lits...)
		}
		return all
	}
	return nil
}

const maxProduct = 16

// exact are all texts that a literal or a small class matches, folded; nil
// for anything else.
func exact(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		var b []byte
		for _, r := range re.Rune {
			if r == utf8.RuneError {
				// It also matches bytes that are not UTF-8, which are kept as
				// they are in the text that is searched.
				return nil
			}
			b = utf8.AppendRune(b, foldRune(r))
		}
		return []string{string(b)}
	case syntax.OpCharClass:
		var out []string
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if len(out) == maxProduct || r == utf8.RuneError {
					return nil
				}
				if t := string(foldRune(r)); !slices.Contains(out, t) {
					out = append(out, t)
				}
			}
		}
		return out
	}
	return nil
}

func product(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

// useful are the literals when each is long or rare enough to be looked for.
func useful(lits []string) []string {
	for _, l := range lits {
		if len(l) < minLiteral && !strings.Contains("`^~#@!|{}[]<>;$&%", l) {
			return nil
		}
	}
	if len(lits) == 0 {
		return nil
	}
	return lits
}

// weight prefers long literals and few of them.
func weight(lits []string) float64 {
	least := len(lits[0])
	for _, l := range lits {
		least = min(least, len(l))
	}
	return float64(least) - 0.1*float64(len(lits))
}

// minLength is the least number of bytes that a match takes.
func minLength(src string) int {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return 0
	}
	return shortest(re, 0)
}

func shortest(re *syntax.Regexp, depth int) int {
	if depth > 100 {
		return 0
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0], depth+1)
	case syntax.OpRepeat:
		return re.Min * shortest(re.Sub[0], depth+1)
	case syntax.OpConcat:
		n := 0
		for _, s := range re.Sub {
			n += shortest(s, depth+1)
		}
		return n
	case syntax.OpAlternate:
		n := shortest(re.Sub[0], depth+1)
		for _, s := range re.Sub[1:] {
			n = min(n, shortest(s, depth+1))
		}
		return n
	}
	return 0
}

// commonTexts occur in a large part of all events: a rule that can be found by
// something else should be.
var commonTexts = []string{
	`.exe`, `c:\`, `:\`, `c:\windows\`, `:\windows\`, `\windows\`, `c:\windows\system32\`, `:\windows\system32\`, `\system32\`, `\syswow64\`,
	`c:\program files`, `:\program files`, `\program files`, `c:\program files\`, `:\program files\`, `c:\program files (x86)\`, `:\program files (x86)\`,
	`\microsoft\`, `microsoft`, `windows`, `microsoft corporation`, `\users\`, `c:\users\`, `:\users\`, `\appdata\`, `\appdata\local\`, `\programdata\`,
	`\software\`, `\system\`, `hklm\`, `hkcu\`, `\currentversion\`, `\svchost.exe`, `svchost.exe`, `\services.exe`, `\explorer.exe`, `true`, `false`, `system`,
	`.dll`, ` -`, ` /`, `/usr/bin/`, `/bin/`, `http`, `https`, `.com`, `nt authority\system`, `success`, `powershell`, `cmd.exe`, `\cmd.exe`, `\powershell.exe`,
}

// rarity estimates how seldom a literal is met, as the chance that an event
// has it: short ones are frequent, and what many rules ask for is so because
// it is frequent.
func rarity(lit string, bound bool, uses int) float64 {
	p := 1.0
	switch n := len(lit); {
	case n <= 1 && !strings.ContainsAny(lit, "`^~#@!|{}[]<>;$&%"):
	case n == 1:
		p = 0.1
	case n == 2:
		p = 0.4
	case n == 3:
		p = 0.15
	case n == 4:
		p = 0.06
	case n == 5:
		p = 0.03
	case n <= 7:
		p = 0.01
	case n <= 12:
		p = 0.004
	default:
		p = 0.002
	}
	if bound { // only at the start or end of the value
		p *= 0.5
	}
	for _, c := range commonTexts {
		if lit == c {
			p = 0.5
			break
		}
	}
	if !strings.ContainsAny(lit, `\/.-_ :=0123456789`) && len(lit) < 9 {
		p *= 2 // an everyday word
	}
	return min(1, p*(1+float64(uses)/2))
}

// classRun is a run of bytes of one class that every match of an expression
// has: `[0-9a-f]{64}`. Where no literal announces an expression, most values
// fail this much faster than the expression itself.
type classRun struct {
	in [256]bool // bytes from 0x80 on count as in the class
	n  int
}

// regexRun finds the longest such run of at least 8 bytes, nil without.
func regexRun(src string) *classRun {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return nil
	}
	return longestRun(re, 0)
}

func longestRun(re *syntax.Regexp, depth int) *classRun {
	if depth > 100 {
		return nil
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return longestRun(re.Sub[0], depth+1)
	case syntax.OpConcat:
		var best *classRun
		for _, sub := range re.Sub {
			if r := longestRun(sub, depth+1); r != nil && (best == nil || r.n > best.n) {
				best = r
			}
		}
		return best
	case syntax.OpRepeat:
		if re.Min < 8 || re.Sub[0].Op != syntax.OpCharClass {
			return nil
		}
		r := &classRun{n: re.Min}
		for i := 0; i+1 < len(re.Sub[0].Rune); i += 2 {
			for c := re.Sub[0].Rune[i]; c <= min(re.Sub[0].Rune[i+1], utf8.RuneSelf-1); c++ {
				r.in[c] = true
			}
		}
		for c := utf8.RuneSelf; c < 256; c++ {
			r.in[c] = true
		}
		return r
	}
	return nil
}

// find looks for the run from its far end, so that it may jump a whole run
// ahead of each byte that is not in the class.
func (r *classRun) find(s string) bool {
	for end := r.n - 1; end < len(s); {
		i := end
		for i > end-r.n && r.in[s[i]] {
			i--
		}
		if i == end-r.n {
			return true
		}
		end = i + r.n
	}
	return false
}
