package kql

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
)

// pattern is a compiled regular expression. It keeps one program for texts that
// are ASCII and, once a text asks for it, one for those that are not.
type pattern struct {
	src    string
	flags  string
	groups []string // their names, "" for none; [0] is the whole match
	narrow *program
	wide   func() *program
}

// maxPattern bounds the length of a regular expression, in bytes.
const maxPattern = 64 << 10

// compilePattern compiles a regular expression of Kusto's. flags, such as "iU",
// are set for the whole of it. The error says what is wrong, for a diagnostic.
func compilePattern(src, flags string) (*pattern, error) {
	if len(src) > maxPattern {
		return nil, fmt.Errorf("the regular expression is longer than %d bytes", maxPattern)
	}
	if !utf8.ValidString(src) {
		return nil, errors.New("the regular expression is not UTF-8")
	}
	p := &pattern{src: src, flags: flags}
	narrow, names, err := compileProgram(src, flags, true)
	if err == nil {
		// What is wrong for other texts must be known now.
		_, err = readPattern(src, flags, false)
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a valid regular expression: %w", src, err)
	}
	p.narrow, p.groups = narrow, names
	p.wide = sync.OnceValue(func() *program {
		wide, _, err := compileProgram(src, flags, false)
		if err != nil { // too large, with Unicode's classes
			return narrow
		}
		return wide
	})
	return p, nil
}

// readPattern rewrites src. A bracket inside a class begins another one; if the
// pattern cannot be read so, it stands for itself.
func readPattern(src, flags string, ascii bool) (*patternReader, error) {
	if flags != "" {
		src = "(?" + flags + ")" + src
	}
	p := &patternReader{src: src, ascii: ascii}
	err := p.rewrite()
	if err == nil {
		return p, nil
	}
	flat := &patternReader{src: src, ascii: ascii, flat: true}
	if flat.rewrite() == nil {
		return flat, nil
	}
	return nil, err
}

// program is a pattern for one kind of texts.
type program struct {
	ascii  bool           // for texts that are ASCII
	re     *regexp.Regexp // nil when only vm can say it
	vm     threadVM
	dfa    *lazyDFA // nil when there is none
	must   []finder // one of them is in every text that matches; nil for unknown
	is     finder   // the whole pattern is this text
	groups int
}

func compileProgram(src, flags string, ascii bool) (*program, []string, error) {
	p, err := readPattern(src, flags, ascii)
	if err != nil {
		return nil, nil, err
	}
	text := string(p.out)
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, nil, regexpError(err)
	}
	names := tree.CapNames()
	simple := tree.Simplify()
	prog, err := syntax.Compile(simple)
	if err != nil {
		return nil, nil, err
	}
	putAssertions(prog, names, p.marks)
	out := &program{ascii: ascii, vm: threadVM{prog}, groups: prog.NumCap / 2}
	// Package regexp has no words of Unicode and no assertions of ours.
	if len(p.marks) == 0 && (ascii || !p.boundary) {
		if out.re, err = regexp.Compile(text); err != nil {
			return nil, nil, regexpError(err)
		}
	}
	if len(p.marks) == 0 {
		out.prefilter(simple)
	}
	out.dfa = newLazyDFA(prog, ascii)
	return out, p.names, nil
}

func regexpError(err error) error {
	if e, ok := err.(*syntax.Error); ok {
		return fmt.Errorf("%s", e.Code)
	}
	return err
}

// prefilter finds texts that must be there for a match.
func (g *program) prefilter(tree *syntax.Regexp) {
	if tree.Op == syntax.OpLiteral {
		if f := g.literal(tree); f != nil {
			g.is = f
			return
		}
	}
	lits := requiredLiterals(tree)
	if len(lits) > fewPatterns {
		return
	}
	for _, lit := range lits {
		f := g.literal(lit)
		if f == nil {
			g.must = nil
			return
		}
		g.must = append(g.must, f)
	}
}

// literal is the finder of a literal of the tree; nil where the folding of
// regular expressions is not that of finders.
func (g *program) literal(tree *syntax.Regexp) finder {
	fold := tree.Flags&syntax.FoldCase != 0
	for _, r := range tree.Rune {
		if fold && (r >= utf8.RuneSelf || !g.ascii) {
			return nil
		}
	}
	return newFinder(string(tree.Rune), fold)
}

// requiredLiterals gives literals of which at least one is in every match; nil
// when none are known. Of several choices it takes the one whose shortest
// literal is longest.
func requiredLiterals(tree *syntax.Regexp) []*syntax.Regexp {
	switch tree.Op {
	case syntax.OpLiteral:
		return []*syntax.Regexp{tree}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiterals(tree.Sub[0])
	case syntax.OpRepeat:
		if tree.Min > 0 {
			return requiredLiterals(tree.Sub[0])
		}
	case syntax.OpConcat:
		var best []*syntax.Regexp
		for _, sub := range tree.Sub {
			if lits := requiredLiterals(sub); literalWorth(lits) > literalWorth(best) {
				best = lits
			}
		}
		return best
	case syntax.OpAlternate:
		var all []*syntax.Regexp
		for _, sub := range tree.Sub {
			lits := requiredLiterals(sub)
			if lits == nil {
				return nil
			}
			all = append(all, lits...)
		}
		return all
	}
	return nil
}

// literalWorth ranks prefilters: the length of the shortest literal, a little
// less for each further one; a single common character is worth nothing.
func literalWorth(lits []*syntax.Regexp) int {
	if len(lits) == 0 {
		return 0
	}
	least := 1 << 20
	for _, lit := range lits {
		n := 16 * len(lit.Rune)
		if len(lit.Rune) == 1 && (lit.Rune[0] >= utf8.RuneSelf || byteRarity[byte(lit.Rune[0])] < 20) {
			return 0
		}
		least = min(least, n)
	}
	return max(least-len(lits), 1)
}

// match tells whether the program matches in the text.
func (g *program) match(text []byte) bool {
	if g.is != nil {
		i, _ := g.is.find(text, 0)
		return i >= 0
	}
	if g.must != nil && !g.maybe(text) {
		return false
	}
	if g.dfa != nil {
		if matched, ok := g.dfa.match(text); ok {
			return matched
		}
	}
	if g.re != nil {
		return g.re.Match(text)
	}
	return g.vm.find(string(text), 0) != nil
}

func (g *program) maybe(text []byte) bool {
	for _, f := range g.must {
		if i, _ := f.find(text, 0); i >= 0 {
			return true
		}
	}
	return false
}

func (p *pattern) program(text []byte) *program {
	if isASCII(text) {
		return p.narrow
	}
	return p.wide()
}

// match tells whether the pattern matches somewhere in text.
func (p *pattern) match(text []byte) bool { return p.program(text).match(text) }

// matcher is match as a predicate.
func (p *pattern) matcher() func([]byte) bool { return p.match }

// first gives the bounds of the groups of the first match, in bytes, -1 for a
// group without part in it; nil when there is no match.
func (p *pattern) first(text string) []int {
	g := p.program(bytesOf(text))
	if !g.match(bytesOf(text)) {
		return nil
	}
	if g.re == nil {
		return g.vm.find(text, 0)
	}
	return g.re.FindStringSubmatchIndex(text)
}

// all gives the bounds of the groups of every match, without overlaps. An empty
// match right after another one does not count. limit below 0 is for none.
func (p *pattern) all(text string, limit int) [][]int {
	g := p.program(bytesOf(text))
	if !g.match(bytesOf(text)) {
		return nil
	}
	if g.re != nil {
		return g.re.FindAllStringSubmatchIndex(text, limit)
	}
	var out [][]int
	for pos, last := 0, -1; pos <= len(text) && len(out) != limit; {
		m := g.vm.find(text, pos)
		if m == nil {
			break
		}
		if m[1] > m[0] || m[0] != last {
			out = append(out, m)
		}
		last, pos = m[1], m[1]
		if m[1] == m[0] {
			_, size := runeAt(text, pos)
			pos += max(size, 1)
		}
	}
	return out
}

// group is the text of group n of a match.
func group(text string, m []int, n int) string {
	if 2*n+1 >= len(m) || m[2*n] < 0 {
		return ""
	}
	return text[m[2*n]:m[2*n+1]]
}

// replace puts rewrite in the place of every match; in it \0 to \9 stand for
// groups and \\ for a backslash.
func (p *pattern) replace(text string, rewrite []rewritePart) string {
	ms := p.all(text, -1)
	if len(ms) == 0 {
		return text
	}
	var out strings.Builder
	pos := 0
	for _, m := range ms {
		out.WriteString(text[pos:m[0]])
		for _, part := range rewrite {
			out.WriteString(part.text)
			if part.group >= 0 {
				out.WriteString(group(text, m, part.group))
			}
		}
		pos = m[1]
	}
	out.WriteString(text[pos:])
	return out.String()
}

// rewritePart is a text and the number of the group after it, -1 for none.
type rewritePart struct {
	text  string
	group int
}

func readRewrite(s string) []rewritePart {
	var parts []rewritePart
	var text []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if c := s[i]; '0' <= c && c <= '9' {
				parts = append(parts, rewritePart{string(text), int(c - '0')})
				text = nil
				continue
			}
			if s[i] != '\\' {
				text = append(text, '\\')
			}
		}
		text = append(text, s[i])
	}
	return append(parts, rewritePart{string(text), -1})
}

// patterns keeps compiled expressions that come from data.
var patterns patternCache

type patternCache struct {
	mu sync.Mutex
	m  map[string]*pattern // nil for what is not valid
}

// get compiles or remembers a pattern; nil when it is not valid.
func (c *patternCache) get(src string) *pattern {
	c.mu.Lock()
	p, ok := c.m[src]
	c.mu.Unlock()
	if ok {
		return p
	}
	p, err := compilePattern(src, "")
	if err != nil {
		p = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= 256 {
		c.m = make(map[string]*pattern)
	}
	c.m[src] = p
	return p
}
