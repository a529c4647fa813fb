package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// incidentProperties are what incidents can be filtered and ordered by, with
// Graph's names. Our own are under tocsin/, where they stand in the answer.
var incidentProperties = newProperties(
	property{name: "id", kind: kindNumber, sort: true},
	property{name: "displayName", kind: kindText, sort: true},
	property{name: "severity", kind: kindEnum, enum: "alertSeverity", sort: true},
	property{name: "status", kind: kindEnum, enum: "incidentStatus", sort: true},
	property{name: "assignedTo", kind: kindText, sort: true, null: true},
	property{name: "classification", kind: kindEnum, enum: "alertClassification", sort: true, null: true},
	property{name: "determination", kind: kindEnum, enum: "alertDetermination", sort: true, null: true},
	property{name: "createdDateTime", kind: kindTime, sort: true},
	property{name: "lastUpdateDateTime", kind: kindTime, sort: true},
	property{name: "redirectIncidentId", kind: kindNumber},
	property{name: "priorityScore", kind: kindNumber, sort: true},
	property{name: "customTags", kind: kindTexts},
	property{name: "systemTags", kind: kindTexts},
	property{name: "tocsin/alertCount", kind: kindNumber, sort: true},
	property{name: "tocsin/activeAlertCount", kind: kindNumber, sort: true},
	property{name: "tocsin/firstActivityDateTime", kind: kindTime, sort: true},
	property{name: "tocsin/lastActivityDateTime", kind: kindTime, sort: true},
	property{name: "tocsin/serviceSources", kind: kindTexts, enum: "serviceSource"},
	property{name: "tocsin/detectionSources", kind: kindTexts},
	property{name: "tocsin/categories", kind: kindTexts},
	property{name: "tocsin/techniques", kind: kindTexts},
	property{name: "tocsin/multiple", kind: kindTexts},
	property{name: "tocsin/updatedBy", kind: kindTexts},
	property{name: "tocsin/deviceGroups", kind: kindTexts},
	property{name: "tocsin/productNames", kind: kindTexts},
	property{name: "tocsin/alertPolicies", kind: kindTexts},
	property{name: "tocsin/investigationStates", kind: kindTexts, enum: "investigationState"},
	property{name: "tocsin/threats", kind: kindTexts},
	property{name: "tocsin/osPlatforms", kind: kindTexts},
	property{name: "tocsin/sensitivityLabels", kind: kindTexts},
	property{name: "tocsin/dataStreams", kind: kindTexts},
	property{name: "tocsin/workspaces", kind: kindTexts},
	property{name: "tocsin/subscriptionIds", kind: kindTexts},
	property{name: "tocsin/assets", kind: kindTexts},
	property{name: "tocsin/assetTypes", kind: kindTexts},
	property{name: "tocsin/alertClassifications", kind: kindTexts, enum: "alertClassification"},
	property{name: "tocsin/alertDeterminations", kind: kindTexts, enum: "alertDetermination"},
	property{name: "tocsin/alertTitles", kind: kindTexts},
)

// alertProperties are the same of alerts.
var alertProperties = newProperties(
	property{name: "id", kind: kindText},
	property{name: "providerAlertId", kind: kindText},
	property{name: "incidentId", kind: kindNumber, sort: true},
	property{name: "title", kind: kindText, sort: true},
	property{name: "severity", kind: kindEnum, enum: "alertSeverity", sort: true},
	property{name: "status", kind: kindEnum, enum: "alertStatus", sort: true},
	property{name: "assignedTo", kind: kindText, sort: true, null: true},
	property{name: "classification", kind: kindEnum, enum: "alertClassification", sort: true, null: true},
	property{name: "determination", kind: kindEnum, enum: "alertDetermination", sort: true, null: true},
	property{name: "serviceSource", kind: kindEnum, enum: "serviceSource", sort: true},
	property{name: "detectionSource", kind: kindText, sort: true},
	property{name: "detectorId", kind: kindText},
	property{name: "productName", kind: kindText},
	property{name: "category", kind: kindText, sort: true},
	property{name: "createdDateTime", kind: kindTime, sort: true},
	property{name: "lastUpdateDateTime", kind: kindTime, sort: true},
	property{name: "firstActivityDateTime", kind: kindTime, sort: true},
	property{name: "lastActivityDateTime", kind: kindTime, sort: true},
	property{name: "resolvedDateTime", kind: kindTime, sort: true, null: true},
	property{name: "categories", kind: kindTexts},
	property{name: "mitreTechniques", kind: kindTexts},
	property{name: "systemTags", kind: kindTexts},
	property{name: "tocsin/count", kind: kindNumber, sort: true},
	property{name: "tocsin/alertPolicies", kind: kindTexts},
	property{name: "tocsin/investigationStates", kind: kindTexts, enum: "investigationState"},
	property{name: "tocsin/threats", kind: kindTexts},
	property{name: "tocsin/osPlatforms", kind: kindTexts},
	property{name: "tocsin/sensitivityLabels", kind: kindTexts},
	property{name: "tocsin/dataStreams", kind: kindTexts},
	property{name: "tocsin/workspaces", kind: kindTexts},
	property{name: "tocsin/subscriptionIds", kind: kindTexts},
	property{name: "tocsin/entities", kind: kindTexts},
	property{name: "tocsin/incidentTags", kind: kindTexts},
	property{name: "tocsin/deviceGroups", kind: kindTexts},
)

// Bodies as openapi.json describes them. Requests are read by patch.go, which
// tells read-only properties from unknown ones.
type incidentPatch struct {
	DisplayName      string   `json:"displayName,omitempty"`
	Description      *string  `json:"description,omitempty"`
	AssignedTo       *string  `json:"assignedTo,omitempty"`
	Severity         string   `json:"severity,omitempty" enum:"alertSeverity"`
	Status           string   `json:"status,omitempty" enum:"incidentStatus"`
	Classification   string   `json:"classification,omitempty" enum:"alertClassification"`
	Determination    string   `json:"determination,omitempty" enum:"alertDetermination"`
	CustomTags       []string `json:"customTags,omitempty"`
	ResolvingComment *string  `json:"resolvingComment,omitempty"`
	Summary          *string  `json:"summary,omitempty"`
}

type alertPatch struct {
	Status         string  `json:"status,omitempty" enum:"alertStatus"`
	Classification string  `json:"classification,omitempty" enum:"alertClassification"`
	Determination  string  `json:"determination,omitempty" enum:"alertDetermination"`
	AssignedTo     *string `json:"assignedTo,omitempty"`
}

type commentBody struct {
	Type    string `json:"@odata.type,omitempty"`
	Comment string `json:"comment"`
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

// writeGraph answers with the content type that Graph clients look at.
func writeGraph(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v) // before the status line, so that a failure is still a 500
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.Header().Set("OData-Version", "4.0")
	_, err = w.Write(body)
	return err
}

func incidentID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, tocsin.Errorf(tocsin.CodeNotFound, "there is no incident %q", r.PathValue("id"))
	}
	return id, nil
}

func writePage[T any](w http.ResponseWriter, r *http.Request, v view, name string, o listOptions, items []T, total int64, more bool) error {
	page := graphPage[any]{ODataContext: v.context(name), Value: make([]any, 0, len(items))}
	for _, it := range items {
		s, err := selected(it, o.fields)
		if err != nil {
			return err
		}
		page.Value = append(page.Value, s)
	}
	if o.query.Count && total >= 0 {
		page.ODataCount = &total
	}
	if next := o.query.Skip + o.query.Top; more && next <= maxSkip {
		page.ODataNextLink = nextLink(v.base, r, next)
	}
	return writeGraph(w, page)
}

func (a *API) listIncidents(w http.ResponseWriter, r *http.Request) error {
	o, err := parseList(r, incidentProperties, []string{"alerts"})
	if err != nil {
		return err
	}
	expand := slices.Contains(o.query.Expand, "alerts")
	if err := a.mayExpand(r, expand); err != nil {
		return err
	}
	page, err := a.cfg.Cases.Incidents(r.Context(), o.query)
	if err != nil {
		return err
	}
	v := a.view(r)
	items := make([]graphIncident, 0, len(page.Incidents))
	for i := range page.Incidents {
		if expand {
			items = append(items, v.expanded(&page.Incidents[i]))
		} else {
			items = append(items, v.incident(&page.Incidents[i]))
		}
	}
	return writePage(w, r, v, "security/incidents", o, items, page.Total, page.More)
}

// mayExpand checks the permission that the alerts of an incident need when
// they are asked for by another way than their own.
func (a *API) mayExpand(r *http.Request, expand bool) error {
	if !expand {
		return nil
	}
	return tocsin.Allow(whoIs(r), tocsin.VerbAlertRead)
}

func (a *API) getIncident(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	o, err := parseSingle(r, []string{"alerts"})
	if err != nil {
		return err
	}
	expand := len(o.query.Expand) > 0
	if err := a.mayExpand(r, expand); err != nil {
		return err
	}
	inc, err := a.cfg.Cases.Incident(r.Context(), id, expand)
	if err != nil {
		return err
	}
	v := a.view(r)
	g := v.incident(&inc)
	if expand {
		g = v.expanded(&inc)
	}
	return a.writeIncident(w, v, g, o.fields)
}

func (a *API) writeIncident(w http.ResponseWriter, v view, g graphIncident, fields []string) error {
	g.ODataContext = v.context("security/incidents/$entity")
	w.Header().Set("ETag", g.ODataEtag)
	s, err := selected(g, fields)
	if err != nil {
		return err
	}
	return writeGraph(w, s)
}

// parseSingle reads the options of a request for one thing.
func parseSingle(r *http.Request, expands []string) (listOptions, error) {
	o, err := parseList(r, nil, expands)
	if err != nil {
		return o, err
	}
	q := o.query
	if q.Filter != nil || q.OrderBy != nil || q.Search != "" || q.Count || q.Skip != 0 || q.Top != defaultTop {
		return o, tocsin.Errorf(tocsin.CodeInvalid, "only $select and $expand go with a single item")
	}
	return o, nil
}

func (a *API) patchIncident(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	u, err := parseIncidentPatch(raw)
	if err != nil {
		return err
	}
	if u.IfVersion, err = ifMatch(r); err != nil {
		return err
	}
	inc, err := a.cfg.Cases.UpdateIncident(r.Context(), id, u)
	if err != nil {
		return conflict(err, u.IfVersion)
	}
	v := a.view(r)
	return a.writeIncident(w, v, v.incident(&inc), nil)
}

// conflict makes a failed If-Match the 412 that HTTP has for it; an illegal
// move of a state stays a 409.
func conflict(err error, ifVersion int64) error {
	// What others changed meanwhile is a conflict of properties, which the answer
	// names; a version that never was is a failed condition.
	if c := cases.AsConflict(err); ifVersion != 0 && c != nil && len(c.Fields) == 0 {
		return &httpError{status: http.StatusPreconditionFailed, err: err}
	}
	return err
}

func (a *API) commentIncident(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	comment, err := parseComment(raw)
	if err != nil {
		return err
	}
	all, err := a.cfg.Cases.CommentIncident(r.Context(), id, comment)
	if err != nil {
		return err
	}
	v := a.view(r)
	return writeGraph(w, graphPage[graphComment]{ODataContext: v.context("Collection(microsoft.graph.security.alertComment)"), Value: comments(all)})
}

func (a *API) listAlerts(w http.ResponseWriter, r *http.Request) error {
	o, err := parseList(r, alertProperties, nil)
	if err != nil {
		return err
	}
	page, err := a.cfg.Cases.Alerts(r.Context(), o.query)
	if err != nil {
		return err
	}
	v := a.view(r)
	items := make([]graphAlert, 0, len(page.Alerts))
	for i := range page.Alerts {
		items = append(items, v.alert(&page.Alerts[i]))
	}
	return writePage(w, r, v, "security/alerts_v2", o, items, page.Total, page.More)
}

func (a *API) getAlert(w http.ResponseWriter, r *http.Request) error {
	o, err := parseSingle(r, nil)
	if err != nil {
		return err
	}
	al, err := a.cfg.Cases.Alert(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := a.view(r)
	return a.writeAlert(w, v, v.alert(&al), o.fields)
}

func (a *API) writeAlert(w http.ResponseWriter, v view, g graphAlert, fields []string) error {
	g.ODataContext = v.context("security/alerts_v2/$entity")
	w.Header().Set("ETag", g.ODataEtag)
	s, err := selected(g, fields)
	if err != nil {
		return err
	}
	return writeGraph(w, s)
}

func (a *API) patchAlert(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	u, err := parseAlertPatch(raw)
	if err != nil {
		return err
	}
	if u.IfVersion, err = ifMatch(r); err != nil {
		return err
	}
	al, err := a.cfg.Cases.UpdateAlert(r.Context(), r.PathValue("id"), u)
	if err != nil {
		return conflict(err, u.IfVersion)
	}
	v := a.view(r)
	return a.writeAlert(w, v, v.alert(&al), nil)
}

func (a *API) commentAlert(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	comment, err := parseComment(raw)
	if err != nil {
		return err
	}
	all, err := a.cfg.Cases.CommentAlert(r.Context(), r.PathValue("id"), comment)
	if err != nil {
		return err
	}
	v := a.view(r)
	return writeGraph(w, graphPage[graphComment]{ODataContext: v.context("Collection(microsoft.graph.security.alertComment)"), Value: comments(all)})
}

var errMissingPart = errors.New("part not configured")

// missing is the answer for a part that this server runs without.
func missing(what string) error {
	return &tocsin.Error{Code: tocsin.CodeUnavailable, Msg: what + " is not available on this server", Err: errMissingPart}
}
