package lake

/*
#include <stdlib.h>

// Callbacks of the table function; the pointers are DuckDB's handles.
void tocsinStageBind(void *info);
void tocsinStageInit(void *info);
void tocsinStageLocalInit(void *info);
void tocsinStageFill(void *info, void *output);
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// A stage is a table that Go makes before a statement runs: FROM
// kql_stage(handle). Its rows are kept in a Batch, whose layout is DuckDB's,
// and copied into vectors as they are read; a statement may read a stage more
// than once.

const stageName = "kql_stage"

// stageTable is the rows of one stage.
type stageTable struct {
	name  string // for messages
	batch *Batch
	pins  runtime.Pinner
	left  *int64 // bytes that the hunt may still keep; shared by its stages
	size  int64  // bytes counted so far
}

var stages sync.Map // int64 -> *stageTable

// errStageFull is that a stage would keep more than it may.
var errStageFull = errors.New("the rows of a stage take too much memory")

func newStage(name string, cols []kql.Column, left *int64) *stageTable {
	t := &Table{Name: name, Time: -1, Key: -1, Device: -1}
	for i, c := range cols {
		t.Columns = append(t.Columns, Column{Name: fmt.Sprintf("c%d", i), Type: stageType(c.Type)})
	}
	return &stageTable{name: name, batch: newBatch(t, 0), left: left}
}

// stageType is how a stage holds a kql type: as SQL does.
func stageType(t kql.Type) Type {
	switch sqlgen.Letter(t) {
	case 'b':
		return Bool
	case 'i':
		return Int
	case 'l':
		return Long
	case 'd':
		return Real
	}
	return String
}

// add appends a row; errStageFull when there is no more room.
func (s *stageTable) add(row []kql.Value) error {
	b := s.batch
	if len(row) != len(b.table.Columns) {
		return fmt.Errorf("stage %s: a row of %d values for %d columns", s.name, len(row), len(b.table.Columns))
	}
	b.begin()
	size := int64(0)
	for i, v := range row {
		size += 8
		if v.IsNull() {
			if v.Type() == kql.String {
				b.setStr(i, strEntry{})
			}
			continue
		}
		switch b.cols[i].typ {
		case Bool:
			b.setNum(i, uint64(b2i(v.Bool())))
		case Int, Long:
			b.setNum(i, uint64(v.Int()))
		case Real:
			b.setNum(i, math.Float64bits(asFloat(v)))
		default:
			text, _ := physicalText(v)
			if !utf8.ValidString(text) {
				text = strings.ToValidUTF8(text, "\uFFFD")
			}
			p := b.arena.alloc(len(text))
			copy(p, text)
			b.setStr(i, entryOf(p))
			size += 8 + int64(len(text))
		}
	}
	b.rows++
	s.size += size
	if *s.left -= size; *s.left < 0 {
		return errStageFull
	}
	return nil
}

// open makes the stage readable under its handle until close.
func (s *stageTable) open(handle int64) {
	for _, block := range s.batch.arena.blocks {
		s.pins.Pin(&block[0])
	}
	stages.Store(handle, s)
}

func (s *stageTable) close(handle int64) {
	stages.Delete(handle)
	s.pins.Unpin()
	*s.left += s.size
}

func findStage(handle int64) (*stageTable, error) {
	if s, ok := stages.Load(handle); ok {
		return s.(*stageTable), nil
	}
	return nil, errors.New(stageName + ": no such stage")
}

// registerStages makes the table function known to the database of conn.
func registerStages(conn mapping.Connection) error {
	f := mapping.CreateTableFunction()
	defer mapping.DestroyTableFunction(&f)
	mapping.TableFunctionSetName(f, stageName)
	id := mapping.CreateLogicalType(mapping.TypeBigInt)
	defer mapping.DestroyLogicalType(&id)
	mapping.TableFunctionAddParameter(f, id)
	mapping.TableFunctionSupportsProjectionPushdown(f, true)
	mapping.TableFunctionSetBind(f, unsafe.Pointer(C.tocsinStageBind))
	mapping.TableFunctionSetInit(f, unsafe.Pointer(C.tocsinStageInit))
	mapping.TableFunctionSetLocalInit(f, unsafe.Pointer(C.tocsinStageLocalInit))
	mapping.TableFunctionSetFunction(f, unsafe.Pointer(C.tocsinStageFill))
	if mapping.RegisterTableFunction(conn, f) == mapping.StateError {
		return errors.New("register the table function " + stageName)
	}
	return nil
}

//export tocsinStageBind
func tocsinStageBind(ptr unsafe.Pointer) {
	info := mapping.BindInfo{Ptr: ptr}
	v := mapping.BindGetParameter(info, 0)
	handle := mapping.GetInt64(v)
	mapping.DestroyValue(&v)
	s, err := findStage(handle)
	if err != nil {
		mapping.BindSetError(info, err.Error())
		return
	}
	for _, c := range s.batch.table.Columns {
		t := mapping.CreateLogicalType(c.Type.duck())
		mapping.BindAddResultColumn(info, c.Name, t)
		mapping.DestroyLogicalType(&t)
	}
	mapping.BindSetCardinality(info, mapping.IdxT(s.batch.rows), true)
	p := C.malloc(8)
	*(*int64)(p) = handle
	mapping.BindSetBindData(info, p, unsafe.Pointer(C.free))
}

// stageReader is where the reading of a stage stands and which columns it
// wants; it lies in C memory, the columns behind it.
type stageReader struct {
	row  int64
	cols int64
}

// A stage is read by one thread, so that its rows keep their order.
//
//export tocsinStageInit
func tocsinStageInit(ptr unsafe.Pointer) {
	mapping.InitSetMaxThreads(mapping.InitInfo{Ptr: ptr}, 1)
}

//export tocsinStageLocalInit
func tocsinStageLocalInit(ptr unsafe.Pointer) {
	info := mapping.InitInfo{Ptr: ptr}
	n := int(mapping.InitGetColumnCount(info))
	size := int(unsafe.Sizeof(stageReader{}))
	p := C.malloc(C.size_t(size + 8*n))
	*(*stageReader)(p) = stageReader{cols: int64(n)}
	cols := unsafe.Slice((*int64)(unsafe.Add(p, size)), n)
	for i := range cols {
		cols[i] = int64(mapping.InitGetColumnIndex(info, mapping.IdxT(i)))
	}
	mapping.InitSetInitData(info, p, unsafe.Pointer(C.free))
}

//export tocsinStageFill
func tocsinStageFill(ptr, output unsafe.Pointer) {
	info := mapping.FunctionInfo{Ptr: ptr}
	s, err := findStage(*(*int64)(mapping.FunctionGetBindData(info)))
	if err != nil {
		mapping.FunctionSetError(info, err.Error())
		return
	}
	chunk := mapping.DataChunk{Ptr: output}
	p := mapping.FunctionGetLocalInitData(info)
	at := (*stageReader)(p)
	n := min(chunkRows, s.batch.rows-int(at.row))
	cols := unsafe.Slice((*int64)(unsafe.Add(p, unsafe.Sizeof(stageReader{}))), at.cols)
	for i, col := range cols {
		// A column beyond the table's is the row id that count(*) asks for.
		if col >= 0 && int(col) < len(s.batch.table.Columns) {
			s.batch.cols[col].fill(mapping.DataChunkGetVector(chunk, mapping.IdxT(i)), int(at.row), n)
		}
	}
	at.row += int64(n)
	mapping.DataChunkSetSize(chunk, mapping.IdxT(n))
}
