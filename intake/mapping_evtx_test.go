package intake

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
)

// One event read from its log and from a JSON rendering of it must give the
// same rows and the same fields for rules.
func TestMappingEVTXAgreesWithJSON(t *testing.T) {
	z := openZip(t, sharedData(t, "sigma-regression_data.zip"))
	pairs, rows := 0, 0
	for name, f := range z {
		twin := z[strings.TrimSuffix(name, ".evtx")+".json"]
		if !strings.HasSuffix(name, ".evtx") || twin == nil {
			continue
		}
		pairs++
		var fromJSON, fromLog []tocsin.Event
		if err := decodeLeaf(name, readMember(t, twin), func(_ string, evs []tocsin.Event, err error) {
			if err != nil {
				t.Errorf("%s: JSON: %v", name, err)
			}
			fromJSON = append(fromJSON, evs...)
		}); err != nil {
			t.Errorf("%s: JSON: %v", name, err)
		}
		d := NewDecoder(name)
		d.SetIdentity([8]byte{1, 2, 3})
		b := readMember(t, f)
		err := ReadEVTX(bytes.NewReader(b), int64(len(b)), func(r EVTXRecord) (err error) {
			fromLog, err = d.DecodeWindows(windowsEvent(&r), int64(len(fromLog)), fromLog)
			return err
		}, func(d EVTXDamage) { t.Errorf("%s: %v", name, d) })
		if err != nil {
			t.Errorf("%s: log: %v", name, err)
		}
		want, got := agreed(fromJSON), agreed(fromLog)
		if strings.Contains(name, "/proc_creation_win_susp_right_to_left_override/") {
			// Somebody edited this file's JSON; see TestEVTXAgreesWithJSON.
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-json +evtx):\n%s", name, diff)
		}
		rows += len(got)
	}
	t.Logf("%d pairs, %d lines of fields and rows", pairs, rows)
	if pairs != 202 {
		t.Errorf("%d pairs, want 202", pairs)
	}
}

// TestMappingEVTXSamples maps the public sample logs, which come from many
// versions of Windows.
func TestMappingEVTXSamples(t *testing.T) {
	c := corpus{schema: declared(t), formats: map[string]int{}, tables: map[string]int{}, unmapped: map[string]int{},
		faults: map[string]int{}, bad: map[string]int{}, ids: make(map[string]struct{})}
	for name, f := range openZip(t, sharedData(t, "EVTX-ATTACK-SAMPLES-dev.zip")) {
		if !strings.HasSuffix(name, ".evtx") {
			continue
		}
		clear(c.ids)
		d := NewDecoder(name)
		b := readMember(t, f)
		ordinal := int64(0)
		if err := ReadEVTX(bytes.NewReader(b), int64(len(b)), func(r EVTXRecord) error {
			evs, err := d.DecodeWindows(windowsEvent(&r), ordinal, nil)
			if err != nil {
				c.faults[name+": "+err.Error()]++
			}
			for i := range evs {
				c.event("evtx", &evs[i])
			}
			ordinal++
			return nil
		}, func(EVTXDamage) {}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d events, rows by table:%s", c.events, count(c.tables))
	t.Logf("%d events without rows, by reason:%s", c.without, count(c.unmapped))
	if len(c.bad) > 0 || len(c.faults) > 0 {
		t.Errorf("what does not fit:%s%s", count(c.bad), count(c.faults))
	}
	if c.events < 5822 || c.without > 1915 {
		t.Errorf("%d events (want 5822), %d without rows (want at most 1915)", c.events, c.without)
	}
}

// agreed is what of events two readings must agree in. They differ in writing
// only: see sameValue. The order of an event's fields is no difference either,
// since its rendering puts the level elsewhere.
func agreed(evs []tocsin.Event) []string {
	var out []string
	for i := range evs {
		ev := &evs[i]
		fields := make(map[string]string)
		for _, f := range ev.Fields {
			fields[f.Name] += sameValue(f.Value) + "|"
		}
		out = append(out, fmt.Sprintf("%s/%s %s %s %d %s %v", ev.Product, ev.Service, ev.Channel, ev.Provider, ev.EventID, ev.Host, ev.Unmapped), fmt.Sprint(fields))
		for _, r := range ev.Rows {
			for name, v := range r.Values {
				switch name {
				case "Timestamp", "TimeGenerated", "ProcessCreationTime", "InitiatingProcessCreationTime":
					delete(r.Values, name) // cut to the microsecond in the JSON
				default:
					if s, ok := v.(string); ok {
						r.Values[name] = strings.NewReplacer("{", "", "}", "", " \"", "\"", "\\n\"", "\"").Replace(sameValue(s))
					}
				}
			}
			out = append(out, r.Table+" "+fmt.Sprint(r.Values))
		}
	}
	return out
}
