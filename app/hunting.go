package app

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
	"github.com/tocsinhq/tocsin/store"
)

// Hunting tables that are read from the case files when a query names them, so
// that they say what is true now. What was delivered into the same tables as
// telemetry, such as another product's alerts, comes with it.
//
// A query runs in the name of the one who asks: the store gives the tenant's
// rows, and who may not read alerts or incidents gets none.
func (a *App) liveTables() map[string]lake.LiveTable {
	return map[string]lake.LiveTable{
		"AlertInfo":        a.live("AlertInfo", tocsin.VerbAlertRead, a.liveAlerts(false, alertInfo)),
		"AlertEvidence":    a.live("AlertEvidence", tocsin.VerbAlertRead, a.liveAlerts(false, alertEvidence)),
		"SecurityAlert":    a.live("SecurityAlert", tocsin.VerbAlertRead, a.liveAlerts(true, a.securityAlert)),
		"SecurityIncident": a.live("SecurityIncident", tocsin.VerbIncidentRead, a.liveIncidents),
	}
}

func (a *App) live(table string, verb tocsin.Verb, cases lake.LiveTable) lake.LiveTable {
	return func(ctx context.Context, from, to time.Time, emit func(row map[string]any) error) error {
		who, _ := tocsin.PrincipalFrom(ctx)
		if !tocsin.Can(who, verb) {
			return nil
		}
		if err := cases(ctx, from, to, emit); err != nil {
			return err
		}
		if who.Scoped() {
			return nil // what was delivered does not say whose devices it concerns
		}
		return a.lake.Between(ctx, table, from, to, emit)
	}
}

// liveAlerts gives the rows that one alert makes, of all alerts: by their
// activity, or with created by when they were taken.
func (a *App) liveAlerts(created bool, rows func(al *tocsin.Alert) []map[string]any) lake.LiveTable {
	return func(ctx context.Context, from, to time.Time, emit func(row map[string]any) error) error {
		return a.store.View(ctx, func(tx *store.Tx) error {
			return tx.EachAlert(created, from, to, func(al *tocsin.Alert) error {
				for _, row := range rows(al) {
					if err := emit(row); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

// graded is a lower-case word as the tables spell it: High.
func graded[T ~string](word T) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(string(word[:1])) + string(word[1:])
}

// serviceNames are the products as the tables call them.
var serviceNames = map[tocsin.ServiceSource]string{
	tocsin.SourceEndpoint: "Microsoft Defender for Endpoint", tocsin.SourceIdentity: "Microsoft Defender for Identity",
	tocsin.SourceCloudApps: "Microsoft Defender for Cloud Apps", tocsin.SourceOffice: "Microsoft Defender for Office 365",
	tocsin.SourceXDR: "Microsoft Defender XDR", tocsin.SourceEntra: "AAD Identity Protection", tocsin.SourceAppGovernance: "App Governance",
	tocsin.SourceDLP: "Microsoft Data Loss Prevention", tocsin.SourceCloud: "Microsoft Defender for Cloud", tocsin.SourceSentinel: "Microsoft Sentinel",
	tocsin.SourceInsiderRisk: "Microsoft Purview Insider Risk Management", tocsin.SourceThreatIntel: "Microsoft Threat Intelligence",
}

// detectionNames are the engines as the tables call them; others keep the
// words of their name.
var detectionNames = map[tocsin.DetectionSource]string{
	"microsoftDefenderForEndpoint": "EDR", "microsoftDefenderForOffice365": "Microsoft Defender for Office 365",
	"microsoftDefenderForIdentity": "Microsoft Defender for Identity", "azureAdIdentityProtection": "AAD Identity Protection",
	"microsoftDefenderForCloud": "Microsoft Defender for Cloud", "cloudAppSecurity": "Microsoft Defender for Cloud Apps",
	"appGovernanceDetection": "App Governance", "customDetection": "Custom detection", "manual": "Manual", "antivirus": "Antivirus",
}

func detectionName(d tocsin.DetectionSource) string {
	if n, ok := detectionNames[d]; ok {
		return n
	}
	return graded(tocsin.TacticName(string(d)))
}

// jsonText is a value as the tables keep lists in text columns; "" for an
// empty list.
func jsonText(values []string) string {
	if len(values) == 0 {
		return ""
	}
	raw, err := json.Marshal(values)
	if err != nil {
		return "" // of texts: cannot fail
	}
	return string(raw)
}

// asJSON is a value for a dynamic column.
func asJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // null; values of ours can be encoded
	}
	return raw
}

func alertInfo(al *tocsin.Alert) []map[string]any {
	return []map[string]any{{
		"Timestamp": al.FirstActivity, "AlertId": al.ID, "Title": al.Title, "Category": al.Category, "Severity": graded(al.Severity),
		"ServiceSource": serviceNames[al.ServiceSource], "DetectionSource": detectionName(al.DetectionSource),
		"AttackTechniques": jsonText(al.Techniques), "SourceSystem": al.Source, "TenantId": al.Tenant, "Type": "AlertInfo",
	}}
}

// securityAlert is an alert as Sentinel's table has it.
func (a *App) securityAlert(al *tocsin.Alert) []map[string]any {
	var entities []map[string]any
	compromised := ""
	for i := range al.Evidence {
		e := &al.Evidence[i]
		one := map[string]any{"$id": strconv.Itoa(i + 2), "Type": strings.ToLower(entityType(e)), "Name": e.Name()}
		for k, v := range e.Props {
			one[graded(k)] = v
		}
		entities = append(entities, one)
		if compromised == "" && e.Entity() == tocsin.EntityDevice {
			compromised = e.Name()
		}
	}
	var techniques, subs []string
	for _, t := range al.Techniques {
		if strings.Contains(t, ".") {
			subs = append(subs, t)
		}
		if main, _, _ := strings.Cut(t, "."); len(techniques) == 0 || techniques[len(techniques)-1] != main {
			techniques = append(techniques, main)
		}
	}
	row := map[string]any{
		"TimeGenerated": al.Created, "AlertLink": a.link("/alerts/" + al.ID), "AlertName": al.Title, "DisplayName": al.Title, "AlertSeverity": graded(al.Severity),
		"AlertType": al.DetectorID, "CompromisedEntity": compromised, "Description": al.Description, "StartTime": al.FirstActivity, "EndTime": al.LastActivity,
		"IsIncident": false, "ProcessingEndTime": al.Created, "ProductComponentName": detectionName(al.DetectionSource), "ProductName": serviceNames[al.ServiceSource],
		"ProviderName": al.ProductName, "RemediationSteps": al.RecommendedActions, "Status": graded(al.Status), "SubTechniques": jsonText(subs),
		"SystemAlertId": al.ID, "Tactics": strings.Join(al.Categories, ","), "Techniques": jsonText(techniques), "Type": "SecurityAlert", "VendorName": al.ProductName,
		"VendorOriginalId":   al.ExternalID,
		"ExtendedProperties": string(asJSON(map[string]any{"IncidentId": strconv.FormatInt(al.IncidentID, 10), "Occurrences": al.Count})),
	}
	if entities != nil {
		row["Entities"] = string(asJSON(entities))
	}
	return []map[string]any{row}
}

// link is an address in the portal; a path alone when the portal's own address
// is not known.
func (a *App) link(path string) string { return strings.TrimSuffix(a.cfg.PublicURL, "/") + path }

var incidentStates = map[tocsin.IncidentStatus]string{tocsin.IncidentActive: "New", tocsin.IncidentInProgress: "Active",
	tocsin.IncidentAwaitingAction: "Active", tocsin.IncidentResolved: "Closed"}

var incidentClasses = map[tocsin.Classification]string{tocsin.ClassTruePositive: "TruePositive", tocsin.ClassFalsePositive: "FalsePositive",
	tocsin.ClassInformational: "BenignPositive", tocsin.ClassUnknown: ""}

// liveIncidents gives each incident once, as it stands.
func (a *App) liveIncidents(ctx context.Context, from, to time.Time, emit func(row map[string]any) error) error {
	return a.store.View(ctx, func(tx *store.Tx) error {
		return tx.EachIncident(from, to, func(inc *tocsin.Incident, alerts []string) error { return emit(a.securityIncident(inc, alerts)) })
	})
}

func (a *App) securityIncident(inc *tocsin.Incident, alerts []string) map[string]any {
	labels, comments := []any{}, []any{}
	for _, t := range inc.CustomTags {
		labels = append(labels, map[string]any{"labelName": t, "labelType": "User"})
	}
	for _, t := range inc.SystemTags {
		labels = append(labels, map[string]any{"labelName": t, "labelType": "AutoAssigned"})
	}
	for _, c := range inc.Comments {
		comments = append(comments, map[string]any{"message": c.Text, "createdTimeUtc": c.Created, "author": map[string]any{"name": c.CreatedBy}})
	}
	products := []string{}
	for _, s := range inc.ServiceSources {
		products = append(products, serviceNames[s])
	}
	if alerts == nil {
		alerts = []string{}
	}
	id := strconv.FormatInt(inc.ID, 10)
	row := map[string]any{
		"TimeGenerated": inc.LastUpdate, "AlertIds": asJSON(alerts), "BookmarkIds": asJSON([]string{}), "Classification": incidentClasses[inc.Classification],
		"ClassificationComment": inc.ResolvingComment, "Comments": asJSON(comments), "CreatedTime": inc.Created, "Description": inc.Description,
		"FirstActivityTime": inc.FirstActivity, "FirstModifiedTime": inc.Created, "IncidentName": id, "IncidentNumber": inc.ID, "IncidentUrl": a.link("/incidents/" + id),
		"Labels": asJSON(labels), "LastActivityTime": inc.LastActivity, "LastModifiedTime": inc.LastUpdate, "ModifiedBy": inc.LastModifiedBy,
		"Owner": asJSON(map[string]any{"assignedTo": inc.AssignedTo, "userPrincipalName": inc.AssignedTo}), "ProviderIncidentId": id, "ProviderName": "Tocsin",
		"RelatedAnalyticRuleIds": asJSON([]string{}), "Severity": graded(inc.Severity), "Status": incidentStates[inc.Status], "Tasks": asJSON([]string{}),
		"TenantId": inc.Tenant, "Title": inc.DisplayName, "Type": "SecurityIncident",
		"AdditionalData": asJSON(map[string]any{"alertsCount": inc.AlertCount, "commentsCount": len(inc.Comments), "bookmarksCount": 0,
			"alertProductNames": products, "tactics": inc.Categories, "techniques": inc.Techniques}),
	}
	if inc.Determination != tocsin.DetUnknown {
		row["ClassificationReason"] = graded(inc.Determination)
	}
	if inc.Status == tocsin.IncidentResolved {
		row["ClosedTime"] = inc.LastUpdate
	}
	return row
}
