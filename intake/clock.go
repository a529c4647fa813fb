package intake

import (
	"strings"
	"time"
)

// The collectors whose captures people share get clocks wrong in ways that
// repeat, and that only the events themselves can mend:
//
//   - local time without a zone, or with a Z that is not true;
//   - a 12-hour clock without AM or PM;
//   - Sysmon's own UtcTime days behind, in the two events (3 and 22) that it
//     stamps from the tracing session's clock and not from the system's.
//
// A Sysmon event of another kind carries both the collector's time and a true
// UtcTime; their difference, on the grid of quarter hours, is the offset of its
// host and, until another is known, of the whole leaf. On a 12-hour clock the
// difference says only the offset modulo twelve hours, so the half of the day
// is taken that lies nearest to the last true time. Records before the first
// offset wait (see Decoder); where none ever comes, a time in the leaf's name
// (exporters put one there, in local time on a 24-hour clock) settles the half
// of the day, and the time is else taken as it stands.
type clock struct {
	stamp  time.Time // wall-clock time in the leaf's name, zero without one
	byHost map[string]time.Duration
	any    time.Duration
	known  bool
	ref    time.Time // the last true time
}

const (
	half = 12 * time.Hour
	// Sysmon writes an event up to some seconds after what it tells of.
	sysmonDelay = 5 * time.Minute
	// No zone is further from UTC than 14 hours; a 12-hour clock adds its own.
	maxOffset = 26 * time.Hour
)

// offset is the known difference between UTC and a host's collected times.
func (c *clock) offset(host string) (time.Duration, bool) {
	if o, ok := c.byHost[host]; ok {
		return o, true
	}
	return c.any, c.known
}

// learn takes the offset from an event that has both times, when it is one a
// zone can have. trusty is false for the Sysmon events with their own clock.
func (c *clock) learn(host string, wall, utc time.Time, trusty bool) bool {
	if !trusty {
		return false
	}
	o, ok := grid(utc.Sub(wall))
	if !ok {
		return false
	}
	if c.byHost == nil {
		c.byHost = make(map[string]time.Duration)
	}
	if len(c.byHost) < 10000 {
		c.byHost[host] = o
	}
	c.any, c.known, c.ref = o, true, utc
	return true
}

// grid rounds a difference to quarter hours, if it lies near enough to one.
func grid(d time.Duration) (time.Duration, bool) {
	if d > maxOffset || d < -maxOffset {
		return 0, false
	}
	o := d.Round(15 * time.Minute)
	if d := d - o; d > sysmonDelay || d < -sysmonDelay {
		return 0, false
	}
	return o, true
}

// agrees reports whether an event's own UtcTime fits its collected time on a
// host whose offset is known: the same modulo twelve hours.
func (c *clock) agrees(host string, wall, utc time.Time) bool {
	o, ok := c.offset(host)
	if !ok {
		return false
	}
	d := utc.Sub(wall)
	if d > maxOffset || d < -maxOffset {
		return false
	}
	d = (d - o) % half
	return within(d) || within(d-half) || within(d+half)
}

func within(d time.Duration) bool { return d <= sysmonDelay && d >= -sysmonDelay }

// mend makes UTC of a collected time. twelve says that its hours may be those
// of a 12-hour clock.
func (c *clock) mend(host string, wall time.Time, twelve bool) time.Time {
	o, ok := c.offset(host)
	switch {
	case ok && twelve:
		return nearest(wall.Add(o), c.ref)
	case ok:
		return wall.Add(o)
	case twelve && !c.stamp.IsZero():
		return nearest(wall, c.stamp)
	}
	return wall
}

// mendHalf moves a time that is UTC but for the half of the day; local is the
// same time as its host's clock showed it. The zone follows from the two only
// modulo twelve hours, and the one west of Greenwich is taken.
func (c *clock) mendHalf(utc, local time.Time) time.Time {
	if !c.ref.IsZero() {
		return nearest(utc, c.ref)
	}
	if c.stamp.IsZero() || local.IsZero() {
		return utc
	}
	zone := utc.Sub(local) % half
	if zone < 0 {
		zone += half
	}
	return nearest(utc, c.stamp.Add(zone))
}

// nearest moves t by whole half days to where it lies nearest to ref. Only the
// two neighbours count: days apart is another matter than AM and PM.
func nearest(t, ref time.Time) time.Time {
	best := t
	for _, k := range [...]time.Duration{-half, half, -2 * half, 2 * half} {
		if c := t.Add(k); c.Sub(ref).Abs() < best.Sub(ref).Abs() {
			best = c
		}
	}
	return best
}

// stampIn finds the time that exporters put into file names: a date and, with
// or without a T, at least hour, minute and second.
func stampIn(name string) time.Time {
	for i := 0; i+16 <= len(name); i++ {
		if name[i+4] != '-' || name[i+7] != '-' {
			continue
		}
		date, rest := name[i:i+10], strings.TrimPrefix(name[i+10:], "T")
		if len(rest) < 6 {
			return time.Time{}
		}
		if t, err := time.Parse("2006-01-02150405", date+rest[:6]); err == nil {
			return t
		}
	}
	return time.Time{}
}

// parseTime reads the times that sources write: ISO 8601 with T or blank, any
// fraction, with Z, an offset, or nothing. zone reports whether it named one;
// without, the time is given as if it were UTC.
func parseTime(s string) (t time.Time, zone, ok bool) {
	if len(s) < 19 {
		return time.Time{}, false, false
	}
	if s[0] == '/' || s[0] == '\\' {
		return dotNetTime(s)
	}
	if s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != ' ') || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	min, ok5 := digits(s[14:16])
	sec, ok6 := digits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || min > 59 || sec > 60 {
		return time.Time{}, false, false
	}
	rest, nanos := s[19:], 0
	if rest != "" && rest[0] == '.' {
		i, scale := 1, 100_000_000
		for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
			nanos += int(rest[i]-'0') * scale
			scale /= 10
		}
		rest = rest[i:]
	}
	t = time.Date(year, time.Month(month), day, hour, min, sec, nanos, time.UTC)
	switch {
	case rest == "":
		return t, false, true
	case rest == "Z" || rest == "z":
		return t, true, true
	case (rest[0] == '+' || rest[0] == '-') && (len(rest) == 6 && rest[3] == ':' || len(rest) == 5):
		h, okh := digits(rest[1:3])
		m, okm := digits(rest[len(rest)-2:])
		if !okh || !okm {
			return time.Time{}, false, false
		}
		o := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
		if rest[0] == '+' {
			o = -o
		}
		return t.Add(o), true, true
	}
	return time.Time{}, false, false
}

// dotNetTime reads "/Date(1612137600000)/", as older PowerShell writes JSON.
func dotNetTime(s string) (time.Time, bool, bool) {
	s = strings.TrimLeft(s, `\/`)
	ms, ok := strings.CutPrefix(s, "Date(")
	if !ok {
		return time.Time{}, false, false
	}
	n, ok := digits(strings.TrimRight(ms, `)\/`))
	if !ok {
		return time.Time{}, false, false
	}
	return time.UnixMilli(int64(n)).UTC(), true, true
}

func digits(s string) (int, bool) {
	n := 0
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// validTime refuses what no table's time column takes.
func validTime(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 2261 }
