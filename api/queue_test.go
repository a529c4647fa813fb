package api

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// seeded is a queue whose every alert the test knows, so that what a filter
// must find can be worked out without the store.
type seeded struct {
	h      *house
	token  string
	alerts []tocsin.Alert // as they were sent
	of     []int64        // the incident of each
	start  time.Time      // of the clock
	owner  map[int64]string
	tags   map[int64][]string
	class  map[int64]string
	status map[int64]string
	born   map[int64]time.Time
	moved  map[int64]time.Time // last update
}

// seed makes some 60 incidents of one to four alerts each.
func seed(t *testing.T) *seeded {
	s := &seeded{h: open(t, nil), owner: map[int64]string{}, tags: map[int64][]string{}, class: map[int64]string{}, status: map[int64]string{},
		born: map[int64]time.Time{}, moved: map[int64]time.Time{}}
	s.start = s.h.clock.now()
	s.token = s.h.token(tocsin.RoleOperator)
	r := rand.New(rand.NewPCG(7, 11))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	for n := range 60 {
		if n > 0 {
			s.h.clock.forward(time.Duration(r.IntN(40)) * time.Hour)
		}
		now := s.h.clock.now()
		for range 1 + r.IntN(4) {
			a := alertOn(n, fmt.Sprintf("Title %d of %d", r.IntN(4), n), now)
			a.ExternalID = fmt.Sprint("seed-", len(s.alerts))
			a.Severity = tocsin.Severity(pick("high", "medium", "low", "informational"))
			a.ServiceSource = tocsin.ServiceSource(pick("microsoftDefenderForEndpoint", "microsoftDefenderForIdentity", "microsoftSentinel"))
			a.DetectionSource = tocsin.DetectionSource(pick("customDetection", "antivirus", "scheduledAlerts"))
			a.Category = pick("Execution", "Impact", "LateralMovement")
			a.ProductName = pick("", "Product A", "Product B")
			a.RuleTitle, a.AlertPolicyID = pick("Rule Ä", "Rule B"), pick("", "policy-1")
			a.ThreatDisplayName, a.ThreatFamilyName, a.ActorDisplayName = pick("", "Emotet"), pick("", "Trojan"), pick("", "Storm-0001")
			a.InvestigationState = tocsin.InvestigationState(pick("", "running", "pendingApproval"))
			a.DataStream, a.Workspace = pick("", "SecurityAlert", "DeviceEvents"), pick("", "soc-eu", "soc-us")
			if l := pick("", "Confidential", "Highly Confidential"); l != "" {
				a.SensitivityLabels = []string{l}
			}
			a.Evidence[0].Props["osPlatform"] = pick("Windows11", "Linux", "macOS")
			if sub := pick("", "sub-1", "sub-2"); sub != "" {
				a.Evidence = append(a.Evidence, tocsin.Evidence{Type: tocsin.EvAzureResource,
					Props: map[string]any{"resourceId": fmt.Sprintf("/subscriptions/%s/resourceGroups/g/vm-%d", sub, n), "resourceName": fmt.Sprintf("vm-%d", n)}})
			}
			s.alerts = append(s.alerts, a)
			id := s.h.accept(a)[0]
			s.of = append(s.of, id)
			if s.born[id].IsZero() {
				s.born[id], s.class[id], s.status[id] = now, "unknown", "active"
			}
			s.moved[id] = now
		}
		id := s.of[len(s.of)-1]
		for _, patch := range []struct {
			take bool
			body string
			note func()
		}{
			{r.IntN(3) == 0, `{"assignedTo":"anna"}`, func() { s.owner[id] = "anna" }},
			{r.IntN(4) == 0, `{"assignedTo":"ben"}`, func() { s.owner[id] = "ben" }},
			{r.IntN(3) == 0, `{"customTags":["VIP","lab"]}`, func() { s.tags[id] = []string{"vip", "lab"} }},
			{r.IntN(3) == 0, `{"classification":"falsePositive"}`, func() { s.class[id] = "falsePositive" }},
			{r.IntN(4) == 0, `{"status":"inProgress"}`, func() { s.status[id] = "inProgress" }},
			{r.IntN(5) == 0, `{"status":"resolved"}`, func() { s.status[id] = "resolved" }},
		} {
			if !patch.take {
				continue
			}
			if a := s.h.call(s.token, "PATCH", fmt.Sprint(graphIncidents, "/", id), patch.body); a.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", patch.body, a.StatusCode, a.body)
			}
			patch.note()
		}
	}
	return s
}

func (s *seeded) incidents() []int64 {
	ids := slices.Clone(s.of)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// having are the incidents of whose alerts the test is true of one.
func (s *seeded) having(is func(a *tocsin.Alert) bool) (ids []int64) {
	for _, id := range s.incidents() {
		for i := range s.alerts {
			if s.of[i] == id && is(&s.alerts[i]) {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

// where are the incidents of which the test is true.
func (s *seeded) where(is func(id int64) bool) []int64 {
	return slices.DeleteFunc(s.incidents(), func(id int64) bool { return !is(id) })
}

// distinct counts the different values among an incident's alerts.
func (s *seeded) distinct(id int64, of func(a *tocsin.Alert) string) int {
	m := map[string]bool{}
	for i := range s.alerts {
		if s.of[i] == id {
			m[of(&s.alerts[i])] = true
		}
	}
	return len(m)
}

func (s *seeded) severity(id int64) tocsin.Severity {
	out := tocsin.SeverityUnknown
	for i := range s.alerts {
		if s.of[i] == id && s.alerts[i].Severity.Rank() > out.Rank() {
			out = s.alerts[i].Severity
		}
	}
	return out
}

func ask(filter, search, order string, top int) string {
	v := url.Values{"$count": {"true"}, "$top": {strconv.Itoa(top)}}
	for name, value := range map[string]string{"$filter": filter, "$search": search, "$orderby": order} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return "?" + v.Encode()
}

// found are the ids that all pages of a list have, in its order, after checking
// that the count is that of the rows.
func (s *seeded) found(t *testing.T, path, filter, search, order string) (ids []string) {
	t.Helper()
	next, total := path+ask(filter, search, order, 7), -1
	for next != "" {
		a := s.h.call(s.token, "GET", next, "")
		for _, v := range value(t, a) {
			ids = append(ids, v["id"].(string))
		}
		m := a.json(t)
		total = int(m["@odata.count"].(float64))
		next, _ = m["@odata.nextLink"].(string)
		next = strings.TrimPrefix(next, s.h.server.URL)
	}
	if total != len(ids) {
		t.Errorf("%s %s: the total says %d and the pages have %d", filter, search, total, len(ids))
	}
	if slices.Sort(slices.Clone(ids)); len(slices.Compact(sorted(ids))) != len(ids) {
		t.Errorf("%s: a row came twice", filter)
	}
	return ids
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return out
}

func textsOf(ids []int64) (out []string) {
	for _, id := range ids {
		out = append(out, strconv.FormatInt(id, 10))
	}
	return out
}

// same checks a filter against what it must find, which must be neither
// nothing nor everything.
func (s *seeded) same(t *testing.T, filter string, want []int64) {
	t.Helper()
	got := s.found(t, graphIncidents, filter, "", "")
	if !slices.Equal(sorted(got), sorted(textsOf(want))) {
		t.Errorf("%s:\n got %v\nwant %v", filter, sorted(got), sorted(textsOf(want)))
	}
	if len(want) == 0 || len(want) == len(s.incidents()) {
		t.Errorf("%s tells nothing apart: %d of %d", filter, len(want), len(s.incidents()))
	}
}

func anyIs(of func(a *tocsin.Alert) string, value string) func(a *tocsin.Alert) bool {
	return func(a *tocsin.Alert) bool { return strings.EqualFold(of(a), value) }
}

// Q01, Q02, Q03, Q06, Q07, Q08, Q09, Q10, Q11, Q12, Q13, Q17, Q18.
func TestQueueFilters(t *testing.T) {
	s := seed(t)
	t.Run("Q01 default filter", func(t *testing.T) {
		want := s.where(func(id int64) bool {
			return s.status[id] != "resolved" && s.severity(id) != tocsin.SeverityInformational
		})
		s.same(t, "(status eq 'active' or status eq 'inProgress') and (severity eq 'high' or severity eq 'medium' or severity eq 'low')", want)
	})
	t.Run("Q02 Q03 time range", func(t *testing.T) {
		end := s.h.clock.now()
		for _, d := range []time.Duration{24 * time.Hour, 72 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
			from := end.Add(-d)
			s.same(t, "createdDateTime ge "+from.Format(time.RFC3339), s.where(func(id int64) bool { return !s.born[id].Before(from) }))
		}
		from, to := s.start.Add(3*24*time.Hour+17*time.Minute), s.start.Add(9*24*time.Hour+41*time.Minute)
		s.same(t, "createdDateTime ge "+from.Format(time.RFC3339)+" and createdDateTime le "+to.Format(time.RFC3339),
			s.where(func(id int64) bool { return !s.born[id].Before(from) && !s.born[id].After(to) }))
	})
	t.Run("Q06 sort", func(t *testing.T) { s.sorts(t) })
	t.Run("Q07 status and severity", func(t *testing.T) {
		for _, status := range []string{"active", "inProgress", "resolved"} {
			s.same(t, "status eq '"+status+"'", s.where(func(id int64) bool { return s.status[id] == status }))
		}
		for _, sev := range []tocsin.Severity{"high", "medium", "low", "informational"} {
			s.same(t, "severity eq '"+string(sev)+"'", s.where(func(id int64) bool { return s.severity(id) == sev }))
		}
		s.same(t, "status eq 'active' and (severity eq 'high' or severity eq 'low')",
			s.where(func(id int64) bool {
				return s.status[id] == "active" && (s.severity(id) == "high" || s.severity(id) == "low")
			}))
	})
	t.Run("Q08 assignment", func(t *testing.T) {
		s.same(t, "assignedTo eq 'anna' or assignedTo eq 'ben'", s.where(func(id int64) bool { return s.owner[id] != "" }))
		s.same(t, "assignedTo eq null", s.where(func(id int64) bool { return s.owner[id] == "" }))
	})
	t.Run("Q09 sources", func(t *testing.T) {
		source := func(a *tocsin.Alert) string { return string(a.ServiceSource) }
		detection := func(a *tocsin.Alert) string { return string(a.DetectionSource) }
		s.same(t, "tocsin/serviceSources/any(x:x eq 'microsoftSentinel')", s.having(anyIs(source, "microsoftSentinel")))
		s.same(t, "tocsin/detectionSources/any(x:x eq 'scheduledAlerts')", s.having(anyIs(detection, "scheduledAlerts")))
		many := s.where(func(id int64) bool { return s.distinct(id, source) > 1 })
		s.same(t, "tocsin/multiple/any(x:x eq 'serviceSources')", many)
		s.same(t, "not tocsin/multiple/any(x:x eq 'serviceSources')", s.where(func(id int64) bool { return !slices.Contains(many, id) }))
	})
	t.Run("Q10 tags and categories", func(t *testing.T) {
		s.same(t, "customTags/any(x:x eq 'vip') and customTags/any(x:x eq 'LAB')", s.where(func(id int64) bool { return len(s.tags[id]) == 2 }))
		category := func(a *tocsin.Alert) string { return a.Category }
		s.same(t, "tocsin/categories/any(x:x eq 'Impact')", s.having(anyIs(category, "Impact")))
		s.same(t, "tocsin/multiple/any(x:x eq 'categories')", s.where(func(id int64) bool { return s.distinct(id, category) > 1 }))
	})
	t.Run("Q11 entity, platform, sensitivity", func(t *testing.T) {
		s.same(t, "tocsin/assets/any(x:x eq 'WS-0007.corp.example')", s.having(func(a *tocsin.Alert) bool { return a.Evidence[0].Str("deviceDnsName") == "ws-0007.corp.example" }))
		s.same(t, "tocsin/assets/any(x:contains(x,'vm-1'))", s.having(func(a *tocsin.Alert) bool {
			return len(a.Evidence) > 3 && strings.Contains(a.Evidence[len(a.Evidence)-1].Str("resourceName"), "vm-1")
		}))
		s.same(t, "tocsin/assetTypes/any(x:x eq 'cloudResource')", s.having(func(a *tocsin.Alert) bool { return a.Evidence[len(a.Evidence)-1].Type == tocsin.EvAzureResource }))
		s.same(t, "tocsin/osPlatforms/any(x:x eq 'Linux')", s.having(anyIs(func(a *tocsin.Alert) string { return a.Evidence[0].Str("osPlatform") }, "Linux")))
		s.same(t, "tocsin/sensitivityLabels/any(x:x eq 'Highly Confidential')",
			s.having(func(a *tocsin.Alert) bool { return slices.Contains(a.SensitivityLabels, "Highly Confidential") }))
	})
	t.Run("Q12 classification, investigation, threat, policy", func(t *testing.T) {
		s.same(t, "classification eq 'falsePositive'", s.where(func(id int64) bool { return s.class[id] == "falsePositive" }))
		one := s.of[20]
		alert := value(t, s.h.call(s.token, "GET", graphAlerts+"?$filter="+url.QueryEscape(fmt.Sprintf("incidentId eq '%d'", one)), ""))[0]["id"].(string)
		if a := s.h.call(s.token, "PATCH", graphAlerts+"/"+alert, `{"classification":"truePositive","determination":"malware"}`); a.StatusCode != 200 {
			t.Fatal(a.body)
		}
		s.same(t, "tocsin/alertClassifications/any(x:x eq 'truePositive')", []int64{one})
		s.same(t, "tocsin/alertDeterminations/any(x:x eq 'malware')", []int64{one})
		s.same(t, "tocsin/investigationStates/any(x:x eq 'pendingApproval')", s.having(func(a *tocsin.Alert) bool { return a.InvestigationState == "pendingApproval" }))
		s.same(t, "tocsin/threats/any(x:x eq 'emotet')", s.having(func(a *tocsin.Alert) bool { return a.ThreatDisplayName == "Emotet" }))
		s.same(t, "tocsin/threats/any(x:x eq 'Storm-0001')", s.having(func(a *tocsin.Alert) bool { return a.ActorDisplayName == "Storm-0001" }))
		s.same(t, "tocsin/alertPolicies/any(x:x eq 'rule ä')", s.having(func(a *tocsin.Alert) bool { return a.RuleTitle == "Rule Ä" }))
		s.same(t, "tocsin/alertPolicies/any(x:x eq 'policy-1')", s.having(func(a *tocsin.Alert) bool { return a.AlertPolicyID == "policy-1" }))
	})
	t.Run("Q13 product, stream, subscription, workspace", func(t *testing.T) {
		s.same(t, "tocsin/productNames/any(x:x eq 'Product B')", s.having(func(a *tocsin.Alert) bool { return a.ProductName == "Product B" }))
		s.same(t, "tocsin/dataStreams/any(x:x eq 'SecurityAlert')", s.having(func(a *tocsin.Alert) bool { return a.DataStream == "SecurityAlert" }))
		s.same(t, "tocsin/workspaces/any(x:x eq 'soc-eu')", s.having(func(a *tocsin.Alert) bool { return a.Workspace == "soc-eu" }))
		s.same(t, "tocsin/subscriptionIds/any(x:x eq 'sub-2')", s.having(func(a *tocsin.Alert) bool {
			return strings.Contains(a.Evidence[len(a.Evidence)-1].Str("resourceId"), "/sub-2/")
		}))
	})
	t.Run("Q17 by name or id", func(t *testing.T) {
		id := fmt.Sprint(s.of[10])
		if got := s.found(t, graphIncidents, "", id, ""); !slices.Contains(got, id) {
			t.Errorf("%s is not among %v", id, got)
		}
		a := s.h.call(s.token, "PATCH", graphIncidents+"/"+id, `{"displayName":"Zebra crossing"}`)
		if a.StatusCode != 200 {
			t.Fatal(a.body)
		}
		if got := s.found(t, graphIncidents, "", "ebra cross", ""); !slices.Equal(got, []string{id}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("Q18 by asset", func(t *testing.T) {
		for search, is := range map[string]func(a *tocsin.Alert) bool{
			"ws-0013":       func(a *tocsin.Alert) bool { return a.Evidence[0].Str("deviceDnsName") == "ws-0013.corp.example" },
			"vm-33":         func(a *tocsin.Alert) bool { return a.Evidence[len(a.Evidence)-1].Str("resourceName") == "vm-33" },
			"user0021@corp": func(a *tocsin.Alert) bool { return a.Evidence[1].Str("userAccount.accountName") == "user0021" },
		} {
			if got, want := s.found(t, graphIncidents, "", search, ""), textsOf(s.having(is)); !slices.Equal(sorted(got), sorted(want)) || len(want) == 0 {
				t.Errorf("%s: got %v, want %v", search, got, want)
			}
		}
	})
}

// sorts holds that the order is right in both directions and the same across
// pages.
func (s *seeded) sorts(t *testing.T) {
	score := map[string]float64{}
	moved := map[string]string{}
	for _, v := range value(t, s.h.call(s.token, "GET", graphIncidents+"?$top=1000", "")) {
		score[v["id"].(string)], moved[v["id"].(string)] = v["priorityScore"].(float64), v["lastUpdateDateTime"].(string)
	}
	var orders [][]string
	for _, order := range []string{"priorityScore desc", "priorityScore asc", "lastUpdateDateTime desc", "lastUpdateDateTime asc"} {
		ids := s.found(t, graphIncidents, "", "", order)
		if len(ids) != len(score) {
			t.Fatalf("%s: %d of %d rows", order, len(ids), len(score))
		}
		for i := 1; i < len(ids); i++ {
			a, b := ids[i-1], ids[i]
			if strings.HasSuffix(order, "asc") {
				a, b = b, a
			}
			if strings.HasPrefix(order, "priority") && score[a] < score[b] || strings.HasPrefix(order, "last") && moved[a] < moved[b] {
				t.Errorf("%s: %s before %s", order, ids[i-1], ids[i])
			}
		}
		if again := s.found(t, graphIncidents, "", "", order); !slices.Equal(ids, again) {
			t.Errorf("%s is not stable", order)
		}
		orders = append(orders, ids)
	}
	if slices.Equal(orders[0], orders[2]) {
		t.Error("two orders are one")
	}
}

// A01, A02.
func TestAlertQueue(t *testing.T) {
	s := seed(t)
	ids := map[string]int{} // alert id -> its place in s.alerts
	statuses := map[string]string{}
	for _, v := range value(t, s.h.call(s.token, "GET", graphAlerts+"?$top=1000", "")) {
		n := slices.IndexFunc(s.alerts, func(a tocsin.Alert) bool { return a.ExternalID == v["providerAlertId"] })
		ids[v["id"].(string)], statuses[v["id"].(string)] = n, v["status"].(string)
		if v["tocsin"].(map[string]any)["incidentName"] == "" {
			t.Error("an alert of a list lacks the name of its incident")
		}
	}
	if len(ids) != len(s.alerts) {
		t.Fatalf("%d alerts, want %d", len(ids), len(s.alerts))
	}
	same := func(t *testing.T, filter, search string, is func(id string, a *tocsin.Alert) bool) {
		t.Helper()
		var want []string
		for id, n := range ids {
			if is(id, &s.alerts[n]) {
				want = append(want, id)
			}
		}
		if got := s.found(t, graphAlerts, filter, search, ""); !slices.Equal(sorted(got), sorted(want)) || len(want) == 0 || len(want) == len(ids) {
			t.Errorf("%s %s: got %d, want %d of %d", filter, search, len(got), len(want), len(ids))
		}
	}
	t.Run("A01 default", func(t *testing.T) {
		from := s.h.clock.now().Add(-7 * 24 * time.Hour)
		filter := "(status eq 'new' or status eq 'inProgress') and createdDateTime ge " + from.Format(time.RFC3339)
		same(t, filter, "", func(id string, a *tocsin.Alert) bool {
			return statuses[id] != "resolved" && !a.LastActivity.Before(from)
		})
		got := s.found(t, graphAlerts, filter, "", "createdDateTime desc")
		for i := 1; i < len(got); i++ {
			if s.alerts[ids[got[i-1]]].LastActivity.Before(s.alerts[ids[got[i]]].LastActivity) {
				t.Error("not newest first")
			}
		}
	})
	for filter, is := range map[string]func(a *tocsin.Alert) bool{
		"severity eq 'medium'":                      func(a *tocsin.Alert) bool { return a.Severity == "medium" },
		"category eq 'Impact'":                      func(a *tocsin.Alert) bool { return a.Category == "Impact" },
		"serviceSource eq 'microsoftSentinel'":      func(a *tocsin.Alert) bool { return a.ServiceSource == "microsoftSentinel" },
		"detectionSource eq 'antivirus'":            func(a *tocsin.Alert) bool { return a.DetectionSource == "antivirus" },
		"productName eq 'Product A'":                func(a *tocsin.Alert) bool { return a.ProductName == "Product A" },
		"tocsin/alertPolicies/any(x:x eq 'Rule B')": func(a *tocsin.Alert) bool { return a.RuleTitle == "Rule B" },
		"tocsin/subscriptionIds/any(x:x eq 'sub-1')": func(a *tocsin.Alert) bool {
			return strings.Contains(a.Evidence[len(a.Evidence)-1].Str("resourceId"), "/sub-1/")
		},
		"tocsin/entities/any(x:x eq 'ws-0005.corp.example')": func(a *tocsin.Alert) bool { return a.Evidence[0].Str("deviceDnsName") == "ws-0005.corp.example" },
		"tocsin/entities/any(x:startswith(x,'user000'))": func(a *tocsin.Alert) bool {
			return strings.HasPrefix(a.Evidence[1].Str("userAccount.accountName"), "user000")
		},
		"tocsin/investigationStates/any(x:x eq 'running')":               func(a *tocsin.Alert) bool { return a.InvestigationState == "running" },
		"tocsin/workspaces/any(x:x eq 'soc-us')":                         func(a *tocsin.Alert) bool { return a.Workspace == "soc-us" },
		"tocsin/dataStreams/any(x:x eq 'DeviceEvents')":                  func(a *tocsin.Alert) bool { return a.DataStream == "DeviceEvents" },
		"tocsin/sensitivityLabels/any(x:x eq 'Confidential')":            func(a *tocsin.Alert) bool { return slices.Contains(a.SensitivityLabels, "Confidential") },
		"tocsin/threats/any(x:x eq 'Trojan')":                            func(a *tocsin.Alert) bool { return a.ThreatFamilyName == "Trojan" },
		"title eq 'Title 1 of 3'":                                        func(a *tocsin.Alert) bool { return a.Title == "Title 1 of 3" },
		"severity eq 'high' and not tocsin/threats/any(x:x eq 'Trojan')": func(a *tocsin.Alert) bool { return a.Severity == "high" && a.ThreatFamilyName == "" },
	} {
		t.Run("A02 "+filter, func(t *testing.T) { same(t, filter, "", func(_ string, a *tocsin.Alert) bool { return is(a) }) })
	}
	t.Run("A02 tags of the incident", func(t *testing.T) {
		same(t, "tocsin/incidentTags/any(x:x eq 'vip')", "", func(id string, _ *tocsin.Alert) bool { return len(s.tags[s.of[ids[id]]]) > 0 })
	})
	t.Run("A02 status", func(t *testing.T) {
		same(t, "status eq 'resolved'", "", func(id string, _ *tocsin.Alert) bool { return statuses[id] == "resolved" })
	})
	t.Run("A02 search", func(t *testing.T) {
		same(t, "", "title 2 of 17", func(_ string, a *tocsin.Alert) bool { return strings.HasPrefix(a.Title, "Title 2 of 17") })
		for id := range ids {
			same(t, "", id, func(got string, _ *tocsin.Alert) bool { return got == id })
			break
		}
	})
}

// Q19.
func TestExport(t *testing.T) {
	s := seed(t)
	id := s.of[0]
	if a := s.h.call(s.token, "PATCH", fmt.Sprint(graphIncidents, "/", id), `{"displayName":"=HYPERLINK(\"http://x\"),\nnext","customTags":["@sum","ok"]}`); a.StatusCode != 200 {
		t.Fatal(a.body)
	}
	read := func(path string) (answer, [][]string) {
		t.Helper()
		a := s.h.call(s.token, "GET", path, "")
		if a.StatusCode != 200 {
			t.Fatalf("%s: %d %s", path, a.StatusCode, a.body)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return a, rows
	}
	filter := "tocsin/osPlatforms/any(x:x eq 'Linux')"
	order := "lastUpdateDateTime desc"
	a, rows := read("/api/v1/incidents/export?columns=severity,id,os&$filter=" + url.QueryEscape(filter) + "&$orderby=" + url.QueryEscape(order))
	if !slices.Equal(rows[0], []string{"Severity", "ID", "OS platforms"}) {
		t.Errorf("columns %v", rows[0])
	}
	var got []string
	for _, r := range rows[1:] {
		got = append(got, r[1])
		if !strings.Contains(r[2], "Linux") {
			t.Errorf("%v", r)
		}
	}
	if want := s.found(t, graphIncidents, filter, "", order); !slices.Equal(got, want) || a.Header.Get("Tocsin-Total") != strconv.Itoa(len(want)) ||
		a.Header.Get("Tocsin-Rows") != strconv.Itoa(len(want)) || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("got %v, want %v, %v", got, want, a.Header)
	}
	_, rows = read("/api/v1/incidents/export?$filter=" + url.QueryEscape(fmt.Sprintf("id eq %d", id)))
	if len(rows) != 2 || !strings.HasPrefix(rows[1][1], `'=HYPERLINK`) || !slices.Contains(rows[1], "'@sum; ok") {
		t.Errorf("formulas are not harmless: %q", rows)
	}
	for cell, want := range map[string]string{"=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "a=1": "a=1", "": ""} {
		if harmless(cell) != want {
			t.Errorf("%q becomes %q", cell, harmless(cell))
		}
	}
	_, rows = read("/api/v1/alerts/export?columns=name,incidentId,assets")
	if len(rows) != len(s.alerts)+1 || !strings.Contains(rows[1][2], "corp.example") {
		t.Errorf("%d rows of %d alerts, %v", len(rows)-1, len(s.alerts), rows[1])
	}
	for _, bad := range []string{"columns=nothing", "columns=id,id", "$top=5", "$filter=x"} {
		if a := s.h.call(s.token, "GET", "/api/v1/incidents/export?"+bad, ""); a.StatusCode != 400 {
			t.Errorf("%s: %d", bad, a.StatusCode)
		}
	}
	if a := s.h.call(s.h.scoped(tocsin.RoleOperator, tocsin.VerbIncidentRead), "GET", "/api/v1/alerts/export", ""); a.StatusCode != 403 {
		t.Errorf("without alert.read: %d", a.StatusCode)
	}
}

// Q16.
func TestFilterSets(t *testing.T) {
	h := open(t, nil)
	admin := h.signIn("admin", h.password)
	one, two := h.token(tocsin.RoleReader), h.token(tocsin.RoleOperator)
	const path = "/api/v1/filtersets"
	make := func(token, body string) answer { return h.call(token, "POST", path, body) }
	a := make(one, `{"noun":"incident","name":" New  and high ","query":"?severity=high&status=active"}`)
	if a.StatusCode != 201 || a.json(t)["name"] != "New and high" || a.json(t)["query"] != "severity=high&status=active" || a.json(t)["mine"] != true {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	own := a.json(t)["id"].(string)
	shared := make(one, `{"noun":"incident","name":"For all","query":"tag=vip","shared":true}`).json(t)["id"].(string)
	make(one, `{"noun":"alert","name":"For all","query":"x=1"}`)
	names := func(token, noun string) (out []string) {
		for _, f := range value(t, h.call(token, "GET", path+"?noun="+noun, "")) {
			out = append(out, f["name"].(string))
		}
		return out
	}
	if got := names(one, "incident"); !slices.Equal(got, []string{"For all", "New and high"}) {
		t.Errorf("one's own: %v", got)
	}
	if got := names(two, "incident"); !slices.Equal(got, []string{"For all"}) {
		t.Errorf("somebody else's: %v", got)
	}
	for what, c := range map[string]struct {
		a    answer
		code int
	}{
		"a name twice":         {make(one, `{"noun":"incident","name":"For all","query":""}`), 409},
		"no name":              {make(one, `{"noun":"incident","name":" ","query":""}`), 400},
		"no noun":              {make(one, `{"noun":"device","name":"x","query":""}`), 400},
		"too long a name":      {make(one, `{"noun":"incident","name":"`+strings.Repeat("x", 81)+`","query":""}`), 422},
		"too long":             {make(one, `{"noun":"incident","name":"x","query":"`+strings.Repeat("x", 8193)+`"}`), 422},
		"of another":           {h.call(two, "PATCH", path+"/"+own, `{"name":"mine"}`), 404},
		"a shared one":         {h.call(two, "PATCH", path+"/"+shared, `{"name":"mine"}`), 403},
		"deleting a shared":    {h.call(two, "DELETE", path+"/"+shared, ""), 403},
		"an unknown one":       {h.call(two, "DELETE", path+"/nothing", ""), 404},
		"an admin renames":     {admin.call("PATCH", path+"/"+shared, `{"name":"For everybody"}`), 200},
		"an admin, not shared": {admin.call("PATCH", path+"/"+own, `{"name":"x"}`), 404},
		"the owner":            {h.call(one, "PATCH", path+"/"+own, `{"query":"severity=low"}`), 200},
	} {
		if want := c.code; c.a.StatusCode != want && !(want == 422 && c.a.StatusCode >= 400 && c.a.StatusCode < 500) {
			t.Errorf("%s: %d %s", what, c.a.StatusCode, c.a.body)
		}
	}
	if got := names(two, "incident"); !slices.Equal(got, []string{"For everybody"}) {
		t.Errorf("after the admin: %v", got)
	}
	if a := h.call(one, "DELETE", path+"/"+own, ""); a.StatusCode != 204 || slices.Contains(names(one, "incident"), "New and high") {
		t.Errorf("deleting: %d", a.StatusCode)
	}
}

// Q05: what the portal remembers for a person is the person's alone.
func TestPreferences(t *testing.T) {
	h := open(t, nil)
	one, two := h.token(tocsin.RoleReader), h.token(tocsin.RoleReader)
	const path = "/api/v1/preferences/queue.incident"
	if a := h.call(one, "GET", path, ""); a.StatusCode != 200 || a.json(t)["value"] != nil {
		t.Errorf("nothing yet: %d %s", a.StatusCode, a.body)
	}
	if a := h.call(one, "PUT", path, `{"value":{"columns":["id","os"]}}`); a.StatusCode != 204 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(one, "GET", path, ""); !strings.Contains(a.body, `{"columns":["id","os"]}`) {
		t.Errorf("%s", a.body)
	}
	if a := h.call(two, "GET", path, ""); a.json(t)["value"] != nil {
		t.Errorf("somebody else sees %s", a.body)
	}
	if a := h.call(one, "PUT", path, `{"value":"`+strings.Repeat("x", tocsin.MaxPreference)+`"}`); a.StatusCode < 400 || a.StatusCode > 499 {
		t.Errorf("too large: %d", a.StatusCode)
	}
	if a := h.call(one, "PUT", "/api/v1/preferences/Queue_", `{"value":1}`); a.StatusCode != 400 {
		t.Errorf("a bad key: %d", a.StatusCode)
	}
	if a := h.call(one, "PUT", path, `{"value":null}`); a.StatusCode != 204 || h.call(one, "GET", path, "").json(t)["value"] != nil {
		t.Errorf("forgetting: %d", a.StatusCode)
	}
	for n := range tocsin.MaxPreferences {
		h.call(one, "PUT", fmt.Sprint("/api/v1/preferences/k", n), `{"value":1}`)
	}
	if a := h.call(one, "PUT", path, `{"value":1}`); a.StatusCode < 400 || a.StatusCode > 499 {
		t.Errorf("one too many: %d", a.StatusCode)
	}
}

// Q04.
func TestStripCountsTheStore(t *testing.T) {
	s := seed(t)
	now := s.h.clock.now().UTC()
	want := map[string][2]int{}
	seen := map[int64]bool{}
	for i, a := range s.alerts {
		at := a.LastActivity.Truncate(time.Hour).Format(time.RFC3339)
		n := want[at]
		n[0]++
		if !seen[s.of[i]] {
			seen[s.of[i]] = true
			n[1]++
		}
		want[at] = n
	}
	hours := s.h.call(s.token, "GET", "/api/v1/incidents/summary", "").json(t)["hours"].([]any)
	if len(hours) != 24 {
		t.Fatalf("%d hours", len(hours))
	}
	sum := 0
	for i, v := range hours {
		h := v.(map[string]any)
		at := now.Truncate(time.Hour).Add(time.Duration(i-23) * time.Hour).Format(time.RFC3339)
		if h["at"] != at || int(h["alerts"].(float64)) != want[at][0] || int(h["incidents"].(float64)) != want[at][1] {
			t.Errorf("%v, want %s %v", h, at, want[at])
		}
		sum += want[at][0]
	}
	if sum == 0 {
		t.Error("nothing happened in those hours")
	}
}
