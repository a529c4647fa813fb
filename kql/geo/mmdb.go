package geo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
)

// Database is a file of addresses and places in the MaxMind DB format, such as
// GeoLite2 City or DB-IP City Lite. It is safe for concurrent use.
type Database struct {
	tree  []byte
	data  []byte
	nodes uint
	width uint // bits of a record
	v4    uint // the node below which IPv4 addresses are
	bits  int  // of an address: 32 or 128
}

// OpenDatabase reads a database into memory. The errors say what is wrong with
// the file.
func OpenDatabase(path string) (*Database, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	db, err := parseDatabase(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

var (
	metadataMark = []byte("\xab\xcd\xefMaxMind.com")
	errDatabase  = errors.New("not a MaxMind database")
)

const (
	metadataSize = 128 << 10 // the mark is in the last of the file
	dataGap      = 16        // zero bytes between the tree and the data
)

func parseDatabase(file []byte) (*Database, error) {
	tail := file[max(0, len(file)-metadataSize):]
	mark := bytes.LastIndex(tail, metadataMark)
	if mark < 0 {
		return nil, errDatabase
	}
	meta := decoder{data: tail[mark+len(metadataMark):]}
	v, _, err := meta.value(0, 0)
	if err != nil {
		return nil, err
	}
	about, ok := v.(map[string]any)
	if !ok {
		return nil, errDatabase
	}
	whole := func(key string) uint {
		n, _ := about[key].(uint64)
		return uint(n)
	}
	db := &Database{nodes: whole("node_count"), width: whole("record_size"), bits: 128}
	switch db.width {
	case 24, 28, 32:
	default:
		return nil, fmt.Errorf("%w: records of %d bits", errDatabase, db.width)
	}
	if db.nodes == 0 || db.nodes > math.MaxUint32 {
		return nil, fmt.Errorf("%w: it has %d nodes", errDatabase, db.nodes)
	}
	size := db.nodes * db.width / 4
	if size+dataGap > uint(len(file)) {
		return nil, fmt.Errorf("%w: it is cut short", errDatabase)
	}
	db.tree, db.data = file[:size], file[size+dataGap:]
	switch whole("ip_version") {
	case 4:
		db.bits = 32
	case 6:
		for i := 0; i < 96 && db.v4 < db.nodes; i++ {
			db.v4 = db.child(db.v4, 0)
		}
	default:
		return nil, fmt.Errorf("%w: IP version %d", errDatabase, whole("ip_version"))
	}
	return db, nil
}

// child is the left or right record of a node.
func (db *Database) child(node, bit uint) uint {
	switch db.width {
	case 24:
		b := db.tree[node*6+bit*3:]
		return uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
	case 28: // the middle byte has the high bits of both
		b := db.tree[node*7:]
		if bit == 0 {
			return uint(b[3]>>4)<<24 | uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
		}
		return uint(b[3]&15)<<24 | uint(b[4])<<16 | uint(b[5])<<8 | uint(b[6])
	}
	return uint(binary.BigEndian.Uint32(db.tree[node*8+bit*4:]))
}

// lookup is the record of an address; not ok when there is none or it cannot
// be read.
func (db *Database) lookup(addr netip.Addr) (map[string]any, bool) {
	raw, node := addr.AsSlice(), uint(0)
	if len(raw) == 4 {
		node = db.v4
	} else if db.bits == 32 {
		return nil, false
	}
	for i := 0; i < 8*len(raw) && node < db.nodes; i++ {
		node = db.child(node, uint(raw[i/8]>>(7-i%8)&1))
	}
	if node <= db.nodes || node < db.nodes+dataGap {
		return nil, false
	}
	d := decoder{data: db.data}
	v, _, err := d.value(node-db.nodes-dataGap, 0)
	record, ok := v.(map[string]any)
	return record, ok && err == nil
}

// decoder reads the values of a data section. It bounds depth and number of
// values, so that no file can keep it busy.
type decoder struct {
	data   []byte
	values int
}

const (
	maxRecordDepth  = 32
	maxRecordValues = 10_000
)

func (d *decoder) bytes(at, n uint) ([]byte, error) {
	if at > uint(len(d.data)) || n > uint(len(d.data))-at {
		return nil, fmt.Errorf("%w: a value is cut short", errDatabase)
	}
	return d.data[at : at+n], nil
}

func (d *decoder) unsigned(at, n uint) (uint64, error) {
	b, err := d.bytes(at, n)
	var out uint64
	for _, x := range b {
		out = out<<8 | uint64(x)
	}
	return out, err
}

// Types of the format that are read; others are skipped by their size.
const (
	typePointer = 1
	typeText    = 2
	typeDouble  = 3
	typeUint16  = 5
	typeUint32  = 6
	typeMap     = 7
	typeInt32   = 8
	typeUint64  = 9
	typeArray   = 11
	typeBool    = 14
	typeFloat   = 15
)

// value is the value at a place, and the place after it.
func (d *decoder) value(at uint, depth int) (any, uint, error) {
	if d.values++; depth > maxRecordDepth || d.values > maxRecordValues {
		return nil, 0, fmt.Errorf("%w: a record is too large", errDatabase)
	}
	control, err := d.unsigned(at, 1)
	if err != nil {
		return nil, 0, err
	}
	at++
	kind := control >> 5
	if kind == typePointer {
		return d.pointer(uint(control), at, depth)
	}
	if kind == 0 {
		extended, err := d.unsigned(at, 1)
		if err != nil {
			return nil, 0, err
		}
		at++
		kind = extended + 7
	}
	size := uint(control & 31)
	if size >= 29 && kind != typeBool {
		n := size - 28
		more, err := d.unsigned(at, n)
		if err != nil {
			return nil, 0, err
		}
		at += n
		size = [3]uint{29, 285, 65_821}[n-1] + uint(more)
	}
	switch kind {
	case typeMap:
		return d.mapping(at, size, depth)
	case typeArray:
		var list []any
		for range size {
			var item any
			if item, at, err = d.value(at, depth+1); err != nil {
				return nil, 0, err
			}
			list = append(list, item)
		}
		return list, at, nil
	case typeBool:
		return size != 0, at, nil
	}
	raw, err := d.bytes(at, size)
	if err != nil {
		return nil, 0, err
	}
	at += size
	switch {
	case kind == typeText:
		return string(raw), at, nil
	case kind == typeDouble && size == 8:
		return math.Float64frombits(binary.BigEndian.Uint64(raw)), at, nil
	case kind == typeFloat && size == 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), at, nil
	case (kind == typeUint16 || kind == typeUint32 || kind == typeUint64 || kind == typeInt32) && size <= 8:
		n, _ := d.unsigned(at-size, size)
		return n, at, nil
	}
	return nil, at, nil
}

// pointer follows a pointer, whose size is in two bits of the control byte. The
// place after it is after the pointer.
func (d *decoder) pointer(control, at uint, depth int) (any, uint, error) {
	n := control>>3&3 + 1
	to, err := d.unsigned(at, n)
	if err != nil {
		return nil, 0, err
	}
	target := uint(to)
	if n < 4 {
		target += control & 7 << (8 * n)
		target += [3]uint{0, 2048, 526_336}[n-1]
	}
	v, _, err := d.value(target, depth+1)
	return v, at + n, err
}

func (d *decoder) mapping(at, size uint, depth int) (any, uint, error) {
	m := make(map[string]any)
	for range size {
		key, next, err := d.value(at, depth+1)
		if err != nil {
			return nil, 0, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, 0, fmt.Errorf("%w: a key is not text", errDatabase)
		}
		if m[name], at, err = d.value(next, depth+1); err != nil {
			return nil, 0, err
		}
	}
	return m, at, nil
}
