package detect

import "slices"

// automaton finds, in one pass over a text, every literal of a set
// (Aho-Corasick). Literals are folded; ASCII texts are folded on the fly by
// their byte classes, other texts must be folded by the caller.
//
// States near the root, where a walk spends most of its time, have a row in a
// dense table; the many deep ones have only their few edges and a link to the
// longest suffix that is also a prefix of something. That keeps tens of
// thousands of literals within the caches and still moves in amortised
// constant time per byte.
type automaton struct {
	class  [256]uint8 // 0: no literal has this byte
	width  int        // number of classes
	states []acState
	table  []uint32 // rows of the dense states
	edges  []acEdge
	outs   []uint32 // runs of literal numbers, each run after its length
	lits   []acLit
}

type acState struct {
	fail  uint32
	next  uint32 // the only edge's target, or the first of several in edges
	dense int32  // offset in table, -1 without
	out   uint32 // offset in outs, 0 without
	nEdge uint16
	c0    uint8 // class of the only edge
}

type acEdge struct {
	to uint32
	c  uint8
}

// acLit is a literal and what it decides: atoms for a text that contains it,
// ends with it, begins with it, is it; -1 where nobody asks.
type acLit struct {
	len                             int32
	contains, suffix, prefix, equal int32
}

const (
	denseDepth = 2
	denseEdges = 6
)

type acNode struct {
	edges []acEdge
	fail  uint32
	depth uint16
	lit   int32 // number of the literal that ends here, -1
	up    uint32
}

// buildAutomaton makes the automaton of texts; lits[i] goes with texts[i].
// Texts are folded, different from each other and not empty.
func buildAutomaton(texts []string, lits []acLit) *automaton {
	a := &automaton{lits: lits, outs: []uint32{0}}
	a.classify(texts)
	nodes := a.trie(texts)
	order := a.failLinks(nodes)
	a.layout(nodes, order)
	return a
}

func (a *automaton) classify(texts []string) {
	var used [256]bool
	for _, t := range texts {
		for i := 0; i < len(t); i++ {
			used[t[i]] = true
		}
	}
	n := 0
	for b := range 256 {
		if used[b] && (b < 'A' || b > 'Z') {
			// With all 256 bytes in use the class numbers would run over; the
			// upper-case letters are never in a folded literal.
			n++
			a.class[b] = uint8(n)
		}
	}
	for b := 'A'; b <= 'Z'; b++ {
		a.class[b] = a.class[b+'a'-'A']
	}
	a.width = n + 1
}

func (a *automaton) trie(texts []string) []acNode {
	nodes := []acNode{{lit: -1}}
	for li, t := range texts {
		cur := uint32(0)
		for i := 0; i < len(t); i++ {
			c := a.class[t[i]]
			j, ok := slices.BinarySearchFunc(nodes[cur].edges, c, func(e acEdge, c uint8) int { return int(e.c) - int(c) })
			if !ok {
				nodes = append(nodes, acNode{lit: -1, depth: nodes[cur].depth + 1, up: cur})
				nodes[cur].edges = slices.Insert(nodes[cur].edges, j, acEdge{uint32(len(nodes) - 1), c})
			}
			cur = nodes[cur].edges[j].to
		}
		nodes[cur].lit = int32(li)
	}
	return nodes
}

func child(n *acNode, c uint8) (uint32, bool) {
	for _, e := range n.edges {
		if e.c == c {
			return e.to, true
		}
	}
	return 0, false
}

// failLinks sets the suffix links and returns the nodes breadth first.
func (a *automaton) failLinks(nodes []acNode) []uint32 {
	order := make([]uint32, 1, len(nodes))
	for i := 0; i < len(order); i++ {
		n := &nodes[order[i]]
		for _, e := range n.edges {
			order = append(order, e.to)
			if order[i] == 0 {
				continue
			}
			f := n.fail
			for {
				if to, ok := child(&nodes[f], e.c); ok {
					nodes[e.to].fail = to
					break
				}
				if f == 0 {
					break
				}
				f = nodes[f].fail
			}
		}
	}
	return order
}

// layout numbers the states breadth first, so that the shallow ones lie
// together, and writes edges, dense rows and outputs.
func (a *automaton) layout(nodes []acNode, order []uint32) {
	num := make([]uint32, len(nodes))
	for i, o := range order {
		num[o] = uint32(i)
	}
	a.states = make([]acState, len(order))
	for i, o := range order {
		n := &nodes[o]
		st := acState{fail: num[n.fail], dense: -1, nEdge: uint16(len(n.edges))}
		switch len(n.edges) {
		case 0:
		case 1:
			st.c0, st.next = n.edges[0].c, num[n.edges[0].to]
		default:
			st.next = uint32(len(a.edges))
			for _, e := range n.edges {
				a.edges = append(a.edges, acEdge{num[e.to], e.c})
			}
		}
		if n.depth < denseDepth || len(n.edges) >= denseEdges {
			st.dense = int32(len(a.table))
			row := make([]uint32, a.width)
			if i > 0 {
				for c := range row {
					row[c] = a.step(st.fail, uint8(c))
				}
				row[0] = 0
			}
			for _, e := range n.edges {
				row[e.c] = num[e.to]
			}
			a.table = append(a.table, row...)
		}
		st.out = a.output(n.lit, a.states[st.fail].out)
		a.states[i] = st
	}
}

// output is the run of literals that end in a state: its own and those of its
// suffix link.
func (a *automaton) output(own int32, inherited uint32) uint32 {
	if own < 0 {
		return inherited
	}
	at := uint32(len(a.outs))
	n := uint32(1)
	var rest []uint32
	if inherited != 0 {
		k := a.outs[inherited]
		rest = a.outs[inherited+1 : inherited+1+k]
		n += k
	}
	a.outs = append(a.outs, n, uint32(own))
	a.outs = append(a.outs, rest...)
	return at
}

// step moves from a state over a byte class other than 0. All states that are
// shallower than the one under construction are ready, and links lead only to
// shallower ones.
func (a *automaton) step(cur uint32, c uint8) uint32 {
	for {
		st := &a.states[cur]
		if st.dense >= 0 {
			return a.table[int(st.dense)+int(c)]
		}
		if st.nEdge == 1 {
			if st.c0 == c {
				return st.next
			}
		} else if st.nEdge > 1 {
			for _, e := range a.edges[st.next : st.next+uint32(st.nEdge)] {
				if e.c == c {
					return e.to
				}
			}
		}
		cur = st.fail
	}
}

// scan walks text, marks the atoms that its literals decide, and collects the
// rules that become candidates. text is ASCII or folded.
func (p *program) scan(a *automaton, text string, s *Scratch) {
	cur := uint32(0)
	for i := 0; i < len(text); i++ {
		c := a.class[text[i]]
		if c == 0 {
			cur = 0
			continue
		}
		st := &a.states[cur]
		if st.dense >= 0 {
			cur = a.table[int(st.dense)+int(c)]
		} else if st.c0 == c {
			cur = st.next
		} else {
			cur = a.step(cur, c)
		}
		if out := a.states[cur].out; out != 0 {
			n := a.outs[out]
			for _, li := range a.outs[out+1 : out+1+n] {
				p.found(&a.lits[li], i+1, len(text), s)
			}
		}
	}
}

func (p *program) found(l *acLit, end, size int, s *Scratch) {
	if l.contains >= 0 {
		p.mark(l.contains, s)
	}
	if end == size && l.suffix >= 0 {
		p.mark(l.suffix, s)
	}
	if end == int(l.len) {
		if l.prefix >= 0 {
			p.mark(l.prefix, s)
		}
		if end == size && l.equal >= 0 {
			p.mark(l.equal, s)
		}
	}
}

func (p *program) mark(atom int32, s *Scratch) {
	if s.atoms[atom] == s.epoch {
		return
	}
	s.atoms[atom] = s.epoch
	at := &p.atoms[atom]
	for _, r := range p.links[at.rules:at.sets] {
		if s.ruleSeen[r] != s.epoch {
			s.ruleSeen[r] = s.epoch
			s.candidates = append(s.candidates, r)
		}
	}
	for _, set := range p.links[at.sets:at.end] {
		s.sets[set] = s.epoch
	}
}
