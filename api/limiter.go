package api

import (
	"sync"
	"time"
)

// limiter lets every key make rate calls a second, burst of them at once. It
// bounds what one runaway script costs the others; it is no defence against
// guessing, which auth throttles by itself.
type limiter struct {
	rate, burst float64

	mu   sync.Mutex
	keys map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// limiterKeys is how many keys are kept before those that are full again are
// dropped.
const limiterKeys = 20_000

func newLimiter(rate, burst float64) *limiter {
	return &limiter{rate: rate, burst: burst, keys: map[string]*bucket{}}
}

// take is 0 when key may go on, and otherwise how long to wait.
func (l *limiter) take(key string, now time.Time) time.Duration { return l.ask(key, now, true) }

// ask is take that with count false only tells.
func (l *limiter) ask(key string, now time.Time, count bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.keys[key]
	if b == nil {
		l.sweep(now)
		b = &bucket{left: l.burst, at: now}
		l.keys[key] = b
	}
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.left = min(l.burst, b.left+d*l.rate)
		b.at = now
	}
	if b.left >= 1 {
		if count {
			b.left--
		}
		return 0
	}
	return time.Duration((1 - b.left) / l.rate * float64(time.Second))
}

func (l *limiter) sweep(now time.Time) {
	if len(l.keys) < limiterKeys {
		return
	}
	for k, b := range l.keys {
		if b.left+now.Sub(b.at).Seconds()*l.rate >= l.burst {
			delete(l.keys, k)
		}
	}
	// Only authenticated principals are keys, so that all are busy at once is
	// not expected; starting over costs each of them one more burst.
	if len(l.keys) >= limiterKeys {
		clear(l.keys)
	}
}

// Pace is how many calls one client may make in a minute and in an hour; 0 does
// not bound.
type Pace struct {
	PerMinute, PerHour int
}

// paced holds the clients to a Pace. A client may use a minute's or an hour's
// calls at once; then they come back evenly.
type paced []*limiter

func newPaced(p Pace) (out paced) {
	for _, b := range []struct {
		calls int
		in    time.Duration
	}{{p.PerMinute, time.Minute}, {p.PerHour, time.Hour}} {
		if b.calls > 0 {
			out = append(out, newLimiter(float64(b.calls)/b.in.Seconds(), float64(b.calls)))
		}
	}
	return out
}

// take is 0 when key may go on, and otherwise how long to wait at least. A call
// that is refused counts nowhere.
func (p paced) take(key string, now time.Time) (wait time.Duration) {
	for _, l := range p {
		wait = max(wait, l.ask(key, now, false))
	}
	if wait > 0 {
		return wait
	}
	for _, l := range p {
		wait = max(wait, l.ask(key, now, true))
	}
	return wait
}
