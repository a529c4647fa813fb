package intake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/tocsinhq/tocsin"
)

// The fixed sizes of the format. A file is one header block and then chunks;
// every offset inside a chunk counts from the chunk's own start, which is why
// one broken chunk never touches its neighbours.
const (
	evtxHeaderSize  = 4096
	evtxChunkSize   = 65536
	evtxChunkHeader = 512
	evtxRecordHead  = 24
)

// Limits on what one file may make us do. A record is at most one chunk long,
// but templates let a few bytes name a large value many times, so what counts
// is what comes out, not what goes in.
const (
	evtxMaxDepth       = 32      // elements and embedded fragments inside one another
	evtxMaxRecordSteps = 50_000  // tokens read for one record
	evtxMaxRecordText  = 4 << 20 // bytes of text made for one record
	evtxMaxChunkSteps  = 2_000_000
	evtxMaxChunkText   = 64 << 20
	evtxMaxName        = 1024 // UTF-16 units in an element or attribute name
)

var (
	evtxFileMagic   = []byte("ElfFile\x00")
	evtxChunkMagic  = []byte("ElfChnk\x00")
	evtxRecordMagic = []byte{0x2a, 0x2a, 0, 0}
)

// EVTXRecord is one event of a Windows event log file.
type EVTXRecord struct {
	Chunk     int       // zero-based position of the chunk in the file
	RecordID  uint64    // number the log gave to the record
	Written   time.Time // when the record was written, UTC, 100 ns steps
	Provider  string
	GUID      string // provider's, in braces, upper case
	Source    string // EventSourceName, for providers of the classic kind
	EventID   int
	Version   int
	Level     int
	Task      int
	Opcode    int
	Keywords  string // hexadecimal with 0x
	Time      time.Time
	Channel   string
	Computer  string
	UserID    string // SID of the writer
	ProcessID int    // of the writer
	ThreadID  int
	Activity  string // correlation ActivityID
	System    []tocsin.Field
	// Fields are EventData or UserData, flattened: <Data Name="X"> is X, an
	// unnamed Data is Data (repeated), UserData loses its wrapper element and
	// nests as a.b.
	Fields []tocsin.Field
}

// EVTXDamage says what part of a file could not be read. Reading went on.
type EVTXDamage struct {
	Chunk    int // -1: the file header
	Offset   int64
	RecordID uint64 // 0 when the damage is not inside one record
	Err      error
}

func (d EVTXDamage) Error() string {
	switch {
	case d.Chunk < 0:
		return fmt.Sprintf("event log header: %v", d.Err)
	case d.RecordID != 0:
		return fmt.Sprintf("chunk %d, record %d (offset %d): %v", d.Chunk, d.RecordID, d.Offset, d.Err)
	default:
		return fmt.Sprintf("chunk %d (offset %d): %v", d.Chunk, d.Offset, d.Err)
	}
}

func (d EVTXDamage) Unwrap() error { return d.Err }

var errNotEVTX = errors.New("not a Windows event log file")

// ReadEVTX calls fn for each record of a Windows event log, in file order.
// What cannot be read goes to bad (which may be nil) and costs only the record
// or the chunk it stands in. The error is that of fn, of r, or says that the
// bytes are no event log at all. Memory stays at about one chunk.
//
// Files that were copied from a running machine are fine: the header's dirty
// flag, its chunk count and a chunk's own idea of where its records end are
// hints, the records themselves are the truth.
func ReadEVTX(r io.ReaderAt, size int64, fn func(EVTXRecord) error, bad func(EVTXDamage)) error {
	if bad == nil {
		bad = func(EVTXDamage) {}
	}
	head := make([]byte, 128)
	n, err := r.ReadAt(head, 0)
	if n < 8 || !bytes.Equal(head[:8], evtxFileMagic) {
		if err != nil && err != io.EOF {
			return fmt.Errorf("read event log header: %w", err)
		}
		return errNotEVTX
	}
	start := int64(evtxHeaderSize)
	if n < len(head) {
		bad(EVTXDamage{Chunk: -1, Err: errors.New("file ends inside the header")})
		return nil
	}
	if v := binary.LittleEndian.Uint16(head[40:]); v >= 128 && v <= evtxHeaderSize {
		start = int64(v)
	}
	dirty := binary.LittleEndian.Uint32(head[120:])&1 != 0
	if crc32.ChecksumIEEE(head[:120]) != binary.LittleEndian.Uint32(head[124:]) {
		// A log that is being written has a header of yesterday. Say it, and read on.
		dirty = true
		bad(EVTXDamage{Chunk: -1, Err: errors.New("header checksum does not match")})
	}

	buf := make([]byte, evtxChunkSize)
	for i, at := 0, start; at < size; i, at = i+1, at+evtxChunkSize {
		n, err := r.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return fmt.Errorf("read event log chunk %d: %w", i, err)
		}
		if n == 0 {
			break
		}
		c := &evtxChunk{index: i, base: at, buf: buf[:n], dirty: dirty, bad: bad}
		if err := c.read(fn); err != nil {
			return err
		}
	}
	return nil
}

// evtxChunk is one 64 KiB chunk while it is being read.
type evtxChunk struct {
	index int
	base  int64 // of the chunk in the file
	buf   []byte
	dirty bool // the file was not closed properly, so the chunk header may be old
	names map[uint32]string
	bad   func(EVTXDamage)
	steps int // left for this chunk
	text  int
}

func (c *evtxChunk) damage(off int, id uint64, err error) {
	c.bad(EVTXDamage{Chunk: c.index, Offset: c.base + int64(off), RecordID: id, Err: err})
}

// read walks the records of the chunk. Only fn's error comes back.
func (c *evtxChunk) read(fn func(EVTXRecord) error) error {
	if len(c.buf) < 8 || !bytes.Equal(c.buf[:8], evtxChunkMagic) {
		if len(bytes.Trim(c.buf, "\x00")) > 0 { // space that was reserved and never used is no damage
			c.damage(0, 0, errors.New("no chunk signature"))
		}
		return nil
	}
	if len(c.buf) < evtxChunkHeader {
		c.damage(0, 0, errors.New("file ends inside the chunk header"))
		return nil
	}
	c.names = make(map[uint32]string)
	c.steps, c.text = evtxMaxChunkSteps, evtxMaxChunkText
	end := int(binary.LittleEndian.Uint32(c.buf[48:])) // first free byte, if the header is up to date
	if !c.headerIntact() {
		c.dirty = true
		c.damage(0, 0, errors.New("chunk header checksum does not match"))
	}
	if end < evtxChunkHeader || end > evtxChunkSize {
		c.dirty = true
		end = evtxChunkSize
	}
	if len(c.buf) < evtxChunkSize && end > len(c.buf) {
		c.damage(len(c.buf), 0, fmt.Errorf("file ends inside the chunk: %d of %d bytes", len(c.buf), end))
		end = len(c.buf)
	}
	return c.records(end, fn)
}

func (c *evtxChunk) headerIntact() bool {
	sum := crc32.NewIEEE()
	sum.Write(c.buf[:120])
	sum.Write(c.buf[128:evtxChunkHeader])
	return sum.Sum32() == binary.LittleEndian.Uint32(c.buf[124:])
}

// records walks from the first record to end. Behind end there may be records
// of an earlier life of the chunk (slack). They count only when the header is
// known to be out of date and they go on in sequence.
func (c *evtxChunk) records(end int, fn func(EVTXRecord) error) error {
	var last uint64
	pos := evtxChunkHeader
	for {
		size, id, ok := c.recordAt(pos)
		if pos >= end && (!c.dirty || !ok || last == 0 || id != last+1) {
			return nil
		}
		if !ok {
			next := c.resync(pos+1, end)
			if next < 0 {
				if len(bytes.Trim(c.buf[pos:end], "\x00")) > 0 {
					c.damage(pos, 0, fmt.Errorf("%d bytes are no records", end-pos))
				}
				return nil
			}
			c.damage(pos, 0, fmt.Errorf("%d bytes skipped up to the next record", next-pos))
			pos = next
			continue
		}
		rec, err := c.record(pos, size, id)
		if err != nil {
			c.damage(pos, id, err)
		} else if err := fn(rec); err != nil {
			return err
		}
		last = id
		pos += size
	}
}

// recordAt says whether a whole record stands at pos: signature, a size that
// fits and is repeated at its end.
func (c *evtxChunk) recordAt(pos int) (size int, id uint64, ok bool) {
	if pos < 0 || pos+evtxRecordHead+4 > len(c.buf) || !bytes.Equal(c.buf[pos:pos+4], evtxRecordMagic) {
		return 0, 0, false
	}
	n := binary.LittleEndian.Uint32(c.buf[pos+4:])
	if n < evtxRecordHead+4 || uint64(n) > uint64(len(c.buf)-pos) {
		return 0, 0, false
	}
	size = int(n)
	if binary.LittleEndian.Uint32(c.buf[pos+size-4:]) != n {
		return 0, 0, false
	}
	return size, binary.LittleEndian.Uint64(c.buf[pos+8:]), true
}

// resync finds the next whole record between from and end, or -1.
func (c *evtxChunk) resync(from, end int) int {
	for from < end {
		i := bytes.Index(c.buf[from:end], evtxRecordMagic)
		if i < 0 {
			return -1
		}
		if _, _, ok := c.recordAt(from + i); ok {
			return from + i
		}
		from += i + 1
	}
	return -1
}

func (c *evtxChunk) record(pos, size int, id uint64) (EVTXRecord, error) {
	p := &binxml{chunk: c, steps: min(evtxMaxRecordSteps, c.steps), text: min(evtxMaxRecordText, c.text)}
	steps, text := p.steps, p.text
	root, err := p.document(pos+evtxRecordHead, pos+size-4)
	c.steps -= steps - p.steps
	c.text -= text - p.text
	if err != nil {
		return EVTXRecord{}, err
	}
	rec := EVTXRecord{Chunk: c.index, RecordID: id, Written: filetime(binary.LittleEndian.Uint64(c.buf[pos+16:]))}
	if err := rec.fill(root); err != nil {
		return EVTXRecord{}, err
	}
	if rec.Time.IsZero() {
		rec.Time = rec.Written
	}
	return rec, nil
}

// filetime turns 100 ns steps since 1601 into a time. Values that are no
// possible time (beyond the year 9999) give the zero time.
func filetime(v uint64) time.Time {
	const epoch = 116_444_736_000_000_000 // 1970 in 100 ns steps since 1601
	const last = 2_650_467_744_000_000_000
	if v == 0 || v >= last {
		return time.Time{}
	}
	d := int64(v) - epoch
	sec, rest := d/10_000_000, d%10_000_000
	return time.Unix(sec, rest*100).UTC()
}
