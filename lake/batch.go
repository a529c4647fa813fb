package lake

import (
	"bytes"
	"encoding/json"
	"math"
	"math/bits"
	"strconv"
	"time"
	"unsafe"

	"github.com/tocsinhq/tocsin"
)

const (
	maxLine     = 1 << 20 // bytes of one JSON line
	maxDepth    = 64      // nesting of one JSON line
	arenaBlock  = 1 << 20
	arenaSlack  = 16 // readable bytes after every arena string, see entryOf
	firstGrowth = 2048
)

// Batch holds rows of one table in columns, ready to be matched and stored.
// The layout is DuckDB's own, so that storing it is copying memory: a string
// is 16 bytes, either all of it or its first four bytes and an address in the
// arena. A batch is for one goroutine at a time; after Append returned it may
// be reset and filled again.
type Batch struct {
	table     *Table
	rows      int
	maxString int
	cols      []column // one per table column, then _extra
	arena     arena
	touched   []int32 // columns the row under construction has set
	extra     []extraField
	alias     []aliasValue
	follows   []int32 // by column+1: the column whose key came next in the last row, -1 unknown
	line      []byte  // the arena's copy of the row's text, with a NUL behind it
	scratch   []byte
}

// column keeps the values of rows [0,n); rows from n on have none. Columns
// that no row has set stay at n = 0 and cost nothing.
type column struct {
	typ   Type
	n     int
	strs  []strEntry // string, dynamic, guid
	nums  []uint64   // everything else: int64, float bits, 0 or 1
	valid []uint64   // bit per row
}

type extraField struct{ key, val []byte } // both as JSON text

// aliasValue is a value given under an alias of the time column. It counts
// only when the column itself is absent, which the end of the row tells.
type aliasValue struct {
	name     string
	pos, end int // in line
}

// strEntry has the layout of duckdb_string_t on a little-endian machine: the
// length in 4 bytes, then up to 12 bytes in place, or 4 bytes of prefix and an
// address.
type strEntry [2]uint64

// RowError says why a row was refused. Its text holds no value of the row, so
// that equal reasons can be counted; the batch is as it was before the row.
type RowError struct {
	Reason string // short, in words, without values
	Column string // when one column is to blame
	Offset int    // byte within the line, -1 when unknown
}

func (e *RowError) Error() string {
	if e.Column != "" {
		return "column " + e.Column + ": " + e.Reason
	}
	return e.Reason
}

func newBatch(t *Table, maxString int) *Batch {
	if maxString <= 0 || maxString > maxLine {
		maxString = maxLine
	}
	b := &Batch{table: t, maxString: maxString, cols: make([]column, len(t.Columns)+1)}
	for i, c := range t.Columns {
		b.cols[i].typ = c.Type
	}
	b.cols[len(t.Columns)].typ = Dynamic
	b.follows = make([]int32, len(t.Columns)+1)
	for i := range b.follows {
		b.follows[i] = -1
	}
	return b
}

// Table is the table the batch is for.
func (b *Batch) Table() *Table { return b.table }

// Len is the number of rows.
func (b *Batch) Len() int { return b.rows }

// Bytes is roughly the memory the rows take.
func (b *Batch) Bytes() int {
	n := b.arena.used()
	for i := range b.cols {
		n += 16*len(b.cols[i].strs) + 8*len(b.cols[i].nums)
	}
	return n
}

// Reset empties the batch and keeps its memory for reuse. Every string read
// from it is invalid afterwards.
func (b *Batch) Reset() {
	for i := range b.cols {
		b.cols[i].truncate(0)
	}
	b.rows = 0
	b.arena.reset()
}

// Truncate drops the rows from n on. Their strings stay in the arena until
// Reset.
func (b *Batch) Truncate(n int) {
	if n < 0 || n >= b.rows {
		return
	}
	for i := range b.cols {
		b.cols[i].truncate(n)
	}
	b.rows = n
}

func (c *column) truncate(n int) {
	if c.n <= n {
		return
	}
	if c.strs != nil {
		c.strs = c.strs[:n]
	} else {
		c.nums = c.nums[:n]
	}
	words := (n + 63) >> 6
	c.valid = c.valid[:words]
	if n&63 != 0 {
		c.valid[words-1] &= 1<<(n&63) - 1
	}
	c.n = n
}

func (c *column) has(row int) bool {
	return row < c.n && c.valid[row>>6]&(1<<(row&63)) != 0
}

// setStr gives the row under construction a value. A second value for the
// same column replaces the first: the last of a repeated key wins.
func (b *Batch) setStr(col int, e strEntry) {
	c := &b.cols[col]
	row := b.rows
	if c.n > row {
		c.strs[row] = e
	} else {
		if c.n < row || c.strs == nil {
			c.fillStrs(row)
		}
		c.strs = append(c.strs, e)
		b.open(c, col, row)
	}
	c.valid[row>>6] |= 1 << (row & 63)
}

func (b *Batch) setNum(col int, v uint64) {
	c := &b.cols[col]
	row := b.rows
	if c.n > row {
		c.nums[row] = v
	} else {
		if c.n < row || c.nums == nil {
			c.fillNums(row)
		}
		c.nums = append(c.nums, v)
		b.open(c, col, row)
	}
	c.valid[row>>6] |= 1 << (row & 63)
}

// setNull undoes an earlier value of the row, if it gave one.
func (b *Batch) setNull(col int) {
	c := &b.cols[col]
	if c.n > b.rows {
		c.valid[b.rows>>6] &^= 1 << (b.rows & 63)
	}
}

func (b *Batch) open(c *column, col, row int) {
	c.n = row + 1
	for len(c.valid) <= row>>6 {
		c.valid = append(c.valid, 0)
	}
	b.touched = append(b.touched, int32(col))
}

func (c *column) fillStrs(row int) {
	if c.strs == nil {
		c.strs = make([]strEntry, 0, max(row+1, firstGrowth))
		c.valid = make([]uint64, 0, firstGrowth/64)
	}
	for len(c.strs) < row {
		c.strs = append(c.strs, strEntry{})
	}
}

func (c *column) fillNums(row int) {
	if c.nums == nil {
		c.nums = make([]uint64, 0, max(row+1, firstGrowth))
		c.valid = make([]uint64, 0, firstGrowth/64)
	}
	for len(c.nums) < row {
		c.nums = append(c.nums, 0)
	}
}

// begin and the two ends of a row. A refused row leaves no trace: the columns
// it opened are closed again and the arena goes back.
func (b *Batch) begin() arenaMark {
	b.touched = b.touched[:0]
	b.extra = b.extra[:0]
	b.alias = b.alias[:0]
	return b.arena.mark()
}

func (b *Batch) rollback(m arenaMark) {
	for _, col := range b.touched {
		b.cols[col].truncate(b.rows)
	}
	b.arena.back(m)
}

// finish settles the time column, stores unknown keys and admits the row.
func (b *Batch) finish() *RowError {
	if err := b.settleTime(); err != nil {
		return err
	}
	if len(b.extra) > 0 {
		b.storeExtra()
	}
	b.rows++
	return nil
}

func (b *Batch) settleTime() *RowError {
	t := b.table
	if t.Time < 0 {
		return nil
	}
	c := &b.cols[t.Time]
	for _, a := range b.alias {
		if c.has(b.rows) {
			// Both names were given. One time a row: an equal second one says
			// nothing, another one is kept beside.
			was := c.nums[b.rows]
			raw := b.line[a.pos:a.end]
			if bytes.IndexByte(raw, '\\') >= 0 {
				raw = bytes.Clone(raw) // reading it unescapes in place
			}
			_, err := b.value(a.pos, t.Time)
			if err != nil || c.nums[b.rows] != was {
				b.addExtra(strconv.AppendQuote(nil, a.name), raw)
			}
			c.nums[b.rows] = was
			c.valid[b.rows>>6] |= 1 << (b.rows & 63)
			continue
		}
		if _, err := b.value(a.pos, t.Time); err != nil {
			return err
		}
	}
	if !c.has(b.rows) {
		return &RowError{Reason: "no time", Column: t.TimeColumn(), Offset: -1}
	}
	if us := int64(c.nums[b.rows]); us < 0 || us >= endOfTime {
		return &RowError{Reason: "time outside 1970 to 2261", Column: t.TimeColumn(), Offset: -1}
	}
	return nil
}

func (b *Batch) addExtra(key, val []byte) {
	for i := range b.extra {
		if string(b.extra[i].key) == string(key) {
			b.extra[i].val = val
			return
		}
	}
	b.extra = append(b.extra, extraField{key, val})
}

func (b *Batch) storeExtra() {
	n := 1
	for _, f := range b.extra {
		n += len(f.key) + len(f.val) + 2
	}
	p := b.arena.alloc(n)[:0]
	for i, f := range b.extra {
		p = append(p, ",{"[b2i(i == 0)])
		p = append(append(append(p, f.key...), ':'), f.val...)
	}
	p = append(p, '}')
	b.setStr(len(b.table.Columns), entryOf(p))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// StringAt is the text of a string, guid or dynamic column (by index in
// Table.Columns) without copying: valid until Reset or Truncate. It is false
// for no value and for columns of another type; see AppendText.
func (b *Batch) StringAt(col, row int) (string, bool) {
	c := &b.cols[col]
	if row >= b.rows || !c.has(row) || c.strs == nil {
		return "", false
	}
	return c.strs[row].view(), true
}

// HasColumn is false when no row of the batch has a value in the column.
func (b *Batch) HasColumn(col int) bool {
	for _, w := range b.cols[col].valid {
		if w != 0 {
			return true
		}
	}
	return false
}

// Int64 is the value of a long, int, bool or datetime column (microseconds
// since 1970); false for no value and for columns of another type.
func (b *Batch) Int64(col, row int) (int64, bool) {
	c := &b.cols[col]
	if row >= b.rows || !c.has(row) || c.nums == nil || c.typ == Real {
		return 0, false
	}
	return int64(c.nums[row]), true
}

// Time is the row's time, zero for tables without.
func (b *Batch) Time(row int) time.Time {
	if b.table.Time < 0 {
		return time.Time{}
	}
	us, ok := b.Int64(b.table.Time, row)
	if !ok {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// AppendText appends the value of any column as text (as StringAt; numbers in
// decimal, true or false, datetimes as RFC 3339 with microseconds) to dst, and
// is false for no value.
func (b *Batch) AppendText(dst []byte, col, row int) ([]byte, bool) {
	c := &b.cols[col]
	if row >= b.rows || !c.has(row) {
		return dst, false
	}
	switch c.typ {
	case Long, Int:
		return strconv.AppendInt(dst, int64(c.nums[row]), 10), true
	case Bool:
		return strconv.AppendBool(dst, c.nums[row] != 0), true
	case Real:
		return strconv.AppendFloat(dst, math.Float64frombits(c.nums[row]), 'g', -1, 64), true
	case Datetime:
		return time.UnixMicro(int64(c.nums[row])).UTC().AppendFormat(dst, timeFormat), true
	}
	return append(dst, c.strs[row].view()...), true
}

const timeFormat = "2006-01-02T15:04:05.999999Z07:00"

// Value is a copy of one value: string, int64, float64, bool, time.Time,
// json.RawMessage, or nil.
func (b *Batch) Value(col, row int) any {
	c := &b.cols[col]
	if row >= b.rows || !c.has(row) {
		return nil
	}
	switch c.typ {
	case Long, Int:
		return int64(c.nums[row])
	case Bool:
		return c.nums[row] != 0
	case Real:
		return math.Float64frombits(c.nums[row])
	case Datetime:
		return time.UnixMicro(int64(c.nums[row])).UTC()
	case Dynamic:
		return json.RawMessage(c.strs[row].view())
	}
	return string(append([]byte(nil), c.strs[row].view()...))
}

// Ref is the identity of a row.
func (b *Batch) Ref(row int) tocsin.RowRef {
	t := b.table
	ref := tocsin.RowRef{Table: t.Name, Time: b.Time(row)}
	if t.Device >= 0 {
		text, _ := b.AppendText(nil, t.Device, row)
		ref.DeviceID = string(text)
	}
	if t.Key >= 0 {
		text, _ := b.AppendText(nil, t.Key, row)
		ref.ReportID = string(text)
	}
	return ref
}

// RowJSON is the row as a JSON object, in column order, without empty columns.
func (b *Batch) RowJSON(row int) []byte {
	out := []byte{'{'}
	for col := range b.table.Columns {
		c := &b.cols[col]
		if row >= b.rows || !c.has(row) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, b.table.Columns[col].Name), ':')
		switch c.typ {
		case String, GUID:
			out = appendJSONString(out, c.strs[row].view())
		case Datetime:
			out = append(out, '"')
			out, _ = b.AppendText(out, col, row)
			out = append(out, '"')
		default:
			out, _ = b.AppendText(out, col, row)
		}
	}
	return append(out, '}')
}

func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// allValid says whether every one of count rows from start on has a value.
func (c *column) allValid(start, count int) bool {
	if start+count > c.n {
		return false
	}
	n := 0
	for row := start; row < start+count; {
		w := c.valid[row>>6] >> (row & 63)
		k := min(64-row&63, start+count-row)
		if k < 64 {
			w &= 1<<k - 1
		}
		n += bits.OnesCount64(w)
		row += k
	}
	return n == count
}

// entryOf makes the entry of a string that lies in the arena, where at least
// arenaSlack bytes after it may be read.
func entryOf(s []byte) strEntry {
	n := len(s)
	if n == 0 {
		return strEntry{}
	}
	p := unsafe.Pointer(unsafe.SliceData(s))
	if n > 12 {
		return strEntry{uint64(uint32(n)) | uint64(*(*uint32)(p))<<32, uint64(uintptr(p))}
	}
	lo := uint64(*(*uint32)(p))
	hi := *(*uint64)(unsafe.Add(p, 4))
	if n < 4 {
		return strEntry{uint64(uint32(n)) | lo&(1<<(8*n)-1)<<32, 0}
	}
	if n < 12 {
		hi &= 1<<(8*(n-4)) - 1
	}
	return strEntry{uint64(uint32(n)) | lo<<32, hi}
}

// view is the entry's text: inside the entry itself when short, else in the
// arena, which the batch keeps alive. The address is read as a pointer, not
// converted from a number, so that the collector and checkptr agree with it.
func (e *strEntry) view() string {
	n := int(uint32(e[0]))
	if n <= 12 {
		return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(e), 4)), n)
	}
	return unsafe.String(*(**byte)(unsafe.Pointer(&e[1])), n)
}

// arena holds the bytes of strings in blocks that never move.
type arena struct {
	blocks [][]byte
	cur    int // block in use
	off    int // first free byte in it
	full   int // bytes in blocks before cur
}

type arenaMark struct{ cur, off, full int }

func (a *arena) mark() arenaMark  { return arenaMark{a.cur, a.off, a.full} }
func (a *arena) back(m arenaMark) { a.cur, a.off, a.full = m.cur, m.off, m.full }
func (a *arena) used() int        { return a.full + a.off }

func (a *arena) reset() {
	// Blocks made for one oversized string are not worth keeping.
	keep := a.blocks[:0]
	for _, b := range a.blocks {
		if len(b) == arenaBlock {
			keep = append(keep, b)
		}
	}
	clear(a.blocks[len(keep):])
	a.blocks, a.cur, a.off, a.full = keep, 0, 0, 0
}

// alloc returns n bytes followed by arenaSlack readable ones.
func (a *arena) alloc(n int) []byte {
	for a.cur < len(a.blocks) {
		if b := a.blocks[a.cur]; a.off+n+arenaSlack <= len(b) {
			p := b[a.off : a.off+n : a.off+n]
			a.off += n
			return p
		}
		a.full += a.off
		a.cur++
		a.off = 0
	}
	a.blocks = append(a.blocks, make([]byte, max(arenaBlock, n+arenaSlack)))
	a.off = n
	return a.blocks[a.cur][:n:n]
}
