package app

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// The example attack comes apart under a high threshold, and the command says
// so with names; the data folder stays as it was.
func TestTryCorrelation(t *testing.T) {
	a, err := New(context.Background(), Config{Data: t.TempDir(), Now: func() time.Time { return time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop(context.Background())
	if _, err := a.LoadExample(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := incidents(t, a)
	var plain, b bytes.Buffer
	if err := a.TryCorrelation(context.Background(), 30, nil, &plain); err != nil || !strings.Contains(plain.String(), "incidents as set now: ") || strings.Contains(plain.String(), "split") {
		t.Errorf("%v\n%s", err, &plain)
	}
	if err := a.TryCorrelation(context.Background(), 30, strings.NewReader(`{"policy": {"join": 1.6, "merge": 2}}`), &b); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); !strings.HasPrefix(out, plain.String()) || strings.Contains(out, "split: 0\n") || !strings.Contains(out, "merged: 0\n") || !strings.Contains(out, "\nsplit\n  ") || !strings.Contains(out, "  weight 1.") {
		t.Error(out)
	}
	if after := incidents(t, a); len(after) != len(before) {
		t.Errorf("%d incidents became %d", len(before), len(after))
	}
	if err := a.TryCorrelation(context.Background(), 30, strings.NewReader(`{"join": 1.6}`), &b); tocsin.CodeOf(err) != tocsin.CodeInvalid || !strings.Contains(err.Error(), "join") {
		t.Error(err)
	}
}
