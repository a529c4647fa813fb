package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// processRows is NDJSON of process creations, about as wide as real ones.
func processRows(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"Timestamp":"2025-05-01T%02d:%02d:%02d.%06dZ","DeviceId":"%040x","DeviceName":"ws%d.corp.example","ActionType":"ProcessCreated",`+
			`"FileName":"tool%d.exe","FolderPath":"C:\\Program Files\\Tool %d\\tool%d.exe","SHA1":"%040x","SHA256":"%064x","MD5":"%032x","FileSize":%d,`+
			`"ProcessVersionInfoCompanyName":"Example Company %d","ProcessVersionInfoProductName":"Example Product","ProcessVersionInfoOriginalFileName":"tool.exe",`+
			`"ProcessId":%d,"ProcessCommandLine":"\"C:\\Program Files\\Tool %d\\tool%d.exe\" --config C:\\ProgramData\\tool\\%d.json --verbose --job %d --note \"%s\"",`+
			`"ProcessIntegrityLevel":"Medium","ProcessTokenElevation":"TokenElevationTypeLimited","ProcessCreationTime":"2025-05-01T10:00:00.0000000Z",`+
			`"AccountDomain":"corp","AccountName":"user%d","AccountSid":"S-1-5-21-1-2-3-%d","AccountUpn":"user%d@corp.example","LogonId":%d,`+
			`"InitiatingProcessAccountDomain":"corp","InitiatingProcessAccountName":"user%d","InitiatingProcessSHA1":"%040x","InitiatingProcessFileName":"explorer.exe",`+
			`"InitiatingProcessFolderPath":"c:\\windows\\explorer.exe","InitiatingProcessId":%d,"InitiatingProcessCommandLine":"C:\\Windows\\Explorer.EXE","ReportId":%d}`+"\n",
			i/3600%24, i/60%60, i%60, i%1000000, i%500, i%500, i%97, i%97, i%97, i%97, i%97, i%97, 1000+i%97, i%13, i%60000, i%97, i%97, i, i,
			strings.Repeat("lorem ipsum ", 12), i%300, i%300, i%300, 100000+i%1000, i%300, 7, 4000+i%100, i+1)
	}
	return b.Bytes()
}

func TestEvents(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{Limits: Limits{Record: 1 << 20}})
	ctx := context.Background()
	rows := processRows(12000) // several blocks
	lines := bytes.SplitAfter(rows, []byte("\n"))
	var body bytes.Buffer
	body.Write(lines[0])
	body.WriteString("\r\n   \n")
	body.WriteString("{\"Timestamp\":\"never\"}\n")
	body.WriteString("{\"Timestamp\":\"2025-05-01T10:00:00Z\",\"FileSize\":NaN}\n")
	body.Write(bytes.Join(lines[1:6000], nil))
	body.WriteString(`{"Timestamp":"2025-05-01T10:00:00Z","FileName":"` + strings.Repeat("A", 10<<20) + "\"}\n")
	body.WriteString("{\"Timestamp\":\"2025-05-01T10:00:00Z\",\"FileName\":\"\\ud800\"}\n")
	body.Write(bytes.Join(lines[6000:], nil))
	body.WriteString("{\"Timestamp\":\"2025-05-01T10:00:00Z\",\"FileName\":\"last, without a line feed\"}")
	for _, zipped := range []bool{false, true} {
		b := body.Bytes()
		if zipped {
			b = gzipOf(t, b)
		}
		res, err := w.Events(ctx, "DeviceProcessEvents", bytes.NewReader(b), EventsOptions{Gzip: zipped, Source: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if res.Accepted != 12001 || res.Rejected != 4 || len(res.Errors) != 4 {
			t.Errorf("gzip %v: %+v", zipped, res)
		}
		var at []int64
		for _, e := range res.Errors {
			at = append(at, e.Line)
		}
		if fmt.Sprint(at) != "[4 5 6005 6006]" {
			t.Errorf("faults at %v: %v", at, res.Errors)
		}
	}
	if n := w.totals(t).Rows["DeviceProcessEvents"]; n != 24002 {
		t.Errorf("%d rows", n)
	}
}

func TestEventsOnce(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	ctx := context.Background()
	rows := processRows(100000) // more than one transaction
	// The client goes away in the middle, then sends all of it again.
	cut := io.MultiReader(bytes.NewReader(rows[:len(rows)*9/10]), failing{})
	res, err := w.Events(ctx, "DeviceProcessEvents", cut, EventsOptions{Once: "k1"})
	if err == nil || res.Accepted == 0 || res.Accepted >= 100000 {
		t.Fatalf("%+v, %v", res, err)
	}
	res, err = w.Events(ctx, "DeviceProcessEvents", bytes.NewReader(rows), EventsOptions{Once: "k1"})
	if err != nil || res.Duplicates == 0 || res.Accepted+res.Duplicates != 100000 {
		t.Fatalf("%+v, %v", res, err)
	}
	if n := w.totals(t).Rows["DeviceProcessEvents"]; n != 100000 {
		t.Errorf("%d rows", n)
	}
}

// A sender that pauses need not end its body for its rows to be there.
func TestEventsSlowSender(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	ctx := context.Background()
	r, send := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := w.Events(ctx, "DeviceProcessEvents", r, EventsOptions{})
		done <- err
	}()
	// More than a block, so that whole lines leave the reader.
	if _, err := send.Write(processRows(8000)); err != nil {
		t.Fatal(err)
	}
	for w.totals(t).Rows["DeviceProcessEvents"] == 0 {
		select {
		case err := <-done:
			t.Fatalf("ended before the body did: %v", err)
		default:
		}
	}
	send.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := w.totals(t).Rows["DeviceProcessEvents"]; n != 8000 {
		t.Errorf("%d rows", n)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestEventsRefused(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{Limits: Limits{RatioFrom: 1 << 20, Ratio: 100}})
	ctx := context.Background()
	cases := []struct {
		name  string
		table string
		body  []byte
		opts  EventsOptions
		code  tocsin.Code
	}{
		{"unknown table", "NoSuchTable", nil, EventsOptions{}, tocsin.CodeNotFound},
		{"no gzip", "DeviceEvents", []byte("{}"), EventsOptions{Gzip: true}, tocsin.CodeInvalid},
		{"cut gzip", "DeviceEvents", gzipOf(t, processRows(10))[:200], EventsOptions{Gzip: true}, tocsin.CodeInvalid},
		{"gzip bomb", "DeviceEvents", gzipOf(t, bytes.Repeat([]byte(" "), 8<<20)), EventsOptions{Gzip: true}, tocsin.CodeLimit},
		{"too large", "DeviceEvents", processRows(1000), EventsOptions{MaxBytes: 1000}, tocsin.CodeLimit},
	}
	for _, c := range cases {
		_, err := w.Events(ctx, c.table, bytes.NewReader(c.body), c.opts)
		if tocsin.CodeOf(err) != c.code {
			t.Errorf("%s: %v (%s)", c.name, err, tocsin.CodeOf(err))
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := w.Events(gone, "DeviceEvents", bytes.NewReader(processRows(10)), EventsOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRowsWithoutIDGetOne(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	ctx := context.Background()
	body := mailRow(1, "a") + "\n" + mailRow(2, "b") + "\n" + `{"Timestamp":"2025-05-01T10:00:00Z","ReportId":"mine"}` + "\n"
	if _, err := w.Events(ctx, "EmailEvents", strings.NewReader(body), EventsOptions{}); err != nil {
		t.Fatal(err)
	}
	rows, err := w.lake.Sample(ctx, "EmailEvents", 10)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[any]bool{}
	for _, r := range rows {
		ids[r["ReportId"]] = true
	}
	if len(ids) != 3 || !ids["mine"] || ids[nil] {
		t.Errorf("ids: %v", ids)
	}
}

func FuzzReadBlocks(f *testing.F) {
	f.Add([]byte("a\nb\n\nc"), uint8(3))
	f.Fuzz(func(t *testing.T, body []byte, step uint8) {
		var got []byte
		err := readBlocks(&slowReader{body, int(step) + 1}, 1<<10, func(b *block) error {
			got = append(got, b.data...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(body) < blockBytes && !bytes.Equal(got, body) {
			t.Fatalf("%q became %q", body, got)
		}
	})
}

// slowReader gives a few bytes at a time.
type slowReader struct {
	b    []byte
	step int
}

func (s *slowReader) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(len(s.b), s.step)])
	s.b = s.b[n:]
	return n, nil
}

func BenchmarkEvents(b *testing.B) {
	rows := processRows(100_000)
	w := newWorld(b, b.TempDir(), Config{})
	b.SetBytes(int64(len(rows)))
	b.ResetTimer()
	n := int64(0)
	for b.Loop() {
		res, err := w.Events(context.Background(), "DeviceProcessEvents", bytes.NewReader(rows), EventsOptions{})
		if err != nil {
			b.Fatal(err)
		}
		n += res.Accepted
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
