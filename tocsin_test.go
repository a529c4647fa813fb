package tocsin

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

func keyString(ks []EntityKey) string {
	s := make([]string, len(ks))
	for i, k := range ks {
		s[i] = k.String()
	}
	return strings.Join(s, " ")
}

// One thing under several names must share a key; two things must not.
func TestSpellingsOfOneEntityShareAKey(t *testing.T) {
	dev := func(host, id string) []EntityKey { return DeviceKeys(host, id) }
	one := func(k EntityKey) []EntityKey { return []EntityKey{k} }
	sha := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name string
		a, b []EntityKey
		same bool
	}{
		{"host FQDN and short name", dev("WS-07.corp.example", ""), dev("ws-07", ""), true},
		{"host name and derived id", dev("WS-07.corp.example", ""), dev("", strings.ToUpper(DeviceID("ws-07"))), true},
		{"host with a foreign id", dev("ws-07", "0123abcd"), dev("", "0123ABCD"), true},
		{"UNC host", dev(`\\WS-07`, ""), dev("ws-07", ""), true},
		{"two hosts", dev("ws-07", ""), dev("ws-08", ""), false},
		{"two addresses as hosts", dev("10.0.0.1", ""), dev("10.0.0.2", ""), false},
		{"UPN and SAM", UserKeys("Ann@corp.example", "", "", "", ""), UserKeys("", "CORP", "ann", "", ""), true},
		{"SAM in one string", UserKeys("", "", `CORP\ann`, "", ""), UserKeys("ann@corp.example", "", "", "", ""), true},
		{"SID joins both", UserKeys("", "CORP", "ann", "S-1-5-21-1-2-3-1104", ""), UserKeys("", "", "", "s-1-5-21-1-2-3-1104", ""), true},
		{"object id", UserKeys("ann@corp.example", "", "", "", "AAAA-BB"), UserKeys("", "", "", "", "aaaa-bb"), true},
		{"same name, two domains", UserKeys("", "CORP", "ann", "", ""), UserKeys("", "LAB", "ann", "", ""), false},
		{"bare name with SID is not the bare name", UserKeys("", "", "admin", "S-1-5-21-9-9-9-500", ""), UserKeys("", "", "admin", "S-1-5-21-8-8-8-500", ""), false},
		{"file by hash whatever the path", FileKeys(strings.ToUpper(sha), "", "", `C:\a.exe`, "x"), FileKeys(sha, "", "", `D:\b.exe`, "y"), true},
		{"file by path on one device", FileKeys("", "", "", `\??\C:\A.exe`, "ws-07.corp.example"), FileKeys("", "", "", `c:/a.EXE`, "WS-07"), true},
		{"file by path on two devices", FileKeys("", "", "", `C:\A.exe`, "ws-07"), FileKeys("", "", "", `C:\A.exe`, "ws-08"), false},
		{"mapped v4", one(IPKey("::ffff:192.0.2.7")), one(IPKey("192.0.2.7:443")), true},
		{"v6 with port", one(IPKey("[2001:db8::1]:443")), one(IPKey("2001:DB8:0::1")), true},
		{"mail ids ignore case", one(MailKey("A1B2-C3", "")), one(MailKey("a1b2-c3", "<x@y>")), true},
		{"URL whatever the scheme", URLKeys("https://Login.Example.test/a/../b?x=1"), URLKeys("http://login.example.test/b?x=1"), true},
		{"session of one boot", one(SessionKey("ws-07", "0x00012AB")), one(SessionKey("WS-07.corp.example", "0x12ab")), true},
		{"registry hive forms", one(RegistryKey("h", `HKLM\Software\Run`, "x")), one(RegistryKey("H", `HKEY_LOCAL_MACHINE\SOFTWARE\Run`, "X")), true},
		{"process by unique id", one(ProcessKey("{AA-1}", "h", 1, 2)), one(ProcessKey("aa-1", "", 0, 0)), true},
	} {
		shared := false
		for _, a := range c.a {
			for _, b := range c.b {
				shared = shared || (a == b && !a.IsZero())
			}
		}
		if shared != c.same {
			t.Errorf("%s: share a key = %v, want %v\n a %s\n b %s", c.name, shared, c.same, keyString(c.a), keyString(c.b))
		}
	}
}

func TestNamesOfNothingHaveNoKey(t *testing.T) {
	for name, k := range map[string]EntityKey{
		"dash address": IPKey("-"), "loopback": IPKey("::1"), "unspecified": IPKey("0.0.0.0"), "host name as address": IPKey("corp.example"),
		"SYSTEM session": SessionKey("h", "0x3e7"), "zero process id": ProcessKey("{00000000-0000-0000-0000-000000000000}", "h", 0, 0),
		"empty mail": MailKey("", ""), "empty domain": DomainKey("."),
	} {
		if !k.IsZero() {
			t.Errorf("%s: key %s", name, k)
		}
	}
	if ks := FileKeys(strings.Repeat("0", 64), "-", "", "", ""); len(ks) != 0 {
		t.Errorf("file of nothing: %s", keyString(ks))
	}
}

func TestSystemAccounts(t *testing.T) {
	for name, want := range map[string]bool{"SYSTEM": true, `NT AUTHORITY\SYSTEM`: true, "WS-07$": true, "DWM-2": true, "ann": false, `CORP\administrator`: false} {
		if got := SystemAccount(name, ""); got != want {
			t.Errorf("SystemAccount(%q) = %v, want %v", name, got, want)
		}
	}
}

// M08.
func TestLegalPairsOfClassificationAndDetermination(t *testing.T) {
	for _, c := range Classifications {
		for _, ds := range Determinations {
			for _, d := range ds {
				legal := false
				for _, l := range Determinations[c] {
					legal = legal || l == d
				}
				err := CheckDetermination(c, d)
				if (err == nil) != legal {
					t.Errorf("CheckDetermination(%s, %s) = %v, legal %v", c, d, err, legal)
				}
				if err != nil && (CodeOf(err) != CodeInvalid || !strings.Contains(err.Error(), string(d))) {
					t.Errorf("the refusal of (%s, %s) does not help: %v", c, d, err)
				}
			}
		}
	}
	for in, want := range map[string]Determination{"CompromisedUser": DetCompromisedAccount, "Clean": DetNotMalicious, "MultiStagedAttack": DetMultiStagedAttack} {
		if d, err := ParseDetermination(in); err != nil || d != want {
			t.Errorf("ParseDetermination(%q) = %q, %v", in, d, err)
		}
	}
}

func TestEveryEvidenceTypeValidatesItsOwnPropertiesOnly(t *testing.T) {
	if n := len(EvidenceTypes()); n != 48 {
		t.Errorf("%d evidence types, Graph has 48", n)
	}
	for _, et := range EvidenceTypes() {
		for p := range evidenceProperties[et] {
			e := Evidence{Type: et, Verdict: VerdictUnknown, RemediationStatus: RemediationNone, Props: map[string]any{p: nil}}
			if err := e.Validate(); err != nil {
				t.Errorf("%s.%s: %v", et, p, err)
			}
		}
		e := Evidence{Type: et, Verdict: VerdictUnknown, RemediationStatus: RemediationNone, Props: map[string]any{"noSuch": 1}}
		if err := e.Validate(); CodeOf(err) != CodeInvalid {
			t.Errorf("%s takes an unknown property: %v", et, err)
		}
		_ = e.Keys() // no type may panic on missing properties
		_ = e.Name()
	}
}

func TestRecountDoesNotDependOnOrder(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	dev := func(n string) Evidence { return Evidence{Type: EvDevice, Props: map[string]any{"deviceDnsName": n}} }
	alerts := []Alert{
		{Title: "a", Severity: SeverityLow, Status: AlertNew, ServiceSource: SourceEndpoint, Categories: []string{"Execution"}, FirstActivity: at, LastActivity: at, Evidence: []Evidence{dev("ws-1"), dev("ws-1.corp.example")}},
		{Title: "b", Severity: SeverityHigh, Status: AlertResolved, ServiceSource: SourceOffice, Categories: []string{"InitialAccess"}, FirstActivity: at.Add(-time.Hour), LastActivity: at, Evidence: []Evidence{dev("WS-1")}},
		{Title: "c", Severity: SeverityMedium, Status: AlertNew, ServiceSource: SourceEndpoint, Categories: []string{"Impact"}, FirstActivity: at, LastActivity: at.Add(time.Hour), Evidence: []Evidence{dev("ws-2")}},
	}
	var a, b Incident
	a.Recount(alerts)
	b.Recount([]Alert{alerts[2], alerts[1], alerts[0]})
	ja, _ := json.Marshal(a)
	jb, _ := json.Marshal(b)
	if string(ja) != string(jb) {
		t.Errorf("order matters:\n%s\n%s", ja, jb)
	}
	if a.Severity != SeverityHigh || a.AssetCounts.Devices != 2 || a.ActiveAlerts != 2 || a.Assets[0].Name != "ws-1.corp.example" {
		t.Errorf("wrong counters: %s", ja)
	}
	if want := "Multi-stage incident involving Initial access & Impact on multiple endpoints reported by multiple sources"; a.DisplayName != want {
		t.Errorf("name %q, want %q", a.DisplayName, want)
	}
	cloudOnly := Alert{Title: "d", Evidence: []Evidence{
		{Type: EvUser, Props: map[string]any{"userAccount": map[string]any{"userPrincipalName": "ann@corp.example"}}},
		{Type: EvUser, Props: map[string]any{"userAccount": map[string]any{"accountName": "SYSTEM"}}},
	}}
	var c Incident
	c.Recount([]Alert{cloudOnly})
	if c.AssetCounts.Users != 1 {
		t.Errorf("%d users, want the one known by UPN and not SYSTEM", c.AssetCounts.Users)
	}
	a.DisplayName, a.Renamed, a.SeverityManual, a.Severity = "mine", true, true, SeverityLow
	a.Recount(alerts)
	if a.DisplayName != "mine" || a.Severity != SeverityLow {
		t.Errorf("what a person set was overwritten: %q %s", a.DisplayName, a.Severity)
	}
}

func TestRepeatCountsAndKeepsDecisions(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	a := Alert{Count: 1, Status: AlertResolved, Severity: SeverityLow, FirstActivity: at, LastActivity: at, Rows: []RowRef{{ReportID: "1"}}}
	b := Alert{Count: 3, Status: AlertNew, Severity: SeverityMedium, FirstActivity: at.Add(-time.Hour), LastActivity: at.Add(time.Hour), Rows: []RowRef{{ReportID: "1"}, {ReportID: "2"}}}
	a.Repeat(&b)
	if a.Count != 4 || a.Status != AlertResolved || a.Severity != SeverityMedium || len(a.Rows) != 2 || !a.FirstActivity.Equal(at.Add(-time.Hour)) || !a.LastActivity.Equal(at.Add(time.Hour)) {
		t.Errorf("after the repeat: %+v", a)
	}
}

func TestEveryFieldOfAChangeIsInItsHash(t *testing.T) {
	base := Change{Seq: 7, Tenant: "t", At: time.Unix(1, 0), Actor: Actor{ActorUser, "ann"}, Noun: "incident", ID: "1", Version: 2, Kind: "renamed", Summary: "s", Before: []byte(`1`), After: []byte(`2`), AlertID: "x", Prev: "p"}
	h := base.ComputeHash()
	for name, edit := range map[string]func(*Change){
		"seq": func(c *Change) { c.Seq++ }, "tenant": func(c *Change) { c.Tenant = "u" }, "at": func(c *Change) { c.At = c.At.Add(time.Microsecond) },
		"actor kind": func(c *Change) { c.Actor.Kind = ActorEngine }, "actor": func(c *Change) { c.Actor.Name = "bob" }, "noun": func(c *Change) { c.Noun = "alert" },
		"id": func(c *Change) { c.ID = "2" }, "version": func(c *Change) { c.Version++ }, "kind": func(c *Change) { c.Kind = "x" }, "summary": func(c *Change) { c.Summary = "" },
		"before": func(c *Change) { c.Before = nil }, "after": func(c *Change) { c.After = nil }, "alert": func(c *Change) { c.AlertID = "" }, "prev": func(c *Change) { c.Prev = "" },
		"shifted border": func(c *Change) { c.Noun, c.ID = "inciden", "t1" },
	} {
		c := base
		edit(&c)
		if c.ComputeHash() == h {
			t.Errorf("changing %s leaves the hash", name)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := Secret("hunter2")
	j, _ := json.Marshal(struct{ S Secret }{s})
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q", s, s, s, s, s), string(j)} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("printed: %s", out)
		}
	}
}

func TestErrorsShowMessagesAndHideCauses(t *testing.T) {
	cause := errors.New("disk /secret/path is full")
	err := fmt.Errorf("save incident 4: %w", &Error{Code: CodeUnavailable, Msg: "try again later", Err: cause})
	if CodeOf(err) != CodeUnavailable || Message(err) != "try again later" || !errors.Is(err, cause) {
		t.Errorf("code %s, message %q", CodeOf(err), Message(err))
	}
	if Message(cause) != "internal error" {
		t.Errorf("a foreign error is shown: %q", Message(cause))
	}
}

// The permission table as people read it: every role against every verb.
//
// P02.
func TestPermissionTable(t *testing.T) {
	var b strings.Builder
	for _, r := range append([]Role{"nobody"}, AssignableRoles...) {
		for _, v := range Verbs {
			mark := "-"
			if Can(Principal{Tenant: "t", ID: "x", Roles: []Role{r}}, v) {
				mark = "allow"
			}
			fmt.Fprintf(&b, "%-18s %-15s %s\n", r, v, mark)
		}
	}
	const golden = "testdata/permissions.golden"
	if *update {
		_ = os.MkdirAll("testdata", 0o755)
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Errorf("the permission table differs from %s; read the difference and run go test -update\n%s", golden, b.String())
	}
	scoped := Principal{Tenant: "t", ID: "x", Roles: []Role{RoleAdministrator}, Scopes: []Verb{VerbIncidentRead}}
	if !Can(scoped, VerbIncidentRead) || Can(scoped, VerbIncidentWrite) {
		t.Error("scopes do not limit a token")
	}
	if Can(Principal{ID: "x", Roles: []Role{RoleAdministrator}}, VerbIncidentRead) {
		t.Error("a principal without tenant may read")
	}
}
