package detect

import (
	"fmt"
	"sort"
	"strings"
)

// program is the compiled form of all rules of one log source. Atoms are the
// predicates that the automata decide while they walk the values; everything
// else is evaluated only when a rule that has become a candidate asks for it.
type program struct {
	source Logsource
	rules  []*Rule
	roots  []int32 // rule -> node
	always []int32 // rules that no literal can announce
	nodes  []node
	kids   []int32
	lazy   []lazyTest
	sets   int // number of or-sets
	atoms  []atomLinks
	links  []int32
	fields []fieldScan
	words  *automaton // keywords: over every value of the event
}

type fieldScan struct {
	field int32
	auto  *automaton
}

// atomLinks are two runs in links: candidate rules, then or-sets.
type atomLinks struct{ rules, sets, end int32 }

type node struct {
	op   nodeOp
	memo int32 // slot of a remembered result, -1 without
	a, b int32 // atom, set, lazy test, or a run of kids
	n    int32 // nodeAtLeast
}

type nodeOp uint8

const (
	nodeAnd     nodeOp = iota
	nodeOr             // kids are nodes
	nodeNot            // a is a node
	nodeAtom           // a is an atom
	nodeAnyAtom        // kids are atoms
	nodeAllAtom        // kids are atoms
	nodeSet            // a is a set: like nodeAnyAtom, but pushed
	nodeLazy           // a is a lazy test
	nodeAtLeast        // n of kids
	nodeConst          // a is 0 or 1
)

// lazyTest is a predicate that has to look at the value.
type lazyTest struct {
	pred  *predicate
	field int32 // -1: any value
	other int32 // opFieldRef
	memo  int32
}

// bigSet is the size from which an or-list is pushed by its atoms rather than
// asked one by one.
const bigSet = 12

type compiler struct {
	p       *program
	fieldID func(name string) int32
	atomIDs map[string]int32
	atomLit []atomText
	byField map[int32]map[string]int32 // field -> literal -> number in lits
	texts   map[int32][]string
	lits    map[int32][]acLit
	uses    []int // per atom: rules that have it
	nodeIDs map[string]int32
	lazyIDs map[string]int32
	refs    []int // per node
	height  []int // per node: cost to evaluate
	setIDs  map[int32][]int32
	setOf   map[string]int32
	memos   int32
}

// atomText remembers what an atom looks for.
type atomText struct {
	lit   string
	bound bool
}

// compileProgram compiles rules of one log source. fieldID numbers field
// names for the whole engine.
func compileProgram(src Logsource, rules []*Rule, fieldID func(string) int32) *program {
	c := &compiler{
		p: &program{source: src, rules: rules}, fieldID: fieldID,
		atomIDs: map[string]int32{}, byField: map[int32]map[string]int32{},
		texts: map[int32][]string{}, lits: map[int32][]acLit{},
		nodeIDs: map[string]int32{}, lazyIDs: map[string]int32{}, setOf: map[string]int32{}, setIDs: map[int32][]int32{},
	}
	for _, r := range rules {
		seen := map[int32]bool{}
		c.countUses(r.cond, seen)
		for a := range seen {
			c.uses[a]++
		}
	}
	trigger := map[int32][]int32{} // atom -> rules
	for i, r := range rules {
		c.p.roots = append(c.p.roots, c.node(r.cond))
		req, ok := c.required(r.cond)
		if !ok {
			c.p.always = append(c.p.always, int32(i))
			continue
		}
		for _, a := range req.atoms {
			trigger[a] = append(trigger[a], int32(i))
		}
	}
	c.finish(trigger)
	return c.p
}

// atomsOf registers the literals that decide or announce a predicate: decided
// says that the first atom is the predicate itself; otherwise each match has
// at least one of the atoms. No atoms: the predicate cannot be announced.
func (c *compiler) atomsOf(p *predicate) (atoms []int32, decided bool) {
	field := int32(-1)
	if p.field != "" {
		field = c.fieldID(p.field)
	}
	switch p.op {
	case opPattern:
		kind, lit := patternShape(p.pat)
		if kind != shapeOther && !p.cased {
			return []int32{c.atom(field, kind, lit)}, true
		}
		if lit := patternLiteral(p.pat); lit != "" {
			return []int32{c.atom(field, shapeContains, lit)}, false
		}
	case opRegex:
		for _, lit := range regexLiterals(p.re.String()) {
			atoms = append(atoms, c.atom(field, shapeContains, lit))
		}
	}
	return atoms, false
}

type shape uint8

const (
	shapeOther shape = iota
	shapeContains
	shapeSuffix
	shapePrefix
	shapeEqual
)

func patternShape(p pattern) (shape, string) {
	t := p.toks
	switch {
	case len(t) == 1 && t[0].kind == tokLit:
		return shapeEqual, t[0].lit
	case len(t) == 2 && t[0].kind == tokStar && t[1].kind == tokLit:
		return shapeSuffix, t[1].lit
	case len(t) == 2 && t[0].kind == tokLit && t[1].kind == tokStar:
		return shapePrefix, t[0].lit
	case len(t) == 3 && t[0].kind == tokStar && t[1].kind == tokLit && t[2].kind == tokStar:
		return shapeContains, t[1].lit
	}
	return shapeOther, ""
}

// atom numbers (field, shape, literal).
func (c *compiler) atom(field int32, kind shape, lit string) int32 {
	if c.byField[field] == nil {
		c.byField[field] = map[string]int32{}
	}
	li, ok := c.byField[field][lit]
	if !ok {
		li = int32(len(c.texts[field]))
		c.byField[field][lit] = li
		c.texts[field] = append(c.texts[field], lit)
		c.lits[field] = append(c.lits[field], acLit{len: int32(len(lit)), contains: -1, suffix: -1, prefix: -1, equal: -1})
	}
	l := &c.lits[field][li]
	slot := map[shape]*int32{shapeContains: &l.contains, shapeSuffix: &l.suffix, shapePrefix: &l.prefix, shapeEqual: &l.equal}[kind]
	if *slot < 0 {
		*slot = int32(len(c.atomLit))
		c.atomLit = append(c.atomLit, atomText{lit, kind != shapeContains})
		c.uses = append(c.uses, 0)
	}
	return *slot
}

func (c *compiler) countUses(e *expr, seen map[int32]bool) {
	for _, k := range e.kids {
		c.countUses(k, seen)
	}
	if e.op == exprPred {
		atoms, _ := c.atomsOf(e.pred)
		for _, a := range atoms {
			seen[a] = true
		}
	}
}

// requirement is a set of atoms of which one must be seen for an expression
// to hold, and how often that is expected.
type requirement struct {
	atoms []int32
	cost  float64
}

func (c *compiler) required(e *expr) (requirement, bool) {
	switch e.op {
	case exprPred:
		atoms, _ := c.atomsOf(e.pred)
		if len(atoms) == 0 {
			return requirement{}, false
		}
		r := requirement{atoms: atoms}
		for _, a := range atoms {
			r.cost += rarity(c.atomLit[a].lit, c.atomLit[a].bound, c.uses[a])
		}
		return r, true
	case exprAnd:
		var best requirement
		found := false
		for _, k := range e.kids {
			if r, ok := c.required(k); ok && (!found || r.cost < best.cost) {
				best, found = r, true
			}
		}
		return best, found
	case exprOr, exprAtLeast:
		var all requirement
		seen := map[int32]bool{}
		for _, k := range e.kids {
			r, ok := c.required(k)
			if !ok {
				return requirement{}, false
			}
			all.cost += r.cost
			for _, a := range r.atoms {
				if !seen[a] {
					seen[a] = true
					all.atoms = append(all.atoms, a)
				}
			}
		}
		return all, true
	case exprConst:
		return requirement{}, e.n == 0 // never: no atom announces it
	}
	return requirement{}, false
}

// node compiles an expression; equal expressions get one node.
func (c *compiler) node(e *expr) int32 {
	switch e.op {
	case exprPred:
		atoms, decided := c.atomsOf(e.pred)
		if decided {
			return c.intern(node{op: nodeAtom, a: atoms[0]}, nil, 1)
		}
		return c.lazyNode(e.pred)
	case exprNot:
		k := c.node(e.kids[0])
		return c.intern(node{op: nodeNot, a: k}, nil, c.height[k])
	case exprConst:
		return c.intern(node{op: nodeConst, a: int32(e.n)}, nil, 0)
	case exprAtLeast:
		kids := make([]int32, len(e.kids))
		cost := 0
		for i, k := range e.kids {
			kids[i] = c.node(k)
			cost += c.height[kids[i]]
		}
		return c.intern(node{op: nodeAtLeast, n: int32(e.n)}, kids, cost)
	}
	// Atoms of one list go together; the rest follows, cheapest first.
	var atoms, rest []int32
	for _, k := range e.kids {
		if k.op == exprPred {
			if a, decided := c.atomsOf(k.pred); decided {
				atoms = append(atoms, a[0])
				continue
			}
		}
		rest = append(rest, c.node(k))
	}
	sort.SliceStable(rest, func(i, j int) bool { return c.height[rest[i]] < c.height[rest[j]] })
	if len(atoms) > 0 {
		rest = append([]int32{c.atomList(e.op, atoms)}, rest...)
	}
	if len(rest) == 1 {
		return rest[0]
	}
	cost := 0
	for _, k := range rest {
		cost += c.height[k]
	}
	op := nodeAnd
	if e.op == exprOr {
		op = nodeOr
	}
	return c.intern(node{op: op}, rest, cost)
}

func (c *compiler) atomList(op exprOp, atoms []int32) int32 {
	sort.Slice(atoms, func(i, j int) bool { return atoms[i] < atoms[j] })
	switch {
	case len(atoms) == 1:
		return c.intern(node{op: nodeAtom, a: atoms[0]}, nil, 1)
	case op == exprAnd:
		return c.intern(node{op: nodeAllAtom}, atoms, 2)
	case len(atoms) < bigSet:
		return c.intern(node{op: nodeAnyAtom}, atoms, 2)
	}
	key := fmt.Sprint(atoms)
	id, ok := c.setOf[key]
	if !ok {
		id = int32(c.p.sets)
		c.p.sets++
		c.setOf[key] = id
		for _, a := range atoms {
			c.setIDs[a] = append(c.setIDs[a], id)
		}
	}
	return c.intern(node{op: nodeSet, a: id}, nil, 1)
}

func (c *compiler) lazyNode(p *predicate) int32 {
	key := p.key()
	id, ok := c.lazyIDs[key]
	if !ok {
		id = int32(len(c.p.lazy))
		c.lazyIDs[key] = id
		t := lazyTest{pred: p, field: -1, other: -1, memo: c.memos}
		c.memos++
		if p.field != "" {
			t.field = c.fieldID(p.field)
		}
		if p.op == opFieldRef {
			t.other = c.fieldID(p.other)
		}
		c.p.lazy = append(c.p.lazy, t)
	}
	cost := 20
	switch p.op {
	case opRegex:
		cost = 200
	case opNull, opExists:
		cost = 5
	}
	return c.intern(node{op: nodeLazy, a: id}, nil, cost)
}

func (c *compiler) intern(n node, kids []int32, cost int) int32 {
	key := fmt.Sprint(n.op, n.a, n.n, kids)
	if id, ok := c.nodeIDs[key]; ok {
		c.refs[id]++
		return id
	}
	n.memo = -1
	if kids != nil {
		n.a = int32(len(c.p.kids))
		c.p.kids = append(c.p.kids, kids...)
		n.b = int32(len(c.p.kids))
	}
	id := int32(len(c.p.nodes))
	c.nodeIDs[key] = id
	c.p.nodes = append(c.p.nodes, n)
	c.refs = append(c.refs, 1)
	c.height = append(c.height, cost)
	return id
}

func (c *compiler) finish(trigger map[int32][]int32) {
	for i := range c.p.nodes {
		n := &c.p.nodes[i]
		if c.refs[i] > 1 && (n.op == nodeAnd || n.op == nodeOr || n.op == nodeAtLeast) {
			n.memo = c.memos
			c.memos++
		}
	}
	for a := range c.atomLit {
		l := atomLinks{rules: int32(len(c.p.links))}
		c.p.links = append(c.p.links, trigger[int32(a)]...)
		l.sets = int32(len(c.p.links))
		c.p.links = append(c.p.links, c.setIDs[int32(a)]...)
		l.end = int32(len(c.p.links))
		c.p.atoms = append(c.p.atoms, l)
	}
	var fields []int32
	for f := range c.texts {
		fields = append(fields, f)
	}
	sort.Slice(fields, func(i, j int) bool { return fields[i] < fields[j] })
	for _, f := range fields {
		auto := buildAutomaton(c.texts[f], c.lits[f])
		if f < 0 {
			c.p.words = auto
		} else {
			c.p.fields = append(c.p.fields, fieldScan{f, auto})
		}
	}
}

// memoSlots is how many remembered results the program needs.
func (p *program) memoSlots() int {
	n := int32(0)
	for i := range p.nodes {
		n = max(n, p.nodes[i].memo+1)
	}
	for i := range p.lazy {
		n = max(n, p.lazy[i].memo+1)
	}
	return int(n)
}

// describe is the program's size in words, for logs and benchmarks.
func (p *program) describe() string {
	states, bytes := 0, 0
	for _, f := range p.fields {
		states += len(f.auto.states) + int(f.auto.dense)
		bytes += f.auto.size()
	}
	var always []string
	for _, r := range p.always {
		always = append(always, p.rules[r].Title)
	}
	return fmt.Sprintf("%s: %d rules, %d always checked (%s), %d atoms, %d states, %d KiB", p.source, len(p.rules), len(p.always), strings.Join(always, "; "), len(p.atoms), states, bytes>>10)
}

func (a *automaton) size() int {
	return len(a.states)*16 + len(a.table)*4 + len(a.edges)*8 + len(a.outs)*4 + len(a.lits)*20
}
