package intake

import (
	"context"
	"io"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Limits bound what one file may cost. The zero value of a field means its
// default.
type Limits struct {
	MemberBytes int64         // bytes of one file or archive member, unpacked; default 4 GiB
	Ratio       int64         // unpacked to packed; default 1000
	RatioFrom   int64         // unpacked bytes up to which the ratio is not looked at; default 64 MiB
	Entries     int           // members of one file, all levels together; default 100,000
	Depth       int           // archives inside archives; default 4
	Time        time.Duration // to read one file with all it holds; default 2 h
	Record      int           // bytes of one record; default 2 MiB
	MemorySpool int64         // members up to this size are unpacked to memory; default 8 MiB
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.MemberBytes, 4<<30)
	def(&l.Ratio, 1000)
	def(&l.RatioFrom, 64<<20)
	def(&l.MemorySpool, 8<<20)
	if l.Entries <= 0 {
		l.Entries = 100_000
	}
	if l.Depth <= 0 {
		l.Depth = 4
	}
	if l.Time <= 0 {
		l.Time = 2 * time.Hour
	}
	if l.Record <= 0 {
		l.Record = 2 << 20
	}
	return l
}

// guard counts what is unpacked and stops at the limits.
type guard struct {
	w      *walker
	ctx    context.Context
	r      io.Reader
	packed int64 // of this member; -1 when unknown
	n      int64

	refused error
}

func (g *guard) Read(p []byte) (int, error) {
	if g.refused != nil {
		return 0, g.refused
	}
	n, err := g.r.Read(p)
	g.n += int64(n)
	g.w.unpacked += int64(n)
	l := &g.w.limits
	switch {
	case g.ctx.Err() != nil:
		return n, g.ctx.Err()
	case g.n > l.MemberBytes:
		return n, g.refuse("unpacks to more than %d MiB", l.MemberBytes>>20)
	case g.w.unpacked > l.RatioFrom && g.w.unpacked/l.Ratio > g.w.packed,
		g.packed >= 0 && g.n > l.RatioFrom && g.n/l.Ratio > g.packed:
		return n, g.refuse("unpacks to more than %d times its size", l.Ratio)
	case g.w.refusals > maxRefusals:
		return n, g.refuse("too many members of this file break the limits")
	case g.w.now().After(g.w.deadline):
		return n, g.refuse("takes longer than %v to read", l.Time)
	}
	return n, err
}

// refuse ends this member. What it unpacked no longer counts for the file, so
// that its neighbours can still be read; how many may do so is counted instead.
func (g *guard) refuse(format string, args ...any) error {
	g.refused = tocsin.Errorf(tocsin.CodeLimit, format, args...)
	g.w.unpacked -= g.n
	g.w.refusals++
	return g.refused
}

// maxRefusals is how many members of one file may break a limit before the
// rest of it is given up: each of them cost real work.
const maxRefusals = 20
