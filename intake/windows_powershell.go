package intake

import (
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// script is a script block of which parts are still missing.
type script struct {
	parts []string
	have  int
	size  int
}

const (
	maxScripts    = 256
	maxScriptSize = 4 << 20
)

// scriptBlock maps a logged script. A long one comes in parts: each part is a
// row with its own text, so that nothing is lost where one is missing, and the
// row of the part that completes the block has the whole text besides.
func (d *Decoder) scriptBlock(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "PowerShellCommand")
	d.writer(r, w)
	text, id := w.get("ScriptBlockText"), w.get("ScriptBlockId")
	total, _ := wideNumber(w.get("MessageTotal"))
	number, _ := wideNumber(w.get("MessageNumber"))
	var b bag
	b.add("ScriptBlockText", text)
	b.pick(w.get, "ScriptBlockId", "MessageNumber", "MessageTotal", "Path")
	if total > 1 {
		if whole, ok := d.joinScript(w.Computer+"|"+id, text, number, total); ok {
			b.add("FullScriptBlockText", whole)
		}
	}
	if p := w.get("Path"); p != "" {
		r.file(p)
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
	d.onDC(ev, w, "PowerShell execution", ordinal, "ScriptBlockId", "Path")
}

func (d *Decoder) joinScript(key, text string, number, total int64) (string, bool) {
	if number < 1 || number > total || total > 4096 {
		return "", false
	}
	s := d.scripts[key]
	if s == nil {
		if len(d.order) >= maxScripts {
			delete(d.scripts, d.order[0])
			d.order = d.order[1:]
		}
		s = &script{parts: make([]string, total)}
		d.scripts[key] = s
		d.order = append(d.order, key)
	}
	if int(number) > len(s.parts) || s.parts[number-1] != "" || s.size+len(text) > maxScriptSize {
		return "", false
	}
	s.parts[number-1] = text
	s.have++
	s.size += len(text)
	if s.have < len(s.parts) {
		return "", false
	}
	whole := strings.Join(s.parts, "")
	// The entry stays, emptied, so that a repeated part does not begin anew.
	s.parts = make([]string, 0)
	if len(whole) > maxString {
		return "", false
	}
	return whole, true
}

// powerShell maps pipeline executions (4103, 800) and the engine's life (400,
// 403, 600). What ran it stands in a text of "name = value" lines.
func (d *Decoder) powerShell(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "PowerShellCommand")
	d.writer(r, w)
	var b bag
	context := w.get("ContextInfo")
	if w.EventID == 4103 {
		b.add("Command", contextValue(context, "Command Name"))
		b.pick(w.get, "Payload")
		b.add("ScriptName", contextValue(context, "Script Name"))
		b.add("HostApplication", contextValue(context, "Host Application"))
		b.add("HostId", contextValue(context, "Host ID"))
		b.pick(w.get, "ContextInfo")
	} else {
		context = w.Message
		if context == "" {
			context = dataText(w)
		}
		b.add("EngineEvent", strconv.Itoa(w.EventID))
		b.add("Command", firstOf(contextValue(context, "CommandLine"), pipeline(w)))
		b.add("ScriptName", contextValue(context, "ScriptName"))
		b.add("HostApplication", contextValue(context, "HostApplication"))
		b.add("HostId", contextValue(context, "HostId"))
		b.add("Message", context)
	}
	r.set("InitiatingProcessCommandLine", firstOf(contextValue(context, "Host Application"), contextValue(context, "HostApplication")))
	if u := firstOf(contextValue(context, "User"), contextValue(context, "UserId")); u != "" {
		r.initiatorAccount(u)
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// dataText joins an older event's values without names.
func dataText(w *winEvent) string {
	var parts []string
	for i := range w.Fields {
		if w.Fields[i].Name == "Data" {
			parts = append(parts, w.Fields[i].Value)
		}
	}
	return strings.Join(parts, "\n")
}

// pipeline is the command of an event 800, its first value.
func pipeline(w *winEvent) string {
	if w.EventID != 800 || w.Message != "" {
		return ""
	}
	return strings.TrimSpace(w.get("Data"))
}

// contextValue finds "name = value" or "name=value" on a line of its own.
func contextValue(context, name string) string {
	for rest := context; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return ""
		}
		before := strings.TrimRight(rest[:i], " \t")
		after := strings.TrimLeft(rest[i+len(name):], " ")
		if (before == "" || strings.HasSuffix(before, "\n")) && strings.HasPrefix(after, "=") {
			line, _, _ := strings.Cut(after[1:], "\n")
			return strings.TrimSpace(line)
		}
		rest = rest[i+len(name):]
	}
}
