package intake

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// All telemetry that is shared here goes in, and a second time nothing does.
func TestImportSharedData(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("reads 800 MB; the smaller import tests run under the race detector")
	}
	data := sharedData(t)
	w := newWorld(t, t.TempDir(), Config{})
	sum, err := w.Import(context.Background(), []string{data}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.MarshalIndent(sum, "", " ")
	t.Logf("%s", b)
	for _, e := range sum.Errors {
		t.Errorf("%+v", e)
	}
	before := w.totals(t)
	again, err := w.Import(context.Background(), []string{data}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Records != 0 || len(again.Rows) != 0 || again.NewAlerts != 0 || again.Repeated != 0 {
		t.Errorf("second import: %+v", again)
	}
	if diff := cmp.Diff(before, w.totals(t)); diff != "" {
		t.Errorf("after the second import:\n%s", diff)
	}
}
