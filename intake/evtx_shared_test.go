package intake

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tocsinhq/tocsin"
)

// The public regression fixtures hold each event twice: in an event log file
// and as JSON that another reader made of it. Both must say the same.
func TestEVTXAgreesWithJSON(t *testing.T) {
	z := openZip(t, sharedData(t, "sigma-regression_data.zip"))
	files, events := 0, 0
	for name, f := range z {
		if !strings.HasSuffix(name, ".evtx") {
			continue
		}
		twin := z[strings.TrimSuffix(name, ".evtx")+".json"]
		if twin == nil {
			t.Errorf("%s: no JSON beside it", name)
			continue
		}
		want := readTwin(t, readMember(t, twin))
		var got []map[string][]string
		b := readMember(t, f)
		err := ReadEVTX(bytes.NewReader(b), int64(len(b)), func(r EVTXRecord) error {
			got = append(got, flatRecord(r))
			return nil
		}, func(d EVTXDamage) { t.Errorf("%s: %v", name, d) })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(name, "/proc_creation_win_susp_right_to_left_override/") {
			// The bytes of the log say Explorer.EXE; somebody edited the JSON.
			want[0]["ParentCommandLine"][0] = strings.Replace(want[0]["ParentCommandLine"][0], "Explorer.exe", "Explorer.EXE", 1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-json +evtx):\n%s", name, diff)
		}
		files++
		events += len(got)
	}
	t.Logf("%d files, %d events", files, events)
	if files != 202 {
		t.Errorf("%d files, want 202", files)
	}
}

func TestEVTXSamplesRead(t *testing.T) {
	records, damaged := 0, 0
	for name, f := range openZip(t, sharedData(t, "EVTX-ATTACK-SAMPLES-dev.zip")) {
		if !strings.HasSuffix(name, ".evtx") {
			continue
		}
		b := readMember(t, f)
		n := 0
		err := ReadEVTX(bytes.NewReader(b), int64(len(b)), func(r EVTXRecord) error {
			n++
			if r.Provider == "" || r.Channel == "" || r.Computer == "" || r.Time.IsZero() {
				t.Errorf("%s: record %d lacks its System part: %+v", name, r.RecordID, r)
			}
			return nil
		}, func(d EVTXDamage) {
			damaged++
			t.Logf("%s: %v", name, d)
		})
		if err != nil || n == 0 {
			t.Errorf("%s: %d records, %v", name, n, err)
		}
		records += n
	}
	t.Logf("%d records, %d damaged", records, damaged)
}

func openZip(t testing.TB, path string) map[string]*zip.File {
	t.Helper()
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	m := make(map[string]*zip.File)
	for _, f := range r.File {
		m[f.Name] = f
	}
	return m
}

func readMember(t testing.TB, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameValue is the one list of differences between the two readings that are a
// matter of writing only:
//   - identifiers in braces or not;
//   - times to the microsecond there, to 100 ns here;
//   - blanks at the end, which the other reader strips and we keep as evidence.
func sameValue(s string) string {
	s = strings.TrimRight(s, " \t\r\n")
	s = bracedGUID.ReplaceAllString(s, "$1")
	return isoTime.ReplaceAllStringFunc(s, func(s string) string {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.Truncate(time.Microsecond).Format(time.RFC3339Nano)
		}
		return s
	})
}

var isoTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`)

var bracedGUID = regexp.MustCompile(`\{([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}`)

func flatRecord(r EVTXRecord) map[string][]string {
	m := make(map[string][]string)
	add := func(prefix string, fields []tocsin.Field) {
		for _, f := range fields {
			m[prefix+f.Name] = append(m[prefix+f.Name], sameValue(f.Value))
		}
	}
	add("System.", r.System)
	add("", r.Fields)
	return m
}

// readTwin reads concatenated JSON events. It leaves out the xmlns attributes
// and the Name attribute of EventData itself, which say nothing about the event.
func readTwin(t *testing.T, b []byte) (events []map[string][]string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for {
		var doc struct{ Event map[string]any }
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return events
		} else if err != nil {
			t.Fatal(err)
		}
		m := make(map[string][]string)
		var walk func(path []string, v any)
		walk = func(path []string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for k, c := range v {
					if k == "#attributes" && path[0] != "System" {
						continue
					}
					if k == "#text" || k == "#attributes" {
						walk(path, c)
					} else {
						walk(append(slices.Clone(path), k), c)
					}
				}
			case []any:
				for _, c := range v {
					walk(path, c)
				}
			case nil:
			default:
				switch path[0] {
				case "EventData":
					path = path[1:]
				case "UserData":
					path = path[2:]
				case "#attributes":
					return
				}
				name := strings.Join(path, ".")
				m[name] = append(m[name], sameValue(fmt.Sprint(v)))
			}
		}
		for k, v := range doc.Event {
			walk([]string{k}, v)
		}
		events = append(events, m)
	}
}
