package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

// maxJSONDepth bounds the nesting of a JSON body.
const maxJSONDepth = 32

// readBody reads the whole body, which the route's limit already bounds.
func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	return raw, nil
}

// bodyError says what a failed read of a body means for the client.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return tocsin.Errorf(tocsin.CodeLimit, "the body is larger than %d bytes", tooLarge.Limit)
	}
	return &tocsin.Error{Code: tocsin.CodeInvalid, Msg: "the body could not be read to its end", Err: err}
}

// checkJSON refuses what encoding/json lets pass or would take long over: text
// that is not UTF-8, half of a surrogate pair, a byte order mark, nesting
// beyond the limit. It does not check syntax; the decoder does.
func checkJSON(raw []byte) error {
	if !utf8.Valid(raw) {
		return tocsin.Errorf(tocsin.CodeInvalid, "the body is not valid UTF-8")
	}
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
			if i < len(raw) && raw[i] == 'u' {
				n, err := checkEscape(raw[i+1:])
				if err != nil {
					return err
				}
				i += n
			}
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxJSONDepth {
				return tocsin.Errorf(tocsin.CodeInvalid, "the body is nested deeper than %d", maxJSONDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// checkEscape takes what follows \u and is how many bytes of it belong to the
// escape, or to the pair of escapes of one character.
func checkEscape(s []byte) (int, error) {
	unit := func(b []byte) (rune, bool) {
		if len(b) < 4 {
			return 0, false
		}
		n, err := strconv.ParseUint(string(b[:4]), 16, 16)
		return rune(n), err == nil
	}
	r, ok := unit(s)
	if !ok {
		return 0, nil // the decoder reports it
	}
	if r == 0 {
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "the body holds a NUL character")
	}
	if !utf16.IsSurrogate(r) {
		return 4, nil
	}
	if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, ok := unit(s[6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			return 10, nil
		}
	}
	return 0, tocsin.Errorf(tocsin.CodeInvalid, "the body holds half of a surrogate pair")
}

// member is one property of a JSON object, in order.
type member struct {
	name  string
	value json.RawMessage
}

// decodeObject reads one JSON object with each property once, and nothing
// behind it.
func decodeObject(raw []byte) ([]member, error) {
	if err := checkJSON(raw); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "the body is not a JSON object")
	}
	var out []member
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, syntaxError(err)
		}
		name, ok := t.(string)
		if !ok {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "the body is not a JSON object")
		}
		if seen[name] {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "the property %q is given twice", name)
		}
		seen[name] = true
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, syntaxError(err)
		}
		out = append(out, member{name, v})
	}
	if _, err := dec.Token(); err != nil {
		return nil, syntaxError(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "something follows the JSON object")
	}
	return out, nil
}

func syntaxError(err error) error {
	return &tocsin.Error{Code: tocsin.CodeInvalid, Msg: "the body is not valid JSON", Err: err}
}

// decodeBody reads the JSON object of a request into v, a pointer to a struct.
// Properties that v does not have are errors; annotations ("@odata.type") are not.
func decodeBody(r *http.Request, v any) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	members, err := decodeObject(raw)
	if err != nil {
		return err
	}
	kept := map[string]json.RawMessage{}
	for _, m := range members {
		if !strings.HasPrefix(m.name, "@") {
			kept[m.name] = m.value
		}
	}
	clean, err := json.Marshal(kept)
	if err != nil {
		return syntaxError(err)
	}
	dec := json.NewDecoder(bytes.NewReader(clean))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return tocsin.Errorf(tocsin.CodeInvalid, "the property %q holds a value of the wrong type", wrong.Field)
		}
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return tocsin.Errorf(tocsin.CodeInvalid, "there is no property %s", name)
		}
		return syntaxError(err)
	}
	return nil
}

// isJSON reports whether the request says that its body is JSON, or says
// nothing. A form or plain text is refused: those are what a foreign page can
// make a browser send.
func isJSON(r *http.Request) bool {
	ct := r.Header.Get("Content-Type")
	if ct == "" {
		return r.Header.Get("Origin") == ""
	}
	kind, _, err := mime.ParseMediaType(ct)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

func textValue(m member) (string, error) {
	var s string
	if err := json.Unmarshal(m.value, &s); err != nil || string(m.value) == "null" {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "the property %q takes text", m.name)
	}
	return s, nil
}

// nullableText takes null for the empty text.
func nullableText(m member) (string, error) {
	if string(m.value) == "null" {
		return "", nil
	}
	return textValue(m)
}

func enumMember(m member, of string) (string, error) {
	s, err := textValue(m)
	if err != nil {
		return "", err
	}
	return enums[of].parse(m.name, s)
}

func textsValue(m member) ([]string, error) {
	var ss []string
	var raw []json.RawMessage
	if err := json.Unmarshal(m.value, &raw); err != nil || raw == nil {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "the property %q takes a list of texts", m.name)
	}
	for _, one := range raw {
		s, err := textValue(member{m.name, one})
		if err != nil {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "the property %q takes a list of texts", m.name)
		}
		ss = append(ss, s)
	}
	return ss, nil
}
