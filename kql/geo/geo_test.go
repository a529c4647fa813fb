package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/golang/geo/s2"
)

// star is a random polygon around a centre, which does not cross itself.
func star(r *rand.Rand, lng, lat, size float64, n int) [][]position {
	ring := make([]position, 0, n+1)
	for i := range n {
		a := 2 * math.Pi * (float64(i) + 0.9*r.Float64()) / float64(n)
		d := size * (0.3 + 0.7*r.Float64())
		ring = append(ring, position{lng + d*math.Cos(a), lat + d*math.Sin(a)})
	}
	return [][]position{append(ring, ring[0])}
}

func mustRegion(t *testing.T, rings [][]position) *region {
	t.Helper()
	r, ok := newRegion(rings)
	if !ok {
		t.Fatalf("not valid: %v", rings)
	}
	return r
}

func mustOverlay(t *testing.T, op operation, a, b *region) overlaid {
	t.Helper()
	got, ok := overlay(op, a, b)
	if !ok {
		t.Fatal("too much to overlay")
	}
	return got
}

func mustUnite(t *testing.T, list []*region) []*region {
	t.Helper()
	got, ok := unite(list)
	if !ok {
		t.Fatal("too much to unite")
	}
	return got
}

func areas(list []*region) float64 {
	sum := 0.0
	for _, r := range list {
		sum += r.area()
	}
	return sum
}

// What two shapes have in common and what they are together add up to what they
// are each, and every point is where it must be.
func TestOverlayAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		n := 3 + r.IntN(40)
		a := mustRegion(t, star(r, 10, 50, 1, n))
		b := mustRegion(t, star(r, 10+r.Float64()*2, 50+r.Float64(), 1, 3+r.IntN(40)))
		sum := mustOverlay(t, union, a, b).regions
		both := mustOverlay(t, intersection, a, b).regions
		if got, want := areas(sum)+areas(both), a.area()+b.area(); math.Abs(got-want) > 1e-12 {
			t.Fatalf("round %d: union and intersection have %g, the shapes %g", round, got, want)
		}
		for range 30 {
			p := position{9 + 4*r.Float64(), 49 + 3*r.Float64()}.point()
			if got, want := within(sum, p), a.contains(p) || b.contains(p); got != want {
				t.Fatalf("round %d: %v in the union: %v, want %v", round, positionOf(p), got, want)
			}
			if got, want := within(both, p), a.contains(p) && b.contains(p); got != want {
				t.Fatalf("round %d: %v in the intersection: %v, want %v", round, positionOf(p), got, want)
			}
		}
		for _, x := range append(sum, both...) {
			if !x.simple() || !x.nested() {
				t.Fatalf("round %d: the result is not valid", round)
			}
		}
	}
}

// Cells share edges and half edges; their union must have no seams.
func TestUnionOfTilesHasNoSeams(t *testing.T) {
	var tiles []*region
	whole := 0.0
	for x := range 12 {
		for y := range 9 {
			c := cellAt(position{10 + float64(x)*0.04, 50 + float64(y)*0.04}, 5+(x+y)%2)
			if (x+y)%2 == 1 { // its four quarters or so: as small cells
				c = cellAt(position{10 + float64(x)*0.04, 50 + float64(y)*0.04}, 6)
			}
			ring := []position{c.corner(0, 0), c.corner(1, 0), c.corner(1, 1), c.corner(0, 1), c.corner(0, 0)}
			tiles = append(tiles, mustRegion(t, [][]position{ring}))
		}
	}
	got := mustUnite(t, tiles)
	for _, r := range got {
		whole += r.area()
		if !r.simple() || !r.nested() {
			t.Error("the union is not valid")
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		p := position{9.9 + 0.7*r.Float64(), 49.9 + 0.6*r.Float64()}.point()
		if within(got, p) != within(tiles, p) {
			t.Fatalf("%v is in the tiles: %v", positionOf(p), within(tiles, p))
		}
	}
	if whole == 0 {
		t.Error("the union is empty")
	}
}

func TestUnionOfItselfIsItself(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		a := mustRegion(t, star(r, -70, -20, 3, 3+r.IntN(30)))
		for _, op := range []operation{union, intersection} {
			got := mustOverlay(t, op, a, a)
			if len(got.regions) != 1 || len(got.points) != 0 || len(got.lines) != 0 {
				t.Fatalf("%v of a shape with itself: %d shapes, %d lines, %d points", op, len(got.regions), len(got.lines), len(got.points))
			}
			if math.Abs(got.regions[0].area()-a.area()) > 1e-15 {
				t.Fatal("the area is another one")
			}
		}
	}
}

// A buffer has all within the radius and nothing beyond radius and tolerance.
func TestBufferKeepsItsDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for round := range 60 {
		radius := math.Exp(r.Float64()*8) * 10
		tolerance := radius * (0.01 + 0.2*r.Float64())
		var lines []polyline
		var line polyline
		at := position{20 + r.Float64(), 60*r.Float64() - 30}
		for range 2 + r.IntN(12) {
			line = append(line, at.point())
			at.lng += (r.Float64() - 0.5) * 0.5
			at.lat += (r.Float64() - 0.5) * 0.5
		}
		lines = append(lines, line)
		b, ok := newBrush(radius, tolerance)
		if !ok {
			t.Fatal("no brush")
		}
		strokes, ok := b.strokes(segmentsOf(lines))
		if !ok {
			t.Fatal("no strokes")
		}
		wide := mustUnite(t, strokes)
		index := newTree(segmentsOf(lines))
		for range 200 {
			p := position{20 + 3*(r.Float64()-0.3), positionOf(line[0]).lat + 3*(r.Float64()-0.5)}.point()
			_, d, _ := index.nearest(p)
			metres := float64(d) * earthRadius
			if in := within(wide, p); in && metres > (radius+tolerance)*1.000001 || !in && metres < radius*0.999999 {
				t.Fatalf("round %d: radius %g, tolerance %g: %v at %g m is in: %v", round, radius, tolerance, positionOf(p), metres, in)
			}
		}
		for _, x := range wide {
			if !x.simple() || !x.nested() {
				t.Fatalf("round %d: the buffer is not valid", round)
			}
		}
	}
}

func TestNearestIsNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	var edges []segment
	for range 300 {
		p := position{360*r.Float64() - 180, 170*r.Float64() - 85}
		q := position{max(-180, min(180, p.lng+90*(r.Float64()-0.5))), max(-90, min(90, p.lat+60*(r.Float64()-0.5)))}
		edges = append(edges, segment{p.point(), q.point()})
	}
	index := newTree(edges)
	for range 2000 {
		p := position{360*r.Float64() - 180, 180*r.Float64() - 90}.point()
		best := math.Inf(1)
		for _, e := range edges {
			best = min(best, float64(s2.DistanceFromSegment(p, e.a, e.b)))
		}
		_, d, ok := index.nearest(p)
		if !ok || math.Abs(float64(d)-best) > 1e-14 {
			t.Fatalf("nearest at %g, want %g", d, best)
		}
	}
	n := 0
	index.pairs(index, func(i, j int32) bool {
		if s2.CrossingSign(edges[i].a, edges[i].b, edges[j].a, edges[j].b) == s2.Cross {
			n++
		}
		return true
	})
	want := 0
	for i := range edges {
		for j := range i {
			if s2.CrossingSign(edges[i].a, edges[i].b, edges[j].a, edges[j].b) == s2.Cross {
				want++
			}
		}
	}
	if n != want || want == 0 {
		t.Errorf("%d crossings found, there are %d", n, want)
	}
}

func TestGeohashThereAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 2000 {
		p := position{360*r.Float64() - 180, 180*r.Float64() - 90}
		n := 1 + r.IntN(maxGeohash)
		c := cellAt(p, n)
		text := c.String()
		back, ok := parseGeohash(text)
		if len(text) != n || !ok || back != c {
			t.Fatalf("%v: %s is %v, not %v", p, text, back, c)
		}
		lo, hi := c.corner(0, 0), c.corner(1, 1)
		if p.lng < lo.lng || p.lng > hi.lng || p.lat < lo.lat || p.lat > hi.lat {
			t.Fatalf("%v is not in %s", p, text)
		}
	}
}

func TestSpheroidDistance(t *testing.T) {
	for _, c := range []struct {
		p, q position
		want float64
	}{
		{position{0, 0}, position{1, 0}, 111319.490793},
		{position{0, 0}, position{0, 90}, 10001965.729},
		{position{0, 0}, position{180, 0}, 20003931.458},     // over a pole, not along the equator
		{position{0, 0}, position{179.7, 0.5}, 19944127.421}, // where the formula does not converge
		{position{10, 20}, position{10, 20}, 0},
		{position{179, 0}, position{-179, 0}, 222638.981587},
	} {
		if got := spheroidDistance(c.p, c.q); math.Abs(got-c.want) > 0.002 {
			t.Errorf("%v to %v: %.6f m, want %.6f", c.p, c.q, got, c.want)
		}
	}
}

// Thinned shapes stay near what they were, and neighbours stay neighbours.
func TestSimplifyKeepsBordersTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for round := range 30 {
		// A wavy border between two countries.
		var border []position
		for i := range 200 {
			border = append(border, position{10 + float64(i)*0.005, 50 + 0.003*r.Float64() + 0.05*math.Sin(float64(i)/20)})
		}
		north := append(append([]position{}, border...), position{10.995, 51}, position{10, 51}, border[0])
		south := append([]position{}, border...)
		for i, j := 0, len(south)-1; i < j; i, j = i+1, j-1 {
			south[i], south[j] = south[j], south[i]
		}
		south = append(south, position{10, 49}, position{10.995, 49}, south[0])
		in := []*region{mustRegion(t, [][]position{north}), mustRegion(t, [][]position{south})}
		tolerance := 20 + 500*r.Float64()
		out := simplifyRegions(in, radians(tolerance))
		if len(out) != 2 {
			t.Fatalf("round %d: %d polygons", round, len(out))
		}
		before, after := 0, 0
		for i := range out {
			before += in[i].vertices()
			after += out[i].vertices()
			edges := newTree(in[i].segments())
			for _, e := range out[i].segments() {
				for k := range 11 {
					if _, d, _ := edges.nearest(s2.Interpolate(float64(k)/10, e.a, e.b)); float64(d)*earthRadius > 2*tolerance {
						t.Fatalf("round %d: %g m away at a tolerance of %g m", round, float64(d)*earthRadius, tolerance)
					}
				}
			}
		}
		if after >= before {
			t.Errorf("round %d: %d vertices of %d", round, after, before)
		}
		got := mustOverlay(t, intersection, out[0], out[1])
		if len(got.regions) != 0 || len(got.lines) != 1 {
			t.Errorf("round %d: the neighbours have %d areas and %d lines in common", round, len(got.regions), len(got.lines))
		}
	}
}
