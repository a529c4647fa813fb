package lake

/*
#include <stdlib.h>

// Callbacks of the table function; the pointers are DuckDB's handles.
void tocsinLakeBind(void *info);
void tocsinLakeInit(void *info);
void tocsinLakeLocalInit(void *info);
void tocsinLakeFill(void *info, void *output);
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Batches reach DuckDB through a table function: INSERT INTO t SELECT * FROM
// tocsin_batches(n). DuckDB pulls chunks of 2,048 rows on its own threads and
// this file copies columns into its vectors, one call each, so that inserting
// runs in parallel as reading a file would. An appender was measured too: it
// copies every chunk once more and compresses on one thread.

const sourceName = "tocsin_batches"

// source is what one INSERT reads: batches of one table, cut into chunks.
type source struct {
	table    *Table
	batches  []*Batch
	cols     []int // columns that some row has, _extra as len(table.Columns)
	ingested int64 // value of _ingested in microseconds
	lanes    [][]chunkRef
	next     atomic.Int64 // lane to be claimed next
	rows     int
	pins     runtime.Pinner
}

type chunkRef struct {
	batch        *Batch
	start, count int
}

// sources are the inserts under way, by the number given to the table
// function. A number that is not here gives an error, so that a query cannot
// read what is not its own.
var sources struct {
	sync.Mutex
	last int64
	m    map[int64]*source
}

const (
	chunkRows = 2048 // DuckDB's vector size, checked in registerSource
	// groupRows is the size of a DuckDB row group here. A quarter of the usual
	// 122,880: a commit of that many rows is compressed and written straight
	// into the data file, a smaller one goes through the write-ahead log and is
	// compressed at the next checkpoint, which costs twice as much.
	groupRows = 15 * chunkRows
)

func newSource(t *Table, batches []*Batch, ingested int64, threads int) *source {
	s := &source{table: t, batches: batches, ingested: ingested}
	for col := range len(t.Columns) + 1 {
		for _, b := range batches {
			if b.cols[col].n > 0 {
				s.cols = append(s.cols, col)
				break
			}
		}
	}
	s.partition(threads)
	return s
}

// partition shares the rows out among at most threads lanes, each read by one
// thread from end to end. A lane is never shorter than a row group while the
// rows suffice for one: a thread compresses and writes what it has read only
// when that is at least a row group, and hands over raw rows otherwise.
func (s *source) partition(threads int) {
	for _, b := range s.batches {
		s.rows += b.rows
	}
	lanes := max(1, min(threads, s.rows/groupRows))
	share := (s.rows + lanes - 1) / lanes
	var lane []chunkRef
	room := share
	for _, b := range s.batches {
		for start := 0; start < b.rows; {
			n := min(chunkRows, b.rows-start, room)
			lane = append(lane, chunkRef{b, start, n})
			start += n
			if room -= n; room == 0 {
				s.lanes, lane, room = append(s.lanes, lane), nil, share
			}
		}
	}
	if len(lane) > 0 {
		s.lanes = append(s.lanes, lane)
	}
}

// open makes the source readable under a number until close. The arena blocks
// are pinned in between: DuckDB's vectors hold addresses into them.
func (s *source) open() int64 {
	for _, b := range s.batches {
		for _, block := range b.arena.blocks {
			s.pins.Pin(&block[0])
		}
	}
	sources.Lock()
	defer sources.Unlock()
	if sources.m == nil {
		sources.m = make(map[int64]*source)
	}
	sources.last++
	sources.m[sources.last] = s
	return sources.last
}

func (s *source) close(id int64) {
	sources.Lock()
	delete(sources.m, id)
	sources.Unlock()
	s.pins.Unpin()
}

func findSource(id int64) (*source, error) {
	sources.Lock()
	defer sources.Unlock()
	if s := sources.m[id]; s != nil {
		return s, nil
	}
	return nil, errors.New(sourceName + ": no such batches")
}

// registerSource makes the table function known to the database of conn.
func registerSource(conn mapping.Connection) error {
	if n := mapping.VectorSize(); n != chunkRows {
		return fmt.Errorf("DuckDB was built for vectors of %d rows, not %d", n, chunkRows)
	}
	f := mapping.CreateTableFunction()
	defer mapping.DestroyTableFunction(&f)
	mapping.TableFunctionSetName(f, sourceName)
	id := mapping.CreateLogicalType(mapping.TypeBigInt)
	defer mapping.DestroyLogicalType(&id)
	mapping.TableFunctionAddParameter(f, id)
	mapping.TableFunctionSetBind(f, unsafe.Pointer(C.tocsinLakeBind))
	mapping.TableFunctionSetInit(f, unsafe.Pointer(C.tocsinLakeInit))
	mapping.TableFunctionSetLocalInit(f, unsafe.Pointer(C.tocsinLakeLocalInit))
	mapping.TableFunctionSetFunction(f, unsafe.Pointer(C.tocsinLakeFill))
	if mapping.RegisterTableFunction(conn, f) == mapping.StateError {
		return errors.New("register the table function " + sourceName)
	}
	return nil
}

func (t Type) duck() mapping.Type {
	switch t {
	case Datetime:
		return mapping.TypeTimestamp
	case Int:
		return mapping.TypeInteger
	case Long:
		return mapping.TypeBigInt
	case Bool:
		return mapping.TypeBoolean
	case Real:
		return mapping.TypeDouble
	case blob:
		return mapping.TypeBlob
	}
	return mapping.TypeVarchar
}

//export tocsinLakeBind
func tocsinLakeBind(ptr unsafe.Pointer) {
	info := mapping.BindInfo{Ptr: ptr}
	v := mapping.BindGetParameter(info, 0)
	id := mapping.GetInt64(v)
	mapping.DestroyValue(&v)
	s, err := findSource(id)
	if err != nil {
		mapping.BindSetError(info, err.Error())
		return
	}
	add := func(name string, typ Type) {
		t := mapping.CreateLogicalType(typ.duck())
		if typ == Dynamic {
			mapping.LogicalTypeSetAlias(t, "JSON")
		}
		mapping.BindAddResultColumn(info, name, t)
		mapping.DestroyLogicalType(&t)
	}
	for _, col := range s.cols {
		add(s.columnName(col), s.batches[0].cols[col].typ)
	}
	add(ingestedColumn, Datetime)
	mapping.BindSetCardinality(info, mapping.IdxT(s.rows), true)
	p := C.malloc(8)
	*(*int64)(p) = id
	mapping.BindSetBindData(info, p, unsafe.Pointer(C.free))
}

func (s *source) columnName(col int) string {
	if col == len(s.table.Columns) {
		return extraColumn
	}
	return s.table.Columns[col].Name
}

//export tocsinLakeInit
func tocsinLakeInit(ptr unsafe.Pointer) {
	info := mapping.InitInfo{Ptr: ptr}
	s, err := findSource(*(*int64)(mapping.InitGetBindData(info)))
	if err != nil {
		mapping.InitSetError(info, err.Error())
		return
	}
	mapping.InitSetMaxThreads(info, mapping.IdxT(max(1, len(s.lanes))))
}

// readerState is where one DuckDB thread stands; it lies in C memory.
type readerState struct{ lane, chunk int64 }

//export tocsinLakeLocalInit
func tocsinLakeLocalInit(ptr unsafe.Pointer) {
	p := C.malloc(C.size_t(unsafe.Sizeof(readerState{})))
	*(*readerState)(p) = readerState{lane: -1}
	mapping.InitSetInitData(mapping.InitInfo{Ptr: ptr}, p, unsafe.Pointer(C.free))
}

//export tocsinLakeFill
func tocsinLakeFill(ptr, output unsafe.Pointer) {
	info := mapping.FunctionInfo{Ptr: ptr}
	s, err := findSource(*(*int64)(mapping.FunctionGetBindData(info)))
	if err != nil {
		mapping.FunctionSetError(info, err.Error())
		return
	}
	chunk := mapping.DataChunk{Ptr: output}
	at := (*readerState)(mapping.FunctionGetLocalInitData(info))
	if at.lane < 0 || int(at.chunk) == len(s.lanes[at.lane]) {
		at.lane, at.chunk = s.next.Add(1)-1, 0
		if at.lane >= int64(len(s.lanes)) {
			at.lane = -1
			mapping.DataChunkSetSize(chunk, 0)
			return
		}
	}
	ref := s.lanes[at.lane][at.chunk]
	at.chunk++
	for i, col := range s.cols {
		ref.batch.cols[col].fill(mapping.DataChunkGetVector(chunk, mapping.IdxT(i)), ref.start, ref.count)
	}
	data := mapping.VectorGetData(mapping.DataChunkGetVector(chunk, mapping.IdxT(len(s.cols))))
	ingested := unsafe.Slice((*int64)(data), ref.count)
	for i := range ingested {
		ingested[i] = s.ingested
	}
	mapping.DataChunkSetSize(chunk, mapping.IdxT(ref.count))
}

// fill copies rows [start, start+count) into a flat vector.
func (c *column) fill(vec mapping.Vector, start, count int) {
	have := max(0, min(count, c.n-start))
	if !c.allValid(start, count) {
		mapping.VectorEnsureValidityWritable(vec)
		mask := unsafe.Slice((*uint64)(mapping.VectorGetValidity(vec)), (count+63)/64)
		for i := range mask {
			mask[i] = c.validWord(start + 64*i)
		}
	}
	if have == 0 {
		return
	}
	data := mapping.VectorGetData(vec)
	switch c.typ {
	case Datetime, Long, Real:
		copy(unsafe.Slice((*uint64)(data), count), c.nums[start:start+have])
	case Int:
		out := unsafe.Slice((*int32)(data), count)
		for i, v := range c.nums[start : start+have] {
			out[i] = int32(v)
		}
	case Bool:
		out := unsafe.Slice((*uint8)(data), count)
		for i, v := range c.nums[start : start+have] {
			out[i] = uint8(v)
		}
	default:
		copy(unsafe.Slice((*strEntry)(data), count), c.strs[start:start+have])
	}
}

// validWord is the validity of the 64 rows from row on.
func (c *column) validWord(row int) uint64 {
	i, shift := row>>6, row&63
	if i >= len(c.valid) {
		return 0
	}
	w := c.valid[i] >> shift
	if shift > 0 && i+1 < len(c.valid) {
		w |= c.valid[i+1] << (64 - shift)
	}
	return w
}
