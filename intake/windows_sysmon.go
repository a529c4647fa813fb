package intake

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// sysmon maps Sysmon's events, of Windows and of Linux.
func (d *Decoder) sysmon(ev *tocsin.Event, w *winEvent, ordinal int64) {
	switch w.EventID {
	case 1:
		d.sysmonProcess(ev, w, ordinal)
	case 2, 11, 15, 23, 26, 29:
		d.sysmonFile(ev, w, ordinal)
	case 3:
		d.sysmonNetwork(ev, w, ordinal)
	case 6, 7:
		d.sysmonImage(ev, w, ordinal)
	case 8, 10:
		d.sysmonAccess(ev, w, ordinal)
	case 12, 13, 14:
		d.sysmonRegistry(ev, w, ordinal)
	default:
		d.sysmonOther(ev, w, ordinal)
	}
}

func (d *Decoder) sysmonProcess(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "ProcessCreated")
	image, guid := w.get("Image"), uniqueID(w.get("ProcessGuid"))
	r.file(image)
	r.hashes(w.get("Hashes"))
	r.version("Process", w)
	r.long("ProcessId", w.get("ProcessId"))
	r.set("ProcessCommandLine", w.get("CommandLine"))
	r.set("ProcessIntegrityLevel", w.get("IntegrityLevel"))
	r["ProcessCreationTime"] = ev.Time
	r.set("ProcessUniqueId", guid)
	domain, name := splitUser(w.get("User"))
	r.account("Account", domain, name, "")
	r.long("LogonId", w.get("LogonId"))
	r.long("CreatedProcessSessionId", w.get("TerminalSessionId"))
	d.initiator(r, w, w.get("ParentImage"), w.get("ParentProcessId"), w.get("ParentProcessGuid"))
	r.set("InitiatingProcessCommandLine", w.get("ParentCommandLine"))
	if u := w.get("ParentUser"); u != "" {
		r.initiatorAccount(u)
	}
	var b bag
	b.pick(w.get, "CurrentDirectory", "TerminalSessionId", "RuleName", "LogonGuid")
	b.putText(r)

	p := &process{image: image, command: w.get("CommandLine"), guid: guid, created: ev.Time, user: name, domain: domain,
		parentImage: w.get("ParentImage"), integrity: w.get("IntegrityLevel")}
	p.pid, _ = r["ProcessId"].(int64)
	p.parentPID, _ = r["InitiatingProcessId"].(int64)
	p.sha1, _ = r["SHA1"].(string)
	p.sha256, _ = r["SHA256"].(string)
	p.md5, _ = r["MD5"].(string)
	d.procs.put(guid, p)
	d.procs.put(pidKey(w.Computer, p.pid), p)
	d.emit(ev, "DeviceProcessEvents", r, ordinal)
}

// doer stores the process that Sysmon names by Image, ProcessId, ProcessGuid
// and, in later versions, User.
func (d *Decoder) doer(r row, w *winEvent) {
	d.initiator(r, w, w.get("Image"), w.get("ProcessId"), w.get("ProcessGuid"))
	if u := w.get("User"); u != "" {
		r.initiatorAccount(u)
	}
}

func (d *Decoder) sysmonNetwork(ev *tocsin.Event, w *winEvent, ordinal int64) {
	out := strings.EqualFold(w.get("Initiated"), "true")
	action, local, remote := "InboundConnectionAccepted", "Destination", "Source"
	if out {
		action, local, remote = "ConnectionSuccess", remote, local
	}
	r := d.deviceRow(ev, action)
	r.ends(w.get(local+"Ip"), w.get(local+"Port"), w.get(remote+"Ip"), w.get(remote+"Port"))
	if out {
		name := w.get("DestinationHostname")
		if name == "" || name == "-" {
			name = d.answers[w.Computer+"|"+address(w.get("DestinationIp"))]
		}
		r.set("RemoteUrl", name)
	}
	r.set("Protocol", protocolName(w.get("Protocol")))
	d.doer(r, w)
	var b bag
	b.pick(w.get, "SourceHostname", "SourcePortName", "DestinationPortName", "RuleName")
	b.putText(r)
	d.emit(ev, "DeviceNetworkEvents", r, ordinal)
}

// ends stores both ends of a connection.
func (r row) ends(localIP, localPort, remoteIP, remotePort string) {
	r.ip("LocalIP", localIP)
	r.port("LocalPort", localPort)
	r.ip("RemoteIP", remoteIP)
	r.port("RemotePort", remotePort)
	if a, ok := r["LocalIP"].(string); ok {
		r["LocalIPType"] = ipKind(a)
	}
	if a, ok := r["RemoteIP"].(string); ok {
		r["RemoteIPType"] = ipKind(a)
	}
}

// ipKind is the kind of address in Defender's words.
func ipKind(a string) string {
	ip, ok := tocsin.ParseIP(a)
	switch {
	case !ok:
		return ""
	case ip.IsLoopback():
		return "Loopback"
	case ip.IsLinkLocalUnicast():
		return "LinkLocal"
	case ip.IsMulticast():
		return "Multicast"
	case a == "255.255.255.255":
		return "Broadcast"
	case ip.IsPrivate():
		return "Private"
	case ip.IsUnspecified():
		return "Reserved"
	}
	return "Public"
}

// protocolName is one spelling for names and IANA numbers.
func protocolName(p string) string {
	switch strings.ToLower(p) {
	case "6", "tcp":
		return "Tcp"
	case "17", "udp":
		return "Udp"
	case "1", "icmp":
		return "Icmp"
	case "58", "icmpv6":
		return "IcmpV6"
	}
	return p
}

var sysmonFileActions = map[int]string{2: "FileModified", 11: "FileCreated", 15: "FileCreated", 23: "FileDeleted", 26: "FileDeleted", 29: "FileCreated"}

func (d *Decoder) sysmonFile(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, sysmonFileActions[w.EventID])
	r.file(w.get("TargetFilename"))
	r.hashes(w.first("Hashes", "Hash"))
	d.doer(r, w)
	var b bag
	b.pick(w.get, "RuleName", "CreationUtcTime", "PreviousCreationUtcTime", "IsExecutable", "Archived")
	if c := w.get("Contents"); w.EventID == 15 {
		b.add("Contents", c)
		for line := range strings.Lines(c) {
			line = strings.TrimSpace(line)
			if u, ok := strings.CutPrefix(line, "HostUrl="); ok {
				r.set("FileOriginUrl", firstWord(u))
			}
			if u, ok := strings.CutPrefix(line, "ReferrerUrl="); ok {
				r.set("FileOriginReferrerUrl", firstWord(u))
			}
		}
	}
	b.putText(r)
	d.emit(ev, "DeviceFileEvents", r, ordinal)
}

// firstWord cuts at a blank: collectors put the lines of a text on one.
func firstWord(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	return s
}

func (d *Decoder) sysmonImage(ev *tocsin.Event, w *winEvent, ordinal int64) {
	table, action := "DeviceImageLoadEvents", "ImageLoaded"
	if w.EventID == 6 {
		table, action = "DeviceEvents", "DriverLoad"
	}
	r := d.deviceRow(ev, action)
	r.file(w.get("ImageLoaded"))
	r.hashes(w.get("Hashes"))
	if w.EventID == 7 {
		d.doer(r, w)
	}
	var b bag
	b.pick(w.get, "OriginalFileName", "Product", "Company", "Description", "FileVersion", "RuleName")
	if w.EventID == 6 {
		b.pick(w.get, "Signed", "Signature", "SignatureStatus")
		b.putText(r)
	}
	// DeviceImageLoadEvents has no AdditionalFields; the file's own facts go
	// into the certificate row's columns as far as that has any.
	d.emit(ev, table, r, ordinal)
	if sha1, ok := r["SHA1"].(string); ok && w.get("Signed") != "" {
		c := newRow(ev.Time)
		c["DeviceName"], c["DeviceId"], c["SHA1"] = r["DeviceName"], r["DeviceId"], sha1
		c["IsSigned"] = strings.EqualFold(w.get("Signed"), "true")
		c["IsTrusted"] = strings.EqualFold(w.get("SignatureStatus"), "Valid")
		c.set("Signer", w.get("Signature"))
		d.emit(ev, "DeviceFileCertificateInfo", c, ordinal)
	}
}

// sysmonAccess maps one process reaching into another. Event 10 spells GUID
// where event 8 and some collectors spell Guid.
func (d *Decoder) sysmonAccess(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action := "OpenProcessApiCall"
	if w.EventID == 8 {
		action = "CreateRemoteThreadApiCall"
	}
	r := d.deviceRow(ev, action)
	d.initiator(r, w, w.get("SourceImage"), w.get("SourceProcessId"), w.first("SourceProcessGUID", "SourceProcessGuid"))
	if u := w.get("SourceUser"); u != "" {
		r.initiatorAccount(u)
	}
	r.file(w.get("TargetImage"))
	r.long("ProcessId", w.get("TargetProcessId"))
	guid := uniqueID(w.first("TargetProcessGUID", "TargetProcessGuid"))
	r.set("ProcessUniqueId", guid)
	if p := d.procs.get(guid); p != nil {
		r.set("ProcessCommandLine", p.command)
		r["ProcessCreationTime"] = p.created
	}
	domain, name := splitUser(w.get("TargetUser"))
	r.account("Account", domain, name, "")
	var b bag
	if w.EventID == 10 {
		b.pick(w.get, "GrantedAccess", "CallTrace", "SourceThreadId", "RuleName")
		if n, ok := wideNumber(w.get("GrantedAccess")); ok {
			b.raw("DesiredAccess", []byte(smallNumber(int(n))))
		}
	} else {
		b.pick(w.get, "StartAddress", "StartModule", "StartFunction", "NewThreadId", "RuleName")
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

func (d *Decoder) sysmonRegistry(ev *tocsin.Event, w *winEvent, ordinal int64) {
	object := expandHive(w.get("TargetObject"))
	kind := w.get("EventType")
	action := "RegistryValueSet"
	switch {
	case w.EventID == 14:
		action = "RegistryKeyRenamed"
	case strings.EqualFold(kind, "CreateKey"):
		action = "RegistryKeyCreated"
	case strings.EqualFold(kind, "DeleteKey"):
		action = "RegistryKeyDeleted"
	case strings.EqualFold(kind, "DeleteValue"):
		action = "RegistryValueDeleted"
	case w.EventID == 12:
		action = "RegistryKeyCreated" // collectors that lost EventType: by far the most
	}
	r := d.deviceRow(ev, action)
	switch action {
	case "RegistryValueSet", "RegistryValueDeleted":
		key, value := object, ""
		if i := strings.LastIndexByte(object, '\\'); i > 0 {
			key, value = object[:i], object[i+1:]
		}
		r.set("RegistryKey", key)
		r.set("RegistryValueName", value)
	case "RegistryKeyRenamed":
		r.set("RegistryKey", expandHive(w.get("NewName")))
		r.set("PreviousRegistryKey", object)
	default:
		r.set("RegistryKey", object)
	}
	if w.EventID == 13 {
		data, typ := registryData(w.get("Details"))
		r.set("RegistryValueData", data)
		r.set("RegistryValueType", typ)
	}
	d.doer(r, w)
	d.emit(ev, "DeviceRegistryEvents", r, ordinal)
}

// hives are the short names of registry roots, and how kernel paths begin.
var hives = [...][2]string{
	{`HKLM\`, `HKEY_LOCAL_MACHINE\`}, {`HKU\`, `HKEY_USERS\`}, {`HKCR\`, `HKEY_CLASSES_ROOT\`}, {`HKCU\`, `HKEY_CURRENT_USER\`},
	{`\REGISTRY\MACHINE\`, `HKEY_LOCAL_MACHINE\`}, {`\REGISTRY\USER\`, `HKEY_USERS\`},
}

func expandHive(path string) string {
	for _, h := range hives {
		if len(path) >= len(h[0]) && strings.EqualFold(path[:len(h[0])], h[0]) {
			return h[1] + path[len(h[0]):]
		}
	}
	for _, h := range hives {
		if strings.EqualFold(path+`\`, h[0]) {
			return strings.TrimSuffix(h[1], `\`)
		}
	}
	return path
}

// registryData tells the type that Sysmon writes into the text of a value.
func registryData(details string) (data, typ string) {
	switch {
	case strings.HasPrefix(details, "DWORD ("):
		return details, "Dword"
	case strings.HasPrefix(details, "QWORD ("):
		return details, "Qword"
	case details == "Binary Data":
		return details, "Binary"
	case details == "", details == "(Empty)":
		return details, ""
	}
	return details, "String"
}

// sysmonActions name the events that have no table of their own. The names
// after PowerShell-like ones that Defender knows are ours.
var sysmonActions = map[int]string{
	4: "SysmonStateChanged", 5: "ProcessTerminated", 9: "RawDiskAccess", 16: "SysmonConfigChanged", 17: "NamedPipeEvent",
	18: "NamedPipeEvent", 19: "WmiBindEventFilterToConsumer", 20: "WmiBindEventFilterToConsumer",
	21: "WmiBindEventFilterToConsumer", 22: "DnsQueryResponse", 24: "ClipboardChanged", 25: "ProcessTampering",
	27: "FileBlockExecutable", 28: "FileBlockShredding", 255: "SysmonError",
}

func (d *Decoder) sysmonOther(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action, ok := sysmonActions[w.EventID]
	if !ok {
		ev.Unmapped = "no hunting table takes Sysmon event " + smallNumber(w.EventID)
		return
	}
	r := d.deviceRow(ev, action)
	var b bag
	switch w.EventID {
	case 5:
		d.processEnd(r, w, w.get("Image"), w.get("ProcessId"), w.get("ProcessGuid"), w.get("User"))
		b.pick(w.get, "RuleName")
	case 19, 20, 21:
		r.initiatorAccount(w.get("User"))
		b.pick(w.get, "EventType", "Operation", "EventNamespace", "Name", "Query", "Type", "Destination", "Consumer", "Filter")
	case 22:
		d.doer(r, w)
		d.remember(w)
		b.pick(w.get, "QueryName", "QueryStatus", "QueryResults")
	case 24, 27, 28:
		d.doer(r, w)
		r.file(w.get("TargetFilename"))
		r.hashes(w.get("Hashes"))
		b.pick(w.get, "Session", "ClientInfo", "Archived", "IsExecutable", "RuleName")
	default:
		d.doer(r, w)
		b.pick(w.get, "PipeName", "EventType", "Device", "Type", "RuleName", "State", "Version", "SchemaVersion", "Configuration",
			"ConfigurationFileHash", "ID", "Description")
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

// processEnd fills a row about a process that ended: the process is what the
// row is about, and its own initiator.
func (d *Decoder) processEnd(r row, w *winEvent, image, pid, guid, user string) {
	r.file(image)
	r.long("ProcessId", pid)
	id := uniqueID(guid)
	r.set("ProcessUniqueId", id)
	if id == "" {
		n, _ := wideNumber(pid)
		id = pidKey(w.Computer, n)
	}
	if p := d.procs.get(id); p != nil && strings.EqualFold(baseName(p.image), baseName(image)) {
		r.set("ProcessCommandLine", p.command)
		r["ProcessCreationTime"] = p.created
	}
	domain, name := splitUser(user)
	r.account("Account", domain, name, "")
}

// remember keeps which name an address was the answer for, so that the
// connection that follows can be shown with it.
func (d *Decoder) remember(w *winEvent) {
	name := w.get("QueryName")
	if name == "" {
		return
	}
	for part := range strings.SplitSeq(w.get("QueryResults"), ";") {
		if len(d.answers) >= maxState {
			return
		}
		if a := address(strings.TrimSpace(part)); a != "" {
			d.answers[w.Computer+"|"+a] = name
		}
	}
}
