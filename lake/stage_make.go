package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// LiveTable gives the rows of a hunting table that is kept elsewhere, such as
// the alerts of the case files: at least those between from and to (zero: all),
// as maps like those of Sample. It runs for each query that names the table.
type LiveTable func(ctx context.Context, from, to time.Time, emit func(row map[string]any) error) error

// statementRun is what running statements of one hunt needs.
type statementRun struct {
	l        *Lake
	ctx      context.Context
	native   *nativeRun
	from, to time.Time
	left     int64 // bytes that stages may still keep
	sessions sessionSet
}

// run starts a statement on a session of its own and hands its rows to fn. A
// row is valid until fn returns.
func (r *statementRun) run(st *sqlgen.Statement, fn func(row []kql.Value) error) error {
	next, done, err := r.open(st)
	if err != nil {
		return err
	}
	defer done()
	for {
		row, err := next()
		if err != nil || row == nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// open makes the stages of a statement and starts it.
func (r *statementRun) open(st *sqlgen.Statement) (next func() ([]kql.Value, error), done func(), err error) {
	var undo []func()
	undoAll := func() {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
	}
	defer func() {
		if err != nil {
			undoAll()
		}
	}()
	// Before the transaction begins: it would not see a function registered later.
	if err := r.l.knowSites(r.ctx, st.Sites); err != nil {
		return nil, nil, err
	}
	if err := openSites(st.Sites, r.native); err != nil {
		return nil, nil, err
	}
	undo = append(undo, func() { closeSites(st.Sites) })
	for _, s := range st.Stages {
		made, err := r.stage(s)
		if err != nil {
			return nil, nil, err
		}
		made.open(s.Handle)
		undo = append(undo, func() { made.close(s.Handle) })
	}
	session, err := r.l.openSession(r.ctx)
	if err != nil {
		return nil, nil, err
	}
	undo = append(undo, session.close)
	r.sessions.add(session)
	undo = append(undo, func() { r.sessions.remove(session) })
	rows, err := session.query(st)
	if err != nil {
		return nil, nil, err
	}
	undo = append(undo, rows.close)
	return rows.next, undoAll, nil
}

// stage makes the rows of one stage.
func (r *statementRun) stage(s *sqlgen.Stage) (made *stageTable, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &nativeFailure{made.name, cause, debug.Stack()}
			r.left += made.size
		}
	}()
	switch {
	case s.Op != nil:
		made = newStage(s.Name, s.Cols, &r.left)
		err = r.operate(s, made)
	case s.External != nil:
		made = newStage("externaldata", s.Cols, &r.left)
		err = r.l.readExternal(r.ctx, s.External, made.add)
	default:
		made = newStage(s.Live, s.Cols, &r.left)
		err = r.live(s, made)
	}
	if err != nil {
		r.left += made.size
		if errors.Is(err, errStageFull) || errors.Is(err, kql.ErrTooLarge) {
			err = stageTooLarge(made.name)
		}
		return nil, err
	}
	return made, nil
}

// operate runs an operator over the rows of its inputs.
func (r *statementRun) operate(s *sqlgen.Stage, into *stageTable) (err error) {
	var ins []func() ([]kql.Value, error)
	for _, in := range s.Inputs {
		next, done, err := r.open(in)
		if err != nil {
			return err
		}
		defer done()
		ended := false
		ins = append(ins, func() ([]kql.Value, error) {
			if ended || r.native.stopped.Load() {
				return nil, r.ctx.Err()
			}
			row, err := next()
			ended = row == nil
			return row, err
		})
	}
	rows := 0
	return s.Op.Run(ins, func(row []kql.Value) error {
		if rows++; rows%chunkRows == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		return into.add(row)
	})
}

func (r *statementRun) live(s *sqlgen.Stage, into *stageTable) error {
	read := r.l.cfg.Live[s.Live]
	if read == nil {
		return fmt.Errorf("no live table %q", s.Live)
	}
	row := make([]kql.Value, len(s.Cols))
	return read(r.ctx, r.from, r.to, func(from map[string]any) error {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		for i, c := range s.Cols {
			row[i] = valueOf(from[s.Source[i]], c.Type)
		}
		return into.add(row)
	})
}

// valueOf is a value of a live row in the type of its column; null when it has
// another type.
func valueOf(v any, typ kql.Type) kql.Value {
	switch v := v.(type) {
	case string:
		switch typ {
		case kql.String:
			return kql.StringOf(v)
		case kql.Guid:
			return kql.GuidOf(v)
		case kql.Dynamic:
			return kql.DynamicOf(v)
		}
	case int64:
		switch typ {
		case kql.Int, kql.Long:
			return whole(typ, v)
		case kql.Real:
			return kql.RealOf(float64(v))
		}
	case int:
		return valueOf(int64(v), typ)
	case float64:
		if typ == kql.Real {
			return kql.RealOf(v)
		}
	case bool:
		if typ == kql.Bool {
			return kql.BoolOf(v)
		}
	case time.Time:
		if typ == kql.DateTime {
			return kql.TimeOf(v)
		}
	case json.RawMessage:
		if typ == kql.Dynamic && len(v) > 0 && string(v) != "null" {
			return kql.DynamicText(string(v))
		}
	}
	return kql.Null(typ)
}
