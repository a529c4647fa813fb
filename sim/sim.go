package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
)

// AttackLength is how long the story is: all rows lie between its start and
// AttackLength later.
const AttackLength = 48 * time.Hour

// Attack plays two days of the company from start: ordinary work, small
// troubles that have nothing to do with each other, and one attack that runs
// through mail, identity, applications, endpoints and cloud. The rows are in
// order of time. The working day begins at start, whatever the hour, so that the
// story has the same shape whenever it is told.
func Attack(w *World, seed uint64, start time.Time) []tocsin.Row {
	p := newPlay(w, seed, start.UTC())
	p.inventory()
	p.workdays()
	p.servers()
	p.mailFlow()
	p.cloudWork()
	p.troubles()
	p.attack()
	end := start.Add(AttackLength)
	rows := p.rows[:0]
	for _, r := range p.rows {
		if t := r.Values["Timestamp"].(time.Time); !t.Before(start) && !t.After(end) {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b tocsin.Row) int {
		return cmp.Or(a.Values["Timestamp"].(time.Time).Compare(b.Values["Timestamp"].(time.Time)), cmp.Compare(a.Table, b.Table))
	})
	return rows
}
