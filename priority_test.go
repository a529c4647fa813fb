package tocsin

import (
	"testing"
	"time"
)

// S01, S03: the score is within 0 to 100 and the points of its factors add up
// to it. S04: a mark, a worse severity, another product raise it.
func TestPriority(t *testing.T) {
	base := Incident{Severity: SeverityMedium, Categories: []string{"InitialAccess"}, ServiceSources: []ServiceSource{SourceEndpoint}, ActiveAlerts: 1,
		AssetCounts: AssetCounts{Devices: 1}}
	scoring := DefaultScoring()
	marks := map[string][]AssetMark{"dc01.corp.example": {MarkCritical, MarkPrivileged}}
	now := time.Unix(1e9, 0)
	score := func(i Incident) int {
		t.Helper()
		s, factors := i.Priority(&scoring, marks, now)
		sum := 0
		for _, f := range factors {
			if f.Points <= 0 || f.Text == "" || f.Name == "" {
				t.Errorf("%+v", f)
			}
			sum += f.Points
		}
		if s != min(sum, 100) || s < 0 {
			t.Errorf("score %d, sum %d", s, sum)
		}
		return s
	}
	was := score(base)
	for name, worse := range map[string]func(i *Incident){
		"disrupted":        func(i *Incident) { i.SystemTags = []string{"Attack disruption"} },
		"ransomware":       func(i *Incident) { i.CustomTags = []string{"ransomware"} },
		"critical asset":   func(i *Incident) { i.SystemTags = []string{"Critical asset"} },
		"severity":         func(i *Incident) { i.Severity = SeverityHigh },
		"another product":  func(i *Incident) { i.ServiceSources = append(i.ServiceSources, SourceIdentity) },
		"further":          func(i *Incident) { i.Categories = []string{"Exfiltration"} },
		"more tactics":     func(i *Incident) { i.Categories = []string{"InitialAccess", "Execution"} },
		"more alerts":      func(i *Incident) { i.ActiveAlerts = 4 },
		"more assets":      func(i *Incident) { i.AssetCounts.Users = 3 },
		"marked asset":     func(i *Incident) { i.Labels = Labels{LabelAssets: {"DC01.corp.example"}} },
		"known threat":     func(i *Incident) { i.Labels = Labels{LabelThreats: {"Emotet"}} },
		"waiting":          func(i *Incident) { i.Status, i.Created = IncidentActive, now.Add(-49*time.Hour) },
		"for several days": func(i *Incident) { i.LastActivity = i.FirstActivity.Add(72 * time.Hour) },
	} {
		inc := base
		worse(&inc)
		if s := score(inc); s <= was {
			t.Errorf("%s: %d, was %d", name, s, was)
		}
	}
	all := Incident{Severity: SeverityHigh, Categories: Tactics(), ServiceSources: ServiceSources, ActiveAlerts: 1000, AssetCounts: AssetCounts{Devices: 1000},
		SystemTags: []string{"Attack disruption", "Ransomware", "Critical asset"}, LastActivity: time.Unix(1e9, 0)}
	if s := score(all); s != 100 {
		t.Errorf("the worst is %d", s)
	}
	if s := score(Incident{Severity: SeverityInformational}); s != 0 {
		t.Errorf("nothing is %d", s)
	}
}

func TestScoringIsValidated(t *testing.T) {
	good := DefaultScoring()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(s *Scoring){
		"negative":         func(s *Scoring) { s.Alerts = -1 },
		"over 100":         func(s *Scoring) { s.Progress = 101 },
		"unknown mark":     func(s *Scoring) { s.Marks = map[AssetMark]int{"shiny": 3} },
		"unknown severity": func(s *Scoring) { s.Severity = map[Severity]int{"awful": 3} },
		"empty tag":        func(s *Scoring) { s.Tags = map[string]int{" ": 3} },
		"crossed bands":    func(s *Scoring) { s.Low = s.High },
	} {
		s := DefaultScoring()
		spoil(&s)
		if err := s.Validate(); CodeOf(err) != CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
