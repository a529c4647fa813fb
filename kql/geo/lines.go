package geo

import (
	"github.com/golang/geo/s2"
)

// uniteLines is the union of lines: edges that come twice, in either
// direction, are kept once, and what then follows on without a choice is one
// line. Lines that cross stay as they are.
func uniteLines(lines []polyline) []polyline {
	if len(lines) == 1 {
		return lines
	}
	m := newMesh()
	seen := make(map[[2]int32]bool)
	var kept []piece
	id := int32(0)
	for _, e := range segmentsOf(lines) {
		p := piece{m.vertex(e.a), m.vertex(e.b), id}
		id++
		if k, _ := key(p); p.u != p.v && !seen[k] {
			seen[k] = true
			kept = append(kept, p)
		}
	}
	return m.paths(kept)
}

// intersectLines is where two lists of lines meet: the parts that they share,
// in the direction of the first, and single points.
func intersectLines(a, b []polyline) (overlaid, bool) {
	x, y := segmentsOf(a), segmentsOf(b)
	m := newMesh()
	shift := int32(len(x))
	if !newTree(x).pairs(newTree(y), func(i, j int32) bool {
		m.cut(i, shift+j, x[i], y[j])
		return len(m.points) <= 2*maxVertices
	}) {
		return overlaid{}, false
	}
	theirs := make(map[[2]int32]bool)
	ends := make(map[int32]bool)
	var parts []piece
	for j, e := range y {
		parts = m.pieces(shift+int32(j), e, parts[:0])
		for _, p := range parts {
			k, _ := key(p)
			theirs[k] = true
			ends[p.u], ends[p.v] = true, true
		}
	}
	var kept []piece
	var met []int32
	seen := make(map[[2]int32]bool)
	used := make(map[int32]bool)
	parts = parts[:0]
	for i, e := range x {
		parts = m.pieces(int32(i), e, parts)
	}
	for _, p := range parts {
		if k, _ := key(p); theirs[k] && !seen[k] {
			seen[k] = true
			kept = append(kept, p)
			used[p.u], used[p.v] = true, true
		}
	}
	for _, p := range parts {
		for _, v := range [2]int32{p.u, p.v} {
			if ends[v] && !used[v] {
				used[v] = true
				met = append(met, v)
			}
		}
	}
	out := overlaid{lines: m.paths(kept)}
	for _, v := range met {
		out.points = append(out.points, m.points[v])
	}
	return out, true
}

// clipLines is the part of lines that is inside a region or on its boundary,
// and the single points in which they only touch.
func clipLines(lines []polyline, r *region) (overlaid, bool) {
	r.prepare()
	x := segmentsOf(lines)
	m := newMesh()
	shift := int32(len(x))
	if !newTree(x).pairs(r.tree, func(i, j int32) bool {
		m.cut(i, shift+j, x[i], r.tree.edges[j])
		return len(m.points) <= 2*maxVertices
	}) {
		return overlaid{}, false
	}
	boundary := make(map[[2]int32]bool)
	on := make(map[int32]bool)
	var parts []piece
	for j, e := range r.tree.edges {
		parts = m.pieces(shift+int32(j), e, parts[:0])
		for _, p := range parts {
			k, _ := key(p)
			boundary[k] = true
			on[p.u], on[p.v] = true, true
		}
	}
	var kept []piece
	seen := make(map[[2]int32]bool)
	used := make(map[int32]bool)
	parts = parts[:0]
	for i, e := range x {
		parts = m.pieces(int32(i), e, parts)
	}
	inside, last := false, int32(-1) // last: the vertex up to which inside is known
	for _, p := range parts {
		k, _ := key(p)
		if boundary[k] {
			last = -1
		} else {
			if last != p.u || on[p.u] {
				inside = r.contains(s2.Interpolate(0.5, m.points[p.u], m.points[p.v]))
			}
			last = p.v
			if !inside {
				continue
			}
		}
		if !seen[k] {
			seen[k] = true
			kept = append(kept, p)
			used[p.u], used[p.v] = true, true
		}
	}
	out := overlaid{lines: m.paths(kept)}
	for _, p := range parts {
		for _, v := range [2]int32{p.u, p.v} {
			if on[v] && !used[v] {
				used[v] = true
				out.points = append(out.points, m.points[v])
			}
		}
	}
	return out, true
}
