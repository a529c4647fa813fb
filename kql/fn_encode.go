package kql

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Encodings of text for addresses and mails. What cannot be decoded is an empty
// text, or null where the result is no text.

func init() {
	text := func(name, param, doc string, hidden bool, f func(string) string) Func {
		return Func{Name: name, Hidden: hidden, Doc: doc, Sigs: []Sig{Of(String, P(param, onlyString))}, Eval: func(args []Value) Value {
			return StringOf(f(args[0].Str()))
		}}
	}
	test := func(name, doc string, f func(string) bool) Func {
		return Func{Name: name, Doc: doc, Sigs: []Sig{Of(Bool, P("value", AnyScalar))}, Eval: func(args []Value) Value {
			return BoolOf(f(TextOf(args[0])))
		}}
	}
	Register(
		text("url_encode", "url", "The text as it may stand in an address; a blank is a plus.", false, func(s string) string { return urlEncode(s, "+") }),
		text("url_encode_component", "url", "The text as it may stand in an address; a blank is %20.", false, func(s string) string { return urlEncode(s, "%20") }),
		text("url_decode", "encoded_url", "The text that an encoded address stands for.", false, urlDecode),
		text("base64_encode_tostring", "string", "The text as base64.", false, base64Text),
		text("base64_encodestring", "string", "The text as base64.", true, base64Text),
		text("base64_decode_tostring", "base64_string", "The text that base64 stands for; empty when it is none or no UTF-8.", false, fromBase64Text),
		text("base64_decodestring", "base64_string", "The text that base64 stands for.", true, fromBase64Text),
		Func{Name: "base64_decode_toarray", Doc: "The bytes that base64 stands for, as numbers; null when it is none.",
			Sigs: []Sig{Of(Dynamic, P("base64_string", onlyString))}, Eval: base64ToArray},
		Func{Name: "base64_encode_fromarray", Doc: "An array of bytes as base64; empty when it holds anything else.",
			Sigs: []Sig{Of(String, P("base64_string_decoded_as_array", onlyDynamic))}, Eval: base64FromArray},
		Func{Name: "base64_decode_toguid", Doc: "The guid whose bytes base64 stands for; null when it is none.",
			Sigs: []Sig{Of(Guid, P("base64_string", onlyString))}, Eval: func(args []Value) Value {
				b, ok := fromBase64(args[0].Str())
				if !ok || len(b) != 16 {
					return Null(Guid)
				}
				return GuidOf(guidOfBytes([16]byte(b)))
			}},
		// The service takes a text where it says guid, and gives an empty one for
		// what is none.
		Func{Name: "base64_encode_fromguid", Doc: "The bytes of a guid as base64.",
			Sigs: []Sig{Of(String, P("guid", onlyGuid)), Of(String, P("guid", onlyString))}, Eval: func(args []Value) Value {
				v := args[0]
				if v.Type() == String {
					v = toGuid(v)
				}
				b, ok := guidBytes(v.Str())
				if v.IsNull() || !ok {
					return StringOf("")
				}
				return StringOf(base64.StdEncoding.EncodeToString(b[:]))
			}},
		test("isascii", "Whether the text is ASCII only.", isASCIIText),
		test("isutf8", "Whether the text is UTF-8.", utf8.ValidString),
	)
}

// urlEncode writes all but letters, digits and -_.!*() as %xx in lower case, as
// .NET's HttpUtility does, which the service follows.
func urlEncode(s, blank string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c), c|0x20 >= 'a' && c|0x20 <= 'z', strings.IndexByte("-_.!*()", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteString(blank)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// urlDecode reads %xx and plus; a percent sign without two digits stays. Bytes
// that are no UTF-8 become replacement characters.
func urlDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b.WriteByte(byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2])))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// hexDigit is the value of a hexadecimal digit, -1 for anything else.
func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func base64Text(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func fromBase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil
}

func fromBase64Text(s string) string {
	b, ok := fromBase64(s)
	if !ok || !utf8.Valid(b) {
		return ""
	}
	return string(b)
}

func base64ToArray(args []Value) Value {
	b, ok := fromBase64(args[0].Str())
	if !ok {
		return Null(Dynamic)
	}
	list := make([]Dyn, len(b))
	for i, c := range b {
		list[i] = int64(c)
	}
	return DynamicOf(list)
}

func base64FromArray(args []Value) Value {
	list, _ := elements(args[0])
	b := make([]byte, len(list))
	for i, d := range list {
		n, ok := d.(int64)
		if !ok || n < 0 || n > 255 {
			return StringOf("")
		}
		b[i] = byte(n)
	}
	return StringOf(base64.StdEncoding.EncodeToString(b))
}

// guidOrder is where the bytes of a guid stand in its text: .NET keeps the first
// three groups with their lowest byte first.
var guidOrder = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// guidBytes are the bytes of a canonical guid as .NET has them.
func guidBytes(text string) (b [16]byte, ok bool) {
	n := 0
	for i := 0; i+1 < len(text) && n < 16; i++ {
		if text[i] == '-' {
			continue
		}
		hi, lo := hexDigit(text[i]), hexDigit(text[i+1])
		if hi < 0 || lo < 0 {
			return b, false
		}
		b[guidOrder[n]] = byte(hi<<4 | lo)
		n, i = n+1, i+1
	}
	return b, n == 16
}

func guidOfBytes(b [16]byte) string {
	const hex = "0123456789abcdef"
	text := make([]byte, 0, 36)
	for i, at := range guidOrder {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = append(text, hex[b[at]>>4], hex[b[at]&15])
	}
	return string(text)
}
