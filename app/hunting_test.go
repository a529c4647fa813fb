package app

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// textSink keeps rows as text.
type textSink struct{ rows []string }

func (s *textSink) Table(lake.HuntTable) error { return nil }
func (s *textSink) Row(row []kql.Value) error {
	var texts []string
	for _, v := range row {
		texts = append(texts, kql.TextOf(v))
	}
	s.rows = append(s.rows, strings.Join(texts, "|"))
	return nil
}

func hunt(t *testing.T, a *App, who tocsin.Principal, query string, opts lake.HuntOptions) (string, error) {
	t.Helper()
	opts.Interface = "cli"
	s := &textSink{}
	_, err := a.hunter.Run(tocsin.WithPrincipal(t.Context(), who), query, opts, s)
	return strings.Join(s.rows, "\n"), err
}

func opened(t *testing.T) *App {
	t.Helper()
	a, err := New(t.Context(), Config{Data: t.TempDir(), NoRules: true, Now: func() time.Time { return noon }, PublicURL: "https://soc.example/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	return a
}

func analyst(verbs ...tocsin.Verb) tocsin.Principal {
	return tocsin.Principal{Tenant: tocsin.DefaultTenant, ID: "u1", UserName: "ann", Kind: tocsin.ActorUser, Roles: []tocsin.Role{tocsin.RoleReader}, Scopes: verbs}
}

func TestLiveTables(t *testing.T) {
	a := opened(t)
	at := noon.Add(-2 * time.Hour)
	alerts := []tocsin.Alert{
		{Source: "tocsin", ExternalID: "1", Title: "Encoded PowerShell", Severity: tocsin.SeverityHigh, ServiceSource: tocsin.SourceEndpoint, DetectionSource: "microsoftDefenderForEndpoint",
			DetectorID: "r1", Category: "Execution", Categories: []string{"Execution", "Persistence"}, Techniques: []string{"T1053.005", "T1059.001"}, FirstActivity: at, LastActivity: at.Add(time.Minute),
			Description: "d", RecommendedActions: "look", ProductName: "Tocsin",
			Evidence: []tocsin.Evidence{
				{Type: tocsin.EvDevice, Roles: []tocsin.EvidenceRole{tocsin.RoleAttacked}, Props: map[string]any{"deviceDnsName": "h1.corp.example", "hostName": "h1", "mdeDeviceId": "d1"}},
				{Type: tocsin.EvUser, Roles: []tocsin.EvidenceRole{tocsin.RoleCompromised}, Props: map[string]any{"userAccount": map[string]any{"accountName": "bob", "domainName": "CORP", "userSid": "S-1-5-21-7"}}},
				{Type: tocsin.EvProcess, Roles: []tocsin.EvidenceRole{tocsin.RoleSuspicious}, Device: "h1.corp.example", UniqueID: "p1",
					Props: map[string]any{"processCommandLine": "p -enc", "imageFile": map[string]any{"fileName": "p.exe", "fileSize": 7, "sha1": strings.Repeat("a", 40)}}},
				{Type: tocsin.EvIP, Roles: []tocsin.EvidenceRole{tocsin.RoleDestination}, Props: map[string]any{"ipAddress": "192.0.2.9"}},
			}},
		{Source: "tocsin", ExternalID: "2", Title: "Old", Severity: tocsin.SeverityLow, ServiceSource: tocsin.SourceEntra, DetectionSource: tocsin.DetectionManual, FirstActivity: noon.AddDate(0, -3, 0), LastActivity: noon.AddDate(0, -3, 0)},
	}
	taken, err := a.cases.Accept(a.system(t.Context()), alerts)
	if err != nil || taken[0].Err != nil || taken[1].Err != nil {
		t.Fatal(taken, err)
	}
	resolved, class := tocsin.IncidentResolved, tocsin.ClassTruePositive
	who, tags := "ann", []string{"vip"}
	if _, err := a.cases.UpdateIncident(a.system(t.Context()), taken[0].IncidentID, cases.IncidentUpdate{Status: &resolved, Classification: &class, AssignedTo: &who, CustomTags: &tags}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.cases.CommentIncident(a.system(t.Context()), taken[0].IncidentID, "looked"); err != nil {
		t.Fatal(err)
	}
	// Another product's alert that came as telemetry.
	b, err := a.lake.NewBatch("AlertInfo")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AppendJSON(fmt.Appendf(nil, `{"Timestamp":%q,"AlertId":"theirs","Title":"From elsewhere","Severity":"Low"}`, at.Format(time.RFC3339))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.lake.Append(t.Context(), lake.Write{Batches: []*lake.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	id, incident := taken[0].AlertID, fmt.Sprint(taken[0].IncidentID)
	for _, c := range []struct {
		query, want string
		opts        lake.HuntOptions
	}{
		{"AlertInfo | where Title has 'PowerShell' | project Timestamp, AlertId, Category, Severity, ServiceSource, DetectionSource, AttackTechniques",
			"2026-11-20T10:00:00.0000000Z|" + id + `|Execution|High|Microsoft Defender for Endpoint|EDR|["T1053.005","T1059.001"]`, lake.HuntOptions{}},
		{"AlertInfo | order by Title asc | project Title", "Encoded PowerShell\nFrom elsewhere", lake.HuntOptions{}},
		{"AlertInfo | order by Title asc | project Title", "Encoded PowerShell\nFrom elsewhere\nOld", lake.HuntOptions{AllTime: true}},
		{"AlertInfo | project Title, DetectionSource, ServiceSource", "Old|Manual|AAD Identity Protection", lake.HuntOptions{From: noon.AddDate(0, -4, 0), To: noon.AddDate(0, -2, 0)}},
		{"AlertEvidence | order by EntityType asc | project EntityType, EvidenceRole, EvidenceDirection, DeviceName, DeviceId, AccountName, AccountSid, FileName, FileSize, ProcessCommandLine, RemoteIP",
			"Ip|Related|Destination||||||||192.0.2.9\nMachine|Impacted||h1.corp.example|d1||||||\nProcess|Related||h1.corp.example|d1|||p.exe|7|p -enc|\nUser|Impacted||||bob|S-1-5-21-7||||", lake.HuntOptions{}},
		{"AlertInfo | join kind=inner AlertEvidence on AlertId | where EntityType == 'Ip' | project AlertId, RemoteIP, parse_json(Categories)[1]", id + "|192.0.2.9|Persistence", lake.HuntOptions{}},
		{"SecurityAlert | where AlertSeverity == 'High' | project AlertName, Status, CompromisedEntity, Tactics, Techniques, SubTechniques, AlertLink, StartTime, TimeGenerated, parse_json(ExtendedProperties).IncidentId, array_length(parse_json(Entities))",
			`Encoded PowerShell|Resolved|h1.corp.example|Execution,Persistence|["T1053","T1059"]|["T1053.005","T1059.001"]|https://soc.example/alerts/` + id + "|2026-11-20T10:00:00.0000000Z|2026-11-20T12:00:00.0000000Z|" + incident + "|4", lake.HuntOptions{}},
		{"SecurityIncident | where IncidentNumber == " + incident + " | project Title, Severity, Status, Classification, Owner.assignedTo, AlertIds[0], Labels[0].labelName, Comments[0].message, AdditionalData.alertsCount, IncidentUrl, ClosedTime",
			"Encoded PowerShell|High|Closed|TruePositive|ann|" + id + "|vip|looked|1|https://soc.example/incidents/" + incident + "|2026-11-20T12:00:00.0000000Z", lake.HuntOptions{}},
	} {
		if got, err := hunt(t, a, analyst(), c.query, c.opts); err != nil || got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s\n%v", c.query, got, c.want, err)
		}
	}
	// Who may not read alerts or incidents has no such tables; another tenant nothing.
	for _, table := range []string{"AlertInfo", "AlertEvidence", "SecurityAlert", "SecurityIncident"} {
		if got, err := hunt(t, a, analyst(tocsin.VerbHunt, tocsin.VerbEventRead), table, lake.HuntOptions{}); err == nil || got != "" {
			t.Errorf("%s without permission: %q, %v", table, got, err)
		}
		stranger := analyst()
		stranger.Tenant = "elsewhere"
		if got, err := hunt(t, a, stranger, table, lake.HuntOptions{}); err == nil || got != "" {
			t.Errorf("%s of another tenant: %q, %v", table, got, err)
		}
	}
	runs, err := a.store.HuntHistory(a.system(t.Context()), "u1", 1)
	if err != nil || len(runs) != 1 || runs[0].Interface != "cli" || runs[0].State != tocsin.HuntFailed {
		t.Errorf("history %+v, %v", runs, err)
	}
}

func TestExternalData(t *testing.T) {
	if open, err := openExternal(nil); open != nil || err != nil {
		t.Errorf("without hosts: %v", err)
	}
	for _, h := range []string{"", "*", "*.", "a/b", "https://x", "x:443", "a*b"} {
		if _, err := openExternal([]string{h}); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("host %q: %v", h, err)
		}
	}
	hosts := []string{"data.example", "*.files.example"}
	for uri, ok := range map[string]bool{
		"https://data.example/a.csv": true, "https://DATA.example./a": true, "https://data.example:443/a": true, "https://a.files.example/x": true,
		"http://data.example/a": false, "https://data.example:8443/a": false, "https://files.example/a": false, "https://xfiles.example/a": false,
		"https://data.example.evil.example/a": false, "https://evil.example#data.example": false, "https://evil.example/@data.example": false,
		"https://data.example@evil.example/": false, "file:///etc/passwd": false, "https://127.0.0.1/": false,
	} {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkExternal(u, hosts); (err == nil) != ok || err != nil && tocsin.CodeOf(err) != tocsin.CodeForbidden {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for address, ok := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1::1]:443": true, "127.0.0.1:443": false, "10.1.2.3:443": false, "169.254.169.254:443": false, "192.168.0.1:443": false,
		"100.64.1.1:443": false, "[::1]:443": false, "[fe80::1]:443": false, "[fc00::1]:443": false, "[::ffff:10.0.0.1]:443": false, "0.0.0.0:443": false, "nothing": false,
	} {
		if err := publicAddress(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	open, err := openExternal([]string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	// The name is allowed, but leads to this machine.
	if _, err := open(t.Context(), "https://localhost/x.csv"); err == nil || !strings.Contains(err.Error(), "not one of the Internet") {
		t.Errorf("this machine: %v", err)
	}
	a := opened(t)
	if _, err := hunt(t, a, analyst(), `externaldata(a:string)["https://data.example/x.csv"]`, lake.HuntOptions{}); tocsin.CodeOf(err) != tocsin.CodeForbidden {
		t.Errorf("switched off: %v", err)
	}
}
