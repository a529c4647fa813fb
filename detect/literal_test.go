package detect

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guardsHold reports whether what is asked of a value before an expression is
// tried lets every match through.
func guardsHold(t *testing.T, src string, texts ...string) {
	t.Helper()
	re, err := regexp.Compile(src)
	if err != nil {
		return
	}
	least, run, lits := minLength(src), regexRun(src), regexLiterals(src)
	for _, text := range texts {
		if !re.MatchString(text) {
			continue
		}
		if len(text) < least {
			t.Errorf("%q matches %q, which is shorter than %d", src, text, least)
		}
		if run != nil && !run.find(text) {
			t.Errorf("%q matches %q, which has no run of %d", src, text, run.n)
		}
		folded := fold(text)
		if lits != nil && !slices.ContainsFunc(lits, func(l string) bool { return strings.Contains(folded, l) }) {
			t.Errorf("%q matches %q, which has none of %q", src, text, lits)
		}
	}
}

func FuzzRegexGuards(f *testing.F) {
	for _, s := range [][2]string{
		{`(?i)k\xffs{2,3}[ab]|x+y`, "KSSa"}, {`\s[a-f0-9]{8,}\s`, " 01234567 "}, {`(abc|d[ef])+g?$`, "dfdf"}, {`\.[a-z]{1,3}\.[ "']`, `.ab."`},
		{`^(?:[^\\]*\\)?cmd`, `\cmd`}, {`(?i)straße`, "STRASSE"}, {`\x{FFFD}a`, "\xffa"}, {`[kK]elvin`, "\u212aelvin"}, {`(a{2}b){3}`, "aabaabaab"}, {"``|`.`", "`x`"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, src, text string) { guardsHold(t, src, text) })
}

// Every expression of the public set, on every recorded command line.
func TestRegexGuardsOnPublicSet(t *testing.T) {
	set, _ := publicRules(t)
	var texts []string
	for i, r := range processRows(t) {
		if i%10 == 0 {
			texts = append(texts, r.Values["ProcessCommandLine"].(string))
		}
	}
	n, literal := 0, 0
	var walk func(x *expr)
	walk = func(x *expr) {
		for _, k := range x.kids {
			walk(k)
		}
		if x.op == exprPred && x.pred.op == opRegex {
			src := x.pred.re.String()
			n++
			if regexLiterals(src) != nil {
				literal++
			}
			guardsHold(t, src, texts...)
		}
	}
	for _, r := range set.Rules {
		walk(r.cond)
	}
	t.Logf("%d expressions, %d of them with literals", n, literal)
}
