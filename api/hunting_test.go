package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// hunts is a house with a lake of process starts: n of them on three devices,
// a minute apart, before the house's clock.
func hunts(t *testing.T, n int, change func(*Config, *lake.Config)) *house {
	t.Helper()
	h := open(t, func(cfg *Config) {
		lc := lake.Config{Dir: t.TempDir(), MemoryLimit: "512MB", Threads: 2, Now: cfg.Now, Log: slog.New(slog.DiscardHandler)}
		cfg.Hunting = &Hunter{Now: cfg.Now, Log: cfg.Log}
		if change != nil {
			change(cfg, &lc)
		}
		l, err := lake.Open(t.Context(), lc)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		b, err := l.NewBatch("DeviceProcessEvents")
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			row := fmt.Sprintf(`{"Timestamp":%q,"DeviceId":"d%d","DeviceName":"host%d.example","FileName":"p%d.exe","ProcessId":%d,"ReportId":%d}`,
				cfg.Now().Add(-time.Duration(i+1)*time.Minute).Format(time.RFC3339), i%3, i%3, i, i, i)
			if err := b.AppendJSON([]byte(row)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Append(t.Context(), lake.Write{Batches: []*lake.Batch{b}}); err != nil {
			t.Fatal(err)
		}
		if cfg.Hunting.Engine == nil {
			cfg.Hunting.Engine = l
		}
	})
	h.api.cfg.Hunting.Store = h.store
	return h
}

func queryBody(t testing.TB, query string, more ...any) string {
	t.Helper()
	m := map[string]any{"query": query}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// lines are the lines of a streamed answer.
func lines(t testing.TB, body string) (out []map[string]any) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || len(m) != 1 {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}

func TestRunHunt(t *testing.T) {
	h := hunts(t, 2500, nil)
	me := h.signIn("admin", h.password)
	a := me.call("POST", "/api/v1/hunting/run", queryBody(t, `DeviceProcessEvents | summarize n = count() by DeviceName | order by DeviceName asc | render columnchart with (title="T")`))
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/x-ndjson; charset=utf-8" {
		t.Fatalf("%d %s: %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	got := strings.Split(a.body, "\n")
	want := []string{
		`{"table":{"name":"","columns":[{"name":"DeviceName","type":"string"},{"name":"n","type":"long"}],"render":{"chart":"columnchart","props":{"title":"T"}}}}`,
		`{"rows":[["host0.example",834],["host1.example",833],["host2.example",833]]}`,
	}
	if got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%s\nwant\n%s", a.body, strings.Join(want, "\n"))
	}
	stats := lines(t, a.body)[2]["stats"].(map[string]any)
	if stats["rows"] != 3.0 || stats["resource"] != "Low" || fmt.Sprint(stats["tables"]) != "[DeviceProcessEvents]" || stats["partial"] != nil || len(stats["warnings"].([]any)) != 0 {
		t.Errorf("stats %v", stats)
	}

	// Many rows come in several lines of at most 1,000.
	counts := []int{}
	for _, l := range lines(t, me.call("POST", "/api/v1/hunting/run", queryBody(t, "DeviceProcessEvents | project ProcessId")).body) {
		if rows, ok := l["rows"].([]any); ok {
			counts = append(counts, len(rows))
		}
	}
	if total := sum(counts); total != 2500 || len(counts) < 3 {
		t.Errorf("lines of %v rows", counts)
	}

	// What the request bounds: rows and time.
	body := me.call("POST", "/api/v1/hunting/run", queryBody(t, "DeviceProcessEvents", "maxRows", 7)).body
	if last := lines(t, body); !strings.Contains(fmt.Sprint(last[len(last)-1]), "more than 7 rows") {
		t.Errorf("maxRows: %v", last[len(last)-1])
	}
	now := h.clock.now()
	body = me.call("POST", "/api/v1/hunting/run", queryBody(t, "DeviceProcessEvents | count", "from", now.Add(-10*time.Minute), "to", now.Add(-5*time.Minute-time.Second))).body
	if !strings.Contains(body, `{"rows":[[5]]}`) {
		t.Errorf("from and to: %s", body)
	}
	for what, b := range map[string]string{
		"empty":        `{"query":"  "}`,
		"no query":     `{}`,
		"unknown":      `{"query":"print 1","foo":1}`,
		"rows":         `{"query":"print 1","maxRows":100001}`,
		"negative":     `{"query":"print 1","maxRows":-1}`,
		"wrong order":  `{"query":"print 1","from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}`,
		"not a time":   `{"query":"print 1","from":"yesterday"}`,
		"not a string": `{"query":1}`,
	} {
		if a := me.call("POST", "/api/v1/hunting/run", b); a.StatusCode != http.StatusBadRequest || a.errorOf(t) != "invalidRequest" {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	if a := me.call("POST", "/api/v1/hunting/run", queryBody(t, strings.Repeat("x", maxQueryBody))); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body without end: %d", a.StatusCode)
	}
	if a := me.call("POST", "/api/v1/hunting/run", queryBody(t, "print '"+strings.Repeat("x", 1<<20)+"'")); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a query without end: %d %s", a.StatusCode, a.body)
	}
	if a := me.call("POST", "/api/v1/hunting/run", queryBody(t, "print 1"), "X-CSRF-Token", "wrong"); a.StatusCode != http.StatusForbidden {
		t.Errorf("without the page's token: %d", a.StatusCode)
	}
}

func sum(ns []int) (total int) {
	for _, n := range ns {
		total += n
	}
	return total
}

func TestCells(t *testing.T) {
	h := hunts(t, 0, nil)
	a := h.call(h.token(tocsin.RoleReader), "POST", "/api/v1/hunting/run", queryBody(t,
		`print 9007199254740992, 9007199254740993, -9007199254740993, int(5), 0.5, real(nan), datetime(2020-01-02 03:04:05.1234567), 1d + 1tick,
		 guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({"a":[1,null,"x"]}), decimal(1.5), true, "a\"b", long(null), datetime(null), dynamic(null)`))
	want := `{"rows":[[9007199254740992,"9007199254740993","-9007199254740993",5,0.5,"NaN","2020-01-02T03:04:05.1234567Z","1.00:00:00.0000001",` +
		`"74be27de-1e4e-49d9-b579-fe0b331d3642",{"a":[1,null,"x"]},"1.5",true,"a\"b",null,null,null]]}`
	if got := strings.Split(a.body, "\n"); len(got) < 2 || got[1] != want {
		t.Errorf("%s\nwant\n%s", a.body, want)
	}
}

func TestBadQuery(t *testing.T) {
	h := hunts(t, 0, nil)
	token := h.token(tocsin.RoleReader)
	a := h.call(token, "POST", "/api/v1/hunting/run", queryBody(t, "print '\U0001F600ü', x"))
	if a.StatusCode != http.StatusBadRequest || a.errorOf(t) != "invalidRequest" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	e := a.json(t)["error"].(map[string]any)
	d := e["diagnostics"].([]any)[0].(map[string]any)
	// The face takes two UTF-16 units and one column.
	if d["start"] != 13.0 || d["end"] != 14.0 || d["line"] != 1.0 || d["column"] != 13.0 || d["severity"] != "error" || d["code"] != "KS142" || d["message"] != e["message"] {
		t.Errorf("%s", a.body)
	}
	for query, want := range map[string]string{
		"print x":                    `{"diagnostics":[{"start":6,"end":7,"line":1,"column":7,"message":"'print' operator: Failed to resolve scalar expression named 'x'","code":"KS142","severity":"error"}]}`,
		"print a = 1, b = now()":     `{"diagnostics":[],"columns":[{"name":"a","type":"long"},{"name":"b","type":"datetime"}]}`,
		"print a = 1; print b = 'x'": `{"diagnostics":[],"columns":[{"name":"a","type":"long"}]}`,
		"print d = dynamic({}) | evaluate bag_unpack(d)": `{"diagnostics":[]}`,
	} {
		a := h.call(token, "POST", "/api/v1/hunting/check", queryBody(t, query))
		if a.StatusCode != http.StatusOK || strings.TrimSpace(a.body) != want {
			t.Errorf("check %s: %d %s, want %s", query, a.StatusCode, a.body, want)
		}
	}
	if a := h.call(token, "POST", "/api/v1/hunting/check", `{"query":`+"\"\\ud800\"}"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("half a character: %d", a.StatusCode)
	}
}

func TestSchema(t *testing.T) {
	h := hunts(t, 0, nil)
	schema := h.call(h.token(tocsin.RoleReader), "GET", "/api/v1/hunting/schema", "")
	var s huntingSchema
	if err := json.Unmarshal([]byte(schema.body), &s); err != nil {
		t.Fatal(err)
	}
	seen := map[string]huntingTable{}
	for _, one := range s.Tables {
		seen[one.Name] = one
	}
	p := seen["DeviceProcessEvents"]
	if p.Group != "devices" || p.Time != "Timestamp" || p.Description == "" || len(p.Columns) < 50 || p.Columns[0] != (huntingColumn{"Timestamp", "datetime", p.Columns[0].Description}) {
		t.Errorf("%+v", p)
	}
	for _, c := range p.Columns {
		if strings.HasPrefix(c.Name, "_") {
			t.Errorf("%s is shown", c.Name)
		}
	}
	if f := s.Functions; len(f) < 4 || f[0].Name != "AssignedIPAddresses" || f[0].Kind != "builtin" || f[0].Parameters != "x:string, y:datetime=datetime(null)" || f[0].Text != "" {
		t.Errorf("%+v", f)
	}
	// Whose token may not read alerts does not see the tables of alerts.
	var less huntingSchema
	if err := json.Unmarshal([]byte(h.call(h.scoped(tocsin.RoleReader, tocsin.VerbHunt, tocsin.VerbEventRead), "GET", "/api/v1/hunting/schema", "").body), &less); err != nil {
		t.Fatal(err)
	}
	if len(less.Tables) == 0 || len(less.Tables) >= len(s.Tables) {
		t.Errorf("%d of %d tables", len(less.Tables), len(s.Tables))
	}
	for _, one := range less.Tables {
		if one.Name == "AlertInfo" || one.Name == "AlertEvidence" {
			t.Errorf("sees %s", one.Name)
		}
	}
}

// fakeEngine answers as it is told.
type fakeEngine struct {
	mu   sync.Mutex
	hunt func(ctx context.Context, sink lake.HuntSink) (lake.HuntStats, error)
	seen []lake.HuntOptions
}

func (f *fakeEngine) Hunt(ctx context.Context, src string, opts lake.HuntOptions, sink lake.HuntSink) (lake.HuntStats, error) {
	f.mu.Lock()
	f.seen = append(f.seen, opts)
	f.mu.Unlock()
	return f.hunt(ctx, sink)
}
func (f *fakeEngine) CheckHunt(context.Context, string, lake.HuntOptions) (*kql.Bound, error) {
	return &kql.Bound{}, nil
}
func (f *fakeEngine) HuntCatalog(tocsin.Principal, map[string]kql.FunctionDef) kql.Catalog {
	return nil
}

func failure(kind error, code tocsin.Code, msg string) error {
	return &tocsin.Error{Code: code, Msg: msg, Err: kind}
}

func TestHuntFailures(t *testing.T) {
	engine := &fakeEngine{}
	h := hunts(t, 0, func(cfg *Config, _ *lake.Config) { cfg.Hunting.Engine = engine })
	me := h.signIn("admin", h.password)
	h.clock.forward(time.Minute) // 09:01: the next quarter begins in 840 seconds
	table := lake.HuntTable{Columns: []kql.Column{column("a", kql.Long)}}
	for _, c := range []struct {
		err    error
		status int
		code   string
		state  string
		retry  string
	}{
		{failure(lake.ErrHuntQuota, tocsin.CodeLimit, "You have exceeded"), 429, "activityLimitReached", "throttled", "840"},
		{failure(lake.ErrHuntBusy, tocsin.CodeUnavailable, "Too many queries"), 503, "serviceNotAvailable", "throttled", "5"},
		{failure(lake.ErrHuntTimeout, tocsin.CodeLimit, "Query exceeded the timeout period."), 504, "timeout", "failed", ""},
		{failure(lake.ErrHuntResources, tocsin.CodeLimit, "Query stopped"), 400, "quotaLimitReached", "failed", ""},
		{failure(lake.ErrHuntFailed, tocsin.CodeInternal, "An unexpected error"), 500, "generalException", "failed", ""},
		{tocsin.Errorf(tocsin.CodeForbidden, "External data is switched off"), 403, "accessDenied", "failed", ""},
		{errors.New("secret"), 500, "generalException", "failed", ""},
	} {
		engine.hunt = func(context.Context, lake.HuntSink) (lake.HuntStats, error) { return lake.HuntStats{}, c.err }
		a := me.call("POST", "/api/v1/hunting/run", queryBody(t, "before rows"))
		if a.StatusCode != c.status || a.errorOf(t) != c.code || a.Header.Get("Retry-After") != c.retry || strings.Contains(a.body, "secret") {
			t.Errorf("%v before rows: %d %s, Retry-After %q", c.err, a.StatusCode, a.body, a.Header.Get("Retry-After"))
		}
		// Once rows are under way, the last line tells.
		engine.hunt = func(_ context.Context, sink lake.HuntSink) (lake.HuntStats, error) {
			return lake.HuntStats{Rows: 1}, errors.Join(sink.Table(table), sink.Row([]kql.Value{kql.LongOf(1)}), c.err)
		}
		a = me.call("POST", "/api/v1/hunting/run", queryBody(t, "after rows"))
		got := lines(t, a.body)
		last, ok := got[len(got)-1]["error"].(map[string]any)
		if a.StatusCode != http.StatusOK || len(got) != 3 || !ok || last["code"] != c.code || strings.Contains(a.body, "secret") {
			t.Errorf("%v after a row: %d %s", c.err, a.StatusCode, a.body)
		}
		items := history(t, me.call("GET", "/api/v1/hunting/history?top=2", ""))
		for i, query := range []string{"after rows", "before rows"} {
			if it := items[i]; it.Query != query || it.State != c.state || it.Error == "" || it.Interface != "portal" || it.User != "admin" || strings.Contains(it.Error, "secret") {
				t.Errorf("%v in the history: %+v", c.err, it)
			}
		}
	}
}

func history(t testing.TB, a answer) []huntItem {
	t.Helper()
	var out huntHistory
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("history: %d %s", a.StatusCode, a.body)
	}
	return out.Items
}

// TestHuntEndsWithItsRequest: rows arrive while the query still runs, and a
// request that is closed ends the query.
func TestHuntEndsWithItsRequest(t *testing.T) {
	ended := make(chan error, 1)
	engine := &fakeEngine{hunt: func(ctx context.Context, sink lake.HuntSink) (lake.HuntStats, error) {
		if err := sink.Table(lake.HuntTable{Columns: []kql.Column{column("a", kql.Long)}}); err != nil {
			return lake.HuntStats{}, err
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return lake.HuntStats{}, ctx.Err()
	}}
	h := hunts(t, 0, func(cfg *Config, _ *lake.Config) { cfg.Hunting.Engine = engine })
	token := h.token(tocsin.RoleReader)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", h.server.URL+"/api/v1/hunting/run", strings.NewReader(queryBody(t, "endless")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"table"`) {
		t.Fatalf("the first line: %q, %v", line, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the query ended with %v", err)
	}
	h.server.Close() // waits for the request, and so for its line in the history
	runs, err := h.store.HuntHistory(h.system(), "", 10)
	if err != nil || len(runs) != 1 || runs[0].State != tocsin.HuntCancelled || runs[0].Interface != "api" {
		t.Errorf("history %+v, %v", runs, err)
	}
}

func TestHuntHistory(t *testing.T) {
	h := hunts(t, 3, nil)
	me, other, auditor := h.signIn("admin", h.password), h.token(tocsin.RoleReader), h.token(tocsin.RoleDetection)
	me.call("POST", "/api/v1/hunting/run", queryBody(t, "DeviceProcessEvents | where ProcessId > 0"))
	me.call("POST", "/api/v1/hunting/run", queryBody(t, "nonsense |"))
	h.call(other, "POST", "/api/v1/hunting/run", queryBody(t, "print 1"))
	items := history(t, me.call("GET", "/api/v1/hunting/history", ""))
	if len(items) != 2 || items[0].State != "failed" || items[0].Query != "nonsense |" || items[1].State != "completed" || items[1].Rows != 2 || items[1].Resource != "Low" ||
		items[1].Interface != "portal" || !items[1].Time.Equal(h.clock.now()) {
		t.Errorf("mine: %+v", items)
	}
	if items := history(t, h.call(other, "GET", "/api/v1/hunting/history", "")); len(items) != 1 || items[0].Interface != "api" {
		t.Errorf("another's: %+v", items)
	}
	if a := h.call(other, "GET", "/api/v1/hunting/history?everybody=true", ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("everybody's for a reader: %d", a.StatusCode)
	}
	if items := history(t, h.call(auditor, "GET", "/api/v1/hunting/history?everybody=true&top=2", "")); len(items) != 2 || items[0].Query != "print 1" {
		t.Errorf("everybody's: %+v", items)
	}
	audit := h.call(auditor, "GET", "/api/v1/audit", "").body
	for _, want := range []string{`"kind":"huntRun"`, `Ran a hunting query of DeviceProcessEvents: 2 rows`, `Ran a hunting query that failed`, `where ProcessId`} {
		if !strings.Contains(audit, want) {
			t.Errorf("the record lacks %s: %s", want, audit)
		}
	}
	h.clock.forward(31 * 24 * time.Hour)
	if items := history(t, h.call(auditor, "GET", "/api/v1/hunting/history?everybody=true", "")); len(items) != 0 {
		t.Errorf("after a month: %+v", items)
	}
}

func savedFrom(t testing.TB, a answer, status int) savedQuery {
	t.Helper()
	var q savedQuery
	if err := json.Unmarshal([]byte(a.body), &q); err != nil || a.StatusCode != status {
		t.Fatalf("%s: %d %s", a.Request.URL, a.StatusCode, a.body)
	}
	return q
}

func savedNames(t testing.TB, a answer) (names []string) {
	t.Helper()
	var out savedList
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for _, q := range out.Items {
		names = append(names, q.Name)
	}
	return names
}

func TestSavedQueries(t *testing.T) {
	const at = "/api/v1/hunting/queries"
	h := hunts(t, 0, nil)
	me, other, manager := h.signIn("admin", h.password), h.token(tocsin.RoleReader), h.token(tocsin.RoleDetection)
	mine := savedFrom(t, me.call("POST", at, `{"name":" Mine ","folder":"/a/b/","text":"print 1","kind":"query"}`), http.StatusCreated)
	if mine.ID == "" || mine.Name != "Mine" || mine.Folder != "a/b" || mine.Owner != "admin" || !mine.Mine || mine.Shared || mine.Kind != "query" || !mine.Updated.Equal(h.clock.now()) {
		t.Errorf("%+v", mine)
	}
	shared := savedFrom(t, me.call("POST", at, `{"name":"Ours","text":"print 2","shared":true}`), http.StatusCreated)
	if a := me.call("POST", at, `{"name":"Ours","text":"print 3"}`); a.StatusCode != http.StatusConflict {
		t.Errorf("a name twice: %d %s", a.StatusCode, a.body)
	}
	if names := savedNames(t, me.call("GET", at, "")); fmt.Sprint(names) != "[Ours Mine]" {
		t.Errorf("mine: %v", names)
	}
	if names := savedNames(t, h.call(other, "GET", at, "")); fmt.Sprint(names) != "[Ours]" {
		t.Errorf("another's: %v", names)
	}
	// Of others, only what is shared can be changed, and with a permission.
	for _, c := range []struct {
		token, id string
		status    int
	}{{other, mine.ID, 404}, {manager, mine.ID, 404}, {other, shared.ID, 403}, {other, "nothing", 404}} {
		for _, method := range []string{"PATCH", "DELETE"} {
			if a := h.call(c.token, method, at+"/"+c.id, `{"text":"print 9"}`); a.StatusCode != c.status {
				t.Errorf("%s: %d, want %d", method, a.StatusCode, c.status)
			}
		}
	}
	if q := savedFrom(t, h.call(manager, "PATCH", at+"/"+shared.ID, `{"text":"print 4","description":"d"}`), 200); q.Text != "print 4" || q.Owner != "admin" || q.Mine || q.Name != "Ours" {
		t.Errorf("%+v", q)
	}
	if q := savedFrom(t, me.call("PATCH", at+"/"+mine.ID, `{"name":"Renamed"}`), 200); q.Name != "Renamed" || q.Text != "print 1" || q.Folder != "a/b" {
		t.Errorf("%+v", q)
	}
	if a := me.call("DELETE", at+"/"+mine.ID, ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d", a.StatusCode)
	}
	if a := h.call(manager, "DELETE", at+"/"+shared.ID, ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("delete as manager: %d", a.StatusCode)
	}
	if names := savedNames(t, me.call("GET", at, "")); len(names) != 0 {
		t.Errorf("after deletion: %v", names)
	}
	for what, body := range map[string]string{
		"no name":        `{"text":"print 1"}`,
		"no text":        `{"name":"x","text":" "}`,
		"kind":           `{"name":"x","text":"print 1","kind":"rule"}`,
		"parameters":     `{"name":"x","text":"print 1","parameters":"a:string"}`,
		"owner":          `{"name":"x","text":"print 1","owner":"eve"}`,
		"function name":  `{"name":"lower","text":"print 1","kind":"function"}`,
		"broken body":    `{"name":"F","text":"print |","kind":"function"}`,
		"unknown column": `{"name":"F","text":"print x","kind":"function"}`,
		"parameter":      `{"name":"F","text":"print 1","kind":"function","parameters":"a:nothing"}`,
		"two functions":  `{"name":"F","text":"print 1 }; let G = () { print 2","kind":"function"}`,
		"split":          `{"name":"F","text":"print 1","kind":"function","parameters":") { print 1 }; let G = ("}`,
	} {
		if a := me.call("POST", at, body); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	for what, c := range map[string]struct {
		body   string
		status int
	}{
		"long name":  {queryName(strings.Repeat("x", 201), "print 1"), 413},
		"long text":  {queryName("x", strings.Repeat("x", tocsin.MaxSavedText+1)), 413},
		"a table":    {`{"name":"DeviceEvents","text":"print 1","kind":"function"}`, 409},
		"a built-in": {`{"name":"SeenBy","text":"print 1","kind":"function"}`, 409},
	} {
		if a := me.call("POST", at, c.body); a.StatusCode != c.status {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
}

func queryName(name, text string) string { return fmt.Sprintf(`{"name":%q,"text":%q}`, name, text) }

func TestSavedFunctions(t *testing.T) {
	const at = "/api/v1/hunting/queries"
	h := hunts(t, 9, nil)
	me, other := h.signIn("admin", h.password), h.token(tocsin.RoleReader)
	body := `{"name":"StartsOf","kind":"function","shared":true,"parameters":"(device:string, n:long = 1)","description":"Starts of a device","text":"// a comment\nDeviceProcessEvents | where DeviceId == device and ProcessId >= n"}`
	f := savedFrom(t, me.call("POST", at, body), http.StatusCreated)
	if f.Parameters != "device:string, n:long = 1" {
		t.Errorf("%+v", f)
	}
	for query, want := range map[string]string{
		`StartsOf("d0") | count`:             `{"rows":[[2]]}`,
		`StartsOf("d0", 6) | count`:          `{"rows":[[1]]}`,
		`StartsOf("d1") | project ProcessId`: `{"rows":[[1],[4],[7]]}`,
	} {
		if a := h.call(other, "POST", "/api/v1/hunting/run", queryBody(t, query)); !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
	if a := h.call(other, "POST", "/api/v1/hunting/check", queryBody(t, "StartsOf()")); strings.Contains(a.body, `"diagnostics":[]`) {
		t.Errorf("an argument too few: %s", a.body)
	}
	// One's own comes before the shared one.
	savedFrom(t, h.call(other, "POST", at, `{"name":"StartsOf","kind":"function","parameters":"x:string","text":"print x"}`), http.StatusCreated)
	if a := h.call(other, "POST", "/api/v1/hunting/run", queryBody(t, `StartsOf("own")`)); !strings.Contains(a.body, `{"rows":[["own"]]}`) {
		t.Errorf("one's own: %s", a.body)
	}
	if a := h.call(other, "POST", at, `{"name":"StartsOf","kind":"function","text":"print 1","shared":true}`); a.StatusCode != http.StatusConflict {
		t.Errorf("a second shared one: %d %s", a.StatusCode, a.body)
	}
	kinds := func(a answer) (out []string) {
		var s huntingSchema
		if err := json.Unmarshal([]byte(a.body), &s); err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Functions {
			if f.Name == "StartsOf" {
				out = append(out, f.Kind, f.Parameters, f.Description)
			}
		}
		return out
	}
	if got := kinds(h.call(other, "GET", "/api/v1/hunting/schema", "")); fmt.Sprint(got) != "[mine x:string ]" {
		t.Errorf("schema: %q", got)
	}
	if got := kinds(h.call(h.token(tocsin.RoleOperator), "GET", "/api/v1/hunting/schema", "")); fmt.Sprint(got) != "[shared device:string, n:long = 1 Starts of a device]" {
		t.Errorf("schema: %q", got)
	}
	// A mistake in the body is told at its place there.
	a := me.call("POST", at, `{"name":"Wrong","kind":"function","text":"print 1\n| where y > 1"}`)
	d := a.json(t)["error"].(map[string]any)["diagnostics"].([]any)[0].(map[string]any)
	if a.StatusCode != http.StatusBadRequest || d["start"] != 16.0 || d["line"] != 2.0 || d["column"] != 9.0 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// I14.
func TestLinkHunt(t *testing.T) {
	h := hunts(t, 9, nil)
	me := h.signIn("admin", h.password)
	link := func(more ...any) string {
		t.Helper()
		rows := []map[string]any{
			{"Timestamp": "2026-11-20T08:59:00.0000000Z", "DeviceId": "d0", "DeviceName": "host0.example", "ReportId": 0, "FileName": "p0.exe", "SHA1": strings.Repeat("a", 40), "Empty": nil},
			{"Timestamp": "2026-11-20T08:58:00.0000000Z", "DeviceId": "d1", "DeviceName": "host1.example", "ReportId": 1, "FileName": "p1.exe"},
			{"Timestamp": "2026-11-20T08:56:00.0000000Z", "DeviceId": "D0", "DeviceName": "host0.example", "ReportId": 3, "FileName": "p3.exe", "SHA1": strings.Repeat("b", 40)},
		}
		return queryBody(t, "DeviceProcessEvents | where ProcessId < 9", append([]any{"title", "Found by hand", "severity", "high", "category", "Execution", "description", "why",
			"recommendedActions", "look", "rows", rows, "entities", []map[string]string{{"role": "impacted", "type": "device", "column": "DeviceId"}, {"role": "evidence", "type": "file", "column": "SHA1"}}}, more...)...)
	}
	a := me.call("POST", "/api/v1/hunting/link", link())
	var first linkAnswer
	if err := json.Unmarshal([]byte(a.body), &first); err != nil || a.StatusCode != http.StatusCreated || len(first.AlertIDs) != 2 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	alert := me.call("GET", "/v1.0/security/alerts_v2/"+first.AlertIDs[0], "").json(t)
	if alert["detectionSource"] != "manual" || alert["title"] != "Found by hand" || alert["severity"] != "high" || alert["category"] != "Execution" || alert["description"] != "why" ||
		alert["recommendedActions"] != "look" || alert["incidentId"] != first.IncidentID || alert["firstActivityDateTime"] != "2026-11-20T08:56:00Z" || alert["lastActivityDateTime"] != "2026-11-20T08:59:00Z" {
		t.Errorf("%v", alert)
	}
	details := alert["customDetails"].(map[string]any)
	kept := details["rows"].([]any)
	if details["query"] != "DeviceProcessEvents | where ProcessId < 9" || details["rowCount"] != 2.0 || len(kept) != 2 || kept[0].(map[string]any)["FileName"] != "p0.exe" || len(kept[0].(map[string]any)) != 6 {
		t.Errorf("details %v", details)
	}
	evidence := alert["evidence"].([]any)
	if len(evidence) != 3 {
		t.Fatalf("evidence %v", evidence)
	}
	device, file := evidence[0].(map[string]any), evidence[1].(map[string]any)
	if device["@odata.type"] != "#microsoft.graph.security.deviceEvidence" || device["deviceDnsName"] != "host0.example" || device["mdeDeviceId"] != "d0" ||
		file["@odata.type"] != "#microsoft.graph.security.fileEvidence" || file["fileDetails"].(map[string]any)["fileName"] != "p0.exe" {
		t.Errorf("evidence %v", evidence)
	}
	stored, err := h.cases.Alert(h.system(), first.AlertIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := (tocsin.RowRef{Table: "DeviceProcessEvents", Time: time.Date(2026, 11, 20, 8, 59, 0, 0, time.UTC), DeviceID: "d0", ReportID: "0"}); len(stored.Rows) != 2 || stored.Rows[0] != want || stored.Count != 2 {
		t.Errorf("rows %+v", stored.Rows)
	}
	// Into the same incident, and what cannot be.
	a = me.call("POST", "/api/v1/hunting/link", link("incidentId", first.IncidentID, "entities", []any{}))
	var second linkAnswer
	if err := json.Unmarshal([]byte(a.body), &second); err != nil || a.StatusCode != http.StatusCreated || second.IncidentID != first.IncidentID || len(second.AlertIDs) != 1 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	log := me.call("GET", "/api/v1/incidents/"+first.IncidentID+"/activities", "").body
	if strings.Count(log, `"kind":"alertLinked"`) != 2 || strings.Count(log, `"kind":"created"`) != 1 || strings.Contains(log, `"name":"correlation"`) || !strings.Contains(log, `"name":"admin"`) {
		t.Errorf("activities %s", log)
	}
	inc := me.call("GET", "/v1.0/security/incidents/"+first.IncidentID+"?$expand=alerts", "").json(t)
	if n := len(inc["alerts"].([]any)); n != 3 || inc["severity"] != "high" {
		t.Errorf("%d alerts: %v", n, inc)
	}
	many := make([]map[string]any, 151)
	for i := range many {
		many[i] = map[string]any{"DeviceId": fmt.Sprint("d", i)}
	}
	for what, c := range map[string]struct {
		body   string
		status int
	}{
		"no incident":     {link("incidentId", "999"), 404},
		"not a number":    {link("incidentId", "x"), 400},
		"no title":        {link("title", " "), 400},
		"severity":        {link("severity", "critical"), 400},
		"category":        {link("category", "<b>"), 400},
		"no rows":         {link("rows", []any{}), 400},
		"a role":          {link("entities", []any{map[string]string{"role": "x", "type": "device", "column": "DeviceId"}}), 400},
		"a type":          {link("entities", []any{map[string]string{"role": "evidence", "type": "x", "column": "DeviceId"}}), 400},
		"impacted file":   {link("entities", []any{map[string]string{"role": "impacted", "type": "file", "column": "SHA1"}}), 400},
		"no column":       {link("entities", []any{map[string]string{"role": "impacted", "type": "device", "column": ""}}), 400},
		"too many alerts": {link("rows", many), 413},
	} {
		if a := me.call("POST", "/api/v1/hunting/link", c.body); a.StatusCode != c.status {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	me.call("PATCH", "/v1.0/security/incidents/"+first.IncidentID, `{"status":"resolved"}`)
	if a := me.call("POST", "/api/v1/hunting/link", link("incidentId", first.IncidentID)); a.StatusCode != http.StatusConflict {
		t.Errorf("into a resolved incident: %d %s", a.StatusCode, a.body)
	}
	if a := h.call(h.scoped(tocsin.RoleOperator, tocsin.VerbAlertWrite), "POST", "/api/v1/hunting/link", link()); a.StatusCode != http.StatusForbidden {
		t.Errorf("without hunting: %d", a.StatusCode)
	}
}

// TestPreparedHunts runs every prepared query: with a value that would break
// out of its quotes, with a time and without.
func TestPreparedHunts(t *testing.T) {
	h := hunts(t, 9, nil)
	token := h.token(tocsin.RoleOperator)
	get := func(kind, value, more string) (out preparedAnswer) {
		t.Helper()
		a := h.call(token, "GET", "/api/v1/hunting/prepared?type="+kind+"&value="+url.QueryEscape(value)+more, "")
		if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", kind, a.StatusCode, a.body)
		}
		return out
	}
	var sink nothing
	for kind, list := range preparedHunts {
		for _, value := range []string{"a\"b\\c\n| take 1 //", "host0.example", strings.Repeat("a", 40)} {
			for _, more := range []string{"", "&from=2026-11-20T08:30:00Z", "&from=2026-11-20T08:30:00Z&to=2026-11-20T08:40:00Z"} {
				want := 0
				for _, p := range list {
					if p.when == nil || p.when(value) {
						want++
					}
				}
				out := get(kind, value, more)
				for _, p := range list {
					span, err := preparedRange("", "")
					if err == nil && len(out.Queries) != want {
						_, err = h.api.cfg.Hunting.Check(h.system(), p.write(kind, value, span), lake.HuntOptions{})
					}
					if err != nil {
						t.Errorf("%s, %s: %v", kind, p.name, err)
					}
				}
				if len(out.Queries) != want {
					t.Errorf("%s of %q: %d queries, want %d: some are not valid", kind, value, len(out.Queries), want)
				}
				for _, q := range out.Queries {
					if _, err := h.api.runHunt(h.system(), q.Text, lake.HuntOptions{Interface: "portal"}, sink); err != nil {
						t.Errorf("%s, %s: %v\n%s", kind, q.Name, err, q.Text)
					}
				}
			}
		}
	}
	q := get("device", "host1.example", "&from=2026-11-20T08:30:00Z").Queries[0]
	a := h.call(token, "POST", "/api/v1/hunting/run", queryBody(t, q.Text+" | count"))
	if !strings.Contains(a.body, `{"rows":[[3]]}`) {
		t.Errorf("%s\n%s", q.Text, a.body)
	}
	for kind := range preparedNames {
		if len(get(kind, "x", "").Queries) == 0 {
			t.Errorf("%s has no queries", kind)
		}
	}
	for what, path := range map[string]string{"kind": "type=x&value=y", "no value": "type=ip&value=", "time": "type=ip&value=x&from=y", "order": "type=ip&value=x&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"} {
		if a := h.call(token, "GET", "/api/v1/hunting/prepared?"+path, ""); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", what, a.StatusCode)
		}
	}
}

type nothing struct{}

func (nothing) Table(lake.HuntTable) error { return nil }
func (nothing) Row([]kql.Value) error      { return nil }
