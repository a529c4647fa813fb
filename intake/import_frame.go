package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// A framer cuts a stream into records without understanding them. next returns
// bytes that are valid until the following call. A *frameError concerns that
// record only; io.EOF is the end; any other error ends the stream.
type framer interface {
	next() ([]byte, error)
}

// frameError says why one record could not be cut out; what was read of it (at
// most keepOfBroken bytes) comes back beside it.
type frameError struct{ reason string }

func (e *frameError) Error() string { return e.reason }

// keepOfBroken is how much of a refused record is kept to look at.
const keepOfBroken = 4096

// lineFramer cuts at line feeds. Blank lines are no records.
type lineFramer struct {
	br    *bufio.Reader
	limit int
	tabs  bool // blanks at the ends belong to the record
	buf   []byte
}

func (f *lineFramer) next() ([]byte, error) {
	for {
		line, err := f.br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			line, err = f.long(line)
			var broken *frameError
			if errors.As(err, &broken) {
				return line, err
			}
		}
		if f.tabs {
			line = bytes.Trim(line, "\r\n\x00")
		} else {
			line = trimLine(line)
		}
		if len(line) > f.limit {
			return line[:min(len(line), keepOfBroken)], &frameError{tooLong(f.limit)}
		}
		if len(line) > 0 {
			if err == io.EOF {
				err = nil // the next call meets it again
			}
			return line, err
		}
		if err != nil {
			return nil, err
		}
	}
}

// long reads on with a line that is larger than the reader's buffer.
func (f *lineFramer) long(first []byte) ([]byte, error) {
	f.buf = append(f.buf[:0], first...)
	over := false
	for {
		part, err := f.br.ReadSlice('\n')
		if len(f.buf)+len(part) > f.limit {
			over = true
			f.buf = f.buf[:min(len(f.buf), keepOfBroken)]
		} else {
			f.buf = append(f.buf, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if over && (err == nil || err == io.EOF) {
			return f.buf, &frameError{tooLong(f.limit)}
		}
		return f.buf, err
	}
}

func tooLong(limit int) string {
	return fmt.Sprintf("record longer than %d KiB", limit>>10)
}

func trimLine(b []byte) []byte {
	// NULs are how a log ends that was on a disk when the power went.
	return bytes.Trim(b, " \t\r\n\x00")
}

// wrapperKeys are names under which services wrap an array of records.
var wrapperKeys = [][]byte{[]byte(`"Records"`), []byte(`"records"`), []byte(`"value"`)}

// valueFramer cuts out JSON objects: one after another with anything between
// them, the elements of arrays, and the elements of {"Records":[...]}. It only
// keeps the balance of brackets; whether an object is valid is for its reader.
type valueFramer struct {
	br      *bufio.Reader
	limit   int
	buf     []byte
	inArray bool
	wrapped bool // the array is the value of a wrapper's key
}

func (f *valueFramer) next() ([]byte, error) {
	for {
		f.skipBlanks()
		c, err := f.br.ReadByte()
		if err != nil {
			return nil, err
		}
		switch c {
		case ' ', '\t', '\r', '\n', 0, ',':
		case '[':
			if f.inArray {
				return f.junk(c, "an array instead of an object")
			}
			f.inArray = true
		case ']':
			if f.wrapped {
				if _, err := f.object(nil); err != nil { // the rest of the wrapper says nothing about events
					return nil, err
				}
			}
			f.inArray, f.wrapped = false, false
		case '{':
			if !f.inArray && f.wrapper() {
				f.inArray, f.wrapped = true, true
				continue
			}
			f.buf = f.buf[:0]
			return f.object(append(f.buf, '{'))
		default:
			return f.junk(c, "no JSON object")
		}
	}
}

// skipBlanks passes over what is buffered of white space: there may be very
// much of it.
func (f *valueFramer) skipBlanks() {
	window, _ := f.br.Peek(f.br.Buffered())
	f.br.Discard(skipBlank(window, 0))
}

// wrapper looks whether the object that just opened is a wrapper and steps into
// its array.
func (f *valueFramer) wrapper() bool {
	head, _ := f.br.Peek(64)
	at := skipBlank(head, 0)
	for _, key := range wrapperKeys {
		if !bytes.HasPrefix(head[at:], key) {
			continue
		}
		i := skipBlank(head, at+len(key))
		if i >= len(head) || head[i] != ':' {
			return false
		}
		i = skipBlank(head, i+1)
		if i >= len(head) || head[i] != '[' {
			return false
		}
		j := skipBlank(head, i+1)
		if j < len(head) && head[j] != '{' && head[j] != ']' {
			return false
		}
		f.br.Discard(i + 1)
		return true
	}
	return false
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// object reads up to the bracket that closes the open object. A nil dst throws
// the text away.
func (f *valueFramer) object(dst []byte) ([]byte, error) {
	keep := dst != nil
	depth, inString, escaped, over := 1, false, false, false
	for {
		if _, err := f.br.Peek(1); err != nil {
			if err != io.EOF {
				return dst, err
			}
			if !keep {
				return nil, io.EOF
			}
			return dst[:min(len(dst), keepOfBroken)], &frameError{"input ends inside a record"}
		}
		window, _ := f.br.Peek(f.br.Buffered())
		i, done, broken := 0, false, false
		for ; i < len(window) && !done; i++ {
			c := window[i]
			switch {
			case escaped:
				escaped = false
			case inString:
				switch c {
				case '"':
					inString = false
				case '\\':
					escaped = true
				case '\n':
					// No valid string holds a line feed: the record is cut here.
					broken, done = true, true
				}
			case c == '"':
				inString = true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
				done = depth == 0
			}
		}
		if keep {
			if !over && len(dst)+i > f.limit {
				over = true
				dst = append(dst, window[:min(i, keepOfBroken)]...)
				dst = dst[:min(len(dst), keepOfBroken)]
			}
			if !over {
				dst = append(dst, window[:i]...)
			}
		}
		f.br.Discard(i)
		f.buf = dst
		switch {
		case broken && keep:
			return dst[:min(len(dst), keepOfBroken)], &frameError{"a string is not closed"}
		case done && over:
			return dst, &frameError{tooLong(f.limit)}
		case done:
			return dst, nil
		}
	}
}

// junk reads over something that is no object, up to the end of the line.
func (f *valueFramer) junk(c byte, reason string) ([]byte, error) {
	f.buf = append(f.buf[:0], c)
	for {
		part, err := f.br.ReadSlice('\n')
		if len(f.buf) < keepOfBroken {
			f.buf = append(f.buf, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		return trimLine(f.buf[:min(len(f.buf), keepOfBroken)]), &frameError{reason}
	}
}

// utf16Reader turns UTF-16 text, which PowerShell writes by default, to UTF-8.
type utf16Reader struct {
	src  io.Reader
	big  bool
	in   [8192]byte
	have int // bytes in in that are not used yet
	out  []byte
	err  error
}

func (r *utf16Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.src.Read(r.in[r.have:])
		r.have += n
		r.err = err
		r.decode()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

func (r *utf16Reader) decode() {
	r.out = r.out[:0]
	unit := func(i int) rune {
		if r.big {
			return rune(r.in[i])<<8 | rune(r.in[i+1])
		}
		return rune(r.in[i+1])<<8 | rune(r.in[i])
	}
	i := 0
	for i+1 < r.have {
		u := unit(i)
		if utf16.IsSurrogate(u) {
			if i+3 >= r.have && r.err == nil {
				break // its other half is still to come
			}
			var pair rune = utf8.RuneError
			if i+3 < r.have {
				pair = utf16.DecodeRune(u, unit(i+2))
			}
			if pair != utf8.RuneError {
				i += 2
			}
			u = pair
		}
		r.out = utf8.AppendRune(r.out, u)
		i += 2
	}
	r.have = copy(r.in[:], r.in[i:r.have])
}

func asFrameError(err error, target **frameError) bool { return errors.As(err, target) }

func isEOF(err error) bool { return errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) }
