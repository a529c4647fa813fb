package tocsin

import (
	"slices"
	"strings"
	"time"
)

// Severity of an alert or an incident.
type Severity string

const (
	SeverityUnknown       Severity = "unknown"
	SeverityInformational Severity = "informational"
	SeverityLow           Severity = "low"
	SeverityMedium        Severity = "medium"
	SeverityHigh          Severity = "high"
)

// Severities lists every severity, least first.
var Severities = []Severity{SeverityUnknown, SeverityInformational, SeverityLow, SeverityMedium, SeverityHigh}

// Rank orders severities: 0 unknown to 4 high.
func (s Severity) Rank() int { return max(0, slices.Index(Severities, s)) }

// AlertStatus is where work on an alert stands.
type AlertStatus string

const (
	AlertNew        AlertStatus = "new"
	AlertInProgress AlertStatus = "inProgress"
	AlertResolved   AlertStatus = "resolved"
)

// AlertStatuses lists the statuses that can be set.
var AlertStatuses = []AlertStatus{AlertNew, AlertInProgress, AlertResolved}

// ServiceSource is the product family that an alert comes from.
type ServiceSource string

const (
	SourceUnknown       ServiceSource = "unknown"
	SourceEndpoint      ServiceSource = "microsoftDefenderForEndpoint"
	SourceIdentity      ServiceSource = "microsoftDefenderForIdentity"
	SourceCloudApps     ServiceSource = "microsoftDefenderForCloudApps"
	SourceOffice        ServiceSource = "microsoftDefenderForOffice365"
	SourceXDR           ServiceSource = "microsoft365Defender"
	SourceEntra         ServiceSource = "azureAdIdentityProtection"
	SourceAppGovernance ServiceSource = "microsoftAppGovernance"
	SourceDLP           ServiceSource = "dataLossPrevention"
	SourceCloud         ServiceSource = "microsoftDefenderForCloud"
	SourceSentinel      ServiceSource = "microsoftSentinel"
	SourceInsiderRisk   ServiceSource = "microsoftInsiderRiskManagement"
	SourceThreatIntel   ServiceSource = "microsoftThreatIntelligence"
)

// ServiceSources lists every source, in schema order.
var ServiceSources = []ServiceSource{SourceUnknown, SourceEndpoint, SourceIdentity, SourceCloudApps, SourceOffice, SourceXDR,
	SourceEntra, SourceAppGovernance, SourceDLP, SourceCloud, SourceSentinel, SourceInsiderRisk, SourceThreatIntel}

// ServiceSourceOf is the service source of a detection over rows of a hunting
// table.
func ServiceSourceOf(table string) ServiceSource {
	switch {
	case table == "OAuthAppInfo" || table == "GraphApiAuditEvents":
		return SourceAppGovernance
	case strings.HasPrefix(table, "Device") || table == "SecurityEvent":
		return SourceEndpoint
	case strings.HasPrefix(table, "Email") || strings.HasPrefix(table, "Url") || strings.HasPrefix(table, "Message") || table == "CampaignInfo":
		return SourceOffice
	case strings.HasPrefix(table, "Identity"):
		return SourceIdentity
	case table == "CloudAppEvents" || table == "OfficeActivity":
		return SourceCloudApps
	case strings.HasPrefix(table, "AADS") || strings.HasPrefix(table, "EntraId") || table == "AuditLogs" || table == "SigninLogs":
		return SourceEntra
	case strings.HasPrefix(table, "Cloud"):
		return SourceCloud
	case strings.HasPrefix(table, "DataSecurity"):
		return SourceInsiderRisk
	}
	return SourceXDR
}

// DetectionSource is the finer origin of an alert: the engine within the
// service ("customDetection", "antivirus", "manual", ...), as Graph names it.
type DetectionSource string

const (
	DetectionCustom DetectionSource = "customDetection"
	DetectionManual DetectionSource = "manual"
)

// CorrelationReason is a machine-readable reason for a link, as Graph names it.
type CorrelationReason string

const (
	ReasonRepeated         CorrelationReason = "repeatedAlertOccurrence"
	ReasonSimilarArtifacts CorrelationReason = "similarArtifacts"
	ReasonTargetedAsset    CorrelationReason = "sameTargetedAsset"
	ReasonNetworkSegment   CorrelationReason = "sameNetworkSegment"
	ReasonEventSequence    CorrelationReason = "eventSequence"
	ReasonTimeFrame        CorrelationReason = "timeFrame"
	ReasonThreatSource     CorrelationReason = "sameThreatSource"
	ReasonSimilarTTPs      CorrelationReason = "similarTTPsOrBehavior"
	ReasonSameActor        CorrelationReason = "sameActor"
	ReasonSameCampaign     CorrelationReason = "sameCampaign"
	ReasonIndicators       CorrelationReason = "sharedIndicators"
	ReasonSameAsset        CorrelationReason = "sameAsset"
	ReasonNetworkProximity CorrelationReason = "networkProximity"
	ReasonCausalSequence   CorrelationReason = "eventCasualSequence" // the schema's spelling
	ReasonTemporal         CorrelationReason = "temporalProximity"
	ReasonLateralMovement  CorrelationReason = "lateralMovementPath"
)

// CorrelationReasons lists every reason, in schema order.
var CorrelationReasons = []CorrelationReason{ReasonRepeated, ReasonSimilarArtifacts, ReasonTargetedAsset, ReasonNetworkSegment, ReasonEventSequence,
	ReasonTimeFrame, ReasonThreatSource, ReasonSimilarTTPs, ReasonSameActor, ReasonSameCampaign, ReasonIndicators, ReasonSameAsset,
	ReasonNetworkProximity, ReasonCausalSequence, ReasonTemporal, ReasonLateralMovement}

// Link says why an alert stands with another in one incident.
type Link struct {
	ToAlertID    string              `json:"toAlertId"`
	ToAlertTitle string              `json:"toAlertTitle,omitempty"`
	Reasons      []CorrelationReason `json:"reasons"`
	// Sentence says it in English, with the names of the shared things.
	Sentence string `json:"sentence"`
	// Strength is the weight of the evidence, 0 to 1.
	Strength float64 `json:"strength"`
	// Weight is the evidence as it was weighed, without an upper end; what joins
	// is correlation's policy. 0 in a link of before it was kept.
	Weight   float64       `json:"weight,omitempty"`
	Entities []LinkedThing `json:"entities,omitempty"`
}

// LinkedThing is one entity that two alerts share.
type LinkedThing struct {
	Type EntityType `json:"type"`
	Name string     `json:"name"`
	Key  string     `json:"key"` // of the value that both carry
	// Signal is the strongest kind of evidence that rests on it, in correlation's
	// words ("sameIp"), Weight what all of them together weigh.
	Signal string  `json:"signal,omitempty"`
	Weight float64 `json:"weight,omitempty"`
}

// Comment on an incident or an alert. At most MaxCommentRunes long.
type Comment struct {
	Text      string    `json:"comment"`
	CreatedBy string    `json:"createdByDisplayName"`
	Created   time.Time `json:"createdDateTime"`
}

// MaxCommentRunes is the longest comment, in characters.
const MaxCommentRunes = 30_000

// Alert is one detection: what fired, on which evidence, proven by which rows.
type Alert struct {
	Tenant string `json:"tenant"`
	// ID is ours; (Tenant, Source, ExternalID) is the provider's identity of
	// the alert, and what a repeat is recognised by.
	ID         string `json:"id"`
	Source     string `json:"source"`
	ExternalID string `json:"externalId"`
	// DeliveryID identifies one hand-over: a delivery that was taken before is
	// not counted again. Empty: every delivery counts.
	DeliveryID string `json:"deliveryId,omitempty"`

	IncidentID int64 `json:"incidentId"`
	// IncidentName is filled in lists only.
	IncidentName string `json:"-"`
	Version      int64  `json:"version"`

	Title              string          `json:"title"`
	Description        string          `json:"description"`
	RecommendedActions string          `json:"recommendedActions,omitempty"`
	Severity           Severity        `json:"severity"`
	Status             AlertStatus     `json:"status"`
	Classification     Classification  `json:"classification"`
	Determination      Determination   `json:"determination"`
	AssignedTo         string          `json:"assignedTo,omitempty"`
	ServiceSource      ServiceSource   `json:"serviceSource"`
	DetectionSource    DetectionSource `json:"detectionSource"`
	ProductName        string          `json:"productName,omitempty"`
	AlertPolicyID      string          `json:"alertPolicyId,omitempty"`
	ThreatDisplayName  string          `json:"threatDisplayName,omitempty"`
	ThreatFamilyName   string          `json:"threatFamilyName,omitempty"`
	ActorDisplayName   string          `json:"actorDisplayName,omitempty"`
	// InvestigationState is empty for unknown.
	InvestigationState InvestigationState `json:"investigationState,omitempty"`
	// SensitivityLabels are those of the data that is touched; DataStream and
	// Workspace say which of a source's streams the alert came by.
	SensitivityLabels []string `json:"sensitivityLabels,omitempty"`
	DataStream        string   `json:"dataStream,omitempty"`
	Workspace         string   `json:"workspace,omitempty"`
	DetectorID        string   `json:"detectorId,omitempty"` // the rule's id
	RuleTitle         string   `json:"ruleTitle,omitempty"`
	// Category is the ATT&CK tactic in Defender's spelling ("CredentialAccess");
	// Categories all of them.
	Category   string   `json:"category"`
	Categories []string `json:"categories,omitempty"`
	Techniques []string `json:"mitreTechniques,omitempty"` // "T1003.001"

	Created       time.Time `json:"created"`       // when Tocsin took it
	FirstActivity time.Time `json:"firstActivity"` // event time
	LastActivity  time.Time `json:"lastActivity"`  // event time
	LastUpdate    time.Time `json:"lastUpdate"`
	Resolved      time.Time `json:"resolved,omitzero"`

	Evidence      []Evidence     `json:"evidence,omitempty"`
	Rows          []RowRef       `json:"rows,omitempty"` // at most MaxAlertRows, the first ones
	Count         int64          `json:"count"`          // occurrences
	Comments      []Comment      `json:"comments,omitempty"`
	Links         []Link         `json:"links,omitempty"`
	CustomDetails map[string]any `json:"customDetails,omitempty"`
	SystemTags    []string       `json:"systemTags,omitempty"`
	// Correlation is whether the alert was joined by what it shares (enabled) or
	// by its rule's own grouping (disabled), as it was when the alert was taken.
	Correlation CorrelationChoice `json:"correlation,omitempty"`
}

const (
	// MaxAlertRows is how many row references an alert keeps; Count goes on.
	MaxAlertRows = 50
	// MaxAlertEvidence is how much evidence an alert keeps.
	MaxAlertEvidence = 200
	// MaxTitleRunes is the longest title or incident name, in characters.
	MaxTitleRunes = 500
)

// Normalize fills defaults and puts the alert into canonical form: enum case,
// UTC times, order of activity, no duplicate techniques, evidence or rows.
func (a *Alert) Normalize() {
	if a.Severity == "" {
		a.Severity = SeverityUnknown
	}
	if a.Status == "" {
		a.Status = AlertNew
	}
	if a.Classification == "" {
		a.Classification = ClassUnknown
	}
	if a.Determination == "" {
		a.Determination = DetUnknown
	}
	if a.ServiceSource == "" {
		a.ServiceSource = SourceUnknown
	}
	if a.InvestigationState == InvestigationUnknown {
		a.InvestigationState = ""
	}
	if a.Count <= 0 {
		a.Count = 1
	}
	for _, s := range []*string{&a.ProductName, &a.AlertPolicyID, &a.ThreatDisplayName, &a.ThreatFamilyName, &a.ActorDisplayName, &a.DataStream, &a.Workspace} {
		*s = truncateRunes(strings.TrimSpace(*s), MaxLabelRunes)
	}
	a.Title = truncateRunes(strings.TrimSpace(a.Title), MaxTitleRunes)
	if a.LastActivity.Before(a.FirstActivity) {
		a.FirstActivity, a.LastActivity = a.LastActivity, a.FirstActivity
	}
	if a.FirstActivity.IsZero() {
		a.FirstActivity = a.LastActivity
	}
	a.FirstActivity, a.LastActivity = a.FirstActivity.UTC(), a.LastActivity.UTC()
	if a.Category == "" && len(a.Categories) > 0 {
		a.Category = a.Categories[0]
	}
	if a.Category != "" && !slices.Contains(a.Categories, a.Category) {
		a.Categories = append([]string{a.Category}, a.Categories...)
	}
	slices.Sort(a.Techniques)
	a.Techniques = slices.Compact(a.Techniques)
	if len(a.Evidence) > MaxAlertEvidence {
		a.Evidence = a.Evidence[:MaxAlertEvidence]
	}
	if len(a.Rows) > MaxAlertRows {
		a.Rows = a.Rows[:MaxAlertRows]
	}
	for i := range a.Evidence {
		e := &a.Evidence[i]
		if e.Verdict == "" {
			e.Verdict = VerdictUnknown
		}
		if e.RemediationStatus == "" {
			e.RemediationStatus = RemediationNone
		}
		if e.Created.IsZero() {
			e.Created = a.FirstActivity
		}
	}
}

// Validate reports what makes the alert unusable, as an Error of CodeInvalid.
func (a *Alert) Validate() error {
	switch {
	case a.Title == "":
		return Errorf(CodeInvalid, "an alert needs a title")
	case a.ExternalID == "" || a.Source == "":
		return Errorf(CodeInvalid, "an alert needs a source and an id of that source")
	case !slices.Contains(Severities, a.Severity):
		return Errorf(CodeInvalid, "unknown severity %q", a.Severity)
	case !slices.Contains(AlertStatuses, a.Status):
		return Errorf(CodeInvalid, "unknown alert status %q", a.Status)
	case !slices.Contains(ServiceSources, a.ServiceSource):
		return Errorf(CodeInvalid, "unknown service source %q", a.ServiceSource)
	case a.InvestigationState != "" && !slices.Contains(InvestigationStates, a.InvestigationState):
		return Errorf(CodeInvalid, "unknown investigation state %q", a.InvestigationState)
	case len(a.SensitivityLabels) > MaxLabels:
		return Errorf(CodeInvalid, "an alert takes at most %d sensitivity labels", MaxLabels)
	case a.LastActivity.IsZero():
		return Errorf(CodeInvalid, "an alert needs the time of its activity")
	}
	if err := CheckDetermination(a.Classification, a.Determination); err != nil {
		return err
	}
	for i := range a.Evidence {
		if err := a.Evidence[i].Validate(); err != nil {
			return Errorf(CodeInvalid, "evidence %d: %w", i, err)
		}
	}
	return nil
}

// Keys are the canonical keys of all evidence, without duplicates, in order
// of the evidence.
func (a *Alert) Keys() []EntityKey {
	var ks []EntityKey
	seen := map[EntityKey]bool{}
	for i := range a.Evidence {
		for _, k := range a.Evidence[i].Keys() {
			if !seen[k] {
				seen[k] = true
				ks = append(ks, k)
			}
		}
	}
	return ks
}

// Active reports whether the alert still waits for somebody.
func (a *Alert) Active() bool { return a.Status != AlertResolved }

// Repeat takes in a further delivery of the same alert: it counts, widens the
// activity, raises the severity if the newer one is higher, and adds evidence
// and rows that are new. What people decided stays.
func (a *Alert) Repeat(b *Alert) {
	a.Count += max(b.Count, 1)
	if b.FirstActivity.Before(a.FirstActivity) {
		a.FirstActivity = b.FirstActivity
	}
	if b.LastActivity.After(a.LastActivity) {
		a.LastActivity = b.LastActivity
	}
	if b.Severity.Rank() > a.Severity.Rank() {
		a.Severity = b.Severity
	}
	for _, f := range []struct{ have, more *string }{{&a.AlertPolicyID, &b.AlertPolicyID}, {&a.ThreatDisplayName, &b.ThreatDisplayName},
		{&a.ThreatFamilyName, &b.ThreatFamilyName}, {&a.ActorDisplayName, &b.ActorDisplayName}, {&a.DataStream, &b.DataStream}, {&a.Workspace, &b.Workspace}} {
		if *f.have == "" {
			*f.have = *f.more
		}
	}
	if b.InvestigationState != "" {
		a.InvestigationState = b.InvestigationState // how it stands now
	}
	for _, l := range b.SensitivityLabels {
		if !slices.Contains(a.SensitivityLabels, l) && len(a.SensitivityLabels) < MaxLabels {
			a.SensitivityLabels = append(slices.Clip(a.SensitivityLabels), l)
		}
	}
	have := map[EntityKey]bool{}
	for _, k := range a.Keys() {
		have[k] = true
	}
	for i := range b.Evidence {
		ks := b.Evidence[i].Keys()
		if len(ks) == 0 || have[ks[0]] || len(a.Evidence) >= MaxAlertEvidence {
			continue
		}
		have[ks[0]] = true
		a.Evidence = append(a.Evidence, b.Evidence[i])
	}
	for _, r := range b.Rows {
		if len(a.Rows) < MaxAlertRows && !slices.Contains(a.Rows, r) {
			a.Rows = append(a.Rows, r)
		}
	}
}

func truncateRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
