package lake

/*
// Callback of the scalar functions; the pointers are DuckDB's handles.
void tocsinLakeNative(void *info, void *input, void *output);
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// What SQL cannot say, it leaves to Go: kql_<shape>(handle, ...) is a scalar
// function whose first argument tells which sqlgen.Site is meant. DuckDB calls
// it on its own threads with vectors of up to 2,048 rows; strings are read
// where they lie and results are written in place, so that a call costs a few
// crossings between C and Go for a whole vector and none for a row.
//
// One function is registered for each shape, when a statement first needs it
// and on a connection of its own: a transaction that only reads could not do
// it, and one that began before would not see it.

const nativePrefix = "kql_"

// handles numbers sites and stages. A number is never used twice: a statement
// that has gone on longer than it should finds nothing instead of another's.
var handles atomic.Int64

// nativeSites are the sites that may be called now.
var nativeSites sync.Map // int64 -> *nativeSite

// nativeRun is what the sites of one hunt share.
type nativeRun struct {
	stopped atomic.Bool
	full    atomic.Bool // a result took more memory than there is
	failure atomic.Pointer[nativeFailure]
}

// nativeFailure is a fault of ours inside a call, for the log.
type nativeFailure struct {
	site  string
	cause any
	stack []byte
}

func (f *nativeFailure) Error() string { return fmt.Sprintf("%s: %v", f.site, f.cause) }

// These are what DuckDB is told; Hunt knows better what happened and tells that.
var (
	errStopped = errors.New("the query was stopped")
	errFault   = errors.New("a function failed")
	errFull    = errors.New("a result takes too much memory")
)

// nativeSite is a site that may be called.
type nativeSite struct {
	site  *sqlgen.Site
	run   *nativeRun
	shape nativeShape
	apply func(s *nativeSite, in []inColumn, out *outVector, rows int) error
}

// openSites makes sites callable until closeSites.
func openSites(sites map[int64]*sqlgen.Site, run *nativeRun) error {
	for handle, site := range sites {
		shape, err := parseShape(site.Shape)
		if err != nil {
			closeSites(sites)
			return err
		}
		s := &nativeSite{site: site, run: run, shape: shape}
		switch {
		case site.Text != nil:
			s.apply = applyText
		case site.Match != nil:
			s.apply = applyMatch
		case site.Agg != nil:
			s.apply = applyAggregate
		case site.Call != nil:
			s.apply = applyCall
		default:
			closeSites(sites)
			return fmt.Errorf("site %s says nothing to call", site.Shape)
		}
		if err := s.check(); err != nil {
			closeSites(sites)
			return err
		}
		nativeSites.Store(handle, s)
	}
	return nil
}

func closeSites(sites map[int64]*sqlgen.Site) {
	for handle := range sites {
		nativeSites.Delete(handle)
	}
}

// check refuses a site whose shape and types disagree, before DuckDB would hand
// over vectors that are not what the code below takes them for.
func (s *nativeSite) check() error {
	args := s.shape.args
	if s.site.Text != nil {
		if s.site.Shape != "b_s" {
			return fmt.Errorf("a text predicate of shape %s", s.site.Shape)
		}
		return nil
	}
	if s.site.Match != nil {
		if s.site.Shape != "Ls_s" {
			return fmt.Errorf("a matcher of shape %s", s.site.Shape)
		}
		return nil
	}
	if len(s.site.Types) != len(args) {
		return fmt.Errorf("site %s has %d types", s.site.Shape, len(s.site.Types))
	}
	return nil
}

// nativeShape is what the name of a function says of its vectors.
type nativeShape struct {
	ret  nativeCode
	args []nativeCode
}

// nativeCode is b, i, l, d or s; in a list or not.
type nativeCode struct {
	code byte
	list bool
}

func parseShape(text string) (nativeShape, error) {
	ret, args, ok := strings.Cut(text, "_")
	r, err := parseCodes(ret)
	if err != nil || !ok || len(r) != 1 {
		return nativeShape{}, fmt.Errorf("no shape of a function: %q", text)
	}
	a, err := parseCodes(args)
	if err != nil {
		return nativeShape{}, fmt.Errorf("no shape of a function: %q", text)
	}
	return nativeShape{r[0], a}, nil
}

func parseCodes(text string) (codes []nativeCode, err error) {
	var list bool
	for _, c := range []byte(text) {
		switch c {
		case 'L':
			if list {
				return nil, errors.New("a list of lists")
			}
			list = true
		case 'b', 'i', 'l', 'd', 's':
			codes = append(codes, nativeCode{c, list})
			list = false
		default:
			return nil, errors.New("an unknown code")
		}
	}
	if list {
		return nil, errors.New("a list of nothing")
	}
	return codes, nil
}

func (c nativeCode) duck() mapping.Type {
	switch c.code {
	case 'b':
		return mapping.TypeBoolean
	case 'i':
		return mapping.TypeInteger
	case 'l':
		return mapping.TypeBigInt
	case 'd':
		return mapping.TypeDouble
	}
	return mapping.TypeVarchar
}

// logical is the type in DuckDB; the caller destroys it.
func (c nativeCode) logical() mapping.LogicalType {
	typ := mapping.CreateLogicalType(c.duck())
	if !c.list {
		return typ
	}
	defer mapping.DestroyLogicalType(&typ)
	return mapping.CreateListType(typ)
}

// natives are the shapes that one database knows.
type natives struct {
	sync.Mutex
	known map[string]bool
}

// know registers the shapes that the database does not know yet. conn must not
// be inside a transaction.
func (n *natives) know(conn mapping.Connection, shapes []string) error {
	n.Lock()
	defer n.Unlock()
	for _, shape := range shapes {
		if n.known[shape] {
			continue
		}
		if err := registerNative(conn, shape); err != nil {
			return err
		}
		if n.known == nil {
			n.known = make(map[string]bool)
		}
		n.known[shape] = true
	}
	return nil
}

// knowSites registers what the sites of a statement need. It must be called
// before the transaction that runs the statement begins.
func (l *Lake) knowSites(ctx context.Context, sites map[int64]*sqlgen.Site) error {
	shapes := l.natives.unknown(sites)
	if len(shapes) == 0 {
		return nil
	}
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return l.readError(err)
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		return withHandle(c, func(h mapping.Connection) error { return l.natives.know(h, shapes) })
	})
}

// unknown lists the shapes of sites that are to be registered first.
func (n *natives) unknown(sites map[int64]*sqlgen.Site) (shapes []string) {
	n.Lock()
	defer n.Unlock()
	for _, s := range sites {
		if !n.known[s.Shape] {
			shapes = append(shapes, s.Shape)
		}
	}
	return shapes
}

func registerNative(conn mapping.Connection, text string) error {
	shape, err := parseShape(text)
	if err != nil {
		return err
	}
	f := mapping.CreateScalarFunction()
	defer mapping.DestroyScalarFunction(&f)
	mapping.ScalarFunctionSetName(f, nativePrefix+text)
	for _, c := range append([]nativeCode{{code: 'l'}}, shape.args...) {
		typ := c.logical()
		mapping.ScalarFunctionAddParameter(f, typ)
		mapping.DestroyLogicalType(&typ)
	}
	typ := shape.ret.logical()
	mapping.ScalarFunctionSetReturnType(f, typ)
	mapping.DestroyLogicalType(&typ)
	mapping.ScalarFunctionSetSpecialHandling(f) // nulls come in as well
	mapping.ScalarFunctionSetFunction(f, unsafe.Pointer(C.tocsinLakeNative))
	if mapping.RegisterScalarFunction(conn, f) == mapping.StateError {
		return fmt.Errorf("register the function %s%s", nativePrefix, text)
	}
	return nil
}

//export tocsinLakeNative
func tocsinLakeNative(info, input, output unsafe.Pointer) {
	if err := callNative(mapping.DataChunk{Ptr: input}, mapping.Vector{Ptr: output}); err != nil {
		mapping.ScalarFunctionSetError(mapping.FunctionInfo{Ptr: info}, err.Error())
	}
}

func callNative(chunk mapping.DataChunk, output mapping.Vector) (err error) {
	rows := int(mapping.DataChunkGetSize(chunk))
	if rows == 0 {
		return nil
	}
	handle := *(*int64)(mapping.VectorGetData(mapping.DataChunkGetVector(chunk, 0)))
	found, ok := nativeSites.Load(handle)
	if !ok {
		return errStopped
	}
	s := found.(*nativeSite)
	if s.run.stopped.Load() {
		return errStopped
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.run.failure.CompareAndSwap(nil, &nativeFailure{s.name(), cause, debug.Stack()})
			err = errFault
		}
	}()
	in := make([]inColumn, len(s.shape.args))
	for i, code := range s.shape.args {
		in[i] = inVector(mapping.DataChunkGetVector(chunk, mapping.IdxT(i+1)), code, rows)
	}
	out := newOutVector(output, s.shape.ret, rows)
	if err = s.apply(s, in, out, rows); err == nil {
		err = out.finish()
	}
	if err == errFull {
		s.run.full.Store(true)
	}
	return err
}

// name is what the log calls the site.
func (s *nativeSite) name() string {
	switch {
	case s.site.Call != nil:
		return s.site.Call.Func.Name
	case s.site.Agg != nil:
		return s.site.Agg.Name
	case s.site.Match != nil:
		return s.site.Match.Name
	}
	return nativePrefix + s.site.Shape
}
