package geo

import (
	"math"
	"strings"

	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

// geometryOf splits a GeoJSON geometry into its type, in lower case since
// Kusto takes any, and its coordinates.
func geometryOf(d kql.Dyn) (string, []kql.Dyn, bool) {
	bag, ok := d.(*kql.Bag)
	if !ok || bag == nil {
		return "", nil, false
	}
	kind, _ := bag.Get("type")
	name, ok := kind.(string)
	if !ok {
		return "", nil, false
	}
	c, _ := bag.Get("coordinates")
	list, ok := c.([]kql.Dyn)
	return strings.ToLower(name), list, ok
}

// reader counts the vertices that it reads and stops at the limit.
type reader struct{ vertices int }

func (r *reader) position(d kql.Dyn) (position, bool) {
	list, ok := d.([]kql.Dyn)
	if !ok || len(list) < 2 {
		return position{}, false
	}
	lng, ok1 := float(list[0])
	lat, ok2 := float(list[1])
	p := position{lng, lat}
	r.vertices++
	return p, ok1 && ok2 && p.valid() && r.vertices <= maxVertices
}

func float(d kql.Dyn) (float64, bool) {
	switch x := d.(type) {
	case float64:
		return x, true
	case int64:
		return float64(x), true
	}
	return 0, false
}

func (r *reader) positions(d kql.Dyn) ([]position, bool) {
	list, ok := d.([]kql.Dyn)
	if !ok {
		return nil, false
	}
	out := make([]position, len(list))
	for i, x := range list {
		if out[i], ok = r.position(x); !ok {
			return nil, false
		}
	}
	return out, true
}

// readLines reads a LineString or a MultiLineString: at least one line, each of
// at least two entries that are not all the same, no edge of 180 degrees.
func readLines(d kql.Dyn) (lines [][]position, multi, ok bool) {
	kind, list, ok := geometryOf(d)
	if !ok {
		return nil, false, false
	}
	switch kind {
	case "linestring":
		list = []kql.Dyn{list}
	case "multilinestring":
		multi = true
	default:
		return nil, false, false
	}
	var r reader
	for _, x := range list {
		line, ok := r.positions(x)
		if !ok || len(line) < 2 {
			return nil, false, false
		}
		lines = append(lines, line)
	}
	return lines, multi, len(lines) > 0
}

// readPolygons reads a Polygon or a MultiPolygon as lists of rings without
// checking how the rings lie; see newRegion for that. Rings keep their closing
// vertex.
func readPolygons(d kql.Dyn) (polygons [][][]position, multi, ok bool) {
	kind, list, ok := geometryOf(d)
	if !ok {
		return nil, false, false
	}
	switch kind {
	case "polygon":
		list = []kql.Dyn{list}
	case "multipolygon":
		multi = true
	default:
		return nil, false, false
	}
	var r reader
	for _, x := range list {
		rings, ok := x.([]kql.Dyn)
		if !ok || len(rings) == 0 {
			return nil, false, false
		}
		var polygon [][]position
		for _, y := range rings {
			ring, ok := r.positions(y)
			if !ok || len(ring) < 4 || ring[0] != ring[len(ring)-1] {
				return nil, false, false
			}
			polygon = append(polygon, ring)
		}
		polygons = append(polygons, polygon)
	}
	return polygons, multi, len(polygons) > 0
}

// polyline is a line on the sphere, without repeated vertices.
type polyline []s2.Point

// linesOf reads lines as linesArg does, from a value inside an array.
func linesOf(d kql.Dyn) ([]polyline, bool) {
	raw, _, ok := readLines(d)
	if !ok {
		return nil, false
	}
	lines := make([]polyline, len(raw))
	for i, positions := range raw {
		line := make(polyline, 0, len(positions))
		for _, p := range positions {
			q := p.point()
			if n := len(line); n > 0 {
				if line[n-1] == q {
					continue
				}
				if antipodal(line[n-1], q) {
					return nil, false
				}
			}
			line = append(line, q)
		}
		if len(line) < 2 {
			return nil, false
		}
		lines[i] = line
	}
	return lines, true
}

func linesArg(v kql.Value) ([]polyline, bool) { return linesOf(v.Dynamic()) }

// antipodal tells whether no single geodesic joins a and b.
func antipodal(a, b s2.Point) bool { return a.Add(b.Vector).Norm2() < 1e-28 }

// coordinate is a number as Kusto prints it: whole ones without a fraction.
func coordinate(f float64) kql.Dyn {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

func (p position) json() kql.Dyn { return []kql.Dyn{coordinate(p.lng), coordinate(p.lat)} }

func geometry(kind string, coordinates kql.Dyn) *kql.Bag {
	bag := kql.NewBag()
	bag.Set("type", kind)
	bag.Set("coordinates", coordinates)
	return bag
}

func collection(members []kql.Dyn) *kql.Bag {
	bag := kql.NewBag()
	bag.Set("type", "GeometryCollection")
	bag.Set("geometries", members)
	return bag
}

func pointJSON(p s2.Point) kql.Dyn { return geometry("Point", positionOf(p).json()) }

func pathJSON(path []s2.Point) []kql.Dyn {
	out := make([]kql.Dyn, len(path), len(path)+1)
	for i, p := range path {
		out[i] = positionOf(p).json()
	}
	return out
}

// ringJSON closes the ring.
func ringJSON(ring []s2.Point) kql.Dyn {
	out := pathJSON(ring)
	return append(out, out[0])
}

func positionsJSON(list []position) kql.Dyn {
	out := make([]kql.Dyn, len(list))
	for i, p := range list {
		out[i] = p.json()
	}
	return out
}

// one writes a list of coordinates as the single or as the multiple type.
func one(single string, list []kql.Dyn) kql.Dyn {
	if len(list) == 1 {
		return geometry(single, list[0])
	}
	return geometry("Multi"+single, list)
}

func pointsJSON(points []s2.Point) kql.Dyn {
	return one("Point", pathJSON(points))
}

func linesJSON(lines []polyline) kql.Dyn {
	list := make([]kql.Dyn, len(lines))
	for i, l := range lines {
		list[i] = pathJSON(l)
	}
	return one("LineString", list)
}

func regionsJSON(regions []*region) kql.Dyn {
	list := make([]kql.Dyn, len(regions))
	for i, r := range regions {
		rings := make([]kql.Dyn, len(r.loops))
		for j, loop := range r.loops {
			rings[j] = ringJSON(loop)
		}
		list[i] = rings
	}
	return one("Polygon", list)
}
