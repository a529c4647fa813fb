package intake

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// mapWindows makes the hunting rows of an event, or says why there are none.
func (d *Decoder) mapWindows(ev *tocsin.Event, w *winEvent, ordinal int64) {
	switch {
	case w.sysmon():
		d.sysmon(ev, w, ordinal)
	case strings.EqualFold(w.Channel, "Security"):
		d.security(ev, w, ordinal)
	default:
		if f, ok := channelMaps[strings.ToLower(w.Channel)][w.EventID]; ok {
			f(d, ev, w, ordinal)
		}
	}
	if len(ev.Rows) == 0 && ev.Unmapped == "" {
		ev.Unmapped = unmappedReason(w)
	}
}

func unmappedReason(w *winEvent) string {
	channel := w.Channel
	if channel == "" {
		channel = w.Provider
	}
	return "no hunting table takes Windows channel " + channel + " event " + smallNumber(w.EventID)
}

type mapper func(*Decoder, *tocsin.Event, *winEvent, int64)

// channelMaps are the events of channels other than Sysmon's and Security's
// that have a place, by channel in lower case.
var channelMaps = map[string]map[int]mapper{
	"system": {
		104: (*Decoder).logCleared, 7045: (*Decoder).serviceInstalled,
		7023: (*Decoder).serviceState, 7034: (*Decoder).serviceState, 7036: (*Decoder).serviceState, 7040: (*Decoder).serviceState,
	},
	"microsoft-windows-powershell/operational": {4103: (*Decoder).powerShell, 4104: (*Decoder).scriptBlock},
	"powershellcore/operational":               {4103: (*Decoder).powerShell, 4104: (*Decoder).scriptBlock},
	"windows powershell": {
		400: (*Decoder).powerShell, 403: (*Decoder).powerShell, 600: (*Decoder).powerShell, 800: (*Decoder).powerShell,
	},
	"microsoft-windows-taskscheduler/operational": {
		106: (*Decoder).scheduledTask, 140: (*Decoder).scheduledTask, 141: (*Decoder).scheduledTask, 142: (*Decoder).scheduledTask, 200: (*Decoder).scheduledTask,
	},
	"microsoft-windows-wmi-activity/operational": {5861: (*Decoder).wmiBinding},
	"microsoft-windows-dns-client/operational":   {3008: (*Decoder).dnsClient},
	"microsoft-windows-windows defender/operational": {
		1006: (*Decoder).antivirus, 1007: (*Decoder).antivirus, 1015: (*Decoder).antivirus, 1116: (*Decoder).antivirus,
		1117: (*Decoder).antivirus, 1118: (*Decoder).antivirus, 1119: (*Decoder).antivirus,
	},
	"microsoft-windows-windows firewall with advanced security/firewall": {
		2004: (*Decoder).firewallRule, 2005: (*Decoder).firewallRule, 2006: (*Decoder).firewallRule,
		2052: (*Decoder).firewallRule, 2071: (*Decoder).firewallRule, 2097: (*Decoder).firewallRule,
	},
}

// securityMaps are the events of the Security log that have a better place
// than the SecurityEvent table, which takes all others.
var securityMaps = map[int]mapper{
	1102: (*Decoder).logCleared,
	4624: (*Decoder).logon, 4625: (*Decoder).logon, 4648: (*Decoder).logon,
	4656: (*Decoder).objectAccess, 4663: (*Decoder).objectAccess,
	4657: (*Decoder).registryAudit,
	4661: (*Decoder).directoryQuery, 4798: (*Decoder).directoryQuery, 4799: (*Decoder).directoryQuery,
	4662: (*Decoder).directoryAccess, 5136: (*Decoder).directoryChange,
	4672: (*Decoder).token, 4673: (*Decoder).token, 4674: (*Decoder).token, 4703: (*Decoder).token,
	4688: (*Decoder).processAudit, 4689: (*Decoder).processAuditEnd,
	4697: (*Decoder).serviceInstalled,
	4698: (*Decoder).scheduledTask, 4699: (*Decoder).scheduledTask, 4700: (*Decoder).scheduledTask, 4701: (*Decoder).scheduledTask, 4702: (*Decoder).scheduledTask,
	4719: (*Decoder).auditPolicy, 4912: (*Decoder).auditPolicy,
	4720: (*Decoder).accountChange, 4722: (*Decoder).accountChange, 4723: (*Decoder).accountChange, 4724: (*Decoder).accountChange,
	4725: (*Decoder).accountChange, 4726: (*Decoder).accountChange, 4738: (*Decoder).accountChange, 4740: (*Decoder).accountChange,
	4767: (*Decoder).accountChange, 4781: (*Decoder).accountChange,
	4728: (*Decoder).groupChange, 4729: (*Decoder).groupChange, 4732: (*Decoder).groupChange, 4733: (*Decoder).groupChange,
	4756: (*Decoder).groupChange, 4757: (*Decoder).groupChange,
	4768: (*Decoder).identityLogon, 4769: (*Decoder).identityLogon, 4771: (*Decoder).identityLogon, 4776: (*Decoder).identityLogon,
	5140: (*Decoder).shareAccess, 5145: (*Decoder).shareAccess,
	5152: (*Decoder).filtering, 5154: (*Decoder).filtering, 5156: (*Decoder).filtering, 5157: (*Decoder).filtering, 5158: (*Decoder).filtering,
}

func (d *Decoder) security(ev *tocsin.Event, w *winEvent, ordinal int64) {
	switch w.EventID {
	case 4768, 4769, 4770, 4771, 5136, 5137, 5141:
		// Only a domain controller writes these.
		if len(d.dcs) < maxState {
			d.dcs[w.Computer] = true
		}
	}
	// Other programs log to Security too (AD FS), with numbers of their own.
	own := w.Provider == "" || strings.HasPrefix(w.Provider, "Microsoft-Windows-")
	if f, ok := securityMaps[w.EventID]; ok && own {
		f(d, ev, w, ordinal)
	}
	if len(ev.Rows) == 0 && ev.Unmapped == "" {
		d.securityEvent(ev, w, ordinal)
	}
}

// subject stores the account that acted, under a prefix.
func (r row) subject(prefix string, w *winEvent) {
	r.account(prefix, w.get("SubjectDomainName"), w.get("SubjectUserName"), w.get("SubjectUserSid"))
}

// caller stores the process that an audit event names, with its account.
func (d *Decoder) caller(r row, w *winEvent) {
	d.initiator(r, w, clean(w.first("ProcessName", "CallerProcessName")), clean(w.first("ProcessId", "CallerProcessId")), "")
	r.subject("InitiatingProcessAccount", w)
	r.long("InitiatingProcessLogonId", w.get("SubjectLogonId"))
}

func clean(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func (d *Decoder) processAudit(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "ProcessCreated")
	image := w.get("NewProcessName")
	r.file(image)
	r.long("ProcessId", w.get("NewProcessId"))
	r.set("ProcessCommandLine", w.get("CommandLine"))
	r.set("ProcessIntegrityLevel", integrityOf(w.get("MandatoryLabel")))
	r.set("ProcessTokenElevation", elevationOf(w.get("TokenElevationType")))
	r["ProcessCreationTime"] = ev.Time
	domain, name, sid, logon := w.get("TargetDomainName"), w.get("TargetUserName"), w.get("TargetUserSid"), w.get("TargetLogonId")
	if name == "" || name == "-" {
		domain, name, sid, logon = w.get("SubjectDomainName"), w.get("SubjectUserName"), w.get("SubjectUserSid"), w.get("SubjectLogonId")
	}
	r.account("Account", domain, name, sid)
	r.long("LogonId", logon)
	parent := clean(w.first("ParentProcessName", "CreatorProcessName"))
	d.initiator(r, w, parent, w.get("ProcessId"), "")
	r.subject("InitiatingProcessAccount", w)
	r.long("InitiatingProcessLogonId", w.get("SubjectLogonId"))

	p := &process{image: image, command: w.get("CommandLine"), created: ev.Time, user: name, domain: strings.ToLower(domain), sid: sid, parentImage: parent}
	p.pid, _ = r["ProcessId"].(int64)
	p.parentPID, _ = r["InitiatingProcessId"].(int64)
	// Sysmon tells more of the same start (its id and hashes); keep that.
	if have := d.procs.get(pidKey(w.Computer, p.pid)); have == nil || have.guid == "" || !within(ev.Time.Sub(have.created)) {
		d.procs.put(pidKey(w.Computer, p.pid), p)
	}
	d.emit(ev, "DeviceProcessEvents", r, ordinal)
}

func (d *Decoder) processAuditEnd(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "ProcessTerminated")
	d.processEnd(r, w, w.get("ProcessName"), w.get("ProcessId"), "", "")
	r.subject("Account", w)
	r.long("LogonId", w.get("SubjectLogonId"))
	var b bag
	b.add("ExitStatus", w.get("Status"))
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

// integrityOf names a mandatory label.
func integrityOf(sid string) string {
	switch sid {
	case "S-1-16-0":
		return "Untrusted"
	case "S-1-16-4096":
		return "Low"
	case "S-1-16-8192":
		return "Medium"
	case "S-1-16-8448":
		return "MediumPlus"
	case "S-1-16-12288":
		return "High"
	case "S-1-16-16384":
		return "System"
	case "S-1-16-20480":
		return "Protected"
	}
	return ""
}

func elevationOf(v string) string {
	switch v {
	case "%%1936":
		return "TokenElevationTypeDefault"
	case "%%1937":
		return "TokenElevationTypeFull"
	case "%%1938":
		return "TokenElevationTypeLimited"
	}
	return ""
}

// filtering maps the filtering platform's events. Their process ids are
// decimal, unlike those of all other audit events, and their paths are those
// of the device.
func (d *Decoder) filtering(ev *tocsin.Event, w *winEvent, ordinal int64) {
	in := w.get("Direction") == "%%14592"
	action := "ConnectionSuccess"
	switch {
	case w.EventID == 5154 || w.EventID == 5158:
		action = "ListeningConnectionCreated"
	case w.EventID == 5152 || w.EventID == 5157:
		action = "ConnectionFailed"
	case in:
		action = "InboundConnectionAccepted"
	}
	r := d.deviceRow(ev, action)
	source, sport, dest, dport := w.get("SourceAddress"), w.get("SourcePort"), w.get("DestAddress"), w.get("DestPort")
	// Of an inbound connection the platform calls the remote end the source.
	if in && dest != "" {
		source, sport, dest, dport = dest, dport, source, sport
	}
	r.ends(source, sport, dest, dport)
	r.set("Protocol", protocolName(w.get("Protocol")))
	d.initiator(r, w, clean(w.get("Application")), clean(w.first("ProcessId", "ProcessID")), "")
	var b bag
	b.pick(w.get, "Direction", "LayerName", "FilterRTID", "LayerRTID", "FilterOrigin")
	b.putText(r)
	d.emit(ev, "DeviceNetworkEvents", r, ordinal)
}

// shareAccess maps access to shared files. Only the masks that write data or
// append to it are file events; the rest are checks.
func (d *Decoder) shareAccess(ev *tocsin.Event, w *winEvent, ordinal int64) {
	path := strings.TrimPrefix(clean(w.get("ShareLocalPath")), `\??\`)
	name := clean(w.get("RelativeTargetName"))
	if path != "" && name != "" {
		path = strings.TrimSuffix(path, `\`) + `\` + name
	} else if path == "" && name != "" {
		path = strings.TrimSuffix(w.get("ShareName"), `\`) + `\` + name
	}
	mask, _ := wideNumber(w.get("AccessMask"))
	var b bag
	b.pick(w.get, "AccessList", "AccessMask", "AccessReason")
	if w.EventID == 5145 && name != "" && (mask == 2 || mask == 4 || mask == 6) {
		action := "FileModified"
		if mask == 2 {
			action = "FileCreated"
		}
		r := d.deviceRow(ev, action)
		r.file(path)
		r.subject("RequestAccount", w)
		r.ip("RequestSourceIP", w.get("IpAddress"))
		r.port("RequestSourcePort", w.get("IpPort"))
		r["RequestProtocol"] = "SMB"
		r.set("ShareName", w.get("ShareName"))
		b.putText(r)
		d.emit(ev, "DeviceFileEvents", r, ordinal)
		return
	}
	r := d.deviceRow(ev, "NetworkShareObjectAccessChecked")
	r.file(path)
	r.subject("Account", w)
	r.long("LogonId", w.get("SubjectLogonId"))
	r.ip("RemoteIP", w.get("IpAddress"))
	r.port("RemotePort", w.get("IpPort"))
	b.pick(w.get, "ShareName", "ShareLocalPath", "RelativeTargetName", "ObjectType")
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

func (d *Decoder) registryAudit(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action := "RegistryValueSet"
	if w.get("OperationType") == "%%1906" {
		action = "RegistryValueDeleted"
	}
	r := d.deviceRow(ev, action)
	r.set("RegistryKey", expandHive(w.get("ObjectName")))
	r.set("RegistryValueName", w.get("ObjectValueName"))
	r.set("RegistryValueData", w.get("NewValue"))
	r.set("RegistryValueType", registryType(w.get("NewValueType")))
	r.set("PreviousRegistryValueData", w.get("OldValue"))
	d.caller(r, w)
	delete(r, "InitiatingProcessLogonId") // the table has no such column
	d.emit(ev, "DeviceRegistryEvents", r, ordinal)
}

// registryType names the message numbers of registry types.
func registryType(v string) string {
	switch v {
	case "%%1872":
		return "None"
	case "%%1873":
		return "String"
	case "%%1874":
		return "ExpandString"
	case "%%1875":
		return "Binary"
	case "%%1876":
		return "Dword"
	case "%%1879":
		return "MultiString"
	case "%%1883":
		return "Qword"
	}
	return v
}
