package correlate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomGraph has n alerts and m edges, some of them parallel.
func randomGraph(rng *rand.Rand, n, m int) []Edge {
	edges := make([]Edge, m)
	for i := range edges {
		edges[i] = Edge{rng.IntN(n), rng.IntN(n), 0.1 + math.Round(20*rng.Float64())/10}
	}
	return edges
}

func parts(n int, edges []Edge, without ...int) int {
	seen, k := make([]bool, n), 0
	for v := range n {
		if !seen[v] {
			k++
			for w, in := range Reach(n, edges, v, without) {
				seen[w] = seen[w] || in
			}
		}
	}
	return k
}

// The parts, the bridges and the weight of the forest are what trying everything
// says, on graphs small enough for that.
func TestChainAgainstTryingEverything(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(8)
		edges := randomGraph(rng, n, rng.IntN(12))
		c := ChainOf(n, edges)
		whole := parts(n, edges)
		if c.Parts != whole {
			t.Fatalf("seed %d: %d parts, want %d", seed, c.Parts, whole)
		}
		var lightest float64 = math.Inf(1)
		for i, e := range edges {
			bridge := e.A != e.B && parts(n, edges, i) > whole
			if c.Bridge[i] != bridge {
				t.Fatalf("seed %d: bridge %d is %v in %v", seed, i, c.Bridge[i], edges)
			}
			if bridge {
				lightest = min(lightest, e.Weight)
				if !c.InTree[i] {
					t.Fatalf("seed %d: bridge %d is not in the forest", seed, i)
				}
			}
		}
		if !math.IsInf(lightest, 1) && edges[c.Weakest].Weight != lightest {
			t.Fatalf("seed %d: weakest %v, want %g", seed, edges[c.Weakest], lightest)
		}
		if (c.Weakest < 0) != (whole == n) {
			t.Fatalf("seed %d: weakest %d of %v", seed, c.Weakest, edges)
		}
		have, best := 0.0, 0.0
		for i, e := range edges {
			if c.InTree[i] {
				have += e.Weight
			}
		}
		for set := range 1 << len(edges) {
			var out []int
			sum, kept := 0.0, 0
			for i, e := range edges {
				if set>>i&1 == 1 {
					sum, kept = sum+e.Weight, kept+1
				} else {
					out = append(out, i)
				}
			}
			if kept == n-whole && sum > best && parts(n, edges, out...) == whole {
				best = sum
			}
		}
		if math.Abs(have-best) > 1e-9 {
			t.Fatalf("seed %d: the forest weighs %g, the best %g", seed, have, best)
		}
	}
}

func TestMinCutAgainstTryingEverything(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		n := 2 + rng.IntN(6)
		edges := randomGraph(rng, n, rng.IntN(11))
		cut := MinCut(n, edges, 0, 1)
		if Reach(n, edges, 0, cut)[1] {
			t.Fatalf("seed %d: %v does not part 0 from 1 in %v", seed, cut, edges)
		}
		weigh := func(set []int) (sum float64) {
			for _, i := range set {
				sum += edges[i].Weight
			}
			return sum
		}
		best := math.Inf(1)
		for set := range 1 << len(edges) {
			var out []int
			for i := range edges {
				if set>>i&1 == 1 {
					out = append(out, i)
				}
			}
			if w := weigh(out); w < best && !Reach(n, edges, 0, out)[1] {
				best = w
			}
		}
		if math.Abs(weigh(cut)-best) > 1e-9 {
			t.Fatalf("seed %d: cut %v weighs %g, the least is %g, of %v", seed, cut, weigh(cut), best, edges)
		}
	}
}

func TestTowardRoot(t *testing.T) {
	edges := []Edge{{1, 0, 1}, {2, 1, 1}, {2, 0, 0.4}, {4, 3, 1}}
	c := ChainOf(6, edges)
	if got := c.Toward(edges, []int{1, 4}); !slices.Equal(got, []int{0, -1, 1, 3, -1, -1}) {
		t.Errorf("%v", got)
	}
	if c.Parts != 3 || c.Weakest != 3 || c.InTree[2] {
		t.Errorf("%+v", c)
	}
	// Nothing hangs by one link: the weakest of the forest.
	if c := ChainOf(3, []Edge{{0, 1, 1}, {1, 2, 0.9}, {2, 0, 0.8}}); c.Weakest != 1 {
		t.Errorf("%+v", c)
	}
	// Edges that lead nowhere count for nothing.
	if c := ChainOf(2, []Edge{{0, 0, 1}, {0, 7, 1}, {-1, 1, 1}}); c.Parts != 2 || c.Weakest != -1 {
		t.Errorf("%+v", c)
	}
}

// A chain of as many alerts as an incident may have, one behind the other and
// with further links, costs milliseconds and no stack.
func TestChainOfTenThousand(t *testing.T) {
	const n = 10_000
	rng := rand.New(rand.NewPCG(3, 3))
	var edges []Edge
	for v := 1; v < n; v++ {
		edges = append(edges, Edge{v, v - 1, 1 + rng.Float64()})
		if v > 100 && v%3 == 0 {
			edges = append(edges, Edge{v, v - rng.IntN(90) - 2, 0.5})
		}
	}
	began := time.Now()
	c := ChainOf(n, edges)
	cut := MinCut(n, edges, n-1, 0)
	c.Toward(edges, []int{0})
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if c.Parts != 1 || len(cut) == 0 || Reach(n, edges, 0, cut)[n-1] {
		t.Errorf("%d parts, cut %v", c.Parts, cut)
	}
}
