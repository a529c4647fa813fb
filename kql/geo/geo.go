// Package geo gives the query language its geospatial functions: geo_*.
//
// Importing the package registers them. Coordinates are degrees, longitude
// first, on the WGS 84 reference; measures are metres on a sphere with the
// radius of 6,371,010 m, and edges are geodesics of that sphere, as Kusto has
// it, except where a function says that it takes the spheroid or flat edges.
// Shapes are GeoJSON bags. What is not valid (a coordinate out of range, a ring
// that crosses itself, a tolerance out of bounds) gives null, never an error.
//
// It is a package of its own because it needs libraries (S2, H3), and package
// kql has none.
package geo

import (
	"math"
	"strconv"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/tocsinhq/tocsin/kql"
)

// earthRadius is the sphere's radius in metres, the one of S2.
const earthRadius = 6_371_010.0

// Limits on what one call takes and makes. They keep a single row from taking
// the memory of the process; the counts of cells are Kusto's.
const (
	maxVertices = 1 << 20
	maxDensify  = 10_485_760
	maxS2Cells  = 65_536
	maxH3Cells  = 61_680
)

// radians is the angle that a length in metres takes on the sphere.
func radians(metres float64) s1.Angle { return s1.Angle(metres / earthRadius) }

// number is the value of a numeric argument; not ok for null, NaN and infinity.
func number(v kql.Value) (float64, bool) {
	if v.IsNull() {
		return 0, false
	}
	var f float64
	switch v.Type() {
	case kql.Decimal:
		var err error
		if f, err = strconv.ParseFloat(v.Str(), 64); err != nil {
			return 0, false
		}
	case kql.Bool, kql.Int, kql.Long, kql.Real:
		f = v.Float()
	default:
		return 0, false
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// numberOr is the numeric argument i, or the default when it was not given.
func numberOr(args []kql.Value, i int, missing float64) (float64, bool) {
	if i >= len(args) {
		return missing, true
	}
	return number(args[i])
}

// wholeOr is numberOr for levels and resolutions: within lo and hi, cut to a
// whole number.
func wholeOr(args []kql.Value, i, missing, lo, hi int) (int, bool) {
	f, ok := numberOr(args, i, float64(missing))
	f = math.Trunc(f)
	if !ok || f < float64(lo) || f > float64(hi) {
		return 0, false
	}
	return int(f), true
}

// switched is a switch such as use_spheroid, which may be a bool or a number.
func switched(args []kql.Value, i int) (bool, bool) {
	f, ok := numberOr(args, i, 0)
	return f != 0, ok
}

// position is a longitude and a latitude in degrees.
type position struct{ lng, lat float64 }

func (p position) valid() bool {
	return p.lng >= -180 && p.lng <= 180 && p.lat >= -90 && p.lat <= 90
}

func (p position) point() s2.Point {
	return s2.PointFromLatLng(s2.LatLngFromDegrees(p.lat, p.lng))
}

func positionOf(p s2.Point) position {
	ll := s2.LatLngFromPoint(p)
	return position{ll.Lng.Degrees(), ll.Lat.Degrees()}
}

// pointArg reads the coordinate in arguments i and i+1.
func pointArg(args []kql.Value, i int) (s2.Point, bool) {
	p, ok := positionArg(args, i)
	if !ok {
		return s2.Point{}, false
	}
	return p.point(), true
}

func positionArg(args []kql.Value, i int) (position, bool) {
	lng, ok1 := number(args[i])
	lat, ok2 := number(args[i+1])
	p := position{lng, lat}
	return p, ok1 && ok2 && p.valid()
}

// real, text and shape wrap a result; the ok of the functions below it says
// whether there is one.
func realOf(f float64, ok bool) kql.Value {
	if !ok || math.IsNaN(f) {
		return kql.Null(kql.Real)
	}
	return kql.RealOf(f)
}

func boolOf(b, ok bool) kql.Value {
	if !ok {
		return kql.Null(kql.Bool)
	}
	return kql.BoolOf(b)
}

func dynOf(d kql.Dyn, ok bool) kql.Value {
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(d)
}
