package geo

import (
	"math"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

const (
	defaultTolerance = 10.0 // metres, of densify, simplify and buffer
	minDensify       = 0.1
	maxDensifyMetres = 10_000
)

// densifier adds vertices to edges that are straight in degrees, until the
// geodesics between the vertices stay within the tolerance of them.
type densifier struct {
	tolerance s1.Angle
	wrap      bool // edges may cross the antimeridian
	left      int  // vertices that may still be added
}

// The distance between a flat edge and its geodesic is close to a cubic along
// the edge. The two fractions at which such a curve is measured best, and the
// ratio of its maximum to what is measured there, are those of S2's tessellator.
const (
	probeAt    = 0.31215691082248315
	probeScale = 0.83829992569888509
)

func newDensifier(args []kql.Value) (*densifier, bool) {
	metres, ok1 := numberOr(args, 1, defaultTolerance)
	wrap, ok2 := switched(args, 2)
	if !ok1 || !ok2 || metres < minDensify || metres > maxDensifyMetres {
		return nil, false
	}
	return &densifier{radians(metres) * probeScale, wrap, maxDensify}, true
}

func (d *densifier) path(in []position) ([]position, bool) {
	out := []position{in[0]}
	for i := 1; i < len(in); i++ {
		a, b := in[i-1], in[i]
		if d.wrap && b.lng-a.lng > 180 {
			b.lng -= 360
		} else if d.wrap && a.lng-b.lng > 180 {
			b.lng += 360
		}
		if out = d.edge(a, b, out, 0); out == nil {
			return nil, false
		}
		out[len(out)-1] = in[i]
	}
	return out, true
}

// edge appends what lies between a and b, and b; nil over the limit.
func (d *densifier) edge(a, b position, out []position, depth int) []position {
	if depth > 40 || d.good(a, b) {
		if d.left--; d.left < 0 {
			return nil
		}
		if b.lng > 180 {
			b.lng -= 360
		} else if b.lng < -180 {
			b.lng += 360
		}
		return append(out, b)
	}
	mid := position{(a.lng + b.lng) / 2, (a.lat + b.lat) / 2}
	if out = d.edge(a, mid, out, depth+1); out == nil {
		return nil
	}
	return d.edge(mid, b, out, depth+1)
}

func (d *densifier) good(a, b position) bool {
	p, q := a.point(), b.point()
	if p.Dot(q.Vector) < -1e-14 { // more than a quarter around: the measure does not hold
		return false
	}
	for _, t := range [2]float64{probeAt, 1 - probeAt} {
		flat := position{a.lng + t*(b.lng-a.lng), a.lat + t*(b.lat-a.lat)}
		if s2.Interpolate(t, p, q).Distance(flat.point()) > d.tolerance {
			return false
		}
	}
	return true
}

func lineDensify(args []kql.Value) kql.Value {
	lines, multi, ok1 := readLines(args[0].Dynamic())
	d, ok2 := newDensifier(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	var list []kql.Dyn
	for _, line := range lines {
		if !distinct(line, 2) {
			return kql.Null(kql.Dynamic)
		}
		dense, ok := d.path(line)
		if !ok {
			return kql.Null(kql.Dynamic)
		}
		list = append(list, positionsJSON(dense))
	}
	if multi {
		return kql.DynamicOf(geometry("MultiLineString", list))
	}
	return kql.DynamicOf(geometry("LineString", list[0]))
}

// polygonDensify takes any closed rings: whether flat rings cross is not the
// same question as whether geodesics do.
func polygonDensify(args []kql.Value) kql.Value {
	polygons, multi, ok1 := readPolygons(args[0].Dynamic())
	d, ok2 := newDensifier(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	var list []kql.Dyn
	for _, rings := range polygons {
		var out []kql.Dyn
		for _, ring := range rings {
			if !distinct(ring, 3) {
				return kql.Null(kql.Dynamic)
			}
			dense, ok := d.path(ring)
			if !ok {
				return kql.Null(kql.Dynamic)
			}
			out = append(out, positionsJSON(dense))
		}
		list = append(list, out)
	}
	if multi {
		return kql.DynamicOf(geometry("MultiPolygon", list))
	}
	return kql.DynamicOf(geometry("Polygon", list[0]))
}

// distinct tells whether there are at least n different positions.
func distinct(list []position, n int) bool {
	var seen []position
next:
	for _, p := range list {
		for _, q := range seen {
			if p == q || math.Abs(p.lat) == 90 && p.lat == q.lat && n == 2 {
				continue next
			}
		}
		if seen = append(seen, p); len(seen) == n {
			return true
		}
	}
	return false
}
