package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// testRules are rules of one test company: one over source events, one over
// hunting rows.
const testRules = `title: Whoami
id: 11111111-0000-4000-8000-000000000001
status: test
level: medium
tags: [attack.discovery, attack.t1033]
logsource: {product: windows, category: process_creation}
detection:
  sel: {Image|endswith: '\whoami.exe'}
  condition: sel
---
title: Odd mail
id: 11111111-0000-4000-8000-000000000002
status: test
level: high
tags: [attack.initial-access]
logsource: {product: m365_defender, service: EmailEvents}
detection:
  sel: {Subject|contains: invoice}
  condition: sel
`

func testEngine(t testing.TB) *detect.Engine {
	t.Helper()
	var files []detect.RuleFile
	for i, text := range strings.Split(testRules, "---\n") {
		files = append(files, detect.RuleFile{Path: fmt.Sprintf("rule%d.yml", i), Data: []byte(text)})
	}
	set, rep := detect.LoadFiles(files)
	if rep.Loaded != len(files) {
		t.Fatal(rep.String())
	}
	return detect.NewEngine(set)
}

// alertLog stands for the cases: it keeps what was delivered, once each.
type alertLog struct {
	mu     sync.Mutex
	alerts map[string]tocsin.Alert // by delivery
	ids    map[string]int          // by external id: occurrences
	calls  []string                // deliveries that came together, calls that repeat the one before left out
	fail   error
}

func newAlertLog() *alertLog {
	return &alertLog{alerts: map[string]tocsin.Alert{}, ids: map[string]int{}}
}

func (a *alertLog) accept(_ context.Context, alerts []tocsin.Alert) ([]cases.Accepted, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail != nil {
		return nil, a.fail
	}
	call := ""
	for _, al := range alerts {
		call += al.ExternalID + "/" + al.DeliveryID + " "
	}
	if len(a.calls) == 0 || a.calls[len(a.calls)-1] != call {
		a.calls = append(a.calls, call)
	}
	out := make([]cases.Accepted, len(alerts))
	for i, al := range alerts {
		key := al.DeliveryID
		if key == "" {
			key = al.ExternalID
		}
		_, known := a.alerts[key]
		switch {
		case known:
			out[i].Duplicate = true
		case a.ids[al.ExternalID] > 0:
			out[i].Repeat = true
		default:
			out[i].New = true
		}
		if !known {
			a.alerts[key] = al
			a.ids[al.ExternalID] += int(al.Count)
		}
		out[i].IncidentID = 1
	}
	return out, nil
}

// world is an intake over a real lake.
type world struct {
	*Intake
	lake *lake.Lake
	log  *alertLog
}

func newWorld(t testing.TB, dir string, cfg Config) *world {
	t.Helper()
	l, err := lake.Open(context.Background(), lake.Config{Dir: dir, MemoryLimit: "1GB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close lake: %v", err)
		}
	})
	eng := testEngine(t)
	log := newAlertLog()
	cfg.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	return &world{Intake: New(l, func() *detect.Engine { return eng }, log.accept, cfg), lake: l, log: log}
}

// totals is what an import leaves behind, for comparison.
type totals struct {
	Rows       map[string]int64
	Quarantine map[string]int64
	Alerts     map[string]int
}

func (w *world) totals(t testing.TB) totals {
	t.Helper()
	ctx := context.Background()
	rows, err := w.lake.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := w.lake.QuarantineSummary(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out := totals{Rows: rows, Quarantine: map[string]int64{}, Alerts: w.log.ids}
	for _, r := range reasons {
		out.Quarantine[r.Reason] = r.Count
	}
	left, err := w.lake.Outbox(ctx, 0, 10)
	if err != nil || len(left) > 0 {
		t.Errorf("outbox: %d items left, %v", len(left), err)
	}
	return out
}

// beat is a process creation as Winlogbeat 7 ships it.
func beat(host string, n int, image string) string {
	at := time.Date(2025, 5, 1, 10, 0, n%3600, 0, time.UTC)
	rec := map[string]any{
		"@timestamp": at.Format("2006-01-02T15:04:05.000Z"),
		"winlog": map[string]any{
			"channel": "Microsoft-Windows-Sysmon/Operational", "provider_name": "Microsoft-Windows-Sysmon",
			"event_id": 1, "computer_name": host, "record_id": n,
			"event_data": map[string]any{
				"UtcTime": at.Format("2006-01-02 15:04:05.000"), "ProcessGuid": fmt.Sprintf("{00000000-0000-0000-0000-%012d}", n),
				"ProcessId": fmt.Sprint(1000 + n), "Image": image, "CommandLine": image + " /all", "User": `CORP\ann`,
				"ParentImage": `C:\Windows\explorer.exe`, "ParentProcessId": "77", "Hashes": "MD5=00000000000000000000000000000000",
			},
		},
	}
	b, _ := json.Marshal(rec)
	return string(b)
}

func beats(host string, n int) string {
	var b strings.Builder
	for i := range n {
		image := `C:\Windows\System32\notepad.exe`
		if i%50 == 7 {
			image = `C:\Windows\System32\whoami.exe`
		}
		b.WriteString(beat(host, i, image) + "\n")
	}
	return b.String()
}

func mailRow(n int, subject string) string {
	return fmt.Sprintf(`{"Timestamp":"2025-05-01T11:%02d:%02dZ","NetworkMessageId":"00000000-0000-0000-0000-%012d","Subject":%q,"RecipientEmailAddress":"ann@corp.example"}`,
		n/60%60, n%60, n, subject)
}

func write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// hostileLimits let a bomb of a few MiB be one.
var hostileLimits = Limits{RatioFrom: 8 << 20, Ratio: 500}

// hostileFolder holds good telemetry beside every bad input there is a name
// for. It returns how many process creations are good.
func hostileFolder(t testing.TB, dir string) int {
	log := newEVTX()
	for range 3 {
		log.event("t", log.dataElements("V"), str("x"))
	}
	cut := evtxFile(log.finish(), log.finish())
	cut = cut[:len(cut)-evtxChunkSize+evtxChunkHeader+40] // inside the second chunk's first record
	good := beats("WS1.corp.example", 120)
	lines := strings.SplitAfter(good, "\n")
	bad := lines[0] +
		`{"winlog": {"event_id": NaN}}` + "\n" +
		strings.Replace(lines[1], "notepad.exe", `\ud800.exe`, 1) +
		strings.Replace(lines[2], "notepad.exe", strings.Repeat("A", 10<<20), 1) +
		`{"winlog": {` + "\n" +
		"no json at all\n" +
		lines[3]
	var mails strings.Builder
	for i := range 30 {
		mails.WriteString(mailRow(i, "invoice "+fmt.Sprint(i%2)) + "\n")
	}
	write(t, dir, "beats.json", []byte(good))
	write(t, dir, "sub/mixed.json.gz", gzipOf(t, []byte(bad)))
	write(t, dir, "sub/array.json", []byte("["+strings.Join(lines[10:20], ",")[:0]+strings.ReplaceAll(strings.TrimSpace(strings.Join(lines[10:20], "")), "\n", ",")+"]"))
	write(t, dir, "EmailEvents-2025.ndjson", []byte(mails.String()+`{"Timestamp":"never"}`+"\n"))
	write(t, dir, "rows.json", []byte(`{"$table":"EmailEvents","Timestamp":"2025-05-01T12:00:00Z","Subject":"hello"}`+"\n"))
	write(t, dir, "cut.evtx", cut)
	write(t, dir, "slip.zip", zipOf(t, member{name: "../../evil.json", body: beat("H", 1, "x")}, member{name: "fine.json", body: beat("WS2", 1, "x")}))
	write(t, dir, "bomb.gz", gzipOf(t, bytes.Repeat([]byte(" "), 9<<20)))
	write(t, dir, "notes.md", []byte("# notes"))
	write(t, dir, "trunc.tar.gz", gzipOf(t, tarOf(t, member{name: "a.json", body: beats("WS3", 40)}))[:900])
	return 120
}

func TestImportHostile(t *testing.T) {
	dir := t.TempDir()
	hostileFolder(t, dir)
	w := newWorld(t, t.TempDir(), Config{Commit: 50, Limits: hostileLimits})
	sum, err := w.Import(context.Background(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.MarshalIndent(sum, "", " ")
	t.Logf("%s", b)
	for _, want := range []struct{ path, reason string }{
		{"bomb.gz", "unpacks to more than 500 times its size"},
		{"slip.zip", "the member's name leads out of the archive"},
		{"cut.evtx", "file ends inside the chunk"},
		{"trunc.tar.gz", "unexpected EOF"},
	} {
		found := false
		for _, e := range sum.Errors {
			found = found || filepath.Base(e.Path) == want.path && strings.Contains(e.Reason, want.reason)
		}
		if !found {
			t.Errorf("no error for %s that says %q", want.path, want.reason)
		}
	}
	got := w.totals(t)
	if got.Rows["EmailEvents"] != 31 {
		t.Errorf("mail rows: %d", got.Rows["EmailEvents"])
	}
	// 120, of the mixed file 2, 10 in the array, 1 in the zip; the cut archive
	// gives what stands before the cut.
	if n := got.Rows["DeviceProcessEvents"]; n < 133 || n >= 133+40 {
		t.Errorf("process rows: %d", n)
	}
	total := int64(0)
	for _, n := range sum.Quarantined {
		total += n
	}
	if diff := cmp.Diff(sum.Quarantined, got.Quarantine); diff != "" {
		t.Errorf("quarantine, summary against lake:\n%s", diff)
	}
	if diff := cmp.Diff(sum.Rows, got.Rows); diff != "" {
		t.Errorf("rows, summary against lake:\n%s", diff)
	}
	if sum.NewAlerts == 0 || sum.NewAlerts != len(got.Alerts) {
		t.Errorf("%d new alerts, %d kept", sum.NewAlerts, len(got.Alerts))
	}
	if sum.Skipped["Markdown"] != 1 {
		t.Errorf("skipped: %v", sum.Skipped)
	}

	again, err := w.Import(context.Background(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Rows) != 0 || again.NewAlerts != 0 || again.Repeated != 0 || len(again.Quarantined) != 0 {
		t.Errorf("second import added: %+v", again)
	}
	if diff := cmp.Diff(got, w.totals(t)); diff != "" {
		t.Errorf("after the second import:\n%s", diff)
	}
}

// The size of a commit and a failure in the middle must not show in the result.
func TestImportResumes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.json", []byte(beats("WS1", 300)))
	write(t, dir, "b.json.gz", gzipOf(t, []byte(beats("WS2", 3000))))
	write(t, dir, "EmailEvents.json", []byte(strings.Repeat(mailRow(1, "invoice")+"\n", 5)))
	whole := newWorld(t, t.TempDir(), Config{})
	if _, err := whole.Import(context.Background(), []string{dir}, nil); err != nil {
		t.Fatal(err)
	}
	want := whole.totals(t)
	if want.Rows["DeviceProcessEvents"] != 3300 || len(want.Alerts) == 0 {
		t.Fatalf("undisturbed: %+v", want)
	}

	w := newWorld(t, t.TempDir(), Config{Commit: 400})
	broken := errors.New("the cases are away")
	for i := range 4 {
		ctx, cancel := context.WithCancel(context.Background())
		commits := 0
		_, err := w.Import(ctx, []string{dir}, func(Progress) {
			if commits++; commits == 1 {
				if i%2 == 0 {
					cancel()
				} else {
					w.log.mu.Lock()
					w.log.fail = broken
					w.log.mu.Unlock()
				}
			}
		})
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, broken) {
			t.Fatal(err)
		}
		w.log.fail = nil
	}
	sum, err := w.Import(context.Background(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, w.totals(t)); diff != "" {
		t.Errorf("disturbed against undisturbed:\n%s", diff)
	}
	t.Logf("last run: %d records, %d already", sum.Records, sum.Already)
}

// Correlation looks at what comes together. So an import that was stopped and
// goes on must hand over the same alerts in the same calls, in the same order.
func TestImportCutsAlike(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.json", []byte(beats("WS1", 700)))
	write(t, dir, "b.json.gz", gzipOf(t, []byte(beats("WS2", 5000))))
	write(t, dir, "c.json", []byte(beats("WS3", 900)))
	cfg := Config{Commit: 300}
	whole := newWorld(t, t.TempDir(), cfg)
	if _, err := whole.Import(context.Background(), []string{dir}, nil); err != nil {
		t.Fatal(err)
	}
	if len(whole.log.calls) < 5 {
		t.Fatalf("only %d calls: the test sees nothing", len(whole.log.calls))
	}
	w := newWorld(t, t.TempDir(), cfg)
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancel(context.Background())
		commits := 0
		_, err := w.Import(ctx, []string{dir}, func(Progress) {
			if commits++; commits == stop%3+1 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := w.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(whole.log.calls, w.log.calls); diff != "" {
		t.Errorf("undisturbed against stopped again and again:\n%s", diff)
	}
}
