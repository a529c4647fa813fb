package lake

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// OpenExternal opens what externaldata names. It decides what may be reached;
// an error that is a *tocsin.Error is shown to the person who asked.
type OpenExternal func(ctx context.Context, uri string) (io.ReadCloser, error)

// externalBytes bounds one file of externaldata, unpacked.
const externalBytes = 256 << 20

// readExternal gives the rows of externaldata.
func (l *Lake) readExternal(ctx context.Context, ext *kql.External, emit func([]kql.Value) error) error {
	if l.cfg.External == nil {
		return tocsin.Errorf(tocsin.CodeForbidden, "External data is switched off here: the externaldata operator cannot be used.")
	}
	for _, uri := range ext.URIs {
		uri, _, _ = strings.Cut(uri, ";") // what follows says how to sign in
		if err := l.readFile(ctx, ext, uri, emit); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lake) readFile(ctx context.Context, ext *kql.External, uri string, emit func([]kql.Value) error) error {
	body, err := l.cfg.External(ctx, uri)
	if err != nil {
		if errors.As(err, new(*tocsin.Error)) || ctx.Err() != nil {
			return err
		}
		return externalError(uri, err)
	}
	defer body.Close()
	name := externalName(uri)
	var in io.Reader = body
	switch ext := path.Ext(name); ext {
	case ".gz":
		in, err = gzip.NewReader(in)
		name = strings.TrimSuffix(name, ext)
	case ".zip":
		in, err = unzipped(in)
		name = strings.TrimSuffix(name, ext)
	}
	if err != nil {
		return externalError(uri, err)
	}
	format := strings.ToLower(ext.Format)
	if format == "" {
		format = strings.TrimPrefix(path.Ext(name), ".")
	}
	r := &externalReader{in: &limited{in: in, left: externalBytes}, cols: ext.Cols, emit: emit, skip: ext.IgnoreFirst, row: make([]kql.Value, len(ext.Cols))}
	if err := r.read(format); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errExternalSize) {
			return tocsin.Errorf(tocsin.CodeLimit, "The external data at %s is larger than %s.", uri, megabytes(externalBytes))
		}
		if errors.As(err, new(externalSyntax)) {
			return externalError(uri, err)
		}
		return err
	}
	return nil
}

func externalError(uri string, err error) error {
	return &tocsin.Error{Code: tocsin.CodeInvalid, Err: err, Msg: fmt.Sprintf("The external data at %s cannot be read.", uri)}
}

// externalName is the last part of the path of a URI.
func externalName(uri string) string {
	if u, err := url.Parse(uri); err == nil {
		uri = u.Path
	}
	return strings.ToLower(path.Base(uri))
}

// unzipped is the first file of an archive.
func unzipped(in io.Reader) (io.Reader, error) {
	data, err := io.ReadAll(&limited{in: in, left: externalBytes})
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	for _, f := range z.File {
		if !f.FileInfo().IsDir() {
			return f.Open()
		}
	}
	return nil, errors.New("an archive without files")
}

var errExternalSize = errors.New("external data is too large")

// externalSyntax is data that is not what its format says.
type externalSyntax struct{ error }

// limited fails where io.LimitReader would end: half of a file is not its rows.
type limited struct {
	in   io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errExternalSize
	}
	if err != nil && err != io.EOF {
		err = externalSyntax{err}
	}
	return n, err
}

// externalReader turns one file into rows.
type externalReader struct {
	in   io.Reader
	cols []kql.Column
	emit func([]kql.Value) error
	skip bool // the first record
	row  []kql.Value
}

// separators of the formats of one record a line.
var separators = map[string]rune{"csv": ',', "": ',', "tsv": '\t', "tsve": '\t', "psv": '|', "scsv": ';', "sohsv": '\x01'}

func (r *externalReader) read(format string) error {
	switch format {
	case "txt":
		return r.lines()
	case "raw":
		return r.whole()
	case "json", "multijson", "singlejson":
		return r.objects()
	}
	comma, known := separators[format]
	if !known {
		comma = ','
	}
	return r.separated(comma)
}

func (r *externalReader) separated(comma rune) error {
	in := bufio.NewReader(r.in)
	if bom, _ := in.Peek(3); string(bom) == "\xef\xbb\xbf" {
		in.Discard(3)
	}
	records := csv.NewReader(in)
	records.Comma, records.LazyQuotes, records.FieldsPerRecord, records.ReuseRecord = comma, true, -1, true
	for {
		fields, err := records.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return syntaxError(err)
		}
		if r.skip {
			r.skip = false
			continue
		}
		for i, c := range r.cols {
			text := ""
			if i < len(fields) {
				text = strings.Clone(fields[i])
			}
			r.row[i] = fromText(c.Type, text)
		}
		if err := r.emit(r.row); err != nil {
			return err
		}
	}
}

func syntaxError(err error) error {
	if errors.Is(err, errExternalSize) {
		return err
	}
	return externalSyntax{err}
}

// lines gives each line to the first column.
func (r *externalReader) lines() error {
	in := bufio.NewReader(r.in)
	for {
		line, err := in.ReadString('\n')
		if line == "" && err == io.EOF {
			return nil
		}
		if err != nil && err != io.EOF {
			return syntaxError(err)
		}
		if r.skip {
			r.skip = false
			continue
		}
		if err := r.first(strings.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
}

func (r *externalReader) whole() error {
	data, err := io.ReadAll(r.in)
	if err != nil {
		return syntaxError(err)
	}
	return r.first(string(data))
}

func (r *externalReader) first(text string) error {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	for i, c := range r.cols {
		r.row[i] = kql.Null(c.Type)
	}
	if len(r.cols) > 0 {
		r.row[0] = fromText(r.cols[0].Type, text)
	}
	return r.emit(r.row)
}

// objects gives each object, one a line or not, in a list or not, as a row.
func (r *externalReader) objects() error {
	dec := json.NewDecoder(r.in)
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return syntaxError(err)
		}
		d, ok := kql.ParseJSON(string(raw))
		if !ok {
			return externalSyntax{errors.New("a value nested too deep")}
		}
		records := []kql.Dyn{d}
		if list, ok := d.([]kql.Dyn); ok {
			records = list
		}
		for _, record := range records {
			if r.skip {
				r.skip = false
				continue
			}
			if err := r.object(record); err != nil {
				return err
			}
		}
	}
}

func (r *externalReader) object(d kql.Dyn) error {
	bag, _ := d.(*kql.Bag)
	for i, c := range r.cols {
		r.row[i] = kql.Null(c.Type)
		if bag == nil {
			continue
		}
		v, ok := bag.Get(c.Name)
		if !ok || v == nil {
			continue
		}
		if c.Type == kql.Dynamic {
			r.row[i] = kql.DynamicOf(v)
			continue
		}
		r.row[i] = fromText(c.Type, kql.TextOf(kql.DynamicOf(v)))
	}
	return r.emit(r.row)
}

// converters are the functions of the language that read a value of a type.
var converters = map[kql.Type]string{kql.Bool: "tobool", kql.Int: "toint", kql.Long: "tolong", kql.Real: "toreal", kql.Decimal: "todecimal",
	kql.DateTime: "todatetime", kql.TimeSpan: "totimespan", kql.Guid: "toguid", kql.Dynamic: "parse_json"}

// fromText reads a value as the language's own conversions do; null where they
// give null.
func fromText(t kql.Type, text string) kql.Value {
	if t == kql.String {
		return kql.StringOf(text)
	}
	f := kql.LookupFunc(converters[t])
	if text == "" || f == nil || f.Eval == nil {
		return kql.Null(t)
	}
	if v := f.Eval([]kql.Value{kql.StringOf(text)}); v.Type() == t {
		return v
	}
	return kql.Null(t)
}
