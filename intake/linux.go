package intake

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

// auditGroup is a Linux audit event of which lines still come: the kernel
// writes one event on several lines of one serial number.
type auditGroup struct {
	id      string
	events  []tocsin.Event
	ordinal int64 // of the line that carries the row
	row     int   // index of that line's event, -1 without a SYSCALL line
	call    []tocsin.Field
	argv    []string
	title   string
	cwd     string
}

const maxAuditLines = 256

// DecodeAudit takes one line of a Linux audit log: type=... msg=audit(...): ....
// Each line is an event, so that rules see it as it is; the process row hangs
// on the SYSCALL line and needs the others, so the lines of one audit event
// come out together, when its last has been seen.
func (d *Decoder) DecodeAudit(line []byte, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	if len(line) > maxString {
		return dst, refuse("string is longer than 1 MiB")
	}
	s := strings.TrimRight(string(line), "\r\n")
	if !printableText(s) {
		return dst, refuse("string is not UTF-8 or holds a NUL")
	}
	fields := auditFields(s)
	ev, id, err := auditEvent(fields)
	if err != nil {
		return dst, err
	}
	g := &d.audit
	if g.id != id || len(g.events) >= maxAuditLines {
		dst = d.closeAudit(dst)
		g.id, g.row = id, -1
	}
	switch ev.Get("type") {
	case "SYSCALL", "AUOMS_EXECVE":
		g.call, g.row, g.ordinal = fields, len(g.events), ordinal
	case "EXECVE":
		g.argv = auditArgs(fields)
	case "CWD":
		g.cwd = ev.Get("cwd")
	case "PROCTITLE":
		g.title = ev.Get("proctitle")
	}
	g.events = append(g.events, ev)
	switch ev.Get("type") {
	case "PROCTITLE", "EOE":
		dst = d.closeAudit(dst)
	}
	return dst, nil
}

// auditFields splits name=value pairs; values may be in either quotes, and
// msg='...' holds pairs itself.
func auditFields(s string) []tocsin.Field {
	var out []tocsin.Field
	kind := "-"
	for {
		s = strings.TrimLeft(s, " \t\x1d")
		if s == "" {
			return out
		}
		word := s
		if i := strings.IndexAny(s, " \t\x1d"); i >= 0 {
			word = s[:i]
		}
		i := strings.IndexByte(word, '=')
		if i <= 0 {
			s = s[len(word):] // a word that is no pair says nothing to rules
			continue
		}
		name := s[:i]
		s = s[i+1:]
		var v string
		switch {
		case strings.HasPrefix(s, `"`):
			v, s, _ = strings.Cut(s[1:], `"`)
		case strings.HasPrefix(s, `'`):
			v, s, _ = strings.Cut(s[1:], `'`)
			if name == "msg" {
				out = append(out, auditFields(v)...)
				continue
			}
		default:
			end := strings.IndexAny(s, " \t\x1d")
			if end < 0 {
				end = len(s)
			}
			v, s = s[:end], s[end:]
			// The kernel writes text that needs it in hex, and then without quotes.
			if auditHex(kind, name) {
				v = auditText(v)
			}
		}
		if name == "type" {
			kind = v
		}
		out = append(out, tocsin.Field{Name: name, Value: v})
	}
}

// auditHex reports whether a name holds text: the arguments of a SYSCALL line
// are addresses, those of EXECVE texts.
func auditHex(kind, name string) bool {
	switch name {
	case "proctitle", "cwd", "exe", "comm", "name", "cmd", "data", "acct":
		return true
	}
	n, ok := strings.CutPrefix(name, "a")
	if kind != "EXECVE" || !ok {
		return false
	}
	_, ok = digits(n)
	return ok
}

// auditEvent begins the event of a line: its time and its id.
func auditEvent(fields []tocsin.Field) (ev tocsin.Event, id string, err error) {
	ev = tocsin.Event{Product: "linux", Service: "auditd", Fields: fields}
	stamp := ""
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "msg":
			if v, ok := strings.CutPrefix(f.Value, "audit("); ok && stamp == "" {
				stamp = strings.TrimRight(v, "):")
			}
		case "node":
			ev.Host = f.Value
		}
	}
	seconds, _, ok := strings.Cut(stamp, ":")
	t, good := zeekTime(seconds)
	if !ok || !good || !validTime(t) {
		return ev, "", refuse("audit line without its time and number")
	}
	ev.Time = t
	return ev, stamp, nil
}

// auditText resolves the hex form that the kernel gives values with blanks or
// control characters; NUL between arguments becomes a blank.
func auditText(v string) string {
	if len(v) < 2 || len(v)%2 != 0 || strings.Trim(v, "0123456789ABCDEF") != "" {
		return v
	}
	b, err := hex.DecodeString(v)
	if err != nil || !utf8.Valid(b) {
		return v
	}
	return strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
}

func auditArgs(fields []tocsin.Field) []string {
	var args []string
	for i := range fields {
		if n, ok := strings.CutPrefix(fields[i].Name, "a"); ok {
			if _, isNum := digits(n); isNum {
				args = append(args, fields[i].Value)
			}
		}
	}
	return args
}

func fieldOf(fields []tocsin.Field, name string) string {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value
		}
	}
	return ""
}

// execve are the numbers of the two calls on the architectures that matter;
// enriched logs write the name.
var execve = map[string]bool{"execve": true, "execveat": true, "c000003e/59": true, "c000003e/322": true, "c00000b7/221": true, "c00000b7/281": true, "40000003/11": true}

// closeAudit ends the open audit event and appends its lines.
func (d *Decoder) closeAudit(dst []tocsin.Event) []tocsin.Event {
	g := &d.audit
	if len(g.events) == 0 {
		return dst
	}
	if g.row >= 0 {
		call := fieldOf(g.call, "syscall")
		if (execve[call] || execve[fieldOf(g.call, "arch")+"/"+call]) && fieldOf(g.call, "success") != "no" {
			d.auditProcess(&g.events[g.row])
		}
	}
	for i := range g.events {
		if ev := &g.events[i]; len(ev.Rows) == 0 {
			ev.Unmapped = "no hunting table takes the audit record " + ev.Get("type")
			if g.row >= 0 && len(g.events[g.row].Rows) > 0 {
				ev.Unmapped = "audit record " + ev.Get("type") + " is part of a process row"
			}
		}
	}
	dst = append(dst, g.events...)
	*g = auditGroup{}
	return dst
}

func (d *Decoder) auditProcess(ev *tocsin.Event) {
	g := &d.audit
	r := d.deviceRow(ev, "ProcessCreated")
	r.file(fieldOf(g.call, "exe"))
	r.long("ProcessId", fieldOf(g.call, "pid"))
	command := firstOf(strings.Join(g.argv, " "), g.title, fieldOf(g.call, "cmdline"))
	r.set("ProcessCommandLine", command)
	r["ProcessCreationTime"] = ev.Time
	r.set("AccountName", firstOf(fieldOf(g.call, "UID"), fieldOf(g.call, "user"), "uid:"+fieldOf(g.call, "uid")))
	if s := fieldOf(g.call, "ses"); s != "4294967295" {
		r.long("LogonId", s)
	}
	r.long("InitiatingProcessId", fieldOf(g.call, "ppid"))
	if a := fieldOf(g.call, "auid"); a != "" && a != "4294967295" {
		r.set("InitiatingProcessAccountName", firstOf(fieldOf(g.call, "AUID"), "uid:"+a))
	}
	var b bag
	b.add("cwd", g.cwd)
	for _, n := range [...]string{"tty", "key", "comm", "euid", "auid", "ses"} {
		if v := fieldOf(g.call, n); v != "(null)" && v != "(none)" {
			b.add(n, v)
		}
	}
	b.putText(r)
	d.emit(ev, "DeviceProcessEvents", r, g.ordinal)
}

// syslog decodes a Syslog row of a Log Analytics workspace: the events of
// Sysmon for Linux, written as XML, and audit records.
func (d *Decoder) syslog(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	wall, ok := d.time(n, "TimeGenerated")
	if !ok {
		if wall, ok = d.time(n, "EventTime"); !ok {
			return dst, errNoTime
		}
	}
	if !validTime(wall) {
		return dst, refuse("time lies before 1970 or after 2261")
	}
	message := d.doc.text(d.child(n, "SyslogMessage"))
	host := d.name(d.child(n, "Computer"))
	if host == "" {
		host = d.name(d.child(n, "HostName"))
	}
	if i := strings.Index(message, "<Event>"); i >= 0 && strings.Contains(message, "Linux-Sysmon") {
		return d.linuxSysmon(message[i:], wall, host, ordinal, dst), nil
	}
	if strings.Contains(message, "audit(") {
		return d.syslogAudit(message, wall, host, ordinal, dst), nil
	}
	ev := tocsin.Event{Product: "linux", Service: "syslog", Time: wall, Host: host, Unmapped: "no hunting table takes syslog of " + d.name(d.child(n, "ProcessName"))}
	ev.Fields = []tocsin.Field{{Name: "Computer", Value: host}, {Name: "ProcessName", Value: d.name(d.child(n, "ProcessName"))},
		{Name: "Facility", Value: d.name(d.child(n, "Facility"))}, {Name: "SeverityLevel", Value: d.name(d.child(n, "SeverityLevel"))},
		{Name: "message", Value: message}}
	return append(dst, ev), nil
}

func (d *Decoder) linuxSysmon(xml string, wall time.Time, host string, ordinal int64, dst []tocsin.Event) []tocsin.Event {
	var w winEvent
	w.linux = true
	w.Channel, w.Provider = "Linux-Sysmon/Operational", "Linux-Sysmon"
	w.Computer, w.Time = firstOf(xmlElement(xml, "Computer"), host), wall
	id, _ := wideNumber(strings.TrimSpace(xmlElement(xml, "EventID")))
	w.EventID = int(id)
	if i := strings.Index(xml, "<TimeCreated"); i >= 0 {
		tag, _, _ := strings.Cut(xml[i:], ">")
		if s, ok := xmlAttr(tag, "SystemTime"); ok {
			if t, _, ok := parseTime(s); ok && validTime(t) {
				w.Time = t
			}
		}
	}
	t := &d.take
	t.start(&d.doc)
	eachData(xml, t.addText)
	w.Fields = t.fields(&w)
	d.settleTrue(&w)
	return d.emitWindows(&w, ordinal, dst)
}

// syslogAudit reads an audit record inside a syslog message, which the agent
// has put on one line: call, arguments and title together.
func (d *Decoder) syslogAudit(message string, wall time.Time, host string, ordinal int64, dst []tocsin.Event) []tocsin.Event {
	fields := auditFields(message)
	ev := tocsin.Event{Product: "linux", Service: "auditd", Time: wall, Host: host, Fields: fields}
	if _, rest, ok := strings.Cut(message, "audit("); ok {
		seconds, _, _ := strings.Cut(rest, ":")
		if t, ok := zeekTime(seconds); ok && validTime(t) {
			ev.Time = t
		}
	}
	call := fieldOf(fields, "syscall")
	isExec := execve[call] || execve[fieldOf(fields, "arch")+"/"+call] || strings.HasSuffix(fieldOf(fields, "type"), "EXECVE") || fieldOf(fields, "record_type") == "AUOMS_EXECVE"
	if isExec && fieldOf(fields, "success") != "no" && fieldOf(fields, "exe") != "" {
		saved := d.audit
		d.audit = auditGroup{call: fields, ordinal: ordinal, argv: auditArgs(fields), title: fieldOf(fields, "proctitle"), cwd: fieldOf(fields, "cwd")}
		if fieldOf(fields, "argc") == "" {
			d.audit.argv = nil // a0.. are the call's addresses
		}
		d.auditProcess(&ev)
		d.audit = saved
	} else {
		ev.Unmapped = "no hunting table takes the audit record " + firstOf(fieldOf(fields, "type"), fieldOf(fields, "record_type"), "without a type")
	}
	return append(dst, ev)
}

// printableText refuses what no text column can hold.
func printableText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// vmConnection maps a connection that the dependency agent of Azure Monitor
// counted.
func (d *Decoder) vmConnection(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	wall, ok := d.time(n, "TimeGenerated")
	if !ok || !validTime(wall) {
		return dst, errNoTime
	}
	t := &d.take
	t.start(&d.doc)
	t.flatten("", n)
	ev := tocsin.Event{Product: "azure", Service: "vmconnection", Time: wall, Host: d.name(d.child(n, "Computer"))}
	ev.Fields = t.appendTo(make([]tocsin.Field, 0, len(t.names)))
	action, in := "ConnectionSuccess", ev.Get("Direction") == "inbound"
	if in {
		action = "InboundConnectionAccepted"
	}
	r := d.deviceRow(&ev, action)
	port, _ := strconv.Atoi(ev.Get("DestinationPort"))
	if in {
		r.ends(ev.Get("DestinationIp"), strconv.Itoa(port), firstOf(ev.Get("RemoteIp"), ev.Get("SourceIp")), "")
	} else {
		r.ends(ev.Get("SourceIp"), "", ev.Get("DestinationIp"), strconv.Itoa(port))
	}
	r.set("Protocol", protocolName(ev.Get("Protocol")))
	r.set("InitiatingProcessFileName", ev.Get("ProcessName"))
	var b bag
	for _, name := range [...]string{"BytesSent", "BytesReceived", "LinksEstablished", "LinksFailed", "RemoteIp", "RemoteDnsQuestions", "MaliciousIp"} {
		b.add(name, ev.Get(name))
	}
	b.putText(r)
	d.emit(&ev, "DeviceNetworkEvents", r, ordinal)
	return append(dst, ev), nil
}
