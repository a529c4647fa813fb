package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/lake"
	"github.com/tocsinhq/tocsin/store"
)

// canary is in every name, title, tag, comment and row of the group that the
// reader of this test is not given.
const canary = "zzredcanary"

// split is a house with two device groups, and somebody who is given one.
type split struct {
	*house
	token               string // limited to the group blue
	blue, red           int64  // groups
	in, out, mixed      int64  // incidents: blue alone, red alone, both
	inAlert, outAlert   string
	partAlert           string // of mixed: speaks of devices of both
	hiddenAlert         string // of mixed: red alone
	outMove, mixedMove  int64
	rowTime             time.Time
	inDevice, outDevice string
}

func hostEvidence(name string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvDevice, Props: map[string]any{"hostName": name, "deviceDnsName": name + ".example", "osPlatform": "Os" + name}}
}

func userEvidence(name string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvUser, Props: map[string]any{"userAccount": map[string]any{"accountName": name, "domainName": "corp"}}}
}

func newSplit(t *testing.T) *split {
	t.Helper()
	s := &split{}
	var l *lake.Lake
	s.house = open(t, func(cfg *Config) {
		var err error
		l, err = lake.Open(t.Context(), lake.Config{Dir: t.TempDir(), MemoryLimit: "512MB", Threads: 2, Now: cfg.Now, Log: slog.New(slog.DiscardHandler),
			Devices: func(ctx context.Context) ([]string, []string, error) { return s.store.ScopeDevices(ctx) },
			Live:    map[string]lake.LiveTable{"AlertInfo": s.liveAlertInfo}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		cfg.Lake = l
		cfg.Hunting = &Hunter{Now: cfg.Now, Log: cfg.Log, Engine: l}
	})
	s.api.cfg.Hunting.Store = s.store
	ctx := s.system()
	group := func(name, prefix string) int64 {
		g, err := s.cases.CreateDeviceGroup(ctx, tocsin.DeviceGroup{Name: name,
			Rule: tocsin.DeviceRule{Conditions: []tocsin.DeviceCondition{{Field: tocsin.DeviceFieldName, Operator: tocsin.DeviceStartsWith, Value: prefix}}}})
		if err != nil {
			t.Fatal(err)
		}
		return g.ID
	}
	s.blue, s.red = group("Blue", "blue"), group(canary+" group", canary)
	alert := func(id, title string, evidence ...tocsin.Evidence) (string, int64) {
		got, err := s.cases.Accept(ctx, []tocsin.Alert{{Source: "test", ExternalID: id, Title: title, Description: title, Severity: tocsin.SeverityHigh,
			ServiceSource: tocsin.SourceEndpoint, DetectionSource: "antivirus", ProductName: title, Category: "Execution", DetectorID: id, RuleTitle: title,
			FirstActivity: s.clock.now(), LastActivity: s.clock.now(), Evidence: evidence}})
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
		s.clock.forward(48 * time.Hour)
		return got[0].AlertID, got[0].IncidentID
	}
	process := tocsin.Evidence{Type: tocsin.EvProcess, Device: canary + "-3", UniqueID: canary,
		Props: map[string]any{"processId": int64(7), "imageFile": map[string]any{"fileName": canary + ".exe"}, "processCommandLine": canary + " -x"}}
	s.inAlert, s.in = alert("a1", "Blue tool", hostEvidence("blue-1"), userEvidence("bluesam"))
	s.outAlert, s.out = alert("a2", canary+" beacon", hostEvidence(canary+"-1"), userEvidence(canary+"-user"))
	var with, away int64
	s.partAlert, s.mixed = alert("a3", "Spread", hostEvidence("blue-2"), hostEvidence(canary+"-3"), process)
	s.hiddenAlert, with = alert("a4", canary+" dropper", hostEvidence(canary+"-2"))
	_, away = alert("a5", canary+" stage two", hostEvidence(canary+"-4"))
	merge := func(ids ...int64) int64 {
		_, done, err := s.cases.MergeIncidents(ctx, ids, canary+" together", nil)
		if err != nil {
			t.Fatal(err)
		}
		return done[0].ID
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.mixedMove, s.outMove = merge(s.mixed, with), merge(s.out, away)
	tags, name, owner := []string{canary + " tag"}, canary+" campaign", canary+"-analyst"
	_, err := s.cases.UpdateIncident(ctx, s.out, cases.IncidentUpdate{CustomTags: &tags, DisplayName: &name, Description: &name, Summary: &name, AssignedTo: &owner})
	must(err)
	shown := []string{"Blue tag"}
	_, err = s.cases.UpdateIncident(ctx, s.in, cases.IncidentUpdate{CustomTags: &shown})
	must(err)
	for _, id := range []string{s.outAlert, s.hiddenAlert} {
		_, err = s.cases.CommentAlert(ctx, id, canary+" seen before")
		must(err)
	}
	_, err = s.cases.CommentIncident(ctx, s.out, canary+" says hello")
	must(err)
	s.rowTime, s.inDevice, s.outDevice = s.clock.now().Add(-time.Hour), tocsin.DeviceID("blue-1"), tocsin.DeviceID(canary+"-1")
	b, err := l.NewBatch("DeviceProcessEvents")
	must(err)
	for i, host := range []string{"blue-1", canary + "-1", canary + "-3"} {
		must(b.AppendJSON(fmt.Appendf(nil, `{"Timestamp":%q,"DeviceId":%q,"DeviceName":%q,"FileName":"%s.exe","ReportId":%d}`,
			s.rowTime.Format(time.RFC3339), tocsin.DeviceID(host), host+".example", host, i+1)))
	}
	e, err := l.NewBatch("EmailEvents")
	must(err)
	must(e.AppendJSON(fmt.Appendf(nil, `{"Timestamp":%q,"Subject":%q,"NetworkMessageId":"m1","ReportId":"1"}`, s.rowTime.Format(time.RFC3339), canary)))
	_, err = l.Append(t.Context(), lake.Write{Batches: []*lake.Batch{b, e}})
	must(err)
	_, err = s.store.SaveQuery(ctx, tocsin.SavedQuery{Kind: tocsin.SavedQueryKind, Name: canary, Text: "print '" + canary + "'", Shared: true}, true)
	must(err)
	_, secret, err := s.auth.CreateToken(ctx, auth.NewToken{Name: "blue", Roles: []tocsin.Role{tocsin.RoleAdministrator, tocsin.RoleOperator}, Groups: []int64{s.blue}})
	must(err)
	s.token = secret.Reveal()
	return s
}

// liveAlertInfo is a table of the hunting schema that is made from the cases.
func (s *split) liveAlertInfo(ctx context.Context, from, to time.Time, emit func(map[string]any) error) error {
	return s.store.View(ctx, func(tx *store.Tx) error {
		return tx.EachAlert(false, from, to, func(a *tocsin.Alert) error {
			return emit(map[string]any{"Timestamp": a.FirstActivity, "AlertId": a.ID, "Title": a.Title})
		})
	})
}

// walked says how each route is asked in the name of the limited reader. {in},
// {out}, {mixed} and {none} stand for incidents, {inAlert} and so on for alerts.
type walked struct {
	paths []string
	body  string
}

func (s *split) fill(text string) string {
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	return strings.NewReplacer("{in}", n(s.in), "{out}", n(s.out), "{mixed}", n(s.mixed), "{inAlert}", s.inAlert, "{outAlert}", s.outAlert,
		"{partAlert}", s.partAlert, "{hiddenAlert}", s.hiddenAlert, "{outMove}", n(s.outMove), "{mixedMove}", n(s.mixedMove), "{canary}", canary,
		"{time}", url.QueryEscape(s.rowTime.Format(time.RFC3339)), "{inDevice}", s.inDevice, "{outDevice}", s.outDevice).Replace(text)
}

// limitedWalk is every route that a limited principal may ask.
var limitedWalk = map[string]walked{
	"listIncidents": {paths: []string{"?$expand=alerts&$count=true", "?$search={canary}&$count=true", "?$filter=contains(displayName,'{canary}')&$count=true",
		"?$filter=tocsin/alertCount gt 1&$count=true", "?$orderby=tocsin/priorityScore desc&$expand=alerts", "?$filter=customTags/any(t:t eq '{canary} tag')&$count=true"}},
	"getIncident":       {paths: []string{"/{in}?$expand=alerts", "/{mixed}?$expand=alerts", "/{out}", "/{out}?$expand=alerts"}},
	"defenderIncidents": {paths: []string{"", "?$filter=status eq 'Active'"}},
	"defenderIncident":  {paths: []string{"{in}", "{mixed}", "{out}"}},
	"defenderAlerts":    {paths: []string{"", "?$filter=incidentId eq {mixed}"}},
	"listAlerts":        {paths: []string{"?$count=true", "?$search={canary}&$count=true", "?$filter=incidentId eq '{mixed}'&$count=true"}},
	"getAlert":          {paths: []string{"/{inAlert}", "/{partAlert}", "/{hiddenAlert}", "/{outAlert}"}},
	"batch": {body: `{"requests":[{"id":"1","method":"GET","url":"/security/incidents/{out}"},{"id":"2","method":"GET","url":"/security/incidents?$expand=alerts&$count=true"},
		{"id":"3","method":"GET","url":"/security/alerts_v2/{hiddenAlert}"}]}`},
	"commentIncident":   {paths: []string{"{out}", "{mixed}"}, body: `{"comment":"hello"}`},
	"commentAlert":      {paths: []string{"{outAlert}", "{hiddenAlert}", "{partAlert}"}, body: `{"comment":"hello"}`},
	"updateIncident":    {paths: []string{"{out}", "{mixed}"}, body: `{"status":"inProgress"}`},
	"updateAlert":       {paths: []string{"{outAlert}", "{hiddenAlert}", "{partAlert}"}, body: `{"status":"inProgress"}`},
	"mergeIncidents":    {body: `{"incidentIds":["{in}","{out}"]}`},
	"moveAlerts":        {body: `{"alertIds":["{outAlert}"],"incidentId":"{in}"}`},
	"partIncidents":     {paths: []string{"{in}/apart/{out}"}},
	"unpartIncidents":   {paths: []string{"{in}/apart/{out}"}},
	"relateIncident":    {paths: []string{"{out}/related", "{mixed}/related"}, body: `{"incidentId":"{in}","reason":"one story"}`},
	"unrelateIncident":  {paths: []string{"{in}/related/{out}", "{mixed}/related/{in}"}},
	"splitIncident":     {paths: []string{"{out}/split", "{mixed}/split"}, body: `{"alertIds":["{hiddenAlert}"],"preview":true}`},
	"undoRearrangement": {paths: []string{"{outMove}/undo", "{mixedMove}/undo"}},

	"listRelatedIncidents": {paths: []string{"{in}/related", "{mixed}/related", "{out}/related"}},
	"listRearrangements":   {paths: []string{"{in}/rearrangements", "{mixed}/rearrangements", "{out}/rearrangements"}},
	"getChain":             {paths: []string{"{in}/chain", "{mixed}/chain", "{out}/chain"}},
	"listActivities":       {paths: []string{"{in}/activities", "{mixed}/activities", "{out}/activities"}},
	"getScoring":           {}, // the organisation's points name no device
	"incidentSummary":      {}, "listTags": {paths: []string{"", "?q={canary}"}}, "listPeople": {}, "listRules": {}, "getSession": {}, "listGroups": {},
	"exportIncidents": {paths: []string{"", "?$search={canary}"}}, "exportAlerts": {paths: []string{"", "?$search={canary}"}},
	"incidentFacets": {paths: []string{"?properties=severity,customTags,tocsin/deviceGroups,tocsin/productNames,tocsin/assets,tocsin/osPlatforms,assignedTo", "?properties=tocsin/assets&$filter=tocsin/alertCount gt 0"}},
	"alertFacets":    {paths: []string{"?properties=severity,tocsin/osPlatforms,productName,tocsin/deviceGroups,detectorId"}},
	"listFilterSets": {paths: []string{"?noun=incident"}}, "getPreference": {paths: []string{"columns"}},
	"bulkIncidents": {body: `{"ids":["{out}","{mixed}"],"change":{"status":"resolved"}}`}, "bulkAlerts": {body: `{"ids":["{outAlert}"],"change":{"status":"resolved"}}`},
	"listBulks": {}, "getBulk": {paths: []string{"1"}}, "listBulkItems": {paths: []string{"1/items"}},
	"getRow": {paths: []string{"?table=DeviceProcessEvents&ts={time}&deviceId={inDevice}&reportId=1", "?table=DeviceProcessEvents&ts={time}&deviceId={outDevice}&reportId=2",
		"?table=EmailEvents&ts={time}&reportId=1"}},
	"listDeviceGroups": {},
	"runHunt":          {body: `{"query":"DeviceProcessEvents | project DeviceName, FileName"}`}, "checkHunt": {body: `{"query":"EmailEvents"}`},
	"runHuntingQuery": {body: `{"Query":"union withsource=T DeviceProcessEvents, AlertInfo"}`}, "runHuntingQueryQualified": {body: `{"Query":"search '.exe'"}`},
	"runHuntingQueryBeta": {body: `{"Query":"EmailEvents"}`}, "runHuntingQueryBetaQualified": {body: `{"Query":"DeviceProcessEvents"}`},
	"advancedHunting": {body: `{"Query":"DeviceProcessEvents"}`}, "advancedQueries": {body: `{"Query":"AlertInfo"}`},
	"kustoQuery": {body: `{"db":"Tocsin","csl":"DeviceProcessEvents"}`}, "kustoQueryGet": {paths: []string{"?db=Tocsin&csl=AlertInfo"}},
	"kustoQueryV2":  {body: `{"db":"Tocsin","csl":"DeviceProcessEvents | join kind=leftouter (DeviceProcessEvents) on DeviceName"}`},
	"kustoCommand":  {body: `{"db":"Tocsin","csl":".show tables"}`},
	"huntingSchema": {}, "preparedHunts": {paths: []string{"?type=device&name=blue-1"}}, "listHuntingQueries": {}, "huntingHistory": {},
	"listTasks": {paths: []string{"{in}/tasks", "{mixed}/tasks", "{out}/tasks"}}, "addTask": {paths: []string{"{out}/tasks"}, body: `{"title":"x"}`},
	"updateTask": {paths: []string{"{out}/tasks/1"}, body: `{"title":"x"}`}, "deleteTask": {paths: []string{"{out}/tasks/1"}},
	"applyTaskTemplate": {paths: []string{"{out}/tasks/template"}, body: `{"templateId":1}`},
	"touchPresence":     {paths: []string{"{out}/presence", "{mixed}/presence"}, body: `{}`}, "leavePresence": {paths: []string{"{in}/presence"}},
	"similarAlerts": {paths: []string{"{inAlert}/similar", "{partAlert}/similar", "{hiddenAlert}/similar"}},
	"createAlert":   {body: `{"title":"x","description":"x","severity":"low","category":"Execution","assets":[{"type":"device","name":"` + canary + `-1.example"}]}`},
	"linkHunt":      {body: `{"incidentId":"{out}","title":"x"}`},
}

// notWalked are routes that say nothing of cases or telemetry, and why.
var notWalked = map[string]string{
	"openapi": "describes the routes", "signOut": "ends the token's session, of which there is none", "changePassword": "of people only",
	"createFilterSet": "answers what was sent", "updateFilterSet": "one's own", "deleteFilterSet": "one's own", "putPreference": "one's own",
	"saveHuntingQuery": "answers what was sent", "updateHuntingQuery": "one's own", "deleteHuntingQuery": "one's own",
	"listTaskTemplates": "lists of steps for everybody", "createTaskTemplate": "as that", "updateTaskTemplate": "as that", "deleteTaskTemplate": "as that",
	"cancelBulk": "one's own", "undoBulk": "one's own", "streamChanges": "TestP01Stream",
	"token": "public", "signIn": "public", "health": "public", "kustoMetadata": "public", "hecHealth": "public",
}

// P01: TestP01EveryRouteKeepsTheScope asks every route of the table in the name of
// somebody who is limited to one device group. A route that is new fails here
// until it is told how to ask it.
func TestP01EveryRouteKeepsTheScope(t *testing.T) {
	s := newSplit(t)
	_, whole, err := s.auth.CreateToken(s.system(), auth.NewToken{Name: "whole", Roles: []tocsin.Role{tocsin.RoleAdministrator}})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	limited := tocsin.Principal{Tenant: tocsin.DefaultTenant, ID: "x", Roles: []tocsin.Role{tocsin.RoleAdministrator}, Groups: []int64{1}}
	for i := range routes {
		rt := &routes[i]
		how, known := limitedWalk[rt.id]
		switch {
		case notWalked[rt.id] != "":
			continue
		case rt.whole || rt.verb != "" && !tocsin.Can(limited, rt.verb):
			if got := s.call(s.token, rt.method, sample(rt), "{}"); got.StatusCode != http.StatusForbidden && got.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s %s: %d for somebody who is limited to a device group, not 403: %s", rt.method, rt.path, got.StatusCode, got.body)
			}
			continue
		case !known:
			t.Errorf("%s (%s %s) is not walked: say in this test how a limited principal asks it", rt.id, rt.method, rt.path)
			continue
		}
		if how.paths == nil {
			how.paths = []string{""}
		}
		for _, p := range how.paths {
			path := limitedPath(rt.path, s.fill(p))
			got := s.call(s.token, rt.method, path, s.fill(how.body))
			if rt.method == http.MethodGet || rt.verb == tocsin.VerbHunt {
				told[rt.id] = told[rt.id] || strings.Contains(strings.ToLower(s.call(whole.Reveal(), rt.method, path, s.fill(how.body)).body), canary)
			}
			if got.StatusCode >= 500 {
				t.Errorf("%s %s: %d %s", rt.method, path, got.StatusCode, got.body)
			}
			// What the reader asked with may come back; nothing else.
			said := strings.ReplaceAll(strings.ToLower(got.body), strings.ToLower(url.QueryEscape(s.fill(p))), "")
			if strings.Contains(said, canary) && !(strings.Contains(p+how.body, "{canary}") && got.StatusCode >= 400) {
				t.Errorf("%s %s answers with what the reader may not see: %d %s", rt.method, path, got.StatusCode, got.body)
			}
			if (strings.Contains(p, "{out}") || strings.Contains(p, "{outAlert}") || strings.Contains(p, "{hiddenAlert}") || strings.Contains(p, "Move}")) && got.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: %d, not 404 as for what does not exist: %s", rt.method, path, got.StatusCode, got.body)
			}
		}
	}
	// The same questions bring it to light for who may see everything, so this
	// test is not blind.
	for _, id := range []string{"listIncidents", "getIncident", "listAlerts", "getAlert", "listActivities", "listRearrangements", "getChain", "listTags",
		"exportIncidents", "exportAlerts", "incidentFacets", "alertFacets", "getRow", "runHunt", "runHuntingQuery", "runHuntingQueryQualified",
		"advancedHunting", "advancedQueries", "kustoQuery", "kustoQueryGet", "listHuntingQueries", "listDeviceGroups"} {
		if !told[id] {
			t.Errorf("%s tells who may see everything nothing of the other group: the test asks it the wrong way", id)
		}
	}
}

// limitedPath is a path of the walk: a pattern up to its first variable, and
// then what the walk says.
func limitedPath(pattern, rest string) string {
	base, tail, varies := strings.Cut(strings.TrimSuffix(pattern, "{$}"), "{")
	if varies {
		_, tail, _ = strings.Cut(tail, "}")
		rest = strings.TrimPrefix(rest, "/")
		if tail != "" && !strings.Contains(rest, tail) && !strings.Contains(rest, "/") {
			rest += tail
		}
	}
	path, query, ok := strings.Cut(base+rest, "?")
	if ok {
		path += "?" + strings.NewReplacer(" ", "%20", "'", "%27").Replace(query)
	}
	return path
}

// TestP01HiddenIsAsAbsent: what is hidden answers as what does not exist, byte
// for byte but for the id.
func TestP01HiddenIsAsAbsent(t *testing.T) {
	s := newSplit(t)
	out, none := strconv.FormatInt(s.out, 10), "987654"
	for _, p := range []string{"GET /v1.0/security/incidents/%s", "GET /api/v1/incidents/%s/activities", "GET /api/v1/incidents/%s/rearrangements", "GET /api/v1/incidents/%s/chain"} {
		method, path, _ := strings.Cut(p, " ")
		a, b := s.call(s.token, method, fmt.Sprintf(path, out), ""), s.call(s.token, method, fmt.Sprintf(path, none), "")
		plain := func(x answer, id string) string {
			var m map[string]any
			_ = json.Unmarshal([]byte(x.body), &m)
			if e, ok := m["error"].(map[string]any); ok {
				delete(e, "innerError")
				delete(e, "requestId")
			}
			raw, _ := json.Marshal(m)
			return strings.ReplaceAll(string(raw), id, "ID")
		}
		if a.StatusCode != b.StatusCode || plain(a, out) != plain(b, none) {
			t.Errorf("%s: hidden %d %s, absent %d %s", p, a.StatusCode, plain(a, out), b.StatusCode, plain(b, none))
		}
	}
}

// TestP01NothingIsToldByCounting: filters, searches, orders and totals are
// those of what is seen.
func TestP01NothingIsToldByCounting(t *testing.T) {
	s := newSplit(t)
	for _, c := range []struct {
		query string
		want  []int64
	}{
		{"", []int64{s.mixed, s.in}},
		{"$search=" + canary, nil},
		{"$search=spread", []int64{s.mixed}},
		{"$search=blue-2", []int64{s.mixed}},
		{"$filter=contains(displayName,'" + canary + "')", nil},
		{"$filter=tocsin/alertCount gt 1", nil}, // mixed has two, of which one is seen
		{"$filter=tocsin/alertCount eq 1", []int64{s.mixed, s.in}},
		{"$filter=tocsin/assets/any(a:contains(a,'" + canary + "'))", nil},
		{"$filter=tocsin/assets/any(a:contains(a,'blue'))", []int64{s.mixed, s.in}},
		{"$filter=tocsin/deviceGroups/any(g:g eq 'Blue')", []int64{s.mixed, s.in}},
		{"$filter=tocsin/deviceGroups/any(g:contains(g,'" + canary + "'))", nil},
		{"$filter=tocsin/alertTitles/any(a:contains(a,'" + canary + "'))", nil},
		{"$filter=tocsin/productNames/any(a:contains(a,'" + canary + "'))", nil},
		{"$filter=customTags/any(a:contains(a,'" + canary + "'))", nil},
		{"$orderby=tocsin/alertCount desc,createdDateTime desc", []int64{s.mixed, s.in}},
	} {
		got := s.call(s.token, "GET", limitedPath("/v1.0/security/incidents", "?"+c.query+"&$count=true"), "")
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", c.query, got.StatusCode, got.body)
			continue
		}
		var page struct {
			Count int64 `json:"@odata.count"`
			Value []struct {
				ID string `json:"id"`
			} `json:"value"`
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, v := range page.Value {
			id, _ := strconv.ParseInt(v.ID, 10, 64)
			ids = append(ids, id)
		}
		if !slices.Equal(ids, c.want) || page.Count != int64(len(c.want)) {
			t.Errorf("%s: incidents %v, %d in all; want %v", c.query, ids, page.Count, c.want)
		}
	}
}

// TestP01Stream: the change stream tells of what is seen only.
func TestP01Stream(t *testing.T) {
	s := newSplit(t)
	p := tocsin.Principal{Tenant: tocsin.DefaultTenant, ID: "x", UserName: "x", Roles: []tocsin.Role{tocsin.RoleOperator}, Groups: []int64{s.blue}}
	cs, err := s.store.Changes(tocsin.WithPrincipal(t.Context(), p), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range cs {
		raw, _ := json.Marshal(c)
		if strings.Contains(strings.ToLower(string(raw)), canary) || c.AlertID == s.hiddenAlert || c.ID == strconv.FormatInt(s.out, 10) {
			t.Errorf("line %d tells of what is hidden: %s", c.Seq, raw)
		}
		seen[c.Noun+c.ID] = true
	}
	if !seen["incident"+strconv.FormatInt(s.in, 10)] {
		t.Errorf("no line of incident %d among %d", s.in, len(cs))
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/api/v1/changes?after=0", nil)
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf, text := make([]byte, 4096), ""
	for !strings.Contains(text, `"id":"`+strconv.FormatInt(s.in, 10)+`"`) {
		n, err := res.Body.Read(buf)
		if text += string(buf[:n]); err != nil {
			t.Fatal(err, text)
		}
	}
	if strings.Contains(text, canary) || strings.Contains(text, `"id":"`+strconv.FormatInt(s.out, 10)+`"`) {
		t.Errorf("the stream tells of incident %d:\n%s", s.out, text)
	}
}

// TestP01Writes: what is seen in part is not changed as a whole, and nothing of
// what is hidden is lost by changing what is seen.
func TestP01Writes(t *testing.T) {
	s := newSplit(t)
	path := "/v1.0/security/incidents/" + strconv.FormatInt(s.mixed, 10)
	if got := s.call(s.token, "PATCH", path, `{"status":"resolved"}`); got.StatusCode != http.StatusForbidden {
		t.Errorf("resolving an incident that is seen in part: %d %s", got.StatusCode, got.body)
	}
	if got := s.call(s.token, "PATCH", "/v1.0/security/alerts_v2/"+s.partAlert, `{"status":"resolved"}`); got.StatusCode != http.StatusOK {
		t.Errorf("resolving an alert that is seen: %d %s", got.StatusCode, got.body)
	}
	a, err := s.cases.Alert(s.system(), s.partAlert)
	if err != nil || len(a.Evidence) != 3 || a.Status != tocsin.AlertResolved {
		t.Errorf("the alert lost what its reader did not see: %v, %d of evidence, %s", err, len(a.Evidence), a.Status)
	}
	inc, err := s.cases.Incident(s.system(), s.mixed, true)
	if err != nil || inc.AlertCount != 2 || inc.ActiveAlerts != 1 || len(inc.Alerts) != 2 {
		t.Errorf("the incident was counted by what its reader sees: %v %+v", err, inc)
	}
	if got := s.call(s.token, "PATCH", "/v1.0/security/incidents/"+strconv.FormatInt(s.in, 10), `{"status":"resolved"}`); got.StatusCode != http.StatusOK {
		t.Errorf("resolving an incident that is seen in whole: %d %s", got.StatusCode, got.body)
	}
}
