package lake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// session is a connection inside a transaction that only reads. It runs one
// statement at a time.
type session struct {
	conn *sql.Conn
	h    mapping.Connection
}

// openSession begins a transaction that cannot write.
func (l *Lake) openSession(ctx context.Context) (*session, error) {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, l.readError(err)
	}
	s := &session{conn: conn}
	err = conn.Raw(func(c any) error {
		// The handle outlives Raw: the connection is ours until close, and only
		// this session uses it.
		return withHandle(c, func(h mapping.Connection) error { s.h = h; return nil })
	})
	if err == nil {
		err = execute(s.h, "BEGIN TRANSACTION READ ONLY")
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (s *session) close() {
	if err := execute(s.h, "ROLLBACK"); err != nil {
		discard(s.conn)
		return
	}
	s.conn.Close()
}

// interrupt stops what the session is doing, from another goroutine.
func (s *session) interrupt() { mapping.Interrupt(s.h) }

// engineError is what DuckDB says went wrong; its text is for the log only.
type engineError struct {
	kind mapping.ErrorType
	msg  string
}

func (e *engineError) Error() string { return e.msg }

// rowReader reads the rows of one running statement. The engine works only as
// far as rows are taken: what is read and not taken yet is a few vectors.
type rowReader struct {
	stmt    mapping.PreparedStatement
	result  mapping.Result
	chunk   mapping.DataChunk
	cols    []sqlgen.OutCol
	columns []inValues
	row     []kql.Value
	at, n   int
	done    bool
}

// query starts a statement. The reader must be closed before the session runs
// another one.
func (s *session) query(st *sqlgen.Statement) (*rowReader, error) {
	r := &rowReader{cols: st.Cols, row: make([]kql.Value, len(st.Cols))}
	if mapping.Prepare(s.h, st.SQL, &r.stmt) == mapping.StateError {
		err := &engineError{mapping.ErrorTypeInvalid, mapping.PrepareError(r.stmt)}
		mapping.DestroyPrepare(&r.stmt)
		return nil, err
	}
	if err := r.start(st); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rowReader) start(st *sqlgen.Statement) error {
	if mapping.PreparedStatementType(r.stmt) != mapping.StatementTypeSelect {
		return errors.New("a statement that is no SELECT")
	}
	for i, arg := range st.Args {
		if err := bindArg(r.stmt, mapping.IdxT(i+1), arg); err != nil {
			return err
		}
	}
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if bindings.PendingPreparedStreaming(r.stmt, &pending) == mapping.StateError {
		return &engineError{mapping.ErrorTypeInvalid, mapping.PendingError(pending)}
	}
	drive(pending)
	if msg := mapping.PendingError(pending); msg != "" {
		return &engineError{errorKind(msg), msg}
	}
	if mapping.ExecutePending(pending, &r.result) == mapping.StateError {
		return r.failure()
	}
	return r.checkColumns()
}

// errorKind is the kind of an error of which DuckDB's interface gives the text
// only.
func errorKind(msg string) mapping.ErrorType {
	if strings.HasPrefix(msg, "Out of Memory Error") {
		return mapping.ErrorTypeOutOfMemory
	}
	return mapping.ErrorTypeInvalid
}

func bindArg(stmt mapping.PreparedStatement, i mapping.IdxT, arg any) error {
	state := mapping.State(mapping.StateError)
	switch v := arg.(type) {
	case bool:
		state = mapping.BindBoolean(stmt, i, v)
	case int32:
		state = mapping.BindInt32(stmt, i, v)
	case int64:
		state = mapping.BindInt64(stmt, i, v)
	case float64:
		state = mapping.BindDouble(stmt, i, v)
	case string:
		state = mapping.BindVarchar(stmt, i, v)
	case nil:
		state = mapping.BindNull(stmt, i)
	}
	if state == mapping.StateError {
		return fmt.Errorf("parameter %d of type %T cannot be bound: %s", i, arg, mapping.PrepareError(stmt))
	}
	return nil
}

func (r *rowReader) failure() error {
	return &engineError{mapping.ResultErrorType(&r.result), mapping.ResultError(&r.result)}
}

// checkColumns compares what comes out with what is going to be read: a vector
// of another layout would be read as garbage.
func (r *rowReader) checkColumns() error {
	// A table without columns is read as one that nobody looks at.
	if n := int(mapping.ColumnCount(&r.result)); n != max(1, len(r.cols)) {
		return fmt.Errorf("a result of %d columns instead of %d", n, len(r.cols))
	}
	r.columns = make([]inValues, len(r.cols))
	for i, c := range r.cols {
		v := inValues{inColumn: inColumn{code: sqlgen.Letter(c.Type)}, typ: c.Type, lazy: true}
		want := nativeCode{code: v.code}.duck()
		if c.Rep == sqlgen.Micros {
			v.micros, want = true, mapping.TypeTimestamp
		}
		if got := mapping.ColumnType(&r.result, mapping.IdxT(i)); got != want {
			return fmt.Errorf("column %s of type %s comes as DuckDB's type %d instead of %d", c.Name, c.Type, got, want)
		}
		r.columns[i] = v
	}
	return nil
}

// next is the next row, nil at the end. It is valid until the call after; its
// values may be kept.
func (r *rowReader) next() ([]kql.Value, error) {
	if r.at == r.n {
		if err := r.fetch(); err != nil || r.done {
			return nil, err
		}
	}
	for i := range r.columns {
		r.row[i] = r.columns[i].at(r.at)
	}
	r.at++
	return r.row, nil
}

func (r *rowReader) fetch() error {
	for r.at, r.n = 0, 0; r.n == 0 && !r.done; {
		mapping.DestroyDataChunk(&r.chunk)
		r.chunk = mapping.FetchChunk(r.result)
		if r.chunk.Ptr == nil {
			r.done = true
			if mapping.ResultError(&r.result) != "" {
				return r.failure()
			}
			return nil
		}
		r.n = int(mapping.DataChunkGetSize(r.chunk))
	}
	for i := range r.columns {
		c := &r.columns[i]
		c.inColumn = inVector(mapping.DataChunkGetVector(r.chunk, mapping.IdxT(i)), nativeCode{code: c.code}, r.n)
		c.known = false // an address means another text now
	}
	return nil
}

// close ends the reading, and the statement if it still runs.
func (r *rowReader) close() {
	mapping.DestroyDataChunk(&r.chunk)
	mapping.DestroyResult(&r.result)
	mapping.DestroyPrepare(&r.stmt)
}

// encodedSize is what a value takes in an answer, about: as JSON, with its
// separator.
func encodedSize(v kql.Value) int64 {
	if v.IsNull() {
		return 5
	}
	switch v.Type() {
	case kql.Bool:
		return 6
	case kql.Int, kql.Long:
		var b [20]byte
		return int64(len(strconv.AppendInt(b[:0], v.Int(), 10))) + 1
	case kql.Real:
		return 12
	case kql.DateTime:
		return 31
	case kql.TimeSpan:
		return 19
	case kql.Dynamic:
		return int64(len(dynamicText(v))) + 1
	}
	return int64(len(v.Str())) + 3
}
