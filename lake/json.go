package lake

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// JSON below the level of rows. All functions expect a NUL behind the text, at
// which they stop, and the wide ones seven more readable bytes.

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
		m := special(w)
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
