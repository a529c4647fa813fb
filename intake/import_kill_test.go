package intake

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// childEnv makes this test binary an importer that its parent may kill.
const childEnv = "TOCSIN_IMPORT_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		os.Exit(importChild(spec))
	}
	os.Exit(m.Run())
}

// childSpec is what the parent tells the child.
type childSpec struct {
	Lake, Data, Alerts string
	DieAt              int // step at which the child kills itself; 0 for never
}

// importChild imports and prints a line at each step, so that the parent knows
// when to strike.
func importChild(text string) int {
	var spec childSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		fmt.Println("error:", err)
		return 2
	}
	steps := 0
	step := func(what string) {
		fmt.Println(what)
		if steps++; steps == spec.DieAt {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	ctx := context.Background()
	l, err := lake.Open(ctx, lake.Config{Dir: spec.Lake, MemoryLimit: "1GB", Threads: 1})
	if err != nil {
		fmt.Println("error:", err)
		return 2
	}
	eng := testEngine(&testing.T{})
	in := New(l, func() *detect.Engine { return eng }, func(_ context.Context, alerts []tocsin.Alert) ([]cases.Accepted, error) {
		step("before accept")
		// As the store would: durable first, then the answer.
		f, err := os.OpenFile(spec.Alerts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		var b strings.Builder
		for _, a := range alerts {
			fmt.Fprintf(&b, "%q %d %s\n", a.ExternalID, a.Count, a.DeliveryID)
		}
		f.WriteString(b.String())
		if err := f.Sync(); err != nil {
			return nil, err
		}
		step("after accept")
		return make([]cases.Accepted, len(alerts)), nil
	}, Config{Commit: 250, Limits: hostileLimits})
	if _, err := in.Import(ctx, []string{spec.Data}, func(Progress) { step("commit") }); err != nil {
		fmt.Println("error:", err)
		return 2
	}
	if err := l.Close(); err != nil {
		fmt.Println("error:", err)
		return 2
	}
	fmt.Println("done")
	return 0
}

// TestImportSurvivesKill kills importers at many points and lets the next take
// over; in the end everything is there once.
func TestImportSurvivesKill(t *testing.T) {
	data := t.TempDir()
	hostileFolder(t, data)
	write(t, data, "big.json", []byte(beats("WS9", 4000)))
	write(t, data, "nested.zip", zipOf(t, member{name: "x.json", body: beats("WS8", 900)}, member{name: "y.json", body: beats("WS7", 10)}))

	calm := childSpec{Lake: t.TempDir(), Data: data, Alerts: filepath.Join(t.TempDir(), "alerts")}
	steps, finished := runChild(t, calm, -1)
	if !finished || steps < 10 {
		t.Fatalf("undisturbed import: %d steps, finished %v", steps, finished)
	}
	want := leftBy(t, calm)

	rng := rand.New(rand.NewPCG(1, 2))
	torn := childSpec{Lake: t.TempDir(), Data: data, Alerts: filepath.Join(t.TempDir(), "alerts")}
	kills := 0
	for round := 0; ; round++ {
		if round > 100 {
			t.Fatal("the import never ends")
		}
		after := -1
		torn.DieAt = 0
		switch {
		case kills >= 12:
		case round%2 == 0:
			torn.DieAt = 1 + rng.IntN(6) // exactly at a step
		default:
			after = rng.IntN(6) // somewhere behind it, as it comes
		}
		_, finished := runChild(t, torn, after)
		if finished {
			break
		}
		kills++
	}
	t.Logf("%d kills", kills)
	if kills < 5 {
		t.Errorf("only %d kills: the test says little", kills)
	}
	if diff := cmp.Diff(want, leftBy(t, torn)); diff != "" {
		t.Errorf("undisturbed against killed:\n%s", diff)
	}
}

// runChild runs an importer; with after >= 0 it kills it behind that many lines.
func runChild(t *testing.T, spec childSpec, after int) (lines int, finished bool) {
	t.Helper()
	text, _ := json.Marshal(spec)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(out)
	for {
		if lines == after {
			cmd.Process.Kill()
		}
		if !sc.Scan() {
			break
		}
		lines++
		if line := sc.Text(); strings.HasPrefix(line, "error:") {
			t.Fatalf("child: %s", line)
		} else if line == "done" {
			finished = true
		}
	}
	cmd.Wait()
	return lines, finished
}

// leftBy reads what importers left in a lake and an alert file.
func leftBy(t *testing.T, spec childSpec) totals {
	t.Helper()
	w := newWorld(t, spec.Lake, Config{})
	got := w.totals(t)
	got.Alerts = map[string]int{}
	b, err := os.ReadFile(spec.Alerts)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		var id, delivery string
		var count int
		if _, err := fmt.Sscanf(line, "%q %d %s", &id, &count, &delivery); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !seen[delivery] {
			seen[delivery] = true
			got.Alerts[id] += count
		}
	}
	return got
}
