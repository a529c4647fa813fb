package geo

import (
	"math"

	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

// distance2Points is on the sphere, or on the spheroid of WGS 84 if the last
// argument says so.
func distance2Points(args []kql.Value) kql.Value {
	p, ok1 := positionArg(args, 0)
	q, ok2 := positionArg(args, 2)
	spheroid, ok3 := switched(args, 4)
	if !ok1 || !ok2 || !ok3 {
		return kql.Null(kql.Real)
	}
	if spheroid {
		return kql.RealOf(spheroidDistance(p, q))
	}
	return kql.RealOf(float64(p.point().Distance(q.point())) * earthRadius)
}

// direction is the bearing from p to q: radians clockwise from north. There is
// none between equal or opposite points.
func direction(p, q s2.Point) (float64, bool) {
	if p == q || antipodal(p, q) {
		return 0, false
	}
	a, b := s2.LatLngFromPoint(p), s2.LatLngFromPoint(q)
	d := (b.Lng - a.Lng).Radians()
	sinA, cosA := math.Sincos(a.Lat.Radians())
	sinB, cosB := math.Sincos(b.Lat.Radians())
	return turn(math.Atan2(math.Sin(d)*cosB, cosA*sinB-sinA*cosB*math.Cos(d))), true
}

// turn brings an angle into [0, 2 pi).
func turn(a float64) float64 {
	a = math.Mod(a, 2*math.Pi)
	if a < 0 {
		a += 2 * math.Pi
	}
	if a >= 2*math.Pi {
		a = 0
	}
	return a
}

func azimuth(args []kql.Value) kql.Value {
	p, ok1 := pointArg(args, 0)
	q, ok2 := pointArg(args, 2)
	if !ok1 || !ok2 {
		return kql.Null(kql.Real)
	}
	return realOf(direction(p, q))
}

// angle is the clockwise angle at the second point, from the line to the first
// to the line to the third.
func angle(args []kql.Value) kql.Value {
	p, ok1 := pointArg(args, 0)
	q, ok2 := pointArg(args, 2)
	r, ok3 := pointArg(args, 4)
	if !ok1 || !ok2 || !ok3 {
		return kql.Null(kql.Real)
	}
	from, ok1 := direction(q, p)
	to, ok2 := direction(q, r)
	return realOf(turn(to-from), ok1 && ok2)
}

func pointInCircle(args []kql.Value) kql.Value {
	p, ok1 := pointArg(args, 0)
	c, ok2 := pointArg(args, 2)
	radius, ok3 := number(args[4])
	return boolOf(p.Distance(c) <= radians(radius), ok1 && ok2 && ok3 && radius >= 0)
}

// pointInPolygon and the functions after it take the shape as what the reader
// makes of it, so that a constant one is read once for the whole query.
func pointInPolygon(args []kql.Value, shapes []*region) kql.Value {
	p, ok := pointArg(args, 0)
	if !ok {
		return kql.Null(kql.Bool)
	}
	for _, r := range shapes {
		if r.contains(p) {
			return kql.BoolOf(true)
		}
	}
	return kql.BoolOf(false)
}

func distancePointToPolygon(args []kql.Value, shapes []*region) kql.Value {
	p, ok := pointArg(args, 0)
	if !ok {
		return kql.Null(kql.Real)
	}
	best := math.Inf(1)
	for _, r := range shapes {
		best = min(best, float64(r.distance(p)))
	}
	return kql.RealOf(best * earthRadius)
}

func closestPointOnPolygon(args []kql.Value, shapes []*region) kql.Value {
	p, ok := pointArg(args, 0)
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	best, at := math.Inf(1), p
	for _, r := range shapes {
		if r.contains(p) {
			at, _ := positionArg(args, 0)
			return kql.DynamicOf(geometry("Point", at.json()))
		}
		if e, d, ok := r.tree.nearest(p); ok && float64(d) < best {
			best = float64(d)
			at = s2.Project(p, r.tree.edges[e].a, r.tree.edges[e].b)
		}
	}
	return kql.DynamicOf(pointJSON(at))
}

func distancePointToLine(args []kql.Value, t *tree) kql.Value {
	p, ok := pointArg(args, 0)
	if !ok {
		return kql.Null(kql.Real)
	}
	_, d, _ := t.nearest(p)
	return kql.RealOf(float64(d) * earthRadius)
}

func closestPointOnLine(args []kql.Value, t *tree) kql.Value {
	p, ok := pointArg(args, 0)
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	e, _, _ := t.nearest(p)
	return kql.DynamicOf(pointJSON(s2.Project(p, t.edges[e].a, t.edges[e].b)))
}

func length(lines []polyline) float64 {
	sum := 0.0
	for _, e := range segmentsOf(lines) {
		sum += float64(e.a.Distance(e.b))
	}
	return sum * earthRadius
}

func lineLength(args []kql.Value) kql.Value {
	lines, ok := linesArg(args[0])
	if !ok {
		return kql.Null(kql.Real)
	}
	return kql.RealOf(length(uniteLines(lines)))
}

func lineCentroid(args []kql.Value) kql.Value {
	lines, ok := linesArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	var sum s2.Point
	for _, e := range segmentsOf(uniteLines(lines)) {
		sum = s2.Point{Vector: sum.Add(s2.EdgeTrueCentroid(e.a, e.b).Vector)}
	}
	return centre(sum)
}

// centre is the direction of a weighted sum; a sum of nothing has none.
func centre(sum s2.Point) kql.Value {
	if sum.Norm2() == 0 {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(pointJSON(s2.Point{Vector: sum.Normalize()}))
}

func polygonArea(args []kql.Value) kql.Value {
	regions, ok := unitedArg(args[0])
	if !ok {
		return kql.Null(kql.Real)
	}
	sum := 0.0
	for _, r := range regions {
		sum += r.area()
	}
	return kql.RealOf(sum * earthRadius * earthRadius)
}

func polygonPerimeter(args []kql.Value) kql.Value {
	regions, ok := unitedArg(args[0])
	if !ok {
		return kql.Null(kql.Real)
	}
	sum := 0.0
	for _, r := range regions {
		for _, e := range r.segments() {
			sum += float64(e.a.Distance(e.b))
		}
	}
	return kql.RealOf(sum * earthRadius)
}

func polygonCentroid(args []kql.Value) kql.Value {
	regions, ok := unitedArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	var sum s2.Point
	for _, r := range regions {
		sum = s2.Point{Vector: sum.Add(r.centroid().Vector)}
	}
	return centre(sum)
}

// singleLine is a line argument that must be one line.
func singleLine(v kql.Value) (polyline, bool) {
	lines, ok := linesArg(v)
	if !ok || len(lines) != 1 {
		return nil, false
	}
	return lines[0], true
}

// lineLocatePoint is the part of the line, 0 to 1, up to its point that is
// closest to the given one. On the spheroid the closest point is that of the
// sphere, and the lengths are the spheroid's.
func lineLocatePoint(args []kql.Value) kql.Value {
	line, ok1 := singleLine(args[0])
	p, ok2 := pointArg(args, 1)
	spheroid, ok3 := switched(args, 3)
	if !ok1 || !ok2 || !ok3 {
		return kql.Null(kql.Real)
	}
	measure := func(a, b s2.Point) float64 { return float64(a.Distance(b)) }
	if spheroid {
		measure = func(a, b s2.Point) float64 { return spheroidDistance(positionOf(a), positionOf(b)) }
	}
	t := newTree(segmentsOf([]polyline{line}))
	at, _, _ := t.nearest(p)
	upTo, whole := 0.0, 0.0
	for i, e := range t.edges {
		if i == at {
			upTo = whole + measure(e.a, s2.Project(p, e.a, e.b))
		}
		whole += measure(e.a, e.b)
	}
	return realOf(min(1, upTo/whole), whole > 0)
}

func lineInterpolatePoint(args []kql.Value) kql.Value {
	line, ok1 := singleLine(args[0])
	fraction, ok2 := number(args[1])
	if !ok1 || !ok2 || fraction < 0 || fraction > 1 {
		return kql.Null(kql.Dynamic)
	}
	whole := 0.0
	edges := segmentsOf([]polyline{line})
	for _, e := range edges {
		whole += float64(e.a.Distance(e.b))
	}
	rest := fraction * whole
	for _, e := range edges {
		if d := float64(e.a.Distance(e.b)); rest <= d {
			return kql.DynamicOf(pointJSON(s2.Interpolate(rest/d, e.a, e.b)))
		} else {
			rest -= d
		}
	}
	return kql.DynamicOf(pointJSON(line[len(line)-1]))
}
