package auth

import (
	"sync"
	"time"
)

// A throttle slows down guessing: after free failures in a row a key is locked,
// for base at first and twice as long after each further failure, up to most.
// An attempt counts as failed from its beginning, so a burst of parallel
// guesses is not free; success takes the count back.
//
// It lives in memory and is bounded. A restart forgets it: sign-in is also
// bounded by the cost of the hash.
type throttle struct {
	free   int
	base   time.Duration
	most   time.Duration
	forget time.Duration // without a failure for so long, the count starts anew
	limit  int           // keys kept

	mu   sync.Mutex
	keys map[string]*failures
}

type failures struct {
	n     int
	last  time.Time
	until time.Time // locked until
}

func newThrottle(free int, base, most, forget time.Duration) *throttle {
	return &throttle{free: free, base: base, most: most, forget: forget, limit: 20_000, keys: map[string]*failures{}}
}

// begin counts an attempt and is 0 when it may go on; otherwise it is how long
// to wait, and nothing was counted.
func (t *throttle) begin(key string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.keys[key]
	if f != nil && now.Sub(f.last) > t.forget && !now.Before(f.until) {
		f = nil
	}
	if f == nil {
		t.makeRoom(now)
		f = &failures{}
		t.keys[key] = f
	}
	if now.Before(f.until) {
		return f.until.Sub(now)
	}
	f.n++
	f.last = now
	if over := f.n - t.free; over >= 0 {
		f.until = now.Add(min(t.base<<min(over, 16), t.most))
	}
	return 0
}

// succeeded takes back the attempt that begin counted; all forgets the key.
func (t *throttle) succeeded(key string, all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.keys[key]
	if f == nil {
		return
	}
	if f.n--; all || f.n <= 0 {
		delete(t.keys, key)
		return
	}
	if f.n < t.free {
		f.until = time.Time{}
	}
}

// makeRoom drops what is forgotten anyway and, if that is not enough, the key
// that failed longest ago. A full sweep happens at most once per limit/8 new keys.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.keys) < t.limit {
		return
	}
	for k, f := range t.keys {
		if now.Sub(f.last) > t.forget && !now.Before(f.until) {
			delete(t.keys, k)
		}
	}
	for len(t.keys) > t.limit-t.limit/8 {
		oldest, at := "", time.Time{}
		n := 0
		for k, f := range t.keys { // map order is random: the oldest of 16 is old enough
			if oldest == "" || f.last.Before(at) {
				oldest, at = k, f.last
			}
			if n++; n == 16 {
				break
			}
		}
		delete(t.keys, oldest)
	}
}
