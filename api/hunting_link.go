package api

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/lake"
)

var linkRoutes = []route{
	{id: "linkHunt", method: "POST", path: "/api/v1/hunting/link", verb: tocsin.VerbAlertWrite, tag: "hunting", status: http.StatusCreated,
		doc: "Makes alerts of rows of a result, one for each combination of impacted entities, in a new incident or in one that is there",
		in:  is[linkBody](), out: is[linkAnswer](), handle: (*API).linkHunt, limit: maxLinkBody},
}

const (
	maxLinkBody = 8 << 20
	maxLinkRows = 5000
	// keptRows and keptRowBytes bound the rows that an alert shows to its
	// readers, keptQuery the query with them.
	keptRows     = 50
	keptRowBytes = 40 << 10
	keptQuery    = 16 << 10
	maxLinkText  = 8000 // characters of a description
)

type linkBody struct {
	Query              string           `json:"query"`
	Title              string           `json:"title"`
	Severity           string           `json:"severity" one:"informational,low,medium,high"`
	Category           string           `json:"category"`
	Description        string           `json:"description,omitempty"`
	RecommendedActions string           `json:"recommendedActions,omitempty"`
	IncidentID         string           `json:"incidentId,omitempty"`
	Rows               []map[string]any `json:"rows"`
	Entities           []linkEntity     `json:"entities,omitempty"`
}

type linkEntity struct {
	Role   string `json:"role" one:"impacted,evidence"`
	Type   string `json:"type"`
	Column string `json:"column"`
}

type linkAnswer struct {
	IncidentID string   `json:"incidentId"`
	AlertIDs   []string `json:"alertIds"`
}

var categoryName = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

func (b *linkBody) check() (incident int64, err error) {
	b.Title = strings.TrimSpace(b.Title)
	switch {
	case b.Title == "":
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "the alert needs a title")
	case utf8.RuneCountInString(b.Title) > tocsin.MaxTitleRunes:
		return 0, tocsin.Errorf(tocsin.CodeLimit, "a title takes at most %d characters", tocsin.MaxTitleRunes)
	case utf8.RuneCountInString(b.Description) > maxLinkText || utf8.RuneCountInString(b.RecommendedActions) > maxLinkText:
		return 0, tocsin.Errorf(tocsin.CodeLimit, "a description takes at most %d characters", maxLinkText)
	case !slices.Contains([]string{"informational", "low", "medium", "high"}, b.Severity):
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "severity is informational, low, medium or high")
	case !categoryName.MatchString(b.Category):
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "category is a word such as Execution")
	case len(b.Rows) == 0:
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "there are no rows to link")
	case len(b.Rows) > maxLinkRows:
		return 0, tocsin.Errorf(tocsin.CodeLimit, "at most %d rows can be linked at once", maxLinkRows)
	}
	for _, e := range b.Entities {
		kinds := cases.EntityKinds(e.Role == "impacted")
		switch {
		case e.Role != "impacted" && e.Role != "evidence":
			return 0, tocsin.Errorf(tocsin.CodeInvalid, "the role of an entity is impacted or evidence")
		case !slices.Contains(kinds, e.Type):
			return 0, tocsin.Errorf(tocsin.CodeInvalid, "%q is no type of entity that can be %s; these are: %s", e.Type, e.Role, strings.Join(kinds, ", "))
		case e.Column == "":
			return 0, tocsin.Errorf(tocsin.CodeInvalid, "an entity needs a column")
		}
	}
	if b.IncidentID == "" {
		return 0, nil
	}
	incident, err = strconv.ParseInt(b.IncidentID, 10, 64)
	if err != nil || incident <= 0 {
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "incidentId is the number of an incident")
	}
	return incident, nil
}

func (a *API) linkHunt(w http.ResponseWriter, r *http.Request) error {
	// Who makes alerts of a result may have asked for it.
	if err := tocsin.Allow(whoIs(r), tocsin.VerbHunt); err != nil {
		return err
	}
	var b linkBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	into, err := b.check()
	if err != nil {
		return err
	}
	groups := b.groups()
	if len(groups) > cases.MaxLinked {
		return tocsin.Errorf(tocsin.CodeLimit, "these rows have %d combinations of impacted entities; at most %d alerts are made at once", len(groups), cases.MaxLinked)
	}
	table := a.linkedTable(r, b.Query)
	call := strings.ToLower(rand.Text())
	alerts := make([]tocsin.Alert, len(groups))
	for i, rows := range groups {
		alerts[i] = b.alert(rows, table, a.now().UTC())
		alerts[i].ExternalID = call + "-" + strconv.Itoa(i+1)
	}
	into, ids, err := a.cfg.Cases.Link(r.Context(), into, alerts)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, linkAnswer{strconv.FormatInt(into, 10), ids})
}

// groups are the rows by distinct combination of impacted entities, in the
// order in which they come.
func (b *linkBody) groups() (groups [][]map[string]any) {
	at := map[string]int{}
	for _, row := range b.Rows {
		var key []byte
		for _, e := range b.Entities {
			if e.Role == "impacted" {
				key = append(appendText(key, strings.ToLower(fmt.Sprint(row[e.Column]))), ',')
			}
		}
		i, ok := at[string(key)]
		if !ok {
			i = len(groups)
			at[string(key)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], row)
	}
	return groups
}

// linkedTable is the one table that a query reads, so that its rows can be
// found again; nil when it reads none, or several, or cannot be read itself.
func (a *API) linkedTable(r *http.Request, query string) *lake.Table {
	if a.cfg.Hunting == nil {
		return nil
	}
	bound, err := a.cfg.Hunting.Check(r.Context(), query, lake.HuntOptions{Interface: huntDoor(r)})
	if err != nil || len(bound.Uses) != 1 {
		return nil
	}
	t, ok := lake.Catalog().Table(bound.Uses[0])
	if !ok || t.Key < 0 || t.Time < 0 {
		return nil
	}
	return t
}

func (b *linkBody) alert(rows []map[string]any, table *lake.Table, now time.Time) tocsin.Alert {
	a := tocsin.Alert{
		Source: "hunting", Title: b.Title, Description: b.Description, RecommendedActions: b.RecommendedActions,
		Severity: tocsin.Severity(b.Severity), Status: tocsin.AlertNew, ServiceSource: tocsin.SourceXDR, DetectionSource: tocsin.DetectionManual,
		ProductName: "Tocsin", Category: b.Category, Count: int64(len(rows)),
		CustomDetails: map[string]any{"query": clip(b.Query, keptQuery), "rowCount": len(rows), "rows": shownRows(rows)},
	}
	seen := map[tocsin.EntityKey]bool{}
	for _, row := range rows {
		at := rowMoment(row)
		if !at.IsZero() && (a.FirstActivity.IsZero() || at.Before(a.FirstActivity)) {
			a.FirstActivity = at
		}
		if at.After(a.LastActivity) {
			a.LastActivity = at
		}
		if ref, ok := linkRef(row, table, at); ok && len(a.Rows) < tocsin.MaxAlertRows && !slices.Contains(a.Rows, ref) {
			a.Rows = append(a.Rows, ref)
		}
		for _, e := range b.Entities {
			ev, ok := cases.EntityOf(e.Type, e.Column, row)
			if !ok {
				continue
			}
			keys := ev.Keys()
			if len(keys) > 0 && seen[keys[0]] {
				continue
			}
			if len(keys) > 0 {
				seen[keys[0]] = true
			}
			ev.Created, ev.Verdict, ev.RemediationStatus = at, tocsin.VerdictSuspicious, tocsin.RemediationNone
			ev.Roles = []tocsin.EvidenceRole{linkRole(e, &ev)}
			a.Evidence = append(a.Evidence, ev)
		}
	}
	if a.LastActivity.IsZero() {
		a.FirstActivity, a.LastActivity = now, now
	}
	return a
}

func linkRole(e linkEntity, ev *tocsin.Evidence) tocsin.EvidenceRole {
	switch {
	case e.Role != "impacted":
		return tocsin.RoleSuspicious
	case ev.Entity() == tocsin.EntityUser:
		return tocsin.RoleCompromised
	}
	return tocsin.RoleAttacked
}

// rowMoment is when what a row tells of happened; zero when it does not say.
func rowMoment(row map[string]any) time.Time {
	for _, name := range []string{"Timestamp", "TimeGenerated"} {
		if text, ok := row[name].(string); ok {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}

// linkRef finds a row of the result in its table.
func linkRef(row map[string]any, table *lake.Table, at time.Time) (tocsin.RowRef, bool) {
	if table == nil || at.IsZero() {
		return tocsin.RowRef{}, false
	}
	ref := tocsin.RowRef{Table: table.Name, Time: at}
	switch key := row[table.Columns[table.Key].Name].(type) {
	case string:
		ref.ReportID = key
	case float64:
		ref.ReportID = strconv.FormatFloat(key, 'f', -1, 64)
	}
	if table.Device >= 0 {
		ref.DeviceID, _ = row["DeviceId"].(string)
		if ref.DeviceID == "" {
			return ref, false
		}
	}
	return ref, ref.ReportID != ""
}

// shownRows are the first rows as the alert keeps them: without what is empty.
func shownRows(rows []map[string]any) []map[string]any {
	out, size := []map[string]any{}, 0
	for _, row := range rows[:min(len(rows), keptRows)] {
		kept := map[string]any{}
		for name, v := range row {
			if v != nil && v != "" {
				kept[name] = v
			}
		}
		text, err := json.Marshal(kept)
		if size += len(text); err != nil || size > keptRowBytes {
			break
		}
		out = append(out, kept)
	}
	return out
}

// clip is text without what is beyond n bytes, in whole characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
