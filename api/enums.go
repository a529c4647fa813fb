package api

import (
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// enum is one Graph enum: its members in schema order. Members after
// unknownFutureValue go only to clients that ask for them.
type enum []string

const unknownFuture = "unknownFutureValue"

// enums are the Graph enums that incidents, alerts and evidence use.
var enums = map[string]enum{
	"alertClassification": {"unknown", "falsePositive", "truePositive", "informationalExpectedActivity", unknownFuture},
	"alertDetermination": {"unknown", "apt", "malware", "securityPersonnel", "securityTesting", "unwantedSoftware", "other",
		"multiStagedAttack", "compromisedAccount", "phishing", "maliciousUserActivity", "notMalicious",
		"notEnoughDataToValidate", "confirmedActivity", "lineOfBusinessApplication", unknownFuture},
	"alertSeverity":  {"unknown", "informational", "low", "medium", "high", unknownFuture},
	"alertStatus":    {"unknown", "new", "inProgress", "resolved", unknownFuture},
	"incidentStatus": {"active", "resolved", "inProgress", "redirected", unknownFuture, "awaitingAction"},
	"serviceSource": {"unknown", "microsoftDefenderForEndpoint", "microsoftDefenderForIdentity",
		"microsoftDefenderForCloudApps", "microsoftDefenderForOffice365", "microsoft365Defender",
		"azureAdIdentityProtection", "microsoftAppGovernance", "dataLossPrevention", unknownFuture,
		"microsoftDefenderForCloud", "microsoftSentinel", "microsoftInsiderRiskManagement",
		"microsoftThreatIntelligence", "microsoftSecurityForAI"},
	"detectionSource": {"unknown", "microsoftDefenderForEndpoint", "antivirus", "smartScreen", "customTi",
		"microsoftDefenderForOffice365", "automatedInvestigation", "microsoftThreatExperts", "customDetection",
		"microsoftDefenderForIdentity", "cloudAppSecurity", "microsoft365Defender", "azureAdIdentityProtection", "manual",
		"microsoftDataLossPrevention", "appGovernancePolicy", "appGovernanceDetection", unknownFuture,
		"microsoftDefenderForCloud", "microsoftDefenderForIoT", "microsoftDefenderForServers",
		"microsoftDefenderForStorage", "microsoftDefenderForDNS", "microsoftDefenderForDatabases",
		"microsoftDefenderForContainers", "microsoftDefenderForNetwork", "microsoftDefenderForAppService",
		"microsoftDefenderForKeyVault", "microsoftDefenderForResourceManager", "microsoftDefenderForApiManagement",
		"nrtAlerts", "scheduledAlerts", "microsoftDefenderThreatIntelligenceAnalytics", "builtInMl",
		"microsoftInsiderRiskManagement", "microsoftThreatIntelligence", "microsoftDefenderForAIServices",
		"securityCopilot", "microsoftSentinel"},
	"evidenceRole": {"unknown", "contextual", "scanned", "source", "destination", "created", "added", "compromised", "edited",
		"attacked", "attacker", "commandAndControl", "loaded", "suspicious", "policyViolator", unknownFuture},
	"evidenceVerdict": {"unknown", "suspicious", "malicious", "noThreatsFound", unknownFuture},
	"evidenceRemediationStatus": {"none", "remediated", "prevented", "blocked", "notFound", unknownFuture, "active",
		"pendingApproval", "declined", "unremediated", "running", "partiallyRemediated"},
	"investigationState": {"unknown", "terminated", "successfullyRemediated", "benign", "failed", "partiallyRemediated",
		"running", "pendingApproval", "pendingResource", "queued", "innerFailure", "preexistingAlert", "unsupportedOs",
		"unsupportedAlertType", "suppressedAlert", "partiallyInvestigated", "terminatedByUser", "terminatedBySystem",
		unknownFuture},
}

// enumAliases are spellings of Graph's documentation that its schema does not
// have, in lower case.
var enumAliases = map[string]string{
	"compromiseduser":        "compromisedAccount",
	"clean":                  "notMalicious",
	"insufficientdata":       "notEnoughDataToValidate",
	"noenoughdatatovalidate": "notEnoughDataToValidate",
	"confirmeduseractivity":  "confirmedActivity",
}

// parse reads a member in any case and documented spelling. Unknown values are
// errors: to filter by a name that does not exist finds nothing for ever.
func (e enum) parse(what, s string) (string, error) {
	for _, m := range e {
		if strings.EqualFold(m, s) && m != unknownFuture {
			return m, nil
		}
	}
	if m, ok := enumAliases[strings.ToLower(s)]; ok && slices.Contains(e, m) {
		return m, nil
	}
	return "", tocsin.Errorf(tocsin.CodeInvalid, "%s has no value %q; it takes one of %s", what, s, strings.Join(e.members(), ", "))
}

// members are the values that a client may send.
func (e enum) members() []string {
	return slices.DeleteFunc(slices.Clone(e), func(m string) bool { return m == unknownFuture })
}

// show is the member as a client may see it: one that is newer than
// unknownFutureValue, or that Graph does not know, is hidden behind it unless
// the client asked for all.
func (e enum) show(v string, all bool) string {
	i, future := slices.Index(e, v), slices.Index(e, unknownFuture)
	if i >= 0 && (all || i <= future) {
		return v
	}
	return unknownFuture
}
