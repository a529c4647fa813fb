package correlate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// shared finds the benchmark, which the project does not carry.
func sharedFile(t testing.TB, name string) string {
	dir := os.Getenv("TOCSIN_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	p := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(p); err != nil {
		t.Skipf("the shared reference data is not here (%s); set TOCSIN_SHARED to its folder", name)
	}
	return p
}

type truth struct {
	ID    string `json:"id"`
	Truth string `json:"truth"`
}

func readBench(t testing.TB) ([]tocsin.Alert, []string) {
	p := sharedFile(t, "conformance/correlation/alerts.jsonl")
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	alerts, err := ReadBenchmark(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Seek(0, 0)
	var labels []string
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var tr truth
		if err := json.Unmarshal(sc.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		labels = append(labels, tr.Truth)
	}
	if len(labels) != len(alerts) {
		t.Fatalf("%d labels for %d alerts", len(labels), len(alerts))
	}
	return alerts, labels
}

// score is what the benchmark's score.py prints.
type score struct{ P, R, F1, B3 float64 }

func (s score) String() string {
	return fmt.Sprintf("P %.3f  R %.3f  F1 %.3f  B3 %.3f", s.P, s.R, s.F1, s.B3)
}

func scoreOf(truths []string, pred []int64, keep func(string) bool) score {
	type both struct {
		t string
		p int64
	}
	tc, pc, bc, n := map[string]float64{}, map[int64]float64{}, map[both]float64{}, 0.0
	for i, t := range truths {
		if keep(t) {
			tc[t]++
			pc[pred[i]]++
			bc[both{t, pred[i]}]++
			n++
		}
	}
	two := func(x float64) float64 { return x * (x - 1) / 2 }
	var tp, tt, pp, bp, br float64
	for _, x := range tc {
		tt += two(x)
	}
	for _, x := range pc {
		pp += two(x)
	}
	for k, x := range bc {
		tp += two(x)
		bp += x * x / pc[k.p] / n
		br += x * x / tc[k.t] / n
	}
	s := score{P: 1, R: 1}
	if pp > 0 {
		s.P = tp / pp
	}
	if tt > 0 {
		s.R = tp / tt
	}
	s.F1 = 2 * s.P * s.R / (s.P + s.R)
	s.B3 = 2 * bp * br / (bp + br)
	return s
}

func isAttack(t string) bool { return !strings.HasPrefix(t, "benign:") }
func anyTruth(string) bool   { return true }

// half splits instances in two by a hash of their label, with the benign
// clusters of an instance on its side.
func half(label string, n uint32) bool {
	label = strings.TrimPrefix(label, "benign:")
	label, _, _ = strings.Cut(label, "/")
	h := fnv.New32a()
	fmt.Fprint(h, n, label)
	return h.Sum32()>>7&1 == 0
}

func predicted(ps []Placement) []int64 {
	out := make([]int64, len(ps))
	for i := range ps {
		out[i] = ps[i].IncidentID
	}
	return out
}

func TestBenchmark(t *testing.T) {
	alerts, truths := readBench(t)
	ps := predicted(Replay(alerts, DefaultPolicy()))
	attack, all := scoreOf(truths, ps, isAttack), scoreOf(truths, ps, anyTruth)
	t.Logf("attack %v", attack)
	t.Logf("all    %v", all)
	for n := range uint32(2) {
		for _, side := range []bool{true, false} {
			keep := func(l string) bool { return half(l, n) == side }
			t.Logf("split %d side %-5v attack %v   all %v", n, side,
				scoreOf(truths, ps, func(l string) bool { return keep(l) && isAttack(l) }), scoreOf(truths, ps, keep))
		}
	}
}
