package intake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"path"
	"strings"
)

// format is what a leaf turned out to hold.
type format int

const (
	formatNone  format = iota // no telemetry; the sniffer says what it is instead
	formatEVTX                // Windows event log
	formatJSON                // objects, in lines, in arrays or one after another
	formatZeek                // tab-separated, with #fields
	formatAudit               // Linux audit log lines
)

// sniffed is a leaf with its format and its records.
type sniffed struct {
	format format
	why    string // for formatNone: what it seems to be
	framer framer // for text formats
}

// magics are beginnings of files that are never telemetry we read.
var magics = []struct{ magic, what string }{
	{"\x00\x05\x16\x07", "macOS file metadata"},
	{"\xd4\xc3\xb2\xa1", "packet capture"},
	{"\xa1\xb2\xc3\xd4", "packet capture"},
	{"\x4d\x3c\xb2\xa1", "packet capture"},
	{"\x0a\x0d\x0d\x0a", "packet capture"},
	{"\x89PNG", "picture"},
	{"\xff\xd8\xff", "picture"},
	{"GIF8", "picture"},
	{"%PDF", "PDF"},
	{"\x7fELF", "program"},
	{"MZ", "program"},
	{"7z\xbc\xaf\x27\x1c", "7z archive (not supported)"},
	{"\xfd7zXZ\x00", "xz archive (not supported)"},
	{"\x28\xb5\x2f\xfd", "zstd archive (not supported)"},
	{"BZh", "bzip2 archive (not supported)"},
	{"Rar!", "rar archive (not supported)"},
	{"SQLite format 3\x00", "SQLite database"},
	{"PAR1", "Parquet"},
	{"regf", "registry hive"},
}

// extensions name text that is about telemetry and none itself.
var extensions = map[string]string{
	".yml": "YAML", ".yaml": "YAML", ".md": "Markdown", ".rst": "text", ".html": "HTML", ".htm": "HTML",
	".csv": "CSV (not supported)", ".xml": "XML (not supported)", ".py": "program text", ".ps1": "program text",
	".sh": "program text", ".kql": "KQL", ".svg": "picture", ".txt": "text in no known format",
}

// sniffBuffer is how far sniffing may look ahead: the first record should fit.
const sniffBuffer = 1 << 20

// sniff finds out what r holds. Reading goes on through the framer.
func sniff(r *bufio.Reader, name string, limit int) (sniffed, error) {
	head, err := r.Peek(512)
	if err != nil && err != io.EOF && len(head) == 0 {
		return sniffed{}, err
	}
	if len(head) == 0 {
		return sniffed{why: "empty"}, nil
	}
	if bytes.HasPrefix(head, evtxFileMagic) {
		return sniffed{format: formatEVTX}, nil
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return sniffed{why: m.what}, nil
		}
	}
	var text io.Reader = r
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		r.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		r.Discard(2)
		text = &utf16Reader{src: r}
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		r.Discard(2)
		text = &utf16Reader{src: r, big: true}
	case bytes.IndexByte(head, 0) >= 0 && bytes.IndexByte(bytes.TrimRight(head, "\x00"), 0) >= 0:
		return sniffed{why: "binary data in no known format"}, nil
	}
	return sniffText(bufio.NewReaderSize(text, sniffBuffer), name, limit)
}

func sniffText(br *bufio.Reader, name string, limit int) (sniffed, error) {
	head, err := br.Peek(4096)
	if err != nil && err != io.EOF && len(head) == 0 {
		return sniffed{}, err
	}
	start := bytes.TrimLeft(head, " \t\r\n\x00")
	first, _, _ := bytes.Cut(start, []byte("\n"))
	switch {
	case len(start) == 0 && len(head) < 4096:
		return sniffed{why: "empty"}, nil
	case len(start) == 0: // much of nothing: read it under the limits
		return sniffed{format: formatJSON, framer: &valueFramer{br: br, limit: limit}}, nil
	case bytes.HasPrefix(start, []byte("#separator ")), bytes.HasPrefix(start, []byte("#fields\t")):
		return sniffed{format: formatZeek, framer: &lineFramer{br: br, limit: limit, tabs: true}}, nil
	case bytes.Contains(first, []byte("msg=audit(")) && bytes.Contains(first, []byte("type=")):
		return sniffed{format: formatAudit, framer: &lineFramer{br: br, limit: limit}}, nil
	case start[0] == '{' || startsArray(start):
		return sniffed{format: formatJSON, framer: jsonFramer(br, limit)}, nil
	}
	if why, ok := extensions[strings.ToLower(path.Ext(name))]; ok {
		return sniffed{why: why}, nil
	}
	return sniffed{why: "text in no known format"}, nil
}

// startsArray tells an array of objects from the many other things that begin
// with a bracket.
func startsArray(b []byte) bool {
	if b[0] != '[' {
		return false
	}
	i := skipBlank(b, 1)
	return i == len(b) || b[i] == '{' || b[i] == ']' && len(b) < 4096
}

// jsonFramer chooses between lines and values. Lines are better where they fit:
// a broken record then costs exactly its line.
func jsonFramer(br *bufio.Reader, limit int) framer {
	head, _ := br.Peek(br.Size())
	head = bytes.TrimLeft(head, " \t\r\n\x00")
	line, _, whole := bytes.Cut(head, []byte("\n"))
	line = trimLine(line)
	v := &valueFramer{br: br, limit: limit}
	if !whole || len(line) == 0 || line[0] != '{' || !json.Valid(line) {
		return v
	}
	for _, key := range wrapperKeys {
		if bytes.HasPrefix(line[skipBlank(line, 1):], key) {
			return v
		}
	}
	return &lineFramer{br: br, limit: limit}
}
