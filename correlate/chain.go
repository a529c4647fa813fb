package correlate

import (
	"cmp"
	"math"
	"slices"

	"github.com/tocsinhq/tocsin"
)

// Edge is a link between two alerts of one incident, numbered from 0.
type Edge struct {
	A, B   int
	Weight float64
}

// WeightOf is the weight of a link that is kept with an alert, also of one from
// before weights were kept.
func WeightOf(l *tocsin.Link) float64 {
	if l.Weight > 0 {
		return l.Weight
	}
	return weightOf(l.Strength)
}

// Chain is what holds the alerts of an incident together.
type Chain struct {
	// Part is, of each alert, the number of the part that it is in: alerts of
	// different parts are connected by no link. Parts is how many there are.
	Part  []int
	Parts int
	// InTree are the edges of the maximum spanning forest: the strongest links
	// that connect all that is connected.
	InTree []bool
	// Bridge are the edges without which their two ends are in different parts.
	Bridge []bool
	// Weakest is the bridge of the lowest weight, or when nothing hangs by one
	// link alone, the weakest edge of the forest; -1 without edges.
	Weakest int
}

// ChainOf finds what holds n alerts together. Edges between one alert and
// itself, or with ends that do not exist, count for nothing. It takes O(E log E).
func ChainOf(n int, edges []Edge) Chain {
	c := Chain{Part: make([]int, n), InTree: make([]bool, len(edges)), Weakest: -1}
	order := make([]int, 0, len(edges))
	for i := range edges {
		if edges[i].sound(n) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(edges[b].Weight, edges[a].Weight) })
	set := newSets(n)
	for _, i := range order {
		c.InTree[i] = set.join(edges[i].A, edges[i].B)
	}
	number := map[int]int{}
	for v := range n {
		r := set.find(v)
		if _, ok := number[r]; !ok {
			number[r] = len(number)
		}
		c.Part[v] = number[r]
	}
	c.Parts = len(number)
	c.Bridge = bridges(newNet(n, edges))
	for _, i := range slices.Backward(order) { // the weakest first
		if c.Bridge[i] {
			c.Weakest = i
			return c
		}
	}
	for _, i := range slices.Backward(order) {
		if c.InTree[i] {
			c.Weakest = i
			return c
		}
	}
	return c
}

func (e Edge) sound(n int) bool { return e.A != e.B && min(e.A, e.B) >= 0 && max(e.A, e.B) < n }

// sets is a forest of disjoint sets.
type sets struct{ up, size []int }

func newSets(n int) *sets {
	s := &sets{make([]int, n), make([]int, n)}
	for i := range n {
		s.up[i], s.size[i] = i, 1
	}
	return s
}

func (s *sets) find(v int) int {
	for s.up[v] != v {
		s.up[v] = s.up[s.up[v]]
		v = s.up[v]
	}
	return v
}

// join is false when the two were in one set already.
func (s *sets) join(a, b int) bool {
	a, b = s.find(a), s.find(b)
	if a == b {
		return false
	}
	if s.size[a] < s.size[b] {
		a, b = b, a
	}
	s.up[b], s.size[a] = a, s.size[a]+s.size[b]
	return true
}

// net is the graph by alert: the edges that end there.
type net struct {
	edges []Edge
	first []int // of alert v: at[first[v]:first[v+1]]
	at    []int
}

func newNet(n int, edges []Edge) *net {
	g := &net{edges: edges, first: make([]int, n+1)}
	for _, e := range edges {
		if e.sound(n) {
			g.first[e.A+1]++
			g.first[e.B+1]++
		}
	}
	for v := range n {
		g.first[v+1] += g.first[v]
	}
	g.at = make([]int, g.first[n])
	fill := slices.Clone(g.first[:n])
	for i, e := range edges {
		if e.sound(n) {
			g.at[fill[e.A]], g.at[fill[e.B]] = i, i
			fill[e.A]++
			fill[e.B]++
		}
	}
	return g
}

func (g *net) of(v int) []int { return g.at[g.first[v]:g.first[v+1]] }

func (g *net) other(edge, v int) int { return g.edges[edge].A + g.edges[edge].B - v }

// bridges finds the edges that lie on no circle, by depth first search without
// recursion: a chain may be as long as an incident is large.
func bridges(g *net) []bool {
	n := len(g.first) - 1
	out := make([]bool, len(g.edges))
	seen, low := make([]int, n), make([]int, n)
	next := slices.Clone(g.first[:n])
	type step struct{ v, by int }
	clock := 0
	for root := range n {
		if seen[root] != 0 {
			continue
		}
		clock++
		seen[root], low[root] = clock, clock
		stack := []step{{root, -1}}
		for len(stack) > 0 {
			s := stack[len(stack)-1]
			if next[s.v] < g.first[s.v+1] {
				e := g.at[next[s.v]]
				next[s.v]++
				w := g.other(e, s.v)
				switch {
				case e == s.by:
				case seen[w] != 0:
					low[s.v] = min(low[s.v], seen[w])
				default:
					clock++
					seen[w], low[w] = clock, clock
					stack = append(stack, step{w, e})
				}
				continue
			}
			stack = stack[:len(stack)-1]
			if s.by >= 0 {
				up := stack[len(stack)-1].v
				low[up] = min(low[up], low[s.v])
				out[s.by] = low[s.v] > seen[up]
			}
		}
	}
	return out
}

// Reach are the alerts that hang together with one of n, over the edges that
// are not left out.
func Reach(n int, edges []Edge, from int, without []int) []bool {
	g := newNet(n, edges)
	left := make([]bool, len(edges))
	for _, e := range without {
		left[e] = true
	}
	seen := make([]bool, n)
	seen[from] = true
	for todo := []int{from}; len(todo) > 0; {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, e := range g.of(v) {
			if w := g.other(e, v); !left[e] && !seen[w] {
				seen[w] = true
				todo = append(todo, w)
			}
		}
	}
	return seen
}

// Toward is, of each alert, the edge of the forest that leads to the root of
// its part, -1 for the roots themselves. Of each part the first of roots that is
// in it is its root, else its first alert.
func (c *Chain) Toward(edges []Edge, roots []int) []int {
	n := len(c.Part)
	var tree []Edge
	var number []int
	for i, in := range c.InTree {
		if in {
			tree, number = append(tree, edges[i]), append(number, i)
		}
	}
	g := newNet(n, tree)
	out := make([]int, n)
	done := make([]bool, c.Parts)
	seen := make([]bool, n)
	walk := func(root int) {
		if done[c.Part[root]] {
			return
		}
		done[c.Part[root]] = true
		seen[root], out[root] = true, -1
		for todo := []int{root}; len(todo) > 0; {
			v := todo[0]
			todo = todo[1:]
			for _, e := range g.of(v) {
				if w := g.other(e, v); !seen[w] {
					seen[w], out[w] = true, number[e]
					todo = append(todo, w)
				}
			}
		}
	}
	for _, r := range roots {
		walk(r)
	}
	for v := range n {
		walk(v)
	}
	return out
}

// MinCut are the edges of the least weight in all without which a and b do not
// hang together, in order; none when they do not anyway. An edge between a and b
// is always one of them.
func MinCut(n int, edges []Edge, a, b int) []int {
	f := &flow{net: newNet(n, edges), cap: make([][2]int64, len(edges)), level: make([]int, n), next: make([]int, n)}
	for i, e := range edges {
		c := max(1, int64(math.Round(e.Weight*10_000)))
		f.cap[i] = [2]int64{c, c}
	}
	for f.levels(a, b) {
		copy(f.next, f.first[:n])
		for f.push(a, b, math.MaxInt64) > 0 {
		}
	}
	// What can still be reached from a is its side.
	var out []int
	for i, e := range edges {
		if e.sound(n) && (f.level[e.A] >= 0) != (f.level[e.B] >= 0) {
			out = append(out, i)
		}
	}
	return out
}

// flow is Dinic's search for the largest flow.
type flow struct {
	*net
	cap   [][2]int64 // what is left of edge i from A to B, and from B to A
	level []int
	next  []int
}

func (f *flow) left(e, v int) *int64 {
	if f.edges[e].A == v {
		return &f.cap[e][0]
	}
	return &f.cap[e][1]
}

func (f *flow) levels(a, b int) bool {
	for i := range f.level {
		f.level[i] = -1
	}
	f.level[a] = 0
	for todo := []int{a}; len(todo) > 0; {
		v := todo[0]
		todo = todo[1:]
		for _, e := range f.of(v) {
			if w := f.other(e, v); *f.left(e, v) > 0 && f.level[w] < 0 {
				f.level[w] = f.level[v] + 1
				todo = append(todo, w)
			}
		}
	}
	return f.level[b] >= 0
}

func (f *flow) push(v, b int, most int64) int64 {
	if v == b {
		return most
	}
	for ; f.next[v] < f.first[v+1]; f.next[v]++ {
		e := f.at[f.next[v]]
		w := f.other(e, v)
		if f.level[w] != f.level[v]+1 || *f.left(e, v) == 0 {
			continue
		}
		if got := f.push(w, b, min(most, *f.left(e, v))); got > 0 {
			*f.left(e, v) -= got
			*f.left(e, w) += got
			return got
		}
	}
	return 0
}
