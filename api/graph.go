package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// The wire shapes of Microsoft Graph security. They are apart from the
// glossary's types on purpose: what clients see changes only here. The tag
// enum names the Graph enum of a property, for openapi.json.

type graphIncident struct {
	ODataContext       string          `json:"@odata.context,omitempty"`
	ODataEtag          string          `json:"@odata.etag,omitempty"`
	ID                 string          `json:"id"`
	TenantID           string          `json:"tenantId"`
	DisplayName        string          `json:"displayName"`
	Description        *string         `json:"description"`
	Summary            *string         `json:"summary"`
	Severity           string          `json:"severity" enum:"alertSeverity"`
	Status             string          `json:"status" enum:"incidentStatus"`
	AssignedTo         *string         `json:"assignedTo"`
	Classification     string          `json:"classification" enum:"alertClassification"`
	Determination      string          `json:"determination" enum:"alertDetermination"`
	CustomTags         []string        `json:"customTags"`
	SystemTags         []string        `json:"systemTags"`
	PriorityScore      *int32          `json:"priorityScore"`
	CreatedDateTime    *time.Time      `json:"createdDateTime"`
	LastUpdateDateTime *time.Time      `json:"lastUpdateDateTime"`
	LastModifiedBy     *string         `json:"lastModifiedBy"`
	RedirectIncidentID *string         `json:"redirectIncidentId"`
	ResolvingComment   *string         `json:"resolvingComment"`
	IncidentWebURL     string          `json:"incidentWebUrl"`
	Comments           []graphComment  `json:"comments"`
	Alerts             *[]graphAlert   `json:"alerts,omitempty"`
	Tocsin             incidentDetails `json:"tocsin"`
}

// incidentDetails are Tocsin's own properties of an incident.
type incidentDetails struct {
	Version               int64          `json:"version"`
	AlertCount            int            `json:"alertCount"`
	ActiveAlertCount      int            `json:"activeAlertCount"`
	ServiceSources        []string       `json:"serviceSources"`
	DetectionSources      []string       `json:"detectionSources"`
	Categories            []string       `json:"categories"`
	Techniques            []string       `json:"techniques"`
	ImpactedAssets        impactedAssets `json:"impactedAssets"`
	FirstActivityDateTime *time.Time     `json:"firstActivityDateTime"`
	LastActivityDateTime  *time.Time     `json:"lastActivityDateTime"`
	AutoNamed             bool           `json:"autoNamed"`
	CustomDetails         map[string]any `json:"customDetails"`
	// What its alerts say besides, without repetition.
	ProductNames        []string `json:"productNames"`
	AlertPolicies       []string `json:"alertPolicies"`
	InvestigationStates []string `json:"investigationStates"`
	Threats             []string `json:"threats"`
	OSPlatforms         []string `json:"osPlatforms"`
	SensitivityLabels   []string `json:"sensitivityLabels"`
	DataStreams         []string `json:"dataStreams"`
	Workspaces          []string `json:"workspaces"`
	SubscriptionIDs     []string `json:"subscriptionIds"`
	DeviceGroups        []string `json:"deviceGroups"`
	// PriorityFactors are the reasons for priorityScore; their points add up to it.
	PriorityFactors []tocsin.Factor `json:"priorityFactors"`
}

type impactedAssets struct {
	Devices        int         `json:"devices"`
	Users          int         `json:"users"`
	Mailboxes      int         `json:"mailboxes"`
	Apps           int         `json:"apps"`
	CloudResources int         `json:"cloudResources"`
	Names          []thingName `json:"names"`
}

type thingName struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type graphComment struct {
	Comment              string     `json:"comment"`
	CreatedByDisplayName string     `json:"createdByDisplayName"`
	CreatedDateTime      *time.Time `json:"createdDateTime"`
}

type graphAlert struct {
	ODataContext          string           `json:"@odata.context,omitempty"`
	ODataEtag             string           `json:"@odata.etag,omitempty"`
	ID                    string           `json:"id"`
	ProviderAlertID       *string          `json:"providerAlertId"`
	IncidentID            string           `json:"incidentId"`
	TenantID              string           `json:"tenantId"`
	Title                 string           `json:"title"`
	Description           *string          `json:"description"`
	RecommendedActions    *string          `json:"recommendedActions"`
	Severity              string           `json:"severity" enum:"alertSeverity"`
	Status                string           `json:"status" enum:"alertStatus"`
	Classification        string           `json:"classification" enum:"alertClassification"`
	Determination         string           `json:"determination" enum:"alertDetermination"`
	AssignedTo            *string          `json:"assignedTo"`
	ServiceSource         string           `json:"serviceSource" enum:"serviceSource"`
	DetectionSource       string           `json:"detectionSource" enum:"detectionSource"`
	ProductName           *string          `json:"productName"`
	DetectorID            *string          `json:"detectorId"`
	Category              *string          `json:"category"`
	Categories            []string         `json:"categories"`
	MitreTechniques       []string         `json:"mitreTechniques"`
	ThreatDisplayName     *string          `json:"threatDisplayName"`
	ThreatFamilyName      *string          `json:"threatFamilyName"`
	ActorDisplayName      *string          `json:"actorDisplayName"`
	AlertPolicyID         *string          `json:"alertPolicyId"`
	InvestigationState    string           `json:"investigationState" enum:"investigationState"`
	CreatedDateTime       *time.Time       `json:"createdDateTime"`
	LastUpdateDateTime    *time.Time       `json:"lastUpdateDateTime"`
	ResolvedDateTime      *time.Time       `json:"resolvedDateTime"`
	FirstActivityDateTime *time.Time       `json:"firstActivityDateTime"`
	LastActivityDateTime  *time.Time       `json:"lastActivityDateTime"`
	AlertWebURL           string           `json:"alertWebUrl"`
	IncidentWebURL        string           `json:"incidentWebUrl"`
	SystemTags            []string         `json:"systemTags"`
	CustomDetails         map[string]any   `json:"customDetails"`
	AdditionalData        map[string]any   `json:"additionalData"`
	Comments              []graphComment   `json:"comments"`
	Evidence              []map[string]any `json:"evidence" schema:"alertEvidence"`
	Tocsin                alertDetails     `json:"tocsin"`
}

// alertDetails are Tocsin's own properties of an alert.
type alertDetails struct {
	Version int64  `json:"version"`
	Count   int64  `json:"count"`
	RuleID  string `json:"ruleId,omitempty"`
	// Correlation is enabled or disabled, as it was when the alert was taken.
	Correlation string `json:"correlation,omitempty"`
	RuleTitle   string `json:"ruleTitle,omitempty"`
	// Labels are what Graph has no property for.
	SensitivityLabels []string    `json:"sensitivityLabels"`
	SubscriptionIDs   []string    `json:"subscriptionIds"`
	IncidentName      string      `json:"incidentName,omitempty"` // in lists
	DataStream        string      `json:"dataStream,omitempty"`
	Workspace         string      `json:"workspace,omitempty"`
	Rows              []rowRef    `json:"rows"`
	Links             []graphLink `json:"links"`
}

type rowRef struct {
	Table     string     `json:"table"`
	Timestamp *time.Time `json:"timestamp"`
	DeviceID  string     `json:"deviceId,omitempty"`
	ReportID  string     `json:"reportId"`
}

type graphLink struct {
	ToAlertID    string        `json:"toAlertId"`
	ToAlertTitle string        `json:"toAlertTitle,omitempty"`
	Reasons      []string      `json:"reasons"`
	Sentence     string        `json:"sentence"`
	Strength     float64       `json:"strength"`
	Entities     []linkedThing `json:"entities"`
}

// linkedThing is an entity that two alerts share; Key is the value, as feedback
// and exclusions name it.
type linkedThing struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Key  string `json:"key"`
}

// graphPage is a page of a collection.
type graphPage[T any] struct {
	ODataContext  string `json:"@odata.context,omitempty"`
	ODataCount    *int64 `json:"@odata.count,omitempty"`
	ODataNextLink string `json:"@odata.nextLink,omitempty"`
	Value         []T    `json:"value"`
}

// view is how one client sees things: from which address, and with which enum
// members.
type view struct {
	base string // scheme and host, without a slash at the end
	all  bool   // also members behind unknownFutureValue
}

func (v view) context(of string) string { return v.base + "/v1.0/$metadata#" + of }

func (v view) incident(i *tocsin.Incident) graphIncident {
	id := strconv.FormatInt(i.ID, 10)
	score := int32(i.Score)
	g := graphIncident{
		ODataEtag: etag(i.Version),
		ID:        id, TenantID: i.Tenant,
		DisplayName: i.DisplayName, Description: text(i.Description), Summary: text(i.Summary),
		Severity:       enums["alertSeverity"].show(string(i.Severity), v.all),
		Status:         enums["incidentStatus"].show(string(i.Status), v.all),
		AssignedTo:     text(i.AssignedTo),
		Classification: enums["alertClassification"].show(string(i.Classification), v.all),
		Determination:  enums["alertDetermination"].show(string(i.Determination), v.all),
		CustomTags:     list(i.CustomTags), SystemTags: list(i.SystemTags),
		CreatedDateTime: moment(i.Created), LastUpdateDateTime: moment(i.LastUpdate), LastModifiedBy: text(i.LastModifiedBy),
		ResolvingComment: text(i.ResolvingComment), PriorityScore: &score,
		IncidentWebURL: v.base + "/incidents/" + id,
		Comments:       comments(i.Comments),
		Tocsin: incidentDetails{
			Version: i.Version, AlertCount: i.AlertCount, ActiveAlertCount: i.ActiveAlerts,
			ServiceSources: list(i.ServiceSources), DetectionSources: list(i.DetectionSources),
			Categories: list(i.Categories), Techniques: list(i.Techniques),
			ImpactedAssets: impactedAssets{Devices: i.AssetCounts.Devices, Users: i.AssetCounts.Users, Mailboxes: i.AssetCounts.Mailboxes,
				Apps: i.AssetCounts.Apps, CloudResources: i.AssetCounts.CloudResources, Names: []thingName{}},
			FirstActivityDateTime: moment(i.FirstActivity), LastActivityDateTime: moment(i.LastActivity),
			AutoNamed: !i.Renamed, CustomDetails: i.CustomDetails,
			ProductNames: list(i.Labels[tocsin.LabelProducts]), AlertPolicies: list(i.Labels[tocsin.LabelPolicies]),
			InvestigationStates: list(i.Labels[tocsin.LabelInvestigations]), Threats: list(i.Labels[tocsin.LabelThreats]),
			OSPlatforms: list(i.Labels[tocsin.LabelOSPlatforms]), SensitivityLabels: list(i.Labels[tocsin.LabelSensitivity]),
			DataStreams: list(i.Labels[tocsin.LabelDataStreams]), Workspaces: list(i.Labels[tocsin.LabelWorkspaces]),
			SubscriptionIDs: list(i.Labels[tocsin.LabelSubscriptions]), DeviceGroups: list(i.Labels[tocsin.LabelDeviceGroups]),
			PriorityFactors: append([]tocsin.Factor{}, i.Factors...),
		},
	}
	if i.RedirectID != 0 {
		to := strconv.FormatInt(i.RedirectID, 10)
		g.RedirectIncidentID = &to
	}
	for _, a := range i.Assets {
		g.Tocsin.ImpactedAssets.Names = append(g.Tocsin.ImpactedAssets.Names, thingName{string(a.Type), a.Name})
	}
	return g
}

// expanded is the incident with its alerts.
func (v view) expanded(i *tocsin.Incident) graphIncident {
	g := v.incident(i)
	alerts := make([]graphAlert, 0, len(i.Alerts))
	for n := range i.Alerts {
		alerts = append(alerts, v.alert(&i.Alerts[n]))
	}
	g.Alerts = &alerts
	return g
}

func (v view) alert(a *tocsin.Alert) graphAlert {
	incident := strconv.FormatInt(a.IncidentID, 10)
	g := graphAlert{
		ODataEtag: etag(a.Version),
		ID:        a.ID, ProviderAlertID: text(a.ExternalID), IncidentID: incident, TenantID: a.Tenant,
		Title: a.Title, Description: text(a.Description), RecommendedActions: text(a.RecommendedActions),
		Severity:        enums["alertSeverity"].show(string(a.Severity), v.all),
		Status:          enums["alertStatus"].show(string(a.Status), v.all),
		Classification:  enums["alertClassification"].show(string(a.Classification), v.all),
		Determination:   enums["alertDetermination"].show(string(a.Determination), v.all),
		AssignedTo:      text(a.AssignedTo),
		ServiceSource:   enums["serviceSource"].show(string(a.ServiceSource), v.all),
		DetectionSource: enums["detectionSource"].show(string(a.DetectionSource), v.all),
		ProductName:     text(a.ProductName), DetectorID: text(a.DetectorID),
		Category: text(a.Category), Categories: list(a.Categories), MitreTechniques: list(a.Techniques),
		ThreatDisplayName: text(a.ThreatDisplayName), ThreatFamilyName: text(a.ThreatFamilyName),
		ActorDisplayName: text(a.ActorDisplayName), AlertPolicyID: text(a.AlertPolicyID),
		InvestigationState: enums["investigationState"].show(cmp.Or(string(a.InvestigationState), "unknown"), v.all),
		CreatedDateTime:    moment(a.Created), LastUpdateDateTime: moment(a.LastUpdate), ResolvedDateTime: moment(a.Resolved),
		FirstActivityDateTime: moment(a.FirstActivity), LastActivityDateTime: moment(a.LastActivity),
		AlertWebURL:    v.base + "/incidents/" + incident + "?alert=" + a.ID,
		IncidentWebURL: v.base + "/incidents/" + incident,
		SystemTags:     list(a.SystemTags), CustomDetails: a.CustomDetails,
		Comments: comments(a.Comments),
		Evidence: make([]map[string]any, 0, len(a.Evidence)),
		Tocsin: alertDetails{Version: a.Version, Count: a.Count, RuleID: a.DetectorID, Correlation: string(a.Correlation), RuleTitle: a.RuleTitle,
			SensitivityLabels: list(a.SensitivityLabels), SubscriptionIDs: list(a.Labels()[tocsin.LabelSubscriptions]), IncidentName: a.IncidentName, DataStream: a.DataStream, Workspace: a.Workspace,
			Rows: make([]rowRef, 0, len(a.Rows)), Links: make([]graphLink, 0, len(a.Links))},
	}
	for n := range a.Evidence {
		g.Evidence = append(g.Evidence, v.evidence(&a.Evidence[n]))
	}
	for _, r := range a.Rows {
		g.Tocsin.Rows = append(g.Tocsin.Rows, rowRef{r.Table, moment(r.Time), r.DeviceID, r.ReportID})
	}
	for _, l := range a.Links {
		link := graphLink{ToAlertID: l.ToAlertID, ToAlertTitle: l.ToAlertTitle, Reasons: list(l.Reasons), Sentence: l.Sentence,
			Strength: l.Strength, Entities: []linkedThing{}}
		for _, e := range l.Entities {
			link.Entities = append(link.Entities, linkedThing{string(e.Type), e.Name, e.Key})
		}
		g.Tocsin.Links = append(g.Tocsin.Links, link)
	}
	return g
}

// evidenceTypePrefix and evidenceTypeSuffix make an evidence type's OData name.
const (
	evidenceTypePrefix = "#microsoft.graph.security."
	evidenceTypeSuffix = "Evidence"
)

func (v view) evidence(e *tocsin.Evidence) map[string]any {
	g := make(map[string]any, len(e.Props)+8)
	maps.Copy(g, e.Props)
	// The base goes in last: what a source called "roles" must not replace ours.
	g["@odata.type"] = evidenceTypePrefix + string(e.Type) + evidenceTypeSuffix
	g["createdDateTime"] = moment(e.Created)
	g["verdict"] = enums["evidenceVerdict"].show(string(e.Verdict), v.all)
	g["remediationStatus"] = enums["evidenceRemediationStatus"].show(string(e.RemediationStatus), v.all)
	g["remediationStatusDetails"] = text(e.RemediationDetails)
	roles := make([]string, 0, len(e.Roles))
	for _, r := range e.Roles {
		roles = append(roles, enums["evidenceRole"].show(string(r), v.all))
	}
	g["roles"] = roles
	g["detailedRoles"] = list(e.DetailedRoles)
	g["tags"] = list(e.Tags)
	return g
}

func comments(cs []tocsin.Comment) []graphComment {
	out := make([]graphComment, 0, len(cs))
	for _, c := range cs {
		out = append(out, graphComment{c.Text, c.CreatedBy, moment(c.Created)})
	}
	return out
}

func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// text is null for the empty string, as Graph has it.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is null for the zero time, and for one that JSON has no form for: a
// single event with a broken clock must not spoil a whole answer.
func moment(t time.Time) *time.Time {
	t = t.UTC()
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return nil
	}
	return &t
}

// list is [] and never null for nothing.
func list[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

// selected keeps the properties that $select names, besides id and the
// annotations. Names that do not exist are left out, as Graph does.
func selected[T any](v T, fields []string) (any, error) {
	if fields == nil {
		return v, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	keep := map[string]json.RawMessage{}
	for name, value := range all {
		if name == "id" || strings.HasPrefix(name, "@") || name == "alerts" {
			keep[name] = value
		}
		for _, f := range fields {
			if strings.EqualFold(f, name) {
				keep[name] = value
			}
		}
	}
	return keep, nil
}
