package kql

import (
	"fmt"
)

// GraphMatchSpec is graph-match and graph-shortest-paths.
//
// A pattern is nodes and edges between them; a name that stands twice in it is
// one node. For each way to lay it over the graph, a match row of Columns is
// made, over which Where and Project are computed.
type GraphMatchSpec struct {
	// Nodes is the number of nodes of the pattern, in the order written; of
	// graph-shortest-paths the first and the last are the ends.
	Nodes   int
	Edges   []PatternEdge
	Columns []MatchColumn
	// Where is the conditions, split at and; each is tried as soon as the
	// elements that it needs are known.
	Where []MatchCondition
	// Project is the output, over the match row.
	Project []Compute
	// Cycles is "all", "none" (no node twice) or "unique_edges" (no edge twice),
	// which is the default.
	Cycles string
	// Shortest asks for the shortest paths between the ends only: one for each
	// pair, or with AllPaths every one of the least length.
	Shortest, AllPaths bool
}

// PatternEdge is an edge of a pattern between two of its nodes. Dir is "->" from
// Left to Right, "<-" the other way, "--" any. One of variable length follows
// Min to Max edges.
type PatternEdge struct {
	Left, Right int
	Dir         string
	Var         bool
	Min, Max    int64
}

// MatchColumn is a value of the match row.
type MatchColumn struct {
	Kind MatchKind
	// Element is the number of the pattern's node or edge.
	Element int
	// Column of the node's or edge's row. A node's row goes on, after its
	// columns, with its in degree and its out degree.
	Column int
	// X is the expression of MatchMap, MatchAll, MatchAny, over the edge rows of
	// a path or, with Inner, over the rows of the nodes between its edges. nil
	// takes Column.
	X     Compute
	Inner bool
}

// MatchKind is what a MatchColumn is.
type MatchKind uint8

const (
	MatchNode   MatchKind = iota // a property of a node
	MatchEdge                    // a property of an edge that is not of variable length
	MatchMap                     // a dynamic array over a path: map(), or a property of its edges
	MatchAll                     // a bool: all()
	MatchAny                     // a bool: any()
	MatchLength                  // a long: the number of edges of a path
)

// MatchCondition is one condition. Uses are the columns of the match row that it
// reads.
type MatchCondition struct {
	Uses []int
	X    Compute
	// Plain tells that the condition is nothing but its one column, so that a
	// path that fails all() is given up early.
	Plain bool
}

// Limits of matching.
const (
	// maxSteps is how many edges are tried before matching gives up.
	maxSteps = 100_000_000
	maxHops  = 1000
)

var errMatch = fmt.Errorf("the pattern matches too much: name a start, shorten the variable edges or add conditions: %w", ErrTooLarge)

// NewGraphMatch makes the operator.
func NewGraphMatch(g GraphSpec, spec GraphMatchSpec) (RowOperator, error) {
	for _, e := range spec.Edges {
		if e.Var && (e.Min < 0 || e.Max < e.Min) {
			return nil, fmt.Errorf("an edge of variable length needs 0 <= min <= max")
		}
	}
	switch spec.Cycles {
	case "", "all", "none", "unique_edges":
	default:
		return nil, fmt.Errorf("cycles is one of all, none, unique_edges")
	}
	if spec.Nodes == 0 {
		return nil, fmt.Errorf("a pattern has at least one node")
	}
	return &graphMatchOp{g, spec}, nil
}

type graphMatchOp struct {
	graph GraphSpec
	spec  GraphMatchSpec
}

func (o *graphMatchOp) name() string {
	if o.spec.Shortest {
		return "graph-shortest-paths"
	}
	return "graph-match"
}

func (o *graphMatchOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	g, err := buildGraph(&o.graph, o.name(), ins)
	if err != nil {
		return err
	}
	m := &graphMatcher{graph: g, ended: ins[0], spec: &o.spec, emit: emit, out: make([]Value, len(o.spec.Project)),
		row: make([]Value, len(o.spec.Columns)), nodes: make([]int32, o.spec.Nodes), paths: make([][]hop, len(o.spec.Edges)),
		usedEdges: make(map[int32]bool), usedNodes: make(map[int32]bool)}
	for i := range m.nodes {
		m.nodes[i] = -1
	}
	m.plan()
	m.exact = -1
	if o.spec.Shortest {
		return m.shortest()
	}
	for n := range g.nodes {
		if err := m.place(m.start, int32(n), func() error { return m.step(0) }); err != nil {
			return err
		}
	}
	return nil
}

// hop is an edge of a path and the node that it leads to.
type hop struct{ edge, to int32 }

// graphMatcher lays a pattern over a graph by backtracking.
type graphMatcher struct {
	graph *graph
	spec  *GraphMatchSpec
	emit  func([]Value) error
	out   []Value
	row   []Value
	nodes []int32 // of the graph, by node of the pattern; -1 when not placed
	paths [][]hop // by edge of the pattern

	start int
	order []planned
	// ready[k] are the conditions that can be tried once the k-th element of the
	// order is placed; ready[0] is the start node.
	ready [][]int
	// prune are the all() conditions of an edge, tried on every hop.
	prune [][]*MatchColumn

	usedEdges, usedNodes map[int32]bool
	steps                int
	ended                func() ([]Value, error) // an input, which tells when the query was stopped
	// exact is how many hops a match of graph-shortest-paths has now; -1 is any.
	exact, left int
	cut         bool        // there would have been more than exact hops
	found       func() bool // says whether a match is wanted
	backward    []bool      // edges that are followed from the right
}

// planned is an edge in the order of matching; back tells that it is followed
// from its right node.
type planned struct {
	edge int
	back bool
}

// plan orders the edges so that each touches what is placed already, starting
// from the node with most conditions of its own.
func (m *graphMatcher) plan() {
	own := make([]int, m.spec.Nodes)
	m.prune = make([][]*MatchColumn, len(m.spec.Edges))
	pruned := make([]bool, len(m.spec.Where))
	for w, c := range m.spec.Where {
		node := -1
		for i, u := range c.Uses {
			col := &m.spec.Columns[u]
			if col.Kind != MatchNode || i > 0 && col.Element != node {
				node = -1
				break
			}
			node = col.Element
		}
		if node >= 0 {
			own[node]++
		}
		if c.Plain && len(c.Uses) == 1 && m.spec.Columns[c.Uses[0]].Kind == MatchAll {
			col := &m.spec.Columns[c.Uses[0]]
			m.prune[col.Element] = append(m.prune[col.Element], col)
			pruned[w] = true
		}
	}
	if !m.spec.Shortest {
		for n := range own {
			if own[n] > own[m.start] {
				m.start = n
			}
		}
	}
	m.backward = make([]bool, len(m.spec.Edges))
	placed, done := make([]bool, m.spec.Nodes), make([]bool, len(m.spec.Edges))
	placed[m.start] = true
	for range m.spec.Edges {
		for e, pe := range m.spec.Edges {
			if done[e] || !placed[pe.Left] && !placed[pe.Right] {
				continue
			}
			m.order = append(m.order, planned{e, !placed[pe.Left]})
			m.backward[e] = !placed[pe.Left]
			placed[pe.Left], placed[pe.Right], done[e] = true, true, true
			break
		}
	}
	m.ready = make([][]int, len(m.order)+1)
	for w, c := range m.spec.Where {
		if pruned[w] {
			continue
		}
		at := 0
		for _, u := range c.Uses {
			at = max(at, m.knownAt(&m.spec.Columns[u]))
		}
		m.ready[at] = append(m.ready[at], w)
	}
}

// knownAt is the place in the order after which a column can be computed.
func (m *graphMatcher) knownAt(c *MatchColumn) int {
	if c.Kind != MatchNode {
		for k, p := range m.order {
			if p.edge == c.Element {
				return k + 1
			}
		}
		return len(m.order)
	}
	if c.Element == m.start {
		return 0
	}
	for k, p := range m.order {
		e := m.spec.Edges[p.edge]
		if e.Left == c.Element || e.Right == c.Element {
			return k + 1
		}
	}
	return len(m.order)
}

// place puts a node of the pattern on one of the graph and goes on.
func (m *graphMatcher) place(node int, at int32, next func() error) error {
	if m.nodes[node] >= 0 {
		if m.nodes[node] != at {
			return nil
		}
		return next()
	}
	if m.spec.Cycles == "none" {
		if m.usedNodes[at] {
			return nil
		}
		m.usedNodes[at] = true
		defer delete(m.usedNodes, at)
	}
	m.nodes[node] = at
	err := next()
	m.nodes[node] = -1
	return err
}

// step tries what is known after k edges, then follows the next one.
func (m *graphMatcher) step(k int) error {
	for _, w := range m.ready[k] {
		c := &m.spec.Where[w]
		for _, u := range c.Uses {
			m.row[u] = m.column(&m.spec.Columns[u])
		}
		if !c.X(m.row).Bool() {
			return nil
		}
	}
	if k == len(m.order) {
		return m.report()
	}
	p := m.order[k]
	e := &m.spec.Edges[p.edge]
	from, to := e.Left, e.Right
	if p.back {
		from, to = e.Right, e.Left
	}
	m.paths[p.edge] = m.paths[p.edge][:0]
	if !e.Var {
		return m.follow(p, m.nodes[from], func(h hop) error {
			return m.place(to, h.to, func() error { return m.step(k + 1) })
		})
	}
	return m.extend(k, p, m.nodes[from], to)
}

// extend goes on with an edge of variable length that has come to a node.
func (m *graphMatcher) extend(k int, p planned, at int32, to int) error {
	e := &m.spec.Edges[p.edge]
	length := int64(len(m.paths[p.edge]))
	if length >= e.Min {
		if err := m.place(to, at, func() error { return m.step(k + 1) }); err != nil {
			return err
		}
	}
	if length >= e.Max || length >= maxHops {
		return nil
	}
	if length > 0 {
		// The path leads on, so that the node is one of its inner ones.
		if !m.passes(p.edge, true, m.graph.nodes[at].row) {
			return nil
		}
		if m.spec.Cycles == "none" {
			if m.usedNodes[at] {
				return nil
			}
			m.usedNodes[at] = true
			defer delete(m.usedNodes, at)
		}
	}
	return m.follow(p, at, func(h hop) error { return m.extend(k, p, h.to, to) })
}

// passes tells whether an edge, or an inner node, meets the all() conditions.
func (m *graphMatcher) passes(edge int, inner bool, row []Value) bool {
	for _, c := range m.prune[edge] {
		if c.Inner == inner && !c.element(row).Bool() {
			return false
		}
	}
	return true
}

func (c *MatchColumn) element(row []Value) Value {
	if c.X != nil {
		return c.X(row)
	}
	return row[c.Column]
}

// follow tries each edge of the graph that an edge of the pattern may take from
// a node.
func (m *graphMatcher) follow(p planned, at int32, next func(hop) error) error {
	e := &m.spec.Edges[p.edge]
	node := &m.graph.nodes[at]
	forward := e.Dir == "->" && !p.back || e.Dir == "<-" && p.back
	either := e.Dir != "->" && e.Dir != "<-" || m.graph.spec.Undirected
	if forward || either {
		for _, i := range node.out {
			if err := m.hop(p, hop{i, m.graph.edges[i].to}, next); err != nil {
				return err
			}
		}
	}
	if !forward || either {
		for _, i := range node.in {
			edge := &m.graph.edges[i]
			if either && edge.from == edge.to {
				continue // a loop was among the others
			}
			if err := m.hop(p, hop{i, edge.from}, next); err != nil {
				return err
			}
		}
	}
	return nil
}

// count counts an edge that is tried; it is an error when they are too many or
// the query was stopped.
func (m *graphMatcher) count() error {
	if m.steps++; m.steps > maxSteps {
		return errMatch
	}
	if m.steps%4096 == 0 {
		_, err := m.ended()
		return err
	}
	return nil
}

func (m *graphMatcher) hop(p planned, h hop, next func(hop) error) error {
	if m.exact >= 0 && m.left == 0 {
		m.cut = true
		return nil
	}
	if err := m.count(); err != nil {
		return err
	}
	if m.spec.Cycles != "all" {
		if m.usedEdges[h.edge] {
			return nil
		}
		m.usedEdges[h.edge] = true
		defer delete(m.usedEdges, h.edge)
	}
	if !m.passes(p.edge, false, m.graph.edges[h.edge].row) {
		return nil
	}
	m.left--
	m.paths[p.edge] = append(m.paths[p.edge], h)
	err := next(h)
	m.paths[p.edge] = m.paths[p.edge][:len(m.paths[p.edge])-1]
	m.left++
	return err
}

// report emits a match.
func (m *graphMatcher) report() error {
	if m.exact >= 0 && m.left != 0 {
		return nil
	}
	if m.found != nil && !m.found() {
		return nil
	}
	for i := range m.spec.Columns {
		m.row[i] = m.column(&m.spec.Columns[i])
	}
	for i, x := range m.spec.Project {
		m.out[i] = x(m.row)
	}
	return m.emit(m.out)
}

// column computes a value of the match row.
func (m *graphMatcher) column(c *MatchColumn) Value {
	switch c.Kind {
	case MatchNode:
		return m.graph.nodes[m.nodes[c.Element]].row[c.Column]
	case MatchEdge:
		return m.graph.edges[m.paths[c.Element][0].edge].row[c.Column]
	case MatchLength:
		return LongOf(int64(len(m.paths[c.Element])))
	}
	path := m.paths[c.Element]
	n := len(path)
	if c.Inner {
		n = max(0, n-1)
	}
	items := make([]Dyn, n)
	for i := range n {
		var row []Value
		if c.Inner {
			row = m.graph.nodes[path[i].to].row
		} else {
			row = m.graph.edges[path[i].edge].row
		}
		v := c.element(row)
		switch c.Kind {
		case MatchAll:
			if !v.Bool() {
				return BoolOf(false)
			}
		case MatchAny:
			if v.Bool() {
				return BoolOf(true)
			}
		}
		if m.backward[c.Element] {
			items[n-1-i] = dynOf(v)
		} else {
			items[i] = dynOf(v)
		}
	}
	if c.Kind == MatchMap {
		return DynamicOf(items)
	}
	return BoolOf(c.Kind == MatchAll)
}
