package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Span is a range of bytes in the source, End excluded.
type Span struct{ Start, End int }

// Diagnostic is one thing wrong with a query.
type Diagnostic struct {
	Span
	Code string // as Kusto's language service numbers it ("KS142") where it has a number
	Msg  string
	// Syntax tells a query that is no KQL from one that means nothing here.
	Syntax  bool
	Warning bool
	Line    int // from 1
	Col     int // from 1, in characters
}

// Diagnostics is the error of a query: everything wrong with it, in the order
// of the text.
type Diagnostics struct {
	Source string
	List   []Diagnostic
}

// Error prints each as line:col: message with the line and a caret below.
func (d *Diagnostics) Error() string {
	var b strings.Builder
	for i, e := range d.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%d:%d: %s", e.Line, e.Col, e.Msg)
		if line, pad := lineAround(d.Source, e.Start); line != "" {
			fmt.Fprintf(&b, "\n  %s\n  %s^", line, pad)
		}
	}
	return b.String()
}

func lineAround(src string, at int) (line, pad string) {
	at = max(0, min(at, len(src)))
	start := strings.LastIndexByte(src[:at], '\n') + 1
	end := len(src)
	if i := strings.IndexByte(src[at:], '\n'); i >= 0 {
		end = at + i
	}
	const longest = 200
	if end-start > longest {
		start = max(start, at-longest/2)
		for start < at && !utf8.RuneStart(src[start]) {
			start++
		}
		end = min(end, start+longest)
	}
	before := []rune(src[start:at])
	for i, r := range before {
		if r != '\t' {
			before[i] = ' '
		}
	}
	return strings.TrimRight(strings.ToValidUTF8(src[start:end], "?"), "\r"), string(before)
}

// Place says which source the diagnostics are about, and fills Line and Col in.
func (d *Diagnostics) Place(source string) {
	d.Source = source
	d.place()
}

// place fills Line and Col in.
func (d *Diagnostics) place() {
	for i := range d.List {
		e := &d.List[i]
		at := max(0, min(e.Start, len(d.Source)))
		e.Line = strings.Count(d.Source[:at], "\n") + 1
		e.Col = utf8.RuneCountInString(d.Source[strings.LastIndexByte(d.Source[:at], '\n')+1:at]) + 1
	}
}
