package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// kustoBodyText is a request's body.
func kustoBodyText(t testing.TB, csl string, properties any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"db": "Tocsin", "csl": csl, "properties": properties})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// v1Rows are the rows of the first table of an answer of v1.
func v1Rows(t testing.TB, a answer) string {
	t.Helper()
	var body struct {
		Tables []struct{ Rows json.RawMessage }
	}
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return string(body.Tables[0].Rows)
}

// v2Rows are those of the primary table of an answer of v2, and its errors.
func v2Rows(t testing.TB, a answer) (rows, problem string) {
	t.Helper()
	var frames []struct {
		FrameType, TableKind string
		Rows                 json.RawMessage
		HasErrors            bool
		OneApiErrors         []oneAPIError
	}
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &frames); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	for _, f := range frames {
		switch {
		case f.FrameType == "DataTable" && f.TableKind == "PrimaryResult":
			rows = string(f.Rows)
		case f.FrameType == "DataSetCompletion" && f.HasErrors:
			problem = f.OneApiErrors[0].Error.Description
		}
	}
	return rows, problem
}

func TestKustoQuery(t *testing.T) {
	h := huntHouse(t, 100)
	token := h.token(tocsin.RoleReader)
	for _, c := range []struct {
		csl        string
		properties any
		want       string
	}{
		{"DeviceProcessEvents | summarize n = count(), m = max(ReportId)", nil, `[[100,99]]`},
		{"DeviceProcessEvents | where ReportId == 3 | project Timestamp, DeviceId, IsInitiatingProcessRemoteSession", nil,
			`[["2026-11-20T08:00:03.5000000Z","device-3",false]]`},
		// Parameters.
		{"declare query_parameters(a:long, b:datetime, c:string = 'x', d:string, e:timespan); print a, b, c, d, e",
			map[string]any{"Parameters": map[string]any{"a": 5, "b": "datetime(2024-05-01)", "d": "it's \"so\"", "e": "1h", "unknown": "1"}},
			`[[5,"2024-05-01T00:00:00.0000000Z","x","it's \"so\"","01:00:00"]]`},
		// Properties as text, as some clients send them.
		{"declare query_parameters(a:long); print a", `{"Parameters":{"a":"7"}}`, `[[7]]`},
		// Time.
		{"print now()", map[string]any{"Options": map[string]any{"query_now": "2024-05-01T00:00:00Z"}}, `[["2024-05-01T00:00:00.0000000Z"]]`},
		{"DeviceProcessEvents | count", map[string]any{"Options": map[string]any{"query_datetimescope_from": "2026-11-20T08:01:00Z",
			"query_datetimescope_to": "datetime(2026-11-20T08:01:10Z)", "query_datetimescope_column": "Timestamp"}}, `[[10]]`},
		{"DeviceProcessEvents | where ReportId < 5 | project ReportId | order by ReportId asc", map[string]any{"Options": map[string]any{"query_take_max_records": 2}}, `[[0],[1]]`},
		{"set query_take_max_records = 2; DeviceProcessEvents | project ReportId | order by ReportId asc", nil, `[[0],[1]]`},
	} {
		body := kustoBodyText(t, c.csl, c.properties)
		if got := v1Rows(t, h.call(token, "POST", "/v1/rest/query", body)); got != c.want {
			t.Errorf("v1 %s: %s, want %s", c.csl, got, c.want)
		}
		got, problem := v2Rows(t, h.call(token, "POST", "/v2/rest/query", body))
		if got != c.want || problem != "" {
			t.Errorf("v2 %s: %s %s, want %s", c.csl, got, problem, c.want)
		}
	}
	a := h.call(token, "GET", "/v1/rest/query?db=Tocsin&csl=print+1", "", "x-ms-client-request-id", "KGC.execute;1")
	if v1Rows(t, a) != "[[1]]" || a.Header.Get("x-ms-client-request-id") != "KGC.execute;1" || a.Header.Get("x-ms-activity-id") == "" {
		t.Errorf("GET: %s %v", a.body, a.Header)
	}
	// There being more rows than were asked for is no silent loss.
	for what, options := range map[string]map[string]any{"rows": {"truncationmaxrecords": 10}, "bytes": {"truncationmaxsize": 100}} {
		body := kustoBodyText(t, "DeviceProcessEvents | project ReportId", map[string]any{"Options": options})
		if rows, problem := v2Rows(t, h.call(token, "POST", "/v2/rest/query", body)); !strings.Contains(problem, "E_QUERY_RESULT_SET_TOO_LARGE") || rows == "[]" {
			t.Errorf("too many %s: %s %q", what, rows, problem)
		}
		if a := h.call(token, "POST", "/v1/rest/query", body); a.StatusCode != 200 || !strings.Contains(a.body, `"Exceptions":["Query execution has exceeded`) {
			t.Errorf("too many %s: %s", what, a.body)
		}
	}
}

func TestKustoErrors(t *testing.T) {
	h := huntHouse(t, 1)
	token := h.token(tocsin.RoleReader)
	for _, c := range []struct {
		csl        string
		properties any
		status     int
		code, says string
	}{
		{"DeviceProcessEvents | where Nothing == 1", nil, 400, "General_BadRequest", "Semantic error: "},
		{"DeviceProcessEvents | where", nil, 400, "General_BadRequest", "Syntax error: "},
		{"NoTable | count", nil, 400, "General_BadRequest", "NoTable"},
		{"   ", nil, 400, "General_BadRequest", "no query in csl"},
		{"declare query_parameters(a:long); print a", map[string]any{"Parameters": map[string]any{"a": "x y"}}, 400, "General_BadRequest", "'a' is no long"},
		{"print 1", map[string]any{"Options": map[string]any{"servertimeout": "soon"}}, 400, "General_BadRequest", "servertimeout"},
		{"print 1", map[string]any{"Options": map[string]any{"query_language": "sql"}}, 400, "General_BadRequest", "query_language"},
		{".drop table DeviceProcessEvents", nil, 400, "General_BadRequest", "read only"},
	} {
		for _, path := range []string{"/v1/rest/query", "/v2/rest/query"} {
			a := h.call(token, "POST", path, kustoBodyText(t, c.csl, c.properties))
			var e oneAPIError
			if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.StatusCode != c.status {
				t.Errorf("%s: %d %v in %s", c.csl, a.StatusCode, err, a.body)
				continue
			}
			if e.Error.Code != c.code || !strings.Contains(e.Error.Description, c.says) || !e.Error.Permanent || e.Error.Context.ActivityID == "" {
				t.Errorf("%s: %s", c.csl, a.body)
			}
		}
	}
	if a := h.call(token, "POST", "/v2/rest/query", `{"db":"elsewhere","csl":"print 1"}`); a.StatusCode != 400 || !strings.Contains(a.body, "Database 'elsewhere' was not found") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for path, body := range map[string]string{"/v1/rest/mgmt": `{"csl":"print 1"}`, "/v2/rest/query": `{"csl":1}`} {
		if a := h.call(token, "POST", path, body); a.StatusCode != 400 || !strings.Contains(a.body, "General_BadRequest") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	if a := h.call("", "POST", "/v2/rest/query", `{"csl":"print 1"}`); a.StatusCode != 401 || !strings.Contains(a.body, `"@message"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := h.call(token, "GET", "/v1/rest/nothing", ""); a.StatusCode != 404 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestKustoCommands(t *testing.T) {
	h := huntHouse(t, 1)
	token := h.token(tocsin.RoleReader)
	for csl, want := range map[string]string{
		".show tables | where TableName == 'DeviceProcessEvents' | project TableName, DatabaseName":                          `[["DeviceProcessEvents","Tocsin"]]`,
		"// first\n .show tables (DeviceInfo, ['DeviceEvents']) | count":                                                     `[[2]]`,
		".show databases | project DatabaseName, PrettyName, IsCurrent":                                                      `[["Tocsin","Example",true]]`,
		".show databases details | count":                                                                                    `[[1]]`,
		".show version | project BuildVersion, ServiceType":                                                                  `[["test","Engine"]]`,
		".show cluster | project NodeId":                                                                                     `[["1"]]`,
		".show table DeviceProcessEvents | where AttributeName == 'Timestamp' | project AttributeName, AttributeType":        `[["Timestamp","System.DateTime"]]`,
		".show table ['DeviceProcessEvents'] cslschema | project TableName":                                                  `[["DeviceProcessEvents"]]`,
		".show table DeviceInfo schema as json | project TableName, DatabaseName":                                            `[["DeviceInfo","Tocsin"]]`,
		".show database Tocsin schema | where ColumnName == 'ReportId' and TableName == 'DeviceInfo' | project ColumnType":   `[["System.Int64"]]`,
		".show database schema | where ColumnName == '_ingested' | count":                                                    `[[0]]`,
		".show database ['Tocsin'] cslschema | where TableName == 'DeviceInfo' | count":                                      `[[1]]`,
		".show databases entities with (showObfuscatedStrings=true) | where EntityName == 'DeviceInfo' | project EntityType": `[["Table"]]`,
		".show materialized-views":                 `[]`,
		".show external tables":                    `[]`,
		".show database principals | project Role": `[["Viewer"]]`,
	} {
		if got := v1Rows(t, h.call(token, "POST", "/v1/rest/mgmt", kustoBodyText(t, csl, nil))); got != want {
			t.Errorf("%s: %s, want %s", csl, got, want)
		}
	}
	var schema struct {
		Databases map[string]struct {
			Tables map[string]struct {
				OrderedColumns []struct{ Name, Type, CslType string }
			}
			Functions map[string]struct {
				InputParameters []struct{ Name, CslType string }
				Body            string
			}
		}
	}
	for _, csl := range []string{".show database Tocsin schema as json", ".show databases (Tocsin) schema as json", ".show schema as json"} {
		var rows [][]string
		if err := json.Unmarshal([]byte(v1Rows(t, h.call(token, "POST", "/v1/rest/mgmt", kustoBodyText(t, csl, nil)))), &rows); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(rows[0][0]), &schema); err != nil {
			t.Fatal(err)
		}
		db := schema.Databases["Tocsin"]
		if len(db.Tables["DeviceProcessEvents"].OrderedColumns) < 10 {
			t.Errorf("%s: %v", csl, db.Tables["DeviceProcessEvents"])
		}
		for name, f := range db.Functions {
			if !strings.HasPrefix(f.Body, "{") {
				t.Errorf("%s: function %s has the body %q", csl, name, f.Body)
			}
		}
	}
	for _, csl := range []string{".show", ".show nothing", ".show table NoSuchTable", ".show database elsewhere schema", ".show table 'x", ".create table T (a:long)", ".show tables nonsense", ".show ['"} {
		if a := h.call(token, "POST", "/v1/rest/mgmt", kustoBodyText(t, csl, nil)); a.StatusCode != 400 || !strings.Contains(a.body, "General_BadRequest") {
			t.Errorf("%s: %d %s", csl, a.StatusCode, a.body)
		}
	}
	a := h.call("", "GET", "/v1/rest/auth/metadata", "")
	if login := a.json(t)["AzureAD"].(map[string]any)["LoginEndpoint"]; a.StatusCode != 200 || login != h.server.URL {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
