package kql

import "fmt"

// geoLookup binds geo_polygon_lookup and geo_line_lookup: the rows of in with
// those of a lookup table whose shape holds the row's point, or is near enough.
// inside tests that, distance measures in meters.
func (p *pluginCall) geoLookup(inside, distance string, radiusNeeded bool) (RowOperator, error) {
	if len(p.args) < 4 {
		return nil, errArguments
	}
	test := LookupFunc(distance)
	if inside != "" {
		test = LookupFunc(inside)
	}
	near := LookupFunc(distance)
	if test == nil || near == nil {
		return nil, fmt.Errorf("the geospatial functions are not part of this program")
	}
	lookup := p.b.tabular(p.args[0])
	over := &pluginCall{b: p.b, name: p.name, in: lookup}
	key, shape := over.column(p.args[1])
	lon := compute(p.expr(p.args[2]), p.in.cols)
	lat := compute(p.expr(p.args[3]), p.in.cols)
	rest := p.args[4:]
	number := func(name string) (float64, bool) {
		e := p.named[name]
		if e == nil && len(rest) > 0 {
			if x := p.b.scalar(rest[0]); AnyNumber.Has(x.Type()) {
				e, rest = rest[0], rest[1:]
			}
		}
		if e == nil {
			return 0, false
		}
		v := p.b.constantOf(e)
		if v == nil || !AnyNumber.Has(v.Type()) || v.IsNull() || numberOf(*v) < 0 {
			p.b.errorf(e.Pos(), "KS141", "%s: %s must be a number of meters that is not negative.", p.name, name)
			return 0, false
		}
		return numberOf(*v), true
	}
	flag := func(name string) bool {
		e := p.named[name]
		if e == nil && len(rest) > 0 {
			if x := p.b.scalar(rest[0]); x.Type() == Bool {
				e, rest = rest[0], rest[1:]
			}
		}
		if e == nil {
			return false
		}
		v := p.b.constantOf(e)
		return v != nil && v.Bool()
	}
	op := &geoLookupOp{name: p.name, lon: lon, lat: lat, shape: shape}
	radius, given := number("radius")
	if radiusNeeded && !given {
		return nil, errArguments
	}
	op.unmatched = flag("return_unmatched")
	number("lookup_area_radius") // speeds Kusto's index up; the answer is the same
	withKey := flag("return_lookup_key")
	if given {
		op.radius, op.test = radius, near
	} else {
		op.test = test
	}
	op.within = given
	p.ins = append(p.ins, p.b.exact(lookup))
	names := projection{b: p.b}
	for _, c := range p.in.cols {
		names.add(c.Name, &ColRef{Col: c}, false)
	}
	for i, c := range lookup.cols {
		if c.ID == key.ID && !withKey {
			continue
		}
		op.out = append(op.out, i)
		op.types = append(op.types, c.Type)
		names.add(c.Name, &ColRef{Col: c}, false)
	}
	for i := range names.cols {
		p.add(names.cols[i].col.Name, names.cols[i].col.Type)
	}
	return op, nil
}

type geoLookupOp struct {
	name      string
	lon, lat  Compute
	shape     Compute
	test      *Func // of a point and a shape
	radius    float64
	within    bool // test gives a distance that radius bounds
	unmatched bool
	out       []int // columns of the lookup table that come out
	types     []Type
}

func (o *geoLookupOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	type entry struct {
		shape Value
		eval  func([]Value) Value
		out   []Value
	}
	k := newKeeper(o.name)
	var entries []entry
	err := eachRow(ins[1], func(row []Value) error {
		e := entry{shape: o.shape(row), eval: o.test.Eval}
		if e.shape.IsNull() {
			return nil
		}
		for _, i := range o.out {
			e.out = append(e.out, row[i])
		}
		if o.test.Prepare != nil {
			eval, err := o.test.Prepare([]*Value{nil, nil, &e.shape})
			if err == nil && eval != nil {
				e.eval = eval
			}
		}
		entries = append(entries, e)
		return k.add(rowBytes(row) * 4)
	})
	if err != nil {
		return err
	}
	nothing := make([]Value, len(o.out))
	for i, t := range o.types {
		if nothing[i] = Null(t); t == String {
			nothing[i] = StringOf("")
		}
	}
	var out []Value
	return eachRow(ins[0], func(row []Value) error {
		lon, lat := o.lon(row), o.lat(row)
		found := false
		if !lon.IsNull() && !lat.IsNull() {
			for i := range entries {
				e := &entries[i]
				v := e.eval([]Value{lon, lat, e.shape})
				if v.IsNull() || o.within && v.Real() > o.radius || !o.within && !v.Bool() {
					continue
				}
				found = true
				out = append(append(out[:0], row...), e.out...)
				if err := emit(out); err != nil {
					return err
				}
			}
		}
		if !found && o.unmatched {
			out = append(append(out[:0], row...), nothing...)
			return emit(out)
		}
		return nil
	})
}
