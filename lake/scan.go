package lake

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The scanner reads one JSON object straight into the columns. The line is
// copied into the arena once; strings are unescaped in place there and columns
// point at them. A NUL follows the copy, and as a NUL may appear nowhere in
// JSON it ends every loop without a look at the length.

// Reasons for refusing a line. Those that begin with badJSON mean that
// encoding/json refuses it too.
const (
	badJSON       = "not valid JSON: "
	reasonObject  = badJSON + "not an object"
	reasonSyntax  = badJSON + "unexpected character"
	reasonEnd     = badJSON + "something follows the object"
	reasonString  = badJSON + "string not closed or with a control character"
	reasonEscape  = badJSON + "unknown escape"
	reasonNumber  = badJSON + "malformed number"
	reasonEmpty   = badJSON + "empty"
	reasonDepth   = "nested deeper than 64"
	reasonLong    = "line longer than 1 MiB"
	reasonUTF8    = "not valid UTF-8"
	reasonSurr    = "half a surrogate pair"
	reasonNUL     = "NUL character"
	reasonBOM     = "starts with a byte order mark"
	reasonTooLong = "value longer than the limit"
)

func scanError(reason string, off int) *RowError { return &RowError{Reason: reason, Offset: off} }

// AppendJSON adds one row from one JSON object. The line is copied. An error
// is a *RowError and leaves the batch as it was.
func (b *Batch) AppendJSON(line []byte) error {
	if len(line) > maxLine {
		return scanError(reasonLong, maxLine)
	}
	m := b.begin()
	b.line = b.terminated(line)
	err := b.object(len(line))
	if err == nil {
		err = b.finish()
	}
	if err != nil {
		b.rollback(m)
		return err
	}
	return nil
}

// terminated is an arena copy of text with NULs behind it that belong to it, so
// that whatever the row allocates later leaves them alone.
func (b *Batch) terminated(text []byte) []byte {
	p := b.arena.alloc(len(text) + arenaSlack)
	clear(p[copy(p, text):])
	return p
}

// AppendJSONBlock adds a row for each line of block. Blank lines are skipped.
// A refused line is told to onError with its number (from 0) and its byte
// offset in the block, and the rest goes on. It returns the rows added.
func (b *Batch) AppendJSONBlock(block []byte, onError func(line, off int, err error)) int {
	before := b.rows
	for n, off := 0, 0; off < len(block); n++ {
		end := bytes.IndexByte(block[off:], '\n')
		if end < 0 {
			end = len(block) - off
		}
		line := block[off : off+end]
		if !blank(line) {
			if err := b.AppendJSON(line); err != nil && onError != nil {
				onError(n, off, err)
			}
		}
		off += end + 1
	}
	return b.rows - before
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// object reads the whole line; n is its length without the slack.
func (b *Batch) object(n int) *RowError {
	buf := b.line
	i := skipSpace(buf, 0)
	if buf[i] != '{' {
		switch {
		case i == n:
			return scanError(reasonEmpty, i)
		case bytes.HasPrefix(buf, []byte("\xef\xbb\xbf")):
			return scanError(reasonBOM, 0)
		}
		// Not an object: either wrong JSON or the wrong kind of it.
		return scanError(reasonObject, i)
	}
	i = skipSpace(buf, i+1)
	if buf[i] == '}' {
		return b.end(i+1, n)
	}
	for prev := -1; ; {
		start := i
		name, col, next, err := b.key(i, prev)
		if err != nil {
			return err
		}
		i = skipSpace(buf, next)
		if buf[i] != ':' {
			return scanError(reasonSyntax, i)
		}
		i = skipSpace(buf, i+1)
		at := i
		switch {
		case col >= 0 && (col != b.table.Time || name == b.table.Columns[col].Name):
			prev = col
			i, err = b.value(i, col)
		default:
			i, err = skipValue(buf, i, 1)
			if err == nil && col >= 0 {
				b.alias = append(b.alias, aliasValue{name, at, i})
			} else if err == nil {
				b.addExtra(buf[start:next], buf[at:i])
			}
		}
		if err != nil {
			return err
		}
		i = skipSpace(buf, i)
		if buf[i] == '}' {
			return b.end(i+1, n)
		}
		if buf[i] != ',' {
			return scanError(reasonSyntax, i)
		}
		i = skipSpace(buf, i+1)
	}
}

func (b *Batch) end(i, n int) *RowError {
	if i = skipSpace(b.line, i); i != n {
		return scanError(reasonEnd, i)
	}
	return nil
}

// key reads the key at i. Rows of one source name their keys in the same order,
// so the key that followed prev in the last row is tried before any search.
func (b *Batch) key(i, prev int) (name string, col, next int, err *RowError) {
	buf := b.line
	if buf[i] != '"' {
		return "", 0, 0, scanError(reasonSyntax, i)
	}
	if g := b.follows[prev+1]; g >= 0 {
		name = b.table.Columns[g].Name
		if end := i + 1 + len(name); end < len(buf) && buf[end] == '"' && string(buf[i+1:end]) == name {
			return name, int(g), end + 1, nil
		}
	}
	end, escaped, high, err := scanString(buf, i+1)
	if err != nil {
		return "", 0, 0, err
	}
	text := buf[i+1 : end]
	if escaped {
		// The raw key stays in place: an unknown one is stored as it came.
		b.scratch, err = unescapeTo(b.scratch[:0], text, i+1)
		if err != nil {
			return "", 0, 0, err
		}
		text = b.scratch
	}
	if high && !utf8.Valid(text) {
		return "", 0, 0, scanError(reasonUTF8, i)
	}
	col, known := b.table.index[string(text)]
	if !known {
		return "", -1, end + 1, nil
	}
	if name = b.table.Columns[col].Name; name != string(text) {
		return string(text), col, end + 1, nil // an alias
	}
	b.follows[prev+1] = int32(col)
	return name, col, end + 1, nil
}

// value reads the value at i into a column and returns where it ends.
func (b *Batch) value(i, col int) (int, *RowError) {
	buf := b.line
	switch buf[i] {
	case '"':
		end, escaped, high, err := scanString(buf, i+1)
		if err != nil {
			return 0, err
		}
		text := buf[i+1 : end]
		typ := b.cols[col].typ
		if typ == Dynamic {
			return end + 1, b.dynamicString(col, buf[i:end+1], escaped, high)
		}
		if escaped {
			n, err := unescape(text, i+1)
			if err != nil {
				return 0, err
			}
			text = text[:n]
		}
		if high && !utf8.Valid(text) {
			return 0, scanError(reasonUTF8, i)
		}
		if typ == String {
			if len(text) > b.maxString {
				return 0, b.columnError(col, reasonTooLong)
			}
			b.setStr(col, entryOf(text))
			return end + 1, nil
		}
		return end + 1, b.setText(col, text)
	case 'n':
		if string(buf[i:i+4]) != "null" {
			return 0, scanError(reasonSyntax, i)
		}
		b.setNull(col)
		return i + 4, nil
	case 't':
		if string(buf[i:i+4]) != "true" {
			return 0, scanError(reasonSyntax, i)
		}
		return i + 4, b.setBool(col, true, buf[i:i+4])
	case 'f':
		if string(buf[i:i+5]) != "false" {
			return 0, scanError(reasonSyntax, i)
		}
		return i + 5, b.setBool(col, false, buf[i:i+5])
	case '{', '[':
		end, err := skipValue(buf, i, 1)
		if err != nil {
			return 0, err
		}
		return end, b.setNested(col, buf[i:end])
	}
	end, whole, err := scanNumber(buf, i)
	if err != nil {
		return 0, err
	}
	return end, b.setNumber(col, buf[i:end], whole)
}

// dynamicString stores a JSON string in a dynamic column; one that holds an
// object or array becomes that. quoted includes the quotes.
func (b *Batch) dynamicString(col int, quoted []byte, escaped, high bool) *RowError {
	text := quoted[1 : len(quoted)-1]
	if escaped {
		var err *RowError
		if b.scratch, err = unescapeTo(b.scratch[:0], text, 0); err != nil {
			return err
		}
		text = b.scratch
	}
	if high && !utf8.Valid(text) {
		return scanError(reasonUTF8, 0)
	}
	if len(text) > b.maxString {
		return b.columnError(col, reasonTooLong)
	}
	if inner, ok := b.innerJSON(text); ok {
		b.setStr(col, entryOf(inner))
		return nil
	}
	b.setStr(col, entryOf(quoted))
	return nil
}

// innerJSON is an arena copy of text if that is a JSON object or array.
func (b *Batch) innerJSON(text []byte) ([]byte, bool) {
	text = bytes.TrimSpace(text)
	if len(text) < 2 || text[0] != '{' && text[0] != '[' {
		return nil, false
	}
	m := b.arena.mark()
	p := b.terminated(text)
	if end, err := skipValue(p, 0, 1); err != nil || end != len(text) {
		b.arena.back(m)
		return nil, false
	}
	return p[:len(text)], true
}

func skipSpace(buf []byte, i int) int {
	for buf[i] == ' ' || buf[i] == '\t' || buf[i] == '\n' || buf[i] == '\r' {
		i++
	}
	return i
}

const (
	lsb = 0x0101010101010101
	msb = 0x8080808080808080
)

// scanString finds the closing quote of the string whose first byte is at i.
// It looks at eight bytes at a time: the lowest marked byte of each test is
// exact, and only the lowest is used.
func scanString(buf []byte, i int) (end int, escaped, high bool, err *RowError) {
	start := i
	hi := uint64(0)
	for i+8 <= len(buf) {
		w := binary.LittleEndian.Uint64(buf[i:])
		q := w ^ lsb*'"'
		s := w ^ lsb*'\\'
		m := ((q-lsb)&^q | (s-lsb)&^s | (w-lsb*0x20)&^w) & msb
		if m == 0 {
			hi |= w
			i += 8
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		hi |= w & (1<<(8*k) - 1)
		i += k
		switch buf[i] {
		case '"':
			return i, escaped, hi&msb != 0, nil
		case '\\':
			// What follows cannot end the string, whatever it is; unescape
			// judges it. A NUL must not be stepped over.
			escaped = true
			if buf[i+1] < 0x20 {
				return 0, false, false, scanError(reasonEscape, i)
			}
			hi |= uint64(buf[i+1])
			i += 2
		default:
			return 0, false, false, scanError(reasonString, start)
		}
	}
	return scanTail(buf, i, start, escaped, hi&msb != 0)
}

// scanTail is scanString for the last bytes of the buffer.
func scanTail(buf []byte, i, start int, escaped, high bool) (int, bool, bool, *RowError) {
	for ; i < len(buf); i++ {
		switch c := buf[i]; {
		case c == '"':
			return i, escaped, high, nil
		case c == '\\':
			escaped = true
			if i++; i >= len(buf) || buf[i] < 0x20 {
				return 0, false, false, scanError(reasonEscape, i-1)
			}
		case c < 0x20:
			return 0, false, false, scanError(reasonString, start)
		case c >= 0x80:
			high = true
		}
	}
	return 0, false, false, scanError(reasonString, start)
}

// unescape replaces the escapes of s in place and returns the new length.
func unescape(s []byte, at int) (int, *RowError) {
	r := bytes.IndexByte(s, '\\')
	w := r
	for r < len(s) {
		// Plain bytes up to the next escape, eight at a time. A word is written
		// only when all of it is plain: the write may cover bytes not read yet.
		n := 0
		if r+8 <= len(s) {
			word := binary.LittleEndian.Uint64(s[r:])
			x := word ^ lsb*'\\'
			m := (x - lsb) & ^x & msb
			if m == 0 {
				binary.LittleEndian.PutUint64(s[w:], word)
				r, w = r+8, w+8
				continue
			}
			n = bits.TrailingZeros64(m) >> 3
		} else if n = bytes.IndexByte(s[r:], '\\'); n < 0 {
			n = len(s) - r
		}
		for range n {
			s[w] = s[r]
			r, w = r+1, w+1
		}
		if r >= len(s) {
			break
		}
		if c := escapes[s[r+1]]; c != 0 {
			s[w] = c
			r, w = r+2, w+1
			continue
		}
		ch, n, err := unicodeEscape(s[r:], at+r)
		if err != nil {
			return 0, err
		}
		w += utf8.EncodeRune(s[w:], ch)
		r += n
	}
	return w, nil
}

func unescapeTo(dst, s []byte, at int) ([]byte, *RowError) {
	dst = append(dst, s...)
	n, err := unescape(dst, at)
	return dst[:n], err
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unicodeEscape reads \uXXXX, or two of them for a surrogate pair. Its UTF-8 is
// never longer than the escape.
func unicodeEscape(s []byte, at int) (rune, int, *RowError) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0, scanError(reasonEscape, at)
	}
	switch {
	case hi == 0:
		return 0, 0, scanError(reasonNUL, at)
	case hi < 0xD800 || hi > 0xDFFF:
		return hi, 6, nil
	case hi >= 0xDC00:
		return 0, 0, scanError(reasonSurr, at)
	}
	lo, ok := hex4(s[6:])
	if !ok || lo < 0xDC00 || lo > 0xDFFF {
		return 0, 0, scanError(reasonSurr, at)
	}
	return 0x10000 + (hi-0xD800)<<10 + (lo - 0xDC00), 12, nil
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

// scanNumber checks the grammar of the number at i; whole means no fraction
// and no exponent.
func scanNumber(buf []byte, i int) (end int, whole bool, err *RowError) {
	start := i
	if buf[i] == '-' {
		i++
	}
	switch {
	case buf[i] == '0':
		i++
	case buf[i] >= '1' && buf[i] <= '9':
		for isDigit(buf[i]) {
			i++
		}
	case i == start:
		return 0, false, scanError(reasonSyntax, start)
	default:
		return 0, false, scanError(reasonNumber, start)
	}
	whole = true
	if buf[i] == '.' {
		whole = false
		if i++; !isDigit(buf[i]) {
			return 0, false, scanError(reasonNumber, start)
		}
		for isDigit(buf[i]) {
			i++
		}
	}
	if buf[i] == 'e' || buf[i] == 'E' {
		whole = false
		if i++; buf[i] == '+' || buf[i] == '-' {
			i++
		}
		if !isDigit(buf[i]) {
			return 0, false, scanError(reasonNumber, start)
		}
		for isDigit(buf[i]) {
			i++
		}
	}
	return i, whole, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// skipValue checks the value at i in full and returns where it ends.
func skipValue(buf []byte, i, depth int) (int, *RowError) {
	switch c := buf[i]; c {
	case '"':
		end, escaped, high, err := scanString(buf, i+1)
		if err != nil {
			return 0, err
		}
		text := buf[i+1 : end]
		if escaped {
			err = checkEscapes(text, i+1)
		}
		if err == nil && high && !utf8.Valid(text) {
			err = scanError(reasonUTF8, i)
		}
		return end + 1, err
	case '{', '[':
		if depth >= maxDepth {
			return 0, scanError(reasonDepth, i)
		}
		return skipNested(buf, i, depth)
	case 't', 'n':
		if s := string(buf[i : i+4]); s == "true" || s == "null" {
			return i + 4, nil
		}
		return 0, scanError(reasonSyntax, i)
	case 'f':
		if string(buf[i:i+5]) == "false" {
			return i + 5, nil
		}
		return 0, scanError(reasonSyntax, i)
	}
	end, _, err := scanNumber(buf, i)
	return end, err
}

func skipNested(buf []byte, i, depth int) (int, *RowError) {
	object := buf[i] == '{'
	last := byte(']')
	if object {
		last = '}'
	}
	i = skipSpace(buf, i+1)
	if buf[i] == last {
		return i + 1, nil
	}
	for {
		var err *RowError
		if object {
			if buf[i] != '"' {
				return 0, scanError(reasonSyntax, i)
			}
			if i, err = skipValue(buf, i, depth); err != nil {
				return 0, err
			}
			if i = skipSpace(buf, i); buf[i] != ':' {
				return 0, scanError(reasonSyntax, i)
			}
			i = skipSpace(buf, i+1)
		}
		if i, err = skipValue(buf, i, depth+1); err != nil {
			return 0, err
		}
		i = skipSpace(buf, i)
		if buf[i] == last {
			return i + 1, nil
		}
		if buf[i] != ',' {
			return 0, scanError(reasonSyntax, i)
		}
		i = skipSpace(buf, i+1)
	}
}

func checkEscapes(s []byte, at int) *RowError {
	for r := 0; r < len(s); {
		k := bytes.IndexByte(s[r:], '\\')
		if k < 0 {
			return nil
		}
		r += k
		if escapes[s[r+1]] != 0 {
			r += 2
			continue
		}
		_, n, err := unicodeEscape(s[r:], at+r)
		if err != nil {
			return err
		}
		r += n
	}
	return nil
}
