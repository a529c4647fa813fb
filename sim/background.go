package sim

import (
	"fmt"
	"strings"
	"time"
)

// inventory writes what the sensors say of devices and accounts, twice a day.
func (p *play) inventory() {
	for day := 1; day <= 2; day++ {
		for _, hour := range []int{0, 12} {
			for i := range p.w.Devices {
				d := &p.w.Devices[i]
				t := p.at(day, hour, 1).Add(p.jitter(20 * time.Minute))
				users := "[]"
				if d.Owner >= 0 {
					who := &p.w.People[d.Owner]
					users = fmt.Sprintf(`[{"UserName":%q,"DomainName":%q,"Sid":%q}]`, who.SAM, p.w.NetBIOS, who.SID)
				}
				p.onDevice("DeviceInfo", d, t, values{"ClientVersion": "10.8760.26100.1", "PublicIP": p.w.Egress, "OSArchitecture": "64-bit", "OSPlatform": d.OS,
					"OSBuild": number(d.Build), "OSVersion": "10.0", "IsAzureADJoined": d.Kind == Workstation, "JoinType": "Hybrid Azure AD Join", "LoggedOnUsers": users,
					"OnboardingStatus": "Onboarded", "DeviceCategory": "Endpoint", "DeviceType": string(d.Kind), "SensorHealthState": "Active", "ExposureLevel": "Low",
					"IsInternetFacing": d.Short == "fnw-web01", "MachineGroup": group(d)})
				p.onDevice("DeviceNetworkInfo", d, t, values{"NetworkAdapterName": "Ethernet", "MacAddress": d.MAC, "NetworkAdapterType": "Ethernet", "NetworkAdapterStatus": "Up",
					"DnsAddresses": `["10.20.0.10","10.20.0.11"]`, "DefaultGateways": `["10.20.0.1"]`,
					"IPAddresses": fmt.Sprintf(`[{"IPAddress":%q,"SubnetPrefix":16,"AddressType":"Private"}]`, d.IP), "MachineGroup": group(d)})
			}
		}
		for i := range p.w.People {
			who := &p.w.People[i]
			v := values{"AccountObjectId": who.ObjectID, "AccountUpn": who.UPN, "OnPremSid": who.SID, "AccountDisplayName": who.Display, "AccountName": who.SAM,
				"AccountDomain": p.w.NetBIOS, "GivenName": who.Given, "Surname": who.Surname, "Department": who.Department, "JobTitle": who.Title, "EmailAddress": who.UPN,
				"City": "Rotterdam", "Country": "NL", "IsAccountEnabled": true, "CompanyName": p.w.Name, "RiskLevel": "None", "Type": "User"}
			if who.Manager >= 0 {
				v["Manager"] = p.w.People[who.Manager].Display
			}
			if who.Admin {
				v["AssignedRoles"] = []any{"Exchange Administrator", "Cloud Application Administrator"}
				v["CriticalityLevel"] = int64(1)
			}
			p.put("IdentityInfo", p.at(day, 0, 30).Add(p.jitter(10*time.Minute)), v)
		}
	}
}

func number(s string) int64 {
	n := int64(0)
	for _, c := range s {
		n = n*10 + int64(c-'0')
	}
	return n
}

func group(d *Device) string {
	if d.Kind == Workstation {
		return "Workstations"
	}
	return "Servers"
}

// app is a program that people use, how often, and what it does.
type app struct {
	prog   *program
	weight int
	cmds   []string
	dept   string // only there; "" everywhere
}

var apps = []app{
	{edge, 30, []string{`"%s" --single-argument https://intranet.fennwick.example/`, `"%s" --type=renderer --lang=en-GB --device-scale-factor=1`, `"%s" --type=utility --utility-sub-type=network.mojom.NetworkService`}, ""},
	{outlook, 6, []string{`"%s"`, `"%s" /recycle`}, ""},
	{winword, 6, []string{`"%s" /n "C:\Users\%u\Documents\Minutes.docx"`, `"%s" /n "C:\Users\%u\OneDrive - Fennwick\Offer %d.docx"`}, ""},
	{excel, 7, []string{`"%s" "C:\Users\%u\OneDrive - Fennwick\Forecast %d.xlsx"`, `"%s" /automation -Embedding`}, ""},
	{powerpnt, 2, []string{`"%s" "C:\Users\%u\Documents\Review %d.pptx"`}, ""},
	{teams, 5, []string{`"%s" msteams:system-initiated`, `"%s" --type=renderer`}, ""},
	{acrobat, 4, []string{`"%s" "C:\Users\%u\Documents\Drawing %d.pdf"`}, ""},
	{onedrive, 2, []string{`"%s" /background`}, ""},
	{cad, 8, []string{`"%s" -project "P:\projects\%d.fcad"`}, "Engineering"},
	{erp, 8, []string{`"%s" /site:RTM /module:AP`, `"%s" /site:RTM /module:PO`}, "Finance"},
	{erp, 5, []string{`"%s" /site:RTM /module:MRP`}, "Production"},
	{vscode, 6, []string{`"%s" .`, `"%s" --type=extensionHost`}, "Engineering"},
	{git, 6, []string{`git.exe status --porcelain`, `git.exe fetch --all --prune`}, "Engineering"},
}

// systemWork is what Windows does by itself.
var systemWork = []struct {
	prog, cmd string
	weight    int
}{
	{"svchost.exe", `C:\Windows\System32\svchost.exe -k netsvcs -p -s wuauserv`, 8}, {"svchost.exe", `C:\Windows\System32\svchost.exe -k wsappx -p -s AppXSvc`, 8},
	{"taskhostw.exe", `taskhostw.exe`, 8}, {"backgroundtaskhost.exe", `"C:\Windows\System32\backgroundTaskHost.exe" -ServerName:CortanaUI.AppX`, 8},
	{"searchprotocolhost.exe", `"C:\Windows\System32\SearchProtocolHost.exe" Global\UsGthrFltPipeMssGthrPipe`, 8},
	{"runtimebroker.exe", `C:\Windows\System32\RuntimeBroker.exe -Embedding`, 8}, {"dllhost.exe", `C:\Windows\System32\DllHost.exe /Processid:{3EB3C877-1F16-487C-9050-104DBCD66683}`, 6},
	{"gpupdate.exe", `gpupdate.exe /target:computer`, 1}, {"conhost.exe", `\??\C:\Windows\System32\conhost.exe 0xffffffff -ForceV1`, 3},
}

var sites = []struct{ host, ip string }{
	{"intranet.fennwick.example", "10.20.0.19"}, {"news.daggers.example", "198.51.100.140"}, {"cdn.papertrail.example", "198.51.100.141"}, {"maps.wayfar.example", "198.51.100.142"},
	{"www.boltsupply.example", "198.51.100.143"}, {"portal.tallyworks.example", "198.51.100.144"}, {"mail.cloudoffice.example", "203.0.113.10"}, {"files.cloudoffice.example", "203.0.113.11"},
	{"telemetry.cloudoffice.example", "203.0.113.12"}, {"www.harbourweather.example", "198.51.100.150"}, {"docs.metalworks.example", "198.51.100.151"}, {"search.lookabout.example", "198.51.100.152"},
}

var libraries = []string{system32 + "combase.dll", system32 + "bcryptprimitives.dll", system32 + "urlmon.dll", system32 + "wininet.dll", system32 + "dwrite.dll",
	officePath + "mso.dll", `C:\Program Files (x86)\Microsoft\Edge\Application\130.0.2849.68\msedge.dll`, system32 + "propsys.dll"}

// workdays lets everyone with a workstation do two days of work: about nine
// hours each, from some time after the beginning of the day.
func (p *play) workdays() {
	for i := range p.w.People {
		who := &p.w.People[i]
		if who.Device < 0 {
			continue
		}
		for day := 1; day <= 2; day++ {
			if day == 2 && p.chance(0.04) { // away
				continue
			}
			p.workday(who, day)
		}
	}
}

func (p *play) workday(who *Person, day int) {
	d := p.w.deviceOf(who)
	begin := p.at(day, 0, 3).Add(p.jitter(70 * time.Minute))
	end := begin.Add(8*time.Hour + p.jitter(80*time.Minute))
	acc := p.as(who, d, day)
	p.logon(d, acc, begin, "Interactive", nil, true)
	p.domainLogon(who, d, begin, true)
	winlogon := p.newProc(d, nil, windows("winlogon.exe"), "winlogon.exe", localSystem, begin.Add(-time.Minute))
	userinit := p.runAs(winlogon, windows("userinit.exe"), `C:\Windows\system32\userinit.exe`, acc, begin.Add(time.Second))
	shell := p.run(userinit, explorer, `C:\Windows\Explorer.EXE`, begin.Add(2*time.Second))
	p.shell[who.Device*3+day] = shell
	for t := begin.Add(20 * time.Second); t.Before(end); t = t.Add(2*time.Minute + p.jitter(7*time.Minute)) {
		p.use(who, shell, t)
		if p.chance(0.35) {
			p.windowsWork(d, t.Add(p.jitter(time.Minute)))
		}
	}
}

// use is one thing that a person does on a computer.
func (p *play) use(who *Person, shell *proc, t time.Time) {
	var fit []*app
	total := 0
	for i := range apps {
		if a := &apps[i]; a.dept == "" || a.dept == who.Department {
			fit = append(fit, a)
			total += a.weight
		}
	}
	n := p.rand.IntN(total)
	var a *app
	for _, a = range fit {
		if n -= a.weight; n < 0 {
			break
		}
	}
	cmd := strings.NewReplacer("%s", a.prog.path(), "%u", who.SAM, "%d", fmt.Sprint(1+p.rand.IntN(60))).Replace(pick(p, a.cmds))
	pr := p.run(shell, a.prog, cmd, t)
	if p.chance(0.5) {
		p.load(pr, t.Add(200*time.Millisecond), pick(p, libraries))
	}
	switch a.prog {
	case edge, teams, outlook, onedrive, erp:
		for range 1 + p.rand.IntN(2) {
			s := pick(p, sites)
			p.connect(pr, t.Add(p.jitter(90*time.Second)), s.ip, 443, s.host)
		}
		if a.prog == edge && p.chance(0.06) {
			name := fmt.Sprintf("Datasheet-%d.pdf", p.rand.IntN(400))
			p.write(pr, t.Add(time.Minute), `C:\Users\`+who.SAM+`\Downloads\`+name, name, 200_000, "https://www.boltsupply.example/"+name)
		}
	case winword, excel, powerpnt, cad:
		if p.chance(0.6) {
			name := fmt.Sprintf("~%s%04X.tmp", strings.TrimSuffix(a.prog.name, ".exe"), p.rand.IntN(65536))
			p.write(pr, t.Add(p.jitter(3*time.Minute)), `C:\Users\`+who.SAM+`\Documents\`+name, fmt.Sprint(name, who.SAM, t.Unix()), 30_000, "")
		}
		if p.chance(0.25) {
			p.setValue(pr, t.Add(p.jitter(time.Minute)), `HKEY_CURRENT_USER\Software\Microsoft\Office\16.0\Common\Place MRU`, fmt.Sprintf("Item %d", 1+p.rand.IntN(30)), "String", `[F00000000]*C:\Users\`+who.SAM+`\Documents\`)
		}
	}
}

// windowsWork is one thing that Windows does.
func (p *play) windowsWork(d *Device, t time.Time) {
	total := 0
	for _, s := range systemWork {
		total += s.weight
	}
	n := p.rand.IntN(total)
	for _, s := range systemWork {
		if n -= s.weight; n >= 0 {
			continue
		}
		pr := p.run(p.services(d), windows(s.prog), s.cmd, t)
		if p.chance(0.4) {
			p.setValue(pr, t.Add(time.Second), `HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\SessionInfo`, "LastRun", "Qword", fmt.Sprint(t.Unix()))
		}
		if p.chance(0.25) {
			p.connect(pr, t.Add(2*time.Second), "203.0.113.12", 443, "telemetry.cloudoffice.example")
		}
		if p.chance(0.08) {
			scan := p.newProc(d, p.services(d), defender, `"`+defender.path()+`"`, localSystem, p.start.Add(-20*time.Hour))
			p.event(scan, t.Add(3*time.Second), "AntivirusScanCompleted", values{"AdditionalFields": `{"ScanTypeIndex":"Quick","ScanParametersIndex":1}`})
		}
		return
	}
}

// servers lets the servers hum day and night.
func (p *play) servers() {
	for i := range p.w.Devices {
		d := &p.w.Devices[i]
		if d.Kind == Workstation {
			continue
		}
		for t := p.start.Add(p.jitter(10 * time.Minute)); t.Before(p.start.Add(AttackLength)); t = t.Add(6*time.Minute + p.jitter(14*time.Minute)) {
			p.windowsWork(d, t)
			switch {
			case d.Short == "fnw-sql01" && p.chance(0.3):
				sql := p.newProc(d, p.services(d), sqlservr, `"`+sqlservr.path()+`" -sMSSQLSERVER`, localSystem, p.start.Add(-90*time.Hour))
				p.write(sql, t, fmt.Sprintf(`E:\Backup\tallyworks_%s.trn`, t.Format("1504")), "trn"+t.String(), 9_000_000, "")
			case d.Short == "fnw-bkp01" && p.chance(0.3):
				agent := p.run(p.services(d), backupd, `"`+backupd.path()+`" --job nightly --verify`, t)
				p.connect(agent, t.Add(time.Second), "10.20.0.12", 445, "")
			case d.Short == "fnw-web01" && p.chance(0.4):
				p.run(p.services(d), windows("w3wp.exe"), `c:\windows\system32\inetsrv\w3wp.exe -ap "Intranet"`, t)
			}
		}
	}
	// Controllers replicate with each other, and the directory sync reads.
	for t := p.start; t.Before(p.start.Add(AttackLength)); t = t.Add(30 * time.Minute) {
		p.replicate("FNW-DC02$", p.w.device("fnw-dc02"), p.w.device("fnw-dc01"), "", t.Add(p.jitter(time.Minute)))
		p.replicate("MSOL_8c1f20aa", p.w.device("fnw-sync01"), p.w.device("fnw-dc01"), "", t.Add(15*time.Minute))
	}
}

// replicate writes that an account asked a controller for the directory.
func (p *play) replicate(name string, from, dc *Device, sid string, t time.Time) {
	v := values{"ActionType": "Directory Services replication", "Application": "Active Directory", "AccountName": name, "AccountDomain": p.w.Domain,
		"DeviceName": from.Name, "IPAddress": from.IP, "DestinationDeviceName": dc.Name, "DestinationIPAddress": dc.IP, "DestinationPort": int64(135),
		"TargetDeviceName": dc.Name, "Protocol": "Drsr", "AdditionalFields": map[string]any{"TO.DEVICE": dc.Short, "FROM.DEVICE": from.Short}}
	if sid != "" {
		v["AccountSid"] = sid
	}
	p.put("IdentityDirectoryEvents", t, v)
}

// domainLogon writes a logon that a controller saw.
func (p *play) domainLogon(who *Person, from *Device, t time.Time, success bool) {
	dc := p.w.device(pick(p, []string{"fnw-dc01", "fnw-dc02"}))
	v := values{"ActionType": "LogonSuccess", "Application": "Active Directory", "LogonType": "Credentials validation", "Protocol": "Kerberos",
		"AccountName": who.SAM, "AccountDomain": p.w.Domain, "AccountUpn": who.UPN, "AccountSid": who.SID, "AccountObjectId": who.ObjectID, "AccountDisplayName": who.Display,
		"DeviceName": from.Name, "OSPlatform": from.OS, "IPAddress": from.IP, "Port": 49152 + p.rand.Int64N(16000), "DestinationDeviceName": dc.Name,
		"DestinationIPAddress": dc.IP, "DestinationPort": int64(88), "TargetDeviceName": dc.Name, "Location": "Rotterdam",
		"AdditionalFields": map[string]any{"TicketEncryptionType": "0x12"}}
	if !success {
		v["ActionType"], v["FailureReason"] = "LogonFailed", "WrongPassword"
	}
	p.put("IdentityLogonEvents", t, v)
}
