package intake

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// logonTypes are the words of Defender for the numbers of Windows.
var logonTypes = map[string]string{
	"0": "System", "2": "Interactive", "3": "Network", "4": "Batch", "5": "Service", "7": "Unlock", "8": "NetworkCleartext",
	"9": "NewCredentials", "10": "RemoteInteractive", "11": "CachedInteractive", "12": "CachedRemoteInteractive", "13": "CachedUnlock",
}

// failures are the words for the status codes of failed logons, NTSTATUS and
// Kerberos.
var failures = map[string]string{
	"0xc0000064": "UnknownUser", "0xc000006a": "InvalidUserNameOrPassword", "0xc000006d": "InvalidUserNameOrPassword",
	"0xc000006e": "AccountRestriction", "0xc000006f": "LogonOutsideHours", "0xc0000070": "UnauthorizedWorkstation",
	"0xc0000071": "PasswordExpired", "0xc0000072": "AccountDisabled", "0xc0000133": "ClockSkew",
	"0xc000015b": "LogonTypeNotGranted", "0xc000018c": "TrustFailure", "0xc0000192": "LogonServiceNotStarted",
	"0xc0000193": "AccountExpired", "0xc0000224": "PasswordMustChange", "0xc0000225": "SystemError", "0xc0000234": "AccountLockedOut",
	"0xc0000371": "NoLocalSecret", "0xc0000388": "DowngradeDetected",
	"0x6": "UnknownUser", "0x7": "UnknownService", "0x9": "NullKey", "0xc": "AccountRestriction", "0x12": "AccountDisabled",
	"0x17": "PasswordExpired", "0x18": "InvalidUserNameOrPassword", "0x19": "PreauthenticationRequired", "0x1b": "UserToUserRequired",
	"0x1f": "IntegrityCheckFailed", "0x20": "TicketExpired", "0x25": "ClockSkew", "0xe": "UnsupportedEncryption",
}

// failureReason names a status; one without a name stands as it is.
func failureReason(codes ...string) string {
	for _, c := range codes {
		c = strings.ToLower(clean(c))
		if n, ok := wideNumber(c); !ok || n == 0 {
			continue
		}
		if s, ok := failures[c]; ok {
			return s
		}
		return c
	}
	return ""
}

func (d *Decoder) logon(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action := map[int]string{4624: "LogonSuccess", 4625: "LogonFailed", 4648: "LogonAttempted"}[w.EventID]
	r := d.deviceRow(ev, action)
	r.account("Account", w.get("TargetDomainName"), w.get("TargetUserName"), w.get("TargetUserSid"))
	if t := clean(w.get("LogonType")); t != "" {
		if name, ok := logonTypes[t]; ok {
			t = name
		}
		r.set("LogonType", t)
	}
	if p := clean(w.get("AuthenticationPackageName")); p != "" {
		r.set("Protocol", p)
		if lm := clean(w.get("LmPackageName")); lm != "" && !strings.EqualFold(p, "Kerberos") {
			r.set("Protocol", lm)
		}
	}
	r.remote(w)
	d.initiator(r, w, clean(w.get("ProcessName")), w.get("ProcessId"), "")
	r.subject("InitiatingProcessAccount", w)
	var b bag
	b.pick(w.get, "LogonProcessName", "ElevatedToken", "LogonGuid", "TargetLinkedLogonId", "VirtualAccount", "ImpersonationLevel")
	switch w.EventID {
	case 4624:
		r.long("LogonId", w.get("TargetLogonId"))
		d.admin(r, w)
	case 4625:
		r.set("FailureReason", failureReason(w.get("SubStatus"), w.get("Status")))
		b.pick(w.get, "KeyLength", "Status", "SubStatus")
	case 4648:
		r.long("LogonId", w.get("SubjectLogonId"))
		if s := clean(w.get("TargetServerName")); s != "" && !strings.EqualFold(s, "localhost") {
			r.set("RemoteDeviceName", strings.ToLower(s))
		}
		b.pick(w.get, "TargetServerName", "TargetInfo", "TargetLogonGuid")
	}
	b.putText(r)
	d.emit(ev, "DeviceLogonEvents", r, ordinal)
}

// remote stores where a logon came from.
func (r row) remote(w *winEvent) {
	r.ip("RemoteIP", w.get("IpAddress"))
	r.port("RemotePort", w.get("IpPort"))
	if a, ok := r["RemoteIP"].(string); ok {
		r["RemoteIPType"] = ipKind(a)
	}
	if n := clean(w.get("WorkstationName")); n != "" {
		r["RemoteDeviceName"] = strings.ToLower(strings.TrimPrefix(n, `\\`))
	}
}

// admin tells whether a new session is an administrator's. The log says so in
// 4672, which follows its 4624 in the log but precedes it in captures that run
// backwards; where it has not come yet, the elevated token of 4624 itself
// stands for it, so that no logon must wait for a later record.
func (d *Decoder) admin(r row, w *winEvent) {
	id := w.get("TargetLogonId")
	if d.admins[logonKey{w.Computer, id}] {
		r["IsLocalAdmin"] = true
		return
	}
	switch w.get("ElevatedToken") {
	case "%%1842":
		r["IsLocalAdmin"] = true
	case "%%1843":
		r["IsLocalAdmin"] = false
	}
}

// identityRow begins a row of an Identity table for an event on a domain
// controller (or on the host that checked the credentials).
func (d *Decoder) identityRow(ev *tocsin.Event, w *winEvent, action string) row {
	r := newRow(ev.Time)
	r["ActionType"] = action
	r["Application"] = "Active Directory"
	r.set("DestinationDeviceName", strings.ToLower(w.Computer))
	return r
}

func (d *Decoder) identityLogon(ev *tocsin.Event, w *winEvent, ordinal int64) {
	status := strings.ToLower(w.get("Status"))
	action := "LogonSuccess"
	if n, _ := wideNumber(status); n != 0 || w.EventID == 4771 {
		action = "LogonFailed"
	}
	r := d.identityRow(ev, w, action)
	domain, name := w.get("TargetDomainName"), w.get("TargetUserName")
	if n, realm, ok := strings.Cut(name, "@"); ok {
		name = n
		if clean(domain) == "" {
			domain = realm
		}
		r["AccountUpn"] = strings.ToLower(n + "@" + realm)
	}
	r.account("Account", domain, name, w.first("TargetSid", "TargetUserSid"))
	r.ip("IPAddress", w.get("IpAddress"))
	r.port("Port", w.get("IpPort"))
	r["Protocol"], r["LogonType"] = "Kerberos", "Credentials validation"
	var b bag
	switch w.EventID {
	case 4769:
		r["LogonType"] = "Resource access"
		if s := clean(w.get("ServiceName")); strings.HasSuffix(s, "$") {
			r["TargetDeviceName"] = strings.ToLower(strings.TrimSuffix(s, "$"))
		}
		b.add("Spns", w.get("ServiceName"))
	case 4776:
		r["Protocol"] = "Ntlm"
		if n := clean(w.get("Workstation")); n != "" {
			r["DeviceName"] = strings.ToLower(strings.TrimPrefix(n, `\\`))
		}
	}
	if action == "LogonFailed" {
		r.set("FailureReason", failureReason(status))
	}
	b.pick(w.get, "PreAuthType", "TicketEncryptionType", "TicketOptions", "ServiceName", "PackageName", "Status", "LogonGuid",
		"CertIssuerName", "CertThumbprint")
	b.putDynamic(r)
	d.emit(ev, "IdentityLogonEvents", r, ordinal)
}
