package geo

import (
	"sync"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

// region is one or more polygons whose boundaries do not cross, as loops with
// the inside on their left: shells run counterclockwise and holes clockwise.
// Loops do not repeat their first vertex. A region is not changed once it is
// made.
type region struct {
	loops [][]s2.Point

	once  sync.Once
	index *s2.ShapeIndex
	tree  *tree
}

func (r *region) segments() []segment {
	var out []segment
	for _, l := range r.loops {
		for i, p := range l {
			out = append(out, segment{p, l[(i+1)%len(l)]})
		}
	}
	return out
}

func (r *region) vertices() int {
	n := 0
	for _, l := range r.loops {
		n += len(l)
	}
	return n
}

func (r *region) prepare() {
	r.once.Do(func() {
		r.tree = newTree(r.segments())
		r.index = s2.NewShapeIndex()
		r.index.Add(s2.LaxPolygonFromPoints(r.loops))
		r.index.Build()
	})
}

// contains tells whether p is inside. A point on a boundary belongs to exactly
// one of the polygons that tile a neighbourhood (semi-open boundaries).
func (r *region) contains(p s2.Point) bool {
	r.prepare()
	return s2.NewContainsPointQuery(r.index, s2.VertexModelSemiOpen).Contains(p)
}

// distance is 0 inside, else the distance to the boundary.
func (r *region) distance(p s2.Point) s1.Angle {
	if r.contains(p) {
		return 0
	}
	_, d, _ := r.tree.nearest(p)
	return d
}

// newRegion checks the rings of one polygon, shell first, and turns them the
// right way round: each encloses the smaller part of the sphere.
func newRegion(rings [][]position) (*region, bool) {
	r := &region{}
	for i, ring := range rings {
		ring = ring[:len(ring)-1]
		points := make([]s2.Point, len(ring))
		for j, p := range ring {
			points[j] = p.point()
			if j > 0 && antipodal(points[j-1], points[j]) {
				return nil, false
			}
		}
		if antipodal(points[len(points)-1], points[0]) {
			return nil, false
		}
		loop := s2.LoopFromPoints(points)
		if loop.Validate() != nil {
			return nil, false
		}
		if loop.IsNormalized() == (i > 0) {
			reverse(points)
		}
		r.loops = append(r.loops, points)
	}
	return r, r.simple() && r.nested()
}

func reverse(points []s2.Point) {
	for i, j := 0, len(points)-1; i < j; i, j = i+1, j-1 {
		points[i], points[j] = points[j], points[i]
	}
}

// simple tells whether no two edges cross or are the same, and no loop comes to
// a vertex twice.
func (r *region) simple() bool {
	for _, l := range r.loops {
		seen := make(map[s2.Point]struct{}, len(l))
		for _, p := range l {
			if _, twice := seen[p]; twice {
				return false
			}
			seen[p] = struct{}{}
		}
	}
	t := newTree(r.segments())
	return t.pairs(t, func(i, j int32) bool {
		e, f := t.edges[i], t.edges[j]
		if e.a == f.a && e.b == f.b || e.a == f.b && e.b == f.a {
			return false
		}
		return s2.CrossingSign(e.a, e.b, f.a, f.b) != s2.Cross
	})
}

// nested tells whether every hole is inside the shell and outside the other
// holes. Loops may share vertices, so all vertices that are not shared count.
func (r *region) nested() bool {
	if len(r.loops) == 1 {
		return true
	}
	whole := make([]*region, len(r.loops))
	for i, l := range r.loops {
		if i > 0 {
			l = append([]s2.Point(nil), l...)
			reverse(l)
		}
		whole[i] = &region{loops: [][]s2.Point{l}}
	}
	for i := 1; i < len(r.loops); i++ {
		for j, other := range whole {
			if i != j && !lies(r.loops[i], other, j == 0) {
				return false
			}
		}
	}
	return true
}

// lies tells whether a loop that does not cross the boundary of o is inside of
// it (or outside). Without shared vertices one vertex decides.
func lies(loop []s2.Point, o *region, inside bool) bool {
	shared := make(map[s2.Point]bool, len(o.loops[0]))
	for _, p := range o.loops[0] {
		shared[p] = true
	}
	touching := false
	for _, p := range loop {
		touching = touching || shared[p]
	}
	for i, p := range loop {
		if shared[p] {
			// All vertices may be shared; the edge's middle is not.
			p = s2.Interpolate(0.5, p, loop[(i+1)%len(loop)])
		}
		if o.contains(p) != inside {
			return false
		}
		if !touching {
			break
		}
	}
	return true
}

// regionsOf reads a Polygon or MultiPolygon, each polygon a region. The
// polygons of one may overlap; unite them where that matters.
func regionsOf(d kql.Dyn) ([]*region, bool) {
	raw, _, ok := readPolygons(d)
	if !ok {
		return nil, false
	}
	regions := make([]*region, len(raw))
	for i, rings := range raw {
		if regions[i], ok = newRegion(rings); !ok {
			return nil, false
		}
	}
	return regions, true
}

func regionsArg(v kql.Value) ([]*region, bool) { return regionsOf(v.Dynamic()) }

// unitedArg reads a polygon argument as the union of its polygons.
func unitedArg(v kql.Value) ([]*region, bool) {
	regions, ok := regionsArg(v)
	if !ok {
		return nil, false
	}
	return unite(regions)
}

// area is the region's part of the unit sphere.
func (r *region) area() float64 {
	sum := 0.0
	for i, l := range r.loops {
		if i == 0 {
			sum += s2.LoopFromPoints(l).Area()
			continue
		}
		hole := append([]s2.Point(nil), l...)
		reverse(hole)
		sum -= s2.LoopFromPoints(hole).Area()
	}
	return sum
}

// centroid is the centre of mass times the area, not of unit length. Loops run
// with the inside on their left, so holes subtract by themselves.
func (r *region) centroid() s2.Point {
	var sum s2.Point
	for _, l := range r.loops {
		sum = s2.Point{Vector: sum.Add(s2.LoopFromPoints(l).Centroid().Vector)}
	}
	return sum
}
