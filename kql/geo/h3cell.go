package geo

import (
	"math"
	"strconv"

	"github.com/uber/h3-go/v4"

	"github.com/tocsinhq/tocsin/kql"
)

const (
	maxH3Resolution     = 15
	defaultH3Resolution = 6
	maxH3Descent        = 5   // levels that children may be below
	maxH3Rings          = 142 // distance of geo_h3cell_rings
)

func (p position) h3() h3.LatLng { return h3.LatLng{Lat: p.lat, Lng: p.lng} }

func fromH3(l h3.LatLng) position { return position{l.Lng, l.Lat} }

func pointToH3Cell(args []kql.Value) kql.Value {
	p, ok1 := positionArg(args, 0)
	resolution, ok2 := wholeOr(args, 2, defaultH3Resolution, 0, maxH3Resolution)
	if !ok1 || !ok2 {
		return kql.StringOf("")
	}
	return kql.StringOf(h3.LatLngToCell(p.h3(), resolution).String())
}

func h3CellArg(v kql.Value) (h3.Cell, bool) {
	n, err := strconv.ParseUint(v.Str(), 16, 63)
	if err != nil {
		return 0, false
	}
	c := h3.Cell(n)
	return c, c.IsValid()
}

func h3CellToCentralPoint(args []kql.Value) kql.Value {
	c, ok := h3CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(geometry("Point", fromH3(c.LatLng()).json()))
}

func h3CellToPolygon(args []kql.Value) kql.Value {
	c, ok := h3CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	var ring []position
	for _, p := range c.Boundary() {
		ring = append(ring, fromH3(p))
	}
	ring = append(ring, ring[0])
	return kql.DynamicOf(geometry("Polygon", []kql.Dyn{positionsJSON(ring)}))
}

func h3Level(args []kql.Value) kql.Value {
	c, ok := h3CellArg(args[0])
	if !ok {
		return kql.Null(kql.Int)
	}
	return kql.IntOf(int64(c.Resolution()))
}

func h3Parent(args []kql.Value) kql.Value {
	c, ok := h3CellArg(args[0])
	if !ok {
		return kql.StringOf("")
	}
	own := c.Resolution()
	to, ok := wholeOr(args, 1, own-1, 0, min(own, maxH3Resolution-1))
	if !ok {
		return kql.StringOf("")
	}
	return kql.StringOf(c.Parent(to).String())
}

func h3Children(args []kql.Value) kql.Value {
	c, ok := h3CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	own := c.Resolution()
	to, ok := wholeOr(args, 1, own+1, max(own, 1), min(own+maxH3Descent, maxH3Resolution))
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(h3Tokens(c.Children(to)))
}

// h3Rings lists the cells by their distance, from the cell itself outwards.
func h3Rings(args []kql.Value) kql.Value {
	c, ok1 := h3CellArg(args[0])
	distance, ok2 := wholeOr(args, 1, 0, 0, maxH3Rings)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	var out []kql.Dyn
	for _, ring := range c.GridDiskDistances(distance) {
		out = append(out, h3Tokens(ring))
	}
	return kql.DynamicOf(out)
}

func h3Neighbors(args []kql.Value) kql.Value {
	c, ok := h3CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	rings := c.GridDiskDistances(1)
	return kql.DynamicOf(h3Tokens(rings[1]))
}

// h3Tokens leaves out the gaps that pentagons make.
func h3Tokens(cells []h3.Cell) []kql.Dyn {
	out := make([]kql.Dyn, 0, len(cells))
	for _, c := range cells {
		if c != 0 {
			out = append(out, c.String())
		}
	}
	return out
}

// polygonToH3Cells lists the cells whose centres are in the polygon, whose
// edges are straight lines here and not geodesics. With a radius the polygon is
// widened by it first. More cells than the limit are null.
func polygonToH3Cells(args []kql.Value) kql.Value {
	regions, ok1 := regionsArg(args[0])
	polygons, _, _ := readPolygons(args[0].Dynamic())
	resolution, ok2 := wholeOr(args, 1, defaultH3Resolution, 0, maxH3Resolution)
	radius, ok3 := numberOr(args, 2, 0)
	if !ok1 || !ok2 || !ok3 || radius < 0 {
		return kql.Null(kql.Dynamic)
	}
	if radius > 0 {
		wide, ok := bufferRegions(regions, radius, defaultTolerance)
		if !ok {
			return kql.Null(kql.Dynamic)
		}
		polygons = flat(wide)
	}
	f := h3Fill{resolution: resolution, seen: make(map[h3.Cell]bool)}
	for _, rings := range polygons {
		if !f.polygon(newFlatPolygon(rings)) {
			return kql.Null(kql.Dynamic)
		}
	}
	return kql.DynamicOf(h3Tokens(f.out))
}

// flat is regions as rings of degrees, closed.
func flat(regions []*region) [][][]position {
	var out [][][]position
	for _, r := range regions {
		var rings [][]position
		for _, l := range r.loops {
			ring := make([]position, 0, len(l)+1)
			for _, p := range l {
				ring = append(ring, positionOf(p))
			}
			rings = append(rings, append(ring, ring[0]))
		}
		out = append(out, rings)
	}
	return out
}

// flatPolygon is a polygon in the plane of longitude and latitude. One that
// crosses the antimeridian is moved east, to longitudes of 0 to 360.
type flatPolygon struct {
	rings [][]position
	moved bool
}

func newFlatPolygon(rings [][]position) *flatPolygon {
	p := &flatPolygon{}
	for i := 1; i < len(rings[0]); i++ {
		if math.Abs(rings[0][i].lng-rings[0][i-1].lng) > 180 {
			p.moved = true
		}
	}
	for _, r := range rings {
		ring := make([]position, len(r))
		for i, q := range r {
			ring[i] = p.place(q)
		}
		p.rings = append(p.rings, ring)
	}
	return p
}

func (p *flatPolygon) place(q position) position {
	if p.moved && q.lng < 0 {
		q.lng += 360
	}
	return q
}

func (p *flatPolygon) contains(q position) bool {
	q = p.place(q)
	inside := false
	for _, ring := range p.rings {
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			if (a.lat > q.lat) != (b.lat > q.lat) && q.lng < a.lng+(q.lat-a.lat)*(b.lng-a.lng)/(b.lat-a.lat) {
				inside = !inside
			}
		}
	}
	return inside
}

// h3Fill traces the outline of polygons with cells and grows inwards from it.
type h3Fill struct {
	resolution int
	seen       map[h3.Cell]bool
	out        []h3.Cell
}

func (f *h3Fill) polygon(p *flatPolygon) bool {
	// Half the shortest edge of a cell, in degrees of a great circle; no cell
	// on the outline is missed by more than one, whose neighbours are tried.
	step := 0.25 * math.Sqrt(h3.HexagonAreaAvgKm2(f.resolution)) / 111.2
	var front []h3.Cell
	outline := make(map[h3.Cell]bool)
	steps := 0.0
	for _, ring := range p.rings {
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			n := math.Ceil(max(math.Abs(b.lng-a.lng), math.Abs(b.lat-a.lat))/step) + 1
			if steps += n; steps > 100*maxH3Cells {
				return false
			}
			for j := 0.0; j < n; j++ {
				q := position{a.lng + (b.lng-a.lng)*j/n, a.lat + (b.lat-a.lat)*j/n}
				c := h3.LatLngToCell(q.h3(), f.resolution)
				if !outline[c] {
					outline[c] = true
					front = append(front, c)
				}
			}
		}
	}
	tried := make(map[h3.Cell]bool)
	for len(front) > 0 {
		var next []h3.Cell
		for _, c := range front {
			for _, n := range c.GridDisk(1) {
				if n == 0 || tried[n] {
					continue
				}
				tried[n] = true
				if !p.contains(fromH3(n.LatLng())) {
					continue
				}
				next = append(next, n)
				if f.seen[n] {
					continue
				}
				f.seen[n] = true
				f.out = append(f.out, n)
				if len(f.out) > maxH3Cells {
					return false
				}
			}
		}
		front = next
	}
	return true
}
