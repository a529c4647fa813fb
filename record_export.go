package tocsin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// An export of the record is NDJSON: a first line that says what it is, the
// lines of the record, and a last line by which a cut file is seen. A line of
// the record has the fields of Change; what JSON would spell in another way
// than it was hashed stands in beforeText and afterText instead.

// ExportHeader is the first line of an export.
type ExportHeader struct {
	Format string    `json:"tocsinRecord"` // ExportFormat
	Tenant string    `json:"tenant"`
	At     time.Time `json:"at"`
	// Whole is true when no line up to Head is left out, by a filter or because
	// it is another tenant's: then a gap is damage.
	Whole bool `json:"whole"`
	Head  Mark `json:"head"` // of the record when the export began
}

// ExportFormat names the format and its version.
const ExportFormat = "1"

// exportLine is a Change on its way.
type exportLine struct {
	Change
	BeforeText *string `json:"beforeText,omitempty"`
	AfterText  *string `json:"afterText,omitempty"`
}

type exportEnd struct {
	End  bool   `json:"end"`
	N    int64  `json:"lines"`
	Hash string `json:"hash"` // of the last line
}

// maxExportLine is the longest line that is read, in bytes.
const maxExportLine = 8 << 20

// ExportWriter writes an export.
type ExportWriter struct {
	enc  *json.Encoder
	n    int64
	hash string
}

// NewExport begins an export with its header.
func NewExport(w io.Writer, h ExportHeader) (*ExportWriter, error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	h.Format = ExportFormat
	return &ExportWriter{enc: enc}, enc.Encode(h)
}

// Add writes one line.
func (e *ExportWriter) Add(c *Change) error {
	l := exportLine{Change: *c}
	l.Before, l.BeforeText = exact(c.Before)
	l.After, l.AfterText = exact(c.After)
	e.n, e.hash = e.n+1, c.Hash
	return e.enc.Encode(l)
}

// End writes the last line. Without it the export counts as cut.
func (e *ExportWriter) End() error { return e.enc.Encode(exportEnd{true, e.n, e.hash}) }

// exact is raw where JSON keeps its bytes, and otherwise its text.
func exact(raw json.RawMessage) (json.RawMessage, *string) {
	if raw == nil {
		return nil, nil
	}
	var b bytes.Buffer
	if utf8.Valid(raw) && json.Compact(&b, raw) == nil && bytes.Equal(b.Bytes(), raw) {
		return raw, nil
	}
	s := string(raw)
	return nil, &s
}

// CheckExport reads an export and checks its chain, against marks as well if
// there are any. The error is of CodeInvalid when r is no export, or ends too
// early; a Fault is damage of what was exported.
func CheckExport(r io.Reader, marks ...Mark) (h ExportHeader, chain Chain, bad *Fault, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxExportLine)
	if !in.Scan() || json.Unmarshal(in.Bytes(), &h) != nil || h.Format != ExportFormat {
		return h, chain, nil, errors.Join(Errorf(CodeInvalid, "this is no export of the record"), in.Err())
	}
	if !h.Whole {
		chain.Tenant = h.Tenant
	}
	chain.Expect(marks...)
	for n := 2; in.Scan(); n++ {
		var end exportEnd
		if bytes.HasPrefix(in.Bytes(), []byte(`{"end":`)) {
			if err := json.Unmarshal(in.Bytes(), &end); err != nil || end.N != chain.Lines || end.Hash != chain.Hash && end.N > 0 {
				return h, chain, nil, Errorf(CodeInvalid, "line %d: the export does not end as it says: it has %d lines", n, chain.Lines)
			}
			if in.Scan() {
				return h, chain, nil, Errorf(CodeInvalid, "line %d: something follows the end of the export", n+1)
			}
			return h, chain, chain.End(), in.Err()
		}
		var l exportLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return h, chain, nil, Errorf(CodeInvalid, "line %d of the file is no line of the record: %w", n, err)
		}
		if l.BeforeText != nil {
			l.Before = json.RawMessage(*l.BeforeText)
		}
		if l.AfterText != nil {
			l.After = json.RawMessage(*l.AfterText)
		}
		if bad := chain.Add(&l.Change); bad != nil {
			return h, chain, bad, nil
		}
	}
	if err := in.Err(); err != nil {
		return h, chain, nil, fmt.Errorf("read the export: %w", err)
	}
	return h, chain, nil, Errorf(CodeInvalid, "the export was cut off after %d lines", chain.Lines)
}
