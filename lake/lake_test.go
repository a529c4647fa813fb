package lake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func openLake(t testing.TB, dir string) *Lake {
	t.Helper()
	l, err := Open(context.Background(), Config{Dir: dir, Threads: 2, MemoryLimit: "1GB", Now: func() time.Time { return noon }})
	must0(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// events is a batch of n rows numbered from first on.
func events(t testing.TB, l *Lake, first, n int) *Batch {
	t.Helper()
	b, err := l.NewBatch("DeviceProcessEvents")
	must0(t, err)
	for i := first; i < first+n; i++ {
		must0(t, b.AppendJSON(fmt.Appendf(nil, `{"Timestamp":"2026-03-01T00:00:00.%06dZ","DeviceId":"device-%d","ReportId":%d,"FileName":"program-%d.exe","IsInitiatingProcessRemoteSession":%v}`, i%1000000, i%5, i, i%9, i%2 == 0)))
	}
	return b
}

func appendAll(t testing.TB, l *Lake, w Write) Receipt {
	t.Helper()
	r, err := l.Append(context.Background(), w)
	must0(t, err)
	return r
}

func count(t testing.TB, l *Lake, table string) int64 {
	t.Helper()
	n, err := l.Count(context.Background(), table)
	must0(t, err)
	return n
}

func TestAppendAndRead(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	l := openLake(t, dir)
	b, err := l.NewBatch("CloudAppEvents")
	must0(t, err)
	line := `{"Timestamp":"2026-03-01T10:00:00.123456Z","ReportId":"r-1","ActionType":"Consent to application","Application":"Microsoft 365","IsAnonymousProxy":true,"AdditionalFields":{"k":["v"]},"ApplicationId":20893,"ISP":"a name longer than twelve bytes","Surprise":7}`
	must0(t, b.AppendJSON([]byte(line)))
	files, err := l.NewBatch("DeviceFileEvents")
	must0(t, err)
	must0(t, files.AppendRow(tocsin.Row{Table: "DeviceFileEvents", Values: map[string]any{"Timestamp": noon, "DeviceId": "d1", "ReportId": int64(5), "FileSize": int64(1) << 40, "AdditionalFields": map[string]any{"x": 1}}}))
	r := appendAll(t, l, Write{Batches: []*Batch{b, files}})
	if r.Rows != 2 || r.Duplicate || r.FirstSeq != 0 {
		t.Errorf("receipt %+v", r)
	}
	counts, err := l.Counts(ctx)
	must0(t, err)
	if diff := cmp.Diff(map[string]int64{"CloudAppEvents": 1, "DeviceFileEvents": 1}, counts); diff != "" {
		t.Error(diff)
	}
	refs := []tocsin.RowRef{files.Ref(0), {Table: "DeviceFileEvents", Time: noon, DeviceID: "d1", ReportID: "6"}, b.Ref(0), {Table: "DeviceFileEvents", Time: noon, DeviceID: "d2", ReportID: "5"}, files.Ref(0)}
	b.Reset()
	check := func(l *Lake) {
		t.Helper()
		rows, err := l.Rows(ctx, refs)
		must0(t, err)
		if rows[1] != nil || rows[3] != nil || rows[4] == nil {
			t.Errorf("rows that are not there: %v", rows)
		}
		if rows[0]["FileSize"] != int64(1)<<40 || rows[0]["ReportId"] != int64(5) || rows[0]["Timestamp"] != noon {
			t.Errorf("file row %v", rows[0])
		}
		got := rows[2]
		if got["IsAnonymousProxy"] != true || fmt.Sprintf("%s", got["AdditionalFields"]) != `{"k":["v"]}` || got["ISP"] != "a name longer than twelve bytes" || got["ApplicationId"] != int64(20893) {
			t.Errorf("app row %v", got)
		}
		sample, err := l.Sample(ctx, "CloudAppEvents", 3)
		must0(t, err)
		if diff := cmp.Diff([]map[string]any{got}, sample); diff != "" {
			t.Error(diff)
		}
		var extra, both string
		must0(t, l.each(ctx, func(r *Rows) error { return r.Scan(&extra, &both) },
			"SELECT CAST(_extra AS VARCHAR), CAST(TimeGenerated = Timestamp AS VARCHAR) FROM CloudAppEvents WHERE TimeGenerated > '2026-03-01' AND _ingested = '2026-11-01 12:00:00'"))
		if extra != `{"Surprise":7}` || both != "true" {
			t.Errorf("extra %s, aliases equal %s", extra, both)
		}
	}
	check(l)
	must0(t, l.Close())
	check(openLake(t, dir))
}

// TestEveryTable stores a row in every table with a value in every column and
// reads it back: no declared type may be lost on the way.
func TestEveryTable(t *testing.T) {
	ctx := context.Background()
	l := openLake(t, t.TempDir())
	values := map[Type]any{String: "text of some length", Datetime: noon, Dynamic: map[string]any{"a": 1}, Int: int64(-7), Long: int64(1) << 50, Bool: true, GUID: "0a1b2c3d-0000-1111-2222-333344445555", Real: 0.25}
	var w Write
	for _, table := range Catalog().Tables() {
		row := tocsin.Row{Table: table.Name, Values: make(map[string]any)}
		for _, c := range table.Columns {
			row.Values[c.Name] = values[c.Type]
		}
		b, err := l.NewBatch(table.Name)
		must0(t, err)
		must0(t, b.AppendRow(row))
		w.Batches = append(w.Batches, b)
	}
	appendAll(t, l, w)
	for i, table := range Catalog().Tables() {
		rows, err := l.Rows(ctx, []tocsin.RowRef{w.Batches[i].Ref(0)})
		must0(t, err)
		for col, c := range table.Columns {
			if diff := cmp.Diff(w.Batches[i].Value(col, 0), rows[0][c.Name]); diff != "" {
				t.Fatalf("%s.%s: %s", table.Name, c.Name, diff)
			}
		}
	}
}

// TestLargeWrites crosses chunk, lane and row group borders with gaps in
// columns, and compares everything with what went in.
func TestLargeWrites(t *testing.T) {
	ctx := context.Background()
	l := openLake(t, t.TempDir())
	var w Write
	total := 0
	for _, n := range []int{1, 63, 2047, 2049, 30000, 4000, 50000, 100} {
		w.Batches = append(w.Batches, events(t, l, total, n))
		total += n
	}
	for i, b := range w.Batches { // a column that only some rows of some batches have
		if i%2 == 0 {
			must0(t, b.AppendJSON(fmt.Appendf(nil, `{"Timestamp":"2026-03-02","ReportId":%d,"ProcessCommandLine":"the only command line in batch %d"}`, total, i)))
			total++
		}
	}
	if r := appendAll(t, l, w); r.Rows != total {
		t.Fatalf("receipt %+v, want %d rows", r, total)
	}
	var n, distinct, wrong, lines int64
	must0(t, l.each(ctx, func(r *Rows) error { return r.Scan(&n, &distinct, &wrong, &lines) }, `SELECT count(*), count(DISTINCT ReportId),
		count(*) FILTER (ProcessCommandLine IS NULL AND (FileName <> format('program-{}.exe', ReportId % 9) OR FileName IS NULL OR DeviceId <> format('device-{}', ReportId % 5)
			OR IsInitiatingProcessRemoteSession <> (ReportId % 2 = 0) OR epoch_us("Timestamp") % 1000000 <> ReportId % 1000000)),
		count(*) FILTER (ProcessCommandLine LIKE 'the only command line in batch _') FROM DeviceProcessEvents`))
	if n != int64(total) || distinct != int64(total) || wrong != 0 || lines != 4 {
		t.Errorf("%d rows of %d, %d distinct, %d wrong, %d command lines", n, total, distinct, wrong, lines)
	}
}

func TestGroupCommit(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	l := openLake(t, dir)
	const writers, each = 8, 5
	var wg sync.WaitGroup
	seqs := make(chan int64, writers*each)
	for i := range writers {
		wg.Go(func() {
			for k := range each {
				n := i*each + k
				w := Write{Batches: []*Batch{events(t, l, n*10, 10)}, Outbox: []OutboxItem{{fmt.Appendf(nil, "a %d", n)}, {[]byte{0, 0xff, byte(n)}}},
					Progress: []Progress{{Source: "s", Item: strconv.Itoa(i), Records: int64(k + 1), Rows: int64(10 * (k + 1)), Done: k == each-1}}}
				r, err := l.Append(ctx, w)
				if err != nil || r.Rows != 10 {
					t.Errorf("%+v %v", r, err)
				}
				seqs <- r.FirstSeq
			}
		})
	}
	wg.Wait()
	seen := make(map[int64]bool)
	for range writers * each {
		s := <-seqs
		if s < 1 || s%2 == 0 || seen[s] {
			t.Errorf("sequence %d", s)
		}
		seen[s] = true
	}
	if n := count(t, l, "DeviceProcessEvents"); n != writers*each*10 {
		t.Errorf("%d rows", n)
	}
	p, err := l.Progress(ctx, "s")
	must0(t, err)
	if len(p) != writers || p["3"] != (Progress{Source: "s", Item: "3", Records: each, Rows: 10 * each, Done: true}) {
		t.Errorf("progress %v", p)
	}
	out, err := l.Outbox(ctx, 4, 3)
	must0(t, err)
	if len(out) != 3 || out[0].Seq != 5 || out[2].Seq != 7 || len(out[1].Payload) != 3 || out[1].Payload[1] != 0xff {
		t.Errorf("outbox %v", out)
	}
	must0(t, l.OutboxDone(ctx, 1000))
	must0(t, l.Close())
	l = openLake(t, dir)
	if out, err = l.Outbox(ctx, 0, 10); err != nil || len(out) != 0 {
		t.Errorf("outbox after done: %v %v", out, err)
	}
	if r := appendAll(t, l, Write{Outbox: []OutboxItem{{[]byte("x")}}}); r.FirstSeq != 2*writers*each+1 {
		t.Errorf("sequence %d after reopening: one was used twice", r.FirstSeq)
	}
}

// TestDrainWhileWriting empties the outbox beside the writers: each item is seen
// once, in order.
func TestDrainWhileWriting(t *testing.T) {
	ctx := context.Background()
	l := openLake(t, t.TempDir())
	const writers, each = 3, 15
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for k := range each {
				if _, err := l.Append(ctx, Write{Batches: []*Batch{events(t, l, i*each+k, 1)}, Outbox: []OutboxItem{{[]byte("hit")}}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for done := int64(0); done < writers*each; {
		items, err := l.Outbox(ctx, done, 4)
		must0(t, err)
		for _, e := range items {
			if e.Seq != done+1 {
				t.Fatalf("item %d after %d", e.Seq, done)
			}
			done = e.Seq
		}
		if len(items) > 0 {
			must0(t, l.OutboxDone(ctx, done))
		}
	}
	wg.Wait()
	if left, err := l.Outbox(ctx, 0, 10); err != nil || len(left) != 0 {
		t.Errorf("left %v %v", left, err)
	}
}

// TestOnceKeysEnd: a key is remembered for 30 days, not for ever.
func TestOnceKeysEnd(t *testing.T) {
	dir := t.TempDir()
	now := noon
	for _, want := range []struct {
		after     time.Duration
		duplicate bool
	}{{0, false}, {29 * 24 * time.Hour, true}, {31 * 24 * time.Hour, false}} {
		now = noon.Add(want.after)
		l, err := Open(context.Background(), Config{Dir: dir, Now: func() time.Time { return now }})
		must0(t, err)
		if r := appendAll(t, l, Write{Once: "k"}); r.Duplicate != want.duplicate {
			t.Errorf("after %v: %+v", want.after, r)
		}
		must0(t, l.Close())
	}
}

func TestOnce(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	l := openLake(t, dir)
	write := func(l *Lake) Write {
		return Write{Once: "key-1", Batches: []*Batch{events(t, l, 0, 3)}, Outbox: []OutboxItem{{[]byte("x")}}, Progress: []Progress{{Source: "s", Item: "i", Rows: 3}}}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for range 4 {
		w := write(l)
		wg.Go(func() {
			r, err := l.Append(ctx, w)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || r.Duplicate == (r.Rows > 0) {
				t.Errorf("%+v %v", r, err)
			}
			stored += r.Rows
		})
	}
	wg.Wait()
	must0(t, l.Close())
	l = openLake(t, dir)
	if r := appendAll(t, l, write(l)); !r.Duplicate {
		t.Errorf("after reopening %+v", r)
	}
	out, err := l.Outbox(ctx, 0, 10)
	must0(t, err)
	if n := count(t, l, "DeviceProcessEvents"); stored != 3 || n != 3 || len(out) != 1 {
		t.Errorf("%d rows reported, %d stored, %d items", stored, n, len(out))
	}
}

func TestQuarantine(t *testing.T) {
	ctx := context.Background()
	l := openLake(t, t.TempDir())
	var w Write
	for i := range 3000 {
		w.Quarantine = append(w.Quarantine, Quarantined{Source: "file.zip", Item: "a/b.json", Offset: int64(i), Reason: []string{"no time", "no time", "too long"}[i%3], Raw: "{\xff\x00}"})
	}
	w.Quarantine = append(w.Quarantine, Quarantined{At: noon.Add(time.Hour), Source: "http", Reason: "big", Raw: strings.Repeat("é", maxRaw)})
	appendAll(t, l, w)
	sum, err := l.QuarantineSummary(ctx)
	must0(t, err)
	want := []ReasonCount{{"no time", 2000, noon}, {"too long", 1000, noon}, {"big", 1, noon.Add(time.Hour)}}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
	list, err := l.Quarantine(ctx, 2)
	must0(t, err)
	if len(list) != 2 || list[0].Reason != "big" || len(list[0].Raw) != maxRaw || list[1].Raw != "{\ufffd\ufffd}" || list[1].Offset != 2999 {
		t.Errorf("%d records, %d bytes raw, then %+v", len(list), len(list[0].Raw), list[1])
	}
}

func TestQueryIsReadOnlyAndShutIn(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	l := openLake(t, dir)
	appendAll(t, l, Write{Batches: []*Batch{events(t, l, 0, 10)}})
	secret := filepath.Join(dir, "secret.csv")
	must0(t, os.WriteFile(secret, []byte("a\n1\n"), 0o600))
	for _, q := range []string{
		"DELETE FROM DeviceProcessEvents", "DROP TABLE DeviceProcessEvents", "INSERT INTO _once VALUES ('x', now())", "UPDATE _state SET value = 0", "CREATE TABLE x AS SELECT 1",
		"SELECT 1; DROP TABLE DeviceProcessEvents", "COMMIT; DROP TABLE DeviceProcessEvents", "ATTACH '" + dir + "/other.duckdb'", "DETACH lake", "CHECKPOINT", "VACUUM",
		"COPY DeviceProcessEvents TO '" + dir + "/out.csv'", "SELECT * FROM read_csv('" + secret + "')", "SELECT * FROM '" + secret + "'", "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('/*')",
		"SET enable_external_access = true", "SET threads = 1", "PRAGMA memory_limit='10GB'", "INSTALL httpfs", "LOAD httpfs", "EXPORT DATABASE '" + dir + "/x'", "SELECT * FROM tocsin_batches(1)", "CALL pragma_version()", "PREPARE p AS DELETE FROM _once", "", "SELEC",
	} {
		if rows, err := l.Query(ctx, q); err == nil {
			for rows.Next() {
			}
			if rows.Err() == nil {
				t.Errorf("%q ran", q)
			}
			rows.Close()
		}
	}
	if n := count(t, l, "DeviceProcessEvents"); n != 10 {
		t.Errorf("%d rows left", n)
	}
	for i, q := range []string{"SELECT count(*) FROM DeviceProcessEvents WHERE ReportId > $1", "WITH x AS (SELECT ReportId FROM DeviceProcessEvents) SELECT count(*) FROM x WHERE ReportId > ?"} {
		var n int
		must0(t, l.each(ctx, func(r *Rows) error { return r.Scan(&n) }, q, 4+i))
		if n != 5-i {
			t.Errorf("%s: %d", q, n)
		}
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	l := openLake(t, t.TempDir())
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := l.each(ctx, func(*Rows) error { return nil }, "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 3")
	if err == nil {
		t.Error("a query of years came to an end")
	}
	// The lake goes on.
	appendAll(t, l, Write{Batches: []*Batch{events(t, l, 0, 1)}})
}

// TestSpill sorts more than the memory limit: the folder for that must stay
// usable with external access off.
func TestSpill(t *testing.T) {
	l, err := Open(context.Background(), Config{Dir: t.TempDir(), Threads: 2, MemoryLimit: "100MB"})
	must0(t, err)
	defer l.Close()
	var n int64
	must0(t, l.each(context.Background(), func(r *Rows) error { return r.Scan(&n) },
		"SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY hash(range)) AS k, range FROM range(4000000)) WHERE k > 0"))
	if n != 4000000 {
		t.Errorf("%d rows", n)
	}
}

func TestOneOpener(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	if _, err := Open(context.Background(), Config{Dir: dir}); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("second opening here: %v", err)
	}
	cmd := child(t, dir, "open")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "open in another process") {
		t.Errorf("second opening elsewhere: %v %s", err, out)
	}
	must0(t, l.Close())
	if _, err := l.Append(context.Background(), Write{}); tocsin.CodeOf(err) != tocsin.CodeUnavailable {
		t.Errorf("append after close: %v", err)
	}
	if _, err := l.Counts(context.Background()); err == nil {
		t.Error("read after close")
	}
	must0(t, openLake(t, dir).Close())
}

func TestAppendCancelled(t *testing.T) {
	l := openLake(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Append(ctx, Write{Batches: []*Batch{events(t, l, 0, 1)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := l.Append(context.Background(), Write{Batches: []*Batch{nil}}); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Errorf("%v", err)
	}
	if n := count(t, l, "DeviceProcessEvents"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// TestNewColumn opens a file of an older program: columns it lacks are added.
func TestNewColumn(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	appendAll(t, l, Write{Batches: []*Batch{events(t, l, 0, 2)}})
	_, err := l.writer.ExecContext(context.Background(), "ALTER TABLE DeviceEvents DROP COLUMN ProcessUniqueId")
	must0(t, err)
	must0(t, l.Close())
	l = openLake(t, dir)
	b, err := l.NewBatch("DeviceEvents")
	must0(t, err)
	must0(t, b.AppendJSON([]byte(`{"Timestamp":"2026-03-01","ProcessUniqueId":"p"}`)))
	appendAll(t, l, Write{Batches: []*Batch{b}})
	if n := count(t, l, "DeviceProcessEvents"); n != 2 {
		t.Errorf("%d rows", n)
	}
}

// TestKill kills a process in the middle of writing, three times over, and
// finds each acknowledged write and none by half.
func TestKill(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	acked := int64(0)
	for round := range 3 {
		cmd := child(t, dir, "write")
		out, err := cmd.StdoutPipe()
		must0(t, err)
		must0(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; n < 6+round && lines.Scan(); n++ {
			k, err := strconv.ParseInt(lines.Text(), 10, 64)
			must0(t, err)
			acked = k
		}
		must0(t, cmd.Process.Kill())
		for lines.Scan() { // acknowledged between our reading and its end
			if k, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				acked = k
			}
		}
		cmd.Wait()
		l := openLake(t, dir)
		p, err := l.Progress(ctx, "kill")
		must0(t, err)
		writes := p["item"].Records
		rows := count(t, l, "DeviceProcessEvents")
		items, err := l.Outbox(ctx, 0, 1<<20)
		must0(t, err)
		bad, err := l.QuarantineSummary(ctx)
		must0(t, err)
		if writes < acked || writes == 0 || rows != p["item"].Rows || int64(len(items)) != writes || items[len(items)-1].Seq != writes || bad[0].Count != writes {
			t.Fatalf("round %d: %d acknowledged, progress %+v, %d rows, %d items, quarantine %v", round, acked, p, rows, len(items), bad)
		}
		must0(t, l.Close())
	}
}

func child(t *testing.T, dir, what string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "TOCSIN_LAKE_CHILD="+what, "TOCSIN_LAKE_DIR="+dir)
	return cmd
}

// childMain is what this test binary does when a test started it.
func childMain() bool {
	what := os.Getenv("TOCSIN_LAKE_CHILD")
	if what == "" {
		return false
	}
	if err := childRun(what, os.Getenv("TOCSIN_LAKE_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// childRun writes until killed, small and large writes in turn, and prints the
// number of each as soon as it is acknowledged.
func childRun(what, dir string) error {
	ctx := context.Background()
	l, err := Open(ctx, Config{Dir: dir, Threads: 2, MemoryLimit: "1GB"})
	if err != nil || what == "open" {
		return err
	}
	before, err := l.Progress(ctx, "kill")
	if err != nil {
		return err
	}
	p := before["item"]
	for {
		b, err := l.NewBatch("DeviceProcessEvents")
		if err != nil {
			return err
		}
		n := []int{10, 5000, 40000}[p.Records%3]
		for i := range n {
			if err := b.AppendJSON(fmt.Appendf(nil, `{"Timestamp":"2026-03-01T00:00:00Z","DeviceId":"d","ReportId":%d,"FileName":"some-program-%d.exe"}`, i, i)); err != nil {
				return err
			}
		}
		p = Progress{Source: "kill", Item: "item", Records: p.Records + 1, Rows: p.Rows + int64(n)}
		_, err = l.Append(ctx, Write{Batches: []*Batch{b}, Progress: []Progress{p}, Outbox: []OutboxItem{{[]byte("hit")}}, Quarantine: []Quarantined{{Reason: "bad"}}, Once: fmt.Sprint("k", p.Records)})
		if err != nil {
			return err
		}
		fmt.Println(p.Records)
	}
}
