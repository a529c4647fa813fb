package geo

import (
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

const (
	geohashDigits = "0123456789bcdefghjkmnpqrstuvwxyz"
	maxGeohash    = 18
)

// cell is a rectangle of a geohash: bits of longitude and latitude, whose
// widths in degrees are exact in binary.
type cell struct {
	x, y         uint64 // columns from -180, rows from -90
	xbits, ybits uint
}

func (c cell) width() float64  { return 360 / float64(uint64(1)<<c.xbits) }
func (c cell) height() float64 { return 180 / float64(uint64(1)<<c.ybits) }

// corner is the south-west corner, moved by parts of a cell.
func (c cell) corner(dx, dy float64) position {
	return position{-180 + (float64(c.x)+dx)*c.width(), -90 + (float64(c.y)+dy)*c.height()}
}

func newCell(length int) cell {
	bits := uint(5 * length)
	return cell{xbits: (bits + 1) / 2, ybits: bits / 2}
}

func parseGeohash(text string) (cell, bool) {
	if len(text) < 1 || len(text) > maxGeohash {
		return cell{}, false
	}
	c := newCell(len(text))
	even := true
	for i := range len(text) {
		digit := strings.IndexByte(geohashDigits, text[i])
		if digit < 0 {
			return cell{}, false
		}
		for bit := 4; bit >= 0; bit-- {
			b := uint64(digit>>bit) & 1
			if even {
				c.x = c.x<<1 | b
			} else {
				c.y = c.y<<1 | b
			}
			even = !even
		}
	}
	return c, true
}

// String interleaves the bits, longitude first, five to a digit.
func (c cell) String() string {
	var out strings.Builder
	digit := 0
	for i := range c.xbits + c.ybits {
		bits, n := c.x, c.xbits
		if i%2 == 1 {
			bits, n = c.y, c.ybits
		}
		digit = digit<<1 | int(bits>>(n-1-i/2)&1)
		if i%5 == 4 {
			out.WriteByte(geohashDigits[digit])
			digit = 0
		}
	}
	return out.String()
}

func cellAt(p position, length int) cell {
	c := newCell(length)
	c.x = min(uint64((p.lng+180)/c.width()), 1<<c.xbits-1)
	c.y = min(uint64((p.lat+90)/c.height()), 1<<c.ybits-1)
	return c
}

func pointToGeohash(args []kql.Value) kql.Value {
	p, ok1 := positionArg(args, 0)
	length, ok2 := wholeOr(args, 2, 5, 1, maxGeohash)
	if !ok1 || !ok2 {
		return kql.StringOf("")
	}
	return kql.StringOf(cellAt(p, length).String())
}

func geohashToCentralPoint(args []kql.Value) kql.Value {
	c, ok := parseGeohash(args[0].Str())
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	return kql.DynamicOf(geometry("Point", c.corner(0.5, 0.5).json()))
}

func geohashToPolygon(args []kql.Value) kql.Value {
	c, ok := parseGeohash(args[0].Str())
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	ring := positionsJSON([]position{c.corner(0, 0), c.corner(1, 0), c.corner(1, 1), c.corner(0, 1), c.corner(0, 0)})
	return kql.DynamicOf(geometry("Polygon", []kql.Dyn{ring}))
}

// neighbourSteps is the order in which Kusto lists the neighbours of a geohash.
var neighbourSteps = [8][2]int{{-1, -1}, {-1, 1}, {1, -1}, {0, 1}, {-1, 0}, {1, 1}, {1, 0}, {0, -1}}

// geohashNeighbors goes round the antimeridian and stops at the poles.
func geohashNeighbors(args []kql.Value) kql.Value {
	c, ok := parseGeohash(args[0].Str())
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	var out []kql.Dyn
	for _, step := range neighbourSteps {
		n := c
		n.x = (c.x + uint64(step[0])) & (1<<c.xbits - 1)
		n.y = c.y + uint64(step[1])
		if n.y < 1<<c.ybits {
			out = append(out, n.String())
		}
	}
	return kql.DynamicOf(out)
}
