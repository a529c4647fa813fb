package sim

import (
	"fmt"
	"time"
)

// troubles are small matters that rules notice and that have nothing to do with
// each other or with the attack: each on its own people and devices.
func (p *play) troubles() {
	p.toolbar()
	p.deployScript()
	p.spray()
	p.testScript()
	p.oddAttachment()
	p.updater()
	p.pipeline()
	p.deputy()
	p.newLaptop()
	p.serviceDesk()
	p.purgedSpam()
}

func (p *play) shellOf(who *Person, day int) *proc {
	if s := p.shell[who.Device*3+day]; s != nil {
		return s
	}
	d := p.w.deviceOf(who)
	s := p.newProc(d, nil, explorer, `C:\Windows\Explorer.EXE`, p.as(who, d, day), p.at(day, 0, 5))
	p.shell[who.Device*3+day] = s
	return s
}

// toolbar: somebody wanted a free PDF tool.
func (p *play) toolbar() {
	who := p.w.person("Sales Representative", 7)
	t := p.at(1, 3, 12)
	browser := p.run(p.shellOf(who, 1), edge, `"`+edge.path()+`" --single-argument https://quick-pdf-tools.example/`, t)
	g := &program{name: "QuickPdfSetup.exe", dir: `C:\Users\` + who.SAM + `\Downloads\`, company: "QuickPdf", product: "QuickPdf Tools", desc: "Setup", size: 3_100_000}
	p.write(browser, t.Add(30*time.Second), g.path(), g.path(), g.size, "https://quick-pdf-tools.example/get")
	setup := p.run(p.shellOf(who, 1), g, `"`+g.path()+`"`, t.Add(time.Minute))
	for i := range 14 {
		p.connect(setup, t.Add(time.Duration(2+7*i)*time.Minute), "203.0.113.120", 443, "stats.quick-pdf-tools.example")
	}
}

// deployScript: software distribution, as it was written years ago.
func (p *play) deployScript() {
	admin := p.w.adminOf(p.w.person(titleAdmin, 1))
	d := p.w.device("fnw-wsus01")
	acc := p.as(admin, d, 1)
	t := p.at(1, 4, 31)
	p.logon(d, acc, t.Add(-time.Minute), "Batch", nil, true)
	svc := p.newProc(d, p.services(d), windows("svchost.exe"), `C:\Windows\System32\svchost.exe -k netsvcs -p -s Schedule`, localSystem, p.start.Add(-80*time.Hour))
	p.runAs(svc, powershell, `powershell.exe -NoProfile -EncodedCommand RwBlAHQALQBIAG8AdABmAGkAeAAgAHwAIABFAHgAcABvAHIAdAAtAEMAcwB2ACAAQwA6AFwAcABhAHQAYwBoAC4AYwBzAHYA`, acc, t)
}

// spray: the internet tries its usual password list.
func (p *play) spray() {
	t := p.at(1, 19, 40)
	for i := range 26 {
		who := p.w.person("Design Engineer", i%12)
		if i >= 12 {
			who = p.w.person("Production Planner", i%5)
		}
		p.signIn(who, signIn{app: "Legacy mail protocol", appID: cloudApps[1].id, ip: "203.0.113.200", country: "VU", city: "Port Vila", agent: "CBAInPROD", code: 50126}, t.Add(time.Duration(i)*47*time.Second))
	}
}

// testScript: a test engineer documents the test bench.
func (p *play) testScript() {
	who := p.w.person("Test Engineer", 2)
	t := p.at(2, 1, 3)
	shell := p.run(p.shellOf(who, 2), windows("cmd.exe"), `cmd.exe /c C:\bench\describe.cmd`, t)
	for i, c := range []struct{ prog, cmd string }{{"ipconfig.exe", "ipconfig /all"}, {"systeminfo.exe", "systeminfo /fo csv"}, {"whoami.exe", "whoami"},
		{"net.exe", "net use"}, {"nslookup.exe", "nslookup bench-plc.fennwick.example"}} {
		p.run(shell, windows(c.prog), c.cmd, t.Add(time.Duration(2+i)*time.Second))
	}
}

// oddAttachment: a vendor sends meeting notes as a notebook.
func (p *play) oddAttachment() {
	p.send(letter{from: "anna.keller@metalworks.example", fromName: "Anna Keller", fromIP: "198.51.100.61", subject: "Notes of the kick-off",
		files: []attachment{{"Kick-off.one", "OneNote", ""}}}, p.w.person("Design Engineer", 4), p.at(1, 5, 50))
}

// updater: a colour tool that updates itself for one user.
func (p *play) updater() {
	who := p.w.person("Marketing Specialist", 1)
	g := &program{name: "HueUpdater.exe", dir: `C:\Program Files\HueBox\`, company: "HueBox", product: "HueBox", desc: "HueBox Updater", signed: true, size: 900_000}
	up := p.run(p.shellOf(who, 2), g, `"`+g.path()+`" --install`, p.at(2, 6, 17))
	p.run(up, windows("schtasks.exe"), `schtasks /create /sc daily /tn HueBoxUpdate /tr "C:\Users\`+who.SAM+`\AppData\Local\HueBox\update.exe"`, p.at(2, 6, 18))
}

// pipeline: deployment gives a new service its rights.
func (p *play) pipeline() {
	p.put("CloudAuditEvents", p.at(1, 7, 26), values{"ActionType": "Microsoft.Authorization/roleAssignments/write", "OperationName": "Microsoft.Authorization/roleAssignments/write",
		"Account": "sp-deploy@" + p.w.Domain, "DataSource": "Azure Logs", "AuditSource": "Azure Resource Manager", "IPAddress": "203.0.113.32", "CountryCode": "NL",
		"AzureResourceId": "/subscriptions/" + p.w.Subscription + "/resourcegroups/rg-webshop/providers/microsoft.authorization/roleassignments/" + p.w.guid("role"),
		"UserAgent":       "Terraform/1.9.8", "RawEventData": map[string]any{"operationName": "Microsoft.Authorization/roleAssignments/write", "resultType": "Success"}})
}

// deputy: mail of somebody on leave goes to the deputy, as agreed.
func (p *play) deputy() {
	desk := p.w.person(titleDesk, 1)
	away, deputy := p.w.person("HR Partner", 0), p.w.person("HR Partner", 2)
	p.act(desk, cloudAct{action: "Set-Mailbox", app: "Microsoft Exchange Online", object: away.UPN, objectType: "Mailbox", ip: "10.20.8.70", country: "NL", admin: true,
		raw: map[string]any{"Parameters": []any{map[string]any{"Name": "Identity", "Value": away.UPN}, map[string]any{"Name": "ForwardingAddress", "Value": deputy.UPN}}}}, p.at(2, 0, 44))
}

// newLaptop: a new computer fetches its owner's files.
func (p *play) newLaptop() {
	who := p.w.person("Design Engineer", 9)
	t := p.at(1, 6, 33)
	for i := range 70 {
		p.act(who, cloudAct{action: "FileDownloaded", app: "Microsoft OneDrive for Business", object: fmt.Sprintf("Drawing %d.fcad", i), objectType: "File", ip: "198.51.100.201", country: "NL",
			agent: "Cloud Drive Sync 24.201"}, t.Add(time.Duration(i)*4*time.Second))
	}
}

// serviceDesk: a technician looks after a meeting room.
func (p *play) serviceDesk() {
	who := p.w.person(titleDesk, 2)
	ps := p.run(p.shellOf(who, 2), powershell, `powershell.exe -NoLogo`, p.at(2, 7, 8))
	rdp := p.run(ps, windows("mstsc.exe"), `mstsc.exe /v:fnw-room03`, p.at(2, 7, 9))
	p.connect(rdp, p.at(2, 7, 9).Add(2*time.Second), p.w.device("fnw-room03").IP, 3389, "")
}

// purgedSpam: a message that was rated late.
func (p *play) purgedSpam() {
	to := p.w.person("Quality Inspector", 1)
	l := letter{from: "prize@lucky-draw.example", fromName: "Lucky Draw", fromIP: "203.0.113.190", subject: "Your parcel is waiting"}
	id := p.send(l, to, p.at(2, 8, 2))
	l.threat = "Spam"
	p.purge(l, to, id, p.at(2, 8, 40))
}
