package detect

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

const shellRule = `title: Shell from office
id: shell
level: critical
tags: [attack.execution, attack.t1059.001, attack.initial-access]
falsepositives: [Add-ins]
logsource: {product: windows, category: process_creation}
detection:
  s:
    ParentImage|endswith: '\winword.exe'
    Image|endswith: '\powershell.exe'
  condition: s
`

func shellRow(host, user string, minute int, id int) tocsin.Row {
	return tocsin.Row{Table: "DeviceProcessEvents", Values: map[string]any{
		"Timestamp": windowStart.Add(time.Duration(minute) * time.Minute), "ActionType": "ProcessCreated", "ReportId": int64(id),
		"DeviceName": host, "DeviceId": tocsin.DeviceID(host), "FileName": "powershell.exe", "FolderPath": `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`,
		"ProcessCommandLine": "powershell -nop", "ProcessId": int64(77), "ProcessUniqueId": fmt.Sprint("p", id), "AccountDomain": "contoso", "AccountName": user, "AccountSid": "S-1-5-21-1-2-3-1104",
		"InitiatingProcessFileName": "WINWORD.EXE", "InitiatingProcessFolderPath": `C:\Program Files\Office\WINWORD.EXE`, "InitiatingProcessId": int64(70), "InitiatingProcessUniqueId": "parent",
		"SHA256": "aa11" + fmt.Sprintf("%060d", 7),
	}}
}

func alertsOf(t testing.TB, e *Engine, hits []*Hit) map[string]*tocsin.Alert {
	t.Helper()
	out := map[string]*tocsin.Alert{}
	seen := map[string]bool{}
	for _, h := range hits {
		a, ok := e.Alert(h)
		if !ok {
			t.Fatalf("no alert for %s", h.RuleID)
		}
		if err := a.Validate(); err != nil {
			t.Fatal(err)
		}
		if seen[a.DeliveryID] { // as the cases do
			continue
		}
		seen[a.DeliveryID] = true
		if was := out[a.ExternalID]; was != nil {
			was.Repeat(&a)
		} else {
			out[a.ExternalID] = &a
		}
	}
	return out
}

func engineOf(t testing.TB, src string) *Engine {
	t.Helper()
	set, rep := LoadFiles([]RuleFile{{"r.yml", []byte(src)}})
	if len(rep.Failed) > 0 || rep.UnsupportedCount() > 0 {
		t.Fatal(rep.String())
	}
	return NewEngine(set)
}

// Repeats on one subject within a day are one alert; totals are the same for
// any batches and for hits that come twice.
func TestRepeatsAreOneAlert(t *testing.T) {
	e := engineOf(t, shellRule)
	var rows []tocsin.Row
	for i := range 120 {
		rows = append(rows, shellRow("ws-1.contoso.example", "ann", i%60, i+1))
	}
	rows = append(rows, shellRow("WS-1", "ann", 30, 121)) // the same host by its short name
	rows = append(rows, shellRow("ws-2.contoso.example", "ann", 0, 200), shellRow("ws-1.contoso.example", "ann", 24*60, 201))
	for _, n := range []int{1, 7, 1000} {
		hits := collect(t, e, rows, n)
		alerts := alertsOf(t, e, append(hits, hits...))
		if len(alerts) != 3 {
			t.Fatalf("batches of %d: %d alerts, want one for each host and day", n, len(alerts))
		}
		counts := map[int64]int{}
		for _, a := range alerts {
			counts[a.Count]++
			if a.Count == 121 && (!a.FirstActivity.Equal(windowStart) || !a.LastActivity.Equal(windowStart.Add(59*time.Minute)) || len(a.Rows) != tocsin.MaxAlertRows) {
				t.Errorf("batches of %d: %v to %v, %d rows", n, a.FirstActivity, a.LastActivity, len(a.Rows))
			}
		}
		if counts[121] != 1 || counts[1] != 2 {
			t.Errorf("batches of %d: counts %v", n, counts)
		}
	}
}

func TestAlertOfProcess(t *testing.T) {
	e := engineOf(t, shellRule)
	hits := collect(t, e, []tocsin.Row{shellRow("ws-1.contoso.example", "ann", 0, 1)}, 1)
	if len(hits) != 1 {
		t.Fatalf("%d hits", len(hits))
	}
	a, _ := e.Alert(hits[0])
	if a.Severity != tocsin.SeverityHigh || a.ServiceSource != tocsin.SourceEndpoint || a.Category != "InitialAccess" || len(a.Techniques) != 1 || a.Techniques[0] != "T1059.001" {
		t.Errorf("severity %s, source %s, category %s, techniques %v", a.Severity, a.ServiceSource, a.Category, a.Techniques)
	}
	roles := map[string]tocsin.EvidenceRole{}
	for i := range a.Evidence {
		roles[string(a.Evidence[i].Type)+" "+a.Evidence[i].Name()] = a.Evidence[i].Roles[0]
	}
	for name, role := range map[string]tocsin.EvidenceRole{
		"device ws-1.contoso.example": tocsin.RoleAttacked, `user contoso\ann`: tocsin.RoleCompromised,
		"process powershell.exe": tocsin.RoleSuspicious, "process WINWORD.EXE": tocsin.RoleContextual, "file powershell.exe": tocsin.RoleContextual,
	} {
		if roles[name] != role {
			t.Errorf("evidence %q has role %q, want %q (all: %v)", name, roles[name], role, roles)
		}
	}
	if len(a.Rows) != 1 || a.Rows[0].Table != "DeviceProcessEvents" || a.Rows[0].ReportID != "1" || a.Rows[0].DeviceID == "" || !a.Rows[0].Time.Equal(windowStart) {
		t.Errorf("rows %+v", a.Rows)
	}
}

// A source event fires rules in its own words, and rules for hunting tables
// through its mapped rows, each once.
func TestEventAndItsRows(t *testing.T) {
	e := engineOf(t, shellRule+`---
title: native
id: native
logsource: {product: m365_defender, service: DeviceProcessEvents}
detection: {s: {FileName: powershell.exe}, condition: s}
`)
	ev := &tocsin.Event{Product: "windows", Channel: "Security", EventID: 4688, Host: "WS-1", Time: windowStart,
		Fields: []tocsin.Field{{Name: "NewProcessName", Value: `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`}, {Name: "ParentProcessName", Value: `C:\Program Files\Office\WINWORD.EXE`},
			{Name: "SubjectUserName", Value: "ann"}, {Name: "SubjectDomainName", Value: "CONTOSO"}},
		Rows: []tocsin.Row{shellRow("ws-1", "ann", 0, 1)}}
	s := NewScratch()
	rules := e.MatchEvent(ev, s)
	if len(rules) != 2 || rules[0].ID != "shell" || rules[1].ID != "native" {
		t.Fatalf("fired %v", rules)
	}
	c := NewCollector(e)
	c.Event(ev, rules)
	if hits := c.Hits(); len(hits) != 2 || hits[0].Refs[0].ReportID != "1" {
		t.Errorf("hits %+v", hits)
	}
	// An event that no table takes still makes an alert with a device and a user.
	ev.Rows = nil
	c.Event(ev, e.MatchEvent(ev, s))
	hits := c.Hits()
	if len(hits) != 1 {
		t.Fatalf("%d hits", len(hits))
	}
	a, _ := e.Alert(hits[0])
	if err := a.Validate(); err != nil || len(a.Keys()) < 2 || a.ServiceSource != tocsin.SourceEndpoint {
		t.Errorf("alert %+v: %v", a, err)
	}
}

// The folder path of a hunting row may or may not hold the file name.
func TestFolderPathForms(t *testing.T) {
	e := engineOf(t, shellRule)
	for _, path := range []string{`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `C:\Windows\System32\WindowsPowerShell\v1.0`, `C:\Windows\System32\WindowsPowerShell\v1.0\`} {
		row := shellRow("ws-1", "ann", 0, 1)
		row.Values["FolderPath"] = path
		row.Values["InitiatingProcessFolderPath"] = `C:\Program Files\Office`
		if n := len(collect(t, e, []tocsin.Row{row}, 1)); n != 1 {
			t.Errorf("%s: %d hits", path, n)
		}
	}
	row := shellRow("srv-1", "ann", 0, 1)
	row.Values["FolderPath"] = "/usr/bin/powershell.exe"
	if n := len(collect(t, e, []tocsin.Row{row}, 1)); n != 0 {
		t.Errorf("a Windows rule fires on a Unix row")
	}
}

func TestRegistryRows(t *testing.T) {
	e := engineOf(t, `title: r
id: r
logsource: {product: windows, category: registry_set}
detection:
  s:
    TargetObject|startswith: 'HKLM\Software\'
    TargetObject|endswith: '\Run\x'
    Details: 'DWORD (0x0000000a)'
  condition: s
`)
	row := tocsin.Row{Table: "DeviceRegistryEvents", Values: map[string]any{"Timestamp": windowStart, "DeviceName": "ws", "ActionType": "RegistryValueSet", "ReportId": int64(1),
		"RegistryKey": `HKEY_LOCAL_MACHINE\SOFTWARE\Run`, "RegistryValueName": "x", "RegistryValueData": "10", "RegistryValueType": "Dword"}}
	if n := len(collect(t, e, []tocsin.Row{row}, 1)); n != 1 {
		t.Errorf("%d hits", n)
	}
	row.Values["ActionType"] = "RegistryKeyCreated"
	if n := len(collect(t, e, []tocsin.Row{row}, 1)); n != 0 {
		t.Errorf("registry_set fires on a created key")
	}
}

// Fields that no column has are found in the record itself.
func TestCloudRecords(t *testing.T) {
	e := engineOf(t, `title: aws
id: aws
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventSource: iam.amazonaws.com, eventName: CreateUser, requestParameters.userName|startswith: adm}
  condition: s
`)
	for _, c := range []struct {
		raw  string
		want int
	}{
		{`{"eventSource":"iam.amazonaws.com","requestParameters":{"userName":"Adm\u0069n"}}`, 1},
		{`{"eventSource":"iam.amazonaws.com","requestParameters":{"userName":"bob"}}`, 0},
		{`{"eventSource":"iam.amazonaws.com","requestParameters":null}`, 0},
	} {
		row := tocsin.Row{Table: "CloudAppEvents", Values: map[string]any{"Timestamp": windowStart, "ActionType": "CreateUser", "Application": "Amazon Web Services", "RawEventData": []byte(c.raw)}}
		row.Values["RawEventData"] = rawJSON(c.raw)
		if n := len(collect(t, e, []tocsin.Row{row}, 1)); n != c.want {
			t.Errorf("%s: %d hits, want %d", c.raw, n, c.want)
		}
	}
}

// Rows of the SecurityEvent table speak almost as the events themselves.
func TestSecurityEventRows(t *testing.T) {
	e := engineOf(t, shellRule+`---
title: cleared
id: cleared
logsource: {product: windows, service: security}
detection: {s: {EventID: 1102}, condition: s}
`)
	row := func(id int64, more map[string]any) tocsin.Row {
		v := map[string]any{"TimeGenerated": windowStart, "EventID": id, "Computer": "ws-1"}
		for k, x := range more {
			v[k] = x
		}
		return tocsin.Row{Table: "SecurityEvent", Values: v}
	}
	started := map[string]any{"NewProcessName": `C:\Windows\powershell.exe`, "ParentProcessName": `C:\Office\winword.exe`}
	for i, c := range []struct {
		row  tocsin.Row
		want int
	}{{row(1102, nil), 1}, {row(4688, started), 1}, {row(4689, started), 0}} {
		if n := len(collect(t, e, []tocsin.Row{c.row}, 1)); n != c.want {
			t.Errorf("row %d: %d hits, want %d", i, n, c.want)
		}
	}
}
