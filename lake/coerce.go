package lake

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tocsinhq/tocsin"
)

// endOfTime is the first microsecond after 2261, about where nanosecond
// clocks (Go's among them) run out.
var endOfTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

func (b *Batch) columnError(col int, reason string) *RowError {
	return &RowError{Reason: reason, Column: b.table.Columns[col].Name, Offset: -1}
}

// setText stores the text of a JSON string in a column that is neither string
// nor dynamic. text lies in the arena.
func (b *Batch) setText(col int, text []byte) *RowError {
	if len(text) == 0 {
		b.setNull(col)
		return nil
	}
	switch typ := b.cols[col].typ; typ {
	case Datetime:
		us, ok := parseTime(text)
		if !ok {
			return b.columnError(col, "not a time")
		}
		b.setNum(col, uint64(us))
	case GUID:
		id, ok := b.guid(text)
		if !ok {
			return b.columnError(col, "not a guid")
		}
		b.setStr(col, entryOf(id))
	case Bool:
		switch string(text) {
		case "true", "True", "TRUE", "1":
			b.setNum(col, 1)
		case "false", "False", "FALSE", "0":
			b.setNum(col, 0)
		default:
			return b.columnError(col, "not a bool")
		}
	default:
		// The text of a number. NaN, Infinity, hex and blanks are none.
		padded := append(append(b.scratch[:0], text...), 0)
		b.scratch = padded
		end, whole, err := scanNumber(padded, 0)
		if err != nil || end != len(text) {
			return b.columnError(col, notA(typ))
		}
		return b.setNumber(col, text, whole)
	}
	return nil
}

func notA(t Type) string {
	switch t {
	case Long:
		return "not a whole number"
	case Int:
		return "not a whole number of 32 bits"
	case Real:
		return "not a number"
	}
	return "not a " + t.String()
}

// setNumber stores a JSON number. text lies in the arena.
func (b *Batch) setNumber(col int, text []byte, whole bool) *RowError {
	typ := b.cols[col].typ
	switch typ {
	case String, Dynamic:
		b.setStr(col, entryOf(text))
		return nil
	case Long, Int:
		v, ok := parseWhole(text, whole)
		if !ok || typ == Int && v != int64(int32(v)) {
			return b.columnError(col, notA(typ))
		}
		b.setNum(col, uint64(v))
		return nil
	case Real:
		f, err := strconv.ParseFloat(view(text), 64)
		if err != nil {
			return b.columnError(col, "number out of range")
		}
		b.setNum(col, math.Float64bits(f))
		return nil
	case Bool:
		if len(text) == 1 && text[0] <= '1' {
			b.setNum(col, uint64(text[0]-'0'))
			return nil
		}
	case Datetime:
		if us, ok := unixTime(text, whole); ok {
			b.setNum(col, uint64(us))
			return nil
		}
		return b.columnError(col, "not a time")
	}
	return b.columnError(col, notA(typ))
}

// setBool stores a JSON true or false; text is its spelling in the arena.
func (b *Batch) setBool(col int, v bool, text []byte) *RowError {
	switch typ := b.cols[col].typ; typ {
	case String, Dynamic:
		b.setStr(col, entryOf(text))
	case Bool, Long, Int:
		b.setNum(col, uint64(b2i(v)))
	default:
		return b.columnError(col, notA(typ))
	}
	return nil
}

// setNested stores a checked JSON object or array that lies in the arena.
func (b *Batch) setNested(col int, text []byte) *RowError {
	typ := b.cols[col].typ
	if typ != Dynamic && typ != String {
		return b.columnError(col, notA(typ))
	}
	if len(text) > b.maxString {
		return b.columnError(col, reasonTooLong)
	}
	b.setStr(col, entryOf(text))
	return nil
}

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// parseWhole reads a number of JSON's grammar that is a whole one, be it
// spelled 5, 5.0 or 5e3.
func parseWhole(text []byte, whole bool) (int64, bool) {
	if !whole {
		f, err := strconv.ParseFloat(view(text), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, false
		}
		return int64(f), true
	}
	if len(text) > 18 {
		v, err := strconv.ParseInt(view(text), 10, 64)
		return v, err == nil
	}
	i := b2i(text[0] == '-')
	v := int64(0)
	for _, c := range text[i:] {
		v = v*10 + int64(c-'0')
	}
	if i == 1 {
		v = -v
	}
	return v, true
}

// unixTime reads a Unix time whose unit its size tells. The four ranges do not
// meet between 1973 and 5138, so no real time is read in the wrong unit.
func unixTime(text []byte, whole bool) (int64, bool) {
	if !whole {
		f, err := strconv.ParseFloat(view(text), 64)
		if err != nil || f < 0 || f >= 1e11 {
			return 0, false
		}
		return int64(math.Round(f * 1e6)), true
	}
	v, ok := parseWhole(text, true)
	switch {
	case !ok || v < 0:
		return 0, false
	case v < 1e11:
		return v * 1e6, true
	case v < 1e14:
		return v * 1e3, true
	case v < 1e17:
		return v, true
	}
	return v / 1e3, true
}

// parseTime reads an ISO 8601 date or date and time as microseconds since 1970.
func parseTime(s []byte) (int64, bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	year, ok1 := num2(s[0:])
	y2, ok2 := num2(s[2:])
	month, ok3 := num2(s[5:])
	day, ok4 := num2(s[8:])
	year = year*100 + y2
	if !(ok1 && ok2 && ok3 && ok4) || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || year < 1 {
		return 0, false
	}
	secs := days(year, month, day) * 86400
	s = s[10:]
	if len(s) == 0 {
		return secs * 1e6, true
	}
	if len(s) < 6 || s[0] != 'T' && s[0] != 't' && s[0] != ' ' || s[3] != ':' {
		return 0, false
	}
	hour, ok1 := num2(s[1:])
	minute, ok2 := num2(s[4:])
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	secs += int64(hour*3600 + minute*60)
	s = s[6:]
	us := int64(0)
	if len(s) > 0 && s[0] == ':' {
		if len(s) < 3 {
			return 0, false
		}
		second, ok := num2(s[1:])
		if !ok || second > 60 { // 60: a leap second, which counts as the next
			return 0, false
		}
		secs += int64(second)
		if us, s, ok = fraction(s[3:]); !ok {
			return 0, false
		}
	}
	off, ok := offset(s)
	return (secs-off)*1e6 + us, ok
}

// fraction reads .5 or ,5 as microseconds, dropping what is finer.
func fraction(s []byte) (us int64, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' && s[0] != ',' {
		return 0, s, true
	}
	i, unit := 1, int64(100000)
	for ; i < len(s) && isDigit(s[i]); i++ {
		us += int64(s[i]-'0') * unit
		unit /= 10
	}
	return us, s[i:], i > 1
}

// offset reads nothing, Z, +hh, +hhmm or +hh:mm as seconds.
func offset(s []byte) (int64, bool) {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	if len(s) == 0 || len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') || string(s) == "UTC" {
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' || len(s) < 3 {
		return 0, false
	}
	h, ok := num2(s[1:])
	if !ok || h > 18 {
		return 0, false
	}
	m := 0
	switch rest := s[3:]; {
	case len(rest) == 0:
	case len(rest) == 2:
		m, ok = num2(rest)
	case len(rest) == 3 && rest[0] == ':':
		m, ok = num2(rest[1:])
	default:
		return 0, false
	}
	secs := int64(h*3600 + m*60)
	if s[0] == '-' {
		secs = -secs
	}
	return secs, ok && m < 60
}

func num2(s []byte) (int, bool) {
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

func daysIn(year, month int) int {
	if month == 2 {
		return 28 + b2i(year%4 == 0 && (year%100 != 0 || year%400 == 0))
	}
	return 30 + (month+month>>3)&1
}

// days counts the days from 1970 to a date. March is taken as the first month,
// so that the leap day is the last of the year.
func days(year, month, day int) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - 719468
}

// guid is text in the form 8-4-4-4-12 in lower case, in the arena.
func (b *Batch) guid(text []byte) ([]byte, bool) {
	if n := len(text); n > 2 && (text[0] == '{' && text[n-1] == '}' || text[0] == '(' && text[n-1] == ')') {
		text = text[1 : n-1]
	}
	hyphens := len(text) == 36
	if !hyphens && len(text) != 32 {
		return nil, false
	}
	p := b.arena.alloc(36)
	i := 0
	for k := range p {
		if k == 8 || k == 13 || k == 18 || k == 23 {
			if hyphens {
				if text[i] != '-' {
					return nil, false
				}
				i++
			}
			p[k] = '-'
			continue
		}
		c := text[i]
		if c >= 'A' && c <= 'F' {
			c += 'a' - 'A'
		}
		if !isDigit(c) && (c < 'a' || c > 'f') {
			return nil, false
		}
		p[k] = c
		i++
	}
	return p, true
}

// AppendRow adds one row given by values, under the same rules as AppendJSON;
// keys that the table does not declare go to _extra. An error is a *RowError
// (or CodeInvalid for a row of another table) and leaves the batch as it was.
func (b *Batch) AppendRow(r tocsin.Row) error {
	if r.Table != b.table.Name {
		return tocsin.Errorf(tocsin.CodeInvalid, "a row of %s in a batch of %s", r.Table, b.table.Name)
	}
	m := b.begin()
	err := b.rowValues(r.Values)
	if err == nil {
		err = b.finish()
	}
	if err != nil {
		b.rollback(m)
		return err
	}
	return nil
}

func (b *Batch) rowValues(values map[string]any) *RowError {
	var unknown []string
	for name, v := range values {
		col, ok := b.table.index[name]
		if ok && col == b.table.Time && name != b.table.TimeColumn() {
			// An alias counts only when the column itself is absent, and is
			// kept beside it otherwise.
			own, given := values[b.table.TimeColumn()]
			ok = !given || own == nil
			if given && own == v {
				continue
			}
		}
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		if err := b.setAny(col, v); err != nil {
			return err
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		if values[name] == nil {
			continue
		}
		text, err := json.Marshal(values[name])
		if err != nil {
			return &RowError{Reason: "value that JSON cannot hold", Offset: -1}
		}
		b.addExtra(appendJSONString(nil, name), text)
	}
	return nil
}

func (b *Batch) setAny(col int, v any) *RowError {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return b.setGoString(col, v)
	case int64:
		return b.setNumber(col, b.keep(strconv.AppendInt(nil, v, 10)), true)
	case int:
		return b.setNumber(col, b.keep(strconv.AppendInt(nil, int64(v), 10)), true)
	case bool:
		return b.setBool(col, v, b.keep(strconv.AppendBool(nil, v)))
	case time.Time:
		if b.cols[col].typ == Datetime {
			b.setNum(col, uint64(v.UnixMicro()))
			return nil
		}
		return b.setGoString(col, v.UTC().Format(timeFormat))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return b.columnError(col, "value that JSON cannot hold")
	}
	if text, err := b.tokenAt(col, text); err != nil || text {
		return err
	}
	return b.columnError(col, "value that JSON cannot hold")
}

// tokenAt stores a value given as JSON text.
func (b *Batch) tokenAt(col int, text []byte) (bool, *RowError) {
	b.line = b.terminated(text)
	end, err := b.value(0, col)
	return end == len(text), err
}

func (b *Batch) setGoString(col int, s string) *RowError {
	switch {
	case !utf8.ValidString(s):
		return b.columnError(col, reasonUTF8)
	case len(s) > b.maxString:
		return b.columnError(col, reasonTooLong)
	}
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return b.columnError(col, reasonNUL)
		}
	}
	text := b.keep([]byte(s))
	switch b.cols[col].typ {
	case String:
		b.setStr(col, entryOf(text))
		return nil
	case Dynamic:
		if inner, ok := b.innerJSON(text); ok {
			b.setStr(col, entryOf(inner))
			return nil
		}
		b.setStr(col, entryOf(b.keep(appendJSONString(nil, s))))
		return nil
	}
	return b.setText(col, text)
}

// keep copies p into the arena.
func (b *Batch) keep(p []byte) []byte {
	q := b.arena.alloc(len(p))
	copy(q, p)
	return q
}
