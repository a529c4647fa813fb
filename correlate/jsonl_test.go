package correlate

import (
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

func TestReadBenchmarkErrors(t *testing.T) {
	good := `{"id":"1","time":"2026-01-05T00:00:00Z","title":"A","host":"ws1","process":{"pid":"12","image":"C:\\x\\a.exe"},"ips":["203.0.113.5"]}`
	cases := []struct {
		name, in, want string
		code           tocsin.Code
		n              int
	}{
		{"good, blank line, good", good + "\n\n" + good + "\n", "", "", 2},
		{"not JSON", good + "\nnope", "line 2 is no alert", tocsin.CodeInvalid, 1},
		{"array", `[1]`, "line 1 is no alert", tocsin.CodeInvalid, 0},
		{"no id", `{"title":"A","time":"2026-01-05T00:00:00Z"}`, "needs an id", tocsin.CodeInvalid, 0},
		{"bad time", `{"id":"1","title":"A","time":"yesterday"}`, `"yesterday" is no RFC 3339 time`, tocsin.CodeInvalid, 0},
		{"long line", good + "\n" + `{"id":"` + strings.Repeat("x", MaxRecordBytes) + `"}`, "longer than", tocsin.CodeLimit, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			as, err := ReadBenchmark(strings.NewReader(c.in))
			if len(as) != c.n || tocsin.CodeOf(err) != c.code || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%d alerts, %q %v", len(as), tocsin.CodeOf(err), err)
			}
		})
	}
}

// FuzzReplay: whatever ReadBenchmark takes is valid evidence, and every alert
// is placed, with a reason.
func FuzzReplay(f *testing.F) {
	f.Add(`{"id":"1","time":"2026-01-05T00:00:00Z","title":"A","host":"ws1","user":"CORP\\ann","level":"high","tactics":["lateral-movement","stealth"],"logon_id":"0x12","process":{"guid":"{1}","pid":"12","image":"C:\\x\\a.exe","sha256":"ab"},"parent":{"guid":"{0}","pid":null,"image":"b"},"target":{"user":"x","service":"s"},"file":"C:\\f","registry_key":"HKLM\\x","ips":["::ffff:198.51.100.7"]}` + "\n" +
		`{"id":"2","time":"2026-01-05T00:00:01Z","last":"2025-01-01T00:00:00Z","title":"B","host":"ws1","user":"S-1-5-18","logsource":"windows/c/image_load"}`)
	f.Fuzz(func(t *testing.T, in string) {
		as, err := ReadBenchmark(strings.NewReader(in))
		if err != nil && tocsin.CodeOf(err) == tocsin.CodeInternal {
			t.Fatalf("untyped error %v", err)
		}
		if len(as) > 200 {
			as = as[:200]
		}
		for i := range as {
			for j := range as[i].Evidence {
				if err := as[i].Evidence[j].Validate(); err != nil {
					t.Fatal(err)
				}
			}
		}
		ps := Replay(as, DefaultPolicy())
		if len(ps) != len(as) {
			t.Fatalf("%d placements for %d alerts", len(ps), len(as))
		}
		for _, p := range ps {
			if p.IncidentID <= 0 || p.Why == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}
