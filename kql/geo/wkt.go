package geo

import (
	"math"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// fromWKT reads well-known text. A height (Z) is kept as a third coordinate;
// measures (M) and curves are not supported and give null, as does text that is
// not well-known text. An array of texts gives an array of shapes, null when
// one of them is.
func fromWKT(args []kql.Value) kql.Value {
	if args[0].Type() == kql.String {
		return dynOf(parseWKT(args[0].Str()))
	}
	switch d := args[0].Dynamic().(type) {
	case string:
		return dynOf(parseWKT(d))
	case []kql.Dyn:
		out := make([]kql.Dyn, len(d))
		for i, x := range d {
			text, ok := x.(string)
			if !ok {
				return kql.Null(kql.Dynamic)
			}
			if out[i], ok = parseWKT(text); !ok {
				return kql.Null(kql.Dynamic)
			}
		}
		return kql.DynamicOf(out)
	}
	return kql.Null(kql.Dynamic)
}

func parseWKT(text string) (kql.Dyn, bool) {
	p := wkt{text: text}
	d, ok := p.shape(0)
	p.space()
	return d, ok && p.at == len(text)
}

type wkt struct {
	text     string
	at       int
	height   bool
	vertices int
}

const maxNesting = 32

func (p *wkt) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take takes a character, after white space, if it is next.
func (p *wkt) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word is the next run of letters in upper case.
func (p *wkt) word() string {
	p.space()
	from := p.at
	for p.at < len(p.text) && (p.text[p.at]|0x20) >= 'a' && (p.text[p.at]|0x20) <= 'z' {
		p.at++
	}
	return strings.ToUpper(p.text[from:p.at])
}

// wktKinds are the shapes: the GeoJSON type and how deep their coordinates are
// nested in parentheses.
var wktKinds = map[string]struct {
	name  string
	depth int
}{
	"POINT":           {"Point", 0},
	"LINESTRING":      {"LineString", 1},
	"POLYGON":         {"Polygon", 2},
	"MULTIPOINT":      {"MultiPoint", 1},
	"MULTILINESTRING": {"MultiLineString", 2},
	"MULTIPOLYGON":    {"MultiPolygon", 3},
}

func (p *wkt) shape(nesting int) (kql.Dyn, bool) {
	word := p.word()
	// "POINTZ (1 2 3)" is written as well as "POINT Z (1 2 3)".
	if base, glued := strings.CutSuffix(word, "Z"); glued {
		word, p.height = base, true
	} else {
		p.height = false
	}
	kind, known := wktKinds[word]
	if !known && word != "GEOMETRYCOLLECTION" || nesting > maxNesting {
		return nil, false
	}
	from := p.at
	switch p.word() {
	case "":
	case "Z":
		p.height = true
		from = p.at
	}
	p.at = from
	if p.word() == "EMPTY" {
		if known {
			return geometry(kind.name, []kql.Dyn{}), true
		}
		return collection([]kql.Dyn{}), true
	}
	p.at = from
	if !known {
		return p.members(nesting)
	}
	if kind.name == "Point" {
		if !p.take('(') {
			return nil, false
		}
		c, ok := p.position()
		return geometry(kind.name, c), ok && p.take(')')
	}
	c, ok := p.list(kind.depth, kind.name == "MultiPoint")
	if !ok {
		return nil, false
	}
	return geometry(kind.name, c), true
}

func (p *wkt) members(nesting int) (kql.Dyn, bool) {
	if !p.take('(') {
		return nil, false
	}
	var out []kql.Dyn
	for {
		member, ok := p.shape(nesting + 1)
		if !ok {
			return nil, false
		}
		out = append(out, member)
		if p.take(')') {
			return collection(out), true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

// list reads "( item, item )", items nested depth-1 deep, at last positions. A
// multipoint's positions may have parentheses of their own.
func (p *wkt) list(depth int, bracketed bool) ([]kql.Dyn, bool) {
	if !p.take('(') {
		return nil, false
	}
	var out []kql.Dyn
	for {
		var item kql.Dyn
		ok := false
		switch {
		case depth > 1:
			item, ok = p.list(depth-1, bracketed)
		case bracketed && p.take('('):
			item, ok = p.position()
			ok = ok && p.take(')')
		default:
			item, ok = p.position()
		}
		if !ok {
			return nil, false
		}
		out = append(out, item)
		if p.take(')') {
			return out, true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

func (p *wkt) position() (kql.Dyn, bool) {
	p.vertices++
	if p.vertices > maxVertices {
		return nil, false
	}
	n := 2
	if p.height {
		n = 3
	}
	out := make([]kql.Dyn, 0, 3)
	for i := 0; i < n || i < 3 && p.digit(); i++ {
		f, ok := p.number()
		if !ok {
			return nil, false
		}
		out = append(out, coordinate(f))
	}
	at := position{whole(out[0]), whole(out[1])}
	return out, at.valid()
}

func whole(d kql.Dyn) float64 {
	f, _ := float(d)
	return f
}

// digit tells whether a number follows.
func (p *wkt) digit() bool {
	p.space()
	return p.at < len(p.text) && strings.IndexByte("+-.0123456789", p.text[p.at]) >= 0
}

func (p *wkt) number() (float64, bool) {
	p.space()
	from := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	f, err := strconv.ParseFloat(p.text[from:p.at], 64)
	return f, err == nil && !math.IsInf(f, 0)
}
