package intake

import "testing"

func TestTableOfRow(t *testing.T) {
	cases := []struct{ row, want string }{
		{`{"$table":"EmailEvents","Subject":"x"}`, "EmailEvents"},
		{`{"a":{"b":[1,"}"]},"_table" : "DeviceEvents"}`, "DeviceEvents"},
		{`{"Timestamp":"x","Type":"DeviceEvents"}`, "DeviceEvents"},
		{`{"Type":"SecurityEvent","EventID":1}`, ""},
		{`{"$table":"SecurityEvent"}`, "SecurityEvent"},
		{`{"inner":{"$table":"EmailEvents"}}`, ""},
		{`{"text":"\"$table\":\"EmailEvents\""}`, ""},
		{`{"$table":7}`, ""},
		{`{"$table":"Nonsense"}`, ""},
		{`["$table"]`, ""},
		{`{"$table":"EmailEv`, ""},
	}
	for _, c := range cases {
		if got := tableOfRow([]byte(c.row)); got != c.want {
			t.Errorf("%s: %q, want %q", c.row, got, c.want)
		}
	}
	for name, want := range map[string]string{
		"DeviceProcessEvents.json": "DeviceProcessEvents", "DeviceProcessEvents-2025-01.ndjson.gz": "DeviceProcessEvents",
		"a/b/EmailEvents_1.json": "EmailEvents", "events.json": "", ".json": "", "DeviceProcessEventsX.json": "",
	} {
		if got := tableOfName(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestWithReportID(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a":1}`: `{"ReportId":7,"a":1}`, ` { "a":1}`: `{"ReportId":7,"a":1}`, `{}`: `{"ReportId":7}`, `{ }`: `{"ReportId":7}`, `[1]`: `[1]`, ``: ``,
	} {
		if got := string(withReportID(nil, []byte(raw), 7)); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func FuzzTableOfRow(f *testing.F) {
	f.Add([]byte(`{"$table":"EmailEvents","a":{"b":[1,"}"]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tableOfRow(raw)
		withReportID(nil, raw, 1)
	})
}
