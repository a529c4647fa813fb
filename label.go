package tocsin

import (
	"slices"
	"strings"
)

// LabelKind is a list-valued property that incidents and alerts are filtered
// by, under its name in queries.
type LabelKind string

const (
	LabelProducts       LabelKind = "productNames"
	LabelPolicies       LabelKind = "alertPolicies"       // the policy's id and the rule's name
	LabelInvestigations LabelKind = "investigationStates" // of automated investigation
	LabelThreats        LabelKind = "threats"             // threat, its family, its actor
	LabelOSPlatforms    LabelKind = "osPlatforms"
	LabelSensitivity    LabelKind = "sensitivityLabels"
	LabelDataStreams    LabelKind = "dataStreams"
	LabelWorkspaces     LabelKind = "workspaces"
	LabelSubscriptions  LabelKind = "subscriptionIds" // Azure subscription, AWS account, Google project
	LabelAssets         LabelKind = "assets"          // names of impacted assets
	LabelAssetTypes     LabelKind = "assetTypes"
	LabelDeviceGroups   LabelKind = "deviceGroups"
)

// LabelKinds lists the kinds that follow from alerts.
var LabelKinds = []LabelKind{LabelProducts, LabelPolicies, LabelInvestigations, LabelThreats, LabelOSPlatforms, LabelSensitivity,
	LabelDataStreams, LabelWorkspaces, LabelSubscriptions, LabelAssets, LabelAssetTypes}

// MaxLabels is how many values of one kind an incident or alert is filtered
// by, MaxLabelRunes how long one may be.
const (
	MaxLabels     = 500
	MaxLabelRunes = 256
)

// Labels are the values of each kind, sorted, none twice in different case.
type Labels map[LabelKind][]string

// LabelSet collects labels. Of two spellings it keeps the one that sorts first,
// so that the order in which they come does not matter.
type LabelSet map[LabelKind]map[string]string

// Add takes in values; blank ones are left out.
func (s LabelSet) Add(kind LabelKind, values ...string) {
	for _, v := range values {
		v = truncateRunes(strings.Join(strings.Fields(v), " "), MaxLabelRunes)
		if v == "" {
			continue
		}
		if s[kind] == nil {
			s[kind] = map[string]string{}
		}
		fold := strings.ToLower(v)
		if have, ok := s[kind][fold]; !ok || v < have {
			s[kind][fold] = v
		}
	}
}

// Merge takes in all labels.
func (s LabelSet) Merge(l Labels) {
	for kind, values := range l {
		s.Add(kind, values...)
	}
}

// Labels are the collected labels, at most MaxLabels of each kind; nil for
// none.
func (s LabelSet) Labels() Labels {
	if len(s) == 0 {
		return nil
	}
	out := make(Labels, len(s))
	for kind, values := range s {
		list := make([]string, 0, len(values))
		for _, v := range values {
			list = append(list, v)
		}
		slices.Sort(list)
		out[kind] = list[:min(len(list), MaxLabels)]
	}
	return out
}

// AddAssets takes in the names and types of the assets among the evidence.
func (s LabelSet) AddAssets(evidence []Evidence) {
	for i := range evidence {
		e := &evidence[i]
		if t := e.Entity(); t.IsAsset() && !e.systemUser() && len(e.Keys()) > 0 {
			s.Add(LabelAssets, e.Name())
			s.Add(LabelAssetTypes, string(t))
		}
	}
}

// AddAlert takes in what an alert is filtered by, besides its assets.
func (s LabelSet) AddAlert(a *Alert) {
	s.Add(LabelProducts, a.ProductName)
	s.Add(LabelPolicies, a.AlertPolicyID, a.RuleTitle)
	if a.InvestigationState != InvestigationUnknown {
		s.Add(LabelInvestigations, string(a.InvestigationState))
	}
	s.Add(LabelThreats, a.ThreatDisplayName, a.ThreatFamilyName, a.ActorDisplayName)
	s.Add(LabelSensitivity, a.SensitivityLabels...)
	s.Add(LabelDataStreams, a.DataStream)
	s.Add(LabelWorkspaces, a.Workspace)
	for i := range a.Evidence {
		e := &a.Evidence[i]
		switch e.Type {
		case EvDevice:
			s.Add(LabelOSPlatforms, e.Str("osPlatform"))
		case EvAmazonResource:
			s.Add(LabelSubscriptions, e.Str("amazonAccountId"))
		case EvGoogleResource:
			s.Add(LabelSubscriptions, e.Str("projectId"))
		case EvMalware:
			s.Add(LabelThreats, e.Str("name"))
		default:
			s.addSubscriptions(e.Props, 0)
		}
	}
}

// addSubscriptions finds the Azure resources among nested properties: those of
// a blob stand in its container's storage account.
func (s LabelSet) addSubscriptions(props map[string]any, depth int) {
	if id, ok := props["resourceId"].(string); ok {
		s.Add(LabelSubscriptions, azureSubscription(id))
	}
	for _, v := range props {
		if inner, ok := v.(map[string]any); ok && depth < 4 {
			s.addSubscriptions(inner, depth+1)
		}
	}
}

// azureSubscription is the subscription in the id of an Azure resource, "" when
// it has none.
func azureSubscription(id string) string {
	const head = "/subscriptions/"
	if len(id) < len(head) || !strings.EqualFold(id[:len(head)], head) {
		return ""
	}
	sub, _, _ := strings.Cut(id[len(head):], "/")
	return sub
}

// Labels are what the alert is filtered by.
func (a *Alert) Labels() Labels {
	s := LabelSet{}
	s.AddAlert(a)
	s.AddAssets(a.Evidence)
	return s.Labels()
}

// InvestigationState is how far automated investigation of an alert is, as
// Graph names it.
type InvestigationState string

const (
	InvestigationUnknown         InvestigationState = "unknown"
	InvestigationRunning         InvestigationState = "running"
	InvestigationPendingApproval InvestigationState = "pendingApproval"
	InvestigationRemediated      InvestigationState = "successfullyRemediated"
)

// InvestigationStates lists every state, in schema order.
var InvestigationStates = []InvestigationState{InvestigationUnknown, "terminated", InvestigationRemediated, "benign", "failed",
	"partiallyRemediated", InvestigationRunning, InvestigationPendingApproval, "pendingResource", "queued", "innerFailure",
	"preexistingAlert", "unsupportedOs", "unsupportedAlertType", "suppressedAlert", "partiallyInvestigated", "terminatedByUser",
	"terminatedBySystem"}
