package geo

import (
	"github.com/tocsinhq/tocsin/kql"
)

// Parameters, named as in Kusto's signatures.
func num(names ...string) []kql.Param {
	params := make([]kql.Param, len(names))
	for i, n := range names {
		params[i] = kql.P(n, kql.AnyNumber)
	}
	return params
}

func bag(name string) []kql.Param { return []kql.Param{kql.P(name, dynamic)} }

func text(name string) []kql.Param { return []kql.Param{kql.P(name, kql.SetOf(kql.String))} }

func optional(names ...string) []kql.Param {
	params := make([]kql.Param, len(names))
	for i, n := range names {
		params[i] = kql.Opt(n, kql.AnyNumber)
	}
	return params
}

func toggle(name string) []kql.Param {
	return []kql.Param{kql.Opt(name, kql.AnyNumber|kql.SetOf(kql.Bool))}
}

const dynamic = kql.TypeSet(1) << kql.Dynamic

func list(parts ...[]kql.Param) []kql.Param {
	var all []kql.Param
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func define(name string, result kql.Type, params []kql.Param, eval func([]kql.Value) kql.Value, doc string) kql.Func {
	return kql.Func{Name: name, Sigs: []kql.Sig{kql.Of(result, params...)}, Eval: eval, NullIn: true, Doc: doc}
}

// withShape defines a function whose argument at is a shape. A constant one is
// read, checked and indexed once for the query.
func withShape[T any](name string, result kql.Type, params []kql.Param, at int, read func(kql.Value) (T, bool), eval func([]kql.Value, T) kql.Value, doc string) kql.Func {
	f := define(name, result, params, func(args []kql.Value) kql.Value {
		shape, ok := read(args[at])
		if !ok {
			return kql.Null(result)
		}
		return eval(args, shape)
	}, doc)
	f.Prepare = func(consts []*kql.Value) (func([]kql.Value) kql.Value, error) {
		if at >= len(consts) || consts[at] == nil {
			return nil, nil
		}
		shape, ok := read(*consts[at])
		return func(args []kql.Value) kql.Value {
			if !ok {
				return kql.Null(result)
			}
			for _, a := range args {
				if a.IsNull() {
					return kql.Null(result)
				}
			}
			return eval(args, shape)
		}, nil
	}
	return f
}

// lineTree reads lines as an index of their edges.
func lineTree(v kql.Value) (*tree, bool) {
	lines, ok := linesArg(v)
	if !ok {
		return nil, false
	}
	return newTree(segmentsOf(lines)), true
}

func init() { kql.Register(functions()...) }

func functions() []kql.Func {
	return []kql.Func{
		define("geo_angle", kql.Real, num("p1_longitude", "p1_latitude", "p2_longitude", "p2_latitude", "p3_longitude", "p3_latitude"), angle,
			"The clockwise angle in radians between the lines from the second point to the first and to the third."),
		define("geo_azimuth", kql.Real, num("p1_longitude", "p1_latitude", "p2_longitude", "p2_latitude"), azimuth,
			"The bearing from the first point to the second, in radians clockwise from north."),
		define("geo_distance_2points", kql.Real, list(num("p1_longitude", "p1_latitude", "p2_longitude", "p2_latitude"), toggle("use_spheroid")), distance2Points,
			"The distance between two points, in metres."),
		define("geo_point_in_circle", kql.Bool, num("p_longitude", "p_latitude", "pc_longitude", "pc_latitude", "c_radius"), pointInCircle,
			"Whether a point is within a radius in metres of another."),
		define("geo_point_buffer", kql.Dynamic, list(num("longitude", "latitude", "radius"), optional("tolerance")), pointBuffer,
			"A polygon around all that is within a radius in metres of a point."),

		withShape("geo_point_in_polygon", kql.Bool, list(num("longitude", "latitude"), bag("polygon")), 2, regionsArg, pointInPolygon,
			"Whether a point is inside a polygon."),
		withShape("geo_distance_point_to_polygon", kql.Real, list(num("longitude", "latitude"), bag("polygon")), 2, regionsArg, distancePointToPolygon,
			"The distance of a point from a polygon, in metres; 0 inside."),
		withShape("geo_distance_point_to_line", kql.Real, list(num("longitude", "latitude"), bag("lineString")), 2, lineTree, distancePointToLine,
			"The distance of a point from a line, in metres."),
		withShape("geo_closest_point_on_line", kql.Dynamic, list(num("longitude", "latitude"), bag("lineString")), 2, lineTree, closestPointOnLine,
			"The point of a line that is closest to a point."),
		withShape("geo_closest_point_on_polygon", kql.Dynamic, list(num("longitude", "latitude"), bag("polygon")), 2, regionsArg, closestPointOnPolygon,
			"The point of a polygon that is closest to a point."),

		define("geo_line_length", kql.Real, bag("lineString"), lineLength, "The length of a line, in metres."),
		define("geo_line_centroid", kql.Dynamic, bag("lineString"), lineCentroid, "The centroid of a line."),
		define("geo_line_locate_point", kql.Real, list(bag("lineString"), num("longitude", "latitude"), toggle("use_spheroid")), lineLocatePoint,
			"The fraction of a line, 0 to 1, at which it is closest to a point."),
		define("geo_line_interpolate_point", kql.Dynamic, list(bag("lineString"), num("fraction")), lineInterpolatePoint,
			"The point at a fraction, 0 to 1, of a line."),
		define("geo_line_densify", kql.Dynamic, list(bag("lineString"), optional("tolerance"), toggle("preserve_crossing")), lineDensify,
			"Turns straight edges into geodesics by adding points, within a tolerance in metres."),
		define("geo_line_simplify", kql.Dynamic, list(bag("lineString"), optional("tolerance")), lineSimplify,
			"Replaces nearly straight chains of short edges, within a tolerance in metres."),
		define("geo_line_buffer", kql.Dynamic, list(bag("lineString"), num("radius"), optional("tolerance")), lineBuffer,
			"A polygon around all that is within a radius in metres of a line."),
		define("geo_line_to_s2cells", kql.Dynamic, list(bag("lineString"), optional("level", "radius")), lineToS2Cells,
			"The S2 cells of one level that cover a line."),

		define("geo_polygon_area", kql.Real, bag("polygon"), polygonArea, "The area of a polygon, in square metres."),
		define("geo_polygon_perimeter", kql.Real, bag("polygon"), polygonPerimeter, "The length of the boundary of a polygon, in metres."),
		define("geo_polygon_centroid", kql.Dynamic, bag("polygon"), polygonCentroid, "The centroid of a polygon."),
		define("geo_polygon_densify", kql.Dynamic, list(bag("polygon"), optional("tolerance"), toggle("preserve_crossing")), polygonDensify,
			"Turns straight edges into geodesics by adding points, within a tolerance in metres."),
		define("geo_polygon_simplify", kql.Dynamic, list(bag("polygon"), optional("tolerance")), polygonSimplify,
			"Replaces nearly straight chains of short edges, within a tolerance in metres."),
		define("geo_polygon_buffer", kql.Dynamic, list(bag("polygon"), num("radius"), optional("tolerance")), polygonBuffer,
			"A polygon around all that is within a radius in metres of a polygon."),
		define("geo_polygon_to_s2cells", kql.Dynamic, list(bag("polygon"), optional("level", "radius")), polygonToS2Cells,
			"The S2 cells of one level that cover a polygon."),
		define("geo_polygon_to_h3cells", kql.Dynamic, list(bag("polygon"), optional("resolution", "radius")), polygonToH3Cells,
			"The H3 cells of one resolution whose centres are in a polygon."),
		define("geo_simplify_polygons_array", kql.Dynamic, list(bag("polygons"), optional("tolerance")), simplifyPolygonsArray,
			"Simplifies polygons together, so that common borders stay common."),
		define("geo_union_polygons_array", kql.Dynamic, bag("polygons"), unionPolygonsArray, "The union of polygons."),
		define("geo_union_lines_array", kql.Dynamic, bag("lineStrings"), unionLinesArray, "The union of lines."),

		define("geo_intersects_2lines", kql.Bool, list(bag("lineString1"), bag("lineString2")), common(commonLines).any, "Whether two lines meet."),
		define("geo_intersects_line_with_polygon", kql.Bool, list(bag("lineString"), bag("polygon")), common(commonLinePolygon).any,
			"Whether a line and a polygon meet."),
		define("geo_intersects_2polygons", kql.Bool, list(bag("polygon1"), bag("polygon2")), common(commonPolygons).any, "Whether two polygons meet."),
		define("geo_intersection_2lines", kql.Dynamic, list(bag("lineString1"), bag("lineString2")), common(commonLines).shape,
			"What two lines have in common."),
		define("geo_intersection_line_with_polygon", kql.Dynamic, list(bag("lineString"), bag("polygon")), common(commonLinePolygon).shape,
			"The part of a line that is in a polygon."),
		define("geo_intersection_2polygons", kql.Dynamic, list(bag("polygon1"), bag("polygon2")), common(commonPolygons).shape,
			"What two polygons have in common."),

		define("geo_point_to_geohash", kql.String, list(num("longitude", "latitude"), optional("accuracy")), pointToGeohash, "The geohash of a point."),
		define("geo_geohash_to_central_point", kql.Dynamic, text("geohash"), geohashToCentralPoint, "The centre of a geohash."),
		define("geo_geohash_to_polygon", kql.Dynamic, text("geohash"), geohashToPolygon, "The rectangle of a geohash."),
		define("geo_geohash_neighbors", kql.Dynamic, text("geohash"), geohashNeighbors, "The geohashes around one."),

		define("geo_point_to_s2cell", kql.String, list(num("longitude", "latitude"), optional("level")), pointToS2Cell, "The S2 cell of a point."),
		define("geo_s2cell_to_central_point", kql.Dynamic, text("s2cell"), s2CellToCentralPoint, "The centre of an S2 cell."),
		define("geo_s2cell_to_polygon", kql.Dynamic, text("s2cell"), s2CellToPolygon, "The polygon of an S2 cell."),
		define("geo_s2cell_neighbors", kql.Dynamic, text("s2cell"), s2CellNeighbors, "The S2 cells around one."),

		define("geo_point_to_h3cell", kql.String, list(num("longitude", "latitude"), optional("resolution")), pointToH3Cell, "The H3 cell of a point."),
		define("geo_h3cell_to_central_point", kql.Dynamic, text("h3cell"), h3CellToCentralPoint, "The centre of an H3 cell."),
		define("geo_h3cell_to_polygon", kql.Dynamic, text("h3cell"), h3CellToPolygon, "The polygon of an H3 cell."),
		define("geo_h3cell_neighbors", kql.Dynamic, text("h3cell"), h3Neighbors, "The H3 cells around one."),
		define("geo_h3cell_rings", kql.Dynamic, list(text("h3cell"), num("distance")), h3Rings, "The H3 cells around one, by distance."),
		define("geo_h3cell_children", kql.Dynamic, list(text("h3cell"), optional("resolution")), h3Children, "The H3 cells that make up one."),
		define("geo_h3cell_parent", kql.String, list(text("h3cell"), optional("resolution")), h3Parent, "The H3 cell that one is a part of."),
		define("geo_h3cell_level", kql.Int, text("h3cell"), h3Level, "The resolution of an H3 cell."),

		define("geo_info_from_ip_address", kql.Dynamic, text("ip"), infoFromIP, "Where an IP address is, of the geolocation database."),

		define("geo_from_wkt", kql.Dynamic, []kql.Param{kql.P("wkt", dynamic|kql.SetOf(kql.String))}, fromWKT, "GeoJSON of well-known text."),
	}
}
