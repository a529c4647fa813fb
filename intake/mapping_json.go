package intake

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of one JSON record. They hold for every source; a record beyond them
// is refused by itself and costs its neighbours nothing.
const (
	maxRecord = 16 << 20
	maxDepth  = 64
	maxString = 1 << 20
	maxNodes  = 1 << 20
	maxKeys   = 4096 // interned names; a source that invents names gets no more
	maxName   = 1024 // bytes of a field's name, a.b.c of nested members included
)

// RecordError says why one record could not be decoded. Reason holds no value
// of the record, so that equal reasons can be counted.
type RecordError struct {
	Reason string
	Offset int // byte within the record, -1 when it is about no single place
}

func (e *RecordError) Error() string { return e.Reason }

func refuse(reason string) *RecordError { return &RecordError{Reason: reason, Offset: -1} }

// jnode is one value of a scanned record. The scanner allocates nothing per
// value: texts stay in the record's bytes until somebody asks for them.
type jnode struct {
	key  string // interned; "" in arrays
	mark marks  // what the name tells of the record's format
	drop noise  // the formats in which the name is the collector's own
	a, b uint32 // the value's bytes; for strings those between the quotes
	self int32  // its own index
	next int32  // index of the node after this one and all it holds
	kind byte   // { [ s n t f 0
	esc  bool   // the string holds escapes
}

// jdoc is a scanned record. It is reused from record to record.
type jdoc struct {
	raw  []byte
	n    []jnode
	keys map[string]jkey
	buf  []byte
}

// jkey is a member's name with what is known of it, found in one lookup.
type jkey struct {
	name string
	mark marks
	drop noise
}

// parse scans one JSON value and checks all of it: syntax, depth, string
// lengths, UTF-8, surrogates, NUL.
func (d *jdoc) parse(raw []byte) error {
	d.raw, d.n = raw, d.n[:0]
	if d.keys == nil {
		d.keys = make(map[string]jkey, 256)
	}
	if len(raw) > maxRecord {
		return refuse("record is larger than 16 MiB")
	}
	p := jparser{d: d, s: raw}
	p.space()
	if err := p.value(jkey{}, 0); err != nil {
		return err
	}
	p.space()
	if p.i < len(raw) {
		return p.bad("something follows the JSON value")
	}
	return nil
}

type jparser struct {
	d *jdoc
	s []byte
	i int
}

func (p *jparser) bad(reason string) error { return &RecordError{Reason: reason, Offset: p.i} }

func (p *jparser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *jparser) value(key jkey, depth int) error {
	if p.i >= len(p.s) {
		return p.bad("JSON ends too early")
	}
	if len(p.d.n) >= maxNodes {
		return p.bad("JSON holds more than a million values")
	}
	at := len(p.d.n)
	p.d.n = append(p.d.n, jnode{key: key.name, mark: key.mark, drop: key.drop, a: uint32(p.i), self: int32(at)})
	kind := p.s[p.i]
	switch kind {
	case '{', '[':
		if depth >= maxDepth {
			return p.bad("JSON is nested deeper than 64 levels")
		}
		var err error
		if kind == '{' {
			err = p.object(depth)
		} else {
			err = p.array(depth)
		}
		if err != nil {
			return err
		}
	case '"':
		esc, err := p.str()
		if err != nil {
			return err
		}
		n := &p.d.n[at]
		n.kind, n.esc = 's', esc
		n.a++
		n.b = uint32(p.i - 1)
		n.next = int32(len(p.d.n))
		return nil
	case 't', 'f', 'n':
		if err := p.word(); err != nil {
			return err
		}
		if kind == 'n' {
			kind = '0'
		}
	default:
		if kind != '-' && (kind < '0' || kind > '9') {
			if kind == 'N' || kind == 'I' {
				return p.bad("NaN and Infinity are no JSON numbers")
			}
			return p.bad("no JSON value where one must stand")
		}
		kind = 'n'
		if err := p.number(); err != nil {
			return err
		}
	}
	n := &p.d.n[at]
	n.kind, n.b, n.next = kind, uint32(p.i), int32(len(p.d.n))
	return nil
}

func (p *jparser) object(depth int) error {
	p.i++
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		return nil
	}
	for {
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return p.bad("JSON object without a name where one must stand")
		}
		from := p.i + 1
		esc, err := p.str()
		if err != nil {
			return err
		}
		key := p.d.intern(p.s[from:p.i-1], esc)
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return p.bad("JSON object without a colon where one must stand")
		}
		p.i++
		p.space()
		if err := p.value(key, depth+1); err != nil {
			return err
		}
		p.space()
		if p.i >= len(p.s) {
			return p.bad("JSON ends too early")
		}
		switch p.s[p.i] {
		case ',':
			p.i++
		case '}':
			p.i++
			return nil
		default:
			return p.bad("JSON object without a comma where one must stand")
		}
	}
}

func (p *jparser) array(depth int) error {
	p.i++
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.i++
		return nil
	}
	for {
		p.space()
		if err := p.value(jkey{}, depth+1); err != nil {
			return err
		}
		p.space()
		if p.i >= len(p.s) {
			return p.bad("JSON ends too early")
		}
		switch p.s[p.i] {
		case ',':
			p.i++
		case ']':
			p.i++
			return nil
		default:
			return p.bad("JSON array without a comma where one must stand")
		}
	}
}

// plain marks the bytes of a string that need no second look.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str passes over a string from its opening to behind its closing quote.
func (p *jparser) str() (esc bool, err error) {
	p.i++
	s, i, saved := p.s, p.i, 0
	start := i
	for {
		for i < len(s) && plain[s[i]] {
			i++
		}
		if i >= len(s) {
			p.i = i
			return esc, p.bad("JSON string without an end")
		}
		switch c := s[i]; {
		case c == '"':
			p.i = i + 1
			if i-start-saved > maxString {
				return esc, p.bad("string is longer than 1 MiB")
			}
			return esc, nil
		case c == '\\':
			esc = true
			p.i = i
			n, short, err := p.escape()
			if err != nil {
				return esc, err
			}
			i += n
			saved += short
		case c < 0x20:
			p.i = i
			if c == 0 {
				return esc, p.bad("string holds a NUL")
			}
			return esc, p.bad("string holds a bare control character")
		default:
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				p.i = i
				return esc, p.bad("string is not UTF-8")
			}
			i += n
		}
	}
}

// escape checks the escape at p.i: its length, and how many bytes shorter its
// meaning is.
func (p *jparser) escape() (n, short int, err error) {
	s := p.s[p.i:]
	if len(s) < 2 {
		return 0, 0, p.bad("JSON string without an end")
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, 1, nil
	case 'u':
		r, ok := hex4(s[2:])
		switch {
		case !ok:
			return 0, 0, p.bad("string holds a broken \\u escape")
		case r == 0:
			return 0, 0, p.bad("string holds a NUL")
		case !utf16.IsSurrogate(r):
			return 6, 6 - utf8.RuneLen(r), nil
		}
		if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if lo, ok := hex4(s[8:]); ok && utf16.DecodeRune(r, lo) != utf8.RuneError {
				return 12, 8, nil
			}
		}
		return 0, 0, p.bad("string holds a lone surrogate")
	}
	return 0, 0, p.bad("string holds an unknown escape")
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (p *jparser) word() error {
	for _, w := range [...]string{"true", "false", "null"} {
		if p.i+len(w) <= len(p.s) && string(p.s[p.i:p.i+len(w)]) == w {
			p.i += len(w)
			return nil
		}
	}
	if p.s[p.i] == 'n' && p.i+3 <= len(p.s) && string(p.s[p.i:p.i+3]) == "nan" {
		return p.bad("NaN and Infinity are no JSON numbers")
	}
	return p.bad("no JSON value where one must stand")
}

func (p *jparser) number() error {
	digits := func() bool {
		from := p.i
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > from
	}
	if p.s[p.i] == '-' {
		p.i++
		if p.i < len(p.s) && p.s[p.i] == 'I' {
			return p.bad("NaN and Infinity are no JSON numbers")
		}
	}
	if p.i+1 < len(p.s) && p.s[p.i] == '0' && p.s[p.i+1] >= '0' && p.s[p.i+1] <= '9' {
		return p.bad("JSON number begins with a needless zero")
	}
	if !digits() {
		return p.bad("JSON number without digits")
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		if !digits() {
			return p.bad("JSON number without digits")
		}
	}
	if p.i < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if !digits() {
			return p.bad("JSON number without digits")
		}
	}
	return nil
}

// intern gives one string for all records that use the name.
func (d *jdoc) intern(b []byte, esc bool) jkey {
	if esc {
		b = unescape(nil, b)
	}
	if k, ok := d.keys[string(b)]; ok {
		return k
	}
	s := string(b)
	k := jkey{s, markOf[s], noiseOf[s]}
	if len(d.keys) < maxKeys && len(s) <= 128 {
		d.keys[s] = k
	}
	return k
}

// unescape appends the meaning of a checked string.
func unescape(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		c := b[i]
		if c != '\\' {
			from := i
			for i < len(b) && b[i] != '\\' {
				i++
			}
			dst = append(dst, b[from:i]...)
			continue
		}
		c = b[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(b[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				lo, _ := hex4(b[i+2:])
				r = utf16.DecodeRune(r, lo)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// appendText appends the text of a scalar: what a string means, a number or
// truth value as written, nothing for null, and the JSON of anything else.
func (d *jdoc) appendText(dst []byte, n *jnode) []byte {
	switch {
	case n.kind == '0':
		return dst
	case n.esc:
		return unescape(dst, d.raw[n.a:n.b])
	}
	return append(dst, d.raw[n.a:n.b]...)
}

func (d *jdoc) text(n *jnode) string {
	if n == nil || n.kind == '0' {
		return ""
	}
	if !n.esc {
		return string(d.raw[n.a:n.b])
	}
	d.buf = unescape(d.buf[:0], d.raw[n.a:n.b])
	return string(d.buf)
}

// is compares a scalar with a text without making a string.
func (d *jdoc) is(n *jnode, s string) bool {
	return n != nil && !n.esc && string(d.raw[n.a:n.b]) == s
}

// rawJSON is a copy of the value as it was written.
func (d *jdoc) rawJSON(n *jnode) []byte {
	a, b := n.a, n.b
	if n.kind == 's' {
		a, b = a-1, b+1
	}
	return append([]byte(nil), d.raw[a:b]...)
}

// num reads a number, or a string that is one; 0 for anything else.
func (d *jdoc) num(n *jnode) int64 {
	if n == nil {
		return 0
	}
	v, _ := strconv.ParseInt(string(d.raw[n.a:n.b]), 10, 64)
	return v
}

// root is the record itself.
func (d *jdoc) root() *jnode {
	if len(d.n) == 0 {
		return nil
	}
	return &d.n[0]
}

// child is a member of an object by name, nil if there is none.
func (d *jdoc) child(n *jnode, key string) *jnode {
	if n == nil || n.kind != '{' {
		return nil
	}
	for i := d.first(n); i < n.next; i = d.n[i].next {
		if d.n[i].key == key {
			return &d.n[i]
		}
	}
	return nil
}

// at follows names from a node.
func (d *jdoc) at(n *jnode, keys ...string) *jnode {
	for _, k := range keys {
		n = d.child(n, k)
	}
	return n
}

// first is the index of the first thing inside an object or array; iterate
// with i = d.n[i].next while i < n.next.
func (d *jdoc) first(n *jnode) int32 { return n.self + 1 }
