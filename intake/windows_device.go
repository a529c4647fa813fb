package intake

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// writer stores the process and account that wrote an event to its log, for
// events that say of the doer nothing else.
func (d *Decoder) writer(r row, w *winEvent) {
	if w.ProcessID > 0 {
		d.initiator(r, w, "", smallNumber(w.ProcessID), "")
	}
	if w.User != "" {
		r.account("InitiatingProcessAccount", w.Domain, w.User, w.UserSID)
	} else if w.UserSID != "" {
		r.set("InitiatingProcessAccountSid", w.UserSID)
	}
}

// onDC adds what the identity sensor of a domain controller would tell of the
// same event.
func (d *Decoder) onDC(ev *tocsin.Event, w *winEvent, action string, ordinal int64, names ...string) {
	if !d.dcs[w.Computer] {
		return
	}
	r := d.identityRow(ev, w, action)
	r.subject("Account", w)
	r.set("TargetDeviceName", strings.ToLower(w.Computer))
	var b bag
	b.pick(w.get, names...)
	b.putDynamic(r)
	d.emit(ev, "IdentityDirectoryEvents", r, ordinal)
}

func (d *Decoder) logCleared(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "SecurityLogCleared")
	r.subject("InitiatingProcessAccount", w)
	r.long("InitiatingProcessLogonId", w.get("SubjectLogonId"))
	var b bag
	b.add("Log", w.last("Channel"))
	b.pick(w.get, "BackupPath", "SubjectUserName", "SubjectDomainName", "ClientProcessId")
	if m := w.Message; m != "" {
		if w.EventID == 1102 {
			r.account("InitiatingProcessAccount", messageField(m, "Domain Name:"), messageField(m, "Account Name:"), messageField(m, "Security ID:"))
		}
		b.add("Message", m)
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

func (d *Decoder) serviceInstalled(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "ServiceInstalled")
	command := w.first("ServiceFileName", "ImagePath")
	r.set("ProcessCommandLine", command)
	r.file(commandImage(command))
	var b bag
	b.pick(w.get, "ServiceName", "ServiceFileName", "ImagePath", "ServiceType")
	b.add("ServiceAccount", w.first("ServiceAccount", "AccountName"))
	b.add("ServiceStartType", w.first("ServiceStartType", "StartType"))
	if w.EventID == 4697 {
		r.subject("InitiatingProcessAccount", w)
		r.long("InitiatingProcessLogonId", w.get("SubjectLogonId"))
		b.pick(w.get, "ClientProcessId", "ParentProcessId")
		if id := w.get("ClientProcessId"); id != "0" {
			r.long("InitiatingProcessId", id)
		}
	} else {
		d.writer(r, w)
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
	d.onDC(ev, w, "Service creation", ordinal, "ServiceName", "ServiceFileName", "ImagePath", "ServiceAccount", "ServiceStartType")
}

// commandImage is the program of a command line: what the first quotes hold,
// or everything up to the extension of a program, or the first word.
func commandImage(command string) string {
	command = strings.TrimSpace(command)
	if rest, ok := strings.CutPrefix(command, `"`); ok {
		image, _, _ := strings.Cut(rest, `"`)
		return image
	}
	low := strings.ToLower(command)
	for _, ext := range [...]string{".exe", ".sys", ".dll", ".com", ".bat", ".cmd"} {
		if i := strings.Index(low, ext); i >= 0 && (i+4 == len(low) || low[i+4] == ' ' || low[i+4] == ',') && len(low) == len(command) {
			return command[:i+4]
		}
	}
	image, _, _ := strings.Cut(command, " ")
	return image
}

func (d *Decoder) serviceState(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action := "ServiceStateChanged"
	if w.EventID == 7040 {
		action = "ServiceStartTypeChanged"
	}
	r := d.deviceRow(ev, action)
	d.writer(r, w)
	var b bag
	b.add("ServiceName", w.get("param1"))
	if w.EventID == 7040 {
		b.add("PreviousStartType", w.get("param2"))
		b.add("StartType", w.get("param3"))
	} else {
		b.add("State", w.get("param2"))
	}
	b.add("Message", w.Message)
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

var taskActions = map[int]string{
	4698: "ScheduledTaskCreated", 4699: "ScheduledTaskDeleted", 4700: "ScheduledTaskEnabled", 4701: "ScheduledTaskDisabled",
	4702: "ScheduledTaskUpdated", 106: "ScheduledTaskCreated", 140: "ScheduledTaskUpdated", 141: "ScheduledTaskDeleted", 142: "ScheduledTaskDisabled", 200: "ScheduledTaskExecuted",
}

func (d *Decoder) scheduledTask(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, taskActions[w.EventID])
	var b bag
	b.pick(w.get, "TaskName", "TaskContent", "TaskContentNew", "ActionName", "TaskInstanceId")
	if w.EventID > 1000 {
		r.subject("InitiatingProcessAccount", w)
		r.long("InitiatingProcessLogonId", w.get("SubjectLogonId"))
		if id := w.get("ClientProcessId"); id != "0" {
			r.long("InitiatingProcessId", id)
		}
	} else {
		user := w.first("UserContext", "UserName")
		domain, name := splitUser(user)
		r.account("InitiatingProcessAccount", domain, name, "")
		b.add("Message", w.Message)
	}
	if content := w.first("TaskContent", "TaskContentNew"); content != "" {
		command := xmlElement(content, "Command")
		r.file(strings.Trim(command, `"`))
		r.set("ProcessCommandLine", strings.TrimSpace(command+" "+xmlElement(content, "Arguments")))
	} else if w.EventID == 200 {
		r.file(w.get("ActionName"))
	}
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
	if w.EventID == 4698 || w.EventID == 4702 {
		d.onDC(ev, w, "Task scheduling", ordinal, "TaskName", "TaskContent", "TaskContentNew")
	}
}

func (d *Decoder) wmiBinding(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "WmiBindEventFilterToConsumer")
	d.writer(r, w)
	var b bag
	b.pick(w.get, "Namespace", "NamespaceName", "ESS", "CONSUMER", "PossibleCause", "Query", "Provider", "User")
	b.add("Message", w.Message)
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

// dnsClient maps the resolver's own log of a query's end.
func (d *Decoder) dnsClient(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "DnsQueryResponse")
	d.writer(r, w)
	d.remember(w)
	var b bag
	b.pick(w.get, "QueryName", "QueryType", "QueryStatus", "QueryResults")
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

// antivirus maps detections of Defender Antivirus, whose names have blanks.
func (d *Decoder) antivirus(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "AntivirusDetection")
	// "containerfile:_a;file:_b": the last file is the one inside.
	path := w.first("Path", "Threat Path")
	if i := strings.LastIndex(path, "file:_"); i >= 0 {
		path, _, _ = strings.Cut(path[i+len("file:_"):], ";")
	}
	r.file(path)
	image := clean(w.get("Process Name"))
	if strings.EqualFold(image, "Unknown") {
		image = ""
	}
	d.initiator(r, w, image, "", "")
	domain, name := splitUser(w.first("Detection User", "User"))
	r.account("InitiatingProcessAccount", domain, name, "")
	var b bag
	b.add("ThreatName", w.get("Threat Name"))
	b.add("Action", w.get("Action Name"))
	for _, f := range w.Fields {
		switch f.Name {
		case "Threat ID", "Severity Name", "Category Name", "Path", "Detection ID", "Source Name", "Origin Name", "Execution Name",
			"Type Name", "Error Code", "Error Description", "Detection User", "Status Description", "FWLink":
			b.add(strings.ReplaceAll(f.Name, " ", ""), f.Value)
		}
	}
	b.add("Message", w.Message)
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

func (d *Decoder) firewallRule(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action := map[int]string{2004: "FirewallRuleAdded", 2005: "FirewallRuleModified", 2006: "FirewallRuleDeleted",
		2052: "FirewallRuleDeleted", 2071: "FirewallRuleAdded", 2097: "FirewallRuleAdded"}[w.EventID]
	r := d.deviceRow(ev, action)
	r.file(w.get("ApplicationPath"))
	d.initiator(r, w, clean(w.get("ModifyingApplication")), "", "")
	r.set("InitiatingProcessAccountSid", w.get("ModifyingUser"))
	var b bag
	b.pick(w.get, "RuleId", "RuleName", "ApplicationPath", "ServiceName", "Direction", "Protocol", "LocalPorts", "RemotePorts",
		"Action", "Profiles", "LocalAddresses", "RemoteAddresses", "Active")
	b.add("Message", w.Message)
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

// objectAccess maps handles asked for (4656) and used (4663).
func (d *Decoder) objectAccess(ev *tocsin.Event, w *winEvent, ordinal int64) {
	object, kind := w.get("ObjectName"), w.get("ObjectType")
	action := "ObjectAccessed"
	if w.EventID == 4656 {
		action = "ObjectHandleRequested"
	}
	switch kind {
	case "Process":
		action = "OpenProcessApiCall"
	case "File":
		action = "SensitiveFileRead"
	}
	r := d.deviceRow(ev, action)
	switch kind {
	case "Process", "File":
		r.file(object)
	case "Key":
		r.set("RegistryKey", expandHive(object))
	}
	d.caller(r, w)
	var b bag
	b.pick(w.get, "ObjectServer", "ObjectType", "ObjectName", "AccessMask", "AccessList", "PrivilegeList", "HandleId", "ResourceAttributes")
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

var tokenActions = map[int]string{
	4672: "SpecialPrivilegesAssigned", 4673: "PrivilegedServiceCalled", 4674: "PrivilegedObjectOperation", 4703: "TokenModification",
}

// token maps the use and the change of privileges.
func (d *Decoder) token(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, tokenActions[w.EventID])
	if w.EventID == 4672 {
		if len(d.admins) >= maxState {
			clear(d.admins)
		}
		d.admins[logonKey{w.Computer, w.get("SubjectLogonId")}] = true
		r.subject("Account", w)
		r.long("LogonId", w.get("SubjectLogonId"))
	} else {
		d.caller(r, w)
	}
	if w.EventID == 4703 {
		r.account("Account", w.get("TargetDomainName"), w.get("TargetUserName"), w.get("TargetUserSid"))
		r.long("LogonId", w.get("TargetLogonId"))
	}
	var b bag
	b.pick(w.get, "PrivilegeList", "EnabledPrivilegeList", "DisabledPrivilegeList", "ObjectServer", "Service", "ObjectType",
		"ObjectName", "HandleId", "AccessMask")
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}

func (d *Decoder) auditPolicy(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.deviceRow(ev, "AuditPolicyModification")
	r.subject("InitiatingProcessAccount", w)
	r.long("InitiatingProcessLogonId", w.get("SubjectLogonId"))
	var b bag
	b.pick(w.get, "CategoryId", "SubcategoryId", "SubcategoryGuid", "AuditPolicyChanges", "TargetUserSid")
	b.putText(r)
	d.emit(ev, "DeviceEvents", r, ordinal)
}
