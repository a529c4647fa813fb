package api

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/tocsinhq/tocsin/lake"
)

// huntHouse is a house with a lake, in which DeviceProcessEvents has a row for
// each second of the last half hour and IdentityInfo none.
func huntHouse(t testing.TB, rows int) *house {
	t.Helper()
	var l *lake.Lake
	h := open(t, func(cfg *Config) {
		var err error
		l, err = lake.Open(context.Background(), lake.Config{Dir: t.TempDir(), Now: cfg.Now, Log: slog.New(slog.DiscardHandler), Threads: 2, MemoryLimit: "512MB"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		cfg.Lake = l
	})
	h.api.cfg.Hunting = &Hunter{Engine: l, Store: h.store, Now: h.clock.now, Log: h.api.log}
	b, err := l.NewBatch("DeviceProcessEvents")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := b.AppendJSON(fmt.Appendf(nil, `{"Timestamp":"2026-11-20T08:%02d:%02d.5Z","DeviceId":"device-%d","ReportId":%d,"FileName":"program-%d.exe","ProcessId":%d,"IsInitiatingProcessRemoteSession":%v,"AdditionalFields":{"n":%d}}`,
			i/60%60, i%60, i%5, i, i%9, i, i%2 == 0, i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Append(t.Context(), lake.Write{Batches: []*lake.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	return h
}
