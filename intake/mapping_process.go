package intake

import (
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// processTable remembers processes whose start was seen, so that later rows of
// the same leaf can say who their process was. It is bounded: the oldest half
// goes when it is full.
type processTable struct {
	byKey map[string]*process
	old   map[string]*process
}

// process is what its start told of a process.
type process struct {
	image, command, guid string
	pid                  int64
	created              time.Time
	sha1, sha256, md5    string
	user, domain, sid    string
	parentImage          string
	parentPID            int64
	integrity            string
}

const maxProcesses = 4096

func (t *processTable) put(key string, p *process) {
	if key == "" {
		return
	}
	if t.byKey == nil || len(t.byKey) >= maxProcesses {
		t.old, t.byKey = t.byKey, make(map[string]*process)
	}
	t.byKey[key] = p
}

func (t *processTable) get(key string) *process {
	if p := t.byKey[key]; p != nil {
		return p
	}
	return t.old[key]
}

// pidKey names a process of a source without unique ids. A pid is used again,
// so the latest start of the pid counts.
func pidKey(host string, pid int64) string {
	if pid <= 0 {
		return ""
	}
	return host + "/" + smallNumber(int(pid))
}

// uniqueID is a process's own id in one spelling: lower case, no braces; ""
// for the null id.
func uniqueID(guid string) string {
	g := strings.ToLower(strings.Trim(guid, "{}"))
	if strings.Trim(g, "0-") == "" {
		return ""
	}
	return g
}

// baseName is the last component of a path of either kind of system.
func baseName(path string) string {
	if i := strings.LastIndexAny(path, `\/`); i >= 0 {
		return path[i+1:]
	}
	return path
}

// splitUser splits DOMAIN\user; the domain comes back in lower case.
func splitUser(user string) (domain, name string) {
	if user == "-" {
		return "", ""
	}
	if d, n, ok := strings.Cut(user, `\`); ok {
		return strings.ToLower(d), n
	}
	return "", user
}

// file stores a path and its last component.
func (r row) file(path string) {
	if path != "" && path != "-" {
		r["FolderPath"] = path
		r["FileName"] = baseName(path)
	}
}

// hashes stores the algorithms of "SHA1=..,MD5=..,SHA256=..,IMPHASH=..". A
// hash of zeros stands for none.
func (r row) hashes(v string) {
	for v != "" {
		var one string
		one, v, _ = strings.Cut(v, ",")
		alg, h, ok := strings.Cut(one, "=")
		if !ok || strings.Trim(h, "0") == "" {
			continue
		}
		switch strings.TrimSpace(strings.ToUpper(alg)) {
		case "SHA1":
			r["SHA1"] = strings.ToLower(h)
		case "MD5":
			r["MD5"] = strings.ToLower(h)
		case "SHA256":
			r["SHA256"] = strings.ToLower(h)
		}
	}
}

// version stores what the file's resources say of it.
func (r row) version(prefix string, w *winEvent) {
	r.set(prefix+"VersionInfoCompanyName", w.get("Company"))
	r.set(prefix+"VersionInfoProductName", w.get("Product"))
	r.set(prefix+"VersionInfoProductVersion", w.get("FileVersion"))
	r.set(prefix+"VersionInfoOriginalFileName", w.get("OriginalFileName"))
	r.set(prefix+"VersionInfoFileDescription", w.get("Description"))
}

// initiator stores the process that did it, from its image path, pid and
// unique id, completed by what its start told if that was seen.
func (d *Decoder) initiator(r row, w *winEvent, image, pid, guid string) {
	if image != "" && image != "-" {
		r["InitiatingProcessFolderPath"] = image
		r["InitiatingProcessFileName"] = baseName(image)
	}
	n, ok := wideNumber(pid)
	if ok && (n > 0 || image != "") {
		r["InitiatingProcessId"] = n
	}
	id := uniqueID(guid)
	if id != "" {
		r["InitiatingProcessUniqueId"] = id
	} else {
		id = pidKey(w.Computer, n)
	}
	p := d.procs.get(id)
	if p == nil || image != "" && !strings.EqualFold(baseName(p.image), baseName(image)) {
		return // never seen, or the pid is another process's by now
	}
	if image == "" {
		r["InitiatingProcessFolderPath"] = p.image
		r["InitiatingProcessFileName"] = baseName(p.image)
	}
	r.set("InitiatingProcessCommandLine", p.command)
	r["InitiatingProcessCreationTime"] = p.created
	r.set("InitiatingProcessSHA1", p.sha1)
	r.set("InitiatingProcessSHA256", p.sha256)
	r.set("InitiatingProcessMD5", p.md5)
	r.set("InitiatingProcessAccountName", p.user)
	r.set("InitiatingProcessAccountDomain", p.domain)
	r.set("InitiatingProcessAccountSid", p.sid)
	if p.guid != "" {
		r["InitiatingProcessUniqueId"] = p.guid
	}
	if p.parentImage != "" {
		r["InitiatingProcessParentFileName"] = baseName(p.parentImage)
	}
	if p.parentPID > 0 {
		r["InitiatingProcessParentId"] = p.parentPID
	}
}

// initiatorAccount stores the account that the process runs as.
func (r row) initiatorAccount(user string) {
	domain, name := splitUser(user)
	r.set("InitiatingProcessAccountDomain", domain)
	r.set("InitiatingProcessAccountName", name)
}

// account stores an account under a prefix ("Account", "InitiatingProcessAccount",
// "RequestAccount") from its three parts.
func (r row) account(prefix, domain, name, sid string) {
	r.set(prefix+"Domain", strings.ToLower(domain))
	r.set(prefix+"Name", name)
	if sid != "S-1-0-0" {
		r.set(prefix+"Sid", sid)
	}
}

// deviceRow begins a row of a Device table.
func (d *Decoder) deviceRow(ev *tocsin.Event, action string) row {
	r := newRow(ev.Time)
	r["ActionType"] = action
	if ev.Host != "" {
		v := d.device(ev.Host)
		r["DeviceName"], r["DeviceId"] = v.name, v.id
	}
	return r
}
