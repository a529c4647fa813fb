package geo

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
)

// dyn reads JSON as a dynamic.
func dyn(text string) (kql.Dyn, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, err
	}
	return dynFrom(v), nil
}

func dynFrom(v any) kql.Dyn {
	switch x := v.(type) {
	case map[string]any:
		bag := kql.NewBag()
		for k, y := range x {
			bag.Set(k, dynFrom(y))
		}
		return bag
	case []any:
		list := make([]kql.Dyn, len(x))
		for i, y := range x {
			list[i] = dynFrom(y)
		}
		return list
	}
	return v
}

var shapeSeeds = []string{
	`{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[1,1],[1,2],[2,2],[1,1]]]}`,
	`{"type":"MultiPolygon","coordinates":[[[[0,0],[2,0],[2,2],[0,0]]],[[[1,0],[3,0],[3,2],[1,0]]]]}`,
	`{"type":"linestring","coordinates":[[0,0],[1.5,1],[3,-1]]}`,
	`{"type":"MultiLineString","coordinates":[[[0,0],[1,1]],[[1,1],[2,0],[0.25,0.5]]]}`,
	`{"type":"Polygon","coordinates":[[[179,0],[-179,0],[-179,2],[179,2],[179,0]]]}`,
	`{"type":"Polygon","coordinates":[[[0,90],[90,80],[180,80],[-90,80],[0,90]]]}`,
	`{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}`,
	`{"type":"Polygon","coordinates":[[[0,0],[180,0],[0,0],[0,0]]]}`,
	`{"type":"Polygon","coordinates":[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]}`,
	`{"type":"Polygon","coordinates":[]}`,
	`{"type":"LineString","coordinates":[[0,90],[10,90]]}`,
	`{"type":"Point","coordinates":[1,2]}`,
	`{"type":3}`,
	`[1]`,
}

// No input makes a function panic, hang or give a shape that is not one.
func FuzzShapes(f *testing.F) {
	for i, s := range shapeSeeds {
		f.Add(s, shapeSeeds[(i+1)%len(shapeSeeds)], float64(i), 1000.0)
		f.Add(s, s, -73.5, 1e7)
	}
	f.Fuzz(func(t *testing.T, a, b string, x, y float64) {
		if len(a) > 2000 || len(b) > 2000 {
			return
		}
		p, err1 := dyn(a)
		q, err2 := dyn(b)
		if err1 != nil || err2 != nil {
			return
		}
		call := func(name string, args ...any) kql.Value {
			values := make([]kql.Value, len(args))
			for i, arg := range args {
				switch v := arg.(type) {
				case float64:
					values[i] = kql.RealOf(v)
				case int:
					values[i] = kql.LongOf(int64(v))
				case bool:
					values[i] = kql.BoolOf(v)
				default:
					values[i] = kql.DynamicOf(v)
				}
			}
			return kql.LookupFunc(name).Eval(values)
		}
		for _, s := range []kql.Dyn{p, q} {
			for _, name := range []string{
				"geo_line_length", "geo_line_centroid", "geo_polygon_area", "geo_polygon_perimeter", "geo_polygon_centroid",
				"geo_line_densify", "geo_line_simplify", "geo_polygon_densify", "geo_polygon_simplify",
			} {
				call(name, s)
			}
			for _, name := range []string{
				"geo_point_in_polygon", "geo_distance_point_to_polygon", "geo_distance_point_to_line",
				"geo_closest_point_on_line", "geo_closest_point_on_polygon",
			} {
				call(name, x, y, s)
				call(name, x, 45.0, s)
			}
			call("geo_line_locate_point", s, x, 10.0)
			call("geo_line_locate_point", s, x, 10.0, true)
			call("geo_line_interpolate_point", s, x)
			call("geo_line_to_s2cells", s, 4, math.Mod(y, 1e5))
			call("geo_polygon_to_s2cells", s, 4, math.Mod(y, 1e5))
			call("geo_polygon_to_h3cells", s, 1)
			call("geo_polygon_simplify", s, y)
			call("geo_line_simplify", s, y)
			call("geo_line_buffer", s, y, y/3)
			call("geo_polygon_buffer", s, y, y/3)
			if v := call("geo_polygon_area", s); !v.IsNull() && !(v.Real() >= 0 && v.Real() < 5.2e14) {
				t.Errorf("area %v of %v", v.Real(), s)
			}
		}
		for _, name := range []string{"2lines", "line_with_polygon", "2polygons"} {
			meet := call("geo_intersects_"+name, p, q)
			part := call("geo_intersection_"+name, p, q)
			if meet.IsNull() != part.IsNull() {
				t.Errorf("%s: one of them is null", name)
			}
		}
		call("geo_union_lines_array", []kql.Dyn{p, q})
		call("geo_union_polygons_array", []kql.Dyn{p, q})
		call("geo_simplify_polygons_array", []kql.Dyn{p, q}, y)
	})
}

func FuzzWKT(f *testing.F) {
	for _, s := range []string{
		"POINT (1 2)", "POINT Z (1 2 3)", "pointz(1 2 3)", "LINESTRING (1 2, 3 4)", "POLYGON ((0 0, 2 0, 2 2, 0 0),(1 1,1 2,2 2,1 1))",
		"MULTIPOINT ((1 1), (2 2), 3 3)", "MULTIPOLYGON EMPTY", "GEOMETRYCOLLECTION (POINT (1 1),GEOMETRYCOLLECTION EMPTY)",
		"POINT (1e308 -.5e-3)", "LINESTRING", "POINT(1 2))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseWKT(text)
		if !ok {
			return
		}
		bag, isBag := d.(*kql.Bag)
		if !isBag {
			t.Fatalf("%q is %T", text, d)
		}
		kind, _ := bag.Get("type")
		if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), strings.ToUpper(kind.(string))) {
			t.Errorf("%q is a %v", text, kind)
		}
	})
}
