package detect

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// evidenceMaker collects the entities of one row.
type evidenceMaker struct {
	row  *tocsin.Row
	rule *Rule
	g    func(string) string
	at   time.Time
	out  []tocsin.Evidence
}

// evidence are the entities that a row speaks of, with the part each played.
func evidence(row *tocsin.Row, r *Rule) []tocsin.Evidence {
	m := &evidenceMaker{row: row, rule: r, g: rowGet(row), at: rowTime(row)}
	t := row.Table
	switch {
	case strings.HasPrefix(t, "Email") || strings.HasPrefix(t, "Url"):
		m.mail()
	case strings.HasPrefix(t, "Device"):
		m.endpoint()
	case strings.HasPrefix(t, "Identity"):
		m.identity()
	case t == "CloudAppEvents" || t == "OfficeActivity":
		m.cloudApp()
	case t == "OAuthAppInfo":
		m.oauthApp(m.g("OAuthAppId"), m.g("AppName"), m.g("ServicePrincipalId"), tocsin.RoleSuspicious)
	case strings.HasPrefix(t, "AADS") || strings.HasPrefix(t, "EntraId") || t == "SigninLogs":
		m.signIn()
	case t == "AuditLogs":
		m.auditLog()
	case strings.HasPrefix(t, "Cloud"):
		m.cloud()
	}
	if len(m.out) == 0 {
		m.generic()
	}
	return m.out
}

func (m *evidenceMaker) add(t tocsin.EvidenceType, role tocsin.EvidenceRole, props map[string]any) *tocsin.Evidence {
	for k, v := range props {
		if s, ok := v.(string); ok && s == "" {
			delete(props, k)
		}
	}
	verdict := tocsin.VerdictSuspicious
	if role == tocsin.RoleContextual || role == tocsin.RoleAttacked {
		verdict = tocsin.VerdictUnknown
	}
	m.out = append(m.out, tocsin.Evidence{Type: t, Created: m.at, Roles: []tocsin.EvidenceRole{role}, Verdict: verdict,
		RemediationStatus: tocsin.RemediationNone, Device: m.g("DeviceName"), Props: props})
	return &m.out[len(m.out)-1]
}

func (m *evidenceMaker) device(host, id string, role tocsin.EvidenceRole) {
	if host == "" && id == "" {
		return
	}
	dns := strings.ToLower(host)
	short, domain, _ := strings.Cut(dns, ".")
	e := m.add(tocsin.EvDevice, role, map[string]any{"deviceDnsName": dns, "hostName": short, "dnsDomain": domain, "mdeDeviceId": id})
	e.Device = dns
}

func (m *evidenceMaker) user(upn, domain, name, sid, objectID, display string, role tocsin.EvidenceRole) {
	if strings.Contains(name, "@") && upn == "" {
		upn, name = name, ""
	}
	if upn == "" && name == "" && sid == "" && objectID == "" {
		return
	}
	if upn == "" && tocsin.SystemAccount(name, sid) {
		role = tocsin.RoleContextual
	}
	m.add(tocsin.EvUser, role, map[string]any{"userAccount": account(upn, domain, name, sid, objectID, display)})
}

func account(upn, domain, name, sid, objectID, display string) map[string]any {
	a := map[string]any{}
	for k, v := range map[string]string{"userPrincipalName": upn, "domainName": domain, "accountName": name, "userSid": sid, "azureAdUserId": objectID, "displayName": display} {
		if v != "" {
			a[k] = v
		}
	}
	if name == "" && upn != "" {
		a["accountName"], _, _ = strings.Cut(upn, "@")
	}
	return a
}

func (m *evidenceMaker) ip(addr string, role tocsin.EvidenceRole) {
	if a, ok := tocsin.ParseIP(addr); ok {
		m.add(tocsin.EvIP, role, map[string]any{"ipAddress": a.String()})
	}
}

func (m *evidenceMaker) url(u string, role tocsin.EvidenceRole) {
	if u != "" {
		m.add(tocsin.EvURL, role, map[string]any{"url": u})
	}
}

func fileDetails(name, dir, sha256, sha1, md5, size string) map[string]any {
	d := map[string]any{}
	if name == "" {
		name = dir[strings.LastIndexAny(dir, `\/`)+1:]
	}
	for k, v := range map[string]string{"fileName": name, "filePath": dir, "sha256": sha256, "sha1": sha1, "md5": md5} {
		if v != "" {
			d[k] = v
		}
	}
	if n, err := strconv.ParseInt(size, 10, 64); err == nil {
		d["fileSize"] = n
	}
	return d
}

func (m *evidenceMaker) file(name, dir, sha256, sha1, md5, size string, role tocsin.EvidenceRole) {
	if name == "" && dir == "" && sha256 == "" && sha1 == "" && md5 == "" {
		return
	}
	m.add(tocsin.EvFile, role, map[string]any{"fileDetails": fileDetails(name, dir, sha256, sha1, md5, size), "mdeDeviceId": m.g("DeviceId")})
}

// systemFile reports a file of the operating system: its presence says
// nothing about the attack.
func systemFile(dir string) bool {
	p := strings.ReplaceAll(fold(dir), `\`, "/")
	return strings.Contains(p, "/windows/system32/") || strings.Contains(p, "/windows/syswow64/") || strings.HasPrefix(p, "/usr/bin/") || strings.HasPrefix(p, "/bin/") || strings.HasPrefix(p, "/usr/sbin/")
}

func (m *evidenceMaker) number(col string) any {
	if n, err := strconv.ParseInt(m.g(col), 0, 64); err == nil {
		return n
	}
	return ""
}

func (m *evidenceMaker) timeText(col string) string {
	switch v := m.row.Values[col].(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case string:
		if t, ok := parseTime(v); ok {
			return t.Format(time.RFC3339Nano)
		}
	}
	return ""
}

func (m *evidenceMaker) endpoint() {
	g := m.g
	deviceRole := tocsin.RoleAttacked
	if slices.Contains(m.rule.Tactics, "LateralMovement") && m.row.Table == "DeviceNetworkEvents" {
		deviceRole = tocsin.RoleSource
	}
	m.device(g("DeviceName"), g("DeviceId"), deviceRole)
	switch m.row.Table {
	case "DeviceProcessEvents":
		m.user(g("AccountUpn"), g("AccountDomain"), g("AccountName"), g("AccountSid"), g("AccountObjectId"), "", tocsin.RoleCompromised)
		m.newProcess()
		m.initiator(tocsin.RoleContextual)
		role := tocsin.RoleSuspicious
		if systemFile(g("FolderPath")) {
			role = tocsin.RoleContextual
		}
		m.file(g("FileName"), g("FolderPath"), g("SHA256"), g("SHA1"), g("MD5"), g("FileSize"), role)
		return
	case "DeviceLogonEvents":
		m.user(g("AccountUpn"), g("AccountDomain"), g("AccountName"), g("AccountSid"), g("AccountObjectId"), "", tocsin.RoleCompromised)
		m.device(g("RemoteDeviceName"), "", tocsin.RoleSource)
		m.ip(g("RemoteIP"), tocsin.RoleSource)
		m.hostSession()
		return
	}
	m.initiatorUser()
	if m.row.Table == "DeviceEvents" {
		m.user("", g("AccountDomain"), g("AccountName"), g("AccountSid"), "", "", tocsin.RoleCompromised)
	}
	m.initiator(tocsin.RoleSuspicious)
	switch m.row.Table {
	case "DeviceNetworkEvents":
		role := tocsin.RoleDestination
		if slices.Contains(m.rule.Tactics, "CommandAndControl") {
			role = tocsin.RoleCommandAndControl
		}
		if inbound(g("ActionType")) {
			role = tocsin.RoleSource
		}
		m.ip(g("RemoteIP"), role)
		m.url(g("RemoteUrl"), role)
		if p := g("InitiatingProcessFolderPath"); !systemFile(p) {
			m.initiatorFile(tocsin.RoleSuspicious)
		}
		return
	case "DeviceRegistryEvents":
		m.registry()
		return
	}
	role := tocsin.RoleSuspicious
	switch act := g("ActionType"); {
	case act == "FileCreated":
		role = tocsin.RoleCreated
	case act == "FileModified" || act == "FileRenamed" || act == "FileDeleted":
		role = tocsin.RoleEdited
	case act == "ImageLoaded" || act == "DriverLoad":
		role = tocsin.RoleLoaded
	}
	m.file(g("FileName"), g("FolderPath"), g("SHA256"), g("SHA1"), g("MD5"), g("FileSize"), role)
	m.url(g("FileOriginUrl"), tocsin.RoleSource)
	m.ip(g("RemoteIP"), tocsin.RoleDestination)
	m.url(g("RemoteUrl"), tocsin.RoleDestination)
	m.ip(g("RequestSourceIP"), tocsin.RoleSource)
	m.user("", g("RequestAccountDomain"), g("RequestAccountName"), g("RequestAccountSid"), "", "", tocsin.RoleCompromised)
	if g("RegistryKey") != "" {
		m.registry()
	}
	if id := g("ProcessUniqueId"); id != "" || g("ProcessId") != "" && g("ProcessCommandLine") != "" {
		m.newProcess()
	}
}

func (m *evidenceMaker) newProcess() {
	g := m.g
	e := m.add(tocsin.EvProcess, tocsin.RoleSuspicious, map[string]any{
		"processId": m.number("ProcessId"), "processCommandLine": g("ProcessCommandLine"), "processCreationDateTime": m.timeText("ProcessCreationTime"),
		"imageFile":       fileDetails(g("FileName"), g("FolderPath"), g("SHA256"), g("SHA1"), g("MD5"), g("FileSize")),
		"parentProcessId": m.number("InitiatingProcessId"), "parentProcessCreationDateTime": m.timeText("InitiatingProcessCreationTime"),
		"parentProcessImageFile": fileDetails(g("InitiatingProcessFileName"), g("InitiatingProcessFolderPath"), "", "", "", ""),
		"mdeDeviceId":            g("DeviceId"), "userAccount": account(g("AccountUpn"), g("AccountDomain"), g("AccountName"), g("AccountSid"), g("AccountObjectId"), ""),
	})
	e.UniqueID = g("ProcessUniqueId")
	if e.Props["processCreationDateTime"] == nil && m.row.Table == "DeviceProcessEvents" && !m.at.IsZero() {
		e.Props["processCreationDateTime"] = m.at.Format(time.RFC3339Nano)
	}
}

func (m *evidenceMaker) initiator(role tocsin.EvidenceRole) {
	g := m.g
	if g("InitiatingProcessFileName") == "" && g("InitiatingProcessFolderPath") == "" {
		return
	}
	e := m.add(tocsin.EvProcess, role, map[string]any{
		"processId": m.number("InitiatingProcessId"), "processCommandLine": g("InitiatingProcessCommandLine"),
		"processCreationDateTime": m.timeText("InitiatingProcessCreationTime"),
		"imageFile":               fileDetails(g("InitiatingProcessFileName"), g("InitiatingProcessFolderPath"), g("InitiatingProcessSHA256"), g("InitiatingProcessSHA1"), g("InitiatingProcessMD5"), ""),
		"parentProcessId":         m.number("InitiatingProcessParentId"),
		"mdeDeviceId":             g("DeviceId"),
		"userAccount":             account(g("InitiatingProcessAccountUpn"), g("InitiatingProcessAccountDomain"), g("InitiatingProcessAccountName"), g("InitiatingProcessAccountSid"), g("InitiatingProcessAccountObjectId"), ""),
	})
	if p := g("InitiatingProcessParentFileName"); p != "" {
		e.Props["parentProcessImageFile"] = map[string]any{"fileName": p}
	}
	e.UniqueID = g("InitiatingProcessUniqueId")
}

func (m *evidenceMaker) initiatorUser() {
	g := m.g
	m.user(g("InitiatingProcessAccountUpn"), g("InitiatingProcessAccountDomain"), g("InitiatingProcessAccountName"), g("InitiatingProcessAccountSid"), g("InitiatingProcessAccountObjectId"), "", tocsin.RoleCompromised)
}

func (m *evidenceMaker) initiatorFile(role tocsin.EvidenceRole) {
	g := m.g
	m.file(g("InitiatingProcessFileName"), g("InitiatingProcessFolderPath"), g("InitiatingProcessSHA256"), g("InitiatingProcessSHA1"), g("InitiatingProcessMD5"), "", role)
}

func (m *evidenceMaker) registry() {
	g := m.g
	key := g("RegistryKey")
	if key == "" {
		return
	}
	hive, rest, _ := strings.Cut(key, `\`)
	role := tocsin.RoleEdited
	if g("ActionType") == "RegistryKeyCreated" {
		role = tocsin.RoleCreated
	}
	if name := g("RegistryValueName"); name != "" {
		m.add(tocsin.EvRegistryValue, role, map[string]any{"registryHive": hive, "registryKey": rest, "registryValueName": name,
			"registryValue": g("RegistryValueData"), "registryValueType": g("RegistryValueType"), "mdeDeviceId": g("DeviceId")})
		return
	}
	m.add(tocsin.EvRegistryKey, role, map[string]any{"registryHive": hive, "registryKey": rest})
}

func (m *evidenceMaker) hostSession() {
	if id := m.g("LogonId"); id != "" {
		m.add(tocsin.EvHostSession, tocsin.RoleContextual, map[string]any{"sessionId": id})
	}
}

func (m *evidenceMaker) mail() {
	g := m.g
	if m.row.Table == "UrlClickEvents" {
		m.user(g("AccountUpn"), "", "", "", "", "", tocsin.RoleCompromised)
		m.url(g("Url"), tocsin.RoleSuspicious)
		m.ip(g("IPAddress"), tocsin.RoleContextual)
	}
	if id, net := g("NetworkMessageId"), g("InternetMessageId"); id != "" || net != "" {
		p := map[string]any{"networkMessageId": id, "internetMessageId": net, "subject": g("Subject"), "recipientEmailAddress": g("RecipientEmailAddress"),
			"senderIp": g("SenderIPv4"), "deliveryAction": g("DeliveryAction"), "deliveryLocation": g("DeliveryLocation"), "language": g("EmailLanguage"),
			"antiSpamDirection": g("EmailDirection"), "attachmentsCount": m.number("AttachmentCount"), "urlCount": m.number("UrlCount")}
		if !m.at.IsZero() && m.row.Table == "EmailEvents" {
			p["receivedDateTime"] = m.at.Format(time.RFC3339Nano)
		}
		if t := g("ThreatTypes"); t != "" {
			var threats []any
			for _, x := range strings.Split(t, ",") {
				threats = append(threats, strings.TrimSpace(x))
			}
			p["threats"] = threats
		}
		if s := sender(g("SenderFromAddress"), g("SenderDisplayName"), g("SenderFromDomain")); s != nil {
			p["p2Sender"] = s
		}
		if s := sender(g("SenderMailFromAddress"), "", g("SenderMailFromDomain")); s != nil {
			p["p1Sender"] = s
		}
		m.add(tocsin.EvAnalyzedMessage, tocsin.RoleSuspicious, p)
	}
	if to := g("RecipientEmailAddress"); to != "" {
		m.add(tocsin.EvMailbox, tocsin.RoleAttacked, map[string]any{"primaryAddress": to, "upn": to, "userAccount": account(to, "", "", "", g("RecipientObjectId"), "")})
		m.user(to, "", "", "", g("RecipientObjectId"), "", tocsin.RoleAttacked)
	}
	if m.row.Table == "EmailUrlInfo" {
		m.url(g("Url"), tocsin.RoleSuspicious)
	}
	if m.row.Table == "EmailAttachmentInfo" {
		m.file(g("FileName"), "", g("SHA256"), "", "", g("FileSize"), tocsin.RoleSuspicious)
	}
	m.ip(g("SenderIPv4"), tocsin.RoleSource)
}

func sender(addr, display, domain string) map[string]any {
	if addr == "" {
		return nil
	}
	out := map[string]any{"emailAddress": addr}
	if display != "" {
		out["displayName"] = display
	}
	if domain == "" {
		_, domain, _ = strings.Cut(addr, "@")
	}
	out["domainName"] = domain
	return out
}

func (m *evidenceMaker) identity() {
	g := m.g
	role := tocsin.RoleCompromised
	if g("ActionType") == "LogonFailed" {
		role = tocsin.RoleAttacked
	}
	m.user(g("AccountUpn"), g("AccountDomain"), g("AccountName"), g("AccountSid"), g("AccountObjectId"), g("AccountDisplayName"), role)
	if up := g("TargetAccountUpn"); up != "" {
		m.user(up, "", "", "", "", g("TargetAccountDisplayName"), tocsin.RoleAttacked)
	}
	m.device(g("DeviceName"), "", tocsin.RoleSource)
	for _, col := range []string{"DestinationDeviceName", "TargetDeviceName"} {
		if d := g(col); d != "" && !strings.EqualFold(d, g("DeviceName")) {
			m.device(d, "", tocsin.RoleAttacked)
		}
	}
	m.ip(g("IPAddress"), tocsin.RoleSource)
	m.ip(g("DestinationIPAddress"), tocsin.RoleDestination)
}

func (m *evidenceMaker) cloudUser(role tocsin.EvidenceRole) string {
	g := m.g
	upn := g("AccountUpn")
	for _, col := range []string{"AccountId", "UserId", "UserPrincipalName", "AccountName"} {
		if v := g(col); upn == "" && strings.Contains(v, "@") {
			upn = v
		}
	}
	name := ""
	if upn == "" && g("AccountObjectId") == "" {
		name = accountName(g("AccountId"))
	}
	m.user(upn, "", name, "", g("AccountObjectId"), g("AccountDisplayName"), role)
	return upn
}

// accountName is the name at the end of an AWS role or user resource name, or
// the name itself.
func accountName(s string) string {
	if strings.HasPrefix(s, "arn:") {
		return s[strings.LastIndexAny(s, "/:")+1:]
	}
	return s
}

func (m *evidenceMaker) cloudApp() {
	g := m.g
	upn := m.cloudUser(tocsin.RoleCompromised)
	m.ip(g("IPAddress"), tocsin.RoleSource)
	m.ip(g("ClientIP"), tocsin.RoleSource)
	act := fold(g("ActionType") + g("Operation"))
	app := g("OAuthAppId")
	switch {
	case strings.Contains(act, "consent") || strings.Contains(act, "permission grant") || strings.Contains(act, "service principal") || strings.Contains(act, "application"):
		if app == "" {
			app = g("ObjectId")
		}
		m.oauthApp(app, g("ObjectName"), "", tocsin.RoleAdded)
	case app != "":
		m.oauthApp(app, "", "", tocsin.RoleSuspicious)
	}
	if strings.Contains(act, "inboxrule") || strings.Contains(act, "set-mailbox") || strings.Contains(act, "mailboxpermission") || strings.Contains(act, "mailitemsaccessed") {
		m.mailboxOf(upn, act)
	}
	if a := g("Application"); a != "" {
		p := map[string]any{"displayName": a}
		if n := m.number("ApplicationId"); n != "" {
			p["appId"], p["saasAppId"] = n, n
		}
		if n := m.number("AppInstanceId"); n != "" {
			p["instanceId"] = n
		}
		m.add(tocsin.EvCloudApp, tocsin.RoleContextual, p)
	}
	if strings.HasPrefix(act, "file") && g("ObjectName") != "" {
		m.file(g("ObjectName"), g("ObjectId"), "", "", "", "", tocsin.RoleAttacked)
	}
}

func (m *evidenceMaker) mailboxOf(upn, act string) {
	if upn == "" {
		return
	}
	m.add(tocsin.EvMailbox, tocsin.RoleAttacked, map[string]any{"primaryAddress": upn, "upn": upn, "displayName": m.g("AccountDisplayName")})
	if kind := mailboxChange(act); kind != "" {
		m.add(tocsin.EvMailboxConfig, tocsin.RoleAdded, map[string]any{"mailboxPrimaryAddress": upn, "upn": upn, "displayName": m.g("ObjectName"), "configurationType": kind, "configurationId": m.g("ObjectId")})
	}
}

func mailboxChange(act string) string {
	switch {
	case strings.Contains(act, "inboxrule"):
		return "userInboxRule"
	case strings.Contains(act, "mailboxpermission"):
		return "mailDelegation"
	case strings.Contains(act, "set-mailbox"):
		return "mailForwardingRule"
	}
	return ""
}

func (m *evidenceMaker) oauthApp(id, name, principal string, role tocsin.EvidenceRole) {
	if id == "" && name == "" {
		return
	}
	m.add(tocsin.EvOAuthApp, role, map[string]any{"appId": id, "displayName": name, "objectId": principal})
}

func (m *evidenceMaker) signIn() {
	g := m.g
	role := tocsin.RoleCompromised
	if code := g("ErrorCode") + g("ResultType"); code != "" && code != "0" {
		role = tocsin.RoleAttacked
	}
	if sp := g("ServicePrincipalId"); sp != "" && g("AccountUpn") == "" && g("UserPrincipalName") == "" {
		m.add(tocsin.EvServicePrincipal, tocsin.RoleCompromised, map[string]any{"servicePrincipalObjectId": sp, "servicePrincipalName": g("ServicePrincipalName"), "appId": g("ApplicationId")})
	}
	upn, object := g("AccountUpn"), g("AccountObjectId")
	if upn == "" {
		upn, object = g("UserPrincipalName"), g("UserId")
	}
	m.user(upn, "", "", "", object, g("AccountDisplayName")+g("UserDisplayName"), role)
	m.ip(g("IPAddress"), tocsin.RoleSource)
	if id := g("SessionId"); id != "" {
		m.add(tocsin.EvCloudSession, tocsin.RoleSuspicious, map[string]any{"sessionId": id, "userAgent": g("UserAgent"), "browser": g("Browser"), "operatingSystem": g("OSPlatform"), "deviceName": g("DeviceName"),
			"account": map[string]any{"userAccount": account(upn, "", "", "", object, "")}})
	}
	m.device(g("DeviceName"), "", tocsin.RoleContextual)
	if a := g("Application") + g("AppDisplayName"); a != "" {
		m.add(tocsin.EvCloudApp, tocsin.RoleContextual, map[string]any{"displayName": a})
	}
}

func (m *evidenceMaker) auditLog() {
	var by struct {
		User struct{ UserPrincipalName, ID, IPAddress, DisplayName string }
		App  struct{ AppID, DisplayName, ServicePrincipalID string }
	}
	text, _ := valueText(m.row.Values["InitiatedBy"])
	_ = json.Unmarshal([]byte(text), &by) // what is not there stays empty
	m.user(by.User.UserPrincipalName, "", "", "", by.User.ID, by.User.DisplayName, tocsin.RoleCompromised)
	m.ip(by.User.IPAddress, tocsin.RoleSource)
	m.oauthApp(by.App.AppID, by.App.DisplayName, by.App.ServicePrincipalID, tocsin.RoleSource)
	var targets []struct{ ID, DisplayName, Type, UserPrincipalName string }
	text, _ = valueText(m.row.Values["TargetResources"])
	_ = json.Unmarshal([]byte(text), &targets)
	for _, t := range targets {
		switch fold(t.Type) {
		case "user":
			m.user(t.UserPrincipalName, "", "", "", t.ID, t.DisplayName, tocsin.RoleAttacked)
		case "group":
			m.add(tocsin.EvSecurityGroup, tocsin.RoleEdited, map[string]any{"displayName": t.DisplayName, "securityGroupId": t.ID})
		case "device":
			m.device(t.DisplayName, "", tocsin.RoleEdited)
		default:
			m.oauthApp(t.ID, t.DisplayName, "", tocsin.RoleEdited)
		}
	}
}

func (m *evidenceMaker) cloud() {
	g := m.g
	if upn := g("AccountUpn"); upn != "" {
		m.user(upn, "", "", "", g("AccountObjectId"), "", tocsin.RoleCompromised)
	} else if a := g("Account"); a != "" {
		m.user("", "", accountName(a), "", "", "", tocsin.RoleCompromised)
	} else {
		m.user("", "", g("AccountName"), "", g("AccountObjectId"), "", tocsin.RoleCompromised)
	}
	m.ip(g("IPAddress"), tocsin.RoleSource)
	if arn := g("AwsResourceName"); arn != "" {
		p := map[string]any{"amazonResourceId": arn, "resourceName": accountName(arn)}
		if parts := strings.Split(arn, ":"); len(parts) > 5 {
			p["amazonAccountId"], p["resourceType"] = parts[4], parts[2]
		}
		m.add(tocsin.EvAmazonResource, tocsin.RoleAttacked, p)
	}
	if id := g("AzureResourceId"); id != "" {
		p := map[string]any{"resourceId": id, "resourceName": id[strings.LastIndexByte(id, '/')+1:]}
		if i := strings.Index(fold(id), "/providers/"); i >= 0 {
			if parts := strings.Split(id[i+len("/providers/"):], "/"); len(parts) >= 2 {
				p["resourceType"] = parts[0] + "/" + parts[1]
			}
		}
		m.add(tocsin.EvAzureResource, tocsin.RoleAttacked, p)
	}
	if n := g("GcpFullResourceName"); n != "" {
		m.add(tocsin.EvGoogleResource, tocsin.RoleAttacked, map[string]any{"fullResourceName": n, "resourceName": n[strings.LastIndexByte(n, '/')+1:]})
	}
	if g("ProcessCommandLine") != "" {
		m.newProcess()
	}
}

// generic takes what common columns a table of its own kind has.
func (m *evidenceMaker) generic() {
	g := m.g
	m.device(g("DeviceName"), g("DeviceId"), tocsin.RoleAttacked)
	m.cloudUser(tocsin.RoleCompromised)
	m.ip(g("IPAddress"), tocsin.RoleSource)
	m.ip(g("RemoteIP"), tocsin.RoleDestination)
	m.url(g("Url"), tocsin.RoleSuspicious)
}
