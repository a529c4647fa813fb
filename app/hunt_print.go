package app

import (
	"bufio"
	"encoding/csv"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// huntPrinter prints a result while it comes. end prints what is held back.
type huntPrinter interface {
	lake.HuntSink
	end() error
}

func newHuntPrinter(ask HuntAsk) (huntPrinter, error) {
	w := bufio.NewWriterSize(ask.Out, 64<<10)
	switch ask.Format {
	case "table":
		return &tablePrinter{w: w, width: ask.Width}, nil
	case "csv":
		return &csvPrinter{w: csv.NewWriter(w), flush: w.Flush}, nil
	case "json":
		return &jsonPrinter{w: w, array: true}, nil
	case "ndjson":
		return &jsonPrinter{w: w}, nil
	}
	return nil, tocsin.Errorf(tocsin.CodeInvalid, "there is no format %q", ask.Format)
}

// csvPrinter prints tables as CSV with a header, an empty line between them.
type csvPrinter struct {
	w      *csv.Writer
	flush  func() error
	tables int
	cells  []string
}

func (p *csvPrinter) Table(t lake.HuntTable) error {
	if p.tables++; p.tables > 1 {
		if err := p.w.Write(nil); err != nil {
			return err
		}
	}
	p.cells = p.cells[:0]
	for _, c := range t.Columns {
		p.cells = append(p.cells, c.Name)
	}
	return p.w.Write(p.cells)
}

func (p *csvPrinter) Row(row []kql.Value) error {
	p.cells = p.cells[:0]
	for _, v := range row {
		p.cells = append(p.cells, cellText(v))
	}
	return p.w.Write(p.cells)
}

func (p *csvPrinter) end() error {
	p.w.Flush()
	if err := p.w.Error(); err != nil {
		return err
	}
	return p.flush()
}

func cellText(v kql.Value) string {
	if v.IsNull() {
		return ""
	}
	return kql.TextOf(v)
}

// jsonPrinter prints rows as objects: each on a line, or each table an array.
type jsonPrinter struct {
	w      *bufio.Writer
	array  bool
	tables int
	rows   int64 // of the table
	names  []string
	buf    []byte
}

func (p *jsonPrinter) Table(t lake.HuntTable) error {
	if err := p.closeTable(); err != nil {
		return err
	}
	p.tables++
	p.rows, p.names = 0, p.names[:0]
	for _, c := range t.Columns {
		p.names = append(p.names, kql.JSONOf(c.Name))
	}
	return nil
}

func (p *jsonPrinter) closeTable() error {
	if !p.array || p.tables == 0 {
		return nil
	}
	end := "\n]\n"
	if p.rows == 0 {
		end = "[]\n"
	}
	_, err := p.w.WriteString(end)
	return err
}

func (p *jsonPrinter) Row(row []kql.Value) error {
	b := p.buf[:0]
	if p.array {
		if p.rows == 0 {
			b = append(b, "[\n"...)
		} else {
			b = append(b, ",\n"...)
		}
	}
	b = append(b, '{')
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, p.names[i]...), ':'), cellJSON(v)...)
	}
	b = append(b, '}')
	if !p.array {
		b = append(b, '\n')
	}
	p.rows++
	p.buf = b
	_, err := p.w.Write(b)
	return err
}

func (p *jsonPrinter) end() error {
	if err := p.closeTable(); err != nil {
		return err
	}
	return p.w.Flush()
}

func cellJSON(v kql.Value) string {
	if v.IsNull() {
		return "null"
	}
	switch v.Type() {
	case kql.Bool:
		return kql.JSONOf(v.Bool())
	case kql.Int, kql.Long:
		return kql.JSONOf(v.Int())
	case kql.Real:
		return kql.JSONOf(v.Real())
	case kql.Dynamic:
		return kql.JSONOf(v.Dynamic())
	}
	return kql.JSONOf(kql.TextOf(v))
}
