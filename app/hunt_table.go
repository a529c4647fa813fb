package app

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// tablePrinter prints tables for people. Columns are as wide as the first rows
// need; on a terminal wide ones are cut so that a line fits, and where even
// that is not enough each row is printed as a list.
type tablePrinter struct {
	w       *bufio.Writer
	width   int // of the terminal; 0 for none
	columns []kql.Column
	tables  int
	held    [][]string // rows until widths are known
	widths  []int      // nil before
	list    bool
	rows    int64 // printed
}

const (
	heldRows    = 1000 // that widths are told from
	leastColumn = 8    // how narrow a column may be made
	gap         = "  " // between columns
)

func (p *tablePrinter) Table(t lake.HuntTable) error {
	if err := p.settle(); err != nil {
		return err
	}
	if p.tables++; p.tables > 1 {
		fmt.Fprintf(p.w, "\n%s\n", printable(t.Name))
	}
	p.columns = append([]kql.Column(nil), t.Columns...)
	p.widths, p.list, p.rows = nil, false, 0
	return nil
}

func (p *tablePrinter) Row(row []kql.Value) error {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = printable(cellText(v))
	}
	if p.widths == nil {
		if p.held = append(p.held, cells); len(p.held) < heldRows {
			return nil
		}
		return p.settle()
	}
	return p.print(cells)
}

// settle decides on the widths by the rows that are held, and prints those.
func (p *tablePrinter) settle() error {
	if p.widths != nil || p.tables == 0 {
		return nil
	}
	p.widths = make([]int, len(p.columns))
	heads := make([]string, len(p.columns))
	for i, c := range p.columns {
		heads[i] = printable(c.Name)
		p.widths[i] = uniseg.StringWidth(heads[i])
	}
	for _, cells := range p.held {
		for i, cell := range cells {
			p.widths[i] = max(p.widths[i], uniseg.StringWidth(cell))
		}
	}
	p.list = !p.fit()
	if !p.list {
		lines := make([]string, len(p.columns))
		for i := range lines {
			lines[i] = strings.Repeat("-", p.widths[i])
		}
		p.line(heads)
		p.line(lines)
	}
	held := p.held
	p.held = nil
	for _, cells := range held {
		if err := p.print(cells); err != nil {
			return err
		}
	}
	return nil
}

// fit narrows the widest columns until a line fits; false when it cannot.
func (p *tablePrinter) fit() bool {
	if p.width <= 0 {
		return true
	}
	room := p.width - len(gap)*(len(p.widths)-1)
	taken := func(most int) int {
		n := 0
		for _, w := range p.widths {
			n += min(w, most)
		}
		return n
	}
	if taken(leastColumn) > room {
		return false
	}
	most := leastColumn
	for most < p.width && taken(most+1) <= room {
		most++
	}
	for i, w := range p.widths {
		p.widths[i] = min(w, most)
	}
	return true
}

func (p *tablePrinter) print(cells []string) error {
	p.rows++
	if !p.list {
		p.line(cells)
	} else {
		name := 0
		for _, c := range p.columns {
			name = max(name, uniseg.StringWidth(printable(c.Name)))
		}
		if p.rows > 1 {
			fmt.Fprintln(p.w)
		}
		for i, cell := range cells {
			if cell != "" {
				fmt.Fprintln(p.w, padded(printable(p.columns[i].Name), name, false)+gap+cell)
			}
		}
	}
	_, err := p.w.Write(nil) // the error of a write before, if there was one
	return err
}

func (p *tablePrinter) line(cells []string) {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString(gap)
		}
		if p.width > 0 {
			cell = cut(cell, p.widths[i])
		}
		b.WriteString(padded(cell, p.widths[i], rightAligned(p.columns[i].Type)))
	}
	fmt.Fprintln(p.w, strings.TrimRight(b.String(), " "))
}

func rightAligned(t kql.Type) bool {
	return t == kql.Int || t == kql.Long || t == kql.Real || t == kql.Decimal
}

func padded(s string, width int, right bool) string {
	n := width - uniseg.StringWidth(s)
	switch {
	case n <= 0:
		return s
	case right:
		return strings.Repeat(" ", n) + s
	}
	return s + strings.Repeat(" ", n)
}

// cut shortens a text to a width, with an ellipsis at its end.
func cut(s string, width int) string {
	if len(s) <= width || uniseg.StringWidth(s) <= width {
		return s
	}
	var b strings.Builder
	used, state := 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width-1 {
			break
		}
		b.WriteString(cluster)
		used += w
	}
	return b.String() + "…"
}

// printable shows what would move the cursor, colour the terminal or turn the
// direction of writing: telemetry holds what attackers wrote.
func printable(s string) string {
	plain := true
	for _, r := range s {
		if !shows(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !shows(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shows is false for characters that do something and show nothing. Joiners are
// parts of letters and emoji.
func shows(r rune) bool {
	return r != unicode.ReplacementChar && (unicode.IsGraphic(r) || r == 0x200c || r == 0x200d) && r != 0x2028 && r != 0x2029
}

func (p *tablePrinter) end() error {
	if err := p.settle(); err != nil {
		return err
	}
	return p.w.Flush()
}
