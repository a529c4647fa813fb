package intake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// Tokens of binary XML. 0x40 on top of a token means "more follows" (or, for
// an element, "has attributes") and is masked off.
const (
	tokEOF          = 0x00
	tokOpenStart    = 0x01
	tokCloseStart   = 0x02
	tokCloseEmpty   = 0x03
	tokEndElement   = 0x04
	tokValue        = 0x05
	tokAttribute    = 0x06
	tokCDATA        = 0x07
	tokCharRef      = 0x08
	tokEntityRef    = 0x09
	tokPITarget     = 0x0a
	tokPIData       = 0x0b
	tokTemplate     = 0x0c
	tokNormalSubst  = 0x0d
	tokOptSubst     = 0x0e
	tokFragmentHead = 0x0f
	tokMore         = 0x40
)

var (
	errXMLCut   = errors.New("binary XML ends too early")
	errXMLDepth = fmt.Errorf("binary XML nests deeper than %d", evtxMaxDepth)
	errXMLSteps = errors.New("binary XML takes too many steps")
	errXMLText  = errors.New("binary XML expands to too much text")
)

// evtxNode is one element. Text is a list because an array value fills one
// element with many items, which XML renders as the element repeated.
type evtxNode struct {
	name  string
	attrs []evtxAttr
	text  []string
	items bool // text came from an array: keep the items apart
	nodes []*evtxNode
	path  int // bytes that the names on the way here take, which flattening repeats
}

type evtxAttr struct{ name, value string }

// binxml reads the binary XML of one record. All offsets are the chunk's.
type binxml struct {
	chunk *evtxChunk
	steps int // tokens still allowed
	text  int // bytes of text still allowed
}

// evtxValue is a template argument that has not been rendered yet.
type evtxValue struct {
	kind     byte
	pos, end int
}

func (p *binxml) document(pos, end int) (*evtxNode, error) {
	root := &evtxNode{}
	if _, err := p.content(pos, end, root, nil, 0, true); err != nil {
		return nil, err
	}
	if len(root.nodes) == 0 {
		return nil, errors.New("binary XML has no element")
	}
	return root.nodes[0], nil
}

func (p *binxml) step(depth int) error {
	if depth > evtxMaxDepth {
		return errXMLDepth
	}
	if p.steps--; p.steps < 0 {
		return errXMLSteps
	}
	return nil
}

func (p *binxml) need(pos, n, end int) error {
	if n < 0 || pos < 0 || pos+n > end || end > len(p.chunk.buf) {
		return errXMLCut
	}
	return nil
}

func (p *binxml) u16(pos int) int { return int(binary.LittleEndian.Uint16(p.chunk.buf[pos:])) }
func (p *binxml) u32(pos int) uint32 {
	return binary.LittleEndian.Uint32(p.chunk.buf[pos:])
}

// content reads what stands inside an element, or, with top set, a whole
// fragment up to its end token.
func (p *binxml) content(pos, end int, into *evtxNode, args []evtxValue, depth int, top bool) (int, error) {
	for {
		if top && pos >= end {
			return pos, nil
		}
		if err := p.need(pos, 1, end); err != nil {
			return pos, err
		}
		if err := p.step(depth); err != nil {
			return pos, err
		}
		var err error
		switch tok := p.chunk.buf[pos]; tok &^ tokMore {
		case tokEOF:
			if !top {
				return pos, errXMLCut
			}
			return pos + 1, nil
		case tokFragmentHead:
			pos += 4
		case tokOpenStart:
			pos, err = p.element(pos, end, into, args, depth+1)
		case tokEndElement:
			if top {
				return pos, errors.New("binary XML closes an element that is not open")
			}
			return pos + 1, nil
		case tokTemplate:
			pos, err = p.template(pos, end, into, depth+1)
		case tokPITarget:
			_, pos, err = p.name(pos+1, end)
		case tokPIData:
			_, pos, err = p.counted(pos+1, end)
		default:
			pos, err = p.textual(pos, end, into, args, depth)
		}
		if err != nil {
			return pos, err
		}
	}
}

// textual reads one token that stands for text: in an element or in the value
// of an attribute.
func (p *binxml) textual(pos, end int, into *evtxNode, args []evtxValue, depth int) (int, error) {
	buf := p.chunk.buf
	switch buf[pos] &^ tokMore {
	case tokValue:
		if err := p.need(pos, 2, end); err != nil {
			return pos, err
		}
		if buf[pos+1] != valString {
			return pos, fmt.Errorf("binary XML holds a literal of type %#x", buf[pos+1])
		}
		s, next, err := p.counted(pos+2, end)
		if err != nil {
			return pos, err
		}
		return next, p.add(into, s)
	case tokCDATA:
		s, next, err := p.counted(pos+1, end)
		if err != nil {
			return pos, err
		}
		return next, p.add(into, s)
	case tokCharRef:
		if err := p.need(pos, 3, end); err != nil {
			return pos, err
		}
		return pos + 3, p.add(into, string(rune(p.u16(pos+1))))
	case tokEntityRef:
		s, next, err := p.name(pos+1, end)
		if err != nil {
			return pos, err
		}
		return next, p.add(into, entity(s))
	case tokNormalSubst, tokOptSubst:
		if err := p.need(pos, 4, end); err != nil {
			return pos, err
		}
		i := p.u16(pos + 1)
		if i < len(args) { // an argument that the record does not carry is an empty one
			if err := p.value(args[i], into, depth); err != nil {
				return pos, err
			}
		}
		return pos + 4, nil
	default:
		return pos, fmt.Errorf("binary XML has an unknown token %#x", buf[pos])
	}
}

func (p *binxml) add(into *evtxNode, s string) error {
	if p.text -= len(s); p.text < 0 {
		return errXMLText
	}
	into.text = append(into.text, s)
	return nil
}

// element reads one element with its attributes and content.
func (p *binxml) element(pos, end int, into *evtxNode, args []evtxValue, depth int) (int, error) {
	more := p.chunk.buf[pos]&tokMore != 0
	at, err := p.elementName(pos+1, end)
	if err != nil {
		return pos, err
	}
	n := &evtxNode{}
	if n.name, pos, err = p.name(at, end); err != nil {
		return pos, err
	}
	if err := p.step(depth); err != nil {
		return pos, err
	}
	n.path = into.path + len(n.name) + 1
	into.nodes = append(into.nodes, n)
	if more {
		if err := p.need(pos, 4, end); err != nil {
			return pos, err
		}
		if pos, err = p.attributes(pos+4, end, n, args, depth); err != nil {
			return pos, err
		}
	}
	if p.text -= n.path; p.text < 0 {
		return pos, errXMLText
	}
	if err := p.need(pos, 1, end); err != nil {
		return pos, err
	}
	switch p.chunk.buf[pos] {
	case tokCloseEmpty:
		return pos + 1, nil
	case tokCloseStart:
		return p.content(pos+1, end, n, args, depth, false)
	default:
		return pos, fmt.Errorf("binary XML element %q is followed by token %#x", n.name, p.chunk.buf[pos])
	}
}

// elementName finds where the name of an element stands. A dependency number
// comes before the element's size inside templates, but not always in fragments
// that are values themselves, and nothing says which; the hash that every name
// carries tells the two apart.
func (p *binxml) elementName(pos, end int) (int, error) {
	with, without := pos+6, pos+4
	if p.nameFits(with, end) {
		return with, nil
	}
	if p.nameFits(without, end) {
		return without, nil
	}
	return pos, errors.New("binary XML element has no readable name")
}

func (p *binxml) nameFits(pos, end int) bool {
	if p.need(pos, 4, end) != nil {
		return false
	}
	at := int(p.u32(pos))
	if at <= 0 || at+8 > len(p.chunk.buf) {
		return false
	}
	n := p.u16(at + 6)
	if n == 0 || n > evtxMaxName || at+8+2*n > len(p.chunk.buf) {
		return false
	}
	var h uint32
	for i := range n {
		h = h*65599 + uint32(p.u16(at+8+2*i))
	}
	return uint16(h) == uint16(p.u16(at+4))
}

// attributes reads name and value pairs up to the end of the start tag.
func (p *binxml) attributes(pos, end int, n *evtxNode, args []evtxValue, depth int) (int, error) {
	for {
		if err := p.need(pos, 1, end); err != nil {
			return pos, err
		}
		if p.chunk.buf[pos]&^tokMore != tokAttribute {
			return pos, nil
		}
		if err := p.step(depth); err != nil {
			return pos, err
		}
		name, next, err := p.name(pos+1, end)
		if err != nil {
			return pos, err
		}
		pos = next
		var v evtxNode // the value is collected like the text of an element
		for {
			if err := p.need(pos, 1, end); err != nil {
				return pos, err
			}
			tok := p.chunk.buf[pos] &^ tokMore
			if tok == tokAttribute || tok == tokCloseStart || tok == tokCloseEmpty {
				break
			}
			if err := p.step(depth); err != nil {
				return pos, err
			}
			if pos, err = p.textual(pos, end, &v, args, depth); err != nil {
				return pos, err
			}
		}
		a := evtxAttr{name, v.joined()}
		n.attrs = append(n.attrs, a)
		n.path += len(a.name) + len(a.value)
	}
}

// name reads a reference to a name. The name itself stands where it was used
// first, which may be right here.
func (p *binxml) name(pos, end int) (string, int, error) {
	if err := p.need(pos, 4, end); err != nil {
		return "", pos, err
	}
	off := p.u32(pos)
	pos += 4
	s, size, err := p.chunk.name(off)
	if err != nil {
		return "", pos, err
	}
	if int(off) == pos {
		if err := p.need(pos, size, end); err != nil {
			return "", pos, err
		}
		pos += size
	}
	return s, pos, nil
}

// name decodes the name at off and says how many bytes it takes there.
func (c *evtxChunk) name(off uint32) (string, int, error) {
	if off == 0 || uint64(off)+8 > uint64(len(c.buf)) {
		return "", 0, errors.New("binary XML name lies outside the chunk")
	}
	at := int(off)
	n := int(binary.LittleEndian.Uint16(c.buf[at+6:]))
	size := 8 + 2*n + 2 // next, hash, count, letters, NUL
	if n > evtxMaxName || at+size > len(c.buf) {
		return "", 0, errors.New("binary XML name is cut or too long")
	}
	if s, ok := c.names[off]; ok {
		return s, size, nil
	}
	s := utf16String(c.buf[at+8 : at+8+2*n])
	c.names[off] = s
	return s, size, nil
}

// counted reads a string with its length in front.
func (p *binxml) counted(pos, end int) (string, int, error) {
	if err := p.need(pos, 2, end); err != nil {
		return "", pos, err
	}
	n := p.u16(pos) * 2
	pos += 2
	if err := p.need(pos, n, end); err != nil {
		return "", pos, err
	}
	return utf16String(p.chunk.buf[pos : pos+n]), pos + n, nil
}

// template reads a template instance: where the definition stands (often right
// here), then the arguments.
func (p *binxml) template(pos, end int, into *evtxNode, depth int) (int, error) {
	if err := p.need(pos, 10, end); err != nil {
		return pos, err
	}
	def := int(p.u32(pos + 6))
	pos += 10
	if def <= 0 || def+24 > len(p.chunk.buf) {
		return pos, errors.New("binary XML template lies outside the chunk")
	}
	size := int(p.u32(def + 20))
	if size < 0 || def+24+size > len(p.chunk.buf) {
		return pos, errors.New("binary XML template is cut")
	}
	if def == pos {
		pos += 24 + size
	}
	if err := p.need(pos, 4, end); err != nil {
		return pos, err
	}
	count := int(p.u32(pos))
	pos += 4
	if count < 0 || count > evtxChunkSize/4 {
		return pos, errors.New("binary XML template has too many arguments")
	}
	if err := p.need(pos, 4*count, end); err != nil {
		return pos, err
	}
	if p.steps -= count / 4; p.steps < 0 {
		return pos, errXMLSteps
	}
	args := make([]evtxValue, count)
	at := pos + 4*count
	for i := range args {
		n := p.u16(pos + 4*i)
		if err := p.need(at, n, end); err != nil {
			return pos, err
		}
		args[i] = evtxValue{kind: p.chunk.buf[pos+4*i+2], pos: at, end: at + n}
		at += n
	}
	if _, err := p.content(def+24, def+24+size, into, args, depth, true); err != nil {
		return pos, err
	}
	return at, nil
}

// joined is the text of a node as one string.
func (n *evtxNode) joined() string {
	switch len(n.text) {
	case 0:
		return ""
	case 1:
		return n.text[0]
	}
	size := 0
	for _, s := range n.text {
		size += len(s)
	}
	b := make([]byte, 0, size)
	for _, s := range n.text {
		b = append(b, s...)
	}
	return string(b)
}

func entity(name string) string {
	switch name {
	case "amp":
		return "&"
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "quot":
		return `"`
	case "apos":
		return "'"
	}
	return "&" + name + ";"
}

// utf16String decodes little-endian UTF-16. Lone surrogates become U+FFFD, so
// the result is always valid UTF-8.
func utf16String(b []byte) string {
	u := make([]uint16, len(b)/2)
	ascii := true
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
		ascii = ascii && u[i] < 0x80
	}
	if !ascii {
		return string(utf16.Decode(u))
	}
	out := make([]byte, len(u))
	for i, c := range u {
		out[i] = byte(c)
	}
	return string(out)
}
