package correlate

import (
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Facts is the digest of one alert that correlation needs, small enough to be
// stored beside the alert as JSON. Fields may be added; old digests stay
// readable.
type Facts struct {
	ID         string               `json:"id"`
	Title      string               `json:"t,omitempty"`
	Rule       string               `json:"r,omitempty"` // the detector's id, else the title
	Severity   tocsin.Severity      `json:"s,omitempty"`
	Source     tocsin.ServiceSource `json:"o,omitempty"`
	First      time.Time            `json:"f"`
	Last       time.Time            `json:"l"`
	Categories []string             `json:"c,omitempty"`
	Techniques []string             `json:"q,omitempty"`
	Things     []Thing              `json:"k,omitempty"`
	// Groups are the device groups of the alert's devices, as Candidate.Groups.
	Groups []int64 `json:"-"`
}

// Part is what a thing is in its alert, as far as weighing differs.
type Part string

// The parts. A process counts as the one that acted unless its evidence says
// that it is the parent or the target.
const (
	PartProcess  Part = "process"
	PartParent   Part = "parent"
	PartTarget   Part = "target"
	PartPID      Part = "pid" // process id and image name on a device: one for a short time only
	PartSession  Part = "session"
	PartUser     Part = "user"
	PartMailbox  Part = "mailbox"
	PartDevice   Part = "device"
	PartIP       Part = "ip"
	PartFile     Part = "file"
	PartPath     Part = "path" // a file without a hash
	PartMail     Part = "mail"
	PartURL      Part = "url"
	PartDomain   Part = "domain"
	PartApp      Part = "app"
	PartSender   Part = "sender" // of a mail message
	PartResource Part = "resource"
	PartRegistry Part = "registry"
	PartOther    Part = "other"
)

// Thing is one entity of an alert.
type Thing struct {
	Part   Part               `json:"p"`
	Keys   []tocsin.EntityKey `json:"k"`
	Name   string             `json:"n,omitempty"`
	Device string             `json:"d,omitempty"` // where it was seen, as people call it
	PID    int64              `json:"i,omitempty"` // of a process
	// Hostile: the alert itself says that the thing belongs to the attacker.
	Hostile bool `json:"h,omitempty"`
	// Vague things stood beside what happened: the address of a reader's office,
	// the server that was asked. They count less.
	Vague bool `json:"v,omitempty"`
	// Common things are on every host (documented in common.go); they are
	// kept for the reader and link nothing.
	Common bool `json:"c,omitempty"`
}

// maxThings bounds a digest; MaxAlertEvidence bounds what it is made from.
const maxThings = 96

// FactsOf digests an alert. The alert need not be normalized, and the result
// shares no memory with it that later changes could reach.
func FactsOf(a *tocsin.Alert) Facts {
	f := Facts{ID: a.ID, Title: a.Title, Rule: a.DetectorID, Severity: a.Severity, Source: a.ServiceSource,
		First: a.FirstActivity.UTC(), Last: a.LastActivity.UTC(),
		Categories: slices.Clone(a.Categories), Techniques: slices.Clone(a.Techniques)}
	if f.Rule == "" {
		f.Rule = a.Title
	}
	if a.Category != "" && !slices.Contains(f.Categories, a.Category) {
		f.Categories = append(f.Categories, a.Category)
	}
	if f.First.IsZero() || f.Last.Before(f.First) {
		f.First, f.Last = minTime(f.First, f.Last), maxTime(f.First, f.Last)
	}
	for i := range a.Evidence {
		if len(f.Things) >= maxThings {
			break
		}
		f.addEvidence(&a.Evidence[i])
	}
	f.markParents(a.Evidence)
	f.markAsked(a.Evidence)
	f.addDetails(a)
	return f
}

func minTime(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// add appends a thing unless its first key is already there with that part.
func (f *Facts) add(t Thing) {
	if len(t.Keys) == 0 || len(f.Things) >= maxThings {
		return
	}
	for i := range f.Things {
		have := &f.Things[i]
		if have.Part == t.Part && have.Keys[0] == t.Keys[0] {
			have.Hostile, have.Vague = have.Hostile || t.Hostile, have.Vague && t.Vague
			return
		}
	}
	f.Things = append(f.Things, t)
}

func (f *Facts) addEvidence(e *tocsin.Evidence) {
	t := Thing{Part: partOf(e), Keys: e.Keys(), Name: clip(e.Name()), Device: e.Device,
		Hostile: slices.Contains(e.Roles, tocsin.RoleAttacker) || slices.Contains(e.Roles, tocsin.RoleCommandAndControl)}
	switch t.Part {
	case PartProcess, PartParent, PartTarget:
		t.PID = number(e.Str("processId"))
		t.Common = commonProcess(t.Name)
		f.addPID(t)
		f.addParent(e)
	case PartUser:
		t.Common = systemAccount(e)
		t.addBareName()
	case PartSession:
		if e.Type == tocsin.EvCloudSession && len(t.Keys) > 1 {
			// The session answers for its account, which is a thing of its own.
			who := Thing{Part: PartUser, Keys: slices.Clone(t.Keys[1:]), Name: e.Str("account.userAccount.userPrincipalName")}
			if who.Name == "" {
				who.Name = t.Keys[1].ID
			}
			who.addBareName()
			f.add(who)
			t.Keys = t.Keys[:1]
		}
	case PartMailbox:
		f.addOwner(&t)
	case PartURL:
		f.addHost(&t)
	case PartFile:
		if len(t.Keys) > 0 && strings.HasPrefix(t.Keys[0].ID, "path:") {
			t.Part = PartPath
		}
		t.Common = commonFile(e.Str("fileDetails.filePath"), t.Name)
	case PartIP:
		t.Common = len(t.Keys) > 0 && commonIP(t.Keys[0].ID)
		t.Vague = len(e.Roles) == 1 && e.Roles[0] == tocsin.RoleContextual
	case PartApp:
		// The suite in which something happened; an application that somebody
		// consented to is another matter.
		t.Common = e.Type == tocsin.EvCloudApp
	case PartMail:
		f.addSender(e)
	}
	f.add(t)
}

// addSender takes the sender of a message from outside, whose other messages
// have ids of their own.
func (f *Facts) addSender(e *tocsin.Evidence) {
	for _, name := range []string{"p2Sender.emailAddress", "p1Sender.emailAddress"} {
		from := strings.ToLower(strings.TrimSpace(e.Str(name)))
		_, domain, ok := strings.Cut(from, "@")
		if _, home, _ := strings.Cut(strings.ToLower(e.Str("recipientEmailAddress")), "@"); !ok || domain == home {
			continue
		}
		f.add(Thing{Part: PartSender, Keys: []tocsin.EntityKey{{Type: tocsin.EntityOther, ID: "sender/" + from}}, Name: clip(from)})
		return
	}
}

// markAsked tells the device that acted from the one that was asked: a domain
// controller answers everybody.
func (f *Facts) markAsked(evidence []tocsin.Evidence) {
	source, asked := false, map[tocsin.EntityKey]bool{}
	for i := range evidence {
		e := &evidence[i]
		if ks := e.Keys(); e.Entity() == tocsin.EntityDevice && len(ks) > 0 {
			source = source || slices.Contains(e.Roles, tocsin.RoleSource)
			asked[ks[0]] = slices.Contains(e.Roles, tocsin.RoleAttacked) || slices.Contains(e.Roles, tocsin.RoleDestination)
		}
	}
	for i := range f.Things {
		if t := &f.Things[i]; source && t.Part == PartDevice && asked[t.Keys[0]] {
			t.Vague = true
		}
	}
}

// markParents tells the process that acted from the one that started it, where
// an alert has both.
func (f *Facts) markParents(evidence []tocsin.Evidence) {
	for i := range evidence {
		child := &evidence[i]
		pid, image := number(child.Str("parentProcessId")), child.Str("parentProcessImageFile.fileName")
		if child.Entity() != tocsin.EntityProcess || pid <= 0 || image == "" {
			continue
		}
		for j := range f.Things {
			if t := &f.Things[j]; t.Part == PartProcess && t.PID == pid && strings.EqualFold(t.Name, image) && t.Device == child.Device {
				t.Part = PartParent
			}
		}
	}
}

// addPID lets an event that names the process only by its number (Windows
// Security) meet one that has the sensor's unique id (Sysmon).
func (f *Facts) addPID(t Thing) {
	host := tocsin.DeviceID(t.Device)
	if t.Part == PartTarget || t.PID <= 4 || host == "" || t.Name == "" || t.Common {
		return
	}
	id := "pid/" + host + "/" + strconv.FormatInt(t.PID, 10)
	f.add(Thing{Part: PartPID, Keys: []tocsin.EntityKey{{Type: tocsin.EntityProcess, ID: id}}, Name: t.Name, Device: t.Device, PID: t.PID})
}

// addParent takes the parent that Graph's process evidence names in passing.
func (f *Facts) addParent(e *tocsin.Evidence) {
	pid := number(e.Str("parentProcessId"))
	name := e.Str("parentProcessImageFile.fileName")
	created, err := time.Parse(time.RFC3339Nano, e.Str("parentProcessCreationDateTime"))
	if err != nil || pid <= 0 || name == "" {
		return
	}
	k := tocsin.ProcessKey("", e.Device, pid, created.Unix())
	if k.IsZero() {
		return
	}
	f.add(Thing{Part: PartParent, Keys: []tocsin.EntityKey{k}, Name: clip(name), Device: e.Device, PID: pid, Common: commonProcess(name)})
}

// systemAccount reports an account that every host has, by whichever of its
// names the evidence gives.
func systemAccount(e *tocsin.Evidence) bool {
	name, sid := e.Str("userAccount.accountName"), e.Str("userAccount.userSid")
	if name == "" {
		name, _, _ = strings.Cut(e.Str("userAccount.userPrincipalName"), "@")
	}
	if name == "" && e.Str("userAccount.azureAdUserId") != "" {
		return false
	}
	if name == "" { // known by its SID alone
		name = sid
	}
	return tocsin.SystemAccount(name, sid)
}

// addBareName lets a source that logs an account without its domain meet one
// that logs it with. Such a meeting counts less; see bareName.
func (t *Thing) addBareName() {
	for _, k := range t.Keys {
		if name, _, ok := strings.Cut(k.ID, "@"); ok && name != "" && k.Type == tocsin.EntityUser {
			if bare := (tocsin.EntityKey{Type: tocsin.EntityUser, ID: name + "@"}); !slices.Contains(t.Keys, bare) && !commonNames[name] {
				t.Keys = append(t.Keys, bare)
			}
			return
		}
	}
}

// bareName reports a key of an account whose domain is unknown.
func bareName(k tocsin.EntityKey) bool {
	return k.Type == tocsin.EntityUser && strings.HasSuffix(k.ID, "@")
}

// addOwner splits a mailbox from the person whose it is.
func (f *Facts) addOwner(t *Thing) {
	for i, k := range t.Keys {
		if k.Type == tocsin.EntityUser {
			owner := Thing{Part: PartUser, Keys: slices.Clone(t.Keys[i:]), Name: t.Name}
			if !strings.Contains(owner.Name, "@") {
				owner.Name = k.ID
			}
			owner.addBareName()
			f.add(owner)
			t.Keys = t.Keys[:i]
			return
		}
	}
}

// addHost splits a URL from its host name, which is far more widely shared.
func (f *Facts) addHost(t *Thing) {
	for i, k := range t.Keys {
		if k.Type == tocsin.EntityURL {
			continue
		}
		part := PartDomain
		if k.Type == tocsin.EntityIP {
			part = PartIP
		}
		f.add(Thing{Part: part, Keys: []tocsin.EntityKey{k}, Name: k.ID, Hostile: t.Hostile, Common: part == PartDomain && commonDomain(k.ID)})
		t.Keys = t.Keys[:i]
		return
	}
}

// addDetails takes what has no evidence type of its own: the service or the
// scheduled task that an alert names in its details.
func (f *Facts) addDetails(a *tocsin.Alert) {
	host := ""
	for i := range f.Things {
		if f.Things[i].Part == PartDevice {
			host = f.Things[i].Keys[0].ID
			break
		}
	}
	for _, name := range []string{"serviceName", "taskName"} {
		v, _ := a.CustomDetails[name].(string)
		if v = strings.TrimSpace(v); v == "" || v == "-" || host == "" {
			continue
		}
		id := name + "/" + host + "/" + strings.ToLower(v)
		f.add(Thing{Part: PartOther, Keys: []tocsin.EntityKey{{Type: tocsin.EntityOther, ID: id}}, Name: clip(v)})
	}
}

func partOf(e *tocsin.Evidence) Part {
	switch e.Entity() {
	case tocsin.EntityProcess:
		for _, r := range e.DetailedRoles {
			switch strings.ToLower(r) {
			case "parent", "initiating", "initiator":
				return PartParent
			case "target":
				return PartTarget
			}
		}
		return PartProcess
	case tocsin.EntityLogonSession:
		return PartSession
	case tocsin.EntityUser:
		return PartUser
	case tocsin.EntityMailbox:
		return PartMailbox
	case tocsin.EntityDevice:
		return PartDevice
	case tocsin.EntityIP:
		return PartIP
	case tocsin.EntityFile:
		return PartFile
	case tocsin.EntityMail, tocsin.EntityMailCluster:
		return PartMail
	case tocsin.EntityURL:
		return PartURL
	case tocsin.EntityDomain:
		return PartDomain
	case tocsin.EntityOAuthApp, tocsin.EntityCloudApp:
		return PartApp
	case tocsin.EntityCloudResource:
		return PartResource
	case tocsin.EntityRegistry:
		return PartRegistry
	}
	return PartOther
}

// lookupOrder puts the telling parts first, so that MaxLookupKeys cuts the
// vague ones.
var lookupOrder = []Part{PartProcess, PartMail, PartApp, PartURL, PartSender, PartSession, PartPID, PartParent, PartTarget, PartUser, PartDevice,
	PartIP, PartDomain, PartFile, PartMailbox, PartResource, PartRegistry, PartOther, PartPath}

// LookupKeys are the keys to index the alert by and to find candidates with:
// at most MaxLookupKeys, the most telling first, none of a common thing. Beside
// the entities there are keys made for correlation alone (type "other", ID
// beginning "rule/"): they count how often a rule fires at a place.
func (f Facts) LookupKeys() []tocsin.EntityKey {
	ks := make([]tocsin.EntityKey, 0, 24)
	seen := map[tocsin.EntityKey]bool{}
	put := func(k tocsin.EntityKey) {
		if !seen[k] && len(ks) < MaxLookupKeys {
			seen[k] = true
			ks = append(ks, k)
		}
	}
	always, recent := f.ruleKeys()
	put(always)
	put(recent[0])
	put(recent[1])
	for _, p := range lookupOrder {
		for i := range f.Things {
			if t := &f.Things[i]; t.Part == p && !t.Common {
				for _, k := range t.Keys {
					put(k)
				}
			}
		}
	}
	return ks
}

// routineSlot is the width of the slots in which firings of a rule at a place
// are counted. Alerts are indexed in their own slot and the one before, so that
// the count under the slot before covers between one and two widths of time.
const routineSlot = 2 * time.Hour

// ruleKeys name the rule at its place (device, else user, else anywhere): all
// its firings, and those of this slot and the one before. The difference of
// their counts is how often it fired there on other occasions.
func (f *Facts) ruleKeys() (always tocsin.EntityKey, recent [2]tocsin.EntityKey) {
	h := fnv.New64a()
	h.Write([]byte(f.Rule))
	id := "rule/" + hex.EncodeToString(h.Sum(nil)) + "/" + f.place()
	slot := slotOf(f)
	always = tocsin.EntityKey{Type: tocsin.EntityOther, ID: id}
	for i := range recent {
		recent[i] = tocsin.EntityKey{Type: tocsin.EntityOther, ID: id + "/" + strconv.FormatInt(slot-int64(i), 10)}
	}
	return always, recent
}

func (f *Facts) place() string {
	for _, p := range []Part{PartDevice, PartUser, PartApp, PartResource} {
		for i := range f.Things {
			if t := &f.Things[i]; t.Part == p && !t.Common && !t.Vague {
				return t.Keys[0].ID
			}
		}
	}
	return ""
}

func number(s string) int64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && n > 0 && n < 1<<53 {
		return int64(n)
	}
	return 0
}

// clip keeps names short enough for a sentence.
func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return s
}
