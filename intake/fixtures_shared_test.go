package intake

import (
	"bufio"
	"bytes"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/detect"
)

// eventsOf reads a file of any format as an import does, up to the events.
func eventsOf(t testing.TB, name string, content []byte) (events []tocsin.Event) {
	t.Helper()
	s, err := sniff(bufio.NewReader(bytes.NewReader(content)), name, 2<<20)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	leaf := &importLeaf{path: name, item: name, format: s.format, ids: newRowIDs("", name)}
	d := newLeafDecoder(leaf)
	n := int64(0)
	put := func(raw []byte, rec *rawRecord) {
		if err := d.decode(n, raw, rec); err != nil {
			t.Errorf("%s: record %d: %v", name, n, err)
		}
		n++
	}
	switch s.format {
	case formatNone:
		t.Fatalf("%s: %s", name, s.why)
	case formatEVTX:
		err = ReadEVTX(bytes.NewReader(content), int64(len(content)), func(r EVTXRecord) error {
			put(nil, &rawRecord{evtx: &r})
			return nil
		}, func(d EVTXDamage) { t.Errorf("%s: %v", name, d) })
	default:
		for {
			var raw []byte
			if raw, err = s.framer.next(); err != nil {
				break
			}
			put(raw, &rawRecord{})
		}
		if err == io.EOF {
			err = nil
		}
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	d.flush()
	return d.events
}

// publicRules loads the shared rule set.
func publicRules(t testing.TB) *detect.Engine {
	t.Helper()
	var files []detect.RuleFile
	for name, f := range openZip(t, sharedData(t, "sigma-rules.zip")) {
		if strings.HasSuffix(name, ".yml") {
			files = append(files, detect.RuleFile{Path: name, Data: readMember(t, f)})
		}
	}
	slices.SortFunc(files, func(a, b detect.RuleFile) int { return strings.Compare(a.Path, b.Path) })
	set, rep := detect.LoadFiles(files)
	t.Logf("%s", strings.SplitN(rep.String(), "\n", 2)[0])
	return detect.NewEngine(set)
}

var ruleID = regexp.MustCompile(`(?m)^rule_metadata:\s*\n\s*- id: (\S+)`)

// Each public fixture must fire the rule that it is a fixture of, from the event
// log file and from the JSON of the same events, and the two must be the same
// events with the same rows.
func TestPublicFixtures(t *testing.T) {
	z := openZip(t, sharedData(t, "sigma-regression_data.zip"))
	eng := publicRules(t)
	scratch := detect.NewScratch()
	fixtures := 0
	for name, f := range z {
		if path.Base(name) != "info.yml" {
			continue
		}
		m := ruleID.FindSubmatch(readMember(t, f))
		if m == nil {
			t.Errorf("%s names no rule", name)
			continue
		}
		id := string(m[1])
		base := path.Dir(name) + "/" + id
		if z[base+".evtx"] == nil { // a line of a network device: no Windows event
			continue
		}
		fixtures++
		var readings [2][]tocsin.Event
		for i, ext := range []string{".evtx", ".json"} {
			readings[i] = eventsOf(t, base+ext, readMember(t, z[base+ext]))
			fired := false
			for j := range readings[i] {
				for _, r := range eng.MatchEvent(&readings[i][j], scratch) {
					fired = fired || r.ID == id
				}
			}
			if !fired {
				t.Errorf("%s%s: %d events do not fire their rule", base, ext, len(readings[i]))
			}
		}
		if strings.Contains(base, "/proc_creation_win_susp_right_to_left_override/") {
			continue // its JSON was edited by hand, see TestEVTXAgreesWithJSON
		}
		if diff := cmp.Diff(comparable(readings[1]), comparable(readings[0])); diff != "" {
			t.Errorf("%s (-json +evtx):\n%s", base, diff)
		}
	}
	t.Logf("%d fixtures, two readings each", fixtures)
	if fixtures != 202 {
		t.Errorf("%d fixtures, want 202", fixtures)
	}
}

// sameJSON evens out, inside a column that holds JSON, what sameValue does for a
// single value, and leaves out identifiers of zeros only: the mapping knows
// those for "none" by their braces, which one of the readings lacks.
func sameJSON(s string) string {
	if !strings.HasPrefix(s, `{"`) {
		return s
	}
	s = noGUID.ReplaceAllString(s, "")
	return strings.ReplaceAll(endBlanks.ReplaceAllString(s, `"$1`), ",}", "}")
}

var (
	noGUID    = regexp.MustCompile(`"\w+":"0{8}(-0{4}){3}-0{12}",?`)
	endBlanks = regexp.MustCompile(`(?: |\\[rnt])+"([,}])`)
)

// comparable puts events into a form in which both readings are equal: fields
// as a bag, values as in sameValue, and without the row ids, which come from
// the file.
func comparable(events []tocsin.Event) (out []tocsin.Event) {
	for _, ev := range events {
		ev.Time = ev.Time.Truncate(time.Microsecond)
		fields := slices.Clone(ev.Fields)
		for i := range fields {
			fields[i].Value = sameValue(fields[i].Value)
		}
		slices.SortFunc(fields, func(a, b tocsin.Field) int {
			return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value)
		})
		ev.Fields = fields
		rows := slices.Clone(ev.Rows)
		for i := range rows {
			values := map[string]any{}
			for k, v := range rows[i].Values {
				switch x := v.(type) {
				case string:
					v = sameJSON(sameValue(x))
				case time.Time:
					v = x.Truncate(time.Microsecond)
				}
				if k != "ReportId" {
					values[k] = v
				}
			}
			rows[i].Values = values
		}
		ev.Rows = rows
		out = append(out, ev)
	}
	return out
}
