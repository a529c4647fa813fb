package intake

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"unicode/utf16"
)

// evtxBuilder writes small event log files for tests: one chunk, records with
// one template each, and the mistakes that a test asks for.
type evtxBuilder struct {
	chunk  []byte
	names  map[string]int
	tmpl   map[string]int
	nextID uint64
	last   int // offset of the last record
}

func newEVTX() *evtxBuilder {
	return &evtxBuilder{
		chunk: make([]byte, evtxChunkHeader), nextID: 1,
		names: map[string]int{}, tmpl: map[string]int{},
	}
}

type arg struct {
	kind byte
	data []byte
}

func le16(v int) []byte    { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
func f64(v float64) []byte { return le64(math.Float64bits(v)) }
func f32(v float32) []byte { return le32(math.Float32bits(v)) }

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func str(s string) arg { return arg{valString, wide(s)} }

func (b *evtxBuilder) put(p ...byte) { b.chunk = append(b.chunk, p...) }

func (b *evtxBuilder) name(s string) {
	if at, ok := b.names[s]; ok {
		b.put(le32(uint32(at))...)
		return
	}
	at := len(b.chunk) + 4
	b.names[s] = at
	b.put(le32(uint32(at))...)
	b.put(le32(0)...)
	var h uint32
	u := utf16.Encode([]rune(s))
	for _, c := range u {
		h = h*65599 + uint32(c)
	}
	b.put(le16(int(uint16(h)))...)
	b.put(le16(len(u))...)
	b.put(wide(s)...)
	b.put(0, 0)
}

func (b *evtxBuilder) literal(s string) {
	b.put(tokValue, valString)
	b.put(le16(len(utf16.Encode([]rune(s))))...)
	b.put(wide(s)...)
}

func (b *evtxBuilder) subst(i int) {
	b.put(tokOptSubst)
	b.put(le16(i)...)
	b.put(valString)
}

// element writes <name attrs...>body</name>. Attribute values: a string is a
// literal, an int a substitution.
func (b *evtxBuilder) element(name string, attrs []any, body func()) {
	tok := byte(tokOpenStart)
	if len(attrs) > 0 {
		tok |= tokMore
	}
	b.put(tok)
	b.put(le16(0xffff)...)
	size := len(b.chunk)
	b.put(le32(0)...)
	b.name(name)
	if len(attrs) > 0 {
		b.put(le32(0)...)
		for i := 0; i < len(attrs); i += 2 {
			b.put(tokAttribute)
			b.name(attrs[i].(string))
			switch v := attrs[i+1].(type) {
			case string:
				b.literal(v)
			case int:
				b.subst(v)
			}
		}
	}
	if body == nil {
		b.put(tokCloseEmpty)
	} else {
		b.put(tokCloseStart)
		body()
		b.put(tokEndElement)
	}
	binary.LittleEndian.PutUint32(b.chunk[size:], uint32(len(b.chunk)-size-4))
}

func (b *evtxBuilder) begin() (at int) {
	at = len(b.chunk)
	b.last = at
	b.put(evtxRecordMagic...)
	b.put(le32(0)...)
	b.put(le64(b.nextID)...)
	b.put(le64(132_000_000_000_000_000 + b.nextID)...)
	b.nextID++
	return at
}

func (b *evtxBuilder) end(at int) {
	size := uint32(len(b.chunk) - at + 4)
	b.put(le32(size)...)
	binary.LittleEndian.PutUint32(b.chunk[at+4:], size)
}

func fragmentHead() []byte { return []byte{tokFragmentHead, 1, 1, 0} }

// instance writes a use of the template called key, with its definition in
// place the first time.
func (b *evtxBuilder) instance(key string, body func(), args []arg) {
	b.put(tokTemplate, 1)
	b.put(le32(0x1234)...)
	if def, ok := b.tmpl[key]; ok {
		b.put(le32(uint32(def))...)
	} else {
		def = len(b.chunk) + 4
		b.tmpl[key] = def
		b.put(le32(uint32(def))...)
		b.put(make([]byte, 24)...)
		b.put(fragmentHead()...)
		body()
		b.put(tokEOF)
		binary.LittleEndian.PutUint32(b.chunk[def+20:], uint32(len(b.chunk)-def-24))
	}
	b.put(le32(uint32(len(args)))...)
	for _, a := range args {
		b.put(le16(len(a.data))...)
		b.put(a.kind, 0)
	}
	for _, a := range args {
		b.put(a.data...)
	}
}

// event writes a whole record: the System part with fixed values, then data.
func (b *evtxBuilder) event(key string, data func(), args ...arg) {
	at := b.begin()
	b.put(fragmentHead()...)
	b.instance(key, func() {
		b.element("Event", []any{"xmlns", "urn:test"}, func() {
			b.system(4688)
			data()
		})
	}, args)
	b.put(tokEOF)
	b.end(at)
}

func (b *evtxBuilder) system(id int) {
	b.element("System", nil, func() {
		b.element("Provider", []any{"Name", "Unit-Test", "Guid", "{00000000-0000-0000-0000-0000000000AA}"}, nil)
		b.element("EventID", nil, func() { b.literal(itoa(id)) })
		b.element("Level", nil, func() { b.literal("4") })
		b.element("TimeCreated", []any{"SystemTime", "2024-02-29T23:59:59.1234567Z"}, nil)
		b.element("EventRecordID", nil, func() { b.literal("7") })
		b.element("Correlation", nil, nil)
		b.element("Execution", []any{"ProcessID", "12", "ThreadID", "34"}, nil)
		b.element("Channel", nil, func() { b.literal("Test/Operational") })
		b.element("Computer", nil, func() { b.literal("box.example.test") })
		b.element("Security", []any{"UserID", "S-1-5-18"}, nil)
	})
}

func itoa(n int) string {
	var d []byte
	for ; n > 0 || len(d) == 0; n /= 10 {
		d = append([]byte{byte('0' + n%10)}, d...)
	}
	return string(d)
}

// bytes finishes one chunk and puts the file header in front.
func (b *evtxBuilder) bytes() []byte { return evtxFile(b.finish()) }

func (b *evtxBuilder) finish() []byte {
	c := make([]byte, evtxChunkSize)
	copy(c, b.chunk)
	copy(c, evtxChunkMagic)
	binary.LittleEndian.PutUint32(c[40:], 128)
	binary.LittleEndian.PutUint32(c[44:], uint32(b.last))
	binary.LittleEndian.PutUint32(c[48:], uint32(len(b.chunk)))
	sealChunk(c)
	return c
}

func sealChunk(c []byte) {
	sum := crc32.NewIEEE()
	sum.Write(c[:120])
	sum.Write(c[128:evtxChunkHeader])
	binary.LittleEndian.PutUint32(c[124:], sum.Sum32())
}

func evtxFile(chunks ...[]byte) []byte {
	h := make([]byte, evtxHeaderSize)
	copy(h, evtxFileMagic)
	binary.LittleEndian.PutUint32(h[32:], 128)
	binary.LittleEndian.PutUint16(h[36:], 1)
	binary.LittleEndian.PutUint16(h[38:], 3)
	binary.LittleEndian.PutUint16(h[40:], evtxHeaderSize)
	binary.LittleEndian.PutUint16(h[42:], uint16(len(chunks)))
	binary.LittleEndian.PutUint32(h[124:], crc32.ChecksumIEEE(h[:120]))
	return append(h, bytes.Join(chunks, nil)...)
}

// dataElements writes EventData with one <Data Name="n"> per name, filled from
// the arguments in order.
func (b *evtxBuilder) dataElements(names ...string) func() {
	return func() {
		b.element("EventData", nil, func() {
			for i, n := range names {
				b.element("Data", []any{"Name", n}, func() { b.subst(i) })
			}
		})
	}
}
