package store

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/tocsinhq/tocsin"
)

// KeyCount is how many alerts of the tenant carry a key, and how many distinct
// rules, devices and users those alerts have. Up to 64 the distinct counts are
// exact, above that estimates with an error of about an eighth.
type KeyCount struct{ Alerts, Rules, Devices, Users int }

// Prevalence reads and raises the counts of keys within one transaction. It
// holds what it has read, so that a key which two hundred alerts of a batch
// carry is read once and written once, by Flush.
type Prevalence struct {
	tx    *Tx
	stats map[string]*keyStat
}

type keyStat struct {
	alerts  int64
	seen    [3]sketch // rules, devices, users
	changed bool
}

// Prevalence begins counting in the transaction.
func (tx *Tx) Prevalence() *Prevalence { return &Prevalence{tx: tx, stats: map[string]*keyStat{}} }

// load reads the counts of these keys that are not yet known.
func (p *Prevalence) load(texts []string) error {
	var want []any
	for _, t := range texts {
		if p.stats[t] == nil {
			p.stats[t] = &keyStat{}
			want = append(want, t)
		}
	}
	if len(want) == 0 {
		return nil
	}
	rows, err := p.tx.query(`SELECT key, alerts, sketch FROM key_stat WHERE tenant = $1 AND key IN `+inList(2, len(want)), want...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var text string
		var alerts int64
		var blob []byte
		if err := rows.Scan(&text, &alerts, &blob); err != nil {
			return err
		}
		s := p.stats[text]
		s.alerts = alerts
		for i := range s.seen {
			s.seen[i], blob = readSketch(blob)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read prevalence: %w", err)
	}
	return nil
}

// Of are the counts of all alerts and of each of the keys.
func (p *Prevalence) Of(keys []tocsin.EntityKey) (total KeyCount, each []KeyCount, err error) {
	texts := statTexts(keys)
	if err := p.load(texts); err != nil {
		return total, nil, err
	}
	each = make([]KeyCount, len(keys))
	for i, t := range texts {
		s := p.stats[t]
		n := KeyCount{int(s.alerts), s.seen[0].count(), s.seen[1].count(), s.seen[2].count()}
		if i == 0 {
			total = n
		} else {
			each[i-1] = n
		}
	}
	return total, each, nil
}

func statTexts(keys []tocsin.EntityKey) []string {
	out := make([]string, 1, len(keys)+1)
	for _, k := range keys {
		out = append(out, keyText(k))
	}
	return out
}

// Add counts an alert with these keys, of this rule, on these devices and
// users, and once for all alerts when whole is set: a known alert that shows
// further keys is not a further alert.
func (p *Prevalence) Add(keys []tocsin.EntityKey, rule string, devices, users []string, whole bool) error {
	all := statTexts(keys)
	if !whole {
		all = all[1:]
	}
	if err := p.load(all); err != nil {
		return err
	}
	for _, text := range all {
		s := p.stats[text]
		s.alerts++
		s.changed = true
		s.seen[0].add(rule)
		for _, d := range devices {
			s.seen[1].add(d)
		}
		for _, u := range users {
			s.seen[2].add(u)
		}
	}
	return nil
}

// Flush writes what was counted.
func (p *Prevalence) Flush() error {
	for text, s := range p.stats {
		if !s.changed {
			continue
		}
		var blob []byte
		for _, k := range s.seen {
			blob = k.append(blob)
		}
		if _, err := p.tx.exec(`INSERT INTO key_stat (tenant, key, alerts, sketch) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant, key) DO UPDATE SET alerts = excluded.alerts, sketch = excluded.sketch`, text, s.alerts, blob); err != nil {
			return fmt.Errorf("write prevalence: %w", err)
		}
		s.changed = false
	}
	return nil
}

// sketch counts distinct values by keeping the smallest of their hashes: fewer
// than sketchSize are an exact count, and a full one tells by how small its
// largest is how many there must have been.
type sketch []uint64

const sketchSize = 64

func (s *sketch) add(v string) {
	if v == "" {
		return
	}
	h := fnv.New64a()
	h.Write([]byte(v))
	x := h.Sum64()
	// FNV's high bits are poor; this is the finisher of MurmurHash3.
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
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
