package intake

import (
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Decoder turns the records of one leaf (a file, an archive's member, a
// stream), in order, into events with the hunting rows that they map to.
//
// It keeps state: clock offsets, parts of script blocks, privileged logons,
// names that the domain controllers and the resolver gave away. All of it comes
// from records already seen, never from a clock or a random number: the same
// records in the same order give, call by call, the same output. A reader that
// resumes a leaf after record n therefore decodes it from the start and drops
// what the first n calls return.
//
// Events come out in the order of their records, but not always from the call
// that brought the record: where the collector's clock must be mended, records
// wait for the first that tells its offset; and lines of a Linux audit event
// wait for its last. Flush gives up waiting; call it at the end of the leaf.
// Row identities depend on the record's ordinal alone, not on the call.
//
// A Decoder is not safe for concurrent use.
type Decoder struct {
	doc   jdoc
	inner jdoc // for JSON inside a string
	item  [8]byte
	clock clock

	held      []heldEvent
	heldBytes int
	gaveUp    bool // no offset came within the limits: nothing waits any more

	devices map[string]device
	dcs     map[string]bool    // hosts that answered as domain controllers
	admins  map[logonKey]bool  // sessions that 4672 gave special privileges
	scripts map[string]*script // script blocks of which parts are missing
	order   []string           // their ids, oldest first
	answers map[string]string  // host + address -> name, from DNS answers
	audit   auditGroup         // the open event of a Linux audit log
	procs   processTable
	names   map[string]string // one copy of each channel, provider and host name
	take    taking            // scratch
}

type device struct{ name, id string }

type logonKey struct{ host, id string }

type heldEvent struct {
	w       winEvent
	ordinal int64
}

// Waiting records are bounded: an endless stream that never tells its offset
// must not be kept in memory.
const (
	maxHeld      = 16384
	maxHeldBytes = 64 << 20
	maxState     = 8192 // entries of each table of a decoder's memory
)

// NewDecoder makes a decoder for one leaf. item is its path or source name; it
// is a hint only (exporters write the time into it).
func NewDecoder(item string) *Decoder {
	d := &Decoder{
		devices: make(map[string]device),
		dcs:     make(map[string]bool),
		admins:  make(map[logonKey]bool),
		scripts: make(map[string]*script),
		answers: make(map[string]string),
		names:   make(map[string]string),
	}
	d.clock.stamp = stampIn(item)
	return d
}

// SetIdentity gives the leaf its lasting identity (a hash of its content or
// its path), from which with the record's ordinal each row's ReportId is made.
func (d *Decoder) SetIdentity(itemHash [8]byte) { d.item = itemHash }

// Decode takes one JSON object of at most 16 MiB and appends its events to
// dst: usually one; many for wrappers such as CloudTrail's {"Records":[...]};
// none while records wait for a clock. raw is not kept. An error is a
// *RecordError and about this record only.
func (d *Decoder) Decode(raw []byte, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	if err := d.doc.parse(raw); err != nil {
		return dst, err
	}
	d.take.over = false
	before := len(dst)
	dst, err := d.decode(d.doc.root(), ordinal, 0, dst)
	if d.take.over {
		return dst[:before], errTooWide
	}
	return dst, err
}

// decode handles one object: the record, or an element of a wrapper, whose
// place sub makes its rows different from its siblings'.
func (d *Decoder) decode(n *jnode, ordinal int64, sub int, dst []tocsin.Event) ([]tocsin.Event, error) {
	if n.kind != '{' {
		return dst, refuse("record is no JSON object")
	}
	x := d.doc.shape(n)
	if x.wrapper != "" {
		return d.unwrap(n, x.wrapper, ordinal, sub, dst)
	}
	// Siblings of one record are told apart in the ordinal's upper half, which
	// no leaf's count of records reaches.
	id := ordinal + int64(sub)<<40
	switch x.format {
	case formatNXLog, formatFlat, formatArray, formatBeat6, formatBeat7, formatEventXMLJSON, formatSentinel, formatSyslog:
		return d.windows(n, x.format, id, dst)
	case formatZeekJSON:
		return d.zeekJSON(n, x.path, id, dst)
	case formatCloudTrail:
		return d.cloudTrail(n, id, dst)
	case formatUAL:
		return d.unifiedAudit(n, id, dst)
	case formatEntraAudit:
		return d.entraAudit(n, id, dst)
	case formatEntraSignIn:
		return d.entraSignIn(n, id, dst)
	case formatOffice:
		return d.officeActivity(n, id, dst)
	case formatVMConnection:
		return d.vmConnection(n, id, dst)
	case formatDefender:
		return d.defenderRow(n, x.path, id, dst)
	}
	return dst, refuse("JSON object of no known source")
}

// Flush gives up waiting for later records and appends what still waits.
func (d *Decoder) Flush(dst []tocsin.Event) []tocsin.Event {
	dst = d.release(dst)
	return d.closeAudit(dst)
}

// release maps the waiting records with what is known of their clock by now.
func (d *Decoder) release(dst []tocsin.Event) []tocsin.Event {
	held := d.held
	d.held, d.heldBytes = nil, 0
	for i := range held {
		h := &held[i]
		h.w.Time = d.clock.mend(h.w.Computer, h.w.Time, h.w.twelve)
		dst = d.emitWindows(&h.w, h.ordinal, dst)
	}
	return dst
}

// unwrap decodes the objects inside a wrapper one by one. The error of an
// element does not cost its siblings, but only the first is reported.
func (d *Decoder) unwrap(n *jnode, name string, ordinal int64, sub int, dst []tocsin.Event) ([]tocsin.Event, error) {
	list := d.doc.child(n, name)
	if name == "tables" {
		return d.tables(list, ordinal, sub, dst)
	}
	if sub != 0 {
		return dst, refuse("wrapper inside a wrapper")
	}
	var first error
	k := 0
	for i := d.doc.first(list); i < list.next; i = d.doc.n[i].next {
		k++
		el := &d.doc.n[i]
		if el.kind == '{' && d.doc.shape(el).wrapper != "" {
			first = cmpErr(first, refuse("wrapper inside a wrapper"))
			continue
		}
		var err error
		if dst, err = d.decode(el, ordinal, k, dst); err != nil {
			first = cmpErr(first, err)
		}
	}
	return dst, first
}

func cmpErr(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

// tables decodes the answer form of Log Analytics: columns by name, rows as
// arrays. Each row is written as an object again and decoded as one, since
// anything may stand in such a table.
func (d *Decoder) tables(list *jnode, ordinal int64, sub int, dst []tocsin.Event) ([]tocsin.Event, error) {
	if sub != 0 || list.kind != '[' {
		return dst, refuse("wrapper inside a wrapper")
	}
	var objects [][]byte
	doc := &d.doc
	for t := doc.first(list); t < list.next; t = doc.n[t].next {
		table := &doc.n[t]
		columns, rows := doc.child(table, "columns"), doc.child(table, "rows")
		if columns == nil || rows == nil || columns.kind != '[' || rows.kind != '[' {
			return dst, refuse("answer table without columns or rows")
		}
		var names []*jnode
		for c := doc.first(columns); c < columns.next; c = doc.n[c].next {
			names = append(names, doc.child(&doc.n[c], "name"))
		}
		for r := doc.first(rows); r < rows.next; r = doc.n[r].next {
			objects = append(objects, doc.rowObject(names, &doc.n[r]))
		}
	}
	var first error
	for k, o := range objects {
		if err := doc.parse(o); err != nil {
			first = cmpErr(first, err)
			continue
		}
		if root := doc.root(); root.kind != '{' || doc.shape(root).wrapper != "" {
			first = cmpErr(first, refuse("wrapper inside a wrapper"))
			continue
		}
		var err error
		if dst, err = d.decode(doc.root(), ordinal, k+1, dst); err != nil {
			first = cmpErr(first, err)
		}
	}
	return dst, first
}

func (d *jdoc) rowObject(names []*jnode, row *jnode) []byte {
	o := []byte{'{'}
	if row.kind == '[' {
		k := 0
		for i := d.first(row); i < row.next && k < len(names); i = d.n[i].next {
			if v := &d.n[i]; v.kind != '0' && names[k] != nil && names[k].kind == 's' && names[k].b-names[k].a <= 128 {
				if len(o) > 1 {
					o = append(o, ',')
				}
				o = append(o, d.rawJSON(names[k])...)
				o = append(append(o, ':'), d.rawJSON(v)...)
			}
			k++
		}
	}
	return append(o, '}')
}

// device is a host's name as rows carry it, and its id.
func (d *Decoder) device(host string) device {
	v, ok := d.devices[host]
	if !ok {
		v = device{name: strings.ToLower(strings.TrimSpace(host)), id: tocsin.DeviceID(host)}
		if len(d.devices) < maxState {
			d.devices[host] = v
		}
	}
	return v
}

// reportID is the number of a row: positive, and the same whenever the record
// is read again.
func (d *Decoder) reportID(ordinal int64, sub int) int64 {
	h := mix(binary.LittleEndian.Uint64(d.item[:]) ^ 0x746f6373696e)
	h = mix(h ^ uint64(ordinal))
	h = mix(h ^ uint64(sub))
	if h >>= 1; h != 0 {
		return int64(h)
	}
	return 1
}

// keyText is an id for a row whose table has no ReportId and whose source left
// its own id out: a letter keeps it apart from ids that sources give.
func (d *Decoder) keyText(ordinal int64, sub int) string {
	return "t" + strconv.FormatInt(d.reportID(ordinal, sub), 10)
}

// mix is the finalizer of SplitMix64: a bijection that spreads every bit.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// row is a hunting row under construction.
type row map[string]any

func newRow(t time.Time) row {
	r := make(row, 32)
	r["Timestamp"] = t
	return r
}

// set stores a text; sources write nothing as "-" as well as "".
func (r row) set(column, v string) {
	if v != "" && v != "-" {
		r[column] = v
	}
}

// long stores a number that sources write in decimal or, with 0x, in hex.
func (r row) long(column, v string) {
	if n, ok := wideNumber(v); ok {
		r[column] = n
	}
}

// port stores a port number; 0 means that there is none.
func (r row) port(column, v string) {
	if n, ok := wideNumber(v); ok && n > 0 && n < 65536 {
		r[column] = n
	}
}

func (r row) ip(column, v string) {
	if a := address(v); a != "" {
		r[column] = a
	}
}

// address is an IP address in plain form: without port, brackets, zone and the
// IPv6 mapping of IPv4; "" for no address.
func address(v string) string {
	if v == "" || v == "-" {
		return ""
	}
	if a, ok := tocsin.ParseIP(v); ok {
		return a.String()
	}
	return ""
}

func wideNumber(v string) (int64, bool) {
	if v == "" || v == "-" {
		return 0, false
	}
	if len(v) > 2 && v[0] == '0' && (v[1] == 'x' || v[1] == 'X') {
		n, err := strconv.ParseUint(v[2:], 16, 64)
		return int64(n), err == nil && n < 1<<63
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}

// emit finishes a row of a table that has a ReportId and adds it to the event.
func (d *Decoder) emit(ev *tocsin.Event, table string, r row, ordinal int64) {
	id := d.reportID(ordinal, len(ev.Rows))
	if strings.HasPrefix(table, "Device") {
		r["ReportId"] = id
	} else {
		r["ReportId"] = strconv.FormatInt(id, 10)
	}
	ev.Rows = append(ev.Rows, tocsin.Row{Table: table, Values: r})
}

// bag builds the JSON of AdditionalFields in the order of its calls.
type bag []byte

func (b *bag) add(name, v string) {
	if v == "" || v == "-" || len(v) >= 36 && strings.Trim(v, "{}0-") == "" {
		return // the null id is no value either
	}
	b.raw(name, appendJSONString(nil, v))
}

// pick adds each name with the value that get returns for it.
func (b *bag) pick(get func(string) string, names ...string) {
	for _, n := range names {
		b.add(n, get(n))
	}
}

func (b *bag) raw(name string, v []byte) {
	if len(*b) == 0 {
		*b = make([]byte, 0, 256)
		*b = append(*b, '{')
	} else {
		*b = append(*b, ',')
	}
	*b = appendJSONString(*b, name)
	*b = append(append(*b, ':'), v...)
}

// putText stores the bag in a column that is text, as on the Device tables.
func (b *bag) putText(r row) {
	if len(*b) > 0 {
		r["AdditionalFields"] = string(append(*b, '}'))
	}
}

// putDynamic stores the bag in a dynamic column.
func (b *bag) putDynamic(r row) {
	if len(*b) > 0 {
		r["AdditionalFields"] = json.RawMessage(append(*b, '}'))
	}
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends a JSON string. s is UTF-8: every source is checked
// or mended before.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
