package correlate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// made builds an alert for tests.
type made struct{ a tocsin.Alert }

func alert(id, title string, at time.Time) *made {
	return &made{tocsin.Alert{ID: id, Source: "test", ExternalID: id, Title: title, DetectorID: "rule:" + title,
		Severity: tocsin.SeverityMedium, FirstActivity: at, LastActivity: at}}
}

func (m *made) with(t tocsin.EvidenceType, device string, props map[string]any) *made {
	m.a.Evidence = append(m.a.Evidence, tocsin.Evidence{Type: t, Device: device, Props: props})
	return m
}

func (m *made) on(host string) *made {
	return m.with(tocsin.EvDevice, host, map[string]any{"deviceDnsName": host})
}

func (m *made) asks(from, to string) *made {
	m.on(from).on(to)
	n := len(m.a.Evidence)
	m.a.Evidence[n-2].Roles, m.a.Evidence[n-1].Roles = []tocsin.EvidenceRole{tocsin.RoleSource}, []tocsin.EvidenceRole{tocsin.RoleAttacked}
	return m
}

func (m *made) by(upn string) *made {
	return m.with(tocsin.EvUser, "", map[string]any{"userAccount": map[string]any{"userPrincipalName": upn}})
}

func (m *made) process(host, name, guid string, pid int64, parts ...string) *made {
	m.with(tocsin.EvProcess, host, map[string]any{"imageFile": map[string]any{"fileName": name}, "processId": pid})
	e := &m.a.Evidence[len(m.a.Evidence)-1]
	e.UniqueID, e.DetailedRoles = guid, parts
	return m
}

func (m *made) ip(s string) *made {
	return m.with(tocsin.EvIP, "", map[string]any{"ipAddress": s})
}

func (m *made) tactic(c string) *made {
	m.a.Categories = append(m.a.Categories, c)
	return m
}

func (m *made) alert() tocsin.Alert { return m.a }

func facts(m *made) Facts { return FactsOf(&m.a) }

func incident(id int64, members ...*made) Candidate {
	c := Candidate{IncidentID: id, Created: noon.Add(time.Duration(id) * time.Second), AlertCount: len(members)}
	for _, m := range members {
		c.Members = append(c.Members, facts(m))
	}
	return c
}

// C04.
func TestSameProcessJoinsAndSaysSo(t *testing.T) {
	a := alert("a", "Payload started", noon).on("pedro01.corp.example").process("pedro01.corp.example", "payload.exe", "{AB-1}", 1928)
	b := alert("b", "Payload beacons", noon.Add(4*time.Minute)).on("PEDRO01").process("pedro01", "payload.exe", "{ab-1}", 1928)
	d := Decide(facts(b), []Candidate{incident(7, a)}, Prevalence{}, DefaultPolicy())
	if d.Kind != Attach || d.IncidentID != 7 || len(d.Links) != 1 {
		t.Fatalf("got %+v", d)
	}
	want := "The same process payload.exe (pid 1928) on pedro01 appears in both alerts, with the device PEDRO01 in common, 4 minutes apart."
	if d.Why != want || d.Links[0].Sentence != want {
		t.Errorf("said   %q\nwanted %q", d.Why, want)
	}
	for _, r := range []tocsin.CorrelationReason{tocsin.ReasonCausalSequence, tocsin.ReasonSameAsset, tocsin.ReasonTemporal} {
		if !slices.Contains(d.Links[0].Reasons, r) {
			t.Errorf("reason %s is missing of %v", r, d.Links[0].Reasons)
		}
	}
	if d.Links[0].ToAlertID != "a" || d.Links[0].ToAlertTitle != "Payload started" {
		t.Errorf("link names %q %q", d.Links[0].ToAlertID, d.Links[0].ToAlertTitle)
	}
}

func TestLineageOverAnHour(t *testing.T) {
	a := alert("a", "Shell", noon).process("ws1", "cmd.exe", "g-1", 10)
	b := alert("b", "Dump", noon.Add(5*time.Hour)).process("ws1", "tool.exe", "g-2", 11).process("ws1", "cmd.exe", "g-1", 10, "parent")
	d := Decide(facts(b), []Candidate{incident(1, a)}, Prevalence{}, DefaultPolicy())
	if d.Kind != Attach || !strings.Contains(d.Why, "The process cmd.exe (pid 10) on ws1 of the other alert started the process of this one") {
		t.Fatalf("got %s %q", d.Kind, d.Why)
	}
}

func TestOpeningSaysWhy(t *testing.T) {
	a := alert("a", "Odd", noon).on("ws1").by("ann@corp.example")
	d := Decide(facts(a), nil, Prevalence{}, DefaultPolicy())
	if d.Kind != Open || d.IncidentID != 0 || d.Why != "No open incident shares the device ws1 or the user ann@corp.example with this alert." {
		t.Errorf("got %+v", d)
	}
	old := alert("b", "Old", noon.Add(-9*time.Hour)).on("ws1")
	d = Decide(facts(a), []Candidate{incident(3, old)}, Prevalence{}, DefaultPolicy())
	if d.Kind != Open || d.Why == "" {
		t.Errorf("got %+v", d)
	}
	near := alert("c", "Near", noon.Add(-25*time.Minute)).on("ws1")
	d = Decide(facts(a), []Candidate{incident(3, near)}, Prevalence{}, DefaultPolicy())
	if d.Kind != Open || !strings.Contains(d.Why, "The closest open incident is 3") || !strings.Contains(d.Why, "ws1") {
		t.Errorf("got %+v", d)
	}
}

// TestCommonThingsDoNotLink: each case shares only what every host or every
// alert has, at the same second.
func TestCommonThingsDoNotLink(t *testing.T) {
	known := func(k tocsin.EntityKey, n Known) Prevalence {
		return Prevalence{Total: Known{Alerts: 1000, Rules: 60, Devices: 80, Users: 60}, Keys: map[tocsin.EntityKey]Known{k: n}}
	}
	system := map[string]any{"userAccount": map[string]any{"accountName": "SYSTEM", "domainName": "NT AUTHORITY", "userSid": "S-1-5-18"}}
	machine := map[string]any{"userAccount": map[string]any{"accountName": "DC01$", "domainName": "CORP"}}
	tool := map[string]any{"fileDetails": map[string]any{"fileName": "net.exe", "filePath": `C:\Windows\System32\net.exe`, "sha256": strings.Repeat("ab", 32)}}
	lib := map[string]any{"fileDetails": map[string]any{"fileName": "lib.dll", "filePath": `C:\Program Files\App\lib.dll`, "sha256": strings.Repeat("cd", 32)}}
	cases := []struct {
		name string
		a, b *made
		prev Prevalence
	}{
		{"system account", alert("a", "A", noon).with(tocsin.EvUser, "", system), alert("b", "B", noon).with(tocsin.EvUser, "", system), Prevalence{}},
		{"machine account", alert("a", "A", noon).with(tocsin.EvUser, "", machine), alert("b", "B", noon).with(tocsin.EvUser, "", machine), Prevalence{}},
		{"explorer", alert("a", "A", noon).process("ws1", "explorer.exe", "g-1", 9), alert("b", "B", noon).process("ws1", "explorer.exe", "g-1", 9), Prevalence{}},
		{"services as parent", alert("a", "A", noon).process("ws1", "a.exe", "g-2", 2).process("ws1", "services.exe", "g-1", 9, "parent"),
			alert("b", "B", noon).process("ws1", "b.exe", "g-3", 3).process("ws1", "services.exe", "g-1", 9, "parent"), Prevalence{}},
		{"loopback", alert("a", "A", noon).ip("127.0.0.1"), alert("b", "B", noon).ip("127.0.0.1"), Prevalence{}},
		{"system tool", alert("a", "A", noon).with(tocsin.EvFile, "ws1", tool), alert("b", "B", noon).with(tocsin.EvFile, "ws2", tool), Prevalence{}},
		{"proxy address", alert("a", "A", noon).ip("10.0.0.8"), alert("b", "B", noon).ip("10.0.0.8"),
			known(tocsin.IPKey("10.0.0.8"), Known{Alerts: 400, Rules: 30, Devices: 70, Users: 50})},
		{"hash seen everywhere", alert("a", "A", noon).with(tocsin.EvFile, "ws1", lib), alert("b", "B", noon).with(tocsin.EvFile, "ws2", lib),
			known(tocsin.EntityKey{Type: tocsin.EntityFile, ID: "sha256:" + strings.Repeat("cd", 32)}, Known{Alerts: 300, Rules: 20, Devices: 60})},
		{"domain controller that both asked", alert("a", "A", noon).asks("ws1", "dc01").by("ann@corp.example"), alert("b", "B", noon).asks("ws2", "dc01").by("bob@corp.example"), Prevalence{}},
		{"server that everybody uses", alert("a", "A", noon).on("fs01").by("ann@corp.example"), alert("b", "B", noon.Add(5*time.Minute)).on("fs01").by("bob@corp.example"),
			known(tocsin.DeviceKeys("fs01", "")[0], Known{Alerts: 90, Rules: 12, Devices: 1, Users: 45})},
		{"suite in which something happened", alert("a", "A", noon).with(tocsin.EvCloudApp, "", map[string]any{"displayName": "Microsoft 365"}),
			alert("b", "B", noon).with(tocsin.EvCloudApp, "", map[string]any{"displayName": "Microsoft 365"}), Prevalence{}},
		{"busy administrator, hours apart", alert("a", "A", noon).by("ops@corp.example"), alert("b", "B", noon.Add(3*time.Hour)).by("ops@corp.example"),
			known(tocsin.UserKeys("ops@corp.example", "", "", "", "")[0], Known{Alerts: 90, Rules: 20, Devices: 20, Users: 1})},
		{"long-lived agent", alert("a", "A", noon).process("ws1", "agent.exe", "g-1", 9), alert("b", "B", noon.Add(48*time.Hour)).process("ws1", "agent.exe", "g-1", 9),
			known(tocsin.ProcessKey("g-1", "", 0, 0), Known{Alerts: 200, Rules: 9, Devices: 1})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if d := Decide(facts(c.b), []Candidate{incident(1, c.a)}, c.prev, DefaultPolicy()); d.Kind != Open || d.Why == "" {
				t.Errorf("linked: %+v", d)
			}
		})
	}
}

// TestTellingThingsLink: one telling thing is enough, hours apart.
func TestTellingThingsLink(t *testing.T) {
	mail := map[string]any{"networkMessageId": "m-1", "subject": "Invoice"}
	link := map[string]any{"url": "https://files.lure.example/doc?id=4"}
	app := map[string]any{"appId": "app-1", "displayName": "Mail Helper"}
	later := noon.Add(10 * time.Hour)
	cases := []struct {
		name string
		a, b *made
		want string
	}{
		{"mail", alert("a", "A", noon).with(tocsin.EvAnalyzedMessage, "", mail), alert("b", "B", later).with(tocsin.EvAnalyzedMessage, "", mail), "mail message “Invoice”"},
		{"link", alert("a", "A", noon).with(tocsin.EvURL, "", link), alert("b", "B", later).with(tocsin.EvURL, "", link), "same link"},
		{"application", alert("a", "A", noon).with(tocsin.EvOAuthApp, "", app), alert("b", "B", later).with(tocsin.EvServicePrincipal, "", map[string]any{"appId": "app-1", "servicePrincipalName": "Mail Helper"}), "application Mail Helper"},
		{"two accounts' device at once", alert("a", "A", noon).on("ws1").by("ann@corp.example"), alert("b", "B", noon.Add(time.Minute)).on("srv2").by("ann@corp.example"), "ann@corp.example acts on two devices at once"},
		{"user in the order of an attack", alert("a", "A", noon).by("ann@corp.example").ip("203.0.113.9").tactic("InitialAccess"),
			alert("b", "B", noon.Add(2*time.Hour)).by("ann@corp.example").ip("203.0.113.9").tactic("Persistence"), "one the next step of an attack after the other"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(facts(c.b), []Candidate{incident(1, c.a)}, Prevalence{}, DefaultPolicy())
			if d.Kind != Attach || !strings.Contains(d.Why, c.want) {
				t.Errorf("got %s %q, want %q", d.Kind, d.Why, c.want)
			}
		})
	}
}

// TestRoutineRules: a rule that fires on a device all the time does not drag
// its alerts into what else happens there, but a burst of it stays together.
func TestRoutineRules(t *testing.T) {
	var cands []Candidate
	prev := Prevalence{Keys: map[tocsin.EntityKey]Known{}}
	for i := range 6 {
		cands = append(cands, incident(int64(i+1), alert(fmt.Sprint("old", i), "Log cleared", noon.Add(time.Duration(-10*(i+1))*time.Hour)).on("ws1")))
	}
	attack := alert("x", "Payload started", noon).on("ws1")
	cands = append(cands, incident(50, attack))
	noise := alert("n", "Log cleared", noon.Add(5*time.Second)).on("ws1")
	f := facts(noise)
	always, _ := f.ruleKeys()
	prev.Keys[always] = Known{Alerts: 6, Rules: 1, Devices: 1}
	if d := Decide(f, cands, prev, DefaultPolicy()); d.Kind != Open {
		t.Errorf("routine alert joined the attack: %s", d.Why)
	}
	// And the other way round: the attack comes after the noise.
	cands[6] = incident(50, noise)
	if d := Decide(facts(alert("y", "Payload started", noon.Add(time.Minute)).on("ws1")), cands, Prevalence{}, DefaultPolicy()); d.Kind != Open {
		t.Errorf("the attack joined a routine alert: %s", d.Why)
	}
	again := alert("n2", "Log cleared", noon.Add(30*time.Second)).on("ws1")
	if d := Decide(facts(again), cands, prev, DefaultPolicy()); d.Kind != Attach || d.IncidentID != 50 {
		t.Errorf("a burst of one rule fell apart: %s %d %s", d.Kind, d.IncidentID, d.Why)
	}
}

// C07, C08.
func TestMerge(t *testing.T) {
	left := alert("l", "Left", noon).process("ws1", "a.exe", "g-1", 1)
	right := alert("r", "Right", noon.Add(time.Minute)).process("ws1", "b.exe", "g-2", 2)
	tie := facts(alert("t", "Tie", noon.Add(2*time.Minute)).on("ws1").process("ws1", "b.exe", "g-2", 2).process("ws1", "a.exe", "g-1", 1))
	pair := func(edit func(l, r *Candidate)) Decision {
		l, r := incident(1, left), incident(2, right)
		edit(&l, &r)
		return Decide(tie, []Candidate{r, l}, Prevalence{}, DefaultPolicy())
	}
	cases := []struct {
		name   string
		edit   func(l, r *Candidate)
		kind   Kind
		target int64
	}{
		{"the older stays", func(l, r *Candidate) {}, Merge, 1},
		{"the larger stays", func(l, r *Candidate) { r.AlertCount = 9 }, Merge, 2},
		{"the owned stays", func(l, r *Candidate) { l.AlertCount, r.AssignedTo = 9, "ann" }, Merge, 2},
		{"one owner", func(l, r *Candidate) { l.AssignedTo, r.AssignedTo = "ann", "Ann" }, Merge, 1},
		{"two owners", func(l, r *Candidate) { l.AssignedTo, r.AssignedTo = "ann", "bob" }, Attach, 2},
		{"one classified", func(l, r *Candidate) { r.Classification = tocsin.ClassTruePositive }, Merge, 1},
		{"classified differently", func(l, r *Candidate) {
			l.Classification, r.Classification = tocsin.ClassTruePositive, tocsin.ClassFalsePositive
		}, Attach, 2},
		{"determined differently", func(l, r *Candidate) {
			l.Determination, r.Determination = tocsin.DetMalware, tocsin.DetPhishing
		}, Attach, 2},
		{"too large together", func(l, r *Candidate) { l.AlertCount, r.AlertCount = 300, 300 }, Attach, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := pair(c.edit)
			if d.Kind != c.kind || d.IncidentID != c.target {
				t.Fatalf("got %s %d (%s), want %s %d", d.Kind, d.IncidentID, d.Why, c.kind, c.target)
			}
			if c.kind == Merge {
				other := 3 - c.target
				if !slices.Equal(d.From, []int64{other}) || !strings.HasPrefix(d.Why, fmt.Sprintf("This alert ties incident %d to incident %d: ", other, c.target)) {
					t.Errorf("from %v, why %q", d.From, d.Why)
				}
			} else if len(d.From) != 0 {
				t.Errorf("from %v without a merge", d.From)
			}
		})
	}
}

// TestOrderOfCandidates: equal arguments in another order, equal decision.
func TestOrderOfCandidates(t *testing.T) {
	var cands []Candidate
	for i := range 12 {
		cands = append(cands, incident(int64(i+1), alert(fmt.Sprint("m", i), fmt.Sprint("R", i%4), noon.Add(time.Duration(i)*time.Minute)).on("ws1").by("ann@corp.example")))
	}
	f := facts(alert("x", "New", noon.Add(15*time.Minute)).on("ws1").by("ann@corp.example"))
	want := Decide(f, cands, Prevalence{}, DefaultPolicy())
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		r.Shuffle(len(cands), func(i, j int) { cands[i], cands[j] = cands[j], cands[i] })
		if got := Decide(f, cands, Prevalence{}, DefaultPolicy()); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	}
}

// TestProxyDoesNotBuildAMegaIncident: 10,000 alerts of many rules, devices and
// people share one proxy address and nothing else.
func TestProxyDoesNotBuildAMegaIncident(t *testing.T) {
	var as []tocsin.Alert
	for i := range 10_000 {
		as = append(as, alert(fmt.Sprint("a", i), fmt.Sprint("Rule ", i%40), noon.Add(time.Duration(i)*11*time.Second)).
			on(fmt.Sprintf("ws%04d", i%2500)).by(fmt.Sprintf("u%04d@corp.example", i%2500)).ip("10.20.0.8").alert())
	}
	if n := largest(Replay(as, DefaultPolicy())); n > 25 {
		t.Errorf("the largest incident has %d alerts", n)
	}
}

// TestWeakChain: A and B share an address, B and C a person, C and D an address,
// each hours apart: no link of the chain is a reason to join.
func TestWeakChain(t *testing.T) {
	var as []tocsin.Alert
	for i := range 26 {
		m := alert(fmt.Sprint("a", i), fmt.Sprint("Rule ", i), noon.Add(time.Duration(i)*5*time.Hour)).on(fmt.Sprint("host", i))
		if i%2 == 0 {
			m.ip(fmt.Sprintf("198.51.100.%d", i)).by(fmt.Sprintf("u%d@corp.example", i-1))
		} else {
			m.ip(fmt.Sprintf("198.51.100.%d", i-1)).by(fmt.Sprintf("u%d@corp.example", i))
		}
		as = append(as, m.alert())
	}
	if n := largest(Replay(as, DefaultPolicy())); n > 1 {
		t.Errorf("the chain joined %d alerts", n)
	}
}

// TestBusyDeviceIsCutOff: one device that alerts every minute for two weeks
// must not make one incident that nobody can read.
func TestBusyDeviceIsCutOff(t *testing.T) {
	var as []tocsin.Alert
	for i := range 2000 {
		as = append(as, alert(fmt.Sprint("a", i), fmt.Sprint("Rule ", i%7), noon.Add(time.Duration(i)*time.Minute)).on("build01").alert())
	}
	p := DefaultPolicy()
	if n := largest(Replay(as, p)); n > p.MaxAlerts {
		t.Errorf("the largest incident has %d alerts, more than %d", n, p.MaxAlerts)
	}
}

func largest(ps []Placement) int {
	n := map[int64]int{}
	top := 0
	for _, p := range ps {
		n[p.IncidentID]++
		top = max(top, n[p.IncidentID])
	}
	return top
}

func TestFactsSurviveJSON(t *testing.T) {
	m := alert("a", "A", noon).on("ws1.corp.example").by("ann@corp.example").process("ws1", "a.exe", "g-1", 77).ip("203.0.113.9")
	m.with(tocsin.EvURL, "", map[string]any{"url": "https://lure.example/x"})
	m.a.Techniques = []string{"T1059.001"}
	m.a.CustomDetails = map[string]any{"serviceName": "Updater32"}
	f := facts(m)
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var g Facts
	if err := json.Unmarshal(b, &g); err != nil || !reflect.DeepEqual(f, g) {
		t.Fatalf("%v\n%+v\n%+v", err, f, g)
	}
	if len(b) > 2000 {
		t.Errorf("%d bytes for a small alert", len(b))
	}
}

func TestLookupKeysAreBounded(t *testing.T) {
	m := alert("a", "A", noon)
	for i := range 500 {
		m.ip(fmt.Sprintf("203.0.%d.%d", i/250, i%250+1)).process("ws1", fmt.Sprint("p", i, ".exe"), fmt.Sprint("g-", i), int64(1000+i))
	}
	f := facts(m)
	ks := f.LookupKeys()
	if len(ks) > MaxLookupKeys || len(f.Things) > maxThings {
		t.Fatalf("%d keys of %d things", len(ks), len(f.Things))
	}
	seen := map[tocsin.EntityKey]bool{}
	for _, k := range ks {
		if k.IsZero() || seen[k] {
			t.Fatalf("zero or repeated key %v", k)
		}
		seen[k] = true
	}
	if ks[3].Type != tocsin.EntityProcess {
		t.Errorf("after the rule keys the processes come first, got %v", ks[3])
	}
}

// TestReplayIsDeterministic runs the same input twice.
func TestReplayIsDeterministic(t *testing.T) {
	alerts, _ := readBench(t)
	if !reflect.DeepEqual(Replay(alerts, DefaultPolicy()), Replay(alerts, DefaultPolicy())) {
		t.Error("two runs differ")
	}
}
