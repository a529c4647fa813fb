package sim

import (
	"fmt"
	"strings"
	"time"
)

// letter is one mail message as it was handled.
type letter struct {
	from, fromName, fromIP string
	subject                string
	threat                 string // "", "Spam", "Phish", "Malware"
	delivered              bool
	urls                   []string
	files                  []attachment
}

type attachment struct{ name, kind, threat string }

// send writes a message to one recipient, with its links and files, and returns
// its network message id.
func (p *play) send(l letter, to *Person, t time.Time) string {
	id := p.newGUID()
	_, domain, _ := strings.Cut(l.from, "@")
	direction := "Inbound"
	if domain == p.w.Domain {
		direction = "Intra-org"
	}
	v := values{"NetworkMessageId": id, "InternetMessageId": "<" + id[:18] + "@" + domain + ">", "SenderMailFromAddress": l.from, "SenderFromAddress": l.from,
		"SenderDisplayName": l.fromName, "SenderMailFromDomain": domain, "SenderFromDomain": domain, "SenderIPv4": l.fromIP, "RecipientEmailAddress": to.UPN,
		"RecipientObjectId": to.ObjectID, "RecipientDomain": p.w.Domain, "Subject": l.subject, "EmailDirection": direction, "DeliveryAction": "Delivered",
		"DeliveryLocation": "Inbox/folder", "LatestDeliveryAction": "Delivered", "LatestDeliveryLocation": "Inbox/folder", "AttachmentCount": int64(len(l.files)),
		"UrlCount": int64(len(l.urls)), "EmailLanguage": "en", "EmailSize": 9_000 + p.rand.Int64N(80_000),
		"EmailClusterId": int64(p.w.number("cluster "+l.from+l.subject, 1<<50)), "AuthenticationDetails": `{"SPF":"pass","DKIM":"pass","DMARC":"pass"}`}
	if l.threat != "" {
		v["ThreatTypes"], v["DetectionMethods"], v["ConfidenceLevel"] = l.threat, fmt.Sprintf(`{%q:["URL detonation reputation"]}`, l.threat), fmt.Sprintf(`{%q:"Normal"}`, l.threat)
		v["AuthenticationDetails"] = `{"SPF":"pass","DKIM":"none","DMARC":"none"}`
		if !l.delivered {
			v["DeliveryAction"], v["DeliveryLocation"], v["LatestDeliveryAction"], v["LatestDeliveryLocation"] = "Blocked", "Quarantine", "Blocked", "Quarantine"
		}
	}
	p.put("EmailEvents", t, v)
	for _, u := range l.urls {
		p.put("EmailUrlInfo", t, values{"NetworkMessageId": id, "Url": u, "UrlDomain": hostOf(u), "UrlLocation": "Body"})
	}
	for _, f := range l.files {
		v := values{"NetworkMessageId": id, "SenderFromAddress": l.from, "SenderDisplayName": l.fromName, "RecipientEmailAddress": to.UPN, "RecipientObjectId": to.ObjectID,
			"FileName": f.name, "FileType": f.kind, "SHA256": sha256sum(l.from + f.name), "FileSize": 20_000 + p.rand.Int64N(900_000)}
		if f.threat != "" {
			v["ThreatTypes"], v["ThreatNames"], v["DetectionMethods"] = f.threat, "Trojan:Script/Generic", fmt.Sprintf(`{%q:["File detonation"]}`, f.threat)
		}
		p.put("EmailAttachmentInfo", t, v)
	}
	return id
}

func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// click writes a click on a link of a message.
func (p *play) click(who *Person, mail, url, threat string, allowed, insisted bool, t time.Time) {
	v := values{"Url": url, "ActionType": "ClickAllowed", "AccountUpn": who.UPN, "Workload": "Email", "NetworkMessageId": mail, "IPAddress": p.w.Egress,
		"IsClickedThrough": insisted, "UrlChain": fmt.Sprintf("[%q]", url)}
	if threat != "" {
		v["ThreatTypes"] = threat
	}
	if !allowed {
		v["ActionType"] = "ClickBlocked"
	}
	p.put("UrlClickEvents", t, v)
}

var outside = []struct{ addr, name, ip string }{
	{"orders@boltsupply.example", "Bolt Supply", "198.51.100.60"}, {"anna.keller@metalworks.example", "Anna Keller", "198.51.100.61"}, {"billing@tallyworks.example", "Tallyworks Billing", "198.51.100.62"},
	{"news@daggers.example", "Daggers Trade News", "198.51.100.63"}, {"p.osei@harbourtools.example", "Peter Osei", "198.51.100.64"}, {"service@cloudoffice.example", "Cloud Office", "203.0.113.20"},
	{"quality@seacert.example", "SeaCert Surveyors", "198.51.100.65"}, {"travel@wayfar.example", "Wayfar Travel", "198.51.100.66"},
}

var subjects = strings.Split("Order confirmation 4471|Re: drawing revision C|Delivery window next week|Minutes of Tuesday|Quarterly figures|Holiday plan|Re: Re: offer|Audit appointment|Weekly newsletter|Machine 4 maintenance|Parking in the yard|New supplier form", "|")

// mailFlow is the ordinary mail of two days, spam that was stopped included.
func (p *play) mailFlow() {
	for day := 1; day <= 2; day++ {
		for range 900 {
			to := &p.w.People[p.rand.IntN(60)]
			t := p.at(day, 0, 0).Add(p.jitter(10 * time.Hour))
			if p.chance(0.45) {
				from := &p.w.People[p.rand.IntN(60)]
				p.send(letter{from: from.UPN, fromName: from.Display, fromIP: "10.20.0.19", subject: pick(p, subjects)}, to, t)
				continue
			}
			o := pick(p, outside)
			l := letter{from: o.addr, fromName: o.name, fromIP: o.ip, subject: pick(p, subjects)}
			_, domain, _ := strings.Cut(o.addr, "@")
			for range p.rand.IntN(3) {
				l.urls = append(l.urls, fmt.Sprintf("https://www.%s/r/%d", domain, p.rand.IntN(500)))
			}
			if p.chance(0.25) {
				l.files = append(l.files, attachment{fmt.Sprintf("Document-%d.pdf", p.rand.IntN(900)), "PDF", ""})
			}
			if p.chance(0.06) {
				l = letter{from: "winner@lucky-draw.example", fromName: "Lucky Draw", fromIP: "203.0.113.190", subject: "You have been selected", threat: pick(p, []string{"Spam", "Phish"}), urls: []string{"https://lucky-draw.example/claim"}}
			}
			id := p.send(l, to, t)
			if len(l.urls) > 0 && l.threat == "" && p.chance(0.3) {
				p.click(to, id, l.urls[0], "", true, false, t.Add(p.jitter(2*time.Hour)))
			}
		}
	}
}

// signIn is one sign-in to the cloud.
type signIn struct {
	app, appID, resource string
	ip, country, city    string
	agent                string
	code                 int64
	risk                 int64
	interactive          bool
	session              string
	device               *Device
}

var cloudApps = []struct{ name, id string }{
	{"Cloud Office Home", "4765445b-32c6-49b0-83e6-1d93765276ca"}, {"Outlook Mobile", "27922004-5251-4030-b22d-91ecd9a37ea4"}, {"Team Chat", "1fec8e78-bce4-4aaf-ab1b-5451cc387264"},
	{"Document Library", "00000003-0000-0ff1-ce00-000000000000"}, {"Tallyworks ERP", "b7a2d1c0-5f1b-4c59-9df6-2a4be90c8a11"},
}

const officeAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0"

func (p *play) signIn(who *Person, s signIn, t time.Time) {
	kind := `["nonInteractiveUser"]`
	if s.interactive {
		kind = `["interactiveUser"]`
	}
	if s.session == "" {
		s.session = p.w.guid(fmt.Sprintf("session %s %d", who.SAM, t.Sub(p.start)/(12*time.Hour)))
	}
	v := values{"Application": s.app, "ApplicationId": s.appID, "LogonType": kind, "ErrorCode": s.code, "CorrelationId": p.newGUID(),
		"SessionId": s.session, "AccountDisplayName": who.Display, "AccountObjectId": who.ObjectID, "AccountUpn": who.UPN, "IsExternalUser": int64(0), "IsGuestUser": false,
		"ResourceDisplayName": s.resource, "ResourceTenantId": p.w.Tenant, "OSPlatform": "Windows", "AuthenticationRequirement": "multiFactorAuthentication",
		"RiskLevelAggregated": s.risk, "RiskLevelDuringSignIn": s.risk, "UserAgent": s.agent, "ClientAppUsed": "Browser", "Browser": "Edge 130.0.0",
		"ConditionalAccessStatus": int64(0), "IPAddress": s.ip, "Country": s.country, "City": s.city, "RequestId": p.newGUID()}
	if s.device != nil {
		v["DeviceName"], v["EntraIdDeviceId"], v["DeviceTrustType"], v["IsManaged"], v["IsCompliant"] = s.device.Short, p.w.guid("aad "+s.device.Short), "Hybrid Azure AD joined", int64(1), int64(1)
	}
	p.put("EntraIdSignInEvents", t, v)
}

// cloudAct is one thing done in a cloud application.
type cloudAct struct {
	action, app, object string
	objectType          string
	ip, country         string
	agent               string
	oauthApp            string
	admin               bool
	raw                 map[string]any
	objects             []any
}

func (p *play) act(who *Person, a cloudAct, t time.Time) {
	raw := map[string]any{"Operation": a.action, "UserId": who.UPN, "UserKey": who.ObjectID, "OrganizationId": p.w.Tenant, "ClientIP": a.ip, "CreationTime": t.UTC().Format("2006-01-02T15:04:05")}
	for k, v := range a.raw {
		raw[k] = v
	}
	if a.agent == "" {
		a.agent = officeAgent
	}
	v := values{"ActionType": a.action, "Application": a.app, "ApplicationId": int64(20892), "AccountObjectId": who.ObjectID, "AccountId": who.UPN, "AccountDisplayName": who.Display,
		"AccountType": "Regular", "IsAdminOperation": a.admin, "DeviceType": "Desktop", "OSPlatform": "Windows", "IPAddress": a.ip, "CountryCode": a.country, "City": "",
		"UserAgent": a.agent, "ObjectName": a.object, "ObjectType": a.objectType, "IsExternalUser": false, "IsImpersonated": false, "RawEventData": raw}
	if a.objects != nil {
		v["ActivityObjects"] = a.objects
	}
	if a.oauthApp != "" {
		v["OAuthAppId"] = a.oauthApp
	}
	p.put("CloudAppEvents", t, v)
}

// cloudWork is the ordinary use of the cloud: sign-ins with a typing error now
// and then, documents, mail, and services reading their configuration.
func (p *play) cloudWork() {
	for i := range 60 {
		who := &p.w.People[i]
		d := p.w.deviceOf(who)
		for day := 1; day <= 2; day++ {
			for range 14 {
				t := p.at(day, 0, 10).Add(p.jitter(9 * time.Hour))
				a := pick(p, cloudApps)
				p.signIn(who, signIn{app: a.name, appID: a.id, resource: a.name, ip: p.w.Egress, country: "NL", city: "Rotterdam", agent: officeAgent, interactive: p.chance(0.2), device: d}, t)
			}
			if p.chance(0.4) {
				t := p.at(day, 1, 0).Add(p.jitter(8 * time.Hour))
				p.signIn(who, signIn{app: "Cloud Office Home", appID: cloudApps[0].id, ip: p.w.Egress, country: "NL", city: "Rotterdam", agent: officeAgent, interactive: true, code: 50126, device: d}, t)
				p.domainLogon(who, d, t.Add(p.jitter(time.Hour)), false)
			}
			for range 22 {
				p.officeWork(who, p.at(day, 0, 15).Add(p.jitter(9*time.Hour)))
			}
			for range 10 {
				p.domainLogon(who, d, p.at(day, 0, 10).Add(p.jitter(9*time.Hour)), true)
			}
		}
	}
	for t := p.start.Add(4 * time.Minute); t.Before(p.start.Add(AttackLength)); t = t.Add(9*time.Minute + p.jitter(8*time.Minute)) {
		p.auditVault("svc-webshop@"+p.w.Domain, "SecretGet", "fnw-vault-web", "203.0.113.31", t)
	}
	for _, a := range []struct {
		name, level string
		publisher   bool
	}{{"Tallyworks ERP", "High", true}, {"Wayfar Travel Booking", "Low", true}, {"SeaCert Portal", "Low", false}, {"Meeting Notes Helper", "Medium", true}} {
		p.appInfo(a.name, p.w.guid("app "+a.name), a.level, a.publisher, p.start.Add(-2000*time.Hour), 12, p.at(1, 6, 0).Add(p.jitter(time.Hour)), "Internal")
	}
}

func (p *play) officeWork(who *Person, t time.Time) {
	file := fmt.Sprintf("%s %d.docx", pick(p, []string{"Offer", "Plan", "Minutes", "Checklist"}), p.rand.IntN(300))
	a := cloudAct{app: "Microsoft OneDrive for Business", object: file, objectType: "File", ip: p.w.Egress, country: "NL"}
	switch n := p.rand.IntN(10); {
	case n < 5:
		a.action = "FileAccessed"
	case n < 7:
		a.action = "FileModified"
	case n < 8:
		a.action = "FileDownloaded"
	default:
		a = cloudAct{action: "MailItemsAccessed", app: "Microsoft Exchange Online", object: "Inbox", objectType: "Folder", ip: p.w.Egress, country: "NL"}
	}
	p.act(who, a, t)
}

// auditVault writes one operation on a key vault.
func (p *play) auditVault(account, operation, vault, ip string, t time.Time) {
	p.put("CloudAuditEvents", t, values{"ActionType": operation, "OperationName": operation, "Account": account, "DataSource": "Azure Key Vault", "AuditSource": "Azure Key Vault Logs",
		"AzureResourceId": "/subscriptions/" + p.w.Subscription + "/resourcegroups/rg-fennwick/providers/microsoft.keyvault/vaults/" + vault, "IPAddress": ip, "CountryCode": "NL",
		"UserAgent":    "azsdk-net-Security.KeyVault.Secrets/4.6.0",
		"RawEventData": map[string]any{"operationName": operation, "resultSignature": "OK", "callerIpAddress": ip, "identity": map[string]any{"claim": map[string]any{"upn": account}}}})
}

// appInfo writes what is known of an OAuth application.
func (p *play) appInfo(name, id, level string, verified bool, added time.Time, users int64, t time.Time, origin string) {
	v := values{"OAuthAppId": id, "ServicePrincipalId": p.w.guid("sp " + id), "AppName": name, "AddedOnTime": added, "LastModifiedTime": added, "AppStatus": "Enabled", "PrivilegeLevel": level,
		"Permissions": []any{map[string]any{"PermissionValue": "User.Read", "PrivilegeLevel": "Low"}}, "ConsentedUsersCount": users, "IsAdminConsented": verified, "AppOrigin": origin, "LastUsedTime": t}
	if verified {
		v["VerifiedPublisher"] = map[string]any{"DisplayName": name + " B.V."}
	}
	p.put("OAuthAppInfo", t, v)
}
