package kql

import "fmt"

// GraphSpec is make-graph and what was done to the graph before its result is
// asked for. Input 0 of the operator is the edges, the others the node tables.
//
// A node is a row of NodeTypes: the columns of all node tables, then what Steps
// add. An edge is a row of the edge table.
type GraphSpec struct {
	EdgeTypes []Type
	// From and To are the ends of an edge, over an edge row.
	From, To Compute
	// Partition, over an edge row, keeps graphs apart: edges and nodes of
	// different values do not meet. nil for one graph.
	Partition Compute
	// Undirected tells make-graph a -- b: every edge leads both ways.
	Undirected bool
	NodeTypes  []Type
	// IDColumn is the node column that holds the id of every node, with_node_id;
	// -1 for none.
	IDColumn int
	Nodes    []GraphNodeTable
	Steps    []GraphTransform
}

// GraphNodeTable is one with-table of make-graph.
type GraphNodeTable struct {
	// ID over a row of the table; Columns gives for each of its columns the
	// node column that takes it.
	ID        Compute
	Partition Compute
	Columns   []int
	// IDColumn is the node column that is the id; an edge's end that no table has
	// gets it as its only property. -1 when ID is no plain column.
	IDColumn int
}

// GraphTransform is a step on a graph: one of its fields is set.
type GraphTransform struct {
	// Components adds the number of a node's component in node column Column;
	// Strong looks at the direction of edges.
	Components bool
	Strong     bool
	Column     int
	// Nodes and Edges keep those for which the predicate is true; edges whose
	// ends are gone go with them. A node predicate sees the node row and then
	// the in and out degree.
	Nodes, Edges Compute
}

// graphNode and graphEdge are what a graph is made of.
type graphNode struct {
	row     []Value // NodeTypes, then in degree, out degree
	out, in []int32 // edges
	hash    int64
}

type graphEdge struct {
	row      []Value
	from, to int32
}

type graph struct {
	spec  *GraphSpec
	keep  *keeper
	nodes []graphNode
	edges []graphEdge
	ids   map[string]int32
	key   []byte
}

// maxGraph is the most nodes, and the most edges, of a graph.
const maxGraph = 20_000_000

func buildGraph(spec *GraphSpec, op string, ins []func() ([]Value, error)) (*graph, error) {
	g := &graph{spec: spec, keep: newKeeper(op), ids: make(map[string]int32)}
	for i, t := range spec.Nodes {
		err := eachRow(ins[i+1], func(row []Value) error {
			n, err := g.node(t.ID(row), partOf(t.Partition, row))
			if err != nil || n < 0 {
				return err
			}
			node := g.nodes[n].row
			for c, at := range t.Columns {
				// Of tables that disagree the first that has a value is taken.
				if c < len(row) && isBlank(node[at]) {
					if node[at] = row[c]; spec.NodeTypes[at] == Dynamic && row[c].Type() != Dynamic {
						node[at] = DynamicOf(dynOf(row[c]))
					}
				}
			}
			return g.keep.add(rowBytes(row))
		})
		if err != nil {
			return nil, err
		}
	}
	err := eachRow(ins[0], func(row []Value) error {
		var ends [2]int32
		for i, end := range [2]Compute{spec.From, spec.To} {
			n, err := g.node(end(row), partOf(spec.Partition, row))
			if err != nil {
				return err
			}
			ends[i] = n
		}
		if ends[0] < 0 || ends[1] < 0 {
			return nil // an end without an id is no end
		}
		kept, err := g.keep.row(row)
		if err != nil {
			return err
		}
		if len(g.edges) >= maxGraph {
			return fmt.Errorf("%s: a graph has at most %d edges: %w", op, maxGraph, ErrTooLarge)
		}
		g.edges = append(g.edges, graphEdge{row: kept, from: ends[0], to: ends[1]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	g.link()
	for i := range spec.Steps {
		g.apply(&spec.Steps[i])
	}
	return g, nil
}

func partOf(x Compute, row []Value) Value {
	if x == nil {
		return Value{}
	}
	return x(row)
}

// isBlank is a null, or the empty string, which has no null.
func isBlank(v Value) bool { return v.IsNull() || v.Type() == String && v.Str() == "" }

// node finds or makes the node of an id; -1 for a null id.
func (g *graph) node(id, part Value) (int32, error) {
	if id.IsNull() {
		return -1, nil
	}
	g.key = appendKey(g.key[:0], id)
	if g.spec.Partition != nil {
		g.key = appendRowKey(g.key, []Value{part})
	}
	if n, ok := g.ids[string(g.key)]; ok {
		return n, nil
	}
	if len(g.nodes) >= maxGraph {
		return 0, fmt.Errorf("make-graph: a graph has at most %d nodes: %w", maxGraph, ErrTooLarge)
	}
	row := append(nulls(g.spec.NodeTypes), LongOf(0), LongOf(0))
	if c := g.spec.IDColumn; c >= 0 {
		row[c] = id
	}
	for _, t := range g.spec.Nodes {
		if t.IDColumn >= 0 && row[t.IDColumn].Type() == id.Type() {
			row[t.IDColumn] = id
		}
	}
	n := int32(len(g.nodes))
	g.ids[string(g.key)] = n
	g.nodes = append(g.nodes, graphNode{row: row, hash: int64(hashBytes(g.key))})
	return n, g.keep.add(len(g.key) + rowBytes(row) + 80)
}

// link fills the lists of edges and the degrees.
func (g *graph) link() {
	for i := range g.nodes {
		g.nodes[i].in, g.nodes[i].out = nil, nil
	}
	for i, e := range g.edges {
		g.nodes[e.from].out = append(g.nodes[e.from].out, int32(i))
		g.nodes[e.to].in = append(g.nodes[e.to].in, int32(i))
	}
	at := len(g.spec.NodeTypes)
	for i := range g.nodes {
		n := &g.nodes[i]
		n.row[at], n.row[at+1] = LongOf(int64(len(n.in))), LongOf(int64(len(n.out)))
	}
}

func (g *graph) apply(t *GraphTransform) {
	switch {
	case t.Components && t.Strong:
		g.number(g.strongComponents(), t.Column)
	case t.Components:
		g.number(g.weakComponents(), t.Column)
	case t.Edges != nil:
		kept := g.edges[:0]
		for _, e := range g.edges {
			if t.Edges(e.row).Bool() {
				kept = append(kept, e)
			}
		}
		g.edges = kept
		g.link()
	case t.Nodes != nil:
		moved := make([]int32, len(g.nodes))
		nodes := g.nodes[:0]
		for i, n := range g.nodes {
			if moved[i] = -1; t.Nodes(n.row).Bool() {
				moved[i] = int32(len(nodes))
				nodes = append(nodes, n)
			}
		}
		g.nodes = nodes
		kept := g.edges[:0]
		for _, e := range g.edges {
			if e.from, e.to = moved[e.from], moved[e.to]; e.from >= 0 && e.to >= 0 {
				kept = append(kept, e)
			}
		}
		g.edges = kept
		g.link()
	}
}

// number writes components down, counted from 0 in the order of their first
// nodes.
func (g *graph) number(component []int32, column int) {
	seen := make(map[int32]int64)
	for i, c := range component {
		n, ok := seen[c]
		if !ok {
			n = int64(len(seen))
			seen[c] = n
		}
		g.nodes[i].row[column] = LongOf(n)
	}
}

func (g *graph) weakComponents() []int32 {
	parent := make([]int32, len(g.nodes))
	for i := range parent {
		parent[i] = int32(i)
	}
	root := func(i int32) int32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for _, e := range g.edges {
		if a, b := root(e.from), root(e.to); a != b {
			parent[max(a, b)] = min(a, b)
		}
	}
	for i := range parent {
		parent[i] = root(int32(i))
	}
	return parent
}

// strongComponents is Tarjan's algorithm with a stack of its own, as a graph may
// be deep. Of an undirected graph they are the weak ones.
func (g *graph) strongComponents() []int32 {
	if g.spec.Undirected {
		return g.weakComponents()
	}
	n := len(g.nodes)
	index, low, component := make([]int32, n), make([]int32, n), make([]int32, n)
	onStack := make([]bool, n)
	var stack []int32
	type frame struct {
		node int32
		edge int
	}
	count, comps := int32(0), int32(0)
	for start := range n {
		if index[start] != 0 {
			continue
		}
		calls := []frame{{int32(start), 0}}
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.edge == 0 && index[v] == 0 {
				count++
				index[v], low[v] = count, count
				stack, onStack[v] = append(stack, v), true
			}
			if f.edge < len(g.nodes[v].out) {
				w := g.edges[g.nodes[v].out[f.edge]].to
				f.edge++
				if index[w] == 0 {
					calls = append(calls, frame{w, 0})
				} else if onStack[w] {
					low[v] = min(low[v], index[w])
				}
				continue
			}
			if low[v] == index[v] {
				for {
					w := stack[len(stack)-1]
					stack, onStack[w] = stack[:len(stack)-1], false
					component[w] = comps
					if w == v {
						break
					}
				}
				comps++
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				u := calls[len(calls)-1].node
				low[u] = min(low[u], low[v])
			}
		}
	}
	return component
}

// GraphTableSpec is graph-to-table. With Edges the rows are, as asked for, the
// hashes of an edge's ends and then the edge; else the node's hash and the node.
type GraphTableSpec struct {
	Edges bool
	// NodeHash gives the node's hash; SourceHash and TargetHash those of an
	// edge's ends.
	NodeHash, SourceHash, TargetHash bool
}

// NewGraphToTable makes the operator.
func NewGraphToTable(g GraphSpec, spec GraphTableSpec) RowOperator { return &graphTableOp{g, spec} }

type graphTableOp struct {
	graph GraphSpec
	spec  GraphTableSpec
}

func (o *graphTableOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	g, err := buildGraph(&o.graph, "graph-to-table", ins)
	if err != nil {
		return err
	}
	var out []Value
	if o.spec.Edges {
		for _, e := range g.edges {
			out = out[:0]
			if o.spec.SourceHash {
				out = append(out, LongOf(g.nodes[e.from].hash))
			}
			if o.spec.TargetHash {
				out = append(out, LongOf(g.nodes[e.to].hash))
			}
			out = append(out, e.row...)
			if err := emit(out); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range g.nodes {
		out = out[:0]
		if o.spec.NodeHash {
			out = append(out, LongOf(g.nodes[i].hash))
		}
		out = append(out, g.nodes[i].row[:len(o.graph.NodeTypes)]...)
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}
