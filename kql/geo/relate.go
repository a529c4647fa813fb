package geo

import (
	"github.com/tocsinhq/tocsin/kql"
)

// json writes what two shapes have in common: one kind as that kind, several
// kinds or nothing as a collection, points first.
func (o *overlaid) json() kql.Dyn {
	var members []kql.Dyn
	if len(o.points) > 0 {
		members = append(members, pointsJSON(o.points))
	}
	if len(o.lines) > 0 {
		members = append(members, linesJSON(o.lines))
	}
	if len(o.regions) > 0 {
		members = append(members, regionsJSON(o.regions))
	}
	if len(members) == 1 {
		return members[0]
	}
	if members == nil {
		members = []kql.Dyn{}
	}
	return collection(members)
}

// common is an intersection of the two arguments; shapes include their
// boundaries, so shapes that only touch have points or lines in common.
type common func(a, b kql.Value) (overlaid, bool)

func commonLines(a, b kql.Value) (overlaid, bool) {
	x, ok1 := linesArg(a)
	y, ok2 := linesArg(b)
	if !ok1 || !ok2 {
		return overlaid{}, false
	}
	return intersectLines(x, y)
}

func commonLinePolygon(a, b kql.Value) (overlaid, bool) {
	x, ok1 := linesArg(a)
	y, ok2 := unitedArg(b)
	if !ok1 || !ok2 {
		return overlaid{}, false
	}
	return clipLines(x, joined(y))
}

func commonPolygons(a, b kql.Value) (overlaid, bool) {
	x, ok1 := regionsArg(a)
	y, ok2 := regionsArg(b)
	if !ok1 || !ok2 {
		return overlaid{}, false
	}
	return intersect(x, y)
}

func (c common) shape(args []kql.Value) kql.Value {
	got, ok := c(args[0], args[1])
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(got.json())
}

func (c common) any(args []kql.Value) kql.Value {
	got, ok := c(args[0], args[1])
	return boolOf(!got.empty(), ok)
}
