package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/detect"
)

const countingRules = `title: Failed logon
id: 22222222-0000-4000-8000-000000000001
name: failed_logon
status: test
level: low
logsource: {product: m365_defender, service: IdentityLogonEvents}
detection:
  sel: {ActionType: LogonFailed}
  condition: sel
---
title: Many failed logons
id: 22222222-0000-4000-8000-000000000002
status: test
level: high
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [AccountUpn]
  timespan: 10m
  condition: {gte: 5}
`

func countingEngine(t testing.TB) *detect.Engine {
	t.Helper()
	set, rep := detect.LoadFiles([]detect.RuleFile{{Path: "r.yml", Data: []byte(countingRules)}})
	if rep.Loaded != 2 {
		t.Fatal(rep.String())
	}
	return detect.NewEngine(set)
}

func logons(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"Timestamp":"2025-05-01T10:00:%02dZ","ActionType":"LogonFailed","AccountUpn":"ann@corp.example","ReportId":"r%d"}`+"\n", i, i)
	}
	return b.String()
}

// The alert of a correlation rule comes once, although its hits are spread over
// bodies, over restarts, and over a delivery whose answer was lost.
func TestDrainCountsOverRestarts(t *testing.T) {
	ctx := context.Background()
	dir, state := t.TempDir(), t.TempDir()
	log := newAlertLog()
	eng := countingEngine(t)
	lost := errors.New("the answer was lost")
	for run := range 4 {
		func() {
			w := newWorld(t, fmt.Sprintf("%s/%d", dir, 0), Config{StateDir: state})
			defer w.lake.Close()
			w.engine = func() *detect.Engine { return eng }
			w.accept = func(ctx context.Context, alerts []tocsin.Alert) ([]cases.Accepted, error) {
				out, err := log.accept(ctx, alerts)
				if err == nil && run == 2 { // stored, but nobody hears of it
					return nil, lost
				}
				return out, err
			}
			if run < 3 {
				if _, err := w.Events(ctx, "IdentityLogonEvents", strings.NewReader(logons(2*run, 2*run+2)), EventsOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.Drain(ctx); err != nil && !(run == 2 && errors.Is(err, lost)) {
				t.Fatalf("run %d: %v", run, err)
			}
		}()
	}
	many := 0
	for _, a := range log.alerts {
		if a.DetectorID == "22222222-0000-4000-8000-000000000002" {
			many++
		}
	}
	// The fifth failure completes the count and the sixth repeats it.
	if many != 2 {
		t.Errorf("the correlation rule was delivered %d times, want 2", many)
	}
	for id, n := range log.ids {
		t.Logf("%s: %d", id, n)
	}
}

// A failure of the cases in the middle loses no alert of a correlation rule.
func TestDrainAfterFailure(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, t.TempDir(), Config{StateDir: t.TempDir()})
	eng := countingEngine(t)
	w.engine = func() *detect.Engine { return eng }
	send := func(from, to int) {
		if _, err := w.Events(ctx, "IdentityLogonEvents", strings.NewReader(logons(from, to)), EventsOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	send(0, 3)
	if _, err := w.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	send(3, 5)
	w.log.fail = errors.New("the cases are away")
	if _, err := w.Drain(ctx); !errors.Is(err, w.log.fail) {
		t.Fatal(err)
	}
	w.log.fail = nil
	if got, err := w.Drain(ctx); err != nil || got.New != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if len(w.log.alerts) != 1 {
		t.Errorf("%d alerts delivered, want the one of the correlation rule", len(w.log.alerts))
	}
}

func TestDrainWaitsForRules(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, t.TempDir(), Config{})
	if _, err := w.Events(ctx, "EmailEvents", strings.NewReader(mailRow(1, "invoice")+"\n"), EventsOptions{}); err != nil {
		t.Fatal(err)
	}
	eng := w.engine()
	w.engine = func() *detect.Engine { return nil }
	if got, err := w.Drain(ctx); err != nil || got.New != 0 {
		t.Errorf("without rules: %+v, %v", got, err)
	}
	w.engine = func() *detect.Engine { return eng }
	if got, err := w.Drain(ctx); err != nil || got.New != 1 {
		t.Errorf("with rules: %+v, %v", got, err)
	}
	if got, err := w.Drain(ctx); err != nil || got.New+got.Repeated != 0 {
		t.Errorf("again: %+v, %v", got, err)
	}
}

// Run hands on what it finds at its start and what comes while it runs.
func TestRun(t *testing.T) {
	w := newWorld(t, t.TempDir(), Config{})
	ctx, cancel := context.WithCancel(context.Background())
	taken := make(chan int, 10)
	w.accept = func(ctx context.Context, alerts []tocsin.Alert) ([]cases.Accepted, error) {
		out, err := w.log.accept(ctx, alerts)
		taken <- len(alerts)
		return out, err
	}
	send := func(n int) {
		if _, err := w.Events(ctx, "EmailEvents", strings.NewReader(mailRow(n, "invoice")+"\n"), EventsOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	send(1)
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	if n := <-taken; n != 1 {
		t.Errorf("at start: %d", n)
	}
	send(2)
	if n := <-taken; n != 1 {
		t.Errorf("while running: %d", n)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("run ended with %v", err)
	}
}
