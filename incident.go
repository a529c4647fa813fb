package tocsin

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// IncidentStatus is where work on an incident stands.
type IncidentStatus string

const (
	IncidentActive         IncidentStatus = "active"
	IncidentInProgress     IncidentStatus = "inProgress"
	IncidentResolved       IncidentStatus = "resolved"
	IncidentRedirected     IncidentStatus = "redirected" // merged into another; final
	IncidentAwaitingAction IncidentStatus = "awaitingAction"
)

// IncidentStatuses lists every status, in schema order.
var IncidentStatuses = []IncidentStatus{IncidentActive, IncidentResolved, IncidentInProgress, IncidentRedirected, IncidentAwaitingAction}

// Classification says what an incident or alert turned out to be.
type Classification string

const (
	ClassUnknown       Classification = "unknown"
	ClassFalsePositive Classification = "falsePositive"
	ClassTruePositive  Classification = "truePositive"
	ClassInformational Classification = "informationalExpectedActivity"
)

// Determination says it more closely; which are legal depends on the
// classification.
type Determination string

const (
	DetUnknown               Determination = "unknown"
	DetMultiStagedAttack     Determination = "multiStagedAttack"
	DetMaliciousUserActivity Determination = "maliciousUserActivity"
	DetCompromisedAccount    Determination = "compromisedAccount"
	DetMalware               Determination = "malware"
	DetPhishing              Determination = "phishing"
	DetUnwantedSoftware      Determination = "unwantedSoftware"
	DetOther                 Determination = "other"
	DetSecurityTesting       Determination = "securityTesting"
	DetLineOfBusinessApp     Determination = "lineOfBusinessApplication"
	DetConfirmedActivity     Determination = "confirmedActivity"
	DetNotMalicious          Determination = "notMalicious"
	DetNotEnoughData         Determination = "notEnoughDataToValidate"
)

// Determinations lists the legal determinations of each classification, from
// the update-incident reference of the Defender API. Unknown is legal with all.
var Determinations = map[Classification][]Determination{
	ClassUnknown: {DetUnknown},
	ClassTruePositive: {DetUnknown, DetMultiStagedAttack, DetMaliciousUserActivity, DetCompromisedAccount, DetMalware,
		DetPhishing, DetUnwantedSoftware, DetOther},
	ClassInformational: {DetUnknown, DetSecurityTesting, DetLineOfBusinessApp, DetConfirmedActivity, DetOther},
	ClassFalsePositive: {DetUnknown, DetNotMalicious, DetNotEnoughData, DetOther},
}

// determinationAliases are spellings of older documentation.
var determinationAliases = map[string]Determination{
	"compromiseduser": DetCompromisedAccount, "clean": DetNotMalicious, "insufficientdata": DetNotEnoughData,
	"noenoughdatatovalidate": DetNotEnoughData, "confirmeduseractivity": DetConfirmedActivity,
}

// ParseDetermination reads a determination in any case and older spelling.
func ParseDetermination(s string) (Determination, error) {
	l := strings.ToLower(s)
	if d, ok := determinationAliases[l]; ok {
		return d, nil
	}
	for _, ds := range Determinations {
		for _, d := range ds {
			if strings.EqualFold(string(d), s) {
				return d, nil
			}
		}
	}
	return "", Errorf(CodeInvalid, "unknown determination %q", s)
}

// ParseEnum reads one of the values in any case.
func ParseEnum[T ~string](what, s string, values []T) (T, error) {
	for _, v := range values {
		if strings.EqualFold(string(v), s) {
			return v, nil
		}
	}
	return "", Errorf(CodeInvalid, "unknown %s %q", what, s)
}

// Classifications lists every classification, in schema order.
var Classifications = []Classification{ClassUnknown, ClassFalsePositive, ClassTruePositive, ClassInformational}

// CheckDetermination reports an illegal pair as an Error of CodeInvalid that
// names what would be legal.
func CheckDetermination(c Classification, d Determination) error {
	legal, ok := Determinations[c]
	if !ok {
		return Errorf(CodeInvalid, "unknown classification %q", c)
	}
	if !slices.Contains(legal, d) {
		names := make([]string, len(legal))
		for i, l := range legal {
			names[i] = string(l)
		}
		return Errorf(CodeInvalid, "determination %q does not go with classification %q; it takes one of %s", d, c, strings.Join(names, ", "))
	}
	return nil
}

// AssetCounts are the numbers of distinct impacted assets.
type AssetCounts struct {
	Devices        int `json:"devices"`
	Users          int `json:"users"`
	Mailboxes      int `json:"mailboxes"`
	Apps           int `json:"apps"`
	CloudResources int `json:"cloudResources"`
}

// Total is the sum of all kinds.
func (c AssetCounts) Total() int {
	return c.Devices + c.Users + c.Mailboxes + c.Apps + c.CloudResources
}

// Asset is an impacted asset by name.
type Asset struct {
	Type EntityType `json:"type"`
	Name string     `json:"name"`
	Key  string     `json:"key"`
}

// Incident is a set of alerts that tell one story, and the work on it.
type Incident struct {
	Tenant  string `json:"tenant"`
	ID      int64  `json:"id"`
	Version int64  `json:"version"`

	DisplayName      string         `json:"displayName"`
	Renamed          bool           `json:"renamed"` // by a person; automatic names then keep off
	Description      string         `json:"description,omitempty"`
	Severity         Severity       `json:"severity"`
	SeverityManual   bool           `json:"severityManual"`
	Status           IncidentStatus `json:"status"`
	AssignedTo       string         `json:"assignedTo,omitempty"`
	Classification   Classification `json:"classification"`
	Determination    Determination  `json:"determination"`
	CustomTags       []string       `json:"customTags,omitempty"`
	SystemTags       []string       `json:"systemTags,omitempty"`
	ResolvingComment string         `json:"resolvingComment,omitempty"`
	Summary          string         `json:"summary,omitempty"`
	RedirectID       int64          `json:"redirectIncidentId,omitempty"`

	Created        time.Time `json:"created"`
	LastUpdate     time.Time `json:"lastUpdate"`
	LastModifiedBy string    `json:"lastModifiedBy,omitempty"`
	FirstActivity  time.Time `json:"firstActivity"`
	LastActivity   time.Time `json:"lastActivity"`

	// Derived from the alerts by Recount, kept with the incident so that the
	// queue never counts.
	AlertCount       int               `json:"alertCount"`
	ActiveAlerts     int               `json:"activeAlerts"`
	ServiceSources   []ServiceSource   `json:"serviceSources,omitempty"`
	DetectionSources []DetectionSource `json:"detectionSources,omitempty"`
	Categories       []string          `json:"categories,omitempty"`
	Techniques       []string          `json:"techniques,omitempty"`
	Labels           Labels            `json:"labels,omitempty"`
	AssetCounts      AssetCounts       `json:"assetCounts"`
	Assets           []Asset           `json:"assets,omitempty"` // at most MaxIncidentAssets, for the queue

	// Priority as it was when the incident was written, and its reasons.
	Score   int      `json:"priorityScore"`
	Factors []Factor `json:"priorityFactors,omitempty"`

	// CustomDetails are names and values of people's and programs' own.
	CustomDetails map[string]any `json:"customDetails,omitempty"`

	Comments []Comment `json:"comments,omitempty"`
	Alerts   []Alert   `json:"alerts,omitempty"` // only when expanded
}

// MaxIncidentAssets is how many assets an incident keeps by name for the
// queue; AssetCounts counts all.
const MaxIncidentAssets = 20

// MaxTags is how many custom tags an incident takes, MaxTagRunes how long one
// may be.
const (
	MaxTags     = 50
	MaxTagRunes = 100
)

// Open reports whether correlation may add to the incident.
func (i *Incident) Open() bool {
	return i.Status != IncidentResolved && i.Status != IncidentRedirected
}

// CheckMove reports an illegal change of status as an Error of CodeConflict.
// Redirected is final and set by a merge only.
func (i *Incident) CheckMove(to IncidentStatus) error {
	if !slices.Contains(IncidentStatuses, to) {
		return Errorf(CodeInvalid, "unknown incident status %q", to)
	}
	if i.Status == IncidentRedirected {
		return Errorf(CodeConflict, "incident %d was merged into incident %d; change that one", i.ID, i.RedirectID)
	}
	if to == IncidentRedirected {
		return Errorf(CodeInvalid, "only a merge sets the status redirected")
	}
	return nil
}

// Recount derives severity, automatic name, activity span, counters and assets
// from all of the incident's alerts. It is deterministic in the set of alerts:
// their order does not matter.
func (i *Incident) Recount(alerts []Alert) {
	i.AlertCount, i.ActiveAlerts = len(alerts), 0
	i.ServiceSources, i.DetectionSources, i.Categories, i.Techniques, i.Assets = nil, nil, nil, nil, nil
	i.AssetCounts = AssetCounts{}
	sev := SeverityUnknown
	byKey := map[EntityKey]int{} // key -> index in assets
	var assets []Asset
	labels := LabelSet{}
	first, last := time.Time{}, time.Time{}
	for n := range alerts {
		a := &alerts[n]
		if a.Active() {
			i.ActiveAlerts++
		}
		if a.Severity.Rank() > sev.Rank() {
			sev = a.Severity
		}
		if first.IsZero() || a.FirstActivity.Before(first) {
			first = a.FirstActivity
		}
		if a.LastActivity.After(last) {
			last = a.LastActivity
		}
		i.ServiceSources = append(i.ServiceSources, a.ServiceSource)
		i.DetectionSources = append(i.DetectionSources, a.DetectionSource)
		i.Categories = append(i.Categories, a.Categories...)
		i.Techniques = append(i.Techniques, a.Techniques...)
		assets = addAssets(assets, byKey, a.Evidence)
		labels.AddAlert(a)
		labels.AddAssets(a.Evidence)
	}
	i.Labels = labels.Labels()
	i.ServiceSources = sortedSet(i.ServiceSources)
	i.DetectionSources = sortedSet(i.DetectionSources)
	i.Categories = sortedSet(i.Categories)
	i.Techniques = sortedSet(i.Techniques)
	i.FirstActivity, i.LastActivity = first, last
	if !i.SeverityManual {
		i.Severity = sev
	}
	slices.SortFunc(assets, func(a, b Asset) int {
		if c := strings.Compare(string(a.Type), string(b.Type)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, a := range assets {
		switch a.Type {
		case EntityDevice:
			i.AssetCounts.Devices++
		case EntityUser:
			i.AssetCounts.Users++
		case EntityMailbox:
			i.AssetCounts.Mailboxes++
		case EntityOAuthApp, EntityCloudApp:
			i.AssetCounts.Apps++
		case EntityCloudResource:
			i.AssetCounts.CloudResources++
		}
	}
	i.Assets = assets[:min(len(assets), MaxIncidentAssets)]
	if !i.Renamed {
		i.DisplayName = i.AutoName(alerts)
	}
}

func addAssets(assets []Asset, byKey map[EntityKey]int, evidence []Evidence) []Asset {
	for n := range evidence {
		e := &evidence[n]
		t := e.Entity()
		if !t.IsAsset() || e.systemUser() {
			continue
		}
		// Only the keys of the asset's own type name it: a mailbox also carries
		// its owner's key, and the owner is a different asset.
		var ks []EntityKey
		for _, k := range e.Keys() {
			if k.Type == t {
				ks = append(ks, k)
			}
		}
		if len(ks) == 0 {
			continue
		}
		at := -1
		for _, k := range ks {
			if have, ok := byKey[k]; ok {
				at = have
				break
			}
		}
		if at < 0 {
			at = len(assets)
			assets = append(assets, Asset{Type: t, Name: e.Name(), Key: ks[0].String()})
		} else if name := e.Name(); betterName(name, assets[at].Name) {
			assets[at].Name = name
		}
		for _, k := range ks {
			byKey[k] = at
		}
	}
	return assets
}

// betterName prefers the fuller spelling of one asset's name (FQDN over short
// name, UPN over SAM), and the smaller string among equals, so that the choice
// does not depend on the order of alerts.
func betterName(a, b string) bool {
	full := func(s string) int {
		return strings.Count(s, ".") + 2*strings.Count(s, "@")
	}
	if full(a) != full(b) {
		return full(a) > full(b)
	}
	return a < b
}

func sortedSet[T ~string](in []T) []T {
	out := in[:0]
	for _, v := range in {
		if v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// AutoName makes the incident's name from its scope, as Defender does: what
// kind of attack, on how many endpoints or users, reported by how many sources.
// An incident of one alert takes that alert's title.
func (i *Incident) AutoName(alerts []Alert) string {
	if len(alerts) == 0 {
		return "Empty incident"
	}
	titles := map[string]bool{}
	for n := range alerts {
		titles[alerts[n].Title] = true
	}
	where := ""
	switch c := i.AssetCounts; {
	case c.Devices > 1:
		where = " on multiple endpoints"
	case c.Devices == 1:
		where = " on one endpoint"
	case c.Users > 1:
		where = " involving multiple users"
	case c.Users == 1:
		where = " involving one user"
	case c.Mailboxes > 0:
		where = " involving mailboxes"
	case c.CloudResources > 0:
		where = " on cloud resources"
	}
	by := ""
	if len(i.ServiceSources) > 1 {
		by = " reported by multiple sources"
	}
	if len(titles) == 1 {
		name := alerts[0].Title
		if len(alerts) > 1 || i.AssetCounts.Devices > 1 {
			name += where
		}
		return truncateRunes(name+by, MaxTitleRunes)
	}
	switch len(i.Categories) {
	case 0:
		return fmt.Sprintf("%d related alerts%s%s", len(alerts), where, by)
	case 1:
		return TacticName(i.Categories[0]) + " incident" + where + by
	}
	var stages []string
	for _, t := range tacticOrder {
		if slices.Contains(i.Categories, t) {
			stages = append(stages, TacticName(t))
		}
	}
	kind := "Multi-stage incident"
	if len(stages) > 1 {
		kind += fmt.Sprintf(" involving %s & %s", stages[0], stages[len(stages)-1])
	}
	return kind + where + by
}

// tacticOrder is the order of ATT&CK's enterprise tactics.
var tacticOrder = []string{"Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence",
	"PrivilegeEscalation", "DefenseEvasion", "CredentialAccess", "Discovery", "LateralMovement", "Collection",
	"CommandAndControl", "Exfiltration", "Impact"}

// TacticRank is the place of a tactic in ATT&CK's order, from 0, and -1 for
// what is no tactic.
func TacticRank(category string) int { return slices.Index(tacticOrder, category) }

// Tactics lists ATT&CK's enterprise tactics in order, in Defender's spelling.
func Tactics() []string { return slices.Clone(tacticOrder) }

// TacticName is a tactic for people: "Credential access".
func TacticName(category string) string {
	var b strings.Builder
	for n, r := range category {
		if n > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
