package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// runHunt answers a query for a door of the API: see Hunter.Run.
func (a *API) runHunt(ctx context.Context, query string, opts lake.HuntOptions, sink lake.HuntSink) (lake.HuntStats, error) {
	if a.cfg.Hunting == nil {
		return lake.HuntStats{}, missing("hunting")
	}
	return a.cfg.Hunting.Run(ctx, query, opts, sink)
}

const (
	streamRows  = 1000                   // of one line
	streamBytes = 256 << 10              // after which a line ends early
	streamDelay = 500 * time.Millisecond // after which rows that trickle in are sent
)

// huntStream writes a result as lines of JSON while it is found. Each write has
// a deadline of its own: a query must not live on a reader that does not read.
type huntStream struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	begun bool // the status is sent
	buf   []byte
	rows  int // in buf
	sent  time.Time
}

func newHuntStream(w http.ResponseWriter) *huntStream {
	return &huntStream{w: w, rc: http.NewResponseController(w)}
}

type tableLine struct {
	Table streamTable `json:"table"`
}

type streamTable struct {
	Name    string          `json:"name"`
	Columns []huntingColumn `json:"columns"`
	Render  *streamRender   `json:"render,omitempty"`
}

type streamRender struct {
	Chart string            `json:"chart"`
	Props map[string]string `json:"props,omitempty"`
}

type statsLine struct {
	Stats streamStats `json:"stats"`
}

type streamStats struct {
	Rows      int64        `json:"rows"`
	Bytes     int64        `json:"bytes"`
	ElapsedMs int64        `json:"elapsedMs"`
	CPUMs     int64        `json:"cpuMs"`
	Resource  string       `json:"resource"`
	Partial   string       `json:"partial,omitempty"`
	Tables    []string     `json:"tables"`
	Warnings  []diagnostic `json:"warnings"`
}

func statsOf(src string, s lake.HuntStats) streamStats {
	return streamStats{Rows: s.Rows, Bytes: s.Bytes, ElapsedMs: s.Elapsed.Milliseconds(), CPUMs: s.CPU.Milliseconds(), Resource: s.Resource,
		Partial: s.Partial, Tables: list(s.Tables), Warnings: diagnosticsOf(src, s.Warnings)}
}

// Table and Row make it a lake.HuntSink.
func (s *huntStream) Table(t lake.HuntTable) error {
	line := tableLine{streamTable{Name: t.Name, Columns: make([]huntingColumn, len(t.Columns))}}
	for i, c := range t.Columns {
		line.Table.Columns[i] = huntingColumn{Name: c.Name, Type: c.Type.String()}
	}
	if t.Render != nil {
		line.Table.Render = &streamRender{t.Render.Chart, t.Render.Props}
	}
	s.closeRows()
	if err := s.line(line); err != nil {
		return err
	}
	return s.flush()
}

func (s *huntStream) Row(row []kql.Value) error {
	if s.rows == 0 {
		s.buf = append(s.buf, `{"rows":[[`...)
	} else {
		s.buf = append(s.buf, `,[`...)
	}
	for i, v := range row {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		s.buf = appendScriptCell(s.buf, v)
	}
	s.buf = append(s.buf, ']')
	s.rows++
	if s.rows < streamRows && len(s.buf) < streamBytes && (s.rows%16 != 0 || time.Since(s.sent) < streamDelay) {
		return nil
	}
	s.closeRows()
	return s.flush()
}

// appendScriptCell writes a value for a browser, whose numbers are exact up to
// 2^53 only: a long beyond that is text.
func appendScriptCell(buf []byte, v kql.Value) []byte {
	const exact = 1 << 53
	if v.Type() != kql.Long || v.IsNull() || v.Int() >= -exact && v.Int() <= exact {
		return appendCell(buf, v)
	}
	buf = append(buf, '"')
	buf = appendCell(buf, v)
	return append(buf, '"')
}

func (s *huntStream) closeRows() {
	if s.rows > 0 {
		s.buf = append(s.buf, "]}\n"...)
		s.rows = 0
	}
}

func (s *huntStream) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.buf = append(append(s.buf, text...), '\n')
	return nil
}

// end writes the last line.
func (s *huntStream) end(v any) error {
	s.closeRows()
	if err := s.line(v); err != nil {
		return err
	}
	return s.flush()
}

func (s *huntStream) flush() error {
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", "application/x-ndjson; charset=utf-8")
		h.Set("X-Accel-Buffering", "no") // proxies must not gather the lines
		s.w.WriteHeader(http.StatusOK)
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(answerPause)) // a recorder in a test has no deadlines
	_, err := s.w.Write(s.buf)
	if err == nil {
		err = s.rc.Flush()
	}
	s.buf, s.sent = s.buf[:0], time.Now()
	if err != nil {
		return readerGone{err}
	}
	return nil
}

// answerPause is how long a reader of a result may take none of it.
const answerPause = 30 * time.Second

// readerGone is a failed write of a result.
type readerGone struct{ error }

func (e readerGone) Is(target error) bool { return target == errReaderGone }
func (e readerGone) Unwrap() error        { return e.error }
