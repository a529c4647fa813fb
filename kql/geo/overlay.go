package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/golang/geo/s2"
)

// touch is how near, on the unit sphere, a vertex and an edge or two vertices
// must be to count as touching: 64 nm on Earth, well above the error of a
// computed intersection and below anything that coordinates express.
const touch = 1e-14

// mesh gathers the edges of several shapes, splits them where they touch, and
// makes one vertex of those that are within touch of each other.
type mesh struct {
	points []s2.Point
	grid   map[[3]int64][]int32
	cuts   map[int32][]int32 // by edge number: vertices on it
}

const gridStep = 1e-12

func newMesh() *mesh {
	return &mesh{grid: make(map[[3]int64][]int32), cuts: make(map[int32][]int32)}
}

// vertex is the number of the vertex at p, a new one if there is none.
func (m *mesh) vertex(p s2.Point) int32 {
	lo := gridKey(p, -touch)
	hi := gridKey(p, touch)
	for x := lo[0]; x <= hi[0]; x++ {
		for y := lo[1]; y <= hi[1]; y++ {
			for z := lo[2]; z <= hi[2]; z++ {
				for _, i := range m.grid[[3]int64{x, y, z}] {
					if m.points[i].Sub(p.Vector).Norm2() <= touch*touch {
						return i
					}
				}
			}
		}
	}
	i := int32(len(m.points))
	m.points = append(m.points, p)
	at := gridKey(p, 0)
	m.grid[at] = append(m.grid[at], i)
	return i
}

func gridKey(p s2.Point, shift float64) [3]int64 {
	return [3]int64{
		int64(math.Floor((p.X + shift) / gridStep)),
		int64(math.Floor((p.Y + shift) / gridStep)),
		int64(math.Floor((p.Z + shift) / gridStep)),
	}
}

// cut notes where edges i and j (numbered within one list of all edges) touch.
func (m *mesh) cut(i, j int32, e, f segment) {
	if s2.CrossingSign(e.a, e.b, f.a, f.b) == s2.Cross {
		v := m.vertex(s2.Intersection(e.a, e.b, f.a, f.b))
		m.cuts[i] = append(m.cuts[i], v)
		m.cuts[j] = append(m.cuts[j], v)
	}
	m.cutAt(i, e, f.a)
	m.cutAt(i, e, f.b)
	m.cutAt(j, f, e.a)
	m.cutAt(j, f, e.b)
}

func (m *mesh) cutAt(i int32, e segment, p s2.Point) {
	if p != e.a && p != e.b && s2.DistanceFromSegment(p, e.a, e.b) <= touch {
		m.cuts[i] = append(m.cuts[i], m.vertex(p))
	}
}

// piece is a part of an edge between two vertices of the mesh. id is the number
// of the edge; pieces of results are put in the order of it.
type piece struct {
	u, v int32
	id   int32
}

// pieces are the parts of edge i, in its direction.
func (m *mesh) pieces(i int32, e segment, out []piece) []piece {
	u, v := m.vertex(e.a), m.vertex(e.b)
	cuts := m.cuts[i]
	slices.SortFunc(cuts, func(x, y int32) int {
		return cmp.Compare(m.points[x].Sub(e.a.Vector).Norm2(), m.points[y].Sub(e.a.Vector).Norm2())
	})
	at := u
	for _, c := range cuts {
		if c != at && c != v && c != u {
			out = append(out, piece{at, c, i})
			at = c
		}
	}
	if at != v {
		out = append(out, piece{at, v, i})
	}
	return out
}

// operation is what overlay computes.
type operation int

const (
	union operation = iota
	intersection
)

// overlaid is the result of an overlay: regions, and of an intersection also
// the lines and points in which boundaries only touch.
type overlaid struct {
	regions []*region
	lines   []polyline
	points  []s2.Point
}

func (o *overlaid) empty() bool {
	return len(o.regions) == 0 && len(o.lines) == 0 && len(o.points) == 0
}

// sides says, for a pair of vertices, which shape has an edge from the lower to
// the higher one and which the other way; each the id plus one, 0 for none.
type sides [2][2]int32

// overlay unites or intersects a and b. Vertices of the result keep the order
// of the input: rings start after the last of the input's edges that they have,
// which is where S2 starts them.
// It is not ok when there is too much to compute.
func overlay(op operation, a, b *region) (overlaid, bool) {
	a.prepare()
	b.prepare()
	m := newMesh()
	shift := int32(len(a.tree.edges))
	for _, e := range a.tree.edges {
		m.vertex(e.a)
	}
	contact := false
	if !a.tree.pairs(b.tree, func(i, j int32) bool {
		m.cut(i, shift+j, a.tree.edges[i], b.tree.edges[j])
		return len(m.points) <= 2*maxVertices
	}) {
		return overlaid{}, false
	}

	both := [2]*region{a, b}
	var loops [2][][]piece
	known := make(map[[2]int32]*sides)
	for s, r := range both {
		id := int32(s) * shift
		for _, l := range r.loops {
			var path []piece
			for i, p := range l {
				path = m.pieces(id, segment{p, l[(i+1)%len(l)]}, path)
				id++
			}
			for _, p := range path {
				k, way := key(p)
				have := known[k]
				if have == nil {
					have = new(sides)
					known[k] = have
				}
				if have[s][1-way] != 0 { // there and back encloses nothing
					have[s][1-way] = 0
				} else {
					have[s][way] = p.id + 1
				}
			}
			loops[s] = append(loops[s], path)
		}
	}
	var on [2][]bool
	for s := range both {
		on[s] = make([]bool, len(m.points))
		for _, path := range loops[s] {
			for _, p := range path {
				on[s][p.u] = true
				on[s][p.v] = true
			}
		}
	}

	var kept, spines []piece
	for s := range both {
		other := both[1-s]
		for _, path := range loops[s] {
			inside, sure := false, false
			for _, p := range path {
				if on[1-s][p.u] {
					sure, contact = false, true
				}
				k, way := key(p)
				have := known[k]
				if have[s][way] != p.id+1 {
					continue
				}
				if have[1-s] != [2]int32{} {
					sure = false
					if s == 1 {
						continue // shared edges are the first shape's
					}
					if have[1][way] != 0 {
						kept = append(kept, p)
					} else if op == intersection {
						spines = append(spines, p)
					}
					continue
				}
				if !sure {
					inside = other.contains(s2.Interpolate(0.5, m.points[p.u], m.points[p.v]))
					sure = true
				}
				if inside == (op == intersection) {
					kept = append(kept, p)
				}
			}
		}
	}

	var out overlaid
	out.regions = m.regions(kept)
	if op == union || !contact {
		return out, true
	}
	out.lines = m.paths(spines)
	used := make([]bool, len(m.points))
	for _, list := range [][]piece{kept, spines} {
		for _, p := range list {
			used[p.u], used[p.v] = true, true
		}
	}
	for i, p := range m.points {
		if on[0][i] && on[1][i] && !used[i] {
			out.points = append(out.points, p)
		}
	}
	return out, true
}

// key is the pair of vertices, lower first, and the direction: 0 up, 1 down.
func key(p piece) ([2]int32, int) {
	if p.u < p.v {
		return [2]int32{p.u, p.v}, 0
	}
	return [2]int32{p.v, p.u}, 1
}

// unite is the union of regions, each with one shell. The two with the fewest
// vertices are united first, as S2 does it.
func unite(regions []*region) ([]*region, bool) {
	type entry struct {
		size   int
		shapes *region
		single []*region
	}
	if len(regions) <= 1 {
		return regions, true
	}
	queue := make([]entry, 0, len(regions))
	put := func(e entry) {
		at, _ := slices.BinarySearchFunc(queue, e.size+1, func(x entry, size int) int { return cmp.Compare(x.size, size) })
		queue = slices.Insert(queue, at, e)
	}
	for _, r := range regions {
		put(entry{size: r.vertices(), shapes: r})
	}
	for len(queue) > 1 {
		a, b := queue[0], queue[1]
		queue = queue[2:]
		got, ok := overlay(union, a.shapes, b.shapes)
		if !ok {
			return nil, false
		}
		put(entry{size: a.size + b.size, shapes: joined(got.regions), single: got.regions})
	}
	return queue[0].single, true
}

// joined makes one region of several that do not overlap.
func joined(regions []*region) *region {
	if len(regions) == 1 {
		return regions[0]
	}
	all := &region{}
	for _, r := range regions {
		all.loops = append(all.loops, r.loops...)
	}
	return all
}

// intersect is what two lists of regions have in common.
func intersect(a, b []*region) (overlaid, bool) {
	x, ok1 := unite(a)
	y, ok2 := unite(b)
	if !ok1 || !ok2 {
		return overlaid{}, false
	}
	return overlay(intersection, joined(x), joined(y))
}
