package lake

/*
#include <stdint.h>

int tocsinAssignString(void *vector, uint64_t row, const char *text, uint64_t size);
int tocsinResizeList(void *vector, uint64_t size);
*/
import "C"

import (
	"math"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/tocsinhq/tocsin/kql"
)

// inColumn is a flat vector that DuckDB lends for the time of one call, or the
// values inside a vector of lists.
type inColumn struct {
	code  byte
	data  unsafe.Pointer
	valid *uint64 // nil when every row has a value
	rows  int     // of data
	lists []listEntry
	inner unsafe.Pointer // validity of the lists themselves, as valid
}

// listEntry has the layout of duckdb_list_entry.
type listEntry struct{ offset, length uint64 }

func inVector(vec mapping.Vector, code nativeCode, rows int) inColumn {
	c := inColumn{code: code.code, data: mapping.VectorGetData(vec), valid: (*uint64)(mapping.VectorGetValidity(vec)), rows: rows}
	if code.list {
		c.inner, c.lists = unsafe.Pointer(c.valid), unsafe.Slice((*listEntry)(c.data), rows)
		child := mapping.ListVectorGetChild(vec)
		c.data, c.valid = mapping.VectorGetData(child), (*uint64)(mapping.VectorGetValidity(child))
		c.rows = int(mapping.ListVectorGetSize(vec))
	}
	return c
}

func bit(mask *uint64, row int) bool {
	return mask == nil || *(*uint64)(unsafe.Add(unsafe.Pointer(mask), row>>6<<3))&(1<<(row&63)) != 0
}

// list is the range of elements that row's list has; none for null.
func (c *inColumn) list(row int) (start, end int) {
	if !bit((*uint64)(c.inner), row) {
		return 0, 0
	}
	e := c.lists[row]
	return int(e.offset), int(e.offset + e.length)
}

func (c *inColumn) has(row int) bool { return bit(c.valid, row) }

// entry is the string of a row that has a value.
func (c *inColumn) entry(row int) *strEntry {
	return (*strEntry)(unsafe.Add(c.data, row*16))
}

// text is the row's text where it lies; it must not be kept.
func (c *inColumn) text(row int) []byte {
	if !c.has(row) {
		return nil
	}
	s := c.entry(row).view()
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

// inValues makes kql values of a column.
type inValues struct {
	inColumn
	typ    kql.Type
	micros bool // microseconds since 1970, as the lake stores times
	lazy   bool // dynamics stay text until somebody asks
	// The last string and what became of it: rows of a constant, and of columns
	// with few values, give the same entry again and again.
	last  strEntry
	value kql.Value
	known bool
	arena textArena
}

func (c inColumn) values(typ kql.Type) inValues { return inValues{inColumn: c, typ: typ} }

// at is the value of a row (an element, for lists).
func (v *inValues) at(row int) kql.Value {
	if !v.has(row) {
		return kql.Null(v.typ)
	}
	switch v.code {
	case 'b':
		return kql.BoolOf(*(*bool)(unsafe.Add(v.data, row)))
	case 'i':
		return whole(v.typ, int64(*(*int32)(unsafe.Add(v.data, row*4))))
	case 'l':
		n := *(*int64)(unsafe.Add(v.data, row*8))
		if v.micros {
			return kql.DateTimeOf(n*kql.TicksPerMicrosecond + kql.UnixEpochTicks)
		}
		return whole(v.typ, n)
	case 'd':
		return kql.RealOf(*(*float64)(unsafe.Add(v.data, row*8)))
	}
	e := v.entry(row)
	if v.known && *e == v.last {
		return v.value
	}
	v.last, v.known = *e, true
	text := v.arena.keep(e.view())
	if v.lazy && v.typ == kql.Dynamic {
		v.value = kql.DynamicText(text)
	} else {
		v.value = textual(v.typ, text)
	}
	return v.value
}

// whole is the value of a type that SQL holds as an integer.
func whole(typ kql.Type, n int64) kql.Value {
	switch typ {
	case kql.Int:
		return kql.IntOf(n)
	case kql.DateTime:
		return kql.DateTimeOf(n)
	case kql.TimeSpan:
		return kql.TimeSpanOf(n)
	case kql.Bool:
		return kql.BoolOf(n != 0)
	case kql.Real:
		return kql.RealOf(float64(n))
	}
	return kql.LongOf(n)
}

// textual is the value of a type that SQL holds as text.
func textual(typ kql.Type, s string) kql.Value {
	switch typ {
	case kql.Guid:
		return kql.GuidOf(s)
	case kql.Decimal:
		return kql.DecimalOf(s)
	case kql.Dynamic:
		return kql.DynamicOf(kql.DynamicText(s).Dynamic())
	}
	return kql.StringOf(s)
}

// textArena copies strings into blocks, so that many short ones are one
// allocation. What DuckDB lends must not be kept, and a function may keep its
// argument.
type textArena struct{ block []byte }

const textBlock = 8 << 10

func (a *textArena) keep(s string) string {
	if len(s) == 0 {
		return ""
	}
	if len(s) > textBlock/4 {
		return strings.Clone(s)
	}
	if len(s) > cap(a.block)-len(a.block) {
		a.block = make([]byte, 0, textBlock)
	}
	n := len(a.block)
	a.block = append(a.block, s...)
	return unsafe.String(&a.block[n], len(s))
}

// outVector writes a result in place.
type outVector struct {
	vec   mapping.Vector
	code  nativeCode
	data  unsafe.Pointer
	valid *uint64 // nil until a row is null
	rows  int
	full  bool // there is no memory for what was to be written

	// Strings longer than an entry holds are gathered and handed over together.
	*textBuffer

	// Elements of lists, gathered until the end: how many there are decides how
	// much room DuckDB must make.
	elems []outElem
}

type longText struct{ row, offset, length int }

// textBuffer is room for the texts of one vector, which the next one uses again.
type textBuffer struct {
	long  []longText
	bytes []byte
}

var textBuffers = sync.Pool{New: func() any { return new(textBuffer) }}

// keptBuffer is the largest room, in bytes, that is kept for the next vector.
const keptBuffer = 4 << 20

// outElem is a text or nothing; lists of results are lists of texts.
type outElem struct {
	text string
	null bool
}

// maxValue is the longest text that one call may give. What is longer takes a
// multiple of it as a value in Go, where DuckDB's limit does not count it.
const maxValue = 32 << 20

// longAtOnce bounds the copy of long strings that waits to be handed over.
const longAtOnce = 16 << 20

func newOutVector(vec mapping.Vector, code nativeCode, rows int) *outVector {
	return &outVector{vec: vec, code: code, data: mapping.VectorGetData(vec), rows: rows}
}

func (o *outVector) setNull(row int) {
	if o.valid == nil {
		mapping.VectorEnsureValidityWritable(o.vec)
		o.valid = (*uint64)(mapping.VectorGetValidity(o.vec))
	}
	*(*uint64)(unsafe.Add(unsafe.Pointer(o.valid), row>>6<<3)) &^= 1 << (row & 63)
}

func (o *outVector) setBool(row int, b bool) { *(*bool)(unsafe.Add(o.data, row)) = b }

func (o *outVector) setString(row int, s string) {
	if len(s) > maxValue {
		o.full = true
	}
	if o.full {
		s = ""
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	e := (*strEntry)(unsafe.Add(o.data, row*16))
	if len(s) <= 12 {
		*e = strEntry{}
		*(*uint32)(unsafe.Pointer(e)) = uint32(len(s))
		copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(e), 4)), 12), s)
		return
	}
	if o.textBuffer == nil {
		o.textBuffer = textBuffers.Get().(*textBuffer)
	}
	o.long = append(o.long, longText{row, len(o.bytes), len(s)})
	o.bytes = append(o.bytes, s...)
	if len(o.bytes) > longAtOnce {
		o.flush()
	}
}

// flush hands the gathered strings to DuckDB as one, and points each row at its
// part of it: one crossing instead of one for each string. The heap of the
// vector keeps the whole.
func (o *outVector) flush() {
	if o.textBuffer == nil || len(o.long) == 0 {
		return
	}
	row := o.long[0].row
	if C.tocsinAssignString(o.vec.Ptr, C.uint64_t(row), (*C.char)(unsafe.Pointer(&o.bytes[0])), C.uint64_t(len(o.bytes))) != 0 {
		o.full, o.long, o.bytes = true, nil, nil
		return
	}
	base := *(*unsafe.Pointer)(unsafe.Add(o.data, row*16+8))
	for _, l := range o.long {
		e := unsafe.Add(o.data, l.row*16)
		p := unsafe.Add(base, l.offset)
		*(*uint32)(e) = uint32(l.length)
		*(*uint32)(unsafe.Add(e, 4)) = *(*uint32)(p)
		// As a number: a pointer would be written through the collector's barrier,
		// which looks at what was there before, and that is anything.
		*(*uintptr)(unsafe.Add(e, 8)) = uintptr(p)
	}
	o.long, o.bytes = o.long[:0], o.bytes[:0]
}

// set writes a value; one of another type than the vector's is converted when
// nothing is lost by it, and null otherwise.
func (o *outVector) set(row int, v kql.Value) {
	if v.IsNull() {
		o.setNull(row)
		return
	}
	switch o.code.code {
	case 'b':
		o.setBool(row, v.Bool())
	case 'i':
		*(*int32)(unsafe.Add(o.data, row*4)) = int32(v.Int())
	case 'l':
		*(*int64)(unsafe.Add(o.data, row*8)) = v.Int()
	case 'd':
		*(*float64)(unsafe.Add(o.data, row*8)) = asFloat(v)
	default:
		s, ok := physicalText(v)
		if !ok {
			o.setNull(row)
			return
		}
		o.setString(row, s)
	}
}

func asFloat(v kql.Value) float64 {
	switch v.Type() {
	case kql.Real, kql.Int, kql.Long:
		return v.Float()
	}
	return math.NaN()
}

// setList gives a row a list of texts; nil texts are null.
func (o *outVector) setList(row int, elems []outElem) {
	*(*listEntry)(unsafe.Add(o.data, row*16)) = listEntry{uint64(len(o.elems)), uint64(len(elems))}
	o.elems = append(o.elems, elems...)
}

// finish hands over what was gathered.
func (o *outVector) finish() error {
	if !o.code.list {
		o.flush()
		o.release()
		return o.failure()
	}
	if C.tocsinResizeList(o.vec.Ptr, C.uint64_t(len(o.elems))) != 0 {
		return errFull
	}
	child := newOutVector(mapping.ListVectorGetChild(o.vec), nativeCode{code: 's'}, len(o.elems))
	for i, e := range o.elems {
		if e.null {
			child.setNull(i)
		} else {
			child.setString(i, e.text)
		}
	}
	child.flush()
	child.release()
	return child.failure()
}

// release gives the room for texts to the next vector.
func (o *outVector) release() {
	if b := o.textBuffer; b != nil && cap(b.bytes) <= keptBuffer {
		b.long, b.bytes = b.long[:0], b.bytes[:0]
		textBuffers.Put(b)
	}
	o.textBuffer = nil
}

func (o *outVector) failure() error {
	if o.full {
		return errFull
	}
	return nil
}
