package kql

import (
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// Case is folded as .NET's ordinal comparison does it: two characters are the
// same when their simple upper-case forms are, except that the dotless i, the
// dotted I and the long s have no other case. So a character outside ASCII
// never equals one inside, which lets a search for an ASCII pattern look at
// bytes alone.

// foldByte maps an ASCII letter to lower case and leaves other bytes.
var foldByte = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] = byte(i) + 'a' - 'A'
		}
	}
	return t
}()

// foldRune gives the one character that stands for r and its other case.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return rune(foldByte[r])
	}
	return upperRune(r)
}

// upperRune is toupper() of one character.
func upperRune(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	case r == 'ı' || r == 'ſ':
		return r
	}
	return unicode.ToUpper(r)
}

// bytesOf is s without a copy. The bytes must not be written.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

const highBits = 0x8080808080808080

// isASCII tells whether b has no byte above 0x7f.
func isASCII(b []byte) bool {
	for len(b) >= 32 {
		x := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
		if x&highBits != 0 {
			return false
		}
		b = b[32:]
	}
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&highBits != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldWord is foldByte of eight bytes at once; bytes above 0x7f stay.
func foldWord(x uint64) uint64 {
	const ones = 0x0101010101010101
	low := x &^ highBits
	geA := low + (0x80-'A')*ones
	gtZ := low + (0x80-'Z'-1)*ones
	return x | (geA&^gtZ&^x&highBits)>>2
}

// equalFoldASCII compares text with a pattern of the same length that is ASCII
// in lower case.
func equalFoldASCII(text, pattern []byte) bool {
	if len(text) != len(pattern) {
		return false
	}
	for len(pattern) >= 8 {
		if foldWord(binary.LittleEndian.Uint64(text)) != binary.LittleEndian.Uint64(pattern) {
			return false
		}
		text, pattern = text[8:], pattern[8:]
	}
	for i, c := range pattern {
		if foldByte[text[i]] != c {
			return false
		}
	}
	return true
}

// hashFold hashes ASCII text without regard to case.
func hashFold(text []byte) uint64 {
	const k1, k2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := uint64(len(text)) * k1
	for len(text) >= 8 {
		h = bits.RotateLeft64((h^foldWord(binary.LittleEndian.Uint64(text)))*k2, 29)
		text = text[8:]
	}
	var x uint64
	for i, c := range text {
		x |= uint64(foldByte[c]) << (8 * i)
	}
	h = (h ^ x) * k2
	return h ^ h>>32
}

// prefixFold is the length in bytes of the start of text that is the folded
// pattern, -1 when text does not start with it.
func prefixFold(text []byte, pattern []rune) int {
	n := 0
	for _, p := range pattern {
		if n >= len(text) {
			return -1
		}
		r, size := rune(text[n]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[n:])
		}
		if foldRune(r) != p {
			return -1
		}
		n += size
	}
	return n
}

// suffixFold is prefixFold from the end.
func suffixFold(text []byte, pattern []rune) int {
	n := len(text)
	for i := len(pattern) - 1; i >= 0; i-- {
		if n == 0 {
			return -1
		}
		r, size := utf8.DecodeLastRune(text[:n])
		if foldRune(r) != pattern[i] {
			return -1
		}
		n -= size
	}
	return len(text) - n
}

// foldedRunes is pattern as prefixFold wants it.
func foldedRunes(pattern string) []rune {
	runes := []rune(pattern)
	for i, r := range runes {
		runes[i] = foldRune(r)
	}
	return runes
}

// foldedASCII is an ASCII pattern in lower case.
func foldedASCII(pattern string) []byte {
	b := []byte(pattern)
	for i, c := range b {
		b[i] = foldByte[c]
	}
	return b
}
