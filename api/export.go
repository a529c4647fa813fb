package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

var exportParams = []param{
	{"$filter", "query", "string", "OData filter over the properties of the allowlist"},
	{"$search", "query", "string", "text in names, ids and entities"},
	{"$orderby", "query", "string", "properties with asc or desc"},
	{"columns", "query", "string", "columns in their order, separated by commas; all when absent"},
}

var exportRoutes = []route{
	{id: "exportIncidents", method: "GET", path: "/api/v1/incidents/export", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc:    "The incidents that a filter finds as CSV, at most 10,000; the header Tocsin-Total says how many there are and Tocsin-Rows how many follow",
		params: exportParams, outIs: "text/csv", handle: (*API).exportIncidents, stream: true},
	{id: "exportAlerts", method: "GET", path: "/api/v1/alerts/export", verb: tocsin.VerbAlertRead, tag: "cases",
		doc:    "The alerts that a filter finds as CSV, at most 10,000; the header Tocsin-Total says how many there are and Tocsin-Rows how many follow",
		params: exportParams, outIs: "text/csv", handle: (*API).exportAlerts, stream: true},
}

// csvColumn is a column of a queue as it is exported.
type csvColumn[T any] struct {
	id, title string
	cell      func(*T) string
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func csvList[T ~string](in []T) string { return strings.Join(list(in), "; ") }

func incidentLabel(kind tocsin.LabelKind) func(*tocsin.Incident) string {
	return func(i *tocsin.Incident) string { return strings.Join(i.Labels[kind], "; ") }
}

// incidentColumns have the ids that the portal gives its columns.
var incidentColumns = []csvColumn[tocsin.Incident]{
	{"id", "ID", func(i *tocsin.Incident) string { return strconv.FormatInt(i.ID, 10) }},
	{"name", "Incident name", func(i *tocsin.Incident) string { return i.DisplayName }},
	{"priority", "Priority score", func(i *tocsin.Incident) string { return strconv.Itoa(i.Score) }},
	{"severity", "Severity", func(i *tocsin.Incident) string { return string(i.Severity) }},
	{"status", "Status", func(i *tocsin.Incident) string { return string(i.Status) }},
	{"investigation", "Investigation state", incidentLabel(tocsin.LabelInvestigations)},
	{"alerts", "Active alerts", func(i *tocsin.Incident) string { return fmt.Sprintf("%d of %d", i.ActiveAlerts, i.AlertCount) }},
	{"assets", "Impacted assets", func(i *tocsin.Incident) string {
		names := make([]string, 0, len(i.Assets))
		for _, a := range i.Assets {
			names = append(names, a.Name)
		}
		if more := i.AssetCounts.Total() - len(names); more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		return strings.Join(names, "; ")
	}},
	{"categories", "Categories", func(i *tocsin.Incident) string { return csvList(i.Categories) }},
	{"sources", "Service sources", func(i *tocsin.Incident) string { return csvList(i.ServiceSources) }},
	{"detections", "Detection sources", func(i *tocsin.Incident) string { return csvList(i.DetectionSources) }},
	{"products", "Product names", incidentLabel(tocsin.LabelProducts)},
	{"tags", "Tags", func(i *tocsin.Incident) string {
		return strings.Join(append(append([]string{}, i.SystemTags...), i.CustomTags...), "; ")
	}},
	{"first", "First activity", func(i *tocsin.Incident) string { return csvTime(i.FirstActivity) }},
	{"last", "Last activity", func(i *tocsin.Incident) string { return csvTime(i.LastActivity) }},
	{"updated", "Last update", func(i *tocsin.Incident) string { return csvTime(i.LastUpdate) }},
	{"created", "Created", func(i *tocsin.Incident) string { return csvTime(i.Created) }},
	{"sensitivity", "Data sensitivity", incidentLabel(tocsin.LabelSensitivity)},
	{"owner", "Assigned to", func(i *tocsin.Incident) string { return i.AssignedTo }},
	{"classification", "Classification", func(i *tocsin.Incident) string { return string(i.Classification) }},
	{"determination", "Determination", func(i *tocsin.Incident) string { return string(i.Determination) }},
	{"groups", "Device groups", incidentLabel(tocsin.LabelDeviceGroups)},
	{"os", "OS platforms", incidentLabel(tocsin.LabelOSPlatforms)},
	{"workspaces", "Workspaces", incidentLabel(tocsin.LabelWorkspaces)},
	{"streams", "Data streams", incidentLabel(tocsin.LabelDataStreams)},
	{"subscriptions", "Subscription IDs", incidentLabel(tocsin.LabelSubscriptions)},
	{"threats", "Associated threats", incidentLabel(tocsin.LabelThreats)},
	{"updatedBy", "Last updated by", func(i *tocsin.Incident) string { return i.LastModifiedBy }},
	{"policies", "Alert policies", incidentLabel(tocsin.LabelPolicies)},
}

func alertAssets(a *tocsin.Alert, want func(tocsin.EntityType) bool) string {
	s := tocsin.LabelSet{}
	for i := range a.Evidence {
		if want(a.Evidence[i].Entity()) {
			s.AddAssets(a.Evidence[i : i+1])
		}
	}
	return strings.Join(s.Labels()[tocsin.LabelAssets], "; ")
}

var alertColumns = []csvColumn[tocsin.Alert]{
	{"name", "Alert name", func(a *tocsin.Alert) string { return a.Title }},
	{"id", "Alert ID", func(a *tocsin.Alert) string { return a.ID }},
	{"tags", "Tags", func(a *tocsin.Alert) string { return strings.Join(a.SystemTags, "; ") }},
	{"severity", "Severity", func(a *tocsin.Alert) string { return string(a.Severity) }},
	{"incident", "Incident name", func(a *tocsin.Alert) string { return a.IncidentName }},
	{"incidentId", "Incident ID", func(a *tocsin.Alert) string { return strconv.FormatInt(a.IncidentID, 10) }},
	{"status", "Status", func(a *tocsin.Alert) string { return string(a.Status) }},
	{"category", "Category", func(a *tocsin.Alert) string { return csvList(a.Categories) }},
	{"assets", "Impacted assets", func(a *tocsin.Alert) string {
		return alertAssets(a, func(tocsin.EntityType) bool { return true })
	}},
	{"user", "User", func(a *tocsin.Alert) string {
		return alertAssets(a, func(t tocsin.EntityType) bool { return t == tocsin.EntityUser })
	}},
	{"source", "Service source", func(a *tocsin.Alert) string { return string(a.ServiceSource) }},
	{"detection", "Detection source", func(a *tocsin.Alert) string { return string(a.DetectionSource) }},
	{"product", "Product name", func(a *tocsin.Alert) string { return a.ProductName }},
	{"investigation", "Investigation state", func(a *tocsin.Alert) string { return string(a.InvestigationState) }},
	{"first", "First activity", func(a *tocsin.Alert) string { return csvTime(a.FirstActivity) }},
	{"last", "Last activity", func(a *tocsin.Alert) string { return csvTime(a.LastActivity) }},
	{"created", "Received", func(a *tocsin.Alert) string { return csvTime(a.Created) }},
	{"classification", "Classification", func(a *tocsin.Alert) string { return string(a.Classification) }},
	{"determination", "Determination", func(a *tocsin.Alert) string { return string(a.Determination) }},
	{"owner", "Assigned to", func(a *tocsin.Alert) string { return a.AssignedTo }},
	{"policy", "Policy or rule", func(a *tocsin.Alert) string { return strings.Join(a.Labels()[tocsin.LabelPolicies], "; ") }},
	{"threats", "Associated threats", func(a *tocsin.Alert) string { return strings.Join(a.Labels()[tocsin.LabelThreats], "; ") }},
	{"subscriptions", "Subscription IDs", func(a *tocsin.Alert) string { return strings.Join(a.Labels()[tocsin.LabelSubscriptions], "; ") }},
	{"stream", "Data stream", func(a *tocsin.Alert) string { return a.DataStream }},
	{"workspace", "Workspace", func(a *tocsin.Alert) string { return a.Workspace }},
	{"sensitivity", "Data sensitivity", func(a *tocsin.Alert) string { return csvList(a.SensitivityLabels) }},
}

// harmless keeps a spreadsheet from taking a text of an attacker for a formula.
func harmless(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// parseExport reads filter, search and order as a list does, and the columns.
func parseExport[T any](r *http.Request, allowed properties, all []csvColumn[T]) (tocsin.Query, []csvColumn[T], error) {
	values := r.URL.Query()
	names := values.Get("columns")
	values.Del("columns")
	bare, u := *r, *r.URL
	u.RawQuery = values.Encode()
	bare.URL = &u
	o, err := parseList(&bare, allowed, nil)
	if err != nil {
		return o.query, nil, err
	}
	if o.query.Top != defaultTop || o.query.Skip != 0 || o.fields != nil {
		return o.query, nil, tocsin.Errorf(tocsin.CodeInvalid, "an export takes $filter, $search, $orderby and columns only")
	}
	if names == "" {
		return o.query, all, nil
	}
	var out []csvColumn[T]
	chosen := map[string]bool{}
	for _, name := range strings.Split(names, ",") {
		name = strings.TrimSpace(name)
		found := false
		for _, c := range all {
			if c.id == name && !chosen[name] {
				out, found, chosen[name] = append(out, c), true, true
			}
		}
		if !found {
			return o.query, nil, tocsin.Errorf(tocsin.CodeInvalid, "there is no column %q to export, or it is named twice", name)
		}
	}
	return o.query, out, nil
}

// csvBody writes the table as its rows come.
type csvBody[T any] struct {
	w       http.ResponseWriter
	out     *csv.Writer
	columns []csvColumn[T]
	name    string
	now     time.Time
	cells   []string
}

func (b *csvBody[T]) begin(total int64, rows int) error {
	h := b.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.csv"`, b.name, b.now.UTC().Format("20060102-150405")))
	h.Set("Tocsin-Total", strconv.FormatInt(total, 10))
	h.Set("Tocsin-Rows", strconv.Itoa(rows))
	b.out = csv.NewWriter(b.w)
	b.cells = make([]string, len(b.columns))
	for i, c := range b.columns {
		b.cells[i] = c.title
	}
	// The mark by which spreadsheets know UTF-8.
	if _, err := b.w.Write([]byte("\xef\xbb\xbf")); err != nil {
		return err
	}
	return b.out.Write(b.cells)
}

func (b *csvBody[T]) row(v *T) error {
	for i, c := range b.columns {
		b.cells[i] = harmless(c.cell(v))
	}
	return b.out.Write(b.cells)
}

func (b *csvBody[T]) end() error {
	b.out.Flush()
	return b.out.Error()
}

func (a *API) exportIncidents(w http.ResponseWriter, r *http.Request) error {
	q, columns, err := parseExport(r, incidentProperties, incidentColumns)
	if err != nil {
		return err
	}
	b := csvBody[tocsin.Incident]{w: w, columns: columns, name: "incidents", now: a.now()}
	if err := a.cfg.Cases.ExportIncidents(r.Context(), q, b.begin, b.row); err != nil {
		return err
	}
	return b.end()
}

func (a *API) exportAlerts(w http.ResponseWriter, r *http.Request) error {
	q, columns, err := parseExport(r, alertProperties, alertColumns)
	if err != nil {
		return err
	}
	b := csvBody[tocsin.Alert]{w: w, columns: columns, name: "alerts", now: a.now()}
	if err := a.cfg.Cases.ExportAlerts(r.Context(), q, b.begin, b.row); err != nil {
		return err
	}
	return b.end()
}
