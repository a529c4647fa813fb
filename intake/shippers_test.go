package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHEC(t *testing.T) {
	row := `{"Timestamp":"2025-05-01T10:00:00Z","Subject":"hello"}`
	cases := []struct {
		name, body string
		opts       HECOptions
		status     int
		reply      string
		rows       map[string]int64
		quarantine int
	}{
		{"winlogbeat", `{"time":1714557600.5,"host":"h","event":` + beat("WS1", 1, `C:\a.exe`) + "}\n{\"event\":" + beat("WS1", 2, `C:\b.exe`) + "}",
			HECOptions{}, 200, `{"text":"Success","code":0}`, map[string]int64{"DeviceProcessEvents": 2}, 0},
		{"event as text", `{"event":` + asJSON(t, beat("WS1", 1, `C:\a.exe`)) + "}", HECOptions{}, 200, `{"text":"Success","code":0}`, map[string]int64{"DeviceProcessEvents": 1}, 0},
		{"hunting row by sourcetype", `{"sourcetype":"EmailEvents","event":` + row + "}", HECOptions{}, 200, `{"text":"Success","code":0}`, map[string]int64{"EmailEvents": 1}, 0},
		{"hunting row by parameter, time from the envelope", `{"time":"1714557600","event":{"Subject":"x"}}`, HECOptions{Sourcetype: "EmailEvents"}, 200, `{"text":"Success","code":0}`, map[string]int64{"EmailEvents": 1}, 0},
		{"unknown text is kept", `{"event":"something happened"}`, HECOptions{}, 200, `{"text":"Success","code":0}`, map[string]int64{}, 1},
		{"unknown object is kept", `{"event":{"a":1}}`, HECOptions{}, 200, `{"text":"Success","code":0}`, map[string]int64{}, 1},
		{"nothing", "  \n", HECOptions{}, 400, `{"text":"No data","code":5}`, map[string]int64{}, 0},
		{"no event", `{"event":` + row + `,"sourcetype":"EmailEvents"} {"host":"h"}`, HECOptions{}, 400, `{"text":"Event field is required","code":12,"invalid-event-number":1}`, map[string]int64{"EmailEvents": 1}, 0},
		{"blank event", `{"event":""}`, HECOptions{}, 400, `{"text":"Event field cannot be blank","code":13,"invalid-event-number":0}`, map[string]int64{}, 0},
		{"no JSON", `{"event":` + row + `,"sourcetype":"EmailEvents"} nonsense`, HECOptions{}, 400, `{"text":"Invalid data format","code":6,"invalid-event-number":1}`, map[string]int64{"EmailEvents": 1}, 0},
		{"cut", `{"event":{"a":`, HECOptions{}, 400, `{"text":"Invalid data format","code":6,"invalid-event-number":0}`, map[string]int64{}, 0},
		{"NaN", `{"event":{"a":NaN}}`, HECOptions{}, 400, `{"text":"Invalid data format","code":6,"invalid-event-number":0}`, map[string]int64{}, 0},
	}
	for _, c := range cases {
		w := newWorld(t, t.TempDir(), Config{})
		for _, zipped := range []bool{false, true} {
			body := []byte(c.body)
			if c.opts.Gzip = zipped; zipped {
				body = gzipOf(t, body)
			}
			reply, err := w.HEC(context.Background(), strings.NewReader(string(body)), c.opts)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if reply.Status != c.status || asJSON(t, reply) != c.reply {
				t.Errorf("%s: %d %s", c.name, reply.Status, asJSON(t, reply))
			}
			if zipped {
				break
			}
			got := w.totals(t)
			n := 0
			for _, k := range got.Quarantine {
				n += int(k)
			}
			if diff := cmp.Diff(c.rows, got.Rows); diff != "" || n != c.quarantine {
				t.Errorf("%s: %d in quarantine, rows:\n%s", c.name, n, diff)
			}
		}
	}
}

func TestHECRaw(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	ctx := context.Background()
	reply, err := w.HECRaw(ctx, strings.NewReader(beats("WS1", 3)+"\nwhat is this\n"), HECOptions{Source: "s"})
	if err != nil || reply != HECSuccess {
		t.Fatalf("%+v, %v", reply, err)
	}
	if reply, err = w.HECRaw(ctx, strings.NewReader(" \n"), HECOptions{}); err != nil || reply != HECNoData {
		t.Errorf("%+v, %v", reply, err)
	}
	got := w.totals(t)
	if got.Rows["DeviceProcessEvents"] != 3 || got.Quarantine["text of no known source"] != 1 {
		t.Errorf("%+v", got)
	}
}

func TestBulk(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	ctx := context.Background()
	body := strings.Join([]string{
		`{"create":{"_index":"winlogbeat-2025","_id":"a"}}`, beat("WS1", 1, `C:\a.exe`),
		`{"index":{}}`, beat("WS1", 2, `C:\a.exe`),
		`{"create":{"_index":"emailevents"}}`, `{"Timestamp":"2025-05-01T10:00:00Z","Subject":"s"}`,
		`{"create":{"_index":"emailevents","_id":"never"}}`, `{"Timestamp":"never"}`,
		`{"delete":{"_index":"x","_id":"1"}}`,
		`{"update":{"_index":"x","_id":"2"}}`, `{"doc":{}}`,
		`{"create":{"_index":"x","_id":"nan"}}`, `{"a":NaN}`,
		`{"create":{"_index":"x","_id":"odd"}}`, `{"a":1}`,
	}, "\n") + "\n"
	reply, err := w.Bulk(ctx, strings.NewReader(body), BulkOptions{Index: "fallback"})
	if err != nil || reply.HTTP != 200 || !reply.Errors {
		t.Fatalf("%+v, %v", reply, err)
	}
	var got []string
	for _, item := range reply.Items {
		for action, i := range item {
			line := fmt.Sprintf("%s %s %d %s", action, i.Index, i.Status, i.Result)
			if i.Error != nil {
				line += i.Error.Type
			}
			if i.ID == "" {
				t.Errorf("%s has no id", line)
			}
			got = append(got, line)
		}
	}
	want := []string{
		"create winlogbeat-2025 201 created", "index fallback 201 created", "create emailevents 201 created",
		"create emailevents 400 document_parsing_exception", "delete x 400 illegal_argument_exception",
		"update x 400 illegal_argument_exception", "create x 400 document_parsing_exception", "create x 201 created",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int64{"DeviceProcessEvents": 2, "EmailEvents": 1}, w.totals(t).Rows); diff != "" {
		t.Error(diff)
	}
	again, _ := w.Bulk(ctx, strings.NewReader(body), BulkOptions{Index: "fallback"})
	if again.Items[1]["index"].ID != reply.Items[1]["index"].ID {
		t.Error("the same request gets other ids")
	}
}

func TestBulkRefused(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	for _, body := range []string{"", "nonsense\n", `{"frobnicate":{}}` + "\n{}\n", `{"create":{}}`, `{"create":{"_index":7}}` + "\n{}\n"} {
		reply, err := w.Bulk(context.Background(), strings.NewReader(body), BulkOptions{Index: "x"})
		if err != nil || reply.HTTP != 400 || !strings.HasPrefix(asJSON(t, reply), `{"error":{"type":"illegal_argument_exception"`) {
			t.Errorf("%q: %d %s %v", body, reply.HTTP, asJSON(t, reply), err)
		}
	}
	if got := w.totals(t); len(got.Rows) > 0 || len(got.Quarantine) > 0 {
		t.Errorf("%+v", got)
	}
}

func FuzzShippers(f *testing.F) {
	f.Add([]byte(`{"time":1,"event":{"a":1}}{"event":"x"}`))
	f.Add([]byte("{\"create\":{\"_index\":\"emailevents\"}}\n{\"Timestamp\":\"2025-05-01T10:00:00Z\"}\n"))
	w := newWorld(f, f.TempDir(), Config{})
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := w.HEC(ctx, strings.NewReader(string(body)), HECOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.HECRaw(ctx, strings.NewReader(string(body)), HECOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Bulk(ctx, strings.NewReader(string(body)), BulkOptions{Index: "x"}); err != nil {
			t.Fatal(err)
		}
	})
}
