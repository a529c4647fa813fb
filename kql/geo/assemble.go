package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/golang/geo/s2"
)

// regions makes loops of directed pieces, inside on the left, and regions of
// the loops.
//
// The order of what comes out is a part of the answer that people see, so it is
// the one of S2's builder: vertices are ranked along the curve of the cells,
// walks start at the lowest, turn left wherever they can, and a loop is turned
// so that the pieces of its highest edge come last.
func (m *mesh) regions(kept []piece) []*region {
	rank := m.ranks(kept)
	slices.SortStableFunc(kept, func(x, y piece) int {
		return cmp.Or(cmp.Compare(rank[x.u], rank[y.u]), cmp.Compare(rank[x.v], rank[y.v]))
	})
	next := m.leftTurns(kept)
	at := make(map[int32]int) // vertex to its place on the path
	var loops [][]piece
	for start := range kept {
		var path []piece
		for e := int32(start); e >= 0 && next[e] != -1; {
			follow := next[e]
			next[e] = -1
			path = append(path, kept[e])
			at[kept[e].u] = len(path) - 1
			if from, ok := at[kept[e].v]; ok {
				loop := slices.Clone(path[from:])
				for _, p := range loop {
					delete(at, p.u)
				}
				path = path[:from]
				if len(loop) >= 3 {
					rotate(loop)
					loops = append(loops, loop)
				}
			}
			e = follow
		}
		clear(at)
	}
	slices.SortStableFunc(loops, func(x, y []piece) int { return cmp.Compare(x[0].id, y[0].id) })
	return m.nest(loops)
}

// ranks puts the vertices that are used in the order of their leaf cells.
func (m *mesh) ranks(kept []piece) map[int32]int32 {
	rank := make(map[int32]int32, len(kept))
	for _, p := range kept {
		rank[p.u], rank[p.v] = 0, 0
	}
	list := make([]int32, 0, len(rank))
	for v := range rank {
		list = append(list, v)
	}
	cells := make(map[int32]s2.CellID, len(list))
	for _, v := range list {
		cells[v] = s2.CellFromPoint(m.points[v]).ID()
	}
	slices.SortFunc(list, func(x, y int32) int {
		return cmp.Or(cmp.Compare(cells[x], cells[y]), cmp.Compare(x, y))
	})
	for i, v := range list {
		rank[v] = int32(i)
	}
	return rank
}

// leftTurns gives for each piece the one that follows it, turning as far left
// as the pieces at the vertex allow; -2 where the path ends.
func (m *mesh) leftTurns(kept []piece) []int32 {
	outgoing := make(map[int32][]int32, len(kept))
	incoming := make(map[int32][]int32, len(kept))
	for i, p := range kept {
		outgoing[p.u] = append(outgoing[p.u], int32(i))
		incoming[p.v] = append(incoming[p.v], int32(i))
	}
	next := make([]int32, len(kept))
	for i := range next {
		next[i] = -2
	}
	for v, in := range incoming {
		out := outgoing[v]
		if len(in) == 1 && len(out) == 1 {
			next[in[0]] = out[0]
			continue
		}
		// Around the vertex clockwise: an edge that comes in, then, across the
		// inside, the edge that goes out.
		type spoke struct {
			angle float64
			edge  int32
			in    bool
		}
		var spokes []spoke
		for _, e := range in {
			spokes = append(spokes, spoke{m.bearing(v, kept[e].u), e, true})
		}
		for _, e := range out {
			spokes = append(spokes, spoke{m.bearing(v, kept[e].v), e, false})
		}
		slices.SortFunc(spokes, func(x, y spoke) int {
			return cmp.Or(cmp.Compare(y.angle, x.angle), cmp.Compare(x.edge, y.edge))
		})
		taken := make([]bool, len(spokes))
		for i, s := range spokes {
			if !s.in {
				continue
			}
			for k := 1; k < len(spokes); k++ {
				j := (i + k) % len(spokes)
				if !spokes[j].in && !taken[j] {
					taken[j] = true
					next[s.edge] = spokes[j].edge
					break
				}
			}
		}
	}
	return next
}

// bearing is the direction from v to w, counterclockwise from a fixed one.
func (m *mesh) bearing(v, w int32) float64 {
	x := m.points[v].Ortho()
	y := m.points[v].Cross(x)
	d := m.points[w].Sub(m.points[v].Vector)
	return math.Atan2(d.Dot(y), d.Dot(x))
}

// rotate puts the pieces with the highest id last; of several runs of it the
// first, and of a run the last piece.
func rotate(loop []piece) {
	pos, gap := 0, false
	for i := 1; i < len(loop); i++ {
		switch {
		case loop[i].id < loop[pos].id:
			gap = true
		case loop[i].id > loop[pos].id || !gap:
			pos, gap = i, false
		}
	}
	pos = (pos + 1) % len(loop)
	turned := append(slices.Clone(loop[pos:]), loop[:pos]...)
	copy(loop, turned)
}

// nest puts holes with the shells that they are in.
func (m *mesh) nest(loops [][]piece) []*region {
	var shells []*region
	var holes [][]s2.Point
	for _, l := range loops {
		points := make([]s2.Point, len(l))
		for i, p := range l {
			points[i] = m.points[p.u]
		}
		if s2.LoopFromPoints(points).IsNormalized() {
			shells = append(shells, &region{loops: [][]s2.Point{points}})
		} else {
			holes = append(holes, points)
		}
	}
	if len(holes) == 0 {
		return shells
	}
	solid := make([]*region, len(shells))
	size := make([]float64, len(shells))
	for i, s := range shells {
		solid[i] = &region{loops: s.loops}
		if len(shells) > 1 {
			size[i] = solid[i].area()
		}
	}
	for _, h := range holes {
		// The smallest shell around it: shells may lie in holes of others. A
		// vertex may be common to both, the middle of an edge is not.
		best, p := -1, s2.Interpolate(0.5, h[0], h[1])
		for i, s := range solid {
			if (best < 0 || size[i] < size[best]) && s.contains(p) {
				best = i
			}
		}
		if best >= 0 {
			shells[best].loops = append(shells[best].loops, h)
		}
	}
	return shells
}

// paths joins pieces into lines: each as far as it can be followed without a
// choice, in the order of the pieces.
func (m *mesh) paths(list []piece) []polyline {
	in, out := make(map[int32]int), make(map[int32][]int)
	for i, p := range list {
		in[p.v]++
		out[p.u] = append(out[p.u], i)
	}
	through := func(v int32) bool { return in[v] == 1 && len(out[v]) == 1 }
	used := make([]bool, len(list))
	var lines []polyline
	walk := func(i int) {
		line := polyline{m.points[list[i].u]}
		for {
			used[i] = true
			line = append(line, m.points[list[i].v])
			v := list[i].v
			if !through(v) || used[out[v][0]] {
				break
			}
			i = out[v][0]
		}
		lines = append(lines, line)
	}
	for i, p := range list {
		if !used[i] && !through(p.u) {
			walk(i)
		}
	}
	for i := range list { // rings
		if !used[i] {
			walk(i)
		}
	}
	return lines
}
