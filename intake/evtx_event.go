package intake

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// fill takes the System part and the data part out of an event's XML.
func (r *EVTXRecord) fill(event *evtxNode) error {
	if event.name != "Event" {
		return errors.New("binary XML is no event: its root is " + strconv.Quote(event.name))
	}
	for _, n := range event.nodes {
		switch n.name {
		case "System":
			r.system(n)
		case "EventData":
			r.eventData(n)
		case "UserData":
			// The one element inside carries the schema's name, not the data's.
			for _, wrapper := range n.nodes {
				r.nested("", wrapper)
			}
		case "RenderingInfo":
			// Text that Windows made from the same values for people to read.
		default:
			r.nested(n.name, n)
		}
	}
	return nil
}

func (r *EVTXRecord) system(sys *evtxNode) {
	for _, n := range sys.nodes {
		text := n.joined()
		if text != "" {
			r.System = append(r.System, tocsin.Field{Name: n.name, Value: text})
		}
		for _, a := range n.attrs {
			if a.value != "" {
				r.System = append(r.System, tocsin.Field{Name: n.name + "." + a.name, Value: a.value})
			}
		}
		switch n.name {
		case "Provider":
			r.Provider, r.GUID, r.Source = n.attr("Name"), n.attr("Guid"), n.attr("EventSourceName")
		case "EventID":
			r.EventID = number(text)
		case "Version":
			r.Version = number(text)
		case "Level":
			r.Level = number(text)
		case "Task":
			r.Task = number(text)
		case "Opcode":
			r.Opcode = number(text)
		case "Keywords":
			r.Keywords = text
		case "TimeCreated":
			// An unreadable time stays zero; the caller then uses the record's own.
			r.Time, _ = time.Parse(time.RFC3339Nano, n.attr("SystemTime"))
		case "Correlation":
			r.Activity = n.attr("ActivityID")
		case "Execution":
			r.ProcessID, r.ThreadID = number(n.attr("ProcessID")), number(n.attr("ThreadID"))
		case "Channel":
			r.Channel = text
		case "Computer":
			r.Computer = text
		case "Security":
			r.UserID = n.attr("UserID")
		}
	}
}

func (n *evtxNode) attr(name string) string {
	for _, a := range n.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// number reads a decimal number; 0 for anything else.
func number(s string) int {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// eventData flattens <Data Name="x">v</Data> to x=v.
func (r *EVTXRecord) eventData(data *evtxNode) {
	for _, n := range data.nodes {
		name := n.attr("Name")
		if name == "" {
			name = n.name
		}
		r.put(name, n)
	}
	if len(data.nodes) == 0 && len(data.text) > 0 {
		r.put("Data", data)
	}
}

// nested flattens any element: its children become prefix.child.
func (r *EVTXRecord) nested(prefix string, n *evtxNode) {
	for _, c := range n.nodes {
		name := c.name
		if c.name == "Data" && c.attr("Name") != "" {
			name = c.attr("Name")
		}
		if prefix != "" {
			name = prefix + "." + name
		}
		r.put(name, c)
	}
	if len(n.nodes) == 0 && len(n.text) > 0 {
		if prefix == "" {
			prefix = n.name
		}
		r.text(prefix, n)
	}
}

// put adds an element under a name: its text, or its children below it.
func (r *EVTXRecord) put(name string, n *evtxNode) {
	if len(n.nodes) > 0 {
		r.nested(name, n)
		return
	}
	r.text(name, n)
}

func (r *EVTXRecord) text(name string, n *evtxNode) {
	if !n.items {
		r.Fields = append(r.Fields, tocsin.Field{Name: name, Value: n.joined()})
		return
	}
	for _, s := range n.text {
		r.Fields = append(r.Fields, tocsin.Field{Name: name, Value: s})
	}
}
