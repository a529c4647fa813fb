package geo

import (
	"cmp"
	"slices"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

const (
	maxS2Level     = 30
	defaultS2Level = 11
)

func pointToS2Cell(args []kql.Value) kql.Value {
	p, ok1 := pointArg(args, 0)
	level, ok2 := wholeOr(args, 2, defaultS2Level, 0, maxS2Level)
	if !ok1 || !ok2 {
		return kql.StringOf("")
	}
	return kql.StringOf(s2.CellFromPoint(p).ID().Parent(level).ToToken())
}

func s2CellArg(v kql.Value) (s2.CellID, bool) {
	text := v.Str()
	if text == "" || len(text) > 16 {
		return 0, false
	}
	id := s2.CellIDFromToken(text)
	return id, id.IsValid()
}

func s2CellToCentralPoint(args []kql.Value) kql.Value {
	id, ok := s2CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(pointJSON(id.Point()))
}

func s2CellToPolygon(args []kql.Value) kql.Value {
	id, ok := s2CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	c := s2.CellFromCellID(id)
	ring := make([]s2.Point, 4)
	for i := range ring {
		ring[i] = c.Vertex(i)
	}
	return kql.DynamicOf(geometry("Polygon", []kql.Dyn{ringJSON(ring)}))
}

// s2CellNeighbors lists the eight cells of the same level around one; fewer at
// the corner of a face.
func s2CellNeighbors(args []kql.Value) kql.Value {
	id, ok := s2CellArg(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	all := id.AllNeighbors(id.Level())
	var list []s2.CellID
	for _, i := range s2NeighbourOrder {
		if i < len(all) && !slices.Contains(list, all[i]) {
			list = append(list, all[i])
		}
	}
	return kql.DynamicOf(tokens(list))
}

// s2NeighbourOrder is Kusto's order, in terms of S2's, which goes along the
// columns of the face.
var s2NeighbourOrder = [8]int{7, 0, 1, 2, 3, 5, 4, 6}

func tokens(cells []s2.CellID) []kql.Dyn {
	out := make([]kql.Dyn, len(cells))
	for i, c := range cells {
		out[i] = c.ToToken()
	}
	return out
}

// lineToS2Cells and polygonToS2Cells cover a shape, and with a radius all that
// is within it of the shape, with the cells of one level. More cells than the
// limit are null.
func lineToS2Cells(args []kql.Value) kql.Value {
	lines, ok1 := linesArg(args[0])
	level, radius, ok2 := coverArgs(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	return cover(segmentsOf(lines), nil, level, radius)
}

func polygonToS2Cells(args []kql.Value) kql.Value {
	regions, ok1 := regionsArg(args[0])
	level, radius, ok2 := coverArgs(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	var edges []segment
	for _, r := range regions {
		edges = append(edges, r.segments()...)
	}
	return cover(edges, regions, level, radius)
}

func coverArgs(args []kql.Value) (level int, radius s1.Angle, ok bool) {
	level, ok1 := wholeOr(args, 1, defaultS2Level, 0, maxS2Level)
	metres, ok2 := numberOr(args, 2, 0)
	return level, radians(metres), ok1 && ok2 && metres >= 0
}

// cover walks down the cells, each with the edges that come near it.
func cover(edges []segment, inside []*region, level int, radius s1.Angle) kql.Value {
	var out []s2.CellID
	limit := s1.ChordAngleFromAngle(radius)
	var visit func(c s2.Cell, near []segment) bool
	visit = func(c s2.Cell, near []segment) bool {
		var here []segment
		for _, e := range near {
			if meets(c, e, limit) {
				here = append(here, e)
			}
		}
		if len(here) == 0 {
			// No boundary comes near: the cell is all inside or all outside.
			if !within(inside, c.Center()) {
				return true
			}
			if level-c.Level() > 8 || len(out)+1<<(2*(level-c.Level())) > maxS2Cells {
				return false
			}
			for id := c.ID().ChildBeginAtLevel(level); id != c.ID().ChildEndAtLevel(level); id = id.Next() {
				out = append(out, id)
			}
			return true
		}
		if c.Level() == level {
			out = append(out, c.ID())
			return len(out) <= maxS2Cells
		}
		children, _ := c.Children()
		for _, child := range children {
			if !visit(child, here) {
				return false
			}
		}
		return true
	}
	for face := range 6 {
		if !visit(s2.CellFromCellID(s2.CellIDFromFace(face)), edges) {
			return kql.Null(kql.Dynamic)
		}
	}
	slices.SortFunc(out, func(a, b s2.CellID) int { return cmp.Compare(a, b) })
	return kql.DynamicOf(tokens(out))
}

func within(regions []*region, p s2.Point) bool {
	for _, r := range regions {
		if r.contains(p) {
			return true
		}
	}
	return false
}

// meets tells whether an edge comes within the limit of a cell. At a limit of 0
// that is whether they touch.
func meets(c s2.Cell, e segment, limit s1.ChordAngle) bool {
	return c.DistanceToEdge(e.a, e.b) <= limit
}
