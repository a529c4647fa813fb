package geo

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
)

// encode writes a value as a MaxMind database has it.
func encode(v any) []byte {
	head := func(kind, size int) []byte {
		var out []byte
		ext := []byte(nil)
		if kind > 7 {
			ext = []byte{byte(kind - 7)}
			kind = 0
		}
		switch {
		case size < 29:
			out = append([]byte{byte(kind<<5 | size)}, ext...)
		case size < 285:
			out = append(append([]byte{byte(kind<<5 | 29)}, ext...), byte(size-29))
		default:
			panic("too long")
		}
		return out
	}
	switch x := v.(type) {
	case string:
		return append(head(typeText, len(x)), x...)
	case float64:
		return binary.BigEndian.AppendUint64(head(typeDouble, 8), math.Float64bits(x))
	case int:
		return binary.BigEndian.AppendUint32(head(typeUint32, 4), uint32(x))
	case []any:
		out := head(typeArray, len(x))
		for _, y := range x {
			out = append(out, encode(y)...)
		}
		return out
	case [][2]any: // a map
		out := head(typeMap, len(x))
		for _, y := range x {
			out = append(append(out, encode(y[0])...), encode(y[1])...)
		}
		return out
	}
	panic(v)
}

// writeDatabase makes a database of networks.
func writeDatabase(width int, networks map[string]any) []byte {
	type node [2]int // -1 nothing, below -1 a record: -2 - offset
	nodes := []node{{-1, -1}}
	var data []byte
	for text, v := range networks {
		p := netip.MustParsePrefix(text)
		raw, length := p.Addr().As16(), p.Bits()
		if p.Addr().Is4() {
			raw = [16]byte{}
			copy(raw[12:], p.Addr().AsSlice())
			length += 96
		}
		at := 0
		for i := range length {
			bit := raw[i/8] >> (7 - i%8) & 1
			if i == length-1 {
				nodes[at][bit] = -2 - len(data)
				break
			}
			if nodes[at][bit] < 0 {
				nodes = append(nodes, node{-1, -1})
				nodes[at][bit] = len(nodes) - 1
			}
			at = nodes[at][bit]
		}
		data = append(data, encode(v)...)
	}
	var out []byte
	for _, n := range nodes {
		var r [2]uint32
		for i, x := range n {
			switch {
			case x >= 0:
				r[i] = uint32(x)
			case x == -1:
				r[i] = uint32(len(nodes))
			default:
				r[i] = uint32(len(nodes) + dataGap - x - 2)
			}
		}
		switch width {
		case 24:
			out = append(out, byte(r[0]>>16), byte(r[0]>>8), byte(r[0]), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]))
		case 28:
			out = append(out, byte(r[0]>>16), byte(r[0]>>8), byte(r[0]), byte(r[0]>>24<<4|r[1]>>24), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]))
		default:
			out = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(out, r[0]), r[1])
		}
	}
	out = append(out, make([]byte, dataGap)...)
	out = append(out, data...)
	out = append(out, metadataMark...)
	return append(out, encode([][2]any{{"node_count", len(nodes)}, {"record_size", width}, {"ip_version", 6}})...)
}

func place(country, state, city string, lat, lng float64) any {
	name := func(s string) any { return [][2]any{{"names", [][2]any{{"de", "anders"}, {"en", s}}}} }
	out := [][2]any{{"country", name(country)}, {"location", [][2]any{{"latitude", lat}, {"longitude", lng}}}}
	if state != "" {
		out = append(out, [2]any{"subdivisions", []any{name(state), name("inner")}}, [2]any{"city", name(city)})
	}
	return out
}

func TestInfoFromIPAddress(t *testing.T) {
	t.Cleanup(func() { UseDatabase(nil) })
	f := kql.LookupFunc("geo_info_from_ip_address")
	if got := f.Eval([]kql.Value{kql.StringOf("198.51.100.7")}); !got.IsNull() {
		t.Error("without a database there is an answer")
	}
	for _, width := range []int{24, 28, 32} {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("city%d.mmdb", width))
		file := writeDatabase(width, map[string]any{
			"198.51.100.0/24":  place("Freedonia", "Sylvania", "Huxley", -33.5, 151.25),
			"203.0.113.128/25": place("Ruritania", "", "", 1, 2),
			"2001:db8::/32":    place("Ruritania", "Strelsau", "Zenda", 50, 14),
		})
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := OpenDatabase(path)
		if err != nil {
			t.Fatal(err)
		}
		UseDatabase(db)
		for ip, want := range map[string]string{
			"198.51.100.7":        "country=Freedonia state=Sylvania city=Huxley latitude=-33.5 longitude=151.25",
			"::ffff:198.51.100.7": "country=Freedonia state=Sylvania city=Huxley latitude=-33.5 longitude=151.25",
			"203.0.113.200":       "country=Ruritania state= city= latitude=1 longitude=2",
			"2001:db8:1::5":       "country=Ruritania state=Strelsau city=Zenda latitude=50 longitude=14",
			"203.0.113.1":         "",
			"10.0.0.1":            "",
			"not an address":      "",
			"":                    "",
		} {
			v := f.Eval([]kql.Value{kql.StringOf(ip)})
			got := ""
			if bag, ok := v.Dynamic().(*kql.Bag); ok {
				for i, k := range bag.Keys {
					if i > 0 {
						got += " "
					}
					got += fmt.Sprintf("%s=%v", k, bag.Values[k])
				}
			}
			if got != want {
				t.Errorf("%d bits, %s: %q, want %q", width, ip, got, want)
			}
		}
	}
}

func FuzzDatabase(f *testing.F) {
	f.Add(writeDatabase(28, map[string]any{"192.0.2.0/24": place("A", "B", "C", 1, 2)}))
	f.Add(append([]byte("x"), metadataMark...))
	f.Fuzz(func(t *testing.T, file []byte) {
		db, err := parseDatabase(file)
		if err != nil {
			return
		}
		for _, ip := range []string{"192.0.2.1", "2001:db8::1", "255.255.255.255"} {
			db.lookup(netip.MustParseAddr(ip))
		}
	})
}
