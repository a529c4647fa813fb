package intake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tocsinhq/tocsin"
)

func readAll(t testing.TB, b []byte) (recs []EVTXRecord, damage []string) {
	t.Helper()
	err := ReadEVTX(bytes.NewReader(b), int64(len(b)), func(r EVTXRecord) error {
		recs = append(recs, r)
		return nil
	}, func(d EVTXDamage) { damage = append(damage, d.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	return recs, damage
}

func TestEVTXSystem(t *testing.T) {
	b := newEVTX()
	b.event("t", b.dataElements("A"), str("x"))
	recs, damage := readAll(t, b.bytes())
	if len(recs) != 1 || damage != nil {
		t.Fatalf("%d records, %v", len(recs), damage)
	}
	got := recs[0]
	got.System = nil
	want := EVTXRecord{
		RecordID: 1, Written: got.Written, Provider: "Unit-Test", GUID: "{00000000-0000-0000-0000-0000000000AA}",
		EventID: 4688, Level: 4, Time: time.Date(2024, 2, 29, 23, 59, 59, 123456700, time.UTC),
		Channel: "Test/Operational", Computer: "box.example.test", UserID: "S-1-5-18", ProcessID: 12, ThreadID: 34,
		Fields: []tocsin.Field{{Name: "A", Value: "x"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if y := got.Written.Year(); y != 2019 {
		t.Errorf("written in %d", y)
	}
}

func TestEVTXValues(t *testing.T) {
	sid := []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}
	guid := []byte{0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, 1, 2, 3, 4, 5, 6, 7, 8}
	day := bytes.Join([][]byte{le16(2024), le16(2), le16(4), le16(29), le16(12), le16(30), le16(1), le16(5)}, nil)
	cases := []struct {
		name string
		arg  arg
		want []string
	}{
		{"null", arg{valNull, nil}, []string{""}},
		{"string", str("héllo \U0001f600"), []string{"héllo \U0001f600"}},
		{"string ends in NUL", arg{valString, wide("a\x00")}, []string{"a"}},
		{"lone surrogate", arg{valString, []byte{0x41, 0, 0x00, 0xd8}}, []string{"A\ufffd"}},
		{"ansi", arg{valANSI, []byte("caf\xe9\x00")}, []string{"café"}},
		{"int8", arg{valInt8, []byte{0xff}}, []string{"-1"}},
		{"uint8", arg{valUInt8, []byte{0xff}}, []string{"255"}},
		{"int16", arg{valInt16, le16(0xfffe)}, []string{"-2"}},
		{"uint16", arg{valUInt16, le16(0xfffe)}, []string{"65534"}},
		{"int32", arg{valInt32, le32(0xffffffff)}, []string{"-1"}},
		{"uint32", arg{valUInt32, le32(0xffffffff)}, []string{"4294967295"}},
		{"int64", arg{valInt64, le64(1 << 63)}, []string{"-9223372036854775808"}},
		{"uint64", arg{valUInt64, le64(1 << 63)}, []string{"9223372036854775808"}},
		{"float", arg{valFloat32, f32(1.5)}, []string{"1.5"}},
		{"double", arg{valFloat64, f64(-0.25)}, []string{"-0.25"}},
		{"bool", arg{valBool, le32(1)}, []string{"true"}},
		{"binary", arg{valBinary, []byte{0xde, 0xad}}, []string{"DEAD"}},
		{"guid", arg{valGUID, guid}, []string{"{12345678-9ABC-DEF0-0102-030405060708}"}},
		{"size 4", arg{valSize, le32(255)}, []string{"0xff"}},
		{"size 8", arg{valSize, le64(1 << 40)}, []string{"0x10000000000"}},
		{"hex32", arg{valHex32, le32(0xc0000022)}, []string{"0xc0000022"}},
		{"hex64", arg{valHex64, le64(0x3e7)}, []string{"0x3e7"}},
		{"filetime", arg{valFiletime, le64(133_536_384_000_000_001)}, []string{"2024-02-29T00:00:00.0000001Z"}},
		{"filetime beyond 9999", arg{valFiletime, le64(1 << 63)}, []string{""}},
		{"systemtime", arg{valSystime, day}, []string{"2024-02-29T12:30:01.0050000Z"}},
		{"systemtime of no month", arg{valSystime, make([]byte, 16)}, []string{""}},
		{"sid", arg{valSID, sid}, []string{"S-1-5-32-544"}},
		{"strings", arg{valString | valArray, wide("a\x00\x00c\x00")}, []string{"a", "", "c"}},
		{"numbers", arg{valUInt16 | valArray, append(le16(1), le16(2)...)}, []string{"1", "2"}},
		{"hex numbers", arg{valHex64 | valArray, append(le64(1), le64(16)...)}, []string{"0x1", "0x10"}},
		{"guids", arg{valGUID | valArray, guid}, []string{"{12345678-9ABC-DEF0-0102-030405060708}"}},
		{"sids", arg{valSID | valArray, append(bytes.Clone(sid), sid...)}, []string{"S-1-5-32-544", "S-1-5-32-544"}},
	}
	b := newEVTX()
	for _, c := range cases {
		b.event("one", b.dataElements("V"), c.arg)
	}
	recs, damage := readAll(t, b.bytes())
	if len(recs) != len(cases) || damage != nil {
		t.Fatalf("%d records of %d, %v", len(recs), len(cases), damage)
	}
	for i, c := range cases {
		var got []string
		for _, f := range recs[i].Fields {
			got = append(got, f.Value)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestEVTXShapes(t *testing.T) {
	cases := []struct {
		name string
		data func(b *evtxBuilder) func()
		args []arg
		want []tocsin.Field
	}{
		{"unnamed data", func(b *evtxBuilder) func() {
			return func() {
				b.element("EventData", nil, func() {
					b.element("Data", nil, func() { b.subst(0) })
					b.element("Binary", nil, func() { b.subst(1) })
				})
			}
		}, []arg{{valString | valArray, wide("p\x00q\x00")}, {valBinary, []byte{1}}},
			[]tocsin.Field{{Name: "Data", Value: "p"}, {Name: "Data", Value: "q"}, {Name: "Binary", Value: "01"}}},
		{"user data", func(b *evtxBuilder) func() {
			return func() {
				b.element("UserData", nil, func() {
					b.element("Outer", []any{"xmlns", "urn:x"}, func() {
						b.element("A", nil, func() { b.subst(0) })
						b.element("B", nil, func() {
							b.element("C", nil, func() { b.literal("lit"); b.subst(0) })
						})
					})
				})
			}
		}, []arg{str("v")},
			[]tocsin.Field{{Name: "A", Value: "v"}, {Name: "B.C", Value: "litv"}}},
		{"entities, characters, CDATA", func(b *evtxBuilder) func() {
			return func() {
				b.element("EventData", nil, func() {
					b.element("Data", []any{"Name", "E"}, func() {
						b.put(tokEntityRef)
						b.name("lt")
						b.put(tokCharRef)
						b.put(le16('z')...)
						b.put(tokCDATA)
						b.put(le16(2)...)
						b.put(wide("<>")...)
					})
				})
			}
		}, nil, []tocsin.Field{{Name: "E", Value: "<z<>"}}},
		{"name from an argument; missing argument", func(b *evtxBuilder) func() {
			return func() {
				b.element("EventData", nil, func() {
					b.element("Data", []any{"Name", 0}, func() { b.subst(9) })
				})
			}
		}, []arg{str("Dyn")}, []tocsin.Field{{Name: "Dyn", Value: ""}}},
	}
	for _, c := range cases {
		b := newEVTX()
		b.event("t", c.data(b), c.args...)
		recs, damage := readAll(t, b.bytes())
		if len(recs) != 1 || damage != nil {
			t.Errorf("%s: %d records, %v", c.name, len(recs), damage)
			continue
		}
		if diff := cmp.Diff(c.want, recs[0].Fields); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// A fragment as a value, with its own template and without the dependency
// number: the way Windows writes EventData.
func TestEVTXEmbedded(t *testing.T) {
	for _, dependency := range []bool{true, false} {
		b := newEVTX()
		at := b.begin()
		b.put(fragmentHead()...)
		b.instance("outer", func() {
			b.element("Event", nil, func() {
				b.system(1)
				b.put(tokOptSubst, 0, 0, valBinXML)
			})
		}, nil)
		// One argument, whose size is known only once it is written.
		b.chunk = b.chunk[:len(b.chunk)-4]
		b.put(le32(1)...)
		sizeAt := len(b.chunk)
		b.put(0, 0, valBinXML, 0)
		from := len(b.chunk)
		b.put(fragmentHead()...)
		if dependency {
			b.instance("inner", b.dataElements("N"), []arg{str("deep")})
		} else {
			b.put(tokOpenStart)
			b.put(le32(40)...)
			b.name("EventData")
			b.put(tokCloseStart)
			b.put(tokOpenStart)
			b.put(le32(40)...)
			b.name("N")
			b.put(tokCloseStart)
			b.literal("deep")
			b.put(tokEndElement, tokEndElement)
		}
		b.put(tokEOF)
		binary.LittleEndian.PutUint16(b.chunk[sizeAt:], uint16(len(b.chunk)-from))
		b.end(at)
		recs, damage := readAll(t, b.bytes())
		if len(recs) != 1 || damage != nil {
			t.Fatalf("dependency %v: %d records, %v", dependency, len(recs), damage)
		}
		if diff := cmp.Diff([]tocsin.Field{{Name: "N", Value: "deep"}}, recs[0].Fields); diff != "" {
			t.Error(diff)
		}
	}
}

func twoChunks() []byte {
	a, b := newEVTX(), newEVTX()
	for range 3 {
		a.event("t", a.dataElements("V"), str("one"))
		b.event("t", b.dataElements("V"), str("two"))
	}
	return evtxFile(a.finish(), b.finish())
}

func TestEVTXDamage(t *testing.T) {
	chunk1 := evtxHeaderSize
	chunk2 := evtxHeaderSize + evtxChunkSize
	recordStarts := func(b []byte, chunk int) (at []int) {
		for p := chunk + evtxChunkHeader; bytes.Equal(b[p:p+4], evtxRecordMagic); {
			at = append(at, p)
			p += int(binary.LittleEndian.Uint32(b[p+4:]))
		}
		return at
	}
	cases := []struct {
		name   string
		break_ func(b []byte) []byte
		want   string // chunk of each record that is left
		says   string
	}{
		{"whole", func(b []byte) []byte { return b }, "000111", ""},
		{"second chunk cut in its last record", func(b []byte) []byte {
			return b[:recordStarts(b, chunk2)[2]+40]
		}, "00011", "chunk 1 (offset 714"},
		{"second chunk cut in its header", func(b []byte) []byte { return b[:chunk2+100] }, "000", "chunk 1"},
		{"first chunk without signature", func(b []byte) []byte { b[chunk1] = 'x'; return b }, "111", "chunk 0"},
		{"record with a false length", func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[recordStarts(b, chunk1)[1]+4:], 0xfffffff0)
			return b
		}, "00111", "bytes skipped"},
		{"record of size 0", func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[recordStarts(b, chunk1)[0]+4:], 0)
			return b
		}, "00111", "bytes skipped"},
		{"record with rubbish inside", func(b []byte) []byte {
			b[recordStarts(b, chunk1)[1]+evtxRecordHead+4] = 0x3f
			return b
		}, "00111", "chunk 0, record 2"},
		{"stale chunk header", func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[chunk1+48:], uint32(recordStarts(b, chunk1)[1]-chunk1))
			return b
		}, "000111", "checksum"},
		{"slack behind the last record", func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[chunk1+48:], uint32(recordStarts(b, chunk1)[1]-chunk1))
			sealChunk(b[chunk1:chunk2])
			return b
		}, "0111", ""},
		{"dirty file header", func(b []byte) []byte { b[120] = 1; b[16] = 9; return b }, "000111", "event log header"},
		{"cut in the file header", func(b []byte) []byte { return b[:100] }, "", "event log header"},
	}
	for _, c := range cases {
		recs, damage := readAll(t, c.break_(twoChunks()))
		var got strings.Builder
		for _, r := range recs {
			got.WriteByte('0' + byte(r.Chunk))
		}
		if got.String() != c.want {
			t.Errorf("%s: records of chunks %s, want %s (%v)", c.name, got.String(), c.want, damage)
		}
		if all := strings.Join(damage, "\n"); (c.says == "") != (all == "") || !strings.Contains(all, c.says) {
			t.Errorf("%s: damage %q, want %q", c.name, all, c.says)
		}
	}
	if err := ReadEVTX(strings.NewReader("not a log"), 9, nil, nil); !errors.Is(err, errNotEVTX) {
		t.Errorf("other bytes: %v", err)
	}
}

// Bytes that try to make the reader work or allocate without end.
func TestEVTXBombs(t *testing.T) {
	cases := []struct {
		name string
		make func(b *evtxBuilder)
		want error
	}{
		{"template that is its own argument list", func(b *evtxBuilder) {
			at := b.begin()
			b.put(fragmentHead()...)
			b.instance("loop", func() {
				b.element("Event", nil, func() {
					def := b.tmpl["loop"]
					for range 2 {
						b.put(tokTemplate, 1)
						b.put(le32(0)...)
						b.put(le32(uint32(def))...)
						b.put(le32(0)...)
					}
				})
			}, nil)
			b.put(tokEOF)
			b.end(at)
		}, errXMLDepth},
		{"deep elements", func(b *evtxBuilder) {
			var nest func(n int) func()
			nest = func(n int) func() {
				if n == 0 {
					return nil
				}
				return func() { b.element("D", nil, nest(n-1)) }
			}
			b.event("deep", nest(200))
		}, errXMLDepth},
		{"one large argument named many times", func(b *evtxBuilder) {
			b.event("many", func() {
				b.element("EventData", nil, func() {
					b.element("Data", nil, func() {
						for range 3000 {
							b.subst(0)
						}
					})
				})
			}, str(strings.Repeat("x", 16000)))
		}, errXMLText},
		{"array of very many items", func(b *evtxBuilder) {
			b.event("items", func() {
				b.element("EventData", nil, func() {
					for range 4 {
						b.element("Data", nil, func() { b.subst(0) })
					}
				})
			}, arg{valString | valArray, make([]byte, 40000)})
		}, errXMLSteps},
	}
	for _, c := range cases {
		b := newEVTX()
		b.event("fine", b.dataElements("V"), str("before"))
		c.make(b)
		b.event("fine", b.dataElements("V"), str("after"))
		file := b.bytes()
		var got error
		n := 0
		err := ReadEVTX(bytes.NewReader(file), int64(len(file)), func(EVTXRecord) error { n++; return nil },
			func(d EVTXDamage) { got = d.Err })
		if err != nil || n != 2 || !errors.Is(got, c.want) {
			t.Errorf("%s: %d records, damage %v, error %v; want 2 records and %v", c.name, n, got, err, c.want)
		}
	}
}

func FuzzEVTX(f *testing.F) {
	b := newEVTX()
	b.event("t", b.dataElements("A", "B"), str("x"), arg{valFiletime, le64(133_536_672_000_000_000)})
	b.event("u", b.dataElements("A"), arg{valString | valArray, wide("p\x00q\x00")})
	b.event("t", b.dataElements("A", "B"), arg{valSID, []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}}, arg{valGUID, make([]byte, 16)})
	// The fuzzer gets only the used part of the chunk: small inputs are fast ones.
	f.Add(b.finish()[:len(b.chunk)])
	f.Fuzz(func(t *testing.T, chunk []byte) {
		if len(chunk) > evtxChunkSize {
			return
		}
		file := evtxFile(chunk)
		err := ReadEVTX(bytes.NewReader(file), int64(len(file)), func(r EVTXRecord) error {
			size := 0
			for _, f := range r.Fields {
				size += len(f.Name) + len(f.Value)
			}
			if size > 2*evtxMaxRecordText {
				t.Fatalf("record of %d bytes", size)
			}
			return nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	})
}
