package kql

import "strings"

// dateTimeFromText reads the text of a datetime literal in the spellings that
// Kusto takes: ISO 8601 with any of its parts left out from the right, the same
// with a space for the T, RFC 822 and RFC 850, and month/day/year. Without a
// zone it is UTC.
func dateTimeFromText(s string) (ticks int64, ok bool) {
	p := dateReader{s: strings.TrimFunc(s, isSpace)}
	if p.s == "" {
		return 0, false
	}
	if !p.date() || !p.clock() || !p.zone() || p.s != "" {
		return 0, false
	}
	return p.ticks()
}

// dateReader takes a text apart from its front.
type dateReader struct {
	s                         string
	year, month, day          int
	hour, minute, sec         int
	fraction                  int64
	offset                    int // minutes east of UTC
	afternoon, noon, hasClock bool
}

func (p *dateReader) spaces() {
	p.s = strings.TrimLeftFunc(p.s, isSpace)
}

// number reads up to most digits; n is how many there were.
func (p *dateReader) number(most int) (value, n int) {
	for n < len(p.s) && n < most && isDigit(p.s[n]) {
		value = value*10 + int(p.s[n]-'0')
		n++
	}
	p.s = p.s[n:]
	return value, n
}

func (p *dateReader) take(c byte) bool {
	if p.s != "" && p.s[0] == c {
		p.s = p.s[1:]
		return true
	}
	return false
}

// word reads letters.
func (p *dateReader) word() string {
	i := 0
	for i < len(p.s) && p.s[i]|0x20-'a' < 26 {
		i++
	}
	w := p.s[:i]
	p.s = p.s[i:]
	return w
}

// separator reads what may be between the parts of a date.
func (p *dateReader) separator() bool {
	before := p.s
	p.spaces() // 2017 - 08 - 01
	if p.take('-') || p.take('/') {
		p.spaces()
		return true
	}
	p.s = before
	switch {
	case p.take('.'):
		return true
	case p.take(','):
		p.spaces()
		return true
	}
	return false
}

var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

func monthNumber(word string) int {
	word = strings.ToLower(word)
	for i, name := range monthNames {
		if word == name || len(word) >= 3 && word == name[:3] || word == "sept" && i == 8 {
			return i + 1
		}
	}
	return 0
}

func dayOfWeek(word string) bool {
	word = strings.ToLower(word)
	for _, name := range [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
		if word == name || word == name[:3] {
			return true
		}
	}
	return false
}

func (p *dateReader) date() bool {
	p.month, p.day = 1, 1
	w := p.word()
	if dayOfWeek(w) {
		p.take(',')
		p.spaces()
		w = p.word()
	}
	if w != "" { // Nov 8 2014, November 8, 2014
		if p.month = monthNumber(w); p.month == 0 {
			return false
		}
		p.separator()
		p.spaces()
		var n int
		if p.day, n = p.number(2); n == 0 {
			return false
		}
		p.separator()
		p.spaces()
		return p.shortYear()
	}
	first, n := p.number(4)
	switch {
	case n == 0:
		return false
	case n >= 3:
		p.year = first
		if !isDigitNext(p.s) && !p.separator() {
			return true // a year alone
		}
		if p.month, n = p.number(2); n == 0 {
			return false
		}
		if !p.separator() {
			if isDigitNext(p.s) { // 20141108
				p.day, n = p.number(2)
				return n == 2
			}
			return true
		}
		p.day, n = p.number(2)
		return n > 0
	}
	// 8 Nov 14, 08-Nov-14, 11/08/2014
	if !p.separator() {
		p.spaces()
	}
	if w := p.word(); w != "" {
		p.day = first
		if p.month = monthNumber(w); p.month == 0 {
			return false
		}
	} else {
		p.month = first
		if p.day, n = p.number(2); n == 0 {
			return false
		}
	}
	if !p.separator() {
		p.spaces()
	}
	return p.shortYear()
}

func isDigitNext(s string) bool { return s != "" && isDigit(s[0]) }

// shortYear reads a year of four digits or of two, of which those to 49 are of
// this century.
func (p *dateReader) shortYear() bool {
	y, n := p.number(4)
	switch {
	case n == 2 && y < 50:
		y += 2000
	case n == 2:
		y += 1900
	case n != 4:
		return false
	}
	p.year = y
	return true
}

func (p *dateReader) clock() bool {
	if !p.take('T') && !p.take('t') {
		rest := p.s
		p.spaces()
		if !isDigitNext(p.s) {
			return true
		}
		if rest == p.s {
			return false
		}
	}
	var n int
	if p.hour, n = p.number(2); n == 0 {
		return false
	}
	p.hasClock = true
	if !p.take(':') {
		return p.half()
	}
	if p.minute, n = p.number(2); n == 0 {
		return false
	}
	if p.take(':') {
		if p.sec, n = p.number(2); n == 0 {
			return false
		}
		if p.take('.') {
			i := 0
			for i < len(p.s) && isDigit(p.s[i]) {
				i++
			}
			// What is finer than a tick is cut off.
			var ok bool
			if p.fraction, ok = fractionTicks(p.s[:min(i, 7)], true); !ok {
				return false
			}
			p.s = p.s[i:]
		}
	}
	return p.half()
}

// half reads AM and PM.
func (p *dateReader) half() bool {
	rest := p.s
	p.spaces()
	switch strings.ToLower(p.word()) {
	case "am":
		p.noon = true
	case "pm":
		p.noon, p.afternoon = true, true
	default:
		p.s = rest
		return true
	}
	return p.hour >= 1 && p.hour <= 12
}

// zone reads Z, GMT, UTC or an offset.
func (p *dateReader) zone() bool {
	p.spaces()
	if p.s == "" {
		return true
	}
	switch p.s[0] {
	case '+', '-':
		if !p.hasClock {
			return false
		}
		sign := 1
		if p.s[0] == '-' {
			sign = -1
		}
		p.s = p.s[1:]
		h, n := p.number(2)
		if n == 0 {
			return false
		}
		m := 0
		if p.take(':') || isDigitNext(p.s) {
			if m, n = p.number(2); n != 2 {
				return false
			}
		}
		p.offset = sign * (h*60 + m)
		return h <= 14 && m < 60
	}
	switch strings.ToUpper(p.word()) {
	case "Z", "GMT", "UTC":
		return true
	}
	return false
}

func (p *dateReader) ticks() (int64, bool) {
	if p.noon {
		p.hour %= 12
		if p.afternoon {
			p.hour += 12
		}
	}
	if p.year < 1 || p.month < 1 || p.month > 12 || p.day < 1 || p.day > daysIn(p.year, p.month) || p.hour > 24 || p.minute > 59 || p.sec > 59 ||
		p.hour == 24 && (p.minute > 0 || p.sec > 0 || p.fraction > 0) {
		return 0, false
	}
	y := p.year - 1
	days := int64(y*365 + y/4 - y/100 + y/400 + p.day - 1)
	for m := 1; m < p.month; m++ {
		days += int64(daysIn(p.year, m))
	}
	t := days*TicksPerDay + int64(p.hour)*TicksPerHour + int64(p.minute-p.offset)*TicksPerMinute + int64(p.sec)*TicksPerSecond + p.fraction
	return t, t >= 0 && t <= MaxDateTimeTicks
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
