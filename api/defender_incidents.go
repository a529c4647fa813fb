package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Defender's own interface of incidents and alerts, which is older than Graph's
// and flat: for reading, with its names, its page of 100 and its pace.

const defenderTop = 100

var defenderListParams = []param{
	{"$filter", "query", "string", "lastUpdateTime, createdTime, status, assignedTo"},
	{"$top", "query", "integer", "page size, at most 100, which is the default"},
	{"$skip", "query", "integer", "how many to leave out"},
}

var defenderRoutes = []route{
	{id: "defenderIncidents", method: "GET", path: "/api/incidents", verb: tocsin.VerbIncidentRead, tag: "defender",
		doc: "Incidents with their alerts, newest first, as Defender XDR tells them", params: defenderListParams, out: is[defenderIncidentPage](),
		handle: (*API).defenderIncidents, dialect: defenderDialect, slow: true},
	{id: "defenderIncident", method: "GET", path: "/api/incidents/{id}", verb: tocsin.VerbIncidentRead, tag: "defender",
		doc: "One incident with its alerts, as Defender XDR tells it", out: is[defenderIncident](),
		handle: (*API).defenderIncident, dialect: defenderDialect, slow: true},
	{id: "defenderAlerts", method: "GET", path: "/api/alerts", verb: tocsin.VerbAlertRead, tag: "defender",
		doc: "Alerts, newest first, in the same flat form", params: []param{
			{"$filter", "query", "string", "alertCreationTime, lastUpdateTime, incidentId, status, severity, category"},
			defenderListParams[1], defenderListParams[2]},
		out: is[defenderAlertPage](), handle: (*API).defenderAlerts, dialect: defenderDialect, slow: true},
}

// The allowlists: Defender's name in lower case, and the store's property.
var (
	defenderIncidentProperties = properties{
		"lastupdatetime": {name: "lastUpdateDateTime", kind: kindTime},
		"createdtime":    {name: "createdDateTime", kind: kindTime},
		"status":         {name: "status", kind: kindEnum, enum: "incidentStatus"},
		"assignedto":     {name: "assignedTo", kind: kindText, null: true},
	}
	defenderAlertProperties = properties{
		"alertcreationtime": {name: "createdDateTime", kind: kindTime},
		"lastupdatetime":    {name: "lastUpdateDateTime", kind: kindTime},
		"incidentid":        {name: "incidentId", kind: kindNumber},
		"status":            {name: "status", kind: kindEnum, enum: "alertStatus"},
		"severity":          {name: "severity", kind: kindEnum, enum: "alertSeverity"},
		"category":          {name: "category", kind: kindText},
	}
)

type defenderIncidentPage struct {
	ODataContext string             `json:"@odata.context"`
	Value        []defenderIncident `json:"value"`
}

type defenderAlertPage struct {
	ODataContext string          `json:"@odata.context"`
	Value        []defenderAlert `json:"value"`
}

type defenderIncident struct {
	IncidentID         int64             `json:"incidentId"`
	RedirectIncidentID *int64            `json:"redirectIncidentId"`
	IncidentName       string            `json:"incidentName"`
	CreatedTime        *time.Time        `json:"createdTime"`
	LastUpdateTime     *time.Time        `json:"lastUpdateTime"`
	AssignedTo         *string           `json:"assignedTo"`
	Classification     string            `json:"classification"`
	Determination      string            `json:"determination"`
	DetectionSource    string            `json:"detectionSource"`
	Status             string            `json:"status"`
	Severity           string            `json:"severity"`
	Tags               []string          `json:"tags"`
	Comments           []defenderComment `json:"comments"`
	Alerts             []defenderAlert   `json:"alerts"`
}

type defenderComment struct {
	Comment   string     `json:"comment"`
	CreatedBy string     `json:"createdBy"`
	Created   *time.Time `json:"createdTime"`
}

type defenderAlert struct {
	AlertID            string           `json:"alertId"`
	IncidentID         int64            `json:"incidentId"`
	ServiceSource      string           `json:"serviceSource"`
	CreationTime       *time.Time       `json:"creationTime"`
	LastUpdatedTime    *time.Time       `json:"lastUpdatedTime"`
	ResolvedTime       *time.Time       `json:"resolvedTime"`
	FirstActivity      *time.Time       `json:"firstActivity"`
	LastActivity       *time.Time       `json:"lastActivity"`
	Title              string           `json:"title"`
	Description        string           `json:"description"`
	Category           string           `json:"category"`
	Status             string           `json:"status" one:"New,Active,Resolved"`
	Severity           string           `json:"severity"`
	InvestigationID    *int64           `json:"investigationId"`
	InvestigationState string           `json:"investigationState"`
	Classification     string           `json:"classification"`
	Determination      string           `json:"determination"`
	DetectionSource    string           `json:"detectionSource"`
	AssignedTo         *string          `json:"assignedTo"`
	ActorName          *string          `json:"actorName"`
	ThreatFamilyName   *string          `json:"threatFamilyName"`
	MitreTechniques    []string         `json:"mitreTechniques"`
	Devices            []defenderDevice `json:"devices"`
	Entities           []map[string]any `json:"entities"`
}

// defenderDevice has Defender's own spelling: DeviceId.
type defenderDevice struct {
	DeviceID      *string    `json:"DeviceId"`
	AADDeviceID   *string    `json:"aadDeviceId"`
	DeviceDNSName *string    `json:"deviceDnsName"`
	OSPlatform    *string    `json:"osPlatform"`
	OSBuild       *string    `json:"osBuild"`
	RBACGroupName *string    `json:"rbacGroupName"`
	FirstSeen     *time.Time `json:"firstSeen"`
	HealthStatus  *string    `json:"healthStatus"`
	RiskScore     *string    `json:"riskScore"`
}

// defenderList reads the options that Defender's lists take; others are errors,
// and so is a page beyond its limit.
func defenderList(r *http.Request, allowed properties) (tocsin.Query, error) {
	for name := range r.URL.Query() {
		switch strings.TrimPrefix(strings.ToLower(name), "$") {
		case "filter", "top", "skip":
		default:
			return tocsin.Query{}, defenderOption("The query option " + name + " is not supported.")
		}
	}
	o, err := parseList(r, allowed, nil)
	if err != nil {
		return o.query, &httpError{status: http.StatusBadRequest, code: "ODataError", err: err}
	}
	if !r.URL.Query().Has("$top") && !r.URL.Query().Has("top") {
		o.query.Top = defenderTop
	}
	if o.query.Top > defenderTop {
		return o.query, defenderOption("The limit of '100' for Top query has been exceeded.")
	}
	return o.query, nil
}

func defenderOption(msg string) error {
	return &httpError{status: http.StatusBadRequest, code: "ODataError", err: tocsin.Errorf(tocsin.CodeInvalid, "%s", msg)}
}

func (a *API) defenderIncidents(w http.ResponseWriter, r *http.Request) error {
	q, err := defenderList(r, defenderIncidentProperties)
	if err != nil {
		return err
	}
	// Alerts are part of every answer here, and need their own permission.
	if err := a.mayExpand(r, true); err != nil {
		return err
	}
	q.Expand = []string{"alerts"}
	page, err := a.cfg.Cases.Incidents(r.Context(), q)
	if err != nil {
		return err
	}
	out := defenderIncidentPage{ODataContext: a.base(r) + "/api/$metadata#Incidents", Value: make([]defenderIncident, 0, len(page.Incidents))}
	for i := range page.Incidents {
		out.Value = append(out.Value, defenderIncidentOf(&page.Incidents[i]))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) defenderIncident(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	if err := a.mayExpand(r, true); err != nil {
		return err
	}
	inc, err := a.cfg.Cases.Incident(r.Context(), id, true)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, defenderIncidentOf(&inc))
}

func (a *API) defenderAlerts(w http.ResponseWriter, r *http.Request) error {
	q, err := defenderList(r, defenderAlertProperties)
	if err != nil {
		return err
	}
	page, err := a.cfg.Cases.Alerts(r.Context(), q)
	if err != nil {
		return err
	}
	out := defenderAlertPage{ODataContext: a.base(r) + "/api/$metadata#Alerts", Value: make([]defenderAlert, 0, len(page.Alerts))}
	for i := range page.Alerts {
		out.Value = append(out.Value, defenderAlertOf(&page.Alerts[i]))
	}
	return writeJSON(w, http.StatusOK, out)
}

// pascal is a member of an enum as Defender spells it: TruePositive. What is
// not known is Unknown.
func pascal(s string) string {
	if s == "" {
		return "Unknown"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// defenderDetermination has the two members that Defender calls otherwise.
func defenderDetermination(d tocsin.Determination) string {
	switch d {
	case tocsin.DetNotMalicious:
		return "Clean"
	case tocsin.DetUnknown, "":
		return "NotAvailable"
	case tocsin.Determination("notEnoughDataToValidate"):
		return "NoEnoughDataToValidate"
	}
	return pascal(string(d))
}

func defenderIncidentOf(i *tocsin.Incident) defenderIncident {
	out := defenderIncident{IncidentID: i.ID, IncidentName: i.DisplayName, CreatedTime: moment(i.Created), LastUpdateTime: moment(i.LastUpdate),
		AssignedTo: text(i.AssignedTo), Classification: pascal(string(i.Classification)), Determination: defenderDetermination(i.Determination),
		DetectionSource: "Unknown", Status: pascal(string(i.Status)), Severity: pascal(string(i.Severity)),
		Tags: append(list(i.SystemTags), i.CustomTags...), Comments: []defenderComment{}, Alerts: make([]defenderAlert, 0, len(i.Alerts))}
	if i.RedirectID != 0 {
		out.RedirectIncidentID = &i.RedirectID
	}
	if len(i.DetectionSources) > 0 {
		out.DetectionSource = pascal(string(i.DetectionSources[0]))
	}
	for _, c := range i.Comments {
		out.Comments = append(out.Comments, defenderComment{c.Text, c.CreatedBy, moment(c.Created)})
	}
	for n := range i.Alerts {
		out.Alerts = append(out.Alerts, defenderAlertOf(&i.Alerts[n]))
	}
	return out
}

func defenderAlertOf(a *tocsin.Alert) defenderAlert {
	status := map[tocsin.AlertStatus]string{tocsin.AlertNew: "New", tocsin.AlertInProgress: "Active", tocsin.AlertResolved: "Resolved"}[a.Status]
	if status == "" {
		status = "New"
	}
	severity := pascal(string(a.Severity))
	if a.Severity == tocsin.SeverityUnknown {
		severity = "UnSpecified"
	}
	out := defenderAlert{AlertID: a.ID, IncidentID: a.IncidentID, ServiceSource: defenderProduct(a.ServiceSource), CreationTime: moment(a.Created),
		LastUpdatedTime: moment(a.LastUpdate), ResolvedTime: moment(a.Resolved), FirstActivity: moment(a.FirstActivity), LastActivity: moment(a.LastActivity),
		Title: a.Title, Description: a.Description, Category: a.Category, Status: status, Severity: severity,
		InvestigationState: pascal(string(a.InvestigationState)), Classification: pascal(string(a.Classification)), Determination: defenderDetermination(a.Determination),
		DetectionSource: pascal(string(a.DetectionSource)), AssignedTo: text(a.AssignedTo), ActorName: text(a.ActorDisplayName),
		ThreatFamilyName: text(a.ThreatFamilyName), MitreTechniques: list(a.Techniques), Devices: []defenderDevice{}, Entities: []map[string]any{}}
	for n := range a.Evidence {
		e := &a.Evidence[n]
		if e.Type == tocsin.EvDevice {
			out.Devices = append(out.Devices, defenderDevice{DeviceID: text(e.Str("mdeDeviceId")), AADDeviceID: text(e.Str("azureAdDeviceId")),
				DeviceDNSName: text(e.Str("deviceDnsName")), OSPlatform: text(e.Str("osPlatform")), OSBuild: text(e.Str("osBuild")),
				RBACGroupName: text(e.Str("rbacGroupName")), HealthStatus: word(e.Str("healthStatus")), RiskScore: word(e.Str("riskScore"))})
			continue
		}
		if flat := defenderEntity(e); flat != nil {
			out.Entities = append(out.Entities, flat)
		}
	}
	return out
}

func word(s string) *string {
	if s == "" {
		return nil
	}
	return text(pascal(s))
}

// defenderProduct is a service source by the name that Defender's older
// interface has for it.
func defenderProduct(s tocsin.ServiceSource) string {
	switch s {
	case tocsin.SourceEndpoint:
		return "MicrosoftDefenderForEndpoint"
	case tocsin.SourceIdentity:
		return "MicrosoftDefenderForIdentity"
	}
	if s == "microsoftDefenderForCloudApps" {
		return "MicrosoftCloudAppSecurity"
	}
	return pascal(string(s))
}

// defenderEntities says which of an evidence's properties each flat entity has:
// its name there, then where the value may be.
var defenderEntities = map[tocsin.EvidenceType]struct {
	kind   string
	fields [][]string
}{
	tocsin.EvUser: {"User", [][]string{{"accountName", "userAccount.accountName"}, {"domainName", "userAccount.domainName"}, {"userSid", "userAccount.userSid"},
		{"aadUserId", "userAccount.azureAdUserId"}, {"userPrincipalName", "userAccount.userPrincipalName"}}},
	tocsin.EvIP:  {"Ip", [][]string{{"ipAddress", "ipAddress"}}},
	tocsin.EvURL: {"Url", [][]string{{"url", "url"}}},
	tocsin.EvFile: {"File", [][]string{{"sha1", "fileDetails.sha1"}, {"sha256", "fileDetails.sha256"}, {"fileName", "fileDetails.fileName"},
		{"filePath", "fileDetails.filePath"}, {"deviceId", "mdeDeviceId"}}},
	tocsin.EvProcess: {"Process", [][]string{{"sha1", "imageFile.sha1"}, {"sha256", "imageFile.sha256"}, {"fileName", "imageFile.fileName"}, {"filePath", "imageFile.filePath"},
		{"processId", "processId"}, {"processCommandLine", "processCommandLine"}, {"processCreationTime", "processCreationDateTime"},
		{"parentProcessId", "parentProcessId"}, {"parentProcessCreationTime", "parentProcessCreationDateTime"},
		{"accountName", "userAccount.accountName"}, {"domainName", "userAccount.domainName"}, {"userPrincipalName", "userAccount.userPrincipalName"}, {"deviceId", "mdeDeviceId"}}},
	tocsin.EvMailbox: {"MailBox", [][]string{{"mailboxDisplayName", "displayName"}, {"mailboxAddress", "primaryAddress"}, {"userPrincipalName", "userAccount.userPrincipalName"}}},
	tocsin.EvAnalyzedMessage: {"MailMessage", [][]string{{"sender", "p2Sender.emailAddress", "p1Sender.emailAddress"}, {"recipient", "recipientEmailAddress"},
		{"subject", "subject"}, {"deliveryAction", "deliveryAction"}}},
	tocsin.EvMailCluster:   {"MailCluster", [][]string{{"clusterBy", "clusterBy"}}},
	tocsin.EvSecurityGroup: {"SecurityGroup", [][]string{{"securityGroupId", "securityGroupId"}, {"securityGroupName", "displayName"}}},
	tocsin.EvRegistryKey:   {"Registry", [][]string{{"registryHive", "registryHive"}, {"registryKey", "registryKey"}}},
	tocsin.EvRegistryValue: {"Registry", [][]string{{"registryHive", "registryHive"}, {"registryKey", "registryKey"}, {"registryValueType", "registryValueType"},
		{"registryValue", "registryValue"}}},
}

// numbers are the fields that are numbers there.
var defenderNumbers = []string{"processId", "parentProcessId"}

// defenderEntity is an evidence as a flat entity, nil for a type that Defender's
// older interface does not know.
func defenderEntity(e *tocsin.Evidence) map[string]any {
	spec, known := defenderEntities[e.Type]
	if !known {
		return nil
	}
	out := map[string]any{"entityType": spec.kind, "evidenceCreationTime": moment(e.Created), "verdict": pascal(string(e.Verdict)),
		"remediationStatus": pascal(string(e.RemediationStatus))}
	for _, f := range spec.fields {
		for _, from := range f[1:] {
			v := e.Str(from)
			if v == "" {
				continue
			}
			out[f[0]] = v
			if slices.Contains(defenderNumbers, f[0]) {
				if n, err := strconv.ParseInt(v, 10, 64); err == nil {
					out[f[0]] = n
				}
			}
			break
		}
	}
	return out
}
