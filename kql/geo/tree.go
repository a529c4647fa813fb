package geo

import (
	"math"
	"slices"

	"github.com/golang/geo/r3"
	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"
)

// segment is a geodesic edge.
type segment struct{ a, b s2.Point }

// box bounds points in space.
type box struct{ lo, hi r3.Vector }

func (b *box) add(v r3.Vector, pad float64) {
	b.lo.X, b.hi.X = min(b.lo.X, v.X-pad), max(b.hi.X, v.X+pad)
	b.lo.Y, b.hi.Y = min(b.lo.Y, v.Y-pad), max(b.hi.Y, v.Y+pad)
	b.lo.Z, b.hi.Z = min(b.lo.Z, v.Z-pad), max(b.hi.Z, v.Z+pad)
}

func emptyBox() box {
	inf := math.Inf(1)
	return box{r3.Vector{X: inf, Y: inf, Z: inf}, r3.Vector{X: -inf, Y: -inf, Z: -inf}}
}

func (b *box) meets(o *box) bool {
	return b.lo.X <= o.hi.X && o.lo.X <= b.hi.X &&
		b.lo.Y <= o.hi.Y && o.lo.Y <= b.hi.Y &&
		b.lo.Z <= o.hi.Z && o.lo.Z <= b.hi.Z
}

// distance2 is the square of the straight distance from p to the box.
func (b *box) distance2(p r3.Vector) float64 {
	x := max(b.lo.X-p.X, 0, p.X-b.hi.X)
	y := max(b.lo.Y-p.Y, 0, p.Y-b.hi.Y)
	z := max(b.lo.Z-p.Z, 0, p.Z-b.hi.Z)
	return x*x + y*y + z*z
}

// bounds of an edge: the box of its ends, widened by as much as the arc rises
// above its chord, and by the tolerance at which edges are taken to touch.
func (s segment) bounds() box {
	half := s.a.Sub(s.b.Vector).Norm2() / 4
	rise := 1 - math.Sqrt(max(0, 1-half))
	b := emptyBox()
	b.add(s.a.Vector, rise+touch)
	b.add(s.b.Vector, rise+touch)
	return b
}

// tree finds edges by place: a balanced tree of boxes over a list of edges. It
// is not changed once it is built, so that goroutines may share it.
type tree struct {
	edges []segment
	order []int32 // edges in the order of the leaves
	nodes []node
}

type node struct {
	box    box
	lo, hi int32 // of order
	left   int32 // the right child follows it; -1 for a leaf
}

const leafSize = 4

func newTree(edges []segment) *tree {
	t := &tree{edges: edges, order: make([]int32, len(edges))}
	boxes := make([]box, len(edges))
	for i, e := range edges {
		t.order[i] = int32(i)
		boxes[i] = e.bounds()
	}
	if len(edges) > 0 {
		t.nodes = make([]node, 1, 2*len(edges)/leafSize+1)
		t.build(0, 0, int32(len(edges)), boxes)
	}
	return t
}

func (t *tree) build(at, lo, hi int32, boxes []box) {
	b := emptyBox()
	for _, i := range t.order[lo:hi] {
		b.add(boxes[i].lo, 0)
		b.add(boxes[i].hi, 0)
	}
	t.nodes[at] = node{b, lo, hi, -1}
	if hi-lo <= leafSize {
		return
	}
	size := b.hi.Sub(b.lo)
	axis := size.LargestComponent()
	slices.SortFunc(t.order[lo:hi], func(i, j int32) int {
		d := middle(&boxes[i], axis) - middle(&boxes[j], axis)
		switch {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return int(i - j)
	})
	left := int32(len(t.nodes))
	t.nodes = append(t.nodes, node{}, node{})
	t.nodes[at].left = left
	mid := (lo + hi) / 2
	t.build(left, lo, mid, boxes)
	t.build(left+1, mid, hi, boxes)
}

func middle(b *box, axis r3.Axis) float64 {
	switch axis {
	case r3.XAxis:
		return b.lo.X + b.hi.X
	case r3.YAxis:
		return b.lo.Y + b.hi.Y
	}
	return b.lo.Z + b.hi.Z
}

// maxPairs bounds how many pairs of edges one operation looks at; shapes with
// more are all spikes.
const maxPairs = 1 << 26

// pairs calls f with every edge of t and every one of o whose boxes may meet,
// until it says false. With t itself, each pair comes once, an edge never with
// itself. The result is false also when there are too many pairs.
func (t *tree) pairs(o *tree, f func(i, j int32) bool) bool {
	if len(t.nodes) == 0 || len(o.nodes) == 0 {
		return true
	}
	type pair struct{ x, y int32 }
	stack := []pair{{0, 0}}
	self := t == o
	left := maxPairs
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		x, y := &t.nodes[p.x], &o.nodes[p.y]
		if !x.box.meets(&y.box) {
			continue
		}
		switch {
		case x.left < 0 && y.left < 0:
			for _, i := range t.order[x.lo:x.hi] {
				bi := t.edges[i].bounds()
				for _, j := range o.order[y.lo:y.hi] {
					if self && p.x == p.y && i >= j {
						continue
					}
					if left--; left < 0 {
						return false
					}
					bj := o.edges[j].bounds()
					if bi.meets(&bj) && !f(i, j) {
						return false
					}
				}
			}
		case self && p.x == p.y:
			stack = append(stack, pair{x.left, x.left}, pair{x.left + 1, x.left + 1}, pair{x.left, x.left + 1})
		case y.left < 0 || x.left >= 0 && x.hi-x.lo >= y.hi-y.lo:
			stack = append(stack, pair{x.left, p.y}, pair{x.left + 1, p.y})
		default:
			stack = append(stack, pair{p.x, y.left}, pair{p.x, y.left + 1})
		}
	}
	return true
}

// nearest is the edge closest to p, and how far it is. ok is false when there
// are no edges.
func (t *tree) nearest(p s2.Point) (edge int, distance s1.Angle, ok bool) {
	if len(t.nodes) == 0 {
		return 0, 0, false
	}
	best, at := s1.InfChordAngle(), int32(-1)
	stack := make([]int32, 1, 64)
	for len(stack) > 0 {
		n := &t.nodes[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		if n.box.distance2(p.Vector) > float64(best) {
			continue
		}
		if n.left < 0 {
			for _, i := range t.order[n.lo:n.hi] {
				if d, less := s2.UpdateMinDistance(p, t.edges[i].a, t.edges[i].b, best); less {
					best, at = d, i
				}
			}
			continue
		}
		l, r := n.left, n.left+1
		if t.nodes[l].box.distance2(p.Vector) < t.nodes[r].box.distance2(p.Vector) {
			l, r = r, l
		}
		stack = append(stack, l, r)
	}
	if at < 0 {
		return 0, 0, false
	}
	// The angle of the chord loses digits near the antipode and for tiny
	// distances; measure the winner again.
	return int(at), s2.DistanceFromSegment(p, t.edges[at].a, t.edges[at].b), true
}

func segmentsOf(lines []polyline) []segment {
	var out []segment
	for _, l := range lines {
		for i := 1; i < len(l); i++ {
			out = append(out, segment{l[i-1], l[i]})
		}
	}
	return out
}
