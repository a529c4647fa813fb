package kql

import "fmt"

// Row operators run in Go over whole inputs. Each has a constructor that takes
// a spec of numbers of columns and of functions over a row, which the binder
// compiles, and gives a RowOperator. A row that is handed to such a function is
// valid during the call only.

// keptBytes is about how much one operator keeps in memory.
const keptBytes = 256 << 20

// Compute is an expression over a row.
type Compute = func(row []Value) Value

// keeper counts what an operator keeps.
type keeper struct {
	op   string
	left int64
}

func newKeeper(op string) *keeper { return &keeper{op: op, left: keptBytes} }

// add counts n bytes more; it is an error when they are too many.
func (k *keeper) add(n int) error {
	if k.left -= int64(n); k.left < 0 {
		return fmt.Errorf("%s: %w", k.op, ErrTooLarge)
	}
	return nil
}

// row copies a row that is to be kept.
func (k *keeper) row(row []Value) ([]Value, error) {
	return append([]Value(nil), row...), k.add(rowBytes(row))
}

// eachRow reads an input row by row.
func eachRow(next func() ([]Value, error), do func(row []Value) error) error {
	for {
		row, err := next()
		if err != nil || row == nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
}

// rowBytes is about what a row takes.
func rowBytes(row []Value) int {
	n := 24
	for i := range row {
		n += valueBytes(row[i])
	}
	return n
}

const bytesOfValue = 56

func valueBytes(v Value) int {
	n := bytesOfValue + len(v.Str())
	if v.Type() == Dynamic {
		if _, text := v.JSONText(); !text {
			n += dynBytes(v.Dynamic())
		}
	}
	return n
}

func dynBytes(d Dyn) int {
	switch x := d.(type) {
	case string:
		return 16 + len(x)
	case []Dyn:
		n := 24
		for _, e := range x {
			n += 16 + dynBytes(e)
		}
		return n
	case *Bag:
		n := 64
		for _, k := range x.Keys {
			n += 64 + 2*len(k) + dynBytes(x.Values[k])
		}
		return n
	}
	return 8
}
