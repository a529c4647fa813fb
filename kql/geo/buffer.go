package geo

import (
	"math"

	"github.com/golang/geo/r3"
	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

// minErrorFraction is the least tolerance, as a part of the radius.
const minErrorFraction = 1e-6

// brush draws circles and the surroundings of edges as polygons that contain
// all within a radius, and nothing farther than radius and tolerance.
type brush struct {
	radius, outer float64 // radians: to the edges' middles, to the vertices
	steps         int     // edges of a full circle
}

// newBrush takes metres. A tolerance out of bounds is brought to the nearest
// that can be; a radius of a quarter around the Earth or more is not ok, since
// its polygons would be the larger part of the sphere.
func newBrush(radius, tolerance float64) (*brush, bool) {
	if radius <= 0 || tolerance <= 0 {
		return nil, false
	}
	tolerance = min(max(tolerance, radius*minErrorFraction), radius)
	r := float64(radians(radius))
	outer := r + float64(radians(tolerance))
	if outer >= math.Pi/2 {
		return nil, false
	}
	// An edge's middle is nearer than its ends: tan r = tan R cos(half step).
	n := math.Ceil(math.Pi / math.Acos(math.Tan(r)/math.Tan(outer)))
	b := &brush{radius: r, steps: int(max(3, n))}
	b.outer = math.Atan(math.Tan(r) / math.Cos(math.Pi/float64(b.steps)))
	return b, true
}

// around is the point at a bearing in the plane of x and y from p.
func (b *brush) around(p s2.Point, x, y r3.Vector, bearing float64) s2.Point {
	sinR, cosR := math.Sincos(b.outer)
	sin, cos := math.Sincos(bearing)
	v := p.Mul(cosR).Add(x.Mul(cos * sinR)).Add(y.Mul(sin * sinR))
	return s2.Point{Vector: v.Normalize()}
}

func (b *brush) circle(p s2.Point) *region {
	x := p.Ortho()
	y := p.Cross(x)
	ring := make([]s2.Point, b.steps)
	for i := range ring {
		ring[i] = b.around(p, x, y, 2*math.Pi*float64(i)/float64(b.steps))
	}
	return &region{loops: [][]s2.Point{ring}}
}

// stroke is the surroundings of an edge: half a circle at each end, and lines
// beside it, which bend away from the edge and so need vertices of their own.
func (b *brush) stroke(e segment) *region {
	left := e.a.PointCross(e.b).Vector.Normalize()
	half := (b.steps + 1) / 2
	l := float64(e.a.Distance(e.b))
	most := 2 * math.Acos(math.Tan(b.radius)/math.Tan(b.outer))
	beside := int(math.Ceil(l / most))
	var ring []s2.Point
	turn := func(p s2.Point, ahead r3.Vector, side float64) {
		for i := 0; i <= half; i++ {
			ring = append(ring, b.around(p, ahead, left.Mul(side), -math.Pi/2+math.Pi*float64(i)/float64(half)))
		}
	}
	parallel := func(from, to s2.Point, side float64) {
		for i := 1; i < beside; i++ {
			q := s2.Interpolate(float64(i)/float64(beside), from, to)
			ring = append(ring, b.around(q, left.Mul(side), r3.Vector{}, 0))
		}
	}
	turn(e.b, left.Cross(e.b.Vector), 1)
	parallel(e.b, e.a, 1)
	turn(e.a, left.Cross(e.a.Vector).Mul(-1), -1)
	parallel(e.a, e.b, -1)
	return &region{loops: [][]s2.Point{ring}}
}

// strokes are the surroundings of all edges; not ok when they are too many.
func (b *brush) strokes(edges []segment) ([]*region, bool) {
	if len(edges)*(b.steps+4) > maxVertices {
		return nil, false
	}
	out := make([]*region, len(edges))
	total := 0
	for i, e := range edges {
		out[i] = b.stroke(e)
		if total += out[i].vertices(); total > maxVertices {
			return nil, false
		}
	}
	return out, true
}

func bufferRegions(regions []*region, radius, tolerance float64) ([]*region, bool) {
	b, ok := newBrush(radius, tolerance)
	if !ok {
		return nil, false
	}
	all, ok := unite(regions)
	if !ok {
		return nil, false
	}
	var edges []segment
	for _, r := range all {
		edges = append(edges, r.segments()...)
	}
	wide, ok := b.strokes(edges)
	if !ok {
		return nil, false
	}
	return unite(append(wide, all...))
}

// bufferArgs are the radius and the tolerance, at i and i+1.
func bufferArgs(args []kql.Value, i int) (radius, tolerance float64, ok bool) {
	radius, ok1 := number(args[i])
	tolerance, ok2 := numberOr(args, i+1, defaultTolerance)
	return radius, tolerance, ok1 && ok2
}

func pointBuffer(args []kql.Value) kql.Value {
	p, ok1 := pointArg(args, 0)
	radius, tolerance, ok2 := bufferArgs(args, 2)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	b, ok := newBrush(radius, tolerance)
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(regionsJSON([]*region{b.circle(p)}))
}

func lineBuffer(args []kql.Value) kql.Value {
	lines, ok1 := linesArg(args[0])
	radius, tolerance, ok2 := bufferArgs(args, 1)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	b, ok := newBrush(radius, tolerance)
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	strokes, ok := b.strokes(segmentsOf(lines))
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	united, ok := unite(strokes)
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(regionsJSON(united))
}

func polygonBuffer(args []kql.Value) kql.Value {
	regions, ok1 := regionsArg(args[0])
	radius, tolerance, ok2 := bufferArgs(args, 1)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	wide, ok := bufferRegions(regions, radius, tolerance)
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(regionsJSON(wide))
}
