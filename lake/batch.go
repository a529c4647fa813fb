package lake

import "github.com/tocsinhq/tocsin"

// Batch holds rows of one table in columns, ready to be matched and stored.
type Batch struct{ table *Table }

// RowError says why a row was refused. Its text holds no value of the row, so
// that equal reasons can be counted; the batch is as it was before the row.
type RowError struct {
	Reason string // short, in words, without values
	Column string // when one column is to blame
	Offset int    // byte within the line, -1 when unknown
}

func (e *RowError) Error() string { return e.Reason }

// Table is the table the batch is for.
func (b *Batch) Table() *Table { return b.table }

// Len is the number of rows.
func (b *Batch) Len() int { return 0 }

// Bytes is roughly the memory the rows take.
func (b *Batch) Bytes() int { return 0 }

// Reset empties the batch and keeps its memory for reuse. Every string read
// from it is invalid afterwards.
func (b *Batch) Reset() {}

// Truncate drops the rows from n on.
func (b *Batch) Truncate(n int) {}

// AppendJSON adds one row from one JSON object. The line is copied.
func (b *Batch) AppendJSON(line []byte) error { return errTODO }

// AppendJSONBlock adds a row for each line of block. Blank lines are skipped.
// A refused line is told to onError with its number (from 0) and its byte
// offset in the block, and the rest goes on. It returns the rows added.
func (b *Batch) AppendJSONBlock(block []byte, onError func(line, off int, err error)) int { return 0 }

// AppendRow adds one row given by values.
func (b *Batch) AppendRow(r tocsin.Row) error { return errTODO }

// StringAt is the text of a string, guid or dynamic column (by index in
// Table.Columns) without copying: valid until Reset or Truncate. It is false
// for no value and for columns of another type; see AppendText.
func (b *Batch) StringAt(col, row int) (string, bool) { return "", false }

// AppendText appends the value of any column as text (as StringAt; numbers in
// decimal, true or false, datetimes as RFC 3339 with microseconds) to dst, and
// is false for no value.
func (b *Batch) AppendText(dst []byte, col, row int) ([]byte, bool) { return dst, false }

// Value is a copy of one value: string, int64, float64, bool, time.Time,
// json.RawMessage, or nil.
func (b *Batch) Value(col, row int) any { return nil }

// HasColumn is false when no row of the batch has a value in the column.
func (b *Batch) HasColumn(col int) bool { return false }

// Ref is the identity of a row.
func (b *Batch) Ref(row int) tocsin.RowRef { return tocsin.RowRef{} }

// RowJSON is the row as a JSON object, in column order, without empty columns.
func (b *Batch) RowJSON(row int) []byte { return nil }
