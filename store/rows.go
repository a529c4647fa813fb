package store

import (
	"strconv"
	"strings"
	"sync"
)

// rowsAtOnce is how many rows a statement of execRows has: whatever their
// number, they go in a few statements of these sizes, which stay prepared.
var rowsAtOnce = [...]int{64, 16, 4, 1}

type rowsKey struct {
	head, tail string
	columns    int
	rows       int
}

// rowsTexts keeps the texts of statements of many rows, of which there are as
// many as there are calls of execRows in the program.
var rowsTexts sync.Map // rowsKey -> string

// execRows writes many rows with few statements. head is the statement up to
// VALUES with the tenant as its first column, tail what follows the values; rows
// holds the other columns of all rows, one row after the other.
func (tx *Tx) execRows(head string, columns int, tail string, rows []any) error {
	for _, n := range rowsAtOnce {
		for len(rows) >= n*columns {
			if _, err := tx.exec(rowsText(rowsKey{head, tail, columns, n}), rows[:n*columns]...); err != nil {
				return err
			}
			rows = rows[n*columns:]
		}
	}
	return nil
}

func rowsText(k rowsKey) string {
	if text, ok := rowsTexts.Load(k); ok {
		return text.(string)
	}
	var b strings.Builder
	b.WriteString(k.head)
	for i := range k.rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("($1")
		for j := range k.columns {
			b.WriteString(", $")
			b.WriteString(strconv.Itoa(2 + i*k.columns + j))
		}
		b.WriteByte(')')
	}
	b.WriteString(k.tail)
	text, _ := rowsTexts.LoadOrStore(k, b.String())
	return text.(string)
}
