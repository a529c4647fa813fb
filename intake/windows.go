package intake

import (
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// WindowsEvent is a Windows event as its log holds it, free of any collector's
// envelope. Fields are those of EventData or UserData; System fields among
// them (Level) do no harm.
type WindowsEvent struct {
	Time                        time.Time
	Channel, Provider, Computer string
	EventID, ProcessID          int // ProcessID is the writer's
	RecordID                    int64
	UserSID                     string // the writer's
	Fields                      []tocsin.Field
}

// winEvent is a Windows event on its way through the decoder.
type winEvent struct {
	WindowsEvent
	Level        string // number as text; "" unknown
	Message      string // only where the event has nothing else, or it is needed
	User, Domain string // the writer's account
	twelve       bool   // Time is local, on what may be a 12-hour clock
	linux        bool
}

func (w *winEvent) get(name string) string {
	for i := range w.Fields {
		if w.Fields[i].Name == name {
			return w.Fields[i].Value
		}
	}
	return ""
}

// last is the last value of a name: the event's own, where the header has one
// of the same name.
func (w *winEvent) last(name string) string {
	for i := len(w.Fields) - 1; i >= 0; i-- {
		if w.Fields[i].Name == name {
			return w.Fields[i].Value
		}
	}
	return ""
}

// first is the first of the fields that has a value.
func (w *winEvent) first(names ...string) string {
	for _, n := range names {
		if v := w.get(n); v != "" && v != "-" {
			return v
		}
	}
	return ""
}

// noise tells in which formats a top-level name belongs to the collector and
// not to the event.
type noise uint8

const (
	noiseNXLog noise = 1 << iota
	noiseFlat        // flat-TimeCreated and array-TimeGenerated
	noiseSentinel
)

var noiseOf = func() map[string]noise {
	m := make(map[string]noise)
	add := func(n noise, names string) {
		for _, s := range strings.Fields(names) {
			m[s] |= n
		}
	}
	add(noiseNXLog|noiseFlat|noiseSentinel, `@timestamp @version EventID Channel Provider ProviderGuid Level Keywords Task Opcode
		Message Hostname Computer TimeCreated TimeGenerated SourceName EventSourceName EventData EventRecordID`)
	add(noiseNXLog, `EventTime EventReceivedTime ThreadID Version host port tags SourceModuleName SourceModuleType Severity
		SeverityValue RecordNumber Category OpcodeValue ExecutionProcessID AccountName AccountType Domain UserID
		EventTypeOrignal ERROR_EVT_UNRESOLVED ActivityID RelatedActivityID EventType`)
	add(noiseFlat, `Source UserData Version`)
	add(noiseSentinel, `TenantId SourceSystem EventLog Source EventLevel EventLevelName EventCategory Type MG ManagementGroupName
		_ResourceId _SubscriptionId SourceComputerId EventOriginId TimeCollected InstanceId Activity Account AccountType Process
		LogonTypeName SubjectAccount TargetAccount RenderedDescription UserName ParameterXml HostCustomEntity
		AccountCustomEntity timestamp process Operation SystemUserId Correlation Version SystemProcessId SystemThreadId
		EventRecordId _ItemId _TimeReceived _Internal_WorkspaceResourceId TimeCreated AzureDeploymentID Role EventData_dynamic
		EventData_string Data_dynamic RawEventData ClaimsName`)
	return m
}()

// DecodeWindows maps an event of an event log file. It gives the same rows as
// Decode gives for a rendering of the same event.
func (d *Decoder) DecodeWindows(e WindowsEvent, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	if e.Time.IsZero() || !validTime(e.Time) {
		return dst, refuse("event has no usable time")
	}
	if e.Channel == "" && e.Provider == "" {
		return dst, refuse("Windows event without channel and provider")
	}
	for i := range e.Fields {
		v := &e.Fields[i].Value
		if len(*v) > maxString {
			return dst, refuse("string is longer than 1 MiB")
		}
		if !printableText(*v) {
			// A log's strings are UTF-16 of any content and often end in NUL.
			*v = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimRight(*v, "\x00"), "\ufffd"), "\x00", "\ufffd")
		}
	}
	w := winEvent{WindowsEvent: e}
	w.Fields = headed(&w, e.Fields)
	d.settleTrue(&w)
	return d.emitWindows(&w, ordinal, dst), nil
}

// headed puts the System fields that rules ask for before an event's own, so
// that they win over data of the same name (104 tells of another Channel).
func headed(w *winEvent, own []tocsin.Field) []tocsin.Field {
	fields := header(w, len(own))
	return append(fields, own...)
}

// header is the System fields of every event, with room for n more.
func header(w *winEvent, n int) []tocsin.Field {
	out := make([]tocsin.Field, 0, n+7)
	out = append(out, tocsin.Field{Name: "EventID", Value: smallNumber(w.EventID)})
	for _, f := range [...]tocsin.Field{{Name: "Channel", Value: w.Channel}, {Name: "Provider_Name", Value: w.Provider}, {Name: "Computer", Value: w.Computer}, {Name: "Level", Value: w.Level}} {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// windows decodes one rendering of a Windows event.
func (d *Decoder) windows(n *jnode, format recordFormat, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	var w winEvent
	var wall, other time.Time
	var err error
	switch format {
	case formatNXLog:
		wall, err = d.fromNXLog(n, &w)
	case formatFlat:
		wall, err = d.fromFlat(n, &w)
	case formatArray:
		wall, other, err = d.fromArray(n, &w)
	case formatBeat6:
		wall, err = d.fromBeat6(n, &w)
	case formatBeat7:
		wall, err = d.fromBeat7(n, &w)
	case formatEventXMLJSON:
		wall, err = d.fromEventObject(n, &w)
	case formatSentinel:
		wall, err = d.fromSentinel(n, &w)
	default:
		return d.syslog(n, ordinal, dst)
	}
	if err != nil {
		return dst, err
	}
	if d.take.over {
		return dst, errTooWide
	}
	if !validTime(wall) {
		return dst, refuse("time lies before 1970 or after 2261")
	}
	if w.Channel == "" && w.Provider == "" {
		return dst, refuse("Windows event without channel and provider")
	}
	w.Time = wall
	switch format {
	case formatFlat, formatNXLog:
		w.twelve = format == formatFlat
		return d.settleLocal(&w, int(n.b-n.a), ordinal, dst), nil
	case formatArray:
		d.settleHalf(&w, other)
	default:
		d.settleTrue(&w)
	}
	return d.emitWindows(&w, ordinal, dst), nil
}

// ownTime is the UtcTime of a Sysmon event. trusty is false for the two events
// that Sysmon stamps from the tracing session's clock, which runs behind after
// a machine slept.
func (w *winEvent) ownTime() (t time.Time, trusty bool) {
	if !w.sysmon() {
		return time.Time{}, false
	}
	s := w.get("UtcTime")
	if s == "" {
		return time.Time{}, false
	}
	t, _, ok := parseTime(s)
	if !ok {
		return time.Time{}, false
	}
	return t, w.EventID != 3 && w.EventID != 22
}

func (w *winEvent) sysmon() bool {
	return w.Provider == "Microsoft-Windows-Sysmon" || strings.HasPrefix(w.Channel, "Microsoft-Windows-Sysmon/") || w.Provider == "Linux-Sysmon"
}

// settleTrue is for collectors that say UTC: the event's own time is finer,
// unless it is days behind.
func (d *Decoder) settleTrue(w *winEvent) {
	if own, _ := w.ownTime(); !own.IsZero() && within(own.Sub(w.Time)) {
		w.Time = own
	}
}

func (d *Decoder) settleHalf(w *winEvent, local time.Time) {
	own, trusty := w.ownTime()
	if gap := own.Sub(w.Time); !own.IsZero() && (within(gap) || within(gap-half) || within(gap+half)) {
		w.Time = own
		if trusty {
			d.clock.ref = own
		}
		return
	}
	w.Time = d.clock.mendHalf(w.Time, local)
}

func (d *Decoder) settleLocal(w *winEvent, size int, ordinal int64, dst []tocsin.Event) []tocsin.Event {
	c := &d.clock
	if own, trusty := w.ownTime(); !own.IsZero() {
		knew := c.known
		if c.learn(w.Computer, w.Time, own, trusty) || c.agrees(w.Computer, w.Time, own) {
			w.Time = own
			if !knew && c.known {
				dst = d.release(dst)
			}
			return d.emitWindows(w, ordinal, dst)
		}
	}
	if _, ok := c.offset(w.Computer); ok || d.gaveUp {
		w.Time = c.mend(w.Computer, w.Time, w.twelve)
		return d.emitWindows(w, ordinal, dst)
	}
	d.held = append(d.held, heldEvent{*w, ordinal})
	d.heldBytes += size
	if len(d.held) >= maxHeld || d.heldBytes > maxHeldBytes {
		d.gaveUp = true
		dst = d.release(dst)
	}
	return dst
}

// emitWindows maps an event whose time is settled.
func (d *Decoder) emitWindows(w *winEvent, ordinal int64, dst []tocsin.Event) []tocsin.Event {
	ev := tocsin.Event{
		Product: "windows", Service: serviceOf(w), Channel: w.Channel, Provider: w.Provider, EventID: w.EventID,
		Time: w.Time, Host: w.Computer, Fields: w.Fields,
	}
	if w.linux {
		ev.Product = "linux"
	}
	d.mapWindows(&ev, w, ordinal)
	return append(dst, ev)
}

// services are the Sigma names of Windows logs, by channel in lower case.
var services = map[string]string{
	"security": "security", "system": "system", "application": "application",
	"microsoft-windows-sysmon/operational":     "sysmon",
	"windows powershell":                       "powershell-classic",
	"microsoft-windows-powershell/operational": "powershell", "powershellcore/operational": "powershell",
	"microsoft-windows-taskscheduler/operational":                              "taskscheduler",
	"microsoft-windows-windows defender/operational":                           "windefend",
	"microsoft-windows-wmi-activity/operational":                               "wmi",
	"microsoft-windows-dns-client/operational":                                 "dns-client",
	"microsoft-windows-windows firewall with advanced security/firewall":       "firewall-as",
	"microsoft-windows-bits-client/operational":                                "bits-client",
	"microsoft-windows-terminalservices-localsessionmanager/operational":       "terminalservices-localsessionmanager",
	"microsoft-windows-terminalservices-remoteconnectionmanager/operational":   "terminalservices-remoteconnectionmanager",
	"microsoft-windows-codeintegrity/operational":                              "codeintegrity-operational",
	"microsoft-windows-ntlm/operational":                                       "ntlm",
	"microsoft-windows-applocker/exe and dll":                                  "applocker",
	"microsoft-windows-driverframeworks-usermode/operational":                  "driver-framework",
	"microsoft-windows-appxdeploymentserver/operational":                       "appxdeployment-server",
	"microsoft-windows-ldap-client/debug":                                      "ldap",
	"msexchange management":                                                    "msexchange-management",
	"openssh/operational":                                                      "openssh",
	"dns server":                                                               "dns-server",
	"microsoft-windows-printservice/operational":                               "printservice-operational",
	"microsoft-windows-printservice/admin":                                     "printservice-admin",
	"microsoft-windows-smbclient/security":                                     "smbclient-security",
	"microsoft-windows-smbclient/connectivity":                                 "smbclient-connectivity",
	"microsoft-windows-security-mitigations/kernelmode":                        "security-mitigations",
	"microsoft-windows-shell-core/operational":                                 "shell-core",
	"microsoft-windows-capi2/operational":                                      "capi2",
	"microsoft-windows-lsa/operational":                                        "lsa-server",
	"microsoft-windows-diagnosis-scripted/operational":                         "diagnosis-scripted",
	"microsoft-iis-configuration/operational":                                  "iis-configuration",
	"microsoft-windows-certificateservicesclient-lifecycle-system/operational": "certificateservicesclient-lifecycle-system",
}

func serviceOf(w *winEvent) string {
	if w.sysmon() {
		return "sysmon"
	}
	if s, ok := services[w.Channel]; ok {
		return s
	}
	return services[strings.ToLower(w.Channel)]
}
