package api

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func TestAdvancedHunting(t *testing.T) {
	h := huntHouse(t, 30)
	token := h.token(tocsin.RoleReader)
	const body = `{"Query":"DeviceProcessEvents | where ReportId == 3 | project Timestamp, ReportId"}`
	for _, path := range []string{"/api/advancedhunting/run", "/api/advancedqueries/run"} {
		a := h.call(token, "POST", path, body)
		got := a.json(t)
		schema, _ := json.Marshal(got["Schema"])
		results, _ := json.Marshal(got["Results"])
		if a.StatusCode != 200 || string(schema) != `[{"Name":"Timestamp","Type":"DateTime"},{"Name":"ReportId","Type":"Int64"}]` ||
			string(results) != `[{"ReportId":3,"Timestamp":"2026-11-20T08:00:03.5000000Z"}]` {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
		if stats, ok := got["Stats"].(map[string]any); ok != (path == "/api/advancedhunting/run") || ok && stats["dataset_statistics"].([]any)[0].(map[string]any)["table_row_count"] != 1.0 {
			t.Errorf("%s: %v", path, got["Stats"])
		}
		for body, want := range map[string]string{
			`{"Query":"NoTable"}`: "BadRequest", `{"Query":""}`: "MissingRequiredParameter", `{"Query":1}`: "BadRequest", `[]`: "BadRequest",
		} {
			a := h.call(token, "POST", path, body)
			e, _ := a.json(t)["error"].(map[string]any)
			if a.StatusCode != 400 || e["code"] != want || e["message"] == "" || !strings.HasPrefix(e["target"].(string), "|") {
				t.Errorf("%s %s: %d %s", path, body, a.StatusCode, a.body)
			}
		}
	}
	// What ran is in the history, whichever door it came by.
	if a := h.call(token, "GET", "/api/v1/hunting/history", ""); strings.Count(a.body, `ReportId == 3`) != 2 {
		t.Errorf("history: %s", a.body)
	}
}

func TestRunHuntingQuery(t *testing.T) {
	h := huntHouse(t, 90)
	token := h.token(tocsin.RoleReader)
	for timespan, want := range map[string]string{
		"": "90", "P1D": "90", "PT30M": "0", "2026-11-20T08:00:00Z/2026-11-20T08:00:10Z": "10", "PT20S/2026-11-20T08:00:30Z": "20",
		"2026-11-20T08:01:00Z/PT5S": "5", "2026-11-20T08:01:00Z": "30", "2026-11-21/P1D": "0",
	} {
		for _, path := range []string{"/v1.0/security/runHuntingQuery", "/beta/security/microsoft.graph.security.runHuntingQuery"} {
			a := h.call(token, "POST", path, `{"Query":"DeviceProcessEvents | count","Timespan":"`+timespan+`"}`)
			if a.StatusCode != 200 || !strings.Contains(a.body, `"results":[{"Count":`+want+`}]`) {
				t.Errorf("%s %q: %d %s, want %s", path, timespan, a.StatusCode, a.body, want)
			}
		}
	}
	for _, body := range []string{`{}`, `{"Query":"print 1","Timespan":"P"}`, `{"Query":"print 1","Timespan":"soon"}`, `{"Query":"print 1","query":"print 2"}`, `{"Query":"print 1","other":1}`,
		`{"Query":"print 1","Timespan":"2026-11-20/2026-11-19"}`} {
		if a := h.call(token, "POST", "/v1.0/security/runHuntingQuery", body); a.StatusCode != 400 || a.errorOf(t) != "invalidRequest" {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	// In a batch.
	a := h.call(token, "POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"POST","url":"/security/runHuntingQuery","headers":{"Content-Type":"application/json"},"body":{"Query":"DeviceProcessEvents | count"}}]}`)
	if a.StatusCode != 200 || !strings.Contains(a.body, `"results":[{"Count":90}]`) {
		t.Errorf("batch: %d %s", a.StatusCode, a.body)
	}
	// A result larger than a part of a batch may have.
	a = h.call(token, "POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"POST","url":"/security/runHuntingQuery","headers":{"Content-Type":"application/json"},"body":{"Query":"range x from 1 to 90000 step 1 | extend a = datetime(2024-01-01), b = datetime(2024-01-01)"}}]}`)
	if a.StatusCode != 200 || !strings.Contains(a.body, "exceeded the allowed result size") {
		t.Errorf("batch: %d %.300s", a.StatusCode, a.body)
	}
}

func TestTimespan(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"":                              "0001-01-01T00:00:00Z 0001-01-01T00:00:00Z",
		"P30D":                          "2026-03-01T12:00:00Z 2026-03-31T12:00:00Z",
		"P1Y2M1W3DT4H5M6.5S":            "2025-01-21T07:54:53.5Z 2026-03-31T12:00:00Z",
		"PT90M":                         "2026-03-31T10:30:00Z 2026-03-31T12:00:00Z",
		"2026-02-01T08:00:00+01:00/P1D": "2026-02-01T07:00:00Z 2026-02-02T07:00:00Z",
		"P30D/2026-02-01":               "2026-01-02T00:00:00Z 2026-02-01T00:00:00Z",
		"2026-01-01/2026-02-01T00:30":   "2026-01-01T00:00:00Z 2026-02-01T00:30:00Z",
		"2026-03-30":                    "2026-03-30T00:00:00Z 2026-03-31T12:00:00Z",
	} {
		from, to, err := parseTimespan(text, now)
		if got := from.Format(time.RFC3339Nano) + " " + to.Format(time.RFC3339Nano); err != nil || got != want {
			t.Errorf("%q: %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"P", "PT", "P1", "P1H", "PT1D", "1D", "P-1D", "P1D/P1D", "P9999999Y", "PT99999999999H", "/", "2026-01-01/", "P1D/2026-01-01/x", "2026-02-01/2026-01-01", "P1.5D"} {
		if from, to, err := parseTimespan(text, now); err == nil {
			t.Errorf("%q: %s %s, want an error", text, from, to)
		}
	}
}

// A result that is larger than what is held back comes while the query runs,
// whole and compressed, and a failure behind it is told in the last frame.
func TestKustoStreams(t *testing.T) {
	h := huntHouse(t, 1)
	token := h.token(tocsin.RoleReader)
	for _, c := range []struct{ query, problem string }{
		{"range x from 1 to 100000 step 1 | extend a = datetime(2024-01-01), b = datetime(2024-01-01)", ""},
		{"range x from 1 to 150000 step 1 | extend a = datetime(2024-01-01), b = datetime(2024-01-01)", "E_QUERY_RESULT_SET_TOO_LARGE"},
	} {
		for _, fragmented := range []bool{false, true} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", h.server.URL+"/v2/rest/query", strings.NewReader(kustoBodyText(t, c.query,
				map[string]any{"Options": map[string]any{"results_v2_fragment_primary_tables": fragmented, "truncationmaxrecords": 100_000}})))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Accept-Encoding", "gzip, deflate")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != 200 || res.Header.Get("Content-Encoding") != "gzip" || res.ContentLength >= 0 {
				t.Fatalf("%d %v", res.StatusCode, res.Header)
			}
			zr, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(zr)
			if err != nil {
				t.Fatal(err)
			}
			var frames []struct {
				FrameType, TableKind string
				Rows                 []json.RawMessage
				RowCount             int
				HasErrors            bool
				OneApiErrors         []oneAPIError
			}
			if err := json.Unmarshal(text, &frames); err != nil {
				t.Fatal(err)
			}
			rows, problem := 0, ""
			for _, f := range frames {
				if f.FrameType == "TableFragment" || f.TableKind == "PrimaryResult" && f.FrameType == "DataTable" {
					rows += len(f.Rows)
				}
				if f.FrameType == "TableFragment" && len(f.Rows) > fragmentRows {
					t.Errorf("a fragment of %d rows", len(f.Rows))
				}
				if f.FrameType == "DataSetCompletion" && f.HasErrors {
					problem = f.OneApiErrors[0].Error.Description
				}
			}
			want := 100_000
			if c.problem != "" && !fragmented {
				want++ // the failure, at the end of the rows
			}
			if rows != want || !strings.Contains(problem, c.problem) || c.problem == "" && problem != "" {
				t.Errorf("%s (fragmented %v): %d rows, %q", c.query, fragmented, rows, problem)
			}
		}
	}
}
