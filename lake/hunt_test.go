package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// rowsOf collects the first tables of a hunt as texts.
type rowsOf struct {
	tables []HuntTable
	rows   []string
	fail   error
	on     func()
}

func (r *rowsOf) Table(t HuntTable) error { r.tables = append(r.tables, t); return nil }

func (r *rowsOf) Row(row []kql.Value) error {
	var texts []string
	for _, v := range row {
		texts = append(texts, kql.TextOf(v))
	}
	r.rows = append(r.rows, strings.Join(texts, "|"))
	if r.on != nil {
		r.on()
	}
	return r.fail
}

func huntRowsOf(t testing.TB, l *Lake, query string, opts HuntOptions) *rowsOf {
	t.Helper()
	r := &rowsOf{}
	if _, err := l.Hunt(analyst(context.Background()), query, opts, r); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return r
}

func TestHunt(t *testing.T) {
	l := openLake(t, t.TempDir())
	appendAll(t, l, Write{Batches: []*Batch{events(t, l, 0, 5000)}})
	all := HuntOptions{AllTime: true}
	r := huntRowsOf(t, l, "DeviceProcessEvents | where FileName =~ 'PROGRAM-3.exe' and DeviceId has 'device' | summarize n = count(), least = min(ReportId) by DeviceId | order by DeviceId asc", all)
	if got, want := strings.Join(r.rows, " "), "device-0|111|30 device-1|111|21 device-2|111|12 device-3|112|3 device-4|111|39"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(r.tables) != 1 || len(r.tables[0].Columns) != 3 || r.tables[0].Columns[1].Name != "n" || r.tables[0].Columns[1].Type != kql.Long {
		t.Errorf("%+v", r.tables)
	}
	// The lake's clock says November; the rows are of March.
	r = huntRowsOf(t, l, "DeviceProcessEvents | count", HuntOptions{})
	if r.rows[0] != "0" {
		t.Errorf("the last 30 days: %v", r.rows)
	}
	r = huntRowsOf(t, l, "DeviceProcessEvents | summarize min(Timestamp), count()", HuntOptions{From: time.Date(2026, 3, 1, 0, 0, 0, 4_000_000, time.UTC), To: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	if r.rows[0] != "2026-03-01T00:00:00.0040000Z|1000" {
		t.Errorf("a range: %v", r.rows)
	}
	// The same without an aggregate, streamed.
	if r = huntRowsOf(t, l, "DeviceProcessEvents | project ReportId, Timestamp, FileName", all); len(r.rows) != 5000 {
		t.Errorf("%d rows", len(r.rows))
	}
	r = huntRowsOf(t, l, "DeviceProcessEvents | where ReportId < 3 | extend t = ingestion_time() | summarize max(t)", all)
	if r.rows[0] != "2026-11-01T12:00:00.0000000Z" {
		t.Errorf("%v", r.rows)
	}
}

func TestHuntStats(t *testing.T) {
	l := openLake(t, t.TempDir())
	appendAll(t, l, Write{Batches: []*Batch{events(t, l, 0, 100)}})
	r := &rowsOf{}
	stats, err := l.Hunt(analyst(context.Background()), "DeviceProcessEvents | project DeviceId, FileName", HuntOptions{AllTime: true}, r)
	must0(t, err)
	if stats.Rows != 100 || stats.Bytes != 100*(2+11+16) || stats.Resource != "Low" || stats.Partial != "" || strings.Join(stats.Tables, " ") != "DeviceProcessEvents" || stats.Elapsed <= 0 || stats.CPU <= 0 || stats.Run <= 0 || stats.Bind <= 0 {
		t.Errorf("%+v", stats)
	}
	for _, c := range []struct {
		opts HuntOptions
		rows int
		why  string
	}{
		{HuntOptions{MaxRows: 10}, 10, "The result has more than 10 rows, which is the most that a query gives; the first 10 are shown."},
		{HuntOptions{MaxRows: 100}, 100, ""},
		{HuntOptions{MaxBytes: 100}, 3, "The result is larger than 100 bytes, which is the most that a query gives; the first 3 rows are shown."},
	} {
		r := &rowsOf{}
		c.opts.AllTime = true
		stats, err := l.Hunt(analyst(context.Background()), "DeviceProcessEvents | project DeviceId, FileName", c.opts, r)
		must0(t, err)
		if len(r.rows) != c.rows || stats.Rows != int64(c.rows) || stats.Partial != c.why {
			t.Errorf("%d rows, %q", len(r.rows), stats.Partial)
		}
	}
	// A table without rows is still told.
	r = &rowsOf{}
	if _, err := l.Hunt(analyst(context.Background()), "DeviceInfo", HuntOptions{}, r); err != nil || len(r.tables) != 1 || len(r.rows) != 0 {
		t.Errorf("%v %v", r, err)
	}
}

func TestHuntRefuses(t *testing.T) {
	l := openLake(t, t.TempDir())
	ctx := context.Background()
	as := func(p tocsin.Principal) context.Context {
		p.ID, p.Kind = "someone", tocsin.ActorUser
		return tocsin.WithPrincipal(ctx, p)
	}
	reader := []tocsin.Role{tocsin.RoleReader}
	var bad *kql.Diagnostics
	for _, c := range []struct {
		name  string
		ctx   context.Context
		query string
		code  tocsin.Code
		text  string
	}{
		{"nobody", ctx, "DeviceInfo", tocsin.CodeUnauthenticated, ""},
		{"a sender", as(tocsin.Principal{Tenant: "default", Roles: []tocsin.Role{tocsin.RoleSender}}), "DeviceInfo", tocsin.CodeForbidden, ""},
		{"another tenant", as(tocsin.Principal{Tenant: "other", Roles: reader}), "DeviceInfo", "", "DeviceInfo"},
		{"no alerts", as(tocsin.Principal{Tenant: "default", Roles: reader, Scopes: []tocsin.Verb{tocsin.VerbHunt, tocsin.VerbEventRead}}), "AlertInfo", "", "AlertInfo"},
		{"no events", as(tocsin.Principal{Tenant: "default", Roles: reader, Scopes: []tocsin.Verb{tocsin.VerbHunt, tocsin.VerbAlertRead}}), "DeviceInfo", "", "DeviceInfo"},
		{"a table of our own", as(tocsin.Principal{Tenant: "default", Roles: reader}), "Quarantine", "", "Quarantine"},
		{"a table of DuckDB", as(tocsin.Principal{Tenant: "default", Roles: reader}), "duckdb_tables", "", "duckdb_tables"},
		{"syntax", as(tocsin.Principal{Tenant: "default", Roles: reader}), "DeviceInfo |", "", ""},
	} {
		r := &rowsOf{}
		_, err := l.Hunt(c.ctx, c.query, HuntOptions{}, r)
		if c.code != "" && tocsin.CodeOf(err) != c.code || c.code == "" && !(errors.As(err, &bad) && strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(r.tables) > 0 {
			t.Errorf("%s: a table was told", c.name)
		}
		if _, err := l.CheckHunt(c.ctx, c.query, HuntOptions{}); err == nil {
			t.Errorf("%s: checked", c.name)
		}
	}
	if _, err := l.Hunt(analyst(ctx), "print '"+strings.Repeat("x", maxQuery)+"'", HuntOptions{}, &rowsOf{}); tocsin.CodeOf(err) != tocsin.CodeLimit {
		t.Errorf("a query of megabytes: %v", err)
	}
}

const endless = "range a from 1 to 100000000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | summarize sum(a * b)"

func TestHuntStops(t *testing.T) {
	l := openLake(t, t.TempDir())
	start := time.Now()
	_, err := l.Hunt(analyst(context.Background()), endless, HuntOptions{Timeout: 100 * time.Millisecond}, &rowsOf{})
	if !errors.Is(err, ErrHuntTimeout) || tocsin.CodeOf(err) != tocsin.CodeLimit || tocsin.Message(err) != "Query exceeded the timeout period." {
		t.Errorf("timeout: %v", err)
	}
	ctx, cancel := context.WithCancel(analyst(context.Background()))
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := l.Hunt(ctx, endless, HuntOptions{}, &rowsOf{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
	// While rows are being handed over.
	ctx, cancel = context.WithCancel(analyst(context.Background()))
	sink := &rowsOf{on: cancel}
	if _, err := l.Hunt(ctx, "range a from 1 to 50000000 step 1 | where a % 3 == 0", HuntOptions{MaxRows: 1 << 40}, sink); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled by the sink: %v", err)
	}
	// A sink that has enough.
	enough := errors.New("enough")
	if _, err := l.Hunt(analyst(context.Background()), "range a from 1 to 5 step 1", HuntOptions{}, &rowsOf{fail: enough}); err != enough {
		t.Errorf("%v", err)
	}
	if r := huntRowsOf(t, l, "print 1", HuntOptions{}); r.rows[0] != "1" {
		t.Errorf("afterwards: %v", r.rows)
	}
}

func TestHuntMemory(t *testing.T) {
	var logged bytes.Buffer
	l, err := Open(context.Background(), Config{Dir: t.TempDir(), Threads: 2, MemoryLimit: "50MB", HuntDisk: "1MB", Log: slog.New(slog.NewTextHandler(&logged, nil))})
	must0(t, err)
	defer l.Close()
	_, err = l.Hunt(analyst(context.Background()), "range a from 1 to 20000000 step 1 | extend s = strcat('some text that is kept ', a) | summarize dcount(s), make_list(s) by s | count", HuntOptions{}, &rowsOf{})
	if !errors.Is(err, ErrHuntResources) || tocsin.Message(err) != "Query stopped due to excessive resource consumption." {
		t.Errorf("%v\n%s", err, &logged)
	}
}

// TestHuntFault: what goes wrong for a fault of ours is told with a number, and
// the log says what it was.
func TestHuntFault(t *testing.T) {
	var logged bytes.Buffer
	l := openLake(t, t.TempDir())
	l.cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
	l.cfg.Live = map[string]LiveTable{"AlertInfo": func(context.Context, time.Time, time.Time, func(map[string]any) error) error {
		return errors.New("the case files burn")
	}}
	_, err := l.Hunt(analyst(context.Background()), "AlertInfo | count", HuntOptions{}, &rowsOf{})
	text := tocsin.Message(err)
	if tocsin.CodeOf(err) != tocsin.CodeInternal || !errors.Is(err, ErrHuntFailed) || !strings.HasPrefix(text, "An unexpected error occurred during query execution. Please try again in a few minutes. (Request ") || strings.Contains(text, "burn") {
		t.Errorf("%v", err)
	}
	id := strings.TrimSuffix(text[strings.LastIndex(text, " ")+1:], ")")
	if !strings.Contains(logged.String(), "the case files burn") || !strings.Contains(logged.String(), id) {
		t.Errorf("log: %s", &logged)
	}
}

func TestHuntLive(t *testing.T) {
	l := openLake(t, t.TempDir())
	l.cfg.Live = map[string]LiveTable{"AlertInfo": func(ctx context.Context, from, to time.Time, emit func(map[string]any) error) error {
		if want := noon.Add(-30 * 24 * time.Hour); !from.Equal(want) {
			t.Errorf("from %v, want %v", from, want)
		}
		for i := range 5000 {
			if err := emit(map[string]any{"Timestamp": noon.Add(time.Duration(-i) * time.Hour), "AlertId": fmt.Sprint(i), "Severity": []string{"High", "Low"}[i%2]}); err != nil {
				return err
			}
		}
		return nil
	}}
	r := huntRowsOf(t, l, "AlertInfo | summarize count() by Severity | order by Severity asc", HuntOptions{})
	if got := strings.Join(r.rows, " "); got != "High|361 Low|360" {
		t.Error(got)
	}
}

func TestHuntQuota(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 5, 0, 0, time.UTC)
	var cpu time.Duration
	wall := now
	q := &huntQuotas{now: func() time.Time { return now }, clock: func() time.Time { wall = wall.Add(time.Hour); return wall }, cpu: func() (time.Duration, bool) { return cpu, true }, threads: 2, budget: time.Minute}
	run := func(door string, used time.Duration) (time.Duration, float64, error) {
		m, err := q.start("t", door)
		if err != nil {
			return 0, 0, err
		}
		cpu += used
		spent, share := m.stop(time.Hour)
		return spent, share, nil
	}
	if spent, share, err := run("portal", 30*time.Second); err != nil || spent != 30*time.Second || share != 0.5 {
		t.Errorf("%v %v %v", spent, share, err)
	}
	// Two at once share what the process used.
	a, err := q.start("t", "cli")
	must0(t, err)
	b, err := q.start("other", "portal")
	must0(t, err)
	cpu += 10 * time.Second
	if spent, _ := a.stop(time.Hour); spent != 5*time.Second {
		t.Error(spent)
	}
	cpu += 50 * time.Second
	if spent, _ := b.stop(time.Hour); spent != 55*time.Second {
		t.Error(spent)
	}
	// Nobody runs: what is used now is nobody's.
	cpu += time.Hour
	if spent, _, err := run("portal", 25*time.Second); err != nil || spent != 25*time.Second {
		t.Error(spent, err)
	}
	_, _, err = run("portal", 0)
	if want := "You have exceeded processing resources allocated to this tenant. You can run queries again in 10 minutes."; !errors.Is(err, ErrHuntQuota) || tocsin.Message(err) != want {
		t.Errorf("%v", err)
	}
	if _, _, err := run("rule", 0); err != nil {
		t.Errorf("rules have time of their own: %v", err)
	}
	now = time.Date(2026, 11, 1, 12, 15, 0, 0, time.UTC)
	if _, _, err := run("portal", 0); err != nil {
		t.Errorf("the next cycle: %v", err)
	}
}

func TestHuntSlots(t *testing.T) {
	s := newHuntSlots(1)
	ctx, cancel := context.WithCancel(context.Background())
	leave, err := s.enter(ctx)
	must0(t, err)
	var wait sync.WaitGroup
	for range cap(s.waiting) {
		s.waiting <- struct{}{}
	}
	if _, err := s.enter(ctx); !errors.Is(err, ErrHuntBusy) {
		t.Errorf("%v", err)
	}
	for range cap(s.waiting) {
		<-s.waiting
	}
	wait.Go(func() {
		again, err := s.enter(ctx)
		must0(t, err)
		again()
	})
	leave()
	wait.Wait()
	leave, err = s.enter(ctx)
	must0(t, err)
	cancel()
	if _, err := s.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	leave()
}

func TestSpoken(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Second: "1 second", 59 * time.Second: "59 seconds", time.Minute: "1 minute", 90 * time.Second: "1 minute 30 seconds", 15 * time.Minute: "15 minutes"} {
		if got := spoken(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// A panic while a query is bound is the end of that query and of nothing else.
func TestHuntBindPanics(t *testing.T) {
	l := openLake(t, t.TempDir())
	who, err := hunter(analyst(t.Context()))
	must0(t, err)
	_, err = l.bind(who, "datatable(d:dynamic)[dynamic({})] | evaluate bag_unpack(d)", l.huntDefaults(HuntOptions{}),
		func(kql.Rel) ([][]kql.Value, error) { panic("a bug") }, &HuntStats{})
	var fault *nativeFailure
	if !errors.As(err, &fault) || fault.site != "bind" || fault.cause != "a bug" {
		t.Errorf("%v", err)
	}
}
