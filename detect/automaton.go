package detect

import "slices"

// automaton finds, in one pass over a text, every literal of a set
// (Aho-Corasick). Literals are folded; ASCII texts are folded on the fly by
// their byte classes, other texts must be folded by the caller.
//
// States near the root, where a walk spends most of its time, have a row in a
// dense table and are numbered by it; the many deep ones have only their few
// edges and a link to the longest suffix that is also a prefix of something.
// Deep states are numbered along their chains, so that following a literal
// reads memory in order. That keeps tens of thousands of literals within the
// caches and still moves in amortised constant time per byte.
type automaton struct {
	class [256]uint8 // 0: no literal has this byte
	begin [256]bool  // a literal begins with this byte
	width uint32     // number of classes
	dense uint32     // states below this have a row
	// table has the rows; an entry is a state, with hasOut set when literals
	// end there.
	table  []uint32
	states []acState // the others, from number dense on
	denOut []uint32  // outs of the dense states
	edges  []acEdge
	outs   []uint32 // runs of literal numbers, each run after its length
	lits   []acLit
}

const hasOut = 1 << 31

// acState is a state without a row: 16 bytes, four to a cache line.
type acState struct {
	next uint32 // the only edge's target, or the first of several in edges
	fail uint32
	out  uint32 // offset in outs, 0 without
	c0   uint8  // class of the only edge
	n    uint8  // number of edges
}

// acEdge leads to a state (with hasOut) over a class.
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
	lit   int32    // number of the literal that ends here, -1
	out   uint32   // offset in outs
	row   []uint32 // of a dense node: targets as node numbers
}

// buildAutomaton makes the automaton of texts; lits[i] goes with texts[i].
// Texts are folded, different from each other and not empty.
func buildAutomaton(texts []string, lits []acLit) *automaton {
	a := &automaton{lits: lits, outs: []uint32{0}}
	a.classify(texts)
	nodes := a.trie(texts)
	for b := range 256 {
		_, a.begin[b] = child(&nodes[0], a.class[b])
	}
	order := failLinks(nodes)
	for _, o := range order {
		n := &nodes[o]
		n.out = a.output(n.lit, nodes[n.fail].out)
	}
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
	a.width = uint32(n + 1)
}

func (a *automaton) trie(texts []string) []acNode {
	nodes := []acNode{{lit: -1}}
	for li, t := range texts {
		cur := uint32(0)
		for i := 0; i < len(t); i++ {
			c := a.class[t[i]]
			j, ok := slices.BinarySearchFunc(nodes[cur].edges, c, func(e acEdge, c uint8) int { return int(e.c) - int(c) })
			if !ok {
				nodes = append(nodes, acNode{lit: -1, depth: nodes[cur].depth + 1})
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
func failLinks(nodes []acNode) []uint32 {
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

// layout numbers the states, dense ones first and the others along their
// chains, and writes rows and edges.
func (a *automaton) layout(nodes []acNode, order []uint32) {
	num := make([]uint32, len(nodes))
	for _, o := range order {
		n := &nodes[o]
		if n.depth >= denseDepth && len(n.edges) < denseEdges {
			continue
		}
		num[o] = a.dense
		a.dense++
		n.row = make([]uint32, a.width)
		if o != 0 {
			for c := uint8(1); uint32(c) < a.width; c++ {
				n.row[c] = follow(nodes, n.fail, c)
			}
		}
		for _, e := range n.edges {
			n.row[e.c] = e.to
		}
	}
	chain := a.number(nodes, num)
	ref := func(node uint32) uint32 {
		if nodes[node].out != 0 {
			return num[node] | hasOut
		}
		return num[node]
	}
	a.table = make([]uint32, 0, a.dense*a.width)
	for _, o := range order {
		if n := &nodes[o]; n.row != nil {
			for _, to := range n.row {
				a.table = append(a.table, ref(to))
			}
			a.denOut = append(a.denOut, n.out)
		}
	}
	for _, o := range chain {
		n := &nodes[o]
		st := acState{fail: num[n.fail], out: n.out, n: uint8(len(n.edges))}
		if len(n.edges) == 1 {
			st.c0, st.next = n.edges[0].c, ref(n.edges[0].to)
		} else {
			st.next = uint32(len(a.edges))
			for _, e := range n.edges {
				a.edges = append(a.edges, acEdge{ref(e.to), e.c})
			}
		}
		a.states = append(a.states, st)
	}
}

// number gives the states without a row their numbers, depth first, and
// returns them in that order.
func (a *automaton) number(nodes []acNode, num []uint32) []uint32 {
	var chain []uint32
	stack := []uint32{0}
	for len(stack) > 0 {
		o := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if nodes[o].row == nil {
			num[o] = a.dense + uint32(len(chain))
			chain = append(chain, o)
		}
		for i := len(nodes[o].edges) - 1; i >= 0; i-- {
			stack = append(stack, nodes[o].edges[i].to)
		}
	}
	return chain
}

// follow moves from a node over a class. Rows of shallower nodes are ready,
// and links lead only to shallower ones.
func follow(nodes []acNode, at uint32, c uint8) uint32 {
	for {
		n := &nodes[at]
		if n.row != nil {
			return n.row[c]
		}
		if to, ok := child(n, c); ok {
			return to
		}
		at = n.fail
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

// step moves over a byte class other than 0 and returns the state, with
// hasOut.
func (a *automaton) step(cur uint32, c uint8) uint32 {
	for cur >= a.dense {
		st := &a.states[cur-a.dense]
		if st.n == 1 {
			if st.c0 == c {
				return st.next
			}
		} else {
			for _, e := range a.edges[st.next : st.next+uint32(st.n)] {
				if e.c == c {
					return e.to
				}
			}
		}
		cur = st.fail
	}
	return a.table[cur*a.width+uint32(c)]
}

// scan walks text, marks the atoms that its literals decide, and collects the
// rules that become candidates. text is ASCII or folded.
func (p *program) scan(a *automaton, text string, s *Scratch) {
	cur := uint32(0)
	table, width, dense := a.table, a.width, a.dense
	for i := 0; i < len(text); i++ {
		if cur == 0 {
			// At the root most bytes of most values lead nowhere.
			for !a.begin[text[i]] {
				if i++; i == len(text) {
					return
				}
			}
		}
		c := a.class[text[i]]
		if cur < dense {
			cur = table[cur*width+uint32(c)]
		} else if c == 0 {
			cur = 0
			continue
		} else {
			cur = a.step(cur, c)
		}
		if cur&hasOut != 0 {
			cur &^= hasOut
			out := uint32(0)
			if cur < dense {
				out = a.denOut[cur]
			} else {
				out = a.states[cur-dense].out
			}
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
