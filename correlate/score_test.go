package correlate

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

func TestScoreOf(t *testing.T) {
	for _, tt := range []struct {
		name   string
		truths string // one letter an alert
		placed []int64
		want   Score
	}{
		{"as it should be", "aabb", []int64{1, 1, 2, 2}, Score{2, 2, 1, 1, 1, 1}},
		{"each alone", "aabb", []int64{1, 2, 3, 4}, Score{4, 2, 1, 0, 0, 2. / 3}},
		{"all in one", "aabb", []int64{1, 1, 1, 1}, Score{1, 2, 1. / 3, 1, 0.5, 2. / 3}},
		// Two pairs were put together, one of them rightly; three belong together.
		{"one astray", "aaab", []int64{1, 1, 2, 2}, Score{2, 2, 0.5, 1. / 3, 0.4, 2 * 0.75 * (5./3 + 1) / 4 / (0.75 + (5./3+1)/4)}},
		{"nothing", "", nil, Score{0, 0, 1, 1, 1, 0}},
	} {
		got := ScoreOf(strings.Split(tt.truths, "")[:len(tt.placed)], tt.placed, nil)
		for _, x := range [][2]float64{{got.P, tt.want.P}, {got.R, tt.want.R}, {got.F1, tt.want.F1}, {got.B3, tt.want.B3}} {
			if math.Abs(x[0]-x[1]) > 1e-9 {
				t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
				break
			}
		}
		if got.Incidents != tt.want.Incidents || got.Truths != tt.want.Truths {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestReadLabels(t *testing.T) {
	got, err := ReadLabels(strings.NewReader(`{"id":"1","truth":"a"}` + "\n\n" + `{"id":"2","truth":"benign:b"}`))
	if err != nil || len(got) != 2 || !IsAttack(got[0]) || IsAttack(got[1]) {
		t.Errorf("%q, %v", got, err)
	}
	for name, in := range map[string]string{"no label": `{"id":"1"}`, "no object": `[]`, "cut": `{"id"`} {
		if _, err := ReadLabels(strings.NewReader(in)); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadLabels(strings.NewReader(`{"truth":"` + strings.Repeat("a", MaxRecordBytes) + `"}`)); tocsin.CodeOf(err) != tocsin.CodeLimit {
		t.Errorf("long line: %v", err)
	}
}

// TestScoreAsTheBenchmarkDoes compares our figures with those of the benchmark's
// own program, for a grouping that is neither right nor all wrong.
func TestScoreAsTheBenchmarkDoes(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to run the benchmark's own program with")
	}
	alerts, truths := readBench(t)
	path := filepath.Join(t.TempDir(), "grouping.jsonl")
	placed := Replay(alerts[:400], DefaultPolicy())
	var b strings.Builder
	ids := make([]int64, len(alerts))
	for i := range alerts {
		ids[i] = int64(100_000 + i) // one that is missing counts as alone
		if i < len(placed) {
			ids[i] = placed[i].IncidentID
			fmt.Fprintf(&b, "{\"id\": %q, \"incident\": \"%d\"}\n", alerts[i].ID, ids[i])
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, sharedFile(t, "conformance/correlation/score.py"), sharedFile(t, "conformance/correlation/alerts.jsonl"), path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, keep := range map[string]func(string) bool{"attack ": IsAttack, "all    ": nil} {
		if want := name + " " + ScoreOf(truths, ids, keep).String(); !strings.Contains(string(out), want) {
			t.Errorf("we say\n%s\nit says\n%s", want, out)
		}
	}
}
