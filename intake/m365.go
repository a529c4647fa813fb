package intake

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// workloads are what Defender calls the services of the unified audit log,
// with the number it gives each.
var workloads = map[string]struct {
	app string
	id  int64
}{
	"Exchange": {"Microsoft Exchange Online", 20893}, "SharePoint": {"Microsoft SharePoint Online", 20892}, "OneDrive": {"Microsoft OneDrive for Business", 15600},
	"MicrosoftTeams": {"Microsoft Teams", 28375}, "AzureActiveDirectory": {"Office 365", 11161}, "SecurityComplianceCenter": {"Office 365", 11161},
	"ThreatIntelligence": {"Office 365", 11161}, "PublicEndpoint": {"Office 365", 11161}, "PowerBI": {"Microsoft Power BI", 23004},
}

// userTypes are the words for UserType.
var userTypes = map[string]string{
	"0": "Regular", "1": "Reserved", "2": "Admin", "3": "DcAdmin", "4": "System", "5": "Application", "6": "ServicePrincipal",
	"7": "CustomPolicy", "8": "SystemPolicy",
}

// unifiedAudit maps a record of the Microsoft 365 unified audit log: as the
// management API gives it, or as the text AuditData of an export's row.
func (d *Decoder) unifiedAudit(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	if data := d.doc.child(n, "AuditData"); data != nil {
		switch data.kind {
		case '{':
			n = data
		case 's':
			// The inner record becomes the record for as long as it is mapped.
			if err := d.inner.parse([]byte(d.doc.text(data))); err != nil {
				return dst, refuse("AuditData is no JSON: " + err.Error())
			}
			if d.inner.root().kind != '{' {
				return dst, refuse("AuditData is no JSON object")
			}
			d.doc, d.inner = d.inner, d.doc
			defer func() { d.doc, d.inner = d.inner, d.doc }()
			n = d.doc.root()
		}
	}
	t, ok := d.time(n, "CreationTime")
	if !ok || !validTime(t) {
		return dst, errNoTime
	}
	rec := record{&d.doc, n}
	operation, workload := rec.str("Operation"), rec.str("Workload")
	if operation == "" {
		return dst, refuse("audit record without an operation")
	}
	ev := tocsin.Event{Product: "m365", Service: auditService(workload), Time: t, Fields: d.cloudFields(n)}
	// The names that the alerts of the compliance portal are known under.
	ev.Fields = append(ev.Fields, tocsin.Field{Name: "eventSource", Value: workload},
		tocsin.Field{Name: "eventName", Value: firstOf(alertName(rec, operation), operation)},
		tocsin.Field{Name: "status", Value: auditStatus(rec.str("ResultStatus"))})
	d.cloudApp(&ev, rec, ordinal)
	switch recordType := rec.str("RecordType"); {
	case workload == "AzureActiveDirectory" && (recordType == "15" || strings.HasPrefix(operation, "UserLog")) && recordType != "8":
		d.auditSignIn(&ev, rec, ordinal)
	case recordType == "8" || recordType == "AzureActiveDirectory":
		d.auditDirectory(&ev, rec, ordinal)
	case operation == "TIMailData" || recordType == "28":
		d.auditMail(&ev, rec, ordinal)
	}
	return append(dst, ev), nil
}

func auditService(workload string) string {
	switch workload {
	case "Exchange":
		return "exchange"
	case "SecurityComplianceCenter", "ThreatIntelligence":
		return "threat_management"
	}
	return "audit"
}

func alertName(rec record, operation string) string {
	if operation == "AlertTriggered" || operation == "AlertEntityGenerated" {
		return rec.str("Name")
	}
	return ""
}

func auditStatus(s string) string {
	switch strings.ToLower(s) {
	case "true", "success", "succeeded", "partiallysucceeded", "":
		return "success"
	}
	return "failure"
}

// nameValue is the value of a name in a list of pairs.
func (r record) nameValue(list, name string) string {
	l := r.d.child(r.n, list)
	if l == nil || l.kind != '[' {
		return ""
	}
	for i := r.d.first(l); i < l.next; i = r.d.n[i].next {
		if k, v := pair(r.d, &r.d.n[i]); k != nil && r.d.is(k, name) && v.kind != '0' {
			return r.d.text(v)
		}
	}
	return ""
}

func (r record) clientIP() string {
	for _, k := range [...]string{"ClientIP", "ClientIPAddress", "ActorIpAddress", "Client_IPAddress"} {
		if a := address(r.str(k)); a != "" {
			return a
		}
	}
	return ""
}

func (r record) userAgent() string {
	return firstOf(r.str("UserAgent"), r.nameValue("ExtendedProperties", "UserAgent"), r.str("ClientInfoString"), r.detail("User-Agent"))
}

// detail is a value of ExtendedProperties.additionalDetails, which is JSON in a
// text.
func (r record) detail(name string) string {
	text := r.nameValue("ExtendedProperties", "additionalDetails")
	if text == "" {
		return ""
	}
	var m map[string]any
	if json.Unmarshal([]byte(text), &m) != nil {
		return ""
	}
	s, _ := m[name].(string)
	return s
}

// cloudApp makes the CloudAppEvents row, which every audit record gets.
func (d *Decoder) cloudApp(ev *tocsin.Event, rec record, ordinal int64) {
	r := newRow(ev.Time)
	operation, workload := rec.str("Operation"), firstOf(rec.str("Workload"), rec.str("OfficeWorkload"))
	r["ActionType"] = operation
	app, ok := workloads[workload]
	if !ok {
		app.app, app.id = firstOf(workload, "Office 365"), 11161
	}
	r["Application"], r["ApplicationId"] = app.app, app.id
	user := rec.str("UserId")
	if key := rec.str("UserKey"); isGUID(key) {
		r["AccountObjectId"] = strings.ToLower(key)
	}
	r.set("AccountId", user)
	r.set("AccountDisplayName", user)
	userType := rec.str("UserType")
	r.set("AccountType", firstOf(userTypes[userType], userType))
	r["IsAdminOperation"] = userType == "2" || userType == "3" || userType == "Admin" || userType == "DcAdmin"
	r.set("IPAddress", rec.clientIP())
	agent := rec.userAgent()
	r.set("UserAgent", agent)
	r.set("OSPlatform", rec.nameValue("DeviceProperties", "OS"))
	r.set("ObjectId", rec.str("ObjectId"))
	r.set("ObjectName", firstOf(rec.str("SourceFileName"), rec.nameValue("Parameters", "Identity"), rec.str("Item", "Subject"), d.targetName(rec), rec.str("ObjectId")))
	r.set("ObjectType", rec.str("ItemType"))
	r["ActivityType"] = activityType(operation)
	if v := rec.str("ExternalAccess"); v != "" {
		r["IsExternalUser"] = strings.EqualFold(v, "true")
	}
	if o := d.auditObjects(rec); o != nil {
		r["ActivityObjects"] = o
	}
	if a := rec.str("ClientAppId"); isGUID(a) {
		r["OAuthAppId"] = a
	} else if strings.HasPrefix(operation, "Consent to application") {
		if id, _, _ := strings.Cut(rec.str("ObjectId"), ";"); isGUID(id) {
			r["OAuthAppId"] = id
		}
	}
	var session bag
	session.add("SessionId", firstOf(rec.str("SessionId"), rec.nameValue("DeviceProperties", "SessionId")))
	session.add("InterSystemsId", rec.str("InterSystemsId"))
	session.add("AppId", firstOf(rec.str("AppId"), rec.str("ApplicationId")))
	if len(session) > 0 {
		r["SessionData"] = session.bytes()
	}
	var b bag
	for _, k := range [...]string{"Workload", "RecordType", "ResultStatus", "Id", "OrganizationName", "MailboxOwnerUPN", "LogonType",
		"ClientInfoString", "AppId", "ApplicationId", "AlertId", "Name", "Severity", "Category", "ErrorNumber", "LogonError"} {
		b.add(k, rec.str(k))
	}
	b.add("MailAccessType", rec.nameValue("OperationProperties", "MailAccessType"))
	b.putDynamic(r)
	r["RawEventData"] = json.RawMessage(rec.d.rawJSON(rec.n))
	r["AuditSource"] = "App connector"
	r.set("TenantId", rec.str("OrganizationId"))
	d.emit(ev, "CloudAppEvents", r, ordinal)
}

func activityType(operation string) string {
	switch {
	case operation == "UserLoggedIn":
		return "Log on"
	case operation == "UserLoginFailed":
		return "Failed log on"
	case strings.HasPrefix(operation, "File"):
		return strings.TrimPrefix(operation, "File")
	case strings.Contains(operation, "-"), operation == "MailItemsAccessed":
		return "Run"
	}
	return "Basic"
}

// auditObjects lists what an operation was about, in Defender's form.
func (d *Decoder) auditObjects(rec record) json.RawMessage {
	var out []byte
	add := func(typ, role, id, name, value string) {
		if id == "" && name == "" || len(out) > 64<<10 {
			return
		}
		var o bag
		o.add("Type", typ)
		o.add("Role", role)
		o.add("Id", id)
		o.add("Name", name)
		o.add("Value", value)
		out = append(append(out, ','), o.bytes()...)
	}
	each := func(list string, f func(record)) {
		if l := rec.d.child(rec.n, list); l != nil && l.kind == '[' {
			for i := rec.d.first(l); i < l.next; i = rec.d.n[i].next {
				f(record{rec.d, &rec.d.n[i]})
			}
		}
	}
	add("Account", "Actor", rec.str("UserKey"), rec.str("UserId"), "")
	each("Target", func(t record) { add("Structured object", "Target object", t.str("ID"), "", "") })
	for _, list := range [...]string{"Parameters", "OperationProperties"} {
		each(list, func(p record) { add("Property", "Parameter", "", p.str("Name"), p.str("Value")) })
	}
	each("ModifiedProperties", func(p record) { add("Property", "Modified property", "", p.str("Name"), p.str("NewValue")) })
	if len(out) == 0 {
		return nil
	}
	out[0] = '['
	return append(out, ']')
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}

// firstParty are the applications of Microsoft that sign-ins go through most.
var firstParty = map[string]string{
	"1b730954-1685-4b74-9bfd-dac224a7b894": "Azure Active Directory PowerShell", "1950a258-227b-4e31-a9cf-717495945fc2": "Microsoft Azure PowerShell",
	"04b07795-8ddb-461a-bbee-02f9e1bf7b46": "Microsoft Azure CLI", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "Azure Portal",
	"d3590ed6-52b3-4102-aeff-aad2292ab01c": "Microsoft Office", "1fec8e78-bce4-4aaf-ab1b-5451cc387264": "Microsoft Teams",
	"00000002-0000-0ff1-ce00-000000000000": "Office 365 Exchange Online", "00000003-0000-0ff1-ce00-000000000000": "Office 365 SharePoint Online",
	"00000003-0000-0000-c000-000000000000": "Microsoft Graph", "00000002-0000-0000-c000-000000000000": "Windows Azure Active Directory",
	"4765445b-32c6-49b0-83e6-1d93765276ca": "OfficeHome", "fb78d390-0c51-40cd-8e17-fdbfab77341b": "Microsoft Exchange REST API Based Powershell",
	"a0c73c16-a7e3-4564-9a95-2bdf47383716": "Microsoft Exchange Online Remote PowerShell", "89bee1f7-5e6e-4d8a-9f3d-ecd601259da7": "Office365 Shell WCSS-Client",
	"29d9ed98-a469-4536-ade2-f981bc1d605e": "Microsoft Authentication Broker", "14d82eec-204b-4c2f-b7e8-296a70dab67e": "Microsoft Graph Command Line Tools",
}

// signIn is what the two sign-in tables share; they differ in one column.
func (d *Decoder) signIn(ev *tocsin.Event, r row, deviceID string, ordinal int64) {
	old := make(row, len(r)+2)
	for k, v := range r {
		old[k] = v
	}
	old.set("AadDeviceId", deviceID)
	d.emit(ev, "AADSignInEventsBeta", old, ordinal)
	r.set("EntraIdDeviceId", deviceID)
	d.emit(ev, "EntraIdSignInEvents", r, ordinal)
}

func (d *Decoder) auditSignIn(ev *tocsin.Event, rec record, ordinal int64) {
	r := newRow(ev.Time)
	app := rec.str("ApplicationId")
	r.set("ApplicationId", app)
	r.set("Application", firstOf(firstParty[strings.ToLower(app)], app))
	r.set("AccountUpn", strings.ToLower(rec.str("UserId")))
	if key := rec.str("UserKey"); isGUID(key) {
		r["AccountObjectId"] = strings.ToLower(key)
	}
	code, ok := wideNumber(rec.str("ErrorNumber"))
	if !ok && rec.str("Operation") == "UserLoggedIn" {
		code, ok = 0, true
	}
	if ok && code >= 0 && code < 1<<31 {
		r["ErrorCode"] = code
	}
	r.set("AuthenticationProcessingDetails", rec.str("LogonError"))
	r.set("IPAddress", firstOf(address(rec.str("ActorIpAddress")), rec.clientIP()))
	resource := firstOf(rec.str("ObjectId"), d.firstTarget(rec))
	r.set("ResourceId", resource)
	r.set("ResourceDisplayName", firstParty[strings.ToLower(resource)])
	r.set("UserAgent", rec.userAgent())
	r.set("Browser", rec.nameValue("DeviceProperties", "BrowserType"))
	r.set("OSPlatform", rec.nameValue("DeviceProperties", "OS"))
	r.set("DeviceName", strings.ToLower(rec.nameValue("DeviceProperties", "DisplayName")))
	r.set("DeviceTrustType", rec.nameValue("DeviceProperties", "TrustType"))
	if v := firstOf(rec.nameValue("DeviceProperties", "IsCompliantAndManaged"), rec.nameValue("DeviceProperties", "IsCompliant")); v != "" {
		n := int64(0)
		if strings.EqualFold(v, "true") {
			n = 1
		}
		r["IsCompliant"], r["IsManaged"] = n, n
	}
	r.set("SessionId", rec.nameValue("DeviceProperties", "SessionId"))
	r.set("CorrelationId", rec.str("InterSystemsId"))
	r.set("RequestId", firstOf(rec.str("IntraSystemId"), rec.str("Id")))
	r.set("EndpointCall", rec.nameValue("ExtendedProperties", "RequestType"))
	d.signIn(ev, r, rec.nameValue("DeviceProperties", "Id"), ordinal)
}

// targetName is the display name among a directory operation's targets.
func (d *Decoder) targetName(rec record) string {
	l := rec.d.child(rec.n, "Target")
	if l == nil || l.kind != '[' {
		return ""
	}
	for i := rec.d.first(l); i < l.next; i = rec.d.n[i].next {
		if t := (record{rec.d, &rec.d.n[i]}); t.str("Type") == "1" {
			return t.str("ID")
		}
	}
	return ""
}

func (d *Decoder) firstTarget(rec record) string {
	l := rec.d.child(rec.n, "Target")
	if l == nil || l.kind != '[' || l.next == l.self+1 {
		return ""
	}
	return record{rec.d, &rec.d.n[l.self+1]}.str("ID")
}

const maxMailRows = 2000

// auditMail maps the one record that Defender for Office writes per suspicious
// mail.
func (d *Decoder) auditMail(ev *tocsin.Event, rec record, ordinal int64) {
	recipients := rec.d.child(rec.n, "Recipients")
	var to []string
	switch {
	case recipients == nil:
	case recipients.kind == '[':
		for i := rec.d.first(recipients); i < recipients.next; i = rec.d.n[i].next {
			to = append(to, rec.d.text(&rec.d.n[i]))
		}
	case recipients.kind == 's':
		to = strings.FieldsFunc(rec.d.text(recipients), func(r rune) bool { return r == ';' || r == ',' })
	}
	if len(to) == 0 {
		to = []string{""}
	}
	attachments := rec.d.child(rec.n, "AttachmentData")
	at := ev.Time
	if t, _, ok := parseTime(rec.str("MessageTime")); ok && validTime(t) {
		at = t
	}
	for i, recipient := range to {
		if i >= maxMailRows {
			break
		}
		recipient = strings.ToLower(strings.TrimSpace(recipient))
		d.emit(ev, "EmailEvents", d.mailRow(rec, at, recipient, attachments), ordinal)
		if attachments == nil || attachments.kind != '[' {
			continue
		}
		for j := rec.d.first(attachments); j < attachments.next; j = rec.d.n[j].next {
			if len(ev.Rows) >= maxMailRows {
				break // recipients times attachments
			}
			a := record{rec.d, &rec.d.n[j]}
			r := newRow(at)
			r.set("NetworkMessageId", rec.str("NetworkMessageId"))
			r.set("SenderFromAddress", strings.ToLower(rec.str("P2Sender")))
			r.set("RecipientEmailAddress", recipient)
			r.set("FileName", a.str("FileName"))
			r.set("FileType", a.str("FileType"))
			r.set("SHA256", strings.ToLower(a.str("SHA256")))
			r.set("ThreatNames", a.str("MalwareFamily"))
			if v := a.str("FileVerdict"); v == "1" {
				r["ThreatTypes"] = "Malware"
			}
			d.emit(ev, "EmailAttachmentInfo", r, ordinal)
		}
	}
}

func (d *Decoder) mailRow(rec record, at time.Time, recipient string, attachments *jnode) row {
	r := newRow(at)
	r.set("NetworkMessageId", rec.str("NetworkMessageId"))
	r.set("InternetMessageId", rec.str("InternetMessageId"))
	from, header := strings.ToLower(rec.str("P1Sender")), strings.ToLower(rec.str("P2Sender"))
	r.set("SenderMailFromAddress", from)
	r.set("SenderFromAddress", header)
	if _, domain, ok := strings.Cut(from, "@"); ok {
		r.set("SenderMailFromDomain", domain)
	}
	if _, domain, ok := strings.Cut(header, "@"); ok {
		r.set("SenderFromDomain", domain)
	}
	if ip := address(rec.str("SenderIp")); strings.Contains(ip, ":") {
		r["SenderIPv6"] = ip
	} else {
		r.set("SenderIPv4", ip)
	}
	r.set("RecipientEmailAddress", recipient)
	if _, domain, ok := strings.Cut(recipient, "@"); ok {
		r.set("RecipientDomain", domain)
	}
	r.set("Subject", rec.str("Subject"))
	r.set("ThreatTypes", rec.str("Verdict"))
	r.set("DetectionMethods", rec.str("DetectionMethod"))
	r.set("DeliveryAction", firstOf(rec.str("DeliveryAction"), rec.str("PolicyAction")))
	r.set("EmailAction", rec.str("PolicyAction"))
	r.set("EmailDirection", rec.str("Directionality"))
	r.set("EmailLanguage", rec.str("Language"))
	if attachments != nil && attachments.kind == '[' {
		n := int64(0)
		for i := rec.d.first(attachments); i < attachments.next; i = rec.d.n[i].next {
			n++
		}
		r["AttachmentCount"] = n
	}
	var b bag
	for _, k := range [...]string{"EventDeepLink", "Policy", "PolicyAction", "DetectionType", "OriginalDeliveryLocation", "LatestDeliveryLocation", "DeliveryAction"} {
		b.add(k, rec.str(k))
	}
	b.putText(r)
	return r
}

// officeActivity maps a row of the OfficeActivity table: kept in its table,
// and as the audit record that it was made of.
func (d *Decoder) officeActivity(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	t, ok := d.time(n, "TimeGenerated")
	if !ok || !validTime(t) {
		return dst, errNoTime
	}
	rec := record{&d.doc, n}
	workload := rec.str("OfficeWorkload")
	ev := tocsin.Event{Product: "m365", Service: auditService(workload), Time: t, Fields: d.cloudFields(n)}
	ev.Fields = append(ev.Fields, tocsin.Field{Name: "Workload", Value: workload}, tocsin.Field{Name: "eventSource", Value: workload},
		tocsin.Field{Name: "eventName", Value: rec.str("Operation")}, tocsin.Field{Name: "status", Value: auditStatus(rec.str("ResultStatus"))})
	d.cloudApp(&ev, rec, ordinal)
	if r := d.tableRow("OfficeActivity", n); r != nil {
		r["TimeGenerated"] = t
		if r["OfficeId"] == nil {
			r["OfficeId"] = d.keyText(ordinal, 1)
		}
		ev.Rows = append(ev.Rows, tocsin.Row{Table: "OfficeActivity", Values: r})
	}
	return append(dst, ev), nil
}
