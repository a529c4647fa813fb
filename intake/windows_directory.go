package intake

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// replicationRights are the extended rights that let a reader have every
// secret of a domain: the changes, all of them, or a filtered set.
var replicationRights = [...]string{"1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2", "89e95b76-444d-4c62-991a-0facbeda640c"}

// directoryAccess maps replication out of the directory. Other access to its
// objects stays a SecurityEvent.
func (d *Decoder) directoryAccess(ev *tocsin.Event, w *winEvent, ordinal int64) {
	if w.get("ObjectServer") == "DS" && len(d.dcs) < maxState {
		d.dcs[w.Computer] = true
	}
	props := strings.ToLower(w.get("Properties"))
	right := ""
	for _, g := range replicationRights {
		if strings.Contains(props, g) {
			right = g
			break
		}
	}
	if right == "" {
		return
	}
	r := d.identityRow(ev, w, "Directory Services replication")
	r.subject("Account", w)
	r["Protocol"] = "Drsr"
	r.set("TargetDeviceName", strings.ToLower(w.Computer))
	var b bag
	b.add("ARG.TASK", "Directory Services replication")
	b.add("ACTOR.ACCOUNT", w.get("SubjectUserName"))
	b.add("TO.DEVICE", w.Computer)
	b.add("Right", right)
	b.pick(w.get, "ObjectName", "ObjectType", "AccessMask", "SubjectLogonId")
	b.putDynamic(r)
	d.emit(ev, "IdentityDirectoryEvents", r, ordinal)
}

// attributeActions name the changes of attributes that attackers live on.
var attributeActions = map[string]string{
	"serviceprincipalname": "Account Service Principal Name changed", "ntsecuritydescriptor": "Security descriptor changed",
	"msds-allowedtodelegateto":                 "Account Constrained Delegation changed",
	"msds-allowedtoactonbehalfofotheridentity": "Account Resource Based Delegation changed",
	"msds-keycredentiallink":                   "Account Key Credential changed",
	"samaccountname":                           "SAM Account Name changed", "sidhistory": "SID History changed", "member": "Group Membership changed",
	"msds-supportedencryptiontypes": "Account Supported Encryption Types changed", "useraccountcontrol": "Account attribute changed",
}

func (d *Decoder) directoryChange(ev *tocsin.Event, w *winEvent, ordinal int64) {
	action, ok := attributeActions[strings.ToLower(w.get("AttributeLDAPDisplayName"))]
	if !ok {
		action = "Account attribute changed"
	}
	r := d.identityRow(ev, w, action)
	r.subject("Account", w)
	r["Protocol"] = "Ldap"
	if cn, ok := strings.CutPrefix(w.get("ObjectDN"), "CN="); ok {
		cn, _, _ = strings.Cut(cn, ",")
		if w.get("ObjectClass") == "computer" {
			r.set("TargetDeviceName", strings.ToLower(cn))
		} else {
			r.set("TargetAccountDisplayName", cn)
		}
	}
	var b bag
	b.pick(w.get, "ObjectDN", "ObjectGUID", "ObjectClass", "AttributeLDAPDisplayName", "AttributeValue")
	switch w.get("OperationType") {
	case "%%14674":
		b.add("OperationType", "Value Added")
	case "%%14675":
		b.add("OperationType", "Value Deleted")
	default:
		b.pick(w.get, "OperationType")
	}
	b.pick(w.get, "OpCorrelationID", "DSName", "SubjectLogonId")
	b.putDynamic(r)
	d.emit(ev, "IdentityDirectoryEvents", r, ordinal)
}

// accountActions are the names of one change in the directory and on a host.
var accountActions = map[int][2]string{
	4720: {"User account created", "UserAccountCreated"}, 4722: {"Account enabled", "UserAccountModified"},
	4723: {"Account Password changed", "PasswordChangeAttempt"}, 4724: {"Account Password changed", "PasswordChangeAttempt"},
	4725: {"Account disabled", "UserAccountModified"}, 4726: {"User account deleted", "UserAccountDeleted"},
	4738: {"User account changed", "UserAccountModified"}, 4740: {"Account locked out", "UserAccountModified"},
	4767: {"Account Unlock changed", "UserAccountModified"}, 4781: {"SAM Account Name changed", "UserAccountModified"},
}

// local reports whether an account belongs to the host and not to a domain:
// a host names itself as the domain of its own accounts.
func (w *winEvent) local(domain string) bool {
	return strings.EqualFold(clean(domain), tocsin.ShortHost(w.Computer))
}

func (d *Decoder) accountChange(ev *tocsin.Event, w *winEvent, ordinal int64) {
	names := accountActions[w.EventID]
	domain, user := w.get("TargetDomainName"), w.first("TargetUserName", "NewTargetUserName", "OldTargetUserName")
	var b bag
	b.pick(w.get, "TargetUserName", "TargetDomainName", "TargetSid", "OldTargetUserName", "NewTargetUserName", "SamAccountName",
		"DisplayName", "UserPrincipalName", "PasswordLastSet", "OldUacValue", "NewUacValue", "UserAccountControl", "PrimaryGroupId",
		"AllowedToDelegateTo", "SidHistory", "PrivilegeList", "SubjectLogonId")
	if w.local(domain) {
		r := d.deviceRow(ev, names[1])
		r.account("Account", domain, user, w.first("TargetSid", "TargetUserSid"))
		d.caller(r, w)
		b.putText(r)
		d.emit(ev, "DeviceEvents", r, ordinal)
		return
	}
	r := d.identityRow(ev, w, names[0])
	r.subject("Account", w)
	r.set("TargetAccountDisplayName", user)
	if domain = clean(domain); domain != "" && user != "" {
		r["TargetAccountUpn"] = strings.ToLower(user + "@" + domain)
	}
	b.putDynamic(r)
	d.emit(ev, "IdentityDirectoryEvents", r, ordinal)
}

func (d *Decoder) groupChange(ev *tocsin.Event, w *winEvent, ordinal int64) {
	added := w.EventID == 4728 || w.EventID == 4732 || w.EventID == 4756
	localGroup := w.EventID == 4732 || w.EventID == 4733
	var b bag
	if localGroup && !d.dcs[w.Computer] {
		action := "UserAccountRemovedFromLocalGroup"
		if added {
			action = "UserAccountAddedToLocalGroup"
		}
		r := d.deviceRow(ev, action)
		domain, name := splitUser(memberName(w.get("MemberName")))
		r.account("Account", domain, name, w.get("MemberSid"))
		d.caller(r, w)
		b.add("GroupName", w.get("TargetUserName"))
		b.add("GroupDomainName", w.get("TargetDomainName"))
		b.add("GroupSid", w.get("TargetSid"))
		b.pick(w.get, "MemberName", "MemberSid", "SubjectLogonId")
		b.putText(r)
		d.emit(ev, "DeviceEvents", r, ordinal)
		return
	}
	r := d.identityRow(ev, w, "Group Membership changed")
	r.subject("Account", w)
	r.set("TargetAccountDisplayName", memberName(w.get("MemberName")))
	if added {
		b.add("TO.GROUP", w.get("TargetUserName"))
	} else {
		b.add("FROM.GROUP", w.get("TargetUserName"))
	}
	b.add("TARGET_OBJECT.USER", memberName(w.get("MemberName")))
	b.pick(w.get, "MemberName", "MemberSid", "TargetSid", "TargetDomainName", "SubjectLogonId")
	b.putDynamic(r)
	d.emit(ev, "IdentityDirectoryEvents", r, ordinal)
}

// memberName is the name in a distinguished name, or the name as it stands.
func memberName(dn string) string {
	dn = clean(dn)
	if len(dn) > 3 && strings.EqualFold(dn[:3], "CN=") {
		dn, _, _ = strings.Cut(dn[3:], ",")
	}
	return dn
}

// directoryQuery maps the questions that tools ask about users and groups over
// SAMR.
func (d *Decoder) directoryQuery(ev *tocsin.Event, w *winEvent, ordinal int64) {
	r := d.identityRow(ev, w, "SAMR query")
	r.subject("Account", w)
	r["Protocol"] = "Samr"
	r.set("DeviceName", strings.ToLower(w.Computer))
	delete(r, "DestinationDeviceName")
	target := w.get("TargetUserName")
	switch w.EventID {
	case 4661:
		r["QueryType"] = samQuery(w.get("ObjectType"))
		target = w.get("ObjectName")
		r.set("DestinationDeviceName", strings.ToLower(w.Computer))
		delete(r, "DeviceName")
	case 4798:
		r["QueryType"] = "QueryUser"
		r.set("TargetAccountDisplayName", target)
	case 4799:
		r["QueryType"] = "QueryGroup"
	}
	r.set("QueryTarget", target)
	var b bag
	b.pick(w.get, "CallerProcessName", "CallerProcessId", "ProcessName", "ProcessId", "ObjectType", "ObjectName", "AccessMask",
		"AccessList", "Properties", "TargetUserName", "TargetDomainName", "TargetSid", "SubjectLogonId")
	b.putDynamic(r)
	d.emit(ev, "IdentityQueryEvents", r, ordinal)
}

func samQuery(objectType string) string {
	switch objectType {
	case "SAM_USER":
		return "QueryUser"
	case "SAM_GROUP", "SAM_ALIAS":
		return "QueryGroup"
	case "SAM_DOMAIN":
		return "EnumerateUsers"
	case "SAM_SERVER":
		return "EnumerateDomains"
	}
	return objectType
}
