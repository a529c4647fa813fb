package kql

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPunycode holds that what is encoded decodes to the same, and that what is
// decoded is UTF-8.
func FuzzPunycode(f *testing.F) {
	for _, s := range []string{"académie-française", "艺术", "a-b-", "-", "", "\xff", "xn--Ry-lja8c.xn--Jng-uta63a", "99999999", "\U0010ffffa"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxPunycode {
			return
		}
		if text, ok := punycodeDecode(s); ok && !utf8.ValidString(text) {
			t.Fatalf("%q decodes to %q, which is no UTF-8", s, text)
		}
		if text, ok := punycodeEncode(s); ok {
			if again, ok := punycodeDecode(text); !ok || again != s {
				t.Fatalf("%q is %q, which is %q", s, text, again)
			}
		}
		domainFromPunycode(s)
		domainToPunycode(s)
	})
}

// FuzzEncodings holds that texts come back from their encodings and that what is
// decoded is UTF-8.
func FuzzEncodings(f *testing.F) {
	for _, s := range []string{"", "a b", "%41%4", "S3VzdG8=", "eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=", "H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==", "\xff"} {
		f.Add(s)
	}
	eval := func(name, s string) string { return LookupFunc(name).Eval([]Value{StringOf(s)}).Str() }
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"url_decode", "base64_decode_tostring", "zlib_decompress_from_base64_string", "gzip_decompress_from_base64_string"} {
			if out := eval(name, s); !utf8.ValidString(out) && utf8.ValidString(s) {
				t.Fatalf("%s(%q) is %q, which is no UTF-8", name, s, out)
			}
		}
		if !utf8.ValidString(s) {
			return
		}
		for _, pair := range [][2]string{{"url_encode", "url_decode"}, {"url_encode_component", "url_decode"}, {"base64_encode_tostring", "base64_decode_tostring"},
			{"zlib_compress_to_base64_string", "zlib_decompress_from_base64_string"}, {"gzip_compress_to_base64_string", "gzip_decompress_from_base64_string"}} {
			if out := eval(pair[1], eval(pair[0], s)); out != s {
				t.Fatalf("%s of %s of %q is %q", pair[1], pair[0], s, out)
			}
		}
	})
}

// FuzzAddresses holds that an address prints as a text that reads as the same,
// and that a text has the addresses that stand in it.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "1.2.3.4/24", "::1", "fe80::1%eth0/64", "::192.168.1.1/24", "::ffff:1.2.3.4/120", "1.2.3.", "a 1.2.3.4, 10.0.0.1:80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := parseIPv4(s); ok {
			if again, ok := parseIPv4(a.String()); !ok || again != a {
				t.Fatalf("%q is %s, which is %s", s, a, again)
			}
			if b, ok := parseIPv6(s); !ok || b.addr != mappedIPv4(a.addr) || b.bits != a.bits+96 {
				t.Fatalf("%q is %s, but %s of %d bits in IPv6", s, a, b, b.bits)
			}
			if !newIPv4Finder([]string{ipv4Text(a.addr)}, false).find(StringOf("(" + ipv4Text(a.addr) + ")")).Bool() {
				t.Fatalf("%s is not found", a)
			}
		}
		if a, ok := parseIPv6(s); ok {
			if again, ok := parseIPv6(a.String()); !ok || again.addr != a.addr {
				t.Fatalf("%q is %s, which is %s", s, a, again)
			}
		}
		newIPv4Finder([]string{s, "10."}, true).find(StringOf(s))
	})
}

// FuzzParsers holds that texts that are taken apart come together again, and that
// nothing panics.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{"http://u:p@h:1/p?a=b&c#d", `\\?\C:\a\b.txt:x`, "file:///C:/a", `a "b c" \"d\\" """x`, `a,"b""c",d` + "\r\n", "1.2.3.4", "<e a='b'>c<d/></e>", "C:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := func(b *Bag, key string) string {
			d, _ := b.Get(key)
			s, _ := d.(string)
			return s
		}
		p := parsePath(s)
		if got := text(p, "Filename") + ":" + text(p, "AlternateDataStreamName"); text(p, "RootPath") == "" && !strings.HasSuffix(s+":", got) && !strings.HasSuffix(s, got) {
			t.Fatalf("%q ends with %q", s, got)
		}
		u := parseURL(s)
		if !strings.Contains(s, text(u, "Path")) || !strings.Contains(s, text(u, "Host")) {
			t.Fatalf("%q has %q and %q", s, text(u, "Host"), text(u, "Path"))
		}
		if args := windowsArgs(s); (len(args) == 0) != (s == "") || len(args) > len(s) {
			t.Fatalf("%q is %d arguments", s, len(args))
		}
		var record strings.Builder
		for i, field := range csvFields(s) {
			if i > 0 {
				record.WriteByte(',')
			}
			record.WriteString(`"` + strings.ReplaceAll(field.(string), `"`, `""`) + `"`)
		}
		if again := csvFields(record.String()); JSONOf(again) != JSONOf(csvFields(s)) {
			t.Fatalf("%q is %s, but %s is %s", s, JSONOf(csvFields(s)), record.String(), JSONOf(again))
		}
		parseVersion(s)
		if d, ok := parseXML(s); ok && utf8.ValidString(s) {
			if _, ok := ParseJSON(JSONOf(d)); !ok {
				t.Fatalf("%q is no JSON: %s", s, JSONOf(d))
			}
		}
	})
}

// FuzzUserAgent holds that every text has a browser, a system and a device.
func FuzzUserAgent(f *testing.F) {
	for _, s := range []string{"Mozilla/5.0 (Linux; Android 13; SM-S901B Build/TP1A) Chrome/112.0", "NokiaN81-3/10", "iPhone14,2", "Android ;;", "Windows NT 10.0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := parseUserAgent(s, agentPart{true, true, true})
		for _, key := range []string{"Browser", "OperatingSystem", "Device"} {
			d, _ := b.Get(key)
			part, ok := d.(*Bag)
			if !ok {
				t.Fatalf("%q has no %s", s, key)
			}
			if family, _ := part.Get("Family"); family == "" {
				t.Fatalf("%q has a %s without a family", s, key)
			}
		}
	})
}
