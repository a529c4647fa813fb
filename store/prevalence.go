package store

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

// KeyCount is how many alerts of the tenant carry a key, and how many distinct
// rules, devices and users those alerts have. Up to 64 the distinct counts are
// exact, above that estimates with an error of about an eighth.
type KeyCount struct{ Alerts, Rules, Devices, Users int }

// Prevalence reads and raises the counts of keys of one tenant. It holds what it
// has read, so that a key which two hundred alerts of a batch carry is read once
// and written once, by Flush; and it may be used again by a later transaction
// (Begin) as long as nobody else has counted meanwhile.
type Prevalence struct {
	tx         *Tx
	young, old map[int64]*keyStat
	changed    []int64
}

// prevalenceKept is how many counts half of a Prevalence holds, between 100
// bytes and 1.5 KB each.
const prevalenceKept = 30_000

type keyStat struct {
	alerts  int64
	seen    [3]sketch // rules, devices, users
	changed bool
}

// Prevalence begins counting in the transaction.
func (tx *Tx) Prevalence() *Prevalence {
	p := &Prevalence{}
	p.Begin(tx)
	return p
}

// Begin lets a Prevalence serve a further transaction of its tenant. What it
// held of one that was not committed it must forget, by Forget.
func (p *Prevalence) Begin(tx *Tx) {
	p.tx = tx
	if p.young == nil || len(p.young) > prevalenceKept {
		p.old, p.young = p.young, map[int64]*keyStat{}
	}
}

// Forget drops everything that was read and not written.
func (p *Prevalence) Forget() { *p = Prevalence{} }

func (p *Prevalence) get(key int64) *keyStat {
	if s := p.young[key]; s != nil {
		return s
	}
	s := p.old[key]
	if s != nil {
		p.young[key] = s
	}
	return s
}

// loadedAtOnce is how many counts one statement reads. Statements are kept
// prepared, so they all have the same number of parameters or just one.
const loadedAtOnce = 64

// Load reads the counts of these keys that are not yet known, and that of all
// alerts. The other methods do so by themselves; to read the keys of a whole
// batch at once is faster.
func (p *Prevalence) Load(keys []int64) error {
	var want []any
	for _, k := range append([]int64{0}, keys...) {
		if p.get(k) == nil {
			p.young[k] = &keyStat{}
			want = append(want, k)
		}
	}
	for part := range slices.Chunk(want, loadedAtOnce) {
		if len(part) > 1 {
			for len(part) < loadedAtOnce {
				part = append(slices.Clip(part), part[0])
			}
		}
		rows, err := p.tx.query(`SELECT key, alerts, sketch FROM key_stat WHERE tenant = $1 AND key IN `+inList(2, len(part)), part...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var key int64
			var blob sql.RawBytes
			var alerts int64
			if err := rows.Scan(&key, &alerts, &blob); err != nil {
				return err
			}
			s := p.young[key]
			s.alerts = alerts
			b := []byte(blob)
			for i := range s.seen {
				s.seen[i], b = readSketch(b)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read prevalence: %w", err)
		}
	}
	return nil
}

func (p *Prevalence) ready(keys []int64) error {
	missing := p.get(0) == nil
	for _, k := range keys {
		missing = missing || p.get(k) == nil
	}
	if !missing {
		return nil
	}
	return p.Load(keys)
}

// Of are the counts of all alerts and of each of the keys.
func (p *Prevalence) Of(keys []int64) (total KeyCount, each []KeyCount, err error) {
	if err := p.ready(keys); err != nil {
		return total, nil, err
	}
	each = make([]KeyCount, len(keys))
	for i, k := range keys {
		each[i] = p.get(k).count()
	}
	return p.get(0).count(), each, nil
}

func (s *keyStat) count() KeyCount {
	return KeyCount{int(s.alerts), s.seen[0].count(), s.seen[1].count(), s.seen[2].count()}
}

// Add counts an alert with these keys, of this rule, on these devices and
// users, and once for all alerts when whole is set: a known alert that shows
// further keys is not a further alert.
func (p *Prevalence) Add(keys []int64, rule string, devices, users []string, whole bool) error {
	if err := p.ready(keys); err != nil {
		return err
	}
	marks := [3][]uint64{hashes([]string{rule}), hashes(devices), hashes(users)}
	if whole {
		p.add(0, &marks)
	}
	for _, k := range keys {
		p.add(k, &marks)
	}
	return nil
}

func (p *Prevalence) add(key int64, marks *[3][]uint64) {
	s := p.get(key)
	s.alerts++
	for i := range marks {
		for _, x := range marks[i] {
			s.seen[i].addHash(x)
		}
	}
	if !s.changed {
		s.changed = true
		p.changed = append(p.changed, key)
	}
}

func hashes(values []string) []uint64 {
	out := make([]uint64, 0, len(values))
	for _, v := range values {
		if v != "" {
			out = append(out, sketchHash(v))
		}
	}
	return out
}

// Flush writes what was counted, in the order in which it lies.
func (p *Prevalence) Flush() error {
	slices.Sort(p.changed)
	rows := make([]any, 0, 3*len(p.changed))
	for _, key := range p.changed {
		s := p.get(key)
		blob := make([]byte, 0, 3+8*(len(s.seen[0])+len(s.seen[1])+len(s.seen[2])))
		for _, k := range s.seen {
			blob = k.append(blob)
		}
		rows = append(rows, key, s.alerts, blob)
		s.changed = false
	}
	p.changed = p.changed[:0]
	err := p.tx.execRows(`INSERT INTO key_stat (tenant, key, alerts, sketch) VALUES `, 3,
		` ON CONFLICT (tenant, key) DO UPDATE SET alerts = excluded.alerts, sketch = excluded.sketch`, rows)
	if err != nil {
		return fmt.Errorf("write prevalence: %w", err)
	}
	return nil
}

// sketch counts distinct values by keeping the smallest of their hashes: fewer
// than sketchSize are an exact count, and a full one tells by how small its
// largest is how many there must have been.
type sketch []uint64

const sketchSize = 64

func sketchHash(v string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(v))
	x := h.Sum64()
	// FNV's high bits are poor; this is the finisher of MurmurHash3.
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return x
}

func (s *sketch) add(v string) {
	if v != "" {
		s.addHash(sketchHash(v))
	}
}

func (s *sketch) addHash(x uint64) {
	at, found := slices.BinarySearch(*s, x)
	if found || at >= sketchSize {
		return
	}
	*s = slices.Insert(*s, at, x)
	if len(*s) > sketchSize {
		*s = (*s)[:sketchSize]
	}
}

func (s sketch) count() int {
	if len(s) < sketchSize {
		return len(s)
	}
	return int(float64(sketchSize-1) / (float64(s[sketchSize-1]) / math.MaxUint64))
}

func (s sketch) append(b []byte) []byte {
	b = append(b, byte(len(s)))
	for _, x := range s {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b
}

func readSketch(b []byte) (sketch, []byte) {
	if len(b) == 0 {
		return nil, nil
	}
	n := int(b[0])
	b = b[1:]
	s := make(sketch, 0, n)
	for i := 0; i < n && len(b) >= 8; i++ {
		s = append(s, binary.BigEndian.Uint64(b))
		b = b[8:]
	}
	return s, b
}
