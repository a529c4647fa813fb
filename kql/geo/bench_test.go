package geo

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
)

func ringsJSON(rings [][]position) kql.Value {
	var list []kql.Dyn
	for _, r := range rings {
		list = append(list, positionsJSON(r))
	}
	return kql.DynamicOf(geometry("Polygon", list))
}

func BenchmarkPolygon(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		r := rand.New(rand.NewPCG(1, 2))
		one := ringsJSON(star(r, 10, 50, 1, n))
		two := ringsJSON(star(r, 10.5, 50.5, 1, n))
		for _, c := range []struct {
			name string
			args []kql.Value
		}{
			{"geo_polygon_area", []kql.Value{one}},
			{"geo_polygon_simplify", []kql.Value{one, kql.RealOf(1000)}},
			{"geo_intersection_2polygons", []kql.Value{one, two}},
			{"geo_union_polygons_array", []kql.Value{kql.DynamicOf([]kql.Dyn{one.Dynamic(), two.Dynamic()})}},
			{"geo_polygon_to_s2cells", []kql.Value{one, kql.LongOf(10)}},
			{"geo_polygon_to_h3cells", []kql.Value{one, kql.LongOf(6)}},
			{"geo_point_in_polygon", []kql.Value{kql.RealOf(10), kql.RealOf(50), one}},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				f := kql.LookupFunc(c.name)
				for b.Loop() {
					f.Eval(c.args)
				}
			})
		}
	}
}

// With a constant shape, as in most queries.
func BenchmarkPrepared(b *testing.B) {
	for _, n := range []int{10, 1000} {
		shape := ringsJSON(star(rand.New(rand.NewPCG(1, 2)), 10, 50, 1, n))
		for _, name := range []string{"geo_point_in_polygon", "geo_distance_point_to_polygon"} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				eval, err := kql.LookupFunc(name).Prepare([]*kql.Value{nil, nil, &shape})
				if err != nil {
					b.Fatal(err)
				}
				args := []kql.Value{kql.RealOf(10.2), kql.RealOf(50.3), shape}
				for b.Loop() {
					eval(args)
				}
			})
		}
	}
}

func BenchmarkBuffer(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	line := []position{{10, 50}}
	for range 1000 {
		p := line[len(line)-1]
		line = append(line, position{p.lng + 0.01*r.Float64(), p.lat + 0.01*(r.Float64()-0.5)})
	}
	args := []kql.Value{kql.DynamicOf(geometry("LineString", positionsJSON(line))), kql.RealOf(1000)}
	for b.Loop() {
		kql.LookupFunc("geo_line_buffer").Eval(args)
	}
}
