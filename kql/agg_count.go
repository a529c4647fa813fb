package kql

// countAcc is count and count(x), which counts rows whatever x is.
type countAcc struct{ n int64 }

func newCountAcc([]Type, []*Value) Accumulator { return new(countAcc) }

func (c *countAcc) Add([]Value)   { c.n++ }
func (c *countAcc) Result() Value { return LongOf(c.n) }

type countIf struct{ n int64 }

func newCountIf([]Type, []*Value) Accumulator { return new(countIf) }

func (c *countIf) Add(args []Value) {
	if args[0].Bool() {
		c.n++
	}
}
func (c *countIf) Result() Value { return LongOf(c.n) }

// distinctExact is how many distinct values dcount keeps before it estimates.
// Kusto estimates from the start.
const distinctExact = 1 << 16

// distinct is dcount: exact while there are few values, then a HyperLogLog of
// the accuracy that was asked for. Nulls are not counted.
type distinct struct {
	accuracy int64
	seen     map[string]struct{}
	buf      []byte
	sketch   *hyperLogLog
}

func newDistinct(_ []Type, consts []*Value) Accumulator {
	return &distinct{accuracy: constInt(consts, 1, defaultAccuracy), seen: make(map[string]struct{})}
}

func (d *distinct) Add(args []Value) {
	v := args[0]
	if v.IsNull() {
		return
	}
	d.buf = appendKey(d.buf[:0], v)
	if d.sketch != nil {
		d.sketch.add(hashBytes(d.buf))
		return
	}
	if _, ok := d.seen[string(d.buf)]; ok {
		return
	}
	d.seen[string(d.buf)] = struct{}{}
	if len(d.seen) > distinctExact {
		d.sketch = newHyperLogLog(precisionOf(d.accuracy))
		for k := range d.seen {
			d.sketch.add(hashString(k))
		}
		d.seen = nil
	}
}

func (d *distinct) Result() Value {
	if d.sketch != nil {
		return LongOf(d.sketch.estimate())
	}
	return LongOf(int64(len(d.seen)))
}

// countDistinct is count_distinct: exact, of at most 100 million values; what
// comes after is not counted.
type countDistinct struct {
	seen map[string]struct{}
	buf  []byte
}

const maxCountDistinct = 100_000_000

func newCountDistinct([]Type, []*Value) Accumulator {
	return &countDistinct{seen: make(map[string]struct{})}
}

func (d *countDistinct) Add(args []Value) {
	if args[0].IsNull() {
		return
	}
	d.buf = appendKey(d.buf[:0], args[0])
	if _, ok := d.seen[string(d.buf)]; !ok && len(d.seen) < maxCountDistinct {
		d.seen[string(d.buf)] = struct{}{}
	}
}

func (d *countDistinct) Result() Value { return LongOf(int64(len(d.seen))) }
