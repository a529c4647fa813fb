package intake

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

// decodedChunk is what goes from decoding to matching.
type decodedChunk struct {
	recs  []decodedRecord
	marks []leafMark
	bytes int64
}

// decodedRecord is one outcome of decoding: an event, a hunting row, or the
// reason why it is neither.
type decodedRecord struct {
	leaf  *importLeaf
	at    int64 // number of the record within the leaf
	event tocsin.Event
	table string // hunting table: raw is its row
	why   string // refused
	raw   []byte
}

// leafMark says how far a leaf is when everything before it is dealt with.
type leafMark struct {
	recs int // of the chunk's records
	leaf *importLeaf
	upto int64
	read int64 // records newly read
	end  bool
	err  error
}

// done says that nothing more will ever come of the leaf. One that broke a limit
// may be read again with other limits, and is then taken up where it was left;
// one that is damaged ends where the damage is.
func (m *leafMark) done() bool {
	return m.end && (m.err == nil || tocsin.CodeOf(m.err) != tocsin.CodeLimit)
}

// decode is the second stage. It alone touches the decoders, which remember
// what came before: a resumed leaf is decoded from its start, and what the
// stored records gave is dropped.
func (run *importRun) decode(ctx context.Context, in <-chan *rawChunk, out chan<- *decodedChunk) error {
	for c := range in {
		d := &decodedChunk{recs: make([]decodedRecord, 0, c.n+8), bytes: c.bytes}
		for i := range c.parts {
			p := &c.parts[i]
			for j := range p.recs {
				rec := &p.recs[j]
				d.record(p.leaf, p.first+int64(j), c.data[rec.off:rec.end:rec.end], rec)
			}
			m := leafMark{leaf: p.leaf, end: p.end, err: p.err, upto: p.leaf.next}
			if n := int64(len(p.recs)); n > 0 {
				p.leaf.next = p.first + n
				m.upto = p.leaf.next
				m.read = min(n, max(0, m.upto-p.leaf.skip))
			}
			if m.done() {
				d.flush(p.leaf)
			}
			m.recs = len(d.recs)
			d.marks = append(d.marks, m)
		}
		if err := send(ctx, out, d); err != nil {
			return err
		}
	}
	return nil
}

// record decodes one record and keeps what comes of it, unless an earlier
// import stored that.
func (d *decodedChunk) record(leaf *importLeaf, at int64, raw []byte, rec *rawRecord) {
	stored := at < leaf.skip
	put := func(r decodedRecord) {
		if !stored {
			r.leaf, r.at = leaf, at
			d.recs = append(d.recs, r)
		}
	}
	if rec.bad != "" {
		put(decodedRecord{why: rec.bad, raw: raw})
		return
	}
	if leaf.format == formatJSON {
		table := leaf.table
		if named := tableOfRow(raw); named != "" {
			table = named
		}
		if table != "" {
			put(decodedRecord{table: table, raw: raw})
			return
		}
	}
	before := len(leaf.decoder.events)
	err := leaf.decoder.decode(at, raw, rec)
	for i := before; i < len(leaf.decoder.events); i++ {
		put(decodedRecord{event: leaf.decoder.events[i]})
	}
	leaf.decoder.drop()
	if err != nil {
		put(decodedRecord{why: err.Error(), raw: raw})
	}
}

func (d *decodedChunk) flush(leaf *importLeaf) {
	leaf.decoder.flush()
	for _, ev := range leaf.decoder.events {
		// What waited to the end belongs to the last record's call, and that
		// call counts as stored only with the leaf's end.
		d.recs = append(d.recs, decodedRecord{leaf: leaf, at: leaf.next, event: ev})
	}
	leaf.decoder.drop()
}

// leafDecoder decodes the records of one leaf, whatever its format.
type leafDecoder struct {
	leaf   *importLeaf
	dec    *Decoder
	events []tocsin.Event
	zeek   zeekHeader
}

func newLeafDecoder(leaf *importLeaf) *leafDecoder {
	name := leaf.path
	if leaf.item != "" {
		name = leaf.item
	}
	dec := NewDecoder(name)
	dec.SetIdentity(leaf.ids.bytes())
	return &leafDecoder{leaf: leaf, dec: dec}
}

// decode appends to events what comes of one record.
func (d *leafDecoder) decode(at int64, raw []byte, rec *rawRecord) (err error) {
	switch {
	case rec.evtx != nil:
		d.events, err = d.dec.DecodeWindows(windowsEvent(rec.evtx), at, d.events)
	case d.leaf.format == formatAudit:
		d.events, err = d.dec.DecodeAudit(raw, at, d.events)
	case d.leaf.format == formatZeek:
		err = d.zeekLine(at, raw)
	default:
		d.events, err = d.dec.Decode(raw, at, d.events)
	}
	return err
}

// zeekHeader is what the lines with # at the top of a Zeek log say.
type zeekHeader struct {
	separator string
	path      string
	names     []string
}

var errZeekHeader = errors.New("a Zeek row before the #fields line")

// zeekLine takes one line of a Zeek log. A header may come again in the middle,
// where logs were joined.
func (d *leafDecoder) zeekLine(at int64, raw []byte) (err error) {
	h := &d.zeek
	if h.separator == "" {
		h.separator = "\t"
	}
	line := string(raw)
	if line[0] == '#' {
		key, rest, _ := strings.Cut(line, h.separator)
		switch {
		case strings.HasPrefix(line, "#separator "):
			h.separator = unhex(strings.TrimPrefix(line, "#separator "))
		case key == "#path":
			h.path = rest
		case key == "#fields":
			h.names = strings.Split(rest, h.separator)
		}
		return nil
	}
	if len(h.names) == 0 {
		return errZeekHeader
	}
	d.events, err = d.dec.DecodeZeek(h.path, h.names, strings.Split(line, h.separator), at, d.events)
	return err
}

// unhex reads the way in which Zeek writes its separator: \x09.
func unhex(s string) string {
	s = strings.TrimSpace(s)
	if hex, ok := strings.CutPrefix(s, `\x`); ok {
		if n, err := strconv.ParseUint(hex, 16, 8); err == nil {
			return string(rune(n))
		}
	}
	if s == "" {
		return "\t"
	}
	return s
}

// windowsEvent is a record of an event log as the decoder takes it.
func windowsEvent(r *EVTXRecord) WindowsEvent {
	return WindowsEvent{
		Time: r.Time, Channel: r.Channel, Provider: r.Provider, Computer: r.Computer, EventID: r.EventID,
		ProcessID: r.ProcessID, RecordID: int64(r.RecordID), UserSID: r.UserID,
		Fields: append(r.Fields, tocsin.Field{Name: "Level", Value: strconv.Itoa(r.Level)}),
	}
}

func (d *leafDecoder) drop() {
	clear(d.events)
	d.events = d.events[:0]
}

func (d *leafDecoder) flush() { d.events = d.dec.Flush(d.events) }

// eventJSON renders an event for the quarantine, as far as its fields go.
func eventJSON(ev *tocsin.Event) []byte {
	var b strings.Builder
	put := func(name, value string) {
		if value == "" || b.Len() > 16<<10 {
			return
		}
		if b.Len() == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		k, _ := json.Marshal(name)
		v, _ := json.Marshal(value)
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	put("$product", ev.Product)
	put("$service", ev.Service)
	put("$channel", ev.Channel)
	put("$host", ev.Host)
	if !ev.Time.IsZero() {
		put("$time", ev.Time.Format("2006-01-02T15:04:05.000Z"))
	}
	for _, f := range ev.Fields {
		put(f.Name, f.Value)
	}
	if b.Len() == 0 {
		return nil
	}
	b.WriteByte('}')
	return []byte(b.String())
}

// printable makes text of bytes from anywhere.
func printable(b []byte) string {
	s := string(b)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return strings.ReplaceAll(s, "\x00", "\ufffd")
}
