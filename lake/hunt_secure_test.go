package lake

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// hostileNames are what somebody may call a column, a key or a text.
var hostileNames = []string{`a"b`, `a'b`, `"; DROP TABLE "DeviceProcessEvents"; --`, `') UNION SELECT 1 --`, `/* */`, `$1`, `$1::BIGINT`, `$$`, `?`, `\`, `\'`, `%s`, `c1`, `t1`, `i`, `*`, `a.b`,
	`a[0]`, `$.x`, `$`, `#`, `""`, `''`, ` `, `SELECT`, `rowid`, "x\ny", "x\ty", "é世界", "e\u0301", "\u202e", "\U0001F600", `{`, `}`, `[`, `]`, "`", `a,b`, `a b`, `-`, strings.Repeat("n", 5000)}

// kqlText is s as a literal of the language.
func kqlText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// TestHuntNames: whatever a column, a key or a text is called, it stays a name.
func TestHuntNames(t *testing.T) {
	l, log := hostileLake(t)
	for _, name := range hostileNames {
		n := kqlText(name)
		for _, c := range []struct{ query, want, column string }{
			{"print [§] = 5", "5", name},
			{"datatable([§]:long)[5, 6] | extend y = [§] + 1 | where [§] > 5 | sort by [§] asc", "6|7", name},
			{"datatable([§]:string)['a', 'a'] | summarize [§] = count() by k = [§]", "a|2", "k"},
			{"datatable(a:long)[5] | project-rename [§] = a | project-reorder [§] | distinct [§] | top 1 by [§]", "5", name},
			{"datatable([§]:long)[5] | join kind=inner (datatable([§]:long)[5]) on [§] | project [§]", "5", name},
			{"let [§] = 5; print x = [§]", "5", "x"},
			{"print d = bag_pack(§, 5) | project x = tolong(d[§])", "5", "x"},
			{"range i from 1 to 1 step 1 | extend d = bag_pack(§, i + 4), k = strcat(§, '') | project x = tolong(d[k])", "5", "x"},
			{"range i from 1 to 1 step 1 | extend d = bag_pack('a', bag_pack(§, tostring(i))) | where d.a[§] == '1' | project x = tostring(d.a[§])", "1", "x"},
			{"range i from 1 to 1 step 1 | extend d = bag_pack(§, i) | evaluate bag_unpack(d) | project-away i", "1", name},
			{"datatable(k:string)[§] | evaluate pivot(k)", "1", name},
			{"datatable(a:string)[§] | where a == § and a has_cs § | count", "", "Count"},
			{"datatable(a:string)[§] | where a =~ § and a == § and a in (§, 'x') and a startswith § and a contains § and not(a != §) | project a", name, "a"},
			{"DeviceProcessEvents | where FileName == § or FileName contains § and FileName startswith_cs § | count", "", "Count"},
			{"union withsource=[§] (DeviceProcessEvents | take 1) | project [§]", "", name},
			{"print a = 1 | as [§] | render table with (title=§)", "1", "a"},
			{"datatable(a:string)['1'] | parse a with [§]:long | project [§]", "1", name},
			{"print a = § | mv-expand [§] = pack_array(a) to typeof(string) | project [§]", name, name},
		} {
			query := strings.ReplaceAll(c.query, "§", n)
			r := &rowsOf{}
			log.Reset()
			_, err := l.Hunt(analyst(context.Background()), query, HuntOptions{AllTime: true}, r)
			if errors.As(err, new(*kql.Diagnostics)) {
				// Some names are no names for some places, and i is taken.
				if name != "i" && len(name) < 100 && regexp.MustCompile(`^[\w$."'\[\]{}; -]+$`).MatchString(name) && !strings.Contains(c.query, "union") {
					t.Errorf("%s: %v", query, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", cut(query, 300), err, cut(log.String(), 2000))
				continue
			}
			if len(r.tables) != 1 || r.tables[0].Columns[0].Name != c.column && len(r.tables[0].Columns) > 0 || len(r.rows) != 1 || c.want != "" && r.rows[0] != c.want {
				t.Errorf("%s: %+v %q", cut(query, 300), r.tables, r.rows)
			}
		}
	}
	if r := huntRowsOf(t, l, "DeviceProcessEvents | count", HuntOptions{AllTime: true}); r.rows[0] != "1000" {
		t.Errorf("afterwards: %v", r.rows)
	}
}

// TestHuntReachesNoEngine: a query names what the language has, and nothing that
// the engine has besides.
func TestHuntReachesNoEngine(t *testing.T) {
	l, _ := hostileLake(t)
	secret := filepath.Join(t.TempDir(), "secret.csv")
	must0(t, os.WriteFile(secret, []byte("a,b\n1,2\n"), 0o600))
	t.Setenv("TOCSIN_TEST_SECRET", "in the environment")
	ctx := analyst(context.Background())
	names := func(query string) (list []string) {
		t.Helper()
		must0(t, l.each(ctx, func(r *Rows) error {
			var name string
			err := r.Scan(&name)
			list = append(list, name)
			return err
		}, query))
		return list
	}
	refused := func(query string) {
		t.Helper()
		r := &rowsOf{}
		_, err := l.Hunt(ctx, query, HuntOptions{AllTime: true}, r)
		if !errors.As(err, new(*kql.Diagnostics)) || len(r.rows) > 0 {
			t.Errorf("%s: %v, %d rows", query, err, len(r.rows))
		}
	}
	word := regexp.MustCompile(`^[A-Za-z_]\w*$`)
	functions := names("SELECT DISTINCT function_name FROM duckdb_functions()")
	if len(functions) < 300 {
		t.Fatalf("only %d functions", len(functions))
	}
	ours := map[string]bool{"range": true, "count": true, "sum": true, "unnest": false}
	for _, f := range functions {
		if !word.MatchString(f) || kql.LookupFunc(f) != nil || kql.LookupAggregate(f) != nil || ours[f] {
			continue
		}
		for _, form := range []string{"print x = F()", "print x = F('%s')", "F('%s')", "F('%s') | take 1", "DeviceProcessEvents | summarize F(DeviceId)", "DeviceProcessEvents | where F(DeviceId) == F('a')", "evaluate F('%s')", "DeviceProcessEvents | invoke F()"} {
			if form == "print x = F()" && slices.Contains([]string{"not", "now"}, f) {
				continue
			}
			query := strings.ReplaceAll(strings.ReplaceAll(form, "F(", f+"("), "%s", secret)
			if _, err := l.CheckHunt(ctx, query, HuntOptions{}); !errors.As(err, new(*kql.Diagnostics)) {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	for _, table := range append(names("SELECT table_name FROM information_schema.tables UNION SELECT view_name FROM duckdb_views()"), "information_schema.tables", "main.DeviceInfo", "lake.main.DeviceInfo", secret, "duckdb_settings", "sqlite_master") {
		if _, ours := Catalog().Table(table); ours {
			continue
		}
		refused("['" + table + "']")
		refused("union ['" + table + "']")
		refused("table('" + table + "')")
		refused("external_table('" + table + "')")
		if word.MatchString(table) {
			refused(table)
			refused("find in (" + table + ") where true")
		}
	}
	for _, column := range []string{"_extra", "_ingested", "rowid", "ctid", "file_row_number", "filename"} {
		refused("DeviceProcessEvents | project " + column)
		refused("DeviceProcessEvents | where isnotempty(" + column + ")")
	}
	for _, query := range []string{
		"PRAGMA database_list", "PRAGMA_database_list()", "ATTACH 'x.db' AS x", "COPY DeviceInfo TO '/tmp/x'", "SELECT 1", "SELECT * FROM read_csv('" + secret + "')", "INSTALL httpfs", "LOAD httpfs",
		"SET threads = 1", "CALL pragma_version()", "EXPORT DATABASE 'x'", "CHECKPOINT", "print 1; DROP TABLE DeviceInfo", "print 1; SELECT 1", "print 1 UNION SELECT 2", "print x = (SELECT 1)", "print getenv('TOCSIN_TEST_SECRET')",
		".show tables", ".drop table DeviceInfo", ".set x <| print 1", ".ingest inline into table DeviceInfo <| 1", "print x = current_setting('home_directory')", "print \x00", "print 1 -- x\n; DROP TABLE x",
		"evaluate sql_request('x', 'select 1')", "evaluate http_request('http://127.0.0.1/')", "evaluate python(typeof(*), 'import os')", "evaluate R(typeof(*), 'x')", "evaluate cosmosdb_sql_request('x','y')", "evaluate azure_digital_twins_query_request('x','y')",
		"evaluate ai_embed_text('x', 'y')", "kql_stage(1)", "print kql_s_s(1, 'a')", "let f = kql_stage; f(1)", "print __range(1, 2)", "DeviceProcessEvents | extend x = read_text('" + secret + "')",
		"database('memory').DeviceInfo", "database('x').DeviceInfo", "cluster('https://x.example').database('y').DeviceInfo", "database('main').duckdb_tables",
	} {
		refused(query)
	}
	if left := l.db.Stats().InUse; left > 1 {
		t.Errorf("%d connections are in use", left)
	}
}

// TestHuntExternal: externaldata reaches what the program lets it, and no more
// of it than fits.
func TestHuntExternal(t *testing.T) {
	l, log := hostileLake(t)
	secret := filepath.Join(t.TempDir(), "secret.csv")
	must0(t, os.WriteFile(secret, []byte("a,b\n1,2\n"), 0o600))
	uris := []string{"file://" + secret, secret, "http://127.0.0.1/x.csv", "http://169.254.169.254/latest/meta-data", "http://[::1]/x", "https://localhost/x", `\\host\share\x.csv`, "s3://bucket/x.csv", "h@https://example.com/x;token=y", "C:\\x.csv", "", "../x"}
	for _, uri := range uris {
		r := &rowsOf{}
		_, err := l.Hunt(analyst(context.Background()), "externaldata(a:string)[h@"+kqlText(uri)+"]", HuntOptions{}, r)
		if len(r.rows) > 0 || tocsin.CodeOf(err) != tocsin.CodeForbidden && !errors.As(err, new(*kql.Diagnostics)) {
			t.Errorf("%s: %v, %v", uri, r.rows, err)
		}
	}
	var asked []string
	zeros := func(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }
	l.cfg.External = func(ctx context.Context, uri string) (io.ReadCloser, error) {
		asked = append(asked, uri)
		switch uri {
		case "https://x.example/bomb.csv.gz":
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			io.Copy(z, zeros(externalBytes+1))
			z.Close()
			return io.NopCloser(&b), nil
		case "https://x.example/endless.txt":
			return io.NopCloser(zeroReader{}), nil
		case "https://x.example/lines.txt":
			return io.NopCloser(io.LimitReader(lineReader{}, 200<<20)), nil
		case "https://x.example/deep.json":
			return io.NopCloser(strings.NewReader(strings.Repeat("[", 1<<20))), nil
		case "https://x.example/slow.csv":
			return slowReader{ctx}, nil
		case "https://x.example/panic.csv":
			return io.NopCloser(panicReader{}), nil
		}
		return nil, tocsin.Errorf(tocsin.CodeForbidden, "not this one")
	}
	for _, c := range []struct {
		uri  string
		code tocsin.Code
	}{
		{"file://" + secret, tocsin.CodeForbidden}, {"https://x.example/bomb.csv.gz", tocsin.CodeLimit}, {"https://x.example/endless.txt", tocsin.CodeLimit}, {"https://x.example/lines.txt", tocsin.CodeLimit},
		{"https://x.example/deep.json", tocsin.CodeInvalid}, {"https://x.example/slow.csv", tocsin.CodeLimit}, {"https://x.example/panic.csv", tocsin.CodeInternal},
	} {
		_, err := l.Hunt(analyst(context.Background()), "externaldata(a:string)["+kqlText(c.uri)+"] | count", HuntOptions{Timeout: 5 * time.Second}, &rowsOf{})
		if tocsin.CodeOf(err) != c.code {
			t.Errorf("%s: %v\n%s", c.uri, err, cut(log.String(), 2000))
		}
	}
	if want := "file://" + secret; len(asked) == 0 || asked[0] != want {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type lineReader struct{}

func (lineReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("the reader breaks") }

type slowReader struct{ ctx context.Context }

func (s slowReader) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s slowReader) Close() error             { return nil }

// readings are ways to the rows of a table T.
var readings = []string{
	"T", "T | take 5000", "['T']", "table('T')", "T | where true or true", "T | where not(false)", "union T", "union *", "union T*", "union isfuzzy=true T, Nothing", "union withsource=s T, T", "search *", "search in (T) '*'", "search 'device'",
	"search in (T*) *", "find where true", "find in (T) where true", "find in (T*) where true project DeviceId", "T | join kind=inner T on DeviceId, ReportId", "T | join kind=fullouter (print DeviceId = 'x') on DeviceId",
	"print DeviceId = 'x' | join kind=rightouter T on DeviceId", "print DeviceId = 'x' | join kind=rightanti T on DeviceId", "T | lookup T on DeviceId, ReportId", "let x = T; x", "let x = materialize(T); union x, x", "let f = () { T }; f", "let f = () { T }; f()",
	"let f = (t:(DeviceId:string, FileName:string)) { t }; T | invoke f()", "let v = view () { T }; union v", "T | as y; y", "T | fork (take 5) (count)", "T | facet by DeviceId", "print x = toscalar(T | summarize make_set(DeviceId))",
	"print x = 'device-3' | where x in (T)", "print x = 'device-3' | where x in ((T | project DeviceId))", "T | summarize make_set(DeviceId)", "T | summarize arg_max(ReportId, *)", "T | getschema", "T | partition by DeviceId (take 1)", "T | top-nested 9 of DeviceId by count()",
	"T | evaluate autocluster()", "T | project DeviceId, FileName | evaluate diffpatterns(DeviceId, 'device-1', 'device-3')", "T | evaluate basket()", "T | evaluate pivot(DeviceId)", "T | project d = bag_pack(DeviceId, 1) | evaluate bag_unpack(d)", "T | make-series count() on ReportId step 100 by DeviceId", "T | scan declare (x:string) with (step a: true => x = DeviceId;)",
	"T | sample 1000", "T | sample-distinct 9 of DeviceId", "T | top 1000 by DeviceId desc", "T | mv-apply x = pack_array(DeviceId) on (project x)", "T | reduce by DeviceId", "T | extend o = ReportId | make-graph DeviceId --> FileName | graph-match (a)-[e]->(b) project d = e.DeviceId",
	"let DeviceId = 'device-1'; T", "let tolower = (s:string) { 'device-1' }; T", "let T2 = T; T2", "let Secret = T; restrict access to (Secret); Secret", "database('tocsin').T", "cluster('c').database('d').T", "workspace('w').T", "T | where DeviceId == 'device-3' or 1 == 1",
	"T | extend DeviceId = 'device-1' | project FileName, ReportId, AccountName", "T | project-rename d = DeviceId", "T | where assert(DeviceId == 'device-1', 'no')", "stored", "stored()", "print x = stored2()", "evaluate narrow()", "T | evaluate narrow()",
	"declare query_parameters(DeviceId:string = 'device-1'); T", "alias database x = cluster('c').database('d'); database('x').T", "set query_now = datetime(2020-01-01); T",
}

// huntWith runs a query over a catalog.
func huntWith(l *Lake, query string, catalog kql.Catalog, sink HuntSink) error {
	opts := l.huntDefaults(HuntOptions{AllTime: true, Timeout: 20 * time.Second})
	ctx, cancel := context.WithTimeoutCause(analyst(context.Background()), opts.Timeout, ErrHuntTimeout)
	defer cancel()
	h := &hunt{src: query, opts: opts}
	h.statementRun = statementRun{l: l, ctx: ctx, native: &nativeRun{}, left: l.cfg.StageMemory}
	q, err := kql.Parse(query)
	if err != nil {
		return err
	}
	bound, err := kql.Bind(q, kql.BindOptions{Catalog: catalog, Now: noon, Probe: h.probe, Database: "tocsin"})
	if err != nil {
		return err
	}
	for _, p := range bound.Plans {
		st, err := h.generate(p.Root, 10_000)
		if err != nil {
			return err
		}
		cols := make([]kql.Column, len(st.Cols))
		for i, c := range st.Cols {
			cols[i] = c.Column
		}
		if err := sink.Table(HuntTable{Columns: cols}); err != nil {
			return err
		}
		if err := h.run(st, sink.Row); err != nil {
			return h.explain(err)
		}
	}
	return nil
}

// TestHuntRowFilter: a filter of the catalog holds on every way to the rows, and
// no name of the query changes what it means.
func TestHuntRowFilter(t *testing.T) {
	l, _ := hostileLake(t)
	who, _ := tocsin.PrincipalFrom(analyst(context.Background()))
	functions := map[string]kql.FunctionDef{"stored": {Name: "stored", Text: "() { T }"}, "stored2": {Name: "stored2", Text: "() { toscalar(T | summarize make_set(DeviceId)) }"}}
	all := l.HuntCatalog(who, nil).Table("DeviceProcessEvents")
	for _, filter := range []string{"DeviceId == 'device-1'", "tolower(DeviceId) == 'device-1' or false", "DeviceId in ('device-1')"} {
		def := *all
		def.RowFilter = filter
		catalog := &oneTable{name: "T", def: &def, functions: functions}
		ran := 0
		for _, query := range readings {
			r := &rowsOf{}
			// T is a name of the catalog; the table is DeviceProcessEvents.
			err := huntWith(l, strings.ReplaceAll(query, "T", "DeviceProcessEvents"), catalog, r)
			if text := strings.Join(r.rows, "\n"); regexp.MustCompile(`device-[02345]`).MatchString(text) {
				t.Errorf("%s under %s shows %s", query, filter, cut(text, 300))
			}
			if err != nil && !errors.As(err, new(*kql.Diagnostics)) {
				t.Errorf("%s under %s: %v", query, filter, err)
			}
			if err == nil && len(r.rows) > 0 {
				ran++
			}
		}
		if ran < len(readings)/2 {
			t.Errorf("only %d of %d queries gave rows", ran, len(readings))
		}
	}
}

type oneTable struct {
	name      string
	def       *kql.TableDef
	functions map[string]kql.FunctionDef
}

func (c *oneTable) Table(name string) *kql.TableDef {
	if name == c.def.Name {
		return c.def
	}
	return nil
}
func (c *oneTable) Tables() []string    { return []string{c.def.Name} }
func (c *oneTable) Functions() []string { return []string{"stored", "stored2"} }
func (c *oneTable) Function(name string) *kql.FunctionDef {
	if f, ok := c.functions[name]; ok {
		f.Text = strings.ReplaceAll(f.Text, "T", c.def.Name)
		return &f
	}
	return nil
}

// TestHuntOtherTenant: who belongs to another tenant, or may not read events,
// sees no row of this one on any way.
func TestHuntOtherTenant(t *testing.T) {
	l, _ := hostileLake(t)
	reader := []tocsin.Role{tocsin.RoleReader}
	functions := map[string]kql.FunctionDef{"stored": {Name: "stored", Text: "() { DeviceProcessEvents }"}, "stored2": {Name: "stored2", Text: "() { toscalar(DeviceProcessEvents | summarize make_set(DeviceId)) }"},
		"DeviceProcessEvents2": {Name: "DeviceProcessEvents2", Text: "() { DeviceProcessEvents }"}}
	for _, p := range []tocsin.Principal{
		{Tenant: "other", Roles: reader}, {Tenant: "", Roles: reader}, {Tenant: "DEFAULT", Roles: reader}, {Tenant: "default ", Roles: reader},
		{Tenant: tocsin.DefaultTenant, Roles: reader, Scopes: []tocsin.Verb{tocsin.VerbHunt}}, {Tenant: tocsin.DefaultTenant, Roles: reader, Scopes: []tocsin.Verb{tocsin.VerbHunt, tocsin.VerbAlertRead}},
	} {
		p.ID, p.Kind = "someone", tocsin.ActorUser
		ctx := tocsin.WithPrincipal(context.Background(), p)
		for _, query := range readings {
			r := &rowsOf{}
			stats, err := l.Hunt(ctx, strings.ReplaceAll(query, "T", "DeviceProcessEvents"), HuntOptions{AllTime: true, Functions: functions}, r)
			if text := strings.Join(r.rows, "\n"); strings.Contains(text, "device-") && !strings.Contains(query, "print x = 'device-3'") || slices.Contains(stats.Tables, "DeviceProcessEvents") {
				t.Errorf("%+v: %s shows %s, reads %v, %v", p, query, cut(text, 300), stats.Tables, err)
			}
			if errors.Is(err, ErrHuntFailed) {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
}

// leftovers are what a hunt could leave behind.
type leftovers struct {
	sites, stages, connections, goroutines, running int
	disk                                            int64
}

func leftBehind(l *Lake) (n leftovers) {
	count := func(m *sync.Map) (n int) {
		m.Range(func(any, any) bool { n++; return true })
		return n
	}
	n.sites, n.stages = count(&nativeSites), count(&stages)
	n.connections = l.db.Stats().InUse
	// Threads of the engine that called Go count as goroutines; those of ours
	// have a function of ours on their stacks.
	stacks := make([]byte, 1<<20)
	for one := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(one, "tocsin/lake.") {
			n.goroutines++
		}
	}
	l.quota.mu.Lock()
	n.running = len(l.quota.running) + len(l.hunts.slots) + len(l.hunts.waiting)
	l.quota.mu.Unlock()
	files, _ := filepath.Glob(l.path + ".tmp/*")
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			n.disk += info.Size()
		}
	}
	return n
}

// settled waits until nothing is left that was not there before.
func settled(t *testing.T, l *Lake, before leftovers) {
	t.Helper()
	var now leftovers
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); runtime.Gosched() {
		now = leftBehind(l)
		if now.sites <= before.sites && now.stages <= before.stages && now.connections <= before.connections && now.goroutines <= before.goroutines && now.running <= before.running && now.disk <= before.disk {
			return
		}
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("before: %+v, now: %+v\n%s", before, now, stacks[:runtime.Stack(stacks, true)])
}

// longHunts take long in different places.
var longHunts = []string{
	endless,
	"range a from 1 to 50000000 step 1 | extend s = strcat('x', a) | where s matches regex 'x.*y' | count",
	"range a from 1 to 5000000 step 1 | extend s = strcat('some text ', a) | summarize make_list(s), dcount(s) by b = a % 1000 | count",
	"range a from 1 to 20000000 step 1 | sort by a desc | extend n = row_number() | where n == 5",
	"range a from 1 to 3000000 step 1 | sort by a asc | scan declare (s:long) with (step x: true => s = a;) | count",
	"range a from 1 to 3000000 step 1 | extend d = bag_pack(strcat('k', a % 3), a) | evaluate bag_unpack(d) | count",
	"let t = materialize(range a from 1 to 3000000 step 1 | sort by a asc | scan with (step x: true;)); t | join kind=inner t on a | count",
}

// TestHuntLeavesNothing: a query that is stopped, wherever it is, leaves nothing
// that runs or lies about.
func TestHuntLeavesNothing(t *testing.T) {
	l, log := hostileLake(t)
	huntRowsOf(t, l, "DeviceProcessEvents | count", HuntOptions{AllTime: true})
	before := leftBehind(l)
	for _, query := range longHunts {
		for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond} {
			ctx, cancel := context.WithCancel(analyst(context.Background()))
			timer := time.AfterFunc(after, cancel)
			start := time.Now()
			_, err := l.Hunt(ctx, query, HuntOptions{AllTime: true}, discardRows{})
			if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrHuntResources) {
				t.Errorf("%s after %v: %v\n%s", query, after, err, cut(log.String(), 2000))
			}
			if took := time.Since(start); took > after+10*time.Second {
				t.Errorf("%s after %v took %v", query, after, took)
			}
			timer.Stop()
			cancel()
		}
	}
	// A sink that panics is its caller's fault, and takes nothing with it.
	func() {
		defer func() { recover() }()
		l.Hunt(analyst(context.Background()), "range a from 1 to 10 step 1 | sort by a asc | scan with (step x: true;)", HuntOptions{}, &rowsOf{on: func() { panic("sink") }})
	}()
	settled(t, l, before)
	if r := huntRowsOf(t, l, "DeviceProcessEvents | count", HuntOptions{AllTime: true}); r.rows[0] != "1000" {
		t.Errorf("afterwards: %v", r.rows)
	}
}

// TestHuntTogether: many hunts at once each get their own answer, whatever
// becomes of the others.
func TestHuntTogether(t *testing.T) {
	l, log := hostileLake(t)
	huntRowsOf(t, l, "DeviceProcessEvents | count", HuntOptions{AllTime: true})
	before := leftBehind(l)
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			if i%5 == 4 {
				_, err := l.Hunt(analyst(context.Background()), longHunts[i%len(longHunts)], HuntOptions{AllTime: true, Timeout: 100 * time.Millisecond}, discardRows{})
				if !errors.Is(err, ErrHuntTimeout) && !errors.Is(err, ErrHuntResources) {
					t.Errorf("%v", err)
				}
				return
			}
			r := &rowsOf{}
			query := fmt.Sprintf("DeviceProcessEvents | where ReportId < %d | extend s = strcat('n', ReportId, '-%d') | where s endswith '-%d' | sort by ReportId asc | scan declare (n:long) with (step a: true => n = ReportId;) | summarize count(), max(n), min(s)", 100+i, i, i)
			_, err := l.Hunt(analyst(context.Background()), query, HuntOptions{AllTime: true}, r)
			if want := fmt.Sprintf("%d|%d|n0-%d", 100+i, 99+i, i); err != nil && !errors.Is(err, ErrHuntResources) || err == nil && (len(r.rows) != 1 || r.rows[0] != want) {
				t.Errorf("%v, want %s: %v\n%s", r.rows, want, err, cut(log.String(), 2000))
			}
		})
	}
	wait.Wait()
	settled(t, l, before)
}
