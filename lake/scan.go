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
		if b.cols[col].typ == Dynamic {
			return b.dynamicString(i, col)
		}
		text, end, err := b.readString(i + 1)
		if err != nil {
			return 0, err
		}
		if b.cols[col].typ != String {
			return end, b.setText(col, text)
		}
		if len(text) > b.maxString {
			return 0, b.columnError(col, reasonTooLong)
		}
		b.setStr(col, entryOf(text))
		return end, nil
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

// readString reads the string whose first byte is at i and unescapes it in
// place; end is behind its closing quote. Each byte is looked at once.
func (b *Batch) readString(i int) (text []byte, end int, err *RowError) {
	buf := b.line
	start, r, hi := i, i, uint64(0)
	w := -1 // where to write; until the first escape nothing moves
	for {
		word := binary.LittleEndian.Uint64(buf[r:])
		m := special(word)
		if m == 0 {
			if w >= 0 {
				binary.LittleEndian.PutUint64(buf[w:], word)
				w += 8
			}
			hi |= word
			r += 8
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		hi |= word & (1<<(8*k) - 1)
		if w >= 0 {
			// Not as a word: that would cover bytes not read yet.
			for j := range k {
				buf[w+j] = buf[r+j]
			}
			w += k
		}
		r += k
		if buf[r] != '\\' {
			break
		}
		if w < 0 {
			w = r
		}
		if c := escapes[buf[r+1]]; c != 0 {
			buf[w] = c
			r, w = r+2, w+1
			continue
		}
		ch, n, err := unicodeEscape(buf[r:], r)
		if err != nil {
			return nil, 0, err
		}
		w += utf8.EncodeRune(buf[w:], ch)
		r += n
	}
	if buf[r] != '"' {
		return nil, 0, scanError(reasonString, start)
	}
	if w < 0 {
		w = r
	}
	text = buf[start:w]
	if hi&msb != 0 && !utf8.Valid(text) {
		return nil, 0, scanError(reasonUTF8, start)
	}
	return text, r + 1, nil
}

// special marks the bytes of w that end a plain run: quote, backslash, control.
// The lowest mark is exact, those above it may be false.
func special(w uint64) uint64 {
	q := w ^ lsb*'"'
	s := w ^ lsb*'\\'
	return ((q-lsb)&^q | (s-lsb)&^s | (w-lsb*0x20)&^w) & msb
}

// dynamicString stores the JSON string at i in a dynamic column; one that holds
// an object or array becomes that, any other is kept as it is spelled.
func (b *Batch) dynamicString(i, col int) (int, *RowError) {
	end, escaped, high, err := scanString(b.line, i+1)
	if err != nil {
		return 0, err
	}
	text := b.line[i+1 : end]
	if escaped {
		if b.scratch, err = unescapeTo(b.scratch[:0], text, i+1); err != nil {
			return 0, err
		}
		text = b.scratch
	}
	if high && !utf8.Valid(text) {
		return 0, scanError(reasonUTF8, i)
	}
	if len(text) > b.maxString {
		return 0, b.columnError(col, reasonTooLong)
	}
	stored, ok := b.innerJSON(text)
	if !ok {
		stored = b.line[i : end+1]
	}
	b.setStr(col, entryOf(stored))
	return end + 1, nil
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
