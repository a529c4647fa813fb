package intake

import (
	"bytes"
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/lake"
)

// tableKeys are members of a row that may name its table.
var tableKeys = []string{"$table", "_table", "Type"}

// tableOfName finds the hunting table that a file is named after:
// DeviceProcessEvents.json, DeviceProcessEvents-2024-01.ndjson.
func tableOfName(name string) string {
	base := path.Base(name)
	if i := strings.IndexAny(base, ".-_ "); i > 0 {
		base = base[:i]
	}
	if t, ok := lake.Catalog().Table(base); ok {
		return t.Name
	}
	return ""
}

// tableOfRow finds the table that a row names itself, "" for none. A row is
// looked at only when it holds one of the keys at all.
func tableOfRow(raw []byte) string {
	for _, key := range tableKeys {
		at := bytes.Index(raw, []byte(`"`+key+`"`))
		if at < 0 {
			continue
		}
		name, ok := topLevelString(raw, key)
		if !ok {
			continue
		}
		// Log Analytics writes Type into every export; what stands there in
		// its own tables (SecurityEvent, OfficeActivity) are source events,
		// and decoders make more of them than the row itself.
		if t, ok := lake.Catalog().Table(name); ok && (key != "Type" || t.TimeColumn() == "Timestamp") {
			return t.Name
		}
	}
	return ""
}

// topLevelString is the string value of a member of the outermost object.
func topLevelString(raw []byte, key string) (string, bool) {
	i := skipBlank(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return "", false
	}
	i = skipBlank(raw, i+1)
	for i < len(raw) && raw[i] == '"' {
		end := stringEnd(raw, i)
		if end < 0 {
			return "", false
		}
		name := raw[i+1 : end-1]
		i = skipBlank(raw, end)
		if i >= len(raw) || raw[i] != ':' {
			return "", false
		}
		i = skipBlank(raw, i+1)
		start := i
		if i = valueEnd(raw, i); i < 0 {
			return "", false
		}
		if string(name) == key {
			var s string
			if json.Unmarshal(raw[start:i], &s) != nil {
				return "", false
			}
			return s, true
		}
		i = skipBlank(raw, i)
		if i >= len(raw) || raw[i] != ',' {
			return "", false
		}
		i = skipBlank(raw, i+1)
	}
	return "", false
}

// stringEnd is the index behind the string that opens at i, or -1.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd is the index behind the value that starts at i, or -1.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// withReportID puts a row id in front of a row's own members. Should the row
// bring one, it comes later and wins.
func withReportID(dst, raw []byte, id int64) []byte {
	i := skipBlank(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return append(dst, raw...)
	}
	dst = append(dst, `{"ReportId":`...)
	dst = strconv.AppendInt(dst, id, 10)
	rest := raw[skipBlank(raw, i+1):]
	if len(rest) > 0 && rest[0] != '}' {
		dst = append(dst, ',')
	}
	return append(dst, rest...)
}
