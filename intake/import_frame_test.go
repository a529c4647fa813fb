package intake

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func framed(t testing.TB, name string, limit int, text []byte) (got []string) {
	t.Helper()
	s, err := sniff(bufio.NewReader(bytes.NewReader(text)), name, limit)
	if err != nil {
		t.Fatal(err)
	}
	if s.format == formatNone {
		return []string{"none: " + s.why}
	}
	if s.framer == nil {
		return []string{"random access"}
	}
	for {
		rec, err := s.framer.next()
		var broken *frameError
		switch {
		case err == nil:
			got = append(got, string(rec))
		case asFrameError(err, &broken):
			got = append(got, fmt.Sprintf("! %s: %.20s", broken.reason, rec))
		case err == io.EOF:
			return got
		default:
			return append(got, "error: "+err.Error())
		}
	}
}

func TestFrames(t *testing.T) {
	long := strings.Repeat("x", 3000)
	wide := func(s string, big bool) (b []byte) {
		order, mark := binary.ByteOrder(binary.LittleEndian), "\xff\xfe"
		if big {
			order, mark = binary.BigEndian, "\xfe\xff"
		}
		b = []byte(mark)
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, 0, 0)
			order.PutUint16(b[len(b)-2:], u)
		}
		return b
	}
	cases := []struct {
		name, file, text string
		want             []string
	}{
		{"lines", "", "{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		{"broken line costs itself", "", "{\"a\":1}\n{\"a\":{\n{\"a\":3}\n", []string{`{"a":1}`, `{"a":{`, `{"a":3}`}},
		{"byte order mark", "", "\xef\xbb\xbf{\"a\":1}\n", []string{`{"a":1}`}},
		{"UTF-16", "", string(wide("{\"ä\":\"\U0001f600\"}\n{}", false)), []string{"{\"ä\":\"\U0001f600\"}", "{}"}},
		{"UTF-16, the other way round", "", string(wide("{\"a\":1}", true)), []string{`{"a":1}`}},
		{"array", "", "[{\"a\":1},\n {\"a\":[2,\"]\"]}]\n", []string{`{"a":1}`, `{"a":[2,"]"]}`}},
		{"empty array", "", "[]", nil},
		{"one after another", "", "{\n\"a\": 1\n}\n{\n\"a\":2}{\"b\":\"}\"}", []string{"{\n\"a\": 1\n}", "{\n\"a\":2}", `{"b":"}"}`}},
		{"escaped quotes", "", "{\n\"a\":\"\\\"}\\\\\"}{}", []string{"{\n\"a\":\"\\\"}\\\\\"}", "{}"}},
		{"wrapper", "", `{"Records": [ {"a":1},{"b":2} ], "more":{"x":1}} {"Records":[{"c":3}]}`, []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		{"a record that has a value", "", `{"value": 7}`, []string{`{"value": 7}`}},
		{"too long a line", "", "{\"a\":1}\n{\"a\":\"" + long + "\"}\n{\"a\":2}\n", []string{`{"a":1}`, "! record longer than 1 KiB: {\"a\":\"xxxxxxxxxxxxxx", `{"a":2}`}},
		{"too long a value", "", "[{\"a\":\"" + long + "\"},{\"a\":2}]", []string{"! record longer than 1 KiB: {\"a\":\"xxxxxxxxxxxxxx", `{"a":2}`}},
		{"cut", "", "[{\"a\":1},{\"a\":", []string{`{"a":1}`, `! input ends inside a record: {"a":`}},
		{"string that is not closed", "", "[{\"a\":\"x\n{\"a\":2}]", []string{"! a string is not closed: {\"a\":\"x\n", `{"a":2}`}},
		{"scalars between objects", "", "[{\"a\":1},7,8\n{\"a\":2}]", []string{`{"a":1}`, "! no JSON object: 7,8", `{"a":2}`}},
		{"zeek", "", "#separator \\x09\n#fields\ta\nx\n", []string{`#separator \x09`, "#fields\ta", "x"}},
		{"audit", "", "type=SYSCALL msg=audit(1:2): a=b\ntype=CWD msg=audit(1:2): cwd=c\n", []string{"type=SYSCALL msg=audit(1:2): a=b", "type=CWD msg=audit(1:2): cwd=c"}},
		{"event log", "", "ElfFile\x00rest", []string{"random access"}},
		{"NULs at the end", "", "{\"a\":1}\n\x00\x00\x00", []string{`{"a":1}`}},
		{"empty", "", "", []string{"none: empty"}},
		{"blank", "", " \n ", []string{"none: empty"}},
		{"YAML", "rule.yml", "title: x\n", []string{"none: YAML"}},
		{"INI", "x.ini", "[section]\n", []string{"none: text in no known format"}},
		{"picture", "x.json", "\x89PNG\r\n", []string{"none: picture"}},
		{"capture", "x", "\xd4\xc3\xb2\xa1", []string{"none: packet capture"}},
		{"AppleDouble", "._x.json", "\x00\x05\x16\x07\x00", []string{"none: macOS file metadata"}},
		{"binary", "x", "ab\x00cd", []string{"none: binary data in no known format"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, framed(t, c.file, 1<<10, []byte(c.text))); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// Records that straddle every buffer on the way.
func TestFramesAcrossBuffers(t *testing.T) {
	var lines, array strings.Builder
	array.WriteByte('[')
	for i := range 300 {
		rec := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("é", i*37))
		lines.WriteString(rec + "\n")
		if i > 0 {
			array.WriteByte(',')
		}
		array.WriteString(rec)
	}
	array.WriteByte(']')
	for _, text := range []string{lines.String(), array.String()} {
		got := framed(t, "", 1<<20, []byte(text))
		if len(got) != 300 || got[299] != fmt.Sprintf(`{"n":299,"pad":"%s"}`, strings.Repeat("é", 299*37)) {
			t.Errorf("%d records", len(got))
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n{\"b\":\"x\\\"\"}\n"))
	f.Add([]byte("[{\"a\":1},7,{\"b\":[]}]"))
	f.Add([]byte(`{"Records":[{"a":1}],"x":{}}`))
	f.Add([]byte("\xff\xfe{\x00}\x00"))
	f.Add([]byte("#fields\ta\nx\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range framed(t, "x.json", 64, b) {
			if len(r) > keepOfBroken+64 {
				t.Fatalf("record of %d bytes", len(r))
			}
		}
	})
}
