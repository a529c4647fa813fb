package intake

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// either is a member by its name in the workspace's tables or, beginning with a
// small letter, in Graph's answers and the diagnostic streams.
func (r record) either(name string) *jnode {
	if n := r.d.child(r.n, name); n != nil && n.kind != '0' {
		return n
	}
	return r.d.child(r.n, strings.ToLower(name[:1])+name[1:])
}

func (r record) eitherText(names ...string) string {
	for _, name := range names {
		if n := r.either(name); n != nil && n.kind != '{' && n.kind != '[' && n.kind != '0' {
			if s := r.d.text(n); s != "" {
				return s
			}
		}
	}
	return ""
}

// inside is a member of a member that is an object or JSON in a text.
func (d *Decoder) inside(r record, name string, path ...string) string {
	n := r.either(name)
	if n == nil {
		return ""
	}
	if n.kind == '{' {
		return (record{r.d, n}).str(path...)
	}
	if n.kind == 's' && d.inner.parse([]byte(r.d.text(n))) == nil {
		return (record{&d.inner, d.inner.root()}).str(path...)
	}
	return ""
}

// entraTime is when a record of Entra ID happened.
func entraTime(recs ...record) (time.Time, bool) {
	for _, r := range recs {
		if r.n == nil {
			continue
		}
		for _, k := range [...]string{"ActivityDateTime", "CreatedDateTime", "TimeGenerated", "Time"} {
			if t, _, ok := parseTime(r.eitherText(k)); ok && validTime(t) {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// entraAudit maps a directory audit record: a row of AuditLogs, an object of
// Graph's directoryAudits, or a record of a diagnostic stream, which has the
// payload in properties.
func (d *Decoder) entraAudit(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	doc := &d.doc
	props := doc.child(n, "properties")
	rec := record{doc, n}
	if props != nil && props.kind == '{' {
		rec = record{doc, props}
	}
	t, ok := entraTime(rec, record{doc, n})
	if !ok {
		return dst, errNoTime
	}
	ev := tocsin.Event{Product: "azure", Service: "auditlogs", Time: t, Fields: d.cloudFields(n)}
	operation := rec.eitherText("ActivityDisplayName", "OperationName")
	// Rules know the activity under the name that Azure Monitor once gave it.
	ev.Fields = append(ev.Fields, tocsin.Field{Name: "properties.message", Value: operation})

	r := d.tableRow("AuditLogs", rec.n, n)
	if r == nil {
		r = make(row, 16)
	}
	r["TimeGenerated"] = t
	if r["OperationName"] == nil || props != nil {
		r["OperationName"] = operation
	}
	r["Type"] = "AuditLogs"
	r.defaultText("ActivityDisplayName", operation)
	if r["ActivityDateTime"] == nil {
		r["ActivityDateTime"] = t
	}
	r.defaultText("AADTenantId", rec.eitherText("TenantId"))
	r.defaultText("AADOperationType", rec.eitherText("OperationType"))
	r.defaultText("Identity", firstOf(d.inside(rec, "InitiatedBy", "user", "displayName"), d.inside(rec, "InitiatedBy", "app", "displayName")))
	if r["Id"] == nil {
		r["Id"] = d.keyText(ordinal, 0)
	}
	ev.Rows = append(ev.Rows, tocsin.Row{Table: "AuditLogs", Values: r})
	return append(dst, ev), nil
}

func (r row) defaultText(column, v string) {
	if r[column] == nil {
		r.set(column, v)
	}
}

// entraSignIn maps a sign-in record in the same three forms.
func (d *Decoder) entraSignIn(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	doc := &d.doc
	props := doc.child(n, "properties")
	rec := record{doc, n}
	if props != nil && props.kind == '{' {
		rec = record{doc, props}
	}
	t, ok := entraTime(rec, record{doc, n})
	if !ok {
		return dst, errNoTime
	}
	ev := tocsin.Event{Product: "azure", Service: "signinlogs", Time: t, Fields: d.cloudFields(n)}
	r := d.tableRow("SigninLogs", rec.n, n)
	if r == nil {
		r = make(row, 16)
	}
	r["TimeGenerated"] = t
	r["Type"] = "SigninLogs"
	code := rec.eitherText("ResultType")
	if code == "" {
		code = d.inside(rec, "Status", "errorCode")
	}
	r.defaultText("ResultType", code)
	r.defaultText("ResultDescription", d.inside(rec, "Status", "failureReason"))
	ip := address(rec.eitherText("IPAddress", "IpAddress"))
	r.set("IPAddress", ip)
	if r["Id"] == nil {
		r["Id"] = d.keyText(ordinal, 0)
	}
	ev.Rows = append(ev.Rows, tocsin.Row{Table: "SigninLogs", Values: r})

	s := newRow(t)
	s.set("Application", rec.eitherText("AppDisplayName"))
	s.set("ApplicationId", rec.eitherText("AppId"))
	s.set("AccountUpn", strings.ToLower(rec.eitherText("UserPrincipalName")))
	s.set("AccountDisplayName", rec.eitherText("UserDisplayName"))
	s.set("AccountObjectId", strings.ToLower(rec.eitherText("UserId")))
	if v, ok := wideNumber(code); ok && v >= 0 && v < 1<<31 {
		s["ErrorCode"] = v
	}
	s.set("IPAddress", ip)
	s.set("CorrelationId", rec.eitherText("CorrelationId"))
	s.set("RequestId", firstOf(rec.eitherText("OriginalRequestId"), rec.eitherText("Id")))
	s.set("SessionId", rec.eitherText("SessionId"))
	s.set("ResourceDisplayName", rec.eitherText("ResourceDisplayName"))
	s.set("ResourceId", firstOf(rec.eitherText("ResourceIdentity"), rec.str("resourceId")))
	s.set("UserAgent", rec.eitherText("UserAgent"))
	s.set("ClientAppUsed", rec.eitherText("ClientAppUsed"))
	s.set("AuthenticationRequirement", rec.eitherText("AuthenticationRequirement"))
	s.set("Country", firstOf(d.inside(rec, "LocationDetails", "countryOrRegion"), d.inside(rec, "Location", "countryOrRegion"), rec.eitherText("Location")))
	s.set("State", firstOf(d.inside(rec, "LocationDetails", "state"), d.inside(rec, "Location", "state")))
	s.set("City", firstOf(d.inside(rec, "LocationDetails", "city"), d.inside(rec, "Location", "city")))
	s.set("Browser", d.inside(rec, "DeviceDetail", "browser"))
	s.set("OSPlatform", d.inside(rec, "DeviceDetail", "operatingSystem"))
	s.set("DeviceName", strings.ToLower(d.inside(rec, "DeviceDetail", "displayName")))
	s.set("DeviceTrustType", d.inside(rec, "DeviceDetail", "trustType"))
	s.truth("IsCompliant", d.inside(rec, "DeviceDetail", "isCompliant"))
	s.truth("IsManaged", d.inside(rec, "DeviceDetail", "isManaged"))
	s.ranked("ConditionalAccessStatus", rec.eitherText("ConditionalAccessStatus"), "success", "failure", "notapplied")
	s.risk(rec)
	if c := rec.either("ConditionalAccessPolicies"); c != nil && c.kind != '0' {
		s.set("ConditionalAccessPolicies", doc.text(c))
	}
	if rec.eitherText("UserType") != "" {
		s["IsGuestUser"] = strings.EqualFold(rec.eitherText("UserType"), "guest")
	}
	s.set("LogonType", logonKinds(rec))
	d.signIn(&ev, s, d.inside(rec, "DeviceDetail", "deviceId"), ordinal)
	return append(dst, ev), nil
}

func logonKinds(rec record) string {
	switch strings.ToLower(rec.eitherText("IsInteractive")) {
	case "true":
		return `["interactiveUser"]`
	case "false":
		return `["nonInteractiveUser"]`
	}
	return ""
}

// truth stores a truth value in a column that holds 0 or 1.
func (r row) truth(column, v string) {
	switch strings.ToLower(v) {
	case "true", "1":
		r[column] = int64(1)
	case "false", "0":
		r[column] = int64(0)
	}
}

// ranked stores the place of a word in a list, as the table's numbers count.
func (r row) ranked(column, v string, words ...string) {
	for i, w := range words {
		if strings.EqualFold(v, w) {
			r[column] = int64(i)
		}
	}
}

// risk stores the risk columns in the table's numbers.
func (r row) risk(rec record) {
	levels := map[string]int64{"none": 0, "hidden": 1, "low": 10, "medium": 50, "high": 100}
	if v, ok := levels[strings.ToLower(rec.eitherText("RiskLevelAggregated"))]; ok {
		r["RiskLevelAggregated"] = v
	}
	r.ranked("RiskState", rec.eitherText("RiskState"), "none", "confirmedSafe", "remediated", "dismissed", "atRisk", "confirmedCompromised")
}

// auditDirectory makes the AuditLogs row of a directory change that came
// through the unified audit log.
func (d *Decoder) auditDirectory(ev *tocsin.Event, rec record, ordinal int64) {
	operation := strings.TrimSuffix(rec.str("Operation"), ".")
	r := make(row, 24)
	r["TimeGenerated"], r["ActivityDateTime"] = ev.Time, ev.Time
	r["OperationName"], r["ActivityDisplayName"] = operation, operation
	r["Type"], r["LoggedByService"] = "AuditLogs", "Core Directory"
	r["Category"] = directoryCategory(operation)
	r["Result"] = auditStatus(rec.str("ResultStatus"))
	r.set("CorrelationId", rec.str("InterSystemsId"))
	r.set("AADTenantId", rec.str("OrganizationId"))
	r.set("Identity", rec.str("UserId"))
	if r.set("Id", rec.str("Id")); r["Id"] == nil {
		r["Id"] = d.keyText(ordinal, 1)
	}
	var user bag
	if key := rec.str("UserKey"); isGUID(key) {
		user.add("id", key)
	}
	user.add("userPrincipalName", rec.str("UserId"))
	user.add("ipAddress", rec.clientIP())
	var by bag
	if strings.HasPrefix(rec.str("UserId"), "ServicePrincipal_") {
		by.raw("app", user.bytes())
	} else {
		by.raw("user", user.bytes())
	}
	r["InitiatedBy"] = by.bytes()
	r["TargetResources"] = d.auditTargets(rec)
	if x := rec.json("ExtendedProperties"); x != nil {
		r["AdditionalDetails"] = x
	}
	ev.Rows = append(ev.Rows, tocsin.Row{Table: "AuditLogs", Values: r})
}

func directoryCategory(operation string) string {
	low := strings.ToLower(operation)
	switch {
	case strings.Contains(low, "role"):
		return "RoleManagement"
	case strings.Contains(low, "application"), strings.Contains(low, "service principal"), strings.Contains(low, "consent"),
		strings.Contains(low, "permission grant"), strings.Contains(low, "app "):
		return "ApplicationManagement"
	case strings.Contains(low, "group"):
		return "GroupManagement"
	case strings.Contains(low, "policy"):
		return "Policy"
	case strings.Contains(low, "domain"), strings.Contains(low, "federation"):
		return "DirectoryManagement"
	}
	return "UserManagement"
}

// auditTargets writes the targets and changed properties in the directory's
// own form: one resource, since the audit log flattens them.
func (d *Decoder) auditTargets(rec record) json.RawMessage {
	var target bag
	if l := rec.d.child(rec.n, "Target"); l != nil && l.kind == '[' {
		for i := rec.d.first(l); i < l.next; i = rec.d.n[i].next {
			switch t := (record{rec.d, &rec.d.n[i]}); {
			case t.str("Type") == "1" && !strings.Contains(string(target), `"displayName":`):
				target.add("displayName", t.str("ID"))
			case t.str("Type") == "5" && !strings.Contains(string(target), `"userPrincipalName":`):
				target.add("userPrincipalName", t.str("ID"))
			case t.str("Type") == "2" && isGUID(t.str("ID")) && !strings.Contains(string(target), `"id":`):
				target.add("id", t.str("ID"))
			}
		}
	}
	if len(target) == 0 {
		target.add("id", rec.str("ObjectId"))
	}
	var props []byte
	if l := rec.d.child(rec.n, "ModifiedProperties"); l != nil && l.kind == '[' {
		for i := rec.d.first(l); i < l.next; i = rec.d.n[i].next {
			p := record{rec.d, &rec.d.n[i]}
			var one bag
			one.add("displayName", p.str("Name"))
			one.add("oldValue", p.str("OldValue"))
			one.add("newValue", p.str("NewValue"))
			props = append(append(props, ','), one.bytes()...)
		}
	}
	if len(props) > 0 {
		props[0] = '['
		target.raw("modifiedProperties", append(props, ']'))
	}
	return append(append(json.RawMessage{'['}, target.bytes()...), ']')
}
