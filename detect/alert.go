package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// AlertSource is the source of all alerts that rules raise.
const AlertSource = "tocsin"

// Alert turns a hit into an alert. It is false when the rule is not in force
// any more, or is input for correlation rules only. The external id is a
// function of the rule, its subject and the day (UTC, event time), so that
// repeats within a day are one alert; the delivery id is one of the hit, so
// that a hit delivered twice counts once.
func (e *Engine) Alert(h *Hit) (tocsin.Alert, bool) {
	r := e.Rule(h.RuleID)
	if r == nil || r.InputOnly {
		return tocsin.Alert{}, false
	}
	return AlertFrom(h, r), true
}

// AlertFrom is the alert of a hit of rule r.
func AlertFrom(h *Hit, r *Rule) tocsin.Alert {
	row := &h.Rows[0]
	source := serviceSource(row)
	a := tocsin.Alert{
		Source:          AlertSource,
		ExternalID:      externalID(r.ID, h.Key, h.First),
		DeliveryID:      h.ID,
		Title:           r.Title,
		Description:     r.Description,
		Severity:        severityOf(r.Level),
		Status:          tocsin.AlertNew,
		ServiceSource:   source,
		DetectionSource: detectionSource(source, r),
		ProductName:     "Tocsin",
		DataStream:      row.Table,
		DetectorID:      r.ID,
		RuleTitle:       r.Title,
		Categories:      append([]string(nil), r.Tactics...),
		Techniques:      append([]string(nil), r.Techniques...),
		FirstActivity:   h.First,
		LastActivity:    h.Last,
		Rows:            append([]tocsin.RowRef(nil), h.Refs...),
		Count:           h.Count,
		CustomDetails:   map[string]any{"ruleLevel": r.Level, "ruleOrigin": r.Origin},
	}
	if s := sentence(row); s != "" {
		a.Description = strings.TrimSpace(a.Description + "\n\n" + s)
	}
	if act := rowGet(row)("ActionType"); act != "" {
		a.CustomDetails["actionType"] = act
	}
	a.Category = mainTactic(r.Tactics)
	a.RecommendedActions = recommended(a.Category, row.Table, r)
	seen := map[tocsin.EntityKey]bool{}
	for i := range h.Rows {
		if l := rowGet(&h.Rows[i])("SensitivityLabel"); l != "" && !slices.Contains(a.SensitivityLabels, l) && len(a.SensitivityLabels) < tocsin.MaxLabels {
			a.SensitivityLabels = append(a.SensitivityLabels, l)
		}
		for _, ev := range evidence(&h.Rows[i], r) {
			ks := ev.Keys()
			if len(ks) == 0 || seen[ks[0]] {
				continue
			}
			seen[ks[0]] = true
			a.Evidence = append(a.Evidence, ev)
		}
	}
	a.Normalize()
	return a
}

func externalID(rule, key string, at time.Time) string {
	sum := sha256.Sum256([]byte(rule + "\x00" + key + "\x00" + at.UTC().Format(time.DateOnly)))
	return "rule-" + hex.EncodeToString(sum[:16])
}

// severityOf is the alert severity of a Sigma level; there is none above high.
func severityOf(level string) tocsin.Severity {
	switch level {
	case "critical", "high":
		return tocsin.SeverityHigh
	case "medium":
		return tocsin.SeverityMedium
	case "low":
		return tocsin.SeverityLow
	}
	return tocsin.SeverityInformational
}

// serviceSource is the product family of a row: by table, but consent and
// credentials of applications are the business of application governance.
func serviceSource(row *tocsin.Row) tocsin.ServiceSource {
	if row.Table == "CloudAppEvents" || row.Table == "AuditLogs" {
		g := rowGet(row)
		act := fold(g("ActionType") + g("OperationName"))
		for _, s := range []string{"consent to application", "delegated permission grant", "app role assignment", "service principal", "certificates and secrets", "add application", "update application"} {
			if strings.Contains(act, s) {
				return tocsin.SourceAppGovernance
			}
		}
	}
	if strings.HasPrefix(row.Table, "AAD") {
		return tocsin.SourceEntra
	}
	if src := tocsin.ServiceSourceOf(row.Table); src != "" {
		return src
	}
	return tocsin.SourceXDR
}

func detectionSource(s tocsin.ServiceSource, r *Rule) tocsin.DetectionSource {
	if r.Origin == originImported {
		return tocsin.DetectionCustom
	}
	switch s {
	case tocsin.SourceEndpoint, tocsin.SourceOffice, tocsin.SourceIdentity, tocsin.SourceEntra, tocsin.SourceCloud:
		return tocsin.DetectionSource(s)
	case tocsin.SourceCloudApps:
		return "cloudAppSecurity"
	case tocsin.SourceAppGovernance:
		return "appGovernanceDetection"
	}
	return tocsin.DetectionCustom
}

// tacticOrder ranks tactics by how much they say: rules are tagged with
// several, and the alert's category is the one nearest to the harm.
var tacticOrder = []string{"Impact", "Exfiltration", "CredentialAccess", "LateralMovement", "CommandAndControl", "Collection",
	"InitialAccess", "Persistence", "Execution", "DefenseEvasion", "PrivilegeEscalation", "Discovery", "ResourceDevelopment", "Reconnaissance"}

func mainTactic(cats []string) string {
	for _, t := range tacticOrder {
		for _, c := range cats {
			if c == t {
				return c
			}
		}
	}
	return "SuspiciousActivity"
}

// sentence says in one line what the row shows.
func sentence(row *tocsin.Row) string {
	g := rowGet(row)
	first := func(names ...string) string {
		for _, n := range names {
			if v := g(n); v != "" {
				return v
			}
		}
		return ""
	}
	clip := func(s string) string {
		if r := []rune(s); len(r) > 300 {
			return string(r[:300]) + "…"
		}
		return s
	}
	who := first("AccountUpn", "UserPrincipalName", "AccountDisplayName", "AccountName", "InitiatingProcessAccountName", "AccountId", "Account")
	switch {
	case row.Table == "DeviceProcessEvents" && g("ProcessCommandLine") != "":
		return fmt.Sprintf("On %s, %s started: %s (parent: %s).", first("DeviceName"), orSomebody(who), clip(g("ProcessCommandLine")), orUnknown(first("InitiatingProcessFileName", "InitiatingProcessFolderPath")))
	case strings.HasPrefix(row.Table, "Email"):
		return fmt.Sprintf("Message %q from %s to %s.", g("Subject"), orUnknown(g("SenderFromAddress")), orUnknown(g("RecipientEmailAddress")))
	case row.Table == "UrlClickEvents":
		return fmt.Sprintf("%s opened %s.", orSomebody(who), clip(g("Url")))
	case strings.HasPrefix(row.Table, "Device") && g("ActionType") != "":
		return fmt.Sprintf("On %s: %s by %s.", g("DeviceName"), g("ActionType"), orUnknown(first("InitiatingProcessFileName", "InitiatingProcessFolderPath", "AccountName")))
	case first("ActionType", "OperationName") != "":
		s := fmt.Sprintf("%s: %s", orSomebody(who), first("ActionType", "OperationName"))
		if ip := g("IPAddress"); ip != "" {
			s += " from " + ip
		}
		return s + "."
	case who != "" && g("IPAddress") != "":
		return fmt.Sprintf("%s from %s.", who, g("IPAddress"))
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func orSomebody(s string) string {
	if s == "" {
		return "somebody"
	}
	return s
}

// advice says what to do first, by tactic.
var advice = map[string]string{
	"InitialAccess":       "Find out who else received the same message or was reached the same way. Take the message or session back and reset what was given away.",
	"Execution":           "Look at the process tree and at what the started program wrote and contacted. Stop it and isolate the device if it is not known.",
	"Persistence":         "Remove what would start again or let somebody back in, after noting who made it and when. Look for the same on other machines and accounts.",
	"PrivilegeEscalation": "Check which account gained rights and whether a change request covers it; take the rights back if none does.",
	"DefenseEvasion":      "Switch the protection or logging back on. Look at what happened in the minutes before and after, on other records if these are gone.",
	"CredentialAccess":    "Treat the credentials as lost: reset them and revoke sessions. Look for sign-ins with them from other places.",
	"Discovery":           "Check with the user whether this is their work. Look for credential access and lateral movement that follow.",
	"LateralMovement":     "Look at both ends of the connection and at what ran on the target. Isolate the source if the account's owner does not know of it.",
	"Collection":          "Find out which data was gathered and where it was put. Check for transfers out of the organisation.",
	"CommandAndControl":   "Block the destination, isolate the device, and find the program that calls it and how it came.",
	"Exfiltration":        "Find out which data left, stop the account or application that took it, and tell whoever owns the data.",
	"Impact":              "Isolate the device now and check file servers and backups. Find the account that was used.",
}

func recommended(category, table string, r *Rule) string {
	s := advice[category]
	if s == "" {
		s = "Check with the owner of the account or device whether this is expected."
	}
	if len(r.FalsePositives) > 0 {
		known := strings.Join(r.FalsePositives, "; ")
		if l := fold(known); l != "unknown" && l != "unlikely" && l != "none" {
			s += "\nKnown harmless causes: " + known + "."
		}
	}
	return s
}
