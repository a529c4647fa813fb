package kql

import (
	"math"
	"strings"
	"unicode/utf8"
)

// maxPunycode is the greatest number of bytes that the punycode functions take;
// longer text gives an empty one. Decoding takes time in proportion to the
// square of it.
const maxPunycode = 4096

func init() {
	text := func(name, doc string, f func(string) (string, bool)) Func {
		return Func{Name: name, Doc: doc, Sigs: []Sig{Of(String, P("string", onlyString))}, Eval: func(args []Value) Value {
			if s := args[0].Str(); len(s) <= maxPunycode {
				if out, ok := f(s); ok {
					return StringOf(out)
				}
			}
			return StringOf("")
		}}
	}
	// The names are the service's: to and from mean the opposite in the two pairs.
	Register(
		text("punycode_from_string", "The text in punycode, without xn--.", punycodeEncode),
		text("punycode_to_string", "The text that punycode without xn-- stands for.", punycodeDecode),
		text("punycode_domain_to_string", "The domain with its labels in punycode.", domainToPunycode),
		text("punycode_domain_from_string", "The domain that labels in punycode stand for.", domainFromPunycode),
	)
}

var fullStops = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// domainToPunycode encodes the labels that need it. The full stops of other
// scripts separate labels as well.
func domainToPunycode(s string) (string, bool) {
	labels := strings.Split(fullStops.Replace(s), ".")
	for i, label := range labels {
		if isASCIIText(label) {
			continue
		}
		out, ok := punycodeEncode(label)
		if !ok {
			return "", false
		}
		labels[i] = "xn--" + out
	}
	return strings.Join(labels, "."), true
}

func domainFromPunycode(s string) (string, bool) {
	labels := strings.Split(s, ".")
	for i, label := range labels {
		if len(label) < 4 || !strings.EqualFold(label[:4], "xn--") {
			continue
		}
		out, ok := punycodeDecode(label[4:])
		if !ok {
			return "", false
		}
		labels[i] = out
	}
	return strings.Join(labels, "."), true
}

func isASCIIText(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// The parameters of RFC 3492, section 5.
const (
	punyBase = 36
	punyMin  = 1
	punyMax  = 26
	punySkew = 38
	punyDamp = 700
	punyBias = 72
	punyFrom = 0x80
)

func punyAdapt(delta, points int32, first bool) int32 {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := int32(0)
	for ; delta > (punyBase-punyMin)*punyMax/2; k += punyBase {
		delta /= punyBase - punyMin
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

// punyThreshold is the t of the digit at k.
func punyThreshold(k, bias int32) int32 { return max(punyMin, min(punyMax, k-bias)) }

func punycodeEncode(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	var out []byte
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			out = append(out, s[i])
		}
	}
	basic := int32(len(out))
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias, done, all := int32(punyFrom), int32(0), int32(punyBias), basic, int32(utf8.RuneCountInString(s))
	for done < all {
		next := int32(math.MaxInt32)
		for _, r := range s {
			if r >= n && r < next {
				next = r
			}
		}
		if next-n > (math.MaxInt32-delta)/(done+1) {
			return "", false
		}
		delta += (next - n) * (done + 1)
		n = next
		for _, r := range s {
			if r < n {
				if delta++; delta < 0 {
					return "", false
				}
			}
			if r != n {
				continue
			}
			q := delta
			for k := int32(punyBase); ; k += punyBase {
				t := punyThreshold(k, bias)
				if q < t {
					break
				}
				out = append(out, digits[t+(q-t)%(punyBase-t)])
				q = (q - t) / (punyBase - t)
			}
			out = append(out, digits[q])
			bias = punyAdapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out), true
}

func punycodeDecode(s string) (string, bool) {
	if !isASCIIText(s) {
		return "", false
	}
	var out []rune
	if at := strings.LastIndexByte(s, '-'); at >= 0 {
		out, s = []rune(s[:at]), s[at+1:]
	}
	n, bias, at := int32(punyFrom), int32(punyBias), int32(0)
	for i := 0; i < len(s); {
		from, weight := at, int32(1)
		for k := int32(punyBase); ; k += punyBase {
			if i == len(s) {
				return "", false
			}
			digit := punyDigit(s[i])
			i++
			if digit < 0 || digit > (math.MaxInt32-at)/weight {
				return "", false
			}
			at += digit * weight
			t := punyThreshold(k, bias)
			if digit < t {
				break
			}
			if weight > math.MaxInt32/(punyBase-t) {
				return "", false
			}
			weight *= punyBase - t
		}
		points := int32(len(out)) + 1
		bias = punyAdapt(at-from, points, from == 0)
		if at/points > math.MaxInt32-n {
			return "", false
		}
		n += at / points
		at %= points
		if n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
			return "", false
		}
		out = append(out, 0)
		copy(out[at+1:], out[at:])
		out[at] = n
		at++
	}
	return string(out), true
}

func punyDigit(c byte) int32 {
	switch {
	case isDigit(c):
		return int32(c-'0') + 26
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return int32(c | 0x20 - 'a')
	}
	return -1
}
