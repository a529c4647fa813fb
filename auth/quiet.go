package auth

import (
	"sync"
	"time"
)

// quiet keeps a flood of failures from flooding the record: one line per key
// and interval, and not more than most for all keys together. What was left
// out is counted and told by the next line.
type quiet struct {
	every time.Duration
	most  int

	mu     sync.Mutex
	window time.Time
	lines  int
	missed int
	last   map[string]time.Time
}

func newQuiet(every time.Duration, most int) *quiet {
	return &quiet{every: every, most: most, last: map[string]time.Time{}}
}

// may reports whether a line about key may be written now, and how many
// failures went without one since the last.
func (q *quiet) may(key string, now time.Time) (missed int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.window) >= q.every {
		// Only the keys of the present window matter, so there are never more
		// than most of them.
		q.window, q.lines = now, 0
		clear(q.last)
	}
	if at, seen := q.last[key]; q.lines >= q.most || seen && now.Sub(at) < q.every {
		q.missed++
		return 0, false
	}
	q.lines++
	q.last[key] = now
	missed, q.missed = q.missed, 0
	return missed, true
}
