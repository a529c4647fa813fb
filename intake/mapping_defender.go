package intake

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

// coerce makes of a JSON value what a column of the type holds; nil when there
// is no value or it does not fit.
func (d *jdoc) coerce(n *jnode, t lake.Type) any {
	if n.kind == '0' || n.kind == 's' && n.a == n.b {
		return nil
	}
	switch t {
	case lake.String, lake.GUID:
		return d.text(n)
	case lake.Dynamic:
		if n.kind == 's' {
			s := d.text(n)
			if trimmed := strings.TrimSpace(s); trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid([]byte(trimmed)) {
				return json.RawMessage(trimmed)
			}
			return json.RawMessage(appendJSONString(nil, s))
		}
		return json.RawMessage(d.rawJSON(n))
	case lake.Datetime:
		if v, _, ok := parseTime(d.text(n)); ok && validTime(v) {
			return v
		}
		return nil
	case lake.Bool:
		switch strings.ToLower(d.text(n)) {
		case "true", "1":
			return true
		case "false", "0":
			return false
		}
		return nil
	case lake.Real:
		if f, err := strconv.ParseFloat(d.text(n), 64); err == nil {
			return f
		}
		return nil
	}
	s := strings.TrimSuffix(d.text(n), ".0")
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || t == lake.Int && (v < -1<<31 || v >= 1<<31) {
		return nil
	}
	return v
}

// tableRow reads an object whose members are the columns of a hunting table,
// by their names, or by those names beginning with a small letter, as Graph
// and the diagnostic streams write them. It is nil for an unknown table; the
// caller sees to the time.
func (d *Decoder) tableRow(table string, objects ...*jnode) row {
	t, ok := lake.Catalog().Table(table)
	if !ok {
		return nil
	}
	doc := &d.doc
	r := make(row, 32)
	for _, n := range objects {
		if n == nil || n.kind != '{' {
			continue
		}
		for i := doc.first(n); i < n.next; i = doc.n[i].next {
			c := &doc.n[i]
			name := plainColumn(c.key)
			if i, ok := t.Column(name); ok {
				name = t.Columns[i].Name
			} else if name = upperFirst(name); name == c.key {
				continue
			}
			k, ok := t.Column(name)
			if !ok || r[name] != nil {
				continue
			}
			if c.kind == '{' && table == "SigninLogs" && name == "Location" {
				// Graph calls by this name what the table calls LocationDetails.
				k, _ = t.Column("LocationDetails")
			}
			if v := doc.coerce(c, t.Columns[k].Type); v != nil {
				r[t.Columns[k].Name] = v
			}
		}
	}
	return r
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// deviceActions tell which Device table an action belongs to; all others are
// DeviceEvents.
var deviceActions = map[string]string{
	"ProcessCreated": "DeviceProcessEvents", "ImageLoaded": "DeviceImageLoadEvents",
	"ConnectionSuccess": "DeviceNetworkEvents", "ConnectionFailed": "DeviceNetworkEvents", "ConnectionRequest": "DeviceNetworkEvents",
	"ConnectionFound": "DeviceNetworkEvents", "ConnectionAcknowledged": "DeviceNetworkEvents", "ConnectionAttempt": "DeviceNetworkEvents",
	"InboundConnectionAccepted": "DeviceNetworkEvents", "InboundConnectionAttempt": "DeviceNetworkEvents", "ListeningConnectionCreated": "DeviceNetworkEvents",
	"NetworkSignatureInspected": "DeviceNetworkEvents", "DnsConnectionInspected": "DeviceNetworkEvents", "HttpConnectionInspected": "DeviceNetworkEvents",
	"FileCreated": "DeviceFileEvents", "FileModified": "DeviceFileEvents", "FileDeleted": "DeviceFileEvents", "FileRenamed": "DeviceFileEvents",
	"RegistryValueSet": "DeviceRegistryEvents", "RegistryKeyCreated": "DeviceRegistryEvents", "RegistryKeyDeleted": "DeviceRegistryEvents",
	"RegistryValueDeleted": "DeviceRegistryEvents", "RegistryKeyRenamed": "DeviceRegistryEvents",
	"LogonSuccess": "DeviceLogonEvents", "LogonFailed": "DeviceLogonEvents", "LogonAttempted": "DeviceLogonEvents",
}

// huntingTable finds the table that an object is a row of, when it does not
// say so itself: by its action for devices, else the table that declares most
// of the members with a value, if it declares nearly all of them.
func (d *jdoc) huntingTable(n *jnode) string {
	if t := d.child(n, "Type"); t != nil && t.kind == 's' {
		if t, ok := lake.Catalog().Table(d.text(t)); ok {
			return t.Name
		}
	}
	var names []string
	action := ""
	for i := d.first(n); i < n.next; i = d.n[i].next {
		c := &d.n[i]
		if c.kind == '0' || c.kind == 's' && c.a == c.b {
			continue
		}
		if names = append(names, plainColumn(c.key)); len(names) > 500 {
			return "" // no table is as wide
		}
		if c.key == "ActionType" {
			action = d.text(c)
		}
	}
	if dev := d.child(n, "DeviceId"); dev != nil && dev.kind == 's' && dev.a < dev.b && action != "" {
		if t, ok := deviceActions[action]; ok {
			return t
		}
		if d.child(n, "InitiatingProcessFileName") != nil || d.child(n, "AdditionalFields") != nil {
			return "DeviceEvents"
		}
	}
	best, most := "", 0
	for _, t := range lake.Catalog().Tables() {
		have := 0
		for _, name := range names {
			if _, ok := t.Column(name); ok {
				have++
			}
		}
		if have > most {
			best, most = t.Name, have
		}
	}
	if most < 3 || most*3 < len(names)*2 {
		return ""
	}
	return best
}

// defenderRow keeps a row that is a hunting row already.
func (d *Decoder) defenderRow(n *jnode, table string, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	props := d.doc.child(n, "properties")
	r := d.tableRow(table, props, n)
	t, ok := lake.Catalog().Table(table)
	if !ok {
		return dst, refuse("row of an unknown hunting table")
	}
	ev := tocsin.Event{Product: "m365_defender", Service: table}
	if ev.Time, ok = r[t.TimeColumn()].(time.Time); !ok && t.Time >= 0 {
		return dst, refuse("row of a hunting table without a readable time")
	}
	ev.Host, _ = r["DeviceName"].(string)
	if props == nil {
		props = n
	}
	ev.Fields = d.cloudFields(props)
	if name, ok := r["DeviceName"].(string); ok {
		r["DeviceName"] = strings.ToLower(name)
		if id, _ := r["DeviceId"].(string); t.Device >= 0 && strings.Trim(id, "0-") == "" {
			// The id was taken out of the export: the name gives another.
			r["DeviceId"] = tocsin.DeviceID(name)
		}
	}
	if t.Key >= 0 && r[t.Columns[t.Key].Name] == nil {
		id := d.reportID(ordinal, 0)
		if r[t.Columns[t.Key].Name] = strconv.FormatInt(id, 10); t.Columns[t.Key].Type == lake.Long {
			r[t.Columns[t.Key].Name] = id
		}
	}
	ev.Rows = append(ev.Rows, tocsin.Row{Table: table, Values: r})
	return append(dst, ev), nil
}
