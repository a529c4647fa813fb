package intake

import (
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// taking gathers an event's fields: the texts go into one buffer, so that an
// event costs one allocation for all its values.
type taking struct {
	doc   *jdoc
	names []string
	ends  []int
	text  []byte
	width int  // bytes of all names
	over  bool // the record has more than an event may have
}

// An event's fields are bounded: names grow with depth, so that a small record
// could else be blown up a thousandfold.
const (
	maxFields = 1 << 16
	maxWidth  = 8 << 20
)

var errTooWide = refuse("record has more fields than an event may have")

// room counts a field and is false when there is no more room.
func (t *taking) room(name string) bool {
	if t.width += len(name); len(t.names) >= maxFields || t.width > maxWidth {
		t.over = true
	}
	return !t.over
}

func (t *taking) start(doc *jdoc) {
	t.doc, t.names, t.ends, t.text, t.width = doc, t.names[:0], t.ends[:0], t.text[:0], 0
}

func (t *taking) add(name string, n *jnode) {
	if !t.room(name) {
		return
	}
	t.text = t.doc.appendText(t.text, n)
	t.names = append(t.names, name)
	t.ends = append(t.ends, len(t.text))
}

func (t *taking) addText(name, v string) {
	if !t.room(name) {
		return
	}
	t.text = append(t.text, v...)
	t.names = append(t.names, name)
	t.ends = append(t.ends, len(t.text))
}

// flatten adds a value under a name: objects as a.b, arrays of scalars by
// repeating the name. Members that say nothing (null) are left out, as the
// event log leaves them out.
func (t *taking) flatten(name string, n *jnode) {
	d := t.doc
	if t.over || len(name) > maxName {
		t.over = true
		return
	}
	switch n.kind {
	case '0':
	case '{':
		for i := d.first(n); i < n.next; i = d.n[i].next {
			c := &d.n[i]
			switch {
			case c.key == "#attributes":
			case c.key == "#text":
				t.flatten(name, c)
			case name == "":
				t.flatten(c.key, c)
			default:
				t.flatten(d.dotted(name, c.key), c)
			}
		}
	case '[':
		for i := d.first(n); i < n.next; i = d.n[i].next {
			t.flatten(name, &d.n[i])
		}
	default:
		t.add(name, n)
	}
}

// dotted interns a.b, since deep records repeat the same few paths.
func (d *jdoc) dotted(a, b string) string {
	var buf [160]byte
	p := append(append(append(buf[:0], a...), '.'), b...)
	return d.intern(p, false).name
}

// fields makes the event's fields: System fields first, then what was taken.
func (t *taking) fields(w *winEvent) []tocsin.Field {
	return t.appendTo(header(w, len(t.names)))
}

func (t *taking) appendTo(out []tocsin.Field) []tocsin.Field {
	s := string(t.text)
	from := 0
	for i, name := range t.names {
		out = append(out, tocsin.Field{Name: name, Value: s[from:t.ends[i]]})
		from = t.ends[i]
	}
	return out
}

var smallNumbers = func() (t [8192]string) {
	for i := range t {
		t[i] = strconv.Itoa(i)
	}
	return t
}()

func smallNumber(n int) string {
	if n >= 0 && n < len(smallNumbers) {
		return smallNumbers[n]
	}
	return strconv.Itoa(n)
}

// name is one lasting copy of a text that most records share.
func (d *Decoder) name(n *jnode) string {
	if n == nil || n.kind != 's' {
		return ""
	}
	if !n.esc {
		if s, ok := d.names[string(d.doc.raw[n.a:n.b])]; ok {
			return s
		}
	}
	s := d.doc.text(n)
	if s == "-" {
		s = ""
	}
	if len(d.names) < maxState {
		d.names[s] = s
	}
	return s
}

func (d *Decoder) child(n *jnode, key string) *jnode { return d.doc.child(n, key) }

// time reads a member that holds a time.
func (d *Decoder) time(n *jnode, key string) (time.Time, bool) {
	c := d.child(n, key)
	if c == nil || c.kind != 's' {
		return time.Time{}, false
	}
	if c.esc {
		t, _, ok := parseTime(d.doc.text(c))
		return t, ok
	}
	var buf [48]byte
	b := append(buf[:0], d.doc.raw[c.a:min(c.b, c.a+48)]...)
	t, _, ok := parseTime(string(b))
	return t, ok
}

var errNoTime = refuse("record has no readable time")

// takeFlat takes the members of a flat rendering that are the event's own.
func (d *Decoder) takeFlat(n *jnode, drop noise) {
	t := &d.take
	t.start(&d.doc)
	for i := d.doc.first(n); i < n.next; i = d.doc.n[i].next {
		c := &d.doc.n[i]
		if c.drop&drop == 0 {
			t.flatten(c.key, c)
		}
	}
}

// finish makes the fields. An event with none of its own is its message: that
// is all some collectors keep of the older logs.
func (d *Decoder) finish(w *winEvent, message *jnode) {
	if len(d.take.names) == 0 && message != nil {
		d.take.add("Message", message)
		if w.Channel == "Windows PowerShell" {
			d.take.add("Data", message)
		}
		w.Message = d.doc.text(message)
	}
	w.Fields = d.take.fields(w)
}

func (d *Decoder) fromNXLog(n *jnode, w *winEvent) (time.Time, error) {
	wall, ok := d.time(n, "EventTime")
	if !ok {
		return wall, errNoTime
	}
	w.Channel, w.Provider, w.Computer = d.name(d.child(n, "Channel")), d.name(d.child(n, "SourceName")), d.name(d.child(n, "Hostname"))
	w.EventID = int(d.doc.num(d.child(n, "EventID")))
	w.ProcessID = int(d.doc.num(d.child(n, "ExecutionProcessID")))
	w.RecordID = d.doc.num(d.child(n, "RecordNumber"))
	w.UserSID, w.User, w.Domain = d.name(d.child(n, "UserID")), d.name(d.child(n, "AccountName")), d.name(d.child(n, "Domain"))
	// The shipper notes when it received the event, in the same local time, and
	// the pipeline behind it the same moment in UTC: the offset, without Sysmon.
	if sent, ok := d.time(n, "@timestamp"); ok && !d.clock.known {
		if got, ok := d.time(n, "EventReceivedTime"); ok {
			if o, ok := grid(sent.Sub(got)); ok {
				d.clock.any, d.clock.known, d.clock.ref = o, true, wall.Add(o)
			}
		}
	}
	message := d.child(n, "Message")
	if message == nil {
		message = d.child(n, "message")
	}
	d.takeFlat(n, noiseNXLog)
	// The shipper's own EventType hides the event's, except where it says that
	// it kept both.
	if t := d.child(n, "EventType"); t != nil && (d.child(n, "EventTypeOrignal") != nil || !shipperType(d.doc.text(t))) {
		d.take.add("EventType", t)
	}
	if w.EventID == 7045 && message != nil && d.child(n, "AccountName") != nil {
		// AccountName is the writer's here and not the service's.
		if account := messageField(d.doc.text(message), "Service Account:"); account != "" {
			d.take.addText("AccountName", account)
		}
	}
	d.finish(w, message)
	return wall, nil
}

func shipperType(s string) bool {
	switch s {
	case "INFO", "ERROR", "WARNING", "VERBOSE", "DEBUG", "CRITICAL", "AUDIT_SUCCESS", "AUDIT_FAILURE", "":
		return true
	}
	return false
}

// messageField finds "label value" on a line of a rendered message.
func messageField(message, label string) string {
	_, rest, ok := strings.Cut(message, label)
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

func (d *Decoder) fromFlat(n *jnode, w *winEvent) (time.Time, error) {
	wall, ok := d.time(n, "TimeCreated")
	if !ok {
		return wall, errNoTime
	}
	d.flatHead(n, w)
	d.takeFlat(n, noiseFlat)
	if u := d.child(n, "UserData"); u != nil && u.kind == '{' {
		d.take.flatten("", u)
	}
	d.finish(w, d.child(n, "Message"))
	return wall, nil
}

// flatHead reads the names that the flat renderings of PowerShell exporters
// share.
func (d *Decoder) flatHead(n *jnode, w *winEvent) {
	w.Channel = d.name(d.child(n, "Channel"))
	for _, k := range [...]string{"Provider", "SourceName", "EventSourceName", "Source"} {
		if w.Provider = d.name(d.child(n, k)); w.Provider != "" {
			break
		}
	}
	if w.Computer = d.name(d.child(n, "Hostname")); w.Computer == "" {
		w.Computer = d.name(d.child(n, "Computer"))
	}
	w.EventID = int(d.doc.num(d.child(n, "EventID")))
	w.RecordID = d.doc.num(d.child(n, "EventRecordID"))
	w.Level = d.level(d.child(n, "Level"))
}

// levels are the words that collectors write for the event log's numbers.
var levels = map[string]string{"critical": "1", "error": "2", "warning": "3", "information": "4", "info": "4", "informational": "4", "verbose": "5"}

func (d *Decoder) level(n *jnode) string {
	if n == nil {
		return ""
	}
	if s := d.doc.raw[n.a:n.b]; len(s) == 1 && s[0] >= '0' && s[0] <= '9' {
		return smallNumber(int(s[0] - '0'))
	}
	return levels[strings.ToLower(d.doc.text(n))]
}

func (d *Decoder) fromArray(n *jnode, w *winEvent) (utc, local time.Time, err error) {
	utc, ok := d.time(n, "TimeGenerated")
	if !ok {
		return utc, local, errNoTime
	}
	local, _ = d.time(n, "TimeCreated")
	d.flatHead(n, w)
	d.takeFlat(n, noiseFlat)
	if len(d.take.names) == 0 {
		d.takeXML(d.child(n, "EventData"))
	}
	d.finish(w, d.child(n, "Message"))
	return utc, local, nil
}

// takeXML takes the fields of an EventData element that is written in a text.
func (d *Decoder) takeXML(n *jnode) {
	if n == nil || n.kind != 's' {
		return
	}
	eachData(d.doc.text(n), func(name, value string) { d.take.addText(name, value) })
}

func (d *Decoder) fromBeat6(n *jnode, w *winEvent) (time.Time, error) {
	wall, ok := d.time(n, "@timestamp")
	if !ok {
		return wall, errNoTime
	}
	doc := &d.doc
	w.Channel, w.Provider, w.Computer = d.name(d.child(n, "log_name")), d.name(d.child(n, "source_name")), d.name(d.child(n, "computer_name"))
	w.EventID, w.ProcessID = int(doc.num(d.child(n, "event_id"))), int(doc.num(d.child(n, "process_id")))
	w.RecordID = doc.num(d.child(n, "record_number"))
	w.Level = d.level(d.child(n, "level"))
	d.beatUser(d.child(n, "user"), w)
	d.takeBeat(d.child(n, "event_data"), d.child(n, "user_data"), w)
	d.finish(w, d.child(n, "message"))
	return wall, nil
}

func (d *Decoder) fromBeat7(n *jnode, w *winEvent) (time.Time, error) {
	wall, ok := d.time(n, "@timestamp")
	if !ok {
		return wall, errNoTime
	}
	doc, l := &d.doc, d.child(n, "winlog")
	w.Channel, w.Provider, w.Computer = d.name(d.child(l, "channel")), d.name(d.child(l, "provider_name")), d.name(d.child(l, "computer_name"))
	id := d.child(l, "event_id")
	if id == nil {
		id = doc.at(n, "event", "code")
	}
	w.EventID, w.ProcessID = int(doc.num(id)), int(doc.num(doc.at(l, "process", "pid")))
	w.RecordID = doc.num(d.child(l, "record_id"))
	w.Level = d.level(doc.at(n, "log", "level"))
	d.beatUser(d.child(l, "user"), w)
	d.takeBeat(d.child(l, "event_data"), d.child(l, "user_data"), w)
	d.finish(w, d.child(n, "message"))
	return wall, nil
}

func (d *Decoder) beatUser(n *jnode, w *winEvent) {
	w.UserSID, w.User, w.Domain = d.name(d.child(n, "identifier")), d.name(d.child(n, "name")), d.name(d.child(n, "domain"))
}

// takeBeat takes what winlogbeat keeps of EventData and UserData. It invents
// the names param1, param2 for values without a name, which the older logs
// write and rules call Data.
func (d *Decoder) takeBeat(data, user *jnode, w *winEvent) {
	t := &d.take
	t.start(&d.doc)
	unnamed := w.Channel == "Windows PowerShell" || w.Channel == "Application"
	for _, n := range [...]*jnode{data, user} {
		if n == nil || n.kind != '{' {
			continue
		}
		for i := d.doc.first(n); i < n.next; i = d.doc.n[i].next {
			c := &d.doc.n[i]
			switch {
			case c.key == "xml_name":
			case unnamed && strings.HasPrefix(c.key, "param"):
				t.flatten("Data", c)
			default:
				t.flatten(c.key, c)
			}
		}
	}
}

// fromEventObject reads the rendering that tools make of an event's XML:
// {"Event": {"System": ..., "EventData": ...}}.
func (d *Decoder) fromEventObject(n *jnode, w *winEvent) (time.Time, error) {
	doc := &d.doc
	e := d.child(n, "Event")
	sys := d.child(e, "System")
	wall, _, ok := parseTime(doc.text(d.attr(d.child(sys, "TimeCreated"), "SystemTime")))
	if !ok {
		return wall, errNoTime
	}
	w.Channel, w.Computer = d.name(d.element(d.child(sys, "Channel"))), d.name(d.element(d.child(sys, "Computer")))
	w.Provider = d.name(d.attr(d.child(sys, "Provider"), "Name"))
	w.EventID = int(doc.num(d.element(d.child(sys, "EventID"))))
	w.RecordID = doc.num(d.element(d.child(sys, "EventRecordID")))
	w.ProcessID = int(doc.num(d.attr(d.child(sys, "Execution"), "ProcessID")))
	w.UserSID = d.name(d.attr(d.child(sys, "Security"), "UserID"))
	w.Level = d.level(d.element(d.child(sys, "Level")))
	t := &d.take
	t.start(doc)
	if data := d.child(e, "EventData"); data != nil {
		d.takeEventData(data)
	}
	if user := d.child(e, "UserData"); user != nil && user.kind == '{' {
		// The one element inside carries the schema's name, not the data's.
		for i := doc.first(user); i < user.next; i = doc.n[i].next {
			t.flatten("", &doc.n[i])
		}
	}
	d.finish(w, doc.at(e, "RenderingInfo", "Message"))
	return wall, nil
}

// takeEventData also knows the rendering that keeps Data elements as objects
// with their name as an attribute.
func (d *Decoder) takeEventData(data *jnode) {
	doc := &d.doc
	list := d.child(data, "Data")
	if list == nil || list.kind != '[' {
		d.take.flatten("", data)
		return
	}
	for i := doc.first(data); i < data.next; i = doc.n[i].next {
		c := &doc.n[i]
		if c != list && c.key != "#attributes" {
			d.take.flatten(c.key, c)
		}
	}
	for i := doc.first(list); i < list.next; i = doc.n[i].next {
		el := &doc.n[i]
		if name := d.attr(el, "Name"); el.kind == '{' && name != nil {
			if v := d.element(el); v != nil && v.kind != '0' {
				d.take.add(doc.text(name), v)
			}
			continue
		}
		d.take.flatten("Data", el)
	}
}

// attr is an XML attribute in any of the forms that JSON renderings use.
func (d *Decoder) attr(n *jnode, name string) *jnode {
	if v := d.doc.at(n, "#attributes", name); v != nil {
		return v
	}
	if v := d.child(n, "@"+name); v != nil {
		return v
	}
	return d.child(n, name)
}

// element is the text of an XML element that may also have attributes.
func (d *Decoder) element(n *jnode) *jnode {
	if n != nil && n.kind == '{' {
		return d.child(n, "#text")
	}
	return n
}

// fromSentinel reads the tables WindowsEvent, SecurityEvent and Event of a Log
// Analytics workspace, as rows or as the API renders them.
func (d *Decoder) fromSentinel(n *jnode, w *winEvent) (time.Time, error) {
	wall, ok := d.time(n, "TimeGenerated")
	if !ok {
		return wall, errNoTime
	}
	doc := &d.doc
	d.flatHead(n, w)
	if w.Channel == "" {
		w.Channel = d.name(d.child(n, "EventLog"))
	}
	if _, ok := securityMaps[w.EventID]; ok && w.Channel == "" && w.Provider == "" {
		// Exports of chosen columns leave the log out; these numbers are its own.
		w.Channel = "Security"
	}
	if l := d.level(d.child(n, "EventLevel")); l != "" {
		w.Level = l
	}
	w.ProcessID = int(doc.num(d.child(n, "SystemProcessId")))
	t := &d.take
	t.start(doc)
	for i := doc.first(n); i < n.next; i = doc.n[i].next {
		c := &doc.n[i]
		if c.drop&noiseSentinel != 0 || c.kind == '0' || c.kind == 's' && c.a == c.b {
			continue
		}
		t.flatten(plainColumn(c.key), c)
	}
	d.takeSentinelData(n, w)
	d.finish(w, d.child(n, "RenderedDescription"))
	return wall, nil
}

// plainColumn takes off the type that exports add to columns of two types.
func plainColumn(name string) string {
	for _, suffix := range [...]string{"_string", "_dynamic", "_long", "_int"} {
		if s, ok := strings.CutSuffix(name, suffix); ok {
			return s
		}
	}
	return name
}

func (d *Decoder) takeSentinelData(n *jnode, w *winEvent) {
	for _, k := range [...]string{"EventData", "EventData_dynamic", "EventData_string"} {
		data := d.child(n, k)
		switch {
		case data == nil || data.kind == '0':
			continue
		case data.kind == '{':
			d.take.flatten("", data)
			return
		case data.kind == '[':
			d.take.flatten("Data", data)
			return
		case data.kind != 's':
			continue
		}
		s := d.doc.text(data)
		switch trimmed := strings.TrimSpace(s); {
		case strings.HasPrefix(trimmed, "<"):
			eachData(trimmed, d.take.addText)
		case trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '['):
			if d.inner.parse([]byte(trimmed)) != nil {
				d.take.addText("EventData", s)
				return
			}
			name := ""
			if trimmed[0] == '[' {
				name = "Data"
			}
			outer := d.take.doc
			d.take.doc = &d.inner
			d.take.flatten(name, d.inner.root())
			d.take.doc = outer
		case s != "":
			d.take.addText("EventData", s)
		default:
			continue
		}
		return
	}
}
