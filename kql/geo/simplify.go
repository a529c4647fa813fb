package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

// maxSimplify is the tolerance that simplify must stay below: 70 degrees.
const maxSimplify = earthRadius * 70 * math.Pi / 180

// chain is a path to simplify: a line, or a ring.
type chain struct {
	points []s2.Point
	closed bool
}

// simplifyAll thins chains out: vertices closer to each other than the
// tolerance become one, and vertices within the tolerance of an edge that skips
// them go. Where chains run together they stay together, so that neighbours
// neither part nor overlap. A chain that vanishes is empty in the result.
func simplifyAll(chains []chain, tolerance s1.Angle) []chain {
	g := newSites(chains, tolerance)
	paths := make([][]int32, len(chains))
	ways := make(map[int32][]int32) // neighbours of a site, at most three of them
	fixed := make(map[int32]bool)
	for i, c := range chains {
		path := g.path(c)
		paths[i] = path
		if len(path) == 0 {
			continue
		}
		for j := 1; j < len(path); j++ {
			join(ways, path[j-1], path[j])
			join(ways, path[j], path[j-1])
		}
		if c.closed {
			join(ways, path[len(path)-1], path[0])
			join(ways, path[0], path[len(path)-1])
		} else {
			fixed[path[0]], fixed[path[len(path)-1]] = true, true
		}
	}
	for v, n := range ways {
		if len(n) != 2 {
			fixed[v] = true
		}
	}
	out := make([]chain, len(chains))
	for i, c := range chains {
		out[i].closed = c.closed
		for _, v := range g.thin(paths[i], c.closed, fixed) {
			out[i].points = append(out[i].points, g.points[v])
		}
	}
	return out
}

func join(ways map[int32][]int32, v, w int32) {
	if n := ways[v]; len(n) < 3 && !slices.Contains(n, w) {
		ways[v] = append(n, w)
	}
}

// sites are the vertices that stay, and the site of every vertex.
type sites struct {
	tolerance s1.Angle
	points    []s2.Point
	of        map[s2.Point]int32
}

// newSites goes over the vertices along the curve of the cells and keeps each
// that is not within the tolerance of one that was kept. Every other belongs to
// the nearest that was.
func newSites(chains []chain, tolerance s1.Angle) *sites {
	g := &sites{tolerance: tolerance, of: make(map[s2.Point]int32)}
	var all []s2.Point
	for _, c := range chains {
		for _, p := range c.points {
			if _, seen := g.of[p]; !seen {
				g.of[p] = -1
				all = append(all, p)
			}
		}
	}
	cells := make(map[s2.Point]s2.CellID, len(all))
	for _, p := range all {
		cells[p] = s2.CellFromPoint(p).ID()
	}
	slices.SortStableFunc(all, func(p, q s2.Point) int { return cmp.Compare(cells[p], cells[q]) })
	chord := float64(s1.ChordAngleFromAngle(tolerance))
	step := max(math.Sqrt(chord), 1e-12)
	grid := make(map[[3]int64][]int32)
	at := func(p s2.Point) [3]int64 {
		return [3]int64{int64(math.Floor(p.X / step)), int64(math.Floor(p.Y / step)), int64(math.Floor(p.Z / step))}
	}
	nearest := func(p s2.Point) (int32, float64) {
		best, d := int32(-1), math.Inf(1)
		k := at(p)
		for x := k[0] - 1; x <= k[0]+1; x++ {
			for y := k[1] - 1; y <= k[1]+1; y++ {
				for z := k[2] - 1; z <= k[2]+1; z++ {
					for _, i := range grid[[3]int64{x, y, z}] {
						if e := g.points[i].Sub(p.Vector).Norm2(); e < d {
							best, d = i, e
						}
					}
				}
			}
		}
		return best, d
	}
	for _, p := range all {
		if near, d := nearest(p); near < 0 || d >= chord && d > 0 {
			i := int32(len(g.points))
			g.points = append(g.points, p)
			grid[at(p)] = append(grid[at(p)], i)
		}
	}
	for _, p := range all {
		g.of[p], _ = nearest(p)
	}
	return g
}

// path is a chain as sites, without repetitions; empty when it vanishes.
func (g *sites) path(c chain) []int32 {
	var path []int32
	for _, p := range c.points {
		if s := g.of[p]; len(path) == 0 || path[len(path)-1] != s {
			path = append(path, s)
		}
	}
	for c.closed && len(path) > 1 && path[0] == path[len(path)-1] {
		path = path[:len(path)-1]
	}
	if len(path) < 2 || c.closed && len(path) < 3 {
		return nil
	}
	return path
}

// thin leaves out sites of a path between fixed ones.
func (g *sites) thin(path []int32, closed bool, fixed map[int32]bool) []int32 {
	if len(path) == 0 {
		return nil
	}
	if !closed {
		return g.between(path, fixed)
	}
	// Start a ring at a fixed site, so that it is thinned the same way as its
	// neighbours; the answer keeps the first vertex first if that stays.
	start := max(0, slices.IndexFunc(path, func(v int32) bool { return fixed[v] }))
	ring := append(slices.Clone(path[start:]), path[:start+1]...)
	ring = g.between(ring, fixed)
	ring = ring[:len(ring)-1]
	if len(ring) < 3 {
		return nil
	}
	if first := slices.Index(ring, path[0]); first > 0 {
		ring = append(slices.Clone(ring[first:]), ring[:first]...)
	}
	return ring
}

// between thins each stretch between fixed sites. A stretch is always walked in
// the same direction, whichever way round a chain takes it.
func (g *sites) between(path []int32, fixed map[int32]bool) []int32 {
	out := []int32{path[0]}
	for lo := 0; lo < len(path)-1; {
		hi := lo + 1
		for hi < len(path)-1 && !fixed[path[hi]] {
			hi++
		}
		stretch := slices.Clone(path[lo : hi+1])
		back := fixed[stretch[0]] && slices.Compare(stretch[len(stretch)-2:], []int32{stretch[1], stretch[0]}) < 0
		if back {
			slices.Reverse(stretch)
		}
		stretch = g.extend(stretch)
		if back {
			slices.Reverse(stretch)
		}
		out = append(out, stretch[1:]...)
		lo = hi
	}
	return out
}

// extend replaces runs of short edges by long ones: from each vertex as far on
// as an edge can go and still pass within the tolerance of all that it skips.
func (g *sites) extend(path []int32) []int32 {
	out := path[:1:1]
	for at := 0; at < len(path)-1; {
		from := g.points[path[at]]
		cone := newCone(from, g.tolerance)
		last := at + 1
		for last < len(path)-1 && cone.narrow(g.points[path[last]]) && cone.reaches(g.points[path[last+1]]) {
			last++
		}
		out = append(out, path[last])
		at = last
	}
	return out
}

// cone is the set of directions from a point in which an edge passes all the
// discs that it must.
type cone struct {
	from      s2.Point
	tolerance float64
	mid, half float64
	full      bool
}

func newCone(from s2.Point, tolerance s1.Angle) *cone {
	return &cone{from: from, tolerance: float64(tolerance), full: true}
}

func (c *cone) bearing(p s2.Point) float64 {
	x := c.from.Ortho()
	y := c.from.Cross(x)
	return math.Atan2(p.Dot(y), p.Dot(x))
}

// narrow takes the directions that pass the disc around p; false if none is
// left.
func (c *cone) narrow(p s2.Point) bool {
	d := float64(c.from.Distance(p))
	if d <= c.tolerance {
		return true
	}
	if d >= math.Pi/2 {
		return false
	}
	half := math.Asin(min(1, math.Sin(c.tolerance)/math.Sin(d)))
	to := c.bearing(p)
	if c.full {
		c.mid, c.half, c.full = to, half, false
		return true
	}
	off := math.Remainder(to-c.mid, 2*math.Pi)
	lo, hi := max(-c.half, off-half), min(c.half, off+half)
	c.mid, c.half = c.mid+(lo+hi)/2, (hi-lo)/2
	return c.half >= 0
}

func (c *cone) reaches(p s2.Point) bool {
	return c.full || math.Abs(math.Remainder(c.bearing(p)-c.mid, 2*math.Pi)) <= c.half
}

// toleranceArg is the tolerance of the simplify functions.
func toleranceArg(args []kql.Value) (s1.Angle, bool) {
	metres, ok := numberOr(args, 1, defaultTolerance)
	return radians(metres), ok && metres >= 0 && metres < maxSimplify
}

func lineSimplify(args []kql.Value) kql.Value {
	lines, ok1 := linesArg(args[0])
	tolerance, ok2 := toleranceArg(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	var chains []chain
	for _, l := range uniteLines(lines) {
		chains = append(chains, chain{points: l})
	}
	var out []polyline
	for _, c := range simplifyAll(chains, tolerance) {
		if len(c.points) > 1 {
			out = append(out, polyline(c.points))
		}
	}
	if len(out) == 0 {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(linesJSON(uniteLines(out)))
}

// simplifyRegions thins out polygons. Should edges cross after that, it tries
// again with half the tolerance.
func simplifyRegions(regions []*region, tolerance s1.Angle) []*region {
	for range 20 {
		var chains []chain
		for _, r := range regions {
			for _, l := range r.loops {
				chains = append(chains, chain{points: l, closed: true})
			}
		}
		thin := simplifyAll(chains, tolerance)
		var out []*region
		good := true
		for _, r := range regions {
			s := &region{}
			for i := range r.loops {
				c := thin[0]
				thin = thin[1:]
				if len(c.points) == 0 {
					continue
				}
				upright := s2.LoopFromPoints(c.points).IsNormalized() == (i == 0)
				if i == 0 || len(s.loops) > 0 {
					s.loops = append(s.loops, c.points)
					good = good && upright
				}
			}
			if len(s.loops) == 0 {
				continue
			}
			good = good && s.simple()
			out = append(out, s)
		}
		if good {
			return out
		}
		tolerance /= 2
	}
	return regions
}

func polygonSimplify(args []kql.Value) kql.Value {
	regions, ok1 := unitedArg(args[0])
	tolerance, ok2 := toleranceArg(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	return simplified(regions, tolerance)
}

func simplified(regions []*region, tolerance s1.Angle) kql.Value {
	out := simplifyRegions(regions, tolerance)
	if len(out) == 0 {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(regionsJSON(out))
}

// regionsOfArray reads an array of polygons and multipolygons.
func regionsOfArray(v kql.Value) ([]*region, bool) {
	list, ok := v.Dynamic().([]kql.Dyn)
	if !ok || len(list) == 0 {
		return nil, false
	}
	var out []*region
	for _, d := range list {
		regions, ok := regionsOf(d)
		if !ok {
			return nil, false
		}
		out = append(out, regions...)
	}
	return out, true
}

func simplifyPolygonsArray(args []kql.Value) kql.Value {
	regions, ok1 := regionsOfArray(args[0])
	tolerance, ok2 := toleranceArg(args)
	if !ok1 || !ok2 {
		return kql.Null(kql.Dynamic)
	}
	return simplified(regions, tolerance)
}

func unionPolygonsArray(args []kql.Value) kql.Value {
	regions, ok := regionsOfArray(args[0])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	if regions, ok = unite(regions); !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(regionsJSON(regions))
}

func unionLinesArray(args []kql.Value) kql.Value {
	list, ok := args[0].Dynamic().([]kql.Dyn)
	if !ok || len(list) == 0 {
		return kql.Null(kql.Dynamic)
	}
	var all []polyline
	for _, d := range list {
		lines, ok := linesOf(d)
		if !ok {
			return kql.Null(kql.Dynamic)
		}
		all = append(all, lines...)
	}
	return kql.DynamicOf(linesJSON(uniteLines(all)))
}
