package intake

import (
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// securityColumns are the columns of SecurityEvent that carry an event's own
// field of the same name. Numbers are long in the events and int or text in
// the table, by securityInts.
var securityColumns = func() map[string]string {
	m := make(map[string]string)
	for _, s := range strings.Fields(`AccessMask AccountExpires AccountName AccountDomain AccountSessionIdentifier AdditionalInfo
		AdditionalInfo2 AllowedToDelegateTo Attributes AuditPolicyChanges AuthenticationPackageName AuthenticationProvider
		AuthenticationServer AuthenticationType CACertificateHash CalledStationID CallerProcessId CallerProcessName
		CallingStationID CategoryId ClassId ClassName ClientAddress ClientIPAddress ClientName CommandLine CompatibleIds
		DCDNSName DeviceDescription DisplayName Disposition DomainBehaviorVersion DomainName DomainPolicyChanged DomainSid
		EAPType ElevatedToken ExtendedQuarantineState FailureReason FileHash FilePath ForceLogoff Fqbn
		FullyQualifiedSubjectMachineName FullyQualifiedSubjectUserName GroupMembership HandleId HardwareIds HomeDirectory
		HomePath InterfaceUuid IpAddress IpPort LmPackageName LocationInformation LockoutDuration LockoutObservationWindow
		LockoutThreshold LoggingResult LogonGuid LogonHours LogonProcessName MachineAccountQuota MachineInventory MachineLogon
		MandatoryLabel MaxPasswordAge MemberName MemberSid MinPasswordAge MinPasswordLength MixedDomainMode NASIdentifier
		NASIPv4Address NASIPv6Address NASPort NASPortType NetworkPolicyName NewDate NewMaxUsers NewProcessId NewProcessName
		NewRemark NewShareFlags NewTime NewUacValue NewValue NewValueType ObjectName ObjectServer ObjectType ObjectValueName
		OemInformation OldMaxUsers OldRemark OldShareFlags OldUacValue OldValue OldValueType OperationType PackageName
		ParentProcessName PasswordHistoryLength PasswordLastSet PasswordProperties PreviousDate PreviousTime PrimaryGroupId
		PrivilegeList ProcessId ProcessName ProfilePath Properties ProtocolSequence ProxyPolicyName RelativeTargetName
		RemoteIpAddress RemotePort Requester RequestId RestrictedAdminMode RowsDeleted SamAccountName ScriptPath
		SecurityDescriptor ServiceAccount ServiceFileName ServiceName ServiceType SessionName ShareLocalPath ShareName
		SidHistory Status Subject SubcategoryGuid SubcategoryId SubjectDomainName SubjectKeyIdentifier SubjectLogonId
		SubjectMachineName SubjectMachineSID SubjectUserName SubjectUserSid SubStatus TableId TargetDomainName TargetInfo
		TargetLinkedLogonId TargetLogonGuid TargetLogonId TargetOutboundDomainName TargetOutboundUserName TargetServerName
		TargetSid TargetUser TargetUserName TargetUserSid TemplateContent TokenElevationType TransmittedServices
		UserAccountControl UserParameters UserPrincipalName UserWorkstations VendorIds VirtualAccount Workstation
		WorkstationName`) {
		m[s] = s
	}
	m["ProcessID"] = "ProcessId"
	return m
}()

var securityInts = map[string]bool{"AuditsDiscarded": true, "AuthenticationLevel": true, "AuthenticationService": true, "ErrorCode": true, "KeyLength": true, "LogonType": true, "ServiceStartType": true}

// securityNames are the first words of Activity for the commonest events; it
// is the number alone for the rest.
var securityNames = map[int]string{
	1100: "The event logging service has shut down.", 4608: "Windows is starting up.", 4616: "The system time was changed.",
	4622: "A security package has been loaded by the Local Security Authority.", 4627: "Group membership information.",
	4634: "An account was logged off.", 4647: "User initiated logoff.", 4658: "The handle to an object was closed.",
	4660: "An object was deleted.", 4662: "An operation was performed on an object.", 4670: "Permissions on an object were changed.",
	4690: "An attempt was made to duplicate a handle to an object.", 4735: "A security-enabled local group was changed.",
	4741: "A computer account was created.", 4742: "A computer account was changed.", 4770: "A Kerberos service ticket was renewed.",
	4778: "A session was reconnected to a Window Station.", 4779: "A session was disconnected from a Window Station.",
	4946: "A change was made to the Windows Firewall exception list. A rule was added.",
	5058: "Key file operation.", 5061: "Cryptographic operation.", 5142: "A network share object was added.",
	5379: "Credential Manager credentials were read.", 5447: "A Windows Filtering Platform filter was changed.",
}

// securityEvent keeps an event of the Security log that has no better place:
// its fields in the columns of their names, and all of them in EventData.
func (d *Decoder) securityEvent(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := make(row, 24)
	r["TimeGenerated"] = ev.Time
	r["EventID"] = int64(w.EventID)
	activity := strconv.Itoa(w.EventID)
	if name, ok := securityNames[w.EventID]; ok {
		activity += " - " + name
	}
	r["Activity"] = activity
	r.set("Channel", w.Channel)
	r.set("EventSourceName", w.Provider)
	r["Type"] = "SecurityEvent"
	if w.Computer != "" {
		r["Computer"] = w.Computer
		r["DeviceId"] = d.device(w.Computer).id
	}
	r.set("Level", w.Level)
	var b bag
	for i := range w.Fields {
		f := &w.Fields[i]
		switch f.Name {
		case "EventID", "Channel", "Provider_Name", "Computer", "Level":
			continue // the header that every event gets
		}
		b.add(f.Name, f.Value)
		if c, ok := securityColumns[f.Name]; ok {
			r.set(c, f.Value)
		} else if securityInts[f.Name] {
			if n, ok := wideNumber(f.Value); ok && n >= -1<<31 && n < 1<<32 {
				r[f.Name] = int64(int32(n))
			}
		}
	}
	if len(b) > 0 {
		r["EventData"] = string(append(b, '}'))
	}
	r.accounts(w)
	if w.RecordID > 0 {
		r["EventRecordId"] = strconv.FormatInt(w.RecordID, 10)
	} else {
		// The table tells rows apart by this column: a collector that lost the
		// record's number gets one that no real record has.
		r["EventRecordId"] = d.keyText(ordinal, 0)
	}
	ev.Rows = append(ev.Rows, tocsin.Row{Table: "SecurityEvent", Values: r})
}

// accounts stores the columns that the agent computes from the two accounts.
func (r row) accounts(w *winEvent) {
	join := func(domain, name string) string {
		if domain, name = clean(domain), clean(name); name == "" {
			return ""
		} else if domain == "" {
			return name
		} else {
			return domain + `\` + name
		}
	}
	subject := join(w.get("SubjectDomainName"), w.get("SubjectUserName"))
	target := join(w.get("TargetDomainName"), w.get("TargetUserName"))
	r.set("SubjectAccount", subject)
	r.set("TargetAccount", target)
	account := firstOf(target, subject)
	r.set("Account", account)
	if account != "" {
		r["AccountType"] = "User"
		if strings.HasSuffix(account, "$") {
			r["AccountType"] = "Machine"
		}
	}
	if p := w.first("ProcessName", "NewProcessName"); p != "" {
		r.set("Process", baseName(p))
	}
}
