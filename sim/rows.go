package sim

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// play collects the rows of one telling.
type play struct {
	w     *World
	seed  uint64
	start time.Time
	rand  *rand.Rand
	rows  []tocsin.Row
	pids  map[string]int64 // last process id by device
	ids   *rand.Rand       // of its own, so that ids do not depend on what is told
	known map[string][3]string
	shell map[int]*proc // explorer of a workstation's owner, by device index
	base  map[string]*proc
}

func newPlay(w *World, seed uint64, start time.Time) *play {
	return &play{w: w, seed: seed, start: start, rand: rand.New(rand.NewPCG(seed, w.seed)), ids: rand.New(rand.NewPCG(w.seed, ^seed)), pids: map[string]int64{},
		known: map[string][3]string{}, shell: map[int]*proc{}, base: map[string]*proc{}, rows: make([]tocsin.Row, 0, 60_000)}
}

// at is a moment of the story: day 1 or 2, hours and minutes into it.
func (p *play) at(day, hour, minute int) time.Time {
	return p.start.Add(time.Duration(day-1)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// jitter is up to d at random.
func (p *play) jitter(d time.Duration) time.Duration { return time.Duration(p.rand.Int64N(int64(d))) }

func (p *play) chance(x float64) bool { return p.rand.Float64() < x }

func pick[T any](p *play, from []T) T { return from[p.rand.IntN(len(from))] }

type values = map[string]any

// number makes ids: positive, the same in every telling, and small enough to
// survive a JSON reader that only knows floating point.
func (p *play) number() int64 { return 1 + p.ids.Int64N(1<<53-1) }

// newGUID makes ids of things that are named once.
func (p *play) newGUID() string {
	a, b := p.ids.Uint64(), p.ids.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a>>32), uint16(a>>16), a&0xfff, 0x8000|b>>48&0x3fff, b&(1<<48-1))
}

// put adds a row of a table without a device.
func (p *play) put(table string, t time.Time, v values) {
	t = t.Truncate(time.Millisecond)
	v["Timestamp"] = t
	v["ReportId"] = p.newGUID()
	if !noTenant[table] {
		v["TenantId"] = p.w.Tenant
	}
	p.rows = append(p.rows, tocsin.Row{Table: table, Values: v})
}

// noTenant are tables without the column.
var noTenant = map[string]bool{"CloudAuditEvents": true, "CloudStorageAggregatedEvents": true, "GraphApiAuditEvents": true}

// onDevice adds a row of a device table.
func (p *play) onDevice(table string, d *Device, t time.Time, v values) {
	t = t.Truncate(time.Millisecond)
	v["Timestamp"], v["DeviceId"], v["DeviceName"], v["ReportId"], v["TenantId"] = t, d.ID, d.Name, p.number(), p.w.Tenant
	p.rows = append(p.rows, tocsin.Row{Table: table, Values: v})
}

// program is an executable as installed.
type program struct {
	name, dir              string // file name and folder with trailing backslash
	company, product, desc string
	signed                 bool
	size                   int64
}

func (g *program) path() string { return g.dir + g.name }

// hashes are made up from the content's name: a program has the same hashes on
// every device.
func (p *play) hashes(content string) (sha256hex, sha1hex, md5hex string) {
	h, ok := p.known[content]
	if !ok {
		s1, m5 := sha1.Sum([]byte(content)), md5.Sum([]byte(content))
		h = [3]string{sha256sum(content), hex.EncodeToString(s1[:]), hex.EncodeToString(m5[:])}
		p.known[content] = h
	}
	return h[0], h[1], h[2]
}

// account is who a process runs as.
type account struct {
	domain, name, sid, upn, object string
	logon                          int64
}

var localSystem = account{domain: "nt authority", name: "system", sid: "S-1-5-18", logon: 0x3e7}

// as is the account of a person in one logon session.
func (p *play) as(who *Person, d *Device, session int) account {
	return account{domain: strings.ToLower(p.w.NetBIOS), name: who.SAM, sid: who.SID, upn: who.UPN, object: who.ObjectID,
		logon: int64(p.w.number(fmt.Sprintf("logon %s %s %d", who.SAM, d.Short, session), 1<<27)) + 0x10000}
}

// proc is a running process.
type proc struct {
	dev     *Device
	prog    *program
	cmd     string
	pid     int64
	uid     string
	acc     account
	created time.Time
	parent  *proc
	level   string
}

// newProc starts a process without writing a row, for what ran before the
// story.
func (p *play) newProc(d *Device, parent *proc, g *program, cmd string, acc account, t time.Time) *proc {
	last := p.pids[d.Short]
	if last == 0 {
		last = 600
	}
	last += 4 * (1 + p.rand.Int64N(60))
	if last > 60_000 {
		last = 3000 + 4*p.rand.Int64N(50)
	}
	p.pids[d.Short] = last
	pr := &proc{dev: d, prog: g, cmd: cmd, pid: last, acc: acc, created: t.Truncate(time.Millisecond), parent: parent, level: "Medium"}
	if acc.sid == localSystem.sid {
		pr.level = "System"
	}
	pr.uid = strconv.FormatInt(p.number()>>3, 10)
	return pr
}

// run starts a process and writes the row of its start.
func (p *play) run(parent *proc, g *program, cmd string, t time.Time) *proc {
	return p.runAs(parent, g, cmd, parent.acc, t)
}

func (p *play) runAs(parent *proc, g *program, cmd string, acc account, t time.Time) *proc {
	pr := p.newProc(parent.dev, parent, g, cmd, acc, t)
	if acc.sid == parent.acc.sid {
		pr.level = parent.level
	}
	s2, s1, m5 := p.hashes(g.path())
	v := values{"ActionType": "ProcessCreated", "FileName": g.name, "FolderPath": g.path(), "SHA256": s2, "SHA1": s1, "MD5": m5, "FileSize": g.size,
		"ProcessVersionInfoCompanyName": g.company, "ProcessVersionInfoProductName": g.product, "ProcessVersionInfoFileDescription": g.desc,
		"ProcessVersionInfoOriginalFileName": originalName(g), "ProcessId": pr.pid, "ProcessCommandLine": cmd, "ProcessIntegrityLevel": pr.level,
		"ProcessTokenElevation": elevation(pr.level), "ProcessCreationTime": pr.created, "ProcessUniqueId": pr.uid, "AccountDomain": acc.domain,
		"AccountName": acc.name, "AccountSid": acc.sid, "LogonId": acc.logon}
	if acc.upn != "" {
		v["AccountUpn"], v["AccountObjectId"] = acc.upn, acc.object
	}
	p.initiator(v, parent)
	v["InitiatingProcessLogonId"] = parent.acc.logon
	v["InitiatingProcessSignerType"], v["InitiatingProcessSignatureStatus"] = "OsVendor", "Valid"
	if !parent.prog.signed {
		v["InitiatingProcessSignerType"], v["InitiatingProcessSignatureStatus"] = "Unknown", "Invalid"
	}
	p.onDevice("DeviceProcessEvents", parent.dev, t, v)
	return pr
}

func originalName(g *program) string {
	if g.company == "" {
		return ""
	}
	return g.name
}

func elevation(level string) string {
	if level == "Medium" {
		return "TokenElevationTypeLimited"
	}
	return "TokenElevationTypeFull"
}

// initiator fills the columns that say which process did it.
func (p *play) initiator(v values, pr *proc) {
	s2, s1, m5 := p.hashes(pr.prog.path())
	v["InitiatingProcessFileName"], v["InitiatingProcessFolderPath"] = pr.prog.name, pr.prog.path()
	v["InitiatingProcessSHA256"], v["InitiatingProcessSHA1"], v["InitiatingProcessMD5"] = s2, s1, m5
	v["InitiatingProcessFileSize"] = pr.prog.size
	v["InitiatingProcessVersionInfoCompanyName"], v["InitiatingProcessVersionInfoProductName"] = pr.prog.company, pr.prog.product
	v["InitiatingProcessVersionInfoFileDescription"] = pr.prog.desc
	v["InitiatingProcessId"], v["InitiatingProcessCommandLine"], v["InitiatingProcessCreationTime"] = pr.pid, pr.cmd, pr.created
	v["InitiatingProcessUniqueId"], v["InitiatingProcessIntegrityLevel"], v["InitiatingProcessTokenElevation"] = pr.uid, pr.level, elevation(pr.level)
	v["InitiatingProcessAccountDomain"], v["InitiatingProcessAccountName"], v["InitiatingProcessAccountSid"] = pr.acc.domain, pr.acc.name, pr.acc.sid
	if pr.acc.upn != "" {
		v["InitiatingProcessAccountUpn"], v["InitiatingProcessAccountObjectId"] = pr.acc.upn, pr.acc.object
	}
	if pr.parent != nil {
		v["InitiatingProcessParentId"], v["InitiatingProcessParentFileName"] = pr.parent.pid, pr.parent.prog.name
		v["InitiatingProcessParentCreationTime"] = pr.parent.created
	}
}

// connect writes an outgoing connection.
func (p *play) connect(pr *proc, t time.Time, ip string, port int64, url string) {
	kind := "Public"
	if strings.HasPrefix(ip, "10.") {
		kind = "Private"
	}
	v := values{"ActionType": "ConnectionSuccess", "RemoteIP": ip, "RemotePort": port, "LocalIP": pr.dev.IP, "LocalPort": 49152 + p.rand.Int64N(16000),
		"Protocol": "Tcp", "LocalIPType": "Private", "RemoteIPType": kind}
	if url != "" {
		v["RemoteUrl"] = url
	}
	p.initiator(v, pr)
	p.onDevice("DeviceNetworkEvents", pr.dev, t, v)
}

// write writes a file's creation; content names what is in it, for the hash.
func (p *play) write(pr *proc, t time.Time, path, content string, size int64, origin string) {
	dir, name := splitPath(path)
	s2, s1, m5 := p.hashes(content)
	v := values{"ActionType": "FileCreated", "FileName": name, "FolderPath": dir + name, "SHA256": s2, "SHA1": s1, "MD5": m5, "FileSize": size,
		"RequestAccountName": pr.acc.name, "RequestAccountDomain": pr.acc.domain, "RequestAccountSid": pr.acc.sid}
	if origin != "" {
		v["FileOriginUrl"] = origin
	}
	p.initiator(v, pr)
	p.onDevice("DeviceFileEvents", pr.dev, t, v)
}

func splitPath(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '\\')
	return path[:i+1], path[i+1:]
}

// setValue writes a registry value.
func (p *play) setValue(pr *proc, t time.Time, key, name, kind, data string) {
	v := values{"ActionType": "RegistryValueSet", "RegistryKey": key, "RegistryValueName": name, "RegistryValueType": kind, "RegistryValueData": data}
	p.initiator(v, pr)
	p.onDevice("DeviceRegistryEvents", pr.dev, t, v)
}

// load writes the load of a library.
func (p *play) load(pr *proc, t time.Time, path string) {
	_, name := splitPath(path)
	s2, s1, m5 := p.hashes(path)
	v := values{"ActionType": "ImageLoaded", "FileName": name, "FolderPath": path, "SHA256": s2, "SHA1": s1, "MD5": m5, "FileSize": int64(20_000 + p.rand.IntN(900_000))}
	p.initiator(v, pr)
	p.onDevice("DeviceImageLoadEvents", pr.dev, t, v)
}

// logon writes a logon at a device; from is nil for one at its keyboard.
func (p *play) logon(d *Device, acc account, t time.Time, kind string, from *Device, success bool) {
	v := values{"ActionType": "LogonSuccess", "LogonType": kind, "AccountDomain": acc.domain, "AccountName": acc.name, "AccountSid": acc.sid,
		"Protocol": "Kerberos", "IsLocalAdmin": strings.HasPrefix(acc.name, "adm-"), "LogonId": acc.logon}
	if !success {
		v["ActionType"], v["FailureReason"] = "LogonFailed", "InvalidUserNameOrPassword"
	}
	if from != nil {
		v["RemoteDeviceName"], v["RemoteIP"], v["RemoteIPType"], v["RemotePort"] = from.Short, from.IP, "Private", 49152+p.rand.Int64N(16000)
	}
	p.initiator(v, p.lsass(d))
	p.onDevice("DeviceLogonEvents", d, t, v)
}

// event writes a row of DeviceEvents.
func (p *play) event(pr *proc, t time.Time, action string, more values) {
	v := values{"ActionType": action}
	p.initiator(v, pr)
	// This table says less of the process behind the event.
	delete(v, "InitiatingProcessIntegrityLevel")
	delete(v, "InitiatingProcessTokenElevation")
	v["InitiatingProcessLogonId"] = pr.acc.logon
	for k, x := range more {
		v[k] = x
	}
	p.onDevice("DeviceEvents", pr.dev, t, v)
}

// services is the service host of a device, running since before the story.
func (p *play) services(d *Device) *proc { return p.standing(d, "services.exe") }
func (p *play) lsass(d *Device) *proc    { return p.standing(d, "lsass.exe") }

func (p *play) standing(d *Device, name string) *proc {
	key := d.Short + "/" + name
	if p.base[key] == nil {
		boot := p.start.Add(-time.Duration(20+p.w.number("boot "+d.Short, 200)) * time.Hour)
		wininit := p.newProc(d, nil, windows("wininit.exe"), "wininit.exe", localSystem, boot)
		p.base[key] = p.newProc(d, wininit, windows(name), `C:\Windows\System32\`+name, localSystem, boot.Add(time.Second))
	}
	return p.base[key]
}
