package correlate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

const (
	// MaxRecordBytes is the longest line that ReadBenchmark takes.
	MaxRecordBytes = 1 << 20
	// MaxRecords is how many lines ReadBenchmark takes.
	MaxRecords = 200_000
)

// record is one line of the correlation benchmark's input. The label `truth` is
// left out on purpose: nothing here may see it.
type record struct {
	ID         string   `json:"id"`
	Time       string   `json:"time"`
	Last       string   `json:"last"`
	Count      int64    `json:"count"`
	RuleID     string   `json:"rule_id"`
	Title      string   `json:"title"`
	Level      string   `json:"level"`
	LogSource  string   `json:"logsource"`
	Techniques []string `json:"techniques"`
	Tactics    []string `json:"tactics"`
	Source     string   `json:"source"`
	Host       string   `json:"host"`
	User       string   `json:"user"`
	IPs        []string `json:"ips"`
	Process    *process `json:"process"`
	Parent     *process `json:"parent"`
	Target     *target  `json:"target"`
	File       string   `json:"file"`
	Registry   string   `json:"registry_key"`
	LogonID    string   `json:"logon_id"`
	Operation  string   `json:"operation"`
}

type process struct {
	GUID    string      `json:"guid"`
	PID     json.Number `json:"pid"`
	Image   string      `json:"image"`
	CmdLine string      `json:"cmdline"`
	SHA256  string      `json:"sha256"`
}

type target struct {
	ProcessGUID string `json:"process_guid"`
	Image       string `json:"image"`
	User        string `json:"user"`
	Object      string `json:"object"`
	Service     string `json:"service"`
	Task        string `json:"task"`
}

// ReadBenchmark reads alerts from JSON lines in the form of the correlation
// benchmark (id, time, rule_id, title, level, host, user, process, ...). Unknown
// fields are ignored. It stops at the first line that is no such record, is
// longer than MaxRecordBytes, or is one more than MaxRecords, with an Error of
// CodeInvalid or CodeLimit that names the line.
func ReadBenchmark(r io.Reader) ([]tocsin.Alert, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), MaxRecordBytes)
	var out []tocsin.Alert
	for line := 1; sc.Scan(); line++ {
		b := bytes.TrimSpace(sc.Bytes())
		if len(b) == 0 {
			continue
		}
		if len(out) >= MaxRecords {
			return out, tocsin.Errorf(tocsin.CodeLimit, "more than %d alerts", MaxRecords)
		}
		var rec record
		if err := json.Unmarshal(b, &rec); err != nil {
			return out, tocsin.Errorf(tocsin.CodeInvalid, "line %d is no alert: %w", line, err)
		}
		a, err := rec.alert()
		if err != nil {
			return out, tocsin.Errorf(tocsin.CodeInvalid, "line %d: %w", line, err)
		}
		out = append(out, a)
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return out, tocsin.Errorf(tocsin.CodeLimit, "line %d is longer than %d bytes", len(out)+1, MaxRecordBytes)
	}
	return out, sc.Err()
}

func (r *record) alert() (tocsin.Alert, error) {
	a := tocsin.Alert{ID: r.ID, Source: "benchmark", ExternalID: r.ID, Title: r.Title, DetectorID: r.RuleID, RuleTitle: r.Title,
		Severity: severityOf(r.Level), Techniques: r.Techniques, Count: r.Count, ServiceSource: tocsin.SourceUnknown}
	if r.ID == "" || r.Title == "" {
		return a, tocsin.Errorf(tocsin.CodeInvalid, "an alert needs an id and a title")
	}
	var err error
	if a.FirstActivity, err = time.Parse(time.RFC3339Nano, r.Time); err != nil {
		return a, tocsin.Errorf(tocsin.CodeInvalid, "time %q is no RFC 3339 time", r.Time)
	}
	a.LastActivity = a.FirstActivity
	if r.Last != "" {
		if a.LastActivity, err = time.Parse(time.RFC3339Nano, r.Last); err != nil {
			return a, tocsin.Errorf(tocsin.CodeInvalid, "last %q is no RFC 3339 time", r.Last)
		}
	}
	for _, t := range r.Tactics {
		if c := tacticOf(t); c != "" {
			a.Categories = append(a.Categories, c)
		}
	}
	if r.Host != "" {
		a.ServiceSource = tocsin.SourceEndpoint
	}
	r.evidence(&a)
	a.Normalize()
	return a, nil
}

func (r *record) evidence(a *tocsin.Alert) {
	add := func(t tocsin.EvidenceType, role tocsin.EvidenceRole, props map[string]any) *tocsin.Evidence {
		a.Evidence = append(a.Evidence, tocsin.Evidence{Type: t, Roles: []tocsin.EvidenceRole{role}, Props: props, Device: r.Host})
		return &a.Evidence[len(a.Evidence)-1]
	}
	if r.Host != "" {
		add(tocsin.EvDevice, tocsin.RoleAttacked, map[string]any{"deviceDnsName": r.Host})
	}
	if u := account(r.User); u != nil {
		add(tocsin.EvUser, tocsin.RoleCompromised, map[string]any{"userAccount": u})
	}
	// On an image load or a new file the hash is that of the file, not of the
	// process that loaded or wrote it.
	hashed := r.File != "" && (strings.HasSuffix(r.LogSource, "image_load") || strings.HasSuffix(r.LogSource, "driver_load"))
	part := func(p *process, role string) {
		if p == nil || (p.GUID == "" && p.PID == "" && p.Image == "") {
			return
		}
		props := map[string]any{"imageFile": map[string]any{"fileName": baseName(p.Image), "filePath": p.Image}}
		if n, err := p.PID.Int64(); err == nil {
			props["processId"] = n
		}
		if p.CmdLine != "" {
			props["processCommandLine"] = p.CmdLine
		}
		e := add(tocsin.EvProcess, tocsin.RoleSuspicious, props)
		e.UniqueID = p.GUID
		if role != "" {
			e.DetailedRoles = []string{role}
		}
		if p.SHA256 != "" && !hashed {
			add(tocsin.EvFile, tocsin.RoleSuspicious, map[string]any{"fileDetails": map[string]any{"fileName": baseName(p.Image), "filePath": p.Image, "sha256": p.SHA256}})
		}
	}
	part(r.Process, "")
	part(r.Parent, "parent")
	if t := r.Target; t != nil {
		part(&process{GUID: t.ProcessGUID, Image: t.Image}, "target")
		if u := account(t.User); u != nil {
			add(tocsin.EvUser, tocsin.RoleAttacked, map[string]any{"userAccount": u})
		}
		if t.Service != "" || t.Task != "" {
			a.CustomDetails = map[string]any{"serviceName": t.Service, "taskName": t.Task}
		}
	}
	for _, ip := range r.IPs {
		add(tocsin.EvIP, tocsin.RoleUnknown, map[string]any{"ipAddress": ip})
	}
	if r.File != "" {
		d := map[string]any{"fileName": baseName(r.File), "filePath": r.File}
		if hashed && r.Process != nil && r.Process.SHA256 != "" {
			d["sha256"] = r.Process.SHA256
		}
		add(tocsin.EvFile, tocsin.RoleCreated, map[string]any{"fileDetails": d})
	}
	if r.Registry != "" {
		add(tocsin.EvRegistryKey, tocsin.RoleEdited, map[string]any{"registryKey": r.Registry})
	}
	if r.LogonID != "" && r.Host != "" {
		add(tocsin.EvHostSession, tocsin.RoleContextual, map[string]any{"sessionId": r.LogonID})
	}
}

func account(s string) map[string]any {
	s = strings.TrimSpace(s)
	if s == "" || s == "-" {
		return nil
	}
	if strings.HasPrefix(strings.ToUpper(s), "S-1-") {
		return map[string]any{"userSid": s}
	}
	if d, n, ok := strings.Cut(s, `\`); ok {
		return map[string]any{"domainName": d, "accountName": n}
	}
	if strings.Contains(s, "@") {
		return map[string]any{"userPrincipalName": s}
	}
	return map[string]any{"accountName": s}
}

func baseName(p string) string {
	if i := strings.LastIndexAny(p, `\/`); i >= 0 {
		return p[i+1:]
	}
	return p
}

func severityOf(level string) tocsin.Severity {
	switch strings.ToLower(level) {
	case "critical", "high":
		return tocsin.SeverityHigh
	case "medium":
		return tocsin.SeverityMedium
	case "low":
		return tocsin.SeverityLow
	case "informational":
		return tocsin.SeverityInformational
	}
	return tocsin.SeverityUnknown
}

// tacticOf turns "lateral-movement" into "LateralMovement"; names that Sigma
// gave to parts of defense evasion count as that.
func tacticOf(s string) string {
	switch s {
	case "stealth", "defense-impairment":
		return "DefenseEvasion"
	}
	var b strings.Builder
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' || r == ' ' }) {
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	if tocsin.TacticRank(b.String()) < 0 {
		return ""
	}
	return b.String()
}
