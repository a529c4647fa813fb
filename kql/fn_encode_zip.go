package kql

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"io"
	"sync"
	"unicode/utf8"
)

// maxUnzipped is how many bytes a compressed text may unfold to; more makes the
// result empty, so that a few bytes cannot fill the memory.
const maxUnzipped = 16 << 20

func init() {
	text := func(name, doc string, f func(string) string) Func {
		return Func{Name: name, Doc: doc, Sigs: []Sig{Of(String, P("string", onlyString))}, Eval: func(args []Value) Value {
			return StringOf(f(args[0].Str()))
		}}
	}
	Register(
		text("zlib_compress_to_base64_string", "The text compressed by zlib, as base64.", func(s string) string {
			b := []byte{0x78, 0x01}
			b = append(b, deflated(s)...)
			return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, adler32.Checksum([]byte(s))))
		}),
		text("gzip_compress_to_base64_string", "The text compressed by gzip, as base64.", func(s string) string {
			b := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}
			b = append(b, deflated(s)...)
			b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(s)))
			return base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint32(b, uint32(len(s))))
		}),
		text("zlib_decompress_from_base64_string", "The text that was compressed by zlib; empty when it was not.", func(s string) string {
			return unzipped(s, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) })
		}),
		text("gzip_decompress_from_base64_string", "The text that was compressed by gzip; empty when it was not.", func(s string) string {
			return unzipped(s, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
		}),
	)
}

// deflaters are kept because each is the better part of a megabyte.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.DefaultCompression) // the level is one that there is
	return w
}}

// deflated is the text compressed. What does not become shorter stands as it is
// in one stored block, as the service has it.
func deflated(s string) []byte {
	var buf bytes.Buffer
	w, _ := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&buf)
	_, _ = io.WriteString(w, s) // a bytes.Buffer takes everything
	_ = w.Close()
	if len(s) <= 0xffff && len(s)+5 <= buf.Len() {
		n := uint16(len(s))
		b := binary.LittleEndian.AppendUint16([]byte{1}, n)
		b = binary.LittleEndian.AppendUint16(b, ^n)
		return append(b, s...)
	}
	return buf.Bytes()
}

func unzipped(s string, open func(io.Reader) (io.Reader, error)) string {
	b, ok := fromBase64(s)
	if !ok {
		return ""
	}
	r, err := open(bytes.NewReader(b))
	if err != nil {
		return ""
	}
	out, err := io.ReadAll(io.LimitReader(r, maxUnzipped+1))
	if err != nil || len(out) > maxUnzipped || !utf8.Valid(out) {
		return ""
	}
	return string(out)
}
