package detect

import (
	"regexp/syntax"
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

func requiredLiterals(re *syntax.Regexp, depth int) []string {
	if depth > 100 {
		return nil
	}
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
		if len(b) < minLiteral {
			return nil
		}
		return []string{string(b)}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiterals(re.Sub[0], depth+1)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredLiterals(re.Sub[0], depth+1)
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if lits := requiredLiterals(sub, depth+1); lits != nil && (best == nil || weight(lits) > weight(best)) {
				best = lits
			}
		}
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

// weight prefers long literals and few of them.
func weight(lits []string) float64 {
	least := len(lits[0])
	for _, l := range lits {
		least = min(least, len(l))
	}
	return float64(least) - 0.1*float64(len(lits))
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
	case n <= 1:
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
